use std::fmt;

use alloy_primitives::{Address, hex};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::keystore::crypt::{Kdf, apply_ctr, mac};
use crate::keystore::error::KeystoreError;
use crate::other::OtherSecret;
use crate::secret::{Password, PrivateKey, equal};

/// The largest keystore file, in bytes. Ordinary ones have about 500.
pub(crate) const KEYSTORE_BYTES_MAX: usize = 16 << 10;
/// The most memory that scrypt may take, in bytes: `128 · n · r`. Geth's parameters take 256 MiB.
const SCRYPT_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// The most work that scrypt may do: `n · r · p`. Geth's parameters are 2^21, under a second.
const SCRYPT_WORK_MAX: u64 = 1 << 23;
/// The most iterations of PBKDF2. Geth's parameter is 2^18.
const PBKDF2_ITERATIONS_MAX: u64 = 1 << 23;
/// The least work of scrypt that keeps a key: `n · r · p` as Foundry writes it (2^13 · 8).
const SCRYPT_WORK_MIN: u64 = 1 << 16;
/// The least iterations of PBKDF2 that keep a key.
const PBKDF2_ITERATIONS_MIN: u32 = 100_000;
/// The longest salt, in bytes.
const SALT_BYTES_MAX: usize = 64;

/// An encrypted key, with every field within its bounds: to decrypt it takes at most 1 GiB and a
/// few seconds. The parts that the password protects are the key and nothing else; in particular
/// the address is only a claim until the key is decrypted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keystore {
    address: Option<Address>,
    kdf: Kdf,
    iv: [u8; 16],
    ciphertext: [u8; 32],
    mac: [u8; 32],
}

impl Keystore {
    /// Whether whoever copies the file can try passwords quickly: `n · r · p` of scrypt below
    /// 2^16, or fewer than 100,000 iterations of PBKDF2.
    pub(crate) fn is_weak(&self) -> bool {
        match &self.kdf {
            Kdf::Scrypt { log_n, r, p, .. } => {
                let work = u64::from(*r).saturating_mul(u64::from(*p));
                work.saturating_mul(1 << *log_n) < SCRYPT_WORK_MIN
            }
            Kdf::Pbkdf2 { iterations, .. } => *iterations < PBKDF2_ITERATIONS_MIN,
        }
    }

    /// Reads a keystore and checks all bounds. Fields that others add are ignored.
    ///
    /// # Errors
    /// [`KeystoreError::TooLarge`], [`KeystoreError::Shape`] or [`KeystoreError::Field`].
    pub(crate) fn parse(json: &[u8]) -> Result<Self, KeystoreError> {
        if json.len() > KEYSTORE_BYTES_MAX {
            return Err(KeystoreError::TooLarge { bytes_max: KEYSTORE_BYTES_MAX });
        }
        let other = || OtherSecret::of(std::str::from_utf8(json).ok()?).map(KeystoreError::Other);
        let raw = serde_json::from_slice(json);
        let raw: RawKeystore =
            raw.map_err(|error| other().unwrap_or(KeystoreError::Shape(error)))?;
        let crypto = &raw.crypto;
        check(raw.version == 3, "version", "3")?;
        check(crypto.cipher == "aes-128-ctr", "cipher", "aes-128-ctr")?;
        check(crypto.kdfparams.dklen == 32, "dklen", "32")?;
        Ok(Self {
            address: raw.address.as_deref().map(parse_address).transpose()?,
            kdf: parse_kdf(crypto)?,
            iv: bytes(&crypto.cipherparams.iv, "iv", "16 bytes in hexadecimal")?,
            ciphertext: bytes(&crypto.ciphertext, "ciphertext", "32 bytes in hexadecimal")?,
            mac: bytes(&crypto.mac, "mac", "32 bytes in hexadecimal")?,
        })
    }

    /// The address that the file names, if it does; Foundry's do not.
    pub(crate) const fn address(&self) -> Option<Address> {
        self.address
    }

    /// Decrypts the key.
    ///
    /// # Errors
    /// [`KeystoreError::Mac`] if the password is wrong, [`KeystoreError::NotAKey`], or
    /// [`KeystoreError::Address`] if the file names another address.
    pub(crate) fn decrypt(&self, password: &Password) -> Result<PrivateKey, KeystoreError> {
        let derived = self.kdf.derive(password)?;
        self.decrypt_with(&derived)
    }

