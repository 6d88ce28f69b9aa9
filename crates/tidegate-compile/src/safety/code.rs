//! The code of functions, reduced to what is asked of it: calls, and the statements of a body.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::annotations::{ALLOW, is_noted};
use super::texts::Texts;

/// A piece of code. It is read without recursion: code may be nested as deep as a compiler bears.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// Every call in it.
    pub(crate) calls: Vec<Call>,
    /// Of a body, its own statements.
    pub(crate) statements: Vec<Statement>,
    /// The types that it names.
    pub(crate) types: BTreeSet<u64>,
    /// What of it is kept as it is written, to see what it places in storage.
    pub(crate) texts: Texts,
}

/// A call.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Where it stands, as the compiler says it.
    pub(crate) src: String,
    pub(crate) opcode: Option<Opcode>,
    /// The function, where the call names one.
    pub(crate) function: Option<i64>,
    /// The documentation of all that is around it, where that allows something.
    pub(crate) notes: Vec<String>,
}

/// A call that an implementation must not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Delegatecall,
    Selfdestruct,
}

/// A statement that is a call of a function by its name, or any other one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) call: Option<StatementCall>,
    pub(crate) note: String,
}

/// A call that is a statement.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct StatementCall {
    pub(crate) src: String,
    pub(crate) function: Option<i64>,
}

/// A node that is being read.
#[derive(Debug, Default)]
pub(super) struct Open<'a> {
    pub(super) id: u64,
    /// Where it stands in the node around it.
    pub(super) key: String,
    pub(super) is_list: bool,
    pub(super) is_statement: bool,
    /// Where its text begins.
    start: usize,
    /// Whether it is what an assignment changes, or an operator that has one operand.
    pub(super) is_target: bool,
    /// The variables that it declares, and the text of the expression in it.
    pub(super) declares: Vec<u64>,
    pub(super) text_in_it: Option<&'a str>,
    pub(super) node: Expression,
    name: String,
    /// Of a call in assembly, what it calls.
    function: String,
    text: String,
    note: String,
    /// Of assembly, its text as the compiler writes it, where that gives no syntax tree of it.
    operations: String,
    pub(super) inner: Option<Expression>,
    calls_before: usize,
}

/// What is asked of a node that stands in another one.
#[derive(Debug, Default, Clone)]
pub(super) struct Expression {
    pub(super) kind: String,
    pub(super) src: String,
    pub(super) type_id: String,
    pub(super) declaration: Option<i64>,
    /// The same of the expression in it, without what that has in it.
    inner: Option<Box<Expression>>,
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(raw.get()).ok_or_else(|| serde::de::Error::custom(Unreadable))
    }
}

struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the code of a function is no JSON")
    }
}

