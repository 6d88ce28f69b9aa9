//! What tests run against: anvil, scripted faulty endpoints, the canonical Safe contracts.
//!
//! Everything is blocking and returns [`TestkitError`], so that a test can use `?`. Chain time
//! moves only by what a test mines. The crate never ships and never talks to anything but
//! loopback.

mod anvil;
mod error;
mod keys;
mod miner;
mod rpc;
pub mod safe;
mod scripted;
mod tools;
mod transaction;

pub use anvil::{Anvil, AnvilOptions, BLOCK_INTERVAL_SECS, GENESIS_TIMESTAMP, Mine};
pub use error::TestkitError;
pub use keys::{TEST_KEYS, test_address, test_key};
pub use miner::Miner;
pub use rpc::RpcClient;
pub use scripted::{Reply, ScriptedNode};
pub use tools::{Tools, repo_root};
pub use transaction::{Receipt, Transaction};

/// The signer that keys of this crate are.
pub use alloy::signers::local::PrivateKeySigner;
