//! Files that were written for others, and keys.

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::ReasonCode;
use tidegate_model::release::Roots;

use crate::error::{Again, AppError, Hint, Kind};
use crate::text::digits;

/// A bundle.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BundleView {
    pub file: PathBuf,
    /// The digest of its content, as its first line has it.
    pub digest: String,
    /// The release's digests.
    pub roots: Roots,
    /// How many statements it holds.
    pub statements: usize,
    /// The files it holds, by their names in a project.
    pub files: Vec<String>,
}

/// Audits in the form of other programs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuditFilesView {
    /// The files that were written.
    pub files: Vec<String>,
}

/// What somebody is asked to approve, where nobody can be asked: the same command with `--approve`
/// signs or sends exactly this. The fields of what is approved stand beside these.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AskedView {
    /// The digest of everything that is about to happen.
    pub approve: B256,
    /// The network's name.
    pub network: String,
    /// The command that approves it.
    pub command: String,
    /// All that was said about it, line by line.
    pub sheet: Vec<String>,
    /// Warnings that must not be overlooked.
    pub attentions: Vec<String>,
    /// How the command ended: nobody approved it, something else was approved, or it was a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<ErrorView>,
}

/// Why there is no result: what failed, or what a dry run would do next.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ErrorView {
    /// The kind.
    pub kind: Kind,
    /// The exit code.
    pub exit: u8,
    /// What failed, or what would be done next.
    pub error: String,
    /// Its causes, outermost first.
    pub causes: Vec<String>,
    /// What it is to a gate: a code of `docs/reasons.md`; absent where no gate needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ReasonCode>,
    /// What to do next, one sentence or command each.
    pub hints: Vec<String>,
}

impl ErrorView {
    /// An error with its exit code; `command` gives the command that a hint repeats.
    pub fn of(error: &AppError, exit: u8, command: impl Fn(&Again) -> String) -> Self {
        let mut causes = error.chain();
        let first = causes.remove(0);
        let code = Some(error.reason().code).filter(|code| *code != ReasonCode::Unreadable);
        let hints = error.hints.iter().map(|hint| match hint {
            Hint::Text(text) => text.clone(),
            Hint::Again(again) => command(again),
        });
        Self { kind: error.kind, exit, error: first, causes, code, hints: hints.collect() }
    }
}

/// A key that was made or taken in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KeyView {
    /// Its name.
    pub name: String,
    // With its checksum, as people compare it.
    #[serde(serialize_with = "digits")]
    pub address: Address,
}

/// The keys of whoever runs this.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KeysView {
    /// All variants.
    pub keys: Vec<ListedKeyView>,
}

/// A key in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedKeyView {
    /// Its name, as `--as` takes it.
    pub name: String,
    /// Its address, or in words why that is not known.
    pub address: String,
    /// Whether others on this machine may read or write its file: then it does not sign.
    pub readable_by_others: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_key_has_its_checksum() {
        let address = "0xAbCdEf0123456789aBcDeF0123456789abcDEf01";
        let address: Address = address.to_lowercase().parse().unwrap();
        let view = KeyView { name: "ada".to_owned(), address };
        let shown = serde_json::to_value(view).unwrap();
        assert_eq!(shown["address"], address.to_checksum(None));
    }
}
