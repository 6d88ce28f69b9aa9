//! What breaks the rules of test funds, and invariants of the books that do not hold.

use std::fmt;

use alloy_primitives::{Address, B256, U256};
use serde::Serialize;
use tidegate_model::{ChainId, StatementDigest};

use crate::account::Account;
use crate::entry::NaturalKey;

/// A rule of funds that the books break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Violation {
    /// A draw without an approval in force when it was signed.
    UnapprovedDraw {
        request: StatementDigest,
        transaction: B256,
        /// The amount, in wei.
        amount: U256,
    },
    /// Draws beyond what was approved.
    OverApproval {
        request: StatementDigest,
        /// What was approved, in wei.
        approved: U256,
        /// What was drawn, in wei.
        drawn: U256,
    },
    /// A draw under a request that does not exist.
    UnknownRequest { request: StatementDigest, statement: StatementDigest, transaction: B256 },
    /// An approval of one's own request that no other treasurer's decision stands beside.
    SelfApproval { request: StatementDigest, approval: StatementDigest, by: Address },
    /// Value that left the treasury without a draw statement.
    OutflowWithoutDraw {
        chain: ChainId,
        transaction: B256,
        treasury: Address,
        to: Address,
        /// The amount, in wei.
        amount: U256,
    },
    /// A draw or return statement that the chain contradicts.
    TransferMismatch { statement: StatementDigest, transaction: B256 },
    /// An invariant of the books that does not hold.
    Books(Breach),
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breach {
    /// An entry whose postings do not sum to zero.
    Unbalanced(NaturalKey),
    /// A sum that does not fit 256 bits.
    Overflow(NaturalKey),
    /// An entry with a commodity other than its chain's.
    ForeignCommodity(NaturalKey),
    /// Two entries about one thing.
    Repeated(NaturalKey),
    /// An entry without evidence.
    NoEvidence(NaturalKey),
    /// An account of ours that would hold less than nothing.
    Negative { account: Account, after: NaturalKey },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbalanced(key) => write!(f, "{key} does not sum to zero"),
            Self::Overflow(key) => write!(f, "sums at {key} do not fit 256 bits"),
            Self::ForeignCommodity(key) => write!(f, "{key} mixes the coins of two chains"),
            Self::Repeated(key) => write!(f, "{key} is in the books twice"),
            Self::NoEvidence(key) => write!(f, "{key} has no evidence"),
            Self::Negative { account, after } => {
                write!(f, "{account} would hold less than nothing after {after}")
            }
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnapprovedDraw { request, transaction, amount } => write!(
                f,
                "{amount} wei were drawn under request {request} in transaction {transaction} \
                 without an approval in force"
            ),
            Self::OverApproval { request, approved, drawn } => write!(
                f,
                "{drawn} wei were drawn under request {request}, approved were {approved}"
            ),
            Self::UnknownRequest { request, statement, transaction } => write!(
                f,
                "draw {statement} in transaction {transaction} names request {request}, \
                 which is unknown or by nobody under [people]"
            ),
            Self::SelfApproval { request, approval, by } => {
                write!(f, "approval {approval} of request {request} is by its requester {by}")
            }
            Self::OutflowWithoutDraw { chain, transaction, treasury, to, amount } => write!(
                f,
                "{amount} wei left treasury {treasury} for {to} on chain {chain} in transaction \
                 {transaction} without a draw statement"
            ),
            Self::TransferMismatch { statement, transaction } => {
                write!(f, "statement {statement} does not match what transaction {transaction} did")
            }
            Self::Books(breach) => breach.fmt(f),
        }
    }
}
