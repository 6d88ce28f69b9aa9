//! What the statements claim, ordered by request and transaction, before the chain is asked: the
//! one place that says which of them count, by who signed them and what they name.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use tidegate_model::statement::{Body, FundApproval, FundRequest, FundTransfer};
use tidegate_model::{ChainId, NetworkId, StatementDigest};

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

/// The statements that count, for who wants to read what they are about. Everything that is built
/// on statements of funds takes these and no others.
pub fn counting(facts: &Facts) -> Vec<FundStatement> {
    let claims = Claims::new(facts);
    let requests = claims.requests.values().flat_map(|claim| {
        let decisions = claim.decisions.iter().map(|decision| decision.statement);
        std::iter::once(claim.statement).chain(decisions).chain(claim.self_approvals.clone())
    });
    let transfers = claims.transfers.values().flatten().map(|claim| claim.statement);
    requests.chain(transfers).cloned().collect()
}

impl<'a> Claims<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Self {
        let distinct: BTreeMap<_, _> = facts.statements.iter().map(|s| (s.digest, s)).collect();
        let mut statements: Vec<_> = distinct.into_values().collect();
        statements.sort_by_key(|statement| (statement.issued_at, statement.digest));
        let mut claims = Self::default();
        for statement in &statements {
            if let Body::FundRequest(request) = &statement.body {
                claims.request(facts, statement, request);
            }
        }
        for statement in &statements {
            match &statement.body {
                Body::FundApprove(a) => claims.decide(facts, statement, a.request, Some(a)),
                Body::FundDeny(denial) => claims.decide(facts, statement, denial.request, None),
                _ => {}
            }
        }
        for statement in statements {
            match &statement.body {
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

    /// Whoever decides must know who asked: a key of nobody could be the treasurer's own.
    fn request(&mut self, facts: &Facts, statement: &'a FundStatement, request: &'a FundRequest) {
        let (digest, signer) = (statement.digest, statement.signer);
        if facts.person(signer).is_none() {
            let why = format!("request {digest} is by {signer}, who is nobody under [people]");
            return self.ignored.push(why);
        }
        let (decisions, self_approvals) = (Vec::new(), Vec::new());
        let claim = RequestClaim { statement, request, decisions, self_approvals };
        self.requests.insert(digest, claim);
    }

    /// An approval has its terms; a denial needs none.
    fn decide(
        &mut self,
        facts: &Facts,
        statement: &'a FundStatement,
        request: StatementDigest,
        approval: Option<&FundApproval>,
    ) {
        let (digest, signer, approved) = (statement.digest, statement.signer, approval.is_some());
        let Some(claim) = self.requests.get_mut(&request) else {
            self.ignored.push(format!("decision {digest} is on unknown request {request}"));
            return;
        };
        if approval.is_some_and(|said| !said.is_of(claim.request)) {
            let why = format!("approval {digest} names other terms than request {request}");
            return self.ignored.push(why);
        }
        match (facts.same_person(signer, claim.statement.signer), facts.is_treasurer(signer)) {
            (true, true) if approved => claim.self_approvals.push(statement),
            // It moves nothing, so it may not hold up anything either.
            (true, false) if approved => {
                let why = "approves their own request and is not a treasurer";
                self.ignored.push(format!("decision {digest} is by {signer}, who {why}"));
            }
            // Whoever asked may also step back.
            (true, _) | (false, true) => claim.decisions.push(Decision { statement, approved }),
            (false, false) => {
                self.ignored
                    .push(format!("decision {digest} is by {signer}, who is not a treasurer"));
            }
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
        if !may_report(facts, statement.signer, transfer.network, request, direction) {
            let (digest, signer) = (statement.digest, statement.signer);
            self.ignored.push(format!("transfer {digest} is by {signer}, who has no part in it"));
            return;
        }
        let key = (transfer.network.chain, transfer.transaction);
        let claim = TransferClaim { statement, transfer, direction };
        self.transfers.entry(key).or_default().push(claim);
    }
}

/// A draw is told by the treasury or a treasurer, a return by these, whoever asked, or whoever was
/// granted the funds. Another's word about a transfer would let anybody with write access to
/// the statements make a gate fail, or an approval look unused.
fn may_report(
    facts: &Facts,
    signer: Address,
    network: NetworkId,
    request: Option<&RequestClaim<'_>>,
    direction: Direction,
) -> bool {
    let treasury = facts.treasuries.get(&network) == Some(&signer);
    let granted = request.filter(|claim| claim.decisions.iter().any(|d| d.approved));
    match direction {
        _ if treasury => true,
        Direction::Draw => facts.is_treasurer(signer),
        Direction::Return => granted.is_some_and(|claim| {
            let asked = facts.same_person(signer, claim.statement.signer);
            asked || claim.request.destination == signer || facts.is_treasurer(signer)
        }),
    }
}

impl<'a> RequestClaim<'a> {
    /// Every approval that counts, in the order in which they were signed, then the requester's
    /// own, unless the request was denied or taken back.
    pub(crate) fn approvals(&self) -> impl Iterator<Item = &'a FundStatement> {
        let approved = self.decisions.iter().filter(|d| d.approved).map(|d| d.statement);
        let is_denied = self.decision().is_some_and(|last| !last.approved);
        let own = self.self_approvals.iter().copied().filter(move |_| !is_denied);
        approved.chain(own)
    }

    /// The newest decision, which stands.
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
