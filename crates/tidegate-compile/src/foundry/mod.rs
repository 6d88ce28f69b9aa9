//! What `foundry.toml`, or a section of its own, says about sources and compiler.

mod detect;
mod document;
mod error;
mod pinned;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use foundry_compilers::artifacts::{EvmVersion, RevertStrings};
use semver::Version;
use serde::Deserialize;
use serde_json::Value;

pub use self::error::FoundryError;
use crate::files::{self, FileError};
use crate::pragma::Range;
use crate::profile::{self, DEFAULT, Profile, VyperSettings};
use crate::remapping::{Remapping, is_inside};
use document::Asked;

/// The compiler settings of a project. Any combination of values is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundryConfig {
    /// Whose rules hold where nothing is written.
    pub rules: Rules,
    /// The folder of the project's own contracts, relative to the root; `.` is the root.
    pub src: String,
    /// The folder of its tests.
    pub test: String,
    /// The folder of its scripts.
    pub script: String,
    /// The folders of its dependencies.
    pub libs: Vec<String>,
    /// Further folders in which imports are looked for.
    pub include_paths: Vec<String>,
    /// The remappings that the compiler is given.
    pub remappings: Vec<Remapping>,
    /// Those of them that no file of the project says.
    pub detected: Vec<Detected>,
    /// The compiler it pins, if any.
    pub solc: Option<SolcPin>,
    /// Whether the optimizer runs.
    pub optimizer: bool,
    /// The number of runs that it optimizes for.
    pub optimizer_runs: u32,
    /// Its parts, switched on and off as the compiler names them.
    pub optimizer_details: Option<Value>,
    /// Whether code is generated through the intermediate representation.
    pub via_ir: bool,
    /// The EVM version in the compiler's spelling, if one is written.
    pub evm_version: Option<String>,
    /// What happens to the reasons of reverts, in the compiler's word.
    pub revert_strings: Option<String>,
    /// The hash of the metadata that goes into the code.
    pub bytecode_hash: BytecodeHash,
    /// Whether metadata is appended to the code at all.
    pub cbor_metadata: bool,
    /// Whether the metadata holds the sources themselves, not only their hashes; Hardhat's does.
    pub use_literal_content: bool,
    /// The settings of Vyper.
    pub vyper: VyperSettings,
}

/// Whose rules hold where nothing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Forge's: its own newest EVM version, and one compiler for as many files as can have it.
    Forge,
    /// The compiler's EVM version, and each contract has the newest compiler that it allows.
    Own,
}

/// A remapping that forge finds in the folders of dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The remapping.
    pub remapping: Remapping,
    /// The same prefix with another target, where it is by chance which one forge takes.
    pub or: Option<Remapping>,
}

/// The compiler that a project pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SolcPin {
    /// A version, wherever it is found.
    Version(Version),
    /// The newest version within a range.
    Range(Range),
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
    /// The hash that a compiler puts there which cannot be asked for another. Nobody writes it.
    #[serde(skip)]
    Fixed,
}

impl BytecodeHash {
    /// The compiler's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipfs => "ipfs",
            Self::Bzzr1 => "bzzr1",
            Self::None => "none",
            Self::Fixed => "fixed",
        }
    }

    /// The hash of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Ipfs, Self::Bzzr1, Self::None].into_iter().find(|hash| hash.name() == name)
    }
}

impl FoundryConfig {
    /// The most bytes of a `foundry.toml`.
    pub const FILE_BYTES_MAX: u64 = 1 << 20;

    /// The settings of a section that says nothing.
    pub fn empty() -> Self {
        Self {
            rules: Rules::Own,
            src: "src".to_owned(),
            test: "test".to_owned(),
            script: "script".to_owned(),
            libs: vec!["lib".to_owned()],
            include_paths: Vec::new(),
            remappings: Vec::new(),
            detected: Vec::new(),
            solc: None,
            optimizer: false,
            optimizer_runs: OPTIMIZER_RUNS,
            optimizer_details: None,
            via_ir: false,
            evm_version: None,
            revert_strings: None,
            bytecode_hash: BytecodeHash::Ipfs,
            cbor_metadata: true,
            use_literal_content: false,
            vyper: VyperSettings::default(),
        }
    }

