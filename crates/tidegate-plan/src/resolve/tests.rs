//! What a plan comes to on one network.

use alloy_primitives::address;
use alloy_sol_types::{SolCall, SolValue, sol};
use serde_json::json;

use super::*;
use crate::config::Config;
use crate::example::{EXECUTOR, EXTERNAL, LIBRARY, SAFE, context, plan, release};
use crate::slots::{ADMIN_SLOT, BEACON_SLOT, IMPLEMENTATION_SLOT};
use crate::trial::ALL;

mod refused;
mod upgrades;

sol! {
    function register(address vault);
    function approve(address spender, uint256 amount);
    function lists(uint8[2] a, bytes[] b, uint32 c, int16 d, bytes4 e, bool f);
    function initialize(address asset, uint256 cap, address owner);
    function upgradeAndCall(address proxy, address to, bytes data);
    function upgradeTo(address to);
    function pair((uint256,string) both);
    function guard((address,uint64[])[] guards, string motto);
    function owner();
    function share(address who, uint64 at);
}

/// The live proxy of the example, and its admin contract.
const LIVE: Address = address!("fB74D76CF7C5bdE07953f79D584c6d9c3D8A6A8D");
const ADMIN: Address = address!("a6b7b59B09020Ee82dA13a2dD83965560cC60624");
/// How long the code of an artifact of the example is, and that of a minimal proxy.
const CODE_BYTES: usize = 60;
const MINIMAL_BYTES: usize = 110;

/// The example with one more step at its end, on one of its networks.
fn on(
    network: &str,
    step: &str,
    edit: impl Fn(&mut Release, &mut ResolveContext),
) -> Result<Resolved, ResolveError> {
    let config = Config::parse(&ALL.replace("[funds]", &format!("{step}\n\n[funds]"))).unwrap();
    let mut release = release(plan(&config).unwrap());
    let mut context = context(&config, network);
    edit(&mut release, &mut context);
    resolve(&release, &context)
}

fn plain(network: &str) -> Resolved {
    on(network, "", |_, _| {}).unwrap()
}

fn op<'r>(resolved: &'r Resolved, id: &str) -> &'r OpKind {
    &resolved.ops.iter().find(|op| op.id == id).unwrap().kind
}

fn at(resolved: &Resolved, id: &str) -> Address {
    let OpKind::Create { address, .. } = op(resolved, id) else { panic!("{id} creates") };
    *address
}

/// What a creation's code is followed by.
fn args(resolved: &Resolved, id: &str) -> Vec<u8> {
    let OpKind::Create { initcode, .. } = op(resolved, id) else { panic!("{id} creates") };
    let code = if id == "clone/proxy" { MINIMAL_BYTES } else { CODE_BYTES };
    initcode[code..].to_vec()
}

fn call(to: Address, data: Vec<u8>, signature: &str) -> OpKind {
    OpKind::Call { to, value: U256::ZERO, data: data.into(), signature: signature.to_owned() }
}

#[test]
fn everything_stands_where_its_salt_and_code_say() {
    let resolved = plain("testnet");
    let ids: Vec<_> = resolved.ops.iter().map(|op| op.id.as_str()).collect();
    let expected = "registry lib:src/L.sol:L vault/implementation vault/proxy registry.register \
                    lists allow pair/implementation pair/proxy pool/implementation pool/beacon \
                    pool/proxy pool2/proxy clone/implementation clone/proxy paid \
                    next/implementation next";
    assert_eq!(ids.join(" "), expected);
    for made in &resolved.ops {
        let OpKind::Create { address, salt, initcode, guarded, .. } = &made.kind else { continue };
        let label = if made.step == "registry" { "v2" } else { "" };
        assert_eq!(*salt, create2_salt("fuzz", &made.step, label, 0), "{}", made.id);
        let value = if made.id == "paid" { U256::from(1_000_000_000) } else { U256::ZERO };
        assert_eq!(*guarded, Some(Guarded { value }), "{}", made.id);
        let own = keccak256((EXECUTOR, *salt).abi_encode());
        assert_eq!(*address, HELPER.create2_from_code(own, initcode), "{}", made.id);
        assert_eq!(resolved.initcodes()[address], keccak256(initcode));
    }
    assert_eq!(resolved.initcodes().len(), resolved.creations().count());
    assert_eq!(resolved.creations().count(), 14);
    let library = at(&resolved, "lib:src/L.sol:L");
    assert_eq!(resolved.libraries, [(Fqn(LIBRARY.to_owned()), library)].into());
    let OpKind::Create { initcode, .. } = op(&resolved, "vault/implementation") else { panic!() };
    assert_eq!(initcode[5..25], library[..]);
}

