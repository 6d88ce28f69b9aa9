//! A policy that is edited after its adoption counts for nothing.

use crate::support::{Case, Outcome, Scene, Status, cases, files, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Signed: cheat_a_policy_that_is_only_edited;
        Ready: cheat_an_edited_preimage_of_the_policy;
    }
}

/// What is edited, and the field that the gate names.
const EDITS: [(&str, &str, &str); 4] = [
    ("audits = 2", "audits = 1", "policy.audits"),
    ("firm = \"Bolt\"", "firm = \"Acme\"", "people.bo.firm"),
    ("Bolt Security", "Bolt & Sons", "firms.Bolt"),
    ("[people]", "[people]\nmallory = { roles = [\"auditor\"], keys = [] }", "people.mallory"),
];

fn cheat_a_policy_that_is_only_edited(scene: &Scene<'_>) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let kept = scene.read("tidegate.toml")?;
    let deployments = scene.project().join("deployments");
    let before = files::read_tree(&deployments, &[])?;
    let head = scene.world.mainnet.latest()?;
    for (from, to, names) in EDITS {
        scene.edit("tidegate.toml", from, to)?;
        let promote = scene.run("eva", &["promote", "--json"], 1)?;
        Status::of(&promote)?.expect(
            "policy",
            "FAIL",
            (&["policy-differs", "policy-line"], &[names]),
        )?;
        let sign = ["proposal", "sign", &proposal, "--as", "owner"];
        for (who, args) in [("o1", &sign[..]), ("ops", &["proposal", "execute", &proposal])] {
            let refused = scene.approve(who, args)?.expect_code(1)?;
            assert!(said(&refused).contains(names), "{refused:?}");
            assert!(said(&refused).contains("the gates do not pass now"), "{refused:?}");
        }
        scene.write("tidegate.toml", &kept)?;
    }
    let after = files::read_tree(&deployments, &[])?;
    assert_eq!(files::differences(&before, &after), Vec::<std::path::PathBuf>::new());
    assert_eq!(scene.world.mainnet.latest()?, head, "nothing was sent");
    scene.done("ops", &["proposal", "execute", &proposal])?;
    Ok(())
}

/// The chain holds the adopted digest. The file only explains it.
fn cheat_an_edited_preimage_of_the_policy(scene: &Scene<'_>) -> Outcome {
    let file = "deployments/mainnet/policy-1.json";
    scene.edit("tidegate.toml", "audits = 2", "audits = 1")?;
    scene.edit(file, "\"audits\": 2", "\"audits\": 1")?;
    scene.status()?.expect("policy", "FAIL", &["policy-file"])?;
    scene.run("eva", &["promote"], 1)?;
    std::fs::remove_file(scene.project().join(file))?;
    scene.status()?.expect("policy", "FAIL", &["policy-file"])?;
    scene.edit("tidegate.toml", "audits = 1", "audits = 2")?;
    scene.run("eva", &["status", "--check"], 0)?;
    Ok(())
}
