mod draws;
mod facts;
mod income;
mod requests;
mod stories;
mod told;
mod wallets;

use std::collections::BTreeMap;

use alloy_primitives::B256;
use tidegate_model::statement::{Body, FundApproval, FundRequest, FundTransfer};
use tidegate_model::{BlockRef, Head, NetworkId};

use super::*;
use crate::account::NetworkLabel;
use crate::facts::{AuthorizationFacts, Move, Opening, Outflows, Rise, Unwatched};
use crate::fixture::{
    ANA, ANA_TOO, BO, CONTRACT, KIM, LEE, NETWORK, OTHER, STRANGER, Send, Sim, TREASURY, WALLET,
    eth, request_id, transfer, whole_story,
};
use crate::funds_report::{FundsReport, funds_report};
use crate::invariant::check_ledger;
use crate::reconcile::reconcile;

const GAS: u64 = 21_000 * 1_000_000_007;

fn report(sim: &Sim) -> (Ledger, FundsReport) {
    let facts = sim.facts();
    let ledger = build_ledger(&facts).unwrap();
    let report = funds_report(&ledger, &facts).unwrap();
    (ledger, report)
}

fn balance(ledger: &Ledger, account: &str) -> I256 {
    let postings = ledger.entries.iter().flat_map(|entry| &entry.postings);
    let of_account = postings.filter(|posting| posting.account.to_string() == account);
    of_account.map(|posting| posting.amount).fold(I256::ZERO, |sum, amount| sum + amount)
}

fn signed_eth(milli: u64) -> I256 {
    I256::try_from(eth(milli)).unwrap()
}

fn check(story: fn(&mut Sim), violation: &str) {
    let mut sim = Sim::new();
    sim.request(1, eth(500));
    story(&mut sim);
    let (_, report) = report(&sim);
    let found: Vec<_> = report.violations.iter().map(ToString::to_string).collect();
    if violation.is_empty() {
        assert!(found.is_empty(), "{found:?}");
    } else {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(violation), "{found:?}");
    }
    assert!(report.residues.is_empty(), "{:?}", report.residues);
}
