//! Whatever a broadcast sent, the file that `init` makes of it gives the same bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeMap;

use alloy_dyn_abi::{DynSolType, DynSolValue, JsonAbiExt, Specifier};
use alloy_json_abi::{Constructor, Function, InternalType, JsonAbi, Param, StateMutability};
use alloy_primitives::{Address, B256, Bytes, I256, U256, address};
use proptest::prelude::*;
use serde_json::json;
use tidegate_model::functions::FunctionMap;
use tidegate_model::release::{Artifact, Code, LayoutNotes, Release};
use tidegate_model::{ChainId, Fqn};
use tidegate_plan::config::Config;
use tidegate_plan::{Compiled, Executor, OpKind, ResolveContext, Resolved, elaborate, resolve};
use tidegate_scaffold::broadcast::{Broadcast, Sent};
use tidegate_scaffold::steps::from_broadcast;
use tidegate_scaffold::text::{Head, text};
use tidegate_scaffold::{Contracts, Known};
use tidegate_testkit::fuzz::fuzz;

const DEPLOYER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const CODE: [u8; 2] = [0x60, 0x01];

/// A parameter of any type; structures have members with names of every kind.
fn params() -> impl Strategy<Value = Param> {
    let plain =
        |ty: String| Param { ty, name: String::new(), components: Vec::new(), internal_type: None };
    let bytes = || 1_usize..=32;
    let leaf = prop_oneof![
        bytes().prop_map(|bytes| format!("uint{}", bytes * 8)),
        bytes().prop_map(|bytes| format!("int{}", bytes * 8)),
        bytes().prop_map(|bytes| format!("bytes{bytes}")),
        prop::sample::select(vec!["bool", "address", "function", "bytes", "string"])
            .prop_map(str::to_owned),
    ];
    let name = || prop::sample::select(vec!["cap", "who", "a_b", "rule", "value", "$x", "", "x1"]);
    leaf.prop_map(plain).prop_recursive(3, 8, 3, move |inner| {
        let structure = prop::collection::vec((inner.clone(), name()), 1..4).prop_map(|members| {
            let components = members.into_iter().map(|(param, name)| {
                let name = name.to_owned();
                Param { name, ..param }
            });
            Param {
                ty: "tuple".to_owned(),
                name: String::new(),
                components: components.collect(),
                internal_type: Some(InternalType::Struct { contract: None, ty: "S".to_owned() }),
            }
        });
        let list = (inner, prop::sample::select(vec!["[]", "[1]", "[3]"]));
        let list = list.prop_map(|(param, size)| {
            let internal_type = param.internal_type.clone().map(|kind| match kind {
                InternalType::Struct { contract, ty } => {
                    InternalType::Struct { contract, ty: format!("{ty}{size}") }
                }
                other => other,
            });
            Param { ty: format!("{}{size}", param.ty), internal_type, ..param }
        });
        prop_oneof![structure, list]
    })
}

/// A value of a type.
fn value_of(ty: &DynSolType) -> BoxedStrategy<DynSolValue> {
    let all = |types: Vec<&DynSolType>| types.into_iter().map(value_of).collect::<Vec<_>>();
    match ty {
        DynSolType::Bool => any::<bool>().prop_map(DynSolValue::Bool).boxed(),
        DynSolType::Uint(bits) => {
            let bits = *bits;
            let number = |word: [u8; 32]| U256::from_be_bytes(word);
            let round = (0_u64..10, 0_u64..70).prop_map(|(digit, zeros)| {
                U256::from(digit).wrapping_mul(U256::from(10).wrapping_pow(U256::from(zeros)))
            });
            prop_oneof![any::<[u8; 32]>().prop_map(number), round]
                .prop_map(move |number| DynSolValue::Uint(number >> (256 - bits), bits))
                .boxed()
        }
        DynSolType::Int(bits) => {
            let bits = *bits;
            any::<[u8; 32]>()
                .prop_map(move |word| {
                    let number = I256::from_raw(U256::from_be_bytes(word)).asr(256 - bits);
                    DynSolValue::Int(number, bits)
                })
                .boxed()
        }
        DynSolType::Address => prop_oneof![Just(DEPLOYER), any::<[u8; 20]>().prop_map(Into::into)]
            .prop_map(DynSolValue::Address)
            .boxed(),
        DynSolType::Function => {
            any::<[u8; 24]>().prop_map(|bytes| DynSolValue::Function(bytes.into())).boxed()
        }
        DynSolType::FixedBytes(size) => {
            let size = *size;
            any::<[u8; 32]>()
                .prop_map(move |mut word| {
                    word[size..].fill(0);
                    DynSolValue::FixedBytes(B256::from(word), size)
                })
                .boxed()
        }
        DynSolType::Bytes => {
            prop::collection::vec(any::<u8>(), 0..70).prop_map(DynSolValue::Bytes).boxed()
        }
        DynSolType::String => "[@$]{0,2}(deployer|\\PC{0,20}|[\"\\\\\n\r\t]{0,3})"
            .prop_map(DynSolValue::String)
            .boxed(),
        DynSolType::Array(item) => {
            prop::collection::vec(value_of(item), 0..3).prop_map(DynSolValue::Array).boxed()
        }
        DynSolType::FixedArray(item, length) => {
            all(vec![item; *length]).prop_map(DynSolValue::FixedArray).boxed()
        }
        DynSolType::Tuple(types) => {
            all(types.iter().collect()).prop_map(DynSolValue::Tuple).boxed()
        }
        DynSolType::CustomStruct { tuple, .. } => {
            all(tuple.iter().collect()).prop_map(DynSolValue::Tuple).boxed()
        }
    }
}

