//! The facts on the target that the gates relied on, which a promotion's batch requires.

use tidegate_chain::Network;
use tidegate_model::statement::Statement;
use tidegate_model::units::counted;
use tidegate_model::{Head, StatementDigest};
use tidegate_safe::helper::{Post, read_record_count, record_count};
use tidegate_safe::{CONFIRMATIONS_MAX, Judged, asked_posts, helper, to_confirm};

use super::Assessment;
use super::posts::Posts;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::{adopted_version, people};
use crate::project::Project;

/// Why a batch could not ask all contracts again that people of the policy sign with, if so many
/// of their statements were listed.
pub(crate) fn contracts_fault(project: &Project, assessment: &Assessment) -> Option<String> {
    let people = people(project);
    let all = assessment.statements.statements.iter();
    let known = all.filter(|(_, found)| {
        let signer = found.signed.signer();
        people.values().any(|person| person.holds(signer))
    });
    let listed = known.map(|(digest, found)| (*digest, &found.signed));
    let asked = to_confirm(assessment.release, listed).len();
    (asked > CONFIRMATIONS_MAX).then(|| {
        format!(
            "contracts signed {} that the gates may need, and a batch can ask \
             about at most {CONFIRMATIONS_MAX}: `promote` will refuse; remove from [people] a \
             contract that need not sign",
            counted(asked, "statement")
        )
    })
}

/// Policy version, records and posts at a block, for a release on this evidence.
pub(crate) async fn judged(
    project: &Project,
    assessment: &Assessment,
    network: &Network,
    head: Head,
    evidence: &[StatementDigest],
) -> AppResult<Judged> {
    let missing = || AppError::new(Kind::Internal, "the policy could not be read");
    let policy = assessment.policy.as_ref().ok_or_else(missing)?;
    let (safe, id) = (policy.safe.address, policy.project());
    // What was posted for another target on this chain was judged too.
    let family = project.ids_on(network.id().chain)?;
    let listed = evidence.iter().filter_map(|digest| {
        Some((*digest, &assessment.statements.statements.get(digest)?.signed))
    });
    let is_audit = |statement: &Statement| matches!(statement, Statement::AuditAttestation(_));
    let attested = listed.clone().filter(|(_, signed)| is_audit(&signed.statement));
    let people = people(project);
    let keys = people.values().flat_map(|person| person.addresses());
    let auditors = attested.map(|(digest, signed)| (digest, signed.signer()));
    let mut answers = Posts::at(network, head).await?;
    let mut posts = Vec::new();
    for (by, subject) in asked_posts(family, assessment.release, keys, auditors) {
        posts.push(Post { by, subject, until: answers.until(by, subject).await? });
    }
    let answer = network.call(helper::address(), &record_count(safe, id), head.block).await?;
    let adopted = adopted_version(network, head, safe, id).await?;
    let confirmations = to_confirm(assessment.release, listed);
    Ok(Judged {
        policy_version: adopted.map_or(0, |(version, _)| version),
        records: read_record_count(&answer).or_kind(Kind::Chain)?,
        posts,
        confirmations,
    })
}
