//! Upgrades of live proxies that another tool deployed.

use std::process::Command;

use alloy_primitives::{Address, B256, U256, hex};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Anvil, actor, actor_address, solc_wrapper};

use crate::support::{Case, Outcome, Scene, cases, messages, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            live_proxies_are_upgraded_on_both_networks,
            storage_that_moves_is_refused_and_the_way_back_works,
            what_is_unsafe_behind_a_proxy_is_refused_and_its_source_allows_it,
            what_is_behind_a_proxy_decides_not_what_was_created,
            a_call_that_upgrades_by_any_other_name_is_refused,
            a_proxy_that_is_not_final_is_waited_for,
            an_initialiser_that_stays_open_is_said,
            mutant_what_an_upgrade_starts_from;
    }
}

const PACKAGES: [&str; 2] = ["@openzeppelin/contracts", "@openzeppelin/contracts-upgradeable"];
const IMPLEMENTATION: &str = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
const ADMIN: &str = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103";

fn live_proxies_are_upgraded_on_both_networks(scene: &Scene<'_>) -> Outcome {
    let (project, _) = prepare(scene)?;
    project.done("eva", &["deploy"])?;
    project.world.settle()?;
    project.run("eva", &["verify"], 0)?;

    project.done("ops", &["deploy", "--helper"])?;
    let status = project.promote()?;
    status.expect("layout", "PASS", &[])?;
    // Each slot that is written in what is there already, as it is on both networks.
    let writes = status.0["writes"].as_array().ok_or("writes")?;
    let of = |name: &str| writes.iter().filter(|row| row["contract"] == name).count();
    assert_eq!((of("@box"), of("@vault")), (1, 3), "{writes:?}");
    let cooldown = writes.iter().find(|row| row["label"] == "cooldown").ok_or("cooldown")?;
    assert_eq!(cooldown["target"], "0x0 → 0x3f480", "{cooldown}");
    assert_eq!(cooldown["soaked"], cooldown["target"], "{cooldown}");
    project.run("eva", &["verify", "mainnet"], 0)?;
    Ok(())
}

/// It was adopted as it stands, and the gate looks at what is final.
fn a_proxy_that_is_not_final_is_waited_for(scene: &Scene<'_>) -> Outcome {
    let (project, _) = prepare(scene)?;
    project.status()?.expect("layout", "UNKNOWN", &["not-final"])?;
    project.world.settle()?;
    project.status()?.expect("layout", "PASS", &[])?;
    Ok(())
}

/// The proxy's owner is a contract with a function of its own, or one that calls whatever it is
/// given: neither is named like an upgrade, and neither calls the proxy in the plan.
fn a_call_that_upgrades_by_any_other_name_is_refused(scene: &Scene<'_>) -> Outcome {
    let (project, Lives { test, main }) = prepare(scene)?;
    project.write("src/Door.sol", DOOR)?;
    let config = project.read("tidegate.toml")?;
    let steps = |call: &str| {
        let made = ["Door", "Other"].map(|contract| {
            let name = contract.to_lowercase();
            format!("\n[[step]]\nname = \"{name}\"\ncreate = \"{contract}\"\n")
        });
        let hand = "\"@vault\", \"transferOwnership(address)\", \"@door\"";
        let call = format!("\"@door\", {call}");
        let calls = [("hand", hand), ("roll", &call)]
            .map(|(name, call)| format!("[[step]]\nname = \"{name}\"\ncall = [{call}]\n"));
        format!("{config}{}{}", made.concat(), calls.concat())
    };
    let data = format!(
        "4f1ef286{}{}{}",
        hex::encode(Live::read(&project.world.testnet, test.vault, IMPLEMENTATION)?),
        hex::encode(B256::with_last_byte(0x40)),
        hex::encode(B256::ZERO)
    );
    let named = "\"roll\", \"@vault\", \"@other\"".to_owned();
    let exec = format!("\"exec\", \"@vault\", \"0x{data}\"");
    let both = [("plan testnet", test.vault), ("plan mainnet", main.vault)];
    for (call, places) in [(named, &both[..]), (exec, &both[..1])] {
        project.write("tidegate.toml", &steps(&call))?;
        for (command, at) in places {
            let ran = project.run("eva", &command.split(' ').collect::<Vec<_>>(), 1)?;
            let flat = said(&ran);
            let says = format!("in the implementation slot of @vault at {at}, and no step");
            assert!(flat.contains("roll puts") && flat.contains(&says), "{command}: {flat}");
        }
        let deploy = project.approve("eva", &["deploy"])?.expect_code(1)?;
        let errors = messages(&deploy, "error").join(" ");
        assert!(errors.contains("no step with `upgrade` says so"), "{errors}");
    }
    Ok(())
}

