//! Endpoints that fail, lie, or tell secrets.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::{Value, json};
use tidegate_chain::{
    Budget, ConnectError, EndpointError, LogQuery, Network, NetworkConfig, ReadError,
};
use tidegate_model::ids::{BlockRef, Head};
use tidegate_testkit::{Anvil, GENESIS_TIMESTAMP, Reply, ScriptedNode, test_address, test_key};

use crate::support::{
    API_KEY, LIMITS, Outcome, PUBLIC, SIMULATED, anvil, config, connect, is_disagreement,
    is_too_few, limits_for, pair, public_node, run, second_host, single, whole,
};

const READ: &str = "eth_getBalance";

/// Reads a balance from a node that answers such reads with `reply`; the error, and how often
/// it was asked.
#[expect(clippy::disallowed_methods, reason = "a test measures")]
fn check(
    anvil: &Anvil,
    reply: Reply,
) -> Result<(EndpointError, usize), Box<dyn std::error::Error>> {
    let limits = limits_for(&reply);
    let node = ScriptedNode::start(Some(anvil.url()), move |method, _| match method {
        READ => reply.clone(),
        _ => Reply::Forward,
    })?;
    let url = format!("{}/v3/{API_KEY}?token={API_KEY}", node.url());
    let network = connect(NetworkConfig { limits, ..config(SIMULATED, &[&url]) })?;
    let started = Instant::now();
    let read = run(single(&network).balance(test_address(0), anvil.latest()?.block));
    assert!(started.elapsed() < limits.call * 4, "limits hold");
    let Err(error) = read else { panic!("{read:?}") };
    let text = whole(&error);
    assert!(!text.contains(API_KEY) && !text.contains("/v3"), "{text}");
    assert!(text.contains("http://127.0.0.1"), "{text}");
    assert!(!text.chars().any(char::is_control), "{text}");
    let ReadError::Endpoint { source, .. } = error else { panic!("{error:?}") };
    Ok((*source, node.calls(READ)))
}

#[test]
fn what_goes_on_too_long_is_given_up() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    for reply in [Reply::Stall, Reply::Drip { every_ms: 20 }] {
        let (error, calls) = check(&anvil, reply)?;
        assert!(matches!(error, EndpointError::TimedOut { .. }), "{error:?}");
        assert_eq!(calls, 1);
    }
    Ok(())
}

#[test]
fn what_is_too_large_is_not_read() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let (error, calls) = check(&anvil, Reply::Flood { bytes: LIMITS.answer_bytes + 1 })?;
    let limit = LIMITS.answer_bytes;
    let large =
        matches!(error, EndpointError::TooLarge { limit_bytes, .. } if limit_bytes == limit);
    assert!(large, "{error:?}");
    assert_eq!(calls, 1);
    let (error, _) = check(&anvil, Reply::Flood { bytes: LIMITS.answer_bytes })?;
    assert!(matches!(error, EndpointError::BadAnswer { .. }), "{error:?}");
    Ok(())
}

#[test]
fn passing_failures_are_read_again_and_others_are_not() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let http = |status| Reply::Http { status, headers: vec![], body: vec![] };
    let rpc = Reply::Error { code: -32000, message: "header not found".to_owned(), data: None };
    let cases = [(http(503), 2), (http(429), 3), (Reply::HangUp, 2), (http(401), 1), (rpc, 1)];
    for (reply, expected) in cases {
        let (error, calls) = check(&anvil, reply)?;
        assert_eq!(calls, expected, "{error:?}");
    }
    Ok(())
}

#[test]
fn a_redirect_is_not_followed() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let elsewhere = ScriptedNode::start(None, |_, _| Reply::Result(json!("0x1")))?;
    let headers = vec![("location".to_owned(), elsewhere.url())];
    for status in [301, 302, 307, 308] {
        let (error, _) =
            check(&anvil, Reply::Http { status, headers: headers.clone(), body: vec![] })?;
        let refused = matches!(error, EndpointError::Status { status: s, .. } if s == status);
        assert!(refused, "{error:?}");
    }
    assert_eq!(elsewhere.calls(READ), 0);
    Ok(())
}

