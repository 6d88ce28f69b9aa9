//! How the contracts are tested: `contracts/README.md`, in a copy of what it needs.

use std::process::Command;

use super::{CONTRACTS, blocks_of};
use crate::support::{Case, Outcome, Scene, cases, files};

pub(super) fn cases() -> Vec<Case> {
    cases! {
        Fresh: the_contracts_are_tested_as_printed;
    }
}

/// The first line; what this test runs with was installed so.
const INSTALLS: &str = "npm ci --prefix tests\n";
const SCRIPT: &str = "crates/tidegate-compile/src/solcjs.cjs";

fn the_contracts_are_tested_as_printed(scene: &Scene<'_>) -> Outcome {
    let [block] = blocks_of::<1>(scene, CONTRACTS)?;
    let lines = block.text.strip_prefix(INSTALLS).ok_or("the first line")?;
    let (root, copy) = (&scene.tools.root, scene.folder().join("repository"));
    files::copy_tree(&root.join("contracts"), &copy.join("contracts"))?;
    for file in ["foundry.toml", SCRIPT] {
        files::write(&copy.join(file), &std::fs::read(root.join(file))?)?;
    }
    std::fs::create_dir_all(copy.join("tests"))?;
    std::os::unix::fs::symlink(&scene.tools.node_modules, copy.join("tests/node_modules"))?;
    let done = Command::new("bash").args(["-e", "-u", "-c", lines]).current_dir(&copy).output()?;
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}
