use std::fmt;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, hex};
use zeroize::{Zeroize, Zeroizing};

use crate::keystore::KeystoreError;

/// The longest password, in bytes.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1024;
/// The most draws of a random number that is no key, before the source of randomness is to blame;
/// one miss has a chance of 2^-128.
const DRAWS_MAX: usize = 4;

/// A password. It is wiped when dropped and never printed.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password as it was entered, without the line's end. It may be empty, since some
    /// of Foundry's keystores have that; a new key's may not.
    ///
    /// # Errors
    /// [`PasswordError::TooLong`].
    pub fn new(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        match text.len() <= PASSWORD_BYTES_MAX {
            true => Ok(Self(text)),
            false => Err(PasswordError::TooLong { bytes_max: PASSWORD_BYTES_MAX }),
        }
    }

    /// The text itself, for a [`crate::PasswordVault`] to keep. Do not print or copy it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn same_as(&self, other: &Self) -> bool {
        equal(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A password or private key text that is refused. The text itself is in no error.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// New keys need one.
    #[error("the password of a new key must not be empty")]
    Empty,
    /// It is too long.
    #[error("a password has at most {bytes_max} bytes")]
    TooLong { bytes_max: usize },
    /// It is not UTF-8.
    #[error("a password must be UTF-8")]
    NotText,
    /// The input ended before a line began.
    #[error("cannot read a password: the input has ended")]
    Ended,
    /// Two entries of a new password differ.
    #[error("the two entries of the new password differ")]
    Differ,
    /// The descriptor could not be opened or read.
    #[error("cannot read a password from file descriptor {fd}")]
    Descriptor {
        fd: u32,
        #[source]
        source: std::io::Error,
    },
    /// The input or the terminal failed.
    #[error("cannot read a password")]
    Input(#[source] std::io::Error),
}

/// A secp256k1 private key on its way into a keystore. It is wiped when dropped, never printed,
/// and no function shows its bytes.
pub struct PrivateKey(Zeroizing<[u8; 32]>);

impl PrivateKey {
    /// Parses 64 hexadecimal digits, with or without `0x`. The text stays the caller's to wipe;
    /// it must not come from an argument.
    ///
    /// # Errors
    /// [`KeystoreError::NotAKey`], without the text.
    pub fn parse(text: &str) -> Result<Self, KeystoreError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, bytes.as_mut_slice()).map_err(|_| KeystoreError::NotAKey)?;
        Self::from_bytes(bytes)
    }

    /// Draws a new key from the system's randomness.
    ///
    /// # Errors
    /// [`KeystoreError::Random`] if the system gives none.
    pub(crate) fn random() -> Result<Self, KeystoreError> {
        for _ in 0..DRAWS_MAX {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut_slice()).map_err(KeystoreError::Random)?;
            if let Ok(key) = Self::from_bytes(bytes) {
                return Ok(key);
            }
        }
        Err(KeystoreError::NotAKey)
    }

    /// The address of the key.
    pub fn address(&self) -> Address {
        self.signer().address()
    }

    pub(crate) fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Result<Self, KeystoreError> {
        match PrivateKeySigner::from_slice(bytes.as_slice()) {
            Ok(_) => Ok(Self(bytes)),
            Err(_) => Err(KeystoreError::NotAKey),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn signer(&self) -> PrivateKeySigner {
        PrivateKeySigner::from_slice(self.0.as_slice()).expect("the constructor checked the key")
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// Compares without saying by its time where the difference is.
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut difference = u8::from(a.len() != b.len());
    for (a, b) in a.iter().zip(b) {
        difference |= a ^ b;
    }
    difference == 0
}

/// Turns bytes into text, and wipes them if they are none.
pub(crate) fn text_of(bytes: Vec<u8>) -> Result<String, PasswordError> {
    String::from_utf8(bytes).map_err(|error| {
        error.into_bytes().zeroize();
        PasswordError::NotText
    })
}
