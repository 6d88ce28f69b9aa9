//! Who said it, about what, when: another's words under one's own signature, words of another day,
//! for another target, or by a name that fits two.

use std::path::Path;

use alloy::signers::SignerSync as _;
use alloy_primitives::{Address, B256, U256, hex};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::ChainId;
use tidegate_model::statement::{
    At, Body, Bug, General, Go, NEVER, Severity, SignedStatement, Statement,
};
use tidegate_testkit::{DAY_SECS, Ran, actor, actor_address};

use crate::audits::{SIGN, node};
use crate::support::{
    Case, Forge, Outcome, Scene, Status, by_key, cases, files, json_text, messages, said,
};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_another_signature_under_what_stops_a_release,
            cheat_another_author_of_a_bug,
            cheat_a_go_dated_by_no_block_of_the_target,
            cheat_a_go_dated_before_what_it_lists,
            cheat_a_stop_said_for_a_sibling_target,
            cheat_strangers_whose_statements_stay_in_every_memory,
            cheat_statements_of_strangers_by_the_hundred,
            cheat_a_name_of_too_few_digits;
        Due: cheat_a_signature_that_was_phished_or_lay_too_long;
    }
}

/// The digest of what somebody has just recorded.
fn record(scene: &Scene<'_>, key: &str, args: &[&str]) -> Result<String, Failed> {
    let args = [&["record"], args, &["--as", key, "--json"]].concat();
    json_text(&scene.done(key, &args)?, "digest")
}

/// Puts another author's signature into the file of a statement, and their name where asked.
fn resign(scene: &Scene<'_>, digest: &str, who: &str, rename: bool) -> Outcome {
    let path = scene.project().join(format!("deployments/statements/{digest}.json"));
    let mut file: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let key = actor(who);
    let mut signed: B256 = digest.parse()?;
    if rename {
        file["statement"]["message"]["signer"] = json!(key.address());
        let statement: Statement = serde_json::from_value(file["statement"].clone())?;
        signed = statement.digest()?.0;
    }
    let signature = key.sign_hash_sync(&signed)?;
    file["signature"] = json!(hex::encode_prefixed(signature.as_bytes()));
    Ok(files::write(&path, file.to_string().as_bytes())?)
}

/// Whoever can write git keeps each file and its name, and signs what it holds with a key that
/// nobody knows: on its author's own machine it would displace what is remembered.
fn cheat_another_signature_under_what_stops_a_release(scene: &Scene<'_>) -> Outcome {
    // One of high severity would begin the soak anew.
    let bug = ["bug", "funds are stuck", "--severity", "low", "--blocking"];
    let bug = record(scene, "ada", &bug)?;
    let freeze = record(scene, "bo", &["freeze", "--for", "1d", "--reason", "a look"])?;
    still_stands(scene, &[&bug, &freeze], ("UNKNOWN", "frozen", "bo"))?;
    let no_go = record(scene, "ada", &["no-go", "--reason", "a doubt"])?;
    still_stands(scene, &[&bug, &freeze, &no_go], ("FAIL", "no-go", "ada"))
}

/// Each of these is signed by somebody else under its name, and stands as before.
fn still_stands(scene: &Scene<'_>, digests: &[&str], go: (&str, &str, &str)) -> Outcome {
    let stands = |status: &Status| -> Outcome {
        status.expect("go", go.0, (&[go.1], &[go.2]))?;
        status.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))
    };
    stands(&scene.status()?)?;
    for rename in [false, true] {
        for digest in digests {
            resign(scene, digest, "mallory", rename)?;
        }
        let ran = scene.person("eva").run(&["promote", "--json"])?;
        assert_ne!(ran.code, 0, "promoted: {ran:?}");
        stands(&Status::of(&ran)?)?;
        let faults = messages(&ran, "warning");
        for digest in digests {
            let named = |fault: &String| fault.contains(digest) && fault.contains("does not count");
            assert!(faults.iter().any(named), "{faults:#?}");
        }
    }
    Ok(())
}

