//! A proposal's files: every byte of it is what its hash says, or it is refused.

use serde_json::{Value, json};

use crate::support::{Case, Outcome, Scene, cases, files, messages, put, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Signed:
            an_edited_proposal_is_refused,
            a_damaged_proposal_hides_no_other,
            the_note_on_a_call_is_shown_as_its_authors_words,
            a_damaged_signature_counts_for_nothing,
            evidence_that_is_missing_at_the_signer_is_named;
    }
}

const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";
const HASH: &str = "0x00000000000000000000000000000000000000000000000000000000000000aa";

/// A field and what is put there.
fn edits() -> Vec<(&'static str, Value)> {
    vec![
        ("/v", json!(2)),
        ("/network/chain", json!(1)),
        ("/network/genesis", json!(HASH)),
        ("/safe", json!(ADDRESS)),
        ("/safeTx/to", json!(ADDRESS)),
        ("/safeTx/value", json!("1")),
        ("/safeTx/data", json!("0x")),
        ("/safeTx/operation", json!(0)),
        ("/safeTx/gasPrice", json!("1")),
        ("/safeTx/refundReceiver", json!(ADDRESS)),
        ("/safeTx/nonce", json!(9)),
        ("/calls/2/to", json!(ADDRESS)),
        ("/calls/2/data", json!("0x")),
        ("/calls/2/value", json!("1")),
        ("/calls/0", Value::Null),
        ("/kind/promotion/project", json!(HASH)),
        ("/kind/promotion/releaseRoot", json!(HASH)),
        ("/kind/promotion/policyDigest", json!(HASH)),
        ("/kind/promotion/evidenceDigest", json!(HASH)),
        ("/kind/promotion/evidence/statements/0", json!(HASH)),
        ("/kind/promotion/evidence/inputs/0/block/hash", json!(HASH)),
        ("/kind/promotion/judged/policyVersion", json!(2)),
        ("/kind/promotion/judged/records", json!(1)),
        ("/kind/promotion/judged/posts/0/until", json!(1)),
        ("/kind/promotion/judged/posts/0", Value::Null),
        ("/kind/promotion/soak/terminal/hash", json!(HASH)),
        ("/kind/promotion/soak/deploymentDigest", json!(HASH)),
        ("/kind/promotion/deployment/params/vault_cap", json!("1")),
        ("/kind/promotion/deploymentDigest", json!(HASH)),
        ("/kind/promotion/validUntil", json!(9_999_999_999_u64)),
    ]
}

fn a_damaged_proposal_hides_no_other(scene: &Scene<'_>) -> Outcome {
    let (hash, _) = scene.promotion()?;
    let damaged = format!("deployments/mainnet/proposals/{HASH}.json");
    scene.write(&damaged, "{}")?;
    let status = scene.run("eva", &["status"], 0)?;
    assert!(said(&status).contains(&format!("proposal {HASH}")), "{}", status.stderr);
    let listed = scene.run("eva", &["proposal", "list"], 0)?;
    assert!(listed.stdout.contains(&hash), "{}", listed.stdout);
    scene.run("eva", &["proposal", "show", &hash], 0)?;
    // Without a name it might be the one that is meant.
    scene.run("eva", &["proposal", "show"], 1)?;
    Ok(())
}

