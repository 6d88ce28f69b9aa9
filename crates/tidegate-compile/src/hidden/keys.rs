//! Constants by which code finds what it stores: the slots that it gives to functions which return
//! a single value there, as those of OpenZeppelin's `StorageSlot` do, and the keys of mappings.
//!
//! A function's parameter that becomes one of these is followed to the calls of the function. Roles
//! of OpenZeppelin's AccessControl are left out: who has one is no value that is found by name.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256, hex, keccak256};
use serde_json::Value as Json;
use tidegate_model::slots::{
    ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT, OLD_ADMIN_SLOT, OLD_IMPLEMENTATION_SLOT,
    PROXIABLE_SLOT,
};

use super::Scope;
use super::constant::{Constants, list, text};
use super::types::structure_of;
use crate::ast::Node;
use crate::safety::is_single_value;

/// Slots of standards, by which proxies find their code. Other rules watch them.
const STANDARD: [B256; 6] = [
    IMPLEMENTATION_SLOT,
    BEACON_SLOT,
    ADMIN_SLOT,
    PROXIABLE_SLOT,
    OLD_IMPLEMENTATION_SLOT,
    OLD_ADMIN_SLOT,
];
/// A mapping's key in fewer bits is a number, not a name.
const KEY_BITS_MIN: usize = 65;

/// What AccessControl keeps of a role.
const ROLE: &str = ".RoleData storage ref)";

/// A call or index in a function, with what stands for each parameter.
struct Use<'a> {
    function: &'a Node,
    /// The function that is called; none where a mapping is asked.
    called: Option<u64>,
    arguments: Vec<Json>,
}

/// The constants by which this code finds what it stores, by name.
pub(super) fn keys(scope: Scope<'_>, code: &[&Node]) -> BTreeMap<String, BTreeSet<U256>> {
    let uses: Vec<_> = code.iter().flat_map(uses).collect();
    let slots = code.iter().filter(|function| is_slot_function(scope, function));
    let slots = followed(&uses, slots.map(|function| (function.id, 0)).collect());
    let asked = uses.iter().filter(|one| one.called.is_none());
    let asked = asked.filter_map(|one| parameter(one, one.arguments.first()?));
    let asked = followed(&uses, asked.collect());
    let mut found = Found { scope, keys: BTreeMap::new() };
    for one in &uses {
        for (index, argument) in one.arguments.iter().enumerate() {
            match one.called {
                Some(called) if slots.contains(&(called, index)) => found.take(one, argument, 0),
                Some(called) if !asked.contains(&(called, index)) => {}
                _ => found.take(one, argument, KEY_BITS_MIN),
            }
        }
    }
    found.keys
}

/// Whether a function returns a place of a single value, and takes the word that says which.
fn is_slot_function(scope: Scope<'_>, function: &Node) -> bool {
    let [Some(taken), Some(returned)] = [&function.parameters, &function.return_parameters]
        .map(|list| list.as_ref().map(|list| list.parameters.as_slice()))
    else {
        return false;
    };
    let ([taken], [returned]) = (taken, returned) else { return false };
    let structure = returned.type_id().filter(|kind| kind.ends_with("_storage_ptr"));
    let structure = structure.and_then(structure_of).and_then(|id| scope.declarations.get(id));
    matches!(taken.type_id(), Some("t_bytes32" | "t_uint256"))
        && structure.is_some_and(is_single_value)
        && function.body.as_ref().is_some_and(|body| !body.texts.assembly.is_empty())
}

/// Functions, each with the position of one of their parameters.
type Parameters = BTreeSet<(u64, usize)>;

