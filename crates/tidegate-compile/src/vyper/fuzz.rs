//! Whatever Vyper answers, it is refused or becomes an artifact whose regions lie in its code.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::strategy::Strategy;
use serde_json::Value;
use tidegate_testkit::fuzz::{changed_bytes, changed_json, corpus, fuzz};

use super::output::parse;
use super::sources::{Module, Modules};
use super::unit::{Place, VyperUnit, reduce};
use tidegate_model::trailer;

use super::imports;
use crate::foundry::FoundryConfig;
use crate::version::LongVersion;

fn answers() -> [Vec<u8>; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/vyper");
    let files: BTreeMap<_, _> = corpus(&folder).into_iter().collect();
    ["module.json", "module.contrast.json"].map(|name| files[name].clone())
}

fn modules() -> Modules {
    let module = |imports| Module { content: String::new(), imports };
    let import = BTreeMap::from([("b".to_owned(), Some("b.vy".to_owned()))]);
    Modules::from([
        ("a.vy".to_owned(), module(import)),
        ("b.vy".to_owned(), module(BTreeMap::new())),
    ])
}

fn check(build: &[u8], contrast: &[u8]) -> Option<VyperUnit> {
    let (build, contrast) = (parse(build).ok()?, parse(contrast).ok()?);
    let modules = modules();
    let version = LongVersion::parse("0.4.3+commit.bff19ea2").unwrap();
    let foundry = FoundryConfig::empty();
    let place = Place {
        source: "a.vy",
        name: "a",
        modules: &modules,
        foundry: &foundry,
        version: &version,
    };
    let unit = reduce(place, build, &contrast).ok()?;
    let text = serde_json::to_string(&unit).unwrap();
    assert_eq!(serde_json::from_str::<VyperUnit>(&text).unwrap(), unit);
    if let Some(span) = &unit.integrity {
        assert!(unit.creation.get(span.start..span.start + span.length).is_some());
    }
    for span in unit.immutables.values().flatten() {
        let value = unit.runtime.get(span.start..span.start + span.length);
        assert!(value.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0)));
    }
    Some(unit)
}

#[test]
fn the_answer_of_the_corpus_is_read() {
    let [build, contrast] = answers();
    let unit = check(&build, &contrast).unwrap();
    let names: Vec<_> = unit.immutables.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.owner", "b.k"]);
    let labels: Vec<_> =
        unit.layout["items"].as_array().unwrap().iter().map(|i| &i["label"]).collect();
    assert_eq!(labels, ["b.z", "s", "m"]);
    assert_eq!(unit.layout["items"][1]["type"]["numberOfBytes"], "160");
    assert!(check(&build, &build).is_none(), "a contrast without its comment");
}

#[test]
fn changed_answers_do_not_break_the_compilation() {
    let [build, contrast] = answers();
    let seeds: Vec<Value> = vec![serde_json::from_slice(&build).unwrap()];
    fuzz(&changed_json(seeds), |changed| {
        check(&serde_json::to_vec(&changed).unwrap(), &contrast);
    });
}

#[test]
fn changed_trailers_lie_in_their_code() {
    let seed = b"\x5b\x85\x58\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x19\x02\x09\x81\x08\x18\xc0\xa1\
                 \x65vyper\x83\x00\x04\x03\x00\x37";
    let words = [&b"\x9a\xff\xff\xff\xff"[..], b"\x1b", b"\xa1\x65vyper", b"\x00\x02", b"\x84"];
    fuzz(&changed_bytes(vec![seed.to_vec()], words.map(<[u8]>::to_vec).into()), |changed| {
        if let Some(span) = trailer::read(&changed).and_then(|trailer| trailer.integrity) {
            assert!(span.length == 32 && span.start + span.length < changed.len());
        }
    });
}

#[test]
fn any_text_imports_something_or_nothing() {
    let words = ["import ", "from ", ".", " as ", "(", ")", "\n", "\\", "\"", "'''", "#", "é", "a"];
    let text = proptest::collection::vec(0..words.len(), 0..40)
        .prop_map(move |picked| picked.iter().map(|word| words[*word]).collect::<String>());
    fuzz(&text, |text| {
        for import in imports::of(&text) {
            assert!(!import.path.contains(['.', '\n', '"']), "{import:?}");
        }
        let _ = imports::constructor(&text);
    });
}