#[test]
fn an_answer_must_be_one() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let body = |text: &str| Reply::Http { status: 200, headers: vec![], body: text.into() };
    let cases = [
        body(""),
        body("<html>"),
        body("[]"),
        body(r#"{"jsonrpc":"2.0","id":2,"result":"0x1"}"#),
        body(r#"{"jsonrpc":"2.0","id":1}"#),
        Reply::Result(json!("lots")),
        Reply::Result(Value::Null),
    ];
    for reply in cases {
        let (error, _) = check(&anvil, reply)?;
        assert!(matches!(error, EndpointError::BadAnswer { .. }), "{error:?}");
    }
    Ok(())
}

#[test]
fn an_errors_text_is_harmless() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let message = format!("\u{1b}]0;x\u{7}{API_KEY}\u{2066}");
    let (error, _) = check(&anvil, Reply::Error { code: -1, message, data: None })?;
    let EndpointError::Rpc { message, .. } = error else { panic!("{error:?}") };
    assert_eq!(message, r"\u{1b}]0;x\u{7}[redacted]\u{2066}");
    Ok(())
}

/// A read, of which only success matters here.
async fn reads(network: &Network, at: Head) -> Vec<(&'static str, Result<(), ReadError>)> {
    let (who, block) = (test_address(0), at.block);
    let logs = LogQuery { addresses: vec![who], topics: vec![], from: 0, to: block.number };
    vec![
        ("eth_getBalance", network.balance(who, block).await.map(|_| ())),
        ("eth_getCode", network.code(who, block).await.map(|_| ())),
        ("eth_getStorageAt", network.storage(who, U256::ZERO, block).await.map(|_| ())),
        ("eth_getTransactionCount", network.nonce(who, block).await.map(|_| ())),
        ("eth_call", network.call(who, &Bytes::new(), block).await.map(|_| ())),
        ("eth_getLogs", network.logs(&logs).await.map(|_| ())),
    ]
}

#[test]
fn one_liar_makes_each_pinned_read_a_disagreement() -> Outcome {
    let pair = pair(|method, params| match method {
        "eth_getBalance" | "eth_getTransactionCount" => Reply::Result(json!("0x63")),
        "eth_getStorageAt" => Reply::Result(json!(B256::repeat_byte(1))),
        "eth_getCode" | "eth_call" => Reply::Result(json!("0x60")),
        "eth_getLogs" => Reply::Result(json!([{
            "address": params[0]["address"][0], "topics": [], "data": "0x",
            "blockNumber": "0x1", "blockHash": B256::repeat_byte(1),
            "transactionHash": B256::repeat_byte(1), "logIndex": "0x0",
        }])),
        _ => Reply::Forward,
    })?;
    pair.anvil.mine(3)?;
    let head = run(pair.network.finalized_head())?;
    for (method, read) in run(reads(&pair.network, head)) {
        assert!(is_disagreement(&read), "{method}: {read:?}");
    }
    for (method, read) in run(reads(&single(&pair.network), head)) {
        assert!(read.is_ok(), "{method}: one honest endpoint is enough here: {read:?}");
    }
    Ok(())
}

#[test]
fn one_that_is_silent_leaves_too_few() -> Outcome {
    let pair = pair(|method, params| match (method, params[0].as_str()) {
        ("eth_chainId", _) | ("eth_getBlockByNumber", Some("0x0")) => Reply::Forward,
        ("anvil_nodeInfo" | "hardhat_metadata" | "web3_clientVersion", _) => Reply::Forward,
        _ => Reply::HangUp,
    })?;
    pair.anvil.mine(3)?;
    let head = pair.anvil.latest()?;
    for (method, read) in run(reads(&pair.network, head)) {
        assert!(is_too_few(&read), "{method}: {read:?}");
    }
    assert!(is_too_few(&run(pair.network.finalized_head())));
    assert!(is_too_few(&run(pair.network.pending_nonce(Address::ZERO))));
    Ok(())
}

#[test]
fn two_forks_have_no_common_head() -> Outcome {
    let hash = B256::repeat_byte(5);
    let forked =
        move |number: &str| json!({"number": number, "hash": hash, "timestamp": "0x695c5180"});
    let pair = pair(move |method, params| match (method, params[0].as_str()) {
        ("eth_getBlockByNumber", Some("finalized" | "0x2")) => Reply::Result(forked("0x2")),
        _ => Reply::Forward,
    })?;
    pair.anvil.mine(9)?;
    let read = run(pair.network.finalized_head());
    assert!(is_disagreement(&read), "{read:?}");
    assert!(is_disagreement(&run(pair.network.head_at(2))));
    assert!(run(pair.network.head_at(3)).is_ok());
    Ok(())
}

