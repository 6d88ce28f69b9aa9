//! Deployments: in order, to their end, and once, whoever was there before.

mod checks;
mod earlier;
mod frozen;
mod together;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use serde_json::json;
use tidegate_model::{Fqn, ReleaseRoot};
use tidegate_plan::{CREATE2_PROXY, Check, FrozenOp, Later, Op, OpKind};

use super::*;
use crate::deploy::{DeployRun, Deployed, Progress, StepCheck, complete, deploy};

const SALT: B256 = B256::repeat_byte(7);

fn place(initcode: &[u8]) -> Address {
    CREATE2_PROXY.create2_from_code(SALT, initcode)
}

/// Creates a contract, whose code in memory is its initcode.
pub(super) fn creation(step: &str, initcode: &'static [u8]) -> FrozenOp {
    let kind = OpKind::Create {
        contract: Fqn(format!("src/{step}.sol:{step}")),
        address: place(initcode),
        salt: SALT,
        initcode: Bytes::from_static(initcode),
        guarded: None,
    };
    let op = Op { id: step.to_owned(), step: step.to_owned(), kind };
    FrozenOp::new(op, |_| Some(keccak256(initcode))).unwrap()
}

pub(super) fn calling(step: &str, id: &str, byte: u8) -> FrozenOp {
    calling_at(TARGET, step, id, byte)
}

fn calling_at(to: Address, step: &str, id: &str, byte: u8) -> FrozenOp {
    let data = Bytes::copy_from_slice(&[byte]);
    let signature = "init()".to_owned();
    let kind = OpKind::Call { to, value: U256::from(byte), data, signature };
    let op = Op { id: id.to_owned(), step: step.to_owned(), kind };
    FrozenOp::new(op, |_| None).unwrap()
}

const TOKEN: &[u8] = &[1, 1];
pub(super) const VAULT: &[u8] = &[2, 2];

/// A token, a vault, and a call of the vault's step.
pub(super) fn run() -> DeployRun {
    let ops = vec![creation("token", TOKEN), creation("vault", VAULT), calling("vault", "init", 9)];
    DeployRun {
        project: "vault".to_owned(),
        release_root: ReleaseRoot(B256::repeat_byte(3)),
        deployment_id: 0,
        ops,
        checks: Vec::new(),
        anchor: Bytes::from_static(b"anchor"),
        again: BTreeSet::new(),
        taken_back: BTreeSet::new(),
    }
}

/// Runs it, one transaction after the other, and what it said on the way.
async fn deployed(
    world: &World,
    lane: &mut TestLane<'_>,
    run: &DeployRun,
) -> (Result<Deployed, EngineError>, Vec<String>) {
    measured(world, lane, run, &BTreeMap::new()).await
}

/// Runs it with what local execution measured, and what it said on the way.
async fn measured(
    world: &World,
    lane: &mut TestLane<'_>,
    run: &DeployRun,
    gas: &BTreeMap<String, u64>,
) -> (Result<Deployed, EngineError>, Vec<String>) {
    let mut said = Vec::new();
    let mut next = None;
    let mut report = |progress: &Progress| match progress {
        Progress::Next { op } => next = Some(op.clone()),
        Progress::Landed { op, landed } => {
            assert_eq!(next.as_ref(), Some(op), "what is waited for was said");
            said.push(format!("{op} {}", landed.inclusion.block.number));
        }
        Progress::There { op } => said.push(format!("{op} there")),
    };
    let done = deploy(lane, &world.chain, run, gas, &mut report).await;
    (done, said)
}

/// Which operations of the plan the deployment itself brought to an end.
fn own(deployed: &Deployed) -> Vec<(&str, bool)> {
    deployed.ops.iter().map(|(op, landed)| (op.as_str(), landed.is_some())).collect()
}

/// Everything on the chain becomes final, and this machine forgets what it did.
fn forget(world: &mut World) {
    world.journal = MemoryJournal::default();
    let mut chain = world.chain.world();
    chain.finalized = chain.head().block.number;
}

