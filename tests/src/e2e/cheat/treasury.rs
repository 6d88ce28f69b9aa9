//! Money by a line in git: who decides on test funds, and where they go back to.

use alloy_primitives::{Address, Bytes, U256};
use libtest_mimic::Failed;
use tidegate_model::statement::{
    Body, FundApproval, FundRequest, NEVER, SignedStatement, Statement,
};
use tidegate_testkit::{DAY_SECS, actor, actor_address};

use crate::support::{Case, Forge, Outcome, Says, Scene, Status, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded: test_funds_before_a_policy_are_said_to_be_by_the_file_alone;
        Ready:
            cheat_a_treasury_that_git_redirects,
            cheat_a_treasury_that_git_takes_out_of_view,
            cheat_a_testnet_that_is_another_network,
            cheat_people_that_git_lets_grant_funds,
            cheat_an_adopted_policy_whose_file_is_gone,
            cheat_another_treasury_before_72_hours,
            cheat_a_lent_wallet_that_sends_without_end,
            cheat_a_lent_wallet_that_gave_its_nonce_away,
            cheat_a_deployer_and_a_treasury_that_were_given_code,
            the_only_request_with_something_left_needs_no_name;
    }
}

const CONFIG: &str = "tidegate.toml";
const SOMEBODY: Address = Address::with_last_byte(0xaa);

fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(18))
}

/// One line of `[funds]` names somebody else's wallet.
fn redirect(scene: &Scene<'_>) -> Outcome {
    let line = |wallet: Address| format!("treasury = \"{wallet}\"");
    scene.edit(CONFIG, &line(actor_address("treasury")), &line(SOMEBODY))
}

fn promote_refused<'a>(scene: &Scene<'_>, gate: &str, says: impl Into<Says<'a>>) -> Outcome {
    let ran = scene.person("eva").run(&["promote", "--json"])?;
    assert_ne!(ran.code, 0, "promoted: {ran:?}");
    Status::of(&ran)?.expect(gate, "FAIL", says)
}

fn cheat_a_treasury_that_git_redirects(scene: &Scene<'_>) -> Outcome {
    redirect(scene)?;
    let testnet = &scene.world.testnet;
    let before = testnet.balance(actor_address("treasury"))?;
    let returned = scene.done("eva", &["fund", "return"])?;
    let (adopted, file) = (actor_address("treasury"), SOMEBODY);
    let says = format!("is {adopted}; tidegate.toml names {file}");
    assert!(said(&returned).contains(&says), "{returned:?}");
    assert_eq!(testnet.balance(SOMEBODY)?, U256::ZERO);
    assert!(testnet.balance(adopted)? > before, "it went to the treasury that was adopted");
    promote_refused(scene, "policy", (&["policy-line"], &["funds: was"]))
}

/// What is not under `[funds]` any more is watched all the same.
fn cheat_a_treasury_that_git_takes_out_of_view(scene: &Scene<'_>) -> Outcome {
    let text = scene.read(CONFIG)?;
    let (before, rest) = text.split_once("[funds]").ok_or("no funds")?;
    let (_, after) = rest.split_once("[policy]").ok_or("no policy")?;
    scene.write(CONFIG, &format!("{before}[policy]{after}"))?;
    let testnet = &scene.world.testnet;
    testnet.send(&actor("treasury"), Some(SOMEBODY), Bytes::new(), ether(1))?;
    scene.world.settle()?;
    promote_refused(scene, "funds", &["outflow-without-draw"])?;
    promote_refused(scene, "policy", (&["policy-line"], &["funds"]))?;
    let ran = scene.run("kim", &["ledger", "reconcile", "testnet", "--check"], 1)?;
    assert!(said(&ran).contains("tidegate.toml names none"), "{ran:?}");
    Ok(())
}

/// A treasury on the target; and a testnet that is the target, or the testnet once more.
fn cheat_a_testnet_that_is_another_network(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read(CONFIG)?;
    let refused = |text: &str, says: &str| -> Outcome {
        scene.write(CONFIG, text)?;
        let request = ["fund", "request", "2 ether", "--reason", "rehearse again"];
        for (who, args) in [("eva", &request[..]), ("kim", &["fund", "draw"]), ("eva", &["deploy"])]
        {
            let ran = scene.approve(who, args)?.expect_code(3)?;
            assert!(said(&ran).contains(says), "{says}: {ran:?}");
        }
        Ok(())
    };
    refused(
        &kept.replace("[funds]\ntestnet =", "[funds]\nmainnet ="),
        "test funds are lent on testnets, and `mainnet` is not one",
    )?;
    let [test, real] =
        [&scene.world.testnet, &scene.world.mainnet].map(tidegate_testkit::Anvil::genesis_hash);
    let (test, real) = (test?.to_string(), real?.to_string());
    let chain = kept.replacen("chain      = 31338", "chain      = 31337", 1);
    refused(&chain, "are one chain; a testnet cannot be a target")?;
    let genesis = kept.replacen(&test, &real, 1);
    refused(&genesis, "are one chain; a testnet cannot be a target")?;
    let value = kept.replacen("chain      = 31338", "chain      = 1", 1);
    refused(&value, "the coin of chain 1 has value; it is not a testnet")?;
    let second = "[networks.other]\nstage = \"mainnet\"\nchain = 31338\n\n[funds]\n";
    refused(&kept.replace("[funds]\n", second), "`testnet` and `other` are one chain")
}