/// A finder cannot resolve their own bug, and becomes somebody else by another's signature.
fn cheat_another_author_of_a_bug(scene: &Scene<'_>) -> Outcome {
    let bug = record(scene, "ada", &["bug", "funds are stuck", "--severity", "critical"])?;
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    for rename in [false, true] {
        resign(scene, &bug, "bo", rename)?;
        let triage = ["record", "triage", &bug, "--resolution", "invalid", "--reason", "none"];
        let own = scene.approve("ada", &[&triage[..], &["--as", "ada"]].concat())?;
        assert_eq!(own.code, 1, "{own:?}");
        assert!(said(&own).contains("cannot resolve it; somebody else must"), "{own:?}");
    }
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))
}

/// What strangers sign slows nobody down for good: with its files it is gone from every machine.
/// What people of the policy signed stays.
fn cheat_strangers_whose_statements_stay_in_every_memory(scene: &Scene<'_>) -> Outcome {
    let now = scene.world.mainnet.finalized()?.timestamp;
    let release = serde_json::from_value(scene.record()?.1["releaseRoot"].clone())?;
    let bug = |title: String| {
        let (severity, link) = (Severity::Critical, String::new());
        Body::Bug(Bug { release, severity, title, link, blocking: true })
    };
    let mut files = Vec::new();
    for number in 0..20 {
        let digest = Forge(scene).say("mallory", bug(format!("bug {number}")), [now, NEVER])?;
        files.push(format!("deployments/statements/{digest}.json"));
    }
    for person in ["eva", "kim"] {
        Status::of(&scene.run(person, &["status", "--json"], 0)?)?.expect_others_pass(&[])?;
    }
    let own = Forge(scene).say("ada", bug("funds are stuck".to_owned()), [now, NEVER])?;
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    files.push(format!("deployments/statements/{own}.json"));
    for file in &files {
        std::fs::remove_file(scene.project().join(file))?;
    }
    let ran = scene.run("eva", &["status", "--json"], 0)?;
    Status::of(&ran)?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    let missing = messages(&ran, "warning").into_iter().filter(|w| w.contains("is missing here"));
    assert_eq!(missing.count(), 1, "{ran:?}");
    Ok(())
}

/// Many files of strangers are not even checked, and hide nobody else's word.
fn cheat_statements_of_strangers_by_the_hundred(scene: &Scene<'_>) -> Outcome {
    const MANY: usize = 200;
    const READ: usize = 64;
    let now = scene.world.mainnet.finalized()?.timestamp;
    let release = serde_json::from_value(scene.record()?.1["releaseRoot"].clone())?;
    let bug = |title: &str| {
        let (severity, link) = (Severity::Critical, String::new());
        Body::Bug(Bug { release, severity, title: title.to_owned(), link, blocking: true })
    };
    for number in 0..MANY {
        Forge(scene).say("mallory", bug(&format!("bug {number}")), [now, NEVER])?;
    }
    for number in 0..30 {
        let name = format!("deployments/statements/0x{number:064x}.json");
        scene.write(&name, "{\"v\": 1}")?;
    }
    let ran = scene.run("eva", &["status", "--json"], 0)?;
    Status::of(&ran)?.expect_others_pass(&[])?;
    let warned = messages(&ran, "warning");
    let says = format!("{} more statement files of nobody in the policy", MANY - READ);
    assert_eq!(warned.iter().filter(|line| line.contains(&says)).count(), 1, "{warned:?}");
    assert!(warned.len() < 15, "{warned:?}");
    assert!(warned.iter().any(|line| line.contains("and 20 more files like these")), "{warned:?}");

    // What people say among them counts.
    let own = Forge(scene).say("ada", bug("funds are stuck"), [now, NEVER])?;
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    std::fs::remove_file(scene.project().join(format!("deployments/statements/{own}.json")))?;
    scene.forget("eva")?;
    scene.status()?.expect("bugs", "PASS", &[])?;
    // Who joins is heard with all that they said before.
    let mallory = actor_address("mallory");
    let joined = format!("[people]\nmallory = {{ roles = [], keys = [\"{mallory}\"] }}\n");
    scene.edit("tidegate.toml", "[people]\n", &joined)?;
    let ran = scene.run("eva", &["status", "--json"], 0)?;
    let status = Status::of(&ran)?;
    let last = format!("bug {}", MANY - 1);
    status.expect("bugs", "FAIL", (&["bug-open"], &["bug 0", &last]))?;
    let warned = messages(&ran, "warning");
    assert!(!warned.iter().any(|line| line.contains("by nobody in the policy")), "{warned:?}");
    Ok(())
}

