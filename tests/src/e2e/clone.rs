//! A second clone, made from nothing but what git carries, with an endpoint of its own.

use std::path::PathBuf;

use libtest_mimic::Failed;
use tidegate_testkit::{Person, Reply, ScriptedNode};

use crate::support::{Case, Forge, Outcome, Scene, Status, cases, files, json_text};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            a_fresh_clone_shows_the_same_status_and_makes_the_same_proposal,
            what_a_commit_deletes_is_missed_alike_in_every_clone;
        Signed: a_proposal_of_another_commit_says_which, an_owner_signs_and_operations_execute_in_clones_of_their_own;
    }
}

fn a_fresh_clone_shows_the_same_status_and_makes_the_same_proposal(scene: &Scene<'_>) -> Outcome {
    let testnet = ScriptedNode::start(Some(scene.world.testnet.url()), |_, _| Reply::Forward)?;
    let mainnet = ScriptedNode::start(Some(scene.world.mainnet.url()), |_, _| Reply::Forward)?;
    let clone = clone(scene, "elsewhere/clone")?;
    // Somebody who has never used Tidegate: no keys, no pins.
    let newcomer = scene
        .person("newcomer")
        .at(&clone)
        .with_variable("TESTNET_RPC", &testnet.url())
        .with_variable("MAINNET_RPC", &mainnet.url());
    let ours = scene.status()?;
    let theirs = Status::of(&newcomer.run(&["status", "--json"])?.expect_code(0)?)?;
    assert_eq!(theirs.shared(), ours.shared());
    assert_ne!(theirs, ours, "`local` names another store");
    assert!(testnet.calls("eth_getLogs") > 0, "it asked its own endpoint");
    newcomer.run(&["status", "--check"])?.expect_code(0)?;

    let theirs = newcomer.run(&["promote", "--json"])?.expect_code(0)?;
    let ours = scene.run("eva", &["promote", "--json"], 0)?;
    assert_eq!(json_text(&theirs, "proposal")?, json_text(&ours, "proposal")?);
    let file = json_text(&ours, "file")?;
    assert_eq!(std::fs::read_to_string(clone.join(&file))?, scene.read(&file)?);
    Ok(())
}

/// A stop, an attestation and the record, each deleted by a commit: whoever saw them and whoever
/// clones today judge alike.
fn what_a_commit_deletes_is_missed_alike_in_every_clone(scene: &Scene<'_>) -> Outcome {
    files::git(scene.project(), &["init", "--quiet"])?;
    let no_go = ["record", "no-go", "--reason", "a doubt", "--as", "treasury"];
    scene.approve("kim", &no_go)?.expect_code(0)?;
    let commit = |what: &str| {
        files::git(scene.project(), &["add", "--all", "--", "deployments", "tidegate.toml"])?;
        files::git(scene.project(), &["commit", "--quiet", "--message", what])
    };
    commit("all of it")?;
    scene.status()?.expect("go", "FAIL", &["no-go"])?;

    let attestation = Forge(scene).file_of("bo")?;
    let (record, _) = scene.record()?;
    let statements = scene.project().join("deployments/statements");
    for (name, verdict) in [("no-go", "FAIL"), ("attestation", "FAIL"), ("record", "UNKNOWN")] {
        match name {
            "attestation" => std::fs::remove_file(&attestation)?,
            "record" => std::fs::remove_file(&record)?,
            _ => {
                for entry in std::fs::read_dir(&statements)? {
                    let path = entry?.path();
                    if std::fs::read_to_string(&path)?.contains("a doubt") {
                        std::fs::remove_file(path)?;
                    }
                }
            }
        }
        commit(name)?;
        let ours = scene.status()?;
        let newcomer = scene.person(name).at(&clone(scene, &format!("clones/{name}"))?);
        let theirs = Status::of(&newcomer.run(&["status", "--json"])?)?;
        assert_eq!(theirs.shared(), ours.shared(), "{name}");
        let gate = if name == "record" { "soak" } else { "go" };
        assert_eq!(theirs.verdict(gate), verdict, "{name}: {theirs:?}");
        assert_eq!(theirs.verdict("audits"), "PASS", "{name}: it is not taken back by that");
    }
    Ok(())
}

