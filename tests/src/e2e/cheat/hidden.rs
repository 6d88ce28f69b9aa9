//! Cheating by how an execution is sent: whoever has the owners' signatures executes what they
//! signed through a contract, and the calldata does not show it.

use alloy_primitives::{Address, Bytes, U256, hex};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_safe::{SafeTx, encode_exec_transaction};
use tidegate_testkit::{Transaction, actor, actor_address};

use crate::support::{Case, Outcome, Says, Scene, Status, cases, json_text, said};

sol! {
    function nonce() returns (uint256);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            cheat_an_adoption_that_a_contract_executes;
        Signed:
            cheat_a_promotion_that_a_contract_executes,
            cheat_an_execution_that_is_buried_in_its_calldata,
            cheat_a_file_that_explains_another_execution;
    }
}

const ETHER: u64 = 1_000_000_000_000_000_000;
/// Where the stranger's contract stands.
const RELAY: Address = Address::repeat_byte(0x79);
/// The selector of `execTransaction`.
const SELECTOR: [u8; 4] = [0x6a, 0x76, 0x12, 0x02];

fn file(proposal: &str) -> String {
    format!("deployments/mainnet/proposals/{proposal}.json")
}

/// The calldata by which anybody executes what two owners have signed.
fn execution(scene: &Scene<'_>, proposal: &str) -> Result<Bytes, Failed> {
    let value: Value = serde_json::from_str(&scene.read(&file(proposal))?)?;
    let tx: SafeTx = serde_json::from_value(value["safeTx"].clone())?;
    let mut owners = ["o1", "o2"].map(actor_address);
    owners.sort();
    let mut signatures = Vec::new();
    for owner in owners {
        let path = format!("deployments/mainnet/proposals/{proposal}.{owner}.json");
        let signed: Value = serde_json::from_str(&scene.read(&path)?)?;
        signatures
            .extend_from_slice(&serde_json::from_value::<Bytes>(signed["signature"].clone())?);
    }
    Ok(encode_exec_transaction(&tx, signatures.into()))
}

/// A stranger's contract of this code is called with this, and the Safe executes its next
/// transaction in it.
fn relay(scene: &Scene<'_>, code: &str, data: Vec<u8>) -> Outcome {
    let (mainnet, mallory, safe) = (&scene.world.mainnet, actor("mallory"), scene.world.safe);
    let nonce = || mainnet.call(safe, &nonceCall {}.abi_encode().into());
    let before = U256::from_be_slice(&nonce()?);
    mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    mainnet.set_code(RELAY, &code.parse()?)?;
    let call = Transaction { to: Some(RELAY), gas: Some(14_000_000), ..Transaction::create(data) };
    mainnet.send_transaction(&mallory, &call)?;
    assert_eq!(U256::from_be_slice(&nonce()?), before + U256::ONE, "it was not executed");
    Ok(scene.world.settle()?)
}

/// With no calldata at all: the contract carries it behind its own 40 bytes of code.
fn execute_unseen(scene: &Scene<'_>, proposal: &str) -> Outcome {
    let input = execution(scene, proposal)?;
    let size = format!("62{:06x}", input.len());
    let (copy, safe) = (format!("{size}60285f39"), hex::encode(scene.world.safe));
    let code = format!("{copy}5f5f{size}5f5f73{safe}5af100{}", hex::encode(&input));
    relay(scene, &code, Vec::new())
}

/// What the gate `safe` says on somebody's machine.
fn gate<'a>(scene: &Scene<'_>, person: &str, verdict: &str, says: impl Into<Says<'a>>) -> Outcome {
    let status = Status::of(&scene.run(person, &["status", "--json"], 0)?)?;
    status.expect("safe", verdict, says)
}

