//! Posting on the target that a deployment soaks from now on.

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::NEVER;
use tidegate_model::{ReleaseRoot, StatementDigest};

use super::{Subject, speaker};
use crate::assess::start_subject;
use crate::error::{AppError, AppResult};
use crate::posting::post;
use crate::project::Project;
use crate::release::select;
use crate::saying::About;
use crate::{records, relied};

/// The start of one deployment's soak, which is not posted yet.
#[derive(Debug)]
pub struct Start {
    /// The deployed release's name.
    pub name: String,
    /// The network on which it soaks.
    pub soak: String,
    /// The target at whose helper it is posted.
    pub target: String,
    /// The subject of the post.
    subject: StatementDigest,
}

/// The starts of a release's soaks.
#[derive(Debug)]
pub struct Starts {
    /// Those that can be posted.
    pub ready: Vec<Start>,
    /// The reason why there are no others, or the first obstacle.
    pub outcome: AppResult,
}

/// The posts that were made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StartedView {
    /// Their subjects.
    pub posted: Vec<StatementDigest>,
    /// The target at whose helper it is posted.
    pub target: String,
}

/// The starts of a release's soaks on every network that backs the target. A network that cannot be
/// used hinders no other: its anchor is not final, or the signer is neither the deployer nor of the
/// policy.
///
/// # Errors
/// If it is deployed on none.
pub async fn starts(
    project: &Project,
    signer: &dyn DigestSigner,
    subject: &Subject,
) -> AppResult<Starts> {
    relied::require(project).await?;
    let about = About::of_target(project, subject.target.as_deref())?;
    let release = select(project, subject.release.as_deref())?.roots.release_root;
    let (mut ready, mut errors) = (Vec::new(), Vec::new());
    for soak in &project.network(&about.target)?.soaks_on {
        match start(project, signer, &about, (soak, release)).await {
            Ok(found) => ready.extend(found),
            Err(error) => errors.push(error),
        }
    }
    if ready.is_empty() && errors.is_empty() {
        return Err(AppError::config("it is not deployed on any soak network of the target")
            .hint("run `tidegate deploy` first"));
    }
    Ok(Starts { ready, outcome: AppError::first(errors) })
}

/// The start of the soak on one network; `None` if the release is not deployed there.
async fn start(
    project: &Project,
    signer: &dyn DigestSigner,
    about: &About,
    (soak, release): (&str, ReleaseRoot),
) -> AppResult<Option<Start>> {
    let Some(record) = records::of_release(project, soak, release)? else { return Ok(None) };
    if signer.address() != record.deployment.executor {
        speaker(project, signer.address())?;
    }
    let network = project.connect(soak).await?;
    let subject = start_subject(about.id, &record, &network).await?;
    let (soak, target) = (soak.to_owned(), about.target.clone());
    Ok(Some(Start { name: record.name, soak, target, subject }))
}

impl Start {
    /// Posts the start once it is approved, unless it is posted already.
    ///
    /// # Errors
    /// If nobody approves it, or it cannot be sent.
    pub async fn post(&self, project: &Project, signer: &dyn DigestSigner) -> AppResult {
        let Self { target, subject, .. } = self;
        post(project, target, signer, format!("start/{subject}"), (*subject, NEVER)).await
    }
}

impl StartedView {
    /// The view of the posts made on one target.
    pub fn of(starts: Vec<Start>) -> Self {
        let target = starts.first().map(|start| start.target.clone()).unwrap_or_default();
        Self { posted: starts.into_iter().map(|start| start.subject).collect(), target }
    }
}
