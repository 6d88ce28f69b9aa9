//! Who asks, approves and denies.

use super::*;

#[test]
fn a_request_from_approval_to_settlement() {
    let (ledger, report) = report(&whole_story());
    assert_eq!(report.violations, []);
    assert_eq!(report.residues, []);
    assert!(report.unread.is_empty() && report.ignored.is_empty());
    assert!(report.open_requests.is_empty());

    let view = ledger.request(request_id(1)).unwrap();
    // Deposited 0.25, withdrew 0.2; three fees and the return's.
    let spent = eth(50) + U256::from(4 * GAS);
    assert_eq!((view.drawn, view.returned, view.spent), (eth(400), eth(300), spent));
    assert_eq!(view.rest, signed_eth(50) - I256::try_from(4 * GAS).unwrap());
    assert_eq!((view.state, view.encumbered), (RequestState::Settled, U256::ZERO));

    let gas = I256::try_from(GAS).unwrap();
    // Before the draw nobody had asked for anything: that fee is the wallet's own.
    assert_eq!(report.own_funds.len(), 1);
    assert_eq!(report.own_funds[0].amount, U256::from(GAS));
    let cases = [
        ("Equity:OwnFunds", -gas),
        ("Equity:Opening:Sepolia", gas - signed_eth(11_000)),
        ("Equity:Encumbrance:Open", I256::ZERO),
        ("Equity:Encumbrance:Request-0101010101010101", I256::ZERO),
        ("Expenses:Gas:Execution", gas * I256::try_from(5).unwrap()),
        ("Expenses:Gas:Reverted", gas),
        ("Income:Unsolicited", I256::try_from(-5).unwrap()),
        (&format!("Assets:TestFund:Sepolia:InContract:{CONTRACT}"), signed_eth(50)),
    ];
    for (account, expected) in cases {
        assert_eq!(balance(&ledger, account), expected, "{account}");
    }
    let kinds: Vec<_> = ledger.entries.iter().map(|entry| entry.kind.word()).collect();
    let expected = "Open Open Spend Approve Draw Spend Spend Spend Receive Return".split(' ');
    assert_eq!(kinds, expected.collect::<Vec<_>>());
}

