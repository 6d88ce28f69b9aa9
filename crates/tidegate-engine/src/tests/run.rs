//! One intent after the other: each lands at most once, whatever happens in between.

use tidegate_model::event::LaneEvent;

use super::chain::Answer;
use super::*;

fn hashes(lane: &TestLane<'_>, op: &str) -> Vec<B256> {
    lane.state().attempts_for(op).map(|attempt| attempt.hash).collect()
}

#[tokio::test]
async fn an_intent_is_journaled_then_sent_then_seen() {
    let world = World::new();
    let mut lane = world.lane().await;
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(world.journal.kinds(), ["SenderAdopted", "AttemptRecorded", "Answered", "Mined"]);
    assert_eq!(world.journal.answers(), ["accepted"]);
    let sent = &world.included()[0].tx;
    assert_eq!((sent.hash, sent.to, sent.nonce), (landed.hash, Some(TARGET), 0));
    assert_eq!((sent.input.as_ref(), sent.from), ([1_u8].as_slice(), world.sender()));
    let fee = U256::from(100_000) * U256::from(1_100_000_000);
    assert_eq!((landed.inclusion.block.number, landed.inclusion.success), (1, true));
    assert_eq!((landed.inclusion.gas_used, landed.inclusion.fee), (100_000, fee));
    assert_eq!(lane.state().landed("a").map(|(_, at)| *at), Some(landed.inclusion));
}

#[tokio::test]
async fn what_succeeded_is_not_sent_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    let first = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(lane.run(&intent("a", 1)).await.unwrap(), first);
    assert_eq!((world.sends(), world.nonce()), (1, 1));
}

#[tokio::test]
async fn what_succeeded_is_not_done_in_another_way() {
    let world = World::new();
    let mut lane = world.lane().await;
    lane.run(&intent("a", 1)).await.unwrap();
    let run = lane.run(&intent("a", 2)).await;
    assert!(matches!(&run, Err(EngineError::OtherIntent { op }) if op == "a"), "{run:?}");
    assert_eq!(world.sends(), 1);
}

#[tokio::test]
async fn what_is_on_its_way_is_not_done_in_another_way() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &intent("a", 1)).await;
    let run = lane.run(&intent("a", 2)).await;
    assert!(matches!(&run, Err(EngineError::OtherIntent { op }) if op == "a"), "{run:?}");
    assert_eq!((world.sends(), hashes(&lane, "a").len()), (1, 1));
}

#[tokio::test]
async fn what_reverted_is_tried_again_on_the_next_nonce() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().reverting.insert(TARGET);
    world.chain.world().explaining.insert(TARGET);
    let run = lane.run(&intent("a", 1)).await;
    let first = hashes(&lane, "a")[0];
    assert!(
        matches!(&run, Err(EngineError::Reverted { op, hash, block: 1, now: Some(why) })
            if op == "a" && *hash == first && why[..] == [0xba, 0xad]),
        "{run:?}"
    );
    world.chain.world().reverting.clear();
    world.chain.world().explaining.clear();
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(hashes(&lane, "a"), [first, landed.hash]);
    assert_eq!(world.nonce(), 2);
}

#[tokio::test]
async fn what_a_crash_left_unsent_is_sent_as_it_was_signed() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &intent("a", 1)).await;
    let signed = hashes(&lane, "a");
    drop(lane);
    world.chain.world().base_fee *= 2;
    let mut lane = world.lane().await;
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(vec![landed.hash], signed, "no second signature");
    assert_eq!((world.sends(), world.nonce()), (2, 1));
}

#[tokio::test]
async fn what_landed_during_a_crash_is_found_and_not_sent_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.journal.refuse(Some("Answered"));
    assert!(lane.run(&intent("a", 1)).await.is_err());
    drop(lane);
    world.journal.refuse(None);
    world.chain.world().mine();
    let mut lane = world.open().await;
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!((world.sends(), world.nonce()), (1, 1));
}

#[tokio::test]
async fn other_bytes_of_the_same_act_replace_the_first_on_their_nonce() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &alike("a", 1)).await;
    let landed = lane.run(&alike("a", 2)).await.unwrap();
    let sent = &world.included()[0];
    assert_eq!((sent.tx.hash, sent.tx.nonce, sent.tx.input.as_ref()), (landed.hash, 0, &[2][..]));
    assert_eq!((sent.max_fee, sent.tip), (QUOTED + QUOTED / 8 + 1, 112_500_001));
    let first = hashes(&lane, "a")[0];
    assert_eq!(world.chain.world().sent, [first, landed.hash], "the first is not sent again");
    assert_eq!(world.nonce(), 1);
}

