//! Cheating with deployment records: those that go, those that change, and those of strangers.

use std::path::PathBuf;

use alloy_primitives::U256;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::ReleaseRoot;
use tidegate_model::record::{Deployment, anchor_calldata};
use tidegate_testkit::{actor, actor_address};

use super::refused;
use crate::support::{Case, Outcome, Scene, Status, cases, files, messages, put};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_record_that_a_go_lists_and_nobody_here_has_seen,
            cheat_a_record_whose_name_stays_over_other_content,
            cheat_a_record_that_was_edited_since_the_go,
            cheat_a_second_soak_network_without_its_record,
            cheat_a_record_that_comes_back_under_another_name,
            cheat_an_anchor_that_a_stranger_sends_again,
            cheat_an_anchor_that_somebody_of_the_policy_sends_again,
            cheat_a_deployment_by_a_stranger_that_outlives_its_record;
    }
}

/// The go says which records it saw: a clone that has seen none misses them all the same.
fn cheat_a_record_that_a_go_lists_and_nobody_here_has_seen(scene: &Scene<'_>) -> Outcome {
    let (path, _) = scene.record()?;
    let kept = std::fs::read(&path)?;
    std::fs::remove_file(&path)?;
    scene.forget("eva")?;
    let gone = ["record deployments/testnet/vault-1.4.0-", "is gone"];
    let status = refused(scene, "go", "UNKNOWN", (&["record-gone"], &gone))?;
    status.expect("separation", "UNKNOWN", (&["record-gone"], &gone))?;
    let listed = [&["by kim lists it"], &gone[..]].concat();
    status.expect("soak", "UNKNOWN", (&["record-gone"], &listed))?;
    // A new go hides nothing of what the old one saw. Kim's machine has seen the record, and puts
    // it back for everybody.
    let said = scene.approve("kim", &["record", "go", "--as", "treasury"])?.expect_code(0)?;
    assert!(said.stdout.contains("restored deployments/testnet/vault-1.4.0-"), "{said:?}");
    assert_eq!(std::fs::read(&path)?, kept);
    scene.status()?.expect_others_pass(&[])
}

/// A file of the same name that says something else takes nothing from anybody's memory.
fn cheat_a_record_whose_name_stays_over_other_content(scene: &Scene<'_>) -> Outcome {
    scene.status()?.expect("soak", "PASS", &[])?;
    let (path, record) = scene.record()?;
    let other = json!(format!("0x{}", "ab".repeat(32)));
    let edits: [&[(&str, Value)]; 3] = [
        &[("/releaseRoot", other.clone()), ("/transactions", json!([]))],
        &[("/transactions", json!([]))],
        &[("/deployment/buildDigest", other)],
    ];
    for forgets in [false, true] {
        for edit in edits {
            let mut edited = record.clone();
            for (field, value) in edit {
                put(&mut edited, field, value.clone())?;
            }
            files::write(&path, format!("{edited:#}\n").as_bytes())?;
            if forgets {
                scene.forget("eva")?;
            }
            let status = scene.status()?;
            status.expect("go", "UNKNOWN", (&["record-gone"], &["was replaced"]))?;
            status.expect("separation", "UNKNOWN", (&["record-gone"], &["was replaced"]))?;
            assert_ne!(status.verdict("soak"), "PASS");
        }
    }
    files::write(&path, format!("{record:#}\n").as_bytes())?;
    scene.status()?.expect_others_pass(&[])
}

fn cheat_a_record_that_was_edited_since_the_go(scene: &Scene<'_>) -> Outcome {
    let (path, record) = scene.record()?;
    let mut edited = record.clone();
    let transactions = record["transactions"].as_array().ok_or("transactions")?;
    put(&mut edited, "/transactions", json!(transactions[1..]))?;
    files::write(&path, format!("{edited:#}\n").as_bytes())?;
    refused(scene, "go", "UNKNOWN", &["record-changed"])?;
    files::write(&path, format!("{record:#}\n").as_bytes())?;
    scene.status()?.expect_others_pass(&[])
}

