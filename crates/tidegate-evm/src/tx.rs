//! What there is to simulate.

use alloy_primitives::{Address, Bytes, U256};

use crate::env::TX_GAS_MAX;

/// A transaction to simulate. Nobody is charged for gas, nonces are not checked, and the sender
/// may be a contract, such as a Safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tx {
    /// What `ORIGIN` answers: the account that would send it, such as a relayer. Its nonce
    /// rises if it has no code.
    pub origin: Address,
    /// What the called contract sees as its caller, and who pays the value. For an ordinary
    /// transaction this is the origin.
    pub from: Address,
    /// Whom it calls; `None` creates a contract from the data.
    pub to: Option<Address>,
    /// The wei it sends along. The sender must have it.
    pub value: U256,
    /// The calldata, or the initcode.
    pub data: Bytes,
    /// The gas it has, including what its data costs.
    pub gas_limit: u64,
}

impl Tx {
    /// A call without value and with the most gas that mainnet allows.
    pub fn call(from: Address, to: Address, data: impl Into<Bytes>) -> Self {
        Self {
            origin: from,
            from,
            to: Some(to),
            value: U256::ZERO,
            data: data.into(),
            gas_limit: TX_GAS_MAX,
        }
    }

    /// A creation at the address that follows from the sender's nonce; without value and with
    /// the most gas that mainnet allows.
    pub fn create(from: Address, init_code: impl Into<Bytes>) -> Self {
        Self { to: None, ..Self::call(from, Address::ZERO, init_code) }
    }
}

/// A delegate call, as a Safe makes one for a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegate {
    /// What `ORIGIN` answers: whoever sends the transaction.
    pub origin: Address,
    /// What the code sees as its caller: whoever calls the Safe's `execTransaction`. That is the
    /// origin, or a contract of theirs.
    pub caller: Address,
    /// The account in whose context the code runs: the Safe.
    pub account: Address,
    /// The account whose code runs: MultiSendCallOnly.
    pub code_at: Address,
    /// The calldata.
    pub data: Bytes,
    /// The gas it has, including what its data costs.
    pub gas_limit: u64,
    /// Accounts of which every call that reaches them is kept.
    pub watched: Vec<Address>,
}
