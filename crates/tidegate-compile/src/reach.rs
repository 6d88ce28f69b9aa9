//! What a contract's code reaches: functions of libraries and of files, and the types they name.

use std::collections::BTreeSet;

use crate::ast::{Declarations, Node, ParameterList, TypeName};
use crate::safety::Code;

/// The structures outside contracts that a contract's code names, and all the functions that it
/// reaches, with their sources.
#[derive(Debug, Default)]
pub(crate) struct Reached<'a> {
    /// In the order of their names.
    pub(crate) structures: Vec<&'a Node>,
    pub(crate) sources: BTreeSet<&'a str>,
    /// Functions and modifiers, those of the contract and its bases included.
    pub(crate) code: Vec<&'a Node>,
}

/// Follows a contract and its bases to what runs on the contract's own storage: functions that are
/// called or named, and modifiers. What a call of another contract runs is not among it.
pub(crate) fn reached<'a>(declarations: &'a Declarations<'a>, contract: &Node) -> Reached<'a> {
    let mut reached = Reached::default();
    let mut types: BTreeSet<u64> = BTreeSet::new();
    let bases: BTreeSet<u64> = contract.linearized_base_contracts.iter().copied().collect();
    let is_library = |id: u64| {
        let kind = declarations.get(id).and_then(|node| node.contract_kind.as_deref());
        kind == Some("library")
    };
    let is_own = |node: &Node| {
        let around = declarations.place(node.id).and_then(|(_, contract)| contract);
        let scope = around.and(node.scope);
        scope.is_none_or(|id| bases.contains(&id) || is_library(id))
    };
    let mut seen = bases.clone();
    let mut open: Vec<&Node> = seen.iter().filter_map(|id| declarations.get(*id)).collect();
    while let Some(node) = open.pop() {
        reached.sources.extend(declarations.place(node.id).map(|(source, _)| source));
        open.extend(&node.nodes);
        let lists = node.parameters.iter().chain(&node.return_parameters);
        types.extend(lists.flat_map(named));
        let arguments = node.modifiers.iter().filter_map(|modifier| modifier.arguments.as_ref());
        let modifiers = node.modifiers.iter().filter_map(|m| m.modifier_name.declaration());
        let mut next: Vec<u64> = modifiers.collect();
        for code in node.body.iter().chain(&node.value).chain(arguments) {
            types.extend(&code.types);
            next.extend(called(code));
        }
        if node.body.is_some() {
            reached.code.push(node);
        }
        open.extend(next.into_iter().filter(|id| seen.insert(*id)).filter_map(|id| {
            let kinds = ["FunctionDefinition", "ModifierDefinition"];
            let node = declarations.get(id)?;
            (kinds.contains(&node.node_type.as_str()) && is_own(node)).then_some(node)
        }));
    }
    let outside = |node: &&Node| {
        let place = declarations.place(node.id).and_then(|(_, contract)| contract);
        let is_shared = place.is_none() || node.scope.is_some_and(is_library);
        node.node_type == "StructDefinition" && is_shared
    };
    let structures = types.into_iter().filter_map(|id| declarations.get(id)).filter(outside);
    reached.structures = structures.collect();
    reached.structures.sort_by_key(|node| (&node.name, declarations.place(node.id)));
    reached
}

fn called(code: &Code) -> impl Iterator<Item = u64> {
    code.calls.iter().filter_map(|call| u64::try_from(call.function?).ok())
}

/// The types that parameters name.
fn named(list: &ParameterList) -> impl Iterator<Item = u64> {
    let types = list.parameters.iter().filter_map(|parameter| parameter.type_name.as_ref());
    types.filter_map(TypeName::declaration)
}
