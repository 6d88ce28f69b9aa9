//! Whole deployments while everything goes wrong that may: processes die between any two effects,
//! endpoints fail, lose and refuse, blocks are reorganised, pools forget, fees rise. Each seed is
//! one story; the outside checker reads journal and chain after each run, and at the end the chain
//! is as if nothing had happened.

mod faults;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use tidegate_model::ReleaseRoot;
use tidegate_plan::{CREATE2_PROXY, FrozenOp, Op, OpKind};
use tidegate_testkit::checker::{Checker, Findings, Mined};
use tidegate_testkit::fuzz::seeds;

use self::faults::Dice;
pub(super) use self::faults::{Fate, Faults};
use super::*;
use crate::deploy::{DeployRun, adopted_nonce};

/// How many seeds a check of a change tries.
const SEEDS: u64 = 50;
/// How often a process is started while things go wrong.
const STARTS: u32 = 12;
/// How often it may have to be started once nothing does.
const CALM_STARTS: u32 = 4;
/// What each transaction uses.
const GAS: u64 = 100_000;

/// A plan: creations, and calls of what they made.
fn plan(seed: u64, id: u64) -> (DeployRun, BTreeMap<String, u64>) {
    let dice = Dice::new(!seed);
    let salt = B256::from(U256::from(id));
    let mut ops: Vec<FrozenOp> = Vec::new();
    let mut targets = Vec::new();
    let mut gas = BTreeMap::new();
    for n in 0..3 + dice.below(30) {
        let id = format!("op{n}");
        let is_call = !targets.is_empty() && dice.one_in(2);
        let kind = if is_call {
            let to = targets[dice.below(targets.len() as u64) as usize];
            // Now and then a plan makes one call twice.
            let data = Bytes::from(vec![if dice.one_in(8) { 1 } else { n as u8 }; 4]);
            OpKind::Call { to, value: U256::from(n), data, signature: "set(bytes4)".to_owned() }
        } else {
            let initcode = Bytes::from(vec![0xfe, n as u8]);
            let guarded = None;
            let address = CREATE2_PROXY.create2_from_code(salt, &initcode);
            targets.push(address);
            let contract = tidegate_model::Fqn(format!("src/{id}.sol:C"));
            OpKind::Create { contract, address, salt, initcode, guarded }
        };
        let code = match &kind {
            OpKind::Create { initcode, .. } => keccak256(initcode),
            OpKind::Call { .. } => B256::ZERO,
        };
        // What nothing measured waits for what is before it.
        if !dice.one_in(12) {
            gas.insert(id.clone(), GAS);
        }
        let op = Op { id: id.clone(), step: id, kind };
        ops.push(FrozenOp::new(op, |_| Some(code)).unwrap());
    }
    let run = DeployRun {
        project: "story".to_owned(),
        release_root: ReleaseRoot(B256::repeat_byte(3)),
        deployment_id: id,
        ops,
        checks: Vec::new(),
        anchor: Bytes::from(format!("anchor {id}").into_bytes()),
        again: BTreeSet::new(),
        taken_back: BTreeSet::new(),
    };
    (run, gas)
}

/// One process from its start to its end, as a person runs it who approves what is asked.
async fn start(
    world: &super::World,
    run: &DeployRun,
    gas: &BTreeMap<String, u64>,
) -> Result<(), EngineError> {
    let lane = Lane::open(&world.chain, &world.journal, &world.key, CAP).await?;
    let adoption = lane.adoption().await?;
    let nonce = adopted_nonce(&lane, adoption.as_ref());
    let all: Vec<_> = run.ops.iter().map(|op| (op.id().to_owned(), GAS)).collect();
    let ceiling = run.ceiling(&lane, nonce, &all, |_| false).await?;
    let hash = run.digest(world.chain.id, world.sender(), nonce, ceiling.most).unwrap();
    let mut cleared = lane.clear(hash, adoption.as_ref(), ceiling)?;
    cleared.deploy(&world.chain, run, gas, &mut |_| {}).await?;
    Ok(())
}

fn checked(world: &super::World) -> Findings {
    let chain = world.chain.world();
    let final_up_to = chain.finalized;
    let mined: Vec<_> = chain
        .included()
        .filter(|(pending, _)| pending.tx.from == world.sender())
        .map(|(pending, receipt)| Mined {
            hash: pending.tx.hash,
            nonce: pending.tx.nonce,
            block: receipt.block,
            success: receipt.status,
            is_final: receipt.block.number <= final_up_to,
        })
        .collect();
    let journal = world.journal.events();
    Checker {
        chain: SEPOLIA,
        sender: world.sender(),
        fee_max: CAP.per_gas,
        journal: &journal,
        mined: &mined,
        sent: &chain.left,
    }
    .check()
}

/// What a story came to.
#[derive(Debug)]
struct Told {
    /// The digest of all that the journal holds.
    journal: B256,
    /// How processes ended that did not come to the end of the deployment.
    ends: Vec<String>,
    /// How many transactions reverted.
    reverted: usize,
}

/// What is special about a story, beside its faults.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// Somebody else uses the sender's key.
    foreign: bool,
    /// Two processes run at once, and both get the lease, one after the other.
    twins: bool,
    /// The round before which the journal is lost.
    forgets: Option<u32>,
}

impl Kind {
    fn of(seed: u64) -> Self {
        let dice = Dice::new(seed);
        let (foreign, twins, forgets) = (dice.one_in(5), dice.one_in(4), dice.one_in(6));
        let round = dice.below(u64::from(STARTS)) as u32;
        Self { foreign, twins, forgets: forgets.then_some(round) }
    }
}

