//! Endpoints, quorum reads, finality, fee data, limits, redaction and raw broadcast.
//!
//! [`Network`] is the only way that Tidegate speaks with a chain. A read that matters is pinned
//! to a block hash and asked of all endpoints, of which as many as the quorum, of different
//! operators, must give the same answer. The crate speaks JSON-RPC itself, without a provider
//! stack, so that nothing fills, signs, retries or fans out behind its back.
//!
//! It must never sign, choose a nonce, or send the same bytes again on its own. What a send
//! answers is for diagnosis only: the caller reconciles by hash and nonce.

mod batch;
mod busy;
mod connect;
mod endpoint;
mod error;
mod fees;
mod freshness;
mod heads;
mod known;
mod limits;
mod log_range;
mod log_steps;
mod logs;
mod network;
mod operators;
mod own;
mod pinned;
mod proof;
mod quorum;
mod rises;
mod search;
mod send;
mod state;
mod text;
mod transactions;
mod types;
mod url;
mod watch;
mod wire;

pub use error::{ConnectError, EndpointError, ReadError, Subject};
pub use freshness::Clock;
pub use known::{KnownChain, Time, block_time_secs, is_known_testnet, known_chain, poll_interval};
pub use limits::Limits;
pub use logs::LogQuery;
pub use network::{Budget, Network, NetworkConfig, Reading};
pub use operators::{OperatorsError, named_operators};
pub use own::{Endpoints, OwnEndpointError, OwnEndpoints};
pub use proof::ProvenAccount;
pub use rises::Rise;
pub use send::SendOutcome;
pub use text::{escape, is_deceptive};
pub use types::{
    Authorization, Authorized, CallOutcome, FeeData, GasQuery, Log, Receipt, Sent, Transaction,
};
pub use url::{RedactedUrl, UrlError};
pub use watch::{Happening, Watch};
