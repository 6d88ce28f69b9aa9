//! Results: transactions in which somebody tried a release on a soak network.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use tidegate_chain::Network;
use tidegate_evidence::{CountedContract, called_function};
use tidegate_model::ReleaseRoot;
use tidegate_model::ports::DigestSigner;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::statement::{Body, TestResult};

use super::{Draft, Subject, spoken};
use crate::assess::counted;
use crate::error::{AppError, AppResult, Kind};
use crate::project::Project;
use crate::records;
use crate::release::select;

/// A result.
#[derive(Debug, Clone)]
pub struct ResultRequest {
    /// The release that was tried.
    pub subject: Subject,
    /// The transactions.
    pub transactions: Vec<B256>,
    /// What was tried.
    pub reason: String,
}

/// A result, as its author reviews it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The soak network.
    pub network: String,
    /// The transactions, in order.
    pub calls: Vec<TriedCall>,
}

/// One transaction of a result.
#[derive(Debug, Clone)]
pub struct TriedCall {
    pub transaction: B256,
    /// What it called, as `Contract.function`.
    pub function: String,
    pub from: Address,
    /// Whether a deployer of the release sent it: then the function counts, the transaction not.
    pub by_deployer: bool,
}

/// Drafts a result. Each transaction has to be one that counts, once it is final.
///
/// # Errors
/// If the signer is nobody of the policy, or a transaction is none that counts.
pub async fn result(
    project: &Project,
    signer: &dyn DigestSigner,
    request: ResultRequest,
) -> AppResult<Draft<Tried>> {
    let ResultRequest { subject, transactions, reason } = request;
    let mut seen = BTreeSet::new();
    let transactions: Vec<_> = transactions.into_iter().filter(|tx| seen.insert(*tx)).collect();
    if transactions.len() > TestResult::TRANSACTIONS_MAX {
        let most = TestResult::TRANSACTIONS_MAX;
        return Err(AppError::usage(format!("a result names at most {most} transactions"))
            .hint("name the others in a second result"));
    }
    if project.targets().next().is_none() {
        return Err(AppError::config("a result counts for a target, and tidegate.toml has none")
            .hint("name the target first: stage = \"mainnet\" under [networks.NAME]"));
    }
    let first = *transactions.first().ok_or_else(|| AppError::usage("name a transaction"))?;
    let (_, about) = spoken(project, signer, subject.target.as_deref()).await?;
    let built = select(project, subject.release.as_deref())?;
    let release = built.roots.release_root;
    let (network, record) =
        place(project, (&about.target, &built.release.name), release, first).await?;
    let contracts = counted(project, &built, &record);
    let mut calls = Vec::new();
    for hash in &transactions {
        calls.push(call(&network, (&contracts, &record), *hash).await?);
    }
    let shown = Tried { network: network.name().to_owned(), calls };
    let network = record.deployment.network();
    let body = Body::Result(TestResult { network, release, transactions, reason });
    Draft::of(project, about, signer, body, shown).await
}

/// The soak network that has a transaction, and the release's record there.
async fn place(
    project: &Project,
    (target, name): (&str, &str),
    release: ReleaseRoot,
    first: B256,
) -> AppResult<(Network, DeploymentRecord)> {
    let mut asked = Vec::new();
    for soak in &project.network(target)?.soaks_on {
        let Some(record) = records::of_release(project, soak, release)? else { continue };
        let network = project.connect(soak).await?;
        if network.transaction(first).await?.is_some() {
            return Ok((network, record));
        }
        asked.push(soak.as_str());
    }
    if asked.is_empty() {
        return Err(AppError::config(format!(
            "{name} has no record on a soak network of {target}"
        ))
        .hint("run `tidegate deploy NETWORK` first, or pull its record"));
    }
    let networks = asked.join(" and ");
    Err(AppError::new(Kind::Fail, format!("{networks} has no transaction {first}")).hint(
        "copy the hash from the wallet that sent it; a pending one is named once it is mined",
    ))
}

async fn call(
    network: &Network,
    (contracts, record): (&[CountedContract], &DeploymentRecord),
    hash: B256,
) -> AppResult<TriedCall> {
    let (tx, receipt) = (network.transaction(hash).await?, network.receipt(hash).await?);
    let sent = tx.as_ref().zip(receipt.as_ref());
    let refused = |why: &str| {
        let text = format!("transaction {hash} on {} does not count: {why}", network.name());
        AppError::new(Kind::Fail, text).hint(
            "name successful transactions that call a state-changing function of the release; \
             those that upgrade, initialise or hand on ownership or roles never count",
        )
    };
    let (contract, selector) = called_function(contracts, sent).map_err(refused)?;
    let anchored = record.anchor().map_or(0, |anchor| anchor.block.number);
    if sent.is_some_and(|(_, receipt)| receipt.block.number < anchored) {
        return Err(refused("it is older than the start of the soak"));
    }
    let from = sent.map(|(tx, _)| tx.from).unwrap_or_default();
    let function = contracts.iter().find(|known| known.address == contract);
    let function = function.and_then(|known| known.functions.get(&selector));
    let deployers = record.transactions.iter().map(|tx| tx.from);
    let by_deployer = deployers.chain([record.deployment.executor]).any(|key| key == from);
    let function = function.cloned().unwrap_or_default();
    Ok(TriedCall { transaction: hash, function, from, by_deployer })
}
