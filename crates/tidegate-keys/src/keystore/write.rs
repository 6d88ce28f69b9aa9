use alloy_primitives::hex;
use serde_json::json;
use zeroize::Zeroizing;

use crate::keystore::crypt::{Kdf, apply_ctr, mac};
use crate::keystore::error::KeystoreError;
use crate::keystore::read::Keystore;
use crate::secret::{Password, PrivateKey};

/// log₂ of scrypt's n in new keystores: geth's 2^18.
const SCRYPT_LOG_N: u8 = 18;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;

/// Makes the text of a new keystore. It is read back and opened with the derived key before it is
/// returned, since nothing else will ever hold this key.
pub(crate) fn encrypt(key: &PrivateKey, password: &Password) -> Result<String, KeystoreError> {
    let (salt, iv, id) = (random::<32>()?, random::<16>()?, random::<16>()?);
    let (log_n, r, p) = (SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P);
    let derived = Kdf::Scrypt { log_n, r, p, salt: salt.to_vec() }.derive(password)?;
    let mut ciphertext = Zeroizing::new(*key.bytes());
    apply_ctr(&derived, &iv, &mut ciphertext);
    let text = json!({
        "address": hex::encode(key.address()),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": hex::encode(iv) },
            "ciphertext": hex::encode(*ciphertext),
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32,
                "n": 1_u64 << log_n,
                "p": p,
                "r": r,
                "salt": hex::encode(salt),
            },
            "mac": hex::encode(mac(&derived, &ciphertext)),
        },
        "id": uuid(id),
        "version": 3,
    });
    let text = format!("{text:#}\n");
    let back = Keystore::parse(text.as_bytes())?.decrypt_with(&derived)?;
    if back.bytes() == key.bytes() { Ok(text) } else { Err(KeystoreError::SelfCheck) }
}

fn random<const N: usize>() -> Result<[u8; N], KeystoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(KeystoreError::Random)?;
    Ok(bytes)
}

/// A random UUID (version 4) from 16 random bytes.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_say_their_version_and_variant() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
