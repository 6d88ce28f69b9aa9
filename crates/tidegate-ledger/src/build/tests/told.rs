//! What the books tell of people, requests and transactions.

use tidegate_model::statement::{At, General, KeyClaim, ProjectRef};

use super::*;
use crate::entry::{EntryKind, NaturalKey};
use crate::facts::FundStatement;
use crate::violation::Breach;

fn story(tell: fn(&mut Sim)) -> (Facts, Ledger) {
    let mut sim = Sim::new();
    tell(&mut sim);
    let facts = sim.facts();
    let ledger = build_ledger(&facts).unwrap();
    (facts, ledger)
}

#[test]
fn who_may_decide_on_a_request() {
    let (facts, ledger) = story(|sim| sim.request(1, eth(500)));
    let view = ledger.request(request_id(1)).unwrap();
    let may = |key, approve| facts.may_decide(key, view, approve).is_ok();
    assert!(may(KIM, true) && may(KIM, false));
    // Whoever asked steps back, under any key, and approves nothing.
    for own in [ANA, ANA_TOO] {
        assert!(!may(own, true) && may(own, false), "{own}");
    }
    for other in [BO, STRANGER] {
        assert!(!may(other, true) && !may(other, false), "{other}");
    }
}

#[test]
fn people_are_called_by_name() {
    let facts = whole_story().facts();
    let name = |address| facts.name_of(NETWORK, address);
    assert_eq!((name(KIM), name(ANA_TOO)), ("kim".to_owned(), "ana".to_owned()));
    assert_eq!((name(TREASURY), name(WALLET)), ("the treasury".into(), "a stranger".into()));
    let elsewhere = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
    assert_eq!(facts.name_of(elsewhere, TREASURY), "a stranger");
}

/// Who asked is no treasurer: they step back, and their approval counts for nothing.
#[test]
fn an_engineer_takes_their_own_request_back_and_approves_none() {
    let (_, ledger) = story(|sim| {
        sim.request_by(1, BO, eth(500));
        sim.decide(2, BO, 1, false);
    });
    let denied = RequestState::Denied { denial: request_id(2), by: BO };
    assert_eq!(ledger.request(request_id(1)).unwrap().state, denied);
    let (_, ledger) = story(|sim| {
        sim.request_by(1, BO, eth(500));
        sim.decide(2, BO, 1, true);
    });
    assert_eq!(ledger.request(request_id(1)).unwrap().state, RequestState::Submitted);
    assert!(ledger.ignored[0].contains("approves their own request"), "{:?}", ledger.ignored);
}

#[test]
fn an_own_approval_stands_until_the_request_is_denied() {
    let own = |sim: &mut Sim| {
        sim.request(1, eth(500));
        sim.decide(2, ANA, 1, true);
    };
    let approvals =
        |(_, ledger): (Facts, Ledger)| ledger.request(request_id(1)).unwrap().approvals.clone();
    assert_eq!(approvals(story(own)), [(request_id(2), ANA)]);
    let denied = story(|sim| {
        sim.request(1, eth(500));
        sim.decide(2, ANA, 1, true);
        sim.days(1);
        sim.decide(3, KIM, 1, false);
    });
    assert_eq!(approvals(denied), []);
    let approved = story(|sim| {
        sim.request(1, eth(500));
        sim.decide(2, ANA, 1, true);
        sim.days(1);
        sim.decide(3, KIM, 1, true);
    });
    assert_eq!(approvals(approved), [(request_id(3), KIM), (request_id(2), ANA)]);
}

#[test]
fn what_a_transaction_changes_for_whom() {
    let sim = whole_story();
    let gas = -I256::try_from(GAS).unwrap();
    let effect = |index: usize, of| sim.transactions[index].effect_on(of).unwrap();
    // The draw, the withdrawal from a contract, what failed, and what a stranger sent.
    assert_eq!((effect(1, WALLET), effect(1, TREASURY)), (signed_eth(400), gas - signed_eth(400)));
    assert_eq!((effect(3, WALLET), effect(3, CONTRACT)), (gas + signed_eth(200), -signed_eth(200)));
    assert_eq!((effect(4, WALLET), effect(4, CONTRACT)), (gas, I256::ZERO));
    assert_eq!((effect(5, WALLET), effect(5, OTHER)), (I256::try_from(5).unwrap(), I256::ZERO));
}

