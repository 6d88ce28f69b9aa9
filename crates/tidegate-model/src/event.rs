//! What a lane's journal holds, and the state it folds to.
//!
//! A lane is one sender on one chain. Its bytes are committed here before they are first sent, so
//! the journal knows every hash that may ever land; the chain alone says which one did.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::digest::Preimage;
use crate::ids::{BlockRef, NetworkId};

/// A key on one chain: the unit within which nonces are given out and transactions are sent one
/// after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneId {
    pub network: NetworkId,
    pub sender: Address,
}

impl LaneId {
    /// The name of its journal stream.
    pub fn stream(&self) -> String {
        let genesis = alloy_primitives::hex::encode(&self.network.genesis[..4]);
        format!("lane:{}-{genesis}:{}", self.network.chain, self.sender)
    }
}

/// The purpose and content of a transaction. Equal intents on one nonce replace each other;
/// different intents never meet there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The operation, unique in the lane: `deploy/<project>/<root>/<id>/<op>`, `draw/<request>`, …
    pub op: String,
    /// The recipient.
    pub to: Address,
    /// Wei to send.
    pub value: U256,
    /// The calldata.
    pub data: Bytes,
    /// The mark that intents share which do the same by different calldata; `None` if only equal
    /// calldata does the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alike: Option<B256>,
}

impl Intent {
    /// Has a Safe execute one of its transactions, which it does once, whoever's signatures come
    /// along in `data`.
    pub fn safe_tx(op: String, safe: Address, data: Bytes, safe_tx_hash: B256) -> Self {
        let preimage = Preimage::new().string("safe-tx/1").string(&op).address(safe);
        let alike = Some(preimage.digest(safe_tx_hash).keccak());
        Self { op, to: safe, value: U256::ZERO, data, alike }
    }

    /// The digest that an attempt is bound to: one nonce carries one of these.
    pub fn bound(&self) -> B256 {
        self.alike.unwrap_or_else(|| self.digest())
    }

    /// The digest of exactly this transaction, which a person approves.
    pub fn digest(&self) -> B256 {
        Preimage::new()
            .string(&self.op)
            .address(self.to)
            .digest(self.value.into())
            .digest(alloy_primitives::keccak256(&self.data))
            .keccak()
    }
}

/// One entry of a lane's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", deny_unknown_fields)]
pub enum LaneEvent {
    /// A person took responsibility for the sender as it stood.
    SenderAdopted {
        /// The next nonce; latest and finalized state agreed on it.
        nonce: u64,
        /// The balance, in wei.
        #[serde(with = "crate::decimal")]
        balance: U256,
        /// The block at which both were read.
        block: BlockRef,
        /// Whether the chain was begun anew: nothing before is on it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        anew: bool,
    },
    /// A frozen plan was approved.
    RunApproved {
        /// The digest that was approved.
        plan: B256,
    },
    /// Signed bytes, durable before their first send.
    AttemptRecorded {
        op: String,
        /// The digest that its intent is bound to.
        intent: B256,
        nonce: u64,
        hash: B256,
        raw: Bytes,
        /// The highest fee per gas it may pay, in wei.
        #[serde(with = "crate::decimal")]
        max_fee_per_gas: U256,
    },
    /// An endpoint's answer to a send; for diagnosis, never for a decision.
    Answered {
        hash: B256,
        /// The answer, escaped.
        answer: String,
    },
    /// It is in a block.
    Mined {
        hash: B256,
        block: BlockRef,
        success: bool,
        gas_used: u64,
        /// Fees paid, in wei.
        #[serde(with = "crate::decimal")]
        fee: U256,
    },
    /// Its block is no longer canonical.
    Unmined { hash: B256 },
    /// Its block is final.
    Finalized { hash: B256 },
}

impl LaneEvent {
    /// The name under which the journal stores it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SenderAdopted { .. } => "SenderAdopted",
            Self::RunApproved { .. } => "RunApproved",
            Self::AttemptRecorded { .. } => "AttemptRecorded",
            Self::Answered { .. } => "Answered",
            Self::Mined { .. } => "Mined",
            Self::Unmined { .. } => "Unmined",
            Self::Finalized { .. } => "Finalized",
        }
    }
}

/// One signed transaction, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub op: String,
    /// The digest of its intent.
    pub intent: B256,
    pub nonce: u64,
    pub hash: B256,
    /// The signed transaction.
    pub raw: Bytes,
    /// The highest fee per gas it may pay, in wei.
    pub max_fee_per_gas: u128,
    /// Its progress.
    pub state: AttemptState,
}

/// The progress of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    /// Nothing is known to have landed.
    Pending,
    /// It is in a block.
    Mined(Inclusion),
    /// That block is final.
    Finalized(Inclusion),
}

/// The inclusion of a transaction: its block and outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inclusion {
    pub block: BlockRef,
    /// Whether it succeeded.
    pub success: bool,
    pub gas_used: u64,
    /// Fees paid, in wei.
    pub fee: U256,
}

