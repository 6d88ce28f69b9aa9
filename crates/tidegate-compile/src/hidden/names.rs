//! Names in assembly, and what is known of them at some point of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::constant::{list, text};
use super::value::Value;

/// A name in assembly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Own(String),
    Outside(u64),
    Slot(u64),
    /// The length of something, or another part of it.
    Other,
}

/// The declarations outside that a block of assembly names, by the places of their names.
pub(super) type References = BTreeMap<String, Name>;

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) known: BTreeMap<Name, Value>,
    pub(super) memory: BTreeMap<u64, Value>,
}

/// A block of assembly in the compiler's JSON.
pub(super) fn parsed(block: &str) -> Option<Json> {
    let block: Json = serde_json::from_str(block).ok()?;
    block.get("AST").is_some_and(Json::is_object).then_some(block)
}

/// The declarations outside that a block names: those whose slot it sets, those that it assigns,
/// and all.
pub(super) fn named(block: &Json) -> [BTreeSet<u64>; 2] {
    let references = references(block);
    let mut assigned = BTreeSet::new();
    let mut open = vec![block];
    while let Some(node) = open.pop() {
        if text(node, "nodeType") == Some("YulAssignment") {
            let targets = list(node, "variableNames").iter().filter_map(|name| text(name, "src"));
            assigned.extend(targets.filter_map(|src| match references.get(src)? {
                Name::Outside(id) => Some(*id),
                _ => None,
            }));
        }
        match node {
            Json::Object(fields) => open.extend(fields.values()),
            Json::Array(nodes) => open.extend(nodes),
            _ => {}
        }
    }
    let all = references.into_values().filter_map(|name| match name {
        Name::Outside(id) => Some(id),
        _ => None,
    });
    [assigned, all.collect()]
}

pub(super) fn references(block: &Json) -> References {
    let references = list(block, "externalReferences").iter().filter_map(|reference| {
        let is = |key: &str| reference.get(key).and_then(Json::as_bool).unwrap_or_default();
        let id = reference.get("declaration")?.as_u64()?;
        let has_suffix = reference.get("suffix").is_some_and(Json::is_string);
        let name = match (is("isSlot"), is("isOffset") || has_suffix) {
            (true, _) => Name::Slot(id),
            (false, true) => Name::Other,
            (false, false) => Name::Outside(id),
        };
        Some((text(reference, "src")?.to_owned(), name))
    });
    references.collect()
}

impl State {
    pub(super) fn put(&mut self, at: Value, word: Value) {
        let Value::Constant(at) = at else { return self.memory.clear() };
        let Ok(at) = u64::try_from(at) else { return };
        self.memory.retain(|other, _| other.abs_diff(at) >= 32);
        self.memory.insert(at, word);
    }

    pub(super) fn word(&self, at: Value) -> Value {
        let Value::Constant(at) = at else { return Value::Unknown };
        let at = u64::try_from(at).ok();
        at.and_then(|at| self.memory.get(&at)).copied().unwrap_or(Value::Unknown)
    }

    /// What is known in both. A name that only one knows is what it was where the block began, so
    /// it is known in neither.
    pub(super) fn meet(mut self, other: &Self) -> Self {
        let names: BTreeSet<_> = self.known.keys().chain(other.known.keys()).cloned().collect();
        for name in names {
            if self.known.get(&name) != other.known.get(&name) {
                self.known.insert(name, Value::Unknown);
            }
        }
        self.memory.retain(|at, word| other.memory.get(at) == Some(word));
        self
    }
}
