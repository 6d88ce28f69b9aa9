//! Executing a proposal with the signatures that were collected, and reading it back.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, Bytes, Log};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::record::Deployment;
use tidegate_model::units::counted;
use tidegate_model::{DeploymentDigest, ReleaseRoot, Verdict};
use tidegate_safe::{Execution, encode_exec_transaction, execution_in_logs};

use super::{Opened, Proposed};
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::policy_adoption::AdoptedView;
use crate::project::Project;
use crate::proposal_files::signatures;
use crate::published;
use crate::read_back::read_back;
use crate::recheck::Rechecked;
use crate::sending::send;

/// A proposal that was checked and that enough owners have signed.
#[derive(Debug)]
pub struct Ready<'a> {
    opened: &'a Opened<'a>,
    intent: Intent,
}

/// A proposal's transaction.
#[derive(Debug)]
pub struct Executed {
    /// Its hash.
    pub transaction: B256,
    /// The gas that it used.
    pub gas_used: u64,
}

/// The result of an executed proposal, read back from the chain.
#[derive(Debug)]
pub enum Finished<'a> {
    /// The Safe has adopted a policy.
    Adopted(AdoptedView),
    /// The Safe has promoted a release.
    Promoted(Box<Promoted<'a>>),
}

/// A promotion that was executed and read back.
#[derive(Debug)]
pub struct Promoted<'a> {
    /// The view of it for programs.
    pub view: ExecutedView,
    /// The release's name.
    pub name: &'a str,
    /// The digest of its deployment, as the Safe recorded it.
    pub digest: DeploymentDigest,
    /// Each contract that holds the expected code.
    pub contracts: Vec<(String, Address)>,
    /// Its record's file, below the project; `None` where no endpoint shows its transaction.
    pub file: Option<PathBuf>,
}

/// A promotion that was executed and read back.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutedView {
    pub promoted: ReleaseRoot,
    /// The target's name.
    pub network: String,
    /// When the Safe recorded it, in seconds since 1970 by the target's chain time.
    pub recorded_at: u64,
    /// What stands on the target.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub deployment: Deployment,
    /// The gates' verdict when it was executed; PASS for what was executed earlier.
    pub overall: Verdict,
    /// What was read back.
    pub read_back: Verdict,
}

impl ExecutedView {
    /// The worse of both verdicts.
    pub fn verdict(&self) -> Verdict {
        self.overall.clone().and(self.read_back.clone())
    }
}

impl<'a> Rechecked<'a> {
    /// Tells its sheet, and gives its transaction with the signatures that are here.
    ///
    /// # Errors
    /// UNKNOWN if owners have yet to sign.
    pub fn ready(&self, project: &Project) -> AppResult<Ready<'a>> {
        self.tell(&*project.front);
        let (found, state) = (self.opened.found, &self.state);
        let set = signatures(project, found, state)?;
        let threshold = state.trust.threshold;
        if set.missing(threshold) > 0 {
            let (have, unsigned) = (set.signed().len(), set.unsigned());
            let owners: Vec<_> = unsigned.iter().map(ToString::to_string).collect();
            let what = format!("{have} of {}", counted(threshold, "signature"));
            return Err(AppError::new(Kind::Unknown, what)
                .hint(format!("these owners can still sign: {}", owners.join(", "))));
        }
        let signatures: Bytes = set.encode(threshold).or_kind(Kind::Fail)?;
        let (proposal, hash) = (found.checked.proposal(), found.checked.hash());
        let data = encode_exec_transaction(&proposal.safe_tx, signatures);
        let op = format!("execute/{hash}");
        let intent = Intent::safe_tx(op, proposal.safe, data, hash.0);
        Ok(Ready { opened: self.opened, intent })
    }
}

impl Ready<'_> {
    /// Has the proposal's transaction approved, and sends it.
    ///
    /// # Errors
    /// If nobody approves it, it cannot be sent, or the Safe does not execute what it has.
    pub async fn execute(
        &self,
        project: &Project,
        signer: &dyn DigestSigner,
    ) -> AppResult<Executed> {
        let Self { opened: Opened { found, network, .. }, intent } = self;
        let landed = send(project, &found.network, network, signer, intent, Vec::new()).await?;
        let transaction = landed.hash;
        let receipt = network
            .receipt(transaction)
            .await?
            .ok_or_else(|| AppError::new(Kind::Chain, format!("no receipt for {transaction}")))?;
        let logs = receipt.logs.iter();
        let logs = logs.filter_map(|l| Log::new(l.address, l.topics.clone(), l.data.clone()));
        let logs: Vec<_> = logs.collect();
        match execution_in_logs(found.checked.proposal().safe, found.checked.hash(), &logs) {
            Some(Execution::Success) => {
                Ok(Executed { transaction, gas_used: landed.inclusion.gas_used })
            }
            _ => Err(AppError::new(
                Kind::Fail,
                format!("{transaction} did not execute the proposal"),
            )),
        }
    }
}

impl Opened<'_> {
    /// Reads back what was executed, and writes the files that say where a promotion stands: its
    /// record, the address book and ABIs. `verdict` is that of the gates at execution; what was
    /// executed earlier is not judged again.
    ///
    /// # Errors
    /// If a promotion cannot be read back, something else stands there, or a file cannot be
    /// written.
    pub async fn finish(&self, project: &Project, verdict: Verdict) -> AppResult<Finished<'_>> {
        let Self { found, network, proposed } = self;
        let (promotion, built) = match proposed {
            Proposed::Adoption(adoption) => {
                let (adopted, version) = (adoption.policy_digest, adoption.policy_version);
                return Ok(Finished::Adopted(AdoptedView { adopted, version }));
            }
            Proposed::Promotion(promotion, built) => (promotion, &**built),
        };
        let read = read_back(project, built, &found.network, network).await?;
        let intact = read.verdict();
        let is_intact = !matches!(intact, Verdict::Fail { .. });
        let Some(recorded_at) = read.recorded_at.filter(|_| is_intact) else {
            let error = AppError::new(Kind::Fail, "the promotion could not be read back");
            return Err(intact.sentences().into_iter().fold(error, AppError::hint));
        };
        let file = match &read.record {
            Some(record) => {
                let (name, by) = (&found.network, &read.promotions);
                let path = published::write_target(project, name, record, &built.release, by)?;
                Some(path.strip_prefix(&project.root).map(PathBuf::from).unwrap_or(path))
            }
            None => None,
        };
        let contracts = read.facts.contracts.into_iter().map(|row| (row.name, row.address));
        let view = ExecutedView {
            promoted: built.roots.release_root,
            network: found.network.clone(),
            recorded_at,
            deployment: promotion.deployment.clone(),
            overall: verdict,
            read_back: intact,
        };
        Ok(Finished::Promoted(Box::new(Promoted {
            view,
            name: &built.release.name,
            digest: promotion.deployment_digest,
            contracts: contracts.collect(),
            file,
        })))
    }
}
