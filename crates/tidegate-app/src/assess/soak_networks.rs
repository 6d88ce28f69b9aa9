//! A release on every network that backs a target: each is read for itself, and one has to pass in
//! full.

use std::cmp::Reverse;

use tidegate_chain::Network;
use tidegate_gates::{
    AuditFacts, CodeFacts, Observed, OtherSoak, ParameterFacts, SoakFacts, code_verdict, disputed,
    evaluate_soak, has_soaked, overall, progress,
};
use tidegate_model::record::DeploymentRecord;
use tidegate_model::{Reason, ReasonCode, Verdict};

use super::candidate::{Candidate, Gathered, observed};
use super::{code, soak};
use crate::error::{AppError, AppResult};
use crate::network::unreachable;
use crate::records;

/// A release on one soak network.
pub(super) struct Soaked {
    pub(super) name: String,
    pub(super) record: Option<DeploymentRecord>,
    pub(super) network: Observed<Network>,
    pub(super) soak: Observed<SoakFacts>,
    pub(super) code: Observed<CodeFacts>,
    pub(super) parameters: Observed<ParameterFacts>,
}

/// The network that the gates rest on, and what the others say.
pub(super) struct Soaks {
    pub(super) best: Soaked,
    pub(super) others: Vec<OtherSoak>,
}

/// Reads every network that has a record of the release. The gates rest on the one that comes
/// closest to passing; of equals, on the one with the greatest age, then on the first one.
pub(super) async fn read(
    candidate: &Candidate<'_>,
    audits: &Observed<AuditFacts>,
) -> AppResult<Soaks> {
    let mut read = Vec::new();
    for (name, record) in soaking(candidate)? {
        let soaked = one(candidate, audits, name, record, None).await;
        let rules = &candidate.project.rules;
        let reports = evaluate_soak(rules, &soaked.code, &soaked.parameters, &soaked.soak);
        let age = soaked.soak.as_ref().map_or(0, |facts| progress(rules, facts).credited_secs);
        let rank = (overall(&reports).severity(), Reverse(age));
        read.push((rank, soaked, reports));
    }
    let ranks = read.iter().enumerate().map(|(index, (rank, ..))| (*rank, index));
    let (_, best) = ranks.min().ok_or_else(|| {
        AppError::config(format!("[networks.{}] has no `soaks_on`", candidate.target))
            .hint("name the testnets whose soak backs it")
    })?;
    let (_, best, _) = read.remove(best);
    let mut others = Vec::new();
    if best.record.is_some() {
        let gone = gone(candidate, &best.name, best.record.as_ref())?;
        let (network, reports) = (best.name.clone(), Vec::new());
        others.extend((!gone.is_empty()).then_some(OtherSoak {
            network,
            has_record: true,
            reports,
            gone,
            disputed: Vec::new(),
        }));
    }
    for (_, soaked, reports) in read {
        let gone = gone(candidate, &soaked.name, soaked.record.as_ref())?;
        let rules = &candidate.project.rules;
        let disputed = soaked.soak.as_ref().map(|soak| disputed(rules, soak)).unwrap_or_default();
        others.push(OtherSoak { network: soaked.name, has_record: true, reports, gone, disputed });
    }
    others.extend(unrecorded(candidate, &best)?);
    Ok(Soaks { best, others })
}

/// Records on a network that somebody has seen and that are gone, one sentence each: those that a
/// go lists, and newer ones than the present one that this machine remembers.
fn gone(
    candidate: &Candidate<'_>,
    soak: &str,
    present: Option<&DeploymentRecord>,
) -> AppResult<Vec<String>> {
    // Without a genesis hash there is no policy either, so the gate `policy` is UNKNOWN.
    let Ok(identity) = crate::network::identity(candidate.project, soak) else {
        return Ok(Vec::new());
    };
    let listed = candidate.deployed.gone.iter().filter(|record| record.seen.network == identity.id);
    let mut gone: Vec<_> = listed.clone().map(|record| record.sentence()).collect();
    let release = candidate.built.roots.release_root;
    for record in records::gone(candidate.project, soak, release)? {
        let digest = record.deployment.digest()?;
        let is_listed = listed.clone().any(|missing| missing.seen.deployment == digest);
        if !is_listed && present.is_none_or(|present| present.id < record.id) {
            let file = record.file_name();
            gone.push(format!(
                "record deployments/{soak}/{file} is gone; restore it from git, or `tidegate \
                 import` a bundle that has it"
            ));
        }
    }
    Ok(gone.into_iter().map(|what| format!("it was deployed there, and {what}")).collect())
}

