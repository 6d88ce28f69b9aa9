//! What guardians lower, and what people show and learn.

use std::path::PathBuf;

use alloy_primitives::B256;
use sha2::{Digest, Sha256};
use tidegate_gates::{WAIVER_SECS_MAX, admissible};
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, KeyClaim, Lowered, Postmortem, Waiver};
use tidegate_model::units::{End, format_utc};
use tidegate_model::{GateId, Reason, ReasonCode};
use tidegate_store::read_limited;

use super::{Draft, Subject, speaker, spoken};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::path::absolute;
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::select;
use crate::relied;
use crate::saying::{About, now};

/// The most bytes of a post-mortem.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;

/// A waiver.
#[derive(Debug, Clone)]
pub struct WaiverRequest {
    /// The release.
    pub subject: Subject,
    /// The gate's name.
    pub gate: String,
    /// The lowered requirement.
    pub lowers: Lowered,
    /// The end, by the target's chain time.
    pub until: End,
    pub reason: String,
    /// Link to details; may be empty.
    pub link: String,
}

/// The post-mortem of an emergency.
#[derive(Debug, Clone)]
pub struct PostmortemRequest {
    /// The release.
    pub subject: Subject,
    /// The document's file; an absolute path.
    pub document: PathBuf,
    /// URI of the document; may be empty.
    pub uri: String,
}

/// Refuses a person without the role `guardian`.
pub(super) fn require_guardian(project: &Project, name: &str) -> AppResult {
    let people = people(project);
    if people.get(name).is_some_and(|person| person.roles.iter().any(|role| role == "guardian")) {
        return Ok(());
    }
    Err(AppError::new(Kind::Keys, format!("{name} is not a guardian of this policy")))
}

/// Drafts a waiver. It counts once as many guardians as the policy requires have signed the same.
///
/// # Errors
/// If the signer is no guardian, or nobody may lower that so far or for so long.
pub async fn waiver(
    project: &Project,
    signer: &dyn DigestSigner,
    request: WaiverRequest,
) -> AppResult<Draft> {
    let WaiverRequest { subject, gate, lowers, until, reason, link } = request;
    relied::require(project).await?;
    let name = speaker(project, signer.address())?;
    let gate = GateId::from_name(&gate)
        .ok_or_else(|| AppError::usage(format!("there is no gate `{gate}`")))?;
    admissible(&project.rules, gate, &lowers).map_err(refused)?;
    require_guardian(project, &name)?;
    let about = About::of_target(project, subject.target.as_deref())?;
    let issued_at = now(project, &about).await?.time;
    let until = until.from(issued_at);
    if until <= issued_at || until > issued_at.saturating_add(WAIVER_SECS_MAX) {
        return Err(AppError::usage(format!(
            "--until is {}; a waiver ends within 90 days from {}",
            format_utc(until),
            format_utc(issued_at)
        )));
    }
    let release = select(project, subject.release.as_deref())?.roots.release_root;
    let body = Body::Waiver(Waiver { release, gate, lowers, until, reason, link });
    Draft::of(project, about, signer, body, ()).await
}

/// Why nobody may lower that. What lowers nothing was asked for by mistake.
fn refused(why: Reason) -> AppError {
    if why.code != ReasonCode::WaiverOfNothing {
        return AppError::new(Kind::Fail, why);
    }
    AppError::new(Kind::Usage, why).hint(
        "gate `soak` is lowered by --soak, --transactions, --senders and --selectors-percent, gate \
         `audits` by --audits",
    )
}

/// Drafts the proof that a person holds a key listed under their name in the policy.
///
/// # Errors
/// If it does not.
pub async fn key_claim(
    project: &Project,
    signer: &dyn DigestSigner,
    name: &str,
    target: Option<&str>,
) -> AppResult<Draft> {
    relied::require(project).await?;
    let key = signer.address();
    if speaker(project, key)? != name {
        let what = format!("[people] does not list {key} under {name}");
        return Err(AppError::new(Kind::Keys, what));
    }
    let about = About::of_target(project, target)?;
    let body = Body::KeyClaim(KeyClaim { name: name.to_owned(), key });
    Draft::of(project, about, signer, body, ()).await
}

/// Drafts the post-mortem of an emergency.
///
/// # Errors
/// If the document cannot be read.
pub async fn postmortem(
    project: &Project,
    signer: &dyn DigestSigner,
    request: PostmortemRequest,
) -> AppResult<Draft> {
    let PostmortemRequest { subject, document, uri } = request;
    let (_, about) = spoken(project, signer, subject.target.as_deref()).await?;
    let bytes = read_limited(absolute(&document)?, DOCUMENT_BYTES_MAX).or_kind(Kind::Config)?;
    let sha256 = B256::from_slice(&Sha256::digest(&bytes));
    let release = select(project, subject.release.as_deref())?.roots.release_root;
    let body = Body::Postmortem(Postmortem { release, sha256, uri });
    Draft::of(project, about, signer, body, ()).await
}

#[cfg(test)]
mod tests {
    use tidegate_gates::PolicyRules;

    use super::*;

    #[test]
    fn a_waiver_of_nothing_is_a_mistake_and_one_of_too_much_is_refused() {
        let why = |lowers: Lowered| {
            let refusal =
                admissible(&PolicyRules::default(), GateId::Soak, &lowers).map_err(refused);
            refusal.map_err(|error| (error.kind, error.hints.len()))
        };
        assert_eq!(why(Lowered::default()), Err((Kind::Usage, 1)));
        let too_much = Lowered { soak_secs: Some(1), ..Lowered::default() };
        assert_eq!(why(too_much), Err((Kind::Fail, 0)));
    }
}
