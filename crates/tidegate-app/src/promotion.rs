//! A release on its target: the Safe's batch, its simulation, and what was recorded.

use std::collections::BTreeMap;

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use tidegate_chain::Network;
use tidegate_evidence::{Untouched, used_before};
use tidegate_evm::{Batch, BatchFault, Sandbox};
use tidegate_model::Head;
use tidegate_model::record::Deployment;
use tidegate_plan::{
    Executor, Expected, FrozenOp, KeyTransaction, Op, OpKind, WAY_OUT, When, may_stand, op_label,
};
use tidegate_safe::{
    Description, InnerCall, MULTI_SEND_CALL_ONLY, Promotion, Proposal, ProposalKind, SafeTx,
    describe, describe_constructor, encode_multi_send, helper, unreadable,
};

use crate::deployment::{Prepared, code_hashes, expect, prepare, refuse_faults, simulate};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::existing::require_starts;
use crate::policy_doc::require_helper;
use crate::project::Project;
use crate::release::Built;
use crate::safety::judge_safety;
use crate::standing::stands_already;
use crate::text::plain;

/// The most gas that a batch may be estimated at; a transaction may have 16,777,216 (EIP-7825).
const BATCH_GAS_MAX: u64 = 14_000_000;

/// How many promotion records are searched, newest first.
const RECORDS_SEARCHED_MAX: u64 = 200;

/// A release as it will stand on its target.
#[derive(Debug)]
pub(crate) struct TargetPlan {
    pub prepared: Prepared,
    pub expected: Expected,
    pub deployment: Deployment,
    /// Its operations, with the code that each leaves.
    pub ops: Vec<FrozenOp>,
    /// What each constructor is given, by operation; those that are given nothing are not here.
    given: BTreeMap<String, String>,
}

/// Resolves a release on its target, executed by the Safe.
pub(crate) async fn target_plan(
    project: &Project,
    built: &Built,
    target: &str,
    network: &Network,
    head: Head,
    when: When,
) -> AppResult<TargetPlan> {
    let settings = project.network(target)?;
    let safe = settings
        .safe
        .ok_or_else(|| AppError::config(format!("[networks.{target}] has no `safe`")))?;
    let prepared = prepare(project, built, target, Executor::Safe(safe), 0)?;
    if when == When::Before {
        require_starts(project, network, built, &prepared, head).await?;
        judge_safety(network, built, &prepared, head).await?.refuse(project)?;
    }
    let expected = expect(network, &prepared, head, when).await?;
    refuse_faults(&expected)?;
    let deployment = prepared.deployment(project, built, &expected, network.id(), target)?;
    let ops = prepared.resolved.freeze(&expected).or_kind(Kind::Fail)?;
    let given = given(built, &prepared);
    Ok(TargetPlan { prepared, expected, deployment, ops, given })
}

impl TargetPlan {
    /// The Safe's calls: expiry, what was judged, externals, the plan's operations with their
    /// checks, all code, and the record.
    ///
    /// `fresh`: a creation reverts where something stands already, so that nobody can have used it;
    /// but for what nobody can change.
    pub(crate) fn calls(&self, promotion: &Promotion, fresh: bool) -> Vec<InnerCall> {
        let helper = helper::address();
        let externals: Vec<_> =
            self.deployment.externals.values().map(|e| (e.address, e.code_hash)).collect();
        let mut calls = vec![promotion.require_before_call(helper)];
        calls.extend(promotion.judged_calls(helper));
        if !externals.is_empty() {
            let note = "externals hold the expected code".to_owned();
            calls.push(to_helper(helper::require_code(&externals), note));
        }
        for (index, op) in self.ops.iter().enumerate() {
            calls.push(self.call(op, fresh));
            let step = &op.op().step;
            if self.ops.get(index + 1).is_none_or(|next| next.op().step != *step) {
                calls.extend(self.checks(step));
            }
        }
        let created: Vec<_> = code_hashes(&self.expected).into_iter().collect();
        let note = "all contracts hold the expected code".to_owned();
        calls.push(to_helper(helper::require_code(&created), note));
        calls.extend(promotion.debt_call(helper));
        calls.push(promotion.record_call(helper));
        calls
    }

