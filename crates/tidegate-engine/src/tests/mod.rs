//! The executor against a chain and a journal in memory.

mod adopt;
mod chain;
mod cleared;
mod cost;
mod deploy;
mod journal;
mod open;
mod ports;
mod run;
mod settle;
mod sign;
mod simulation;
mod wait;

use alloy::signers::SignerSync;
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use tidegate_model::event::Intent;
use tidegate_model::ports::{DigestSigner, SignError};
use tidegate_testkit::{test_address, test_key};

use self::chain::{Answer, MemoryChain, Pending};
use self::journal::MemoryJournal;
use crate::error::EngineError;
use crate::fees::FeeCap;
use crate::lane::Lane;

type TestLane<'a> = Lane<'a, MemoryChain, MemoryJournal>;

/// A public chain whose blocks come every twelve seconds.
const SEPOLIA: u64 = 11_155_111;
/// What transactions may pay unless a test is about that.
const CAP: FeeCap = FeeCap::DEFAULT;
/// What a first attempt may pay a gas at the chain's first fees: twice the base fee and the tip.
const QUOTED: u128 = 2_100_000_000;
/// The gas limit of a first attempt: what it uses, and a quarter more.
const GAS_LIMIT: u64 = 125_000;

/// A key that signs, or one that cannot be used.
struct Key {
    index: usize,
    broken: bool,
}

impl DigestSigner for Key {
    fn address(&self) -> Address {
        test_address(self.index)
    }

    fn sign_digest(&self, digest: &B256) -> Result<Signature, SignError> {
        if self.broken {
            return Err(SignError { address: self.address(), source: "it is locked".into() });
        }
        Ok(test_key(self.index).sign_hash_sync(digest).unwrap())
    }
}

/// One key on one chain, and this machine's journal.
struct World {
    chain: MemoryChain,
    journal: MemoryJournal,
    key: Key,
}

impl World {
    fn new() -> Self {
        Self::on(SEPOLIA)
    }

    fn on(chain: u64) -> Self {
        let key = Key { index: 0, broken: false };
        let chain = MemoryChain::new(chain, key.address());
        Self { chain, journal: MemoryJournal::default(), key }
    }

    async fn try_open(&self, cap: FeeCap) -> Result<TestLane<'_>, EngineError> {
        Lane::open(&self.chain, &self.journal, &self.key, cap).await
    }

    async fn open(&self) -> TestLane<'_> {
        self.try_open(CAP).await.unwrap()
    }

    /// A lane that may send.
    async fn lane(&self) -> TestLane<'_> {
        self.lane_within(CAP).await
    }

    async fn lane_within(&self, cap: FeeCap) -> TestLane<'_> {
        let mut lane = self.try_open(cap).await.unwrap();
        if let Some(adoption) = lane.adoption().await.unwrap() {
            lane.adopt(&adoption).unwrap();
        }
        lane
    }

    fn sender(&self) -> Address {
        self.key.address()
    }

    /// Leaves an attempt open that never reached the chain, as a crash around its send does.
    async fn leave_open(&self, lane: &mut TestLane<'_>, intent: &Intent) {
        self.chain.world().answers.push_back(Answer::Dropped);
        self.journal.refuse(Some("Answered"));
        assert!(lane.run(intent).await.is_err());
        self.journal.refuse(None);
    }

    /// How often bytes were sent.
    fn sends(&self) -> usize {
        self.chain.world().sent.len()
    }

    /// The next nonce on the chain.
    fn nonce(&self) -> u64 {
        self.chain.world().account(self.sender()).nonce
    }

    /// What is in blocks, in order.
    fn included(&self) -> Vec<Pending> {
        self.chain.world().included().map(|(pending, _)| pending.clone()).collect()
    }
}

/// Where test intents go.
const TARGET: Address = Address::repeat_byte(0x70);

/// Calls the target with one byte.
fn intent(op: &str, byte: u8) -> Intent {
    let data = Bytes::copy_from_slice(&[byte]);
    Intent { op: op.to_owned(), to: TARGET, value: U256::ZERO, data, alike: None }
}

/// Does the same act by other bytes.
fn alike(op: &str, byte: u8) -> Intent {
    Intent { alike: Some(B256::repeat_byte(0xaa)), ..intent(op, byte) }
}
