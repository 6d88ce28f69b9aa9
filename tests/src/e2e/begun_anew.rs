//! Local chains that are started again: what was deployed on them is gone, and its records are not.

use alloy_primitives::U256;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_testkit::{Anvil, AnvilOptions, Person, actor_address, split_words};

use crate::redeploy::{Releases, dial, registry};
use crate::support::{Case, Outcome, Scene, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            a_chain_that_was_begun_anew_is_said_and_deployed_to_anew,
            what_is_followed_is_brought_back_by_the_printed_commands,
            another_genesis_is_named_with_its_line,
            what_is_not_final_is_refused_before_it_is_approved;
    }
}

/// The testnet, started again with this time at its beginning; three blocks of it are mined.
fn restarted(scene: &Scene<'_>, timestamp: Option<u64>) -> Result<Anvil, Failed> {
    let options = AnvilOptions::new(scene.world.testnet.chain_id());
    let timestamp = timestamp.unwrap_or(options.timestamp);
    let chain = Anvil::start(scene.tools, AnvilOptions { timestamp, ..options })?;
    chain.set_balance(actor_address("deployer"), U256::from(10).pow(U256::from(18)))?;
    chain.mine(3)?;
    Ok(chain)
}

fn eva_on(scene: &Scene<'_>, chain: &Anvil) -> Person {
    scene.person("eva").with_variable("TESTNET_RPC", chain.url())
}

/// What is typed between the backticks after these words.
fn commands(text: &str, after: &str) -> Result<Vec<Vec<String>>, Failed> {
    let (_, rest) = text.split_once(after).ok_or_else(|| format!("{after:?} in {text}"))?;
    let typed = rest.split('`').skip(1).step_by(2);
    let typed = typed.filter_map(|part| part.strip_prefix("tidegate "));
    Ok(typed.take_while(|part| part.starts_with("deploy ")).map(split_words).collect())
}

/// The record says nothing of what stands on the new chain, whoever put it there: nobody is told of
/// other code.
fn a_chain_that_was_begun_anew_is_said_and_deployed_to_anew(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    releases.deploy("1.4.0", &[], &[])?;
    releases.deploy("1.5.0", &[dial("")], &[])?;
    let chain = restarted(scene, None)?;
    let eva = eva_on(scene, &chain);
    let gone = |first: &str| -> Outcome {
        let found = said(&eva.run(&["verify"])?.expect_code(30)?);
        let words = [first, "the chain was begun anew", "run `tidegate deploy testnet` to deploy"];
        assert!(words.iter().all(|word| found.contains(word)), "{found}");
        assert!(!found.contains("there is no code") && !found.contains("FAIL"), "{found}");
        let status = said(&eva.run(&["status"])?.expect_code(0)?);
        assert!(status.contains("Next engineer: `tidegate deploy testnet`"), "{status}");
        assert!(!status.contains("there is no code"), "{status}");
        Ok(())
    };
    gone("testnet has nothing of vault-1.5.0")?;
    let plan = said(&eva.run(&["plan"])?.expect_code(0)?);
    assert!(!plan.contains("in vault-1.4.0") && !plan.contains("second proxy"), "{plan}");
    let sheet = said(&eva.run(&["deploy"])?.expect_code(2)?);
    assert!(sheet.contains("the chain lacks transactions of"), "{sheet}");
    // A release that was never there, and shares all but one contract with it.
    releases.write("1.6.0", &[dial(""), registry("second")])?;
    eva.approve(&["deploy"])?.expect_code(0)?;
    chain.mine(3)?;
    eva.run(&["verify"])?.expect_code(0)?;
    releases.write("1.5.0", &[dial("")])?;
    gone("testnet has nothing of vault-1.5.0")?;
    eva.approve(&["deploy", "testnet"])?.expect_code(0)?;
    chain.mine(3)?;
    eva.run(&["verify"])?.expect_code(0)?;
    Ok(())
}