    /// What the Safe calls for an operation: what a key would send, but for a creation that may
    /// stand already, which the helper makes unless it is there.
    fn call(&self, op: &FrozenOp, fresh: bool) -> InnerCall {
        let (id, ends) = (op.id(), self.ends(op.id()));
        let KeyTransaction { to, value, data } = op.tx().clone();
        let note = match &op.op().kind {
            OpKind::Call { signature, .. } => format!("{id}: {signature}{ends}"),
            OpKind::Create { contract, address, .. } => {
                let given = self.given.get(id).map_or("", |given| given);
                format!("create {} ({}) at {address}{given}{ends}", op_label(id), contract.name())
            }
        };
        match (&op.op().kind, op.creates()) {
            (OpKind::Create { salt, initcode, guarded: None, .. }, Some((address, hash)))
                if !fresh || may_stand(op.op(), self.expected.created.get(&address)) =>
            {
                to_helper(helper::create_once(*salt, initcode.clone(), hash), note)
            }
            _ => InnerCall { to, value, data, note },
        }
    }

    /// The calls that check a step.
    fn checks(&self, step: &str) -> impl Iterator<Item = InnerCall> {
        let checks = self.prepared.resolved.checks.iter().filter(move |check| check.step == step);
        checks.map(|check| {
            let returned = keccak256(&check.returns);
            let data = helper::require_call(check.to, check.data.clone(), returned);
            let value = plain(&check.value);
            to_helper(data, format!("{}.{} must be {value}", check.step, check.signature))
        })
    }

    /// What a note on an operation adds where it creates what can destroy itself.
    fn ends(&self, op: &str) -> &'static str {
        match self.expected.can_end(op) {
            true => "; its code can destroy itself (SELFDESTRUCT)",
            false => "",
        }
    }

    /// What shows that others created and used what the Safe is to create, one sentence each.
    pub(crate) async fn used_before(
        &self,
        network: &Network,
        head: Head,
    ) -> AppResult<Vec<String>> {
        let created = self.expected.created.iter().map(|(address, created)| Untouched {
            label: op_label(&created.op),
            address: *address,
            nonce: created.nonce,
            balance: created.balance,
            logs: created.logs,
            slots: created.slots_at_first(),
            is_all: created.varying.is_empty(),
        });
        Ok(used_before(network, head, &created.collect::<Vec<_>>()).await?)
    }

    /// Says what others did with what the Safe is to create; refused where the policy says so.
    pub(crate) async fn show_used(
        &self,
        project: &Project,
        network: &Network,
        head: Head,
    ) -> AppResult {
        let used = self.used_before(network, head).await?;
        used.iter().for_each(|line| project.front.warn(line.as_str()));
        let plan = (&self.prepared.resolved, &self.expected);
        match stands_already(project, network, head, plan).await?.into_iter().next() {
            Some(what) => Err(AppError::new(Kind::Fail, what).hint(WAY_OUT)),
            None => Ok(()),
        }
    }
}

/// A call of the helper.
fn to_helper(data: Bytes, note: String) -> InnerCall {
    InnerCall { to: helper::address(), value: U256::ZERO, data, note }
}

/// Executes a Safe's batch locally on present state, as whoever sends it. Returns its gas; where it
/// fails, the error names the call.
pub(crate) async fn simulate_batch(
    network: &Network,
    safe: Address,
    plan: &TargetPlan,
    calls: &[InnerCall],
    tx: &SafeTx,
) -> AppResult<u64> {
    let head = network.latest_head().await?;
    let created = plan.expected.created.iter();
    let leaves = created.map(|(at, made)| (*at, made.leaves())).collect();
    let batch = Batch {
        account: safe,
        code_at: MULTI_SEND_CALL_ONLY,
        data: tx.data.clone(),
        helper: helper::address(),
        leaves: &leaves,
    };
    let first = |count: usize| encode_multi_send(&calls[..count]).unwrap_or_default();
    let run = |snapshot: &_| {
        let errors = plan.prepared.resolved.errors.clone();
        let sandbox = Sandbox::at(snapshot).with_errors(errors);
        Ok(match sandbox.batch(&batch)? {
            Err(fault @ BatchFault::Fails(_)) => {
                Err((fault, Some(sandbox.failing_call(&batch, calls.len(), first)?)))
            }
            ran => ran.map_err(|fault| (fault, None)),
        })
    };
    let outcome = simulate(network, head, run).await?.map_err(|(fault, at)| {
        let at = at.and_then(|at| Some((at + 1, &calls.get(at)?.note)));
        let at = at.map_or_else(String::new, |(number, note)| {
            format!(" (call {number} of {}: {note})", calls.len())
        });
        let error = AppError::new(Kind::Fail, format!("{fault}{at}"));
        match fault {
            BatchFault::Fails(_) => error,
            BatchFault::Creates(_) => error.hint("let a contract of the plan create it"),
            BatchFault::Reaches(_) => {
                error.hint("only the batch's own calls may do that; check what that step calls")
            }
            BatchFault::Leaves { .. } => error.hint(
                "another `salt` of that step gives another address, which nobody else can create \
                 without `guarded = false`",
            ),
            BatchFault::Depends { .. } => error.hint("call contracts that do not read tx.origin"),
        }
    })?;
    if outcome.gas_used > BATCH_GAS_MAX {
        return Err(AppError::new(
            Kind::Fail,
            format!(
                "the batch needs {} gas, at most {BATCH_GAS_MAX} may be proposed",
                outcome.gas_used
            ),
        )
        .hint("Tidegate cannot split a promotion over several Safe transactions yet"));
    }
    Ok(outcome.gas_used)
}

