//! What the pure parts ask of the outside.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Signature, U256};

use crate::ids::{ChainId, Head};

/// Signs a 32-byte digest. Implemented in `tidegate-keys` only.
pub trait DigestSigner: Sync {
    /// The address whose key signs.
    fn address(&self) -> Address;

    /// Signs the digest; the signature recovers to [`DigestSigner::address`].
    ///
    /// # Errors
    /// If the key cannot be used.
    fn sign_digest(&self, digest: &B256) -> Result<Signature, SignError>;
}

/// A key that could not sign.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign with key {address}")]
pub struct SignError {
    /// The key's address.
    pub address: Address,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// An account as a chain has it at one block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountState {
    /// Its balance, in wei.
    pub balance: U256,
    pub nonce: u64,
    /// Its code; empty for an account without.
    pub code: Bytes,
}

/// A place of chain state that a local execution needs and a snapshot lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StateKey {
    /// An account's balance, nonce and code.
    Account(Address),
    /// One storage slot.
    Slot(Address, U256),
    /// The hash of an older block.
    BlockHash(u64),
}

/// Chain state at one block, as far as it has been fetched. Local execution reports the missing
/// place, the caller fetches it and runs again: that keeps execution pure.
#[derive(Debug, Clone)]
pub struct StateSnapshot {
    pub chain: ChainId,
    /// The block the state belongs to.
    pub head: Head,
    /// Accounts that were fetched.
    pub accounts: BTreeMap<Address, AccountState>,
    /// Slots that were fetched.
    pub slots: BTreeMap<(Address, U256), U256>,
    /// Block hashes that were fetched.
    pub block_hashes: BTreeMap<u64, B256>,
}

/// Read access to chain state at one block.
pub trait StateView {
    /// The account, or `None` where it has not been fetched.
    fn account(&self, address: Address) -> Option<AccountState>;
    /// The slot, or `None` where it has not been fetched.
    fn slot(&self, address: Address, slot: U256) -> Option<U256>;
    /// The hash of a block, or `None` where it has not been fetched.
    fn block_hash(&self, number: u64) -> Option<B256>;
}

impl StateSnapshot {
    /// A snapshot in which nothing has been fetched yet.
    pub fn empty(chain: ChainId, head: Head) -> Self {
        Self {
            chain,
            head,
            accounts: BTreeMap::new(),
            slots: BTreeMap::new(),
            block_hashes: BTreeMap::new(),
        }
    }
}

impl StateView for StateSnapshot {
    fn account(&self, address: Address) -> Option<AccountState> {
        self.accounts.get(&address).cloned()
    }

    fn slot(&self, address: Address, slot: U256) -> Option<U256> {
        self.slots.get(&(address, slot)).copied()
    }

    fn block_hash(&self, number: u64) -> Option<B256> {
        self.block_hashes.get(&number).copied()
    }
}
