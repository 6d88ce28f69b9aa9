//! The outside checker: what a lane's journal and the chain say together has to be right.
//!
//! It reads only these two. It shares no code with the engine that wrote the one and sent to the
//! other, and folds nothing as the engine does.

use std::collections::{BTreeMap, BTreeSet};

use alloy::consensus::{Transaction as _, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use tidegate_model::BlockRef;
use tidegate_model::event::LaneEvent;

/// A transaction of the sender that the chain holds.
#[derive(Debug, Clone)]
pub struct Mined {
    /// Its hash.
    pub hash: B256,
    /// Its nonce.
    pub nonce: u64,
    /// Its block.
    pub block: BlockRef,
    /// Whether it succeeded.
    pub success: bool,
    /// Whether its block is final.
    pub is_final: bool,
}

/// Bytes that left the process.
#[derive(Debug, Clone)]
pub struct Sent {
    /// How many events were durable at that moment.
    pub after: usize,
    /// What left.
    pub raw: Bytes,
}

/// Everything that is known of one sender on one chain.
#[derive(Debug)]
pub struct Checker<'a> {
    /// The chain's number.
    pub chain: u64,
    /// The sender.
    pub sender: Address,
    /// The highest fee per gas that a policy lets a transaction pay, in wei.
    pub fee_max: u128,
    /// The lane's events, oldest first.
    pub journal: &'a [LaneEvent],
    /// The sender's transactions on the chain, by nonce.
    pub mined: &'a [Mined],
    /// What left, in order; empty where nobody watched.
    pub sent: &'a [Sent],
}

/// What the checker found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Broken invariants, each with its number (`I1` to `I11`) and what breaks it.
    pub broken: Vec<String>,
    /// Transactions of the sender that no journal has.
    pub foreign: Vec<B256>,
    /// The transaction that brought each operation to its end.
    pub done: BTreeMap<String, B256>,
    /// Transactions that reverted.
    pub reverted: Vec<B256>,
}

struct Attempt<'a> {
    op: &'a str,
    nonce: u64,
    at: usize,
}

impl Checker<'_> {
    /// Compares journal and chain.
    pub fn check(&self) -> Findings {
        let mut found = Findings::default();
        let attempts = self.attempts(&mut found.broken);
        self.check_sent(&attempts, &mut found.broken);
        self.check_finality(&mut found.broken);
        let adopted = self.journal.iter().find_map(|event| match event {
            LaneEvent::SenderAdopted { nonce, .. } => Some(*nonce),
            _ => None,
        });
        for mined in self.mined.iter().filter(|mined| Some(mined.nonce) >= adopted) {
            let Some(attempt) = attempts.get(&mined.hash) else {
                found.foreign.push(mined.hash);
                continue;
            };
            if attempt.nonce != mined.nonce {
                found.broken.push(format!("I2: {} is journaled on another nonce", mined.hash));
            }
            if !mined.success {
                found.reverted.push(mined.hash);
            } else if let Some(first) = found.done.insert(attempt.op.to_owned(), mined.hash) {
                let text = format!("I3: {} was made twice: {first}, {}", attempt.op, mined.hash);
                found.broken.push(text);
            }
        }
        found
    }

    /// The attempts that the journal has, each of which must be what it says (I2, I9, I11).
    fn attempts(&self, broken: &mut Vec<String>) -> BTreeMap<B256, Attempt<'_>> {
        let mut attempts = BTreeMap::new();
        let mut intents: BTreeMap<u64, B256> = BTreeMap::new();
        let mut next = None;
        let mut is_approved = false;
        for (at, event) in self.journal.iter().enumerate() {
            match event {
                LaneEvent::SenderAdopted { nonce, .. } => {
                    // Whoever adopts it takes it as it stands: what is open is given up.
                    intents.clear();
                    next = Some(*nonce);
                }
                LaneEvent::RunApproved { .. } => is_approved = true,
                LaneEvent::AttemptRecorded { op, intent, nonce, hash, raw, max_fee_per_gas } => {
                    let fee = self.check_bytes(*hash, *nonce, raw).unwrap_or_else(|text| {
                        broken.push(format!("I2: {hash}: {text}"));
                        U256::ZERO
                    });
                    if fee != *max_fee_per_gas || fee > U256::from(self.fee_max) {
                        broken.push(format!("I9: {hash} may pay {fee} a gas"));
                    }
                    if !is_approved {
                        broken.push(format!("I11: {hash} was signed before any approval"));
                    }
                    match intents.insert(*nonce, *intent) {
                        Some(other) if other != *intent => {
                            broken.push(format!("I2: two intents on nonce {nonce}"));
                        }
                        None if next != Some(*nonce) => {
                            broken.push(format!("I6: nonce {nonce} where {next:?} is next"));
                        }
                        None => next = Some(nonce + 1),
                        Some(_) => {}
                    }
                    attempts.insert(*hash, Attempt { op, nonce: *nonce, at });
                }
                _ => {}
            }
        }
        attempts
    }

    /// What the bytes say themselves: chain, sender, nonce and hash. Gives the highest fee.
    fn check_bytes(&self, hash: B256, nonce: u64, raw: &Bytes) -> Result<U256, String> {
        let envelope = TxEnvelope::decode_2718_exact(raw).map_err(|error| error.to_string())?;
        let TxEnvelope::Eip1559(signed) = &envelope else { return Err("another type".to_owned()) };
        let sender = signed.signature().recover_address_from_prehash(&signed.signature_hash());
        let sender = sender.map_err(|error| error.to_string())?;
        let found = (signed.tx().chain_id, sender, signed.tx().nonce, keccak256(raw));
        if found != (self.chain, self.sender, nonce, hash) {
            return Err(format!("the bytes are of {found:?}"));
        }
        Ok(U256::from(signed.tx().max_fee_per_gas()))
    }

    /// Nothing leaves that was not durable before (I1).
    fn check_sent(&self, attempts: &BTreeMap<B256, Attempt<'_>>, broken: &mut Vec<String>) {
        for Sent { after, raw } in self.sent {
            let hash = keccak256(raw);
            if attempts.get(&hash).is_none_or(|attempt| attempt.at >= *after) {
                broken.push(format!("I1: {hash} left before it was durable"));
            }
        }
    }

    /// What is final stays so, and is on the chain (I5, I8).
    fn check_finality(&self, broken: &mut Vec<String>) {
        let mut last: BTreeMap<B256, (BlockRef, bool)> = BTreeMap::new();
        let mut finals = BTreeSet::new();
        for event in self.journal {
            match event {
                // On a chain that was begun anew nothing is as it was.
                LaneEvent::SenderAdopted { anew: true, .. } => {
                    finals.clear();
                    last.clear();
                }
                LaneEvent::Mined { hash, .. } | LaneEvent::Unmined { hash }
                    if finals.contains(hash) =>
                {
                    broken.push(format!("I8: {hash} changed after it was final"));
                }
                LaneEvent::Mined { hash, block, success, .. } => {
                    last.insert(*hash, (*block, *success));
                }
                LaneEvent::Unmined { hash } => {
                    last.remove(hash);
                }
                LaneEvent::Finalized { hash } => {
                    finals.insert(*hash);
                }
                _ => {}
            }
        }
        for hash in finals {
            let mined = self.mined.iter().find(|mined| mined.hash == hash);
            let says = mined.map(|mined| ((mined.block, mined.success), mined.is_final));
            if says != last.get(&hash).map(|known| (*known, true)) {
                broken.push(format!("I8: {hash} is final in the journal; the chain: {says:?}"));
            }
        }
    }
}
