//! ERC-1167 minimal proxies. No compiler makes them, so their artifact is written here.

use std::collections::BTreeMap;

use alloy_json_abi::{Constructor, JsonAbi, Param, StateMutability};
use alloy_primitives::{Bytes, hex, keccak256};
use serde_json::json;
use tidegate_model::Fqn;
use tidegate_model::release::{Artifact, Code, Span};

/// The name under which minimal proxies have a code scope.
pub const MINIMAL_PROXY: &str = "eip1167:MinimalProxy";

/// Runs the initialiser by `DELEGATECALL`, unless it is empty, and returns the code of ERC-1167.
/// It expects `abi.encode(implementation, init)` behind itself, and fails as the initialiser does.
/// It fails without an implementation, where the initialiser would do nothing and succeed: else
/// whoever creates it first could initialise it afterwards.
const CREATION: [u8; 110] = hex!(
    "606e3803606e600039" // the arguments to memory
    "6000513b601557" // with code at the implementation's address, go on at 0x15
    "60006000fd" // fail
    "5b60405115603857" // 0x15: without an initialiser, go on at 0x38
    "6000600060405160606000515af4603857" // run it in the proxy's context
    "3d600060003e3d6000fd" // where it fails, fail with what it says
    "5b60005160601b" // 0x38: the implementation's address
    "69363d3d373d3d3d363d7360b01b600052600a52" // the code's first part, and the address
    "6e5af43d82803e903d91602b57fd5bf360881b601e52" // its last part
    "602d6000f3" // return it
);

/// The runtime code, with zeros for the implementation's address.
const RUNTIME: [u8; 45] = hex!(
    "363d3d373d3d3d363d7300000000000000000000000000000000000000005af43d82803e903d91602b57fd5bf3"
);

/// The artifact of a minimal proxy, with the constructor `(address implementation, bytes init)`.
pub fn minimal_proxy() -> Artifact {
    let input = |ty: &str, name: &str| Param {
        ty: ty.to_owned(),
        name: name.to_owned(),
        components: Vec::new(),
        internal_type: None,
    };
    let constructor = Constructor {
        inputs: vec![input("address", "implementation"), input("bytes", "init")],
        state_mutability: StateMutability::NonPayable,
    };
    let code = |object: &[u8]| Code {
        object: Bytes::copy_from_slice(object),
        links: BTreeMap::new(),
        metadata: Vec::new(),
    };
    let implementation = vec![Span { start: 10, length: 20 }];
    Artifact {
        fqn: Fqn(MINIMAL_PROXY.to_owned()),
        abi: JsonAbi { constructor: Some(constructor), ..JsonAbi::new() },
        creation: code(&CREATION),
        runtime: code(&RUNTIME),
        immutables: BTreeMap::from([("MinimalProxy.implementation".to_owned(), implementation)]),
        layout_notes: Default::default(),
        functions: Default::default(),
        upgrades_from: None,
        hazards: None,
        sources: BTreeMap::from([("eip1167".to_owned(), keccak256(CREATION))]),
        layout: json!({"items": [], "namespaces": []}),
        profile: json!({"compiler": "none", "language": "EVM"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_constructor_takes_what_stands_behind_it_and_the_initialiser() {
        let constructor = minimal_proxy().abi.constructor.unwrap();
        let types: Vec<_> = constructor.inputs.iter().map(|input| input.ty.as_str()).collect();
        assert_eq!(types, ["address", "bytes"]);
    }
}
