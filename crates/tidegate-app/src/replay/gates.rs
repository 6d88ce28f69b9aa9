//! Facts of gates as chains and files give them, with one thing wrong at a time.

use serde_json::json;

use super::*;
use crate::promote::{assess_ready, evaluate};

/// What the gates come to: of each that does not pass its name, its verdict and its first code.
fn judged(edit: impl FnOnce(&Path, &mut Tapes) + Send + 'static) -> Vec<(&'static str, String)> {
    play(async || {
        let replay = Replay::signed(edit);
        let judged = assess_ready(&replay.project, &replay.built, "mainnet").await;
        let (assessment, _) = judged.unwrap();
        let stopping = assessment.reports.iter().filter(|report| !report.verdict.allows());
        let said = stopping.map(|report| {
            let first = report.verdict.reasons().first().map_or("", |reason| reason.code.name());
            (report.gate.name(), format!("{} {first}", report.verdict.word()))
        });
        said.collect()
    })
}

fn said(gates: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    gates.iter().map(|(gate, says)| (*gate, (*says).to_owned())).collect()
}

/// The address of a step on the testnet, as the address book has it.
fn place(root: &Path, step: &str) -> String {
    let text = std::fs::read(root.join("deployments/testnet/addresses.json")).unwrap();
    let book: Value = serde_json::from_slice(&text).unwrap();
    book["addresses"][step]["address"].as_str().unwrap().to_owned()
}

/// Removes the statements of a kind. Answers how many there were.
fn remove(root: &Path, kind: &str) -> usize {
    let folder = std::fs::read_dir(root.join("deployments/statements")).unwrap();
    let mut removed = 0;
    for file in folder.map(|file| file.unwrap().path()) {
        let said: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let said = &said["statement"];
        if said["type"] == kind || said["message"]["body"]["kind"] == kind {
            std::fs::remove_file(file).unwrap();
            removed += 1;
        }
    }
    removed
}

#[test]
fn every_gate_passes_on_what_was_seen() {
    play(async || {
        let replay = Replay::signed(|_, _| {});
        let built = &replay.built;
        let (assessment, standing) = assess_ready(&replay.project, built, "mainnet").await.unwrap();
        assert_eq!(assessment.overall.word(), "PASS", "{:?}", assessment.overall.sentences());
        assert!(standing.promoted.is_none());
        assert_eq!(replay.front.warnings.lock().unwrap()[..], [] as [String; 0]);
        assert!(evaluate(&replay.project, built, "mainnet", None).await.is_ok());
    });
}

#[test]
fn other_code_on_the_testnet() {
    let found = judged(|root, tapes| {
        let vault = place(root, "vault");
        assert!(tapes.testnet_rpc.edit("eth_getCode", &vault, other_code) > 0);
    });
    assert_eq!(found, said(&[("code", "FAIL code-differs")]));
}

#[test]
fn a_recorded_transaction_that_is_gone() {
    let found = judged(|_, tapes| {
        assert!(tapes.testnet_rpc.edit("eth_getTransactionReceipt", "", |r| *r = Value::Null) > 0);
    });
    let expected = [
        ("code", "FAIL transaction-gone"),
        ("soak", "UNKNOWN anchor-gone"),
        ("funds", "UNKNOWN history-unread"),
    ];
    assert_eq!(found, said(&expected));
}

/// What is missing is missed by those who said go after it.
#[test]
fn statements_that_are_missing() {
    let without = |kind: &'static str| judged(move |root, _| assert!(remove(root, kind) > 0));
    let audits = [("audits", "UNKNOWN too-few-firms"), ("go", "UNKNOWN seen-gone")];
    assert_eq!(without("AuditAttestation"), said(&audits));
    assert_eq!(without("go"), said(&[("go", "UNKNOWN too-few-goes")]));
}

#[test]
fn a_safe_with_another_threshold() {
    let found = judged(|_, tapes| {
        let one = |result: &mut Value| *result = json!(format!("0x{:064x}", 1));
        assert!(tapes.mainnet_rpc.edit("eth_call", "0xe75235b8", one) > 0);
    });
    let expected = [("policy", "FAIL policy-differs"), ("safe", "FAIL threshold-too-low")];
    assert_eq!(found, said(&expected));
}

/// What rests on nothing that it says is not touched.
#[test]
fn a_testnet_that_says_nothing() {
    let found = judged(|_, tapes| tapes.testnet_rpc = Tape::default());
    let silent = ["code", "parameters", "soak", "bugs", "funds", "separation", "go"];
    assert_eq!(found, said(&silent.map(|gate| (gate, "UNKNOWN unreadable"))));
}
