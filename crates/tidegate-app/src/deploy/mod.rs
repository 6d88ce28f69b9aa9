//! Deploying a release to a testnet: frozen, approved, executed.

mod allowed;
mod helper;
mod id;
mod record;
mod undone;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use alloy_primitives::B256;
use tidegate_chain::Network;
use tidegate_engine::{
    ANCHOR_GAS, Adoption, Ceiling, Cleared, DeployRun, Deployed, Lane, Progress, StepCheck,
    adopted_nonce, there,
};
use tidegate_gates::anchor_required;
use tidegate_model::ports::DigestSigner;
use tidegate_model::record::{Deployment, DeploymentRecord, anchor_calldata};
use tidegate_model::units::format_amount;
use tidegate_plan::config::Stage;
use tidegate_plan::{Executor, Expected, HELPER, When, op_label};

use self::allowed::{require_balance, require_testnet};
pub use self::helper::HelperPlace;
use self::helper::{HELPER_OP, helper_first};
pub(crate) use self::id::deployment_id;
use self::id::refuse_other_deployment;
use self::record::{Ran, record};
use self::view::FrozenView;
pub use self::view::{DeployView, HelperView};
use crate::approve::{Approval, Given, approve, fields, names};
use crate::assess::namesake;
use crate::deployment::{Prepared, begun, expect, prepare, refuse_faults};
use crate::error::{AppResult, Kind, OrKind};
use crate::existing::require_starts;
use crate::layouts::require_proxies;
use crate::network::has_operator;
use crate::planned::PlanView;
use crate::project::Project;
use crate::published;
use crate::release::Built;
use crate::sending::{explained, open_lane, show_adoption};
use crate::shared::Begun;
use crate::wiped::{self, require_followed};

/// A testnet that may be deployed to, with its connection.
#[derive(Debug)]
pub struct Testnet {
    name: String,
    network: Network,
}

impl Testnet {
    /// The named testnet, or the only one. `said` is the chain id of one that is not built in, by
    /// which somebody says that its coin is worth nothing.
    ///
    /// # Errors
    /// If it is no testnet, or has no endpoint.
    pub async fn of(project: &Project, named: Option<&str>, said: Option<u64>) -> AppResult<Self> {
        let name = Self::name(project, named, said)?;
        let network = project.connect_single(&name).await?;
        Ok(Self { name, network })
    }

    /// Its name; no endpoint is asked.
    ///
    /// # Errors
    /// If it is no testnet.
    pub fn name(project: &Project, named: Option<&str>, said: Option<u64>) -> AppResult<String> {
        let name = project.network_of(named, Stage::Testnet).map_err(|error| {
            error.hint("on mainnet a release is promoted through the Safe: `tidegate promote`")
        })?;
        require_testnet(&name, project.network(&name)?, said)?;
        Ok(name)
    }
}

/// A deployment as it would be made now.
#[derive(Debug)]
pub struct Frozen<'a> {
    project: &'a Project,
    network: &'a Network,
    built: &'a Built,
    name: &'a str,
    prepared: Prepared,
    expected: Expected,
    deployment: Deployment,
    run: DeployRun,
    lane: Lane<'a>,
    adoption: Option<Adoption>,
    ceiling: Ceiling,
    hash: B256,
    begun_before: bool,
    /// The operations that need not be sent.
    done: BTreeSet<String>,
    /// The newest deployment of another release.
    earlier: Option<DeploymentRecord>,
    /// What contracts behind proxies do, and what earlier calls did and somebody has undone.
    attentions: Vec<String>,
}

/// A deployment that somebody approved, and that nothing has changed since.
#[derive(Debug)]
pub struct Approved<'a> {
    project: &'a Project,
    network: &'a Network,
    built: &'a Built,
    name: &'a str,
    prepared: Prepared,
    /// The gas of each operation, as local execution measured it.
    gas: BTreeMap<String, u64>,
    deployment: Deployment,
    run: DeployRun,
    cleared: Cleared<'a>,
}

/// An operation of a deployment that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What it does, for people.
    pub op: String,
    /// The block in which it landed, and its gas; `None` where it was there already.
    pub landed: Option<(u64, u64)>,
}

impl Done {
    /// What has come to an end, of what a deployment tells.
    fn of(progress: &Progress) -> Option<Self> {
        match progress {
            Progress::Next { .. } => None,
            Progress::Landed { op, landed } => {
                let at = landed.inclusion.block.number;
                Some(Self { op: op_label(op), landed: Some((at, landed.inclusion.gas_used)) })
            }
            Progress::There { op } => Some(Self { op: op_label(op), landed: None }),
        }
    }
}

/// The result of a deployment.
pub(crate) struct Made {
    pub(crate) record: DeploymentRecord,
    pub(crate) file: PathBuf,
    pub(crate) deployed: Deployed,
    /// The targets that ask for the soak's start to be posted.
    pub(crate) starts: Vec<String>,
}

