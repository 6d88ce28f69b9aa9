//! What local execution finds, and when it refuses.

use alloy_primitives::{Bytes, hex};
use serde_json::Value;
use tidegate_model::BlockRef;

use super::*;
use crate::resolve::{Check, Op, OpKind, Watch};
use crate::trial::{
    HEAD, OTHER, World, at, call, creation, factory, faults, found, leaving, plan_of, reader,
};

const NONE: Vec<String> = Vec::new();

fn named(mut plan: Resolved) -> Resolved {
    plan.outside.insert("feed".to_owned(), OTHER);
    plan
}

/// A plan with one contract that keeps what this code reads.
fn till(read: &[u8]) -> Resolved {
    plan_of(vec![creation("till", reader(read, true), true)])
}

/// A view call of a contract and the number that it must return.
fn check(step: &str, to: Address, returns: u64) -> Check {
    Check {
        step: step.to_owned(),
        signature: "kept()".to_owned(),
        to,
        data: Bytes::new(),
        returns: U256::from(returns).to_be_bytes::<32>().into(),
        value: Value::Null,
        kind: "uint256".to_owned(),
    }
}

/// Code that fails a number of seconds after the block of the tests.
fn until(secs: u32) -> Vec<u8> {
    let last = 1_800_000_000 + secs;
    // The time, GT, and a jump over what fails, where it is.
    [&hex!("42 63")[..], &last.to_be_bytes(), &hex!("10 15 600e 57 5f5ffd 5b")].concat()
}

/// The faults of a plan of which these operations were executed already.
fn rest(plan: &Resolved, code: &[u8], done: &[&str]) -> Expected {
    let done = done.iter().map(|op| (*op).to_owned()).collect();
    World::of(code).settled(|snapshot| expected_rest(plan, snapshot, &done))
}

#[test]
fn what_was_done_may_fail_now_and_what_is_due_may_not() {
    let fails = hex!("5f5ffd");
    let made = creation("till", reader(&hex!("46"), true), true);
    let plan = named(plan_of(vec![made.clone(), call("make", OTHER)]));
    for done in [&[][..], &["till"]] {
        let faults = rest(&plan, &fails, done).faults;
        assert!(faults.len() == 1 && faults[0].starts_with("make fails"), "{faults:?}");
    }
    let found = rest(&plan, &fails, &["till", "make"]);
    assert_eq!((found.faults, found.skipped.len()), (NONE, 1));
    // The chain's id is 1.
    let wrong = check("till", at(&made), 7);
    let plan = Resolved { checks: vec![wrong], ..plan_of(vec![made]) };
    assert_eq!(rest(&plan, &[], &[]).faults.len(), 1);
    assert_eq!(rest(&plan, &[], &["till"]).faults, NONE);
}

#[test]
fn once_it_ran_only_what_it_left_is_judged() {
    let boxed = |read: &[u8]| creation("box", reader(read, true), false);
    let plans = [
        till(&hex!("636b4dc600" "4214")),
        till(&hex!("62278d00 42 04")),
        plan_of(vec![creation("org", leaving(&hex!("33ff")), false)]),
        plan_of(vec![call("make", OTHER)]),
        plan_of(vec![boxed(&[&hex!("73")[..], OTHER.as_slice(), &hex!("3b")].concat())]),
    ];
    let code = factory(&reader(&hex!("46"), true));
    for (plan, code) in plans.into_iter().zip([&[][..], &[], &[], &code, &[]]) {
        let plan = named(plan);
        assert_eq!(faults(&plan, code, When::Before).len(), 1);
        assert_eq!(faults(&plan, code, When::After), NONE);
    }
}

#[test]
fn what_turns_in_a_month_without_a_comparison_is_seen() {
    // The time in months of 30 days.
    let months = hex!("62278d00 42 04");
    let fault = faults(&till(&months), &[], When::Before).concat();
    assert!(fault.starts_with("till holds in slot 0x0 what the block decides"), "{fault}");
    // What is there already may keep it, and it is known to vary.
    let keeps = [&months[..], &hex!("600255 00")].concat();
    let kept = found(&named(plan_of(vec![call("go", OTHER)])), &keeps, When::Before);
    assert_eq!(kept.faults, NONE);
    assert!(kept.outside[&(OTHER, U256::from(2))].varies);
    let same = found(&named(plan_of(vec![call("go", OTHER)])), &hex!("6007600255"), When::Before);
    assert!(!same.outside[&(OTHER, U256::from(2))].varies);
}

