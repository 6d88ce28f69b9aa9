//! Cheating with test funds, and what strangers can do about them.

use alloy_primitives::{Address, B256, Bytes, U256};
use libtest_mimic::Failed;
use tidegate_model::statement::{
    Body, FundApproval, FundDenial, FundRequest, FundTransfer, NEVER, Statement,
};
use tidegate_model::{ReleaseRoot, StatementDigest};
use tidegate_testkit::{DAY_SECS, actor, actor_address};

use super::stopped;
use crate::support::{Case, Forge, Outcome, Scene, Status, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            income_that_nobody_asked_for_passes_with_its_name,
            cheat_an_outflow_behind_income,
            cheat_a_balance_below_the_books,
            cheat_a_treasury_that_was_given_code,
            cheat_an_outflow_before_the_first_draw,
            cheat_a_strangers_draw_of_nothing,
            cheat_a_strangers_look_alike_request,
            cheat_a_treasurer_who_asks_with_a_throwaway_key,
            cheat_an_approval_of_ones_own_request,
            cheat_an_approval_of_other_terms;
    }
}

const SOMEBODY: Address = Address::with_last_byte(0xaa);
const ETHER: u64 = 1_000_000_000_000_000_000;

fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(ETHER)
}

/// Somebody sends value on the testnet without any command.
fn pay(scene: &Scene<'_>, from: &str, to: Address, value: U256) -> Result<B256, Failed> {
    let sent = scene.world.testnet.send(&actor(from), Some(to), Bytes::new(), value)?;
    scene.world.settle()?;
    Ok(sent.hash)
}

/// Value that is there, or gone, without any transaction.
fn change(scene: &Scene<'_>, who: &str, by: impl Fn(U256) -> U256) -> Outcome {
    let (testnet, address) = (&scene.world.testnet, actor_address(who));
    testnet.set_balance(address, by(testnet.balance(address)?))?;
    Ok(scene.world.settle()?)
}

fn income_that_nobody_asked_for_passes_with_its_name(scene: &Scene<'_>) -> Outcome {
    let dust = pay(scene, "t1", actor_address("treasury"), U256::ONE)?;
    change(scene, "deployer", |held| held + U256::from(7))?;
    let shown = scene.run("eva", &["status", "--json"], 0)?;
    Status::of(&shown)?.expect_others_pass(&[])?;
    let summary = said(&scene.run("eva", &["status", "--explain"], 0)?);
    let (by, wallet) = (actor_address("t1"), actor_address("treasury"));
    for part in [format!("1 wei came to {wallet} from {by} in transaction {dust}"), "7 wei".into()]
    {
        assert!(summary.contains(&part), "{summary} does not say {part}");
    }
    scene.run("kim", &["ledger", "reconcile", "--check"], 0)?;
    let books = scene.run("kim", &["ledger", "export", "--format", "csv"], 0)?.stdout;
    assert_eq!(books.matches(",Income:Unsolicited,").count(), 4, "{books}");
    scene.done("eva", &["promote"])?;
    Ok(())
}

/// What left the treasury comes back from somebody else, with more than the fee.
fn cheat_an_outflow_behind_income(scene: &Scene<'_>) -> Outcome {
    pay(scene, "treasury", SOMEBODY, ether(1))?;
    pay(scene, "t1", actor_address("treasury"), ether(1) + U256::from(ETHER / 10))?;
    stopped(scene, "funds", "FAIL", &["outflow-without-draw"])
}

fn cheat_a_balance_below_the_books(scene: &Scene<'_>) -> Outcome {
    change(scene, "treasury", |held| held - U256::ONE)?;
    change(scene, "deployer", |held| held + ether(1))?;
    stopped(scene, "funds", "FAIL", (&["balance-differs"], &["1 wei went out"]))
}

/// With code, it pays inside transactions that others send; what it holds says nothing.
fn cheat_a_treasury_that_was_given_code(scene: &Scene<'_>) -> Outcome {
    let code = format!("0xef0100{}", "11".repeat(20));
    let params = serde_json::json!([actor_address("treasury"), code]);
    scene.world.testnet.rpc("anvil_setCode", params)?;
    scene.world.settle()?;
    stopped(scene, "funds", "UNKNOWN", (&["history-unread"], &["has or had code"]))
}

