//! The status of a release.

use std::path::PathBuf;

use alloy_primitives::B256;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tidegate_gates::{Coverage, WriteRow};
use tidegate_model::policy::External;
use tidegate_model::release::Roots;
use tidegate_model::{EvidenceDigest, GateId, GateInput, GateReport, Head, PolicyDigest, Verdict};

use crate::assess::Assessment;
use crate::error::AppResult;
use crate::network::{described, has_operator, identity};
use crate::project::Project;
use crate::read_back::Promoted;
use crate::release::Built;
use crate::report::earliest;
use crate::view::SoakView;

/// Where a release stands before the gates of one target. Times are in seconds since 1970.
///
/// Two clones that see the same files and the same blocks agree on all of it but `local`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// The version of this form.
    pub v: u8,
    /// The release's name.
    pub release: String,
    /// What the release is, by content.
    pub roots: Roots,
    /// The target's name.
    pub target: String,
    /// The target's latest finalized header: gate time.
    pub gate_head: Option<Head>,
    /// The policy by which it is judged.
    pub policy_digest: Option<PolicyDigest>,
    /// The report of each gate, in their fixed order.
    pub gates: Vec<GateView>,
    /// The overall verdict.
    pub overall: Verdict,
    /// When it can be promoted, as far as time alone decides it, in one sentence.
    pub earliest: String,
    /// The firms whose audits cover each contract and the plan.
    pub coverage: Option<Coverage>,
    /// The soak that counts.
    pub soak: Option<SoakView>,
    /// Soaks on the other networks that the policy asks for.
    pub other_soaks: Vec<OtherSoakView>,
    /// What the plan writes in contracts that are there already.
    pub writes: Vec<WriteView>,
    /// Hashes that owners approved at the Safe itself.
    pub approvals: Option<Vec<ApprovalView>>,
    /// The recorded promotion.
    pub promoted: Option<PromotedView>,
    /// Who must do what next, one sentence each.
    pub next: Vec<String>,
    /// Facts that may differ between clones.
    pub local: LocalView,
    /// The soak network's name, and what network it is.
    #[serde(skip)]
    pub soaks_on: (String, Option<String>),
    /// Whether every gate lets it through, but not the batch.
    #[serde(skip)]
    pub is_held_by_batch: bool,
    /// Externals that are other code than where it soaked.
    #[serde(skip)]
    pub stand_ins: Vec<StandIn>,
}

/// One gate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct GateView {
    /// Which.
    pub gate: GateId,
    pub result: Verdict,
    /// Its finding, in one line.
    pub summary: String,
    /// The blocks that it rests on.
    pub inputs: Vec<GateInput>,
}

/// A soak on another network.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OtherSoakView {
    /// The network's name.
    pub network: String,
    /// The gates that ask it.
    pub gates: Vec<GateReport>,
}

/// A slot that the plan writes in a contract that is there already.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WriteView {
    /// The contract, by its name in the plan or its address.
    pub contract: String,
    pub slot: B256,
    /// Its name in the storage layout.
    pub label: Option<String>,
    /// What it holds before and after on the target; `null` where it is left alone there.
    pub target: Option<String>,
    /// The same where the plan soaked; `null` where that is not known.
    pub soaked: Option<String>,
}

/// A hash that owners approved at the Safe.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalView {
    /// The hash of the Safe's transaction.
    pub safe_tx_hash: B256,
    /// How many owners approved it.
    pub owners: usize,
}

/// A promotion, as it is read back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromotedView {
    /// When the Safe recorded it.
    pub recorded_at: u64,
    /// The evidence that it names.
    pub evidence_digest: EvidenceDigest,
    /// Whether it stands as it was promoted.
    pub read_back: Verdict,
}

/// Facts that concern this machine alone.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalView {
    /// The folder of this checkout's store.
    pub store: PathBuf,
    /// Auditors that built with another build of a compiler than this machine, one sentence each.
    pub other_builds: Vec<String>,
}

/// A parameter with two values.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// The value that soaked.
    pub soaked: Value,
    /// The value on the target, or why it has none.
    pub target: Result<Value, String>,
}

/// An external with two codes.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// Its name.
    pub name: String,
    /// What stood for it where the release soaked.
    pub soaked: External,
    /// What it is on the target.
    pub target: External,
}

