//! Whatever a chain gives as code, and whatever a damaged file gives as artifact: the comparison
//! ends, is bounded, and calls nothing the same that is not.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use tidegate_gates::code_match::{CodeMatch, MISMATCHES_MAX, Transformations, match_code};
use tidegate_gates::proxy;
use tidegate_model::cbor::{read_region, region_length, trailing_region};
use tidegate_model::release::Artifact;
use tidegate_testkit::fuzz::{changed_bytes, changed_json, corpus, fuzz};

/// The artifacts of the corpus: the first is whole, the others broke something once.
fn artifacts() -> Vec<Value> {
    let files = corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/artifact"));
    files.iter().map(|(name, text)| serde_json::from_slice(text).expect(name)).collect()
}

fn check(artifact: &Artifact, expected: &[u8], found: &[u8]) {
    let outcome = match_code(artifact, expected, found);
    assert_eq!(outcome == CodeMatch::Same, expected == found);
    assert_eq!(outcome.findings().is_empty(), expected == found);
    let _ = (outcome.summary(), serde_json::to_string(&outcome).expect("strings are keys"));
    if let CodeMatch::Different(differences) = &outcome {
        assert!(differences.count > 0 && differences.mismatches.len() <= MISMATCHES_MAX);
    }
    let _ = Transformations::of(artifact, found, expected);
    let _ = (proxy::classify(found, &[]), proxy::slots_in(found));
}

fn whole() -> Artifact {
    let first = artifacts().into_iter().next().expect("the corpus is not empty");
    serde_json::from_value(first).expect("the first one is whole")
}

#[test]
fn changed_code_is_compared() {
    let artifact = whole();
    let expected = artifact.runtime.object.to_vec();
    let dictionary = [
        &[0xfe][..],
        &[0xef, 1, 0],
        &expected[expected.len() - 53..],
        &[0xa2, 0x64, b'i', b'p', b'f', b's', 0x58, 0x22],
        &[0x00, 0x33],
    ];
    let dictionary = dictionary.map(<[u8]>::to_vec).to_vec();
    fuzz(&changed_bytes(vec![expected.clone()], dictionary), |found| {
        check(&artifact, &expected, &found);
        check(&artifact, &found, &expected);
    });
}

#[test]
fn changed_artifacts_are_read_or_refused() {
    let seeds = artifacts();
    let expected = whole().runtime.object;
    let use_ = |document: Value| {
        let Ok(artifact) = serde_json::from_value::<Artifact>(document) else { return };
        let text = serde_json::to_string(&artifact).expect("strings are keys");
        assert_eq!(serde_json::from_str::<Artifact>(&text).expect("it was written"), artifact);
        for code in [&artifact.creation, &artifact.runtime] {
            let libraries = code.links.keys().map(|fqn| (fqn.clone(), Default::default()));
            let _ = code.linked(&libraries.collect());
        }
        let _ = (artifact.creation_template(), artifact.runtime_template(), artifact.check_masks());
        let mut found = expected.to_vec();
        found[7] ^= 1;
        check(&artifact, &expected, &found);
        check(&artifact, &artifact.runtime.object, &found);
    };
    seeds.iter().cloned().for_each(use_);
    fuzz(&changed_json(seeds), use_);
}

#[test]
fn metadata_is_read_or_refused() {
    let region = |start: &[u8], end: &[u8]| [start, &[7; 32], end].concat();
    let ipfs = region(b"\xa2\x64ipfs\x58\x22\x12\x20", b"\x64solc\x43\x00\x08\x25\x00\x33");
    let swarm = region(b"\xa2\x65bzzr1\x58\x20", b"\x64solc\x43\x00\x08\x25\x00\x32");
    let plain = b"\xa1\x64solc\x43\x00\x08\x1e\x00\x0a".to_vec();
    let words = [&b"\x58"[..], b"\x78\xff", b"\xbf", b"\xf5", b"\xff\xff", b"\x5b", b"\xb8\xff"];
    let words = words.map(<[u8]>::to_vec).to_vec();
    let tail = any::<[u8; 2]>();
    fuzz(&(changed_bytes(vec![ipfs, swarm, plain], words), tail), |(mut bytes, tail)| {
        for _ in 0..2 {
            let length = region_length(&bytes);
            assert!(length.is_none_or(|length| length <= bytes.len()));
            assert_eq!(read_region(&bytes).is_some(), length == Some(bytes.len()));
            if let Some(start) = trailing_region(&bytes) {
                assert_eq!(region_length(&bytes[start..]), Some(bytes.len() - start));
            }
            bytes.extend(tail);
        }
    });
}
