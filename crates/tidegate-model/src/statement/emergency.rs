//! The emergency terms that guardians sign so that an urgent fix need not wait.

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::At;
use crate::digest::{JcsError, jcs_keccak};
use crate::ids::ReleaseRoot;
use crate::verdict::GateId;

/// The gates that an emergency makes easier.
pub const EMERGENCY_GATES: [GateId; 2] = [GateId::Soak, GateId::Audits];

/// The terms that all guardians of one emergency agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EmergencyTerms {
    /// The release that is promoted now.
    pub baseline_root: ReleaseRoot,
    /// keccak256 over the canonical JSON of the gates' names, see [`gate_set`].
    pub gate_set: B256,
    /// The soak that is asked for instead, in seconds.
    pub min_soak_seconds: u32,
    /// The incident, such as its number.
    pub incident: String,
    /// keccak256 over the canonical JSON of how the two releases differ.
    pub diff_digest: B256,
    /// From when it counts, by the target's chain time.
    pub not_before: u64,
    /// The end, in seconds since 1970 of the target's chain time.
    pub expires_at: u64,
    /// By when the soak, the audits and the post-mortem are made up for.
    pub retro_due_by: u64,
}

/// A guardian's word on one Safe transaction, and so good for once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EmergencyWaiver {
    /// The key that signs.
    pub guardian: Address,
    pub release_root: ReleaseRoot,
    /// The Safe transaction.
    pub safe_tx_hash: B256,
    /// The terms that all guardians agree on.
    pub terms: EmergencyTerms,
    /// A block of the Safe's chain.
    pub at: At,
    /// That block's time.
    pub issued_at: u64,
}

/// The digest of a list of gates, which the waiver carries.
///
/// # Errors
/// Never for names.
pub fn gate_set(gates: &[GateId]) -> Result<B256, JcsError> {
    let mut names: Vec<_> = gates.iter().map(|gate| gate.name()).collect();
    names.sort_unstable();
    jcs_keccak("gate set", &names)
}
