//! Proxies that are created without their initialiser: whoever calls it first owns them.

use std::collections::BTreeMap;

use alloy_json_abi::{JsonAbi, StateMutability};
use tidegate_model::Fqn;
use tidegate_model::plan::{Invocation, Plan};
use tidegate_model::release::Artifact;

/// The initialiser of a contract that anybody may call behind a proxy where nobody has: a function
/// that changes something, named `initialize`, `init`, or longer in the ways of these.
pub(crate) fn initializer(abi: &JsonAbi) -> Option<String> {
    let mut functions = abi.functions().filter(|function| changes(function.state_mutability));
    functions.find(|function| is_name(&function.name)).map(|function| function.signature())
}

pub(crate) fn changes(of: StateMutability) -> bool {
    matches!(of, StateMutability::NonPayable | StateMutability::Payable)
}

/// Whether a function may be an initialiser, of whatever version of its contract.
pub(crate) fn is_open_name(name: &str) -> bool {
    let again = name.strip_prefix("re").unwrap_or(name);
    is_name(again) || ["setup", "setUp"].contains(&name)
}

/// Whether what runs in a proxy's creation is an initialiser: after any other function, whoever
/// comes first may still call it.
pub(crate) fn initializes(init: Option<&Invocation>) -> bool {
    let name = init.and_then(|init| init.signature.split('(').next());
    name.is_some_and(is_name)
}

fn is_name(name: &str) -> bool {
    if name == "initializer" {
        return true;
    }
    let rest = name.strip_prefix("initialize").or_else(|| name.strip_prefix("init"));
    // `initial…` and `initiate…` are other words.
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
}

/// The steps of a plan whose proxies nobody initialises, with the function that anybody may call.
pub fn uninitialized(plan: &Plan, artifacts: &BTreeMap<Fqn, Artifact>) -> Vec<(String, String)> {
    let created = plan.steps.iter().filter_map(|step| Some((&step.name, step.as_create()?)));
    let without = created.filter(|(_, create)| {
        create.proxy.as_ref().is_some_and(|proxy| !initializes(proxy.init.as_ref()))
    });
    let open = without.filter_map(|(name, create)| {
        Some((name.clone(), initializer(&artifacts.get(&create.contract)?.abi)?))
    });
    open.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialisers_are_known_by_their_names() {
        for (function, expected) in [
            ("function initialize(address owner)", true),
            ("function initializeV2()", true),
            ("function initialize_2() payable", true),
            ("function init(uint256 cap)", true),
            ("function initPool()", true),
            ("function initializer()", true),
            ("function initializers()", false),
            ("function init() view returns (uint256)", false),
            ("function initialized() view returns (bool)", false),
            ("function initiate(address of)", false),
            ("function initialPrice(uint256 to)", false),
            ("function reinitialize()", false),
        ] {
            let abi = JsonAbi::parse([function]).unwrap();
            assert_eq!(initializer(&abi).is_some(), expected, "{function}");
        }
    }
}
