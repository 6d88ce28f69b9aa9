//! Upgrades and calls that change contracts which are there already otherwise than it soaked.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::{Case, Outcome, Scene, cases, messages, said};
use crate::upgrade::{Lives, prepare};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            cheat_an_upgrade_that_turns_on_what_others_decide,
            cheat_an_upgrade_that_writes_what_did_not_soak,
            cheat_gas_that_is_short;
    }
}

const VAULT: &str = "src/Vault.sol";
const MIGRATES: &str = "cooldown = cooldown_;";
const X: &str = "0x7777777777777777777777777777777777777777";

/// What an upgrade's `init` writes in the proxy that was there before.
fn cheat_an_upgrade_that_turns_on_what_others_decide(scene: &Scene<'_>) -> Outcome {
    let (project, _) = prepare(scene)?;
    let source = project.read(VAULT)?;
    let migrates = |more: &str| -> Outcome {
        project.write(VAULT, &source.replace(MIGRATES, &format!("{MIGRATES} {more}")))
    };
    let decided = "of @vault holds what @vault decides by slot";
    let chain = "of @vault holds what the chain's id decides";
    let cheats = [
        (format!("if (deposits[{X}] > 0) cap = 7;"), decided),
        (format!("if (deposits[{X}] == 12345e18) deposits[msg.sender] = 7;"), decided),
        ("if (cap % 2 == 1) deposits[msg.sender] = 7;".to_owned(), decided),
        ("if (address(this).balance > 0) cap = 7;".to_owned(), "what the balance of @vault"),
        ("if (gasleft() < 200000) cap = 7;".to_owned(), "asks for the gas that is left"),
        ("if (block.chainid == 31337) cap = 7;".to_owned(), chain),
        ("if (block.chainid != 31338) cap = 7;".to_owned(), chain),
        ("cap = block.chainid % 7;".to_owned(), chain),
    ];
    for (cheat, says) in &cheats {
        migrates(cheat)?;
        for network in ["testnet", "mainnet"] {
            let text = said(&project.run("eva", &["plan", network], 1)?);
            assert!(text.contains(says), "{cheat} on {network}: {says}: {text}");
        }
    }
    let honest = [
        "cap += 1;",
        "cap = 7; deposits[msg.sender] += 7;",
        "if (cap == type(uint256).max) revert(); deposits[owner()] = 7;",
    ];
    for honest in honest {
        migrates(honest)?;
        for network in ["testnet", "mainnet"] {
            let ran = project.person("eva").run(&["plan", network])?;
            assert_eq!(ran.code, 0, "{honest} on {network}: {}", said(&ran));
        }
    }
    Ok(())
}

/// No trial shows it: it turns on where it stands.
fn cheat_an_upgrade_that_writes_what_did_not_soak(scene: &Scene<'_>) -> Outcome {
    let (project, Lives { main, .. }) = prepare(scene)?;
    let vault = main.vault;
    // Only a key that is computed has a name: of a constant one the compiler writes the slot.
    let cheat = format!(
        "{MIGRATES} deposits[msg.sender] = 9; if (address(this) == {vault}) {{ cap = 7; \
         deposits[address(this)] = 5; deposits[msg.sender] = 8; }}"
    );
    project.edit(VAULT, MIGRATES, &cheat)?;
    project.done("eva", &["deploy"])?;
    project.world.settle()?;
    let status = project.status()?;
    status.expect(
        "parameters",
        "FAIL",
        (
            &["write-differs"],
            &[
                "@vault: after the plan slot 0x0 holds",
                "and 0x7, before 0x8ac7230489e80000, on the target",
                "holds 0x9, before 0x0, where it soaked and 0x8, before 0x0, on the target",
                "holds what nobody looked at where it soaked and 0x5, before 0x0, on the target",
            ],
        ),
    )?;
    let labels = labels(&status.0)?;
    let of_own = format!("deposits[{vault}]").to_lowercase();
    for label in ["implementation", "cap", "cooldown", &of_own] {
        assert!(labels.iter().any(|found| found.starts_with(label)), "{label}: {labels:?}");
    }
    let shown = said(&project.run("eva", &["status"], 0)?);
    assert!(shown.contains("Writes in existing contracts:"), "{shown}");
    Ok(())
}

/// What the layout calls the slots that are written.
fn labels(status: &Value) -> Result<Vec<String>, Failed> {
    let rows = status["writes"].as_array().ok_or("writes")?;
    Ok(rows.iter().filter_map(|row| row["label"].as_str().map(str::to_owned)).collect())
}

/// Whoever sends the Safe's transaction chooses how much gas it has.
fn cheat_gas_that_is_short(scene: &Scene<'_>) -> Outcome {
    let plan = scene.read("tidegate.toml")?;
    let burn = "bytes32 h; for (uint256 i; i < 9000; i++) h = keccak256(abi.encode(h, i)); \
                require(h != 0);";
    let source = |made: &str, opened: &str| {
        format!(
            "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\ncontract Burn {{ address \
             public boss; uint256 internal pad; function peek() external view returns (uint256) {{ \
             return pad; }} constructor(address o) {{ boss = o; {made} }} function burn() external \
             pure {{ {burn} }} function open(address o) external {{ require(msg.sender == boss); \
             {opened} boss = o; }} }}\n"
        )
    };
    let steps = "\n[[step]]\ncreate = \"Burn\"\nargs = [\"@executor\"]\n\n[[step]]\ncall = \
                 [\"@burn\", \"open\", \"$owner\"]\n";
    let ran = |made: &str, opened: &str| -> Result<Vec<String>, Failed> {
        scene.write("contracts/src/Odd.sol", &source(made, opened))?;
        scene.write("tidegate.toml", &format!("{plan}{steps}"))?;
        let ran = scene.person("eva").run(&["plan", "mainnet"])?;
        Ok(if ran.code == 0 { Vec::new() } else { messages(&ran, "error") })
    };
    let low = format!("bool low = gasleft() < 1400000; {burn} if (low) boss = address(0x7777);");
    let asks = "burn asks for the gas that is left (gasleft)";
    let other = "does something else with";
    let call = "(bool ok,) = address(this).call(abi.encodeCall(this.burn, ())); if (!ok) { boss = \
                address(0x7777); return; }";
    // What reading a slot costs: an access list makes it cheaper.
    let measured = "uint256 g = gasleft(); uint256 x = pad; g = g - gasleft(); if (g < 1000) { \
                    boss = address(uint160(0x7777 + x)); return; }";
    let priced = "(bool ok,) = address(this).staticcall{gas: 2000}(abi.encodeCall(this.peek, \
                  ())); if (ok) { boss = address(0x7777); return; }";
    let cheats = [
        (low.as_str(), "", asks),
        ("", low.as_str(), asks),
        ("if (gasleft() & 1 == 1) boss = address(0x7777);", "", asks),
        ("", measured, asks),
        ("", priced, "burn depends on what reading costs"),
        ("", "try this.burn() {} catch { boss = address(0x7777); return; }", other),
        ("", call, other),
    ];
    for (made, opened, says) in cheats {
        let errors = ran(made, opened)?.join(" ");
        assert!(errors.contains(says), "{made}{opened}: {says}: {errors}");
    }
    for honest in
        ["this.burn();", "try this.burn() {} catch { revert(); }", "this.burn{gas: 9e6}();"]
    {
        assert_eq!(ran("", honest)?, Vec::<String>::new(), "{honest}");
    }
    Ok(())
}
