//! Mutants of what stands on a chain: each is reported as what it is, and none passes.

mod stand;

use alloy_primitives::{Address, B256, U256, address};

use crate::support::{Case, Level};
use stand::{Mutant, Stand};

pub(crate) fn cases() -> Vec<Case> {
    let deployed = CODE.iter().chain(&PROXIES).map(|mutant| mutant.case(Level::Mixed));
    let halfway = STORAGE.iter().map(|mutant| mutant.case(Level::Halfway));
    deployed.chain(halfway).collect()
}

const STRANGER: Address = address!("00000000000000000000000000000000DeaDBeef");
const IMPLEMENTATION: &str = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
const ADMIN: &str = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103";
const BEACON: &str = "0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50";

/// Other code than the sources give.
const CODE: [Mutant; 25] = [
    Mutant::new("no_code", |m| m.set_code("gate", Vec::new()), &["gate", "no code"]),
    Mutant::new("one_byte_of_code", |m| m.flip("gate", 40), &["gate", "byte 40"]),
    Mutant::new(
        "one_byte_of_a_function",
        |m| m.flip_at("desk", 0x1001_c0de),
        &["desk", "Desk.order"],
    ),
    Mutant::new("one_byte_cut_off", |m| m.edit("desk", |c| c.truncate(c.len() - 1)), &["desk"]),
    Mutant::new("one_byte_more", |m| m.edit("desk", |code| code.push(0)), &["desk"]),
    Mutant::new("half_of_the_code", |m| m.edit("desk", |c| c.truncate(c.len() / 2)), &["desk"]),
    Mutant::new("other_metadata", |m| m.metadata("desk", |r| r[12] ^= 1), &["metadata"]),
    Mutant::new(
        "metadata_that_is_code",
        |m| m.metadata("desk", |region| region.fill(0x5b)),
        &["desk"],
    ),
    Mutant::new(
        "metadata_of_another_length",
        |m| m.metadata("desk", |region| region[52] = 0x20),
        &["desk"],
    ),
    Mutant::new("fake_metadata_around_changed_code", |m| m.fake_metadata("desk"), &["Desk."]),
    Mutant::new(
        "other_metadata_and_one_byte",
        |m| {
            m.metadata("desk", |region| region[12] ^= 1)?;
            m.flip_at("desk", 0x2002_c0de)
        },
        &["Desk.refund"],
    ),
    Mutant::new(
        "wrong_immutable",
        |m| m.immutable("desk", "Desk.fee", usize::MAX, |value| value[31] = 8),
        &["Desk.fee"],
    ),
    Mutant::new(
        "one_occurrence_of_an_immutable",
        |m| m.immutable("desk", "Desk.fee", 0, |value| value[31] = 8),
        &["Desk.fee"],
    ),
    Mutant::new(
        "dirty_bytes_in_an_immutable",
        |m| m.immutable("desk", "Desk.child", usize::MAX, |value| value[0] = 1),
        &["Desk.child"],
    ),
    Mutant::new("swapped_immutables", |m| m.swap_immutables("desk"), &["Desk.bonus", "Desk.fee"]),
    Mutant::new("swapped_library", |m| m.swap_library("desk"), &["Twice"]),
    Mutant::new("library_elsewhere", |m| m.library("desk", STRANGER), &["Twice"]),
    Mutant::new(
        "code_of_a_library",
        |m| m.flip_at("lib:Twice", 0x4004_c0de),
        &["lib:Twice", "times"],
    ),
    Mutant::new(
        "call_protection",
        |m| m.edit("lib:Twice", |code| code[1..21].fill(0)),
        &["lib:Twice"],
    ),
    Mutant::new(
        "delegated_account",
        |m| m.set_code("gate", [&[0xef, 1, 0], STRANGER.as_slice()].concat()),
        &["gate", "7702"],
    ),
    Mutant::new("minimal_proxy_in_place", |m| m.clone_of("gate", STRANGER), &["gate", "1167"]),
    Mutant::new("code_of_a_nested_contract", |m| m.flip("desk+1", 60), &["desk+1"]),
    Mutant::new("code_of_what_a_call_made", |m| m.flip("strike+1", 40), &["strike+1"]),
    Mutant::new("code_of_another_contract", |m| m.copy("gate", "desk"), &["desk"]),
    Mutant::new(
        "other_maker_of_a_guarded_contract",
        |m| m.immutable("till", "Till.maker", usize::MAX, |v| v[12..].fill(0x11)),
        &["Till.maker"],
    ),
];