/// A second name of the testnet's chain, where somebody deployed too.
pub(crate) fn with_other(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    let (_, testnet) = text.split_once("[networks.testnet]").ok_or("a testnet")?;
    let testnet = testnet.split("\n[").next().unwrap_or(testnet);
    let text = text.replace("soaks_on   = [\"testnet\"]", "soaks_on   = [\"testnet\", \"other\"]");
    let text =
        text.replace("testnet = \"@deployer\"", "testnet = \"@deployer\", other = \"@deployer\"");
    let usdc = "[externals.usdc]\n";
    let text = text.replacen(usdc, &format!("{usdc}other = {{ create = \"MockUSDC\" }}\n"), 1);
    let text = text.replace("testnet = \"250e6\"", "testnet = \"250e6\", other = \"250e6\"");
    let text = text.replace("{ testnet = 12,", "{ testnet = 12, other = 12,");
    scene.write("tidegate.toml", &format!("{text}\n[networks.other]{testnet}"))?;
    let ether = U256::from(10).pow(U256::from(18));
    scene.world.testnet.set_balance(actor_address("treasury"), ether)?;
    scene.done("kim", &["deploy", "other", "--id", "7", "--as", "treasury"])?;
    scene.world.settle()?;
    Ok(())
}

/// What a second network says is not hidden by the record's file: whoever said go saw it.
fn cheat_a_second_soak_network_without_its_record(scene: &Scene<'_>) -> Outcome {
    with_other(scene)?;
    scene.done("ada", &["record", "go", "--as", "ada"])?;
    let file = record_of(scene, "other", "-7.json")?;
    let text = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    scene.forget("eva")?;
    let gone = ["it was deployed there, and record", "-7.json (", "is gone; restore it"];
    scene.status()?.expect("soak", "UNKNOWN", (&["record-gone"], &gone))?;
    files::write(&file, text.as_bytes())?;
    let status = scene.status()?;
    status.expect_without("soak", "record-gone")?;
    status.expect("separation", "PASS", &[])
}

/// Two networks may be one chain: what lay under one name is missed there alone, and comes back
/// there.
fn cheat_a_record_that_comes_back_under_another_name(scene: &Scene<'_>) -> Outcome {
    with_other(scene)?;
    let one = scene.record()?.0;
    let other = record_of(scene, "other", "-7.json")?;
    let (kept_one, kept_other) = (std::fs::read(&one)?, std::fs::read(&other)?);
    let strange = |file: &PathBuf, network: &str| -> Result<PathBuf, Failed> {
        let name = file.file_name().ok_or("a name")?;
        Ok(scene.project().join("deployments").join(network).join(name))
    };
    let (one_there, other_there) = (strange(&one, "other")?, strange(&other, "testnet")?);
    let go = || scene.done("kim", &["record", "go", "--as", "treasury"]);
    go()?;
    assert!(!one_there.exists() && !other_there.exists(), "nothing was gone");
    for file in [&one, &other] {
        std::fs::remove_file(file)?;
        go()?;
        assert!(!one_there.exists() && !other_there.exists(), "under another name");
        assert_eq!(
            (std::fs::read(&one)?, std::fs::read(&other)?),
            (kept_one.clone(), kept_other.clone())
        );
    }
    // Moved to the other name it is gone from its own.
    std::fs::rename(&other, &other_there)?;
    let gone = ["it was deployed there, and record", "-7.json is gone"];
    let kim = scene.run("kim", &["status", "--json"], 0)?;
    Status::of(&kim)?.expect("soak", "UNKNOWN", (&["record-gone"], &gone))?;
    std::fs::rename(&other_there, &other)?;
    // A name is given up, and its chain is not.
    let text = scene.read("tidegate.toml")?;
    let renamed =
        text.replace("[networks.other]", "[networks.third]").replace("other = ", "third = ");
    scene.write("tidegate.toml", &renamed.replace("\"other\"]", "\"third\"]"))?;
    let folder = |name: &str| scene.project().join("deployments").join(name);
    std::fs::rename(folder("other"), folder("third"))?;
    go()?;
    assert!(!other_there.exists() && !folder("other").exists(), "it is under its new name");
    Ok(())
}

fn record_of(scene: &Scene<'_>, network: &str, end: &str) -> Result<PathBuf, Failed> {
    let folder = scene.project().join("deployments").join(network);
    let found = std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let mut found = found.filter(|path| path.to_string_lossy().ends_with(end));
    found.next().ok_or_else(|| "no such record".into())
}

