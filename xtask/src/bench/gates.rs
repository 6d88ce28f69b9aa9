//! `cargo xtask bench gates`: all gates of a release with 10,000 statements and observations.

use std::process::Command;

use tidegate_testkit::Tools;

use crate::error::{XtaskError, XtaskResult};

/// Runs the benchmark of the crate of gates, which prints its line itself.
pub(crate) fn run() -> XtaskResult {
    let tools = Tools::here()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["bench", "--quiet", "--package", "tidegate-gates", "--bench", "gates"]);
    cargo.current_dir(&tools.root);
    let failed = |source| XtaskError::Run { program: "cargo".to_owned(), source };
    match cargo.status().map_err(failed)?.success() {
        true => Ok(()),
        false => Err(XtaskError::Check("the benchmark of the gates")),
    }
}