/// Other wiring than the plan gives.
const PROXIES: [Mutant; 13] = [
    Mutant::new(
        "swapped_implementation",
        |m| m.point("transparent/proxy", IMPLEMENTATION, "first/implementation"),
        &["implementation slot"],
    ),
    Mutant::new(
        "implementation_of_a_stranger",
        |m| m.slot("transparent/proxy", IMPLEMENTATION, STRANGER.into_word()),
        &["implementation slot"],
    ),
    Mutant::new(
        "no_implementation",
        |m| m.slot("transparent/proxy", IMPLEMENTATION, B256::ZERO),
        &["implementation slot"],
    ),
    Mutant::new(
        "other_admin",
        |m| m.slot("transparent/proxy", ADMIN, STRANGER.into_word()),
        &["admin slot"],
    ),
    Mutant::new("code_of_the_admin", |m| m.flip("transparent/proxy+1", 60), &["proxy+1"]),
    Mutant::new(
        "other_beacon",
        |m| m.slot("first/proxy", BEACON, STRANGER.into_word()),
        &["beacon slot"],
    ),
    Mutant::new(
        "other_beacon_of_the_second",
        |m| m.point("second/proxy", BEACON, "gate"),
        &["beacon slot"],
    ),
    Mutant::new(
        "beacon_points_elsewhere",
        |m| m.slot("first/beacon", "0x1", STRANGER.into_word()),
        &["implementation slot"],
    ),
    Mutant::new("code_of_the_beacon", |m| m.flip("first/beacon", 60), &["first/beacon"]),
    Mutant::new("code_of_a_proxy", |m| m.flip("first/proxy", 60), &["first/proxy"]),
    Mutant::new(
        "code_of_an_implementation",
        |m| m.flip_at("transparent/implementation", 0x3003_c0de),
        &["Box.resize"],
    ),
    Mutant::new("clone_of_another", |m| m.clone_of("clone/proxy", STRANGER), &["clone/proxy"]),
    Mutant::new(
        "contract_in_place_of_a_clone",
        |m| m.copy("clone/implementation", "clone/proxy"),
        &["clone/proxy"],
    ),
];

/// Other storage than constructors and initialisers leave, set before the deployment went on.
const STORAGE: [Mutant; 11] = [
    Mutant::new("uninitialised_clone", |m| m.wipe("clone/proxy", &[0, 1, 2]), &["clone.size"]),
    Mutant::new("other_size", |m| m.value("first/proxy", 1, 77), &["first.size"]),
    Mutant::new("other_owner", |m| m.value("second/proxy", 0, 77), &["second.owner"]),
    Mutant::new("other_constructor_storage", |m| m.value("gate", 0, 1), &["gate.delay"]),
    Mutant::new(
        "implementation_left_open",
        |m| m.value("clone/implementation", 2, 0),
        &["clone/implementation", "_initialized"],
    ),
    Mutant::new("list_with_another_length", |m| m.value("gate", 1, 3), &["gate", "guards"]),
    Mutant::new("variable_that_should_be_zero", |m| m.value("desk", 0, 5), &["desk", "orders"]),
    Mutant::new("storage_of_a_nested_contract", |m| m.value("desk+1", 0, 5), &["desk+1"]),
    Mutant::new("other_owner_of_the_beacon", |m| m.value("first/beacon", 0, 5), &["_owner"]),
    Mutant::new(
        "other_owner_of_the_admin",
        |m| m.value("transparent/proxy+1", 0, 5),
        &["transparent/proxy+1"],
    ),
    Mutant::new(
        "proxy_marked_uninitialised",
        |m| m.value("transparent/proxy", 2, 0),
        &["transparent/proxy", "_initialized"],
    ),
];

impl Stand<'_> {
    fn value(&self, name: &str, slot: u64, value: u64) -> Result<(), libtest_mimic::Failed> {
        self.set(name, U256::from(slot), U256::from(value))
    }

    fn wipe(&self, name: &str, slots: &[u64]) -> Result<(), libtest_mimic::Failed> {
        slots.iter().try_for_each(|slot| self.value(name, *slot, 0))
    }
}