impl Code {
    /// Reads the JSON of a syntax tree.
    fn read(json: &str) -> Option<Self> {
        let mut code = Self::default();
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut key: Option<String> = None;
        let mut rest = json;
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.bytes().next() else { break };
            match first {
                b'{' | b'[' => {
                    let key = key.take();
                    let key = key.or_else(|| open.last().map(|list| list.key.clone()));
                    let depth = open.len();
                    let key = key.unwrap_or_default();
                    let changes = matches!(key.as_str(), "leftHandSide" | "subExpression");
                    let is_target = changes || open.last().is_some_and(|node| node.is_target);
                    open.push(Open {
                        key,
                        start: json.len() - rest.len(),
                        is_target,
                        is_list: first == b'[',
                        is_statement: first == b'{' && depth == 2 && open[1].key == "statements",
                        calls_before: code.calls.len(),
                        ..Open::default()
                    });
                    rest = &rest[1..];
                }
                b'}' | b']' => {
                    let done = open.pop()?;
                    rest = &rest[1..];
                    if !done.is_list {
                        let text = json.get(done.start..json.len() - rest.len())?;
                        let around = open.iter_mut().rev().find(|node| !node.is_list);
                        code.texts.take(&done, text, around);
                        code.close(done, &mut open);
                    }
                }
                b',' | b':' => rest = &rest[1..],
                b'"' => {
                    let length = string_length(rest)?;
                    let (token, after) = rest.split_at(length);
                    rest = after.trim_start();
                    let in_object = open.last().is_some_and(|node| !node.is_list);
                    if in_object && key.is_none() && rest.starts_with(':') {
                        key = Some(token[1..length - 1].to_owned());
                    } else if let Some(key) = key.take()
                        && let Some(node) = open.last_mut()
                    {
                        node.take_text(&key, token)?;
                    }
                }
                _ => {
                    let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
                    let (token, after) = rest.split_at(end);
                    if let (Some(key), Some(node)) = (key.take(), open.last_mut()) {
                        node.take_number(&key, token.trim());
                    }
                    rest = after;
                }
            }
        }
        code.texts.finish(code.statements.len());
        open.is_empty().then_some(code)
    }

    /// Takes from a node that ends what is asked of it.
    fn close(&mut self, done: Open<'_>, open: &mut [Open<'_>]) {
        let Open {
            key,
            is_statement,
            node,
            name,
            function,
            text,
            note,
            operations,
            inner,
            calls_before,
            ..
        } = done;
        self.calls.extend(call_of(&node, inner.as_ref(), &function, &operations));
        self.texts.called(&node, inner.as_ref());
        if node.kind == "UserDefinedTypeName" {
            self.types.extend(node.declaration.and_then(|id| u64::try_from(id).ok()));
        }
        if is_noted(&note, &ALLOW) {
            self.calls[calls_before..].iter_mut().for_each(|call| call.notes.push(note.clone()));
        }
        if is_statement {
            let is_call = node.kind == "ExpressionStatement";
            let call = inner.as_ref().filter(|call| is_call && call.kind == "FunctionCall");
            let named =
                |inner: &&Expression| matches!(inner.kind.as_str(), "Identifier" | "MemberAccess");
            let call = call.and_then(|call| {
                let function = call.inner.as_deref().filter(named)?.declaration;
                Some(StatementCall { src: call.src.clone(), function })
            });
            self.statements.push(Statement { call, note });
        }
        let around = open.iter_mut().rev().find(|node| !node.is_list);
        let Some(around) = around else { return };
        match key.as_str() {
            "expression" => {
                let inner = inner.map(|inner| Box::new(Expression { inner: None, ..inner }));
                around.inner = Some(Expression { inner, ..node });
            }
            "typeDescriptions" => around.node.type_id = node.type_id,
            "documentation" => around.note = text,
            "functionName" => around.function = name,
            _ => {}
        }
    }
}

impl Open<'_> {
    /// Takes a text of the node, given as it is written.
    fn take_text(&mut self, key: &str, token: &str) -> Option<()> {
        let place = match key {
            "nodeType" => &mut self.node.kind,
            "src" => &mut self.node.src,
            "typeIdentifier" => &mut self.node.type_id,
            "name" => &mut self.name,
            "text" => &mut self.text,
            "documentation" => &mut self.note,
            "operations" => &mut self.operations,
            _ => return Some(()),
        };
        *place = serde_json::from_str(token).ok()?;
        Some(())
    }

    fn take_number(&mut self, key: &str, token: &str) {
        match key {
            "referencedDeclaration" | "declaration" | "function" => {
                self.node.declaration = token.parse().ok();
            }
            "id" => self.id = token.parse().unwrap_or_default(),
            _ => {}
        }
    }
}

/// The call that a node is, if it is one: `called` is what it calls in assembly, `operations` the
/// text of assembly.
fn call_of(
    node: &Expression,
    inner: Option<&Expression>,
    called: &str,
    operations: &str,
) -> Option<Call> {
    let (opcode, function) = match node.kind.as_str() {
        "FunctionCall" => {
            let type_id = inner.map_or("", |expression| &expression.type_id);
            (opcode(type_id), inner.and_then(|expression| expression.declaration))
        }
        "YulFunctionCall" if inner.is_none() && called == "selfdestruct" => {
            (Some(Opcode::Selfdestruct), None)
        }
        // Before 0.6.0.
        "InlineAssembly" if destroys(operations) => (Some(Opcode::Selfdestruct), None),
        // An operator that a function defines.
        "BinaryOperation" | "UnaryOperation" if node.declaration.is_some() => {
            (None, node.declaration)
        }
        // A function that is named without being called may be called later.
        "Identifier" | "MemberAccess" if node.declaration.is_some() && is_own_function(node) => {
            (None, node.declaration)
        }
        _ => return None,
    };
    Some(Call { src: node.src.clone(), opcode, function, notes: Vec::new() })
}

/// Whether the text of assembly has one of the names of `SELFDESTRUCT`, `suicide` in old sources.
fn destroys(operations: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.');
    let mut words = operations.split(|c| !is_name(c));
    words.any(|word| matches!(word, "selfdestruct" | "suicide"))
}

