//! New code behind what stands, by whatever function and whoever calls it.

use tidegate_model::Fqn;
use tidegate_model::record::Place;

use super::*;
use crate::resolve::Watch;
use crate::trial::{OTHER, World, at, call, creation, factory, faults, leaving, plan_of, reader};

/// A proxy that stands and that the plan does not call.
const PROXY: Address = Address::repeat_byte(0x77);
/// What comes behind it.
const NEW: Address = Address::repeat_byte(0x99);

/// Code that puts an address in a slot.
fn puts(address: Address, slot: B256) -> Vec<u8> {
    [&hex!("73")[..], address.as_slice(), &hex!("7f"), slot.as_slice(), &hex!("55")].concat()
}

/// Code that calls another contract, with nothing.
fn calls(to: Address) -> Vec<u8> {
    [&hex!("5f5f5f5f5f73")[..], to.as_slice(), &hex!("5af100")].concat()
}

/// Code that answers data with what slot 0 holds, and without data puts an address there.
fn beacon(new: Address) -> Vec<u8> {
    let puts = [&hex!("73")[..], new.as_slice(), &hex!("5f5500")].concat();
    [&hex!("36601c57")[..], &puts, &hex!("5b5f545f5260205ff3")].concat()
}

/// A plan that calls `OTHER`, which it names, as it does the proxy.
fn rolling() -> Resolved {
    let mut plan = plan_of(vec![call("roll", OTHER)]);
    plan.outside = [("admin".to_owned(), OTHER), ("box".to_owned(), PROXY)].into();
    plan
}

/// The faults where these accounts have this code.
fn with(plan: &Resolved, code: &[(Address, Vec<u8>)], when: When) -> Vec<String> {
    World { code: code.iter().cloned().collect(), ..World::default() }.found(plan, when).faults
}

/// Nothing is said of upgrades; that a call may run out of gas is another matter.
#[track_caller]
fn silent(faults: &[String]) {
    assert!(faults.iter().all(|fault| !fault.contains("step with `upgrade`")), "{faults:?}");
}

#[track_caller]
fn refused(faults: &[String], says: &str) {
    assert!(faults.len() == 1 && faults[0].starts_with(says), "{faults:?}");
    assert!(faults[0].contains("no step with `upgrade` says so"), "{faults:?}");
}

#[test]
fn what_stands_gets_new_code_by_a_step_that_upgrades_alone() {
    for (slot, name) in POINTERS {
        for when in [When::Before, When::After] {
            let says = format!("roll puts {NEW} in {name} of @admin at {OTHER}");
            refused(&faults(&rolling(), &puts(NEW, slot), when), &says);
            // Whoever is called, the proxy is what counts.
            let says = format!("roll puts {NEW} in {name} of @box at {PROXY}");
            let code = [(OTHER, calls(PROXY)), (PROXY, puts(NEW, slot))];
            refused(&with(&rolling(), &code, when), &says);
        }
    }
    // There and back within one call: the other code ran in between.
    let old = Address::with_last_byte(5);
    let twice = [puts(NEW, IMPLEMENTATION_SLOT), puts(old, IMPLEMENTATION_SLOT)].concat();
    let says = format!("roll puts {old} in the implementation slot of @admin");
    refused(&faults(&rolling(), &twice, When::Before), &says);
    // Another slot is no such slot.
    let other = puts(NEW, B256::with_last_byte(7));
    assert_eq!(faults(&rolling(), &other, When::Before), Vec::<String>::new());
    let after = World::of(&puts(NEW, IMPLEMENTATION_SLOT));
    let found = after.settled(|snapshot| upgraded_otherwise(&rolling(), snapshot));
    refused(&found, "roll puts");
}

#[test]
fn a_creation_that_upgrades_what_stands_is_one_too() {
    let asks = [&hex!("5f5f5f5f5f73")[..], PROXY.as_slice(), &hex!("5af1")].concat();
    let mut plan = plan_of(vec![creation("maker", reader(&asks, true), true)]);
    plan.outside.insert("box".to_owned(), PROXY);
    let code = [(PROXY, puts(NEW, IMPLEMENTATION_SLOT))];
    let says = format!("maker puts {NEW} in the implementation slot of @box");
    refused(&with(&plan, &code, When::Before), &says);
}

