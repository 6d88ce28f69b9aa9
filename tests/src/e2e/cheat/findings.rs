//! Findings that are hidden, and risks that nobody may accept alone.

use alloy_primitives::{B256, keccak256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_evidence::Findings;
use tidegate_model::ScopeRoot;
use tidegate_model::statement::{
    AuditVerdict, Body, RiskAcceptance, RiskDecision, Severity, Statement,
};

use super::stopped;
use crate::support::{Case, Forge, Outcome, Scene, cases, files, json_text, put, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Due:
            cheat_an_open_high_finding,
            cheat_counts_of_findings_edited_after_signing,
            cheat_a_medium_finding_that_nobody_accepted,
            cheat_a_risk_that_one_person_accepts_twice,
            cheat_an_acceptance_that_expired,
            cheat_an_acceptance_for_another_scope,
            cheat_findings_edited_after_signing,
            two_people_accept_a_risk;
    }
}

const DAY: u64 = 86_400;

/// A document with one finding of a level.
fn document(level: &str) -> Value {
    json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "by hand"}},
        "results": [{
            "ruleId": "BOLT-1", "level": level,
            "message": {"text": "withdraw rounds in favour of the caller"},
            "partialFingerprints": {"id": "bolt-1"},
        }],
    }]})
}

/// The second firm attests with one finding of a level. Answers with the document's digest.
fn attest_with(scene: &Scene<'_>, level: &str) -> Result<B256, Failed> {
    let text = document(level).to_string();
    let digest = keccak256(text.as_bytes());
    scene.write(&format!("deployments/findings/{digest}.sarif"), &text)?;
    Forge(scene).attest("bo", |a| {
        (a.verdict, a.found) = (AuditVerdict::RiskAccepted, 1);
        a.findings_digest = digest;
        a.open_high = u16::from(level == "error");
        a.open_medium = u16::from(level == "warning");
    })?;
    Ok(digest)
}

/// The same with one that two people may accept. Answers with its key.
pub(super) fn attest_with_a_finding(scene: &Scene<'_>) -> Result<String, Failed> {
    attest_with(scene, "warning")?;
    Ok(acceptance(scene)?.finding.to_string())
}

fn cheat_an_open_high_finding(scene: &Scene<'_>) -> Outcome {
    attest_with(scene, "error")?;
    stopped(
        scene,
        "audits",
        "FAIL",
        (&["open-findings"], &["Bolt reports open findings: 0 critical, 1 high"]),
    )
}

fn cheat_counts_of_findings_edited_after_signing(scene: &Scene<'_>) -> Outcome {
    attest_with(scene, "error")?;
    let file = Forge(scene).file_of("bo")?;
    let mut statement: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    put(&mut statement, "/statement/message/openHigh", json!(0))?;
    files::write(&file, statement.to_string().as_bytes())?;
    // This clone has never seen the true one.
    scene.forget("eva")?;
    stopped(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))
}

fn cheat_a_medium_finding_that_nobody_accepted(scene: &Scene<'_>) -> Outcome {
    attest_with(scene, "warning")?;
    stopped(scene, "audits", "UNKNOWN", (&["finding-open"], &["BOLT-1"]))
}

/// What two people might sign of the finding.
fn acceptance(scene: &Scene<'_>) -> Result<RiskAcceptance, Failed> {
    let Statement::AuditAttestation(attested) = Forge(scene).signed("bo")?.statement else {
        return Err("no attestation".into());
    };
    let print = json!({"tool": "by hand", "rule": "BOLT-1", "fingerprints": {"id": "bolt-1"}});
    Ok(RiskAcceptance {
        scope_root: attested.scope_root,
        finding: tidegate_model::digest::jcs_keccak("finding", &print)?,
        severity: Severity::Medium,
        decision: RiskDecision::Accept,
        justification: "bounded by the cap".to_owned(),
        control: String::new(),
    })
}

/// When the second firm attested: the target's finalized time.
fn now(scene: &Scene<'_>) -> Result<u64, Failed> {
    Ok(Forge(scene).signed("bo")?.statement.issued_at())
}

