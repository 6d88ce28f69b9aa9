//! What is wrong with a value, and how it is written instead.

use alloy_dyn_abi::DynSolType;
use alloy_primitives::hex;
use serde_json::Value;
use tidegate_model::address::{AddressError, parse_address};
use tidegate_model::units::{UnitError, parse_date};

/// What TOML's parser calls a date where a value of any kind may stand.
const TOML_DATE: &str = "$__toml_private_datetime";

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
    #[error("`{value}` is not a value of type `{ty}`: {reason}")]
    Mismatch {
        /// The value as written.
        value: String,
        ty: String,
        /// What such a value looks like, or what is wrong with this one.
        reason: String,
    },
    /// Returned bytes that are not one value of this type.
    #[error("`{data}` is not exactly one value of type `{ty}`")]
    Returned { data: String, ty: String },
    /// A number that does not fit.
    #[error("`{value}` does not fit `{ty}`")]
    Range {
        /// The value as written.
        value: String,
        ty: String,
    },
    /// A name where no address can stand.
    #[error("`@{name}` is an address, but a `{ty}` is needed{}", for_text(name, ty))]
    NotAnAddress { name: String, ty: String },
    /// Text that is a slip away from a name.
    #[error("`{written}` is nearly `{near}`; if it is meant as text, write its first sign twice")]
    NearName {
        /// The text as written.
        written: String,
        near: String,
    },
    /// A name without an address.
    #[error("`@{0}` has no address here")]
    NoAddress(String),
    /// A parameter within a parameter.
    #[error(
        "`${0}` is a parameter, and no other one can hold it; if it is meant as text, write `$${0}`"
    )]
    ParamInParam(String),
    /// A structure with other members, or none that have names.
    #[error("{0}")]
    Member(String),
    /// A number that cannot be read.
    #[error(transparent)]
    Unit(#[from] UnitError),
}

pub(super) fn mismatch(value: &Value, ty: &DynSolType) -> ValueError {
    ValueError::Mismatch { value: shown(value), ty: ty.to_string(), reason: reason(value, ty) }
}

/// A value as it is written in `tidegate.toml`, as nearly as JSON can say it.
pub(crate) fn shown(value: &Value) -> String {
    let items =
        |open: &str, items: Vec<String>, close: &str| format!("{open}{}{close}", items.join(","));
    match value {
        _ if date(value).is_some() => date(value).unwrap_or_default().to_owned(),
        Value::Array(all) => items("[", all.iter().map(shown).collect(), "]"),
        Value::Object(table) => {
            let member = |(name, value): (&String, &Value)| format!("{name} = {}", shown(value));
            items("{ ", table.iter().map(member).collect(), " }")
        }
        _ => value.to_string(),
    }
}

/// The date that stands in `tidegate.toml` without quotes.
pub(crate) fn date(value: &Value) -> Option<&str> {
    value.as_object().filter(|table| table.len() == 1)?.get(TOML_DATE)?.as_str()
}

fn reason(value: &Value, ty: &DynSolType) -> String {
    if let Some(date) = date(value) {
        let secs = parse_date(date).map_or_else(|_| String::new(), |secs| format!(", {secs}"));
        return format!(
            "it is a date of TOML; write a time as its seconds since 1970{secs}, and text in quotes"
        );
    }
    if value.is_f64() {
        return "TOML keeps a number with a point or an exponent only nearly; write it in quotes, \
                such as \"1e18\""
            .to_owned();
    }
    if value.is_null() {
        return "`nan` and `inf` are no values".to_owned();
    }
    let items = value.as_array().map(Vec::len);
    match (ty, value) {
        (DynSolType::Bool, Value::String(_)) => "write true or false, without quotes".to_owned(),
        (DynSolType::Bool, _) => "write true or false".to_owned(),
        (DynSolType::Uint(_), Value::Number(number)) if number.as_i64().is_some() => {
            "it is negative".to_owned()
        }
        (DynSolType::Uint(_) | DynSolType::Int(_), Value::Number(_)) => {
            "write numbers as large as this in quotes".to_owned()
        }
        (DynSolType::Uint(_) | DynSolType::Int(_), _) => {
            "write a number, such as 7, \"250e18\" or \"14d\"".to_owned()
        }
        (DynSolType::Address, Value::String(text))
            if matches!(parse_address(text), Err(AddressError::Checksum(_))) =>
        {
            "its checksum is wrong, so a digit or the case of a letter is mistyped".to_owned()
        }
        (DynSolType::Address, _) => {
            "write `@name`, or `0x` and 40 hexadecimal digits, in quotes".to_owned()
        }
        (DynSolType::Function, _) => fixed(24),
        (DynSolType::FixedBytes(size), _) => fixed(*size),
        (DynSolType::Bytes, Value::String(text)) if !text.starts_with("0x") => {
            format!("write bytes in hexadecimal; this text is \"{}\"", hex::encode_prefixed(text))
        }
        (DynSolType::Bytes, _) => {
            "write `0x` and two hexadecimal digits for each byte, in quotes".to_owned()
        }
        (DynSolType::String, _) => "write text in quotes".to_owned(),
        (DynSolType::FixedArray(_, length), Value::Array(_)) => count(items, *length),
        (DynSolType::Tuple(types), Value::Array(_)) => count(items, types.len()),
        (DynSolType::Tuple(_), _) => "write a list, or a table with the members' names".to_owned(),
        _ => "write a list".to_owned(),
    }
}

fn for_text(name: &str, ty: &str) -> String {
    match ty {
        "string" => format!("; if it is meant as text, write `@@{name}`"),
        _ => String::new(),
    }
}

fn fixed(size: usize) -> String {
    format!("write `0x` and {} hexadecimal digits, in quotes", 2 * size)
}

fn count(found: Option<usize>, wanted: usize) -> String {
    format!("it has {}, not {wanted}", tidegate_model::units::counted(found.unwrap_or(0), "item"))
}
