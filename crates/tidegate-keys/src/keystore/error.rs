use alloy_primitives::Address;

use crate::other::OtherSecret;

/// A keystore that is refused. Every bound is checked before any work is done for it.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file is larger than any keystore.
    #[error("cannot read the keystore: it has more than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    /// It is not JSON, or lacks a field.
    #[error("cannot read the keystore: its content is not a keystore")]
    Shape(#[source] serde_json::Error),
    /// It is another secret.
    #[error("cannot read the keystore: it is {0}, and not a keystore of version 3")]
    Other(OtherSecret),
    /// A field has a value that this program does not take.
    #[error("cannot read the keystore: its field `{field}` must be {rule}")]
    Field {
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The password is wrong, or the file was altered.
    #[error("cannot decrypt the keystore: the password is wrong, or the file was altered")]
    Mac,
    /// It decrypts to no secp256k1 key.
    #[error("cannot decrypt the keystore: it holds no valid private key")]
    NotAKey,
    /// It names another address than its key's.
    #[error("cannot decrypt the keystore: it names {named} but its key is of {actual}")]
    Address {
        /// The address it names.
        named: Address,
        /// The address of its key.
        actual: Address,
    },
    /// The system gave no random bytes.
    #[error("cannot draw random bytes")]
    Random(#[source] getrandom::Error),
    /// The keystore just made does not open; nothing was written.
    #[error("cannot check the new keystore: it does not open")]
    SelfCheck,
}

impl KeystoreError {
    /// The next step for the person who reads the error; `None` if the error says it all.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Mac => {
                "a keystore opens with the password that it was encrypted under, whichever \
                          program made it"
                    .to_owned()
            }
            Self::TooLarge { .. } | Self::Shape(_) | Self::Field { .. } => {
                "it must be a keystore of version 3, as `tidegate key new`, `cast wallet` and geth \
                 make them"
                    .to_owned()
            }
            Self::Other(other) => other.hint().to_owned(),
            Self::NotAKey | Self::Address { .. } => {
                "the file was altered: take it from a backup".to_owned()
            }
            Self::Random(_) | Self::SelfCheck => return None,
        })
    }
}
