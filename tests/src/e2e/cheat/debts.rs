//! Cheating with what an emergency owes: keeping it open for good, or having it forgotten.

use std::path::PathBuf;

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::json;
use tidegate_model::ReleaseRoot;
use tidegate_model::record::{DeploymentRecord, MinedTransaction, anchor_calldata};
use tidegate_testkit::{Activity, Receipt, actor, actor_address};

use super::patch;
use crate::support::{Case, Outcome, Scene, cases, files, json_text};

sol! {
    function upgradeToAndCall(address to, bytes data);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Urgent:
            cheat_a_debt_whose_contracts_a_later_release_shares,
            cheat_a_debt_whose_testnet_was_upgraded_too_early;
    }
}

const ETHER: u64 = 1_000_000_000_000_000_000;

/// 1.4.1 is promoted in an emergency, and all it lacks then is a post-mortem and its soak.
fn promoted(scene: &Scene<'_>) -> Outcome {
    let promote = scene.run("eva", &["promote", "--emergency", "INC-7", "--json"], 10)?;
    let proposal = json_text(&promote, "proposal")?;
    scene.world.mainnet.set_balance(actor_address("gil"), U256::from(ETHER))?;
    for (person, key) in [("ada", "ada"), ("kim", "treasury"), ("hana", "hana")] {
        scene.done(person, &["record", "emergency", &proposal, "--as", key])?;
    }
    scene.done("gil", &["record", "emergency", &proposal, "--as", "gil", "--post"])?;
    scene.advance_to_day(17)?;
    for owner in ["o1", "o2"] {
        scene.person(owner).run(&scene.signing(&proposal))?.expect_code(10)?;
    }
    scene.approve("ops", &["proposal", "execute", &proposal])?.expect_code(10)?;
    scene.world.settle()?;
    scene.attest("bo")?;
    scene.write("reports/postmortem.md", "# INC-7\n")?;
    scene.done("ada", &["record", "postmortem", "reports/postmortem.md", "--as", "ada"])?;
    Ok(())
}

/// What lies in the working tree is the next release.
fn next(scene: &Scene<'_>) -> Outcome {
    patch(scene)?;
    scene.edit("tidegate.toml", "1.4.1", "1.4.2")
}

/// And back.
fn back(scene: &Scene<'_>) -> Outcome {
    scene.edit("contracts/src/Vault.sol", "OWNER_DELAY = 2 days", "OWNER_DELAY = 1 days")?;
    scene.edit("tidegate.toml", "1.4.2", "1.4.1")
}

/// A record of a release.
fn read(scene: &Scene<'_>, version: &str) -> Result<(PathBuf, DeploymentRecord), Failed> {
    let (path, record) = scene.record_of(version)?;
    Ok((path, serde_json::from_value(record)?))
}

/// As much use as the policy asks.
fn used(scene: &Scene<'_>, record: &DeploymentRecord) -> Outcome {
    let steps = &record.deployment.steps;
    let usdc = record.deployment.externals["usdc"].address;
    let testnet = &scene.world.testnet;
    let activity = Activity::new(testnet, steps["registry"].address, steps["vault"].address, usdc);
    activity.prepare()?;
    for (tester, act) in Activity::ACTS {
        activity.act(tester, act)?;
    }
    Ok(scene.world.settle()?)
}

/// A record of another release, of which nothing but these transactions is true.
fn write_other(
    scene: &Scene<'_>,
    record: &DeploymentRecord,
    sent: &[(&str, &Receipt)],
) -> Result<PathBuf, Failed> {
    let mined = |(op, receipt): &(&str, &Receipt)| MinedTransaction {
        op: (*op).to_owned(),
        hash: receipt.hash,
        from: record.deployment.executor,
        nonce: 0,
        block: receipt.block,
        success: true,
        gas_used: receipt.gas_used,
        fee: U256::ZERO,
    };
    let other = DeploymentRecord {
        name: "vault-1.4.9".to_owned(),
        id: 9,
        release_root: ReleaseRoot(keccak256("next")),
        transactions: sent.iter().map(mined).collect(),
        ..record.clone()
    };
    let path = scene.project().join("deployments/testnet").join(other.file_name());
    files::write(&path, json!(other).to_string().as_bytes())?;
    Ok(path)
}

