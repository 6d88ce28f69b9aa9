//! Age, state and use that are not what they seem.

use alloy::signers::SignerSync as _;
use alloy_primitives::{Address, B256, Bytes, U64, U256, b256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::statement::{Body, General, SignedStatement, SoakSample, Statement};
use tidegate_safe::helper;
use tidegate_testkit::{
    Anvil, AnvilOptions, DAY_SECS, PrivateKeySigner, Reply, ScriptedNode, actor, safe,
};

use crate::support::{
    Case, Chains, Creation, Forge, Outcome, Scene, Status, cases, files, json_text, put, said,
    unguard,
};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_implementation_swapped_and_swapped_back,
            cheat_owner_changed_and_changed_back,
            cheat_parameter_poked_without_an_event,
            cheat_slot_written_and_written_back_between_two_looks,
            cheat_one_endpoint_of_three_lies,
            cheat_redeployed_under_one_name_with_the_anchor_of_another,
            cheat_record_that_starts_earlier,
            cheat_sample_signed_by_a_stranger,
            cheat_chain_that_somebody_saw_otherwise,
            cheat_second_network_that_contradicts,
            cheat_public_id_behind_a_development_node;
        Day13: cheat_fork_that_goes_on_where_the_testnet_stopped;
        Deployed:
            cheat_chain_warped_by_a_month,
            cheat_chain_that_stands_still;
        Funded:
            cheat_contracts_aged_before_the_anchor,
            cheat_creation_block_reorganised,
            cheat_use_by_the_deployer,
            cheat_record_that_leaves_creations_out;
    }
}

sol! {
    function upgradeToAndCall(address to, bytes data);
    function transferOwnership(address to);
    function note(address vault, bytes32 topic);
}

pub(super) const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
/// Where the example's vault keeps its cap.
const CAP_SLOT: B256 = b256!("4be5d08911bd6406526ddc494eab1c6e5117bcca2e1305d3d3f0ee1dc7fdb100");

fn cheat_implementation_swapped_and_swapped_back(scene: &Scene<'_>) -> Outcome {
    let (testnet, deployer) = (&scene.world.testnet, actor("deployer"));
    let vault = scene.contract("vault")?;
    let (_, record) = scene.record()?;
    let right: Address =
        serde_json::from_value(record["deployment"]["steps"]["vault"]["implementation"].clone())?;
    let initcode = creation(scene, &record, "vault/implementation")?.code;
    let other = testnet.send(&deployer, None, initcode, U256::ZERO)?.contract_address;
    for to in [other.ok_or("another implementation")?, right] {
        let call = upgradeToAndCallCall { to, data: Bytes::new() };
        testnet.send(&deployer, Some(vault), call.abi_encode(), U256::ZERO)?;
    }
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("code", "PASS", &[])?;
    let event = format!("Upgraded of {vault} outside the plan");
    begun_anew(&status, 2, &event)
}

fn cheat_owner_changed_and_changed_back(scene: &Scene<'_>) -> Outcome {
    let testnet = &scene.world.testnet;
    let registry = scene.contract("registry")?;
    let (deployer, tester) = (actor("deployer"), actor("t1"));
    for (from, to) in [(&deployer, &tester), (&tester, &deployer)] {
        let call = transferOwnershipCall { to: to.address() };
        testnet.send(from, Some(registry), call.abi_encode(), U256::ZERO)?;
    }
    scene.world.settle()?;
    let status = scene.status()?;
    begun_anew(&status, 2, &format!("OwnershipTransferred of {registry} outside the plan"))
}

/// Equal code and watched slots; only what the plan expects of a view call is another.
fn cheat_parameter_poked_without_an_event(scene: &Scene<'_>) -> Outcome {
    poke(scene, CAP_SLOT, B256::with_last_byte(1))?;
    let status = scene.status()?;
    status.expect(
        "soak",
        "FAIL",
        (&["probe-differs"], &["cap() of vault on testnet is 1;", "was 250000000"]),
    )?;
    assert_eq!(resets(&status).len(), 1, "{}", status.0["soak"]);
    assert!(credited(&status) < 600, "{}", status.0["soak"]);
    Ok(())
}

