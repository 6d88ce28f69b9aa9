//! What is given as a key and is another secret, or none, told by its form.

use std::fmt;

use serde_json::{Map, Value};

/// Numbers of words that BIP-39 has, and those of wallets that add a word.
const PHRASE_WORDS: [usize; 7] = [12, 13, 15, 18, 21, 24, 25];

/// Something else than a keystore of version 3 or the hexadecimal digits of a key. What is in it is
/// never kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSecret {
    /// A recovery phrase of words.
    Mnemonic,
    /// A keystore of Ethereum before version 3.
    OldKeystore,
    /// The wallet file of Ethereum's presale.
    Presale,
    /// A validator's key on BLS12-381 (EIP-2335).
    Validator,
    /// A vault of MetaMask's browser extension.
    MetaMask,
    /// A keypair of Solana.
    Solana,
    /// A key of Sui.
    Sui,
    /// An account of Substrate.
    Substrate,
    /// A key of NEAR.
    Near,
    /// An extended key of BIP-32.
    Extended,
    /// A key of Bitcoin in wallet import format.
    Bitcoin,
    /// A key in PEM, as of TLS or SSH.
    Pem,
    /// A JSON Web Key.
    Jwk,
    /// A public key.
    Public,
    /// An address.
    Address,
}

impl OtherSecret {
    /// Tells by its form what somebody gave in place of a key.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Self::of_object(&object),
            Ok(Value::Array(items)) => Self::of_list(&items),
            _ => Self::of_text(text),
        }
    }

    fn of_object(object: &Map<String, Value>) -> Option<Self> {
        let has = |key: &str| object.contains_key(key);
        let version = object.get("version").and_then(|version| match version {
            Value::String(text) => text.parse().ok(),
            version => version.as_u64(),
        });
        let crypto = object.get("crypto").or_else(|| object.get("Crypto"));
        if has("encseed") || has("ethaddr") && has("bkp") {
            return Some(Self::Presale);
        }
        if crypto.is_some_and(|crypto| crypto.get("checksum").is_some()) {
            return Some(Self::Validator);
        }
        if has("encoding") && has("encoded") {
            return Some(Self::Substrate);
        }
        if has("account_id") && has("private_key") {
            return Some(Self::Near);
        }
        if has("data") && has("iv") && has("salt") {
            return Some(Self::MetaMask);
        }
        if has("kty") {
            return Some(Self::Jwk);
        }
        let old = version.is_none_or(|version| version < 3);
        (old && (crypto.is_some() || has("CipherText"))).then_some(Self::OldKeystore)
    }

    fn of_list(items: &[Value]) -> Option<Self> {
        let is_byte = |item: &Value| item.as_u64().is_some_and(|byte| byte < 256);
        if matches!(items.len(), 32 | 64) && items.iter().all(is_byte) {
            return Some(Self::Solana);
        }
        // One base64 text a key: a flag and 32 bytes.
        let is_key = |item: &Value| item.as_str().is_some_and(|text| text.len() == 44);
        (!items.is_empty() && items.iter().all(is_key)).then_some(Self::Sui)
    }

    fn of_text(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().collect();
        let is_word = |word: &&str| word.chars().all(char::is_alphabetic);
        if PHRASE_WORDS.contains(&words.len()) && words.iter().all(is_word) {
            return Some(Self::Mnemonic);
        }
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return match digits.len() {
                40 => Some(Self::Address),
                66 | 128 | 130 => Some(Self::Public),
                _ => None,
            };
        }
        let base58 = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
        match text.len() {
            _ if begins(&["-----BEGIN"]) => Some(Self::Pem),
            _ if begins(&["suiprivkey1"]) => Some(Self::Sui),
            _ if begins(&["ed25519:"]) => Some(Self::Near),
            100..=120 if begins(&["xprv", "xpub", "tprv", "tpub", "zprv", "yprv"]) && base58 => {
                Some(Self::Extended)
            }
            51 | 52 if begins(&["5", "K", "L", "9", "c"]) && base58 => Some(Self::Bitcoin),
            86..=88 if base58 => Some(Self::Solana),
            _ => None,
        }
    }

    /// The next step for whoever gave it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Mnemonic => {
                "a phrase opens all accounts of a wallet, so Tidegate takes none: export the one \
                 account's private key there, or make a new key with `tidegate key new NAME`"
            }
            Self::OldKeystore | Self::Presale => {
                "open it with the wallet that made it, and export the account as a keystore of \
                 version 3, as geth and `cast wallet` write it"
            }
            Self::Validator => {
                "a validator's key signs no transactions: take the keystore of an account"
            }
            Self::MetaMask => "export the one account's private key in the wallet, and import that",
            Self::Solana | Self::Sui | Self::Substrate | Self::Near => {
                "it is a key of another kind of chain: take the keystore of an Ethereum account"
            }
            Self::Extended => {
                "export the private key of the one account that is meant, and import that"
            }
            Self::Bitcoin | Self::Pem | Self::Jwk => {
                "take the keystore of an Ethereum account, or make one with `tidegate key new NAME`"
            }
            Self::Public | Self::Address => {
                "only a private key signs: take the keystore of this account"
            }
        }
    }
}

impl fmt::Display for OtherSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mnemonic => "a recovery phrase (mnemonic)",
            Self::OldKeystore => "an Ethereum keystore older than version 3",
            Self::Presale => "a wallet of Ethereum's presale",
            Self::Validator => "a validator's keystore (BLS, EIP-2335)",
            Self::MetaMask => "a vault of MetaMask",
            Self::Solana => "a key of Solana",
            Self::Sui => "a key of Sui",
            Self::Substrate => "an account of Substrate",
            Self::Near => "a key of NEAR",
            Self::Extended => "an extended key (BIP-32)",
            Self::Bitcoin => "a key of Bitcoin (WIF)",
            Self::Pem => "a key in PEM",
            Self::Jwk => "a JSON Web Key",
            Self::Public => "a public key",
            Self::Address => "an address",
        })
    }
}
