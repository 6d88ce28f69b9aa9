//! Adoption: a sender is used as it stood when a person looked, and no other way.

use tidegate_model::ChainId;
use tidegate_model::event::{LaneEvent, LaneState};

use super::*;
use crate::deploy::adopted_nonce;
use crate::lane::Adoption;
use crate::ports::Chain;

/// A nonce that the sender has from before.
async fn used(times: usize) -> World {
    let world = World::new();
    let sender = world.sender();
    let mut state = world.chain.world();
    for _ in 0..times {
        state.foreign(sender);
    }
    drop(state);
    world
}

/// All blocks are final.
fn finalize(world: &World) {
    let mut chain = world.chain.world();
    chain.finalized = chain.head().block.number;
}

#[tokio::test]
async fn a_new_sender_is_adopted_as_it_stands() {
    let world = World::new();
    let mut lane = world.open().await;
    let adoption = lane.adoption().await.unwrap().unwrap();
    let block = world.chain.world().head().block;
    let balance = U256::from(10_000_000_000_000_000_000_u64);
    let (lane_id, unsettled, void) = (lane.id(), None, None);
    assert_eq!(adoption, Adoption { lane: lane_id, nonce: 0, unsettled, void, balance, block });
    lane.adopt(&adoption).unwrap();
    let expected = LaneEvent::SenderAdopted { nonce: 0, balance, block, anew: false };
    assert_eq!(world.journal.events(), [expected]);
    assert_eq!(lane.adoption().await.unwrap(), None);
}

#[tokio::test]
async fn nobody_sends_from_a_sender_that_is_not_adopted() {
    let world = World::new();
    let mut lane = world.open().await;
    let run = lane.run(&intent("a", 1)).await;
    let refused = matches!(run, Err(EngineError::NotAdopted { sender, nonce: 0 })
        if sender == world.sender());
    assert!(refused, "{run:?}");
    assert_eq!((world.sends(), world.journal.kinds().len()), (0, 0));
}

#[tokio::test]
async fn a_sender_with_transactions_that_are_not_final_is_not_adopted() {
    let world = used(2).await;
    let mut lane = world.open().await;
    let adoption = lane.adoption().await.unwrap().unwrap();
    assert_eq!((adoption.nonce, adoption.unsettled), (2, Some(0)), "it can be shown");
    let sender = world.sender();
    let adopted = lane.adopt(&adoption);
    assert!(
        matches!(adopted, Err(EngineError::Unsettled { sender: of, latest: 2, finalized: 0 })
            if of == sender),
        "{adopted:?}"
    );
    assert!(world.journal.kinds().is_empty());
    finalize(&world);
    assert_eq!(lane.adoption().await.unwrap().map(|adoption| adoption.nonce), Some(2));
}

#[tokio::test]
async fn a_stop_waits_for_no_finality() {
    let mut world = used(2).await;
    world.chain.for_stop = true;
    let lane = world.open().await;
    assert_eq!(lane.adoption().await.unwrap().map(|adoption| adoption.nonce), Some(2));
}

#[tokio::test]
async fn a_sender_without_transactions_needs_no_finality() {
    let world = World::new();
    let lane = world.open().await;
    world.chain.world().broken.insert("finalized_head");
    assert!(lane.adoption().await.unwrap().is_some());
    let used = used(1).await;
    let lane = used.open().await;
    used.chain.world().broken.insert("finalized_head");
    assert!(matches!(lane.adoption().await, Err(EngineError::Chain(_))));
}

#[tokio::test]
async fn a_sender_that_somebody_else_used_is_adopted_anew() {
    let world = World::new();
    let mut lane = world.lane().await;
    let sender = world.sender();
    world.chain.world().foreign(sender);
    let run = lane.run(&intent("a", 1)).await;
    assert!(matches!(run, Err(EngineError::NotAdopted { nonce: 0, .. })), "{run:?}");
    let adoption = lane.adoption().await.unwrap().unwrap();
    assert!(matches!(lane.adopt(&adoption), Err(EngineError::Unsettled { .. })));
    finalize(&world);
    let run = lane.run(&intent("a", 1)).await;
    assert!(matches!(run, Err(EngineError::NotAdopted { nonce: 0, .. })), "{run:?}");
    assert_eq!(world.sends(), 0);
    let adoption = lane.adoption().await.unwrap().unwrap();
    assert_eq!((adoption.nonce, adopted_nonce(&lane, Some(&adoption))), (1, 1));
    assert_eq!(adopted_nonce(&lane, None), 0, "what the journal says");
    lane.adopt(&adoption).unwrap();
    assert_eq!(adopted_nonce(&lane, None), 1);
    lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!(world.nonce(), 2);
}

/// What is on its way may land while a plan is executed: nobody else used the sender.
#[tokio::test]
async fn our_own_transaction_that_lands_after_a_look_is_nobody_elses() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().mining = false;
    assert!(matches!(lane.run(&intent("a", 1)).await, Err(EngineError::NotIncluded { .. })));
    drop(lane);
    let mut lane = world.lane().await;
    assert_eq!(lane.state().open().len(), 1);
    world.chain.world().mining = true;
    world.chain.world().mine();
    assert_eq!((world.nonce(), lane.state().open().len()), (1, 1), "nobody has looked since");
    assert_eq!(lane.adoption().await.unwrap(), None);
    lane.run(&intent("b", 2)).await.unwrap();
    assert_eq!((world.nonce(), lane.state().attempts.len()), (2, 2));
}

