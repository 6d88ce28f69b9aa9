//! Contracts in Vyper, on real chains.

use alloy_primitives::{Address, Bytes};
use libtest_mimic::{Completion, Failed};
use serde_json::Value;

use crate::support::{Case, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            contracts_in_vyper_deploy_and_verify,
            mutant_of_a_contract_in_vyper,
            a_missing_vyper_is_named;
    }
}

/// The project, with the compiler that its `foundry.toml` names; or why there is none.
fn project<'a>(scene: &Scene<'a>) -> Result<Result<Scene<'a>, Completion>, Failed> {
    let vyper = match tidegate_testkit::vyper(&scene.tools.root) {
        Ok(vyper) => vyper,
        Err(error) => {
            return Ok(Err(Completion::ignored_with(format!("Vyper: failed to {error}"))));
        }
    };
    let shop = scene.other("vyper", &[])?;
    let foundry = shop.read("foundry.toml")?;
    shop.write("foundry.toml", &format!("{foundry}\n[vyper]\npath = {vyper:?}\n"))?;
    // Nobody knows its digest until they trust it.
    let refused = shop.run("eva", &["build"], 3)?;
    let hint = said(&refused);
    let digest =
        hint.split("--trust-compiler ").nth(1).and_then(|rest| rest.split([' ', '`', '\n']).next());
    shop.run("eva", &["doctor", "--trust-compiler", digest.ok_or("a digest to trust")?], 0)?;
    shop.fund()?;
    shop.done("eva", &["deploy"])?;
    Ok(Ok(shop))
}

fn contracts_in_vyper_deploy_and_verify(scene: &Scene<'_>) -> Result<Completion, Failed> {
    let shop = match project(scene)? {
        Ok(shop) => shop,
        Err(ignored) => return Ok(ignored),
    };
    let verified = shop.run("eva", &["verify", "--json"], 0)?.json()?;
    let rows = verified["contracts"].as_array().ok_or("contracts")?;
    assert_eq!(rows.len(), 2, "{verified}");
    let immutables = &row(&verified, "till")?["transformations"]["runtime"]["values"]["immutables"];
    let names: Vec<_> = immutables.as_object().ok_or("immutables")?.keys().cloned().collect();
    assert_eq!(names, ["Keeper.founder", "Till.fee", "Till.owner"]);

    // Another comment is another build of the same code, and what stands there is still it.
    let built = || -> Result<Value, Failed> {
        Ok(shop.run("eva", &["build", "--json", "--scope"], 0)?.json()?)
    };
    let before = built()?;
    let sources = before["contracts"][1]["documents"]["sources"].as_object().ok_or("sources")?;
    let sources: Vec<_> = sources.keys().map(String::as_str).collect();
    assert_eq!(sources, ["src/Keeper.vy", "src/Till.vy"], "{before}");
    shop.edit("src/Keeper.vy", "keeper:", "# words\nkeeper:")?;
    let after = built()?;
    let changed = |root: &str| before["roots"][root] != after["roots"][root];
    assert!(changed("scopeRoot") && changed("buildDigest"), "{before}\n{after}");
    assert!(!changed("codeRoot") && !changed("releaseRoot"), "{before}\n{after}");
    Ok(Completion::Completed)
}

fn mutant_of_a_contract_in_vyper(scene: &Scene<'_>) -> Result<Completion, Failed> {
    let shop = match project(scene)? {
        Ok(shop) => shop,
        Err(ignored) => return Ok(ignored),
    };
    let verified = shop.run("eva", &["verify", "--json"], 0)?.json()?;
    let till = row(&verified, "till")?;
    let address: Address = serde_json::from_value(till["address"].clone())?;
    let steps = till["transformations"]["runtime"]["list"].as_array().ok_or("list")?;
    let fee = steps.iter().find(|step| step["id"] == "Till.fee").ok_or("no fee")?;
    let fee = usize::try_from(fee["offset"].as_u64().ok_or("offset")?)?;
    let chain = &shop.world.testnet;
    let code = chain.code(address)?.to_vec();
    let constant = 0x1001_c0de_u32.to_be_bytes();
    let constant = code.windows(4).position(|window| window == constant).ok_or("no constant")?;
    for (at, words) in [
        (fee + 31, "immutable Till.fee: expected 250, found 251"),
        (constant + 3, "Till.order(uint256), byte"),
        (code.len() - 1, "immutable "),
    ] {
        let mut other = code.clone();
        other[at] ^= 1;
        chain.set_code(address, &Bytes::from(other))?;
        shop.world.settle()?;
        let refused = shop.run("eva", &["verify"], 1)?;
        let reported = said(&refused);
        assert!(reported.contains(words), "should say {words:?}, says:\n{reported}");
        chain.set_code(address, &Bytes::from(code.clone()))?;
        shop.world.settle()?;
    }
    shop.run("eva", &["verify"], 0)?;
    Ok(Completion::Completed)
}

fn a_missing_vyper_is_named(scene: &Scene<'_>) -> Result<(), Failed> {
    const CONFIGURATION: i32 = 3;
    let shop = scene.other("vyper", &[])?;
    let refused = said(&shop.run("eva", &["build"], CONFIGURATION)?);
    for words in ["src/Shop.vy:Shop", "no `vyper` on PATH", "pip install vyper"] {
        assert!(refused.contains(words), "{refused}");
    }
    Ok(())
}

fn row<'v>(verified: &'v Value, name: &str) -> Result<&'v Value, Failed> {
    let rows = verified["contracts"].as_array().into_iter().flatten();
    let named = rows.into_iter().find(|row| row["name"] == name);
    Ok(named.ok_or_else(|| format!("no {name}: {verified}"))?)
}
