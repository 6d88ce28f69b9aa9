//! Random stories.

use super::*;

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
