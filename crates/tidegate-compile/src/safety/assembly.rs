//! What assembly places in storage, as the syntax tree shows it.

use std::collections::BTreeMap;

use super::code::{Open, Placed};

/// What is found while a piece of code is read. Names in assembly go by their places.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// The variable whose slot a name is.
    slots: BTreeMap<String, u64>,
    /// Names that are assigned.
    assigned: Vec<String>,
    /// The names from which the slot of each word that is written is made.
    written: Vec<Vec<String>>,
    /// The structures that variables of this code point to, by their declarations.
    pointers: BTreeMap<u64, u64>,
}

impl Assembly {
    /// Takes what a node that ends says, which stands in another one.
    pub(super) fn take(&mut self, done: &Open, around: Option<&mut Open>) {
        let is_listed = matches!(done.key.as_str(), "variableNames" | "arguments");
        if let Some(around) = around.filter(|_| is_listed && !done.is_list) {
            let own = (done.node.kind == "YulIdentifier").then(|| done.node.src.clone());
            around.names.push(own.into_iter().chain(done.names.concat()).collect());
        }
        match done.node.kind.as_str() {
            "YulAssignment" => self.assigned.extend(done.names.concat()),
            "YulFunctionCall" if done.function == "sstore" => {
                self.written.push(done.names.first().cloned().unwrap_or_default());
            }
            "VariableDeclaration" => {
                self.pointers.extend(structure(&done.node.type_id).map(|id| (done.id, id)));
            }
            _ if done.key == "externalReferences" && done.is_slot => {
                let variable = done.node.declaration.and_then(|id| u64::try_from(id).ok());
                self.slots.extend(variable.map(|id| (done.node.src.clone(), id)));
            }
            _ => {}
        }
    }

    pub(super) fn placed(self) -> Vec<Placed> {
        let Self { slots, assigned, written, pointers } = self;
        let pointer = |src: &String| {
            let variable = *slots.get(src)?;
            Some(Placed::Pointer { variable, structure: pointers.get(&variable).copied() })
        };
        let is_word = |names: &Vec<String>| !names.iter().any(|src| slots.contains_key(src));
        let word = written.iter().any(is_word).then_some(Placed::Word);
        assigned.iter().filter_map(pointer).chain(word).collect()
    }
}

/// The structure of a type such as `t_struct$_Layout_$12_storage_ptr`.
fn structure(type_id: &str) -> Option<u64> {
    let rest = type_id.strip_prefix("t_struct$_")?.strip_suffix("_storage_ptr")?;
    rest.rsplit_once("_$")?.1.parse().ok()
}
