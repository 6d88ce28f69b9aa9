//! What local execution has measured is sent together, and still lands in order, once, or not at
//! all.

use tidegate_model::event::LaneEvent;

use super::*;
use crate::fees::Ceiling;

/// What each operation of a run uses.
fn gas(run: &DeployRun, each: u64) -> BTreeMap<String, u64> {
    run.ops.iter().map(|op| (op.id().to_owned(), each)).collect()
}

/// Calls of as many accounts, each a step of its own.
fn calls(count: u8) -> DeployRun {
    let call = |n: u8| {
        let name = format!("call{n}");
        calling_at(Address::repeat_byte(n + 1), &name, &name, 1)
    };
    DeployRun { ops: (0..count).map(call).collect(), ..run() }
}

fn target(n: u8) -> Address {
    Address::repeat_byte(n + 1)
}

#[tokio::test]
async fn measured_operations_share_a_block_and_a_sync() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = run();
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    done.unwrap();
    assert_eq!(said, ["token 1", "vault 1", "init 1", "anchor 1"]);
    let nonces: Vec<_> = world.included().iter().map(|pending| pending.tx.nonce).collect();
    assert_eq!(nonces, [0, 1, 2, 3]);
    let one = ["AttemptRecorded", "Answered"];
    let (signed, answered) = (["AttemptRecorded"; 3], ["Answered"; 3]);
    let kinds = [&["SenderAdopted"][..], &one, &signed, &answered, &["Mined"; 4]].concat();
    assert_eq!(world.journal.kinds(), kinds);
}

#[tokio::test]
async fn nothing_leaves_that_is_not_durable() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(3);
    // The first one is on its way; the journal takes no more.
    world.chain.world().answers.push_back(Answer::Lost);
    world.journal.refuse(Some("Answered"));
    assert!(measured(&world, &mut lane, &run, &gas(&run, 100_000)).await.0.is_err());
    world.journal.refuse(Some("AttemptRecorded"));
    drop(lane);
    let mut lane = world.lane().await;
    assert!(measured(&world, &mut lane, &run, &gas(&run, 100_000)).await.0.is_err());
    let journaled = |event| match event {
        LaneEvent::AttemptRecorded { hash, .. } => Some(hash),
        _ => None,
    };
    let journaled: Vec<_> = world.journal.events().into_iter().filter_map(journaled).collect();
    assert!(world.chain.world().sent.iter().all(|hash| journaled.contains(hash)));
    assert_eq!(journaled.len(), 1);
}

#[tokio::test]
async fn a_chain_that_counts_gas_otherwise_gets_one_after_the_other() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = run();
    // More than a quarter above what was measured.
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 79_999)).await;
    done.unwrap();
    assert_eq!(said, ["token 1", "vault 2", "init 3", "anchor 4"]);
}

#[tokio::test]
async fn what_nothing_measured_waits_for_what_is_before_it() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(4);
    let mut gas = gas(&run, 100_000);
    gas.remove("call2");
    let (done, said) = measured(&world, &mut lane, &run, &gas).await;
    done.unwrap();
    assert_eq!(said, ["call0 1", "call1 1", "call2 2", "call3 3", "anchor 3"]);
}

#[tokio::test]
async fn a_step_is_checked_before_what_comes_after_it() {
    let world = World::new();
    let mut lane = world.lane().await;
    let mut run = calls(3);
    let check = Check {
        step: "call1".to_owned(),
        signature: "f()".to_owned(),
        to: TARGET,
        data: Bytes::from_static(&[5]),
        returns: Bytes::from_static(&[6]),
        value: json!(6),
        kind: "uint256".to_owned(),
    };
    run.checks = vec![check.into()];
    let found = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    assert!(matches!(found.0, Err(EngineError::CheckReverts { .. })), "{found:?}");
    assert_eq!((found.1, world.sends()), (vec!["call0 1".to_owned(), "call1 1".to_owned()], 2));
    let (asked, answer) = ((TARGET, Bytes::from_static(&[5])), Bytes::from_static(&[6]));
    world.chain.world().views.insert(asked, answer);
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    done.unwrap();
    assert_eq!(said, ["call0 1", "call1 1", "call2 2", "anchor 2"]);
}

