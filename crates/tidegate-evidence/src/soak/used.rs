//! Who used a release, and for what.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Selector, keccak256};
use tidegate_chain::{Log, Network, ReadError};
use tidegate_gates::{Activity, User, Who};
use tidegate_model::Head;

use super::{SoakRequest, all};

/// The most transactions that are looked at one by one.
const TRANSACTIONS_MAX: usize = 10_000;

/// Reads every transaction that left events at the plan's addresses. One that reverted leaves
/// none, and so is nowhere to be found.
pub(super) async fn activity(
    network: &Network,
    request: &SoakRequest<'_>,
    logs: &[Log],
    start: Head,
    missing: &mut Vec<String>,
) -> Result<Activity, ReadError> {
    let mut insiders: BTreeSet<Address> = BTreeSet::from([request.record.deployment.executor]);
    insiders.extend(request.record.transactions.iter().map(|tx| tx.from));
    let by_address: BTreeMap<_, _> = request.contracts.iter().map(|c| (c.address, c)).collect();
    let hashes: BTreeSet<B256> = logs
        .iter()
        .filter(|log| log.block.number >= start.block.number)
        .map(|log| log.transaction)
        .collect();
    if hashes.len() > TRANSACTIONS_MAX {
        let count = hashes.len();
        missing.push(format!("only {TRANSACTIONS_MAX} of {count} transactions were looked at"));
    }
    let read = all(hashes.into_iter().take(TRANSACTIONS_MAX), async |hash| {
        Ok((hash, network.transaction(hash).await?, network.receipt(hash).await?))
    });
    let mut activity = Activity::default();
    let mut counted = Vec::new();
    let mut senders = BTreeMap::<Address, u32>::new();
    let mut called = BTreeSet::new();
    for (hash, tx, receipt) in read.await? {
        let (Some(tx), Some(receipt)) = (tx, receipt) else {
            missing.push(format!("transaction {hash} could not be read"));
            continue;
        };
        if !receipt.status {
            missing.push(format!("transaction {hash} reverted and yet has events"));
            continue;
        }
        let outside = !insiders.contains(&tx.from);
        let Some(contract) = tx.to.and_then(|to| by_address.get(&to)) else {
            activity.indirect += u32::from(outside);
            continue;
        };
        if let Some(selector) = tx.input.get(..4).and_then(|s| Selector::try_from(s).ok()) {
            called.insert((contract.address, selector));
        }
        if outside {
            activity.transactions += 1;
            *senders.entry(tx.from).or_default() += 1;
            counted.push(hash);
        }
    }
    for contract in request.contracts {
        for (selector, name) in &contract.functions {
            let list = if called.contains(&(contract.address, *selector)) {
                &mut activity.called
            } else {
                &mut activity.uncalled
            };
            list.push(name.clone());
        }
    }
    activity.called.sort();
    activity.uncalled.sort();
    let who = |address| request.known.get(&address).cloned().unwrap_or(Who::Stranger);
    let user = |(address, transactions)| User { address, who: who(address), transactions };
    activity.users = senders.into_iter().map(user).collect();
    activity.digest = keccak256(counted.concat());
    Ok(activity)
}
