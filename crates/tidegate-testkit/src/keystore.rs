//! Keystores that open at once, for tests. Real ones take a second and 256 MiB, on purpose.

use aes::Aes128;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{hex, keccak256};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use serde_json::json;

/// log₂ of scrypt's n: the least that is opened, and quick.
const SCRYPT_LOG_N: u8 = 13;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;

/// The text of a version 3 keystore of `key`. Salt and nonce follow from the address, so it is the
/// same each time: **for test keys only**.
///
/// # Panics
/// Never: the parameters are constants that scrypt takes.
pub(crate) fn keystore_json(key: &PrivateKeySigner, password: &str) -> String {
    let address = key.address();
    let salt = keccak256(address);
    let iv: [u8; 16] = salt[..16].try_into().expect("a hash has more than 16 bytes");
    let params = scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P)
        .expect("the constants are parameters that scrypt takes");
    let mut derived = [0_u8; 32];
    scrypt::scrypt(password.as_bytes(), salt.as_slice(), &params, &mut derived)
        .expect("32 bytes is a length that scrypt gives");
    let mut ciphertext = key.to_bytes().0;
    let half: [u8; 16] = derived[..16].try_into().expect("half of 32 bytes is 16");
    Ctr128BE::<Aes128>::new(&half.into(), &iv.into()).apply_keystream(&mut ciphertext);
    let mac = keccak256([&derived[16..], ciphertext.as_slice()].concat());
    let text = json!({
        "address": hex::encode(address),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": hex::encode(iv)},
            "ciphertext": hex::encode(ciphertext),
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 1_u64 << SCRYPT_LOG_N, "p": SCRYPT_P, "r": SCRYPT_R,
                "salt": hex::encode(salt),
            },
            "mac": hex::encode(mac),
        },
        "id": "00000000-0000-4000-8000-000000000000",
        "version": 3,
    });
    format!("{text:#}\n")
}