/// Nothing shows at the start and now; but Kim looked in between.
fn cheat_slot_written_and_written_back_between_two_looks(scene: &Scene<'_>) -> Outcome {
    poke(scene, CAP_SLOT, B256::with_last_byte(1))?;
    scene.done("kim", &["status", "--sample", "--as", "treasury"])?;
    poke(scene, CAP_SLOT, B256::from(U256::from(250_000_000_u64)))?;
    let anew = "kim saw other code, slots or probe values in block";
    begun_anew(&scene.status()?, 1, anew)?;
    // Who says the same block was as it is now, the deployer and an auditor, undoes nothing.
    let samples = scene.status()?.0["soak"]["samples"].clone();
    let at = &samples[0];
    let (block, timestamp) = (at["block"].clone(), at["timestamp"].clone());
    let now = SoakSample {
        block: serde_json::from_value(block)?,
        timestamp: serde_json::from_value(timestamp)?,
        ..seen(scene)?
    };
    for who in ["deployer", "ada"] {
        sign(scene, &actor(who), now.clone())?;
    }
    begun_anew(&scene.status()?, 1, anew)
}

type Lie = Box<dyn Fn(&Value) -> Reply + Send + Sync>;

fn cheat_one_endpoint_of_three_lies(scene: &Scene<'_>) -> Outcome {
    scene.edit(
        "tidegate.toml",
        "rpc        = [\"${TESTNET_RPC}\"]",
        "rpc        = [\"${TESTNET_RPC}\", \"${HONEST}\", \"${LIAR}\"]",
    )?;
    let upstream = scene.world.testnet.url();
    let honest = ScriptedNode::start(Some(upstream), |_, _| Reply::Forward)?;
    let older = scene.world.testnet.rpc("eth_getBlockByNumber", json!(["0x3", false]))?;
    let lies: [(&str, (&str, &str), Lie); 3] = [
        ("eth_getLogs", ("unreadable", "disagree"), Box::new(|_| Reply::Result(json!([])))),
        (
            "eth_getStorageAt",
            ("unreadable", "disagree"),
            Box::new(|_| Reply::Result(json!(B256::repeat_byte(7)))),
        ),
        (
            "eth_getBlockByNumber",
            ("heads-apart", "apart"),
            Box::new(move |params| match params[0].as_str() {
                // Another block at some height of the soak.
                Some("0x80" | "finalized") => {
                    let mut block = older.clone();
                    block["hash"] = json!(B256::repeat_byte(7));
                    block["number"] = json!("0x80");
                    Reply::Result(block)
                }
                _ => Reply::Forward,
            }),
        ),
    ];
    let person = |liar: &str| {
        scene.person("eva").with_variable("HONEST", &honest.url()).with_variable("LIAR", liar)
    };
    let right = ScriptedNode::start(Some(upstream), |_, _| Reply::Forward)?;
    let status = Status::of(&person(&right.url()).run(&["status", "--json"])?)?;
    status.expect("soak", "PASS", &[])?;
    for (method, (code, word), lie) in lies {
        let liar = ScriptedNode::start(Some(upstream), move |called, params| {
            if called == method { lie(params) } else { Reply::Forward }
        })?;
        let status = Status::of(&person(&liar.url()).run(&["status", "--json"])?)?;
        status.expect("soak", "UNKNOWN", (&[code], &[word]))?;
        assert!(liar.calls(method) > 0, "{method}");
    }
    Ok(())
}

