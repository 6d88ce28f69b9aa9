//! How many findings are open, and which verdict that allows.

use alloy_primitives::{B256, hex};
use tidegate_evidence::Findings;
use tidegate_evidence::sarif::FINDINGS_BYTES_MAX;
use tidegate_model::statement::Severity;
use tidegate_store::read_limited;

use super::AttestArgs;
use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::scopes::shortened;

/// What is open.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Of critical, high and medium severity.
    pub(super) open: [u16; 3],
    /// The digest of the document, or zero.
    pub(super) digest: B256,
    /// The open ones of medium severity, which two people have to accept, a line each.
    pub(super) mediums: Vec<String>,
}

/// Counts what is open as the document has it; counts given by hand must be the same.
pub(super) fn count(args: &AttestArgs) -> CliResult<Counted> {
    let given = args.open.as_deref().map(by_hand).transpose()?;
    let Some(file) = &args.findings else {
        return Ok(Counted { open: given.unwrap_or_default(), ..Counted::default() });
    };
    let bytes = read_limited(file, FINDINGS_BYTES_MAX).or_kind(Kind::Config)?;
    let found = Findings::read(&bytes).or_kind(Kind::Config)?;
    let mut open = [0; 3];
    let severities = [Severity::Critical, Severity::High, Severity::Medium];
    for (count, severity) in open.iter_mut().zip(severities) {
        *count = u16::try_from(found.open(severity)).or_kind(Kind::Config)?;
    }
    if let Some(given) = given.filter(|given| *given != open) {
        let text = |[critical, high, medium]: [u16; 3]| format!("{critical},{high},{medium}");
        let (given, open) = (text(given), text(open));
        let what = format!("--open says {given}, the findings have {open} open");
        return Err(CliError::new(Kind::Fail, what)
            .hint("leave --open away; what is fixed or suppressed is so in the document"));
    }
    let mediums = found.findings.iter().filter(|f| f.open && f.severity == Severity::Medium);
    let line = |finding: &tidegate_evidence::Finding| {
        let (key, rule) = (hex::encode(&finding.key[..8]), &finding.rule);
        format!("{key} {rule}: {}", shortened(&finding.message))
    };
    Ok(Counted { open, digest: found.digest, mediums: mediums.map(line).collect() })
}

fn by_hand(text: &str) -> CliResult<[u16; 3]> {
    let numbers: Option<Vec<u16>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or_else(|| CliError::usage("write --open as `critical,high,medium`, such as 0,0,1"))
}

/// The verdict that was asked for, if the rest allows it; or the one that follows from the rest.
pub(super) fn verdict(args: &AttestArgs, counted: &Counted, delta: bool) -> CliResult<u8> {
    let open = counted.open.iter().any(|count| *count > 0);
    let verdict = args.verdict.unwrap_or(match (delta, open) {
        (true, _) => 3,
        (false, true) => 2,
        (false, false) => 1,
    });
    let refuse = |text: &str, hint: &str| Err(CliError::usage(text).hint(hint));
    if (verdict == 3) != delta {
        return refuse(
            "verdict 3 is that of a delta review",
            "name the attestation that it rests on with --delta DIGEST",
        );
    }
    if verdict == 1 && open {
        return refuse(
            "verdict 1 says that nothing of medium or higher severity is open",
            "leave --verdict away, or give verdict 2",
        );
    }
    if (verdict == 2 || open) && counted.digest.is_zero() {
        return refuse(
            "open findings, and verdict 2, need the document that lists them",
            "name it with --findings FILE.sarif",
        );
    }
    Ok(verdict)
}
