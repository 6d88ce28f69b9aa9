//! Going and stopping: go, no-go, freezes.

use tidegate_evidence::StatementSet;
use tidegate_gates::listed_and_missing;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{
    Body, Freeze, Go, NoGo, SeenRecord, Statement, freeze_subject, no_go_subject,
};
use tidegate_model::{ReleaseRoot, StatementDigest};

use super::{Draft, Named, Subject, speaker, spoken};
use crate::assess::decisions::{FREEZE_SECS_MAX, decided};
use crate::assess::to_see;
use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::{Built, select};
use crate::saying::{About, now_for_stop};
use crate::statements;

/// A go.
#[derive(Debug, Clone)]
pub struct GoRequest {
    /// The release.
    pub subject: Subject,
    /// For which discipline they speak, where the policy names disciplines.
    pub discipline: Option<String>,
    /// The reason; may be empty.
    pub reason: String,
    /// Whole digests of statements that earlier goes list and that nobody has any more.
    pub without: Vec<String>,
}

/// A no-go.
#[derive(Debug, Clone)]
pub struct StopRequest {
    /// The release.
    pub subject: Subject,
    /// For which discipline they speak, where the policy names disciplines.
    pub discipline: Option<String>,
    /// The reason; may be empty.
    pub reason: String,
    /// Whether it is posted at the helper too.
    pub post: bool,
}

/// A freeze.
#[derive(Debug, Clone)]
pub struct FreezeRequest {
    /// The duration, in seconds.
    pub secs: u64,
    pub reason: String,
    /// Whether it is posted at the helper too.
    pub post: bool,
    /// The target; by default the only one.
    pub target: Option<String>,
}

/// The statements and records that a go is based on.
#[derive(Debug)]
pub struct Going {
    /// The release's name.
    pub name: String,
    /// Every statement that bears on it, in words.
    pub seen: Vec<(StatementDigest, String)>,
    /// Every record of it, with its network's name.
    pub records: Vec<(String, SeenRecord)>,
    /// Statements that earlier goes list and this one leaves out, with who listed them.
    pub without: Vec<(StatementDigest, String)>,
}

/// Drafts a go, which lists every statement and record that bears on the release.
///
/// # Errors
/// If the signer is nobody of the policy, a statement that an earlier go lists is missing, or a go
/// cannot list that much.
pub async fn go(
    project: &Project,
    signer: &dyn DigestSigner,
    request: GoRequest,
) -> AppResult<Draft<Going>> {
    let GoRequest { subject, discipline, reason, without } = request;
    let (_, about) = spoken(project, signer, subject.target.as_deref()).await?;
    let built = select(project, subject.release.as_deref())?;
    let set = statements::load_confirmed(project).await?;
    let seen = bearing(project, &about, &built, &set);
    let release = built.roots.release_root;
    let records = to_see(project, &about.target, release).await?;
    let without = require_all(project, &about, &set, (release, &without))?;
    if seen.len() > Go::STATEMENTS_MAX || records.len() > Go::RECORDS_MAX {
        let (statements, of) = (Go::STATEMENTS_MAX, Go::RECORDS_MAX);
        let what = format!("a go lists at most {statements} statements and {of} records");
        return Err(AppError::config(what));
    }
    let listed = seen.iter().map(|(digest, _)| *digest);
    let of_records = records.iter().map(|(_, record)| record.clone());
    let body = Body::Go(Go::over(release, listed, of_records, discipline, reason));
    let (name, target) = (built.release.name, about.target.clone());
    let listed = seen.iter().map(|(digest, _)| *digest).collect();
    let named = Some(Box::new(Named { set, listed, target, release }));
    let shown = Going { name, seen, records, without };
    Ok(Draft { named, ..Draft::of(project, about, signer, body, shown).await? })
}

