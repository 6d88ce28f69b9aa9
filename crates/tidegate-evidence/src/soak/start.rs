//! When a soak starts: the anchor and the plan's transactions, as the chain has them.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::{SolCall as _, SolValue as _, sol};
use tidegate_chain::{Network, ReadError, Receipt, Transaction};
use tidegate_gates::{Observed, Reset};
use tidegate_model::digest::{CREATE2_PROXY, HELPER};
use tidegate_model::record::{MinedTransaction, anchor_calldata};
use tidegate_model::{Head, Reason, ReasonCode};

use super::SoakRequest;

sol! {
    function createGuarded(bytes32 salt, bytes initCode, bytes32 codeHash) payable;
}

/// A start, and what set it.
pub(super) struct Start {
    pub(super) head: Head,
    pub(super) by: String,
}

/// The record's transactions as the chain has them.
pub(super) struct Anchored {
    /// The latest of the anchor and every transaction of the plan.
    pub(super) start: Start,
    /// Transactions that the chain has elsewhere than the record says.
    pub(super) moved: Vec<Reset>,
    /// Evidence that contradicts.
    pub(super) faults: Vec<Reason>,
}

/// The start so far: the latest of the anchor and every transaction of the plan. The inner `Err`
/// says what is missing.
pub(super) async fn anchor(
    network: &Network,
    request: &SoakRequest<'_>,
    head: Head,
) -> Result<Observed<Anchored>, ReadError> {
    let record = request.record;
    let name = request.name;
    let lacks = |code, text: String| Ok(Err(Reason::new(code, text)));
    let Some(claimed) = record.anchor() else {
        let text = format!("the record on {name} has no anchor; run `tidegate deploy {name}`");
        return lacks(ReasonCode::AnchorUnnamed, text);
    };
    let hash = claimed.hash;
    let (Some(tx), Some(receipt)) =
        (network.transaction(hash).await?, network.receipt(hash).await?)
    else {
        return lacks(ReasonCode::AnchorGone, format!("the anchor {hash} is not on {name}"));
    };
    if receipt.block.number > head.block.number {
        let block = receipt.block.number;
        let text = format!("the anchor in block {block} of {name} is not final yet");
        return lacks(ReasonCode::AnchorNotFinal, text);
    }
    let digest = match record.deployment.digest() {
        Ok(digest) => digest,
        Err(error) => return lacks(ReasonCode::Unreadable, error.to_string()),
    };
    let executor = record.deployment.executor;
    let anchored = anchor_calldata(record.release_root, digest);
    let mut faults = anchor_faults(&tx, &receipt, executor, &anchored);
    let mut moved = Vec::new();
    let mut latest = receipt.block.number;
    let mut by = "the anchor".to_owned();
    let mut calls: Vec<_> = request.calls.iter().collect();
    for recorded in &record.transactions {
        let (Some(receipt), Some(tx)) =
            (network.receipt(recorded.hash).await?, network.transaction(recorded.hash).await?)
        else {
            continue;
        };
        if receipt.block.number > head.block.number {
            continue;
        }
        if receipt.block != recorded.block {
            let at = network.head_at(receipt.block.number).await?;
            moved.extend(reorganised(network, recorded, at).await?);
        }
        if !receipt.status {
            continue;
        }
        let made = calls.iter().position(|(_, to, data)| {
            tx.from == executor && tx.to == Some(*to) && tx.input == *data
        });
        let creates = created(&tx).is_some();
        if receipt.block.number > latest && (creates || made.is_some()) {
            latest = receipt.block.number;
            by = format!("step {}", recorded.op);
        }
        if let Some(made) = made {
            calls.remove(made);
        }
    }
    faults.extend(calls.into_iter().map(|(name, ..)| {
        let text =
            format!("the plan's call {name} is not among the record's successful transactions");
        Reason::new(ReasonCode::CallNotMade, text)
    }));
    let start = Start { head: network.head_at(latest).await?, by };
    Ok(Ok(Anchored { start, moved, faults }))
}

