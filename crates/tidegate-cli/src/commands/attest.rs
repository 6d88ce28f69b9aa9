//! `tidegate attest`: an auditor recomputes the scope, hashes the report and signs.

use std::path::PathBuf;

use clap::Args;
use tidegate_app::attest::{self, AttestRequest, Draft, Scope};
use tidegate_app::compiler::described;
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::release::Built;
use tidegate_app::relied;
use tidegate_app::safety::exceptions;
use tidegate_model::Fqn;
use tidegate_model::ports::DigestSigner;
use tidegate_model::statement::AuditAttestation;
use tidegate_model::units::{counted, parse_span_secs};

use super::attest_revoke::revoke;
use crate::context::Context;
use crate::options::{ForTarget, path};
use crate::signer::signer;
use crate::text::{COLUMNS, wrap};

/// Attest an audit of exactly this code, or revoke an attestation
///
/// Recomputes the scope from your own checkout, shows each contract, hashes the report and signs.
#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    /// The report file, exactly as published
    #[arg(required_unless_present = "revoke", value_parser = path)]
    report: Option<PathBuf>,
    /// The release; default: the release that the working tree builds
    #[arg(long)]
    pub(super) release: Option<String>,
    /// URI of the published report
    #[arg(long, default_value = "")]
    uri: String,
    /// The version printed in the report
    #[arg(long, default_value = "")]
    report_version: String,
    /// First and last day of the audit
    #[arg(long, value_name = "YYYY-MM-DD/YYYY-MM-DD", default_value = "")]
    period: String,
    /// Repository and commit as `repository@commit`, for readers only; default: those of this
    /// checkout
    #[arg(long)]
    source: Option<String>,
    /// Attest even if the checkout has uncommitted changes
    #[arg(long)]
    dirty: bool,
    /// Attest only these contracts; other audits cover the rest
    #[arg(long = "only", value_name = "CONTRACT", conflicts_with = "delta")]
    only: Vec<String>,
    /// Leave the plan out of the attestation, because it was not reviewed
    #[arg(long)]
    no_plan: bool,
    /// Findings as SARIF 2.1.0; they are counted from it, and it is stored under
    /// `deployments/findings/`
    #[arg(long, value_name = "FILE", value_parser = path)]
    findings: Option<PathBuf>,
    /// Number of findings, if there is no --findings
    #[arg(long, conflicts_with = "findings")]
    found: Option<u16>,
    /// Number of findings that are fixed
    #[arg(long, default_value_t = 0, conflicts_with = "findings")]
    fixed: u16,
    /// Numbers of open findings as `critical,high,medium`; default: counted from `--findings`, or
    /// none
    #[arg(long)]
    open: Option<String>,
    /// `clean`, `risk accepted`, `delta` or `deployment`; default: derived from the other options
    #[arg(long, value_name = "WORDS")]
    verdict: Option<String>,
    /// Attest only the changes since this earlier attestation of your firm
    #[arg(long, value_name = "DIGEST", conflicts_with = "revoke")]
    delta: Option<String>,
    /// How long the attestation is valid
    #[arg(long, default_value = "365d")]
    valid_for: String,
    /// Date the attestation by this day instead of a block, so that no chain is read; the date then
    /// rests on your word
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["delta", "revoke"])]
    no_block: Option<String>,
    #[command(flatten)]
    pub(super) target: ForTarget,
    /// Revoke this attestation: write a statement file and post it at the helper on the target
    #[arg(long, value_name = "DIGEST", conflicts_with = "report")]
    revoke: Option<String>,
    /// The reason for the revocation
    #[arg(long, default_value = "revoked", requires = "revoke")]
    pub(super) detail: String,
}

impl AttestArgs {
    fn request(&self) -> AppResult<AttestRequest> {
        let report = self.report.clone().ok_or_else(|| AppError::usage("name the report file"))?;
        Ok(AttestRequest {
            report,
            uri: self.uri.clone(),
            report_version: self.report_version.clone(),
            period: self.period.clone(),
            source: self.source.clone(),
            dirty: self.dirty,
            only: self.only.clone(),
            no_plan: self.no_plan,
            findings: self.findings.clone(),
            found: self.found,
            fixed: self.fixed,
            open: self.open.clone(),
            verdict: self.verdict.clone(),
            delta: self.delta.clone(),
            valid_secs: parse_span_secs(&self.valid_for).or_kind(Kind::Usage)?,
            no_block: self.no_block.clone(),
            target: self.target.target.clone(),
        })
    }
}

