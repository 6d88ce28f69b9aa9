//! Errors that contracts define, by the ABIs that are known.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use alloy_dyn_abi::{DynSolValue, JsonAbiExt};
use alloy_json_abi::{Error, JsonAbi};
use alloy_primitives::{Selector, hex};

use crate::failure::{Failure, RevertReason};

/// OpenZeppelin's errors, of all versions since 5.0, and a few that others share. Enums, interfaces
/// and user-defined types are written as what they are encoded as.
const STANDARD: &str = include_str!("errors.txt");
/// The most characters of one value that are shown: it is a stranger's text.
const VALUE_CHARS_MAX: usize = 130;
/// The most values of a list that are shown.
const LIST_MAX: usize = 8;
/// How deep errors within errors are read.
const DEPTH_MAX: usize = 4;

type Known = BTreeMap<Selector, BTreeMap<String, Error>>;

static KNOWN: LazyLock<Arc<Known>> = LazyLock::new(|| {
    let mut known = Known::new();
    for line in STANDARD.lines() {
        let error = Error::parse(line).expect("the list is well-formed");
        keep(&mut known, &error);
    }
    Arc::new(known)
});

/// Errors by their selectors. The standard ones are always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(Arc<Known>);

impl Default for Errors {
    fn default() -> Self {
        Self(Arc::clone(&KNOWN))
    }
}

impl Errors {
    /// These and those of more ABIs.
    #[must_use]
    pub fn with<'a>(mut self, abis: impl IntoIterator<Item = &'a JsonAbi>) -> Self {
        let known = Arc::make_mut(&mut self.0);
        abis.into_iter().flat_map(JsonAbi::errors).for_each(|error| keep(known, error));
        self
    }

    /// What a contract that gave this data says: `reverted with NotOwner(caller = 0x…)`.
    pub fn reverted(&self, data: &[u8]) -> String {
        let mut failure = Failure::Revert(RevertReason::decode(data));
        self.name_in(&mut failure);
        failure.to_string()
    }

    /// Names the error of a failure.
    pub(crate) fn name_in(&self, failure: &mut Failure) {
        if let Failure::Revert(RevertReason::Custom { data, name, .. }) = failure {
            *name = self.named(data, DEPTH_MAX);
        }
    }

    /// An error with its values. Where two share a selector both are named.
    fn named(&self, data: &[u8], depth: usize) -> Option<String> {
        let (selector, given) = data.split_first_chunk::<4>()?;
        let found = self.0.get(&Selector::from(*selector))?;
        if found.len() > 1 {
            let names: Vec<&str> = found.keys().map(String::as_str).collect();
            return Some(format!("either {}", names.join(" or ")));
        }
        let error = found.values().next()?;
        let values = error.abi_decode_input(given).ok()?;
        let shown = error.inputs.iter().zip(&values).map(|(input, value)| {
            let value = self.shown(value, depth);
            if input.name.is_empty() { value } else { format!("{} = {value}", input.name) }
        });
        Some(format!("{}({})", error.name, shown.collect::<Vec<_>>().join(", ")))
    }

    fn shown(&self, value: &DynSolValue, depth: usize) -> String {
        let text = match value {
            DynSolValue::Bool(is) => is.to_string(),
            DynSolValue::Int(number, _) => number.to_string(),
            DynSolValue::Uint(number, _) => number.to_string(),
            DynSolValue::Address(address) => address.to_string(),
            DynSolValue::String(text) => format!("\"{}\"", text.escape_default()),
            DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
            DynSolValue::Bytes(bytes) => return self.bytes(bytes, depth),
            DynSolValue::Function(function) => hex::encode_prefixed(function),
            DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
                return format!("[{}]", self.list(values, depth));
            }
            DynSolValue::Tuple(values) | DynSolValue::CustomStruct { tuple: values, .. } => {
                return format!("({})", self.list(values, depth));
            }
        };
        cut(text)
    }

    fn list(&self, values: &[DynSolValue], depth: usize) -> String {
        if depth == 0 {
            return "…".to_owned();
        }
        let shown = values.iter().take(LIST_MAX).map(|value| self.shown(value, depth - 1));
        let more = (values.len() > LIST_MAX).then(|| format!("… {} in all", values.len()));
        shown.chain(more).collect::<Vec<_>>().join(", ")
    }

    /// Bytes, which are often the reason of somebody else.
    fn bytes(&self, bytes: &[u8], depth: usize) -> String {
        let inner = match RevertReason::decode(bytes) {
            _ if depth == 0 => None,
            RevertReason::Custom { .. } => self.named(bytes, depth - 1),
            RevertReason::Empty | RevertReason::Raw(_) => None,
            reason => Some(reason.to_string()),
        };
        inner.map_or_else(|| cut(hex::encode_prefixed(bytes)), |inner| format!("{{{inner}}}"))
    }
}