/// The newest go, to be said anew in another way; its file is gone.
fn go_of_kim(scene: &Scene<'_>) -> Result<General, Failed> {
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let path = entry?.path();
        let signed: SignedStatement = serde_json::from_slice(&std::fs::read(&path)?)?;
        if let Statement::Statement(general) = signed.statement
            && matches!(general.body, Body::Go(_))
        {
            std::fs::remove_file(path)?;
            scene.forget("eva")?;
            return Ok(general);
        }
    }
    Err("nobody said go".into())
}

/// Says it, looks what the gate makes of it, and takes it back.
fn counts_for_nothing(scene: &Scene<'_>, general: General, warns: &str) -> Outcome {
    let signed = by_key("treasury", Statement::Statement(general))?;
    let digest = Forge(scene).write(&signed)?;
    let ran = scene.run("eva", &["status", "--json"], 0)?;
    Status::of(&ran)?.expect("go", "UNKNOWN", (&["too-few-goes"], &["0 of 1"]))?;
    let warned = messages(&ran, "warning").iter().any(|warning| warning.contains(warns));
    assert!(warned, "{warns}: {ran:?}");
    std::fs::remove_file(scene.project().join(format!("deployments/statements/{digest}.json")))?;
    scene.forget("eva")
}

fn cheat_a_go_dated_by_no_block_of_the_target(scene: &Scene<'_>) -> Outcome {
    let go = go_of_kim(scene)?;
    let hash = B256::repeat_byte(7);
    let forged = General { at: At { hash, ..go.at }, ..go.clone() };
    counts_for_nothing(scene, forged, "which is not on that chain")?;
    let earlier = General { issued_at: go.issued_at - 1, ..go.clone() };
    counts_for_nothing(scene, earlier, "but is dated")?;
    let later = General { at: At { number: u64::from(u32::MAX), ..go.at }, ..go.clone() };
    counts_for_nothing(scene, later, "which is not final yet")?;
    let back = At { number: u64::from(u32::MAX), ..go.at };
    let back = General { at: back, issued_at: go.issued_at - DAY_SECS, ..go.clone() };
    counts_for_nothing(scene, back, "which comes after its date")?;
    let elsewhere = At { chain: ChainId(1337), ..go.at };
    let elsewhere = General { at: elsewhere, ..go.clone() };
    counts_for_nothing(scene, elsewhere, "no target here is on that chain")?;
    // The same, dated as it was, counts.
    Forge(scene).write(&by_key("treasury", Statement::Statement(go))?)?;
    scene.status()?.expect("go", "PASS", &[])
}

/// It lists what it saw, so that it is not stale, under a date at which nobody had said that.
fn cheat_a_go_dated_before_what_it_lists(scene: &Scene<'_>) -> Outcome {
    let go = go_of_kim(scene)?;
    let Body::Go(Go { release, ref statements, ref records, .. }) = go.body else {
        return Err("no go".into());
    };
    scene.world.advance_days(1, 10)?;
    let now = scene.world.mainnet.finalized()?.timestamp;
    let (title, link) = ("a typo".to_owned(), String::new());
    let bug = Bug { release, severity: Severity::Low, title, link, blocking: false };
    let bug = Forge(scene).say("ada", Body::Bug(bug), [now, NEVER])?;
    let listed = statements.iter().copied().chain([bug]);
    let over = |general: &General| {
        let body = Body::Go(Go::over(
            release,
            listed.clone(),
            records.clone(),
            None,
            "all seen".to_owned(),
        ));
        General { body, ..general.clone() }
    };
    let bug = bug.to_string();
    let signed = by_key("treasury", Statement::Statement(over(&go)))?;
    Forge(scene).write(&signed)?;
    scene.status()?.expect("go", "UNKNOWN", (&["go-backdated"], &[bug.as_str()]))?;
    let today = Forge(scene).general("treasury", go.body.clone(), now)?;
    Forge(scene).write(&by_key("treasury", Statement::Statement(over(&today)))?)?;
    scene.status()?.expect("go", "PASS", &[])
}

/// Another Safe as a second target of the same project.
const ASIDE: Address = Address::with_last_byte(0xaa);