/// Other code, another admin or nothing behind a live proxy: no upgrade starts from that.
fn mutant_what_an_upgrade_starts_from(scene: &Scene<'_>) -> Outcome {
    let (project, Lives { test: live, .. }) = prepare(scene)?;
    let testnet = &project.world.testnet;
    let slot = |at: Address, slot: &str, value: B256| {
        testnet.set_storage(at, slot.parse().unwrap_or_default(), value)
    };
    let refused = |words: &str| -> Outcome {
        let deploy = project.approve("eva", &["deploy"])?.expect_code(1)?;
        let errors = messages(&deploy, "error").join(" ");
        assert!(errors.contains(words), "{words}: {errors}");
        Ok(())
    };
    let behind = Live::read(testnet, live.vault, IMPLEMENTATION)?;
    let boxed = Live::read(testnet, live.boxed, IMPLEMENTATION)?;
    slot(live.vault, IMPLEMENTATION, boxed)?;
    refused("behind @vault on testnet, is not src/v1/Vault.sol:Vault")?;
    slot(live.vault, IMPLEMENTATION, B256::ZERO)?;
    refused("nothing is behind @vault")?;
    slot(live.vault, IMPLEMENTATION, behind)?;
    slot(live.boxed, ADMIN, behind)?;
    refused("the admin of @box on testnet")?;
    slot(live.boxed, ADMIN, live.admin.into_word())?;
    let code = testnet.code(Address::from_word(behind))?;
    let mut other = code.to_vec();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    testnet.set_code(Address::from_word(behind), &other.into())?;
    refused("is not src/v1/Vault.sol:Vault")?;
    testnet.set_code(Address::from_word(behind), &code)?;

    // What is undone after the upgrade is noticed too.
    project.done("eva", &["deploy"])?;
    project.run("eva", &["verify"], 0)?;

    // A proxy of another build, with the right slots, is not the one that mainnet has.
    project.world.settle()?;
    let proxy = testnet.code(live.vault)?;
    let tail = proxy.len() - 53;
    let fake = [&proxy[..tail], &[0xfe], &proxy[tail..]].concat();
    testnet.set_code(live.vault, &fake.into())?;
    let says = "@vault was one contract where it soaked";
    project.world.settle()?;
    project.status()?.expect("parameters", "FAIL", (&["existing-differs"], &[says]))?;
    testnet.set_code(live.vault, &proxy)?;
    slot(live.vault, IMPLEMENTATION, behind)?;
    project.run("eva", &["verify"], 1)?;
    Ok(())
}

