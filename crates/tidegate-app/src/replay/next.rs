//! What comes next, on two chains that are played again.

use serde_json::json;

use super::*;
use crate::next::next_steps;
use crate::promote::assess_ready;

/// The next steps where the Safe has executed so many transactions more than are final.
fn next(executed: u64, edit: impl FnOnce(&Path, &mut Tapes) + Send + 'static) -> Vec<String> {
    play(async move || {
        let replay = Replay::signed(edit);
        let (project, built) = (&replay.project, &replay.built);
        let (assessment, standing) = assess_ready(project, built, "mainnet").await.unwrap();
        let final_nonce = assessment.safe.as_ref().map(|safe| safe.nonce).unwrap();
        let executed = Some(final_nonce + executed);
        next_steps(project, built, &assessment, standing.promoted.as_ref(), executed).unwrap()
    })
}

#[test]
fn between_execution_and_finality_everybody_waits() {
    let wait = "everybody: wait until what the Safe executed is final on mainnet";
    assert_eq!(next(1, |_, _| {}), [wait]);
    let before = next(0, |_, _| {});
    assert!(before.iter().all(|step| step != wait), "{before:?}");
    assert!(before.iter().any(|step| step.contains("tidegate proposal execute")), "{before:?}");
}

/// Nothing that is missing helps before what fails is mended.
#[test]
fn what_fails_comes_before_a_deployment() {
    let steps = next(0, |root, tapes| {
        let one = |result: &mut Value| *result = json!(format!("0x{:064x}", 1));
        assert!(tapes.mainnet_rpc.edit("eth_call", "0xe75235b8", one) > 0);
        let found = std::fs::read_dir(root.join("deployments/testnet")).unwrap();
        let found = found.map(|file| file.unwrap().path()).filter(|path| path.is_file());
        found.for_each(|file| std::fs::remove_file(file).unwrap());
    });
    let at = |part: &str| steps.iter().position(|step| step.contains(part));
    let deploy = at("`tidegate deploy testnet`").unwrap_or_else(|| panic!("{steps:?}"));
    for failed in ["gate `policy`", "gate `safe`"] {
        assert!(at(failed).unwrap_or_else(|| panic!("{failed}: {steps:?}")) < deploy, "{steps:?}");
    }
}
