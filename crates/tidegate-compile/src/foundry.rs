//! What `foundry.toml`, or a section of its own, says about sources and compiler.

use std::path::{Path, PathBuf};

use foundry_compilers::artifacts::EvmVersion;
use semver::Version;
use serde::Deserialize;

use crate::files::{self, FileError};
use crate::profile::{self, Profile, VyperSettings};
use crate::remapping::{Remapping, RemappingError, is_clean};

/// The compiler settings of a project. Any combination of values is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundryConfig {
    /// The folder of the project's own contracts, relative to the root.
    pub src: String,
    /// The folder of its tests.
    pub test: String,
    /// The folders of its dependencies.
    pub libs: Vec<String>,
    /// The remappings as written; none is ever detected.
    pub remappings: Vec<Remapping>,
    /// The compiler it pins, if any.
    pub solc: Option<SolcPin>,
    /// Whether the optimizer runs.
    pub optimizer: bool,
    /// The number of runs that it optimizes for.
    pub optimizer_runs: u32,
    /// Whether code is generated through the intermediate representation.
    pub via_ir: bool,
    /// The EVM version in the compiler's spelling; the compiler's own default if missing.
    pub evm_version: Option<String>,
    /// The hash of the metadata that goes into the code.
    pub bytecode_hash: BytecodeHash,
    /// Whether metadata is appended to the code at all.
    pub cbor_metadata: bool,
    /// Whether the metadata holds the sources themselves, not only their hashes; Hardhat's does.
    pub use_literal_content: bool,
    /// The settings of Vyper.
    pub vyper: VyperSettings,
    /// Settings that shape code and are not followed: one sentence each, for people.
    pub ignored: Vec<String>,
}

/// The compiler that a project pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SolcPin {
    /// A version, wherever it is found.
    Version(Version),
    /// A binary, relative to the project root unless absolute.
    Path(PathBuf),
}

/// The hash of the metadata that the compiler puts into the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BytecodeHash {
    /// An IPFS hash.
    Ipfs,
    /// A Swarm hash.
    Bzzr1,
    /// No hash, only the compiler's version.
    None,
}

impl BytecodeHash {
    /// The compiler's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipfs => "ipfs",
            Self::Bzzr1 => "bzzr1",
            Self::None => "none",
        }
    }

    /// The hash of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Ipfs, Self::Bzzr1, Self::None].into_iter().find(|hash| hash.name() == name)
    }
}

/// A `foundry.toml` that cannot be read or asks for what is not supported.
#[derive(Debug, thiserror::Error)]
pub enum FoundryError {
    /// The file is missing or unreadable.
    #[error("cannot read foundry.toml")]
    Unreadable {
        #[source]
        source: FileError,
    },
    /// It is not TOML, or a key has the wrong type.
    #[error("cannot read {} (line {line})", file.display())]
    Malformed {
        file: PathBuf,
        /// The line, counted from 1; 0 where the parser gives none.
        line: usize,
        /// What the parser says.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A remapping cannot be used.
    #[error("cannot use the key `remappings` of {}", file.display())]
    Remapping {
        file: PathBuf,
        /// Which one, and why.
        #[source]
        source: RemappingError,
    },
    /// A folder leads out of the project.
    #[error(
        "cannot use the key `{key}` of {}: {value:?} is not a folder inside the project",
        file.display()
    )]
    FolderOutside { file: PathBuf, key: &'static str, value: String },
    /// There is no such profile.
    #[error("cannot use the profile {name:?}: {} has only {}", file.display(), known.join(", "))]
    NoProfile {
        file: PathBuf,
        /// The profile asked for.
        name: String,
        /// The profiles that it has.
        known: Vec<String>,
    },
    /// The compiler's version is none.
    #[error(
        "cannot use the key `version` of {}: {value:?} is not a version such as \"0.8.30\"",
        file.display()
    )]
    Version { file: PathBuf, value: String },
    /// The EVM version does not exist.
    #[error(
        "cannot use the key `evm_version` of {}: {value:?} is not an EVM \
         version",
        file.display()
    )]
    EvmVersion { file: PathBuf, value: String },
}

impl FoundryConfig {
    /// The most bytes of a `foundry.toml`.
    pub const FILE_BYTES_MAX: u64 = 1 << 20;

