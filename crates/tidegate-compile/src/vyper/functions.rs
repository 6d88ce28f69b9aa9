//! Vyper's source map: which function each byte of runtime code was made from.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_model::functions::{DATA, FunctionMap, GENERATED};

use super::tree::Node;

/// The parts of a source map that are read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SourceMap {
    /// Source and node of an instruction, by its place.
    pc_ast_map: BTreeMap<String, (i64, i64)>,
    /// Its first line, column, last line and column.
    pc_pos_map: BTreeMap<String, Option<(u64, u64, u64, u64)>>,
}

/// A source with what it declares, by the number that source maps have for it.
pub(super) type Sources<'a> = BTreeMap<i64, (&'a str, &'a Node)>;

/// The functions of this runtime code, whose last bytes are data. An instruction that the map
/// leaves out belongs to the one before it. Empty where there is no map.
pub(super) fn of_code(length: usize, data: usize, map: &SourceMap, all: &Sources) -> FunctionMap {
    let mut starts: BTreeMap<usize, String> = BTreeMap::new();
    for (at, (source, _)) in &map.pc_ast_map {
        let Ok(start) = at.parse() else { return FunctionMap::default() };
        let line = map.pc_pos_map.get(at).copied().flatten().map(|(line, ..)| line);
        let name = line.and_then(|line| function(all.get(source)?, line));
        starts.insert(start, name.unwrap_or_else(|| GENERATED.to_owned()));
    }
    if starts.is_empty() {
        return FunctionMap::default();
    }
    let end = length.saturating_sub(data);
    let mut runs = Vec::new();
    let (mut at, mut name) = (0, GENERATED);
    for (start, next) in starts.range(..end) {
        runs.push((start - at, name));
        (at, name) = (*start, next);
    }
    runs.push((end - at, name));
    runs.push((length - end, DATA));
    FunctionMap::new(runs)
}

/// `Contract.function(types)` around a line.
fn function((contract, tree): &(&str, &Node), line: u64) -> Option<String> {
    let around = |node: &&Node| (node.lines.0..=node.lines.1).contains(&line);
    let node = tree.body.iter().filter(|node| node.kind == "FunctionDef").find(around)?;
    let types: Vec<String> =
        node.args.iter().map(|argument| shown(&argument.annotation, 0)).collect();
    Some(format!("{contract}.{}({})", node.name.as_deref()?, types.join(",")))
}

/// The deepest nesting of a type that is written out.
const DEPTH_MAX: usize = 8;

/// A type as it is written.
fn shown(kind: &serde_json::Value, depth: usize) -> String {
    let inner = |kind| shown(kind, depth + 1);
    match kind["ast_type"].as_str() {
        Some("Name") => kind["id"].as_str().unwrap_or_default().to_owned(),
        Some("Int") => kind["value"].to_string(),
        Some("Attribute") => kind["attr"].as_str().unwrap_or_default().to_owned(),
        Some("Subscript") if depth < DEPTH_MAX => {
            format!("{}[{}]", inner(&kind["value"]), inner(&kind["slice"]))
        }
        Some("Tuple") if depth < DEPTH_MAX => {
            let items = kind["elements"].as_array().into_iter().flatten().map(inner);
            items.collect::<Vec<_>>().join(",")
        }
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_function_around_their_line() {
        let tree: Node = serde_json::from_str(
            r#"{"ast_type": "Module", "body": [
                {"args": {"args": [
                    {"annotation": {"ast_type": "Subscript", "value": {"ast_type": "Name",
                        "id": "DynArray"}, "slice": {"ast_type": "Tuple", "elements": [
                            {"ast_type": "Attribute", "attr": "S"}, {"ast_type": "Int",
                            "value": 3}]}}},
                    {"annotation": {"ast_type": "Name", "id": "address"}}]},
                 "ast_type": "FunctionDef", "lineno": 5, "end_lineno": 7, "name": "f"},
                {"args": {"args": []}, "ast_type": "FunctionDef", "lineno": 9, "end_lineno": 9,
                 "name": "g"}]}"#,
        )
        .unwrap();
        let sources = Sources::from([(1, ("C", &tree))]);
        let map: SourceMap = serde_json::from_str(
            r#"{"pc_ast_map": {"0": [1, 0], "4": [1, 9], "10": [1, 12], "12": [7, 1], "15": [1, 3],
                "90": [1, 3]},
                "pc_pos_map": {"0": [1, 0, 20, 1], "4": [6, 0, 6, 2], "10": [9, 1, 9, 2],
                "15": null, "90": [6, 0, 6, 2]}, "error_map": {}}"#,
        )
        .unwrap();
        let expected = FunctionMap::new([
            (4, GENERATED),
            (6, "C.f(DynArray[S,3],address)"),
            (2, "C.g()"),
            (5, GENERATED),
            (3, DATA),
        ]);
        assert_eq!(of_code(20, 3, &map, &sources), expected);
        assert!(of_code(20, 3, &SourceMap::default(), &sources).is_empty());
    }
}
