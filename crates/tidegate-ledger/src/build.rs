//! From facts to entries.

use std::collections::{BTreeMap, VecDeque};

use alloy_primitives::{Address, I256, U256};
use tidegate_model::{ChainId, Head, NetworkId, StatementDigest};

use crate::account::{Account, Commodity};
use crate::claims::Claims;
use crate::entry::{Entry, EntryKind, Evidence, NaturalKey, Posting};
use crate::error::LedgerError;
use crate::facts::{Facts, NetworkFacts, Outflows, TransactionFacts, WalletFacts, WalletRole};
use crate::reconcile::{Row, reconcile_entries};
use crate::request::{RequestState, RequestView};
use crate::tally::{Moved, Tally, view_request};
use crate::uncovered::{Income, OwnFunds};
use crate::violation::Violation;

mod decisions;
mod draft;
mod spend;
#[cfg(test)]
mod tests;
mod transaction;

use draft::Draft;

/// The books of all networks: entries, requests, and what could not be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The entries, in the order of the books: day, chain, block, place in the block.
    pub entries: Vec<Entry>,
    /// Each wallet's balance on the chain, at its network's finalized block.
    pub closings: Vec<Closing>,
    /// Every request with what came of it, by digest.
    pub requests: Vec<RequestView>,
    /// Spend that no request covers, by commodity.
    pub own_funds: Vec<OwnFunds>,
    /// Value that came in unasked, in the order of the books.
    pub incomes: Vec<Income>,
    /// Draws and approvals that break the rules.
    pub violations: Vec<Violation>,
    /// Facts that could not be read, one sentence each.
    pub unread: Vec<String>,
    /// Draws and returns whose transaction is not there and that moved nothing, one sentence each.
    pub unmoved: Vec<String>,
    /// Statements that do not count, one sentence each.
    pub ignored: Vec<String>,
}

/// A wallet's balance at the finalized block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The wallet's account.
    pub account: Account,
    pub commodity: Commodity,
    /// The balance by the chain, in wei.
    pub balance: I256,
    /// The block's timestamp, in seconds.
    pub timestamp: u64,
}

/// Builds the books. What a wallet holds beyond what is known came from somebody else where
/// everything that it paid is known, and is booked as `Income:Unsolicited`: nobody can keep others
/// from paying in. Where the chain and the known transactions disagree otherwise, an entry of kind
/// `Residue` says so against `Equity:Unreconciled`, so that closing balances are always the
/// chain's and nothing is adjusted in silence.
///
/// # Errors
/// If the facts contradict themselves, are not final, or an amount does not fit.
pub fn build_ledger(facts: &Facts) -> Result<Ledger, LedgerError> {
    facts.validate()?;
    let claims = Claims::new(facts);
    let mut books = Books::new(facts, &claims);
    for network in &facts.networks {
        books.open(network)?;
        let mut transactions: Vec<_> = network.transactions.iter().collect();
        transactions.sort_by_key(|tx| (tx.block.number, tx.index));
        for tx in transactions {
            books.transaction(network, tx)?;
        }
        books.rises(network)?;
        books.unread.extend(network.unread.iter().cloned());
    }
    books.decisions()?;
    books.unmatched_claims();
    books.entries.sort_by_key(Entry::order);
    for network in &facts.networks {
        books.residues(network)?;
    }
    books.entries.sort_by_key(Entry::order);
    books.finish()
}

/// The books while they are being written.
struct Books<'a> {
    facts: &'a Facts,
    claims: &'a Claims<'a>,
    entries: Vec<Entry>,
    closings: Vec<Closing>,
    incomes: Vec<Income>,
    violations: Vec<Violation>,
    unread: Vec<String>,
    unmoved: Vec<String>,
    tallies: BTreeMap<StatementDigest, Tally>,
    moved: BTreeMap<StatementDigest, Moved>,
    /// In the order of the chain, so that earlier draws are spent first.
    drawn_order: Vec<StatementDigest>,
    own: BTreeMap<ChainId, U256>,
    /// How much of the opening balances is not spent as own funds yet.
    own_open: BTreeMap<ChainId, U256>,
    /// Value in contracts by who put it there, oldest first.
    parked: BTreeMap<(ChainId, Address), VecDeque<(ParkedBy, U256)>>,
}

/// The source of value that lies in a contract.
#[derive(Debug, Clone, Copy)]
enum ParkedBy {
    /// A wallet, from what a request gave it.
    Request(StatementDigest),
    /// A wallet, from its own funds.
    Own,
    /// The treasury, against the rules.
    Treasury,
}

