//! The compiler that forge gives each file of a project that pins none.
//!
//! The files under `src`, `test` and `script` share one compiler if any suits them all, and else
//! as few as their order gives: so a test can hold a contract at an older compiler than its own
//! pragma asks for. The rules are those of forge 1.7.1.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use foundry_compilers::resolver::parse::SolData;
use semver::{Version, VersionReq};

use crate::foundry::FoundryConfig;
use crate::places;
use crate::remapping;
use crate::roots::{Found, RootError, entries};
use crate::sources::{SOURCES_MAX, SourceError, content};

/// The version for each file of the project and each that it imports. `available` has no builds.
///
/// # Errors
/// If the folders cannot be searched.
pub(crate) fn versions(
    root: &Path,
    foundry: &FoundryConfig,
    available: &BTreeSet<Version>,
) -> Result<BTreeMap<String, Version>, RootError> {
    let mut files = Files { root, foundry, names: Vec::new(), ids: BTreeMap::new() };
    let mut parsed = Vec::new();
    let mut inputs = Vec::new();
    for name in inputs_of(root, foundry)? {
        let id = files.id(name)?;
        let closure = files.with_imports(id, &mut parsed)?;
        let suits = |version: &&Version| {
            let pragmas = closure.iter().filter_map(|id| parsed[*id].as_ref()?.pragma.as_ref());
            pragmas.into_iter().all(|pragma| pragma.matches(version))
        };
        let suitable: BTreeSet<&Version> = available.iter().filter(suits).collect();
        // Where none suits, forge builds nothing; here the others may still be asked for.
        if !suitable.is_empty() {
            inputs.push((id, closure, suitable));
        }
    }
    let chosen = chosen(&inputs.iter().map(|(_, _, suitable)| suitable).collect::<Vec<_>>());
    let mut versions: BTreeMap<usize, &Version> = BTreeMap::new();
    for ((_, closure, _), version) in inputs.iter().zip(&chosen) {
        for id in closure {
            let highest = versions.entry(*id).or_insert(version);
            *highest = (*highest).max(version);
        }
    }
    // Its own choice, whatever others import it.
    versions.extend(inputs.iter().zip(chosen).map(|((id, _, _), version)| (*id, version)));
    let named = |(id, version): (usize, &Version)| (files.names[id].clone(), version.clone());
    Ok(versions.into_iter().map(named).collect())
}

fn chosen<'a>(inputs: &[&BTreeSet<&'a Version>]) -> Vec<&'a Version> {
    let highest = |suitable: &BTreeSet<&'a Version>| *suitable.last().expect("it is not empty");
    let Some((first, others)) = inputs.split_first() else { return Vec::new() };
    let common = first.iter().rev().find(|version| others.iter().all(|o| o.contains(**version)));
    if let Some(common) = common {
        return vec![common; inputs.len()];
    }
    let mut taken = BTreeSet::new();
    let choose = |suitable: &&BTreeSet<&'a Version>| {
        let again = suitable.iter().rev().find(|version| taken.contains(**version));
        let version = again.copied().unwrap_or_else(|| highest(suitable));
        taken.insert(version);
        version
    };
    inputs.iter().map(choose).collect()
}

/// The files that forge compiles, in its order. It follows links, which may lead anywhere.
fn inputs_of(root: &Path, foundry: &FoundryConfig) -> Result<Vec<String>, RootError> {
    let mut inputs = Vec::new();
    for folder in [&foundry.src, &foundry.test, &foundry.script] {
        if root.join(folder).is_dir() {
            let Found { files, links } = entries(root, folder)?;
            let leads = |link: &&String| {
                let path = root.join(link);
                path.is_dir() || (path.is_file() && link.ends_with(".sol"))
            };
            if let Some(link) = links.iter().find(leads) {
                return Err(RootError::Linked { link: link.clone() });
            }
            inputs.extend(files);
        }
    }
    inputs.retain(|name| name.ends_with(".sol"));
    inputs.sort_by(|one, other| Path::new(one).cmp(Path::new(other)));
    inputs.dedup();
    Ok(inputs)
}

/// What the choice depends on in one file.
struct Parsed {
    pragma: Option<VersionReq>,
    imports: Vec<usize>,
}

/// The files that are met, by number.
struct Files<'a> {
    root: &'a Path,
    foundry: &'a FoundryConfig,
    names: Vec<String>,
    ids: BTreeMap<String, usize>,
}

