//! Attestations that are deleted or revoked, and auditors who are no second firm.

use std::path::PathBuf;

use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_testkit::actor_address;

use crate::support::{Case, Outcome, Scene, Status, cases, files};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            a_deleted_attestation_counts_only_where_it_was_seen,
            a_revocation_cannot_be_deleted;
        Day13: two_keys_of_one_firm_are_one_audit;
    }
}

fn a_deleted_attestation_counts_only_where_it_was_seen(scene: &Scene<'_>) -> Outcome {
    scene.run("eva", &["status"], 0)?;
    let file = attestation_of(scene, "bo")?;
    std::fs::remove_file(&file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();

    // This machine has seen it, and a statement is never forgotten.
    let shown = scene.run("eva", &["status", "--check"], 0)?;
    let all = format!("{}{}", shown.stdout, shown.stderr);
    assert!(all.contains(&name), "the missing file is named: {shown:?}");
    scene.status()?.expect("audits", "PASS", &[])?;

    let clone = scene.folder().join("clone");
    files::copy_clone(scene.project(), &clone)?;
    let fresh = scene.person("o3").at(&clone);
    let status = Status::of(&fresh.run(&["status", "--json"])?)?;
    status.expect("audits", "UNKNOWN", &["1 of 2"])?;
    status.expect_others_pass(&["audits"])?;
    fresh.run(&["promote"])?.expect_code(30)?;
    Ok(())
}

fn a_revocation_cannot_be_deleted(scene: &Scene<'_>) -> Outcome {
    let ether = alloy_primitives::U256::from(10_u64).pow(alloy_primitives::U256::from(18));
    scene.world.mainnet.set_balance(actor_address("ada"), ether)?;
    let attestation = attestation_of(scene, "ada")?;
    let digest = attestation.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let before = files::read_tree(&scene.project().join("deployments"), &[])?;
    let revoke = ["attest", "--revoke", &digest, "--detail", "a finding was missed", "--as", "ada"];
    scene.done("ada", &revoke)?;
    scene.world.settle()?;
    scene.status()?.expect("audits", "FAIL", &["Acme", "revoked"])?;

    // The file is deleted here, and everything this machine remembers with it.
    let after = files::read_tree(&scene.project().join("deployments"), &[])?;
    for file in files::differences(&before, &after) {
        std::fs::remove_file(scene.project().join("deployments").join(file))?;
    }
    scene.status()?.expect("audits", "FAIL", &["Acme", "revoked"])?;
    let clone = scene.folder().join("clone");
    files::copy_clone(scene.project(), &clone)?;
    let fresh = scene.person("o3").at(&clone);
    let status = Status::of(&fresh.run(&["status", "--json"])?)?;
    status.expect("audits", "FAIL", &["Acme", "revoked", "posted at the helper"])?;
    fresh.run(&["promote"])?.expect_code(1)?;
    Ok(())
}

fn two_keys_of_one_firm_are_one_audit(scene: &Scene<'_>) -> Outcome {
    scene.advance_to_day(14)?;
    scene.attest("cy")?;
    let status = scene.status()?;
    status.expect("audits", "UNKNOWN", &["1 of 2"])?;
    status.expect_others_pass(&["audits"])?;
    scene.run("eva", &["promote"], 30)?;
    Ok(())
}

/// The file of somebody's attestation.
fn attestation_of(scene: &Scene<'_>, auditor: &str) -> Result<PathBuf, Failed> {
    let address = actor_address(auditor).to_string().to_lowercase();
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let path = entry?.path();
        let statement: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let signer = statement["signer"].as_str().unwrap_or_default().to_lowercase();
        if signer == address {
            return Ok(path);
        }
    }
    Err(format!("no attestation by {auditor}").into())
}
