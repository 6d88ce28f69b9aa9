//! The candidate: what is judged, as each fact is read.

use std::future::Future;
use std::ops::Deref;
use std::time::Duration;

use tidegate_chain::{Budget, Network};
use tidegate_evidence::StatementSet;
use tidegate_gates::Observed;
use tidegate_model::Head;
use tidegate_model::policy::PolicyDoc;
use tidegate_model::record::DeploymentRecord;
use tidegate_safe::{EvidenceItems, SafeState};

use super::deployers::Deployed;
use crate::error::AppResult;
use crate::project::Project;
use crate::release::Built;

/// How long everything may take that one evaluation reads, from now.
pub(super) fn budget() -> Budget {
    Budget::of(Duration::from_secs(15 * 60))
}

/// Turns a failed read into a fact that says what is missing.
pub(super) async fn observed<T>(read: impl Future<Output = AppResult<Observed<T>>>) -> Observed<T> {
    match read.await {
        Ok(fact) => fact,
        Err(error) => Err(error.reason()),
    }
}

/// A release that is judged for a target, and all that was said.
#[derive(Clone)]
pub(super) struct Candidate<'a> {
    pub(super) project: &'a Project,
    pub(super) built: &'a Built,
    pub(super) target: &'a str,
    pub(super) statements: &'a StatementSet,
    pub(super) target_network: Observed<&'a Network>,
    /// Whether another release may have taken its place since, where it soaked.
    pub(super) is_past: bool,
    /// The deployers of the release.
    pub(super) deployed: Deployed,
    /// The evidence that is being checked, if any.
    pub(super) evidence: Option<&'a EvidenceItems>,
    /// The limit that all reads of the evaluation have together.
    pub(super) budget: Budget,
}

/// The same on one network where it soaks.
pub(super) struct Gathered<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) soak: &'a str,
    pub(super) record: Option<&'a DeploymentRecord>,
    pub(super) soak_network: Observed<&'a Network>,
    /// The last block at which it stood there, where that is over.
    pub(super) until: Option<u64>,
}

impl Gathered<'_> {
    /// The past block at which the soak network is read, instead of its finalized head.
    pub(super) async fn past(&self, network: &Network) -> AppResult<Option<Head>> {
        let Some(until) = self.until else { return Ok(None) };
        let is_final = until < network.finalized_head().await?.block.number;
        Ok(if is_final { Some(network.head_at(until).await?) } else { None })
    }
}

impl<'a> Deref for Gathered<'a> {
    type Target = Candidate<'a>;

    fn deref(&self) -> &Self::Target {
        &self.candidate
    }
}

/// The present policy and the Safe at gate time.
pub(super) type Trust = Observed<(PolicyDoc, SafeState)>;

impl Candidate<'_> {
    /// The last block up to which an input counts, where its evidence is being checked.
    pub(super) fn counted_to(&self, kind: &str, network: &Network) -> Option<u64> {
        Some(self.evidence?.block_of(kind, network.id().chain)?.number)
    }
}
