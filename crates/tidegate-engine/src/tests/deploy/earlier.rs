//! What an earlier run did whose journal is lost: it is found on the chain, or nothing is sent.

use std::collections::BTreeSet;

use super::super::chain::Answer;
use super::*;
use crate::earlier::{find_sent, there};

#[tokio::test]
async fn a_whole_deployment_is_found_without_its_journal() {
    let mut world = World::new();
    let mut lane = world.lane().await;
    let first = deployed(&world, &mut lane, &run()).await.0.unwrap();
    drop(lane);
    forget(&mut world);
    let mut lane = world.lane().await;
    let (again, said) = deployed(&world, &mut lane, &run()).await;
    let again = again.unwrap();
    assert_eq!((again.was_complete, again.anchor), (true, first.anchor));
    assert_eq!(own(&again), [("token", false), ("vault", false), ("init", false)]);
    assert_eq!(said, ["token there", "vault there", "init there"]);
    assert_eq!(world.sends(), 4);
}

#[tokio::test]
async fn half_a_deployment_is_found_without_its_journal_and_goes_on() {
    let mut world = World::new();
    let mut lane = world.lane().await;
    let half = DeployRun { ops: run().ops[..2].to_vec(), anchor: Bytes::new(), ..run() };
    deployed(&world, &mut lane, &half).await.0.unwrap();
    drop(lane);
    forget(&mut world);
    let mut lane = world.lane().await;
    let done = deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!(own(&done), [("token", false), ("vault", false), ("init", true)]);
    assert_eq!((done.was_complete, world.nonce()), (false, 5));
}

/// A chain on which the sender sent something before this program managed it.
fn used() -> World {
    let world = World::new();
    let mut chain = world.chain.world();
    chain.foreign(world.sender());
    chain.finalized = chain.head().block.number;
    drop(chain);
    world
}

#[tokio::test]
async fn a_history_that_cannot_be_read_lets_nothing_be_sent() {
    let world = used();
    let mut lane = world.lane().await;
    stranger_leaves(&world, VAULT, VAULT);
    world.chain.world().broken.insert("sender_transactions");
    let done = deployed(&world, &mut lane, &run()).await.0;
    let init = run().op_key("init");
    assert!(matches!(&done, Err(EngineError::UnknownCall { op }) if *op == init), "{done:?}");
    assert_eq!(world.sends(), 0);
}

#[tokio::test]
async fn a_history_is_read_only_where_something_was_there_before() {
    let world = World::new();
    let mut lane = world.lane().await;
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!(world.chain.world().searches, 0);
    let met = used();
    let mut lane = met.lane().await;
    stranger_leaves(&met, TOKEN, TOKEN);
    deployed(&met, &mut lane, &run()).await.0.unwrap();
    assert_eq!(
        met.chain.world().searches,
        1,
        "for the call; where the vault is new nothing is anchored"
    );
}

#[tokio::test]
async fn a_call_that_the_journal_knows_is_not_searched_for() {
    let world = World::new();
    let mut lane = world.lane().await;
    stranger_leaves(&world, TOKEN, TOKEN);
    world.chain.world().reverting.insert(TARGET);
    assert!(deployed(&world, &mut lane, &run()).await.0.is_err());
    world.chain.world().reverting.clear();
    world.chain.world().searches = 0;
    let done = deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!(own(&done), [("token", false), ("vault", true), ("init", true)]);
    assert_eq!(world.chain.world().searches, 0, "and where the vault is new nothing is anchored");
}

/// As of a folder beside this one, whose record is not here: what it deployed under this id has
/// other bytes, such as other metadata, and stands at other addresses.
#[tokio::test]
async fn another_build_under_this_id_is_said_as_that() {
    let world = World::new();
    let mut lane = world.lane().await;
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    let ops =
        vec![creation("token", &[1, 9]), creation("vault", VAULT), calling("vault", "init", 9)];
    let other = DeployRun { ops, ..run() };
    for found in [
        complete(&lane, &world.chain, &other).await.map(drop),
        deployed(&world, &mut lane, &other).await.0.map(drop),
    ] {
        let is_said = matches!(&found, Err(EngineError::OtherIntent { op }) if op == "token");
        assert!(is_said, "{found:?}");
    }
    assert_eq!(world.nonce(), 4, "nothing more was sent");
}

