//! What is to be observed of a soak.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};
use tidegate_gates::{
    EndOfLife, Observed, PolicyRules, Reset, SoakFacts, StartPost, Who, WithdrawalFact,
};
use tidegate_model::record::DeploymentRecord;
use tidegate_model::statement::SoakSample;
use tidegate_model::{Head, StatementDigest};

use crate::activity::CountedContract;

/// The deployment and the chain to observe.
#[derive(Debug)]
pub struct SoakRequest<'a> {
    /// The network's name, for people.
    pub name: &'a str,
    /// A past block at which to look, instead of the finalized head.
    pub at: Option<Head>,
    /// The deployment's record; a claim until the chain confirms it.
    pub record: &'a DeploymentRecord,
    /// Expected seconds between blocks.
    pub block_time_secs: u64,
    /// The end of the network, if it is known.
    pub end_of_life: Option<EndOfLife>,
    /// The last block up to which use counts, where it is not the newest final one.
    pub counted_to: Option<u64>,
    /// The post of its start on the target; `None` if none is asked for.
    pub posted: &'a Observed<Option<StartPost>>,
    /// Transactions that people of the policy name, in the order in which they are looked at.
    pub named: &'a [NamedUse],
    /// The policy's rules: use beyond what they ask for is not looked for.
    pub rules: &'a PolicyRules,
    /// The plan's contracts and the functions that count.
    pub contracts: &'a [CountedContract],
    /// The plan's calls: name, target and calldata.
    pub calls: &'a [(String, Address, Bytes)],
    /// The plan's `expect` calls.
    pub probes: &'a [Probe],
    /// The slots that are watched.
    pub watched: &'a [Watched],
    /// Resets that happened elsewhere: revoked audits, findings. Their times are chain times.
    pub external_resets: &'a [Reset],
    /// Whom the project knows, by address.
    pub known: &'a BTreeMap<Address, Who>,
    /// The samples that people of the policy signed of this deployment.
    pub samples: &'a [SeenSample],
    /// The withdrawals of samples.
    pub withdrawals: &'a [WithdrawalFact],
}

/// A view call of the plan.
#[derive(Debug, Clone)]
pub struct Probe {
    pub step: String,
    /// The function, for people.
    pub signature: String,
    /// The contract that is called.
    pub to: Address,
    /// The calldata.
    pub data: Bytes,
    /// The return data that the step expects.
    pub returns: Bytes,
    /// That value for people.
    pub expected: String,
    /// Its type.
    pub kind: String,
}

/// A transaction that a person of the policy names as use.
#[derive(Debug, Clone)]
pub struct NamedUse {
    pub transaction: B256,
    /// The person.
    pub by: String,
}

/// A slot that is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The slot's name for people.
    pub name: String,
    /// The contract.
    pub address: Address,
    pub slot: B256,
}

/// A sample by somebody of the policy.
#[derive(Debug, Clone)]
pub struct SeenSample {
    pub digest: StatementDigest,
    /// The person.
    pub by: String,
    /// The key.
    pub signer: Address,
    /// What they say.
    pub says: SoakSample,
}

/// The facts of a soak, or the reason why they cannot be stated.
pub type SoakObservation = Observed<SoakFacts>;
