//! Cheating with the files that front ends read: where contracts stand, and what they are called.

use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::actor_address;

use crate::support::{Case, Outcome, Scene, cases, put, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Signed:
            cheat_an_address_book_that_git_edits,
            cheat_a_promotion_s_record_that_git_edits,
            cheat_functions_that_git_edits;
        Ready: cheat_an_address_book_of_a_testnet;
    }
}

const BOOK: &str = "deployments/mainnet/addresses.json";
const ABI: &str = "deployments/mainnet/abi/vault.json";

/// Promotes what is signed. Answers with the proposal.
pub(super) fn executed(scene: &Scene<'_>) -> Result<String, Failed> {
    let (proposal, _) = scene.promotion()?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    intact(scene)?;
    Ok(proposal)
}

/// Whoever reads back finds nothing wrong.
fn intact(scene: &Scene<'_>) -> Outcome {
    for args in [&["verify", "mainnet"][..], &["status", "--check"], &["verify", "testnet"]] {
        let ran = scene.run("eva", args, 0)?;
        assert!(!ran.stderr.contains("deployments/"), "{ran:?}");
    }
    let compared = scene.run("eva", &["diff", "mainnet", ".", "--check"], 0)?;
    assert!(said(&compared).contains("PASS what is on the chain of"), "{compared:?}");
    Ok(())
}

/// Whoever verifies is told of the file.
fn verified(scene: &Scene<'_>, file: &str, says: &[&str]) -> Outcome {
    let flat = said(&scene.run("eva", &["verify", "mainnet"], 1)?);
    for part in [&[file][..], says].concat() {
        assert!(flat.contains(part), "{file}: no {part:?} in {flat}");
    }
    Ok(())
}

/// Everybody who reads back names the file.
fn named(scene: &Scene<'_>, word: &str, file: &str, says: &[&str]) -> Outcome {
    let code = if word == "FAIL" { 1 } else { 30 };
    let verified = scene.run("eva", &["verify", "mainnet"], code)?;
    let status = scene.run("eva", &["status", "--check"], code)?;
    assert!(said(&status).contains(&format!("{word} read back from mainnet")), "{status:?}");
    let compared = scene.run("eva", &["diff", "mainnet", "."], 0)?;
    let differs = said(&compared).contains(&format!("{word} what is on the chain of"));
    assert!(differs, "{compared:?}");
    for ran in [&verified, &status, &compared] {
        let flat = said(ran);
        for part in [&[file][..], says].concat() {
            assert!(flat.contains(part), "{file}: no {part:?} in {flat}");
        }
    }
    Ok(())
}

fn document(scene: &Scene<'_>, file: &str) -> Result<Value, Failed> {
    Ok(serde_json::from_str(&scene.read(file)?)?)
}

fn write(scene: &Scene<'_>, file: &str, document: &Value) -> Outcome {
    scene.write(file, &format!("{document:#}\n"))
}

fn mallory() -> Value {
    json!(actor_address("mallory"))
}

/// Deposits would go to whoever can write git.
fn cheat_an_address_book_that_git_edits(scene: &Scene<'_>) -> Outcome {
    let proposal = executed(scene)?;
    let (text, book) = (scene.read(BOOK)?, document(scene, BOOK)?);
    let anew = format!("`tidegate proposal execute {proposal}` writes it anew");
    let edits = [
        ("/addresses/vault/address", mallory(), "addresses.vault.address"),
        ("/addresses/vault/implementation", mallory(), "addresses.vault.implementation"),
        ("/addresses/added", json!({"address": actor_address("mallory")}), "addresses.added"),
        ("/externals/usdc/address", mallory(), "externals.usdc.address"),
        ("/releaseRoot", json!(format!("0x{}", "ab".repeat(32))), "releaseRoot"),
    ];
    for (pointer, value, field) in edits {
        let mut edited = book.clone();
        put(&mut edited, pointer, value)?;
        write(scene, BOOK, &edited)?;
        verified(scene, BOOK, &[field, &anew])?;
    }
    scene.write(BOOK, "{}garbage")?;
    named(scene, "FAIL", BOOK, &["cannot be read", &anew])?;
    std::fs::remove_file(scene.project().join(BOOK))?;
    named(scene, "UNKNOWN", BOOK, &["is missing", &anew])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    assert_eq!(scene.read(BOOK)?, text);
    intact(scene)
}

