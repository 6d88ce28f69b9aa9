//! What is signed is what was asked for, on this chain and with these fees.

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy_primitives::TxKind;
use tidegate_model::ChainId;
use tidegate_model::event::{Attempt, AttemptState};

use super::chain::read;
use super::*;
use crate::fees::Fees;
use crate::sign::{fees_of, intent_of, is_same, sign_attempt};

const FEES: Fees = Fees { max_fee_per_gas: 7, max_priority_fee_per_gas: 3 };

#[test]
fn signed_bytes_say_exactly_what_was_asked_for() {
    let key = Key { index: 2, broken: false };
    let intent = Intent { value: U256::from(9), ..intent("a", 1) };
    let signed = sign_attempt(&key, ChainId(5), &intent, 11, 21_000, FEES).unwrap();
    let found = read(ChainId(5), &signed.raw).unwrap();
    assert_eq!((found.tx.from, found.tx.nonce, found.tx.to), (key.address(), 11, Some(TARGET)));
    assert_eq!((found.tx.value, found.tx.input), (intent.value, intent.data));
    assert_eq!((found.tx.gas_limit, found.max_fee, found.tip), (21_000, 7, 3));
    assert_eq!(found.tx.hash, signed.hash);
    assert_eq!(alloy_primitives::keccak256(&signed.raw), signed.hash);
    assert!(read(ChainId(6), &signed.raw).is_err(), "another chain does not take them");
}

#[test]
fn a_key_that_refuses_gives_no_bytes() {
    let key = Key { index: 2, broken: true };
    let signed = sign_attempt(&key, ChainId(5), &intent("a", 1), 0, 21_000, FEES);
    assert!(matches!(signed, Err(EngineError::Sign(_))), "{signed:?}");
}

/// An attempt at an intent whose journal holds these bytes.
fn attempt(intent: &Intent, raw: Bytes) -> Attempt {
    Attempt {
        op: intent.op.clone(),
        intent: intent.bound(),
        nonce: 0,
        hash: B256::repeat_byte(5),
        raw,
        max_fee_per_gas: 7,
        state: AttemptState::Pending,
    }
}

fn signed(intent: &Intent) -> Bytes {
    let key = Key { index: 2, broken: false };
    sign_attempt(&key, ChainId(5), intent, 0, 21_000, FEES).unwrap().raw
}

#[test]
fn what_was_signed_can_be_read_again() {
    let intent = Intent { value: U256::from(9), ..alike("a", 1) };
    let attempt = attempt(&intent, signed(&intent));
    assert_eq!(intent_of(&attempt).unwrap(), intent);
    assert_eq!(fees_of(&attempt).unwrap(), FEES);
    assert!(is_same(&attempt, &intent).unwrap());
    for other in [
        alike("a", 1),
        Intent { data: Bytes::new(), ..intent.clone() },
        Intent { to: Address::ZERO, ..intent.clone() },
    ] {
        assert!(!is_same(&attempt, &other).unwrap(), "{other:?}");
    }
}

#[test]
fn bytes_that_are_no_transaction_of_ours_are_refused() {
    let key = Key { index: 2, broken: false };
    let creation = TxEip1559 { to: TxKind::Create, ..TxEip1559::default() };
    let signature = key.sign_digest(&creation.signature_hash()).unwrap();
    let creation = TxEnvelope::from(creation.into_signed(signature)).encoded_2718();
    let intent = intent("a", 1);
    let longer = [signed(&intent).as_ref(), &[0]].concat();
    for raw in [Bytes::new(), Bytes::from_static(&[2, 0]), creation.into(), longer.into()] {
        let attempt = attempt(&intent, raw);
        let read = intent_of(&attempt);
        assert!(
            matches!(read, Err(EngineError::Bytes { hash }) if hash == attempt.hash),
            "{attempt:?}: {read:?}"
        );
    }
    assert!(fees_of(&attempt(&intent, Bytes::new())).is_err());
}