fn cheat_a_risk_that_one_person_accepts_twice(scene: &Scene<'_>) -> Outcome {
    attest_with(scene, "warning")?;
    let key = acceptance(scene)?.finding.to_string();
    let ask = ["record", "risk", &key, "--accept", "--reason", "x", "--until", "30d"];
    scene.done("eva", &[&ask[..], &["--as", "deployer"]].concat())?;
    let again = scene.person("eva").run(&["record", "risk", &key, "--as", "deployer"])?;
    assert_eq!(again.code, 1, "{again:?}");
    assert!(said(&again).contains("somebody else must agree"), "{again:?}");
    // The same said once more, and what the reporting firm says of its own finding.
    let accepted = acceptance(scene)?;
    let now = now(scene)?;
    for (who, from) in [("deployer", now), ("deployer", now - 1), ("bo", now), ("mallory", now)] {
        let body =
            Body::RiskAccept(RiskAcceptance { justification: "x".to_owned(), ..accepted.clone() });
        Forge(scene).say(who, body, [from, now + 30 * DAY])?;
    }
    stopped(scene, "audits", "UNKNOWN", (&["finding-accepted-by-one"], &["BOLT-1", "eva"]))
}

/// Two people sign what is given, at these times.
fn both_say(scene: &Scene<'_>, accepted: &RiskAcceptance, times: [u64; 2]) -> Outcome {
    for who in ["deployer", "treasury"] {
        let body = Body::RiskAccept(accepted.clone());
        Forge(scene).say(who, body, times)?;
    }
    Ok(())
}

fn cheat_an_acceptance_that_expired(scene: &Scene<'_>) -> Outcome {
    attest_with(scene, "warning")?;
    let now = now(scene)?;
    both_say(scene, &acceptance(scene)?, [now - 10 * DAY, now - DAY])?;
    stopped(scene, "audits", "UNKNOWN", (&["finding-acceptance-expired"], &["BOLT-1"]))
}

fn cheat_an_acceptance_for_another_scope(scene: &Scene<'_>) -> Outcome {
    attest_with(scene, "warning")?;
    let (now, other) = (now(scene)?, ScopeRoot(B256::repeat_byte(9)));
    let elsewhere = RiskAcceptance { scope_root: other, ..acceptance(scene)? };
    both_say(scene, &elsewhere, [now, now + 30 * DAY])?;
    stopped(
        scene,
        "audits",
        "UNKNOWN",
        (&["finding-accepted-elsewhere"], &["BOLT-1", "0909090909090909"]),
    )
}

fn cheat_findings_edited_after_signing(scene: &Scene<'_>) -> Outcome {
    let digest = attest_with(scene, "warning")?;
    let file = format!("deployments/findings/{digest}.sarif");
    scene.write(&file, &document("note").to_string())?;
    stopped(
        scene,
        "audits",
        "UNKNOWN",
        (&["findings-unread"], &["findings of Bolt", "is not what was signed"]),
    )?;
    std::fs::remove_file(scene.project().join(&file))?;
    stopped(scene, "audits", "UNKNOWN", (&["findings-unread"], &["findings of Bolt", "is missing"]))
}

fn two_people_accept_a_risk(scene: &Scene<'_>) -> Outcome {
    scene.write("reports/bolt.sarif", &document("warning").to_string())?;
    let bolt = ["attest", "reports/bolt.md", "--findings", "reports/bolt.sarif", "--as", "bo"];
    scene.done("bo", &bolt)?;
    let by_hand = [
        "attest",
        "reports/bolt.md",
        "--findings",
        "reports/bolt.sarif",
        "--open",
        "0,0,0",
        "--as",
        "bo",
    ];
    let refused = scene.person("bo").run(&by_hand)?;
    assert!(refused.code == 1 && said(&refused).contains("0,0,1"), "{refused:?}");
    let key = acceptance(scene)?.finding.to_string();
    let ask = [
        "record",
        "risk",
        &key[..18],
        "--accept",
        "--reason",
        "bounded by the cap",
        "--until",
        "30d",
        "--as",
        "deployer",
    ];
    scene.done("eva", &ask)?;
    let agreed =
        scene.done("kim", &["record", "risk", &key[..18], "--as", "treasury", "--json"])?;
    json_text(&agreed, "digest")?;
    let status = scene.status()?;
    status.expect("audits", "PASS", &[])?;
    status.expect_others_pass(&["go"])?;

    // Other tools see it as suppressed, and so does this one.
    let export = scene.run("eva", &["export", "--format", "sarif", "--json"], 0)?;
    let file = export.json()?["files"][0].as_str().ok_or("no file")?.to_owned();
    let found = Findings::read(scene.read(&file)?.as_bytes())?;
    assert_eq!((found.findings.len(), found.open(Severity::Medium)), (1, 0));
    Ok(())
}