fn cheat_redeployed_under_one_name_with_the_anchor_of_another(scene: &Scene<'_>) -> Outcome {
    let (_, old) = scene.record()?;
    scene.done("eva", &["deploy", "--id", "1"])?;
    scene.world.settle()?;
    let status = scene.status()?;
    // Nothing was done with it, so that use is missing beside age.
    status.expect("soak", "UNKNOWN", (&["too-few-transactions"], &["0 of 25"]))?;
    assert!(credited(&status) < 600, "{}", status.0["soak"]);
    let root = scene.project().join("deployments/testnet");
    let file = std::fs::read_dir(root)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("-1.json"))
        .ok_or("a second record")?;
    let mut record: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let anchor = |record: &Value| {
        let all = record["transactions"].as_array().cloned().unwrap_or_default();
        all.iter().position(|tx| tx["op"] == "anchor").map(|at| (at, all[at].clone()))
    };
    let (_, aged) = anchor(&old).ok_or("an anchor")?;
    let (at, _) = anchor(&record).ok_or("an anchor")?;
    put(&mut record, &format!("/transactions/{at}"), aged)?;
    files::write(&file, format!("{record:#}\n").as_bytes())?;
    let status = scene.status()?;
    status.expect("soak", "FAIL", &["anchor-differs"])?;
    assert!(credited(&status) < 600, "creations count too: {}", status.0["soak"]);
    Ok(())
}

fn cheat_record_that_starts_earlier(scene: &Scene<'_>) -> Outcome {
    let before = scene.status()?;
    let (path, mut record) = scene.record()?;
    let first = scene.world.testnet.rpc("eth_getBlockByNumber", json!(["0x1", false]))?;
    let count = record["transactions"].as_array().map_or(0, Vec::len);
    for index in 0..count {
        let block = format!("/transactions/{index}/block");
        put(&mut record, &block, json!({"number": 1, "hash": first["hash"]}))?;
    }
    files::write(&path, format!("{record:#}\n").as_bytes())?;
    let status = scene.status()?;
    status.expect("code", "FAIL", (&["transaction-differs"], &["transactions.0.block"]))?;
    assert_eq!(status.0["soak"]["start"], before.0["soak"]["start"], "the chain decides");
    Ok(())
}

fn cheat_sample_signed_by_a_stranger(scene: &Scene<'_>) -> Outcome {
    let mut forged = seen(scene)?;
    forged.block.hash = B256::repeat_byte(7);
    forged.state = B256::repeat_byte(8);
    sign(scene, &actor("mallory"), forged.clone())?;
    // Under Kim's name it is no statement at all.
    forged.block.number -= 1;
    let file = sign(scene, &actor("mallory"), forged.clone())?;
    let mut lie: Value = serde_json::from_str(&scene.read(&file)?)?;
    put(&mut lie, "/statement/message/signer", json!(actor("treasury").address()))?;
    scene.write(&file, &format!("{lie:#}\n"))?;
    let status = scene.status()?;
    status.expect("soak", "PASS", &[])?;
    assert_eq!(status.0["soak"]["samples"], json!([]));
    // By Kim's key it counts.
    sign(scene, &actor("treasury"), forged)?;
    scene.status()?.expect("soak", "UNKNOWN", (&["sample-off-chain"], &["kim saw block"]))
}

fn cheat_chain_that_somebody_saw_otherwise(scene: &Scene<'_>) -> Outcome {
    let mut sample = seen(scene)?;
    sign(scene, &actor("treasury"), sample.clone())?;
    sample.state = B256::repeat_byte(8);
    sign(scene, &actor("ada"), sample.clone())?;
    sample.block.number -= 50;
    sample.block.hash = B256::repeat_byte(7);
    sign(scene, &actor("bo"), sample)?;
    let hash = B256::repeat_byte(7).to_string();
    let names = ["bo saw block", hash.as_str(), "the chain has 0x"];
    let status = scene.status()?;
    status.expect("soak", "UNKNOWN", (&["sample-off-chain"], &names))?;
    // Of a block that is there the chain says what it was.
    let gates = status.0["gates"].to_string();
    assert!(gates.contains("by ada does not count"), "{gates}");
    Ok(())
}

