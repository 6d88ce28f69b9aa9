//! Pure crates ask nothing of the machine: no file, environment, network, process, thread or
//! clock. Their tests may.

use super::module::{ANYTHING, Module};
use super::modules::Modules;

/// The crates that ARCHITECTURE.md calls pure.
pub(super) const CRATES: [&str; 6] = [
    "tidegate-model",
    "tidegate-plan",
    "tidegate-gates",
    "tidegate-ledger",
    "tidegate-safe",
    "tidegate-evm",
];

/// The parts of the standard library that ask something of the machine. `*` stands for all parts:
/// whoever imports them, or gives `std` another name, may reach these.
const IMPURE: [&str; 9] = ["env", "fs", "io", "net", "os", "process", "thread", "time", ANYTHING];

/// What is wrong with a pure crate: the file, and a sentence.
pub(super) fn check(modules: &Modules) -> Vec<(String, String)> {
    let named = |module: &Module| {
        let paths = module.uses.iter().chain(&module.reexports);
        let impure = paths.filter(|path| match path.split_first() {
            Some((std, rest)) if std == "std" => {
                rest.first().is_none_or(|part| IMPURE.contains(&part.as_str()))
            }
            _ => false,
        });
        let what = |path: &Vec<String>| format!("`{}`: the crate is pure", path.join("::"));
        impure.map(|path| (module.file.clone(), what(path))).collect::<Vec<_>>()
    };
    modules.all.values().flat_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_crate_asks_nothing_of_the_machine() {
        let faults = |text: &str| {
            let sources = [("src/lib.rs".to_owned(), text.to_owned())].into();
            check(&Modules::read("src/lib.rs", &sources).unwrap()).len()
        };
        for impure in [
            "use std::fs;",
            "pub use std::fs::read as get;",
            "use std::{fmt, net::{IpAddr}};",
            "fn f() { ::std::env::var(\"A\") }",
            "fn f() { println!(\"{}\", std::process::id()) }",
            "use std as other;",
            "use std::*;",
            "mod inner { fn f() { std::time::Instant::now() } }",
        ] {
            assert_eq!(faults(impure), 1, "{impure}");
        }
        for pure in [
            "use std::{collections::BTreeMap, fmt, path::Path};",
            "use crate::std_like::fs;",
            "#[cfg(test)]\nmod tests { use std::fs; }",
        ] {
            assert_eq!(faults(pure), 0, "{pure}");
        }
    }
}
