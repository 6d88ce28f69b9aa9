//! What commands print: help that fits a screen, JSON that parses, and no secret anywhere.

mod help;
mod json;
mod secrets;

use crate::support::Case;

pub(crate) fn cases() -> Vec<Case> {
    [help::cases(), json::cases(), secrets::cases()].into_iter().flatten().collect()
}
