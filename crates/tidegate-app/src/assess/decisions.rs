//! Facts of the gates `go` and `bugs`, and the waivers: what people decided.

use alloy_primitives::Address;
use tidegate_evidence::StatementSet;
use tidegate_gates::{
    BugFact, BugFacts, Decision, FreezeFact, GoFacts, Lowering, Observed, PostedStop, TriageFact,
    WaiverFact, WaiverFacts,
};
use tidegate_model::statement::{Body, Freeze, Statement, Triage, freeze_subject, no_go_subject};
use tidegate_model::units::format_utc;
use tidegate_model::{GateInput, Head, ProjectId, Reason, ReasonCode, ReleaseRoot};
use tidegate_safe::helper;

use super::candidate::Candidate;
use super::posts::Posts;
use crate::error::{AppError, AppResult};
use crate::policy_doc::{people, require_keys};
use crate::project::Project;

/// How long a freeze by file can last, in seconds; another one can follow.
pub(crate) const FREEZE_SECS_MAX: u64 = 90 * 86_400;

/// Keys that deployed the release, on any network that backs the target.
pub(super) fn deployers(candidate: &Candidate<'_>) -> AppResult<Vec<Address>> {
    candidate.deployed.keys.clone().map_err(AppError::from)
}

/// Every go and no-go about a release that counts for a target.
pub(crate) fn decided(
    project: &Project,
    target: &str,
    statements: &StatementSet,
    release: ReleaseRoot,
) -> AppResult<Vec<Decision>> {
    let id = project.id(project.network(target)?)?;
    let decisions = statements.said_for(&project.config.name, id).filter_map(|said| {
        let (of, discipline, saw, records, reason) = match &said.general.body {
            Body::Go(go) => {
                let saw = Some(go.statements.clone());
                (go.release, &go.discipline, saw, go.records.clone(), &go.reason)
            }
            Body::NoGo(no_go) => {
                (no_go.release, &no_go.discipline, None, Vec::new(), &no_go.reason)
            }
            _ => return None,
        };
        (of == release).then(|| Decision {
            digest: said.digest,
            signer: said.signer,
            issued_at: said.general.issued_at,
            expires_at: said.general.expires_at,
            discipline: discipline.clone(),
            saw,
            records,
            reason: reason.clone(),
            confirmed: said.confirmed.clone(),
        })
    });
    Ok(decisions.collect())
}

pub(super) async fn go(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
) -> AppResult<Observed<GoFacts>> {
    let project = candidate.project.id(candidate.project.network(candidate.target)?)?;
    let roots = &candidate.built.roots;
    let people = people(candidate.project);
    let name = &candidate.project.config.name;
    let freezes = candidate.statements.said_for(name, project).filter_map(|said| {
        let Body::Freeze(Freeze { until, reason }) = &said.general.body else { return None };
        let latest = said.general.issued_at.saturating_add(FREEZE_SECS_MAX);
        Some(FreezeFact {
            digest: said.digest,
            signer: said.signer,
            until: (*until).min(latest),
            reason: reason.clone(),
            confirmed: said.confirmed.clone(),
        })
    });
    let is_known = |key| people.values().any(|person| person.holds(key));
    let bearing = candidate.statements.bearing(name, project, roots.release_root, is_known);
    let known = candidate.statements.present();
    let void = candidate.statements.void();
    let unconfirmed = candidate.statements.unconfirmed.iter();
    let unconfirmed = unconfirmed.filter(|(digest, _)| !known.contains_key(digest));
    let freezes = freezes.collect();
    let keys: Vec<_> =
        people.values().flat_map(tidegate_model::policy::Person::addresses).collect();
    let posted = posted(candidate, head, &keys).await.map_err(|error| error.reason());
    let (posted, inputs) = match posted {
        Ok((stops, inputs)) => (Ok(stops), inputs),
        Err(missing) => (Err(missing), Vec::new()),
    };
    Ok(Ok(GoFacts {
        people,
        deployers: deployers(candidate)?,
        decisions: decided(
            candidate.project,
            candidate.target,
            candidate.statements,
            roots.release_root,
        )?,
        unconfirmed: unconfirmed
            .map(|(digest, found)| (*digest, found.doubt.why.clone()))
            .collect(),
        known,
        unheard: unheard(candidate, head, roots.release_root)?,
        void,
        bearing,
        records: candidate.deployed.records.clone(),
        freezes,
        posted,
        inputs,
    }))
}

