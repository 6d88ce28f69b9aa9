//! The remappings that forge uses in a project: those that are written, and those that it finds in
//! the folders of dependencies. Metadata holds the list, so code depends on it.
//!
//! The rules are those of forge 1.7.1, which `differential_forge` compares with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use foundry_compilers::artifacts::remappings::Remapping as Written;

use super::document::{self, Asked};
use super::{FoundryConfig, FoundryError};
use crate::files;
use crate::profile::{DEFAULT, Profile};
use crate::repository::outermost_repository;

/// A remapping of forge's, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) remapping: Written,
    /// Whether no file of the project says it.
    pub(super) detected: bool,
    /// Another target that it may have as well: forge takes whichever folder is listed first.
    pub(super) or: Option<String>,
    /// The file that says it, of the project or of a library.
    pub(super) file: Option<PathBuf>,
}

/// How deep libraries in libraries are followed.
const DEPTH_MAX: usize = 16;

/// Everything that forge hands to the compiler, paths relative to the root.
pub(super) fn used(
    root: &Path,
    profile: &Profile,
    chosen: &str,
) -> Result<Vec<Used>, FoundryError> {
    let own = [
        profile.src.clone().unwrap_or_else(|| source_folder(root).to_owned()),
        profile.test.clone().unwrap_or_else(|| "test".to_owned()),
        profile.script.clone().unwrap_or_else(|| "script".to_owned()),
    ];
    // What was put together is put together once more, now with an eye on the project's folders.
    let mut used = Vec::new();
    for one in Search::of(root).stacked(root, profile, chosen, DEPTH_MAX)? {
        let name = &one.remapping.name;
        if !own.iter().any(|folder| name.eq_ignore_ascii_case(&format!("{folder}/"))) {
            push(&mut used, one);
        }
    }
    for one in &mut used {
        one.remapping.name = with_slash(&one.remapping.name);
    }
    Ok(used)
}

/// The folder of sources where none is written.
pub(super) fn source_folder(root: &Path) -> &'static str {
    match !root.join("src").exists() && root.join("contracts").exists() {
        true => "contracts",
        false => "src",
    }
}

/// The folders of dependencies where none are written.
pub(super) fn library_folders(root: &Path) -> Vec<String> {
    let [lib, modules] = ["lib", "node_modules"].map(|name| root.join(name).exists());
    let folders: &[&str] = match (lib, modules) {
        (true, true) => &["lib", "node_modules"],
        (false, true) => &["node_modules"],
        (_, false) => &["lib"],
    };
    folders.iter().map(|&folder| folder.to_owned()).collect()
}

/// A search through the libraries of a project. Each is read once, and nothing outside of the git
/// repository is.
struct Search {
    top: PathBuf,
    /// What each library says, by its real folder.
    known: BTreeMap<PathBuf, Vec<Used>>,
}

impl Search {
    fn of(root: &Path) -> Self {
        Self { top: outermost_repository(root), known: BTreeMap::new() }
    }

    /// What is written, and after it what is detected and does not get in its way.
    fn stacked(
        &mut self,
        root: &Path,
        profile: &Profile,
        chosen: &str,
        depth: usize,
    ) -> Result<Vec<Used>, FoundryError> {
        let written = written(root, profile, chosen)?.into_iter();
        let mut used: Vec<Used> = written
            .map(|(remapping, file)| Used {
                remapping,
                detected: false,
                or: None,
                file: Some(file),
            })
            .collect();
        if profile.auto_detect_remappings != Some(false) {
            for found in self.detected(root, profile, chosen, depth) {
                push(&mut used, found);
            }
        }
        let mut seen = BTreeSet::new();
        let key = |r: &Written| format!("{}{}", r.context.as_deref().unwrap_or_default(), r.name);
        used.retain(|one| seen.insert(key(&one.remapping)));
        for one in &mut used {
            one.remapping = relative(&one.remapping, root);
            one.or = one.or.take().map(|path| below(&path, root));
        }
        Ok(used)
    }