/// Refuses calls of which nobody can read what they do.
pub(crate) fn require_readable(
    project: &Project,
    built: &Built,
    plan: &TargetPlan,
    calls: &[InnerCall],
) -> AppResult {
    let abis = abis(built, &plan.prepared);
    let allowed = &project.rules.allow_selectors;
    let Some((index, call)) = unreadable(calls, helper::address(), &abis, allowed) else {
        return Ok(());
    };
    let why = format!("call {} of the batch cannot be decoded: {call}", index + 1);
    Err(AppError::new(Kind::Fail, why)
        .hint("name the called function in the plan, or add its selector to `allow_selectors`"))
}

/// By what calls are read: the release's own contracts, those that it finds, and what the plan
/// calls of others.
pub(crate) fn abis(built: &Built, prepared: &Prepared) -> Vec<JsonAbi> {
    let own = built.release.artifacts.values().map(|artifact| artifact.abi.clone());
    let own = own.chain(prepared.found.iter().cloned());
    let called = prepared.resolved.ops.iter().filter_map(|op| match &op.kind {
        OpKind::Call { signature, .. } => Some(signature),
        OpKind::Create { .. } => None,
    });
    let named = called.chain(prepared.resolved.checks.iter().map(|check| &check.signature));
    let parse = |signature: &String| JsonAbi::parse([&*format!("function {signature}")]).ok();
    own.chain(named.filter_map(parse)).collect()
}

/// What an operation gives a constructor or function, from the bytes that are sent.
pub(crate) fn described(op: &Op, built: &Built, abis: &[JsonAbi]) -> Description {
    match &op.kind {
        OpKind::Create { contract, initcode, .. } => match built.release.artifact(contract) {
            Some(artifact) => {
                let given = initcode.get(artifact.creation.object.len()..).unwrap_or_default();
                describe_constructor(&artifact.abi, given, abis)
            }
            // A stand-in, whose constructor takes nothing.
            None => describe_constructor(&JsonAbi::new(), &[], abis),
        },
        OpKind::Call { to, value, data, .. } => {
            let (data, note) = (data.clone(), String::new());
            describe(&InnerCall { to: *to, value: *value, data, note }, helper::address(), abis)
        }
    }
}

fn given(built: &Built, prepared: &Prepared) -> BTreeMap<String, String> {
    let abis = abis(built, prepared);
    let creations = prepared.resolved.creations();
    let given = creations.map(|(op, ..)| (op.id.clone(), described(op, built, &abis)));
    let said = given.filter(|(_, found)| !found.is_read || !found.arguments.is_empty());
    said.map(|(id, found)| (id, format!(", {found}"))).collect()
}

/// What the Safe recorded of this project at the helper, newest first.
pub(crate) async fn promotions(
    project: &Project,
    target: &str,
    network: &Network,
    head: Head,
) -> AppResult<Vec<helper::Recorded>> {
    let settings = project.network(target)?;
    let Some(safe) = settings.safe else { return Ok(Vec::new()) };
    require_helper(network, head).await?;
    let (id, at, helper) = (project.id(settings)?, head.block, helper::address());
    let answer = network.call(helper, &helper::record_count(safe, id), at).await?;
    let count = helper::read_record_count(&answer).or_kind(Kind::Chain)?;
    let mut records = Vec::new();
    for index in (count.saturating_sub(RECORDS_SEARCHED_MAX)..count).rev() {
        let answer = network.call(helper, &helper::record_at(safe, id, index), at).await?;
        records.extend(helper::read_record_at(&answer).or_kind(Kind::Chain)?);
    }
    Ok(records)
}

/// The promotion of a proposal, or an error for the other kind.
pub(crate) fn promotion_of(proposal: &Proposal) -> AppResult<&Promotion> {
    match &proposal.kind {
        ProposalKind::Promotion(promotion) => Ok(promotion),
        ProposalKind::Adoption(_) => Err(AppError::usage("that proposal adopts a policy")),
    }
}
