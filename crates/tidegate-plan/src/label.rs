//! What the layout calls a slot of a contract that is there already.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, U256, keccak256};
use serde_json::Value;
use tidegate_model::release::{Artifact, Release};

use crate::resolve::{OpKind, Resolved};
use crate::same::Side;
use crate::slots::{ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT};

/// The most mappings in mappings that are followed.
const DEPTH_MAX: usize = 4;
/// The formula of a namespace's first slot, before its name.
const FORMULA: &str = "erc7201:";
/// The most slots of a structure or a namespace.
const MEMBERS_MAX: u64 = 256;

/// Preimages by their hash.
type Hashes = BTreeMap<U256, Bytes>;

/// A slot's name: of a variable, an entry of a mapping with its keys, or a namespace.
pub(crate) fn label(release: &Release, side: Side<'_>, name: &str, slot: U256) -> Option<String> {
    let well_known =
        [(IMPLEMENTATION_SLOT, "implementation"), (BEACON_SLOT, "beacon"), (ADMIN_SLOT, "admin")];
    if let Some((_, known)) = well_known.iter().find(|(at, _)| U256::from_be_bytes(at.0) == slot) {
        return Some((*known).to_owned());
    }
    let layout = &behind(release, side.resolved, name)?.layout;
    named(layout, &side.expected.seen.hashes, slot, 0)
}

/// The contract that is behind a live proxy in the end.
fn behind<'r>(release: &'r Release, resolved: &Resolved, name: &str) -> Option<&'r Artifact> {
    let start = resolved.starts.iter().rev().find(|start| start.target == name)?;
    let made = resolved.ops.iter().find_map(|op| match &op.kind {
        OpKind::Create { contract, .. } if op.step == start.step => Some(contract),
        _ => None,
    });
    release.artifact(made.unwrap_or(&start.reference))
}

fn named(layout: &Value, hashes: &Hashes, slot: U256, depth: usize) -> Option<String> {
    if depth > DEPTH_MAX {
        return None;
    }
    if let Some(found) = variable(layout, slot) {
        return Some(found);
    }
    let (base, preimage) = hashes.range(..=slot).next_back()?;
    let member = slot - *base;
    if member >= U256::from(MEMBERS_MAX) {
        return None;
    }
    let words = preimage.len().checked_sub(32).map(|at| preimage.split_at(at));
    let (key, outer) = words.filter(|(key, _)| key.len() == 32 || key.is_empty())?;
    let outer = named(layout, hashes, U256::from_be_slice(outer), depth + 1)?;
    let entry = match key.is_empty() {
        true => format!("{outer}[{member}]"),
        false if member.is_zero() => format!("{outer}[{:#x}]", U256::from_be_slice(key)),
        false => format!("{outer}[{:#x}] +{member}", U256::from_be_slice(key)),
    };
    Some(entry)
}

/// The variables of a slot, or the namespace that it lies in.
fn variable(layout: &Value, slot: U256) -> Option<String> {
    let items = layout["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let at = |item: &&Value| item["slot"].as_str().and_then(|text| text.parse().ok()) == Some(slot);
    let labels: Vec<_> =
        items.iter().filter(at).filter_map(|item| item["label"].as_str()).collect();
    if !labels.is_empty() {
        return Some(labels.join(", "));
    }
    let namespaces = layout["namespaces"].as_array()?;
    namespaces.iter().find_map(|space| {
        let id = space["id"].as_str()?.strip_prefix(FORMULA)?;
        let inner = U256::from_be_bytes(keccak256(id).0).wrapping_sub(U256::from(1));
        let root = U256::from_be_bytes(keccak256(inner.to_be_bytes::<32>()).0) & !U256::from(0xff);
        let member = slot.checked_sub(root).filter(|at| *at < U256::from(MEMBERS_MAX))?;
        Some(match member.is_zero() {
            true => id.to_owned(),
            false => format!("{id} +{member}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn slots_have_the_names_of_the_layout() {
        let layout = json!({
            "items": [
                {"label": "cap", "slot": "0", "offset": 0, "type": "uint128"},
                {"label": "paused", "slot": "0", "offset": 16, "type": "bool"},
                {"label": "shares", "slot": "1", "offset": 0, "type": "mapping"},
                {"label": "users", "slot": "2", "offset": 0, "type": "address[]"},
            ],
            "namespaces": [{"id": "erc7201:example.main", "members": []}],
        });
        let word = |n: u64| U256::from(n).to_be_bytes::<32>();
        let hash = |bytes: &[u8]| U256::from_be_bytes(keccak256(bytes).0);
        let entry = [word(0x77), word(1)].concat();
        let nested = [word(0x88), hash(&entry).to_be_bytes::<32>()].concat();
        let all = [&entry[..], &nested, &word(2)];
        let hashes: Hashes =
            all.iter().map(|bytes| (hash(bytes), Bytes::copy_from_slice(bytes))).collect();
        let label = |slot: U256| named(&layout, &hashes, slot, 0).unwrap_or_default();
        assert_eq!(label(U256::ZERO), "cap, paused");
        assert_eq!(label(hash(&entry)), "shares[0x77]");
        assert_eq!(label(hash(&entry) + U256::from(1)), "shares[0x77] +1");
        assert_eq!(label(hash(&nested)), "shares[0x77][0x88]");
        assert_eq!(label(hash(&word(2)) + U256::from(4)), "users[4]");
        let root = "0x183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500";
        assert_eq!(label(root.parse().unwrap()), "example.main");
        assert_eq!(label(U256::from(9)), "");
        let root: U256 = root.parse().unwrap();
        assert_eq!(label(root + U256::from(255)), "example.main +255");
        assert_eq!(label(root + U256::from(256)), "");
    }

    #[test]
    fn mappings_are_followed_four_deep() {
        let layout = json!({"items": [{"label": "deep", "slot": "1", "offset": 0}]});
        let (mut slot, mut hashes) = (U256::ONE, Hashes::new());
        let mut found = Vec::new();
        for _ in 0..5 {
            let entry = [U256::from(7).to_be_bytes::<32>(), slot.to_be_bytes()].concat();
            slot = U256::from_be_bytes(keccak256(&entry).0);
            hashes.insert(slot, entry.into());
            found.push(named(&layout, &hashes, slot, 0));
        }
        assert_eq!(found[0].as_deref(), Some("deep[0x7]"));
        assert_eq!(found[3].as_deref(), Some("deep[0x7][0x7][0x7][0x7]"));
        assert_eq!(found[4], None);
    }
}
