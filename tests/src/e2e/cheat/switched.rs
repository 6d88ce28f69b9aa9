//! One commit that names another Safe: whose policy pays, and whose project is stopped.

use alloy_primitives::{Address, U256};
use libtest_mimic::Failed;
use tidegate_model::ChainId;
use tidegate_model::digest::project_id;
use tidegate_model::statement::{Body, Freeze, Statement, freeze_subject};
use tidegate_safe::helper;
use tidegate_testkit::{DAY_SECS, Ran, actor, actor_address, safe};

use crate::support::{Case, Forge, Outcome, Scene, Status, by_key, cases, files, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_safe_that_git_replaces_pays_nothing,
            cheat_a_safe_that_git_replaces_promotes_and_signs_nothing,
            cheat_a_safe_that_git_replaces_in_other_ways,
            cheat_a_stop_that_git_turns_aside,
            a_project_that_moves_to_another_safe;
        Funded: a_draw_shows_on_what_it_rests;
        Fresh: cheat_test_funds_by_a_file_that_no_safe_adopted;
    }
}

const CONFIG: &str = "tidegate.toml";
const REGISTRY: &str = "contracts/src/Registry.sol";
const ETHER: u64 = 1_000_000_000_000_000_000;

/// Somebody with commit rights: a Safe of their own keys, and people of their own.
struct Attack {
    own: Address,
    request: String,
}

fn own_safe(scene: &Scene<'_>, owners: [&str; 3], salt: u64) -> Result<Address, Failed> {
    let (mainnet, mallory) = (&scene.world.mainnet, actor("mallory"));
    mainnet.set_balance(mallory.address(), U256::from(ETHER) * U256::from(5))?;
    let owners = owners.map(actor_address);
    let made = safe::deploy_safe(mainnet, &mallory, safe::Singleton::Safe, &owners, 2, salt)?;
    scene.world.settle()?;
    Ok(made)
}

/// What one commit holds then: the configuration, and what the attacker's own people signed.
fn attack(scene: &Scene<'_>) -> Result<Attack, Failed> {
    let own = own_safe(scene, ["a1", "a2", "a3"], 7)?;
    for (person, key) in [("mal", "mallory"), ("mel", "mel"), ("a1", "a1"), ("a2", "a2")] {
        scene.person(person).keep_key(person, &actor(key))?;
    }
    let theirs = scene.beside("theirs");
    files::copy_tree(scene.project(), theirs.project())?;
    theirs.edit(CONFIG, &scene.world.safe.to_string(), &own.to_string())?;
    let people = [("mal", "engineer", "mallory"), ("mel", "treasurer", "mel")].map(|one| {
        let (name, role, key) = one;
        format!("{name} = {{ roles = [\"{role}\"], keys = [\"{}\"] }}\n", actor_address(key))
    });
    theirs.edit(CONFIG, "[people]\n", &format!("[people]\n{}", people.concat()))?;
    let adopt = json_text(&theirs.done("mal", &["policy", "adopt", "--json"])?, "proposal")?;
    for owner in ["a1", "a2"] {
        theirs.done(owner, &["proposal", "sign", &adopt, "--as", owner])?;
    }
    theirs.done("mal", &["proposal", "execute", &adopt, "--as", "mal"])?;
    let to = actor_address("mallory").to_string();
    let ask = ["fund", "request", "2 ether", "--reason", "deploy", "--to", &to, "--as", "mal"];
    let request = json_text(&theirs.done("mal", &[&ask[..], &["--json"]].concat())?, "digest")?;
    theirs.done("mel", &["fund", "approve", &request, "--as", "mel"])?;
    scene.world.settle()?;
    // The commit.
    scene.write(CONFIG, &theirs.read(CONFIG)?)?;
    files::copy_tree(&theirs.project().join("deployments"), &scene.project().join("deployments"))?;
    Ok(Attack { own, request })
}

/// It is refused by name of both Safes, and says how another one is accepted.
fn names_both(scene: &Scene<'_>, own: Address, ran: &Ran) -> Outcome {
    let says = [
        format!("tidegate.toml names Safe {own} on chain 31337 for vault"),
        format!("this machine relies on Safe {} on chain 31337", scene.world.safe),
        format!("--pin 31337:{own}"),
    ];
    match says.iter().find(|part| !said(ran).contains(*part)) {
        None => Ok(()),
        Some(part) => Err(format!("{part}: {ran:?}").into()),
    }
}

