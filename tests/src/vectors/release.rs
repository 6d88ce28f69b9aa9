//! A release from its sources to its roots.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, Bytes, U256, bytes, hex, keccak256};
use alloy_sol_types::SolStruct;
use serde_json::{Value, json};
use tidegate_model::Fqn;
use tidegate_model::digest::jcs_keccak;
use tidegate_model::masks::Link;
use tidegate_model::plan::{
    Action, Arg, Call, Create, Expect, Invocation, Member, ParamDecl, Plan, Proxy, ProxyKind,
    Reference, Rule, Source, Step, Upgrade,
};
use tidegate_model::release::{Artifact, Code, Formerly, LayoutNotes, Release, Span};
use tidegate_model::scope::{
    CodeScope, build_digest, code_root, eip712, scope_root, source_closure,
};

use super::{types, vector};

pub(super) const MATH: &str = "dep:@tidy/math/contracts/Math.sol:Math";
pub(super) const PROXY: &str =
    "dep:@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy";
pub(super) const REGISTRY: &str = "src/Registry.sol:Registry";
pub(super) const VAULT: &str = "src/Vault.sol:Vault";

/// What a contract is made of here: code with one library's place, metadata, sources.
struct Contract {
    fqn: &'static str,
    creation: Code,
    runtime: Code,
    immutables: &'static [(&'static str, usize)],
    sources: &'static [(&'static str, &'static str)],
    layout: Value,
}

pub(super) fn vectors() -> Vec<Value> {
    let release = release();
    let roots = release.roots().unwrap();
    let mut vectors = research();
    for contract in contracts() {
        vectors.extend(scope_vectors(&release, &contract));
    }
    let scopes = release.scopes().unwrap();
    // Order is the function's own work: what it is given here runs backwards.
    let reversed: Vec<CodeScope> = scopes.iter().rev().cloned().collect();
    assert_eq!(scope_root(&reversed), roots.scope_root);
    assert_eq!(code_root(&reversed), roots.code_root);
    assert_eq!(build_digest(release.artifacts.values().rev()).unwrap(), roots.build_digest);
    vectors.extend([
        roots_vector("scopeRoot", roots.scope_root.0, |fqn| {
            vec![json!({"vector": format!("CodeScope of {fqn}")})]
        }),
        roots_vector("codeRoot", roots.code_root.0, |fqn| {
            let of = |part: &str| json!({"vector": format!("{part} of {fqn}")});
            let parts = ["creationTemplate", "runtimeTemplate", "storageLayout", "paramPolicy"];
            vec![json!({"keccak": parts.map(of)})]
        }),
        vector("planDigest", "jcs", release.plan.document(), json!({"digest": roots.plan_digest})),
        following(),
        following_policy(),
        vector(
            "releaseRoot",
            "words",
            json!([
                {"string": "release-root/1"}, {"vector": "codeRoot"}, {"vector": "planDigest"},
            ]),
            json!({"digest": roots.release_root}),
        ),
        roots_vector("buildDigest", roots.build_digest.0, |fqn| {
            let contract = contracts().into_iter().find(|c| c.fqn == fqn).unwrap();
            let code = |code: &Code| json!({"keccak": [{"bytes": code.object}]});
            let template = |part: &str| json!({"vector": format!("{part}Template of {fqn}")});
            vec![json!({"keccak": [
                {"string": fqn}, code(&contract.creation), template("creation"),
                code(&contract.runtime), template("runtime"), {"vector": format!("abi of {fqn}")},
            ]})]
        }),
    ]);
    vectors
}

/// The plan of a release that follows the first one: the vault is upgraded, all else stands.
fn following() -> Value {
    let plan = next_plan();
    let digest = plan.digest().unwrap();
    vector(
        "planDigest of a release that follows",
        "jcs",
        plan.document(),
        json!({"digest": digest, "links": {
            "follows": "releaseRoot",
            "steps.0.reference.runtimeTemplate": format!("runtimeTemplate of {VAULT}"),
            "steps.0.reference.storageLayout": format!("storageLayout of {VAULT}"),
        }}),
    )
}