fn an_edited_proposal_is_refused(scene: &Scene<'_>) -> Outcome {
    let (hash, _) = scene.promotion()?;
    let file = format!("deployments/mainnet/proposals/{hash}.json");
    let kept = scene.read(&file)?;
    let proposal: Value = serde_json::from_str(&kept)?;
    let head = scene.world.mainnet.latest()?;
    let mut wrong = Vec::new();
    for (field, value) in edits() {
        let mut edited = proposal.clone();
        put(&mut edited, field, value)?;
        scene.write(&file, &format!("{edited:#}\n"))?;
        let sign = ["proposal", "sign", &hash, "--as", "owner"];
        for (who, args) in [("o1", &sign[..]), ("ops", &["proposal", "execute", &hash])] {
            let refused = scene.approve(who, args)?;
            if refused.code != 1 || !refused.stderr.contains("error: ") {
                wrong.push(format!("{field}: {refused:?}"));
            }
        }
    }
    scene.write(&file, &kept)?;
    assert_eq!(scene.world.mainnet.latest()?, head, "nothing was sent");
    // Under another name it is no proposal either.
    let other = format!("deployments/mainnet/proposals/{HASH}.json");
    std::fs::rename(scene.project().join(&file), scene.project().join(&other))?;
    let refused = scene.run("o1", &["proposal", "show", HASH], 1)?;
    assert!(refused.stderr.contains(HASH), "{refused:?}");
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

fn the_note_on_a_call_is_shown_as_its_authors_words(scene: &Scene<'_>) -> Outcome {
    let (hash, _) = scene.promotion()?;
    let file = format!("deployments/mainnet/proposals/{hash}.json");
    let mut proposal: Value = serde_json::from_str(&scene.read(&file)?)?;
    let lie = "nothing-to-see-here";
    for call in proposal["calls"].as_array_mut().into_iter().flatten() {
        call["note"] = json!(lie);
    }
    scene.write(&file, &format!("{proposal:#}\n"))?;
    let shown = scene.run("o1", &["proposal", "show", &hash], 0)?;
    assert!(shown.stdout.contains("createGuarded("), "the call itself is shown: {shown:?}");
    let verified = scene.run("o1", &["proposal", "verify", &hash], 0)?;
    for ran in [shown, verified] {
        for line in ran.stdout.lines().filter(|line| line.contains(lie)) {
            assert!(line.contains("its author's words, unchecked"), "{line}");
        }
    }
    Ok(())
}

fn a_damaged_signature_counts_for_nothing(scene: &Scene<'_>) -> Outcome {
    let (hash, signatures) = scene.promotion()?;
    let folder = scene.project().join("deployments/mainnet/proposals");
    let path = folder.join(&signatures[0]);
    let kept = std::fs::read_to_string(&path)?;
    let signature: Value = serde_json::from_str(&kept)?;
    let digits = signature["signature"].as_str().ok_or("a signature")?;
    let flip = if digits.ends_with("1b") { "1c" } else { "1b" };
    let flipped = format!("{}{flip}", &digits[..digits.len() - 2]);
    let short = &digits[..digits.len() - 2];
    let other = std::fs::read_to_string(folder.join(&signatures[1]))?;
    let texts =
        [kept.replace(digits, &flipped), kept.replace(digits, short), other, "{}".to_owned()];
    let head = scene.world.mainnet.latest()?;
    for text in texts {
        files::write(&path, text.as_bytes())?;
        let refused = scene.approve("ops", &["proposal", "execute", &hash])?.expect_code(30)?;
        assert!(said(&refused).contains("1 of 2 signatures"), "{refused:?}");
        let warnings = messages(&refused, "warning");
        let named = warnings.iter().any(|warning| warning.contains(&signatures[0]));
        assert!(named, "the file is named: {refused:?}");
    }
    assert_eq!(scene.world.mainnet.latest()?, head, "nothing was sent");
    files::write(&path, kept.as_bytes())?;
    scene.done("ops", &["proposal", "execute", &hash])?;
    Ok(())
}

fn evidence_that_is_missing_at_the_signer_is_named(scene: &Scene<'_>) -> Outcome {
    let (hash, _) = scene.promotion()?;
    let clone = scene.folder().join("clone");
    files::copy_clone(scene.project(), &clone)?;
    let text = scene.read(&format!("deployments/mainnet/proposals/{hash}.json"))?;
    let proposal: Value = serde_json::from_str(&text)?;
    let statements = &proposal["kind"]["promotion"]["evidence"]["statements"];
    let o3 = scene.person("o3").at(&clone);
    let mut named = 0;
    for statement in statements.as_array().into_iter().flatten() {
        let statement = statement.as_str().ok_or("a digest")?;
        let file = clone.join(format!("deployments/statements/{statement}.json"));
        let kept = std::fs::read(&file)?;
        std::fs::remove_file(&file)?;
        let refused = o3.run(&scene.signing(&hash))?;
        assert_ne!(refused.code, 0, "{refused:?}");
        named += usize::from(refused.stderr.contains(statement));
        files::write(&file, &kept)?;
        // What one command has seen, the next one knows: each begins with an empty store.
        scene.forget("o3")?;
    }
    assert!(named > 0, "no statement but the attestations is missed by name");
    o3.run(&scene.signing(&hash))?.expect_code(0)?;
    Ok(())
}
