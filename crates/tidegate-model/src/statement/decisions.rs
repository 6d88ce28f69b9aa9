//! Decisions about a release: go, no-go, bugs, freezes, waivers.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::digest::{Preimage, keccak_concat};
use crate::ids::{
    DeploymentDigest, NetworkId, ProjectId, RecordDigest, ReleaseRoot, StatementDigest,
};
use crate::verdict::GateId;

/// Somebody has seen these statements and records and says that the release may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Go {
    pub release: ReleaseRoot,
    /// Every statement that bears on it and was seen, sorted. That one of them is missing later
    /// is noticed by this list alone.
    pub statements: Vec<StatementDigest>,
    /// Every record of a deployment of it that was seen, sorted by digest. As for statements.
    pub records: Vec<SeenRecord>,
    /// keccak256 of the statements' digests and then the records', one after the other.
    pub set: B256,
    /// For which discipline the signer speaks, if the policy names disciplines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub discipline: Option<String>,
    pub reason: String,
}

/// A deployment record that somebody saw, named so that it can be found again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenRecord {
    /// The digest of all that it says.
    pub digest: RecordDigest,
    /// The deployment that it is of.
    pub deployment: DeploymentDigest,
    /// The transaction that anchors it.
    pub anchor: B256,
    /// The network that it speaks of. Names of networks change, chains do not.
    pub network: NetworkId,
    /// The name of its file.
    pub file: String,
}

impl Go {
    /// The most statements that a go may list.
    pub const STATEMENTS_MAX: usize = 10_000;
    /// The most deployment records that a go may list.
    pub const RECORDS_MAX: usize = 1_000;

    /// A go over statements and records, in any order.
    pub fn over(
        release: ReleaseRoot,
        statements: impl IntoIterator<Item = StatementDigest>,
        records: impl IntoIterator<Item = SeenRecord>,
        discipline: Option<String>,
        reason: String,
    ) -> Self {
        let mut statements: Vec<_> = statements.into_iter().collect();
        statements.sort_unstable();
        statements.dedup();
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_unstable_by_key(|record| record.digest);
        records.dedup_by_key(|record| record.digest);
        let set = set_of(&statements, &records);
        Self { release, statements, records, set, discipline, reason }
    }

    /// Whether the lists are sorted, short enough and have the digest that it says.
    pub fn is_consistent(&self) -> bool {
        self.statements.len() <= Self::STATEMENTS_MAX
            && self.records.len() <= Self::RECORDS_MAX
            && self.statements.windows(2).all(|pair| pair[0] < pair[1])
            && self.records.windows(2).all(|pair| pair[0].digest < pair[1].digest)
            && self.set == set_of(&self.statements, &self.records)
    }
}

fn set_of(statements: &[StatementDigest], records: &[SeenRecord]) -> B256 {
    let statements = statements.iter().map(|digest| digest.0);
    keccak_concat(statements.chain(records.iter().map(|record| record.digest.0)))
}

/// Somebody stops a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoGo {
    pub release: ReleaseRoot,
    /// For which discipline the signer speaks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub discipline: Option<String>,
    pub reason: String,
}

/// A bug of a release. One that is fixed is fixed in another release; in this one it stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bug {
    pub release: ReleaseRoot,
    pub severity: Severity,
    /// A title that says what is wrong.
    pub title: String,
    /// Link to details; may be empty.
    pub link: String,
    /// Whether it stops the release whatever its severity.
    pub blocking: bool,
}

impl Bug {
    /// Whether an open bug like this stops the release: it is blocking, high or critical.
    pub fn blocks(&self) -> bool {
        self.blocking || self.severity >= Severity::High
    }
}

/// A triage: somebody else's resolution of a bug, or its confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triage {
    pub bug: StatementDigest,
    pub resolution: Resolution,
    /// For a duplicate, the bug that stays.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of: Option<StatementDigest>,
    pub reason: String,
}

/// The resolution of a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// It is not a bug.
    Invalid,
    /// Another bug report is of the same bug.
    Duplicate,
    /// The release goes on with it; never for a critical bug.
    Accepted,
    /// It is a bug; overrides every other triage.
    Confirmed,
}

impl Resolution {
    /// The word for it in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
            Self::Accepted => "accepted",
            Self::Confirmed => "confirmed",
        }
    }
}

/// Nothing is promoted for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Until when, by the target's chain time.
    pub until: u64,
    pub reason: String,
}

/// A guardian lowers one gate's requirement, for one release and for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The release; no other one has it easier.
    pub release: ReleaseRoot,
    pub gate: GateId,
    /// The lowered requirement.
    pub lowers: Lowered,
    /// Until when, by the target's chain time.
    pub until: u64,
    pub reason: String,
    /// Link to details; may be empty.
    pub link: String,
}

/// Requirements as a waiver lowers them; what is absent stays as the policy has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lowered {
    /// Seconds of soak.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub soak_secs: Option<u64>,
    /// Number of firms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audits: Option<u32>,
    /// Transactions by outsiders.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transactions: Option<u32>,
    /// Outside senders.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub senders: Option<u32>,
    /// Functions that were called, in percent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub selectors_percent: Option<u32>,
}

