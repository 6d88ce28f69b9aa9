//! Going and stopping: go, no-go, freezes.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_app::assess::decisions::{FREEZE_SECS_MAX, decided};
use tidegate_app::assess::{start_subject, to_see};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::policy_doc::people;
use tidegate_app::posting::{post, say_and_post};
use tidegate_app::release::{Built, built};
use tidegate_app::saying::{About, general, now_for_stop, sign};
use tidegate_app::{records, statements};
use tidegate_evidence::StatementSet;
use tidegate_gates::listed_and_missing;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{
    Body, Freeze, Go, NEVER, NoGo, Statement, freeze_subject, no_go_subject,
};
use tidegate_model::units::parse_span_secs;
use tidegate_model::{ReleaseRoot, StatementDigest};

use super::{FreezeArgs, GoArgs, StartArgs, StopArgs, speaker};
use crate::context::Context;
use crate::signer::LazySigner;

pub(super) async fn go(project: &Context, signer: &LazySigner, args: &GoArgs) -> AppResult<u8> {
    let GoArgs { decision: args, without } = args;
    speaker(project, signer.address())?;
    let about = About::named(project, args.target.target.as_deref())?;
    let built = built(project, args.release.as_deref())?;
    let set = statements::load_confirmed(project).await?;
    let seen = bearing(project, &about, &built, &set)?;
    let release = built.roots.release_root;
    let records = to_see(project, &about.target, release).await?;
    require_all(project, &about, &set, (release, without))?;
    let ui = &project.ui;
    ui.line(format!("Go for {}, having seen:", built.release.name));
    for (digest, text) in &seen {
        ui.row(&digest.short(), text);
    }
    if seen.is_empty() {
        ui.note("there is no statement about this release yet");
    }
    for (network, record) in &records {
        ui.row(&record.digest.short(), &format!("record deployments/{network}/{}", record.file));
    }
    if seen.len() > Go::STATEMENTS_MAX || records.len() > Go::RECORDS_MAX {
        let (statements, of) = (Go::STATEMENTS_MAX, Go::RECORDS_MAX);
        let what = format!("a go lists at most {statements} statements and {of} records");
        return Err(AppError::config(what));
    }
    let listed: BTreeSet<_> = seen.into_iter().map(|(digest, _)| digest).collect();
    let seen = listed.iter().copied();
    let records = records.into_iter().map(|(_, record)| record);
    let go = Go::over(release, seen, records, args.discipline.clone(), args.reason.clone());
    sign(project, &about, signer, Body::Go(go)).await?;
    statements::restore(project, &set, &listed)?;
    records::restore(project, &about.target, release)?;
    ui.note("commit the file and every record; a statement made from now on makes it stale");
    Ok(0)
}

/// Refuses a go without what somebody saw who said go before: it may have been taken away. What
/// nobody has is left out by name.
fn require_all(
    project: &Context,
    about: &About,
    set: &StatementSet,
    (release, without): (ReleaseRoot, &[String]),
) -> AppResult {
    let said = decided(project, &about.target, set, release)?;
    let (known, void) = (set.present(), set.void());
    let is_here = |digest: &StatementDigest| known.contains_key(digest) || void.contains(digest);
    for (digest, missing) in listed_and_missing(&people(project), &said, is_here) {
        let named = digest.to_string();
        if without.iter().any(|word| word.eq_ignore_ascii_case(&named)) {
            project.ui.row("without", &format!("{named}, which {} listed", missing.by));
            continue;
        }
        let (go, by) = (missing.go.short(), &missing.by);
        let what = format!("the go {go} by {by} lists statement {named}, which is missing here");
        return Err(AppError::new(Kind::Fail, what).hint(format!(
            "restore its file, or ask {by} for it; if nobody has it, two people say so with \
             --without {named}"
        )));
    }
    Ok(())
}

/// Every statement that bears on a release, as the gate will ask for it.
fn bearing(
    project: &Context,
    about: &About,
    built: &Built,
    set: &StatementSet,
) -> AppResult<Vec<(StatementDigest, String)>> {
    let people = people(project);
    let is_known = |key| people.values().any(|person| person.holds(key));
    let roots = &built.roots;
    let mut found = set.bearing(&project.config.name, about.id, roots.release_root, is_known);
    // One that contradicts must not vanish, but who looks each day makes no go stale.
    found.extend(set.general().filter_map(|(digest, general, signer)| match &general.body {
        Body::SoakSample(sample) if sample.release == roots.release_root && is_known(signer) => {
            Some((digest, general.text()))
        }
        _ => None,
    }));
    Ok(found.into_iter().collect())
}

pub(super) async fn no_go(
    project: &Context,
    signer: &LazySigner,
    args: &StopArgs,
) -> AppResult<u8> {
    let StopArgs { decision, post } = args;
    let about = About::for_stop(project, decision.target.target.as_deref())?;
    speaks_of(project, signer, &about)?;
    let built = built(project, decision.release.as_deref())?;
    let release = built.roots.release_root;
    let (discipline, reason) = (decision.discipline.clone(), decision.reason.clone());
    let body = Body::NoGo(NoGo { release, discipline, reason });
    let general = general(project, &about, signer, body).await?;
    let posted = post.then_some((no_go_subject(about.id, release), general.expires_at));
    let statement = Statement::Statement(general);
    say_and_post(project, &about.target, signer, statement, posted).await
}

pub(super) async fn freeze(
    project: &Context,
    signer: &LazySigner,
    args: &FreezeArgs,
) -> AppResult<u8> {
    let span = parse_span_secs(&args.span).or_kind(Kind::Usage)?;
    if span > FREEZE_SECS_MAX {
        return Err(AppError::usage("a freeze lasts at most 90 days; another one can follow"));
    }
    let about = About::for_stop(project, args.target.target.as_deref())?;
    speaks_of(project, signer, &about)?;
    let until = now_for_stop(project, &about).await?.time.saturating_add(span);
    let body = Body::Freeze(Freeze { until, reason: args.reason.clone() });
    let posted = args.post.then_some((freeze_subject(about.id), until));
    let statement = Statement::Statement(general(project, &about, signer, body).await?);
    say_and_post(project, &about.target, signer, statement, posted).await
}

/// Who stops something is somebody of the policy. Who takes people out of a file that names another
/// Safe hinders no stop.
fn speaks_of(project: &Context, signer: &LazySigner, about: &About) -> AppResult {
    let known = speaker(project, signer.address());
    let named = project.named_at(project.network(&about.target)?)?;
    if named == about.project { known.map(|_| ()) } else { Ok(()) }
}

pub(super) async fn start(
    project: &Context,
    signer: &LazySigner,
    args: &StartArgs,
) -> AppResult<u8> {
    let about = About::named(project, args.target.target.as_deref())?;
    let built = built(project, args.release.as_deref())?;
    let mut posted = Vec::new();
    for soak in &project.network(&about.target)?.soaks_on {
        let release = built.roots.release_root;
        let Some(record) = records::of_release(project, soak, release)? else { continue };
        if signer.address() != record.deployment.executor {
            speaker(project, signer.address())?;
        }
        let network = project.connect(soak).await?;
        let subject = start_subject(about.id, &record, &network).await?;
        let op = format!("start/{subject}");
        project.ui.line(format!("{} soaks on {soak}.", record.name));
        post(project, &about.target, signer, op, (subject, NEVER)).await?;
        posted.push(subject);
    }
    if posted.is_empty() {
        return Err(AppError::config("it is deployed on no network that backs the target")
            .hint("`tidegate deploy` comes first"));
    }
    project.ui.result(&json!({ "posted": posted, "target": about.target }));
    Ok(0)
}
