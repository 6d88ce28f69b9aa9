//! Whether what a plan leaves on its target is what soaked: every byte of code and every slot that
//! the plan writes, with the target's names in place of the testnet's.
//!
//! Templates and layouts being equal does not say it: a constructor may read what stands on a
//! chain. Both networks are looked at in one moment and with the target's values, so numbers, texts
//! and times are equal, or something else made them. What may differ is where things stand (the
//! plan's contracts and libraries, externals, who acts, addresses among the parameters) and the
//! chain's id as a word, and what is hashed from these.

use std::collections::{BTreeMap, BTreeSet};

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::Value;
use tidegate_model::ChainId;
use tidegate_model::cbor::trailing_region;
use tidegate_model::release::Release;
use tidegate_model::units::counted;

use crate::expected::{Created, Expected};
use crate::resolve::{OpKind, Resolved};
use crate::value::{ValueError, encode_value, parse_type};

/// The deepest nesting of hashes that is followed, as in mappings of mappings.
const DEPTH_MAX: usize = 6;
/// The most slots that one key of a mapping leads to: what a structure or short array takes.
const MEMBERS_MAX: u64 = 1 << 12;
/// The most differences that are named of one contract.
const NAMED_MAX: usize = 8;

/// A plan on one network.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The network's chain.
    pub chain: ChainId,
    /// The plan with the network's names; where it soaked, with [`values_of`] the target.
    pub resolved: &'a Resolved,
    /// The result of local execution there, in one block for both networks: [`crate::expected_in`].
    pub expected: &'a Expected,
}

/// The parameters of the network where a plan soaked, with the values of its target: only addresses
/// stay, since each network has its own.
///
/// # Errors
/// If a parameter's type cannot be read.
pub fn values_of(
    target: &Resolved,
    soaked: &Resolved,
    release: &Release,
) -> Result<BTreeMap<String, Value>, ValueError> {
    let mut values = BTreeMap::new();
    for (name, decl) in &release.plan.params {
        let (Some(own), Some(other)) = (soaked.params.get(name), target.params.get(name)) else {
            continue;
        };
        values.insert(name.clone(), value_of(&parse_type(&decl.ty)?, own, other));
    }
    Ok(values)
}

/// One value in normal form, with the other one's numbers and texts. Addresses at which nothing can
/// stand, such as zero, are values too: as names they would explain every zero.
fn value_of(ty: &DynSolType, own: &Value, other: &Value) -> Value {
    if *ty == DynSolType::Address {
        let value = if is_place(own) && is_place(other) { own } else { other };
        return value.clone();
    }
    let (Some(a), Some(b)) = (own.as_array(), other.as_array()) else { return other.clone() };
    if a.len() != b.len() {
        return other.clone();
    }
    let types: Vec<&DynSolType> = match ty {
        DynSolType::Tuple(types) => types.iter().collect(),
        DynSolType::Array(item) | DynSolType::FixedArray(item, _) => vec![&**item; a.len()],
        _ => return other.clone(),
    };
    let items = types.into_iter().zip(a.iter().zip(b));
    Value::Array(items.map(|(ty, (one, other))| value_of(ty, one, other)).collect())
}

fn is_place(address: &Value) -> bool {
    let parsed = address.as_str().and_then(|text| text.parse::<Address>().ok());
    parsed.is_some_and(|at| U256::from_be_slice(at.as_slice()) > U256::from(u32::MAX))
}

/// Byte strings of one network and those of the other that mean the same, such as addresses of one
/// contract. Equal bytes need no entry.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pairs: BTreeSet<(Vec<u8>, Vec<u8>)>,
    hashes: [BTreeMap<U256, Bytes>; 2],
}

impl Names {
    /// The names of a plan on two networks.
    pub fn of(release: &Release, soaked: Side<'_>, target: Side<'_>) -> Self {
        let mut names = Self {
            pairs: BTreeSet::new(),
            hashes: [soaked, target].map(|side| side.expected.seen.hashes.clone()),
        };
        let (a, b) = (soaked.resolved, target.resolved);
        names.address(a.executor.address(), b.executor.address());
        let word = |chain: ChainId| U256::from(chain.0).to_be_bytes::<32>();
        names.add(&word(soaked.chain), &word(target.chain));
        for (name, place) in &a.places {
            let Some(other) = b.places.get(name) else { continue };
            names.address(place.address, other.address);
            if let (Some(one), Some(other)) = (place.implementation, other.implementation) {
                names.address(one, other);
            }
        }
        for (name, address) in &a.outside {
            b.outside.get(name).into_iter().for_each(|other| names.address(*address, *other));
        }
        for (fqn, address) in &a.libraries {
            b.libraries.get(fqn).into_iter().for_each(|other| names.address(*address, *other));
        }
        for (one, other) in matched(soaked.expected, target.expected) {
            names.address(*one.0, *other.0);
        }
        for (name, decl) in &release.plan.params {
            let words = |side: &Resolved| encode_value(&decl.ty, side.params.get(name)?).ok();
            if let (Some(one), Some(other)) = (words(a), words(b)) {
                names.value(&one, &other);
            }
        }
        names
    }

