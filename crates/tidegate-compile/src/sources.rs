//! The closure of sources: the files asked for and everything they import.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::files::{self, FileError};
use crate::foundry::FoundryConfig;
use crate::places;
use crate::pragma::Range;
use crate::remapping::{self, is_inside};
use crate::repository::repository_root;
use foundry_compilers::resolver::parse::SolData;

/// A source or import that cannot be read, is not found, or lies outside the project.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// An import names no file.
    #[error(
        "cannot resolve the import {import:?} of {importer}: there is no \
         {name}{}",
        fix(.suggestion)
    )]
    Missing {
        /// The import as written.
        import: String,
        /// The file that imports it.
        importer: String,
        /// What it was resolved to.
        name: String,
        /// A remapping that would find it.
        suggestion: Option<String>,
    },
    /// An import climbs out of the project, is absolute, or has dotted or empty components.
    #[error(
        "cannot resolve the import {import:?} of {importer}: it has to name a file in the \
         project, or one of the git repository by a remapping such as \"dep/=../dep/src/\""
    )]
    NotInProject {
        /// The import as written.
        import: String,
        /// The file that imports it.
        importer: String,
    },
    /// A source leads out of the project through a link.
    #[error(
        "cannot use the source {name}: it is really {}, outside of the git repository around the \
         project; install or copy it below the repository's top",
        file.display()
    )]
    Outside { name: String, file: PathBuf },
    /// A source cannot be read.
    #[error("cannot use the source {name}")]
    Unreadable {
        name: String,
        #[source]
        source: FileError,
    },
    /// It does not say for which compilers it is.
    #[error("cannot use the source {name}: `pragma solidity {text}` is no range of versions")]
    Pragma {
        name: String,
        /// The pragma as written.
        text: String,
    },
    /// There are too many.
    #[error("cannot collect the sources: there are more than {limit}")]
    TooMany { limit: usize },
}

/// The most files of one closure.
pub(crate) const SOURCES_MAX: usize = 10_000;

/// The most bytes of one source.
pub(crate) const SOURCE_BYTES_MAX: u64 = 4 << 20;

/// A source file with its content and imports.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its text as in the file, with CRLF as LF.
    pub(crate) content: String,
    /// The names of what it imports.
    pub(crate) imports: Vec<String>,
    /// Its version pragma, if it has one.
    pub(crate) pragma: Option<Range>,
    /// Whether it may hold a library that has to be linked.
    pub(crate) may_be_linked: bool,
}

/// Sources by the name under which the compiler knows them: their path in the project, or below
/// an include path.
pub(crate) type Closure = BTreeMap<String, Source>;

/// Reads the files named and everything they import.
pub(crate) fn closure(
    root: &Path,
    foundry: &FoundryConfig,
    named: impl IntoIterator<Item = String>,
) -> Result<Closure, SourceError> {
    let mut closure = Closure::new();
    let mut open: BTreeSet<String> = named.into_iter().collect();
    while let Some(name) = open.pop_first() {
        if closure.len() == SOURCES_MAX {
            return Err(SourceError::TooMany { limit: SOURCES_MAX });
        }
        let source = read(root, foundry, &name)?;
        let new = source.imports.iter().filter(|import| !closure.contains_key(*import));
        open.extend(new.filter(|import| **import != name).cloned());
        closure.insert(name, source);
    }
    Ok(closure)
}

/// Reads one file of the project and finds out what it imports.
fn read(root: &Path, foundry: &FoundryConfig, name: &str) -> Result<Source, SourceError> {
    let content = content(root, foundry, name)?;
    let data = SolData::parse(&content, Path::new(name));
    let mut imports = Vec::new();
    for import in &data.imports {
        let import = import.data().path().to_string_lossy();
        imports.push(resolve(root, foundry, &import, name)?);
    }
    // Where the parser gave up, nothing is known of libraries: then every contract counts.
    let may_be_linked = data.parse_result.is_err() || data.libraries.iter().any(|l| !l.is_inlined);
    let pragma = data.version.as_ref().map(|version| {
        let text = version.data().as_str();
        Range::parse(text)
            .ok_or_else(|| SourceError::Pragma { name: name.to_owned(), text: text.to_owned() })
    });
    Ok(Source { imports, pragma: pragma.transpose()?, may_be_linked, content })
}

