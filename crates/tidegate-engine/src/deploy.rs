//! Running a frozen plan from a deployer key, ending with the soak's anchor.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use serde_json::json;
use tidegate_chain::ReadError;
use tidegate_model::digest::jcs_keccak;
use tidegate_model::event::{Intent, LaneId};
use tidegate_model::record::ANCHOR_OP;
use tidegate_model::{BlockRef, NetworkId, ReleaseRoot};
use tidegate_plan::{Check, FrozenOp, KeyTransaction, Later};

use crate::earlier::Past;
use crate::error::EngineError;
use crate::fees::{Ceiling, FeeCap};
use crate::lane::{Adoption, Landed, Lane, Planned, Several};
use crate::op_key::OpKey;
use crate::ports::{Chain, Journal};

/// An upper bound of an anchor's gas.
pub const ANCHOR_GAS: u64 = 40_000;

/// A frozen deployment: nothing is left to choose.
#[derive(Debug, Clone)]
pub struct DeployRun {
    /// The project's name: another project may have a release of the same code.
    pub project: String,
    pub release_root: ReleaseRoot,
    pub deployment_id: u64,
    /// Set-up outside the plan first, then the plan's operations in order.
    pub ops: Vec<FrozenOp>,
    /// View calls that must hold after their step.
    pub checks: Vec<StepCheck>,
    /// The anchor's calldata.
    pub anchor: Bytes,
    /// Calls that are sent though this sender made them before, by id, since a person asks for it.
    pub again: BTreeSet<String>,
    /// Calls that are sent though this sender made them before, since their effect was taken back.
    /// Nobody has to say so: once they are made, the same approval goes on.
    pub taken_back: BTreeSet<String>,
}

/// A view call that must hold after its step.
#[derive(Debug, Clone)]
pub struct StepCheck {
    pub check: Check,
    /// What it returns where the step is there already.
    pub later: Later,
}

impl From<Check> for StepCheck {
    fn from(check: Check) -> Self {
        Self { check, later: Later::Same }
    }
}

/// Progress, for people.
#[derive(Debug, Clone)]
pub enum Progress {
    /// An operation is next: it is sent where it is not there, and waited for.
    Next { op: String },
    /// An operation landed.
    Landed { op: String, landed: Landed },
    /// The operation's effect exists already.
    There { op: String },
}

/// A deployment that is included with the expected code.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// Each operation in order; `None` where it was there already.
    pub ops: Vec<(String, Option<Landed>)>,
    /// The transactions of earlier runs that made calls of this one, by operation.
    pub earlier: BTreeMap<String, B256>,
    /// The anchor's transaction.
    pub anchor: B256,
    /// Whether it was anchored before, so that nothing was sent.
    pub was_complete: bool,
}

impl DeployRun {
    /// The digest that an approval covers: network, sender, every transaction in order, the
    /// adoption of the sender, and the most that all may cost in fees.
    ///
    /// # Errors
    /// Never in practice; the encoder's error is passed on.
    pub fn digest(
        &self,
        network: NetworkId,
        sender: Address,
        adopted_nonce: u64,
        most: U256,
    ) -> Result<B256, tidegate_model::digest::JcsError> {
        let ops: Vec<_> = self
            .ops
            .iter()
            .map(|op| {
                let sent = op.tx();
                json!({"id": op.id(), "to": sent.to, "value": sent.value.to_string(),
                       "data": keccak256(&sent.data)})
            })
            .collect();
        let mut plan = json!({
            "v": "deploy/1", "network": network, "sender": sender, "release": self.release_root,
            "id": self.deployment_id, "ops": ops, "anchor": keccak256(&self.anchor),
            "adoptedNonce": adopted_nonce, "most": most.to_string(),
        });
        if !self.again.is_empty() {
            plan["again"] = json!(self.again);
        }
        jcs_keccak("deployment run", &plan)
    }

