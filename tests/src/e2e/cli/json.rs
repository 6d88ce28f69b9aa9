//! `--json`: one document on standard output, from every command.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::{Case, Outcome, Scene, cases, json_text};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: commands_before_and_at_the_deployment_print_json;
        Ready: commands_until_the_promotion_print_json;
    }
}

/// Types a command with `--json`; what it prints is one JSON object.
fn prints(scene: &Scene<'_>, person: &str, args: &[&str]) -> Result<Value, Failed> {
    let args = [args, &["--json"]].concat();
    let ran = scene.done(person, &args)?;
    let value = ran.json()?;
    if value.is_object() { Ok(value) } else { Err(format!("no object: {ran:?}").into()) }
}

fn commands_before_and_at_the_deployment_print_json(scene: &Scene<'_>) -> Outcome {
    prints(scene, "eva", &["key", "list"])?;
    prints(scene, "eva", &["key", "new", "second"])?;
    let key = scene.folder().join("key.hex");
    crate::support::files::write(&key, "11".repeat(32).as_bytes())?;
    let from = key.to_string_lossy();
    let imported = prints(scene, "eva", &["key", "import", "third", "--from", &from])?;
    let address = imported["address"].as_str().ok_or("an address")?;
    prints(scene, "eva", &["key", "remove", "third", "--address", address])?;
    prints(scene, "eva", &["doctor"])?;
    prints(scene, "eva", &["build"])?;
    prints(scene, "eva", &["plan"])?;
    prints(scene, "eva", &["plan", "mainnet"])?;
    prints(scene, "eva", &["policy", "show"])?;
    prints(scene, "eva", &["policy", "adopt"])?;
    prints(scene, "ops", &["deploy", "--helper"])?;
    prints(scene, "eva", &["status"])?;
    prints(scene, "eva", &["deploy"])?;
    prints(scene, "eva", &["verify"])?;
    let other = scene.folder().join("other");
    crate::support::files::write(&other.join("foundry.toml"), b"[profile.default]\n")?;
    let init = scene.person("eva").at(&other).run(&["init", "--json"])?.expect_code(0)?;
    assert!(init.json()?["file"].is_string(), "{init:?}");
    Ok(())
}

fn commands_until_the_promotion_print_json(scene: &Scene<'_>) -> Outcome {
    let request = ["fund", "request", "1 ether", "--reason", "more"];
    for decision in ["deny", "approve"] {
        let made = prints(scene, "eva", &[&request[..], &["--no-release"]].concat())?;
        let digest = made["digest"].as_str().ok_or("a digest")?.to_owned();
        prints(scene, "kim", &["fund", decision, &digest, "--as", "treasury"])?;
        if decision == "approve" {
            prints(scene, "kim", &["fund", "draw", &digest])?;
            scene.world.settle()?;
            prints(scene, "eva", &["fund", "return", &digest])?;
        } else {
            // A request of the same content in the same block would be the same statement.
            scene.world.settle()?;
        }
    }
    scene.world.settle()?;
    prints(scene, "kim", &["ledger", "show"])?;
    prints(scene, "kim", &["ledger", "reconcile"])?;
    prints(scene, "kim", &["ledger", "export"])?;
    let attested =
        prints(scene, "ada", &["attest", "reports/acme.md", "--as", "ada", "--dry-run"])?;
    assert!(attested["digest"].is_string());
    let attested = prints(scene, "ada", &["attest", "reports/acme.md", "--as", "ada"])?;
    let digest = attested["digest"].as_str().ok_or("a digest")?;
    prints(scene, "eva", &["import", &format!("deployments/statements/{digest}.json")])?;
    let promoted = scene.run("eva", &["promote", "--json"], 0)?;
    let proposal = json_text(&promoted, "proposal")?;
    prints(scene, "eva", &["proposal", "list"])?;
    prints(scene, "eva", &["proposal", "show", &proposal])?;
    prints(scene, "o1", &["proposal", "verify", &proposal])?;
    prints(scene, "o1", &["proposal", "sign", &proposal, "--as", "owner"])?;
    prints(scene, "o2", &["proposal", "sign", &proposal, "--as", "owner"])?;
    prints(scene, "ops", &["proposal", "execute", &proposal])?;
    prints(scene, "eva", &["verify", "mainnet"])?;
    Ok(())
}
