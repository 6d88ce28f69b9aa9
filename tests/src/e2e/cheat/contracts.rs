//! Contracts that take back what they signed, once the owners have signed.

use alloy_primitives::{Address, B256, Bytes, U256};
use tidegate_model::statement::{
    Body, ContractSigner, General, KeyClaim, SignedStatement, Statement,
};
use tidegate_model::{BlockRef, ChainId};

use super::batch::{ends_it, execution};
use super::findings::attest_with_a_finding;
use super::signatures::{ACCEPTS, CODE, DAO, dao, name_the_dao};
use crate::support::{Case, Forge, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Due:
            cheat_an_auditor_contract_that_withdraws_after_the_owners_signed,
            cheat_a_contract_that_takes_its_go_back_after_the_owners_signed,
            cheat_a_contract_that_takes_an_accepted_risk_back_after_the_owners_signed,
            cheat_a_go_by_a_contract_that_the_batch_cannot_ask;
    }
}

/// The policy with the contract on a chain is adopted, and in effect.
fn adopt_the_dao(scene: &Scene<'_>) -> Outcome {
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let adoption = json_text(&adopt, "proposal")?;
    scene.sign(&adoption, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &adoption])?;
    scene.advance_to_day(18)
}

/// What a person would say as the contract, signed by it where it stands.
fn as_the_dao(scene: &Scene<'_>, args: &[&str], network: &str) -> Outcome {
    let (file, name) = (scene.folder().join("dao.json"), DAO.to_string());
    let file = file.to_string_lossy();
    scene.run("bo", &[args, &["--as", &name, "--typed-data", &file]].concat(), 0)?;
    scene.run("bo", &["import", &file, "--signature", "0x1234", "--contract", network], 0)?;
    Ok(())
}

/// Proposes and signs what only the contract's word lets pass, and takes that word back.
fn withdrawn(scene: &Scene<'_>) -> Outcome {
    let proposed = scene.done("eva", &["promote", "--json"])?;
    scene.sign(&json_text(&proposed, "proposal")?, &["o1", "o2"])?;
    ends_it(scene, "fails in local execution", || {
        Ok(scene.world.mainnet.set_storage(DAO, U256::ZERO, B256::ZERO)?)
    })
}

fn cheat_a_contract_that_takes_its_go_back_after_the_owners_signed(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    adopt_the_dao(scene)?;
    dao(scene, &CODE, ACCEPTS)?;
    scene.attest("bo")?;
    as_the_dao(scene, &["record", "go"], "mainnet")?;
    // It has said so much else that a batch could not ask about all of it.
    let (forge, now) = (Forge(scene), scene.world.mainnet.finalized()?.timestamp);
    let contract = ContractSigner {
        chain: ChainId(scene.world.mainnet.chain_id()),
        block: BlockRef { number: 1, hash: B256::ZERO },
    };
    for number in 0..40 {
        let body = Body::KeyClaim(KeyClaim { name: format!("dao {number}"), key: DAO });
        let general = General { signer: DAO, ..forge.general("mallory", body, now)? };
        forge.write(&SignedStatement {
            v: SignedStatement::VERSION,
            statement: Statement::Statement(general),
            signature: Bytes::from_static(&[0x12, 0x34]),
            contract: Some(contract),
        })?;
    }
    withdrawn(scene)
}

fn cheat_a_contract_that_takes_an_accepted_risk_back_after_the_owners_signed(
    scene: &Scene<'_>,
) -> Outcome {
    name_the_dao(scene)?;
    adopt_the_dao(scene)?;
    dao(scene, &CODE, ACCEPTS)?;
    let key = attest_with_a_finding(scene)?;
    let accept = ["--accept", "--reason", "bounded by the cap", "--until", "30d"];
    let accept = [&["record", "risk", &key[..18]], &accept[..]].concat();
    scene.done("kim", &[&accept[..], &["--as", "treasury"]].concat())?;
    as_the_dao(scene, &["record", "risk", &key[..18]], "mainnet")?;
    scene.go()?;
    withdrawn(scene)
}

/// Where it stands on another chain, the sheet says that nothing asks it again.
fn cheat_a_go_by_a_contract_that_the_batch_cannot_ask(scene: &Scene<'_>) -> Outcome {
    let (own, other) = (scene.world.mainnet.chain_id(), scene.world.testnet.chain_id());
    name_the_dao(scene)?;
    scene.edit("tidegate.toml", &format!("eip155:{own}:"), &format!("eip155:{other}:"))?;
    adopt_the_dao(scene)?;
    let testnet = &scene.world.testnet;
    testnet.set_code(DAO, &Bytes::copy_from_slice(&CODE))?;
    testnet.set_storage(DAO, U256::ZERO, ACCEPTS)?;
    scene.world.settle()?;
    scene.attest("bo")?;
    as_the_dao(scene, &["record", "go"], "testnet")?;
    let proposed = scene.done("eva", &["promote", "--json"])?;
    let proposal = json_text(&proposed, "proposal")?;
    let verify = ["proposal", "verify", &proposal, "--pin", &scene.safe()];
    let shown = said(&scene.run("o1", &verify, 0)?);
    assert!(shown.contains("Signer elsewhere") && shown.contains(&DAO.to_string()), "{shown}");
    assert!(shown.contains("where this transaction cannot ask it again"), "{shown}");
    Ok(())
}

/// It stands on the target, so the batch asks it once more.
fn cheat_an_auditor_contract_that_withdraws_after_the_owners_signed(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    adopt_the_dao(scene)?;
    dao(scene, &CODE, ACCEPTS)?;
    as_the_dao(scene, &["attest", "reports/bolt.md"], "mainnet")?;
    scene.go()?;
    let proposed = scene.done("eva", &["promote", "--json"])?;
    scene.sign(&json_text(&proposed, "proposal")?, &["o1", "o2"])?;
    ends_it(scene, "fails in local execution", || {
        Ok(scene.world.mainnet.set_storage(DAO, U256::ZERO, B256::ZERO)?)
    })?;
    // Where somebody else's contract says no, nothing is said about this one.
    scene.world.mainnet.set_storage(Address::repeat_byte(9), U256::ZERO, B256::ZERO)?;
    scene.world.mainnet.call(scene.world.safe, &execution(scene)?)?;
    Ok(())
}
