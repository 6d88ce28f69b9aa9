//! `deploy` is killed at any moment, and run again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_testkit::actor_address;

use crate::support::{Case, Outcome, Scene, Start, cases};

/// How often it is killed.
const KILLS: u32 = 20;
/// A run that ends before its moment is not killed; this often that may happen.
const ROUNDS_MAX: u32 = 3 * KILLS;
/// How often, and after which time, the chain is looked at: two minutes at most.
const LOOKS_MAX: u32 = 24_000;
const LOOK: Duration = Duration::from_millis(5);
/// Of a recorded transaction, what depends on the block at which it was signed.
const MOVES: [&str; 3] = ["hash", "block", "fee"];
/// Gives the moments of an earlier run.
pub(crate) const SEED: &str = "TIDEGATE_TEST_SEED";

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: a_killed_deployment_goes_on_where_it_was,
            a_cancelled_job_is_completed_by_an_empty_runner;
        Deployed: a_deployment_that_is_done_is_found_on_the_chain;
    }
}

#[expect(clippy::disallowed_methods, reason = "a test measures")]
fn a_killed_deployment_goes_on_where_it_was(scene: &Scene<'_>) -> Outcome {
    let mut start = Start::save(scene)?;
    let command = scene.run("eva", &["deploy", "--password-fd", "0"], 2)?;
    let command = command.asked_for().ok_or("the command to type instead")?;
    let started = Instant::now();
    scene.person("eva").run(&command)?.expect_code(0)?;
    let mut whole = started.elapsed();
    let clean = Deployed::read(scene)?;
    assert_eq!(clean.mined, clean.transactions, "{clean:?}");

    let seed = seed()?;
    let mut random = seed;
    let mut killed = 0;
    for round in 0..ROUNDS_MAX {
        start.restore(scene)?;
        let moment = whole.mul_f64(fraction(&mut random));
        if kill_at(scene, &command, moment)? {
            killed += 1;
        } else {
            // It is faster than the first run was.
            whole = whole.min(moment);
        }
        let again = scene.person("eva").run(&command)?;
        let context = format!("{SEED}={seed}, round {round}, killed after {moment:?}");
        assert_eq!(again.code, 0, "{context}: {again:?}");
        let found = Deployed::read(scene)?;
        assert_eq!(found.mined, clean.mined, "{context}: something was sent twice, or not at all");
        assert_eq!(found.addresses, clean.addresses, "{context}");
        assert_eq!(found.done()?, clean.done()?, "{context}: another deployment");
        if killed == KILLS {
            return Ok(());
        }
    }
    Err(format!("only {killed} of {ROUNDS_MAX} runs could be killed; {SEED}={seed}").into())
}

/// What a runner kept is gone with its job; the next one has the repository alone.
fn a_cancelled_job_is_completed_by_an_empty_runner(scene: &Scene<'_>) -> Outcome {
    let mut start = Start::save(scene)?;
    let command = scene.run("eva", &["deploy", "--password-fd", "0"], 2)?;
    let command = command.asked_for().ok_or("the command to type instead")?;
    scene.person("eva").run(&command)?.expect_code(0)?;
    let clean = Deployed::read(scene)?;
    for sent in [1, 3, 5] {
        start.restore(scene)?;
        kill_after(scene, &command, sent)?;
        scene.forget("eva")?;
        let kept = scene.folder().join("kept/deployments/testnet");
        let records = scene.project().join("deployments/testnet");
        if records.exists() && !kept.exists() {
            std::fs::remove_dir_all(records)?;
        }
        scene.world.settle()?;
        scene.done("eva", &["deploy"])?;
        let found = Deployed::read(scene)?;
        assert_eq!(found.addresses, clean.addresses, "{sent}");
        assert_eq!(found.transactions, clean.transactions, "all of them are in the record: {sent}");
        scene.world.settle()?;
        scene.done("eva", &["verify"])?;
    }
    Ok(())
}

