//! What came of every request, and what the `funds` gate has to know.

use std::fmt;

use alloy_primitives::{Address, B256, I256, U256};
use serde::Serialize;
use tidegate_model::{ChainId, NetworkId, ReleaseRoot, StatementDigest};

use crate::account::Commodity;
use crate::build::{Ledger, Tally};
use crate::claims::RequestClaim;
use crate::error::LedgerError;
use crate::facts::Facts;
use crate::invariant::{Breach, check_ledger};
use crate::reconcile::{Row, reconcile};

/// A request and what came of it. Amounts are in wei.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestView {
    /// The request.
    pub request: StatementDigest,
    /// Who asked.
    pub requester: Address,
    /// On which network.
    pub network: NetworkId,
    /// Who was to hold the funds.
    pub destination: Address,
    /// How much was asked for.
    pub amount: U256,
    /// For which release.
    pub release: Option<ReleaseRoot>,
    /// Why.
    pub reason: String,
    /// When, by the target's chain time, in seconds.
    pub submitted_at: u64,
    /// Where it stands.
    pub state: RequestState,
    /// What the treasury sent.
    pub drawn: U256,
    /// What the destination spent of it, value that lies in contracts included.
    pub spent: U256,
    /// What came back.
    pub returned: U256,
    /// Drawn less spent and returned; negative if more came back than was left.
    pub rest: I256,
    /// What an approval still reserves.
    pub encumbered: U256,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// Nobody whose decision counts has decided.
    Submitted,
    /// A treasurer approved.
    Approved {
        /// The approval.
        approval: StatementDigest,
        /// By whom.
        by: Address,
    },
    /// A treasurer denied, or the requester stepped back.
    Denied {
        /// The denial.
        denial: StatementDigest,
        /// By whom.
        by: Address,
    },
    /// Something was sent, rightly or not.
    Drawn,
    /// Something came back, or all of it was drawn and spent.
    Settled,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Violation {
    /// A draw without an approval in force when it was signed.
    UnapprovedDraw {
        /// The request.
        request: StatementDigest,
        /// The transaction.
        transaction: B256,
        /// How much, in wei.
        amount: U256,
    },
    /// Draws beyond what was approved.
    OverApproval {
        /// The request.
        request: StatementDigest,
        /// What was approved, in wei.
        approved: U256,
        /// What was drawn, in wei.
        drawn: U256,
    },
    /// A draw under a request that does not exist.
    UnknownRequest {
        /// What it names.
        request: StatementDigest,
        /// The statement.
        statement: StatementDigest,
        /// The transaction.
        transaction: B256,
    },
    /// An approval of one's own request that no other treasurer's decision stands beside.
    SelfApproval {
        /// The request.
        request: StatementDigest,
        /// The approval.
        approval: StatementDigest,
        /// By whom.
        by: Address,
    },
    /// Value that left the treasury without a draw statement.
    OutflowWithoutDraw {
        /// The chain.
        chain: ChainId,
        /// The transaction.
        transaction: B256,
        /// The treasury.
        treasury: Address,
        /// Where it went.
        to: Address,
        /// How much, in wei.
        amount: U256,
    },
    /// A draw or return statement that the chain contradicts.
    TransferMismatch {
        /// The statement.
        statement: StatementDigest,
        /// The transaction.
        transaction: B256,
    },
    /// An invariant of the books that does not hold.
    Books(Breach),
}

/// What the `funds` gate has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FundsReport {
    /// Broken rules: FAIL.
    pub violations: Vec<Violation>,
    /// Wallets whose residue is not zero: FAIL.
    pub residues: Vec<Row>,
    /// What could not be read: UNKNOWN.
    pub unread: Vec<String>,
    /// Requests without a decision: UNKNOWN where one names the release.
    pub open_requests: Vec<OpenRequest>,
    /// Spend that no request covers: shown, passes.
    pub own_funds: Vec<OwnFunds>,
    /// Statements that do not count: shown.
    pub ignored: Vec<String>,
}

/// A request that awaits a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OpenRequest {
    /// The request.
    pub request: StatementDigest,
    /// For which release.
    pub release: Option<ReleaseRoot>,
}

/// Spend that no request covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OwnFunds {
    /// The commodity.
    pub commodity: Commodity,
    /// How much, in wei.
    pub amount: U256,
}

/// Sums up the books for the gate.
///
/// # Errors
/// If an amount does not fit.
pub fn funds_report(ledger: &Ledger, facts: &Facts) -> Result<FundsReport, LedgerError> {
    let rows = reconcile(ledger, facts)?;
    let breaches = check_ledger(ledger).into_iter().map(Violation::Books);
    let open = ledger.undecided();
    Ok(FundsReport {
        violations: ledger.violations.iter().cloned().chain(breaches).collect(),
        residues: rows.into_iter().filter(|row| !row.residue.is_zero()).collect(),
        unread: ledger.unread.clone(),
        open_requests: open
            .map(|view| OpenRequest { request: view.request, release: view.release })
            .collect(),
        own_funds: ledger.own_funds.clone(),
        ignored: ledger.ignored.clone(),
    })
}

pub(crate) fn view_request(claim: &RequestClaim<'_>, tally: Tally) -> RequestView {
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
                 which does not exist"
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
