//! Commands that do several things, of which a later one fails: what was done before is shown, and
//! what can still be done is done.

use alloy_primitives::U256;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Ran, actor_address};

use crate::cheat::with_other;
use crate::support::{Case, Outcome, Scene, cases, files, said};
use crate::upgrade::prepare;

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            a_soak_network_that_is_down_hinders_no_other_start,
            a_target_that_is_down_hides_no_proposal,
            what_was_imported_before_a_file_fails_is_shown;
        Fresh: a_network_that_is_down_hides_no_baseline;
        Deployed:
            a_child_of_a_factory_fails_with_its_own_error,
            a_new_step_beside_what_stands_is_tried_first;
    }
}

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// How many entries a list of the printed document has.
fn count(ran: &Ran, list: &str) -> Result<Option<usize>, Failed> {
    Ok(ran.json()?[list].as_array().map(Vec::len))
}

fn a_network_that_is_down_hides_no_baseline(scene: &Scene<'_>) -> Outcome {
    let (project, _) = prepare(scene)?;
    let eva = project.person("eva").with_variable("TESTNET_RPC", NOWHERE);
    let shown = said(&eva.run(&["adopt"])?.expect_code(4)?);
    for name in ["box", "vault"] {
        assert!(shown.contains(&format!("@{name} on mainnet is src/v1/")), "{name}: {shown}");
    }
    let printed = eva.run(&["adopt", "--json"])?.expect_code(4)?;
    assert_eq!(count(&printed, "adopted")?, Some(2), "{printed:?}");
    Ok(())
}

/// The target once more under a name that comes first, at an endpoint that is down.
fn a_target_that_is_down_hides_no_proposal(scene: &Scene<'_>) -> Outcome {
    let whole = scene.run("eva", &["proposal", "list", "--json"], 0)?;
    let text = scene.read("tidegate.toml")?;
    let (_, mainnet) = text.split_once("[networks.mainnet]").ok_or("a target")?;
    let mainnet = mainnet.split("\n[").next().unwrap_or(mainnet);
    let down = mainnet.replace("${MAINNET_RPC}", "${DOWN_RPC}");
    scene.write("tidegate.toml", &format!("{text}\n[networks.down]{down}"))?;
    let proposals = scene.project().join("deployments/mainnet/proposals");
    files::copy_tree(&proposals, &scene.project().join("deployments/down/proposals"))?;
    let eva = scene.person("eva").with_variable("DOWN_RPC", NOWHERE);
    let listed = eva.run(&["proposal", "list", "--json"])?.expect_code(4)?;
    assert_eq!(listed.json()?["proposals"], whole.json()?["proposals"], "{listed:?}");
    assert!(said(&listed).contains("down"), "{listed:?}");
    Ok(())
}

fn a_soak_network_that_is_down_hinders_no_other_start(scene: &Scene<'_>) -> Outcome {
    with_other(scene)?;
    let text = scene.read("tidegate.toml")?;
    let (before, other) = text.split_once("[networks.other]").ok_or("a second testnet")?;
    let before = before.replace("[\"testnet\", \"other\"]", "[\"other\", \"testnet\"]");
    let other = other.replacen("${TESTNET_RPC}", "${OTHER_RPC}", 1);
    scene.write("tidegate.toml", &format!("{before}[networks.other]{other}"))?;
    let ether = U256::from(10).pow(U256::from(18));
    scene.world.mainnet.set_balance(actor_address("treasury"), ether)?;
    let kim = scene.person("kim").with_variable("OTHER_RPC", NOWHERE);
    let start = ["record", "start", "--as", "treasury", "--json"];
    let posted = kim.approve(&start)?.expect_code(4)?;
    assert_eq!(count(&posted, "posted")?, Some(1), "{posted:?}");
    // It is at the helper, whatever the other network shows.
    let text = said(&kim.approve(&start[..4])?.expect_code(4)?);
    assert!(text.contains("soaks on testnet.") && text.contains("on mainnet before"), "{text}");
    Ok(())
}

