//! What a keystore does to a key, put together from the algorithms' own crates.
//!
//! No library of keystores does it. eth-keystore 0.5.0, which alloy-signer-local 2.5.0 has under
//! its feature `keystore`, reads a path once more after our checks, however long the file is. It
//! leaves the derived key and the private key in memory, compares the MAC in a time that depends
//! on it, writes scrypt with n = 2^13 alone (ours is 2^18), and opens neither `Crypto` nor `0x`, as
//! ethers and others write them. It also brings older AES, CTR, PBKDF2 and scrypt beside ours.

use aes::Aes128;
use alloy_primitives::{B256, Keccak256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::keystore::error::KeystoreError;
use crate::secret::Password;

/// A key derivation function with parameters within their bounds.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kdf {
    Scrypt { log_n: u8, r: u32, p: u32, salt: Vec<u8> },
    Pbkdf2 { iterations: u32, salt: Vec<u8> },
}

impl Kdf {
    /// Stretches the password into the encryption key (first half) and the MAC key (second half).
    pub(crate) fn derive(&self, password: &Password) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        let password = password.expose().as_bytes();
        let mut derived = Zeroizing::new([0; 32]);
        match self {
            Self::Scrypt { log_n, r, p, salt } => {
                let rule = "parameters that scrypt takes";
                let refused = KeystoreError::Field { field: "kdfparams", rule };
                let Ok(params) = scrypt::Params::new(*log_n, *r, *p) else { return Err(refused) };
                scrypt::scrypt(password, salt, &params, derived.as_mut_slice())
                    .map_err(|_| refused)?;
            }
            Self::Pbkdf2 { iterations, salt } => {
                let out = derived.as_mut_slice();
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *iterations, out);
            }
        }
        Ok(derived)
    }
}

/// Encrypts or decrypts in place, which is the same.
pub(crate) fn apply_ctr(derived: &[u8; 32], iv: &[u8; 16], bytes: &mut [u8; 32]) {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&derived[..16]);
    Ctr128BE::<Aes128>::new((&*key).into(), iv.into()).apply_keystream(bytes);
}

pub(crate) fn mac(derived: &[u8; 32], ciphertext: &[u8; 32]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(&derived[16..]);
    hasher.update(ciphertext);
    hasher.finalize()
}
