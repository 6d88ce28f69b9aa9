//! Which compiler builds which contracts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use semver::Version;

use crate::auto;
use crate::error::CompileError;
use crate::foundry::{BytecodeHash, FoundryConfig, Rules, SolcPin};
use crate::roots::Root;
use crate::solc::{Finder, FoundCompiler, Wanted};
use crate::sources::Closure;

/// Contracts that one compiler builds together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) compiler: FoundCompiler,
    pub(crate) roots: Vec<Root>,
    /// Everything that they import.
    pub(crate) closure: Closure,
    /// The project's settings as far as this compiler knows them.
    pub(crate) foundry: FoundryConfig,
    /// Which settings it does not know, for people.
    pub(crate) warnings: Vec<String>,
}

/// Puts contracts together that have the same compiler: the pinned one, or the one that forge
/// gives the file, or the highest one that every pragma in a contract's own closure allows.
pub(crate) fn by_compiler(
    project: &Path,
    roots: &[Root],
    all: &Closure,
    foundry: &FoundryConfig,
    finder: &mut Finder<'_>,
) -> Result<Vec<Group>, CompileError> {
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted: Vec<(Wanted, Vec<Root>)> = Vec::new();
    let pinned = matches!(foundry.solc, Some(SolcPin::Version(_) | SolcPin::Path(_)));
    if finder.has_one_compiler() || pinned {
        wanted.push((self::wanted(foundry, all), roots.to_vec()));
    } else {
        let given = match (foundry.rules, &foundry.solc) {
            (Rules::Forge, None) => auto::versions(project, foundry, &finder.versions())?,
            _ => BTreeMap::new(),
        };
        for root in roots {
            let own = match given.get(&root.source) {
                Some(version) => Wanted::Exactly(version.clone()),
                None => self::wanted(foundry, &closure_of(all, [root])),
            };
            match wanted.iter_mut().find(|(other, _)| *other == own) {
                Some((_, roots)) => roots.push(root.clone()),
                None => wanted.push((own, vec![root.clone()])),
            }
        }
    }
    let mut found: Vec<(FoundCompiler, Vec<Root>)> = Vec::new();
    for (wanted, roots) in wanted {
        let compiler = finder.find(&wanted)?;
        match found.iter_mut().find(|(other, _)| other.compiler == compiler.compiler) {
            Some((_, together)) => together.extend(roots),
            None => found.push((compiler, roots)),
        }
    }
    found.sort_by(|(a, _), (b, _)| b.version.plain.cmp(&a.version.plain));
    let group = |(compiler, mut roots): (FoundCompiler, Vec<Root>)| {
        roots.sort();
        let (foundry, warnings) = fitted(foundry, &compiler.version.plain);
        Group { closure: closure_of(all, &roots), compiler, roots, foundry, warnings }
    };
    Ok(found.into_iter().map(group).collect())
}

/// The compiler version: the pinned one, or one that every pragma in the closure allows.
fn wanted(foundry: &FoundryConfig, closure: &Closure) -> Wanted {
    match &foundry.solc {
        Some(SolcPin::Version(version)) => Wanted::Exactly(version.clone()),
        pin => {
            let pragmas = closure.values().filter_map(|source| source.pragma.clone());
            let range = match pin {
                Some(SolcPin::Range(range)) => Some(range.clone()),
                _ => None,
            };
            let mut all: Vec<_> = pragmas.chain(range).collect();
            all.sort_by_cached_key(ToString::to_string);
            all.dedup();
            Wanted::Within(all)
        }
    }
}

/// The part of a closure that these contracts need.
fn closure_of<'a>(all: &Closure, roots: impl IntoIterator<Item = &'a Root>) -> Closure {
    let mut open: BTreeSet<&str> = roots.into_iter().map(|root| root.source.as_str()).collect();
    let mut closure = Closure::new();
    while let Some(name) = open.pop_first() {
        let Some(source) = all.get(name) else { continue };
        if closure.insert(name.to_owned(), source.clone()).is_none() {
            open.extend(source.imports.iter().map(String::as_str));
            open.retain(|name| !closure.contains_key(*name));
        }
    }
    closure
}

/// The first compiler that can leave metadata out.
const NO_METADATA_SINCE: Version = Version::new(0, 8, 18);

/// The first compiler with an intermediate representation that it can be asked to go through.
const VIA_IR_SINCE: Version = Version::new(0, 7, 5);

