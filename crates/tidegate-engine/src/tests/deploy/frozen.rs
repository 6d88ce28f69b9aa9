//! What an approval covers, and the most that a deployment may cost.

use tidegate_model::NetworkId;
use tidegate_model::event::LaneId;

use super::*;
use crate::ports::Chain;

const WEI: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

fn digest(run: &DeployRun) -> B256 {
    let network = MemoryChain::new(SEPOLIA, Address::ZERO).id();
    run.digest(network, TARGET, 4, WEI).unwrap()
}

#[test]
fn an_approval_covers_everything_that_is_sent() {
    let with = |change: &dyn Fn(&mut DeployRun)| {
        let mut run = run();
        change(&mut run);
        digest(&run)
    };
    let original = with(&|_| {});
    assert_eq!(original, digest(&run()));
    let back = with(&|run| run.taken_back.extend(["init".to_owned()]));
    assert_eq!(original, back, "it holds after what was taken back is made again");
    let changes: [&dyn Fn(&mut DeployRun); 8] = [
        &|run| run.release_root = ReleaseRoot(B256::ZERO),
        &|run| run.deployment_id = 1,
        &|run| run.anchor = Bytes::new(),
        &|run| run.ops.swap(0, 1),
        &|run| run.ops[2] = calling("vault", "other", 9),
        &|run| run.ops[2] = calling("vault", "init", 8),
        &|run| {
            run.ops.pop();
        },
        &|run| run.ops[2] = calling_at(Address::ZERO, "vault", "init", 9),
    ];
    let mut digests: Vec<_> = changes.iter().map(|change| with(change)).collect();
    digests.push(original);
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), changes.len() + 1, "each change has a digest of its own");
}

#[test]
fn an_approval_covers_who_sends_where_from_which_nonce_and_for_how_much() {
    let network = MemoryChain::new(SEPOLIA, Address::ZERO).id();
    let other = NetworkId { genesis: B256::ZERO, ..network };
    let run = run();
    let digests = [
        run.digest(network, TARGET, 4, WEI),
        run.digest(other, TARGET, 4, WEI),
        run.digest(network, Address::ZERO, 4, WEI),
        run.digest(network, TARGET, 5, WEI),
        run.digest(network, TARGET, 4, WEI + U256::ONE),
    ]
    .map(Result::unwrap);
    let apart: std::collections::BTreeSet<_> = digests.iter().collect();
    assert_eq!(apart.len(), digests.len());
}

/// What local execution measured.
fn gas() -> Vec<(String, u64)> {
    [("token", 60_000), ("vault", 80_000), ("init", 20_000)]
        .map(|(op, gas)| (op.to_owned(), gas))
        .into()
}

#[tokio::test]
async fn a_ceiling_covers_every_operation_and_the_anchor() {
    let world = World::new();
    let lane = world.lane().await;
    // 160,000 gas, 40,000 for the anchor, a quarter more: 525,000 gwei.
    let ceiling = run().ceiling(&lane, 0, &gas(), |_| false).await.unwrap();
    assert_eq!(ceiling.most, U256::from(1_000_000_000_000_000_u64));
    // With fees that need exactly a step, the next wei takes the next one.
    world.chain.world().base_fee = 950_000_000;
    let ceiling = run().ceiling(&lane, 0, &gas(), |_| false).await.unwrap();
    assert_eq!(ceiling.most, U256::from(500_000_000_000_000_u64));
    world.chain.world().base_fee += 1;
    let ceiling = run().ceiling(&lane, 0, &gas(), |_| false).await.unwrap();
    assert_eq!(ceiling.most, U256::from(1_000_000_000_000_000_u64));
}

#[tokio::test]
async fn a_ceiling_counts_what_was_paid_and_what_is_due() {
    let world = World::new();
    let mut lane = world.lane().await;
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    // Four transactions at 1.1 gwei, and nothing more to come: 440,000 gwei.
    let ceiling = run().ceiling(&lane, 0, &gas(), |_| false).await.unwrap();
    assert_eq!(ceiling.most, U256::from(500_000_000_000_000_u64));
}

#[tokio::test]
async fn what_reverted_is_due_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().reverting.insert(TARGET);
    assert!(deployed(&world, &mut lane, &run()).await.0.is_err());
    // 330,000 gwei were paid. The call is due once more, which a million gas makes plain.
    let gas =
        vec![("token".to_owned(), 0), ("vault".to_owned(), 0), ("init".to_owned(), 1_000_000)];
    let ceiling = run().ceiling(&lane, 0, &gas, |_| false).await.unwrap();
    assert_eq!(ceiling.most, U256::from(5_000_000_000_000_000_u64));
}

#[tokio::test]
async fn what_was_approved_before_holds_while_fees_stay_below_it() {
    let world = World::new();
    let mut lane = world.lane().await;
    let higher = U256::from(20_000_000_000_000_000_u64);
    let LaneId { network, sender } = lane.id();
    let hash = run().digest(network, sender, 3, higher).unwrap();
    let named = run().ceiling(&lane, 3, &gas(), |other| other == hash).await.unwrap();
    assert_eq!(named.most, higher, "the person named it");
    lane.approve(hash).unwrap();
    assert_eq!(run().ceiling(&lane, 3, &gas(), |_| false).await.unwrap().most, higher);
    let other = run().ceiling(&lane, 4, &gas(), |_| false).await.unwrap();
    assert_eq!(other.most, U256::from(1_000_000_000_000_000_u64), "of another adoption");
}

#[tokio::test]
async fn a_deployment_costs_at_most_an_ether_an_operation_and_one_for_its_anchor() {
    let world = World::new();
    let lane = world.lane().await;
    // At 500 gwei a gas, two ether, which is the highest step below four, are 3,200,000 gas and a
    // quarter more.
    world.chain.world().base_fee = 249_950_000_000;
    let dear = |gas: u64| vec![("token".to_owned(), gas)];
    let most = run().ceiling(&lane, 0, &dear(3_160_000), |_| false).await.unwrap().most;
    assert_eq!(most, U256::from(2_000_000_000_000_000_000_u64));
    let refused = run().ceiling(&lane, 0, &dear(3_160_001), |_| false).await;
    assert!(
        matches!(&refused, Err(EngineError::Ceiling { most, .. })
            if *most == U256::from(4_000_000_000_000_000_000_u64)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn fees_that_nobody_knows_have_no_ceiling() {
    let world = World::new();
    let lane = world.lane().await;
    world.chain.world().broken.insert("fee_data");
    let ceiling = run().ceiling(&lane, 0, &gas(), |_| false).await;
    assert!(matches!(ceiling, Err(EngineError::Chain(_))), "{ceiling:?}");
}