fn keep(known: &mut Known, error: &Error) {
    let of_selector = known.entry(error.selector()).or_default();
    of_selector.entry(error.signature()).or_insert_with(|| error.clone());
}

fn cut(text: String) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, U256};
    use alloy_sol_types::{Panic, Revert, SolError};

    use super::*;

    fn encoded(error: &str, values: &[DynSolValue]) -> Vec<u8> {
        let error = Error::parse(error).unwrap();
        [error.selector().to_vec(), error.abi_encode_input_raw(values).unwrap()].concat()
    }

    #[test]
    fn errors_are_named_with_their_values() {
        let abi = JsonAbi::parse([
            "error TooMuch(uint256 asked, uint256[] caps)",
            "error Wrapped(address target, bytes reason)",
            "error Says(string text)",
            "error Closed()",
        ])
        .unwrap();
        let errors = Errors::default().with([&abi]);
        let number = |n: u64| DynSolValue::Uint(U256::from(n), 256);
        let who = DynSolValue::Address(Address::ZERO);
        let zero = "0x0000000000000000000000000000000000000000";
        let list = DynSolValue::Array((1..=10).map(number).collect());
        let wrapped = |bytes: Vec<u8>| {
            encoded("Wrapped(address,bytes)", &[who.clone(), DynSolValue::Bytes(bytes)])
        };
        let balance = encoded(
            "ERC20InsufficientBalance(address,uint256,uint256)",
            &[who.clone(), number(1), number(2)],
        );
        let mut cases = vec![
            (encoded("Closed()", &[]), "Closed()".to_owned()),
            (
                encoded("TooMuch(uint256,uint256[])", &[number(5), list]),
                "TooMuch(asked = 5, caps = [1, 2, 3, 4, 5, 6, 7, 8, … 10 in all])".to_owned(),
            ),
            (
                balance.clone(),
                format!("ERC20InsufficientBalance(sender = {zero}, balance = 1, needed = 2)"),
            ),
            (
                wrapped(wrapped(balance)),
                format!(
                    "Wrapped(target = {zero}, reason = {{Wrapped(target = {zero}, reason = \
                     {{ERC20InsufficientBalance(sender = {zero}, balance = 1, needed = 2)}})}})"
                ),
            ),
            (
                wrapped(Revert::from("no").abi_encode()),
                format!("Wrapped(target = {zero}, reason = {{reverted: \"no\"}})"),
            ),
            (
                wrapped(Panic::from(0x11).abi_encode()),
                format!(
                    "Wrapped(target = {zero}, reason = {{panicked with 0x11 (arithmetic \
                     overflow)}})"
                ),
            ),
            (wrapped(vec![1, 2]), format!("Wrapped(target = {zero}, reason = 0x0102)")),
            (
                encoded("Says(string)", &[DynSolValue::String("a\n\u{202e}b".to_owned())]),
                r#"Says(text = "a\n\u{202e}b")"#.to_owned(),
            ),
            (vec![1, 2, 3, 4], "custom error 0x01020304".to_owned()),
            // Named by no more than its selector: its values are not well-formed.
            (
                encoded("TooMuch(uint256,uint256[])", &[number(5), DynSolValue::Array(vec![])])
                    [..36]
                    .to_vec(),
                "custom error".to_owned(),
            ),
        ];
        let (short, _) = cases.pop().unwrap();
        assert!(errors.reverted(&short).starts_with("reverted with custom error 0x"));
        for (data, expected) in cases {
            assert_eq!(errors.reverted(&data), format!("reverted with {expected}"));
        }
        assert_eq!(errors.reverted(&[]), "reverted without a reason");
        assert_eq!(errors.reverted(&Revert::from("x").abi_encode()), "reverted: \"x\"");
    }

    #[test]
    fn what_two_share_is_named_by_both() {
        let mut errors = Errors::default();
        let (one, other) = (Error::parse("One()").unwrap(), Error::parse("Other()").unwrap());
        let known = Arc::make_mut(&mut errors.0);
        let found = known.entry(one.selector()).or_default();
        found.insert(one.signature(), one.clone());
        found.insert(other.signature(), other);
        let said = errors.reverted(one.selector().as_slice());
        assert_eq!(said, "reverted with either One() or Other()");
    }

    #[test]
    fn the_list_is_whole() {
        let known = Errors::default();
        assert!(known.0.len() > 200, "{}", known.0.len());
        assert!(known.0.values().all(|found| found.len() == 1));
    }
}
