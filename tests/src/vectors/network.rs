//! A release on a network: salts, addresses, deployment, policy, evidence and anchor.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, address, bytes, keccak256};
use alloy_sol_types::SolValue;
use serde_json::{Value, json};
use tidegate_model::digest::{create2_salt, project_id};
use tidegate_model::policy::{
    Existing, External, Person, PersonKey, PolicyDoc, PolicyParam, SafeTrust, SoakNetwork, Treasury,
};
use tidegate_model::record::{Deployment, Found, SlotValue, anchor_calldata};
use tidegate_model::{
    BlockRef, ChainId, DeploymentDigest, Fqn, GateInput, NetworkId, StatementDigest,
};
use tidegate_plan::{
    CREATE2_PROXY, Executor, HELPER, OpKind, ResolveContext, Resolved, Watch, resolve,
};
use tidegate_safe::EvidenceItems;

use super::release::{MATH, PROXY, REGISTRY, VAULT, release};
use super::vector;

pub(super) const SAFE: Address = address!("E1f5498A6D5D4aE82e420C256dA066743CA4b7d9");
pub(super) const TARGET: NetworkId =
    NetworkId { chain: ChainId(1), genesis: B256::repeat_byte(0x31) };
const SOAK: NetworkId = NetworkId { chain: ChainId(11_155_111), genesis: B256::repeat_byte(0x32) };
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
        found(deployment),
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
        existing: BTreeMap::new(),
        params: written.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    };
    resolve(&release(), &context).unwrap()
}

/// A creation as the plan makes it: what enters its salt, and its arguments.
struct Creation {
    op: &'static str,
    fqn: &'static str,
    step: &'static str,
    label: &'static str,
    types: Value,
    args: Value,
    links: Value,
}

/// The step under which the plan's library is created.
const LIBRARY_STEP: &str = "lib:dep:@tidy/math/contracts/Math.sol:Math";

fn creations() -> Vec<Value> {
    let resolved = resolved();
    let initialize = initialize(&resolved);
    let implementation = resolved.places["vault"].implementation;
    let expected = [
        Creation {
            op: "registry",
            fqn: REGISTRY,
            step: "registry",
            label: "second",
            types: json!(["address", "uint16", "string", "int256[]"]),
            args: json!(
                [DEPLOYER, "30", "Größe \u{1f600}", ["-1", "0", "1000000000000000000000"],]
            ),
            links: json!({}),
        },
        Creation {
            op: LIBRARY_STEP,
            fqn: MATH,
            step: LIBRARY_STEP,
            label: "",
            types: json!([]),
            args: json!([]),
            links: json!({}),
        },
        Creation {
            op: "vault/implementation",
            fqn: VAULT,
            step: "vault",
            label: "",
            types: json!(["bytes4"]),
            args: json!(["0xdeadbeef"]),
            links: json!({}),
        },
        Creation {
            op: "vault/proxy",
            fqn: PROXY,
            step: "vault",
            label: "",
            types: json!(["address", "bytes"]),
            args: json!([implementation, initialize["data"]]),
            links: json!({
                "args.0": "create2: vault/implementation#address",
                "args.1": "call: initialize#data",
            }),
        },
    ];
    assert_eq!(resolved.creations().count(), expected.len());
    let mut vectors = vec![initialize, register(&resolved)];
    vectors.extend(expected.into_iter().flat_map(|creation| creation.vectors(&resolved)));
    vectors
}

impl Creation {
    /// The salt, what the helper makes of it for the deployer, and the address that follows from
    /// that and the creation code.
    fn vectors(self, resolved: &Resolved) -> [Value; 3] {
        let created = resolved.ops.iter().find(|op| op.id == self.op).map(|op| &op.kind);
        let Some(OpKind::Create { contract, address, salt, initcode, .. }) = created else {
            panic!("{} creates nothing", self.op)
        };
        assert_eq!(contract.0, self.fqn);
        assert_eq!(*salt, create2_salt("vault", self.step, self.label, DEPLOYMENT_ID));
        let release = release();
        let artifact = release.artifact(&Fqn(self.fqn.to_owned())).unwrap();
        let code = artifact.creation.linked(&resolved.libraries).unwrap();
        let salt_name = format!("salt: {}", self.op);
        let own_name = format!("salt: {}, guarded", self.op);
        let own = keccak256((DEPLOYER, *salt).abi_encode());
        let mut links = self.links;
        links["salt"] = json!(own_name);
        links["from"] = json!("create2: helper#address");
        [
            vector(
                &salt_name,
                "words",
                json!([
                    {"string": "salt/1"}, {"string": "vault"}, {"string": self.step},
                    {"string": self.label}, {"number": "7"},
                ]),
                json!({"digest": salt}),
            ),
            vector(
                &own_name,
                "abi",
                json!({"types": ["address", "bytes32"], "values": [DEPLOYER, salt]}),
                json!({"digest": own, "links": {"values.1": salt_name}}),
            ),
            create2(
                &format!("create2: {}", self.op),
                json!({
                    "from": HELPER, "salt": own, "code": code, "types": self.types,
                    "args": self.args,
                }),
                (HELPER, own, *address),
                keccak256(initcode),
                links,
            ),
        ]
    }
}

