//! The daily loop of `docs/engineers.md`, on a project as forge makes it.

use std::process::Command;

use libtest_mimic::Failed;
use tidegate_testkit::{Anvil, AnvilOptions, COMPILER, Ran};

use super::pages::Printed;
use super::typist::{Typist, shows};
use super::{ENGINEERS, blocks_of};
use crate::support::{Case, Outcome, Scene, cases, files};

pub(super) fn cases() -> Vec<Case> {
    cases! {
        Fresh: the_daily_loop_is_typed;
    }
}

const PAGE: &str = "docs/engineers.md";
/// Where anvil listens that nobody gave a port.
const ENDPOINT: &str = "http://127.0.0.1:8545";
const VARIABLE: &str = "TIDEGATE_RPC_31338";
const CHAIN: u64 = 31338;

/// What `forge init` makes, without the tests, which need forge-std.
const FOUNDRY: &str = "[profile.default]\nsrc = \"src\"\nout = \"out\"\nlibs = [\"lib\"]\n";
const COUNTER: &str = "// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.13;

contract Counter {
    uint256 public number;

    function setNumber(uint256 newNumber) public {
        number = newNumber;
    }

    function increment() public {
        number++;
    }
}
";

fn the_daily_loop_is_typed(scene: &Scene<'_>) -> Outcome {
    let [console] = blocks_of::<1>(scene, ENGINEERS)?;
    let page = std::fs::read_to_string(scene.tools.root.join(PAGE))?;
    let exported = format!("export {VARIABLE}={ENDPOINT}");
    assert!(page.contains(&exported), "{PAGE} does not say `{exported}`");

    let demo = scene.beside("demo");
    demo.write("foundry.toml", FOUNDRY)?;
    demo.write("src/Counter.sol", COUNTER)?;
    for package in COMPILER {
        let from = scene.tools.node_modules.join(package);
        files::copy_tree(&from, &demo.project().join("node_modules").join(package))?;
    }
    let anvil = Anvil::start(scene.tools, AnvilOptions::new(CHAIN))?;
    let gus = demo.person("gus").with_variable(VARIABLE, anvil.url());
    let mut typist = Typist::default();
    typist.says(ENDPOINT, anvil.url());
    let (mut typed, started) = (0, console.commands());
    for printed in &started {
        if printed.words[0] == "cast" {
            cast(&demo, &typist, printed, &anvil)?;
            continue;
        }
        let screen = typist.types(&gus, printed)?;
        typed += 1;
        shows(printed, &screen)?;
        if let [_, key, new, ..] = &printed.words[..]
            && (key.as_str(), new.as_str()) == ("key", "new")
        {
            typist.says(&address(&printed.output.join(" "))?, address(&screen)?);
        }
    }
    // What the page counts: from a project to a verified deployment.
    assert!(page.contains("Five commands") && typed + 1 == 5, "{typed} commands");
    Ok(())
}

/// The address in what a command says, or in what is printed of that.
fn address(text: &str) -> Result<String, Failed> {
    let mut words = text.split_whitespace().map(|word| word.trim_end_matches([',', '.']));
    let found = words.find(|word| word.starts_with("0x"));
    Ok(found.ok_or_else(|| format!("no address in {text}"))?.to_owned())
}

/// Foundry's `cast`, which asks the endpoint of its variable where none is named.
fn cast(demo: &Scene<'_>, typist: &Typist, printed: &Printed, anvil: &Anvil) -> Outcome {
    let words: Result<Vec<_>, _> =
        printed.words[1..].iter().map(|word| typist.word(word)).collect();
    let done = Command::new(&demo.tools.cast)
        .args(words?)
        .env("ETH_RPC_URL", anvil.url())
        .current_dir(demo.project())
        .output()?;
    let said = Ran {
        args: printed.words.clone(),
        code: done.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    };
    said.expect_code(0)?;
    Ok(())
}
