//! A Safe at a block: what it shows, and that nothing else moves it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use tidegate_chain::{LogQuery, Network, ProvenAccount, ReadError, Subject};
use tidegate_gates::{SafeChange, SafeProof, UnknownExecution};
use tidegate_model::{BlockRef, Head};
use tidegate_safe::{
    Executed, Explained, Preimage, Preimages, SLOT_GUARD, SLOT_HANDLER, SLOT_MODULE_GUARD,
    SLOT_SINGLETON, SafeLog, SafePast, SafeState, SafeStorage, TrustAnswers, TrustChange,
    TrustError, TrustReads, creations_of, past_topics, pending_approvals, read_trust, slot_address,
};

use crate::contract_signature::DELEGATED;
use crate::soak::all;

/// The most executions whose calldata is read, where no root proves a Safe's storage.
const EXECUTIONS_MAX: usize = 2_000;

/// Transactions of a Safe that are known from proposals and from this machine's memory. They are
/// not trusted: one counts as executed only if it has the hash that the Safe logged.
pub trait KnownTransactions: Sync {
    /// The known transactions that may have this hash.
    fn candidates(&self, hash: B256) -> Vec<Preimage>;

    /// Takes what a Safe executed, which has this hash.
    fn keep(&self, hash: B256, tx: &Preimage);
}

/// A Safe that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SafeReadError {
    /// The chain does not say.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it says describes no Safe.
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("no Safe at {0} on this network")]
    Absent(Address),
}

/// Owners, threshold, modules, guards and singleton of a Safe at a block.
///
/// # Errors
/// If there is none, or the chain cannot be read.
pub async fn read_safe(
    network: &Network,
    safe: Address,
    at: BlockRef,
) -> Result<SafeState, SafeReadError> {
    Ok(read_trust(safe, &answers(network, safe, at).await?)?)
}

async fn answers(
    network: &Network,
    safe: Address,
    at: BlockRef,
) -> Result<TrustAnswers, SafeReadError> {
    let proxy = network.code(safe, at).await?;
    if proxy.is_empty() {
        return Err(SafeReadError::Absent(safe));
    }
    let reads = TrustReads::new();
    let slot = async |slot: B256| {
        let word = network.storage(safe, slot.into(), at).await?;
        Ok::<B256, ReadError>(word.into())
    };
    let singleton = slot(SLOT_SINGLETON).await?;
    let singleton_address = slot_address("slot 0", singleton)?;
    Ok(TrustAnswers {
        owners: network.call(safe, &reads.owners, at).await?,
        threshold: network.call(safe, &reads.threshold, at).await?,
        nonce: network.call(safe, &reads.nonce, at).await?,
        modules: network.call(safe, &reads.modules, at).await?,
        singleton,
        guard: slot(SLOT_GUARD).await?,
        module_guard: slot(SLOT_MODULE_GUARD).await?,
        handler: slot(SLOT_HANDLER).await?,
        proxy_code_hash: keccak256(&proxy),
        singleton_code_hash: network.code_hash(singleton_address, at).await?,
    })
}

/// Proves that only what a Safe shows can move it: by its storage root, proven at the block or at
/// the latest one, or else by everything that ever ran as the Safe. Transactions that turn out to
/// be executed are kept.
///
/// # Errors
/// If the chain cannot be read.
pub async fn prove_safe(
    network: &Network,
    safe: Address,
    at: Head,
    seen: &dyn KnownTransactions,
) -> Result<SafeProof, SafeReadError> {
    let (account, at) = proven(network, safe, at).await;
    let answers = answers(network, safe, at.block).await?;
    let state = read_trust(safe, &answers)?;
    let from = network.first_block_of(safe, at).await;
    let within = |addresses, topics| LogQuery { addresses, topics, from, to: at.block.number };
    let logs = logs(network, within(vec![safe], vec![past_topics()])).await?;
    let mut proof = SafeProof {
        by: "all of its storage proven".to_owned(),
        at: at.block.number,
        approvals: pending_approvals(safe, &logs),
        owners_with_code: owners_with_code(network, &state.trust.owners, at.block).await?,
        ..SafeProof::default()
    };
    let known = known(network, safe, &logs, seen);
    let storage = SafeStorage::new(safe, &answers, &logs)?;
    let is_all = |account: &ProvenAccount| {
        account.code_hash == answers.proxy_code_hash && storage.has_root(account.storage_root)
    };
    if account.as_ref().is_some_and(is_all) {
        return Ok(proof);
    }
    let (factories, topics) = creations_of(safe);
    let explained = async {
        let creations = self::logs(network, within(factories, topics)).await?;
        past(network, at, state.nonce, (&creations, &logs), known).await
    };
    let explained: Result<_, ReadError> = explained.await;
    for (hash, tx) in explained.iter().flat_map(|explained| &explained.executed) {
        seen.keep(*hash, tx);
    }
    // Development nodes keep entries of zeros, so that their roots contradict nothing.
    match account.filter(|_| !network.id().chain.is_simulated()) {
        Some(account) => {
            proof.hidden.push(format!(
                "the Safe's storage has the root {} in block {}, and all that it shows gives \
                 another: it holds an owner, a module, an approval or more that is not shown",
                account.storage_root, at.block.number
            ));
            let ran = explained.unwrap_or_default().unexplained;
            proof.hidden.extend(ran.into_iter().map(|change| change.what));
        }
        None => {
            proof.by = "its whole past known".to_owned();
            let change = |TrustChange { what, moved_by }| SafeChange { what, moved_by };
            let explained = explained?;
            proof.unexplained = explained.unexplained.into_iter().map(change).collect();
            proof.unknown = unknown(network, explained.unknown);
        }
    }
    Ok(proof)
}

