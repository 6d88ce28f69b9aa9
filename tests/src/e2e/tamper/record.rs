//! The deployment record in git: each of its fields is checked against the chain or the sources.

use serde_json::{Value, json};

use crate::support::{Case, Outcome, Scene, Status, cases, files, put};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            no_field_of_the_record_can_be_edited,
            a_record_of_another_build_is_not_taken_for_this_one,
            a_record_that_is_gone_is_missing;
    }
}

const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";
const HASH: &str = "0x00000000000000000000000000000000000000000000000000000000000000aa";

/// A field, what is put there, the gate that fails, and what it names.
fn edits() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let (code, parameters) = ("code", "parameters");
    vec![
        ("/deployment/params/vault_cap", json!("1"), parameters, "params.vault_cap"),
        ("/deployment/params/owner", json!(ADDRESS), parameters, "params.owner"),
        ("/deployment/params/added", json!("1"), parameters, "params.added"),
        ("/deployment/steps/vault/address", json!(ADDRESS), code, "steps.vault.address"),
        ("/deployment/steps/vault/implementation", json!(ADDRESS), code, "vault.implementation"),
        ("/deployment/steps/registry/address", json!(ADDRESS), code, "steps.registry.address"),
        ("/deployment/executor", json!(ADDRESS), code, "executor"),
        ("/deployment/genesis", json!(HASH), code, "genesis"),
        ("/deployment/chain", json!(1337), code, "chain"),
        ("/deployment/externals/usdc/address", json!(ADDRESS), code, "externals.usdc.address"),
        ("/deployment/externals/usdc/codeHash", json!(HASH), code, "externals.usdc.codeHash"),
        ("/deployment/slots/0/value", json!(HASH), code, "slots"),
        ("/transactions/0/fee", json!("1"), code, "transactions.0.fee"),
        ("/transactions/1/op", json!("vault"), code, "transactions.1.op"),
        ("/transactions/2/block/number", json!(1), code, "transactions.2.block"),
        ("/transactions/2/block/hash", json!(HASH), code, "transactions.2.block"),
        ("/transactions/3/hash", json!(HASH), code, "transactions.3.hash"),
        ("/transactions/3/from", json!(ADDRESS), code, "transactions.3.from"),
        ("/transactions/4/nonce", json!(77), code, "transactions.4.nonce"),
        ("/transactions/4/success", json!(false), code, "transactions.4.success"),
        ("/transactions/5/gasUsed", json!(1), code, "transactions.5.gasUsed"),
        ("/transactions/5", Value::Null, code, "registry.register"),
        ("/initcodes", json!({}), code, "initcodes"),
        ("/mocks", json!({}), code, "mocks"),
        ("/scopeRoot", json!(HASH), code, "scopeRoot"),
        ("/releaseRoot", json!(HASH), code, "releaseRoot"),
        ("/name", json!("vault-1.4.1"), code, "name"),
        ("/id", json!(1), code, "id:"),
    ]
}

fn no_field_of_the_record_can_be_edited(scene: &Scene<'_>) -> Outcome {
    let (path, record) = scene.record()?;
    let mut wrong = Vec::new();
    for (field, value, gate, names) in edits() {
        let mut edited = record.clone();
        put(&mut edited, field, value)?;
        files::write(&path, format!("{edited:#}\n").as_bytes())?;
        let status = scene.person("eva").run(&["status", "--json"])?;
        let found = Status::of(&status).and_then(|status| status.expect(gate, "FAIL", &[names]));
        if let Err(why) = found {
            wrong.push(format!("{field}: {}\n{}", why.message().unwrap_or(""), status.stderr));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

/// A release may have several builds. One that is not kept here cannot be compared, and the
/// anchor on the chain says that it is not the one that soaked.
fn a_record_of_another_build_is_not_taken_for_this_one(scene: &Scene<'_>) -> Outcome {
    let (path, mut record) = scene.record()?;
    put(&mut record, "/deployment/buildDigest", json!(HASH))?;
    files::write(&path, format!("{record:#}\n").as_bytes())?;
    let status = scene.status()?;
    status.expect("code", "UNKNOWN", &["build"])?;
    status.expect("soak", "FAIL", &["anchor"])?;
    scene.run("eva", &["promote"], 1)?;
    Ok(())
}

fn a_record_that_is_gone_is_missing(scene: &Scene<'_>) -> Outcome {
    let (path, _) = scene.record()?;
    std::fs::remove_file(path)?;
    let status = scene.status()?;
    for gate in ["code", "parameters", "soak"] {
        status.expect(gate, "UNKNOWN", &["not deployed"])?;
    }
    scene.run("eva", &["promote"], 30)?;
    Ok(())
}
