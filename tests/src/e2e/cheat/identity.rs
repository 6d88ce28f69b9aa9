//! Other code under the same name, the same build, or the same digests.

use alloy_primitives::keccak256;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::{Case, Outcome, Scene, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh:
            cheat_libraries_swapped_by_their_remappings,
            cheat_bundle_with_another_mask;
    }
}

/// A project with two libraries of one shape.
fn rates<'a>(scene: &Scene<'a>) -> Result<Scene<'a>, Failed> {
    scene.other("rates", &[])
}

const REMAPPINGS: &str = r#"["@fee/=src/small/", "@fine/=src/large/"]"#;
const SWAPPED: &str = r#"["@fee/=src/large/", "@fine/=src/small/"]"#;

/// The sources are the same, byte for byte, and so is all code but the places of the libraries.
fn cheat_libraries_swapped_by_their_remappings(scene: &Scene<'_>) -> Outcome {
    let scene = rates(scene)?;
    let roots = || -> Result<Value, Failed> {
        Ok(scene.run("eva", &["build", "--json"], 0)?.json()?["roots"].clone())
    };
    let audited = roots()?;
    scene.edit("foundry.toml", REMAPPINGS, SWAPPED)?;
    let swapped = roots()?;
    for root in ["scopeRoot", "codeRoot", "planDigest", "releaseRoot", "buildDigest"] {
        assert_ne!(audited[root], swapped[root], "{root}");
    }
    let release = audited["releaseRoot"].as_str().ok_or("a root")?;
    let found = scene.run("eva", &["diff", "--check", "--json", release, "."], 1)?.json()?;
    assert_eq!(found["furthest"], "code", "{found}");
    let sentence = found["plan"][0].as_str().unwrap_or_default();
    let says = "src/Till.sol:Till links src/large/Rate.sol:Rate at byte";
    assert!(sentence.starts_with(says), "{found}");
    Ok(())
}

/// Whoever repairs the digest of a bundle after changing what its contracts leave open.
fn cheat_bundle_with_another_mask(scene: &Scene<'_>) -> Outcome {
    let scene = rates(scene)?;
    let file = scene.folder().join("rates.tidegate");
    let path = file.to_string_lossy().into_owned();
    scene.run("eva", &["build"], 0)?;
    scene.run("eva", &["export", "--out", &path], 0)?;
    let text = std::fs::read_to_string(&file)?;
    let json = text.split_once('\n').ok_or("a first line")?.1.trim_end();
    let document: Value = serde_json::from_str(json)?;
    let folder = scene.folder().join("elsewhere");
    std::fs::create_dir_all(&folder)?;
    let newcomer = scene.person("newcomer").at(&folder);
    let refused = |change: &dyn Fn(&mut Value), says: &str| -> Outcome {
        let mut changed = document.clone();
        change(&mut changed["release"]["artifacts"]["src/Till.sol:Till"]);
        let json = changed.to_string();
        let repaired = format!("tidegate-bundle/1 {}\n{json}\n", keccak256(&json));
        files::write(&file, repaired.as_bytes())?;
        let refused = newcomer.run(&["import", &path])?.expect_code(1)?;
        assert!(said(&refused).contains(says), "{says}: {}", refused.stderr);
        assert_eq!(std::fs::read_dir(&folder)?.count(), 0, "nothing was written");
        Ok(())
    };
    let swap = |code: &mut Value| {
        let (one, other) = ("src/large/Rate.sol:Rate", "src/small/Rate.sol:Rate");
        let (a, b) = (code["links"][one].take(), code["links"][other].take());
        (code["links"][one], code["links"][other]) = (b, a);
    };
    refused(
        &|till| ["creation", "runtime"].iter().for_each(|part| swap(&mut till[*part])),
        "does not have the digests",
    )?;
    // The first bytes of the code, called metadata; and one byte more than is.
    refused(
        &|till| till["runtime"]["metadata"][0]["start"] = 0.into(),
        "no metadata of a compiler",
    )?;
    let longer = |till: &mut Value| {
        let region = &mut till["creation"]["metadata"][0];
        region["start"] = (region["start"].as_u64().unwrap_or_default() - 1).into();
        region["length"] = (region["length"].as_u64().unwrap_or_default() + 1).into();
    };
    refused(&longer, "no metadata of a compiler")?;
    let renamed = |till: &mut Value| {
        let places = till["immutables"]["Till.self"].take();
        till["immutables"] = serde_json::json!({ "Till.owner": places });
    };
    refused(&renamed, "does not have the digests")
}
