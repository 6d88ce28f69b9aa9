//! Having something signed or sent that nobody was shown.

use serde_json::Value;
use tidegate_testkit::{Ran, Reply, ScriptedNode};

use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            cheat_a_url_that_a_branch_has_asked,
            cheat_a_testnet_that_is_another_currency;
        Signed: cheat_a_sheet_that_json_hides,
            the_beginning_of_a_hash_approves_what_was_shown;
    }
}

/// A branch that somebody tries chooses no port, path or host that gets a request.
fn cheat_a_url_that_a_branch_has_asked(scene: &Scene<'_>) -> Outcome {
    let config = scene.read("tidegate.toml")?;
    let nodes = [scene.world.testnet.url(), scene.world.mainnet.url()]
        .map(|url| ScriptedNode::start(Some(url), |_, _| Reply::Forward));
    let [testnet, mainnet] = nodes;
    let (testnet, mainnet) = (testnet?, mainnet?);
    let write = |tail: &str| {
        let config = config.replace("${TESTNET_RPC}", &format!("{}{tail}", testnet.url()));
        scene.write(
            "tidegate.toml",
            &config.replace("${MAINNET_RPC}", &format!("{}{tail}", mainnet.url())),
        )
    };
    let user = testnet.url().replace("http://", "http://user@");
    let refused = |args: &[&str]| -> Outcome {
        let ran = scene.run("eva", args, 30)?;
        assert!(said(&ran).contains("which counts only once you trust it"), "{ran:?}");
        assert_eq!(testnet.calls("eth_chainId") + mainnet.calls("eth_chainId"), 0, "{ran:?}");
        Ok(())
    };
    for tail in ["/queue/shutdown?confirm=yes", "/?confirm=yes", "/rpc"] {
        write(tail)?;
        for args in [&["plan"][..], &["plan", "mainnet"], &["deploy"]] {
            refused(args)?;
        }
    }
    scene.write("tidegate.toml", &config.replace("${TESTNET_RPC}", &user))?;
    refused(&["plan"])?;
    // A port of this machine that is taken for the simulated chain it shows to be.
    write("")?;
    scene.run("eva", &["plan"], 0)?;
    assert!(testnet.calls("eth_chainId") > 0);
    Ok(())
}

/// What a branch calls a testnet may be a chain whose coin is worth something.
fn cheat_a_testnet_that_is_another_currency(scene: &Scene<'_>) -> Outcome {
    let config = scene.read("tidegate.toml")?;
    for chain in [137, 56, 4242] {
        let chain = chain.to_string();
        let other = format!("chain      = {chain}");
        scene.write("tidegate.toml", &config.replace("chain      = 31338", &other))?;
        for args in [&["deploy"][..], &["deploy", "--helper", "testnet"]] {
            let ran = scene.run("eva", args, 3)?;
            let says = format!("testnet is chain {chain}, which Tidegate does not know");
            assert!(said(&ran).contains(&says), "{ran:?}");
            assert!(said(&ran).contains(&format!("--testnet {chain}")), "{ran:?}");
        }
        let ran = scene.run("eva", &["deploy", "--testnet", "1"], 3)?;
        assert!(
            said(&ran).contains("which Tidegate does not know"),
            "another chain was meant: {ran:?}"
        );
        // Told so, it goes on to what that endpoint really is.
        let told = scene.run("eva", &["deploy", "--testnet", &chain], 4)?;
        assert!(!said(&told).contains("Tidegate does not know"), "{told:?}");
    }
    Ok(())
}

/// What a command in `--json` says before anything is approved, as one document.
fn asked(ran: &Ran) -> Result<Value, libtest_mimic::Failed> {
    assert_eq!(ran.code, 2, "{ran:?}");
    Ok(serde_json::from_str(&ran.stdout)?)
}