/// A creation's vector; its digest is the one of which the address is the end.
pub(super) fn create2(
    name: &str,
    preimage: Value,
    (from, salt, address): (Address, B256, Address),
    initcode_hash: B256,
    links: Value,
) -> Value {
    let end = [&[0xff], from.as_slice(), salt.as_slice(), initcode_hash.as_slice()];
    let outputs = json!({
        "digest": keccak256(end.concat()), "initcodeHash": initcode_hash, "address": address,
        "links": links,
    });
    vector(name, "create2", preimage, outputs)
}

/// The example of the research note.
fn published_proxy() -> Value {
    let salt = keccak256("vault-v2");
    let code = bytes!("600a600c600039600a6000f3602a60005260206000f3");
    create2(
        "create2: deterministic deployment proxy",
        json!({"from": CREATE2_PROXY, "salt": salt, "code": code, "types": [], "args": []}),
        (CREATE2_PROXY, salt, CREATE2_PROXY.create2_from_code(salt, &code)),
        keccak256(&code),
        json!({}),
    )
}

/// The calldata that the proxy's creation code carries.
fn initialize(resolved: &Resolved) -> Value {
    let (_, _, initcode) = resolved.creations().last().unwrap();
    let release = release();
    let proxy = release.artifact(&Fqn(PROXY.to_owned())).unwrap();
    let args = &initcode[proxy.creation.object.len()..];
    let (_, data) = <(Address, Bytes)>::abi_decode_params(args).unwrap();
    vector(
        "call: initialize",
        "call",
        json!({
            "function": "initialize(address,address,uint256,address)",
            "args": [
                resolved.places["registry"].address, USDC, "250000000000000000000", DEPLOYER,
            ],
        }),
        json!({
            "data": data, "digest": keccak256(&data),
            "links": {"args.0": "create2: registry#address"},
        }),
    )
}

/// The calldata of the plan's call.
fn register(resolved: &Resolved) -> Value {
    let Some(OpKind::Call { to, data, signature, .. }) = resolved.ops.last().map(|op| &op.kind)
    else {
        panic!("the plan ends with a call")
    };
    assert_eq!(*to, resolved.places["registry"].address);
    vector(
        "call: registry.register",
        "call",
        json!({"function": signature, "args": [resolved.places["vault"].address, true]}),
        json!({
            "data": data, "digest": keccak256(data),
            "links": {"args.0": "create2: vault/proxy#address"},
        }),
    )
}

fn external() -> BTreeMap<String, External> {
    let usdc = External { address: USDC, code_hash: B256::repeat_byte(0x33) };
    BTreeMap::from([("usdc".to_owned(), usdc)])
}

fn slot(watch: &Watch) -> SlotValue {
    let value = watch.value.expect("a UUPS proxy's slot is known without execution");
    SlotValue { address: watch.address, slot: watch.slot, value }
}

fn deployment() -> Deployment {
    let resolved = resolved();
    Deployment {
        v: Deployment::VERSION,
        chain: SOAK.chain,
        genesis: SOAK.genesis,
        build_digest: release().roots().unwrap().build_digest,
        executor: DEPLOYER,
        steps: resolved.places,
        libraries: resolved.libraries,
        externals: external(),
        params: resolved.params,
        slots: resolved.slots.iter().map(slot).collect(),
        found: BTreeMap::new(),
    }
}

/// The same of a release that follows: with what stood before it, behind proxies and without one.
fn found(deployment: Deployment) -> Value {
    let [registry, vault] = ["registry", "vault"].map(|name| deployment.steps[name].clone());
    let plain = Found { address: registry.address, implementation: None, admin: None };
    let proxied = Found {
        address: vault.address,
        implementation: vault.implementation,
        admin: Some(Address::repeat_byte(0x37)),
    };
    let found = [("registry", plain), ("vault", proxied)];
    let found = found.map(|(name, found)| (name.to_owned(), found)).into();
    let deployment = Deployment { found, ..deployment };
    vector(
        "deploymentDigest of a release that follows",
        "jcs",
        json!(deployment),
        json!({"digest": deployment.digest().unwrap(), "links": {
            "buildDigest": "buildDigest",
            "found.registry.address": "create2: registry#address",
            "found.vault.address": "create2: vault/proxy#address",
            "found.vault.implementation": "create2: vault/implementation#address",
        }}),
    )
}

fn policy(name: &str, doc: &PolicyDoc) -> Value {
    vector(name, "jcs", json!(doc), json!({"digest": doc.digest().unwrap()}))
}