    /// Reads the default profile of `foundry.toml` in a project's root.
    ///
    /// # Errors
    /// If it is missing, unreadable or not valid.
    pub fn load(root: &Path) -> Result<Self, FoundryError> {
        Self::load_profile(root, None)
    }

    /// Reads one profile of `foundry.toml` in a project's root, and what forge reads with it:
    /// `remappings.txt`, what the profile extends, and the folders of dependencies. What the
    /// environment names is not looked at: a digest must not depend on it.
    ///
    /// # Errors
    /// If a file is missing, unreadable or not valid, or there is no such profile.
    pub fn load_profile(root: &Path, profile: Option<&str>) -> Result<Self, FoundryError> {
        let chosen = profile.unwrap_or(DEFAULT);
        let profile = Self::read_profile(root, chosen)?;
        refuse_not_followed(root, chosen)?;
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let (file, text) = text(&root)?;
        let asked = Asked { file: &file, text: &text, profile: chosen };
        let used = detect::used(&root, &profile, chosen)?;
        let mut remappings = Vec::new();
        let mut detected = Vec::new();
        for one in used {
            let written = one.file.as_ref().unwrap_or(&file);
            // What the project's own files say is not detected.
            let library = one.detected;
            let refused =
                |source| FoundryError::Remapping { file: written.clone(), library, source };
            let remapping = Remapping::parse(&one.remapping.to_string()).map_err(refused)?;
            let or = one.or.map(|path| Remapping { target: path, ..remapping.clone() });
            if one.detected {
                detected.push(Detected { remapping: remapping.clone(), or });
            }
            remappings.push(remapping);
        }
        let profile = Profile {
            src: Some(profile.src.unwrap_or_else(|| detect::source_folder(&root).to_owned())),
            libs: Some(profile.libs.unwrap_or_else(|| detect::library_folders(&root))),
            remappings: None,
            ..profile
        };
        let config = from_profile(profile, &file).map_err(|error| blaming(error, &asked))?;
        Ok(Self { rules: Rules::Forge, remappings, detected, ..config })
    }

    /// One profile as `foundry.toml` has it.
    fn read_profile(root: &Path, chosen: &str) -> Result<Profile, FoundryError> {
        let (file, text) = text(root)?;
        read(&Asked { file: &file, text: &text, profile: chosen })
    }

