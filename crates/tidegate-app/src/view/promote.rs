//! What came of asking for a promotion.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::statement::EmergencyTerms;
use tidegate_model::{ReleaseRoot, Verdict};
use tidegate_safe::SafeTxHash;

use crate::promote::{Candidate, Proposed};
use crate::view::{GateView, gate_views};

/// A promotion that is proposed to the owners, or that the gates hold back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PromoteView {
    /// The gates let it through, and a proposal was written.
    Proposed(ProposedView),
    /// At least one gate holds it back, and nothing was written.
    Held(HeldView),
}

/// A proposal that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposedView {
    /// The target's name.
    pub target: String,
    /// The release.
    pub release_root: ReleaseRoot,
    /// The hash of the Safe's transaction.
    pub proposal: SafeTxHash,
    /// The proposal's file.
    pub file: PathBuf,
    /// The overall verdict.
    pub overall: Verdict,
    /// The terms that guardians must sign, for an emergency.
    pub emergency: Option<EmergencyTerms>,
}

/// A release that is not proposed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldView {
    /// The target's name.
    pub target: String,
    /// The release.
    pub release_root: ReleaseRoot,
    /// Always `null`.
    pub proposal: (),
    /// The overall verdict.
    pub overall: Verdict,
    /// Every gate.
    pub gates: Vec<GateView>,
}

impl PromoteView {
    /// The view of a candidate: proposed, or held back.
    pub fn of(candidate: &Candidate<'_>, proposed: Option<&Proposed>) -> Self {
        let assessment = candidate.assessment();
        let (target, overall) = (assessment.target.clone(), assessment.overall.clone());
        let release_root = candidate.built().roots.release_root;
        match proposed {
            Some(proposed) => Self::Proposed(ProposedView {
                target,
                release_root,
                proposal: proposed.checked.hash(),
                file: proposed.file.clone(),
                overall,
                emergency: candidate.terms().cloned(),
            }),
            None => Self::Held(HeldView {
                target,
                release_root,
                proposal: (),
                overall,
                gates: gate_views(assessment),
            }),
        }
    }
}
