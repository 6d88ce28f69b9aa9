//! What stands behind the proxies of a plan: whether it is safe there, initialised, and stored as
//! before. All that is wrong with all of them is said at once.

use std::collections::BTreeSet;

use tidegate_chain::Network;
use tidegate_model::{Head, Reason, ReasonCode};
use tidegate_plan::config::Stage;
use tidegate_plan::{LeftOpen, left_open, uninitialized};

use crate::deployment::{Prepared, simulate};
use crate::error::{AppError, AppResult, Kind};
use crate::existing::wrong_starts;
use crate::follow;
use crate::follow_checks::require_standing;
use crate::layouts::judge_layouts;
use crate::project::Project;
use crate::release::Built;
use crate::safety::judge_safety;
use crate::wiped;

/// What is wrong with the proxies of a plan, and what whoever approves it may not overlook, one
/// sentence each.
#[must_use = "what is wrong is refused by `refuse` alone"]
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) faults: Vec<AppError>,
    pub(crate) attentions: Vec<String>,
}

impl Judged {
    /// Adds what else was found.
    pub(crate) fn extend(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.attentions.extend(other.attentions);
    }

    /// Refuses what is wrong. What is said of other proxies is told then too.
    pub(crate) fn refuse(self, project: &Project) -> AppResult<Vec<String>> {
        let Self { faults, attentions } = self;
        if !faults.is_empty() {
            attentions.iter().for_each(|attention| project.front.attend(attention));
        }
        AppError::first(faults).map(|()| attentions)
    }
}

/// Refuses upgrades that would start from other code than the plan says, what is unsafe behind
/// proxies, and upgrades that would damage what is stored; otherwise what whoever approves the plan
/// may not overlook, one sentence each.
pub(crate) async fn require_proxies(
    project: &Project,
    place: (&str, &Network),
    built: &Built,
    prepared: &Prepared,
    head: Head,
) -> AppResult<Vec<String>> {
    let earlier = match project.network(place.0)?.stage {
        Stage::Testnet => wiped::earlier(project, place, built.roots.release_root).await?,
        Stage::Mainnet => None,
    };
    let plan = (place.0, prepared);
    let mut judged = Judged::default();
    let wrong = wrong_starts(project, place.1, built, prepared, head).await?;
    let skipped: BTreeSet<_> = wrong.iter().map(|(step, _)| step.clone()).collect();
    judged.faults.extend(wrong.into_iter().map(|(_, error)| error));
    match require_standing(project, place.1, built, prepared, head.block).await {
        Err(error) if error.kind == Kind::Fail => judged.faults.push(error),
        standing => standing?,
    }
    judged.attentions.extend(follow::unsaid(project, built, plan, earlier.as_ref())?);
    judged.attentions.extend(follow::found(built));
    judged.extend(initialised(place.1, built, prepared, head).await?);
    judged.extend(judge_safety(place.1, built, prepared, head).await?);
    judged.extend(judge_layouts(project, place, built, (prepared, &skipped), head).await?);
    judged.refuse(project)
}

/// What anybody may initialise, before the plan does or after it.
async fn initialised(
    network: &Network,
    built: &Built,
    prepared: &Prepared,
    head: Head,
) -> AppResult<Judged> {
    let first = uninitialized(&built.release.plan, &built.release.artifacts);
    let mut judged = Judged::default();
    judged.attentions.extend(first.iter().map(|(step, function)| {
        format!(
            "no initialiser runs as the proxy {step} is created: anybody may call {function} first"
        )
    }));
    let resolved = &prepared.resolved;
    let run = |snapshot: &_| left_open(&built.release, resolved, snapshot);
    let found = match simulate(network, head, run).await {
        Ok(found) => found,
        // It only warns, so what cannot be tried stops nothing.
        Err(error) if error.kind == Kind::Config => {
            judged.attentions.push(format!("who may initialise proxies cannot be tried: {error}"));
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    judged.extend(judge(found, &first));
    Ok(judged)
}

/// Refuses what makes a stranger the owner, and tells of the rest. Of a step that says why no
/// initialiser runs, what was told already is not told twice, and nothing is refused.
fn judge(found: Vec<LeftOpen>, first: &[(String, String)]) -> Judged {
    let mut judged = Judged::default();
    for open in found {
        let mut of_step = first.iter().filter(|(step, _)| *step == open.step).peekable();
        let is_allowed = of_step.peek().is_some();
        if of_step.any(|(_, function)| *function == open.function) {
            continue;
        }
        match sentence(&open) {
            text if open.owns && !open.stands && !is_allowed => {
                let reason = Reason::new(ReasonCode::UpgradeUnsafe, text);
                judged.faults.push(AppError::new(Kind::Fail, reason));
            }
            text => judged.attentions.push(text),
        }
    }
    judged
}

fn sentence(LeftOpen { step, function, owns, stands }: &LeftOpen) -> String {
    let when = if *stands { "as it stands" } else { "after the plan" };
    let then = if *owns { ", and owns the proxy then" } else { "" };
    format!(
        "{step}: {when} anybody may call the initialiser {function}{then}: let the plan call it, \
         or its code say who may"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{folder, opened};

    #[test]
    fn a_stranger_who_would_own_a_proxy_is_refused_unless_the_step_says_why_not() {
        let open = |function: &str, owns, stands| LeftOpen {
            step: "box".to_owned(),
            function: function.to_owned(),
            owns,
            stands,
        };
        let first = [("box".to_owned(), "init()".to_owned())];
        for (found, first, faults, attentions) in [
            (open("init()", true, false), &[][..], 1, 0),
            (open("init()", false, false), &[], 0, 1),
            (open("init()", true, true), &[], 0, 1),
            (open("init()", true, false), &first, 0, 0),
            (open("init(address)", true, false), &first, 0, 1),
        ] {
            let judged = judge(vec![found.clone()], first);
            let counts = (judged.faults.len(), judged.attentions.len());
            assert_eq!(counts, (faults, attentions), "{found:?} {first:?}");
        }
    }

    /// What is wrong with one proxy hides nothing of the others.
    #[test]
    fn all_that_is_found_about_proxies_is_told_together() {
        let config = "[project]\nname = \"v\"\nversion = \"1\"\n";
        let root = folder(&[("tidegate.toml", config)]);
        let (project, front) = opened(root.path(), &[]);
        let fault = |text: &str, hint: &str| AppError::new(Kind::Fail, text).hint(hint);
        let judged = |faults| Judged { faults, attentions: vec!["box: look".to_owned()] };
        let mut all = judged(vec![fault("vault moves", "one way"), fault("pool grows", "one way")]);
        all.extend(judged(vec![fault("safe: unsafe", "another way")]));
        let error = all.refuse(&project).unwrap_err();
        let said = format!("{error} {:?}", error.hints);
        for text in ["vault moves", "also: pool grows", "also: safe: unsafe", "another way"] {
            assert!(said.contains(text), "{said}");
        }
        assert_eq!(said.matches("one way").count(), 1, "{said}");
        assert_eq!(*front.attended.lock().unwrap(), ["box: look", "box: look"]);
        assert_eq!(judged(Vec::new()).refuse(&project).unwrap(), ["box: look"]);
    }
}
