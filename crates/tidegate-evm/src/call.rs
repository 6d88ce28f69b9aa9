//! The calls of a transaction that an outcome names.

use std::fmt;

use alloy_primitives::{Address, Selector, U256};

use crate::failure::Failure;

/// A call that reached an account that was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The number of frames around it; 0 is the outermost.
    pub depth: usize,
    /// How it was called.
    pub kind: CallKind,
    /// The signer's address.
    pub from: Address,
    /// Which one.
    pub to: Address,
    /// The first four bytes of the calldata, where there are four.
    pub selector: Option<Selector>,
    /// Whether nothing can be changed from there on.
    pub is_static: bool,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCall {
    /// How it was called.
    pub kind: CallKind,
    /// The account that called (of a delegate call: in whose context).
    pub from: Address,
    /// Whose code ran; of a creation, where the contract would be.
    pub to: Address,
    /// The wei sent along.
    pub value: U256,
    /// The first four bytes of the calldata, where there are four.
    pub selector: Option<Selector>,
    /// Why it failed.
    pub failure: Failure,
}

impl fmt::Display for FailedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, to, selector, failure, .. } = self;
        match selector {
            Some(selector) => write!(f, "{kind} {selector} of {to} {failure}"),
            None => write!(f, "{kind} of {to} {failure}"),
        }
    }
}

/// The opcode by which a frame was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    Call,
    /// `DELEGATECALL` or `CALLCODE`.
    Delegate,
    /// `STATICCALL`.
    Static,
    /// `CREATE` or `CREATE2`.
    Create,
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "call",
            Self::Delegate => "delegate call",
            Self::Static => "static call",
            Self::Create => "creation",
        })
    }
}
