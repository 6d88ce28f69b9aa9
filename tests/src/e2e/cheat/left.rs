//! What an execution leaves that is not what the plan leaves.

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use libtest_mimic::Failed;
use serde_json::json;
use tidegate_testkit::{actor, actor_address};

use super::batch::execution;
use super::chain::pruned;
use crate::support::{Case, Chains, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: cheat_what_somebody_turned_before_the_execution;
    }
}

const CONFIG: &str = "tidegate.toml";
const BOOK: &str = "deployments/mainnet/addresses.json";
/// An external that answers with its first slot.
const FEED: Address = Address::repeat_byte(0xfe);
const FEED_CODE: [u8; 11] = hex!("60005460005260206000f3");
/// What it must answer for the contracts to turn.
const KEY: u64 = 0x00c0_ffee;
const ETHER: u64 = 1_000_000_000_000_000_000;

/// Three contracts that turn on a word of which they keep the hash alone, so that no trial finds
/// it: a variable that the plan leaves at zero, an entry of a mapping, and a call of the plan.
fn source() -> String {
    let key = keccak256(U256::from(KEY).to_be_bytes::<32>());
    format!(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n\
         interface IFeed {{ function read() external view returns (uint256); }}\n\
         abstract contract Turns {{ function _on(IFeed feed) internal view returns (bool) {{ \
         return keccak256(abi.encode(feed.read())) == {key}; }} }}\n\
         contract Shed is Turns {{ address public boss; constructor(IFeed feed) {{ if \
         (_on(feed)) boss = address(0x77); }} function move(address to) external {{ boss = to; \
         }} }}\n\
         contract Lid is Turns {{ mapping(address => bool) public may; constructor(IFeed feed, \
         address owner) {{ may[_on(feed) ? address(0x77) : owner] = true; }} }}\n\
         contract Tap is Turns {{ IFeed public immutable feed; uint256 public level = 7; \
         uint256 public since; constructor(IFeed feed_) {{ feed = feed_; }} function open() \
         external {{ since = block.timestamp; if (level == 7) level = _on(feed) ? \
         9 : 8; }} function turn() external {{ level += 1; }} }}\n"
    )
}

/// Deploys, soaks and proposes them; two owners sign. Answers with the proposal.
fn signed(scene: &Scene<'_>) -> Result<String, Failed> {
    for chain in [&scene.world.testnet, &scene.world.mainnet] {
        chain.set_code(FEED, &Bytes::from_static(&FEED_CODE))?;
    }
    let place = |network: &str| {
        let hash = keccak256(FEED_CODE);
        format!("{network}.address = \"{FEED}\"\n{network}.code_hash = \"{hash}\"\n")
    };
    let steps = "[[step]]\ncreate = \"Shed\"\nargs = [\"@feed\"]\n\n[[step]]\ncreate = \
                 \"Lid\"\nargs = [\"@feed\", \"@executor\"]\n\n[[step]]\ncreate = \"Tap\"\n\
                 args = [\"@feed\"]\n\n[[step]]\nname = \"open\"\ncall = [\"@tap\", \"open\"]\n\n\
                 [externals.feed]\n";
    let steps = format!("{steps}{}{}\n", place("testnet"), place("mainnet"));
    let text = scene.read(CONFIG)?;
    let (head, _) = text.split_once("[[step]]").ok_or("no steps")?;
    let (_, networks) = text.split_once("[networks").ok_or("no networks")?;
    let (project, policy) = head.split_once("[params]").ok_or("no parameters")?;
    let (_, policy) = policy.split_once("[policy]").ok_or("no policy")?;
    let config = format!("{project}[policy]\n{policy}\n{steps}[networks{networks}");
    scene.write(CONFIG, &config)?;
    scene.write("src/Odd.sol", &source())?;
    deployed_and_signed(scene)
}

