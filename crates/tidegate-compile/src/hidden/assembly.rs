//! What a function's assembly writes, followed statement by statement. Where paths meet, only what
//! is the same on all of them is known; of what a loop changes nothing is.

use alloy_primitives::{U256, hex};
use serde_json::Value as Json;

use super::constant::{list, text};
use super::names::{Name, References, State, references};
use super::value::{Value, hash, made, number};

/// Something that assembly places in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Write {
    /// The variable that points into storage and is given its slot; a word if there is none.
    pub(super) pointer: Option<u64>,
    pub(super) slot: Value,
}

/// What assembly asks of what is around it.
pub(super) trait Around {
    /// What a variable or constant outside assembly is, where a block begins.
    fn value(&self, declaration: u64) -> Value;
    /// What lies at the hash of a variable's slot, after so many hashes, the last one over so many
    /// words: nothing of the variable, unless it is `Some`; whether it is a list.
    fn behind(&self, variable: u64, hashes: usize, words: usize) -> Option<bool>;
}

pub(super) struct Block<'a, A> {
    around: &'a A,
    references: References,
    state: State,
    pub(super) writes: Vec<Write>,
}

impl<'a, A: Around> Block<'a, A> {
    /// Follows a block from its beginning.
    pub(super) fn follow(around: &'a A, block: &Json) -> Vec<Write> {
        let references = references(block);
        let mut own = Self { around, references, state: State::default(), writes: Vec::new() };
        if let Some(tree) = block.get("AST") {
            own.statement(tree);
        }
        own.writes
    }

    fn statement(&mut self, node: &Json) {
        match text(node, "nodeType").unwrap_or_default() {
            "YulBlock" => {
                list(node, "statements").iter().for_each(|inner| self.statement(inner));
                for inner in list(node, "statements") {
                    for name in list(inner, "variables").iter().filter_map(|n| text(n, "name")) {
                        self.state.known.remove(&Name::Own(name.to_owned()));
                    }
                }
            }
            "YulVariableDeclaration" => {
                let value = node.get("value").filter(|value| !value.is_null());
                let value = value.map_or(Value::Constant(U256::ZERO), |value| self.value(value));
                let names = list(node, "variables");
                for name in names.iter().filter_map(|name| text(name, "name")) {
                    let value = if names.len() == 1 { value } else { Value::Unknown };
                    self.state.known.insert(Name::Own(name.to_owned()), value);
                }
            }
            "YulAssignment" => {
                let value = node.get("value").map_or(Value::Unknown, |value| self.value(value));
                let targets = list(node, "variableNames");
                for target in targets {
                    let value = if targets.len() == 1 { value } else { Value::Unknown };
                    self.assign(target, value);
                }
            }
            "YulExpressionStatement" => {
                node.get("expression").map(|inner| self.value(inner));
            }
            "YulIf" => {
                node.get("condition").map(|condition| self.value(condition));
                self.branches(node.get("body").into_iter(), true);
            }
            "YulSwitch" => {
                node.get("expression").map(|inner| self.value(inner));
                let cases = list(node, "cases");
                let is_open = !cases.iter().any(|case| text(case, "value") == Some("default"));
                self.branches(cases.iter().filter_map(|case| case.get("body")), is_open);
            }
            "YulForLoop" => self.repeat(node),
            "YulFunctionDefinition" => {
                let outside = std::mem::take(&mut self.state);
                node.get("body").into_iter().for_each(|body| self.forget(body));
                node.get("body").into_iter().for_each(|body| self.statement(body));
                self.state = outside;
            }
            _ => {}
        }
    }

