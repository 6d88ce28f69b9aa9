//! A Safe's storage, rebuilt from what it shows and what it logged.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use alloy_primitives::{Address, B256, Bytes, U256, b256, keccak256};
use alloy_sol_types::SolValue;
use alloy_trie::root::storage_root_unhashed;

use crate::changes::APPROVE_HASH;
use crate::exec::{EXECUTION_FAILURE, EXECUTION_SUCCESS};
use crate::signature_set::approved_hash_slot;
use crate::trust::{
    SENTINEL, SLOT_GUARD, SLOT_HANDLER, SLOT_MODULE_GUARD, SLOT_SINGLETON, Shown, TrustAnswers,
    TrustError,
};
use crate::tx::SafeTxHash;

/// The mapping of modules, a linked list.
const SLOT_MODULES: u64 = 1;
/// The mapping of owners, a linked list.
const SLOT_OWNERS: u64 = 2;
const SLOT_OWNER_COUNT: u64 = 3;
const SLOT_THRESHOLD: u64 = 4;
const SLOT_NONCE: u64 = 5;
/// The slot in which Safes before 1.3.0 kept their domain separator; it stays there for ever.
const SLOT_OLD_DOMAIN: u64 = 6;
/// The mapping of signed messages.
const SLOT_SIGNED: u64 = 7;
/// The type hash of the domain of Safes before 1.3.0, which had no chain.
const OLD_DOMAIN_TYPEHASH: B256 =
    b256!("035aff83d86937d35b32e04f0ddc6ff469290eef2f1b692d8a815c89404d4749");

/// The topic of `SignMsg`: the Safe signed a message.
pub(super) static SIGN_MSG: LazyLock<B256> = LazyLock::new(|| keccak256("SignMsg(bytes32)"));

/// A log that speaks of a Safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeLog {
    /// The contract that logged it.
    pub address: Address,
    pub topics: Vec<B256>,
    pub data: Bytes,
    /// The transaction it is of.
    pub transaction: B256,
}

impl SafeLog {
    /// The hash of the transaction that it says was executed, and whether that succeeded. From
    /// 1.4.0 on the hash is indexed; before, it is the first word of the data.
    pub(super) fn executed(&self) -> Option<(B256, bool)> {
        let success = match *self.topics.first()? {
            EXECUTION_SUCCESS => true,
            EXECUTION_FAILURE => false,
            _ => return None,
        };
        let in_data = || self.data.get(..32).map(B256::from_slice);
        Some((self.topics.get(1).copied().or_else(in_data)?, success))
    }
}

/// Every slot that a Safe is known to have written, with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeStorage {
    safe: Address,
    slots: BTreeMap<B256, U256>,
}

impl SafeStorage {
    /// The storage of a Safe that answers like this and logged this, both at one block. Logs that
    /// are missing or made up give another root, and so does an entry that no list shows.
    ///
    /// # Errors
    /// If an answer has another shape.
    pub fn new(
        safe: Address,
        answers: &TrustAnswers,
        logs: &[SafeLog],
    ) -> Result<Self, TrustError> {
        let shown = Shown::read(answers)?;
        let mut slots = BTreeMap::from([
            (SLOT_SINGLETON, answers.singleton.into()),
            (place(SLOT_OWNER_COUNT), U256::from(shown.owners.len())),
            (place(SLOT_THRESHOLD), shown.threshold),
            (place(SLOT_NONCE), shown.nonce),
            (SLOT_GUARD, answers.guard.into()),
            (SLOT_MODULE_GUARD, answers.module_guard.into()),
            (SLOT_HANDLER, answers.handler.into()),
        ]);
        slots.extend(linked(SLOT_MODULES, &shown.modules));
        slots.extend(linked(SLOT_OWNERS, &shown.owners));
        for log in logs.iter().filter(|log| log.address == safe) {
            match log.topics[..] {
                [topic, hash, owner] if topic == *APPROVE_HASH => {
                    let owner = Address::from_word(owner);
                    slots.insert(approved_hash_slot(owner, SafeTxHash(hash)), U256::ONE);
                }
                [topic, hash] if topic == *SIGN_MSG => {
                    slots.insert(entry(hash, SLOT_SIGNED), U256::ONE);
                }
                _ => {}
            }
        }
        slots.retain(|_, value| !value.is_zero());
        Ok(Self { safe, slots })
    }

    /// The slots that are not zero.
    #[cfg(test)]
    pub(crate) fn slots(&self) -> &BTreeMap<B256, U256> {
        &self.slots
    }

    /// Whether `root` is the storage root of exactly these slots.
    pub fn has_root(&self, root: B256) -> bool {
        let mut slots = self.slots.clone();
        if storage_root_unhashed(slots.clone()) == root {
            return true;
        }
        let domain = (OLD_DOMAIN_TYPEHASH, self.safe).abi_encode();
        slots.insert(place(SLOT_OLD_DOMAIN), keccak256(domain).into());
        storage_root_unhashed(slots) == root
    }
}

/// Hashes that owners approved on chain and that were not executed, with how many approved each:
/// those that most approved first, of equals the one that was approved last. `logs` are in order.
pub fn pending_approvals(safe: Address, logs: &[SafeLog]) -> Vec<(B256, usize)> {
    let mut approvals: BTreeMap<B256, (BTreeSet<B256>, usize)> = BTreeMap::new();
    for (place, log) in logs.iter().enumerate().filter(|(_, log)| log.address == safe) {
        if let [topic, hash, owner] = log.topics[..]
            && topic == *APPROVE_HASH
        {
            let (owners, last) = approvals.entry(hash).or_default();
            owners.insert(owner);
            *last = place;
        }
    }
    for (hash, _) in logs.iter().filter_map(SafeLog::executed) {
        approvals.remove(&hash);
    }
    let mut pending: Vec<_> = approvals.into_iter().collect();
    pending.sort_by_key(|(_, (owners, last))| Reverse((owners.len(), *last)));
    pending.into_iter().map(|(hash, (owners, _))| (hash, owners.len())).collect()
}

fn place(slot: u64) -> B256 {
    U256::from(slot).into()
}

/// The slot of a mapping's entry.
fn entry(key: B256, mapping: u64) -> B256 {
    keccak256([key, place(mapping)].concat())
}

/// A linked list: each entry leads to the next, the last to the sentinel where it began.
fn linked(mapping: u64, list: &[Address]) -> impl Iterator<Item = (B256, U256)> {
    let from = std::iter::once(SENTINEL).chain(list.iter().copied());
    let to = list.iter().copied().chain([SENTINEL]);
    from.zip(to).map(move |(from, to)| (entry(from.into_word(), mapping), to.into_word().into()))
}
