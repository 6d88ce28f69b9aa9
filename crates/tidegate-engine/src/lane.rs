//! One sender on one chain: adopt it, bring its transactions to an end, one at a time.

use std::fmt;
use std::time::Duration;

use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy_primitives::{B256, U256};
use tidegate_chain::{GasQuery, Network, SendOutcome, known_chain, poll_interval};
use tidegate_model::BlockRef;
use tidegate_model::digest::Preimage;
use tidegate_model::event::{
    Attempt, AttemptState, Inclusion, Intent, LaneEvent, LaneId, LaneState,
};
use tidegate_model::ports::DigestSigner;
use tidegate_store::{Store, StreamName};

use crate::error::EngineError;
use crate::fees::{Ceiling, FeeCap, Fees, with_margin};
use crate::ports::{Chain, Journal};
use crate::sign::sign_attempt;

/// The most gas one transaction may have (EIP-7825).
const TX_GAS_MAX: u64 = 16_777_216;

/// How long one transaction is waited for before the command gives up; running it again goes on.
const INCLUSION_WAIT_SECS_MAX: u64 = 600;

/// Seconds between blocks on chains that are not built in, for the pace of looking.
const BLOCK_TIME_SECS: u64 = 2;

/// How often a nonce may look used by somebody else before that is believed.
const FOREIGN_LOOKS: u32 = 8;

/// After how many polls a transaction that the endpoint has forgotten is sent again.
const RESEND_POLLS: u64 = 8;

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
}

/// What a person takes responsibility for when a sender is put under management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The lane.
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

