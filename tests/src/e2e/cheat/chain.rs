//! Chains that are not what endpoints show of them.

use alloy_primitives::{Address, B256, Bytes, U64, U256, b256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::digest::project_id;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::statement::{NEVER, soak_start_subject};
use tidegate_model::{ChainId, GateInput, StatementDigest};
use tidegate_safe::{Proposal, ProposalKind, helper};
use tidegate_testkit::{
    Anvil, AnvilOptions, Person, Ran, Reply, ScriptedNode, actor, actor_address,
};

use crate::support::{Case, Outcome, Scene, Status, cases, files, said};

sol! {
    function upgradeToAndCall(address to, bytes data);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Signed:
            cheat_an_endpoint_that_is_an_hour_a_day_or_a_week_behind,
            cheat_a_tip_that_one_endpoint_names,
            cheat_evidence_that_is_garbage,
            a_proposal_of_six_days_is_checked_without_old_state;
        Ready:
            cheat_a_record_that_makes_somebody_a_deployer,
            cheat_events_of_a_stranger_without_end,
            cheat_a_testnet_that_was_run_forward,
            cheat_a_chain_that_nobody_lists,
            cheat_a_soak_network_whose_end_is_shown_twice,
            cheat_names_of_one_machine_as_a_quorum,
            cheat_an_endpoint_in_clear_text;
    }
}

const SEPOLIA: u64 = 11_155_111;
const SEPOLIA_GENESIS: B256 =
    b256!("25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9");

/// An endpoint for a chain that shows an older block under one tag.
fn behind(anvil: &Anvil, tag: &'static str, blocks: u64) -> Result<ScriptedNode, Failed> {
    let latest = anvil.latest()?.block.number;
    let number = U64::from(latest.saturating_sub(blocks));
    let older = anvil.rpc("eth_getBlockByNumber", json!([number, false]))?;
    Ok(ScriptedNode::start(Some(anvil.url()), move |method, params| {
        match (method, params[0].as_str()) {
            ("eth_getBlockByNumber", Some(asked)) if asked == tag => Reply::Result(older.clone()),
            _ => Reply::Forward,
        }
    })?)
}

/// Gives a network a second endpoint, named by a variable.
pub(super) fn second_endpoint(scene: &Scene<'_>, variable: &str) -> Outcome {
    let (from, second) = (format!("[\"${{{variable}}}\"]"), format!("${{{variable}_B}}"));
    scene.edit("tidegate.toml", &from, &format!("[\"${{{variable}}}\", \"{second}\"]"))
}

/// One endpoint lies about a height alone: what was posted since would not be seen.
fn cheat_an_endpoint_that_is_an_hour_a_day_or_a_week_behind(scene: &Scene<'_>) -> Outcome {
    second_endpoint(scene, "MAINNET_RPC")?;
    let (proposal, _) = scene.promotion()?;
    let mainnet = &scene.world.mainnet;
    let latest = mainnet.latest()?;
    let with = |who: &str, url: &str| scene.person(who).with_variable("MAINNET_RPC_B", url);
    // Blocks are an hour apart, and finality two blocks behind.
    for (tag, blocks) in [("finalized", 4), ("latest", 27), ("finalized", 171)] {
        let liar = behind(mainnet, tag, blocks)?;
        let eva = with("eva", &liar.url());
        let status = eva.run(&["status", "--json"])?;
        let ran = if tag == "finalized" {
            Status::of(&status)?.expect("policy", "UNKNOWN", (&["heads-apart"], &["30m"]))?;
            eva.run(&["promote", "--json"])?
        } else {
            with("o1", &liar.url()).run(&["proposal", "verify", &proposal])?
        };
        assert_eq!(ran.code, 30, "{tag} {blocks}: {ran:?}");
        let sign = with("o1", &liar.url()).run(&scene.signing(&proposal))?;
        let execute = with("ops", &liar.url()).approve(&["proposal", "execute", &proposal])?;
        for refused in [sign, execute] {
            let told = refused.code == 30 && said(&refused).contains("apart, at most 30m");
            assert!(told, "{tag} {blocks}: {refused:?}");
        }
    }
    assert_eq!(mainnet.latest()?, latest, "nothing was sent");
    let right = ScriptedNode::start(Some(mainnet.url()), |_, _| Reply::Forward)?;
    with("o1", &right.url()).run(&scene.signing(&proposal))?.expect_code(0)?;
    Ok(())
}