fn anchor_faults(
    tx: &Transaction,
    receipt: &Receipt,
    executor: Address,
    calldata: &[u8],
) -> Vec<Reason> {
    let hash = tx.hash;
    let mut faults = Vec::new();
    if tx.from != executor || tx.to != Some(executor) || !receipt.status {
        let text = format!("the anchor {hash} is no transaction of {executor} to itself");
        faults.push(Reason::new(ReasonCode::AnchorForeign, text));
    }
    if *tx.input != *calldata {
        let text = format!("the anchor {hash} names another release or deployment");
        faults.push(Reason::new(ReasonCode::AnchorDiffers, text));
    }
    faults
}

/// A transaction whose recorded block has left the chain counts from where it is now. Where the
/// recorded block is still there, the record is wrong, which gate `code` says.
async fn reorganised(
    network: &Network,
    recorded: &MinedTransaction,
    now: Head,
) -> Result<Option<Reset>, ReadError> {
    if network.is_canonical(recorded.block).await? {
        return Ok(None);
    }
    Ok(Some(Reset {
        time: now.timestamp,
        block: Some(now.block.number),
        reason: format!(
            "block {} of {} with {} has left the chain; it counts from block {}",
            recorded.block.number,
            network.name(),
            recorded.op,
            now.block.number
        ),
    }))
}

/// The address that a transaction creates at: by the CREATE2 proxy, or by the helper for its
/// sender.
pub(crate) fn created(tx: &Transaction) -> Option<Address> {
    match tx.to? {
        CREATE2_PROXY => {
            let (salt, initcode) = tx.input.split_at_checked(32)?;
            Some(CREATE2_PROXY.create2_from_code(B256::from_slice(salt), initcode))
        }
        HELPER => {
            let call = createGuardedCall::abi_decode(&tx.input).ok()?;
            let salt = keccak256((tx.from, call.salt).abi_encode());
            Some(HELPER.create2_from_code(salt, call.initCode))
        }
        _ => None,
    }
}

/// Contracts whose creation no receipt of the record shows must have stood at the start already:
/// an anchor ages nothing that did not exist.
pub(super) async fn absent_at_start(
    network: &Network,
    request: &SoakRequest<'_>,
    start: Head,
) -> Result<Vec<Reason>, ReadError> {
    let mut uncovered: BTreeSet<Address> =
        request.record.deployment.addresses().into_iter().collect();
    for claimed in request.record.transactions.iter().filter(|tx| tx.success) {
        let Some(receipt) = network.receipt(claimed.hash).await? else { continue };
        if !receipt.status || receipt.block.number > start.block.number {
            continue;
        }
        let Some(tx) = network.transaction(claimed.hash).await? else { continue };
        if let Some(address) = created(&tx) {
            uncovered.remove(&address);
        }
    }
    let mut missing = Vec::new();
    for address in uncovered {
        let standing = match network.code(address, start.block).await {
            Ok(code) if !code.is_empty() => continue,
            Ok(_) => "it was not there when the soak started",
            Err(_) => "whether it was there when the soak started cannot be read",
        };
        let text = format!("{address} has no creation in the record, and {standing}");
        missing.push(Reason::new(ReasonCode::AbsentAtStart, text));
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, U256};

    use super::*;

    #[test]
    fn creations_are_read_from_calldata() {
        let sender = Address::with_last_byte(7);
        let tx = |to, input: Vec<u8>| Transaction {
            hash: B256::ZERO,
            from: sender,
            nonce: 0,
            to,
            value: U256::ZERO,
            input: input.into(),
            gas_limit: 0,
            authorizations: Vec::new(),
            block: None,
        };
        let (salt, code) = (B256::repeat_byte(1), vec![0x60, 0x00]);
        let plain = [salt.as_slice(), &code].concat();
        let by_proxy = CREATE2_PROXY.create2_from_code(salt, &code);
        assert_eq!(created(&tx(Some(CREATE2_PROXY), plain.clone())), Some(by_proxy));
        let call =
            createGuardedCall { salt, initCode: Bytes::from(code.clone()), codeHash: B256::ZERO };
        let own = keccak256([sender.into_word().as_slice(), salt.as_slice()].concat());
        let guarded = HELPER.create2_from_code(own, &code);
        assert_eq!(created(&tx(Some(HELPER), call.abi_encode())), Some(guarded));
        for other in [tx(Some(HELPER), plain.clone()), tx(Some(sender), plain), tx(None, code)] {
            assert_eq!(created(&other), None);
        }
    }
}