/// Whether an expression is a function whose code runs on the own storage.
fn is_own_function(node: &Expression) -> bool {
    let own = ["t_function_internal_", "t_function_delegatecall_"];
    own.iter().any(|start| node.type_id.starts_with(start))
}

fn opcode(type_id: &str) -> Option<Opcode> {
    if type_id.starts_with("t_function_baredelegatecall_") {
        Some(Opcode::Delegatecall)
    } else if type_id.starts_with("t_function_selfdestruct_") {
        Some(Opcode::Selfdestruct)
    } else {
        None
    }
}

/// The length of a text in JSON, with its quotes.
fn string_length(json: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"nodeType": "Block", "src": "1:2:0", "statements": [
        {"nodeType": "ExpressionStatement", "src": "2:1:0", "documentation":
            "@custom:oz-upgrades-unsafe-allow delegatecall", "expression":
            {"nodeType": "FunctionCall", "src": "3:1:0", "arguments": [
                {"nodeType": "FunctionCall", "src": "4:1:0", "expression":
                    {"nodeType": "Identifier", "name": "f", "referencedDeclaration": 7}}],
             "expression": {"nodeType": "MemberAccess", "memberName": "delegatecall", "expression":
                {"nodeType": "Identifier", "name": "a", "referencedDeclaration": 5},
                "typeDescriptions": {"typeIdentifier": "t_function_baredelegatecall_x",
                    "typeString": "function (bytes \"memory\")"}}}},
        {"nodeType": "InlineAssembly", "AST": {"nodeType": "YulBlock", "statements": [
            {"nodeType": "YulExpressionStatement", "expression": {"nodeType": "YulFunctionCall",
                "arguments": [], "functionName": {"nodeType": "YulIdentifier",
                "name": "selfdestruct"}, "src": "9:1:0"}}]}}]}"#;

    #[test]
    fn calls_and_statements_are_read() {
        let code: Code = serde_json::from_str(BODY).unwrap();
        let calls: Vec<_> = code.calls.iter().map(|c| (&*c.src, c.opcode, c.function)).collect();
        let expected = [
            ("4:1:0", None, Some(7)),
            ("3:1:0", Some(Opcode::Delegatecall), None),
            ("9:1:0", Some(Opcode::Selfdestruct), None),
        ];
        assert_eq!(calls, expected);
        assert_eq!(code.calls.iter().map(|c| c.notes.len()).collect::<Vec<_>>(), [1, 1, 0]);
        assert_eq!(code.statements.len(), 2);
        let call = StatementCall { src: "3:1:0".to_owned(), function: None };
        assert_eq!(code.statements[0].call, Some(call));
        assert_eq!(code.statements[1].call, None);
    }

    #[test]
    fn assembly_that_is_text_and_operators_of_functions_are_read() {
        let read = |operations: &str| {
            let json = r#"{"nodeType": "InlineAssembly", "operations": "OPS", "src": "1:2:0"}"#;
            Code::read(&json.replace("OPS", operations)).unwrap().calls
        };
        let destroys =
            ["{ selfdestruct(caller()) }", "{\\n    suicide(x)\\n}", "{ x selfdestruct }"];
        for operations in destroys {
            let [call] = &*read(operations) else { panic!("{operations}") };
            assert_eq!((&*call.src, call.opcode), ("1:2:0", Some(Opcode::Selfdestruct)));
        }
        for operations in ["{ let x := sload(0) }", "{ let selfdestructs := 1 }", ""] {
            assert_eq!(read(operations), []);
        }
        let json = r#"{"nodeType": "BinaryOperation", "src": "3:4:0", "function": 9,
            "leftExpression": {"nodeType": "UnaryOperation", "src": "5:1:0", "function": 8},
            "rightExpression": {"nodeType": "BinaryOperation", "src": "6:1:0"}}"#;
        let calls = Code::read(json).unwrap().calls;
        let called: Vec<_> = calls.iter().map(|call| call.function).collect();
        assert_eq!(called, [Some(8), Some(9)]);
    }

    #[test]
    fn depth_does_not_matter() {
        let depth = 100_000;
        let json = [r#"{"nodeType":"FunctionCall","expression":"#.repeat(depth), "1".to_owned()];
        let json = format!("{}{}", json.concat(), "}".repeat(depth));
        assert_eq!(Code::read(&json).unwrap().calls.len(), depth);
        assert_eq!(Code::read("{"), None);
    }
}
