//! What `docs/next-release.md` tells engineers to write and to type.

use super::typist::Typist;
use super::{NEXT, blocks_of};
use crate::follow::changed;
use crate::support::{Case, Outcome, Scene, cases, messages};

pub(super) fn cases() -> Vec<Case> {
    cases! {
        Deployed: the_next_release_is_typed;
    }
}

/// A second try is refused where the first one's code is, and works on a copy.
fn the_next_release_is_typed(scene: &Scene<'_>) -> Outcome {
    let [project, copy] = blocks_of::<2>(scene, NEXT)?;
    let config = scene.read("tidegate.toml")?;
    let (before, rest) = config.split_once("[project]").ok_or("no [project]")?;
    let (_, rest) = rest.split_once("\n\n").ok_or("no end of [project]")?;
    scene.write("tidegate.toml", &format!("{before}{}\n\n{rest}", project.text))?;
    changed(scene, "1")?;
    scene.done("eva", &["deploy"])?;
    scene.world.settle()?;

    scene.edit("contracts/src/Vault.sol", "{ return 1; }", "{ return 2; }")?;
    for command in ["plan", "deploy"] {
        let errors = messages(&scene.approve("eva", &[command])?.expect_code(1)?, "error");
        let what = "Vault of the release that is followed: ";
        assert!(errors.join(" ").contains(what), "{errors:?}");
    }
    for printed in copy.commands() {
        Typist::default().types(&scene.person("eva"), &printed)?;
        scene.world.settle()?;
    }
    scene.run("eva", &["verify"], 0)?;
    Ok(())
}