#[tokio::test]
async fn after_a_revert_nothing_more_is_sent_and_all_that_was_is_known() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(30);
    world.chain.world().reverting.insert(target(1));
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    assert!(matches!(&done, Err(EngineError::Reverted { op, .. }) if op.ends_with("call1")));
    assert_eq!(said, ["call0 1"]);
    // A first one, and windows of sixteen.
    assert_eq!((world.sends(), lane.state().open().len()), (31, 0));
    // What ran without it may have done nothing, and is not done twice.
    world.chain.world().reverting.clear();
    let (again, _) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    assert!(
        matches!(&again, Err(EngineError::OutOfOrder { op, before })
            if op == "call2" && before == "call1"),
        "{again:?}"
    );
    assert_eq!(world.sends(), 31);
}

#[tokio::test]
async fn a_creation_that_landed_early_is_no_fault() {
    let world = World::new();
    let mut lane = world.lane().await;
    let ops = vec![calling("first", "first", 1), creation("token", TOKEN)];
    let run = DeployRun { ops, ..run() };
    world.chain.world().reverting.insert(TARGET);
    let done = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await.0;
    assert!(matches!(&done, Err(EngineError::Reverted { op, .. }) if op.ends_with("first")));
    world.chain.world().reverting.clear();
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    done.unwrap();
    assert_eq!(said, ["first 2", "token 1", "anchor 2"]);
}

/// It was on its way already when a call before it failed.
#[tokio::test]
async fn an_anchor_behind_a_failure_counts_for_nothing() {
    for is_lost in [false, true] {
        let mut world = World::new();
        let mut lane = world.lane().await;
        let run = calls(1);
        world.chain.world().reverting.insert(target(0));
        let done = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await.0;
        assert!(matches!(done, Err(EngineError::Reverted { .. })), "{done:?}");
        assert_eq!(lane.state().attempts[1].op, run.op_key("anchor"));
        drop(lane);
        world.chain.world().reverting.clear();
        if is_lost {
            world.journal = MemoryJournal::default();
            let mut chain = world.chain.world();
            chain.finalized = chain.head().block.number;
        }
        let mut lane = world.lane().await;
        assert!(complete(&lane, &world.chain, &run).await.unwrap().is_none(), "{is_lost}");
        let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
        let done = done.unwrap();
        assert_eq!(said, ["call0 2", "anchor 2"], "{is_lost}");
        assert_eq!((world.sends(), world.nonce()), (4, 4), "{is_lost}");
        let newest = lane.state().attempts.last().unwrap();
        assert_eq!((done.anchor, newest.nonce), (newest.hash, 3), "{is_lost}");
        let again = complete(&lane, &world.chain, &run).await.unwrap().unwrap();
        assert_eq!(again.anchor, done.anchor, "{is_lost}");
    }
}

#[tokio::test]
async fn a_window_that_a_crash_left_is_sent_as_it_was_signed() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(5);
    {
        let mut chain = world.chain.world();
        chain.answers.extend([Answer::Lost, Answer::Dropped, Answer::Dropped, Answer::Dropped]);
        chain.script.push_back(Box::new(|chain| {
            chain.broken.insert("latest_head");
        }));
    }
    assert!(measured(&world, &mut lane, &run, &gas(&run, 100_000)).await.0.is_err());
    let signed: Vec<_> = lane.state().attempts.iter().map(|attempt| attempt.hash).collect();
    assert_eq!(signed.len(), 6);
    drop(lane);
    world.chain.world().broken.clear();
    let mut lane = world.lane().await;
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    done.unwrap();
    assert_eq!(said[..5], ["call0 1", "call1 1", "call2 1", "call3 1", "call4 1"]);
    let included: Vec<_> = world.included().iter().map(|pending| pending.tx.hash).collect();
    assert_eq!(included, signed);
}

#[tokio::test]
async fn no_more_is_open_than_nodes_keep_or_the_balance_pays() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(100);
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    done.unwrap();
    let in_block = |number: &str| said.iter().filter(|said| said.ends_with(number)).count();
    assert_eq!([" 1", " 2", " 3"].map(in_block), [49, 52, 0]);

    // Enough for three at once: what they did not use pays for the next ones.
    let world = World::new();
    let most = U256::from(GAS_LIMIT) * U256::from(QUOTED);
    world.chain.world().account(world.sender()).balance = most * U256::from(3) + U256::from(6);
    let mut lane = world.lane().await;
    let run = calls(5);
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    assert_eq!(said[..3], ["call0 1", "call1 1", "call2 1"], "{done:?}");
    assert!(!said[3].ends_with(" 1"), "{said:?}");
}

