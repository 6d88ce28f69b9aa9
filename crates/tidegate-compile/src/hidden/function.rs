//! A function whose assembly is looked at: what its variables are, and where they lie.

use std::collections::BTreeSet;

use alloy_primitives::U256;

use super::assembly::Around;
use super::constant::Constants;
use super::types::{Layer, layers, of_storage, words_at_least};
use super::value::Value;
use crate::ast::Node;
use crate::output::StorageLayout;
use crate::safety::Code;

#[derive(Debug)]
pub(super) struct Function<'a> {
    pub(super) constants: Constants<'a>,
    pub(super) layout: &'a StorageLayout,
    pub(super) node: &'a Node,
    pub(super) body: &'a Code,
    /// What assembly in it assigns.
    pub(super) assigned: BTreeSet<u64>,
}

impl<'a> Function<'a> {
    fn parameter(&self, id: u64) -> Option<&'a Node> {
        self.node.parameters.iter().flat_map(|list| &list.parameters).find(|node| node.id == id)
    }

    /// The compiler's id of a variable's type.
    pub(super) fn type_of(&self, id: u64) -> Option<&str> {
        let returned = self.node.return_parameters.iter().flat_map(|list| &list.parameters);
        let named = self.parameter(id).or_else(|| returned.into_iter().find(|n| n.id == id));
        let declared = named.or_else(|| self.constants.declarations.get(id));
        declared.map_or_else(|| self.body.texts.types.get(&id).map(String::as_str), Node::type_id)
    }

    /// Whether a place lies in a variable, or behind it.
    pub(super) fn holds(&self, place: Value) -> bool {
        match place {
            Value::At { variable, more } => self.words(variable).is_some_and(|words| more < words),
            Value::Behind { .. } => true,
            Value::Unknown | Value::Constant(_) | Value::Given => false,
        }
    }

    /// Whether something of this type may lie at a place as what is declared there.
    pub(super) fn fits(&self, kind: &str, place: Value, is_single: bool) -> bool {
        let kind = of_storage(kind);
        let (variable, is_whole) = match place {
            Value::At { variable, more } => (variable, more.is_zero()),
            Value::Behind { variable, .. } => (variable, false),
            Value::Unknown | Value::Constant(_) | Value::Given => return false,
        };
        let own = of_storage(self.type_of(variable).unwrap_or_default());
        let is_behind = matches!(place, Value::Behind { .. });
        let is_same = match is_behind {
            true => !kind.is_empty() && own != kind && own.contains(kind),
            false => is_whole && own == kind,
        };
        self.holds(place) && (is_single || is_same)
    }

    /// How many words a variable has at least; none where it is in no layout.
    fn words(&self, variable: u64) -> Option<U256> {
        let declarations = self.constants.declarations;
        if declarations.get(variable).is_none() {
            let kind = self.type_of(variable)?;
            return Some(words_at_least(declarations, kind));
        }
        let item = self.layout.storage.iter().find(|item| item.ast_id == variable)?;
        let kind = self.layout.types.as_ref()?.get(&item.kind)?;
        let bytes = U256::from_str_radix(&kind.number_of_bytes, 10).ok()?;
        Some(bytes.div_ceil(U256::from(32)))
    }
}

impl Around for Function<'_> {
    fn value(&self, id: u64) -> Value {
        let declared = self.constants.declarations.get(id);
        let known = match declared {
            Some(_) => self.constants.constant(id),
            None if self.assigned.contains(&id) => None,
            None if self.body.texts.assigned.contains(&id) => None,
            None if self.parameter(id).is_some() => return Value::Given,
            None => self.body.texts.initial.get(&id).and_then(|text| self.constants.word(text)),
        };
        known.map_or(Value::Unknown, Value::Constant)
    }

    fn behind(&self, variable: u64, hashes: usize, words: usize) -> Option<bool> {
        self.words(variable)?;
        let layers = layers(self.type_of(variable)?);
        match (layers.get(hashes.checked_sub(1)?)?, words) {
            (Layer::Mapping, 2) => Some(false),
            (Layer::List, 1) => Some(true),
            _ => None,
        }
    }
}
