//! Talking something past the gates: calling a bug none, taking a stop for gone, or saying so much
//! that what counts is not read.

use libtest_mimic::Failed;
use tidegate_model::StatementDigest;
use tidegate_model::statement::{Body, NEVER, Resolution, Triage};

use crate::support::{Case, Forge, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_critical_bug_that_one_person_calls_none,
            cheat_a_duplicate_of_what_stops_nothing,
            cheat_a_go_by_who_called_a_bug_none;
        Guarded: cheat_a_bug_called_none_by_two_keys_of_one_person;
    }
}

/// The digest of what somebody has just recorded with a key of theirs.
fn record(scene: &Scene<'_>, (who, key): (&str, &str), args: &[&str]) -> Result<String, Failed> {
    let args = [&["record"], args, &["--as", key, "--json"]].concat();
    json_text(&scene.done(who, &args)?, "digest")
}

fn bug(scene: &Scene<'_>, title: &str, severity: &str) -> Result<String, Failed> {
    record(scene, ("ada", "ada"), &["bug", title, "--severity", severity])
}

/// Somebody calls a bug `invalid`, or whatever is asked.
fn triage(scene: &Scene<'_>, by: (&str, &str), bug: &str, what: &[&str]) -> Outcome {
    let args = [&["triage", bug, "--reason", "as designed", "--resolution"], what].concat();
    record(scene, by, &args).map(|_| ())
}

const KIM: (&str, &str) = ("kim", "treasury");
const BO: (&str, &str) = ("bo", "bo");
const OPS: (&str, &str) = ("ops", "relayer");
const STUCK: [&str; 1] = ["funds are stuck"];

fn cheat_a_critical_bug_that_one_person_calls_none(scene: &Scene<'_>) -> Outcome {
    for severity in ["critical", "high"] {
        let bug = bug(scene, "funds are stuck", severity)?;
        triage(scene, BO, &bug, &["invalid"])?;
        scene.status()?.expect("bugs", "FAIL", &STUCK)?;
        // Nobody else's word is a second one: not one who would live with it.
        if severity == "high" {
            triage(scene, KIM, &bug, &["accepted"])?;
            scene.status()?.expect("bugs", "FAIL", &STUCK)?;
        }
        record(scene, KIM, &["go"])?;
        scene.world.settle()?;
        assert_ne!(scene.person("eva").run(&["promote"])?.code, 0, "promoted");
        triage(scene, KIM, &bug, &["invalid"])?;
        scene.status()?.expect("bugs", "PASS", &[])?;
    }
    // What is blocking by its flag alone stops as much.
    let low = ["bug", "funds are stuck", "--severity", "low", "--blocking"];
    let low = record(scene, ("ada", "ada"), &low)?;
    triage(scene, BO, &low, &["invalid"])?;
    scene.status()?.expect("bugs", "FAIL", &STUCK)
}

/// Of a bug that nothing waits for, of itself, in a circle.
fn cheat_a_duplicate_of_what_stops_nothing(scene: &Scene<'_>) -> Outcome {
    let grave = bug(scene, "funds are stuck", "critical")?;
    let low = bug(scene, "a typo", "low")?;
    let other = bug(scene, "funds are stuck too", "critical")?;
    for of in [&low, &grave] {
        let args = ["record", "triage", &grave, "--reason", "same", "--resolution", "duplicate"];
        let args = [&args[..], &["--of", of, "--as", "bo"]].concat();
        let ran = scene.approve("bo", &args)?.expect_code(1)?;
        assert!(said(&ran).contains("no duplicate"), "{ran:?}");
    }
    // Whoever signs with tools of their own gets no further.
    let (grave_digest, low_digest): (StatementDigest, StatementDigest) =
        (StatementDigest(grave.parse()?), StatementDigest(low.parse()?));
    let now = scene.world.mainnet.finalized()?.timestamp;
    for who in ["bo", "treasury"] {
        let body = Body::Triage(Triage {
            bug: grave_digest,
            resolution: Resolution::Duplicate,
            of: Some(low_digest),
            reason: "same".to_owned(),
        });
        Forge(scene).say(who, body, [now, NEVER])?;
    }
    scene.status()?.expect("bugs", "FAIL", &["funds are stuck"])?;
    scene.world.settle()?;
    for (bug, of) in [(&grave, &other), (&other, &grave)] {
        for by in [BO, KIM] {
            triage(scene, by, bug, &["duplicate", "--of", of])?;
        }
        scene.status()?.expect("bugs", "FAIL", &["funds are stuck too"])?;
    }
    let both = scene.status()?.why("bugs").matches("is open: funds are stuck").count();
    assert_eq!(both, 2, "each is a duplicate of the other");
    Ok(())
}

/// One calls away what stops the release, and lets it go.
fn cheat_a_go_by_who_called_a_bug_none(scene: &Scene<'_>) -> Outcome {
    let bug = bug(scene, "funds are stuck", "critical")?;
    for by in [BO, KIM] {
        triage(scene, by, &bug, &["invalid"])?;
    }
    scene.status()?.expect("bugs", "PASS", &[])?;
    for by in [BO, KIM] {
        record(scene, by, &["go"])?;
        let why = format!("{} called bug", by.0);
        scene.status()?.expect("go", "UNKNOWN", &["0 of 1 people", &why, "somebody else says go"])?;
    }
    assert_ne!(scene.person("eva").run(&["promote"])?.code, 0, "promoted");
    record(scene, OPS, &["go"])?;
    scene.status()?.expect_others_pass(&[])
}

/// Two keys of one person are one; the finder's second key is the finder.
fn cheat_a_bug_called_none_by_two_keys_of_one_person(scene: &Scene<'_>) -> Outcome {
    let two = ("kim", "kim2");
    let bug = bug(scene, "funds are stuck", "critical")?;
    for by in [KIM, two] {
        triage(scene, by, &bug, &["invalid"])?;
        scene.status()?.expect("bugs", "FAIL", &STUCK)?;
    }
    triage(scene, BO, &bug, &["invalid"])?;
    scene.status()?.expect("bugs", "PASS", &[])?;
    let found = ["bug", "funds are lost", "--severity", "critical"];
    let found = record(scene, KIM, &found)?;
    let own = ["record", "triage", &found, "--resolution", "invalid", "--reason", "none"];
    let own = scene.approve("kim", &[&own[..], &["--as", "kim2"]].concat())?.expect_code(1)?;
    assert!(said(&own).contains("resolved by somebody else"), "{own:?}");
    let now = scene.world.mainnet.finalized()?.timestamp;
    let (bug, resolution) = (StatementDigest(found.parse()?), Resolution::Invalid);
    let none = Triage { bug, resolution, of: None, reason: "none".to_owned() };
    for who in ["kim2", "bo"] {
        Forge(scene).say(who, Body::Triage(none.clone()), [now, NEVER])?;
    }
    scene.status()?.expect("bugs", "FAIL", &["funds are lost"])
}
