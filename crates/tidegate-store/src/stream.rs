//! Streams of the journal: their names, and how often each was leased.

use std::fmt;

use crate::error::StoreError;

/// The longest stream name and holder text, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 128;

/// The name of a stream, for example `lane/11155111/0xabc…`: letters, digits and `/:._@-`, at
/// most 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(String);

impl StreamName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`StoreError::Name`] if it is empty, too long or has other characters.
    pub fn new(text: &str) -> Result<Self, StoreError> {
        check_name("a stream", text, NAME_BYTES_MAX)?;
        Ok(Self(text.to_owned()))
    }

    /// The stream's name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a lease within its stream, from 1. An append under an older one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Refuses a text that is empty, too long or has other characters than names have.
pub(crate) fn check_name(
    what: &'static str,
    text: &str,
    bytes_max: usize,
) -> Result<(), StoreError> {
    if !text.is_empty() && text.len() <= bytes_max && text.chars().all(is_name_char) {
        return Ok(());
    }
    let text = text.chars().take(bytes_max).collect();
    Err(StoreError::Name { what, text, max: bytes_max, charset: "letters, digits and /:._@-" })
}

pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/:._@-".contains(c)
}
