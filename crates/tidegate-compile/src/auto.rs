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
use crate::roots::{RootError, contract_files};
use crate::sources::content;

/// The version for each file of the project and each that it imports. `available` has no builds.
///
/// # Errors
/// If the folders cannot be searched.
pub(crate) fn versions(
    root: &Path,
    foundry: &FoundryConfig,
    available: &BTreeSet<Version>,
) -> Result<BTreeMap<String, Version>, RootError> {
    let mut parsed = BTreeMap::new();
    let mut inputs = Vec::new();
    for name in inputs_of(root, foundry)? {
        let files = with_imports(root, foundry, name.clone(), &mut parsed);
        let suits = |version: &&Version| {
            let pragmas = files.iter().filter_map(|file| parsed[file].pragma.as_ref());
            pragmas.into_iter().all(|pragma| pragma.matches(version))
        };
        let suitable: BTreeSet<&Version> = available.iter().filter(suits).collect();
        // Where none suits, forge builds nothing; here the others may still be asked for.
        if !suitable.is_empty() {
            inputs.push((name, files, suitable));
        }
    }
    let chosen = chosen(&inputs.iter().map(|(_, _, suitable)| suitable).collect::<Vec<_>>());
    let mut versions: BTreeMap<String, Version> = BTreeMap::new();
    for ((_, files, _), version) in inputs.iter().zip(&chosen) {
        for file in files {
            let highest = versions.entry(file.clone()).or_insert_with(|| (*version).clone());
            if **version > *highest {
                *highest = (*version).clone();
            }
        }
    }
    // Its own choice, whatever others import it.
    versions.extend(inputs.iter().zip(chosen).map(|((name, _, _), v)| (name.clone(), v.clone())));
    Ok(versions)
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

/// The files that forge compiles, in its order.
fn inputs_of(root: &Path, foundry: &FoundryConfig) -> Result<Vec<String>, RootError> {
    let mut inputs = Vec::new();
    for folder in [&foundry.src, &foundry.test, &foundry.script] {
        if root.join(folder).is_dir() {
            inputs.extend(contract_files(root, folder)?);
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
    imports: Vec<String>,
}

/// A file and all that it imports. What is not there, as the dependencies of tests may not be,
/// asks for nothing.
fn with_imports(
    root: &Path,
    foundry: &FoundryConfig,
    name: String,
    parsed: &mut BTreeMap<String, Parsed>,
) -> BTreeSet<String> {
    let mut open = vec![name];
    let mut files = BTreeSet::new();
    while let Some(name) = open.pop() {
        if files.contains(&name) {
            continue;
        }
        let file = parsed.entry(name.clone()).or_insert_with(|| parse(root, foundry, &name));
        open.extend(file.imports.iter().cloned());
        files.insert(name);
    }
    files
}

fn parse(root: &Path, foundry: &FoundryConfig, name: &str) -> Parsed {
    let Ok(text) = content(root, foundry, name) else {
        return Parsed { pragma: None, imports: Vec::new() };
    };
    let data = SolData::parse(&text, Path::new(name));
    let resolve = |import: &str| {
        let resolved = remapping::resolve(import, name, &foundry.remappings)?;
        places::path_of(root, foundry, &resolved).map(|_| resolved)
    };
    let imports = data.imports.iter().map(|import| import.data().path().to_string_lossy());
    Parsed {
        imports: imports.filter_map(|import| resolve(&import)).collect(),
        pragma: data.version_req,
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
