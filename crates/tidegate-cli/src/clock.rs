//! The machine's clock. It moves nothing forward: on public chains it only refuses heads that are
//! not of now, and on simulated ones a difference is warned of.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, as this machine has them.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this is the one place, and it passes nothing")]
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
