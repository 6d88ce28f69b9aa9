//! Releases that share contracts and calls with earlier ones on a network that is in use.

use alloy_primitives::{Address, B256, U256};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::actor_address;

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            what_was_made_before_is_recorded_and_verifies,
            a_call_whose_effect_is_gone_is_said_and_made_again,
            calls_on_what_another_release_made_are_said_before,
            an_expect_holds_where_later_steps_have_run,
            a_sheet_counts_what_is_sent,
            other_code_at_an_address_is_one_refusal,
            an_address_book_keeps_what_a_release_leaves;
        Deployed: other_code_under_a_recorded_name_is_said;
    }
}

const DIAL: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Dial { uint256 public x; function set(uint256 to) external { x = to; } }
";
const EXPECTS_ZERO: &str = "expect = [[\"x\", 0]]";

const TALLY: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Tally {
    uint256 public count;
    bool public begun;
    function add(uint256 by) external payable { count += by; }
    function begin(uint256 at) external { require(!begun, \"begun\"); begun = true; count = at; }
}
";

/// The example project, whose next releases have more steps.
pub(crate) struct Releases<'a> {
    pub(crate) scene: &'a Scene<'a>,
    config: String,
}

impl<'a> Releases<'a> {
    pub(crate) fn of(scene: &'a Scene<'a>) -> Result<Self, Failed> {
        scene.write("contracts/src/Dial.sol", DIAL)?;
        scene.write("contracts/src/Tally.sol", TALLY)?;
        Ok(Self { scene, config: scene.read("tidegate.toml")? })
    }

    /// Writes a release with these steps behind those of the example.
    pub(crate) fn write(&self, version: &str, steps: &[String]) -> Outcome {
        let (head, funds) = self.config.split_once("[funds]").ok_or("the last step")?;
        let head = head.replace("\"1.4.0\"", &format!("{version:?}"));
        let text = format!("{head}{}\n[funds]{funds}", steps.concat());
        self.scene.write("tidegate.toml", &text)
    }

    /// Deploys such a release, and verifies it when it is final.
    pub(crate) fn deploy(
        &self,
        version: &str,
        steps: &[String],
        args: &[&str],
    ) -> Result<Value, Failed> {
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
pub(crate) fn dial(expect: &str) -> String {
    let set = "[[step]]\ncall = [\"@dial\", \"set\", 7]\n";
    format!("[[step]]\nname = \"dial\"\ncreate = \"Dial\"\n{expect}\n{set}")
}

pub(crate) fn registry(name: &str) -> String {
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
    Ok(())
}

/// A tally, and a call of it.
pub(crate) fn tally(call: &str) -> String {
    format!(
        "[[step]]\nname = \"tally\"\ncreate = \"Tally\"\n\n[[step]]\ncall = [\"@tally\", {call}]\n"
    )
}

/// What stands is another release's, and this one's call goes on from it: said by plan and sheet,
/// with the ways that then work.
fn calls_on_what_another_release_made_are_said_before(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let one = || vec![tally("\"add\", 1")];
    releases.deploy("1.5.0", &one(), &[])?;
    // Nothing is made again of what is the same.
    releases.write("1.6.0", &[one(), vec![registry("second")]].concat())?;
    for (command, code) in [("plan", 0), ("deploy", 2)] {
        let same = said(&scene.run("eva", &[command], code)?);
        assert!(!same.contains("goes on from contracts"), "{command}: {same}");
    }

    let two = || vec![tally("\"add\", 2"), registry("second")];
    releases.write("1.6.0", &two())?;
    let words = [
        "this plan goes on from contracts that vault-1.5.0 made",
        "tally.add leaves 3 in count of tally, not 2",
        "write `follows = \"1.5.0\"` under [project]; `--id 1` makes contracts of its own",
    ];
    for (command, code) in [("plan", 0), ("deploy", 2)] {
        let attends =
            scene.run("eva", &[command, "--json"], code)?.json()?["attentions"].to_string();
        let attends = attends.replace("\\\"", "\"");
        assert!(words.iter().all(|word| attends.contains(word)), "{command}: {attends}");
    }
    // Both ways lead to a deployment that verifies.
    let config = scene.read("tidegate.toml")?;
    let follows = config.replace("\"1.6.0\"", "\"1.6.0\"\nfollows = \"1.5.0\"");
    scene.write("tidegate.toml", &follows)?;
    let sheet = said(&scene.done("eva", &["deploy"])?);
    assert!(!sheet.contains("goes on from contracts"), "{sheet}");
    scene.world.settle()?;
    scene.run("eva", &["verify"], 0)?;
    releases.deploy("1.6.1", &[tally("\"add\", 2"), registry("third")], &["--id", "1"])?;
    // Calls alone are no release that follows.
    releases.write("1.6.2", &[tally("\"add\", 3"), registry("third")])?;
    let alone = said(&scene.run("eva", &["deploy", "--id", "1"], 2)?);
    assert!(alone.contains("only calls what stands") && alone.contains("--id 2"), "{alone}");
    assert!(!alone.contains("follows ="), "{alone}");

    // A call that fails on what stands is refused, however it would go from the beginning.
    releases.deploy("1.7.0", &[tally("\"begin\", 1")], &["--id", "2"])?;
    releases.write("1.8.0", &[tally("\"begin\", 2")])?;
    let nonce = || scene.nonce(&scene.world.testnet, actor_address("deployer"));
    let before = nonce()?;
    let refused = said(&scene.approve("eva", &["deploy", "--id", "2"])?.expect_code(1)?);
    assert!(refused.contains("fails on what stands already: tally.begin"), "{refused}");
    assert!(refused.contains("`--id 3` makes contracts of its own"), "{refused}");
    assert_eq!(nonce()?, before);
    Ok(())
}

/// The dial is 0 when it is made, and 7 once the next step ran: a later release finds it so.
fn an_expect_holds_where_later_steps_have_run(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    releases.deploy("1.5.0", &[dial(EXPECTS_ZERO)], &[])?;
    let deployed = releases.deploy("1.6.0", &[dial(EXPECTS_ZERO), registry("second")], &[])?;
    let at = deployed["steps"]["dial"]["address"].as_str().ok_or("the dial")?.parse()?;
    scene.world.testnet.set_storage(at, U256::ZERO, B256::from(U256::from(9)))?;
    releases.write("1.7.0", &[dial(EXPECTS_ZERO), registry("third")])?;
    let refused = said(&scene.approve("eva", &["deploy"])?.expect_code(1)?);
    assert!(refused.contains("dial.x") && refused.contains("changed it since"), "{refused}");
    Ok(())
}

/// Gas and ether of what is sent, the helper and the anchor among it, and of nothing else.
fn a_sheet_counts_what_is_sent(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let sheet = || -> Result<(Value, u64), Failed> {
        let sheet = scene.run("eva", &["deploy", "--json"], 2)?.json()?;
        let operations = sheet["operations"].as_array().ok_or("operations")?;
        let due = operations.iter().filter(|op| op["there"] == false);
        let gas = due.filter_map(|op| op["gas"].as_u64()).sum();
        let most = number(&sheet["feesAtMost"]).zip(number(&sheet["value"]));
        assert_eq!(most.map(|(fees, value)| fees + value), number(&sheet["costsAtMost"]));
        Ok((sheet, gas))
    };
    let one = || tally("\"add\", 1").replace("1]", "1]\nvalue = \"3 gwei\"");
    releases.write("1.5.0", &[one()])?;
    let (first, gas) = sheet()?;
    assert_eq!((&first["helperGas"], &first["anchorGas"]), (&json!(1_800_000), &json!(40_000)));
    assert_eq!((&first["gas"], &first["value"]), (&json!(gas), &json!("3000000000")));
    let shown = said(&scene.run("eva", &["deploy"], 2)?);
    assert!(shown.contains(": 1800000 gas.") && shown.contains("at most 40000 gas"), "{shown}");
    assert!(shown.contains("With what is sent along, it costs at most"), "{shown}");

    let there = |sheet: &Value| -> Vec<bool> {
        let operations = sheet["operations"].as_array().into_iter().flatten();
        operations.map(|op| op["there"] == true).collect()
    };
    let plan =
        || -> Result<Value, Failed> { Ok(scene.run("eva", &["plan", "--json"], 0)?.json()?) };
    releases.deploy("1.5.0", &[one()], &[])?;
    assert!(there(&plan()?).iter().all(|there| *there), "calls are there too");
    releases.write("1.6.0", &[one(), registry("second")])?;
    let (second, gas) = sheet()?;
    assert_eq!(there(&plan()?), there(&second), "plan is deploy");
    assert_eq!((&second["gas"], &second["value"]), (&json!(gas), &json!("0")));
    assert!(gas > 0 && number(&first["gas"]) > Some(2 * gas), "{second}");
    assert_eq!(second["helperGas"], Value::Null);
    let shown = said(&scene.run("eva", &["deploy"], 2)?);
    assert!(shown.contains("9 operations, 8 there already"), "{shown}");
    Ok(())
}

/// Somebody's code stands where a contract is to be created: plan and deploy refuse it alike.
fn other_code_at_an_address_is_one_refusal(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let plan = releases
        .write("1.5.0", &[dial("")])
        .and_then(|()| Ok(scene.run("eva", &["plan", "--json"], 0)?.json()?))?;
    let operations = plan["operations"].as_array().ok_or("operations")?;
    let dial = operations.iter().find(|op| op["id"] == "dial").ok_or("the dial")?;
    scene.world.testnet.rpc("anvil_setCode", json!([dial["address"], "0x6001"]))?;
    for command in ["plan", "deploy"] {
        let refused = said(&scene.approve("eva", &[command])?.expect_code(1)?);
        assert!(refused.contains("cannot create dial"), "{command}: {refused}");
        assert!(refused.contains("already holds other code"), "{command}: {refused}");
        assert!(refused.contains("--id 1"), "{command}: {refused}");
    }
    assert_eq!(scene.nonce(&scene.world.testnet, actor_address("deployer"))?, 0);
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
