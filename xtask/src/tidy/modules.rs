//! The modules of a crate, as its files declare them, and where a path in one of them leads. What
//! is compiled for tests alone is left out.

use std::collections::BTreeMap;

use syn::Item;

use super::items::{attributes, is_for_tests};
use super::module::{Module, ModulePath};

/// How many re-exports lead from a name to what it is.
const REEXPORTS_MAX: usize = 16;

/// The texts of files, by their paths from the top of the repository.
pub(super) type Sources = BTreeMap<String, String>;

/// All modules of one crate.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// By their places.
    pub(super) all: BTreeMap<ModulePath, Module>,
}

impl Modules {
    /// Reads a crate from its root file.
    ///
    /// # Errors
    /// The file that is no Rust, and why.
    pub(super) fn read(root: &str, sources: &Sources) -> Result<Self, (String, syn::Error)> {
        let mut modules = Self::default();
        modules.file(Vec::new(), root, sources)?;
        Ok(modules)
    }

    fn file(
        &mut self,
        at: ModulePath,
        path: &str,
        sources: &Sources,
    ) -> Result<(), (String, syn::Error)> {
        let text = sources.get(path).map_or("", String::as_str);
        let file = syn::parse_file(text).map_err(|error| (path.to_owned(), error))?;
        self.items(at, path, &folder_of(path), (&file.items, sources))
    }

    fn items(
        &mut self,
        at: ModulePath,
        path: &str,
        folder: &str,
        (items, sources): (&[Item], &Sources),
    ) -> Result<(), (String, syn::Error)> {
        let mut module = Module { file: path.to_owned(), ..Module::default() };
        items.iter().for_each(|item| module.add(item));
        self.all.insert(at.clone(), module);
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            let Item::Mod(child) = item else { continue };
            let name = child.ident.to_string();
            let inner = [&at[..], std::slice::from_ref(&name)].concat();
            let beside = format!("{folder}/{name}");
            if let Some((_, items)) = &child.content {
                self.items(inner, path, &beside, (items, sources))?;
                continue;
            }
            let places = [format!("{beside}.rs"), format!("{beside}/mod.rs")];
            match places.iter().find(|place| sources.contains_key(*place)) {
                Some(place) => self.file(inner, place, sources)?,
                None => {
                    let hides = self.all.get_mut(&at).map(|module| &mut module.hides);
                    hides.into_iter().for_each(|it| it.push(format!("`mod {name}` has no file")));
                }
            }
        }
        Ok(())
    }

    /// The module that defines what a module writes; none for what is no item of this crate, such
    /// as a module of it, in which something is named by another path.
    pub(super) fn defining(&self, from: &[String], written: &[String]) -> Option<&Module> {
        let (at, is_item) = self.resolve(from, written, 0)?;
        is_item.then(|| &self.all[&at])
    }

    /// The module to which a path of another leads: the one that defines what it names, or that it
    /// names itself. None for what is of another crate.
    pub(super) fn place(&self, from: &[String], written: &[String]) -> Option<ModulePath> {
        self.resolve(from, written, 0).map(|(at, _)| at)
    }

    /// Where a path leads, and whether that is something in the module or the module itself.
    fn resolve(
        &self,
        from: &[String],
        written: &[String],
        depth: usize,
    ) -> Option<(ModulePath, bool)> {
        if depth == REEXPORTS_MAX {
            return None;
        }
        let (mut at, mut rest) = self.start(from, written)?;
        while let [name, more @ ..] = rest {
            let child = [&at[..], std::slice::from_ref(name)].concat();
            if self.all.contains_key(&child) {
                (at, rest) = (child, more);
                continue;
            }
            let module = &self.all[&at];
            if module.items.contains(name) {
                return Some((at, true));
            }
            if let Some(import) = module.imports.get(name) {
                return self.resolve(&at, &[import, more].concat(), depth + 1);
            }
            let mut globs = module.globs.iter().filter_map(|glob| {
                let (of, _) = self.resolve(&at, glob, depth + 1)?;
                (of != at && self.all[&of].has(name)).then_some(of)
            });
            return match globs.next() {
                Some(of) => self.resolve(&of, &[&["self".to_owned()], rest].concat(), depth + 1),
                None => Some((at, true)),
            };
        }
        Some((at, false))
    }

    /// The module in which a path begins, and what is left of it.
    fn start<'p>(
        &self,
        from: &[String],
        written: &'p [String],
    ) -> Option<(ModulePath, &'p [String])> {
        let (first, rest) = written.split_first()?;
        match first.as_str() {
            "crate" => Some((Vec::new(), rest)),
            "self" => Some((from.to_vec(), rest)),
            "super" => {
                let (mut at, mut rest) = (from.to_vec(), written);
                while let ["super", ..] = rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                    at.pop();
                    rest = &rest[1..];
                }
                Some((at, rest))
            }
            _ => {
                let child = [from, std::slice::from_ref(first)].concat();
                let is_known =
                    self.all.contains_key(&child) || self.all[from].imports.contains_key(first);
                is_known.then(|| (from.to_vec(), written))
            }
        }
    }
}

/// Where the modules that a file declares have their files.
fn folder_of(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}
