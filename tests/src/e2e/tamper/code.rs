//! What stands on the chain, and what was compiled: one other byte is noticed.

use alloy_primitives::{Address, B256, Bytes, U256, b256};
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::support::{Case, Chains, Outcome, Scene, Status, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            one_other_byte_of_any_contract_fails,
            verify_says_where_code_differs,
            another_implementation_behind_the_proxy_fails,
            a_flipped_byte_in_a_cached_compilation_is_noticed;
    }
}

/// ERC-1967: where a proxy keeps the address of its implementation.
const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

fn one_other_byte_of_any_contract_fails(scene: &Scene<'_>) -> Outcome {
    let testnet = &scene.world.testnet;
    let mut chains = Chains::save(scene.world)?;
    let contracts = contracts(scene)?;
    assert_eq!(contracts.len(), 5, "{contracts:?}");
    for (name, address) in contracts {
        let mut code = testnet.code(address)?.to_vec();
        let middle = code.len() / 2;
        code[middle] ^= 1;
        testnet.set_code(address, &Bytes::from(code))?;
        scene.world.settle()?;
        let promote = scene.run("eva", &["promote", "--json"], 1)?;
        Status::of(&promote)?.expect(
            "code",
            "FAIL",
            (&["code-differs"], &[name.as_str(), &address.to_string()]),
        )?;
        chains.restore(scene.world)?;
    }
    scene.run("eva", &["verify"], 0)?;
    Ok(())
}

/// Each case is put in place of the vault's implementation.
fn verify_says_where_code_differs(scene: &Scene<'_>) -> Outcome {
    let testnet = &scene.world.testnet;
    let mut chains = Chains::save(scene.world)?;
    let before = scene.run("eva", &["verify", "--json"], 0)?.json()?;
    let implementation = row(&before, "vault/implementation")?;
    let address: Address = serde_json::from_value(implementation["address"].clone())?;
    let behind = &row(&before, "vault/proxy")?["behind"];
    assert_eq!(behind["target"], json!(address), "{behind}");
    let registry = scene.contract("registry")?;
    let immutable = implementation["transformations"]["runtime"]["list"].as_array();
    let immutable = immutable.into_iter().flatten().find(|step| step["id"] == "Vault.registry");
    let immutable = immutable.and_then(|step| step["offset"].as_u64()).ok_or("no immutable")?;
    let last = usize::try_from(immutable)? + 31;

    let code = testnet.code(address)?.to_vec();
    let length = code.len();
    let with = |at: usize, byte: u8| {
        let mut code = code.clone();
        code[at] ^= byte;
        code
    };
    let deposit = code.windows(4).position(|window| *window == DEPOSIT).ok_or("no deposit")?;
    let delegation = [&[0xef, 0x01, 0x00][..], registry.as_slice()].concat();
    for (code, outcome, says) in [
        (
            with(deposit, 1),
            "different",
            "- ERC4626Upgradeable._deposit(address,address,uint256,uint256), byte",
        ),
        (with(last, 1), "different", "immutable Vault.registry: expected 0x"),
        (with(length - 20, 1), "metadataOnly", "only metadata differs (1 region)"),
        (code[..length - 100].to_vec(), "different", "it ends early, in"),
        (delegation, "delegation", "EIP-7702"),
        (Vec::new(), "notDeployed", "there is no code"),
    ] {
        testnet.set_code(address, &Bytes::from(code))?;
        let json = scene.run("eva", &["verify", "--json"], 1)?.json()?;
        assert_eq!(row(&json, "vault/implementation")?["match"]["outcome"], outcome, "{says}");
        let ran = scene.run("eva", &["verify"], 1)?;
        let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(says), "{says}: {ran:?}");
        crate::cli::fits("verify", &ran.stdout)?;
        chains.restore(scene.world)?;
    }
    Ok(())
}

/// How the topic of `Deposit(address,address,uint256,uint256)` begins.
const DEPOSIT: [u8; 4] = [0xdc, 0xbc, 0x1c, 0x05];

fn row<'a>(verified: &'a Value, name: &str) -> Result<&'a Value, Failed> {
    let mut rows = verified["contracts"].as_array().into_iter().flatten();
    Ok(rows.find(|row| row["name"] == name).ok_or_else(|| format!("no {name}: {verified}"))?)
}

fn another_implementation_behind_the_proxy_fails(scene: &Scene<'_>) -> Outcome {
    let vault = scene.contract("vault")?;
    let registry = scene.contract("registry")?;
    let slot = U256::from_be_bytes(IMPLEMENTATION_SLOT.0);
    scene.world.testnet.set_storage(vault, slot, registry.into_word())?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect(
        "code",
        "FAIL",
        (&["slot-differs"], &["implementation slot", &vault.to_string()]),
    )?;
    scene.run("eva", &["promote"], 1)?;
    Ok(())
}

fn a_flipped_byte_in_a_cached_compilation_is_noticed(scene: &Scene<'_>) -> Outcome {
    let shared = scene.tools.root.join("target/testkit/cache");
    let own = scene.folder().join("cache");
    files::copy_tree(&shared, &own)?;
    let mut flipped = 0;
    let folder = own.join("tidegate/compile");
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.is_dir() {
            continue;
        }
        let mut bytes = std::fs::read(&path)?;
        // In the bytecode, so that the entry is as well-formed as before.
        let code = b"\"object\":\"0x60806040";
        let found = bytes.windows(code.len()).position(|window| window == code);
        if let Some(at) = found {
            bytes[at + code.len() + 1] ^= 1;
            files::write(&path, &bytes)?;
            flipped += 1;
        }
    }
    assert!(flipped > 0, "no compilation was cached in {}", folder.display());
    let eva = scene.person("eva").with_variable("XDG_CACHE_HOME", &own.to_string_lossy());
    let ran = eva.with_variable("TIDEGATE_LOG", "warn").run(&["build", "--json"])?;
    let ran = ran.expect_code(0)?;
    assert!(said(&ran).contains("a cached compilation is damaged"), "{ran:?}");
    assert_eq!(ran.json()?, scene.run("eva", &["build", "--json"], 0)?.json()?);
    let status = Status::of(&eva.run(&["status", "--json"])?)?;
    status.expect_others_pass(&[])?;
    Ok(())
}

/// Every contract that `verify` compares on the testnet.
fn contracts(scene: &Scene<'_>) -> Result<Vec<(String, Address)>, Failed> {
    let verified = scene.run("eva", &["verify", "--json"], 0)?.json()?;
    let mut found = Vec::new();
    for row in verified["contracts"].as_array().into_iter().flatten() {
        let name = row["name"].as_str().map(str::to_owned);
        let address = serde_json::from_value(Value::clone(&row["address"]))?;
        found.push((name.ok_or("a contract without a name")?, address));
    }
    // A mock is compared as what was created and as what is used.
    found.sort_by_key(|(_, address)| *address);
    found.dedup_by_key(|(_, address)| *address);
    Ok(found)
}