    pub(crate) fn decrypt_with(&self, derived: &[u8; 32]) -> Result<PrivateKey, KeystoreError> {
        if !equal(mac(derived, &self.ciphertext).as_slice(), &self.mac) {
            return Err(KeystoreError::Mac);
        }
        let mut key = Zeroizing::new(self.ciphertext);
        apply_ctr(derived, &self.iv, &mut key);
        let key = PrivateKey::from_bytes(key)?;
        let actual = key.address();
        match self.address {
            Some(named) if named != actual => Err(KeystoreError::Address { named, actual }),
            _ => Ok(key),
        }
    }
}

/// The ciphertext stays out, because with it passwords can be tried.
impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The file as others write it. It is read leniently where it does not matter: `Crypto`, a `0x`
/// before hexadecimal digits, further fields.
#[derive(Deserialize)]
struct RawKeystore {
    address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: RawCrypto,
    version: u64,
}

#[derive(Deserialize)]
struct RawCrypto {
    cipher: String,
    cipherparams: RawCipherParams,
    ciphertext: String,
    kdf: String,
    kdfparams: RawKdfParams,
    mac: String,
}

#[derive(Deserialize)]
struct RawCipherParams {
    iv: String,
}

#[derive(Deserialize)]
struct RawKdfParams {
    dklen: u64,
    salt: String,
    n: Option<u64>,
    r: Option<u64>,
    p: Option<u64>,
    c: Option<u64>,
    prf: Option<String>,
}

fn parse_kdf(crypto: &RawCrypto) -> Result<Kdf, KeystoreError> {
    let params = &crypto.kdfparams;
    let salt = hex::decode(&params.salt).ok();
    let salt = salt.filter(|salt| (1..=SALT_BYTES_MAX).contains(&salt.len()));
    let rule = "1 to 64 bytes in hexadecimal";
    let salt = salt.ok_or(KeystoreError::Field { field: "salt", rule })?;
    match crypto.kdf.as_str() {
        "scrypt" => parse_scrypt(params, salt),
        "pbkdf2" => parse_pbkdf2(params, salt),
        _ => Err(KeystoreError::Field { field: "kdf", rule: "scrypt or pbkdf2" }),
    }
}

fn parse_scrypt(params: &RawKdfParams, salt: Vec<u8>) -> Result<Kdf, KeystoreError> {
    let (n, r, p) = (params.n.unwrap_or(0), params.r.unwrap_or(0), params.p.unwrap_or(0));
    check(n.is_power_of_two() && n >= 2, "n", "a power of two from 2")?;
    check(r >= 1, "r", "at least 1")?;
    check(p >= 1, "p", "at least 1")?;
    let cells = n.checked_mul(r);
    let memory = cells.and_then(|cells| cells.checked_mul(128));
    let fits = memory.is_some_and(|bytes| bytes <= SCRYPT_MEMORY_BYTES_MAX);
    check(fits, "n", "so that 128·n·r is at most 1 GiB")?;
    let work = cells.and_then(|cells| cells.checked_mul(p));
    check(work.is_some_and(|work| work <= SCRYPT_WORK_MAX), "p", "so that n·r·p is at most 2^23")?;
    let small = |number| {
        let rule = "at most 2^23";
        u32::try_from(number).map_err(|_| KeystoreError::Field { field: "r", rule })
    };
    let log_n = u8::try_from(n.trailing_zeros()).expect("a u64 has at most 64 trailing zeros");
    Ok(Kdf::Scrypt { log_n, r: small(r)?, p: small(p)?, salt })
}

fn parse_pbkdf2(params: &RawKdfParams, salt: Vec<u8>) -> Result<Kdf, KeystoreError> {
    check(params.prf.as_deref() == Some("hmac-sha256"), "prf", "hmac-sha256")?;
    let iterations = params.c.filter(|c| (1..=PBKDF2_ITERATIONS_MAX).contains(c));
    let iterations = iterations.and_then(|c| u32::try_from(c).ok());
    let iterations = iterations.ok_or(KeystoreError::Field { field: "c", rule: "1 to 2^23" })?;
    Ok(Kdf::Pbkdf2 { iterations, salt })
}

fn parse_address(text: &str) -> Result<Address, KeystoreError> {
    bytes(text, "address", "20 bytes in hexadecimal").map(Address::new)
}

fn bytes<const N: usize>(
    text: &str,
    field: &'static str,
    rule: &'static str,
) -> Result<[u8; N], KeystoreError> {
    hex::decode_to_array(text).map_err(|_| KeystoreError::Field { field, rule })
}

fn check(holds: bool, field: &'static str, rule: &'static str) -> Result<(), KeystoreError> {
    if holds { Ok(()) } else { Err(KeystoreError::Field { field, rule }) }
}
