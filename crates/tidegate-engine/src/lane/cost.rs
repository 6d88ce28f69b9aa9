//! The cost of transactions: the estimate, and the most that was approved.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use tidegate_chain::{GasQuery, ReadError};
use tidegate_model::event::{Attempt, Intent};

use super::Lane;
use crate::error::EngineError;
use crate::fees::{Ceiling, Fees, with_margin};
use crate::ports::{Chain, Journal};
use crate::sign::{fees_of, gas_of, is_same};

/// The most gas one transaction may have (EIP-7825).
pub(super) const TX_GAS_MAX: u64 = 16_777_216;

impl<C: Chain, J: Journal> Lane<'_, C, J> {
    /// What operations, by the beginning of their names, may cost together from now on, in wei.
    pub(crate) fn limit(&mut self, ops: impl Into<String>, ceiling: Ceiling) {
        self.ceiling = Some((ops.into(), ceiling.most));
    }

    /// The most that a new attempt at an intent would cost in fees, in wei, once the sender is
    /// adopted at a nonce; nothing where the same bytes are on their way, or one has succeeded.
    ///
    /// # Errors
    /// If it would revert, or no endpoint answers.
    pub async fn most_of(&self, intent: &Intent, adopted: u64) -> Result<U256, EngineError> {
        let op = &intent.op;
        if self.state.landed(op).is_some_and(|(_, inclusion)| inclusion.success) {
            return Ok(U256::ZERO);
        }
        let (nonce, open, before) = self.after(adopted);
        let fees = match open.into_values().find(|attempt| attempt.op == *op) {
            Some(attempt) if is_same(attempt, intent)? => return Ok(U256::ZERO),
            Some(attempt) => fees_of(attempt)?.bump(op, self.fees(op).await?, self.cap)?,
            None => self.outbid(nonce, before, op, self.fees(op).await?)?,
        };
        Ok(fees.most(self.gas(intent).await?))
    }

    /// The most that all operations of a name's beginning come to in fees, in wei: what those that
    /// landed paid, and what those that are `due`, by name and gas in their order, may pay once the
    /// sender is adopted at a nonce. What nodes may hold of them already is outbid where it was
    /// signed before that.
    ///
    /// # Errors
    /// If no endpoint answers, or fees would be above the cap.
    pub(crate) async fn most_with(
        &self,
        ops: &str,
        adopted: u64,
        due: &[(String, u64)],
    ) -> Result<U256, EngineError> {
        let (mut nonce, open, before) = self.after(adopted);
        let fresh = self.fees("the deployment").await?;
        let mut most = self.paid(ops, None);
        for (op, gas) in due {
            let gas = with_margin(*gas);
            let fee = if let Some(attempt) = open.values().find(|attempt| attempt.op == *op) {
                fees_of(attempt)?.most(gas_of(attempt)?).max(fresh.most(gas))
            } else {
                nonce += 1;
                self.outbid(nonce - 1, before, op, fresh)?.most(gas)
            };
            most = most.saturating_add(fee);
        }
        Ok(most)
    }

    /// What there is once the sender is adopted at a nonce: the next one, what is on its way, and
    /// how many attempts that leaves behind.
    fn after(&self, adopted: u64) -> (u64, BTreeMap<u64, &Attempt>, usize) {
        match self.state.next_nonce.filter(|_| self.state.adopted_nonce == Some(adopted)) {
            Some(next) => (next, self.state.open(), self.state.before_adoption),
            None => (adopted, BTreeMap::new(), self.state.attempts.len()),
        }
    }

    /// What landed transactions of these operations paid, without those on one nonce.
    fn paid(&self, ops: &str, without: Option<u64>) -> U256 {
        let of = self
            .state
            .attempts
            .iter()
            .filter(|attempt| attempt.op.starts_with(ops) && Some(attempt.nonce) != without);
        let fees = of.filter_map(|attempt| Some(attempt.state.inclusion()?.fee));
        fees.fold(U256::ZERO, U256::saturating_add)
    }

    pub(super) async fn fees(&self, op: &str) -> Result<Fees, EngineError> {
        let data = self.network.fee_data().await?;
        Fees::quote(op, data.base_fee, data.priority_fee, self.cap)
    }

    /// The fees of a new attempt on a nonce. Where something was signed for it before an adoption,
    /// and may lie in a pool, they are high enough that nodes take the new one in its place.
    pub(super) fn fees_on(&self, nonce: u64, op: &str, fresh: Fees) -> Result<Fees, EngineError> {
        self.outbid(nonce, self.state.before_adoption, op, fresh)
    }

    /// The same where an adoption leaves so many attempts behind.
    fn outbid(
        &self,
        nonce: u64,
        before: usize,
        op: &str,
        fresh: Fees,
    ) -> Result<Fees, EngineError> {
        let mut before = self.state.attempts.iter().take(before);
        match before.rfind(|old| old.nonce == nonce && old.state.inclusion().is_none()) {
            Some(old) => fees_of(old)?.bump(op, fresh, self.cap),
            None => Ok(fresh),
        }
    }

    /// The gas limit of an intent.
    pub(super) async fn gas(&self, intent: &Intent) -> Result<u64, EngineError> {
        let Intent { op, to, value, data, alike: _ } = intent.clone();
        let query = GasQuery { from: self.id.sender, to: Some(to), data, value };
        let estimate = match self.network.estimate_gas(&query).await {
            Err(ReadError::Reverted { data, .. }) => {
                return Err(EngineError::WouldRevert { op, data });
            }
            estimate => estimate?,
        };
        if estimate > TX_GAS_MAX {
            return Err(EngineError::Gas { op, gas: estimate, max: TX_GAS_MAX });
        }
        Ok(with_margin(estimate).min(TX_GAS_MAX))
    }

    /// What those of these operations may pay that are on their way, without those on one nonce.
    fn open_fees(&self, ops: &str, without: u64) -> Result<U256, EngineError> {
        let open = self
            .state
            .open()
            .into_values()
            .filter(|attempt| attempt.op.starts_with(ops) && attempt.nonce != without);
        let fee = |attempt: &Attempt| Ok(fees_of(attempt)?.most(gas_of(attempt)?));
        open.map(fee).sum()
    }

    /// Refuses fees that could come to more than was approved, with those that are on their way.
    pub(super) fn require_below(
        &self,
        op: &str,
        nonce: u64,
        needed: U256,
    ) -> Result<(), EngineError> {
        let (before, most) = match &self.ceiling {
            Some((ops, most)) if op.starts_with(ops.as_str()) => {
                let paid = self.paid(ops, Some(nonce));
                (paid.saturating_add(self.open_fees(ops, nonce)?), *most)
            }
            _ => (U256::ZERO, self.cap.total),
        };
        let needed = before.saturating_add(needed);
        if needed <= most {
            return Ok(());
        }
        Err(EngineError::Ceiling { op: op.to_owned(), needed, most })
    }
}
