//! What a broadcast says, asked of the chain.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, keccak256};
use tidegate_chain::{Network, ReadError};
use tidegate_model::Head;

use crate::broadcast::{Broadcast, Sent, short};

/// Keeps what the chain shows as the file has it; the rest is left out with the reason.
pub async fn keep_shown(network: &Network, broadcast: &mut Broadcast) -> Result<(), ReadError> {
    let head = network.latest_head().await?;
    let mut kept = Vec::new();
    for sent in &broadcast.sent {
        match fault(network, head, sent).await? {
            None => kept.push(sent.clone()),
            Some(why) => broadcast
                .left_out
                .push(format!("transaction {} is left out: {why}", short(sent.hash))),
        }
    }
    broadcast.sent = kept;
    Ok(())
}

async fn fault(
    network: &Network,
    head: Head,
    sent: &Sent,
) -> Result<Option<&'static str>, ReadError> {
    let Some(shown) = network.transaction(sent.hash).await? else {
        return Ok(Some("the chain does not show it"));
    };
    let same = (shown.from, shown.nonce, shown.to, shown.value)
        == (sent.from, sent.nonce, sent.to, sent.value)
        && shown.input == sent.input;
    if !same {
        return Ok(Some("the chain shows another transaction under its hash"));
    }
    match network.receipt(sent.hash).await? {
        None => return Ok(Some("the chain has not included it")),
        Some(receipt) if !receipt.status => return Ok(Some("the chain shows that it reverted")),
        Some(_) => {}
    }
    if let Some((address, _)) = sent.creation()
        && network.code(address, head.block).await?.is_empty()
    {
        return Ok(Some("there is no code where it created a contract"));
    }
    Ok(None)
}

/// The code hashes of contracts that are there already.
pub async fn code_hashes(
    network: &Network,
    addresses: impl IntoIterator<Item = Address>,
) -> Result<BTreeMap<Address, B256>, ReadError> {
    let head = network.latest_head().await?;
    let mut hashes = BTreeMap::new();
    for address in addresses {
        let hash = network.code_hash(address, head.block).await?;
        if hash != keccak256([]) && hash != B256::ZERO {
            hashes.insert(address, hash);
        }
    }
    Ok(hashes)
}
