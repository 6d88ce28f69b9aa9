//! The same release once more: raised in its version alone, under another id, with calls whose
//! effect is gone.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::redeploy::{Releases, registry, tally};
use crate::support::{Case, Outcome, Scene, cases, promote_and_execute, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            calls_on_what_stands_are_said_to_be_made_again,
            a_version_alone_is_the_same_deployment;
        Ready: a_version_alone_is_the_same_promotion;
    }
}

/// What is called stands since the release that is followed, whatever the id is.
fn calls_on_what_stands_are_said_to_be_made_again(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    releases.deploy("1.5.0", &[tally("\"add\", 1")], &[])?;
    releases.write("1.6.0", &[tally("\"add\", 2"), registry("second")])?;
    scene.edit("tidegate.toml", "\"1.6.0\"", "\"1.6.0\"\nfollows = \"1.5.0\"")?;
    let attends = |args: &[&str], code: i32| -> Result<String, Failed> {
        let ran = scene.run("eva", &[args, &["--json"]].concat(), code)?.json()?;
        Ok(ran["attentions"].to_string())
    };
    let again = "for deployment 0 of vault-1.6.0, on the same contract, and is made again";
    // The first time, and where it goes on, it is not.
    for args in [&["plan"][..], &["plan", "--id", "1"]] {
        assert!(!attends(args, 0)?.contains("made again"), "{args:?}");
    }
    let first = scene.done("eva", &["deploy", "--json"])?.json()?;
    scene.world.settle()?;
    assert!(!attends(&["plan"], 0)?.contains("made again"));
    for (args, code) in [(["plan", "--id", "1"], 0), (["deploy", "--id", "1"], 2)] {
        let said = attends(&args, code)?;
        let call = first["record"].as_str().map(|file| scene.read(file)).ok_or("a record")??;
        let call: Value = serde_json::from_str(&call)?;
        let sent = call["transactions"].as_array().ok_or("transactions")?;
        let call = sent.iter().find(|tx| tx["op"] == "tally.add").ok_or("the call")?;
        let hash = call["hash"].as_str().ok_or("its hash")?;
        let copy = "`tidegate deploy --release vault-1.5.0 --id 1`, then `tidegate deploy --id 1`";
        for words in [again, hash, "`--id 0` goes on with that one", copy] {
            assert!(said.contains(words), "{words}: {args:?}: {said}");
        }
    }
    // Without its record the journal knows it, as where a deployment broke off.
    std::fs::remove_file(scene.project().join(first["record"].as_str().ok_or("a record")?))?;
    assert!(attends(&["deploy", "--id", "1"], 2)?.contains(again));
    // The way that is printed calls the copy alone.
    scene.done("eva", &["deploy", "--release", "vault-1.5.0", "--id", "1"])?;
    scene.world.settle()?;
    assert!(!attends(&["plan", "--id", "1"], 0)?.contains("made again"));
    Ok(())
}

/// Nothing but the name changes: what was deployed and written under another one is as right.
fn a_version_alone_is_the_same_deployment(scene: &Scene<'_>) -> Outcome {
    let releases = Releases::of(scene)?;
    releases.deploy("1.4.0", &[], &[])?;
    releases.write("1.4.1", &[])?;
    scene.run("eva", &["verify"], 0)?;
    let status = said(&scene.run("eva", &["status"], 0)?);
    assert!(!status.contains("addresses.json"), "{status}");
    let book = "deployments/testnet/addresses.json";
    let text = scene.read(book)?;
    scene.edit(book, "vault-1.4.0", "vault-1.3.9")?;
    let wrong = said(&scene.run("eva", &["verify"], 1)?);
    let was = "release: was \"vault-1.3.9\", is \"vault-1.4.1\"";
    assert!(wrong.contains(was), "as it was written, and as it is: {wrong}");
    scene.write(book, &text)?;
    scene.done("eva", &["deploy"])?;
    for version in ["1.4.1", "1.4.0"] {
        releases.write(version, &[])?;
        scene.run("eva", &["verify"], 0)?;
    }
    Ok(())
}

/// The same of what a Safe promoted.
fn a_version_alone_is_the_same_promotion(scene: &Scene<'_>) -> Outcome {
    promote_and_execute(scene)?;
    scene.edit("tidegate.toml", "\"1.4.0\"", "\"1.4.1\"")?;
    scene.run("eva", &["verify", "mainnet"], 0)?;
    Ok(())
}
