//! Acceptances of findings that stay open.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::ids::ScopeRoot;

/// The longest time that an accepted risk may stand, in seconds.
pub const RISK_SECS_MAX: u64 = 366 * 86_400;

/// A finding that somebody would live with, until the statement expires. It holds once two people
/// have signed the same, and dies with the code: it names the release's scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RiskAcceptance {
    /// The scope of the release in which the finding is open.
    pub scope_root: ScopeRoot,
    /// The finding's key, as its document gives it.
    pub finding: B256,
    /// The finding's severity there.
    pub severity: Severity,
    /// The decision on it.
    pub decision: RiskDecision,
    /// Why.
    pub justification: String,
    /// The control that limits the risk until then; empty if there is none.
    pub control: String,
}

/// The decision on a finding that stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskDecision {
    /// It is as reported, and accepted.
    Accept,
    /// It is no fault.
    FalsePositive,
    /// Something else prevents it.
    Mitigated,
    /// It is fixed later.
    Defer,
}

impl RiskDecision {
    /// The word in a statement's sentence.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::FalsePositive => "false-positive",
            Self::Mitigated => "mitigated",
            Self::Defer => "defer",
        }
    }
}

/// The severity of a finding, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do.
    None,
    Low,
    /// Medium: to be fixed, or accepted by two people.
    Medium,
    /// High: nothing with it is promoted.
    High,
    /// Critical: nothing with it is promoted.
    Critical,
}

impl Severity {
    /// In words, for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