/// A constructor behind a proxy, and an admin contract that would belong to another one: refused
/// by `plan` and `deploy` before anything is signed. What a source allows is told to auditors.
fn what_is_unsafe_behind_a_proxy_is_refused_and_its_source_allows_it(scene: &Scene<'_>) -> Outcome {
    let project = scene.other("kinds", &PACKAGES)?;
    project.fund()?;
    let (testnet, deployer) = (&project.world.testnet, actor_address("deployer"));
    let sent = project.nonce(testnet, deployer)?;
    let refused = |words: &str| -> Outcome {
        for command in [["plan"], ["deploy"]] {
            let errors = messages(&project.approve("eva", &command)?.expect_code(1)?, "error");
            assert!(errors.join(" ").contains(words), "{words}: {errors:?}");
        }
        Ok(())
    };
    let build = || project.run("eva", &["build", "--json"], 0)?.json().map_err(Failed::from);
    let allowed = project.read("src/Kinds.sol")?;
    let note = "    /// @custom:oz-upgrades-unsafe-allow constructor\n";
    project.write("src/Kinds.sol", &allowed.replace(note, ""))?;
    let constructor = "the constructor of `Box` runs for the implementation, not for the proxy";
    let warned = build()?["refusedUpgrades"].to_string();
    assert!(warned.contains(constructor), "{warned}");
    refused(constructor)?;

    project.write("src/Kinds.sol", &allowed)?;
    let built = build()?;
    assert_eq!(built["refusedUpgrades"], json!([]), "{built}");
    let boxed = built["contracts"].as_array().ok_or("contracts")?.iter();
    let mut boxed = boxed.filter(|row| row["fqn"] == "src/Kinds.sol:Box");
    let exceptions = boxed.next().ok_or("no Box")?["exceptions"].to_string();
    assert!(exceptions.contains(constructor), "{exceptions}");

    let config = project.read("tidegate.toml")?;
    let keeper = "[[step]]\nname = \"keeper\"\ncreate = \"@openzeppelin/contracts/proxy/\
                  transparent/ProxyAdmin.sol:ProxyAdmin\"\nargs = [\"$owner\"]\n\n";
    let config = config.replacen("[[step]]", &format!("{keeper}[[step]]"), 1);
    let config = config.replacen("admin  = \"$owner\"", "admin  = \"@keeper\"", 1);
    project.write("tidegate.toml", &config)?;
    refused("`admin` is a ProxyAdmin")?;
    assert_eq!(project.nonce(testnet, deployer)?, sent);
    Ok(())
}

/// `init` names one initialiser, and another one stays open to whoever comes first: said, and
/// refused where it makes a stranger the owner.
fn an_initialiser_that_stays_open_is_said(scene: &Scene<'_>) -> Outcome {
    let project = scene.other("kinds", &PACKAGES)?;
    project.fund()?;
    let config = project.read("tidegate.toml")?;
    let step = "[[step]]\nname = \"late\"\ncreate = \"Late\"\nproxy = \"minimal\"\n\
                init = [\"initialize(address)\", \"$owner\"]\n";
    let planned = |source: &str, more: &str, code: i32| -> Result<String, Failed> {
        project.write("src/Late.sol", source)?;
        project.write("tidegate.toml", &format!("{config}\n{step}{more}"))?;
        Ok(said(&project.run("eva", &["plan"], code)?))
    };
    let open = "may call the initialiser initializeV2(uint256)";
    let told = planned(LATE, "", 0)?;
    let other = "the initialiser initialize(address)";
    assert!(told.contains(open) && !told.contains(other), "{told}");
    let called = "\n[[step]]\ncall = [\"@late\", \"initializeV2\", 7]\n";
    let told = planned(LATE, called, 0)?;
    assert!(!told.contains("may call the initialiser"), "{told}");
    let overload =
        "function initialize(address to, uint256 c) external { owner = to; cap = c; }\n}";
    let unguarded = LATE.trim_end().strip_suffix('}').ok_or("no end")?;
    let told = planned(&format!("{unguarded}{overload}\n"), called, 1)?;
    let taken = "initialize(address,uint256), and owns the proxy then";
    assert!(told.contains(taken), "{told}");
    Ok(())
}

const LATE: &str = r#"// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

contract Late is Initializable {
    address public owner;
    uint256 public cap;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor() {
        _disableInitializers();
    }

    function initialize(address to) external initializer {
        owner = to;
    }

    function initializeV2(uint256 c) external reinitializer(2) {
        cap = c;
    }
}
"#;

