//! A send happens once, whatever becomes of its answer.

use alloy_primitives::{B256, Bytes, keccak256};
use serde_json::{Value, json};
use tidegate_chain::{NetworkConfig, SendOutcome};
use tidegate_testkit::{Anvil, BATCH, Reply, ScriptedNode, Transaction, test_address, test_key};

use crate::support::{
    API_KEY, Outcome, SIMULATED, anvil, config, connect, limits_for, run, second_host, whole,
};

const SEND: &str = "eth_sendRawTransaction";

fn signed(anvil: &Anvil) -> Result<Bytes, tidegate_testkit::TestkitError> {
    anvil.sign(&test_key(0), &Transaction::call(test_address(1), Bytes::new()))
}

/// Sends through a node that answers sends with `reply`; what came of it, and how often it was
/// asked.
fn check(
    anvil: &Anvil,
    raw: &[u8],
    reply: Reply,
) -> Result<SendOutcome, Box<dyn std::error::Error>> {
    let limits = limits_for(&reply);
    let node = ScriptedNode::start(Some(anvil.url()), move |method, _| match method {
        SEND => reply.clone(),
        _ => Reply::Forward,
    })?;
    let url = format!("{}/{API_KEY}", node.url());
    let network = connect(NetworkConfig { limits, ..config(SIMULATED, &[&url]) })?;
    let outcome = run(network.send_raw(raw));
    assert_eq!(node.calls(SEND), 1, "{outcome:?}");
    Ok(outcome)
}

#[test]
fn an_accepted_send_gives_the_hash_of_its_bytes() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let raw = signed(&anvil)?;
    let outcome = check(&anvil, &raw, Reply::Forward)?;
    assert!(matches!(outcome, SendOutcome::Accepted(hash) if hash == keccak256(&raw)));
    assert!(anvil.wait_receipt(keccak256(&raw))?.status);

    let again = check(&anvil, &raw, Reply::Forward)?;
    assert!(matches!(again, SendOutcome::Rejected { code: -32003, .. }), "{again:?}");
    Ok(())
}

#[test]
fn a_lost_answer_is_unknown_and_not_sent_again() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let raw = signed(&anvil)?;
    let outcome = check(&anvil, &raw, Reply::ForwardAndHangUp)?;
    assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{outcome:?}");
    anvil.wait_receipt(keccak256(&raw))?; // it was included all the same

    let busy = Reply::Http { status: 503, headers: vec![], body: vec![] };
    let lies = Reply::Result(json!(B256::repeat_byte(1)));
    for reply in [Reply::HangUp, Reply::Stall, busy, lies, Reply::Result(json!("0x12"))] {
        let outcome = check(&anvil, &raw, reply.clone())?;
        let SendOutcome::Unknown { cause } = outcome else { panic!("{reply:?}: {outcome:?}") };
        assert!(!whole(&cause).contains(API_KEY), "{cause:?}");
    }
    Ok(())
}

#[test]
fn a_refusal_is_shown_harmlessly() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let raw = signed(&anvil)?;
    let message = format!("bad key {API_KEY}\u{1b}[31m\n\u{202e}drow");
    let outcome = check(&anvil, &raw, Reply::Error { code: -32000, message, data: None })?;
    let SendOutcome::Rejected { code: -32000, message } = outcome else { panic!("{outcome:?}") };
    assert_eq!(message, r"bad key [redacted]\u{1b}[31m\n\u{202e}drow");
    Ok(())
}

#[test]
fn one_endpoint_is_chosen() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let start = || ScriptedNode::start(Some(anvil.url()), |_, _| Reply::Forward);
    let (first, second) = (start()?, start()?);
    let network = connect(config(SIMULATED, &[&first.url(), &second_host(&second.url())]))?;
    let raw = signed(&anvil)?;
    for (choice, calls) in [(1, (0, 1)), (0, (1, 1)), (2, (2, 1)), (3, (2, 2))] {
        run(network.send_raw_via(&raw, choice));
        assert_eq!((first.calls(SEND), second.calls(SEND)), calls, "{choice}");
    }
    Ok(())
}

/// Sends several through a node that follows a script; what came of each, how many requests were
/// batches, and how many single sends there were in all.
fn check_several(
    anvil: &Anvil,
    raws: &[Bytes],
    script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
) -> Result<(Vec<String>, usize, usize), Box<dyn std::error::Error>> {
    let node = ScriptedNode::start(Some(anvil.url()), script)?;
    let network = connect(config(SIMULATED, &[&node.url()]))?;
    let outcomes = run(network.send_all(raws));
    let said = raws.iter().zip(outcomes).map(|(raw, outcome)| match outcome {
        SendOutcome::Accepted(hash) => {
            assert_eq!(hash, keccak256(raw));
            "accepted".to_owned()
        }
        SendOutcome::Rejected { code, .. } => code.to_string(),
        SendOutcome::Unknown { .. } => "unknown".to_owned(),
    });
    Ok((said.collect(), node.calls(BATCH), node.calls(SEND)))
}

