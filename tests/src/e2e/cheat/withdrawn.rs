//! Samples of the soak that were wrong, and who takes them back.

use alloy::signers::SignerSync as _;
use alloy_primitives::B256;
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_model::statement::{
    Body, General, SampleWithdrawal, SignedStatement, SoakSample, Statement,
};
use tidegate_model::{BlockRef, StatementDigest};
use tidegate_testkit::{Reply, ScriptedNode, actor};

use super::soak::{seen, sign};
use crate::support::{Case, Forge, Outcome, Scene, Status, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_wrong_sample_that_stands_for_good,
            cheat_a_withdrawal_that_is_none,
            cheat_a_true_alarm_that_is_watched_away,
            cheat_a_state_that_nobody_could_see;
    }
}

/// A sample by somebody's key, of another block than the chain's 50 blocks ago.
fn wrong(scene: &Scene<'_>, who: &str) -> Result<(SoakSample, String), Failed> {
    let mut sample = seen(scene)?;
    let block = scene.block(sample.block.number - 50)?;
    sample.block = BlockRef { hash: B256::repeat_byte(7), ..block.0 };
    sample.timestamp = block.1;
    let file = sign(scene, &actor(who), sample.clone())?;
    Ok((sample, digest_of(&file)))
}

/// The digest that a statement's file is named after.
fn digest_of(file: &str) -> String {
    file.trim_start_matches("deployments/statements/").trim_end_matches(".json").to_owned()
}

impl Scene<'_> {
    /// The testnet's block at a height, and its time.
    fn block(&self, number: u64) -> Result<(BlockRef, u64), Failed> {
        let at = alloy_primitives::U64::from(number);
        let params = serde_json::json!([at, false]);
        let block: Value = self.world.testnet.rpc("eth_getBlockByNumber", params)?;
        let time: alloy_primitives::U64 = serde_json::from_value(block["timestamp"].clone())?;
        let hash = serde_json::from_value(block["hash"].clone())?;
        Ok((BlockRef { number, hash }, time.to()))
    }
}

/// What somebody signs with tools of their own to take a sample back.
fn forge(
    scene: &Scene<'_>,
    who: &str,
    sample: &SoakSample,
    digest: &str,
    seen: (BlockRef, u64),
) -> Result<String, Failed> {
    let withdrawal = SampleWithdrawal {
        sample: StatementDigest(digest.parse()?),
        network: sample.network,
        block: seen.0,
        timestamp: seen.1,
        reason: "a fork".to_owned(),
    };
    let time = scene.world.mainnet.finalized()?.timestamp;
    let general = Forge(scene).general(who, Body::SoakWithdraw(withdrawal), time)?;
    let statement = Statement::Statement(General { signer: actor(who).address(), ..general });
    let signature = actor(who).sign_hash_sync(&statement.digest()?.0)?;
    let written = Forge(scene).write(&SignedStatement::by_key(statement, signature))?;
    Ok(format!("deployments/statements/{written}.json"))
}

