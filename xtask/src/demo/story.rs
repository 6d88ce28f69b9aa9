//! The story: two weeks of work in a minute.

use serde_json::Value;
use tidegate_testkit::{Activity, DAY_SECS, GENESIS_TIMESTAMP, HOUR_SECS, Project, Ran, World};

use super::people::People;
use super::shell::{approve, heading, quiet, run, tell};
use crate::error::{XtaskError, XtaskResult};

const EXIT_OK: i32 = 0;
const EXIT_UNKNOWN: i32 = 30;
/// Days over which the testers spread what they do.
const TEST_DAYS: u64 = 6;

/// What the story leaves for its last table.
#[derive(Debug)]
pub(super) struct End {
    /// The release's human name.
    pub(super) release: String,
    /// Its root.
    pub(super) release_root: String,
    /// The record of the testnet deployment.
    pub(super) record: Value,
    /// The Safe transaction's hash.
    pub(super) safe_tx: String,
    /// The transaction that executed it.
    pub(super) execution: String,
    /// The document of the last `status`.
    pub(super) status: Value,
}

/// Plays all of it; ends where a command does not do what it should.
pub(super) fn play(world: &World, project: &Project, people: &People) -> XtaskResult<End> {
    let record = until_go(world, project, people)?;
    heading("The same day: promotion");
    let end = promote(world, people, record)?;
    heading("What is left of the test funds goes back");
    settle_funds(world, people)?;
    Ok(end)
}

/// Plays until every gate passes, and returns the record of the testnet deployment.
pub(super) fn until_go(world: &World, project: &Project, people: &People) -> XtaskResult<Value> {
    heading("Tuesday 2026-01-06: what is agreed");
    adopt_policy(world, people)?;
    heading("The same day: build, test funds, deployment");
    let record = deploy(world, project, people)?;
    heading("The first week: testers use it, and the first firm audits it");
    soak(world, &record, people)?;
    heading("Day 13: too early");
    at(world, 13, 10)?;
    let early = run(&people.eva, &["promote"], EXIT_UNKNOWN)?;
    only_open(&early, &[("WAITING", "soak"), ("UNKNOWN", "audits"), ("UNKNOWN", "go")])?;
    heading("Day 14, Tuesday 2026-01-20: two weeks, but one audit");
    at(world, 14, 10)?;
    let unaudited = run(&people.eva, &["promote"], EXIT_UNKNOWN)?;
    only_open(&unaudited, &[("UNKNOWN", "audits"), ("UNKNOWN", "go")])?;
    attest(people, 1)?;
    tell("Kim, who did not deploy it, has seen every statement there is and says go.");
    approve(&people.kim, &["record", "go", "--as", "treasury"], EXIT_OK)?;
    Ok(record)
}

fn adopt_policy(world: &World, people: &People) -> XtaskResult {
    run(&people.eva, &["doctor"], EXIT_OK)?;
    approve(&people.ops, &["deploy", "--helper"], EXIT_OK)?;
    world.settle()?;
    tell("The Safe itself adopts the policy, so that nobody else can change it.");
    let adopt = run(&people.eva, &["policy", "adopt"], EXIT_OK)?;
    sign_and_execute(world, people, &row(&adopt, "proposal")?)?;
    Ok(())
}

/// Two owners check and sign; operations pays for the execution.
fn sign_and_execute(world: &World, people: &People, proposal: &str) -> XtaskResult<Ran> {
    for owner in &people.owners[..2] {
        approve(owner, &["proposal", "sign", proposal, "--as", "owner"], EXIT_OK)?;
    }
    let executed = approve(&people.ops, &["proposal", "execute", proposal], EXIT_OK)?;
    world.settle()?;
    Ok(executed)
}

/// Returns the deployment's record, which now lies in git.
fn deploy(world: &World, project: &Project, people: &People) -> XtaskResult<Value> {
    run(&people.eva, &["build"], EXIT_OK)?;
    tell("The deployer has no test ether yet; the treasury lends it.");
    let reason = "deploy and rehearse vault 1.4.0";
    approve(&people.eva, &["fund", "request", "2 ether", "--reason", reason], EXIT_OK)?;
    approve(
        &people.kim,
        &["fund", "approve", "--as", "treasury", "--reason", "as planned"],
        EXIT_OK,
    )?;
    approve(&people.kim, &["fund", "draw"], EXIT_OK)?;
    world.settle()?;
    run(&people.eva, &["plan"], EXIT_OK)?;
    let deployed = approve(&people.eva, &["deploy"], EXIT_OK)?;
    world.settle()?;
    run(&people.eva, &["verify"], EXIT_OK)?;
    let path = project.root().join(row(&deployed, "record")?);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| XtaskError::File { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|_| XtaskError::Missing("JSON in the record".to_owned()))
}

