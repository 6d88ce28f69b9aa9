//! Reads on a healthy chain, by one endpoint and by two.

use alloy_primitives::{Address, B256, Bytes, U256, bytes, keccak256};
use tidegate_chain::{CallOutcome, GasQuery, LogQuery, ReadError};
use tidegate_model::ids::{BlockRef, ChainId};
use tidegate_model::ports::{StateKey, StateSnapshot, StateView};
use tidegate_testkit::{Reply, Transaction, test_address, test_key};

use crate::support::{Outcome, SIMULATED, anvil, config, connect, pair, run, single};

/// Runtime: with calldata, stores its first word in slot 0 and logs it as topic; without, returns
/// slot 0, or reverts with 32 zero bytes where that is empty.
const CELL: Bytes = bytes!("0x3615600e575f35805f555f5fa1005b5f548060195760205ffd5b5f5260205ff3");

fn initcode(runtime: &[u8]) -> Bytes {
    let length = u8::try_from(runtime.len()).expect("a short runtime");
    // PUSH1 len, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN
    [&[0x60, length, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3], runtime].concat().into()
}

#[test]
fn state_is_read_at_the_block_that_is_named() -> Outcome {
    let pair = pair(|_, _| Reply::Forward)?;
    let (anvil, key) = (&pair.anvil, test_key(0));
    let created = anvil.send(&key, None, initcode(&CELL), U256::ZERO)?;
    let cell = created.contract_address.expect("a creation");
    let word = B256::repeat_byte(7);
    let stored = anvil.send(&key, Some(cell), word.to_vec(), U256::ZERO)?;
    let (before, after) = (created.block, stored.block);

    for network in [pair.network.clone(), single(&pair.network)] {
        run(async {
            assert_eq!(network.code(cell, after).await?, CELL);
            assert_eq!(network.code_hash(cell, after).await?, keccak256(&CELL));
            assert_eq!(network.code_hash(Address::ZERO, after).await?, keccak256([]));
            assert_eq!(network.storage(cell, U256::ZERO, before).await?, U256::ZERO);
            assert_eq!(
                network.storage(cell, U256::ZERO, after).await?,
                U256::from_be_bytes(word.0)
            );
            assert_eq!(network.nonce(key.address(), before).await?, 1);
            assert_eq!(network.nonce(key.address(), after).await?, 2);
            assert_eq!(network.pending_nonce(key.address()).await?, 2);
            assert!(
                network.balance(key.address(), before).await?
                    > network.balance(key.address(), after).await?
            );
            assert_eq!(network.call(cell, &Bytes::new(), after).await?, word.to_vec());
            let outcome = network.try_call(cell, &Bytes::new(), before).await?;
            assert_eq!(outcome, CallOutcome::Reverted(vec![0; 32].into()));
            let reverted = network.call(cell, &Bytes::new(), before).await;
            assert!(matches!(reverted, Err(ReadError::Reverted { .. })), "{reverted:?}");
            Ok::<_, ReadError>(())
        })?;
    }
    assert!(pair.honest.calls("eth_getCode") > 0 && pair.other.calls("eth_getCode") > 0);
    Ok(())
}

#[test]
fn heads_receipts_and_transactions() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let sent = anvil.send(&test_key(0), None, initcode(&CELL), U256::ZERO)?;
    let cell = sent.contract_address.expect("a creation");
    let topic = B256::repeat_byte(9);
    let logged = anvil.send(&test_key(1), Some(cell), topic.to_vec(), U256::ZERO)?;
    let forced = Transaction { gas: Some(100_000), ..Transaction::call(cell, vec![0_u8; 1]) };
    let plain = anvil.send_transaction(&test_key(1), &forced)?;
    anvil.mine(3)?;
    run(async {
        let latest = network.latest_head().await?;
        assert_eq!(latest, anvil.latest().expect("anvil answers"));
        let finalized = network.finalized_head().await?;
        assert_eq!(finalized.block.number, latest.block.number - 2);
        assert_eq!(network.head_at(finalized.block.number).await?, finalized);
        assert_eq!(network.head_by_hash(latest.block.hash).await?, Some(latest));
        assert_eq!(network.head_by_hash(B256::ZERO).await?, None);
        assert!(network.is_canonical(sent.block).await?);
        assert!(!network.is_canonical(BlockRef { number: 1, hash: B256::ZERO }).await?);
        let beyond = BlockRef { number: 99, hash: B256::ZERO };
        assert!(!network.is_canonical(beyond).await?);
        let none = network.head_at(99).await;
        assert!(matches!(none, Err(ReadError::NotFound { .. })), "{none:?}");

        let receipt = network.receipt(logged.hash).await?.expect("included");
        assert_eq!((receipt.block, receipt.status, receipt.index), (logged.block, true, 0));
        assert_eq!((receipt.from, receipt.to), (test_address(1), Some(cell)));
        assert_eq!(receipt.gas_used, logged.gas_used);
        assert_eq!(receipt.effective_gas_price, logged.effective_gas_price);
        assert_eq!(receipt.logs.len(), 1);
        assert_eq!((receipt.logs[0].address, &receipt.logs[0].topics), (cell, &vec![topic]));
        assert!(network.receipt(plain.hash).await?.expect("included").status);
        assert_eq!(network.receipt(B256::ZERO).await?, None);

        let creation = network.transaction(sent.hash).await?.expect("included");
        assert_eq!((creation.to, creation.nonce), (None, 0));
        assert_eq!((creation.block, creation.input), (Some(sent.block), initcode(&CELL)));
        assert_eq!(network.transaction(B256::ZERO).await?, None);
        Ok::<_, ReadError>(())
    })?;
    Ok(())
}