#[test]
fn an_upgrade_says_what_it_puts_where() {
    let mut plan = rolling();
    plan.starts = vec![Start {
        step: "roll".to_owned(),
        target: "box".to_owned(),
        address: PROXY,
        admin: Some(OTHER),
        slot: IMPLEMENTATION_SLOT,
        reference: Fqn("src/Old.sol:Old".to_owned()),
        in_plan: false,
    }];
    let place = |made| Place { address: PROXY, implementation: Some(made) };
    plan.places.insert("roll".to_owned(), place(NEW));
    let code = |slot| [(OTHER, calls(PROXY)), (PROXY, puts(NEW, slot))];
    let upgraded = code(IMPLEMENTATION_SLOT);
    silent(&with(&plan, &upgraded, When::Before));
    refused(&with(&plan, &code(ADMIN_SLOT), When::Before), "roll puts");
    let mut other = plan.clone();
    other.places.insert("roll".to_owned(), place(OTHER));
    refused(&with(&other, &upgraded, When::Before), "roll puts");
    // Another step does not do it in its name.
    plan.starts[0].step = "next".to_owned();
    plan.places.insert("next".to_owned(), place(NEW));
    refused(&with(&plan, &upgraded, When::Before), "roll puts");
}

#[test]
fn what_a_beacon_answers_is_behind_its_proxies() {
    let old = Address::with_last_byte(5);
    let code = |new| [(OTHER, beacon(new)), (old, vec![0])];
    let says = format!("roll has @admin at {OTHER} answer `implementation()` with {NEW}");
    refused(&with(&rolling(), &code(NEW), When::Before), &says);
    silent(&with(&rolling(), &code(old), When::Before));
    // What was answered before has no code: it is no beacon.
    silent(&faults(&rolling(), &beacon(NEW), When::Before));
    // One that asks another contract, and is not written itself.
    let (asking, asked) = (Address::repeat_byte(0xbb), OTHER);
    let asks = [&hex!("60205f60045f73")[..], asked.as_slice(), &hex!("5afa5060205ff3")].concat();
    let slots = [((PROXY, U256::from_be_bytes(BEACON_SLOT.0)), U256::from_be_slice(&asking[..]))];
    let code = [(asked, beacon(NEW)), (asking, asks), (PROXY, vec![0]), (old, vec![0])].into();
    let mut plan = rolling();
    plan.outside.remove("admin");
    let found = World { code, slots: slots.into() }.found(&plan, When::Before).faults;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|fault| fault.starts_with(&format!("roll has {asking} answer"))));
}

#[test]
fn whatever_slot_names_the_code_that_runs() {
    // It runs the code that its slot 5 names, which is account 5; that puts another one there.
    let old = Address::repeat_byte(0x55);
    let runs = hex!("5f5f5f5f6005545af400").to_vec();
    let code = |slot| [(OTHER, runs.clone()), (old, puts(NEW, B256::with_last_byte(slot)))];
    let five = [((OTHER, U256::from(5)), U256::from_be_slice(&old[..]))];
    let found = |slot| {
        let code = code(slot).into_iter().collect();
        World { code, slots: five.into() }.found(&rolling(), When::Before).faults
    };
    refused(&found(5), &format!("roll puts {NEW} in slot 0x5, whose code it runs, of @admin"));
    silent(&found(6));
}

#[test]
fn what_the_plan_makes_keeps_what_its_step_says() {
    let made = creation("box", leaving(&puts(NEW, IMPLEMENTATION_SLOT)), true);
    let to = at(&made);
    let watch = |value: Address| Watch {
        address: to,
        slot: IMPLEMENTATION_SLOT,
        name: "the implementation slot",
        value: Some(value.into_word()),
    };
    let mut plan = plan_of(vec![made, call("roll", to)]);
    // Nobody says what is behind it, and nothing was before.
    assert_eq!(faults(&plan, &[], When::Before), Vec::<String>::new());
    // Whatever it ends with, the call is no step of its proxy.
    plan.slots = vec![watch(NEW)];
    let says = format!("roll puts {NEW} in the implementation slot of box at {to}");
    refused(&faults(&plan, &[], When::Before), &says);
    // What an operation creates in turn is set up by that.
    let maker = factory(&[puts(NEW, IMPLEMENTATION_SLOT), leaving(&hex!("00")).to_vec()].concat());
    silent(&faults(&rolling(), &maker, When::Before));
}
