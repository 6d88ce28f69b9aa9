//! What people say of test funds.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::ids::{NetworkId, ReleaseRoot, StatementDigest};

/// A request for test funds. A changed request is a new request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundRequest {
    /// The network.
    pub network: NetworkId,
    /// Who will hold the funds.
    pub destination: Address,
    /// How much, in wei.
    #[serde(with = "crate::decimal")]
    pub amount: U256,
    /// The release they are for, if any.
    pub release: Option<ReleaseRoot>,
    /// Why.
    pub reason: String,
}

/// An approval or denial of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundDecision {
    /// The request.
    pub request: StatementDigest,
    /// Why.
    pub reason: String,
}

/// A transfer under a request: from the treasury (draw) or back to it (return).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundTransfer {
    /// The request.
    pub request: StatementDigest,
    /// The network.
    pub network: NetworkId,
    /// The transaction.
    pub transaction: B256,
    /// How much, in wei.
    #[serde(with = "crate::decimal")]
    pub amount: U256,
}
