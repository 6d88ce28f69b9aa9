//! The deployment record in git: each of its fields is checked against the chain or the sources.

use serde_json::{Value, json};

use crate::support::{Case, Outcome, Scene, Status, cases, files, put};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            no_field_of_the_record_can_be_edited,
            a_record_that_is_gone_is_missing;
    }
}

const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";
const HASH: &str = "0x00000000000000000000000000000000000000000000000000000000000000aa";

/// A field, and what is put there.
type Edit = (&'static str, Value);
/// Fields that are edited together, the gate that fails, and what it names: each of them.
type Group = (Vec<Edit>, &'static str, &'static [&'static str]);

fn groups() -> Vec<Group> {
    let (code, parameters) = ("code", "parameters");
    let (address, hash) = (json!(ADDRESS), json!(HASH));
    vec![
        (
            vec![
                ("/deployment/params/vault_cap", json!("1")),
                ("/deployment/params/owner", address.clone()),
                ("/deployment/params/added", json!("1")),
            ],
            parameters,
            &["params.vault_cap", "params.owner", "params.added"],
        ),
        (
            vec![
                ("/deployment/steps/vault/address", address.clone()),
                ("/deployment/steps/vault/implementation", address.clone()),
                ("/deployment/steps/registry/address", address.clone()),
            ],
            code,
            &["steps.vault.address", "steps.vault.implementation", "steps.registry.address"],
        ),
        (vec![("/deployment/executor", address.clone())], code, &["executor"]),
        (vec![("/deployment/buildDigest", hash.clone())], code, &["buildDigest"]),
        (
            vec![("/deployment/genesis", hash.clone()), ("/deployment/chain", json!(1337))],
            code,
            &["genesis", "chain"],
        ),
        (
            vec![
                ("/deployment/externals/usdc/address", address.clone()),
                ("/deployment/externals/usdc/codeHash", hash.clone()),
            ],
            code,
            &["externals.usdc.address", "externals.usdc.codeHash"],
        ),
        (vec![("/deployment/slots/0/value", hash.clone())], code, &["slots"]),
        (
            vec![
                ("/transactions/0/fee", json!("1")),
                ("/transactions/2/block/number", json!(1)),
                ("/transactions/3/from", address.clone()),
                ("/transactions/4/nonce", json!(77)),
                ("/transactions/5/success", json!(false)),
            ],
            code,
            &[
                "transactions.0.fee",
                "transactions.2.block",
                "transactions.3.from",
                "transactions.4.nonce",
                "transactions.5.success",
            ],
        ),
        (vec![("/transactions/2/block/hash", hash.clone())], code, &["transactions.2.block"]),
        (vec![("/transactions/3/hash", hash.clone())], code, &["transactions.3.hash"]),
        (vec![("/transactions/5/gasUsed", json!(1))], code, &["transactions.5.gasUsed"]),
        (vec![("/transactions/1/op", json!("vault"))], code, &["transactions.1.op"]),
        (vec![("/transactions/6", Value::Null)], code, &["registry.register"]),
        (vec![("/initcodes", json!({})), ("/mocks", json!({}))], code, &["initcodes", "mocks"]),
        (vec![("/scopeRoot", hash.clone())], code, &["scopeRoot"]),
        (vec![("/releaseRoot", hash)], code, &["releaseRoot"]),
        (vec![("/name", json!("vault-1.4.1"))], code, &["name"]),
        (vec![("/id", json!(1))], code, &["id:"]),
    ]
}

/// What the gate calls it that these fields were edited.
fn code(names: &[&str]) -> &'static str {
    match names[0].strip_prefix("transactions.") {
        Some(field) if field.ends_with(".hash") => "transaction-gone",
        Some(_) => "transaction-differs",
        None => "record-differs",
    }
}

fn no_field_of_the_record_can_be_edited(scene: &Scene<'_>) -> Outcome {
    let (path, record) = scene.record()?;
    let mut wrong = Vec::new();
    for (edits, gate, names) in groups() {
        let mut edited = record.clone();
        let fields: Vec<_> = edits.iter().map(|(field, _)| *field).collect();
        for (field, value) in edits {
            put(&mut edited, field, value)?;
        }
        files::write(&path, format!("{edited:#}\n").as_bytes())?;
        let status = scene.person("eva").run(&["status", "--json"])?;
        let found = Status::of(&status)
            .and_then(|status| status.expect(gate, "FAIL", (&[code(names)], names)));
        if let Err(why) = found {
            wrong.push(format!("{fields:?}: {}\n{}", why.message().unwrap_or(""), status.stderr));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

fn a_record_that_is_gone_is_missing(scene: &Scene<'_>) -> Outcome {
    let (path, _) = scene.record()?;
    std::fs::remove_file(path)?;
    let status = scene.status()?;
    for gate in ["code", "parameters", "soak"] {
        status.expect(gate, "UNKNOWN", &["not-deployed"])?;
    }
    scene.run("eva", &["promote"], 30)?;
    Ok(())
}
