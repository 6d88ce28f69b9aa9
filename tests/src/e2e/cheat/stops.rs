//! Stops that are said, lifted or posted: by whom, for which target, and while finality lags.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use libtest_mimic::Failed;
use serde_json::json;
use tidegate_model::digest::{jcs_keccak, project_id};
use tidegate_model::statement::{
    SignedStatement, Statement, freeze_subject, no_go_subject, no_go_until,
};
use tidegate_model::{ChainId, ProjectId, ReleaseRoot, StatementDigest};
use tidegate_safe::helper::{self, PostedStatement};
use tidegate_testkit::{Anvil, Reply, ScriptedNode, actor, actor_address};

use super::batch::ends_it;
use super::chain::second_endpoint;
use crate::support::{Case, Forge, Outcome, Scene, Status, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_no_go_that_its_author_has_lifted,
            cheat_a_no_go_that_only_others_have_lifted,
            cheat_a_stop_posted_for_a_sibling_after_the_owners_signed,
            cheat_more_keys_than_a_batch_can_ask,
            cheat_a_go_while_finality_lags;
    }
}

const ETHER: u64 = 1_000_000_000_000_000_000;
/// Another Safe as a second target of the same project.
const ASIDE: Address = Address::with_last_byte(0xaa);

/// The digest of what somebody has just recorded.
fn record(scene: &Scene<'_>, key: &str, args: &[&str]) -> Result<String, Failed> {
    let who = if key == "treasury" { "kim" } else { key };
    let args = [&["record"], args, &["--as", key, "--json"]].concat();
    json_text(&scene.done(who, &args)?, "digest")
}

fn path(digest: &str) -> String {
    format!("deployments/statements/{digest}.json")
}

/// A stranger posts at the helper what lies in a file.
fn somebody_posts(scene: &Scene<'_>, file: &str) -> Outcome {
    let signed: SignedStatement = serde_json::from_str(file)?;
    let Statement::Statement(general) = &signed.statement else { return Err("general".into()) };
    let statement = PostedStatement {
        signer: general.signer,
        kind: general.body.kind().to_owned(),
        text: general.text(),
        project: general.project_id().0,
        subject: general.subject(),
        bodyDigest: jcs_keccak("body", &general.body)?,
        blockNumber: general.at.number,
        blockHash: general.at.hash,
        issuedAt: general.issued_at,
        expiresAt: general.expires_at,
    };
    let (mainnet, mallory) = (&scene.world.mainnet, actor("mallory"));
    mainnet.set_balance(mallory.address(), U256::from(ETHER))?;
    let data = helper::post_signed(statement, signed.signature.clone());
    mainnet.send(&mallory, Some(helper::address()), data, U256::ZERO)?;
    Ok(())
}

/// Somebody posts with a key of their own.
fn posts(scene: &Scene<'_>, who: &str, subject: StatementDigest, until: u64) -> Outcome {
    let mainnet = &scene.world.mainnet;
    mainnet.set_balance(actor_address(who), U256::from(ETHER))?;
    let post = helper::post(subject, until);
    mainnet.send(&actor(who), Some(helper::address()), post, U256::ZERO)?;
    Ok(())
}

fn proposed(scene: &Scene<'_>) -> Result<String, Failed> {
    let promote = scene.person("eva").run(&["promote", "--json"])?.expect_code(0)?;
    let proposal = json_text(&promote, "proposal")?;
    scene.sign(&proposal, &["o1", "o2"])?;
    Ok(proposal)
}

/// A file no-go that bo has lifted can be posted by anybody: it ends the open proposal, and holds
/// nothing back for good.
fn cheat_a_no_go_that_its_author_has_lifted(scene: &Scene<'_>) -> Outcome {
    let no_go = record(scene, "bo", &["no-go", "--reason", "a doubt"])?;
    let freeze = record(scene, "bo", &["freeze", "--for", "1h", "--reason", "a look"])?;
    let files = [scene.read(&path(&no_go))?, scene.read(&path(&freeze))?];
    scene.world.advance_days(1, 12)?;
    record(scene, "bo", &["go"])?;
    scene.status()?.expect_others_pass(&[])?;
    proposed(scene)?;
    for file in &files {
        ends_it(scene, "has posted about", || somebody_posts(scene, file))?;
    }
    for file in &files {
        somebody_posts(scene, file)?;
    }
    scene.world.settle()?;
    scene.status()?.expect_others_pass(&[])?;
    scene.run("eva", &["promote"], 0)?;
    // A newer one is posted after the older one, and stops it without its file.
    let mainnet = &scene.world.mainnet;
    mainnet.set_balance(actor_address("bo"), U256::from(ETHER))?;
    let again = record(scene, "bo", &["no-go", "--reason", "once more", "--post"])?;
    std::fs::remove_file(scene.project().join(path(&again)))?;
    scene.forget("eva")?;
    scene.world.settle()?;
    scene.status()?.expect("go", "FAIL", (&["no-go-posted"], &["bo"]))?;
    record(scene, "bo", &["go"])?;
    scene.status()?.expect("go", "PASS", &[])
}

