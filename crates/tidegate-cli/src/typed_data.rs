//! `--typed-data`: what a wallet is to sign that this program does not know.

use serde_json::{Value, json};
use tidegate_model::statement::{Statement, typed_data};
use tidegate_store::{to_text, write_atomic};

use crate::error::{CliResult, Kind, OrKind};
use crate::project::Project;

/// What `--typed-data` takes for standard output.
pub(crate) const STDOUT: &str = "-";

/// Writes a statement as `eth_signTypedData_v4` takes it, where `--typed-data` says.
pub(crate) fn write(project: &Project, statement: &Statement) -> CliResult {
    let (typed, signer) = (typed_data(statement)?, statement.signer());
    let digest = statement.digest()?;
    let file = project.global.typed_data.as_deref().unwrap_or(STDOUT);
    put(project, file, &typed)?;
    let name = if file == STDOUT { "FILE" } else { file };
    project.ui.note(format!("nothing is signed yet; digest {digest}"));
    project.ui.note(format!(
        "sign it with the wallet of {signer} within two days, then `tidegate import {name} \
         --signature 0x…`"
    ));
    Ok(())
}

/// Writes typed data to a file, or to standard output.
pub(crate) fn put(project: &Project, file: &str, typed: &Value) -> CliResult {
    let text = to_text(typed);
    if file == STDOUT {
        project.ui.raw(&text);
        return Ok(());
    }
    write_atomic(&std::path::absolute(file).or_kind(Kind::Config)?, text.as_bytes())?;
    project.ui.line(format!("Typed data: {file}"));
    project.ui.result(&json!({"typedData": file}));
    Ok(())
}