#[test]
fn nobody_approves_alone_and_nothing_leaves_unsaid() {
    type Case = (fn(&mut Sim), &'static str);
    let own = |s: &mut Sim| {
        s.request_by(7, KIM, eth(1));
        s.decide(8, KIM, 7, true);
    };
    let no_treasurer = |s: &mut Sim| {
        s.request_by(7, BO, eth(1));
        s.decide(8, BO, 7, true);
    };
    let taken_back = |s: &mut Sim| {
        s.request_by(7, KIM, eth(1));
        s.decide(8, KIM, 7, true);
        s.decide(9, KIM, 7, false);
    };
    let cases: [Case; 9] = [
        (|s| s.decide(2, ANA, 1, true), "by its requester"),
        (|s| s.decide(2, ANA_TOO, 1, true), "by its requester"),
        // Who is no treasurer moves nothing, and so holds nothing up.
        (no_treasurer, ""),
        (own, "by its requester"),
        (taken_back, ""),
        (
            |s| {
                s.decide(2, ANA_TOO, 1, true);
                s.decide(3, KIM, 1, true);
            },
            "",
        ),
        (
            |s| {
                s.draw(3, 8, eth(1));
            },
            "which is unknown or by nobody",
        ),
        (
            |s| {
                s.send(Send::new(TREASURY, WALLET, eth(1), "quietly"));
            },
            "without a draw statement",
        ),
        (
            |s| {
                s.send(Send::new(TREASURY, STRANGER, eth(1), "quietly"));
            },
            "without a draw statement",
        ),
    ];
    for (story, violation) in cases {
        check(story, violation);
    }
}

#[test]
fn requests_stand_where_decisions_and_draws_put_them() {
    let state = |story: fn(&mut Sim)| {
        let mut sim = Sim::new();
        sim.request(1, eth(500));
        story(&mut sim);
        let (ledger, report) = report(&sim);
        let view = ledger.request(request_id(1)).unwrap().clone();
        (view.state, view.encumbered, report.open_requests.len())
    };
    let (zero, all) = (U256::ZERO, eth(500));
    let approved = RequestState::Approved { approval: request_id(2), by: KIM };
    let denied = RequestState::Denied { denial: request_id(3), by: KIM };
    assert_eq!(state(|_| ()), (RequestState::Submitted, zero, 1));
    assert_eq!(state(|s| s.decide(2, KIM, 1, true)), (approved, all, 0));
    assert_eq!(state(|s| s.decide(3, KIM, 1, false)), (denied, zero, 0));
    // A stranger's decision is none.
    assert_eq!(state(|s| s.decide(2, STRANGER, 1, true)), (RequestState::Submitted, zero, 1));
    // Of two decisions at one time the denial stands, and frees the reserve.
    let both = |s: &mut Sim| {
        s.decide(3, KIM, 1, false);
        s.decide(2, KIM, 1, true);
    };
    assert_eq!(state(both), (denied, zero, 0));
    let drawn = |s: &mut Sim| {
        s.decide(2, KIM, 1, true);
        s.draw(3, 1, eth(100));
    };
    assert_eq!(state(drawn), (RequestState::Drawn, eth(400), 0));
    let mut sim = Sim::new();
    sim.request(1, eth(500));
    sim.decide(2, ANA, 1, false);
    let (ledger, _) = report(&sim);
    let by = RequestState::Denied { denial: request_id(2), by: ANA };
    assert_eq!(ledger.request(request_id(1)).unwrap().state, by);
}

#[test]
fn strangers_statements_change_nothing() {
    let mut sim = whole_story();
    let hash = sim.transactions[1].hash;
    sim.say(9, STRANGER, Body::FundDraw(transfer(1, hash, eth(7))));
    sim.decide(10, STRANGER, 1, false);
    let (_, report) = report(&sim);
    assert_eq!((report.violations.len(), report.ignored.len()), (0, 2));
}

#[test]
fn only_people_ask_and_only_for_what_is_approved() {
    // A stranger's look-alike, and a stranger's denial of the honest one.
    let mut sim = Sim::new();
    sim.request(1, eth(500));
    let mut alike = sim.statements[0].clone();
    (alike.digest, alike.signer) = (request_id(2), STRANGER);
    sim.statements.push(alike);
    sim.decide(3, STRANGER, 1, false);
    let (ledger, found) = report(&sim);
    let open = |view: &RequestView| matches!(view.state, RequestState::Submitted);
    assert_eq!(ledger.pick(None, open).unwrap().request, request_id(1));
    assert_eq!(ledger.pick(Some(request_id(2)), open).unwrap_err(), PickError::None);
    assert_eq!((ledger.requests.len(), found.ignored.len()), (1, 2));
    sim.request(4, eth(500));
    assert_eq!(report(&sim).0.pick(None, open).unwrap_err(), PickError::Several);

    // The treasurer asks with a throwaway key, approves, and draws alone.
    let mut sim = Sim::new();
    sim.request(1, eth(500));
    sim.statements[0].signer = STRANGER;
    sim.decide(2, KIM, 1, true);
    sim.draw(3, 1, eth(500));
    let (ledger, found) = report(&sim);
    assert!(ledger.requests.is_empty());
    assert_eq!(found.violations.len(), 1, "{found:?}");
    assert!(found.violations[0].to_string().contains("by nobody under [people]"));

    // An approval of other terms than those that were asked for.
    type Change = fn(&mut FundApproval);
    let changes: [Change; 3] = [
        |terms| terms.amount = eth(400),
        |terms| terms.destination = STRANGER,
        |terms| terms.network.genesis = B256::ZERO,
    ];
    for change in changes {
        let mut sim = Sim::new();
        sim.request(1, eth(500));
        sim.decide(2, KIM, 1, true);
        let Body::FundApprove(terms) = &mut sim.statements[1].body else { panic!() };
        change(terms);
        let (ledger, found) = report(&sim);
        assert!(open(ledger.request(request_id(1)).unwrap()));
        assert!(found.ignored[0].contains("other terms"), "{found:?}");
    }
}
