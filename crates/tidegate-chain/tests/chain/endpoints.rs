//! Endpoints as providers run them: limits, statuses, and methods that some do not have.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64, U256, bytes};
use serde_json::{Value, json};
use tidegate_chain::{
    CallOutcome, EndpointError, Happening, Limits, LogQuery, Network, NetworkConfig, ReadError,
    SendOutcome, Watch,
};
use tidegate_model::ids::BlockRef;
use tidegate_testkit::{Anvil, Reply, ScriptedNode, test_address};

use crate::support::{LIMITS, Outcome, SIMULATED, anvil, config, connect, run, whole};

const READ: &str = "eth_getBalance";

fn http(status: u16, headers: &[(&str, &str)], body: &Value) -> Reply {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let headers = headers.iter().map(own).collect();
    Reply::Http { status, headers, body: body.to_string().into_bytes() }
}

fn error(code: i64, message: &str, data: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1,
        "error": {"code": code, "message": message, "data": data}})
}

fn unknown_method() -> Reply {
    let message = "the method does not exist/is not available".to_owned();
    Reply::Error { code: -32601, message, data: None }
}

/// A network behind one scripted endpoint, and what is told of it.
struct World {
    anvil: Anvil,
    node: ScriptedNode,
    network: Network,
    told: Arc<Mutex<Vec<String>>>,
}

fn world(
    limits: Limits,
    script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
) -> Result<World, Box<dyn std::error::Error>> {
    let anvil = anvil(SIMULATED)?;
    let node = ScriptedNode::start(Some(anvil.url()), script)?;
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&told);
    let watch = Watch::new(move |happening| {
        let text = match happening {
            Happening::Begins(text) => format!("begins {text}"),
            Happening::At(done, all) => format!("at {done} of {all}"),
            Happening::Ends => "ends".to_owned(),
            Happening::Remark(text) => format!("remark {text}"),
        };
        sink.lock().expect("no test panics while it holds this").push(text);
    });
    let network = connect(NetworkConfig { limits, watch, ..config(SIMULATED, &[&node.url()]) })?;
    Ok(World { anvil, node, network, told })
}

impl World {
    fn told(&self) -> Vec<String> {
        self.told.lock().expect("no test panics while it holds this").clone()
    }
}

/// Answers `first` to a method so many times, then what the chain says.
fn at_first(
    method: &'static str,
    times: usize,
    first: Reply,
) -> impl Fn(&str, &Value) -> Reply + Send + Sync {
    let asked = AtomicUsize::new(0);
    move |called, _| {
        if called == method && asked.fetch_add(1, Ordering::Relaxed) < times {
            return first.clone();
        }
        Reply::Forward
    }
}

#[test]
fn an_error_is_one_under_any_status() -> Outcome {
    let data = "0x08c379a0";
    for (status, data) in
        [(400, json!(data)), (500, json!({"data": data})), (200, json!("Reverted 0x08c379a0"))]
    {
        let reply = http(status, &[], &error(3, "execution reverted: no", data));
        let world = world(LIMITS, at_first("eth_call", 9, reply))?;
        let at = world.anvil.latest()?.block;
        let outcome = run(world.network.try_call(test_address(0), &Bytes::new(), at))?;
        assert_eq!(outcome, CallOutcome::Reverted(bytes!("0x08c379a0")), "{status}");
        assert_eq!(world.node.calls("eth_call"), 1, "{status}");
    }
    // A result under a failure's status is none, nor is an error's status lost without a body.
    for body in [json!({"jsonrpc": "2.0", "id": 1, "result": "0x1"}), json!("no")] {
        let world = world(LIMITS, at_first(READ, 9, http(400, &[], &body)))?;
        let read = run(world.network.balance(test_address(0), world.anvil.latest()?.block));
        let Err(refused) = read else { panic!("{read:?}") };
        assert!(whole(&refused).contains("HTTP status 400"), "{refused:?}");
    }
    Ok(())
}

