//! The status of a release, with reasons.

use tidegate_evidence::is_wiped;
use tidegate_gates::Findings;
use tidegate_model::ports::DigestSigner;
use tidegate_model::{StatementDigest, Verdict};

use crate::assess::{Assessment, contracts_fault};
use crate::error::AppResult;
use crate::next::{executed, next_steps};
use crate::project::Project;
use crate::promote::assess_ready;
use crate::published::on_testnet;
use crate::read_back::Promoted;
use crate::release::Built;
use crate::report::{Document, Subject, report};
use crate::sampling;
use crate::view::StatusView;

/// One evaluation of a release before a target's gates.
#[derive(Debug)]
pub struct Status<'a> {
    project: &'a Project,
    built: &'a Built,
    assessment: Assessment,
    promoted: Option<Promoted>,
    pub view: StatusView,
    /// Files that others read and that are not what they must be, and contracts that sign without
    /// being able to; no gate rests on them. One sentence each.
    pub warnings: Vec<String>,
}

impl<'a> Status<'a> {
    /// Evaluates every gate, and reads back what is promoted.
    ///
    /// # Errors
    /// If something cannot be read without which nothing is judged.
    pub async fn read(project: &'a Project, built: &'a Built, target: &str) -> AppResult<Self> {
        let (assessment, standing) = assess_ready(project, built, target).await?;
        let files = wrong_files(project, built, &assessment, standing.files).await?;
        let warnings = files.into_iter().chain(contracts_fault(project, &assessment)).collect();
        let promoted = standing.promoted;
        let executed = executed(project, &assessment).await;
        let next = next_steps(project, built, &assessment, promoted.as_ref(), executed)?;
        let view = StatusView::of(project, built, &assessment, promoted.as_ref(), &next)?;
        Ok(Self { project, built, assessment, promoted, view, warnings })
    }

    /// The verdict: of what is promoted, how it stands; else that of the gates.
    pub fn verdict(&self) -> &Verdict {
        self.promoted.as_ref().map_or(&self.assessment.overall, |promoted| &promoted.verdict)
    }

    /// The whole of it, with everything that it rests on.
    ///
    /// # Errors
    /// If a contract of the release has no digest.
    pub fn report(&self) -> AppResult<Document> {
        report(Subject {
            built: self.built,
            assessment: &self.assessment,
            promoted: self.promoted.as_ref(),
            next: &self.view.next,
        })
    }

    /// Signs what was seen of the soak. `None` where this key has said so already.
    ///
    /// # Errors
    /// If there is nothing to sign, or it cannot be signed.
    pub fn sample(&self, signer: &dyn DigestSigner) -> AppResult<Option<StatementDigest>> {
        sampling::store(self.project, &self.assessment, signer)
    }
}

/// Names the files that front ends read and that are not what they must be. Those of a promoted
/// release are read back with it.
async fn wrong_files(
    project: &Project,
    built: &Built,
    assessment: &Assessment,
    mut files: Findings,
) -> AppResult<Vec<String>> {
    // What a chain that was begun anew does not have, has no files to compare. What cannot be read,
    // the gates say.
    if let (Some(network), Some(record)) = (&assessment.soak_network, &assessment.record)
        && !is_wiped(network, record).await.unwrap_or(false)
    {
        let place = (assessment.soak.as_str(), network);
        let soak = on_testnet(project, built, place, record, &record.deployment).await?;
        files.faults.extend(soak.faults);
        files.missing.extend(soak.missing);
    }
    Ok(files.faults.into_iter().chain(files.missing).map(|what| what.text).collect())
}
