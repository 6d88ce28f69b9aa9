//! Who used a release, and for what.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Selector, keccak256};
use tidegate_chain::{Log, LogQuery, Network, ReadError, Receipt, Transaction};
use tidegate_gates::{Activity, PolicyRules, User, Who};
use tidegate_model::{Reason, ReasonCode};

use super::{SoakRequest, all};
use crate::activity::CountedContract;

/// Blocks whose events are read at once: the stretches in which use is counted.
const STRETCH_BLOCKS: u64 = 2_000;
/// The most stretches, about three years of Ethereum's blocks.
const STRETCHES_MAX: usize = 5_000;
/// The most transactions that are looked at one by one.
const TRANSACTIONS_MAX: usize = 10_000;
/// The number of transactions that are read before it is asked whether they are enough.
const LOOKS_AT_ONCE: usize = 64;
/// The most that are still looked at, for people, once it is enough.
const MORE_SHOWN_MAX: usize = 1_000;

/// Reads transactions that left events at the plan's addresses until there is as much use as the
/// policy asks. One that reverted leaves none, and so is nowhere to be found. Stretches are read
/// from both ends in turn, so that neither what strangers did first nor what they did last is in
/// the way of what others did.
pub(super) async fn activity(
    network: &Network,
    request: &SoakRequest<'_>,
    (from, to): (u64, u64),
    missing: &mut Vec<Reason>,
) -> Result<Activity, ReadError> {
    let mut tally = Tally::new(request);
    let mut flooded = 0;
    for (from, to) in stretches(from, to).take(STRETCHES_MAX) {
        let addresses = request.record.deployment.addresses();
        let query = LogQuery { addresses, topics: Vec::new(), from, to };
        // Anybody can fill a block with events, and takes no other one with it.
        let (logs, refused) = network.readable_logs(&query).await?;
        flooded += refused;
        let hashes = in_order(&logs);
        for some in hashes.chunks(LOOKS_AT_ONCE) {
            if tally.is_done() {
                break;
            }
            let read = all(some.iter().copied(), |hash| async move {
                Ok((hash, network.transaction(hash).await?, network.receipt(hash).await?))
            });
            for (hash, tx, receipt) in read.await? {
                tally.look(hash, tx, receipt, missing);
            }
        }
        if tally.enough.is_some() || tally.is_done() {
            break;
        }
    }
    if tally.enough.is_none() {
        if tally.looked >= TRANSACTIONS_MAX {
            let text = format!("only {TRANSACTIONS_MAX} transactions were checked");
            missing.push(Reason::new(ReasonCode::TransactionsCut, text));
        }
        if flooded > 0 {
            let hold = if flooded == 1 { "block holds" } else { "blocks hold" };
            let text =
                format!("{flooded} {hold} too many events to be read; use in other blocks counts");
            missing.push(Reason::new(ReasonCode::BlocksFlooded, text));
        }
    }
    Ok(tally.activity())
}

/// The blocks from the first to the last in stretches of equal length, from both ends in turn.
fn stretches(from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> {
    let count = if to < from { 0 } else { (to - from) / STRETCH_BLOCKS + 1 };
    (0..count).map(move |turn| {
        let index = if turn % 2 == 0 { turn / 2 } else { count - 1 - turn / 2 };
        let first = from + index * STRETCH_BLOCKS;
        (first, to.min(first + STRETCH_BLOCKS - 1))
    })
}

/// The transactions of events, each once, in the order of the chain.
fn in_order(logs: &[Log]) -> Vec<B256> {
    let mut seen = BTreeSet::new();
    logs.iter().map(|log| log.transaction).filter(|hash| seen.insert(*hash)).collect()
}

/// The use that was counted so far.
struct Tally<'a> {
    request: &'a SoakRequest<'a>,
    insiders: BTreeSet<Address>,
    by_address: BTreeMap<Address, &'a CountedContract>,
    functions: usize,
    looked: usize,
    indirect: u32,
    counted: Vec<B256>,
    senders: BTreeMap<Address, u32>,
    called: BTreeSet<(Address, Selector)>,
    /// How many counted ones were enough, and at which look.
    enough: Option<(usize, usize)>,
}

