//! The long version of a compiler, which is asked for once and then known by its digest.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, hex};
use semver::Version;

use crate::builds;
use crate::driver::{Driver, DriverError};
use crate::files::{self, Access};

/// The most bytes of a long version.
const LONG_VERSION_BYTES_MAX: u64 = 256;

const LABEL: &str = "Version: ";

/// A compiler's version as it says it, such as `0.8.30+commit.73712a01.Linux.g++`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LongVersion {
    pub(crate) text: String,
    /// The same as numbers, without the part behind the `+`.
    pub(crate) plain: Version,
}

impl LongVersion {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // A semantic version has no further `+`, and the platform of one compiler is `Linux.g++`.
        let parsed = Version::parse(&text.replace("g++", "gcc")).ok()?;
        let plain = Version { build: semver::BuildMetadata::EMPTY, ..parsed };
        Some(Self { text: text.to_owned(), plain })
    }

    /// The version that the table has for an official build, or else the one that the cache keeps
    /// for a compiler of this digest, or else the one that the compiler says. What is kept is only
    /// believed in what it is named after; that the compiler is really this one, it says in the
    /// metadata of each contract.
    pub(crate) fn of(driver: &Driver, sha256: B256, cache_dir: &Path) -> Result<Self, DriverError> {
        if let Some(known) = builds::official(sha256).and_then(|text| Self::parse(&text)) {
            return Ok(known);
        }
        let labelled = |answer: &str| {
            let said = answer.lines().find_map(|line| line.strip_prefix(LABEL))?;
            Self::parse(said.trim())
        };
        Self::kept_or_said(&kept_at(sha256, cache_dir), driver, Self::parse, labelled)
    }

    /// The version of Vyper, which says nothing else.
    pub(crate) fn of_vyper(driver: &Driver, kept: &Path) -> Result<Self, DriverError> {
        let read = |answer: &str| Self::parse_python(answer.trim());
        Self::kept_or_said(kept, driver, read, read)
    }

    /// Python writes prereleases without a hyphen: `0.4.1rc3+commit.1`.
    fn parse_python(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| {
            let at = text.find(|c: char| c.is_ascii_lowercase())?;
            let plain = Self::parse(&format!("{}-{}", &text[..at], &text[at..]))?.plain;
            Some(Self { text: text.to_owned(), plain })
        })
    }

    fn kept_or_said(
        path: &Path,
        driver: &Driver,
        parse: impl Fn(&str) -> Option<Self>,
        read: impl Fn(&str) -> Option<Self>,
    ) -> Result<Self, DriverError> {
        let kept = files::read_text(path, LONG_VERSION_BYTES_MAX).ok();
        if let Some(version) = kept.and_then(|text| parse(text.strip_suffix('\n')?)) {
            return Ok(version);
        }
        let version = Self::said(driver, read)?;
        let line = format!("{}\n", version.text);
        if let Err(error) = files::write(path, line.as_bytes(), Access::Data) {
            tracing::warn!(%error, "a compiler's version is not kept");
        }
        Ok(version)
    }

    fn said(driver: &Driver, read: impl Fn(&str) -> Option<Self>) -> Result<Self, DriverError> {
        let answer = driver.version_text()?;
        read(&answer).ok_or(DriverError::NotUnderstood { text: answer })
    }

    /// Whether this is the compiler that calls itself so in metadata, where it leaves its
    /// platform out.
    pub(crate) fn is_called(&self, in_metadata: &str) -> bool {
        let rest = self.text.strip_prefix(in_metadata);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The file in which the cache keeps the version of a compiler.
pub(crate) fn kept_at(sha256: B256, cache_dir: &Path) -> PathBuf {
    cache_dir.join(format!("solc-{}.version", hex::encode(sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_leaves_the_platform_out() {
        let version = LongVersion::parse("0.8.30+commit.73712a01.Linux.g++").unwrap();
        assert_eq!(version.plain, Version::new(0, 8, 30));
        for (name, expected) in [
            ("0.8.30+commit.73712a01", true),
            ("0.8.30+commit.73712a01.Linux.g++", true),
            ("0.8.30+commit.73712a0", false),
            ("0.8.3", false),
            ("0.8.31+commit.73712a01", false),
        ] {
            assert_eq!(version.is_called(name), expected, "{name}");
        }
        let nightly = LongVersion::parse("0.8.31-nightly.2025.8.1+commit.1.Linux.g++").unwrap();
        assert!(nightly.is_called("0.8.31-nightly.2025.8.1+commit.1"));
        assert_eq!(LongVersion::parse("0.8.30 or so"), None);
        let python = LongVersion::parse_python("0.4.1rc3+commit.1").unwrap();
        assert_eq!(python.plain, Version::parse("0.4.1-rc3").unwrap());
        assert_eq!(LongVersion::parse_python("hello"), None);
    }
}
