//! What comes in unasked.

use super::*;

#[test]
fn income_that_nobody_asked_for_is_booked_and_named() {
    // In a transaction that was read: with its sender.
    let mut sim = Sim::new();
    let dust = sim.send(Send::new(STRANGER, TREASURY, U256::ONE, "dust"));
    let (ledger, found) = report(&sim);
    assert_eq!((found.violations.len(), found.residues.len(), found.unread.len()), (0, 0, 0));
    let [income] = &found.incomes[..] else { panic!("{:?}", found.incomes) };
    assert_eq!((income.amount, income.by), (U256::ONE, Some((STRANGER, dust))));
    assert!(income.to_string().contains(&format!("from {STRANGER} in transaction {dust}")));
    assert_eq!(balance(&ledger, "Income:Unsolicited"), I256::MINUS_ONE);

    // By no transaction at all: to the treasury, to a wallet, to both, more than they hold.
    for (to, amount) in [(TREASURY, U256::ONE), (WALLET, eth(1)), (TREASURY, eth(1_000_000))] {
        let mut sim = whole_story();
        sim.gift(to, amount);
        sim.gift(WALLET, U256::from(3));
        let (ledger, found) = report(&sim);
        assert_eq!((found.violations.len(), found.residues.len()), (0, 0), "{found:?}");
        assert!(found.unread.is_empty());
        let unnamed = found.incomes.iter().filter(|income| income.by.is_none());
        let sum = unnamed.map(|income| income.amount).fold(U256::ZERO, |sum, one| sum + one);
        assert_eq!(sum, amount + U256::from(3));
        let booked = I256::try_from(sum + U256::from(5)).unwrap();
        assert_eq!(balance(&ledger, "Income:Unsolicited"), -booked);
        assert_eq!(balance(&ledger, "Equity:Unreconciled:Sepolia"), I256::ZERO);
        assert!(check_ledger(&ledger).is_empty());
    }
}

#[test]
fn income_can_be_spent_once_it_has_come() {
    // A faucet's contract pays inside its own call: seen at its block, or not found at all.
    for found in [true, false] {
        let mut sim = Sim::new();
        sim.watch(OTHER, WalletRole::Wallet, U256::ZERO);
        sim.block += 1;
        sim.gift(OTHER, eth(500));
        if found {
            sim.rises.push(Rise { wallet: OTHER, head: sim.head(), amount: eth(500) });
        }
        sim.send(Send::new(OTHER, CONTRACT, eth(400), "deposit"));
        let (ledger, found_by) = report(&sim);
        assert_eq!((found_by.violations.len(), found_by.residues.len()), (0, 0), "{found_by:?}");
        let [income] = &found_by.incomes[..] else { panic!("{found_by:?}") };
        assert_eq!(income.blocks, if found { (101, 101) } else { (101, 102) });
        assert_eq!(balance(&ledger, "Income:Unsolicited"), -signed_eth(500));
    }
}

#[test]
fn a_rise_that_is_more_than_the_chain_shows_fails() {
    let mut sim = Sim::new();
    sim.block += 1;
    sim.gift(TREASURY, eth(1));
    sim.rises.push(Rise { wallet: TREASURY, head: sim.head(), amount: eth(2) });
    let (_, found) = report(&sim);
    assert_eq!(found.residues.len(), 1, "{found:?}");
}

#[test]
fn no_outflow_hides_behind_income() {
    type Case = (fn(&mut Sim), fn(&mut Facts), &'static str);
    let quiet = |s: &mut Sim| {
        s.send(Send::new(TREASURY, STRANGER, eth(1), "quietly"));
        s.gift(TREASURY, eth(1));
    };
    let cases: [Case; 6] = [
        // What went out is paid back by somebody else, to the wei, fee included.
        (quiet, |_| (), "without a draw statement"),
        (
            |s| {
                s.send(Send::new(TREASURY, STRANGER, eth(1), "quietly"));
                s.send(Send::new(STRANGER, TREASURY, eth(1), "and back"));
                s.gift(TREASURY, U256::from(GAS));
            },
            |_| (),
            "without a draw statement",
        ),
        // One transaction that takes and gives.
        (
            |s| {
                let moves = vec![Move { from: STRANGER, to: TREASURY, value: eth(1) }];
                s.send(Send { moves, ..Send::new(TREASURY, STRANGER, eth(1), "swap") });
            },
            |_| (),
            "without a draw statement",
        ),
        // The transaction that went out is not among the facts; more came in than left.
        (
            |s| {
                s.send(Send::new(TREASURY, STRANGER, eth(1), "quietly"));
                s.gift(TREASURY, eth(5));
            },
            |f| f.networks[0].transactions.clear(),
            "no known transaction has nonce 0",
        ),
        // Less than the books explain, by a wei.
        (|s| s.lose(TREASURY, U256::ONE), |_| (), "1 wei went out by no known transaction"),
        (
            |s| {
                s.lose(WALLET, U256::ONE);
                s.gift(TREASURY, eth(1));
            },
            |_| (),
            "1 wei went out by no known transaction",
        ),
    ];
    for (story, change, expected) in cases {
        let mut sim = Sim::new();
        story(&mut sim);
        let mut facts = sim.facts();
        change(&mut facts);
        let ledger = build_ledger(&facts).unwrap();
        let found = funds_report(&ledger, &facts).unwrap();
        let violations = found.violations.iter().map(ToString::to_string);
        let residues = found.residues.iter().filter_map(|row| row.explanation.clone());
        let said: Vec<_> = violations.chain(residues).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(expected), "{said:?} does not say {expected}");
    }
}
