//! What came of every request, and what the `funds` gate has to know.

use std::collections::BTreeSet;
use std::fmt;

use alloy_primitives::{Address, B256, I256, U256};
use serde::Serialize;
use tidegate_model::{ChainId, NetworkId, ReleaseRoot, StatementDigest};

use crate::account::Commodity;
use crate::build::{Ledger, Moved, Tally};
use crate::claims::RequestClaim;
use crate::error::LedgerError;
use crate::facts::{AuthorizationFacts, Facts, NetworkFacts, Outflows, Unwatched};
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

/// What came to a watched wallet from somebody whom no statement names. It passes, with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Income {
    /// The chain.
    pub chain: ChainId,
    /// The wallet.
    pub wallet: Address,
    /// How much, in wei.
    pub amount: U256,
    /// Who sent it in which transaction; none where it came inside transactions that were not
    /// read, by the end of a contract, or as a block's reward.
    pub by: Option<(Address, B256)>,
    /// The first and the last block in which it may have come; mostly one.
    pub blocks: (u64, u64),
}

/// What the `funds` gate has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FundsReport {
    /// Broken rules: FAIL.
    pub violations: Vec<Violation>,
    /// Wallets whose residue is not zero, and no income: FAIL.
    pub residues: Vec<Row>,
    /// What came in unasked: shown, passes.
    pub incomes: Vec<Income>,
    /// What could not be read: UNKNOWN.
    pub unread: Vec<String>,
    /// Requests without a decision: UNKNOWN where one names the release.
    pub open_requests: Vec<OpenRequest>,
    /// Spend that no request covers: shown, passes.
    pub own_funds: Vec<OwnFunds>,
    /// Wallets that were lent funds and are not watched, one sentence each: shown, passes.
    pub unwatched: Vec<String>,
    /// Which watched keys were given code, one sentence each.
    pub lent_code: Vec<String>,
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

/// Who is not watched any more, one sentence each.
fn unwatched(network: &NetworkFacts) -> impl Iterator<Item = String> {
    let chain = network.network.chain;
    network.unwatched.iter().map(move |(wallet, why)| {
        let why = match why {
            Unwatched::Endless => "sent too many transactions to be watched",
            Unwatched::Code => "runs or ran code, and may pay inside what others send",
            Unwatched::Nonces => "has nonces that nothing known took",
        };
        format!(
            "{wallet} on chain {chain} {why}: what it was lent is booked as spent, but for what it \
             returned"
        )
    })
}

/// Which watched keys were given code, one sentence each.
fn lent_code(network: &NetworkFacts) -> impl Iterator<Item = String> {
    let chain = network.network.chain;
    let given = network.authorizations.iter().filter(|given| !given.code.is_zero());
    let watched = given.filter(|given| network.wallet(given.wallet).is_some());
    watched.map(move |AuthorizationFacts { wallet, code, transaction, nonce }| {
        format!(
            "{wallet} on chain {chain} ran the code of {code} since transaction {transaction}, by \
             an authorization with nonce {nonce} (EIP-7702)"
        )
    })
}

/// Sums up the books for the gate.
///
/// # Errors
/// If an amount does not fit.
pub fn funds_report(ledger: &Ledger, facts: &Facts) -> Result<FundsReport, LedgerError> {
    let rows = reconcile(ledger, facts)?;
    let hidden: BTreeSet<_> = facts
        .networks
        .iter()
        .flat_map(|n| n.wallets.iter().map(|wallet| (n.network.chain, wallet)))
        .filter(|(_, wallet)| wallet.outflows == Outflows::Hidden)
        .map(|(chain, wallet)| (chain, wallet.address))
        .collect();
    let unclear =
        |row: &Row| row.residue.is_positive() && hidden.contains(&(row.chain, row.wallet));
    let (unclear, residues): (Vec<_>, Vec<_>) =
        rows.into_iter().filter(|row| !row.residue.is_zero()).partition(unclear);
    let unclear = unclear.into_iter().map(|row| {
        let (wallet, residue, chain) = (row.wallet, row.residue, row.chain);
        format!(
            "{wallet} on chain {chain} has or had code and holds {residue} wei more than is \
             explained: what came in cannot be told from what came in and left"
        )
    });
    let breaches = check_ledger(ledger).into_iter().map(Violation::Books);
    let open = ledger.undecided();
    Ok(FundsReport {
        violations: ledger.violations.iter().cloned().chain(breaches).collect(),
        residues,
        incomes: ledger.incomes.clone(),
        unread: ledger.unread.iter().cloned().chain(unclear).collect(),
        open_requests: open
            .map(|view| OpenRequest { request: view.request, release: view.release })
            .collect(),
        own_funds: ledger.own_funds.clone(),
        unwatched: facts.networks.iter().flat_map(unwatched).collect(),
        lent_code: facts.networks.iter().flat_map(lent_code).collect(),
        ignored: ledger.ignored.clone(),
    })
}

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

impl RequestView {
    /// What the treasury may still send at a time of the target's chain.
    pub fn drawable(&self, at: u64) -> U256 {
        let approved = self.approved_until.is_some_and(|until| at <= until);
        if approved && !self.unseen { self.encumbered } else { U256::ZERO }
    }

    /// What was sent and has not come back.
    pub fn out(&self) -> U256 {
        self.drawn.saturating_sub(self.returned)
    }
}

impl fmt::Display for Income {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.blocks;
        write!(f, "{} wei came to {} ", self.amount, self.wallet)?;
        match &self.by {
            Some((sender, transaction)) => {
                write!(f, "from {sender} in transaction {transaction}, ")?;
            }
            None => f.write_str("inside transactions of others or as a reward, ")?,
        }
        if first == last {
            write!(f, "in block {last}")
        } else {
            write!(f, "between blocks {first} and {last}")
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
