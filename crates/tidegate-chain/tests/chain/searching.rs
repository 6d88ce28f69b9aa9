//! What is found by bisection.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, I256, U256};
use tidegate_chain::ReadError;
use tidegate_testkit::{GENESIS_TIMESTAMP, Transaction, test_address, test_key};

use crate::support::{Outcome, SIMULATED, anvil, config, connect, run};

#[test]
fn the_first_block_of_a_moment() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    anvil.mine_span(10, 100)?;
    anvil.mine_at(GENESIS_TIMESTAMP + 5_000)?;
    let upper = anvil.latest()?;
    let cases = [
        (0, Some(0)),
        (GENESIS_TIMESTAMP, Some(0)),
        (GENESIS_TIMESTAMP + 1, Some(1)),
        (GENESIS_TIMESTAMP + 300, Some(3)),
        (GENESIS_TIMESTAMP + 301, Some(4)),
        (GENESIS_TIMESTAMP + 1_000, Some(10)),
        (GENESIS_TIMESTAMP + 1_001, Some(11)),
        (GENESIS_TIMESTAMP + 5_000, Some(11)),
        (GENESIS_TIMESTAMP + 5_001, None),
    ];
    for (timestamp, expected) in cases {
        let found = run(network.first_block_at_or_after(timestamp, upper))?;
        assert_eq!(found.map(|head| head.block.number), expected, "{timestamp}");
    }
    let lower = run(network.head_at(4))?;
    assert_eq!(run(network.first_block_at_or_after(GENESIS_TIMESTAMP + 301, lower))?, Some(lower));
    assert_eq!(run(network.first_block_at_or_after(lower.timestamp + 1, lower))?, None);
    Ok(())
}

#[test]
fn what_a_sender_sent() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let (sender, stranger) = (test_key(0), test_key(1));
    let mut sent = Vec::new();
    for round in 0..5 {
        let to = Some(test_address(2));
        sent.push(anvil.send(&sender, to, Bytes::new(), U256::from(round))?.hash);
        anvil.mine(round)?;
        anvil.send(&stranger, to, Bytes::new(), U256::ZERO)?;
    }
    // Three of one sender in one block, beside another's.
    anvil.rpc("anvil_setAutomine", serde_json::json!([false]))?;
    for nonce in 5..8 {
        let transaction = Transaction {
            nonce: Some(nonce),
            gas: Some(21_000),
            ..Transaction::call(test_address(2), Bytes::new())
        };
        sent.push(anvil.send_raw(&anvil.sign(&sender, &transaction)?)?);
    }
    let gas = Some(21_000);
    let other = Transaction { gas, ..Transaction::call(test_address(2), Bytes::new()) };
    anvil.send_raw(&anvil.sign(&stranger, &other)?)?;
    anvil.mine(4)?;
    let upper = anvil.latest()?;

    let read = |from, to, since| {
        run(network.sender_transactions(sender.address(), from, to, since, upper))
            .map(|found| found.into_iter().map(|tx| tx.hash).collect::<Vec<_>>())
    };
    assert_eq!(read(0, 8, 0)?, sent);
    for (from, to) in [(0, 1), (2, 5), (6, 7), (4, 8), (7, 8)] {
        assert_eq!(read(from, to, 0)?, sent[from as usize..to as usize], "{from}..{to}");
    }
    assert_eq!(read(1, 8, 1)?, sent[1..]);
    assert_eq!(read(3, 3, 0)?, sent[3..3]);
    for (from, to, since) in [(0, 9, 0), (8, 9, 0), (0, 8, 1), (0, 8, upper.block.number + 1)] {
        let refused = read(from, to, since);
        assert!(refused.is_err(), "{from}..{to} since {since}: {refused:?}");
    }
    let many = read(0, 100_000, 0);
    assert!(matches!(many, Err(ReadError::TooMany { .. })), "{many:?}");
    Ok(())
}