fn refused(scene: &Scene<'_>, own: Address, who: &str, args: &[&str]) -> Outcome {
    let ran = scene.approve(who, args)?.expect_code(1)?;
    names_both(scene, own, &ran)
}

fn cheat_a_safe_that_git_replaces_pays_nothing(scene: &Scene<'_>) -> Outcome {
    let Attack { own, request } = attack(scene)?;
    let (testnet, mallory) = (&scene.world.testnet, actor_address("mallory"));
    for args in [&["fund", "draw"][..], &["fund", "draw", &request]] {
        refused(scene, own, "kim", args)?;
        refused(scene, own, "kim", &[args, &["--dry-run"]].concat())?;
    }
    refused(scene, own, "kim", &["fund", "approve", &request, "--as", "treasury"])?;
    refused(scene, own, "eva", &["fund", "return"])?;
    refused(scene, own, "eva", &["fund", "request", "1 ether", "--reason", "more"])?;
    assert_eq!(testnet.balance(mallory)?, U256::ZERO);
    // The owners of the new Safe are shown, so that one can compare them.
    let shown = scene.approve("kim", &["fund", "draw"])?;
    assert!(said(&shown).contains(&format!("owner {}", actor_address("a1"))), "{shown:?}");
    let books = scene.run("kim", &["ledger", "show", "testnet"], 0)?;
    assert!(said(&books).contains("which treasury the Safe adopted is not known"), "{books:?}");
    let books = scene.person("kim").run(&["ledger", "reconcile", "testnet", "--check"])?;
    assert_ne!(books.code, 0, "{books:?}");
    Ok(())
}