#[test]
fn who_was_asked_too_often_is_waited_for_and_it_is_said() -> Outcome {
    let limits = Limits { busy: Duration::from_secs(20), ..LIMITS };
    let limited = error(
        -32005,
        "daily request count exceeded, request rate limited",
        json!({"rate": {"backoff_seconds": 0.4}}),
    );
    let replies = [
        http(429, &[("retry-after", "1")], &json!("")),
        http(503, &[("Retry-After", "1")], &json!("")),
        http(200, &[], &limited),
        http(429, &[], &error(429, "compute units per second exceeded", Value::Null)),
    ];
    for reply in replies {
        let world = world(limits, at_first(READ, 2, reply.clone()))?;
        let at = world.anvil.latest()?.block;
        assert_eq!(
            run(world.network.balance(test_address(5), at))?,
            world.anvil.balance(test_address(5))?,
        );
        assert_eq!(world.node.calls(READ), 3, "{reply:?}");
        let told = world.told();
        let remarks = told.iter().filter(|text| text.starts_with("remark http://127.0.0.1:"));
        assert_eq!(remarks.count(), 1, "once: {told:?}");
        let names_wait = told.iter().any(|text| text.contains("allows no more calls"));
        assert!(names_wait, "{told:?}");
        let begun = told.iter().filter(|text| text.starts_with("begins ")).count();
        assert_eq!(begun, told.iter().filter(|text| *text == "ends").count(), "{told:?}");
    }
    Ok(())
}

#[test]
fn waiting_has_an_end_and_is_not_begun_again_for_each_read() -> Outcome {
    for reply in [
        http(429, &[("retry-after", "3600")], &json!("")),
        http(429, &[], &json!("")),
        http(200, &[], &error(-32005, "limit exceeded", Value::Null)),
    ] {
        let world = world(LIMITS, at_first(READ, 99, reply))?;
        let at = world.anvil.latest()?.block;
        for round in 0..3 {
            let read = run(world.network.balance(test_address(5), at));
            let Err(ReadError::TooFewEndpoints { source: Some(source), .. }) = read else {
                panic!("{read:?}")
            };
            assert!(matches!(*source, EndpointError::Busy { .. }), "{source:?}");
            if round > 0 {
                let before = world.node.calls(READ);
                assert!(run(world.network.balance(test_address(5), at)).is_err());
                assert_eq!(world.node.calls(READ), before + 1, "no second wait");
            }
        }
    }
    Ok(())
}

#[test]
fn a_send_is_not_sent_again_for_a_limit() -> Outcome {
    let send = "eth_sendRawTransaction";
    let world = world(LIMITS, at_first(send, 9, http(429, &[("retry-after", "0")], &json!(""))))?;
    let outcome = run(world.network.send_raw(&[1, 2, 3]));
    assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(world.node.calls(send), 1);
    Ok(())
}

#[test]
fn a_slow_endpoint_is_named_while_it_is_waited_for() -> Outcome {
    let world = world(LIMITS, |method, _| {
        if method == READ {
            std::thread::sleep(Duration::from_millis(1_200));
        }
        Reply::Forward
    })?;
    run(world.network.balance(test_address(5), world.anvil.latest()?.block))?;
    let expected = format!("begins waiting for {} ({READ})", world.node.url());
    assert_eq!(world.told(), [expected, "ends".to_owned()]);
    Ok(())
}

