use std::fs::{DirBuilder, File, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::keystore::{KEYSTORE_BYTES_MAX, Keystore, KeystoreError, encrypt};
use crate::name::{KeyName, KeyRef};
use crate::secret::{Password, PasswordError, PrivateKey};
use crate::signer::KeySigner;

/// The most entries a folder of keys may have.
const ENTRIES_MAX: usize = 10_000;

/// The keys of one person. Nothing is read or created before a method is called.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `$TIDEGATE_HOME`; keystores lie in its folder `keys`.
    pub home: PathBuf,
    /// Foundry's folder of keystores, for `foundry:NAME`. It is only read.
    pub foundry_dir: Option<PathBuf>,
}

/// The facts about a key that need no password.
#[derive(Debug)]
pub struct KeyInfo {
    /// Its name, which says where it comes from.
    pub key: KeyRef,
    /// Its file.
    pub path: PathBuf,
    /// The address that its file names (a claim until it is opened), `None` where it names none
    /// (Foundry's do not), or why the file is no usable keystore.
    pub address: Result<Option<Address>, KeyError>,
    /// Whether others on this machine may read the file (mode beyond 0700): it is not opened.
    pub readable_by_others: bool,
}

impl Keys {
    /// Draws a new key and keeps it under `name`. Returns its address.
    ///
    /// # Effects
    /// Creates `keys/<name>.json` with mode 0600, durably.
    ///
    /// # Errors
    /// [`KeyError::Exists`], [`KeyError::Password`] if the password is empty, or the failure to
    /// draw, encrypt or write.
    pub fn create(&self, name: &KeyName, password: &Password) -> Result<Address, KeyError> {
        let fail = |source| KeyError::Import { name: name.clone(), source };
        let key = PrivateKey::random().map_err(fail)?;
        self.import(name, &key, password)
    }

    /// Keeps an existing key under `name`. Returns its address.
    ///
    /// # Effects
    /// As [`Keys::create`].
    ///
    /// # Errors
    /// As [`Keys::create`].
    pub fn import(
        &self,
        name: &KeyName,
        key: &PrivateKey,
        password: &Password,
    ) -> Result<Address, KeyError> {
        let path = self.own_path(name);
        if path.symlink_metadata().is_ok() {
            return Err(KeyError::Exists(name.clone()));
        }
        if password.expose().is_empty() {
            let key = KeyRef::Own(name.clone());
            return Err(KeyError::Password { key, source: PasswordError::Empty });
        }
        let fail = |source| KeyError::Import { name: name.clone(), source };
        let text = encrypt(key, password).map_err(fail)?;
        write_new(name, &path, text.as_bytes())?;
        Ok(key.address())
    }

    /// Keeps the key of somebody's keystore under `name`, encrypted anew under the same password
    /// with this program's parameters. Returns its address.
    ///
    /// # Effects
    /// As [`Keys::create`].
    ///
    /// # Errors
    /// As [`Keys::create`], and [`KeyError::Import`] if the keystore does not open.
    pub fn import_keystore(
        &self,
        name: &KeyName,
        json: &[u8],
        password: &Password,
    ) -> Result<Address, KeyError> {
        let fail = |source| KeyError::Import { name: name.clone(), source };
        let key = Keystore::parse(json).and_then(|k| k.decrypt(password)).map_err(fail)?;
        self.import(name, &key, password)
    }

