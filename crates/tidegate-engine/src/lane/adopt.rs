//! Who may send: a sender is adopted by a person, and what it sends is approved.

use alloy_primitives::{B256, U256};
use tidegate_model::BlockRef;
use tidegate_model::digest::Preimage;
use tidegate_model::event::{LaneEvent, LaneId};

use super::Lane;
use crate::error::EngineError;
use crate::ports::{Chain, Journal};

/// What a person takes responsibility for when a sender is put under management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    pub lane: LaneId,
    /// The next nonce; latest and finalized state agree on it.
    pub nonce: u64,
    /// The balance, in wei; for people, in no digest.
    pub balance: U256,
    /// The block at which both were read; for people, in no digest.
    pub block: BlockRef,
}

impl Adoption {
    /// The digest that an approval covers.
    pub fn digest(&self) -> B256 {
        Preimage::new()
            .string("adopt/1")
            .number(self.lane.network.chain.0)
            .digest(self.lane.network.genesis)
            .address(self.lane.sender)
            .number(self.nonce)
            .keccak()
    }
}

impl<C: Chain, J: Journal> Lane<'_, C, J> {
    /// What has to be adopted before the lane can send; `None` where it is under management and
    /// agrees with the chain.
    ///
    /// # Errors
    /// If the sender has transactions that are not final, which an adoption cannot cover. A stop
    /// does not wait for them: it comes after them.
    pub async fn adoption(&self) -> Result<Option<Adoption>, EngineError> {
        let sender = self.id.sender;
        let head = self.network.latest_head().await?;
        let latest = self.network.nonce(sender, head.block).await?;
        let lost = self.state.open().keys().any(|nonce| *nonce < latest && !self.is_behind(*nonce));
        if self.state.next_nonce.is_some_and(|next| latest <= next) && !lost {
            return Ok(None);
        }
        if latest > 0 && !self.network.is_for_stop() {
            let finalized = self.network.finalized_head().await?;
            let settled = self.network.nonce(sender, finalized.block).await?;
            if settled != latest {
                return Err(EngineError::Unsettled { sender, latest, finalized: settled });
            }
        }
        let balance = self.network.balance(sender, head.block).await?;
        Ok(Some(Adoption { lane: self.id, nonce: latest, balance, block: head.block }))
    }

    /// Whether a nonce lies behind the newest adoption, so that nothing can land on it any more.
    pub(super) fn is_behind(&self, nonce: u64) -> bool {
        self.state.adopted_nonce.is_some_and(|adopted| nonce < adopted)
    }

    /// Puts the sender under management.
    ///
    /// # Effects
    /// Appends one event.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub(crate) fn adopt(&mut self, adoption: &Adoption) -> Result<(), EngineError> {
        self.append(&LaneEvent::SenderAdopted {
            nonce: adoption.nonce,
            balance: adoption.balance,
            block: adoption.block,
        })
    }

    /// Notes that a frozen plan was approved.
    ///
    /// # Effects
    /// Appends one event, unless the same plan was approved before.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub(crate) fn approve(&mut self, plan: B256) -> Result<(), EngineError> {
        if self.state.approved.contains(&plan) {
            return Ok(());
        }
        self.append(&LaneEvent::RunApproved { plan })
    }

    pub(super) fn not_adopted(&self) -> EngineError {
        let nonce = self.state.next_nonce.unwrap_or_default();
        EngineError::NotAdopted { sender: self.id.sender, nonce }
    }
}
