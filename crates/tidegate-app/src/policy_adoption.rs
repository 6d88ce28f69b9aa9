//! The policy as it is now, and proposing to the Safe that it adopts it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use alloy_primitives::Address;
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_chain::Network;
use tidegate_gates::undeclarable;
use tidegate_model::policy::PolicyDoc;
use tidegate_model::{Head, PolicyDigest};
use tidegate_plan::config::Stage;
use tidegate_safe::{Adoption, Proposal, SafeState, SafeTxHash, helper};
use tidegate_store::{to_text, write_atomic};

use crate::assess::safe_changes;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_doc::{
    adopted_version, current, looser_lines, require_helper, require_proof, safe_state,
};
use crate::project::Project;
use crate::{proposal_files, relied, statements};

/// The policy of a target, as the file and the Safe have it now.
#[derive(Debug)]
pub struct Present {
    /// The target's name.
    pub target: String,
    pub doc: PolicyDoc,
    /// Against what, and the lines that ask for less than that; or why that could not be read.
    pub looser: AppResult<Vec<(String, Vec<String>)>>,
    network: Network,
    head: Head,
    safe: Address,
    state: SafeState,
}

/// The policy of the Safe that this machine relies on, whose adoption can be proposed.
#[derive(Debug)]
pub struct Adoptable(Present);

/// The policy as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyView<'a> {
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub policy: &'a PolicyDoc,
    /// Its digest, which the Safe adopts.
    pub digest: PolicyDigest,
    /// Why the file's Safe is not the one that this machine relies on.
    pub other: Option<String>,
}

/// Why nobody could declare an emergency under a policy; `None` where people could.
pub fn no_emergency(project: &Project, doc: &PolicyDoc) -> Option<String> {
    undeclarable(&project.rules, &doc.people, doc.safe.threshold)
}

/// A policy that the Safe has adopted.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct AdoptedView {
    pub adopted: PolicyDigest,
    /// Its version, from 1.
    pub version: u64,
}

/// The adoption that could be proposed next.
#[derive(Debug)]
pub struct Next<'a> {
    /// What happened to the Safe since its last adoption, which a further one settles.
    pub changes: Vec<String>,
    present: &'a Present,
    digest: PolicyDigest,
    adopted: Option<(u64, PolicyDigest)>,
}

/// A proposal that the Safe adopts a policy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdoptionView {
    /// The hash that owners sign.
    pub proposal: SafeTxHash,
    /// The proposal's file, below the project.
    pub file: PathBuf,
    /// The version that the policy becomes.
    pub version: u64,
    /// The policy's digest.
    pub digest: PolicyDigest,
    /// Until when the Safe can execute it, in seconds since 1970.
    #[serde(skip)]
    pub valid_until: u64,
}

/// Reads the policy of a target, or of the only one.
///
/// # Errors
/// If the Safe cannot be read, or what the file says is no policy.
pub async fn present(project: &Project, target: Option<&str>) -> AppResult<Present> {
    let target = project.network_of(target, Stage::Mainnet)?;
    let network = project.connect(&target).await?;
    let head = network.latest_head().await?;
    let safe = project
        .network(&target)?
        .safe
        .ok_or_else(|| AppError::config(format!("[networks.{target}] has no `safe`")))?;
    let state = safe_state(&network, safe, head).await?;
    let doc = current(project, &target, network.id(), &state)?;
    let looser = looser_lines(project, &target, &network, head, &doc).await;
    Ok(Present { target, doc, looser, network, head, safe, state })
}

/// The same, to propose that the Safe adopts it.
///
/// # Errors
/// As [`present`], and if the file names another Safe than this machine relies on.
pub async fn to_adopt(project: &Project, target: Option<&str>) -> AppResult<Adoptable> {
    let target = project.network_of(target, Stage::Mainnet)?;
    relied::require(project).await?;
    Ok(Adoptable(present(project, Some(&target)).await?))
}

/// The keys of a policy that have signed something of the project, and so are held by somebody.
///
/// # Errors
/// If statements cannot be read.
pub fn proven(project: &Project, doc: &PolicyDoc) -> AppResult<BTreeSet<Address>> {
    Ok(statements::load(project)?.signers(&doc.name))
}

impl Present {
    /// The view of it for programs.
    ///
    /// # Errors
    /// If what this machine relies on cannot be read.
    pub fn view(&self, project: &Project) -> AppResult<PolicyView<'_>> {
        let other = relied::other(project, &self.target)?;
        Ok(PolicyView { policy: &self.doc, digest: self.doc.digest()?, other })
    }
}

impl Adoptable {
    /// The policy.
    pub const fn present(&self) -> &Present {
        &self.0
    }

    /// What an adoption of it would settle.
    ///
    /// # Errors
    /// If the helper is missing, anything but what the Safe shows may move it, or its past cannot
    /// be read.
    pub async fn next(&self, project: &Project) -> AppResult<Next<'_>> {
        let Present { doc, network, head, safe, .. } = &self.0;
        require_helper(network, *head).await?;
        require_proof(project, network, *safe, *head).await?;
        let adopted = adopted_version(network, *head, *safe, doc.project()).await?;
        let changes = safe_changes(&project.rules, network, *head, doc).await?;
        Ok(Next { changes, present: &self.0, digest: doc.digest()?, adopted })
    }
}

impl Next<'_> {
    /// The adoption that stands already. The same policy once more is how the owners say that they
    /// know what happened to their Safe.
    pub fn is_there(&self) -> Option<AdoptedView> {
        let (version, adopted) = self.adopted?;
        let settled = adopted == self.digest && self.changes.is_empty();
        settled.then_some(AdoptedView { adopted, version })
    }

    /// Writes the policy's file and the proposal's.
    ///
    /// # Errors
    /// If it is adopted already, or a file cannot be written.
    pub fn propose(self, project: &Project) -> AppResult<AdoptionView> {
        if self.is_there().is_some() {
            return Err(AppError::new(Kind::Conflict, "the Safe has adopted this policy already"));
        }
        let Self { digest, adopted, present: Present { target, doc, network, .. }, .. } = self;
        let (head, safe, nonce) = (self.present.head, self.present.safe, self.present.state.nonce);
        let version = adopted.map_or(1, |(version, _)| version + 1);
        let path = project.layout.policy(target, version).or_kind(Kind::Config)?;
        let text = to_text(&serde_json::to_value(doc)?);
        write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
        let valid_until = head.timestamp.saturating_add(project.rules.valid_for_secs);
        let adoption = Adoption {
            project: doc.project(),
            policy_version: version,
            policy_digest: digest,
            valid_until,
        };
        let proposal = Proposal::adoption(network.id(), safe, nonce, helper::address(), adoption);
        let checked = proposal.check(helper::address()).or_kind(Kind::Internal)?;
        let file = proposal_files::write(project, target, &checked)?;
        Ok(AdoptionView { proposal: checked.hash(), file, version, digest, valid_until })
    }
}
