//! Errors of the configuration file, with the line and the nearest known name.

use tidegate_model::units::parse_date;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The text does not have the shape of a configuration. The source names line and column.
    #[error("cannot read tidegate.toml{}", hint_suffix(.nearest.as_deref(), .source.message()))]
    Shape {
        /// The known name nearest to an unknown one.
        nearest: Option<String>,
        /// What the parser says.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A date of TOML where something else is meant.
    #[error(
        "cannot read line {line} of tidegate.toml: `{date}` is a date of TOML; write text in \
         quotes{}, and a number as its digits",
        times(date)
    )]
    Date { line: usize, date: String },
    /// A value that has the right shape but cannot be meant.
    #[error("cannot read `{key}` in tidegate.toml: {reason}")]
    Value { key: String, reason: String },
}

fn hint_suffix(nearest: Option<&str>, message: &str) -> String {
    let is_whole = ["u64", "u32", "u16", "u8", "usize", "i64"].iter().any(|ty| {
        message.starts_with("invalid type") && message.ends_with(&format!("expected {ty}"))
    });
    let needs_quotes = message.ends_with("number out of range")
        || (message.starts_with("invalid type") && message.ends_with("expected a string"));
    match nearest {
        Some(name) => format!(" (did you mean `{name}`?)"),
        None if is_whole => ": write a whole number, without quotes".to_owned(),
        None if needs_quotes => ": write the value in quotes".to_owned(),
        None => String::new(),
    }
}

impl ConfigError {
    /// The error of a key whose value cannot be used, with the reason.
    pub(crate) fn value(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Value { key: key.into(), reason: reason.into() }
    }

    /// The error of a text with another shape than a configuration's.
    pub(super) fn shape(source: toml::de::Error, text: &str) -> Self {
        // The parser keeps a date as a table of its own, which nobody wrote.
        let at = source.span().filter(|_| source.message().starts_with("invalid type: map"));
        let date = at.and_then(|at| Some((at.start, text.get(at)?.trim())));
        if let Some((start, date)) = date.filter(|(_, date)| is_date(date)) {
            let line = text[..start].matches('\n').count() + 1;
            return Self::Date { line, date: date.to_owned() };
        }
        Self::Shape { nearest: nearest_known(source.message()), source: Box::new(source) }
    }
}

fn is_date(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.parse::<toml::value::Datetime>().is_ok()
}

/// A day in seconds, where one is written.
fn times(date: &str) -> String {
    parse_date(date).map_or_else(|_| String::new(), |secs| format!(", a time as {secs}"))
}

/// Takes the unknown and the expected names out of serde's message.
fn nearest_known(message: &str) -> Option<String> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    nearest(unknown, names).map(str::to_owned)
}

/// The candidate nearest to a name, if one is near enough to be a slip.
pub(crate) fn nearest<'a>(
    unknown: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .filter(|(distance, name)| *distance * 2 <= name.len().max(unknown.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
