//! What goes wrong at the command line: a kind with a documented exit code, the cause chain, and
//! hints that say what to type next.

use std::error::Error;
use std::fmt;

use tidegate_model::{Reason, ReasonCode};

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Evidence contradicts: 1.
    Fail,
    /// The command line was wrong, or an approval is missing: 2.
    Usage,
    /// `tidegate.toml`, `foundry.toml`, sources or files: 3.
    Config,
    /// A chain or endpoint: 4.
    Chain,
    /// A key or password: 5.
    Keys,
    /// Somebody else holds the lane, or something stands in the way: 6.
    Conflict,
    /// A verdict that is not PASS, with its own code.
    Verdict(u8),
    /// A dry run ends here, and nothing went wrong: 0.
    DryRun,
    /// A fault of this program: 70.
    Internal,
}

impl Kind {
    /// The exit code.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::Chain => 4,
            Self::Keys => 5,
            Self::Conflict => 6,
            Self::Verdict(code) => code,
            Self::DryRun => 0,
            Self::Internal => 70,
        }
    }
}

/// An error as the person sees it.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) kind: Kind,
    source: Box<dyn Error + Send + Sync>,
    pub(crate) hints: Vec<String>,
    /// What it is to a gate that needs what could not be read.
    code: ReasonCode,
}

impl CliError {
    pub(crate) fn new(kind: Kind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        let dry = matches!(source.downcast_ref(), Some(tidegate_store::FileError::DryRun(_)));
        let reason = source.downcast_ref::<Reason>();
        let code = reason.map_or(ReasonCode::Unreadable, |reason| reason.code);
        let kind = if dry { Kind::DryRun } else { kind };
        Self { kind, source, hints: Vec::new(), code }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Kind::Usage, text.into())
    }

    pub(crate) fn config(text: impl Into<String>) -> Self {
        Self::new(Kind::Config, text.into())
    }

    /// What a dry run would do next, which is where it ends.
    pub(crate) fn dry_run(next: impl Into<String>) -> Self {
        Self::new(Kind::DryRun, next.into())
    }

    /// Says what it is to a gate.
    #[must_use]
    pub(crate) fn coded(mut self, code: ReasonCode) -> Self {
        self.code = code;
        self
    }

    /// The reason that a gate gives where this kept a fact from it.
    pub(crate) fn reason(&self) -> Reason {
        match self.source.downcast_ref::<Reason>() {
            Some(reason) => reason.clone(),
            None => Reason::new(self.code, self.to_string()),
        }
    }

    /// Adds a line that says what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The error and its causes, outermost first. A cause that its wrapper already shows is not
    /// repeated.
    pub(crate) fn chain(&self) -> Vec<String> {
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
impl From<Reason> for CliError {
    fn from(reason: Reason) -> Self {
        Self::new(Kind::Config, reason)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain().join(": "))
    }
}

/// The result of a command.
pub(crate) type CliResult<T = ()> = Result<T, CliError>;

/// Gives an error of a library its kind.
pub(crate) trait OrKind<T> {
    fn or_kind(self, kind: Kind) -> CliResult<T>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrKind<T> for Result<T, E> {
    fn or_kind(self, kind: Kind) -> CliResult<T> {
        self.map_err(|error| CliError::new(kind, error))
    }
}

macro_rules! kinds {
    ($($error:ty => $kind:expr;)*) => {$(
        impl From<$error> for CliError {
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
