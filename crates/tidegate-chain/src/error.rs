//! What can go wrong between this machine and a chain.

use std::fmt;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use tidegate_model::ids::ChainId;
use tidegate_model::units::counted;

use crate::RedactedUrl;

/// One call to one endpoint that gave no usable answer. No field holds more of the endpoint's
/// address than its host, and what the endpoint wrote is escaped.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It could not be reached, or the connection broke.
    #[error("cannot ask {endpoint} for {method}")]
    Transport {
        endpoint: RedactedUrl,
        method: &'static str,
        /// Why, without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// It took too long.
    #[error("cannot ask {endpoint} for {method}: no answer within {secs} s")]
    TimedOut { endpoint: RedactedUrl, method: &'static str, secs: f64 },
    /// The time for everything that is read together was over.
    #[error("cannot ask {endpoint}: the {secs} s for the whole evaluation are over")]
    Budget { endpoint: RedactedUrl, secs: f64 },
    /// It answered with an HTTP status other than success; redirects are not followed.
    #[error("cannot ask {endpoint} for {method}: HTTP status {status}")]
    Status {
        endpoint: RedactedUrl,
        method: &'static str,
        status: u16,
        /// When to come back, if it says.
        retry_after: Option<Duration>,
    },
    /// It was asked too often, and longer than is waited.
    #[error(
        "cannot ask {endpoint} for {method}: it allows no more calls now, and was waited for as \
         long as {secs} s allow"
    )]
    Busy {
        endpoint: RedactedUrl,
        method: &'static str,
        /// How long one read waits at most.
        secs: f64,
        /// How it said so.
        #[source]
        source: Box<Self>,
    },
    /// Its answer is too large.
    #[error("cannot ask {endpoint} for {method}: the answer exceeds {limit_bytes} bytes")]
    TooLarge { endpoint: RedactedUrl, method: &'static str, limit_bytes: usize },
    /// It answered with a JSON-RPC error, under whatever HTTP status.
    #[error("cannot ask {endpoint} for {method}: error {code}: {message}")]
    Rpc {
        endpoint: RedactedUrl,
        method: &'static str,
        status: u16,
        code: i64,
        /// Its text, escaped.
        message: String,
        /// Its data, where that is hexadecimal.
        data: Option<Bytes>,
        /// When to come back, if it says.
        retry_after: Option<Duration>,
    },
    /// It has more logs in a range than are read at once.
    #[error("cannot ask {endpoint} for {method}: more than {limit} logs")]
    TooManyLogs { endpoint: RedactedUrl, method: &'static str, limit: usize },
    /// It refuses to give even the logs of this block alone.
    #[error("cannot ask {endpoint} for {method} of block {number} alone")]
    RefusedBlock {
        endpoint: RedactedUrl,
        method: &'static str,
        number: u64,
        #[source]
        source: Box<Self>,
    },
    /// It serves so little at once that too many calls would be needed.
    #[error("cannot ask {endpoint} for {method}: more than {limit} calls would be needed")]
    TooManyCalls { endpoint: RedactedUrl, method: &'static str, limit: usize },
    /// It cannot be asked by block hash, and has another block at the height, or none.
    #[error(
        "cannot ask {endpoint} for {method}: it cannot be asked by block hash, and has another \
         block {number} now, or none"
    )]
    OtherBlock { endpoint: RedactedUrl, method: &'static str, number: u64 },
    /// Blocks without base fee take no transactions of the kind that is sent.
    #[error(
        "cannot ask {endpoint} for {method}: blocks of its chain have no base fee (EIP-1559, \
         London), and only transactions with one are sent"
    )]
    NoBaseFee { endpoint: RedactedUrl, method: &'static str },
    /// It does not say which block is final. Nothing counts as final on another word.
    #[error(
        "cannot ask {endpoint} for {method}: it gives no block for `finalized`, and nothing \
         counts as final without one"
    )]
    NoFinality {
        endpoint: RedactedUrl,
        method: &'static str,
        /// What it answered instead, if that was an error.
        #[source]
        source: Option<Box<Self>>,
    },
    /// Its answer is not what the method answers, or not about what was asked.
    #[error("cannot ask {endpoint} for {method}: the answer is not {expected}")]
    BadAnswer { endpoint: RedactedUrl, method: &'static str, expected: &'static str },
}

impl EndpointError {
    /// Whether the endpoint could answer the same question a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        const SERVER_ERROR: u16 = 500;
        const GATEWAY_ERRORS: [u16; 3] = [502, 503, 504];
        match self {
            Self::Transport { .. } => true,
            Self::Status { status, .. } => *status >= SERVER_ERROR,
            // Some nodes send each error with the status 500.
            Self::Rpc { status, .. } => GATEWAY_ERRORS.contains(status),
            Self::TimedOut { .. }
            | Self::Budget { .. }
            | Self::TooLarge { .. }
            | Self::Busy { .. }
            | Self::TooManyLogs { .. }
            | Self::TooManyCalls { .. }
            | Self::RefusedBlock { .. }
            | Self::OtherBlock { .. }
            | Self::NoBaseFee { .. }
            | Self::NoFinality { .. }
            | Self::BadAnswer { .. } => false,
        }
    }
}

