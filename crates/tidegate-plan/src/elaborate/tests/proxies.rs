//! What stands behind which proxy, and who may change it.

use tidegate_model::plan::Beacon;

use super::*;
use crate::example::{plan_with, release};

/// The example with one more step of this contract.
fn made(contract: &str, rest: &str) -> Result<Plan, String> {
    with_step(&format!("name = \"more\"\ncreate = \"{contract}\"\n{rest}"))
}

#[test]
fn keys_of_proxies_need_a_proxy() {
    for (key, value) in [
        ("init", "[\"owner\"]"),
        ("admin", "\"@safe\""),
        ("beacon", "\"@pool\""),
        ("proxy_contract", "\"Tiny\""),
    ] {
        let args = if key == "beacon" { "" } else { "args = [\"@safe\"]" };
        let found = made("Pair", &format!("{args}\n{key} = {value}"));
        refused(found, &format!("`{key}` needs a `proxy`"));
    }
    refused(made("Pair", "args = [\"@safe\"]\nproxy = \"diamond\""), "a proxy is \"uups\"");
    let own = "args = [\"@safe\"]\nproxy = \"minimal\"\nproxy_contract = \"Tiny\"";
    refused(made("Pair", own), "a minimal proxy has no `proxy_contract`");
}

#[test]
fn what_can_be_upgraded_says_by_whom() {
    let proxy = |kind: &str, rest: &str| {
        made("Pair", &format!("args = [\"@safe\"]\nproxy = \"{kind}\"\n{rest}"))
    };
    for kind in ["transparent", "beacon"] {
        refused(proxy(kind, ""), "say who may upgrade it, such as `admin = \"$owner\"`");
        assert!(proxy(kind, "admin = \"@safe\"").is_ok());
    }
    for kind in ["uups", "minimal"] {
        refused(proxy(kind, "admin = \"@safe\""), "nothing here has an `admin`");
        assert!(proxy(kind, "").is_ok());
    }
    let shared = "proxy = \"beacon\"\nbeacon = \"@pool\"\nadmin = \"@safe\"";
    refused(made("Pool", shared), "nothing here has an `admin`");
}

#[test]
fn a_beacon_is_shared_by_proxies_of_one_contract() {
    let shared =
        |contract: &str, rest: &str| made(contract, &format!("proxy = \"beacon\"\n{rest}"));
    assert!(shared("Pool", "beacon = \"@pool\"").is_ok());
    refused(shared("Pool", "beacon = \"pool\""), "`beacon` is the `@name` of a step");
    refused(shared("Tiny", "beacon = \"@pool\""), "the beacon of `@pool` is for src/a.sol:Pool");
    let args = "beacon = \"@pool\"\nargs = [\"@safe\"]";
    refused(shared("Pool", args), "`args` belong to the step that creates the beacon");
    for other in ["vault", "pool2", "registry", "lists", "nothing"] {
        let found = shared("Pool", &format!("beacon = \"@{other}\""));
        refused(found, &format!("`@{other}` is not an earlier step that creates a beacon"));
    }
    let uups = "args = [\"@safe\"]\nproxy = \"uups\"\nbeacon = \"@pool\"";
    refused(made("Pool", "proxy = \"uups\"\nbeacon = \"@pool\""), "`beacon` needs `proxy");
    refused(made("Pool", uups), "`args` belong to the step that creates the beacon");
}

/// A stranger who initialises a proxy first owns it, also between two transactions of the plan.
#[test]
fn a_proxy_is_initialised_or_says_why_not() {
    let initialize = "init = [\"initialize\", \"@usdc\", 1, \"@safe\"]";
    for kind in ["uups", "transparent", "minimal"] {
        let admin = if kind == "transparent" { "admin = \"@safe\"\n" } else { "" };
        let proxied = |rest: &str| {
            made("Vault", &format!("args = [\"@safe\"]\nproxy = \"{kind}\"\n{admin}{rest}"))
        };
        refused(proxied(""), "whoever calls initialize(address,uint256,address) first owns it");
        refused(proxied("uninitialized = \" \""), "`uninitialized` is the reason, in words");
        assert!(proxied(initialize).is_ok(), "{kind}");
        let both = format!("{initialize}\nuninitialized = \"x\"");
        refused(proxied(&both), "why no initialiser runs, and `init` is one");
        assert!(proxied("uninitialized = \"its owner is in the code\"").is_ok(), "{kind}");
    }
    // Another function leaves the initialiser to whoever comes first.
    let other = "args = [\"@safe\"]\nproxy = \"uups\"\ninit = [\"renew\"]";
    refused(made("Vault", other), "whoever calls initialize(address,uint256,address) first owns");
    let said = made("Vault", &format!("{other}\nuninitialized = \"renew does it\"")).unwrap();
    let said = release(said);
    assert_eq!(crate::uninitialized(&said.plan, &said.artifacts).len(), 1);
    let beacon = "args = [\"@safe\"]\nproxy = \"beacon\"\nadmin = \"@safe\"";
    refused(made("Vault", beacon), "whoever calls initialize(address,uint256,address) first owns");
    let pair = made("Pair", "args = [\"@safe\"]\nproxy = \"uups\"\nuninitialized = \"x\"");
    refused(pair, "the contract has no initialiser");
    let plain = made("Vault", "args = [\"@safe\"]\nuninitialized = \"x\"");
    refused(plain, "`uninitialized` needs a `proxy`");
    let open = made("Vault", "args = [\"@safe\"]\nproxy = \"uups\"\nuninitialized = \"no\"");
    let release = release(open.unwrap());
    let open = crate::uninitialized(&release.plan, &release.artifacts);
    assert_eq!(open, [("more".to_owned(), "initialize(address,uint256,address)".to_owned())]);
}

