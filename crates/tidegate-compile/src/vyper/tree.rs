//! A Vyper syntax tree, as far as it is read here: what a file declares. What functions do is
//! skipped unparsed, so that neither its size nor its nesting matters.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A file, or a declaration in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// `StructDef`, `VariableDecl` and so on.
    pub(super) kind: String,
    pub(super) name: Option<String>,
    /// The first and the last line.
    pub(super) lines: (u64, u64),
    /// The type of a variable or member.
    pub(super) annotation: Value,
    /// The variable or member.
    pub(super) target: Value,
    /// The value of a constant; in a list of names, the name.
    pub(super) value: Value,
    /// The parameters of a function.
    pub(super) args: Vec<Argument>,
    /// The declarations in a file, the members of a structure, the names of a flag.
    pub(super) body: Vec<Node>,
    /// Whether a variable is a constant.
    pub(super) constant: bool,
    /// What a file's pragmas say.
    pub(super) settings: Value,
}

/// A parameter of a function.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Argument {
    #[serde(default)]
    pub(super) annotation: Value,
}

impl Node {
    /// The declaration of this name and one of these kinds.
    pub(super) fn declared(&self, name: &str) -> Option<&Self> {
        const NAMED: [&str; 3] = ["StructDef", "FlagDef", "InterfaceDef"];
        self.body.iter().find(|node| {
            let variable = node.kind == VARIABLE && node.target["id"] == name;
            let named = NAMED.contains(&node.kind.as_str()) && node.name.as_deref() == Some(name);
            variable || named
        })
    }
}

/// The node type of a variable's declaration.
pub(super) const VARIABLE: &str = "VariableDecl";

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;
        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a node of a syntax tree")
            }

            /// The compiler sorts its keys, so a node's kind is known before what it holds.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                const HOLDERS: [&str; 3] = ["Module", "StructDef", "FlagDef"];
                const TYPED: [&str; 2] = [VARIABLE, "AnnAssign"];
                let mut node = Node::default();
                let mut kept = Value::Null;
                while let Some(key) = map.next_key::<String>()? {
                    let kind = node.kind.as_str();
                    match key.as_str() {
                        "ast_type" => node.kind = map.next_value()?,
                        "annotation" => kept = map.next_value()?,
                        "args" => node.args = arguments(map.next_value()?),
                        "body" if kind.is_empty() => return Err(Error::missing_field("ast_type")),
                        "body" if HOLDERS.contains(&kind) => node.body = map.next_value()?,
                        "value" | "target" if TYPED.contains(&kind) || kind == "Expr" => {
                            let place =
                                if key == "value" { &mut node.value } else { &mut node.target };
                            *place = map.next_value()?;
                        }
                        "name" => {
                            node.name = map.next_value::<Value>()?.as_str().map(str::to_owned);
                        }
                        "lineno" => node.lines.0 = map.next_value()?,
                        "end_lineno" => node.lines.1 = map.next_value()?,
                        "is_constant" => node.constant = map.next_value()?,
                        "settings" => node.settings = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                node.annotation = kept;
                Ok(node)
            }
        }
        deserializer.deserialize_map(NodeVisitor)
    }
}

/// The parameters of a function; other nodes have other things under that key.
fn arguments(mut value: Value) -> Vec<Argument> {
    let arguments = value.get_mut("args").map(Value::take).unwrap_or_default();
    serde_json::from_value(arguments).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_parameters_is_none() {
        for other in ["[1]", "null", "7", r#"{"args": 7}"#, "{}"] {
            assert!(arguments(serde_json::from_str(other).unwrap()).is_empty(), "{other}");
        }
    }

    #[test]
    fn functions_are_skipped_however_deep() {
        let deep = format!("{}1{}", "{\"left\":".repeat(1_000), "}".repeat(1_000));
        let text = format!(
            r#"{{"ast_type": "Module", "body": [
                {{"args": {{"args": [{{"annotation": {{"ast_type": "Name", "id": "address"}}}}]}},
                  "ast_type": "FunctionDef", "body": [{deep}], "end_lineno": 9, "lineno": 3,
                  "name": "f"}},
                {{"ast_type": "StructDef", "name": "S", "body": [
                    {{"annotation": {{"id": "uint8"}}, "ast_type": "AnnAssign",
                      "target": {{"id": "x"}}}}]}}], "settings": null}}"#
        );
        let module: Node = serde_json::from_str(&text).unwrap();
        let function = &module.body[0];
        assert_eq!((function.name.as_deref(), function.lines), (Some("f"), (3, 9)));
        assert_eq!(function.args[0].annotation["id"], "address");
        assert_eq!(module.declared("S").unwrap().body[0].target["id"], "x");
        assert!(module.declared("f").is_none());
        let late = r#"{"body": [], "ast_type": "Module"}"#;
        assert!(serde_json::from_str::<Node>(late).is_err(), "a body of nobody knows what");
    }
}
