//! Cheating with contracts that are created before the Safe creates them.

use alloy_primitives::{Bytes, U64, U256};
use libtest_mimic::Failed;
use serde_json::json;
use tidegate_testkit::{Ran, Transaction, actor, actor_address};

use crate::stranger::{create_all, created_by, deposit};
use crate::support::{Case, Chains, Outcome, Scene, cases, json_text, said, use_contracts};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Open:
            cheat_a_contract_that_a_stranger_used_where_none_may_have,
            cheat_signatures_that_a_stranger_executes_over_used_contracts,
            cheat_a_contract_that_a_stranger_only_created,
            cheat_a_library_that_stands_already_where_none_may;
        Funded: cheat_a_stranger_who_would_end_a_release_where_all_is_guarded;
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

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn flat(ran: &Ran) -> String {
    words(&said(ran))
}

/// Whoever signs or executes is told, and does not.
fn all_refused(scene: &Scene<'_>, proposal: &str, says: &str) -> Outcome {
    let signing = scene.person("o3").run(&scene.signing(proposal))?;
    let executing = scene.approve("ops", &["proposal", "execute", proposal])?;
    for refused in [signing, executing] {
        let flat = flat(&refused);
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
    let says = format!("vault/proxy stands at {vault} on mainnet already");
    all_refused(scene, &proposal, &says)?;
    // Everybody is told at once, and what to do.
    scene.world.settle()?;
    let first = format!("registry stands at {} on mainnet already", created[0]);
    let told = [&*first, "`fresh = true`", "another `salt`", "`guarded = false`"];
    scene.status()?.expect("parameters", "FAIL", (&["stands-already"], &told))?;
    let plan = flat(&scene.run("eva", &["plan", "mainnet"], 0)?);
    assert!(told.iter().all(|words| plan.contains(words)), "{plan}");
    assert!(!plan.contains("CapMath stands"), "nobody can have changed it: {plan}");
    // With another salt each stands elsewhere, a library with the step that links it.
    for name in ["Registry", "Vault"] {
        let create = format!("create = \"{name}\"");
        scene.edit("tidegate.toml", &create, &format!("{create}\nsalt = \"2\""))?;
    }
    let plan = scene.run("eva", &["plan", "mainnet", "--json"], 0)?.json()?;
    assert_eq!(plan["standing"].as_array().map(Vec::len), Some(0), "{plan}");
    let rows = plan["operations"].as_array().into_iter().flatten();
    let places: Vec<_> = rows.filter_map(|row| row["address"].as_str()).collect();
    assert_eq!(places.len(), 4, "{plan}");
    let old: Vec<_> = created.iter().map(|at| at.to_string().to_lowercase()).collect();
    assert!(places.iter().all(|at| !old.contains(&at.to_lowercase())), "{plan}");
    Ok(())
}

/// Whoever has the signatures from git needs no program of ours: the batch itself reverts.
fn cheat_signatures_that_a_stranger_executes_over_used_contracts(scene: &Scene<'_>) -> Outcome {
    let (mainnet, mallory) = (&scene.world.mainnet, actor("mallory"));
    let proposal = proposed(scene)?;
    let shown = said(&scene.run("o1", &["proposal", "show", &proposal], 0)?);
    let flat = words(&shown);
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
    all_refused(scene, &proposal, "registry stands at")?;
    scene.world.mainnet.set_balance(created[0], U256::ZERO)?;
    all_refused(scene, &proposal, "on mainnet already")
}

/// What the batch would create, created before by a stranger at its address, in its own way.
fn stranger_creates(scene: &Scene<'_>, proposal: &str, only: &str) -> Result<usize, Failed> {
    let mallory = actor("mallory");
    scene.world.mainnet.set_balance(mallory.address(), U256::from(ETHER) * U256::from(9))?;
    Ok(created_by(scene, proposal, &mallory, |note| note.contains(only))?.len())
}

/// A library that changes nothing of its own account is nobody's to spoil: an earlier release or a
/// stranger may have created it.
fn cheat_a_library_that_stands_already_where_none_may(scene: &Scene<'_>) -> Outcome {
    let proposal = proposed(scene)?;
    scene.sign(&proposal, &["o1", "o2"])?;
    assert_eq!(stranger_creates(scene, &proposal, "(CapMath)")?, 1);
    scene.world.settle()?;
    scene.status()?.expect_others_pass(&[])?;
    scene.person("o3").run(&scene.signing(&proposal))?.expect_code(0)?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    scene.run("eva", &["verify", "mainnet"], 0)?;
    scene.run("eva", &["status", "--check"], 0)?;
    Ok(())
}

/// A release soaks, is audited and promoted.
fn carried_through(scene: &Scene<'_>, version: &str, day: u64) -> Outcome {
    scene.done("eva", &["deploy"])?;
    use_contracts(scene, version)?;
    scene.attest("ada")?;
    scene.attest("bo")?;
    scene.advance_to_day(day)?;
    scene.go()?;
    let promote = scene.run("eva", &["promote", "--json"], 0)?;
    let proposal = json_text(&promote, "proposal")?;
    // Where strangers would create them nothing of the plan stands.
    assert_eq!(stranger_creates(scene, &proposal, "")?, 0);
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    scene.run("eva", &["verify", "mainnet"], 0)?;
    Ok(())
}

/// Nobody but the Safe can create anything of the plan, so that `fresh` stops no release; and the
/// next one, whose library is the same, goes through too.
fn cheat_a_stranger_who_would_end_a_release_where_all_is_guarded(scene: &Scene<'_>) -> Outcome {
    scene.edit("tidegate.toml", "audits = 2", "audits = 2\nfresh = true")?;
    let adoption = json_text(&scene.done("eva", &["policy", "adopt", "--json"])?, "proposal")?;
    scene.sign(&adoption, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &adoption])?;
    scene.world.settle()?;
    carried_through(scene, "1.4.0", 15)?;
    let registry = "contracts/src/Registry.sol";
    let note = "vaultCount++;\n        noteCount[vault] += 2;";
    scene.edit(registry, "vaultCount++;", note)?;
    scene.edit("tidegate.toml", "1.4.0", "1.4.1")?;
    carried_through(scene, "1.4.1", 31)
}
