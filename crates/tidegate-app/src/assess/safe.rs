//! Facts of the gate `safe`: what the root of trust is, what happened to it since it adopted the
//! policy, and what is proposed to it.

use alloy_primitives::{Address, B256, keccak256};
use tidegate_chain::{LogQuery, Network};
use tidegate_evidence::prove_safe;
use tidegate_gates::{Observed, PolicyRules, SafeChange, SafeFacts};
use tidegate_model::policy::PolicyDoc;
use tidegate_model::{GateInput, Head, Reason, ReasonCode};
use tidegate_safe::{
    CanonicalKind, ProposalKind, SafeState, TrustChange, Warning, canonical_by_address, sensitive,
    trust_change, trust_topics,
};

use super::candidate::{Candidate, Trust};
use crate::error::{AppError, AppResult};
use crate::policy_doc::adopted_at;
use crate::proposal_files::{self, Found, Known};
use crate::relied;

pub(super) async fn facts(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    trust: &Trust,
) -> AppResult<Observed<SafeFacts>> {
    let other = relied::other(candidate.project, candidate.target)?;
    let (doc, state) = match trust {
        Ok((doc, state)) => (doc, state),
        Err(missing) => {
            return Ok(Err(match other {
                Some(why) => {
                    let text = format!("{why}; {missing}");
                    Reason::new(ReasonCode::OtherSafe, text).within(missing)
                }
                None => missing.clone(),
            }));
        }
    };
    let network = candidate.target_network.clone()?;
    let head = head.clone()?;
    let handler_known = handler_known(network, state.trust.handler, head).await?;
    let since = adopted_at(network, head, doc).await?;
    // Read once, since a damaged one is named each time.
    let proposals = proposal_files::all(candidate.project).map_err(|error| error.reason());
    let ours: Vec<_> = proposals.iter().flatten().map(|found| found.checked.hash().0).collect();
    let history = match since {
        Some(since) => {
            let counted_to = candidate.counted_to("safe/state", network);
            let span = (since, counted_to.unwrap_or(head.block.number));
            history(network, head, state.trust.address, span).await
        }
        None => Ok(History::default()),
    };
    let (changes, digest) = match history {
        Ok(history) => (Ok(history.changes), history.digest),
        Err(error) => (Err(error.reason()), B256::ZERO),
    };
    let proof = prove_safe(network, state.trust.address, head, &Known(candidate.project)).await;
    let mut proof = proof.map_err(|error| AppError::from(error).reason());
    proof.iter_mut().for_each(|proof| proof.approvals.retain(|(hash, _)| !ours.contains(hash)));
    let input = GateInput {
        kind: "safe/state".to_owned(),
        chain: network.id().chain,
        block: head.block,
        digest: keccak256([doc.digest()?.0, digest].concat()),
    };
    Ok(Ok(SafeFacts {
        trust: state.trust.clone(),
        doubts: state.doubts.clone(),
        other,
        handler_known,
        proof,
        changes,
        queued: proposals.map(|proposals| queued(candidate.target, &proposals, state)),
        inputs: vec![input],
    }))
}

/// Whether a handler is one that Safe published: at its address, with its code.
async fn handler_known(network: &Network, handler: Address, head: Head) -> AppResult<bool> {
    if handler.is_zero() {
        return Ok(true);
    }
    let Some(known) = canonical_by_address(handler) else { return Ok(false) };
    let code = network.code_hash(handler, head.block).await?;
    Ok(known.kind == CanonicalKind::FallbackHandler && known.code_hash == code)
}

/// What happened to the policy's Safe since it adopted one, one sentence each, without what
/// modules did that the policy allows.
pub(crate) async fn safe_changes(
    rules: &PolicyRules,
    network: &Network,
    head: Head,
    doc: &PolicyDoc,
) -> AppResult<Vec<String>> {
    let Some(since) = adopted_at(network, head, doc).await? else { return Ok(Vec::new()) };
    let history = history(network, head, doc.safe.address, (since, head.block.number)).await?;
    let changes = history.changes.into_iter().filter(|change| !change.is_allowed(rules));
    Ok(changes.map(|change| change.what).collect())
}

/// What a Safe's events say since its policy was adopted.
#[derive(Default)]
struct History {
    changes: Vec<SafeChange>,
    digest: B256,
}

async fn history(
    network: &Network,
    head: Head,
    safe: Address,
    (since, counted_to): (u64, u64),
) -> AppResult<History> {
    let after = since.saturating_add(1);
    let Some(first) = network.first_block_at_or_after(after, head).await? else {
        return Ok(History { digest: keccak256([]), ..History::default() });
    };
    let query = LogQuery {
        addresses: vec![safe],
        topics: vec![trust_topics()],
        from: first.block.number,
        to: head.block.number,
    };
    let mut history = History::default();
    let mut seen = Vec::new();
    for log in network.logs(&query).await? {
        if let Some(TrustChange { what, moved_by }) = trust_change(&log.topics, &log.data) {
            let what = format!("{what} in block {}", log.block.number);
            history.changes.push(SafeChange { what, moved_by });
        }
        if log.block.number <= counted_to {
            seen.extend_from_slice(log.block.hash.as_slice());
            seen.extend_from_slice(&log.index.to_be_bytes());
        }
    }
    history.digest = keccak256(&seen);
    Ok(history)
}

/// Proposals in git that are not executed and would change who moves the Safe, or its policy.
fn queued(target: &str, proposals: &[Found], state: &SafeState) -> Vec<Reason> {
    let mut queued = Vec::new();
    let mut add = |code, text: String| queued.push(Reason::new(code, text));
    for found in proposals {
        let (proposal, hash) = (found.checked.proposal(), found.checked.hash());
        if found.network != target || proposal.safe_tx.nonce < state.nonce {
            continue;
        }
        if let ProposalKind::Adoption(adoption) = &proposal.kind {
            let text = format!(
                "proposal {hash} would adopt policy version {}; execute it, or delete its file",
                adoption.policy_version
            );
            add(ReasonCode::AdoptionQueued, text);
        }
        let to_safe = proposal.calls.iter().filter(|call| call.to == proposal.safe);
        for call in to_safe {
            let selector = call.data.get(..4).and_then(|bytes| bytes.try_into().ok());
            let does = selector.and_then(|bytes: [u8; 4]| sensitive(bytes.into()));
            let warning = does.map_or(Warning::CallsSafe, |known| known.warning);
            let text = format!("a call of proposal {hash}: {}", warning.says());
            add(ReasonCode::ChangeQueued, text);
        }
    }
    queued
}