/// The deployer's transaction.
fn send(scene: &Scene<'_>, to: Address, data: Vec<u8>) -> Result<Receipt, Failed> {
    Ok(scene.world.testnet.send(&actor("deployer"), Some(to), data, U256::ZERO)?)
}

/// The next release is deployed beside it in the middle of its soak, with the same registry and
/// library; and git has a record that somebody wrote. Neither changes what soaks.
fn cheat_a_debt_whose_contracts_a_later_release_shares(scene: &Scene<'_>) -> Outcome {
    promoted(scene)?;
    let (_, record) = read(scene, "1.4.1")?;
    used(scene, &record)?;
    scene.advance_to_day(20)?;
    next(scene)?;
    scene.done("eva", &["deploy", "--id", &record.id.to_string()])?;
    scene.world.settle()?;
    let (_, later) = read(scene, "1.4.2")?;
    let registry = |record: &DeploymentRecord| record.deployment.steps["registry"].address;
    assert_eq!(registry(&later), registry(&record), "it is shared");
    // A record that names another release and a transaction of the deployer, and no anchor.
    let sent = send(scene, actor_address("deployer"), Vec::new())?;
    write_other(scene, &record, &[("vault", &sent)])?;
    scene.world.settle()?;
    scene.status()?.expect("obligations", "UNKNOWN", &["emergency-owes", "too-young"])?;

    scene.advance_to_day(31)?;
    scene.status()?.expect("obligations", "PASS", &[])
}

/// The proxy is upgraded before the debt is paid. No time mends that, and the gate says what does.
/// Paid, it stays so, whatever takes its place then; but for what is in no record that counts.
fn cheat_a_debt_whose_testnet_was_upgraded_too_early(scene: &Scene<'_>) -> Outcome {
    promoted(scene)?;
    let (_, first) = read(scene, "1.4.1")?;
    let upgrade = |record: &DeploymentRecord| -> Result<Receipt, Failed> {
        let old = read(scene, "1.4.0")?.1.deployment.steps["vault"].implementation;
        let call = upgradeToAndCallCall { to: old.ok_or("behind a proxy")?, data: Bytes::new() };
        send(scene, record.deployment.steps["vault"].address, call.abi_encode())
    };
    let anchor = |record: &DeploymentRecord| -> Result<Receipt, Failed> {
        let next = ReleaseRoot(keccak256("next"));
        let data = anchor_calldata(next, record.deployment.digest()?);
        send(scene, record.deployment.executor, data)
    };
    let upgraded = upgrade(&first)?;
    let anchored = anchor(&first)?;
    write_other(scene, &first, &[("vault", &upgraded), ("anchor", &anchored)])?;
    scene.world.settle()?;
    next(scene)?;
    let codes = ["emergency-owes", "slot-differs", "soak-cut-short"];
    let out = ["vault-1.4.9-", "changed slot 0x3608", "deploy it on testnet again", "`--id`"];
    scene.status()?.expect("obligations", "UNKNOWN", (&codes, &out))?;

    // The way out.
    back(scene)?;
    std::fs::remove_file(read(scene, "1.4.1")?.0)?;
    scene.done("eva", &["deploy", "--id", "7"])?;
    scene.world.settle()?;
    let (path, again) = read(scene, "1.4.1")?;
    assert_eq!(again.id, 7, "{path:?}");
    used(scene, &again)?;
    scene.advance_to_day(33)?;
    next(scene)?;
    scene.status()?.expect("obligations", "PASS", &[])?;

    let upgraded = upgrade(&again)?;
    let unanchored = write_other(scene, &again, &[("vault", &upgraded)])?;
    scene.world.settle()?;
    let names = ["the implementation slot", "deploy it on testnet again"];
    scene.status()?.expect("obligations", "UNKNOWN", (&codes, &names))?;
    std::fs::remove_file(unanchored)?;
    let anchored = anchor(&again)?;
    write_other(scene, &again, &[("vault", &upgraded), ("anchor", &anchored)])?;
    scene.world.settle()?;
    scene.status()?.expect("obligations", "PASS", &[])
}