/// A request that cannot be picked: none fits, or more than one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PickError {
    #[error("there is no such request")]
    None,
    /// More than one may be.
    #[error("several requests; name one by its digest")]
    Several,
}

impl<'a> Books<'a> {
    fn new(facts: &'a Facts, claims: &'a Claims<'a>) -> Self {
        let mut tallies = BTreeMap::new();
        for (digest, claim) in &claims.requests {
            // The reserve exists as soon as somebody has approved, whatever came later.
            let approved = claim.decisions.iter().any(|decision| decision.approved);
            let encumbered = if approved { claim.request.amount } else { U256::ZERO };
            tallies.insert(*digest, Tally { encumbered, ..Tally::default() });
        }
        Self {
            facts,
            claims,
            entries: Vec::new(),
            closings: Vec::new(),
            incomes: Vec::new(),
            violations: Vec::new(),
            unread: Vec::new(),
            unmoved: Vec::new(),
            tallies,
            moved: BTreeMap::new(),
            drawn_order: Vec::new(),
            own: BTreeMap::new(),
            own_open: BTreeMap::new(),
            parked: BTreeMap::new(),
        }
    }

    fn open(&mut self, network: &NetworkFacts) -> Result<(), LedgerError> {
        let chain = network.network.chain;
        let commodity = Commodity(chain);
        for wallet in &network.wallets {
            let balance = signed(chain, wallet.opening.balance)?;
            let account = wallet_account(network, wallet);
            let head = wallet.opening.head;
            let equity = Account::Opening(network.label.clone());
            self.entries.push(Entry {
                key: NaturalKey::Opening(chain, wallet.address),
                timestamp: head.timestamp,
                chain,
                block: Some(head.block),
                tx_index: None,
                kind: EntryKind::Opening,
                description: format!("{} at block {}", wallet.address, head.block.number),
                request: None,
                release: None,
                postings: pair(commodity, account.clone(), equity, balance),
                evidence: vec![Evidence::Balance(head.block)],
            });
            let closing = signed(chain, wallet.closing)?;
            let timestamp = network.finalized.timestamp;
            self.closings.push(Closing { account, commodity, balance: closing, timestamp });
            let open = self.own_open.entry(chain).or_default();
            *open = open.saturating_add(wallet.opening.balance);
        }
        Ok(())
    }

    /// Books what came in by no known transaction and was found.
    fn rises(&mut self, network: &NetworkFacts) -> Result<(), LedgerError> {
        for rise in &network.rises {
            let Some(wallet) = network.open_wallet(rise.wallet, rise.head.block.number) else {
                continue;
            };
            if wallet.outflows == Outflows::Known {
                let last = rise.head.block.number;
                self.unseen_income(network, wallet, rise.head, (last, last), rise.amount)?;
            }
        }
        Ok(())
    }

    /// Books what is not explained.
    fn residues(&mut self, network: &NetworkFacts) -> Result<(), LedgerError> {
        for (row, wallet) in reconcile_entries(&self.entries, network)?.iter().zip(&network.wallets)
        {
            self.unread.extend(row.nonces_missing());
            if (wallet.role, wallet.outflows) == (WalletRole::Treasury, Outflows::Hidden) {
                self.unread.push(format!(
                    "treasury {} on chain {} has or had code: what leaves it inside transactions \
                     of others cannot be read; a treasury is a key without code: name another one \
                     under [funds] and have the Safe adopt it",
                    row.wallet, row.chain
                ));
            }
            if row.is_income(wallet) {
                // When it came is not known; at the opening, since it may have been spent since.
                let opening = wallet.opening.head;
                let blocks = (opening.block.number + 1, network.finalized.block.number);
                let amount = row.residue.unsigned_abs();
                self.unseen_income(network, wallet, opening, blocks, amount)?;
            } else if !row.residue.is_zero() {
                self.residue(network, row);
            }
        }
        Ok(())
    }

    fn unseen_income(
        &mut self,
        network: &NetworkFacts,
        wallet: &WalletFacts,
        head: Head,
        blocks: (u64, u64),
        amount: U256,
    ) -> Result<(), LedgerError> {
        let chain = network.network.chain;
        let income = Income { chain, wallet: wallet.address, amount, by: None, blocks };
        let account = wallet_account(network, wallet);
        let amount = signed(chain, amount)?;
        self.entries.push(Entry {
            key: NaturalKey::Income(chain, wallet.address, head.block.number),
            timestamp: head.timestamp,
            chain,
            block: Some(head.block),
            tx_index: None,
            kind: EntryKind::Receive,
            description: income.to_string(),
            request: None,
            release: None,
            postings: pair(Commodity(chain), account, Account::Unsolicited, amount),
            evidence: vec![Evidence::Balance(head.block)],
        });
        self.incomes.push(income);
        Ok(())
    }

