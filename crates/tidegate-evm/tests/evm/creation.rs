//! Expected code.

use alloy_primitives::{U256, address, b256, hex, keccak256};
use tidegate_evm::{
    CREATE2_PROXY, CREATE2_PROXY_CODE, CREATE2_PROXY_CODE_HASH, Creation, EvmError, Expected,
    Sandbox, Tx,
};

use crate::world::{ANSWER, ANSWER_INIT, Chain, EXECUTOR, TARGET, creation, init};

fn create(chain: &Chain, creation: &Creation) -> Result<Expected, EvmError> {
    chain.run(|snapshot| Sandbox::at(snapshot).create(creation))
}

#[test]
fn the_proxy_is_the_known_one() {
    assert_eq!(keccak256(CREATE2_PROXY_CODE), CREATE2_PROXY_CODE_HASH);
}

#[test]
fn the_vector_gives_its_address_and_code() {
    let creation = creation(ANSWER_INIT);
    assert_eq!(creation.address(), address!("452bdCDE592061bD15774C8eED254Ac26D0B5E54"));
    let expected = create(&Chain::new(), &creation).unwrap();
    assert_eq!(expected.address, creation.address());
    assert_eq!(expected.contract.code.as_ref(), ANSWER);
    assert_eq!(
        expected.contract.code_hash,
        b256!("98e3a357b0a9519e7773d42cf7912a620a18c8f53cd8e1525ce5344917d07e76")
    );
    assert!(expected.contract.slots.is_empty() && expected.nested.is_empty());
    assert_eq!(expected.outcome.output.as_ref(), creation.address().as_slice());
}

#[test]
fn what_was_created_answers_calls_and_serves_the_next() {
    let answer = creation(ANSWER_INIT);
    // A constructor that stores the code size of the contract created before.
    let mut prefix = vec![0x73];
    prefix.extend(answer.address());
    prefix.extend(hex!("3b5f55")); // EXTCODESIZE PUSH0 SSTORE
    let second = creation(init(&prefix, &ANSWER));
    let (output, stored) = Chain::new()
        .run(|snapshot| {
            let mut sandbox = Sandbox::at(snapshot);
            sandbox.create(&answer)?;
            let expected = sandbox.create(&second)?;
            let output = sandbox.call(EXECUTOR, second.address(), [])?.output;
            Ok((output, expected.contract.slots[&U256::ZERO]))
        })
        .unwrap();
    assert_eq!(U256::from_be_slice(&output), U256::from(42));
    assert_eq!(stored, U256::from(ANSWER.len()));
}

#[test]
fn immutables_and_storage_are_computed_at_the_predicted_address() {
    // ADDRESS PUSH0 MSTORE, PUSH1 32 PUSH0 RETURN: the code is the contract's own address.
    let own = creation(hex!("305f5260205ff3"));
    let expected = create(&Chain::new(), &own).unwrap();
    assert_eq!(expected.contract.code[12..], own.address()[..]);

    // CHAINID in slot 1, and a zero in slot 2 that is no storage.
    let stores = creation(init(&hex!("46600155 5f600255"), &ANSWER));
    let expected = create(&Chain::new(), &stores).unwrap();
    let slots: Vec<_> = expected.contract.slots.into_iter().collect();
    assert_eq!(slots, [(U256::from(1), U256::from(31337))]);
}

#[test]
fn the_constructor_reads_target_state() {
    // A constructor that stores what TARGET answers; TARGET answers its slot 3.
    let mut prefix = hex!("60205f5f5f73").to_vec(); // output 0..32, no input
    prefix.extend(TARGET);
    prefix.extend(hex!("5afa505f515f55")); // GAS STATICCALL POP MLOAD(0) SSTORE(0)
    let reader = creation(init(&prefix, &ANSWER));
    let chain =
        Chain::new().with_code(TARGET, hex!("6003545f5260205ff3")).with_slot(TARGET, 3, 777);
    let expected = create(&chain, &reader).unwrap();
    assert_eq!(expected.contract.slots[&U256::ZERO], U256::from(777));
}

#[test]
fn what_is_there_already_is_computed_anew() {
    // A factory's constructor creates the answer: PUSH22 MSTORE, CREATE, SSTORE(0).
    let mut prefix = vec![0x75];
    prefix.extend(ANSWER_INIT);
    prefix.extend(hex!("5f526016600a5ff05f55"));
    let factory = creation(init(&prefix, &ANSWER));
    let fresh = create(&Chain::new(), &factory).unwrap();
    let child = factory.address().create(1);
    assert_eq!(fresh.nested.keys().collect::<Vec<_>>(), [&child]);
    assert_eq!(fresh.nested[&child].code.as_ref(), ANSWER);
    assert_eq!(fresh.contract.slots[&U256::ZERO], U256::from_be_slice(child.as_slice()));

    let deployed = Chain::new().with_code(factory.address(), [0xfe]).with_code(child, [0xfe, 0xfe]);
    assert_eq!(create(&deployed, &factory).unwrap(), fresh);
    // An ordinary transaction meets the collision, as it would on the chain.
    let outcome = deployed.run(|s| Sandbox::at(s).transact(&factory.tx())).unwrap();
    assert!(!outcome.is_success());
}

#[test]
fn creations_that_fail_say_why() {
    let reverts = creation(hex!("5f5ffd"));
    let Err(EvmError::CreationFailed { address, outcome }) = create(&Chain::new(), &reverts) else {
        panic!("a reverting constructor creates nothing");
    };
    assert_eq!(address, reverts.address());
    assert_eq!(outcome.cause().unwrap().to, reverts.address());

    // STOP: success, but no code.
    let empty = creation([0x00]);
    assert!(matches!(create(&Chain::new(), &empty), Err(EvmError::NotCreated { .. })));

    let none = Chain::default();
    assert!(matches!(create(&none, &empty), Err(EvmError::Create2Proxy { .. })));
    let other = Chain::default().with_code(CREATE2_PROXY, [0x00]);
    assert!(matches!(create(&other, &empty), Err(EvmError::Create2Proxy { .. })));
    // A failed creation leaves nothing behind.
    let code = Chain::new().run(|snapshot| {
        let mut sandbox = Sandbox::at(snapshot);
        assert!(sandbox.create(&reverts).is_err());
        sandbox.code(reverts.address())
    });
    assert!(code.unwrap().is_empty());
}

#[test]
fn any_transaction_may_create() {
    let address = EXECUTOR.create(0);
    let tx = Tx::create(EXECUTOR, ANSWER_INIT);
    let expected = Chain::new().run(|s| Sandbox::at(s).create_by(&tx, address)).unwrap();
    assert_eq!(expected.contract.code.as_ref(), ANSWER);
    let elsewhere = Chain::new().run(|s| Sandbox::at(s).create_by(&tx, TARGET));
    assert!(matches!(elsewhere, Err(EvmError::NotCreated { address }) if address == TARGET));
}
