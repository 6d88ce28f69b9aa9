//! Reads the compiler's source map: which function each byte of runtime code was made from.

use std::collections::BTreeMap;

use tidegate_model::functions::{DATA, FunctionMap, GENERATED};
use tidegate_model::instructions::pushed_bytes;

use crate::ast::Node;
use crate::output::Output;

/// The functions, modifiers and variables of all sources, by the number source maps have for it.
#[derive(Debug, Default)]
pub(crate) struct SourceFunctions {
    by_source: BTreeMap<i64, Vec<Definition>>,
}

#[derive(Debug)]
struct Definition {
    start: usize,
    end: usize,
    name: String,
}

impl SourceFunctions {
    pub(crate) fn new(build: &Output) -> Self {
        let mut functions = Self::default();
        for source in build.sources.values() {
            let (Some(id), Some(tree)) = (source.id, source.ast.as_ref()) else { continue };
            let definitions = functions.by_source.entry(id).or_default();
            for node in &tree.nodes {
                definitions.extend(definition(node, None));
                definitions.extend(node.nodes.iter().filter_map(|n| definition(n, Some(node))));
            }
            definitions.sort_unstable_by_key(|definition| definition.start);
        }
        functions
    }

    /// The functions of this runtime code. Empty where the map is missing or does not fit.
    pub(crate) fn of_code(&self, code: &[u8], source_map: &str) -> FunctionMap {
        if source_map.is_empty() {
            return FunctionMap::default();
        }
        let mut runs = Vec::new();
        let mut at = 0;
        let mut place = Place::default();
        for entry in source_map.split(';') {
            let (Some(next), Some(opcode)) = (place.next(entry), code.get(at)) else {
                return FunctionMap::default();
            };
            place = next;
            let length = (1 + pushed_bytes(*opcode)).min(code.len() - at);
            runs.push((length, self.name(place)));
            at += length;
        }
        runs.push((code.len() - at, DATA));
        FunctionMap::new(runs)
    }

    /// Definitions do not overlap, so the last that starts before a place is the only candidate.
    fn name(&self, place: Place) -> &str {
        let definition = self.by_source.get(&place.source).and_then(|definitions| {
            let after = definitions.partition_point(|d| d.start <= place.start);
            definitions.get(after.checked_sub(1)?)
        });
        let inside = |d: &&Definition| place.start.saturating_add(place.length) <= d.end;
        definition.filter(inside).map_or(GENERATED, |definition| &definition.name)
    }
}

/// One entry of the source map; a field left out is that of the entry before.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    length: usize,
    source: i64,
}

impl Default for Place {
    fn default() -> Self {
        Self { start: 0, length: 0, source: -1 }
    }
}

impl Place {
    /// The next entry, `start:length:source:jump:depth`, of which the first three matter. Code
    /// without a source has -1 everywhere.
    fn next(self, entry: &str) -> Option<Self> {
        let mut fields = entry.split(':').map(|field| match field {
            "" => Ok(None),
            field => field.parse::<i64>().map(Some),
        });
        let mut field = || fields.next().unwrap_or(Ok(None)).ok();
        let bytes = |field: Option<i64>, before| match field {
            Some(value) => usize::try_from(value).unwrap_or_default(),
            None => before,
        };
        let (start, length, source) = (field()?, field()?, field()?);
        Some(Self {
            start: bytes(start, self.start),
            length: bytes(length, self.length),
            source: source.unwrap_or(self.source),
        })
    }
}

