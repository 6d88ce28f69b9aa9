//! Statements that people sign without Tidegate, whatever they say.

use std::path::PathBuf;

use alloy::signers::SignerSync;
use alloy_primitives::{Address, U64};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::scope::{CodeScope, scope_root};
use tidegate_model::statement::{
    AuditAttestation, Body, Date, General, NEVER, ProjectRef, SignedStatement, Statement,
};
use tidegate_model::{BlockRef, ChainId, Head, ScopeRoot, StatementDigest};
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
            if statement["statement"]["message"]["auditor"] == address.as_str() {
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

    /// A statement of the general form that is dated by the block of this time, in its file.
    pub(crate) fn say(
        &self,
        who: &str,
        body: Body,
        [time, expires_at]: [u64; 2],
    ) -> Result<StatementDigest, Failed> {
        let general = General { expires_at, ..self.general(who, body, time)? };
        self.write(&by_key(who, Statement::Statement(general))?)
    }

    /// The same, unsigned, without an end of its own.
    pub(crate) fn general(&self, who: &str, body: Body, time: u64) -> Result<General, Failed> {
        let Date { at, time } = self.date(time)?;
        let own = ProjectRef { name: "vault".to_owned(), safe: self.0.world.safe };
        let project = Some(own).filter(|_| !matches!(body, Body::AuditRevoke(_)));
        let expires_at = body.ends_at(time).unwrap_or(NEVER);
        let signer = actor_address(who);
        Ok(General { signer, project, body, at, issued_at: time, expires_at })
    }

    /// The last finalized block of mainnet at a time, or before it.
    pub(crate) fn date(&self, time: u64) -> Result<Date, Failed> {
        let mainnet = &self.0.world.mainnet;
        let mut found = mainnet.finalized()?;
        let mut low = 0;
        while found.timestamp > time && low < found.block.number {
            let middle = low + (found.block.number - low) / 2;
            let block = mainnet.rpc("eth_getBlockByNumber", json!([U64::from(middle), false]))?;
            let number = |name: &str| serde_json::from_value::<U64>(block[name].clone());
            let block_ref =
                BlockRef { number: middle, hash: serde_json::from_value(block["hash"].clone())? };
            let head = Head { block: block_ref, timestamp: number("timestamp")?.to() };
            let next =
                mainnet.rpc("eth_getBlockByNumber", json!([U64::from(middle + 1), false]))?;
            let after: U64 = serde_json::from_value(next["timestamp"].clone())?;
            if head.timestamp > time || after.to::<u64>() > time {
                found = head;
            } else {
                low = middle + 1;
            }
        }
        Ok(Date::of(ChainId(mainnet.chain_id()), found))
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
    Ok(SignedStatement::by_key(statement, signature))
}
