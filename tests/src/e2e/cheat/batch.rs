//! Having a promotion executed that was signed before something changed.

use alloy::signers::SignerSync;
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolStruct, eip712_domain};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::digest::project_id;
use tidegate_model::statement::{freeze_subject, no_go_subject, revocation_subject};
use tidegate_model::{
    ChainId, DeploymentDigest, EvidenceDigest, PolicyDigest, ProjectId, ReleaseRoot,
    StatementDigest,
};
use tidegate_safe::helper::{self, PostedStatement};
use tidegate_safe::{SignatureSet, encode_exec_transaction, read_proposal, read_signature};
use tidegate_testkit::{DAY_SECS, actor, actor_address};

use crate::support::{Case, Forge, Outcome, Scene, by_key, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Signed:
            cheat_a_stop_that_comes_after_the_owners_signed,
            cheat_a_freeze_that_its_signer_cannot_pay_for,
            cheat_a_policy_or_promotion_that_comes_after_the_owners_signed;
        Due: cheat_a_proposal_that_outlives_an_attestation;
    }
}

pub(super) const ETHER: u64 = 1_000_000_000_000_000_000;

fn project(scene: &Scene<'_>) -> ProjectId {
    project_id(ChainId(scene.world.mainnet.chain_id()), scene.world.safe, "vault")
}

/// The open promotion's file.
fn promotion(scene: &Scene<'_>) -> Result<Value, Failed> {
    let (hash, _) = scene.promotion()?;
    let file = scene.read(&format!("deployments/mainnet/proposals/{hash}.json"))?;
    Ok(serde_json::from_str::<Value>(&file)?["kind"]["promotion"].take())
}

/// What anybody can send to the Safe with the signatures that lie in git.
pub(super) fn execution(scene: &Scene<'_>) -> Result<Bytes, Failed> {
    let (hash, signatures) = scene.promotion()?;
    let read = |name: &str| scene.read(&format!("deployments/mainnet/proposals/{name}"));
    let name = format!("{hash}.json");
    let checked = read_proposal(&name, &read(&name)?, helper::address())?;
    let mut set = SignatureSet::new(checked.hash(), ["o1", "o2"].map(actor_address));
    for name in signatures {
        set.add(read_signature(&name, &read(&name)?)?.verify()?)?;
    }
    Ok(encode_exec_transaction(&checked.proposal().safe_tx, set.encode(2)?))
}

/// The promotion could be executed; after this it cannot, whoever sends it, and the chain is as it
/// was before.
pub(super) fn ends_it(scene: &Scene<'_>, says: &str, happens: impl FnOnce() -> Outcome) -> Outcome {
    let (mainnet, safe, data) = (&scene.world.mainnet, scene.world.safe, execution(scene)?);
    let before = mainnet.snapshot()?;
    mainnet.call(safe, &data)?;
    happens()?;
    assert!(mainnet.call(safe, &data).is_err(), "{says}: the Safe still promotes");
    let (hash, _) = scene.promotion()?;
    let refused = scene.approve("ops", &["proposal", "execute", &hash])?;
    assert_ne!(refused.code, 0, "{says}: {refused:?}");
    assert!(said(&refused).contains(says), "{says}: {refused:?}");
    Ok(mainnet.revert(before)?)
}

/// Not final yet, so that no gate has seen it.
fn cheat_a_stop_that_comes_after_the_owners_signed(scene: &Scene<'_>) -> Outcome {
    let promotion = promotion(scene)?;
    let release: ReleaseRoot = serde_json::from_value(promotion["releaseRoot"].clone())?;
    let attestation = Forge(scene).signed("ada")?.statement.digest()?;
    let (project, now) = (project(scene), scene.world.mainnet.latest()?.timestamp);
    let stops = [
        (freeze_subject(project), now + DAY_SECS),
        // A freeze for a moment that is over when it is executed was said all the same.
        (freeze_subject(project), 1),
        (no_go_subject(project, release), u64::MAX),
        (revocation_subject(attestation), u64::MAX),
    ];
    let mainnet = &scene.world.mainnet;
    for (subject, until) in stops {
        ends_it(scene, "has posted about", || {
            mainnet.set_balance(actor_address("ada"), U256::from(ETHER))?;
            let post = helper::post(subject, until);
            mainnet.send(&actor("ada"), Some(helper::address()), post, U256::ZERO)?;
            Ok(())
        })?;
    }
    // What strangers post, or what nobody asks for, ends nothing.
    let mallory = actor("mallory");
    mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    for subject in [freeze_subject(project), StatementDigest(keccak256("anything"))] {
        let post = helper::post(subject, u64::MAX);
        mainnet.send(&mallory, Some(helper::address()), post, U256::ZERO)?;
    }
    mainnet.call(scene.world.safe, &execution(scene)?)?;
    Ok(())
}