/// Parameters, and a value for each.
fn arguments() -> impl Strategy<Value = (Vec<Param>, Vec<DynSolValue>)> {
    prop::collection::vec(params(), 1..4).prop_flat_map(|params| {
        let values: Vec<_> = params.iter().map(|p| value_of(&p.resolve().unwrap())).collect();
        (Just(params), values)
    })
}

fn abi_of(params: &[Param]) -> JsonAbi {
    let function = Function {
        name: "f".to_owned(),
        inputs: params.to_vec(),
        outputs: Vec::new(),
        state_mutability: StateMutability::NonPayable,
    };
    JsonAbi {
        constructor: Some(Constructor {
            inputs: params.to_vec(),
            state_mutability: StateMutability::NonPayable,
        }),
        functions: BTreeMap::from([("f".to_owned(), vec![function])]),
        ..JsonAbi::default()
    }
}

/// A creation with arguments, and a call with the same.
fn run(abi: &JsonAbi, values: &[DynSolValue]) -> Broadcast {
    let sent = |nonce: u64, to: Option<Address>, input: Vec<u8>| Sent {
        hash: B256::repeat_byte(nonce as u8 + 1),
        from: DEPLOYER,
        to,
        nonce,
        input: input.into(),
        value: U256::ZERO,
        contract: Some("A".to_owned()),
        function: None,
        arguments: Vec::new(),
    };
    let tail = DynSolValue::Tuple(values.to_vec()).abi_encode_params();
    let created = sent(0, None, [&CODE[..], &tail].concat());
    let (place, _) = created.creation().unwrap();
    let calldata = abi.functions["f"][0].abi_encode_input(values).unwrap();
    let called = sent(1, Some(place), calldata);
    Broadcast { sent: vec![created, called], ..Broadcast::default() }
}

fn written(broadcast: &Broadcast, contracts: &Contracts) -> String {
    let draft = from_broadcast(broadcast, contracts);
    assert_eq!(draft.notes, Vec::<String>::new());
    let comments: Vec<_> = draft.steps.iter().flat_map(|step| &step.comments).collect();
    assert!(comments.is_empty(), "{comments:?}");
    let head = Head {
        project: "a",
        network: "hoodi",
        chain: ChainId(560_048),
        rpc: "${HOODI_RPC}",
        genesis: None,
        block_time_secs: None,
        profile: None,
        remappings: &[],
        own: None,
        origin: None,
    };
    text(&head, &draft)
}

/// What the file comes to on a network.
fn read(text: &str, abi: &JsonAbi) -> Resolved {
    let config = Config::parse(text).unwrap();
    let code = Code { object: CODE.into(), links: BTreeMap::new(), metadata: Vec::new() };
    let artifact = Artifact {
        fqn: Fqn("src/A.sol:A".to_owned()),
        abi: abi.clone(),
        creation: code.clone(),
        runtime: code,
        immutables: BTreeMap::new(),
        sources: BTreeMap::new(),
        layout: json!({"items": [], "namespaces": []}),
        layout_notes: LayoutNotes::default(),
        profile: json!({}),
        functions: FunctionMap::default(),
        upgrades_from: None,
        hazards: None,
    };
    let artifacts = BTreeMap::from([(artifact.fqn.clone(), artifact)]);
    let compiled =
        artifacts.values().map(|a| ("A".to_owned(), Compiled { artifact: a, libraries: &[] }));
    let plan = elaborate(&config, &compiled.collect(), &artifacts, None).unwrap();
    let release = Release {
        v: Release::VERSION,
        name: "a-0.1.0".to_owned(),
        project: "a".to_owned(),
        artifacts: artifacts.clone(),
        references: BTreeMap::new(),
        plan,
        compilers: Vec::new(),
    };
    let context = ResolveContext {
        executor: Executor::Key(DEPLOYER),
        deployer: Some(DEPLOYER),
        safe: None,
        deployment_id: 0,
        externals: BTreeMap::new(),
        existing: BTreeMap::new(),
        params: BTreeMap::new(),
    };
    resolve(&release, &context).unwrap()
}

#[test]
fn every_value_of_a_broadcast_is_written_so_that_it_gives_the_same_bytes() {
    fuzz(&arguments(), |(params, values)| {
        let abi = abi_of(&params);
        let code = Code { object: CODE.into(), links: BTreeMap::new(), metadata: Vec::new() };
        let known = Known { written: "A".to_owned(), compiled: Some((abi.clone(), code)) };
        let broadcast = run(&abi, &values);
        let text = written(&broadcast, &Contracts::from([("A".to_owned(), known)]));
        let resolved = read(&text, &abi);
        let bytes: Vec<&Bytes> = resolved
            .ops
            .iter()
            .map(|op| match &op.kind {
                OpKind::Create { initcode, .. } => initcode,
                OpKind::Call { data, .. } => data,
            })
            .collect();
        let sent: Vec<&Bytes> = broadcast.sent.iter().map(|sent| &sent.input).collect();
        assert_eq!(bytes, sent, "{text}");
    });
}