impl AttemptState {
    /// Its inclusion, if it has one.
    pub const fn inclusion(&self) -> Option<&Inclusion> {
        match self {
            Self::Pending => None,
            Self::Mined(inclusion) | Self::Finalized(inclusion) => Some(inclusion),
        }
    }
}

/// A journal that cannot have been written by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Something happened on a lane that nobody adopted.
    #[error("the lane's journal has {0} before any adoption")]
    NotAdopted(&'static str),
    /// Two intents on one nonce.
    #[error("the lane's journal has two intents on nonce {0}")]
    Equivocation(u64),
    /// A nonce that skips ahead or goes back.
    #[error("the lane's journal has nonce {found} where {expected} comes next")]
    Nonce {
        /// What the journal has.
        found: u64,
        expected: u64,
    },
    /// An event about a transaction that was never recorded.
    #[error("the lane's journal names transaction {0}, which it never recorded")]
    UnknownTransaction(B256),
    /// A final transaction that changed.
    #[error("the lane's journal changes transaction {0} after it was final")]
    ChangedFinal(B256),
}

/// The state a lane's journal folds to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaneState {
    /// The next nonce, once the sender is adopted.
    pub next_nonce: Option<u64>,
    /// The nonce of the newest adoption: below it nothing of ours can land any more.
    pub adopted_nonce: Option<u64>,
    /// Every attempt, in order of recording.
    pub attempts: Vec<Attempt>,
    /// How many of them were recorded before the newest adoption. Whoever adopted the sender took
    /// it as it stood: of these, what has not landed is never sent again.
    pub before_adoption: usize,
    /// The plans that were approved.
    pub approved: Vec<B256>,
}