/// A proxy that one plan creates and upgrades, run again: an implementation that somebody created
/// counts as standing only where the proxy has it, and what no step put there is no start.
fn what_is_behind_a_proxy_decides_not_what_was_created(scene: &Scene<'_>) -> Outcome {
    let project = scene.other("kinds", &PACKAGES)?;
    project.fund()?;
    let testnet = &project.world.testnet;
    // Without a hash of the sources in the code, what they allow changes no address.
    let foundry = project.read("foundry.toml")?;
    project.write("foundry.toml", &format!("{foundry}bytecode_hash = \"none\"\n"))?;
    let (note, kinds) =
        ("    /// @custom:oz-upgrades-unsafe-allow constructor\n", project.read("src/Kinds.sol")?);
    let start = kinds.find("contract Box {").ok_or("no Box")?;
    let length = kinds[start..].find("\n}\n").ok_or("no end")? + 3;
    let newer = kinds[start..start + length].replace("contract Box", "contract Box2");
    let newer = newer.replace("0x3003c0de", "0x3003c0df");
    let allowed = format!("pragma solidity ^0.8.24;\n{newer}");
    let silent = allowed.replace(note, "");
    project.write("src/Box2.sol", &allowed)?;
    let config = project.read("tidegate.toml")?;
    let step = "[[step]]\nname = \"box-v2\"\nupgrade = \"@transparent\"\ncreate = \"Box2\"\n";
    project.write("tidegate.toml", &format!("{config}\n{step}"))?;
    project.done("eva", &["deploy"])?;
    project.world.settle()?;

    project.write("src/Box2.sol", &silent)?;
    let unsafe_box = "the constructor of `Box2` runs for the implementation";
    let planned = said(&project.run("eva", &["plan"], 0)?);
    assert!(planned.contains(unsafe_box), "{planned}");

    let book: Value = serde_json::from_str(&project.read("deployments/testnet/addresses.json")?)?;
    let of = |name: &str, key: &str| -> Result<Address, Failed> {
        let text = book["addresses"][name][key].as_str();
        Ok(text.ok_or_else(|| book.to_string())?.parse()?)
    };
    let (proxy, first) = (of("transparent", "address")?, of("first", "implementation")?);
    let refused = |words: &str| -> Outcome {
        let plan = project.approve("eva", &["plan"])?.expect_code(1)?;
        let errors = messages(&plan, "error").join(" ");
        assert!(errors.contains(words), "{words}: {errors}");
        Ok(())
    };
    let (earlier, deployer) =
        (Live::read(testnet, proxy, IMPLEMENTATION)?, actor_address("deployer"));
    testnet.set_storage(proxy, IMPLEMENTATION.parse()?, deployer.into_word())?;
    refused("no step of this plan puts it there")?;
    testnet.set_storage(proxy, IMPLEMENTATION.parse()?, first.into_word())?;
    refused(unsafe_box)?;
    testnet.set_storage(proxy, IMPLEMENTATION.parse()?, earlier)?;
    project.run("eva", &["plan"], 0)?;
    Ok(())
}

