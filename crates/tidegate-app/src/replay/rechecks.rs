//! A signer's re-check of the promotion, with one thing wrong at a time.

use alloy_primitives::B256;
use tidegate_model::{
    BuildDigest, ChainId, DeploymentDigest, PolicyDigest, ReleaseRoot, StatementDigest,
};
use tidegate_safe::{Checked, InnerCall, MULTI_SEND_CALL_ONLY, Proposal, helper};

use super::*;
use crate::error::Kind;
use crate::recheck::{Limit, Refusal, recheck};

/// The same proposal for another promotion, whose hash and calls agree with it.
fn of_promotion(found: &Found, edit: impl FnOnce(&mut Promotion)) -> Found {
    of_promotion_at(found, found.checked.proposal().safe_tx.nonce, edit)
}

fn of_promotion_at(found: &Found, nonce: u64, edit: impl FnOnce(&mut Promotion)) -> Found {
    let was = promotion_in(found);
    let mut is = was.clone();
    edit(&mut is);
    is.evidence_digest = is.evidence.digest().unwrap();
    is.deployment_digest = is.deployment.digest().unwrap();
    let helper = helper::address();
    let own = |promotion: &Promotion| {
        let mut calls = vec![promotion.require_before_call(helper)];
        calls.extend(promotion.judged_calls(helper));
        calls.push(promotion.record_call(helper));
        calls
    };
    let (before, mut after) = (own(&was), own(&is));
    let record = after.pop();
    let proposal = found.checked.proposal();
    // Notes are words, which change.
    let is_own = |call: &&InnerCall| before.iter().any(|own| own.same_call(call));
    let plan = proposal.calls.iter().filter(|call| !is_own(call)).cloned();
    let calls = after.into_iter().chain(plan.collect::<Vec<_>>()).chain(record).collect();
    let (network, safe) = (proposal.network, proposal.safe);
    let proposal = Proposal::promotion(network, safe, nonce, is, calls).unwrap();
    Found { network: found.network.clone(), checked: proposal.check(helper).unwrap() }
}

/// What a re-check comes to.
async fn outcome(replay: &Replay, found: &Found) -> AppResult<Checked> {
    let opened = replay.opened(found).await?;
    let rechecked = recheck(&replay.project, &opened).await.outcome?;
    let ready = rechecked.ready(&replay.project);
    assert!(ready.is_ok(), "two owners have signed");
    Ok(found.checked.clone())
}

/// Why a re-check of an edited promotion is refused.
fn refused(edit: impl FnOnce(&mut Promotion) + Send + 'static) -> Refusal {
    play(async || {
        let replay = Replay::signed(|_, _| {});
        let found = of_promotion(&replay.found(), edit);
        refusal(outcome(&replay, &found).await)
    })
}

/// Why a re-check is refused where an endpoint answers something else, or a file is another one.
fn refused_here(edit: impl FnOnce(&Path, &mut Tapes) + Send + 'static) -> AppError {
    play(async || {
        let replay = Replay::signed(edit);
        let found = replay.found();
        outcome(&replay, &found).await.expect_err("it is refused")
    })
}

fn refusal(outcome: AppResult<Checked>) -> Refusal {
    let error = outcome.expect_err("it is refused");
    error.cause::<Refusal>().cloned().unwrap_or_else(|| panic!("{error}"))
}

#[test]
fn what_was_proposed_holds_elsewhere() {
    play(async || {
        let replay = Replay::signed(|_, _| {});
        let found = replay.found();
        assert_eq!(outcome(&replay, &found).await.unwrap(), found.checked);
        // The same promotion through the hands of these tests is the same proposal.
        let same = of_promotion(&found, |_| {});
        assert_eq!(same.checked.hash(), found.checked.hash());
    });
}

#[test]
fn another_release_policy_or_time_is_refused() {
    let root = ReleaseRoot(B256::repeat_byte(1));
    let other = refused(move |promotion| promotion.release_root = root);
    let names = |proposed: &String| proposed.contains(&*root.short());
    assert!(matches!(&other, Refusal::OtherRelease { proposed, .. } if names(proposed)), "{other}");
    let policy = PolicyDigest(B256::repeat_byte(1));
    assert_eq!(refused(move |promotion| promotion.policy_digest = policy), Refusal::OtherPolicy);
    assert_eq!(refused(|promotion| promotion.valid_until = 1), Refusal::Expired);
    let late = refused(|promotion| promotion.valid_until += 365 * 86_400);
    assert_eq!(late, Refusal::TooLong(Limit::Policy));
}

#[test]
fn other_evidence_is_refused() {
    let digest = StatementDigest(B256::repeat_byte(0xee));
    let missing = refused(move |promotion| promotion.evidence.statements.push(digest));
    assert_eq!(missing, Refusal::MissingStatement(digest));
    let other = refused(|promotion| promotion.evidence.inputs[0].digest = B256::ZERO);
    assert!(matches!(other, Refusal::OtherEvidence(_)), "{other}");
}

#[test]
fn another_soak_is_refused() {
    let other = refused(|promotion| {
        promotion.soak.deployment_digest = DeploymentDigest(B256::repeat_byte(1));
    });
    assert_eq!(other, Refusal::OtherSoak);
    let elsewhere = refused(|promotion| promotion.soak.network.chain = ChainId(999));
    assert_eq!(elsewhere, Refusal::UnknownChain(999));
    let hash = B256::repeat_byte(1);
    let block = refused(move |promotion| promotion.soak.terminal.hash = hash);
    assert_eq!(block, Refusal::OtherBlock { block: hash, network: "testnet".to_owned() });
}

#[test]
fn another_batch_is_refused() {
    let void = refused(|promotion| promotion.judged.records += 1);
    assert!(matches!(void, Refusal::Void(_)), "{void}");
    let other = refused(|promotion| {
        promotion.deployment.build_digest = BuildDigest(B256::repeat_byte(1));
    });
    assert_eq!(other, Refusal::OtherBatch);
}

#[test]
fn another_nonce_than_the_safe_s_next_is_refused() {
    play(async || {
        let replay = Replay::signed(|_, _| {});
        let found = replay.found();
        let at = found.checked.proposal().safe_tx.nonce;
        let later = of_promotion_at(&found, at + 1, |_| {});
        let refused = refusal(outcome(&replay, &later).await);
        assert_eq!(refused, Refusal::Nonce { safe: at, proposal: at + 1 });
    });
}

/// What a Safe did and no log shows makes it another one.
#[test]
fn a_safe_whose_past_is_not_shown_is_refused() {
    let error = refused_here(|_, tapes| {
        // nonce() of the Safe.
        let nine = |result: &mut Value| *result = Value::String(format!("0x{:064x}", 9));
        assert!(tapes.mainnet_rpc.edit("eth_call", "0xaffed0e0", nine) > 0);
    });
    assert_eq!(error.kind, Kind::Fail, "{error}");
}

#[test]
fn another_batch_contract_is_refused() {
    let error = refused_here(|_, tapes| {
        let at = MULTI_SEND_CALL_ONLY.to_string().to_lowercase();
        assert!(tapes.mainnet_rpc.edit("eth_getCode", &at, other_code) > 0);
    });
    assert_eq!(error.cause(), Some(&Refusal::NoMultiSend), "{error}");
}

#[test]
fn gates_that_fail_now_are_refused() {
    let error = refused_here(|_, tapes| {
        assert!(tapes.testnet_rpc.edit("eth_getCode", "", other_code) > 0);
    });
    assert!(matches!(error.cause(), Some(Refusal::Gates(_))), "{error}");
    assert_eq!(error.kind, Kind::Fail);
}
