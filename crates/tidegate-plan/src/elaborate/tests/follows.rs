//! A release that follows a recorded one: what it finds, upgrades, creates anew and leaves.

use tidegate_model::ReleaseRoot;
use tidegate_model::release::Release;

use super::*;
use crate::example::{LIBRARY, plan_after, release};

/// The example as it was released.
fn first() -> (ReleaseRoot, Release) {
    let release = release(edited(&[]).unwrap());
    (release.roots().unwrap().release_root, release)
}

fn followed() -> Followed {
    let (root, release) = first();
    Followed::of(&[(root, &release)]).unwrap()
}

/// Other code of these contracts.
fn changed(names: &'static [&str]) -> impl Fn(&mut Artifact) {
    move |artifact| {
        if names.contains(&artifact.fqn.name()) {
            let mut code = artifact.runtime.object.to_vec();
            code[1] ^= 1;
            artifact.runtime.object = code.clone().into();
            artifact.creation.object = code.into();
        }
    }
}

/// What follows the example, with this in place of that and other code of these contracts.
fn next(edits: &[(&str, &str)], names: &'static [&str]) -> Result<Plan, String> {
    let plan = plan_after(&read(edits), changed(names), Some(&followed()));
    plan.map_err(|error| error.to_string())
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.name.as_str()).collect()
}

#[test]
fn what_did_not_change_is_found_and_what_was_called_is_not_called_again() {
    let plan = next(&[], &[]).unwrap();
    assert_eq!(names(&plan), ["next"]);
    assert_eq!(plan.made, ["allow", "lists", "registry.register"].map(str::to_owned).into());
    let found = ["clone", "live", "paid", "pair", "pool", "pool2", "registry", "vault"];
    assert_eq!(plan.existing, found.map(str::to_owned).into());
    assert_eq!(plan.follows, Some(first().0));
    // Parameters stay, so that the policy does; whoever audits the plan sees what it follows.
    assert_eq!(plan.params, edited(&[]).unwrap().params);
    let lines = plan.lines().join("\n");
    assert!(lines.contains(&format!("follows release {}", first().0)), "{lines}");
}

/// What only an `expect` of an unchanged step uses is still there, and what it says is still read.
#[test]
fn parameters_of_steps_that_come_to_nothing_stay() {
    let spare = "delay = \"14d\"\nspare = \"0x00000000000000000000000000000000000000ee\"";
    let spare = ("delay = \"14d\"", spare);
    let plan = next(&[spare, ("[\"owner\", \"$owner\"]", "[\"owner\", \"$spare\"]")], &[]).unwrap();
    assert_eq!((names(&plan), plan.params.contains_key("spare")), (vec!["next"], true));
    refused(next(&[("[\"owner\", \"$owner\"]", "[\"ownr\", \"$owner\"]")], &[]), "ownr");
}

/// A library's file that moved names its places in code otherwise; other code of it is a change.
#[test]
fn where_the_source_of_a_library_lies_decides_nothing() {
    let moved = |artifact: &mut Artifact| {
        let new = || Fqn("src/moved/L.sol:L".to_owned());
        if artifact.fqn.0 == LIBRARY {
            artifact.fqn = new();
        }
        for code in [&mut artifact.creation, &mut artifact.runtime] {
            let links = std::mem::take(&mut code.links).into_values();
            code.links = links.map(|spans| (new(), spans)).collect();
        }
    };
    let plan = |edit: &dyn Fn(&mut Artifact)| plan_after(&read(&[]), edit, Some(&followed()));
    assert_eq!(names(&plan(&moved).unwrap()), ["next"]);
    let changed = |artifact: &mut Artifact| {
        moved(artifact);
        changed(&["L"])(artifact);
    };
    refused(plan(&changed).map_err(|error| error.to_string()), "paid");
}