fn cheat_second_network_that_contradicts(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    let (_, rest) = text.split_once("[networks.testnet]").ok_or("a testnet")?;
    let (section, _) = rest.split_once("[networks.mainnet]").ok_or("a mainnet")?;
    let text = text.replacen("[\"testnet\"]", "[\"second\", \"testnet\"]", 1);
    let usdc = "[externals.usdc]\n";
    let text = text.replacen(usdc, &format!("{usdc}second = {{ create = \"MockUSDC\" }}\n"), 1);
    let text =
        text.replace("testnet = \"@deployer\"", "testnet = \"@deployer\", second = \"@deployer\"");
    let text = text.replace("testnet = \"250e6\"", "testnet = \"250e6\", second = \"250e6\"");
    let text = text.replace("{ testnet = 12,", "{ testnet = 12, second = 12,");
    scene.write("tidegate.toml", &format!("{text}\n[networks.second]{section}"))?;
    let (path, mut record) = scene.record()?;
    let name = path.file_name().ok_or("a name")?.to_string_lossy().into_owned();
    let copy = format!("deployments/second/{name}");
    scene.write(&copy, &format!("{record:#}\n"))?;
    let both = scene.status()?;
    both.expect("soak", "PASS", &[])?;
    assert_eq!(both.0["otherSoaks"].as_array().map(Vec::len), Some(1));
    // What is wrong on either of them is wrong.
    put(&mut record, "/deployment/slots/0/value", json!(B256::repeat_byte(7)))?;
    scene.write(&copy, &format!("{record:#}\n"))?;
    let status = scene.status()?;
    assert_eq!(status.0["soak"]["network"], "testnet", "the better one is shown");
    status.expect("soak", "FAIL", (&["anchor-differs"], &["second: the anchor"]))?;
    status.expect("code", "FAIL", (&["record-differs"], &["second: the record on second"]))?;
    Ok(())
}

/// A node that hides what it is, and has the genesis of the chain that it plays.
fn cheat_public_id_behind_a_development_node(scene: &Scene<'_>) -> Outcome {
    const SEPOLIA: u64 = 11_155_111;
    let genesis = b256!("25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9");
    let anvil = Anvil::start(scene.tools, AnvilOptions::new(SEPOLIA))?;
    scene.edit("tidegate.toml", "chain      = 31338", &format!("chain      = {SEPOLIA}"))?;
    let own = scene.world.testnet.genesis_hash()?.to_string();
    scene.edit("tidegate.toml", &own, &genesis.to_string())?;
    let first = anvil.rpc("eth_getBlockByNumber", json!(["0x0", false]))?;
    let disguised = ScriptedNode::start(Some(anvil.url()), move |method, params| match method {
        "anvil_nodeInfo" | "hardhat_metadata" => {
            Reply::Error { code: -32601, message: "no such method".to_owned(), data: None }
        }
        "web3_clientVersion" => Reply::Result(json!("Geth/v1.16.4")),
        "eth_getBlockByNumber" if params[0] == "0x0" => {
            let mut block = first.clone();
            block["hash"] = json!(genesis);
            Reply::Result(block)
        }
        _ => Reply::Forward,
    })?;
    let few = ("too-few-endpoints", "1 of 2");
    for (url, (code, name)) in
        [(anvil.url(), ("unreadable", "development")), (&disguised.url(), few)]
    {
        let eva = scene.person("eva").with_variable("TESTNET_RPC", url);
        let status = Status::of(&eva.run(&["status", "--json"])?)?;
        status.expect("soak", "UNKNOWN", (&[code], &[name]))?;
        status.expect("code", "UNKNOWN", (&[code], &[name]))?;
    }
    Ok(())
}

/// What one endpoint shows is the testnet up to its last block, and then whatever its owner mined.
/// Nobody can tell but who asks another endpoint, as each owner does.
fn cheat_fork_that_goes_on_where_the_testnet_stopped(scene: &Scene<'_>) -> Outcome {
    let (testnet, mainnet) = (&scene.world.testnet, &scene.world.mainnet);
    scene.attest("bo")?;
    mainnet.mine_span(25, 3_600)?;
    mainnet.mine(2)?;
    scene.go()?;
    scene.status()?.expect("soak", "WAITING", &["too-young"])?;
    let real = testnet.snapshot()?;
    testnet.mine_span(25, 3_600)?;
    testnet.mine(2)?;
    let promote = scene.run("eva", &["promote", "--json"], 0)?;
    testnet.revert(real)?;
    let signed = scene.person("o1").run(&scene.signing(&json_text(&promote, "proposal")?))?;
    assert_ne!(signed.code, 0, "{signed:?}");
    assert!(said(&signed).contains("WAITING soak"), "{signed:?}");
    assert!(said(&signed).contains("nothing was signed or sent"), "{signed:?}");
    Ok(())
}

