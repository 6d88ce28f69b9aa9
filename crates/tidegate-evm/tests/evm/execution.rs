//! Transactions in a row.

use alloy_primitives::{Address, U256, hex};
use tidegate_evm::{Change, Delegate, Env, EvmError, EvmVersion, Failure, Halt, Outcome};
use tidegate_evm::{Sandbox, TX_GAS_MAX, Tx};

use crate::world::{ANSWER, Chain, EXECUTOR, OTHER, SAFE, TARGET, creation, empty, init};

/// Adds the first word of the calldata to slot 0 and returns the sum; reverts if the sum is 13.
const COUNTER: [u8; 25] = hex!("5f355f5401805f5580600d14601657 5f5260205ff35b5f5ffd");

fn word(number: u64) -> Vec<u8> {
    U256::from(number).to_be_bytes::<32>().to_vec()
}

fn counter() -> Chain {
    Chain::new().with_code(TARGET, COUNTER).with_slot(TARGET, 0, 5)
}

fn change<T>(before: T, after: T) -> Option<Change<T>> {
    Some(Change { before, after })
}

#[test]
fn successes_build_on_each_other_and_failures_leave_nothing() {
    let tx = |number| Tx::call(EXECUTOR, TARGET, word(number));
    let (outcomes, slot, nonce) = counter()
        .run(|snapshot| {
            let mut sandbox = Sandbox::at(snapshot);
            let outcomes = [
                sandbox.transact(&tx(2))?,
                sandbox.transact(&tx(6))?, // 13: reverts
                sandbox.transact(&tx(1))?,
            ];
            let slot = sandbox.storage(TARGET, U256::ZERO)?;
            Ok((outcomes, slot, sandbox.account(EXECUTOR)?.nonce))
        })
        .unwrap();
    let [first, failed, last] = outcomes;
    assert_eq!(U256::from_be_slice(&first.output), U256::from(7));
    assert_eq!(
        first.diff.accounts[&TARGET].slots[&U256::ZERO],
        Change { before: U256::from(5), after: U256::from(7) }
    );
    assert_eq!(first.diff.accounts[&EXECUTOR].nonce, change(0, 1));
    assert_eq!(first.diff.accounts.len(), 2);
    assert!(!failed.is_success() && failed.diff.accounts.is_empty() && failed.trail.len() == 1);
    assert_eq!(U256::from_be_slice(&last.output), U256::from(8));
    assert_eq!((slot, nonce), (U256::from(8), 2));

    let joined = first.diff.then(last.diff);
    assert_eq!(
        joined.accounts[&TARGET].slots[&U256::ZERO],
        Change { before: U256::from(5), after: U256::from(8) }
    );
    assert_eq!(joined.accounts[&EXECUTOR].nonce, change(0, 2));
}

#[test]
fn a_static_call_answers_and_changes_nothing() {
    let (writes, reads, slot) = counter()
        .with_code(OTHER, ANSWER)
        .run(|snapshot| {
            let sandbox = Sandbox::at(snapshot);
            let writes = sandbox.call(EXECUTOR, TARGET, word(1))?;
            let reads = sandbox.call(EXECUTOR, OTHER, [])?;
            Ok((writes, reads, sandbox.storage(TARGET, U256::ZERO)?))
        })
        .unwrap();
    assert_eq!(writes.failure, Some(Failure::Halt(Halt::WriteInStaticCall)));
    assert_eq!(U256::from_be_slice(&reads.output), U256::from(42));
    assert_eq!(slot, U256::from(5));
}

#[test]
fn value_moves_and_must_be_there() {
    let send = |value| Tx { value: U256::from(value), ..Tx::call(SAFE, OTHER, []) };
    let chain = Chain::new().with_code(SAFE, [0x00]).with_balance(SAFE, 100);
    let outcome = chain.run(|s| Sandbox::at(s).transact(&send(60))).unwrap();
    assert_eq!(outcome.diff.accounts[&SAFE].balance, change(U256::from(100), U256::from(40)));
    assert_eq!(outcome.diff.accounts[&OTHER].balance, change(U256::ZERO, U256::from(60)));
    // A Safe does not send transactions: its nonce stays.
    assert_eq!(outcome.diff.accounts[&SAFE].nonce, None);
    assert_eq!(outcome.gas_used, 21_000);

    let outcome = chain.run(|s| Sandbox::at(s).transact(&send(101))).unwrap();
    assert_eq!(outcome.failure, Some(Failure::Halt(Halt::OutOfFunds)));
    let rich = |s: &_| Sandbox::at(s).with_balance(SAFE, U256::from(101)).transact(&send(101));
    assert!(chain.run(rich).unwrap().is_success());
}