/// Somebody else creates with this code.
fn stranger_leaves(world: &World, initcode: &[u8], code: &'static [u8]) {
    world.chain.world().account(place(initcode)).code = Bytes::from_static(code);
}

#[tokio::test]
async fn a_deployment_lands_in_order_and_ends_with_its_anchor() {
    let world = World::new();
    let mut lane = world.lane().await;
    let (done, said) = deployed(&world, &mut lane, &run()).await;
    let done = done.unwrap();
    assert_eq!(said, ["token 1", "vault 2", "init 3", "anchor 4"]);
    assert_eq!(own(&done), [("token", true), ("vault", true), ("init", true)]);
    assert!(!done.was_complete);
    let sent: Vec<_> = world.included().into_iter().map(|pending| pending.tx).collect();
    let to: Vec<_> = sent.iter().map(|tx| tx.to).collect();
    let expected = [CREATE2_PROXY, CREATE2_PROXY, TARGET, world.sender()].map(Some);
    assert_eq!(to, expected);
    assert_eq!(sent[0].input, [SALT.as_slice(), TOKEN].concat());
    assert_eq!((sent[2].value, sent[2].input.as_ref()), (U256::from(9), &[9][..]));
    assert_eq!((sent[3].hash, sent[3].input.as_ref()), (done.anchor, b"anchor".as_slice()));
    assert_eq!(sent[3].value, U256::ZERO);
    let run = run();
    let root = B256::repeat_byte(3);
    assert_eq!(lane.state().attempts[3].op, format!("deploy/vault/{root}/0/anchor"));
    assert_eq!(run.op_key("vault"), format!("deploy/vault/{root}/0/vault"));
}

#[tokio::test]
async fn a_complete_deployment_sends_nothing_more() {
    let world = World::new();
    let mut lane = world.lane().await;
    let first = deployed(&world, &mut lane, &run()).await.0.unwrap();
    let (again, said) = deployed(&world, &mut lane, &run()).await;
    let again = again.unwrap();
    assert_eq!((again.was_complete, again.anchor), (true, first.anchor));
    let whole = complete(&lane, &world.chain, &run()).await.unwrap().unwrap();
    assert_eq!((whole.was_complete, whole.anchor), (true, first.anchor));
    assert_eq!(said, ["token 1", "vault 2", "init 3"]);
    assert_eq!((own(&again), world.sends()), (own(&first), 4));
}

/// A call of it is another transaction than the deployment's, each time that it was made.
#[tokio::test]
async fn a_call_of_a_complete_deployment_is_made_once_more() {
    let world = World::new();
    let mut lane = world.lane().await;
    assert!(complete(&lane, &world.chain, &run()).await.unwrap().is_none());
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!(run().once_more(&lane, "token"), None, "no call");
    for time in 1..=2 {
        let more = run().once_more(&lane, "init").unwrap();
        assert_eq!(more.op, format!("again/{}/0/init/{time}", B256::repeat_byte(3)));
        assert_eq!(run().once_more(&lane, "init").as_ref(), Some(&more), "until it has landed");
        lane.run(&more).await.unwrap();
    }
    assert_eq!(world.sends(), 6);
    assert!(complete(&lane, &world.chain, &run()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_interrupted_deployment_goes_on_where_it_was() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().script.push_back(Box::new(|chain| {
        chain.mine();
        chain.broken.insert("receipt");
    }));
    assert!(matches!(deployed(&world, &mut lane, &run()).await.0, Err(EngineError::Chain(_))));
    drop(lane);
    world.chain.world().broken.clear();
    let mut lane = world.lane().await;
    deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!((world.sends(), world.nonce()), (4, 4));
}

#[tokio::test]
async fn what_is_there_with_the_expected_code_is_not_created_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    stranger_leaves(&world, TOKEN, TOKEN);
    let (done, said) = deployed(&world, &mut lane, &run()).await;
    assert_eq!(own(&done.unwrap()), [("token", false), ("vault", true), ("init", true)]);
    assert_eq!(said[0], "token there");
    assert_eq!(world.nonce(), 3);
}

#[tokio::test]
async fn what_is_there_with_other_code_stops_the_deployment() {
    let world = World::new();
    let mut lane = world.lane().await;
    stranger_leaves(&world, VAULT, TOKEN);
    let (done, said) = deployed(&world, &mut lane, &run()).await;
    assert!(
        matches!(&done, Err(EngineError::OtherCode { op, address, found, expected })
            if op == "vault" && *address == place(VAULT)
                && *found == keccak256(TOKEN) && *expected == keccak256(VAULT)),
        "{done:?}"
    );
    assert_eq!((said.len(), world.nonce()), (1, 1), "nothing after it is sent");
}

#[tokio::test]
async fn a_creation_that_leaves_other_code_stops_the_deployment() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().leaves.insert(place(TOKEN), Bytes::from_static(VAULT));
    let (done, said) = deployed(&world, &mut lane, &run()).await;
    let other = keccak256(VAULT);
    assert!(
        matches!(&done, Err(EngineError::OtherCode { op, found, .. })
            if op == "token" && *found == other),
        "{done:?}"
    );
    assert_eq!((said.len(), world.nonce()), (0, 1));
}