    /// The names of one plan on one chain with two ids.
    pub(crate) fn of_chains(one: (u64, &Expected), other: (u64, &Expected)) -> Self {
        let mut names = Self {
            pairs: BTreeSet::new(),
            hashes: [one.1, other.1].map(|expected| expected.seen.hashes.clone()),
        };
        let [a, b] = [one.0, other.0].map(|id| U256::from(id).to_be_bytes::<32>());
        names.add(&a, &b);
        for (one, other) in matched(one.1, other.1) {
            names.address(*one.0, *other.0);
        }
        names
    }

    pub(crate) fn address(&mut self, one: Address, other: Address) {
        self.add(one.as_slice(), other.as_slice());
    }

    fn add(&mut self, one: &[u8], other: &[u8]) {
        if one != other && one.len() == other.len() {
            self.pairs.insert((one.to_vec(), other.to_vec()));
        }
    }

    /// The addresses in a parameter's values, pair by pair.
    fn value(&mut self, one: &DynSolValue, other: &DynSolValue) {
        if let (DynSolValue::Address(a), DynSolValue::Address(b)) = (one, other) {
            self.address(*a, *b);
        }
        let (Some(a), Some(b)) = (items(one), items(other)) else { return };
        if a.len() == b.len() {
            a.iter().zip(b).for_each(|(one, other)| self.value(one, other));
        }
    }

    /// The first byte that nothing explains; none if one means the same as the other.
    pub(crate) fn first_difference(&self, one: &[u8], other: &[u8]) -> Option<usize> {
        self.explain(one, other, 0)
    }

    fn explain(&self, one: &[u8], other: &[u8], depth: usize) -> Option<usize> {
        if one == other {
            return None;
        }
        if one.len() != other.len() {
            return Some(one.len().min(other.len()));
        }
        let mut reached = vec![false; one.len() + 1];
        let (mut last, count) = (0, one.len());
        reached[0] = true;
        for at in 0..count {
            if !reached[at] {
                continue;
            }
            last = at;
            reached[at + 1] |= one[at] == other[at];
            for (a, b) in &self.pairs {
                if one[at..].starts_with(a) && other[at..].starts_with(b) {
                    reached[at + a.len()] = true;
                }
            }
            if let (Some(a), Some(b)) = (one.get(at..at + 32), other.get(at..at + 32))
                && a != b
                && self.same_hash(U256::from_be_slice(a), U256::from_be_slice(b), depth)
            {
                reached[at + 32] = true;
            }
        }
        (!reached[count]).then_some(last)
    }

    /// Whether two words are hashes, or follow hashes at the same distance, of what means the same.
    fn same_hash(&self, one: U256, other: U256, depth: usize) -> bool {
        if depth == DEPTH_MAX {
            return false;
        }
        let [a, b] = &self.hashes;
        let Some((base, first)) = a.range(..=one).next_back() else { return false };
        let distance = one - *base;
        let second = other.checked_sub(distance).and_then(|base| b.get(&base));
        distance < U256::from(MEMBERS_MAX)
            && second.is_some_and(|second| self.explain(first, second, depth + 1).is_none())
    }

    /// Whether a slot of one network is the same variable, or the same key, as one of the other.
    pub(crate) fn same_slot(&self, one: U256, other: U256) -> bool {
        one == other || self.same_hash(one, other, 0)
    }
}

fn items(value: &DynSolValue) -> Option<&[DynSolValue]> {
    match value {
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            Some(items)
        }
        _ => None,
    }
}

type Pair<'a> = ((&'a Address, &'a Created), (&'a Address, &'a Created));

