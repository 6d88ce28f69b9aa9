//! State that is missing.

use alloy_primitives::{Address, U256, hex};
use tidegate_evm::{EvmError, Progress, ROUNDS_MAX, Rounds, Sandbox, Tx, check_constructor};
use tidegate_model::ports::{StateKey, StateSnapshot};

use crate::world::{ANSWER, Chain, EXECUTOR, OTHER, TARGET, creation, empty, init};

fn missing<T: std::fmt::Debug>(result: Result<T, EvmError>) -> Vec<StateKey> {
    match result {
        Err(EvmError::Missing(keys)) => keys,
        other => panic!("state should be missing: {other:?}"),
    }
}

fn with_accounts(addresses: &[Address], chain: &Chain) -> StateSnapshot {
    let mut snapshot = empty();
    let keys: Vec<_> = addresses.iter().map(|a| StateKey::Account(*a)).collect();
    chain.fetch(&mut snapshot, &keys);
    snapshot
}

fn transact(snapshot: &StateSnapshot) -> Result<tidegate_evm::Outcome, EvmError> {
    Sandbox::at(snapshot).transact(&Tx::call(EXECUTOR, TARGET, []))
}

#[test]
fn nothing_is_assumed() {
    let slot = |n| StateKey::Slot(TARGET, U256::from(n));
    let cases: [(&str, &[u8], Vec<StateKey>); 6] = [
        ("SLOAD(5)", &hex!("600554"), vec![slot(5)]),
        ("SSTORE(5) needs the old value", &hex!("6001600555"), vec![slot(5)]),
        ("three at once", &hex!("60055450600654503031 6007545f"), vec![slot(5), slot(6), slot(7)]),
        ("BALANCE(0xb0b0)", &hex!("61b0b031"), vec![StateKey::Account(OTHER)]),
        ("EXTCODEHASH(0xb0b0)", &hex!("61b0b03f"), vec![StateKey::Account(OTHER)]),
        ("BLOCKHASH(NUMBER - 1)", &hex!("6001430340"), vec![StateKey::BlockHash(999)]),
    ];
    for (name, code, expected) in cases {
        let chain = Chain::new().with_code(TARGET, code);
        let snapshot = with_accounts(&[EXECUTOR, TARGET], &chain);
        assert_eq!(missing(transact(&snapshot)), expected, "{name}");
        assert!(chain.run(transact).unwrap().is_success(), "{name}");
    }
    let snapshot = empty();
    let accounts = [StateKey::Account(EXECUTOR), StateKey::Account(TARGET)];
    assert_eq!(missing(transact(&snapshot)), accounts);
    let sandbox = Sandbox::at(&snapshot);
    assert_eq!(missing(sandbox.storage(TARGET, U256::from(5))), [slot(5)]);
    assert_eq!(missing(sandbox.code(TARGET)), [accounts[1]]);
}

#[test]
fn a_run_that_lacks_state_changes_nothing() {
    // SSTORE(0, 1), then a read of OTHER's balance.
    let chain = Chain::new().with_code(TARGET, hex!("60015f5561b0b031"));
    let mut snapshot = with_accounts(&[EXECUTOR, TARGET], &chain);
    chain.fetch(&mut snapshot, &[StateKey::Slot(TARGET, U256::ZERO)]);
    let mut sandbox = Sandbox::at(&snapshot);
    let tx = Tx::call(EXECUTOR, TARGET, []);
    assert_eq!(missing(sandbox.transact(&tx)), [StateKey::Account(OTHER)]);
    assert_eq!(sandbox.storage(TARGET, U256::ZERO).unwrap(), U256::ZERO);
    assert_eq!(sandbox.account(EXECUTOR).unwrap().nonce, 0);
}

#[test]
fn a_value_that_was_missing_decides() {
    // Reverts unless slot 0 is 1: the run with an assumed zero must not count.
    let code = hex!("5f54600657fe5b00");
    let chain = Chain::new().with_code(TARGET, code);
    assert!(!chain.run(transact).unwrap().is_success());
    assert!(chain.with_slot(TARGET, 0, 1).run(transact).unwrap().is_success());
}

#[test]
fn one_round_serves_many_places() {
    // A constructor that reads the balances of two accounts and its own empty slot 0.
    let answer = creation(init(&hex!("61b0b031506000315f5450"), &ANSWER));
    let (rounds, expected) = Chain::new().rounds(|s| Sandbox::at(s).create(&answer));
    assert!(expected.is_ok());
    // The proxy's code has to be known before anything that it does.
    assert_eq!(rounds, 2);
    // The second run needs no proxy, and names both accounts in the first round.
    let (rounds, check) = Chain::new().rounds(|s| check_constructor(&Sandbox::at(s), &answer));
    assert!(check.is_ok());
    assert_eq!(rounds, 1);
}

#[test]
fn rounds_end() {
    let key = |n: u32| StateKey::BlockHash(n.into());
    let mut rounds = Rounds::new();
    for n in 0..ROUNDS_MAX {
        let step = rounds.step::<()>(Err(EvmError::Missing(vec![key(n)])));
        assert_eq!(step.unwrap(), Progress::Fetch(vec![key(n)]));
    }
    let step = rounds.step::<()>(Err(EvmError::Missing(vec![key(ROUNDS_MAX)])));
    assert!(matches!(step, Err(EvmError::TooManyRounds { rounds: ROUNDS_MAX })));

    let mut rounds = Rounds::new();
    assert!(rounds.step::<()>(Err(EvmError::Missing(vec![key(1)]))).is_ok());
    let step = rounds.step::<()>(Err(EvmError::Missing(vec![key(2), key(1)])));
    assert!(matches!(step, Err(EvmError::NotFetched(StateKey::BlockHash(1)))));
    assert_eq!(Rounds::new().step(Ok(7)).unwrap(), Progress::Done(7));
}

#[test]
fn a_run_asks_for_a_bounded_number_of_places() {
    // Reads slot after slot until the gas is gone: PUSH0 JUMPDEST DUP1 SLOAD POP PUSH1 1 ADD …
    let chain = Chain::new().with_code(TARGET, hex!("5f5b8054506001016001 56"));
    let keys = missing(transact(&with_accounts(&[EXECUTOR, TARGET], &chain)));
    assert_eq!(keys.len(), 64);
}
