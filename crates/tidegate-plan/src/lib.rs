//! From `tidegate.toml` and compiled artifacts to addresses, initcode, calldata and expected code.
//!
//! Pure: the same steps, artifacts and facts give the same bytes everywhere. It reads no file, asks
//! no chain and never executes; `tidegate-engine` and `tidegate-safe` are its two executors.

pub mod config;
mod elaborate;
mod expected;
mod resolve;
mod value;

pub use elaborate::{Compiled, ElaborateError, elaborate, requested_contracts};
pub use expected::{Created, Expected, When, expected_code};
pub use resolve::{
    CREATE2_PROXY, Check, Executor, IMPLEMENTATION_SLOT, Op, OpKind, ResolveContext, ResolveError,
    Resolved, resolve,
};
pub use value::{ValueError, decode_word, encode_value, normalise};