#[test]
fn what_anybody_may_create_is_made_by_the_proxy() {
    let open = on("testnet", "", |release, _| {
        for step in &mut release.plan.steps {
            match &mut step.action {
                Action::Create(create) => create.guarded = false,
                Action::Upgrade(upgrade) => upgrade.guarded = false,
                Action::Call(_) => {}
            }
        }
    });
    let open = open.unwrap();
    for (made, at, initcode) in open.creations() {
        let OpKind::Create { salt, guarded, .. } = made.kind else { panic!("a creation") };
        assert_eq!((guarded, at), (None, CREATE2_PROXY.create2_from_code(salt, initcode)));
    }
    assert!(plain("testnet").is_guarded() && !open.is_guarded());
    let later = on("testnet", "", |_, context| context.deployment_id = 1).unwrap();
    assert_ne!(at(&later, "registry"), at(&plain("testnet"), "registry"));
}

#[test]
fn arguments_are_those_of_the_network() {
    for (network, owner, mode) in [("testnet", EXECUTOR, 1_u64), ("mainnet", SAFE, 2)] {
        let resolved = plain(network);
        let at = |id: &str| at(&resolved, id);
        let init = initializeCall { asset: EXTERNAL, cap: U256::from(250_000_000), owner };
        let init = Bytes::from(init.abi_encode());
        let behind = (at("vault/implementation"), init).abi_encode_params();
        let none = Bytes::new();
        let expected = [
            ("registry", owner.abi_encode()),
            ("lib:src/L.sol:L", Vec::new()),
            ("vault/implementation", at("registry").abi_encode()),
            ("vault/proxy", behind),
            ("pair/proxy", (at("pair/implementation"), owner, none.clone()).abi_encode_params()),
            ("pool/beacon", (at("pool/implementation"), SAFE).abi_encode_params()),
            ("pool/proxy", (at("pool/beacon"), none.clone()).abi_encode_params()),
            ("pool2/proxy", (at("pool/beacon"), none.clone()).abi_encode_params()),
            ("clone/implementation", at("vault/proxy").abi_encode()),
            ("clone/proxy", (at("clone/implementation"), none).abi_encode_params()),
            ("next/implementation", SAFE.abi_encode()),
        ];
        for (id, words) in expected {
            assert_eq!(hex::encode(args(&resolved, id)), hex::encode(words), "{id}");
        }
        let approve = approveCall { spender: at("vault/proxy"), amount: U256::from(mode) };
        let allow = call(EXTERNAL, approve.abi_encode(), "approve(address,uint256)");
        assert_eq!(op(&resolved, "allow"), &allow);
        let owner = json!(hex::encode_prefixed(owner));
        let expected = [
            ("cap", "250000000".into()),
            ("delay", "1209600".into()),
            ("mode", mode.to_string().into()),
            ("owner", owner),
        ];
        assert_eq!(resolved.params, expected.map(|(name, v)| (name.to_owned(), v)).into());
    }
}

#[test]
fn who_acts_is_named_too() {
    let step = "[[step]]\nname = \"more\"\ncreate = \"Pair\"\nargs = [\"@executor\"]";
    assert_eq!(args(&on("mainnet", step, |_, _| {}).unwrap(), "more"), EXECUTOR.abi_encode());
}

#[test]
fn a_beacon_is_the_one_that_is_named_and_owned_where_it_takes_an_owner() {
    let step = "[[step]]\nname = \"third\"\ncreate = \"Pool\"\nargs = [\"@safe\"]\n\
                proxy = \"beacon\"\nadmin = \"@safe\"\n[[step]]\nname = \"fourth\"\n\
                create = \"Pool\"\nproxy = \"beacon\"\nbeacon = \"@third\"";
    let resolved = on("testnet", step, |_, _| {}).unwrap();
    let expected = (at(&resolved, "third/beacon"), Bytes::new()).abi_encode_params();
    assert_eq!(args(&resolved, "fourth/proxy"), expected);
    // Older versions make the sender the owner.
    let older = |release: &mut Release, _: &mut ResolveContext| {
        let mut all = release.artifacts.values_mut();
        let beacon = all.find(|artifact| artifact.fqn.name() == "UpgradeableBeacon").unwrap();
        beacon.abi.constructor.as_mut().unwrap().inputs.truncate(1);
    };
    let resolved = on("testnet", "", older).unwrap();
    let expected = at(&resolved, "pool/implementation").abi_encode();
    assert_eq!(args(&resolved, "pool/beacon"), expected);
}