/// Each go about a release by somebody of the policy that does not count now. One that an endpoint
/// is too far behind to date is no less there.
fn unheard(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    release: ReleaseRoot,
) -> AppResult<Vec<Reason>> {
    let Candidate { project, target, statements, .. } = *candidate;
    let (name, id) = (&project.config.name, project.id(project.network(target)?)?);
    let people = people(project);
    let mut unheard = Vec::new();
    for (digest, found) in &statements.unconfirmed {
        let Statement::Statement(general) = &found.collected.signed.statement else { continue };
        let is_go = matches!(&general.body, Body::Go(go) if go.release == release);
        let by = people.iter().find(|(_, person)| person.holds(general.signer));
        let Some((by, _)) = by.filter(|_| is_go && general.counts_for(name, id)) else { continue };
        let why = &found.doubt.why;
        let mut text = format!("the go {} by {by} does not count: {why}", digest.short());
        if let (ReasonCode::DateAhead, Ok(head)) = (why.code, head) {
            text += &format!(
                ": the newest final block of {target}'s endpoint is {}, of {}, and the go is of \
                 {}, which is later; wait, or ask an endpoint that is not behind",
                head.block.number,
                format_utc(head.timestamp),
                format_utc(general.issued_at)
            );
        }
        unheard.push(Reason::new(why.code, text));
    }
    Ok(unheard)
}

/// Asks the helper on every target of the project whether somebody of the policy stopped this
/// release or froze the project. What is asked for follows from project and release alone, so that
/// no file is needed for it.
async fn posted(
    candidate: &Candidate<'_>,
    head: &Observed<Head>,
    keys: &[Address],
) -> AppResult<(Vec<PostedStop>, Vec<GateInput>)> {
    let network = candidate.target_network.clone()?;
    let head = head.clone()?;
    require_keys(candidate.project, candidate.target)?;
    let own = candidate.project.network(candidate.target)?;
    let release = candidate.built.roots.release_root;
    let mut posts = Posts::at(network, head).await?;
    let mut found = stops(&mut posts, candidate.project.id(own)?, release, keys).await?;
    let mut inputs = Vec::new();
    let others = candidate.project.targets().filter(|(name, _)| *name != candidate.target);
    for (name, target) in others.filter(|(_, target)| target.safe.is_some()) {
        let id = candidate.project.id(target)?;
        if target.chain == own.chain {
            found.extend(stops(&mut posts, id, release, keys).await?);
            continue;
        }
        let network = candidate.project.connect(name).await?;
        let head = network.finalized_head().await?;
        // Where the helper is not yet, nobody has posted.
        if network.code(helper::address(), head.block).await?.is_empty() {
            continue;
        }
        let mut posts = Posts::at(&network, head).await?;
        found.extend(stops(&mut posts, id, release, keys).await?);
        inputs.push(posts.input("go/posted"));
    }
    inputs.insert(0, posts.input("go/posted"));
    Ok((found, inputs))
}

/// What these keys posted about a project on one target.
async fn stops(
    posts: &mut Posts<'_>,
    project: ProjectId,
    release: ReleaseRoot,
    keys: &[Address],
) -> AppResult<Vec<PostedStop>> {
    let subjects = [(true, freeze_subject(project)), (false, no_go_subject(project, release))];
    let mut found = Vec::new();
    for by in keys {
        for (freeze, subject) in subjects {
            let until = posts.until(*by, subject).await?;
            if until > 0 {
                found.push(PostedStop { by: *by, freeze, until });
            }
        }
    }
    Ok(found)
}

pub(super) fn bugs(candidate: &Candidate<'_>) -> Observed<BugFacts> {
    let read = || -> AppResult<BugFacts> {
        let release = candidate.built.roots.release_root;
        let bugs = candidate.statements.bugs().filter(|(_, bug)| bug.release == release);
        let triages = candidate.statements.said().filter_map(|said| {
            let Body::Triage(triage) = &said.general.body else { return None };
            let Triage { bug, resolution, of, .. } = *triage;
            Some(TriageFact {
                bug,
                signer: said.signer,
                issued_at: said.general.issued_at,
                resolution,
                of,
                confirmed: said.confirmed,
            })
        });
        Ok(BugFacts {
            people: people(candidate.project),
            deployers: deployers(candidate)?,
            bugs: bugs
                .map(|(said, bug)| BugFact {
                    digest: said.digest,
                    signer: said.signer,
                    bug: bug.clone(),
                    confirmed: said.confirmed,
                })
                .collect(),
            triages: triages.collect(),
        })
    };
    read().map_err(|error| error.reason())
}

/// Every waiver of the project; which ones count is for the gates.
pub(super) fn waivers(
    candidate: &Candidate<'_>,
    emergency: Vec<Lowering>,
    remarks: Vec<Reason>,
) -> AppResult<WaiverFacts> {
    let project = candidate.project.id(candidate.project.network(candidate.target)?)?;
    let waivers = candidate.statements.general().filter_map(|(digest, general, signer)| {
        let Body::Waiver(waiver) = &general.body else { return None };
        let issued_at = general.issued_at;
        (general.project_id() == project).then(|| WaiverFact {
            digest,
            signer,
            issued_at,
            waiver: waiver.clone(),
        })
    });
    // Where nobody knows who deployed, nobody can tell whose waiver counts.
    let known = deployers(candidate);
    let all_known = known.is_ok() && candidate.deployed.gone.is_empty();
    let waivers = waivers.filter(|_| all_known).collect();
    Ok(WaiverFacts {
        people: people(candidate.project),
        deployers: known.unwrap_or_default(),
        release: candidate.built.roots.release_root,
        waivers,
        emergency,
        remarks,
    })
}
