//! The same release once more: raised in its version alone, under another id, with calls whose
//! effect is gone.

use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::{Address, B256, U256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Reply, RpcClient, ScriptedNode, actor, actor_address};

use crate::redeploy::{Releases, dial, registry, tally};
use crate::support::{Case, Outcome, Scene, cases, promote_and_execute, said};

const GATE: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Gate {
    uint256 public shut;
    uint256 public passed;
    function pass() external { require(shut == 0, \"shut\"); passed += 1; }
}
";

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            calls_on_what_stands_are_said_to_be_made_again,
            one_more_of_equal_calls_is_its_own,
            a_deployment_of_another_key_is_said_as_that,
            an_anchor_behind_a_failed_call_is_sent_once_more,
            a_version_alone_is_the_same_deployment,
            a_call_is_made_once_more_where_its_effect_is_gone,
            nothing_is_approved_where_nothing_is_sent;
        Ready: a_version_alone_is_the_same_promotion;
    }
}

/// What is called stands since the release that is followed, whatever the id is.
fn calls_on_what_stands_are_said_to_be_made_again(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    releases.deploy("1.5.0", &[tally("\"add\", 1")], &[])?;
    releases.write("1.6.0", &[tally("\"add\", 2"), registry("second")])?;
    scene.edit("tidegate.toml", "\"1.6.0\"", "\"1.6.0\"\nfollows = \"1.5.0\"")?;
    let attends = |args: &[&str], code: i32| -> Result<String, Failed> {
        let ran = scene.run("eva", &[args, &["--json"]].concat(), code)?.json()?;
        Ok(ran["attentions"].to_string())
    };
    let again = "for deployment 0 of vault-1.6.0, on the same contract, and is made again";
    // The first time, and where it goes on, it is not.
    for args in [&["plan"][..], &["plan", "--id", "1"]] {
        assert!(!attends(args, 0)?.contains("made again"), "{args:?}");
    }
    let first = scene.done("eva", &["deploy", "--json"])?.json()?;
    scene.world.settle()?;
    assert!(!attends(&["plan"], 0)?.contains("made again"));
    for (args, code) in [(["plan", "--id", "1"], 0), (["deploy", "--id", "1"], 2)] {
        let said = attends(&args, code)?;
        let call = first["record"].as_str().map(|file| scene.read(file)).ok_or("a record")??;
        let call: Value = serde_json::from_str(&call)?;
        let sent = call["transactions"].as_array().ok_or("transactions")?;
        let call = sent.iter().find(|tx| tx["op"] == "tally.add").ok_or("the call")?;
        let hash = call["hash"].as_str().ok_or("its hash")?;
        let copy = "`tidegate deploy --release vault-1.5.0 --id 1`, then `tidegate deploy --id 1`";
        for words in [again, hash, "`--id 0` goes on with that one", copy] {
            assert!(said.contains(words), "{words}: {args:?}: {said}");
        }
    }
    // Without its record the journal knows it, as where a deployment broke off.
    std::fs::remove_file(scene.project().join(first["record"].as_str().ok_or("a record")?))?;
    assert!(attends(&["deploy", "--id", "1"], 2)?.contains(again));
    // The way that is printed calls the copy alone.
    scene.done("eva", &["deploy", "--release", "vault-1.5.0", "--id", "1"])?;
    scene.world.settle()?;
    assert!(!attends(&["plan", "--id", "1"], 0)?.contains("made again"));
    Ok(())
}

/// Two equal calls were made before, and a third one is new: it alone is sent, the record has all
/// three, and nobody is told to make one of the two again.
fn one_more_of_equal_calls_is_its_own(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let more =
        |name: &str| format!("[[step]]\nname = \"{name}\"\ncall = [\"@tally\", \"add\", 5]\n\n");
    let two = || vec![tally("\"add\", 5"), more("second")];
    releases.deploy("1.5.0", &two(), &[])?;
    releases.write("1.6.0", &[two(), vec![more("third")]].concat())?;
    for (command, code) in [("plan", 0), ("deploy", 2)] {
        let ran = scene.run("eva", &[command, "--json"], code)?.json()?;
        let ops = ran["operations"].as_array().ok_or("operations")?;
        let due = ops.iter().filter(|op| op["there"] == false).map(|op| op["id"].as_str());
        assert_eq!(due.collect::<Vec<_>>(), [Some("third")], "{command}: {ran}");
        assert!(!ran["attentions"].to_string().contains("--again"), "{command}: {ran}");
    }
    releases.deploy("1.6.0", &[two(), vec![more("third")]].concat(), &[])?;
    Ok(())
}

