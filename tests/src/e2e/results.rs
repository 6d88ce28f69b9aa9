//! Use that leaves no event, and releases whose functions are all for an administrator.

use std::fmt::Write as _;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Transaction, actor, actor_address};

use crate::support::{Case, Outcome, Scene, cases, json_text};

sol! {
    function setCap(uint256 to);
    function setSteps(uint256[] to);
    function setOpen(bool to);
    function cap();
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            what_an_administrator_tries_counts_once_it_is_named;
        Ready:
            what_is_named_after_a_proposal_changes_nothing;
    }
}

fn what_an_administrator_tries_counts_once_it_is_named(scene: &Scene<'_>) -> Outcome {
    let admin = scene.other("admin", &[])?;
    let mut text = admin.read("tidegate.toml")?;
    let page = std::fs::read_to_string(scene.tools.root.join("docs/soak.md"))?;
    let (_, policy) = text.split_once("[policy]").ok_or("no policy")?;
    let (policy, _) = policy.split_once("\n\n[[step]]").ok_or("no step")?;
    assert!(page.contains(policy), "the page has other lines: {policy}");
    text = text.replace("0x0000000000000000000000000000000000000001", &ada().to_string());
    writeln!(text, "ada = {{ roles = [\"engineer\"], keys = [\"{}\"] }}", ada())?;
    admin.write("tidegate.toml", &text)?;
    admin.fund()?;
    admin.world.testnet.set_balance(ada(), U256::from(10).pow(U256::from(18)))?;
    let deployed = admin.done("eva", &["deploy", "--json"])?.json()?;
    let limits = serde_json::from_value(deployed["steps"]["limits"]["address"].clone())?;
    admin.world.settle()?;

    let early = send(&admin, "ada", limits, setCapCall { to: U256::ONE }.abi_encode())?;
    let view = send(&admin, "ada", limits, capCall {}.abi_encode())?;
    let steps = send(&admin, "ada", limits, setStepsCall { to: vec![U256::ONE; 3] }.abi_encode())?;
    let open = send(&admin, "ada", limits, setOpenCall { to: true }.abi_encode())?;
    let failed = send(&admin, "deployer", limits, setCapCall { to: U256::ONE }.abi_encode())?;
    admin.world.settle()?;
    // Only the one that emits an event is found, and which ones do not is said.
    let (soak, why) = soak(&admin)?;
    assert_eq!(soak["called"], json!(["Limits.setOpen"]), "{soak}");
    assert_eq!(soak["eventless"], json!(["Limits.setCap", "Limits.setSteps"]), "{soak}");
    assert_eq!(soak["transactions"], 1, "{soak}");
    assert!(why.contains("Limits.setCap, Limits.setSteps emit no event"), "{why}");

    let unknown = B256::repeat_byte(7).to_string();
    let pay = send(&admin, "ada", actor_address("bo"), Vec::new())?;
    for (hash, says) in [
        (view, "it calls no function that counts"),
        (failed, "it reverted"),
        (pay, "it is sent to no contract of the release"),
        (unknown.clone(), "testnet has no transaction"),
    ] {
        let refused = admin.approve("ada", &["record", "result", "--tx", &hash, "--as", "ada"])?;
        let refused = refused.expect_code(1)?;
        assert!(refused.stderr.contains(says), "{says}: {refused:?}");
    }
    // Nobody else's word counts, and one wrong hash spoils the whole.
    let alone = ["record", "result", "--tx", &early, "--as", "t1"];
    admin.person("cy").keep_key("t1", &actor("t1"))?;
    admin.approve("cy", &alone)?.expect_code(5)?;
    let mixed = ["record", "result", "--tx", &early, &unknown, "--as", "ada"];
    admin.approve("ada", &mixed)?.expect_code(1)?;
    assert!(!admin.project().join("deployments/statements").exists(), "something was signed");

    let named = ["record", "result", "--tx", &early, &steps, &open, "--as", "ada", "--reason", "r"];
    let said = admin.done("ada", &named)?;
    assert!(said.stdout.contains("Limits.setSteps by"), "{said:?}");
    admin.world.settle()?;
    let (soak, _) = self::soak(&admin)?;
    assert_eq!(soak["called"].as_array().map(Vec::len), Some(3), "{soak}");
    assert_eq!((&soak["uncalled"], &soak["eventless"]), (&json!([]), &json!([])), "{soak}");
    // What has an event and is named counts once.
    assert_eq!(soak["transactions"], 3, "{soak}");
    assert_eq!(soak["setAside"], json!([]), "{soak}");
    Ok(())
}

/// What a proposal lists was counted with the results of its time, by everybody who checks it.
fn what_is_named_after_a_proposal_changes_nothing(scene: &Scene<'_>) -> Outcome {
    let vault = scene.contract("vault")?;
    let query = json!([{"address": vault, "fromBlock": "0x0"}]);
    let logs = scene.world.testnet.rpc("eth_getLogs", query)?;
    let mut hashes: Vec<_> = logs
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|l| l["transactionHash"].as_str())
        .collect();
    hashes.dedup();
    let digest = |scene: &Scene<'_>| -> Result<Value, Failed> {
        let status = scene.person("eva").run(&["status", "--json"])?.json()?;
        let gates = status["gates"].as_array().into_iter().flatten();
        let mut inputs = gates.flat_map(|gate| gate["inputs"].as_array().into_iter().flatten());
        let found = inputs.find(|input| input["kind"] == "soak/activity").ok_or("no activity")?;
        Ok(found["digest"].clone())
    };
    let name = |hash: &str| scene.done("ada", &["record", "result", "--tx", hash, "--as", "ada"]);
    let [.., before_last, last] = hashes[..] else { return Err("too few".into()) };
    let before = digest(scene)?;
    name(last)?;
    // It is counted first, and so the digest is another one.
    let with_one = digest(scene)?;
    assert_ne!(with_one, before);
    let proposal = json_text(&scene.done("eva", &["promote", "--json"])?, "proposal")?;
    name(before_last)?;
    assert_ne!(digest(scene)?, with_one);
    scene.run("o3", &["proposal", "verify", &proposal, "--pin", &scene.safe()], 0)?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    Ok(())
}

fn ada() -> Address {
    actor_address("ada")
}

/// Sends a transaction, whether or not it reverts; its hash.
fn send(scene: &Scene<'_>, by: &str, to: Address, data: Vec<u8>) -> Result<String, Failed> {
    let transaction = Transaction { to: Some(to), gas: Some(500_000), ..Transaction::create(data) };
    let receipt = scene.world.testnet.send_transaction(&actor(by), &transaction)?;
    Ok(receipt.hash.to_string())
}

/// What `status` shows of the soak, and the reasons of its gate.
fn soak(scene: &Scene<'_>) -> Result<(Value, String), Failed> {
    let status = scene.person("eva").run(&["status", "--json"])?.json()?;
    let gates = status["gates"].as_array().into_iter().flatten();
    let gate = gates.filter(|gate| gate["gate"] == "soak").map(Value::to_string);
    Ok((status["soak"].clone(), gate.collect()))
}
