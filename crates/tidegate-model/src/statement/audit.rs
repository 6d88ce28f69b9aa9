//! What auditors say.

use alloy_primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

use super::At;
use crate::artifact::Compiler;
use crate::ids::{PlanDigest, ScopeRoot, StatementDigest};

/// The longest text of an attestation, in bytes: a device shows each.
const ATTESTATION_TEXT_BYTES_MAX: usize = 512;

/// A firm's word on a scope and on what is done with it. Each field is one that a report has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AuditAttestation {
    /// The key that signs.
    pub auditor: Address,
    /// The project, as the report calls it; for people.
    pub project: String,
    /// The release, as the report calls it; for people.
    pub release: String,
    /// The root of the contracts that were read: all of a release, or some.
    pub scope_root: ScopeRoot,
    /// The number of contracts in the scope; 0 in a delta review of the plan alone.
    pub scope_count: u16,
    /// The plan that was read, or zero.
    pub plan_digest: PlanDigest,
    /// Repository and commit as `repository@commit`, and by which compilers the auditor built it;
    /// for people, never a check.
    pub source: String,
    /// URI of the report.
    pub report_uri: String,
    /// The report's version, as it names itself.
    pub report_version: String,
    /// SHA-256 of the report as published.
    pub report_sha256: B256,
    /// The first and the last day of the audit, such as `2026-01-05/2026-02-01`; empty if not said.
    pub period: String,
    /// Its resolution.
    pub verdict: AuditVerdict,
    /// Number of findings.
    pub found: u16,
    /// Number of findings that are fixed.
    pub fixed: u16,
    /// The number of findings that a suppression accepts, which the auditor confirms.
    pub accepted: u16,
    /// Open findings of critical severity.
    pub open_critical: u16,
    /// Open findings of high severity.
    pub open_high: u16,
    /// Open findings of medium severity.
    pub open_medium: u16,
    /// Digest of the findings document, or zero.
    pub findings_digest: B256,
    /// The time of the block that it names; the auditor's own word where it names none.
    pub issued_at: u64,
    /// Until when it counts.
    pub valid_until: u64,
    /// The attestation it replaces, or zero.
    pub supersedes: StatementDigest,
    /// A block of any target, or none.
    pub at: At,
}

/// The verdict of an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditVerdict {
    /// Nothing of medium or higher severity is open, and nothing was accepted.
    #[serde(rename = "clean")]
    Clean,
    /// Something is open or was accepted, and a document says what.
    #[serde(rename = "risk accepted")]
    RiskAccepted,
    /// It is over what changed since the attestation that it supersedes.
    #[serde(rename = "delta")]
    Delta,
    /// It is over what stands on a chain, and says nothing of the code; it does not count.
    #[serde(rename = "deployment")]
    Deployment,
}

impl AuditVerdict {
    /// Every verdict, in the order of the format.
    pub const ALL: [Self; 4] = [Self::Clean, Self::RiskAccepted, Self::Delta, Self::Deployment];

    /// The words that are signed.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::RiskAccepted => "risk accepted",
            Self::Delta => "delta",
            Self::Deployment => "deployment",
        }
    }

    /// The verdict of these words.
    pub fn of_words(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.words() == words)
    }
}

/// The separator before each compiler in `source`.
const BUILT_BY: &str = "; by ";

/// The `source` of an attestation: repository and commit, then each compiler that built the
/// sources, as many as fit into the text.
pub fn source_built_by(source: &str, compilers: &[Compiler]) -> String {
    let mut text = source.to_owned();
    for compiler in compilers {
        let more = format!("{BUILT_BY}{} {}", compiler.version, compiler.sha256);
        if text.len() + more.len() <= ATTESTATION_TEXT_BYTES_MAX {
            text += &more;
        }
    }
    text
}

impl AuditAttestation {
    /// The compilers that the auditor says built what was read.
    pub fn built_by(&self) -> Vec<Compiler> {
        let parts = self.source.split(BUILT_BY).skip(1);
        let compiler = |part: &str| {
            let (version, sha256) = part.rsplit_once(' ')?;
            Some(Compiler { version: version.to_owned(), sha256: sha256.parse().ok()? })
        };
        parts.filter_map(compiler).collect()
    }