fn policy_doc() -> PolicyDoc {
    let [first, second] = [0x41, 0x42].map(Address::repeat_byte);
    let person = |roles: &[&str], firm: Option<&str>, keys: &[Address]| Person {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        firm: firm.map(str::to_owned),
        keys: keys.iter().map(|key| (*key).into()).collect(),
    };
    let param = |rule: Value, value: Option<Value>| PolicyParam { rule, value };
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    PolicyDoc {
        v: PolicyDoc::VERSION,
        name: "vault".to_owned(),
        target: TARGET,
        soaks: vec![SoakNetwork { chain: SOAK.chain, genesis: SOAK.genesis, block_time: 12 }],
        quorum: 2,
        safe: SafeTrust {
            address: SAFE,
            singleton_code_hash: B256::repeat_byte(0x34),
            owners: vec![first, second],
            threshold: 2,
            modules: vec![Address::repeat_byte(0x43)],
            guard: Address::ZERO,
            module_guard: Address::repeat_byte(0x44),
            handler: Address::repeat_byte(0x45),
        },
        policy: [
            ("defaults", json!("1")),
            ("soak", json!("21d")),
            ("audits", json!(2)),
            ("activity_ignore", json!(["Vault.pause", "Vault.Größe"])),
        ]
        .map(named)
        .into(),
        firms: BTreeMap::from([("acme".to_owned(), "Acme Prüfungen".to_owned())]),
        people: BTreeMap::from([
            ("ada".to_owned(), person(&["auditor"], Some("acme"), &[first])),
            ("kim".to_owned(), person(&["approver", "treasurer"], None, &[first, second])),
            ("safe".to_owned(), {
                let keys = vec![PersonKey::plain(first), PersonKey::contract(TARGET.chain, SAFE)];
                Person { roles: vec!["guardian".to_owned()], firm: None, keys }
            }),
        ]),
        externals: external(),
        existing: BTreeMap::from([
            ("live".to_owned(), Existing { address: second, admin: Some(first) }),
            ("other".to_owned(), Existing { address: first, admin: None }),
        ]),
        params: BTreeMap::from([
            ("fee".to_owned(), param(json!("same-as-testnet"), None)),
            ("owner".to_owned(), param(json!("per-network"), Some(json!("@safe")))),
            ("vault_cap".to_owned(), param(json!({"max": "500e18"}), Some(json!("250e18")))),
        ]),
        funds: vec![
            Treasury { chain: TARGET.chain, genesis: TARGET.genesis, treasury: second },
            Treasury { chain: SOAK.chain, genesis: SOAK.genesis, treasury: first },
        ],
    }
}

fn least_policy() -> PolicyDoc {
    let doc = policy_doc();
    PolicyDoc {
        soaks: Vec::new(),
        policy: BTreeMap::from([("defaults".to_owned(), json!("1"))]),
        people: BTreeMap::new(),
        externals: BTreeMap::new(),
        params: BTreeMap::new(),
        funds: Vec::new(),
        safe: SafeTrust { modules: Vec::new(), module_guard: Address::ZERO, ..doc.safe },
        ..doc
    }
}

/// Items are given out of order and twice; the preimage holds them once and sorted, chains by
/// number.
fn evidence() -> Value {
    let given = [
        ("soak/terminal", 11_155_111, 9),
        ("audits/revocations", 1, 2),
        ("soak/start", 11_155_111, 5),
        ("soak/start", 17_000, 6),
        ("soak/start", 11_155_111, 5),
    ];
    let items = EvidenceItems {
        statements: [0xb2, 0x0a, 0xb2].map(|byte| StatementDigest(B256::repeat_byte(byte))).into(),
        inputs: given
            .map(|(kind, chain, byte)| GateInput {
                kind: kind.to_owned(),
                chain: ChainId(chain),
                block: BlockRef { number: 900 + u64::from(byte), hash: B256::repeat_byte(byte) },
                digest: B256::repeat_byte(byte + 0x50),
            })
            .into(),
    };
    let input = |(kind, chain, byte): (&str, u64, u8)| {
        json!({
            "kind": kind, "chain": chain, "blockHash": B256::repeat_byte(byte),
            "digest": B256::repeat_byte(byte + 0x50),
        })
    };
    let sorted = [given[1], given[3], given[2], given[0]];
    let preimage = json!({
        "statements": [B256::repeat_byte(0x0a), B256::repeat_byte(0xb2)],
        "inputs": sorted.map(input),
    });
    vector("evidenceDigest", "jcs", preimage, json!({"digest": items.digest().unwrap()}))
}

fn anchor(deployment: DeploymentDigest) -> Value {
    let release = release().roots().unwrap().release_root;
    let data = Bytes::from(anchor_calldata(release, deployment));
    vector(
        "anchor",
        "bytes",
        json!([
            {"ascii": "SOAK"}, {"bytes": "0x02"}, {"vector": "releaseRoot"},
            {"vector": "deploymentDigest"},
        ]),
        json!({"data": data, "digest": keccak256(&data)}),
    )
}
