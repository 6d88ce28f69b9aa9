//! Deploying a release to a testnet: frozen, approved, executed.

mod allowed;
mod approved;
mod frozen;
mod helper;
mod id;
mod record;
mod undone;
mod view;

use std::collections::BTreeSet;
use std::path::PathBuf;

use tidegate_chain::Network;
use tidegate_engine::{DeployRun, Deployed, Lane, StepCheck, complete, there};
use tidegate_model::ports::DigestSigner;
use tidegate_model::record::{Deployment, DeploymentRecord, anchor_calldata};
use tidegate_plan::config::Stage;
use tidegate_plan::{Executor, Expected, When};

use self::allowed::require_testnet;
pub use self::approved::{Approved, Done};
pub use self::frozen::Frozen;
use self::frozen::{Rest, missing, once_more};
pub use self::helper::HelperPlace;
use self::helper::helper_first;
pub(crate) use self::id::deployment_id;
use self::id::refuse_other_deployment;
pub use self::view::{DeployView, HelperView};
use crate::assess::namesake;
use crate::deployment::{Prepared, begun, expect, prepare, refuse_faults};
use crate::error::{AppResult, Kind, OrKind};
use crate::project::Project;
use crate::proxies::require_proxies;
use crate::release::Built;
use crate::sending::open_lane;
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

/// The result of a deployment.
pub(crate) struct Made {
    pub(crate) record: DeploymentRecord,
    pub(crate) file: PathBuf,
    pub(crate) deployed: Deployed,
    /// The call of a complete deployment that was made again.
    pub(crate) again: Option<String>,
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
    let mut attentions = require_proxies(project, place, built, &prepared, head).await?;
    let mut expected = expect(network, &prepared, head, when).await?;
    refuse_faults(&expected).inspect_err(|_| {
        // What is said of the rest is not lost.
        attentions.iter().for_each(|attention| project.front.attend(attention));
    })?;
    let deployment = prepared.deployment(project, built, &expected, network.id(), name)?;
    refuse_other_deployment(project, place, built, id, &deployment).await?;
    let again = undone::again((project, built, name), &prepared, &request.again)?;
    let mut run = run(built, id, (&prepared, &expected), &deployment, again)?;
    let lane = open_lane(project, network, signer).await?;
    helper_first(network, &prepared, &lane, head, &mut run, &mut expected).await?;
    let (whole, mut done) = made(&lane, network, &run, when).await?;
    let is_complete = whole.is_some();
    if !is_complete {
        undone::refuse_again((project, built, name), &run, &done)?;
    }
    attentions.extend(namesake(project, name, built)?);
    attentions.extend(undone::signed_before(lane.state(), &run));
    let plan = (&prepared, &expected);
    if !is_complete {
        let begun = Begun { project, place, built, plan, id, done: &done, head };
        run.taken_back = undone::taken_back(&begun, &run, &lane).await?;
        done.retain(|op| !run.taken_back.contains(op));
    }
    let begun = Begun { project, place, built, plan, id, done: &done, head };
    begun.refuse_other_code().await?;
    attentions.extend(undone::said(&begun, &mut run, (when, is_complete)).await?);
    let is_meant = run.again.union(&run.taken_back).cloned().collect();
    attentions.extend(begun.repeats(Some(lane.state()), &is_meant).await?);
    done.retain(|op| !(is_complete && run.again.contains(op)));
    let rest = match whole {
        Some(whole) if run.again.is_empty() => Rest::Nothing(whole),
        Some(whole) => once_more(project, network, &lane, (&run, whole)).await?,
        None => missing(project, network, &lane, &run, (&expected, &done)).await?,
    };
    let earlier = wiped::earlier(project, place, built.roots.release_root).await?;
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
        rest,
        done,
        earlier,
        attentions,
    })
}

/// The deployment where it is complete, and the operations that need not be sent.
async fn made(
    lane: &Lane<'_>,
    network: &Network,
    run: &DeployRun,
    when: When,
) -> AppResult<(Option<Deployed>, BTreeSet<String>)> {
    if when == When::Before && !run.is_tried(lane) {
        return Ok((None, BTreeSet::new()));
    }
    let whole = complete(lane, network, run).await?;
    let done = match whole {
        Some(_) => run.ops.iter().map(|op| op.id().to_owned()).collect(),
        None => there(lane, network, run).await?,
    };
    Ok((whole, done))
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
        project: built.release.project.clone(),
        release_root: built.roots.release_root,
        deployment_id: id,
        ops: prepared.resolved.freeze(expected).or_kind(Kind::Fail)?,
        checks: prepared.resolved.checks.iter().cloned().map(StepCheck::from).collect(),
        anchor: anchor_calldata(built.roots.release_root, deployment.digest()?).into(),
        again,
        taken_back: BTreeSet::new(),
    })
}
