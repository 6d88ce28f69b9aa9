//! Strangers may create, use and execute: nothing of it stands in the way of a promotion.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_safe::helper;
use tidegate_testkit::{PrivateKeySigner, actor, actor_address, safe};

use crate::support::{Case, Chains, Outcome, Scene, cases, json_text, said};

sol! {
    function createOnce(bytes32 salt, bytes initCode, bytes32 codeHash);
    function mint(address to, uint256 amount);
    function approve(address spender, uint256 value);
    function deposit(uint256 assets, address receiver);
    function totalAssets() returns (uint256);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Open: contracts_that_a_stranger_created_and_used_only_change_the_gas;
        Signed:
            a_proposal_that_somebody_executed_already_is_done;
    }
}

const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;
const DEPOSIT_UNITS: u64 = 1_000_000;

fn contracts_that_a_stranger_created_and_used_only_change_the_gas(scene: &Scene<'_>) -> Outcome {
    let promote = scene.done("eva", &["promote", "--json"])?;
    let proposal = json_text(&promote, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    let mut chains = Chains::save(scene.world)?;
    let alone = executed(scene, &proposal)?;

    // Nobody's machine remembers what the chain has forgotten, and no file says it.
    chains.restore(scene.world)?;
    scene.forget("ops")?;
    let (record, _) = scene.record()?;
    let record = record.file_name().ok_or("a name")?;
    for file in [record, "addresses.json".as_ref()] {
        std::fs::remove_file(scene.project().join("deployments/mainnet").join(file))?;
    }
    let mallory = actor("mallory");
    let ether = U256::from(WEI_PER_ETHER) * U256::from(5);
    scene.world.mainnet.set_balance(mallory.address(), ether)?;
    let created = create_all(scene, &proposal, &mallory)?;
    assert_eq!(created.len(), 4, "registry, library, implementation and proxy");
    let vault = *created.last().ok_or("a vault")?;
    deposit(scene, &mallory, vault)?;
    let says = format!("vault/proxy stands at {vault} already, and may have been used: it logged");
    let verified = scene.run("eva", &["verify", "mainnet"], 30)?;
    let signed = scene.person("o3").run(&scene.signing(&proposal))?.expect_code(0)?;
    for told in [verified, signed] {
        let told = said(&told).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&says) && told.contains("its creation logs"), "{told}");
        assert!(!told.contains("registry stands at"), "created, and not used: {told}");
    }
    let crowded = executed(scene, &proposal)?;

    assert_eq!(crowded.contracts, alone.contracts);
    assert_eq!(crowded.deployment, alone.deployment);
    assert!(crowded.gas < alone.gas, "{} and {}", crowded.gas, alone.gas);
    let assets = scene.world.mainnet.call(vault, &totalAssetsCall {}.abi_encode().into())?;
    assert_eq!(U256::from_be_slice(&assets), U256::from(DEPOSIT_UNITS), "and it kept its deposit");
    Ok(())
}

fn a_proposal_that_somebody_executed_already_is_done(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let relayer = actor_address("relayer");
    let mut chains = Chains::save(scene.world)?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    let head = scene.world.mainnet.latest()?.block;
    let nonce = scene.nonce(&scene.world.mainnet, relayer)?;
    let raw = scene.world.mainnet.rpc(
        "eth_getTransactionBySenderAndNonce",
        serde_json::json!([relayer, alloy_primitives::U64::from(nonce - 1)]),
    )?;
    let input: Bytes = serde_json::from_value(raw["input"].clone())?;

    // Again, by whoever has it from git; and a policy that was adopted long ago.
    for hash in [&proposal, &adoption(scene)?] {
        let again = scene.done("ops", &["proposal", "execute", hash])?;
        assert!(said(&again).contains("executed already"), "{again:?}");
    }
    assert_eq!(scene.world.mainnet.latest()?.block, head, "nothing was sent");
    scene.world.settle()?;
    scene.run("eva", &["status", "--check"], 0)?;

    // By a stranger, who found the signatures, in their own transaction.
    chains.restore(scene.world)?;
    let mallory = actor("mallory");
    scene.world.mainnet.set_balance(mallory.address(), U256::from(WEI_PER_ETHER))?;
    scene.world.mainnet.send(&mallory, Some(scene.world.safe), input, U256::ZERO)?;
    let done = scene.done("ops", &["proposal", "execute", &proposal])?;
    assert!(said(&done).contains("executed already"), "{done:?}");
    assert!(said(&done).contains("vault-1.4.0 is promoted to mainnet"), "{done:?}");
    assert_eq!(scene.nonce(&scene.world.mainnet, relayer)?, nonce - 1);
    Ok(())
}

