//! Every proposal with who has signed it.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_safe::{ProposalKind, SafeTxHash};

use crate::error::{AppError, AppResult};
use crate::policy_doc::safe_state;
use crate::project::Project;
use crate::proposal_files::{Found, all, signatures};
use crate::relied;

/// Every proposal.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProposalsView {
    /// The proposals, by network and hash.
    pub proposals: Vec<ProposalRow>,
}

/// One proposal, as its Safe is now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProposalRow {
    /// The hash that owners sign.
    pub safe_tx_hash: SafeTxHash,
    /// The network's name.
    pub network: String,
    /// The Safe's nonce at which it can be executed.
    pub nonce: u64,
    /// The owners whose signatures are here.
    pub signed: Vec<Address>,
    /// Number of owners who must sign.
    pub threshold: u32,
    /// What it waits for.
    #[schemars(with = "String")]
    pub standing: Readiness,
    /// What it does, in words.
    #[serde(skip)]
    pub title: String,
}

/// What a proposal waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum Readiness {
    /// The Safe has used its nonce: it was executed, or it is void.
    Used,
    /// Enough owners have signed.
    Ready,
    /// Owners have yet to sign.
    Unsigned,
}

impl Readiness {
    const fn of(nonce: u64, safe: u64, missing: u32) -> Self {
        match (nonce < safe, missing) {
            (true, _) => Self::Used,
            (false, 0) => Self::Ready,
            (false, _) => Self::Unsigned,
        }
    }

    /// The same in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Used => "nonce used",
            Self::Ready => "can be executed",
            Self::Unsigned => "needs signatures",
        }
    }
}

impl From<Readiness> for &'static str {
    fn from(readiness: Readiness) -> Self {
        readiness.words()
    }
}

/// A listing: the proposals whose Safe could be read, and whether that is all.
#[derive(Debug)]
pub struct Listing {
    /// Those proposals.
    pub view: ProposalsView,
    /// Why there are no others.
    pub outcome: AppResult,
}

/// Lists every proposal. One that is damaged is warned of, and a target that cannot be read hides
/// those of no other.
///
/// # Errors
/// If the file names another Safe than this machine relies on, or no file can be listed.
pub async fn list(project: &Project) -> AppResult<Listing> {
    relied::require(project).await?;
    let mut by_network = BTreeMap::<_, Vec<_>>::new();
    for found in all(project)? {
        by_network.entry(found.network.clone()).or_default().push(found);
    }
    let (mut proposals, mut errors) = (Vec::new(), Vec::new());
    for (name, of_network) in by_network {
        if let Err(error) = read(project, &name, of_network, &mut proposals).await {
            errors.push(error);
        }
    }
    Ok(Listing { view: ProposalsView { proposals }, outcome: AppError::first(errors) })
}

/// Reads the Safe of each proposal to one network.
async fn read(
    project: &Project,
    name: &str,
    of_network: Vec<Found>,
    rows: &mut Vec<ProposalRow>,
) -> AppResult {
    let network = project.connect(name).await?;
    let head = network.latest_head().await?;
    for found in of_network {
        let proposal = found.checked.proposal();
        let state = safe_state(&network, proposal.safe, head).await?;
        let set = signatures(project, &found, &state)?;
        let (nonce, threshold) = (proposal.safe_tx.nonce, state.trust.threshold);
        rows.push(ProposalRow {
            safe_tx_hash: found.checked.hash(),
            nonce,
            signed: set.signed(),
            threshold,
            standing: Readiness::of(nonce, state.nonce, set.missing(threshold)),
            title: title(&found),
            network: found.network,
        });
    }
    Ok(())
}

fn title(found: &Found) -> String {
    match &found.checked.proposal().kind {
        ProposalKind::Adoption(adoption) => format!("adopt policy {}", adoption.policy_version),
        ProposalKind::Promotion(promotion) => {
            format!("promote {}", promotion.release_root.short())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_nonce_comes_before_signatures() {
        for (nonce, safe, missing, readiness) in [
            (3, 4, 0, Readiness::Used),
            (3, 4, 1, Readiness::Used),
            (4, 4, 0, Readiness::Ready),
            (5, 4, 0, Readiness::Ready),
            (4, 4, 1, Readiness::Unsigned),
        ] {
            assert_eq!(Readiness::of(nonce, safe, missing), readiness, "{nonce} {safe} {missing}");
        }
        assert_eq!(serde_json::to_value(Readiness::Ready).unwrap(), "can be executed");
    }
}
