//! What a statement is about, and by which block it is dated.

use tidegate_chain::{Network, ReadError, Reading};
use tidegate_model::ProjectId;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, Date, General, NEVER, ProjectRef};
use tidegate_plan::config::Stage;

use crate::error::AppResult;
use crate::project::Project;
use crate::relied;

/// The target that a statement is about: it gives the project's id and the date.
#[derive(Debug)]
pub(crate) struct About {
    /// The target's name.
    pub target: String,
    /// The project on it, as statements name it.
    pub project: ProjectRef,
    /// The project's id on the target.
    pub id: ProjectId,
}

impl About {
    /// The named target, or the only one.
    pub(crate) fn of_target(project: &Project, named: Option<&str>) -> AppResult<Self> {
        let target = project.network_of(named, Stage::Mainnet);
        let target = target.map_err(|error| match named {
            None if project.targets().count() > 1 => {
                error.hint("name the target with --target NAME")
            }
            _ => error,
        })?;
        Self::on(project, target)
    }

    /// Takes a target by its name.
    pub(crate) fn on(project: &Project, target: String) -> AppResult<Self> {
        let settings = project.network(&target)?;
        let named = project.named_at(settings)?;
        Ok(Self { target, id: named.id(settings.chain), project: named })
    }

    /// As [`Self::of_target`], for a stop. If the file names another Safe than this machine relies
    /// on, the stop is made for the Safe that it relies on, so that no line in git turns a stop
    /// aside.
    pub(crate) fn for_stop(project: &Project, named: Option<&str>) -> AppResult<Self> {
        let about = Self::of_target(project, named)?;
        let Some(instead) = relied::stops_instead(project, &about.target)? else {
            return Ok(about);
        };
        let known = ProjectRef { name: instead.project, safe: instead.safe };
        Ok(Self { id: known.id(instead.chain), project: known, ..about })
    }
}

/// The date of a new statement: the newest finalized block of the target. A statement that
/// `--approve` names keeps the date with which it was shown.
pub(crate) async fn now(project: &Project, about: &About) -> AppResult<Date> {
    dated(project, about, false).await
}

/// As [`now`], for a stop: the block may be old, since a stop does not wait for finality.
pub(crate) async fn now_for_stop(project: &Project, about: &About) -> AppResult<Date> {
    dated(project, about, true).await
}

/// A network as a stop reads it, and the doubt about it: heads that are far apart are taken as they
/// are, and if too few endpoints answer, one is enough.
pub(crate) async fn for_stop(network: Network) -> (Network, Option<ReadError>) {
    let Err(why) = network.finalized_head().await else { return (network, None) };
    let network = network.for_stop();
    match network.finalized_head().await {
        Ok(_) => (network, Some(why)),
        Err(_) => (network.reading(Reading::Single), Some(why)),
    }
}

async fn dated(project: &Project, about: &About, stops: bool) -> AppResult<Date> {
    if let Some(date) = project.date.get() {
        return Ok(*date);
    }
    let mut network = project.connect(&about.target).await?;
    if stops {
        let (as_it_is, doubt) = for_stop(network).await;
        network = as_it_is;
        if let Some(why) = doubt {
            let target = &about.target;
            project.front.warn(format!(
                "the newest final block of {target} is in doubt: {why}. A stop does not wait: it \
                 is dated by the newest final block that is shown here"
            ));
        }
    }
    let head = network.finalized_head().await?;
    let newest = Date::of(network.id().chain, head);
    let date = crate::approve::shown_at(project, &newest)?.unwrap_or(newest);
    Ok(*project.date.get_or_init(|| date))
}

/// A statement of the project, dated by its target.
pub(crate) async fn general(
    project: &Project,
    about: &About,
    signer: &dyn DigestSigner,
    body: Body,
) -> AppResult<General> {
    let Date { at, time } = dated(project, about, body.stops()).await?;
    let expires_at = body.ends_at(time).unwrap_or(NEVER);
    let signer = signer.address();
    let project = match body {
        // An attestation belongs to no project.
        Body::AuditRevoke(_) => None,
        _ => Some(about.project.clone()),
    };
    Ok(General { signer, project, body, at, issued_at: time, expires_at })
}