/// Another person's go, an older one, or a no-go that says no date.
fn cheat_a_no_go_that_only_others_have_lifted(scene: &Scene<'_>) -> Outcome {
    let (mainnet, release) = (&scene.world.mainnet, release(scene)?);
    let subject = no_go_subject(project(scene, scene.world.safe), release);
    let now = mainnet.finalized()?.timestamp;
    posts(scene, "treasury", subject, no_go_until(now))?;
    scene.world.settle()?;
    // Kim's go is older.
    scene.status()?.expect("go", "FAIL", (&["no-go-posted"], &["kim"]))?;
    record(scene, "bo", &["go"])?;
    scene.status()?.expect("go", "FAIL", (&["no-go-posted"], &["kim"]))?;
    record(scene, "treasury", &["go"])?;
    scene.status()?.expect_others_pass(&[])?;
    posts(scene, "treasury", subject, u64::MAX)?;
    scene.world.settle()?;
    record(scene, "treasury", &["go"])?;
    scene.status()?.expect("go", "FAIL", (&["no-go-posted"], &["kim"]))
}

fn project(scene: &Scene<'_>, safe: Address) -> ProjectId {
    project_id(ChainId(scene.world.mainnet.chain_id()), safe, "vault")
}

fn release(scene: &Scene<'_>) -> Result<ReleaseRoot, Failed> {
    Ok(serde_json::from_value(scene.record()?.1["releaseRoot"].clone())?)
}

/// A second target with another Safe on the same chain.
fn with_sibling(scene: &Scene<'_>) -> Result<String, Failed> {
    let text = scene.read("tidegate.toml")?;
    let (_, target) = text.split_once("[networks.mainnet]").ok_or("a target")?;
    let target = target.split("\n[").next().unwrap_or(target);
    let other = target.replace(&scene.world.safe.to_string(), &ASIDE.to_string());
    scene.write("tidegate.toml", &format!("{text}\n[networks.aside]{other}"))?;
    scene.forget_safes()?;
    Ok(text)
}

/// The gates judge stops under a sibling's id, so the batch requires them too.
fn cheat_a_stop_posted_for_a_sibling_after_the_owners_signed(scene: &Scene<'_>) -> Outcome {
    let alone = with_sibling(scene)?;
    let promote = ["promote", "--target", "mainnet", "--json"];
    let promote = scene.person("eva").run(&promote)?.expect_code(0)?;
    let proposal = json_text(&promote, "proposal")?;
    // Who takes the sibling away would have other posts required.
    let both = scene.read("tidegate.toml")?;
    scene.write("tidegate.toml", &alone)?;
    let sign = scene.person("o1").run(&scene.signing(&proposal))?;
    assert!(sign.code != 0 && said(&sign).contains("input go/posted has digest"), "{sign:?}");
    scene.write("tidegate.toml", &both)?;
    scene.forget_safes()?;
    scene.sign(&proposal, &["o1", "o2"])?;
    let (sibling, release) = (project(scene, ASIDE), release(scene)?);
    let now = scene.world.mainnet.latest()?.timestamp;
    let stops = [
        ("ada", freeze_subject(sibling), now + 86_400),
        ("bo", freeze_subject(sibling), 1),
        ("treasury", no_go_subject(sibling, release), no_go_until(now)),
    ];
    for (who, subject, until) in stops {
        ends_it(scene, "has posted about", || posts(scene, who, subject, until))?;
    }
    // What is said for no target of the project ends nothing.
    let stranger = project(scene, Address::with_last_byte(0xbb));
    posts(scene, "ada", freeze_subject(stranger), u64::MAX)?;
    scene.done("ops", &["proposal", "execute", &proposal]).map(|_| ())
}

