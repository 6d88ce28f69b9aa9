//! Which compilers may run: official builds by SHA-256, and those that a person trusts.

use std::collections::BTreeSet;
use std::path::Path;

use alloy_primitives::{B256, hex};
use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};

/// Official builds, one a line: digest, platform, long version, and where the digest is from.
const OFFICIAL: &str = include_str!("builds.txt");

/// The format version of the file of trusted compilers.
const VERSION: u32 = 1;
/// The most compilers that one person trusts.
const TRUSTED_MAX: usize = 1_000;
/// The most bytes of their file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The table's row for a digest: platform, long version and origin.
fn line(sha256: B256) -> Option<[&'static str; 3]> {
    let digits = hex::encode(sha256);
    let rest = OFFICIAL.lines().find_map(|line| line.strip_prefix(&digits))?;
    let mut words = rest.split_whitespace();
    Some([words.next()?, words.next()?, words.next()?])
}

/// The publisher of the official compiler with this SHA-256, `solc-bin` or `npm`. `None` if it is
/// not an official build: then it ran because a person trusts its digest.
pub fn published_by(sha256: B256) -> Option<&'static str> {
    line(sha256).map(|[_, _, origin]| origin)
}

/// The long version of an official build of solc, as it says it itself.
pub(crate) fn official(sha256: B256) -> Option<String> {
    let [platform, version, _] = line(sha256)?;
    let platform = match platform {
        "wasm" => "Emscripten.clang",
        "linux" => "Linux.g++",
        _ => "Darwin.appleclang",
    };
    Some(format!("{version}.{platform}"))
}

/// The compilers beside the official ones that a person lets run, by digest: of a program its
/// SHA-256, of Vyper the one over all files of its environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted(BTreeSet<B256>);

/// A list of trusted compilers that is refused.
#[derive(Debug, thiserror::Error)]
pub enum TrustedError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It cannot be written.
    #[error("cannot write the list of trusted compilers")]
    Write(#[source] Box<toml::ser::Error>),
    /// It has another shape.
    #[error("cannot read the list of trusted compilers")]
    Read(#[source] Box<toml::de::Error>),
    /// A version that this program does not know.
    #[error("cannot read the list of trusted compilers: version {0} is not supported")]
    Version(u32),
    #[error("cannot read the list of trusted compilers: it has more than {TRUSTED_MAX}")]
    TooMany,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    sha256: BTreeSet<B256>,
}

impl Trusted {
    /// Reads the file; a missing one trusts nothing.
    ///
    /// # Errors
    /// If it is no such file.
    pub fn load(path: &Path) -> Result<Self, TrustedError> {
        match path.exists() {
            true => Self::parse(&files::read_text(path, FILE_BYTES_MAX)?),
            false => Ok(Self::default()),
        }
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never in practice; the encoder's error is passed on.
    pub fn to_text(&self) -> Result<String, TrustedError> {
        let file = File { version: VERSION, sha256: self.0.clone() };
        toml::to_string(&file).map_err(|e| TrustedError::Write(Box::new(e)))
    }

    fn parse(text: &str) -> Result<Self, TrustedError> {
        let file: File = toml::from_str(text).map_err(|e| TrustedError::Read(Box::new(e)))?;
        if file.version != VERSION {
            return Err(TrustedError::Version(file.version));
        }
        if file.sha256.len() > TRUSTED_MAX {
            return Err(TrustedError::TooMany);
        }
        Ok(Self(file.sha256))
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, sha256: B256) -> Self {
        self.0.insert(sha256);
        self
    }

    pub(crate) fn holds(&self, sha256: B256) -> bool {
        self.0.contains(&sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::LongVersion;

    #[test]
    fn the_table_has_one_line_a_build_that_says_where_it_is_from() {
        let mut digests = BTreeSet::new();
        let lines = OFFICIAL.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            let [digest, platform, version, origin] = words.as_slice() else { panic!("{line}") };
            assert!(["wasm", "linux", "macos"].contains(platform), "{line}");
            assert!(["solc-bin", "npm"].contains(origin), "{line}");
            let digest: B256 = digest.parse().unwrap();
            assert!(digests.insert(digest), "{line}");
            assert_eq!(published_by(digest), Some(*origin));
            let known = LongVersion::parse(&official(digest).unwrap()).unwrap();
            assert!(known.is_called(version), "{line}");
        }
        assert!(digests.len() > 200);
        assert_eq!(official(B256::ZERO), None);
        assert_eq!(published_by(B256::ZERO), None);
    }

    #[test]
    fn a_list_of_trusted_compilers_is_read_as_it_is_written() {
        let digest = B256::repeat_byte(7);
        let trusted = Trusted::default().with(digest).with(digest);
        assert_eq!(Trusted::load(Path::new("/no/such/file")).unwrap(), Trusted::default());
        let read = Trusted::parse(&trusted.to_text().unwrap()).unwrap();
        assert!(read == trusted && read.holds(digest) && !read.holds(B256::ZERO));
        assert!(matches!(
            Trusted::parse("version = 2\nsha256 = []"),
            Err(TrustedError::Version(2))
        ));
        assert!(Trusted::parse("version = 1\nsha256 = [\"0x12\"]").is_err());
    }
}
