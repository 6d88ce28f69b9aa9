//! What others may decide, and how it is refused.

use alloy_sol_types::SolValue;
use serde_json::Value;

use super::*;
use crate::expected::When;
use crate::minimal::minimal_proxy;
use crate::resolve::{Check, Resolved};
use crate::trial::{
    ANSWER, OTHER, answer_of_other, at, balance_of_other, call, creation, factory, faults, found,
    leaving, plan, plan_of, reader,
};

mod others;

#[test]
fn what_an_external_decides_is_shown() {
    let mut kept = plan(&answer_of_other(), true);
    kept.outside.insert("usdc".to_owned(), OTHER);
    let found = faults(&kept, &ANSWER, When::Before);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("reader holds what @usdc decides by slot 0"), "{found:?}");
    assert!(faults(&kept, &ANSWER, When::After).is_empty(), "it stands there");

    let (op, ..) = kept.creations().next().unwrap();
    let OpKind::Create { address: to, .. } = op.kind else { panic!("a creation") };
    let returns = U256::from(5).to_be_bytes::<32>().into();
    kept.checks.push(Check {
        step: "reader".to_owned(),
        signature: "kept()".to_owned(),
        to,
        data: Bytes::new(),
        returns,
        value: Value::Null,
        kind: "uint256".to_owned(),
    });
    assert!(faults(&kept, &ANSWER, When::Before).is_empty(), "the batch requires it");

    let mut dropped = plan(&answer_of_other(), false);
    dropped.outside.insert("usdc".to_owned(), OTHER);
    assert!(faults(&dropped, &ANSWER, When::Before).is_empty(), "nothing is kept of it");
}

/// What is wrong with a plan that names `OTHER`.
fn judged(mut plan: Resolved, code: &[u8]) -> String {
    plan.outside.insert("usdc".to_owned(), OTHER);
    let found = faults(&plan, code, When::Before);
    assert!(found.len() <= 1, "{found:?}");
    found.first().cloned().unwrap_or_default()
}

#[test]
fn code_that_cannot_change_decides_what_it_likes() {
    let answers_42 = hex!("602a60005260206000f3");
    assert_eq!(judged(plan(&answer_of_other(), true), &answers_42), "");
}

#[test]
fn words_that_are_compared_are_tried() {
    let decides = "reader holds what @usdc decides by slot 0";
    // Is it 0xdeadbeef? Today it is 5.
    for compare in [hex!("63deadbeef14"), hex!("63deadbeef10"), hex!("63deadbeef11")] {
        let read = [answer_of_other(), compare.to_vec()].concat();
        assert!(judged(plan(&read, true), &ANSWER).starts_with(decides), "{compare:?}");
        assert_eq!(judged(plan(&read, false), &ANSWER), "");
    }
    // Either of two words is not enough.
    let both = hex!("6001600054146001600154141660005260206000f3");
    let found = judged(plan(&answer_of_other(), true), &both);
    assert!(found.contains("what several values outside the plan decide together"), "{found}");
}

#[test]
fn balances_and_code_are_tried() {
    let found = judged(plan(&balance_of_other(), true), &ANSWER);
    assert!(found.starts_with("reader holds what the balance of @usdc decides"), "{found}");
    let own = judged(plan(&hex!("47"), true), &[]);
    assert!(own.starts_with("reader holds what lay at reader before it was created"), "{own}");
    // Whether there is code where there is none yet; not where there is some for good.
    let size = [&hex!("73")[..], OTHER.as_slice(), &hex!("3b")].concat();
    let found = judged(plan(&size, true), &[]);
    assert!(found.starts_with("reader holds what code at @usdc decides"), "{found}");
    assert_eq!(judged(plan(&size, true), &ANSWER), "");
    let borrowed = [&DELEGATION[..], &[7; 20]].concat();
    assert!(judged(plan(&size, true), &borrowed).contains("code at @usdc decides"));
}

