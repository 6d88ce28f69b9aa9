//! Two processes that want one lane, and senders that cannot pay.

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use tidegate_testkit::{Reply, ScriptedNode, actor_address};

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            a_second_process_does_not_get_the_lane,
            a_sender_without_funds_is_told_where_to_ask;
    }
}

const WAIT_SECS_MAX: u64 = 30;
const POLL_MS: u64 = 5;

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

fn a_sender_without_funds_is_told_where_to_ask(scene: &Scene<'_>) -> Outcome {
    scene.world.testnet.set_balance(actor_address("deployer"), U256::from(1_000))?;
    let eva = scene.person("eva");
    let ran = eva.approve(&["deploy"])?;
    super::check(&ran, &Refusal { code: 4, says: &[], hint: "fund request" })?;
    Ok(())
}
