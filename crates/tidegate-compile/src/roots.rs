//! From a contract as people name it to the source that declares it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use foundry_compilers::resolver::parse::SolData;

use crate::files::{self, FileError};
use crate::foundry::FoundryConfig;
use crate::names::{self, PUBLISHED, VENDORED};
use crate::places;
use crate::remapping;
use crate::sources::{SOURCE_BYTES_MAX, SourceError, content, fix, suggestion};
use crate::vyper;

/// A contract name of the plan that leads to no declaration, or to more than one.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// No file under `src`, and none of a dependency, declares it.
    #[error(
        "cannot find the contract {name}: no file under {src} or of a dependency declares it{}{}",
        slip(.near),
        not_followed(.links)
    )]
    Unknown {
        name: String,
        src: String,
        /// Links under `src`.
        links: Vec<String>,
        /// One that is declared, and whose name is nearly this.
        near: Option<String>,
    },
    /// The folder of the sources is a link.
    #[error(
        "cannot use {src} for sources: it is a link to {}, by whose path forge names them; say so \
         in foundry.toml, as `src`",
        target.display()
    )]
    Link { src: String, target: PathBuf },
    /// More than one file declares it.
    #[error("cannot find the contract {name}: it may be {}", candidates.join(" or "))]
    Ambiguous {
        name: String,
        /// The names that say which one is meant.
        candidates: Vec<String>,
    },
    /// The file named does not exist.
    #[error("cannot find the contract {name}: there is no {file}{}", fix(.suggestion))]
    NoFile {
        name: String,
        /// The file it leads to.
        file: String,
        /// A remapping that would find it.
        suggestion: Option<String>,
    },
    /// The file named declares others.
    #[error("cannot find the contract {name}: {file} declares only {}", declared.join(", "))]
    NotInFile { name: String, file: String, declared: Vec<String> },
    /// The file named cannot be read.
    #[error("cannot find the contract {name}")]
    Source {
        name: String,
        #[source]
        source: SourceError,
    },
    /// The sources cannot be searched.
    #[error("cannot search {} for contracts", folder.display())]
    Search {
        folder: PathBuf,
        #[source]
        source: FileError,
    },
    /// The sources are too many to search.
    #[error("cannot search {} for contracts: it has more than {limit} entries", folder.display())]
    TooMany { folder: PathBuf, limit: usize },
    /// What a link leads to may decide the compiler of every file.
    #[error(
        "cannot tell which compiler forge gives each file: {link} is a symbolic link, or leads \
         out of the git repository; write `solc` in foundry.toml"
    )]
    Linked { link: String },
}

/// The most files and folders of one search.
const ENTRIES_MAX: usize = 500_000;

/// A contract and the source that declares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Root {
    /// The source's name.
    pub(crate) source: String,
    /// The contract's name.
    pub(crate) contract: String,
}

impl Root {
    /// `source:Name`, as the compiler writes it.
    pub(crate) fn full(&self) -> String {
        format!("{}:{}", self.source, self.contract)
    }
}

/// A search for contracts. What it reads of the project, it reads once, however many it looks for.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    root: &'a Path,
    foundry: &'a FoundryConfig,
    own: OnceCell<Words>,
    dependencies: OnceCell<Words>,
}

/// Files, and which of them have which words.
#[derive(Debug, Default)]
struct Words {
    files: Vec<String>,
    /// By the hash of a word: its files. What may declare a contract is read again.
    by_word: HashMap<u64, Vec<usize>>,
}

impl<'a> Search<'a> {
    pub(crate) const fn new(root: &'a Path, foundry: &'a FoundryConfig) -> Self {
        Self { root, foundry, own: OnceCell::new(), dependencies: OnceCell::new() }
    }

    /// Finds a contract by `Name`, `path:Name`, `import/path.sol:Name`, `dep:package/path:Name` or
    /// `vendored:path:Name`.
    pub(crate) fn find(&self, name: &str) -> Result<Root, RootError> {
        match name.rsplit_once(':') {
            Some((path, contract)) => in_file(self.root, self.foundry, name, path, contract),
            None => self.by_name(name),
        }
    }

