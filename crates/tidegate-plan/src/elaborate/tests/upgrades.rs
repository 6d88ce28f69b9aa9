//! Upgrades: from what, and by which function.

use alloy_primitives::B256;
use tidegate_model::plan::Upgrade;

use super::*;
use crate::example::plan_with;
use crate::slots::IMPLEMENTATION_SLOT;

fn upgrade(plan: &Plan, name: &str) -> Upgrade {
    step(plan, name).as_upgrade().cloned().unwrap()
}

/// The example with one more upgrade.
fn upgraded(target: &str, rest: &str) -> Result<Plan, String> {
    let made = format!("name = \"more\"\nupgrade = \"{target}\"\ncreate = \"Tiny\"");
    with_step(&format!("{made}\nargs = [\"@safe\"]\n{rest}"))
}

#[test]
fn an_upgrade_starts_from_what_is_behind_the_proxy() {
    let next = upgrade(&edited(&[]).unwrap(), "next");
    assert_eq!((&*next.target, next.kind), ("live", ProxyKind::Transparent));
    assert_eq!(next.reference.contract.0, "src/old.sol:Old");
    assert_eq!(
        (&*next.function, next.slot),
        ("upgradeAndCall(address,address,bytes)", IMPLEMENTATION_SLOT)
    );
    // The second one starts from the first one's contract, and is made with the same version.
    let again = upgrade(&upgraded("@live", "").unwrap(), "more");
    assert_eq!(again.reference.contract.0, "src/a.sol:Next");
    assert_eq!((&*again.function, again.guarded), ("upgrade(address,address)", true));
    let cases = [
        ("@pair", "upgradeAndCall(address,address,bytes)", "Pair"),
        ("@vault", "upgradeToAndCall(address,bytes)", "Vault"),
        ("@pool", "upgradeTo(address)", "Pool"),
    ];
    for (target, function, from) in cases {
        let found = upgrade(&upgraded(target, "guarded = false").unwrap(), "more");
        assert_eq!((&*found.function, found.guarded), (function, false));
        assert_eq!(found.reference.contract.name(), from);
        let slot = if target == "@pool" { B256::with_last_byte(1) } else { IMPLEMENTATION_SLOT };
        assert_eq!(found.slot, slot);
    }
}

#[test]
fn what_is_no_proxy_is_not_upgraded() {
    refused(upgraded("live", ""), "`live` is not an `@name`");
    refused(upgraded("@usdc", ""), "`@usdc` is neither an earlier step nor under [existing]");
    for target in ["@registry", "@clone", "@lists"] {
        let says = format!("`{target}` is not a proxy that can be upgraded");
        refused(upgraded(target, ""), &says);
    }
    let minimal = ("\"transparent\"\nopenzeppelin = 4", "\"minimal\"\nopenzeppelin = 4");
    refused(edited(&[minimal]), "a minimal proxy can never be upgraded");
    refused(upgraded("@pool", "init = [\"renew\"]"), "a beacon's upgrade runs no `init`");
    let config = read(&[
        ("\"transparent\"\nopenzeppelin = 4", "\"beacon\"\nopenzeppelin = 4"),
        ("init = [\"pair\", [\"1e3\", \"text\"]]", ""),
    ]);
    assert!(plan(&config).is_ok());
    let bare = plan_with(&config, |artifact| artifact.layout = serde_json::json!({}));
    refused(bare.map_err(|error| error.to_string()), "the beacon's layout has no");
}
