//! Waiting: how long, how often, and what is done meanwhile.

use std::time::Duration;

use super::chain::Answer;
use super::*;

/// Looks of twelve-second blocks until the limit of 600 s: one in four seconds.
const LOOKS: usize = 150;

#[tokio::test]
async fn what_never_lands_is_given_up_after_ten_minutes() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    let run = lane.run(&intent("a", 1)).await;
    let newest = lane.state().attempts_for("a").last().map(|attempt| attempt.hash);
    assert!(
        matches!(&run, Err(EngineError::NotIncluded { op, hash, waited_secs: 600 })
            if op == "a" && Some(*hash) == newest),
        "{run:?}"
    );
    assert_eq!(world.chain.world().pauses, [Duration::from_secs(4); LOOKS]);
    // The same command goes on.
    world.chain.world().mining = true;
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!((Some(landed.hash), world.nonce()), (newest, 1));
}

#[tokio::test]
async fn looks_follow_the_pace_of_the_chain() {
    for (chain, pause_ms) in [(31_337, 25), (10, 666), (4_242, 666), (1, 4_000)] {
        let world = World::on(chain);
        let mut lane = world.lane().await;
        lane.run(&intent("a", 1)).await.unwrap();
        assert_eq!(world.chain.world().pauses, [Duration::from_millis(pause_ms)], "{chain}");
    }
}

#[tokio::test]
async fn a_transaction_in_the_place_of_ours_stops_the_lane_after_some_looks() {
    let world = World::new();
    let mut lane = world.lane().await;
    let sender = world.sender();
    world.chain.world().answers.push_back(Answer::Dropped);
    world.chain.world().script.push_back(Box::new(move |chain| chain.foreign(sender)));
    let run = lane.run(&intent("a", 1)).await;
    assert!(
        matches!(run, Err(EngineError::Foreign { sender: of, chain: 1, journal: 0, hash: Some(_) })
            if of == sender),
        "{run:?}"
    );
    assert_eq!(world.chain.world().pauses.len(), 9, "one before it, and eight doubts");
}

#[tokio::test]
async fn a_receipt_that_lags_behind_its_nonce_is_waited_for() {
    let world = World::new();
    let mut lane = world.lane().await;
    // Of the first look, before anything is mined, and of eight after it.
    world.chain.world().lagging = 9;
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!((landed.inclusion.block.number, world.sends()), (1, 1));
}

#[tokio::test]
async fn forgotten_bytes_are_sent_again_at_every_eighth_look() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    world.chain.world().answers.extend([Answer::Dropped; 3]);
    for step in 0..24 {
        world.chain.world().script.push_back(Box::new(move |chain| {
            // Sent at first, and then at the looks 8, 16 and 24.
            assert_eq!(chain.sent.len(), 1 + (step + 1) / 8, "{step}");
            if step == 23 {
                chain.mine();
            }
        }));
    }
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(lane.state().attempts_for("a").count(), 1, "the same bytes each time");
}

#[tokio::test]
async fn bytes_that_are_still_known_are_not_sent_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    let run = lane.run(&intent("a", 1)).await;
    assert!(matches!(run, Err(EngineError::NotIncluded { .. })));
    assert_eq!(world.sends(), 1);
}

#[tokio::test]
async fn fees_that_the_base_fee_has_outgrown_are_raised_on_the_same_nonce() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    world.chain.world().script.push_back(Box::new(|chain| {
        chain.base_fee = QUOTED + 1;
        chain.mining = true;
    }));
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    let sent = world.included();
    let signed: Vec<_> = lane.state().attempts_for("a").map(|attempt| attempt.hash).collect();
    assert_eq!((sent.len(), sent[0].tx.nonce, signed.len()), (1, 0, 2));
    assert_eq!((sent[0].tx.hash, landed.hash), (signed[1], signed[1]));
    assert_eq!(sent[0].max_fee, 2 * (QUOTED + 1) + 100_000_000, "a fresh quote, which is more");
    assert_eq!(sent[0].tip, 112_500_001, "an eighth more, which the pool asks for");
    assert_eq!(lane.state().next_nonce, Some(1));
}

#[tokio::test]
async fn fees_that_still_suffice_are_not_raised() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    world.chain.world().script.push_back(Box::new(|chain| chain.base_fee = QUOTED));
    assert!(matches!(lane.run(&intent("a", 1)).await, Err(EngineError::NotIncluded { .. })));
    assert_eq!((world.sends(), lane.state().attempts_for("a").count()), (1, 1));
}

#[tokio::test]
async fn fees_are_not_raised_above_the_cap() {
    let world = World::new();
    let mut lane = world.lane_within(FeeCap { per_gas: QUOTED + QUOTED / 8, ..CAP }).await;
    world.chain.world().mining = false;
    world.chain.world().script.push_back(Box::new(|chain| chain.base_fee = QUOTED + 1));
    let run = lane.run(&intent("a", 1)).await;
    assert!(matches!(run, Err(EngineError::FeeCap { .. })), "{run:?}");
    assert_eq!((world.sends(), lane.state().attempts_for("a").count()), (1, 1));
}