/// The record of the deployment is older than any draw that this clone has.
fn cheat_an_outflow_before_the_first_draw(scene: &Scene<'_>) -> Outcome {
    pay(scene, "treasury", SOMEBODY, ether(1))?;
    let folder = scene.project().join("deployments/statements");
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if std::fs::read_to_string(&path)?.contains("\"fund/") {
            std::fs::remove_file(path)?;
        }
    }
    scene.forget("eva")?;
    let ran = scene.person("eva").run(&["promote", "--json"])?;
    assert_ne!(ran.code, 0, "promoted: {ran:?}");
    Status::of(&ran)?.expect("funds", "FAIL", &["outflow-without-draw"])
}

/// The first request's digest, its draw, and what a stranger needs to speak about them.
fn drawn(scene: &Scene<'_>) -> Result<(StatementDigest, FundRequest, FundTransfer), Failed> {
    let mut found = (None, None);
    for entry in std::fs::read_dir(scene.project().join("deployments/statements"))? {
        let signed: tidegate_model::statement::SignedStatement =
            serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        let digest = signed.statement.digest()?;
        let Statement::Statement(general) = signed.statement else { continue };
        match general.body {
            Body::FundRequest(request) => found.0 = Some((digest, request)),
            Body::FundDraw(draw) => found.1 = Some(draw),
            _ => {}
        }
    }
    let ((digest, request), draw) = found.0.zip(found.1).ok_or("nothing was drawn")?;
    Ok((digest, request, draw))
}

/// The time of the newest block of the target, and no end.
fn now(scene: &Scene<'_>) -> Result<[u64; 2], Failed> {
    Ok([scene.world.mainnet.latest()?.timestamp - DAY_SECS, NEVER])
}

/// One approval, drawable again and again.
fn cheat_a_strangers_draw_of_nothing(scene: &Scene<'_>) -> Outcome {
    let (request, asked, draw) = drawn(scene)?;
    let nonce = scene.nonce(&scene.world.testnet, actor_address("treasury"))?;
    for (who, amount) in [("mallory", U256::ZERO), ("cy", ether(1)), ("t1", asked.amount)] {
        let other = FundTransfer { amount, ..draw.clone() };
        let forge = Forge(scene);
        forge.say(who, Body::FundDraw(other.clone()), now(scene)?)?;
        forge.say(who, Body::FundReturn(other), now(scene)?)?;
    }
    let digest = request.to_string();
    for args in [vec!["fund", "draw"], vec!["fund", "draw", &digest, "--amount", "1 ether"]] {
        let ran = scene.approve("kim", &args)?;
        assert!(ran.code == 1 || said(&ran).contains("Nothing is left"), "{ran:?}");
    }
    assert_eq!(scene.nonce(&scene.world.testnet, actor_address("treasury"))?, nonce);
    scene.status()?.expect("funds", "PASS", &[])
}

/// The stranger denies the honest request and asks for the same, to themselves.
fn cheat_a_strangers_look_alike_request(scene: &Scene<'_>) -> Outcome {
    let args = ["fund", "request", "1 ether", "--reason", "more", "--no-release", "--json"];
    let honest = json_text(&scene.done("eva", &args)?, "digest")?;
    let request: StatementDigest = serde_json::from_value(honest.clone().into())?;
    let (_, asked, _) = drawn(scene)?;
    let network = asked.network;
    let (release, reason) = (None, "more".to_owned());
    let alike = FundRequest { network, destination: SOMEBODY, amount: ether(1), release, reason };
    let forge = Forge(scene);
    let denial = FundDenial { request, reason: String::new() };
    forge.say("mallory", Body::FundDeny(denial), now(scene)?)?;
    let other = forge.say("mallory", Body::FundRequest(alike), now(scene)?)?;
    // What is decided on is looked for before a key is opened.
    let nothing = format!("0x{}", "ab".repeat(32));
    scene.run("kim", &["fund", "approve", &nothing, "--as", "nobody"], 2)?;
    // By its name it is refused, and without one the honest one is meant.
    let named =
        scene.approve("kim", &["fund", "approve", &other.to_string(), "--as", "treasury"])?;
    assert_ne!(named.code, 0, "{named:?}");
    assert!(said(&named).contains("nobody under [people]"), "{named:?}");
    let ran = scene.done("kim", &["fund", "approve", "--as", "treasury"])?;
    let shown = said(&ran);
    assert!(shown.contains(&honest) && shown.contains("to eva"), "{ran:?}");
    assert!(!shown.contains(&SOMEBODY.to_string()), "{ran:?}");
    Ok(())
}

