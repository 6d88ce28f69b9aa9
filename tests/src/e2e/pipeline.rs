//! The main job, from a deployed release to a promoted one.

use crate::support::{Case, Outcome, Scene, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases! { Day13: a_release_goes_from_a_testnet_to_mainnet; }
}

fn a_release_goes_from_a_testnet_to_mainnet(scene: &Scene<'_>) -> Outcome {
    scene.run("eva", &["promote"], 30)?;
    let status = scene.status()?;
    status.expect("soak", "WAITING", &[])?;
    status.expect("audits", "UNKNOWN", &["1 of 2"])?;
    status.expect_others_pass(&["soak", "audits"])?;
    Ok(())
}