/// The text of one file, which may be a link that ends inside the same git repository.
pub(crate) fn content(
    root: &Path,
    foundry: &FoundryConfig,
    name: &str,
) -> Result<String, SourceError> {
    let unreadable = |source| SourceError::Unreadable { name: name.to_owned(), source };
    let canonical = |path: &Path| {
        let action = "find";
        path.canonicalize()
            .map_err(|source| unreadable(FileError::Io { action, path: path.to_owned(), source }))
    };
    let file = canonical(&places::file(root, foundry, name))?;
    if !file.starts_with(repository_root(root)) {
        return Err(SourceError::Outside { name: name.to_owned(), file });
    }
    let text = files::read_text(&file, SOURCE_BYTES_MAX).map_err(unreadable)?;
    // As forge does: so a clone in which git converts line ends builds the same.
    Ok(text.replace("\r\n", "\n"))
}

fn resolve(
    root: &Path,
    foundry: &FoundryConfig,
    import: &str,
    importer: &str,
) -> Result<String, SourceError> {
    let name = remapping::resolve(import, importer, &foundry.remappings).filter(|n| is_inside(n));
    let name = name.ok_or_else(|| SourceError::NotInProject {
        import: import.to_owned(),
        importer: importer.to_owned(),
    })?;
    if places::path_of(root, foundry, &name).is_some() {
        return Ok(name);
    }
    Err(SourceError::Missing {
        suggestion: suggestion(root, foundry, import),
        import: import.to_owned(),
        importer: importer.to_owned(),
        name,
    })
}

/// A remapping that would find an import among the dependencies. It is only ever proposed: what
/// happens to be installed must not decide what is compiled.
pub(crate) fn suggestion(root: &Path, foundry: &FoundryConfig, import: &str) -> Option<String> {
    let (package, rest) = import.split_once('/')?;
    if package.starts_with('.') {
        return None;
    }
    let libs = foundry.libs.iter().map(String::as_str).chain(["node_modules", "../node_modules"]);
    libs.flat_map(|lib| ["", "src/", "contracts/"].map(|inner| format!("{lib}/{package}/{inner}")))
        .find(|folder| root.join(folder).join(rest).is_file())
        .map(|folder| format!("{package}/={folder}"))
}

