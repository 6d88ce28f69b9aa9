//! What auditors do beside attesting a whole release: reviews of what changed, and exports.

use std::process::Command;

use alloy_primitives::{B256, hex};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::actor;

use crate::cheat::patch;
use crate::cli::fits;
use crate::support::{Case, Forge, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready: audits_go_out_in_the_forms_of_others;
        Day13: an_audit_by_another_build_is_named;
        Due: a_delta_review_covers_what_changed_and_carries_the_rest;
    }
}

fn a_delta_review_covers_what_changed_and_carries_the_rest(scene: &Scene<'_>) -> Outcome {
    let base = Forge(scene).signed("ada")?.statement.digest()?.to_string();
    let delta = ["attest", "reports/acme.md", "--delta", &base[2..18], "--as", "ada"];
    let same = scene.person("ada").run(&delta)?.expect_code(2)?;
    assert!(said(&same).contains("nothing has changed"), "{same:?}");

    patch(scene)?;
    scene.status()?.expect(
        "audits",
        "UNKNOWN",
        (&["too-few-firms"], &["Vault has 0 of 2 audits"]),
    )?;
    let shown = scene.run("ada", &[&delta[..], &["--dry-run"]].concat(), 0)?;
    fits("attest", &shown.stdout)?;
    for words in ["code", "Vault.", "Identical since", "Registry", "You sign:", "message hash"] {
        assert!(said(&shown).contains(words), "{words}: {shown:?}");
    }
    scene.done("ada", &delta)?;
    scene.status()?.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    scene.attest("bo")?;
    let status = scene.status()?;
    status.expect("audits", "PASS", &[])?;
    let coverage = status.0["coverage"].as_object().ok_or("no coverage")?;
    assert!(coverage.values().all(|firms| *firms == json!(["Acme", "Bolt"])), "{coverage:?}");
    Ok(())
}

fn an_audit_by_another_build_is_named(scene: &Scene<'_>) -> Outcome {
    let own = |who: &str| -> Result<String, Failed> {
        let signed = serde_json::to_value(Forge(scene).signed(who)?)?;
        Ok(signed["statement"]["message"]["source"].as_str().unwrap_or_default().to_owned())
    };
    let ada = own("ada")?;
    assert!(ada.contains("; by 0.8.37+commit.f401782d"), "{ada}");
    let other =
        format!("elsewhere@1; by 0.8.37+commit.f401782d.Linux.g++ {}", B256::repeat_byte(9));
    scene.done("bo", &["attest", "reports/bolt.md", "--source", &other, "--as", "bo"])?;
    let status = scene.status()?;
    status.expect("audits", "PASS", &[])?;
    let named = status.0["local"]["otherBuilds"].as_array().cloned().unwrap_or_default();
    assert_eq!(named.len(), 1, "{named:?}");
    let says = "bo (Bolt) attested code that another build of solc 0.8.37+commit.f401782d compiled";
    assert!(named[0].as_str().is_some_and(|said| said.starts_with(says)), "{named:?}");
    for asked in [&["status"][..], &["status", "--explain"]] {
        let shown = scene.run("eva", asked, 0)?;
        fits("status", &shown.stdout)?;
        let flat = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says), "{flat}");
    }
    Ok(())
}