#[test]
fn fees_without_a_history_and_without_a_base_fee() -> Outcome {
    let base = |fee: &'static str| {
        move |method: &str, _: &Value| match method {
            "eth_feeHistory" | "eth_maxPriorityFeePerGas" => unknown_method(),
            "eth_gasPrice" => Reply::Result(json!("0x100")),
            "eth_getBlockByNumber" => Reply::Result(json!({"number": "0x0",
                "hash": B256::repeat_byte(1), "timestamp": "0x1", "baseFeePerGas": fee})),
            _ => Reply::Forward,
        }
    };
    // An eighth more is the most that the next block's can be.
    let fees = run(world(LIMITS, base("0x40"))?.network.fee_data())?;
    assert_eq!((fees.base_fee, fees.priority_fee), (0x48, 0x100 - 0x48));

    let london = |method: &str, _: &Value| match method {
        // As geth answers for blocks from before London.
        "eth_feeHistory" => Reply::Result(json!({"baseFeePerGas": ["0x0", "0x0"]})),
        "eth_getBlockByNumber" => Reply::Result(
            json!({"number": "0x0", "hash": B256::repeat_byte(1), "timestamp": "0x1"}),
        ),
        _ => Reply::Forward,
    };
    let refused = run(world(LIMITS, london)?.network.fee_data());
    let Err(ReadError::Endpoint { source, .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(*source, EndpointError::NoBaseFee { .. }), "{source:?}");
    Ok(())
}

/// What does not know `finalized` says so in words, and no other block is taken for final.
#[test]
fn an_endpoint_without_finality_gives_no_final_block() -> Outcome {
    let error =
        |code: i64, message: &str| Reply::Error { code, message: message.to_owned(), data: None };
    let answers = [
        (error(-32_602, "invalid argument 0: hex string without 0x prefix"), true),
        (error(-39_001, "finalized block not found"), true),
        (Reply::Result(Value::Null), false),
    ];
    for (answer, has_cause) in answers {
        let tags = move |method: &str, params: &Value| match method {
            "eth_getBlockByNumber" if params[0] == json!("finalized") => answer.clone(),
            _ => Reply::Forward,
        };
        let world = world(LIMITS, tags)?;
        let read = run(world.network.finalized_head());
        let Err(ReadError::TooFewEndpoints { source: Some(source), .. }) = read else {
            panic!("{read:?}")
        };
        assert!(source.to_string().contains("nothing counts as final"), "{source}");
        let EndpointError::NoFinality { source: cause, .. } = *source else { panic!("{source:?}") };
        assert_eq!(cause.is_some(), has_cause);
        assert!(run(world.network.latest_head()).is_ok());
    }
    Ok(())
}

/// An endpoint that takes no block hash; at `lies` and later it has another block at any height.
fn by_number_only(lies: usize) -> impl Fn(&str, &Value) -> Reply + Send + Sync {
    let looked = AtomicUsize::new(0);
    move |method, params| {
        let last = params.as_array().and_then(|params| params.last());
        if last.is_some_and(|last| last.get("blockHash").is_some()) {
            let message = "invalid argument 1: json: cannot unmarshal object into Go value";
            return Reply::Error { code: -32602, message: message.to_owned(), data: None };
        }
        let is_look = method == "eth_getBlockByNumber" && params[0] != json!("0x0");
        if is_look && looked.fetch_add(1, Ordering::Relaxed) >= lies {
            return Reply::Result(json!({"number": params[0], "timestamp": "0x1",
                "hash": B256::repeat_byte(9)}));
        }
        Reply::Forward
    }
}

#[test]
fn without_block_hashes_the_block_is_the_same_before_and_after() -> Outcome {
    let world = world(LIMITS, by_number_only(usize::MAX))?;
    world.anvil.mine(2)?;
    let at = world.anvil.latest()?.block;
    world.anvil.mine(1)?;
    world.anvil.set_balance(test_address(5), U256::from(7))?;
    world.anvil.mine(1)?;
    run(async {
        let network = &world.network;
        assert_ne!(network.balance(test_address(5), at).await?, U256::from(7));
        let now = world.anvil.latest().expect("anvil answers").block;
        assert_eq!(network.balance(test_address(5), now).await?, U256::from(7));
        assert_eq!(network.code(Address::ZERO, at).await?, Bytes::new());
        assert_eq!(network.storage(Address::ZERO, U256::ZERO, at).await?, U256::ZERO);
        assert_eq!(network.call(Address::ZERO, &Bytes::new(), at).await?, Bytes::new());
        Ok::<_, ReadError>(())
    })?;
    assert_eq!(world.node.calls(READ), 3, "its way is found once");
    let remarks = world.told();
    assert!(remarks[0].contains("cannot be asked by block hash"), "{remarks:?}");
    assert_eq!(remarks.len(), 1, "{remarks:?}");

    // Another block there: before the read, and after it.
    for lies in [0, 1] {
        let world = self::world(LIMITS, by_number_only(lies))?;
        world.anvil.mine(2)?;
        let read = run(world.network.balance(test_address(5), world.anvil.latest()?.block));
        let Err(ReadError::TooFewEndpoints { source: Some(source), .. }) = read else {
            panic!("{read:?}")
        };
        assert!(matches!(*source, EndpointError::OtherBlock { number: 2, .. }), "{source:?}");
    }
    let gone = BlockRef { number: 2, hash: B256::repeat_byte(4) };
    assert!(run(world.network.balance(test_address(5), gone)).is_err());
    Ok(())
}

