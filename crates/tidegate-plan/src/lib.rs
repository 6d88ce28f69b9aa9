//! From `tidegate.toml` and compiled artifacts to addresses, initcode, calldata and expected code.
//!
//! Pure: the same steps, artifacts and chain facts give the same bytes everywhere. The crate reads
//! no file and asks no chain. It executes plans locally only, on a snapshot of state that the
//! caller fetched ([`tidegate_model::ports::StateSnapshot`]); `tidegate-engine` and `tidegate-safe`
//! send them.

// What the tests of this crate share with those beside it names it as they do.
#[cfg(test)]
extern crate self as tidegate_plan;

mod asking;
mod begun;
mod choices;
pub mod config;
mod elaborate;
#[cfg(test)]
#[path = "../tests/example/mod.rs"]
mod example;
mod execute;
mod expected;
mod follow;
mod foreign;
mod fresh;
mod kept;
mod label;
mod left_open;
mod minimal;
#[cfg(test)]
mod networks;
mod open;
mod outside;
mod rehearsed;
mod resolve;
mod rules;
mod run;
mod same;
mod senders;
mod slots;
mod stored;
mod tight;
mod times;
#[cfg(test)]
mod trial;
mod undecided;
mod undone;
mod uninitialized;
mod upgraded;
mod value;

pub use begun::{Due, Later, due, later};
pub use elaborate::{
    Compiled, ElaborateError, elaborate, needs_minimal_proxy, requested_contracts,
};
pub use execute::{expected_code, expected_in, expected_rest};
pub use expected::{Created, Expected, When};
pub use follow::{Followed, RECORDED, Standing};
pub use fresh::{WAY_OUT, may_stand, must_be_absent};
pub use kept::{Kept, Outside};
pub use left_open::{LeftOpen, left_open};
pub use minimal::{MINIMAL_PROXY, minimal_proxy};
pub use rehearsed::{Write, unrehearsed, writes};
pub use resolve::{
    CREATE2_PROXY, Check, Executor, FrozenOp, Guarded, HELPER, KeyTransaction, Op, OpKind,
    ResolveContext, ResolveError, Resolved, Start, Uncomputed, Watch, op_label, resolve,
};
pub use same::{Names, Side, differences, same_code, values_of};
pub use slots::ADMIN_SLOT;
pub use stored::{Moment, stored};
pub use undone::{Undone, undone};
pub use uninitialized::uninitialized;
pub use upgraded::upgraded_otherwise;
pub use value::{ValueError, decode_word, encode_value, escaped, normalise};