fn audits_go_out_in_the_forms_of_others(scene: &Scene<'_>) -> Outcome {
    let none = scene.run("eva", &["export", "--format", "eas"], 2)?;
    assert!(said(&none).contains("--eas-chain"), "{none:?}");
    let files = export(scene, &["--format", "eas", "--eas-chain", "1"])?;
    assert_eq!(files.len(), 2, "one an audit: {files:?}");
    for file in &files {
        let signed = signed_elsewhere(scene, file)?;
        assert!(signed["sig"]["uid"].is_string() && signed["signer"].is_string(), "{signed}");
    }
    let files = export(scene, &["--format", "erc7512", "--network", "testnet"])?;
    assert_eq!(files.len(), 8, "two audits of four deployed contracts: {files:?}");
    let signed = signed_elsewhere(scene, &files[0])?;
    assert_eq!(signed["auditorSignature"]["type"], 0, "{signed}");

    let bare = export(scene, &["--format", "in-toto"])?;
    assert_eq!(bare.len(), 3, "each audit, and the verdict: {bare:?}");
    let own = Forge(scene).signed("ada")?.statement.digest()?.short();
    for (who, key, part) in [("ada", "ada", own.as_str()), ("kim", "treasury", "verdict")] {
        let run = scene.done(who, &["export", "--format", "in-toto", "--as", key, "--json"])?;
        let listed: Vec<String> = serde_json::from_value(run.json()?["files"].clone())?;
        let file = listed.iter().find(|file| file.contains(part)).ok_or("nothing to sign")?;
        let said = node(scene, VERIFY, &[&scene.project().join(file).to_string_lossy()])?;
        let statement: Value = serde_json::from_str(&said)?;
        assert!(statement["subject"].as_array().is_some_and(|s| !s.is_empty()), "{statement}");
        if file.contains("verdict") {
            let properties = statement["predicate"]["properties"].to_string();
            assert!(properties.contains("TIDEGATE_GATE_AUDITS"), "{properties}");
            assert!(properties.contains("TIDEGATE_RELEASE_PROMOTABLE"), "{properties}");
        }
    }
    Ok(())
}

/// What `export` writes.
fn export(scene: &Scene<'_>, args: &[&str]) -> Result<Vec<String>, Failed> {
    let ran = scene.run("eva", &[&["export"], args, &["--json"]].concat(), 0)?;
    Ok(serde_json::from_value(ran.json()?["files"].clone())?)
}

/// The signed document that `import` makes of a file and what ethers signs.
fn signed_elsewhere(scene: &Scene<'_>, file: &str) -> Result<Value, Failed> {
    let typed: Value = serde_json::from_str(&scene.read(file)?)?;
    let signer = typed["tidegate"]["signer"].as_str().unwrap_or_default().to_owned();
    let signs = |who: &str| {
        let key = hex::encode_prefixed(actor(who).to_bytes());
        node(scene, SIGN, &[&scene.project().join(file).to_string_lossy(), &key])
    };
    let own = |who: &&str| actor(who).address().to_string().eq_ignore_ascii_case(&signer);
    let who = ["ada", "bo"].into_iter().find(own).ok_or("nobody we know signs this")?;
    let import =
        |signature: &str, code| scene.run("eva", &["import", file, "--signature", signature], code);
    import(&signs("mallory")?, 1)?;
    import(&signs(who)?, 0)?;
    Ok(serde_json::from_str(&scene.read(&file.replace(".json", ".signed.json"))?)?)
}

/// Signs typed data with a key.
pub(crate) const SIGN: &str = "
    import { readFileSync } from 'node:fs';
    import { Wallet } from 'ethers';
    const { domain, types, message } = JSON.parse(readFileSync(process.argv[1], 'utf8'));
    delete types.EIP712Domain;
    const wallet = new Wallet(process.argv[2]);
    process.stdout.write(await wallet.signTypedData(domain, types, message));
";

/// Checks the signatures of an envelope, of which there must be one, and prints its payload.
const VERIFY: &str = "
    import { readFileSync } from 'node:fs';
    import { hexlify, recoverAddress, sha256 } from 'ethers';
    const { payload, payloadType, signatures } = JSON.parse(readFileSync(process.argv[1], 'utf8'));
    const body = Buffer.from(payload, 'base64');
    const head = `DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `;
    const digest = sha256(Buffer.concat([Buffer.from(head), body]));
    const [{ keyid, sig }] = signatures;
    const signer = recoverAddress(digest, hexlify(Buffer.from(sig, 'base64')));
    if (signer.toLowerCase() !== keyid.toLowerCase()) throw new Error(`${signer} signed`);
    process.stdout.write(body);
";

/// What a script of ethers prints.
pub(crate) fn node(scene: &Scene<'_>, script: &str, args: &[&str]) -> Result<String, Failed> {
    let ran = Command::new(&scene.tools.node)
        .current_dir(scene.tools.root.join("tests"))
        .args(["--input-type=module", "-e", script])
        .args(args)
        .output()?;
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    if ran.status.success() { Ok(String::from_utf8(ran.stdout)?) } else { Err(said.into()) }
}
