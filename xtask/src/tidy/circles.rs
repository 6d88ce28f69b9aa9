//! Circles of imports: files of one crate of which each leads to every other one.
//!
//! An edge leads from a file to the one that defines what it names. A re-export is no edge of the
//! file that has it: whoever uses it has one to where the item is. Tests have no edges.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::Modules;

/// The most files of one circle.
pub(super) const CIRCLE_FILES_MAX: usize = 4;

/// By file, which others of its crate it names something of.
pub(super) type Imports = BTreeMap<String, BTreeSet<String>>;

/// Which file names something of which.
pub(super) fn imports(modules: &Modules) -> Imports {
    let mut imports = Imports::new();
    for (at, module) in &modules.all {
        let own = imports.entry(module.file.clone()).or_default();
        let files = module.uses.iter().filter_map(|path| modules.defining(at, path));
        own.extend(files.map(|of| of.file.clone()).filter(|file| *file != module.file));
    }
    imports
}

/// The circles of more than one file, the largest first.
pub(super) fn circles(imports: &Imports) -> Vec<BTreeSet<&str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (file.as_str(), reached(imports, file))).collect();
    let mut circles = BTreeSet::new();
    for (file, others) in &reach {
        let back = |other: &&&str| reach.get(**other).is_some_and(|from| from.contains(file));
        let circle: BTreeSet<&str> = others.iter().filter(back).copied().collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

fn reached<'i>(imports: &'i Imports, file: &str) -> BTreeSet<&'i str> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = imports[file].iter().map(String::as_str).collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(imports.get(next).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

