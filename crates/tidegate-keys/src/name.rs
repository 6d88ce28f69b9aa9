use std::fmt;
use std::str::FromStr;

use crate::error::KeyError;

/// The longest name of a key, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// The prefix of the name of one of Foundry's keystores.
const FOUNDRY_PREFIX: &str = "foundry:";

/// A key's name, which is also its file's: letters, digits and `._-`, beginning with a letter or
/// digit, so that it is no path and no hidden file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The key's name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let holds = text.len() <= NAME_BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(plain);
        match holds {
            true => Ok(Self(text.to_owned())),
            false => Err(KeyError::Name(text.chars().take(NAME_BYTES_MAX).collect())),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key as configuration names it: `NAME` for one of ours, `foundry:NAME` for Foundry's keystore
/// of that name, used in place and never written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef {
    /// A keystore under `$TIDEGATE_HOME/keys`.
    Own(KeyName),
    /// A keystore of Foundry's.
    Foundry(KeyName),
}

impl FromStr for KeyRef {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text.strip_prefix(FOUNDRY_PREFIX) {
            Some(name) => name.parse().map(Self::Foundry),
            None => text.parse().map(Self::Own),
        }
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(name) => write!(f, "{name}"),
            Self::Foundry(name) => write!(f, "{FOUNDRY_PREFIX}{name}"),
        }
    }
}
