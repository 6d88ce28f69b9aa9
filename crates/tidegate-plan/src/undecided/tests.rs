//! What others may decide, and how it is refused.

use serde_json::Value;

use super::*;
use crate::expected::When;
use crate::resolve::{Check, Resolved};
use crate::trial::{
    ANSWER, OTHER, answer_of_other, at, balance_of_other, call, creation, factory, faults, found,
    leaving, plan, plan_of, reader,
};

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
        });
        assert_eq!(judged(plan, &[]), "");
    }
}

#[test]
fn a_call_that_anybody_makes_first_is_refused_where_it_shows_nowhere() {
    let called = |code: &[u8]| {
        let club = creation("club", leaving(code), false);
        let to = at(&club);
        judged(plan_of(vec![club, call("join", to)]), &[])
    };
    // Slot 0 counts; slot 1 has the first caller; slot 1 has whoever was first, and no second.
    let counts = called(&hex!("5f546001015f5500"));
    assert!(counts.starts_with("anybody can make the call join first, and then club"), "{counts}");
    assert_eq!(called(&hex!("60015f5500")), "", "it leaves the same");
    assert_eq!(called(&hex!("5f54600a5733" "5f5500" "5b5f5ffd")), "", "the batch fails then");
}
