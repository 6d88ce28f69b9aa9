//! `--json`: one document on standard output, from every command.

use std::path::PathBuf;

use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_testkit::repo_root;

use crate::support::{Case, Outcome, Scene, cases, json_text};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: commands_before_and_at_the_deployment_print_json;
        Ready: commands_until_the_promotion_print_json;
    }
}

/// The schemas of `docs/schemas`, and the table that says which describe a command.
struct Schemas {
    /// The words of a command, and the names of its schemas.
    rows: Vec<(String, Vec<String>)>,
    folder: PathBuf,
}

impl Schemas {
    fn documented() -> Result<Self, Failed> {
        let folder = repo_root().join("docs/schemas");
        let text = std::fs::read_to_string(folder.join("README.md"))?;
        let row = |line: &str| {
            let (command, links) = line.strip_prefix("| `")?.split_once("` | ")?;
            let names = links.split('[').skip(1).filter_map(|link| link.split(']').next());
            Some((command.to_owned(), names.map(str::to_owned).collect()))
        };
        Ok(Self { rows: text.lines().filter_map(row).collect(), folder })
    }

    /// Why no schema of a command describes what it printed.
    fn fault(&self, args: &[&str], printed: &Value) -> Result<Option<String>, Failed> {
        let typed = args.join(" ");
        // The row that says most of the command, and what every command may print instead.
        let named = self.rows.iter().filter(|(command, _)| typed.starts_with(command.as_str()));
        let own = named.max_by_key(|(command, _)| command.len());
        let (_, own) = own.ok_or_else(|| format!("{typed} is in no row of docs/schemas"))?;
        let asked = self.rows.iter().filter(|(command, _)| command.starts_with('('));
        let asked = asked.flat_map(|(_, names)| names);
        let mut faults = Vec::new();
        for name in own.iter().chain(asked) {
            let text = std::fs::read_to_string(self.folder.join(format!("{name}.json")))?;
            let schema = jsonschema::validator_for(&serde_json::from_str(&text)?)
                .map_err(|error| error.to_string())?;
            match schema.validate(printed) {
                Ok(()) => return Ok(None),
                Err(error) => faults.push(format!("{name}: {error} at {}", error.instance_path())),
            }
        }
        Ok(Some(format!("{typed} prints what no schema describes: {}", faults.join("; "))))
    }
}

/// Types commands with `--json` and keeps what is wrong with what they print.
struct Typist<'a> {
    scene: &'a Scene<'a>,
    schemas: Schemas,
    wrong: Vec<String>,
}

impl<'a> Typist<'a> {
    fn new(scene: &'a Scene<'a>) -> Result<Self, Failed> {
        Ok(Self { scene, schemas: Schemas::documented()?, wrong: Vec::new() })
    }

    /// What is printed must be one JSON object that a schema of the command describes.
    fn types(&mut self, person: &str, args: &[&str]) -> Result<Value, Failed> {
        let ran = self.scene.done(person, &[args, &["--json"]].concat())?;
        match ran.json() {
            Ok(value) if value.is_object() => {
                self.wrong.extend(self.schemas.fault(args, &value)?);
                Ok(value)
            }
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
    let mut typist = Typist::new(scene)?;
    typist.types("eva", &["key", "list"])?;
    typist.types("eva", &["key", "new", "second"])?;
    let key = scene.folder().join("key.hex");
    crate::support::files::write(&key, "11".repeat(32).as_bytes())?;
    let from = key.to_string_lossy();
    let imported = typist.types("eva", &["key", "import", "third", "--from", &from])?;
    let address = imported["address"].as_str().ok_or("an address")?;
    typist.types("eva", &["key", "remove", "third", "--address", address])?;
    typist.types("eva", &["doctor"])?;
    // A key that is not here is said, with what makes it.
    let seen = typist.types("kim", &["doctor"])?;
    let keyless = |found: &&Value| found["text"].as_str().is_some_and(|t| t.contains("deployer"));
    let found = seen["findings"].as_array().into_iter().flatten().find(keyless);
    let is_said = |f: &Value| f["kind"] == "keys" && f["hints"][0].is_string();
    assert!(found.is_some_and(|f| f["ok"] == false && is_said(f)), "{seen}");
    // What no command can do without decides how it ends.
    let lost = scene.person("eva").with_variable("TESTNET_RPC", "http://127.0.0.1:1");
    let seen = lost.run(&["doctor", "--json"])?.expect_code(4)?.json()?;
    let is_chain = |found: &Value| found["kind"] == "chain" && found["ok"] == false;
    assert!(seen["findings"].as_array().is_some_and(|all| all.iter().any(is_chain)), "{seen}");
    typist.types("eva", &["build"])?;
    typist.types("eva", &["plan"])?;
    typist.types("eva", &["plan", "mainnet"])?;
    typist.types("eva", &["policy", "show"])?;
    typist.types("eva", &["policy", "adopt"])?;
    typist.types("ops", &["deploy", "--helper"])?;
    typist.types("eva", &["status"])?;
    // What fails says so there too, and a dry run says where it ends.
    for (args, exit, kind) in [
        (&["verify"][..], 30, "unknown"),
        (&["status", "none-1.0.0"], 2, "usage"),
        (&["status", "--nothing"], 2, "usage"),
        (&["fund", "draw"], 5, "keys"),
        (&["key", "new", "third", "--dry-run"], 0, "dry-run"),
    ] {
        let ran = scene.person("eva").run(&[args, &["--json"]].concat())?.expect_code(exit)?;
        let printed = ran.json()?;
        typist.wrong.extend(typist.schemas.fault(args, &printed)?);
        assert_eq!((&printed["kind"], &printed["exit"]), (&kind.into(), &exit.into()), "{ran:?}");
    }
    // What waits for an approval says what it is, and how the command ended.
    let deploy = ["deploy", "--password-fd", "0", "--json"];
    for (args, exit) in [(&deploy[..], 2), (&["deploy", "--json", "--dry-run"], 0)] {
        let asked = scene.person("eva").run(args)?.expect_code(exit)?.json()?;
        typist.wrong.extend(typist.schemas.fault(args, &asked)?);
        let is_whole = asked["approve"].as_str().is_some_and(|hash| hash.len() == 66)
            && asked["sheet"].as_array().is_some_and(|lines| lines.len() > 5)
            && asked["ended"]["exit"] == exit
            && asked["ended"]["kind"] == if exit == 0 { "dry-run" } else { "usage" };
        assert!(is_whole, "{asked}");
    }
    typist.types("eva", &["deploy"])?;
    typist.types("eva", &["verify"])?;
    let other = scene.folder().join("other");
    crate::support::files::write(&other.join("foundry.toml"), b"[profile.default]\n")?;
    let init = scene.person("eva").at(&other).run(&["init", "--json"])?.expect_code(0)?;
    assert!(init.json()?["file"].is_string(), "{init:?}");
    typist.end()
}

fn commands_until_the_promotion_print_json(scene: &Scene<'_>) -> Outcome {
    let mut typist = Typist::new(scene)?;
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