/// A stop is about the release: a second target with another Safe is no way round it. Test funds
/// are of the testnet, whatever target they were asked for.
fn cheat_a_stop_said_for_a_sibling_target(scene: &Scene<'_>) -> Outcome {
    let text = scene.read("tidegate.toml")?;
    let (_, target) = text.split_once("[networks.mainnet]").ok_or("a target")?;
    let target = target.split("\n[").next().unwrap_or(target);
    let other = target.replace(&scene.world.safe.to_string(), &ASIDE.to_string());
    scene.write("tidegate.toml", &format!("{text}\n[networks.aside]{other}"))?;
    scene.forget_safes()?;
    let no_go = ["record", "no-go", "--reason", "a doubt", "--as", "ada"];
    let unclear = scene.run("ada", &no_go, 2)?;
    let asks = ["name one of: aside, mainnet", "name the target with --target NAME"];
    assert!(asks.iter().all(|ask| said(&unclear).contains(ask)), "{unclear:?}");
    let status = |target| -> Result<Status, Failed> {
        Status::of(&scene.run("eva", &["status", "--json", "--target", target], 0)?)
    };
    status("mainnet")?.expect_others_pass(&[])?;
    let bug = ["bug", "funds are stuck", "--severity", "low", "--blocking", "--target", "aside"];
    let bug = record(scene, "ada", &bug)?;
    let freeze = ["freeze", "--for", "1d", "--reason", "a look", "--target", "aside"];
    let shown = scene.person("bo").run(&[&["record"], &freeze[..], &["--as", "bo"]].concat())?;
    assert!(said(&shown).contains("on chain 31337: Freeze every promotion"), "{shown:?}");
    record(scene, "bo", &freeze)?;
    for target in ["mainnet", "aside"] {
        status(target)?.expect("go", "UNKNOWN", (&["frozen"], &["bo"]))?;
    }
    // What was posted for the sibling stops without its file, too.
    scene.world.mainnet.set_balance(actor_address("bo"), U256::from(10).pow(U256::from(18)))?;
    let posted = record(scene, "bo", &[&freeze[..], &["--post"]].concat())?;
    std::fs::remove_file(scene.project().join(format!("deployments/statements/{posted}.json")))?;
    scene.world.settle()?;
    status("mainnet")?.expect("go", "UNKNOWN", (&["frozen", "frozen-posted"], &["bo"]))?;
    scene.done("ada", &[&no_go[..], &["--target", "aside"]].concat())?;
    for target in ["mainnet", "aside"] {
        let status = status(target)?;
        status.expect("go", "FAIL", (&["no-go"], &["ada"]))?;
        status.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
        status.expect("funds", "PASS", &[])?;
    }
    let triage = ["record", "triage", &bug, "--resolution", "invalid", "--reason", "none"];
    for (who, key) in [("kim", "treasury"), ("ops", "relayer")] {
        scene.done(who, &[&triage[..], &["--target", "mainnet", "--as", key]].concat())?;
    }
    status("aside")?.expect("bugs", "PASS", &[])?;
    // What is deleted from the configuration stops as before.
    scene.write("tidegate.toml", &text)?;
    scene.status()?.expect("go", "FAIL", (&["no-go"], &["ada"]))?;
    // A go for one target says which, and is none for another.
    let go = ["record", "go", "--as", "treasury"];
    let go = scene.run("kim", &go, 2)?;
    let names = format!("vault, Safe {} on chain 31337: Go for release", scene.world.safe);
    assert!(said(&go).contains(&names), "{go:?}");
    Ok(())
}

