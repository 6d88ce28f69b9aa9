//! Statements and requests that do not hold.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, cases, json_text, messages, put};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            a_damaged_statement_file_counts_for_nothing,
            a_statement_that_does_not_hold_is_not_imported,
            a_request_that_says_nothing_is_a_usage_error,
            funds_move_only_as_approved;
    }
}

fn a_damaged_statement_file_counts_for_nothing(scene: &Scene<'_>) -> Outcome {
    let before = scene.status()?;
    scene.write(&format!("deployments/statements/0x{}.json", "ab".repeat(32)), "{ not json")?;
    let shown = scene.run("eva", &["status", "--check"], 0)?;
    let warnings = messages(&shown, "warning");
    assert!(warnings.iter().any(|warning| warning.contains("0xabab")), "{shown:?}");
    assert_eq!(scene.status()?.shared(), before.shared());
    Ok(())
}

/// A part of a signed attestation and what is put there.
fn edits() -> Vec<(&'static str, Value)> {
    vec![
        ("/v", json!(9)),
        ("/statement/message/auditor", json!("0x00000000000000000000000000000000000000aa")),
        ("/statement/message/at/chain", json!(1)),
        ("/statement/message/at/number", json!(1)),
        ("/statement/message/openHigh", json!(1)),
        ("/statement/message/verdict", json!(2)),
        ("/statement/message/validUntil", json!(4_000_000_000_u64)),
        ("/statement/message/reportSha256", json!(format!("0x{}", "ab".repeat(32)))),
        ("/statement/message/added", json!(true)),
    ]
}

fn a_statement_that_does_not_hold_is_not_imported(scene: &Scene<'_>) -> Outcome {
    let (file, statement) = attestation(scene)?;
    let eva = scene.person("eva");
    let import = |path: &str| -> Result<(), Failed> {
        let refusal = Refusal { code: 3, says: &[], hint: "" };
        refused(scene, &eva, &["import", path], &refusal).map(|_| ())
    };
    for (field, value) in edits() {
        let mut edited = statement.clone();
        put(&mut edited, field, value)?;
        scene.write("edited.json", &edited.to_string())?;
        import("edited.json")?;
        // With a good one before it, none is taken.
        let both = ["import", file.as_str(), "edited.json"];
        refused(scene, &eva, &both, &Refusal { code: 3, says: &[], hint: "" })?;
    }
    scene.write("half.json", &statement.to_string()[..100])?;
    import("half.json")?;
    import("nowhere.json")?;
    scene.run("eva", &["import", &file], 0)?;
    Ok(())
}

fn a_request_that_says_nothing_is_a_usage_error(scene: &Scene<'_>) -> Outcome {
    let ada = scene.person("ada");
    let waiver = |gate: &'static str, until: &'static str| {
        ["record", "waiver", gate, "--until", until, "--reason", "x", "--as", "ada"]
    };
    let usage = |says, hint| Refusal { code: 2, says, hint };
    refused(scene, &ada, &waiver("soak", "5"), &usage(&["lowers nothing"], "--soak"))?;
    refused(scene, &ada, &waiver("funds", "5"), &usage(&["funds", "soak, audits"], ""))?;
    refused(scene, &ada, &waiver("soak", "soon"), &usage(&["soon", "2027-12-31"], ""))?;
    let attest = ["attest", "reports/acme.md", "--as", "ada", "--period", "foo"];
    refused(scene, &ada, &attest, &usage(&["YYYY-MM-DD/YYYY-MM-DD"], ""))?;
    Ok(())
}

fn funds_move_only_as_approved(scene: &Scene<'_>) -> Outcome {
    let request = ["fund", "request", "1 ether", "--reason", "a second rehearsal", "--json"];
    let digest = json_text(&scene.done("eva", &request)?, "digest")?;
    let (eva, kim) = (scene.person("eva"), scene.person("kim"));
    let own = ["fund", "approve", &digest, "--as", "deployer"];
    refused(
        scene,
        &eva,
        &own,
        &Refusal { code: 1, says: &["their own request"], hint: "requester" },
    )?;
    let early = ["fund", "draw", &digest];
    let ran = kim.run(&early)?;
    assert_ne!(ran.code, 0, "a draw before any approval: {ran:?}");
    assert!(ran.asked_for().is_none(), "a draw before any approval is not even asked for: {ran:?}");
    scene.done("kim", &["fund", "approve", &digest, "--as", "treasury"])?;
    let more = ["fund", "draw", &digest, "--amount", "1.1 ether"];
    refused(scene, &kim, &more, &Refusal { code: 1, says: &["approved"], hint: "" })?;
    let none = ["fund", "approve"];
    let again = [&none[..], &["--as", "treasury"]].concat();
    refused(scene, &kim, &again, &Refusal { code: 2, says: &["no such request"], hint: "ledger" })?;
    Ok(())
}

/// The file of some attestation, and what it holds.
fn attestation(scene: &Scene<'_>) -> Result<(String, Value), Failed> {
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let path = entry?.path();
        let statement: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        if statement["statement"]["message"]["auditor"].is_string() {
            return Ok((path.to_string_lossy().into_owned(), statement));
        }
    }
    Err("there is no attestation".into())
}
