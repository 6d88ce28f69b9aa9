//! Transactions in a row on a snapshot of chain state.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::context::result::ExecutionResult;
use revm::interpreter::InstructionResult;
use tidegate_model::ChainId;
use tidegate_model::ports::{AccountState, StateKey, StateSnapshot, StateView};

use crate::env::{Env, TX_GAS_MAX};
use crate::error::EvmError;
use crate::errors::Errors;
use crate::failure::{Failure, RevertReason, failure};
use crate::job::{First, Job, Warm};
use crate::outcome::{Asked, Made, Outcome};
use crate::run::{Run, execute};
use crate::state::{Applied, Overlay};
use crate::tx::{Delegate, Tx};

/// The most excess blob gas that is chosen: blobs cost an ether each then.
const BLOB_GAS_MAX: u64 = 200_000_000;

/// Chain state at one block with the changes of the transactions that ran here. A clone goes
/// its own way, so a trial that must leave nothing behind runs in a clone.
#[derive(Clone)]
pub struct Sandbox<'a> {
    view: &'a dyn StateView,
    env: Env,
    overlay: Overlay,
    warm: Warm,
    errors: Errors,
}

impl std::fmt::Debug for Sandbox<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("env", &self.env).finish_non_exhaustive()
    }
}

impl<'a> Sandbox<'a> {
    /// A sandbox over `view`, whose state must be that of `env.head`.
    pub fn new(view: &'a impl StateView, env: Env) -> Self {
        let (overlay, warm) = (Overlay::default(), Warm::new());
        Self { view, env, overlay, warm, errors: Errors::default() }
    }

    /// A sandbox over a snapshot, with the newest mainnet rules and no fees.
    pub fn at(snapshot: &'a StateSnapshot) -> Self {
        Self::new(snapshot, Env::at(snapshot.chain, snapshot.head))
    }

