//! Cheating with what stands behind what is shown: a Safe's storage.

use alloy_primitives::{Address, B256, Bytes, U256, address, bytes, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use libtest_mimic::Failed;
use tidegate_testkit::safe::{self, Singleton};
use tidegate_testkit::{actor, actor_address};

use crate::support::{Case, Outcome, Scene, cases, json_text, safe_call, safe_runs, said};

sol! {
    function setup(
        address[] owners, uint256 threshold, address to, bytes data, address fallbackHandler,
        address paymentToken, uint256 payment, address paymentReceiver
    );
    function createProxyWithNonce(address singleton, bytes initializer, uint256 saltNonce)
        returns (address proxy);
    function setupToL2(address l2Singleton);
    function signMessage(bytes data);
    function approveHash(bytes32 hash);
    function multiSend(bytes transactions);
    function enableModule(address module);
    function disableModule(address before, address module);
    function execTransactionFromModule(
        address to, uint256 value, bytes data, uint8 operation
    ) returns (bool);
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Funded:
            cheat_a_safe_that_holds_more_than_it_shows,
            cheat_a_module_that_hid_something_after_the_proposal;
        Ready:
            cheat_a_batch_that_runs_a_strangers_code,
            cheat_an_owner_who_approves_without_end,
            what_a_safe_did_by_itself_is_known;
    }
}

const ETHER: u64 = 1_000_000_000_000_000_000;
const SENTINEL: Address = Address::with_last_byte(1);
const HIDDEN: Address = Address::with_last_byte(0xbb);
/// Code that writes each pair of words behind the selector: a slot, and what comes there.
const WRITER: Address = address!("00000000000000000000000000000000000000aa");
const WRITER_CODE: Bytes = bytes!("60045b3681101560185780602001358135556040016002565b00");

fn word(number: u64) -> B256 {
    U256::from(number).into()
}

/// The slot of an entry of the mapping in a slot.
fn entry(key: Address, mapping: u64) -> B256 {
    keccak256([key.into_word(), word(mapping)].concat())
}

fn writes(pairs: &[(B256, B256)]) -> Vec<u8> {
    let words = pairs.iter().flat_map(|(slot, value)| [slot.0, value.0]);
    [vec![0; 4], words.collect::<Vec<_>>().concat()].concat()
}

/// An owner and a module that no list shows.
fn hidden() -> [(B256, B256); 2] {
    [(entry(HIDDEN, 2), HIDDEN.into_word()), (entry(HIDDEN, 1), SENTINEL.into_word())]
}

/// A Safe of the world's owners, whose setup runs `data` of `to`; or a proxy before another
/// singleton, which nobody sets up.
fn make(
    scene: &Scene<'_>,
    singleton: Address,
    to: Address,
    data: &[u8],
) -> Result<Address, Failed> {
    let mainnet = &scene.world.mainnet;
    let setup = setupCall {
        owners: ["o1", "o2", "o3"].map(actor_address).to_vec(),
        threshold: U256::from(2),
        to,
        data: data.to_vec().into(),
        fallbackHandler: safe::FALLBACK_HANDLER,
        paymentToken: Address::ZERO,
        payment: U256::ZERO,
        paymentReceiver: Address::ZERO,
    };
    let initializer = if singleton == WRITER { Vec::new() } else { setup.abi_encode() };
    let call = createProxyWithNonceCall {
        singleton,
        initializer: initializer.into(),
        saltNonce: U256::from(99),
    };
    let returned = mainnet.call(safe::PROXY_FACTORY, &call.abi_encode().into())?;
    let made = Address::abi_decode(&returned)?;
    let mallory = actor("mallory");
    mainnet.send(&mallory, Some(safe::PROXY_FACTORY), call.abi_encode(), U256::ZERO)?;
    Ok(made)
}

fn arm(scene: &Scene<'_>) -> Outcome {
    let mainnet = &scene.world.mainnet;
    mainnet.set_balance(actor_address("mallory"), U256::from(ETHER))?;
    Ok(mainnet.set_code(WRITER, &WRITER_CODE)?)
}