    /// Open findings of critical, high and medium severity.
    pub const fn open(&self) -> [u16; 3] {
        [self.open_critical, self.open_high, self.open_medium]
    }

    /// Whether the auditor read the plan: `planDigest` is not zero.
    pub fn names_plan(&self) -> bool {
        !self.plan_digest.0.is_zero()
    }

    /// The first contradiction within the attestation; one that has any counts for nothing.
    pub fn fault(&self) -> Option<String> {
        let open: u32 = self.open().map(u32::from).iter().sum();
        let told = u32::from(self.fixed) + u32::from(self.accepted) + open;
        let found = self.found;
        if u32::from(found) < told {
            return Some(format!("found {found}, of which {told} are fixed, accepted or open"));
        }
        if self.verdict == AuditVerdict::Clean && u32::from(self.accepted) + open > 0 {
            return Some("says clean, and counts open or accepted findings".to_owned());
        }
        let undocumented = self.findings_digest.is_zero();
        let risk = self.verdict == AuditVerdict::RiskAccepted || self.accepted > 0 || open > 0;
        if risk && undocumented {
            return Some("names no document with its findings".to_owned());
        }
        let delta = self.verdict == AuditVerdict::Delta;
        if delta && self.supersedes.0.is_zero() {
            return Some("is a delta review and names nothing that it rests on".to_owned());
        }
        let nothing = self.scope_root.0 == keccak256([]);
        if nothing != (self.scope_count == 0) || (nothing && !(delta && self.names_plan())) {
            return Some("is over no contract, which only a delta review of a plan is".to_owned());
        }
        if self.valid_until < self.issued_at {
            return Some("ends before it begins".to_owned());
        }
        if !is_period(&self.period) {
            let is = "not a first and a last day as YYYY-MM-DD/YYYY-MM-DD";
            return Some(format!("has the period `{}`, {is}", self.period));
        }
        let texts = [
            ("project", &self.project),
            ("release", &self.release),
            ("source", &self.source),
            ("reportUri", &self.report_uri),
            ("reportVersion", &self.report_version),
        ];
        let bad = |text: &str| {
            text.len() > ATTESTATION_TEXT_BYTES_MAX || text.chars().any(char::is_control)
        };
        let (name, _) = texts.into_iter().find(|(_, text)| bad(text))?;
        let max = ATTESTATION_TEXT_BYTES_MAX;
        Some(format!("has control characters or more than {max} bytes in `{name}`"))
    }
}

/// Whether a text is a first and a last day, or nothing.
fn is_period(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let day = |text: &str| {
        let date = text.parse::<jiff::civil::Date>().ok();
        date.filter(|date| date.to_string() == text)
    };
    let days = text.split_once('/').and_then(|(first, last)| Some((day(first)?, day(last)?)));
    days.is_some_and(|(first, last)| first <= last)
}

