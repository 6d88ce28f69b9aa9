//! Names that are equal in every clone: project-relative, or by package for what it published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::files::{self, FileError};
use crate::foundry::FoundryConfig;
use crate::known::is_published;
use crate::places;

/// A source that gets no unique normalised name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// A `package.json` cannot be read.
    #[error("cannot name the source {source_name}")]
    Unreadable {
        source_name: String,
        #[source]
        source: FileError,
    },
    /// A `package.json` is not valid.
    #[error("cannot read {}", file.display())]
    Malformed {
        file: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// A package's name is not one.
    #[error("cannot use the package name {name:?} in {}", file.display())]
    BadPackage { file: PathBuf, name: String },
    /// Two files with the same normalised name differ, as in two versions of one package, or
    /// mean different files by what they import.
    #[error("cannot tell {first} and {second} apart: both are {name}, and {what}")]
    Collision {
        name: String,
        first: String,
        second: String,
        /// The difference.
        what: String,
    },
}

/// The most bytes of a `package.json`.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

const NODE_MODULES: &str = "node_modules";

/// A source's content and imports, under the compiler's names.
#[derive(Debug, Clone)]
pub(crate) struct Text<'a> {
    pub(crate) source: &'a str,
    pub(crate) content: &'a str,
    /// The source that each import means, in the order that the content gives; none where it is
    /// the compiler's own.
    pub(crate) imports: Vec<Option<&'a str>>,
}

/// The normalised names of all sources: `contracts/src/Vault.sol` stays as it is, a file that a
/// known package published becomes `dep:<package>/<path>`, and any other of a dependency
/// `vendored:` and its path. A name has one meaning: where several sources have
/// it, or one source stands in several closures, bytes and imported names are the same.
pub(crate) fn normalise<'a>(
    root: &Path,
    foundry: &FoundryConfig,
    sources: impl IntoIterator<Item = Text<'a>>,
) -> Result<BTreeMap<String, String>, NameError> {
    let sources: Vec<_> = sources.into_iter().collect();
    let mut names = BTreeMap::new();
    for text in &sources {
        if !names.contains_key(text.source) {
            let name = name_of(root, foundry, text.source, text.content)?;
            names.insert(text.source.to_owned(), name);
        }
    }
    let mut taken: BTreeMap<&str, &Text<'_>> = BTreeMap::new();
    for text in &sources {
        let name = &names[text.source];
        let Some(first) = taken.get(name.as_str()) else {
            taken.insert(name, text);
            continue;
        };
        let imported = |text: &Text<'_>, at: usize| {
            let import = text.imports.get(at).copied().flatten()?;
            Some(names.get(import).map_or(import, String::as_str).to_owned())
        };
        let count = first.imports.len().max(text.imports.len());
        let other = (0..count).find(|at| imported(first, *at) != imported(text, *at));
        let what = match other {
            _ if first.content != text.content => "they differ".to_owned(),
            None => continue,
            Some(at) => {
                let [one, other] = [first, text]
                    .map(|text| imported(text, at).unwrap_or_else(|| "the compiler's own".into()));
                format!("one imports {one} where the other imports {other}")
            }
        };
        let (name, first) = (name.clone(), first.source.to_owned());
        return Err(NameError::Collision { name, first, second: text.source.to_owned(), what });
    }
    Ok(names)
}

/// The normalised name of one source. What its folder is called proves nothing: only bytes do.
pub(crate) fn name_of(
    root: &Path,
    foundry: &FoundryConfig,
    source: &str,
    content: &str,
) -> Result<String, NameError> {
    let path = places::path_of(root, foundry, source);
    let path = path.as_deref().unwrap_or(source);
    if let Some((package, inner)) = dependency(root, foundry, path)? {
        let published = format!("{package}/{inner}");
        return Ok(match is_published(&published, content) {
            true => format!("{PUBLISHED}{published}"),
            false => format!("{VENDORED}{path}"),
        });
    }
    // A folder of the project may be called like a package's scope.
    Ok(if path.starts_with('@') { format!("{VENDORED}{path}") } else { path.to_owned() })
}

/// The prefix of a name whose bytes a known package published.
pub(crate) const PUBLISHED: &str = "dep:";
/// The prefix of a name of a dependency's file of which nothing proves what it is.
pub(crate) const VENDORED: &str = "vendored:";

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