/// A variable in front of another one: refused by `plan` and `deploy` before anything is signed.
/// Where another tool put such code behind a proxy, the earlier code goes back there.
fn storage_that_moves_is_refused_and_the_way_back_works(scene: &Scene<'_>) -> Outcome {
    let (project, Lives { test: live, .. }) = prepare(scene)?;
    let testnet = &project.world.testnet;
    let good = project.read("src/Box.sol")?;
    let bad =
        good.replacen("uint256 public size;", "bool public frozen;\n    uint256 public size;", 1);
    project.write("src/Box.sol", &bad)?;
    let sent = project.nonce(testnet, actor_address("deployer"))?;
    let built = project.run("eva", &["build", "--json"], 0)?.json()?;
    let warned = built["refusedUpgrades"].to_string();
    assert!(warned.contains("`frozen` (bool) is new and overlaps `size`"), "{warned}");
    let refusal = |command: &[&str]| -> Result<String, Failed> {
        let refused = project.approve("eva", command)?.expect_code(1)?;
        Ok(messages(&refused, "error").join(" "))
    };
    let said = refusal(&["plan"])?;
    let place = format!("box-v2 at {}, slot 0: `frozen` (bool) is new", live.boxed);
    assert!(said.contains(&place), "{said}");
    assert_eq!(refusal(&["deploy"])?, said);
    assert!(refusal(&["plan", "mainnet"])?.contains("`frozen` (bool) is new"));
    assert_eq!(project.nonce(testnet, actor_address("deployer"))?, sent);

    // Somebody else does it by another program.
    project.write("src/bad/Box.sol", &bad.replace("BoxV2", "BoxBad"))?;
    project.write("script/Bad.s.sol", BAD)?;
    let made = Live::script(&project, testnet, ("Bad.s.sol:Bad", 0), live.admin)?;
    testnet.set_storage(live.boxed, IMPLEMENTATION.parse()?, made.into_word())?;
    let said = refusal(&["plan"])?;
    assert!(said.contains("behind @box on testnet, is not src/v1/Box.sol:Box"), "{said}");

    // The way back of docs/upgrades.md.
    let size = |expected: u64| -> Outcome {
        let call = json!([{"to": live.boxed, "data": "0x949d225d"}, "latest"]);
        let found: U256 = serde_json::from_value(testnet.rpc("eth_call", call)?)?;
        assert_eq!(found, U256::from(expected));
        Ok(())
    };
    size(0)?;
    let back = |from: &str, to: &str, version: &str| -> Outcome {
        let config = project.read("tidegate.toml")?;
        let start = config.find("[existing.box]\ncontract = \"").ok_or("no box")? + 27;
        let end = start + config[start..].find('"').ok_or("no end")?;
        let mut config = format!("{}{from}{}", &config[..start], &config[end..]);
        let start = config.find("create  = \"").ok_or("no vault")? + 1;
        let start = start + config[start..].find("create  = \"").ok_or("no step")? + 11;
        let end = start + config[start..].find('"').ok_or("no end")?;
        config.replace_range(start..end, to);
        let start = config.find("version = \"").ok_or("no version")? + 11;
        config.replace_range(start..start + 5, version);
        project.write("tidegate.toml", &config)
    };
    back("src/bad/Box.sol:BoxBad", "src/v1/Box.sol:Box", "2.0.1")?;
    forged(&project, || refusal(&["plan"]))?;
    let planned = project.run("eva", &["plan", "--json"], 0)?.json()?;
    let attentions = planned["attentions"].to_string();
    assert!(attentions.contains("box-v2 returns @box to the code of the baseline"), "{attentions}");
    assert!(attentions.contains("`frozen` (bool) is gone"), "{attentions}");
    project.done("eva", &["deploy"])?;
    project.run("eva", &["verify"], 0)?;
    size(1)?;
    Ok(())
}

/// Whoever can write git names an address with the same code that was never behind the proxy.
fn forged(project: &Scene<'_>, refusal: impl Fn() -> Result<String, Failed>) -> Outcome {
    let adopted = "deployments/testnet/existing/box.json";
    let kept = project.read(adopted)?;
    let mut forged: Value = serde_json::from_str(&kept)?;
    let testnet = &project.world.testnet;
    let code = testnet.rpc("eth_getCode", json!([forged["implementation"], "latest"]))?;
    forged["implementation"] = json!(Address::repeat_byte(0x77));
    testnet.rpc("anvil_setCode", json!([forged["implementation"], code]))?;
    project.write(adopted, &forged.to_string())?;
    assert!(refusal()?.contains("`frozen` (bool) is gone"));
    project.write(adopted, &kept)
}