/// Refuses a go without a statement that an earlier go lists: it may have been deleted. A statement
/// that nobody has is left out by its digest. Returns those left out.
fn require_all(
    project: &Project,
    about: &About,
    set: &StatementSet,
    (release, without): (ReleaseRoot, &[String]),
) -> AppResult<Vec<(StatementDigest, String)>> {
    let said = decided(project, &about.target, set, release)?;
    let (known, void) = (set.present(), set.void());
    let is_here = |digest: &StatementDigest| known.contains_key(digest) || void.contains(digest);
    let mut left_out = Vec::new();
    for (digest, missing) in listed_and_missing(&people(project), &said, is_here) {
        let named = digest.to_string();
        if without.iter().any(|word| word.eq_ignore_ascii_case(&named)) {
            left_out.push((digest, missing.by));
            continue;
        }
        let (go, by) = (missing.go.short(), &missing.by);
        let what = format!("the go {go} by {by} lists statement {named}, which is missing here");
        return Err(AppError::new(Kind::Fail, what).hint(format!(
            "restore its file, or ask {by} for it; if nobody has it, two people sign a go with \
             --without {named}"
        )));
    }
    Ok(left_out)
}

/// Every statement that bears on a release, as the gate `go` will require it.
fn bearing(
    project: &Project,
    about: &About,
    built: &Built,
    set: &StatementSet,
) -> Vec<(StatementDigest, String)> {
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.holds(key));
    let release = built.roots.release_root;
    let mut found = set.bearing(&project.config.name, about.id, release, is_known);
    // One that contradicts must not vanish, but who looks each day makes no go stale.
    found.extend(set.general().filter_map(|(digest, general, signer)| match &general.body {
        Body::SoakSample(sample) if sample.release == release && is_known(signer) => {
            Some((digest, general.text()))
        }
        _ => None,
    }));
    found.into_iter().collect()
}

/// Drafts a no-go.
///
/// # Errors
/// If the signer is nobody of the policy, or there is no such release.
pub async fn no_go(
    project: &Project,
    signer: &dyn DigestSigner,
    request: StopRequest,
) -> AppResult<Draft> {
    let StopRequest { subject, discipline, reason, post } = request;
    let about = About::for_stop(project, subject.target.as_deref())?;
    speaks_of(project, signer, &about)?;
    let release = select(project, subject.release.as_deref())?.roots.release_root;
    let posted = no_go_subject(about.id, release);
    let body = Body::NoGo(NoGo { release, discipline, reason });
    let mut draft = Draft::of(project, about, signer, body, ()).await?;
    if let (true, Statement::Statement(general)) = (post, &draft.statement) {
        draft.posted = Some((posted, general.expires_at));
    }
    Ok(draft)
}

/// Drafts a freeze of every promotion to a target.
///
/// # Errors
/// If it is too long, or the signer is nobody of the policy.
pub async fn freeze(
    project: &Project,
    signer: &dyn DigestSigner,
    request: FreezeRequest,
) -> AppResult<Draft> {
    let FreezeRequest { secs, reason, post, target } = request;
    if secs > FREEZE_SECS_MAX {
        return Err(AppError::usage("a freeze lasts at most 90 days; another one can follow"));
    }
    let about = About::for_stop(project, target.as_deref())?;
    speaks_of(project, signer, &about)?;
    let until = now_for_stop(project, &about).await?.time.saturating_add(secs);
    let posted = post.then_some((freeze_subject(about.id), until));
    let body = Body::Freeze(Freeze { until, reason });
    Ok(Draft { posted, ..Draft::of(project, about, signer, body, ()).await? })
}

/// Refuses a stop by somebody who is not of the policy; not if the file names another Safe, since
/// it may leave people out.
fn speaks_of(project: &Project, signer: &dyn DigestSigner, about: &About) -> AppResult {
    let known = speaker(project, signer.address());
    let named = project.named_at(project.network(&about.target)?)?;
    if named == about.project { known.map(drop) } else { Ok(()) }
}