#[tokio::test]
async fn a_chain_that_stops_answering_ends_the_wait() {
    for read in ["receipt", "latest_head", "nonce"] {
        let world = World::new();
        let mut lane = world.lane().await;
        let broken = move |chain: &mut super::chain::World| {
            chain.broken.insert(read);
        };
        world.chain.world().script.push_back(Box::new(broken));
        let run = lane.run(&intent("a", 1)).await;
        assert!(matches!(run, Err(EngineError::Chain(_))), "{read}: {run:?}");
        world.chain.world().broken.clear();
        lane.run(&intent("a", 1)).await.unwrap();
        assert_eq!((world.sends(), world.nonce()), (2, 1), "{read}");
    }
}

#[tokio::test]
async fn a_receipt_of_a_block_that_is_gone_is_none() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().script.push_back(Box::new(|chain| {
        chain.mine();
        chain.reorganise(1);
    }));
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(landed.inclusion.block.number, 2, "and not the orphan's 1");
}

/// The most that a first attempt of the tests takes from its sender.
fn most() -> U256 {
    U256::from(QUOTED) * U256::from(GAS_LIMIT)
}

#[tokio::test]
async fn a_resumed_transaction_that_can_no_longer_be_paid_says_so_at_once() {
    let world = World::new();
    let mut lane = world.lane().await;
    let (sender, intent) = (world.sender(), intent("a", 1));
    world.leave_open(&mut lane, &intent).await;
    world.chain.world().account(sender).balance = most() - U256::ONE;
    world.chain.world().pauses.clear();
    let run = lane.run(&intent).await;
    assert!(
        matches!(&run, Err(EngineError::Funds { op, sender: of, balance, needed })
            if op == "a" && *of == sender && *needed == most() && *balance == most() - U256::ONE),
        "{run:?}"
    );
    assert!(world.chain.world().pauses.is_empty(), "nothing is waited for");
    // Once it is funded, the same bytes land.
    world.chain.world().account(sender).balance = most();
    lane.run(&intent).await.unwrap();
    assert_eq!(lane.state().attempts_for("a").count(), 1);
}

#[tokio::test]
async fn ether_that_runs_out_while_it_waits_ends_the_wait() {
    let world = World::new();
    let mut lane = world.lane().await;
    let sender = world.sender();
    world.chain.world().mining = false;
    world.chain.world().script.push_back(Box::new(move |chain| {
        chain.pool.clear();
        chain.account(sender).balance = U256::ZERO;
    }));
    let run = lane.run(&intent("a", 1)).await;
    assert!(matches!(run, Err(EngineError::Funds { .. })), "{run:?}");
    assert_eq!(world.chain.world().pauses.len(), 8, "found when it is sent again");
}

#[tokio::test]
async fn what_is_refused_each_time_is_given_up_with_the_answer() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    world.chain.world().answers.extend((0..100).map(|_| Answer::Refused));
    let run = lane.run(&intent("a", 1)).await;
    let refused = |message: &str| message == "busy";
    assert!(
        matches!(&run, Err(EngineError::Refused { op, code: -32_005, message, .. })
            if op == "a" && refused(message)),
        "{run:?}"
    );
    assert!(world.chain.world().pauses.len() < 20, "long before ten minutes");
    // What a node refuses for a while is sent until it is taken.
    world.chain.world().answers.clear();
    world.chain.world().mining = true;
    world.chain.world().answers.extend((0..5).map(|_| Answer::Refused));
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(lane.state().attempts_for("a").count(), 1, "the same bytes each time");
}

/// Another program's transaction waits on our nonce and pays more: that is said, not what the node
/// calls ours.
#[tokio::test]
async fn a_transaction_of_others_on_our_nonce_is_told_as_that() {
    let world = World::new();
    let mut lane = world.lane().await;
    let sender = world.sender();
    world.chain.world().mining = false;
    world.chain.world().waits(sender, 0);
    let run = lane.run(&intent("a", 1)).await;
    let Err(error @ EngineError::Displaced { nonce: 0, .. }) = run else { panic!("{run:?}") };
    let text = error.to_string();
    assert!(text.contains("another transaction with nonce 0 of"), "{text}");
    assert!(text.contains("another program or machine"), "{text}");
    // Once it is in a block it has a hash.
    world.chain.world().mining = true;
    let run = lane.run(&intent("a", 1)).await;
    let text = run.unwrap_err().to_string();
    let theirs = world.chain.world().included().next().unwrap().0.tx.hash;
    assert!(text.contains(&format!("transaction {theirs} has nonce 0")), "{text}");
}

#[tokio::test]
async fn bytes_that_are_known_already_are_waited_for_though_they_are_refused() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    assert!(matches!(lane.run(&intent("a", 1)).await, Err(EngineError::NotIncluded { .. })));
    world.chain.world().mining = true;
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(world.sends(), 2, "the second time the node knows them already");
}

#[tokio::test]
async fn a_spike_that_nobody_can_pay_for_is_waited_out_and_not_funded() {
    let world = World::new();
    let mut lane = world.lane().await;
    let sender = world.sender();
    world.chain.world().mining = false;
    world.chain.world().script.push_back(Box::new(move |chain| {
        chain.base_fee = 10 * QUOTED;
        chain.account(sender).balance = most();
    }));
    let run = lane.run(&intent("a", 1)).await;
    assert!(
        matches!(&run, Err(EngineError::Outgrown { op, sender: of, base_fee, pays: QUOTED, .. })
            if op == "a" && *of == sender && *base_fee == 10 * QUOTED),
        "{run:?}"
    );
    // When it has fallen, what was signed lands.
    world.chain.world().base_fee = 1_000_000_000;
    world.chain.world().mining = true;
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(lane.state().attempts_for("a").count(), 1);
}