/// The contracts that both networks have, by the operation that creates them.
fn matched<'a>(soaked: &'a Expected, target: &'a Expected) -> Vec<Pair<'a>> {
    let by_op = |expected: &'a Expected| -> BTreeMap<&'a str, (&'a Address, &'a Created)> {
        expected.created.iter().map(|(at, made)| (made.op.as_str(), (at, made))).collect()
    };
    let (a, b) = (by_op(soaked), by_op(target));
    a.into_iter().filter_map(|(op, one)| Some((one, *b.get(op)?))).collect()
}

/// Each difference that no name explains, one sentence each; set-up outside the plan is left out.
pub fn differences(release: &Release, soaked: Side<'_>, target: Side<'_>) -> Vec<String> {
    let names = Names::of(release, soaked, target);
    let mut found = Vec::new();
    let (a, b) = (soaked.expected, target.expected);
    let ops = |expected: &Expected| -> BTreeSet<String> {
        let ops = expected.created.values().map(|made| made.op.clone());
        ops.filter(|op| !op.starts_with("mock:")).collect()
    };
    for op in ops(a).symmetric_difference(&ops(b)) {
        found.push(format!("{op} is created on one of both networks only"));
    }
    let pairs = matched(a, b).into_iter().filter(|((_, made), _)| !made.op.starts_with("mock:"));
    for ((_, one), (_, other)) in pairs {
        if let Some(at) = names.first_difference(&one.code, &other.code) {
            let place = place_in_code(release, soaked.resolved, one, at);
            found.push(format!(
                "{}: {place} is no parameter, reference, external or library, and is {} where it \
                 soaked and {} on the target",
                one.op,
                shown(&one.code, at),
                shown(&other.code, at)
            ));
        }
        found.extend(slots(&names, one, other));
    }
    found
}

/// The name of what a byte of a contract's code belongs to, such as an immutable.
fn place_in_code(release: &Release, soaked: &Resolved, made: &Created, at: usize) -> String {
    let fqn = soaked.ops.iter().find_map(|op| match &op.kind {
        OpKind::Create { contract, .. } if op.id == made.op => Some(contract),
        _ => None,
    });
    let artifact = fqn.and_then(|fqn| release.artifact(fqn));
    let immutables = artifact.into_iter().flat_map(|artifact| &artifact.immutables);
    let named = immutables.filter(|(_, spans)| {
        spans.iter().any(|span| (span.start..span.start + span.length).contains(&at))
    });
    match named.map(|(name, _)| name.as_str()).next() {
        Some(name) => format!("the immutable {name}"),
        None => format!("the code from byte {at} on"),
    }
}

/// The word around a byte.
fn shown(code: &[u8], at: usize) -> Bytes {
    Bytes::copy_from_slice(code.get(at..code.len().min(at + 32)).unwrap_or_default())
}

fn slots(names: &Names, one: &Created, other: &Created) -> Vec<String> {
    let last = |values: &Vec<U256>| values.last().copied().unwrap_or_default();
    let mut rest: BTreeMap<U256, U256> =
        other.slots.iter().map(|(slot, values)| (*slot, last(values))).collect();
    let mut found = Vec::new();
    let mut differs = |slot: U256, a: U256, b: U256| {
        let [x, y] = [a, b].map(|value| value.to_be_bytes::<32>());
        if names.first_difference(&x, &y).is_some() {
            let (slot, a, b) = (B256::from(slot), B256::from(a), B256::from(b));
            found.push(format!(
                "{}: slot {slot} holds {a} where it soaked and {b} on the target, and nothing that \
                 the plan names explains it",
                one.op
            ));
        }
    };
    for (slot, values) in &one.slots {
        let own = rest.contains_key(slot).then_some(*slot);
        let key = own.or_else(|| rest.keys().copied().find(|k| names.same_slot(*slot, *k)));
        let value = key.and_then(|key| rest.remove(&key));
        differs(*slot, last(values), value.unwrap_or_default());
    }
    for (slot, value) in rest {
        differs(slot, U256::ZERO, value);
    }
    let more = found.len().saturating_sub(NAMED_MAX);
    found.truncate(NAMED_MAX);
    if more > 0 {
        found.push(format!("{} differs in {}", one.op, counted(more, "more slot")));
    }
    found
}

