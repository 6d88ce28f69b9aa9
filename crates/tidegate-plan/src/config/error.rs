//! Errors of the configuration file, with the line and the nearest known name.

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
    /// A value that has the right shape but cannot be meant.
    #[error("cannot read `{key}` in tidegate.toml: {reason}")]
    Value { key: String, reason: String },
}

fn hint_suffix(nearest: Option<&str>, message: &str) -> String {
    let needs_quotes = message.ends_with("number out of range")
        || (message.starts_with("invalid type") && message.ends_with("expected a string"));
    match nearest {
        Some(name) => format!(" (did you mean `{name}`?)"),
        None if needs_quotes => ": write the value in quotes".to_owned(),
        None => String::new(),
    }
}

impl ConfigError {
    /// The error of a key whose value cannot be used, with the reason.
    pub(crate) fn value(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Value { key: key.into(), reason: reason.into() }
    }

    pub(super) fn shape(source: toml::de::Error) -> Self {
        Self::Shape { nearest: nearest_known(source.message()), source: Box::new(source) }
    }
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
