//! Whatever a compiler answers, it is refused or becomes artifacts that can be used.

use std::collections::BTreeMap;
use std::path::Path;

use semver::Version;
use serde_json::Value;
use tidegate_testkit::fuzz::{changed_bytes, changed_json, corpus, fuzz};

use crate::output::{Output, parse};
use crate::sources::{Closure, Source};
use crate::unit::{Unit, reduce};
use crate::{artifact, ast};

/// A build and its contrast, as JSON documents.
type Answers = (Vec<u8>, Vec<u8>);

/// Files in pairs: `name.contrast.json` belongs to `name.json`. An answer without a contrast is
/// its own, as where no metadata is hashed.
fn answers() -> Vec<(String, Answers)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/output");
    let files: BTreeMap<_, _> = corpus(&folder).into_iter().collect();
    let builds = files.iter().filter(|(name, _)| !name.ends_with(".contrast.json"));
    let pair = builds.map(|(name, build)| {
        let contrast = files.get(&name.replace(".json", ".contrast.json")).unwrap_or(build);
        (name.clone(), (build.clone(), contrast.clone()))
    });
    pair.collect()
}

fn closure() -> Closure {
    let source = Source {
        content: format!("/// {}", ast::STORAGE_LOCATION),
        imports: Vec::new(),
        pragma: None,
        may_be_linked: true,
    };
    Closure::from([("a.sol".to_owned(), source)])
}

/// Reduces an answer and uses what comes out. How many contracts came out of it.
fn check(build: &[u8], contrast: &[u8]) -> usize {
    let (Ok(build), Ok(contrast)) = (parse(build), parse(contrast)) else { return 0 };
    let version = Version::new(0, 8, 30);
    let Ok(unit) = reduce(&build, &contrast, &closure(), &version) else { return 0 };
    let text = serde_json::to_string(&unit).unwrap();
    assert_eq!(serde_json::from_str::<Unit>(&text).unwrap(), unit, "the cache keeps it as it is");
    for (name, compiled) in &unit.contracts {
        for code in [&compiled.creation, &compiled.runtime] {
            let spans = code.links.values().flatten().chain(&code.metadata);
            for span in spans {
                assert!(code.object.get(span.start..span.start + span.length).is_some());
            }
        }
        let names = BTreeMap::new();
        let made = artifact::artifacts(&unit, &closure(), &names, [name.as_str()]);
        for artifact in made.iter().flat_map(|linked| linked.artifacts.values()) {
            let addresses = artifact.creation.links.keys().chain(artifact.runtime.links.keys());
            let addresses = addresses.map(|fqn| (fqn.clone(), Default::default())).collect();
            let _ = (artifact.creation_template(), artifact.creation.linked(&addresses));
            let _ = (artifact.runtime_template(), artifact.runtime.linked(&addresses));
        }
    }
    unit.contracts.len()
}

#[test]
fn every_answer_of_the_corpus_is_read_or_refused() {
    let mut read = 0;
    for (name, (build, contrast)) in answers() {
        read += usize::from(check(&build, &contrast) == 3);
        assert!(!name.is_empty());
    }
    assert!(read >= 3, "three are what compilers gave");
}

#[test]
fn changed_answers_do_not_break_the_compilation() {
    let answers = answers();
    let build = answers.iter().map(|(_, (build, _))| serde_json::from_slice(build).unwrap());
    let build: Vec<Value> = build.collect();
    let changed = changed_json(build.clone());
    fuzz(&changed, |changed| {
        let changed = serde_json::to_vec(&changed).unwrap();
        for (_, (_, contrast)) in &answers {
            check(&changed, contrast);
        }
        check(&changed, &changed);
    });
}

#[test]
fn changed_bytes_of_answers_do_not_break_the_compilation() {
    let seeds = answers().into_iter().map(|(_, (build, _))| build).collect();
    let words =
        ["\"", "[", "]", "{", "}", ":", ",", "null", "1e999", "\\u", "\u{0}", "99999999999"];
    fuzz(&changed_bytes(seeds, words.map(|word| word.as_bytes().to_vec()).into()), |changed| {
        let _: Result<Output, _> = parse(&changed);
        check(&changed, &changed);
    });
}
