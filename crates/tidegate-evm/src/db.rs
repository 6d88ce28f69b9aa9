//! The interpreter's view of the state: it notes what is missing and never invents a value
//! that could reach an outcome.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256, keccak256};
use revm::Database;
use revm::context::{BlockEnv, CfgEnv, Context, Journal, LocalContext, TxEnv};
use revm::database_interface::DBErrorMarker;
use revm::state::{AccountInfo, Bytecode};
use tidegate_model::ports::{AccountState, StateKey, StateView};

use crate::env::Env;
use crate::state::Overlay;

/// The most places that one run may ask for. The first is needed; those after it are met by
/// going on as if it were empty, so a wrong path must not ask for the whole chain.
const MISSING_KEYS_MAX: usize = 64;

/// State that the interpreter needs and cannot read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// So much is missing that going on is pointless.
    #[error("cannot read state: too much of it has not been fetched")]
    TooMuchMissing,
    /// The interpreter asked for code by its hash, though every account carries its code.
    #[error("cannot read code by hash {0}")]
    CodeByHash(B256),
}

impl DBErrorMarker for StateError {}

/// The interpreter's context: block, transaction, configuration and state.
pub(crate) type SimContext<'s> =
    Context<BlockEnv, TxEnv, CfgEnv, Db<'s>, Journal<Db<'s>>, (), LocalContext>;

/// Overlay over view, with a note of what both lack. A run that notes anything is thrown away,
/// which is why it may go on with an empty value and find more.
pub(crate) struct Db<'s> {
    pub(crate) view: &'s dyn StateView,
    pub(crate) overlay: &'s Overlay,
    pub(crate) env: &'s Env,
    pub(crate) missing: Vec<StateKey>,
    /// Accounts that count as empty because the transaction is about to create them.
    pub(crate) vacated: BTreeSet<Address>,
}

impl std::fmt::Debug for Db<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("missing", &self.missing).finish_non_exhaustive()
    }
}

impl<'s> Db<'s> {
    pub(crate) fn new(view: &'s dyn StateView, overlay: &'s Overlay, env: &'s Env) -> Self {
        Self { view, overlay, env, missing: Vec::new(), vacated: BTreeSet::new() }
    }

    fn or_missing<T: Default>(&mut self, value: Option<T>, key: StateKey) -> Result<T, StateError> {
        if let Some(value) = value {
            return Ok(value);
        }
        if !self.missing.contains(&key) {
            self.missing.push(key);
        }
        match self.missing.len() < MISSING_KEYS_MAX {
            true => Ok(T::default()),
            false => Err(StateError::TooMuchMissing),
        }
    }
}

impl Database for Db<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        if self.vacated.contains(&address) {
            return Ok(None);
        }
        let account = self.overlay.account(self.view, address);
        let account = self.or_missing(account, StateKey::Account(address))?;
        Ok((account != AccountState::default()).then(|| info_of(account)))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateError> {
        Err(StateError::CodeByHash(code_hash))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        if self.vacated.contains(&address) {
            return Ok(U256::ZERO);
        }
        let value = self.overlay.slot(self.view, address, slot);
        self.or_missing(value, StateKey::Slot(address, slot))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        if self.env.block.invented_hashes {
            return Ok(keccak256(number.to_be_bytes()));
        }
        let hash = self.view.block_hash(number);
        self.or_missing(hash, StateKey::BlockHash(number))
    }
}

/// Code that looks like a delegation but is none is code from before such code was refused.
fn info_of(account: AccountState) -> AccountInfo {
    let AccountState { balance, nonce, code } = account;
    let code =
        Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code));
    AccountInfo { balance, nonce, ..AccountInfo::default() }.with_code(code)
}