/// Said when the policy is written, not when the owners have to sign.
fn cheat_more_keys_than_a_batch_can_ask(scene: &Scene<'_>) -> Outcome {
    let kept = scene.read("tidegate.toml")?;
    let with = |keys: usize| -> Outcome {
        let key = |n: usize| format!("\"{}\"", Address::from_word(B256::from(U256::from(n + 999))));
        let keys: Vec<_> = (0..keys).map(key).collect();
        let many = format!("many = {{ roles = [\"engineer\"], keys = [{}] }}\n", keys.join(", "));
        scene.write("tidegate.toml", &kept.replace("[people]\n", &format!("[people]\n{many}")))
    };
    let own = kept.split_once("[people]").ok_or("people")?.1.matches("\"0x").count();
    let commands: [&[&str]; 4] =
        [&["policy", "show"], &["policy", "adopt"], &["plan", "mainnet"], &["promote"]];
    with(113 - own)?;
    for command in commands {
        let ran = scene.person("eva").run(command)?;
        let told = said(&ran).contains("[people] has 113 keys") && ran.code != 0;
        assert!(told, "{command:?}: {ran:?}");
    }
    with(112 - own)?;
    scene.run("eva", &["policy", "show"], 0)?;
    with_sibling(scene)?;
    let show = ["policy", "show", "mainnet"];
    let ran = scene.run("eva", &show, 3)?;
    assert!(said(&ran).contains("the stops of 56 "), "{ran:?}");
    Ok(())
}

/// An endpoint that shows under these tags what was so a week ago.
fn lags(anvil: &Anvil, tags: &'static [&str]) -> Result<ScriptedNode, Failed> {
    let number = U64::from(anvil.latest()?.block.number.saturating_sub(170));
    let older = anvil.rpc("eth_getBlockByNumber", json!([number, false]))?;
    Ok(ScriptedNode::start(Some(anvil.url()), move |method, params| {
        match (method, params[0].as_str()) {
            ("eth_getBlockByNumber", Some(tag)) if tags.contains(&tag) => {
                Reply::Result(older.clone())
            }
            _ => Reply::Forward,
        }
    })?)
}

/// Nobody waits for finality to stop a release; whatever helps one does.
fn cheat_a_go_while_finality_lags(scene: &Scene<'_>) -> Outcome {
    let attestation = Forge(scene).signed("bo")?.statement.digest()?.to_string();
    second_endpoint(scene, "MAINNET_RPC")?;
    let mainnet = &scene.world.mainnet;
    let slow = lags(mainnet, &["finalized"])?;
    for who in ["ada", "bo"] {
        mainnet.set_balance(actor_address(who), U256::from(ETHER))?;
        // A transaction that is not final yet holds no stop back either.
        mainnet.send(&actor(who), Some(Address::repeat_byte(1)), Bytes::new(), U256::ZERO)?;
    }
    let with = |who: &str| scene.person(who).with_variable("MAINNET_RPC_B", &slow.url());
    let helps: [(&str, &[&str]); 3] = [
        ("kim", &["record", "go", "--as", "treasury"]),
        ("kim", &["record", "key", "kim", "--as", "treasury"]),
        ("eva", &["promote"]),
    ];
    for (who, args) in helps {
        let ran = with(who).approve(args)?;
        assert!(ran.code != 0 && said(&ran).contains("count as one view"), "{args:?}: {ran:?}");
    }
    let bug = ["record", "bug", "funds are stuck", "--severity", "high", "--as", "ada"];
    let stops: [(&str, &[&str]); 4] = [
        (
            "ada",
            &["record", "freeze", "--for", "30d", "--reason", "a look", "--post", "--as", "ada"],
        ),
        ("bo", &["record", "no-go", "--reason", "a doubt", "--post", "--as", "bo"]),
        ("ada", &bug),
        ("bo", &["attest", "--revoke", &attestation[..18], "--as", "bo"]),
    ];
    for (who, args) in stops {
        let ran = with(who).approve(args)?;
        let warned = said(&ran).contains("the newest final block of mainnet is in doubt");
        assert!(ran.code == 0 && warned, "{args:?}: {ran:?}");
    }
    // Nor does one endpoint silence anybody that shows all of the chain as it was.
    let behind = lags(mainnet, &["finalized", "latest"])?;
    let behind = scene.person("bo").with_variable("MAINNET_RPC_B", &behind.url());
    behind
        .approve(&["record", "freeze", "--for", "9d", "--reason", "a look", "--as", "bo"])?
        .expect_code(0)?;
    // Once it is read again, each of them counts.
    let right = ScriptedNode::start(Some(mainnet.url()), |_, _| Reply::Forward)?;
    scene.world.settle()?;
    let eva = scene.person("eva").with_variable("MAINNET_RPC_B", &right.url());
    let status = Status::of(&eva.run(&["status", "--json"])?)?;
    status.expect("go", "FAIL", (&["no-go-posted"], &["bo"]))?;
    status.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    status.expect("audits", "FAIL", &["revoked"])
}
