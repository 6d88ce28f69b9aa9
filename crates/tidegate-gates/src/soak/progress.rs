//! How much of the time since the start counts, and why the rest does not.

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::units::{counted, format_date};

use super::{SoakFacts, WINDOW_SECS, Window};
use crate::PolicyRules;

/// Finality that is this far behind the newest block has stalled: the longer of an hour and this
/// many blocks.
const FINALITY_LAG_SECS_MAX: u64 = 3_600;
const FINALITY_LAG_BLOCKS_MAX: u64 = 10;

/// The state of the soak's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoakProgress {
    /// Credited seconds: no more than have passed on the target since the start was posted there,
    /// where that is asked.
    pub credited_secs: u64,
    /// What the soak network alone shows.
    pub shown_secs: u64,
    /// Required seconds.
    pub required_secs: u64,
    /// Full windows that did not count.
    pub lost_windows: u32,
    /// The chain timestamp at which the requirement is met if no further window is lost.
    pub eta: u64,
}

/// A time that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pause {
    /// Its first second.
    pub from: u64,
    /// The first second after it, as far as it is known.
    pub until: u64,
    /// Why it does not count.
    pub reason: String,
}

/// Credits each window that holds at least half of its expected blocks and begins before the
/// network's end: a full window in full, the running one with its elapsed seconds.
pub fn progress(rules: &PolicyRules, facts: &SoakFacts) -> SoakProgress {
    let mut credited_secs = 0;
    let mut lost_windows = 0;
    for (_, window, counts) in credited(facts) {
        if counts {
            credited_secs += window.elapsed_secs;
        } else if window.elapsed_secs == WINDOW_SECS {
            lost_windows += 1;
        }
    }
    let shown_secs = credited_secs;
    credited_secs = match &facts.posted {
        Ok(None) => credited_secs,
        Ok(Some(post)) => credited_secs.min(post.span_secs()),
        Err(_) => 0,
    };
    let left = rules.soak_secs.saturating_sub(credited_secs);
    let eta = facts.head.timestamp + left;
    SoakProgress { credited_secs, shown_secs, required_secs: rules.soak_secs, lost_windows, eta }
}

/// The times since the start that do not count, in order; and the time since the last final block,
/// where finality has stalled.
pub fn pauses(facts: &SoakFacts) -> Vec<Pause> {
    let mut pauses: Vec<Pause> = Vec::new();
    for (from, window) in windows(facts) {
        let Some(reason) = lost(facts, from, window) else { continue };
        let until = from + window.elapsed_secs;
        match pauses.last_mut() {
            Some(last) if last.reason == reason && last.until == from => last.until = until,
            _ => pauses.push(Pause { from, until, reason }),
        }
    }
    if let Some(latest) = facts.latest {
        let (from, until) = (facts.head.timestamp, latest.timestamp);
        let lag = FINALITY_LAG_SECS_MAX.max(facts.block_time_secs * FINALITY_LAG_BLOCKS_MAX);
        if until.saturating_sub(from) > lag {
            let behind = latest.block.number.saturating_sub(facts.head.block.number);
            let behind = counted(usize::try_from(behind).unwrap_or(usize::MAX), "block");
            let reason = format!("finality has stalled {behind} behind the newest one");
            pauses.push(Pause { from, until, reason });
        }
    }
    pauses
}

/// Each window with its first second, and whether it counts.
pub fn credited(facts: &SoakFacts) -> impl Iterator<Item = (u64, Window, bool)> {
    windows(facts).map(|(from, window)| (from, window, lost(facts, from, window).is_none()))
}

fn windows(facts: &SoakFacts) -> impl Iterator<Item = (u64, Window)> {
    let from = (0..).map(|index| facts.start + index * WINDOW_SECS);
    from.zip(facts.windows.iter().copied())
}

/// Why a window does not count.
fn lost(facts: &SoakFacts, from: u64, window: Window) -> Option<String> {
    if let Some(end) = &facts.end_of_life
        && from >= end.at
    {
        return Some(format!("the network's end was {}, says {}", format_date(end.at), end.source));
    }
    let expected = window.elapsed_secs / facts.block_time_secs.max(1);
    if window.blocks * 2 >= expected {
        return None;
    }
    let blocks = counted(usize::try_from(window.blocks).unwrap_or(usize::MAX), "block");
    Some(format!("the chain produced {blocks} of the {expected} expected"))
}
