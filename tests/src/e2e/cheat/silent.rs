//! Code that may change what is behind a proxy without saying so.

use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{DAY_SECS, Reply, ScriptedNode, actor};

use super::soak::{IMPLEMENTATION_SLOT, credited, resets};
use crate::support::{Case, Chains, Outcome, Scene, Status, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            cheat_slot_that_code_can_write_in_silence,
            cheat_length_that_another_code_stores,
            cheat_proxy_that_asks_somebody_else;
    }
}

sol! {
    function poke(bytes32 slot, bytes32 value);
}

fn cheat_slot_that_code_can_write_in_silence(scene: &Scene<'_>) -> Outcome {
    let from = "    /// @notice Stops deposits.";
    let function = "    /// @notice For migrations.\n\
                    function poke(bytes32 slot, bytes32 value) external {\n\
                    assembly {\nsstore(slot, value)\n}\n}\n\n";
    scene.edit("contracts/src/Vault.sol", from, &format!("{function}{from}"))?;
    scene.done("eva", &["deploy"])?;
    let (testnet, vault) = (&scene.world.testnet, scene.contract("vault")?);
    let slot = json!([vault, IMPLEMENTATION_SLOT, "latest"]);
    let right: B256 = serde_json::from_value(testnet.rpc("eth_getStorageAt", slot)?)?;
    let registry = scene.contract("registry")?.into_word();
    scene.advance_to_day(2)?;
    let data = pokeCall { slot: IMPLEMENTATION_SLOT, value: registry }.abi_encode();
    testnet.send(&actor("t1"), Some(vault), data, U256::ZERO)?;
    scene.advance_to_day(3)?;
    // While another implementation is behind it, only the chain's owner can put it back.
    testnet.set_storage(vault, IMPLEMENTATION_SLOT.into(), right)?;
    scene.advance_to_day(4)?;
    // Where state is kept, it is looked at in blocks that nobody could foresee.
    let status = scene.status()?;
    let held = format!("the implementation slot of {vault} held {registry} in block");
    let reasons = resets(&status);
    assert!(reasons.last().is_some_and(|reason| reason.starts_with(&held)), "{reasons:?}");
    assert!(credited(&status) < 2 * DAY_SECS, "{}", status.0["soak"]);

    // Where it is not, nobody has looked.
    let says = "the implementation of vault writes to a slot that may be it";
    silent_without_old_state(scene, &["the implementation slot of", says])
}

/// Where state is not kept, a slot that may be written in silence is not known to have stayed.
fn silent_without_old_state(scene: &Scene<'_>, says: &[&str]) -> Outcome {
    without_old_state(scene)?.expect("soak", "UNKNOWN", (&["silent-slot"], says))
}

/// What is seen over an endpoint that keeps no old state.
fn without_old_state(scene: &Scene<'_>) -> Result<Status, Failed> {
    let testnet = &scene.world.testnet;
    let latest = testnet.latest()?.block.number;
    let upstream = testnet.url();
    let pruned = ScriptedNode::start(Some(upstream), move |method, params| {
        // Reads at a height; those at a hash are of the head.
        let at = params.get(2).and_then(Value::as_str);
        let at = at.and_then(|at| u64::from_str_radix(at.trim_start_matches("0x"), 16).ok());
        match method == "eth_getStorageAt" && at.is_some_and(|at| at + 12 < latest) {
            true => {
                let message = "missing trie node".to_owned();
                Reply::Error { code: -32_000, message, data: None }
            }
            false => Reply::Forward,
        }
    })?;
    let person = scene.person("eva").with_variable("TESTNET_RPC", &pruned.url());
    Status::of(&person.run(&["status", "--json"])?.expect_code(0)?)
}