fn cheat_chain_warped_by_a_month(scene: &Scene<'_>) -> Outcome {
    let later = scene.world.testnet.latest()?.timestamp + 30 * DAY_SECS;
    scene.world.testnet.mine_at(later)?;
    scene.world.settle()?;
    let status = scene.status()?;
    let verdict = status.verdict("soak").to_owned();
    assert_eq!(verdict, "WAITING", "{}", status.why("soak"));
    assert!(credited(&status) < 2 * DAY_SECS, "{}", status.0["soak"]);
    let pause = &status.0["soak"]["pauses"][0];
    assert_eq!(pause["reason"], "the chain produced 0 blocks of the 24 expected");
    assert!(status.why("soak").contains("29 days did not count"), "{}", status.why("soak"));
    Ok(())
}

/// A third of the blocks that the network should produce.
fn cheat_chain_that_stands_still(scene: &Scene<'_>) -> Outcome {
    scene.world.testnet.mine_span(15 * 8, 3 * 3_600)?;
    scene.world.settle()?;
    let status = scene.status()?;
    assert_eq!(status.verdict("soak"), "WAITING", "{}", status.why("soak"));
    // The first day had its blocks.
    assert!(credited(&status) < DAY_SECS + 3_600, "{}", status.0["soak"]);
    let reason = status.0["soak"]["pauses"][0]["reason"].clone();
    assert_eq!(reason, "the chain produced 8 blocks of the 24 expected");
    Ok(())
}

fn cheat_contracts_aged_before_the_anchor(scene: &Scene<'_>) -> Outcome {
    unguard(scene)?;
    let mut chains = Chains::save(scene.world)?;
    scene.done("eva", &["deploy"])?;
    let (_, record) = scene.record()?;
    let usdc = scene.contract("@usdc")?;
    let usdc_code = scene.world.testnet.code(usdc)?;
    let created: Vec<_> = ["registry", "vault/implementation", "vault/proxy"]
        .into_iter()
        .map(|op| creation(scene, &record, op))
        .collect::<Result<_, _>>()?;
    let library = record["transactions"].as_array().into_iter().flatten();
    let library = library.filter_map(|tx| tx["op"].as_str()).find(|op| op.starts_with("lib:"));
    let library = creation(scene, &record, library.ok_or("a library")?)?;
    let registry = scene.contract("registry")?;
    chains.restore(scene.world)?;
    std::fs::remove_dir_all(scene.project().join("deployments/testnet"))?;
    scene.forget("eva")?;
    let (testnet, mallory) = (&scene.world.testnet, actor("mallory"));
    testnet.set_balance(mallory.address(), U256::from(10).pow(U256::from(19)))?;
    // What stands in for the token is no part of the release.
    testnet.set_code(usdc, &usdc_code)?;
    for made in std::iter::once(&library).chain(&created) {
        let data = [made.salt.as_slice(), &made.code].concat();
        testnet.send(&mallory, Some(safe::DETERMINISTIC_PROXY), data, U256::ZERO)?;
    }
    // The same code, with a count that its constructor does not leave.
    testnet.set_storage(registry, U256::from(2), B256::with_last_byte(9))?;
    scene.advance_to_day(14)?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    let status = scene.status()?;
    assert!(credited(&status) < 600, "{}", status.0["soak"]);
    assert_eq!(status.verdict("soak"), "UNKNOWN", "nobody used it");
    status.expect(
        "code",
        "FAIL",
        (&["storage-differs"], &["storage of registry", "vaultCount"]),
    )?;
    Ok(())
}