    fn detected(
        &mut self,
        root: &Path,
        profile: &Profile,
        chosen: &str,
        depth: usize,
    ) -> Vec<Used> {
        let libs = profile.libs.clone().unwrap_or_else(|| library_folders(root));
        let is_inside = |lib: &String| {
            let real = root.join(lib).canonicalize();
            real.is_ok_and(|real| real.starts_with(&self.top))
        };
        let libs: Vec<_> = libs.into_iter().filter(is_inside).collect();
        let mut closest = Closest::new();
        for folder in libs.iter().flat_map(|lib| configured(&root.join(lib))) {
            for found in self.nested(&folder, chosen, depth) {
                insert(&mut closest, found, true);
            }
        }
        for found in libs.iter().flat_map(|lib| Written::find_many(&root.join(lib))) {
            if !["lib/", "src/", "contracts/"].contains(&found.name.as_str()) {
                let found = Used { remapping: found, detected: true, or: None, file: None };
                insert(&mut closest, found, false);
            }
        }
        let of_context = |(context, found): (Option<String>, Found)| {
            found.into_iter().map(move |(name, Nearest { path, or, file })| Used {
                remapping: Written {
                    context: context.clone(),
                    name,
                    path: path.to_string_lossy().into_owned(),
                },
                detected: true,
                or: or.map(|path| path.to_string_lossy().into_owned()),
                file,
            })
        };
        closest.into_iter().flat_map(of_context).collect()
    }

    /// What a library says and finds for itself, with absolute paths. One that cannot be read says
    /// nothing, as in forge.
    fn nested(&mut self, folder: &Path, chosen: &str, depth: usize) -> Vec<Used> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        if let Some(known) = self.known.get(folder) {
            return known.clone();
        }
        // One that leads back to itself has nothing more to say.
        self.known.insert(folder.to_owned(), Vec::new());
        let used = self.library(folder, chosen, depth);
        self.known.insert(folder.to_owned(), used.clone());
        used
    }

    fn library(&mut self, folder: &Path, chosen: &str, depth: usize) -> Vec<Used> {
        let read = |name| FoundryConfig::read_profile(folder, name);
        let (chosen, profile) = match read(chosen) {
            Ok(profile) => (chosen, profile),
            Err(FoundryError::NoProfile { .. }) => match read(DEFAULT) {
                Ok(profile) => (DEFAULT, profile),
                Err(_) => return Vec::new(),
            },
            Err(_) => return Vec::new(),
        };
        let Ok(mut used) = self.stacked(folder, &profile, chosen, depth) else {
            return Vec::new();
        };
        let inside = |path: &str| folder.join(path).to_string_lossy().into_owned();
        for one in &mut used {
            one.remapping.name = with_slash(&one.remapping.name);
            one.remapping.path = with_slash(&inside(&one.remapping.path));
            one.or = one.or.take().map(|path| inside(&path));
        }
        if let Some(name) = folder.file_name().and_then(|name| name.to_str()) {
            let src = profile.src.unwrap_or_else(|| source_folder(folder).to_owned());
            let src = folder.join(src);
            let path = src.canonicalize().unwrap_or(src).to_string_lossy().into_owned();
            let path = if path.ends_with('/') { path } else { format!("{path}/") };
            let remapping = Written { context: None, name: format!("{name}/"), path };
            used.push(Used { remapping, detected: true, or: None, file: None });
        }
        used
    }
}

