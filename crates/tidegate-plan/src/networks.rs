//! One plan on two networks: tests of what compares them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::json;
use tidegate_model::ChainId;
use tidegate_model::plan::{ParamDecl, Rule};
use tidegate_model::release::Release;

use crate::config::Config;
use crate::example::{EXTERNAL, SAFE, artifact, context, plan, release};
use crate::expected::{Created, Expected};
use crate::label::label;
use crate::resolve::{Executor, Resolved, resolve};
use crate::same::{Names, Side, differences, values_of};
use crate::slots::{ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT};
use crate::trial::ALL;

mod left;

/// The plan where it soaked and on its target.
struct Both {
    release: Release,
    soaked: (Resolved, Expected),
    target: (Resolved, Expected),
}

impl Both {
    fn new() -> Self {
        let config = Config::parse(ALL).unwrap();
        let mut release = release(plan(&config).unwrap());
        for (contract, label) in [("Next", "fresh"), ("Vault", "cap")] {
            let artifact = release.artifacts.get_mut(&artifact(contract).fqn).unwrap();
            artifact.layout = json!({"items": [{"label": label, "slot": "7", "offset": 0}]});
        }
        for artifact in release.artifacts.values_mut().filter(|a| a.fqn.name() != "Registry") {
            artifact.immutables.clear();
        }
        let soaked = resolve(&release, &context(&config, "testnet")).unwrap();
        let mut context = context(&config, "mainnet");
        context.executor = Executor::Safe(SAFE);
        context.externals.insert("usdc".to_owned(), Address::repeat_byte(4));
        let target = resolve(&release, &context).unwrap();
        let with = |resolved: Resolved| {
            let expected = Expected { created: created(&resolved), ..Expected::default() };
            (resolved, expected)
        };
        Self { release, soaked: with(soaked), target: with(target) }
    }

    fn soaked(&self) -> Side<'_> {
        let (resolved, expected) = &self.soaked;
        Side { chain: ChainId(31_338), resolved, expected }
    }

    fn target(&self) -> Side<'_> {
        let (resolved, expected) = &self.target;
        Side { chain: ChainId(31_337), resolved, expected }
    }

    fn differences(&self) -> Vec<String> {
        differences(&self.release, self.soaked(), self.target())
    }
}

fn made(op: &str) -> Created {
    Created {
        op: op.to_owned(),
        code: vec![0x5b; 100].into(),
        code_hash: B256::ZERO,
        nested: op.contains('+'),
        slots: BTreeMap::new(),
        varying: BTreeSet::new(),
        nonce: 1,
        balance: U256::ZERO,
        logs: 0,
    }
}

fn created(resolved: &Resolved) -> BTreeMap<Address, Created> {
    resolved.creations().map(|(op, at, _)| (at, made(&op.id))).collect()
}

fn at(resolved: &Resolved, id: &str) -> Address {
    resolved.creations().find(|(op, ..)| op.id == id).unwrap().1
}

/// A contract of one side, to be changed.
fn of<'e>(side: &'e mut (Resolved, Expected), id: &str) -> &'e mut Created {
    side.1.created.get_mut(&at(&side.0, id)).unwrap()
}

fn u(n: u64) -> U256 {
    U256::from(n)
}

#[test]
fn what_the_plan_names_means_the_same() {
    let mut both = Both::new();
    // Contracts that others create, and addresses in lists of parameters.
    let [one, other] = [0x71, 0x72].map(Address::repeat_byte);
    both.soaked.1.created.insert(one, made("make+1"));
    both.target.1.created.insert(other, made("make+1"));
    let ty = "(address,uint256)[2]".to_owned();
    let decl = ParamDecl { ty, members: Vec::new(), rule: Rule::PerNetwork };
    both.release.plan.params.insert("list".to_owned(), decl);
    let list = |byte: u8| {
        let item = |n: u8| json!([Address::repeat_byte(byte + n), "7"]);
        json!([item(0), item(1)])
    };
    both.soaked.0.params.insert("list".to_owned(), list(0x81));
    both.target.0.params.insert("list".to_owned(), list(0x91));
    let names = Names::of(&both.release, both.soaked(), both.target());
    let (a, b) = (&both.soaked.0, &both.target.0);
    let pair = |id: &str| (at(a, id), at(b, id));
    let pairs = [
        (a.executor.address(), b.executor.address()),
        (EXTERNAL, Address::repeat_byte(4)),
        (one, other),
        (Address::repeat_byte(0x81), Address::repeat_byte(0x91)),
        (Address::repeat_byte(0x82), Address::repeat_byte(0x92)),
        pair("registry"),
        pair("vault/implementation"),
        pair("vault/proxy"),
        pair("pool/beacon"),
        pair("clone/proxy"),
        pair("lib:src/L.sol:L"),
    ];
    for (a, b) in pairs {
        assert_ne!(a, b);
        assert_eq!(names.first_difference(a.as_slice(), b.as_slice()), None, "{a} {b}");
        assert!(names.first_difference(b.as_slice(), a.as_slice()).is_some(), "{b} {a}");
    }
    let word = |n: u64| u(n).to_be_bytes::<32>();
    assert_eq!(names.first_difference(&word(31_338), &word(31_337)), None, "the chain's id");
    assert!(names.first_difference(&word(31_338), &word(31_336)).is_some());
    assert!(names.first_difference(&word(1), &word(2)).is_some(), "another number");
}