    /// A bare name is one of the project's own contracts, or else the one contract of this name
    /// among its dependencies.
    fn by_name(&self, name: &str) -> Result<Root, RootError> {
        let Self { root, foundry, .. } = *self;
        let own = self.words(&self.own, || own_files(root, foundry))?;
        let mut found = self.declaring(own, name)?;
        if found.is_empty() {
            let files = || dependency_files(root, foundry);
            found = self.declaring(self.words(&self.dependencies, files)?, name)?;
            // Tests and mocks are no use to anybody else.
            let shipped = |source: &String| !is_for_tests(source);
            if found.iter().any(shipped) {
                found.retain(shipped);
            }
            // Of what a package has for itself alone, imports of the project find nothing.
            let shared = |source: &String| !is_of_a_package(source);
            if found.iter().any(shared) {
                found.retain(shared);
            }
        }
        found.sort();
        match found.as_slice() {
            [] => Err(RootError::Unknown {
                name: name.to_owned(),
                src: foundry.src.clone(),
                links: entries(root, &foundry.src)?.links,
                near: near(root, foundry, name),
            }),
            [source] => Ok(Root { source: source.clone(), contract: name.to_owned() }),
            several => Err(RootError::Ambiguous {
                name: name.to_owned(),
                candidates: several.iter().map(|source| format!("{source}:{name}")).collect(),
            }),
        }
    }

    fn words<'w>(
        &self,
        place: &'w OnceCell<Words>,
        files: impl FnOnce() -> Result<Vec<String>, RootError>,
    ) -> Result<&'w Words, RootError> {
        if let Some(words) = place.get() {
            return Ok(words);
        }
        let mut words = Words { files: files()?, ..Words::default() };
        for (index, source) in words.files.iter().enumerate() {
            let mut has = |word: &str| {
                let of_word = words.by_word.entry(hash(word)).or_default();
                if of_word.last() != Some(&index) {
                    of_word.push(index);
                }
            };
            match vyper::contract_of(source) {
                Some(contract) => has(contract),
                None => self.text(source)?.split(is_no_word).for_each(has),
            }
        }
        Ok(place.get_or_init(|| words))
    }

    fn text(&self, source: &str) -> Result<String, RootError> {
        let path = places::file(self.root, self.foundry, source);
        files::read_text(&path, SOURCE_BYTES_MAX)
            .map_err(|source| RootError::Search { folder: path.clone(), source })
    }

    /// The files that declare a contract.
    fn declaring(&self, words: &Words, name: &str) -> Result<Vec<String>, RootError> {
        let mut found = Vec::new();
        for index in words.by_word.get(&hash(name)).into_iter().flatten() {
            let source = &words.files[*index];
            let declares = match vyper::contract_of(source) {
                Some(contract) => contract == name,
                None => {
                    let text = self.text(source)?;
                    let declared = SolData::parse(&text, Path::new(source)).contract_names;
                    declared.iter().any(|declared| declared == name)
                }
            };
            if declares {
                found.push(source.clone());
            }
        }
        Ok(found)
    }
}

/// Whether a character stands in no name of a contract.
fn is_no_word(character: char) -> bool {
    !(character.is_ascii_alphanumeric() || "_$".contains(character))
}

fn hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}

/// The `source:Name` of a contract as people name it.
///
/// # Errors
/// If no source declares it, or more than one does.
pub fn find_contract(
    root: &Path,
    foundry: &FoundryConfig,
    name: &str,
) -> Result<String, RootError> {
    let found = Search::new(root, foundry).find(name);
    found.map(|found| format!("{}:{}", found.source, found.contract))
}

