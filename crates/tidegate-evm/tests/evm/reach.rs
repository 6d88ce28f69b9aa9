//! What reaches a Safe and the helper while its batch runs.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, hex};
use tidegate_evm::{
    Batch, BatchFault, CallKind, Delegate, Leaves, Outcome, Sandbox, TX_GAS_MAX, Trespass,
};

use crate::world::{Chain, EXECUTOR, OTHER, SAFE, TARGET};

const HELPER: Address = Address::repeat_byte(0x4e);
const ROUTER: Address = Address::repeat_byte(0x70);

/// Code that calls an account without value, and goes on whatever comes of it.
fn call(to: Address) -> Vec<u8> {
    [&hex!("5f5f5f5f5f73")[..], to.as_slice(), &hex!("5af150")].concat()
}

fn static_call(to: Address) -> Vec<u8> {
    [&hex!("5f5f5f5f73")[..], to.as_slice(), &hex!("5afa50")].concat()
}

fn delegate_call(to: Address) -> Vec<u8> {
    [&hex!("5f5f5f5f73")[..], to.as_slice(), &hex!("5af450")].concat()
}

/// A batch of the Safe runs on these accounts' code.
fn run(batch: Vec<u8>, codes: &[(Address, Vec<u8>)]) -> Outcome {
    let mut chain = Chain::new().with_code(TARGET, batch);
    let known = [(SAFE, hex!("00").to_vec()), (HELPER, hex!("60015f5500").to_vec())];
    for (at, code) in known.iter().chain(codes) {
        chain = chain.with_code(*at, code.clone());
    }
    let delegate = Delegate {
        origin: EXECUTOR,
        caller: EXECUTOR,
        account: SAFE,
        code_at: TARGET,
        data: Default::default(),
        gas_limit: TX_GAS_MAX,
        watched: vec![SAFE, HELPER],
    };
    let outcome = chain.run(|snapshot| Sandbox::at(snapshot).delegate(&delegate)).unwrap();
    assert!(outcome.is_success(), "{}", outcome.why());
    outcome
}

fn trespasses(batch: Vec<u8>, codes: &[(Address, Vec<u8>)]) -> Vec<Trespass> {
    run(batch, codes).trespasses(SAFE, HELPER)
}

#[test]
fn the_batch_itself_may_call_the_helper_and_anybody_may_look() {
    let own = [call(HELPER), call(OTHER)].concat();
    assert_eq!(trespasses(own.clone(), &[(OTHER, call(ROUTER))]), []);
    assert_eq!(run(own, &[(OTHER, vec![])]).reached.len(), 1);
    let looks = [static_call(HELPER), static_call(SAFE)].concat();
    assert_eq!(trespasses(call(OTHER), &[(OTHER, looks)]), []);
    // Within a static call nothing that is called can change anything.
    assert_eq!(trespasses(static_call(OTHER), &[(OTHER, call(SAFE))]), []);
}

#[test]
fn whoever_is_called_may_not_call_on() {
    for watched in [SAFE, HELPER] {
        for via in [call(watched), delegate_call(watched)] {
            let found = trespasses(call(OTHER), &[(OTHER, via)]);
            let [Trespass::Call(reached)] = found[..] else { panic!("{found:?}") };
            assert_eq!((reached.depth, reached.from, reached.to), (2, OTHER, watched));
        }
        // Through a router, and where the call fails and is caught.
        let codes = [(OTHER, call(ROUTER)), (ROUTER, call(watched)), (SAFE, vec![0xfe])];
        let found = trespasses(call(OTHER), &codes);
        let [Trespass::Call(reached)] = found[..] else { panic!("{found:?}") };
        assert_eq!((reached.depth, reached.kind), (3, CallKind::Call));
        assert!(found[0].to_string().starts_with(&format!("{ROUTER}, which is called, makes")));
    }
}

#[test]
fn the_safe_is_left_as_it_is() {
    let found = trespasses(call(SAFE), &[]);
    assert!(matches!(found[..], [Trespass::Itself(_)]), "{found:?}");
    // Slot 0 of a Safe is its singleton; CREATE of nothing.
    let found = trespasses(hex!("60015f55 5f5f5ff050").to_vec(), &[]);
    assert_eq!(found, [Trespass::Nonce(SAFE), Trespass::Slot(SAFE, U256::ZERO)]);
}

/// A batch that is tried by everybody who may send it, and may create these contracts.
fn tried(codes: &[(Address, Vec<u8>)], creates: &[Address]) -> Result<Outcome, BatchFault> {
    let mut chain = Chain::new().with_code(TARGET, call(OTHER)).with_code(SAFE, hex!("00"));
    for (at, code) in codes {
        chain = chain.with_code(*at, code.clone());
    }
    let leaves = creates.iter().map(|at| (*at, Leaves::default())).collect();
    tried_over(&chain, &leaves)
}