    /// The settings of a profile that is written in a file of the caller's, which `file` only
    /// names in errors. There `solc` is called `version`, and can only be one.
    ///
    /// # Errors
    /// If a key has a value that cannot be used.
    pub fn from_profile(profile: Profile, file: &Path) -> Result<Self, FoundryError> {
        let config = from_profile(profile, file)?;
        if let Some(SolcPin::Path(value)) = &config.solc {
            let (file, value) = (file.to_owned(), value.display().to_string());
            return Err(FoundryError::Version { file, key: "version", value });
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
        let written = self.include_paths.iter().map(String::as_str);
        std::iter::once(NODE_MODULES).chain(listed).chain(written)
    }

    /// The EVM version that is asked for, and whether the project itself asks.
    pub(crate) fn wanted_evm(&self) -> (Option<EvmVersion>, bool) {
        let written = self.evm_version.as_deref().and_then(|text| text.parse().ok());
        match (written, self.rules) {
            (Some(written), _) => (Some(written), true),
            (None, Rules::Forge) => (Some(FORGE_EVM), false),
            (None, Rules::Own) => (None, false),
        }
    }
}

const FILE: &str = "foundry.toml";

const OPTIMIZER_RUNS: u32 = 200;

/// The EVM version of forge 1.7.1, as far as a compiler knows it.
const FORGE_EVM: EvmVersion = EvmVersion::Osaka;

/// Keys that would change the code if they were followed, with what they do.
const NOT_FOLLOWED: [(&str, &str); 3] = [
    (
        "compilation_restrictions",
        "it gives some files other settings; choose a profile with the settings of what is \
         deployed and `compilation_restrictions = []`",
    ),
    ("extra_args", "it gives the compiler options on its command line"),
    (
        "libraries",
        "it links libraries at addresses that are written down; the plan links those that it \
         creates; choose a profile with `libraries = []`",
    ),
];

/// Whether a setting of `foundry.toml` shapes code: it is followed, or refused.
pub fn shapes_code(key: &str) -> bool {
    // None of those that are followed takes a list of lists.
    let lists = toml::Value::Array(vec![toml::Value::Array(Vec::new())]);
    let profile = toml::Table::from_iter([(key.to_owned(), lists)]);
    let is_followed = profile.try_into::<Profile>().is_err();
    is_followed || key == "skip" || NOT_FOLLOWED.iter().any(|(refused, _)| *refused == key)
}

/// Why files that are left out may change the code of others.
const SKIP: &str = "forge chooses the compiler without the files that it leaves out; write `solc`";

/// The file of a folder, which must be its own.
fn text(root: &Path) -> Result<(PathBuf, String), FoundryError> {
    let file = root.join(FILE);
    if file.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink()) {
        return Err(FoundryError::Unreadable { source: FileError::Link { path: file } });
    }
    let text = files::read_text(&file, FoundryConfig::FILE_BYTES_MAX)
        .map_err(|source| FoundryError::Unreadable { source })?;
    Ok((file, text))
}

/// Refuses what is not followed: of the project alone, since what a library says of its own code
/// does not reach whoever uses it.
fn refuse_not_followed(root: &Path, profile: &str) -> Result<(), FoundryError> {
    let (file, text) = text(root)?;
    let asked = Asked { file: &file, text: &text, profile };
    let merged = document::merged(&asked)?;
    let says_nothing = |value: &toml::Value| match value {
        toml::Value::Array(values) => values.is_empty(),
        toml::Value::Table(table) => table.is_empty(),
        _ => false,
    };
    let is_pinned = ["solc", "solc_version"].iter().any(|key| merged.contains_key(*key));
    let skip = (!is_pinned).then_some(("skip", SKIP));
    for (key, why) in NOT_FOLLOWED.into_iter().chain(skip) {
        let has = |table: &toml::Table| table.get(key).is_some_and(|value| !says_nothing(value));
        if has(&merged) {
            let (file, _) = document::blamed(&asked, has);
            return Err(FoundryError::NotFollowed { file, key, why });
        }
    }
    Ok(())
}

/// What a file says for a profile. Unknown keys are forge's business and skipped.
fn read(asked: &Asked<'_>) -> Result<Profile, FoundryError> {
    let known = document::profiles(asked)?;
    let file = asked.file.to_owned();
    if !known.iter().any(|known| known == asked.profile) {
        return Err(FoundryError::NoProfile { file, name: asked.profile.to_owned(), known });
    }
    document::merged(asked)?.try_into().map_err(|source| {
        // The same is read again from the text, which knows its lines.
        let fault = |text: &str| profile::fault(text, asked.profile);
        let (file, text) = document::blamed(asked, |_| fault(asked.text).is_some());
        let of_text = fault(&text).unwrap_or(source);
        document::malformed(&file, &text, of_text)
    })
}

/// The error with the file that says what is wrong, which may be the one that is extended.
fn blaming(mut error: FoundryError, asked: &Asked<'_>) -> FoundryError {
    if let FoundryError::FolderOutside { file, key, value }
    | FoundryError::Version { file, key, value }
    | FoundryError::Value { file, key, value } = &mut error
    {
        (*file, _) = document::blamed(asked, |table| document::says(table, key, value));
    }
    error
}

