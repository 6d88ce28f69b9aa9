//! The result of a deployment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, U256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::record::Place;
use tidegate_model::{DeploymentDigest, Fqn, ReleaseRoot};
use tidegate_safe::helper;

use super::Made;
use crate::error::AppResult;
use crate::planned::PlanView;
use crate::project::Project;
use crate::text::digits;

/// A release on a testnet.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeployView {
    /// The network's name.
    pub network: String,
    /// The record's file, from the project's folder.
    pub record: PathBuf,
    /// The transaction that starts the soak.
    pub anchor: B256,
    pub release_root: ReleaseRoot,
    pub deployment_digest: DeploymentDigest,
    /// Address of each step's contract.
    pub steps: BTreeMap<String, Place>,
    /// Address of each library.
    pub libraries: BTreeMap<Fqn, Address>,
    /// The release's name.
    #[serde(skip)]
    pub release: String,
    /// Whether it was complete before, so that nothing was sent.
    #[serde(skip)]
    pub was_complete: bool,
    /// The call of it that was made again, though it was complete.
    #[serde(skip)]
    pub again: Option<String>,
    /// The targets that ask for the soak's start to be posted.
    #[serde(skip)]
    pub starts: Vec<String>,
}

/// A deployment as it would be made now: all that is approved.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrozenView {
    /// Its operations, as `tidegate plan` shows them.
    #[serde(flatten)]
    pub plan: PlanView,
    /// Who sends.
    pub deployer: Address,
    /// Whether it creates the helper contract first.
    pub creates_helper: bool,
    /// The gas of that creation, where it is still to be made.
    pub helper_gas: Option<u64>,
    /// The calldata of its last transaction, the soak's anchor, which the deployer sends to itself.
    #[schemars(with = "String")]
    pub anchor: Bytes,
    /// The most gas of that transaction; 0 where it was sent.
    pub anchor_gas: u64,
    /// The nonce at which it puts the deployer under this program's management, where it would.
    pub adopts_at_nonce: Option<u64>,
    /// The most that its fees come to, in wei as decimal digits.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub fees_at_most: U256,
    /// The same with the ether that it sends along.
    #[serde(serialize_with = "digits")]
    #[schemars(with = "String")]
    pub costs_at_most: U256,
}

/// The helper contract of a network.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelperView {
    /// The network's name.
    pub network: String,
    /// The contract's address, which is the same everywhere.
    pub helper: Address,
    /// The hash of its code.
    pub code_hash: B256,
}

impl DeployView {
    pub(crate) fn of(project: &Project, network: &str, made: Made) -> AppResult<Self> {
        let Made { record, file, deployed, again, starts } = made;
        let deployment = &record.deployment;
        Ok(Self {
            network: network.to_owned(),
            record: within(project, &file),
            anchor: deployed.anchor,
            release_root: record.release_root,
            deployment_digest: deployment.digest()?,
            steps: deployment.steps.clone(),
            libraries: deployment.libraries.clone(),
            release: record.name,
            was_complete: deployed.was_complete,
            again,
            starts,
        })
    }
}

impl HelperView {
    /// The helper contract, which is on this network.
    pub fn on(network: &str) -> Self {
        let (helper, code_hash) = (helper::address(), helper::CODE_HASH);
        Self { network: network.to_owned(), helper, code_hash }
    }
}

/// A file as it is named from the project's folder.
fn within(project: &Project, file: &Path) -> PathBuf {
    file.strip_prefix(&project.root).unwrap_or(file).to_owned()
}
