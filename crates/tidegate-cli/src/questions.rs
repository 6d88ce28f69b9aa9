//! How a person at a terminal says yes: by typing what they are to have read.

use tidegate_app::front::Question;
use tidegate_model::lookup::DIGITS_MIN;

/// So many digits of a Safe's address pin it.
const SAFE_DIGITS_MIN: usize = 6;

/// The line that asks.
pub(crate) fn prompt(question: &Question<'_>) -> String {
    match question {
        Question::Approve { .. } => format!("Type `{}` to continue: ", wanted(question)),
        Question::PinSafe(_) => {
            format!("Type the Safe's last {SAFE_DIGITS_MIN} digits to pin it: ")
        }
        Question::TrustEndpoint { .. } => {
            format!("Type `{}` to trust it, or nothing: ", wanted(question))
        }
    }
}

/// Whether what was typed says yes.
pub(crate) fn is_yes(question: &Question<'_>, typed: &str) -> bool {
    match question {
        Question::Approve { .. } | Question::TrustEndpoint { .. } => typed == wanted(question),
        Question::PinSafe(_) => {
            typed.len() >= SAFE_DIGITS_MIN && wanted(question).ends_with(&typed.to_lowercase())
        }
    }
}

/// All that may be typed. With a hash stands the network, so that the wrong chain is noticed.
fn wanted(question: &Question<'_>) -> String {
    match question {
        Question::Approve { network, hash } => {
            let digits = format!("{hash:x}");
            format!("{network} {}", &digits[..DIGITS_MIN])
        }
        Question::PinSafe(safe) => format!("{safe:?}"),
        Question::TrustEndpoint { host } => (*host).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256};

    use super::*;

    #[test]
    fn only_what_was_to_be_read_says_yes() {
        let hash = b256!("00000000000000abcdef00000000000000000000000000000000000000000001");
        let approve = Question::Approve { network: "mainnet", hash };
        let safe = Question::PinSafe(address!("0xAbCdEf0123456789aBcDeF0123456789abcDEf01"));
        let host = Question::TrustEndpoint { host: "node.example:8545" };
        let table = [
            (
                &approve,
                vec!["mainnet 00000000000000ab"],
                vec![
                    "mainnet 00000000000000a",
                    "mainnet",
                    "sepolia 00000000000000ab",
                    "00000000000000ab",
                    "yes",
                ],
            ),
            (
                &safe,
                vec!["cdef01", "CDEF01", "abcdef0123456789abcdef0123456789abcdef01"],
                vec!["def01", "cdef02", "abcdef", "00abcdef0123456789abcdef0123456789abcdef01"],
            ),
            (&host, vec!["node.example:8545"], vec!["node.example", "y"]),
        ];
        for (question, yes, no) in table {
            for typed in yes {
                assert!(is_yes(question, typed), "{typed}");
            }
            for typed in no.into_iter().chain([""]) {
                assert!(!is_yes(question, typed), "{typed}");
            }
        }
        assert_eq!(prompt(&approve), "Type `mainnet 00000000000000ab` to continue: ");
        assert_eq!(prompt(&host), "Type `node.example:8545` to trust it, or nothing: ");
    }
}