#[tokio::test]
async fn the_same_act_by_the_same_bytes_is_not_signed_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &alike("a", 1)).await;
    lane.run(&alike("a", 1)).await.unwrap();
    assert_eq!(hashes(&lane, "a").len(), 1);
}

#[tokio::test]
async fn whichever_of_two_bytes_lands_is_the_act() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.journal.refuse(Some("Answered"));
    assert!(lane.run(&alike("a", 1)).await.is_err());
    world.journal.refuse(None);
    // The second never arrives, and the first is mined.
    world.chain.world().answers.push_back(Answer::Dropped);
    let landed = lane.run(&alike("a", 2)).await.unwrap();
    let signed = hashes(&lane, "a");
    assert_eq!((signed.len(), landed.hash), (2, signed[0]));
    assert_eq!(lane.run(&alike("a", 2)).await.unwrap(), landed);
    assert_eq!(world.nonce(), 1);
}

#[tokio::test]
async fn what_is_open_below_lands_first() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &intent("a", 1)).await;
    lane.run(&intent("b", 2)).await.unwrap();
    let done: Vec<_> = world.included().iter().map(|sent| sent.tx.input[0]).collect();
    assert_eq!(done, [1, 2]);
    assert_eq!(lane.state().open().len(), 0);
}

#[tokio::test]
async fn what_is_open_below_may_revert() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &intent("a", 1)).await;
    world.chain.world().reverting.insert(TARGET);
    let run = lane.run(&Intent { to: Address::ZERO, ..intent("b", 2) }).await;
    assert!(run.unwrap().inclusion.success);
    assert!(lane.state().landed("a").is_some_and(|(_, inclusion)| !inclusion.success));
}

#[tokio::test]
async fn what_is_open_below_and_never_lands_stops_what_is_above() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &intent("a", 1)).await;
    world.chain.world().mining = false;
    let run = lane.run(&intent("b", 2)).await;
    assert!(matches!(&run, Err(EngineError::NotIncluded { op, .. }) if op == "a"), "{run:?}");
    assert_eq!(hashes(&lane, "b").len(), 0, "nothing above it is signed");
}

#[tokio::test]
async fn what_went_with_its_blocks_is_sent_again_below_what_replaces() {
    let world = World::new();
    let mut lane = world.lane().await;
    lane.run(&intent("a", 1)).await.unwrap();
    lane.run(&alike("b", 1)).await.unwrap();
    {
        let mut chain = world.chain.world();
        chain.reorganise(2);
        chain.pool.clear();
        chain.sent.clear();
    }
    lane.settle().await.unwrap();
    let landed = lane.run(&alike("b", 2)).await.unwrap();
    assert_eq!(world.chain.world().sent, [hashes(&lane, "a")[0], landed.hash]);
    assert_eq!(world.nonce(), 2);
}

#[tokio::test]
async fn journaled_bytes_that_are_no_transaction_stop_the_lane() {
    let world = World::new();
    let lane = world.lane().await;
    drop(lane);
    let hash = B256::repeat_byte(5);
    let event = LaneEvent::AttemptRecorded {
        op: "a".to_owned(),
        intent: intent("a", 1).bound(),
        nonce: 0,
        hash,
        raw: Bytes::from_static(&[2, 0]),
        max_fee_per_gas: U256::ONE,
    };
    world.journal.write(serde_json::to_value(event).unwrap());
    let mut lane = world.open().await;
    for op in ["a", "b"] {
        let run = lane.run(&intent(op, 1)).await;
        assert!(matches!(run, Err(EngineError::Bytes { hash: of }) if of == hash), "{run:?}");
        world.chain.world().sent.clear();
    }
    assert!(matches!(lane.most_of(&intent("a", 1), 0).await, Err(EngineError::Bytes { .. })));
}

#[tokio::test]
async fn a_key_that_cannot_sign_sends_nothing() {
    let mut world = World::new();
    world.key.broken = true;
    let mut lane = world.lane().await;
    let run = lane.run(&intent("a", 1)).await;
    assert!(matches!(run, Err(EngineError::Sign(_))), "{run:?}");
    assert_eq!((world.sends(), world.journal.kinds()), (0, vec!["SenderAdopted"]));
}

#[tokio::test]
async fn an_answer_is_noted_and_decides_nothing() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().answers.push_back(Answer::Lost);
    lane.run(&intent("a", 1)).await.unwrap();
    world.chain.world().answers.push_back(Answer::Refused);
    lane.run(&intent("b", 1)).await.unwrap();
    let answers = world.journal.answers();
    assert_eq!(
        (answers.len(), answers[1].as_str(), answers[2].as_str()),
        (3, "rejected -32005: busy", "accepted")
    );
    assert!(answers[0].starts_with("unknown: "), "{answers:?}");
    assert_eq!(world.nonce(), 2);
}
