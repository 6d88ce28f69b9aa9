//! Gathers every fact the gates look at, from the chain, the files and the store, and evaluates.
//!
//! What cannot be read becomes a fact that says so; the gates turn it into UNKNOWN.

mod alone;
pub(crate) mod audits;
mod candidate;
mod code;
pub(crate) mod decisions;
mod deployers;
pub(crate) mod emergency;
mod funds;
mod judged;
mod layout;
mod namesake;
mod obligations;
mod own_code;
mod posts;
mod record;
mod rehearsal;
mod safe;
mod separation;
mod soak;
mod soak_networks;
mod storage;
mod superseded;

use candidate::{Candidate, Gathered, Trust, budget, observed};
use deployers::Deployed;
use soak_networks::{Soaked, Soaks};
use tidegate_chain::Network;
use tidegate_evidence::StatementSet;
use tidegate_gates::{
    Facts, FundFacts, ObligationFacts, Observed, PolicyFacts, PolicyRules, effective_rules,
    evaluate, overall,
};
use tidegate_model::policy::PolicyDoc;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::{GateInput, GateReport, Head, ReleaseRoot, StatementDigest, Verdict};
use tidegate_safe::{EvidenceItems, SafeState};

use crate::error::{AppError, AppResult};
use crate::policy_doc;
use crate::project::Project;
use crate::release::Built;

pub(crate) use alone::{Alone, alone};
pub(crate) use code::VerifyReport;
pub(crate) use code::compare_deployments;
pub(crate) use code::slots;
pub(crate) use code::verify_testnet;
pub(crate) use deployers::to_see;
pub(crate) use emergency::Emergency;
pub(crate) use judged::contracts_fault;
pub(crate) use judged::judged;
pub(crate) use namesake::namesake;
pub(crate) use safe::safe_changes;
pub(crate) use soak::{counted, start_subject};

/// The result of an evaluation, with everything it rests on.
#[derive(Debug)]
pub struct Assessment {
    /// The target's name.
    pub target: String,
    pub release: ReleaseRoot,
    /// The soak network's name.
    pub soak: String,
    /// The report of each gate, in their fixed order.
    pub reports: Vec<GateReport>,
    /// The overall verdict.
    pub overall: Verdict,
    /// The target's latest finalized header: gate time.
    pub gate_head: Option<Head>,
    /// The facts of every gate.
    pub facts: Facts,
    /// The record of the deployment that soaks.
    pub record: Option<DeploymentRecord>,
    /// The present policy.
    pub policy: Option<PolicyDoc>,
    /// The Safe at gate time.
    pub safe: Option<SafeState>,
    /// The rules by which it is judged, waivers counted.
    pub effective: PolicyRules,
    /// Every statement seen.
    pub statements: StatementSet,
    /// Connections, for what comes next.
    pub target_network: Option<Network>,
    /// The soak network's connection.
    pub soak_network: Option<Network>,
}

impl Assessment {
    /// The facts, of all audits and accepted risks only those that are listed.
    pub(crate) fn facts_of(&self, listed: &[StatementDigest]) -> Facts {
        let mut facts = self.facts.clone();
        if let Ok(audits) = &mut facts.audits {
            audits.attestations.retain(|fact| listed.contains(&fact.digest));
            audits.acceptances.retain(|fact| listed.contains(&fact.digest));
        }
        facts
    }

    /// Whether nothing but the batch itself stands in the way: each gate lets it through.
    pub(crate) fn is_held_by_batch(&self) -> bool {
        !self.overall.allows() && self.reports.iter().all(|report| report.verdict.allows())
    }

    /// When the first of its waivers ends, if there is one.
    pub(crate) fn waived_until(&self) -> Option<u64> {
        let waived = self.reports.iter().filter_map(|report| match report.verdict {
            Verdict::Waived { until, .. } => Some(until),
            _ => None,
        });
        waived.min()
    }
}

/// Evaluates all gates of a release for a target.
pub async fn assess(project: &Project, built: &Built, target: &str) -> AppResult<Assessment> {
    assess_with(project, built, target, None, None).await
}