fn cheat_a_soak_network_whose_end_is_shown_twice(scene: &Scene<'_>) -> Outcome {
    second_endpoint(scene, "TESTNET_RPC")?;
    let liar = behind(&scene.world.testnet, "finalized", 30)?;
    let eva = scene.person("eva").with_variable("TESTNET_RPC_B", &liar.url());
    let status = Status::of(&eva.run(&["status", "--json"])?)?;
    for gate in ["soak", "code", "parameters"] {
        status.expect(gate, "UNKNOWN", (&["heads-apart"], &["30m"]))?;
    }
    // A policy asks for less, never for more.
    scene.edit("tidegate.toml", "audits = 2", "audits = 2\nheads_within = \"9d\"")?;
    let status = Status::of(&eva.run(&["status", "--json"])?)?;
    status.expect("soak", "UNKNOWN", (&["heads-apart"], &["30m"]))
}

/// A development node that hides what it is and plays Sepolia, under as many names as one likes.
fn disguised(anvil: &Anvil) -> Result<ScriptedNode, Failed> {
    let first = anvil.rpc("eth_getBlockByNumber", json!(["0x0", false]))?;
    Ok(ScriptedNode::start(Some(anvil.url()), move |method, params| match method {
        "anvil_nodeInfo" | "hardhat_metadata" => {
            Reply::Error { code: -32601, message: "no such method".to_owned(), data: None }
        }
        "web3_clientVersion" => Reply::Result(json!("Geth/v1.16.4")),
        "eth_getBlockByNumber" if params[0] == "0x0" => {
            let mut block: Value = first.clone();
            block["hash"] = json!(SEPOLIA_GENESIS);
            Reply::Result(block)
        }
        _ => Reply::Forward,
    })?)
}

fn cheat_names_of_one_machine_as_a_quorum(scene: &Scene<'_>) -> Outcome {
    let anvil = Anvil::start(scene.tools, AnvilOptions::new(SEPOLIA))?;
    let nodes = [disguised(&anvil)?, disguised(&anvil)?, disguised(&anvil)?];
    scene.edit("tidegate.toml", "chain      = 31338", &format!("chain      = {SEPOLIA}"))?;
    let own = scene.world.testnet.genesis_hash()?.to_string();
    scene.edit("tidegate.toml", &own, &SEPOLIA_GENESIS.to_string())?;
    let names = "[\"${TESTNET_RPC}\", \"${TESTNET_RPC_B}\", \"${TESTNET_RPC_C}\"]";
    scene.edit("tidegate.toml", "[\"${TESTNET_RPC}\"]", names)?;
    let [a, b, c] = nodes.each_ref().map(ScriptedNode::url);
    let person = |a: &str, b: &str, c: &str| -> Person {
        let eva = scene.person("eva").with_variable("TESTNET_RPC", a);
        eva.with_variable("TESTNET_RPC_B", b).with_variable("TESTNET_RPC_C", c)
    };
    let named = |url: &str, host: &str| url.replace("127.0.0.1", host);
    let unknown = |eva: &Person| -> Outcome {
        let status = Status::of(&eva.run(&["status", "--json"])?)?;
        status.expect("soak", "UNKNOWN", (&["too-few-endpoints"], &["1 of 2"]))
    };
    let three = person(&a, &named(&b, "localhost"), &named(&c, "127.0.0.2"));
    unknown(&three)?;
    unknown(&person(&a, &named(&b, "[::ffff:127.0.0.1]"), &named(&c, "127.1")))?;
    // On a public chain, nobody names operators of this machine.
    let rows = [("127.0.0.1", &a), ("localhost", &b), ("127.0.0.2", &c)].map(|(host, url)| {
        let port = url.rsplit(':').next().unwrap_or_default();
        format!("\"{host}:{port}\" = \"{host}\"\n")
    });
    let file = three.home().join("operators.toml");
    files::write(&file, format!("version = 1\n[operators]\n{}", rows.concat()).as_bytes())?;
    unknown(&three)
}