/// The release by its name, and the commit whose sources give it.
fn a_proposal_of_another_commit_says_which(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let sign = |says: &[&str]| {
        let refused = scene.person("o3").run(&scene.signing(&proposal))?;
        let words = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = says.iter().all(|part| words.contains(part));
        assert!(said && refused.code != 0, "{says:?}: {refused:?}");
        Ok::<_, Failed>(())
    };
    let kept = scene.read("tidegate.toml")?;
    let next = kept.replace("1.4.0", "1.5.0").replace("[\"cap\", \"$vault_cap\"],", "");
    scene.write("tidegate.toml", &next)?;
    let which =
        ["the proposal promotes vault-1.4.0 (release ", "the working tree builds vault-1.5.0"];
    sign(&[&which[..], &["no commit up to this one has it, so pull"]].concat())?;

    scene.write("tidegate.toml", &kept)?;
    let git = |args: &[&str]| files::git(scene.project(), args);
    git(&["init", "--quiet"])?;
    let commit = |what: &str| {
        git(&["add", "--all", "--", "deployments", "tidegate.toml"])?;
        git(&["commit", "--quiet", "--message", what])
    };
    commit("vault 1.4.0")?;
    let head = std::fs::read_dir(scene.project().join(".git/refs/heads"))?.next();
    let head = head.ok_or("no branch")??.path();
    let first = std::fs::read_to_string(head)?;
    scene.write("tidegate.toml", &next)?;
    commit("vault 1.5.0")?;
    let way = format!("`git checkout {}` is the first commit that has this proposal", &first[..12]);
    sign(&[&which[..], &[way.as_str()]].concat())
}

fn an_owner_signs_and_operations_execute_in_clones_of_their_own(scene: &Scene<'_>) -> Outcome {
    let (proposal, signatures) = scene.promotion()?;
    for signature in signatures {
        std::fs::remove_file(
            scene.project().join("deployments/mainnet/proposals").join(signature),
        )?;
    }
    let mut folder = clone(scene, "clones/o3")?;
    for (owner, next) in [("o3", "clones/o1"), ("o1", "clones/ops")] {
        let owner = scene.person(owner).at(&folder);
        owner.run(&scene.signing(&proposal))?.expect_code(0)?;
        folder = clone_of(scene, &owner, next)?;
    }
    let ops = scene.person("ops").at(&folder);
    ops.approve(&["proposal", "execute", &proposal])?.expect_code(0)?;
    scene.world.settle()?;
    // The folder that everything began in has not seen any of it, and needs no more than the chain:
    // it says which files are to come, and can make them without a key.
    let status = scene.status()?;
    assert_eq!(status.0["promoted"]["readBack"]["verdict"], "UNKNOWN", "{status:?}");
    scene.run("eva", &["proposal", "execute", &proposal], 0)?;
    let status = scene.status()?;
    assert_eq!(status.0["promoted"]["readBack"]["verdict"], "PASS", "{status:?}");
    for file in ["addresses.json", "abi/vault.json"] {
        let file = format!("deployments/mainnet/{file}");
        assert_eq!(scene.read(&file)?, std::fs::read_to_string(folder.join(&file))?);
    }
    Ok(())
}

/// What git carries of the scene's project, in another folder.
fn clone(scene: &Scene<'_>, to: &str) -> Result<PathBuf, Failed> {
    let target = scene.folder().join(to);
    files::copy_clone(scene.project(), &target)?;
    Ok(target)
}

fn clone_of(scene: &Scene<'_>, from: &Person, to: &str) -> Result<PathBuf, Failed> {
    let target = scene.folder().join(to);
    files::copy_clone(from.project(), &target)?;
    Ok(target)
}
