//! What leaves the treasury for a request, and what comes back.

use super::*;

#[test]
fn draws_keep_to_their_approval() {
    type Case = (fn(&mut Sim), &'static str);
    let cases: [Case; 6] = [
        (
            |s| {
                s.decide(2, KIM, 1, true);
                s.draw(3, 1, eth(500));
            },
            "",
        ),
        (
            |s| {
                s.draw(3, 1, eth(1));
            },
            "without an approval in force",
        ),
        (
            |s| {
                s.decide(2, KIM, 1, true);
                s.draw(3, 1, eth(300));
                s.draw(4, 1, eth(201));
            },
            "approved were",
        ),
        (
            |s| {
                s.draw(3, 1, eth(1));
                s.days(1);
                s.decide(2, KIM, 1, true);
            },
            "without an approval in force",
        ),
        (
            |s| {
                s.decide(2, KIM, 1, true);
                s.decide(3, KIM, 1, false);
                s.draw(4, 1, eth(1));
            },
            "without an approval in force",
        ),
        (
            |s| {
                s.decide(2, KIM, 1, true);
                s.statements[1].expires_at = s.statements[1].issued_at;
                s.draw(3, 1, eth(1));
            },
            "without an approval in force",
        ),
    ];
    for (story, violation) in cases {
        check(story, violation);
    }
}

#[test]
fn the_chain_decides_what_a_draw_was() {
    type Case = (fn(&mut Sim), &'static [&'static str]);
    let cases: [Case; 5] = [
        // Another amount than the chain shows: neither the statement nor the transfer stands.
        (
            |s| {
                let hash = s.send(Send::new(TREASURY, WALLET, eth(2), "draw"));
                s.say(3, KIM, Body::FundDraw(transfer(1, hash, eth(1))));
            },
            &["without a draw statement", "does not match"],
        ),
        // Another destination than was asked for.
        (
            |s| {
                let hash = s.send(Send::new(TREASURY, STRANGER, eth(1), "draw"));
                s.say(3, KIM, Body::FundDraw(transfer(1, hash, eth(1))));
            },
            &["without a draw statement", "does not match"],
        ),
        // One that failed.
        (
            |s| {
                let send = Send::new(TREASURY, WALLET, eth(1), "draw");
                let hash = s.send(Send { success: false, ..send });
                s.say(3, KIM, Body::FundDraw(transfer(1, hash, eth(1))));
            },
            &["does not match"],
        ),
        // One transfer claimed twice.
        (
            |s| {
                let hash = s.draw(3, 1, eth(1));
                s.say(4, KIM, Body::FundDraw(transfer(1, hash, eth(1))));
            },
            &["does not match"],
        ),
        // Two draws in one transaction of a Safe, sent by somebody else.
        (
            |s| {
                let moves =
                    [1, 2].map(|milli| Move { from: TREASURY, to: WALLET, value: eth(milli) });
                let send = Send::new(STRANGER, TREASURY, U256::ZERO, "execute");
                let hash = s.send(Send { moves: moves.to_vec(), ..send });
                for (byte, milli) in [(3, 1), (4, 2)] {
                    s.say(byte, KIM, Body::FundDraw(transfer(1, hash, eth(milli))));
                }
            },
            &[],
        ),
    ];
    for (story, expected) in cases {
        let mut sim = Sim::new();
        sim.request(1, eth(500));
        sim.decide(2, KIM, 1, true);
        story(&mut sim);
        let (_, report) = report(&sim);
        let found: Vec<_> = report.violations.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} does not say {expected}");
        }
    }
}

/// A return or an old draw in a transaction that is not there moved nothing; what left the treasury
/// is known without anybody's word.
#[test]
fn what_names_a_transaction_that_never_was_holds_nothing() {
    let facts = |body: Body, later: u64| {
        let mut sim = Sim::new();
        sim.say(3, KIM, body);
        let mut facts = sim.facts();
        let said = facts.statements.iter().map(|said| said.issued_at).max().unwrap();
        facts.networks[0].finalized.timestamp = said + later;
        let ledger = build_ledger(&facts).unwrap();
        (ledger.unread.len(), ledger.unmoved.len(), ledger.violations.len())
    };
    let never = || transfer(1, B256::ZERO, eth(1));
    assert_eq!(facts(Body::FundDraw(never()), 2 * 86_400 - 1), (1, 0, 0));
    assert_eq!(facts(Body::FundDraw(never()), 2 * 86_400), (0, 1, 0));
    let mut sim = whole_story();
    sim.say(99, KIM, Body::FundReturn(never()));
    let ledger = build_ledger(&sim.facts()).unwrap();
    let before = build_ledger(&whole_story().facts()).unwrap();
    assert_eq!(ledger.requests, before.requests, "it returns nothing");
    assert_eq!((ledger.unread, ledger.unmoved.len()), (before.unread, 1));
}

/// What is left of request 1 of 0.5 ETH, and what may be drawn of it.
fn left(story: impl Fn(&mut Sim)) -> (U256, U256) {
    let mut sim = Sim::new();
    sim.request(1, eth(500));
    story(&mut sim);
    let (ledger, _) = report(&sim);
    let view = ledger.request(request_id(1)).unwrap();
    (view.encumbered, view.drawable(sim.head().timestamp))
}

