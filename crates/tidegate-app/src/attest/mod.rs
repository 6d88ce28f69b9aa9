//! An auditor attests exactly the code that they have read.

mod findings;
mod scope;
mod source;

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use sha2::{Digest, Sha256};
use tidegate_model::ports::DigestSigner;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::statement::{At, AuditAttestation, Date, Statement, source_built_by};
use tidegate_model::units::parse_date;
use tidegate_model::{PlanDigest, StatementDigest};
use tidegate_store::read_limited;

pub use self::findings::Counted;
pub use self::scope::Scope;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::path::absolute;
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::{Built, require_minimal};
use crate::saying::{About, now};
use crate::{relied, scopes, signing};

/// The largest report, in bytes.
const REPORT_BYTES_MAX: u64 = 256 << 20;

/// What an auditor says, as they give it.
#[derive(Debug, Clone)]
pub struct AttestRequest {
    /// The report's file; an absolute path.
    pub report: PathBuf,
    /// Where the report lies.
    pub uri: String,
    /// Its version, as it names itself.
    pub report_version: String,
    /// First and last day of the audit, as `YYYY-MM-DD/YYYY-MM-DD`.
    pub period: String,
    /// Repository and commit; by default those of the checkout.
    pub source: Option<String>,
    /// Whether files may differ from their commit's.
    pub dirty: bool,
    /// The contracts; none for all.
    pub only: Vec<String>,
    /// Whether the plan was not read.
    pub no_plan: bool,
    /// Findings as SARIF; an absolute path.
    pub findings: Option<PathBuf>,
    /// How many findings there were, without such a file.
    pub found: Option<u16>,
    /// How many of them are fixed.
    pub fixed: u16,
    /// Open findings as `critical,high,medium`.
    pub open: Option<String>,
    /// The verdict in words; by default what follows from the rest.
    pub verdict: Option<String>,
    /// The attestation that a delta review rests on, by its digest's beginning.
    pub delta: Option<String>,
    /// How long it counts, in seconds.
    pub valid_secs: u64,
    /// The day as `YYYY-MM-DD`, where no block dates it.
    pub no_block: Option<String>,
    /// The target by whose block it is dated; by default the only one.
    pub target: Option<String>,
}

impl AttestRequest {
    /// For how long an attestation counts where nobody says it: a year, in seconds.
    const VALID_SECS: u64 = 365 * 86_400;

    /// A report without findings over the whole release and its plan.
    pub fn of(report: PathBuf) -> Self {
        Self {
            report,
            uri: String::new(),
            report_version: String::new(),
            period: String::new(),
            source: None,
            dirty: false,
            only: Vec::new(),
            no_plan: false,
            findings: None,
            found: None,
            fixed: 0,
            open: None,
            verdict: None,
            delta: None,
            valid_secs: Self::VALID_SECS,
            no_block: None,
            target: None,
        }
    }

    /// The digest of the report.
    fn report_sha256(&self) -> AppResult<B256> {
        let bytes =
            read_limited(absolute(&self.report)?, REPORT_BYTES_MAX).or_kind(Kind::Config)?;
        Ok(B256::from_slice(&Sha256::digest(&bytes)))
    }

    /// Refuses what contradicts itself.
    fn require_consistent(&self) -> AppResult {
        let why = match (&self.delta, &self.findings) {
            (Some(_), _) if self.no_block.is_some() => "a delta review is dated by a block",
            (Some(_), _) if !self.only.is_empty() => {
                "a delta review is of every contract that has changed"
            }
            (_, Some(_)) if self.found.is_some() || self.fixed > 0 => {
                "findings are counted in the file that has them"
            }
            _ => return Ok(()),
        };
        Err(AppError::usage(why).hint("see `tidegate attest --help` for what goes together"))
    }
}

/// A release that was recomputed from the sources of this checkout, which is what an auditor reads.
#[derive(Debug)]
pub struct Recomputed(Built);

/// An attestation that is not signed yet, and what it is over.
#[derive(Debug)]
pub struct Draft {
    attestation: AuditAttestation,
    scope: Scope,
    counted: Counted,
    /// The auditor's firm, as `tidegate.toml` names it.
    pub firm: Option<String>,
    /// The release that soaks now, where it is another one.
    pub soaking: Option<String>,
}