/// A colleague has a key of the same name, and the record of who deployed.
fn a_deployment_of_another_key_is_said_as_that(scene: &Scene<'_>) -> Outcome {
    Releases::of(scene)?.deploy("1.5.0", &[], &[])?;
    let ada = scene.person("ada");
    let own = ada.keep_key("deployer", &actor("another deployer"))?;
    scene.world.testnet.set_balance(own, U256::from(10).pow(U256::from(18)))?;
    let refused = said(&ada.approve(&["deploy"])?.expect_code(6)?);
    let by = actor_address("deployer");
    for words in [format!("was made by {by}"), format!("this key is {own}"), "--id 1".to_owned()] {
        assert!(refused.contains(&words), "{words}: {refused}");
    }
    Ok(())
}

/// A call fails in its block, where local execution and the endpoint's estimate had not failed, and
/// the anchor is on its way behind it by then. The next run makes both again, and verifies.
fn an_anchor_behind_a_failed_call_is_sent_once_more(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    scene.write("contracts/src/Gate.sol", GATE)?;
    let gate = || "[[step]]\nname = \"gate\"\ncreate = \"Gate\"\n\n".to_owned();
    let deployed = releases.deploy("1.5.0", &[gate()], &[])?;
    let at: Address = deployed["steps"]["gate"]["address"].as_str().ok_or("a gate")?.parse()?;
    let pass = "[[step]]\ncall = [\"@gate\", \"pass\"]\n\n".to_owned();
    releases.write("1.6.0", &[gate(), pass])?;
    let (upstream, sends) = (scene.world.testnet.url().to_owned(), AtomicUsize::new(0));
    let chain = RpcClient::new(&upstream);
    let node = ScriptedNode::start(Some(&upstream), move |method, _| {
        if method == "eth_sendRawTransaction" && sends.fetch_add(1, Ordering::Relaxed) == 0 {
            let shut = json!([at, U256::ZERO, B256::with_last_byte(1)]);
            if chain.call("anvil_setStorageAt", shut).is_err() {
                return Reply::HangUp;
            }
        }
        Reply::Forward
    })?;
    let eva = scene.person("eva").with_variable("TESTNET_RPC", &node.url());
    let failed = said(&eva.approve(&["deploy"])?.expect_code(1)?);
    assert!(failed.contains("shut"), "{failed}");
    scene.world.testnet.set_storage(at, U256::ZERO, B256::ZERO)?;
    let done = scene.done("eva", &["deploy", "--json"])?.json()?;
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;
    let record: Value =
        serde_json::from_str(&scene.read(done["record"].as_str().ok_or("record")?)?)?;
    let sent = record["transactions"].as_array().ok_or("transactions")?.iter();
    let sent: Vec<_> = sent.map(|tx| (tx["op"].as_str(), tx["success"] == true)).collect();
    let (first, pass) = (Some("registry.register"), Some("gate.pass"));
    let [once, again] = [false, true].map(|passes| [(pass, passes), (Some("anchor"), true)]);
    assert_eq!(sent, [&[(first, true)][..], &once, &again].concat(), "{record}");
    assert_eq!(record["transactions"][4]["hash"], done["anchor"], "the last one counts");
    Ok(())
}

/// Nothing but the name changes: what was deployed and written under another one is as right.
fn a_version_alone_is_the_same_deployment(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    releases.deploy("1.4.0", &[], &[])?;
    releases.write("1.4.1", &[])?;
    scene.run("eva", &["verify"], 0)?;
    let status = said(&scene.run("eva", &["status"], 0)?);
    assert!(!status.contains("addresses.json"), "{status}");
    let book = "deployments/testnet/addresses.json";
    let text = scene.read(book)?;
    scene.edit(book, "vault-1.4.0", "vault-1.3.9")?;
    let wrong = said(&scene.run("eva", &["verify"], 1)?);
    let was = "release: was \"vault-1.3.9\", is \"vault-1.4.1\"";
    assert!(wrong.contains(was), "as it was written, and as it is: {wrong}");
    scene.write(book, &text)?;
    scene.done("eva", &["deploy"])?;
    for version in ["1.4.1", "1.4.0"] {
        releases.write(version, &[])?;
        scene.run("eva", &["verify"], 0)?;
    }
    Ok(())
}