#[tokio::test]
async fn a_foreign_transaction_in_between_stops_it_for_good() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(3);
    let sender = world.sender();
    world.chain.world().script.push_back(Box::new(move |chain| chain.foreign(sender)));
    let done = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await.0;
    assert!(matches!(&done, Err(EngineError::Foreign { .. })), "{done:?}");
    drop(lane);
    // The others landed without the first one.
    {
        let mut chain = world.chain.world();
        chain.finalized = chain.head().block.number;
    }
    let mut lane = world.lane().await;
    assert_eq!(world.nonce(), 4);
    let done = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await.0;
    assert!(
        matches!(&done, Err(EngineError::OutOfOrder { op, before })
            if op == "call1" && before == "call0"),
        "{done:?}"
    );
    assert_eq!(world.nonce(), 4, "nothing of it is done twice");
}

/// Whoever adopts a sender anew takes it as it stands, not what was once signed for another run.
#[tokio::test]
async fn what_was_signed_before_an_adoption_is_never_sent_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    let first = calls(5);
    {
        let mut chain = world.chain.world();
        chain.answers.extend([Answer::Dropped; 6]);
        chain.script.push_back(Box::new(|chain| {
            chain.broken.insert("latest_head");
        }));
    }
    assert!(measured(&world, &mut lane, &first, &gas(&first, 100_000)).await.0.is_err());
    assert_eq!((lane.state().open().len(), world.sends()), (6, 6));
    drop(lane);
    let sender = world.sender();
    {
        let mut chain = world.chain.world();
        chain.broken.clear();
        chain.foreign(sender);
        chain.finalized = chain.head().block.number;
    }
    let mut lane = world.lane().await;
    assert_eq!(lane.state().open().len(), 0);
    let second = DeployRun { deployment_id: 1, ..calls(5) };
    measured(&world, &mut lane, &second, &gas(&second, 100_000)).await.0.unwrap();
    let old: Vec<_> = lane.state().attempts[..6].iter().map(|attempt| attempt.hash).collect();
    assert!(world.chain.world().sent[6..].iter().all(|hash| !old.contains(hash)));
    // The foreign one, five calls and the anchor.
    assert_eq!(world.nonce(), 7);
    // The journal still folds.
    drop(lane);
    world.open().await;
}

#[tokio::test]
async fn what_is_on_its_way_counts_towards_what_was_approved() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(5);
    let each = U256::from(GAS_LIMIT) * U256::from(QUOTED);
    // Enough for two at once; what they did not use is left for the others.
    let most = each * U256::from(2) + each / U256::from(2);
    lane.limit(run.op_key(""), Ceiling { most });
    let (_, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    assert_eq!(said[..3], ["call0 1", "call1 1", "call2 2"]);
    let paid: U256 = lane
        .state()
        .attempts
        .iter()
        .filter_map(|attempt| Some(attempt.state.inclusion()?.fee))
        .sum();
    assert!(paid <= most, "{paid}");
}

#[tokio::test]
async fn fees_above_the_cap_wait_for_what_is_on_its_way() {
    let world = World::new();
    let cap = FeeCap { per_gas: QUOTED, ..CAP };
    let mut lane = world.lane_within(cap).await;
    let run = calls(100);
    // Three windows and the first one are on their way when fees rise.
    world.chain.world().script.push_back(Box::new(|chain| {
        chain.mine();
        chain.base_fee *= 2;
    }));
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    assert!(matches!(&done, Err(EngineError::FeeCap { .. })), "{done:?}");
    assert_eq!((said.len(), world.sends(), lane.state().open().len()), (49, 49, 0));
}

/// As where a call counted as made by an earlier release, and was then made again.
#[tokio::test]
async fn what_was_not_on_its_way_is_not_missed() {
    let world = World::new();
    let mut lane = world.lane().await;
    let run = calls(2);
    lane.run(&crate::deploy::intent(&run, &run.ops[1])).await.unwrap();
    let (done, said) = measured(&world, &mut lane, &run, &gas(&run, 100_000)).await;
    done.unwrap();
    assert_eq!(said, ["call0 2", "call1 1", "anchor 2"]);
    assert!(measured(&world, &mut lane, &run, &BTreeMap::new()).await.0.unwrap().was_complete);
}