/// By setup, through a singleton that is none of Safe's, and by a factory that is none.
fn cheat_a_safe_that_holds_more_than_it_shows(scene: &Scene<'_>) -> Outcome {
    arm(scene)?;
    let (mainnet, mallory) = (&scene.world.mainnet, actor("mallory"));
    let singleton = Singleton::Safe.address();
    let by_setup = make(scene, singleton, WRITER, &writes(&hidden()))?;

    let fake = make(scene, WRITER, Address::ZERO, &[])?;
    let list = [SENTINEL, actor_address("o1"), actor_address("o2"), actor_address("o3")];
    let mut all: Vec<_> = (0..list.len())
        .map(|at| (entry(list[at], 2), list[(at + 1) % list.len()].into_word()))
        .collect();
    all.extend([(word(3), word(3)), (word(4), word(2))]);
    all.push((entry(SENTINEL, 1), SENTINEL.into_word()));
    let handler = keccak256("fallback_manager.handler.address");
    all.push((handler, safe::FALLBACK_HANDLER.into_word()));
    all.extend(hidden());
    all.push((B256::ZERO, singleton.into_word()));
    mainnet.send(&mallory, Some(fake), writes(&all), U256::ZERO)?;

    // The proxy's own code, but nobody knows what stood in its storage when it came to be.
    let from_nowhere = Address::with_last_byte(0xcc);
    let proxy = mainnet.code(scene.world.safe)?;
    mainnet.set_code(from_nowhere, &WRITER_CODE)?;
    mainnet.send(&mallory, Some(from_nowhere), writes(&all), U256::ZERO)?;
    mainnet.set_code(from_nowhere, &proxy)?;
    scene.world.settle()?;

    let mut before = scene.world.safe;
    for (safe, says) in [
        (by_setup, format!("the Safe's setup ran code of {WRITER} as the Safe")),
        (fake, format!("was created with the singleton {WRITER}, which is not one of Safe's")),
        (from_nowhere, "the Safe was not created by a known factory of Safe's".to_owned()),
    ] {
        scene.edit("tidegate.toml", &before.to_string(), &safe.to_string())?;
        before = safe;
        scene.forget_safes()?;
        scene.status()?.expect("safe", "UNKNOWN", (&["unexplained-run"], &[says.as_str()]))?;
        let refused = scene.run("eva", &["policy", "adopt"], 1)?;
        assert!(said(&refused).contains(&says), "{refused:?}");
    }
    Ok(())
}

/// Its owners enabled it for a moment; what it did then is no change that the nonce shows.
fn cheat_a_module_that_hid_something_after_the_proposal(scene: &Scene<'_>) -> Outcome {
    arm(scene)?;
    let (mainnet, safe, mallory) = (&scene.world.mainnet, scene.world.safe, actor("mallory"));
    safe_call(scene, safe, enableModuleCall { module: mallory.address() }.abi_encode())?;
    scene.edit("tidegate.toml", "audits = 2", "audits = 3")?;
    let adopt = scene.done("eva", &["policy", "adopt", "--json"])?;
    let proposal = json_text(&adopt, "proposal")?;
    scene.sign(&proposal, &["o1"])?;

    let data = writes(&hidden()).into();
    let hide = execTransactionFromModuleCall { to: WRITER, value: U256::ZERO, data, operation: 1 };
    mainnet.send(&mallory, Some(safe), hide.abi_encode(), U256::ZERO)?;
    let says = format!("the Safe was moved by the module {}", mallory.address());
    let refused = scene.person("o2").run(&scene.signing(&proposal))?.expect_code(1)?;
    assert!(said(&refused).contains(&says), "{refused:?}");
    let refused = scene.approve("ops", &["proposal", "execute", &proposal])?;
    assert_ne!(refused.code, 0, "{refused:?}");
    Ok(())
}