#[test]
fn the_block_is_the_pinned_one() {
    let cases: [(&str, &[u8], U256); 7] = [
        ("CHAINID", &hex!("46"), U256::from(31337)),
        ("NUMBER", &hex!("43"), U256::from(1000)),
        ("TIMESTAMP", &hex!("42"), U256::from(1_767_657_600)),
        ("BASEFEE", &hex!("48"), U256::ZERO),
        ("GASPRICE", &hex!("3a"), U256::ZERO),
        ("ORIGIN", &hex!("32"), U256::from_be_slice(OTHER.as_slice())),
        ("CALLER", &hex!("33"), U256::from_be_slice(EXECUTOR.as_slice())),
    ];
    for (name, read, expected) in cases {
        let chain = Chain::new().with_code(TARGET, [read, &hex!("5f5260205ff3")].concat());
        let tx = Tx { origin: OTHER, ..Tx::call(EXECUTOR, TARGET, []) };
        let outcome = chain.run(|s| Sandbox::at(s).transact(&tx)).unwrap();
        assert_eq!(U256::from_be_slice(&outcome.output), expected, "{name}");
    }
}

#[test]
fn gas_has_a_limit() {
    let tx = |gas_limit| Tx { gas_limit, ..Tx::call(EXECUTOR, OTHER, []) };
    let run = |tx: &Tx| Chain::new().run(|s| Sandbox::at(s).transact(tx));
    assert!(run(&tx(TX_GAS_MAX)).unwrap().is_success());
    assert!(matches!(
        run(&tx(TX_GAS_MAX + 1)),
        Err(EvmError::GasLimitTooHigh { limit: 16_777_217, max: 16_777_216 })
    ));
    assert!(matches!(
        run(&tx(20_999)),
        Err(EvmError::GasLimitTooLow { limit: 20_999, needed: 21_000 })
    ));
    let other_chain = |s: &_| {
        let sandbox = Sandbox::at(s);
        let env = Env { tx_gas_max: 30_000_000, ..sandbox.env().clone() };
        Sandbox::new(s, env).transact(&tx(30_000_000))
    };
    assert!(Chain::new().run(other_chain).unwrap().is_success());
    // JUMPDEST PUSH0 JUMP.
    let endless = Chain::new().with_code(OTHER, hex!("5b5f56"));
    let outcome = endless.run(|s| Sandbox::at(s).transact(&tx(100_000))).unwrap();
    assert_eq!((outcome.failure, outcome.gas_used), (Some(Failure::Halt(Halt::OutOfGas)), 100_000));
}

#[test]
fn code_and_initcode_have_limits() {
    // PUSH2 size PUSH0 RETURN: that many zeros.
    let zeros = |size: u16| [&[0x61][..], &size.to_be_bytes(), &hex!("5ff3")].concat();
    let create = |init_code: Vec<u8>| {
        Chain::new().run(|s| Sandbox::at(s).transact(&Tx::create(EXECUTOR, init_code.clone())))
    };
    assert!(create(zeros(24_576)).unwrap().is_success());
    let outcome = create(zeros(24_577)).unwrap();
    assert_eq!(outcome.failure, Some(Failure::Halt(Halt::CodeTooLarge)));
    assert!(create(init(&[], &ANSWER)).unwrap().is_success());
    let sized = |bytes| {
        let mut code = init(&[], &ANSWER);
        code.resize(bytes, 0);
        code
    };
    assert!(create(sized(49_152)).unwrap().is_success());
    assert!(matches!(create(sized(49_153)), Err(EvmError::InitCodeTooLarge { bytes: 49_153 })));
    let proxied = creation(sized(49_153));
    let failed = Chain::new().run(|s| Sandbox::at(s).create(&proxied));
    let Err(EvmError::CreationFailed { outcome, .. }) = failed else { panic!("too large") };
    assert_eq!(outcome.failure, Some(Failure::Halt(Halt::InitCodeTooLarge)));
}

