//! A proposal with what it is compared with: its Safe's network, and the release that it promotes.

use tidegate_chain::Network;
use tidegate_safe::{Adoption, Promotion, ProposalKind};

use crate::error::AppResult;
use crate::policy_doc::adopted_version;
use crate::project::Project;
use crate::proposal_files::Found;
use crate::read_back::is_promoted;
use crate::release::{Built, build_tree};

/// What a proposal has the Safe do.
#[derive(Debug)]
pub(crate) enum Proposed<'a> {
    /// It adopts a policy.
    Adoption(&'a Adoption),
    /// It promotes a release; beside it, what the working tree builds.
    Promotion(&'a Promotion, Box<Built>),
}

/// A proposal that can be checked.
#[derive(Debug)]
pub struct Opened<'a> {
    /// The proposal.
    pub(crate) found: &'a Found,
    /// The network of its Safe.
    pub(crate) network: Network,
    /// What it has the Safe do.
    pub(crate) proposed: Proposed<'a>,
}

impl<'a> Opened<'a> {
    /// Connects to the Safe's network, and builds the release of a promotion.
    ///
    /// # Errors
    /// If there are no endpoints, or the working tree does not build.
    pub async fn of(project: &Project, found: &'a Found) -> AppResult<Self> {
        let network = project.connect(&found.network).await?;
        let proposed = match &found.checked.proposal().kind {
            ProposalKind::Adoption(adoption) => Proposed::Adoption(adoption),
            ProposalKind::Promotion(promotion) => {
                Proposed::Promotion(promotion, Box::new(build_tree(project)?))
            }
        };
        Ok(Self { found, network, proposed })
    }

    /// Whether what it does is on the chain already, by whomever.
    ///
    /// # Errors
    /// If the chain cannot be read.
    pub async fn is_done(&self, project: &Project) -> AppResult<bool> {
        let Self { found, network, proposed } = self;
        let head = network.latest_head().await?;
        match proposed {
            Proposed::Adoption(adoption) => {
                let safe = found.checked.proposal().safe;
                let adopted = adopted_version(network, head, safe, adoption.project).await?;
                Ok(adopted == Some((adoption.policy_version, adoption.policy_digest)))
            }
            Proposed::Promotion(promotion, built) => Ok(promotion.release_root
                == built.roots.release_root
                && is_promoted(project, built, &found.network, network).await?),
        }
    }
}
