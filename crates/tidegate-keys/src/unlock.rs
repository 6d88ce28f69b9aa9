use std::fmt;

use alloy_primitives::Address;

use crate::error::KeyError;
use crate::keys::Keys;
use crate::keystore::Keystore;
use crate::lines::PasswordLines;
use crate::name::KeyRef;
use crate::secret::{Password, PasswordError};
use crate::signer::KeySigner;
use crate::vault::{PasswordVault, VaultProblem};

/// The most wrong passwords that a person may enter.
const ATTEMPTS_MAX: u32 = 3;

/// The purpose for which a password is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To open the key.
    Open,
    /// To choose the password of a new key.
    Choose,
    /// To enter the chosen one again.
    Repeat,
}

/// A question for a password, as a person is shown it.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRequest<'a> {
    pub key: &'a KeyRef,
    /// The address that its file names.
    pub address: Option<Address>,
    /// The purpose of the question.
    pub purpose: Purpose,
    /// 1, and one more after each wrong password.
    pub attempt: u32,
}

/// Asks a person for a password.
pub type AskPassword<'a> = dyn FnMut(&PasswordRequest<'_>) -> Result<Password, PasswordError> + 'a;

/// The sources of passwords, tried in this order. A source that is `None` is skipped.
#[derive(Default)]
pub struct PasswordSources<'a> {
    /// `--password-fd`. If it is there, nothing else is tried.
    pub lines: Option<&'a mut PasswordLines>,
    /// The OS keyring.
    pub vault: Option<&'a dyn PasswordVault>,
    /// Asks a person; the caller owns the terminal and writes the prompt ([`read_hidden`] reads
    /// the answer). An error ends the attempt.
    pub ask: Option<&'a mut AskPassword<'a>>,
}

/// The source that a password came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFrom {
    /// `--password-fd`.
    Lines,
    /// The OS keyring.
    Vault,
    /// A person: worth an offer to keep it in the OS keyring.
    Person,
}

/// An opened key, and how it was opened.
#[derive(Debug)]
pub struct Unlocked {
    pub signer: KeySigner,
    /// The password that opened it, for the OS keyring if the person wants that.
    pub password: Password,
    /// The source that the password came from.
    pub from: PasswordFrom,
    /// The problem of the OS keyring before another source helped.
    pub vault_problem: Option<VaultProblem>,
}

impl Keys {
    /// Opens a key with the first source that has its password. A wrong password from a
    /// descriptor ends it; one from the OS keyring leads on; a person has three attempts.
    ///
    /// # Errors
    /// [`KeyError::NoPassword`] if no source is left, [`KeyError::Password`] if a source fails,
    /// or as [`Keys::open`].
    pub fn unlock(
        &self,
        key: &KeyRef,
        sources: &mut PasswordSources<'_>,
    ) -> Result<Unlocked, KeyError> {
        let keystore = self.guarded(key)?;
        let open = |password: &Password| self.open_keystore(key, &keystore, password);
        if let Some(lines) = &mut sources.lines {
            let password = lines.next_password().map_err(|e| refused(key, e))?;
            let (signer, from) = (open(&password)?, PasswordFrom::Lines);
            return Ok(Unlocked { signer, password, from, vault_problem: None });
        }
        let vault_problem = match self.unlock_from_vault(key, &keystore, sources.vault)? {
            FromVault::Opened(unlocked) => return Ok(*unlocked),
            FromVault::Nothing => None,
            FromVault::Problem(problem) => Some(problem),
        };
        let Some(ask) = &mut sources.ask else {
            return Err(KeyError::NoPassword { key: key.clone(), vault: vault_problem });
        };
        let mut request = PasswordRequest {
            key,
            address: keystore.address(),
            purpose: Purpose::Open,
            attempt: 1,
        };
        loop {
            let password = ask(&request).map_err(|e| refused(key, e))?;
            match open(&password) {
                Ok(signer) => {
                    let from = PasswordFrom::Person;
                    return Ok(Unlocked { signer, password, from, vault_problem });
                }
                Err(error) if error.is_wrong_password() && request.attempt < ATTEMPTS_MAX => {
                    request.attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A keystore that names no address has no entry, because entries are named by it.
    fn unlock_from_vault(
        &self,
        key: &KeyRef,
        keystore: &Keystore,
        vault: Option<&dyn PasswordVault>,
    ) -> Result<FromVault, KeyError> {
        let (Some(vault), Some(address)) = (vault, keystore.address()) else {
            return Ok(FromVault::Nothing);
        };
        let password = match vault.get(address) {
            Ok(Some(password)) => password,
            Ok(None) => return Ok(FromVault::Nothing),
            Err(error) => return Ok(FromVault::Problem(error.into())),
        };
        match self.open_keystore(key, keystore, &password) {
            Ok(signer) => {
                let (from, vault_problem) = (PasswordFrom::Vault, None);
                let unlocked = Unlocked { signer, password, from, vault_problem };
                Ok(FromVault::Opened(Box::new(unlocked)))
            }
            Err(error) if error.is_wrong_password() => {
                Ok(FromVault::Problem(VaultProblem::Stale(address)))
            }
            Err(error) => Err(error),
        }
    }
}

enum FromVault {
    Opened(Box<Unlocked>),
    Nothing,
    Problem(VaultProblem),
}

/// Gets the password of a new key: a line from the descriptor, or two equal entries of a person.
/// The OS keyring is not asked.
///
/// # Errors
/// [`KeyError::NoPassword`] if neither is there, or [`KeyError::Password`].
pub fn choose_password(
    key: &KeyRef,
    sources: &mut PasswordSources<'_>,
) -> Result<Password, KeyError> {
    let password = match (&mut sources.lines, &mut sources.ask) {
        (Some(lines), _) => lines.next_password().map_err(|e| refused(key, e))?,
        (None, Some(ask)) => {
            let mut entry = |purpose| {
                let request = PasswordRequest { key, address: None, purpose, attempt: 1 };
                ask(&request).map_err(|e| refused(key, e))
            };
            let (first, second) = (entry(Purpose::Choose)?, entry(Purpose::Repeat)?);
            if !first.same_as(&second) {
                return Err(refused(key, PasswordError::Differ));
            }
            first
        }
        (None, None) => return Err(KeyError::NoPassword { key: key.clone(), vault: None }),
    };
    match password.expose().is_empty() {
        true => Err(refused(key, PasswordError::Empty)),
        false => Ok(password),
    }
}

/// Reads one line from the terminal without showing it. The caller writes the prompt before and
/// the line's end after.
///
/// # Errors
/// [`PasswordError::Input`] if there is no terminal, or [`PasswordError::TooLong`].
pub fn read_hidden() -> Result<Password, PasswordError> {
    rpassword::read_password().map_err(PasswordError::Input).and_then(Password::new)
}

fn refused(key: &KeyRef, source: PasswordError) -> KeyError {
    KeyError::Password { key: key.clone(), source }
}

impl fmt::Debug for PasswordSources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordSources")
            .field("lines", &self.lines)
            .field("vault", &self.vault.is_some())
            .field("ask", &self.ask.is_some())
            .finish()
    }
}
