//! What a sender did before a run: by the run's own journal entries, by those of its other runs,
//! or, where the journal cannot know, by the chain.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use alloy_primitives::{Address, B256};
use tidegate_model::event::{Attempt, Intent};
use tidegate_plan::FrozenOp;

use crate::deploy::{DeployRun, anchor_intent, code_at, intent};
use crate::error::EngineError;
use crate::lane::Lane;
use crate::ports::{Chain, Journal};
use crate::sign::intent_of;

/// How many of a sender's transactions are searched for an earlier call, newest first.
const SEARCH_TRANSACTIONS_MAX: u64 = 256;

/// Whether a transaction of a run was made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Not,
    /// By this run.
    Own(B256),
    /// By exactly this transaction of another run.
    Earlier(B256),
}

/// The anchor, which says that all before it is done.
#[derive(Debug)]
pub(crate) struct Anchor {
    /// The one that was sent and counts.
    pub(crate) made: Option<B256>,
    /// How it is sent where none counts.
    pub(crate) next: Intent,
}

/// What a sender's past has of a run, read before anything of it is sent. It fails where a call ran
/// before what it comes after.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) anchor: Anchor,
    /// The transactions of earlier runs that made calls of this one, by operation.
    pub(crate) calls: BTreeMap<String, B256>,
    /// The operations whose effect is there: what they create stands, or the call was made.
    pub(crate) there: BTreeSet<String>,
}

impl Past {
    pub(crate) async fn of<C: Chain, J: Journal>(
        lane: &Lane<'_, C, J>,
        network: &C,
        run: &DeployRun,
    ) -> Result<Self, EngineError> {
        require_same(lane, run)?;
        let search = Search::of(lane, network, run).await?;
        let (mut calls, mut there) = (BTreeMap::new(), BTreeSet::new());
        for op in &run.ops {
            let is_there = match op.creates() {
                Some((address, _)) => search.standing.contains(&address),
                None => {
                    let made = search.call(op, &calls).await?;
                    if let Made::Earlier(hash) = made {
                        calls.insert(op.id().to_owned(), hash);
                    }
                    made != Made::Not
                }
            };
            there.extend(is_there.then(|| op.id().to_owned()));
        }
        let anchor = search.anchor(&there).await?;
        require_order(lane, run)?;
        Ok(Self { anchor, calls, there })
    }
}

/// Refuses to go on where something of the run landed with other bytes: another build of the
/// release, or other values, was deployed under its id.
fn require_same<C: Chain, J: Journal>(
    lane: &Lane<'_, C, J>,
    run: &DeployRun,
) -> Result<(), EngineError> {
    for op in &run.ops {
        let own = intent(run, op);
        let landed = lane.state().landed(&own.op).filter(|(_, inclusion)| inclusion.success);
        if landed.is_some_and(|(attempt, _)| attempt.intent != own.bound()) {
            return Err(EngineError::OtherIntent { op: op.id().to_owned() });
        }
    }
    Ok(())
}

/// Refuses to go on where a call of the run landed while something before it, which was on its way
/// too, had failed: where there is no code yet, a call does nothing and succeeds.
fn require_order<C: Chain, J: Journal>(
    lane: &Lane<'_, C, J>,
    run: &DeployRun,
) -> Result<(), EngineError> {
    let state = lane.state();
    let open = state.open();
    let mut failed: Vec<(&str, u64, Option<u64>)> = Vec::new();
    for op in run.ops.iter().filter(|op| !run.is_made_again(op.id())) {
        let key = run.key(op.id());
        let own = state.landed(&key).filter(|(_, inclusion)| inclusion.success);
        let landed = own.map(|(attempt, _)| attempt.nonce);
        let missed = |at: u64| {
            let mut before = failed.iter();
            before.find(|(_, tried, done)| *tried < at && done.is_none_or(|done| done > at))
        };
        if op.creates().is_none()
            && let Some((before, ..)) = landed.and_then(missed)
        {
            let (op, before) = (op.id().to_owned(), (*before).to_owned());
            return Err(EngineError::OutOfOrder { op, before });
        }
        let is_over = |nonce: &u64| landed != Some(*nonce) && !open.contains_key(nonce);
        let tried = state.attempts_for(&key).map(|attempt| attempt.nonce).find(is_over);
        failed.extend(tried.map(|tried| (op.id(), tried, landed)));
    }
    Ok(())
}