/// Whoever is under [people] may ask; an approval of one's own by somebody who is no treasurer
/// moves nothing and so may not hold anything up. A treasurer's own does, until they step back.
fn cheat_an_approval_of_ones_own_request(scene: &Scene<'_>) -> Outcome {
    let (_, asked, _) = drawn(scene)?;
    let (network, amount, forge) = (asked.network, ether(1), Forge(scene));
    let own = |who: &str| -> Result<StatementDigest, Failed> {
        let (release, reason) = (None, "mine".to_owned());
        let request = FundRequest { network, destination: SOMEBODY, amount, release, reason };
        let request = forge.say(who, Body::FundRequest(request), now(scene)?)?;
        let (destination, reason) = (SOMEBODY, String::new());
        let approval = FundApproval { request, network, destination, amount, reason };
        forge.say(who, Body::FundApprove(approval), now(scene)?)?;
        Ok(request)
    };
    let status = || Status::of(&scene.run("eva", &["status", "--json"], 0)?);
    own("ada")?;
    status()?.expect_others_pass(&["go"])?;
    let request = own("treasury")?;
    status()?.expect("separation", "FAIL", &["own-request-decided"])?;
    let denial = FundDenial { request, reason: String::new() };
    forge.say("treasury", Body::FundDeny(denial), now(scene)?)?;
    status()?.expect_others_pass(&["go"])
}

fn cheat_a_treasurer_who_asks_with_a_throwaway_key(scene: &Scene<'_>) -> Outcome {
    let (_, asked, _) = drawn(scene)?;
    let (network, amount) = (asked.network, ether(1));
    let release: Option<ReleaseRoot> = None;
    let reason = "mine".to_owned();
    let own = FundRequest { network, destination: SOMEBODY, amount, release, reason };
    let forge = Forge(scene);
    let request = forge.say("throwaway", Body::FundRequest(own), now(scene)?)?;
    let terms =
        FundApproval { request, network, destination: SOMEBODY, amount, reason: String::new() };
    forge.say("treasury", Body::FundApprove(terms), now(scene)?)?;
    let ran = scene.approve("kim", &["fund", "draw", &request.to_string()])?;
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(said(&ran).contains("nobody under [people]"), "{ran:?}");
    // Sent by hand and stated as a draw, it is one under no request.
    let transaction = pay(scene, "treasury", SOMEBODY, amount)?;
    let draw = FundTransfer { request, network, transaction, amount };
    forge.say("treasury", Body::FundDraw(draw), now(scene)?)?;
    scene.go()?;
    stopped(scene, "funds", "FAIL", &["unknown-request"])
}

/// The approval that the treasurer signed is for less, or goes elsewhere, than what is drawn.
fn cheat_an_approval_of_other_terms(scene: &Scene<'_>) -> Outcome {
    let args = ["fund", "request", "1 ether", "--reason", "more", "--no-release", "--json"];
    let digest = json_text(&scene.done("eva", &args)?, "digest")?;
    let request: StatementDigest = serde_json::from_value(digest.clone().into())?;
    let (_, asked, _) = drawn(scene)?;
    let (network, amount, reason) = (asked.network, U256::ONE, String::new());
    let less = FundApproval { request, network, destination: asked.destination, amount, reason };
    let elsewhere = FundApproval { destination: SOMEBODY, amount: ether(1), ..less.clone() };
    for terms in [less, elsewhere] {
        let by = Forge(scene);
        by.say("treasury", Body::FundApprove(terms), now(scene)?)?;
        let ran = scene.approve("kim", &["fund", "draw", &digest])?;
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(said(&ran).contains("no approval in force"), "{ran:?}");
    }
    Ok(())
}