#[test]
fn what_is_left_to_draw_is_what_the_chain_leaves_of_an_approval() {
    let (zero, all) = (U256::ZERO, eth(500));
    assert_eq!(left(|_| ()), (zero, zero));
    let approved = |s: &mut Sim| s.decide(2, KIM, 1, true);
    let drawn = |s: &mut Sim| {
        approved(s);
        s.draw(3, 1, eth(500))
    };
    assert_eq!(left(approved), (all, all));
    let all_of_it = |s: &mut Sim| {
        drawn(s);
    };
    assert_eq!(left(all_of_it), (zero, zero));
    // A second statement about the same transaction gives nothing back, whoever signs it: of
    // amount zero, dated before the first, or as a return.
    for signer in [STRANGER, LEE, KIM, TREASURY] {
        for amount in [zero, eth(1), all] {
            let again = |s: &mut Sim, body: fn(FundTransfer) -> Body| {
                let hash = drawn(s);
                s.say(0, signer, body(transfer(1, hash, amount)));
                s.statements.rotate_right(1);
            };
            assert_eq!(left(|s| again(s, Body::FundDraw)), (zero, zero), "{signer} {amount}");
            assert_eq!(left(|s| again(s, Body::FundReturn)), (zero, zero), "{signer} {amount}");
        }
    }
    // What was sent back is not drawn again.
    let back = |s: &mut Sim| {
        drawn(s);
        s.give_back(4, 1, eth(100));
    };
    assert_eq!(left(back), (zero, zero));
    // Nor is anything while a draw is stated that nobody has seen, or after the approval ended.
    let unseen = |s: &mut Sim| {
        approved(s);
        s.say(3, KIM, Body::FundDraw(transfer(1, B256::repeat_byte(9), eth(1))));
    };
    assert_eq!(left(unseen), (all, zero));
    let over = |s: &mut Sim| {
        approved(s);
        s.statements[1].expires_at = s.statements[1].issued_at;
        s.days(1);
    };
    assert_eq!(left(over), (all, zero));
    let denied = |s: &mut Sim| {
        approved(s);
        s.days(1);
        s.decide(3, KIM, 1, false);
    };
    assert_eq!(left(denied), (zero, zero));
}

#[test]
fn transfers_are_told_by_who_has_a_part_in_them() {
    type Story = fn(&mut Sim, Address);
    let draw: Story = |s, by| {
        let hash = s.send(Send::new(TREASURY, WALLET, eth(1), "draw"));
        s.say(3, by, Body::FundDraw(transfer(1, hash, eth(1))));
    };
    let back: Story = |s, by| {
        let hash = s.send(Send::new(WALLET, TREASURY, eth(1), "return"));
        s.say(3, by, Body::FundReturn(transfer(1, hash, eth(1))));
    };
    let cases = [
        (draw, TREASURY, true),
        (draw, KIM, true),
        (draw, LEE, false),
        (draw, WALLET, false),
        (draw, STRANGER, false),
        (back, TREASURY, true),
        (back, WALLET, true),
        (back, ANA_TOO, true),
        (back, KIM, true),
        (back, LEE, false),
        (back, STRANGER, false),
    ];
    for (story, by, counts) in cases {
        let mut sim = Sim::new();
        sim.request(1, eth(500));
        sim.decide(2, KIM, 1, true);
        story(&mut sim, by);
        let (_, found) = report(&sim);
        assert_eq!(found.ignored.is_empty(), counts, "{by}: {found:?}");
        let facts = sim.facts();
        assert_eq!(crate::counting(&facts).len(), if counts { 3 } else { 2 });
    }
}

#[test]
fn earlier_draws_for_the_same_release_are_spent_first() {
    let mut sim = Sim::new();
    let mut other = FundRequest {
        network: NETWORK,
        destination: WALLET,
        amount: eth(500),
        release: None,
        reason: "other".to_owned(),
    };
    sim.say(1, ANA, Body::FundRequest(other.clone()));
    other.release = Some(tidegate_model::ReleaseRoot(B256::repeat_byte(5)));
    sim.say(2, ANA, Body::FundRequest(other));
    for (request, approval, draw) in [(1, 3, 4), (2, 5, 6)] {
        sim.decide(approval, KIM, request, true);
        sim.draw(draw, request, eth(100));
    }
    sim.gas_price = 0;
    sim.send(Send::new(WALLET, STRANGER, eth(130), "pay"));
    sim.transactions[2].release = Some(tidegate_model::ReleaseRoot(B256::repeat_byte(5)));
    sim.send(Send::new(WALLET, STRANGER, eth(100), "pay"));
    let (ledger, report) = report(&sim);
    let spent = [1, 2].map(|byte| ledger.request(request_id(byte)).unwrap().spent);
    // 130 from request 2 (100) and then 1 (30); 100 from 1 (70) and then own funds (30).
    assert_eq!(spent, [eth(100), eth(100)]);
    assert_eq!(report.own_funds[0].amount, eth(30));
    assert_eq!(ledger.entries[6].request, Some(request_id(2)));
}