fn cheat_creation_block_reorganised(scene: &Scene<'_>) -> Outcome {
    let testnet = &scene.world.testnet;
    let before = testnet.latest()?.block.number;
    scene.done("eva", &["deploy"])?;
    let (_, record) = scene.record()?;
    let mut raws = Vec::new();
    for tx in record["transactions"].as_array().into_iter().flatten() {
        let raw = testnet.rpc("eth_getRawTransactionByHash", json!([tx["hash"]]))?;
        raws.push(serde_json::from_value::<Bytes>(raw)?);
    }
    let depth = testnet.latest()?.block.number - before;
    testnet.rpc("anvil_reorg", json!([depth, []]))?;
    testnet.mine(30)?;
    for raw in &raws {
        testnet.include(raw)?;
    }
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("code", "PASS", &[])?;
    scene.run("eva", &["verify"], 0)?;
    let moved = resets(&status);
    assert!(moved.iter().any(|why| why.contains("with anchor has left the chain")), "{moved:?}");
    let anchor = testnet.rpc(
        "eth_getTransactionReceipt",
        json!([record["transactions"]
            .as_array()
            .and_then(|all| all.last())
            .map(|tx| tx["hash"].clone())]),
    )?;
    let number: U64 = serde_json::from_value(anchor["blockNumber"].clone())?;
    let block = testnet.rpc("eth_getBlockByNumber", json!([number, false]))?;
    let time: U64 = serde_json::from_value(block["timestamp"].clone())?;
    assert_eq!(status.0["soak"]["start"], time.to::<u64>(), "it counts from where it is now");
    Ok(())
}

fn cheat_use_by_the_deployer(scene: &Scene<'_>) -> Outcome {
    scene.done("eva", &["deploy"])?;
    let (registry, vault) = (scene.contract("registry")?, scene.contract("vault")?);
    for index in 0..26 {
        let call = noteCall { vault, topic: B256::with_last_byte(index) };
        scene.world.testnet.send(
            &actor("deployer"),
            Some(registry),
            call.abi_encode(),
            U256::ZERO,
        )?;
    }
    scene.world.settle()?;
    let status = scene.status()?;
    let codes = ["too-few-transactions", "too-few-senders"];
    status.expect("soak", "UNKNOWN", (&codes, &["0 of 25", "0 of 3"]))?;
    assert_eq!(
        status.0["soak"]["called"],
        json!(["Registry.note"]),
        "functions count from anybody"
    );
    Ok(())
}

/// An anchor that was sent before the contracts, and a record that does not say when they were
/// created: neither all of them nor one.
fn cheat_record_that_leaves_creations_out(scene: &Scene<'_>) -> Outcome {
    // A call of the plan would be in the record, after what it calls.
    let step = "\n[[step]]\ncall = [\"@registry\", \"register\", \"@vault\"]\n";
    scene.edit("tidegate.toml", step, "")?;
    unguard(scene)?;
    let (testnet, deployer, mallory) = (&scene.world.testnet, actor("deployer"), actor("mallory"));
    testnet.set_balance(mallory.address(), U256::from(10).pow(U256::from(19)))?;
    let mut chains = Chains::save(scene.world)?;
    scene.done("eva", &["deploy"])?;
    let (path, mut record) = scene.record()?;
    let transactions = record["transactions"].as_array().cloned().unwrap_or_default();
    let mut creations = Vec::new();
    for tx in &transactions {
        let sent = testnet.rpc("eth_getTransactionByHash", json!([tx["hash"]]))?;
        let input: Bytes = serde_json::from_value(sent["input"].clone())?;
        let to: Address = serde_json::from_value(sent["to"].clone())?;
        creations.push((tx.clone(), to, input));
    }
    let (mut anchor, _, data) = creations.pop().ok_or("an anchor")?;
    assert_eq!(anchor["op"], "anchor");
    assert!(creations.len() >= 6, "the helper and five contracts: {record}");

    chains.restore(scene.world)?;
    scene.forget("eva")?;
    let sent = testnet.send(&deployer, Some(deployer.address()), data, U256::ZERO)?;
    put(&mut anchor, "/hash", json!(sent.hash))?;
    put(&mut anchor, "/block", serde_json::to_value(sent.block)?)?;
    testnet.mine_span(24 * 13, 3_600)?;
    for (tx, to, input) in &mut creations {
        // Nobody but the deployer can have the helper create what stands in for the token.
        let who = if *to == helper::address() { &deployer } else { &mallory };
        let sent = testnet.send(who, Some(*to), input.clone(), U256::ZERO)?;
        put(tx, "/hash", json!(sent.hash))?;
        put(tx, "/block", serde_json::to_value(sent.block)?)?;
    }
    scene.world.settle()?;
    creations.retain(|(tx, ..)| tx["op"] != "foreign");
    // None is named; and one, from the block of whose creation it would count. What they log as
    // they are created begins it anew.
    for named in [Vec::new(), vec![creations.remove(0).0]] {
        let transactions: Vec<_> = named.into_iter().chain([anchor.clone()]).collect();
        put(&mut record, "/transactions", json!(transactions))?;
        files::write(&path, format!("{record:#}\n").as_bytes())?;
        scene.forget("eva")?;
        let status = scene.status()?;
        assert_ne!(status.verdict("soak"), "PASS", "{}", status.why("soak"));
        assert!(credited(&status) < DAY_SECS, "{}", status.0["soak"]);
    }
    Ok(())
}

