//! Slots that may change in silence, looked at where nobody knew that they would be.

use std::collections::BTreeSet;

use alloy_primitives::{B256, U256, keccak256};
use tidegate_chain::{Network, ReadError};
use tidegate_gates::Reset;
use tidegate_model::Head;

use super::{Span, Watched, all};

/// The number of blocks of each window that are looked at.
const LOOKS_PER_WINDOW: u64 = 24;

/// Observed values, block by block.
#[derive(Default)]
pub(super) struct Looks {
    /// Blocks in which a slot held something else than now.
    pub(super) resets: Vec<Reset>,
    /// What is said of the slots that could not be looked at in every window.
    pub(super) unseen: Vec<String>,
}

/// Looks at each slot that code may write in silence.
pub(super) async fn at_silent(
    network: &Network,
    silent: Vec<(&Watched, String)>,
    spans: &[Span],
    head: Head,
) -> Result<Looks, ReadError> {
    let mut looks = Looks::default();
    if silent.is_empty() {
        return Ok(looks);
    }
    let blocks = chosen(spans, head.block.hash);
    for (watched, sentence) in silent {
        let Watched { name, address, slot } = watched;
        let slot: U256 = (*slot).into();
        let now = network.storage(*address, slot, head.block).await?;
        let seen = all(blocks.iter().copied(), |block| async move {
            Ok((block, network.storage_at_height(*address, slot, block).await?))
        });
        let Ok(seen) = seen.await else {
            looks.unseen.push(sentence);
            continue;
        };
        // The latest one: what was before it does not count.
        if let Some((block, value)) = seen.into_iter().rfind(|(_, value)| *value != now) {
            let value = B256::from(value);
            looks.resets.push(Reset {
                time: network.head_at(block).await?.timestamp,
                block: Some(block),
                reason: format!("{name} of {address} held {value} in block {block}"),
            });
        }
    }
    Ok(looks)
}

/// The blocks to look at, in order. The hash of the last one chooses, which nobody knew while the
/// others were made.
fn chosen(spans: &[Span], terminal: B256) -> BTreeSet<u64> {
    let mut blocks = BTreeSet::new();
    for (index, span) in spans.iter().enumerate().filter(|(_, span)| span.window.blocks > 0) {
        for look in 0..LOOKS_PER_WINDOW {
            let words = [index as u64, look].map(u64::to_be_bytes).concat();
            let number = keccak256([terminal.as_slice(), &words].concat());
            let offset = U256::from_be_bytes(number.0) % U256::from(span.window.blocks);
            blocks.insert(span.first + offset.to::<u64>());
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use tidegate_gates::Window;

    use super::*;

    fn spans(blocks: &[u64]) -> Vec<Span> {
        let mut first = 100;
        let span = |blocks: &u64| {
            let window = Window { blocks: *blocks, elapsed_secs: 86_400 };
            let span = Span { window, first };
            first += blocks;
            span
        };
        blocks.iter().map(span).collect()
    }

    #[test]
    fn blocks_lie_in_their_windows_and_depend_on_the_last_one() {
        let spans = spans(&[7_200, 7_200, 0, 12]);
        let found = chosen(&spans, B256::repeat_byte(1));
        let within = |from, to| found.iter().filter(|at| (from..to).contains(*at)).count() as u64;
        for from in [100, 7_300] {
            let count = within(from, from + 7_200);
            assert!((20..=LOOKS_PER_WINDOW).contains(&count), "{count} from {from}");
        }
        assert!(within(14_500, 14_512) > 0);
        assert_eq!(found.len() as u64, within(100, 14_512));
        assert_ne!(found, chosen(&spans, B256::repeat_byte(2)));
        assert_eq!(found, chosen(&spans, B256::repeat_byte(1)));
        assert!(chosen(&[], B256::ZERO).is_empty());
    }
}
