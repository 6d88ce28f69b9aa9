//! One intent after the other: signed, journaled, sent.

use alloy_primitives::{B256, Bytes, U256};
use tidegate_chain::SendOutcome;
use tidegate_model::event::{Attempt, Intent, LaneEvent};

use super::{Landed, Lane};
use crate::error::EngineError;
use crate::fees::{Fees, is_alike, with_margin};
use crate::ports::{Chain, Journal};
use crate::sign::{fees_of, intent_of, is_same, sign_attempt};

impl<C: Chain, J: Journal> Lane<'_, C, J> {
    /// Brings one intent to an end: it is sent at most once successfully, however often this is
    /// called. Where other bytes of an intent that is alike are on their way, these replace them on
    /// their nonce, so that only one can land. Returns where it landed.
    ///
    /// # Effects
    /// Signs, journals and sends, unless it has landed already.
    ///
    /// # Errors
    /// If it reverted, could not be sent, or did not land in time.
    pub(crate) async fn run(&mut self, intent: &Intent) -> Result<Landed, EngineError> {
        let other = |attempt: &Attempt| attempt.intent != intent.bound();
        if let Some((attempt, inclusion)) = self.state.landed(&intent.op)
            && inclusion.success
        {
            if other(attempt) {
                return Err(EngineError::OtherIntent { op: intent.op.clone() });
            }
            return Ok(Landed { hash: attempt.hash, inclusion: *inclusion });
        }
        self.require_adopted().await?;
        // Whatever is still open below must land first, or nothing above it ever does.
        let open: Vec<_> = self.state.open().into_values().cloned().collect();
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
                self.attempt(intent, None, Some((attempt.nonce, fees_of(attempt)?))).await?
            }
            Some(attempt) => attempt.nonce,
            None => {
                for attempt in &open {
                    self.finish(attempt).await?;
                }
                self.attempt(intent, None, None).await?
            }
        };
        self.wait(intent, nonce).await
    }

    /// Brings to an end what is on its way below all operations of a name's beginning: it lands
    /// first, and may be what these operations do.
    ///
    /// # Errors
    /// If it cannot be sent, or does not land in time.
    pub(crate) async fn finish_others(&mut self, ops: &str) -> Result<(), EngineError> {
        let open = self.state.open().into_values();
        let others: Vec<_> = open.take_while(|other| !other.op.starts_with(ops)).cloned().collect();
        if others.is_empty() {
            return Ok(());
        }
        self.require_adopted().await?;
        let sent: Vec<_> = others.iter().map(|other| (other.hash, other.raw.clone())).collect();
        self.send_all(&sent).await?;
        for other in &others {
            self.finish(other).await?;
        }
        Ok(())
    }

    /// Brings an earlier operation's open attempt to an end, by what its bytes say.
    pub(super) async fn finish(&mut self, attempt: &Attempt) -> Result<(), EngineError> {
        let intent = intent_of(attempt)?;
        match self.wait(&intent, attempt.nonce).await {
            Ok(_) | Err(EngineError::Reverted { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Signs, journals and sends a new attempt: on the next nonce, or on that of an attempt that
    /// it replaces. It gets the gas that was measured where the endpoint asks for no more.
    pub(super) async fn attempt(
        &mut self,
        intent: &Intent,
        measured: Option<u64>,
        replaces: Option<(u64, Fees)>,
    ) -> Result<u64, EngineError> {
        let op = &intent.op;
        let sender = self.id.sender;
        let next = self.state.next_nonce.ok_or_else(|| self.not_adopted())?;
        let fresh = self.fees(op).await?;
        let (nonce, fees) = match replaces {
            Some((nonce, fees)) => (nonce, fees.bump(op, fresh, self.cap)?),
            None => (next, self.fees_on(next, op, fresh)?),
        };
        let estimated = self.gas(intent).await?;
        let gas = measured.filter(|gas| is_alike(estimated, *gas)).map_or(estimated, with_margin);
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

    /// Sends bytes that the journal holds. The answer is noted; what follows from a refusal, the
    /// chain says ([`Lane::wait`]).
    pub(super) async fn send(&mut self, hash: B256, raw: &Bytes) -> Result<(), EngineError> {
        self.send_all(&[(hash, raw.clone())]).await
    }

    /// The same of several, in their order, at once.
    pub(super) async fn send_all(&mut self, sent: &[(B256, Bytes)]) -> Result<(), EngineError> {
        let raws: Vec<_> = sent.iter().map(|(_, raw)| raw.clone()).collect();
        let outcomes = self.network.send_all(&raws).await;
        let mut answers = Vec::new();
        for (&(hash, _), outcome) in sent.iter().zip(outcomes) {
            self.refusals.remove(&hash);
            let answer = match outcome {
                SendOutcome::Accepted(_) => "accepted".to_owned(),
                SendOutcome::Rejected { code, message } => {
                    let answer = format!("rejected {code}: {message}");
                    self.refusals.insert(hash, (code, message));
                    answer
                }
                SendOutcome::Unknown { cause } => format!("unknown: {cause}"),
            };
            tracing::debug!(%hash, %answer, "sent");
            answers.push(LaneEvent::Answered { hash, answer });
        }
        self.append_all(&answers)
    }
}
