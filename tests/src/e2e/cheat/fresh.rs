//! Cheating with contracts that are created before the Safe creates them.

use alloy_primitives::{Bytes, U64, U256};
use libtest_mimic::Failed;
use serde_json::json;
use tidegate_testkit::{Transaction, actor, actor_address};

use crate::stranger::{create_all, deposit};
use crate::support::{Case, Chains, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_contract_that_a_stranger_used_where_none_may_have,
            cheat_signatures_that_a_stranger_executes_over_used_contracts,
            cheat_a_contract_that_a_stranger_only_created;
    }
}

const ETHER: u64 = 1_000_000_000_000_000_000;

/// The policy says `fresh = true`, the release is proposed, and a stranger has ether.
fn proposed(scene: &Scene<'_>) -> Result<String, Failed> {
    scene.edit("tidegate.toml", "audits = 2", "audits = 2\nfresh = true")?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let adoption = json_text(&adopt, "proposal")?;
    scene.sign(&adoption, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &adoption])?;
    scene.world.settle()?;
    scene.world.mainnet.set_balance(actor_address("mallory"), U256::from(ETHER) * U256::from(9))?;
    json_text(&scene.run("eva", &["promote", "--json"], 0)?, "proposal")
}

/// Whoever signs or executes is told, and does not.
fn all_refused(scene: &Scene<'_>, proposal: &str, says: &str) -> Outcome {
    let signing = scene.person("o3").run(&scene.signing(proposal))?;
    let executing = scene.approve("ops", &["proposal", "execute", proposal])?;
    for refused in [signing, executing] {
        let flat = said(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says) && flat.contains("`fresh = true`"), "{refused:?}");
        refused.expect_code(1)?;
    }
    scene.run("eva", &["promote"], 1).map(|_| ())
}

/// Created first and used: no owner signs, and nobody executes.
fn cheat_a_contract_that_a_stranger_used_where_none_may_have(scene: &Scene<'_>) -> Outcome {
    let mallory = actor("mallory");
    let proposal = proposed(scene)?;
    scene.sign(&proposal, &["o1", "o2"])?;
    let created = create_all(scene, &proposal, &mallory)?;
    assert_eq!(created.len(), 4, "registry, library, implementation and proxy");
    let vault = *created.last().ok_or("a vault")?;
    deposit(scene, &mallory, vault)?;
    let says = format!("vault/proxy stands at {vault} already, and may have been used");
    all_refused(scene, &proposal, &says)
}

/// Whoever has the signatures from git needs no program of ours: the batch itself reverts.
fn cheat_signatures_that_a_stranger_executes_over_used_contracts(scene: &Scene<'_>) -> Outcome {
    let (mainnet, mallory) = (&scene.world.mainnet, actor("mallory"));
    let proposal = proposed(scene)?;
    let shown = said(&scene.run("o1", &["proposal", "show", &proposal], 0)?);
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("creates 0x") && flat.contains("reverts if anything stands"), "{shown}");
    scene.sign(&proposal, &["o1", "o2"])?;

    // What the relayer sends is what the signatures allow anybody to send.
    let mut chains = Chains::save(scene.world)?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    let nonce = scene.nonce(mainnet, actor_address("relayer"))?;
    let params = json!([actor_address("relayer"), U64::from(nonce - 1)]);
    let sent = mainnet.rpc("eth_getTransactionBySenderAndNonce", params)?;
    let input: Bytes = serde_json::from_value(sent["input"].clone())?;
    chains.restore(scene.world)?;

    for used in [true, false] {
        let mut before = Chains::save(scene.world)?;
        let created = create_all(scene, &proposal, &mallory)?;
        if used {
            deposit(scene, &mallory, *created.last().ok_or("a vault")?)?;
        }
        let data = input.clone();
        let transaction = Transaction {
            to: Some(scene.world.safe),
            gas: Some(14_000_000),
            ..Transaction::create(data)
        };
        let receipt = mainnet.send_transaction(&mallory, &transaction)?;
        assert!(!receipt.status, "it went through");
        before.restore(scene.world)?;
    }
    // Where nothing stands it is executed by whoever likes to.
    mainnet.send(&mallory, Some(scene.world.safe), input, U256::ZERO)?;
    Ok(())
}

/// Created and not used: nobody can see that for good, so it is not fresh either.
fn cheat_a_contract_that_a_stranger_only_created(scene: &Scene<'_>) -> Outcome {
    let proposal = proposed(scene)?;
    scene.sign(&proposal, &["o1", "o2"])?;
    let created = create_all(scene, &proposal, &actor("mallory"))?;
    assert_eq!(scene.status()?.verdict("overall"), "FAIL", "nothing may stand there");
    scene.world.mainnet.set_balance(created[0], U256::from(1))?;
    all_refused(scene, &proposal, "it holds 1 wei, its creation leaves 0")?;
    scene.world.mainnet.set_balance(created[0], U256::ZERO)?;
    all_refused(scene, &proposal, "already")
}