/// A factory, and a step that calls it.
fn made_by_a_call(child: &Bytes) -> Resolved {
    let maker = creation("maker", leaving(&factory(child)), true);
    let to = at(&maker);
    plan_of(vec![maker, call("make", to)])
}

#[test]
fn what_a_call_creates_is_of_the_plan() {
    let found = found(&made_by_a_call(&reader(&hex!("46"), true)), &[], When::Before);
    assert_eq!(found.faults, Vec::<String>::new());
    let made: Vec<_> = found.created.values().filter(|made| made.nested).collect();
    let [made] = made.as_slice() else { panic!("{:?}", found.created) };
    assert_eq!((made.op.as_str(), made.code.as_ref()), ("make+1", &ANSWER[..]));
    assert_eq!(made.slots[&U256::ZERO].last(), Some(&U256::ONE), "the chain's id");

    let unnamed = made_by_a_call(&reader(&answer_of_other(), true));
    let faults = faults(&unnamed, &ANSWER, When::After);
    assert!(faults[0].starts_with("make+1 reads 0x"), "{faults:?}");
    let decided = judged(unnamed, &ANSWER);
    assert!(decided.starts_with("make+1 holds what @usdc decides by slot 0"), "{decided}");
}

#[test]
fn what_cannot_be_made_again_cannot_be_compared() {
    // By the nonce of a contract that is there already.
    let child = reader(&hex!("46"), true);
    let found = judged(plan_of(vec![call("make", OTHER)]), &factory(&child));
    assert!(found.starts_with("make+1 at 0x"), "{found}");
    assert!(found.contains("let a contract of the plan create it"), "{found}");
}

/// What a contract answers whose code this is, kept in slot 0 of another one.
fn asking(of: Address) -> Bytes {
    let call = [&hex!("602060006000600073")[..], of.as_slice(), &hex!("5afa50600051")];
    reader(&call.concat(), true)
}

#[test]
fn what_strangers_make_of_an_earlier_contract_is_shown() {
    for guarded in [false, true] {
        let board = creation("board", leaving(&ANSWER), guarded);
        let boxed = creation("box", asking(at(&board)), false);
        let to = at(&boxed);
        let mut plan = plan_of(vec![board, boxed]);
        let found = judged(plan.clone(), &[]);
        if guarded {
            assert_eq!(found, "", "nobody comes between");
            continue;
        }
        let says = "box holds what slot 0 of board decides, and anybody may create and use board";
        assert!(found.starts_with(says), "{found}");
        plan.checks.push(Check {
            step: "box".to_owned(),
            signature: "kept()".to_owned(),
            to,
            data: Bytes::new(),
            returns: U256::ZERO.to_be_bytes::<32>().into(),
            value: Value::Null,
            kind: "uint256".to_owned(),
        });
        assert_eq!(judged(plan, &[]), "");
    }
}

/// What is wrong with a plan that creates a contract of this code and calls it.
fn called(code: &[u8], guarded: bool) -> String {
    let club = creation("club", leaving(code), guarded);
    let to = at(&club);
    judged(plan_of(vec![club, call("join", to)]), &[])
}

/// Keeps the caller in slot 0, and fails where somebody is there.
const ONCE: [u8; 13] = hex!("5f54600957" "335f5500" "5b5f5ffd");
const FIRST: &str = "anybody can make the call join first, and then";

/// Whether a plan is refused since the batch would fail.
fn fails(found: &str) -> bool {
    found.starts_with(&format!("{FIRST} the plan fails for good (join fails: "))
}

#[test]
fn a_call_that_anybody_makes_first_and_that_leaves_something_else_is_refused() {
    // Slot 0 counts.
    let counts = hex!("5f546001015f5500");
    let found = called(&counts, false);
    assert!(found.starts_with(&format!("{FIRST} club holds something else")), "{found}");
    assert_eq!(called(&counts, true), "", "nobody comes between");
    assert_eq!(called(&hex!("60015f5500"), false), "", "it leaves the same");
}