fn cheat_a_name_of_too_few_digits(scene: &Scene<'_>) -> Outcome {
    let bug = record(scene, "ada", &["bug", "funds are stuck", "--severity", "low"])?;
    let refused = |ran: Ran, says: &str| -> Outcome {
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(said(&ran).contains(says), "{says}: {ran:?}");
        Ok(())
    };
    let triage = |bug: &str| {
        let triage = ["record", "triage", bug, "--resolution", "invalid", "--reason", "none"];
        scene.run("kim", &[&triage[..], &["--as", "treasury"]].concat(), 2)
    };
    refused(triage(&bug[..10])?, "has 8 digits; give at least 16 of the digest")?;
    refused(triage("0x")?, "is not a digest")?;
    refused(triage(&"ef".repeat(8))?, "nothing here has a digest that begins with")?;
    // Sixteen name it, and approve what moves nothing.
    let shown = triage(&bug[..18])?;
    let asked = shown.asked_for().ok_or("an approval")?;
    let hash = asked.last().ok_or("a hash")?.clone();
    let with = |digits: usize| {
        let words = asked.iter().map(|word| if *word == hash { &hash[..digits] } else { word });
        let words: Vec<_> = words.chain(["--password-fd", "0"]).collect();
        scene.person("kim").run(&words)
    };
    refused(with(8)?, "has 8 digits")?;
    assert_eq!(with(16)?.code, 0);
    scene.go()?;
    // A proposal is approved by all of its hash, and money too.
    let proposal = json_text(&scene.run("eva", &["promote", "--json"], 0)?, "proposal")?;
    let pin = scene.safe();
    let sign = |approve: &str| {
        let sign = ["proposal", "sign", &proposal, "--as", "owner", "--password-fd", "0"];
        scene.person("o1").run(&[&sign[..], &["--approve", approve, "--pin", &pin]].concat())
    };
    refused(sign(&proposal[2..10])?, "has 8 digits")?;
    refused(sign(&proposal[2..18])?, "give the full digest")?;
    refused(sign(&proposal[2..64])?, "has 62 digits")?;
    sign(&proposal)?.expect_code(0)?;
    scene.done("eva", &["fund", "request", "1 ether", "--reason", "more"])?;
    let approve = ["fund", "approve", "--as", "treasury", "--password-fd", "0"];
    let asked = scene.person("kim").run(&approve)?.asked_for().ok_or("an approval")?;
    let hash = asked.last().ok_or("a hash")?;
    let part = [&approve[..], &["--approve", &hash[..16]]].concat();
    refused(scene.person("kim").run(&part)?, "give the full digest")?;
    Ok(())
}

/// What ethers makes of typed data with the second auditor's key.
fn ethers_signs(scene: &Scene<'_>, typed: &Path) -> Result<String, Failed> {
    let key = hex::encode_prefixed(actor("bo").to_bytes());
    node(scene, SIGN, &[&typed.to_string_lossy(), &key])
}

fn cheat_a_signature_that_was_phished_or_lay_too_long(scene: &Scene<'_>) -> Outcome {
    let bo = actor_address("bo").to_string();
    let file = scene.folder().join("typed.json");
    let typed = file.to_string_lossy().into_owned();
    let attest = ["attest", "reports/bolt.md", "--as", &bo, "--typed-data", &typed];
    scene.run("eva", &attest, 0)?;
    let honest: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let import = |signature: &str, code| {
        scene.run("eva", &["import", &typed, "--signature", signature], code)
    };
    // Signed at another site, under the domain without chain or contract, under another chain's.
    for (name, value) in [
        ("domain", json!({"name": "Tidegate", "version": "1"})),
        ("chainId", json!(1)),
        ("verifyingContract", json!(ASIDE)),
    ] {
        let mut phished = honest.clone();
        if name == "domain" {
            let fields = &honest["types"]["EIP712Domain"].as_array().ok_or("fields")?[..2];
            phished["types"]["EIP712Domain"] = json!(fields);
            phished["domain"] = value;
        } else {
            phished["domain"][name] = value;
        }
        files::write(&file, phished.to_string().as_bytes())?;
        let signature = ethers_signs(scene, &file)?;
        import(&signature, 3)?;
        files::write(&file, honest.to_string().as_bytes())?;
        let own = import(&signature, 3)?;
        assert!(said(&own).contains("does not recover to it"), "{name}: {own:?}");
    }
    scene.status()?.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    // What it shows is signed, and taken two days later; not three.
    let signature = ethers_signs(scene, &file)?;
    scene.world.advance_days(3, 10)?;
    let late = import(&signature, 1)?;
    assert!(said(&late).contains("more than two days ago"), "{late:?}");
    scene.run("eva", &attest, 0)?;
    scene.world.advance_days(1, 10)?;
    import(&ethers_signs(scene, &file)?, 0)?;
    scene.status()?.expect("audits", "PASS", &[])
}
