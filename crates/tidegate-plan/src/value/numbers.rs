//! Integers as written: digits, units, spans of time, and the ends of a type's range.

use alloy_dyn_abi::DynSolType;
use alloy_primitives::{I256, Sign, U256};
use serde_json::Value;
use tidegate_model::units::{parse_int, parse_span_secs, parse_uint};

use super::error::{ValueError, mismatch};

pub(super) fn uint(value: &Value, bits: usize, ty: &DynSolType) -> Result<U256, ValueError> {
    let number = match value {
        Value::Number(number) => {
            number.as_u64().map(U256::from).ok_or_else(|| mismatch(value, ty))?
        }
        Value::String(text) => match (end_of_type(text), parse_span_secs(text)) {
            (Some((Sign::Positive, end)), _) => end,
            (Some((Sign::Negative, _)), _) => return Err(range(value, ty)),
            (None, Ok(secs)) => U256::from(secs),
            (None, Err(_)) => parse_uint(text)?,
        },
        _ => return Err(mismatch(value, ty)),
    };
    if number.bit_len() > bits { Err(range(value, ty)) } else { Ok(number) }
}

pub(super) fn int(value: &Value, bits: usize, ty: &DynSolType) -> Result<I256, ValueError> {
    let number = match value {
        Value::Number(number) => {
            let number = number.as_i64().map(I256::try_from).and_then(Result::ok);
            number.ok_or_else(|| {
                if value.is_u64() { range(value, ty) } else { mismatch(value, ty) }
            })?
        }
        Value::String(text) => match (end_of_type(text), signed_span(text)) {
            (Some((sign, end)), _) => {
                I256::checked_from_sign_and_abs(sign, end).ok_or_else(|| range(value, ty))?
            }
            (None, Some(secs)) => secs,
            (None, None) => parse_int(text)?,
        },
        _ => return Err(mismatch(value, ty)),
    };
    if bits_of(number) > bits { Err(range(value, ty)) } else { Ok(number) }
}

fn range(value: &Value, ty: &DynSolType) -> ValueError {
    ValueError::Range { value: value.to_string(), ty: ty.to_string() }
}

/// The number that Solidity calls `type(uint96).max`, of any integer type, as sign and magnitude.
fn end_of_type(text: &str) -> Option<(Sign, U256)> {
    let (ty, end) = text.trim().strip_prefix("type(")?.split_once(").")?;
    let power = |bits: usize| U256::from(1) << bits;
    let all = |bits: usize| U256::MAX >> (256 - bits);
    match (DynSolType::parse(ty.trim()).ok()?, end.trim()) {
        (DynSolType::Uint(bits), "max") => Some((Sign::Positive, all(bits))),
        (DynSolType::Uint(_), "min") => Some((Sign::Positive, U256::ZERO)),
        (DynSolType::Int(bits), "max") => Some((Sign::Positive, all(bits - 1))),
        (DynSolType::Int(bits), "min") => Some((Sign::Negative, power(bits - 1))),
        _ => None,
    }
}

/// A span of time in seconds, which may lie behind.
fn signed_span(text: &str) -> Option<I256> {
    let (sign, span) = match text.trim().strip_prefix('-') {
        Some(span) => (Sign::Negative, span),
        None => (Sign::Positive, text),
    };
    let secs = parse_span_secs(span).ok()?;
    I256::checked_from_sign_and_abs(sign, U256::from(secs))
}

/// Bits that two's complement needs, the sign included.
fn bits_of(number: I256) -> usize {
    let magnitude = if number.is_negative() { !number.into_raw() } else { number.into_raw() };
    magnitude.bit_len() + 1
}
