//! One sender on one chain: adopt it, bring its transactions to an end, one at a time.

mod adopt;
mod cleared;
mod cost;
mod run;
mod several;
mod wait;

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::{B256, U256};
use tidegate_chain::Network;
use tidegate_model::event::{Inclusion, LaneEvent, LaneId, LaneState};
use tidegate_model::ports::DigestSigner;
use tidegate_store::{Store, StreamName};

pub use self::adopt::Adoption;
pub use self::cleared::{Cleared, intent_digest};
pub(crate) use self::several::{Planned, Several};
use crate::error::EngineError;
use crate::fees::FeeCap;
use crate::ports::{Chain, Journal};

/// A lane whose lease this process holds.
pub struct Lane<'a, C = Network, J: Journal = Store> {
    id: LaneId,
    network: &'a C,
    journal: &'a J,
    lease: J::Lease,
    signer: &'a (dyn DigestSigner + Sync),
    cap: FeeCap,
    /// Which operations, by the beginning of their names, may cost how much together.
    ceiling: Option<(String, U256)>,
    state: LaneState,
    /// How many transactions of the sender were final on a chain that has begun anew since.
    void: Option<u64>,
    /// What endpoints said of transactions that they refused when these were sent last.
    refusals: BTreeMap<B256, (i64, String)>,
}

/// A transaction that landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    pub hash: B256,
    /// Where and how.
    pub inclusion: Inclusion,
}

impl<C, J: Journal> fmt::Debug for Lane<'_, C, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<'a, C: Chain, J: Journal> Lane<'a, C, J> {
    /// Takes the lane's lease, reads its journal and settles what the chain knows by now. Where the
    /// chain has begun anew, nothing that the journal knows counts any more.
    ///
    /// # Effects
    /// Writes a lease, and events for transactions that landed or were reorganised away.
    ///
    /// # Errors
    /// If another process holds the lane, journal or chain cannot be read, or a chain whose coin
    /// has value lacks what was final on it.
    pub async fn open(
        network: &'a C,
        journal: &'a J,
        signer: &'a (dyn DigestSigner + Sync),
        cap: FeeCap,
    ) -> Result<Self, EngineError> {
        let id = LaneId { network: network.id(), sender: signer.address() };
        let stream = StreamName::new(&id.stream())?;
        let lease = journal.acquire(&stream)?;
        let state = fold(journal, &stream)?;
        let void = adopt::void(network, id, &state).await?;
        let state = if void.is_some() { LaneState::default() } else { state };
        let refusals = BTreeMap::new();
        let mut lane =
            Self { id, network, journal, lease, signer, cap, ceiling: None, state, void, refusals };
        lane.settle().await?;
        lane.look_twice().await?;
        Ok(lane)
    }

    /// The lane.
    pub const fn id(&self) -> LaneId {
        self.id
    }

    /// The state that follows from the journal.
    pub const fn state(&self) -> &LaneState {
        &self.state
    }

    /// How many of the sender's transactions were final before the chain was begun anew, where it
    /// seems to have been: then nothing that the journal knows counts.
    pub const fn void(&self) -> Option<u64> {
        self.void
    }

    /// Appends to the journal first, then folds, so that the state is never ahead of it.
    fn append(&mut self, event: &LaneEvent) -> Result<(), EngineError> {
        self.append_all(std::slice::from_ref(event))
    }

    /// The same for several, of which the journal has all or none.
    fn append_all(&mut self, events: &[LaneEvent]) -> Result<(), EngineError> {
        let mut next = self.state.clone();
        let mut bodies = Vec::new();
        for event in events {
            next.apply(event)?;
            bodies.push(serde_json::to_value(event).map_err(EngineError::Event)?);
        }
        let kinds = events.iter().map(LaneEvent::kind);
        let all: Vec<_> = kinds.zip(&bodies).collect();
        self.journal.append(&self.lease, &all)?;
        self.state = next;
        Ok(())
    }
}

/// Reads and folds a lane's journal.
fn fold(journal: &impl Journal, stream: &StreamName) -> Result<LaneState, EngineError> {
    let mut state = LaneState::default();
    for body in journal.read(stream)? {
        let event: LaneEvent = serde_json::from_value(body).map_err(EngineError::Event)?;
        state.apply(&event)?;
    }
    Ok(state)
}