#[test]
fn calls_and_checks_hold_what_they_say() {
    let resolved = plain("testnet");
    let (registry, vault) = (at(&resolved, "registry"), at(&resolved, "vault/proxy"));
    let register = registerCall { vault }.abi_encode();
    let expected = call(registry, register, "register(address)");
    assert_eq!(op(&resolved, "registry.register"), &expected);
    let lists = listsCall {
        a: [1, 200],
        b: vec![vec![0].into(), vec![0xff, 0xee].into()],
        c: 14 * 86_400,
        d: -4,
        e: hex!("deadbeef").into(),
        f: true,
    };
    let signature = "lists(uint8[2],bytes[],uint32,int16,bytes4,bool)";
    assert_eq!(op(&resolved, "lists"), &call(vault, lists.abi_encode(), signature));
    let check = |signature: &str, data: Vec<u8>, returns: Vec<u8>, value: Value| Check {
        step: "vault".to_owned(),
        signature: signature.to_owned(),
        to: vault,
        data: data.into(),
        returns: returns.into(),
        kind: if value.is_boolean() { "bool" } else { "address" }.to_owned(),
        value,
    };
    let share = shareCall { who: registry, at: 12_000 }.abi_encode();
    let owner = json!(hex::encode_prefixed(EXECUTOR));
    let expected = [
        check("owner()", ownerCall {}.abi_encode(), EXECUTOR.abi_encode(), owner),
        check("share(address,uint64)", share, true.abi_encode(), json!(true)),
    ];
    assert_eq!(resolved.checks, expected);
}

#[test]
fn proxies_are_watched_and_what_is_there_already_is_named() {
    let resolved = plain("mainnet");
    let at = |id: &str| at(&resolved, id);
    let watch = |address, slot, name, value: Option<Address>| Watch {
        address,
        slot,
        name,
        value: value.map(|address| address.into_word()),
    };
    let name = "the implementation slot";
    let behind = |id: &str| Some(at(&format!("{id}/implementation")));
    let beacon = |id: &str| watch(at(id), BEACON_SLOT, "the beacon slot", Some(at("pool/beacon")));
    let mut expected = [
        watch(at("vault/proxy"), IMPLEMENTATION_SLOT, name, behind("vault")),
        watch(at("pair/proxy"), IMPLEMENTATION_SLOT, name, behind("pair")),
        watch(at("pair/proxy"), ADMIN_SLOT, "the admin slot", None),
        watch(at("pool/beacon"), B256::with_last_byte(1), name, behind("pool")),
        beacon("pool/proxy"),
        beacon("pool2/proxy"),
        watch(LIVE, IMPLEMENTATION_SLOT, name, behind("next")),
    ];
    expected.sort();
    assert_eq!(resolved.slots, expected);
    let outside = [("live", LIVE), ("live.admin", ADMIN), ("usdc", EXTERNAL)];
    assert_eq!(resolved.outside, outside.map(|(name, at)| (name.to_owned(), at)).into());
    let place = |address, implementation| Place { address, implementation };
    let places = [
        ("clone", place(at("clone/proxy"), behind("clone"))),
        ("next", place(LIVE, behind("next"))),
        ("paid", place(at("paid"), None)),
        ("pair", place(at("pair/proxy"), behind("pair"))),
        ("pool", place(at("pool/proxy"), behind("pool"))),
        ("pool2", place(at("pool2/proxy"), behind("pool"))),
        ("registry", place(at("registry"), None)),
        ("vault", place(at("vault/proxy"), behind("vault"))),
    ];
    assert_eq!(resolved.places, places.map(|(name, place)| (name.to_owned(), place)).into());
}

#[test]
fn names_in_a_parameter_are_addresses_and_its_text_is_text() {
    let config = |param: &str, motto: &str| {
        let step = "name = \"more\"\ncall = [\"@vault\", \"guard\", \"$guards\", \"$motto\"]";
        let text = ALL.replace("[funds]", &format!("[[step]]\n{step}\n\n[funds]")).replace(
            "delay = \"14d\"",
            &format!("delay = \"14d\"\nguards = {param}\nmotto = \"{motto}\""),
        );
        Config::parse(&text).unwrap()
    };
    let param = "[{ days = [\"1d\"], who = \"@safe\" }, [\"@vault\", []]]";
    let config = config(param, "@@vault");
    let release = release(plan(&config).unwrap());
    let resolved = resolve(&release, &context(&config, "testnet")).unwrap();
    let vault = resolved.places["vault"].address;
    let guards = vec![(SAFE, vec![86_400_u64]), (vault, Vec::new())];
    let data = guardCall { guards: guards.clone(), motto: "@vault".to_owned() }.abi_encode();
    assert_eq!(*op(&resolved, "more"), call(vault, data, guardCall::SIGNATURE));
    assert_eq!(
        resolved.params["guards"],
        json!([[address_value(SAFE), ["86400"]], [address_value(vault), []]])
    );
    assert_eq!(resolved.params["motto"], json!("@vault"));
    // What names an address never becomes its text, whatever is written later.
    for (text, fault) in [
        ("@vault", ValueError::NotAnAddress { name: "vault".to_owned(), ty: "string".to_owned() }),
        ("$cap", ValueError::ParamInParam("cap".to_owned())),
    ] {
        let mut context = context(&config, "testnet");
        context.params.insert("motto".to_owned(), text.into());
        let error = resolve(&release, &context).unwrap_err();
        let ResolveError::Value { what, source } = error else { panic!("{error:?}") };
        assert_eq!((&*what, source), ("`$motto`", fault));
    }
}
