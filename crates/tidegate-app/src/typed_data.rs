//! `--typed-data`: what a wallet is to sign that this program does not know.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tidegate_model::statement::{Statement, typed_data};
use tidegate_store::{to_text, write_atomic};

use crate::error::AppResult;
use crate::front::Event;
use crate::path::absolute;
use crate::project::{Project, TO_FRONT_END};

/// What a wallet is to sign.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypedDataView {
    /// Its file, as `eth_signTypedData_v4` takes it.
    pub typed_data: String,
}

/// Writes a statement as `eth_signTypedData_v4` takes it, where `--typed-data` says.
pub(crate) fn write(project: &Project, statement: &Statement) -> AppResult {
    let (typed, signer) = (typed_data(statement)?, statement.signer());
    let digest = statement.digest()?;
    let file = project.typed_data.as_deref().unwrap_or(TO_FRONT_END);
    put(project, file, &typed)?;
    let name = if file == TO_FRONT_END { "FILE" } else { file };
    project.front.note(format!("nothing is signed yet; digest {digest}"));
    project.front.note(format!(
        "sign it with the wallet of {signer} within two days, then `tidegate import {name} \
         --signature 0x…`"
    ));
    Ok(())
}

/// Writes typed data to a file, or to standard output.
pub(crate) fn put(project: &Project, file: &str, typed: &Value) -> AppResult {
    let text = to_text(typed);
    if file == TO_FRONT_END {
        project.front.tell(Event::Document(&text));
        return Ok(());
    }
    write_atomic(absolute(Path::new(file))?, text.as_bytes())?;
    project.front.line(format!("Typed data: {file}"));
    let view = TypedDataView { typed_data: file.to_owned() };
    project.front.result(&serde_json::to_value(view)?);
    Ok(())
}