/// Drafts an attestation from the sources of this checkout.
///
/// # Errors
/// If there are no sources, the files are not the commit's, a delta review can rest on nothing, or
/// the counts contradict each other.
pub async fn draft(
    project: &Project,
    Recomputed(built): &Recomputed,
    request: &AttestRequest,
    auditor: Address,
) -> AppResult<Draft> {
    relied::require(project).await?;
    request.require_consistent()?;
    let (target, sha256) = (request.target.as_deref(), request.report_sha256()?);
    let scope = match &request.delta {
        Some(wanted) => {
            let About { target, .. } = About::of_target(project, target)?;
            scope::since(project, built, wanted, auditor, &target).await?
        }
        None => scope::whole(built, &request.only)?,
    };
    let plan = (!request.no_plan).then_some(built.roots.plan_digest);
    if scope.contracts.is_empty() && plan.is_none_or(|plan| scope.base_plan == Some(plan)) {
        return Err(AppError::usage("nothing has changed since that attestation")
            .hint("it covers every contract of this release, and its plan"));
    }
    let counted = findings::count(request)?;
    let source = source::source(project, request, built)?;
    let source = source_built_by(&source, &built.release.compilers);
    let about = About::of_target(project, target)?;
    let date = match &request.no_block {
        Some(day) => {
            let at = At::no_block(project.network(&about.target)?.chain);
            Date { at, time: parse_date(day).or_kind(Kind::Usage)? }
        }
        None => now(project, &about).await?,
    };
    let parts = Parts { request, built, scope: &scope, counted: &counted, sha256, source };
    let attestation = parts.attestation(auditor, date)?;
    if let Some(fault) = attestation.fault() {
        return Err(AppError::usage(format!("this attestation {fault}"))
            .hint("see `tidegate attest --help` for the meaning of each option"));
    }
    let firm = firm(project, auditor);
    let soaking = soaking(project, &about.target, built)?;
    Ok(Draft { attestation, scope, counted, firm, soaking })
}

/// The release that an attestation is of, from the sources of this checkout.
///
/// # Errors
/// If there are none, the report cannot be read, or what is asked for contradicts itself.
pub fn release(
    project: &Project,
    named: Option<&str>,
    request: &AttestRequest,
) -> AppResult<Recomputed> {
    request.require_consistent()?;
    // Nothing is compiled for a report that is not there.
    request.report_sha256()?;
    if !crate::compiler::has_sources(project) {
        return Err(AppError::new(
            Kind::Fail,
            "there are no sources here to recompute the scope from",
        )
        .hint("attest in your own checkout of the commit that you reviewed"));
    }
    let built = crate::release::select(project, named)?;
    require_minimal(project, &built)?;
    Ok(Recomputed(built))
}

impl Recomputed {
    /// The release.
    pub const fn built(&self) -> &Built {
        &self.0
    }
}

impl Draft {
    /// What would be signed.
    pub const fn attestation(&self) -> &AuditAttestation {
        &self.attestation
    }

    /// The contracts.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The findings.
    pub const fn counted(&self) -> &Counted {
        &self.counted
    }

    /// Has it approved, writes what it is over, signs it and writes its file.
    ///
    /// # Errors
    /// If nobody approves it, or something cannot be signed or written.
    pub fn sign(self, project: &Project, signer: &dyn DigestSigner) -> AppResult<StatementDigest> {
        let Self { attestation, scope, counted, .. } = self;
        let statement = Statement::AuditAttestation(attestation);
        let preimages = || Self::keep(&scope, &counted, project);
        signing::conclude(project, signer, statement, "attest", preimages)
    }

    /// Writes what the attestation is over. It is there before the statement, so that none ever
    /// speaks of what is missing.
    ///
    /// # Errors
    /// If a file cannot be written.
    fn keep(scope: &Scope, counted: &Counted, project: &Project) -> AppResult {
        scopes::keep(project, &scope.contracts)?;
        if counted.document.is_empty() {
            return Ok(());
        }
        scopes::keep_findings(project, &counted.document)
    }
}

/// What an attestation is made of.
struct Parts<'a> {
    request: &'a AttestRequest,
    built: &'a Built,
    scope: &'a Scope,
    counted: &'a Counted,
    sha256: B256,
    source: String,
}

impl Parts<'_> {
    fn attestation(self, auditor: Address, date: Date) -> AppResult<AuditAttestation> {
        let Self { request, built, scope, counted, sha256, source } = self;
        let Date { at, time } = date;
        let [open_critical, open_high, open_medium] = counted.open;
        let not_read = PlanDigest(B256::ZERO);
        Ok(AuditAttestation {
            auditor,
            project: built.release.project.clone(),
            release: built.release.name.clone(),
            scope_root: scope.root(),
            scope_count: u16::try_from(scope.contracts.len()).or_kind(Kind::Config)?,
            plan_digest: if request.no_plan { not_read } else { built.roots.plan_digest },
            source,
            report_uri: request.uri.clone(),
            report_version: request.report_version.clone(),
            report_sha256: sha256,
            period: request.period.clone(),
            verdict: findings::verdict(request, counted)?,
            found: counted.found,
            fixed: counted.fixed,
            accepted: counted.accepted,
            open_critical,
            open_high,
            open_medium,
            findings_digest: counted.digest,
            issued_at: time,
            valid_until: time.saturating_add(request.valid_secs),
            supersedes: scope.base.unwrap_or(StatementDigest(B256::ZERO)),
            at,
        })
    }
}

/// The release that soaks for the target now, where its scope is another one than this.
fn soaking(project: &Project, target: &str, built: &Built) -> AppResult<Option<String>> {
    for soak in &project.network(target)?.soaks_on {
        let records = crate::records::own(project, soak)?.into_iter().map(|(_, record)| record);
        let block = |record: &DeploymentRecord| record.anchor().map(|tx| tx.block.number);
        let Some(newest) = records.max_by_key(block) else { continue };
        if newest.scope_root != built.roots.scope_root {
            let (name, root) = (&newest.name, newest.scope_root);
            let text = format!("{soak} has {name} with scope {root}, which is not what you attest");
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