    /// The settings of a `foundry.toml` that says nothing, which are Foundry's own defaults.
    pub fn empty() -> Self {
        Self {
            src: "src".to_owned(),
            test: "test".to_owned(),
            libs: vec!["lib".to_owned()],
            remappings: Vec::new(),
            solc: None,
            optimizer: false,
            optimizer_runs: OPTIMIZER_RUNS,
            via_ir: false,
            evm_version: None,
            bytecode_hash: BytecodeHash::Ipfs,
            cbor_metadata: true,
            use_literal_content: false,
            vyper: VyperSettings::default(),
            ignored: Vec::new(),
        }
    }

    /// Reads the default profile of `foundry.toml` in a project's root.
    ///
    /// # Errors
    /// If it is missing, unreadable or not valid.
    pub fn load(root: &Path) -> Result<Self, FoundryError> {
        Self::load_profile(root, None)
    }

    /// Reads one profile of `foundry.toml` in a project's root. What the environment names is not
    /// looked at: a digest must not depend on it.
    ///
    /// # Errors
    /// If the file is missing, unreadable or not valid, or has no such profile.
    pub fn load_profile(root: &Path, profile: Option<&str>) -> Result<Self, FoundryError> {
        let file = root.join("foundry.toml");
        if file.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink()) {
            return Err(FoundryError::Unreadable { source: FileError::Link { path: file } });
        }
        let text = files::read_text(&file, Self::FILE_BYTES_MAX)
            .map_err(|source| FoundryError::Unreadable { source })?;
        let mut config = Self::parse(&text, &file, profile)?;
        if root.join("remappings.txt").exists() {
            config.ignored.push(
                "remappings.txt is not read: remappings are those written in foundry.toml"
                    .to_owned(),
            );
        }
        Ok(config)
    }

    /// Reads the text of a `foundry.toml`; `file` only names it in errors. Unknown keys are
    /// Foundry's business and skipped. A profile inherits from the default one key by key.
    ///
    /// # Errors
    /// If the text is not TOML, there is no such profile, or a key that matters here has a value
    /// that cannot be used.
    pub(crate) fn parse(
        text: &str,
        file: &Path,
        profile: Option<&str>,
    ) -> Result<Self, FoundryError> {
        let malformed = |source: toml::de::Error| FoundryError::Malformed {
            file: file.to_owned(),
            line: source.span().map_or(0, |span| line_of(text, span.start)),
            source: Box::new(source),
        };
        let table: toml::Table = toml::from_str(text).map_err(malformed)?;
        let known = profile::names(&table);
        let mut chosen = profile::read(text, profile::DEFAULT).map_err(malformed)?;
        let mut ignored = ignored(&table, profile::DEFAULT);
        if let Some(name) = profile.filter(|name| *name != profile::DEFAULT) {
            if !known.iter().any(|known| known == name) {
                let (file, name) = (file.to_owned(), name.to_owned());
                return Err(FoundryError::NoProfile { file, name, known });
            }
            chosen = profile::read(text, name).map_err(malformed)?.over(chosen);
            ignored.extend(self::ignored(&table, name));
            ignored.dedup();
        }
        chosen.vyper = chosen.vyper.over(profile::vyper(text).map_err(malformed)?);
        Ok(Self { ignored, ..from_profile(chosen, file)? })
    }

    /// The settings of a profile that is written in a file of the caller's, which `file` only
    /// names in errors. There `solc` is called `version`, and can only be one.
    ///
    /// # Errors
    /// If a key has a value that cannot be used.
    pub fn from_profile(profile: Profile, file: &Path) -> Result<Self, FoundryError> {
        let config = from_profile(profile, file)?;
        if let Some(SolcPin::Path(value)) = &config.solc {
            let value = value.display().to_string();
            return Err(FoundryError::Version { file: file.to_owned(), value });
        }
        Ok(config)
    }

    /// The folders below the root in which a name is looked for that is no path in the project,
    /// as by the compiler's include paths: `node_modules`, and those of `libs` that are one.
    pub(crate) fn include_paths(&self) -> impl Iterator<Item = &str> {
        const NODE_MODULES: &str = "node_modules";
        let listed = self.libs.iter().map(String::as_str);
        let listed = listed.filter(|lib| *lib != NODE_MODULES);
        let listed = listed.filter(|lib| lib.rsplit('/').next() == Some(NODE_MODULES));
        std::iter::once(NODE_MODULES).chain(listed)
    }
}

