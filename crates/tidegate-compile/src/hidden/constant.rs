//! Constants of sources: the slots that they say.

use alloy_primitives::{B256, U256, hex, keccak256};
use serde_json::Value as Json;
use tidegate_model::slots::namespace_slot;

use super::value::number;
use crate::ast::{Declarations, Node};

/// How many constants and functions may lead to one value.
const STEPS_MAX: usize = 16;

/// What a constant expression is.
enum Known {
    Word(U256),
    Bytes(Vec<u8>),
}

/// The declarations by which expressions of a contract are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constants<'a> {
    pub(super) declarations: &'a Declarations<'a>,
    pub(super) contract: &'a Node,
}

impl<'a> Constants<'a> {
    /// The word that an expression is, in the compiler's JSON.
    pub(super) fn word(self, text: &str) -> Option<U256> {
        self.text(text, STEPS_MAX).and_then(Known::word)
    }

    /// The word that an expression is.
    pub(super) fn of(self, node: &Json) -> Option<U256> {
        self.expression(node, STEPS_MAX).and_then(Known::word)
    }

    /// The word that a constant is.
    pub(super) fn constant(self, id: u64) -> Option<U256> {
        self.declared(id, STEPS_MAX).and_then(Known::word)
    }

    fn text(self, text: &str, steps: usize) -> Option<Known> {
        self.expression(&serde_json::from_str(text).ok()?, steps)
    }

    fn declared(self, id: u64, steps: usize) -> Option<Known> {
        let node = self.declarations.get(id).filter(|node| node.constant)?;
        let known =
            self.text(node.value.as_ref()?.texts.value.as_deref()?, steps.checked_sub(1)?)?;
        let kind = node.type_id()?;
        let is_kept = match known {
            // In another type it may be cut, or filled up.
            Known::Word(_) => matches!(kind, "t_bytes32" | "t_uint256" | "t_int256"),
            Known::Bytes(_) => kind.starts_with("t_string_") || kind.starts_with("t_bytes_"),
        };
        is_kept.then_some(known)
    }

    fn expression(self, node: &Json, steps: usize) -> Option<Known> {
        let known = self.found(node, steps)?;
        let kind = type_of(node)?;
        let is_bytes = kind.starts_with("literal_string")
            || ["bytes", "string"].iter().any(|name| kind.strip_prefix(name) == Some(" memory"));
        (matches!(known, Known::Word(_)) || is_bytes).then_some(known)
    }

    fn found(self, node: &Json, steps: usize) -> Option<Known> {
        match text(node, "nodeType")? {
            "Literal" => literal(node),
            "TupleExpression" => match list(node, "components") {
                [inner] => self.expression(inner, steps),
                _ => None,
            },
            "Identifier" | "MemberAccess" => {
                self.declared(node.get("referencedDeclaration")?.as_u64()?, steps)
            }
            "UnaryOperation" if text(node, "operator")? == "~" && is_word(node) => {
                let inner = self.expression(node.get("subExpression")?, steps)?.word()?;
                Some(Known::Word(!inner))
            }
            "BinaryOperation" if is_word(node) => {
                let side = |key: &str| self.expression(node.get(key)?, steps)?.word();
                let (left, right) = (side("leftExpression")?, side("rightExpression")?);
                let word = match text(node, "operator")? {
                    "-" => left.checked_sub(right)?,
                    "+" => left.checked_add(right)?,
                    "&" => left & right,
                    "|" => left | right,
                    "^" => left ^ right,
                    _ => return None,
                };
                Some(Known::Word(word))
            }
            "FunctionCall" => self.call(node, steps),
            _ => None,
        }
    }

