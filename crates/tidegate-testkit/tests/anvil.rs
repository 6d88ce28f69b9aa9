//! The harness does what its documentation says, on a real anvil.

use alloy_primitives::{B256, Bytes, U256, address, bytes};
use serde_json::json;
use tidegate_testkit::safe::{self, Singleton};
use tidegate_testkit::{
    Anvil, AnvilOptions, BLOCK_INTERVAL_SECS, GENESIS_TIMESTAMP, Receipt, Reply, RpcClient,
    ScriptedNode, TestkitError, Tools, Transaction, test_address, test_key,
};

type Outcome = Result<(), TestkitError>;

/// Runtime `PUSH0 PUSH0 REVERT`, behind a constructor that copies it.
const REVERTER: Bytes = bytes!("0x625f5ffd5f526003601df3");

#[test]
fn time_moves_only_by_what_is_mined() -> Outcome {
    let anvil = Anvil::start(&Tools::here()?, AnvilOptions::new(31337))?;
    let genesis = anvil.latest()?;
    assert_eq!((genesis.block.number, genesis.timestamp), (0, GENESIS_TIMESTAMP));
    assert_eq!(genesis.block.hash, anvil.genesis_hash()?);

    let mut expected = GENESIS_TIMESTAMP;
    let check = |expected: u64| -> Outcome {
        assert_eq!(anvil.latest()?.timestamp, expected);
        Ok(())
    };
    anvil.mine(3)?;
    expected += 3 * BLOCK_INTERVAL_SECS;
    check(expected)?;
    anvil.mine_span(300, 3_600)?;
    expected += 300 * 3_600;
    check(expected)?;
    let snapshot = anvil.snapshot()?;
    anvil.mine_at(expected + 86_400)?;
    check(expected + 86_400)?;
    anvil.revert(snapshot)?;
    check(expected)?;
    anvil.send(&test_key(0), Some(test_address(1)), Bytes::new(), U256::from(7))?;
    expected += BLOCK_INTERVAL_SECS;
    check(expected)?;
    assert_eq!(anvil.finalized()?.block.number + 2, anvil.latest()?.block.number);
    Ok(())
}

#[test]
fn chains_with_equal_options_have_one_genesis() -> Outcome {
    let tools = Tools::here()?;
    let start = |chain, timestamp| {
        Anvil::start(&tools, AnvilOptions { timestamp, ..AnvilOptions::new(chain) })
            .and_then(|anvil| anvil.genesis_hash())
    };
    let first = start(31337, GENESIS_TIMESTAMP)?;
    assert_eq!(first, start(31337, GENESIS_TIMESTAMP)?);
    assert_ne!(first, start(31337, GENESIS_TIMESTAMP + 1)?);
    Ok(())
}

#[test]
fn transactions_succeed_and_revert_as_told() -> Outcome {
    let anvil = Anvil::start(&Tools::here()?, AnvilOptions::new(31337))?;
    let key = test_key(0);
    let created = anvil.send(&key, None, REVERTER, U256::ZERO)?;
    let reverter = created.contract_address.expect("a creation has an address");
    assert_eq!(anvil.code(reverter)?, bytes!("0x5f5ffd"));

    let refused = anvil.send(&key, Some(reverter), Bytes::new(), U256::ZERO);
    assert!(matches!(refused, Err(TestkitError::Rpc { .. })), "{refused:?}");
    let forced = Transaction { gas: Some(100_000), ..Transaction::call(reverter, Bytes::new()) };
    assert!(!anvil.send_transaction(&key, &forced)?.status);

    // The gas limit of one transaction holds, as it does on public chains.
    let too_much = Transaction { gas: Some(16_777_217), ..forced };
    assert!(matches!(anvil.send_transaction(&key, &too_much), Err(TestkitError::Rpc { .. })));
    Ok(())
}

#[test]
fn state_can_be_set() -> Outcome {
    let anvil = Anvil::start(&Tools::here()?, AnvilOptions::new(31338))?;
    let somebody = address!("0x00000000000000000000000000000000000000aa");
    anvil.set_balance(somebody, U256::from(5))?;
    anvil.set_nonce(somebody, 9)?;
    // SLOAD(0) RETURN
    anvil.set_code(somebody, &bytes!("0x5f545f5260205ff3"))?;
    anvil.set_storage(somebody, U256::ZERO, B256::repeat_byte(3))?;
    assert_eq!(anvil.balance(somebody)?, U256::from(5));
    assert_eq!(anvil.call(somebody, &Bytes::new())?.as_ref(), [3; 32]);
    assert_eq!(anvil.rpc("eth_getTransactionCount", json!([somebody, "latest"]))?, "0x9");
    assert_eq!(anvil.rpc("eth_chainId", json!([]))?, "0x7a6a");
    Ok(())
}

