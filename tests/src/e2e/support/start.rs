//! Going back to how a case began.

use std::path::PathBuf;

use libtest_mimic::Failed;

use super::{Chains, Scene, files};

/// The chains and the folders before a case's first command.
pub(crate) struct Start {
    chains: Chains,
}

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

/// What is kept of a scene, and where.
fn folders(scene: &Scene<'_>) -> [(PathBuf, PathBuf); 2] {
    let below = |name: &str| scene.folder().join(name);
    [(scene.project().to_owned(), below("kept")), (below("homes"), below("kept-homes"))]
}
