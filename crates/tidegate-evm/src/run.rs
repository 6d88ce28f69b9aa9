//! One transaction through the interpreter.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use revm::context::Context;
use revm::context::result::{ExecutionResult, HaltReason};
use revm::context_interface::{ContextTr, JournalTr};
use revm::handler::MainBuilder;
use revm::inspector::InspectorHandler;
use revm::state::EvmState;
use tidegate_model::ports::StateView;

use crate::call::{FailedCall, Reached};
use crate::db::{Db, SimContext};
use crate::env::Env;
use crate::error::EvmError;
use crate::handler::SimHandler;
use crate::job::{Job, Warm};
use crate::outcome::{Made, Seen};
use crate::state::Overlay;
use crate::trace::Trace;

/// The raw result of one run of the interpreter.
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
