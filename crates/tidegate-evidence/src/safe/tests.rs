use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use serde_json::{Value, json};
use tidegate_chain::{Network, NetworkConfig, Reading, RedactedUrl};
use tidegate_gates::{PolicyRules, SafeProof};
use tidegate_model::ChainId;
use tidegate_testkit::{Reply, ScriptedNode};

use super::*;

/// Safes on a chain with exact storage roots, made by `tests/safes/make.mjs`.
const SAFES: &str = include_str!("../../../../tests/safes/safes.json");
const FINAL: u64 = 5;

/// Which proofs a node gives.
#[derive(Clone, Copy, PartialEq)]
enum Proofs {
    Each,
    OfTheLatest,
    None,
}

fn head(number: u64, root: &Value) -> Value {
    json!({"number": format!("{number:#x}"), "hash": B256::from(U256::from(number + 1)),
        "timestamp": "0x1", "stateRoot": root})
}

/// A node on a public chain that serves one Safe, with its chain's roots.
fn node(chain: u64, made: Value, proofs: Proofs) -> ScriptedNode {
    let latest = made["block"].as_str().unwrap().trim_start_matches("0x").to_owned();
    let latest = u64::from_str_radix(&latest, 16).unwrap();
    let answer = move |method: &str, params: &Value| -> Value {
        let address = |value: &Value| serde_json::from_value::<Address>(value.clone()).ok();
        let safe = address(&made["safe"]);
        match method {
            "eth_chainId" => json!(format!("{chain:#x}")),
            "eth_getBlockByNumber" => match params[0].as_str() {
                Some("latest") => head(latest, &made["stateRoot"]),
                Some("finalized") => head(FINAL, &made["stateRoot"]),
                Some(number) => {
                    let number = u64::from_str_radix(number.trim_start_matches("0x"), 16);
                    head(number.unwrap(), &made["stateRoot"])
                }
                None => Value::Null,
            },
            "eth_getBlockByHash" => {
                let hash: B256 = serde_json::from_value(params[0].clone()).unwrap();
                let number = U256::from_be_bytes(hash.0).to::<u64>() - 1;
                head(number, &made["stateRoot"])
            }
            "eth_getCode" if address(&params[0]) == safe => made["code"].clone(),
            "eth_getCode" => json!("0x"),
            "eth_getTransactionCount" => json!("0x1"),
            "eth_getStorageAt" => {
                let slot: B256 = {
                    let slot: U256 = serde_json::from_value(params[1].clone()).unwrap();
                    slot.into()
                };
                let names = BTreeMap::from([
                    (SLOT_SINGLETON, "singleton"),
                    (SLOT_GUARD, "guard"),
                    (SLOT_MODULE_GUARD, "moduleGuard"),
                    (SLOT_HANDLER, "handler"),
                ]);
                made["storage"][names[&slot]].clone()
            }
            "eth_call" => {
                let data = params[0]["data"].as_str().unwrap_or_default().to_owned();
                let reads = TrustReads::new();
                let calls = [
                    (reads.owners, "owners"),
                    (reads.threshold, "threshold"),
                    (reads.nonce, "nonce"),
                    (reads.modules, "modules"),
                ];
                let asked = calls.iter().find(|(call, _)| call.to_string() == data);
                made[asked.unwrap().1].clone()
            }
            "eth_getLogs" => {
                let of_safe = params[0]["address"]
                    .as_array()
                    .is_some_and(|of| of.iter().any(|of| address(of) == safe));
                let topics: Vec<Value> =
                    params[0]["topics"][0].as_array().cloned().unwrap_or_default();
                let logs = if of_safe { &made["logs"] } else { &made["creations"] };
                let logs = logs.as_array().cloned().unwrap_or_default().into_iter().enumerate();
                let logs = logs.filter(|(_, log)| topics.contains(&log["topics"][0]));
                let logs = logs.map(|(index, log)| {
                    json!({"address": log["address"], "topics": log["topics"],
                        "data": log["data"], "blockHash": B256::with_last_byte(2),
                        "blockNumber": "0x1", "transactionHash": log["transaction"],
                        "logIndex": format!("{index:#x}")})
                });
                logs.collect()
            }
            "eth_getTransactionByHash" => {
                let hash = params[0].as_str().unwrap_or_default();
                json!({"hash": hash, "from": Address::ZERO, "nonce": "0x0", "to": null,
                    "value": "0x0", "input": made["inputs"][hash], "gas": "0x0",
                    "blockHash": null, "blockNumber": null})
            }
            "eth_getProof" => {
                let account = &made["account"];
                json!({"nonce": account["nonce"], "balance": account["balance"],
                    "codeHash": account["codeHash"], "storageHash": account["storageRoot"],
                    "accountProof": made["accountProof"]})
            }
            _ => Value::Null,
        }
    };
    let refuse = || Reply::Error { code: -32_601, message: "no such method".into(), data: None };
    ScriptedNode::start(None, move |method, params| {
        let at_latest = params[2] == json!(format!("{latest:#x}"));
        let refused = match proofs {
            Proofs::Each => false,
            Proofs::OfTheLatest => method == "eth_getProof" && !at_latest,
            Proofs::None => method == "eth_getProof",
        };
        match answer(method, params) {
            Value::Null => refuse(),
            _ if refused => refuse(),
            result => Reply::Result(result),
        }
    })
    .unwrap()
}

