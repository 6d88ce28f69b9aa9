use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use alloy_primitives::Address;

use crate::secret::Password;
use crate::vault::{PasswordVault, Slot, VaultError, enrol, entry_name};

/// The service under which all entries stand.
const SERVICE: &str = "tidegate";
/// The longest wait for the keyring to say that it is there, in seconds.
const PROBE_SECS_MAX: u64 = 3;
/// The longest call, in seconds: a desktop may ask somebody to unlock the keyring.
const CALL_SECS_MAX: u64 = 60;

/// The keyring of the operating system: Secret Service, Keychain or Credential Manager.
#[derive(Debug, Clone, Copy)]
pub struct OsKeyring(());

impl OsKeyring {
    /// Looks whether there is an OS keyring. The error says why not, for the caller to show once;
    /// passwords are asked for then.
    ///
    /// # Effects
    /// Connects to the session's bus. It returns within three seconds in any case.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`], [`VaultError::TimedOut`] or [`VaultError::Call`].
    pub fn probe() -> Result<Self, VaultError> {
        match within("reach", PROBE_SECS_MAX, keyring::Entry::store_status)? {
            Ok(()) => Ok(Self(())),
            Err(error) => Err(VaultError::Unavailable(error)),
        }
    }
}

impl PasswordVault for OsKeyring {
    fn get(&self, address: Address) -> Result<Option<Password>, VaultError> {
        within("read", CALL_SECS_MAX, move || Entry(address).read())?
    }

    fn set(&self, address: Address, password: &Password) -> Result<(), VaultError> {
        let copy = Password::new(password.expose().to_owned());
        let copy = copy.map_err(|_| VaultError::NotAPassword)?;
        within("write", CALL_SECS_MAX, move || enrol(&Entry(address), &copy))?
    }

    fn delete(&self, address: Address) -> Result<(), VaultError> {
        within("clear", CALL_SECS_MAX, move || Entry(address).clear())?
    }
}

struct Entry(Address);

impl Entry {
    fn open(&self) -> Result<keyring::Entry, VaultError> {
        keyring::Entry::new(SERVICE, &entry_name(self.0)).map_err(|e| failure("reach", e))
    }
}

impl Slot for Entry {
    fn read(&self) -> Result<Option<Password>, VaultError> {
        match self.open()?.get_password() {
            Ok(text) => Password::new(text).map(Some).map_err(|_| VaultError::NotAPassword),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(failure("read", error)),
        }
    }

    fn write(&self, password: &Password) -> Result<(), VaultError> {
        self.open()?.set_password(password.expose()).map_err(|e| failure("write", e))
    }

    fn clear(&self) -> Result<(), VaultError> {
        match self.open()?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(failure("clear", error)),
        }
    }
}

/// Two of the library's errors carry what was stored, and print it.
fn failure(op: &'static str, source: keyring::Error) -> VaultError {
    use keyring::Error;

    match source {
        Error::BadEncoding(_) | Error::BadDataFormat(..) => VaultError::NotAPassword,
        source => VaultError::Refused { op, source },
    }
}

/// Runs a call on its own thread: it may block on a bus or a person, and the library must not
/// meet the caller's async runtime. A call that takes too long is left to end with the process.
pub(crate) fn within<T: Send + 'static>(
    op: &'static str,
    secs: u64,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, VaultError> {
    let (sender, receiver) = sync_channel(1);
    let run = move || drop(sender.send(call()));
    let spawned = std::thread::Builder::new().name("os-keyring".to_owned()).spawn(run);
    if spawned.is_err() {
        return Err(VaultError::Call { op });
    }
    receiver.recv_timeout(Duration::from_secs(secs)).map_err(|error| match error {
        RecvTimeoutError::Timeout => VaultError::TimedOut { op, secs },
        RecvTimeoutError::Disconnected => VaultError::Call { op },
    })
}
