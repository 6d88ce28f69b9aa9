//! What of code is kept as it is written: assembly, and what shows which values it is given.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Expression, Open};

/// Texts of a piece of code, as the compiler's JSON has them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    /// Each block of assembly.
    pub(crate) assembly: Vec<Box<str>>,
    /// What variables of this code begin with, by their declarations.
    pub(crate) initial: BTreeMap<u64, Box<str>>,
    /// Variables that are assigned, or may be, outside assembly.
    pub(crate) assigned: BTreeSet<u64>,
    /// The types of this code's own variables.
    pub(crate) types: BTreeMap<u64, String>,
    /// What it returns, where that is all it does.
    pub(crate) returned: Option<Box<str>>,
    /// All of it, where it is no body.
    pub(crate) value: Option<Box<str>>,
    /// What is called where the type says that it returns a place in storage: a declaration, or
    /// something that has none.
    pub(crate) placing_calls: BTreeSet<Option<u64>>,
    /// Calls of functions that take a whole word, and where a mapping is asked by one.
    pub(crate) keyed: Vec<Box<str>>,
}

/// How the type of a mapping with such keys begins.
const KEYED: &str = "t_mapping$_t_bytes32_$";

impl Texts {
    /// Takes from a node that ends, in another one, what is kept of it.
    pub(super) fn take<'a>(
        &mut self,
        done: &Open<'a>,
        text: &'a str,
        around: Option<&mut Open<'a>>,
    ) {
        let kind = done.node.kind.as_str();
        match kind {
            "InlineAssembly" => self.assembly.push(text.into()),
            "VariableDeclaration" => {
                self.types.insert(done.id, done.node.type_id.clone());
            }
            "VariableDeclarationStatement" => {
                if let ([one], Some(text)) = (&*done.declares, done.text_in_it) {
                    self.initial.insert(*one, text.into());
                }
            }
            "Identifier" if done.is_target => {
                self.assigned.extend(done.node.declaration.and_then(|id| u64::try_from(id).ok()));
            }
            "FunctionCall" if done.inner.as_ref().is_some_and(takes_word) => {
                self.keyed.push(text.into());
            }
            "IndexAccess" if text.contains(KEYED) => self.keyed.push(text.into()),
            "Return" if done.is_statement => self.returned = done.text_in_it.map(Into::into),
            _ => {}
        }
        let Some(around) = around else {
            self.value = (kind != "Block").then(|| text.into());
            return;
        };
        match done.key.as_str() {
            "declarations" => around.declares.push(done.id),
            "initialValue" | "expression" => around.text_in_it = Some(text),
            _ => {}
        }
    }

    /// Takes a call of something whose type returns a place in storage.
    pub(super) fn called(&mut self, node: &Expression, called: Option<&Expression>) {
        let Some(called) = called.filter(|_| node.kind == "FunctionCall") else { return };
        let returns = called.type_id.rsplit_once("$returns$").map_or("", |(_, returns)| returns);
        if called.type_id.starts_with("t_function_internal_") && returns.contains("_storage_ptr") {
            let declaration = called.declaration.and_then(|id| u64::try_from(id).ok());
            self.placing_calls.insert(declaration);
        }
    }

    /// Drops what nobody asks for.
    pub(super) fn finish(&mut self, statements: usize) {
        if self.assembly.is_empty() {
            self.initial.clear();
            self.assigned.clear();
            self.types.clear();
        }
        if statements != 1 {
            self.returned = None;
        }
    }
}

/// Whether an expression is a function whose code is the contract's own, and that takes a word.
fn takes_word(called: &Expression) -> bool {
    let parameters = called.type_id.split("$returns$").next().unwrap_or_default();
    let is_own = parameters.starts_with("t_function_internal_");
    let attached =
        called.type_id.contains("$attached_to$") || called.type_id.contains("$bound_to$");
    is_own && (attached || parameters.contains("t_bytes32"))
}