/// What is written in git as a person and a treasurer asks, grants, and has it drawn.
fn cheat_people_that_git_lets_grant_funds(scene: &Scene<'_>) -> Outcome {
    let mut text = scene.read(CONFIG)?;
    for (name, role) in [("mallory", "engineer"), ("mel", "treasurer")] {
        let key = actor_address(name);
        text += &format!("{name} = {{ roles = [\"{role}\"], keys = [\"{key}\"] }}\n");
    }
    scene.write(CONFIG, &text)?;
    let network = network(scene)?;
    let time = [scene.world.mainnet.latest()?.timestamp - DAY_SECS, NEVER];
    let (amount, reason, release) = (ether(1), "more".to_owned(), None);
    let asked = FundRequest { network, destination: SOMEBODY, amount, release, reason };
    let forge = Forge(scene);
    let request = forge.say("mallory", Body::FundRequest(asked), time)?;
    let (destination, reason) = (SOMEBODY, String::new());
    let terms = FundApproval { request, network, destination, amount, reason };
    forge.say("mel", Body::FundApprove(terms), time)?;
    let ran = scene.approve("kim", &["fund", "draw", &request.to_string()])?;
    assert_ne!(ran.code, 0, "{ran:?}");
    let says = ["who `mallory` is", "nobody under [people]"];
    assert!(says.iter().all(|part| said(&ran).contains(part)), "{ran:?}");
    assert_eq!(scene.world.testnet.balance(SOMEBODY)?, U256::ZERO);
    Ok(())
}

/// Without the file that has the adopted digest nobody can say what was adopted.
fn cheat_an_adopted_policy_whose_file_is_gone(scene: &Scene<'_>) -> Outcome {
    let file = "deployments/mainnet/policy-1.json";
    let kept = scene.read(CONFIG)?;
    redirect(scene)?;
    std::fs::remove_file(scene.project().join(file))?;
    let ran = scene.approve("eva", &["fund", "return"])?.expect_code(30)?;
    assert!(said(&ran).contains(&format!("restore {file}")), "{ran:?}");
    let ran = scene.person("eva").run(&["ledger", "reconcile", "testnet", "--check"])?;
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(said(&ran).contains("which treasury the Safe adopted is not known"), "{ran:?}");
    assert_eq!(scene.world.testnet.balance(SOMEBODY)?, U256::ZERO);
    // What is in the file was adopted: its digest says so.
    scene.write(CONFIG, &kept)?;
    scene.done("eva", &["fund", "return"])?;
    Ok(())
}