impl LaneState {
    /// Folds a whole journal.
    ///
    /// # Errors
    /// If the events contradict each other.
    #[cfg(test)]
    pub(crate) fn fold<'a>(
        events: impl IntoIterator<Item = &'a LaneEvent>,
    ) -> Result<Self, FoldError> {
        let mut state = Self::default();
        for event in events {
            state.apply(event)?;
        }
        Ok(state)
    }

    /// Adds one event.
    ///
    /// # Errors
    /// If it contradicts what came before.
    pub fn apply(&mut self, event: &LaneEvent) -> Result<(), FoldError> {
        match event {
            LaneEvent::SenderAdopted { nonce, anew, .. } => {
                if *anew {
                    *self = Self::default();
                }
                self.next_nonce = Some(*nonce);
                self.adopted_nonce = Some(*nonce);
                self.before_adoption = self.attempts.len();
            }
            LaneEvent::RunApproved { plan } => self.approved.push(*plan),
            LaneEvent::AttemptRecorded { op, intent, nonce, hash, raw, max_fee_per_gas } => {
                self.record(Attempt {
                    op: op.clone(),
                    intent: *intent,
                    nonce: *nonce,
                    hash: *hash,
                    raw: raw.clone(),
                    max_fee_per_gas: max_fee_per_gas.saturating_to(),
                    state: AttemptState::Pending,
                })?;
            }
            LaneEvent::Answered { hash, .. } => {
                self.attempt(*hash)?;
            }
            LaneEvent::Mined { hash, block, success, gas_used, fee } => {
                let inclusion =
                    Inclusion { block: *block, success: *success, gas_used: *gas_used, fee: *fee };
                self.settle(*hash, AttemptState::Mined(inclusion))?;
            }
            LaneEvent::Unmined { hash } => self.settle(*hash, AttemptState::Pending)?,
            LaneEvent::Finalized { hash } => {
                let attempt = self.attempt(*hash)?;
                if let AttemptState::Mined(inclusion) = attempt.state {
                    attempt.state = AttemptState::Finalized(inclusion);
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, attempt: Attempt) -> Result<(), FoldError> {
        let expected = self.next_nonce.ok_or(FoldError::NotAdopted("an attempt"))?;
        let same_nonce = self.managed().find(|known| known.nonce == attempt.nonce);
        match same_nonce {
            Some(known) if known.intent == attempt.intent => {}
            Some(_) => return Err(FoldError::Equivocation(attempt.nonce)),
            None if attempt.nonce == expected => self.next_nonce = Some(expected + 1),
            None => return Err(FoldError::Nonce { found: attempt.nonce, expected }),
        }
        self.attempts.push(attempt);
        Ok(())
    }

    fn attempt(&mut self, hash: B256) -> Result<&mut Attempt, FoldError> {
        let found = self.attempts.iter_mut().find(|attempt| attempt.hash == hash);
        found.ok_or(FoldError::UnknownTransaction(hash))
    }

    fn settle(&mut self, hash: B256, state: AttemptState) -> Result<(), FoldError> {
        let attempt = self.attempt(hash)?;
        if matches!(attempt.state, AttemptState::Finalized(_)) {
            return Err(FoldError::ChangedFinal(hash));
        }
        attempt.state = state;
        Ok(())
    }

    /// Every attempt for one operation, newest last.
    pub fn attempts_for<'a>(&'a self, op: &str) -> impl Iterator<Item = &'a Attempt> {
        let op = op.to_owned();
        self.attempts.iter().filter(move |attempt| attempt.op == op)
    }

    /// The landed transaction of an operation: a success if there is one.
    pub fn landed(&self, op: &str) -> Option<(&Attempt, &Inclusion)> {
        let landed = || {
            self.attempts_for(op)
                .filter_map(|a| a.state.inclusion().map(|inclusion| (a, inclusion)))
        };
        landed().find(|(_, inclusion)| inclusion.success).or_else(|| landed().last())
    }

    /// The attempts since the newest adoption.
    fn managed(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().skip(self.before_adoption)
    }

    /// Nonces for which nothing has landed, with their newest attempt, lowest nonce first.
    pub fn open(&self) -> BTreeMap<u64, &Attempt> {
        let mut open = BTreeMap::new();
        for attempt in self.managed() {
            open.insert(attempt.nonce, attempt);
        }
        for attempt in &self.attempts {
            if attempt.state.inclusion().is_some() {
                open.remove(&attempt.nonce);
            }
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adopted(nonce: u64) -> LaneEvent {
        let block = BlockRef { number: 1, hash: B256::ZERO };
        LaneEvent::SenderAdopted { nonce, balance: U256::ZERO, block, anew: false }
    }

    fn attempt(op: &str, nonce: u64, id: u8) -> LaneEvent {
        LaneEvent::AttemptRecorded {
            op: op.to_owned(),
            intent: alloy_primitives::keccak256(op),
            nonce,
            hash: B256::repeat_byte(id),
            raw: Bytes::new(),
            max_fee_per_gas: U256::ONE,
        }
    }

    fn mined(id: u8, success: bool) -> LaneEvent {
        let block = BlockRef { number: 2, hash: B256::ZERO };
        let hash = B256::repeat_byte(id);
        LaneEvent::Mined { hash, block, success, gas_used: 1, fee: U256::ONE }
    }

    fn check(events: &[LaneEvent], expected: Result<u64, FoldError>) {
        let folded = LaneState::fold(events).map(|state| state.next_nonce.unwrap_or_default());
        assert_eq!(folded, expected, "{events:?}");
    }

    #[test]
    fn events_survive_the_journal() {
        for event in [adopted(7), attempt("a", 7, 1), mined(1, false)] {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<LaneEvent>(&text).unwrap(), event, "{text}");
        }
    }

    #[test]
    fn nonces_are_gapless_and_never_carry_two_intents() {
        check(&[adopted(3), attempt("a", 3, 1), attempt("b", 4, 2)], Ok(5));
        check(&[adopted(3), attempt("a", 3, 1), attempt("a", 3, 2)], Ok(4));
        check(
            &[adopted(3), attempt("a", 3, 1), attempt("b", 3, 2)],
            Err(FoldError::Equivocation(3)),
        );
        check(&[adopted(3), attempt("a", 4, 1)], Err(FoldError::Nonce { found: 4, expected: 3 }));
        check(&[attempt("a", 0, 1)], Err(FoldError::NotAdopted("an attempt")));
        check(
            &[adopted(0), mined(9, true)],
            Err(FoldError::UnknownTransaction(B256::repeat_byte(9))),
        );
    }

    /// Other signatures make another transaction and no other act; another Safe, another of its
    /// transactions or another step do.
    #[test]
    fn a_safe_executes_one_transaction_by_any_signatures() {
        let [a, b] = [1, 2].map(Address::with_last_byte);
        let [hash, other] = [1, 2].map(B256::with_last_byte);
        let intent = |op: &str, safe, data: &[u8], hash| {
            Intent::safe_tx(op.to_owned(), safe, Bytes::copy_from_slice(data), hash)
        };
        let first = intent("execute", a, &[1], hash);
        let again = intent("execute", a, &[2], hash);
        assert_eq!(first.bound(), again.bound());
        assert_ne!(first.digest(), again.digest(), "what is approved is the bytes");
        for different in [
            intent("execute", b, &[1], hash),
            intent("execute", a, &[1], other),
            intent("executes", a, &[1], hash),
            Intent { alike: None, ..first.clone() },
        ] {
            assert_ne!(first.bound(), different.bound(), "{different:?}");
        }
    }

    #[test]
    fn what_landed_wins_and_a_reorg_takes_it_back() {
        let hash = B256::repeat_byte(1);
        let mut events = vec![adopted(0), attempt("a", 0, 1), attempt("a", 0, 2), mined(1, true)];
        let state = LaneState::fold(&events).unwrap();
        assert_eq!(state.landed("a").map(|(attempt, _)| attempt.hash), Some(hash));
        assert!(state.open().is_empty());

        events.push(LaneEvent::Unmined { hash });
        let state = LaneState::fold(&events).unwrap();
        assert_eq!(state.landed("a"), None);
        assert_eq!(state.open().len(), 1);

        events.extend([mined(1, true), LaneEvent::Finalized { hash }]);
        assert!(LaneState::fold(&events).is_ok());
        events.push(LaneEvent::Unmined { hash });
        assert_eq!(LaneState::fold(&events), Err(FoldError::ChangedFinal(hash)));
    }
}
