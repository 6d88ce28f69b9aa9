//! What auditors sign, take back and hand on: nothing that was not shown, and nothing in silence.

use alloy_primitives::U256;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::actor_address;

use super::{patch, refused};
use crate::support::{Case, Forge, Outcome, Scene, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_dry_run_that_acts,
            cheat_a_revocation_that_is_sent_and_not_written,
            cheat_a_key_that_signs_the_documents_of_others,
            cheat_a_revoked_attestation_reported_as_counting;
        Due:
            cheat_a_call_added_to_an_audited_plan,
            cheat_a_rule_widened_in_an_audited_plan,
            cheat_an_expectation_taken_from_an_audited_plan,
            a_changed_plan_is_reviewed_alone,
            cheat_a_delta_review_signed_on_a_revoked_attestation,
            cheat_a_finding_suppressed_by_a_comment_in_the_code;
    }
}

/// What a dry run must leave as it is: the project's folder, everybody's keys, and each chain.
fn untouched(scene: &Scene<'_>, who: &str, args: &[&str]) -> Outcome {
    let folders = || -> Result<_, Failed> {
        let homes = files::read_tree(&scene.folder().join("homes"), &[])?;
        Ok((files::read_tree(scene.project(), &["compile"])?, homes))
    };
    let sent = || -> Result<_, Failed> {
        let of = |chain, name: &str| scene.nonce(chain, actor_address(name));
        let (mainnet, testnet) = (&scene.world.mainnet, &scene.world.testnet);
        Ok([of(mainnet, who)?, of(testnet, who)?, of(mainnet, "ops")?, of(testnet, "deployer")?])
    };
    let before = (folders()?, sent()?);
    let ran = scene.person(who).run(&[args, &["--dry-run"]].concat())?;
    assert!(
        ran.code == 0 && said(&ran).contains("Dry run: nothing was signed"),
        "{args:?} {ran:?}"
    );
    let after = (folders()?, sent()?);
    assert!(before == after, "{args:?} wrote or sent something");
    Ok(())
}

fn cheat_a_dry_run_that_acts(scene: &Scene<'_>) -> Outcome {
    let ether = U256::from(10_u64).pow(U256::from(18));
    scene.world.mainnet.set_balance(actor_address("ada"), ether)?;
    let attestation = Forge(scene).signed("ada")?.statement.digest()?.to_string();
    let no_go = ["record", "no-go", "--reason", "x", "--as", "treasury"];
    for (who, args) in [
        ("ada", &["attest", "--revoke", &attestation, "--as", "ada"][..]),
        ("ada", &["attest", "reports/acme.md", "--as", "ada"]),
        ("kim", &no_go),
        ("kim", &[&no_go[..], &["--post"]].concat()),
        ("kim", &["record", "freeze", "--for", "1d", "--reason", "x", "--as", "treasury"]),
        ("eva", &["promote"]),
        ("eva", &["export"]),
        ("ada", &["export", "--format", "in-toto", "--as", "ada"]),
        ("ada", &["key", "new", "another"]),
    ] {
        untouched(scene, who, args)?;
    }
    // What it showed is what the same command without it asks to approve.
    let revoke = ["attest", "--revoke", &attestation, "--as", "ada"];
    let dry = scene.run("ada", &[&revoke[..], &["--dry-run"]].concat(), 0)?;
    for words in [
        "sets back",
        "starts over",
        "Acme no longer covers CapMath, Registry, Vault, ERC1967Proxy, the plan",
    ] {
        assert!(said(&dry).contains(words), "{words}: {dry:?}");
    }
    Ok(())
}

fn cheat_a_revocation_that_is_sent_and_not_written(scene: &Scene<'_>) -> Outcome {
    // Nothing can be sent without ether; what was said is there all the same.
    scene.world.mainnet.set_balance(actor_address("ada"), U256::ZERO)?;
    let attestation = Forge(scene).signed("ada")?.statement.digest()?.to_string();
    let ran = scene.approve("ada", &["attest", "--revoke", &attestation, "--as", "ada"])?;
    assert_ne!(ran.code, 0, "{ran:?}");
    refused(scene, "audits", "FAIL", (&["revoked"], &["Acme"])).map(|_| ())
}

