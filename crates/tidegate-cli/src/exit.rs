//! The documented exit codes.

use tidegate_app::error::Kind;
use tidegate_model::Verdict;

const FAIL: u8 = 1;
const WAIVED: u8 = 10;
const WAITING: u8 = 20;
const UNKNOWN: u8 = 30;

/// The exit code of an error.
pub(crate) const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::DryRun => 0,
        Kind::Fail => FAIL,
        Kind::Usage => 2,
        Kind::Config => 3,
        Kind::Chain => 4,
        Kind::Keys => 5,
        Kind::Conflict => 6,
        Kind::Waiting => WAITING,
        Kind::Unknown => UNKNOWN,
        Kind::Internal => 70,
    }
}

/// The exit code of a verdict.
pub(crate) const fn of(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Fail { .. } => FAIL,
        Verdict::Waived { .. } => WAIVED,
        Verdict::Waiting { .. } => WAITING,
        Verdict::Unknown { .. } => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::ReasonCode;

    use super::*;

    #[test]
    fn verdicts_have_the_codes_that_the_help_names() {
        let code = ReasonCode::Unreadable;
        let waived = Verdict::Waived { by: "kim".to_owned(), until: 9, reasons: vec![] };
        let waiting = Verdict::Waiting { reasons: vec![], eta: Some(5) };
        let all =
            [Verdict::Pass, waived, waiting, Verdict::unknown(code, "x"), Verdict::fail(code, "y")];
        assert_eq!(all.map(|verdict| of(&verdict)), [0, 10, 20, 30, 1]);
    }
}