/// `remappings.txt` goes before the list of `foundry.toml`. Each with its file.
fn written(
    root: &Path,
    profile: &Profile,
    chosen: &str,
) -> Result<Vec<(Written, PathBuf)>, FoundryError> {
    let file = root.join("remappings.txt");
    let text = match file.is_file() {
        true => files::read_text(&file, FoundryConfig::FILE_BYTES_MAX)
            .map_err(|source| FoundryError::Beside { file: file.clone(), source })?,
        false => String::new(),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let listed = profile.remappings.iter().flatten().map(String::as_str);
    let lines = lines.map(|line| (line, file.clone()));
    let (toml, text) = super::text(root)?;
    let asked = Asked { file: &toml, text: &text, profile: chosen };
    let listed = listed.map(|line| {
        let says = |table: &toml::Table| document::says(table, "remappings", line);
        (line, document::blamed(&asked, says).0)
    });
    let all = lines.chain(listed);
    all.map(|(line, file)| Ok((parse(line, &file)?, file))).collect()
}

fn parse(text: &str, file: &Path) -> Result<Written, FoundryError> {
    text.parse().map_err(|_| FoundryError::Remapping {
        file: file.to_owned(),
        library: false,
        source: crate::remapping::RemappingError::Malformed { text: text.to_owned() },
    })
}

/// The nearest folder of a name.
struct Nearest {
    path: PathBuf,
    /// Another one as near.
    or: Option<PathBuf>,
    file: Option<PathBuf>,
}
/// By prefix.
type Found = BTreeMap<String, Nearest>;
/// The same by context.
type Closest = BTreeMap<Option<String>, Found>;

/// The nearest folder has the name, and of equally near ones the first. The order in which forge
/// comes upon libraries that have a `foundry.toml` is the file system's.
fn insert(closest: &mut Closest, found: Used, by_chance: bool) {
    let Used { remapping, or, file, .. } = found;
    let new = Nearest { path: remapping.path.into(), or: or.map(PathBuf::from), file };
    let names = closest.entry(remapping.context).or_default();
    let Some(present) = names.get_mut(&remapping.name) else {
        names.insert(remapping.name, new);
        return;
    };
    let depth = |nearest: &Nearest| nearest.path.components().count();
    if depth(&new) < depth(present) {
        *present = new;
    } else if by_chance && depth(&new) == depth(present) && present.path != new.path {
        present.or = Some(new.path);
    }
}

/// The folders with a `foundry.toml`: the folder of dependencies itself, and those just below.
fn configured(folder: &Path) -> Vec<PathBuf> {
    let below = folder.read_dir().into_iter().flatten().filter_map(Result::ok);
    let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<_> = below.map(|entry| entry.path()).collect();
    folders.push(folder.to_owned());
    folders.sort();
    let real = folders.iter().filter_map(|folder| folder.canonicalize().ok());
    real.filter(|folder| folder.join("foundry.toml").exists()).collect()
}

/// Adds a remapping unless one that is there says something of the same names.
fn push(used: &mut Vec<Used>, new: Used) {
    let Written { context, name, path } = &new.remapping;
    let file = name.ends_with(".sol");
    if file && !path.ends_with(".sol") {
        return;
    }
    let taken = |Used { remapping: old, .. }: &Used| {
        if file {
            return old.name == *name && old.context == *context && old.path == *path;
        }
        let prefix = if old.name.ends_with('/') { &old.name } else { &format!("{}/", old.name) };
        (name.starts_with(prefix.as_str()) || old.name.starts_with(name.as_str()))
            && old.context == *context
    };
    if !used.iter().any(taken) {
        used.push(new);
    }
}

fn relative(remapping: &Written, root: &Path) -> Written {
    let context = remapping.context.as_deref();
    Written {
        context: context.map(|context| stripped(context, root).unwrap_or(context.to_owned())),
        name: remapping.name.clone(),
        path: below(&remapping.path, root),
    }
}

fn below(path: &str, root: &Path) -> String {
    with_slash(&stripped(path, root).unwrap_or(path.to_owned()))
}

fn stripped(path: &str, root: &Path) -> Option<String> {
    Some(Path::new(path).strip_prefix(root).ok()?.to_string_lossy().into_owned())
}

fn with_slash(text: &str) -> String {
    match text.ends_with('/') || text.ends_with(".sol") {
        true => text.to_owned(),
        false => format!("{text}/"),
    }
}
