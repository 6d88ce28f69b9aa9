//! What a soak network shows of one deployment: anchor, headers, events, use.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, Selector, b256, keccak256};
use tidegate_chain::{Log, LogQuery, Network, ReadError};
use tidegate_gates::{Activity, SoakFacts, WINDOW_SECS, Window};
use tidegate_model::digest::CREATE2_PROXY;
use tidegate_model::record::{DeploymentRecord, anchor_calldata};
use tidegate_model::units::format_utc;
use tidegate_model::{GateInput, Head};

use crate::activity::CountedContract;

/// Events after which a release no longer is what the anchor said: upgrades, admin, ownership
/// and role changes. The slots are the evidence; these are the alarm.
const RESET_TOPICS: [(B256, &str); 7] = [
    (b256!("bc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b"), "Upgraded"),
    (b256!("1cf3b03a6cf19fa2baba4df148e9dcabedea7f8a5c07840e207e5c089be95d3e"), "BeaconUpgraded"),
    (b256!("7e644d79422f17c01e4894b5f4f588d331ebfa28653d42ae832dc59e38c9798f"), "AdminChanged"),
    (
        b256!("8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0"),
        "OwnershipTransferred",
    ),
    (b256!("2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d"), "RoleGranted"),
    (b256!("f6391f5c32d9c69d2a47ea670b442974b53935d1edc7fd64eb21e047a839171b"), "RoleRevoked"),
    (b256!("c7f505b2f371ae2175ee4913f4499e1f2633a7b5936321eed1cdaeb6115181d2"), "Initialized"),
];

/// The most windows that are counted, about two years.
const WINDOWS_MAX: u64 = 750;

/// The most transactions that are looked at one by one.
const TRANSACTIONS_MAX: usize = 10_000;

/// What to observe.
#[derive(Debug)]
pub struct SoakRequest<'a> {
    /// The network's name, for people.
    pub name: &'a str,
    /// The deployment's record; a claim until the chain confirms it.
    pub record: &'a DeploymentRecord,
    /// Expected seconds between blocks.
    pub block_time_secs: u64,
    /// The plan's contracts and the functions that count.
    pub contracts: &'a [CountedContract],
    /// The plan's calls: name, target and calldata.
    pub calls: &'a [(String, Address, Bytes)],
}

/// What was observed: the facts, or what is missing to state them.
pub type SoakObservation = Result<SoakFacts, String>;

struct Start {
    head: Head,
    by: String,
}

/// Reads the soak from the chain. A missing anchor or record is an `Err` that says so; a read
/// that failed is a [`ReadError`].
///
/// # Errors
/// If the chain cannot be read.
pub async fn observe_soak(
    network: &Network,
    request: &SoakRequest<'_>,
) -> Result<SoakObservation, ReadError> {
    let head = network.finalized_head().await?;
    let (mut start, faults) = match anchor(network, request, head).await? {
        Ok(found) => found,
        Err(missing) => return Ok(Err(missing)),
    };
    let addresses = request.record.deployment.addresses();
    let query = LogQuery {
        addresses,
        topics: Vec::new(),
        from: start.head.block.number,
        to: head.block.number,
    };
    let logs = network.logs(&query).await?;
    if let Some(reset) = last_reset(&logs, start.head.block.number) {
        let (block, event) = reset;
        start = Start {
            head: network.head_at(block).await?,
            by: format!("{event} outside the plan in block {block}"),
        };
    }
    let mut missing = absent_at_start(network, request, start.head).await?;
    let activity = activity(network, request, &logs, start.head, &mut missing).await?;
    let windows = windows(network, start.head, head).await?;
    let digest = activity.digest;
    let input = |kind: &str, block, digest| GateInput {
        kind: kind.to_owned(),
        chain: request.record.deployment.chain,
        block,
        digest,
    };
    let inputs = vec![
        input("soak/start", start.head.block, start.head.block.hash),
        input("soak/activity", head.block, digest),
        input("soak/terminal", head.block, head.block.hash),
    ];
    Ok(Ok(SoakFacts {
        network: request.name.to_owned(),
        head,
        start: start.head.timestamp,
        started_by: start.by,
        block_time_secs: request.block_time_secs,
        windows,
        activity,
        faults,
        missing,
        inputs,
    }))
}

type Anchored = Result<(Start, Vec<String>), String>;