#[test]
fn one_that_lags_holds_the_finalized_head_back() -> Outcome {
    let lagging: Arc<Mutex<Option<Value>>> = Arc::default();
    let seen = Arc::clone(&lagging);
    let pair = pair(move |method, params| match (method, params[0].as_str()) {
        ("eth_getBlockByNumber", Some("finalized" | "latest")) => {
            let seen = seen.lock().expect("no test panics while it holds this");
            seen.clone().map_or(Reply::Forward, Reply::Result)
        }
        ("eth_getTransactionReceipt", _) => Reply::Result(Value::Null),
        _ => Reply::Forward,
    })?;
    pair.anvil.mine(4)?;
    let old = pair.anvil.latest()?;
    let block = pair.anvil.rpc("eth_getBlockByNumber", json!(["latest", false]))?;
    *lagging.lock().expect("no test panics while it holds this") = Some(block);
    let sent = pair.anvil.send(&test_key(0), Some(Address::ZERO), Bytes::new(), U256::ZERO)?;
    pair.anvil.mine(9)?;
    assert_eq!(run(pair.network.finalized_head())?, old);
    assert_eq!(run(pair.network.latest_head())?, old);
    assert_eq!(run(single(&pair.network).finalized_head())?, pair.anvil.finalized()?);

    // A receipt that one of two has not seen is not an absent receipt.
    let read = run(pair.network.receipt(sent.hash));
    assert!(is_too_few(&read), "{read:?}");
    assert!(run(single(&pair.network).receipt(sent.hash))?.is_some());
    Ok(())
}

#[test]
fn what_was_reorganised_away_is_not_read() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let sent = anvil.send(&test_key(0), Some(Address::ZERO), Bytes::new(), U256::ONE)?;
    anvil.mine(1)?;
    let (who, kept) = (test_key(0).address(), anvil.genesis_hash()?);
    assert_eq!(run(network.nonce(who, sent.block))?, 1);
    anvil.rpc("anvil_reorg", json!([2, []]))?;
    assert!(!run(network.is_canonical(sent.block))?);
    assert_eq!(run(network.receipt(sent.hash))?, None);
    let read = run(network.nonce(who, sent.block));
    assert!(matches!(read, Err(ReadError::TooFewEndpoints { have: 0, want: 1, .. })), "{read:?}");
    let genesis = BlockRef { number: 0, hash: kept };
    assert!(run(network.is_canonical(genesis))?);
    assert_eq!(run(network.nonce(who, genesis))?, 0);
    Ok(())
}

/// What a test says of the time at which one endpoint's tag stands.
fn stale(tag: &'static str, secs: u64, height: &'static str) -> impl Fn(&str, &Value) -> Reply {
    move |method, params| match (method, params[0].as_str()) {
        ("eth_getBlockByNumber", Some(asked)) if asked == tag => Reply::Result(json!({
            "number": height, "hash": B256::repeat_byte(3),
            "timestamp": format!("{:#x}", GENESIS_TIMESTAMP - secs),
        })),
        _ => Reply::Forward,
    }
}

fn is_stale<T>(result: &Result<T, ReadError>) -> bool {
    matches!(result, Err(ReadError::Stale { .. }))
}

#[test]
fn an_endpoint_that_is_an_hour_a_day_or_a_week_behind_is_no_view() -> Outcome {
    const HOUR: u64 = 3_600;
    for (tag, late) in [
        ("finalized", 4 * HOUR),
        ("latest", 4 * HOUR),
        ("finalized", 24 * HOUR),
        ("latest", 168 * HOUR),
    ] {
        let pair = pair(stale(tag, late, "0x0"))?;
        pair.anvil.mine(3)?;
        let (finalized, latest) =
            (run(pair.network.finalized_head()), run(pair.network.latest_head()));
        assert_eq!(is_stale(&finalized), tag == "finalized", "{finalized:?}");
        assert_eq!(is_stale(&latest), tag == "latest", "{latest:?}");
    }
    Ok(())
}

/// The tag claims to be of now, and stands at a height that is not.
#[test]
fn a_low_height_under_a_new_time_is_as_old_as_its_block() -> Outcome {
    let anvil = anvil(PUBLIC)?;
    let nodes = [
        public_node(&anvil, |_, _| Reply::Forward)?,
        public_node(&anvil, stale("finalized", 0, "0x0"))?,
    ];
    anvil.mine_at(GENESIS_TIMESTAMP + 4_000)?;
    anvil.mine(3)?;
    let urls = [nodes[0].url(), second_host(&nodes[1].url())];
    let within =
        NetworkConfig { heads_within_secs: 5_000, ..config(PUBLIC, &[&urls[0], &urls[1]]) };
    assert_eq!(run(connect(within)?.finalized_head())?.block.number, 0, "no older than is taken");
    let heads_within_secs = 3_900;
    let clock: fn() -> u64 = || GENESIS_TIMESTAMP + 2_000;
    let network =
        NetworkConfig { heads_within_secs, clock, ..config(PUBLIC, &[&urls[0], &urls[1]]) };
    let network = connect(network)?;
    let read = run(network.finalized_head());
    assert!(is_stale(&read), "{read:?}");
    Ok(())
}

