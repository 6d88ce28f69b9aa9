//! One transaction as the interpreter gets it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::context::TxEnv;
use revm::context_interface::transaction::{AccessList, AccessListItem, TransactionType};

use crate::env::Env;

/// A transaction as the interpreter gets it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) origin: Address,
    pub(crate) data: Bytes,
    pub(crate) gas_limit: u64,
    pub(crate) first: First,
    /// Whether addresses about to be created count as empty.
    pub(crate) vacate: bool,
    /// Accounts of which every call is kept.
    pub(crate) watched: Vec<Address>,
}

/// Accounts and slots that a transaction names beforehand, so that they cost less.
pub(crate) type Warm = BTreeMap<Address, BTreeSet<U256>>;

/// The outermost frame: a call, a delegate call or a creation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum First {
    Call { from: Address, to: Address, value: U256, fixed: bool },
    Delegate { caller: Address, account: Address, code_at: Address },
    Create { from: Address, value: U256, at: Option<Address> },
}

impl Job {
    /// The fields that validation and the cost of data look at.
    pub(crate) fn tx_env(&self, env: &Env, warm: &Warm) -> TxEnv {
        let kind = match self.first {
            First::Call { to, .. } => TxKind::Call(to),
            First::Delegate { account, .. } => TxKind::Call(account),
            First::Create { .. } => TxKind::Create,
        };
        let access_list = warm.iter().map(|(address, slots)| AccessListItem {
            address: *address,
            storage_keys: slots.iter().map(|slot| (*slot).into()).collect(),
        });
        TxEnv {
            tx_type: if warm.is_empty() {
                TransactionType::Legacy
            } else {
                TransactionType::Eip2930
            }
            .into(),
            access_list: AccessList(access_list.collect()),
            caller: self.origin,
            gas_limit: self.gas_limit,
            gas_price: env.block.gas_price,
            kind,
            data: self.data.clone(),
            chain_id: Some(env.chain.0),
            ..TxEnv::default()
        }
    }
}