const OPTIMIZER_RUNS: u32 = 200;

/// Keys of a profile that would change the code if they were followed.
const NOT_FOLLOWED: [&str; 6] = [
    "additional_compiler_profiles",
    "compilation_restrictions",
    "extends",
    "libraries",
    "optimizer_details",
    "revert_strings",
];

fn from_profile(profile: Profile, file: &Path) -> Result<FoundryConfig, FoundryError> {
    let empty = FoundryConfig::empty();
    let folder = |key, value: Option<String>, default| folder(file, key, value.unwrap_or(default));
    let remappings = profile.remappings.unwrap_or_default();
    let remappings = remappings.iter().map(|text| Remapping::parse(text)).collect::<Result<_, _>>();
    let libs = profile.libs.unwrap_or(empty.libs);
    // As in Foundry: runs without a word on the optimizer turn it on.
    let optimizer = profile.optimizer.unwrap_or(profile.optimizer_runs.is_some_and(|r| r > 0));
    Ok(FoundryConfig {
        src: folder("src", profile.src, empty.src)?,
        test: folder("test", profile.test, empty.test)?,
        libs: libs
            .into_iter()
            .map(|lib| self::folder(file, "libs", lib))
            .collect::<Result<_, _>>()?,
        remappings: remappings
            .map_err(|source| FoundryError::Remapping { file: file.to_owned(), source })?,
        solc: profile.solc.map(pin),
        optimizer,
        optimizer_runs: profile.optimizer_runs.unwrap_or(empty.optimizer_runs),
        via_ir: profile.via_ir.unwrap_or(empty.via_ir),
        evm_version: profile.evm_version.map(|text| evm_version(file, text)).transpose()?,
        bytecode_hash: profile.bytecode_hash.unwrap_or(empty.bytecode_hash),
        cbor_metadata: profile.cbor_metadata.unwrap_or(empty.cbor_metadata),
        use_literal_content: profile.use_literal_content.unwrap_or(empty.use_literal_content),
        vyper: profile.vyper,
        ignored: empty.ignored,
    })
}

fn ignored(table: &toml::Table, profile: &str) -> Vec<String> {
    let profile = table.get("profile").and_then(|profiles| profiles.get(profile));
    NOT_FOLLOWED
        .iter()
        .filter(|key| profile.is_some_and(|profile| profile.get(key).is_some()))
        .map(|key| format!("foundry.toml: `{key}` is not followed"))
        .collect()
}

fn folder(file: &Path, key: &'static str, value: String) -> Result<String, FoundryError> {
    let relative = value.trim_start_matches("./").trim_end_matches('/');
    if !is_clean(relative) {
        return Err(FoundryError::FolderOutside { file: file.to_owned(), key, value });
    }
    Ok(relative.to_owned())
}

fn pin(text: String) -> SolcPin {
    match Version::parse(text.trim_start_matches('=')) {
        Ok(version) => SolcPin::Version(version),
        Err(_) => SolcPin::Path(text.into()),
    }
}

