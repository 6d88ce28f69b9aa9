//! The machine's clock beside the chain's. Gates use chain time alone.

use tidegate_model::units::format_span_secs;

use crate::front::Front;

/// How far clock and chain may be apart before it is mentioned.
const SKEW_SECS_MAX: u64 = 3_600;

/// Warns once where the machine's clock and the target's latest header are far apart. Gates
/// use chain time only, so this changes no verdict.
pub(crate) fn warn_if_skewed(front: &dyn Front, now: u64, chain_timestamp: u64) {
    let skew = now.abs_diff(chain_timestamp);
    if skew > SKEW_SECS_MAX {
        let skew = format_span_secs(skew);
        front.warn(format!(
            "this machine's clock and the chain's latest header are {skew} apart; gates use \
             chain time"
        ));
    }
}