/// Two releases are followed; each message names what brings them back, and it is typed as it
/// stands.
fn what_is_followed_is_brought_back_by_the_printed_commands(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    let follow = |from: &str, to: &str| {
        let own = format!("{to:?}");
        scene.edit("tidegate.toml", &own, &format!("{own}\nfollows = {from:?}"))
    };
    releases.deploy("1.4.0", &[dial("")], &[])?;
    // A copy that nobody follows is no reason to bring it back.
    scene.done("eva", &["deploy", "--id", "3"])?;
    scene.world.settle()?;
    releases.write("1.5.0", &[dial(""), registry("second")])?;
    follow("1.4.0", "1.5.0")?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    releases.write("1.6.0", &[dial(""), registry("second"), registry("third")])?;
    follow("1.5.0", "1.6.0")?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;

    let chain = restarted(scene, None)?;
    let eva = eva_on(scene, &chain);
    let found = said(&eva.run(&["verify"])?.expect_code(30)?);
    let all = commands(&found, "; run ")?;
    assert_eq!(all.len(), 3, "{found}");
    assert_eq!(all.last(), Some(&split_words("deploy testnet")), "{found}");
    for command in ["plan", "deploy"] {
        let refused = said(&eva.approve(&[command])?.expect_code(1)?);
        assert!(refused.contains("testnet has nothing of vault-1.5.0"), "{command}: {refused}");
        let first = commands(&refused, "what is followed, run ")?;
        assert_eq!(first, all[..2], "{command}: {refused}");
    }
    for typed in &all {
        let typed: Vec<_> = typed.iter().map(String::as_str).collect();
        eva.approve(&typed)?.expect_code(0)?;
        chain.mine(3)?;
    }
    eva.run(&["verify"])?.expect_code(0)?;
    let record: Value = scene.record_of("1.6.0")?.1;
    let dial = scene.contract_of("1.5.0", "second")?;
    assert_eq!(record["deployment"]["found"]["second"]["address"], dial.to_string().to_lowercase());
    Ok(())
}

/// As an anvil without `--timestamp` is at each start.
fn another_genesis_is_named_with_its_line(scene: &Scene<'_>) -> Outcome {
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;
    let chain = restarted(scene, Some(1_700_000_000))?;
    let eva = eva_on(scene, &chain);
    let line = format!("genesis = \"{}\"", chain.genesis_hash()?);
    for command in ["plan", "deploy", "verify"] {
        let refused = said(&eva.run(&[command])?.expect_code(4)?);
        let words = [&*line, "under [networks.testnet] in tidegate.toml"];
        assert!(words.iter().all(|word| refused.contains(word)), "{command}: {refused}");
    }
    let was = format!("genesis = \"{}\"", scene.world.testnet.genesis_hash()?);
    let text = scene.read("tidegate.toml")?;
    let (head, own) = text.split_once("[networks.testnet]").ok_or("the testnet")?;
    let start = own.find("genesis").ok_or_else(|| format!("{was} in {own}"))?;
    let end = own[start..].find(['\n', ',', '}']).ok_or("its end")? + start;
    let own = format!("{}{line}{}", &own[..start], &own[end..]);
    scene.write("tidegate.toml", &format!("{head}[networks.testnet]{own}"))?;
    // The record of another chain stands in nobody's way.
    let gone = said(&eva.run(&["verify"])?.expect_code(30)?);
    assert!(gone.contains("run `tidegate deploy testnet` to deploy it again"), "{gone}");
    eva.approve(&["deploy"])?.expect_code(0)?;
    chain.mine(3)?;
    eva.run(&["verify"])?.expect_code(0)?;
    Ok(())
}

/// An anvil without `--block-time` makes nothing final that nobody mines for.
fn what_is_not_final_is_refused_before_it_is_approved(scene: &Scene<'_>) -> Outcome {
    let who = actor_address("deployer");
    scene.world.testnet.rpc("anvil_setNonce", json!([who, "0x5"]))?;
    let eva = scene.person("eva");
    let refused = eva.run(&["deploy"])?.expect_code(4)?;
    assert!(refused.asked_for().is_none(), "nobody is asked: {refused:?}");
    let refused = said(&refused);
    let words =
        ["its latest nonce is 5, the finalized one 0", "`cast rpc anvil_mine", "--block-time"];
    assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
    eva.run(&["deploy", "--dry-run"])?.expect_code(0)?;
    scene.world.testnet.rpc("anvil_mine", json!(["0x42"]))?;
    eva.approve(&["deploy"])?.expect_code(0)?;
    Ok(())
}
