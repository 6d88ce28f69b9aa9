//! Talking something past the gates: calling a bug none, or saying so much that what counts is not
//! read.

use alloy_primitives::{B256, Bytes, hex};
use libtest_mimic::Failed;
use tidegate_model::statement::{
    Body, ContractSigner, Freeze, General, NEVER, Resolution, SignedStatement, Statement, Triage,
};
use tidegate_model::{BlockRef, ChainId, StatementDigest};

use super::signatures::{ACCEPTS, DAO, dao, name_the_dao};
use crate::support::{Case, Forge, Outcome, Scene, cases, json_text, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            cheat_a_critical_bug_that_one_person_calls_none,
            cheat_a_duplicate_of_what_stops_nothing,
            cheat_a_go_by_who_called_a_bug_none;
        Guarded: cheat_a_bug_called_none_by_two_keys_of_one_person;
        Due: cheat_a_contract_s_word_among_many_that_pose_as_it;
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

/// Answers with what its first slot holds where the signature is 0x1234, else with zero.
const PICKY: [u8; 19] = hex!("60643560f01c611234145f54025f5260205ff3");
const KIM: (&str, &str) = ("kim", "treasury");
const BO: (&str, &str) = ("bo", "bo");
const OPS: (&str, &str) = ("ops", "relayer");
const STUCK: (&[&str; 1], &[&str; 1]) = (&["bug-open"], &["funds are stuck"]);

fn cheat_a_critical_bug_that_one_person_calls_none(scene: &Scene<'_>) -> Outcome {
    for severity in ["critical", "high"] {
        let bug = bug(scene, "funds are stuck", severity)?;
        triage(scene, BO, &bug, &["invalid"])?;
        scene.status()?.expect("bugs", "FAIL", STUCK)?;
        // Nobody else's word is a second one: not one who would live with it.
        if severity == "high" {
            triage(scene, KIM, &bug, &["accepted"])?;
            scene.status()?.expect("bugs", "FAIL", STUCK)?;
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
    scene.status()?.expect("bugs", "FAIL", STUCK)
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
        assert!(said(&ran).contains("not a duplicate"), "{ran:?}");
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
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck"]))?;
    scene.world.settle()?;
    for (bug, of) in [(&grave, &other), (&other, &grave)] {
        for by in [BO, KIM] {
            triage(scene, by, bug, &["duplicate", "--of", of])?;
        }
        scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are stuck too"]))?;
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
        let why = format!("{} dismissed bug", by.0);
        let codes = ["too-few-goes", "go-by-dismisser"];
        scene.status()?.expect("go", "UNKNOWN", (&codes, &["0 of 1", &why]))?;
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
        scene.status()?.expect("bugs", "FAIL", STUCK)?;
    }
    triage(scene, BO, &bug, &["invalid"])?;
    scene.status()?.expect("bugs", "PASS", &[])?;
    let found = ["bug", "funds are lost", "--severity", "critical"];
    let found = record(scene, KIM, &found)?;
    let own = ["record", "triage", &found, "--resolution", "invalid", "--reason", "none"];
    let own = scene.approve("kim", &[&own[..], &["--as", "kim2"]].concat())?.expect_code(1)?;
    assert!(said(&own).contains("cannot resolve it; somebody else must"), "{own:?}");
    let now = scene.world.mainnet.finalized()?.timestamp;
    let (bug, resolution) = (StatementDigest(found.parse()?), Resolution::Invalid);
    let none = Triage { bug, resolution, of: None, reason: "none".to_owned() };
    for who in ["kim2", "bo"] {
        Forge(scene).say(who, Body::Triage(none.clone()), [now, NEVER])?;
    }
    scene.status()?.expect("bugs", "FAIL", (&["bug-open"], &["funds are lost"]))
}

/// Whoever can write git leaves six hundred files that name the contract as their author.
fn cheat_a_contract_s_word_among_many_that_pose_as_it(scene: &Scene<'_>) -> Outcome {
    name_the_dao(scene)?;
    dao(scene, &PICKY, ACCEPTS)?;
    let file = scene.folder().join("dao.json").to_string_lossy().into_owned();
    let name = DAO.to_string();
    let attest = ["attest", "reports/bolt.md", "--as", &name, "--typed-data", &file];
    scene.run("bo", &attest, 0)?;
    let import = ["import", &file, "--signature", "0x1234", "--contract", "mainnet"];
    scene.run("bo", &import, 0)?;
    scene.go()?;
    scene.status()?.expect("audits", "PASS", &[])?;
    let forge = Forge(scene);
    let now = scene.world.mainnet.finalized()?.timestamp;
    let body = |until| Body::Freeze(Freeze { until, reason: "any".to_owned() });
    let like = General { signer: DAO, ..forge.general("mallory", body(now), now)? };
    let contract = ContractSigner {
        chain: ChainId(scene.world.mainnet.chain_id()),
        block: BlockRef { number: 1, hash: B256::ZERO },
    };
    for number in 0..600 {
        let (body, expires_at) = (body(now + number), now + number);
        let general = General { body, expires_at, ..like.clone() };
        let signed = SignedStatement {
            v: SignedStatement::VERSION,
            statement: Statement::Statement(general),
            signature: Bytes::from_static(&[1]),
            contract: Some(contract),
        };
        forge.write(&signed)?;
    }
    // Who said go has seen it, so it is asked first, also where nothing is remembered.
    scene.forget("eva")?;
    let status = scene.status()?;
    status.expect("audits", "PASS", &[])?;
    // What is not asked is named, and passes nothing.
    status.expect("go", "UNKNOWN", (&["contract-unasked"], &["256"]))
}
