//! `tidegate attest`: an auditor recomputes the scope, hashes the report and signs.

use std::path::PathBuf;

use alloy_primitives::{B256, U256};
use clap::Args;
use serde_json::json;
use sha2::{Digest, Sha256};
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::{AuditAttestation, AuditRevocation, Statement, salt_of};
use tidegate_model::units::{format_utc, parse_span_secs};
use tidegate_model::{ScopeRoot, StatementDigest};
use tidegate_plan::config::Stage;
use tidegate_safe::helper;
use tidegate_store::read_limited;

use crate::approve::{Approval, approve};
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::require_helper;
use crate::project::Project;
use crate::release::{Built, built, require_minimal};
use crate::sending::send;
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
    /// 1 clean, 2 with accepted risk, 3 delta review, 4 deployment verification
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    verdict: u8,
    /// Open findings, as `critical,high,medium`
    #[arg(long, default_value = "0,0,0")]
    open: String,
    /// How long the attestation counts
    #[arg(long, default_value = "365d")]
    valid_for: String,
    /// The target's chain time of the statement, in seconds; default: read from the target
    #[arg(long, value_name = "SECONDS")]
    issued_at: Option<u64>,
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
    let key = named(&project.global, None)?;
    let signer = LazySigner::new(&project.ui, &project.env, &project.global, key)?;
    if let Some(wanted) = &args.revoke {
        return revoke(project, args, &signer, wanted).await;
    }
    let report = args.report.as_ref().ok_or_else(|| CliError::usage("name the report"))?;
    let bytes = read_limited(report, REPORT_BYTES_MAX).or_kind(Kind::Config)?;
    let sha256 = B256::from_slice(&Sha256::digest(&bytes));
    let built = built(project, args.release.as_deref())?;
    require_minimal(project, &built)?;
    let issued_at = issued_at(project, args).await?;
    let attestation = attestation(args, &built, &signer, sha256, issued_at)?;
    show(project, &built, &attestation)?;
    let statement = Statement::AuditAttestation(attestation);
    let digest = statement.digest()?;
    project.ui.row("digest", &digest.to_string());
    if args.dry_run {
        project.ui.result(&json!({"digest": digest, "statement": statement}));
        return Ok(0);
    }
    let options = vec!["--issued-at".to_owned(), issued_at.to_string()];
    let options = if args.issued_at.is_some() { Vec::new() } else { options };
    approve(project, &Approval { network: "attest", hash: digest.0, options })?;
    let digest = statements::sign_and_write(project, &signer, statement.clone())?;
    project.ui.line(format!("Signed: deployments/statements/{digest}.json"));
    project.ui.note("commit the file");
    project.ui.result(&json!({"digest": digest, "statement": statement}));
    Ok(0)
}

/// The target's finalized time, which every statement is dated by.
async fn issued_at(project: &Project, args: &AttestArgs) -> CliResult<u64> {
    if let Some(given) = args.issued_at {
        return Ok(given);
    }
    let target = project.network_of(None, Stage::Mainnet)?;
    let network = project.connect(&target).await.map_err(|error| {
        error.hint("offline, give the target's time yourself with --issued-at SECONDS")
    })?;
    Ok(network.finalized_head().await?.timestamp)
}

fn attestation(
    args: &AttestArgs,
    built: &Built,
    signer: &LazySigner,
    report_sha256: B256,
    issued_at: u64,
) -> CliResult<AuditAttestation> {
    let open: Vec<u16> = args.open.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let &[open_critical, open_high, open_medium] = open.as_slice() else {
        return Err(CliError::usage("write --open as `critical,high,medium`, such as 0,0,1"));
    };
    let valid_secs = parse_span_secs(&args.valid_for).or_kind(Kind::Usage)?;
    let auditor = signer.address();
    let scope_root: ScopeRoot = built.roots.scope_root;
    let salt = salt_of(&[
        auditor.as_slice(),
        scope_root.0.as_slice(),
        report_sha256.as_slice(),
        &issued_at.to_be_bytes(),
    ]);
    Ok(AuditAttestation {
        auditor,
        scope_root,
        scope_count: u16::try_from(built.release.artifacts.len()).or_kind(Kind::Config)?,
        repository: args.repository.clone(),
        git_commit: args.commit.clone(),
        report_sha256,
        report_uri: args.uri.clone(),
        verdict: args.verdict,
        open_critical,
        open_high,
        open_medium,
        findings_digest: B256::ZERO,
        issued_at,
        valid_until: issued_at.saturating_add(valid_secs),
        supersedes: StatementDigest(B256::ZERO),
        salt,
    })
}

