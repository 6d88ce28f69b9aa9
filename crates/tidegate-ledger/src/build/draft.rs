//! An entry for one transaction while it is being written.

use alloy_primitives::U256;
use tidegate_model::{ReleaseRoot, StatementDigest};

use super::{pair, signed};
use crate::account::{Account, Commodity};
use crate::entry::{Entry, EntryKind, Evidence, NaturalKey, Posting};
use crate::error::LedgerError;
use crate::facts::{NetworkFacts, TransactionFacts};

pub(super) struct Draft<'a> {
    pub(super) network: &'a NetworkFacts,
    pub(super) tx: &'a TransactionFacts,
    pub(super) kind: EntryKind,
    pub(super) request: Option<StatementDigest>,
    pub(super) evidence: Vec<Evidence>,
    /// Of the request; a draw and a return belong to it.
    pub(super) release: Option<ReleaseRoot>,
    postings: Vec<Posting>,
    /// Changes of reserves, which come after value in the entry.
    budget: Vec<Posting>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(network: &'a NetworkFacts, tx: &'a TransactionFacts) -> Self {
        let receipt = Evidence::Receipt { transaction: tx.hash, block: tx.block };
        Self {
            network,
            tx,
            kind: EntryKind::Receive,
            request: None,
            evidence: vec![receipt],
            release: tx.release,
            postings: Vec::new(),
            budget: Vec::new(),
        }
    }

    /// Moves `amount` between two accounts.
    pub(super) fn post(
        &mut self,
        from: Account,
        to: Account,
        amount: U256,
    ) -> Result<(), LedgerError> {
        let chain = self.network.network.chain;
        let amount = signed(chain, amount)?;
        self.postings.extend(pair(Commodity(chain), from, to, -amount));
        Ok(())
    }

    /// Frees what was reserved for a request.
    pub(super) fn free(
        &mut self,
        request: StatementDigest,
        amount: U256,
    ) -> Result<(), LedgerError> {
        let chain = self.network.network.chain;
        let amount = signed(chain, amount)?;
        if !amount.is_zero() {
            let (reserved, open) = (Account::Encumbrance(request), Account::EncumbranceOpen);
            self.budget.extend(pair(Commodity(chain), reserved, open, -amount));
        }
        Ok(())
    }

    /// The entry; none if no watched wallet is touched.
    pub(super) fn entry(mut self) -> Option<Entry> {
        self.postings.append(&mut self.budget);
        if self.postings.is_empty() {
            return None;
        }
        let chain = self.network.network.chain;
        Some(Entry {
            key: NaturalKey::Transaction(chain, self.tx.hash),
            timestamp: self.tx.timestamp,
            chain,
            block: Some(self.tx.block),
            tx_index: Some(self.tx.index),
            kind: self.kind,
            description: self.tx.purpose.clone(),
            request: self.request,
            release: self.release,
            postings: self.postings,
            evidence: self.evidence,
        })
    }
}