/// The same, with what an emergency lowers. Where a proposal's evidence is checked, what is counted
/// up to a block is counted up to the one that the proposal lists.
pub(crate) async fn assess_with(
    project: &Project,
    built: &Built,
    target: &str,
    urgent: Option<&Emergency>,
    evidence: Option<&EvidenceItems>,
) -> AppResult<Assessment> {
    let budget = budget();
    let _busy = project.front.busy(format!("reading what the gates of {target} look at"));
    let target_network = project.connect(target).await;
    let target_network = target_network.map(|n| n.within(budget));
    let gate_head = gate_head(project, target_network.as_ref().map_err(AppError::reason)).await;
    let gate = (project.network(target)?.chain, at_gate(&target_network, &gate_head));
    let statements = crate::statements::load_at(project, Some(gate)).await?;
    let release = built.roots.release_root;
    let deployed = Deployed::read(project, target, &statements, release).await;
    let candidate = Candidate {
        deployed,
        project,
        built,
        target,
        statements: &statements,
        target_network: target_network.as_ref().map_err(AppError::reason),
        is_past: false,
        evidence,
        budget,
    };
    let trust = candidate.trust(&gate_head).await;
    let audits = observed(audits::facts(&candidate, &gate_head)).await;
    let Soaks { best, others } = soak_networks::read(&candidate, &audits).await?;
    let funds = funds_of(&candidate, &best, &gate_head).await;
    let Soaked { name: soak, record, network: soak_network, soak: soak_facts, code, parameters } =
        best;
    let (obligations, relief) = candidate.relief(&gate_head, &trust, urgent).await;
    let facts = Facts {
        gate_time: gate_head.as_ref().map(|head| head.timestamp).map_err(Clone::clone),
        code,
        layout: observed(layout::facts(&candidate, &gate_head)).await,
        parameters,
        soak: soak_facts,
        other_soaks: others,
        separation: separation::facts(&candidate, &audits).map_err(|error| error.reason()),
        audits,
        bugs: decisions::bugs(&candidate),
        policy: candidate.policy(&gate_head, &trust).await,
        safe: observed(safe::facts(&candidate, &gate_head, &trust)).await,
        funds,
        go: observed(decisions::go(&candidate, &gate_head)).await,
        obligations,
        waivers: decisions::waivers(&candidate, relief.lowerings, relief.remarks)?,
    };
    let reports = evaluate(&project.rules, &facts);
    let (policy, safe) = trust.map_or((None, None), |(doc, safe)| (Some(doc), Some(safe)));
    Ok(Assessment {
        target: target.to_owned(),
        release,
        overall: overall(&reports),
        reports,
        gate_head: gate_head.ok(),
        effective: effective_rules(&project.rules, &facts),
        facts,
        policy,
        safe,
        soak,
        record,
        target_network: target_network.ok(),
        soak_network: soak_network.ok(),
        statements,
    })
}

async fn funds_of(
    candidate: &Candidate<'_>,
    soaked: &Soaked,
    gate_head: &Observed<Head>,
) -> Observed<FundFacts> {
    let gathered = Gathered {
        candidate: candidate.clone(),
        soak: &soaked.name,
        record: soaked.record.as_ref(),
        soak_network: soaked.network.as_ref().map_err(Clone::clone),
        until: None,
    };
    observed(funds::facts(&gathered, gate_head)).await
}

/// The target with the block that gates are judged at.
fn at_gate(network: &AppResult<Network>, head: &Observed<Head>) -> Observed<(Network, Head)> {
    let network = network.as_ref().map_err(AppError::reason)?;
    Ok((network.clone(), head.clone()?))
}

/// The target's latest finalized header: gate time.
async fn gate_head(project: &Project, network: Observed<&Network>) -> Observed<Head> {
    let head = network?.finalized_head().await;
    let head = head.map_err(|error| AppError::from(error).reason())?;
    crate::clock::warn_if_skewed(&*project.front, (project.clock)(), head.timestamp);
    Ok(head)
}

impl Candidate<'_> {
    async fn trust(&self, head: &Observed<Head>) -> Trust {
        let read = async {
            policy_doc::require_soaks(self.project, self.target)?;
            let network = self.target_network.clone()?;
            let head = head.clone()?;
            let safe = self.project.network(self.target)?.safe.ok_or_else(|| {
                AppError::config(format!("[networks.{}] has no `safe`", self.target))
            })?;
            let state = policy_doc::safe_state(network, safe, head).await?;
            let doc = policy_doc::current(self.project, self.target, network.id(), &state)?;
            Ok::<_, AppError>((doc, state))
        };
        read.await.map_err(|error| error.reason())
    }

    /// What emergencies owe, and what this one lowers.
    async fn relief(
        &self,
        head: &Observed<Head>,
        trust: &Trust,
        urgent: Option<&Emergency>,
    ) -> (Observed<ObligationFacts>, emergency::Relief) {
        let mut owed = observed(obligations::facts(self, head)).await;
        let relief = match urgent {
            Some(urgent) => emergency::relief(self, head, trust, urgent, &mut owed).await,
            None => emergency::Relief::default(),
        };
        (owed, relief)
    }

    async fn policy(&self, head: &Observed<Head>, trust: &Trust) -> Observed<PolicyFacts> {
        let (doc, _) = trust.as_ref().map_err(Clone::clone)?;
        let head = head.clone()?;
        let network = self.target_network.clone()?;
        let read = async {
            let current = doc.digest()?;
            let trust = policy_doc::adopted(self.project, self.target, network, head, doc).await?;
            let input = GateInput {
                kind: "policy/adopted".to_owned(),
                chain: network.id().chain,
                block: head.block,
                digest: current.0,
            };
            Ok::<_, AppError>(PolicyFacts { current, trust, inputs: vec![input] })
        };
        read.await.map_err(|error| error.reason())
    }
}
