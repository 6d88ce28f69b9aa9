//! Which functions count as use of a release.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::{Function, JsonAbi, StateMutability};
use alloy_primitives::{Address, Selector};
use tidegate_chain::{Receipt, Transaction};

/// A contract of the plan, with the functions whose calls count.
#[derive(Debug, Clone)]
pub struct CountedContract {
    /// The address that callers use: the proxy's, where there is one.
    pub address: Address,
    /// Each counted function's name, as `Contract.function`, by selector.
    pub functions: BTreeMap<Selector, String>,
    /// Those of them that emit no event.
    pub eventless: BTreeSet<Selector>,
}

/// The contract's address and the function that a transaction called, or the reason why its hash
/// alone shows no use. There need be no event to show that anything was done, so what it called has
/// to count as a function.
///
/// # Errors
/// That reason.
pub fn called_function(
    contracts: &[CountedContract],
    sent: Option<(&Transaction, &Receipt)>,
) -> Result<(Address, Selector), &'static str> {
    let (tx, receipt) = sent.ok_or("the network has no such transaction")?;
    if !receipt.status {
        return Err("it reverted");
    }
    let contract = contracts.iter().find(|contract| tx.to == Some(contract.address));
    let contract = contract.ok_or("it is sent to no contract of the release")?;
    let selector = tx.input.get(..4).and_then(|start| Selector::try_from(start).ok());
    let selector = selector.filter(|selector| contract.functions.contains_key(selector));
    Ok((contract.address, selector.ok_or("it calls no function that counts")?))
}

/// Functions that administer rather than use; they never count.
const ADMINISTRATION: [&str; 18] = [
    "acceptDefaultAdminTransfer",
    "acceptOwnership",
    "beginDefaultAdminTransfer",
    "cancelDefaultAdminTransfer",
    "changeAdmin",
    "changeDefaultAdminDelay",
    "grantRole",
    "initialize",
    "reinitialize",
    "renounceOwnership",
    "renounceRole",
    "revokeRole",
    "rollbackDefaultAdminDelay",
    "setRoleAdmin",
    "transferOwnership",
    "upgradeAndCall",
    "upgradeTo",
    "upgradeToAndCall",
];

/// The state-changing functions of a contract that count: all but initialisers, upgrades, role
/// and ownership functions, functions that a plan step calls, and those the policy ignores.
pub fn counted_functions(
    contract: &str,
    abi: &JsonAbi,
    called_by_plan: &BTreeSet<String>,
    ignored: &[String],
) -> BTreeMap<Selector, String> {
    let changes_state = |function: &&Function| {
        matches!(function.state_mutability, StateMutability::NonPayable | StateMutability::Payable)
    };
    abi.functions()
        .filter(changes_state)
        .filter(|function| !ADMINISTRATION.contains(&function.name.as_str()))
        .filter(|function| !called_by_plan.contains(&function.signature()))
        .map(|function| (function.selector(), format!("{contract}.{}", function.name)))
        .filter(|(_, name)| !ignored.contains(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administration_and_the_plans_own_calls_do_not_count() {
        let abi = JsonAbi::parse([
            "function deposit(uint256)",
            "function initialize(address)",
            "function grantRole(bytes32,address)",
            "function register(address)",
            "function sweep()",
            "function total() view returns (uint256)",
        ])
        .unwrap();
        let plan = BTreeSet::from(["register(address)".to_owned()]);
        let counted = counted_functions("Vault", &abi, &plan, &["Vault.sweep".to_owned()]);
        assert_eq!(counted.into_values().collect::<Vec<_>>(), ["Vault.deposit"]);
    }
}
