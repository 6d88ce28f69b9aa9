use std::path::PathBuf;

use alloy_primitives::Address;
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::StatementDigest;
use tidegate_model::digest::JcsError;
use tidegate_model::shared::parse_hash;
use tidegate_model::statement::SignedStatement;

use crate::files::{FileError, read_limited};
use crate::layout::{Kind, Layout, list};
use crate::seen::STATEMENT_BYTES_MAX;

/// A statement as its file has it. Its digest is the file's name; its signature is **not**
/// checked: call [`SignedStatement::verify`].
#[derive(Debug, Clone, PartialEq)]
pub struct StatementFile {
    /// The digest of the content, which the file's name agrees with.
    pub digest: StatementDigest,
    /// The statement and its claimed signer.
    pub signed: SignedStatement,
    /// The same as JSON, for [`crate::Store::remember_statement`].
    pub json: Value,
}

/// A file among the statements that is none.
#[derive(Debug, thiserror::Error)]
pub enum StatementFileError {
    /// It could not be read, or is too large.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its name is not `<digest>.json`.
    #[error("cannot read a statement: the file is not named by a digest")]
    Name,
    /// It is not a statement of a known shape.
    #[error("cannot read a statement: its content is not a statement")]
    Shape(#[source] serde_json::Error),
    /// It has no digest.
    #[error(transparent)]
    Encode(#[from] JcsError),
    /// Its name is the digest of something else.
    #[error("cannot read a statement: the file is named {named} but its content is {actual}")]
    Digest {
        /// The digest in the name.
        named: StatementDigest,
        /// The digest of the content.
        actual: StatementDigest,
    },
}

/// A file of the statements' folder: its path, and the statement or why it is none.
pub type StatementRead = (PathBuf, Result<StatementFile, StatementFileError>);

/// So many files of strangers are read. What strangers say binds nobody, and looking at all of it
/// would let whoever can write git slow down every command.
pub(crate) const STRANGERS_MAX: usize = 64;

/// The files of the folder `deployments/statements`.
#[derive(Debug, Default)]
pub struct StatementFiles {
    /// What was read, sorted by name.
    pub read: Vec<StatementRead>,
    /// The number of strangers' files that were skipped.
    pub strangers: usize,
}

/// The author whom a file names. It is read before anything is checked.
#[derive(Deserialize)]
struct Claim {
    statement: ClaimedStatement,
}

#[derive(Deserialize)]
struct ClaimedStatement {
    message: ClaimedAuthor,
}

#[derive(Deserialize)]
struct ClaimedAuthor {
    #[serde(alias = "auditor", alias = "guardian")]
    signer: Address,
}

/// Reads every statement file of a project whose author is known, and 64 of others.
/// A bad file stands in the list with its error and hides no other. Folders, links and hidden files
/// are skipped. Nothing is kept of what is passed over: once its author is known, it counts.
///
/// # Errors
/// [`FileError`] if the folder cannot be listed or has too many entries; a missing folder has
/// none.
pub fn read_statements(
    layout: &Layout,
    is_known: impl Fn(Address) -> bool,
) -> Result<StatementFiles, FileError> {
    let folder = layout.statements_dir();
    let mut files = StatementFiles::default();
    let mut left = STRANGERS_MAX;
    for name in list(&folder, Kind::File)? {
        let path = folder.join(&name);
        let bytes = read_limited(&path, STATEMENT_BYTES_MAX as u64);
        let claimed = bytes.as_ref().ok().and_then(|bytes| serde_json::from_slice(bytes).ok());
        match claimed {
            Some(Claim { statement }) if !is_known(statement.message.signer) => {
                let Some(fewer) = left.checked_sub(1) else {
                    files.strangers += 1;
                    continue;
                };
                left = fewer;
            }
            _ => {}
        }
        let read = bytes.map_err(Into::into).and_then(|bytes| read_one(&bytes, &name));
        files.read.push((path, read));
    }
    Ok(files)
}

fn read_one(bytes: &[u8], name: &str) -> Result<StatementFile, StatementFileError> {
    let stem = name.strip_suffix(".json").ok_or(StatementFileError::Name)?;
    let named = StatementDigest(parse_hash(stem).ok_or(StatementFileError::Name)?);
    let signed: SignedStatement =
        serde_json::from_slice(bytes).map_err(StatementFileError::Shape)?;
    let actual = signed.statement.digest()?;
    if actual != named {
        return Err(StatementFileError::Digest { named, actual });
    }
    let json = serde_json::to_value(&signed).map_err(StatementFileError::Shape)?;
    Ok(StatementFile { digest: actual, signed, json })
}