#[test]
fn a_call_that_anybody_makes_first_and_that_then_fails_is_refused() {
    let found = called(&ONCE, false);
    assert!(fails(&found) && found.contains("or leave out the contract's `guarded"), "{found}");
    assert_eq!(called(&ONCE, true), "", "nobody comes between");
    // Who acts alone may call it.
    let check = [&hex!("3373")[..], &[1; 20], &hex!("14601d575f5ffd5b")].concat();
    let owned = [&check[..], &hex!("5f54602757335f5500" "5b5f5ffd")].concat();
    assert_eq!(called(&owned, false), "");

    // Whoever calls it must name themselves.
    let named = hex!("60043533" "14600b575f5ffd5b" "5f54601557335f5500" "5b5f5ffd");
    let club = creation("club", leaving(&named), false);
    let (to, executor) = (at(&club), Address::repeat_byte(1));
    let mut join = call("join", to);
    let OpKind::Call { data, .. } = &mut join.kind else { panic!("a call") };
    *data = [&[7; 4][..], executor.into_word().as_slice()].concat().into();
    let found = judged(plan_of(vec![club, join]), &[]);
    assert!(fails(&found), "{found}");
}

#[test]
fn strangers_make_the_calls_before_it_that_they_can() {
    // Opens where it is called without data, and else says whether it is open.
    let open = hex!("36600957" "60015f5500" "5b5f545f5260205ff3");
    let check = [&hex!("3373")[..], &[1; 20], &hex!("143617601f575f5ffd5b")].concat();
    let owned = [&check[..], &hex!("36602957" "60015f5500" "5b5f545f5260205ff3")].concat();
    for (gate, is_refused) in [(&open[..], true), (&owned[..], false)] {
        let gate = creation("gate", leaving(gate), false);
        // Asks the gate, and then as above.
        let asked = at(&gate);
        let asks = [&hex!("60205f60015f73")[..], asked.as_slice(), &hex!("5afa505f5115602d57")];
        let club = [&asks.concat()[..], &hex!("5f54602d57335f5500" "5b5f5ffd")].concat();
        let club = creation("club", leaving(&club), false);
        let calls = [call("open", asked), call("join", at(&club))];
        let found = judged(plan_of([gate, club].into_iter().chain(calls).collect()), &[]);
        assert_eq!(fails(&found), is_refused, "{found}");
        assert!(is_refused || found.is_empty(), "{found}");
    }
}

#[test]
fn a_call_of_others_that_anybody_makes_first_is_made_by_a_contract_that_looks() {
    // Slot 0 turns from 5 to 7, once; with data it is answered.
    let once = hex!("36601557" "60055f5414600f575f5ffd5b" "60075f5500" "5b5f545f5260205ff3");
    let found = judged(plan_of(vec![call("join", OTHER)]), &once);
    assert!(fails(&found) && found.contains("let a contract of the plan make it"), "{found}");
    let looks =
        [&hex!("60205f60015f73")[..], OTHER.as_slice(), &hex!("5afa505f5160051460275700" "5b")];
    let calls = [&hex!("5f5f5f5f5f73")[..], OTHER.as_slice(), &hex!("5af11560495700" "5b5f5ffd")];
    let found = called(&[looks.concat(), calls.concat()].concat(), false);
    assert_eq!(found, "");
    // What stands for it on a testnet is nobody's there.
    let mock = creation("mock:usdc", leaving(&ONCE), false);
    let to = at(&mock);
    let mut plan = plan_of(vec![mock, call("join", to)]);
    plan.outside.insert("usdc".to_owned(), to);
    assert_eq!(faults(&plan, &[], When::Before), Vec::<String>::new());
}

#[test]
fn what_anybody_creates_before_what_it_asks_is_refused() {
    for guarded in [false, true] {
        let board = creation("board", leaving(&ANSWER), guarded);
        // Whether there is code: EXTCODESIZE.
        let asks = [&hex!("73")[..], at(&board).as_slice(), &hex!("3b")].concat();
        let boxed = |guarded| creation("box", reader(&asks, true), guarded);
        let found = judged(plan_of(vec![board.clone(), boxed(false)]), &[]);
        let says = "anybody can create box first, and then box holds something else: leave out";
        assert!(found.starts_with(says), "{found}");
        assert_eq!(judged(plan_of(vec![board, boxed(true)]), &[]), "");
    }
}

