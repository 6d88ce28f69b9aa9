//! The arguments of a call: what is shown of them, and the calls that stand in them.

use alloy_dyn_abi::DynSolValue;
use alloy_json_abi::{Function, JsonAbi, Param};
use alloy_primitives::{Selector, hex, keccak256};

use super::{Argument, Description, describe_data, escape};
use crate::batch::{InnerCall, unpack_multi_send};
use crate::sensitive::sensitive;
use crate::warning::Warning;

/// The deepest nesting of calls within arguments; a deeper call is not read.
const NESTING_MAX: usize = 6;
/// Longer byte strings that are no call cannot be read.
const BYTES_SHOWN_MAX: usize = 2_048;

/// Arguments of the helper's calls that are no calls: code that it creates, and signatures. Whoever
/// checks a proposal makes them again.
const OPAQUE: [(&str, &str); 4] = [
    ("createOnce", "initCode"),
    ("createGuarded", "initCode"),
    ("postSigned", "signature"),
    ("isValidSignature", "signature"),
];

/// By what calls in arguments are read, and how deep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Functions that are known.
    pub(super) abis: &'a [&'a JsonAbi],
    /// Whether it is the helper that is called.
    pub(super) by_helper: bool,
    /// In how many calls this one stands.
    pub(super) depth: usize,
}

impl Reading<'_> {
    const fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn is_opaque(&self, function: &Function, input: &Param) -> bool {
        self.by_helper && OPAQUE.contains(&(function.name.as_str(), input.name.as_str()))
    }

    fn knows(&self, selector: Selector) -> bool {
        let named = self.abis.iter().flat_map(|abi| abi.functions());
        named.map(Function::selector).any(|found| found == selector)
            || sensitive(selector).is_some()
    }
}

/// One argument of a function, at its place.
pub(super) fn argument(
    function: &Function,
    (index, input): (usize, &Param),
    value: &DynSolValue,
    reading: Reading<'_>,
) -> Argument {
    let made = sensitive(function.selector()).is_some_and(|entry| entry.carries(index));
    let mut found = Found::default();
    if !reading.is_opaque(function, input) {
        found.look(value, made, reading);
    }
    Argument {
        name: escape(&input.name),
        kind: input.selector_type().into_owned(),
        value: show(value),
        is_calls: is_bytes(value),
        calls: found.calls,
        hidden: found.hidden,
        is_read: !found.unread,
    }
}

/// Whether it is bytes or a list of them, and nothing beside.
fn is_bytes(value: &DynSolValue) -> bool {
    match value {
        DynSolValue::Bytes(_) => true,
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => values.iter().all(is_bytes),
        _ => false,
    }
}

/// The calls and bytes found in a value, at any place of it.
#[derive(Debug, Default)]
struct Found {
    calls: Vec<Description>,
    hidden: Vec<Warning>,
    unread: bool,
}

impl Found {
    /// `made`: bytes there are calls that are made, whatever they are.
    fn look(&mut self, value: &DynSolValue, made: bool, reading: Reading<'_>) {
        match value {
            DynSolValue::Bytes(data) => self.bytes(data, made, reading),
            DynSolValue::Array(values)
            | DynSolValue::FixedArray(values)
            | DynSolValue::Tuple(values)
            | DynSolValue::CustomStruct { tuple: values, .. } => {
                values.iter().for_each(|value| self.look(value, made, reading));
            }
            _ => {}
        }
    }

    /// One without calldata is a transfer, or none.
    fn bytes(&mut self, data: &[u8], made: bool, reading: Reading<'_>) {
        if data.is_empty() {
            return;
        }
        // A batch in a batch is packed, not encoded.
        let packed = unpack_multi_send(data);
        let selector = data.first_chunk::<4>().map(|bytes| Selector::from(*bytes));
        let is_call = made || packed.is_ok() || selector.is_some_and(|found| reading.knows(found));
        if is_call && reading.depth >= NESTING_MAX {
            let text = format!("too deep to read: {}", show_bytes(data));
            self.calls.push(Description::bare(text, hidden(data)));
            return;
        }
        match packed {
            _ if !is_call => {
                self.hidden.extend(hidden(data));
                self.unread |= data.len() > BYTES_SHOWN_MAX;
            }
            Ok(calls) => {
                self.calls.extend(calls.iter().map(|call| packed_call(call, reading.deeper())));
            }
            Err(_) => self.calls.push(describe_data(data, reading.abis, reading.deeper())),
        }
    }
}