/// Two machines with a journal each deploy the same: what one was about to send, the other has
/// sent. Found by seed 665 of the simulation, where one machine had lost its journal.
#[tokio::test]
async fn what_another_machine_called_is_not_called_again() {
    for (measured_ops, signed) in [(1, 1), (3, 4)] {
        let mut world = World::new();
        // This one signs, and dies before anything arrives.
        let mut lane = world.lane().await;
        {
            let mut chain = world.chain.world();
            chain.answers.extend([Answer::Dropped; 4]);
            chain.script.push_back(Box::new(|chain| {
                chain.broken.insert("latest_head");
            }));
        }
        let gas =
            run().ops.iter().take(measured_ops).map(|op| (op.id().to_owned(), 100_000)).collect();
        assert!(measured(&world, &mut lane, &run(), &gas).await.0.is_err());
        assert_eq!(lane.state().open().len(), signed);
        drop(lane);
        // The other one sends all but the anchor.
        let first = std::mem::take(&mut world.journal);
        {
            let mut chain = world.chain.world();
            chain.broken.clear();
            chain.answers.clear();
            // So that its bytes are others.
            chain.base_fee = 2_000_000_000;
        }
        let mut lane = world.lane().await;
        let part = DeployRun { anchor: Bytes::from_static(b"other"), ..run() };
        deployed(&world, &mut lane, &part).await.0.unwrap();
        drop(lane);
        world.journal = first;
        {
            let mut chain = world.chain.world();
            chain.finalized = chain.head().block.number;
        }
        let mut lane = world.lane().await;
        let done = deployed(&world, &mut lane, &run()).await.0.unwrap();
        assert_eq!(own(&done), [("token", false), ("vault", false), ("init", false)], "{signed}");
        assert_eq!(world.nonce(), 5, "{signed}: only the anchor is new");
    }
}

/// A project that was copied and renamed has a release of the same code: other salts make other
/// addresses, and nothing of one is taken for the other's.
#[tokio::test]
async fn projects_with_the_same_code_are_two_deployments() {
    let world = World::new();
    let mut lane = world.lane().await;
    let calls = |project: &str, at: u8| DeployRun {
        project: project.to_owned(),
        ops: vec![calling_at(Address::repeat_byte(at), "dial", "set", 1)],
        ..run()
    };
    for (project, at) in [("one", 0x11), ("two", 0x22)] {
        let done = deployed(&world, &mut lane, &calls(project, at)).await.0.unwrap();
        assert_eq!((own(&done), done.was_complete), (vec![("set", true)], false), "{project}");
    }
    assert_eq!(world.nonce(), 4, "each with its anchor");
}

/// As when a newer version of this program names its operations otherwise.
#[tokio::test]
async fn what_is_on_its_way_under_another_name_is_not_done_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    let half = DeployRun { ops: run().ops[..2].to_vec(), anchor: Bytes::new(), ..run() };
    deployed(&world, &mut lane, &DeployRun { project: "other".to_owned(), ..half })
        .await
        .0
        .unwrap();
    let init = crate::deploy::intent(&run(), &run().ops[2]);
    world.leave_open(&mut lane, &Intent { op: "deploy/0/init".to_owned(), ..init }).await;
    let done = deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!(own(&done), [("token", false), ("vault", false), ("init", false)]);
    assert_eq!(world.nonce(), 5, "two creations and an anchor, the call, the anchor");
}

fn none() -> BTreeSet<B256> {
    BTreeSet::new()
}

async fn find(world: &World, intent: &Intent, known: &BTreeSet<B256>) -> Option<B256> {
    find_sent(&world.chain, world.sender(), intent, known).await.unwrap()
}

#[tokio::test]
async fn exactly_this_transaction_is_found_and_no_other() {
    let world = World::new();
    let mut lane = world.lane().await;
    let wanted = Intent { value: U256::from(5), ..intent("x", 1) };
    for (op, other) in [
        ("a", Intent { to: Address::ZERO, ..wanted.clone() }),
        ("b", Intent { value: U256::from(6), ..wanted.clone() }),
        ("c", Intent { data: Bytes::from_static(&[2]), ..wanted.clone() }),
    ] {
        lane.run(&Intent { op: op.to_owned(), ..other }).await.unwrap();
    }
    assert_eq!(find(&world, &wanted, &none()).await, None);
    let landed = lane.run(&wanted).await.unwrap();
    assert_eq!(find(&world, &wanted, &none()).await, Some(landed.hash));
    let other = Intent { op: "another name".to_owned(), ..wanted };
    assert_eq!(find(&world, &other, &none()).await, Some(landed.hash), "names are not on chains");
}

