//! Why a check did not pass: words for people, and a code that stays where the words change.

use std::fmt;

use super::{ReasonCode, Verdict};

/// A reason for a verdict: a sentence for people and codes for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its kind, for programs and tests.
    pub code: ReasonCode,
    /// One sentence, for people.
    pub text: String,
    /// The kinds of other reasons that stand within the sentence, in their order.
    pub within: Vec<ReasonCode>,
}

impl Reason {
    /// A reason that stands for itself.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), within: Vec::new() }
    }

    /// A fact that could not be read; the text says what is missing.
    pub fn unreadable(text: impl Into<String>) -> Self {
        Self::new(ReasonCode::Unreadable, text)
    }

    /// Says that another reason stands within the sentence.
    #[must_use]
    pub fn within(mut self, other: &Self) -> Self {
        self.within.extend(other.codes());
        self
    }

    /// The same reason in other words around its own.
    #[must_use]
    pub fn reworded(self, words: impl FnOnce(&str) -> String) -> Self {
        Self { text: words(&self.text), ..self }
    }

    /// Its own code and those within it.
    pub fn codes(&self) -> impl Iterator<Item = ReasonCode> + '_ {
        std::iter::once(self.code).chain(self.within.iter().copied())
    }

    /// A `FAIL` for it.
    pub fn into_fail(self) -> Verdict {
        Verdict::Fail { reasons: vec![self] }
    }

    /// An `UNKNOWN` for it.
    pub fn into_unknown(self) -> Verdict {
        Verdict::Unknown { missing: vec![self] }
    }
}

/// A fact that could not be read is an error for a caller that needs it.
impl std::error::Error for Reason {}

/// The sentence.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
