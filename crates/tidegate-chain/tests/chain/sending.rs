//! A send happens once, whatever becomes of its answer.

use alloy_primitives::{B256, Bytes, keccak256};
use serde_json::json;
use tidegate_chain::{NetworkConfig, SendOutcome};
use tidegate_testkit::{Anvil, Reply, ScriptedNode, Transaction, test_address, test_key};

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
