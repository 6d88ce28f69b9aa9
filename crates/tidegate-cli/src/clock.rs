//! The machine's clock. It decides nothing; where it is far from chain time it is warned of.

use std::time::{SystemTime, UNIX_EPOCH};

use tidegate_model::units::format_span_secs;

use crate::ui::Ui;

/// How far clock and chain may be apart before it is mentioned.
const SKEW_SECS_MAX: u64 = 3_600;

/// Warns once where the machine's clock and the target's latest header are far apart. Gates
/// use chain time only, so this changes no verdict.
pub(crate) fn warn_if_skewed(ui: &Ui, chain_timestamp: u64) {
    #[expect(clippy::disallowed_methods, reason = "this is the one place, and it only warns")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let skew = now.abs_diff(chain_timestamp);
    if skew > SKEW_SECS_MAX {
        let skew = format_span_secs(skew);
        ui.warn(format!(
            "this machine's clock and the chain's latest header are {skew} apart; gates use \
             chain time"
        ));
    }
}