/// A search of a sender's past for a run.
struct Search<'a, 'b, C, J: Journal> {
    lane: &'a Lane<'b, C, J>,
    network: &'a C,
    run: &'a DeployRun,
    /// Whether another run can have made something of this one.
    is_possible: bool,
    /// The addresses that the run creates and where something stands.
    standing: BTreeSet<Address>,
    /// From this nonce on the journal has all transactions.
    journaled_from: u64,
}

impl<'a, 'b, C: Chain, J: Journal> Search<'a, 'b, C, J> {
    async fn of(
        lane: &'a Lane<'b, C, J>,
        network: &'a C,
        run: &'a DeployRun,
    ) -> Result<Self, EngineError> {
        let mut standing = BTreeSet::new();
        // A run that creates nothing leaves nothing by which a journal could be known to lack it.
        let creates = run.ops.iter().any(|op| op.creates().is_some());
        let mut is_possible = !creates && lane.state().attempts.is_empty();
        for op in &run.ops {
            let Some((address, _)) = op.creates() else { continue };
            if !code_at(network, address).await?.is_empty() {
                standing.insert(address);
                let own = lane.state().landed(&run.key(op.id()));
                is_possible |= own.is_none_or(|(_, inclusion)| !inclusion.success);
            }
        }
        let journaled_from = match lane.adoption().await? {
            None => lane.state().adopted_nonce.unwrap_or(u64::MAX),
            Some(_) => u64::MAX,
        };
        Ok(Self { lane, network, run, is_possible, standing, journaled_from })
    }

    /// The run's anchor, which comes after all that it does. One that was on its way with something
    /// that failed counts for nothing.
    async fn anchor(&self, there: &BTreeSet<String>) -> Result<Anchor, EngineError> {
        let sender = self.lane.id().sender;
        let (mut time, mut void) = (1, BTreeMap::new());
        let next = loop {
            let next = anchor_intent(sender, self.run, time);
            let Some(attempt) = self.landed(&next.op) else { break next };
            if !self.is_void(attempt.nonce, there) {
                return Ok(Anchor { made: Some(attempt.hash), next });
            }
            void.insert(next.op, attempt.hash);
            time += 1;
        };
        let is_called = |op: &FrozenOp| op.creates().is_some() || there.contains(op.id());
        let mut floor = self.run.ops.iter().all(is_called).then_some(0);
        for op in self.run.ops.iter().filter(|op| op.creates().is_some()) {
            floor = match (floor, self.created(op)?) {
                (Some(floor), Some(created)) => Some(floor.max(created)),
                _ => None,
            };
        }
        let made = match self.made(&next, floor, &void).await? {
            Made::Not => None,
            Made::Own(hash) | Made::Earlier(hash) => Some(hash),
        };
        Ok(Anchor { made, next })
    }

    /// Whether an anchor on this nonce says nothing: an operation of the run was done after it, or
    /// still is not.
    fn is_void(&self, nonce: u64, there: &BTreeSet<String>) -> bool {
        self.run.ops.iter().any(|op| match self.landed(&self.run.key(op.id())) {
            Some(own) => own.nonce > nonce,
            None => !there.contains(op.id()),
        })
    }

    /// The attempt by which something of the run succeeded.
    fn landed(&self, op: &str) -> Option<&'a Attempt> {
        let landed = self.lane.state().landed(op).filter(|(_, inclusion)| inclusion.success);
        landed.map(|(attempt, _)| attempt)
    }

    /// A call of the run, which comes after the creation of the contract that is called.
    async fn call(
        &self,
        op: &FrozenOp,
        taken: &BTreeMap<String, B256>,
    ) -> Result<Made, EngineError> {
        let sent = intent(self.run, op);
        let creates = |op: &&FrozenOp| op.creates().is_some_and(|(at, _)| at == sent.to);
        let floor = match self.run.ops.iter().find(creates) {
            _ if self.run.is_made_again(op.id()) => None,
            None => Some(0),
            Some(created) => self.created(created)?,
        };
        self.made(&sent, floor, taken).await
    }

    /// The lowest nonce that can have come after a creation: its own one in the journal, or 0;
    /// `None` where nothing stands.
    fn created(&self, op: &FrozenOp) -> Result<Option<u64>, EngineError> {
        let standing = op.creates().filter(|(address, _)| self.standing.contains(address));
        if standing.is_none() {
            return Ok(None);
        }
        let attempt = journaled(self.lane, &intent(self.run, op), &BTreeSet::new())?;
        Ok(Some(attempt.map_or(0, |attempt| attempt.nonce)))
    }

    /// Whether this transaction succeeded already: by this run, or by another one not below the
    /// nonce `floor`; without a floor, only by this one.
    async fn made(
        &self,
        sent: &Intent,
        floor: Option<u64>,
        taken: &BTreeMap<String, B256>,
    ) -> Result<Made, EngineError> {
        let state = self.lane.state();
        if let Some((attempt, inclusion)) = state.landed(&sent.op)
            && inclusion.success
        {
            return Ok(Made::Own(attempt.hash));
        }
        // What an adoption left behind may have been made meanwhile by whoever else used the key:
        // another machine, or this one before it lost its journal.
        let mut managed = state.attempts.iter().skip(state.before_adoption);
        let is_tried = managed.any(|attempt| attempt.op == sent.op);
        let Some(floor) = floor.filter(|_| self.is_possible && !is_tried) else {
            return Ok(Made::Not);
        };
        // Two equal calls of a plan are two transactions.
        let taken: BTreeSet<B256> = taken.values().copied().collect();
        if let Some(attempt) = journaled(self.lane, sent, &taken)? {
            return Ok(Made::Earlier(attempt.hash));
        }
        let nonces = floor..self.journaled_from;
        let sender = self.lane.id().sender;
        let found = find_within(self.network, sender, sent, &taken, nonces).await?;
        Ok(found.map_or(Made::Not, Made::Earlier))
    }
}

