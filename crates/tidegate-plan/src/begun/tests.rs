use alloy_primitives::hex;
use serde_json::json;

use super::*;
use crate::resolve::{Op, OpKind};
use crate::trial::{OTHER, World, at, call, creation, leaving, plan_of};

/// Each answers a call without data with its slot 0, and else sets it to the data, counts in it,
/// keeps the time in it, or fails.
const SETS: [u8; 18] = hex!("36600c575f545f5260205ff35b5f355f5500");
const COUNTS: [u8; 21] = hex!("36600c575f545f5260205ff35b5f546001015f5500");
const DATES: [u8; 17] = hex!("36600c575f545f5260205ff35b425f5500");
const ENDS: [u8; 16] = hex!("36600c575f545f5260205ff35b5f5ffd");
/// Answers until it was called with data, and reverts then.
const PAUSES: [u8; 26] = hex!("366014575f546010575f5f5260205ff35b5f5ffd5b60015f5500");

fn word(number: u64) -> Bytes {
    U256::from(number).to_be_bytes_vec().into()
}

fn set(id: &str, to: Address, number: u64) -> Op {
    let op = call(id, to);
    let OpKind::Call { to, value, signature, .. } = op.kind else { panic!("a call") };
    Op { kind: OpKind::Call { to, value, data: word(number), signature }, ..op }
}

/// A view of the slot, which must be `number` after a step.
fn check(step: &str, to: Address, number: u64) -> Check {
    Check {
        step: step.to_owned(),
        signature: "x()".to_owned(),
        to,
        data: Bytes::new(),
        returns: word(number),
        value: json!(number.to_string()),
        kind: "uint256".to_owned(),
    }
}

fn done(ops: &[&str]) -> BTreeSet<String> {
    ops.iter().map(|op| (*op).to_owned()).collect()
}

/// What a check of the creation returns, once a contract with this code was created and called.
fn since(code: &[u8], ops: &[&str]) -> Later {
    let made = creation("box", leaving(code), false);
    let place = at(&made);
    let mut plan = plan_of(vec![made, set("set", place, 7), set("last", place, 8)]);
    plan.checks = vec![check("box", place, 0)];
    let mut all = World::of(&[]).settled(|snapshot| later(&plan, snapshot, &done(ops)));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_check_returns_what_the_plans_own_later_operations_left() {
    assert_eq!(since(&SETS, &["box", "set", "last"]), Later::Answers(Some(word(8))));
    assert_eq!(since(&SETS, &["box", "set"]), Later::Answers(Some(word(7))), "the last is due");
    assert_eq!(since(&COUNTS, &["box", "set", "last"]), Later::Answers(Some(word(2))));
    assert_eq!(since(&SETS, &["box"]), Later::Same, "nothing has changed it");
    assert_eq!(since(&SETS, &["set", "last"]), Later::Same, "its step is due");
    assert_eq!(since(&ENDS, &["box", "set", "last"]), Later::Same, "they fail");
    assert_eq!(since(&PAUSES, &["box", "set"]), Later::Answers(None), "it reverts since");
    assert_eq!(since(&DATES, &["box", "set"]), Later::Varies);
}

#[test]
fn only_the_plans_own_operations_explain_an_answer() {
    let left = since(&SETS, &["box", "set", "last"]);
    let explains = |later: &Later| [0, 7, 8].map(|number| later.explains(Some(&word(number))));
    assert_eq!((explains(&left), left.explains(None)), ([false, false, true], false));
    assert_eq!((explains(&Later::Same), Later::Same.explains(None)), ([false; 3], false));
    assert_eq!((explains(&Later::Varies), Later::Varies.explains(None)), ([true; 3], true));
    let reverts = Later::Answers(None);
    assert_eq!((explains(&reverts), reverts.explains(None)), ([false; 3], true));
}

/// Of a contract that stood before the plan it is known what the plan sets, not from where it
/// counts.
#[test]
fn what_a_counter_elsewhere_came_from_is_not_known() {
    for (code, expected) in
        [(&SETS[..], Later::Answers(Some(word(8)))), (&COUNTS, Later::Varies), (&ENDS, Later::Same)]
    {
        let mut plan = plan_of(vec![set("set", OTHER, 7), set("last", OTHER, 8)]);
        plan.checks = vec![check("set", OTHER, 7), check("last", OTHER, 8)];
        let all = done(&["set", "last"]);
        let found = World::of(code).settled(|snapshot| later(&plan, snapshot, &all));
        assert_eq!(found, [expected, Later::Same], "{}", hex::encode(code));
    }
}

/// What is due does to a contract that holds a number.
fn rest(code: &[u8], holds: u64, ops: &[&str]) -> (Vec<(String, U256)>, Option<String>) {
    let made = creation("box", leaving(code), false);
    let place = at(&made);
    let plan = plan_of(vec![made, set("set", place, 7)]);
    let mut world = World::of(&[]);
    if ops.contains(&"box") {
        world.code.insert(place, code.to_vec());
        world.slots.insert((place, U256::ZERO), U256::from(holds));
    }
    let Due { writes, fault } = world.settled(|snapshot| due(&plan, snapshot, &done(ops)));
    let own = writes.into_iter().filter(|((at, _), _)| *at == place);
    (own.map(|(_, write)| write).collect(), fault)
}

#[test]
fn what_is_due_goes_on_from_what_stands() {
    let write = |number: u64| vec![("set".to_owned(), U256::from(number))];
    assert_eq!(rest(&COUNTS, 1, &["box"]), (write(2), None), "made again");
    assert_eq!(rest(&COUNTS, 0, &[]), (write(1), None), "from the beginning");
    assert_eq!(rest(&SETS, 7, &["box"]), (Vec::new(), None), "it holds");
    assert_eq!(rest(&SETS, 7, &["box", "set"]), (Vec::new(), None), "nothing is due");
    let (writes, fault) = rest(&ENDS, 0, &["box"]);
    assert!(writes.is_empty() && fault.is_some_and(|why| why.starts_with("set fails")));
}
