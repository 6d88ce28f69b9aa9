//! What this program says.

use crate::error::XtaskError;

/// Writes a line to standard output.
#[expect(clippy::print_stdout, reason = "the one place from which this program speaks")]
pub(crate) fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}

/// Writes an error with its causes to standard error.
#[expect(clippy::print_stderr, reason = "the one place from which this program complains")]
pub(crate) fn fail(error: &XtaskError) {
    use std::error::Error;
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  cause: {error}");
        cause = error.source();
    }
}