#[tokio::test]
async fn the_newest_success_is_found_that_is_not_known() {
    let world = World::new();
    let mut lane = world.lane().await;
    let mut hashes = Vec::new();
    for op in ["a", "b"] {
        hashes.push(lane.run(&intent(op, 1)).await.unwrap().hash);
    }
    world.chain.world().reverting.insert(TARGET);
    assert!(lane.run(&intent("c", 1)).await.is_err());
    let wanted = intent("x", 1);
    assert_eq!(find(&world, &wanted, &none()).await, Some(hashes[1]), "the third reverted");
    let known = BTreeSet::from([hashes[1]]);
    assert_eq!(find(&world, &wanted, &known).await, Some(hashes[0]));
    let known = hashes.iter().copied().collect();
    assert_eq!(find(&world, &wanted, &known).await, None);
}

#[tokio::test]
async fn beyond_what_is_searched_nothing_is_established() {
    const SEARCHED: usize = 256;
    let world = World::new();
    let mut lane = world.lane().await;
    let landed = lane.run(&intent("a", 1)).await.unwrap();
    let sender = world.sender();
    (1..SEARCHED).for_each(|_| world.chain.world().foreign(sender));
    assert_eq!(find(&world, &intent("a", 1), &none()).await, Some(landed.hash));
    assert_eq!(find(&world, &intent("b", 2), &none()).await, None, "all of it is searched");
    world.chain.world().foreign(sender);
    let newest = Intent { to: Address::ZERO, data: Bytes::new(), ..intent("c", 1) };
    assert!(find(&world, &newest, &none()).await.is_some(), "what is found is found");
    for op in ["a", "b"] {
        let found = find_sent(&world.chain, sender, &intent(op, 1), &none()).await;
        assert!(
            matches!(&found, Err(EngineError::UnknownCall { op: of }) if of == op),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn what_is_there_is_known_by_journal_or_chain() {
    let world = World::new();
    let ids = |found: BTreeSet<String>| found.into_iter().collect::<Vec<_>>();
    let lane = world.lane().await;
    assert_eq!(ids(there(&lane, &world.chain, &run()).await.unwrap()), Vec::<String>::new());
    drop(lane);
    // The call fails, so that both contracts stand and nothing is anchored.
    let mut lane = world.lane().await;
    world.chain.world().reverting.insert(TARGET);
    assert!(deployed(&world, &mut lane, &run()).await.0.is_err());
    assert_eq!(ids(there(&lane, &world.chain, &run()).await.unwrap()), ["token", "vault"]);
    world.chain.world().reverting.clear();
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    let all = ["init", "token", "vault"];
    assert_eq!(ids(there(&lane, &world.chain, &run()).await.unwrap()), all);
    // On a machine that did not send them.
    drop(lane);
    let mut world = world;
    forget(&mut world);
    let lane = world.lane().await;
    assert_eq!(ids(there(&lane, &world.chain, &run()).await.unwrap()), all);
}

/// The same contracts and call as another release, after which the same sender did much else.
async fn next_release(world: &World) -> (TestLane<'_>, DeployRun) {
    let mut lane = world.lane().await;
    deployed(world, &mut lane, &run()).await.0.unwrap();
    (0..300).for_each(|_| world.chain.world().foreign(world.sender()));
    {
        let mut chain = world.chain.world();
        chain.finalized = chain.head().block.number;
    }
    drop(lane);
    let lane = world.lane().await;
    let anchor = Bytes::from_static(b"next");
    let next = DeployRun { release_root: ReleaseRoot(B256::repeat_byte(4)), anchor, ..run() };
    (lane, next)
}

#[tokio::test]
async fn what_another_release_made_is_found_in_the_journal() {
    let world = World::new();
    let (lane, next) = next_release(&world).await;
    // Everything of it stands, so it may be anchored, and its anchor is in no journal.
    let found = there(&lane, &world.chain, &next).await;
    let anchor = next.op_key("anchor");
    assert!(matches!(&found, Err(EngineError::UnknownCall { op }) if *op == anchor), "{found:?}");
    let more =
        DeployRun { ops: [next.ops.clone(), vec![creation("new", &[3, 3])]].concat(), ..next };
    let found = there(&lane, &world.chain, &more).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["init", "token", "vault"]);
    assert_eq!(
        world.chain.world().searches,
        1,
        "for the anchor, and for nothing where that is new"
    );
}

#[tokio::test]
async fn the_deployment_says_which_transactions_made_its_calls() {
    let world = World::new();
    let mut lane = world.lane().await;
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    let made = lane.state().landed(&run().op_key("init")).unwrap().0.hash;
    let root = ReleaseRoot(B256::repeat_byte(4));
    let ops = [run().ops, vec![creation("new", &[3, 3])]].concat();
    let next = DeployRun { release_root: root, ops, ..run() };
    let done = deployed(&world, &mut lane, &next).await.0.unwrap();
    assert_eq!(done.earlier, [("init".to_owned(), made)].into());
}

#[tokio::test]
async fn a_call_is_made_again_where_that_is_asked_for() {
    let world = World::new();
    let mut lane = world.lane().await;
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    let ops = [run().ops, vec![creation("new", &[3, 3])]].concat();
    let next = DeployRun { release_root: ReleaseRoot(B256::repeat_byte(4)), ops, ..run() };
    let again = DeployRun { again: ["init".to_owned()].into(), ..next.clone() };
    let ids = |found: BTreeSet<String>| found.into_iter().collect::<Vec<_>>();
    assert_eq!(ids(there(&lane, &world.chain, &next).await.unwrap()), ["init", "token", "vault"]);
    assert_eq!(ids(there(&lane, &world.chain, &again).await.unwrap()), ["token", "vault"]);
    let hash = |run: &DeployRun| run.digest(lane.id().network, world.sender(), 0, U256::ZERO);
    assert_ne!(hash(&next).unwrap(), hash(&again).unwrap(), "it is approved");
    let done = deployed(&world, &mut lane, &again).await.0.unwrap();
    let all = [("token", false), ("vault", false), ("init", true), ("new", true)];
    assert_eq!((own(&done).as_slice(), done.earlier.len()), (all.as_slice(), 0));
    let sent = world.sends();
    deployed(&world, &mut lane, &again).await.0.unwrap();
    assert_eq!(world.sends(), sent, "once");
}

#[tokio::test]
async fn two_equal_calls_are_two_transactions() {
    let world = World::new();
    let mut lane = world.lane().await;
    let root = |byte| ReleaseRoot(B256::repeat_byte(byte));
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    let twice = [run().ops, vec![calling("vault", "again", 9), creation("new", &[3, 3])]].concat();
    let next = DeployRun { release_root: root(4), ops: twice.clone(), ..run() };
    let done = deployed(&world, &mut lane, &next).await.0.unwrap();
    let all = [("token", false), ("vault", false), ("init", false), ("again", true), ("new", true)];
    assert_eq!(own(&done), all);
    let last = [twice, vec![creation("last", &[5, 5])]].concat();
    let next = DeployRun { release_root: root(5), ops: last, ..run() };
    let done = deployed(&world, &mut lane, &next).await.0.unwrap();
    let hashes: BTreeSet<_> = done.earlier.into_values().collect();
    assert_eq!(hashes.len(), 2);
}

#[tokio::test]
async fn a_plan_that_only_calls_is_looked_for_where_no_journal_is() {
    let mut world = World::new();
    let mut lane = world.lane().await;
    let calls = DeployRun { ops: vec![calling("step", "set", 7)], ..run() };
    deployed(&world, &mut lane, &calls).await.0.unwrap();
    drop(lane);
    forget(&mut world);
    let mut lane = world.lane().await;
    let done = deployed(&world, &mut lane, &calls).await.0.unwrap();
    assert_eq!((done.was_complete, own(&done)), (true, vec![("set", false)]));
}

#[tokio::test]
async fn a_long_past_before_the_journal_hides_no_anchor() {
    let world = World::new();
    (0..300).for_each(|_| world.chain.world().foreign(world.sender()));
    {
        let mut chain = world.chain.world();
        chain.finalized = chain.head().block.number;
    }
    let mut lane = world.lane().await;
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    // All that it creates stands, and the journal has it: no anchor of it can be older.
    let anchor = Bytes::from_static(b"next");
    let next = DeployRun { release_root: ReleaseRoot(B256::repeat_byte(4)), anchor, ..run() };
    let done = deployed(&world, &mut lane, &next).await.0.unwrap();
    assert_eq!(own(&done), [("token", false), ("vault", false), ("init", false)]);
    assert!(!done.was_complete);
}
