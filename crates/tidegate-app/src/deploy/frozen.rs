//! A deployment as it would be made now: shown, and approved.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256};
use tidegate_chain::Network;
use tidegate_engine::{ANCHOR_GAS, Adoption, Ceiling, DeployRun, Deployed, Lane, adopted_nonce};
use tidegate_model::event::Intent;
use tidegate_model::record::{Deployment, DeploymentRecord};
use tidegate_model::units::format_amount;
use tidegate_plan::{Expected, HELPER};

use super::allowed::require_balance;
use super::approved::{Approved, Way};
use super::helper::HELPER_OP;
use super::view::FrozenView;
use crate::approve::{Approval, Given, approve, fields, names};
use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind};
use crate::planned::PlanView;
use crate::project::Project;
use crate::release::Built;
use crate::sending::{self, refuse_unsettled, show_adoption, weighed};

/// A deployment as it would be made now.
#[derive(Debug)]
pub struct Frozen<'a> {
    pub(super) project: &'a Project,
    pub(super) network: &'a Network,
    pub(super) built: &'a Built,
    pub(super) name: &'a str,
    pub(super) prepared: Prepared,
    pub(super) expected: Expected,
    pub(super) deployment: Deployment,
    pub(super) run: DeployRun,
    pub(super) lane: Lane<'a>,
    pub(super) rest: Rest,
    /// The operations that need not be sent.
    pub(super) done: BTreeSet<String>,
    /// The newest deployment of another release.
    pub(super) earlier: Option<DeploymentRecord>,
    /// What contracts behind proxies do, and what earlier calls did and somebody has undone.
    pub(super) attentions: Vec<String>,
}

/// What is left to send of a deployment.
#[derive(Debug)]
pub(super) enum Rest {
    /// Nothing: it is complete.
    Nothing(Deployed),
    /// A call of it once more, though it is complete.
    Call(Deployed, Box<(String, Intent)>, Due),
    /// What is missing of it.
    Missing(Due),
}

/// What is approved.
#[derive(Debug)]
pub(super) struct Due {
    adoption: Option<Adoption>,
    ceiling: Ceiling,
    hash: B256,
    begun_before: bool,
}

/// What is missing of a deployment, as it is approved.
pub(super) async fn missing(
    project: &Project,
    network: &Network,
    lane: &Lane<'_>,
    run: &DeployRun,
    (expected, done): (&Expected, &BTreeSet<String>),
) -> AppResult<Rest> {
    let adoption = lane.adoption().await?;
    let nonce = adopted_nonce(lane, adoption.as_ref());
    let gas = expected.gas.iter().filter(|(op, _)| !done.contains(op));
    let gas: Vec<_> = gas.cloned().collect();
    // Who goes on approves the same hash again, as long as fees stay below what it says.
    let named = |hash| names(project, Given::Beginning, hash);
    let ceiling = run.ceiling(lane, nonce, &gas, named).await?;
    let hash = run.digest(network.id(), lane.id().sender, nonce, ceiling.most)?;
    let begun_before = lane.state().approved.contains(&hash);
    require_balance(network, lane, expected, (run, done)).await?;
    Ok(Rest::Missing(Due { adoption, ceiling, hash, begun_before }))
}

/// A call of a complete deployment that is made once more, as it is approved.
pub(super) async fn once_more(
    project: &Project,
    network: &Network,
    lane: &Lane<'_>,
    (run, whole): (&DeployRun, Deployed),
) -> AppResult<Rest> {
    let mut wanted = run.again.iter();
    let (Some(op), None) = (wanted.next(), wanted.next()) else {
        let what = "this deployment is complete: its calls are made again one by one";
        return Err(AppError::usage(what).hint("pass one `--again`, then the next one"));
    };
    let unknown = || AppError::usage(format!("--again {op}: the plan has no call of this name"));
    let intent = run.once_more(lane, op).ok_or_else(unknown)?;
    let adoption = lane.adoption().await?;
    let of = (&intent, Given::Beginning);
    let (needed, ceiling, hash) = weighed(project, lane, adoption.as_ref(), of).await?;
    sending::require_balance(network, lane.id().sender, &intent, needed).await?;
    let due = Due { adoption, ceiling, hash, begun_before: false };
    Ok(Rest::Call(whole, Box::new((op.clone(), intent)), due))
}

impl Rest {
    const fn due(&self) -> Option<&Due> {
        match self {
            Self::Nothing(_) => None,
            Self::Call(_, _, due) | Self::Missing(due) => Some(due),
        }
    }
}

