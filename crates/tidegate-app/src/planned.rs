//! A planned deployment, executed locally.

mod view;

use std::collections::BTreeSet;

use tidegate_plan::{Executor, Expected, OpKind, When};

pub use self::view::PlanView;
use crate::deploy::deployment_id;
use crate::deployment::{Prepared, expect, prepare, standing_creations};
use crate::error::AppResult;
use crate::project::Project;
use crate::proxies::require_proxies;
use crate::records;
use crate::release::Built;
use crate::shared::Begun;
use crate::standing::in_the_way;
use crate::wiped::{self, require_followed};

/// A plan on one network.
#[derive(Debug)]
pub struct Planned {
    /// Its operations.
    pub prepared: Prepared,
    /// What local execution expects of them.
    pub expected: Expected,
    /// The same as data.
    pub view: PlanView,
}

/// Resolves a release on a network and executes it locally. Without an `id` it is the deployment
/// that a key would go on with; a Safe's is 0.
///
/// # Errors
/// If something that it starts from is missing, or the network cannot be read.
pub async fn plan(
    project: &Project,
    built: &Built,
    name: &str,
    executor: Executor,
    id: Option<u64>,
) -> AppResult<Planned> {
    let network = project.connect_single(name).await?;
    let places = (name, &network);
    let id = match executor {
        Executor::Key(_) => deployment_id(project, built, places, id).await?,
        Executor::Safe(_) => id.unwrap_or(0),
    };
    let prepared = prepare(project, built, name, executor, id)?;
    let head = network.latest_head().await?;
    require_followed(project, places, built, id).await?;
    let mut attentions = require_proxies(project, places, built, &prepared, head).await?;
    let expected = expect(&network, &prepared, head, When::Before).await?;
    let standing = match executor {
        Executor::Safe(_) => {
            let plan = (&prepared.resolved, &expected);
            in_the_way(project, built, name, (&network, head), plan).await?
        }
        Executor::Key(_) => Vec::new(),
    };
    let mut there = standing_creations(&network, &prepared, head).await?;
    let is_begun = matches!(executor, Executor::Key(_)) && !there.is_empty();
    if let Executor::Key(_) = executor {
        let (plan, place) = ((&prepared, &expected), (name, &network));
        let begun = Begun { project, place, built, plan, id, done: &there, head };
        let (calls, said) = made_before(&begun).await?;
        attentions.extend(said);
        there.extend(calls);
    }
    let earlier = wiped::earlier(project, places, built.roots.release_root).await?;
    let view = PlanView::of((name, built), id, (&prepared, &expected));
    let view = view.with_there(&there, is_begun).after(earlier.as_ref());
    let view = PlanView { standing, ..view }.attending(attentions);
    Ok(Planned { prepared, expected, view })
}

/// The calls of a key's plan that were made already, and what to say of those that stand and of
/// those that are made again.
async fn made_before(begun: &Begun<'_>) -> AppResult<(BTreeSet<String>, Vec<String>)> {
    begun.refuse_other_code().await?;
    let Begun { plan: (prepared, expected), done: there, .. } = *begun;
    let is_whole = expected.faults.is_empty();
    let (mut said, mut taken_back) = (Vec::new(), BTreeSet::new());
    let mut made: BTreeSet<String> = BTreeSet::new();
    let is_recorded = !there.is_empty() && is_recorded(begun).await?;
    if is_recorded {
        made.extend(calls(prepared));
    } else if !there.is_empty() && is_whole {
        made.extend(begun.made_calls().await?);
        taken_back = Begun { done: &made, ..*begun }.taken_back().await?;
        made.retain(|op| !taken_back.contains(op));
    }
    if is_whole {
        let done = made.union(there).cloned().collect();
        let begun = Begun { done: &done, ..*begun };
        let due = if is_recorded { None } else { Some(begun.due().await?) };
        let (lost, known) = begun.lost(due.as_ref()).await?;
        if let Some(due) = due.filter(|_| !there.is_empty()) {
            said.extend(begun.shared(&due, &known).await?);
        }
        said.extend(lost);
        said.extend(begun.lost_before().await?);
        said.extend(begun.repeats(None, &taken_back).await?);
    }
    Ok((made, said))
}

/// The calls of a plan, by id.
fn calls(prepared: &Prepared) -> impl Iterator<Item = String> {
    let calls = prepared.resolved.ops.iter().filter(|op| matches!(op.kind, OpKind::Call { .. }));
    calls.map(|op| op.id.clone())
}

/// Whether this deployment is complete, as its record says.
async fn is_recorded(begun: &Begun<'_>) -> AppResult<bool> {
    let root = begun.built.roots.release_root;
    let (name, network) = begun.place;
    let all = wiped::there(network, records::all_of_release(begun.project, name, root)?).await?;
    Ok(all.iter().any(|record| record.id == begun.id && record.anchor().is_some()))
}