/// One round: a process, or two at once. How those ended that did not come to the end.
async fn round(
    world: &super::World,
    (run, gas): (&DeployRun, &BTreeMap<String, u64>),
    twins: bool,
) -> Vec<EngineError> {
    if !twins {
        return start(world, run, gas).await.err().into_iter().collect();
    }
    let (first, second) = tokio::join!(start(world, run, gas), start(world, run, gas));
    first.err().into_iter().chain(second.err()).collect()
}

async fn story(seed: u64) -> Told {
    let kind = Kind::of(seed);
    let mut plan_now = plan(seed, 0);
    let world = super::World::new();
    {
        let mut chain = world.chain.world();
        let faults = Faults::new(seed, kind.foreign);
        world.journal.watch(faults.clone());
        chain.watched = world.sender();
        chain.faults = Some(faults);
    }
    let mut ends = Vec::new();
    // Afterwards one of ours may land without what it comes after, and the journal lacks some.
    let mut is_shaken = kind.foreign;
    for number in 0..STARTS + CALM_STARTS {
        revive(&world, number >= STARTS);
        if kind.forgets == Some(number) {
            world.journal.forget();
            world.chain.world().left.clear();
            is_shaken = true;
        }
        let (run, gas) = &plan_now;
        let twins = kind.twins && number < STARTS;
        let mut is_over = false;
        for error in round(&world, (run, gas), twins).await {
            ends.push(format!("{number}: {error}"));
            is_over |= matches!(error, EngineError::OutOfOrder { .. });
        }
        let told = || format!("seed {seed}, {kind:?}: {ends:#?}\n{}", world.journal.told());
        let found = checked(&world);
        assert_eq!(found.broken, Vec::<String>::new(), "{}", told());
        assert!(is_shaken || (!is_over && found.foreign.is_empty()), "{found:?} {}", told());
        if is_over {
            plan_now = plan(seed, run.deployment_id + 1);
        }
    }
    let (run, gas) = &plan_now;
    let last = start(&world, run, gas).await;
    assert!(last.is_ok(), "seed {seed}, {kind:?}: {last:?} {ends:#?}\n{}", world.journal.told());
    require_done(&world, run, seed);
    let reverted = checked(&world).reverted.len();
    let journal = serde_json::to_vec(&world.journal.events()).unwrap();
    Told { journal: keccak256(journal), ends, reverted }
}

/// Starts the process again, after a while.
fn revive(world: &super::World, calm: bool) {
    let mut chain = world.chain.world();
    if calm {
        chain.base_fee = 1_000_000_000;
        (0..20).for_each(|_| chain.mine());
        chain.settle();
    }
    chain.faults.as_ref().expect("a story has faults").revive(calm);
}

/// The chain has each operation once, each call after the creation of what it calls.
fn require_done(world: &super::World, run: &DeployRun, seed: u64) {
    let mut chain = world.chain.world();
    let mut wanted: BTreeMap<(Address, U256, Bytes), usize> = BTreeMap::new();
    for op in &run.ops {
        if let Some((address, code)) = op.creates() {
            let found = keccak256(&chain.account(address).code);
            assert_eq!(found, code, "seed {seed}: {}", op.id());
        }
        let sent = op.tx();
        *wanted.entry((sent.to, sent.value, sent.data.clone())).or_default() += 1;
    }
    *wanted.entry((world.sender(), U256::ZERO, run.anchor.clone())).or_default() += 1;
    let mut made: BTreeMap<(Address, U256, Bytes), usize> = BTreeMap::new();
    let mut created = BTreeSet::new();
    for (pending, receipt) in chain.included().filter(|(_, receipt)| receipt.status) {
        let tx = &pending.tx;
        let Some(to) = tx.to.filter(|to| *to != Address::ZERO) else { continue };
        let sent = (to, tx.value, tx.input.clone());
        // Of another deployment.
        if !wanted.contains_key(&sent) {
            assert!(run.deployment_id > 0, "seed {seed}: {sent:?}");
            continue;
        }
        if to == CREATE2_PROXY {
            let (salt, initcode) = tx.input.split_at(32);
            created.insert(CREATE2_PROXY.create2_from_code(B256::from_slice(salt), initcode));
        } else {
            let is_after = to == world.sender() || created.contains(&to);
            assert!(is_after, "seed {seed}: nonce {} ran too early", receipt.transaction);
        }
        *made.entry(sent).or_default() += 1;
    }
    let other: Vec<_> =
        wanted.iter().filter(|(sent, times)| made.get(*sent) != Some(times)).collect();
    let told = world.journal.told();
    assert!(other.is_empty(), "seed {seed}: wanted {other:?}, found {made:?}\n{told}");
}

#[tokio::test]
async fn whatever_goes_wrong_each_operation_is_made_once() {
    let mut reverted = 0;
    let mut ends = 0;
    for seed in seeds(SEEDS) {
        let told = story(seed).await;
        reverted += told.reverted;
        ends += told.ends.len();
    }
    println!("simulation: {ends} processes did not come to the end, {reverted} reverts");
}

#[tokio::test]
async fn a_seed_tells_the_same_story_again() {
    for seed in 0..5 {
        let [first, again] = [story(seed).await, story(seed).await];
        assert_eq!(first.journal, again.journal, "{seed}");
        assert_eq!(first.ends, again.ends, "{seed}");
    }
}
