//! What must hold of the books, checked on the entries alone.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::I256;

use crate::account::{Account, Commodity};
use crate::build::Ledger;
use crate::entry::Entry;
use crate::violation::Breach;

/// Every breach in the entries, in their order. Amounts are added with overflow checks; each
/// account that holds our value is followed from entry to entry.
pub(crate) fn check_ledger(ledger: &Ledger) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut keys = BTreeSet::new();
    let mut balances = BTreeMap::new();
    for entry in &ledger.entries {
        if !keys.insert(entry.key) {
            breaches.push(Breach::Repeated(entry.key));
        }
        if entry.evidence.is_empty() {
            breaches.push(Breach::NoEvidence(entry.key));
        }
        breaches.extend(check_sum(entry));
        breaches.extend(apply(entry, &mut balances));
    }
    breaches
}

fn check_sum(entry: &Entry) -> Option<Breach> {
    if entry.postings.iter().any(|posting| posting.commodity != Commodity(entry.chain)) {
        return Some(Breach::ForeignCommodity(entry.key));
    }
    let add = |sum: I256, amount| sum.checked_add(amount);
    match entry.postings.iter().map(|posting| posting.amount).try_fold(I256::ZERO, add) {
        None => Some(Breach::Overflow(entry.key)),
        Some(sum) if !sum.is_zero() => Some(Breach::Unbalanced(entry.key)),
        Some(_) => None,
    }
}

fn apply<'a>(entry: &'a Entry, balances: &mut BTreeMap<&'a Account, I256>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut touched = BTreeSet::new();
    for posting in &entry.postings {
        let balance = balances.entry(&posting.account).or_insert(I256::ZERO);
        match balance.checked_add(posting.amount) {
            Some(sum) => *balance = sum,
            None => breaches.push(Breach::Overflow(entry.key)),
        }
        touched.insert(&posting.account);
    }
    for account in touched {
        if account.is_controlled() && balances[account].is_negative() {
            breaches.push(Breach::Negative { account: account.clone(), after: entry.key });
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Commodity;
    use crate::build::build_ledger;
    use crate::fixture::whole_story;
    use tidegate_model::ChainId;

    #[test]
    fn every_breach_is_found() {
        let sound = build_ledger(&whole_story().facts()).unwrap();
        assert_eq!(check_ledger(&sound), []);
        type Case = (fn(&mut Ledger), fn(&Breach) -> bool);
        let cases: [Case; 6] = [
            (
                |l| l.entries[3].postings[0].amount += I256::ONE,
                |b| matches!(b, Breach::Unbalanced(_)),
            ),
            (
                |l| {
                    l.entries[0].postings[0].amount = I256::MAX;
                    l.entries[0].postings[1].amount = I256::ONE;
                },
                |b| matches!(b, Breach::Overflow(_)),
            ),
            (
                |l| l.entries[0].postings[1].commodity = Commodity(ChainId(1)),
                |b| matches!(b, Breach::ForeignCommodity(_)),
            ),
            (|l| l.entries.push(l.entries[0].clone()), |b| matches!(b, Breach::Repeated(_))),
            (|l| l.entries[4].evidence.clear(), |b| matches!(b, Breach::NoEvidence(_))),
            (
                |l| drop(l.entries.remove(0)),
                |b| matches!(b, Breach::Negative { account: Account::Treasury(..), .. }),
            ),
        ];
        for (change, expected) in cases {
            let mut ledger = sound.clone();
            change(&mut ledger);
            let found = check_ledger(&ledger);
            assert!(found.iter().any(expected), "{found:?}");
        }
    }
}
