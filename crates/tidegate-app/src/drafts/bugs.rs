//! Bugs, and what others say of them.

use alloy_primitives::Address;
use tidegate_evidence::StatementSet;
use tidegate_gates::duplicate_fault;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{Body, Bug, Resolution, Severity, Triage};
use tidegate_model::{StatementDigest, lookup};

use super::{Draft, Subject, speaker, spoken};
use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::select;
use crate::saying::About;
use crate::statements;

/// A new bug report.
#[derive(Debug, Clone)]
pub struct BugRequest {
    /// The release that has the bug.
    pub subject: Subject,
    /// What it is.
    pub title: String,
    /// The severity; a high or critical bug stops the release.
    pub severity: Severity,
    /// Link to details; may be empty.
    pub link: String,
    /// Whether it stops the release whatever the severity.
    pub blocking: bool,
}

/// A triage of a bug.
#[derive(Debug, Clone)]
pub struct TriageRequest {
    /// The bug's digest or its beginning.
    pub bug: String,
    /// The conclusion.
    pub resolution: Resolution,
    /// For a duplicate, the bug that stays: its digest or its beginning.
    pub of: Option<String>,
    /// Why.
    pub reason: String,
    /// The target; by default the only one.
    pub target: Option<String>,
}

/// The bug that a triage is about, as its signer reviews it.
#[derive(Debug, Clone)]
pub struct Triaged {
    /// What it is.
    pub title: String,
    /// Whether it stops the release until two people have said the same.
    pub needs_two: bool,
}

/// Drafts a bug report. It is a stop, so a Safe that is not pinned does not hinder it.
///
/// # Errors
/// If the signer is nobody of the policy, or there is no such release.
pub async fn bug(
    project: &Project,
    signer: &dyn DigestSigner,
    request: BugRequest,
) -> AppResult<Draft> {
    let BugRequest { subject, title, severity, link, blocking } = request;
    speaker(project, signer.address())?;
    let about = About::for_stop(project, subject.target.as_deref())?;
    let release = select(project, subject.release.as_deref())?.roots.release_root;
    let body = Body::Bug(Bug { release, severity, title, link, blocking });
    Draft::of(project, about, signer, body, ()).await
}

/// Drafts a triage of a bug.
///
/// # Errors
/// If there is no such bug, or they cannot say that of it.
pub async fn triage(
    project: &Project,
    signer: &dyn DigestSigner,
    request: TriageRequest,
) -> AppResult<Draft<Triaged>> {
    let TriageRequest { bug, resolution, of, reason, target } = request;
    match (resolution == Resolution::Duplicate, &of) {
        (true, None) => {
            return Err(AppError::usage("say with --of of which bug it is a duplicate"));
        }
        (false, Some(_)) => {
            return Err(AppError::usage("--of needs `--resolution duplicate`"));
        }
        _ => {}
    }
    let (speaker, about) = spoken(project, signer, target.as_deref()).await?;
    let set = statements::load_confirmed(project).await?;
    let (digest, bug, finder) = named(&set, &bug)?;
    let is_own = people(project).get(&speaker).is_some_and(|person| person.holds(finder));
    require_sayable(resolution, is_own, bug.severity)?;
    let of = of.map(|other| original(&set, (digest, bug), &other)).transpose()?;
    let is_none = matches!(resolution, Resolution::Invalid | Resolution::Duplicate);
    let shown = Triaged { title: bug.title.clone(), needs_two: bug.blocks() && is_none };
    let body = Body::Triage(Triage { bug: digest, resolution, of, reason });
    Draft::of(project, about, signer, body, shown).await
}

/// Refuses a triage that cannot count: its finder can only confirm a bug, and nobody accepts a
/// critical one.
fn require_sayable(resolution: Resolution, is_own: bool, severity: Severity) -> AppResult {
    let why = match resolution {
        Resolution::Confirmed => return Ok(()),
        _ if is_own => "whoever reported a bug cannot resolve it; somebody else must",
        Resolution::Accepted if severity == Severity::Critical => {
            "nobody can accept a critical bug"
        }
        Resolution::Invalid | Resolution::Duplicate | Resolution::Accepted => return Ok(()),
    };
    Err(AppError::new(Kind::Fail, why))
}

/// The bug that a duplicate names, if it can stand in for the other one.
fn original(
    set: &StatementSet,
    (digest, bug): (StatementDigest, &Bug),
    begins: &str,
) -> AppResult<StatementDigest> {
    let (of, other, _) = named(set, begins)?;
    let fault = (of == digest).then_some("a bug cannot be its own duplicate");
    match fault.or_else(|| duplicate_fault(bug, other)) {
        None => Ok(of),
        Some(why) => Err(AppError::new(Kind::Fail, format!("it is not a duplicate: {why}")).hint(
            "with --of, name the bug that remains: of the same release, and at least as \
                   severe",
        )),
    }
}

/// The bug with this digest or beginning, and its finder.
fn named<'a>(
    set: &'a StatementSet,
    begins: &str,
) -> AppResult<(StatementDigest, &'a Bug, Address)> {
    let bugs = set.bugs().map(|(said, bug)| (said.digest.0, (said, bug)));
    let (said, bug) = lookup::find(begins, bugs).map_err(|error| {
        AppError::from(error)
            .hint("a bug's digest is the name of its file under deployments/statements/")
    })?;
    Ok((said.digest, bug, said.signer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_found_a_bug_only_confirms_it() {
        use Resolution::{Accepted, Confirmed, Duplicate, Invalid};
        let may = |resolution, is_own, severity| {
            require_sayable(resolution, is_own, severity).map_err(|error| error.kind)
        };
        assert_eq!(may(Confirmed, true, Severity::Critical), Ok(()));
        for resolution in [Invalid, Duplicate, Accepted] {
            assert_eq!(may(resolution, true, Severity::Low), Err(Kind::Fail));
            assert_eq!(may(resolution, false, Severity::High), Ok(()));
        }
        assert_eq!(may(Accepted, false, Severity::Critical), Err(Kind::Fail));
        assert_eq!(may(Invalid, false, Severity::Critical), Ok(()));
    }
}