/// The start so far: the latest of the anchor and every transaction of the plan.
async fn anchor(
    network: &Network,
    request: &SoakRequest<'_>,
    head: Head,
) -> Result<Anchored, ReadError> {
    let record = request.record;
    let name = request.name;
    let Some(claimed) = record.anchor() else {
        return Ok(Err(format!(
            "the record on {name} has no anchor; run `tidegate deploy {name}`"
        )));
    };
    let hash = claimed.hash;
    let (Some(tx), Some(receipt)) =
        (network.transaction(hash).await?, network.receipt(hash).await?)
    else {
        return Ok(Err(format!("the anchor {hash} is not on {name}")));
    };
    if receipt.block.number > head.block.number {
        let block = receipt.block.number;
        return Ok(Err(format!("the anchor in block {block} of {name} is not final yet")));
    }
    let mut faults = Vec::new();
    let digest = match record.deployment.digest() {
        Ok(digest) => digest,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let executor = record.deployment.executor;
    if tx.from != executor || tx.to != Some(executor) || !receipt.status {
        faults.push(format!("the anchor {hash} is no transaction of {executor} to itself"));
    }
    if tx.input != anchor_calldata(record.release_root, digest) {
        faults.push(format!("the anchor {hash} names another release or deployment"));
    }
    let mut latest = receipt.block.number;
    let mut by = "the anchor".to_owned();
    let mut calls: Vec<_> = request.calls.iter().collect();
    for recorded in &record.transactions {
        let (Some(receipt), Some(tx)) =
            (network.receipt(recorded.hash).await?, network.transaction(recorded.hash).await?)
        else {
            continue;
        };
        if !receipt.status || receipt.block.number > head.block.number {
            continue;
        }
        let made = calls.iter().position(|(_, to, data)| {
            tx.from == executor && tx.to == Some(*to) && tx.input == *data
        });
        let creates = tx.to == Some(CREATE2_PROXY);
        if receipt.block.number > latest && (creates || made.is_some()) {
            latest = receipt.block.number;
            by = format!("step {}", recorded.op);
        }
        if let Some(made) = made {
            calls.remove(made);
        }
    }
    faults.extend(calls.into_iter().map(|(name, ..)| {
        format!("the plan's call {name} is not among the record's successful transactions")
    }));
    Ok(Ok((Start { head: network.head_at(latest).await?, by }, faults)))
}

/// Contracts whose creation no receipt of the record shows must have stood at the start already:
/// an anchor ages nothing that did not exist.
async fn absent_at_start(
    network: &Network,
    request: &SoakRequest<'_>,
    start: Head,
) -> Result<Vec<String>, ReadError> {
    let mut uncovered: BTreeSet<Address> =
        request.record.deployment.addresses().into_iter().collect();
    for claimed in request.record.transactions.iter().filter(|tx| tx.success) {
        let Some(receipt) = network.receipt(claimed.hash).await? else { continue };
        if !receipt.status || receipt.block.number > start.block.number {
            continue;
        }
        let Some(tx) = network.transaction(claimed.hash).await? else { continue };
        if let Some((salt, initcode)) = tx.input.split_at_checked(32)
            && tx.to == Some(CREATE2_PROXY)
        {
            uncovered.remove(&CREATE2_PROXY.create2_from_code(B256::from_slice(salt), initcode));
        }
    }
    let mut missing = Vec::new();
    for address in uncovered {
        let standing = match network.code(address, start.block).await {
            Ok(code) if !code.is_empty() => continue,
            Ok(_) => "it was not there when the soak started",
            Err(_) => "whether it was there when the soak started cannot be read",
        };
        missing.push(format!("{address} has no creation in the record, and {standing}"));
    }
    Ok(missing)
}

fn last_reset(logs: &[Log], after: u64) -> Option<(u64, &'static str)> {
    logs.iter()
        .filter(|log| log.block.number > after)
        .filter_map(|log| {
            let topic = log.topics.first()?;
            let (_, event) = RESET_TOPICS.iter().find(|(reset, _)| reset == topic)?;
            Some((log.block.number, *event))
        })
        .max_by_key(|(block, _)| *block)
}

async fn activity(
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
    let mut counted = Vec::new();
    let mut senders = BTreeSet::new();
    let mut called = BTreeSet::new();
    let mut transactions = 0;
    for hash in hashes.into_iter().take(TRANSACTIONS_MAX) {
        let (Some(tx), Some(receipt)) =
            (network.transaction(hash).await?, network.receipt(hash).await?)
        else {
            missing.push(format!("transaction {hash} could not be read"));
            continue;
        };
        let Some(contract) = tx.to.and_then(|to| by_address.get(&to)) else { continue };
        if !receipt.status {
            continue;
        }
        if let Some(selector) = tx.input.get(..4).and_then(|s| Selector::try_from(s).ok()) {
            called.insert((contract.address, selector));
        }
        if !insiders.contains(&tx.from) {
            transactions += 1;
            senders.insert(tx.from);
            counted.push(hash);
        }
    }
    let (mut hit, mut uncalled) = (Vec::new(), Vec::new());
    for contract in request.contracts {
        for (selector, name) in &contract.functions {
            let list = if called.contains(&(contract.address, *selector)) {
                &mut hit
            } else {
                &mut uncalled
            };
            list.push(name.clone());
        }
    }
    hit.sort();
    uncalled.sort();
    Ok(Activity {
        transactions,
        senders: senders.into_iter().collect(),
        called: hit,
        uncalled,
        digest: keccak256(counted.concat()),
    })
}

/// Counts the blocks of each window from the start to the finalized head.
async fn windows(network: &Network, start: Head, head: Head) -> Result<Vec<Window>, ReadError> {
    let mut windows = Vec::new();
    let mut first = start.block.number;
    for index in 0..WINDOWS_MAX {
        let from = start.timestamp + index * WINDOW_SECS;
        if from >= head.timestamp {
            break;
        }
        let until = from + WINDOW_SECS;
        if until > head.timestamp {
            let blocks = head.block.number + 1 - first;
            windows.push(Window { blocks, elapsed_secs: head.timestamp - from });
            break;
        }
        let next = network.first_block_at_or_after(until, head).await?;
        let next = next.map_or(head.block.number + 1, |next| next.block.number);
        windows.push(Window { blocks: next - first, elapsed_secs: WINDOW_SECS });
        first = next;
    }
    tracing::debug!(start = %format_utc(start.timestamp), windows = windows.len(), "soak");
    Ok(windows)
}