/// The networks that back the target without a record of this release, and which records of it
/// somebody has seen there.
fn unrecorded(candidate: &Candidate<'_>, best: &Soaked) -> AppResult<Vec<OtherSoak>> {
    let release = candidate.built.roots.release_root;
    let mut found = Vec::new();
    for soak in &candidate.project.network(candidate.target)?.soaks_on {
        if records::of_release(candidate.project, soak, release)?.is_some() {
            continue;
        }
        let gone = gone(candidate, soak, None)?;
        if *soak != best.name || !gone.is_empty() {
            let (network, reports) = (soak.clone(), Vec::new());
            let disputed = Vec::new();
            found.push(OtherSoak { network, has_record: false, reports, gone, disputed });
        }
    }
    Ok(found)
}

/// The networks with a record of this release; the first one where none has.
fn soaking(candidate: &Candidate<'_>) -> AppResult<Vec<(String, Option<DeploymentRecord>)>> {
    let soaks = &candidate.project.network(candidate.target)?.soaks_on;
    let mut found = Vec::new();
    for soak in soaks {
        let release = candidate.built.roots.release_root;
        if let Some(record) = records::of_release(candidate.project, soak, release)? {
            found.push((soak.clone(), Some(record)));
        }
    }
    if found.is_empty() {
        found.extend(soaks.first().map(|first| (first.clone(), None)));
    }
    Ok(found)
}

/// A release that was promoted before, on the network where it comes closest to passing; and why no
/// time mends it where it has not soaked whole. It is read as it stands; where a later deployment
/// changed something of it, also as it stood before that.
pub(super) async fn settled(
    candidate: &Candidate<'_>,
    audits: &Observed<AuditFacts>,
) -> AppResult<(Soaked, Option<Reason>)> {
    let best = read(candidate, audits).await?.best;
    let rules = &candidate.project.rules;
    if has_soaked(rules, &best.soak, &best.code) {
        return Ok((best, None));
    }
    let mut ended = None;
    for (name, record) in soaking(candidate)? {
        let Some(record) = record else { continue };
        let ends = match soak::ends(candidate, &name, &record).await {
            Ok(ends) => ends,
            Err(error) => {
                let why = format!("what later deployments changed on {name}: {error}");
                ended.get_or_insert(why);
                continue;
            }
        };
        for end in &ends {
            let (name, record) = (name.clone(), Some(record.clone()));
            let was = one(candidate, audits, name, record, Some(end.until)).await;
            if has_soaked(rules, &was.soak, &was.code) {
                return Ok((was, None));
            }
        }
        ended = ended.or(ends.first().map(|end| end.sentence(&name)));
    }
    let stands = best.code.as_ref().is_ok_and(|code| code_verdict(code) == Verdict::Pass);
    let release = candidate.built.roots.release_root.short();
    let again = match candidate.built.release.plan.follows {
        None => "again with another `--id`",
        Some(_) => "again with another `--id`, on a copy of the release that it follows",
    };
    let out = format!(
        "waiting does not help: check out the commit of release {release} and deploy it on {} \
         {again}; its soak starts over there",
        best.name
    );
    let why = match ended {
        Some(ended) => format!("{ended}; {out}"),
        None => out,
    };
    Ok((best, (!stands).then(|| Reason::new(ReasonCode::SoakCutShort, why))))
}

async fn one(
    candidate: &Candidate<'_>,
    audits: &Observed<AuditFacts>,
    name: String,
    record: Option<DeploymentRecord>,
    until: Option<u64>,
) -> Soaked {
    let _busy = candidate.project.front.busy(format!("reading the soak on {name}"));
    let network = candidate.project.connect(&name).await;
    let network = network.map_err(|error| unreachable(candidate.project, &name, error.reason()));
    let network = network.map(|n| n.within(candidate.budget));
    let gathered = Gathered {
        candidate: candidate.clone(),
        soak: &name,
        record: record.as_ref(),
        soak_network: network.as_ref().map_err(Clone::clone),
        until,
    };
    let soak = observed(soak::observe(&gathered, audits)).await;
    let (code, parameters) = code::facts(&gathered).await;
    Soaked { name, record, network, soak, code, parameters }
}