    /// The ceiling of its fees: see [`Ceiling::choose`]. `gas` is what local execution measured,
    /// by operation; `named` says whether the person named a hash.
    ///
    /// # Errors
    /// If fees cannot be read, or are higher than anything may be.
    pub async fn ceiling<C: Chain, J: Journal>(
        &self,
        lane: &Lane<'_, C, J>,
        adopted_nonce: u64,
        gas: &[(String, u64)],
        named: impl Fn(B256) -> bool,
    ) -> Result<Ceiling, EngineError> {
        let state = lane.state();
        let is_due =
            |op: &str| state.landed(&self.key(op)).is_none_or(|(_, inclusion)| !inclusion.success);
        let mut due: Vec<_> = gas.iter().filter(|(op, _)| is_due(op)).cloned().collect();
        if !due.is_empty() || is_due(ANCHOR_OP) {
            due.push((ANCHOR_OP.to_owned(), ANCHOR_GAS));
        }
        let due: Vec<_> = due.into_iter().map(|(op, gas)| (self.key(&op), gas)).collect();
        let needed = lane.most_with(&self.key(""), adopted_nonce, &due).await?;
        let cap = FeeCap::DEFAULT.total.saturating_mul(U256::from(self.ops.len() + 1));
        let LaneId { network, sender } = lane.id();
        let hash = |most| self.digest(network, sender, adopted_nonce, most);
        Ceiling::choose("the deployment", needed, cap, hash, &state.approved, named)
    }

    /// A call of a complete deployment, to be made once more: nothing of the deployment itself.
    /// `None` where it has no such call.
    pub fn once_more<C: Chain, J: Journal>(
        &self,
        lane: &Lane<'_, C, J>,
        op: &str,
    ) -> Option<Intent> {
        let call = self.ops.iter().find(|call| call.id() == op && call.creates().is_none())?;
        let key =
            |time: u64| format!("again/{}/{}/{op}/{time}", self.release_root, self.deployment_id);
        let has_landed = |time: &u64| {
            let landed = lane.state().landed(&key(*time));
            landed.is_some_and(|(_, inclusion)| inclusion.success)
        };
        let time = (1..).find(|time| !has_landed(time))?;
        Some(Intent { op: key(time), ..intent(self, call) })
    }

    /// Whether anything of it was signed before.
    pub fn is_tried<C: Chain, J: Journal>(&self, lane: &Lane<'_, C, J>) -> bool {
        let own = self.key("");
        lane.state().attempts.iter().any(|attempt| attempt.op.starts_with(&own))
    }

    /// Whether an earlier call of exactly these bytes counts for nothing.
    pub(crate) fn is_made_again(&self, op: &str) -> bool {
        self.again.contains(op) || self.taken_back.contains(op)
    }

    pub(crate) fn key(&self, op: &str) -> String {
        let Self { project, release_root, deployment_id, .. } = self;
        let (release_root, deployment_id) = (*release_root, *deployment_id);
        OpKey { project: Some(project), release_root, deployment_id, op }.to_string()
    }

    /// The name of an operation's journal entries.
    pub fn op_key(&self, op: &str) -> String {
        self.key(op)
    }
}

/// The nonce that a lane's approval covers: the one it was adopted at, or will be.
pub fn adopted_nonce<C: Chain, J: Journal>(
    lane: &Lane<'_, C, J>,
    adoption: Option<&Adoption>,
) -> u64 {
    let recorded = lane.state().adopted_nonce.unwrap_or_default();
    adoption.map_or(recorded, |adoption| adoption.nonce)
}