/// What an execution left on the chain.
struct Executed {
    contracts: Value,
    deployment: Value,
    gas: u64,
}

fn executed(scene: &Scene<'_>, proposal: &str) -> Result<Executed, Failed> {
    let ran = scene.done("ops", &["proposal", "execute", proposal, "--json"])?;
    let deployment = ran.json()?["deployment"].clone();
    let latest =
        scene.world.mainnet.rpc("eth_getBlockByNumber", serde_json::json!(["latest", false]))?;
    let gas: U256 = serde_json::from_value(latest["gasUsed"].clone())?;
    scene.world.settle()?;
    let verified = scene.run("eva", &["verify", "mainnet", "--json"], 0)?.json()?;
    scene.run("eva", &["status", "--check"], 0)?;
    Ok(Executed { contracts: verified["contracts"].clone(), deployment, gas: gas.to() })
}

/// Creates everything that the proposal's batch creates, through the public CREATE2 proxy.
pub(crate) fn create_all(
    scene: &Scene<'_>,
    proposal: &str,
    who: &PrivateKeySigner,
) -> Result<Vec<Address>, Failed> {
    created_by(scene, proposal, who, |_| true)
}

/// The same of those whose calls have such a note, and where nothing stands yet.
pub(crate) fn created_by(
    scene: &Scene<'_>,
    proposal: &str,
    who: &PrivateKeySigner,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Address>, Failed> {
    let text = scene.read(&format!("deployments/mainnet/proposals/{proposal}.json"))?;
    let proposal: Value = serde_json::from_str(&text)?;
    let mut created = Vec::new();
    let calls = proposal["calls"].as_array().into_iter().flatten();
    for call in calls.filter(|call| is_wanted(call["note"].as_str().unwrap_or_default())) {
        let to: Address = serde_json::from_value(call["to"].clone())?;
        let data: Bytes = serde_json::from_value(call["data"].clone())?;
        // Under `fresh` the batch itself calls the proxy.
        let data = match createOnceCall::abi_decode(&data) {
            Ok(creation) if to == helper::address() => {
                [creation.salt.as_slice(), &creation.initCode].concat()
            }
            _ if to == safe::DETERMINISTIC_PROXY => data.to_vec(),
            _ => continue,
        };
        let (salt, code) = data.split_first_chunk::<32>().ok_or("a salt")?;
        let address = safe::DETERMINISTIC_PROXY.create2_from_code(salt, code);
        let mainnet = &scene.world.mainnet;
        if !mainnet.code(address)?.is_empty() {
            continue;
        }
        mainnet.send(who, Some(safe::DETERMINISTIC_PROXY), data, U256::ZERO)?;
        assert!(!mainnet.code(address)?.is_empty(), "{address}");
        created.push(address);
    }
    Ok(created)
}

pub(crate) fn deposit(scene: &Scene<'_>, who: &PrivateKeySigner, vault: Address) -> Outcome {
    let amount = U256::from(DEPOSIT_UNITS);
    let (usdc, me) = (scene.world.usdc, who.address());
    let calls = [
        (usdc, mintCall { to: me, amount }.abi_encode()),
        (usdc, approveCall { spender: vault, value: amount }.abi_encode()),
        (vault, depositCall { assets: amount, receiver: me }.abi_encode()),
    ];
    for (to, data) in calls {
        scene.world.mainnet.send(who, Some(to), data, U256::ZERO)?;
    }
    Ok(())
}

/// The proposal by which the policy was adopted.
fn adoption(scene: &Scene<'_>) -> Result<String, Failed> {
    let listed = scene.run("eva", &["proposal", "list", "--json"], 0)?.json()?;
    let used = listed["proposals"].as_array().into_iter().flatten();
    let mut hashes =
        used.filter(|row| row["nonce"] == 0).filter_map(|row| row["safeTxHash"].as_str());
    Ok(hashes.next().ok_or("an adopted policy")?.to_owned())
}
