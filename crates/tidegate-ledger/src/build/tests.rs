use std::collections::BTreeMap;

use alloy_primitives::B256;
use tidegate_model::statement::{Body, FundRequest};
use tidegate_model::{BlockRef, Head, NetworkId};

use super::*;
use crate::account::NetworkLabel;
use crate::facts::{Move, Opening};
use crate::fixture::{
    ANA, ANA_TOO, CONTRACT, KIM, NETWORK, OTHER, STRANGER, Send, Sim, TREASURY, WALLET, eth,
    request_id, transfer, whole_story,
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
    let cases: [Case; 6] = [
        (|s| s.decide(2, ANA, 1, true), "by its requester"),
        (|s| s.decide(2, ANA_TOO, 1, true), "by its requester"),
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
            "which does not exist",
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
    let back = Body::FundDeny(tidegate_model::statement::FundDecision {
        request: request_id(1),
        reason: String::new(),
    });
    let mut sim = Sim::new();
    sim.request(1, eth(500));
    sim.say(2, ANA, back);
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

    // Value that came in unseen.
    let mut facts = whole_story().facts();
    facts.networks[0].transactions.retain(|tx| tx.from != STRANGER);
    let ledger = build_ledger(&facts).unwrap();
    let report = funds_report(&ledger, &facts).unwrap();
    let explanation = report.residues[0].explanation.clone().unwrap();
    assert_eq!(explanation, "5 wei came in by no known transaction");

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
fn strangers_statements_change_nothing() {
    let mut sim = whole_story();
    let hash = sim.transactions[1].hash;
    sim.say(9, STRANGER, Body::FundDraw(transfer(1, hash, eth(7))));
    sim.decide(10, STRANGER, 1, false);
    let (_, report) = report(&sim);
    assert_eq!((report.violations.len(), report.ignored.len()), (0, 2));
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
