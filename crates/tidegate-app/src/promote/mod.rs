//! Proposing a release to a target's Safe: its gates are evaluated, what would be proposed is
//! frozen and executed locally, and then it is written. Each step is a type that only the step
//! before makes, so that whoever runs it shows each before the next.

mod making;

use std::path::PathBuf;

use tidegate_gates::{EMERGENCY_SECS_MAX, refusals, undeclarable};
use tidegate_model::statement::{EMERGENCY_GATES, EmergencyTerms, gate_set};
use tidegate_safe::{Checked, helper};

pub(crate) use self::making::assess_ready;
use self::making::{Draft, drafted, ran, target_of};
use crate::assess::emergency::baseline;
use crate::assess::{Assessment, Emergency, assess_with};
use crate::controls::require_controls;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::{people, safe_state};
use crate::project::Project;
use crate::promotion::{promotion_of, require_readable};
use crate::read_back::is_promoted;
use crate::recheck::Refusal;
use crate::release::{Built, require_minimal};
use crate::{proposal_files, relied, statements};

/// How long after an emergency's end its obligations are due, in seconds.
const RETRO_DUE_SECS: u64 = 30 * 86_400;

/// An urgent fix, for which guardians may lower what is asked.
#[derive(Debug, Clone)]
pub struct Urgent {
    /// What happened, such as the incident's number.
    pub incident: String,
    /// The soak that is asked for, in seconds.
    pub min_soak_secs: u64,
}

/// A release as it stands before the target's gates. Nothing of it changes between its evaluation
/// and its proposal.
#[derive(Debug)]
pub struct Candidate<'a> {
    project: &'a Project,
    built: &'a Built,
    assessment: Assessment,
    terms: Option<EmergencyTerms>,
}

/// What would be proposed, with nothing left to choose.
#[derive(Debug)]
pub struct Frozen<'a> {
    candidate: &'a Candidate<'a>,
    draft: Draft,
    controls: usize,
    valid_until: u64,
}

/// The same, whose batch was executed locally.
#[derive(Debug)]
pub struct Simulated<'a> {
    frozen: Frozen<'a>,
    gas: u64,
}

/// A proposal that was written for the owners.
#[derive(Debug)]
pub struct Proposed {
    /// The proposal.
    pub checked: Checked,
    /// Its file.
    pub file: PathBuf,
}

/// Evaluates every gate for a promotion.
///
/// # Errors
/// If something cannot be read without which nothing is judged, or an emergency may not be
/// declared.
pub async fn evaluate<'a>(
    project: &'a Project,
    built: &'a Built,
    target: &str,
    urgent: Option<&Urgent>,
) -> AppResult<Candidate<'a>> {
    relied::require(project).await?;
    let urgent = match urgent {
        Some(urgent) => Some(draft(project, built, target, urgent).await?),
        None => None,
    };
    let assessment = assess_with(project, built, target, urgent.as_ref(), None).await?;
    Ok(Candidate { project, built, assessment, terms: urgent.map(|urgent| urgent.terms) })
}

impl Candidate<'_> {
    /// Every gate.
    pub const fn assessment(&self) -> &Assessment {
        &self.assessment
    }

    /// The release.
    pub const fn built(&self) -> &Built {
        self.built
    }

    /// What guardians would sign, of an urgent fix.
    pub const fn terms(&self) -> Option<&EmergencyTerms> {
        self.terms.as_ref()
    }

    /// Freezes what would be proposed. Nothing is executed and nothing is written.
    ///
    /// # Errors
    /// If the gates do not let it through or one of them cannot fail, it is promoted already, or
    /// its batch does not read as what it is.
    pub async fn freeze(&self) -> AppResult<Frozen<'_>> {
        let Self { project, built, assessment, terms } = self;
        if !assessment.overall.allows() {
            return Err(Refusal::Gates(assessment.overall.clone()).into());
        }
        let (target, network) = (&assessment.target, target_of(assessment)?);
        if is_promoted(project, built, target, network).await? {
            let what = format!("{} is promoted to {target} already", built.release.name);
            return Err(AppError::new(Kind::Conflict, what));
        }
        require_minimal(project, built)?;
        let controls = require_controls(&project.rules, &assessment.facts)?;
        let draft = drafted(project, built, target, assessment, terms.clone()).await?;
        let Draft { proposal, plan } = &draft;
        plan.show_used(project, network, network.latest_head().await?).await?;
        require_readable(project, built, plan, &proposal.calls)?;
        let valid_until = promotion_of(proposal)?.valid_until;
        Ok(Frozen { candidate: self, draft, controls, valid_until })
    }
}

