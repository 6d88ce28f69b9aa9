//! What is foreseen, and what is refused because it would cost more.

use super::*;
use crate::fees::Ceiling;
use crate::lane::Adoption;

/// What a first attempt may cost.
fn most() -> U256 {
    U256::from(GAS_LIMIT) * U256::from(QUOTED)
}

/// What a transaction paid: the base fee and the tip.
fn paid() -> U256 {
    U256::from(100_000) * U256::from(1_100_000_000)
}

fn refused_at(run: Result<crate::Landed, EngineError>) -> (U256, U256) {
    match run {
        Err(EngineError::Ceiling { needed, most, .. }) => (needed, most),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_attempt_costs_what_it_may_pay_for_its_gas_limit() {
    let world = World::new();
    let mut lane = world.lane().await;
    assert_eq!(lane.most_of(&intent("a", 1), 0).await.unwrap(), most());
    lane.run(&intent("a", 1)).await.unwrap();
    let sent = &world.included()[0];
    assert_eq!((sent.tx.gas_limit, sent.max_fee, sent.tip), (GAS_LIMIT, QUOTED, 100_000_000));
}

#[tokio::test]
async fn what_succeeded_costs_nothing_more() {
    let world = World::new();
    let mut lane = world.lane().await;
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(lane.most_of(&intent("a", 1), 0).await.unwrap(), U256::ZERO);
}

#[tokio::test]
async fn what_reverted_costs_another_attempt() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().reverting.insert(TARGET);
    assert!(lane.run(&intent("a", 1)).await.is_err());
    assert_eq!(lane.most_of(&intent("a", 1), 0).await.unwrap(), most());
}

#[tokio::test]
async fn the_same_bytes_on_their_way_cost_nothing_more_and_other_bytes_a_replacement() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &alike("a", 1)).await;
    assert_eq!(lane.most_of(&alike("a", 1), 0).await.unwrap(), U256::ZERO);
    let raised = U256::from(QUOTED + QUOTED / 8 + 1);
    let replacement = U256::from(GAS_LIMIT) * raised;
    assert_eq!(lane.most_of(&alike("a", 2), 0).await.unwrap(), replacement);
    assert_eq!(lane.most_of(&intent("b", 1), 0).await.unwrap(), most(), "another operation");
}

#[tokio::test]
async fn a_call_that_would_revert_is_neither_foreseen_nor_signed() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().refusing.insert(TARGET);
    let is_told =
        |error: EngineError| matches!(error, EngineError::WouldRevert { op, .. } if op == "a");
    assert!(is_told(lane.most_of(&intent("a", 1), 0).await.unwrap_err()));
    assert!(is_told(lane.run(&intent("a", 1)).await.unwrap_err()));
    assert_eq!((world.sends(), world.journal.kinds().len()), (0, 1));
}

#[tokio::test]
async fn more_gas_than_a_transaction_may_have_is_refused() {
    const MAX: u64 = 16_777_216;
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().gas = MAX + 1;
    let run = lane.run(&intent("a", 1)).await;
    assert!(
        matches!(&run, Err(EngineError::Gas { op, gas, max: MAX }) if op == "a" && *gas == MAX + 1),
        "{run:?}"
    );
    world.chain.world().gas = MAX;
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(world.included()[0].tx.gas_limit, MAX, "the margin goes no higher");
}

#[tokio::test]
async fn one_transaction_costs_at_most_what_anything_may() {
    let world = World::new();
    let mut lane = world.lane_within(FeeCap { total: most() - U256::ONE, ..CAP }).await;
    let run = lane.run(&intent("a", 1)).await;
    assert_eq!(refused_at(run), (most(), most() - U256::ONE));
    assert_eq!((world.sends(), world.journal.kinds().len()), (0, 1));
    drop(lane);
    let mut lane = world.lane_within(FeeCap { total: most(), ..CAP }).await;
    lane.run(&intent("a", 1)).await.unwrap();
}

#[tokio::test]
async fn operations_cost_together_at_most_what_was_approved() {
    let world = World::new();
    let mut lane = world.lane().await;
    let both = paid() + most();
    lane.limit("run/", Ceiling { most: both - U256::ONE });
    lane.run(&intent("run/a", 1)).await.unwrap();
    let run = lane.run(&intent("run/b", 1)).await;
    assert_eq!(refused_at(run), (both, both - U256::ONE));
    lane.limit("run/", Ceiling { most: both });
    lane.run(&intent("run/b", 1)).await.unwrap();
}

#[tokio::test]
async fn what_other_operations_paid_counts_for_none() {
    let world = World::new();
    let mut lane = world.lane_within(FeeCap { total: most(), ..CAP }).await;
    lane.limit("run/", Ceiling { most: most() });
    for op in ["a", "b", "run/a"] {
        lane.run(&intent(op, 1)).await.unwrap();
    }
    assert_eq!(refused_at(lane.run(&intent("run/b", 1)).await).1, most());
    lane.run(&intent("c", 1)).await.unwrap();
}