#[test]
fn a_constructor_gets_value_where_it_takes_it() {
    let paid = |contract: &str, rest: &str| {
        made(contract, &format!("args = [\"@safe\"]\nvalue = \"1e3\"\n{rest}"))
    };
    refused(paid("Pair", ""), "the constructor takes no `value`: it is not payable");
    refused(paid("Vault", "guarded = false"), "a constructor gets `value` only without");
    let behind = paid("Vault", "proxy = \"uups\"\nuninitialized = \"x\"");
    refused(behind, "a constructor behind a `proxy` gets no `value`");
    let plan = paid("Vault", "").unwrap();
    assert_eq!(step(&plan, "more").as_create().unwrap().value, U256::from(1_000));
    // None is none, whatever takes it.
    for rest in ["guarded = false", "proxy = \"uups\""] {
        let found = made("Pair", &format!("args = [\"@safe\"]\nvalue = 0\n{rest}"));
        assert!(found.is_ok(), "{found:?}");
    }
    refused(made("Vault", "args = [\"@safe\"]\nvalue = -1"), "argument `-1`");
    let span = "argument `\"14d\"`";
    refused(made("Vault", "args = [\"@safe\"]\nvalue = \"14d\""), span);
}

#[test]
fn a_call_sends_what_it_says() {
    let call = "name = \"pay\"\ncall = [\"@registry\", \"register\", \"@vault\"]";
    let plan = with_step(&format!("{call}\nvalue = \"2e3\"")).unwrap();
    let Action::Call(found) = &step(&plan, "pay").action else { panic!("a call") };
    assert_eq!((&*found.target, found.value), ("registry", U256::from(2_000)));
}

#[test]
fn proxies_are_what_was_published_or_named() {
    let config = read(&[]);
    let with = |edit: &dyn Fn(&mut Artifact)| plan_with(&config, edit).map_err(|e| e.to_string());
    let source = |path: &'static str| {
        with(&move |artifact: &mut Artifact| {
            if artifact.fqn.name() == "ERC1967Proxy" {
                artifact.sources.insert(path.to_owned(), Default::default());
            }
        })
    };
    assert!(source("dep:@openzeppelin/contracts/proxy/Proxy.sol").is_ok());
    refused(source("src/Proxy.sol"), "src/Proxy.sol is not what OpenZeppelin published as");
    let renamed = |to: &'static str| {
        with(&move |artifact: &mut Artifact| {
            if artifact.fqn.name() == "ERC1967Proxy" {
                artifact.fqn = Fqn(to.to_owned());
            }
        })
    };
    refused(renamed("src/Proxy.sol:ERC1967Proxy"), "src/Proxy.sol is not what OpenZeppelin");
    refused(
        renamed("dep:@openzeppelin/contracts/Old.sol:ERC1967Proxy"),
        "is not what OpenZeppelin",
    );
    let own = [("proxy = \"uups\"", "proxy = \"uups\"\nproxy_contract = \"Tiny\"")];
    let proxy = step(&edited(&own).unwrap(), "vault").as_create().unwrap().proxy.clone().unwrap();
    assert_eq!((proxy.kind, proxy.contract.0.as_str()), (ProxyKind::Uups, "src/a.sol:Tiny"));
    let plan = edited(&[]).unwrap();
    let beacon = |name: &str| step(&plan, name).as_create().unwrap().proxy.clone().unwrap().beacon;
    assert_eq!(beacon("pool"), Some(Beacon::Own(Fqn(format!("dep:{BEACON}")))));
    assert_eq!(beacon("pool2"), Some(Beacon::Of("pool".to_owned())));
}
