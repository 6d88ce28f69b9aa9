//! What is wrong with a `foundry.toml`, or with the section that stands for one.

use std::path::PathBuf;

use crate::files::FileError;
use crate::remapping::RemappingError;

/// A `foundry.toml` that cannot be read or asks for what is not supported.
#[derive(Debug, thiserror::Error)]
pub enum FoundryError {
    /// The file is missing or unreadable.
    #[error("cannot read foundry.toml")]
    Unreadable {
        #[source]
        source: FileError,
    },
    /// A file that goes with it is unreadable.
    #[error("cannot read {}", file.display())]
    Beside {
        /// `remappings.txt`, or what `extends` names.
        file: PathBuf,
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
    #[error("cannot use the remappings of {}{}", file.display(), of_library(*.library))]
    Remapping {
        file: PathBuf,
        /// Whether a dependency says it, which forge looks into by itself.
        library: bool,
        /// Which one, and why.
        #[source]
        source: RemappingError,
    },
    /// A folder leads out of the project.
    #[error(
        "cannot use the key `{key}` of {}: {value:?} has to be a folder as it is reached from \
         that of the project, such as \"src\" or \"../shared\"; no absolute path, and `..` only \
         at its beginning",
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
        "cannot use the key `{key}` of {}: {value:?} is neither a version such as \"0.8.30\" nor \
         a range such as \"^0.8.20\"",
        file.display()
    )]
    Version { file: PathBuf, key: &'static str, value: String },
    /// The value is none of those that there are.
    #[error("cannot use the key `{key}` of {}: {value:?} is not one of its values", file.display())]
    Value { file: PathBuf, key: &'static str, value: String },
    /// The key would shape the code, and is not followed here.
    #[error("cannot follow the key `{key}` of {}: {why}", file.display())]
    NotFollowed {
        file: PathBuf,
        key: &'static str,
        /// What it would do, and what to write instead.
        why: &'static str,
    },
    /// `extends` cannot be followed.
    #[error("cannot follow the key `extends` of {}: {value:?} {why}", file.display())]
    Extends {
        file: PathBuf,
        /// The file that it names.
        value: String,
        why: &'static str,
    },
    /// Forge takes one of two folders by chance.
    #[error(
        "cannot follow forge in the remappings of {}: it takes \"{one}\" or \"{other}\", \
         whichever folder the file system lists first",
        file.display()
    )]
    Chance {
        file: PathBuf,
        /// A remapping that it may take.
        one: String,
        /// The other one.
        other: String,
    },
    /// The list that is written down is not the one that forge would use.
    #[error(
        "cannot use [compiler] remappings of tidegate.toml: forge would use others now: {}",
        differences.join("; ")
    )]
    Pinned {
        /// What differs, one clause each.
        differences: Vec<String>,
        /// The list that forge would use.
        now: Vec<String>,
    },
}

/// Nobody edits the files of a dependency.
const fn of_library(library: bool) -> &'static str {
    if library {
        ", a dependency; write `auto_detect_remappings = false` in foundry.toml, and under \
         `remappings` there those that the project needs"
    } else {
        ""
    }
}
