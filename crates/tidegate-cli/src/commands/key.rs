//! `tidegate key`: the keys of whoever runs this.

use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use clap::{Args, Subcommand};
use tidegate_app::error::{AppError, AppResult, Kind, OrKind};
use tidegate_app::settings::Environment;
use tidegate_app::view::{KeyView, KeysView, ListedKeyView};
use tidegate_keys::{KeyName, OsKeyring, OtherSecret, Password, PasswordVault, PrivateKey};
use tidegate_model::address::parse_address;
use tidegate_store::read_limited;

use crate::options::Global;
use crate::signer::{self, OrKey};
use crate::ui::Ui;

/// The largest file a key is imported from, in bytes.
const IMPORT_BYTES_MAX: u64 = 64 * 1024;

/// Create, import, list and remove keys
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key
    New(NameArgs),
    /// Import a key from a keystore file or a file with hexadecimal digits
    Import(ImportArgs),
    /// List keys and their addresses
    List,
    /// Remove a key for good
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The key's name
    name: String,
    /// Keep the password in the OS keyring
    #[arg(long)]
    remember: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The key's name
    name: String,
    /// The file, or `-` for standard input; keys are never read from arguments
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Keep the password in the OS keyring
    #[arg(long)]
    remember: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The key's name
    name: String,
    /// The key's address, as confirmation
    #[arg(long, value_parser = parse_address)]
    address: Address,
}

pub(crate) fn run(
    ui: &Ui,
    env: &Environment,
    global: &Global,
    command: &KeyCommand,
) -> AppResult<u8> {
    match command {
        KeyCommand::New(args) => new(ui, env, global, args)?,
        KeyCommand::Import(args) => import(ui, env, global, args)?,
        KeyCommand::List => list(ui, env)?,
        KeyCommand::Remove(args) => {
            let name: KeyName = args.name.parse().or_key()?;
            signer::refuse_dry(global, &args.name)?;
            signer::keys(env)?.remove(&name, args.address).or_key()?;
            if let Ok(keyring) = OsKeyring::probe() {
                keyring.delete(args.address).or_kind(Kind::Keys)?;
            }
            shown(ui, "removed", &args.name, args.address);
        }
    }
    Ok(0)
}

fn new(ui: &Ui, env: &Environment, global: &Global, args: &NameArgs) -> AppResult {
    let name: KeyName = args.name.parse().or_key()?;
    let password = signer::choose(ui, global, &args.name)?;
    let keyring = keyring(args.remember)?;
    let address = signer::keys(env)?.create(&name, &password).or_key()?;
    remember(keyring.as_ref(), address, &password)?;
    shown(ui, "made", &args.name, address);
    Ok(())
}

/// The OS keyring, where a password is to be kept in it: asked before a key is made.
fn keyring(remember: bool) -> AppResult<Option<OsKeyring>> {
    if !remember {
        return Ok(None);
    }
    let keyring = OsKeyring::probe().or_kind(Kind::Keys).map_err(|error| {
        error.hint("leave --remember out: the password is asked for, or comes by --password-fd")
    })?;
    Ok(Some(keyring))
}

fn remember(keyring: Option<&OsKeyring>, address: Address, password: &Password) -> AppResult {
    match keyring {
        Some(keyring) => keyring.set(address, password).or_kind(Kind::Keys),
        None => Ok(()),
    }
}

fn import(ui: &Ui, env: &Environment, global: &Global, args: &ImportArgs) -> AppResult {
    let name: KeyName = args.name.parse().or_key()?;
    let typed = args.from.to_string_lossy();
    let digits = typed.trim_start_matches("0x");
    if digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(AppError::new(Kind::Keys, "that looks like a private key, not like a file")
            .hint("a shell keeps what is typed: treat the key as known to others"));
    }
    if OtherSecret::of(&typed) == Some(OtherSecret::Mnemonic) {
        return Err(AppError::new(
            Kind::Keys,
            "that looks like a recovery phrase, not like a file",
        )
        .hint("a shell keeps what is typed: treat all accounts of this wallet as known"));
    }
    let path = if args.from.as_os_str() == "-" { "/dev/stdin".into() } else { args.from.clone() };
    let bytes = if args.from.as_os_str() == "-" {
        read_stdin()?
    } else {
        read_limited(&path, IMPORT_BYTES_MAX).or_kind(Kind::Keys)?
    };
    let keys = signer::keys(env)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| no_key())?.trim();
    let address = if text.starts_with('{') {
        if let Some(other) = OtherSecret::of(text) {
            let why = format!("what was given is {other}, and not a keystore of version 3");
            return Err(AppError::new(Kind::Keys, why).hint(other.hint()));
        }
        let password = signer::choose(ui, global, &args.name)?;
        let keyring = keyring(args.remember)?;
        let address = keys.import_keystore(&name, &bytes, &password).or_key()?;
        remember(keyring.as_ref(), address, &password)?;
        address
    } else {
        // Nobody chooses a password for what is no key.
        let key = PrivateKey::parse(text).map_err(|_| match OtherSecret::of(text) {
            Some(other) => {
                AppError::new(Kind::Keys, format!("what was given is {other}, no private key"))
                    .hint(other.hint())
            }
            None => no_key(),
        })?;
        let password = signer::choose(ui, global, &args.name)?;
        let keyring = keyring(args.remember)?;
        let address = keys.import(&name, &key, &password).or_key()?;
        remember(keyring.as_ref(), address, &password)?;
        address
    };
    warn_of_copy(ui, &path);
    shown(ui, "imported", &args.name, address);
    Ok(())
}

/// A copy of a key that others may read is known to them, however well the imported one is kept.
fn warn_of_copy(ui: &Ui, path: &Path) {
    if path.is_file() && tidegate_keys::is_shared(path) {
        ui.warn(format!(
            "others on this machine may read {0}, and may have read the key: delete it, or run \
             `chmod 600 {0}`",
            path.display()
        ));
    }
}

/// The error of what neither form can be read from; it shows nothing of it.
fn no_key() -> AppError {
    AppError::new(Kind::Keys, "what was given is no private key")
        .hint("a key is a keystore of version 3, or 64 hexadecimal digits with or without 0x")
}

fn read_stdin() -> AppResult<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::io::stdin().take(IMPORT_BYTES_MAX).read_to_end(&mut bytes).or_kind(Kind::Keys)?;
    Ok(bytes)
}

fn list(ui: &Ui, env: &Environment) -> AppResult {
    let keys = signer::keys(env)?.list().or_key()?;
    if keys.is_empty() {
        ui.note("no keys yet; create one with `tidegate key new NAME`");
    }
    let address = |info: &tidegate_keys::KeyInfo| match &info.address {
        Ok(Some(address)) => address.to_string(),
        Ok(None) => "(shown when opened)".to_owned(),
        Err(error) => format!("(unreadable: {error})"),
    };
    for info in &keys {
        ui.line(format!("{:<20} {}", info.key.to_string(), address(info)));
        if info.readable_by_others {
            let path = info.path.display();
            ui.warn(format!(
                "others may read or write it, so it does not sign: `chmod 600 {path}`"
            ));
        }
    }
    let keys = keys
        .iter()
        .map(|info| ListedKeyView {
            name: info.key.to_string(),
            address: address(info),
            readable_by_others: info.readable_by_others,
        })
        .collect();
    ui.result(&KeysView { keys });
    Ok(())
}

fn shown(ui: &Ui, verb: &str, name: &str, address: Address) {
    ui.line(format!("{verb} {name} {address}"));
    ui.result(&KeyView { name: name.to_owned(), address });
}