fn cheat_an_endpoint_in_clear_text(scene: &Scene<'_>) -> Outcome {
    for url in ["http://203.0.113.7/rpc", "http://0.0.0.0:8545", "http://node.localhost:8545"] {
        let eva = scene.person("eva").with_variable("TESTNET_RPC", url);
        let status = Status::of(&eva.run(&["status", "--json"])?)?;
        status.expect(
            "soak",
            "UNKNOWN",
            (&["unreadable"], &["is not encrypted, and not on this machine"]),
        )?;
    }
    let eva = scene.person("eva").with_variable("TESTNET_RPC", "ws://127.0.0.1:8545");
    let status = Status::of(&eva.run(&["status", "--json"])?)?;
    status.expect("soak", "UNKNOWN", (&["unreadable"], &["the scheme must be `https` or `http`"]))
}

/// An endpoint that shows no events of a block unless they are asked for by topic, as where
/// somebody filled it with them.
fn flooded(anvil: &Anvil, blocks: std::ops::RangeInclusive<u64>) -> Result<ScriptedNode, Failed> {
    let number = |value: &Value| -> u64 {
        serde_json::from_value::<U64>(value.clone()).map_or(0, |number| number.to())
    };
    Ok(ScriptedNode::start(Some(anvil.url()), move |method, params| {
        let filter = &params[0];
        let by_topic = filter["topics"].as_array().is_some_and(|topics| !topics.is_empty());
        if method != "eth_getLogs" || by_topic {
            return Reply::Forward;
        }
        let (from, to) = (number(&filter["fromBlock"]), number(&filter["toBlock"]));
        if from > *blocks.end() || to < *blocks.start() {
            return Reply::Forward;
        }
        let message = "query returned more than 10000 results".to_owned();
        Reply::Error { code: -32005, message, data: None }
    })?)
}

/// Whoever fills blocks with events stands in nobody's way, and hides nothing.
fn cheat_events_of_a_stranger_without_end(scene: &Scene<'_>) -> Outcome {
    let testnet = &scene.world.testnet;
    let status = |node: &ScriptedNode| -> Result<Status, Failed> {
        let eva = scene.person("eva").with_variable("TESTNET_RPC", &node.url());
        Status::of(&eva.run(&["status", "--json"])?)
    };
    let last = testnet.latest()?.block.number;
    let late = status(&flooded(testnet, last - 9..=last - 2)?)?;
    late.expect("soak", "PASS", &[])?;
    // Where the use itself is buried, that is said, and other use counts.
    let all = status(&flooded(testnet, 0..=last)?)?;
    all.expect("soak", "UNKNOWN", (&["blocks-flooded", "too-few-transactions"], &[" of 25 "]))?;
    // An upgrade in such a block is seen all the same.
    let (_, record) = scene.record()?;
    let vault = scene.contract("vault")?;
    let right: Address =
        serde_json::from_value(record["deployment"]["steps"]["vault"]["implementation"].clone())?;
    let call = upgradeToAndCallCall { to: right, data: Bytes::new() };
    let sent = testnet.send(&actor("deployer"), Some(vault), call.abi_encode(), U256::ZERO)?;
    scene.world.settle()?;
    let number = sent.block.number;
    let status = status(&flooded(testnet, number..=number)?)?;
    assert_ne!(status.verdict("soak"), "PASS");
    let resets = status.0["soak"]["resets"].to_string();
    assert!(resets.contains("Upgraded of"), "{resets}");
    Ok(())
}

/// Fees as an endpoint tells them that adds to them.
fn asks_for(anvil: &Anvil, base: &str, tip: &str) -> Result<ScriptedNode, Failed> {
    let told = json!({
        "oldestBlock": "0x1", "baseFeePerGas": [base, base], "gasUsedRatio": [0.5],
        "reward": [[tip]],
    });
    Ok(ScriptedNode::start(Some(anvil.url()), move |method, _| match method {
        "eth_feeHistory" => Reply::Result(told.clone()),
        _ => Reply::Forward,
    })?)
}

