//! The main job, from a deployed release to a promoted one, and what is left of it in the books.

use std::process::Command;

use libtest_mimic::{Completion, Failed};

use crate::support::{Case, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Day13:
            a_release_goes_from_a_testnet_to_mainnet,
            a_go_is_said_once_the_soak_is_over;
        Signed: a_proposal_needs_the_threshold_of_signatures_of_owners;
        Deployed:
            the_books_agree_with_the_chain_and_pass_hledger,
            the_books_pass_ledger,
            the_books_pass_beancount;
    }
}

fn a_release_goes_from_a_testnet_to_mainnet(scene: &Scene<'_>) -> Outcome {
    scene.run("eva", &["promote"], 30)?;
    scene.run("eva", &["status", "--check"], 30)?;
    let day13 = scene.status()?;
    day13.expect("soak", "WAITING", &[])?;
    day13.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    day13.expect("go", "UNKNOWN", (&["too-few-goes"], &["0 of 1"]))?;
    day13.expect_others_pass(&["soak", "audits", "go"])?;

    scene.advance_to_day(14)?;
    scene.run("eva", &["promote"], 30)?;
    let day14 = scene.status()?;
    day14.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    day14.expect_others_pass(&["audits", "go"])?;

    scene.attest("bo")?;
    scene.run("eva", &["status", "--check"], 30)?;
    scene.go()?;
    scene.run("eva", &["status", "--check"], 0)?;
    let proposal = json_text(&scene.run("eva", &["promote", "--json"], 0)?, "proposal")?;
    for owner in ["o1", "o2"] {
        scene.done(owner, &["proposal", "sign", &proposal, "--as", "owner"])?;
    }
    let executed = scene.done("ops", &["proposal", "execute", &proposal])?;
    assert!(said(&executed).contains("vault-1.4.0 is promoted to mainnet"), "{executed:?}");
    scene.world.settle()?;

    let shown = scene.run("eva", &["status", "--check"], 0)?;
    assert!(said(&shown).contains("PROMOTED"), "{shown:?}");
    let promoted = scene.status()?;
    assert_eq!(promoted.0["promoted"]["readBack"]["verdict"], "PASS", "{promoted:?}");
    assert_eq!(promoted.0["roots"], day13.0["roots"]);
    scene.run("eva", &["verify", "mainnet"], 0)?;
    let audits = ["export", "--format", "erc7512", "--out", "audits", "--json"];
    let files = scene.run("eva", &audits, 0)?.json()?["files"].clone();
    assert!(files.as_array().is_some_and(|files| !files.is_empty()), "{files}");
    let again = scene.run("eva", &["promote"], 6)?;
    assert!(said(&again).contains("promoted to mainnet already"), "{again:?}");

    scene.done("eva", &["fund", "return"])?;
    scene.world.settle()?;
    scene.run("kim", &["ledger", "reconcile", "--check"], 0)?;
    scene.run("eva", &["status", "--check"], 0)?;
    Ok(())
}

fn a_go_is_said_once_the_soak_is_over(scene: &Scene<'_>) -> Outcome {
    scene.attest("bo")?;
    scene.go()?;
    scene.run("eva", &["promote"], 30)?;
    let status = scene.status()?;
    status.expect("soak", "WAITING", &[])?;
    status.expect("go", "UNKNOWN", (&["go-too-early"], &["from 2026-01-"]))?;
    status.expect_others_pass(&["soak", "go"])?;
    scene.advance_to_day(14)?;
    scene.run("eva", &["status", "--check"], 30)?;
    scene.go()?;
    scene.run("eva", &["status", "--check"], 0)?;
    Ok(())
}

fn a_proposal_needs_the_threshold_of_signatures_of_owners(scene: &Scene<'_>) -> Outcome {
    let folder = scene.project().join("deployments/mainnet/proposals");
    let (proposal, signatures) = scene.promotion()?;
    let [first, second] = signatures.as_slice() else {
        return Err(format!("two signatures, not {signatures:?}").into());
    };
    scene.run("o3", &["proposal", "verify", &proposal, "--pin", &scene.safe()], 0)?;

    let away = scene.folder().join("away.json");
    std::fs::rename(folder.join(second), &away)?;
    let before = scene.world.mainnet.latest()?.block;
    let refused = scene.approve("ops", &["proposal", "execute", &proposal])?.expect_code(30)?;
    assert!(said(&refused).contains("1 of 2 signatures"), "{refused:?}");
    assert!(said(&refused).contains("hint: these owners can still sign"), "{refused:?}");
    assert_eq!(scene.world.mainnet.latest()?.block, before, "nothing was sent");

    // A signature that is there twice is one signature.
    std::fs::copy(folder.join(first), folder.join(second))?;
    scene.approve("ops", &["proposal", "execute", &proposal])?.expect_code(30)?;
    std::fs::rename(&away, folder.join(second))?;
    scene.done("ops", &["proposal", "execute", &proposal])?;
    Ok(())
}

fn the_books_agree_with_the_chain_and_pass_hledger(
    scene: &Scene<'_>,
) -> Result<Completion, Failed> {
    scene.done("eva", &["fund", "return"])?;
    scene.world.settle()?;
    let books = scene.run("kim", &["ledger", "reconcile", "--check", "--json"], 0)?.json()?;
    assert_eq!(books["agree"], true, "{books}");
    assert!(books["rows"].as_array().is_some_and(|rows| rows.len() >= 2), "{books}");
    read_by(scene, "hledger", "hledger", "journal", |file| {
        vec!["-f".to_owned(), file, "check".to_owned(), "--strict".to_owned()]
    })
}

fn the_books_pass_ledger(scene: &Scene<'_>) -> Result<Completion, Failed> {
    read_by(scene, "ledger", "hledger", "journal", |file| {
        vec!["-f".to_owned(), file, "--pedantic".to_owned(), "balance".to_owned()]
    })
}

fn the_books_pass_beancount(scene: &Scene<'_>) -> Result<Completion, Failed> {
    read_by(scene, "bean-check", "beancount", "beancount", |file| vec![file])
}

/// Exports the books and has a program read them that is not ours.
fn read_by(
    scene: &Scene<'_>,
    program: &str,
    format: &str,
    extension: &str,
    args: impl Fn(String) -> Vec<String>,
) -> Result<Completion, Failed> {
    let file = scene.folder().join(format!("books.{extension}")).to_string_lossy().into_owned();
    scene.run("kim", &["ledger", "export", "--format", format, "--out", &file], 0)?;
    let done = match Command::new(program).args(args(file.clone())).output() {
        Ok(done) => done,
        Err(_) => return Ok(Completion::ignored_with(format!("{program} is not installed"))),
    };
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&said));
    let books = std::fs::read_to_string(file)?;
    assert!(books.contains("ETH") || books.contains("TESTNET"), "{books}");
    Ok(Completion::Completed)
}
