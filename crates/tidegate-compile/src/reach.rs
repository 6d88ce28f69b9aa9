//! What a contract's code reaches: functions of libraries and of files, and the types they name.

use std::collections::BTreeSet;

use crate::ast::{Declarations, Node, ParameterList, TypeName};
use crate::safety::Code;

/// The structures outside contracts that a contract's code names, and the sources of all the
/// functions that it reaches.
#[derive(Debug, Default)]
pub(crate) struct Reached<'a> {
    /// In the order of their names.
    pub(crate) structures: Vec<&'a Node>,
    pub(crate) sources: BTreeSet<&'a str>,
}

/// Follows the calls of a contract and its bases.
pub(crate) fn reached<'a>(declarations: &'a Declarations<'a>, contract: &Node) -> Reached<'a> {
    let mut reached = Reached::default();
    let mut types: BTreeSet<u64> = BTreeSet::new();
    let mut seen: BTreeSet<u64> = contract.linearized_base_contracts.iter().copied().collect();
    let mut open: Vec<&Node> = seen.iter().filter_map(|id| declarations.get(*id)).collect();
    while let Some(node) = open.pop() {
        reached.sources.extend(declarations.place(node.id).map(|(source, _)| source));
        open.extend(&node.nodes);
        let lists = node.parameters.iter().chain(&node.return_parameters);
        types.extend(lists.flat_map(named));
        let arguments = node.modifiers.iter().filter_map(|modifier| modifier.arguments.as_ref());
        for code in node.body.iter().chain(&node.value).chain(arguments) {
            types.extend(&code.types);
            open.extend(called(code).filter(|id| seen.insert(*id)).filter_map(|id| {
                let node = declarations.get(id)?;
                (node.node_type == "FunctionDefinition").then_some(node)
            }));
        }
    }
    let outside = |node: &&Node| {
        let place = declarations.place(node.id).and_then(|(_, contract)| contract);
        let around = node.scope.and_then(|id| declarations.get(id));
        let is_library = around.is_some_and(|n| n.contract_kind.as_deref() == Some("library"));
        node.node_type == "StructDefinition" && (place.is_none() || is_library)
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
    let declared = types.filter_map(|name: &TypeName| name.referenced_declaration);
    declared.filter_map(|id| u64::try_from(id).ok())
}