fn soak(world: &World, record: &Value, people: &People) -> XtaskResult {
    let place = |path: &str| {
        let address = record.pointer(path).and_then(|text| text.as_str()?.parse().ok());
        address.ok_or_else(|| XtaskError::Missing(format!("{path} of the record")))
    };
    let registry = place("/deployment/steps/registry/address")?;
    let vault = place("/deployment/steps/vault/address")?;
    let token = place("/mocks/usdc")?;
    let activity = Activity::new(&world.testnet, registry, vault, token);
    tell("Three testers deposit, transfer, withdraw and take notes: 25 transactions.");
    activity.prepare()?;
    let a_day = Activity::ACTS.len().div_ceil(usize::try_from(TEST_DAYS).unwrap_or(1));
    for (day, acts) in (1..).zip(Activity::ACTS.chunks(a_day)) {
        at(world, day, 15)?;
        for (tester, act) in acts {
            activity.act(*tester, *act)?;
        }
    }
    world.settle()?;
    run(&people.eva, &["status"], EXIT_OK)?;
    attest(people, 0)
}

/// The first or the second firm attests.
fn attest(people: &People, firm: usize) -> XtaskResult {
    let (auditor, report, uri) = match firm {
        0 => (&people.ada, "reports/acme.md", "https://acme.example/vault-1.4.0.md"),
        _ => (&people.bo, "reports/bolt.md", "https://bolt.example/vault-1.4.0.md"),
    };
    let name = auditor.name();
    approve(auditor, &["attest", report, "--uri", uri, "--as", name], EXIT_OK)?;
    Ok(())
}

fn promote(world: &World, people: &People, record: Value) -> XtaskResult<End> {
    let status = quiet(&people.eva, &["status", "--json"])?.json()?;
    let promoted = run(&people.eva, &["promote"], EXIT_OK)?;
    let safe_tx = row(&promoted, "proposal")?;
    let executed = sign_and_execute(world, people, &safe_tx)?;
    run(&people.eva, &["status"], EXIT_OK)?;
    let text = |value: &Value, what: &str| {
        value.as_str().map(str::to_owned).ok_or_else(|| XtaskError::Missing(what.to_owned()))
    };
    Ok(End {
        release: text(&status["release"], "the release")?,
        release_root: text(&status["roots"]["releaseRoot"], "the releaseRoot")?,
        record,
        safe_tx,
        execution: row(&executed, "transaction")?,
        status,
    })
}

fn settle_funds(world: &World, people: &People) -> XtaskResult {
    approve(&people.eva, &["fund", "return"], EXIT_OK)?;
    world.settle()?;
    run(&people.kim, &["ledger", "reconcile", "--check"], EXIT_OK)?;
    run(&people.kim, &["ledger", "export", "--out", "vault.journal"], EXIT_OK)?;
    Ok(())
}

/// Every gate passes but these, which say this.
fn only_open(ran: &Ran, expected: &[(&str, &str)]) -> XtaskResult {
    const GATES: [&str; 12] = [
        "code",
        "layout",
        "parameters",
        "soak",
        "audits",
        "bugs",
        "policy",
        "safe",
        "funds",
        "separation",
        "go",
        "obligations",
    ];
    for gate in GATES {
        let word = expected.iter().find(|(_, open)| *open == gate).map_or("PASS", |(word, _)| word);
        let says = |line: &str| line.split_whitespace().take(2).eq([word, gate]);
        if !ran.stdout.lines().any(says) {
            return Err(XtaskError::Missing(format!("`{word} {gate}`")));
        }
    }
    Ok(())
}

/// Lets time pass until the finalized header of both chains stands at this hour of a day.
fn at(world: &World, day: u64, hour: u64) -> XtaskResult {
    Ok(world.advance_to(GENESIS_TIMESTAMP + day * DAY_SECS + hour * HOUR_SECS)?)
}

/// What a labelled row of a command's output says.
pub(super) fn row(ran: &Ran, label: &str) -> XtaskResult<String> {
    let found = ran.stdout.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(label)).then(|| words.next().unwrap_or_default().to_owned())
    });
    found.ok_or_else(|| XtaskError::Missing(format!("the row `{label}`")))
}
