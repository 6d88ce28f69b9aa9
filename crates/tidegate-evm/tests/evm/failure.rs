//! The reason behind wrappers that hide it.

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Selector, U256, hex};
use alloy_sol_types::{Panic, Revert, SolError};
use tidegate_evm::{
    CallKind, Delegate, Errors, Failure, Halt, Outcome, RevertReason, Sandbox, TX_GAS_MAX, Tx,
};

use crate::world::{Chain, EXECUTOR, OTHER, SAFE, TARGET, forward, revert_with};

const CALLDATA: [u8; 4] = hex!("a9059cbb");

/// A Safe that answers `GS013` to any failure, over a batch that reverts without data.
fn safe(inner: &[u8]) -> Chain {
    let gs013 = Revert::from("GS013").abi_encode();
    // Copies the reason from the end of the code: built in two steps to know where that is.
    let length = gs013.len().to_be_bytes()[7];
    let tail = |at: u8| [0x60, length, 0x60, at, 0x5f, 0x39, 0x60, length, 0x5f, 0xfd];
    let at = forward(0xf4, TARGET, &tail(0)).len();
    let mut code = forward(0xf4, TARGET, &tail(at.to_be_bytes()[7]));
    code.extend(&gs013);
    let batch = forward(0xf1, OTHER, &hex!("5f5ffd"));
    Chain::new().with_code(SAFE, code).with_code(TARGET, batch).with_code(OTHER, inner)
}

fn execute(chain: &Chain) -> Outcome {
    chain.run(|s| Sandbox::at(s).transact(&Tx::call(EXECUTOR, SAFE, CALLDATA))).unwrap()
}

#[test]
fn the_inner_reason_surfaces() {
    let cases = [
        (
            revert_with(&Revert::from("cap exceeded").abi_encode()),
            Failure::Revert(RevertReason::Text("cap exceeded".to_owned())),
        ),
        (
            revert_with(&Panic::from(0x12).abi_encode()),
            Failure::Revert(RevertReason::Panic(U256::from(0x12))),
        ),
        (
            revert_with(&hex!("82b42900")),
            Failure::Revert(RevertReason::Custom {
                selector: Selector::from(hex!("82b42900")),
                data: hex!("82b42900").into(),
                name: Some("Unauthorized()".to_owned()),
            }),
        ),
        (revert_with(&[]), Failure::Revert(RevertReason::Empty)),
        (vec![0xfe], Failure::Halt(Halt::BadOpcode)),
    ];
    for (inner, expected) in cases {
        let outcome = execute(&safe(&inner));
        assert_eq!(
            outcome.failure,
            Some(Failure::Revert(RevertReason::Text("GS013".to_owned()))),
            "{expected}"
        );
        let path: Vec<_> = outcome.trail.iter().map(|c| (c.kind, c.from, c.to)).collect();
        let delegated = (CallKind::Delegate, SAFE, TARGET);
        let called = (CallKind::Call, EXECUTOR, SAFE);
        assert_eq!(path, [called, delegated, (CallKind::Call, SAFE, OTHER)], "{expected}");
        let cause = outcome.cause().unwrap();
        assert_eq!(cause.failure, expected);
        assert_eq!(cause.selector, Some(Selector::from(CALLDATA)));
    }
    assert!(execute(&safe(&[0x00])).trail.is_empty());
}

#[test]
fn the_reason_is_written_for_people() {
    let inner = revert_with(&Revert::from("cap\u{1b}[2J exceeded").abi_encode());
    let written = execute(&safe(&inner)).why().to_string();
    assert_eq!(
        written,
        "reverted: \"GS013\", because call 0xa9059cbb of \
         0x000000000000000000000000000000000000b0b0 reverted: \"cap\\u{1b}[2J exceeded\""
    );
}

/// The outer call hides the reason, which only an ABI of the project names.
#[test]
fn an_error_behind_a_wrapper_is_named_by_the_abis_that_are_known() {
    let abi = JsonAbi::parse(["error OverCap(uint256 asked, uint256 cap)"]).unwrap();
    let error = abi.errors().next().unwrap();
    let values = [U256::from(7), U256::from(5)].map(|number| number.to_be_bytes::<32>()).concat();
    let data = [error.selector().as_slice(), &values].concat();
    let chain = Chain::new()
        .with_code(SAFE, forward(0xf1, OTHER, &hex!("5f5ffd")))
        .with_code(OTHER, revert_with(&data));
    let tx = Tx::call(EXECUTOR, SAFE, CALLDATA);
    let why = |errors: Errors| {
        let outcome = chain.run(|s| Sandbox::at(s).with_errors(errors.clone()).transact(&tx));
        outcome.unwrap().why().to_string()
    };
    let by = "reverted without a reason, because call 0xa9059cbb of \
              0x000000000000000000000000000000000000b0b0";
    let known = Errors::default().with([&abi]);
    assert_eq!(why(known), format!("{by} reverted with OverCap(asked = 7, cap = 5)"));
    let selector = error.selector();
    assert_eq!(why(Errors::default()), format!("{by} reverted with custom error {selector}"));
}

#[test]
fn a_reason_that_is_handed_up_is_said_once() {
    // RETURNDATASIZE PUSH0 PUSH0 RETURNDATACOPY RETURNDATASIZE PUSH0 REVERT.
    let chain = Chain::new()
        .with_code(SAFE, forward(0xf1, OTHER, &hex!("3d5f5f3e3d5ffd")))
        .with_code(OTHER, revert_with(&Revert::from("paused").abi_encode()));
    assert_eq!(
        execute(&chain).why().to_string(),
        "call 0xa9059cbb of 0x000000000000000000000000000000000000b0b0 reverted: \"paused\""
    );
}

#[test]
fn a_delegate_call_shows_the_reason_too() {
    let chain = safe(&revert_with(&Revert::from("paused").abi_encode()));
    let delegate = Delegate {
        origin: EXECUTOR,
        caller: EXECUTOR,
        account: SAFE,
        code_at: TARGET,
        data: CALLDATA.into(),
        gas_limit: TX_GAS_MAX,
        watched: vec![],
    };
    let outcome = chain.run(|s| Sandbox::at(s).delegate(&delegate)).unwrap();
    assert_eq!(outcome.failure, Some(Failure::Revert(RevertReason::Empty)));
    let cause = outcome.cause().unwrap();
    assert_eq!(cause.failure, Failure::Revert(RevertReason::Text("paused".to_owned())));
    assert!(outcome.diff.accounts.is_empty());
}

#[test]
fn a_failure_that_was_caught_is_no_cause() {
    // Calls OTHER, which fails, then EXECUTOR, which does not, and then reverts.
    let mut code = Vec::new();
    for to in [OTHER, EXECUTOR] {
        code.extend(hex!("5f5f5f5f5f73"));
        code.extend(to);
        code.extend(hex!("5af150"));
    }
    code.extend(hex!("5f5ffd"));
    let chain = Chain::new().with_code(SAFE, code).with_code(OTHER, [0xfe]);
    let outcome = execute(&chain);
    assert_eq!(outcome.trail.iter().map(|call| call.to).collect::<Vec<_>>(), [SAFE]);
}
