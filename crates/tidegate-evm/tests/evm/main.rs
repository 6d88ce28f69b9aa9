//! Local execution on hand-assembled bytecode.

#[cfg(test)]
mod check;
#[cfg(test)]
mod creation;
#[cfg(test)]
mod execution;
#[cfg(test)]
mod failure;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod settle;
#[cfg(test)]
mod world;

/// A file that is not listed above would never run.
#[test]
fn no_file_is_forgotten() {
    let listed = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/evm");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || listed.contains(&format!("mod {module};")), "{name}");
    }
}
