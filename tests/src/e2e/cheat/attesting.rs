//! Attesting more than was read: files of no commit, a part, a day of one's own.

use libtest_mimic::Failed;
use serde_json::json;
use tidegate_model::statement::{AuditAttestation, Statement};
use tidegate_model::units::format_date;
use tidegate_testkit::DAY_SECS;

use super::trust::git;
use crate::support::{Case, Forge, Outcome, Scene, cases, messages, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Due:
            cheat_an_attestation_of_files_that_are_in_no_commit,
            cheat_a_part_that_is_taken_for_the_whole,
            cheat_a_day_that_no_block_shows;
    }
}

fn attested(scene: &Scene<'_>) -> Result<AuditAttestation, Failed> {
    match Forge(scene).signed("bo")?.statement {
        Statement::AuditAttestation(attestation) => Ok(attestation),
        _ => Err("no attestation".into()),
    }
}

/// What is attested beside a commit is said, and marked in what is signed, whatever `--source` is.
fn cheat_an_attestation_of_files_that_are_in_no_commit(scene: &Scene<'_>) -> Outcome {
    scene.write("notes.txt", "as committed\n")?;
    git(scene, &["init", "--quiet"])?;
    git(scene, &["add", "--all"])?;
    git(scene, &["commit", "--quiet", "--message", "vault 1.4.0"])?;
    scene.write("notes.txt", "as read\n")?;
    let attest = ["attest", "reports/bolt.md", "--as", "bo"];
    let source = "https://example.org/vault@1234";
    for given in [&[][..], &["--source", source]] {
        let refused = scene.approve("bo", &[&attest[..], given].concat())?.expect_code(1)?;
        let says = said(&refused);
        assert!(says.contains("1 file here differ") && says.contains("notes.txt"), "{says}");
        assert!(says.contains("--dirty"), "{says}");
        let dirty = [&attest[..], given, &["--dirty", "--dry-run"]].concat();
        let shown = scene.run("bo", &dirty, 0)?;
        let warned = messages(&shown, "warning");
        let names = |text: &String| text.contains("notes.txt") && text.contains("`+changes`");
        assert!(warned.iter().any(names), "{shown:?}");
        assert!(said(&shown).contains("+changes"), "{shown:?}");
        assert!(given.is_empty() || said(&shown).contains(&format!("{source}+changes")));
    }
    std::fs::remove_file(scene.project().join("notes.txt"))?;
    scene.approve("bo", &attest)?.expect_code(1)?;
    scene.done("bo", &[&attest[..], &["--dirty", "--source", source]].concat())?;
    let signed = attested(scene)?.source;
    assert!(signed.starts_with(&format!("{source}+changes; by 0.8.")), "{signed}");
    // The scope is what counts, and that is recomputed: it is that of the release.
    scene.status()?.expect("audits", "PASS", &[])?;
    // As committed, nothing is marked.
    scene.write("notes.txt", "as committed\n")?;
    let shown = scene.run("bo", &[&attest[..], &["--dry-run"]].concat(), 0)?;
    assert!(!said(&shown).contains("+changes"), "{shown:?}");
    Ok(())
}

/// One contract of a release covers that one.
fn cheat_a_part_that_is_taken_for_the_whole(scene: &Scene<'_>) -> Outcome {
    let names: Vec<_> = Forge(scene).scope()?.into_iter().map(|scope| scope.fqn.0).collect();
    let (first, rest) = names.split_first().ok_or("contracts")?;
    let attest = ["attest", "reports/bolt.md", "--as", "bo"];
    for wrong in [&["--only", "Nobody"][..], &["--only", first, "--delta", "0123456789abcdef"]] {
        scene.run("bo", &[&attest[..], wrong].concat(), 2)?;
    }
    // Named twice, it is one.
    scene.done("bo", &[&attest[..], &["--only", first, "--only", first]].concat())?;
    assert_eq!(attested(scene)?.scope_count, 1);
    let status = scene.status()?;
    status.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    let coverage = status.0["coverage"].as_object().ok_or("no coverage")?;
    let by_both = coverage.values().filter(|firms| **firms == json!(["Acme", "Bolt"])).count();
    assert!((1..coverage.len()).contains(&by_both), "{coverage:?}");
    // The rest of it, but one, and then that one.
    let (last, most) = rest.split_last().ok_or("two contracts")?;
    let only = |names: &[String]| -> Vec<String> {
        names.iter().flat_map(|name| ["--only".to_owned(), name.clone()]).collect()
    };
    for (part, verdict) in [(most.to_vec(), "UNKNOWN"), (vec![last.clone()], "PASS")] {
        let part = only(&part);
        let part: Vec<_> = attest.into_iter().chain(part.iter().map(String::as_str)).collect();
        scene.done("bo", &part)?;
        scene.status()?.expect("audits", verdict, &[])?;
    }
    Ok(())
}

/// An attestation that names no block is dated by its author's word: neither ahead nor for good.
fn cheat_a_day_that_no_block_shows(scene: &Scene<'_>) -> Outcome {
    let now = scene.world.mainnet.finalized()?.timestamp;
    let day = |time: u64| format_date(time);
    let attest = ["attest", "reports/bolt.md", "--as", "bo", "--no-block"];
    scene.run("bo", &[&attest[..], &["2026-02-30"]].concat(), 2)?;
    let (past, ahead) = (day(now - 40 * DAY_SECS), day(now + 10 * DAY_SECS));
    scene.done("bo", &[&attest[..], &[ahead.as_str()]].concat())?;
    scene.status()?.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    std::fs::remove_file(Forge(scene).file_of("bo")?)?;
    scene.forget("eva")?;
    scene.done("bo", &[&attest[..], &[past.as_str(), "--valid-for", "30d"]].concat())?;
    scene.status()?.expect("audits", "UNKNOWN", (&["too-few-firms"], &["1 of 2"]))?;
    // Nor does it ask a chain.
    let today = day(now);
    let bo = scene.person("bo").with_variable("MAINNET_RPC", "");
    let bo = bo.with_variable("TESTNET_RPC", "");
    bo.approve(&[&attest[..], &[today.as_str()]].concat())?.expect_code(0)?;
    scene.status()?.expect("audits", "PASS", &[])
}