fn text(asked: &Value) -> String {
    let lines = asked["sheet"].as_array().into_iter().flatten();
    let lines: Vec<_> = lines.filter_map(Value::as_str).collect();
    lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Scripts and wallets take `--json`: all that a person sees stands in it, before it is approved.
fn cheat_a_sheet_that_json_hides(scene: &Scene<'_>) -> Outcome {
    let (hash, _) = scene.promotion()?;
    let (proposal, safe) = (hash.to_string(), scene.safe());
    let owner = scene.person("o3");
    let sign = ["proposal", "sign", &proposal, "--as", "owner", "--pin", &safe];
    let shown = owner.run(&[&sign[..], &["--json"]].concat())?;
    let document = asked(&shown)?;
    let plain = said(&owner.run(&sign)?);
    let sheet = text(&document);
    for says in [
        "EIP-712 Digest",
        "Call 1 of",
        "requireBefore(",
        "create registry (Registry)",
        "constructor(owner_ = 0x",
        "_data = {initialize(asset_ = 0x",
        "PASS",
        "Soaked on",
    ] {
        assert!(sheet.contains(says), "{says}: {sheet}");
    }
    assert!(document["approve"].as_str().is_some_and(|hash| plain.contains(&hash[2..])));
    // As data too, for whoever shows a form.
    assert!(document["attentions"].is_array(), "{document}");
    assert!(document["calls"].as_array().is_some_and(|calls| calls.len() > 3), "{document}");
    assert_eq!(document["safeTxHash"], hash.to_string(), "{document}");
    // At a terminal the sheet stands before the question.
    let asked_there = owner.at_terminal(&[&sign[..], &["--json"]].concat(), "no\n")?;
    let seen = &asked_there.stdout;
    let places = ["PASS    go", "Call 1 of", "Type `mainnet "]
        .map(|says| seen.find(says).unwrap_or_else(|| panic!("{says}: {seen}")));
    assert!(places.is_sorted(), "{seen}");
    // So does everything else that signs or sends.
    let others: [(&str, &[&str], &str, &str); 6] = [
        ("ops", &["proposal", "execute", &proposal], "Call 1 of", "data"),
        ("ada", &["record", "no-go", "--reason", "a doubt", "--as", "ada"], "a doubt", "statement"),
        ("ada", &["attest", "reports/acme.md", "--as", "ada"], "You sign", "statement"),
        (
            "eva",
            &["fund", "request", "1 ether", "--reason", "a rehearsal"],
            "a rehearsal",
            "statement",
        ),
        ("eva", &["fund", "return"], "To send on testnet", "feesAtMost"),
        ("eva", &["deploy", "--id", "7"], "create registry", "operations"),
    ];
    let other = "77".repeat(32);
    for (who, args, says, data) in others {
        let document = asked(&scene.person(who).run(&[args, &["--json"]].concat())?)?;
        assert!(text(&document).contains(says), "{args:?} {says}: {document}");
        assert!(document["command"].as_str().is_some_and(|c| c.contains("--approve")));
        assert!(!document[data].is_null(), "{data}: {document}");
        let tried = scene.person(who).run(&[args, &["--json", "--dry-run"]].concat())?;
        assert!(text(&tried.json()?).contains(says), "one document: {tried:?}");
        // Whoever approves something else, or what is no hash, sees what would happen.
        for approved in [&*other, "zz"] {
            let ran =
                scene.person(who).run(&[args, &["--json", "--approve", approved]].concat())?;
            assert_eq!(ran.code, 2, "{ran:?}");
            assert!(text(&ran.json()?).contains(says), "{ran:?}");
        }
    }
    // Nor is it hidden from who approved something else, or tries it without doing it.
    for more in [&["--approve", &other][..], &["--dry-run"]] {
        let ran = owner.run(&[&sign[..], more, &["--json"]].concat())?;
        let sheet = text(&serde_json::from_str(&ran.stdout)?);
        assert!(sheet.contains("Call 1 of") && sheet.contains("PASS"), "{ran:?}");
    }
    Ok(())
}

/// Sixteen digits are enough for a statement, also once its date is some blocks old.
fn the_beginning_of_a_hash_approves_what_was_shown(scene: &Scene<'_>) -> Outcome {
    let doubt = ["record", "no-go", "--reason", "another doubt", "--as", "ada"];
    let ada = scene.person("ada");
    let document = asked(&ada.run(&[&doubt[..], &["--json"]].concat())?)?;
    scene.world.settle()?;
    let hash = document["approve"].as_str().unwrap_or_default();
    let given = ["--password-fd", "0", "--approve", hash.get(..18).unwrap_or_default()];
    let ran = ada.run(&[&doubt[..], &given].concat())?;
    assert_eq!(ran.code, 0, "{ran:?}");
    Ok(())
}
