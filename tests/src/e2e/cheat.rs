//! Attempts to talk a gate round: none succeeds, and each is named by its gate.

mod soak;

use crate::support::Case;

pub(crate) fn cases() -> Vec<Case> {
    let areas = [soak::cases()];
    areas.into_iter().flatten().collect()
}
