//! What stands behind proxies, what strangers pay, and what is looked at for nothing.

use super::*;
use crate::trial::World;

/// What the proxy at `OTHER` runs, whose address its slot 1 holds.
const BEHIND: Address = Address::repeat_byte(0xbe);
/// Runs it in the proxy's context, by DELEGATECALL, and fails where it does.
const PROXY: [u8; 17] = hex!("5f5f5f5f 6001 54 5a f4 600f57 5f5ffd 5b 00");

/// What is wrong with a plan in a world where `OTHER` is a proxy of this code.
fn behind(plan: Resolved, code: &[u8]) -> Vec<String> {
    let mut world = World::of(&PROXY);
    world.code.insert(BEHIND, code.to_vec());
    world.slots.insert((OTHER, U256::ONE), U256::from_be_slice(BEHIND.as_slice()));
    let mut plan = plan;
    plan.outside.insert("usdc".to_owned(), OTHER);
    world.found(&plan, When::Before).faults
}

#[test]
fn which_code_a_proxy_runs_shows_nothing() {
    let go = || plan_of(vec![call("go", OTHER)]);
    // It sets slot 2.
    assert_eq!(behind(go(), &hex!("6007600255 00")), Vec::<String>::new());
    // It sets slot 2 where slot 3 holds 1 and slot 4 too, which hold 5.
    let both = behind(go(), &hex!("6001600354146001600454141660025500"));
    assert!(both.concat().contains("what several values outside the plan decide"), "{both:?}");
    // It sets slot 2 to what slot 3 holds.
    let found = behind(go(), &hex!("600354600255 00")).concat();
    assert!(found.starts_with("slot 0x2 of @usdc holds what @usdc decides by slot 3"), "{found}");
}

#[test]
fn what_a_call_of_others_reads_of_the_plan_is_shown() {
    for guarded in [false, true] {
        let board = creation("board", leaving(&ANSWER), guarded);
        let to = at(&board);
        // It keeps in slot 2 what the board answers.
        let asks =
            [&hex!("60205f5f5f73")[..], to.as_slice(), &hex!("5afa505f51600255 00")].concat();
        let found = judged(plan_of(vec![board, call("go", OTHER)]), &asks);
        match guarded {
            true => assert_eq!(found, "", "nobody comes between"),
            false => assert!(found.contains("holds what slot 0 of board decides"), "{found}"),
        }
    }
}

#[test]
fn words_are_compared_in_either_order() {
    let decides = "reader holds what @usdc decides by slot 0";
    let read = [&hex!("63deadbeef")[..], &answer_of_other(), &hex!("14")].concat();
    assert!(judged(plan(&read, true), &ANSWER).starts_with(decides));
    let found = changing(&hex!("46617a691460025500"));
    assert!(found.starts_with("slot 0x2 of @usdc holds what the chain's id decides"), "{found}");
}

#[test]
fn what_whoever_acts_owns_decides_nothing() {
    let read = [&hex!("73")[..], &[1; 20], &hex!("31")].concat();
    let found = judged(plan(&read, true), &[]);
    assert!(found.starts_with("reader holds what the balance of whoever acts decides"), "{found}");
    // What is looked at and dropped shows nothing: a balance, whose account keeps its code.
    assert_eq!(changing(&hex!("4750 6007600255 00")), "");
}

#[test]
fn more_than_can_be_judged_is_refused() {
    let reads = |count: u8| -> Vec<u8> { (0..count).flat_map(|n| [0x60, n, 0x54, 0x50]).collect() };
    let found = changing(&[&reads(130)[..], &hex!("00")].concat());
    assert!(found.starts_with("looks at 130 things outside the plan"), "{found}");
}

#[test]
fn a_call_that_anybody_pays_for_first_is_refused() {
    // It wants five wei, and then as `ONCE`.
    let paid = hex!("34600514600a575f5ffd5b" "5f54601457335f5500" "5b5f5ffd");
    let club = creation("club", leaving(&paid), false);
    let mut join = call("join", at(&club));
    let OpKind::Call { value, .. } = &mut join.kind else { panic!("a call") };
    *value = U256::from(5);
    let found = judged(plan_of(vec![club, join]), &[]);
    assert!(fails(&found), "{found}");
}

#[test]
fn what_stands_for_an_external_is_called_by_a_contract_of_the_plan() {
    // A mock that counts in slot 0.
    let mock = creation("mock:usdc", leaving(&hex!("5f546001015f5500")), false);
    let to = at(&mock);
    let mut plan = plan_of(vec![mock, call("join", to)]);
    plan.outside.insert("usdc".to_owned(), to);
    let found = faults(&plan, &[], When::Before).concat();
    assert!(found.starts_with(&format!("{FIRST} mock:usdc holds something else")), "{found}");
    assert!(found.contains("let a contract of the plan make it"), "{found}");
}

#[test]
fn who_asks_beside_the_plan_is_left_alone() {
    // It asks for the gas price and drops it, calls `OTHER`, and keeps 1 in its slot 9.
    let feed = Address::repeat_byte(0xfe);
    let calls = [&hex!("5f5f5f5f5f73")[..], OTHER.as_slice(), &hex!("5af1 50")].concat();
    let mut world = World::of(&hex!("602a60005260206000f3"));
    world.code.insert(feed, [&hex!("3a50")[..], &calls, &hex!("6001600955 00")].concat());
    let boxed = creation("box", reader(&answer_of_other(), true), true);
    let mut plan = plan_of(vec![call("poke", feed), boxed]);
    plan.outside = [("usdc".to_owned(), OTHER), ("feed".to_owned(), feed)].into();
    assert_eq!(world.found(&plan, When::Before).faults, Vec::<String>::new());
}