impl Lowered {
    /// In words, such as `soak 86400 s, audits 1`.
    pub fn words(&self) -> String {
        let parts = [
            self.soak_secs.map(|secs| format!("soak {secs} s")),
            self.audits.map(|n| format!("audits {n}")),
            self.transactions.map(|n| format!("transactions {n}")),
            self.senders.map(|n| format!("senders {n}")),
            self.selectors_percent.map(|n| format!("functions {n} %")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Somebody shows that they hold a key that the policy lists under their name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyClaim {
    /// The name under `[people]`.
    pub name: String,
    /// The key's address; also the signer.
    pub key: Address,
}

/// The post-mortem of an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postmortem {
    /// The release that was promoted in the emergency.
    pub release: ReleaseRoot,
    /// SHA-256 of the document.
    pub sha256: B256,
    /// URI of the document.
    pub uri: String,
}

/// The subject under which the helper posts a statement of a kind. It follows from kind, project
/// and subject alone, so a reader knows what to ask for without the statement's file.
pub fn post_subject(kind: &str, project: ProjectId, subject: B256) -> StatementDigest {
    StatementDigest(Preimage::new().string(kind).digest(project.0).digest(subject).keccak())
}

/// The subject under which a freeze of a project is posted.
pub fn freeze_subject(project: ProjectId) -> StatementDigest {
    post_subject("freeze", project, project.0)
}

/// The subject under which a no-go is posted.
pub fn no_go_subject(project: ProjectId, release: ReleaseRoot) -> StatementDigest {
    post_subject("no-go", project, release.0)
}

/// The duration of a no-go, in seconds: a hundred years of 365 days. Only its author's newer go
/// ends it earlier. Its end shows when it was made, also if only its post is left, and a newer one
/// ends later, so that it can be posted after an older one.
const NO_GO_SECS: u64 = 36_500 * 86_400;

/// The end of a no-go that is made at `issued_at`.
pub const fn no_go_until(issued_at: u64) -> u64 {
    issued_at.saturating_add(NO_GO_SECS)
}

/// The time at which a no-go was made that is posted until `until`; `None` if `until` is too early
/// for one.
pub const fn no_go_said_at(until: u64) -> Option<u64> {
    until.checked_sub(NO_GO_SECS)
}

/// The subject under which an auditor posts the revocation of an attestation. A revocation has no
/// project.
pub fn revocation_subject(attestation: StatementDigest) -> StatementDigest {
    post_subject("audit/revoke", ProjectId(B256::ZERO), attestation.0)
}

/// The subject under which the Safe itself posts, in the batch of an emergency's promotion, until
/// when its obligations are due. No statement has this kind.
pub fn debt_subject(project: ProjectId, release: ReleaseRoot) -> StatementDigest {
    post_subject("emergency-debt", project, release.0)
}

/// The subject under which the start of a deployment's soak is posted on the target. It contains
/// the hash of the anchor's block, which nobody knows before that block is there.
pub fn soak_start_subject(
    project: ProjectId,
    deployment: DeploymentDigest,
    anchor: B256,
) -> StatementDigest {
    let subject = Preimage::new().digest(deployment.0).digest(anchor).keccak();
    post_subject("soak/start", project, subject)
}

/// The subject under which guardians announce an emergency's Safe transaction.
pub fn emergency_subject(release: ReleaseRoot, safe_tx_hash: B256) -> StatementDigest {
    let words = Preimage::new().string("emergency/1").digest(release.0).digest(safe_tx_hash);
    StatementDigest(words.keccak())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ChainId;
    use crate::statement::Body;

    #[test]
    fn a_go_names_what_it_saw() {
        let [a, b] = [1, 2].map(|byte| StatementDigest(B256::repeat_byte(byte)));
        let [c, d] = [3, 4].map(|byte| SeenRecord {
            digest: RecordDigest(B256::repeat_byte(byte)),
            deployment: DeploymentDigest(B256::ZERO),
            anchor: B256::ZERO,
            network: NetworkId { chain: ChainId(1), genesis: B256::ZERO },
            file: format!("vault-{byte}.json"),
        });
        let over = |statements: &[StatementDigest], records: &[&SeenRecord]| {
            let records = records.iter().copied().cloned();
            let release = ReleaseRoot(B256::ZERO);
            Go::over(release, statements.iter().copied(), records, None, String::new())
        };
        let go = over(&[b, a, b], &[&d, &c, &d]);
        assert_eq!(
            (&go.statements[..], &go.records[..]),
            (&[a, b][..], &[c.clone(), d.clone()][..])
        );
        assert!(go.is_consistent());
        let broken = [
            Go { statements: vec![b, a], ..go.clone() },
            Go { statements: vec![a], ..go.clone() },
            Go { records: vec![d.clone(), c.clone()], ..go.clone() },
            Go { records: vec![c.clone()], ..go.clone() },
            Go { records: Vec::new(), ..go.clone() },
        ];
        assert!(broken.iter().all(|go| !go.is_consistent()));
        // Whether something is a statement or a record is not in the set; the sentence counts both.
        let all = over(&[a, b, StatementDigest(c.digest.0)], &[&d]);
        assert_eq!(all.set, go.set);
        assert_ne!(Body::Go(all).text(), Body::Go(go).text());
    }

    #[test]
    fn the_end_of_a_no_go_says_when_it_was_said() {
        assert_eq!(no_go_said_at(no_go_until(7)), Some(7));
        assert_eq!(no_go_said_at(1_800_000_000), None);
        assert!(no_go_until(8) > no_go_until(7) && no_go_until(u64::MAX) == u64::MAX);
    }

    #[test]
    fn what_blocks() {
        let bug = |severity, blocking| {
            let (title, link) = (String::new(), String::new());
            Bug { release: ReleaseRoot(B256::ZERO), severity, title, link, blocking }.blocks()
        };
        assert!(bug(Severity::Critical, false) && bug(Severity::High, false));
        assert!(!bug(Severity::Medium, false) && bug(Severity::Low, true));
    }
}
