//! `tidegate attest`: an auditor recomputes the scope, hashes the report and signs.

mod findings;
mod revoke;
mod scope;

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use clap::Args;
use serde_json::json;
use sha2::{Digest, Sha256};
use tidegate_model::StatementDigest;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{AuditAttestation, Date, Statement};
use tidegate_model::units::{format_utc, parse_span_secs};
use tidegate_store::read_limited;

use self::findings::Counted;
use self::scope::Scope;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::{built, require_minimal};
use crate::saying::{About, ForTarget, now};
use crate::scopes;
use crate::signer::{LazySigner, named};
use crate::statements;

/// The largest report, in bytes.
const REPORT_BYTES_MAX: u64 = 256 << 20;

/// Attest an audit of exactly this code, or take an attestation back
///
/// Recomputes the scope from your own checkout, shows each contract, hashes the report and signs.
#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    /// The report, as published
    #[arg(required_unless_present = "revoke")]
    report: Option<PathBuf>,
    /// The release; default: what the working tree builds
    #[arg(long)]
    release: Option<String>,
    /// Where the report lies
    #[arg(long, default_value = "")]
    uri: String,
    /// The repository, for people
    #[arg(long, default_value = "")]
    repository: String,
    /// The commit that was read, for people
    #[arg(long, default_value = "")]
    commit: String,
    /// What was found, as SARIF 2.1.0; open findings are counted in it, and it is kept under
    /// `deployments/findings/`
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// Open findings, as `critical,high,medium`; default: as `--findings` has them, or none
    #[arg(long)]
    open: Option<String>,
    /// 1 clean, 2 with accepted risk, 3 delta review, 4 deployment verification; default: what
    /// follows from the other options
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4))]
    verdict: Option<u8>,
    /// Attest only what has changed since this attestation of your firm, which it rests on
    #[arg(long, value_name = "DIGEST", conflicts_with = "revoke")]
    delta: Option<String>,
    /// Who attests, where no key of theirs is here; with --typed-data or --dry-run
    #[arg(long, value_name = "ADDRESS")]
    auditor: Option<Address>,
    /// How long the attestation counts
    #[arg(long, default_value = "365d")]
    valid_for: String,
    #[command(flatten)]
    target: ForTarget,
    /// Show what would be signed and stop
    #[arg(long)]
    dry_run: bool,
    /// Revoke this attestation instead: a file, and a post at the helper on the target
    #[arg(long, value_name = "DIGEST", conflicts_with = "report")]
    revoke: Option<String>,
    /// Why it is revoked
    #[arg(long, default_value = "revoked", requires = "revoke")]
    detail: String,
}

pub(crate) async fn run(project: &Project, args: &AttestArgs) -> CliResult<u8> {
    let signer = signer(project, args)?;
    if let Some(wanted) = &args.revoke {
        return revoke::revoke(project, args, &signer, wanted).await;
    }
    let report = args.report.as_ref().ok_or_else(|| CliError::usage("name the report"))?;
    let bytes = read_limited(report, REPORT_BYTES_MAX).or_kind(Kind::Config)?;
    let sha256 = B256::from_slice(&Sha256::digest(&bytes));
    if !crate::compiler::has_sources(project) {
        return Err(CliError::new(
            Kind::Fail,
            "there are no sources here to recompute the scope from",
        )
        .hint("attest in your own checkout of the commit that you have read"));
    }
    let built = built(project, args.release.as_deref())?;
    require_minimal(project, &built)?;
    let scope = match &args.delta {
        Some(wanted) => scope::since(project, &built, wanted, signer.address()).await?,
        None => scope::whole(&built)?,
    };
    let counted = findings::count(args)?;
    let date = now(project, &About::named(project, &args.target)?).await?;
    let attestation = attestation(args, &scope, &counted, &signer, sha256, date)?;
    scope::show(project, &built, &scope);
    show(project, &attestation, &counted);
    let statement = Statement::AuditAttestation(attestation);
    let digest = statement.digest()?;
    project.ui.row("digest", &digest.to_string());
    if args.dry_run {
        project.ui.result(&json!({"digest": digest, "statement": statement}));
        return Ok(0);
    }
    statements::conclude(project, &signer, statement, "attest")?;
    scopes::keep(project, &scope.contracts)?;
    if let Some(file) = &args.findings {
        scopes::take_findings(project, file)?;
    }
    project.ui.note("commit what is new under deployments/");
    Ok(0)
}