/// A network that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No endpoint is configured.
    #[error("cannot open network {network}: it has no endpoint")]
    NoEndpoint { network: String },
    /// More endpoints are configured than are of use.
    #[error("cannot open network {network}: more than {limit} endpoints")]
    TooManyEndpoints { network: String, limit: usize },
    /// An endpoint elsewhere would be asked in clear text, which anybody in between can change.
    #[error("cannot open network {network}: {endpoint} is not encrypted, and not on this machine")]
    ClearText { network: String, endpoint: RedactedUrl },
    /// Connections could not be prepared, for example for want of certificates to trust.
    #[error("cannot open network {network}: the connections could not be prepared")]
    Client {
        network: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("cannot open network {network}: no endpoint answered")]
    Unreachable {
        network: String,
        /// What the last one did.
        #[source]
        source: Box<EndpointError>,
    },
    /// An endpoint serves another chain.
    #[error("cannot open network {network}: {endpoint} serves chain {found}, not {expected}")]
    WrongChain {
        network: String,
        endpoint: RedactedUrl,
        /// The chain it serves.
        found: ChainId,
        /// The chain that is configured.
        expected: ChainId,
    },
    /// An endpoint serves a chain with this id and another beginning.
    #[error("cannot open network {network}: {endpoint} has genesis {found}, not {expected}")]
    WrongGenesis {
        network: String,
        endpoint: RedactedUrl,
        /// The hash of its block 0.
        found: B256,
        /// The hash that is configured, built in, or first seen.
        expected: B256,
    },
    /// The configured genesis is not the one that this public chain id stands for.
    #[error("cannot open network {network}: chain {chain} has genesis {known}, not {configured}")]
    GenesisConflict { network: String, chain: ChainId, known: B256, configured: B256 },
    /// A development node stands behind a public chain id.
    #[error(
        "cannot open network {network}: {endpoint} is a development node ({method} answers), and \
         chain {chain} is public"
    )]
    DevelopmentNode {
        network: String,
        endpoint: RedactedUrl,
        chain: ChainId,
        /// What gave it away.
        method: &'static str,
    },
}

/// The object of a read, for error messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The latest finalized block.
    FinalizedHead,
    /// The latest block.
    LatestHead,
    /// The block with this number.
    BlockNumber(u64),
    /// The block with this hash.
    BlockHash(B256),
    /// An account's code.
    Code(Address),
    /// An account's balance.
    Balance(Address),
    /// An account's nonce.
    Nonce(Address),
    /// A storage slot.
    Slot(Address, U256),
    /// An account and a proof of it.
    Proof(Address),
    /// What a call returns.
    Call(Address),
    /// What a creation returns that is never sent.
    Creation,
    /// Logs of blocks, both ends included.
    Logs(u64, u64),
    Transaction(B256),
    /// A transaction's receipt.
    Receipt(B256),
    /// The transactions of a block.
    BlockTransactions(u64),
    /// The transaction of this sender with this nonce.
    SenderNonce(Address, u64),
    /// Present fees.
    Fees,
    /// The gas that a transaction needs.
    Gas,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FinalizedHead => f.write_str("the finalized block"),
            Self::LatestHead => f.write_str("the latest block"),
            Self::BlockNumber(number) => write!(f, "block {number}"),
            Self::BlockHash(hash) => write!(f, "block {hash}"),
            Self::Code(address) => write!(f, "the code of {address}"),
            Self::Balance(address) => write!(f, "the balance of {address}"),
            Self::Nonce(address) => write!(f, "the nonce of {address}"),
            Self::Slot(address, slot) => write!(f, "slot {slot:#x} of {address}"),
            Self::Proof(address) => write!(f, "a proof of {address}"),
            Self::Call(address) => write!(f, "a call of {address}"),
            Self::Creation => f.write_str("a creation that asks for the chain's rules"),
            Self::Logs(from, to) => write!(f, "the logs of blocks {from} to {to}"),
            Self::Transaction(hash) => write!(f, "transaction {hash}"),
            Self::Receipt(hash) => write!(f, "the receipt of {hash}"),
            Self::BlockTransactions(number) => write!(f, "the transactions of block {number}"),
            Self::SenderNonce(address, nonce) => {
                write!(f, "the transaction of {address} with nonce {nonce}")
            }
            Self::Fees => f.write_str("present fees"),
            Self::Gas => f.write_str("a gas estimate"),
        }
    }
}

/// A read that gave nothing to build on. A gate makes UNKNOWN of it, never a pass.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Too few endpoints of different operators answered.
    #[error(
        "cannot read {what}: {have} of {} of different operators answered",
        counted(*.want, "endpoint")
    )]
    TooFewEndpoints {
        what: Subject,
        /// The operators that answered.
        have: usize,
        /// The operators that must.
        want: usize,
        /// Why the last one that did not answer did not, if one was asked.
        #[source]
        source: Option<Box<EndpointError>>,
    },
    #[error("cannot read {what}: {} disagree", join(endpoints))]
    Disagreement {
        what: Subject,
        /// All endpoints that answered.
        endpoints: Vec<RedactedUrl>,
    },
    /// Heads are too far from one another, or from this machine's clock.
    #[error("cannot read {what}: {figures}")]
    Stale {
        what: Subject,
        /// How far, and whose.
        figures: String,
    },
    /// A single endpoint is enough, and none answered.
    #[error("cannot read {what}")]
    Endpoint {
        what: Subject,
        /// Why the last one did not.
        #[source]
        source: Box<EndpointError>,
    },
    /// It is not there.
    #[error("cannot read {what}: it does not exist")]
    NotFound { what: Subject },
    #[error("cannot read {what}: it reverted with {data}")]
    Reverted {
        what: Subject,
        /// What it reverted with.
        data: Bytes,
    },
    /// More was asked, or is there, than is read at once.
    #[error("cannot read {what}: more than {limit} {of}")]
    TooMany { what: Subject, of: &'static str, limit: usize },
}

fn join(endpoints: &[RedactedUrl]) -> String {
    endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}
