//! Contracts that a step calls, and that call on to the Safe or the helper.

use alloy_primitives::{Address, B256, Bytes, U256, address, bytes, hex, keccak256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use tidegate_model::StatementDigest;
use tidegate_safe::helper;
use tidegate_testkit::Ran;

use crate::support::{Case, Outcome, Scene, cases, json_text, safe_call, said};

sol! {
    function enableModule(address module);
    function execTransactionFromModule(
        address to, uint256 value, bytes data, uint8 operation
    ) returns (bool);
    function tokensReceived(
        address operator, address from, address to, uint256 amount, bytes userData, bytes data
    );
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Fresh: cheat_a_call_that_comes_back_to_the_safe_or_the_helper;
    }
}

/// What is called on the target, as `tests/projects/reach` names it.
const ROUTER: Address = address!("00000000000000000000000000000000000070e4");
/// Calls the account in slot 0, if there is one, with as many bytes as slot 1 says of slots 2 to 9,
/// and goes on whatever comes of it.
const CODE: Bytes = bytes!(
    "5f5480156041576002545f526003546020526004546040526005546060526006"
    "5460805260075460a05260085460c05260095460e0525f5f6001545f5f855af1505b00"
);
const WORD_BYTES: usize = 32;

/// Has the router do that from now on.
fn does(scene: &Scene<'_>, what: Option<(Address, Vec<u8>)>) -> Outcome {
    let mainnet = &scene.world.mainnet;
    let (to, mut data) = what.unwrap_or_default();
    let length: B256 = U256::from(data.len()).into();
    data.resize(8 * WORD_BYTES, 0);
    let words = data.chunks(WORD_BYTES).map(B256::from_slice);
    for (slot, word) in [to.into_word(), length].into_iter().chain(words).enumerate() {
        mainnet.set_storage(ROUTER, U256::from(slot), word)?;
    }
    Ok(mainnet.mine(1)?)
}

/// The project, whose router is a module of the Safe, soaked and under its policy.
fn soaked<'a>(scene: &Scene<'a>) -> Result<Scene<'a>, Failed> {
    let project = scene.other("reach", &[])?;
    let (mainnet, safe) = (&project.world.mainnet, project.world.safe);
    mainnet.set_code(ROUTER, &CODE)?;
    let line = format!("mainnet.address   = \"{ROUTER}\"\n").to_lowercase();
    let hash = format!("{line}mainnet.code_hash = \"{}\"\n", keccak256(&CODE));
    project.edit("tidegate.toml", &line, &hash)?;
    project.fund()?;
    project.done("eva", &["deploy", "--helper", "testnet"])?;
    project.done("eva", &["deploy"])?;
    project.done("ops", &["deploy", "--helper"])?;
    safe_call(scene, safe, enableModuleCall { module: ROUTER }.abi_encode())?;
    let adopt = project.done("eva", &["policy", "adopt", "--json"])?;
    let adoption = json_text(&adopt, "proposal")?;
    project.sign(&adoption, &["o1", "o2"])?;
    project.done("ops", &["proposal", "execute", &adoption])?;
    project.world.advance_days(4, 10)?;
    project.status()?.expect_others_pass(&[])?;
    Ok(project)
}

/// A router that posts at the helper, a module that moves the Safe, and a token that tells its
/// receiver, as those of ERC-777 do. Each keeps still until it is too late.
fn cheat_a_call_that_comes_back_to_the_safe_or_the_helper(scene: &Scene<'_>) -> Outcome {
    let project = soaked(scene)?;
    let safe = project.world.safe;
    let post = helper::post(StatementDigest(keccak256("anything")), u64::MAX);
    let (value, data, operation) = (U256::ZERO, Bytes::new(), 0);
    let moves = execTransactionFromModuleCall { to: helper::address(), value, data, operation };
    let tells = tokensReceivedCall {
        operator: ROUTER,
        from: ROUTER,
        to: safe,
        amount: U256::ONE,
        userData: Bytes::new(),
        data: Bytes::new(),
    };
    let all = [
        (helper::address(), post.to_vec()),
        (safe, moves.abi_encode()),
        (safe, tells.abi_encode()),
        // Nothing that the Safe knows: its handler is asked, and may change something.
        (safe, hex!("0badc0de").to_vec()),
    ];
    let other_ways = (1, "reaches the Safe or the helper by other ways");
    // What it does turns on what the router holds: the gates see that first.
    let (decided, decided_since) =
        ((30, "holds what @router decides"), (1, "holds what @router decides"));
    let refuses = |refused: &Ran, (code, says): (i32, &str)| {
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(said(refused).contains(says), "{says}: {refused:?}");
    };
    for ((to, data), expected) in all.iter().zip([other_ways, decided, other_ways, other_ways]) {
        does(&project, Some((*to, data.clone())))?;
        refuses(&project.person("eva").run(&["promote"])?, expected);
    }

    does(&project, None)?;
    let proposal = json_text(&project.done("eva", &["promote", "--json"])?, "proposal")?;
    project.sign(&proposal, &["o1"])?;
    let expected = [decided_since, decided, other_ways, other_ways];
    for ((to, data), expected) in all.into_iter().zip(expected) {
        does(&project, Some((to, data)))?;
        refuses(&project.person("o2").run(&project.signing(&proposal))?, expected);
    }
    does(&project, None)?;
    project.sign(&proposal, &["o2"])?;
    let (to, data) = (safe, moves.abi_encode());
    does(&project, Some((to, data)))?;
    refuses(&project.approve("ops", &["proposal", "execute", &proposal])?, other_ways);
    does(&project, None)?;
    project.done("ops", &["proposal", "execute", &proposal])?;
    Ok(())
}
