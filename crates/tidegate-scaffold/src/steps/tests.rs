//! Runs, and the steps that repeat them.

use alloy_dyn_abi::JsonAbiExt;
use alloy_json_abi::InternalType;
use alloy_primitives::{B256, Bytes, U256, address};
use tidegate_model::release::Code;

use super::*;

const DEPLOYER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const TOKEN: Address = address!("A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48");

fn known(name: &str, object: &[u8], abi: &[&str]) -> (String, Known) {
    let abi = JsonAbi::parse(abi.iter().copied()).unwrap();
    let object = Bytes::copy_from_slice(object);
    let code = Code { object, links: BTreeMap::new(), metadata: Vec::new() };
    (name.to_owned(), Known { written: name.to_owned(), compiled: Some((abi, code)) })
}

fn contracts() -> Contracts {
    let vault =
        ["constructor(address registry)", "function initialize(uint256 cap, address owner)"];
    let registry = [
        "constructor(address owner)",
        "function add(address what)",
        "function add(address what, bool yes)",
        "function text(string what)",
    ];
    Contracts::from([
        known("Registry", &[0xaa], &registry),
        known("Vault", &[0xbb, 0xbb], &vault),
        known("ERC1967Proxy", &[0xcc], &["constructor(address implementation, bytes data)"]),
    ])
}

/// Values as the file has them, in one line.
fn shown(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
}

/// A run, written as forge would.
#[derive(Default)]
struct Run(Broadcast);

impl Run {
    fn send(&mut self, to: Option<Address>, contract: Option<&str>, input: Vec<u8>) -> &mut Sent {
        let nonce = self.0.sent.len() as u64;
        self.0.sent.push(Sent {
            hash: B256::repeat_byte(nonce as u8 + 1),
            from: DEPLOYER,
            to,
            nonce,
            input: input.into(),
            value: U256::ZERO,
            contract: contract.map(str::to_owned),
            function: None,
            arguments: Vec::new(),
        });
        self.0.sent.last_mut().unwrap()
    }

    fn create(&mut self, contract: &str, code: &[u8], args: &[DynSolValue]) -> Address {
        let tail = DynSolValue::Tuple(args.to_vec()).abi_encode_params();
        let sent = self.send(None, Some(contract), [code, &tail].concat());
        sent.creation().unwrap().0
    }

    fn call(&mut self, to: Address, function: &str, args: &[DynSolValue]) -> &mut Sent {
        let function = Function::parse(function).unwrap();
        self.send(Some(to), None, function.abi_encode_input(args).unwrap())
    }
}

fn uint(value: u64) -> DynSolValue {
    DynSolValue::Uint(U256::from(value), 256)
}

#[test]
fn a_run_becomes_the_steps_that_repeat_it() {
    let mut run = Run::default();
    let at = DynSolValue::Address;
    let registry = run.create("Registry", &[0xaa], &[at(DEPLOYER)]);
    let vault = run.create("Vault", &[0xbb, 0xbb], &[at(registry)]);
    let second = run.create("Registry", &[0xaa], &[at(TOKEN)]);
    let init = Function::parse("initialize(uint256,address)").unwrap();
    let init = init.abi_encode_input(&[uint(25_000_000), at(DEPLOYER)]).unwrap();
    let proxy = run.create("ERC1967Proxy", &[0xcc], &[at(vault), DynSolValue::Bytes(init)]);
    run.call(registry, "add(address)", &[at(proxy)]);
    run.call(registry, "add(address,bool)", &[at(second), DynSolValue::Bool(true)]);
    run.call(registry, "add(address)", &[at(TOKEN)]);
    run.call(TOKEN, "approve(address,uint256)", &[at(proxy), uint(7)]).function =
        Some("approve(address,uint256)".to_owned());
    let draft = from_broadcast(&run.0, &contracts());
    assert_eq!(draft.notes, Vec::<String>::new());
    let steps: Vec<_> = draft
        .steps
        .iter()
        .map(|s| {
            (
                s.name.as_deref().unwrap_or(""),
                s.create.as_deref().unwrap_or(""),
                shown(&[&s.args[..], &s.init, &s.call].concat()),
            )
        })
        .collect();
    let token = format!("\"@registry\" \"add(address)\" \"{TOKEN}\"");
    let expected = [
        ("registry", "Registry", "\"@deployer\"".to_owned()),
        ("registry-2", "Registry", format!("\"{TOKEN}\"")),
        ("vault", "Vault", "\"@registry\" \"initialize\" \"25e6\" \"@deployer\"".to_owned()),
        ("", "", "\"@registry\" \"add(address)\" \"@vault\"".to_owned()),
        (
            "registry.add-2",
            "",
            "\"@registry\" \"add(address,bool)\" \"@registry-2\" true".to_owned(),
        ),
        ("registry.add-3", "", token),
        ("", "", "\"@external\" \"approve(address,uint256)\" \"@vault\" 7".to_owned()),
    ];
    assert_eq!(steps, expected);
    assert_eq!(draft.steps[2].proxy, Some("uups"));
    assert_eq!(draft.externals["external"].address, TOKEN);
    assert!(draft.steps.iter().all(|step| step.comments.is_empty()));
}

