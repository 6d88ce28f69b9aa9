//! Requests for test funds, and where each stands.

use alloy_primitives::{Address, B256, I256, U256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::{NetworkId, ReleaseRoot, StatementDigest};

/// A request and what came of it. Amounts are in wei.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestView {
    pub request: StatementDigest,
    /// The requester's key.
    pub requester: Address,
    pub network: NetworkId,
    /// The address that was to receive the funds.
    pub destination: Address,
    /// The requested amount, in wei.
    pub amount: U256,
    pub release: Option<ReleaseRoot>,
    pub reason: String,
    /// The time of the request, by the target's chain, in seconds since 1970.
    pub submitted_at: u64,
    pub state: RequestState,
    /// Every approval with its signer, those by the requester too.
    pub approvals: Vec<(StatementDigest, Address)>,
    /// Until when the last decision lets the treasury send, in seconds; none if it does not.
    pub approved_until: Option<u64>,
    /// The transactions of its draws, as the chain has them, in its order.
    pub draws: Vec<B256>,
    /// The transactions of its returns.
    pub returns: Vec<B256>,
    /// Whether a draw or return is stated whose transaction has not been read.
    pub unseen: bool,
    /// The amount that the treasury sent, in wei.
    pub drawn: U256,
    /// The amount that the destination spent of it, value that lies in contracts included.
    pub spent: U256,
    /// Value returned to the treasury, in base units.
    pub returned: U256,
    /// Drawn less spent and returned; negative if more came back than was left.
    pub rest: I256,
    /// The amount that an approval still reserves, in wei.
    pub encumbered: U256,
}

/// The state of a fund request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// Nobody whose decision counts has decided.
    Submitted,
    /// A treasurer approved.
    Approved { approval: StatementDigest, by: Address },
    /// A treasurer denied, or the requester stepped back.
    Denied { denial: StatementDigest, by: Address },
    /// Something was sent, rightly or not.
    Drawn,
    /// Something came back, or all of it was drawn and spent.
    Settled,
}

impl RequestView {
    /// The amount that the treasury may still send, in wei, at a time of the target's chain.
    pub fn drawable(&self, at: u64) -> U256 {
        let approved = self.approved_until.is_some_and(|until| at <= until);
        if approved && !self.unseen { self.encumbered } else { U256::ZERO }
    }

    /// The amount that was sent and has not come back, in wei.
    pub fn out(&self) -> U256 {
        self.drawn.saturating_sub(self.returned)
    }
}
