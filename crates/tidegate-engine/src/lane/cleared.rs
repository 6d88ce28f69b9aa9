//! A lane after an approval: it sends what the approved hash covers, and nothing else.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use tidegate_chain::Network;
use tidegate_model::digest::Preimage;
use tidegate_model::event::{Intent, LaneId};
use tidegate_store::Store;

use super::{Adoption, Landed, Lane};
use crate::deploy::{DeployRun, Deployed, Progress, deploy};
use crate::error::EngineError;
use crate::fees::Ceiling;
use crate::ports::{Chain, Journal};

/// A lane that may send what was approved.
#[derive(Debug)]
pub struct Cleared<'a, C = Network, J: Journal = Store> {
    lane: Lane<'a, C, J>,
    /// The hash that was approved.
    approved: B256,
    /// The most that all of it may cost in fees.
    ceiling: Ceiling,
}

/// The digest that an approval of one transaction covers: network, sender, the transaction, the
/// adoption of the sender, and the most that it may cost in fees, in wei.
pub fn intent_digest(lane: LaneId, intent: &Intent, adopted_nonce: u64, most: U256) -> B256 {
    Preimage::new()
        .string("send/2")
        .number(lane.network.chain.0)
        .digest(lane.network.genesis)
        .address(lane.sender)
        .digest(intent.digest())
        .number(adopted_nonce)
        .digest(most.into())
        .keccak()
}

impl<'a, C: Chain, J: Journal> Lane<'a, C, J> {
    /// Clears what a hash covers that somebody approved: the sender is adopted where it has to be,
    /// and the journal notes the approval.
    ///
    /// # Effects
    /// Appends at most two events.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn clear(
        mut self,
        approved: B256,
        adoption: Option<&Adoption>,
        ceiling: Ceiling,
    ) -> Result<Cleared<'a, C, J>, EngineError> {
        if let Some(adoption) = adoption {
            self.adopt(adoption)?;
        }
        self.approve(approved)?;
        Ok(Cleared { lane: self, approved, ceiling })
    }
}

impl<'a, C: Chain, J: Journal> Cleared<'a, C, J> {
    /// The lane, to read.
    pub const fn lane(&self) -> &Lane<'a, C, J> {
        &self.lane
    }

    /// Brings one intent to an end: it is sent at most once successfully, however often this is
    /// called. Returns where it landed.
    ///
    /// # Effects
    /// Signs, journals and sends, unless it has landed already.
    ///
    /// # Errors
    /// If something else was approved, it reverted, could not be sent, or did not land in time.
    pub async fn run(&mut self, intent: &Intent) -> Result<Landed, EngineError> {
        self.require(intent_digest(self.lane.id(), intent, self.nonce(), self.ceiling.most))?;
        self.lane.limit(&intent.op, self.ceiling);
        self.lane.run(intent).await
    }

    /// Runs a deployment. Calling it again after any interruption goes on where it was. `gas` is
    /// what local execution measured, by operation: what it names is sent without waiting for what
    /// is before it.
    ///
    /// # Effects
    /// Sends transactions, each journaled before.
    ///
    /// # Errors
    /// If something else was approved; what was sent stays sent, and a repeated call finds it.
    pub async fn deploy(
        &mut self,
        network: &C,
        run: &DeployRun,
        gas: &BTreeMap<String, u64>,
        report: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<Deployed, EngineError> {
        let LaneId { network: of, sender } = self.lane.id();
        self.require(run.digest(of, sender, self.nonce(), self.ceiling.most)?)?;
        self.lane.limit(run.op_key(""), self.ceiling);
        deploy(&mut self.lane, network, run, gas, report).await
    }

    /// The nonce that the sender was adopted at.
    fn nonce(&self) -> u64 {
        self.lane.state.adopted_nonce.unwrap_or_default()
    }

    fn require(&self, hash: B256) -> Result<(), EngineError> {
        if hash == self.approved {
            return Ok(());
        }
        Err(EngineError::NotApproved { hash, approved: self.approved })
    }
}