const DOOR: &str = "\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
interface IUp { function upgradeToAndCall(address to, bytes calldata data) external payable; }
contract Door {
    function roll(address proxy, address to) external { IUp(proxy).upgradeToAndCall(to, \"\"); }
    function exec(address to, bytes calldata data) external {
        (bool ok,) = to.call(data);
        require(ok);
    }
}
contract Other {
    bool public frozen;
    bytes32 public constant proxiableUUID =
        0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
}
";

const BAD: &str = "\
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import {BoxBad} from \"../src/bad/Box.sol\";
interface Vm { function startBroadcast() external; }
contract Bad {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256(\"hevm cheat code\")))));
    function run() external { VM.startBroadcast(); new BoxBad(); }
}
";

/// Where forge put the first versions.
pub(crate) struct Lives {
    pub(crate) test: Live,
    pub(crate) main: Live,
}

/// Where they are on one chain.
pub(crate) struct Live {
    pub(crate) vault: Address,
    pub(crate) boxed: Address,
    pub(crate) admin: Address,
}

impl Live {
    /// Runs the project's forge script, with this account as the owner of everything.
    fn deploy(project: &Scene<'_>, anvil: &Anvil, owner: Address) -> Result<Self, Failed> {
        let boxed = Self::script(project, anvil, ("Live.s.sol:Live", 3), owner)?;
        let admin = Address::from_word(Self::read(anvil, boxed, ADMIN)?);
        Ok(Self { vault: Self::made(project, anvil, "Live.s.sol", 1)?, boxed, admin })
    }

    /// Runs one of its scripts; the address that the transaction of this number creates.
    fn script(
        project: &Scene<'_>,
        anvil: &Anvil,
        (script, index): (&str, usize),
        owner: Address,
    ) -> Result<Address, Failed> {
        let sender = actor("installer");
        anvil.set_balance(sender.address(), U256::from(10).pow(U256::from(19)))?;
        let path = format!("script/{script}");
        let done = Command::new(&project.tools.forge)
            .args(["script", &path, "--broadcast", "--offline", "--slow"])
            .args(["--use", &solc_wrapper(project.tools)?.to_string_lossy()])
            .args(["--rpc-url", anvil.url()])
            .args(["--private-key", &hex::encode_prefixed(sender.to_bytes())])
            .current_dir(project.project())
            .env("OWNER", owner.to_string())
            .output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
        }
        let file = script.split(':').next().unwrap_or_default();
        Self::made(project, anvil, file, index)
    }

    /// What a script that ran has created by the transaction of this number.
    fn made(
        project: &Scene<'_>,
        anvil: &Anvil,
        script: &str,
        index: usize,
    ) -> Result<Address, Failed> {
        let file = format!("broadcast/{script}/{}/run-latest.json", anvil.chain_id());
        let broadcast: Value = serde_json::from_str(&project.read(&file)?)?;
        Ok(serde_json::from_value(broadcast["transactions"][index]["contractAddress"].clone())?)
    }

    fn read(anvil: &Anvil, at: Address, slot: &str) -> Result<B256, Failed> {
        Ok(serde_json::from_value(anvil.rpc("eth_getStorageAt", json!([at, slot, "latest"]))?)?)
    }
}

/// The project with its first versions live on both chains, adopted as the baseline.
pub(crate) fn prepare<'a>(scene: &Scene<'a>) -> Result<(Scene<'a>, Lives), Failed> {
    let project = scene.other("upgrade", &PACKAGES)?;
    project.fund()?;
    let world = project.world;
    let live = Live::deploy(&project, &world.testnet, actor_address("deployer"))?;
    let main = Live::deploy(&project, &world.mainnet, world.safe)?;
    let existing =
        |name: &str, contract: &str, kind: &str, places: [(Address, Option<Address>); 2]| {
            let place = |(address, admin): (Address, Option<Address>)| {
                let admin =
                    admin.map_or_else(String::new, |admin| format!(", admin = \"{admin}\""));
                format!("{{ address = \"{address}\"{admin} }}")
            };
            let [testnet, mainnet] = places.map(place);
            format!(
                "\n[existing.{name}]\ncontract = \"{contract}\"\nproxy = \"{kind}\"\n\
             testnet = {testnet}\nmainnet = {mainnet}\n"
            )
        };
    let vault = existing(
        "vault",
        "src/v1/Vault.sol:Vault",
        "uups",
        [(live.vault, None), (main.vault, None)],
    );
    let boxed = existing(
        "box",
        "src/v1/Box.sol:Box",
        "transparent",
        [(live.boxed, Some(live.admin)), (main.boxed, Some(main.admin))],
    );
    let config = project.read("tidegate.toml")?;
    project.write("tidegate.toml", &format!("{config}{vault}{boxed}"))?;
    project.done("eva", &["adopt"])?;
    Ok((project, Lives { test: live, main }))
}
