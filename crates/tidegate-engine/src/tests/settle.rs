//! What the chain says later: blocks become final, or go.

use tidegate_model::event::{AttemptState, LaneEvent};

use super::*;

/// The events since `count` of them.
fn since(world: &World, count: usize) -> Vec<&'static str> {
    world.journal.kinds()[count..].to_vec()
}

#[tokio::test]
async fn what_is_in_a_final_block_is_final() {
    let world = World::new();
    let mut lane = world.lane().await;
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    let before = world.journal.kinds().len();
    world.chain.world().finalized = landed.inclusion.block.number - 1;
    lane.settle().await.unwrap();
    assert_eq!(since(&world, before).len(), 0, "nothing moved");
    world.chain.world().finalized = landed.inclusion.block.number;
    lane.settle().await.unwrap();
    assert_eq!(world.journal.events().last(), Some(&LaneEvent::Finalized { hash: landed.hash }));
    assert_eq!(lane.state().attempts[0].state, AttemptState::Finalized(landed.inclusion));
}

#[tokio::test]
async fn what_is_final_is_not_asked_for_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    lane.run(&intent("a", 1)).await.unwrap();
    world.chain.world().finalized = 1;
    lane.settle().await.unwrap();
    let before = world.journal.kinds().len();
    world.chain.world().asked.clear();
    lane.settle().await.unwrap();
    assert_eq!((since(&world, before).len(), world.chain.world().asked.len()), (0, 0));
}

#[tokio::test]
async fn what_went_with_its_block_is_open_again_and_lands_anew() {
    let world = World::new();
    let mut lane = world.lane().await;
    let first = lane.run(&intent("a", 1)).await.unwrap();
    let before = world.journal.kinds().len();
    world.chain.world().reorganise(1);
    lane.settle().await.unwrap();
    assert_eq!(since(&world, before), ["Unmined"]);
    assert_eq!((lane.state().open().len(), lane.state().landed("a")), (1, None));
    let again = lane.run(&intent("a", 1)).await.unwrap();
    assert_eq!((again.hash, again.inclusion.block.number), (first.hash, 2));
    assert_eq!(lane.state().attempts.len(), 1);
}

#[tokio::test]
async fn what_moved_to_another_block_is_noted_there() {
    let world = World::new();
    let mut lane = world.lane().await;
    let first = lane.run(&intent("a", 1)).await.unwrap();
    let before = world.journal.kinds().len();
    world.chain.world().reorganise(1);
    world.chain.world().mine();
    world.chain.world().finalized = 1;
    lane.settle().await.unwrap();
    assert_eq!(since(&world, before), ["Mined"], "its new block is not final");
    let (_, inclusion) = lane.state().landed("a").unwrap();
    assert_eq!((first.inclusion.block.number, inclusion.block.number), (1, 2));
}

#[tokio::test]
async fn what_landed_while_nobody_looked_is_mined_and_final_at_once() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.journal.refuse(Some("Answered"));
    assert!(lane.run(&intent("a", 1)).await.is_err());
    world.journal.refuse(None);
    drop(lane);
    let before = world.journal.kinds().len();
    world.chain.world().mine();
    world.chain.world().finalized = 1;
    let lane = world.open().await;
    assert_eq!(since(&world, before), ["Mined", "Finalized"]);
    assert!(matches!(lane.state().attempts[0].state, AttemptState::Finalized(_)));
}

#[tokio::test]
async fn what_another_attempt_replaced_for_good_is_not_asked_for_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.leave_open(&mut lane, &alike("a", 1)).await;
    let landed = lane.run(&alike("a", 2)).await.unwrap();
    let replaced = lane.state().attempts[0].hash;
    world.chain.world().asked.clear();
    lane.settle().await.unwrap();
    assert_eq!(world.chain.world().asked, [replaced, landed.hash], "it may still land instead");
    world.chain.world().finalized = 1;
    lane.settle().await.unwrap();
    world.chain.world().asked.clear();
    lane.settle().await.unwrap();
    assert_eq!(world.chain.world().asked.len(), 0);
    // Another nonce is another matter.
    world.journal.refuse(Some("Answered"));
    assert!(lane.run(&intent("b", 1)).await.is_err());
    world.journal.refuse(None);
    world.chain.world().asked.clear();
    lane.settle().await.unwrap();
    assert_eq!(world.chain.world().asked, [lane.state().attempts[2].hash]);
}

#[tokio::test]
async fn a_chain_without_finality_settles_nothing() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().broken.insert("finalized_head");
    assert!(matches!(lane.settle().await, Err(EngineError::Chain(_))));
}
