//! A network's contracts, compared with what the sources compile to.

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_gates::ContractFact;
use tidegate_gates::code_match::{CodeMatch, Transformations};
use tidegate_gates::proxy::Behind;
use tidegate_model::{BlockRef, ReasonCode, ReleaseRoot, Verdict};
use tidegate_plan::config::Stage;

use crate::assess::verify_testnet;
use crate::error::AppResult;
use crate::project::Project;
use crate::read_back::verify_target;
use crate::release::Built;
use crate::relied;

/// A release compared with a network.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyView {
    /// The network's name.
    pub network: String,
    pub release_root: ReleaseRoot,
    /// The block that was read.
    pub block: BlockRef,
    /// PASS if it is the same.
    pub result: Verdict,
    /// Each contract.
    pub contracts: Vec<ContractView>,
    /// The release's name.
    #[serde(skip)]
    pub release: String,
    /// What the rows do not say: further reasons, and which slots are not compared.
    #[serde(skip)]
    pub further: Vec<String>,
}

/// One contract.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContractView {
    /// Its step or library.
    pub name: String,
    pub address: Address,
    /// The code hash that local execution gives; `None` where it does not create the contract.
    pub expected: Option<B256>,
    /// The code hash on the chain.
    pub found: B256,
    /// Where the code differs. It explains; the hashes decide.
    #[serde(rename = "match")]
    pub matched: CodeMatch,
    /// What turned the compiled code into this, where the code is the plan's.
    pub transformations: Option<Transformations>,
    /// What is behind it, where it is a proxy.
    pub behind: Option<Behind>,
}

impl VerifyView {
    /// Compares a release with what stands on a network now.
    ///
    /// # Errors
    /// If there is no record of it, or the network cannot be read.
    pub async fn read(project: &Project, built: &Built, name: &str) -> AppResult<Self> {
        let mut report = match project.network(name)?.stage {
            Stage::Testnet => verify_testnet(project, built, name).await?,
            Stage::Mainnet => verify_target(project, built, name).await?,
        };
        if let Some(why) = relied::other(project, name)? {
            report.verdict = report.verdict.and(Verdict::fail(ReasonCode::OtherSafe, why));
        }
        let reasons = report.verdict.reasons().into_iter();
        let further = reasons.filter(|reason| reason.code != ReasonCode::CodeDiffers);
        Ok(Self {
            network: name.to_owned(),
            release_root: built.roots.release_root,
            block: report.block,
            further: further.map(|reason| reason.text).chain(report.left_out).collect(),
            result: report.verdict,
            contracts: report.rows.into_iter().map(ContractView::of).collect(),
            release: built.release.name.clone(),
        })
    }
}

impl ContractView {
    fn of(row: ContractFact) -> Self {
        let ContractFact { name, address, expected, found, matched, transformations, behind } = row;
        Self { name, address, expected, found, matched, transformations, behind }
    }
}
