//! Statements on test funds: requests, decisions and transfers.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::ids::{NetworkId, ReleaseRoot, StatementDigest};

/// A request for test funds. A changed request is a new request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundRequest {
    pub network: NetworkId,
    /// The address that receives the funds.
    pub destination: Address,
    /// The amount, in wei.
    #[serde(with = "crate::decimal")]
    pub amount: U256,
    /// The release they are for, if any.
    pub release: Option<ReleaseRoot>,
    pub reason: String,
}

/// An approval of a request. It says once more what is sent where, so that whoever signs it sees
/// that, and nothing else, in what they sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundApproval {
    pub request: StatementDigest,
    /// The request's network.
    pub network: NetworkId,
    /// The request's destination.
    pub destination: Address,
    /// The request's amount, in wei.
    #[serde(with = "crate::decimal")]
    pub amount: U256,
    pub reason: String,
}

/// A denial of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundDenial {
    pub request: StatementDigest,
    pub reason: String,
}

impl FundApproval {
    /// Whether network, destination and amount are those of the request.
    pub fn is_of(&self, request: &FundRequest) -> bool {
        (self.network, self.destination, self.amount)
            == (request.network, request.destination, request.amount)
    }
}

/// A transfer under a request: from the treasury (draw) or back to it (return).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundTransfer {
    pub request: StatementDigest,
    pub network: NetworkId,
    pub transaction: B256,
    /// The amount, in wei.
    #[serde(with = "crate::decimal")]
    pub amount: U256,
}
