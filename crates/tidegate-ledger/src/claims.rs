//! What the statements claim, ordered by request and transaction, before the chain is asked.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tidegate_model::statement::{Body, FundRequest, FundTransfer};
use tidegate_model::{ChainId, StatementDigest};

use crate::facts::{Facts, FundStatement};

/// The claims of all statements.
#[derive(Debug, Default)]
pub(crate) struct Claims<'a> {
    pub(crate) requests: BTreeMap<StatementDigest, RequestClaim<'a>>,
    /// Draws and returns by transaction, in the order in which they were signed.
    pub(crate) transfers: BTreeMap<(ChainId, B256), Vec<TransferClaim<'a>>>,
    /// Statements that do not count, and why.
    pub(crate) ignored: Vec<String>,
}

/// A request and what was decided on it.
#[derive(Debug)]
pub(crate) struct RequestClaim<'a> {
    pub(crate) statement: &'a FundStatement,
    pub(crate) request: &'a FundRequest,
    /// Decisions by treasurers other than the requester, in the order in which they were signed;
    /// of two at one time the denial comes last and so stands.
    pub(crate) decisions: Vec<Decision<'a>>,
    /// Approvals by the requester, under whichever key.
    pub(crate) self_approvals: Vec<&'a FundStatement>,
}

/// An approval or denial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision<'a> {
    pub(crate) statement: &'a FundStatement,
    pub(crate) approved: bool,
}

/// A draw or return.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransferClaim<'a> {
    pub(crate) statement: &'a FundStatement,
    pub(crate) transfer: &'a FundTransfer,
    pub(crate) direction: Direction,
}

/// Out of the treasury or back into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Draw,
    Return,
}

impl<'a> Claims<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Self {
        let distinct: BTreeMap<_, _> = facts.statements.iter().map(|s| (s.digest, s)).collect();
        let mut statements: Vec<_> = distinct.into_values().collect();
        statements.sort_by_key(|statement| (statement.issued_at, statement.digest));
        let mut claims = Self::default();
        for statement in &statements {
            if let Body::FundRequest(request) = &statement.body {
                let decisions = Vec::new();
                let self_approvals = Vec::new();
                let claim = RequestClaim { statement, request, decisions, self_approvals };
                claims.requests.insert(statement.digest, claim);
            }
        }
        for statement in statements {
            match &statement.body {
                Body::FundApprove(said) => claims.decide(facts, statement, said.request, true),
                Body::FundDeny(said) => claims.decide(facts, statement, said.request, false),
                Body::FundDraw(t) => claims.transfer(facts, statement, t, Direction::Draw),
                Body::FundReturn(t) => claims.transfer(facts, statement, t, Direction::Return),
                _ => {}
            }
        }
        for claim in claims.requests.values_mut() {
            claim.decisions.sort_by_key(|d| (d.statement.issued_at, !d.approved));
        }
        claims
    }

    fn decide(
        &mut self,
        facts: &Facts,
        statement: &'a FundStatement,
        request: StatementDigest,
        approved: bool,
    ) {
        let digest = statement.digest;
        let Some(claim) = self.requests.get_mut(&request) else {
            self.ignored.push(format!("decision {digest} is on unknown request {request}"));
            return;
        };
        let own = facts.same_person(statement.signer, claim.statement.signer);
        match (own, facts.is_treasurer(statement.signer)) {
            (true, _) if approved => claim.self_approvals.push(statement),
            // Whoever asked may also step back.
            (true, _) | (false, true) => claim.decisions.push(Decision { statement, approved }),
            (false, false) => self
                .ignored
                .push(format!("decision {digest} is by {}, no treasurer", statement.signer)),
        }
    }

    fn transfer(
        &mut self,
        facts: &Facts,
        statement: &'a FundStatement,
        transfer: &'a FundTransfer,
        direction: Direction,
    ) {
        let request = self.requests.get(&transfer.request);
        let destination = request.map(|claim| claim.request.destination);
        if !may_report(facts, statement.signer, destination) {
            let (digest, signer) = (statement.digest, statement.signer);
            self.ignored.push(format!("transfer {digest} is by {signer}, who has no part in it"));
            return;
        }
        let key = (transfer.network.chain, transfer.transaction);
        let claim = TransferClaim { statement, transfer, direction };
        self.transfers.entry(key).or_default().push(claim);
    }
}

/// People of the policy, watched wallets and the request's destination; a stranger's word about a
/// transfer would let anybody with write access to the statements make a gate fail.
fn may_report(facts: &Facts, signer: Address, destination: Option<Address>) -> bool {
    let watched = facts.networks.iter().any(|network| network.wallet(signer).is_some());
    watched || facts.person(signer).is_some() || destination == Some(signer)
}

impl<'a> RequestClaim<'a> {
    /// The last decision.
    pub(crate) fn decision(&self) -> Option<Decision<'a>> {
        self.decisions.last().copied()
    }

    /// The approval in force when a draw was signed. Both times are the target chain's, so they
    /// can be compared.
    pub(crate) fn approval_at(&self, time: u64) -> Option<&'a FundStatement> {
        let mut before = self.decisions.iter().filter(|d| d.statement.issued_at <= time);
        let last = before.next_back().filter(|d| d.approved).map(|d| d.statement)?;
        (time <= last.expires_at).then_some(last)
    }
}
