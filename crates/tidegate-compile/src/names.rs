//! Names that are equal in every clone: project-relative, or by package for a dependency.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files::{self, FileError};
use crate::foundry::FoundryConfig;
use crate::places;

/// Why a source has no normalised name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// A `package.json` cannot be read.
    #[error("name the source {source_name}")]
    Unreadable {
        /// The source.
        source_name: String,
        /// Why.
        #[source]
        source: FileError,
    },
    /// A `package.json` is not valid.
    #[error("read {}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A package's name is not one.
    #[error("use the package name {name:?} in {}", file.display())]
    BadPackage {
        /// The file.
        file: PathBuf,
        /// The name.
        name: String,
    },
    /// Two different files have the same normalised name, as with two versions of one package.
    #[error("tell {first} and {second} apart: both are {name}, and they differ")]
    Collision {
        /// The normalised name.
        name: String,
        /// One source.
        first: String,
        /// The other one.
        second: String,
    },
}

/// The most bytes of a `package.json`.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

const NODE_MODULES: &str = "node_modules";

/// The normalised names of all sources: `contracts/src/Vault.sol` stays as it is, a
/// dependency becomes `dep:<package>/<path>`.
pub(crate) fn normalise<'a>(
    root: &Path,
    foundry: &FoundryConfig,
    sources: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<String, String>, NameError> {
    let mut names = BTreeMap::new();
    let mut taken: BTreeMap<String, (&str, &str)> = BTreeMap::new();
    for (source, content) in sources {
        let path = places::path_of(root, foundry, source);
        let name = match dependency(root, foundry, path.as_deref().unwrap_or(source))? {
            Some((package, path)) => format!("dep:{package}/{path}"),
            None => source.to_owned(),
        };
        if let Some((first, other)) = taken.insert(name.clone(), (source, content))
            && other != content
        {
            let (first, second) = (first.to_owned(), source.to_owned());
            return Err(NameError::Collision { name, first, second });
        }
        names.insert(source.to_owned(), name);
    }
    Ok(names)
}

/// Package and path in it, if a source belongs to a dependency.
fn dependency<'a>(
    root: &Path,
    foundry: &FoundryConfig,
    source: &'a str,
) -> Result<Option<(String, &'a str)>, NameError> {
    let Some(base) = base(foundry, source) else { return Ok(None) };
    let inner = &source[base..];
    let Some(package) = package_folder(&source[..base], inner) else { return Ok(None) };
    // The nearest manifest with a name, from the file's folder up to the package's own.
    for (end, _) in inner.rmatch_indices('/').filter(|(end, _)| *end >= package.len()) {
        let file = root.join(&source[..base + end]).join("package.json");
        if let Some(name) = manifest_name(&file, source)? {
            return Ok(Some((name, &inner[end + 1..])));
        }
    }
    Ok(Some((package.to_owned(), &inner[package.len() + 1..])))
}

/// Where the part behind the dependency folder starts, for the innermost `node_modules` or else
/// the longest folder of `libs`.
fn base(foundry: &FoundryConfig, source: &str) -> Option<usize> {
    let folder = |name: &str| {
        let rest = source.strip_prefix(name)?.strip_prefix('/')?;
        Some(source.len() - rest.len())
    };
    let inner = format!("/{NODE_MODULES}/");
    let nested = source.rfind(&inner).map(|at| at + inner.len()).or_else(|| folder(NODE_MODULES));
    nested.or_else(|| {
        // A project may keep its own sources in a folder that it also lists among its libraries.
        let own = folder(&foundry.src);
        foundry.libs.iter().filter_map(|lib| folder(lib)).max().filter(|lib| own < Some(*lib))
    })
}

/// The folder that holds one package: `name`, or `@scope/name` where npm installed it.
fn package_folder<'a>(base: &str, inner: &'a str) -> Option<&'a str> {
    let npm = base.trim_end_matches('/').ends_with(NODE_MODULES);
    let depth = if npm && inner.starts_with('@') { 2 } else { 1 };
    let (end, _) = inner.match_indices('/').nth(depth - 1)?;
    Some(&inner[..end])
}

