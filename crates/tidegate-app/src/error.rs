//! Errors of use cases: the kind, the causes, and what to do next.

use std::error::Error;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::{Reason, ReasonCode};

/// The kind of an error, for a caller that decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Evidence contradicts.
    Fail,
    /// Only chain time is missing.
    Waiting,
    /// Evidence is missing.
    Unknown,
    /// The request was wrong, or an approval is missing.
    Usage,
    /// `tidegate.toml`, `foundry.toml`, sources or files.
    Config,
    /// A chain or endpoint.
    Chain,
    /// A key or password.
    Keys,
    /// Somebody else holds the lane, or something stands in the way.
    Conflict,
    /// A dry run ends here, and nothing went wrong.
    DryRun,
    /// A fault of this program.
    Internal,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A sentence.
    Text(String),
    /// Make the same request again, with these options.
    Again(Again),
}

/// Options of a request, each with its value.
pub type Options = Vec<(&'static str, String)>;

/// The same request with these options. Each replaces the one of its name that the first request
/// has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The options.
    pub options: Options,
}

/// An error as the person sees it.
#[derive(Debug)]
pub struct AppError {
    pub kind: Kind,
    source: Box<dyn Error + Send + Sync>,
    pub hints: Vec<Hint>,
    /// The reason code that a gate gives if it needs what could not be read.
    code: ReasonCode,
}

impl AppError {
    /// An error of a library or a sentence, without hints. A write that a dry run stopped is
    /// [`Kind::DryRun`], whatever `kind` says.
    pub fn new(kind: Kind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        let dry = matches!(source.downcast_ref(), Some(tidegate_store::FileError::DryRun(_)));
        let reason = source.downcast_ref::<Reason>();
        let code = reason.map_or(ReasonCode::Unreadable, |reason| reason.code);
        let kind = if dry { Kind::DryRun } else { kind };
        Self { kind, source, hints: Vec::new(), code }
    }

    /// The error of a request that cannot be meant as it is.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Kind::Usage, text.into())
    }

    /// The error of files or settings that cannot be used as they are.
    pub fn config(text: impl Into<String>) -> Self {
        Self::new(Kind::Config, text.into())
    }

    /// Ends a dry run: says what would be done next.
    pub fn dry_run(next: impl Into<String>) -> Self {
        Self::new(Kind::DryRun, next.into())
    }

    /// Says what it is to a gate.
    #[must_use]
    pub(crate) fn coded(mut self, code: ReasonCode) -> Self {
        self.code = code;
        self
    }

    /// The reason that a gate gives where this kept a fact from it.
    pub fn reason(&self) -> Reason {
        match self.source.downcast_ref::<Reason>() {
            Some(reason) => reason.clone(),
            None => Reason::new(self.code, self.to_string()),
        }
    }

    /// Of several errors the first; what else went wrong, and what helps there, is said beside it.
    ///
    /// # Errors
    /// If there is one.
    pub(crate) fn first(errors: impl IntoIterator<Item = Self>) -> AppResult {
        let mut errors = errors.into_iter();
        let Some(first) = errors.next() else { return Ok(()) };
        Err(errors.fold(first, |first, error| {
            let mut first = first.hint(format!("also: {error}"));
            for hint in error.hints {
                if !first.hints.contains(&hint) {
                    first.hints.push(hint);
                }
            }
            first
        }))
    }

    /// The error of a library or use case that this is about, where it is of that type.
    #[cfg(test)]
    pub(crate) fn cause<T: Error + 'static>(&self) -> Option<&T> {
        self.source.downcast_ref()
    }

    /// Adds a line that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(Hint::Text(hint.into()));
        self
    }

    /// Adds the request that would go through.
    #[must_use]
    pub(crate) fn again(mut self, again: Again) -> Self {
        self.hints.push(Hint::Again(again));
        self
    }

    /// The error and its causes, outermost first. A cause that its wrapper already shows is not
    /// repeated.
    pub fn chain(&self) -> Vec<String> {
        let mut lines = vec![self.source.to_string()];
        let mut cause = self.source.source();
        while let Some(error) = cause {
            let line = error.to_string();
            if !lines.last().is_some_and(|last| last.contains(&line)) {
                lines.push(line);
            }
            cause = error.source();
        }
        lines
    }
}

/// A fact without which a command cannot go on.
impl From<Reason> for AppError {
    fn from(reason: Reason) -> Self {
        Self::new(Kind::Config, reason)
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain().join(": "))
    }
}

/// The result of a command.
pub type AppResult<T = ()> = Result<T, AppError>;

/// Gives an error of a library its kind.
pub trait OrKind<T> {
    fn or_kind(self, kind: Kind) -> AppResult<T>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrKind<T> for Result<T, E> {
    fn or_kind(self, kind: Kind) -> AppResult<T> {
        self.map_err(|error| AppError::new(kind, error))
    }
}

macro_rules! kinds {
    ($($error:ty => $kind:expr;)*) => {$(
        impl From<$error> for AppError {
            fn from(error: $error) -> Self {
                Self::new($kind, error)
            }
        }
    )*};
}

kinds! {
    tidegate_model::digest::JcsError => Kind::Config;
    tidegate_model::lookup::LookupError => Kind::Usage;
    tidegate_model::statement::StatementError => Kind::Config;
    tidegate_plan::ElaborateError => Kind::Config;
    tidegate_plan::ResolveError => Kind::Config;
    tidegate_plan::config::ConfigError => Kind::Config;
    tidegate_gates::PolicyError => Kind::Config;
    serde_json::Error => Kind::Internal;
}