/// The newest success of exactly this transaction in a lane's journal, under whatever name.
fn journaled<'a, C: Chain, J: Journal>(
    lane: &'a Lane<'_, C, J>,
    sent: &Intent,
    taken: &BTreeSet<B256>,
) -> Result<Option<&'a Attempt>, EngineError> {
    for attempt in lane.state().attempts.iter().rev() {
        let succeeded = attempt.state.inclusion().is_some_and(|inclusion| inclusion.success);
        if !succeeded || taken.contains(&attempt.hash) {
            continue;
        }
        let Intent { to, value, data, .. } = intent_of(attempt)?;
        if (to, value, &data) == (sent.to, sent.value, &sent.data) {
            return Ok(Some(attempt));
        }
    }
    Ok(None)
}

/// The operations of a run that need not be sent, by id: what they create stands there, or this
/// sender made the call already. After the anchor that is all of them.
///
/// # Errors
/// If the chain cannot be read, or the sender's history cannot.
pub async fn there<C: Chain, J: Journal>(
    lane: &Lane<'_, C, J>,
    network: &C,
    run: &DeployRun,
) -> Result<BTreeSet<String>, EngineError> {
    let past = Past::of(lane, network, run).await?;
    if past.anchor.made.is_some() {
        return Ok(run.ops.iter().map(|op| op.id().to_owned()).collect());
    }
    Ok(past.there)
}

/// The newest success of exactly this transaction among a sender's latest on the chain, `known`
/// ones left out: for what an earlier run sent and a lost journal forgot.
///
/// # Errors
/// [`EngineError::UnknownCall`] if the sender's history cannot be read: then nothing may be sent.
pub async fn find_sent(
    network: &impl Chain,
    sender: Address,
    intent: &Intent,
    known: &BTreeSet<B256>,
) -> Result<Option<B256>, EngineError> {
    find_within(network, sender, intent, known, 0..u64::MAX).await
}

/// The same among transactions with these nonces.
async fn find_within(
    network: &impl Chain,
    sender: Address,
    intent: &Intent,
    known: &BTreeSet<B256>,
    nonces: Range<u64>,
) -> Result<Option<B256>, EngineError> {
    let head = network.latest_head().await?;
    let next = network.nonce(sender, head.block).await?.min(nonces.end);
    let from = next.saturating_sub(SEARCH_TRANSACTIONS_MAX).max(nonces.start);
    if from >= next {
        return Ok(None);
    }
    // Beyond what is searched nothing can be established.
    let beyond = || EngineError::UnknownCall { op: intent.op.clone() };
    let sent = network.sender_transactions(sender, from, next, head).await.map_err(|_| beyond())?;
    let same = sent.iter().rev().filter(|tx| !known.contains(&tx.hash)).filter(|tx| {
        tx.to == Some(intent.to) && tx.input == intent.data && tx.value == intent.value
    });
    for tx in same {
        let receipt = network.receipt(tx.hash).await?;
        if receipt.is_some_and(|receipt| receipt.status) {
            return Ok(Some(tx.hash));
        }
    }
    if from > nonces.start { Err(beyond()) } else { Ok(None) }
}
