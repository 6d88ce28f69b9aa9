//! What came of a request, as the books count it.

use alloy_primitives::{B256, I256, U256};

use crate::claims::RequestClaim;
use crate::request::{RequestState, RequestView};

/// The running sums of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) drawn: U256,
    pub(crate) spent: U256,
    pub(crate) returned: U256,
    pub(crate) encumbered: U256,
    pub(crate) settled: bool,
}

/// The transactions under a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moved {
    pub(crate) draws: Vec<B256>,
    pub(crate) returns: Vec<B256>,
    /// Whether one is stated that has not been read.
    pub(crate) unseen: bool,
}

impl Tally {
    /// The amount that may still be spent under the request, in wei.
    pub(crate) fn left(&self) -> U256 {
        if self.settled {
            return U256::ZERO;
        }
        self.drawn.saturating_sub(self.spent).saturating_sub(self.returned)
    }
}

/// A request as it stands when the books are done.
pub(crate) fn view_request(claim: &RequestClaim<'_>, tally: Tally, moved: Moved) -> RequestView {
    let request = claim.request;
    let used = tally.spent.saturating_add(tally.returned);
    let spent_up = tally.drawn >= request.amount && used >= tally.drawn;
    let state = if tally.settled || (!tally.drawn.is_zero() && spent_up) {
        RequestState::Settled
    } else if !tally.drawn.is_zero() {
        RequestState::Drawn
    } else {
        decided(claim)
    };
    RequestView {
        request: claim.statement.digest,
        requester: claim.statement.signer,
        network: request.network,
        destination: request.destination,
        amount: request.amount,
        release: request.release,
        reason: request.reason.clone(),
        submitted_at: claim.statement.issued_at,
        state,
        approvals: claim.approvals().map(|said| (said.digest, said.signer)).collect(),
        approved_until: claim.decision().filter(|d| d.approved).map(|d| d.statement.expires_at),
        draws: moved.draws,
        returns: moved.returns,
        unseen: moved.unseen,
        drawn: tally.drawn,
        spent: tally.spent,
        returned: tally.returned,
        rest: I256::from_raw(tally.drawn).wrapping_sub(I256::from_raw(used)),
        encumbered: tally.encumbered,
    }
}

fn decided(claim: &RequestClaim<'_>) -> RequestState {
    match claim.decision() {
        None => RequestState::Submitted,
        Some(d) if d.approved => {
            RequestState::Approved { approval: d.statement.digest, by: d.statement.signer }
        }
        Some(d) => RequestState::Denied { denial: d.statement.digest, by: d.statement.signer },
    }
}