/// All endpoints are behind alike: on a public chain the clock tells, on a simulated one the chain
/// is the time.
#[test]
fn the_clock_tells_on_public_chains_alone() -> Outcome {
    for (chain, refused) in [(PUBLIC, true), (SIMULATED, false)] {
        let anvil = anvil(chain)?;
        let node = public_node(&anvil, |_, _| Reply::Forward)?;
        let clock: fn() -> u64 = || GENESIS_TIMESTAMP + 7 * 86_400;
        let network = connect(NetworkConfig { clock, ..config(chain, &[&node.url()]) })?;
        assert_eq!(is_stale(&run(network.finalized_head())), refused);
        assert_eq!(is_stale(&run(single(&network).latest_head())), refused);
        let tight = NetworkConfig {
            heads_within_secs: 60,
            clock: || GENESIS_TIMESTAMP + 120,
            ..config(chain, &[&node.url()])
        };
        assert_eq!(is_stale(&run(connect(tight)?.latest_head())), refused);
    }
    Ok(())
}

#[test]
fn clear_text_is_for_this_machine() -> Outcome {
    for url in ["http://203.0.113.1", "http://node.example.com", "http://0.0.0.0:1"] {
        let refused = connect(config(SIMULATED, &[url]));
        assert!(matches!(refused, Err(ConnectError::ClearText { .. })), "{refused:?}");
    }
    Ok(())
}

/// Three names of this machine are one operator, unless a person says whose they are.
#[test]
fn names_of_this_machine_are_one_operator() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let urls =
        ["127.0.0.1", "localhost", "127.0.0.1"].map(|at| anvil.url().replace("127.0.0.1", at));
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let unnamed = NetworkConfig { operators: [].into(), quorum: 2, ..config(SIMULATED, &urls) };
    let network = connect(unnamed)?;
    assert_eq!((network.operators(), network.operators_wanted()), (1, 2));
    assert!(is_too_few(&run(network.latest_head())));
    let network = connect(NetworkConfig { quorum: 2, ..config(SIMULATED, &urls) })?;
    assert_eq!(network.operators(), 2);
    assert_eq!(run(network.latest_head())?, anvil.latest()?);
    Ok(())
}

/// Each answer comes in time, and all together do not.
#[test]
fn reads_that_go_on_and_on_are_over_together() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let slow = ScriptedNode::start(Some(anvil.url()), |method, _| match method {
        READ => {
            std::thread::sleep(std::time::Duration::from_millis(60));
            Reply::Forward
        }
        _ => Reply::Forward,
    })?;
    let network = connect(config(SIMULATED, &[&slow.url()]))?;
    let block = anvil.latest()?.block;
    let (read, reads) = run(async {
        let network = network.within(Budget::of(std::time::Duration::from_millis(200)));
        for reads in 0..100 {
            if let Err(error) = network.balance(test_address(0), block).await {
                return (Some(error), reads);
            }
        }
        (None, 100)
    });
    let Some(ReadError::TooFewEndpoints { source: Some(source), .. }) = read else {
        panic!("{read:?}")
    };
    assert!(matches!(*source, EndpointError::Budget { .. }), "{source:?}");
    assert!((1..=4).contains(&reads), "{reads}");
    Ok(())
}

#[test]
fn a_block_that_is_refused_takes_no_other_one_with_it() -> Outcome {
    let number = |value: &Value| -> u64 {
        serde_json::from_value::<alloy_primitives::U64>(value.clone()).map_or(0, |n| n.to())
    };
    let pair = pair(move |method, params| {
        let (from, to) = (number(&params[0]["fromBlock"]), number(&params[0]["toBlock"]));
        if method != "eth_getLogs" || !(from..=to).contains(&5) {
            return Reply::Forward;
        }
        let message = "query returned more than 10000 results".to_owned();
        Reply::Error { code: -32005, message, data: None }
    })?;
    pair.anvil.mine(9)?;
    let addresses = vec![test_address(0)];
    let query = LogQuery { addresses, topics: Vec::new(), from: 1, to: 9 };
    assert_eq!(run(pair.network.readable_logs(&query))?, (Vec::new(), 1));
    let all = run(pair.network.logs(&query));
    assert!(is_too_few(&all), "{all:?}");
    Ok(())
}
