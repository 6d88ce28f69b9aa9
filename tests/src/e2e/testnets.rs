//! A project without a target: what can be known of a release on testnets alone.

use tidegate_testkit::{Anvil, AnvilOptions};

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: a_project_with_testnets_alone_is_deployed_and_watched;
    }
}

const DIAL: &str = "// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
contract Dial {
    uint256 public x;
    event Turned(uint256 to);
    function set(uint256 to) external { x = to; emit Turned(to); }
    function up() external { x += 1; }
}
";

fn a_project_with_testnets_alone_is_deployed_and_watched(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    let (_, testnet) = text.split_once("[networks.testnet]").ok_or("a testnet")?;
    let testnet = testnet.split("\n[").next().unwrap_or(testnet);
    let project = "[project]\nname = \"dial\"\nversion = \"0.1.0\"\n";
    let step = "[[step]]\ncreate = \"Dial\"\n";
    scene.write("contracts/src/Dial.sol", DIAL)?;
    scene.write("tidegate.toml", &format!("{project}\n[networks.testnet]{testnet}\n{step}"))?;

    let before = said(&scene.run("eva", &["status"], 0)?);
    assert!(before.contains("Next engineer: `tidegate deploy testnet`"), "{before}");
    let deployed = said(&scene.done("eva", &["deploy"])?);
    assert!(deployed.contains("`tidegate status` shows the soak"), "{deployed}");
    scene.run("eva", &["verify"], 0)?;
    let young = said(&scene.run("eva", &["status"], 0)?);
    assert!(young.contains("everybody: wait until the deployment is final"), "{young}");
    scene.run("eva", &["diff", "testnet", "."], 0)?;

    scene.world.settle()?;
    let view = scene.run("eva", &["status", "--json", "--check"], 30)?.json()?;
    let testnet = &view["testnets"][0];
    assert_eq!((&testnet["network"], &testnet["isDeployed"]), (&"testnet".into(), &true.into()));
    let verdicts = testnet["gates"].as_array().ok_or("gates")?;
    let verdict = |index: usize| verdicts[index]["result"]["verdict"].as_str();
    assert_eq!((verdict(0), verdict(1), verdicts.len()), (Some("PASS"), Some("UNKNOWN"), 2));
    assert_eq!(testnet["soak"]["uncalled"][0], "Dial.set", "{testnet}");
    assert_eq!(testnet["soak"]["eventless"][0], "Dial.up", "{testnet}");
    let after = said(&scene.run("eva", &["status"], 0)?);
    assert!(after.contains("soak [") && after.contains("testers: use the contracts"), "{after}");
    // What only a target has is not offered.
    assert!(after.contains("Dial.up emits no event: a call counts once there is"), "{after}");
    assert!(!after.contains("record result"), "{after}");
    let hash = format!("0x{}", "1".repeat(64));
    let result = ["record", "result", "--tx", &hash, "--reason", "tried", "--as", "deployer"];
    let refused = said(&scene.run("eva", &result, 3)?);
    assert!(refused.contains("stage = \"mainnet\" under [networks.NAME]"), "{refused}");
    for option in ["--explain", "--sample"] {
        let refused = said(&scene.run("eva", &["status", option], 2)?);
        assert!(refused.contains("speak of a target"), "{refused}");
    }
    gone(scene)
}

/// What the chain lost is deployed again, and nothing else helps.
fn gone(scene: &Scene<'_>) -> Outcome {
    let chain = Anvil::start(scene.tools, AnvilOptions::new(scene.world.testnet.chain_id()))?;
    chain.mine(3)?;
    let eva = scene.person("eva").with_variable("TESTNET_RPC", chain.url());
    let status = said(&eva.run(&["status"])?.expect_code(0)?);
    assert!(status.contains("Next engineer: `tidegate deploy testnet`"), "{status}");
    assert!(!status.contains("tidegate verify"), "{status}");
    Ok(())
}
