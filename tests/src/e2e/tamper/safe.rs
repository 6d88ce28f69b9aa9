//! A Safe that changed after it adopted the policy is not the Safe that adopted it.

use alloy_primitives::{Address, B256, U256, address};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use tidegate_safe::{SLOT_GUARD, SLOT_SINGLETON};
use tidegate_testkit::{actor_address, safe};

use crate::support::{Case, Chains, Outcome, Scene, cases, safe_call};

sol! {
    function addOwnerWithThreshold(address owner, uint256 threshold);
    function swapOwner(address before, address old, address new);
    function changeThreshold(uint256 threshold);
    function enableModule(address module);
    function setFallbackHandler(address handler);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Signed:
            owners_and_threshold_that_changed_fail_at_promote_sign_and_execute,
            modules_guard_and_code_that_changed_fail_at_promote_sign_and_execute;
    }
}

const SOMEBODY: Address = address!("00000000000000000000000000000000000000aa");
/// The head of the list of owners, as Safe keeps it.
const SENTINEL: Address = address!("0000000000000000000000000000000000000001");

/// A change on the chain: through the Safe itself, or of its storage.
enum Change {
    Call(Vec<u8>),
    Slot(B256, Address),
}

fn owners_and_threshold_that_changed_fail_at_promote_sign_and_execute(
    scene: &Scene<'_>,
) -> Outcome {
    let threshold = U256::from(2);
    let add = addOwnerWithThresholdCall { owner: SOMEBODY, threshold };
    let first = actor_address("o1");
    let swap = swapOwnerCall { before: SENTINEL, old: first, new: SOMEBODY };
    let lower = changeThresholdCall { threshold: U256::ONE };
    let changes = [
        ("safe.owners", Change::Call(add.abi_encode())),
        ("safe.owners", Change::Call(swap.abi_encode())),
        ("safe.threshold", Change::Call(lower.abi_encode())),
    ];
    check(scene, changes)
}

fn modules_guard_and_code_that_changed_fail_at_promote_sign_and_execute(
    scene: &Scene<'_>,
) -> Outcome {
    let module = enableModuleCall { module: SOMEBODY };
    let handler = setFallbackHandlerCall { handler: SOMEBODY };
    let changes = [
        ("safe.modules", Change::Call(module.abi_encode())),
        ("safe.handler", Change::Call(handler.abi_encode())),
        ("safe.guard", Change::Slot(SLOT_GUARD, SOMEBODY)),
        ("safe.singleton", Change::Slot(SLOT_SINGLETON, safe::SAFE_L2)),
    ];
    check(scene, changes)
}

fn check<const N: usize>(scene: &Scene<'_>, changes: [(&str, Change); N]) -> Outcome {
    let (proposal, _) = scene.promotion()?;
    let mut chains = Chains::save(scene.world)?;
    let pins = ["o1", "ops"].map(|who| scene.person(who).home().join("pins.toml"));
    let kept = std::fs::read(&pins[0])?;
    let sign = ["proposal", "sign", &proposal, "--as", "owner"];
    let execute = ["proposal", "execute", &proposal];
    for (names, change) in changes {
        match change {
            Change::Call(data) => safe_call(scene, scene.world.safe, data)?,
            Change::Slot(slot, value) => {
                let slot = U256::from_be_bytes(slot.0);
                let safe = scene.world.safe;
                scene.world.mainnet.set_storage(safe, slot, value.into_word())?;
            }
        }
        scene.world.settle()?;
        let context = |what: &str| format!("{names}: {what}");
        scene.status()?.expect("policy", "FAIL", &[names])?;
        scene.run("eva", &["promote"], 1)?;
        for (who, args) in [("o1", &sign[..]), ("ops", &execute)] {
            // Who has pinned owners and threshold is told first that these changed.
            let pinned = scene.approve(who, args)?.expect_code(1)?;
            let told = pinned.stderr.contains("is not what you pinned")
                || pinned.stdout.contains("FAIL    policy");
            assert!(told, "{}", context(&format!("{pinned:?}")));
        }
        for (who, args, pin) in [("o1", &sign[..], &pins[0]), ("ops", &execute, &pins[1])] {
            std::fs::remove_file(pin)?;
            let unpinned = scene.approve(who, args)?.expect_code(1)?;
            let told = unpinned.stdout.contains("FAIL    policy");
            assert!(told, "{}", context(&format!("{unpinned:?}")));
            crate::support::files::write(pin, &kept)?;
        }
        assert_eq!(signatures(scene)?, 2, "{}", context("somebody signed"));
        chains.restore(scene.world)?;
    }
    scene.done("ops", &execute)?;
    Ok(())
}

fn signatures(scene: &Scene<'_>) -> Result<usize, Failed> {
    Ok(scene.promotion()?.1.len())
}