fn number(value: &Value) -> u64 {
    serde_json::from_value::<U64>(value.clone()).map_or(0, |number| number.to())
}

/// A chain's logs, one in each seventh block, at most so many blocks at once.
fn few_blocks(limit: u64, says: &'static str) -> impl Fn(&str, &Value) -> Reply + Send + Sync {
    move |method, params| {
        if method != "eth_getLogs" {
            return Reply::Forward;
        }
        let (from, to) = (number(&params[0]["fromBlock"]), number(&params[0]["toBlock"]));
        if to - from + 1 > limit {
            return http(400, &[], &error(-32602, says, Value::Null));
        }
        let log = |block: u64| {
            json!({"address": params[0]["address"][0], "topics": [], "data": "0x",
                "blockNumber": U64::from(block), "blockHash": B256::repeat_byte(1),
                "transactionHash": B256::repeat_byte(1), "logIndex": "0x0"})
        };
        Reply::Result((from..=to).filter(|block| block % 7 == 0).map(log).collect())
    }
}

#[test]
fn logs_in_steps_of_ten_blocks() -> Outcome {
    const BLOCKS: u64 = 6_000;
    let free = "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block \
                range. Based on your parameters, this block range should work: [0x1, 0xa].";
    for (says, calls) in [(free, 601..=602), ("block range is too wide", 857..=900)] {
        let world = world(LIMITS, few_blocks(10, says))?;
        let query =
            LogQuery { addresses: vec![test_address(0)], topics: vec![], from: 1, to: BLOCKS };
        let logs = run(world.network.logs(&query))?;
        let blocks: Vec<u64> = logs.iter().map(|log| log.block.number).collect();
        assert_eq!(blocks, (1..=BLOCKS).filter(|block| block % 7 == 0).collect::<Vec<_>>());
        let asked = world.node.calls("eth_getLogs");
        assert!(calls.contains(&asked), "{says}: {asked}");
        let told = world.told();
        assert!(told[0].starts_with("begins reading the logs of test, blocks 1 to 6000"));
        assert!(told.iter().any(|text| text.ends_with(" of 6000")), "{told:?}");
        assert_eq!(told.last().map(String::as_str), Some("ends"));
        // What was learned is not asked in vain again.
        run(world.network.logs(&LogQuery { to: 70, ..query }))?;
        assert!(world.node.calls("eth_getLogs") - asked <= 10, "{says}");
    }
    Ok(())
}

#[test]
fn each_endpoint_is_asked_in_steps_of_its_own() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let narrow = ScriptedNode::start(Some(anvil.url()), few_blocks(10, "Max range: 10"))?;
    let wide = ScriptedNode::start(Some(anvil.url()), few_blocks(u64::MAX, ""))?;
    let second = crate::support::second_host(&wide.url());
    let network = connect(config(SIMULATED, &[&narrow.url(), &second]))?;
    let query = LogQuery { addresses: vec![test_address(0)], topics: vec![], from: 1, to: 2_000 };
    assert_eq!(run(network.logs(&query))?.len(), 285);
    assert_eq!((narrow.calls("eth_getLogs"), wide.calls("eth_getLogs")), (201, 1));
    Ok(())
}
