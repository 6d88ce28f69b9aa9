//! All gates of a release with 10,000 statements and observations, after load.
//!
//! `cargo xtask bench gates` runs it and prints a line `name value unit`.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256};
use tidegate_gates::controls::exemplar;
use tidegate_gates::{Facts, Observed, PolicyRules, RevocationFact, Window, evaluate, overall};
use tidegate_model::{ScopeRoot, StatementDigest, Verdict};

/// How many of each kind; together 10,000.
const ATTESTATIONS: usize = 2_000;
const REVOCATIONS: usize = 2_000;
const DECISIONS: usize = 2_000;
const CONTRACTS: usize = 1_000;
const SLOTS: usize = 1_500;
const PARAMETERS: usize = 750;
const WINDOWS: usize = 750;

const RUNS: usize = 21;

fn main() -> std::io::Result<()> {
    let rules = PolicyRules::default();
    let facts = facts(&rules).map_err(std::io::Error::other)?;
    assert_eq!(overall(&evaluate(&rules, &facts)), Verdict::Pass, "the facts pass");
    let mut times: Vec<Duration> = (0..RUNS).map(|_| once(&rules, &facts)).collect();
    times.sort_unstable();
    let middle = times[RUNS / 2].as_secs_f64() * 1e3;
    writeln!(std::io::stdout(), "gates_10k_facts_ms {middle:.2} ms")
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
fn once(rules: &PolicyRules, facts: &Facts) -> Duration {
    let started = Instant::now();
    black_box(evaluate(black_box(rules), black_box(facts)));
    started.elapsed()
}

/// The facts of a release that passes, among those of many others.
fn facts(rules: &PolicyRules) -> Observed<Facts> {
    let mut facts = exemplar(rules);
    let audits = read(&mut facts.audits)?;
    let auditors: Vec<Address> =
        audits.attestations.iter().map(|fact| fact.attestation.auditor).collect();
    let auditor = |n: usize| auditors[n % auditors.len()];
    // Attestations of this scope, each of which is looked up among the revocations of others.
    let own = audits.attestations.clone();
    for n in own.len()..ATTESTATIONS {
        let mut fact = own[n % own.len()].clone();
        fact.digest = StatementDigest(word(n));
        if n % 4 == 0 {
            fact.attestation.scope_root = ScopeRoot(word(n));
        }
        audits.attestations.push(fact);
    }
    audits.revocations = (0..REVOCATIONS)
        .map(|n| RevocationFact {
            attestation: StatementDigest(word(ATTESTATIONS + n)),
            by: auditor(n),
            at: 0,
            found: "by file".to_owned(),
            confirmed: Ok(()),
        })
        .collect();
    let separation = read(&mut facts.separation)?;
    separation.decisions = (0..DECISIONS)
        .map(|n| (format!("request {n}"), address(2 * n), address(2 * n + 1)))
        .collect();
    let code = read(&mut facts.code)?;
    code.contracts = vec![code.contracts[0].clone(); CONTRACTS];
    code.slots = vec![code.slots[0].clone(); SLOTS];
    let parameters = read(&mut facts.parameters)?;
    parameters.rows = vec![parameters.rows[0].clone(); PARAMETERS];
    let soak = read(&mut facts.soak)?;
    soak.windows = vec![Window { blocks: 7_200, elapsed_secs: 86_400 }; WINDOWS];
    Ok(facts)
}

fn read<T>(fact: &mut Observed<T>) -> Observed<&mut T> {
    fact.as_mut().map_err(|missing| missing.clone())
}

fn word(n: usize) -> B256 {
    B256::from(U256::from(n))
}

fn address(n: usize) -> Address {
    Address::from_word(word(n))
}