/// The record says where contracts stand, too, and who executed.
fn cheat_a_promotion_s_record_that_git_edits(scene: &Scene<'_>) -> Outcome {
    let proposal = executed(scene)?;
    let (path, _) = scene.record()?;
    let name = path.file_name().ok_or("a name")?.to_string_lossy().into_owned();
    let file = format!("deployments/mainnet/{name}");
    let (text, record) = (scene.read(&file)?, document(scene, &file)?);
    let anew = format!("`tidegate proposal execute {proposal}` writes it anew");
    let edits = [
        ("/deployment/steps/vault/address", mallory(), "deployment.steps.vault.address"),
        ("/transactions", json!([]), "transactions"),
        ("/transactions/0/from", mallory(), "transactions"),
        ("/initcodes", json!({}), "initcodes"),
        ("/name", json!("vault-1.4.1"), "name"),
    ];
    for (pointer, value, field) in edits {
        let mut edited = record.clone();
        put(&mut edited, pointer, value)?;
        write(scene, &file, &edited)?;
        verified(scene, &file, &[field, &anew])?;
    }
    named(scene, "FAIL", &file, &[&anew])?;
    scene.write(&file, &text)?;
    // One more record, of something that nobody promoted.
    let other = file.replace("vault-1.4.0", "vault-1.5.0");
    let mut edited = record.clone();
    put(&mut edited, "/name", json!("vault-1.5.0"))?;
    put(&mut edited, "/deployment/steps/vault/address", mallory())?;
    write(scene, &other, &edited)?;
    let says = "belongs to nothing that the Safe promoted to mainnet";
    let verified = scene.run("eva", &["verify", "mainnet"], 1)?;
    assert!(said(&verified).contains(&format!("{other} {says}")), "{verified:?}");
    std::fs::remove_file(scene.project().join(other))?;
    // Gone, which the chain shows: it was executed.
    std::fs::remove_file(scene.project().join(&file))?;
    for args in [["verify", "mainnet"], ["status", "--check"]] {
        let ran = scene.run("eva", &args, 30)?;
        let flat = said(&ran);
        assert!(flat.contains(&format!("{file} is missing")) && flat.contains(&anew), "{flat}");
    }
    let refused = scene.run("eva", &["diff", "mainnet", "."], 3)?;
    assert!(said(&refused).contains("`tidegate proposal execute`"), "{refused:?}");
    scene.done("ops", &["proposal", "execute", &proposal])?;
    assert_eq!(scene.read(&file)?, text);
    intact(scene)
}

/// Whoever calls by a forged ABI calls something else.
fn cheat_functions_that_git_edits(scene: &Scene<'_>) -> Outcome {
    let proposal = executed(scene)?;
    let (text, functions) = (scene.read(ABI)?, document(scene, ABI)?);
    let deposit = functions.as_array().into_iter().flatten();
    let deposit = deposit.clone().position(|item| item["name"] == "deposit").ok_or("deposit")?;
    let anew = format!("`tidegate proposal execute {proposal}` writes it anew");
    let edits = [
        (format!("/{deposit}/name"), json!("transfer")),
        (format!("/{deposit}/inputs"), json!([])),
        (format!("/{deposit}"), Value::Null),
    ];
    for (pointer, value) in edits {
        let mut edited = functions.clone();
        put(&mut edited, &pointer, value)?;
        write(scene, ABI, &edited)?;
        verified(scene, ABI, &[&anew])?;
    }
    std::fs::remove_file(scene.project().join(ABI))?;
    named(scene, "UNKNOWN", ABI, &["is missing", &anew])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    assert_eq!(scene.read(ABI)?, text);
    intact(scene)
}

/// Testers are sent by it; no gate rests on it, and `status` names it.
fn cheat_an_address_book_of_a_testnet(scene: &Scene<'_>) -> Outcome {
    const BOOK: &str = "deployments/testnet/addresses.json";
    const ABI: &str = "deployments/testnet/abi/registry.json";
    let (path, record) = scene.record()?;
    let name = path.file_name().ok_or("a name")?.to_string_lossy().into_owned();
    let (text, book) = (scene.read(BOOK)?, document(scene, BOOK)?);
    let named = |file: &str, code: i32| -> Outcome {
        let verified = scene.run("eva", &["verify", "testnet"], code)?;
        let status = scene.run("eva", &["status"], 0)?;
        let compared = scene.run("eva", &["diff", "testnet", "."], 0)?;
        for ran in [verified, status, compared] {
            let flat = said(&ran);
            assert!(flat.contains(file) && flat.contains("`tidegate deploy testnet"), "{ran:?}");
        }
        scene.status()?.expect_others_pass(&[])
    };
    let mut edited = book.clone();
    put(&mut edited, "/addresses/vault/address", mallory())?;
    write(scene, BOOK, &edited)?;
    named(BOOK, 1)?;
    // A record that goes with it, by somebody's key and of another release, confirms nothing: no
    // chain shows it.
    let other = name.replace("vault-1.4.0", "vault-1.3.0").replace("-0.json", "-4.json");
    let mut forged = record.clone();
    let root = json!(format!("0x{}", "ab".repeat(32)));
    put(&mut forged, "/name", json!("vault-1.3.0"))?;
    put(&mut forged, "/releaseRoot", root.clone())?;
    put(&mut forged, "/deployment/steps/vault/address", mallory())?;
    put(&mut edited, "/release", json!("vault-1.3.0"))?;
    put(&mut edited, "/releaseRoot", root)?;
    write(scene, &format!("deployments/testnet/{other}"), &forged)?;
    write(scene, BOOK, &edited)?;
    let verified = scene.run("eva", &["verify", "testnet"], 1)?;
    assert!(said(&verified).contains(BOOK), "{verified:?}");
    std::fs::remove_file(scene.project().join(format!("deployments/testnet/{other}")))?;
    std::fs::remove_file(scene.project().join(BOOK))?;
    named(BOOK, 30)?;
    scene.write(ABI, "[]\n")?;
    scene.write(BOOK, &text)?;
    named(ABI, 1)?;
    scene.done("eva", &["deploy", "testnet"])?;
    assert_eq!(scene.read(BOOK)?, text);
    scene.run("eva", &["verify", "testnet"], 0)?;
    Ok(())
}
