//! Releases that share contracts and calls with earlier ones on a network that is in use.

use alloy_primitives::{Address, B256, U256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Anvil, AnvilOptions, actor_address};

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            what_was_made_before_is_recorded_and_verifies,
            a_call_whose_effect_is_gone_is_said_and_made_again,
            an_address_book_keeps_what_a_release_leaves,
            a_chain_that_was_begun_anew_is_said_and_deployed_to_anew;
        Deployed: other_code_under_a_recorded_name_is_said;
    }
}

const DIAL: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Dial { uint256 public x; function set(uint256 to) external { x = to; } }
";
const EXPECTS_ZERO: &str = "expect = [[\"x\", 0]]";

/// The example project, whose next releases have more steps.
struct Releases<'a> {
    scene: &'a Scene<'a>,
    config: String,
}

impl<'a> Releases<'a> {
    fn of(scene: &'a Scene<'a>) -> Result<Self, Failed> {
        scene.write("contracts/src/Dial.sol", DIAL)?;
        Ok(Self { scene, config: scene.read("tidegate.toml")? })
    }

    /// Writes a release with these steps behind those of the example.
    fn write(&self, version: &str, steps: &[String]) -> Outcome {
        let (head, funds) = self.config.split_once("[funds]").ok_or("the last step")?;
        let head = head.replace("\"1.4.0\"", &format!("{version:?}"));
        let text = format!("{head}{}\n[funds]{funds}", steps.concat());
        self.scene.write("tidegate.toml", &text)
    }

    /// Deploys such a release, and verifies it when it is final.
    fn deploy(&self, version: &str, steps: &[String], args: &[&str]) -> Result<Value, Failed> {
        self.write(version, steps)?;
        let ran = self.scene.done("eva", &[&["deploy", "--json"], args].concat())?;
        self.scene.world.settle()?;
        self.scene.run("eva", &["verify"], 0)?;
        Ok(ran.json()?)
    }

    fn book(&self) -> Result<Value, Failed> {
        Ok(serde_json::from_str(&self.scene.read("deployments/testnet/addresses.json")?)?)
    }
}

/// A dial that is set to 7.
fn dial(expect: &str) -> String {
    let set = "[[step]]\ncall = [\"@dial\", \"set\", 7]\n";
    format!("[[step]]\nname = \"dial\"\ncreate = \"Dial\"\n{expect}\n{set}")
}

fn registry(name: &str) -> String {
    let owner = "0x00000000000000000000000000000000000000ee";
    format!("[[step]]\nname = {name:?}\ncreate = \"Registry\"\nargs = [{owner:?}]\n")
}

/// Nothing of what stands is sent again, and the record has the calls that made it so.
fn what_was_made_before_is_recorded_and_verifies(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let ops = |deployed: &Value| -> Result<Vec<String>, Failed> {
        let record = scene.read(deployed["record"].as_str().ok_or("a record")?)?;
        let record: Value = serde_json::from_str(&record)?;
        let sent = record["transactions"].as_array().ok_or("transactions")?;
        Ok(sent.iter().map(|tx| tx["op"].as_str().unwrap_or_default().to_owned()).collect())
    };
    releases.deploy("1.4.0", &[], &[])?;
    let deployed = releases.deploy("1.5.0", &[dial("")], &[])?;
    assert_eq!(ops(&deployed)?, ["registry.register", "dial", "dial.set", "anchor"]);
    // A machine that knows nothing of all that finds it in records and on the chain.
    scene.forget("eva")?;
    let deployed = releases.deploy("1.6.0", &[dial(""), registry("second")], &[])?;
    assert_eq!(ops(&deployed)?, ["registry.register", "dial.set", "second", "anchor"]);
    Ok(())
}