#[test]
fn fees_and_gas() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let reverter = anvil.send(&test_key(0), None, initcode(&CELL), U256::ZERO)?;
    let query = |to, value: u64| GasQuery {
        from: test_address(0),
        to: Some(to),
        data: Bytes::new(),
        value: U256::from(value),
    };
    run(async {
        let fees = network.fee_data().await?;
        assert!(fees.base_fee > 0 && fees.priority_fee > 0, "{fees:?}");
        assert_eq!(network.estimate_gas(&query(test_address(1), 1)).await?, 21_000);
        let cell = reverter.contract_address.expect("a creation");
        let reverted = network.estimate_gas(&query(cell, 0)).await;
        assert!(matches!(reverted, Err(ReadError::Reverted { .. })), "{reverted:?}");
        Ok::<_, ReadError>(())
    })?;
    Ok(())
}

#[test]
fn a_snapshot_is_filled_at_its_own_block() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let created = anvil.send(&test_key(0), None, initcode(&CELL), U256::ZERO)?;
    let cell = created.contract_address.expect("a creation");
    anvil.send(&test_key(0), Some(cell), vec![1_u8; 32], U256::ZERO)?;
    let head = anvil.latest()?;
    anvil.send(&test_key(0), Some(cell), vec![2_u8; 32], U256::from(0))?;

    let mut snapshot = StateSnapshot::empty(ChainId(SIMULATED), head);
    run(async {
        for key in [
            StateKey::Account(test_address(0)),
            StateKey::Account(cell),
            StateKey::Slot(cell, U256::ZERO),
            StateKey::BlockHash(created.block.number),
        ] {
            network.fill(&mut snapshot, key).await?;
        }
        Ok::<_, ReadError>(())
    })?;
    assert_eq!(snapshot.account(test_address(0)).expect("filled").nonce, 2);
    assert_eq!(snapshot.account(cell).expect("filled").code, CELL);
    assert_eq!(snapshot.slot(cell, U256::ZERO), Some(U256::from_be_bytes([1; 32])));
    assert_eq!(snapshot.block_hash(created.block.number), Some(created.block.hash));
    let later = run(network.fill(&mut snapshot, StateKey::BlockHash(head.block.number)));
    assert!(matches!(later, Err(ReadError::NotFound { .. })), "{later:?}");
    Ok(())
}

#[test]
fn logs_come_in_order_whatever_range_is_served() -> Outcome {
    let pair = pair(|method, params| {
        // This endpoint serves three blocks at a time, and says so as providers do.
        let bound = |name: &str| {
            let text = params[0][name].as_str().unwrap_or_default();
            u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_default()
        };
        if method == "eth_getLogs" && bound("toBlock") - bound("fromBlock") > 2 {
            let message = "query exceeds max block range 3".to_owned();
            return Reply::Error { code: -32005, message, data: None };
        }
        Reply::Forward
    })?;
    let key = test_key(0);
    let created = pair.anvil.send(&key, None, initcode(&CELL), U256::ZERO)?;
    let cell = created.contract_address.expect("a creation");
    let topics: Vec<B256> = (1..=8).map(B256::repeat_byte).collect();
    for topic in &topics {
        pair.anvil.send(&key, Some(cell), topic.to_vec(), U256::ZERO)?;
    }
    let last = pair.anvil.latest()?.block.number;
    let read = |addresses: &[Address], topics: Vec<Vec<B256>>, from, to| {
        let query = LogQuery { addresses: addresses.to_vec(), topics, from, to };
        run(pair.network.logs(&query))
            .map(|logs| logs.iter().map(|log| log.topics[0]).collect::<Vec<_>>())
    };
    let none: [B256; 0] = [];
    assert_eq!(read(&[cell], vec![], 0, last)?, topics);
    assert_eq!(read(&[cell], vec![], 4, 5)?, topics[2..4]);
    assert_eq!(read(&[cell], vec![vec![topics[6], topics[1]]], 0, last)?, [topics[1], topics[6]]);
    assert_eq!(read(&[cell], vec![vec![], vec![topics[0]]], 0, last)?, none);
    assert_eq!(read(&[test_address(5)], vec![], 0, last)?, none);
    assert_eq!(read(&[], vec![], 0, last)?, none);
    Ok(())
}