fn from_profile(profile: Profile, file: &Path) -> Result<FoundryConfig, FoundryError> {
    let empty = FoundryConfig::empty();
    let folder = |key, value: Option<String>, default| folder(file, key, value.unwrap_or(default));
    let folders = |key, values: Vec<String>| -> Result<Vec<_>, _> {
        values.into_iter().map(|value| self::folder(file, key, value)).collect()
    };
    let remappings = profile.remappings.unwrap_or_default();
    let remappings = remappings.iter().map(|text| Remapping::parse(text)).collect::<Result<_, _>>();
    // As in Foundry: runs without a word on the optimizer turn it on.
    let optimizer = profile.optimizer.unwrap_or(profile.optimizer_runs.is_some_and(|r| r > 0));
    let details = profile.optimizer_details.map(serde_json::to_value).transpose();
    Ok(FoundryConfig {
        src: folder("src", profile.src, empty.src)?,
        test: folder("test", profile.test, empty.test)?,
        script: folder("script", profile.script, empty.script)?,
        libs: folders("libs", profile.libs.unwrap_or(empty.libs))?,
        include_paths: folders("include_paths", profile.include_paths.unwrap_or_default())?,
        remappings: remappings.map_err(|source| FoundryError::Remapping {
            file: file.to_owned(),
            library: false,
            source,
        })?,
        solc: profile.solc.map(|text| pin(file, text)).transpose()?,
        optimizer,
        optimizer_runs: profile.optimizer_runs.unwrap_or(empty.optimizer_runs),
        optimizer_details: details.expect("it is made of switches, numbers and text"),
        via_ir: profile.via_ir.unwrap_or(empty.via_ir),
        evm_version: profile.evm_version.map(|text| evm_version(file, text)).transpose()?,
        revert_strings: profile.revert_strings.map(|text| reverts(file, text)).transpose()?,
        bytecode_hash: profile.bytecode_hash.unwrap_or(empty.bytecode_hash),
        cbor_metadata: profile.cbor_metadata.unwrap_or(empty.cbor_metadata),
        use_literal_content: profile.use_literal_content.unwrap_or(empty.use_literal_content),
        vyper: profile.vyper,
        ..empty
    })
}

fn folder(file: &Path, key: &'static str, value: String) -> Result<String, FoundryError> {
    let relative = value.trim_start_matches("./").trim_end_matches('/');
    match relative {
        "" | "." if key == "src" && value.starts_with('.') => Ok(".".to_owned()),
        _ if is_inside(relative) => Ok(relative.to_owned()),
        _ => Err(FoundryError::FolderOutside { file: file.to_owned(), key, value }),
    }
}

/// A file of that name goes before a range.
fn pin(file: &Path, text: String) -> Result<SolcPin, FoundryError> {
    let number = text.trim_start_matches(['=', 'v']);
    if let Ok(version) = Version::parse(number) {
        return Ok(SolcPin::Version(version));
    }
    let path = file.parent().unwrap_or(Path::new(".")).join(&text);
    match Range::parse(number) {
        Some(range) if !path.exists() => Ok(SolcPin::Range(range)),
        None if !path.exists() && !text.contains('/') => {
            Err(FoundryError::Version { file: file.to_owned(), key: "solc", value: text })
        }
        _ => Ok(SolcPin::Path(text.into())),
    }
}

fn evm_version(file: &Path, value: String) -> Result<String, FoundryError> {
    match value.to_lowercase().parse::<EvmVersion>() {
        Ok(version) => Ok(version.as_str().to_owned()),
        Err(_) => Err(FoundryError::Value { file: file.to_owned(), key: "evm_version", value }),
    }
}

fn reverts(file: &Path, value: String) -> Result<String, FoundryError> {
    match value.parse::<RevertStrings>() {
        Ok(strings) => Ok(strings.to_string()),
        Err(_) => Err(FoundryError::Value { file: file.to_owned(), key: "revert_strings", value }),
    }
}