/// What a command says that its fees may come to, in ether.
fn fees(ran: &Ran) -> Result<f64, Failed> {
    let told = said(ran);
    let most = told.split_once("fees at most ").and_then(|(_, rest)| rest.split_once(" ETH"));
    Ok(most.ok_or("fees are shown")?.0.parse()?)
}

fn cheat_a_tip_that_one_endpoint_names(scene: &Scene<'_>) -> Outcome {
    const GWEI: u128 = 1_000_000_000;
    second_endpoint(scene, "MAINNET_RPC")?;
    let mainnet = &scene.world.mainnet;
    let (proposal, _) = scene.promotion()?;
    let pin = scene.safe();
    let execute = ["proposal", "execute", &proposal, "--pin", &pin, "--password-fd", "0"];
    let ops = |a: &str, b: &str| {
        scene.person("ops").with_variable("MAINNET_RPC", a).with_variable("MAINNET_RPC_B", b)
    };
    let before = mainnet.latest()?;
    // 500 gwei of tip, or of base fee: neither is ever agreed to unseen.
    let greedy = asks_for(mainnet, "0x1", "0x746a528800")?;
    let dear = asks_for(mainnet, "0x746a528800", "0x1")?;
    let refused = ops(&dear.url(), mainnet.url()).run(&execute)?.expect_code(4)?;
    assert!(said(&refused).contains("wait until it has fallen"), "{refused:?}");
    let alone = ops(&greedy.url(), &greedy.url()).run(&execute)?.expect_code(2)?;
    assert!(fees(&alone)? <= 0.1, "{alone:?}");
    let asked = ops(&greedy.url(), mainnet.url()).run(&execute)?.expect_code(2)?;
    assert!(fees(&asked)? * 4.0 < fees(&alone)?, "{asked:?}");
    // What was approved for less is not spent when fees are said to have risen.
    let approved = asked.asked_for().ok_or("an approval")?;
    let risen = asks_for(mainnet, "0x2540be400", "0x1")?;
    let refused = ops(&risen.url(), mainnet.url()).run(&approved)?.expect_code(2)?;
    assert!(said(&refused).contains("was approved, but what would happen now"), "{refused:?}");
    assert_eq!(mainnet.latest()?, before, "nothing was sent");
    ops(&greedy.url(), mainnet.url()).run(&approved)?.expect_code(0)?;
    let block = mainnet.rpc("eth_getBlockByNumber", json!(["latest", true]))?;
    let tip: U64 =
        serde_json::from_value(block["transactions"][0]["maxPriorityFeePerGas"].clone())?;
    assert!(u128::from(tip.to::<u64>()) <= 2 * GWEI, "{tip}");
    Ok(())
}

/// The testnet's operator has run it forward in seconds; the target's time tells.
fn cheat_a_testnet_that_was_run_forward(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "audits = 2", "audits = 2\nsoak_anchor = true")?;
    let nobody = |scene: &Scene<'_>| -> Outcome {
        let names = ["`tidegate record start --target mainnet --as KEY`"];
        scene.status()?.expect("soak", "UNKNOWN", (&["start-not-posted"], &names))
    };
    nobody(scene)?;
    let ether = U256::from(10).pow(U256::from(18));
    let mainnet = &scene.world.mainnet;
    for name in ["mallory", "treasury"] {
        mainnet.set_balance(actor_address(name), ether)?;
    }
    scene.world.settle()?;
    // What a stranger posts counts for nothing, by the program or past it.
    scene.person("mallory").keep_key("mallory", &actor("mallory"))?;
    let start = ["record", "start", "--as"];
    let refused = scene.approve("mallory", &[&start[..], &["mallory"]].concat())?;
    assert_eq!(refused.code, 5, "{refused:?}");
    let call = helper::post(subject(scene)?, NEVER);
    mainnet.send(&actor("mallory"), Some(helper::address()), call, U256::ZERO)?;
    scene.world.settle()?;
    nobody(scene)?;
    // From now on it counts, whatever the testnet has shown before.
    let posted = scene.done("kim", &[&start[..], &["treasury"]].concat())?;
    assert!(said(&posted).contains("Posted at the helper on mainnet"), "{posted:?}");
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("soak", "WAITING", (&["too-young", "start-posted-late"], &["mainnet"]))?;
    let credited = status.0["soak"]["creditedSecs"].as_u64().unwrap_or(u64::MAX);
    assert!(credited < 600, "{credited}");
    scene.world.advance_days(14, 12)?;
    scene.status()?.expect("soak", "PASS", &[])?;
    // Another deployment has another start.
    scene.done("eva", &["deploy", "--id", "1"])?;
    scene.world.settle()?;
    nobody(scene)
}

