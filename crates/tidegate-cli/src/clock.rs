//! The machine's clock. It moves nothing forward: on public chains it only refuses heads that are
//! not of now, and on simulated ones a difference is warned of.

use std::time::{SystemTime, UNIX_EPOCH};

use tidegate_model::units::format_span_secs;

use crate::ui::Ui;

/// How far clock and chain may be apart before it is mentioned.
const SKEW_SECS_MAX: u64 = 3_600;

/// Seconds since 1970, as this machine has them.
pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "this is the one place, and it passes nothing")]
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Warns once where the machine's clock and the target's latest header are far apart. Gates
/// use chain time only, so this changes no verdict.
pub(crate) fn warn_if_skewed(ui: &Ui, chain_timestamp: u64) {
    let skew = now().abs_diff(chain_timestamp);
    if skew > SKEW_SECS_MAX {
        let skew = format_span_secs(skew);
        ui.warn(format!(
            "this machine's clock and the chain's latest header are {skew} apart; gates use \
             chain time"
        ));
    }
}
