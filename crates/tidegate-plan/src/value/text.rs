//! What `@` and `$` at the beginning of a value mean: a name where one can stand, or text.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ValueError;

/// The names that a configuration has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Those that stand for addresses, written `@name`.
    pub(crate) addresses: BTreeSet<String>,
    /// Those under `[params]`, written `$name`.
    pub(crate) params: BTreeSet<String>,
}

/// A value by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning<'v> {
    /// `$name`.
    Param(&'v str),
    /// `@name`.
    Ref(&'v str),
    /// Text, without what escapes it.
    Text(&'v str),
    /// Everything else.
    Plain,
}

/// Tells names from text. In a place for text, and so for bytes, only what is there is a name, and
/// the text of an address never stands where its name is written: `@name` is refused then. Text
/// that begins with the sign twice stands for itself without the first.
///
/// # Errors
/// If an address is named where none can stand, or the text is nearly a name.
pub(crate) fn beginning<'v>(
    value: &'v Value,
    ty: &str,
    known: &Known,
) -> Result<Beginning<'v>, ValueError> {
    let Some(text) = value.as_str() else { return Ok(Beginning::Plain) };
    let (name, names, is_address) = match (text.strip_prefix('@'), text.strip_prefix('$')) {
        (Some(name), _) => (name, &known.addresses, true),
        (_, Some(name)) => (name, &known.params, false),
        (None, None) => return Ok(Beginning::Plain),
    };
    if !matches!(ty, "string" | "bytes") {
        return Ok(if is_address { Beginning::Ref(name) } else { Beginning::Param(name) });
    }
    let sign = if is_address { '@' } else { '$' };
    if name.starts_with(sign) {
        return Ok(Beginning::Text(name));
    }
    if names.contains(name) {
        return match is_address {
            true => Err(ValueError::NotAnAddress { name: name.to_owned(), ty: ty.to_owned() }),
            false => Ok(Beginning::Param(name)),
        };
    }
    let slip = |other: &&String| strsim::damerau_levenshtein(name, other) == 1;
    match names.iter().find(slip) {
        Some(near) => {
            Err(ValueError::NearName { written: text.to_owned(), near: format!("{sign}{near}") })
        }
        None => Ok(Beginning::Text(text)),
    }
}

/// Text as it is written in `tidegate.toml`, where `@` and `$` begin names: with its sign twice
/// where it begins with one.
pub fn escaped(text: &str) -> String {
    match text.chars().next() {
        Some(sign @ ('@' | '$')) => format!("{sign}{text}"),
        _ => text.to_owned(),
    }
}
