//! Endpoints that are down, lead elsewhere, or are not what they say.

use tidegate_testkit::{Anvil, AnvilOptions};

use super::{Refusal, refused};
use crate::support::{Case, Outcome, Scene, Status, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            an_endpoint_that_is_down_or_another_chain_is_explained,
            a_testnet_that_has_ended_is_said;
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
    let other = format!("0x{}", "07".repeat(32));
    scene.write("tidegate.toml", &wrong.replacen(&genesis, &other, 1))?;
    let says = &[&genesis[..], &other[..]][..];
    refused(scene, &eva, &["verify"], &Refusal { code: 4, says, hint: "another chain" })?;
    Ok(())
}

/// Its end is what stands in the way, whether it answers still or not, and what to do is said.
fn a_testnet_that_has_ended_is_said(scene: &Scene<'_>) -> Outcome {
    scene.edit(
        "tidegate.toml",
        "chain      = 31338",
        "chain      = 31338\nend_of_life = \"2026-01-08\"",
    )?;
    let eva = scene.person("eva");
    let gone = eva.with_variable("TESTNET_RPC", NOWHERE);
    let says = [
        "testnet ended on 2026-01-08, says tidegate.toml",
        "Deploy to a testnet that lives, such as hoodi (chain 560048), name it in `soaks_on`",
    ];
    for person in [&eva, &gone] {
        let status = Status::of(&person.run(&["status", "--json"])?.expect_code(0)?)?;
        status.expect("soak", "UNKNOWN", (&["network-ends"], &says))?;
    }
    let shown = said(&eva.run(&["status"])?);
    assert!(shown.contains("testnet ended on 2026-01-08"), "{shown}");
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
    refused(scene, &eva, &["deploy", "--testnet", "424242"], &Refusal { code: 4, says, hint })?;
    Ok(())
}