fn cheat_a_safe_that_git_replaces_promotes_and_signs_nothing(scene: &Scene<'_>) -> Outcome {
    let own = attack(scene)?.own;
    let adoption = std::fs::read_dir(scene.project().join("deployments/mainnet/proposals"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .ok_or("a proposal")?;
    let hash = adoption.split('.').next().unwrap_or(&adoption);
    let commands: [(&str, &[&str]); 9] = [
        ("eva", &["promote"]),
        ("eva", &["policy", "adopt"]),
        ("kim", &["record", "go", "--as", "treasury"]),
        ("kim", &["record", "key", "kim", "--as", "treasury"]),
        ("eva", &["record", "start", "--as", "deployer"]),
        ("ada", &["attest", "reports/acme.md", "--as", "ada"]),
        ("eva", &["proposal", "list"]),
        ("o1", &["proposal", "sign", hash, "--as", "owner"]),
        ("ops", &["proposal", "execute", hash]),
    ];
    for (who, args) in commands {
        refused(scene, own, who, args)?;
    }
    // It is refused before a key is opened, a report is read or anything is built.
    let registry = scene.read(REGISTRY)?;
    scene.write(REGISTRY, "no Solidity")?;
    let nobody: [(&str, &[&str]); 5] = [
        ("eva", &["promote"]),
        ("kim", &["record", "go", "--as", "nobody"]),
        ("ada", &["attest", "reports/none.md", "--as", "nobody"]),
        ("kim", &["fund", "approve", "--as", "nobody"]),
        ("eva", &["fund", "request", "1 ether", "--reason", "more", "--as", "nobody"]),
    ];
    for (who, args) in nobody {
        refused(scene, own, who, args)?;
    }
    scene.write(REGISTRY, &registry)?;
    // Who only looks is told too, on each machine that knows the project.
    for who in ["eva", "kim", "o1"] {
        let status = Status::of(&scene.run(who, &["status", "--json"], 0)?)?;
        let (own, known) = (own.to_string(), scene.world.safe.to_string());
        status.expect("safe", "FAIL", (&["other-safe"], &[own.as_str(), &known]))?;
    }
    for (args, code) in [(&["policy", "show"][..], 0), (&["verify", "mainnet"], 1)] {
        let ran = scene.run("eva", args, code)?;
        names_both(scene, own, &ran)?;
        assert!(said(&ran).contains("FAIL"), "{ran:?}");
    }
    Ok(())
}

/// Under another name of the project or of the network, in a second checkout, and with a chain
/// beside the one that is known.
fn cheat_a_safe_that_git_replaces_in_other_ways(scene: &Scene<'_>) -> Outcome {
    let own = attack(scene)?.own;
    let kept = scene.read(CONFIG)?;
    let second = scene.beside("second");
    files::copy_tree(scene.project(), second.project())?;
    refused(&second, own, "kim", &["fund", "draw"])?;
    refused(&second, own, "ada", &["record", "go", "--as", "ada"])?;

    let network = kept.replace("[networks.mainnet]", "[networks.main]");
    let network = network.replace("mainnet.", "main.").replace("mainnet = ", "main = ");
    scene.write(CONFIG, &network)?;
    refused(scene, own, "kim", &["fund", "draw"])?;
    let status = Status::of(&scene.run("eva", &["status", "--json"], 0)?)?;
    let (now, before) = (own.to_string(), scene.world.safe.to_string());
    status.expect("safe", "FAIL", (&["other-safe"], &[now.as_str(), &before]))?;

    let renamed = |text: &str| text.replace("name    = \"vault\"", "name    = \"vault2\"");
    let honest = kept.replace(&own.to_string(), &scene.world.safe.to_string());
    for (text, named) in [(renamed(&kept), own), (renamed(&honest), scene.world.safe)] {
        scene.write(CONFIG, &text)?;
        let known = format!("Safe {} on chain 31337 for vault", scene.world.safe);
        let names = format!("tidegate.toml names Safe {named} on chain 31337 for vault2");
        for (who, args) in [
            ("kim", &["fund", "draw"][..]),
            ("kim", &["record", "go", "--as", "treasury"]),
            ("eva", &["promote"]),
        ] {
            let ran = scene.approve(who, args)?.expect_code(1)?;
            assert!([&known, &names].iter().all(|part| said(&ran).contains(*part)), "{ran:?}");
        }
        scene.status()?.expect("safe", "FAIL", (&["other-safe"], &[known.as_str(), &names]))?;
    }

    // What was known before is what everybody works with again, once the commit is taken back.
    scene.write(CONFIG, &honest)?;
    scene.run("eva", &["proposal", "list"], 0)?;
    let shown = scene.person("kim").run(&["fund", "draw", "--dry-run"])?;
    assert!(!said(&shown).contains("this machine relies on"), "{shown:?}");
    scene.go()
}

fn freezes(scene: &Scene<'_>, who: &str) -> Result<String, Failed> {
    let freeze = ["record", "freeze", "--for", "2d", "--reason", "stop", "--post", "--as", who];
    let ran = scene.done(who, &freeze)?;
    let known = format!("Safe {} on chain 31337", scene.world.safe);
    assert!(said(&ran).contains(&format!("vault, {known}: Freeze every promotion")), "{ran:?}");
    assert!(said(&ran).contains(&format!("It is stopped for {known} for vault")), "{ran:?}");
    let posted = said(&ran);
    let digest = posted.split("deployments/statements/").nth(1).ok_or("a statement")?;
    Ok(digest.split(".json").next().unwrap_or(digest).to_owned())
}

/// The commit stands while something is stopped, and is taken back with the statement's file.
fn cheat_a_stop_that_git_turns_aside(scene: &Scene<'_>) -> Outcome {
    let kept = scene.beside("kept");
    files::copy_tree(scene.project(), kept.project())?;
    let own = attack(scene)?.own;
    let mainnet = &scene.world.mainnet;
    for who in ["ada", "bo"] {
        mainnet.set_balance(actor_address(who), U256::from(ETHER))?;
    }
    // Without those who would stop it.
    let ada = format!(
        "ada = {{ roles = [\"auditor\"], firm = \"Acme\", keys = [\"{}\"] }}\n",
        actor_address("ada")
    );
    scene.edit(CONFIG, &ada, "")?;
    let theirs = scene.read(CONFIG)?;
    let said_by_ada = freezes(scene, "ada")?;
    // Posted by somebody else, of what was signed for the project that people know.
    let now = mainnet.finalized()?.timestamp;
    let until = now + 5 * DAY_SECS;
    let body = Body::Freeze(Freeze { until, reason: "a look".to_owned() });
    let general = Forge(scene).general("treasury", body, now)?;
    let file = scene.folder().join("signed.json");
    let signed = by_key("treasury", Statement::Statement(general))?;
    files::write(&file, serde_json::to_string_pretty(&signed)?.as_bytes())?;
    scene.done("ops", &["record", "post", &file.to_string_lossy()])?;
    scene.world.settle()?;
    for (who, safe, is_posted) in [
        ("ada", scene.world.safe, true),
        ("treasury", scene.world.safe, true),
        ("ada", own, false),
        ("treasury", own, false),
    ] {
        let project = project_id(ChainId(mainnet.chain_id()), safe, "vault");
        let call = helper::posted(actor_address(who), freeze_subject(project));
        let answer = helper::read_posted(&mainnet.call(helper::address(), &call)?)?;
        assert_eq!(answer > 0, is_posted, "{who} for {safe}");
    }
    let taken_back = |digest: String| -> Result<Status, Failed> {
        let file = format!("deployments/statements/{digest}.json");
        std::fs::remove_file(scene.project().join(file))?;
        scene.write(CONFIG, &kept.read(CONFIG)?)?;
        Status::of(&scene.run("o1", &["status", "--json"], 0)?)
    };
    let names = ["ada froze promotions", "kim froze promotions"];
    taken_back(said_by_ada)?.expect("go", "UNKNOWN", (&["frozen-posted"], &names))?;
    scene.write(CONFIG, &theirs)?;
    let no_go = ["record", "no-go", "--reason", "a doubt", "--post", "--as", "bo", "--json"];
    let said_by_bo = json_text(&scene.done("bo", &no_go)?, "digest")?;
    scene.world.settle()?;
    taken_back(said_by_bo)?.expect("go", "FAIL", (&["no-go-posted"], &["bo"]))?;
    let ran = scene.person("o1").run(&["promote", "--json"])?;
    assert_ne!(ran.code, 0, "{ran:?}");
    Ok(())
}

/// Everybody pins the new Safe once, and what the old one was relied on for is over.
fn a_project_that_moves_to_another_safe(scene: &Scene<'_>) -> Outcome {
    let moved = own_safe(scene, ["o1", "o2", "o3"], 9)?;
    let (old, new) = (scene.world.safe.to_string(), moved.to_string());
    let pin = format!("31337:{moved}");
    scene.edit(CONFIG, &old, &new)?;
    refused(scene, moved, "eva", &["policy", "adopt"])?;
    let wrong = ["policy", "adopt", "--pin", &scene.safe()];
    refused(scene, moved, "eva", &wrong)?;
    scene.status()?.expect("safe", "FAIL", (&["other-safe"], &[old.as_str(), &new]))?;
    let adopt = ["policy", "adopt", "--json", "--pin", &pin];
    let proposal = json_text(&scene.done("eva", &adopt)?, "proposal")?;
    for owner in ["o1", "o2"] {
        let sign = ["proposal", "sign", &proposal, "--as", "owner"];
        refused(scene, moved, owner, &sign)?;
        scene.done(owner, &[&sign[..], &["--pin", &pin]].concat())?;
    }
    scene.done("ops", &["proposal", "execute", &proposal, "--pin", &pin])?;
    scene.world.settle()?;
    scene.status()?.expect("safe", "PASS", &[])?;
    // Kim has not pinned it yet.
    let status = Status::of(&scene.run("kim", &["status", "--json"], 0)?)?;
    status.expect("safe", "FAIL", (&["other-safe"], &[old.as_str(), &new]))?;
    scene.done("kim", &["record", "key", "kim", "--as", "treasury", "--pin", &pin])?;
    let status = Status::of(&scene.run("kim", &["status", "--json"], 0)?)?;
    status.expect("safe", "PASS", &[])?;
    // The way back is another Safe once more.
    scene.edit(CONFIG, &new, &old)?;
    scene.status()?.expect("safe", "FAIL", (&["other-safe"], &[old.as_str(), &new]))
}

/// Who pays sees who asked, who approved and by which policy; a Safe that this machine has not
/// pinned is shown with its owners.
fn a_draw_shows_on_what_it_rests(scene: &Scene<'_>) -> Outcome {
    let ask = ["fund", "request", "1 ether", "--reason", "more tests", "--json"];
    let request = json_text(&scene.done("eva", &ask)?, "digest")?;
    scene.done("kim", &["fund", "approve", &request, "--as", "treasury"])?;
    std::fs::remove_file(scene.person("kim").home().join("pins.toml"))?;
    let draw = ["fund", "draw", &request, "--password-fd", "0"];
    let ran = scene.person("kim").run(&draw)?.expect_code(2)?;
    let (eva, kim) = (actor_address("deployer"), actor_address("treasury"));
    let safe = scene.world.safe;
    let shows = [
        format!("asked by eva, {eva}"),
        "reason more tests".to_owned(),
        "amount 1 ETH".to_owned(),
        format!("to eva, {eva}"),
        format!("approved by kim, {kim}"),
        format!("treasury {kim}"),
        format!("policy version 1, adopted by Safe {safe} on chain 31337"),
        format!("First sight of Safe {safe} on chain 31337: threshold 2 of 3 owner"),
        format!("--pin 31337:{safe}"),
    ];
    assert!(shows.iter().all(|part| said(&ran).contains(part)), "{ran:?}");
    scene.done("kim", &draw[..3])?;
    let ran = scene.done("eva", &["fund", "return", &request])?;
    assert!(shows[..7].iter().all(|part| said(&ran).contains(part)), "{ran:?}");
    Ok(())
}

/// Before any Safe has adopted a policy the treasury pays what its own key approved, and lent
/// funds go back where they came from, whatever the file says.
fn cheat_test_funds_by_a_file_that_no_safe_adopted(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read(CONFIG)?;
    let (testnet, mallory) = (&scene.world.testnet, actor_address("mallory"));
    for (person, key) in [("mal", "mallory"), ("mel", "mel")] {
        scene.person(person).keep_key(person, &actor(key))?;
    }
    let people = [("mal", "engineer", "mallory"), ("mel", "treasurer", "mel")].map(|one| {
        let (name, role, key) = one;
        format!("{name} = {{ roles = [\"{role}\"], keys = [\"{}\"] }}\n", actor_address(key))
    });
    scene.edit(CONFIG, "[people]\n", &format!("[people]\n{}", people.concat()))?;
    let to = mallory.to_string();
    let ask = ["fund", "request", "2 ether", "--reason", "deploy", "--to", &to, "--as", "mal"];
    let request = json_text(&scene.done("mal", &[&ask[..], &["--json"]].concat())?, "digest")?;
    scene.done("mel", &["fund", "approve", &request, "--as", "mel"])?;
    for args in [&["fund", "draw"][..], &["fund", "draw", &request]] {
        let ran = scene.approve("kim", args)?.expect_code(1)?;
        assert!(said(&ran).contains("it has not approved this request"), "{ran:?}");
    }
    assert_eq!(testnet.balance(mallory)?, U256::ZERO);

    // A project that has adopted nothing yet can be rehearsed all the same.
    scene.write(CONFIG, &kept)?;
    let ask = ["fund", "request", "2 ether", "--reason", "rehearse", "--json"];
    let request = json_text(&scene.done("eva", &ask)?, "digest")?;
    let approve = ["fund", "approve", &request, "--as", "treasury"];
    let ran = scene.run("kim", &approve, 2)?;
    assert!(said(&ran).contains("First sight of Safe"), "{ran:?}");
    scene.done("kim", &approve)?;
    let drawn = scene.done("kim", &["fund", "draw", &request])?;
    assert!(said(&drawn).contains("policy none: no Safe has adopted one"), "{drawn:?}");
    scene.world.settle()?;
    let line = |wallet: Address| format!("treasury = \"{wallet}\"");
    scene.edit(CONFIG, &line(actor_address("treasury")), &line(mallory))?;
    scene.approve("eva", &["fund", "return", &request])?.expect_code(1)?;
    let some = ["fund", "return", &request, "--amount", "1 ether"];
    let ran = scene.approve("eva", &some)?.expect_code(1)?;
    assert!(said(&ran).contains("lent none of these"), "{ran:?}");
    assert_eq!(testnet.balance(mallory)?, U256::ZERO);
    scene.write(CONFIG, &kept)?;
    scene.done("eva", &["fund", "return", &request])?;
    Ok(())
}
