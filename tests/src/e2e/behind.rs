//! Endpoints that stand where the chain was some time ago: what they cannot know is said as that.

use alloy_primitives::U64;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Anvil, Person, Reply, RpcClient, ScriptedNode};

use crate::support::{Case, Outcome, Scene, Status, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            an_endpoint_that_is_too_far_behind_to_know_of_a_go_says_so,
            an_endpoint_that_stands_before_the_deployment_says_so;
        Signed: an_endpoint_that_stands_before_the_execution_says_so;
    }
}

/// An endpoint that knows a chain up to a block, and answers as a node does that is still there.
fn up_to(anvil: &Anvil, last: u64) -> Result<ScriptedNode, Failed> {
    let client = RpcClient::new(anvil.url());
    let block = move |number: u64| {
        let found = client.call("eth_getBlockByNumber", json!([U64::from(number), false]));
        Reply::Result(found.unwrap_or(Value::Null))
    };
    let client = RpcClient::new(anvil.url());
    let number = |value: &Value| serde_json::from_value::<U64>(value.clone()).ok();
    let node = ScriptedNode::start(Some(anvil.url()), move |method, params| {
        let known = |found: Option<Value>| {
            let at = found.as_ref().and_then(|found| {
                number(&found["blockNumber"]).or_else(|| number(&found["number"]))
            });
            match at {
                Some(at) if at.to::<u64>() > last => Reply::Result(Value::Null),
                _ => Reply::Forward,
            }
        };
        match (method, params[0].as_str()) {
            ("eth_blockNumber", _) => Reply::Result(json!(U64::from(last))),
            ("eth_getBlockByNumber", Some("finalized")) => block(last.saturating_sub(2)),
            ("eth_getBlockByNumber", Some("safe")) => block(last.saturating_sub(1)),
            ("eth_getBlockByNumber", Some("latest" | "pending")) => block(last),
            ("eth_getBlockByNumber", _) => match number(&params[0]) {
                Some(at) if at.to::<u64>() > last => Reply::Result(Value::Null),
                _ => Reply::Forward,
            },
            (
                "eth_getTransactionReceipt" | "eth_getTransactionByHash" | "eth_getBlockByHash",
                _,
            ) => known(client.call(method, params.clone()).ok()),
            _ => Reply::Forward,
        }
    })?;
    Ok(node)
}

fn latest(anvil: &Anvil) -> Result<u64, Failed> {
    let number: U64 = serde_json::from_value(anvil.rpc("eth_blockNumber", json!([]))?)?;
    Ok(number.to())
}

/// Nothing is FAIL; the gate does not pass, and says what it lacks.
fn says(person: &Person, gate: &str, words: &[&str]) -> Outcome {
    let status = Status::of(&person.run(&["status", "--json"])?)?;
    let gates = status.0["gates"].as_array().ok_or("no gates")?;
    let verdict = |report: &Value| report["result"]["verdict"].as_str().map(str::to_owned);
    assert!(gates.iter().all(|report| verdict(report).as_deref() != Some("FAIL")), "{status:?}");
    assert_eq!(status.verdict(gate), "UNKNOWN", "{status:?}");
    let why = status.why(gate);
    assert!(words.iter().all(|part| why.contains(part)), "{words:?}: {why}");
    person.run(&["promote"])?.expect_code(30)?;
    Ok(())
}

fn an_endpoint_that_is_too_far_behind_to_know_of_a_go_says_so(scene: &Scene<'_>) -> Outcome {
    let mut heights = Vec::new();
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let read: Value = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        let message = &read["statement"]["message"];
        if message["body"].to_string().contains("\"go") || message["body"]["kind"] == "go" {
            heights.extend(message["at"]["number"].as_u64());
        }
    }
    let go = heights.into_iter().max().ok_or("no go")?;
    let node = up_to(&scene.world.mainnet, go + 1)?;
    let eva = scene.person("eva").with_variable("MAINNET_RPC", &node.url());
    says(&eva, "go", &["by kim does not count", "which is later", "that is not behind"])
}

fn an_endpoint_that_stands_before_the_deployment_says_so(scene: &Scene<'_>) -> Outcome {
    let (_, record) = scene.record()?;
    let blocks = record["transactions"].as_array().ok_or("no transactions")?.iter();
    let first = blocks.filter_map(|sent| sent["block"]["number"].as_u64()).min().ok_or("none")?;
    let all = latest(&scene.world.testnet)?;
    for last in [first - 1, all.saturating_sub(400)] {
        let node = up_to(&scene.world.testnet, last)?;
        let eva = scene.person("eva").with_variable("TESTNET_RPC", &node.url());
        says(&eva, "code", &["testnet has nothing of vault-1.4.0", "or its endpoint is behind"])?;
    }
    Ok(())
}

fn an_endpoint_that_stands_before_the_execution_says_so(scene: &Scene<'_>) -> Outcome {
    let before = latest(&scene.world.mainnet)?;
    let (proposal, _) = scene.promotion()?;
    scene.person("ops").approve(&["proposal", "execute", &proposal])?.expect_code(0)?;
    scene.world.settle()?;
    let node = up_to(&scene.world.mainnet, before)?;
    let eva = scene.person("eva").with_variable("MAINNET_RPC", &node.url());
    let verified = eva.run(&["verify", "mainnet", "--json"])?;
    let said = verified.json()?["result"].clone();
    assert_eq!(said["verdict"], "UNKNOWN", "{said}");
    let text = said.to_string();
    assert!(text.contains("the endpoint is behind") && !text.contains("delete it"), "{said}");
    // Behind or not: an address book that nobody's record gives is wrong.
    let book = "deployments/mainnet/addresses.json";
    let mut forged: Value = serde_json::from_slice(&std::fs::read(scene.project().join(book))?)?;
    forged["addresses"]["vault"]["address"] = json!(format!("0x{}", "66".repeat(20)));
    scene.write(book, &forged.to_string())?;
    let said = eva.run(&["verify", "mainnet", "--json"])?.json()?["result"].clone();
    assert_eq!(said["verdict"], "FAIL", "{said}");
    assert!(said.to_string().contains("addresses.json is not what"), "{said}");
    Ok(())
}
