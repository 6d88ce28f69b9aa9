//! Two processes that want one lane, and senders that cannot pay.

use std::time::{Duration, Instant};

use alloy_primitives::{U64, U256};
use libtest_mimic::Failed;
use serde_json::json;
use tidegate_testkit::{Reply, ScriptedNode, actor_address};

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            a_second_process_does_not_get_the_lane,
            a_sender_without_funds_is_told_where_to_ask;
        Signed:
            other_signatures_replace_what_never_landed,
            what_landed_is_executed_once_whoever_signed_it;
    }
}

const WAIT_SECS_MAX: u64 = 30;
const POLL_MS: u64 = 5;

#[expect(clippy::disallowed_methods, reason = "a test waits")]
fn a_second_process_does_not_get_the_lane(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    let asked = eva.run(&["deploy", "--password-fd", "0"])?.asked_for().ok_or("the command")?;
    let args: Vec<&str> = asked.iter().map(String::as_str).collect();
    // The first one gets no answer to what it sends, and so keeps the lane.
    let stalled = ScriptedNode::start(Some(scene.world.testnet.url()), |method, _| match method {
        "eth_sendRawTransaction" => Reply::Stall,
        _ => Reply::Forward,
    })?;
    let mut first = scene.spawn_with("eva", &asked, "TESTNET_RPC", &stalled.url())?;
    let until = Instant::now() + Duration::from_secs(WAIT_SECS_MAX);
    while stalled.calls("eth_sendRawTransaction") == 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
    let held = Refusal { code: 6, says: &[], hint: "other process" };
    let second = refused(scene, &eva, &args, &held);
    first.kill()?;
    first.wait()?;
    second?;
    // With the first one gone, the lane is free.
    eva.run(&args)?.expect_code(0)?;
    Ok(())
}

/// Sends the proposal by an endpoint that answers no send, and ends the command once what it sent
/// has arrived, or nowhere. Answers with the relayer's next nonce from before.
#[expect(clippy::disallowed_methods, reason = "a test waits")]
fn cut_off(scene: &Scene<'_>, proposal: &str, reply: Reply) -> Result<usize, Failed> {
    let mainnet = &scene.world.mainnet;
    let nonce = scene.nonce(mainnet, actor_address("relayer"))?;
    let ops = scene.person("ops");
    let execute = ["proposal", "execute", proposal, "--password-fd", "0"];
    let asked = ops.run(&execute)?.asked_for().ok_or("the command")?;
    let arrives = matches!(reply, Reply::ForwardAndHangUp);
    let node = ScriptedNode::start(Some(mainnet.url()), move |method, _| match method {
        "eth_sendRawTransaction" => reply.clone(),
        _ => Reply::Forward,
    })?;
    let mut first = scene.spawn_with("ops", &asked, "MAINNET_RPC", &node.url())?;
    let until = Instant::now() + Duration::from_secs(WAIT_SECS_MAX);
    let sent = || -> Result<bool, Failed> {
        let params = json!([actor_address("relayer"), "pending"]);
        let pending: U64 = serde_json::from_value(mainnet.rpc("eth_getTransactionCount", params)?)?;
        let is_there = pending.to::<usize>() > nonce;
        Ok(node.calls("eth_sendRawTransaction") > 0 && is_there == arrives)
    };
    while !sent()? && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
    first.kill()?;
    first.wait()?;
    Ok(nonce)
}

/// Another owner signs in place of the first one.
fn sign_otherwise(scene: &Scene<'_>, proposal: &str) -> Outcome {
    let (_, signatures) = scene.promotion()?;
    let first = signatures.first().ok_or("a signature")?;
    std::fs::remove_file(scene.project().join("deployments/mainnet/proposals").join(first))?;
    scene.sign(proposal, &["o3"])
}

/// With the relayer's nonce from before, it is executed by one transaction more.
fn executed_once(scene: &Scene<'_>, proposal: &str, nonce: usize) -> Outcome {
    scene.done("ops", &["proposal", "execute", proposal])?;
    assert_eq!(scene.nonce(&scene.world.mainnet, actor_address("relayer"))?, nonce + 1);
    let again = scene.done("ops", &["proposal", "execute", proposal])?;
    assert!(said(&again).contains("executed already"), "{again:?}");
    assert_eq!(scene.nonce(&scene.world.mainnet, actor_address("relayer"))?, nonce + 1);
    scene.world.settle()?;
    scene.run("eva", &["verify", "mainnet"], 0).map(|_| ())
}

fn other_signatures_replace_what_never_landed(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let nonce = cut_off(scene, &proposal, Reply::Stall)?;
    sign_otherwise(scene, &proposal)?;
    executed_once(scene, &proposal, nonce)
}

fn what_landed_is_executed_once_whoever_signed_it(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let nonce = cut_off(scene, &proposal, Reply::ForwardAndHangUp)?;
    let again = scene.done("ops", &["proposal", "execute", &proposal])?;
    assert!(said(&again).contains("executed already"), "{again:?}");
    assert_eq!(scene.nonce(&scene.world.mainnet, actor_address("relayer"))?, nonce + 1);
    Ok(())
}

fn a_sender_without_funds_is_told_where_to_ask(scene: &Scene<'_>) -> Outcome {
    scene.world.testnet.set_balance(actor_address("deployer"), U256::from(1_000))?;
    let eva = scene.person("eva");
    let ran = eva.approve(&["deploy"])?;
    super::check(&ran, &Refusal { code: 4, says: &[], hint: "fund request" })?;
    Ok(())
}
