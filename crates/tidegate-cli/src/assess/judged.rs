//! What the gates took for granted on the target, for a promotion's batch to require it.

use tidegate_chain::Network;
use tidegate_model::statement::Statement;
use tidegate_model::{Head, StatementDigest};
use tidegate_safe::helper::{Post, read_record_count, record_count};
use tidegate_safe::{Confirmation, Judged, asked_posts, helper};

use super::Assessment;
use super::posts::Posts;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::{adopted_version, people};
use crate::project::Project;

/// Policy version, records and posts at a block, for a release on this evidence.
pub(crate) async fn judged(
    project: &Project,
    assessment: &Assessment,
    network: &Network,
    head: Head,
    evidence: &[StatementDigest],
) -> CliResult<Judged> {
    let missing = || CliError::new(Kind::Internal, "the policy could not be read");
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
    let opening = listed.filter(|(_, signed)| signed.statement.opens());
    let confirmed = opening.filter_map(|(statement, signed)| {
        let (chain, contract) = (signed.contract?.chain, signed.signer());
        Some(Confirmation { statement, chain, contract, signature: signed.signature.clone() })
    });
    let mut confirmations: Vec<_> = confirmed.collect();
    confirmations.sort();
    Ok(Judged {
        policy_version: adopted.map_or(0, |(version, _)| version),
        records: read_record_count(&answer).or_kind(Kind::Chain)?,
        posts,
        confirmations,
    })
}
