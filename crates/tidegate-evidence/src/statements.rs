//! The set of statements a command sees: files in git, and what this machine has ever seen.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_model::StatementDigest;
use tidegate_model::statement::{
    AuditAttestation, AuditRevocation, General, SignedStatement, Statement,
};

/// Where a statement was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File,
    /// Only in this machine's memory: its file is missing.
    Memory,
}

/// A statement whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// What was signed, by whom.
    pub signed: SignedStatement,
    /// Where it was found.
    pub origin: Origin,
}

/// Every statement whose signature holds, by digest.
#[derive(Debug, Clone, Default)]
pub struct StatementSet {
    /// The statements.
    pub statements: BTreeMap<StatementDigest, Collected>,
    /// Files that are no valid statements, one sentence each.
    pub faults: Vec<String>,
}

/// Collects statements from files and from memory. Each is parsed and its signature checked;
/// what fails is named and counts for nothing.
pub fn collect(
    files: impl IntoIterator<Item = (String, Result<Value, String>)>,
    seen: impl IntoIterator<Item = (StatementDigest, Value)>,
) -> StatementSet {
    let mut set = StatementSet::default();
    for (name, content) in files {
        match content.and_then(verified) {
            Ok((digest, signed)) if name == file_name(digest) => {
                set.statements.insert(digest, Collected { signed, origin: Origin::File });
            }
            Ok((digest, _)) => {
                let right = file_name(digest);
                set.faults.push(format!("{name} holds the statement of {right}"));
            }
            Err(why) => set.faults.push(format!("{name}: {why}")),
        }
    }
    for (_, value) in seen {
        if let Ok((digest, signed)) = verified(value) {
            let remembered = Collected { signed, origin: Origin::Memory };
            set.statements.entry(digest).or_insert(remembered);
        }
    }
    set
}

fn file_name(digest: StatementDigest) -> String {
    format!("{digest}.json")
}

fn verified(value: Value) -> Result<(StatementDigest, SignedStatement), String> {
    let signed: SignedStatement =
        serde_json::from_value(value).map_err(|error| error.to_string())?;
    let digest = signed.verify().map_err(|error| error.to_string())?;
    Ok((digest, signed))
}

impl StatementSet {
    /// Every attestation.
    pub fn attestations(
        &self,
    ) -> impl Iterator<Item = (StatementDigest, &AuditAttestation, Origin)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::AuditAttestation(a) => Some((*digest, a, collected.origin)),
            _ => None,
        })
    }

    /// Every revocation.
    pub fn revocations(&self) -> impl Iterator<Item = (StatementDigest, &AuditRevocation)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::AuditRevocation(r) => Some((*digest, r)),
            _ => None,
        })
    }

    /// Every other statement with its signer.
    pub fn general(
        &self,
    ) -> impl Iterator<Item = (StatementDigest, &General, alloy_primitives::Address)> {
        self.statements.iter().filter_map(|(digest, collected)| match &collected.signed.statement {
            Statement::Statement(g) => Some((*digest, g, collected.signed.signer)),
            _ => None,
        })
    }

    /// Statements whose files are missing, one sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let missing = self.statements.iter().filter(|(_, c)| c.origin == Origin::Memory);
        missing
            .map(|(digest, collected)| {
                format!(
                    "deployments/statements/{digest}.json is missing here ({}); restore it",
                    collected.signed.statement.text()
                )
            })
            .collect()
    }
}
