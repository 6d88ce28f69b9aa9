//! Parameters on the target are bound by their rules.

use crate::support::{Case, Outcome, Scene, Status, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! { Ready: a_parameter_outside_its_rule_fails; }
}

/// A piece of `tidegate.toml`, what it is replaced by, and what the gate says and names.
const EDITS: [(&str, &str, &str, &str); 4] = [
    (
        "testnet = \"250e6\", mainnet = \"250e6\"",
        "testnet = \"250e6\", mainnet = \"501e6\"",
        "value-out-of-range",
        "$vault_cap is \"501000000\", outside its rule …..=500000000",
    ),
    (
        "testnet = 12, mainnet = 12",
        "testnet = 12, mainnet = 13",
        "value-not-soaked",
        "$share_decimals is \"13\" on the target, but \"12\" soaked",
    ),
    (
        "testnet = 12, mainnet = 12",
        "testnet = 13, mainnet = 13",
        "record-differs",
        "params.share_decimals",
    ),
    (
        "testnet = \"250e6\", mainnet = \"250e6\"",
        "testnet = \"250e6\"",
        "no-value-on-target",
        "$vault_cap",
    ),
];

fn a_parameter_outside_its_rule_fails(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read("tidegate.toml")?;
    for (from, to, code, names) in EDITS {
        scene.edit("tidegate.toml", from, to)?;
        let promote = scene.run("eva", &["promote", "--json"], 1)?;
        Status::of(&promote)?.expect("parameters", "FAIL", (&[code], &[names]))?;
        scene.write("tidegate.toml", &kept)?;
    }
    scene.run("eva", &["status", "--check"], 0)?;
    Ok(())
}