fn what_was_imported_before_a_file_fails_is_shown(scene: &Scene<'_>) -> Outcome {
    let statements = scene.project().join("deployments/statements");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&statements)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let [first, second] = [0, 1].map(|index| names.get(index).cloned().unwrap_or_default());
    let aside = [&first, &second].map(|name| scene.folder().join(name));
    for (name, to) in [&first, &second].into_iter().zip(&aside) {
        std::fs::rename(statements.join(name), to)?;
    }
    // Nothing can be written where a folder is.
    std::fs::create_dir(statements.join(&second))?;
    let [one, two] = aside.map(|path| path.to_string_lossy().into_owned());
    let ran = scene.person("eva").run(&["import", &one, &two, "--json"])?.expect_code(3)?;
    let digest = first.trim_end_matches(".json");
    assert_eq!(ran.json()?["imported"], Value::from(vec![digest]), "{ran:?}");
    let text = said(&scene.person("eva").run(&["import", &one, &two])?.expect_code(3)?);
    assert!(text.contains(&format!("{digest} by 0x")), "{text}");
    Ok(())
}

/// The plan has neither the child nor its ABI: only the sources have its error.
fn a_child_of_a_factory_fails_with_its_own_error(scene: &Scene<'_>) -> Outcome {
    scene.write("contracts/src/Factory.sol", FACTORY)?;
    let step = "[[step]]\ncreate = \"Factory\"\n[[step]]\ncall = [\"@factory\", \"make\", 11]\n";
    scene.edit("tidegate.toml", "[funds]", &format!("{step}\n[funds]"))?;
    let text = said(&scene.run("eva", &["plan"], 1)?);
    assert!(text.contains("reverted with TooMuch(asked = 11, cap = 9)"), "{text}");
    Ok(())
}

const FACTORY: &str = r"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

contract Child {
    error TooMuch(uint256 asked, uint256 cap);

    constructor(uint256 size) {
        if (size > 9) revert TooMuch(size, 9);
    }
}

contract Factory {
    function make(uint256 size) external {
        new Child(size);
    }
}
";

/// What is there already hides nothing of what is not: `deploy` refuses what `plan` does, before it
/// has sent anything.
fn a_new_step_beside_what_stands_is_tried_first(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    let text = text.replace("\"1.4.0\"", "\"1.5.0\"");
    let second = "[[step]]\nname = \"second\"\ncreate = \"Registry\"\n\
                  args = [\"0x00000000000000000000000000000000000000ee\"]\n";
    let calls = "[[step]]\ncall = [\"@second\", \"register\", \"@vault\"]\n";
    let expects = "expect = [[\"vaultCount\", 1]]\n";
    let who = actor_address("deployer");
    let nonce = || scene.world.testnet.rpc("eth_getTransactionCount", json!([who, "latest"]));
    let before = nonce()?;
    for (more, says) in [(calls, "second.register fails"), (expects, "second.vaultCount")] {
        let (head, funds) = text.split_once("[funds]").ok_or("the last step")?;
        scene.write("tidegate.toml", &format!("{head}{second}{more}\n[funds]{funds}"))?;
        for command in ["plan", "deploy"] {
            let ran = scene.run("eva", &[command], 1)?;
            assert!(said(&ran).contains(says), "{command}: {ran:?}");
        }
    }
    assert_eq!(nonce()?, before, "nothing was sent");
    // What stands is told from what is new, and from what an earlier release has elsewhere.
    scene.write("tidegate.toml", &text)?;
    let same = said(&scene.run("eva", &["plan"], 0)?);
    assert_eq!(same.matches("there already").count(), 7, "six, and how many: {same}");
    scene.edit("contracts/src/Registry.sol", "vaultCount++", "vaultCount += 1 + 0 * 7")?;
    scene.edit("contracts/src/Registry.sol", "noteCount[vault]++", "noteCount[vault] += 2")?;
    let other = said(&scene.run("eva", &["deploy"], 2)?);
    assert_eq!(other.matches(" in vault-1.4.0").count(), 3, "{other}");
    let second = "Attention: vault is a second proxy, beside the one of vault-1.4.0 at 0x";
    assert!(other.contains(second), "{other}");
    assert_eq!(other.matches("there already").count(), 3, "stand-in, library, how many: {other}");
    Ok(())
}