/// The files of the largest circle of a crate (0: there is none), and what is wrong with each that
/// is too large: its first file, and who names whom in it.
pub(super) fn check(imports: &Imports) -> (usize, Vec<(String, String)>) {
    let circles = circles(imports);
    let largest = circles.first().map_or(0, BTreeSet::len);
    let too_large = circles.into_iter().filter(|circle| circle.len() > CIRCLE_FILES_MAX);
    let complaint = |circle: BTreeSet<&str>| {
        let short = |file: &str| file.rsplit_once("/src/").map_or(file, |(_, f)| f).to_owned();
        let edges = circle.iter().map(|file| {
            let others = imports[*file].iter().filter(|other| circle.contains(other.as_str()));
            let others: Vec<_> = others.map(|other| short(other)).collect();
            format!("{} names {}", short(file), others.join(", "))
        });
        let edges: Vec<_> = edges.collect();
        let first = circle.first().copied().unwrap_or_default().to_owned();
        let (files, edges) = (circle.len(), edges.join("; "));
        (first, format!("a circle of {files} files, at most {CIRCLE_FILES_MAX}: {edges}"))
    };
    (largest, too_large.map(complaint).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the circles of a crate, largest first.
    #[track_caller]
    fn sizes(files: &[(&str, &str)]) -> Vec<usize> {
        let sources = files.iter().map(|(name, text)| (format!("src/{name}"), (*text).to_owned()));
        let modules = Modules::read("src/lib.rs", &sources.collect()).unwrap();
        circles(&imports(&modules)).iter().map(BTreeSet::len).collect()
    }

    const FIVE: [(&str, &str); 5] = [
        ("a.rs", "use crate::B;\npub struct A(B);"),
        ("b/mod.rs", "mod inner;\npub use inner::B;"),
        ("b/inner.rs", "pub struct B;\nfn f() { crate::c::c() }"),
        ("c.rs", "pub fn c() -> super::D { d!(crate::d::D) }"),
        ("d/mod.rs", "mod e;\npub struct D;\nimpl D { fn f(self) -> e::E { e::E } }"),
    ];
    const LIB: &str = "mod a;\nmod b;\nmod c;\nmod d;\npub use b::B;\npub use d::D;";

    #[test]
    fn a_circle_leads_through_reexports_calls_and_macros() {
        let last = ("d/e.rs", "use super::super::a::A;\npub struct E;\nfn f(_: A) {}");
        let files: Vec<_> = [("lib.rs", LIB), last].into_iter().chain(FIVE).collect();
        // What re-exports is in none.
        assert_eq!(sizes(&files), [5]);
        let with = |line: &str, other: &str| {
            let texts: Vec<_> = files.iter().map(|(_, text)| text.replace(line, other)).collect();
            assert!(files.iter().zip(&texts).any(|((_, text), new)| text != new), "{line}");
            let names = files.iter().map(|(name, _)| *name);
            sizes(&names.zip(texts.iter().map(String::as_str)).collect::<Vec<_>>())
        };
        assert_eq!(with("use crate::B;", "struct B;"), [0; 0]);
        assert_eq!(with("crate::c::c()", ""), [0; 0]);
        assert_eq!(with("-> super::D { d!(crate::d::D) }", "{}"), [0; 0]);
        assert_eq!(with("-> super::D", ""), [5], "the macro is enough");
    }

    #[test]
    fn tests_close_no_circle() {
        let closing = [
            "#[cfg(test)]\nmod tests { use crate::a::A; }",
            "#[cfg(test)]\nuse crate::a::A;",
            "#[cfg(all(test, unix))]\nfn f() { crate::a::a() }",
            "#[cfg(any(test, all(unix, test)))]\nuse crate::a::A;",
            "struct S;\nimpl S { #[cfg(test)]\nfn f() { crate::a::a() } }",
            "#[cfg(test)]\nmod tests;",
        ];
        let files = |b: &'static str| {
            [
                ("lib.rs", "mod a;\nmod b;"),
                ("a.rs", "use crate::b::B;\npub struct A(B);"),
                ("b.rs", b),
                ("b/tests.rs", "use super::*;\nuse crate::a::A;"),
            ]
        };
        for b in closing {
            assert_eq!(sizes(&files(b)), [0; 0], "{b}");
        }
        for b in [
            "use crate::a::A;",
            "#[cfg(not(test))]\nuse crate::a::A;",
            "#[cfg(any(test, unix))]\nuse crate::a::A;",
            "pub(self) use crate::a::A;",
            "pub(crate) use crate::a::A;\nfn f(_: A) {}",
            "fn f() { m!(use crate::{a::A}) }",
            "mod tests;\nfn f() { tests::g() }",
        ] {
            assert_ne!(sizes(&files(b)), [0; 0], "{b}");
        }
    }

    #[test]
    fn names_are_followed_where_they_lead() {
        let pair = |a: &'static str, b: &'static str| {
            sizes(&[("lib.rs", "mod a;\nmod b;\npub(crate) use a::*;"), ("a.rs", a), ("b.rs", b)])
        };
        let a = "use crate::b;\npub struct A;\nfn f() { b::g() }";
        for b in [
            "use super::a::{self as of, A};",
            "fn g() -> crate::A { todo() }",
            "#[serde(with = \"crate::a\")]\nstruct B;",
            "fn g() { use crate::a::*; }",
        ] {
            assert_eq!(pair(a, b), [2], "{b}");
        }
        // A crate, a method and a module of one's own of that name.
        for b in ["use a_crate::a::A;", "fn g() { x.a() }", "mod a { pub fn f() {} }\nuse a::f;"] {
            assert_eq!(pair(a, b), [0; 0], "{b}");
        }
    }

    #[test]
    fn a_large_circle_is_named() {
        let edge = |a: &str, b: &str| (a.to_owned(), [b.to_owned()].into());
        let ring = |names: &[&str]| -> Imports {
            let next = names.iter().cycle().skip(1);
            names.iter().zip(next).map(|(a, b)| edge(a, b)).collect()
        };
        let (four, five) = (ring(&["a", "b", "c", "d"]), ring(&["a", "b", "c", "d", "e"]));
        assert_eq!(check(&four), (4, Vec::new()));
        let (largest, found) = check(&five);
        assert!(largest == 5 && found.len() == 1 && found[0].1.contains("e names a"), "{found:?}");
    }
}