pub(crate) fn fix(suggestion: &Option<String>) -> String {
    let mut text = String::new();
    if let Some(remapping) = suggestion {
        let _ = write!(text, "; the project needs the remapping \"{remapping}\"");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remapping::Remapping;
    use crate::testing::project;

    fn remapped(remapping: &str) -> FoundryConfig {
        let remappings = vec![Remapping::parse(remapping).unwrap()];
        FoundryConfig { remappings, ..FoundryConfig::empty() }
    }

    #[test]
    fn the_closure_is_minimal_and_follows_remappings() {
        let root = project(&[
            (
                "src/A.sol",
                "pragma solidity ^0.8.20; import \"./B.sol\"; import {X} from '@d/X.sol';",
            ),
            ("src/B.sol", "import \"./A.sol\"; import \"src/B.sol\"; contract B {}"),
            ("src/Unused.sol", "contract Unused {}"),
            ("lib/d/X.sol", "library X { function f() external {} } library Y {}"),
        ]);
        let closure = closure(root.path(), &remapped("@d/=lib/d/"), ["src/A.sol".into()]).unwrap();
        let names: Vec<_> = closure.keys().map(String::as_str).collect();
        assert_eq!(names, ["lib/d/X.sol", "src/A.sol", "src/B.sol"]);
        assert_eq!(closure["src/A.sol"].pragma, Range::parse("^0.8.20"));
        let linkable: Vec<_> = closure.values().map(|source| source.may_be_linked).collect();
        assert_eq!(linkable, [true, false, false]);
    }

    #[test]
    fn packages_are_found_without_a_remapping() {
        let root = project(&[
            ("src/A.sol", "import \"@d/c/X.sol\"; import \"e/E.sol\"; import \"r/R.sol\";"),
            ("node_modules/@d/c/X.sol", "import \"./u/Y.sol\"; import \"../c/u/Y.sol\";"),
            ("node_modules/@d/c/u/Y.sol", ""),
            ("packages/node_modules/e/E.sol", ""),
            ("node_modules/r/R.sol", "import \"not followed\";"),
            ("lib/r/R.sol", ""),
            ("src/Inner.sol", "import \"d/src/X.sol\";"),
            ("lib/d/src/X.sol", ""),
        ]);
        let libs = ["lib", "packages/node_modules"].map(str::to_owned).to_vec();
        let foundry = FoundryConfig { libs, ..remapped("r/=lib/r/") };
        let closure = |name: &str| closure(root.path(), &foundry, [name.to_owned()]);
        let found = closure("src/A.sol").unwrap();
        let names: Vec<_> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["@d/c/X.sol", "@d/c/u/Y.sol", "e/E.sol", "lib/r/R.sol", "src/A.sol"]);
        assert!(matches!(closure("src/Inner.sol"), Err(SourceError::Missing { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_among_packages_stay_inside_the_repository() {
        use std::os::unix::fs::symlink;
        let outside = project(&[("X.sol", "")]);
        let root = project(&[
            ("src/A.sol", "import \"in/X.sol\";"),
            ("src/B.sol", "import \"out/X.sol\";"),
            ("node_modules/.pnpm/in@1/node_modules/in/X.sol", ""),
        ]);
        let modules = root.path().join("node_modules");
        symlink(".pnpm/in@1/node_modules/in", modules.join("in")).unwrap();
        symlink(outside.path(), modules.join("out")).unwrap();
        // A monorepo's packages lie beside its projects.
        let whole = project(&[("app/src/A.sol", "import \"lib/L.sol\";"), ("lib/L.sol", "")]);
        std::fs::create_dir_all(whole.path().join(".git")).unwrap();
        std::fs::create_dir_all(whole.path().join("app/node_modules")).unwrap();
        symlink("../../lib", whole.path().join("app/node_modules/lib")).unwrap();
        let app = whole.path().join("app");
        let name = "src/A.sol".to_owned();
        assert!(super::closure(&app, &FoundryConfig::empty(), [name.clone()]).is_ok());
        std::fs::remove_dir(whole.path().join(".git")).unwrap();
        let error = super::closure(&app, &FoundryConfig::empty(), [name]).unwrap_err();
        assert!(matches!(error, SourceError::Outside { .. }), "{error:?}");
        let closure = |name: &str| closure(root.path(), &FoundryConfig::empty(), [name.to_owned()]);
        assert!(closure("src/A.sol").unwrap().contains_key("in/X.sol"));
        assert!(matches!(closure("src/B.sol"), Err(SourceError::Outside { .. })));
    }

    #[test]
    fn a_source_outside_the_project_is_refused() {
        let outside = project(&[("E.sol", "contract E {}")]);
        let root = project(&[
            ("src/Up.sol", "import \"../../E.sol\";"),
            ("src/Abs.sol", "import \"/E.sol\";"),
            ("src/Dots.sol", "import \"src/../src/Up.sol\";"),
            ("src/Gone.sol", "import \"d/X.sol\";"),
            ("src/Link.sol", "import \"./E.sol\";"),
            ("lib/d/src/X.sol", ""),
        ]);
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path().join("E.sol"), root.path().join("src/E.sol"))
            .unwrap();
        let read = |name: &str| {
            closure(root.path(), &FoundryConfig::empty(), [name.to_owned()]).unwrap_err()
        };
        for name in ["src/Up.sol", "src/Abs.sol", "src/Dots.sol"] {
            let error = read(name);
            assert!(matches!(error, SourceError::NotInProject { .. }), "{name}: {error:?}");
        }
        let error = read("src/Gone.sol").to_string();
        assert!(error.ends_with("needs the remapping \"d/=lib/d/src/\""), "{error}");
        #[cfg(unix)]
        assert!(matches!(read("src/Link.sol"), SourceError::Outside { .. }));
    }
}
