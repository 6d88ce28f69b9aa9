use alloy_primitives::hex;
use serde_json::{Value, json};

use super::{ADDRESS, KEY, PASSWORD, cheap, key, password};
use crate::keystore::{KEYSTORE_BYTES_MAX, Keystore, encrypt};
use crate::{KeystoreError, PrivateKey};

fn parse(keystore: &Value) -> Result<Keystore, KeystoreError> {
    Keystore::parse(keystore.to_string().as_bytes())
}

fn open(keystore: &Value, password_text: &str) -> Result<PrivateKey, KeystoreError> {
    parse(keystore)?.decrypt(&password(password_text))
}

/// The two test vectors of the Web3 secret storage definition.
#[test]
fn the_definition_s_vectors_open() {
    let pbkdf2 = json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3
    });
    let scrypt = json!({
        "Crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "0x83dbcc02d8ccb40e466191a123791e0e" },
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32,
                "n": 262144,
                "p": 8,
                "r": 1,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
        },
        "address": ADDRESS,
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "name": "added by others",
        "version": 3
    });
    for (keystore, address) in [(&pbkdf2, None), (&scrypt, Some(ADDRESS))] {
        let parsed = parse(keystore).unwrap();
        assert_eq!(parsed.address(), address.map(|a| a.parse().unwrap()));
        let opened = parsed.decrypt(&password(PASSWORD)).unwrap();
        assert_eq!(hex::encode(opened.bytes()), KEY);
        assert_eq!(opened.address(), ADDRESS.parse::<alloy_primitives::Address>().unwrap());
    }
    assert!(matches!(open(&pbkdf2, "testpasswore"), Err(KeystoreError::Mac)));
}

#[test]
fn our_keystores_have_geth_s_cost_and_open() {
    let text = encrypt(&key(), &password("secret words")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["address"], ADDRESS);
    assert_eq!(json["version"], 3);
    assert_eq!(json["crypto"]["cipher"], "aes-128-ctr");
    assert_eq!(json["crypto"]["kdf"], "scrypt");
    let params = &json["crypto"]["kdfparams"];
    assert_eq!((&params["n"], &params["r"], &params["p"]), (&json!(262_144), &json!(8), &json!(1)));
    assert_eq!(params["dklen"], 32);
    assert_eq!(params["salt"].as_str().unwrap().len(), 64);
    let opened = open(&json, "secret words").unwrap();
    assert_eq!(opened.bytes(), key().bytes());
    assert!(!text.contains(KEY) && !text.contains("secret words"));
    // Salt, iv and id are drawn anew.
    let again: Value =
        serde_json::from_str(&encrypt(&key(), &password("secret words")).unwrap()).unwrap();
    for pointer in ["/crypto/kdfparams/salt", "/crypto/cipherparams/iv", "/crypto/mac", "/id"] {
        assert_ne!(json.pointer(pointer), again.pointer(pointer), "{pointer}");
    }
}

#[test]
fn hostile_keystores_are_refused_before_any_work() {
    let long_salt = "00".repeat(65);
    let cases = [
        ("/version", json!(1), "version"),
        ("/version", json!(4), "version"),
        ("/crypto/cipher", json!("aes-256-ctr"), "cipher"),
        ("/crypto/kdf", json!("argon2"), "kdf"),
        ("/crypto/kdfparams/dklen", json!(0), "dklen"),
        ("/crypto/kdfparams/dklen", json!(16), "dklen"),
        ("/crypto/kdfparams/dklen", json!(31), "dklen"),
        ("/crypto/kdfparams/dklen", json!(1_u64 << 40), "dklen"),
        ("/crypto/kdfparams/n", json!(0), "n"),
        ("/crypto/kdfparams/n", json!(1), "n"),
        ("/crypto/kdfparams/n", json!(3), "n"),
        ("/crypto/kdfparams/n", json!((1 << 18) + 1), "n"),
        ("/crypto/kdfparams/n", json!(1 << 21), "n"),
        ("/crypto/kdfparams/n", json!(1_u64 << 31), "n"),
        ("/crypto/kdfparams/n", json!(1_u64 << 63), "n"),
        ("/crypto/kdfparams/n", Value::Null, "n"),
        ("/crypto/kdfparams/r", json!(0), "r"),
        ("/crypto/kdfparams/r", json!(1_u64 << 32), "n"),
        ("/crypto/kdfparams/r", json!(u64::MAX), "n"),
        ("/crypto/kdfparams/p", json!(0), "p"),
        ("/crypto/kdfparams/p", json!(1_u64 << 32), "p"),
        ("/crypto/kdfparams/p", json!(u64::MAX), "p"),
        ("/crypto/kdfparams/salt", json!(""), "salt"),
        ("/crypto/kdfparams/salt", json!("0"), "salt"),
        ("/crypto/kdfparams/salt", json!("zz"), "salt"),
        ("/crypto/kdfparams/salt", json!(long_salt), "salt"),
        ("/crypto/cipherparams/iv", json!("00000000"), "iv"),
        ("/crypto/cipherparams/iv", json!(""), "iv"),
        ("/crypto/cipherparams/iv", json!("00".repeat(17)), "iv"),
        ("/crypto/ciphertext", json!("00".repeat(31)), "ciphertext"),
        ("/crypto/ciphertext", json!("00".repeat(33)), "ciphertext"),
        ("/crypto/ciphertext", json!("é".repeat(32)), "ciphertext"),
        ("/crypto/mac", json!("00".repeat(31)), "mac"),
        ("/address", json!("0x00"), "address"),
        ("/address", json!("zz".repeat(20)), "address"),
    ];
    for (pointer, value, expected) in cases {
        let mut keystore = cheap(PASSWORD, Some(ADDRESS));
        *keystore.pointer_mut(pointer).unwrap() = value.clone();
        match parse(&keystore) {
            Err(KeystoreError::Field { field, .. }) => {
                assert_eq!(field, expected, "{pointer} {value}");
            }
            result => panic!("{pointer} {value}: {result:?}"),
        }
    }
    open(&cheap(PASSWORD, Some(ADDRESS)), PASSWORD).unwrap();
}