/// One call of a batch that stands in an argument.
fn packed_call(call: &InnerCall, reading: Reading<'_>) -> Description {
    let argument = |name: &str, kind: &str, value: String| Argument {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value,
        is_calls: true,
        calls: Vec::new(),
        hidden: Vec::new(),
        is_read: true,
    };
    let whole = || describe_data(&call.data, reading.abis, reading);
    let data = Argument {
        calls: if call.data.is_empty() { Vec::new() } else { vec![whole()] },
        ..argument("data", "bytes", show_bytes(&call.data))
    };
    let to = argument("to", "address", call.to.to_string());
    let value = argument("value", "uint256", call.value.to_string());
    let function = "call(address,uint256,bytes)".to_owned();
    Description { function, arguments: vec![to, value, data], warnings: Vec::new(), is_read: true }
}

/// Warnings for sensitive calls that may be in bytes which nobody can read: their first four bytes
/// are. Each is given once.
pub(super) fn hidden(data: &[u8]) -> Vec<Warning> {
    let found = data.windows(4).filter_map(|window| {
        let selector = Selector::from(*window.first_chunk::<4>()?);
        Some(sensitive(selector)?.warning)
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    found.dedup();
    found
}

pub(crate) fn show(value: &DynSolValue) -> String {
    let list = |values: &[DynSolValue]| values.iter().map(show).collect::<Vec<_>>().join(", ");
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Function(function) => hex::encode_prefixed(function),
        DynSolValue::Bytes(bytes) => show_bytes(bytes),
        DynSolValue::String(text) => format!("\"{}\"", escape(text)),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            format!("[{}]", list(values))
        }
        DynSolValue::Tuple(values) | DynSolValue::CustomStruct { tuple: values, .. } => {
            format!("({})", list(values))
        }
    }
}

/// Bytes whole, or where they are too long by their beginning, length and hash.
pub(super) fn show_bytes(bytes: &[u8]) -> String {
    if bytes.len() <= BYTES_SHOWN_MAX {
        return hex::encode_prefixed(bytes);
    }
    let start = hex::encode_prefixed(&bytes[..8]);
    format!("{start}… ({} bytes, keccak256 {})", bytes.len(), keccak256(bytes))
}

#[cfg(test)]
mod tests {
    use alloy_dyn_abi::JsonAbiExt;
    use alloy_primitives::{Address, B256, Bytes, U256};

    use super::*;
    use crate::describe::{describe, unreadable};
    use crate::{encode_multi_send, helper};

    const VAULT: Address = Address::repeat_byte(7);

    fn bytes(data: &[u8]) -> DynSolValue {
        DynSolValue::Bytes(data.to_vec())
    }

    fn grant() -> Vec<u8> {
        let function = Function::parse("grantRole(bytes32,address)").unwrap();
        let values = [DynSolValue::FixedBytes(B256::ZERO, 32), VAULT.into()];
        function.abi_encode_input(&values).unwrap()
    }

    fn call(to: Address, data: Vec<u8>) -> InnerCall {
        InnerCall { to, value: U256::ZERO, data: data.into(), note: String::new() }
    }

    /// The description of a call of a function that only the release's ABI has.
    fn described(function: &str, values: &[DynSolValue]) -> (Description, bool) {
        let abi = JsonAbi::parse([&*format!("function {function}")]).unwrap();
        let data = abi.functions().next().unwrap().abi_encode_input(values).unwrap();
        let call = call(VAULT, data);
        let abis = [abi];
        let found = unreadable(std::slice::from_ref(&call), helper::address(), &abis, &[]);
        (describe(&call, helper::address(), &abis), found.is_none())
    }

    /// A sensitive call at any place of an argument warns and is shown, whatever carries it.
    #[test]
    fn calls_are_found_in_structures_and_lists() {
        let grant = || bytes(&grant());
        let one = || DynSolValue::Uint(U256::from(1), 256);
        let entry = || DynSolValue::Tuple(vec![VAULT.into(), one(), grant()]);
        let multicall = Function::parse("multicall(bytes[])").unwrap();
        let inner = |value: DynSolValue| {
            bytes(&multicall.abi_encode_input(&[DynSolValue::Array(vec![value])]).unwrap())
        };
        let packed = encode_multi_send(&[call(VAULT, super::tests::grant())]).unwrap();
        let cases = [
            ("run((address,uint256,bytes) entry)", entry()),
            ("run((address,uint256,bytes)[] entries)", DynSolValue::Array(vec![entry()])),
            ("run((address,uint256,bytes)[1] entries)", DynSolValue::FixedArray(vec![entry()])),
            (
                "run((uint256,(address,uint256,bytes)[])[] nested)",
                DynSolValue::Array(vec![DynSolValue::Tuple(vec![
                    one(),
                    DynSolValue::Array(vec![entry()]),
                ])]),
            ),
            ("run(bytes[] calls)", DynSolValue::Array(vec![bytes(&[]), grant()])),
            ("run(bytes[2] calls)", DynSolValue::FixedArray(vec![grant(), grant()])),
            ("run(bytes[] calls)", DynSolValue::Array(vec![inner(inner(grant()))])),
            ("run(bytes batch)", bytes(&packed)),
            ("run(bytes batch)", bytes(&packed[4 + 64..4 + 64 + 85 + 68])),
        ];
        for (function, value) in cases {
            let (found, is_readable) = described(function, &[value]);
            assert!(is_readable, "{found}");
            assert!(found.warnings().contains(&Warning::GrantsRole), "{found}");
            let says = format!("grantRole(role = {}, account = {VAULT})", B256::ZERO);
            assert!(found.to_string().contains(&says), "{found}");
        }
    }