/// The signatures of an exported envelope.
fn signatures(scene: &Scene<'_>, file: &str) -> Result<usize, Failed> {
    let envelope: Value = serde_json::from_str(&scene.read(file)?)?;
    Ok(envelope["signatures"].as_array().ok_or("no envelope")?.len())
}

fn cheat_a_key_that_signs_the_documents_of_others(scene: &Scene<'_>) -> Outcome {
    let asked = scene.person("bo").run(&["export", "--format", "in-toto", "--as", "bo"])?;
    assert_eq!(asked.code, 2, "nothing is signed unasked: {asked:?}");
    let text = said(&asked);
    for words in ["You sign audit-", "predicate.scope.0.sourceClosure", "sha256 that is signed"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let export = ["export", "--format", "in-toto", "--as", "bo", "--json"];
    let files: Vec<String> =
        serde_json::from_value(scene.done("bo", &export)?.json()?["files"].clone())?;
    assert_eq!(files.len(), 3, "{files:?}");
    let own = Forge(scene).signed("bo")?.statement.digest()?.short();
    for file in &files {
        assert_eq!(signatures(scene, file)?, usize::from(file.contains(&own)), "{file}");
    }
    // An owner of no audit signs what is nobody's: the verdict.
    let export = ["export", "--format", "in-toto", "--as", "treasury", "--json"];
    let files: Vec<String> =
        serde_json::from_value(scene.done("kim", &export)?.json()?["files"].clone())?;
    for file in &files {
        assert_eq!(signatures(scene, file)?, usize::from(file.contains("verdict")), "{file}");
    }
    Ok(())
}

fn cheat_a_revoked_attestation_reported_as_counting(scene: &Scene<'_>) -> Outcome {
    let attestation = Forge(scene).signed("ada")?.statement.digest()?.to_string();
    scene
        .world
        .mainnet
        .set_balance(actor_address("ada"), U256::from(10_u64).pow(U256::from(18)))?;
    scene.done("ada", &["attest", "--revoke", &attestation, "--as", "ada"])?;
    let report = scene.run("eva", &["status", "--explain"], 0)?;
    let (_, rows) = report.stdout.split_once("Attestations").ok_or("no attestations")?;
    assert!(rows.contains("standing Acme revoked attestation"), "{rows}");
    assert_eq!(rows.matches("standing counts").count(), 1, "{rows}");
    Ok(())
}

fn cheat_a_delta_review_signed_on_a_revoked_attestation(scene: &Scene<'_>) -> Outcome {
    let base = Forge(scene).signed("ada")?.statement.digest()?.to_string();
    patch(scene)?;
    scene
        .world
        .mainnet
        .set_balance(actor_address("ada"), U256::from(10_u64).pow(U256::from(18)))?;
    scene.done("ada", &["attest", "--revoke", &base, "--as", "ada"])?;
    let delta = ["attest", "reports/acme.md", "--delta", &base, "--as", "ada"];
    let ran = scene.run("ada", &delta, 1)?;
    assert!(said(&ran).contains("was revoked"), "{ran:?}");
    // Nor where the file is gone and only the post at the helper is left.
    scene.world.settle()?;
    let clone = scene.folder().join("clone");
    files::copy_clone(scene.project(), &clone)?;
    for entry in std::fs::read_dir(clone.join("deployments/statements"))? {
        let path = entry?.path();
        if std::fs::read_to_string(&path)?.to_lowercase().contains("revo") {
            std::fs::remove_file(path)?;
        }
    }
    let ran = scene.person("ada").at(&clone).run(&delta)?.expect_code(1)?;
    assert!(said(&ran).contains("posted at the helper"), "{ran:?}");
    Ok(())
}

/// A document with a finding of 9.8 that is suppressed in one way.
fn suppressed(suppression: &Value) -> String {
    let result = json!({
        "ruleId": "BOLT-9", "message": {"text": "anybody drains the vault"},
        "properties": {"security-severity": "9.8"}, "suppressions": [suppression],
    });
    let run = json!({"tool": {"driver": {"name": "by hand"}}, "results": [result]});
    json!({"version": "2.1.0", "runs": [run]}).to_string()
}

fn cheat_a_finding_suppressed_by_a_comment_in_the_code(scene: &Scene<'_>) -> Outcome {
    let attest = ["attest", "reports/bolt.md", "--findings", "reports/bolt.sarif", "--as", "bo"];
    for suppression in [
        json!({"kind": "inSource"}),
        json!({"kind": "inSource", "status": "accepted", "justification": "by design"}),
        json!({"status": "accepted"}),
    ] {
        scene.write("reports/bolt.sarif", &suppressed(&suppression))?;
        let ran = scene.run("bo", &[&attest[..], &["--dry-run"]].concat(), 0)?;
        for words in ["BOLT-9", "open, suppressed", "1, of which 1 close nothing"] {
            assert!(said(&ran).contains(words), "{words}: {ran:?}");
        }
        let clean = [&attest[..], &["--open", "0,0,0"]].concat();
        let ran = scene.run("bo", &clean, 1)?;
        assert!(said(&ran).contains("1,0,0"), "{ran:?}");
    }
    scene.done("bo", &attest)?;
    // It sets the soak back too.
    refused(
        scene,
        "audits",
        "FAIL",
        (&["open-findings"], &["Bolt reports open findings: 1 critical"]),
    )
    .map(|_| ())
}

/// The last step of the example's plan, as it is written.
const LAST: &str = "call = [\"@registry\", \"register\", \"@vault\"]";

/// Gives the registry to somebody, in a step that no contract is changed for.
fn give_away(scene: &Scene<'_>) -> Outcome {
    let mallory = actor_address("mallory");
    let step =
        format!("{LAST}\n\n[[step]]\ncall = [\"@registry\", \"transferOwnership\", \"{mallory}\"]");
    scene.edit("tidegate.toml", LAST, &step)
}

fn cheat_a_call_added_to_an_audited_plan(scene: &Scene<'_>) -> Outcome {
    scene.attest("bo")?;
    scene.status()?.expect("audits", "PASS", &[])?;
    give_away(scene)?;
    refused(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["the plan has 0 of 2 audits"]))?;
    // One firm that has read it is one.
    let shown = scene.done("bo", &["attest", "reports/bolt.md", "--as", "bo"])?;
    let stolen = actor_address("mallory").to_string().to_lowercase();
    for words in ["transferOwnership(address)", stolen.as_str(), "planDigest"] {
        assert!(said(&shown).contains(words), "{words}: {shown:?}");
    }
    refused(
        scene,
        "audits",
        "UNKNOWN",
        (&["too-few-firms"], &["the plan has 1 of 2 audits (Bolt)"]),
    )
    .map(|_| ())
}

