//! What guardians sign, and what people show and learn.

use alloy_primitives::B256;
use sha2::{Digest, Sha256};
use tidegate_app::assess::emergency::compared;
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::policy_doc::people;
use tidegate_app::posting::say_and_post;
use tidegate_app::promotion::promotion_of;
use tidegate_app::proposals;
use tidegate_app::release::built;
use tidegate_app::saying::{About, now, sign};
use tidegate_gates::{WAIVER_SECS_MAX, admissible, refusals};
use tidegate_model::GateId;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{
    Body, Date, EmergencyWaiver, KeyClaim, Lowered, Postmortem, Statement, Waiver,
    emergency_subject,
};
use tidegate_model::units::{format_utc, parse_span_secs};
use tidegate_store::read_limited;

use super::{EmergencyArgs, KeyArgs, PostmortemArgs, WaiverArgs, speaker};
use crate::commands::diff::show_changes;
use crate::context::Context;
use crate::signer::LazySigner;

/// The largest post-mortem, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;

fn require_guardian(project: &Context, name: &str) -> AppResult {
    let people = people(project);
    if people.get(name).is_some_and(|person| person.roles.iter().any(|role| role == "guardian")) {
        return Ok(());
    }
    Err(AppError::new(Kind::Keys, format!("{name} is no guardian of this policy")))
}

pub(super) async fn waiver(
    project: &Context,
    signer: &LazySigner,
    args: &WaiverArgs,
) -> AppResult<u8> {
    let name = speaker(project, signer.address())?;
    let gate = GateId::named(&args.gate)
        .ok_or_else(|| AppError::usage(format!("there is no gate `{}`", args.gate)))?;
    let soak_secs = args.soak.as_deref().map(parse_span_secs).transpose().or_kind(Kind::Usage)?;
    let lowers = Lowered {
        soak_secs,
        audits: args.audits,
        transactions: args.transactions,
        senders: args.senders,
        selectors_percent: args.selectors_percent,
    };
    admissible(&project.rules, gate, &lowers).map_err(|why| AppError::new(Kind::Fail, why))?;
    require_guardian(project, &name)?;
    let about = About::named(project, args.target.target.as_deref())?;
    let issued_at = now(project, &about).await?.time;
    if args.until <= issued_at || args.until > issued_at.saturating_add(WAIVER_SECS_MAX) {
        return Err(AppError::usage(format!(
            "--until is {}; a waiver ends within 90 days from {}",
            format_utc(args.until),
            format_utc(issued_at)
        )));
    }
    let release = built(project, args.release.as_deref())?.roots.release_root;
    let body = Body::Waiver(Waiver {
        release,
        gate,
        lowers,
        until: args.until,
        reason: args.reason.clone(),
        link: args.link.clone(),
    });
    sign(project, &about, signer, body).await?;
    let wanted = project.rules.waiver_signers;
    project.ui.note(format!("it counts once {wanted} guardians have signed exactly this"));
    Ok(0)
}

pub(super) async fn key_claim(
    project: &Context,
    signer: &LazySigner,
    args: &KeyArgs,
) -> AppResult<u8> {
    let (key, name) = (signer.address(), args.name.clone());
    if speaker(project, key)? != name {
        let what = format!("[people] does not list {key} under {name}");
        return Err(AppError::new(Kind::Keys, what));
    }
    let body = Body::KeyClaim(KeyClaim { name, key });
    let about = About::named(project, args.target.target.as_deref())?;
    sign(project, &about, signer, body).await?;
    Ok(0)
}

/// A guardian computes everything that the terms say alone, and signs one Safe transaction.
pub(super) async fn emergency(
    project: &Context,
    signer: &LazySigner,
    args: &EmergencyArgs,
) -> AppResult<u8> {
    require_guardian(project, &speaker(project, signer.address())?)?;
    let found = proposals::find(project, args.proposal.as_deref())?;
    let promotion = promotion_of(found.checked.proposal())?;
    let hash = found.checked.hash().0;
    let Some(terms) = &promotion.emergency else {
        return Err(AppError::usage("that proposal is no emergency"));
    };
    let built = built(project, None)?;
    if built.roots.release_root != promotion.release_root {
        return Err(AppError::new(Kind::Fail, "the working tree builds another release")
            .hint("check out the commit that the proposal was made from"));
    }
    let network = project.connect(&found.network).await?;
    let head = network.finalized_head().await?;
    let (baseline, changes) = compared(project, &built, &found.network, &network, head).await?;
    if let Some(why) = refusals(terms, &Ok(baseline)).into_iter().next() {
        return Err(AppError::new(Kind::Fail, format!("no emergency: {why}")));
    }
    let ui = &project.ui;
    ui.row("incident", &terms.incident);
    ui.row("replaces", &terms.baseline_root.to_string());
    ui.row("release", &promotion.release_root.to_string());
    ui.row("differs", &format!("{}; digest {}", changes.furthest().words(), terms.diff_digest));
    show_changes(ui, &changes);
    ui.row(
        "soak",
        &format!("{} s instead of {} s", terms.min_soak_seconds, project.rules.soak_secs),
    );
    ui.row("counts", &format!("until {}", format_utc(terms.expires_at)));
    ui.row(
        "owes",
        &format!("soak, audits and a post-mortem until {}", format_utc(terms.retro_due_by)),
    );
    let about = About::on(project, found.network.clone())?;
    let Date { at, time } = now(project, &about).await?;
    let statement = Statement::EmergencyWaiver(Box::new(EmergencyWaiver {
        guardian: signer.address(),
        release_root: promotion.release_root,
        safe_tx_hash: hash,
        terms: terms.clone(),
        at,
        issued_at: time,
    }));
    let subject = emergency_subject(promotion.release_root, hash);
    let posted = args.post.then_some((subject, terms.expires_at));
    say_and_post(project, &found.network, signer, statement, posted).await
}

pub(super) async fn postmortem(
    project: &Context,
    signer: &LazySigner,
    args: &PostmortemArgs,
) -> AppResult<u8> {
    speaker(project, signer.address())?;
    let about = About::named(project, args.target.target.as_deref())?;
    let bytes = read_limited(&args.document, DOCUMENT_BYTES_MAX).or_kind(Kind::Config)?;
    let sha256 = B256::from_slice(&Sha256::digest(&bytes));
    let release = built(project, args.release.as_deref())?.roots.release_root;
    let body = Body::Postmortem(Postmortem { release, sha256, uri: args.uri.clone() });
    sign(project, &about, signer, body).await?;
    Ok(0)
}
