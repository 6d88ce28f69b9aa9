//! Values as written, in normal form, and as ABI words.

mod error;
mod numbers;
mod shape;
#[cfg(test)]
mod tests;
mod text;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{B256, Function, hex};
use serde_json::Value;
use tidegate_model::address::parse_address;

pub use self::error::ValueError;
use self::error::mismatch;
pub(crate) use self::error::{date, shown};
pub(crate) use self::shape::{Names, in_order, read};
pub use self::text::escaped;
pub(crate) use self::text::{Beginning, Known, beginning};

/// Parses a canonical ABI type.
pub(crate) fn parse_type(ty: &str) -> Result<DynSolType, ValueError> {
    let parsed = DynSolType::parse(ty).ok().filter(|parsed| !has_empty_structure(parsed));
    parsed.ok_or_else(|| ValueError::Type(ty.to_owned()))
}

/// Solidity has no structure without members, and its values could not be decoded.
fn has_empty_structure(ty: &DynSolType) -> bool {
    match ty {
        DynSolType::Tuple(types) => types.is_empty() || types.iter().any(has_empty_structure),
        DynSolType::Array(item) | DynSolType::FixedArray(item, _) => has_empty_structure(item),
        _ => false,
    }
}

/// Brings a literal into the normal form of its type: decimal digits for numbers, lower-case `0x`
/// text for addresses and bytes, lists for arrays and structures. Spans (`14d`) count as seconds in
/// integers. Text is taken as it is: what names are in it is known before ([`read`]).
///
/// # Errors
/// If the value is not one of this type.
pub fn normalise(ty: &str, value: &Value) -> Result<Value, ValueError> {
    to_json(&coerce(&parse_type(ty)?, value)?, ty)
}

/// ABI-encodes one value in normal form as a parameter list of length one would hold it.
///
/// # Errors
/// If the value is not one of this type.
pub fn encode_value(ty: &str, value: &Value) -> Result<DynSolValue, ValueError> {
    coerce(&parse_type(ty)?, value)
}

/// Decodes one returned value into normal form.
///
/// # Errors
/// If the bytes are not exactly one value of this type.
pub fn decode_word(ty: &str, data: &[u8]) -> Result<Value, ValueError> {
    let parsed = parse_type(ty)?;
    let wrong = || ValueError::Returned { data: hex::encode_prefixed(data), ty: ty.to_owned() };
    let params = DynSolType::Tuple(vec![parsed.clone()]);
    let decoded = params.abi_decode_params(data).map_err(|_| wrong())?;
    let DynSolValue::Tuple(values) = decoded else { return Err(wrong()) };
    let value = to_json(values.first().ok_or_else(wrong)?, ty)?;
    // Decoding alone takes words with bits that the type does not have, and bytes left over.
    let exact = coerce(&parsed, &value)
        .is_ok_and(|value| DynSolValue::Tuple(vec![value]).abi_encode_params() == data);
    if exact { Ok(value) } else { Err(wrong()) }
}

fn coerce(ty: &DynSolType, value: &Value) -> Result<DynSolValue, ValueError> {
    let wrong = || mismatch(value, ty);
    match ty {
        DynSolType::Bool => value.as_bool().map(DynSolValue::Bool).ok_or_else(wrong),
        DynSolType::Uint(bits) => {
            numbers::uint(value, *bits, ty).map(|number| DynSolValue::Uint(number, *bits))
        }
        DynSolType::Int(bits) => {
            numbers::int(value, *bits, ty).map(|number| DynSolValue::Int(number, *bits))
        }
        DynSolType::Address => {
            let address = value.as_str().and_then(|text| parse_address(text).ok());
            address.map(DynSolValue::Address).ok_or_else(wrong)
        }
        DynSolType::Function => {
            let bytes = hex_bytes(value).and_then(|bytes| Function::try_from(&*bytes).ok());
            bytes.map(DynSolValue::Function).ok_or_else(wrong)
        }
        DynSolType::FixedBytes(size) => {
            let bytes = hex_bytes(value).filter(|bytes| bytes.len() == *size);
            let bytes = bytes.ok_or_else(wrong)?;
            let mut word = B256::ZERO;
            word[..*size].copy_from_slice(&bytes);
            Ok(DynSolValue::FixedBytes(word, *size))
        }
        DynSolType::Bytes => hex_bytes(value).map(DynSolValue::Bytes).ok_or_else(wrong),
        DynSolType::String => {
            let text = value.as_str().map(str::to_owned);
            text.map(DynSolValue::String).ok_or_else(wrong)
        }
        DynSolType::Array(item) => list(item, value, ty).map(DynSolValue::Array),
        DynSolType::FixedArray(item, length) => {
            let items = list(item, value, ty)?;
            if items.len() == *length { Ok(DynSolValue::FixedArray(items)) } else { Err(wrong()) }
        }
        DynSolType::Tuple(types) => {
            let items = value.as_array().filter(|items| items.len() == types.len());
            let items = types.iter().zip(items.ok_or_else(wrong)?);
            let items = items.map(|(ty, value)| coerce(ty, value));
            items.collect::<Result<_, _>>().map(DynSolValue::Tuple)
        }
        _ => Err(ValueError::Unsupported(ty.to_string())),
    }
}

fn list(item: &DynSolType, value: &Value, ty: &DynSolType) -> Result<Vec<DynSolValue>, ValueError> {
    let items = value.as_array().ok_or_else(|| mismatch(value, ty))?;
    items.iter().map(|value| coerce(item, value)).collect()
}

fn hex_bytes(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?.strip_prefix("0x")?).ok()
}

fn to_json(value: &DynSolValue, ty: &str) -> Result<Value, ValueError> {
    Ok(match value {
        DynSolValue::Bool(value) => Value::Bool(*value),
        DynSolValue::Uint(value, _) => Value::String(value.to_string()),
        DynSolValue::Int(value, _) => Value::String(value.to_string()),
        DynSolValue::Address(value) => Value::String(hex::encode_prefixed(value)),
        DynSolValue::Function(value) => Value::String(hex::encode_prefixed(value)),
        DynSolValue::FixedBytes(word, size) => Value::String(hex::encode_prefixed(&word[..*size])),
        DynSolValue::Bytes(bytes) => Value::String(hex::encode_prefixed(bytes)),
        DynSolValue::String(text) => Value::String(text.clone()),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            Value::Array(items.iter().map(|item| to_json(item, ty)).collect::<Result<_, _>>()?)
        }
        _ => return Err(ValueError::Unsupported(ty.to_owned())),
    })
}
