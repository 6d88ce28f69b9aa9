//! Taking signed statements from files.

use std::path::PathBuf;

use alloy_primitives::{Address, Bytes, Signature, hex};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tidegate_evidence::exports::{is_export, with_signature};
use tidegate_model::StatementDigest;
use tidegate_model::statement::{ContractSigner, SignedStatement, from_typed_data};
use tidegate_store::{read_limited, to_text, write_atomic};

use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::path::absolute;
use crate::project::Project;
use crate::statements;

/// The largest statement, in bytes.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

/// The files to import.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// Files with signed statements or typed data; absolute paths.
    pub files: Vec<PathBuf>,
    /// A wallet's signature of the typed data in the only file, in hexadecimal.
    pub signature: Option<String>,
    /// The network of the contract that the wallet is.
    pub contract: Option<String>,
}

/// The result of an import.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ImportedView {
    pub imported: Vec<StatementDigest>,
    /// The exports that are signed now, as files.
    pub files: Vec<String>,
    /// Who signed each statement, and what it says.
    #[serde(skip)]
    pub said: Vec<(Address, String)>,
}

/// An import: what was written, also where it broke off, and how it ended.
#[derive(Debug)]
pub struct Import {
    /// What was written.
    pub view: ImportedView,
    /// Why there is no more.
    pub outcome: AppResult,
}

/// Imports files. All are read and checked before the first is written. It fails if a file is no
/// statement, its signature does not hold, or it cannot be written.
pub async fn import(project: &Project, request: &ImportRequest) -> Import {
    let mut view = ImportedView::default();
    let outcome = take(project, request, &mut view).await;
    Import { view, outcome }
}

async fn take(project: &Project, request: &ImportRequest, view: &mut ImportedView) -> AppResult {
    if request.signature.is_some() && request.files.len() != 1 {
        return Err(AppError::usage("--signature goes with exactly one file"));
    }
    let (mut taken, mut exports) = (Vec::new(), Vec::new());
    for file in &request.files {
        let bytes = read_limited(absolute(file)?, STATEMENT_BYTES_MAX).or_kind(Kind::Config)?;
        let name = file.display();
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| AppError::config(format!("cannot read {name} as JSON: {error}")))?;
        let signed = match typed_data(&value, request.signature.as_deref())? {
            Some((typed, signature)) if is_export(typed) => {
                exports.push((file.with_extension("signed.json"), export(typed, signature)?));
                continue;
            }
            Some((typed, signature)) => from_wallet(project, request, typed, signature).await?,
            None => serde_json::from_value(value).map_err(|error| {
                AppError::config(format!("cannot read {name} as a signed statement: {error}"))
            })?,
        };
        statements::check(project, &signed).await?;
        taken.push(signed);
    }
    for signed in &taken {
        view.imported.push(statements::write_confirmed(project, signed).await?);
        view.said.push((signed.signer(), signed.statement.text()));
    }
    for (file, document) in &exports {
        write_atomic(file, to_text(document).as_bytes())?;
        view.files.push(file.display().to_string());
    }
    Ok(())
}

/// The typed data of a document and its signature, if it is such a document.
fn typed_data<'a>(
    value: &'a Value,
    signature: Option<&'a str>,
) -> AppResult<Option<(&'a Value, &'a str)>> {
    let (typed, beside) = match value.get("typedData") {
        Some(typed) => (typed, value["signature"].as_str()),
        None if value.get("primaryType").is_some() => (value, None),
        None => return Ok(None),
    };
    let signature = signature.or(beside).ok_or_else(|| {
        AppError::usage("typed data needs a signature, and the file has none")
            .hint("pass the wallet's signature with --signature 0x…")
    })?;
    Ok(Some((typed, signature)))
}

/// What `export` wrote, with the signature that its auditor has given it.
fn export(typed: &Value, signature: &str) -> AppResult<Value> {
    let bytes = hex::decode(signature).or_kind(Kind::Usage)?;
    let signature = Signature::from_raw(&bytes).or_kind(Kind::Usage)?;
    with_signature(typed, &signature).or_kind(Kind::Fail)
}

/// A statement that a wallet has signed as typed data.
async fn from_wallet(
    project: &Project,
    request: &ImportRequest,
    typed: &Value,
    signature: &str,
) -> AppResult<SignedStatement> {
    let statement = from_typed_data(typed).or_kind(Kind::Config)?;
    statements::require_recent(project, &statement).await?;
    let signature = hex::decode(signature)
        .map_err(|error| AppError::usage(format!("cannot read the signature: {error}")))?;
    let digest = statement.digest()?;
    let (signature, contract) = match &request.contract {
        None => (statements::from_wallet(&signature, digest)?, None),
        Some(name) => {
            let network = project.connect(name).await?;
            let block = network.finalized_head().await?.block;
            (signature, Some(ContractSigner { chain: network.id().chain, block }))
        }
    };
    let v = SignedStatement::VERSION;
    Ok(SignedStatement { v, statement, signature: Bytes::from(signature), contract })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn typed_data_comes_with_its_signature() {
        let typed = json!({ "primaryType": "Statement" });
        let both = json!({ "typedData": typed, "signature": "0x01" });
        let read = |value: &Value, given: Option<&str>| {
            let found = typed_data(value, given).map_err(|error| error.kind)?;
            Ok::<_, Kind>(found.map(|(typed, signature)| (typed.clone(), signature.to_owned())))
        };
        assert_eq!(read(&json!({ "v": 1 }), Some("0x02")), Ok(None));
        assert_eq!(read(&typed, None), Err(Kind::Usage));
        assert_eq!(read(&typed, Some("0x02")), Ok(Some((typed.clone(), "0x02".to_owned()))));
        assert_eq!(read(&both, None), Ok(Some((typed.clone(), "0x01".to_owned()))));
        assert_eq!(read(&both, Some("0x02")), Ok(Some((typed, "0x02".to_owned()))));
    }
}
