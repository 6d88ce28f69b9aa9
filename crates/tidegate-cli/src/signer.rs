//! Opening a key: which one, and with which password.

use std::sync::OnceLock;

use alloy_primitives::{Address, B256, Signature};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::settings::Environment;
use tidegate_keys::{
    KeyError, KeyRef, KeySigner, Keys, OsKeyring, PasswordLines, PasswordRequest, PasswordSources,
    PasswordVault, Purpose, read_hidden,
};
use tidegate_model::ports::{DigestSigner, SignError};

use crate::context::Context;
use crate::options::Global;
use crate::ui::Ui;

/// The keys of whoever runs this.
pub(crate) fn keys(env: &Environment) -> AppResult<Keys> {
    let home = env.tidegate_home().ok_or_else(|| {
        AppError::new(Kind::Keys, "there is no home directory for keys")
            .hint("set TIDEGATE_HOME to the folder that holds `keys/`")
    })?;
    Ok(Keys { home, foundry_dir: env.foundry_home().map(|home| home.join("keystores")) })
}

/// The address that a key's file names; `None` where it names none, as Foundry's do.
pub(crate) fn address_of(env: &Environment, name: &str) -> AppResult<Option<Address>> {
    keys(env)?.address_of(&name.parse::<KeyRef>().or_key()?).or_key()
}

/// The key of `--as`, or the one that the project names for this.
pub(crate) fn named<'a>(global: &'a Global, default: Option<&'a str>) -> AppResult<&'a str> {
    global.signer.as_deref().or(default).ok_or_else(|| {
        AppError::usage("no key is named to sign this")
            .hint("name a key with --as KEY; `tidegate key list` shows yours")
    })
}

/// A dry run has no key, whoever asks.
pub(crate) fn refuse_dry(global: &Global, name: &str) -> AppResult {
    if global.dry_run { Err(AppError::dry_run(format!("open key `{name}`"))) } else { Ok(()) }
}

/// Opens a key with the password of `--password-fd`, the OS keyring, or a person.
pub(crate) fn open(
    ui: &Ui,
    env: &Environment,
    global: &Global,
    name: &str,
) -> AppResult<KeySigner> {
    let key: KeyRef = name.parse::<KeyRef>().or_key()?;
    refuse_dry(global, name)?;
    let keys = keys(env)?;
    if let Some(fd) = global.password_fd {
        let mut lines = PasswordLines::from_fd(fd).or_kind(Kind::Keys)?;
        let mut sources = PasswordSources { lines: Some(&mut lines), ..Default::default() };
        return Ok(keys.unlock(&key, &mut sources).or_key()?.signer);
    }
    let keyring = OsKeyring::probe();
    if let (Err(why), true) = (&keyring, ui.interactive()) {
        ui.note(format!("no OS keyring here ({why}); passwords are asked for"));
    }
    let mut ask = |request: &PasswordRequest<'_>| {
        let again = if request.attempt > 1 { " (wrong, again)" } else { "" };
        ui.note(format!("Password of key `{}`{again}:", request.key));
        ui.at_terminal(read_hidden)
    };
    let mut sources = PasswordSources {
        lines: None,
        vault: keyring.as_ref().ok().map(|keyring| keyring as &dyn PasswordVault),
        ask: if ui.interactive() { Some(&mut ask) } else { None },
    };
    Ok(keys.unlock(&key, &mut sources).or_key()?.signer)
}

/// Chooses the password of a new key.
pub(crate) fn choose(ui: &Ui, global: &Global, name: &str) -> AppResult<tidegate_keys::Password> {
    let key: KeyRef = name.parse::<KeyRef>().or_key()?;
    refuse_dry(global, name)?;
    let mut lines = match global.password_fd {
        Some(fd) => Some(PasswordLines::from_fd(fd).or_kind(Kind::Keys)?),
        None => None,
    };
    let mut ask = |request: &PasswordRequest<'_>| {
        let again = if request.purpose == Purpose::Repeat { ", again" } else { "" };
        ui.note(format!("New password of key `{}`{again}:", request.key));
        ui.at_terminal(read_hidden)
    };
    let mut sources = PasswordSources {
        lines: lines.as_mut(),
        vault: None,
        ask: if ui.interactive() { Some(&mut ask) } else { None },
    };
    tidegate_keys::choose_password(&key, &mut sources).or_key()
}

/// A key that is opened when it first signs, so that nobody types a password for what is then
/// refused.
#[derive(Debug)]
pub(crate) struct LazySigner {
    name: String,
    address: Address,
    ui: Ui,
    env: Environment,
    global: Global,
    opened: OnceLock<KeySigner>,
}

impl LazySigner {
    /// The key of this name; only its address is read. One whose file names no address is opened
    /// at once.
    pub(crate) fn new(ui: &Ui, env: &Environment, global: &Global, name: &str) -> AppResult<Self> {
        let opened = OnceLock::new();
        // Whose key is elsewhere signs elsewhere.
        let elsewhere =
            name.parse::<Address>().ok().filter(|_| global.typed_data.is_some() || global.dry_run);
        let known = match elsewhere {
            Some(address) => Some(address),
            None => {
                keys(env)?.check(&name.parse().or_key()?).or_key()?;
                address_of(env, name)?
            }
        };
        let address = match known {
            Some(address) => address,
            None => {
                let signer = open(ui, env, global, name)?;
                opened.get_or_init(|| signer).address()
            }
        };
        let (ui, env, global) = (ui.clone(), env.clone(), global.clone());
        Ok(Self { name: name.to_owned(), address, ui, env, global, opened })
    }
}

impl DigestSigner for LazySigner {
    fn address(&self) -> Address {
        self.address
    }

    fn sign_digest(&self, digest: &B256) -> Result<Signature, SignError> {
        let refuse = |source: Box<dyn std::error::Error + Send + Sync>| SignError {
            address: self.address,
            source,
        };
        let signer = match self.opened.get() {
            Some(signer) => signer,
            None => {
                let signer = open(&self.ui, &self.env, &self.global, &self.name)
                    .map_err(|error| refuse(error.to_string().into()))?;
                self.opened.get_or_init(|| signer)
            }
        };
        if signer.address() != self.address {
            return Err(refuse("its keystore names another address".into()));
        }
        signer.sign_digest(digest)
    }
}

/// The key of `--as`, or the one that the project names for this.
pub(crate) fn signer(context: &Context, default: Option<&str>) -> AppResult<LazySigner> {
    let key = named(&context.global, default)?;
    LazySigner::new(&context.ui, &context.env, &context.global, key)
}

/// Gives an error of a key what to do about it.
pub(crate) trait OrKey<T> {
    fn or_key(self) -> AppResult<T>;
}

impl<T> OrKey<T> for Result<T, KeyError> {
    fn or_key(self) -> AppResult<T> {
        self.map_err(|error| {
            let hint = error.hint();
            let error = AppError::new(Kind::Keys, error);
            hint.into_iter().fold(error, |error, hint| error.hint(hint))
        })
    }
}
