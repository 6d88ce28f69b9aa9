//! The ports as the program has them: a network of one scripted endpoint, and a store on disk.

use std::time::Duration;

use alloy_primitives::keccak256;
use serde_json::{Value, json};
use tidegate_chain::{Network, NetworkConfig, RedactedUrl, SendOutcome};
use tidegate_model::{BlockRef, ChainId, Head};
use tidegate_store::{Store, StoreError, StreamName};
use tidegate_testkit::{GENESIS_TIMESTAMP, Reply, ScriptedNode};

use super::*;
use crate::deploy::{DeployRun, deploy};
use crate::ports::{Chain, Journal};

const SIMULATED: u64 = 31_337;

fn block(number: u64) -> Head {
    let block = BlockRef { number, hash: B256::repeat_byte(number as u8) };
    Head { block, timestamp: GENESIS_TIMESTAMP }
}

/// An endpoint whose latest block is 9 and whose final one 5. It says no to what is not here.
fn answer(method: &str, params: &Value) -> Reply {
    let head = |number: u64| {
        let Head { block, timestamp } = block(number);
        Reply::Result(json!({
            "number": format!("{number:#x}"), "hash": block.hash,
            "timestamp": format!("{timestamp:#x}"),
        }))
    };
    match (method, params[0].as_str()) {
        ("eth_chainId", _) => Reply::Result(json!(format!("{SIMULATED:#x}"))),
        ("eth_getBlockByNumber", Some("latest" | "0x9")) => head(9),
        ("eth_getBlockByNumber", Some("finalized")) => head(5),
        ("eth_getBlockByNumber", Some("0x0")) => head(0),
        ("eth_getTransactionCount", _) => Reply::Result(json!("0x7")),
        ("eth_getBalance", _) => Reply::Result(json!("0x8")),
        ("eth_getCode", _) => Reply::Result(json!("0x60")),
        ("eth_call", _) => Reply::Result(json!("0x61")),
        ("eth_estimateGas", _) => Reply::Result(json!("0x5208")),
        ("eth_feeHistory", _) => {
            Reply::Result(json!({"baseFeePerGas": ["0x1", "0x2"], "reward": [["0x3"]]}))
        }
        ("eth_sendRawTransaction", _) => Reply::Result(json!(keccak256([1, 2]))),
        _ => Reply::Error { code: -32_601, message: "not here".to_owned(), data: None },
    }
}

async fn connected(node: &ScriptedNode) -> Network {
    let endpoint = RedactedUrl::parse(&node.url()).unwrap();
    let config =
        NetworkConfig::new("test", ChainId(SIMULATED), vec![endpoint], || GENESIS_TIMESTAMP);
    Network::connect(NetworkConfig { quorum: 1, ..config }).await.unwrap()
}

#[tokio::test]
async fn a_network_is_a_chain() {
    let node = ScriptedNode::start(None, answer).unwrap();
    let network = connected(&node).await;
    let chain = &network;
    let at = block(9).block;
    assert_eq!((Chain::id(chain).chain.0, Chain::is_for_stop(chain)), (SIMULATED, false));
    assert!(Chain::is_for_stop(&network.for_stop()));
    assert_eq!(Chain::latest_head(chain).await.unwrap(), block(9));
    assert_eq!(Chain::finalized_head(chain).await.unwrap(), block(5));
    assert!(Chain::is_canonical(chain, at).await.unwrap());
    assert!(!Chain::is_canonical(chain, BlockRef { hash: B256::ZERO, ..at }).await.unwrap());
    assert_eq!(Chain::nonce(chain, TARGET, at).await.unwrap(), 7);
    assert_eq!(Chain::balance(chain, TARGET, at).await.unwrap(), U256::from(8));
    assert_eq!(Chain::code(chain, TARGET, at).await.unwrap(), Bytes::from_static(&[0x60]));
    let returned = Chain::call(chain, TARGET, &Bytes::new(), at).await.unwrap();
    assert_eq!(returned, Bytes::from_static(&[0x61]));
    let query = tidegate_chain::GasQuery {
        from: TARGET,
        to: Some(TARGET),
        data: Bytes::new(),
        value: U256::ZERO,
    };
    assert_eq!(Chain::estimate_gas(chain, &query).await.unwrap(), 21_000);
    let fees = Chain::fee_data(chain).await.unwrap();
    assert_eq!((fees.base_fee, fees.priority_fee), (2, 3));
    let sent = Chain::send_all(chain, &[Bytes::from_static(&[1, 2])]).await;
    let [SendOutcome::Accepted(hash)] = sent[..] else { panic!("{sent:?}") };
    assert_eq!(hash, keccak256([1, 2]));
}

#[tokio::test]
async fn what_an_endpoint_does_not_answer_is_no_answer() {
    let node = ScriptedNode::start(None, answer).unwrap();
    let chain = connected(&node).await;
    let hash = B256::repeat_byte(3);
    assert!(Chain::receipt(&chain, hash).await.is_err());
    assert!(Chain::is_known(&chain, hash).await.is_err());
    let history = Chain::sender_transactions(&chain, TARGET, 0, 8, block(9)).await;
    assert!(history.is_err(), "its nonce says seven: {history:?}");
    assert_eq!(node.calls("eth_getTransactionReceipt"), 1);
    assert_eq!(node.calls("eth_getTransactionByHash"), 1);
}

#[tokio::test]
async fn a_transaction_that_no_endpoint_has_is_not_known() {
    let script = |method: &str, params: &Value| match method {
        "eth_getTransactionByHash" => Reply::Result(Value::Null),
        _ => answer(method, params),
    };
    let node = ScriptedNode::start(None, script).unwrap();
    assert!(!Chain::is_known(&connected(&node).await, B256::ZERO).await.unwrap());
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test measures")]
async fn a_pause_takes_its_time() {
    let node = ScriptedNode::start(None, answer).unwrap();
    let network = connected(&node).await;
    let (from, time) = (tokio::time::Instant::now(), Duration::from_millis(20));
    Chain::pause(&network, time).await;
    assert!(from.elapsed() >= time);
}

#[test]
fn a_store_is_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let stream = StreamName::new("lane:1").unwrap();
    let lease = Journal::acquire(&store, &stream).unwrap();
    let second = Journal::acquire(&store, &stream);
    assert!(matches!(second, Err(StoreError::Held { .. })), "{second:?}");
    let bodies = [json!({"a": 1}), json!({"b": "2"})];
    for body in &bodies {
        Journal::append(&store, &lease, &[("Kind", body)]).unwrap();
    }
    assert_eq!(Journal::read(&store, &stream).unwrap(), bodies);
    let events = store.read(&stream).unwrap();
    assert!(events.iter().all(|event| event.kind == "Kind"));
}

/// Whoever serves pages sends from a task of its own: these futures may move between threads.
#[test]
fn what_sends_may_run_in_a_task() {
    fn send(_: impl Send) {}
    async fn everything(lane: &mut Lane<'_>, network: &Network, store: &Store, run: &DeployRun) {
        let (key, intent) = (Key { index: 0, broken: false }, intent("a", 1));
        send(Lane::open(network, store, &key, CAP));
        send(lane.adoption());
        send(lane.most_of(&intent, 0));
        send(lane.settle());
        send(lane.run(&intent));
        send(run.ceiling(lane, 0, &[], |_| false));
        send(deploy(lane, network, run, &std::collections::BTreeMap::new(), &mut |_| {}));
    }
    let _ = everything;
}