/// What its contract is given by it: the initialiser that ran, and the migration.
fn following_policy() -> Value {
    let policy = next_plan().param_policy(&Fqn(VAULT.to_owned()));
    let digest = jcs_keccak("paramPolicy", &policy).unwrap();
    vector(
        &format!("paramPolicy of {VAULT} in a release that follows"),
        "jcs",
        policy,
        json!({"digest": digest}),
    )
}

/// The vector of a hash over all contracts by name, which are given backwards.
fn roots_vector(name: &str, digest: B256, words: impl Fn(&str) -> Vec<Value>) -> Value {
    let groups: Vec<_> = contracts()
        .iter()
        .rev()
        .map(|contract| json!({"key": contract.fqn, "words": words(contract.fqn)}))
        .collect();
    vector(name, "sorted", json!(groups), json!({"digest": digest}))
}

fn research() -> Vec<Value> {
    let scope = CodeScope {
        fqn: Fqn(VAULT.to_owned()),
        source_closure: B256::repeat_byte(1),
        compiler_profile: B256::repeat_byte(2),
        creation_template: B256::repeat_byte(3),
        runtime_template: B256::repeat_byte(4),
        storage_layout: B256::repeat_byte(5),
        param_policy: B256::repeat_byte(6),
    };
    let encoded = eip712::CodeScope::eip712_encode_type();
    let digest = keccak256(encoded.as_bytes());
    vec![
        vector("type CodeScope", "type", json!(encoded), json!({"digest": digest})),
        scope_vector("research: CodeScope", &scope, json!({})),
        vector(
            "research: scopeRoot",
            "words",
            json!([{"vector": "research: CodeScope"}]),
            json!({"digest": scope_root(&[scope])}),
        ),
        vector(
            "sourceClosure sorted by bytes",
            "sorted",
            // UTF-16 would put the second before the first.
            json!([
                {"key": "src/\u{1f600}.sol",
                    "words": [{"string": "src/\u{1f600}.sol"}, {"string": "b"}]},
                {"key": "src/\u{ff21}.sol",
                    "words": [{"string": "src/\u{ff21}.sol"}, {"string": "a"}]},
                {"key": "src/A.sol", "words": [{"string": "src/A.sol"}, {"string": ""}]},
            ]),
            json!({"digest": source_closure([
                ("src/\u{1f600}.sol", keccak256("b")),
                ("src/\u{ff21}.sol", keccak256("a")),
                ("src/A.sol", keccak256("")),
            ])}),
        ),
    ]
}

/// The field names of [`CodeScope`] are those of the EIP-712 message.
fn scope_vector(name: &str, scope: &CodeScope, links: Value) -> Value {
    let preimage = json!({
        "types": types(&eip712::CodeScope::eip712_encode_type()),
        "primaryType": "CodeScope",
        "message": scope,
    });
    vector(name, "struct", preimage, json!({"digest": scope.hash_struct(), "links": links}))
}

const PARTS: [&str; 6] = [
    "sourceClosure",
    "compilerProfile",
    "creationTemplate",
    "runtimeTemplate",
    "storageLayout",
    "paramPolicy",
];

