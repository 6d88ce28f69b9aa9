//! The next steps of a release, each with the role that must act.

use tidegate_gates::disputed;
use tidegate_model::units::format_utc;
use tidegate_model::{GateId, GateReport, ReasonCode, Verdict};

use crate::assess::{Assessment, namesake};
use crate::error::AppResult;
use crate::policy_doc;
use crate::project::Project;
use crate::proposal_files;
use crate::read_back::Promoted;
use crate::release::Built;

/// How many transactions the Safe has executed by the latest block, where that can be read.
pub(crate) async fn executed(project: &Project, assessment: &Assessment) -> Option<u64> {
    let network = assessment.target_network.as_ref()?;
    let safe = project.network(&assessment.target).ok()?.safe?;
    let head = network.latest_head().await.ok()?;
    Some(policy_doc::safe_state(network, safe, head).await.ok()?.nonce)
}

/// The next steps, most urgent first. `executed` is how many transactions the Safe has executed by
/// the latest block: gates are judged at a final one.
pub(crate) fn next_steps(
    project: &Project,
    built: &Built,
    assessment: &Assessment,
    promoted: Option<&Promoted>,
    executed: Option<u64>,
) -> AppResult<Vec<String>> {
    if promoted.is_some() {
        let drawn = assessment.facts.funds.as_ref().is_ok_and(|funds| funds.unreturned);
        let step = "engineer: return what is left of the test funds, `tidegate fund return`";
        return Ok(if drawn { vec![step.to_owned()] } else { Vec::new() });
    }
    let open: Vec<_> = proposal_files::all(project)?
        .into_iter()
        .filter(|found| {
            let nonce = found.checked.proposal().safe_tx.nonce;
            found.network == assessment.target
                && assessment.safe.as_ref().is_some_and(|safe| safe.nonce == nonce)
        })
        .collect();
    // What is recorded is about one target, which must be named where there are several.
    let named = match project.targets().count() {
        0 | 1 => String::new(),
        _ => format!(" --target {}", assessment.target),
    };
    let nonce = assessment.safe.as_ref().map(|safe| safe.nonce);
    if let (Some(executed), Some(nonce)) = (executed, nonce)
        && executed > nonce
    {
        let target = &assessment.target;
        let step = format!("everybody: wait until what the Safe executed is final on {target}");
        return Ok(vec![step]);
    }
    let mut steps = of_gates(project, built, assessment, &named)?;
    for found in &open {
        let hash = found.checked.hash();
        let missing = match &assessment.safe {
            Some(safe) => {
                let signed = proposal_files::signatures(project, found, safe)?;
                signed.missing(safe.trust.threshold)
            }
            None => 1,
        };
        steps.push(match missing {
            0 => format!("operations: `tidegate proposal execute {hash}`"),
            _ => format!("owners: check and sign, `tidegate proposal sign {hash}`"),
        });
    }
    if assessment.is_held_by_batch() {
        steps.push("engineer: resolve why the batch fails, see above".to_owned());
    }
    if assessment.overall.allows() && open.is_empty() {
        steps.push(format!("engineer: `tidegate promote` proposes it to {}", assessment.target));
    }
    Ok(steps)
}

/// What each gate asks for. What fails comes first: nothing that waits or is missing helps before
/// it is mended.
fn of_gates(
    project: &Project,
    built: &Built,
    assessment: &Assessment,
    named: &str,
) -> AppResult<Vec<String>> {
    let other = namesake(project, &assessment.soak, built)?;
    let is_failed = |report: &&GateReport| matches!(report.verdict, Verdict::Fail { .. });
    let (failed, others): (Vec<_>, Vec<_>) = assessment.reports.iter().partition(is_failed);
    let asks = |report: &GateReport| match &other {
        Some(_) if report.gate == GateId::Code && assessment.record.is_none() => Some(format!(
            "engineer: compare this checkout with {}, which is deployed on {}; see above",
            built.release.name, assessment.soak
        )),
        _ if is_wiped(assessment) && of_deployment(report.gate) => {
            (report.gate == GateId::Code).then(|| deploys(built, &assessment.soak))
        }
        _ => step(built, assessment, named, report.gate, &report.verdict),
    };
    Ok(failed.into_iter().chain(others).filter_map(asks).collect())
}

