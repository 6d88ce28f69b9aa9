//! Values as written, in normal form, and as ABI words.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, I256, U256, hex};
use serde_json::Value;
use tidegate_model::units::{UnitError, parse_int, parse_span_secs, parse_uint};

/// A value that does not fit its ABI type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not an ABI type.
    #[error("`{0}` is not an ABI type")]
    Type(String),
    /// A type that cannot be written in `tidegate.toml` yet.
    #[error("values of type `{0}` cannot be written in tidegate.toml yet")]
    Unsupported(String),
    /// Not a value of this type.
    #[error("`{value}` is not a value of type `{ty}`")]
    Mismatch {
        /// The value as written.
        value: String,
        ty: String,
    },
    /// A number that does not fit.
    #[error("`{value}` does not fit `{ty}`")]
    Range {
        /// The value as written.
        value: String,
        ty: String,
    },
    /// A number that cannot be read.
    #[error(transparent)]
    Unit(#[from] UnitError),
}

fn mismatch(value: &Value, ty: &DynSolType) -> ValueError {
    ValueError::Mismatch { value: value.to_string(), ty: ty.to_string() }
}

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
/// integers.
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
    let wrong = || ValueError::Mismatch { value: hex::encode_prefixed(data), ty: ty.to_owned() };
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
    match ty {
        DynSolType::Bool => {
            value.as_bool().map(DynSolValue::Bool).ok_or_else(|| mismatch(value, ty))
        }
        DynSolType::Uint(bits) => {
            let number = uint(value, ty)?;
            if number.bit_len() > *bits {
                return Err(ValueError::Range { value: value.to_string(), ty: ty.to_string() });
            }
            Ok(DynSolValue::Uint(number, *bits))
        }
        DynSolType::Int(bits) => {
            let number = int(value, ty)?;
            if bits_of(number) > *bits {
                return Err(ValueError::Range { value: value.to_string(), ty: ty.to_string() });
            }
            Ok(DynSolValue::Int(number, *bits))
        }
        DynSolType::Address => {
            let text = value.as_str().ok_or_else(|| mismatch(value, ty))?;
            address(text).map(DynSolValue::Address).ok_or_else(|| mismatch(value, ty))
        }
        DynSolType::FixedBytes(size) => {
            let bytes = hex_bytes(value).ok_or_else(|| mismatch(value, ty))?;
            if bytes.len() != *size {
                return Err(mismatch(value, ty));
            }
            let mut word = B256::ZERO;
            word[..*size].copy_from_slice(&bytes);
            Ok(DynSolValue::FixedBytes(word, *size))
        }
        DynSolType::Bytes => {
            hex_bytes(value).map(DynSolValue::Bytes).ok_or_else(|| mismatch(value, ty))
        }
        DynSolType::String => value
            .as_str()
            .map(|text| DynSolValue::String(text.to_owned()))
            .ok_or_else(|| mismatch(value, ty)),
        DynSolType::Array(item) => list(item, value, ty).map(DynSolValue::Array),
        DynSolType::FixedArray(item, length) => {
            let items = list(item, value, ty)?;
            if items.len() != *length {
                return Err(mismatch(value, ty));
            }
            Ok(DynSolValue::FixedArray(items))
        }
        DynSolType::Tuple(types) => {
            let items = value.as_array().filter(|items| items.len() == types.len());
            let items = items.ok_or_else(|| mismatch(value, ty))?;
            let items = types.iter().zip(items).map(|(ty, value)| coerce(ty, value));
            items.collect::<Result<_, _>>().map(DynSolValue::Tuple)
        }
        _ => Err(ValueError::Unsupported(ty.to_string())),
    }
}

fn list(item: &DynSolType, value: &Value, ty: &DynSolType) -> Result<Vec<DynSolValue>, ValueError> {
    let items = value.as_array().ok_or_else(|| mismatch(value, ty))?;
    items.iter().map(|value| coerce(item, value)).collect()
}