impl Files<'_> {
    fn id(&mut self, name: String) -> Result<usize, RootError> {
        if let Some(id) = self.ids.get(&name) {
            return Ok(*id);
        }
        let id = self.names.len();
        if id == SOURCES_MAX {
            let folder = self.root.join(&self.foundry.src);
            return Err(RootError::TooMany { folder, limit: SOURCES_MAX });
        }
        self.names.push(name.clone());
        self.ids.insert(name, id);
        Ok(id)
    }

    /// A file and all that it imports.
    fn with_imports(
        &mut self,
        file: usize,
        parsed: &mut Vec<Option<Parsed>>,
    ) -> Result<Vec<usize>, RootError> {
        let (mut closure, mut open) = (Vec::new(), vec![file]);
        let mut seen = vec![false; self.names.len()];
        while let Some(id) = open.pop() {
            if seen.get(id) == Some(&true) {
                continue;
            }
            if parsed.get(id).is_none_or(Option::is_none) {
                let read = self.parse(id)?;
                parsed.resize_with(self.names.len().max(parsed.len()), || None);
                parsed[id] = Some(read);
            }
            seen.resize(self.names.len(), false);
            seen[id] = true;
            closure.push(id);
            open.extend(parsed[id].iter().flat_map(|file| &file.imports));
        }
        Ok(closure)
    }

    /// What is not there, as the dependencies of tests may not be, asks for nothing. What lies
    /// outside of the repository is not read, so what it asks for is not known.
    fn parse(&mut self, id: usize) -> Result<Parsed, RootError> {
        let (root, foundry, name) = (self.root, self.foundry, self.names[id].clone());
        let text = match content(root, foundry, &name) {
            Ok(text) => text,
            Err(SourceError::Outside { .. }) => return Err(RootError::Linked { link: name }),
            Err(_) => return Ok(Parsed { pragma: None, imports: Vec::new() }),
        };
        let data = SolData::parse(&text, Path::new(&name));
        let resolve = |import: &str| {
            let resolved = remapping::resolve(import, &name, &foundry.remappings)?;
            places::path_of(root, foundry, &resolved).map(|_| resolved)
        };
        let imports = data.imports.iter().map(|import| import.data().path().to_string_lossy());
        let imports: Vec<_> = imports.filter_map(|import| resolve(&import)).collect();
        let imports = imports.into_iter().map(|name| self.id(name)).collect::<Result<_, _>>()?;
        Ok(Parsed { imports, pragma: data.version_req })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundry::Rules;
    use crate::testing::project;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[(&str, &str)]) {
        let root = project(files);
        let foundry = FoundryConfig { rules: Rules::Forge, ..FoundryConfig::empty() };
        let available = ["0.7.6", "0.8.10", "0.8.20", "0.8.26", "0.8.37"];
        let available = available.map(|text| text.parse().unwrap()).into_iter().collect();
        let versions = versions(root.path(), &foundry, &available).unwrap();
        let versions: Vec<_> = versions.iter().map(|(f, v)| (f.as_str(), v.to_string())).collect();
        let versions: Vec<_> = versions.iter().map(|(f, v)| (*f, v.as_str())).collect();
        assert_eq!(versions, expected);
    }

    #[test]
    fn all_files_share_a_compiler_where_one_suits_all() {
        check(
            &[
                ("src/A.sol", "pragma solidity ^0.8.0; import \"../lib/L.sol\";"),
                ("lib/L.sol", "pragma solidity >=0.7.0;"),
                ("lib/Other.sol", "pragma solidity 0.7.6;"),
                ("test/B.t.sol", "pragma solidity 0.8.20; import \"gone/X.sol\";"),
                ("script/C.s.sol", ""),
            ],
            &[
                ("lib/L.sol", "0.8.20"),
                ("script/C.s.sol", "0.8.20"),
                ("src/A.sol", "0.8.20"),
                ("test/B.t.sol", "0.8.20"),
            ],
        );
    }

    /// Forge would read it, so what it asks for may decide the compiler of the others.
    #[cfg(unix)]
    #[test]
    fn a_link_is_named_instead_of_asking_for_nothing() {
        let outside = project(&[("Old.sol", "pragma solidity 0.7.6;"), ("note.txt", "")]);
        let root = project(&[
            ("src/A.sol", "pragma solidity ^0.8.0;"),
            ("test/B.sol", "pragma solidity >=0.7.0; import \"../mocks/Old.sol\";"),
            ("mocks/Own.sol", ""),
        ]);
        let foundry = FoundryConfig { rules: Rules::Forge, ..FoundryConfig::empty() };
        let available = ["0.7.6", "0.8.20"].map(|text| text.parse().unwrap()).into();
        let said = || versions(root.path(), &foundry, &available).map_err(|e| e.to_string());
        let link = |from: &Path, to: &str| {
            std::os::unix::fs::symlink(from, root.path().join(to)).unwrap();
        };
        link(&outside.path().join("note.txt"), "src/note.txt");
        link(Path::new("nowhere.sol"), "src/Gone.sol");
        assert_eq!(said().unwrap()["src/A.sol"].to_string(), "0.8.20");
        link(&outside.path().join("Old.sol"), "mocks/Old.sol");
        assert!(said().unwrap_err().contains("mocks/Old.sol"), "imported");
        link(outside.path(), "test/linked");
        assert!(said().unwrap_err().contains("test/linked"), "a folder of sources");
    }

    #[test]
    fn else_each_takes_one_that_a_file_before_it_has() {
        check(
            &[
                ("src/A.sol", "pragma solidity ^0.8.0;"),
                ("src/B.sol", "pragma solidity 0.8.20; import \"./F.sol\";"),
                ("src/C.sol", "pragma solidity =0.7.6;"),
                ("src/D.sol", "pragma solidity >=0.7.0;"),
                ("src/E.sol", "pragma solidity >=0.8.0 <0.8.27;"),
                ("src/F.sol", "pragma solidity >=0.8.0 <0.8.27;"),
                ("src/None.sol", "pragma solidity ^0.6.0;"),
            ],
            &[
                ("src/A.sol", "0.8.37"),
                ("src/B.sol", "0.8.20"),
                ("src/C.sol", "0.7.6"),
                ("src/D.sol", "0.8.37"),
                ("src/E.sol", "0.8.20"),
                ("src/F.sol", "0.8.20"),
            ],
        );
    }
}
