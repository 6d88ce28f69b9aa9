//! Approvals, denials and the budget they reserve.

use alloy_primitives::U256;
use tidegate_model::StatementDigest;

use super::{Books, Draft, pair, signed};
use crate::account::{Account, Commodity};
use crate::claims::{Decision, Direction, RequestClaim, TransferClaim};
use crate::entry::{Entry, EntryKind, Evidence, NaturalKey};
use crate::error::LedgerError;
use crate::violation::Violation;

/// Two days after a draw was told of, its transaction is there or moved nothing, in seconds.
const UNMOVED_SECS: u64 = 2 * 86_400;

impl<'a> Books<'a> {
    /// Books every approval, and the denial that ended one; names approvals of one's own request.
    pub(super) fn decisions(&mut self) -> Result<(), LedgerError> {
        for (digest, claim) in &self.claims.requests {
            if claim.decisions.is_empty() {
                for approval in &claim.self_approvals {
                    self.violations.push(Violation::SelfApproval {
                        request: *digest,
                        approval: approval.digest,
                        by: approval.signer,
                    });
                }
            }
            let Some(approval) = claim.decisions.iter().find(|d| d.approved) else { continue };
            let amount = claim.request.amount;
            self.reserve(claim, *approval, EntryKind::Approval, amount)?;
            let denial = claim.decision().filter(|last| !last.approved);
            let left = self.release(*digest, denial.is_some());
            if let (Some(denial), Some(left)) = (denial, left) {
                self.reserve(claim, denial, EntryKind::Denial, left)?;
            }
        }
        Ok(())
    }

    /// The reserve that is left, in wei; `None` if nothing is. With `all` it is set to zero.
    fn release(&mut self, request: StatementDigest, all: bool) -> Option<U256> {
        let tally = self.tallies.get_mut(&request)?;
        let left = tally.encumbered;
        if all {
            tally.encumbered = U256::ZERO;
        }
        (!left.is_zero()).then_some(left)
    }

    fn reserve(
        &mut self,
        claim: &RequestClaim<'a>,
        decision: Decision<'a>,
        kind: EntryKind,
        amount: U256,
    ) -> Result<(), LedgerError> {
        let (request, chain) = (claim.statement.digest, claim.request.network.chain);
        let amount = signed(chain, amount)?;
        let amount = if kind == EntryKind::Denial { -amount } else { amount };
        let reserved = Account::Encumbrance(request);
        self.entries.push(Entry {
            key: NaturalKey::Statement(decision.statement.digest),
            timestamp: decision.statement.issued_at,
            chain,
            block: None,
            tx_index: None,
            kind,
            description: claim.request.reason.clone(),
            request: Some(request),
            release: claim.request.release,
            postings: pair(Commodity(chain), reserved, Account::EncumbranceOpen, amount),
            evidence: vec![Evidence::Statement(decision.statement.digest)],
        });
        Ok(())
    }

    /// Books a draw against its reserve and checks it against its approval.
    pub(super) fn draw(
        &mut self,
        draft: &mut Draft<'a>,
        claim: &TransferClaim<'a>,
        amount: U256,
    ) -> Result<(), LedgerError> {
        let (request, transaction) = (claim.transfer.request, draft.tx.hash);
        let Some(asked) = self.claims.requests.get(&request) else {
            let statement = claim.statement.digest;
            self.violations.push(Violation::UnknownRequest { request, statement, transaction });
            return Ok(());
        };
        if asked.approval_at(claim.statement.issued_at).is_none() {
            self.violations.push(Violation::UnapprovedDraw { request, transaction, amount });
        }
        let destination = asked.request.destination;
        let network = draft.network;
        if network.wallet(destination).is_none() && !network.unwatched.contains_key(&destination) {
            self.unread
                .push(format!("destination {destination} of request {request} is not watched"));
        }
        let tally = self.tallies.entry(request).or_default();
        if tally.drawn.is_zero() {
            self.drawn_order.push(request);
        }
        tally.drawn = tally.drawn.saturating_add(amount);
        let (approved, drawn) = (asked.request.amount, tally.drawn);
        if drawn > approved {
            self.violations.push(Violation::OverApproval { request, approved, drawn });
        }
        let released = amount.min(tally.encumbered);
        tally.encumbered = tally.encumbered.saturating_sub(released);
        draft.free(request, released)
    }

    /// Ends a request: what was reserved and not drawn is free again.
    pub(super) fn settle(
        &mut self,
        draft: &mut Draft<'a>,
        request: StatementDigest,
    ) -> Result<(), LedgerError> {
        let Some(tally) = self.tallies.get_mut(&request) else { return Ok(()) };
        tally.settled = true;
        let released = std::mem::take(&mut tally.encumbered);
        draft.free(request, released)
    }

    /// Names the draws and returns whose transaction is not among the facts. A return moved nothing
    /// then, and counts once its transaction is there. So does a draw that is two days old: what
    /// left the treasury is known by its nonces, whoever tells of it.
    pub(super) fn unmatched_claims(&mut self) {
        for ((chain, transaction), claims) in &self.claims.transfers {
            let network = self.facts.networks.iter().find(|n| n.network.chain == *chain);
            let known =
                network.is_some_and(|n| n.transactions.iter().any(|t| t.hash == *transaction));
            if known {
                continue;
            }
            for claim in claims {
                let statement = claim.statement.digest;
                let now = network.map_or(0, |network| network.finalized.timestamp);
                let is_old = now >= claim.statement.issued_at.saturating_add(UNMOVED_SECS);
                let what = match claim.direction {
                    Direction::Return => "a return",
                    Direction::Draw => "a draw",
                };
                if claim.direction == Direction::Draw {
                    self.moved.entry(claim.transfer.request).or_default().unseen = true;
                }
                if is_old || claim.direction == Direction::Return {
                    self.unmoved.push(format!(
                        "statement {statement} names {what} in transaction {transaction}, which \
                         is not on chain {chain}: it moved nothing"
                    ));
                    continue;
                }
                self.unread.push(format!(
                    "statement {statement} names transaction {transaction} on chain {chain}, \
                     which has not been read"
                ));
            }
        }
    }
}