/// The account as it is proven at the block, else at the latest one; many endpoints keep the state
/// of the latest blocks only.
async fn proven(network: &Network, safe: Address, at: Head) -> (Option<ProvenAccount>, Head) {
    if let Ok(account) = network.proven_account(safe, at.block).await {
        return (Some(account), at);
    }
    if let Ok(latest) = network.latest_head().await
        && let Ok(account) = network.proven_account(safe, latest.block).await
    {
        return (Some(account), latest);
    }
    (None, at)
}

/// The transactions that a Safe executed, as far as they are known already; all of them are kept.
fn known(
    network: &Network,
    safe: Address,
    logs: &[SafeLog],
    seen: &dyn KnownTransactions,
) -> Preimages {
    let mut known = Preimages::new(network.id().chain, safe);
    for Executed { hash, .. } in SafePast::executed(logs) {
        let right = seen.candidates(hash).into_iter().find(|tx| known.hash(tx) == hash);
        if let Some(tx) = right {
            seen.keep(hash, &tx);
            known.add(tx);
        }
    }
    known
}

fn unknown(network: &Network, unknown: Vec<Executed>) -> Vec<UnknownExecution> {
    let unknown = unknown.into_iter().map(|Executed { transaction, hash }| {
        let file = format!("deployments/{}/proposals/{hash}.json", network.name());
        UnknownExecution { transaction, hash, file }
    });
    unknown.collect()
}

/// The calldata of what is known already is not read.
async fn past(
    network: &Network,
    at: Head,
    nonce: u64,
    (creations, logs): (&[SafeLog], &[SafeLog]),
    known: Preimages,
) -> Result<Explained, ReadError> {
    let unknown = SafePast::executed(logs).filter(|ran| known.get(ran.hash).is_none());
    let executed: BTreeSet<B256> = unknown.map(|ran| ran.transaction).collect();
    if executed.len() > EXECUTIONS_MAX {
        let what = Subject::Logs(0, at.block.number);
        return Err(ReadError::TooMany { what, of: "executions", limit: EXECUTIONS_MAX });
    }
    let inputs = all(executed, |hash| async move {
        let tx = network.transaction(hash).await?;
        Ok((hash, tx.map(|tx| tx.input).unwrap_or_default()))
    });
    let inputs: BTreeMap<B256, Bytes> = inputs.await?.into_iter().collect();
    let mut explained = SafePast { nonce, creations, logs, inputs: &inputs, known }.explain();
    for (address, known) in &explained.relies_on {
        if network.code_hash(*address, at.block).await? != known.code_hash {
            let what = format!("what ran as the Safe at {address} is not {known}");
            explained.unexplained.push(TrustChange { what, moved_by: None });
        }
    }
    Ok(explained)
}

async fn logs(network: &Network, query: LogQuery) -> Result<Vec<SafeLog>, ReadError> {
    let logs = network.logs(&query).await?.into_iter();
    let log = |log: tidegate_chain::Log| SafeLog {
        address: log.address,
        topics: log.topics,
        data: log.data,
        transaction: log.transaction,
    };
    Ok(logs.map(log).collect())
}

/// Owners that are not a key alone.
async fn owners_with_code(
    network: &Network,
    owners: &[Address],
    at: BlockRef,
) -> Result<Vec<String>, ReadError> {
    let codes = all(owners, |owner| async move { Ok((owner, network.code(*owner, at).await?)) });
    let what = |(owner, code): (&Address, Bytes)| match code.strip_prefix(&DELEGATED[..]) {
        Some(to) if to.len() == Address::ZERO.len() => {
            Some(format!("{owner} (a key that runs code of {}, EIP-7702)", Address::from_slice(to)))
        }
        _ if code.is_empty() => None,
        _ => Some(format!("{owner} (a contract)")),
    };
    Ok(codes.await?.into_iter().filter_map(what).collect())
}

#[cfg(test)]
mod tests;