/// The input of a deployment.
#[derive(Debug, Clone, Default)]
pub struct DeployRequest {
    /// Its id. Without one it is the one of this release that is there already, or 0.
    pub id: Option<u64>,
    /// The calls that are made again though this sender made them before, by operation.
    pub again: Vec<String>,
}

/// Freezes a deployment: everything that would be sent, executed locally.
///
/// # Errors
/// If something is missing on the network, an operation or check fails locally, the id is another
/// deployment's, or the deployer cannot pay.
pub async fn freeze<'a>(
    project: &'a Project,
    Testnet { name, network }: &'a Testnet,
    built: &'a Built,
    signer: &'a dyn DigestSigner,
    request: &DeployRequest,
) -> AppResult<Frozen<'a>> {
    let _busy = project.front.busy(format!("executing the plan locally, as on {name}"));
    let place = (name.as_str(), network);
    let id = deployment_id(project, built, place, request.id).await?;
    let prepared = prepare(project, built, name, Executor::Key(signer.address()), id)?;
    let head = network.latest_head().await?;
    crate::network::warn_of_end(project, name, head.timestamp)?;
    let when = begun(network, &prepared, head).await?;
    require_followed(project, place, built, id).await?;
    require_starts(project, network, built, &prepared, head).await?;
    let mut attentions = require_proxies(project, place, built, &prepared, head).await?;
    let mut expected = expect(network, &prepared, head, when).await?;
    refuse_faults(&expected)?;
    let deployment = prepared.deployment(project, built, &expected, network.id(), name)?;
    refuse_other_deployment(project, place, built, id, &deployment).await?;
    let again = undone::again(&prepared, &request.again)?;
    let mut run = run(built, id, (&prepared, &expected), &deployment, again)?;
    let lane = open_lane(project, network, signer).await?;
    helper_first(network, &prepared, &lane, head, &mut run, &mut expected).await?;
    let done = match when {
        When::Before if !run.is_tried(&lane) => BTreeSet::new(),
        When::Before | When::After => there(&lane, network, &run).await?,
    };
    undone::refuse_again((project, built, name), &run, &done)?;
    attentions.extend(namesake(project, name, built)?);
    attentions.extend(undone::signed_before(lane.state(), &run));
    let is_complete = run.ops.iter().all(|op| done.contains(op.id()));
    let plan = (&prepared, &expected);
    let begun = Begun { project, place, built, plan, id, done: &done, head };
    begun.refuse_other_code().await?;
    if when == When::After && !is_complete {
        attentions.extend(undone::tried(&begun, &mut run).await?);
    }
    attentions.extend(begun.repeats(Some(lane.state()), &run.again).await?);
    let adoption = lane.adoption().await?;
    let nonce = adopted_nonce(&lane, adoption.as_ref());
    let ceiling = ceiling(project, &lane, &run, nonce, &due(&expected, &done)).await?;
    let hash = run.digest(network.id(), lane.id().sender, nonce, ceiling.most)?;
    let begun_before = lane.state().approved.contains(&hash);
    if !is_complete {
        require_balance(network, &lane, &expected, (&run, &done)).await?;
    }
    Ok(Frozen {
        project,
        network,
        built,
        name,
        prepared,
        expected,
        deployment,
        run,
        lane,
        adoption,
        ceiling,
        hash,
        begun_before,
        done,
        earlier: wiped::earlier(project, place, built.roots.release_root).await?,
        attentions,
    })
}

/// All that would be sent.
fn run(
    built: &Built,
    id: u64,
    (prepared, expected): (&Prepared, &Expected),
    deployment: &Deployment,
    again: BTreeSet<String>,
) -> AppResult<DeployRun> {
    Ok(DeployRun {
        release_root: built.roots.release_root,
        deployment_id: id,
        ops: prepared.resolved.freeze(expected).or_kind(Kind::Fail)?,
        checks: prepared.resolved.checks.iter().cloned().map(StepCheck::from).collect(),
        anchor: anchor_calldata(built.roots.release_root, deployment.digest()?).into(),
        again,
    })
}

/// Who goes on approves the same hash again, as long as fees stay below what it says.
async fn ceiling(
    project: &Project,
    lane: &Lane<'_>,
    run: &DeployRun,
    nonce: u64,
    gas: &[(String, u64)],
) -> AppResult<Ceiling> {
    let named = |hash| names(project, Given::Beginning, hash);
    Ok(run.ceiling(lane, nonce, gas, named).await?)
}

/// The gas of the operations that are still to be sent.
fn due(expected: &Expected, done: &BTreeSet<String>) -> Vec<(String, u64)> {
    expected.gas.iter().filter(|(op, _)| !done.contains(op)).cloned().collect()
}

impl<'a> Frozen<'a> {
    /// Whether it creates the helper contract first.
    pub fn creates_helper(&self) -> bool {
        self.expected.gas.iter().any(|(op, _)| op == HELPER_OP)
    }