#[test]
fn a_changed_contract_behind_a_proxy_is_an_upgrade_of_what_stands() {
    let plan = next(&[], &["Pair"]).unwrap();
    assert_eq!(names(&plan), ["pair", "next"]);
    let pair = step(&plan, "pair").as_upgrade().unwrap();
    assert_eq!((&*pair.target, pair.kind), ("pair", ProxyKind::Transparent));
    let recorded = format!("recorded:{}/src/a.sol:Pair", first().0.short());
    assert_eq!(pair.reference.contract.0, recorded);
    assert_eq!(pair.contract.0, "src/a.sol:Pair");
    assert_ne!(pair.reference.runtime_template, pair_template(&["Pair"]));
    assert_eq!(pair.reference.runtime_template, pair_template(&[]));
    assert_eq!((&pair.init, &*pair.function), (&None, "upgradeAndCall(address,address,bytes)"));
}

fn pair_template(names: &'static [&str]) -> alloy_primitives::B256 {
    let mut artifact = crate::example::artifact("Pair");
    changed(names)(&mut artifact);
    artifact.runtime_template()
}

/// One policy of parameters before and after, so that an audit of the same code goes on counting.
#[test]
fn a_return_to_audited_code_has_the_scope_that_was_audited() {
    let (root, one) = first();
    let vault = &one.artifacts[&Fqn("src/a.sol:Vault".to_owned())];
    let paid = ("value = \"1e9\"", "value = \"1e9\"\nsalt = \"2\"\nanew = true");
    let config = read(&[paid]);
    let second = plan_after(&config, changed(&["Vault"]), Some(&followed())).unwrap();
    let upgrade = step(&second, "vault").as_upgrade().unwrap();
    assert_eq!(upgrade.initialised.as_ref().unwrap().args.len(), 3);
    assert_ne!(second.param_policy(&vault.fqn), Value::Array(Vec::new()));
    let mut two = Release { name: "fuzz-2.0.0".to_owned(), ..release(second) };
    two.artifacts.values_mut().for_each(changed(&["Vault"]));
    let recorded = format!("recorded:{}/src/a.sol:Vault", root.short());
    assert!(two.references.keys().any(|fqn| fqn.0 == recorded));

    let at = ReleaseRoot(alloy_primitives::B256::repeat_byte(2));
    let chain = Followed::of(&[(root, &one), (at, &two)]).unwrap();
    let third = plan_after(&config, |_| {}, Some(&chain)).unwrap();
    let back = step(&third, "vault").as_upgrade().unwrap();
    assert_eq!(back.reference.contract.0, format!("recorded:{}/src/a.sol:Vault", at.short()));
    assert_eq!(back.contract, vault.fqn);
    let policy = |plan: &Plan| {
        let entries = plan.param_policy(&vault.fqn).as_array().unwrap().clone();
        entries.into_iter().filter(|entry| entry["step"] == "vault").collect::<Vec<_>>()
    };
    assert_eq!(policy(&third), policy(&one.plan));
    assert_eq!(policy(&third).len(), 4);
}

#[test]
fn a_migration_runs_with_the_upgrade_alone() {
    let migrate = ("create = \"Pair\"", "create = \"Pair\"\nmigrate = [\"pair\", [1, \"x\"]]");
    refused(next(&[migrate], &[]), "nothing runs `migrate`");
    let plan = next(&[migrate], &["Pair"]).unwrap();
    let init = step(&plan, "pair").as_upgrade().unwrap().init.clone().unwrap();
    assert_eq!(init.signature, "pair((uint256,string))");
    refused(edited(&[migrate]), "`migrate` needs `follows` under [project]");
}

