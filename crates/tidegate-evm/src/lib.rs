//! Local execution: expected code, constructor checks, simulation and state differences.
//!
//! A [`Sandbox`] runs transactions on a snapshot of chain state and keeps their changes in an
//! overlay. Execution is pure and synchronous: no I/O, no clock. Where it touches state that the
//! snapshot lacks it ends with [`EvmError::Missing`], the caller fetches those places and runs
//! again from the start ([`Rounds`]); no value is ever assumed. The crate knows no endpoint and
//! can broadcast nothing.

mod batch;
mod call;
mod check;
mod code;
mod create;
mod db;
mod diff;
mod env;
mod error;
mod errors;
mod failure;
mod gas_use;
mod handler;
mod job;
mod outcome;
mod reach;
mod relied;
mod rules;
mod run;
mod sandbox;
mod settle;
mod state;
mod trace;
mod tx;

pub use batch::{Batch, BatchFault, Leaves};
pub use call::{CallKind, FailedCall, Reached};
pub use check::{
    ContextCheck, Difference, Differs, SlotPair, Varied, asks_who_creates, check_constructor,
};
pub use code::{can_destroy_itself, changes_nothing, newer_opcodes};
pub use create::{
    CREATE2_PROXY, CREATE2_PROXY_CODE, CREATE2_PROXY_CODE_HASH, Contract, Creation, Expected,
};
pub use diff::{AccountDiff, Change, StateDiff};
pub use env::{BlockFields, Env, EvmVersion, TX_GAS_MAX, UnknownEvmVersion};
pub use error::EvmError;
pub use errors::Errors;
pub use failure::{Failure, Halt, RevertReason};
pub use outcome::{Asked, Look, Made, Outcome, Part, Seen};
pub use reach::Trespass;
pub use relied::Relied;
pub use rules::{PROBE_GAS, Probe, Trial};
pub use sandbox::Sandbox;
pub use settle::{Progress, ROUNDS_MAX, Rounds, SettleError, settle};
pub use tx::{Delegate, Tx};
