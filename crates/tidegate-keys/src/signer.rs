use std::fmt;

use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Signature};
use tidegate_model::ports::{DigestSigner, SignError};

use crate::name::KeyRef;
use crate::secret::PrivateKey;

/// An opened key. It is wiped when dropped.
pub struct KeySigner {
    key: KeyRef,
    signer: PrivateKeySigner,
}

impl KeySigner {
    pub(crate) fn new(key: KeyRef, private: &PrivateKey) -> Self {
        Self { key, signer: private.signer() }
    }

    /// The name under which it was opened.
    pub const fn key(&self) -> &KeyRef {
        &self.key
    }
}

impl DigestSigner for KeySigner {
    fn address(&self) -> Address {
        self.signer.address()
    }

    fn sign_digest(&self, digest: &B256) -> Result<Signature, SignError> {
        let address = self.address();
        self.signer
            .sign_hash_sync(digest)
            .map_err(SignFault::Refused)
            .and_then(|signature| checked(signature, digest, address))
            .map_err(|fault| SignError { address, source: Box::new(fault) })
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.signer.address();
        f.debug_struct("KeySigner").field("key", &self.key).field("address", &address).finish()
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SignFault {
    #[error("cannot make the signature")]
    Refused(#[source] alloy::signers::Error),
    #[error("cannot check the signature: it does not recover to the key's address")]
    OtherSigner,
    #[error("cannot check the signature: its s is in the upper half")]
    HighS,
}

/// No signature leaves unless it recovers to the address and has the one form that contracts and
/// statements take. For software keys this is an assertion; devices will need it.
pub(crate) fn checked(
    signature: Signature,
    digest: &B256,
    address: Address,
) -> Result<Signature, SignFault> {
    if signature.normalize_s().is_some() {
        return Err(SignFault::HighS);
    }
    match signature.recover_address_from_prehash(digest) {
        Ok(recovered) if recovered == address => Ok(signature),
        _ => Err(SignFault::OtherSigner),
    }
}