/// The subject under which the start of the scene's soak is posted.
fn subject(scene: &Scene<'_>) -> Result<StatementDigest, Failed> {
    let record: DeploymentRecord = serde_json::from_value(scene.record()?.1)?;
    let project = project_id(ChainId(scene.world.mainnet.chain_id()), scene.world.safe, "vault");
    let anchor = record.anchor().ok_or("an anchor")?.block.hash;
    Ok(soak_start_subject(project, record.deployment.digest()?, anchor))
}

/// Whoever runs such a chain sets its time and blocks; what is simulated backs nothing real.
fn cheat_a_chain_that_nobody_lists(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read("tidegate.toml")?;
    let target = kept.replace("chain      = 31337", "chain      = 4243");
    let unlisted = target.replace("chain      = 31338", "chain      = 4242");
    scene.write("tidegate.toml", &unlisted)?;
    let names = ["`testnet` is chain 4242, which Tidegate does not know"];
    scene.status()?.expect("policy", "UNKNOWN", (&["soak-network"], &names))?;
    scene.write("tidegate.toml", &target)?;
    scene.status()?.expect(
        "policy",
        "UNKNOWN",
        (&["soak-network"], &["`testnet` is a simulated chain"]),
    )?;
    // The policy may take such a chain, not one that is simulated.
    let allowed = |text: &str| text.replace("audits = 2", "audits = 2\nunlisted = true");
    scene.write("tidegate.toml", &allowed(&target))?;
    scene.status()?.expect(
        "policy",
        "UNKNOWN",
        (&["soak-network"], &["`testnet` is a simulated chain"]),
    )?;
    scene.write("tidegate.toml", &allowed(&unlisted))?;
    let status = scene.status()?;
    status.expect_without("policy", "soak-network")?;
    Ok(())
}

/// A proposal like this one, with other inputs of its evidence, under its own hash.
fn with_inputs(
    scene: &Scene<'_>,
    hash: &str,
    change: impl Fn(&mut Vec<GateInput>),
) -> Result<String, Failed> {
    let text = scene.read(&format!("deployments/mainnet/proposals/{hash}.json"))?;
    let proposal: Proposal = serde_json::from_str(&text)?;
    let ProposalKind::Promotion(promotion) = proposal.kind else {
        return Err("a promotion".into());
    };
    let mut promotion = *promotion;
    let helper = helper::address();
    let old = promotion.record_call(helper);
    change(&mut promotion.evidence.inputs);
    promotion.evidence_digest = promotion.evidence.digest()?;
    let record = promotion.record_call(helper);
    let calls = proposal.calls.into_iter().map(|call| match call.same_call(&old) {
        true => record.clone(),
        false => call,
    });
    let (network, safe, nonce) = (proposal.network, proposal.safe, proposal.safe_tx.nonce);
    let forged = Proposal::promotion(network, safe, nonce, promotion, calls.collect())?;
    let checked = forged.check(helper)?;
    scene.write(
        &format!("deployments/mainnet/proposals/{}", checked.file_name()),
        &checked.to_text()?,
    )?;
    Ok(checked.hash().to_string())
}

