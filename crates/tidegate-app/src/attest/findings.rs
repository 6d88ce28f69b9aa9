//! Counts of open findings, and the verdicts that they allow.

use alloy_primitives::{B256, hex};
use tidegate_evidence::sarif::FINDINGS_BYTES_MAX;
use tidegate_evidence::{Finding, FindingState, Findings};
use tidegate_model::statement::{AuditVerdict, Severity};
use tidegate_store::read_limited;

use super::AttestRequest;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::path::absolute;
use crate::scopes::shortened;

/// Counts of findings, and the lines that say which are open.
#[derive(Debug, Default)]
pub struct Counted {
    /// Of critical, high and medium severity.
    pub open: [u16; 3],
    /// The digest of the document, or zero.
    pub digest: B256,
    /// Number of findings.
    pub found: u16,
    /// Number of findings that are fixed.
    pub fixed: u16,
    /// How many a suppression accepts that the auditor confirms by signing this number.
    pub accepted: u16,
    /// How many suppressions there are, and how many of them close nothing.
    pub suppressions: [usize; 2],
    /// The document, as it was read once.
    pub document: Vec<u8>,
    /// What is open and has to be accepted by two people, and what a suppression speaks of, a
    /// line each.
    pub lines: Vec<String>,
}

/// Counts what is open as the document has it; counts given by hand must be the same.
pub(super) fn count(request: &AttestRequest) -> AppResult<Counted> {
    let given = request.open.as_deref().map(by_hand).transpose()?;
    let Some(file) = &request.findings else {
        let open: [u16; 3] = given.unwrap_or_default();
        let told = open.iter().fold(request.fixed, |sum, count| sum.saturating_add(*count));
        let found = request.found.unwrap_or(told);
        return Ok(Counted { open, found, fixed: request.fixed, ..Counted::default() });
    };
    let bytes = read_limited(absolute(file)?, FINDINGS_BYTES_MAX).or_kind(Kind::Config)?;
    let found = Findings::read(&bytes).or_kind(Kind::Config)?;
    let counts = found.counts();
    let number = |count: usize| u16::try_from(count).or_kind(Kind::Config);
    let mut open = [0; 3];
    for (open, count) in open.iter_mut().zip(counts.open) {
        *open = number(count)?;
    }
    if let Some(given) = given.filter(|given| *given != open) {
        let text = |[critical, high, medium]: [u16; 3]| format!("{critical},{high},{medium}");
        let (given, open) = (text(given), text(open));
        let what = format!("--open says {given}, the findings have {open} open");
        return Err(AppError::new(Kind::Fail, what)
            .hint("omit --open: the document itself says which findings are fixed or suppressed"));
    }
    let lines = found.findings.iter().filter_map(line).collect();
    Ok(Counted {
        open,
        found: number(counts.found)?,
        fixed: number(counts.fixed)?,
        accepted: number(counts.accepted)?,
        suppressions: [counts.suppressions, counts.ignored],
        digest: found.digest,
        document: bytes,
        lines,
    })
}

/// What an auditor has to see of a finding, besides that it is counted.
fn line(finding: &Finding) -> Option<String> {
    let kinds: Vec<_> = finding.suppressions.iter().map(|found| found.kind.as_str()).collect();
    let why = match finding.state {
        FindingState::Open if !kinds.is_empty() => {
            format!("open, suppressed {} only", kinds.join(", "))
        }
        FindingState::Open if finding.severity == Severity::Medium => "open".to_owned(),
        FindingState::Accepted => {
            let words = finding.suppressions.iter().map(|found| found.justification.as_str());
            format!("you accept it ({})", shortened(&words.collect::<Vec<_>>().join("; ")))
        }
        FindingState::Open | FindingState::Fixed => return None,
    };
    let (key, rule) = (hex::encode(&finding.key[..8]), &finding.rule);
    let (severity, message) = (finding.severity.word(), shortened(&finding.message));
    Some(format!("{key} {severity} {rule}: {message}; {why}"))
}

fn by_hand(text: &str) -> AppResult<[u16; 3]> {
    let numbers: Option<Vec<u16>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or_else(|| AppError::usage("write --open as `critical,high,medium`, such as 0,0,1"))
}

/// The verdict that was asked for, or the one that follows from the rest.
pub(super) fn verdict(request: &AttestRequest, counted: &Counted) -> AppResult<AuditVerdict> {
    let delta = request.delta.is_some();
    let clean = counted.accepted == 0 && counted.open.iter().all(|count| *count == 0);
    let Some(words) = &request.verdict else {
        return Ok(match (delta, clean) {
            (true, _) => AuditVerdict::Delta,
            (false, true) => AuditVerdict::Clean,
            (false, false) => AuditVerdict::RiskAccepted,
        });
    };
    let verdict = AuditVerdict::of_words(words).ok_or_else(|| {
        let all = AuditVerdict::ALL.map(AuditVerdict::words).join("`, `");
        AppError::usage(format!("`{words}` is not a verdict")).hint(format!("write one of `{all}`"))
    })?;
    if (verdict == AuditVerdict::Delta) != delta {
        return Err(AppError::usage("verdict `delta` and option --delta go together")
            .hint("name the earlier attestation with --delta DIGEST, or choose another verdict"));
    }
    Ok(verdict)
}
