//! Operations: one transaction of a key, or one inner call of a Safe.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use tidegate_model::Fqn;
pub use tidegate_model::digest::{CREATE2_PROXY, HELPER};

/// One transaction of a key, or one inner call of a Safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Unique in the plan: the step's name, with `/implementation`, `/beacon` or `/proxy`, or
    /// `lib:<fqn>`.
    pub id: String,
    pub step: String,
    pub kind: OpKind,
}

/// An operation's name for people: a library's without its path.
pub fn op_label(op: &str) -> String {
    match op.strip_prefix("lib:") {
        Some(fqn) => format!("lib:{}", Fqn(fqn.to_owned()).name()),
        None => op.to_owned(),
    }
}

/// The effect of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpKind {
    /// Creates one contract by CREATE2.
    Create {
        contract: Fqn,
        /// Where it will stand.
        address: Address,
        /// The CREATE2 salt.
        salt: B256,
        /// Linked creation code with its arguments.
        initcode: Bytes,
        /// Whether the helper creates it for the executor alone.
        guarded: Option<Guarded>,
    },
    /// Calls a contract.
    Call {
        to: Address,
        /// Wei sent along.
        value: U256,
        data: Bytes,
        /// The function, for people.
        signature: String,
    },
}

/// A creation by the helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// Wei that the constructor gets.
    pub value: U256,
}

impl Guarded {
    /// The address at which the helper creates a contract for `executor`, by CREATE2.
    pub fn address(executor: Address, salt: B256, initcode: &[u8]) -> Address {
        let own = keccak256((executor, salt).abi_encode());
        HELPER.create2_from_code(own, initcode)
    }
}

/// A transaction as a key sends it: recipient, value in wei, calldata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTransaction {
    /// The recipient.
    pub to: Address,
    /// Wei sent along.
    pub value: U256,
    /// The calldata.
    pub data: Bytes,
}
