//! What auditors say.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::At;
use crate::ids::{ScopeRoot, StatementDigest};

/// A firm's word on a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AuditAttestation {
    /// The key that signs.
    pub auditor: Address,
    /// What was read.
    pub scope_root: ScopeRoot,
    /// How many contracts it holds.
    pub scope_count: u16,
    /// Where the sources lie; for people.
    pub repository: String,
    /// The commit that was read; for people, never a check.
    pub git_commit: String,
    /// SHA-256 of the report as published.
    pub report_sha256: B256,
    /// Where the report lies.
    pub report_uri: String,
    /// 1 clean, 2 with accepted risk, 3 delta review, 4 deployment verification.
    pub verdict: u8,
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

/// A firm takes its word back. It belongs to no project and does not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AuditRevocation {
    /// The attestation's digest.
    pub attestation: StatementDigest,
    /// 0 unspecified, 1 error in the report, 2 new finding, 3 key compromised.
    pub reason: u8,
    /// Why, in words.
    pub detail: String,
}