/// An auditor without a wei signs; a stranger posts it.
fn cheat_a_freeze_that_its_signer_cannot_pay_for(scene: &Scene<'_>) -> Outcome {
    let (mainnet, ada, mallory) = (&scene.world.mainnet, actor("ada"), actor("mallory"));
    let project = project(scene);
    let statement = PostedStatement {
        signer: ada.address(),
        kind: "freeze".to_owned(),
        text: "Freeze every promotion".to_owned(),
        project: project.0,
        subject: project.0,
        bodyDigest: keccak256("body"),
        blockNumber: 1,
        blockHash: keccak256("block"),
        issuedAt: mainnet.latest()?.timestamp,
        expiresAt: mainnet.latest()?.timestamp + DAY_SECS,
    };
    let sign = |chain: u64| -> Result<Bytes, Failed> {
        let domain = eip712_domain! {
            name: "Tidegate", version: "1", chain_id: chain,
            verifying_contract: helper::address(),
        };
        let digest = statement.eip712_signing_hash(&domain);
        let signature = ada.sign_hash_sync(&digest)?.as_bytes();
        Ok(helper::post_signed(statement.clone(), Bytes::from(signature)))
    };
    mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    let to = Some(helper::address());
    let elsewhere = mainnet.send(&mallory, to, sign(1)?, U256::ZERO);
    assert!(elsewhere.is_err(), "signed for another chain");
    ends_it(scene, "has posted about", || {
        mainnet.send(&mallory, to, sign(mainnet.chain_id())?, U256::ZERO)?;
        Ok(())
    })
}

/// By a module, say, which needs no signatures and uses no nonce.
fn cheat_a_policy_or_promotion_that_comes_after_the_owners_signed(scene: &Scene<'_>) -> Outcome {
    let (mainnet, safe, project) = (&scene.world.mainnet, scene.world.safe, project(scene));
    let as_safe = |data: Bytes| -> Outcome {
        mainnet.rpc("anvil_impersonateAccount", json!([safe]))?;
        mainnet.set_balance(safe, U256::from(ETHER))?;
        let call = json!([{"from": safe, "to": helper::address(), "data": data}]);
        mainnet.rpc("eth_sendTransaction", call)?;
        mainnet.mine(1)?;
        mainnet.rpc("anvil_stopImpersonatingAccount", json!([safe]))?;
        Ok(())
    };
    ends_it(scene, "adopted policy version 2 since", || {
        let digest = PolicyDigest(keccak256("another policy"));
        as_safe(helper::adopt_policy(project, digest, 2, u64::MAX))
    })?;
    let promotion = promotion(scene)?;
    ends_it(scene, "has recorded 1 promotion;", || {
        let word = |field: &str| serde_json::from_value(promotion[field].clone());
        let record = helper::PromotionRecord {
            release_root: ReleaseRoot(B256::repeat_byte(1)),
            policy_digest: PolicyDigest(word("policyDigest")?),
            evidence_digest: EvidenceDigest(word("evidenceDigest")?),
            deployment_digest: DeploymentDigest(word("deploymentDigest")?),
            soak_terminal: B256::ZERO,
        };
        as_safe(helper::record(project, &record))
    })
}

/// The proposal ends with the attestation, not when the policy would let it end.
fn cheat_a_proposal_that_outlives_an_attestation(scene: &Scene<'_>) -> Outcome {
    let forge = Forge(scene);
    let end = scene.world.mainnet.finalized()?.timestamp + DAY_SECS;
    let short = forge.like_ada(actor_address("bo"), |a| a.valid_until = end)?;
    forge.write(&by_key("bo", short)?)?;
    scene.go()?;
    let proposed = scene.done("eva", &["promote", "--json"])?;
    scene.sign(&json_text(&proposed, "proposal")?, &["o1", "o2"])?;
    let until = promotion(scene)?["validUntil"].as_u64().unwrap_or(u64::MAX);
    assert!(until == end || until == end - 1, "{until}, the attestation ends at {end}");
    let (mainnet, safe, data) = (&scene.world.mainnet, scene.world.safe, execution(scene)?);
    mainnet.call(safe, &data)?;
    mainnet.mine_at(end + 1)?;
    assert!(mainnet.call(safe, &data).is_err(), "the attestation is over");
    Ok(())
}
