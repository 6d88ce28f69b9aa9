//! Endpoints that are down, lead elsewhere, or are not what they say.

use tidegate_testkit::{Anvil, AnvilOptions};

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, Status, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready: an_endpoint_that_is_down_or_another_chain_is_explained;
        Fresh: a_development_node_is_no_public_chain;
    }
}

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn an_endpoint_that_is_down_or_another_chain_is_explained(scene: &Scene<'_>) -> Outcome {
    let eva = scene.person("eva");
    let down = eva.with_variable("TESTNET_RPC", NOWHERE);
    let crossed = eva.with_variable("TESTNET_RPC", scene.world.mainnet.url());
    let unset = eva.with_variable("TESTNET_RPC", "");
    let bad = eva.with_variable("TESTNET_RPC", "ftp://nowhere");
    let table = [
        (&down, 4, &["testnet"][..], "endpoint"),
        (&crossed, 4, &["31337", "31338"], "another chain"),
        (&unset, 4, &["testnet has no endpoint"], "TESTNET_RPC"),
        (&bad, 3, &["rpc"], "[networks.testnet] rpc"),
    ];
    for (person, code, says, hint) in table {
        refused(scene, person, &["deploy"], &Refusal { code, says, hint })?;
        // What cannot be asked is UNKNOWN, never a pass.
        let status = Status::of(&person.run(&["status", "--json"])?.expect_code(0)?)?;
        for gate in ["code", "parameters", "soak", "funds", "overall"] {
            status.expect(gate, "UNKNOWN", &[])?;
        }
        for gate in ["policy", "audits"] {
            status.expect(gate, "PASS", &[])?;
        }
    }
    crossed.run(&["promote"])?.expect_code(30)?;
    let target = eva.with_variable("MAINNET_RPC", NOWHERE);
    let status = Status::of(&target.run(&["status", "--json"])?.expect_code(0)?)?;
    for gate in ["policy", "audits", "overall"] {
        status.expect(gate, "UNKNOWN", &[])?;
    }
    let wrong = scene.read("tidegate.toml")?;
    let genesis = scene.world.testnet.genesis_hash()?.to_string();
    let other = scene.world.mainnet.genesis_hash()?.to_string();
    scene.write("tidegate.toml", &wrong.replacen(&genesis, &other, 1))?;
    let says = &[&genesis[..], &other[..]][..];
    refused(scene, &eva, &["verify"], &Refusal { code: 4, says, hint: "another chain" })?;
    Ok(())
}

fn a_development_node_is_no_public_chain(scene: &Scene<'_>) -> Outcome {
    /// An id that is neither simulated nor built in.
    const CHAIN: u64 = 424_242;
    let anvil = Anvil::start(scene.tools, AnvilOptions::new(CHAIN))?;
    let genesis = scene.world.testnet.genesis_hash()?.to_string();
    scene.edit("tidegate.toml", "chain      = 31338", &format!("chain      = {CHAIN}"))?;
    scene.edit("tidegate.toml", &genesis, &anvil.genesis_hash()?.to_string())?;
    let eva = scene.person("eva").with_variable("TESTNET_RPC", anvil.url());
    let says = &["development"][..];
    let hint = "31337, 31338 and 1337";
    refused(scene, &eva, &["deploy"], &Refusal { code: 4, says, hint })?;
    Ok(())
}