/// The owners' own promotion, executed by a stranger: from then on no release and no policy of the
/// Safe, though all is known.
fn cheat_a_promotion_that_a_contract_executes(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let text = scene.read(&file(&proposal))?;
    execute_unseen(scene, &proposal)?;
    // Nobody's command executed it, so the files of it are written now.
    scene.run("eva", &["proposal", "execute", &proposal], 0)?;
    scene.run("eva", &["verify", "mainnet"], 0)?;
    // Cy has never seen it: the file is enough, and enough for good.
    gate(scene, "cy", "PASS", &[])?;
    std::fs::remove_file(scene.project().join(file(&proposal)))?;
    gate(scene, "cy", "PASS", &[])?;
    // An owner's machine has signed it; the engineer's has made it.
    for person in ["o1", "eva"] {
        gate(scene, person, "PASS", &[])?;
    }
    // Whoever has never seen it is told what to do, at the gate and where a policy is adopted.
    let place = format!("restore {} from git", file(&proposal));
    let names = [proposal.as_str(), &place];
    gate(scene, "bo", "UNKNOWN", (&["unknown-execution"], &names))?;
    scene.edit("tidegate.toml", "audits = 2\n", "audits = 2\ngo = 2\n")?;
    let adopting = said(&scene.run("bo", &["policy", "adopt"], 1)?);
    let flat = adopting.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(names.iter().all(|name| flat.contains(name)), "{adopting}");
    assert!(!flat.contains("another Safe"), "{adopting}");
    scene.write(&file(&proposal), &text)?;
    scene.run("bo", &["policy", "adopt"], 0).map(|_| ())
}

/// Behind more selectors of executions than are followed; the contract passes on what follows.
fn cheat_an_execution_that_is_buried_in_its_calldata(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let flood = SELECTOR.repeat(300);
    let data = [&flood[..], &execution(scene, &proposal)?].concat();
    let (skipped, safe) = (format!("61{:04x}", flood.len()), hex::encode(scene.world.safe));
    let code = format!("5f5f{skipped}360380{skipped}5f375f5f73{safe}5af100");
    relay(scene, &code, data)?;
    gate(scene, "cy", "PASS", &[])?;
    std::fs::remove_file(scene.project().join(file(&proposal)))?;
    gate(scene, "cy", "PASS", &[])?;
    let place = format!("restore {} from git", file(&proposal));
    gate(scene, "bo", "UNKNOWN", (&["unknown-execution"], &[place.as_str()]))
}

/// A policy, which is adopted in one call: it counts, and the next one can be adopted.
fn cheat_an_adoption_that_a_contract_executes(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "audits = 2\n", "audits = 2\ngo = 2\n")?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    execute_unseen(scene, &proposal)?;
    let status = Status::of(&scene.run("cy", &["status", "--json"], 0)?)?;
    status.expect("safe", "PASS", &[])?;
    status.expect("policy", "PASS", &[])?;
    scene.edit("tidegate.toml", "go = 2\n", "go = 3\n")?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let next = json_text(&adopt, "proposal")?;
    // The file is gone before o3 has seen it: they sign nothing, and are told why.
    let text = scene.read(&file(&proposal))?;
    std::fs::remove_file(scene.project().join(file(&proposal)))?;
    let refused = scene.person("o3").run(&scene.signing(&next))?.expect_code(1)?;
    let says = format!("restore {} from git", file(&proposal));
    let flat = said(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&says), "{refused:?}");
    scene.sign(&next, &["o1"])?;
    scene.write(&file(&proposal), &text)?;
    scene.sign(&next, &["o3"])?;
    scene.done("ops", &["proposal", "execute", &next])?;
    Ok(())
}

/// A file under the name of what ran, with another content: a call where a stranger's code ran, or
/// another proposal altogether.
fn cheat_a_file_that_explains_another_execution(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let text = scene.read(&file(&proposal))?;
    execute_unseen(scene, &proposal)?;
    let mut calls: Value = serde_json::from_str(&text)?;
    calls["safeTx"]["operation"] = 0.into();
    let mut later: Value = serde_json::from_str(&text)?;
    later["safeTx"]["nonce"] = 9.into();
    let others = [calls.to_string(), later.to_string(), "{\"safeTx\": {}}".to_owned()];
    for other in others {
        scene.write(&file(&proposal), &other)?;
        let place = format!("restore {} from git", file(&proposal));
        gate(scene, "bo", "UNKNOWN", (&["unknown-execution"], &[place.as_str()]))?;
    }
    // What is damaged elsewhere still holds what ran.
    let mut damaged: Value = serde_json::from_str(&text)?;
    damaged["calls"] = Value::Array(Vec::new());
    scene.write(&file(&proposal), &damaged.to_string())?;
    gate(scene, "bo", "PASS", &[])
}