/// Sends the bytes of an anchor that names the deployment with another executor, and writes the
/// record that goes with it. Its place among the others is before ours.
fn claimed(scene: &Scene<'_>, who: &str, name: &str) -> Result<String, Failed> {
    let (_, mut record) = scene.record()?;
    put(&mut record, "/deployment/executor", json!(actor_address(who).to_string()))?;
    if name.ends_with("-99.json") {
        put(&mut record, "/id", json!(99))?;
    }
    let deployment: Deployment = serde_json::from_value(record["deployment"].clone())?;
    let release: ReleaseRoot = serde_json::from_value(record["releaseRoot"].clone())?;
    let testnet = &scene.world.testnet;
    testnet.set_balance(actor_address(who), U256::from(10).pow(U256::from(18)))?;
    let data = anchor_calldata(release, deployment.digest()?);
    let sent = testnet.send(&actor(who), Some(actor_address(who)), data, U256::ZERO)?;
    scene.world.settle()?;
    let mut transactions = record["transactions"].as_array().cloned().ok_or("transactions")?;
    for recorded in transactions.iter_mut().filter(|tx| tx["op"] == "anchor") {
        put(recorded, "/hash", json!(sent.hash))?;
        put(recorded, "/from", json!(actor_address(who).to_string()))?;
        put(recorded, "/block", serde_json::to_value(sent.block)?)?;
    }
    put(&mut record, "/transactions", json!(transactions))?;
    let file = format!("deployments/testnet/{name}");
    scene.write(&file, &format!("{record:#}\n"))?;
    Ok(file)
}

/// Whoever is nobody of the policy makes nobody a deployer, least of all for good.
fn cheat_an_anchor_that_a_stranger_sends_again(scene: &Scene<'_>) -> Outcome {
    let (path, _) = scene.record()?;
    let name = path.file_name().ok_or("a name")?.to_string_lossy().into_owned();
    let newest = name.replace("-0.json", "-99.json");
    for name in [format!("a{name}"), newest] {
        let file = claimed(scene, "mallory", &name)?;
        let ran = scene.run("eva", &["status", "--json"], 0)?;
        Status::of(&ran)?.expect_others_pass(&[])?;
        let warned = messages(&ran, "warning");
        let names = warned.iter().any(|text| text.contains("nobody under [people]"));
        assert!(names, "{ran:?}");
        std::fs::remove_file(scene.project().join(file))?;
    }
    scene.status()?.expect_others_pass(&[])
}

/// Nor does one who is of the policy deploy by an anchor alone: her go counts.
fn cheat_an_anchor_that_somebody_of_the_policy_sends_again(scene: &Scene<'_>) -> Outcome {
    let (path, _) = scene.record()?;
    let name = path.file_name().ok_or("a name")?.to_string_lossy().into_owned();
    let file = claimed(scene, "ada", &format!("a{name}"))?;
    let status = scene.status()?;
    for gate in ["separation", "go", "bugs", "soak", "code"] {
        status.expect(gate, "PASS", &[])?;
    }
    std::fs::remove_file(scene.project().join(file))?;
    scene.status()?.expect_others_pass(&[])
}

/// Anybody may deploy the same sources with their own key. Theirs is not what is judged, and when
/// their record is gone, nothing of it is left.
fn cheat_a_deployment_by_a_stranger_that_outlives_its_record(scene: &Scene<'_>) -> Outcome {
    scene.person("mallory").keep_key("mallory", &actor("mallory"))?;
    let ether = U256::from(10).pow(U256::from(18));
    scene.world.testnet.set_balance(actor_address("mallory"), ether)?;
    let deploy = ["deploy", "testnet", "--id", "7", "--as", "mallory"];
    scene.done("mallory", &deploy)?;
    scene.world.settle()?;
    for person in ["eva", "kim"] {
        let ran = scene.run(person, &["status", "--json"], 0)?;
        Status::of(&ran)?.expect_others_pass(&[])?;
    }
    std::fs::remove_file(record_of(scene, "testnet", "-7.json")?)?;
    for person in ["eva", "kim"] {
        let ran = scene.run(person, &["status", "--json"], 0)?;
        Status::of(&ran)?.expect_others_pass(&[])?;
    }
    Ok(())
}
