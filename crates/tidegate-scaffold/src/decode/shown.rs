//! Arguments of initcode whose code is unknown, by what a broadcast file shows of them.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::hex;

/// The most bytes of arguments that are looked for.
const ARGUMENT_BYTES_MAX: usize = 64 << 10;
/// The bytes of a word of the ABI.
const WORD_BYTES: usize = 32;

/// The arguments that initcode ends with, if they are what the file shows: the bytes decide, and
/// what is shown only says where they begin.
pub(super) fn at_the_end(
    inputs: &DynSolType,
    initcode: &[u8],
    shown: &[String],
) -> Option<Vec<DynSolValue>> {
    let DynSolType::Tuple(types) = inputs else { return None };
    if types.len() != shown.len() {
        return None;
    }
    let shown: Vec<_> = shown.iter().map(|text| plain(text)).collect();
    let words = initcode.len().min(ARGUMENT_BYTES_MAX) / WORD_BYTES;
    let mut found = (types.len()..=words).filter_map(|words| {
        let tail = initcode.get(initcode.len() - words * WORD_BYTES..)?;
        let values = inputs.abi_decode_params(tail).ok()?;
        let DynSolValue::Tuple(values) = values else { return None };
        let fits = |(value, shown): (&DynSolValue, &String)| plain(&as_forge(value)) == *shown;
        let same = values.iter().zip(&shown).all(fits)
            && DynSolValue::Tuple(values.clone()).abi_encode_params() == tail;
        same.then_some(values)
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// A value as forge shows it, but for what [`plain`] takes away.
fn as_forge(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes),
        DynSolValue::Function(function) => hex::encode_prefixed(function),
        DynSolValue::String(text) => text.clone(),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) => {
            format!("[{}]", all(items))
        }
        DynSolValue::Tuple(items) | DynSolValue::CustomStruct { tuple: items, .. } => {
            format!("({})", all(items))
        }
    }
}

fn all(items: &[DynSolValue]) -> String {
    items.iter().map(as_forge).collect::<Vec<_>>().join(",")
}

/// What a file shows without what differs between versions of forge: white space, quotation marks,
/// the case of addresses, and the scientific notation beside numbers, `1000000 [1e6]`.
fn plain(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, behind)) = rest.split_once(" [") {
        kept.push_str(before);
        rest = match behind.split_once(']') {
            Some((inner, behind)) if is_notation(inner) => behind,
            _ => {
                kept.push('[');
                behind
            }
        };
    }
    kept.push_str(rest);
    let kept = kept.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\\'));
    kept.flat_map(char::to_lowercase).collect()
}

/// Whether this is a number such as `1.5e6` or `-1e18`.
fn is_notation(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    text.split_once('e').is_some_and(|(mantissa, exponent)| {
        digits(exponent) && digits(&mantissa.trim_start_matches('-').replacen('.', "", 1))
    })
}