impl<'a> Frozen<'a> {
    /// How many damaged inputs the gates refused.
    pub const fn controls(&self) -> usize {
        self.controls
    }

    /// The calls of its batch.
    pub const fn calls(&self) -> usize {
        self.draft.proposal.calls.len()
    }

    /// Until when the Safe can execute it, in seconds since 1970.
    pub const fn valid_until(&self) -> u64 {
        self.valid_until
    }

    /// Executes its batch locally on the target's present state.
    ///
    /// # Errors
    /// If a call fails, or the state cannot be read.
    pub async fn simulate(self) -> AppResult<Simulated<'a>> {
        let gas = ran(target_of(&self.candidate.assessment)?, &self.draft).await?;
        Ok(Simulated { frozen: self, gas })
    }
}

impl Simulated<'_> {
    /// Its gas in local execution.
    pub const fn gas(&self) -> u64 {
        self.gas
    }

    /// Writes the proposal's file, and before it the files of what its evidence lists.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(self) -> AppResult<Proposed> {
        let Frozen { candidate, draft: Draft { proposal, .. }, .. } = self.frozen;
        let Candidate { project, assessment, .. } = candidate;
        let listed = promotion_of(&proposal)?.evidence.statements.iter().copied().collect();
        statements::restore(project, &assessment.statements, &listed)?;
        let checked = proposal.check(helper::address()).or_kind(Kind::Internal)?;
        let file = proposal_files::write(project, &assessment.target, &checked)?;
        Ok(Proposed { checked, file })
    }
}

/// What guardians will be asked to sign, from what the target shows.
async fn draft(
    project: &Project,
    built: &Built,
    target: &str,
    urgent: &Urgent,
) -> AppResult<Emergency> {
    let network = project.connect(target).await?;
    let head = network.finalized_head().await?;
    if let Some(safe) = project.network(target)?.safe {
        let threshold = safe_state(&network, safe, head).await?.trust.threshold;
        if let Some(why) = undeclarable(&project.rules, &people(project), threshold) {
            let text = format!("no emergency can be declared here: {why}");
            return Err(AppError::new(Kind::Fail, text).hint(
                "give people the role `guardian` under [people], and have the Safe adopt that; a \
                 looser policy waits 72 hours. Until then a release waits for its gates",
            ));
        }
    }
    let baseline = baseline(project, built, target, &network, head).await;
    let expires_at = head.timestamp.saturating_add(EMERGENCY_SECS_MAX);
    let found = baseline.map_err(|error| AppError::new(Kind::Fail, error.to_string()))?;
    let terms = EmergencyTerms {
        baseline_root: found.release,
        gate_set: gate_set(&EMERGENCY_GATES)?,
        min_soak_seconds: u32::try_from(urgent.min_soak_secs).or_kind(Kind::Usage)?,
        incident: urgent.incident.clone(),
        diff_digest: found.diff_digest,
        not_before: head.timestamp,
        expires_at,
        retro_due_by: expires_at.saturating_add(RETRO_DUE_SECS),
    };
    if let Some(why) = refusals(&terms, &Ok(found)).into_iter().next() {
        return Err(AppError::new(Kind::Fail, format!("the emergency would not count: {why}")));
    }
    Ok(Emergency { terms, safe_tx_hash: None })
}
