//! What steps come to, and what they cannot mean.

use alloy_primitives::b256;
use tidegate_model::PlanDigest;
use tidegate_model::plan::{Arg, Source};

use super::*;
use crate::example::{LIBRARY, plan};
use crate::trial::ALL;

mod args;
mod follows;
mod proxies;
mod upgrades;

/// The example with this in place of that.
fn read(edits: &[(&str, &str)]) -> Config {
    let text = edits.iter().fold(ALL.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    });
    Config::parse(&text).unwrap()
}

fn edited(edits: &[(&str, &str)]) -> Result<Plan, String> {
    plan(&read(edits)).map_err(|error| error.to_string())
}

/// The example with one more step at its end, which is the twelfth.
fn with_step(step: &str) -> Result<Plan, String> {
    edited(&[("[funds]", &format!("[[step]]\n{step}\n\n[funds]"))])
}

fn refused(found: Result<Plan, String>, says: &str) {
    let error = found.map(|plan| plan.steps).unwrap_err();
    assert!(error.contains(says), "{error} does not say {says}");
}

fn step<'p>(plan: &'p Plan, name: &str) -> &'p Step {
    plan.steps.iter().find(|step| step.name == name).unwrap()
}

#[test]
fn a_plan_says_each_step_whole() {
    let found = edited(&[]).unwrap();
    let names: Vec<_> = found.steps.iter().map(|step| step.name.as_str()).collect();
    let expected = "registry vault registry.register lists allow pair pool pool2 clone paid next";
    assert_eq!(names.join(" "), expected);
    assert_eq!(found.externals, ["usdc".to_owned()].into());
    assert_eq!(found.existing, ["live".to_owned()].into());
    let types: Vec<_> = found.params.iter().map(|(name, p)| (&**name, &*p.ty)).collect();
    let expected =
        [("cap", "uint256"), ("delay", "uint32"), ("mode", "uint256"), ("owner", "address")];
    assert_eq!(types, expected);
    let vault = step(&found, "vault").as_create().unwrap();
    assert_eq!(vault.libraries, [Fqn(LIBRARY.to_owned())]);
    assert_eq!(step(&found, "pool2").as_create().unwrap().libraries, []);
    assert_eq!(step(&found, "paid").as_create().unwrap().value, U256::from(1_000_000_000));
    assert_eq!((&*step(&found, "registry").salt_label, vault.guarded), ("v2", true));
    // Everything else of it: whoever audits a plan signs this.
    let whole = b256!("3a412b4104165eb5dee2e43139400815cd143b0caff142c62cafa47824abf693");
    assert_eq!(found.digest().unwrap(), PlanDigest(whole));
}

#[test]
fn what_is_compiled_is_what_steps_and_live_contracts_name() {
    let names = |edits: &[(&str, &str)]| requested_contracts(&read(edits));
    let own = ["Mock", "Next", "Pair", "Pool", "Registry", "Tiny", "Vault", "src/old.sol:Old"];
    let proxies = [UUPS_PROXY, TRANSPARENT_PROXY, BEACON_PROXY, BEACON];
    let all: BTreeSet<_> = own.iter().chain(&proxies).map(|name| (*name).to_owned()).collect();
    assert_eq!(names(&[]), all);
    let without = |name: &str| all.iter().filter(|n| **n != name).cloned().collect();
    let no_uups: BTreeSet<String> = without(UUPS_PROXY);
    assert_eq!(names(&[("\"uups\"", "\"minimal\"")]), no_uups);
    let own = names(&[("\"uups\"", "\"uups\"\nproxy_contract = \"Tiny\"")]);
    assert_eq!(own, no_uups);
    // The beacon of a live contract alone.
    let live = [
        ("proxy = \"transparent\"\nopenzeppelin", "proxy = \"beacon\"\nopenzeppelin"),
        ("proxy = \"beacon\"\nadmin", "proxy = \"minimal\"\nadmin"),
        ("proxy = \"beacon\"\nbeacon", "proxy = \"minimal\"\nbeacon"),
    ];
    assert!(names(&live).contains(BEACON));
    assert!(!names(&live[1..]).contains(BEACON));
    assert!(needs_minimal_proxy(&edited(&[]).unwrap()));
    let without = edited(&[("\"minimal\"", "\"uups\"")]).unwrap();
    assert!(!needs_minimal_proxy(&without));
}

#[test]
fn a_step_does_one_thing_under_its_own_name() {
    let both = "create = \"Pair\"\ncall = [\"@registry\", \"register\", \"@vault\"]";
    let one = "step `#12`: a step has either `create` or `call`";
    for step in ["", both, &format!("{both}\nupgrade = \"@live\"")] {
        refused(with_step(step), one);
    }
    refused(with_step("upgrade = \"@live\""), "name the new implementation");
    for taken in ["safe", "deployer", "executor", "usdc", "live", "registry", "lists"] {
        let made = format!("name = \"{taken}\"\ncreate = \"Registry\"\nargs = [\"@safe\"]");
        refused(with_step(&made), &format!("the name `{taken}` is taken"));
    }
    // An upgrade is written as one: a call would be compared with nothing.
    let zero = "0x0000000000000000000000000000000000000000";
    for target in ["vault\", \"upgradeToAndCall", "usdc\", \"upgradeToAndCall(address,bytes)"] {
        let call = format!("call = [\"@{target}\", \"{zero}\", \"0x\"]");
        refused(with_step(&call), "is an upgrade, of which nothing is compared as a call");
    }
    // An upgrade may have the name of what is there already, once.
    let renewed = edited(&[("name = \"next\"", "name = \"live\"")]).unwrap();
    assert!(renewed.steps.iter().any(|step| step.name == "live"));
    let pair = "name = \"pair\"\nupgrade = \"@pair\"\ncreate = \"Pair\"\nargs = [\"@safe\"]";
    refused(with_step(pair), "the name `pair` is taken");
    let again = "call = [\"@registry\", \"register\", \"@vault\"]";
    refused(with_step(again), "step `#12`: the name `registry.register` is taken");
    let live = |name: &str| {
        edited(&[("[existing.live]", &format!("[existing.{name}]")), ("\"@live\"", "\"@usdc\"")])
    };
    for name in ["usdc", "safe"] {
        refused(live(name), &format!("`existing.{name}` in tidegate.toml: this name is taken"));
    }
    let used = [("upgrade = \"@live\"", "upgrade = \"@pair\"")];
    refused(edited(&used), "`existing.live` in tidegate.toml: no step upgrades it");
}

