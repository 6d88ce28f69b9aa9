//! The closure of a Vyper contract: its file and everything that this imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::imports::{self, Import};
use crate::foundry::FoundryConfig;
use crate::remapping::is_clean;
use crate::sources::{SOURCES_MAX, SourceError, content};

/// A source file of a contract in Vyper, or one that it imports.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    /// Its text, exactly as in the file.
    pub(crate) content: String,
    /// What it imports, by the name that it uses for it: a source of the closure, or none where it
    /// is the compiler's own.
    pub(crate) imports: BTreeMap<String, Option<String>>,
}

/// Sources by their path in the project.
pub(crate) type Modules = BTreeMap<String, Module>;

/// The ending of a contract's file.
const CONTRACT: &str = ".vy";
/// The endings of an imported file, in the order in which the compiler looks for them.
const ENDINGS: [&str; 3] = [CONTRACT, ".vyi", ".json"];

/// The folders of the compiler's own modules.
const BUILTIN: [&str; 2] = ["ethereum/ercs", "vyper/interfaces"];
/// A module that is the compiler's own since 0.4.2, unless the project has it.
const BUILTIN_MATH: &str = "math";

/// Whether this is the name of a Vyper contract's file.
pub(crate) fn is_vyper(source: &str) -> bool {
    source.ends_with(CONTRACT)
}

/// The contract's name, which is that of its file.
pub(crate) fn contract_of(source: &str) -> Option<&str> {
    source.rsplit('/').next()?.strip_suffix(CONTRACT).filter(|name| !name.is_empty())
}

/// The folders that the compiler searches, the last one first, as it wants them.
pub(super) fn search_paths(foundry: &FoundryConfig) -> Vec<String> {
    foundry.libs.iter().rev().cloned().chain([".".to_owned()]).collect()
}

/// Reads a contract's file and everything that it imports.
pub(crate) fn closure(
    root: &Path,
    foundry: &FoundryConfig,
    contract: &str,
) -> Result<Modules, SourceError> {
    let mut modules = Modules::new();
    let mut open = BTreeSet::from([contract.to_owned()]);
    while let Some(name) = open.pop_first() {
        if modules.len() == SOURCES_MAX {
            return Err(SourceError::TooMany { limit: SOURCES_MAX });
        }
        let content = content(root, foundry, &name)?;
        let mut imports = BTreeMap::new();
        if !name.ends_with(".json") {
            for import in imports::of(&content) {
                let place = Place { root, foundry, contract, importer: &name };
                imports.insert(import.alias.clone(), place.resolve(&import)?);
            }
        }
        let new = imports.values().flatten().filter(|import| !modules.contains_key(*import));
        open.extend(new.filter(|import| **import != name).cloned());
        modules.insert(name, Module { content, imports });
    }
    Ok(modules)
}

struct Place<'a> {
    root: &'a Path,
    foundry: &'a FoundryConfig,
    contract: &'a str,
    importer: &'a str,
}

impl Place<'_> {
    /// The source that an import means: beside the importer if it begins with dots; else beside
    /// the contract, then in the project, its libraries and, as before 0.4.2, beside the importer.
    fn resolve(&self, import: &Import) -> Result<Option<String>, SourceError> {
        let path = import.path.as_str();
        let own = |folder: &str| path == folder || path.starts_with(&format!("{folder}/"));
        if import.level == 0 && BUILTIN.into_iter().any(own) {
            return Ok(None);
        }
        let folder = |name: &str| {
            name.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default()
        };
        let folders = match import.level {
            0 => {
                let libs = self.foundry.libs.iter().cloned();
                let first = [folder(self.contract), String::new()].into_iter();
                first.chain(libs).chain([folder(self.importer)]).collect()
            }
            level => {
                let mut from = folder(self.importer);
                for _ in 1..level {
                    if from.is_empty() {
                        return Err(SourceError::NotInProject {
                            import: written(import),
                            importer: self.importer.to_owned(),
                        });
                    }
                    from = folder(&from);
                }
                vec![from]
            }
        };
        for ending in ENDINGS {
            for folder in &folders {
                let name = match folder.as_str() {
                    "" => format!("{path}{ending}"),
                    folder => format!("{folder}/{path}{ending}"),
                };
                if is_clean(&name) && self.root.join(&name).is_file() {
                    return Ok(Some(name));
                }
            }
        }
        if import.level == 0 && path.starts_with(BUILTIN_MATH) {
            return Ok(None);
        }
        Err(SourceError::Missing {
            import: written(import),
            importer: self.importer.to_owned(),
            name: format!("{path}{CONTRACT} or {path}.vyi"),
            suggestion: None,
        })
    }
}

fn written(import: &Import) -> String {
    format!("{}{}", ".".repeat(import.level), import.path.replace('/', "."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::project;

    #[test]
    fn the_closure_is_what_the_compiler_would_find() {
        let root = project(&[
            (
                "src/a/Token.vy",
                "import Beside\nimport src.Other as O\nfrom pkg.sub import Mod\nimport math\n\
                 from ethereum.ercs import IERC20\nfrom ..i import IThing as I\nimport Both",
            ),
            ("src/a/Beside.vy", ""),
            ("Beside.vy", "import nothing"),
            ("src/Other.vy", "from . import Deep"),
            ("src/Deep.vy", ""),
            ("src/i/IThing.vyi", ""),
            ("lib/pkg/sub/Mod.vy", "import Near\nfrom . import abi"),
            ("lib/pkg/sub/Near.vy", ""),
            ("lib/pkg/sub/abi.json", "[]"),
            ("lib/Both.vy", ""),
            ("src/a/Both.vyi", ""),
            ("src/Unused.vy", ""),
        ]);
        let foundry = FoundryConfig::empty();
        let modules = closure(root.path(), &foundry, "src/a/Token.vy").unwrap();
        let names: Vec<_> = modules.keys().map(String::as_str).collect();
        let expected = [
            "lib/Both.vy",
            "lib/pkg/sub/Mod.vy",
            "lib/pkg/sub/Near.vy",
            "lib/pkg/sub/abi.json",
            "src/Deep.vy",
            "src/Other.vy",
            "src/a/Beside.vy",
            "src/a/Token.vy",
            "src/i/IThing.vyi",
        ];
        assert_eq!(names, expected);
        let imports = &modules["src/a/Token.vy"].imports;
        assert_eq!(imports["I"].as_deref(), Some("src/i/IThing.vyi"));
        assert_eq!((&imports["IERC20"], &imports["math"]), (&None, &None));
    }

    #[test]
    fn an_import_that_is_not_there_is_named() {
        let root = project(&[
            ("src/Gone.vy", "from .x import Missing"),
            ("src/Up.vy", "from ... import Token"),
        ]);
        let error =
            |contract: &str| closure(root.path(), &FoundryConfig::empty(), contract).unwrap_err();
        let gone = error("src/Gone.vy").to_string();
        assert!(gone.contains("\".x.Missing\" of src/Gone.vy"), "{gone}");
        assert!(matches!(error("src/Up.vy"), SourceError::NotInProject { .. }));
    }
}