#[test]
fn statements_of_other_projects_and_other_kinds_are_none_of_funds() {
    let project = |name: &str| ProjectRef { name: name.to_owned(), safe: Address::ZERO };
    let said = |body: Body| General {
        signer: KIM,
        project: Some(project("vault")),
        body,
        at: At::new(ChainId(1), BlockRef { number: 1, hash: B256::ZERO }),
        issued_at: 7,
        expires_at: 9,
    };
    let draw = || Body::FundDraw(transfer(1, B256::ZERO, eth(1)));
    let read = |general: &General, of: &str| {
        let of = project(of).id(ChainId(1));
        FundStatement::from_general(request_id(1), general, KIM, of)
    };
    let found = read(&said(draw()), "vault").unwrap();
    assert_eq!((found.issued_at, found.expires_at, found.signer), (7, 9, KIM));
    assert!(read(&said(draw()), "bank").is_none());
    let claim = KeyClaim { name: "kim".to_owned(), key: KIM };
    assert!(read(&said(Body::KeyClaim(claim)), "vault").is_none());
}

#[test]
fn what_is_out_is_what_has_not_come_back() {
    let ledger = build_ledger(&whole_story().facts()).unwrap();
    assert_eq!(ledger.request(request_id(1)).unwrap().out(), eth(100));
}

#[test]
fn an_income_says_in_which_blocks_it_came() {
    let told = |found: bool| {
        let mut sim = Sim::new();
        sim.block += 1;
        sim.gift(WALLET, eth(1));
        if found {
            sim.rises.push(Rise { wallet: WALLET, head: sim.head(), amount: eth(1) });
        }
        sim.block += 1;
        report(&sim).1.incomes[0].to_string()
    };
    assert!(told(true).ends_with("in block 101"), "{}", told(true));
    assert!(told(false).ends_with("between blocks 101 and 102"), "{}", told(false));
}

#[test]
fn the_one_network_of_requests_is_named_where_it_is_one() {
    let (_, mut ledger) = story(|sim| {
        sim.request(1, eth(1));
        sim.request(2, eth(2));
    });
    assert_eq!(ledger.only_network(|_| true), Some(NETWORK));
    assert_eq!(ledger.only_network(|_| false), None);
    ledger.requests[1].network.chain = ChainId(1);
    assert_eq!(ledger.only_network(|_| true), None);
    assert_eq!(ledger.only_network(|view| view.network == NETWORK), Some(NETWORK));
}

/// Of one day by chain and block; in a block a wallet opens behind its transactions, what comes by
/// none is behind that, and a residue is last.
#[test]
fn entries_have_an_order() {
    let (_, ledger) = story(|sim| {
        sim.send(Send::new(WALLET, OTHER, eth(1), "pay"));
    });
    let one = ledger.entries[0].clone();
    let at = |kind, tx_index, timestamp, number| {
        let block = Some(BlockRef { number, hash: B256::ZERO });
        crate::entry::Entry { kind, tx_index, timestamp, block, ..one.clone() }.order()
    };
    use EntryKind::{Opening, Receive, Residue, Spend};
    let order = [
        at(Spend, None, 9, 4),
        at(Spend, Some(3), 5, 5),
        at(Receive, Some(4), 9, 5),
        at(Opening, None, 9, 5),
        at(Receive, None, 9, 5),
        at(Spend, None, 8, 6),
        at(Spend, None, 86_400, 1),
    ];
    assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    assert!(at(Opening, None, 9, 5) < at(Residue, None, 9, 5));
}

#[test]
fn a_breach_names_what_it_is_in() {
    let key = NaturalKey::Opening(crate::fixture::CHAIN, WALLET);
    let told = Breach::Unbalanced(key).to_string();
    assert!(told.contains(&WALLET.to_string()) && told.contains("11155111"), "{told}");
    let hash = B256::repeat_byte(7);
    let key = NaturalKey::Transaction(crate::fixture::CHAIN, hash);
    assert!(Breach::Repeated(key).to_string().contains(&hash.to_string()));
}
