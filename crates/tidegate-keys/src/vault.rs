use alloy_primitives::{Address, hex};
use tidegate_model::digest::Preimage;

use crate::secret::Password;

/// Keeps passwords, never keys: whoever steals it still needs the keystore file.
pub trait PasswordVault {
    /// The password kept for the key of this address, if there is one.
    ///
    /// # Errors
    /// If the vault cannot be read; it may be locked.
    fn get(&self, address: Address) -> Result<Option<Password>, VaultError>;

    /// Keeps a password and reads it back. If that fails, nothing stays behind.
    ///
    /// # Errors
    /// If the vault refuses, or gives back something else.
    fn set(&self, address: Address, password: &Password) -> Result<(), VaultError>;

    /// Forgets the password; it is fine if there is none.
    ///
    /// # Errors
    /// If the vault refuses.
    fn delete(&self, address: Address) -> Result<(), VaultError>;
}

/// A vault that could not be used. Causes that would carry the password are left out.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no OS keyring here, for example without a desktop session.
    #[error("cannot reach the OS keyring")]
    Unavailable(#[source] &'static keyring::Error),
    /// It did not answer; a dialogue may wait for somebody.
    #[error("cannot {op} the OS keyring: no answer within {secs} s")]
    TimedOut {
        op: &'static str,
        /// How long it had, in seconds.
        secs: u64,
    },
    /// The call into the keyring could not be started, or died.
    #[error("cannot {op} the OS keyring: the call into it failed")]
    Call { op: &'static str },
    #[error("cannot {op} the OS keyring")]
    Refused {
        op: &'static str,
        #[source]
        source: keyring::Error,
    },
    /// What it holds is no password of ours.
    #[error("cannot read the OS keyring: the entry is not a password")]
    NotAPassword,
    /// What was kept did not read back; it was deleted again.
    #[error("cannot check the OS keyring: the password does not read back")]
    RoundTrip,
    /// It failed, and may hold the password all the same.
    #[error(
        "cannot clean up the OS keyring: an entry may be left behind; delete service \
         `tidegate`"
    )]
    LeftBehind(#[source] Box<VaultError>),
}

/// A reason for which the OS keyring could not be used although it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultProblem {
    /// The password that it keeps does not open the key.
    #[error("the password in the OS keyring for {0} is wrong")]
    Stale(Address),
    /// It could not be read.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A place for one password in a store of the operating system.
pub(crate) trait Slot {
    fn read(&self) -> Result<Option<Password>, VaultError>;
    fn write(&self, password: &Password) -> Result<(), VaultError>;
    /// Deletes; it is fine if there is nothing.
    fn clear(&self) -> Result<(), VaultError>;
}

/// Writes and reads back. Some stores keep a secret although they report a failure, so after one
/// the entry is deleted and its absence is checked.
pub(crate) fn enrol(slot: &impl Slot, password: &Password) -> Result<(), VaultError> {
    let kept = slot.write(password).and_then(|()| match slot.read()? {
        Some(back) if back.same_as(password) => Ok(()),
        _ => Err(VaultError::RoundTrip),
    });
    kept.map_err(|error| {
        let _ = slot.clear();
        match slot.read() {
            Ok(None) => error,
            _ => VaultError::LeftBehind(Box::new(error)),
        }
    })
}

/// The entry's name: descriptions of keyrings join service and user, so it is one plain word.
pub(crate) fn entry_name(address: Address) -> String {
    hex::encode(Preimage::new().string("tidegate-key/1").address(address).keccak())
}
