use std::path::{Path, PathBuf};

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
    #[error("read a statement: the file is not named by a digest")]
    Name,
    /// It is not a statement of a known shape.
    #[error("read a statement: its content has another shape")]
    Shape(#[source] serde_json::Error),
    /// It has no digest.
    #[error(transparent)]
    Encode(#[from] JcsError),
    /// Its name is the digest of something else.
    #[error("read a statement: the file is named {named} but its content is {actual}")]
    Digest {
        /// The digest in the name.
        named: StatementDigest,
        /// The digest of the content.
        actual: StatementDigest,
    },
}

/// A file of the statements' folder: its path, and the statement or why it is none.
pub type StatementRead = (PathBuf, Result<StatementFile, StatementFileError>);

/// Reads every statement file of a project, sorted by name. A bad file stands in the list with
/// its error and hides no other. Folders, links and hidden files are skipped.
///
/// # Errors
/// [`FileError`] if the folder cannot be listed or has too many entries; a missing folder has
/// none.
pub fn read_statements(layout: &Layout) -> Result<Vec<StatementRead>, FileError> {
    let folder = layout.statements_dir();
    let names = list(&folder, Kind::File)?;
    let read = |name: &String| (folder.join(name), read_one(&folder.join(name), name));
    Ok(names.iter().map(read).collect())
}

fn read_one(path: &Path, name: &str) -> Result<StatementFile, StatementFileError> {
    let stem = name.strip_suffix(".json").ok_or(StatementFileError::Name)?;
    let named = StatementDigest(parse_hash(stem).ok_or(StatementFileError::Name)?);
    let bytes = read_limited(path, STATEMENT_BYTES_MAX as u64)?;
    let signed: SignedStatement =
        serde_json::from_slice(&bytes).map_err(StatementFileError::Shape)?;
    let actual = signed.statement.digest()?;
    if actual != named {
        return Err(StatementFileError::Digest { named, actual });
    }
    let json = serde_json::to_value(&signed).map_err(StatementFileError::Shape)?;
    Ok(StatementFile { digest: actual, signed, json })
}