/// Where the deployment is complete, and where it is followed: said by plan and deploy, and each
/// command that is printed works as it is printed.
fn a_call_is_made_once_more_where_its_effect_is_gone(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let deployed = releases.deploy("1.5.0", &[dial("")], &[])?;
    let record = deployed["record"].as_str().ok_or("a record")?;
    let at: Address = deployed["steps"]["dial"]["address"].as_str().ok_or("the dial")?.parse()?;
    let turn = |to: u64| {
        let word = B256::from(U256::from(to));
        scene.world.testnet.set_storage(at, U256::ZERO, word)
    };
    let dial_is = || -> Result<U256, Failed> {
        let held = scene.world.testnet.rpc("eth_getStorageAt", json!([at, "0x0", "latest"]))?;
        Ok(serde_json::from_value(held)?)
    };
    let gone =
        "dial.set was made already, but x of dial is 9 now, not 7; `deploy --again dial.set`";
    for command in ["plan", "deploy"] {
        let said = said(&scene.run("eva", &[command], 0)?);
        assert!(!said.contains("now, not 7"), "{command}: {said}");
    }
    let before = scene.read(record)?;
    turn(9)?;
    for command in ["plan", "deploy"] {
        let said = said(&scene.run("eva", &[command], 0)?);
        assert!(said.contains(gone), "{command}: {said}");
    }
    // Each time that it is needed; the deployment and its record stay what they are.
    for _ in 0..2 {
        turn(9)?;
        let sheet = said(&scene.run("eva", &["deploy", "--again", "dial.set"], 2)?);
        assert!(sheet.contains("8 operations, 7 there already"), "{sheet}");
        let again = said(&scene.done("eva", &["deploy", "--again", "dial.set"])?);
        assert!(again.contains("already; dial.set is made again"), "{again}");
        assert_eq!(dial_is()?, U256::from(7));
        scene.world.settle()?;
        scene.run("eva", &["verify"], 0)?;
        scene.run("eva", &["deploy"], 0)?;
        assert_eq!(scene.read(record)?, before);
    }

    releases.write("1.6.0", &[dial(""), registry("second")])?;
    scene.edit("tidegate.toml", "\"1.6.0\"", "\"1.6.0\"\nfollows = \"1.5.0\"")?;
    turn(9)?;
    let way = "deploy testnet --release vault-1.5.0 --again dial.set";
    let gone = format!(
        "dial.set was made by vault-1.5.0, but x of dial is 9 now, not 7; `tidegate {way}`"
    );
    for (command, code) in [("plan", 0), ("deploy", 2)] {
        let said = said(&scene.run("eva", &[command], code)?);
        assert!(said.contains(&gone), "{command}: {said}");
    }
    let refused = said(&scene.run("eva", &["deploy", "--again", "dial.set"], 2)?);
    assert!(refused.contains(&format!("`tidegate {way}`")), "{refused}");
    scene.done("eva", &way.split(' ').collect::<Vec<_>>())?;
    assert_eq!(dial_is()?, U256::from(7));
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;
    // Also where it is there by now; what it sets itself is no loss.
    turn(9)?;
    let said = said(&scene.run("eva", &["deploy"], 0)?);
    assert!(said.contains(&gone), "{said}");
    Ok(())
}

/// All of it was sent before: nobody is asked, and no fee is named, whatever this machine knows.
fn nothing_is_approved_where_nothing_is_sent(scene: &Scene<'_>) -> Outcome {
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    for _ in 0..2 {
        let ran = scene.run("eva", &["deploy"], 0)?;
        let said = said(&ran);
        assert!(said.contains("was deployed on testnet already; nothing was sent"), "{said}");
        assert!(!said.contains("fees") && !said.contains("management"), "{said}");
        scene.forget("eva")?;
    }
    let book = scene.project().join("deployments/testnet/addresses.json");
    std::fs::remove_file(&book)?;
    scene.run("eva", &["deploy", "--dry-run"], 0)?;
    assert!(!book.exists());
    scene.run("eva", &["deploy"], 0)?;
    scene.run("eva", &["verify"], 0)?;
    Ok(())
}

/// The same of what a Safe promoted.
fn a_version_alone_is_the_same_promotion(scene: &Scene<'_>) -> Outcome {
    promote_and_execute(scene)?;
    scene.edit("tidegate.toml", "\"1.4.0\"", "\"1.4.1\"")?;
    scene.run("eva", &["verify", "mainnet"], 0)?;
    Ok(())
}