impl<'a> Tally<'a> {
    fn new(request: &'a SoakRequest<'_>) -> Self {
        let mut insiders = BTreeSet::from([request.record.deployment.executor]);
        insiders.extend(request.record.transactions.iter().map(|tx| tx.from));
        Self {
            request,
            insiders,
            by_address: request.contracts.iter().map(|c| (c.address, c)).collect(),
            functions: request.contracts.iter().map(|c| c.functions.len()).sum(),
            looked: 0,
            indirect: 0,
            counted: Vec::new(),
            senders: BTreeMap::new(),
            called: BTreeSet::new(),
            enough: None,
        }
    }

    fn is_done(&self) -> bool {
        let more = self.enough.map(|(_, at)| self.looked - at);
        self.looked >= TRANSACTIONS_MAX || more.is_some_and(|more| more >= MORE_SHOWN_MAX)
    }

    fn look(
        &mut self,
        hash: B256,
        tx: Option<Transaction>,
        receipt: Option<Receipt>,
        missing: &mut Vec<Reason>,
    ) {
        self.looked += 1;
        let (Some(tx), Some(receipt)) = (tx, receipt) else {
            let text = format!("transaction {hash} could not be read");
            missing.push(Reason::new(ReasonCode::TransactionUnread, text));
            return;
        };
        if !receipt.status {
            let text = format!("transaction {hash} reverted and yet has events");
            missing.push(Reason::new(ReasonCode::TransactionReverted, text));
            return;
        }
        let outside = !self.insiders.contains(&tx.from);
        let Some(contract) = tx.to.and_then(|to| self.by_address.get(&to)) else {
            self.indirect += u32::from(outside);
            return;
        };
        let selector = tx.input.get(..4).and_then(|s| Selector::try_from(s).ok());
        if let Some(selector) = selector.filter(|s| contract.functions.contains_key(s)) {
            self.called.insert((contract.address, selector));
        }
        if outside {
            *self.senders.entry(tx.from).or_default() += 1;
            self.counted.push(hash);
        }
        if self.enough.is_none() && self.suffices(self.request.rules) {
            self.enough = Some((self.counted.len(), self.looked));
        }
    }

    fn suffices(&self, rules: &PolicyRules) -> bool {
        self.counted.len() >= rules.transactions as usize
            && self.senders.len() >= rules.senders as usize
            && self.called.len() * 100 >= self.functions * rules.selectors_percent as usize
    }

    /// The use that was found. Its digest is over as many transactions as were enough, so that it
    /// stays what it is when more come.
    fn activity(self) -> Activity {
        let mut activity = Activity { indirect: self.indirect, ..Activity::default() };
        for contract in self.request.contracts {
            for (selector, name) in &contract.functions {
                let list = if self.called.contains(&(contract.address, *selector)) {
                    &mut activity.called
                } else {
                    &mut activity.uncalled
                };
                list.push(name.clone());
            }
        }
        activity.called.sort();
        activity.uncalled.sort();
        let known = self.request.known;
        let who = |address| known.get(&address).cloned().unwrap_or(Who::Stranger);
        let user = |(address, transactions)| User { address, who: who(address), transactions };
        activity.transactions = u32::try_from(self.counted.len()).unwrap_or(u32::MAX);
        activity.users = self.senders.into_iter().map(user).collect();
        let basis = self.enough.map_or(self.counted.len(), |(counted, _)| counted);
        activity.digest = keccak256(self.counted[..basis].concat());
        activity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_come_from_both_ends_and_leave_nothing_out() {
        assert_eq!(stretches(5, 4).count(), 0);
        assert_eq!(stretches(5, 5).collect::<Vec<_>>(), [(5, 5)]);
        let some: Vec<_> = stretches(10, 8_010).collect();
        let expected =
            [(10, 2_009), (8_010, 8_010), (2_010, 4_009), (6_010, 8_009), (4_010, 6_009)];
        assert_eq!(some, expected);
        for last in [1, 1_999, 2_000, 2_001, 13_337] {
            let mut sorted: Vec<_> = stretches(0, last).collect();
            sorted.sort_unstable();
            assert!(sorted.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
            assert_eq!((sorted[0].0, sorted[sorted.len() - 1].1), (0, last));
        }
    }
}
