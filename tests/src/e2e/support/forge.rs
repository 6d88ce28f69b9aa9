//! Statements that people sign without Tidegate, whatever they say.

use std::path::PathBuf;

use alloy::signers::SignerSync;
use alloy_primitives::{Address, B256, keccak256};
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_model::scope::{CodeScope, scope_root};
use tidegate_model::statement::{AuditAttestation, Body, General, SignedStatement, Statement};
use tidegate_model::{ProjectId, ScopeRoot, StatementDigest};
use tidegate_testkit::{actor, actor_address};

use super::Scene;

/// Somebody's own tools.
pub(crate) struct Forge<'a>(pub(crate) &'a Scene<'a>);

impl Forge<'_> {
    /// The file of somebody's newest attestation.
    pub(crate) fn file_of(&self, auditor: &str) -> Result<PathBuf, Failed> {
        let address = actor_address(auditor).to_string().to_lowercase();
        for entry in std::fs::read_dir(self.0.project().join("deployments/statements"))? {
            let path = entry?.path();
            let statement: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
            if statement["signer"] == address.as_str() {
                return Ok(path);
            }
        }
        Err(format!("no attestation by {auditor}").into())
    }

    /// Somebody's attestation.
    pub(crate) fn signed(&self, auditor: &str) -> Result<SignedStatement, Failed> {
        Ok(serde_json::from_slice(&std::fs::read(self.file_of(auditor)?)?)?)
    }

    /// The attestation of the first auditor, as another would have written it.
    pub(crate) fn like_ada(
        &self,
        auditor: Address,
        edit: impl FnOnce(&mut AuditAttestation),
    ) -> Result<Statement, Failed> {
        let Statement::AuditAttestation(mut attestation) = self.signed("ada")?.statement else {
            return Err("no attestation".into());
        };
        attestation.auditor = auditor;
        edit(&mut attestation);
        Ok(Statement::AuditAttestation(attestation))
    }

    /// An attestation by a key, in its file.
    pub(crate) fn attest(
        &self,
        auditor: &str,
        edit: impl FnOnce(&mut AuditAttestation),
    ) -> Result<StatementDigest, Failed> {
        let statement = self.like_ada(actor_address(auditor), edit)?;
        self.write(&by_key(auditor, statement)?)
    }

    /// A statement of the general form, in its file.
    pub(crate) fn say(
        &self,
        who: &str,
        subject: B256,
        body: Body,
        [issued_at, expires_at]: [u64; 2],
    ) -> Result<StatementDigest, Failed> {
        let project = self.project_id()?;
        let salt = keccak256(who);
        let general = General { project, subject, body, issued_at, expires_at, salt };
        self.write(&by_key(who, Statement::Statement(general))?)
    }

    /// The project's id, from a statement that is there.
    fn project_id(&self) -> Result<ProjectId, Failed> {
        match self.signed("deployer")?.statement {
            Statement::Statement(general) => Ok(general.project),
            _ => Err("the deployer has asked for no funds".into()),
        }
    }

    /// Writes a statement's file.
    pub(crate) fn write(&self, signed: &SignedStatement) -> Result<StatementDigest, Failed> {
        let digest = signed.statement.digest()?;
        let path = format!("deployments/statements/{digest}.json");
        self.0.write(&path, &serde_json::to_string_pretty(signed)?)?;
        Ok(digest)
    }

    /// The contracts of the scope that the first auditor attested.
    pub(crate) fn scope(&self) -> Result<Vec<CodeScope>, Failed> {
        let Statement::AuditAttestation(attestation) = self.signed("ada")?.statement else {
            return Err("no attestation".into());
        };
        let file = format!("deployments/scopes/{}.json", attestation.scope_root);
        Ok(serde_json::from_str(&self.0.read(&file)?)?)
    }

    /// Writes the preimage of a scope; its root and how many contracts it has.
    pub(crate) fn keep_scope(&self, scopes: &[CodeScope]) -> Result<(ScopeRoot, u16), Failed> {
        let root = scope_root(scopes);
        let text = serde_json::to_string_pretty(scopes)?;
        self.0.write(&format!("deployments/scopes/{root}.json"), &text)?;
        Ok((root, u16::try_from(scopes.len())?))
    }
}

/// A statement with the signature of somebody's key.
pub(crate) fn by_key(who: &str, statement: Statement) -> Result<SignedStatement, Failed> {
    let key = actor(who);
    let signature = key.sign_hash_sync(&statement.digest()?.0)?;
    Ok(SignedStatement::by_key(statement, key.address(), signature))
}
