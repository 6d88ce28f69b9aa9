//! What was approved is sent, and nothing else.

use std::collections::BTreeMap;

use super::deploy::{VAULT, calling, creation, run};
use super::*;
use crate::deploy::DeployRun;
use crate::fees::Ceiling;
use crate::lane::{Cleared, intent_digest};

const MOST: Ceiling = Ceiling { most: U256::from_limbs([1_000_000_000_000_000, 0, 0, 0]) };

/// A lane that may send what this digest covers.
async fn cleared(world: &World, approved: B256) -> Cleared<'_, MemoryChain, MemoryJournal> {
    let lane = world.open().await;
    let adoption = lane.adoption().await.unwrap();
    lane.clear(approved, adoption.as_ref(), MOST).unwrap()
}

#[tokio::test]
async fn only_the_intent_that_was_approved_is_sent() {
    let world = World::new();
    let id = world.open().await.id();
    let approved = intent("a", 1);
    let hash = intent_digest(id, &approved, 0, MOST.most);
    let mut cleared = cleared(&world, hash).await;
    let dearer = intent_digest(id, &approved, 0, MOST.most - U256::ONE);
    let later = intent_digest(id, &approved, 1, MOST.most);
    assert!(hash != dearer && hash != later);
    let value = Intent { value: U256::from(2), ..intent("a", 1) };
    let to = Intent { to: Address::repeat_byte(0x77), ..intent("a", 1) };
    for other in [intent("b", 1), intent("a", 2), value, to] {
        let refused = cleared.run(&other).await;
        assert!(
            matches!(refused, Err(EngineError::NotApproved { approved, .. }) if approved == hash),
            "{other:?}"
        );
    }
    let refused = cleared.deploy(&world.chain, &run(), &BTreeMap::new(), &mut |_| {}).await;
    assert!(matches!(refused, Err(EngineError::NotApproved { .. })));
    assert_eq!(world.sends(), 0);
    cleared.run(&approved).await.unwrap();
    assert_eq!((world.sends(), cleared.lane().state().approved.clone()), (1, vec![hash]));
}

#[tokio::test]
async fn only_the_deployment_that_was_approved_is_sent() {
    let world = World::new();
    let id = world.open().await.id();
    let hash = run().digest(id.network, id.sender, 0, MOST.most).unwrap();
    let mut cleared = cleared(&world, hash).await;
    let ops = |ops: Vec<_>| DeployRun { ops, ..run() };
    let others = [
        ops(run().ops[..2].to_vec()),
        ops(vec![run().ops[0].clone(), creation("vault", VAULT), calling("vault", "init", 8)]),
        DeployRun { deployment_id: 1, ..run() },
        DeployRun { anchor: Bytes::from_static(b"other"), ..run() },
    ];
    for other in others {
        let refused = cleared.deploy(&world.chain, &other, &BTreeMap::new(), &mut |_| {}).await;
        assert!(matches!(refused, Err(EngineError::NotApproved { .. })), "{other:?}");
    }
    assert_eq!(world.sends(), 0);
    let deployed =
        cleared.deploy(&world.chain, &run(), &BTreeMap::new(), &mut |_| {}).await.unwrap();
    assert_eq!((deployed.ops.len(), world.sends()), (3, 4));
}

#[tokio::test]
async fn no_more_is_spent_on_fees_than_was_approved() {
    let world = World::new();
    let id = world.open().await.id();
    let most = U256::from(QUOTED * u128::from(GAS_LIMIT)) - U256::ONE;
    let approved = intent_digest(id, &intent("a", 1), 0, most);
    let lane = world.open().await;
    let adoption = lane.adoption().await.unwrap();
    let mut cleared = lane.clear(approved, adoption.as_ref(), Ceiling { most }).unwrap();
    let refused = cleared.run(&intent("a", 1)).await;
    assert!(matches!(refused, Err(EngineError::Ceiling { .. })), "{refused:?}");
    assert_eq!(world.sends(), 0);
}