/// What a public chain's Safe comes to.
fn prove(chain: u64, made: &Value, proofs: Proofs) -> SafeProof {
    let node = node(chain, made.clone(), proofs);
    let safe = serde_json::from_value(made["safe"].clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let endpoints = vec![RedactedUrl::parse(&node.url()).unwrap()];
        let config = NetworkConfig {
            reading: Reading::Single,
            ..NetworkConfig::new("public", ChainId(chain), endpoints)
        };
        let network = Network::connect(config).await.unwrap();
        let head = network.finalized_head().await.unwrap();
        prove_safe(&network, safe, head).await.unwrap()
    })
}

fn safes() -> Vec<Value> {
    let file: Value = serde_json::from_str(SAFES).unwrap();
    file["safes"].as_array().cloned().unwrap()
}

#[test]
fn a_root_proves_a_safe_or_contradicts_it() {
    const PUBLIC: u64 = 424_242;
    for made in safes() {
        let name = made["name"].as_str().unwrap().to_owned();
        let latest = made["block"].as_str().unwrap().trim_start_matches("0x").to_owned();
        let latest = u64::from_str_radix(&latest, 16).unwrap();
        let latest = format!("all of its storage proven in block {latest}");
        for (proofs, by) in [
            (Proofs::Each, format!("all of its storage proven in block {FINAL}")),
            (Proofs::OfTheLatest, latest),
        ] {
            let proof = prove(PUBLIC, &made, proofs);
            assert!(proof.unexplained.is_empty(), "{name}: {proof:?}");
            assert_eq!(proof.by, by, "{name}");
            let (hidden, missing) = proof.faults(&PolicyRules::default());
            assert!(missing.is_empty(), "{name}");
            assert_eq!(!hidden.is_empty(), name.starts_with("hidden"), "{name}: {hidden:?}");
            if let Some(first) = hidden.first() {
                assert!(first.starts_with("the Safe's storage has the root 0x"), "{first}");
                assert!(hidden.len() > 1, "and says what may have done it: {hidden:?}");
            }
        }
    }
}

/// The same Safes where nobody gives proofs: what they ran decides, on every kind of chain.
#[test]
fn a_past_proves_a_safe_or_leaves_it_unknown() {
    for made in safes() {
        let name = made["name"].as_str().unwrap().to_owned();
        let proof = prove(1337, &made, Proofs::None);
        assert!(proof.hidden.is_empty(), "{name}: {proof:?}");
        assert_eq!(proof.by, "all that ever ran as it is known");
        // No code of Safe's libraries stands on this chain: each is named, and nothing else.
        let missing = proof.faults(&PolicyRules::default()).1;
        let ran = missing.iter().filter(|what| !what.starts_with("what ran as the Safe at"));
        let ran: Vec<_> = ran.collect();
        assert!(missing.len() > ran.len(), "{name}: {missing:?}");
        assert_eq!(!ran.is_empty(), name.starts_with("hidden"), "{name}: {ran:?}");
    }
}

#[test]
fn a_made_up_proof_is_none() {
    let mut made = safes().into_iter().find(|made| made["name"] == "hidden by setup").unwrap();
    let fresh = safes().into_iter().find(|made| made["name"] == "fresh").unwrap();
    made["account"]["storageRoot"] = fresh["account"]["storageRoot"].clone();
    let proof = prove(424_242, &made, Proofs::Each);
    assert_eq!(proof.by, "all that ever ran as it is known");
    let says = "the Safe's setup ran code of 0x00000000000000000000000000000000000000AA";
    let missing = proof.faults(&PolicyRules::default()).1;
    assert!(missing.iter().any(|what| what.starts_with(says)), "{missing:?}");
}