    /// All keys, ours first, each sorted by name. A file that is no keystore stands in the list
    /// with its error; names that no key can have are skipped.
    ///
    /// # Errors
    /// [`KeyError::Read`] or [`KeyError::TooMany`] for a folder; a missing folder is empty.
    pub fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        let own = file_names(&self.own_dir())?.into_iter();
        let own = own.filter_map(|name| name.strip_suffix(".json")?.parse().map(KeyRef::Own).ok());
        let foundry = match &self.foundry_dir {
            Some(dir) => file_names(dir)?,
            None => Vec::new(),
        };
        let foundry = foundry.iter().filter_map(|name| name.parse().map(KeyRef::Foundry).ok());
        own.chain(foundry).map(|key| self.info(key)).collect()
    }

    /// The address that the key's file names, without its password: a claim until it is opened.
    /// `None` if the file names none.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::NoFoundryFolder`], [`KeyError::Read`], or
    /// [`KeyError::Keystore`] if the file is no usable keystore.
    pub fn address_of(&self, key: &KeyRef) -> Result<Option<Address>, KeyError> {
        Ok(self.keystore(key)?.address())
    }

    /// Checks that a key may be opened, before anybody types its password.
    ///
    /// # Errors
    /// As [`Keys::open`], but for the password.
    pub fn check(&self, key: &KeyRef) -> Result<(), KeyError> {
        self.guarded(key).map(drop)
    }

    /// Decrypts a key. It takes about a second and 256 MiB, on purpose.
    ///
    /// # Errors
    /// As [`Keys::address_of`], [`KeyError::Shared`] or [`KeyError::Weak`].
    pub fn open(&self, key: &KeyRef, password: &Password) -> Result<KeySigner, KeyError> {
        self.open_keystore(key, &self.guarded(key)?, password)
    }

    /// Removes one of our keys, if `repeated` is its address. **The key is gone for good**; what
    /// the OS keyring holds for it is the caller's to delete.
    ///
    /// # Effects
    /// Deletes `keys/<name>.json`, durably.
    ///
    /// # Errors
    /// [`KeyError::NotRepeated`] or [`KeyError::NoAddress`], as [`Keys::address_of`], or
    /// [`KeyError::Write`].
    pub fn remove(&self, name: &KeyName, repeated: Address) -> Result<(), KeyError> {
        let actual = match self.address_of(&KeyRef::Own(name.clone())) {
            Err(KeyError::Missing { .. }) => return Err(KeyError::NothingToRemove(name.clone())),
            found => found?.ok_or_else(|| KeyError::NoAddress(name.clone()))?,
        };
        if actual != repeated {
            return Err(KeyError::NotRepeated { name: name.clone(), actual, repeated });
        }
        let path = self.own_path(name);
        std::fs::remove_file(&path).map_err(|source| KeyError::Write { path, source })?;
        sync_folder(&self.own_dir())
    }

    /// A keystore that keeps its key: nobody else reads it, and guessing costs something. One that
    /// does not is imported, which encrypts it anew, and never opened to sign.
    pub(crate) fn guarded(&self, key: &KeyRef) -> Result<Keystore, KeyError> {
        let keystore = self.keystore(key)?;
        let path = self.path(key)?;
        let metadata = path.metadata();
        let shared = metadata.map_err(|source| KeyError::Read { path: path.clone(), source })?;
        if is_readable_by_others(&shared) {
            return Err(KeyError::Shared { key: key.clone(), path });
        }
        if keystore.is_weak() {
            return Err(KeyError::Weak { key: key.clone(), path });
        }
        Ok(keystore)
    }

    pub(crate) fn keystore(&self, key: &KeyRef) -> Result<Keystore, KeyError> {
        let json = read_keystore(key, &self.path(key)?)?;
        Keystore::parse(&json).map_err(|source| KeyError::Keystore { key: key.clone(), source })
    }

    pub(crate) fn open_keystore(
        &self,
        key: &KeyRef,
        keystore: &Keystore,
        password: &Password,
    ) -> Result<KeySigner, KeyError> {
        match keystore.decrypt(password) {
            Ok(private) => Ok(KeySigner::new(key.clone(), &private)),
            Err(source) => Err(KeyError::Keystore { key: key.clone(), source }),
        }
    }

    fn info(&self, key: KeyRef) -> Result<KeyInfo, KeyError> {
        let path = self.path(&key)?;
        let address = self.address_of(&key);
        let readable_by_others = path.metadata().is_ok_and(|m| is_readable_by_others(&m));
        Ok(KeyInfo { key, path, address, readable_by_others })
    }

    fn path(&self, key: &KeyRef) -> Result<PathBuf, KeyError> {
        match (key, &self.foundry_dir) {
            (KeyRef::Own(name), _) => Ok(self.own_path(name)),
            (KeyRef::Foundry(name), Some(dir)) => Ok(dir.join(name.as_str())),
            (KeyRef::Foundry(_), None) => Err(KeyError::NoFoundryFolder(key.clone())),
        }
    }

    fn own_path(&self, name: &KeyName) -> PathBuf {
        self.own_dir().join(format!("{name}.json"))
    }

    fn own_dir(&self) -> PathBuf {
        self.home.join("keys")
    }
}

/// Reads within the limit. The kind is looked up first, because opening a pipe would wait.
fn read_keystore(key: &KeyRef, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let fail = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => KeyError::Missing { key: key.clone(), path: path.to_path_buf() },
        _ => KeyError::Read { path: path.to_path_buf(), source },
    };
    // A link could lead to a file that others write.
    if !path.symlink_metadata().map_err(fail)?.is_file() {
        return Err(fail(std::io::Error::other("it is a link, or no regular file")));
    }
    let mut json = Zeroizing::new(Vec::new());
    let limit = KEYSTORE_BYTES_MAX as u64 + 1;
    File::open(path).map_err(fail)?.take(limit).read_to_end(&mut json).map_err(fail)?;
    if json.len() > KEYSTORE_BYTES_MAX {
        let source = KeystoreError::TooLarge { bytes_max: KEYSTORE_BYTES_MAX };
        return Err(KeyError::Keystore { key: key.clone(), source });
    }
    Ok(json)
}

/// Writes a temporary file of mode 0600, syncs it and gives it its name only if that is free.
fn write_new(name: &KeyName, path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let fail = |source| KeyError::Write { path: path.to_path_buf(), source };
    let folder = path.parent().expect("a keystore's path has a folder");
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(fail)?;
    let mut temp = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder).map_err(fail)?;
    temp.write_all(bytes).and_then(|()| temp.as_file().sync_all()).map_err(fail)?;
    match temp.persist_noclobber(path) {
        Ok(_) => sync_folder(folder),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            Err(KeyError::Exists(name.clone()))
        }
        Err(error) => Err(fail(error.error)),
    }
}

fn sync_folder(folder: &Path) -> Result<(), KeyError> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| KeyError::Write { path: folder.to_path_buf(), source })
}

fn file_names(folder: &Path) -> Result<Vec<String>, KeyError> {
    let fail = |source| KeyError::Read { path: folder.to_path_buf(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(fail(source)),
    };
    let mut names = Vec::new();
    for (count, entry) in entries.enumerate() {
        if count >= ENTRIES_MAX {
            let (path, entries_max) = (folder.to_path_buf(), ENTRIES_MAX);
            return Err(KeyError::TooMany { path, entries_max });
        }
        let entry = entry.map_err(fail)?;
        if let (Ok(true), Ok(name)) =
            (entry.path().metadata().map(|m| m.is_file()), entry.file_name().into_string())
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether others on this machine may read or write a file, where it is there.
pub fn is_shared(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| is_readable_by_others(&metadata))
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Metadata) -> bool {
    false
}