/// The owners ran it themselves, deep in a batch that looks like any other.
fn cheat_a_batch_that_runs_a_strangers_code(scene: &Scene<'_>) -> Outcome {
    arm(scene)?;
    let batch = |calls: &[(u8, Address, Vec<u8>)]| {
        let packed = calls.iter().flat_map(|(operation, to, data)| {
            let length: B256 = U256::from(data.len()).into();
            [&[*operation], to.as_slice(), &[0; 32], length.as_slice(), data].concat()
        });
        multiSendCall { transactions: packed.collect::<Vec<_>>().into() }.abi_encode()
    };
    let inner = batch(&[(1, WRITER, writes(&hidden()))]);
    let outer = batch(&[(1, safe::MULTI_SEND, inner)]);
    safe_runs(scene, safe::MULTI_SEND, outer, 1)?;
    scene.world.settle()?;
    let status = scene.status()?;
    let ran = format!("ran code of {WRITER} as the Safe");
    status.expect("safe", "UNKNOWN", (&["unexplained-run"], &[ran.as_str()]))?;
    status.expect_others_pass(&["safe"])?;
    scene.run("eva", &["promote"], 30)?;
    Ok(())
}

/// What owners read is not buried under approvals that one of them makes.
fn cheat_an_owner_who_approves_without_end(scene: &Scene<'_>) -> Outcome {
    let (mainnet, o1) = (&scene.world.mainnet, actor("o1"));
    mainnet.set_balance(o1.address(), U256::from(ETHER))?;
    for number in 0..12_u8 {
        let approve = approveHashCall { hash: keccak256([number]) }.abi_encode();
        mainnet.send(&o1, Some(scene.world.safe), approve, U256::ZERO)?;
    }
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("safe", "PASS", &[])?;
    assert_eq!(status.0["approvals"].as_array().map(Vec::len), Some(12), "{status:?}");
    let shown = said(&scene.run("eva", &["status"], 0)?);
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("and 4 more, all in `status --json`"), "{shown}");
    assert_eq!(flat.matches("(by 1, 1 missing)").count(), 8, "{shown}");
    Ok(())
}

/// Messages that it signed, approvals, batches with its own libraries, a key that runs code.
fn what_a_safe_did_by_itself_is_known(scene: &Scene<'_>) -> Outcome {
    let mainnet = &scene.world.mainnet;
    let sign = signMessageCall { data: b"hello".to_vec().into() }.abi_encode();
    safe_runs(scene, safe::SIGN_MESSAGE_LIB, sign, 1)?;
    let approved = keccak256("later");
    let o1 = actor("o1");
    let approve = approveHashCall { hash: approved }.abi_encode();
    mainnet.send(&o1, Some(scene.world.safe), approve, U256::ZERO)?;
    mainnet.set_code(o1.address(), &[&[0xef, 0x01, 0x00], WRITER.as_slice()].concat().into())?;
    scene.world.settle()?;
    let status = scene.status()?;
    status.expect("safe", "PASS", &[])?;
    let shown = scene.run("eva", &["status"], 0)?;
    for says in [
        format!("{} (a key that runs code of {WRITER}, EIP-7702)", o1.address()),
        format!("approved on chain and not executed: {approved} (by 1, 1 missing)"),
    ] {
        let flat = said(&shown).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&says), "{shown:?}");
    }

    mainnet.set_balance(actor_address("mallory"), U256::from(ETHER))?;
    let l2 = Singleton::SafeL2.address();
    let data = setupToL2Call { l2Singleton: l2 }.abi_encode();
    let moved = make(scene, Singleton::Safe.address(), safe::SAFE_TO_L2_SETUP, &data)?;
    scene.world.settle()?;
    scene.edit("tidegate.toml", &scene.world.safe.to_string(), &moved.to_string())?;
    scene.forget_safes()?;
    scene.done("eva", &["policy", "adopt"])?;
    Ok(())
}