/// Canonical blocks and the right kinds, and every digest made up; or one alone.
fn cheat_evidence_that_is_garbage(scene: &Scene<'_>) -> Outcome {
    let (hash, _) = scene.promotion()?;
    let garbage = B256::repeat_byte(7);
    let all = |inputs: &mut Vec<GateInput>| inputs.iter_mut().for_each(|i| i.digest = garbage);
    let refused = |hash: &str, says: &str| -> Outcome {
        let signed = scene.person("o1").run(&scene.signing(hash))?.expect_code(1)?;
        let told = said(&signed);
        let right =
            told.contains("the evidence is not what the gates rest on") && told.contains(says);
        if right { Ok(()) } else { Err(format!("{says}: {told}").into()) }
    };
    refused(&with_inputs(scene, &hash, all)?, "has digest 0x0707")?;
    for kind in ["audits/revocations", "go/posted", "safe/state", "soak/activity", "soak/start"] {
        let one = |inputs: &mut Vec<GateInput>| {
            let found = inputs.iter_mut().filter(|input| input.kind == kind);
            found.for_each(|input| input.digest = garbage);
        };
        refused(&with_inputs(scene, &hash, one)?, &format!("input {kind} has digest 0x0707"))?;
    }
    let fewer = |inputs: &mut Vec<GateInput>| inputs.retain(|input| input.kind != "go/posted");
    refused(&with_inputs(scene, &hash, fewer)?, "it does not list input go/posted")
}

/// An endpoint that has forgotten the state of all but its newest 128 blocks.
pub(super) fn pruned(anvil: &Anvil) -> Result<ScriptedNode, Failed> {
    const KEPT_BLOCKS: u64 = 128;
    let latest = anvil.latest()?.block.number;
    let oldest = latest.saturating_sub(KEPT_BLOCKS - 1);
    let mut kept = std::collections::BTreeSet::new();
    for number in oldest..=latest {
        let block = anvil.rpc("eth_getBlockByNumber", json!([U64::from(number), false]))?;
        kept.insert(block["hash"].to_string());
    }
    let state = ["eth_getCode", "eth_getBalance", "eth_getStorageAt", "eth_getTransactionCount"];
    Ok(ScriptedNode::start(Some(anvil.url()), move |method, params| {
        if method != "eth_call" && !state.contains(&method) {
            return Reply::Forward;
        }
        let at = params.as_array().and_then(|params| params.last()).cloned().unwrap_or_default();
        let number = serde_json::from_value::<U64>(at.clone()).ok().map(|n| n.to::<u64>());
        let there = match (&at["blockHash"], number) {
            (Value::Null, Some(number)) => number >= oldest,
            (Value::Null, None) => true,
            (hash, _) => kept.contains(&hash.to_string()),
        };
        if there {
            return Reply::Forward;
        }
        let message = "missing trie node: state is not available".to_owned();
        Reply::Error { code: -32000, message, data: None }
    })?)
}

fn a_proposal_of_six_days_is_checked_without_old_state(scene: &Scene<'_>) -> Outcome {
    let (hash, _) = scene.promotion()?;
    // Seven days after it was proposed it is over; an hour is a block, so this is 145 blocks.
    scene.world.advance_days(6, 11)?;
    let nodes = [pruned(&scene.world.testnet)?, pruned(&scene.world.mainnet)?];
    let o3 = scene.person("o3").with_variable("TESTNET_RPC", &nodes[0].url());
    let o3 = o3.with_variable("MAINNET_RPC", &nodes[1].url());
    let verified = o3.run(&["proposal", "verify", &hash, "--pin", &scene.safe()])?;
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(nodes.iter().all(|node| node.calls("eth_call") > 0));
    Ok(())
}

/// Kim did not deploy, whoever writes a record that says so: their go counts.
fn cheat_a_record_that_makes_somebody_a_deployer(scene: &Scene<'_>) -> Outcome {
    scene.status()?.expect_others_pass(&[])?;
    let (path, record) = scene.record()?;
    let mut forged = record.clone();
    forged["deployment"]["executor"] = json!(actor_address("treasury").to_string());
    forged["id"] = json!(0);
    let name = path.file_name().ok_or("a name")?.to_string_lossy().into_owned();
    let other = format!("deployments/testnet/x{name}");
    for executor in ["treasury", "ada"] {
        forged["deployment"]["executor"] = json!(actor_address(executor).to_string());
        scene.write(&other, &format!("{forged:#}\n"))?;
        let status = scene.status()?;
        for gate in ["go", "separation", "bugs"] {
            status.expect(gate, "PASS", &[])?;
        }
    }
    Ok(())
}
