//! A bundle: one file for a release, its soak and its proposals, checked without our store.
//!
//! The first line names the format and keccak256 of the rest; the rest is canonical JSON. So no
//! byte can be changed by accident. Against somebody who repairs that digest stand the inner
//! ones: every statement has its signature, the release its roots, and what is content-addressed
//! its name. All else is a claim, which [`Bundle::claims`] names: it counts only as far as a
//! chain confirms it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};
use tidegate_model::digest::{JcsError, jcs};
use tidegate_model::masks::MaskError;
use tidegate_model::release::{Artifact, Release, Roots};
use tidegate_model::shared::SharedFile;
use tidegate_model::statement::{SignedStatement, StatementError};

/// The most bytes of a bundle.
pub const BUNDLE_BYTES_MAX: u64 = 256 << 20;
/// The most files in one.
const FILES_MAX: usize = 100_000;

const FORMAT: &str = "tidegate-bundle/1 ";

/// The file that tells what the project is.
pub const CONFIG: &str = "tidegate.toml";

/// Fields of a release that are in none of its digests.
const OF_RELEASE: [&str; 4] = ["name", "project", "compilers", "v"];
/// Fields of its contracts that are in no digest.
const OF_CONTRACTS: [&str; 1] = ["functions"];

/// Fields of the contracts that upgrades start from that are in a digest.
const OF_REFERENCES: [&str; 7] =
    ["fqn", "abi", "layout", "layout_notes", "creation", "runtime", "immutables"];

/// A release with everything that speaks of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Bundle {
    pub release: Release,
    /// Contracts that externals are created from on test stages; outside the plan.
    pub mocks: BTreeMap<String, Artifact>,
    /// The release's digests.
    pub roots: Roots,
    /// Every statement, sorted by digest.
    pub statements: Vec<SignedStatement>,
    /// `tidegate.toml`, and every other shared file below `deployments/`, by path.
    pub files: BTreeMap<String, String>,
}

/// A bundle that is refused.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is another file, or of another version.
    #[error("cannot read the bundle: it does not begin with `{}`", FORMAT.trim())]
    Format,
    #[error(
        "cannot read the bundle: its content has digest {found}, and its first line names {named}"
    )]
    Digest {
        /// The digest it names.
        named: String,
        /// The digest it has.
        found: B256,
    },
    /// Its content has another form.
    #[error("cannot read the bundle")]
    Shape(#[source] serde_json::Error),
    /// The same could be written in another way.
    #[error("cannot read the bundle: it is not in canonical form")]
    NotCanonical,
    /// The release is not the one that it names.
    #[error("cannot read the bundle: the release does not have the digests that are named")]
    Roots,
    /// More of a contract's code is left open than its compiler does.
    #[error("cannot read the bundle")]
    Mask(#[from] MaskError),
    /// A statement's signature does not hold.
    #[error("cannot read the bundle")]
    Statement(#[from] StatementError),
    /// Statements are doubled, or not in order.
    #[error("cannot read the bundle: its statements are not in the order of their digests")]
    Order,
    /// A file would lie elsewhere, or is of no kind that a team shares.
    #[error("cannot read the bundle: {0:?} is not a place for one of its files")]
    Path(String),
    /// A file is not what its name says.
    #[error("cannot read the bundle: {0} is not JSON")]
    NotJson(String),
    /// Two files would be one where the case of letters does not count.
    #[error(
        "cannot read the bundle: {0} differs from another file of it only in the case of \
         letters"
    )]
    Case(String),
    /// It holds too much.
    #[error("cannot read the bundle: it has more than {FILES_MAX} files")]
    TooMany,
    /// It cannot be written.
    #[error("cannot write the bundle")]
    Encode(#[from] JcsError),
}

impl Bundle {
    /// Whether a file of the project belongs in a bundle, beside the statements: a bundle is data,
    /// of the kinds that a team shares, and holds nothing that is compiled or run.
    pub fn takes(path: &str) -> bool {
        let kind = SharedFile::of(path);
        path == CONFIG || kind.is_some_and(|kind| kind != SharedFile::Statement)
    }

    /// The bundle's text.
    ///
    /// # Errors
    /// If something in it has no canonical form.
    pub fn to_text(&self) -> Result<String, BundleError> {
        let json = jcs("the bundle", self)?;
        let digest = keccak256(&json);
        Ok(format!("{FORMAT}{digest}\n{}\n", String::from_utf8_lossy(&json)))
    }

    /// Whether a file is a bundle, to go by how it begins.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(FORMAT.as_bytes())
    }

    /// Reads a bundle and checks all that can be checked without a chain.
    ///
    /// # Errors
    /// If a byte was changed, a signature does not hold, or the release is another one.
    pub fn read(text: &str) -> Result<Self, BundleError> {
        let (named, json) = text
            .strip_prefix(FORMAT)
            .and_then(|rest| rest.strip_suffix('\n')?.split_once('\n'))
            .ok_or(BundleError::Format)?;
        let found = keccak256(json);
        if named != found.to_string() {
            return Err(BundleError::Digest { named: named.to_owned(), found });
        }
        let bundle: Self = serde_json::from_str(json).map_err(BundleError::Shape)?;
        if jcs("the bundle", &bundle)? != json.as_bytes() {
            return Err(BundleError::NotCanonical);
        }
        bundle.check()?;
        Ok(bundle)
    }

    fn check(&self) -> Result<(), BundleError> {
        if self.files.len() > FILES_MAX {
            return Err(BundleError::TooMany);
        }
        self.check_files()?;
        self.release.contracts().values().try_for_each(|artifact| artifact.check_masks())?;
        if !self.release.is_consistent() || self.release.roots()? != self.roots {
            return Err(BundleError::Roots);
        }
        let mut last = None;
        for signed in &self.statements {
            // What a contract signed is confirmed on its chain by whoever takes the bundle.
            let digest = signed.check()?.digest();
            if last.replace(digest).is_some_and(|last| last >= digest) {
                return Err(BundleError::Order);
            }
        }
        Ok(())
    }

    fn check_files(&self) -> Result<(), BundleError> {
        let mut seen = BTreeSet::new();
        for (path, text) in &self.files {
            if !Self::takes(path) {
                return Err(BundleError::Path(path.clone()));
            }
            if path != CONFIG && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
                return Err(BundleError::NotJson(path.clone()));
            }
            if !seen.insert(path.to_ascii_lowercase()) {
                return Err(BundleError::Case(path.clone()));
            }
        }
        Ok(())
    }

    /// The parts of the bundle that nothing in it proves: files that a chain has to confirm, and
    /// fields of the release that are in no digest.
    pub fn claims(&self) -> Vec<String> {
        let unbound = format!(
            "of the release: {}; of each contract: {}; of what upgrades start from, all but code, \
             layout and ABI; mocks",
            OF_RELEASE.join(", "),
            OF_CONTRACTS.join(", ")
        );
        self.files.keys().cloned().chain([unbound]).collect()
    }

    /// Whether a value of a bundle, named by the keys that lead to it, is in a digest or under a
    /// signature that [`Bundle::read`] checks. Everything else is a claim.
    pub fn binds(path: &[&str]) -> bool {
        match path {
            ["files" | "mocks", ..] => false,
            ["release", "references", _, field, ..] => OF_REFERENCES.contains(field),
            ["release", "artifacts", _, field, ..] => !OF_CONTRACTS.contains(field),
            ["release", field, ..] => !OF_RELEASE.contains(field),
            _ => true,
        }
    }
}
