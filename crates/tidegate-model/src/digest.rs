//! The two ways a digest is made: a concatenation of typed words, or canonical JSON.

use alloy_primitives::{Address, B256, U256, keccak256};
use serde::Serialize;

use crate::ids::{ChainId, ProjectId};

/// Builds the preimage of a concatenated digest. A string enters as its keccak256, a number as a
/// `uint256`, an address as 20 bytes and a digest as 32 bytes, so that no two preimages of one
/// shape can be confused.
#[derive(Debug, Clone, Default)]
pub struct Preimage(Vec<u8>);

impl Preimage {
    /// An empty preimage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends keccak256 of the UTF-8 text.
    #[must_use]
    pub fn string(self, text: &str) -> Self {
        self.digest(keccak256(text.as_bytes()))
    }

    /// Appends a number as `uint256`.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&U256::from(number).to_be_bytes::<32>());
        self
    }

    /// Appends the 20 bytes of an address.
    #[must_use]
    pub fn address(mut self, address: Address) -> Self {
        self.0.extend_from_slice(address.as_slice());
        self
    }

    /// Appends a 32-byte digest.
    #[must_use]
    pub fn digest(mut self, digest: B256) -> Self {
        self.0.extend_from_slice(digest.as_slice());
        self
    }

    /// The keccak256 of everything appended.
    pub fn keccak(&self) -> B256 {
        keccak256(&self.0)
    }
}

/// A value that cannot be written as canonical JSON (a map with keys that are not strings, a
/// number that is not finite).
#[derive(Debug, thiserror::Error)]
#[error("encode {what} as canonical JSON")]
pub struct JcsError {
    what: &'static str,
    #[source]
    source: serde_json::Error,
}

/// The RFC 8785 text of a value.
///
/// # Errors
/// If the value has no JSON form.
pub fn jcs<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, JcsError> {
    serde_json_canonicalizer::to_vec(value).map_err(|source| JcsError { what, source })
}

/// keccak256 of the RFC 8785 text of a value.
///
/// # Errors
/// If the value has no JSON form.
pub fn jcs_keccak<T: Serialize>(what: &'static str, value: &T) -> Result<B256, JcsError> {
    Ok(keccak256(jcs(what, value)?))
}

/// keccak256 over digests laid end to end.
pub fn keccak_concat(digests: impl IntoIterator<Item = B256>) -> B256 {
    let mut bytes = Vec::new();
    for digest in digests {
        bytes.extend_from_slice(digest.as_slice());
    }
    keccak256(bytes)
}

/// The id of a project on one target.
pub fn project_id(chain: ChainId, safe: Address, name: &str) -> ProjectId {
    ProjectId(Preimage::new().number(chain.0).address(safe).string(name).keccak())
}

/// The CREATE2 salt of one step's contracts on one network.
pub fn create2_salt(project: &str, step: &str, label: &str, deployment_id: u64) -> B256 {
    Preimage::new()
        .string("salt/1")
        .string(project)
        .string(step)
        .string(label)
        .number(deployment_id)
        .keccak()
}
