//! What commands print: help that fits a screen, JSON that parses, no secret anywhere, and the
//! screens people live in letter by letter.

mod help;
mod json;
mod output;
mod secrets;
mod snapshots;

pub(crate) use help::fits;

use crate::support::Case;

pub(crate) fn cases() -> Vec<Case> {
    [help::cases(), json::cases(), output::cases(), secrets::cases(), snapshots::cases()]
        .into_iter()
        .flatten()
        .collect()
}