/// Runs the plan, which was approved. `gas` is what local execution measured, by operation.
pub(crate) async fn deploy<C: Chain, J: Journal>(
    lane: &mut Lane<'_, C, J>,
    network: &C,
    run: &DeployRun,
    gas: &BTreeMap<String, u64>,
    report: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Deployed, EngineError> {
    let mut done = Vec::new();
    lane.finish_others(&run.key("")).await?;
    let past = Past::of(lane, network, run).await?;
    let anchored = past.anchor.made;
    // What is there is looked at before something else changes it. Once anchored, the contracts are
    // in use and what the checks read may have moved on.
    let checked = match anchored {
        None => check_there(network, run, &past.there).await?,
        Some(_) => BTreeSet::new(),
    };
    let is_due = |step: &str| {
        let of = run.checks.iter().any(|made| made.check.step == *step);
        of && anchored.is_none() && !checked.contains(step)
    };
    let (mut rest, mut anchor) = (&run.ops[..], anchored);
    while !rest.is_empty() {
        // A step's checks are made before anything after it is sent.
        let last = (1..rest.len()).find(|next| {
            let step = &rest[next - 1].op().step;
            rest[*next].op().step != *step && is_due(step)
        });
        let (stretch, after) = rest.split_at(last.unwrap_or(rest.len()));
        let checked = stretch.last().map(|op| op.op().step.as_str()).filter(|step| is_due(step));
        // The anchor need not wait for what nothing is asked about: it is void where that fails.
        let ends = after.is_empty() && checked.is_none() && anchor.is_none();
        let own = (run, &past, gas);
        let landed = together(lane, network, own, (stretch, ends), report).await?;
        anchor = anchor.or(landed.anchor);
        done.extend(landed.ops);
        if let (Some(step), Some((_, landed))) = (checked, done.last()) {
            let block = landed.map(|landed| landed.inclusion.block);
            check_step(network, run, step, (block, false)).await?;
        }
        rest = after;
    }
    let anchor = match anchor {
        Some(hash) => hash,
        None => {
            report(&Progress::Next { op: ANCHOR_OP.to_owned() });
            let landed = lane.run(&past.anchor.next).await?;
            report(&Progress::Landed { op: ANCHOR_OP.to_owned(), landed });
            landed.hash
        }
    };
    let earlier = past.calls;
    Ok(Deployed { ops: done, earlier, anchor, was_complete: anchored.is_some() })
}

/// A deployment that is anchored: nothing of it is sent any more. `None` where it is not.
///
/// # Errors
/// If other code stands at one of its addresses, or the chain cannot be read.
pub async fn complete<C: Chain, J: Journal>(
    lane: &Lane<'_, C, J>,
    network: &C,
    run: &DeployRun,
) -> Result<Option<Deployed>, EngineError> {
    let past = Past::of(lane, network, run).await?;
    let Some(anchor) = past.anchor.made else { return Ok(None) };
    for op in &run.ops {
        require_code(network, op).await?;
    }
    let ops = run.ops.iter().map(|op| (op.id().to_owned(), None)).collect();
    Ok(Some(Deployed { ops, earlier: past.calls, anchor, was_complete: true }))
}

/// Refuses other code where an operation creates.
async fn require_code(network: &impl Chain, op: &FrozenOp) -> Result<(), EngineError> {
    let Some((address, expected)) = op.creates() else { return Ok(()) };
    let found = keccak256(code_at(network, address).await?);
    if found == expected {
        return Ok(());
    }
    Err(EngineError::OtherCode { op: op.id().to_owned(), address, found, expected })
}

/// What was brought to an end together.
struct Together {
    /// Each operation in order; `None` where it was there already.
    ops: Vec<(String, Option<Landed>)>,
    /// The anchor's transaction, where it was among them.
    anchor: Option<B256>,
}

/// Brings operations to an end that need not wait for each other, and behind them the anchor where
/// they are the last ones.
async fn together<C: Chain, J: Journal>(
    lane: &mut Lane<'_, C, J>,
    network: &C,
    (run, past, gas): (&DeployRun, &Past, &BTreeMap<String, u64>),
    (ops, ends): (&[FrozenOp], bool),
    report: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Together, EngineError> {
    let mut due = BTreeSet::new();
    for op in ops {
        let is_there = match op.creates() {
            Some((address, _)) => stands(lane, network, run, op, address).await?,
            None => past.calls.contains_key(op.id()),
        };
        due.extend((!is_there).then(|| op.id()));
    }
    let planned = ops.iter().filter(|op| due.contains(op.id()));
    let planned =
        planned.map(|op| Planned { intent: intent(run, op), gas: gas.get(op.id()).copied() });
    let anchor = ends.then(|| Planned { intent: past.anchor.next.clone(), gas: Some(ANCHOR_GAS) });
    let mut several = Several::new(planned.chain(anchor).collect());
    let mut done = Together { ops: Vec::new(), anchor: None };
    for op in ops {
        let id = op.id().to_owned();
        report(&Progress::Next { op: id.clone() });
        let landed =
            if due.contains(op.id()) { Some(lane.next(&mut several).await?) } else { None };
        require_code(network, op).await?;
        report(&match landed {
            Some(landed) => Progress::Landed { op: id.clone(), landed },
            None => Progress::There { op: id.clone() },
        });
        done.ops.push((id, landed));
    }
    if ends {
        report(&Progress::Next { op: ANCHOR_OP.to_owned() });
        let landed = lane.next(&mut several).await?;
        report(&Progress::Landed { op: ANCHOR_OP.to_owned(), landed });
        done.anchor = Some(landed.hash);
    }
    Ok(done)
}

/// The anchor. Where others of it landed that count for nothing, it is sent under another name.
pub(crate) fn anchor_intent(sender: Address, run: &DeployRun, time: u64) -> Intent {
    let op = match time {
        1 => run.key(ANCHOR_OP),
        _ => run.key(&format!("{ANCHOR_OP}/{time}")),
    };
    Intent { op, to: sender, value: U256::ZERO, data: run.anchor.clone(), alike: None }
}

pub(crate) fn intent(run: &DeployRun, op: &FrozenOp) -> Intent {
    let KeyTransaction { to, value, data } = op.tx().clone();
    Intent { op: run.key(op.id()), to, value, data, alike: None }
}

/// Whether what an operation creates is there, and not by a transaction of this run. A stranger may
/// come first, even after our own attempt was signed: what counts is the code.
async fn stands<C: Chain, J: Journal>(
    lane: &Lane<'_, C, J>,
    network: &C,
    run: &DeployRun,
    op: &FrozenOp,
    address: Address,
) -> Result<bool, EngineError> {
    let key = run.key(op.id());
    let open = lane.state().open().values().any(|attempt| attempt.op == key);
    let landed = lane.state().landed(&key).is_some_and(|(_, inclusion)| inclusion.success);
    Ok(!open && !landed && !code_at(network, address).await?.is_empty())
}

pub(crate) async fn code_at(network: &impl Chain, address: Address) -> Result<Bytes, EngineError> {
    let head = network.latest_head().await?;
    Ok(network.code(address, head.block).await?)
}

/// Makes the view calls of the steps of which nothing is due, in the latest block, and says which
/// steps these are. What later operations of the same plan changed is right as they left it.
///
/// # Errors
/// [`EngineError::Check`] if one returns something else than the plan expects.
pub async fn check_there<'a>(
    network: &impl Chain,
    run: &'a DeployRun,
    there: &BTreeSet<String>,
) -> Result<BTreeSet<&'a str>, EngineError> {
    let due = run.ops.iter().filter(|op| !there.contains(op.id()));
    let due: BTreeSet<_> = due.map(|op| op.op().step.as_str()).collect();
    let steps: BTreeSet<_> = run.ops.iter().map(|op| op.op().step.as_str()).collect();
    let whole: BTreeSet<_> = steps.difference(&due).copied().collect();
    for step in &whole {
        check_step(network, run, step, (None, true)).await?;
    }
    Ok(whole)
}

/// Makes the view calls of a step at the block in which it landed; or, of one that is there
/// already, in the latest one, where later operations of the plan have been at work.
async fn check_step(
    network: &impl Chain,
    run: &DeployRun,
    step: &str,
    (landed, is_there): (Option<BlockRef>, bool),
) -> Result<(), EngineError> {
    let at = match landed {
        Some(block) => block,
        None => network.latest_head().await?.block,
    };
    for StepCheck { check, later } in run.checks.iter().filter(|of| of.check.step == step) {
        let explains = |answer: Option<&Bytes>| is_there && later.explains(answer);
        let (what, expected) = (format!("{step}.{}", check.signature), check.expected());
        let found = match network.call(check.to, &check.data, at).await {
            Err(ReadError::Reverted { .. }) if explains(None) => continue,
            Err(ReadError::Reverted { data, .. }) => {
                return Err(EngineError::CheckReverts { what, data, expected });
            }
            found => found?,
        };
        if found != check.returns && !explains(Some(&found)) {
            return Err(EngineError::Check { what, found: check.shown(&found), expected });
        }
    }
    Ok(())
}