#[test]
fn a_transparent_proxy_has_an_admin_and_calls_may_send_ether() {
    let mut run = Run::default();
    let at = DynSolValue::Address;
    let vault = run.create("Vault", &[0xbb, 0xbb], &[at(TOKEN)]);
    // The project has no such source, so its arguments are what the initcode ends with.
    let data = DynSolValue::Bytes(Vec::new());
    let args = [at(vault), at(DEPLOYER), data];
    let proxy = run.create("TransparentUpgradeableProxy", &[1, 2], &args);
    run.0.sent[1].arguments = vec![vault.to_string(), DEPLOYER.to_string(), "0x".to_owned()];
    let calls = [uint(7), at(DEPLOYER)];
    run.call(proxy, "initialize(uint256,address)", &calls).value = U256::from(3_000_000);
    let draft = from_broadcast(&run.0, &contracts());
    let [create, call] = draft.steps.as_slice() else { panic!("{draft:?}") };
    assert_eq!(
        (create.proxy, create.admin.as_ref().and_then(Value::as_str)),
        (Some("transparent"), Some("@deployer"))
    );
    assert!(create.init.is_empty() && create.comments.is_empty(), "{create:?}");
    assert_eq!(shown(&call.call), "\"@vault\" \"initialize\" 7 \"@deployer\"");
    assert_eq!(call.value.as_ref().and_then(Value::as_str), Some("3e6"));
}

#[test]
fn what_a_structure_names_in_between_keeps_a_proxy_of_its_own() {
    let mut registry = JsonAbi::parse(["function add((address,uint256)[] guards)"]).unwrap();
    let function = &mut registry.functions.get_mut("add").unwrap()[0];
    for (member, name) in function.inputs[0].components.iter_mut().zip(["who", "cap"]) {
        member.name = name.to_owned();
    }
    let (contract, ty) = (None, "Guard[]".to_owned());
    function.inputs[0].internal_type = Some(InternalType::Struct { contract, ty });
    let function = function.clone();
    let mut contracts = contracts();
    contracts.get_mut("Registry").unwrap().compiled.as_mut().unwrap().0 = registry;
    let mut run = Run::default();
    let at = DynSolValue::Address;
    let place = run.create("Registry", &[0xaa], &[]);
    let vault = run.create("Vault", &[0xbb, 0xbb], &[at(TOKEN)]);
    let guard = DynSolValue::Tuple(vec![at(vault), uint(7)]);
    let guards = [DynSolValue::Array(vec![guard])];
    run.send(Some(place), None, function.abi_encode_input(&guards).unwrap());
    run.create("ERC1967Proxy", &[0xcc], &[at(vault), DynSolValue::Bytes(Vec::new())]);
    let draft = from_broadcast(&run.0, &contracts);
    assert_eq!(
        shown(&draft.steps[2].call),
        "\"@registry\" \"add\" [{ who = \"@vault\", cap = 7 }]"
    );
    // The step of the implementation stays before what speaks of it.
    assert_eq!(draft.steps[1].proxy, None);
    assert_eq!(draft.steps.len(), 4);
}

#[test]
fn what_cannot_be_decoded_is_for_people_to_fill_in() {
    let mut run = Run::default();
    let at = DynSolValue::Address;
    // Other code than the working tree's. Text that reads like a reference is escaped.
    let registry = run.create("Registry", &[0xab], &[at(TOKEN)]);
    run.0.sent[0].arguments = vec![format!("{TOKEN}\u{202e}")];
    run.call(registry, "text(string)", &[DynSolValue::String("@x".to_owned())]);
    let gone = run.create("Gone", &[1], &[]);
    run.call(gone, "anything()", &[]).function = Some("other()".to_owned());
    let draft = from_broadcast(&run.0, &contracts());
    let comments: Vec<_> = draft.steps.iter().map(|step| step.comments.join("; ")).collect();
    assert_eq!(
        comments[0],
        format!("fill in: constructor(address owner); the broadcast shows: {TOKEN}\\u{{202e}}")
    );
    assert!(draft.steps[0].args.is_empty());
    assert_eq!(shown(&draft.steps[1].call), "\"@registry\" \"text\" \"@@x\"");
    assert!(comments[2].contains("no source found"), "{comments:?}");
    assert_eq!(shown(&draft.steps[3].call), "\"@gone\"");
}

