//! Constructors under two contexts.

use alloy_primitives::{U256, hex};
use tidegate_evm::{
    ContextCheck, Differs, EvmError, Failure, Halt, Sandbox, Varied, check_constructor,
};

use crate::world::{ANSWER, Chain, EXECUTOR, TARGET, creation, init};

fn check(init_code: &[u8]) -> Result<ContextCheck, EvmError> {
    let creation = creation(init_code);
    // The contract that one case registers at: stores its caller's word under its caller.
    let chain = Chain::new().with_code(TARGET, hex!("3233555f5ff3"));
    chain.run(|snapshot| check_constructor(&Sandbox::at(snapshot), &creation))
}

#[test]
fn what_does_not_depend_on_the_context_passes() {
    let cases: [(&str, Vec<u8>); 5] = [
        ("nothing", init(&[], &ANSWER)),
        ("ADDRESS in slot 0", init(&hex!("305f55"), &ANSWER)),
        ("CHAINID in slot 0", init(&hex!("465f55"), &ANSWER)),
        ("ADDRESS as code", hex!("305f5260205ff3").to_vec()),
        ("ORIGIN read, not kept", init(&hex!("3250"), &ANSWER)),
    ];
    for (name, init_code) in cases {
        assert_eq!(check(&init_code).unwrap(), ContextCheck::Same, "{name}");
    }
}

#[test]
fn what_depends_on_the_context_is_named() {
    let cases: [(&str, &[u8], Varied); 13] = [
        ("CALLER", &hex!("33"), Varied::Caller),
        ("ORIGIN", &hex!("32"), Varied::Origin),
        ("BALANCE of CALLER's code hash", &hex!("333f"), Varied::Caller),
        ("TIMESTAMP", &hex!("42"), Varied::Block),
        ("NUMBER", &hex!("43"), Varied::Block),
        ("COINBASE", &hex!("41"), Varied::Block),
        ("PREVRANDAO", &hex!("44"), Varied::Block),
        ("GASLIMIT", &hex!("45"), Varied::Block),
        ("BLOCKHASH of the block before", &hex!("6001430340"), Varied::Block),
        ("GASPRICE", &hex!("3a"), Varied::GasPrice),
        ("BASEFEE", &hex!("48"), Varied::GasPrice),
        ("BLOBBASEFEE", &hex!("4a"), Varied::GasPrice),
        ("GAS", &hex!("5a"), Varied::Gas),
    ];
    for (name, read, varied) in cases {
        // Kept in slot 0.
        let init_code = init(&[read, &hex!("5f55")].concat(), &ANSWER);
        let ContextCheck::Differs { differences, varies_with } = check(&init_code).unwrap() else {
            panic!("{name} in storage must be found");
        };
        assert_eq!(varies_with, [varied], "{name}");
        let [difference] = differences.as_slice() else { panic!("{name}: one contract") };
        assert_eq!(difference.address, creation(&init_code).address(), "{name}");
        let [Differs::Slots(slots)] = difference.what.as_slice() else { panic!("{name}: slots") };
        assert_eq!(slots.iter().map(|s| s.slot).collect::<Vec<_>>(), [U256::ZERO], "{name}");
        assert_ne!(slots[0].first, slots[0].second, "{name}");

        // Kept in the code, as an immutable is.
        let init_code = [read, &hex!("5f5260205ff3")].concat();
        let ContextCheck::Differs { differences, varies_with } = check(&init_code).unwrap() else {
            panic!("{name} in code must be found");
        };
        assert_eq!(varies_with, [varied], "{name}");
        assert!(matches!(differences[0].what[..], [Differs::Code { .. }]), "{name}");
    }
}

#[test]
fn a_key_made_from_the_caller_is_a_difference() {
    // SSTORE(CALLER, 1): a mapping by caller.
    let ContextCheck::Differs { differences, .. } =
        check(&init(&hex!("60013355"), &ANSWER)).unwrap()
    else {
        panic!("two callers write two slots");
    };
    let [Differs::Slots(slots)] = differences[0].what.as_slice() else { panic!("slots") };
    assert_eq!(slots.len(), 2);
    assert!(slots.iter().all(|slot| slot.first.is_some() != slot.second.is_some()));
}

#[test]
fn a_difference_in_another_contract_is_found() {
    // A call of TARGET, which stores ORIGIN.
    let mut prefix = hex!("5f5f5f5f5f73").to_vec();
    prefix.extend(TARGET);
    prefix.extend(hex!("5af150"));
    let ContextCheck::Differs { differences, varies_with } =
        check(&init(&prefix, &ANSWER)).unwrap()
    else {
        panic!("the registry differs");
    };
    assert_eq!(differences.iter().map(|d| d.address).collect::<Vec<_>>(), [TARGET]);
    assert_eq!(varies_with, [Varied::Origin]);
}

#[test]
fn a_nested_contract_is_compared() {
    // The child's initcode is ORIGIN PUSH0 MSTORE PUSH1 32 PUSH0 RETURN (7 bytes).
    let prefix = hex!("66325f5260205ff35f52600760195ff050");
    let init_code = init(&prefix, &ANSWER);
    let ContextCheck::Differs { differences, .. } = check(&init_code).unwrap() else {
        panic!("the child's code differs");
    };
    let child = creation(&init_code).address().create(1);
    assert_eq!(differences.iter().map(|d| d.address).collect::<Vec<_>>(), [child]);
    assert_eq!(differences[0].what, [Differs::Code { offset: 12 }]);
}

#[test]
fn a_constructor_that_accepts_one_origin_fails_in_the_other() {
    // ORIGIN EXECUTOR EQ PUSH1 29 JUMPI INVALID JUMPDEST.
    let mut prefix = vec![0x32, 0x73];
    prefix.extend(EXECUTOR);
    prefix.extend(hex!("14601b57fe5b"));
    let ContextCheck::Fails { outcome, varies_with } = check(&init(&prefix, &ANSWER)).unwrap()
    else {
        panic!("another origin is refused");
    };
    assert_eq!(outcome.failure, Some(Failure::Halt(Halt::BadOpcode)));
    assert_eq!(varies_with, [Varied::Origin]);
    // One that never works is an error, not a difference.
    assert!(matches!(check(&hex!("5f5ffd")), Err(EvmError::CreationFailed { .. })));
}
