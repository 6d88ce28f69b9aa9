//! One profile of `foundry.toml`, as written.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

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
    /// The folders of its dependencies.
    pub libs: Option<Vec<String>>,
    /// Its remappings, `prefix=target`.
    pub remappings: Option<Vec<String>>,
    /// The compiler: a version, or the path of a binary.
    pub solc: Option<String>,
    /// As `solc`, which it goes before.
    #[serde(alias = "solc-version")]
    pub solc_version: Option<String>,
    /// Whether the optimizer runs.
    pub optimizer: Option<bool>,
    /// The number of runs that it optimizes for.
    #[serde(alias = "optimizer-runs")]
    pub optimizer_runs: Option<u32>,
    /// Whether code is generated through the intermediate representation.
    #[serde(alias = "via-ir")]
    pub via_ir: Option<bool>,
    #[serde(alias = "evm-version")]
    pub evm_version: Option<String>,
    /// The hash of the metadata that goes into the code.
    #[serde(alias = "bytecode-hash")]
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

impl VyperSettings {
    /// These settings with what they do not say taken from others.
    pub(crate) fn over(self, base: Self) -> Self {
        Self {
            path: self.path.or(base.path),
            optimize: self.optimize.or(base.optimize),
            experimental_codegen: self.experimental_codegen.or(base.experimental_codegen),
        }
    }
}

impl Profile {
    /// This profile with what it does not say taken from another.
    pub(crate) fn over(self, base: Self) -> Self {
        Self {
            src: self.src.or(base.src),
            test: self.test.or(base.test),
            libs: self.libs.or(base.libs),
            remappings: self.remappings.or(base.remappings),
            solc: self.solc.or(base.solc),
            solc_version: None,
            optimizer: self.optimizer.or(base.optimizer),
            optimizer_runs: self.optimizer_runs.or(base.optimizer_runs),
            via_ir: self.via_ir.or(base.via_ir),
            evm_version: self.evm_version.or(base.evm_version),
            bytecode_hash: self.bytecode_hash.or(base.bytecode_hash),
            cbor_metadata: self.cbor_metadata.or(base.cbor_metadata),
            use_literal_content: self.use_literal_content.or(base.use_literal_content),
            vyper: self.vyper.over(base.vyper),
        }
    }
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

/// Reads one profile. The others are not even looked at, so they may hold what they like.
pub(crate) fn read(text: &str, profile: &str) -> Result<Profile, toml::de::Error> {
    let profile: Profile = at(text, &["profile", profile])?;
    Ok(Profile { solc: profile.solc_version.or(profile.solc), solc_version: None, ..profile })
}

/// Reads the section `[vyper]`, which belongs to every profile.
pub(crate) fn vyper(text: &str) -> Result<VyperSettings, toml::de::Error> {
    at(text, &["vyper"])
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
