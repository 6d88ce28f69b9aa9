//! Every kind of step, on real chains.

use alloy_primitives::{Address, B256, Bytes, U256, b256};
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::support::{Case, Outcome, Scene, cases, said};

/// Where a transparent proxy has its admin contract (ERC-1967).
const ADMIN: B256 = b256!("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103");

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
    refuses_an_admin_of_an_admin(&kinds)?;
    kinds.promote_now()?;
    let planned = kinds.run("eva", &["plan", "mainnet", "--json"], 0)?.json()?;
    let rows = planned["operations"].as_array().into_iter().flatten();
    let till = rows.filter(|row| row["id"] == "till").find_map(|row| address(&row["address"]).ok());
    let balance = kinds.world.mainnet.balance(till.ok_or("no till")?)?;
    assert_eq!(balance.to_string(), "4000000000", "what the constructor and the call sent");
    Ok(())
}

/// Once every gate passes, an admin contract stands where a proxy's owner is to be: what is unsafe
/// behind a proxy stops a promotion too.
fn refuses_an_admin_of_an_admin(kinds: &Scene<'_>) -> Outcome {
    let owner = Address::repeat_byte(0x0a);
    let (safe, other) = ("mainnet = \"@safe\" }", format!("mainnet = \"{owner}\" }}"));
    let config = kinds.read("tidegate.toml")?;
    kinds.write("tidegate.toml", &config.replacen(safe, &other, 1))?;
    kinds.mature()?;
    let book: Value = serde_json::from_str(&kinds.read("deployments/testnet/addresses.json")?)?;
    let proxy = address(&book["addresses"]["transparent"]["address"])?;
    let held = kinds.world.testnet.rpc("eth_getStorageAt", json!([proxy, ADMIN, "latest"]))?;
    let admin = Address::from_word(serde_json::from_value(held)?);
    kinds.world.mainnet.set_code(owner, &kinds.world.testnet.code(admin)?)?;
    kinds.world.settle()?;
    let refused = kinds.approve("eva", &["promote"])?.expect_code(1)?;
    assert!(said(&refused).contains("`admin` is a ProxyAdmin"), "{refused:?}");
    kinds.world.mainnet.set_code(owner, &Bytes::new())?;
    Ok(kinds.world.settle()?)
}

fn address(value: &Value) -> Result<Address, Failed> {
    Ok(serde_json::from_value(value.clone())?)
}
