//! A chain whose rules are older than those of local execution: what is created there would be
//! something else, without anybody having lied.

use alloy_primitives::Address;
use serde_json::json;
use tidegate_testkit::{Anvil, AnvilOptions, GENESIS_TIMESTAMP};

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: cheat_a_chain_with_older_rules_than_local_execution;
    }
}

/// A signature over P-256 that is valid, from EIP-7951's own tests.
const SIGNED: &str = "bb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023\
                      2ba3a8be6b94d5ec80a6d9d1190a436effe50d85a1eee859b8cc6af9bd5c2e18\
                      4cd60b855d442f5b3c7b11eb6c4e0ae7525fe710fab9aa7c77a67f79e6fadd76\
                      2927b10512bae3eddcfe467828128bad2903269919f7086069c8c4df6c732838\
                      c7787964eaac00e5921fb1498a60f4606766b3d9685001558d1a974e7341513e";
/// 3 to the power of 5 modulo 7, for the precompile at 5.
const POWER: &str = "0000000000000000000000000000000000000000000000000000000000000001\
                     0000000000000000000000000000000000000000000000000000000000000001\
                     0000000000000000000000000000000000000000000000000000000000000001030507";

fn cheat_a_chain_with_older_rules_than_local_execution(scene: &Scene<'_>) -> Outcome {
    let [testnet, mainnet] = prague(scene)?;
    let mut there = scene.beside("project");
    for (variable, anvil) in [("TESTNET_RPC", &testnet), ("MAINNET_RPC", &mainnet)] {
        there.env.variables.insert(variable.to_owned(), anvil.url().to_owned());
    }
    let call = |to: &str, gas: &str, input: &str| {
        format!(
            "(bool ok, bytes memory r) = address({to}).staticcall{gas}(hex\"{input}\"); boss = ok \
             && r.length > 0 ? o : address(0x7777);"
        )
    };
    let precompile = |number| format!("the precompile {}", Address::with_last_byte(number));
    let p256 = "the precompile 0x0000000000000000000000000000000000000100".to_owned();
    let cases = [
        (call("0x100", "", SIGNED), Some(p256)),
        // A price that the call cannot pay.
        (call("5", "{gas: 300}", POWER), Some(precompile(5))),
        // An opcode in code that no compiler made: PUSH0, CLZ, POP, STOP.
        (
            "bytes memory c = hex\"5f1e5000\"; address a; assembly { a := create(0, add(c, 32), \
             mload(c)) } boss = a == address(0) ? address(0x7777) : o;"
                .to_owned(),
            Some("the opcode CLZ (0x1e)".to_owned()),
        ),
        // What both chains have, and with what it may take.
        (call("0x100", "", "00"), None),
        (call("5", "", POWER), None),
    ];
    let mut source = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n".to_owned();
    for (index, (body, _)) in cases.iter().enumerate() {
        source += &format!(
            "contract Odd{index} {{ address public boss; constructor(address o) {{ {body} }} }}\n"
        );
    }
    scene.write("contracts/src/Odd.sol", &source)?;
    for (index, (_, says)) in cases.into_iter().enumerate() {
        let step = format!("[[step]]\nname = \"odd\"\ncreate = \"Odd{index}\"\n");
        scene.plan_of("", &format!("{step}args = [\"$owner\"]\n"))?;
        for network in ["testnet", "mainnet"] {
            let ran = there.run("eva", &["plan", network], i32::from(says.is_some()))?;
            if let Some(says) = &says {
                let says = format!("{network} does not run {says}");
                assert!(said(&ran).contains(&says), "{says}: {ran:?}");
            }
        }
        if says.is_some() {
            // The newer chains run it.
            scene.run("eva", &["plan", "mainnet"], 0)?;
            let deployed = there.approve("eva", &["deploy"])?.expect_code(1)?;
            assert!(said(&deployed).contains("testnet does not run"), "{deployed:?}");
        }
    }
    Ok(())
}

/// Both chains once more, with the rules of Prague.
fn prague(scene: &Scene<'_>) -> Result<[Anvil; 2], libtest_mimic::Failed> {
    let start = |of: &Anvil, timestamp| -> Result<Anvil, libtest_mimic::Failed> {
        let extra = ["--hardfork", "prague"].map(str::to_owned).to_vec();
        let options = AnvilOptions { timestamp, extra, ..AnvilOptions::new(of.chain_id()) };
        let anvil = Anvil::start(scene.tools, options)?;
        anvil.rpc("anvil_loadState", json!([of.rpc("anvil_dumpState", json!([]))?]))?;
        anvil.mine(3)?;
        Ok(anvil)
    };
    let (testnet, mainnet) = (&scene.world.testnet, &scene.world.mainnet);
    Ok([start(testnet, GENESIS_TIMESTAMP)?, start(mainnet, GENESIS_TIMESTAMP + 1)?])
}