    /// Names the errors of contracts by these.
    #[must_use]
    pub fn with_errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self
    }

    /// The chain, block and rules.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Puts other code at an address; its balance, nonce and storage stay the chain's.
    #[must_use]
    pub fn with_code(mut self, address: Address, code: impl Into<Bytes>) -> Self {
        self.overlay.set_code(address, code.into());
        self
    }

    /// Gives an address another balance, in wei.
    #[must_use]
    pub fn with_balance(mut self, address: Address, balance: U256) -> Self {
        self.overlay.set_balance(address, balance);
        self
    }

    /// Gives a slot another value.
    #[must_use]
    pub fn with_slot(mut self, address: Address, slot: U256, value: U256) -> Self {
        self.overlay.set_slot(address, slot, value);
        self
    }

    /// The same state in a block with this number and time, whose older hashes are invented: so
    /// that two chains can be looked at in one moment.
    #[must_use]
    pub fn in_block(mut self, number: u64, timestamp: u64) -> Self {
        self.env.head.block.number = number;
        self.env.head.timestamp = timestamp;
        self.env.block.invented_hashes = true;
        self
    }

    /// Has each transaction name these accounts, with these of their slots, beforehand (EIP-2930):
    /// reading them costs less then. Whoever sends it chooses that.
    #[must_use]
    pub fn with_warm(mut self, accounts: BTreeMap<Address, BTreeSet<U256>>) -> Self {
        self.warm = accounts;
        self
    }

    /// The same state where whoever sends, or makes the block, chooses otherwise: what is asked for
    /// is this word, as far as it can be. Who sends is chosen by each transaction, and so are its
    /// gas and blobs.
    #[must_use]
    pub fn with_choice(mut self, asked: Asked, word: U256) -> Self {
        let block = &mut self.env.block;
        match asked {
            Asked::Origin | Asked::Gas | Asked::Blobs => {}
            Asked::GasPrice => block.gas_price = word.saturating_to(),
            Asked::Block => {
                block.coinbase = Address::from_word(word.into());
                block.prevrandao = word.into();
                block.gas_limit = word.saturating_to::<u64>().max(TX_GAS_MAX);
                block.base_fee = word.saturating_to();
                block.excess_blob_gas = word.saturating_to::<u64>().min(BLOB_GAS_MAX);
                block.invented_hashes = true;
            }
        }
        // No block includes what does not pay its base fee.
        block.gas_price = block.gas_price.max(block.base_fee.into());
        self
    }

    /// The same state on a chain with another id.
    #[must_use]
    pub fn on_chain(mut self, chain: ChainId) -> Self {
        self.env.chain = chain;
        self
    }

    /// Replaces an account whole: its storage is empty and nothing of it is fetched.
    #[must_use]
    pub fn with_account(mut self, address: Address, account: AccountState) -> Self {
        self.overlay.set_account(address, account);
        self
    }

    /// The account as it is now.
    ///
    /// # Errors
    /// [`EvmError::Missing`] where the snapshot lacks it.
    pub fn account(&self, address: Address) -> Result<AccountState, EvmError> {
        let missing = || EvmError::Missing(vec![StateKey::Account(address)]);
        self.overlay.account(self.view, address).ok_or_else(missing)
    }

    /// The code at an address as it is now; empty where there is none.
    ///
    /// # Errors
    /// [`EvmError::Missing`] where the snapshot lacks it.
    pub fn code(&self, address: Address) -> Result<Bytes, EvmError> {
        Ok(self.account(address)?.code)
    }

    /// The keccak256 of the code at an address, as `EXTCODEHASH` has it for accounts with code.
    ///
    /// # Errors
    /// [`EvmError::Missing`] where the snapshot lacks it.
    pub fn code_hash(&self, address: Address) -> Result<B256, EvmError> {
        Ok(keccak256(self.code(address)?))
    }

    /// The balance of an address as it is now, in wei.
    ///
    /// # Errors
    /// [`EvmError::Missing`] where the snapshot lacks it.
    pub fn balance(&self, address: Address) -> Result<U256, EvmError> {
        Ok(self.account(address)?.balance)
    }

    /// A storage slot as it is now.
    ///
    /// # Errors
    /// [`EvmError::Missing`] where the snapshot lacks it.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, EvmError> {
        let missing = || EvmError::Missing(vec![StateKey::Slot(address, slot)]);
        self.overlay.slot(self.view, address, slot).ok_or_else(missing)
    }

    /// The storage of a contract that was created here, without zeros; empty for others.
    pub fn slots(&self, address: Address) -> BTreeMap<U256, U256> {
        self.overlay.slots_if_whole(address)
    }

    /// Runs a transaction and keeps its changes if it succeeds. A failed one leaves nothing, not
    /// even its sender's nonce.
    ///
    /// # Errors
    /// Where it has no outcome; see [`EvmError`].
    pub fn transact(&mut self, tx: &Tx) -> Result<Outcome, EvmError> {
        self.commit(&job_of(tx, false))
    }

    /// Makes a static call, as `STATICCALL` does: a view function runs, a change of state fails.
    /// The answer is the outcome's `output`.
    ///
    /// # Errors
    /// Where it has no outcome; see [`EvmError`].
    pub fn call(
        &self,
        from: Address,
        to: Address,
        data: impl Into<Bytes>,
    ) -> Result<Outcome, EvmError> {
        let job = Job {
            origin: from,
            data: data.into(),
            gas_limit: self.env.tx_gas_max,
            first: First::Call { from, to, value: U256::ZERO, fixed: true },
            vacate: false,
            watched: Vec::new(),
        };
        self.clone().commit(&job)
    }

    /// Runs code in another account's context and keeps the changes if it succeeds: what a Safe
    /// does with a batch. The frame is started directly, so the Safe's code, owners, threshold,
    /// nonce and guards take no part. To have them take part, run `execTransaction` through
    /// [`Sandbox::transact`]: with the signatures, or before there are any with
    /// [`Sandbox::with_slot`] setting the threshold to 1 and an owner as sender, whose approval
    /// the Safe takes from that. Gas is that of the batch alone, without the Safe's own.
    ///
    /// # Errors
    /// Where it has no outcome; see [`EvmError`].
    pub fn delegate(&mut self, delegate: &Delegate) -> Result<Outcome, EvmError> {
        let Delegate { origin, caller, account, code_at, ref data, gas_limit, ref watched } =
            *delegate;
        let (first, data) = (First::Delegate { caller, account, code_at }, data.clone());
        let watched = watched.clone();
        self.commit(&Job { origin, data, gas_limit, first, vacate: false, watched })
    }

    /// Runs a transaction and keeps its changes if it succeeds, as if no contract that it creates
    /// were there yet.
    ///
    /// # Errors
    /// Where it has no outcome; see [`EvmError`].
    pub fn transact_vacating(&mut self, tx: &Tx) -> Result<Outcome, EvmError> {
        self.commit(&job_of(tx, true))
    }

    pub(crate) fn commit(&mut self, job: &Job) -> Result<Outcome, EvmError> {
        let Run { result, state, mut trail, seen, reached, made, vacated } =
            execute(self.view, &self.overlay, &self.env, &self.warm, job)?;
        let Applied { diff, created: present } = match result.is_success() {
            true => self.overlay.apply(self.view, state, &vacated),
            false => Applied::default(),
        };
        let mut created: Vec<Made> = Vec::new();
        // What was undone and created once more counts where it was created last.
        for made in made.into_iter().rev().filter(|made| present.contains(&made.at)) {
            if !created.iter().any(|known| known.at == made.at) {
                created.push(made);
            }
        }
        created.reverse();
        let (gas_used, gas_spent) = (result.tx_gas_used(), result.gas().total_gas_spent());
        let (mut failure, output, logs) = match result {
            ExecutionResult::Success { logs, output, .. } => (None, output.into_data(), logs),
            ExecutionResult::Revert { output, .. } => {
                (Some(Failure::Revert(RevertReason::decode(&output))), output, Vec::new())
            }
            ExecutionResult::Halt { reason, .. } => {
                (failure(InstructionResult::from(reason), &[]), Bytes::new(), Vec::new())
            }
        };
        let called = trail.iter_mut().map(|call| &mut call.failure);
        failure.iter_mut().chain(called).for_each(|failure| self.errors.name_in(failure));
        Ok(Outcome {
            failure,
            output,
            gas_used,
            gas_spent,
            logs,
            created,
            diff,
            trail,
            seen,
            reached,
        })
    }

    pub(crate) fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    pub(crate) fn env_mut(&mut self) -> &mut Env {
        &mut self.env
    }
}

fn job_of(tx: &Tx, vacate: bool) -> Job {
    let Tx { origin, from, to, value, ref data, gas_limit } = *tx;
    let first = match to {
        Some(to) => First::Call { from, to, value, fixed: false },
        None => First::Create { from, value, at: None },
    };
    Job { origin, data: data.clone(), gas_limit, first, vacate, watched: Vec::new() }
}
