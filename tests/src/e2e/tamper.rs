//! Whatever somebody edits, deletes or swaps: no gate opens, and the edit is named.

mod clock;
mod code;
mod parameters;
mod policy;
mod proposal;
mod record;
mod safe;
mod store;

use crate::support::Case;

pub(crate) fn cases() -> Vec<Case> {
    let themes = [
        clock::cases(),
        code::cases(),
        parameters::cases(),
        policy::cases(),
        proposal::cases(),
        record::cases(),
        safe::cases(),
        store::cases(),
    ];
    themes.into_iter().flatten().collect()
}