fn scope_vectors(release: &Release, contract: &Contract) -> Vec<Value> {
    let fqn = contract.fqn;
    let artifact = release.artifact(&Fqn(fqn.to_owned())).unwrap();
    let scope = release.scope(artifact).unwrap();
    let name = |part: &str| format!("{part} of {fqn}");
    let sources: Vec<_> = contract
        .sources
        .iter()
        .map(|(path, text)| json!({"key": path, "words": [{"string": path}, {"string": text}]}))
        .collect();
    let template = |code: &Code, masks| json!({"code": code.object, "masks": masks});
    let policy = release.plan.param_policy(&artifact.fqn);
    let links: serde_json::Map<_, _> =
        PARTS.iter().map(|part| (format!("message.{part}"), json!(name(part)))).collect();
    let parts = [
        ("sorted", json!(sources), scope.source_closure),
        ("jcs", artifact.profile.clone(), scope.compiler_profile),
        (
            "template",
            template(&contract.creation, json!(artifact.creation_masks())),
            scope.creation_template,
        ),
        (
            "template",
            template(&contract.runtime, json!(artifact.runtime_masks())),
            scope.runtime_template,
        ),
        ("jcs", artifact.layout_document(), scope.storage_layout),
        ("jcs", policy, scope.param_policy),
    ];
    let mut vectors: Vec<_> = PARTS
        .iter()
        .zip(parts)
        .map(|(part, (kind, preimage, digest))| {
            vector(&name(part), kind, preimage, json!({"digest": digest}))
        })
        .collect();
    vectors.push(scope_vector(&name("CodeScope"), &scope, json!(links)));
    let abi = jcs_keccak("ABI", &artifact.abi).unwrap();
    vectors.push(vector(&name("abi"), "jcs", json!(artifact.abi), json!({"digest": abi})));
    vectors
}

/// The release of every vector that needs one.
pub(super) fn release() -> Release {
    let noted = || LayoutNotes {
        items: BTreeMap::from([(
            0,
            Formerly { name: Some("admin".to_owned()), ..Formerly::default() },
        )]),
        enums: BTreeMap::from([("enum Mode".to_owned(), vec!["On".to_owned()])]),
        ..LayoutNotes::default()
    };
    let artifact = |contract: Contract| {
        let is_registry = contract.fqn == REGISTRY;
        let functions = is_registry.then_some("function owner() view returns (address)");
        let fqn = Fqn(contract.fqn.to_owned());
        let immutable = |(name, start): &(&str, usize)| {
            ((*name).to_owned(), vec![Span { start: *start, length: 32 }])
        };
        let hashed = |(path, text): &(&str, &str)| ((*path).to_owned(), keccak256(text));
        let artifact = Artifact {
            fqn: fqn.clone(),
            abi: alloy_json_abi::JsonAbi::parse(functions).unwrap(),
            creation: contract.creation,
            runtime: contract.runtime,
            immutables: contract.immutables.iter().map(immutable).collect(),
            sources: contract.sources.iter().map(hashed).collect(),
            layout: contract.layout,
            layout_notes: if is_registry { noted() } else { LayoutNotes::default() },
            profile: profile(),
            functions: tidegate_model::functions::FunctionMap::default(),
            upgrades_from: None,
            hazards: None,
        };
        (fqn, artifact)
    };
    let artifacts: BTreeMap<_, _> = contracts().into_iter().map(artifact).collect();
    Release {
        v: Release::VERSION,
        name: "vault-1.4.0".to_owned(),
        project: "vault".to_owned(),
        plan: plan(),
        artifacts,
        references: BTreeMap::new(),
        compilers: Vec::new(),
    }
}

fn profile() -> Value {
    json!({
        "compiler": "solc", "longVersion": "0.8.30+commit.73712a01", "evmVersion": "prague",
        "optimizer": {"enabled": true, "runs": 4_294_967_295_u32}, "viaIR": false,
        "bytecodeHash": "ipfs", "appendCBOR": true, "language": "Solidity",
    })
}

fn code(object: Bytes, links: &[(&str, usize)], metadata: &[(usize, usize)]) -> Code {
    let link = |(fqn, start): &(&str, usize)| {
        (Fqn((*fqn).to_owned()), vec![Span { start: *start, length: 20 }])
    };
    let span = |(start, length): &(usize, usize)| Span { start: *start, length: *length };
    Code {
        object,
        links: links.iter().map(link).collect(),
        metadata: metadata.iter().map(span).collect(),
    }
}

/// A type as storage layouts have it.
fn value_type(label: &str) -> Value {
    let bytes = if label == "address" { "20" } else { "32" };
    json!({"encoding": "inplace", "label": label, "numberOfBytes": bytes})
}

