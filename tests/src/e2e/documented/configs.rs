//! What is printed to be copied: into `tidegate.toml`, and into sources.

use libtest_mimic::Failed;
use serde_json::Value;

use super::pages::Block;
use super::typist::Typist;
use super::{BACK, CONFIGS, blocks_of};
use crate::support::{Case, Outcome, Scene, cases, said};
use crate::upgrade::prepare;

pub(super) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            what_is_printed_as_configuration_is_read,
            the_way_back_is_copied;
    }
}

/// The parameter that the README's further steps use and its example has not.
const GUARD: &str =
    "guard = { rule = \"per-network\", hoodi = \"@deployer\", mainnet = \"@safe\" }\n";
/// What those steps create.
const SOURCES: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Market {
    struct Terms { uint256 cap; address[] guards; }
    uint256 public cap;
    function initialize(Terms calldata terms) external { require(cap == 0); cap = terms.cap; }
}
contract Wallet { uint256 public nonce; }
contract Till { constructor() payable {} }
";
const POOL: [(&str, &str); 2] = [
    (
        "src/v1/Pool.sol",
        "contract Pool { uint256 public a;
    function upgradeToAndCall(address, bytes calldata) external payable {} }",
    ),
    (
        "src/v2/Pool.sol",
        "contract Pool { uint256 public a; uint256 public wait;
    function upgradeToAndCall(address, bytes calldata) external payable {}
    function migrate(uint256 wait_) external { require(wait == 0); wait = wait_; } }",
    ),
];
const NOTED: &str = "[[step]]\ncreate = \"Noted\"\nproxy = \"transparent\"\nadmin = \"$owner\"\n";
const HEAD: &str = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n";

fn what_is_printed_as_configuration_is_read(scene: &Scene<'_>) -> Outcome {
    let [main, steps, people, keeps, grows, constructor] = blocks_of::<6>(scene, CONFIGS)?;
    let build = |text: &str| -> Result<Value, Failed> {
        scene.write("tidegate.toml", text)?;
        Ok(scene.run("eva", &["build", "--json"], 0)?.json()?)
    };
    assert_eq!(build(&main.text)?["release"], "vault-1.4.0");

    scene.write("contracts/src/Further.sol", SOURCES)?;
    for (file, text) in POOL {
        scene.write(file, &format!("{HEAD}{text}\n"))?;
    }
    scene.write("contracts/src/Noted.sol", &noted([&keeps, &grows, &constructor]))?;
    let (head, _) = main.text.split_once("[firms]").ok_or("no firms")?;
    let head = head.replacen("owner     =", &format!("{GUARD}owner     ="), 1);
    let built = build(&[&head, &people.text[..], &steps.text, NOTED].join("\n"))?;
    let rows = built["contracts"].as_array().ok_or("contracts")?;
    let of = |name: &str| {
        let is = |row: &&Value| row["fqn"].as_str().is_some_and(|fqn| fqn.ends_with(name));
        rows.iter().find(is).ok_or_else(|| format!("no {name} in {built}"))
    };
    for name in [":Market", ":Wallet", ":Till", "src/v2/Pool.sol:Pool"] {
        of(name)?;
    }
    let exceptions = of(":Noted")?["exceptions"].to_string();
    for words in [
        "the constructor of `Noted`",
        "nothing is ever declared behind it",
        "both versions have the same release of the package",
        "Solady 0.1.26, unchanged",
    ] {
        assert!(exceptions.contains(words), "{words}: {exceptions}");
    }
    assert!(!built["refusedUpgrades"].to_string().contains("Noted"), "{built}");
    Ok(())
}

/// The annotations of `docs/upgrades.md`, in a contract that is behind a proxy.
fn noted([keeps, grows, constructor]: [&Block; 3]) -> String {
    let import = "import {Initializable} from \
                  \"@openzeppelin/contracts/proxy/utils/Initializable.sol\";";
    let settings = "struct Settings { uint256 cap; }";
    let parts = format!("{}{}", grows.text, constructor.text);
    let keeps = &keeps.text;
    format!("{HEAD}{import}\n{settings}\n{keeps}contract Noted is Initializable {{\n{parts}}}\n")
}

/// A newer box is behind the proxy; then the page's TOML puts the earlier one back.
fn the_way_back_is_copied(scene: &Scene<'_>) -> Outcome {
    let [back] = blocks_of::<1>(scene, BACK)?;
    let (project, lives) = prepare(scene)?;
    let newer = project.read("src/Box.sol")?.replace("BoxV2", "Box");
    project.write("src/v2/Box.sol", &newer)?;
    let config = project.read("tidegate.toml")?;
    let (project_toml, _) = config.split_once("[params]").ok_or("no parameters")?;
    let (_, networks) = config.split_once("[networks.testnet]").ok_or("no testnet")?;
    let (testnet, _) = networks.split_once("[networks.mainnet]").ok_or("no mainnet")?;
    let head = format!("{project_toml}[networks.testnet]{testnet}");
    let mut typist = Typist::default();
    for (printed, live) in [
        ("0x00000000000000000000000000000000000000c1", lives.test.boxed),
        ("0x00000000000000000000000000000000000000c2", lives.test.admin),
    ] {
        typist.says(printed, live.to_string());
    }
    let printed: Result<Vec<_>, _> = back.text.lines().map(|line| typist.word(line)).collect();
    let printed = printed?.join("\n");
    let newer = printed.replace("\"src/v2/", "\"src/NEW/").replace("\"src/v1/", "\"src/v2/");
    let newer = newer.replace("\"src/NEW/", "\"src/v1/").replace("box-back", "box-v2");
    project.write("tidegate.toml", &format!("{head}{newer}\n"))?;
    project.done("eva", &["deploy"])?;
    project.world.settle()?;

    let head = head.replace("\"2.0.0\"", "\"2.0.1\"");
    project.write("tidegate.toml", &format!("{head}{printed}\n"))?;
    let planned = said(&project.run("eva", &["plan"], 0)?);
    assert!(planned.contains("box-back returns @box to the code"), "{planned}");
    project.done("eva", &["deploy"])?;
    project.run("eva", &["verify"], 0)?;
    Ok(())
}
