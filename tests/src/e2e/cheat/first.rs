//! Strangers who make the plan's own calls first, so that its batch can never run, or not any more.

use alloy_primitives::{Address, B256, Bytes, U256};
use libtest_mimic::Failed;
use tidegate_testkit::{actor, actor_address};

use crate::stranger::create_all;
use crate::support::{Case, Chains, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: cheat_a_call_that_a_stranger_makes_first;
        Open: cheat_a_batch_that_would_fail_and_is_called_ready;
    }
}

const SOURCE: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

contract Init {
    address public owner;
    function initialize(address to) external {
        require(owner == address(0), \"taken\");
        owner = to;
    }
}

contract Made is Init {
    constructor(address to) { owner = to; }
}

contract Own {
    address public boss;
    bool public open;
    constructor(address to) { boss = to; }
    function start() external { require(msg.sender == boss && !open); open = true; }
}

contract Claim is Init {
    function claim(address to) external {
        require(msg.sender == to && owner == address(0));
        owner = to;
    }
}

contract Club {
    uint256 public count;
    function join() external { count++; }
}

contract Door {
    bool public open;
    function push() external { open = true; }
}

contract Room {
    bool public used;
    function enter(Door door) external { require(door.open() && !used); used = true; }
}

contract Late {
    bool public found;
    constructor(address other) { found = other.code.length > 0; }
}
";

/// A plan with these steps more is refused or not, on both networks.
fn planned(scene: &Scene<'_>, plan: &str, steps: &[&str], says: Option<&str>) -> Outcome {
    let steps: String = steps.iter().map(|step| format!("\n[[step]]\n{step}\n")).collect();
    scene.write("tidegate.toml", &format!("{plan}{steps}"))?;
    for network in ["testnet", "mainnet"] {
        let ran = scene.run("eva", &["plan", network], i32::from(says.is_some()))?;
        assert!(said(&ran).contains(says.unwrap_or_default()), "{says:?}: {}", said(&ran));
    }
    Ok(())
}

/// Whoever comes first takes it, and no batch of this plan can be executed any more.
fn cheat_a_call_that_a_stranger_makes_first(scene: &Scene<'_>) -> Outcome {
    scene.write("contracts/src/First.sol", SOURCE)?;
    let plan = scene.read("tidegate.toml")?;
    let init = "name = \"init\"\ncreate = \"Init\"\nguarded = false";
    let initialize = "name = \"take\"\ncall = [\"@init\", \"initialize\", \"$owner\"]";
    let taken = "anybody can make the call take first, and then the plan fails for good (take \
                 fails: reverted: \"taken\"): let only the owner call it, put it into the \
                 constructor or a proxy's `init`, or leave out the contract's `guarded = false`";
    planned(scene, &plan, &[init, initialize], Some(taken))?;
    let deployed = scene.run("eva", &["deploy"], 1)?;
    assert!(said(&deployed).contains(taken), "{deployed:?}");

    // Only for whoever names themselves.
    let claim = [
        "create = \"Claim\"\nguarded = false",
        "name = \"take\"\ncall = [\"@claim\", \"claim\", \"$owner\"]",
    ];
    let fails = "anybody can make the call take first, and then the plan fails for good (take";
    planned(scene, &plan, &claim, Some(fails))?;
    // What shows it makes the batch fail as well.
    let join = "name = \"take\"\ncall = [\"@club\", \"join\"]\nexpect = [[\"count\", 1]]";
    planned(scene, &plan, &["create = \"Club\"\nguarded = false", join], Some(fails))?;
    // After another call, which leaves nothing else than the plan does.
    let room = [
        "create = \"Door\"\nguarded = false",
        "create = \"Room\"\nguarded = false",
        "name = \"push\"\ncall = [\"@door\", \"push\"]",
        "name = \"take\"\ncall = [\"@room\", \"enter\", \"@door\"]",
    ];
    planned(scene, &plan, &room, Some(fails))?;
    let late = ["create = \"Door\"", "create = \"Late\"\nargs = [\"@door\"]"];
    let open = late.map(|step| format!("{step}\nguarded = false"));
    let first = "anybody can create late first, and then late holds something else: leave out";
    planned(scene, &plan, &[&open[0], &open[1]], Some(first))?;

    // What the refusals say works.
    planned(scene, &plan, &["create = \"Made\"\nargs = [\"$owner\"]"], None)?;
    let proxy = "create = \"Init\"\nproxy = \"minimal\"\ninit = [\"initialize\", \"$owner\"]";
    planned(scene, &plan, &[proxy], None)?;
    planned(scene, &plan, &["name = \"init\"\ncreate = \"Init\"", initialize], None)?;
    let own = ["create = \"Own\"\nargs = [\"$owner\"]", "call = [\"@own\", \"start\"]"];
    planned(scene, &plan, &own, None)?;
    planned(scene, &plan, &[&open[0], late[1]], None)?;
    planned(scene, &plan, &late, None)
}

/// Every gate passes, and what the Safe would execute fails on what stands there now.
fn cheat_a_batch_that_would_fail_and_is_called_ready(scene: &Scene<'_>) -> Outcome {
    let mainnet = &scene.world.mainnet;
    let promote = scene.done("eva", &["promote", "--json"])?;
    let proposal = json_text(&promote, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    held(scene, None)?;
    mainnet.set_balance(actor_address("mallory"), U256::from(10).pow(U256::from(19)))?;
    let mut chains = Chains::save(scene.world)?;
    let registry = first(&create_all(scene, &proposal, &actor("mallory"))?)?;
    held(scene, None)?;
    mainnet.set_storage(registry, U256::ZERO, actor_address("mallory").into_word())?;
    held(scene, Some(": registry.register: register(address))"))?;
    mainnet.set_storage(registry, U256::ZERO, scene.world.safe.into_word())?;
    mainnet.set_storage(registry, U256::from(2), B256::with_last_byte(4))?;
    held(scene, Some("after the batch slot 0x2 of"))?;

    chains.restore(scene.world)?;
    let mut chains = Chains::save(scene.world)?;
    mainnet.set_code(registry, &Bytes::from_static(&[0]))?;
    held(scene, Some(": create registry (Registry) at"))?;
    chains.restore(scene.world)?;
    held(scene, None)
}

fn first(created: &[Address]) -> Result<Address, Failed> {
    Ok(*created.first().ok_or("a registry")?)
}

/// What `status` says in every form, and that `promote` says the same.
fn held(scene: &Scene<'_>, by: Option<&str>) -> Outcome {
    scene.world.mainnet.mine(1)?;
    let status = scene.status()?;
    status.expect_others_pass(&[])?;
    let ready = "every gate passes; it can be promoted";
    let Some(by) = by else {
        assert_eq!(status.verdict("overall"), "PASS", "{:?}", status.0["overall"]);
        let shown = said(&scene.run("eva", &["status", "--check"], 0)?);
        assert!(shown.contains(ready), "{shown}");
        return Ok(());
    };
    assert_eq!(status.verdict("overall"), "FAIL");
    let overall = status.0["overall"].to_string();
    assert!(overall.contains(by), "{by}: {overall}");
    let explained: [&[&str]; 4] =
        [&[], &["--check"], &["--explain"], &["--watch", "--rounds", "1"]];
    for args in explained {
        let code = i32::from(args.contains(&"--check"));
        let shown = said(&scene.run("eva", &[&["status"], args].concat(), code)?);
        assert!(shown.contains(by) && !shown.contains(ready), "{args:?} {by}: {shown}");
        assert!(!shown.contains("Earliest promotion: now"), "{shown}");
        assert!(!shown.contains("`tidegate promote` proposes"), "{shown}");
    }
    let refused = said(&scene.run("eva", &["promote"], 1)?);
    assert!(refused.contains(by), "{by}: {refused}");
    // All that would be proposed is shown before its batch is tried.
    for shown in ["damaged inputs, all refused", "calls in one Safe transaction", "valid until"] {
        assert!(refused.contains(shown), "{shown}: {refused}");
    }
    Ok(())
}
