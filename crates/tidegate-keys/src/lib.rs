//! The keys of one person: keystore files of version 3 under `$TIDEGATE_HOME/keys`, Foundry's
//! keystores in place, and where their passwords come from.
//!
//! The crate must never hold an RPC URL and never log. A key leaves it only as a signature: there
//! is no function that shows one. Secrets are wiped when they are dropped, as far as Rust allows:
//! copies that a move or a library left behind are not found again. Nothing here reads an
//! environment variable or an argument; the caller passes paths and descriptors in.

mod error;
mod keys;
mod keystore;
mod lines;
mod name;
mod os_keyring;
mod other;
mod secret;
mod signer;
mod unlock;
mod vault;

#[cfg(test)]
mod tests;

pub use error::KeyError;
pub use keys::{KeyInfo, Keys, is_shared};
pub use keystore::KeystoreError;
pub use lines::PasswordLines;
pub use name::{KeyName, KeyRef};
pub use os_keyring::OsKeyring;
pub use other::OtherSecret;
pub use secret::{Password, PasswordError, PrivateKey};
pub use signer::KeySigner;
pub use unlock::{
    AskPassword, PasswordFrom, PasswordRequest, PasswordSources, Purpose, Unlocked,
    choose_password, read_hidden,
};
pub use vault::{PasswordVault, VaultError, VaultProblem};
