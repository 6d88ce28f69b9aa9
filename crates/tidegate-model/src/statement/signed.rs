//! A statement with its signature.

use alloy_primitives::{Address, Signature};
use serde::{Deserialize, Serialize};

use super::Statement;
use crate::digest::JcsError;
use crate::ids::StatementDigest;

/// A statement with its signature, as it lies in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// The format version.
    pub v: u32,
    /// What was signed.
    pub statement: Statement,
    /// Who signed; checked against the signature.
    pub signer: Address,
    /// `r ‖ s ‖ v`, 65 bytes, with `v` 27 or 28.
    #[serde(with = "signature_bytes")]
    pub signature: Signature,
}

/// A statement whose signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// A version that this program does not know.
    #[error("statement format version {0} is not supported")]
    Version(u32),
    /// Its sentence has control characters, so that a wallet might show something else.
    #[error("statement {0} has control characters in its text")]
    Text(StatementDigest),
    /// The signature is by another key than it says.
    #[error("statement {digest} names signer {named} but its signature does not recover to it")]
    Signer {
        /// The statement.
        digest: StatementDigest,
        /// The signer it names.
        named: Address,
    },
    /// An audit statement in which `auditor` is not the signer.
    #[error("statement {digest} speaks for auditor {auditor} but {signer} signed it")]
    Auditor {
        /// The statement.
        digest: StatementDigest,
        /// The auditor it names.
        auditor: Address,
        /// The signer.
        signer: Address,
    },
    /// No canonical form.
    #[error(transparent)]
    Encode(#[from] JcsError),
}

impl SignedStatement {
    /// The current format version.
    pub const VERSION: u32 = 1;

    /// Checks the signature and returns the digest.
    ///
    /// # Errors
    /// If the signature is not by the named signer, or an audit statement names another auditor.
    pub fn verify(&self) -> Result<StatementDigest, StatementError> {
        if self.v != Self::VERSION {
            return Err(StatementError::Version(self.v));
        }
        let digest = self.statement.digest()?;
        if self.statement.text().chars().any(char::is_control) {
            return Err(StatementError::Text(digest));
        }
        let recovered = self.signature.recover_address_from_prehash(&digest.0).ok();
        // A signature with high s recovers too; it is refused so that one statement has one form.
        if recovered != Some(self.signer) || self.signature.normalize_s().is_some() {
            return Err(StatementError::Signer { digest, named: self.signer });
        }
        let auditor = match &self.statement {
            Statement::AuditAttestation(a) => a.auditor,
            Statement::AuditRevocation(r) => r.auditor,
            Statement::Statement(_) => self.signer,
        };
        if auditor == self.signer {
            Ok(digest)
        } else {
            Err(StatementError::Auditor { digest, auditor, signer: self.signer })
        }
    }
}

/// A signature as 65 bytes of `0x` text; one signature has one text.
mod signature_bytes {
    use alloy_primitives::{Bytes, Signature};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        signature: &Signature,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Bytes::from(signature.as_bytes()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Signature, D::Error> {
        let bytes = Bytes::deserialize(deserializer)?;
        let signature = Signature::from_raw(&bytes).map_err(de::Error::custom)?;
        if signature.as_bytes()[..] == bytes[..] {
            Ok(signature)
        } else {
            Err(de::Error::custom("a signature is 65 bytes that end with 27 or 28"))
        }
    }
}
