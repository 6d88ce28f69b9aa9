//! Arguments out of initcode and calldata, as values of `tidegate.toml`.

use std::collections::BTreeMap;

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt};
use alloy_json_abi::{Constructor, Function, Param};
use alloy_primitives::{Address, U256, hex};
use tidegate_model::release::Code;
use toml_edit::{Array, Value};

/// What addresses are called so far.
pub(crate) type Names = BTreeMap<Address, String>;

/// The arguments behind creation code. Where the code is not what the working tree builds, they
/// are taken from how the file shows them, if encoding those gives the end of the initcode.
pub(crate) fn constructor_args(
    constructor: Option<&Constructor>,
    code: &Code,
    initcode: &[u8],
    shown: &[String],
) -> Option<Vec<DynSolValue>> {
    let Some(constructor) = constructor.filter(|c| !c.inputs.is_empty()) else {
        return Some(Vec::new());
    };
    let exact = behind(code, initcode).and_then(|tail| {
        let values = constructor.abi_decode_input(tail).ok()?;
        (constructor.abi_encode_input(&values).ok()? == tail).then_some(values)
    });
    exact.or_else(|| at_the_end(&constructor.inputs, initcode, shown))
}

/// Whether initcode is this creation code with arguments behind it.
pub fn is_initcode_of(code: &Code, initcode: &[u8]) -> bool {
    !code.object.is_empty() && behind(code, initcode).is_some()
}

/// What follows the code, which is compared without its metadata and libraries.
fn behind<'a>(code: &Code, initcode: &'a [u8]) -> Option<&'a [u8]> {
    let (head, tail) = initcode.split_at_checked(code.object.len())?;
    let mut expected = code.object.to_vec();
    for span in code.metadata.iter().chain(code.links.values().flatten()) {
        let filled = head.get(span.start..span.start.checked_add(span.length)?)?;
        expected.get_mut(span.start..span.start + span.length)?.copy_from_slice(filled);
    }
    (expected == head).then_some(tail)
}

/// The values that a file shows, if they are what the initcode ends with.
pub(crate) fn at_the_end(
    inputs: &[Param],
    initcode: &[u8],
    shown: &[String],
) -> Option<Vec<DynSolValue>> {
    if inputs.len() != shown.len() {
        return None;
    }
    let values = inputs.iter().zip(shown).map(|(input, text)| {
        // forge adds the scientific notation: `1000000 [1e6]`.
        let plain = text.split_once(" [").map_or(text.as_str(), |(plain, _)| plain);
        let value = match input.ty.as_str() {
            "bool" => plain.parse::<bool>().ok()?.into(),
            "string" => text.trim_matches('"').into(),
            _ => serde_json::Value::from(plain),
        };
        tidegate_plan::encode_value(&input.selector_type(), &value).ok()
    });
    let values = values.collect::<Option<Vec<_>>>()?;
    let encoded = DynSolValue::Tuple(values.clone()).abi_encode_params();
    initcode.ends_with(&encoded).then_some(values)
}

/// The arguments of a call.
pub(crate) fn call_args(function: &Function, calldata: &[u8]) -> Option<Vec<DynSolValue>> {
    let values = function.abi_decode_input(calldata.get(4..)?).ok()?;
    (function.abi_encode_input(&values).ok()? == calldata).then_some(values)
}

/// Values as TOML; `None` where one cannot be written.
pub(crate) fn written(values: &[DynSolValue], names: &Names) -> Option<Vec<Value>> {
    values.iter().map(|value| one(value, names)).collect()
}

fn one(value: &DynSolValue, names: &Names) -> Option<Value> {
    Some(match value {
        DynSolValue::Bool(value) => (*value).into(),
        DynSolValue::Uint(value, _) => number("", *value),
        DynSolValue::Int(value, _) => {
            number(if value.is_negative() { "-" } else { "" }, value.unsigned_abs())
        }
        DynSolValue::Address(address) => match names.get(address) {
            Some(name) => format!("@{name}").into(),
            None => address.to_string().into(),
        },
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]).into(),
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes).into(),
        DynSolValue::Function(function) => hex::encode_prefixed(function).into(),
        DynSolValue::String(text) => quoted(&tidegate_plan::escaped(text)),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            let items: Option<Array> = items.iter().map(|item| one(item, names)).collect();
            items?.into()
        }
        _ => return None,
    })
}

/// Small numbers as they are, round ones as people write them, others as text.
pub(crate) fn number(sign: &str, value: U256) -> Value {
    const PLAIN_BITS_MAX: usize = 53;
    const ROUND_ZEROS_MIN: usize = 6;
    let digits = value.to_string();
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let zeros = zeros - zeros % 3;
    let mantissa = &digits[..digits.len() - zeros];
    if zeros >= ROUND_ZEROS_MIN && !value.is_zero() {
        return format!("{sign}{mantissa}e{zeros}").into();
    }
    let text = format!("{sign}{digits}");
    match text.parse::<i64>() {
        Ok(number) if value.bit_len() <= PLAIN_BITS_MAX => number.into(),
        _ => text.into(),
    }
}