#[test]
fn a_plan_may_end_in_a_month_and_not_in_an_hour() {
    let month = [until(30 * 86_400), hex!("6007").to_vec()].concat();
    assert_eq!(faults(&till(&month), &[], When::Before), NONE);
    // What an earlier step leaves then does not count.
    let month = [until(30 * 86_400), hex!("00").to_vec()].concat();
    // The time in units of 97 days, which is another one in 41 days.
    let units = creation("till", reader(&hex!("42 6017 1c"), true), true);
    let plan = named(plan_of(vec![units.clone(), call("go", OTHER)]));
    assert_eq!(faults(&plan, &month, When::Before), NONE);
    assert_eq!(faults(&plan_of(vec![units]), &[], When::Before).len(), 1);
    let soon = [until(1_800), hex!("6007").to_vec()].concat();
    let fault = faults(&till(&soon), &[], When::Before).concat();
    assert!(
        fault.starts_with("till fails") && fault.ends_with("if it runs an hour later"),
        "{fault}"
    );
}

#[test]
fn what_varies_is_left_out_and_nothing_else() {
    // Slot 1 holds 7, slot 0 the time, or the number of the block.
    for read in [hex!("6007600155 42"), hex!("6007600155 43")] {
        let expected = found(&till(&read), &[], When::Before);
        assert_eq!(expected.faults, NONE);
        let made = expected.created.values().next().unwrap();
        assert_eq!(made.varying, [U256::ZERO].into());
        assert_eq!(made.slots, [(U256::ONE, vec![U256::from(7); 2])].into());
    }
}

#[test]
fn two_networks_are_run_in_one_block() {
    let block = BlockRef { number: 7, ..HEAD.block };
    let block = Head { block, timestamp: 1_900_000_000 };
    for (read, expected) in [(hex!("42"), 1_900_000_000_u64), (hex!("43"), 7)] {
        let plan = till(&read);
        let run = |snapshot: &StateSnapshot| expected_in(&plan, snapshot, When::Before, block);
        let found = World::default().settled(run);
        let made = found.created.values().next().unwrap();
        assert_eq!(made.slots[&U256::ZERO].last(), Some(&U256::from(expected)));
    }
}

#[test]
fn a_watched_slot_holds_what_it_must() {
    let mut plan = till(&hex!("6007"));
    let address = at(&plan.ops[0]);
    let word = |n: u8| B256::with_last_byte(n);
    let mut with = |value: Option<B256>, when| {
        let (slot, name) = (B256::ZERO, "the implementation slot");
        plan.slots = vec![Watch { address, slot, name, value }];
        let found = found(&plan, &[], when);
        assert_eq!((found.slots[0].address, found.slots[0].slot), (address, slot));
        (found.faults.len(), found.slots[0].value)
    };
    assert_eq!(with(None, When::Before), (0, word(7)));
    assert_eq!(with(Some(word(7)), When::Before), (0, word(7)));
    assert_eq!(with(Some(word(8)), When::Before), (1, word(8)));
    assert_eq!(with(Some(word(8)), When::After), (0, word(8)), "it may have moved on");
    // After another fault nothing is said of it.
    let mut broken = plan_of(vec![creation("till", hex!("5f5ffd").into(), true)]);
    broken.slots = plan.slots.clone();
    broken.slots[0].value = Some(word(8));
    let fault = faults(&broken, &[], When::Before);
    assert!(fault.len() == 1 && fault[0].starts_with("till fails"), "{fault:?}");
}

#[test]
fn a_check_is_made_when_its_step_is_done_and_no_later() {
    // Sets slot 0 where it is called with data, and else answers with it.
    let code = hex!("36600c57" "5f545f5260205ff3" "5b60075f5500");
    let made = Op { step: "till".to_owned(), ..creation("made", leaving(&code), true) };
    let to = at(&made);
    let mut set = Op { step: "till".to_owned(), ..call("set", to) };
    let OpKind::Call { data, .. } = &mut set.kind else { panic!("a call") };
    *data = hex!("01").into();
    let mut plan = plan_of(vec![made, set]);
    plan.checks = vec![check("till", to, 7)];
    assert_eq!(faults(&plan, &[], When::Before), NONE);
    plan.checks = vec![Check { value: "8".into(), ..check("till", to, 8) }];
    let fault = faults(&plan, &[], When::Before);
    assert_eq!(fault, ["till.kept() returns 7, expected 8"]);
    assert_eq!(faults(&plan, &[], When::After), NONE);
    // It is not asked again in another block: this one answers 0 from the next half hour on.
    let soon = hex!("636b49d908" "42 10 5f5260205ff3");
    let clock = creation("clock", leaving(&soon), true);
    let to = at(&clock);
    let mut plan = plan_of(vec![clock]);
    plan.checks = vec![check("clock", to, 1)];
    assert_eq!(faults(&plan, &[], When::Before), NONE);
}

