use std::collections::BTreeSet;
use std::path::Path;

use alloy_primitives::{Address, hex};
use serde_json::{Value, json};

use super::{ADDRESS, KEY, PASSWORD, password};
use crate::KeystoreError;
use crate::keystore::Keystore;

/// Every file of `keystores/`, and whether it names its address.
const KEYSTORES: [(&str, &str, bool); 7] = [
    ("tidegate.json", include_str!("keystores/tidegate.json"), true),
    ("foundry.json", include_str!("keystores/foundry.json"), false),
    ("geth-standard.json", include_str!("keystores/geth-standard.json"), true),
    ("geth-light.json", include_str!("keystores/geth-light.json"), true),
    ("ethers.json", include_str!("keystores/ethers.json"), true),
    ("eth-keyfile.json", include_str!("keystores/eth-keyfile.json"), true),
    ("prefixed.json", include_str!("keystores/prefixed.json"), true),
];

fn address() -> Address {
    ADDRESS.parse().unwrap()
}

#[test]
fn keystores_of_other_days_and_programs_open() {
    for (name, text, names_address) in KEYSTORES {
        let keystore = Keystore::parse(text.as_bytes()).unwrap();
        assert_eq!(keystore.address(), names_address.then(address), "{name}");
        assert!(!keystore.is_weak(), "{name}");
        let opened = keystore.decrypt(&password(PASSWORD)).unwrap();
        assert_eq!(hex::encode(opened.bytes()), KEY, "{name}");
        assert_eq!(opened.address(), address(), "{name}");
        let refused = keystore.decrypt(&password("testpasswore"));
        assert!(matches!(refused, Err(KeystoreError::Mac)), "{name}");
    }
}

/// What would take more than it may is refused when it is read, which derives nothing.
#[test]
fn none_of_them_may_ask_for_more_work() {
    for (name, text, _) in KEYSTORES {
        let mut keystore: Value = serde_json::from_str(text).unwrap();
        let crypto = if keystore["Crypto"].is_object() { "Crypto" } else { "crypto" };
        let crypto = &mut keystore[crypto];
        let field = match crypto["kdf"].as_str() {
            Some("scrypt") => "n",
            Some("pbkdf2") => "c",
            other => panic!("{name}: {other:?}"),
        };
        crypto["kdfparams"][field] = json!(1_u64 << 24);
        match Keystore::parse(keystore.to_string().as_bytes()) {
            Err(KeystoreError::Field { field: refused, .. }) => {
                assert_eq!(refused, field, "{name}")
            }
            result => panic!("{name}: {result:?}"),
        }
    }
}

#[test]
fn every_file_is_opened() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/keystores");
    let there = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let there: BTreeSet<_> = there.map(|name| name.into_string().unwrap()).collect();
    let mut opened: BTreeSet<_> = KEYSTORES.map(|(name, ..)| name.to_owned()).into();
    opened.insert("README.md".to_owned());
    assert_eq!(there, opened);
}