#[test]
fn by_hand_nothing_is_mined_until_a_miner_comes() -> Outcome {
    let anvil = Anvil::start(&Tools::here()?, AnvilOptions::manual(31337))?;
    let raw = anvil.sign(&test_key(0), &Transaction::call(test_address(1), Bytes::new()))?;
    let hash = anvil.send_raw(&raw)?;
    assert_eq!(anvil.receipt(hash)?, None);
    let included_by_hand: Receipt =
        anvil.send(&test_key(2), Some(test_address(1)), Bytes::new(), U256::ZERO)?;
    assert_eq!(included_by_hand.block.number, 1);
    assert_eq!(anvil.wait_receipt(hash)?.block.number, 1);

    let miner = anvil.miner();
    let mined = anvil.send(&test_key(0), Some(test_address(1)), Bytes::new(), U256::ZERO)?;
    assert_eq!(mined.block.number, 2);
    miner.pause();
    let raw = anvil.sign(&test_key(0), &Transaction::call(test_address(1), Bytes::new()))?;
    let paused = anvil.send_raw(&raw)?;
    assert_eq!(anvil.receipt(paused)?, None);
    miner.resume();
    assert_eq!(anvil.wait_receipt(paused)?.block.number, 3);
    drop(miner);
    assert_eq!(anvil.latest()?.timestamp, GENESIS_TIMESTAMP + 3 * BLOCK_INTERVAL_SECS);
    Ok(())
}

#[test]
fn the_canonical_safe_stands_at_its_real_addresses() -> Outcome {
    let tools = Tools::here()?;
    let owners = [test_address(0), test_address(1), test_address(2)];
    for chain in [31337, 1] {
        let anvil = Anvil::start(&tools, AnvilOptions::new(chain))?;
        safe::install(&anvil, &tools)?;
        let vector = safe::deploy_safe(&anvil, &test_key(9), Singleton::SafeL2, &owners, 2, 42)?;
        assert_eq!(vector, address!("0xE1f5498A6D5D4aE82e420C256dA066743CA4b7d9"));
        let other = safe::deploy_safe(&anvil, &test_key(9), Singleton::Safe, &owners, 2, 42)?;
        assert_ne!(other, vector);
        assert!(!anvil.code(other)?.is_empty());
        let nonce = anvil.rpc("eth_getTransactionCount", json!([test_address(0), "latest"]))?;
        assert_eq!(nonce, "0x0", "installing must not use a test account");
    }
    Ok(())
}

#[test]
fn a_scripted_node_lies_hangs_up_and_forwards() -> Outcome {
    let anvil = Anvil::start(&Tools::here()?, AnvilOptions::new(31337))?;
    let node = ScriptedNode::start(Some(anvil.url()), |method, _| match method {
        "eth_chainId" => Reply::Result(json!("0x1")),
        "eth_gasPrice" => Reply::HangUp,
        "anvil_mine" => Reply::ForwardAndHangUp,
        "net_version" => Reply::Error { code: -7, message: "no".to_owned(), data: None },
        _ => Reply::Forward,
    })?;
    let client = RpcClient::new(node.url());
    assert_eq!(client.call("eth_chainId", json!([]))?, "0x1");
    assert_eq!(client.call("eth_blockNumber", json!([]))?, "0x0");
    let lost = client.call("eth_gasPrice", json!([]));
    assert!(matches!(lost, Err(TestkitError::Transport { .. })), "{lost:?}");
    let error = client.call("net_version", json!([]));
    assert!(matches!(error, Err(TestkitError::Rpc { code: -7, .. })), "{error:?}");
    assert!(client.call("anvil_mine", json!(["0x2"])).is_err());
    assert_eq!(anvil.latest()?.block.number, 2, "the call arrived, only its answer is lost");
    assert_eq!(node.calls("anvil_mine"), 1);
    Ok(())
}
