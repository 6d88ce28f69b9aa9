//! What a library shows and nobody outside it names.
//!
//! A name counts as used where it stands as a word in any other crate, or in a test of its own. A
//! type that nobody names may still be what a public function takes or gives, or a public field
//! has.

use std::collections::BTreeSet;

use super::module::ModulePath;
use super::modules::{Modules, Sources};

/// The public names of a library that nothing outside its folder `src` says, each with its file.
pub(super) fn unused(root: &str, modules: &Modules, sources: &Sources) -> Vec<(String, String)> {
    let own = root.trim_end_matches("lib.rs");
    let others = sources.iter().filter(|(path, _)| !path.starts_with(own));
    let said: BTreeSet<&str> = others.flat_map(|(_, text)| words(text)).collect();
    let all = modules.all.values();
    let signatures: BTreeSet<&str> =
        all.clone().flat_map(|module| &module.signatures).map(String::as_str).collect();
    let mut shown = Vec::new();
    names(modules, &ModulePath::new(), &mut shown);
    shown.retain(|(_, name)| !signatures.contains(name.as_str()));
    let methods = all.flat_map(|module| module.methods.iter().map(|name| (&module.file, name)));
    shown.extend(methods.map(|(file, name)| (file.clone(), name.clone())));
    shown.retain(|(_, name)| !said.contains(name.as_str()));
    shown
}

/// The public names of a module and of the public modules below it.
fn names(modules: &Modules, at: &[String], shown: &mut Vec<(String, String)>) {
    let Some(module) = modules.all.get(at) else { return };
    for name in &module.public {
        let child = [at, std::slice::from_ref(name)].concat();
        match modules.all.contains_key(&child) {
            true => names(modules, &child, shown),
            false => shown.push((module.file.clone(), name.clone())),
        }
    }
}

/// The words of a file, but for those of comments.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_outside_names_is_found() {
        let lib = "mod a;\npub mod b;\npub use a::{A, Called as Renamed, Error, MAX, used};";
        let a = "pub struct A(pub Error);\npub struct Error;\npub struct Called;\n\
                 pub const MAX: u8 = 1;\npub fn used() {}\n\
                 impl A {\n    pub fn seen(self) {}\n    pub fn unseen(self) {}\n\
                 fn own(_: Renamed) {}\n}";
        let b = "pub fn deep() {}\npub(crate) fn hidden() {}\nfn own() {}";
        let test = "use x::{A, used};\n// MAX and deep\nfn f(a: A) { a.seen() }";
        let files = [("src/lib.rs", lib), ("src/a.rs", a), ("src/b.rs", b), ("tests/t.rs", test)];
        let files = files.map(|(name, text)| (format!("crates/x/{name}"), text.to_owned()));
        let sources = Sources::from(files);
        let modules = Modules::read("crates/x/src/lib.rs", &sources).unwrap();
        let found = unused("crates/x/src/lib.rs", &modules, &sources);
        let names: Vec<_> = found.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["MAX", "Renamed", "deep", "unseen"]);
    }
}
