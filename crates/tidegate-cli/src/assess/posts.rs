//! When something was posted at the helper, by its events.

use std::sync::LazyLock;

use alloy_primitives::{B256, keccak256};
use tidegate_chain::{LogQuery, Network};
use tidegate_model::{Head, StatementDigest};
use tidegate_safe::helper;

use crate::error::CliResult;

/// The helper's event: who posts, about what, until when it holds.
static POSTED: LazyLock<B256> = LazyLock::new(|| keccak256("Posted(address,bytes32,uint64)"));

/// When one of these first posted about a subject after a time, by the time of its block.
pub(super) async fn first_posted(
    network: &Network,
    head: Head,
    by: Vec<B256>,
    subject: StatementDigest,
    since: u64,
) -> CliResult<Option<u64>> {
    let query = LogQuery {
        addresses: vec![helper::address()],
        topics: vec![vec![*POSTED], by, vec![subject.0]],
        from: first_after(network, head, since).await?,
        to: head.block.number,
    };
    match network.logs(&query).await?.first() {
        Some(log) => Ok(Some(network.head_at(log.block.number).await?.timestamp)),
        None => Ok(None),
    }
}

/// The first block after a time, found by halving.
pub(super) async fn first_after(network: &Network, head: Head, time: u64) -> CliResult<u64> {
    let (mut low, mut high) = (0, head.block.number + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if network.head_at(middle).await?.timestamp > time {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}