fn in_file(
    root: &Path,
    foundry: &FoundryConfig,
    name: &str,
    path: &str,
    contract: &str,
) -> Result<Root, RootError> {
    let inner = [PUBLISHED, VENDORED].iter().find_map(|prefix| path.strip_prefix(prefix));
    let normalised = inner.is_some();
    let inner = inner.unwrap_or(path).trim_start_matches("./");
    let remapped = remapping::remap(inner, "", &foundry.remappings);
    let mut places = vec![remapped.clone(), inner.to_owned()];
    if normalised {
        places.extend(foundry.libs.iter().map(|lib| format!("{lib}/{inner}")));
    }
    // A normalised name must not find another package that an import of that name happens to mean.
    let named = |source: &str| {
        let text = content(root, foundry, source).ok()?;
        names::name_of(root, foundry, source, &text).ok()
    };
    let fits = |source: &String| {
        places::path_of(root, foundry, source).is_some()
            && (!normalised || named(source).as_deref() == Some(path))
    };
    let Some(source) = places.iter().find(|source| fits(source)) else {
        return Err(RootError::NoFile {
            name: name.to_owned(),
            suggestion: suggestion(root, foundry, inner),
            file: remapped,
        });
    };
    let declared = match vyper::contract_of(source) {
        Some(contract) => vec![contract.to_owned()],
        None => {
            let text = content(root, foundry, source)
                .map_err(|source| RootError::Source { name: name.to_owned(), source })?;
            SolData::parse(&text, Path::new(source)).contract_names
        }
    };
    if !declared.iter().any(|declared| declared == contract) {
        return Err(RootError::NotInFile {
            name: name.to_owned(),
            file: source.to_owned(),
            declared,
        });
    }
    Ok(Root { source: source.clone(), contract: contract.to_owned() })
}

/// The declared contract whose name is so near that another one may be a slip of it. Those of
/// dependencies are told by the names of their files.
fn near(root: &Path, foundry: &FoundryConfig, name: &str) -> Option<String> {
    let own = own_files(root, foundry).unwrap_or_default().into_iter().flat_map(|source| {
        let path = places::file(root, foundry, &source);
        let text = files::read_text(&path, SOURCE_BYTES_MAX).unwrap_or_default();
        match vyper::contract_of(&source) {
            Some(contract) => vec![contract.to_owned()],
            None => SolData::parse(&text, &path).contract_names,
        }
    });
    let others = dependency_files(root, foundry).unwrap_or_default().into_iter();
    let others = others
        .filter_map(|source| Some(Path::new(&source).file_stem()?.to_string_lossy().into_owned()));
    let distance = |other: &String| strsim::damerau_levenshtein(name, other);
    let near = |other: &String| distance(other) * 3 <= name.len().max(other.len());
    own.chain(others).filter(near).min_by_key(distance)
}

