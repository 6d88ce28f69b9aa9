//! The outcome of what was sent, as the chain shows it by hash and nonce.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes};
use tidegate_chain::{GasQuery, ReadError, known_chain, poll_interval};
use tidegate_model::event::{Attempt, AttemptState, Inclusion, Intent, LaneEvent};

use super::{Landed, Lane};
use crate::error::EngineError;
use crate::ports::{Chain, Journal};
use crate::sign::{fees_of, most_of};

/// How long one transaction is waited for before the command gives up; running it again goes on.
const INCLUSION_WAIT_SECS_MAX: u64 = 600;

/// Seconds between blocks on chains that are not built in, for the pace of looking.
const BLOCK_TIME_SECS: u64 = 2;

/// How often a nonce may look used by somebody else before that is believed.
const FOREIGN_LOOKS: u32 = 8;

/// How often bytes that nodes refuse are sent again: more often than a foreign nonce is doubted.
const REFUSED_SENDS: u32 = FOREIGN_LOOKS + 4;

/// After how many polls a transaction that the endpoint has forgotten is sent again.
const RESEND_POLLS: u64 = 8;

impl<C: Chain, J: Journal> Lane<'_, C, J> {
    /// Waits until one of our transactions on a nonce is in a block, sends again what nodes forgot,
    /// and raises what the base fee has outgrown. It ends after as many looks as fit into the time
    /// that is waited, and after that time where looking itself takes long.
    #[expect(clippy::disallowed_methods, reason = "a wait has an end; what landed, the chain says")]
    pub(super) async fn wait(
        &mut self,
        intent: &Intent,
        nonce: u64,
    ) -> Result<Landed, EngineError> {
        let interval = self.poll_interval();
        let polls = (INCLUSION_WAIT_SECS_MAX * 1_000) / interval_ms(interval);
        let (mut foreign, mut refused) = (0, 0);
        let started = Instant::now();
        for poll in 1..=polls.max(1) {
            if started.elapsed() > Duration::from_secs(INCLUSION_WAIT_SECS_MAX) {
                break;
            }
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
                let now = self.reason(intent).await;
                return Err(EngineError::Reverted { op: intent.op.clone(), hash, block, now });
            }
            if let Some(newest) = self.newest(nonce).cloned()
                && let Some(answer) = self.refusals.get(&newest.hash).cloned()
            {
                refused += 1;
                self.look_after(intent, &newest, answer, refused).await?;
            } else if poll % RESEND_POLLS == 0 {
                self.keep_alive(intent, nonce).await?;
            }
            self.network.pause(interval).await;
        }
        let hash = self.newest(nonce).map(|attempt| attempt.hash).unwrap_or_default();
        let waited_secs = INCLUSION_WAIT_SECS_MAX;
        Err(EngineError::NotIncluded { op: intent.op.clone(), hash, waited_secs })
    }

    /// Why a transaction would revert now: a receipt has no reason. That nobody says it hides
    /// nothing of what happened.
    async fn reason(&self, intent: &Intent) -> Option<Bytes> {
        let Intent { to, value, data, .. } = intent.clone();
        let query = GasQuery { from: self.id.sender, to: Some(to), data, value };
        match self.network.estimate_gas(&query).await {
            Err(ReadError::Reverted { data, .. }) => Some(data),
            _ => None,
        }
    }

    /// Looks for any of our transactions on a nonce, and for a foreign one in their place.
    async fn look(&mut self, nonce: u64) -> Result<Option<Landed>, EngineError> {
        let head = self.network.latest_head().await?;
        let used = self.network.nonce(self.id.sender, head.block).await? > nonce;
        if let Some(landed) = self.landed_on(nonce).await? {
            self.append(&mined(landed.hash, &landed.inclusion))?;
            return Ok(Some(landed));
        }
        if used {
            let (sender, journal) = (self.id.sender, nonce);
            let sent = self.network.sender_transactions(sender, nonce, nonce + 1, head).await;
            let hash = sent.ok().and_then(|sent| sent.first().map(|tx| tx.hash));
            return Err(EngineError::Foreign { sender, chain: nonce + 1, journal, hash });
        }
        Ok(None)
    }

    /// Which of our transactions on a nonce is in a block.
    pub(super) async fn landed_on(&self, nonce: u64) -> Result<Option<Landed>, EngineError> {
        for attempt in self.state.attempts.iter().filter(|attempt| attempt.nonce == nonce) {
            if let Some(inclusion) = self.inclusion(attempt.hash).await? {
                return Ok(Some(Landed { hash: attempt.hash, inclusion }));
            }
        }
        Ok(None)
    }

    /// Finds out why bytes were refused, and sends them again where nothing speaks against it: a
    /// node may have been behind. Nothing is only waited for that no node has.
    ///
    /// # Errors
    /// If the sender cannot pay for it, or it is refused each time.
    async fn look_after(
        &mut self,
        intent: &Intent,
        newest: &Attempt,
        (code, message): (i64, String),
        times: u32,
    ) -> Result<(), EngineError> {
        let (op, hash, sender) = (intent.op.clone(), newest.hash, self.id.sender);
        if self.network.is_known(hash).await? {
            self.refusals.remove(&hash);
            return Ok(());
        }
        let base_fee = self.network.fee_data().await?.base_fee;
        if base_fee > newest.max_fee_per_gas {
            return self.raise(intent, newest, base_fee).await;
        }
        let head = self.network.latest_head().await?;
        let balance = self.network.balance(sender, head.block).await?;
        let is_next = self.network.nonce(sender, head.block).await? <= newest.nonce;
        let needed = most_of(newest)?;
        if is_next && balance < needed {
            return Err(EngineError::Funds { op, sender, balance, needed });
        }
        if times > REFUSED_SENDS {
            let nonce = newest.nonce;
            return Err(match is_displaced(&message) {
                true => EngineError::Displaced { op, sender, nonce, hash, message },
                false => EngineError::Refused { op, hash, code, message },
            });
        }
        self.send(hash, &newest.raw).await
    }

    /// Replaces an attempt that the base fee has outgrown.
    async fn raise(
        &mut self,
        intent: &Intent,
        newest: &Attempt,
        base_fee: u128,
    ) -> Result<(), EngineError> {
        let fees = fees_of(newest)?;
        let raised = self.attempt(intent, None, Some((newest.nonce, fees))).await;
        raised.map(|_| ()).map_err(|error| match error {
            // More ether is no way out: what was signed can be paid, and lands when fees fall.
            EngineError::Funds { op, sender, .. } => {
                let (hash, pays) = (newest.hash, fees.max_fee_per_gas);
                EngineError::Outgrown { op, hash, sender, base_fee, pays }
            }
            error => error,
        })
    }

    /// Sends forgotten bytes again, and replaces an attempt that the base fee has outgrown.
    async fn keep_alive(&mut self, intent: &Intent, nonce: u64) -> Result<(), EngineError> {
        let Some(newest) = self.newest(nonce).cloned() else { return Ok(()) };
        let data = self.network.fee_data().await?;
        if data.base_fee > newest.max_fee_per_gas {
            self.raise(intent, &newest, data.base_fee).await?;
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

    pub(super) fn newest(&self, nonce: u64) -> Option<&Attempt> {
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
    pub(crate) async fn settle(&mut self) -> Result<(), EngineError> {
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

    /// Looks again while nonces of ours are used and none of our transactions on them is seen to be
    /// included: a node that lags behind has no receipt yet. Somebody else's transaction that is
    /// seen there ends that at once.
    ///
    /// # Effects
    /// Appends events.
    ///
    /// # Errors
    /// If journal or chain cannot be read.
    pub(super) async fn look_twice(&mut self) -> Result<(), EngineError> {
        let sender = self.id.sender;
        for _ in 0..FOREIGN_LOOKS {
            let Some(nonce) = self.state.open().keys().next().copied() else { return Ok(()) };
            let head = self.network.latest_head().await?;
            if self.network.nonce(sender, head.block).await? <= nonce {
                return Ok(());
            }
            let found = self.network.sender_transactions(sender, nonce, nonce + 1, head).await;
            let is_ours = |hash: B256| self.state.attempts.iter().any(|own| own.hash == hash);
            if found.is_ok_and(|found| found.iter().any(|tx| !is_ours(tx.hash))) {
                return Ok(());
            }
            self.network.pause(self.poll_interval()).await;
            self.settle().await?;
        }
        Ok(())
    }

    /// Whether another attempt on its nonce is final.
    fn is_replaced(&self, attempt: &Attempt) -> bool {
        self.state.attempts.iter().any(|other| {
            other.nonce == attempt.nonce && matches!(other.state, AttemptState::Finalized(_))
        })
    }
}

/// Whether a node refuses bytes because it has others on their nonce, of the same sender. Ours pay
/// more than any of ours before, so those are of another program.
fn is_displaced(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("replacement transaction underpriced")
        || message.contains("replacement") && message.contains("too low")
}

fn mined(hash: B256, inclusion: &Inclusion) -> LaneEvent {
    let Inclusion { block, success, gas_used, fee } = *inclusion;
    LaneEvent::Mined { hash, block, success, gas_used, fee }
}

fn interval_ms(interval: Duration) -> u64 {
    u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1)
}