/// The offset behind the dependency folder: the innermost `node_modules`, or else the longest
/// folder of `libs`.
fn base(foundry: &FoundryConfig, source: &str) -> Option<usize> {
    let folder = |name: &str| {
        let rest = source.strip_prefix(name)?.strip_prefix('/')?;
        Some(source.len() - rest.len())
    };
    let inner = format!("/{NODE_MODULES}/");
    let nested = source.rfind(&inner).map(|at| at + inner.len()).or_else(|| folder(NODE_MODULES));
    nested.or_else(|| {
        // A project may keep its own sources in a folder that it also lists among its libraries.
        let own = if foundry.src == "." { Some(0) } else { folder(&foundry.src) };
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
    use crate::known::tests::{IERC20, ierc20};
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
            ("src/lib/a/X.sol", "a/X.sol"),
            ("library/X.sol", "library/X.sol"),
            ("lib/X.sol", "lib/X.sol"),
            ("lib/solmate/src/X.sol", "solmate/src/X.sol"),
            ("lib/@odd/y/X.sol", "@odd/y/X.sol"),
            ("lib/oz/contracts/utils/X.sol", "@oz/contracts/utils/X.sol"),
            ("node_modules/@oz/contracts/utils/X.sol", "@oz/contracts/utils/X.sol"),
            ("node_modules/@oz/contracts/build/X.sol", "@oz/contracts/build/X.sol"),
            ("node_modules/@none/pkg/a/X.sol", "@none/pkg/a/X.sol"),
            ("lib/deep/lib/inner/a/X.sol", "inner/a/X.sol"),
            ("lib/deep/lib/bare/X.sol", "deep/lib/bare/X.sol"),
            ("lib/deep/node_modules/n/X.sol", "n/X.sol"),
            ("vendor/x/X.sol", "x-by-name/X.sol"),
        ];
        for (source, expected) in cases {
            let found = dependency(root.path(), &foundry, source).unwrap();
            let found = found.map(|(package, path)| format!("{package}/{path}"));
            assert_eq!(found.as_deref().unwrap_or(source), expected, "{source}");
        }
        let own = FoundryConfig { libs: vec!["src".to_owned()], ..FoundryConfig::empty() };
        assert_eq!(name_of(root.path(), &own, "src/a/X.sol", "").unwrap(), "src/a/X.sol");
    }

    /// Whatever a folder is called, and wherever it lies.
    #[test]
    fn only_bytes_prove_an_origin() {
        let published = ierc20("5.0.0");
        let foundry = FoundryConfig::empty();
        let installed = format!("node_modules/{IERC20}");
        for (place, proven) in [(installed.as_str(), true), (IERC20, false)] {
            let root = project(&[(place, "")]);
            for source in [place, IERC20] {
                let named = |content| name_of(root.path(), &foundry, source, content).unwrap();
                let vendored = format!("vendored:{place}");
                assert_eq!(named("contract Mine {}"), vendored, "{source}");
                let expected = if proven { format!("dep:{IERC20}") } else { vendored };
                assert_eq!(named(&published), expected, "{source}");
            }
        }
    }

    #[test]
    fn two_versions_of_a_package_collide() {
        let manifest = "{\"name\": \"@openzeppelin/contracts\"}";
        let root = project(&[("lib/a/package.json", manifest), ("lib/b/package.json", manifest)]);
        let names = |second: &str| {
            let text = |source, content| Text { source, content, imports: Vec::new() };
            let path = "interfaces/IERC20.sol";
            let sources = [
                (format!("lib/a/{path}"), ierc20("5.0.0")),
                (format!("lib/b/{path}"), second.to_owned()),
            ];
            let texts = sources.iter().map(|(source, content)| text(source, content));
            let names = normalise(root.path(), &FoundryConfig::empty(), texts);
            names.map(|names| names.into_values().collect::<Vec<_>>())
        };
        assert!(matches!(names(&ierc20("5.4.0")).unwrap_err(), NameError::Collision { .. }));
        let published = format!("dep:{IERC20}");
        assert_eq!(names(&ierc20("5.0.0")).unwrap(), [published.clone(), published.clone()]);
        let other = "vendored:lib/b/interfaces/IERC20.sol".to_owned();
        assert_eq!(names("contract Mine {}").unwrap(), [published, other]);
    }

    /// By a context remapping, by `../` at another depth, or because Vyper looks beside the
    /// contract first.
    #[test]
    fn equal_files_that_import_others_collide() {
        let manifest = "{\"name\": \"@openzeppelin/contracts\"}";
        let root = project(&[
            ("lib/a/package.json", manifest),
            ("lib/b/package.json", manifest),
            ("node_modules/q/X.sol", ""),
            ("node_modules/q/Y.sol", ""),
        ]);
        let content = ierc20("5.0.0");
        let check = |sources: [(&str, &[Option<&str>]); 2]| {
            let text = |(source, imports): (_, &[_])| Text {
                source,
                content: &content,
                imports: imports.to_vec(),
            };
            let names = normalise(root.path(), &FoundryConfig::empty(), sources.map(text));
            names.map(|_| ()).map_err(|error| error.to_string())
        };
        let error = check([
            ("lib/a/interfaces/IERC20.sol", &[Some("src/one/Rule.sol")]),
            ("lib/b/interfaces/IERC20.sol", &[Some("src/two/Rule.sol")]),
        ]);
        let says = "both are dep:@openzeppelin/contracts/interfaces/IERC20.sol, and one imports \
                    src/one/Rule.sol where the other imports src/two/Rule.sol";
        assert!(error.unwrap_err().ends_with(says));
        let own = Some("src/R.vy");
        for imports in [&[own, None][..], &[None, None], &[own, own], &[]] {
            let first = ("src/X.vy", &[own, None][..]);
            let same = imports == first.1;
            assert_eq!(check([first, ("src/X.vy", imports)]).is_ok(), same, "{imports:?}");
        }
        // The compiler's names may differ where the normalised ones do not.
        let there = "node_modules/q/Y.sol";
        let text = |source, imports| Text { source, content: "", imports };
        let same = [
            text("q/X.sol", vec![Some("q/Y.sol")]),
            text("q/Y.sol", vec![]),
            text("node_modules/q/X.sol", vec![Some(there)]),
            text(there, vec![]),
        ];
        normalise(root.path(), &FoundryConfig::empty(), same).unwrap();
    }

    #[test]
    fn a_package_cannot_pose_as_another() {
        for name in ["", "@oz", "a/b", "@oz/a/b", "../x", "a:b", "@/x", "."] {
            let manifest = format!("{{\"name\": \"{name}\"}}");
            let root = project(&[("lib/a/package.json", &manifest)]);
            let name_of = name_of(root.path(), &FoundryConfig::empty(), "lib/a/X.sol", "");
            assert!(matches!(name_of.unwrap_err(), NameError::BadPackage { .. }), "{name:?}");
        }
    }
}