#[tokio::test]
async fn a_nonce_that_was_lost_to_somebody_else_is_adopted_and_left_behind() {
    let world = World::new();
    let mut lane = world.lane().await;
    lane.run(&intent("a", 1)).await.unwrap();
    world.leave_open(&mut lane, &intent("b", 2)).await;
    // The journal is at nonce 2 as the chain is, and yet nonce 1 is not ours.
    let sender = world.sender();
    world.chain.world().foreign(sender);
    finalize(&world);
    assert_eq!((lane.state().next_nonce, world.nonce()), (Some(2), 2));
    let run = lane.run(&intent("c", 3)).await;
    assert!(matches!(run, Err(EngineError::NotAdopted { nonce: 2, .. })), "{run:?}");
    let adoption = lane.adoption().await.unwrap().unwrap();
    assert_eq!(adoption.nonce, 2);
    lane.adopt(&adoption).unwrap();
    assert_eq!(lane.adoption().await.unwrap(), None, "what lies behind does not come back");
    let sends = world.sends();
    lane.run(&intent("c", 3)).await.unwrap();
    assert_eq!((world.sends() - sends, world.nonce()), (1, 3), "it is not sent again");
}

#[tokio::test]
async fn a_nonce_at_the_adoption_is_not_behind_it() {
    let world = used(1).await;
    finalize(&world);
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &intent("a", 1)).await;
    assert_eq!(lane.state().adopted_nonce, Some(1));
    lane.run(&intent("b", 2)).await.unwrap();
    let nonces: Vec<_> = world.included().iter().map(|pending| pending.tx.nonce).collect();
    assert_eq!((nonces, world.nonce()), (vec![0, 1, 2], 3), "it is brought to an end first");
}

#[tokio::test]
async fn a_plan_is_approved_once() {
    let world = World::new();
    let mut lane = world.open().await;
    let [first, second] = [1, 2].map(B256::repeat_byte);
    for plan in [first, first, second] {
        lane.approve(plan).unwrap();
    }
    assert_eq!(lane.state().approved, [first, second]);
    assert_eq!(world.journal.kinds(), ["RunApproved", "RunApproved"]);
}

#[tokio::test]
async fn an_approval_covers_who_sends_where_and_from_which_nonce() {
    let world = World::new();
    let lane = world.open().await;
    let adoption = lane.adoption().await.unwrap().unwrap();
    let digest = adoption.digest();
    let for_people = [
        Adoption { balance: U256::ONE, ..adoption.clone() },
        Adoption {
            block: tidegate_model::BlockRef { number: 9, ..adoption.block },
            ..adoption.clone()
        },
    ];
    assert!(for_people.iter().all(|same| same.digest() == digest));
    let mut other = [(); 4].map(|()| adoption.clone());
    other[0].nonce = 1;
    other[1].lane.sender = Address::ZERO;
    other[2].lane.network.genesis = B256::ZERO;
    other[3].lane.network.chain.0 += 1;
    for other in other {
        assert_ne!(other.digest(), digest, "{other:?}");
    }
    assert_eq!(lane.id().network, world.chain.id());
}

/// A world of this chain in which a transaction was sent and is final.
async fn sent_on(chain: u64) -> World {
    let mut world = World::new();
    world.chain.id.chain = ChainId(chain);
    let mut lane = world.lane().await;
    lane.run(&intent("a", 1)).await.unwrap();
    drop(lane);
    finalize(&world);
    drop(world.open().await);
    world
}

#[tokio::test]
async fn a_chain_that_was_begun_anew_is_adopted_anew() {
    // The last one has as many transactions of the sender again.
    for others in [0, 1, 3] {
        let mut world = sent_on(31337).await;
        let id = world.chain.id;
        world.chain = World::new().chain;
        world.chain.id = id;
        let sender = world.sender();
        {
            let mut chain = world.chain.world();
            chain.forks = 1;
            (0..others).for_each(|_| chain.foreign(sender));
        }
        finalize(&world);
        let mut lane = world.open().await;
        assert_eq!(lane.state(), &LaneState::default(), "{others}");
        let adoption = lane.adoption().await.unwrap().unwrap();
        assert_eq!((adoption.nonce, adoption.void), (others, Some(1)));
        lane.adopt(&adoption).unwrap();
        let landed = lane.run(&intent("a", 1)).await.unwrap();
        drop(lane);
        finalize(&world);
        let lane = world.open().await;
        assert_eq!(lane.adoption().await.unwrap(), None);
        let known: Vec<_> = lane.state().attempts.iter().map(|attempt| attempt.hash).collect();
        assert_eq!(known, [landed.hash], "what was before is void");
    }
}

#[tokio::test]
async fn a_chain_of_value_is_not_believed_to_begin_anew() {
    let mut world = sent_on(1).await;
    world.chain = World::new().chain;
    world.chain.id.chain = ChainId(1);
    let opened = world.try_open(CAP).await.map(drop);
    assert!(matches!(opened, Err(EngineError::Behind { latest: 0, known: 1, .. })), "{opened:?}");
    world.chain.for_stop = true;
    assert!(world.try_open(CAP).await.is_ok(), "a stop goes on");
}