    /// Whether exactly this was approved before and broke off.
    pub fn begun_before(&self) -> bool {
        self.begun_before && !self.is_complete()
    }

    /// Whether all of it is there already.
    pub fn is_complete(&self) -> bool {
        self.run.is_complete(&self.lane)
    }

    /// All of it, for programs.
    fn view(&self) -> FrozenView {
        let plan = (&self.prepared, &self.expected);
        let plan = PlanView::of((self.name, self.built), self.run.deployment_id, plan);
        let plan = plan
            .with_there(&self.done, true)
            .after(self.earlier.as_ref())
            .attending(self.attentions.iter().cloned());
        let helper_gas = self.expected.gas.iter().find(|(op, _)| op == HELPER_OP);
        FrozenView {
            deployer: self.lane.id().sender,
            creates_helper: self.creates_helper(),
            helper_gas: helper_gas.map(|(_, gas)| *gas),
            anchor: self.run.anchor.clone(),
            anchor_gas: if self.is_complete() { 0 } else { ANCHOR_GAS },
            adopts_at_nonce: self.adoption.as_ref().map(|adoption| adoption.nonce),
            fees_at_most: self.ceiling.most,
            costs_at_most: self.ceiling.most.saturating_add(plan.value),
            plan,
        }
    }

    /// Tells all that is about to be approved.
    fn tell(&self, view: &FrozenView) {
        let front = &self.project.front;
        view.plan.tell(&**front);
        if let Some(gas) = view.helper_gas {
            front.note(format!("The helper contract is created first, at {HELPER}: {gas} gas."));
        }
        front.note(match view.anchor_gas {
            0 => "All of it was sent before, the soak's anchor too.".to_owned(),
            gas => format!(
                "The last transaction is the soak's anchor: it goes to the deployer itself, with \
                 at most {gas} gas."
            ),
        });
        if let Some(adoption) = &self.adoption {
            show_adoption(self.project, adoption);
        }
        let most = format_amount(view.fees_at_most, 18);
        front.note(format!("Its fees come to at most {most} ETH."));
        if view.costs_at_most > view.fees_at_most {
            let most = format_amount(view.costs_at_most, 18);
            front.note(format!("With what is sent along, it costs at most {most} ETH."));
        }
    }

    /// Shows all of it, and has it approved. What the request approves already is not shown again.
    ///
    /// # Errors
    /// If it is not approved, or something else was.
    pub fn approve(self) -> AppResult<Approved<'a>> {
        let view = self.view();
        let given = Given::Beginning;
        if self.project.dry_run || !names(self.project, given, self.hash) {
            self.tell(&view);
        }
        let (network, hash, options) = (self.name, self.hash, Vec::new());
        let approval = Approval { network, hash, given, options, fields: fields(&view)? };
        let consent = approve(self.project, &approval)?;
        let cleared = self.lane.clear(consent.hash(), self.adoption.as_ref(), self.ceiling)?;
        let gas = self.expected.gas.into_iter().collect();
        let Frozen { project, network, built, name, prepared, deployment, run, .. } = self;
        Ok(Approved { project, network, built, name, prepared, gas, deployment, run, cleared })
    }
}

impl Approved<'_> {
    /// Sends what is missing of it, and writes its record.
    ///
    /// # Errors
    /// If a transaction cannot be sent, or leaves something else than local execution says.
    pub async fn run(self, report: &mut (dyn FnMut(&Done) + Send)) -> AppResult<DeployView> {
        let Self { project, network, built, name, prepared, gas, deployment, run, mut cleared } =
            self;
        let deployed = {
            let busy = project.front.busy(format!("sending to {name}"));
            let (mut count, all) = (0, run.ops.len() + 1);
            busy.at(count, all);
            let mut waits = None;
            let mut report = |progress: &Progress| {
                drop(waits.take());
                if let Progress::Next { op } = progress {
                    let what = format!("waiting until {} is in a block", op_label(op));
                    waits = Some(project.front.busy(what));
                }
                if let Some(done) = Done::of(progress) {
                    report(&done);
                    count += 1;
                    busy.at(count, all);
                }
            };
            let sent = cleared.deploy(network, &run, &gas, &mut report).await;
            sent.map_err(|error| explained(error, &prepared.resolved.errors))?
        };
        let lane = cleared.lane();
        let ran = Ran { project, name, network, lane, run: &run, deployed: &deployed };
        let record = record(&ran, built, &prepared, deployment).await?;
        let file =
            published::write_testnet(project, (name, network), &record, &built.release).await?;
        let mut starts = Vec::new();
        let backed = project.targets().filter(|(_, t)| t.soaks_on.iter().any(|soak| soak == name));
        for (target, settings) in backed {
            let soak = project.network(name)?.chain;
            if anchor_required(&project.rules, settings.chain, has_operator(soak)) {
                starts.push(target.clone());
            }
        }
        DeployView::of(project, name, Made { record, file, deployed, starts })
    }
}
