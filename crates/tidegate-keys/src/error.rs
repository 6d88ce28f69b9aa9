use std::path::PathBuf;

use alloy_primitives::Address;

use crate::keystore::KeystoreError;
use crate::name::{KeyName, KeyRef};
use crate::secret::PasswordError;
use crate::vault::VaultProblem;

/// A key that could not be made, found, opened or removed. No text here holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A name that would not be one plain file name.
    #[error(
        "cannot use {0:?} as a key's name: it must be 1 to 64 letters, digits and `._-`, and \
         begin with a letter or digit"
    )]
    Name(String),
    /// A `foundry:` name where Foundry's folder is unknown.
    #[error("cannot find key {0}: the folder of Foundry's keystores is unknown")]
    NoFoundryFolder(KeyRef),
    /// There is no such key.
    #[error("cannot find key {key}: {} does not exist", path.display())]
    Missing {
        key: KeyRef,
        /// Where its file would be.
        path: PathBuf,
    },
    /// There is no such key to remove.
    #[error("cannot remove key {0}: there is none of this name")]
    NothingToRemove(KeyName),
    /// A key of this name exists; keys are never overwritten.
    #[error("cannot create key {0}: a key of this name exists")]
    Exists(KeyName),
    /// Its file is no usable keystore, or the password is wrong.
    #[error("cannot open key {key}")]
    Keystore {
        key: KeyRef,
        #[source]
        source: KeystoreError,
    },
    /// Others on this machine may read its file, and try passwords.
    #[error(
        "cannot open key {key}: others on this machine may read or write {0}; run `chmod 600 {0}`",
        path.display()
    )]
    Shared { key: KeyRef, path: PathBuf },
    /// Its file makes trying passwords cheap.
    #[error(
        "cannot open key {key}: its keystore makes guessing its password cheap (scrypt n·r·p \
         below 2^16, or PBKDF2 below 100,000 iterations)"
    )]
    Weak { key: KeyRef, path: PathBuf },
    /// A keystore to be imported is not usable, or the password is wrong.
    #[error("cannot import key {name}")]
    Import {
        /// The name it was to get.
        name: KeyName,
        #[source]
        source: KeystoreError,
    },
    /// Its file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Its file or folder could not be written or removed.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The folder has more entries than it may have.
    #[error("cannot list {}: it has more than {entries_max} entries", path.display())]
    TooMany { path: PathBuf, entries_max: usize },
    /// The address that was repeated is not the key's, so it was not removed.
    #[error("cannot remove key {name}: its address is {actual}, not {repeated}")]
    NotRepeated {
        name: KeyName,
        /// The address in its file.
        actual: Address,
        /// The address that was given.
        repeated: Address,
    },
    /// Its file names no address to be repeated, so it was not removed.
    #[error("cannot remove key {0}: its file names no address")]
    NoAddress(KeyName),
    /// No source of passwords was left: there is no terminal and no `--password-fd`.
    #[error(
        "cannot open key {key}: no source of its password (terminal, --password-fd or OS keyring)"
    )]
    NoPassword {
        key: KeyRef,
        /// What the OS keyring said, if it was asked.
        #[source]
        vault: Option<VaultProblem>,
    },
    /// A source gave no usable password.
    #[error("cannot get the password of key {key}")]
    Password {
        key: KeyRef,
        #[source]
        source: PasswordError,
    },
}

impl KeyError {
    /// The next step for the person who reads the error; `None` if the error says it all.
    pub fn hint(&self) -> Option<String> {
        let list = "see `tidegate key list`";
        Some(match self {
            Self::Missing { key: KeyRef::Own(name), .. } => {
                format!("make it with `tidegate key new {name}`, or name another with --as")
            }
            Self::Missing { key: KeyRef::Foundry(name), .. } => format!(
                "make it with Foundry (`cast wallet import {name}`), or name another with --as; \
                 {list}"
            ),
            Self::NoFoundryFolder(_) => {
                "set HOME, or FOUNDRY_DIR to the folder that holds `keystores`".to_owned()
            }
            Self::Exists(name) => format!(
                "take another name, or remove that key with `tidegate key remove {name} --address \
                 ADDRESS`, which is for good"
            ),
            Self::Shared { path, .. } => format!("`chmod 600 {}`", path.display()),
            Self::Weak { path, .. } => format!(
                "encrypt it anew with `tidegate key import NAME --from {}`, and use that one",
                path.display()
            ),
            Self::Keystore { source, .. } | Self::Import { source, .. } => source.hint()?,
            Self::Read { path, .. } => {
                format!("it must be a file of your own, no link: look at {}", path.display())
            }
            Self::NothingToRemove(_) => list.to_owned(),
            Self::NotRepeated { .. } => format!("repeat the address that is its own; {list}"),
            Self::NoAddress(name) => {
                format!("delete keys/{name}.json in $TIDEGATE_HOME yourself, once you are sure")
            }
            Self::NoPassword { .. } => {
                "give the password with --password-fd N, or in the OS keyring".to_owned()
            }
            Self::Password { source: PasswordError::Ended, .. } => {
                "each password is one line of the descriptor that --password-fd names".to_owned()
            }
            _ => return None,
        })
    }

    /// Whether the password was wrong, or the keystore altered: no one can tell these apart.
    pub(crate) const fn is_wrong_password(&self) -> bool {
        matches!(
            self,
            Self::Keystore { source: KeystoreError::Mac, .. }
                | Self::Import { source: KeystoreError::Mac, .. }
        )
    }
}