#[test]
fn keys_that_mean_nothing_on_a_step_are_refused() {
    let call = "name = \"again\"\ncall = [\"@registry\", \"register\", \"@vault\"]";
    let upgrade = "name = \"more\"\nupgrade = \"@live\"\ncreate = \"Next\"\nargs = [\"@safe\"]";
    let keys = [
        ("proxy", "\"uups\"", true, true),
        ("admin", "\"@safe\"", true, true),
        ("proxy_contract", "\"Tiny\"", true, true),
        ("beacon", "\"@pool\"", true, true),
        ("guarded", "true", true, false),
        ("value", "\"1\"", false, true),
        ("args", "[\"@safe\"]", true, false),
        ("init", "[\"renew\"]", true, false),
    ];
    for (key, value, on_call, on_upgrade) in keys {
        let says = format!("`{key}` has no meaning on this kind of step");
        for (step, is_refused) in [(call, on_call), (upgrade, on_upgrade)] {
            if step == upgrade && key == "args" {
                continue;
            }
            let found = with_step(&format!("{step}\n{key} = {value}"));
            match is_refused {
                true => refused(found, &says),
                false => assert!(found.is_ok(), "{key}: {found:?}"),
            }
        }
    }
}

#[test]
fn a_call_names_what_it_calls() {
    let call = |call: &str| with_step(&format!("name = \"again\"\ncall = {call}"));
    refused(call("[\"@registry\"]"), "write `call = [\"@target\", \"function\", arguments…]`");
    refused(call("[\"registry\", \"register\", \"@vault\"]"), "`\"registry\"` is not an `@name`");
    refused(call("[\"@regisry\", \"register\", \"@vault\"]"), "did you mean `@registry`?");
    refused(
        call("[\"@registry\", \"register\"]"),
        "takes (address vault), but what is written has 0 arguments",
    );
    // What has no sources in the project is called by a whole signature, and expects nothing.
    let stands = format!("testnet.address = \"0x{}\"", "01".repeat(20));
    let bare = ("testnet = { create = \"Mock\" }", &*stands);
    let allow = "\"approve(address,uint256)\", \"@vault\", \"$mode\"]";
    let plan = edited(&[bare]).unwrap();
    let Action::Call(found) = &step(&plan, "allow").action else { panic!("a call") };
    assert_eq!(found.invocation.signature, "approve(address,uint256)");
    let name = "\"approve\", \"@vault\", \"$mode\"]";
    refused(edited(&[bare, (allow, name)]), "`@usdc` has no ABI here");
    let expects = format!("{allow}\nexpect = [[\"owner\", \"@safe\"]]");
    refused(edited(&[bare, (allow, &expects)]), "what it calls has no ABI for `expect`");
    assert!(edited(&[(allow, &expects)]).is_ok());
}

#[test]
fn an_expectation_is_of_one_value() {
    let expect = |expect: &str| {
        let made = "name = \"more\"\ncreate = \"Pair\"\nargs = [\"@safe\"]";
        with_step(&format!("{made}\nexpect = [{expect}]"))
    };
    refused(expect("[\"owner\"]"), "write `expect = [[\"view\", arguments…, value]]`");
    refused(expect("[\"register\", \"@vault\", 1]"), "must return exactly one value");
    let plan = expect("[\"share(address)\", \"@vault\", \"2e1\"]").unwrap();
    let [found] = &*step(&plan, "more").expect else { panic!("one") };
    let arg = |ty: &str, from| Arg { ty: ty.to_owned(), from };
    assert_eq!(found.signature, "share(address)");
    assert_eq!(found.args, [arg("address", Source::Ref("vault".to_owned()))]);
    assert_eq!(found.equals, arg("uint256", Source::Literal("20".into())));
}

#[test]
fn parameters_are_used_as_one_type_and_by_some_step() {
    let unused = ("delay = \"14d\"", "delay = \"14d\"\nspare = 1");
    refused(edited(&[unused]), "cannot read parameter `spare`: no step uses it");
    let rule = ("max = \"500e6\"", "max = \"many\"");
    refused(edited(&[rule]), "cannot read parameter `cap`");
    let twice = ("\"@vault\", \"$mode\"]", "\"$mode\", \"$mode\"]");
    refused(edited(&[twice]), "`mode`: it is used both as `address` and as `uint256`");
    refused(edited(&[("[\"$owner\"]", "[\"$ownr\"]")]), "did you mean `$owner`?");
    let number = ("@vault\", \"$mode\"", "@vault\", \"@vault\"");
    refused(edited(&[number]), "`@vault` is an address, but a `uint256` is needed");
}
