//! What facts give, and what cannot be booked.

use super::*;

#[test]
fn fees_are_booked_by_part() {
    let mut sim = Sim::new();
    sim.send(Send::new(WALLET, CONTRACT, U256::ZERO, "call"));
    sim.send(Send { success: false, ..Send::new(WALLET, CONTRACT, eth(1), "fail") });
    let mut facts = sim.facts();
    let extra = U256::from(2 * (11 + 7));
    for tx in &mut facts.networks[0].transactions {
        (tx.l1_fee, tx.operator_fee) = (Some(U256::from(11)), Some(U256::from(7)));
    }
    facts.networks[0].wallets[1].closing -= extra;
    let ledger = build_ledger(&facts).unwrap();
    let rows = reconcile(&ledger, &facts).unwrap();
    assert!(rows.iter().all(|row| row.residue.is_zero()), "{rows:?}");
    assert_eq!(rows[1].fees, I256::try_from(2 * GAS + 36).unwrap());
    assert_eq!(rows[1].outflow, I256::ZERO);
    let parts = ["Execution", "L1Data", "Operator", "Reverted"]
        .map(|part| balance(&ledger, &format!("Expenses:Gas:{part}")).to_string());
    assert_eq!(parts, [GAS.to_string(), "11".into(), "7".into(), (GAS + 18).to_string()]);
}

#[test]
fn what_is_missing_is_named() {
    // A transaction that nobody told the books about.
    let mut facts = whole_story().facts();
    let gone = facts.networks[0].transactions.remove(4);
    let ledger = build_ledger(&facts).unwrap();
    let report = funds_report(&ledger, &facts).unwrap();
    assert_eq!(report.residues.len(), 1);
    let row = &report.residues[0];
    assert_eq!((row.wallet, &row.nonces[..]), (WALLET, &[gone.nonce][..]));
    assert!(row.explanation.as_ref().unwrap().contains("no known transaction has nonce 3"));
    assert_eq!(report.unread.len(), 1);
    assert_eq!(balance(&ledger, "Equity:Unreconciled:Sepolia"), -row.residue);
    assert!(check_ledger(&ledger).is_empty());

    // A statement about a transaction that was not read, and history that could not be.
    let mut sim = Sim::new();
    sim.say(3, KIM, Body::FundDraw(transfer(1, B256::ZERO, eth(1))));
    let mut facts = sim.facts();
    facts.networks[0].unread.push("no archive".to_owned());
    let ledger = build_ledger(&facts).unwrap();
    assert_eq!(ledger.unread.len(), 2);
    assert!(ledger.violations.is_empty());
}

#[test]
fn facts_that_cannot_be_booked() {
    type Case = (fn(&mut Facts), &'static str);
    let cases: [Case; 9] = [
        (|f| f.networks.push(f.networks[0].clone()), "book chain 11155111: it is listed twice"),
        (
            |f| {
                let mut second = f.networks[0].clone();
                second.network = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
                f.networks.push(second);
            },
            "book network Sepolia",
        ),
        (
            |f| {
                let wallet = f.networks[0].wallets[0];
                f.networks[0].wallets.push(wallet);
            },
            "book wallet",
        ),
        (
            |f| {
                let tx = f.networks[0].transactions[0].clone();
                f.networks[0].transactions.push(tx);
            },
            "book transaction",
        ),
        (
            |f| {
                let mut tx = f.networks[0].transactions[0].clone();
                tx.hash = B256::ZERO;
                f.networks[0].transactions.push(tx);
            },
            "book nonce 0 of",
        ),
        (|f| f.networks[0].finalized.block.number = 200, "above the finalized block"),
        (
            |f| {
                let head =
                    Head { block: BlockRef { number: u64::MAX, hash: B256::ZERO }, timestamp: 0 };
                f.networks[0].wallets[0].opening = Opening { head, balance: U256::ZERO };
            },
            "book the opening of",
        ),
        (|f| f.networks[0].wallets[0].closing = U256::MAX, "do not fit 256 bits"),
        (|f| f.networks[0].transactions[0].l1_fee = Some(U256::MAX), "do not fit 256 bits"),
    ];
    for (change, expected) in cases {
        let mut facts = whole_story().facts();
        change(&mut facts);
        let error = build_ledger(&facts).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} does not say {expected}");
    }
    let mut two = whole_story().facts();
    let mut second = two.networks[0].clone();
    second.network = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
    second.label = NetworkLabel::new("mainnet");
    two.networks.push(second);
    let ledger = build_ledger(&two).unwrap();
    assert!(check_ledger(&ledger).is_empty());
}
