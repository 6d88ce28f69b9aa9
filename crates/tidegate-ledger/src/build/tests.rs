use std::collections::BTreeMap;

use alloy_primitives::B256;
use tidegate_model::statement::{Body, FundApproval, FundRequest, FundTransfer};
use tidegate_model::{BlockRef, Head, NetworkId};

use super::*;
use crate::account::NetworkLabel;
use crate::facts::{AuthorizationFacts, Move, Opening, Outflows, Rise, Unwatched};
use crate::fixture::{
    ANA, ANA_TOO, BO, CONTRACT, KIM, LEE, NETWORK, OTHER, STRANGER, Send, Sim, TREASURY, WALLET,
    eth, request_id, transfer, whole_story,
};
use crate::funds::{FundsReport, funds_report};
use crate::invariant::check_ledger;
use crate::reconcile::reconcile;

const GAS: u64 = 21_000 * 1_000_000_007;

fn report(sim: &Sim) -> (Ledger, FundsReport) {
    let facts = sim.facts();
    let ledger = build_ledger(&facts).unwrap();
    let report = funds_report(&ledger, &facts).unwrap();
    (ledger, report)
}

fn balance(ledger: &Ledger, account: &str) -> I256 {
    let postings = ledger.entries.iter().flat_map(|entry| &entry.postings);
    let of_account = postings.filter(|posting| posting.account.to_string() == account);
    of_account.map(|posting| posting.amount).fold(I256::ZERO, |sum, amount| sum + amount)
}

fn signed_eth(milli: u64) -> I256 {
    I256::try_from(eth(milli)).unwrap()
}

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

fn check(story: fn(&mut Sim), violation: &str) {
    let mut sim = Sim::new();
    sim.request(1, eth(500));
    story(&mut sim);
    let (_, report) = report(&sim);
    let found: Vec<_> = report.violations.iter().map(ToString::to_string).collect();
    if violation.is_empty() {
        assert!(found.is_empty(), "{found:?}");
    } else {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(violation), "{found:?}");
    }
    assert!(report.residues.is_empty(), "{:?}", report.residues);
}

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
fn strangers_statements_change_nothing() {
    let mut sim = whole_story();
    let hash = sim.transactions[1].hash;
    sim.say(9, STRANGER, Body::FundDraw(transfer(1, hash, eth(7))));
    sim.decide(10, STRANGER, 1, false);
    let (_, report) = report(&sim);
    assert_eq!((report.violations.len(), report.ignored.len()), (0, 2));
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

/// A small generator: equal on every machine, and no dependency.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn random_story(seed: u64) -> Sim {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut sim = Sim::new();
    sim.watch(OTHER, WalletRole::Wallet, eth(600 + random.below(900)));
    sim.request(1, eth(500));
    sim.request(2, eth(100));
    sim.decide(3, KIM, 1, true);
    let parties = [TREASURY, WALLET, OTHER, STRANGER, CONTRACT];
    for step in 0..40_u8 {
        let mut party = || parties[usize::try_from(random.below(5)).unwrap()];
        let (from, to, inner) = (party(), party(), party());
        let from = if from == CONTRACT { STRANGER } else { from };
        let value = eth(random.below(12)) + U256::from(random.below(1_000));
        let statement = 10 + step;
        let request = 1 + u8::try_from(random.below(2)).unwrap();
        match random.below(8) {
            0 => {
                sim.draw(statement, request, value);
            }
            1 => {
                sim.give_back(statement, request, value);
            }
            2 => {
                let back = sim.balance(CONTRACT) / U256::from(2);
                let moves = vec![Move { from: CONTRACT, to: inner, value: back }];
                sim.send(Send { moves, ..Send::new(from, to, U256::ZERO, "call") });
            }
            3 => {
                sim.send(Send { success: false, ..Send::new(from, to, value, "fail") });
            }
            4 => sim.days(1),
            _ => {
                sim.send(Send::new(from, to, value, "pay"));
            }
        }
    }
    sim
}

#[test]
fn random_stories_balance_and_reconcile() {
    for seed in 0..200 {
        let sim = random_story(seed);
        let facts = sim.facts();
        let ledger = build_ledger(&facts).unwrap();
        assert!(check_ledger(&ledger).is_empty(), "seed {seed}: {:?}", check_ledger(&ledger));
        for row in reconcile(&ledger, &facts).unwrap() {
            assert!(row.residue.is_zero(), "seed {seed}: {row:?}");
            let held = I256::try_from(sim.balance(row.wallet)).unwrap();
            assert_eq!(row.closing, held, "seed {seed}");
        }
        let mut totals: BTreeMap<bool, I256> = BTreeMap::new();
        for entry in &ledger.entries {
            for posting in &entry.postings {
                let budget = posting.account.to_string().starts_with("Equity:Encumbrance:");
                *totals.entry(budget).or_insert(I256::ZERO) += posting.amount;
            }
        }
        assert!(totals.values().all(|total| total.is_zero()), "seed {seed}: {totals:?}");
        let own = ledger.own_funds.first().map_or(U256::ZERO, |own| own.amount);
        assert_eq!(balance(&ledger, "Equity:OwnFunds"), -I256::try_from(own).unwrap());
        // Whatever the order in which facts come, the books are the same.
        let mut shuffled = facts;
        shuffled.networks[0].transactions.reverse();
        shuffled.statements.reverse();
        assert_eq!(build_ledger(&shuffled).unwrap(), ledger, "seed {seed}");
    }
}

/// Of a wallet that nobody follows, draws and returns are booked as before, and nothing of what it
/// sends or holds is asked for.
#[test]
fn a_lent_wallet_that_is_not_watched_ends_no_books() {
    for (why, says) in [
        (Unwatched::Endless, "sent too many transactions to be watched"),
        (Unwatched::Code, "runs or ran code"),
        (Unwatched::Nonces, "nonces that nothing known took"),
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
