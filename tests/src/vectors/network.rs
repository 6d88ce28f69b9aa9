//! A release on a network: salts, addresses, deployment, policy, evidence and anchor.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, address, bytes, keccak256};
use serde_json::{Value, json};
use tidegate_model::digest::{create2_salt, project_id};
use tidegate_model::policy::{
    External, Person, PolicyDoc, PolicyParam, SafeTrust, SoakNetwork,
};
use tidegate_model::record::{Deployment, anchor_calldata};
use tidegate_model::{
    BlockRef, ChainId, DeploymentDigest, Fqn, GateInput, NetworkId, StatementDigest,
};
use tidegate_plan::{CREATE2_PROXY, Executor, OpKind, ResolveContext, Resolved, resolve};
use tidegate_safe::EvidenceItems;

use super::release::{MATH, PROXY, REGISTRY, VAULT, release};
use super::vector;

pub(super) const SAFE: Address = address!("E1f5498A6D5D4aE82e420C256dA066743CA4b7d9");
pub(super) const TARGET: NetworkId =
    NetworkId { chain: ChainId(1), genesis: B256::repeat_byte(0x31) };
const SOAK: NetworkId =
    NetworkId { chain: ChainId(11_155_111), genesis: B256::repeat_byte(0x32) };
const DEPLOYER: Address = address!("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
const USDC: Address = address!("fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359");
const DEPLOYMENT_ID: u64 = 7;

pub(super) fn vectors() -> Vec<Value> {
    let deployment = deployment();
    let digest = deployment.digest().unwrap();
    let mut vectors = creations();
    vectors.push(published_proxy());
    vectors.extend([
        vector(
            "deploymentDigest",
            "jcs",
            json!(deployment),
            json!({"digest": digest, "links": {
                "buildDigest": "buildDigest",
                "steps.registry.address": "create2: registry#address",
                "steps.vault.address": "create2: vault/proxy#address",
                "steps.vault.implementation": "create2: vault/implementation#address",
            }}),
        ),
        vector(
            "project",
            "words",
            json!([{"number": "1"}, {"address": SAFE}, {"string": "vault"}]),
            json!({"digest": project_id(TARGET.chain, SAFE, "vault")}),
        ),
        policy("policyDigest", &policy_doc()),
        policy("policyDigest with least keys", &least_policy()),
        evidence(),
        anchor(digest),
    ]);
    vectors
}

fn resolved() -> Resolved {
    let written = [
        ("owner", json!("@deployer")),
        ("vault_cap", json!("250e18")),
        ("fee", json!(30)),
        ("title", json!("Größe \u{1f600}")),
    ];
    let context = ResolveContext {
        executor: Executor::Key(DEPLOYER),
        deployer: Some(DEPLOYER),
        safe: None,
        deployment_id: DEPLOYMENT_ID,
        externals: BTreeMap::from([("usdc".to_owned(), USDC)]),
        params: written.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    };
    resolve(&release(), &context).unwrap()
}

/// A creation as the plan makes it, in other words: what enters its salt, and its arguments.
struct Creation {
    op: &'static str,
    fqn: &'static str,
    step: &'static str,
    label: &'static str,
    types: Value,
    args: Value,
}

fn creations() -> Vec<Value> {
    let resolved = resolved();
    let place = |step: &str| resolved.places[step].clone();
    let init_types = json!(["address", "address", "uint256", "address"]);
    let init = [
        Bytes::copy_from_slice(&keccak256("initialize(address,address,uint256,address)")[..4]),
        place("registry").address.into_word().into(),
        USDC.into_word().into(),
        U256::from(250_000_000_000_000_000_000_u128).to_be_bytes::<32>().into(),
        DEPLOYER.into_word().into(),
    ];
    assert_eq!(init_types.as_array().map(Vec::len), Some(init.len() - 1));
    let lib = const_format_lib();
    let expected = [
        Creation {
            op: "registry",
            fqn: REGISTRY,
            step: "registry",
            label: "second",
            types: json!(["address", "uint16", "string", "int256[]"]),
            args: json!([DEPLOYER, "30", "Größe \u{1f600}",
                ["-1", "0", "1000000000000000000000"]]),
        },
        Creation {
            op: lib,
            fqn: MATH,
            step: lib,
            label: "",
            types: json!([]),
            args: json!([]),
        },
        Creation {
            op: "vault/implementation",
            fqn: VAULT,
            step: "vault",
            label: "",
            types: json!(["bytes4"]),
            args: json!(["0xdeadbeef"]),
        },
        Creation {
            op: "vault/proxy",
            fqn: PROXY,
            step: "vault",
            label: "",
            types: json!(["address", "bytes"]),
            args: json!([place("vault").implementation, Bytes::from(init.concat())]),
        },
    ];
    assert_eq!(resolved.creations().count(), expected.len());
    expected.iter().flat_map(|creation| creation_vectors(&resolved, creation)).collect()
}