/// A transaction that landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    /// Its hash.
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
    /// Takes the lane's lease, reads its journal and settles what the chain knows by now.
    ///
    /// # Effects
    /// Writes a lease, and events for transactions that landed or were reorganised away.
    ///
    /// # Errors
    /// If another process holds the lane, or journal or chain cannot be read.
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
        let mut lane = Self { id, network, journal, lease, signer, cap, ceiling: None, state };
        lane.settle().await?;
        Ok(lane)
    }

    /// The lane.
    pub const fn id(&self) -> LaneId {
        self.id
    }

    /// What the journal folds to.
    pub const fn state(&self) -> &LaneState {
        &self.state
    }

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
    fn is_behind(&self, nonce: u64) -> bool {
        let newest = self.state.attempts.iter().rev().find(|attempt| attempt.nonce == nonce);
        newest.is_some_and(|_| self.state.adopted_nonce.is_some_and(|adopted| nonce < adopted))
    }

    /// Puts the sender under management.
    ///
    /// # Effects
    /// Appends one event.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn adopt(&mut self, adoption: &Adoption) -> Result<(), EngineError> {
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
    pub fn approve(&mut self, plan: B256) -> Result<(), EngineError> {
        if self.state.approved.contains(&plan) {
            return Ok(());
        }
        self.append(&LaneEvent::RunApproved { plan })
    }

    /// What operations, by the beginning of their names, may cost together from now on, in wei.
    pub fn limit(&mut self, ops: impl Into<String>, ceiling: Ceiling) {
        self.ceiling = Some((ops.into(), ceiling.most));
    }

    /// The most that a new attempt at an intent would cost in fees, in wei; nothing where the same
    /// bytes are on their way, or one has succeeded.
    ///
    /// # Errors
    /// If it would revert, or no endpoint answers.
    pub async fn most_of(&self, intent: &Intent) -> Result<U256, EngineError> {
        let op = &intent.op;
        if self.state.landed(op).is_some_and(|(_, inclusion)| inclusion.success) {
            return Ok(U256::ZERO);
        }
        let open = self.state.open().into_values().find(|attempt| attempt.op == *op);
        let fees = match open {
            Some(attempt) if is_same(attempt, intent)? => return Ok(U256::ZERO),
            Some(attempt) => fees_of(attempt)?.bump(op, self.fees(op).await?, self.cap)?,
            None => self.fees(op).await?,
        };
        Ok(fees.most(self.gas(intent).await?))
    }

    /// The most that all operations of a name's beginning come to in fees, in wei: what those that
    /// landed paid, and `gas` for the rest.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn most_with(&self, ops: &str, gas: u64) -> Result<U256, EngineError> {
        let rest = self.fees(ops).await?.most(with_margin(gas));
        Ok(self.paid(ops, None).saturating_add(rest))
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

    async fn fees(&self, op: &str) -> Result<Fees, EngineError> {
        let data = self.network.fee_data().await?;
        Fees::quote(op, data.base_fee, data.priority_fee, self.cap)
    }

    /// The gas limit of an intent.
    async fn gas(&self, intent: &Intent) -> Result<u64, EngineError> {
        let Intent { op, to, value, data, alike: _ } = intent.clone();
        let query = GasQuery { from: self.id.sender, to: Some(to), data, value };
        let estimate = self.network.estimate_gas(&query).await?;
        if estimate > TX_GAS_MAX {
            return Err(EngineError::Gas { op, gas: estimate, max: TX_GAS_MAX });
        }
        Ok(with_margin(estimate).min(TX_GAS_MAX))
    }

    /// Refuses fees that could come to more than was approved.
    fn require_below(&self, op: &str, nonce: u64, needed: U256) -> Result<(), EngineError> {
        let (before, most) = match &self.ceiling {
            Some((ops, most)) if op.starts_with(ops.as_str()) => {
                (self.paid(ops, Some(nonce)), *most)
            }
            _ => (U256::ZERO, self.cap.total),
        };
        let needed = before.saturating_add(needed);
        if needed <= most {
            return Ok(());
        }
        Err(EngineError::Ceiling { op: op.to_owned(), needed, most })
    }

    /// Brings one intent to an end: it is sent at most once successfully, however often this is
    /// called. Where other bytes of an intent that is alike are on their way, these replace them on
    /// their nonce, so that only one can land. Returns where it landed.
    ///
    /// # Effects
    /// Signs, journals and sends, unless it has landed already.
    ///
    /// # Errors
    /// If it reverted, could not be sent, or did not land in time.
    pub async fn run(&mut self, intent: &Intent) -> Result<Landed, EngineError> {
        let other = |attempt: &Attempt| attempt.intent != intent.bound();
        if let Some((attempt, inclusion)) = self.state.landed(&intent.op)
            && inclusion.success
        {
            if other(attempt) {
                return Err(EngineError::OtherIntent { op: intent.op.clone() });
            }
            return Ok(Landed { hash: attempt.hash, inclusion: *inclusion });
        }
        if self.adoption().await?.is_some() {
            return Err(self.not_adopted());
        }
        // Whatever is still open below must land first, or nothing above it ever does.
        let open: Vec<_> = self.state.open().into_values().cloned().collect();
        let open: Vec<_> = open.into_iter().filter(|a| !self.is_behind(a.nonce)).collect();
        let mine = open.iter().find(|attempt| attempt.op == intent.op);
        if mine.is_some_and(other) {
            return Err(EngineError::OtherIntent { op: intent.op.clone() });
        }
        let replaced = match mine {
            Some(attempt) if !is_same(attempt, intent)? => Some(attempt.nonce),
            _ => None,
        };
        for attempt in open.iter().filter(|attempt| Some(attempt.nonce) != replaced) {
            self.send(attempt.hash, &attempt.raw).await?;
        }
        let nonce = match mine {
            Some(attempt) if replaced.is_some() => {
                self.attempt(intent, Some((attempt.nonce, fees_of(attempt)?))).await?
            }
            Some(attempt) => attempt.nonce,
            None => {
                for attempt in &open {
                    self.finish(attempt).await?;
                }
                self.attempt(intent, None).await?
            }
        };
        self.wait(intent, nonce).await
    }

    /// Brings an earlier operation's open attempt to an end, by what its bytes say.
    async fn finish(&mut self, attempt: &Attempt) -> Result<(), EngineError> {
        let intent = intent_of(attempt)?;
        match self.wait(&intent, attempt.nonce).await {
            Ok(_) | Err(EngineError::Reverted { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn not_adopted(&self) -> EngineError {
        let nonce = self.state.next_nonce.unwrap_or_default();
        EngineError::NotAdopted { sender: self.id.sender, nonce }
    }

    /// Signs, journals and sends a new attempt: on the next nonce, or on that of an attempt that
    /// it replaces.
    async fn attempt(
        &mut self,
        intent: &Intent,
        replaces: Option<(u64, Fees)>,
    ) -> Result<u64, EngineError> {
        let op = &intent.op;
        let sender = self.id.sender;
        let next = self.state.next_nonce.ok_or_else(|| self.not_adopted())?;
        let fresh = self.fees(op).await?;
        let (nonce, fees) = match replaces {
            Some((nonce, fees)) => (nonce, fees.bump(op, fresh, self.cap)?),
            None => (next, fresh),
        };
        let gas = self.gas(intent).await?;
        let fee = fees.most(gas);
        self.require_below(op, nonce, fee)?;
        let head = self.network.latest_head().await?;
        let balance = self.network.balance(sender, head.block).await?;
        let needed = fee.saturating_add(intent.value);
        if balance < needed {
            return Err(EngineError::Funds { op: op.clone(), sender, balance, needed });
        }
        let chain = self.id.network.chain;
        let signed = sign_attempt(self.signer, chain, intent, nonce, gas, fees)?;
        self.append(&LaneEvent::AttemptRecorded {
            op: op.clone(),
            intent: intent.bound(),
            nonce,
            hash: signed.hash,
            raw: signed.raw.clone(),
            max_fee_per_gas: U256::from(fees.max_fee_per_gas),
        })?;
        self.send(signed.hash, &signed.raw).await?;
        Ok(nonce)
    }

    /// Sends bytes that the journal holds. The answer is noted and decides nothing.
    async fn send(&mut self, hash: B256, raw: &[u8]) -> Result<(), EngineError> {
        let answer = match self.network.send_raw(raw).await {
            SendOutcome::Accepted(_) => "accepted".to_owned(),
            SendOutcome::Rejected { code, message } => format!("rejected {code}: {message}"),
            SendOutcome::Unknown { cause } => format!("unknown: {cause}"),
        };
        tracing::debug!(%hash, %answer, "sent");
        self.append(&LaneEvent::Answered { hash, answer })
    }

    async fn wait(&mut self, intent: &Intent, nonce: u64) -> Result<Landed, EngineError> {
        let interval = self.poll_interval();
        let polls = (INCLUSION_WAIT_SECS_MAX * 1_000) / interval_ms(interval);
        let mut foreign = 0;
        for poll in 1..=polls.max(1) {
            let look = match self.look(nonce).await {
                // Nodes behind one address lag behind each other: one look proves nothing.
                Err(EngineError::Foreign { .. }) if foreign < FOREIGN_LOOKS => {
                    foreign += 1;
                    None
                }
                look => look?,
            };
            if let Some(landed) = look {
                let Landed { hash, inclusion } = landed;
                if inclusion.success {
                    return Ok(landed);
                }
                let block = inclusion.block.number;
                return Err(EngineError::Reverted { op: intent.op.clone(), hash, block });
            }
            if poll % RESEND_POLLS == 0 {
                self.keep_alive(intent, nonce).await?;
            }
            self.network.pause(interval).await;
        }
        let hash = self.newest(nonce).map(|attempt| attempt.hash).unwrap_or_default();
        let waited_secs = INCLUSION_WAIT_SECS_MAX;
        Err(EngineError::NotIncluded { op: intent.op.clone(), hash, waited_secs })
    }

    /// Looks for any of our transactions on a nonce, and for a foreign one in their place.
    async fn look(&mut self, nonce: u64) -> Result<Option<Landed>, EngineError> {
        let head = self.network.latest_head().await?;
        let used = self.network.nonce(self.id.sender, head.block).await? > nonce;
        let hashes: Vec<_> =
            self.state.attempts.iter().filter(|a| a.nonce == nonce).map(|a| a.hash).collect();
        for hash in hashes {
            if let Some(inclusion) = self.inclusion(hash).await? {
                self.append(&mined(hash, &inclusion))?;
                return Ok(Some(Landed { hash, inclusion }));
            }
        }
        if used {
            let (sender, journal) = (self.id.sender, nonce);
            return Err(EngineError::Foreign { sender, chain: nonce + 1, journal });
        }
        Ok(None)
    }

    /// Sends forgotten bytes again, and replaces an attempt that the base fee has outgrown.
    async fn keep_alive(&mut self, intent: &Intent, nonce: u64) -> Result<(), EngineError> {
        let Some(newest) = self.newest(nonce).cloned() else { return Ok(()) };
        let data = self.network.fee_data().await?;
        if data.base_fee > newest.max_fee_per_gas {
            self.attempt(intent, Some((nonce, fees_of(&newest)?))).await?;
        } else if !self.network.is_known(newest.hash).await? {
            self.send(newest.hash, &newest.raw).await?;
        }
        Ok(())
    }

    fn poll_interval(&self) -> Duration {
        let chain = self.id.network.chain;
        let block_time = known_chain(chain).map_or(BLOCK_TIME_SECS, |known| known.block_time_secs);
        poll_interval(chain, block_time)
    }

    fn newest(&self, nonce: u64) -> Option<&Attempt> {
        self.state.attempts.iter().rev().find(|attempt| attempt.nonce == nonce)
    }

    async fn inclusion(&self, hash: B256) -> Result<Option<Inclusion>, EngineError> {
        let Some(receipt) = self.network.receipt(hash).await? else { return Ok(None) };
        if !self.network.is_canonical(receipt.block).await? {
            return Ok(None);
        }
        Ok(Some(Inclusion {
            block: receipt.block,
            success: receipt.status,
            gas_used: receipt.gas_used,
            fee: receipt.fee(),
        }))
    }

    /// Compares every transaction that is not final with the chain, and notes what moved.
    ///
    /// # Effects
    /// Appends events.
    ///
    /// # Errors
    /// If journal or chain cannot be read.
    pub async fn settle(&mut self) -> Result<(), EngineError> {
        let finalized = self.network.finalized_head().await?;
        for attempt in self.state.attempts.clone() {
            let now = match &attempt.state {
                AttemptState::Finalized(_) => continue,
                AttemptState::Pending if self.is_replaced(&attempt) => continue,
                AttemptState::Pending | AttemptState::Mined(_) => {
                    self.inclusion(attempt.hash).await?
                }
            };
            let hash = attempt.hash;
            match (attempt.state.inclusion(), now) {
                (Some(before), Some(now)) if *before == now => {}
                (None, None) => continue,
                (_, Some(now)) => self.append(&mined(hash, &now))?,
                (Some(_), None) => self.append(&LaneEvent::Unmined { hash })?,
            }
            if now.is_some_and(|now| now.block.number <= finalized.block.number) {
                self.append(&LaneEvent::Finalized { hash })?;
            }
        }
        Ok(())
    }

    /// Whether another attempt on its nonce is final.
    fn is_replaced(&self, attempt: &Attempt) -> bool {
        self.state.attempts.iter().any(|other| {
            other.nonce == attempt.nonce && matches!(other.state, AttemptState::Finalized(_))
        })
    }

    /// Appends to the journal first, then folds, so that the state is never ahead of it.
    fn append(&mut self, event: &LaneEvent) -> Result<(), EngineError> {
        let mut next = self.state.clone();
        next.apply(event)?;
        let body = serde_json::to_value(event).map_err(EngineError::Event)?;
        self.journal.append(&self.lease, event.kind(), &body)?;
        self.state = next;
        Ok(())
    }
}

fn mined(hash: B256, inclusion: &Inclusion) -> LaneEvent {
    let Inclusion { block, success, gas_used, fee } = *inclusion;
    LaneEvent::Mined { hash, block, success, gas_used, fee }
}

fn decoded(attempt: &Attempt) -> Result<TxEnvelope, EngineError> {
    TxEnvelope::decode_2718_exact(&attempt.raw)
        .map_err(|_| EngineError::Bytes { hash: attempt.hash })
}

/// What a signed attempt is meant to do.
fn intent_of(attempt: &Attempt) -> Result<Intent, EngineError> {
    let tx = decoded(attempt)?;
    let to = tx.to().ok_or(EngineError::Bytes { hash: attempt.hash })?;
    let op = attempt.op.clone();
    let alike = Some(attempt.intent);
    Ok(Intent { op, to, value: tx.value(), data: tx.input().clone(), alike })
}

/// Whether an attempt sends exactly what an intent that is alike does.
fn is_same(attempt: &Attempt, intent: &Intent) -> Result<bool, EngineError> {
    Ok(intent_of(attempt)?.digest() == intent.digest())
}

/// The fees that an attempt was signed with.
fn fees_of(attempt: &Attempt) -> Result<Fees, EngineError> {
    let tx = decoded(attempt)?;
    Ok(Fees {
        max_fee_per_gas: tx.max_fee_per_gas(),
        max_priority_fee_per_gas: tx.max_priority_fee_per_gas().unwrap_or_default(),
    })
}

fn interval_ms(interval: Duration) -> u64 {
    u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1)
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
