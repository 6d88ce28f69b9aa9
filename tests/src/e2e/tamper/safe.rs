//! A Safe that changed after it adopted the policy is not the Safe that adopted it.

use alloy_primitives::{Address, B256, U256, address};
use alloy_sol_types::{SolCall, sol};
use tidegate_safe::{SLOT_GUARD, SLOT_SINGLETON};
use tidegate_testkit::{actor_address, safe};

use crate::support::{Case, Chains, Outcome, Scene, Status, cases, files, safe_call, said};

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
            cheat_other_owners_or_a_lower_threshold,
            cheat_a_module_a_guard_or_other_code;
    }
}

const SOMEBODY: Address = address!("00000000000000000000000000000000000000aa");
/// The head of the list of owners, as Safe keeps it.
const SENTINEL: Address = address!("0000000000000000000000000000000000000001");

/// What a pin holds of a Safe.
const PINNED: [&str; 3] = ["safe.owners", "safe.threshold", "safe.singleton"];

/// A change on the chain: through the Safe itself, or of its storage.
enum Change {
    Call(Vec<u8>),
    Slot(B256, Address),
}

fn cheat_other_owners_or_a_lower_threshold(scene: &Scene<'_>) -> Outcome {
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

fn cheat_a_module_a_guard_or_other_code(scene: &Scene<'_>) -> Outcome {
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
    let pin = scene.safe();
    let sign = ["proposal", "sign", &proposal, "--as", "owner", "--pin", &pin];
    let execute = ["proposal", "execute", &proposal, "--pin", &pin];
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
        let promote = scene.run("eva", &["promote", "--json"], 1)?;
        Status::of(&promote)?.expect(
            "policy",
            "FAIL",
            (&["policy-differs", "policy-line"], &[names]),
        )?;
        let fails = |who: &str, args: &[&str]| -> Outcome {
            let ran = scene.person(who).run(args)?.expect_code(1)?;
            let told = said(&ran).contains("FAIL policy") && said(&ran).contains(names);
            if told { Ok(()) } else { Err(format!("{names}: {ran:?}").into()) }
        };
        // Who has pinned the Safe is told first where its owners, threshold or code changed.
        if PINNED.contains(&names) {
            for (who, args) in [("o1", &sign[..]), ("ops", &execute)] {
                let ran = scene.person(who).run(args)?.expect_code(1)?;
                let told = said(&ran).contains("is not what you pinned");
                assert!(told, "{names}: {ran:?}");
            }
        }
        // Who has not is stopped by the policy.
        for (who, args) in [("o1", &sign[..]), ("ops", &execute)] {
            let pins = scene.person(who).home().join("pins.toml");
            let kept = std::fs::read(&pins)?;
            std::fs::remove_file(&pins)?;
            fails(who, args)?;
            files::write(&pins, &kept)?;
        }
        assert_eq!(scene.promotion()?.1.len(), 2, "{names}: somebody signed");
        chains.restore(scene.world)?;
    }
    scene.done("ops", &["proposal", "execute", &proposal])?;
    Ok(())
}