pub(crate) async fn run(project: &Context, args: &AttestArgs) -> AppResult<u8> {
    if let Some(wanted) = &args.revoke {
        return revoke(project, args, &signer(project, None)?, wanted).await;
    }
    relied::require(project).await?;
    let (request, signer) = (args.request()?, signer(project, None)?);
    let release = attest::release(project, args.release.as_deref(), &request)?;
    let built = release.built();
    let draft = attest::draft(project, &release, &request, signer.address()).await?;
    show_scope(project, built, draft.scope());
    show_plan(project, built, draft.attestation());
    show_unsigned(project, built, &draft);
    draft.sign(project, &signer)?;
    project.ui.note("commit what is new under deployments/");
    Ok(0)
}

/// Every contract, with what has changed where that is asked.
fn show_scope(project: &Context, built: &Built, scope: &Scope) {
    let ui = &project.ui;
    ui.line(format!("Scope of {}, recomputed from this checkout", built.release.name));
    let exceptions = exceptions(built);
    for contract in &scope.contracts {
        ui.line(format!("  {:<22} {}", contract.fqn.name(), contract.fqn.path()));
        ui.line(format!("    {}", contract.hash_struct()));
        let allowed = exceptions.get(&contract.fqn).into_iter().flatten();
        allowed.for_each(|line| ui.inset(line));
        let changes = scope.changes.get(&contract.fqn).into_iter().flatten();
        changes.for_each(|change| ui.line(format!("    {change}")));
    }
    let unproven = built.release.unproven();
    if !unproven.is_empty() {
        let files = counted(unproven.len(), "file");
        ui.warn(format!("{files} of packages are not what a known package published; read them"));
        unproven.iter().for_each(|source| ui.line(format!("  {source}")));
    }
    if let Some(base) = scope.base {
        let attested = |contract: &&Fqn| scope.contracts.iter().any(|c| c.fqn == **contract);
        let identical: Vec<_> = scope.changes.keys().filter(|c| !attested(c)).collect();
        let of = counted(identical.len(), "contract");
        ui.line(format!("Identical since {}: {of}", base.short()));
        identical.iter().for_each(|contract| ui.line(format!("  {}", contract.name())));
    }
}

/// The plan whose digest is signed, step by step.
fn show_plan(project: &Context, built: &Built, attestation: &AuditAttestation) {
    if !attestation.names_plan() {
        return project.ui.line("The plan was not reviewed: this attestation does not cover it");
    }
    project.ui.line(format!("Plan {}", attestation.plan_digest));
    for line in built.release.plan.lines() {
        let text = line.trim_start();
        let indent = 2 + line.len() - text.len();
        for part in wrap(text, COLUMNS - indent) {
            project.ui.line(format!("{:indent$}{part}", ""));
        }
    }
}

/// What an auditor has to look at beside what is signed.
fn show_unsigned(project: &Context, built: &Built, draft: &Draft) {
    let (counted, Draft { firm, soaking, .. }) = (draft.counted(), draft);
    if firm.is_none() {
        let warning = "[people] names no auditor with this key and a firm; this would not count";
        project.ui.warn(warning);
    }
    let firm = firm.clone().unwrap_or_else(|| "none".to_owned());
    let mut rows = vec![("firm".to_owned(), firm)];
    let [of, ignored] = counted.suppressions;
    if of > 0 {
        let said = format!("{of}, of which {ignored} close nothing");
        rows.push(("suppressions".to_owned(), said));
    }
    let built_by = built.release.compilers.iter().map(described);
    rows.extend(built_by.map(|line| ("compiler".to_owned(), line)));
    rows.extend(counted.lines.iter().map(|line| ("finding".to_owned(), line.clone())));
    if let Some(line) = soaking {
        project.ui.warn(line);
        rows.push(("soaking".to_owned(), line.clone()));
    }
    project.ui.fields("You do not sign:", &rows);
}