#[test]
fn a_check_shows_what_a_moment_turns() {
    // Whether it is three days after the block of the tests.
    let mut plan = till(&hex!("636b4dc600" "4214"));
    assert_eq!(faults(&plan, &[], When::Before).len(), 1);
    plan.checks = vec![check("till", at(&plan.ops[0]), 0)];
    assert_eq!(faults(&plan, &[], When::Before), NONE);
}

#[test]
fn value_goes_where_it_is_sent() {
    // What it gets is kept in slot 2.
    let keeps = hex!("34600255 00");
    let mut paid = call("pay", OTHER);
    let OpKind::Call { value, .. } = &mut paid.kind else { panic!("a call") };
    *value = U256::from(9);
    let expected = found(&named(plan_of(vec![paid])), &keeps, When::Before);
    assert_eq!(expected.outside[&(OTHER, U256::from(2))].after, U256::from(9));
    let mut made = creation("till", reader(&hex!("34"), true), true);
    let OpKind::Create { guarded: Some(guarded), .. } = &mut made.kind else { panic!("guarded") };
    guarded.value = U256::from(8);
    let expected = found(&plan_of(vec![made]), &[], When::Before);
    assert_eq!(expected.faults, NONE);
    let till = expected.created.values().next().unwrap();
    let eight = U256::from(8);
    assert_eq!((till.slots[&U256::ZERO].last(), till.balance), (Some(&eight), eight));
}

#[test]
fn events_and_contracts_of_a_creation_are_its_own() {
    // LOG0 twice, and a call of another one that logs too.
    let other = [&hex!("5f5f5f5f5f73")[..], OTHER.as_slice(), &hex!("5af1 50")].concat();
    let read = [&hex!("5f5fa05f5fa0")[..], &other, &hex!("6007")].concat();
    let plan = named(plan_of(vec![creation("till", reader(&read, true), true)]));
    let expected = found(&plan, &hex!("5f5fa0 00"), When::After);
    assert_eq!(expected.created.values().map(|made| made.logs).collect::<Vec<_>>(), [2]);
    // CREATE of one byte of code, from eight bytes.
    let child = hex!("67605b5f5360015ff3 5f52 6008 6018 5f f0");
    let expected = found(&till(&child), &[], When::Before);
    let made: Vec<_> = expected.created.values().map(|made| (&*made.op, made.nested)).collect();
    assert!(made.contains(&("till", false)) && made.contains(&("till+1", true)), "{made:?}");
}

#[test]
fn what_others_do_by_who_sends_or_with_what_gas_is_seen_in_creations_too() {
    let asks = [&hex!("5f5f5f5f5f73")[..], OTHER.as_slice(), &hex!("5af1")].concat();
    let plan = named(till(&asks));
    // It keeps who sends; it keeps whether less than 8,000,000 gas is left.
    let fault = faults(&plan, &hex!("325f5500"), When::After).concat();
    assert!(fault.starts_with("till leaves 0x"), "{fault}");
    let fault = faults(&plan, &hex!("627a12005a1060025500"), When::After).concat();
    assert!(fault.starts_with("slot 0x2 of @feed depends on the gas that is left"), "{fault}");
}

#[test]
fn what_reading_costs_decides_nothing() {
    // Whether reading slot 9 takes more than 1,000 gas.
    let costs = hex!("5a6009545 05a9003 6103e810 600255 00");
    let fault = faults(&named(plan_of(vec![call("go", OTHER)])), &costs, When::After).concat();
    assert!(fault.starts_with("slot 0x2 of @feed depends on what reading costs"), "{fault}");
}

#[test]
fn a_call_that_works_once_keeps_nothing_from_being_compared() {
    // Slot 0 turns from 5 to 7, once.
    let once = hex!("60055f5414600b575f5ffd5b" "60075f5500");
    let made = creation("till", reader(&hex!("6007"), true), true);
    let plan = named(plan_of(vec![call("join", OTHER), made]));
    let fault = faults(&plan, &once, When::Before).concat();
    assert!(fault.starts_with("anybody can make the call join first"), "{fault}");
}
