//! Attestations that are replayed, taken back, expired, or by nobody in particular.

use alloy_primitives::{B256, U256};
use tidegate_model::statement::{At, AuditRevocation, AuditVerdict, Body, NEVER};
use tidegate_model::{ChainId, StatementDigest};
use tidegate_testkit::actor_address;

use super::{patch, refused, stopped};
use crate::support::{Case, Forge, Outcome, Scene, Status, cases, files};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            a_deleted_attestation_counts_only_where_it_was_seen,
            cheat_a_revocation_on_chain_whose_file_is_deleted,
            cheat_a_revocation_by_file_that_is_deleted,
            cheat_an_attestation_of_the_release_before,
            cheat_an_attestation_by_the_deployer;
        Due:
            cheat_an_attestation_of_another_project,
            cheat_an_expired_attestation,
            cheat_an_attestation_dated_in_the_future,
            cheat_an_attestation_by_a_stranger,
            cheat_two_keys_of_one_firm,
            cheat_a_preimage_with_more_contracts_than_were_signed,
            cheat_a_delta_review_without_what_it_rests_on,
            cheat_a_delta_review_on_a_revoked_attestation;
    }
}

fn a_deleted_attestation_counts_only_where_it_was_seen(scene: &Scene<'_>) -> Outcome {
    scene.run("eva", &["status"], 0)?;
    let file = Forge(scene).file_of("bo")?;
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
    status.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    status.expect_others_pass(&["audits", "go"])?;
    fresh.run(&["promote"])?.expect_code(30)?;
    Ok(())
}

fn cheat_a_revocation_on_chain_whose_file_is_deleted(scene: &Scene<'_>) -> Outcome {
    let ether = U256::from(10_u64).pow(U256::from(18));
    scene.world.mainnet.set_balance(actor_address("ada"), ether)?;
    let attestation = Forge(scene).file_of("ada")?;
    let digest = attestation.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let before = files::read_tree(&scene.project().join("deployments"), &[])?;
    let revoke = ["attest", "--revoke", &digest, "--detail", "a finding was missed", "--as", "ada"];
    scene.done("ada", &revoke)?;
    scene.world.settle()?;
    let status = refused(scene, "audits", "FAIL", (&["revoked"], &["Acme"]))?;
    status.expect("soak", "UNKNOWN", (&["too-few-transactions"], &["0 of 25"]))?;

    // The file is deleted, and another clone has never seen it.
    let after = files::read_tree(&scene.project().join("deployments"), &[])?;
    for file in files::differences(&before, &after) {
        std::fs::remove_file(scene.project().join("deployments").join(file))?;
    }
    let clone = scene.folder().join("clone");
    files::copy_clone(scene.project(), &clone)?;
    let fresh = scene.person("o3").at(&clone);
    let ran = fresh.run(&["promote", "--json"])?.expect_code(1)?;
    let status = Status::of(&ran)?;
    status.expect("audits", "FAIL", (&["revoked"], &["Acme", "posted at the helper"]))?;
    status.expect("soak", "UNKNOWN", (&["too-few-transactions"], &["0 of 25"]))
}

fn cheat_a_revocation_by_file_that_is_deleted(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let revoked = forge.signed("ada")?.statement.digest()?;
    let revocation = AuditRevocation {
        attestation: revoked,
        reason: 2,
        detail: "a finding was missed".to_owned(),
    };
    let digest = forge.say("ada", Body::AuditRevoke(revocation), [0, NEVER])?;
    scene.status()?.expect("audits", "FAIL", (&["revoked"], &["Acme"]))?;
    let file = format!("deployments/statements/{digest}.json");
    std::fs::remove_file(scene.project().join(file))?;
    stopped(scene, "audits", "FAIL", (&["revoked"], &["Acme", "a finding was missed"]))
}

