use serde_json::json;

use super::*;
use crate::keystore::Keystore;
use crate::{KeystoreError, OtherSecret};

/// What people give in place of a key, as the programs that make it write it.
fn given() -> Vec<(String, OtherSecret)> {
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let old = json!({
        "Crypto": { "CipherText": "00", "IV": "00", "MAC": "00", "Salt": "00",
            "KeyHeader": { "Kdf": "scrypt", "Version": "1" } },
        "Address": ADDRESS, "Id": "3198bc9c-6672-5ab3-d995-4942343ae5b6", "Version": "1",
    });
    let presale = json!({ "encseed": "26d8", "ethaddr": ADDRESS, "email": "a@b", "btcaddr": "1" });
    let validator = json!({
        "crypto": {
            "kdf": { "function": "scrypt", "params": { "dklen": 32, "n": 262144, "p": 1, "r": 8,
                "salt": "d4e5" }, "message": "" },
            "checksum": { "function": "sha256", "params": {}, "message": "d2217f" },
            "cipher": { "function": "aes-128-ctr", "params": { "iv": "264d" }, "message": "06ae" },
        },
        "pubkey": "9612d7a7", "path": "m/12381/3600/0/0/0", "uuid": "1d85ae20", "version": 4,
    });
    let substrate = json!({ "encoded": "MFMC", "address": "5Grw", "meta": {},
        "encoding": { "content": ["pkcs8", "sr25519"], "type": ["scrypt"], "version": "3" } });
    let near =
        json!({ "account_id": "a.near", "public_key": "ed25519:x", "private_key": "ed25519:y" });
    let jwk = json!({ "kty": "EC", "crv": "secp256k1", "d": "x", "x": "x", "y": "y" });
    vec![
        (phrase.to_owned(), OtherSecret::Mnemonic),
        (phrase.replace(' ', "\n"), OtherSecret::Mnemonic),
        (format!("{phrase} {phrase}"), OtherSecret::Mnemonic),
        ("そせい ".repeat(12), OtherSecret::Mnemonic),
        (old.to_string(), OtherSecret::OldKeystore),
        (
            json!({ "version": "1", "crypto": { "cipher": "x" } }).to_string(),
            OtherSecret::OldKeystore,
        ),
        (presale.to_string(), OtherSecret::Presale),
        (validator.to_string(), OtherSecret::Validator),
        (json!({ "data": "a", "iv": "b", "salt": "c" }).to_string(), OtherSecret::MetaMask),
        (json!(vec![7_u8; 64]).to_string(), OtherSecret::Solana),
        ("4z".repeat(44), OtherSecret::Solana),
        (json!(["A".repeat(44)]).to_string(), OtherSecret::Sui),
        (format!("suiprivkey1{}", "q".repeat(59)), OtherSecret::Sui),
        (substrate.to_string(), OtherSecret::Substrate),
        (near.to_string(), OtherSecret::Near),
        (format!("xprv9{}", "s".repeat(106)), OtherSecret::Extended),
        (format!("K{}", "w".repeat(51)), OtherSecret::Bitcoin),
        ("-----BEGIN EC PRIVATE KEY-----\nMHQ=\n".to_owned(), OtherSecret::Pem),
        (jwk.to_string(), OtherSecret::Jwk),
        (format!("0x04{}", "ab".repeat(64)), OtherSecret::Public),
        (format!("0x{ADDRESS}"), OtherSecret::Address),
    ]
}

#[test]
fn what_is_no_key_is_called_by_its_name() {
    for (text, expected) in given() {
        assert_eq!(OtherSecret::of(&text), Some(expected), "{expected}");
        assert!(PrivateKey::parse(text.trim()).is_err(), "{expected}");
    }
    let keystore = cheap("password", Some(ADDRESS)).to_string();
    for text in ["", "no", "{}", "[]", KEY, &format!("0x{KEY}"), keystore.as_str()] {
        assert_eq!(OtherSecret::of(text), None, "{text}");
    }
}

#[test]
fn a_keystore_of_another_kind_is_called_by_its_name_where_it_is_opened() {
    for (text, expected) in given().into_iter().filter(|(text, _)| text.starts_with('{')) {
        let found = Keystore::parse(text.as_bytes());
        assert!(matches!(found, Err(KeystoreError::Other(found)) if found == expected), "{text}");
    }
    let home = Home::new();
    let validator = &given()[7].0;
    home.put("home/keys/eva.json", validator.as_bytes());
    let error = home.keys.open(&"eva".parse().unwrap(), &password("x")).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some(OtherSecret::Validator.hint()));
}