#[test]
fn the_rules_of_the_chain_decide() {
    // PUSH0, then CLZ: new with Shanghai and Osaka.
    let run = |code: &[u8], evm: EvmVersion| -> Outcome {
        let chain = Chain::new().with_code(TARGET, code);
        let run = |s: &_| {
            let env = Env { evm, ..Sandbox::at(s).env().clone() };
            Sandbox::new(s, env).transact(&Tx::call(EXECUTOR, TARGET, []))
        };
        chain.run(run).unwrap()
    };
    let cases = [
        (hex!("5f00").as_slice(), EvmVersion::Paris, EvmVersion::Shanghai),
        (hex!("60011e00").as_slice(), EvmVersion::Prague, EvmVersion::Osaka),
    ];
    for (code, before, since) in cases {
        assert_eq!(run(code, before).failure, Some(Failure::Halt(Halt::BadOpcode)), "{before:?}");
        assert!(run(code, since).is_success(), "{since:?}");
    }
    assert_eq!("osaka".parse(), Ok(EvmVersion::default()));
    assert!("london".parse::<EvmVersion>().is_err());
}

#[test]
fn a_delegate_call_runs_in_the_safe() {
    // Stores CALLER in slot 1 and ADDRESS in slot 2, then calls OTHER, which stores its caller.
    let mut code = hex!("3360015530600255 5f5f5f5f5f73").to_vec();
    code.extend(OTHER);
    code.extend(hex!("5af100"));
    let chain = Chain::new()
        .with_code(SAFE, [0xfe])
        .with_code(TARGET, code)
        .with_code(OTHER, hex!("335f55"));
    let delegate = Delegate {
        origin: EXECUTOR,
        caller: EXECUTOR,
        account: SAFE,
        code_at: TARGET,
        data: word(0).into(),
        gas_limit: TX_GAS_MAX,
        watched: vec![],
    };
    let (outcome, kept) = chain
        .run(|snapshot| {
            let mut sandbox = Sandbox::at(snapshot);
            let outcome = sandbox.delegate(&delegate)?;
            Ok((outcome, sandbox.storage(SAFE, U256::from(2))?))
        })
        .unwrap();
    let slot = |account: Address, slot: u64| {
        let change = outcome.diff.accounts[&account].slots[&U256::from(slot)];
        Address::from_word(change.after.into())
    };
    assert_eq!(slot(SAFE, 1), EXECUTOR);
    assert_eq!(slot(SAFE, 2), SAFE);
    assert_eq!(slot(OTHER, 0), SAFE);
    assert_eq!(Address::from_word(kept.into()), SAFE);
    // Nothing else moved: neither the Safe's code or nonce, nor the library.
    assert!(!outcome.diff.accounts.contains_key(&TARGET));
    let safe = &outcome.diff.accounts[&SAFE];
    assert!(safe.nonce.is_none() && safe.code.is_none() && safe.balance.is_none());
}

#[test]
fn overrides_replace_what_they_name() {
    let run = |s: &_| {
        let mut sandbox =
            Sandbox::at(s).with_code(TARGET, COUNTER).with_slot(TARGET, U256::ZERO, U256::from(30));
        let sum = sandbox.transact(&Tx::call(EXECUTOR, TARGET, word(1)))?;
        Ok((sum.output, sandbox.balance(TARGET)?))
    };
    let chain = Chain::new().with_code(TARGET, [0xfe]).with_balance(TARGET, 9);
    let (output, balance) = chain.run(run).unwrap();
    assert_eq!((U256::from_be_slice(&output), balance), (U256::from(31), U256::from(9)));

    // An account replaced whole needs nothing from the snapshot, and has no storage.
    let snapshot = empty();
    let account =
        tidegate_model::ports::AccountState { code: COUNTER.into(), ..Default::default() };
    let mut sandbox = Sandbox::at(&snapshot)
        .with_account(TARGET, account)
        .with_account(EXECUTOR, Default::default());
    let outcome = sandbox.transact(&Tx::call(EXECUTOR, TARGET, word(3))).unwrap();
    assert_eq!(U256::from_be_slice(&outcome.output), U256::from(3));
}

#[test]
fn a_contract_that_destroys_itself_is_gone() {
    // Created and destroyed in one transaction: ORIGIN SELFDESTRUCT.
    let tx = Tx { value: U256::from(7), ..Tx::create(EXECUTOR, hex!("32ff")) };
    let chain = Chain::new().with_balance(EXECUTOR, 7);
    let outcome = chain.run(|s| Sandbox::at(s).transact(&tx)).unwrap();
    assert!(outcome.is_success() && outcome.created.is_empty());
    assert_eq!(outcome.diff.accounts.keys().collect::<Vec<_>>(), [&EXECUTOR]);
    assert_eq!(outcome.diff.accounts[&EXECUTOR].balance, None);
}