fn step(
    built: &Built,
    assessment: &Assessment,
    named: &str,
    gate: GateId,
    verdict: &Verdict,
) -> Option<String> {
    let soak = &assessment.soak;
    let unknown = matches!(verdict, Verdict::Unknown { .. });
    match (gate, verdict) {
        (_, Verdict::Pass | Verdict::Waived { .. }) => None,
        (GateId::Code, _) if assessment.record.is_none() => {
            Some(format!("engineer: `tidegate deploy {soak}`"))
        }
        (GateId::Parameters | GateId::Soak, _) if assessment.record.is_none() => None,
        (GateId::Soak, Verdict::Waiting { eta: Some(eta), .. }) => {
            Some(format!("everybody: wait until {} on {soak}", format_utc(*eta)))
        }
        (GateId::Code, Verdict::Waiting { .. }) => {
            Some(format!("everybody: wait until the deployment is final on {soak}"))
        }
        (GateId::Soak, _) if assessment.facts.soak.is_err() => None,
        (GateId::Soak, _) if is_unposted(assessment) => {
            Some(format!("engineer: post the start of the soak, `tidegate record start{named}`"))
        }
        (GateId::Soak, _) if is_disputed(assessment) => Some(
            "whoever signed a sample that is named above: compare endpoints; if it was wrong, \
             `tidegate record withdraw`"
                .to_owned(),
        ),
        (GateId::Soak, _) if unknown => {
            Some(format!("testers: use the contracts on {soak}; see the reasons above"))
        }
        // What could not be read is nobody's to sign.
        (GateId::Audits, _) if assessment.facts.audits.is_err() => Some(unread(gate)),
        (GateId::Policy, _) if assessment.facts.policy.is_err() => Some(unread(gate)),
        (GateId::Funds, _) if assessment.facts.funds.is_err() => Some(unread(gate)),
        (GateId::Audits, _) if unknown && is_open(assessment) => Some(format!(
            "two people: `tidegate record risk FINDING{named}`, or have the finding fixed"
        )),
        (GateId::Audits, _) if unknown => Some(format!(
            "auditors: `tidegate attest REPORT` over scope {}",
            built.roots.scope_root.short()
        )),
        (GateId::Policy, _) if unknown => {
            Some("owners: `tidegate policy adopt`, then sign and execute the proposal".to_owned())
        }
        (GateId::Funds, _) if unknown => {
            Some("treasurer: decide on open requests, `tidegate fund approve` or `deny`".to_owned())
        }
        // Who signs it now would have to sign again after the next audit.
        (GateId::Go, _) if unknown && !is_last(assessment) => None,
        (GateId::Go, _) if unknown => {
            Some(format!("approvers: review everything, then `tidegate record go{named}`"))
        }
        (GateId::Bugs, Verdict::Fail { .. }) => Some(format!(
            "two testers: `tidegate record triage{named}` what is not a bug; fix what is"
        )),
        (GateId::Separation, _) if unknown => Some(format!(
            "guardians: prove that you hold your key, `tidegate record key NAME{named}`"
        )),
        (_, Verdict::Waiting { eta: Some(eta), .. }) => {
            Some(format!("everybody: wait until {}", format_utc(*eta)))
        }
        (gate, _) => Some(unread(gate)),
    }
}

/// The advice where no single command helps.
fn unread(gate: GateId) -> String {
    format!("engineer: resolve what gate `{}` reports above", gate.name())
}

/// Whether a gate judges the deployment that soaks.
const fn of_deployment(gate: GateId) -> bool {
    matches!(gate, GateId::Code | GateId::Parameters | GateId::Soak)
}

/// Whether the soak network does not have what was deployed there.
fn is_wiped(assessment: &Assessment) -> bool {
    let code = assessment.facts.code.as_ref();
    code.is_err_and(|why| why.code == ReasonCode::TransactionGone)
}

/// How what a chain lost is deployed again.
pub(crate) fn deploys(built: &Built, network: &str) -> String {
    match built.release.plan.follows {
        None => format!("engineer: `tidegate deploy {network}`"),
        Some(_) => format!(
            "engineer: deploy on {network} again what is followed, then this release; see the \
             commands above"
        ),
    }
}

/// Whether an audit counts a finding of medium severity that two people have not accepted.
fn is_open(assessment: &Assessment) -> bool {
    let (Ok(audits), Some(head)) = (&assessment.facts.audits, assessment.gate_head) else {
        return false;
    };
    audits.attestations.iter().any(|fact| {
        let accepted = audits.accepted(fact, head.timestamp).len();
        usize::from(fact.attestation.open_medium) > accepted
    })
}

/// Whether somebody saw another chain than the others.
fn is_disputed(assessment: &Assessment) -> bool {
    assessment
        .facts
        .soak
        .as_ref()
        .is_ok_and(|facts| !disputed(&assessment.effective, facts).is_empty())
}

/// Whether nobody has posted on the target that it soaks, where that is asked.
fn is_unposted(assessment: &Assessment) -> bool {
    let soak = assessment.facts.soak.as_ref();
    let post = soak.ok().and_then(|facts| facts.posted.as_ref().ok()?.as_ref());
    post.is_some_and(|post| post.posted_at.is_none())
}

/// Whether nothing but time and a go is missing.
fn is_last(assessment: &Assessment) -> bool {
    let others = assessment.reports.iter().filter(|report| report.gate != GateId::Go);
    others
        .into_iter()
        .all(|report| report.verdict.allows() || matches!(report.verdict, Verdict::Waiting { .. }))
}
