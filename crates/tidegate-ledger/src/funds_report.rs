//! What the `funds` gate has to know.

use std::collections::BTreeSet;

use serde::Serialize;
use tidegate_model::{ReleaseRoot, StatementDigest};

use crate::build::Ledger;
use crate::error::LedgerError;
use crate::facts::{AuthorizationFacts, Facts, NetworkFacts, Outflows, Unwatched};
use crate::invariant::check_ledger;
use crate::reconcile::{Row, reconcile};
use crate::uncovered::{Income, OwnFunds};
use crate::violation::Violation;

/// The input of the gate `funds`: violations, missing facts and notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FundsReport {
    /// Broken rules: FAIL.
    pub violations: Vec<Violation>,
    /// Wallets whose residue is not zero, and no income: FAIL.
    pub residues: Vec<Row>,
    /// Value that came in unasked: shown, passes.
    pub incomes: Vec<Income>,
    /// What could not be read: UNKNOWN.
    pub unread: Vec<String>,
    /// Requests without a decision: UNKNOWN where one names the release.
    pub open_requests: Vec<OpenRequest>,
    /// Spend that no request covers: shown, passes.
    pub own_funds: Vec<OwnFunds>,
    /// Wallets that were lent funds and are not watched, one sentence each: shown, passes.
    pub unwatched: Vec<String>,
    /// Watched keys that were given code, one sentence each.
    pub lent_code: Vec<String>,
    /// Statements that do not count: shown.
    pub ignored: Vec<String>,
}

/// A request that awaits a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OpenRequest {
    pub request: StatementDigest,
    pub release: Option<ReleaseRoot>,
}

/// The wallets that are no longer watched, one sentence each.
fn unwatched(network: &NetworkFacts) -> impl Iterator<Item = String> {
    let chain = network.network.chain;
    network.unwatched.iter().map(move |(wallet, why)| {
        let why = match why {
            Unwatched::Endless => "sent too many transactions to be watched",
            Unwatched::Code => "runs or ran code, and may pay inside what others send",
            Unwatched::Nonces => "has used nonces that no known transaction has",
        };
        format!(
            "{wallet} on chain {chain} {why}: what it was lent is booked as spent, but for what it \
             returned"
        )
    })
}

/// Watched keys that were given code, one sentence each.
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