/// In the order of their names.
fn contracts() -> [Contract; 4] {
    let empty = || json!({"items": [], "namespaces": []});
    [
        Contract {
            fqn: PROXY,
            creation: code(bytes!("6080604052a26469706673582201"), &[], &[(5, 9)]),
            runtime: code(bytes!("60806040a26469706673582201"), &[], &[(4, 9)]),
            immutables: &[],
            sources: &[
                ("dep:@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol", "contract P {}\n"),
                ("dep:@openzeppelin/contracts/proxy/Proxy.sol", "abstract contract Q {}\n"),
            ],
            layout: empty(),
        },
        Contract {
            fqn: MATH,
            creation: code(bytes!("610001600055"), &[], &[]),
            runtime: code(bytes!("730000000000000000000000000000000000000000301415"), &[], &[]),
            immutables: &[],
            sources: &[("dep:@tidy/math/contracts/Math.sol", "library Math {}\n")],
            layout: empty(),
        },
        Contract {
            fqn: REGISTRY,
            // A contract inside, with metadata of its own.
            creation: code(bytes!("6001fea164010260ffa1640304"), &[], &[(3, 4), (9, 4)]),
            runtime: code(bytes!("60fffea1640304"), &[], &[(3, 4)]),
            immutables: &[],
            sources: &[("src/Registry.sol", "// größer\ncontract Registry {}\n")],
            layout: json!({
                "items": [
                    {"label": "owner", "offset": 0, "slot": "0", "type": value_type("address")},
                ],
                "namespaces": [],
            }),
        },
        Contract {
            fqn: VAULT,
            creation: code(
                bytes!("73000000000000000000000000000000000000000063f0a26405"),
                &[(MATH, 1)],
                &[(23, 3)],
            ),
            runtime: code(
                [&hex!("63f07f")[..], &[0; 32], &hex!("a26405")].concat().into(),
                &[],
                &[(35, 3)],
            ),
            immutables: &[("Vault.registry", 3)],
            sources: &[
                ("src/Vault.sol", "contract Vault {}\n"),
                ("dep:@tidy/math/contracts/Math.sol", "library Math {}\n"),
                ("src/IVault.sol", ""),
            ],
            layout: json!({
                "items": [],
                "namespaces": [
                    {"id": "erc7201:example.main", "members": [["cap", value_type("uint256")]]},
                    {"id": "erc7201:example.late", "members": []},
                ],
            }),
        },
    ]
}

fn arg(ty: &str, from: Source) -> Arg {
    Arg { ty: ty.to_owned(), from }
}

fn reference(name: &str) -> Arg {
    arg("address", Source::Ref(name.to_owned()))
}

fn param(ty: &str, name: &str) -> Arg {
    arg(ty, Source::Param(name.to_owned()))
}

fn literal(ty: &str, value: Value) -> Arg {
    arg(ty, Source::Literal(value))
}

fn invocation(signature: &str, args: Vec<Arg>) -> Invocation {
    Invocation { signature: signature.to_owned(), args }
}

fn expect(signature: &str, equals: Arg) -> Expect {
    Expect { signature: signature.to_owned(), args: Vec::new(), equals }
}