/// Deploys a project that soaks for an hour, adopts its policy and proposes its promotion, which
/// two owners sign. Answers with the proposal.
pub(super) fn deployed_and_signed(project: &Scene<'_>) -> Result<String, Failed> {
    project.fund()?;
    // The testnet has no helper yet: the deployment makes it.
    project.done("eva", &["deploy"])?;
    project.world.settle()?;
    project.done("ops", &["deploy", "--helper"])?;
    let adoption = json_text(&project.done("eva", &["policy", "adopt", "--json"])?, "proposal")?;
    project.sign(&adoption, &["o1", "o2"])?;
    project.done("ops", &["proposal", "execute", &adoption])?;
    project.world.advance_days(4, 10)?;
    let proposal = json_text(&project.done("eva", &["promote", "--json"])?, "proposal")?;
    project.sign(&proposal, &["o1", "o2"])?;
    Ok(proposal)
}

/// After the last check by anybody, whoever decides what the external answers has the word, and
/// whoever likes to executes. What the contracts hold then is not what soaked.
fn cheat_what_somebody_turned_before_the_execution(scene: &Scene<'_>) -> Outcome {
    let project = scene.other("kinds", &["@openzeppelin/contracts"])?;
    let proposal = signed(&project)?;
    let (mainnet, mallory) = (&scene.world.mainnet, actor("mallory"));
    mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    let mut chains = Chains::save(scene.world)?;
    let (slot, key) = (B256::ZERO, B256::from(U256::from(KEY)));
    mainnet.rpc("anvil_setStorageAt", json!([FEED, slot, key]))?;
    mainnet.send(&mallory, Some(scene.world.safe), execution(&project)?, U256::ZERO)?;
    // Turned back, so that nothing shows now but what it made.
    mainnet.rpc("anvil_setStorageAt", json!([FEED, slot, B256::ZERO]))?;
    scene.world.settle()?;
    let held = |what: &str, value: u64| {
        format!("storage of {what} held {} in block", B256::from(U256::from(value)))
    };
    let (boss, level) = (held("shed: boss", 0x77), held("tap: level", 9));
    let verified = project.run("eva", &["verify", "mainnet"], 1)?;
    let status = project.run("eva", &["status", "--check"], 1)?;
    let executed =
        project.person("ops").run(&["proposal", "execute", &proposal])?.expect_code(1)?;
    for ran in [&verified, &status, &executed] {
        let flat = said(ran);
        for says in [&*boss, &*level, "storage of lid: ", "the plan leaves"] {
            assert!(flat.contains(says), "{says}: {flat}");
        }
        assert!(!flat.contains("since held"), "{flat}");
    }
    assert!(said(&status).contains("FAIL read back from mainnet"), "{status:?}");
    assert!(!project.project().join(BOOK).exists(), "no front end is sent there");

    // Executed as it was signed; then it is used.
    chains.restore(scene.world)?;
    let executed = project.done("ops", &["proposal", "execute", &proposal])?;
    assert!(said(&executed).contains("is promoted to mainnet"), "{executed:?}");
    let place = |step: &str| -> Result<Address, Failed> {
        let book: serde_json::Value = serde_json::from_str(&project.read(BOOK)?)?;
        Ok(serde_json::from_value(book["addresses"][step]["address"].clone())?)
    };
    let turn = Bytes::copy_from_slice(&keccak256("turn()")[..4]);
    mainnet.send(&mallory, Some(place("tap")?), turn, U256::ZERO)?;
    let to = actor_address("mallory").into_word();
    let moved = [&keccak256("move(address)")[..4], to.as_slice()].concat();
    mainnet.send(&mallory, Some(place("shed")?), Bytes::from(moved), U256::ZERO)?;
    scene.world.settle()?;
    let verified = said(&project.run("eva", &["verify", "mainnet"], 0)?);
    assert!(verified.contains("since they depend on the block: since of tap"), "{verified}");
    project.run("eva", &["status", "--check"], 0)?;
    // Where nobody keeps that state, it is said.
    scene.world.advance_days(6, 11)?;
    let node = pruned(mainnet)?;
    let eva = project.person("eva").with_variable("MAINNET_RPC", &node.url());
    let unknown = said(&eva.run(&["verify", "mainnet"])?.expect_code(30)?);
    for says in ["slot boss of shed has changed", "slot level of tap has changed", "does not keep"]
    {
        assert!(unknown.contains(says), "{says}: {unknown}");
    }
    Ok(())
}
