//! `tidegate attest`: an auditor recomputes the scope, hashes the report and signs.

mod findings;
mod revoke;
mod scope;
mod source;

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use clap::Args;
use sha2::{Digest, Sha256};
use tidegate_model::ports::DigestSigner;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::statement::{At, AuditAttestation, Date, Statement, source_built_by};
use tidegate_model::units::{parse_date, parse_span_secs};
use tidegate_model::{PlanDigest, StatementDigest};
use tidegate_store::read_limited;

use self::findings::Counted;
use self::scope::Scope;
use crate::compiler::described;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::{Built, built, require_minimal};
use crate::relied;
use crate::saying::{About, ForTarget, now};
use crate::scopes;
use crate::signer::{LazySigner, named};
use crate::statements;
use crate::ui::{COLUMNS, wrap};

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
    /// The report's version, as it names itself
    #[arg(long, default_value = "")]
    report_version: String,
    /// The first and the last day of the audit
    #[arg(long, value_name = "YYYY-MM-DD/YYYY-MM-DD", default_value = "")]
    period: String,
    /// Repository and commit as `repository@commit`, for people; default: those of this checkout
    #[arg(long)]
    source: Option<String>,
    /// Attest although files of this checkout are not those of its commit
    #[arg(long)]
    dirty: bool,
    /// Attest only these contracts; what is left is for others
    #[arg(long = "only", value_name = "CONTRACT", conflicts_with = "delta")]
    only: Vec<String>,
    /// Say nothing of the plan, which was not read
    #[arg(long)]
    no_plan: bool,
    /// What was found, as SARIF 2.1.0; findings are counted in it, and it is kept under
    /// `deployments/findings/`
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// How many findings there were, without --findings
    #[arg(long, conflicts_with = "findings")]
    found: Option<u16>,
    /// How many of them are fixed
    #[arg(long, default_value_t = 0, conflicts_with = "findings")]
    fixed: u16,
    /// Open findings, as `critical,high,medium`; default: as `--findings` has them, or none
    #[arg(long)]
    open: Option<String>,
    /// `clean`, `risk accepted`, `delta` or `deployment`; default: what follows from the others
    #[arg(long, value_name = "WORDS")]
    verdict: Option<String>,
    /// Attest only what has changed since this attestation of your firm, which it rests on
    #[arg(long, value_name = "DIGEST", conflicts_with = "revoke")]
    delta: Option<String>,
    /// How long the attestation counts
    #[arg(long, default_value = "365d")]
    valid_for: String,
    /// Name no block, so that no chain is asked; the day is then your word
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["delta", "revoke"])]
    no_block: Option<String>,
    #[command(flatten)]
    target: ForTarget,
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
        return revoke::revoke(project, args, &signer, wanted).await;
    }
    relied::require(project).await?;
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
        Some(wanted) => {
            let About { target, .. } = About::named(project, &args.target)?;
            scope::since(project, &built, wanted, signer.address(), &target).await?
        }
        None => scope::whole(&built, &args.only)?,
    };
    let plan = (!args.no_plan).then_some(built.roots.plan_digest);
    if scope.contracts.is_empty() && plan.is_none_or(|plan| scope.base_plan == Some(plan)) {
        return Err(CliError::usage("nothing has changed since that attestation")
            .hint("it covers every contract of this release, and its plan"));
    }
    let counted = findings::count(args)?;
    let source = source::source(project, args, &built)?;
    let source = source_built_by(&source, &built.release.compilers);
    let about = About::named(project, &args.target)?;
    let date = match &args.no_block {
        Some(day) => {
            let at = At::no_block(project.network(&about.target)?.chain);
            Date { at, time: parse_date(day).or_kind(Kind::Usage)? }
        }
        None => now(project, &about).await?,
    };
    let drafted = Draft { args, built: &built, scope: &scope, counted: &counted, sha256, source };
    let attestation = drafted.attestation(signer.address(), date)?;
    if let Some(fault) = attestation.fault() {
        return Err(CliError::usage(format!("this attestation {fault}"))
            .hint("see `tidegate attest --help` for what each option says"));
    }
    scope::show(project, &built, &scope);
    show_plan(project, &built, &attestation);
    show_unsigned(project, args, &built, &attestation, &counted)?;
    let statement = Statement::AuditAttestation(attestation);
    // What the statement is over is there before it, so that none ever speaks of what is missing.
    let preimages = || {
        scopes::keep(project, &scope.contracts)?;
        if counted.document.is_empty() {
            return Ok(());
        }
        scopes::keep_findings(project, &counted.document)
    };
    statements::conclude(project, &signer, statement, "attest", preimages)?;
    project.ui.note("commit what is new under deployments/");
    Ok(0)
}