fn tried_over(chain: &Chain, leaves: &BTreeMap<Address, Leaves>) -> Result<Outcome, BatchFault> {
    let (account, code_at, data) = (SAFE, TARGET, Default::default());
    let batch = Batch { account, code_at, data, helper: HELPER, leaves };
    chain.run(|snapshot| Sandbox::at(snapshot).batch(&batch)).unwrap()
}

#[test]
fn a_batch_does_the_same_whoever_sends_it() {
    let quiet = hex!("60015f5500").to_vec();
    assert!(tried(&[(OTHER, quiet)], &[]).is_ok());
    // ORIGIN: kept, logged, paid, asked for its code, and whether it is the Safe.
    let only_safe = [&hex!("3273")[..], SAFE.as_slice(), &hex!("14601d575f5ffd5b00")].concat();
    let calls_helper = [&hex!("3273")[..], SAFE.as_slice(), &hex!("146035575f5f5f5f5f73")].concat();
    let calls_helper = [&calls_helper[..], HELPER.as_slice(), &hex!("5af1505b00")].concat();
    let cases = [
        (OTHER, hex!("325f5500").to_vec(), "otherwise"),
        (OTHER, hex!("325f5fa100").to_vec(), "other events"),
        (OTHER, hex!("323b5f5500").to_vec(), "otherwise"),
        (TARGET, only_safe, "it fails"),
        (OTHER, calls_helper, "makes a call"),
    ];
    for (at, code, says) in cases {
        let Err(fault) = tried(&[(at, code.clone())], &[]) else { panic!("{code:x?}") };
        let text = fault.to_string();
        assert!(text.contains("depends on who sends it (tx.origin)"), "{text}");
        assert!(text.contains(says), "{says}: {text}");
    }
    // A router of theirs may pass it on; who calls the Safe is seen by nobody else.
    assert!(tried(&[(OTHER, hex!("335f5500").to_vec())], &[]).is_ok());
}

#[test]
fn a_batch_creates_what_is_expected() {
    // CREATE of initcode that leaves one byte of code: 60015ff3.
    let creates = hex!("6360015ff35f526004601c5ff000").to_vec();
    let child = OTHER.create(1);
    assert!(tried(&[(OTHER, creates.clone())], &[child]).is_ok());
    let found = tried(&[(OTHER, creates)], &[SAFE]);
    let Err(BatchFault::Creates(made)) = found else { panic!("{found:?}") };
    assert_eq!((made.by, made.at), (OTHER, child));
    let fails = tried(&[(OTHER, hex!("00").to_vec()), (TARGET, hex!("5f5ffd").to_vec())], &[]);
    assert!(matches!(fails, Err(BatchFault::Fails(_))), "{fails:?}");
}

#[test]
fn what_stands_there_already_does_not_decide() {
    // OTHER copies slot 1 of ROUTER, which answers with it, to its own slot 0.
    let copies = [&hex!("60205f5f5f73")[..], ROUTER.as_slice(), &hex!("5afa505f515f5500")].concat();
    let chain = Chain::new().with_code(TARGET, call(OTHER)).with_code(SAFE, hex!("00"));
    let chain = chain.with_code(OTHER, copies).with_code(ROUTER, hex!("6001545f5260205ff3"));
    let (zero, one, seven) = (U256::ZERO, U256::ONE, U256::from(7));
    let leaves = |slots: &[(U256, U256)], varying: &[U256]| {
        let slots = slots.iter().copied().collect();
        let leaves = Leaves { slots, varying: varying.iter().copied().collect() };
        BTreeMap::from([(OTHER, leaves), (ROUTER, Leaves::default())])
    };
    assert!(tried_over(&chain, &leaves(&[], &[])).is_ok());
    let used = chain.with_slot(ROUTER, 1, 7);
    let found = tried_over(&used, &leaves(&[], &[]));
    let fault = BatchFault::Leaves { at: OTHER, slot: zero, found: seven, expected: zero };
    assert_eq!(found.unwrap_err(), fault);
    assert!(tried_over(&used, &leaves(&[(zero, seven)], &[])).is_ok());
    assert!(tried_over(&used, &leaves(&[], &[zero])).is_ok(), "it depends on the block");
    // Also of a slot that the batch does not touch.
    let found = tried_over(&used, &leaves(&[(zero, seven), (one, seven)], &[]));
    assert!(matches!(found, Err(BatchFault::Leaves { slot, .. }) if slot == one), "{found:?}");
}