    fn residue(&mut self, network: &NetworkFacts, row: &Row) {
        let head = network.finalized;
        let equity = Account::Unreconciled(network.label.clone());
        self.entries.push(Entry {
            key: NaturalKey::Residue(row.chain, row.wallet),
            timestamp: head.timestamp,
            chain: row.chain,
            block: Some(head.block),
            tx_index: None,
            kind: EntryKind::Residue,
            description: row.explanation.clone().unwrap_or_default(),
            request: None,
            release: None,
            postings: pair(Commodity(row.chain), row.account.clone(), equity, row.residue),
            evidence: vec![Evidence::Balance(head.block)],
        });
    }

    fn finish(mut self) -> Result<Ledger, LedgerError> {
        let requests = self
            .claims
            .requests
            .iter()
            .map(|(digest, claim)| {
                let moved = self.moved.remove(digest).unwrap_or_default();
                view_request(claim, self.tallies[digest], moved)
            })
            .collect();
        let own = self.own.into_iter().filter(|(_, amount)| !amount.is_zero());
        Ok(Ledger {
            entries: self.entries,
            closings: self.closings,
            requests,
            own_funds: own
                .map(|(chain, amount)| OwnFunds { commodity: Commodity(chain), amount })
                .collect(),
            incomes: self.incomes,
            violations: self.violations,
            unread: self.unread,
            unmoved: self.unmoved,
            ignored: self.claims.ignored.clone(),
        })
    }
}

impl Ledger {
    /// The view of the request with this digest.
    pub fn request(&self, digest: StatementDigest) -> Option<&RequestView> {
        self.requests.iter().find(|view| view.request == digest)
    }

    /// The request that is named, or the only one that `ready` takes.
    ///
    /// # Errors
    /// If there is none, or none is named and several are ready.
    pub fn pick(
        &self,
        wanted: Option<StatementDigest>,
        ready: impl Fn(&RequestView) -> bool,
    ) -> Result<&RequestView, PickError> {
        let meant = |view: &&RequestView| match wanted {
            Some(digest) => view.request == digest,
            None => ready(view),
        };
        let mut found = self.requests.iter().filter(meant);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(PickError::None),
            (Some(_), Some(_)) => Err(PickError::Several),
        }
    }

    /// The network of all requests that `ready` takes, where it is one.
    pub fn only_network(&self, ready: impl Fn(&RequestView) -> bool) -> Option<NetworkId> {
        let mut networks = self.requests.iter().filter(|view| ready(view)).map(|v| v.network);
        let first = networks.next()?;
        networks.all(|network| network == first).then_some(first)
    }

    /// The requests that nobody has decided on.
    pub(crate) fn undecided(&self) -> impl Iterator<Item = &RequestView> {
        self.requests.iter().filter(|view| matches!(view.state, RequestState::Submitted))
    }
}

/// The account of a watched wallet.
pub(crate) fn wallet_account(network: &NetworkFacts, wallet: &WalletFacts) -> Account {
    match wallet.role {
        WalletRole::Treasury => Account::Treasury(network.label.clone(), wallet.address),
        WalletRole::Wallet => Account::Wallet(network.label.clone(), wallet.address),
    }
}

/// An amount with a sign.
pub(crate) fn signed(chain: ChainId, amount: U256) -> Result<I256, LedgerError> {
    I256::try_from(amount).map_err(|_| LedgerError::Overflow(chain))
}

/// `amount` onto one account and off the other. The negation cannot overflow: amounts come from
/// unsigned numbers or differences of two of them.
fn pair(commodity: Commodity, onto: Account, off: Account, amount: I256) -> Vec<Posting> {
    vec![
        Posting { account: onto, commodity, amount },
        Posting { account: off, commodity, amount: -amount },
    ]
}

/// The accounts that a transaction's fee is booked to: execution, L1 data, operator. A failed
/// transaction's fee is booked as reverted.
fn fee_accounts(tx: &TransactionFacts) -> [Account; 3] {
    if tx.success {
        [Account::GasExecution, Account::GasL1Data, Account::GasOperator]
    } else {
        [Account::GasReverted, Account::GasReverted, Account::GasReverted]
    }
}