/// A firm takes its word back. It belongs to no project and does not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AuditRevocation {
    /// The attestation's digest.
    pub attestation: StatementDigest,
    /// 0 unspecified, 1 error in the report, 2 new finding, 3 key compromised.
    pub reason: u8,
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ChainId;

    fn attestation() -> AuditAttestation {
        AuditAttestation {
            auditor: Address::ZERO,
            project: "vault".to_owned(),
            release: "vault-1.4.0".to_owned(),
            scope_root: ScopeRoot(B256::repeat_byte(1)),
            scope_count: 1,
            plan_digest: PlanDigest(B256::repeat_byte(2)),
            source: "https://example.org/vault@d20ace".to_owned(),
            report_uri: String::new(),
            report_version: "1.0".to_owned(),
            report_sha256: B256::ZERO,
            period: "2026-01-05/2026-02-01".to_owned(),
            verdict: AuditVerdict::Clean,
            found: 3,
            fixed: 3,
            accepted: 0,
            open_critical: 0,
            open_high: 0,
            open_medium: 0,
            findings_digest: B256::repeat_byte(3),
            issued_at: 1,
            valid_until: 2,
            supersedes: StatementDigest(B256::ZERO),
            at: At::no_block(ChainId(1)),
        }
    }

    #[test]
    fn compilers_are_read_from_the_source_as_they_were_written() {
        let compiler = |version: &str, byte| Compiler {
            version: version.to_owned(),
            sha256: B256::repeat_byte(byte),
        };
        let two = [
            compiler("0.8.37+commit.f401782d.Linux.g++", 1),
            compiler("vyper 0.4.3+commit.bff19ea2", 2),
        ];
        let source = source_built_by("https://example.org/vault@d20ace", &two);
        let said = AuditAttestation { source, ..attestation() };
        assert_eq!(said.built_by(), two);
        assert_eq!(said.fault(), None);
        assert_eq!(attestation().built_by(), []);
        // What is no compiler is none, and what has no room is left out.
        for odd in ["x; by solc", "x; by 0.8.37 0x12", "; by "] {
            let said = AuditAttestation { source: odd.to_owned(), ..attestation() };
            assert_eq!(said.built_by(), [], "{odd}");
        }
        let long = "x".repeat(ATTESTATION_TEXT_BYTES_MAX - 80);
        assert_eq!(source_built_by(&long, &two[..1]), long);
        let many: Vec<_> = (0..9).map(|byte| compiler("0.8.37+commit.f401782d", byte)).collect();
        assert!(source_built_by("x", &many).len() <= ATTESTATION_TEXT_BYTES_MAX);
    }

    #[test]
    fn what_contradicts_itself_is_no_attestation() {
        type Edit = fn(&mut AuditAttestation);
        let base = StatementDigest(B256::repeat_byte(9));
        assert_eq!(attestation().fault(), None);
        let faults: [(Edit, &str); 17] = [
            (|a| a.found = 2, "found 2, of which 3"),
            (|a| a.accepted = 1, "found 3, of which 4"),
            (
                |a| (a.found, a.fixed, a.open_high) = (u16::MAX, u16::MAX, u16::MAX),
                "of which 131070",
            ),
            (|a| (a.found, a.open_medium) = (4, 1), "says clean"),
            (|a| (a.found, a.accepted) = (4, 1), "says clean"),
            (
                |a| (a.verdict, a.findings_digest) = (AuditVerdict::RiskAccepted, B256::ZERO),
                "names no document",
            ),
            (|a| a.verdict = AuditVerdict::Delta, "names nothing that it rests on"),
            (|a| a.scope_count = 0, "over no contract"),
            (|a| a.scope_root = ScopeRoot(keccak256([])), "over no contract"),
            (|a| (a.scope_root, a.scope_count) = (ScopeRoot(keccak256([])), 0), "over no contract"),
            (|a| a.valid_until = 0, "ends before"),
            (|a| a.period = "2026-02-01/2026-01-05".to_owned(), "the period"),
            (|a| a.period = "2026-1-5/2026-02-01".to_owned(), "the period"),
            (|a| a.period = "in January".to_owned(), "the period"),
            (|a| a.project = "va\u{7}ult".to_owned(), "`project`"),
            (|a| a.source = "x".repeat(ATTESTATION_TEXT_BYTES_MAX + 1), "`source`"),
            (|a| a.report_version.push('\n'), "`reportVersion`"),
        ];
        for (edit, says) in faults {
            let mut a = attestation();
            edit(&mut a);
            let fault = a.fault().unwrap_or_default();
            assert!(fault.contains(says), "{says}: {fault}");
        }
        let mut plan_alone = attestation();
        (plan_alone.scope_root, plan_alone.scope_count) = (ScopeRoot(keccak256([])), 0);
        (plan_alone.verdict, plan_alone.supersedes) = (AuditVerdict::Delta, base);
        assert_eq!(plan_alone.fault(), None);
        plan_alone.plan_digest = PlanDigest(B256::ZERO);
        assert!(plan_alone.fault().is_some(), "a review of nothing");
        let mut open = attestation();
        (open.period, open.found, open.open_medium) = (String::new(), 5, 1);
        open.verdict = AuditVerdict::RiskAccepted;
        assert_eq!(open.fault(), None, "one of low severity is in no other number");
    }

    #[test]
    fn verdicts_are_the_words_that_are_signed() {
        for verdict in AuditVerdict::ALL {
            assert_eq!(AuditVerdict::of_words(verdict.words()), Some(verdict));
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.words());
        }
        assert_eq!(AuditVerdict::of_words("Clean"), None);
    }
}