/// Kim's endpoint showed a branch that never was. The alarm stands until she takes it back herself;
/// what she signs beside it, and that the file is deleted, changes nothing.
fn cheat_a_wrong_sample_that_stands_for_good(scene: &Scene<'_>) -> Outcome {
    let (sample, digest) = wrong(scene, "treasury")?;
    let way_out = format!("`tidegate record withdraw {digest}`");
    let names = ["kim saw block", "the chain has 0x", &way_out];
    let alarm = (&["sample-off-chain"], &names);
    scene.status()?.expect("soak", "UNKNOWN", alarm)?;
    let file = format!("deployments/statements/{digest}.json");
    let text = scene.read(&file)?;
    std::fs::remove_file(scene.project().join(&file))?;
    scene.status()?.expect("soak", "UNKNOWN", alarm)?;
    scene.write(&file, &text)?;
    // Right samples of another height and of the same one.
    scene.done("kim", &["status", "--sample", "--as", "treasury"])?;
    let (block, timestamp) = scene.block(sample.block.number)?;
    sign(scene, &actor("treasury"), SoakSample { block, timestamp, ..sample.clone() })?;
    scene.status()?.expect("soak", "UNKNOWN", alarm)?;
    scene.run("eva", &["promote"], 30)?;

    let withdraw = ["record", "withdraw", &digest[..18], "--reason", "a fork", "--as", "treasury"];
    let shown = said(&scene.done("kim", &withdraw)?);
    for says in [sample.block.hash, block.hash] {
        assert!(shown.contains(&says.to_string()), "{shown}");
    }
    let right = scene.status()?;
    right.expect_others_pass(&[])?;
    assert!(right.0["soak"]["samples"].to_string().contains("\"withdrawn\":\"0x"), "{}", right.0);
    scene.run("eva", &["promote"], 0)?;
    // Without the file the alarm is back where nobody has seen it.
    let withdrawal = right.0["soak"]["samples"].as_array().into_iter().flatten();
    let named: Vec<_> = withdrawal.filter_map(|sample| sample["withdrawn"].as_str()).collect();
    let [named] = named[..] else { return Err("one withdrawal".into()) };
    std::fs::remove_file(scene.project().join(format!("deployments/statements/{named}.json")))?;
    scene.status()?.expect("soak", "PASS", &[])?;
    scene.forget("eva")?;
    scene.status()?.expect("soak", "UNKNOWN", alarm)
}

/// By another person, of another height, of another block than the chain's, of another sample.
fn cheat_a_withdrawal_that_is_none(scene: &Scene<'_>) -> Outcome {
    let (sample, digest) = wrong(scene, "treasury")?;
    let number = sample.block.number;
    let (right, other) = (scene.block(number)?, scene.block(number + 1)?);
    let lie = (BlockRef { number, hash: B256::repeat_byte(9) }, right.1);
    let again = (sample.block, sample.timestamp);
    let another = format!("0x{}", "11".repeat(32));
    let cases = [
        ("ada", &digest, right),
        ("mallory", &digest, right),
        ("treasury", &digest, other),
        ("treasury", &digest, lie),
        ("treasury", &digest, again),
        ("treasury", &digest, (right.0, right.1 + 1)),
        ("treasury", &another, right),
    ];
    for (who, digest, seen) in cases {
        forge(scene, who, &sample, digest, seen)?;
        scene.status()?.expect("soak", "UNKNOWN", (&["sample-off-chain"], &["kim saw block"]))?;
    }
    let withdraw = ["record", "withdraw", &digest, "--reason", "no", "--as", "ada"];
    let refused = scene.approve("ada", &withdraw)?.expect_code(1)?;
    assert!(said(&refused).contains("only the key that signed the sample"), "{refused:?}");
    forge(scene, "treasury", &sample, &digest, right)?;
    scene.status()?.expect_others_pass(&[])
}

/// Whoever watches signs each day, and never at the height of an alarm; and where endpoints still
/// show what was seen, nothing is taken back.
fn cheat_a_true_alarm_that_is_watched_away(scene: &Scene<'_>) -> Outcome {
    let (sample, digest) = wrong(scene, "treasury")?;
    let watch = ["status", "--watch", "--rounds", "2", "--every", "1s", "--as", "treasury"];
    for _ in 0..2 {
        scene.done("kim", &watch)?;
        scene.world.advance_days(1, 12)?;
    }
    let says = format!("`tidegate record withdraw {digest}`");
    scene.status()?.expect("soak", "UNKNOWN", (&["sample-off-chain"], &[says.as_str()]))?;
    // A right one is not taken back.
    let (block, timestamp) = scene.block(sample.block.number - 1)?;
    let right = SoakSample { block, timestamp, ..sample };
    let right = digest_of(&sign(scene, &actor("treasury"), right)?);
    let withdraw = ["record", "withdraw", &right, "--reason", "no", "--as", "treasury"];
    let refused = scene.approve("kim", &withdraw)?.expect_code(1)?;
    assert!(said(&refused).contains("your endpoints confirm that sample"), "{refused:?}");
    Ok(())
}

