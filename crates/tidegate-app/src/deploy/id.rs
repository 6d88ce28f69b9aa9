//! Which deployment of a release it is: an id is one deployment, with one build and one set of
//! parameters.

use tidegate_chain::Network;
use tidegate_evidence::is_wiped;
use tidegate_model::record::Deployment;

use crate::assess::compare_deployments;
use crate::error::{AppError, AppResult, Kind};
use crate::follow;
use crate::project::Project;
use crate::records;
use crate::release::Built;

/// The id of an existing deployment of this release, or a new one's.
///
/// # Errors
/// If the release is deployed from other sources under that id.
pub(crate) async fn deployment_id(
    project: &Project,
    built: &Built,
    (name, network): (&str, &Network),
    wanted: Option<u64>,
) -> AppResult<u64> {
    let Some(record) = records::of_anybody(project, name, built.roots.release_root)? else {
        return Ok(wanted.unwrap_or(0));
    };
    let id = wanted.unwrap_or(record.id);
    let same_build = record.deployment.build_digest == built.roots.build_digest;
    if id == record.id && !same_build && !is_wiped(network, &record).await? {
        let from = record.deployment.build_digest.short();
        let second = follow::second(project, built, name, record.id + 1)?;
        return Err(AppError::new(
            Kind::Conflict,
            format!("{} is already deployed on {name} from build {from}", record.name),
        )
        .hint("the sources differ only in what no code shows, such as comments")
        .hint(second));
    }
    Ok(id)
}

/// A deployment id is one deployment: with other parameters it would be another one.
pub(super) async fn refuse_other_deployment(
    project: &Project,
    (name, network): (&str, &Network),
    built: &Built,
    id: u64,
    deployment: &Deployment,
) -> AppResult {
    let recorded = records::of_anybody(project, name, built.roots.release_root)?;
    let Some(recorded) = recorded.filter(|r| r.id == id && r.deployment != *deployment) else {
        return Ok(());
    };
    // What its chain does not have any more is deployed anew, as the same one or as another.
    if is_wiped(network, &recorded).await? {
        return Ok(());
    }
    let (release, by) = (&recorded.name, recorded.deployment.executor);
    if by != deployment.executor {
        let text = format!("deployment {id} of {release} on {name} was made by {by}");
        let own = format!("this key is {}, and makes contracts of its own", deployment.executor);
        let second = follow::second(project, built, name, id + 1)?;
        return Err(AppError::new(Kind::Conflict, text).hint(own).hint(second));
    }
    let mut error = AppError::new(
        Kind::Conflict,
        format!("deployment {id} of {release} on {name} exists already and differs from this plan"),
    );
    for difference in compare_deployments(&recorded.deployment, deployment) {
        error = error.hint(difference);
    }
    Err(error.hint(follow::second(project, built, name, id + 1)?))
}
