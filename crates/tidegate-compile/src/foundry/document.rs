//! One profile of `foundry.toml` as forge puts it together: the sections that it inherits from,
//! what it extends, and keys in any spelling.

use std::path::{Path, PathBuf};

use heck::ToSnakeCase;
use toml::{Table, Value};

use super::FoundryError;
use crate::files;
use crate::profile::{self, DEFAULT};
use crate::repository::repository_root;

/// A file, what it says, and for which profile.
pub(super) struct Asked<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    /// The profile's name.
    pub(super) profile: &'a str,
}

/// Everything that the file says for the profile, under keys in snake case.
///
/// A section is `[profile.NAME]` or, as in old files, `[NAME]`, which gives way to it. A profile
/// inherits from the default one; `[vyper]` stands between the two, and `[global]` above all.
pub(super) fn merged(asked: &Asked<'_>) -> Result<Table, FoundryError> {
    Ok(of_profile(&extended(asked)?, asked.profile))
}

fn of_profile(table: &Table, profile: &str) -> Table {
    let mut merged = section(table, DEFAULT);
    if let Some(vyper) = table.get("vyper") {
        let vyper = Table::from_iter([("vyper".to_owned(), vyper.clone())]);
        merged = match profile {
            DEFAULT => over(merged, vyper),
            _ => over(vyper, merged),
        };
    }
    if profile != DEFAULT {
        merged = over(section(table, profile), merged);
    }
    over(section(table, "global"), merged)
}

/// The file that has something to blame: the one asked for where what it says by itself has it,
/// else the one that it extends, with its text. Both can be read.
pub(super) fn blamed(asked: &Asked<'_>, has: impl Fn(&Table) -> bool) -> (PathBuf, String) {
    let own = || (asked.file.to_owned(), asked.text.to_owned());
    let Ok(table) = parse(asked.file, asked.text) else { return own() };
    if has(&of_profile(&table, asked.profile)) {
        return own();
    }
    base(asked, &table).ok().flatten().map_or_else(own, |base| (base.file, base.text))
}

/// Whether a key has this text, alone or in a list.
pub(super) fn says(table: &Table, key: &str, text: &str) -> bool {
    match table.get(key) {
        Some(Value::Array(all)) => all.iter().any(|value| value.as_str() == Some(text)),
        value => value.and_then(Value::as_str) == Some(text),
    }
}

/// The names of its profiles.
pub(super) fn profiles(asked: &Asked<'_>) -> Result<Vec<String>, FoundryError> {
    let table = extended(asked)?;
    let mut names = profile::names(&table);
    // A section as old files have it makes a profile by itself.
    let is_section = table.get(asked.profile).is_some_and(Value::is_table);
    if is_section && !names.iter().any(|name| name == asked.profile) {
        names.push(asked.profile.to_owned());
        names.sort();
    }
    Ok(names)
}

fn parse(file: &Path, text: &str) -> Result<Table, FoundryError> {
    let malformed = |source: toml::de::Error| malformed(file, text, source);
    let table: Table = toml::from_str(text).map_err(malformed)?;
    // A key outside of all sections belongs to none.
    for (key, value) in &table {
        if !value.is_table() && !value.is_array() {
            profile::section_at(text, key).map_err(malformed)?;
        }
    }
    Ok(table)
}

pub(super) fn malformed(file: &Path, text: &str, source: toml::de::Error) -> FoundryError {
    let line_of = |offset| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    FoundryError::Malformed {
        file: file.to_owned(),
        line: source.span().map_or(0, |span| line_of(span.start)),
        source: Box::new(source),
    }
}

fn section(table: &Table, name: &str) -> Table {
    let of = |value: Option<&Value>| value.and_then(Value::as_table).cloned().unwrap_or_default();
    let named = of(table.get("profile").and_then(|profiles| profiles.get(name)));
    // Where two spellings of one key meet, the later one in the alphabet holds.
    let mut keys: Vec<_> = over(named, of(table.get(name))).into_iter().collect();
    keys.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut section: Table =
        keys.into_iter().map(|(key, value)| (key.to_snake_case(), value)).collect();
    if let Some(version) = section.remove("solc_version") {
        section.entry("solc").or_insert(version);
    }
    section
}