fn cheat_a_rule_widened_in_an_audited_plan(scene: &Scene<'_>) -> Outcome {
    scene.attest("bo")?;
    scene.edit("tidegate.toml", "max = \"500e6\"", "max = \"900e6\"")?;
    refused(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["the plan has 0 of 2 audits"]))
        .map(|_| ())
}

fn cheat_an_expectation_taken_from_an_audited_plan(scene: &Scene<'_>) -> Outcome {
    scene.attest("bo")?;
    scene.edit("tidegate.toml", "    [\"owner\", \"$owner\"],\n", "")?;
    refused(scene, "audits", "UNKNOWN", (&["too-few-firms"], &["the plan has 0 of 2 audits"]))
        .map(|_| ())
}

fn a_changed_plan_is_reviewed_alone(scene: &Scene<'_>) -> Outcome {
    scene.attest("bo")?;
    let bases = ["ada", "bo"].map(|who| Forge(scene).signed(who));
    give_away(scene)?;
    for (who, base) in ["ada", "bo"].into_iter().zip(bases) {
        let base = base?.statement.digest()?.to_string();
        let delta = ["attest", "reports/acme.md", "--delta", &base, "--as", who];
        let nothing = scene.run(who, &[&delta[..], &["--no-plan"]].concat(), 2)?;
        assert!(said(&nothing).contains("nothing has changed"), "{nothing:?}");
        scene.done(who, &delta)?;
    }
    let status = scene.status()?;
    status.expect("audits", "PASS", &[])?;
    assert_eq!(status.0["coverage"]["plan"], json!(["Acme", "Bolt"]));
    // A return to the plan before stays covered.
    let mallory = actor_address("mallory");
    let step =
        format!("\n\n[[step]]\ncall = [\"@registry\", \"transferOwnership\", \"{mallory}\"]");
    scene.edit("tidegate.toml", &step, "")?;
    scene.status()?.expect("audits", "PASS", &[])
}
