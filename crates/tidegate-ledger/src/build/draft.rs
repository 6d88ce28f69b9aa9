//! An entry for one transaction while it is being written.

use alloy_primitives::U256;
use tidegate_model::StatementDigest;

use super::signed;
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
    postings: Vec<Posting>,
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
            postings: Vec::new(),
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
        let (commodity, amount) = (Commodity(chain), signed(chain, amount)?);
        self.postings.push(Posting { account: from, commodity, amount: -amount });
        self.postings.push(Posting { account: to, commodity, amount });
        Ok(())
    }

    /// The entry; none if no watched wallet is touched.
    pub(super) fn entry(self) -> Option<Entry> {
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
            release: self.tx.release,
            postings: self.postings,
            evidence: self.evidence,
        })
    }
}
