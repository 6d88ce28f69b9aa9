//! Expected code: what a creation leaves at an address, computed and never copied.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, b256, hex, keccak256};

pub use tidegate_model::digest::CREATE2_PROXY;

use crate::error::EvmError;
use crate::job::{First, Job};
use crate::outcome::Outcome;
use crate::sandbox::Sandbox;
use crate::tx::Tx;

/// Its code: takes `salt ‖ initcode`, creates by CREATE2 and returns the 20-byte address.
pub const CREATE2_PROXY_CODE: [u8; 69] = hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// The keccak256 of [`CREATE2_PROXY_CODE`].
pub const CREATE2_PROXY_CODE_HASH: B256 =
    b256!("2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989");

/// A creation through the deterministic deployment proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// The account that calls the proxy, and that the constructor sees as `ORIGIN`.
    pub executor: Address,
    /// The CREATE2 salt.
    pub salt: B256,
    /// The linked creation code followed by the constructor's arguments.
    pub init_code: Bytes,
    /// The gas of the whole transaction.
    pub gas_limit: u64,
}

impl Creation {
    /// The CREATE2 address of the contract.
    pub fn address(&self) -> Address {
        CREATE2_PROXY.create2_from_code(self.salt, &self.init_code)
    }

    /// The transaction: a call of the proxy with `salt ‖ initcode`.
    pub fn tx(&self) -> Tx {
        let data = [self.salt.as_slice(), &self.init_code].concat();
        let gas_limit = self.gas_limit;
        Tx { gas_limit, ..Tx::call(self.executor, CREATE2_PROXY, data) }
    }
}

/// The result of creating a contract: its address, code and storage, those of contracts that it
/// created in turn, and the transaction's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Where the contract is.
    pub address: Address,
    pub contract: Contract,
    /// Contracts that it created in turn.
    pub nested: BTreeMap<Address, Contract>,
    /// The transaction: gas, events and every change.
    pub outcome: Outcome,
}

/// A contract right after its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its runtime code.
    pub code: Bytes,
    /// The keccak256 of its runtime code.
    pub code_hash: B256,
    /// Its storage, without zeros.
    pub slots: BTreeMap<U256, U256>,
}

impl Sandbox<'_> {
    /// Creates a contract through the deterministic deployment proxy and keeps it, so that
    /// what is created next finds it. Contracts that it creates count as not there yet, so the
    /// expected code of something deployed can be computed anew; wei that somebody sent to such
    /// an address before does not count either. What else the constructor reads is read from the
    /// snapshot: if the contract is there already and its creation changed other contracts, take
    /// a snapshot from before.
    ///
    /// # Errors
    /// [`EvmError::CreationFailed`] if the constructor fails; [`EvmError::Create2Proxy`] if the
    /// proxy is not on the chain; others where there is no outcome.
    pub fn create(&mut self, creation: &Creation) -> Result<Expected, EvmError> {
        // Not read through `code_hash`, so that a missing proxy is asked for with all else.
        let found = self.overlay_code_hash(CREATE2_PROXY);
        if let Some(found) = found.filter(|found| *found != CREATE2_PROXY_CODE_HASH) {
            return Err(EvmError::Create2Proxy { found });
        }
        self.create_by(&creation.tx(), creation.address())
    }

    /// Creates the contract at `address` by any transaction, such as a call of the helper's
    /// `createGuarded` or a plain creation, and keeps it; else as [`Sandbox::create`].
    ///
    /// # Errors
    /// [`EvmError::CreationFailed`] if the transaction fails, [`EvmError::NotCreated`] if it
    /// creates no contract there; others where there is no outcome.
    pub fn create_by(&mut self, tx: &Tx, address: Address) -> Result<Expected, EvmError> {
        let mut trial = self.clone();
        let outcome = trial.transact_vacating(tx)?;
        let expected = trial.expected(address, outcome)?;
        *self = trial;
        Ok(expected)
    }

    /// Creates the contract at `address` as `tx.from` would by CREATE2, with the transaction's
    /// value and its data as initcode, and keeps it; else as [`Sandbox::create`]. For creations by
    /// a contract whose calldata cannot be known before the created code is.
    ///
    /// # Errors
    /// [`EvmError::CreationFailed`] if the constructor fails; others where there is no outcome.
    pub fn create_at(&mut self, tx: &Tx, address: Address) -> Result<Expected, EvmError> {
        let mut trial = self.clone();
        let first = First::Create { from: tx.from, value: tx.value, at: Some(address) };
        let (origin, data, gas_limit) = (tx.origin, tx.data.clone(), tx.gas_limit);
        let outcome = trial.commit(&Job {
            origin,
            data,
            gas_limit,
            first,
            vacate: true,
            watched: Vec::new(),
        })?;
        let expected = trial.expected(address, outcome)?;
        *self = trial;
        Ok(expected)
    }

    pub(crate) fn expected(
        &self,
        address: Address,
        outcome: Outcome,
    ) -> Result<Expected, EvmError> {
        if !outcome.is_success() {
            return Err(EvmError::CreationFailed { address, outcome: Box::new(outcome) });
        }
        let mut nested = BTreeMap::new();
        for created in &outcome.created {
            nested.insert(created.at, self.contract(created.at)?);
        }
        let contract = nested.remove(&address).ok_or(EvmError::NotCreated { address })?;
        Ok(Expected { address, contract, nested, outcome })
    }

    /// A contract that was created here, as it is now.
    ///
    /// # Errors
    /// [`EvmError::Missing`] where the snapshot lacks it.
    pub fn contract(&self, address: Address) -> Result<Contract, EvmError> {
        let code = self.code(address)?;
        let code_hash = keccak256(&code);
        Ok(Contract { code, code_hash, slots: self.overlay().slots_if_whole(address) })
    }

    /// The code hash, or `None` where the snapshot lacks the account.
    fn overlay_code_hash(&self, address: Address) -> Option<B256> {
        self.code_hash(address).ok()
    }
}
