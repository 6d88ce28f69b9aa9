//! Facts of the gate `obligations`: what emergency promotions left to do.
//!
//! That a promotion was an emergency is read from the chain: its batch posts, by the Safe itself,
//! until when its obligations are due.

use std::collections::BTreeSet;

use tidegate_gates::{Debt, ObligationFacts, Observed, evaluate_soak, owed};
use tidegate_model::statement::{Body, debt_subject};
use tidegate_model::{GateId, Head, ProjectId, Reason, ReasonCode};
use tidegate_safe::helper::Recorded;

use super::candidate::{Candidate, observed};
use super::deployers::{self, Deployed};
use super::posts::Posts;
use super::soak_networks::Soaked;
use super::{audits, soak_networks};
use crate::error::AppResult;
use crate::policy_doc::people;
use crate::promotion::promotions;
use crate::release::of_deployment;

pub(super) async fn facts(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
) -> AppResult<Observed<ObligationFacts>> {
    let network = candidate.target_network.clone()?;
    let at = head.clone()?;
    let settings = candidate.project.network(candidate.target)?;
    let Some(safe) = settings.safe else {
        return Ok(Err(Reason::unreadable("the target has no `safe`")));
    };
    let project = candidate.project.id(settings)?;
    let records = promotions(candidate.project, candidate.target, network, at).await?;
    let mut facts = ObligationFacts::default();
    let mut posts = Posts::at(network, at).await?;
    let own = candidate.built.roots.release_root;
    let mut seen = BTreeSet::new();
    for recorded in records {
        let release = recorded.record.release_root;
        if !seen.insert(release) {
            continue;
        }
        posts.about(release.0);
        let due_by = posts.until(safe, debt_subject(project, release)).await?;
        if due_by == 0 {
            // It was promoted with this gate passing: what was owed before it was paid.
            break;
        }
        if release != own {
            let unmet = unmet(candidate, head, project, &recorded).await?;
            facts.debts.push(Debt { release, due_by, unmet });
        }
    }
    facts.inputs = vec![posts.input("obligations/promotions")];
    Ok(Ok(facts))
}

/// What a release that was promoted in an emergency still owes, judged as for any release.
async fn unmet(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    project: ProjectId,
    recorded: &Recorded,
) -> AppResult<Vec<Reason>> {
    let release = recorded.record.release_root;
    let deployment = recorded.record.deployment_digest;
    let Some(built) = of_deployment(candidate.project, release, deployment)? else {
        let text = format!(
            "its sources are not here: check out the commit of release {}, run `tidegate build`",
            release.short()
        );
        return Ok(vec![Reason::new(ReasonCode::SourcesMissing, text)]);
    };
    let keys = deployers::read(candidate.project, candidate.target, release).await;
    let deployed = Deployed::by(keys.map_err(|error| error.reason()));
    let past = Candidate { built: &built, is_past: true, evidence: None, ..candidate.clone() };
    let other = Candidate { deployed, ..past };
    let audits = observed(audits::facts(&other, head)).await;
    let (soaked, why) = soak_networks::settled(&other, &audits).await?;
    let people = people(candidate.project);
    let has_postmortem = candidate.statements.general().any(|(_, general, signer)| {
        let said = matches!(&general.body, Body::Postmortem(found) if found.release == release);
        let known = people.values().any(|person| person.holds(signer));
        let after = general.issued_at >= recorded.recorded_at;
        said && known && after && general.project_id() == project
    });
    let time = head.as_ref().map(|head| head.timestamp).map_err(Clone::clone);
    let Soaked { soak, code, parameters, .. } = &soaked;
    let mut unmet = owed(&candidate.project.rules, soak, &audits, has_postmortem, &time);
    let stands = evaluate_soak(&candidate.project.rules, code, parameters, soak);
    // What its parameters are on the target is no longer a plan: they stand there.
    let stands = stands.iter().filter(|report| report.gate == GateId::Code);
    unmet.extend(stands.flat_map(|report| report.verdict.reasons()));
    unmet.extend(why);
    Ok(unmet)
}