    #[test]
    fn bytes_and_lists_of_them_are_told_from_structures() {
        let is_calls = |function: &str, value: DynSolValue| {
            described(function, &[value]).0.arguments[0].is_calls
        };
        let pair = || DynSolValue::Tuple(vec![bytes(&[]), DynSolValue::Bool(true)]);
        assert!(is_calls("run(bytes a)", bytes(&[])));
        assert!(is_calls("run(bytes[] a)", DynSolValue::Array(vec![bytes(&[]), bytes(&[1])])));
        assert!(is_calls("run(bytes[1] a)", DynSolValue::FixedArray(vec![bytes(&[])])));
        assert!(!is_calls("run((bytes,bool) a)", pair()));
        assert!(!is_calls("run((bytes,bool)[] a)", DynSolValue::Array(vec![pair()])));
    }

    /// What stands beside a call in a structure is shown with it.
    #[test]
    fn a_structure_is_shown_beside_its_calls() {
        let third = Address::repeat_byte(3);
        let entry = DynSolValue::Tuple(vec![third.into(), bytes(&grant())]);
        let (found, _) = described("run((address,bytes) entry)", &[entry]);
        let text = found.to_string();
        assert!(text.contains(&third.to_string()) && text.contains("{grantRole("), "{text}");
    }

    /// Bytes that are no call are shown whole; where they are too long nobody can read them. The
    /// beginning of a sensitive call inside of them is warned of.
    #[test]
    fn bytes_are_whole_or_not_read() {
        for (length, is_read) in [(69, true), (BYTES_SHOWN_MAX, true), (BYTES_SHOWN_MAX + 1, false)]
        {
            let data = vec![0xab; length];
            for value in [bytes(&data), DynSolValue::Array(vec![bytes(&data)])] {
                let kind = if matches!(value, DynSolValue::Bytes(_)) { "bytes" } else { "bytes[]" };
                let (found, is_readable) = described(&format!("run({kind} data)"), &[value]);
                assert_eq!(is_readable, is_read, "{length}: {found}");
                assert_eq!(found.to_string().contains(&hex::encode(&data)), is_read);
                assert_eq!(found.warnings(), []);
            }
        }
        let wrapped = [&[0; 35][..], &grant()].concat();
        let (found, is_readable) = described("run(bytes data)", &[bytes(&wrapped)]);
        assert!(is_readable);
        assert_eq!(found.warnings(), [Warning::GrantsRole]);
        assert!(found.to_string().contains(&hex::encode(&wrapped)), "{found}");
    }

    #[test]
    fn what_stands_too_deep_is_not_read() {
        let multicall = Function::parse("multicall(bytes[])").unwrap();
        let mut data = grant();
        for depth in 0..NESTING_MAX + 2 {
            let (found, is_readable) = described("run(bytes data)", &[bytes(&data)]);
            assert_eq!(is_readable, depth < NESTING_MAX, "{depth}: {found}");
            assert!(found.warnings().contains(&Warning::GrantsRole), "{depth}: {found}");
            data = multicall.abi_encode_input(&[DynSolValue::Array(vec![bytes(&data)])]).unwrap();
        }
    }

    /// Code that the helper creates and signatures that it asks about are no calls. The same names
    /// in a contract of somebody else's excuse nothing.
    #[test]
    fn code_and_signatures_are_the_helpers_alone() {
        let code: Bytes = [vec![0x60; 3_000], grant()].concat().into();
        let create = helper::create_once(B256::ZERO, code.clone(), B256::ZERO);
        for (to, is_read) in [(helper::address(), true), (VAULT, false)] {
            let abi: JsonAbi = serde_json::from_str(helper::ABI_JSON).unwrap();
            let found = describe(&call(to, create.to_vec()), helper::address(), &[abi]);
            assert_eq!(found.unreadable().is_none(), is_read, "{found}");
            assert_eq!(found.warnings().is_empty(), is_read, "{found}");
        }
    }
}