fn a_deployment_that_is_done_is_found_on_the_chain(scene: &Scene<'_>) -> Outcome {
    let clean = Deployed::read(scene)?;
    scene.done("eva", &["deploy"])?;
    assert_eq!(Deployed::read(scene)?, clean, "again");
    scene.forget("eva")?;
    scene.done("eva", &["deploy"])?;
    assert_eq!(Deployed::read(scene)?, clean, "without a store");
    scene.forget("eva")?;
    std::fs::remove_dir_all(scene.project().join("deployments/testnet"))?;
    scene.done("eva", &["deploy"])?;
    assert_eq!(Deployed::read(scene)?, clean, "without store and record");
    Ok(())
}

/// What a deployment left: its record, and how many transactions its sender has on the chain.
#[derive(Debug, PartialEq)]
struct Deployed {
    record: String,
    addresses: String,
    mined: usize,
    transactions: usize,
}

impl Deployed {
    fn read(scene: &Scene<'_>) -> Result<Self, Failed> {
        let (path, record) = scene.record()?;
        let mut ops = Vec::new();
        for transaction in record["transactions"].as_array().into_iter().flatten() {
            assert_eq!(transaction["success"], true, "{transaction}");
            ops.push(transaction["op"].to_string());
        }
        let transactions = ops.len();
        ops.sort();
        ops.dedup();
        assert_eq!(ops.len(), transactions, "each once: {ops:?}");
        Ok(Self {
            record: std::fs::read_to_string(path)?,
            addresses: scene.read("deployments/testnet/addresses.json")?,
            mined: scene.nonce(&scene.world.testnet, actor_address("deployer"))?,
            transactions,
        })
    }
}

impl Deployed {
    /// What it says, but for where and at which price each transaction landed: what was signed
    /// after the crash was signed at the fees of that block.
    fn done(&self) -> Result<Value, Failed> {
        let mut record: Value = serde_json::from_str(&self.record)?;
        for transaction in record["transactions"].as_array_mut().into_iter().flatten() {
            let fields = transaction.as_object_mut().ok_or("a transaction")?;
            fields.retain(|name, _| !MOVES.contains(&name.as_str()));
        }
        Ok(record)
    }
}

/// Types a command and kills it at this moment, if it is not done by then.
pub(crate) fn kill_at(
    scene: &Scene<'_>,
    command: &[String],
    moment: Duration,
) -> Result<bool, Failed> {
    let mut child = scene.spawn("eva", command)?;
    // The one place that waits for a time and not for a condition: the time is what is tested.
    std::thread::sleep(moment);
    child.kill()?;
    Ok(child.wait()?.code().is_none())
}

/// Types a command and kills it once this many of the deployer's transactions are mined.
fn kill_after(scene: &Scene<'_>, command: &[String], sent: usize) -> Outcome {
    let mined = || scene.nonce(&scene.world.testnet, actor_address("deployer"));
    let before = mined()?;
    let mut child = scene.spawn("eva", command)?;
    for _ in 0..LOOKS_MAX {
        if mined()? >= before + sent {
            child.kill()?;
            return match child.wait()?.code() {
                None => Ok(()),
                Some(_) => Err(format!("it was done before {sent} were seen").into()),
            };
        }
        if let Some(ended) = child.try_wait()? {
            return Err(format!("it ended before {sent} were mined: {ended}").into());
        }
        std::thread::sleep(LOOK);
    }
    child.kill()?;
    child.wait()?;
    Err(format!("{sent} were never mined").into())
}

#[expect(clippy::disallowed_methods, reason = "a seed is given to the tests, not to the product")]
pub(crate) fn seed() -> Result<u64, Failed> {
    match std::env::var(SEED) {
        Ok(seed) => Ok(seed.parse()?),
        Err(_) => Ok(RandomState::new().build_hasher().finish()),
    }
}

/// The next number in 0..1, by SplitMix64.
pub(crate) fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default())
        / f64::from(u32::MAX)
}
