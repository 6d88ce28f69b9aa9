//! One profile of `foundry.toml`, as written.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use foundry_compilers::artifacts::OptimizerDetails;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::foundry::BytecodeHash;

/// The profile that all others inherit from.
pub(crate) const DEFAULT: &str = "default";

/// The keys of a profile that matter here, as written. What is missing is Foundry's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Profile {
    /// The folder of the project's own contracts.
    pub src: Option<String>,
    /// The folder of its tests.
    pub test: Option<String>,
    /// The folder of its scripts.
    pub script: Option<String>,
    /// The folders of its dependencies.
    pub libs: Option<Vec<String>>,
    /// Further folders in which imports are looked for.
    #[serde(alias = "include-paths")]
    pub include_paths: Option<Vec<String>>,
    /// Its remappings, `prefix=target`.
    pub remappings: Option<Vec<String>>,
    /// Whether remappings are looked for in the folders of dependencies; they are if missing.
    #[serde(alias = "auto-detect-remappings")]
    pub auto_detect_remappings: Option<bool>,
    /// The compiler: a version, a range of versions, or the path of a binary.
    #[serde(alias = "solc_version", alias = "solc-version")]
    pub solc: Option<String>,
    /// Whether the optimizer runs.
    pub optimizer: Option<bool>,
    /// The number of runs that it optimizes for.
    #[serde(alias = "optimizer-runs")]
    pub optimizer_runs: Option<u32>,
    /// Its parts, switched on and off.
    #[serde(alias = "optimizer-details")]
    pub optimizer_details: Option<OptimizerDetails>,
    /// Whether code is generated through the intermediate representation.
    #[serde(alias = "via-ir")]
    pub via_ir: Option<bool>,
    #[serde(alias = "evm-version")]
    pub evm_version: Option<String>,
    /// What happens to the reasons of reverts.
    #[serde(alias = "revert-strings")]
    pub revert_strings: Option<String>,
    /// The hash of the metadata that goes into the code.
    #[serde(default, alias = "bytecode-hash", deserialize_with = "in_any_case")]
    pub bytecode_hash: Option<BytecodeHash>,
    /// Whether metadata is appended to the code at all.
    #[serde(alias = "cbor-metadata")]
    pub cbor_metadata: Option<bool>,
    /// Whether the metadata holds the sources themselves, not only their hashes.
    #[serde(alias = "use-literal-content")]
    pub use_literal_content: Option<bool>,
    /// The settings of Vyper.
    #[serde(default)]
    pub vyper: VyperSettings,
}

/// The settings of the Vyper compiler: the section `[vyper]`, or the same in a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct VyperSettings {
    /// The compiler, relative to the project root unless absolute; else it is on `PATH`.
    pub path: Option<PathBuf>,
    /// What it optimizes for, in its own words; its default if missing.
    pub optimize: Option<String>,
    /// Whether code is generated through its newer intermediate representation.
    #[serde(alias = "experimental-codegen")]
    pub experimental_codegen: Option<bool>,
}

/// The names of the profiles in a `foundry.toml`; the default one is always there.
pub(crate) fn names(table: &toml::Table) -> Vec<String> {
    let profiles = table.get("profile").and_then(toml::Value::as_table);
    let mut names: Vec<_> = profiles.into_iter().flat_map(|p| p.keys().cloned()).collect();
    names.push(DEFAULT.to_owned());
    names.sort();
    names.dedup();
    names
}

/// What keeps the sections of a profile from being read, with its place in the text. The other
/// profiles are not looked at, so they may hold what they like.
pub(crate) fn fault(text: &str, profile: &str) -> Option<toml::de::Error> {
    let paths: [&[&str]; 5] =
        [&["profile", profile], &["profile", DEFAULT], &[profile], &[DEFAULT], &["global"]];
    let of_profile = paths.into_iter().find_map(|path| at::<Profile>(text, path).err());
    of_profile.or_else(|| at::<VyperSettings>(text, &["vyper"]).err())
}

/// Reads a section, which has to be one.
pub(crate) fn section_at(text: &str, name: &str) -> Result<toml::Table, toml::de::Error> {
    at(text, &[name])
}

fn in_any_case<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BytecodeHash>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = BytecodeHash::of_name(&text.to_lowercase());
    let unknown = || serde::de::Error::unknown_variant(&text, &["ipfs", "bzzr1", "none"]);
    known.map(Some).ok_or_else(unknown)
}

fn at<T: DeserializeOwned + Default>(text: &str, path: &[&str]) -> Result<T, toml::de::Error> {
    let at = At::<T> { path, kind: PhantomData };
    Ok(at.deserialize(toml::Deserializer::parse(text)?)?.unwrap_or_default())
}

/// Reads what stands under a path of keys, and skips all else.
struct At<'a, T> {
    path: &'a [&'a str],
    kind: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for At<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        match self.path {
            [] => T::deserialize(deserializer).map(Some),
            _ => deserializer.deserialize_map(self),
        }
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for At<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            match self.path {
                [first, rest @ ..] if key == *first => {
                    found = map.next_value_seed(Self { path: rest, kind: PhantomData })?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}
