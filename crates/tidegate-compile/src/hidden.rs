//! What a contract stores where neither the compiler's layout nor a namespace has it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Declarations, Node};
use crate::safety::{Placed, is_single_value, kept_as_it_was};

/// The structures and words that a contract's code places in storage by assembly, by name, each
/// with why its source says that an upgrade keeps it. `compared` are the structures that the layout
/// has as namespaces.
pub(crate) fn hidden(
    declarations: &Declarations<'_>,
    contract: &Node,
    code: &[&Node],
    compared: &BTreeSet<u64>,
) -> BTreeMap<String, Option<String>> {
    let names = code.iter().flat_map(|function| {
        let placed = function.body.iter().flat_map(|body| &body.placed);
        let placed = placed.filter(|_| !is_derived(function));
        placed.filter_map(|placed| name(declarations, function, placed, compared))
    });
    let mut hidden: BTreeMap<_, _> = names.map(|name| (name, None)).collect();
    for (name, why) in kept_as_it_was(contract) {
        hidden.insert(name, Some(why));
    }
    hidden
}

/// Whether a function is given a place in storage, beside which it finds another one: what it finds
/// belongs to that.
fn is_derived(function: &Node) -> bool {
    let mut parameters = function.parameters.iter().flat_map(|list| &list.parameters);
    parameters.any(|parameter| parameter.storage_location.as_deref() == Some("storage"))
}

fn name(
    declarations: &Declarations<'_>,
    function: &Node,
    placed: &Placed,
    compared: &BTreeSet<u64>,
) -> Option<String> {
    let full = |node: &Node| match declarations.place(node.id) {
        Some((_, Some(around))) => format!("{around}.{}", node.name),
        _ => node.name.clone(),
    };
    let Placed::Pointer { variable, structure } = placed else { return Some(full(function)) };
    let lists = function.parameters.iter().chain(&function.return_parameters);
    let parameter = lists.flat_map(|list| &list.parameters).find(|node| node.id == *variable);
    let declared = parameter.and_then(|node| node.type_name.as_ref()?.declaration());
    let structure = structure.or(declared).and_then(|id| declarations.get(id));
    let structure = structure.filter(|node| node.node_type == "StructDefinition");
    let Some(structure) = structure else { return Some(full(function)) };
    let takes = function.parameters.iter().any(|list| !list.parameters.is_empty());
    let is_known = compared.contains(&structure.id) || (takes && is_single_value(structure));
    (!is_known).then(|| full(structure))
}