#[test]
fn what_a_plan_cannot_repeat_is_left_out() {
    let mut run = Run::default();
    let registry = run.create("Registry", &[0xaa], &[DynSolValue::Address(DEPLOYER)]);
    let behind = [DynSolValue::Address(registry), DynSolValue::Bytes(Vec::new())];
    run.create("ERC1967Proxy", &[0xcc], &behind);
    run.0.sent[1].value = U256::from(1);
    run.send(Some(TOKEN), None, Vec::new());
    run.send(Some(TOKEN), None, vec![1, 2, 3, 4]);
    run.call(registry, "add(address)", &[DynSolValue::Address(TOKEN)]).from = TOKEN;
    run.send(None, None, vec![0xaa]);
    let library = run.create("Registry", &[0xaa], &[DynSolValue::Address(DEPLOYER)]);
    run.0.libraries.insert(library);
    run.0.left_out.push("already".to_owned());
    let draft = from_broadcast(&run.0, &contracts());
    assert_eq!(draft.steps.len(), 1);
    let why = [
        "already",
        "ether to a proxy",
        "calls no function",
        "is not known",
        "another account",
        "does not name",
        "libraries",
    ];
    assert_eq!(draft.notes.len(), why.len(), "{:?}", draft.notes);
    for (note, why) in draft.notes.iter().zip(why) {
        assert!(note.contains(why), "{note}: {why}");
    }
}

#[test]
fn what_is_made_for_a_proxy_is_proposed_behind_one_or_asked_for() {
    let initializer = |name: &str, parameters: &[&str]| Initializer {
        name: name.to_owned(),
        parameters: parameters.iter().map(|text| (*text).to_owned()).collect(),
    };
    let one = || initializer("initialize", &["address owner", "uint256 cap"]);
    let bare = || initializer("start", &[]);
    let of = |uups: bool, initializers: Vec<Initializer>| {
        let behind = Some(Behind { uups, initializers });
        let (written, name) = ("Vault".to_owned(), "Vault".to_owned());
        let contract = Deployable { written, name, constructor: Vec::new(), behind };
        let draft = from_sources(&[contract]);
        let step = draft.steps.into_iter().next().unwrap();
        (step.proxy.unwrap(), shown(&step.init), step.comments[1..].join(" "))
    };
    let cases = [
        (true, vec![one()], "uups", "\"initialize\"", "initialize(address owner, uint256 cap)"),
        (true, vec![bare()], "uups", "\"start\"", ""),
        (true, vec![], "uups", "\"fill in\"", "No initialiser was found"),
        (true, vec![one(), bare()], "uups", "\"fill in\"", "uint256 cap); start()"),
        (false, vec![bare()], "fill in", "\"start\"", ""),
    ];
    for (uups, initializers, proxy, init, says) in cases {
        let found = of(uups, initializers);
        assert_eq!((found.0, &*found.1), (proxy, init));
        assert!(found.2.contains(says), "{}", found.2);
    }
    let plain = Deployable {
        written: "Till".to_owned(),
        name: "Till".to_owned(),
        constructor: vec!["uint256 cap".to_owned()],
        behind: None,
    };
    let draft = from_sources(&[plain]);
    assert_eq!(draft.steps[0].comments, ["fill in: constructor(uint256 cap)"]);
    assert!(draft.steps[0].proxy.is_none() && draft.steps[0].init.is_empty());
}

/// Ether for a constructor is a value of its step; an implementation is no contract of its own; and
/// bytes that hold an address of the run are for people to write.
#[test]
fn a_run_keeps_no_address_of_the_old_contracts() {
    let mut run = Run::default();
    let at = DynSolValue::Address;
    let registry = run.create("Registry", &[0xaa], &[at(DEPLOYER)]);
    run.0.sent.last_mut().unwrap().value = U256::from(7);
    let vault = run.create("Vault", &[0xbb, 0xbb], &[at(registry)]);
    let empty = DynSolValue::Bytes(Vec::new());
    run.create("ERC1967Proxy", &[0xcc], &[at(vault), empty]);
    run.call(vault, "initialize(uint256,address)", &[uint(1), at(DEPLOYER)]);
    let told = |address: Address| DynSolValue::Bytes([&[1, 2][..], address.as_slice()].concat());
    let beacon = |address| {
        let mut run = Run(Broadcast { sent: run.0.sent.clone(), ..Broadcast::default() });
        run.create("BeaconProxy", &[0xdd], &[at(registry), told(address)]);
        let last = run.0.sent.last().unwrap().creation().unwrap().0;
        run.send(Some(last), Some("BeaconProxy"), vec![1, 2, 3, 4]);
        let mut contracts = contracts();
        contracts.extend([known("BeaconProxy", &[0xdd], &["constructor(address b, bytes data)"])]);
        from_broadcast(&run.0, &contracts)
    };
    let draft = beacon(registry);
    assert_eq!(draft.steps[0].value.as_ref().map(Value::to_string).as_deref(), Some("7"));
    assert!(draft.notes.iter().any(|note| note.contains("implementation of @vault")));
    assert!(draft.externals.is_empty(), "{:?}", draft.externals);
    let [.., proxy, call] = &draft.steps[..] else { panic!("{draft:?}") };
    assert_eq!(proxy.args.len(), 0);
    assert_eq!(proxy.comments, ["fill in: constructor(address b, bytes data)"]);
    assert_eq!(call.comments, ["fill in: it called 0x01020304, whose name is not known"]);
    let draft = beacon(TOKEN);
    let [.., proxy, _] = &draft.steps[..] else { panic!("{draft:?}") };
    assert_eq!(proxy.args.len(), 2, "an address of nobody here stays in it: {proxy:?}");
}
