//! The last screen: what stands where, what it cost, and what it rests on.

use alloy_primitives::utils::format_ether;
use alloy_primitives::{Address, B256, U256, keccak256};
use serde_json::Value;
use tidegate_testkit::{Receipt, World};

use super::people::People;
use super::shell::{heading, quiet};
use super::story::End;
use crate::error::{XtaskError, XtaskResult};
use crate::terminal::say;

const DAY_SECS: u64 = 86_400;
const HASH_DIGITS_SHOWN: usize = 8;

/// Reads everything back and shows it.
pub(super) fn show(world: &World, people: &People, end: &End) -> XtaskResult {
    heading("What came of it");
    contracts(people)?;
    say("");
    costs(world, end)?;
    say("");
    rests_on(world, end)
}

/// Each contract with its address and code hash, first on the testnet, then on mainnet.
fn contracts(people: &People) -> XtaskResult {
    let mainnet = verified(people, "mainnet")?;
    let testnet = verified(people, "testnet")?;
    say(line("contract", "chain", "address", "code"));
    for contract in &mainnet {
        let name = text(&contract["name"], "a contract's name")?;
        let soaked = testnet.iter().find(|other| other["name"] == contract["name"]);
        let chains = soaked.map(|soaked| ("testnet", soaked));
        let chains = chains.into_iter().chain([("mainnet", contract)]);
        for (index, (chain, row)) in chains.enumerate() {
            let hash = text(&row["found"], "a code hash")?;
            let digits = hash.trim_start_matches("0x").get(..HASH_DIGITS_SHOWN).unwrap_or(hash);
            let shown = if index == 0 { name } else { "" };
            let address: Option<Address> = text(&row["address"], "an address")?.parse().ok();
            let address = address.ok_or_else(|| XtaskError::Missing("an address".to_owned()))?;
            say(line(shown, chain, &address.to_string(), digits));
        }
    }
    Ok(())
}

fn line(name: &str, chain: &str, address: &str, hash: &str) -> String {
    format!("{name:<20} {chain:<7} {address:<42} {hash}")
}

fn verified(people: &People, network: &str) -> XtaskResult<Vec<Value>> {
    let document = quiet(&people.eva, &["verify", network, "--json"])?.json()?;
    let rows = document["contracts"].as_array().cloned();
    rows.ok_or_else(|| XtaskError::Missing(format!("the contracts on {network}")))
}

/// Gas and fees: the deployment's transactions on the testnet, the Safe's one on mainnet.
fn costs(world: &World, end: &End) -> XtaskResult {
    let missing = || XtaskError::Missing("transactions of the record".to_owned());
    let transactions = end.record["transactions"].as_array().ok_or_else(missing)?;
    let gas: u64 = transactions.iter().filter_map(|one| one["gasUsed"].as_u64()).sum();
    let fee = transactions.iter().filter_map(|one| one["fee"].as_str()?.parse::<U256>().ok());
    let fee: U256 = fee.fold(U256::ZERO, |sum, one| sum + one);
    row("testnet", &format!("{} transactions, {}", transactions.len(), cost(gas, fee)));
    let executed = execution(world, end)?;
    let fee = U256::from(executed.gas_used) * U256::from(executed.effective_gas_price);
    row("mainnet", &format!("1 Safe transaction, {}", cost(executed.gas_used, fee)));
    Ok(())
}

fn cost(gas: u64, fee: U256) -> String {
    format!("{gas} gas, {} ETH", format_ether(fee))
}

/// The receipt of the transaction that executed the proposal: the Safe itself must say so.
fn execution(world: &World, end: &End) -> XtaskResult<Receipt> {
    let missing = |what: &str| XtaskError::Missing(what.to_owned());
    let hash: B256 = end.execution.parse().map_err(|_| missing("the execution's hash"))?;
    let receipt = world.mainnet.receipt(hash)?.ok_or_else(|| missing("the execution's receipt"))?;
    let success = keccak256("ExecutionSuccess(bytes32,uint256)");
    let said = receipt.logs.iter().any(|log| {
        log.address == world.safe
            && log.topics().first() == Some(&success)
            && log.topics().get(1).is_some_and(|hash| hash.to_string() == end.safe_tx)
    });
    if said { Ok(receipt) } else { Err(missing("the Safe's ExecutionSuccess event")) }
}

fn rests_on(world: &World, end: &End) -> XtaskResult {
    let soak = &end.status["soak"];
    let credited = soak["creditedSecs"].as_u64();
    let credited = credited.ok_or_else(|| XtaskError::Missing("the soak's age".to_owned()))?;
    row("soaked", &format!("{} days of chain time on {}", credited / DAY_SECS, soak["network"]));
    let count = |what: &str| soak[what].as_array().map_or(0, Vec::len);
    let (called, uncalled) = (count("called"), count("uncalled"));
    row(
        "used",
        &format!(
            "{} transactions by {} outsiders over {called} of {} functions",
            soak["transactions"],
            count("senders"),
            called + uncalled
        ),
    );
    let gates = end.status["gates"].as_array();
    let audits = gates.and_then(|gates| gates.iter().find(|gate| gate["gate"] == "audits"));
    let audits = audits.ok_or_else(|| XtaskError::Missing("the gate `audits`".to_owned()))?;
    row("audited", text(&audits["summary"], "the auditors")?);
    row("Safe", &format!("{} on chain {}", world.safe, world.mainnet.chain_id()));
    row("safeTxHash", &end.safe_tx);
    row("executed", &end.execution);
    Ok(())
}

fn row(label: &str, value: &str) {
    say(format!("{label:<11} {}", value.replace('"', "")));
}

fn text<'a>(value: &'a Value, what: &str) -> XtaskResult<&'a str> {
    value.as_str().ok_or_else(|| XtaskError::Missing(what.to_owned()))
}
