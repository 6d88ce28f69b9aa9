//! The floors of a crate: a module imports only what stands on its own floor or below it.
//!
//! A re-export is an import here. Methods reach no higher either: an `impl` stands on the floor of
//! its type.

use std::collections::BTreeMap;

use super::modules::Modules;

/// The floors of one crate, the lowest first: the name of each, and the modules that stand on it.
type Floors<'f> = &'f [(&'f str, &'f [&'f str])];

/// Where the table of a crate stands.
const HERE: &str = "xtask/src/tidy/floors.rs";

/// The crates that have floors, by their folders under `crates/`.
pub(super) const CRATES: [(&str, Floors<'static>); 1] = [("tidegate-app", APP)];

/// What each floor is for stands in ARCHITECTURE.md.
const APP: Floors<'static> = &[
    ("base", &["chain", "clock", "dotenv", "error", "front", "path", "settings", "text"]),
    (
        "workspace",
        &["approve", "compiler", "network", "packages", "project", "sending", "typed_data"],
    ),
    (
        "claims",
        &[
            "fund_rules",
            "pins",
            "policy_doc",
            "proposal_files",
            "recalled",
            "records",
            "relied",
            "saying",
            "scopes",
            "signing",
            "statements",
        ],
    ),
    (
        "release",
        &[
            "contracts",
            "deployment",
            "existing",
            "follow",
            "follow_checks",
            "layouts",
            "promotion",
            "proxies",
            "published",
            "release",
            "safety",
            "shared",
            "standing",
            "wiped",
        ],
    ),
    ("facts", &["assess", "ledger_facts", "read_back"]),
    (
        "use cases",
        &[
            "adopt",
            "attest",
            "audit_exports",
            "books",
            "bundle",
            "compare",
            "controls",
            "deploy",
            "doctor",
            "drafts",
            "fund_transfers",
            "import",
            "init",
            "next",
            "planned",
            "policy_adoption",
            "posting",
            "promote",
            "proposals",
            "recheck",
            "sampling",
            "watch",
        ],
    ),
    ("views", &["report", "status", "view"]),
];

/// What breaks the floors of a crate: the file, and a sentence.
pub(super) fn check(modules: &Modules, floors: Floors<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let floor_of = floor_of(floors, &mut found);
    let file = |top: &str| modules.all.get(&[top.to_owned()][..]).map(|module| &module.file);
    for top in floor_of.keys().filter(|top| file(top).is_none()) {
        found.push((HERE.to_owned(), format!("`{top}` is no module of the crate")));
    }
    let name = |floor: usize| floors[floor].0;
    for (at, module) in &modules.all {
        let mut complain = |what: String| found.push((module.file.clone(), what));
        let Some(top) = at.first() else {
            if !module.items.is_empty() {
                complain("the root of a crate with floors only declares and re-exports".to_owned());
            }
            continue;
        };
        let Some(&own) = floor_of.get(top.as_str()) else {
            if at.len() == 1 {
                complain(format!("`{top}` stands on no floor: add it to one in {HERE}"));
            }
            continue;
        };
        let other = |path: &Vec<String>| {
            let place = modules.place(at, path)?;
            floor_of.get(place.first()?.as_str()).copied()
        };
        for path in module.uses.iter().chain(&module.reexports) {
            if let Some(above) = other(path).filter(|floor| *floor > own) {
                let (path, own, above) = (path.join("::"), name(own), name(above));
                complain(format!("`{path}` stands on the floor of {above}, above that of {own}"));
            }
        }
        for path in &module.implements {
            if other(path).is_some_and(|floor| floor != own) {
                let path = path.join("::");
                complain(format!("the methods of `{path}` stand on another floor than the type"));
            }
        }
    }
    found
}

/// The floor of each module, by its number from below.
fn floor_of<'f>(floors: Floors<'f>, found: &mut Vec<(String, String)>) -> BTreeMap<&'f str, usize> {
    let mut floor_of = BTreeMap::new();
    for (number, (_, tops)) in floors.iter().enumerate() {
        for top in *tops {
            if floor_of.insert(*top, number).is_some() {
                found.push((HERE.to_owned(), format!("`{top}` stands on two floors")));
            }
        }
    }
    floor_of
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOORS: Floors<'static> = &[("ground", &["low"]), ("roof", &["high", "top"])];
    const LIB: &str = "mod low;\nmod high;\nmod top;\npub use top::Top;";

    /// What is wrong where the crate has these two files, and in which files.
    #[track_caller]
    fn wrong(lib: &str, low: &str, high: &str, floors: Floors<'_>) -> Vec<(String, String)> {
        let top = "pub struct Top;\npub mod inner { pub fn f() {} }";
        let files = [("lib", lib), ("low", low), ("high", high), ("top", top)];
        let named = |(name, text): (&str, &str)| (format!("src/{name}.rs"), text.to_owned());
        let sources = files.into_iter().map(named).collect();
        check(&Modules::read("src/lib.rs", &sources).unwrap(), floors)
    }

    #[test]
    fn nothing_reaches_a_floor_above() {
        let fine = "use crate::low::L;\npub use crate::top::Top as T;\nimpl L { }";
        for low in ["pub struct L;", "pub struct L;\nimpl L { fn f(self) {} }\nuse std::fs;"] {
            assert_eq!(wrong(LIB, low, &fine.replace("impl L { }", ""), FLOORS), []);
        }
        for low in [
            "use crate::top::Top;",
            "fn f() -> crate::Top { todo() }",
            "pub(crate) use crate::top;",
            "pub use super::Top;",
            "pub(self) use super::Top;",
            "fn f() { m!(crate::top::inner::f()) }",
            "m! { use crate::{low::L, top::Top}; }",
            "mod inner { use crate::top::inner::f; }",
            "#[serde(with = \"crate::top\")]\nstruct L;",
        ] {
            let found = wrong(LIB, &format!("pub struct L;\n{low}"), "", FLOORS);
            assert_eq!(found.len(), 1, "{low}: {found:?}");
            assert!(found[0].0 == "src/low.rs" && found[0].1.contains("of roof"), "{found:?}");
        }
        let found = wrong(LIB, "pub struct L;", fine, FLOORS);
        assert!(found.len() == 1 && found[0].1.contains("methods of `L`"), "{found:?}");
    }

    #[test]
    fn every_module_stands_on_one_floor() {
        let places = |lib: &str, floors| wrong(lib, "", "", floors);
        let found = places(LIB, &[("ground", &["low", "top"])]);
        assert!(found.len() == 1 && found[0].1.contains("`high` stands on no floor"), "{found:?}");
        assert!(found[0].0 == "src/high.rs" && found[0].1.contains(HERE), "{found:?}");
        let found = places(LIB, &[("ground", &["low", "top"]), ("roof", &["high", "low"])]);
        assert!(found.len() == 1 && found[0].1.contains("two floors"), "{found:?}");
        let found = places(LIB, &[("ground", &["low", "top", "high", "gone"])]);
        assert!(found.len() == 1 && found[0].1.contains("`gone` is no module"), "{found:?}");
        let found = places(&format!("{LIB}\nfn f() {{ top::inner::f() }}"), FLOORS);
        assert!(found.len() == 1 && found[0].1.contains("only declares"), "{found:?}");
        // What only tests have needs no floor.
        assert_eq!(places(&format!("{LIB}\n#[cfg(test)]\nmod more {{}}"), FLOORS), []);
    }
}
