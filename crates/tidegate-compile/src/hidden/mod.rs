//! What a contract stores where neither the compiler's layout nor a namespace has it.

mod assembly;
mod constant;
mod function;
mod keys;
mod names;
mod types;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::U256;
use serde_json::Value as Json;
use tidegate_model::slots::{IMPLEMENTATION_SLOT, namespace_slot};

use self::assembly::{Block, Write};
use self::constant::{Constants, text};
use self::function::Function;
use self::names::{named, parsed};
use self::types::{casts_places, structure_of};
use self::value::Value;
use crate::ast::{Declarations, Node};
use crate::output::StorageLayout;
use crate::safety::{is_single_value, kept_as_it_was};

/// The formula of ERC-7201, as it stands in an id before the name.
const FORMULA: &str = "erc7201:";

/// What a contract's code places in storage by itself.
#[derive(Debug, Default)]
pub(crate) struct Hidden<'a> {
    /// By name; each with why its source says that an upgrade keeps it.
    pub(crate) names: BTreeMap<String, Option<String>>,
    /// The slots that are known, by those names, and by the ids of namespaces without a formula.
    pub(crate) slots: BTreeMap<String, BTreeSet<U256>>,
    /// The sources of the contracts and libraries that begin names, and of functions without one.
    pub(crate) sources: BTreeMap<String, BTreeSet<&'a str>>,
    /// The constants by which the code finds what it stores.
    pub(crate) keys: BTreeMap<String, BTreeSet<U256>>,
}

/// What surrounds the code that is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) declarations: &'a Declarations<'a>,
    pub(crate) contract: &'a Node,
    pub(crate) layout: &'a StorageLayout,
    /// The structures that the layout has as namespaces, each with its id.
    pub(crate) namespaces: &'a BTreeMap<u64, &'a str>,
}

/// The structures and words that a contract's code places in storage by assembly.
pub(crate) fn hidden<'a>(scope: Scope<'a>, code: &[&'a Node]) -> Hidden<'a> {
    let mut hidden = Hidden::default();
    for function in code {
        look(scope, function, &mut hidden);
    }
    hidden.keys = keys::keys(scope, code);
    for (name, why) in kept_as_it_was(scope.contract) {
        hidden.names.insert(name, Some(why));
    }
    hidden
}

fn look<'a>(scope: Scope<'a>, node: &'a Node, hidden: &mut Hidden<'a>) {
    let Some(body) = &node.body else { return };
    let is_function = |id: u64| {
        let declared = scope.declarations.get(id);
        declared.is_some_and(|node| node.node_type == "FunctionDefinition")
    };
    if body.texts.placing_calls.iter().any(|called| !called.is_some_and(is_function)) {
        hidden.add(scope, node, None);
    }
    let blocks: Vec<_> = body.texts.assembly.iter().map(|block| parsed(block)).collect();
    let unread = body.texts.assembly.iter().zip(&blocks).filter(|(_, block)| block.is_none());
    if unread.into_iter().any(|(block, _)| may_place(block)) {
        hidden.add(scope, node, None);
    }
    let blocks: Vec<Json> = blocks.into_iter().flatten().collect();
    let [mut assigned, mut all] = [BTreeSet::new(), BTreeSet::new()];
    for block in &blocks {
        let [changed, named] = named(block);
        assigned.extend(changed);
        all.extend(named);
    }
    let constants = Constants { declarations: scope.declarations, contract: scope.contract };
    let function = Function { constants, layout: scope.layout, node, body, assigned };
    let types = all.iter().filter_map(|id| function.type_of(*id));
    if types.into_iter().any(|kind| casts_places(scope.declarations, kind)) {
        hidden.add(scope, node, None);
    }
    for write in blocks.iter().flat_map(|block| Block::follow(&function, block)) {
        hidden.take(scope, &function, write);
    }
}

/// Whether assembly whose syntax tree cannot be read may place something in storage. Compilers
/// before 0.6.0 write its text instead.
fn may_place(block: &str) -> bool {
    let block: Option<Json> = serde_json::from_str(block).ok();
    let Some(operations) = block.as_ref().and_then(|block| text(block, "operations")) else {
        return true;
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.');
    let mut words = operations.split(|c| !is_name(c));
    words.any(|word| word == "sstore" || word.ends_with("_slot"))
}

impl<'a> Hidden<'a> {
    /// Takes what assembly places, unless it belongs to something that is compared.
    fn take(&mut self, scope: Scope<'a>, function: &Function<'a>, write: Write) {
        let implementation = Value::Constant(IMPLEMENTATION_SLOT.into());
        let Some(variable) = write.pointer else {
            if !function.holds(write.slot) && write.slot != implementation {
                self.add(scope, function.node, Some(write.slot));
            }
            return;
        };
        let kind = function.type_of(variable).unwrap_or_default();
        let structure = structure_of(kind).and_then(|id| scope.declarations.get(id));
        let is_single = structure.is_some_and(is_single_value);
        let is_given = write.slot == Value::Given || write.slot == implementation;
        if function.fits(kind, write.slot, is_single) || (is_single && is_given) {
            return;
        }
        let id = structure.and_then(|node| scope.namespaces.get(&node.id));
        if let (Some(id), Value::Constant(slot)) = (id, write.slot) {
            match id.strip_prefix(FORMULA) {
                Some(name) if namespace_slot(name.as_bytes()) == slot => return,
                Some(_) => {}
                None => {
                    self.slots.entry((*id).to_owned()).or_default().insert(slot);
                    return;
                }
            }
        }
        self.add(scope, structure.unwrap_or(function.node), Some(write.slot));
    }

    fn add(&mut self, scope: Scope<'a>, node: &Node, slot: Option<Value>) {
        let place = scope.declarations.place(node.id);
        let around = place.and_then(|(_, around)| around);
        let name = around.map_or_else(|| node.name.clone(), |a| format!("{a}.{}", node.name));
        let owner = around.unwrap_or(&node.name).to_owned();
        self.sources.entry(owner).or_default().extend(place.map(|(source, _)| source));
        if let Some(Value::Constant(slot)) = slot {
            self.slots.entry(name.clone()).or_default().insert(slot);
        }
        self.names.insert(name, None);
    }
}
