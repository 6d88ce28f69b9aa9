//! What an auditor read, contract by contract, and the roots over it.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{SolStruct, sol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::digest::{JcsError, Preimage, jcs_keccak, keccak_concat};
use crate::ids::{BuildDigest, CodeRoot, Fqn, PlanDigest, ReleaseRoot, ScopeRoot};

/// The EIP-712 structure of one contract in an audit's scope.
pub mod eip712 {
    use super::sol;
    sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct CodeScope {
            string fqn;
            bytes32 sourceClosure;
            bytes32 compilerProfile;
            bytes32 creationTemplate;
            bytes32 runtimeTemplate;
            bytes32 storageLayout;
            bytes32 paramPolicy;
        }
    }
}

/// One contract as an auditor reads it: source, compiler, code, layout and parameter rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CodeScope {
    /// The fully qualified name.
    pub fqn: Fqn,
    /// Every source file of the contract's closure.
    pub source_closure: B256,
    /// Compiler, version and the settings that shape code.
    pub compiler_profile: B256,
    /// Creation code with zeros for libraries and metadata, and what stands at each.
    pub creation_template: B256,
    /// Runtime code with zeros for libraries, immutables, its own address and metadata, and what
    /// stands at each.
    pub runtime_template: B256,
    /// The storage layout, ERC-7201 namespaces included.
    pub storage_layout: B256,
    /// The source of each argument, and the rule that binds it.
    pub param_policy: B256,
}

impl CodeScope {
    /// The EIP-712 `hashStruct` of this scope.
    pub fn hash_struct(&self) -> B256 {
        eip712::CodeScope {
            fqn: self.fqn.0.clone(),
            sourceClosure: self.source_closure,
            compilerProfile: self.compiler_profile,
            creationTemplate: self.creation_template,
            runtimeTemplate: self.runtime_template,
            storageLayout: self.storage_layout,
            paramPolicy: self.param_policy,
        }
        .eip712_hash_struct()
    }
}

fn sorted(scopes: &[CodeScope]) -> Vec<&CodeScope> {
    let mut sorted: Vec<_> = scopes.iter().collect();
    sorted.sort_by(|a, b| a.fqn.cmp(&b.fqn));
    sorted
}

/// The EIP-712 encoding of `CodeScope[]`, sorted by name.
pub fn scope_root(scopes: &[CodeScope]) -> ScopeRoot {
    ScopeRoot(keccak_concat(sorted(scopes).into_iter().map(CodeScope::hash_struct)))
}

/// A scope that is not the preimage of the root that names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A contract stands in it twice.
    #[error("cannot read a scope: {0} is in it twice")]
    Twice(Fqn),
    /// Its root is another.
    #[error("cannot read a scope: its contents have the root {0}")]
    Root(ScopeRoot),
}

/// The contracts of a preimage with the hash of each scope, if it is that of the root.
///
/// # Errors
/// If it is another's, or names a contract twice.
pub fn scope_hashes(
    root: ScopeRoot,
    scopes: &[CodeScope],
) -> Result<BTreeMap<Fqn, B256>, ScopeError> {
    let mut hashes = BTreeMap::new();
    for scope in scopes {
        if hashes.insert(scope.fqn.clone(), scope.hash_struct()).is_some() {
            return Err(ScopeError::Twice(scope.fqn.clone()));
        }
    }
    let found = scope_root(scopes);
    if found == root { Ok(hashes) } else { Err(ScopeError::Root(found)) }
}

/// The root over templates, layouts and parameter rules of these scopes, without sources and
/// compiler.
pub fn code_root(scopes: &[CodeScope]) -> CodeRoot {
    CodeRoot(keccak_concat(sorted(scopes).into_iter().map(|scope| {
        keccak_concat([
            scope.creation_template,
            scope.runtime_template,
            scope.storage_layout,
            scope.param_policy,
        ])
    })))
}

/// The identity of a release: the digest over its code root and plan.
pub(crate) fn release_root(code: CodeRoot, plan: PlanDigest) -> ReleaseRoot {
    ReleaseRoot(Preimage::new().string("release-root/1").digest(code.0).digest(plan.0).keccak())
}

/// The exact bytes of a build: each contract's codes with their metadata, what goes where in them,
/// and its functions.
///
/// # Errors
/// If an ABI has no canonical JSON form.
pub fn build_digest<'a>(
    contracts: impl IntoIterator<Item = &'a Artifact>,
) -> Result<BuildDigest, JcsError> {
    let mut contracts: Vec<_> = contracts.into_iter().collect();
    contracts.sort_by(|a, b| a.fqn.cmp(&b.fqn));
    let hash = |artifact: &Artifact| {
        let preimage = Preimage::new()
            .string(&artifact.fqn.0)
            .digest(keccak256(&artifact.creation.object))
            .digest(artifact.creation_template())
            .digest(keccak256(&artifact.runtime.object))
            .digest(artifact.runtime_template())
            .digest(jcs_keccak("ABI", &artifact.abi)?);
        Ok(preimage.keccak())
    };
    let hashes: Result<Vec<_>, _> = contracts.into_iter().map(hash).collect();
    Ok(BuildDigest(keccak_concat(hashes?)))
}

/// The digest of a source closure: files sorted by the bytes of their names.
pub fn source_closure<'a>(sources: impl IntoIterator<Item = (&'a str, B256)>) -> B256 {
    let mut sources: Vec<_> = sources.into_iter().collect();
    sources.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    keccak_concat(
        sources.into_iter().flat_map(|(name, content)| [keccak256(name.as_bytes()), content]),
    )
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;

    use super::*;

    /// The vector of the research note, which a reference EIP-712 library computed.
    #[test]
    fn code_scope_vector() {
        let scope = CodeScope {
            fqn: Fqn("src/Vault.sol:Vault".to_owned()),
            source_closure: B256::repeat_byte(1),
            compiler_profile: B256::repeat_byte(2),
            creation_template: B256::repeat_byte(3),
            runtime_template: B256::repeat_byte(4),
            storage_layout: B256::repeat_byte(5),
            param_policy: B256::repeat_byte(6),
        };
        assert_eq!(
            scope.hash_struct(),
            b256!("e0caf1167b75be2be6df3eac687d4a2f1238ace19a2731156bb4b9652335145d")
        );
        assert_eq!(
            scope_root(&[scope]).0,
            b256!("a490a706c665d1d460481d9e18b10fcf2cbf70449d27819de433e614880a0a92")
        );
    }
}