#[tokio::test]
async fn a_stranger_who_comes_first_after_ours_was_signed_costs_one_attempt() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().script.push_back(Box::new(|chain| {
        chain.account(place(TOKEN)).code = Bytes::from_static(TOKEN);
        chain.mine();
    }));
    let done = deployed(&world, &mut lane, &run()).await.0;
    assert!(matches!(&done, Err(EngineError::Reverted { .. })), "{done:?}");
    let done = deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!(own(&done), [("token", false), ("vault", true), ("init", true)]);
    assert_eq!(world.nonce(), 4, "the one that reverted, and three");
}

#[tokio::test]
async fn our_own_open_creation_comes_to_its_end_before_a_stranger_s_counts() {
    let world = World::new();
    let mut lane = world.lane().await;
    let token = DeployRun { ops: run().ops[..1].to_vec(), ..run() };
    world.journal.refuse(Some("Answered"));
    world.chain.world().answers.push_back(Answer::Dropped);
    assert!(deployed(&world, &mut lane, &token).await.0.is_err());
    world.journal.refuse(None);
    stranger_leaves(&world, TOKEN, TOKEN);
    let done = deployed(&world, &mut lane, &token).await.0;
    assert!(matches!(&done, Err(EngineError::Reverted { .. })), "{done:?}");
    let done = deployed(&world, &mut lane, &token).await.0.unwrap();
    assert_eq!(own(&done), [("token", false)]);
}

#[tokio::test]
async fn a_call_that_reverts_stops_the_deployment() {
    let world = World::new();
    let mut lane = world.lane().await;
    world.chain.world().reverting.insert(TARGET);
    let (done, said) = deployed(&world, &mut lane, &run()).await;
    assert!(matches!(&done, Err(EngineError::Reverted { .. })), "{done:?}");
    assert_eq!((said.len(), world.nonce()), (2, 3), "no anchor");
}

#[tokio::test]
async fn an_anchor_that_reverted_is_sent_again() {
    let world = World::new();
    let mut lane = world.lane().await;
    let sender = world.sender();
    world.chain.world().reverting.insert(sender);
    let done = deployed(&world, &mut lane, &run()).await.0;
    assert!(matches!(&done, Err(EngineError::Reverted { .. })), "{done:?}");
    world.chain.world().reverting.clear();
    let done = deployed(&world, &mut lane, &run()).await.0.unwrap();
    assert_eq!((done.was_complete, world.nonce()), (false, 5));
    assert_eq!(world.included()[4].tx.hash, done.anchor);
}