impl<'a> Frozen<'a> {
    /// Whether it creates the helper contract first.
    pub fn creates_helper(&self) -> bool {
        self.expected.gas.iter().any(|(op, _)| op == HELPER_OP)
    }

    /// Whether exactly this was approved before and broke off.
    pub fn begun_before(&self) -> bool {
        self.rest.due().is_some_and(|due| due.begun_before)
    }

    /// Whether all of it is there already, and nothing is sent.
    pub const fn is_complete(&self) -> bool {
        self.rest.due().is_none()
    }

    /// All of it, for programs.
    fn view(&self) -> FrozenView {
        let plan = (&self.prepared, &self.expected);
        let plan = PlanView::of((self.name, self.built), self.run.deployment_id, plan);
        let plan = plan
            .with_there(&self.done, true)
            .after(self.earlier.as_ref())
            .attending(self.attentions.iter().cloned());
        let due = self.rest.due();
        let adoption = due.and_then(|due| due.adoption.as_ref());
        let most = due.map_or(U256::ZERO, |due| due.ceiling.most);
        let helper_gas = self.expected.gas.iter().find(|(op, _)| op == HELPER_OP);
        FrozenView {
            deployer: self.lane.id().sender,
            creates_helper: self.creates_helper(),
            helper_gas: helper_gas.map(|(_, gas)| *gas),
            anchor: self.run.anchor.clone(),
            anchor_gas: if matches!(self.rest, Rest::Missing(_)) { ANCHOR_GAS } else { 0 },
            adopts_at_nonce: adoption.map(|adoption| adoption.nonce),
            fees_at_most: most,
            costs_at_most: most.saturating_add(plan.value),
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
            0 => "All else was sent before, the soak's anchor too; its record stays as it is."
                .to_owned(),
            gas => format!(
                "The last transaction is the soak's anchor: it goes to the deployer itself, with \
                 at most {gas} gas."
            ),
        });
        if let Some(adoption) = self.rest.due().and_then(|due| due.adoption.as_ref()) {
            show_adoption(self.project, adoption);
        }
        let most = format_amount(view.fees_at_most, 18);
        front.note(format!("Its fees come to at most {most} ETH."));
        if view.costs_at_most > view.fees_at_most {
            let most = format_amount(view.costs_at_most, 18);
            front.note(format!("With what is sent along, it costs at most {most} ETH."));
        }
    }

    /// Shows all of it, and has it approved. What the request approves already is not shown again,
    /// and where nothing is sent there is nothing to approve.
    ///
    /// # Errors
    /// If it is not approved, or something else was.
    pub fn approve(self) -> AppResult<Approved<'a>> {
        let Some(due) = self.rest.due() else { return self.nothing() };
        let view = self.view();
        let given = Given::Beginning;
        if self.project.dry_run || !names(self.project, given, due.hash) {
            self.tell(&view);
        }
        refuse_unsettled(self.project, due.adoption.as_ref())?;
        let (network, hash, options) = (self.name, due.hash, Vec::new());
        let approval = Approval { network, hash, given, options, fields: fields(&view)? };
        let consent = approve(self.project, &approval)?;
        let Frozen { lane, rest, .. } = self;
        let by = consent.hash();
        let way = match rest {
            Rest::Call(whole, call, Due { adoption, ceiling, .. }) => {
                Way::Call(lane.clear(by, adoption.as_ref(), ceiling)?, whole, call)
            }
            Rest::Missing(Due { adoption, ceiling, .. }) => {
                Way::Rest(lane.clear(by, adoption.as_ref(), ceiling)?)
            }
            Rest::Nothing(whole) => Way::Nothing(lane, whole),
        };
        let gas: BTreeMap<_, _> = self.expected.gas.into_iter().collect();
        let Frozen { project, network, built, name, prepared, deployment, run, .. } = self;
        Ok(Approved { project, network, built, name, prepared, gas, deployment, run, way })
    }

    /// What is complete is only recorded again. What somebody has undone of it since is said.
    fn nothing(self) -> AppResult<Approved<'a>> {
        let Frozen { project, network, built, name, prepared, deployment, run, lane, .. } = self;
        for text in &self.attentions {
            project.front.warn(format!("{text}."));
        }
        let Rest::Nothing(whole) = self.rest else {
            return Err(AppError::new(Kind::Internal, "something is left to send"));
        };
        if project.dry_run {
            return Err(AppError::dry_run(format!("send nothing: all of it is on {name} already")));
        }
        let (gas, way) = (BTreeMap::new(), Way::Nothing(lane, whole));
        Ok(Approved { project, network, built, name, prepared, gas, deployment, run, way })
    }
}