/// The key that signs, or the address whose key is elsewhere.
fn signer(project: &Project, args: &AttestArgs) -> CliResult<LazySigner> {
    let mut global = project.global.clone();
    let Some(auditor) = args.auditor else {
        let key = named(&global, None)?;
        return LazySigner::new(&project.ui, &project.env, &global, key);
    };
    if !args.dry_run && global.typed_data.is_none() {
        return Err(CliError::usage("the key of --auditor is not here")
            .hint("write what its wallet signs with --typed-data FILE, or name a key with --as"));
    }
    global.typed_data.get_or_insert_default();
    LazySigner::new(&project.ui, &project.env, &global, &auditor.to_string())
}

fn attestation(
    args: &AttestArgs,
    scope: &Scope,
    counted: &Counted,
    signer: &LazySigner,
    report_sha256: B256,
    date: Date,
) -> CliResult<AuditAttestation> {
    let valid_secs = parse_span_secs(&args.valid_for).or_kind(Kind::Usage)?;
    let auditor = signer.address();
    let scope_root = scope.root();
    let Date { at, time } = date;
    let [open_critical, open_high, open_medium] = counted.open;
    Ok(AuditAttestation {
        auditor,
        scope_root,
        scope_count: u16::try_from(scope.contracts.len()).or_kind(Kind::Config)?,
        repository: args.repository.clone(),
        git_commit: args.commit.clone(),
        report_sha256,
        report_uri: args.uri.clone(),
        verdict: findings::verdict(args, counted, scope.base.is_some())?,
        open_critical,
        open_high,
        open_medium,
        findings_digest: counted.digest,
        issued_at: time,
        valid_until: time.saturating_add(valid_secs),
        supersedes: scope.base.unwrap_or(StatementDigest(B256::ZERO)),
        at,
    })
}

fn show(project: &Project, attestation: &AuditAttestation, counted: &Counted) {
    let ui = &project.ui;
    ui.row("scopeRoot", &attestation.scope_root.to_string());
    let sha256 = alloy_primitives::hex::encode(attestation.report_sha256);
    ui.row("report", &format!("sha256 {sha256}"));
    if !attestation.findings_digest.is_zero() {
        ui.row("findings", &attestation.findings_digest.to_string());
        counted.mediums.iter().for_each(|line| ui.row("", line));
    }
    if !attestation.supersedes.0.is_zero() {
        ui.row("supersedes", &attestation.supersedes.to_string());
    }
    match firm(project, attestation.auditor) {
        Some(firm) => ui.row("auditor", &format!("{}, {firm}", attestation.auditor)),
        None => {
            ui.row("auditor", &attestation.auditor.to_string());
            ui.warn("[people] names no auditor with this key and a firm; this would not count");
        }
    }
    let [critical, high, medium] =
        [attestation.open_critical, attestation.open_high, attestation.open_medium];
    let open = format!("open: {critical} critical, {high} high, {medium} medium");
    ui.row("verdict", &format!("{} ({open})", attestation.verdict));
    let (from, until) = (format_utc(attestation.issued_at), format_utc(attestation.valid_until));
    ui.row("counts", &format!("from {from} until {until}"));
}

/// The firm of an auditor, as `tidegate.toml` names it.
fn firm(project: &Project, auditor: Address) -> Option<String> {
    let people = people(project);
    let mut auditors = people.values().filter(|person| person.roles.iter().any(|r| r == "auditor"));
    auditors.find(|person| person.keys.contains(&auditor))?.firm.clone()
}
