//! One transaction through the interpreter.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::context::result::{ExecutionResult, HaltReason};
use revm::context::{Context, TxEnv};
use revm::context_interface::transaction::{AccessList, AccessListItem, TransactionType};
use revm::context_interface::{ContextTr, JournalTr};
use revm::handler::MainBuilder;
use revm::inspector::InspectorHandler;
use revm::state::EvmState;
use tidegate_model::ports::StateView;

use crate::db::Db;
use crate::env::Env;
use crate::error::EvmError;
use crate::handler::{SimContext, SimHandler};
use crate::outcome::{FailedCall, Made, Seen};
use crate::reach::Reached;
use crate::state::Overlay;
use crate::trace::Trace;

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

/// The outermost frame.
#[derive(Debug, Clone, Copy)]
pub(crate) enum First {
    Call { from: Address, to: Address, value: U256, fixed: bool },
    Delegate { caller: Address, account: Address, code_at: Address },
    Create { from: Address, value: U256, at: Option<Address> },
}

/// What the interpreter left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) result: ExecutionResult<HaltReason>,
    pub(crate) state: EvmState,
    pub(crate) trail: Vec<FailedCall>,
    pub(crate) seen: Seen,
    pub(crate) reached: Vec<Reached>,
    pub(crate) made: Vec<Made>,
    pub(crate) vacated: BTreeSet<Address>,
}

/// Runs a transaction without keeping its changes.
pub(crate) fn execute(
    view: &dyn StateView,
    overlay: &Overlay,
    env: &Env,
    warm: &Warm,
    job: &Job,
) -> Result<Run, EvmError> {
    let mut context: SimContext<'_> = Context::new(Db::new(view, overlay, env), env.spec());
    context.cfg = env.cfg();
    context.block = env.block();
    context.tx = job.tx_env(env, warm);
    let mut evm = context.build_mainnet_with_inspector(Trace::new(job.vacate, job.watched.clone()));
    let result = SimHandler::new(job).inspect_run(&mut evm);
    let state = evm.ctx.journal_mut().finalize();
    let db = evm.ctx.db_mut();
    // Missing state comes first: without it neither a success nor an error means anything.
    if !db.missing.is_empty() {
        return Err(EvmError::Missing(std::mem::take(&mut db.missing)));
    }
    let vacated = std::mem::take(&mut db.vacated);
    let result = result.map_err(|error| EvmError::from_revm(error, job.data.len()))?;
    let seen = std::mem::take(&mut evm.inspector.seen);
    let (trail, reached, made) = evm.inspector.finish();
    Ok(Run { result, state, trail, seen, reached, made, vacated })
}

impl Job {
    /// The fields that validation and the cost of data look at.
    fn tx_env(&self, env: &Env, warm: &Warm) -> TxEnv {
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
