//! Calls that change who controls what, named in words wherever they occur.

use std::sync::LazyLock;

use alloy_json_abi::Function;
use alloy_primitives::Selector;

/// A call that a signer must not overlook.
#[derive(Debug, Clone)]
pub struct Sensitive {
    /// The function.
    pub function: Function,
    /// What it does, as the end of the sentence "this call …".
    pub does: &'static str,
}

const SENSITIVE: [(&str, &str); 24] = [
    ("addOwnerWithThreshold(address owner, uint256 threshold)", "adds an owner to the Safe"),
    (
        "removeOwner(address prevOwner, address owner, uint256 threshold)",
        "removes an owner from the Safe",
    ),
    (
        "swapOwner(address prevOwner, address oldOwner, address newOwner)",
        "replaces an owner of the Safe",
    ),
    ("changeThreshold(uint256 threshold)", "changes how many owners must sign"),
    ("enableModule(address module)", "lets a module act for the Safe without signatures"),
    ("disableModule(address prevModule, address module)", "disables a module of the Safe"),
    ("setGuard(address guard)", "changes the Safe's transaction guard"),
    ("setModuleGuard(address moduleGuard)", "changes the Safe's module guard"),
    ("setFallbackHandler(address handler)", "changes the Safe's fallback handler"),
    (
        "execTransactionFromModule(address to, uint256 value, bytes data, uint8 operation)",
        "acts for a Safe as a module",
    ),
    (
        "execTransaction(address to, uint256 value, bytes data, uint8 operation, \
         uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, \
         address refundReceiver, bytes signatures)",
        "executes a transaction of a Safe",
    ),
    ("approveHash(bytes32 hashToApprove)", "approves another Safe's transaction for ever"),
    ("signMessage(bytes data)", "signs a message as the Safe"),
    ("multiSend(bytes transactions)", "runs another batch"),
    ("upgradeTo(address newImplementation)", "upgrades a proxy"),
    ("upgradeToAndCall(address newImplementation, bytes data)", "upgrades a proxy"),
    ("upgradeAndCall(address proxy, address implementation, bytes data)", "upgrades a proxy"),
    ("changeAdmin(address newAdmin)", "changes a proxy's admin"),
    ("transferOwnership(address newOwner)", "gives ownership away"),
    ("renounceOwnership()", "gives ownership up"),
    ("grantRole(bytes32 role, address account)", "grants a role"),
    ("revokeRole(bytes32 role, address account)", "takes a role away"),
    ("renounceRole(bytes32 role, address account)", "gives a role up"),
    (
        "adoptPolicy(bytes32 project, bytes32 digest, uint64 version, uint256 before)",
        "adopts a promotion policy",
    ),
];

static TABLE: LazyLock<Vec<Sensitive>> = LazyLock::new(|| {
    let parse = |(text, does): (&str, &'static str)| {
        let function = Function::parse(text).expect("the table's signatures parse");
        Sensitive { function, does }
    };
    SENSITIVE.map(parse).into()
});

/// What a call with this selector does, if it belongs to those that change who controls what. A
/// selector is four bytes: another function may share it, so this warns and never excuses.
pub fn sensitive(selector: Selector) -> Option<&'static Sensitive> {
    TABLE.iter().find(|entry| entry.function.selector() == selector)
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
        assert!(sensitive(hex!("a9059cbb").into()).is_none());
    }
}