#[test]
fn a_nonce_that_moved_by_itself_is_not_a_transaction() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let sender = test_key(0);
    anvil.send(&sender, Some(test_address(1)), Bytes::new(), U256::ZERO)?;
    anvil.set_nonce(sender.address(), 3)?;
    anvil.mine(1)?;
    let upper = anvil.latest()?;
    let refused = run(network.sender_transactions(sender.address(), 0, 3, 0, upper));
    assert!(matches!(refused, Err(ReadError::NotFound { .. })), "{refused:?}");
    Ok(())
}

/// By its own transactions, by those of others, and several in one block.
#[test]
fn a_nonce_that_an_authorization_took_is_explained() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let (sender, other) = (test_key(0), test_key(1));
    let code = test_address(5);
    let to = Some(test_address(2));
    let mut sent = vec![anvil.send(&sender, to, Bytes::new(), U256::ZERO)?.hash];
    let own = anvil.authorize(&sender, &sender, code)?.hash;
    sent.push(own);
    anvil.mine(3)?;
    let relayed = anvil.authorize(&other, &sender, Address::ZERO)?.hash;
    sent.push(anvil.send(&sender, to, Bytes::new(), U256::ZERO)?.hash);
    anvil.mine(1)?;
    let upper = anvil.latest()?;
    let read = |from, to| run(network.sent(sender.address(), from, to, 0, upper));
    let all = read(0, 5)?;
    assert_eq!(all.transactions.iter().map(|tx| tx.hash).collect::<Vec<_>>(), sent);
    let given: Vec<_> = all.authorized.iter().map(|a| (a.nonce, a.code, a.transaction)).collect();
    assert_eq!(given, [(2, code, own), (3, Address::ZERO, relayed)]);
    assert_eq!(all.unexplained, [0; 0]);
    assert_eq!(read(2, 3)?.authorized.len(), 1);
    let found = run(network.sender_transactions(sender.address(), 0, 5, 0, upper))?;
    assert_eq!(found.len(), 3);
    // What nothing took is named.
    anvil.set_nonce(sender.address(), 7)?;
    anvil.mine(1)?;
    let upper = anvil.latest()?;
    let gap = run(network.sent(sender.address(), 0, 7, 0, upper))?;
    assert_eq!(gap.unexplained, [5, 6]);
    Ok(())
}

#[test]
fn where_an_account_rose() -> Outcome {
    let anvil = anvil(SIMULATED)?;
    let network = connect(config(SIMULATED, &[anvil.url()]))?;
    let (account, other) = (test_address(7), test_key(0));

    let start = anvil.latest()?.block.number;
    let held = run(network.balance(account, anvil.latest()?.block))?;
    anvil.mine(3)?;
    let paid = anvil.send(&other, Some(account), Bytes::new(), U256::from(5))?.hash;
    anvil.mine(6)?;
    let known = anvil.send(&other, Some(account), Bytes::new(), U256::from(40))?.hash;
    let known_at = anvil.latest()?.block.number;
    anvil.mine(1)?;
    let upper = anvil.latest()?;
    let read = |known: &BTreeMap<u64, I256>, upper, limit| {
        let found = run(network.rises(account, start, upper, known, limit))?;
        let of = |rise: tidegate_chain::Rise| {
            (rise.amount.to::<u64>(), rise.payments.iter().map(|tx| tx.hash).collect::<Vec<_>>())
        };
        Ok::<_, ReadError>(found.into_iter().map(of).collect::<Vec<_>>())
    };
    let none = BTreeMap::new();
    assert_eq!(read(&none, upper, 9)?, [(5, vec![paid]), (40, vec![known])]);
    assert_eq!(read(&none, upper, 1)?, [(5, vec![paid])]);
    let explained = BTreeMap::from([(known_at, I256::try_from(40)?)]);
    assert_eq!(read(&explained, upper, 9)?, [(5, vec![paid])]);
    // By no transaction, and down again: a fall is no rise, nor does it undo one.
    anvil.set_balance(account, held + U256::from(100))?;
    anvil.mine(1)?;
    anvil.set_balance(account, held + U256::from(20))?;
    anvil.mine(1)?;
    let upper = anvil.latest()?;
    assert_eq!(read(&explained, upper, 9)?, [(5, vec![paid]), (55, vec![])]);
    Ok(())
}
