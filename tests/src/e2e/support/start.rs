//! Going back to how a case began.

use std::path::PathBuf;

use libtest_mimic::Failed;

use super::{Chains, Scene, files};

/// The chains and the folders before a case's first command.
pub(crate) struct Start {
    chains: Chains,
}

/// What is kept of a scene, and where.
const KEPT: [(&str, &str); 2] = [("project", "kept"), ("homes", "kept-homes")];

impl Start {
    pub(crate) fn save(scene: &Scene<'_>) -> Result<Self, Failed> {
        for (from, to) in folders(scene) {
            files::copy_tree(&from, &to)?;
        }
        Ok(Self { chains: Chains::save(scene.world)? })
    }

    /// Goes back, as often as one likes.
    pub(crate) fn restore(&mut self, scene: &Scene<'_>) -> Result<(), Failed> {
        self.chains.restore(scene.world)?;
        for (to, from) in folders(scene) {
            std::fs::remove_dir_all(&to)?;
            files::copy_tree(&from, &to)?;
        }
        Ok(())
    }
}

fn folders(scene: &Scene<'_>) -> [(PathBuf, PathBuf); 2] {
    KEPT.map(|(from, to)| (scene.folder().join(from), scene.folder().join(to)))
}
