use std::collections::BTreeMap;
use std::sync::Mutex;

use alloy_primitives::{Address, B256, U256};
use serde_json::{Value, json};
use tidegate_chain::{Network, NetworkConfig, Reading, RedactedUrl};
use tidegate_gates::{PolicyRules, SafeProof};
use tidegate_model::{ChainId, ReasonCode};
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

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// The number of a block, as nodes write it.
fn number(value: &Value) -> u64 {
    read::<U256>(value).to()
}

/// What the chain of a Safe answers; `Null` for what it does not know.
fn answer(chain: u64, made: &Value, method: &str, params: &Value) -> Value {
    let safe: Address = read(&made["safe"]);
    let root = &made["stateRoot"];
    match method {
        "eth_chainId" => json!(format!("{chain:#x}")),
        "eth_getBlockByNumber" => match params[0].as_str() {
            Some("latest") => head(number(&made["block"]), root),
            Some("finalized") => head(FINAL, root),
            _ => head(number(&params[0]), root),
        },
        "eth_getBlockByHash" => head(number(&params[0]) - 1, root),
        "eth_getCode" if read::<Address>(&params[0]) == safe => made["code"].clone(),
        "eth_getCode" => json!("0x"),
        "eth_getTransactionCount" => json!("0x1"),
        "eth_getStorageAt" => {
            let names = BTreeMap::from([
                (SLOT_SINGLETON, "singleton"),
                (SLOT_GUARD, "guard"),
                (SLOT_MODULE_GUARD, "moduleGuard"),
                (SLOT_HANDLER, "handler"),
            ]);
            made["storage"][names[&B256::from(read::<U256>(&params[1]))]].clone()
        }
        "eth_call" => {
            let TrustReads { owners, threshold, nonce, modules } = TrustReads::new();
            let calls = [
                (owners, "owners"),
                (threshold, "threshold"),
                (nonce, "nonce"),
                (modules, "modules"),
            ];
            let asked: Bytes = read(&params[0]["data"]);
            made[calls.iter().find(|(call, _)| *call == asked).unwrap().1].clone()
        }
        "eth_getLogs" => logs_of(made, &params[0]),
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
}

fn logs_of(made: &Value, filter: &Value) -> Value {
    let addresses: Vec<Address> = read(&filter["address"]);
    let topics: Vec<B256> = read(&filter["topics"][0]);
    let of_safe = addresses.contains(&read(&made["safe"]));
    let logs = if of_safe { &made["logs"] } else { &made["creations"] };
    let logs = logs.as_array().into_iter().flatten().enumerate();
    let logs = logs.filter(|(_, log)| topics.contains(&read(&log["topics"][0])));
    let wire = logs.map(|(index, log)| {
        json!({"address": log["address"], "topics": log["topics"], "data": log["data"],
            "blockHash": B256::with_last_byte(2), "blockNumber": "0x1",
            "transactionHash": log["transaction"], "logIndex": format!("{index:#x}")})
    });
    wire.collect()
}

/// A node on a chain that serves one Safe, with its chain's roots.
fn node(chain: u64, made: Value, proofs: Proofs) -> ScriptedNode {
    ScriptedNode::start(None, move |method, params| {
        let refused = match proofs {
            _ if method != "eth_getProof" => false,
            Proofs::Each => false,
            Proofs::OfTheLatest => number(&params[2]) != number(&made["block"]),
            Proofs::None => true,
        };
        match answer(chain, &made, method, params) {
            result if !refused && !result.is_null() => Reply::Result(result),
            _ => {
                let message = "no such method".to_owned();
                Reply::Error { code: -32_601, message, data: None }
            }
        }
    })
    .unwrap()
}

/// What a machine has seen of a Safe's transactions.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<B256, Preimage>>);

impl KnownTransactions for Memory {
    fn candidates(&self, hash: B256) -> Vec<Preimage> {
        self.0.lock().unwrap().get(&hash).cloned().into_iter().collect()
    }

    fn keep(&self, hash: B256, tx: &Preimage) {
        self.0.lock().unwrap().insert(hash, tx.clone());
    }
}

/// What a public chain's Safe comes to.
fn prove(chain: u64, made: &Value, proofs: Proofs) -> SafeProof {
    prove_with(chain, made, proofs, &Memory::default())
}

fn prove_with(chain: u64, made: &Value, proofs: Proofs, seen: &Memory) -> SafeProof {
    let node = node(chain, made.clone(), proofs);
    let safe = serde_json::from_value(made["safe"].clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let endpoints = vec![RedactedUrl::parse(&node.url()).unwrap()];
        let config = NetworkConfig {
            reading: Reading::Single,
            // The blocks were recorded; how old they are is no question here.
            heads_within_secs: u64::MAX,
            ..NetworkConfig::new("public", ChainId(chain), endpoints, || 0)
        };
        let network = Network::connect(config).await.unwrap();
        let head = network.finalized_head().await.unwrap();
        prove_safe(&network, safe, head, seen).await.unwrap()
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
        let latest = number(&made["block"]);
        for (proofs, at) in [(Proofs::Each, FINAL), (Proofs::OfTheLatest, latest)] {
            let proof = prove(PUBLIC, &made, proofs);
            assert!(proof.unexplained.is_empty(), "{name}: {proof:?}");
            assert_eq!((proof.by.as_str(), proof.at), ("all of its storage proven", at), "{name}");
            let (hidden, missing) = proof.faults(&PolicyRules::default());
            assert!(missing.is_empty(), "{name}");
            assert_eq!(!hidden.is_empty(), name.starts_with("hidden"), "{name}: {hidden:?}");
            if let Some(first) = hidden.first() {
                assert_eq!(first.code, ReasonCode::HiddenState);
                assert!(first.text.starts_with("the Safe's storage has the root 0x"), "{first}");
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
        assert_eq!(proof.by, "its whole past known");
        // No code of Safe's libraries stands on this chain: each is named, and nothing else.
        let missing = proof.faults(&PolicyRules::default()).1;
        let ran = missing.iter().filter(|what| !what.text.starts_with("what ran as the Safe at"));
        let ran: Vec<_> = ran.collect();
        assert!(missing.iter().all(|why| why.code == ReasonCode::UnexplainedRun), "{name}");
        assert!(missing.len() > ran.len(), "{name}: {missing:?}");
        assert_eq!(!ran.is_empty(), name.starts_with("hidden"), "{name}: {ran:?}");
    }
}

/// A machine that has once read what a Safe executed knows it after the calldata says nothing any
/// more; one that has not names each execution and its proposal's file.
#[test]
fn what_was_once_read_stays_known() {
    let mut made = safes().into_iter().find(|made| made["name"] == "message signed").unwrap();
    let logs = made["logs"].as_array_mut().unwrap();
    // The singleton of other chains logs no transaction in its own words.
    logs.retain(|log| log["topics"].as_array().unwrap().len() > 1);
    let seen = Memory::default();
    assert!(prove_with(1337, &made, Proofs::None, &seen).unknown.is_empty());
    let inputs = made["inputs"].as_object_mut().unwrap();
    inputs.values_mut().for_each(|input| *input = json!("0x"));
    let unknown = prove(1337, &made, Proofs::None).unknown;
    let hash = *seen.0.lock().unwrap().keys().next().unwrap();
    assert_eq!((unknown.len(), unknown[0].hash), (1, hash));
    assert_eq!(unknown[0].file, format!("deployments/public/proposals/{hash}.json"));
    assert!(prove_with(1337, &made, Proofs::None, &seen).unknown.is_empty());
    // What only stands under that hash is no other transaction's preimage.
    let other = Preimage::from(&tidegate_safe::SafeTx {
        to: Address::ZERO,
        value: U256::ZERO,
        data: Bytes::new(),
        operation: tidegate_safe::Operation::Call,
        nonce: 0,
    });
    seen.keep(hash, &other);
    assert_eq!(prove_with(1337, &made, Proofs::None, &seen).unknown, unknown);
}

#[test]
fn a_made_up_proof_is_none() {
    let mut made = safes().into_iter().find(|made| made["name"] == "hidden by setup").unwrap();
    let fresh = safes().into_iter().find(|made| made["name"] == "fresh").unwrap();
    made["account"]["storageRoot"] = fresh["account"]["storageRoot"].clone();
    let proof = prove(424_242, &made, Proofs::Each);
    assert_eq!(proof.by, "its whole past known");
    let says = "the Safe's setup ran code of 0x00000000000000000000000000000000000000AA";
    let missing = proof.faults(&PolicyRules::default()).1;
    assert!(missing.iter().any(|what| what.text.starts_with(says)), "{missing:?}");
}
