//! What tests run against: anvil, scripted faulty endpoints, the canonical Safe contracts.
//!
//! Everything is blocking and returns [`TestkitError`], so that a test can use `?`. Chain time
//! moves only by what a test mines. The crate never ships and never talks to anything but
//! loopback.

pub mod activity;
mod anvil;
mod binary;
pub mod checker;
mod error;
pub mod faults;
mod files;
pub mod fuzz;
mod keys;
mod keystore;
mod miner;
mod person;
mod project;
mod rpc;
pub mod safe;
mod scripted;
mod solc;
mod tape;
mod tools;
mod transaction;
mod vyper;
mod world;

pub use activity::Activity;
pub use anvil::{Anvil, AnvilOptions, BLOCK_INTERVAL_SECS, GENESIS_TIMESTAMP, Mine};
pub use binary::Binary;
pub use error::TestkitError;
pub use keys::{TEST_KEYS, test_address, test_key};
pub use miner::Miner;
pub use person::{Env, Person, Ran, split_words};
pub use project::{COMPILER, Project, ProjectOptions, networks_toml};
pub use rpc::RpcClient;
pub use scripted::{BATCH, Reply, ScriptedNode};
pub use solc::solc_wrapper;
pub use tape::{Recorder, Tape};
pub use tools::{Tools, repo_root};
pub use transaction::{Receipt, Transaction};
pub use vyper::vyper;
pub use world::{DAY_SECS, HOUR_SECS, World, WorldOptions, actor, actor_address};

/// The signer that keys of this crate are.
pub use alloy::signers::SignerSync;
pub use alloy::signers::local::PrivateKeySigner;