    fn call(self, node: &Json, steps: usize) -> Option<Known> {
        let (called, arguments) = (node.get("expression")?, list(node, "arguments"));
        if text(node, "kind")? == "typeConversion" {
            let [one] = arguments else { return None };
            let known = self.expression(one, steps)?;
            let is_kept = matches!(known, Known::Bytes(_)) || is_word(node);
            return is_kept.then_some(known);
        }
        let declared = called.get("referencedDeclaration").and_then(Json::as_i64);
        match (text(called, "nodeType")?, declared) {
            ("Identifier", Some(id)) if id < 0 => {
                let [one] = arguments else { return None };
                let bytes = match self.expression(one, steps)? {
                    Known::Bytes(bytes) => bytes,
                    Known::Word(_) => return None,
                };
                match text(called, "name")? {
                    "keccak256" => Some(Known::Word(U256::from_be_bytes(keccak256(bytes).0))),
                    "erc7201" => Some(Known::Word(namespace_slot(&bytes))),
                    _ => None,
                }
            }
            ("MemberAccess", _) if type_of(called.get("expression")?)? == "abi" => {
                let encoded = |one: &Json| self.encoded(one, text(called, "memberName")?, steps);
                let parts: Option<Vec<_>> = arguments.iter().map(encoded).collect();
                Some(Known::Bytes(parts?.concat()))
            }
            (kind, Some(id)) if arguments.is_empty() => {
                let id = u64::try_from(id).ok()?;
                let function = self.function(id, kind == "Identifier", called)?;
                let body = function.body.as_ref().filter(|_| function.modifiers.is_empty())?;
                self.text(body.texts.returned.as_deref()?, steps.checked_sub(1)?)
            }
            _ => None,
        }
    }

    /// The function that runs where one is called that takes nothing: what the contract has in its
    /// place, if it is called by its name alone.
    fn function(self, id: u64, by_name: bool, called: &Json) -> Option<&'a Node> {
        let named = self.declarations.get(id)?;
        if !by_name {
            let owner = called.get("expression")?.get("referencedDeclaration")?.as_u64()?;
            return self.declarations.get(owner).map(|_| named);
        }
        let is_it = |node: &&'a Node| {
            let takes = node.parameters.as_ref().map_or(0, |list| list.parameters.len());
            node.node_type == "FunctionDefinition" && node.name == named.name && takes == 0
        };
        let bases = self.contract.linearized_base_contracts.iter();
        let mut bases = bases.filter_map(|base| self.declarations.get(*base));
        let is_inherited = bases.clone().any(|base| base.nodes.iter().any(|node| node.id == id));
        if !is_inherited || named.visibility.as_deref() == Some("private") {
            return Some(named);
        }
        bases.find_map(|base| base.nodes.iter().find(is_it))
    }

    fn encoded(self, node: &Json, how: &str, steps: usize) -> Option<Vec<u8>> {
        let known = self.expression(node, steps)?;
        match (how, known) {
            ("encode" | "encodePacked", Known::Word(word)) if is_full_word(node) => {
                Some(B256::from(word).to_vec())
            }
            ("encodePacked", Known::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

impl Known {
    fn word(self) -> Option<U256> {
        match self {
            Self::Word(word) => Some(word),
            Self::Bytes(_) => None,
        }
    }
}

fn literal(node: &Json) -> Option<Known> {
    match text(node, "kind")? {
        "number" if node.get("subdenomination").is_none_or(Json::is_null) => {
            Some(Known::Word(number(text(node, "value")?)?))
        }
        "string" | "hexString" | "unicodeString" => {
            Some(Known::Bytes(hex::decode(text(node, "hexValue")?).ok()?))
        }
        _ => None,
    }
}

/// Whether an expression has a type of a whole word, or is a number that has none yet.
fn is_word(node: &Json) -> bool {
    is_full_word(node) || type_of(node).is_some_and(|kind| kind.starts_with("int_const "))
}

fn is_full_word(node: &Json) -> bool {
    matches!(type_of(node), Some("bytes32" | "uint256" | "int256"))
}

fn type_of(node: &Json) -> Option<&str> {
    text(node.get("typeDescriptions")?, "typeString")
}

pub(super) fn text<'j>(node: &'j Json, key: &str) -> Option<&'j str> {
    node.get(key)?.as_str()
}

pub(super) fn list<'j>(node: &'j Json, key: &str) -> &'j [Json] {
    node.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}