/// What an attestation is made of.
struct Draft<'a> {
    args: &'a AttestArgs,
    built: &'a Built,
    scope: &'a Scope,
    counted: &'a Counted,
    sha256: B256,
    source: String,
}

impl Draft<'_> {
    fn attestation(self, auditor: Address, date: Date) -> CliResult<AuditAttestation> {
        let Self { args, built, scope, counted, sha256, source } = self;
        let valid_secs = parse_span_secs(&args.valid_for).or_kind(Kind::Usage)?;
        let Date { at, time } = date;
        let [open_critical, open_high, open_medium] = counted.open;
        let not_read = PlanDigest(B256::ZERO);
        Ok(AuditAttestation {
            auditor,
            project: built.release.project.clone(),
            release: built.release.name.clone(),
            scope_root: scope.root(),
            scope_count: u16::try_from(scope.contracts.len()).or_kind(Kind::Config)?,
            plan_digest: if args.no_plan { not_read } else { built.roots.plan_digest },
            source,
            report_uri: args.uri.clone(),
            report_version: args.report_version.clone(),
            report_sha256: sha256,
            period: args.period.clone(),
            verdict: findings::verdict(args, counted)?,
            found: counted.found,
            fixed: counted.fixed,
            accepted: counted.accepted,
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
}

/// The plan whose digest is signed, step by step.
fn show_plan(project: &Project, built: &Built, attestation: &AuditAttestation) {
    if !attestation.names_plan() {
        return project.ui.line("The plan is not read: this says nothing of what is done with it");
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
fn show_unsigned(
    project: &Project,
    args: &AttestArgs,
    built: &Built,
    attestation: &AuditAttestation,
    counted: &Counted,
) -> CliResult {
    let firm = firm(project, attestation.auditor);
    if firm.is_none() {
        let warning = "[people] names no auditor with this key and a firm; this would not count";
        project.ui.warn(warning);
    }
    let mut rows = vec![("firm".to_owned(), firm.unwrap_or_else(|| "none".to_owned()))];
    let [of, ignored] = counted.suppressions;
    if of > 0 {
        let said = format!("{of}, of which {ignored} close nothing");
        rows.push(("suppressions".to_owned(), said));
    }
    let built_by = built.release.compilers.iter().map(described);
    rows.extend(built_by.map(|line| ("compiler".to_owned(), line)));
    rows.extend(counted.lines.iter().map(|line| ("finding".to_owned(), line.clone())));
    rows.extend(soaking(project, args, built)?.map(|line| ("soaking".to_owned(), line)));
    project.ui.fields("You do not sign:", &rows);
    Ok(())
}

/// The release that soaks for the target now, where its scope is another one than this.
fn soaking(project: &Project, args: &AttestArgs, built: &Built) -> CliResult<Option<String>> {
    let About { target, .. } = About::named(project, &args.target)?;
    for soak in &project.network(&target)?.soaks_on {
        let records = crate::records::own(project, soak)?.into_iter().map(|(_, record)| record);
        let block = |record: &DeploymentRecord| record.anchor().map(|tx| tx.block.number);
        let Some(newest) = records.max_by_key(block) else { continue };
        if newest.scope_root != built.roots.scope_root {
            let (name, root) = (&newest.name, newest.scope_root);
            let text = format!("on {soak} it is {name} with scope {root}: not what is attested");
            project.ui.warn(&text);
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// The firm of an auditor, as `tidegate.toml` names it.
fn firm(project: &Project, auditor: Address) -> Option<String> {
    let people = people(project);
    let mut auditors = people.values().filter(|person| person.roles.iter().any(|r| r == "auditor"));
    auditors.find(|person| person.holds(auditor))?.firm.clone()
}