fn cheat_another_treasury_before_72_hours(scene: &Scene<'_>) -> Outcome {
    redirect(scene)?;
    let proposal = json_text(&scene.done("eva", &["policy", "adopt", "--json"])?, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    scene.world.settle()?;
    let says = format!(", is {SOMEBODY}");
    scene.status()?.expect("policy", "WAITING", (&["looser-line"], &[says.as_str()]))
}

/// Whoever was lent funds sends more than anybody reads: the books go on without that wallet.
fn cheat_a_lent_wallet_that_sends_without_end(scene: &Scene<'_>) -> Outcome {
    lend(scene)?;
    scene.world.testnet.set_nonce(actor_address("bot"), 5_000)?;
    scene.world.settle()?;
    scene.go()?;
    scene.status()?.expect("funds", "PASS", &[])?;
    let shown = scene.run("eva", &["status"], 0)?;
    assert!(said(&shown).contains("1 lent wallet not watched"), "{shown:?}");
    let books = scene.run("kim", &["ledger", "reconcile", "--check"], 0)?;
    assert!(said(&books).contains("sent too many transactions to be watched"), "{books:?}");
    // Of a treasury that is no comfort: what it sends is everybody's.
    scene.world.testnet.set_nonce(actor_address("treasury"), 5_000)?;
    scene.world.settle()?;
    scene.status()?.expect("funds", "UNKNOWN", (&["unreadable"], &["more than 2000 transactions"]))
}

/// The bot's own wallet is lent an ether.
fn lend(scene: &Scene<'_>) -> Outcome {
    let bot = actor_address("bot").to_string();
    let ask = ["fund", "request", "1 ether", "--reason", "load", "--no-release", "--to", &bot];
    let request = json_text(&scene.done("eva", &[&ask[..], &["--json"]].concat())?, "digest")?;
    scene.done("kim", &["fund", "approve", &request, "--as", "treasury"])?;
    scene.done("kim", &["fund", "draw", &request])?;
    Ok(scene.world.settle()?)
}

/// Somebody who was lent funds makes their wallet a smart account (EIP-7702), has another send
/// that, takes it back, or has nonces that nobody can explain: no books end by it.
fn cheat_a_lent_wallet_that_gave_its_nonce_away(scene: &Scene<'_>) -> Outcome {
    lend(scene)?;
    scene.go()?;
    let testnet = &scene.world.testnet;
    let (bot, relay) = (actor("bot"), actor("t1"));
    let read = |says: &str| -> Outcome {
        scene.world.settle()?;
        scene.status()?.expect("funds", "PASS", &[])?;
        let books = said(&scene.run("kim", &["ledger", "reconcile", "--check"], 0)?);
        assert!(books.contains(says), "{says}: {books}");
        Ok(())
    };
    // Nobody's code: the wallet is a key as before.
    testnet.authorize(&relay, &bot, Address::ZERO)?;
    read("The books agree")?;
    testnet.authorize(&bot, &bot, scene.contract("registry")?)?;
    read("runs or ran code")?;
    testnet.authorize(&bot, &bot, Address::ZERO)?;
    read("runs or ran code")?;
    // As a contract of its own would that it had for a while.
    testnet.set_nonce(bot.address(), 40)?;
    read("runs or ran code")?;
    scene.done("eva", &["promote"])?;
    Ok(())
}

/// What the pipeline's own keys pay is everybody's: a nonce is explained, and what it did is named.
fn cheat_a_deployer_and_a_treasury_that_were_given_code(scene: &Scene<'_>) -> Outcome {
    let testnet = &scene.world.testnet;
    let (deployer, treasury, relay) = (actor("deployer"), actor("treasury"), actor("t1"));
    let code = scene.contract("registry")?;
    testnet.authorize(&relay, &deployer, code)?;
    testnet.authorize(&relay, &deployer, Address::ZERO)?;
    scene.world.settle()?;
    scene.status()?.expect("funds", "PASS", &[])?;
    let books = said(&scene.run("kim", &["ledger", "reconcile", "--check"], 0)?);
    let says = format!("{} on chain 31338 ran the code of {code}", deployer.address());
    assert!(books.contains(&says), "{says}: {books}");
    // A stranger's coin is named, and ends nothing.
    testnet.send(&relay, Some(deployer.address()), Bytes::new(), U256::from(1))?;
    scene.world.settle()?;
    scene.status()?.expect("funds", "PASS", &[])?;
    scene.done("eva", &["promote"])?;
    // A treasury is a key without code, whatever it is now.
    testnet.authorize(&relay, &treasury, code)?;
    testnet.authorize(&relay, &treasury, Address::ZERO)?;
    scene.world.settle()?;
    let names = ["has or had code", "name another one"];
    scene.status()?.expect("funds", "UNKNOWN", (&["history-unread"], &names))?;
    scene.run("kim", &["ledger", "reconcile", "--check"], 30)?;
    Ok(())
}

/// Of two requests one was drawn, and one came back.
fn the_only_request_with_something_left_needs_no_name(scene: &Scene<'_>) -> Outcome {
    let ask = ["fund", "request", "1 ether", "--reason", "more", "--no-release", "--json"];
    let request = json_text(&scene.done("eva", &ask)?, "digest")?;
    scene.done("kim", &["fund", "approve", &request, "--as", "treasury"])?;
    let drawn = json_text(&scene.done("kim", &["fund", "draw", "--json"])?, "transaction")?;
    assert!(drawn.starts_with("0x"), "{drawn}");
    scene.world.settle()?;
    // Both have something to return.
    let several = scene.approve("eva", &["fund", "return"])?;
    assert!(several.code != 0 && said(&several).contains("several requests"), "{several:?}");
    scene.done("eva", &["fund", "return", &request])?;
    scene.world.settle()?;
    scene.done("eva", &["fund", "return"])?;
    Ok(())
}

fn test_funds_before_a_policy_are_said_to_be_by_the_file_alone(scene: &Scene<'_>) -> Outcome {
    let text = scene.read(CONFIG)?;
    scene.write(CONFIG, &text.replace("name    = \"vault\"", "name    = \"vault2\""))?;
    scene.forget_safes()?;
    let ran = scene.run("kim", &["ledger", "show", "testnet"], 0)?;
    assert!(said(&ran).contains("no Safe has adopted a policy"), "{ran:?}");
    Ok(())
}

/// The network that the first request is on.
fn network(scene: &Scene<'_>) -> Result<tidegate_model::NetworkId, Failed> {
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let signed: SignedStatement = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        let Statement::Statement(general) = signed.statement else { continue };
        if let Body::FundRequest(request) = general.body {
            return Ok(request.network);
        }
    }
    Err("nobody asked for funds".into())
}
