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

/// Types commands with `--json` and keeps what is wrong with what they print.
struct Typist<'a> {
    scene: &'a Scene<'a>,
    wrong: Vec<String>,
}

impl<'a> Typist<'a> {
    fn new(scene: &'a Scene<'a>) -> Self {
        Self { scene, wrong: Vec::new() }
    }

    /// What is printed must be one JSON object.
    fn types(&mut self, person: &str, args: &[&str]) -> Result<Value, Failed> {
        let ran = self.scene.done(person, &[args, &["--json"]].concat())?;
        match ran.json() {
            Ok(value) if value.is_object() => Ok(value),
            _ => {
                self.wrong.push(format!("{} prints {:?}", ran.typed(), ran.stdout));
                Ok(Value::Null)
            }
        }
    }

    fn end(self) -> Outcome {
        if self.wrong.is_empty() { Ok(()) } else { Err(self.wrong.join("\n").into()) }
    }
}

fn commands_before_and_at_the_deployment_print_json(scene: &Scene<'_>) -> Outcome {
    let mut typist = Typist::new(scene);
    typist.types("eva", &["key", "list"])?;
    typist.types("eva", &["key", "new", "second"])?;
    let key = scene.folder().join("key.hex");
    crate::support::files::write(&key, "11".repeat(32).as_bytes())?;
    let from = key.to_string_lossy();
    let imported = typist.types("eva", &["key", "import", "third", "--from", &from])?;
    let address = imported["address"].as_str().ok_or("an address")?;
    typist.types("eva", &["key", "remove", "third", "--address", address])?;
    typist.types("eva", &["doctor"])?;
    typist.types("eva", &["build"])?;
    typist.types("eva", &["plan"])?;
    typist.types("eva", &["plan", "mainnet"])?;
    typist.types("eva", &["policy", "show"])?;
    typist.types("eva", &["policy", "adopt"])?;
    typist.types("ops", &["deploy", "--helper"])?;
    typist.types("eva", &["status"])?;
    typist.types("eva", &["deploy"])?;
    typist.types("eva", &["verify"])?;
    let other = scene.folder().join("other");
    crate::support::files::write(&other.join("foundry.toml"), b"[profile.default]\n")?;
    let init = scene.person("eva").at(&other).run(&["init", "--json"])?.expect_code(0)?;
    assert!(init.json()?["file"].is_string(), "{init:?}");
    typist.end()
}

fn commands_until_the_promotion_print_json(scene: &Scene<'_>) -> Outcome {
    let mut typist = Typist::new(scene);
    let request = ["fund", "request", "1 ether", "--reason", "more"];
    for decision in ["deny", "approve"] {
        let made = typist.types("eva", &[&request[..], &["--no-release"]].concat())?;
        let digest = made["digest"].as_str().ok_or("a digest")?.to_owned();
        typist.types("kim", &["fund", decision, &digest, "--as", "treasury"])?;
        if decision == "approve" {
            typist.types("kim", &["fund", "draw", &digest])?;
            scene.world.settle()?;
            typist.types("eva", &["fund", "return", &digest])?;
        } else {
            // A request of the same content in the same block would be the same statement.
            scene.world.settle()?;
        }
    }
    scene.world.settle()?;
    typist.types("kim", &["ledger", "show"])?;
    typist.types("kim", &["ledger", "reconcile"])?;
    typist.types("kim", &["ledger", "export"])?;
    let attested =
        typist.types("ada", &["attest", "reports/acme.md", "--as", "ada", "--dry-run"])?;
    assert!(attested["digest"].is_string());
    let attested = typist.types("ada", &["attest", "reports/acme.md", "--as", "ada"])?;
    let digest = attested["digest"].as_str().ok_or("a digest")?;
    typist.types("eva", &["import", &format!("deployments/statements/{digest}.json")])?;
    typist.types("eva", &["policy", "check"])?;
    typist.types("eva", &["status", "--explain"])?;
    typist.types("kim", &["record", "key", "kim", "--as", "treasury"])?;
    let bug = ["record", "bug", "a slip", "--severity", "medium", "--blocking", "--as", "ada"];
    let bug = typist.types("ada", &bug)?;
    let bug = bug["digest"].as_str().ok_or("a digest")?;
    let triage = ["record", "triage", bug, "--resolution", "invalid", "--reason", "as designed"];
    for (who, key) in [("bo", "bo"), ("ops", "relayer")] {
        typist.types(who, &[&triage[..], &["--as", key]].concat())?;
    }
    typist.types("kim", &["record", "no-go", "--as", "treasury"])?;
    scene.world.settle()?;
    typist.types("kim", &["record", "go", "--as", "treasury"])?;
    let promoted = scene.run("eva", &["promote", "--json"], 0)?;
    let proposal = json_text(&promoted, "proposal")?;
    typist.types("eva", &["proposal", "list"])?;
    typist.types("eva", &["proposal", "show", &proposal])?;
    typist.types("o1", &["proposal", "verify", &proposal])?;
    typist.types("o1", &["proposal", "sign", &proposal, "--as", "owner"])?;
    typist.types("o2", &["proposal", "sign", &proposal, "--as", "owner"])?;
    typist.types("ops", &["proposal", "execute", &proposal])?;
    typist.types("eva", &["verify", "mainnet"])?;
    typist.types("eva", &["export", "--out", "vault.tidegate"])?;
    typist.types("eva", &["import", "vault.tidegate"])?;
    typist.end()
}
