//! The documented exit codes.

use tidegate_app::error::Kind;

/// The exit code of an error.
pub(crate) const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::DryRun => 0,
        Kind::Fail => 1,
        Kind::Usage => 2,
        Kind::Config => 3,
        Kind::Chain => 4,
        Kind::Keys => 5,
        Kind::Conflict => 6,
        Kind::Verdict(code) => code,
        Kind::Internal => 70,
    }
}
