//! Single wallets: their rows, their code, their nonces.

use super::*;

#[test]
fn rows_explain_each_wallet() {
    let sim = whole_story();
    let facts = sim.facts();
    let ledger = build_ledger(&facts).unwrap();
    let rows = reconcile(&ledger, &facts).unwrap();
    let [treasury, wallet] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(treasury.outflow, signed_eth(400));
    assert_eq!(treasury.inflow, signed_eth(300));
    assert_eq!(wallet.inflow, signed_eth(600) + I256::try_from(5).unwrap());
    assert_eq!(wallet.outflow, signed_eth(550));
    assert_eq!(wallet.fees, I256::try_from(5 * GAS).unwrap());
    for row in &rows {
        assert_eq!(row.opening + row.inflow - row.outflow - row.fees, row.closing);
        assert_eq!(row.closing, I256::try_from(sim.balance(row.wallet)).unwrap());
    }
}

#[test]
fn a_wallet_with_code_may_pay_where_nobody_looks() {
    let told = |change: fn(&mut Sim), hidden: usize| {
        let mut sim = Sim::new();
        change(&mut sim);
        let mut facts = sim.facts();
        facts.networks[0].wallets[hidden].outflows = Outflows::Hidden;
        let ledger = build_ledger(&facts).unwrap();
        let found = funds_report(&ledger, &facts).unwrap();
        (found.residues.len() + found.violations.len(), found.unread.len(), found.incomes.len())
    };
    let (treasury, wallet) = (0, 1);
    // Nothing seems to have happened to the treasury: what left and came back is not seen.
    assert_eq!(told(|_| (), treasury), (0, 1, 0));
    assert_eq!(told(|s| s.gift(TREASURY, U256::ONE), treasury), (0, 2, 0));
    assert_eq!(told(|s| s.lose(TREASURY, U256::ONE), treasury), (1, 1, 0));
    assert_eq!(told(|_| (), wallet), (0, 0, 0));
    assert_eq!(told(|s| s.gift(WALLET, U256::ONE), wallet), (0, 1, 0));
    assert_eq!(told(|s| s.lose(WALLET, U256::ONE), wallet), (1, 0, 0));
}

#[test]
fn a_wallet_that_opens_later_is_not_counted_twice() {
    let mut sim = Sim::new();
    sim.send(Send::new(WALLET, OTHER, eth(100), "pass on"));
    sim.watch(OTHER, WalletRole::Wallet, U256::ZERO);
    sim.send(Send::new(OTHER, WALLET, eth(40), "and back"));
    let (ledger, report) = report(&sim);
    assert!(report.residues.is_empty() && report.violations.is_empty());
    let wallets = ledger.closings.len();
    assert_eq!(wallets, 3);
    // The two openings hold 11 ETH together, not 11.1.
    let fees = I256::try_from(2 * GAS).unwrap();
    assert_eq!(balance(&ledger, "Equity:Opening:Sepolia"), fees - signed_eth(11_000));
}

/// Of a wallet that nobody follows, draws and returns are booked as before, and nothing of what it
/// sends or holds is asked for.
#[test]
fn a_lent_wallet_that_is_not_watched_ends_no_books() {
    for (why, says) in [
        (Unwatched::Endless, "sent too many transactions to be watched"),
        (Unwatched::Code, "runs or ran code"),
        (Unwatched::Nonces, "nonces that no known transaction has"),
    ] {
        let mut facts = whole_story().facts();
        let network = &mut facts.networks[0];
        network.wallets.retain(|wallet| wallet.address != WALLET);
        network.unwatched.insert(WALLET, why);
        let ledger = build_ledger(&facts).unwrap();
        let report = funds_report(&ledger, &facts).unwrap();
        assert_eq!((report.violations, report.residues), (vec![], vec![]));
        assert!(report.unread.is_empty(), "{:?}", report.unread);
        assert!(report.unwatched[0].contains(says), "{:?}", report.unwatched);
        let view = ledger.request(request_id(1)).unwrap();
        assert_eq!(
            (view.drawn, view.returned, view.state),
            (eth(400), eth(300), RequestState::Settled)
        );
        assert_eq!(balance(&ledger, "Expenses:Test:Transfers"), signed_eth(100));
    }
}

/// An authorization takes a nonce that no transaction has.
#[test]
fn a_nonce_that_an_authorization_took_is_known() {
    let told = |wallet: Address, nonce: u64, code: Address| {
        let mut facts = whole_story().facts();
        let network = &mut facts.networks[0];
        let of = network.wallets.iter_mut().find(|known| known.address == WALLET).unwrap();
        let bounds = of.nonces.as_mut().unwrap();
        let taken = bounds.next;
        bounds.next += 1;
        let transaction = B256::repeat_byte(0x77);
        let nonce = taken + nonce;
        network.authorizations.push(AuthorizationFacts { wallet, nonce, code, transaction });
        let ledger = build_ledger(&facts).unwrap();
        let report = funds_report(&ledger, &facts).unwrap();
        (report.unread.len(), report.lent_code.len())
    };
    assert_eq!(told(WALLET, 0, STRANGER), (0, 1));
    assert_eq!(told(WALLET, 0, Address::ZERO), (0, 0), "it takes code away");
    assert_eq!(told(WALLET, 1, STRANGER), (1, 1), "another nonce");
    assert_eq!(told(STRANGER, 0, WALLET), (1, 0), "somebody else's");
}
