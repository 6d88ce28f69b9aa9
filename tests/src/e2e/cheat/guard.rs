//! Strangers who come first, in one transaction with the batch or before it.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_safe::helper;
use tidegate_testkit::{Transaction, actor, safe};

use super::batch::execution;
use super::left::deployed_and_signed;
use crate::support::{Case, Outcome, Scene, cases, said};

sol! {
    function createGuarded(bytes32 salt, bytes initCode, bytes32 codeHash);
    function owner() returns (address);
    function boss() returns (address);
    function child() returns (address);
    function kill();
    function extra();
    function initialize(address to);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: cheat_a_stranger_around_the_batch, cheat_what_anybody_may_create;
    }
}

const CONFIG: &str = "tidegate.toml";
const ETHER: u64 = 1_000_000_000_000_000_000;

/// Contracts of which somebody who creates them first has something: one that can be destroyed, one
/// that creates others by number, and one that looks whether another one is there.
const SOURCE: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

contract Org {
    address public owner;
    function initialize(address to) external { require(owner == address(0)); owner = to; }
    function kill() external {
        require(owner == address(0) || msg.sender == owner);
        selfdestruct(payable(msg.sender));
    }
}

contract Child {
    address public owner;
    constructor(address to) { owner = to; }
}

contract Factory {
    address public boss;
    Child public child;
    constructor(address to) { boss = to; }
    function make() external { require(msg.sender == boss); child = new Child(msg.sender); }
    function extra() external { new Child(msg.sender); }
}

contract First {
    function decimals() external pure returns (uint8) { return 6; }
}

