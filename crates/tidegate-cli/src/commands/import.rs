//! `tidegate import`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tidegate_model::statement::SignedStatement;
use tidegate_store::read_limited;

use crate::error::{CliError, CliResult, Kind, OrKind};
use crate::project::Project;
use crate::statements;

/// The largest statement, in bytes.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

/// Take signed statements from files, checking each signature
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files with signed statements
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(project: &Project, args: &ImportArgs) -> CliResult<u8> {
    // All are read and checked before the first is written.
    let mut statements = Vec::new();
    for file in &args.files {
        let bytes = read_limited(file, STATEMENT_BYTES_MAX).or_kind(Kind::Config)?;
        let signed: SignedStatement = serde_json::from_slice(&bytes).map_err(|error| {
            CliError::config(format!("read {} as a signed statement: {error}", file.display()))
        })?;
        signed.verify()?;
        statements.push(signed);
    }
    let mut digests = Vec::new();
    for signed in &statements {
        let digest = statements::write(project, signed)?;
        project.ui.line(format!("{digest} by {}", signed.signer));
        project.ui.line(format!("  {}", signed.statement.text()));
        digests.push(digest);
    }
    project.ui.result(&json!({ "imported": digests }));
    Ok(0)
}