/// The first compiler that can be asked for another hash of its metadata, or other reasons of
/// reverts.
const METADATA_HASH_SINCE: Version = Version::new(0, 6, 0);

/// The first compiler that lets its inliner be switched.
const INLINER_SINCE: Version = Version::new(0, 8, 5);

/// As in Foundry, an older compiler gets what it knows of settings that it cannot follow.
fn fitted(foundry: &FoundryConfig, version: &Version) -> (FoundryConfig, Vec<String>) {
    let mut fitted = foundry.clone();
    let mut warnings = Vec::new();
    if let (Some(evm), written) = foundry.wanted_evm() {
        let known = evm.normalize_version_solc(version);
        fitted.evm_version = known.map(|evm| evm.as_str().to_owned());
        if written && known != Some(evm) {
            let known = known.map_or("its default", |evm| evm.as_str());
            warnings.push(format!("solc {version} does not know {evm}: `evm_version` is {known}"));
        }
    }
    if !foundry.cbor_metadata && *version < NO_METADATA_SINCE {
        fitted.cbor_metadata = true;
        warnings.push(format!("solc {version} always appends metadata: `cbor_metadata` is true"));
    }
    if foundry.via_ir && *version < VIA_IR_SINCE {
        fitted.via_ir = false;
        warnings.push(format!("solc {version} does not know `via_ir`: it is false"));
    }
    if *version < METADATA_HASH_SINCE {
        fitted.bytecode_hash = BytecodeHash::Fixed;
        if foundry.bytecode_hash != FoundryConfig::empty().bytecode_hash {
            warnings.push(format!("solc {version} does not know `bytecode_hash`: it is Swarm's"));
        }
        if fitted.revert_strings.take().is_some() {
            warnings.push(format!("solc {version} does not know `revert_strings`"));
        }
    }
    let details = fitted.optimizer_details.as_mut().and_then(serde_json::Value::as_object_mut);
    if *version < INLINER_SINCE && details.is_some_and(|d| d.remove("inliner").is_some()) {
        warnings.push(format!("solc {version} has no `inliner` in `optimizer_details`"));
    }
    (fitted, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: Version, evm: &str, expected: Option<&str>) {
        let foundry = FoundryConfig {
            evm_version: Some(evm.to_owned()),
            cbor_metadata: false,
            via_ir: true,
            bytecode_hash: BytecodeHash::None,
            revert_strings: Some("strip".to_owned()),
            optimizer_details: Some(serde_json::json!({"inliner": false, "cse": true})),
            ..FoundryConfig::empty()
        };
        let (fitted, warnings) = fitted(&foundry, &version);
        assert_eq!(fitted.evm_version.as_deref(), expected, "{version}");
        assert_eq!(fitted.cbor_metadata, version < NO_METADATA_SINCE, "{version}");
        let inliner = fitted.optimizer_details.unwrap().get("inliner").is_some();
        assert_eq!(inliner, version >= INLINER_SINCE, "{version}");
        assert_eq!(fitted.via_ir, version >= VIA_IR_SINCE, "{version}");
        let hash = fitted.bytecode_hash == BytecodeHash::Fixed;
        assert_eq!(hash, version < METADATA_HASH_SINCE, "{version}");
        assert_eq!(fitted.revert_strings.is_none(), hash, "{version}");
        let changed =
            [expected != Some(evm), fitted.cbor_metadata, !inliner, !fitted.via_ir, hash, hash];
        let changed = changed.into_iter().filter(|changed| *changed).count();
        assert_eq!(warnings.len(), changed, "{version}: {warnings:?}");
    }

    #[test]
    fn old_compilers_get_what_they_know() {
        check(Version::new(0, 8, 30), "cancun", Some("cancun"));
        check(Version::new(0, 8, 20), "cancun", Some("shanghai"));
        check(Version::new(0, 8, 10), "cancun", Some("london"));
        check(Version::new(0, 7, 6), "cancun", Some("istanbul"));
        check(Version::new(0, 7, 4), "istanbul", Some("istanbul"));
        check(Version::new(0, 6, 0), "istanbul", Some("istanbul"));
        check(Version::new(0, 5, 16), "cancun", Some("istanbul"));
        check(Version::new(0, 8, 10), "istanbul", Some("istanbul"));
    }
}
