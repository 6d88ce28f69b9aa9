//! Keystore files of version 3 (the Web3 secret storage definition).

mod crypt;
mod error;
mod read;
mod write;

pub use error::KeystoreError;
pub(crate) use read::{KEYSTORE_BYTES_MAX, Keystore};
pub(crate) use write::encrypt;

#[cfg(test)]
pub(crate) mod test_support {
    use zeroize::Zeroizing;

    use crate::keystore::crypt::{Kdf, apply_ctr, mac};
    use crate::secret::Password;

    /// Ciphertext and MAC under chosen parameters.
    pub(crate) fn seal(
        key: &[u8; 32],
        password: &Password,
        salt: &[u8],
        iv: &[u8; 16],
        log_n: u8,
    ) -> ([u8; 32], [u8; 32]) {
        let kdf = Kdf::Scrypt { log_n, r: 8, p: 1, salt: salt.to_vec() };
        let derived = kdf.derive(password).unwrap();
        let mut ciphertext = Zeroizing::new(*key);
        apply_ctr(&derived, iv, &mut ciphertext);
        (*ciphertext, mac(&derived, &ciphertext).0)
    }
}