#[test]
fn hostile_pbkdf2_parameters_are_refused() {
    let params = |c: Value, prf: &str| {
        let mut keystore = cheap(PASSWORD, None);
        keystore["crypto"]["kdf"] = "pbkdf2".into();
        keystore["crypto"]["kdfparams"] = json!({ "dklen": 32, "salt": "00", "c": c, "prf": prf });
        keystore
    };
    let cases = [
        (json!(0), "hmac-sha256", "c"),
        (json!((1 << 23) + 1), "hmac-sha256", "c"),
        (json!(1_u64 << 32), "hmac-sha256", "c"),
        (Value::Null, "hmac-sha256", "c"),
        (json!(1), "hmac-sha512", "prf"),
    ];
    for (c, prf, expected) in cases {
        match parse(&params(c, prf)) {
            Err(KeystoreError::Field { field, .. }) => assert_eq!(field, expected),
            result => panic!("{result:?}"),
        }
    }
    assert!(matches!(open(&params(json!(1), "hmac-sha256"), PASSWORD), Err(KeystoreError::Mac)));
}

#[test]
fn other_shapes_are_refused() {
    let good = cheap(PASSWORD, None).to_string();
    let texts = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "[".repeat(10_000),
        good[..good.len() - 1].to_owned(),
        good.replace("\"n\":8192", "\"n\":-16"),
        good.replace("\"n\":8192", "\"n\":16.5"),
        good.replace("\"n\":8192", "\"n\":1e400"),
        good.replace("\"n\":8192", "\"n\":\"16\""),
        good.replace("\"version\":3", "\"version\":3,\"version\":3"),
        good.replace("\"version\":3", "\"version\":3,\"Crypto\":{}"),
        good.replace("\"mac\"", "\"mac2\""),
    ];
    for text in texts {
        assert_ne!(text, good);
        let result = Keystore::parse(text.as_bytes());
        assert!(matches!(result, Err(KeystoreError::Shape(_))), "{text}");
    }
    assert!(matches!(Keystore::parse(&[0xff; 100]), Err(KeystoreError::Shape(_))));
    let padded = format!("{good}{}", " ".repeat(KEYSTORE_BYTES_MAX - good.len()));
    Keystore::parse(padded.as_bytes()).unwrap();
    let large = format!("{padded} ");
    let result = Keystore::parse(large.as_bytes());
    assert!(matches!(result, Err(KeystoreError::TooLarge { .. })));
}

#[test]
fn altered_keystores_do_not_open() {
    let flip = |pointer: &str| {
        let mut keystore = cheap(PASSWORD, Some(ADDRESS));
        let value = keystore.pointer_mut(pointer).unwrap();
        let text = value.as_str().unwrap();
        let first = if text.starts_with('f') { "0" } else { "f" };
        *value = format!("{first}{}", &text[1..]).into();
        keystore
    };
    for pointer in ["/crypto/mac", "/crypto/ciphertext", "/crypto/kdfparams/salt"] {
        let result = open(&flip(pointer), PASSWORD);
        assert!(matches!(result, Err(KeystoreError::Mac)), "{pointer}");
    }
    // The MAC does not cover the iv and the address: the address check finds both, and without
    // an address an altered iv gives another key, which only the caller can tell.
    for pointer in ["/crypto/cipherparams/iv", "/address"] {
        let result = open(&flip(pointer), PASSWORD);
        assert!(matches!(result, Err(KeystoreError::Address { .. })), "{pointer}");
    }
}

/// No single flipped bit of a keystore file panics, or gives another key.
#[test]
fn no_flipped_bit_gives_another_key() {
    let good = cheap(PASSWORD, Some(ADDRESS)).to_string().into_bytes();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            let opened = Keystore::parse(&bad).and_then(|k| k.decrypt(&password(PASSWORD)));
            if let Ok(opened) = opened {
                let text = String::from_utf8_lossy(&bad).into_owned();
                assert_eq!(hex::encode(opened.bytes()), KEY, "{text}");
            }
        }
    }
}

#[test]
fn keystores_that_cost_little_to_guess_are_weak() {
    let scrypt = |n: u64, r: u64, p: u64| {
        let mut keystore = cheap(PASSWORD, None);
        let params = &mut keystore["crypto"]["kdfparams"];
        (params["n"], params["r"], params["p"]) = (n.into(), r.into(), p.into());
        parse(&keystore).unwrap().is_weak()
    };
    // Foundry's, geth's light and standard ones.
    for (n, r, p) in [(1 << 13, 8, 1), (1 << 12, 8, 6), (1 << 18, 8, 1)] {
        assert!(!scrypt(n, r, p), "{n} {r} {p}");
    }
    for (n, r, p) in [(2, 8, 1), (2, 1, 1), (1 << 12, 8, 1), (1 << 15, 1, 1), (2, 1, 1 << 14)] {
        assert!(scrypt(n, r, p), "{n} {r} {p}");
    }
    for (iterations, weak) in [(1, true), (99_999, true), (100_000, false), (262_144, false)] {
        let mut keystore = cheap(PASSWORD, None);
        keystore["crypto"]["kdf"] = "pbkdf2".into();
        keystore["crypto"]["kdfparams"] =
            json!({ "dklen": 32, "salt": "00", "c": iterations, "prf": "hmac-sha256" });
        assert_eq!(parse(&keystore).unwrap().is_weak(), weak, "{iterations}");
    }
}