fn evm_version(file: &Path, value: String) -> Result<String, FoundryError> {
    match value.parse::<EvmVersion>() {
        Ok(version) => Ok(version.as_str().to_owned()),
        Err(_) => Err(FoundryError::EvmVersion { file: file.to_owned(), value }),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FoundryConfig, FoundryError> {
        FoundryConfig::parse(text, Path::new("foundry.toml"), None)
    }

    #[test]
    fn a_profile_inherits_key_by_key() {
        let text = r#"
            [profile.default]
            src = "contracts"
            solc = "0.8.20"
            libs = ["lib"]
            remappings = ["a/=lib/a/", "b/=lib/b/"]
            optimizer_runs = 999
            [profile.ci]
            solc_version = "0.8.30"
            remappings = ["c/=lib/c/"]
            via-ir = true
            extends = "base.toml"
            [profile.broken]
            via_ir = 3
            "#;
        let read = |profile| FoundryConfig::parse(text, Path::new("foundry.toml"), profile);
        let default = read(None).unwrap();
        assert_eq!(read(Some("default")).unwrap(), default);
        let expected = FoundryConfig {
            solc: Some(SolcPin::Version(Version::new(0, 8, 30))),
            remappings: vec![Remapping::parse("c/=lib/c/").unwrap()],
            via_ir: true,
            ignored: vec!["foundry.toml: `extends` is not followed".to_owned()],
            ..default
        };
        assert_eq!(read(Some("ci")).unwrap(), expected);
        let error = read(Some("broken")).unwrap_err();
        assert!(matches!(error, FoundryError::Malformed { line: 14, .. }), "{error:?}");
        let error = read(Some("cl")).unwrap_err().to_string();
        assert!(error.ends_with("has only broken, ci, default"), "{error}");
    }

    #[test]
    fn only_the_profile_asked_for_counts() {
        let config = parse(
            r#"
            [profile.default]
            src = "./contracts/src/"
            libs = ["lib", "node_modules"]
            remappings = ["@oz/=node_modules/@oz/"]
            solc_version = "0.8.30"
            optimizer_runs = 999
            evm_version = "tangerinewhistle"
            bytecode_hash = "none"
            cbor_metadata = false
            use_literal_content = true
            via_ir = true
            some_future_key = { a = 1 }
            [profile.default.optimizer_details]
            yul = true
            [profile.ci]
            src = "elsewhere"
            optimizer = "not even a boolean"
            [fuzz]
            runs = 1
            "#,
        )
        .unwrap();
        let expected = FoundryConfig {
            src: "contracts/src".to_owned(),
            libs: vec!["lib".to_owned(), "node_modules".to_owned()],
            remappings: vec![Remapping::parse("@oz/=node_modules/@oz/").unwrap()],
            solc: Some(SolcPin::Version(Version::new(0, 8, 30))),
            optimizer: true,
            optimizer_runs: 999,
            evm_version: Some("tangerineWhistle".to_owned()),
            bytecode_hash: BytecodeHash::None,
            cbor_metadata: false,
            use_literal_content: true,
            via_ir: true,
            ignored: vec!["foundry.toml: `optimizer_details` is not followed".to_owned()],
            ..FoundryConfig::empty()
        };
        assert_eq!(config, expected);
        assert_eq!(parse("").unwrap(), FoundryConfig::empty());
    }

    #[test]
    fn vyper_has_a_section_that_profiles_go_before() {
        let text = r#"
            [profile.default]
            vyper = { path = "venv/bin/vyper", optimize = "gas" }
            [profile.ci.vyper]
            optimize = "codesize"
            [vyper]
            optimize = "none"
            experimental_codegen = true
            "#;
        let read = |profile| FoundryConfig::parse(text, Path::new("foundry.toml"), profile);
        for (profile, optimize) in [(None, "gas"), (Some("ci"), "codesize")] {
            let expected = VyperSettings {
                path: Some("venv/bin/vyper".into()),
                optimize: Some(optimize.to_owned()),
                experimental_codegen: Some(true),
            };
            assert_eq!(read(profile).unwrap().vyper, expected);
        }
    }

    #[test]
    fn bad_keys_are_named_with_their_line() {
        let error = parse("[profile.default]\nsrc = \"a\"\noptimizer = 3\n").unwrap_err();
        assert!(matches!(error, FoundryError::Malformed { line: 3, .. }), "{error:?}");
        let cases = [
            ("src = \"../x\"", "`src`"),
            ("libs = [\"/x\"]", "`libs`"),
            ("evm_version = \"moon\"", "`evm_version`"),
            ("remappings = [\"x\"]", "`remappings`"),
        ];
        for (line, key) in cases {
            let error = parse(&format!("[profile.default]\n{line}\n")).unwrap_err();
            assert!(error.to_string().contains(key), "{line}: {error}");
        }
    }

    #[test]
    fn a_section_of_its_own_names_a_version() {
        let read = |solc: &str| {
            let profile = Profile { solc: Some(solc.to_owned()), ..Profile::default() };
            FoundryConfig::from_profile(profile, Path::new("tidegate.toml"))
        };
        let pinned = Some(SolcPin::Version(Version::new(0, 8, 20)));
        let config = FoundryConfig { solc: pinned, ..FoundryConfig::empty() };
        assert_eq!(read("0.8.20").unwrap(), config);
        assert!(matches!(read("^0.8.20").unwrap_err(), FoundryError::Version { .. }));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = FoundryConfig::load(Path::new("no-such-folder")).unwrap_err();
        assert!(matches!(error, FoundryError::Unreadable { .. }), "{error:?}");
    }
}