fn cheat_an_attestation_of_the_release_before(scene: &Scene<'_>) -> Outcome {
    patch(scene)?;
    // What has not changed stays covered; what has is named.
    let status =
        refused(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["Vault has 0 of 2 audits"]))?;
    let coverage = &status.0["coverage"];
    assert!(coverage.is_null(), "promote does not show it: {coverage}");
    let coverage = scene.status()?.0["coverage"].clone();
    let firms = |name: &str| {
        let found = coverage.as_object().into_iter().flatten();
        found.filter(|(fqn, _)| fqn.ends_with(name)).map(|(_, f)| f.to_string()).collect::<String>()
    };
    assert_eq!(firms(":Registry"), "[\"Acme\",\"Bolt\"]");
    assert_eq!(firms(":Vault"), "[]");
    Ok(())
}

fn cheat_an_attestation_of_another_project(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let mut other = forge.scope()?;
    for contract in &mut other {
        contract.source_closure = B256::repeat_byte(1);
    }
    let (root, count) = forge.keep_scope(&other)?;
    forge.attest("bo", |a| (a.scope_root, a.scope_count) = (root, count))?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    // Nor does it with the preimage of this one under its name.
    let own = serde_json::to_string(&forge.scope()?)?;
    scene.write(&format!("deployments/scopes/{root}.json"), &own)?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms", "scope-unknown"], &["1 of 2"]))
}

fn cheat_an_expired_attestation(scene: &Scene<'_>) -> Outcome {
    Forge(scene).attest("bo", |a| a.valid_until = a.issued_at + 1)?;
    stopped(
        scene,
        "audits",
        "UNKNOWN",
        (&["too-few-firms", "attestation-expired"], &["1 of 2", "Bolt"]),
    )
}

fn cheat_an_attestation_dated_in_the_future(scene: &Scene<'_>) -> Outcome {
    // It waits, whichever block it names that is not final yet, or none.
    let chain = ChainId(scene.world.mainnet.chain_id());
    let later = At { chain, number: u64::from(u32::MAX), hash: B256::repeat_byte(1) };
    for at in [At::no_block(chain), later] {
        let digest = Forge(scene).attest("bo", |a| {
            a.issued_at += 30 * 86_400;
            a.valid_until += 60 * 86_400;
            a.at = at;
        })?;
        stopped(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
        let file = format!("deployments/statements/{digest}.json");
        std::fs::remove_file(scene.project().join(file))?;
        scene.forget("eva")?;
    }
    Ok(())
}

fn cheat_an_attestation_by_a_stranger(scene: &Scene<'_>) -> Outcome {
    Forge(scene).attest("mallory", |_| {})?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms", "no-auditor"], &["1 of 2"]))
}

fn cheat_an_attestation_by_the_deployer(scene: &Scene<'_>) -> Outcome {
    Forge(scene).attest("deployer", |_| {})?;
    stopped(scene, "separation", "FAIL", &["deployer-audited"])
}

fn cheat_two_keys_of_one_firm(scene: &Scene<'_>) -> Outcome {
    scene.attest("cy")?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))
}

fn cheat_a_preimage_with_more_contracts_than_were_signed(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let all = forge.scope()?;
    let (root, count) = forge.keep_scope(&all[..1])?;
    forge.attest("bo", |a| (a.scope_root, a.scope_count) = (root, count))?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2 audits (Acme)"]))?;
    let file = format!("deployments/scopes/{root}.json");
    scene.write(&file, &serde_json::to_string(&all)?)?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms", "scope-unknown"], &["1 of 2"]))
}

fn cheat_a_delta_review_without_what_it_rests_on(scene: &Scene<'_>) -> Outcome {
    Forge(scene).attest("bo", |a| {
        a.verdict = AuditVerdict::Delta;
        a.supersedes = StatementDigest(B256::repeat_byte(7));
    })?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms", "base-missing"], &["1 of 2"]))
}

fn cheat_a_delta_review_on_a_revoked_attestation(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let base = forge.attest("bo", |a| a.at = At::no_block(a.at.chain))?;
    let revocation = AuditRevocation {
        attestation: base,
        reason: 1,
        detail: "the report was another's".to_owned(),
    };
    forge.say("bo", Body::AuditRevoke(revocation), [0, NEVER])?;
    forge.attest("bo", |a| (a.verdict, a.supersedes) = (AuditVerdict::Delta, base))?;
    stopped(scene, "audits", "FAIL", (&["revoked"], &["Bolt"]))
}