#[test]
fn values_are_the_target_s_and_addresses_each_network_s() {
    let both = Both::new();
    let (mut soaked, target) = (both.soaked.0.clone(), &both.target.0);
    soaked.params.remove("cap");
    let values = values_of(target, &soaked, &both.release).unwrap();
    let owner = soaked.params["owner"].clone();
    let expected = [("delay", json!("1209600")), ("mode", json!("2")), ("owner", owner)];
    assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value)).into());
    assert_ne!(values["owner"], target.params["owner"]);
}

#[test]
fn every_contract_is_on_both_networks() {
    let mut both = Both::new();
    assert_eq!(both.differences(), Vec::<String>::new());
    let [one, other] = [0x71, 0x72].map(Address::repeat_byte);
    both.soaked.1.created.insert(one, made("mock:usdc"));
    assert_eq!(both.differences(), Vec::<String>::new(), "a mock is a testnet's");
    both.target.1.created.insert(other, Created { code: Bytes::new(), ..made("mock:usdc") });
    assert_eq!(both.differences(), Vec::<String>::new());
    both.soaked.1.created.insert(one, made("make+1"));
    assert_eq!(both.differences(), ["make+1 is created on one of both networks only"]);
    let mut both = Both::new();
    let beacon = at(&both.target.0, "pool/beacon");
    both.target.1.created.remove(&beacon);
    assert_eq!(both.differences(), ["pool/beacon is created on one of both networks only"]);
}

#[test]
fn a_byte_that_nothing_explains_is_placed() {
    let found = |id: &str, byte: usize| {
        let mut both = Both::new();
        let mut code = vec![0x5b; 100];
        code[byte] = 0x5c;
        of(&mut both.target, id).code = code.into();
        let found = both.differences();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    for (byte, place) in [
        (39, "the code from byte 39 on"),
        (40, "the immutable V.x"),
        (59, "the immutable V.x"),
        (60, "the code from byte 60 on"),
    ] {
        let says = format!("registry: {place} is no parameter, reference, external or library");
        assert!(found("registry", byte).starts_with(&says), "{}", found("registry", byte));
    }
    let other = found("paid", 40);
    assert!(other.starts_with("paid: the code from byte 40 on"), "{other}");
    // The word from there on, as far as there is code.
    let word = |byte: u8, len: usize| format!("0x{byte:x}{}", "5b".repeat(len - 1));
    let shown =
        format!("is {} where it soaked and {} on the target", word(0x5b, 32), word(0x5c, 32));
    assert!(found("registry", 39).ends_with(&shown), "{}", found("registry", 39));
    let shown = format!("and {} on the target", word(0x5c, 10));
    assert!(found("registry", 90).ends_with(&shown), "{}", found("registry", 90));
}

#[test]
fn a_slot_that_nothing_explains_is_named() {
    let mut both = Both::new();
    of(&mut both.soaked, "vault/proxy").slots = [(u(3), vec![u(5)])].into();
    of(&mut both.target, "vault/proxy").slots = [(u(3), vec![u(6)])].into();
    let found = both.differences();
    assert_eq!(found.len(), 1, "{found:?}");
    let slot = B256::with_last_byte(3);
    assert!(found[0].starts_with(&format!("vault/proxy: slot {slot} holds ")), "{found:?}");
}

#[test]
fn a_slot_has_the_name_that_the_contract_behind_it_gives() {
    let both = Both::new();
    let name = |name: &str, slot: U256| label(&both.release, both.target(), name, slot);
    let known =
        [(IMPLEMENTATION_SLOT, "implementation"), (BEACON_SLOT, "beacon"), (ADMIN_SLOT, "admin")];
    for (slot, expected) in known {
        let slot = U256::from_be_bytes(slot.0);
        assert_eq!(name("live", slot).as_deref(), Some(expected));
    }
    assert_eq!(name("live", u(7)).as_deref(), Some("fresh"));
    assert_eq!(name("usdc", u(7)), None, "nothing of it is known");
    assert_eq!(name("live", u(8)), None);
}
