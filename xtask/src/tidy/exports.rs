//! What a library shows and nobody outside it names.
//!
//! An item counts as used where another crate, or a test of its own, writes its path: in full, or
//! below what it imports. A function of a type has to be named after its type; a method may also
//! be called, in a crate that names the library somewhere. A type that nobody names may still be
//! what a public function takes or gives, or a public field has.

use std::collections::{BTreeMap, BTreeSet};

use super::module::{ANYTHING, Method, ModulePath};
use super::modules::{Modules, Sources};
use super::names::Names;

/// What every file says, by its path from the top of the repository.
pub(super) type Said = BTreeMap<String, Names>;

/// Reads what every file says.
pub(super) fn said(sources: &Sources) -> Said {
    sources.iter().map(|(path, text)| (path.clone(), Names::read(text))).collect()
}

/// What a library shows and nothing outside its folder `src` names, each with its file.
pub(super) fn unused(root: &str, modules: &Modules, said: &Said) -> Vec<(String, String)> {
    let outside = Outside::of(root.trim_end_matches("lib.rs"), said);
    let all = modules.all.values();
    let signatures: BTreeSet<&str> =
        all.clone().flat_map(|module| &module.signatures).map(String::as_str).collect();
    let mut shown = Vec::new();
    items(modules, &ModulePath::new(), &mut shown);
    let used = shown.iter().filter(|shown| outside.names(&shown.path));
    let used: BTreeSet<&Item> = used.map(|shown| &shown.item).collect();
    let is_unused = |shown: &&Shown| {
        !used.contains(&shown.item)
            && !signatures.contains(shown.path[shown.path.len() - 1].as_str())
    };
    let whole = |shown: &Shown| (shown.file.clone(), shown.path.join("::"));
    let mut unused: Vec<_> = shown.iter().filter(is_unused).map(whole).collect();
    for module in all {
        let methods = module.methods.iter().filter(|method| !outside.uses(method));
        let whole = |method: &Method| format!("{}::{}", method.of, method.name);
        unused.extend(methods.map(|method| (module.file.clone(), whole(method))));
    }
    unused
}

/// What other files say of a library.
#[derive(Default)]
struct Outside<'s> {
    /// The paths below it, with all that they lead through.
    paths: BTreeSet<&'s [String]>,
    /// `Type::function`, and whatever else is written so.
    pairs: BTreeSet<(&'s str, &'s str)>,
    /// What is called in crates that name the library.
    calls: BTreeSet<&'s str>,
}

impl<'s> Outside<'s> {
    fn of(folder: &str, said: &'s Said) -> Self {
        let name = folder.trim_end_matches("/src/").rsplit('/').next().unwrap_or_default();
        let library = name.replace('-', "_");
        let others = said.iter().filter(|(path, _)| !path.starts_with(folder));
        let mut outside = Self::default();
        let mut by_crate: BTreeMap<_, (bool, BTreeSet<&str>)> = BTreeMap::new();
        for (path, names) in others {
            let (is_user, calls) = by_crate.entry(path.split("/src/").next()).or_default();
            calls.extend(names.calls.iter().map(String::as_str));
            for path in &names.paths {
                outside.pairs.extend(path.windows(2).map(|two| (two[0].as_str(), two[1].as_str())));
                if path[0] == library {
                    *is_user = true;
                    outside.paths.extend((1..path.len()).map(|end| &path[1..=end]));
                }
            }
        }
        let users = by_crate.into_values().filter(|(is_user, _)| *is_user);
        outside.calls = users.flat_map(|(_, calls)| calls).collect();
        outside
    }

    /// Whether a path is written, or stands for something in its module.
    fn names(&self, path: &[String]) -> bool {
        let module = &path[..path.len() - 1];
        let anything = [module, &[ANYTHING.to_owned()]].concat();
        self.paths.contains(path) || self.paths.contains(&anything[..])
    }

    fn uses(&self, method: &Method) -> bool {
        self.pairs.contains(&(method.of.as_str(), method.name.as_str()))
            || method.has_receiver && self.calls.contains(method.name.as_str())
    }
}

/// Where an item is, and its name.
type Item = (Option<ModulePath>, String);

/// One way to name an item from outside.
struct Shown {
    /// The file that shows it.
    file: String,
    /// The way, from the root of the library.
    path: ModulePath,
    /// The item; two ways may lead to one.
    item: Item,
}