/// Ada signs with tools of her own what nobody could see, of true blocks: of the newest one, where
/// Kim saw what there is, of an older one, and of blocks that are far ahead. The chain has another
/// state there, so it restarts nothing.
fn cheat_a_state_that_nobody_could_see(scene: &Scene<'_>) -> Outcome {
    let right = seen(scene)?;
    sign(scene, &actor("treasury"), right.clone())?;
    let invented = SoakSample { state: B256::repeat_byte(8), ..right.clone() };
    let digest = digest_of(&sign(scene, &actor("ada"), invented.clone())?);
    let (block, timestamp) = scene.block(right.block.number - 20)?;
    let older = SoakSample { block, timestamp, ..invented.clone() };
    sign(scene, &actor("ada"), older.clone())?;
    for hash in [1, 2] {
        let block = BlockRef { number: 1_000_000_000, hash: B256::repeat_byte(hash) };
        sign(scene, &actor("ada"), SoakSample { block, ..invented.clone() })?;
    }
    let passes = |status: &Status| -> Outcome {
        status.expect_others_pass(&[])?;
        assert_eq!(status.0["soak"]["resets"], serde_json::json!([]), "it began anew at no time");
        let gates = status.0["gates"].to_string();
        assert_eq!(gates.matches("by ada does not count").count(), 2, "{gates}");
        Ok(())
    };
    passes(&scene.status()?)?;

    // An endpoint that has forgotten that block can tell nobody who is right: an alarm, and neither
    // a pass nor a soak that begins anew. Its author takes it back, or two others who can look.
    let node = ScriptedNode::start(Some(scene.world.testnet.url()), move |method, params| {
        let state = ["eth_getCode", "eth_call", "eth_getStorageAt"].contains(&method);
        if !state || !params.to_string().contains(&older.block.hash.to_string()) {
            return Reply::Forward;
        }
        let message = "missing trie node: state is not available".to_owned();
        Reply::Error { code: -32000, message, data: None }
    })?;
    let eva = scene.person("eva").with_variable("TESTNET_RPC", &node.url());
    let status = || Status::of(&eva.run(&["status", "--json"])?);
    let alarm = |status: Status| -> Outcome {
        status.expect("soak", "UNKNOWN", (&["sample-state-unkept"], &["ada saw"]))?;
        assert_eq!(status.0["soak"]["resets"], serde_json::json!([]));
        Ok(())
    };
    alarm(status()?)?;
    let older = digest_of(&sign(scene, &actor("ada"), older)?);
    let withdraw = |key: &str| {
        let args = ["record", "withdraw", &older, "--reason", "it was not so", "--as", key];
        args.map(str::to_owned)
    };
    let typed = withdraw("deployer");
    let typed: Vec<_> = typed.iter().map(String::as_str).collect();
    let refused = scene.approve("eva", &typed)?.expect_code(1)?;
    assert!(said(&refused).contains("eva deployed this release"), "{refused:?}");
    let deployer = (scene.block(block.number)?, SoakSample { block, timestamp, ..invented });
    forge(scene, "deployer", &deployer.1, &older, deployer.0)?;
    for (who, key) in [("kim", "treasury"), ("bo", "bo")] {
        if who == "bo" {
            alarm(status()?)?;
        }
        let typed = withdraw(key);
        scene.done(who, &typed.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    status()?.expect_others_pass(&[])?;
    // Its author ends it alone, as ever.
    let withdraw = ["record", "withdraw", &digest, "--reason", "an old node", "--as", "ada"];
    let shown = said(&scene.done("ada", &withdraw)?);
    assert!(shown.contains("you withdraw what it says about code and slots"), "{shown}");
    Ok(())
}