impl StatusView {
    /// Says what one evaluation found.
    ///
    /// # Errors
    /// If the policy has no digest, or no folder of this machine is known.
    pub(crate) fn of(
        project: &Project,
        built: &Built,
        assessment: &Assessment,
        promoted: Option<&Promoted>,
        next: &[String],
    ) -> AppResult<Self> {
        let facts = &assessment.facts;
        let others = facts.other_soaks.iter().map(|other| OtherSoakView {
            network: other.network.clone(),
            gates: other.reports.clone(),
        });
        let proof = facts.safe.as_ref().ok().and_then(|facts| facts.proof.as_ref().ok());
        let approvals = proof.map(|proof| {
            let of = |(hash, owners): &(B256, usize)| ApprovalView {
                safe_tx_hash: *hash,
                owners: *owners,
            };
            proof.approvals.iter().map(of).collect()
        });
        let soaks_on = identity(project, &assessment.soak).ok();
        let soaks_on = soaks_on.filter(|soaks| has_operator(soaks.id.chain));
        Ok(Self {
            v: 1,
            release: built.release.name.clone(),
            roots: built.roots.clone(),
            target: assessment.target.clone(),
            gate_head: assessment.gate_head,
            policy_digest: assessment.policy.as_ref().map(|doc| doc.digest()).transpose()?,
            gates: gate_views(assessment),
            overall: assessment.overall.clone(),
            earliest: earliest(assessment),
            coverage: coverage(assessment),
            soak: facts.soak.as_ref().ok().map(|facts| SoakView::of(&project.rules, facts)),
            other_soaks: others.collect(),
            writes: write_views(assessment),
            approvals,
            promoted: promoted.map(PromotedView::of),
            next: next.to_vec(),
            local: LocalView {
                store: project.store_path()?,
                other_builds: other_builds(built, assessment),
            },
            soaks_on: (assessment.soak.clone(), soaks_on.map(|soaks| described(soaks.id))),
            is_held_by_batch: assessment.is_held_by_batch(),
            stand_ins: stand_ins(assessment),
        })
    }
}

impl PromotedView {
    fn of(promoted: &Promoted) -> Self {
        Self {
            recorded_at: promoted.recorded_at,
            evidence_digest: promoted.evidence_digest,
            read_back: promoted.verdict.clone(),
        }
    }
}

/// Each gate.
pub fn gate_views(assessment: &Assessment) -> Vec<GateView> {
    assessment.reports.iter().cloned().map(GateView::of).collect()
}

impl GateView {
    pub(super) fn of(report: GateReport) -> Self {
        let GateReport { gate, verdict, summary, inputs, .. } = report;
        Self { gate, result: verdict, summary, inputs }
    }
}

/// The slots that the plan writes in contracts that are there already.
pub fn write_views(assessment: &Assessment) -> Vec<WriteView> {
    let view = |row: &WriteRow| WriteView {
        contract: row.contract.clone(),
        slot: row.slot,
        label: row.label.clone(),
        target: row.target.clone(),
        soaked: row.soaked.clone(),
    };
    let facts = assessment.facts.parameters.as_ref();
    facts.iter().flat_map(|facts| &facts.writes).map(view).collect()
}

/// The parameters whose value on the target is not the one that soaked.
pub fn changed(assessment: &Assessment) -> Vec<Difference> {
    let Ok(facts) = &assessment.facts.parameters else { return Vec::new() };
    let view = facts.changed().map(|row| Difference {
        name: row.name.clone(),
        soaked: row.soaked.clone(),
        target: row.target.clone(),
    });
    view.collect()
}

/// The externals that are other code on the target than where the release soaked.
pub fn stand_ins(assessment: &Assessment) -> Vec<StandIn> {
    let Ok(facts) = &assessment.facts.parameters else { return Vec::new() };
    let view = facts.stand_ins().map(|row| StandIn {
        name: row.name.clone(),
        soaked: row.soaked.clone(),
        target: row.target.clone(),
    });
    view.collect()
}

/// Auditors that built what they read with another build of a compiler than this machine did.
pub fn other_builds(built: &Built, assessment: &Assessment) -> Vec<String> {
    let (Ok(audits), Some(head)) = (&assessment.facts.audits, assessment.gate_head) else {
        return Vec::new();
    };
    audits.other_builds(&built.release.compilers, head.timestamp)
}

/// The firms whose audits cover each contract and the plan.
pub(crate) fn coverage(assessment: &Assessment) -> Option<Coverage> {
    let (audits, head) = (assessment.facts.audits.as_ref().ok()?, assessment.gate_head?);
    Some(audits.coverage(head.timestamp))
}