fn slip(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

fn not_followed(links: &[String]) -> String {
    match links {
        [] => String::new(),
        links => format!("; links are not followed: {}", links.join(", ")),
    }
}

fn is_for_tests(source: &str) -> bool {
    let folder = |part: &str| ["test", "tests", "mock", "mocks"].contains(&part);
    source.split('/').any(folder) || source.ends_with(".t.sol") || source.ends_with(".s.sol")
}

/// Whether a source lies among the packages that another package has for itself.
fn is_of_a_package(source: &str) -> bool {
    let inner = source.split_once('/').map_or(source, |(_, inner)| inner);
    inner.split('/').any(|part| part == "node_modules")
}

/// The files under `src`. Where that is the whole project, its dependencies are not among them.
///
/// # Errors
/// If the folder cannot be searched.
pub(crate) fn own_files(root: &Path, foundry: &FoundryConfig) -> Result<Vec<String>, RootError> {
    if let Ok(target) = root.join(&foundry.src).read_link() {
        return Err(RootError::Link { src: foundry.src.clone(), target });
    }
    let mut files = contract_files(root, &foundry.src)?;
    if foundry.src == "." {
        let others = dependency_folders(foundry);
        let within = |file: &String, folder: &str| {
            file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        files.retain(|file| !file.starts_with('.') && !others.iter().any(|f| within(file, f)));
    }
    Ok(files)
}

/// The files of dependencies, under the names that imports have for them.
fn dependency_files(root: &Path, foundry: &FoundryConfig) -> Result<Vec<String>, RootError> {
    let mut found = Vec::new();
    for folder in dependency_folders(foundry) {
        if root.join(folder).is_dir() {
            found.extend(contract_files(root, folder)?);
        }
    }
    let remapped = |path: &str| foundry.remappings.iter().any(|r| path.starts_with(&r.target));
    let named = |path: String| {
        let mut folders = foundry.include_paths();
        let inner = folders.find_map(|folder| path.strip_prefix(folder)?.strip_prefix('/'));
        // The compiler knows it by its path where a remapping leads there.
        inner.filter(|_| !remapped(&path)).map_or(path.clone(), str::to_owned)
    };
    let mut files: Vec<String> = found.into_iter().map(named).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn dependency_folders(foundry: &FoundryConfig) -> Vec<&str> {
    let libs = foundry.libs.iter().map(String::as_str).filter(|lib| *lib != foundry.src);
    let mut folders: Vec<&str> = libs.chain(["node_modules"]).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// The names of all files of Solidity and Vyper under a folder. Links are not followed.
fn contract_files(root: &Path, src: &str) -> Result<Vec<String>, RootError> {
    Ok(entries(root, src)?.files)
}

/// What lies under a folder, by name.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files of Solidity and Vyper.
    pub(crate) files: Vec<String>,
    /// Symbolic links to whatever they lead to.
    pub(crate) links: Vec<String>,
}

/// All that lies under a folder, without what links lead to.
pub(crate) fn entries(root: &Path, src: &str) -> Result<Found, RootError> {
    let top = root.join(src);
    let io = |path: &Path, source| {
        let source = FileError::Io { action: "list", path: path.to_owned(), source };
        RootError::Search { folder: top.clone(), source }
    };
    let mut found = Found::default();
    let mut seen = 0;
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        for entry in path.read_dir().map_err(|e| io(&path, e))? {
            let entry = entry.map_err(|e| io(&path, e))?;
            seen += 1;
            if seen > ENTRIES_MAX {
                return Err(RootError::TooMany { folder: top, limit: ENTRIES_MAX });
            }
            let kind = entry.file_type().map_err(|e| io(&path, e))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let inner = if folder == "." { name } else { format!("{folder}/{name}") };
            if kind.is_symlink() {
                found.links.push(inner);
            } else if kind.is_dir() {
                folders.push(inner);
            } else if kind.is_file() && (inner.ends_with(".sol") || vyper::is_vyper(&inner)) {
                found.files.push(inner);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remapping::Remapping;
    use crate::testing::{project, write};

    #[test]
    fn contracts_are_found_as_people_name_them() {
        let root = project(&[
            ("src/Vault.sol", "contract Vault {} interface IVault {}"),
            ("src/a/Twice.sol", "contract Twice {} // Vault"),
            ("src/b/Twice.sol", "library Twice {}"),
            ("src/Token.vy", ""),
            ("src/b/Mixed.sol", "contract Mixed {}"),
            ("src/a/Mixed.vy", ""),
            ("test/Only.sol", "contract Only {}"),
            ("lib/d/contracts/P.sol", "contract P {}"),
            ("lib/e/Q.sol", "contract Q {}"),
            ("node_modules/@n/p/N.sol", "contract N {}"),
            ("lib/e/package.json", "{\"name\": \"named\"}"),
            ("node_modules/top/T.sol", "contract T {}"),
            ("node_modules/user/node_modules/top/T.sol", "contract T {}"),
            ("node_modules/user/node_modules/own/O.sol", "contract O {}"),
        ]);
        let remappings = ["@d/=lib/d/contracts/", "named/=lib/e/"];
        let remappings = remappings.map(|text| Remapping::parse(text).unwrap()).to_vec();
        let foundry = FoundryConfig { remappings, ..FoundryConfig::empty() };
        let find = |name: &str| Search::new(root.path(), &foundry).find(name);

        let cases = [
            ("Vault", "src/Vault.sol"),
            ("src/Vault.sol:IVault", "src/Vault.sol"),
            ("./src/b/Twice.sol:Twice", "src/b/Twice.sol"),
            ("test/Only.sol:Only", "test/Only.sol"),
            ("@d/P.sol:P", "lib/d/contracts/P.sol"),
            ("vendored:lib/d/contracts/P.sol:P", "lib/d/contracts/P.sol"),
            ("Token", "src/Token.vy"),
            ("src/Token.vy:Token", "src/Token.vy"),
            ("src/a/Mixed.vy:Mixed", "src/a/Mixed.vy"),
            ("vendored:lib/e/Q.sol:Q", "lib/e/Q.sol"),
            ("@n/p/N.sol:N", "@n/p/N.sol"),
            ("vendored:node_modules/@n/p/N.sol:N", "node_modules/@n/p/N.sol"),
            ("lib/d/contracts/P.sol:P", "lib/d/contracts/P.sol"),
            ("T", "top/T.sol"),
            ("O", "user/node_modules/own/O.sol"),
        ];
        for (name, source) in cases {
            assert_eq!(find(name).unwrap().source, source, "{name}");
        }
        let error = find("Twice").unwrap_err().to_string();
        assert!(error.ends_with("src/a/Twice.sol:Twice or src/b/Twice.sol:Twice"), "{error}");
        let error = find("Mixed").unwrap_err().to_string();
        assert!(error.ends_with("src/a/Mixed.vy:Mixed or src/b/Mixed.sol:Mixed"), "{error}");
        let error = find("src/Token.vy:Coin").unwrap_err().to_string();
        assert!(error.ends_with("src/Token.vy declares only Token"), "{error}");
        assert!(matches!(find("Only").unwrap_err(), RootError::Unknown { .. }));
        for (slip, near) in [("Twicee", "`Twice`?)"), ("Tokn", "`Token`?)"), ("Other", "it")] {
            assert!(find(slip).unwrap_err().to_string().ends_with(near), "{slip}");
        }
        // Of dependencies by name: as an import says it, or by the path that a remapping leads to.
        assert_eq!(find("N").unwrap().source, "@n/p/N.sol");
        assert_eq!(find("P").unwrap().source, "lib/d/contracts/P.sol");
        write(root.path(), "lib/d/lib/deep/src/Deep.sol", "contract Deep {}");
        assert_eq!(find("Deep").unwrap().source, "lib/d/lib/deep/src/Deep.sol");
        write(root.path(), "lib/d/test/P.t.sol", "contract P {}");
        assert_eq!(find("P").unwrap().source, "lib/d/contracts/P.sol");
        write(root.path(), "node_modules/@n/q/P.sol", "contract P {}");
        let error = find("P").unwrap_err().to_string();
        assert!(error.ends_with("it may be @n/q/P.sol:P or lib/d/contracts/P.sol:P"), "{error}");
        assert!(matches!(find("src/Vault.sol:Gone").unwrap_err(), RootError::NotInFile { .. }));
        assert!(matches!(find("../x.sol:Gone").unwrap_err(), RootError::NoFile { .. }));
        let error = find("dep:@d/P.sol:P").unwrap_err();
        assert!(matches!(error, RootError::NoFile { .. }), "another package's path: {error:?}");
        let error = find("d/P.sol:P").unwrap_err().to_string();
        assert!(error.contains("\"d/=lib/d/contracts/\""), "{error}");
    }

    /// However many contracts are looked for, each file is read once, and once more where its words
    /// say that it may declare one.
    #[test]
    fn what_was_searched_is_not_searched_again() {
        let root = project(&[
            ("src/A.sol", "contract A {} // B"),
            ("src/B.sol", "contract B {}"),
            ("src/C.sol", "contract C { function f$(uint a_B) public {} }"),
        ]);
        let foundry = FoundryConfig::empty();
        let search = Search::new(root.path(), &foundry);
        assert_eq!(search.find("A").unwrap().source, "src/A.sol");
        std::fs::remove_file(root.path().join("src/C.sol")).unwrap();
        write(root.path(), "src/D.sol", "contract B {}");
        assert_eq!(search.find("B").unwrap().source, "src/B.sol");
        assert!(Search::new(root.path(), &foundry).find("B").is_err(), "it may be two now");
    }

    #[test]
    fn links_are_not_followed_and_that_is_said() {
        use std::os::unix::fs::symlink;
        let root = project(&[("src/A.sol", "contract A {}"), ("shared/B.sol", "contract B {}")]);
        symlink("../shared/B.sol", root.path().join("src/B.sol")).unwrap();
        let foundry = FoundryConfig::empty();
        let error = Search::new(root.path(), &foundry).find("B").unwrap_err().to_string();
        assert!(error.ends_with("; links are not followed: src/B.sol"), "{error}");
        symlink("shared", root.path().join("linked")).unwrap();
        let foundry = FoundryConfig { src: "linked".to_owned(), ..FoundryConfig::empty() };
        let error = Search::new(root.path(), &foundry).find("B").unwrap_err();
        let named =
            matches!(&error, RootError::Link { target, .. } if target == Path::new("shared"));
        assert!(named, "{error:?}");
    }
}