#[test]
fn what_cannot_be_upgraded_is_created_anew_only_where_that_is_written() {
    refused(
        next(&[], &["Registry"]),
        "it changed since fuzz-1.0.0, and nothing can be put behind it",
    );
    refused(next(&[], &["Tiny"]), "`anew = true`");
    refused(next(&[], &["Pool"]), "a beacon of a release that is followed cannot be");
    let anew = ("salt = \"v2\"", "salt = \"v2\"\nanew = true");
    refused(next(&[anew], &[]), "nothing of it changed since fuzz-1.0.0: remove `anew`");
    refused(edited(&[anew]), "`anew` is for what stands");
    // What is made with it changes as well, and it is told again what it was told.
    let plan = next(&[anew], &["Registry"]).unwrap();
    assert_eq!(names(&plan), ["registry", "vault", "registry.register", "next"]);
    assert!(!plan.existing.contains("registry"));
    // Nothing can be put behind what is made with it, and so it says so itself.
    let vault = ("proxy = \"uups\"\ninit", "proxy = \"minimal\"\ninit");
    refused(next(&[vault], &[]), "it stands behind a uups proxy (since fuzz-1.0.0)");
}

#[test]
fn what_ran_at_the_creation_stays_written_as_it_was() {
    let cases = [
        (
            "\"@usdc\", \"$cap\", \"$owner\"]",
            "\"@usdc\", 7, \"$owner\"]",
            "its `init` ran with other",
        ),
        ("admin = \"$owner\"", "admin = \"@safe\"", "it stands with another `admin`"),
        ("proxy = \"transparent\"\nadmin = \"$owner\"", "", "it stands behind a proxy"),
        ("salt = \"v2\"", "proxy = \"uups\"\nuninitialized = \"x\"", "it stands without a proxy"),
    ];
    for (from, to, says) in cases {
        refused(next(&[(from, to)], &[]), says);
    }
    // Another call of the same name is made; one with another name as well.
    let call = ("[1, \"2e2\"]", "[1, 3]");
    assert_eq!(names(&next(&[call], &[]).unwrap()), ["lists", "next"]);
    let named = ("name = \"allow\"", "name = \"allow-2\"");
    assert_eq!(names(&next(&[named], &[]).unwrap()), ["allow-2", "next"]);
}

#[test]
fn what_is_left_behind_is_written() {
    let gone = (
        "[[step]]\ncreate = \"Pair\"\nargs = [\"@safe\"]\nproxy = \"transparent\"\nadmin = \
                 \"$owner\"\n\n",
        "",
    );
    refused(next(&[gone], &[]), "write `leaves = [\"pair\"]`");
    let leaves = |name: &str| format!("version = \"1.0.0\"\nleaves = [\"{name}\"]");
    let pair = leaves("pair");
    assert!(!next(&[gone, ("version = \"1.0.0\"", &pair)], &[]).unwrap().existing.contains("pair"));
    refused(next(&[("version = \"1.0.0\"", &pair)], &[]), "`pair` is no contract that is left");
    refused(next(&[("version = \"1.0.0\"", &leaves("par"))], &[]), "`par` is no contract that is");
    refused(edited(&[("version = \"1.0.0\"", &pair)]), "nothing is followed");
}

#[test]
fn what_is_followed_is_upgraded_by_its_own_step() {
    let more =
        "[[step]]\nname = \"more\"\nupgrade = \"@pair\"\ncreate = \"Tiny\"\nargs = [\"@safe\"]";
    let more = format!("{more}\n\n[funds]");
    refused(next(&[("[funds]", &more)], &[]), "write the new contract in the step `pair`");
    let call = "[[step]]\ncall = [\"@vault\", \"upgradeToAndCall\", \"@pair\", \"0x\"]\n\n[funds]";
    refused(next(&[("[funds]", call)], &[]), "is an upgrade, of which nothing is compared");
    let proxy = "[[step]]\nname = \"pool3\"\ncreate = \"Pool\"\nproxy = \"beacon\"\nbeacon = \
                 \"@pool\"\n\n[funds]";
    refused(next(&[("[funds]", proxy)], &[]), "the beacon of `@pool` stands already");
}