contract Second {
    address public boss;
    uint8 public immutable decimals;
    constructor(address first, address to) {
        boss = first.code.length == 0 ? address(0x77) : to;
        (bool ok, bytes memory is_) = first.staticcall(abi.encodeWithSignature(\"decimals()\"));
        decimals = ok && is_.length == 32 ? abi.decode(is_, (uint8)) : 18;
    }
}
";

/// The steps of a project, with something more in each that creates.
fn steps(more: &str) -> [String; 3] {
    let org = format!(
        "[[step]]\ncreate = \"Org\"\n{more}\n[[step]]\nname = \"take\"\ncall = [\"@org\", \
         \"initialize\", \"$owner\"]\nexpect = [[\"owner\", \"$owner\"]]\n"
    );
    let factory = format!(
        "[[step]]\ncreate = \"Factory\"\nargs = [\"$owner\"]\n{more}\n[[step]]\nname = \
         \"make\"\ncall = [\"@factory\", \"make\"]\n"
    );
    let second = format!(
        "[[step]]\ncreate = \"First\"\n{more}\n[[step]]\ncreate = \"Second\"\nargs = [\"@first\", \
         \"$owner\"]\n{more}\n"
    );
    [org, factory, second]
}

/// The project of all kinds, with these steps in place of its own.
fn project<'a>(scene: &Scene<'a>) -> Result<(Scene<'a>, String, String), Failed> {
    let project = scene.other("kinds", &["@openzeppelin/contracts"])?;
    let text = project.read(CONFIG)?;
    let (head, _) = text.split_once("[[step]]").ok_or("no steps")?;
    let (_, networks) = text.split_once("[networks").ok_or("no networks")?;
    let kept = ["guard", "delay", "opening"];
    let is_kept = |line: &&str| !kept.iter().any(|name| line.starts_with(name));
    let head: Vec<_> = head.lines().filter(is_kept).collect();
    project.write("src/Guard.sol", SOURCE)?;
    Ok((project, format!("{}\n", head.join("\n")), format!("\n[networks{networks}")))
}

/// Code that makes these calls, whatever comes of them.
fn calling(calls: &[(Address, Vec<u8>)]) -> Result<Vec<u8>, Failed> {
    const CALL_BYTES: usize = 42;
    let word = |number: usize| -> Result<[u8; 4], Failed> {
        let bytes = u32::try_from(number)?.to_be_bytes();
        Ok([0x62, bytes[1], bytes[2], bytes[3]])
    };
    let mut offset = calls.len() * CALL_BYTES + 1;
    let mut code = Vec::new();
    for (to, data) in calls {
        let length = word(data.len())?;
        // CODECOPY of the data to memory 0, and CALL with it.
        code.extend([&length[..], &word(offset)?, &[0x5f, 0x39, 0x5f, 0x5f], &length].concat());
        code.extend([&[0x5f, 0x5f, 0x73][..], to.as_slice(), &[0x5a, 0xf1, 0x50]].concat());
        offset += data.len();
    }
    code.push(0);
    code.extend(calls.iter().flat_map(|(_, data)| data));
    Ok(code)
}

/// What a proposal's batch has the helper create: under which salt, from what.
fn creations(scene: &Scene<'_>, proposal: &str) -> Result<Vec<createGuardedCall>, Failed> {
    let text = scene.read(&format!("deployments/mainnet/proposals/{proposal}.json"))?;
    let proposal: Value = serde_json::from_str(&text)?;
    let calls = proposal["calls"].as_array().into_iter().flatten();
    let data = calls.filter_map(|call| serde_json::from_value::<Bytes>(call["data"].clone()).ok());
    Ok(data.filter_map(|data| createGuardedCall::abi_decode(&data).ok()).collect())
}

fn address(scene: &Scene<'_>, of: Address, call: Vec<u8>) -> Result<Address, Failed> {
    let word = scene.world.mainnet.call(of, &call.into())?;
    Ok(Address::from_word(B256::try_from(word.as_ref())?))
}

/// Creates everything first, by both ways and in another order, destroys and uses it, executes the
/// batch that the owners signed, and destroys and uses again, in one transaction: what the Safe set
/// up stands as it soaked.
fn cheat_a_stranger_around_the_batch(scene: &Scene<'_>) -> Outcome {
    let (project, head, networks) = project(scene)?;
    project.write(CONFIG, &format!("{head}{}{networks}", steps("").concat()))?;
    let proposal = deployed_and_signed(&project)?;

    let (mainnet, safe) = (&scene.world.mainnet, scene.world.safe);
    let plan = project.run("eva", &["plan", "mainnet", "--json"], 0)?.json()?;
    let at = |op: &str| -> Result<Address, Failed> {
        let rows = plan["operations"].as_array().into_iter().flatten();
        let row = rows.into_iter().find(|row| row["id"] == op).ok_or("an operation")?;
        Ok(serde_json::from_value(row["address"].clone())?)
    };
    let (org, factory, second) = (at("org")?, at("factory")?, at("second")?);
    let kill = (org, killCall {}.abi_encode());
    let extra = (factory, extraCall {}.abi_encode());
    let mut calls = Vec::new();
    // The last first.
    for made in creations(&project, &proposal)?.into_iter().rev() {
        let open = [made.salt.as_slice(), &made.initCode].concat();
        calls.extend([(safe::DETERMINISTIC_PROXY, open), (helper::address(), made.abi_encode())]);
    }
    assert_eq!(calls.len(), 8, "four contracts, two ways");
    calls.extend([extra.clone(), kill.clone()]);
    calls.push((safe, execution(&project)?.to_vec()));
    let mallory = actor("mallory");
    let take = initializeCall { to: mallory.address() }.abi_encode();
    calls.extend([kill, extra, (org, take)]);
    let attacker = Address::repeat_byte(0xa7);
    mainnet.set_code(attacker, &calling(&calls)?.into())?;
    mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    let all =
        Transaction { to: Some(attacker), gas: Some(16_000_000), ..Transaction::create(vec![]) };
    assert!(mainnet.send_transaction(&mallory, &all)?.status);
    project.world.settle()?;

    assert_eq!(address(scene, org, ownerCall {}.abi_encode())?, safe);
    assert_eq!(address(scene, second, bossCall {}.abi_encode())?, safe);
    let child = address(scene, factory, childCall {}.abi_encode())?;
    assert_eq!(child, factory.create(1), "the plan's is the first that it made");
    assert_eq!(address(scene, child, ownerCall {}.abi_encode())?, safe);
    project.done("ops", &["proposal", "execute", &proposal])?;
    project.run("eva", &["verify", "mainnet"], 0)?;
    project.run("eva", &["status", "--check"], 0)?;
    Ok(())
}

/// Where a step says that anybody may create its contract, none is taken with which that would
/// decide anything after the batch looked.
fn cheat_what_anybody_may_create(scene: &Scene<'_>) -> Outcome {
    let (project, head, networks) = project(scene)?;
    let says = [
        "org can destroy itself (SELFDESTRUCT), and whoever sends the batch can create it",
        "where make+1 stands depends on how many contracts factory has created",
        "anybody can create second first, and then second holds something else",
    ];
    for (index, says) in says.into_iter().enumerate() {
        let mut steps = steps("");
        steps[index] = self::steps("guarded = false\n")[index].clone();
        // A call that anybody can make first is refused for that.
        let [org, rest @ ..] = &steps;
        let org = org.split("[[step]]\nname = \"take\"").next().unwrap_or(org);
        let steps = [org, &rest.concat()].concat();
        project.write(CONFIG, &format!("{head}{steps}{networks}"))?;
        for network in ["testnet", "mainnet"] {
            let refused = project.run("eva", &["plan", network], 1)?;
            let flat = said(&refused).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(says), "{flat}");
            assert!(flat.contains("leave out its `guarded = false`"), "{flat}");
        }
    }
    // One with nothing of the kind is taken, and named.
    let steps = steps("").concat();
    let first = steps.replace("create = \"First\"\n", "create = \"First\"\nguarded = false\n");
    project.write(CONFIG, &format!("{head}{first}{networks}"))?;
    let plan = said(&project.run("eva", &["plan", "mainnet"], 0)?);
    assert!(plan.contains("anybody can create it first"), "{plan}");
    Ok(())
}
