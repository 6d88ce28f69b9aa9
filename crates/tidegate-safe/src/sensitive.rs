//! Calls that change who controls what, named in words wherever they occur.

use std::sync::LazyLock;

use alloy_json_abi::Function;
use alloy_primitives::Selector;

use crate::warning::Warning;

/// A call that a signer must not overlook.
#[derive(Debug, Clone)]
pub struct Sensitive {
    pub function: Function,
    pub warning: Warning,
}

const SENSITIVE: [(&str, Warning); 45] = [
    ("addOwnerWithThreshold(address owner, uint256 threshold)", Warning::AddsOwner),
    ("removeOwner(address prevOwner, address owner, uint256 threshold)", Warning::RemovesOwner),
    ("swapOwner(address prevOwner, address oldOwner, address newOwner)", Warning::ReplacesOwner),
    ("changeThreshold(uint256 threshold)", Warning::ChangesThreshold),
    ("enableModule(address module)", Warning::EnablesModule),
    ("disableModule(address prevModule, address module)", Warning::DisablesModule),
    ("setGuard(address guard)", Warning::ChangesGuard),
    ("setModuleGuard(address moduleGuard)", Warning::ChangesModuleGuard),
    ("setFallbackHandler(address handler)", Warning::ChangesHandler),
    (
        "execTransactionFromModule(address to, uint256 value, bytes data, uint8 operation)",
        Warning::ActsAsModule,
    ),
    (
        "execTransactionFromModuleReturnData(address to, uint256 value, bytes data, \
         uint8 operation)",
        Warning::ActsAsModule,
    ),
    (
        "execTransaction(address to, uint256 value, bytes data, uint8 operation, \
         uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, \
         address refundReceiver, bytes signatures)",
        Warning::ExecutesSafeTransaction,
    ),
    ("approveHash(bytes32 hashToApprove)", Warning::ApprovesHash),
    ("signMessage(bytes message)", Warning::SignsMessage),
    ("multiSend(bytes transactions)", Warning::RunsCalls),
    ("multicall(bytes[] data)", Warning::RunsCalls),
    ("functionCall(address target, bytes data)", Warning::RunsCalls),
    (
        "execute(address target, uint256 value, bytes payload, bytes32 predecessor, \
         bytes32 salt)",
        Warning::RunsCalls,
    ),
    (
        "executeBatch(address[] targets, uint256[] values, bytes[] payloads, \
         bytes32 predecessor, bytes32 salt)",
        Warning::RunsCalls,
    ),
    ("execute(address target, uint256 value, bytes data)", Warning::RunsCalls),
    (
        "schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, \
         uint256 delay)",
        Warning::SchedulesCalls,
    ),
    (
        "scheduleBatch(address[] targets, uint256[] values, bytes[] payloads, \
         bytes32 predecessor, bytes32 salt, uint256 delay)",
        Warning::SchedulesCalls,
    ),
    (
        "propose(address[] targets, uint256[] values, bytes[] calldatas, string description)",
        Warning::SchedulesCalls,
    ),
    ("upgradeTo(address newImplementation)", Warning::UpgradesProxy),
    ("upgradeToAndCall(address newImplementation, bytes data)", Warning::UpgradesProxy),
    ("upgrade(address proxy, address implementation)", Warning::UpgradesProxy),
    ("upgradeAndCall(address proxy, address implementation, bytes data)", Warning::UpgradesProxy),
    ("changeAdmin(address newAdmin)", Warning::ChangesProxyAdmin),
    ("changeProxyAdmin(address proxy, address newAdmin)", Warning::ChangesProxyAdmin),
    ("setAdmin(address admin)", Warning::ChangesProxyAdmin),
    ("transferOwnership(address newOwner)", Warning::GivesOwnershipAway),
    ("setOwner(address owner)", Warning::GivesOwnershipAway),
    ("setAuthority(address authority)", Warning::GivesOwnershipAway),
    ("beginDefaultAdminTransfer(address newAdmin)", Warning::GivesOwnershipAway),
    ("renounceOwnership()", Warning::GivesOwnershipUp),
    ("grantRole(bytes32 role, address account)", Warning::GrantsRole),
    ("revokeRole(bytes32 role, address account)", Warning::TakesRoleAway),
    ("renounceRole(bytes32 role, address account)", Warning::GivesRoleUp),
    ("setRoleAdmin(bytes32 role, bytes32 adminRole)", Warning::ChangesRoleAdmin),
    ("approve(address spender, uint256 value)", Warning::LetsSpend),
    ("increaseAllowance(address spender, uint256 addedValue)", Warning::LetsSpend),
    ("setApprovalForAll(address operator, bool approved)", Warning::LetsSpend),
    ("transfer(address to, uint256 value)", Warning::MovesTokens),
    ("transferFrom(address from, address to, uint256 value)", Warning::MovesTokens),
    (
        "adoptPolicy(bytes32 project, bytes32 digest, uint64 version, uint256 before)",
        Warning::AdoptsPolicy,
    ),
];

/// Names of arguments that are themselves calls, in the functions of the table.
const CARRIED: [&str; 5] = ["data", "payload", "payloads", "calldatas", "transactions"];

static TABLE: LazyLock<Vec<Sensitive>> = LazyLock::new(|| {
    let parse = |(text, warning): (&str, Warning)| {
        let function = Function::parse(text).expect("the table's signatures parse");
        Sensitive { function, warning }
    };
    SENSITIVE.map(parse).into()
});

/// Every function of the table.
#[cfg(test)]
pub(crate) fn table() -> &'static [Sensitive] {
    &TABLE
}

/// The sensitive function with this selector, if there is one: it changes who controls what.
/// Another function may share the four bytes, so this warns and never excuses.
pub fn sensitive(selector: Selector) -> Option<&'static Sensitive> {
    TABLE.iter().find(|entry| entry.function.selector() == selector)
}

impl Sensitive {
    /// Whether the n-th argument is a call, or a list of calls, that is made.
    pub(crate) fn carries(&self, index: usize) -> bool {
        let input = self.function.inputs.get(index);
        input.is_some_and(|input| CARRIED.contains(&input.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn selectors_of_the_research_note() {
        let cases = [
            (hex!("0d582f13"), "addOwnerWithThreshold"),
            (hex!("f8dc5dd9"), "removeOwner"),
            (hex!("e318b52b"), "swapOwner"),
            (hex!("694e80c3"), "changeThreshold"),
            (hex!("610b5925"), "enableModule"),
            (hex!("e009cfde"), "disableModule"),
            (hex!("e19a9dd9"), "setGuard"),
            (hex!("e068df37"), "setModuleGuard"),
            (hex!("f08a0323"), "setFallbackHandler"),
            (hex!("468721a7"), "execTransactionFromModule"),
            (hex!("6a761202"), "execTransaction"),
            (hex!("d4d9bdcd"), "approveHash"),
            (hex!("85a5affe"), "signMessage"),
            (hex!("8d80ff0a"), "multiSend"),
            (hex!("3659cfe6"), "upgradeTo"),
            (hex!("4f1ef286"), "upgradeToAndCall"),
            (hex!("9623609d"), "upgradeAndCall"),
            (hex!("f2fde38b"), "transferOwnership"),
            (hex!("2f2ff15d"), "grantRole"),
        ];
        for (selector, name) in cases {
            let found = sensitive(selector.into()).map(|entry| entry.function.name.as_str());
            assert_eq!(found, Some(name));
        }
        assert!(sensitive(hex!("70a08231").into()).is_none());
    }
}