/// What a module and the public modules below it show.
fn items(modules: &Modules, at: &[String], shown: &mut Vec<Shown>) {
    let Some(module) = modules.all.get(at) else { return };
    let below = |name: &String| [at, std::slice::from_ref(name)].concat();
    shown.extend(module.public.iter().map(|name| {
        let path = below(name);
        let from_root = [&["crate".to_owned()][..], &path].concat();
        let item = (modules.place(&[], &from_root), name.clone());
        Shown { file: module.file.clone(), path, item }
    }));
    for name in &module.open {
        let before = shown.len();
        items(modules, &below(name), shown);
        // A module with nothing to see is shown for nothing.
        if shown.len() == before {
            let item = (None, name.clone());
            shown.push(Shown { file: module.file.clone(), path: below(name), item });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is unused of a library, where another crate and a test of its own say this.
    #[track_caller]
    fn unused_of(files: &[(&str, &str)]) -> Vec<String> {
        let named = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let sources: Sources = files.iter().map(named).collect();
        let root = "crates/x-y/src/lib.rs";
        let modules = Modules::read(root, &sources).unwrap();
        let found = unused(root, &modules, &said(&sources));
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn what_nobody_outside_names_is_found() {
        let lib = "mod a;\npub mod b;\npub use a::{A, Called as Renamed, Error, MAX, used};";
        let a = "pub struct A(pub Error);\npub struct Error;\npub struct Called;\n\
                 pub const MAX: u8 = 1;\npub fn used() {}\n\
                 impl A {\n    pub fn seen(self) {}\n    pub fn unseen(self) {}\n\
                 fn own(_: Renamed) {}\n}";
        let b = "pub fn deep() {}\npub(crate) fn hidden() {}\nfn own() {}\npub use crate::MAX;";
        let test = "use x_y::{A, used};\n// MAX and deep\nfn f(a: A) { a.seen(\"Renamed\") }";
        let found = unused_of(&[
            ("crates/x-y/src/lib.rs", lib),
            ("crates/x-y/src/a.rs", a),
            ("crates/x-y/src/b.rs", b),
            ("crates/x-y/tests/t.rs", test),
        ]);
        assert_eq!(found, ["MAX", "Renamed", "b::MAX", "b::deep", "A::unseen"]);
    }

    #[test]
    fn a_public_module_shows_something() {
        let left = |a: &str, says: &str| {
            let files = [
                ("crates/x-y/src/lib.rs", "pub mod a;"),
                ("crates/x-y/src/a.rs", a),
                ("crates/z/src/lib.rs", says),
            ];
            unused_of(&files)
        };
        assert_eq!(left("pub struct A;", "use x_y::a::A;"), [""; 0]);
        assert_eq!(left("pub(crate) struct A;", "use x_y::b;"), ["a"]);
    }

    #[test]
    fn a_word_is_no_use() {
        let lib = "pub mod b;\npub mod c;\npub use b::T as Other;";
        let b = "pub struct T;\npub fn run() {}\n\
                 impl T { pub fn new() -> Self { T }\n pub fn get(&self) {} }";
        let left = |says: &str| {
            let files = [
                ("crates/x-y/src/lib.rs", lib),
                ("crates/x-y/src/b.rs", b),
                ("crates/x-y/src/c.rs", "pub fn run() {}"),
                ("crates/z/src/lib.rs", says),
            ];
            unused_of(&files).join(" ")
        };
        let all = "Other b::T b::run c::run T::get T::new";
        for word in [
            "fn run() { run(T::other(), \"b::run\") }",
            "use x_y::d::run;",
            "struct S { get: u8, new: u8 }",
            "fn f(t: u8) { t.get() }",
            "/// Runs `x_y::b::run`.\nfn f() { other::b::run(); S::new() }",
        ] {
            assert_eq!(left(word), all, "{word}");
        }
        for (says, used) in [
            ("use x_y::b;\nfn f() { b::run() }", &["b::run"][..]),
            ("fn f() { m!(x_y::c::run()) }", &["c::run"]),
            (
                "use x_y::{self as z, b::{T as U}};\nfn f() { z::c::run(U::new()) }",
                &["b::T", "c::run", "T::new"],
            ),
            ("use x_y::b;\nimpl b::T { fn f() { Self::new() } }", &["b::T", "T::new"]),
            ("use x_y::Other;\nfn f(t: Other) { t.get() }", &["Other", "T::get"]),
            ("use x_y::Other;\nfn f(t: Other) { m!(t.get()) }", &["Other", "T::get"]),
            ("use x_y::Other;\nfn f(t: Other) { t.new() }", &["Other"]),
            ("use x_y::b::T;\nconst F: F = T::get;", &["b::T", "T::get"]),
            ("#[serde(with = \"x_y::c\")]\nstruct S;", &["c::run"]),
        ] {
            let rest: Vec<_> = all.split(' ').filter(|name| !used.contains(name)).collect();
            assert_eq!(left(says), rest.join(" "), "{says}");
        }
    }
}
