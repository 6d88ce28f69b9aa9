//! A release as one file: taken in an empty folder, and changed by one byte.

use std::path::PathBuf;

use alloy_primitives::keccak256;
use libtest_mimic::Failed;
use serde_json::Value;
use tidegate_evidence::{Bundle, BundleError};
use tidegate_testkit::{Reply, ScriptedNode};

use crate::support::{Case, Outcome, Scene, Status, cases, said};

/// How many one-byte changes are tried while a change waits, and how many under `--full`.
const FEW: usize = 20;
const MANY: usize = 1_000;

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready: an_empty_folder_and_other_endpoints_give_the_same_verdicts;
        Signed: a_bundle_that_was_changed_is_refused, some_changes_with_a_repaired_digest;
    }
}

pub(crate) fn slow_cases() -> Vec<Case> {
    cases! { Signed: a_thousand_changes, a_thousand_changes_with_a_repaired_digest; }
}

fn export(scene: &Scene<'_>) -> Result<(PathBuf, String), Failed> {
    let file = scene.folder().join("vault.tidegate");
    let out = file.to_string_lossy().into_owned();
    scene.run("eva", &["export", "--out", &out], 0)?;
    let text = std::fs::read_to_string(&file)?;
    Ok((file, text))
}

fn an_empty_folder_and_other_endpoints_give_the_same_verdicts(scene: &Scene<'_>) -> Outcome {
    let (file, text) = export(scene)?;
    assert!(!text.contains("http://"), "no URL leaves the project");
    let testnet = ScriptedNode::start(Some(scene.world.testnet.url()), |_, _| Reply::Forward)?;
    let mainnet = ScriptedNode::start(Some(scene.world.mainnet.url()), |_, _| Reply::Forward)?;
    let folder = scene.folder().join("elsewhere/empty");
    std::fs::create_dir_all(&folder)?;
    let newcomer = scene
        .person("newcomer")
        .at(&folder)
        .with_variable("TESTNET_RPC", &testnet.url())
        .with_variable("MAINNET_RPC", &mainnet.url());
    let file = file.to_string_lossy();
    newcomer.run(&["import", &file])?.expect_code(0)?;
    let ours = scene.status()?;
    let theirs = Status::of(&newcomer.run(&["status", "--json"])?.expect_code(0)?)?;
    assert_eq!(theirs.shared(), ours.shared());
    assert!(testnet.calls("eth_getLogs") > 0, "it asked its own endpoint");
    newcomer.run(&["status", "--check"])?.expect_code(0)?;
    // Once more changes nothing, and what says something else is left alone.
    newcomer.run(&["import", &file])?.expect_code(0)?;
    let name = Bundle::read(&text)?.files.into_keys().find(|name| name.contains("policy-"));
    let name = name.ok_or("a policy")?;
    std::fs::remove_file(folder.join(&name))?;
    crate::support::files::write(&folder.join(&name), b"{}")?;
    let refused = newcomer.run(&["import", &file])?.expect_code(6)?;
    assert!(said(&refused).contains("exists with other content"), "{}", refused.stderr);
    Ok(())
}

fn a_bundle_that_was_changed_is_refused(scene: &Scene<'_>) -> Outcome {
    let (file, text) = export(scene)?;
    let mut changes = Changes::new(&text);
    let folder = scene.folder().join("elsewhere/empty");
    std::fs::create_dir_all(&folder)?;
    let newcomer = scene.person("newcomer").at(&folder);
    for _ in 0..3 {
        crate::support::files::write(&file, &changes.next(text.len() / 2))?;
        let refused = newcomer.run(&["import", &file.to_string_lossy()])?.expect_code(1)?;
        assert!(said(&refused).contains("bundle"), "{}", refused.stderr);
        assert_eq!(std::fs::read_dir(&folder)?.count(), 0, "nothing was written");
    }
    as_it_is(&text, FEW)
}

fn a_thousand_changes(scene: &Scene<'_>) -> Outcome {
    as_it_is(&export(scene)?.1, MANY)
}

fn some_changes_with_a_repaired_digest(scene: &Scene<'_>) -> Outcome {
    repaired(&export(scene)?.1, FEW)
}

fn a_thousand_changes_with_a_repaired_digest(scene: &Scene<'_>) -> Outcome {
    repaired(&export(scene)?.1, MANY)
}

/// Each change is refused.
fn as_it_is(text: &str, count: usize) -> Outcome {
    let mut changes = Changes::new(text);
    for _ in 0..count {
        let changed = changes.next(0);
        let read = std::str::from_utf8(&changed).map(Bundle::read);
        assert!(!matches!(read, Ok(Ok(_))), "a changed bundle was taken");
    }
    Ok(())
}

/// Of changes by somebody who repairs the digest of the whole, each is refused, or is of
/// something that `import` names as a claim.
fn repaired(text: &str, count: usize) -> Outcome {
    let begins = text.find('\n').ok_or("a first line")? + 1;
    let original = Bundle::read(text)?;
    let tree = serde_json::to_value(&original)?;
    let claims = original.claims();
    let mut changes = Changes::new(text);
    let mut refused = 0;
    for _ in 0..count {
        let changed = changes.next(begins);
        let json = std::str::from_utf8(&changed[begins..])?;
        let Some(json) = json.strip_suffix('\n') else { continue };
        let repaired = format!("tidegate-bundle/1 {}\n{json}\n", keccak256(json));
        match Bundle::read(&repaired) {
            Err(BundleError::Digest { .. }) => return Err("the digest was not repaired".into()),
            Err(_) => refused += 1,
            Ok(bundle) => {
                for path in differences(&tree, &serde_json::to_value(&bundle)?) {
                    let keys: Vec<_> = path.iter().map(String::as_str).collect();
                    assert!(!Bundle::binds(&keys), "{path:?} was changed and taken");
                    if let ["files", name, ..] = keys.as_slice() {
                        let named = claims.iter().any(|claim| claim == name);
                        assert!(named || !original.files.contains_key(*name), "{name}");
                    }
                }
            }
        }
    }
    assert!(refused > count / 10, "{refused} of {count} refused");
    Ok(())
}

/// One-byte changes of a text, the same ones in every run.
struct Changes<'a> {
    text: &'a [u8],
    state: u64,
}

impl<'a> Changes<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// The text with one byte at or behind `from` replaced by another.
    fn next(&mut self, from: usize) -> Vec<u8> {
        let at = from + self.random() % (self.text.len() - from);
        let mut changed = self.text.to_vec();
        let alphabet = b"0123456789abcdefABCDEF \"\\{}[],:x_~\n\x00";
        let other = alphabet.iter().copied().cycle().skip(self.random() % alphabet.len());
        changed[at] = other.into_iter().find(|byte| *byte != changed[at]).unwrap_or(b'?');
        changed
    }

    fn random(&mut self) -> usize {
        // splitmix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 16).unwrap_or(0)
    }
}

/// The keys that lead to each value in which two documents differ.
fn differences(a: &Value, b: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    differ(&mut Vec::new(), a, b, &mut found);
    found
}

fn differ(path: &mut Vec<String>, a: &Value, b: &Value, found: &mut Vec<Vec<String>>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            for key in x.keys().chain(y.keys().filter(|key| !x.contains_key(*key))) {
                path.push(key.clone());
                match (x.get(key), y.get(key)) {
                    (Some(x), Some(y)) => differ(path, x, y, found),
                    _ => found.push(path.clone()),
                }
                path.pop();
            }
        }
        _ if a != b => found.push(path.clone()),
        _ => {}
    }
}
