//! Every kind of step, on real chains.

use alloy_primitives::{Address, U256};
use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Halfway:
            every_kind_of_creation_deploys_and_verifies;
        Mixed:
            every_kind_of_creation_is_promoted_by_the_safe;
    }
}

fn every_kind_of_creation_deploys_and_verifies(scene: &Scene<'_>) -> Outcome {
    let kinds = scene.beside("kinds");
    // Contracts are there already, of another release; only the last call is sent.
    let deployed = kinds.done("eva", &["deploy", "--json"])?.json()?;
    let at = |step: &str| address(&deployed["steps"][step]["address"]);
    let balance = kinds.world.testnet.balance(at("till")?)?;
    assert_eq!(balance.to_string(), "4000000000", "what the constructor and the call sent");
    let behind = |step: &str| address(&deployed["steps"][step]["implementation"]);
    assert_eq!(behind("first")?, behind("second")?, "one beacon");
    assert_ne!(behind("transparent")?, behind("first")?, "another salt");
    let code = kinds.world.testnet.code(at("clone")?)?;
    assert_eq!(code.len(), 45, "the code of ERC-1167");
    assert_eq!(&code[10..30], behind("clone")?.as_slice());

    let verified = kinds.run("eva", &["verify", "--json"], 0)?.json()?;
    let rows = verified["contracts"].as_array().map_or(0, Vec::len);
    assert_eq!(
        rows, 17,
        "a transparent proxy's admin is compared, and what a call made: {verified}"
    );
    let again = kinds.done("eva", &["deploy"])?;
    assert!(said(&again).contains("nothing was sent"), "{again:?}");
    Ok(())
}

fn every_kind_of_creation_is_promoted_by_the_safe(scene: &Scene<'_>) -> Outcome {
    let kinds = scene.beside("kinds");
    let wei = U256::from(10).pow(U256::from(18));
    kinds.world.mainnet.set_balance(kinds.world.safe, wei)?;
    kinds.done("ops", &["deploy", "--helper"])?;
    kinds.promote()?;
    let planned = kinds.run("eva", &["plan", "mainnet", "--json"], 0)?.json()?;
    let rows = planned["operations"].as_array().into_iter().flatten();
    let till = rows.filter(|row| row["id"] == "till").find_map(|row| address(&row["address"]).ok());
    let balance = kinds.world.mainnet.balance(till.ok_or("no till")?)?;
    assert_eq!(balance.to_string(), "4000000000", "what the constructor and the call sent");
    Ok(())
}

fn address(value: &Value) -> Result<Address, Failed> {
    Ok(serde_json::from_value(value.clone())?)
}