/// Every kind of step, argument and rule.
fn plan() -> Plan {
    let fqn = |name: &str| Fqn(name.to_owned());
    let registry = Create {
        contract: fqn(REGISTRY),
        libraries: Vec::new(),
        args: vec![
            param("address", "owner"),
            param("uint16", "fee"),
            param("string", "title"),
            literal("int256[]", json!(["-1", "0", "1000000000000000000000"])),
        ],
        value: U256::ZERO,
        guarded: true,
        proxy: None,
    };
    let initialize = vec![
        reference("registry"),
        reference("usdc"),
        param("uint256", "vault_cap"),
        param("address", "owner"),
    ];
    let signature = "initialize(address,address,uint256,address)";
    let vault = Create {
        contract: fqn(VAULT),
        libraries: vec![fqn(MATH)],
        args: vec![literal("bytes4", json!("0xdeadbeef"))],
        value: U256::ZERO,
        guarded: true,
        proxy: Some(Proxy {
            kind: ProxyKind::Uups,
            contract: fqn(PROXY),
            admin: None,
            beacon: None,
            init: Some(invocation(signature, initialize)),
        }),
    };
    let step = |name: &str, action, expect, label: &str| Step {
        name: name.to_owned(),
        action,
        expect,
        salt_label: label.to_owned(),
    };
    let given = vec![reference("vault"), literal("bool", json!(true))];
    let invocation = invocation("register(address,bool)", given);
    let register = Call { target: "registry".to_owned(), invocation, value: U256::ZERO };
    let mut capped = expect("cap(uint8)", param("uint256", "vault_cap"));
    capped.args.push(literal("uint8", json!("1")));
    Plan {
        steps: vec![
            step("registry", Action::Create(registry), Vec::new(), "second"),
            step(
                "vault",
                Action::Create(vault),
                vec![expect("owner()", param("address", "owner")), capped],
                "",
            ),
            step("registry.register", Action::Call(register), Vec::new(), ""),
        ],
        params: params(),
        externals: BTreeSet::from(["usdc".to_owned()]),
        existing: BTreeSet::new(),
        links: BTreeSet::from([Link { contract: fqn(VAULT), position: 1, library: fqn(MATH) }]),
        follows: None,
        made: BTreeSet::new(),
    }
}

/// An upgrade of the vault with a migration, under the name that it has; the registry stands, and
/// was called.
fn next_plan() -> Plan {
    let (release, first) = (release(), plan());
    let scope = release.scope(release.artifact(&Fqn(VAULT.to_owned())).unwrap()).unwrap();
    let root = release.roots().unwrap().release_root;
    let Action::Create(Create { proxy, contract, libraries, args, .. }) = &first.steps[1].action
    else {
        panic!("the vault is created")
    };
    let upgrade = Upgrade {
        target: "vault".to_owned(),
        kind: ProxyKind::Uups,
        reference: Reference {
            contract: Fqn(format!("recorded:{}/{VAULT}", root.short())),
            runtime_template: scope.runtime_template,
            storage_layout: scope.storage_layout,
        },
        contract: contract.clone(),
        libraries: libraries.clone(),
        args: args.clone(),
        guarded: true,
        function: "upgradeToAndCall(address,bytes)".to_owned(),
        slot: B256::repeat_byte(0x36),
        init: Some(invocation("migrate(uint256)", vec![param("uint256", "vault_cap")])),
        initialised: proxy.as_ref().and_then(|proxy| proxy.init.clone()),
    };
    let members = vec![Member { name: "rate".to_owned(), members: Vec::new() }];
    let rule = Rule::PerNetwork;
    let fees = ParamDecl { ty: "(uint16)[]".to_owned(), members, rule };
    Plan {
        steps: vec![Step { action: Action::Upgrade(upgrade), ..first.steps[1].clone() }],
        params: first.params.into_iter().chain([("fees".to_owned(), fees)]).collect(),
        existing: ["registry", "vault"].map(str::to_owned).into(),
        follows: Some(root),
        made: BTreeSet::from(["registry.register".to_owned()]),
        ..first
    }
}

fn params() -> BTreeMap<String, ParamDecl> {
    let most = Rule::Range { min: None, max: Some("500000000000000000000".to_owned()) };
    let one_of = Rule::OneOf(vec![json!("30"), json!("5")]);
    let params = [
        ("owner", "address", Rule::PerNetwork),
        ("vault_cap", "uint256", most),
        ("fee", "uint16", one_of),
        ("title", "string", Rule::SameAsTestnet),
    ];
    let decl = |(name, ty, rule): (&str, &str, Rule)| {
        (name.to_owned(), ParamDecl { ty: ty.to_owned(), members: Vec::new(), rule })
    };
    params.into_iter().map(decl).collect()
}