#[test]
fn a_minimal_proxy_waits_for_its_implementation() {
    let behind = creation("behind", leaving(&hex!("60015f5500")), false);
    let init = (at(&behind), Bytes::from_static(&[7])).abi_encode_params();
    let initcode = [&minimal_proxy().creation.object[..], &init].concat().into();
    let proxy = creation("proxy", initcode, false);
    let found = found(&plan_of(vec![behind, proxy.clone()]), &[], When::Before);
    assert_eq!(found.faults, Vec::<String>::new());
    assert_eq!(found.created[&at(&proxy)].slots.len(), 1, "the initialiser ran");
    let alone = faults(&plan_of(vec![proxy]), &[], When::Before);
    assert!(alone[0].starts_with("proxy fails: "), "{alone:?}");
}

/// What is wrong with a plan that calls `OTHER`, which is there already and has this code.
fn changing(code: &[u8]) -> String {
    judged(plan_of(vec![call("go", OTHER)]), code)
}

#[test]
fn what_is_written_in_a_contract_that_is_there_is_a_result_too() {
    let counts = changing(&hex!("6001546001016001550000"));
    assert_eq!(counts, "", "a counter goes on");
    assert_eq!(changing(&hex!("60015460ff19166007176001550000")), "", "beside what is there");
    assert_eq!(changing(&hex!("60076001550000")), "", "it is set");
    // Slot 2 holds what slot 1 does, or whether it is above 6, or follows the balance.
    let decided = "slot 0x2 of @usdc holds what @usdc decides by slot 1";
    for code in [&hex!("6001546002550000")[..], &hex!("600660015411600255")] {
        let found = changing(code);
        assert!(found.starts_with(decided), "{found}");
    }
    let found = changing(&hex!("47600255"));
    assert!(found.starts_with("slot 0x2 of @usdc holds what the balance of @usdc"), "{found}");
    // Which slot is written: by the word in slot 1.
    let found = changing(&hex!("6001600154600101550000"));
    assert!(found.contains("of @usdc holds what @usdc decides by slot 1"), "{found}");
    // Twice what it holds is no counting.
    let found = changing(&hex!("600154800160015500"));
    assert!(found.starts_with("slot 0x1 of @usdc holds"), "{found}");
    // With less gas than 8,000,000.
    let found = changing(&hex!("627a12005a1060025500"));
    assert!(found.starts_with("slot 0x2 of @usdc depends on the gas that is left"), "{found}");
    // The chain's id: as itself it may be kept, and what it decides may not.
    assert_eq!(changing(&hex!("4660025500")), "");
    let codes =
        [&hex!("617a69461460025500")[..], &hex!("6001461460025500"), &hex!("46600116600255")];
    for code in codes {
        let found = changing(code);
        assert!(
            found.starts_with("slot 0x2 of @usdc holds what the chain's id decides"),
            "{found}"
        );
    }
}

#[test]
fn what_lies_at_the_helper_decides_nothing() {
    // CALLER BALANCE, and the balance of the helper by its address.
    let helper = [&hex!("73")[..], crate::resolve::HELPER.as_slice(), &hex!("31")].concat();
    let by_caller = judged(plan_of(vec![creation("till", reader(&hex!("3331"), true), true)]), &[]);
    assert!(by_caller.starts_with("till asks for msg.sender while it is created"), "{by_caller}");
    let by_address = judged(plan_of(vec![creation("till", reader(&helper, true), true)]), &[]);
    assert!(by_address.starts_with("till "), "{by_address}");
    // Only whether there is any.
    let any = [&helper[..], &hex!("1515")].concat();
    let any = judged(plan_of(vec![creation("till", reader(&any, true), true)]), &[]);
    assert!(any.starts_with("till "), "{any}");
}