/// These parameters, and all that are given on as one of them.
fn followed(uses: &[Use<'_>], mut known: Parameters) -> Parameters {
    loop {
        let calls = uses.iter().filter_map(|one| Some((one, one.called?)));
        let given = calls.flat_map(|(one, called)| {
            let arguments = one.arguments.iter().enumerate();
            let known = arguments.filter(|(index, _)| known.contains(&(called, *index)));
            known.filter_map(|(_, argument)| parameter(one, argument)).collect::<Vec<_>>()
        });
        let given: Vec<_> = given.filter(|parameter| !known.contains(parameter)).collect();
        if given.is_empty() {
            return known;
        }
        known.extend(given);
    }
}

/// The parameter of the function around it that an argument is.
fn parameter(of: &Use<'_>, argument: &Json) -> Option<(u64, usize)> {
    let named = argument.get("referencedDeclaration").and_then(Json::as_u64)?;
    let own = of.function.parameters.iter().flat_map(|list| &list.parameters);
    let position = own.map(|node| node.id).position(|id| id == named)?;
    Some((of.function.id, position))
}

fn uses<'a>(function: &&'a Node) -> Vec<Use<'a>> {
    let function = *function;
    let texts = function.body.iter().flat_map(|body| &body.texts.keyed);
    let nodes = texts.filter_map(|text| serde_json::from_str::<Json>(text).ok());
    nodes.filter_map(|node| used(function, &node)).collect()
}

fn used<'a>(function: &'a Node, node: &Json) -> Option<Use<'a>> {
    if text(node, "nodeType")? == "IndexAccess" {
        let base = node.get("baseExpression")?.get("typeDescriptions")?;
        let kind = text(base, "typeString")?;
        let is_keyed = kind.starts_with("mapping(bytes32 ") && !kind.contains(ROLE);
        let arguments = vec![node.get("indexExpression")?.clone()];
        return is_keyed.then_some(Use { function, called: None, arguments });
    }
    let called = node.get("expression")?;
    let kind = text(called.get("typeDescriptions")?, "typeIdentifier")?;
    let attached = ["$attached_to$", "$bound_to$"].iter().any(|mark| kind.contains(mark));
    let receiver = attached.then(|| called.get("expression").cloned()).flatten();
    let arguments = receiver.into_iter().chain(list(node, "arguments").iter().cloned()).collect();
    let called = called.get("referencedDeclaration")?.as_u64()?;
    Some(Use { function, called: Some(called), arguments })
}

struct Found<'a> {
    scope: Scope<'a>,
    keys: BTreeMap<String, BTreeSet<U256>>,
}

impl Found<'_> {
    /// Takes the constant that an expression is, or those that it is made of.
    fn take(&mut self, of: &Use<'_>, expression: &Json, bits_min: usize) {
        let Scope { declarations, contract, .. } = self.scope;
        let constants = Constants { declarations, contract };
        let mut open = vec![expression];
        while let Some(node) = open.pop() {
            if let Some(word) = constants.of(node).or_else(|| text_in(node)) {
                let is_meant = !STANDARD.contains(&word.into()) && word.bit_len() >= bits_min;
                if is_meant && !word.is_zero() {
                    self.keys.entry(self.name(of, node)).or_default().insert(word);
                }
                continue;
            }
            match node {
                Json::Object(fields) => open.extend(fields.values()),
                Json::Array(nodes) => open.extend(nodes),
                _ => {}
            }
        }
    }

    /// The constant's name, else that of the function that says it.
    fn name(&self, of: &Use<'_>, node: &Json) -> String {
        let declared = node.get("referencedDeclaration").and_then(Json::as_u64);
        let declared = declared.and_then(|id| self.scope.declarations.get(id));
        let named = declared.unwrap_or(of.function);
        let around = self.scope.declarations.place(named.id).and_then(|(_, around)| around);
        around.map_or_else(|| named.name.clone(), |around| format!("{around}.{}", named.name))
    }
}

/// A text in a key that is not all known, as its hash.
fn text_in(node: &Json) -> Option<U256> {
    let is_text = text(node, "nodeType")? == "Literal" && text(node, "kind")? == "string";
    let bytes = hex::decode(text(node, "hexValue").filter(|_| is_text)?).ok()?;
    Some(U256::from_be_bytes(keccak256(bytes).0))
}