/// Text as a string of TOML, with nothing invisible in it: the writer of TOML escapes control
/// characters alone, and not marks that turn the direction of writing.
pub(crate) fn quoted(text: &str) -> Value {
    let is_shown = |c: char| matches!(c, ' '..='~') || c.is_alphanumeric();
    if text.chars().all(is_shown) {
        return text.into();
    }
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        _ if is_shown(c) => c.to_string(),
        _ => format!("\\U{:08X}", u32::from(c)),
    });
    let basic = format!("\"{}\"", escaped.collect::<String>());
    basic.parse().expect("every character that TOML reserves is escaped")
}

/// The inputs of the proxies' constructors, which their sources need not be there for.
pub(crate) fn proxy_args(
    code: Option<&(alloy_json_abi::JsonAbi, Code)>,
    types: &[&str],
    initcode: &[u8],
    shown: &[String],
) -> Option<Vec<DynSolValue>> {
    let types: Option<Vec<_>> = types.iter().map(|ty| DynSolType::parse(ty).ok()).collect();
    let tuple = DynSolType::Tuple(types?);
    if let Some(tail) = code.and_then(|(_, code)| behind(code, initcode)) {
        let DynSolValue::Tuple(values) = tuple.abi_decode_params(tail).ok()? else { return None };
        return (DynSolValue::Tuple(values.clone()).abi_encode_params() == tail).then_some(values);
    }
    let DynSolType::Tuple(types) = tuple else { return None };
    let inputs = types.iter().map(|ty| Param {
        ty: ty.to_string(),
        name: String::new(),
        components: Vec::new(),
        internal_type: None,
    });
    at_the_end(&inputs.collect::<Vec<_>>(), initcode, shown)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, I256, address, bytes};
    use tidegate_model::release::Span;

    use super::*;

    #[test]
    fn values_are_written_as_they_are_read() {
        let vault = address!("5FbDB2315678afecb367f032d93F642f64180aa3");
        let names = Names::from([(vault, "vault".to_owned())]);
        let uint = |value: u64| DynSolValue::Uint(U256::from(value), 256);
        let cases = [
            (uint(0), "0"),
            (uint(250_000_000), "\"250e6\""),
            (uint(1_209_600), "1209600"),
            (
                DynSolValue::Uint(U256::MAX >> 64, 256),
                "\"6277101735386680763835789423207666416102355444464034512895\"",
            ),
            (DynSolValue::Int(I256::try_from(-5).unwrap(), 8), "-5"),
            (DynSolValue::Address(vault), "\"@vault\""),
            (DynSolValue::Address(Address::ZERO), "\"0x0000000000000000000000000000000000000000\""),
            (
                DynSolValue::Array(vec![DynSolValue::Tuple(vec![
                    DynSolValue::Address(vault),
                    uint(1),
                ])]),
                "[[\"@vault\", 1]]",
            ),
            (DynSolValue::FixedBytes(B256::repeat_byte(7), 2), "\"0x0707\""),
            (
                DynSolValue::String("a\"\\\n\u{202e}é".to_owned()),
                "\"a\\\"\\\\\\U0000000A\\U0000202Eé\"",
            ),
            // What begins like a name is escaped.
            (DynSolValue::String("@x".to_owned()), "\"@@x\""),
            (DynSolValue::String("$x".to_owned()), "\"$$x\""),
        ];
        for (value, expected) in cases {
            let [toml] = &written(std::slice::from_ref(&value), &names).unwrap()[..] else {
                panic!("{value:?}")
            };
            assert_eq!(toml.to_string(), expected, "{value:?}");
        }
    }

    #[test]
    fn arguments_stand_behind_the_code() {
        let constructor = Constructor::parse("constructor(uint256 a, string b)").unwrap();
        let values = [DynSolValue::Uint(U256::from(7), 256), DynSolValue::String("x".to_owned())];
        let tail = constructor.abi_encode_input(&values).unwrap();
        // One byte of metadata and a library's address differ from build to build.
        let code = Code {
            object: bytes!("600102030400"),
            links: BTreeMap::from([(
                tidegate_model::Fqn("L".to_owned()),
                vec![Span { start: 2, length: 1 }],
            )]),
            metadata: vec![Span { start: 4, length: 1 }],
        };
        let args = |head: &[u8], tail: &[u8], shown: &[&str]| {
            let shown: Vec<_> = shown.iter().map(|text| (*text).to_owned()).collect();
            constructor_args(Some(&constructor), &code, &[head, tail].concat(), &shown)
        };
        assert_eq!(args(&[0x60, 1, 9, 3, 9, 0], &tail, &[]).unwrap(), values);
        assert_eq!(args(&[0x60, 1, 9, 3, 9, 1], &tail, &[]), None, "other code");
        assert_eq!(args(&[0x60, 1, 9, 3, 9, 0], &[&tail[..], &[0]].concat(), &[]), None);
        assert_eq!(args(&[1, 2, 3], &tail, &["7", "x"]).unwrap(), values, "as the file shows");
        assert_eq!(args(&[1, 2, 3], &tail, &["8", "x"]), None, "the file shows another value");
        assert_eq!(constructor_args(None, &code, &[], &[]), Some(Vec::new()));
    }
}
