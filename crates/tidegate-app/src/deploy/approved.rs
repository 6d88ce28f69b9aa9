//! A deployment that is approved, or has nothing left to approve: it is run, and recorded.

use std::collections::BTreeMap;

use tidegate_chain::Network;
use tidegate_engine::{Cleared, DeployRun, Deployed, Landed, Lane, Progress};
use tidegate_gates::anchor_required;
use tidegate_model::event::Intent;
use tidegate_model::record::Deployment;
use tidegate_plan::op_label;

use super::record::{Ran, record};
use super::{DeployView, Made};
use crate::deployment::Prepared;
use crate::error::AppResult;
use crate::network::has_operator;
use crate::project::Project;
use crate::published;
use crate::release::Built;
use crate::sending::explained;

/// A deployment that somebody approved, and that nothing has changed since.
#[derive(Debug)]
pub struct Approved<'a> {
    pub(super) project: &'a Project,
    pub(super) network: &'a Network,
    pub(super) built: &'a Built,
    pub(super) name: &'a str,
    pub(super) prepared: Prepared,
    /// The gas of each operation, as local execution measured it.
    pub(super) gas: BTreeMap<String, u64>,
    pub(super) deployment: Deployment,
    pub(super) run: DeployRun,
    pub(super) way: Way<'a>,
}

/// What is sent of a deployment.
#[derive(Debug)]
pub(super) enum Way<'a> {
    /// Nothing: it is complete.
    Nothing(Lane<'a>, Deployed),
    /// A call of it once more, though it is complete.
    Call(Cleared<'a>, Deployed, Box<(String, Intent)>),
    /// What is missing of it.
    Rest(Cleared<'a>),
}

impl<'a> Way<'a> {
    fn lane(&self) -> &Lane<'a> {
        match self {
            Self::Nothing(lane, _) => lane,
            Self::Call(cleared, ..) | Self::Rest(cleared) => cleared.lane(),
        }
    }
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
            Progress::Landed { op, landed } => Some(Self::of_landed(op, landed)),
            Progress::There { op } => Some(Self { op: op_label(op), landed: None }),
        }
    }

    fn of_landed(op: &str, landed: &Landed) -> Self {
        let at = landed.inclusion.block.number;
        Self { op: op_label(op), landed: Some((at, landed.inclusion.gas_used)) }
    }
}

impl Approved<'_> {
    /// Sends what is missing of it, and writes its record.
    ///
    /// # Errors
    /// If a transaction cannot be sent, or leaves something else than local execution says.
    pub async fn run(mut self, report: &mut (dyn FnMut(&Done) + Send)) -> AppResult<DeployView> {
        let (deployed, again) = self.send(report).await?;
        let Self { project, network, built, name, prepared, deployment, run, way, .. } = self;
        let ran = Ran { project, name, network, lane: way.lane(), run: &run, deployed: &deployed };
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
        DeployView::of(project, name, Made { record, file, deployed, again, starts })
    }

    /// Sends what is to be sent, and says which call of a complete deployment was made again.
    async fn send(
        &mut self,
        report: &mut (dyn FnMut(&Done) + Send),
    ) -> AppResult<(Deployed, Option<String>)> {
        let Self { project, network, name, prepared, gas, run, way, .. } = self;
        let errors = &prepared.resolved.errors;
        match way {
            Way::Nothing(_, whole) => Ok((whole.clone(), None)),
            Way::Call(cleared, whole, call) => {
                let (op, intent) = &**call;
                let what = format!("waiting until {} is in a block", op_label(op));
                let busy = project.front.busy(what);
                let landed = cleared.run(intent).await.map_err(|error| explained(error, errors))?;
                drop(busy);
                report(&Done::of_landed(op, &landed));
                Ok((whole.clone(), Some(op.clone())))
            }
            Way::Rest(cleared) => {
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
                let sent = cleared.deploy(network, run, gas, &mut report).await;
                Ok((sent.map_err(|error| explained(error, errors))?, None))
            }
        }
    }
}
