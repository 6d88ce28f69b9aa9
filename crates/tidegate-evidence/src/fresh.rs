//! Contracts that stand on a target before the Safe creates them, and whether somebody used them.
//!
//! Whoever creates a contract first can change neither its code nor what its constructor leaves;
//! what anybody does with it afterwards is not the release's.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use tidegate_chain::{LogQuery, Network, ReadError};
use tidegate_model::Head;
use tidegate_model::units::counted;

/// The most slots of one contract that are compared.
const SLOTS_MAX: usize = 256;

/// A contract as local execution leaves it right after its creation.
#[derive(Debug, Clone)]
pub struct Untouched {
    /// Its name, for people.
    pub label: String,
    pub address: Address,
    pub nonce: u64,
    /// Its balance, in wei.
    pub balance: U256,
    /// The number of events that it logged.
    pub logs: usize,
    /// Its slots, without those that depend on when it is created.
    pub slots: BTreeMap<U256, U256>,
    /// Whether that is all of its storage.
    pub is_all: bool,
}

/// Traces of use of contracts that stand there before the plan runs, one sentence each. Contracts
/// that do not stand there are skipped.
///
/// # Errors
/// If the chain cannot be read.
pub async fn used_before(
    network: &Network,
    head: Head,
    contracts: &[Untouched],
) -> Result<Vec<String>, ReadError> {
    let mut used = Vec::new();
    for contract in contracts {
        if network.code(contract.address, head.block).await?.is_empty() {
            continue;
        }
        let signs = signs(network, head, contract).await?;
        if !signs.is_empty() {
            let Untouched { label, address, .. } = contract;
            let signs = signs.join(", ");
            used.push(format!(
                "{label} stands at {address} already, and may have been used: {signs}"
            ));
        }
    }
    Ok(used)
}

async fn signs(
    network: &Network,
    head: Head,
    contract: &Untouched,
) -> Result<Vec<String>, ReadError> {
    let (address, at) = (contract.address, head.block);
    let mut signs = Vec::new();
    let nonce = network.nonce(address, at).await?;
    if nonce != contract.nonce {
        signs.push(format!("its nonce is {nonce}, its creation leaves {}", contract.nonce));
    }
    let balance = network.balance(address, at).await?;
    if balance != contract.balance {
        signs.push(format!("it holds {balance} wei, its creation leaves {}", contract.balance));
    }
    let from = network.first_block_of(address, head).await;
    let query =
        LogQuery { addresses: vec![address], topics: Vec::new(), from, to: head.block.number };
    match network.logs(&query).await {
        Ok(logs) if logs.len() == contract.logs => {}
        Ok(logs) => signs.push(format!(
            "it logged {}, its creation logs {}",
            counted(logs.len(), "event"),
            contract.logs
        )),
        Err(error) => signs.push(format!("what it logged cannot be read: {error}")),
    }
    signs.extend(changed_slots(network, head, contract).await?);
    Ok(signs)
}

/// Slots that hold something else; or, where the chain's roots say so, that other slots do.
async fn changed_slots(
    network: &Network,
    head: Head,
    contract: &Untouched,
) -> Result<Vec<String>, ReadError> {
    let Untouched { address, slots, .. } = contract;
    // Development nodes keep entries of zeros in their roots.
    let has_roots = contract.is_all && !network.id().chain.is_simulated();
    let proven = match has_roots {
        true => network.proven_account(*address, head.block).await.ok(),
        false => None,
    };
    let words = slots.iter().map(|(slot, value)| (B256::from(*slot), *value));
    if proven.is_some_and(|account| account.holds_exactly(words)) {
        return Ok(Vec::new());
    }
    let mut changed = Vec::new();
    for (slot, left) in slots.iter().take(SLOTS_MAX) {
        let found = network.storage(*address, *slot, head.block).await?;
        if found != *left {
            let [found, left] = [found, *left].map(B256::from);
            changed.push(format!("slot {slot:#x} holds {found}, its creation leaves {left}"));
        }
    }
    if proven.is_some() && changed.is_empty() {
        changed.push("slots that its creation does not write hold something".to_owned());
    }
    Ok(changed)
}
