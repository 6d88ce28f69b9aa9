//! What can go wrong in the harness itself.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, Bytes};

/// A harness that could not do what a test asked of it.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// A tool or package is not installed.
    #[error("find {what} at {}; run `npm ci --prefix tests`", path.display())]
    Missing {
        /// What was looked for.
        what: String,
        /// Where.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("understand {what} in {}", path.display())]
    BadFile {
        /// What was looked for in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A program could not be run.
    #[error("run {program}")]
    Run {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("run {program}: it ended with {status}: {output}")]
    Ended {
        /// The program.
        program: String,
        /// Its status, or that it closed its output.
        status: String,
        /// The last it wrote.
        output: String,
    },
    /// A socket could not be opened on loopback.
    #[error("listen on loopback")]
    Listen(#[source] std::io::Error),
    /// A JSON-RPC call got no answer.
    #[error("call {method}")]
    Transport {
        /// The method.
        method: String,
        /// Why.
        #[source]
        source: Box<ureq::Error>,
    },
    /// A JSON-RPC call got an error for an answer.
    #[error("call {method}: error {code}: {message}")]
    Rpc {
        /// The method.
        method: String,
        /// The JSON-RPC code.
        code: i64,
        /// The node's text.
        message: String,
        /// The node's `data`, where it is hexadecimal: what a revert returned.
        data: Option<Bytes>,
    },
    /// An answer that is not of the expected form.
    #[error("understand the answer to {method}: expected {expected}")]
    Shape {
        /// The method.
        method: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A transaction that a key could not sign.
    #[error("sign a test transaction")]
    Sign(#[source] alloy::signers::Error),
    /// A transaction that reverted.
    #[error("see {0} succeed: it reverted")]
    Reverted(B256),
    /// A transaction that was not included in time.
    #[error("see {0} included")]
    NotIncluded(B256),
    /// A contract that is not what it should be.
    #[error("find {name} at {address}: code hash {found}, not {expected}")]
    WrongCode {
        /// The contract.
        name: &'static str,
        /// Where.
        address: Address,
        /// The code hash that was found.
        found: B256,
        /// The one that should have been.
        expected: B256,
    },
    /// A Safe that did not come to its predicted address.
    #[error("create a Safe at {expected}: the factory says {found}")]
    WrongSafe {
        /// The address the factory gave.
        found: Address,
        /// The predicted one.
        expected: Address,
    },
}
