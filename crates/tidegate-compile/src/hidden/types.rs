//! The compiler's ids of types, as far as they say how something lies in storage.

use alloy_primitives::U256;

use crate::ast::{Declarations, Node};

/// What a slot leads to by a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Mapping,
    List,
}

/// The same type for a variable and for what points to it.
pub(super) fn of_storage(kind: &str) -> &str {
    kind.strip_suffix("_ptr").unwrap_or(kind)
}

/// The structure of a type such as `t_struct$_Layout_$12_storage_ptr`.
pub(super) fn structure_of(kind: &str) -> Option<u64> {
    let rest = of_storage(kind).strip_prefix("t_struct$_")?.strip_suffix("_storage")?;
    rest.rsplit_once("_$")?.1.parse().ok()
}

/// What hashes lead to, from a variable of this type inwards.
pub(super) fn layers(kind: &str) -> Vec<Layer> {
    let mut kind = of_storage(kind);
    let mut layers = Vec::new();
    loop {
        if let Some(rest) = kind.strip_prefix("t_mapping$_") {
            let Some((_, value)) = rest.split_once("_$_") else { break };
            layers.push(Layer::Mapping);
            kind = value.strip_suffix("_$").unwrap_or(value);
        } else if let Some(rest) = kind.strip_prefix("t_array$_")
            && let Some(base) = rest.strip_suffix("_$dyn_storage")
        {
            layers.push(Layer::List);
            kind = base;
        } else {
            layers.extend(
                matches!(kind, "t_bytes_storage" | "t_string_storage").then_some(Layer::List),
            );
            break;
        }
    }
    layers
}

/// How many words something of this type has at least. A member that may share its word is not
/// counted.
pub(super) fn words_at_least(declarations: &Declarations<'_>, kind: &str) -> U256 {
    let structure = structure_of(kind).and_then(|id| declarations.get(id));
    let fills = |member: &&Node| {
        let Some(kind) = &member.type_name else { return false };
        let is_word = matches!(kind.label(), "uint256" | "int256" | "bytes32" | "bytes" | "string");
        is_word || matches!(kind.node_type.as_str(), "Mapping" | "ArrayTypeName")
    };
    let members = structure.map_or(0, |node| node.members.iter().filter(fills).count());
    U256::from(members.max(1))
}

/// Whether a type has an internal function in it that takes or returns a place in storage: as
/// another function's, it makes a place of any word.
pub(super) fn casts_places(declarations: &Declarations<'_>, kind: &str) -> bool {
    let is_cast = |kind: &str| kind.contains("t_function_internal_") && kind.contains("_storage");
    let has_one = |id: u64| {
        let members = declarations.get(id).into_iter().flat_map(|node| &node.members);
        let mut kinds = members.filter_map(|member| {
            member.type_name.as_ref()?.type_descriptions.type_identifier.as_deref()
        });
        kinds.any(is_cast)
    };
    let mut structures = kind.split("t_struct$_").skip(1).filter_map(|rest| {
        let digits = rest.split_once("_$")?.1;
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    is_cast(kind) || structures.any(has_one)
}