fn uint(value: &Value, ty: &DynSolType) -> Result<U256, ValueError> {
    match value {
        Value::Number(number) => number.as_u64().map(U256::from).ok_or_else(|| mismatch(value, ty)),
        Value::String(text) => match parse_span_secs(text) {
            Ok(secs) => Ok(U256::from(secs)),
            Err(_) => Ok(parse_uint(text)?),
        },
        _ => Err(mismatch(value, ty)),
    }
}

fn int(value: &Value, ty: &DynSolType) -> Result<I256, ValueError> {
    match value {
        Value::Number(number) => {
            let number = number.as_i64().ok_or_else(|| mismatch(value, ty))?;
            I256::try_from(number).map_err(|_| mismatch(value, ty))
        }
        Value::String(text) => Ok(parse_int(text)?),
        _ => Err(mismatch(value, ty)),
    }
}

/// Bits that two's complement needs, the sign included.
fn bits_of(number: I256) -> usize {
    let magnitude = if number.is_negative() { !number.into_raw() } else { number.into_raw() };
    magnitude.bit_len() + 1
}

/// An address whose mixed-case checksum, where it has one, is right.
fn address(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x")?;
    let one_case = !digits.bytes().any(|b| b.is_ascii_uppercase())
        || !digits.bytes().any(|b| b.is_ascii_lowercase());
    if one_case { text.parse().ok() } else { Address::parse_checksummed(text, None).ok() }
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
        DynSolValue::FixedBytes(word, size) => Value::String(hex::encode_prefixed(&word[..*size])),
        DynSolValue::Bytes(bytes) => Value::String(hex::encode_prefixed(bytes)),
        DynSolValue::String(text) => Value::String(text.clone()),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            Value::Array(items.iter().map(|item| to_json(item, ty)).collect::<Result<_, _>>()?)
        }
        _ => return Err(ValueError::Unsupported(ty.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn normal_forms() {
        let cases = [
            ("uint256", json!("250e18"), json!("250000000000000000000")),
            ("uint64", json!("14d"), json!("1209600")),
            ("uint8", json!(255), json!("255")),
            ("int8", json!(-128), json!("-128")),
            ("int256", json!("-1e3"), json!("-1000")),
            ("bool", json!(true), json!(true)),
            (
                "address",
                json!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
                json!("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
            ),
            ("bytes4", json!("0xDEADBEEF"), json!("0xdeadbeef")),
            ("uint256[]", json!(["1e2", 3]), json!(["100", "3"])),
            ("string", json!("14d"), json!("14d")),
            ("(uint64,bool)[1]", json!([["2d", true]]), json!([["172800", true]])),
        ];
        for (ty, written, expected) in cases {
            assert_eq!(normalise(ty, &written), Ok(expected), "{ty} {written}");
        }
    }

    #[test]
    fn values_that_do_not_fit() {
        let cases = [
            ("uint8", json!(256)),
            ("uint256", json!(-1)),
            ("uint256", json!("1.5")),
            ("int8", json!(128)),
            ("int8", json!(-129)),
            ("address", json!("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")),
            ("address", json!("0x00")),
            ("bytes4", json!("0xdeadbe")),
            ("bool", json!("true")),
            ("uint256[2]", json!([1])),
            ("(uint256,address)", json!([1])),
            ("(uint8,bool)", json!([256, true])),
            ("uint257", json!(1)),
            ("()", json!([])),
            ("()[]", json!([])),
        ];
        for (ty, written) in cases {
            assert!(normalise(ty, &written).is_err(), "{ty} {written}");
        }
    }

    #[test]
    fn decoding_a_returned_word() {
        let word = U256::from(42).to_be_bytes::<32>();
        assert_eq!(decode_word("uint256", &word), Ok(json!("42")));
        assert!(decode_word("uint256", &word[..31]).is_err());
        assert!(decode_word("uint8", &[0xff; 32]).is_err());
        assert!(decode_word("uint8", &[word, word].concat()).is_err());
    }
}
