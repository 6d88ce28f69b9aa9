//! Arguments out of initcode and calldata, as values of `tidegate.toml`.

mod shown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt, Specifier};
use alloy_json_abi::{Constructor, Function, Param};
use alloy_primitives::{Address, U256, hex};
use tidegate_model::release::Code;
use toml_edit::{Array, InlineTable, Value};

use self::shown::at_the_end;

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
    exact.or_else(|| {
        let types: Result<Vec<_>, _> = constructor.inputs.iter().map(Param::resolve).collect();
        at_the_end(&DynSolType::Tuple(types.ok()?), initcode, shown)
    })
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
        // Bytes that hold the address of what is made anew would keep the old one.
        DynSolValue::Bytes(bytes) if names.keys().any(|address| holds(bytes, address)) => {
            return None;
        }
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes).into(),
        DynSolValue::Function(function) => hex::encode_prefixed(function).into(),
        DynSolValue::String(text) => quoted(&tidegate_plan::escaped(text)),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            list(items, names)?
        }
        DynSolValue::CustomStruct { prop_names, tuple, .. } => {
            let named = prop_names.iter().zip(tuple);
            match are_keys(prop_names) && prop_names.len() == tuple.len() {
                true => table(named.map(|(name, item)| Some((name, one(item, names)?))))?,
                false => list(tuple, names)?,
            }
        }
    })
}

fn holds(bytes: &[u8], address: &Address) -> bool {
    bytes.windows(Address::len_bytes()).any(|part| part == address.as_slice())
}

fn list(items: &[DynSolValue], names: &Names) -> Option<Value> {
    let items: Option<Array> = items.iter().map(|item| one(item, names)).collect();
    Some(items?.into())
}

fn table<'v>(rows: impl Iterator<Item = Option<(&'v String, Value)>>) -> Option<Value> {
    let rows: Option<InlineTable> = rows.collect();
    Some(rows?.into())
}

/// Whether the names of a structure's members can be keys of TOML as they are, each its own.
fn are_keys(names: &[String]) -> bool {
    let bare = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    names.iter().all(bare) && names.iter().collect::<BTreeSet<_>>().len() == names.len()
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
    at_the_end(&tuple, initcode, shown)
}
