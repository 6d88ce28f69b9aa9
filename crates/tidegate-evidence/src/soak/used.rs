//! Who used a release, and for what.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Selector, keccak256};
use tidegate_chain::{Log, LogQuery, Network, ReadError, Receipt, Transaction};
use tidegate_gates::{Activity, PolicyRules, SetAside, User, Who};
use tidegate_model::{Reason, ReasonCode};

use super::{NamedUse, SoakRequest, all};
use crate::activity::{CountedContract, called_function};

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

/// The most transactions that are looked at because results name them.
const NAMED_MAX: usize = 2_000;

/// Reads the transactions that results name, and then those that left events at the plan's
/// addresses, until there is as much use as the policy asks. One that reverted leaves none, and so
/// is nowhere to be found. Stretches are read from both ends in turn, so that neither what was done
/// first by strangers nor what was done last is in the way of what others did.
pub(super) async fn activity(
    network: &Network,
    request: &SoakRequest<'_>,
    (from, to): (u64, u64),
    missing: &mut Vec<Reason>,
) -> Result<Activity, ReadError> {
    let mut tally = Tally::new(request);
    tally.look_at_named(network, (from, to)).await?;
    let mut flooded = 0;
    for (from, to) in stretches(from, to).take(STRETCHES_MAX) {
        let addresses = request.record.deployment.addresses();
        let query = LogQuery { addresses, topics: Vec::new(), from, to };
        // Anybody can fill a block with events, and takes no other one with it.
        let (logs, refused) = network.readable_logs(&query).await?;
        flooded += refused;
        let mut hashes = in_order(&logs);
        hashes.retain(|hash| !tally.named.contains(hash));
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
    /// Those that count because they are named.
    named: BTreeSet<B256>,
    set_aside: Vec<SetAside>,
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
            named: BTreeSet::new(),
            set_aside: Vec::new(),
            enough: None,
        }
    }

    fn is_done(&self) -> bool {
        let more = self.enough.map(|(_, at)| self.looked - at);
        self.looked >= TRANSACTIONS_MAX || more.is_some_and(|more| more >= MORE_SHOWN_MAX)
    }

    /// Looks at the transactions that results name. What they called has to count as a function, as
    /// there need be no event to show that anything was done.
    async fn look_at_named(
        &mut self,
        network: &Network,
        span: (u64, u64),
    ) -> Result<(), ReadError> {
        let mut seen = BTreeSet::new();
        let named = self.request.named.iter().filter(|named| seen.insert(named.transaction));
        let named: Vec<_> = named.take(NAMED_MAX).collect();
        for some in named.chunks(LOOKS_AT_ONCE) {
            let read = all(some.iter().copied(), |named| async move {
                let hash = named.transaction;
                Ok((named, network.transaction(hash).await?, network.receipt(hash).await?))
            });
            for (named, tx, receipt) in read.await? {
                let NamedUse { transaction, by } = named.clone();
                match self.of_named(tx.as_ref().zip(receipt.as_ref()), span) {
                    Ok((contract, selector)) => {
                        self.named.insert(transaction);
                        self.called.insert((contract, selector));
                        self.count(transaction, tx.map(|tx| tx.from));
                    }
                    Err(why) => {
                        let why = why.to_owned();
                        self.set_aside.push(SetAside { transaction, by, why });
                    }
                }
            }
        }
        Ok(())
    }

    /// The function that a named transaction calls, or why it does not count.
    fn of_named(
        &self,
        sent: Option<(&Transaction, &Receipt)>,
        (from, to): (u64, u64),
    ) -> Result<(Address, Selector), &'static str> {
        let called = called_function(self.request.contracts, sent)?;
        match sent.map_or(0, |(_, receipt)| receipt.block.number) {
            block if block < from => Err("it is older than the start of the soak"),
            block if block > to => Err("it is not final yet"),
            _ => Ok(called),
        }
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
        let Some(contract) = tx.to.and_then(|to| self.by_address.get(&to)) else {
            self.indirect += u32::from(!self.insiders.contains(&tx.from));
            return;
        };
        let selector = tx.input.get(..4).and_then(|s| Selector::try_from(s).ok());
        if let Some(selector) = selector.filter(|s| contract.functions.contains_key(s)) {
            self.called.insert((contract.address, selector));
        }
        self.count(hash, Some(tx.from));
    }

    /// Counts a transaction, unless an insider sent it.
    fn count(&mut self, hash: B256, from: Option<Address>) {
        if let Some(from) = from.filter(|from| !self.insiders.contains(from)) {
            *self.senders.entry(from).or_default() += 1;
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
                if self.called.contains(&(contract.address, *selector)) {
                    activity.called.push(name.clone());
                    continue;
                }
                activity.uncalled.push(name.clone());
                if contract.eventless.contains(selector) {
                    activity.eventless.push(name.clone());
                }
            }
        }
        activity.called.sort();
        activity.uncalled.sort();
        activity.eventless.sort();
        activity.set_aside = self.set_aside;
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
