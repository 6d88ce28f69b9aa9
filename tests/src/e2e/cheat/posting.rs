//! Posting what somebody else signed: it stops what they stopped, and nothing else.

use std::path::Path;

use alloy_primitives::U256;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::ReleaseRoot;
use tidegate_model::statement::{Body, Freeze, NoGo, SignedStatement, Statement};
use tidegate_testkit::{DAY_SECS, actor_address};

use super::batch::{ETHER, ends_it};
use crate::support::{Case, Forge, Outcome, Scene, by_key, cases, files, put, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Signed:
            cheat_a_stop_whose_author_pays_for_nothing,
            cheat_a_posted_statement_that_nobody_signed_so;
    }
}

/// What somebody signs aside: its file outside of the repository.
fn aside(scene: &Scene<'_>, who: &str, body: Body) -> Result<String, Failed> {
    let now = scene.world.mainnet.finalized()?.timestamp;
    let general = Forge(scene).general(who, body, now)?;
    let signed = by_key(who, Statement::Statement(general))?;
    written(scene, &signed)
}

fn written(scene: &Scene<'_>, signed: &SignedStatement) -> Result<String, Failed> {
    let file = scene.folder().join("signed.json");
    files::write(&file, serde_json::to_string_pretty(signed)?.as_bytes())?;
    Ok(file.to_string_lossy().into_owned())
}

fn freeze(scene: &Scene<'_>, days: u64) -> Result<Body, Failed> {
    let until = scene.world.mainnet.latest()?.timestamp + days * DAY_SECS;
    Ok(Body::Freeze(Freeze { until, reason: "a look".to_owned() }))
}

/// Ada has no ether on mainnet. Whoever has her signed freeze posts it, and the batch reverts.
fn cheat_a_stop_whose_author_pays_for_nothing(scene: &Scene<'_>) -> Outcome {
    let file = aside(scene, "ada", freeze(scene, 1)?)?;
    let post = ["record", "post", &file];
    let before = scene.nonce(&scene.world.mainnet, actor_address("relayer"))?;
    let shown = scene.run("ops", &[&post[..], &["--dry-run"]].concat(), 0)?;
    for says in ["signed by", "ada, 0x", "every promotion of vault to mainnet until", "at most"] {
        assert!(said(&shown).contains(says), "{says}: {shown:?}");
    }
    assert_eq!(scene.nonce(&scene.world.mainnet, actor_address("relayer"))?, before);
    // The file is kept too, so that the gates name it.
    ends_it(scene, "ada froze promotions", || scene.done("ops", &post).map(|_| ()))?;
    // That put the chain back. Once more, and then there is nothing left to do.
    scene.forget("ops")?;
    scene.done("ops", &post)?;
    let again = scene.approve("ops", &post)?.expect_code(6)?;
    assert!(said(&again).contains("it is posted already"), "{again:?}");
    scene.world.settle()?;
    scene.status()?.expect("go", "UNKNOWN", (&["frozen"], &["ada"]))?;
    // A shorter one would lift nothing.
    let shorter = aside(scene, "ada", freeze(scene, 0)?)?;
    scene.approve("ops", &["record", "post", &shorter])?.expect_code(6)?;
    let release: ReleaseRoot = serde_json::from_value(scene.record()?.1["releaseRoot"].clone())?;
    let no_go = NoGo { release, discipline: None, reason: "a doubt".to_owned() };
    let file = aside(scene, "bo", Body::NoGo(no_go))?;
    scene.done("ops", &["record", "post", &file])?;
    scene.world.settle()?;
    scene.status()?.expect("go", "FAIL", (&["no-go"], &["bo"]))
}

fn cheat_a_posted_statement_that_nobody_signed_so(scene: &Scene<'_>) -> Outcome {
    let refused = |file: &str, code: i32, says: &str| -> Outcome {
        let ran = scene.approve("ops", &["record", "post", file])?.expect_code(code)?;
        assert!(said(&ran).contains(says), "{says}: {ran:?}");
        Ok(())
    };
    // What strangers sign stops nobody, and costs its payer.
    refused(&aside(scene, "mallory", freeze(scene, 1)?)?, 1, "is nobody under [people]")?;
    let own = aside(scene, "ada", freeze(scene, 1)?)?;
    let signed: Value = serde_json::from_str(&std::fs::read_to_string(&own)?)?;
    let edits: [(&str, Value); 3] = [
        ("/statement/message/signer", json!(actor_address("bo").to_string())),
        ("/statement/message/body/says/reason", json!("another")),
        ("/statement/message/at/chain", json!(1)),
    ];
    for (field, value) in edits {
        let mut edited = signed.clone();
        put(&mut edited, field, value)?;
        files::write(Path::new(&own), edited.to_string().as_bytes())?;
        refused(&own, 3, "does not recover to it")?;
    }
    // A project under another name is another one.
    let now = scene.world.mainnet.finalized()?.timestamp;
    let mut general = Forge(scene).general("ada", freeze(scene, 1)?, now)?;
    general.project.as_mut().ok_or("a project")?.name = "other".to_owned();
    let file = written(scene, &by_key("ada", Statement::Statement(general))?)?;
    refused(&file, 1, "not a target here")?;
    // Gates read a go from its file alone.
    let statements = scene.project().join("deployments/statements");
    for entry in std::fs::read_dir(statements)? {
        let path = entry?.path();
        if std::fs::read_to_string(&path)?.contains("\"go\"") {
            refused(&path.to_string_lossy(), 1, "only freezes, no-goes and revocations")?;
        }
    }
    let ops = scene.world.mainnet.balance(actor_address("relayer"))?;
    assert!(ops > U256::from(ETHER / 100), "{ops}");
    Ok(())
}