fn show(project: &Project, built: &Built, attestation: &AuditAttestation) -> CliResult {
    let ui = &project.ui;
    ui.line(format!("Scope of {}, recomputed from this checkout", built.release.name));
    for scope in built.release.scopes()? {
        ui.line(format!("  {:<22} {}", scope.fqn.name(), scope.fqn.path()));
        ui.line(format!("    {}", scope.hash_struct()));
    }
    ui.row("scopeRoot", &attestation.scope_root.to_string());
    ui.row(
        "report",
        &format!("sha256 {}", alloy_primitives::hex::encode(attestation.report_sha256)),
    );
    ui.row("auditor", &attestation.auditor.to_string());
    ui.row(
        "verdict",
        &format!(
            "{} (open: {} critical, {} high, {} medium)",
            attestation.verdict,
            attestation.open_critical,
            attestation.open_high,
            attestation.open_medium
        ),
    );
    ui.row(
        "counts",
        &format!(
            "from {} until {}",
            format_utc(attestation.issued_at),
            format_utc(attestation.valid_until)
        ),
    );
    Ok(())
}

/// Signs a revocation, and posts it at the helper so that deleting the file undoes nothing.
async fn revoke(
    project: &Project,
    args: &AttestArgs,
    signer: &LazySigner,
    wanted: &str,
) -> CliResult<u8> {
    let set = statements::load(project)?;
    let wanted = wanted.trim_start_matches("0x").to_lowercase();
    let mine = set.attestations().filter(|(_, a, _)| a.auditor == signer.address());
    let found = mine.map(|(digest, ..)| digest);
    let found = found.filter(|d| alloy_primitives::hex::encode(d.0).starts_with(&wanted));
    let mut attestation = found.collect::<Vec<_>>();
    if attestation.is_empty() {
        // The file may be gone; whoever signed still knows its digest.
        attestation.extend(wanted.parse().ok().map(StatementDigest));
    }
    let [attestation] = attestation.as_slice() else {
        return Err(CliError::usage("that names no attestation of yours")
            .hint("its digest is the name of its file under deployments/statements/"));
    };
    let target = project.network_of(None, Stage::Mainnet)?;
    let network = project.connect(&target).await?;
    let head = network.finalized_head().await?;
    require_helper(&network, head).await?;
    let revoked_at = args.issued_at.unwrap_or(head.timestamp);
    let statement = Statement::AuditRevocation(AuditRevocation {
        auditor: signer.address(),
        attestation: *attestation,
        reason: 0,
        detail: args.detail.clone(),
        revoked_at,
    });
    let intent = Intent {
        op: format!("revoke/{attestation}"),
        to: helper::address(),
        value: U256::ZERO,
        data: helper::post(*attestation, u64::MAX),
    };
    project.ui.row("revokes", &attestation.to_string());
    let latest = network.latest_head().await?;
    let call = helper::posted(signer.address(), *attestation);
    let answer = network.call(helper::address(), &call, latest.block).await?;
    let mut post = None;
    if helper::read_posted(&answer).or_kind(Kind::Chain)? == 0 {
        post = Some(send(project, &target, &network, signer, &intent, Vec::new()).await?.hash);
    }
    let digest = statements::sign_and_write(project, signer, statement)?;
    project.ui.line(match post {
        Some(hash) => format!("Posted at the helper on {target}: {hash}"),
        None => format!("It was posted at the helper on {target} before."),
    });
    project.ui.line(format!("Signed: deployments/statements/{digest}.json"));
    project.ui.result(&json!({"revoked": attestation, "digest": digest, "post": post}));
    Ok(0)
}