/// A table with what it does not say taken from another, in the tables inside it too.
fn over(table: Table, base: Table) -> Table {
    joined(table, base, &|value, _| value)
}

fn joined(table: Table, mut base: Table, join: &dyn Fn(Value, Value) -> Value) -> Table {
    for (key, value) in table {
        let value = match (value, base.remove(&key)) {
            (Value::Table(value), Some(Value::Table(base))) => {
                Value::Table(joined(value, base, join))
            }
            (value, Some(base)) => join(value, base),
            (value, None) => value,
        };
        base.insert(key, value);
    }
    base
}

/// What a file extends.
struct Base {
    file: PathBuf,
    text: String,
    table: Table,
    strategy: String,
    /// The path as it is written.
    value: String,
}

/// The file that is extended. As in forge, only the chosen profile's word counts.
fn base(asked: &Asked<'_>, table: &Table) -> Result<Option<Base>, FoundryError> {
    let Some(extends) = extends(table, asked.profile) else { return Ok(None) };
    let (value, strategy) = match extends {
        Value::String(path) => (path.as_str(), "extend-arrays"),
        other => (
            other.get("path").and_then(Value::as_str).unwrap_or_default(),
            other.get("strategy").and_then(Value::as_str).unwrap_or("extend-arrays"),
        ),
    };
    let refused = |why| {
        let (file, value) = (asked.file.to_owned(), value.to_owned());
        FoundryError::Extends { file, value, why }
    };
    let (file, text) = extended_file(asked.file, value, &refused)?;
    let table = parse(&file, &text)?;
    if self::extends(&table, asked.profile).is_some() {
        return Err(refused("extends a file itself"));
    }
    let (strategy, value) = (strategy.to_owned(), value.to_owned());
    Ok(Some(Base { file, text, table, strategy, value }))
}

/// The file with what it extends beneath it.
fn extended(asked: &Asked<'_>) -> Result<Table, FoundryError> {
    let table = parse(asked.file, asked.text)?;
    let Some(Base { table: base, strategy, value, .. }) = base(asked, &table)? else {
        return Ok(table);
    };
    let refused = |why| {
        let (file, value) = (asked.file.to_owned(), value.clone());
        FoundryError::Extends { file, value, why }
    };
    let concatenated = |value: Value, base: Value| match (value, base) {
        (Value::Array(more), Value::Array(mut all)) => {
            all.extend(more);
            Value::Array(all)
        }
        (value, _) => value,
    };
    match strategy.as_str() {
        "extend-arrays" => Ok(joined(table, base, &concatenated)),
        "replace-arrays" => Ok(over(table, base)),
        "no-collision" => {
            let [own, other] = [&table, &base].map(|t| section(t, asked.profile));
            if own.keys().any(|key| key != "extends" && other.contains_key(key)) {
                return Err(refused("says what this file says too"));
            }
            Ok(over(table, base))
        }
        _ => Err(refused(
            "is to be merged by none of extend-arrays, replace-arrays and no-collision",
        )),
    }
}

fn extends<'a>(table: &'a Table, profile: &str) -> Option<&'a Value> {
    table.get("profile")?.get(profile)?.get("extends")
}

/// The file that is extended, which lies in the same git repository: who can write this one can
/// write that one.
fn extended_file(
    file: &Path,
    value: &str,
    refused: &dyn Fn(&'static str) -> FoundryError,
) -> Result<(PathBuf, String), FoundryError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let path = folder.join(value).canonicalize().map_err(|_| refused("is not there"))?;
    if !path.starts_with(repository_root(folder)) {
        return Err(refused("lies outside of the git repository"));
    }
    if file.canonicalize().is_ok_and(|file| file == path) {
        return Err(refused("is this file itself"));
    }
    let text = files::read_text(&path, super::FoundryConfig::FILE_BYTES_MAX)
        .map_err(|source| FoundryError::Beside { file: path.clone(), source })?;
    Ok((path, text))
}