/// Somebody turns the dial: that is said before anything is sent.
fn a_call_whose_effect_is_gone_is_said_and_made_again(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let deployed = releases.deploy("1.5.0", &[dial("")], &[])?;
    let at = deployed["steps"]["dial"]["address"].as_str().ok_or("the dial")?;
    let at: Address = at.parse()?;
    let word = |number: u64| B256::from(U256::from(number));
    let dial_is = || -> Result<B256, Failed> {
        let held = scene.world.testnet.rpc("eth_getStorageAt", json!([at, "0x0", "latest"]))?;
        Ok(serde_json::from_value(held)?)
    };
    scene.world.testnet.set_storage(at, U256::ZERO, word(9))?;
    let second = [dial(""), registry("second")];
    releases.write("1.6.0", &second)?;
    let sheet = said(&scene.run("eva", &["deploy"], 2)?);
    let words = "dial.set was made already, but x of dial is 9 now, not 7";
    assert!(sheet.contains(words), "{sheet}");
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    let turned = said(&scene.run("eva", &["verify"], 1)?);
    assert!(turned.contains("it stood before this deployment"), "{turned}");
    assert_eq!(dial_is()?, word(9));

    let who = actor_address("deployer");
    let nonce = || scene.world.testnet.rpc("eth_getTransactionCount", json!([who, "latest"]));
    let before = nonce()?;
    releases.write("1.7.0", &[dial(EXPECTS_ZERO), registry("third")])?;
    let refused = said(&scene.approve("eva", &["deploy"])?.expect_code(1)?);
    assert!(refused.contains("dial.x") && refused.contains("--again"), "{refused}");
    assert_eq!(nonce()?, before);

    let third = [dial(""), registry("third")];
    releases.write("1.7.0", &third)?;
    let wrong = said(&scene.run("eva", &["deploy", "--again", "dial"], 2)?);
    assert!(wrong.contains("registry.register, dial.set"), "{wrong}");
    releases.deploy("1.7.0", &third, &["--again", "dial.set"])?;
    assert_eq!(dial_is()?, word(7));
    let twice = said(&scene.run("eva", &["deploy", "--again", "dial.set"], 6)?);
    assert!(twice.contains("this deployment has made dial.set already"), "{twice}");
    Ok(())
}

fn an_address_book_keeps_what_a_release_leaves(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    releases.deploy("1.5.0", &[dial("")], &[])?;
    releases.deploy("1.6.0", &[registry("second")], &[])?;
    let book = releases.book()?;
    let addresses = book["addresses"].as_object().ok_or("addresses")?;
    assert_eq!(addresses.keys().collect::<Vec<_>>(), ["dial", "registry", "second", "vault"]);
    assert_eq!(book["release"], "vault-1.6.0");
    // An older release that is deployed already is no newer for it.
    releases.deploy("1.5.0", &[dial("")], &[])?;
    assert_eq!(releases.book()?, book);
    Ok(())
}

/// A local chain that was started again, with the same genesis.
fn a_chain_that_was_begun_anew_is_said_and_deployed_to_anew(scene: &Scene<'_>) -> Outcome {
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    scene.done("eva", &["deploy"])?;
    let chain = Anvil::start(scene.tools, AnvilOptions::new(scene.world.testnet.chain_id()))?;
    chain.set_balance(actor_address("deployer"), U256::from(10).pow(U256::from(18)))?;
    chain.mine(3)?;
    let eva = scene.person("eva").with_variable("TESTNET_RPC", chain.url());
    let gone = said(&eva.run(&["verify"])?.expect_code(1)?);
    assert!(gone.contains("`tidegate deploy testnet` deploys it anew"), "{gone}");
    let sheet = said(&eva.run(&["deploy"])?.expect_code(2)?);
    assert!(sheet.contains("the chain lacks transactions of"), "{sheet}");
    eva.approve(&["deploy"])?.expect_code(0)?;
    chain.mine(3)?;
    eva.run(&["verify"])?.expect_code(0)?;
    Ok(())
}

/// Whoever has not pulled, or whose packages differ, would deploy a second release of one name.
fn other_code_under_a_recorded_name_is_said(scene: &Scene<'_>) -> Outcome {
    scene.edit("contracts/src/Registry.sol", "vaultCount++", "vaultCount += 1 + 0 * 7")?;
    let words = ["vault-1.4.0 is recorded on testnet as release", "which differs in contracts/src"];
    for (args, code) in [(&["verify"][..], 30), (&["status"], 0), (&["deploy"], 2)] {
        let ran = said(&scene.run("eva", args, code)?);
        assert!(words.iter().all(|word| ran.contains(word)), "{args:?}: {ran}");
        assert!(!ran.contains("Next engineer: `tidegate deploy"), "{ran}");
    }
    Ok(())
}