fn manifest_name(file: &Path, source: &str) -> Result<Option<String>, NameError> {
    #[derive(Deserialize)]
    struct Manifest {
        name: Option<String>,
    }
    if !file.is_file() {
        return Ok(None);
    }
    let text = files::read_text(file, MANIFEST_BYTES_MAX)
        .map_err(|error| NameError::Unreadable { source_name: source.to_owned(), source: error })?;
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|source| NameError::Malformed { file: file.to_owned(), source })?;
    match manifest.name {
        Some(name) if !is_package_name(&name) => {
            Err(NameError::BadPackage { file: file.to_owned(), name })
        }
        name => Ok(name),
    }
}

/// Whether this is `name` or `@scope/name`, so that it cannot pose as another package's path.
fn is_package_name(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    };
    match name.strip_prefix('@') {
        Some(scoped) => {
            scoped.split_once('/').is_some_and(|(scope, name)| plain(scope) && plain(name))
        }
        None => plain(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::project;

    #[test]
    fn names_are_by_package() {
        let oz = "{\"name\": \"@oz/contracts\"}";
        let root = project(&[
            ("package.json", "{\"name\": \"the-project\"}"),
            ("lib/oz/contracts/package.json", oz),
            ("node_modules/@oz/contracts/package.json", oz),
            ("node_modules/@oz/contracts/build/package.json", "{\"type\": \"module\"}"),
            ("lib/deep/lib/inner/package.json", "{\"name\": \"inner\"}"),
            ("vendor/x/package.json", "{\"name\": \"x-by-name\"}"),
            ("node_modules/@oz/contracts/utils/I.sol", ""),
        ]);
        let libs = ["lib", "vendor", "src/lib"].map(str::to_owned).to_vec();
        let foundry = FoundryConfig { libs, ..FoundryConfig::empty() };
        let cases = [
            ("src/Vault.sol", "src/Vault.sol"),
            ("src/lib/a/X.sol", "dep:a/X.sol"),
            ("library/X.sol", "library/X.sol"),
            ("lib/X.sol", "lib/X.sol"),
            ("lib/solmate/src/X.sol", "dep:solmate/src/X.sol"),
            ("lib/@odd/y/X.sol", "dep:@odd/y/X.sol"),
            ("lib/oz/contracts/utils/X.sol", "dep:@oz/contracts/utils/X.sol"),
            ("node_modules/@oz/contracts/utils/X.sol", "dep:@oz/contracts/utils/X.sol"),
            ("node_modules/@oz/contracts/build/X.sol", "dep:@oz/contracts/build/X.sol"),
            ("node_modules/@none/pkg/a/X.sol", "dep:@none/pkg/a/X.sol"),
            ("lib/deep/lib/inner/a/X.sol", "dep:inner/a/X.sol"),
            ("lib/deep/lib/bare/X.sol", "dep:deep/lib/bare/X.sol"),
            ("lib/deep/node_modules/n/X.sol", "dep:n/X.sol"),
            ("vendor/x/X.sol", "dep:x-by-name/X.sol"),
            ("@oz/contracts/utils/I.sol", "dep:@oz/contracts/utils/I.sol"),
        ];
        for (source, expected) in cases {
            let names = normalise(root.path(), &foundry, [(source, "")]).unwrap();
            assert_eq!(names[source], expected, "{source}");
        }
        let own = FoundryConfig { libs: vec!["src".to_owned()], ..FoundryConfig::empty() };
        let names = normalise(root.path(), &own, [("src/a/X.sol", "")]).unwrap();
        assert_eq!(names["src/a/X.sol"], "src/a/X.sol");
    }

    #[test]
    fn two_versions_of_a_package_collide() {
        let manifest = "{\"name\": \"p\"}";
        let root = project(&[("lib/a/package.json", manifest), ("lib/b/package.json", manifest)]);
        let names = |second: &str| {
            let sources = [("lib/a/X.sol", "one"), ("lib/b/X.sol", second)];
            normalise(root.path(), &FoundryConfig::empty(), sources)
        };
        assert!(matches!(names("two").unwrap_err(), NameError::Collision { .. }));
        assert_eq!(names("one").unwrap()["lib/b/X.sol"], "dep:p/X.sol");
    }

    #[test]
    fn a_package_cannot_pose_as_another() {
        for name in ["", "@oz", "a/b", "@oz/a/b", "../x", "a:b", "@/x", "."] {
            let manifest = format!("{{\"name\": \"{name}\"}}");
            let root = project(&[("lib/a/package.json", &manifest)]);
            let names = normalise(root.path(), &FoundryConfig::empty(), [("lib/a/X.sol", "")]);
            assert!(matches!(names.unwrap_err(), NameError::BadPackage { .. }), "{name:?}");
        }
    }
}