/// The first byte at which two codes differ in meaning, metadata left out; `None` if they mean the
/// same. Used for proxies that stand there already.
pub fn same_code(names: &Names, one: &[u8], other: &[u8]) -> Option<usize> {
    let without = |code: &[u8]| code[..trailing_region(code).unwrap_or(code.len())].to_vec();
    names.first_difference(&without(one), &without(other))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use serde_json::json;

    use super::*;

    fn names(pairs: &[(&[u8], &[u8])], preimages: [&[&[u8]]; 2]) -> Names {
        let hash = |bytes: &&[u8]| {
            (U256::from_be_bytes(keccak256(bytes).0), Bytes::copy_from_slice(bytes))
        };
        let mut names = Names::default();
        pairs.iter().for_each(|(one, other)| names.add(one, other));
        names.hashes = preimages.map(|preimages| preimages.iter().map(hash).collect());
        names
    }

    const HERE: [u8; 20] = [0x11; 20];
    const THERE: [u8; 20] = [0x22; 20];
    const BOSS: [u8; 20] = [0x33; 20];

    fn word(address: [u8; 20]) -> [u8; 32] {
        Address::from(address).into_word().0
    }

    #[test]
    fn only_what_the_plan_names_may_differ() {
        let names = names(&[(&HERE, &THERE)], [&[], &[]]);
        let code = |inner: [u8; 20]| [&[0x60, 0x73][..], &inner, &[0x5b]].concat();
        assert_eq!(names.first_difference(&code(HERE), &code(THERE)), None);
        assert_eq!(names.first_difference(&code(BOSS), &code(BOSS)), None);
        // The other way round, half of it, and somebody else.
        assert_eq!(names.first_difference(&code(THERE), &code(HERE)), Some(2));
        let mut half = code(THERE);
        half[12] = 0x11;
        assert_eq!(names.first_difference(&code(HERE), &half), Some(2));
        assert_eq!(names.first_difference(&code(HERE), &code(BOSS)), Some(2));
        assert_eq!(names.first_difference(&code(HERE), &code(HERE)[1..]), Some(22));
    }

    #[test]
    fn keys_and_domains_are_followed_through_their_hashes() {
        let slot = |address, base: u8| {
            [&word(address)[..], &U256::from(base).to_be_bytes::<32>()].concat()
        };
        let (a, b, boss) = (slot(HERE, 3), slot(THERE, 3), slot(BOSS, 3));
        let key = |bytes: &[u8]| U256::from_be_bytes(keccak256(bytes).0);
        let nested = |outer: &[u8]| [&word(BOSS)[..], &key(outer).to_be_bytes::<32>()].concat();
        let (inner_a, inner_b) = (nested(&a), nested(&b));
        let names = names(&[(&HERE, &THERE)], [&[&a, &inner_a], &[&b, &boss, &inner_b]]);
        assert!(names.same_slot(key(&a), key(&b)));
        assert!(names.same_slot(key(&a) + U256::from(5), key(&b) + U256::from(5)));
        assert!(names.same_slot(key(&inner_a), key(&inner_b)));
        assert!(!names.same_slot(key(&a), key(&boss)), "another key");
        assert!(!names.same_slot(key(&a), key(&b) + U256::from(1)), "another member");
        assert!(!names.same_slot(U256::from(3), U256::from(4)));
        let after = |at: u64| names.same_slot(key(&a) + U256::from(at), key(&b) + U256::from(at));
        assert!(after(MEMBERS_MAX - 1) && !after(MEMBERS_MAX));
    }

    #[test]
    fn keys_of_keys_are_followed_six_deep() {
        let chain = |name: [u8; 20]| {
            let (mut slot, mut all) = (word(name), Vec::new());
            for _ in 0..7 {
                let entry = [&word(BOSS)[..], &slot].concat();
                slot = keccak256(&entry).0;
                all.push(entry);
            }
            all
        };
        let (a, b) = (chain(HERE), chain(THERE));
        let all = |chain: &[Vec<u8>]| -> BTreeMap<U256, Bytes> {
            let hash = |entry: &Vec<u8>| {
                (U256::from_be_bytes(keccak256(entry).0), Bytes::copy_from_slice(entry))
            };
            chain.iter().map(hash).collect()
        };
        let mut names = names(&[(&HERE, &THERE)], [&[], &[]]);
        names.hashes = [all(&a), all(&b)];
        let key = |entry: &Vec<u8>| U256::from_be_bytes(keccak256(entry).0);
        let same = |n: usize| names.same_slot(key(&a[n]), key(&b[n]));
        assert!(same(0) && same(5) && !same(6));
    }

    #[test]
    fn names_are_as_long_as_what_they_stand_for() {
        let names = names(&[(&[1], &[2, 2])], [&[], &[]]);
        assert_eq!(names.first_difference(&[1, 3, 3], &[2, 2, 3]), Some(0));
    }

    fn created(slots: &[(U256, U256)]) -> Created {
        Created {
            op: "vault".to_owned(),
            code: Bytes::new(),
            code_hash: B256::ZERO,
            nested: false,
            slots: slots.iter().map(|(slot, value)| (*slot, vec![*value])).collect(),
            varying: BTreeSet::new(),
            nonce: 1,
            balance: U256::ZERO,
            logs: 0,
        }
    }

    #[test]
    fn every_slot_that_the_plan_writes_is_compared() {
        let names = names(&[(&HERE, &THERE)], [&[], &[]]);
        let value = |address: [u8; 20]| U256::from_be_bytes(word(address));
        let one = U256::from(1);
        let check =
            |a: &[(U256, U256)], b: &[(U256, U256)]| slots(&names, &created(a), &created(b)).len();
        assert_eq!(check(&[(one, value(HERE))], &[(one, value(THERE))]), 0);
        assert_eq!(check(&[(one, value(HERE))], &[(one, value(BOSS))]), 1, "the boss is another");
        assert_eq!(check(&[(one, value(HERE))], &[]), 1, "nobody is");
        assert_eq!(check(&[], &[(one, value(BOSS))]), 1, "nobody was");
        assert_eq!(check(&[(one, U256::from(7))], &[(one, U256::from(8))]), 1, "a number");
        assert_eq!(check(&[(one, U256::from(1))], &[]), 1, "a switch");
        // Packed: an address and a number behind it.
        let packed = |address, number: u64| (value(address) << 8_usize) | U256::from(number);
        assert_eq!(check(&[(one, packed(HERE, 7))], &[(one, packed(THERE, 7))]), 0);
        assert_eq!(check(&[(one, packed(HERE, 7))], &[(one, packed(THERE, 8))]), 1);
        assert_eq!(check(&[(one, packed(HERE, 7))], &[(one, packed(BOSS, 7))]), 1);
        let many: Vec<_> = (0..20).map(|n| (U256::from(n), U256::from(100))).collect();
        assert_eq!(check(&many, &[]), NAMED_MAX + 1);
    }

    #[test]
    fn values_are_the_target_s_and_addresses_are_not() {
        let mixed =
            |ty: &str, own: Value, other: Value| value_of(&parse_type(ty).unwrap(), &own, &other);
        let [a, b, zero] =
            [HERE, THERE, [0; 20]].map(|address| json!(Address::from(address).to_string()));
        assert_eq!(mixed("address", a.clone(), b.clone()), a);
        assert_eq!(mixed("address", zero.clone(), b.clone()), b, "zero is no place");
        assert_eq!(mixed("address", a.clone(), zero.clone()), zero);
        let small = |n: u64| json!(format!("0x{n:040x}"));
        assert_eq!(mixed("address", small(0xffff_ffff), b.clone()), b, "a small number");
        assert_eq!(mixed("address", small(0x1_0000_0000), b.clone()), small(0x1_0000_0000));
        assert_eq!(mixed("bool", json!(true), json!(false)), json!(false));
        assert_eq!(mixed("uint8[]", json!(["1", "2"]), json!(["3"])), json!(["3"]));
        let one = json!([["7", a, [a, a]], ["8", a, [a, a]]]);
        let other = json!([["9", b, [b, b]], ["9", b, [b, b]]]);
        let both = json!([["9", a, [a, a]], ["9", a, [a, a]]]);
        assert_eq!(mixed("(uint256,address,address[2])[]", one, other), both);
        // Lists of another length are the target's altogether, and so equal.
        assert_eq!(mixed("address[]", json!([a]), json!([b, b])), json!([b, b]));
    }

    #[test]
    fn a_proxy_of_another_build_is_another_proxy() {
        let names = names(&[(&HERE, &THERE)], [&[], &[]]);
        let region = |hash: u8| {
            [&b"\xa2\x64ipfs\x58\x22\x12\x20"[..], &[hash; 32], b"\x64solc\x43\x00\x08\x25\x00\x33"]
                .concat()
        };
        let proxy = |admin: &[u8], hash| [&[0x60, 0x73][..], admin, &region(hash)].concat();
        assert_eq!(same_code(&names, &proxy(&HERE, 1), &proxy(&THERE, 2)), None);
        assert_eq!(same_code(&names, &proxy(&HERE, 1), &proxy(&BOSS, 1)), Some(2));
        assert_eq!(same_code(&names, &proxy(&HERE, 1), &[]), Some(0));
    }
}