/// A creation that the record names.
fn creation(scene: &Scene<'_>, record: &Value, op: &str) -> Result<Creation, Failed> {
    let mut all = record["transactions"].as_array().into_iter().flatten();
    let tx = all.find(|tx| tx["op"] == op).ok_or_else(|| format!("no {op} in {record}"))?;
    Ok(Creation::by(&scene.world.testnet, &tx["hash"])?.ok_or("a creation")?)
}

/// Sets a slot of the vault without a transaction.
fn poke(scene: &Scene<'_>, slot: B256, value: B256) -> Outcome {
    let vault = scene.contract("vault")?;
    scene.world.testnet.set_storage(vault, slot.into(), value)?;
    Ok(scene.world.settle()?)
}

pub(super) fn credited(status: &Status) -> u64 {
    status.0["soak"]["creditedSecs"].as_u64().unwrap_or(u64::MAX)
}

pub(super) fn resets(status: &Status) -> Vec<String> {
    let resets = status.0["soak"]["resets"].as_array().into_iter().flatten();
    resets.filter_map(|reset| reset["reason"].as_str()).map(str::to_owned).collect()
}

/// The soak, which had passed, began anew for this reason.
fn begun_anew(status: &Status, count: usize, reason: &str) -> Outcome {
    let found = resets(status);
    assert_eq!(found.len(), count, "{found:?}");
    assert!(found.iter().all(|found| found.starts_with(reason)), "{found:?}");
    assert!(credited(status) < 600, "{}", status.0["soak"]);
    // Hardly anybody has used it since.
    status.expect(
        "soak",
        "UNKNOWN",
        (
            &["too-few-transactions", "too-few-functions"],
            &["of 25", "never called: Registry.follow"],
        ),
    )
}

/// What somebody would sign who sees the soak as it is.
pub(super) fn seen(scene: &Scene<'_>) -> Result<SoakSample, Failed> {
    scene.done("kim", &["status", "--sample", "--as", "treasury"])?;
    let statements = scene.project().join("deployments/statements");
    for entry in std::fs::read_dir(statements)? {
        let path = entry?.path();
        let signed: SignedStatement = serde_json::from_slice(&std::fs::read(&path)?)?;
        if let Statement::Statement(General { body: Body::SoakSample(sample), .. }) =
            signed.statement
        {
            // Only what the case signs shall count: neither the file nor the memory of it.
            std::fs::remove_file(&path)?;
            scene.forget("kim")?;
            scene.forget("eva")?;
            return Ok(sample);
        }
    }
    Err("no sample was signed".into())
}

/// Writes a sample's file, signed by this key.
pub(super) fn sign(
    scene: &Scene<'_>,
    key: &PrivateKeySigner,
    sample: SoakSample,
) -> Result<String, Failed> {
    let time = sample.timestamp;
    let general = Forge(scene).general("treasury", Body::SoakSample(sample), time)?;
    let statement = Statement::Statement(General { signer: key.address(), ..general });
    let digest = statement.digest()?;
    let signature = key.sign_hash_sync(&digest.0)?;
    let signed = SignedStatement::by_key(statement, signature);
    let file = format!("deployments/statements/{digest}.json");
    scene.write(&file, &format!("{:#}\n", serde_json::to_value(&signed)?))?;
    Ok(file)
}