#[tokio::test]
async fn a_replacement_costs_once() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &alike("run/a", 1)).await;
    let needed = lane.most_of(&alike("run/a", 2), 0).await.unwrap();
    lane.limit("run/", Ceiling { most: needed });
    let landed = lane.run(&alike("run/a", 2)).await.unwrap();
    assert_eq!(lane.most_with("run/", 0, &[]).await.unwrap(), landed.inclusion.fee);
}

#[tokio::test]
async fn what_is_to_come_is_added_to_what_was_paid() {
    let world = World::new();
    let mut lane = world.lane().await;
    let rest = U256::from(125) * U256::from(QUOTED);
    let due = [("run/b".to_owned(), 100)];
    assert_eq!(lane.most_with("run/", 0, &due).await.unwrap(), rest);
    lane.run(&intent("run/a", 1)).await.unwrap();
    lane.run(&intent("b", 1)).await.unwrap();
    assert_eq!(lane.most_with("run/", 0, &due).await.unwrap(), rest + paid());
}

/// Found by seed 97 of the simulation: what was approved never sufficed for what has to be outbid.
#[tokio::test]
async fn what_an_adoption_leaves_behind_is_outbid_within_what_is_approved() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().base_fee = 50_000_000_000;
    world.leave_open(&mut lane, &intent("run/a", 1)).await;
    drop(lane);
    world.chain.world().base_fee = 1_000_000_000;
    let mut lane = world.open().await;
    let block = world.chain.world().head().block;
    let (balance, unsettled, void) = (U256::ZERO, None, None);
    let adoption = Adoption { lane: lane.id(), nonce: 0, unsettled, void, balance, block };
    let outbid = U256::from(GAS_LIMIT) * U256::from(100_100_000_000_u64 / 8 * 9 + 1);
    // On the nonce after it nothing lies.
    assert_eq!(lane.most_of(&intent("run/b", 2), 0).await.unwrap(), most());
    lane.adopt(&adoption).unwrap();
    assert_eq!(lane.most_of(&intent("run/b", 2), 0).await.unwrap(), outbid);
    let due = [("run/b".to_owned(), 100_000), ("run/c".to_owned(), 100_000)];
    let both = lane.most_with("run/", 0, &due).await.unwrap();
    assert_eq!(both, outbid + most());
    lane.limit("run/", Ceiling { most: both });
    lane.run(&intent("run/b", 2)).await.unwrap();
    lane.run(&intent("run/c", 3)).await.unwrap();
}

/// What is on its way may pay what it was signed with, however low fees are now.
#[tokio::test]
async fn what_is_on_its_way_counts_as_it_was_signed() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().base_fee = 50_000_000_000;
    world.leave_open(&mut lane, &intent("run/a", 1)).await;
    world.chain.world().base_fee = 1_000_000_000;
    let due = [("run/a".to_owned(), 100_000), ("run/b".to_owned(), 100_000)];
    let signed = U256::from(GAS_LIMIT) * U256::from(100_100_000_000_u64);
    assert_eq!(lane.most_with("run/", 0, &due).await.unwrap(), signed + most());
}

#[tokio::test]
async fn fees_above_the_cap_are_not_signed() {
    let world = World::new();
    let mut lane = world.lane_within(FeeCap { per_gas: QUOTED - 1, ..CAP }).await;
    let run = lane.run(&intent("a", 1)).await;
    assert!(
        matches!(&run, Err(EngineError::FeeCap { op, base_fee: 1_000_000_000, needed: QUOTED, cap })
            if op == "a" && *cap == QUOTED - 1),
        "{run:?}"
    );
    assert_eq!((world.sends(), world.journal.kinds().len()), (0, 1));
}

#[tokio::test]
async fn fees_that_nobody_knows_are_not_signed() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().broken.insert("fee_data");
    assert!(matches!(lane.run(&intent("a", 1)).await, Err(EngineError::Chain(_))));
    assert_eq!(world.sends(), 0);
}

#[tokio::test]
async fn a_sender_that_cannot_pay_sends_nothing() {
    let world = World::new();
    let mut lane = world.lane().await;
    let value = U256::from(7);
    let needed = most() + value;
    let sender = world.sender();
    world.chain.world().account(sender).balance = needed - U256::ONE;
    let intent = Intent { value, ..intent("a", 1) };
    let run = lane.run(&intent).await;
    assert!(
        matches!(&run, Err(EngineError::Funds { op, sender: of, balance, needed: up_to })
            if op == "a" && *of == sender && *balance == needed - U256::ONE && *up_to == needed),
        "{run:?}"
    );
    assert_eq!((world.sends(), world.journal.kinds().len()), (0, 1));
    world.chain.world().account(sender).balance = needed;
    lane.run(&intent).await.unwrap();
    assert_eq!(world.included()[0].tx.value, value);
}