/// Elements below a length, and a length that some other code in the same storage stores: the
/// proxy's own, while it is created or whenever somebody asks for it.
fn cheat_length_that_another_code_stores(scene: &Scene<'_>) -> Outcome {
    let from = "    /// @notice Stops deposits.";
    let function = "    uint256[] private _values;\n\n    /// @notice Sets a value.\n    \
                    function setValue(uint256 index, uint256 value) external {\n        \
                    _values[index] = value;\n    }\n\n";
    scene.edit("contracts/src/Vault.sol", from, &format!("{function}{from}"))?;
    let door = |constructor: &str, function: &str| {
        format!(
            "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\nimport {{ERC1967Proxy}} \
             from \"@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol\";\ncontract Door is \
             ERC1967Proxy {{\n    constructor(address to, bytes memory data) payable \
             ERC1967Proxy(to, data) {{ {constructor} }}\n    {function}\n    receive() external \
             payable {{}}\n}}\n"
        )
    };
    let store = |value: &str| format!("assembly {{ sstore(0, {value}) }}");
    let named = "proxy  = \"uups\"\nproxy_contract = \"contracts/src/Door.sol:Door\"";
    scene.edit("tidegate.toml", "proxy  = \"uups\"", named)?;
    let mut chains = Chains::save(scene.world)?;
    let slot = "the implementation slot of";
    let extend = format!("function extend(uint256 to) external {{ {} }}", store("to"));
    let shorten =
        format!("function shorten() external {{ if (gasleft() > 0) {{ {} }} }}", store("not(0)"));
    let free = "the implementation of vault writes to a slot that may be it";
    let large = "counts elements and holds 115792089237316195423570985008687907853269984665640";
    for (constructor, function, says) in [
        ("", extend.as_str(), free),
        ("", shorten.as_str(), free),
        (store("not(0)").as_str(), "", large),
    ] {
        scene.write("contracts/src/Door.sol", &door(constructor, function))?;
        scene.done("eva", &["deploy"])?;
        scene.advance_to_day(2)?;
        silent_without_old_state(scene, &[slot, says])?;
        chains.restore(scene.world)?;
        std::fs::remove_dir_all(scene.project().join("deployments/testnet"))?;
        scene.forget("eva")?;
    }
    Ok(())
}

/// A proxy behind a beacon that for one sender runs what somebody else names.
fn cheat_proxy_that_asks_somebody_else(scene: &Scene<'_>) -> Outcome {
    let door = |target: &str| {
        format!(
            "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\nimport {{BeaconProxy}} \
             from \"@openzeppelin/contracts/proxy/beacon/BeaconProxy.sol\";\nimport {{IBeacon}} from \
             \"@openzeppelin/contracts/proxy/beacon/IBeacon.sol\";\ncontract Door is BeaconProxy {{\n\
             address private other;\nconstructor(address to, bytes memory data) payable \
             BeaconProxy(to, data) {{}}\nfunction _implementation() internal view override returns \
             (address) {{\nif (msg.sender != address(0xdead)) return super._implementation();\n\
             return {target};\n}}\nreceive() external payable {{}}\n}}\n"
        )
    };
    let named = "proxy  = \"beacon\"\nadmin  = \"$owner\"\n\
                 proxy_contract = \"contracts/src/Door.sol:Door\"";
    scene.edit("tidegate.toml", "proxy  = \"uups\"", named)?;
    let mut chains = Chains::save(scene.world)?;
    for target in [
        "IBeacon(address(0xbeef)).implementation()",
        "IBeacon(other).implementation()",
        "address(uint160(uint256(blockhash(block.number - 1))))",
    ] {
        scene.write("contracts/src/Door.sol", &door(target))?;
        scene.done("eva", &["deploy"])?;
        scene.advance_to_day(2)?;
        let says = "its own code runs unknown code";
        silent_without_old_state(scene, &["the beacon slot of", says])?;
        chains.restore(scene.world)?;
        std::fs::remove_dir_all(scene.project().join("deployments/testnet"))?;
        scene.forget("eva")?;
    }
    // The beacon that is watched is known.
    scene.write("contracts/src/Door.sol", &door("super._implementation()"))?;
    scene.done("eva", &["deploy"])?;
    scene.advance_to_day(2)?;
    let status = without_old_state(scene)?;
    status.expect_without("soak", "silent-slot")?;
    Ok(())
}
