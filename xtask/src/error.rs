//! What ends a task early.

use std::path::PathBuf;

use tidegate_testkit::TestkitError;

/// Why a task ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XtaskError {
    /// The command line names no task.
    #[error("this is no task\n\n{0}")]
    Usage(&'static str),
    /// A check did not pass.
    #[error("{0} failed")]
    Check(&'static str),
    /// A program could not be started.
    #[error("{program} could not be run")]
    Run {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file could not be read or written.
    #[error("{} could not be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Tidy has complaints; they were printed.
    #[error("{0} complaints")]
    Untidy(usize),
    /// A port that the demo's chains need is taken.
    #[error("port {port} on this machine is taken; the demo's chains need it")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A command of the demo did not do what it should.
    #[error(
        "the demo stops here\n\n{person}$ {command}\n{output}\nexit code {code}, \
         expected {expected}"
    )]
    Story {
        /// Who typed it.
        person: String,
        /// What was typed.
        command: String,
        /// Everything it wrote.
        output: String,
        /// Its exit code.
        code: i32,
        /// The one that it should have ended with.
        expected: i32,
    },
    /// Output that does not hold what the demo needs from it.
    #[error("the demo stops here: {0} is not in what the command says")]
    Missing(String),
    /// The harness failed.
    #[error("failed to {0}")]
    Testkit(#[from] TestkitError),
}

/// The result of a task.
pub(crate) type XtaskResult<T = ()> = Result<T, XtaskError>;