    /// Follows each way from here; where they meet again, what is the same on all is known.
    fn branches<'j>(&mut self, bodies: impl Iterator<Item = &'j Json>, is_open: bool) {
        let before = self.state.clone();
        let mut met = is_open.then(|| before.clone());
        for body in bodies {
            self.state = before.clone();
            self.statement(body);
            let end = std::mem::take(&mut self.state);
            met = Some(match met {
                Some(met) => met.meet(&end),
                None => end,
            });
        }
        self.state = met.unwrap_or(before);
    }

    fn repeat(&mut self, node: &Json) {
        node.get("pre").into_iter().for_each(|pre| {
            list(pre, "statements").iter().for_each(|inner| self.statement(inner));
        });
        let parts = ["condition", "body", "post"].map(|key| node.get(key));
        parts.into_iter().flatten().for_each(|part| self.forget(part));
        for part in parts.into_iter().flatten() {
            match text(part, "nodeType") {
                Some("YulBlock") => self.statement(part),
                _ => drop(self.value(part)),
            }
        }
        parts.into_iter().flatten().for_each(|part| self.forget(part));
        for inner in node.get("pre").map_or(&[][..], |pre| list(pre, "statements")) {
            for name in list(inner, "variables").iter().filter_map(|name| text(name, "name")) {
                self.state.known.remove(&Name::Own(name.to_owned()));
            }
        }
    }

    /// Nothing is known any more of what a piece of code may change.
    fn forget(&mut self, node: &Json) {
        self.state.memory.clear();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if text(node, "nodeType") == Some("YulAssignment") {
                for target in list(node, "variableNames") {
                    let name = self.name(target);
                    self.state.known.insert(name, Value::Unknown);
                }
            }
            match node {
                Json::Object(fields) => open.extend(fields.values()),
                Json::Array(nodes) => open.extend(nodes),
                _ => {}
            }
        }
    }

    fn name(&self, node: &Json) -> Name {
        let outside = text(node, "src").and_then(|src| self.references.get(src));
        let own = || Name::Own(text(node, "name").unwrap_or_default().to_owned());
        outside.cloned().unwrap_or_else(own)
    }

    fn assign(&mut self, target: &Json, value: Value) {
        let name = self.name(target);
        if let Name::Slot(variable) = name {
            self.writes.push(Write { pointer: Some(variable), slot: value });
        }
        self.state.known.insert(name, value);
    }

    fn value(&mut self, node: &Json) -> Value {
        match text(node, "nodeType").unwrap_or_default() {
            "YulLiteral" => literal(node).map_or(Value::Unknown, Value::Constant),
            "YulIdentifier" => {
                let name = self.name(node);
                let known = self.state.known.get(&name).copied();
                known.unwrap_or_else(|| match name {
                    Name::Outside(id) => self.around.value(id),
                    Name::Slot(variable) => Value::At { variable, more: U256::ZERO },
                    Name::Own(_) | Name::Other => Value::Unknown,
                })
            }
            "YulFunctionCall" => {
                let name = node.get("functionName").and_then(|name| text(name, "name"));
                // The last operand is computed first.
                let operands = list(node, "arguments").iter().rev();
                let mut operands: Vec<_> = operands.map(|operand| self.value(operand)).collect();
                operands.reverse();
                self.call(name.unwrap_or_default(), &operands)
            }
            _ => Value::Unknown,
        }
    }

    fn call(&mut self, name: &str, operands: &[Value]) -> Value {
        match (name, operands) {
            ("sstore", [slot, _]) => {
                self.writes.push(Write { pointer: None, slot: *slot });
                Value::Unknown
            }
            ("mstore", [at, word]) => {
                self.state.put(*at, *word);
                Value::Unknown
            }
            ("mload", [at]) => self.state.word(*at),
            ("keccak256", [at, length]) => self.hash(*at, *length),
            _ if NO_MEMORY.split(' ').any(|known| known == name) => made(name, operands),
            _ => {
                self.state.memory.clear();
                Value::Unknown
            }
        }
    }

    fn hash(&self, at: Value, length: Value) -> Value {
        let (Value::Constant(at), Value::Constant(length)) = (at, length) else {
            return Value::Unknown;
        };
        let words = match u8::try_from(length) {
            Ok(32) => 1_u64,
            Ok(64) => 2,
            _ => return Value::Unknown,
        };
        let place = |word: u64| Value::Constant(at.wrapping_add(U256::from(word * 32)));
        let words: Vec<_> = (0..words).map(|word| self.state.word(place(word))).collect();
        if let Some(hash) = hash(&words) {
            return Value::Constant(hash);
        }
        let (variable, hashes) = match words.last() {
            Some(Value::At { variable, more }) if more.is_zero() => (*variable, 1),
            Some(Value::Behind { variable, hashes, .. }) => (*variable, hashes + 1),
            _ => return Value::Unknown,
        };
        match self.around.behind(variable, hashes, words.len()) {
            Some(is_list) => Value::Behind { variable, hashes, is_list },
            None => Value::Unknown,
        }
    }
}

/// Instructions that write no memory. What is none of them, a function of the block for one, may.
const NO_MEMORY: &str = "add addmod address and balance basefee blobbasefee blobhash blockhash \
    byte calldataload calldatasize caller callvalue chainid clz codesize coinbase \
    difficulty div eq exp extcodehash extcodesize gas gaslimit gasprice gt iszero \
    log0 log1 log2 log3 log4 lt mod msize mul mulmod not number or origin pop \
    prevrandao returndatasize sar sdiv selfbalance sgt shl shr signextend sload slt \
    smod sub timestamp tload tstore xor";

fn literal(node: &Json) -> Option<U256> {
    match text(node, "kind")? {
        "number" => number(text(node, "value")?),
        "bool" => Some(U256::from(text(node, "value")? == "true")),
        "string" => {
            let bytes = hex::decode(text(node, "hexValue")?).ok()?;
            let mut word = [0; 32];
            word.get_mut(..bytes.len())?.copy_from_slice(&bytes);
            Some(U256::from_be_bytes(word))
        }
        _ => None,
    }
}
