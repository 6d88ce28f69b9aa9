//! Tests of the keys, one module a feature.

mod keys;
mod keystore;
mod names;
mod opening;
mod other;
mod secrets;
mod unlock;
mod vault;

use alloy_primitives::hex;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::keystore::test_support::seal;
use crate::{Keys, Password, PrivateKey};

/// The key of the Web3 secret storage definition's vectors.
const KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const ADDRESS: &str = "008aeeda4d805471df9b2a5b0f38a0c3bcba786b";
const PASSWORD: &str = "testpassword";

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

fn key() -> PrivateKey {
    PrivateKey::parse(KEY).unwrap()
}

/// A keystore as Foundry writes it.
fn cheap(password_text: &str, address: Option<&str>) -> Value {
    let bytes = Zeroizing::new(hex::decode_to_array(KEY).unwrap());
    let (ciphertext, mac) = seal(&bytes, &password(password_text), &[7; 32], &[9; 16], 13);
    let mut keystore = json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": hex::encode([9; 16]) },
            "ciphertext": hex::encode(ciphertext),
            "kdf": "scrypt",
            "kdfparams": { "dklen": 32, "n": 8192, "p": 1, "r": 8, "salt": hex::encode([7; 32]) },
            "mac": hex::encode(mac),
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    });
    if let Some(address) = address {
        keystore["address"] = address.into();
    }
    keystore
}

struct Home {
    dir: tempfile::TempDir,
    keys: Keys,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let keys = Keys { home, foundry_dir: Some(dir.path().join("foundry")) };
        Self { dir, keys }
    }

    /// Puts a file where a key's keystore is looked for.
    fn put(&self, path: &str, content: &[u8]) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = std::fs::File::create(&path).unwrap();
        std::io::Write::write_all(&mut file, content).unwrap();
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&path, mode).unwrap();
        }
    }
}
