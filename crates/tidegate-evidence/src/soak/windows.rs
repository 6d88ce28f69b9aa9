//! The windows of a soak, by the blocks that they have.

use tidegate_chain::{Network, ReadError};
use tidegate_gates::{WINDOW_SECS, Window};
use tidegate_model::Head;
use tidegate_model::units::format_utc;

/// The most windows that are counted, about two years.
const WINDOWS_MAX: u64 = 750;

/// A window, and its first block.
pub(super) struct Span {
    pub(super) window: Window,
    pub(super) first: u64,
}

/// Counts the blocks of each window from the start to the finalized head.
pub(super) async fn windows(
    network: &Network,
    start: Head,
    head: Head,
) -> Result<Vec<Span>, ReadError> {
    let mut spans = Vec::new();
    let mut first = start.block.number;
    for index in 0..WINDOWS_MAX {
        let from = start.timestamp + index * WINDOW_SECS;
        if from >= head.timestamp {
            break;
        }
        let until = from + WINDOW_SECS;
        if until > head.timestamp {
            let blocks = head.block.number + 1 - first;
            let window = Window { blocks, elapsed_secs: head.timestamp - from };
            spans.push(Span { window, first });
            break;
        }
        let next = network.first_block_at_or_after(until, head).await?;
        let next = next.map_or(head.block.number + 1, |next| next.block.number);
        let window = Window { blocks: next - first, elapsed_secs: WINDOW_SECS };
        spans.push(Span { window, first });
        first = next;
    }
    tracing::debug!(start = %format_utc(start.timestamp), windows = spans.len(), "soak");
    Ok(spans)
}