/// A release without a step may have undone what the step did: restored, it is made again.
#[test]
fn a_call_that_a_release_left_out_is_made_again() {
    let (root, one) = first();
    let allow = "[[step]]\nname = \"allow\"\ncall = [\"@usdc\", \"approve(address,uint256)\", \
                 \"@vault\", \"$mode\"]\n\n";
    let undo = allow.replace("\"allow\"", "\"undo\"").replace("@vault", "@registry");
    let without = plan_after(&read(&[(allow, &undo)]), |_| {}, Some(&followed())).unwrap();
    assert_eq!(names(&without), ["undo", "next"]);
    let two = Release { name: "fuzz-2.0.0".to_owned(), ..release(without) };
    let at = ReleaseRoot(alloy_primitives::B256::repeat_byte(2));
    let chain = Followed::of(&[(root, &one), (at, &two)]).unwrap();
    let third = plan_after(&read(&[]), |_| {}, Some(&chain)).unwrap();
    assert_eq!(names(&third), ["allow", "next"]);
    assert_eq!(third.made, ["lists", "registry.register"].map(str::to_owned).into());
}

#[test]
fn a_name_of_what_stands_is_nothing_elses() {
    let external = "[externals.pair]\ntestnet = { create = \"Mock\" }\n\n[params]";
    refused(next(&[("[params]", external)], &[]), "a contract that stands has this name");
    let twice = "[[step]]\nname = \"pair\"\ncreate = \"Registry\"\nargs = [\"@safe\"]\n\n[funds]";
    refused(next(&[("[funds]", twice)], &[]), "the name `pair` is taken");
    let live = ("[existing.live]", "[existing.vault]");
    refused(next(&[live, ("\"@live\"", "\"@vault\"")], &[]), "this name is taken");
}

/// What was told of a contract at its creation keeps the old one, unless it is told of the new one.
#[test]
fn what_was_told_of_something_anew_is_told_again() {
    let at = "\"@usdc\", \"$cap\", \"$owner\"]";
    let told = read(&[(at, "\"@registry\", \"$cap\", \"$owner\"]")]);
    let one = release(plan_after(&told, |_| {}, None).unwrap());
    let root = one.roots().unwrap().release_root;
    let follows = Followed::of(&[(root, &one)]);
    let plan = |more: &str| {
        let anew = ("salt = \"v2\"", "salt = \"v2\"\nanew = true");
        let more = format!("{more}[funds]");
        let vault = ("args = [\"@registry\"]\nproxy", "args = [\"@safe\"]\nproxy");
        let config =
            read(&[(at, "\"@registry\", \"$cap\", \"$owner\"]"), anew, vault, ("[funds]", &more)]);
        plan_after(&config, changed(&["Registry"]), follows.as_ref()).map_err(|e| e.to_string())
    };
    refused(plan(""), "its `init` was told of \"@registry\", which is created anew");
    let tell = "[[step]]\nname = \"tell\"\ncall = [\"@vault\", \"register\", \"@registry\"]\n\n";
    assert!(names(&plan(tell).unwrap()).contains(&"tell"));
}

#[test]
fn a_parameter_is_given_to_each_contract_that_had_it() {
    let stale = |plan: &Plan, param: &str| {
        let followed = followed();
        let given = Source::Param(param.to_owned());
        followed.not_given(plan, &given).into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let plan = next(&[], &[]).unwrap();
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(stale(&plan, "cap"), all(&["vault"]));
    assert_eq!(stale(&plan, "owner"), all(&["pair", "registry", "vault"]));
    assert_eq!(stale(&plan, "delay"), all(&["vault"]));
    let external = |name: &str| Source::Ref(name.to_owned());
    let followed = followed();
    assert_eq!(followed.not_given(&plan, &external("usdc")), ["vault"].into());
    assert_eq!(followed.not_given(&plan, &external("nobody")), [].into());
    // Given to another contract, it is not given to the one that had it.
    let call = |to: &str| {
        let call =
            format!("[[step]]\ncall = [\"@{to}\", \"share(address,uint64)\", \"$owner\", 1]");
        next(&[("[funds]", &format!("{call}\n\n[funds]"))], &[]).unwrap()
    };
    // What a constructor got, no call changes.
    assert_eq!(stale(&call("registry"), "owner"), all(&["pair", "registry", "vault"]));
    assert_eq!(stale(&call("vault"), "owner"), all(&["pair", "registry"]));
}
