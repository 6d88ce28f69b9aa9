//! Where ERC-7201 namespaces lie, and that nothing else lies there.

use alloy_primitives::{U256, U512};
use tidegate_model::slots::namespace_slot;

use super::problem::{LayoutProblem, clash, namespace_repeated};
use super::types::{Field, Layout, Place};

/// The formula of ERC-7201, as it stands in an id before the name.
const FORMULA: &str = "erc7201:";

/// The first slot of a namespace, where its formula is known.
pub(super) fn root(id: &str) -> Option<U256> {
    id.strip_prefix(FORMULA).map(|name| namespace_slot(name.as_bytes()))
}

/// Namespaces that are claimed twice, or lie where something else lies.
pub(super) fn clashes(layout: &Layout) -> Vec<LayoutProblem> {
    let mut problems = Vec::new();
    let mut taken: Vec<(&str, Place, U512)> = Vec::new();
    if let (Some(first), Some(end)) = (layout.items.first(), end(layout, &layout.items)) {
        taken.push(("the contract's own variables", first.place, end));
    }
    for (position, namespace) in layout.namespaces.iter().enumerate() {
        if layout.namespaces[..position].iter().any(|earlier| earlier.id == namespace.id) {
            problems.push(namespace_repeated(&namespace.id));
            continue;
        }
        let (Some(slot), Some(size)) = (root(&namespace.id), end(layout, &namespace.members))
        else {
            continue;
        };
        let place = Place { slot, offset: 0 };
        let (start, end) = (place.byte(), place.byte() + size);
        for (other, other_place, other_end) in &taken {
            if start < *other_end && other_place.byte() < end {
                problems.push(clash(&namespace.id, other, place.max(*other_place)));
            }
        }
        taken.push((&namespace.id, place, end));
    }
    problems
}

/// The byte behind the last field, counted like its place.
pub(super) fn end(layout: &Layout, fields: &[Field]) -> Option<U512> {
    fields.iter().map(|field| layout.end(field)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_met() {
        let slot = "0x183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500";
        assert_eq!(root("erc7201:example.main"), Some(slot.parse().unwrap()));
        assert_eq!(root("other:example.main"), None);
    }
}