fn definition(node: &Node, contract: Option<&Node>) -> Option<Definition> {
    let parameters = || {
        let list = node.parameters.as_ref().map(|list| list.parameters.as_slice());
        let types: Vec<_> = list.unwrap_or_default().iter().map(parameter).collect();
        types.join(",")
    };
    let short = match node.node_type.as_str() {
        "FunctionDefinition" => {
            let kind = node.kind.as_deref().unwrap_or_default();
            let name = if node.name.is_empty() { kind } else { &node.name };
            format!("{name}({})", parameters())
        }
        "ModifierDefinition" | "VariableDeclaration" => node.name.clone(),
        _ => return None,
    };
    let name = contract.map_or_else(|| short.clone(), |c| format!("{}.{short}", c.name));
    let mut fields = node.src.split(':').map(str::parse);
    let (start, length): (usize, usize) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Definition { start, end: start.checked_add(length)?, name })
}

/// A parameter's type without the word that says what kind of type it is.
fn parameter(node: &Node) -> &str {
    let label = node.type_name.as_ref().map(|name| name.label()).unwrap_or_default();
    let kinds = ["contract ", "struct ", "enum "];
    kinds.iter().find_map(|kind| label.strip_prefix(kind)).unwrap_or(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::parse;

    const ANSWER: &str = r#"{"sources": {"a.sol": {"id": 3, "ast": {
        "id": 9, "nodeType": "SourceUnit", "nodes": [
            {"id": 1, "nodeType": "FunctionDefinition", "name": "free", "src": "0:10:3"},
            {"id": 2, "nodeType": "ContractDefinition", "name": "C", "src": "20:80:3", "nodes": [
                {"id": 4, "nodeType": "FunctionDefinition", "name": "", "kind": "receive",
                    "src": "30:10:3", "parameters": {"parameters": []}},
                {"id": 5, "nodeType": "FunctionDefinition", "name": "f", "src": "50:10:3",
                    "parameters": {"parameters": [
                        {"id": 6, "nodeType": "VariableDeclaration", "name": "x", "typeName":
                            {"nodeType": "UserDefinedTypeName",
                            "typeDescriptions": {"typeString": "contract IERC20"}}},
                        {"id": 7, "nodeType": "VariableDeclaration", "name": "y", "typeName":
                            {"nodeType": "ElementaryTypeName",
                            "typeDescriptions": {"typeString": "uint256"}}}]}},
                {"id": 8, "nodeType": "ModifierDefinition", "name": "m", "src": "70:10:3"}]}]}}}}"#;

    #[test]
    fn every_instruction_has_the_function_around_its_source() {
        let functions = SourceFunctions::new(&parse(ANSWER.as_bytes()).unwrap());
        // PUSH2, ADD, PUSH1, STOP four times, two bytes of data.
        let code = [0x61, 1, 2, 0x01, 0x60, 3, 0, 0, 0, 0, 0, 0xfe, 0xfe];
        let map = "20:80:3:-:0;50:10;52:3;:::i:0;59:2;0:4;-1:-1:-1;72:1:3;30:3:3";
        let map = functions.of_code(&code, map);
        let expected = FunctionMap::new([
            (3, GENERATED),
            (1, "C.f(IERC20,uint256)"),
            (2, "C.f(IERC20,uint256)"),
            (1, "C.f(IERC20,uint256)"),
            (1, GENERATED),
            (1, "free()"),
            (1, GENERATED),
            (1, "C.m"),
            (1, "C.receive()"),
            (1, DATA),
        ]);
        assert_eq!(map, expected);
    }

    #[test]
    fn a_map_that_does_not_fit_is_none() {
        let functions = SourceFunctions::new(&parse(ANSWER.as_bytes()).unwrap());
        for (code, map) in [
            (&[0x60, 1][..], ""),
            (&[0x60, 1], "50:1:3;50:1:3"),
            (&[0x60, 1], "x:1:3"),
            (&[0x60, 1], "99999999999999999999:1:3"),
            (&[], "50:1:3"),
        ] {
            assert!(functions.of_code(code, map).is_empty(), "{map}");
        }
        // A push that the end of the code cuts short.
        assert_eq!(functions.of_code(&[0x61, 1], "50:1:3").at(1), Some("C.f(IERC20,uint256)"));
    }
}