/// As many transfers of one sender, from the nonce that it has.
fn several(anvil: &Anvil, count: u64) -> Result<Vec<Bytes>, Box<dyn std::error::Error>> {
    let from = anvil.rpc("eth_getTransactionCount", json!([test_address(0), "pending"]))?;
    let from = from.as_str().and_then(|count| count.strip_prefix("0x")).ok_or("a quantity")?;
    let from = u64::from_str_radix(from, 16)?;
    let one = |nonce| {
        let call = Transaction::call(test_address(1), Bytes::new());
        Ok(anvil.sign(&test_key(0), &Transaction { nonce: Some(nonce), ..call })?)
    };
    (from..from + count).map(one).collect()
}

#[test]
fn several_are_one_request() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let raws = several(&anvil, 20)?;
    let (said, batches, sends) = check_several(&anvil, &raws, |_, _| Reply::Forward)?;
    assert_eq!((said, batches, sends), (vec!["accepted".to_owned(); 20], 2, 20), "16 and 4");
    for raw in &raws {
        assert!(anvil.wait_receipt(keccak256(raw))?.status);
    }
    let (said, ..) = check_several(&anvil, &raws[..3], |_, _| Reply::Forward)?;
    assert_eq!(said, ["-32003"; 3], "each has its own answer");
    Ok(())
}

/// By an error, alone or in a list, by something else than a list, by a status: the calls are made
/// one by one, also those of the next batch.
#[test]
fn an_endpoint_without_batches_is_asked_one_by_one() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let message = "batch requests are disabled".to_owned();
    // One error in a list, which is of no call.
    let nobody = json!([{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": ""}}]);
    let nobody = nobody.to_string().into_bytes();
    for reply in [
        Reply::Http { status: 200, headers: vec![], body: nobody },
        Reply::Error { code: -32600, message, data: None },
        Reply::Result(json!("0x")),
        Reply::Http { status: 400, headers: vec![], body: b"no".to_vec() },
    ] {
        let raws = several(&anvil, 18)?;
        let script = move |method: &str, _: &Value| match method {
            BATCH => reply.clone(),
            _ => Reply::Forward,
        };
        let (said, batches, sends) = check_several(&anvil, &raws, script)?;
        assert_eq!((said, batches, sends), (vec!["accepted".to_owned(); 18], 1, 18));
    }
    Ok(())
}

/// Nothing is sent twice for an answer that is lost, and nobody who asks for time is asked more.
#[test]
fn a_batch_without_an_answer_is_unknown() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let busy = |status| Reply::Http { status, headers: vec![], body: vec![] };
    for (reply, is_taken) in [
        (Reply::ForwardAndHangUp, true),
        (Reply::HangUp, false),
        (busy(429), false),
        (busy(503), false),
    ] {
        let raws = several(&anvil, 18)?;
        let script = move |method: &str, _: &Value| match method {
            BATCH => reply.clone(),
            _ => Reply::Forward,
        };
        let (said, batches, sends) = check_several(&anvil, &raws, script)?;
        assert_eq!((said, batches, sends), (vec!["unknown".to_owned()], 1, 0));
        if is_taken {
            anvil.wait_receipt(keccak256(&raws[15]))?;
        }
    }
    Ok(())
}

/// A list with answers in another order, to other calls, or too few of them.
#[test]
fn answers_are_found_by_their_call() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let raws = several(&anvil, 3)?;
    let hashes: Vec<_> = raws.iter().map(keccak256).collect();
    let answer = |id: u64, hash: B256| json!({"jsonrpc": "2.0", "id": id, "result": hash});
    let turned = json!([answer(2, hashes[2]), answer(0, hashes[0]), answer(1, hashes[1])]);
    let few = json!([answer(0, hashes[0]), answer(7, hashes[1]), answer(2, hashes[1])]);
    for (list, expected) in [(turned, ["accepted"; 3]), (few, ["accepted", "unknown", "unknown"])] {
        let body = list.to_string().into_bytes();
        let script = move |method: &str, _: &Value| match method {
            BATCH => Reply::Http { status: 200, headers: vec![], body: body.clone() },
            _ => Reply::Forward,
        };
        let (said, batches, sends) = check_several(&anvil, &raws, script)?;
        assert_eq!((said, batches, sends), (expected.map(str::to_owned).to_vec(), 1, 0));
    }
    Ok(())
}
