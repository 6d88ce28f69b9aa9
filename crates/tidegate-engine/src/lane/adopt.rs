//! Who may send: a sender is adopted by a person, and what it sends is approved.

use alloy_primitives::{B256, U256};
use tidegate_model::BlockRef;
use tidegate_model::digest::Preimage;
use tidegate_model::event::{Attempt, AttemptState, LaneEvent, LaneId, LaneState};

use super::Lane;
use crate::error::EngineError;
use crate::ports::{Chain, Journal};

/// What a person takes responsibility for when a sender is put under management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    pub lane: LaneId,
    /// The next nonce.
    pub nonce: u64,
    /// The nonce in final state, where that is another one: nothing is sent before they agree.
    pub unsettled: Option<u64>,
    /// How many of the sender's transactions were final on the chain before it was begun anew.
    pub void: Option<u64>,
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
    /// An adoption cannot cover transactions that are not final. A stop does not wait for them: it
    /// comes after them.
    ///
    /// # Errors
    /// If the chain cannot be read.
    pub async fn adoption(&self) -> Result<Option<Adoption>, EngineError> {
        let sender = self.id.sender;
        let head = self.network.latest_head().await?;
        let latest = self.network.nonce(sender, head.block).await?;
        if self.state.next_nonce.is_some_and(|next| latest <= next)
            && !self.has_lost(latest).await?
        {
            return Ok(None);
        }
        let mut unsettled = None;
        if latest > 0 && !self.network.is_for_stop() {
            let finalized = self.network.finalized_head().await?;
            let settled = self.network.nonce(sender, finalized.block).await?;
            unsettled = (settled != latest).then_some(settled);
        }
        let balance = self.network.balance(sender, head.block).await?;
        let (lane, nonce, void) = (self.id, latest, self.void);
        Ok(Some(Adoption { lane, nonce, unsettled, void, balance, block: head.block }))
    }

    /// Whether somebody else has a nonce of what is open. Where one of ours has landed on it since
    /// the lane looked last, nobody has.
    async fn has_lost(&self, latest: u64) -> Result<bool, EngineError> {
        for nonce in self.state.open().into_keys().filter(|nonce| *nonce < latest) {
            if self.landed_on(nonce).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts the sender under management.
    ///
    /// # Effects
    /// Appends one event.
    ///
    /// # Errors
    /// If the sender has transactions that are not final, or the journal cannot be written.
    pub(crate) fn adopt(&mut self, adoption: &Adoption) -> Result<(), EngineError> {
        let Adoption { nonce, unsettled, void, balance, block, .. } = *adoption;
        if let Some(finalized) = unsettled {
            let sender = self.id.sender;
            return Err(EngineError::Unsettled { sender, latest: nonce, finalized });
        }
        self.append(&LaneEvent::SenderAdopted { nonce, balance, block, anew: void.is_some() })?;
        self.void = None;
        Ok(())
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

    /// Refuses to send what no adoption covers.
    pub(super) async fn require_adopted(&self) -> Result<(), EngineError> {
        match self.adoption().await? {
            Some(_) => Err(self.not_adopted()),
            None => Ok(()),
        }
    }

    pub(super) fn not_adopted(&self) -> EngineError {
        let nonce = self.state.next_nonce.unwrap_or_default();
        EngineError::NotAdopted { sender: self.id.sender, nonce }
    }
}

/// How many transactions of a sender were final on a chain that does not have them any more: it was
/// begun anew, or it is read where it is far behind.
pub(super) async fn void<C: Chain>(
    network: &C,
    id: LaneId,
    state: &LaneState,
) -> Result<Option<u64>, EngineError> {
    let is_final = |attempt: &&Attempt| matches!(attempt.state, AttemptState::Finalized(_));
    let last = state.attempts.iter().filter(is_final).max_by_key(|attempt| attempt.nonce);
    let sent = last.map(|attempt| attempt.nonce + 1);
    let known = state.adopted_nonce.into_iter().chain(sent).max().unwrap_or_default();
    // What stops something waits for no node that is behind.
    if known == 0 || network.is_for_stop() {
        return Ok(None);
    }
    let head = network.latest_head().await?;
    let latest = network.nonce(id.sender, head.block).await?;
    let inclusion = last.and_then(|attempt| attempt.state.inclusion());
    let is_void = match inclusion {
        _ if latest < known => true,
        Some(inclusion) if inclusion.block.number <= head.block.number => {
            !network.is_canonical(inclusion.block).await?
        }
        _ => false,
    };
    if !is_void {
        return Ok(None);
    }
    if id.network.chain.is_valued() {
        return Err(EngineError::Behind { sender: id.sender, latest, known });
    }
    Ok(Some(known))
}
