//! The books against the chain, wallet by wallet.

use std::collections::BTreeSet;

use alloy_primitives::{Address, I256};
use serde::Serialize;
use tidegate_model::ChainId;

use crate::account::Account;
use crate::build::{Ledger, signed, wallet_account};
use crate::entry::{Entry, EntryKind};
use crate::error::LedgerError;
use crate::facts::{Facts, NetworkFacts, Outflows, WalletFacts};

/// The most missing nonces that are listed by number.
const NONCES_SHOWN_MAX: usize = 10;
/// The most nonces of one wallet between its bounds.
const NONCES_MAX: u64 = 1_000_000;

/// One wallet from its opening to the finalized block. Amounts are in wei; `opening + inflow −
/// outflow − fees = closing`, and `residue = chain_closing − closing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub chain: ChainId,
    pub wallet: Address,
    pub account: Account,
    /// The balance when watching began, in wei.
    pub opening: I256,
    /// Received value, in base units.
    pub inflow: I256,
    /// The amount that went out, without fees, in wei.
    pub outflow: I256,
    /// Fees paid, in wei.
    pub fees: I256,
    /// The balance by the books, in wei.
    pub closing: I256,
    pub chain_closing: I256,
    /// The difference.
    pub residue: I256,
    /// Nonces that no known transaction explains, ascending.
    pub nonces: Vec<u64>,
    /// The likely explanation of a residue; `None` if it is zero.
    pub explanation: Option<String>,
}

/// Compares the books with the chain, by network and wallet in the order of the facts. Entries of
/// kind `Residue` are left out: they are this function's result.
///
/// # Errors
/// If an amount does not fit.
pub fn reconcile(ledger: &Ledger, facts: &Facts) -> Result<Vec<Row>, LedgerError> {
    let mut rows = Vec::new();
    for network in &facts.networks {
        rows.extend(reconcile_entries(&ledger.entries, network)?);
    }
    Ok(rows)
}

pub(crate) fn reconcile_entries(
    entries: &[Entry],
    network: &NetworkFacts,
) -> Result<Vec<Row>, LedgerError> {
    network.wallets.iter().map(|wallet| row(entries, network, wallet)).collect()
}

fn row(
    entries: &[Entry],
    network: &NetworkFacts,
    wallet: &WalletFacts,
) -> Result<Row, LedgerError> {
    let chain = network.network.chain;
    let account = wallet_account(network, wallet);
    let overflow = || LedgerError::Overflow(chain);
    let [mut opening, mut inflow, mut outgoing, mut closing] = [I256::ZERO; 4];
    let booked = entries.iter().filter(|entry| entry.kind != EntryKind::Residue);
    for entry in booked.filter(|entry| entry.chain == chain) {
        for posting in entry.postings.iter().filter(|posting| posting.account == account) {
            let amount = posting.amount;
            closing = closing.checked_add(amount).ok_or_else(overflow)?;
            let side = match entry.kind {
                EntryKind::Opening => &mut opening,
                _ if amount.is_negative() => &mut outgoing,
                _ => &mut inflow,
            };
            *side = side.checked_add(amount).ok_or_else(overflow)?;
        }
    }
    let fees = fees(network, wallet)?;
    let outflow = outgoing.checked_neg().and_then(|out| out.checked_sub(fees));
    let outflow = outflow.ok_or_else(overflow)?;
    let chain_closing = signed(chain, wallet.closing)?;
    let residue = chain_closing.checked_sub(closing).ok_or_else(overflow)?;
    let nonces = missing_nonces(network, wallet);
    Ok(Row {
        chain,
        wallet: wallet.address,
        account,
        opening,
        inflow,
        outflow,
        fees,
        closing,
        chain_closing,
        residue,
        explanation: explain(residue, &nonces),
        nonces,
    })
}

/// Fees are taken from the transactions, not from the postings, where they share an account with
/// other outflows.
fn fees(network: &NetworkFacts, wallet: &WalletFacts) -> Result<I256, LedgerError> {
    let chain = network.network.chain;
    let own = network.transactions.iter().filter(|tx| {
        tx.from == wallet.address && tx.block.number > wallet.opening.head.block.number
    });
    own.map(|tx| tx.fee()).try_fold(I256::ZERO, |sum, fee| {
        let fee = signed(chain, fee.ok_or(LedgerError::Overflow(chain))?)?;
        sum.checked_add(fee).ok_or(LedgerError::Overflow(chain))
    })
}

/// Every mined transaction of a key takes exactly one nonce, failed ones included; so does every
/// authorization.
fn missing_nonces(network: &NetworkFacts, wallet: &WalletFacts) -> Vec<u64> {
    let Some(bounds) = wallet.nonces else { return Vec::new() };
    let own = network.transactions.iter().filter(|tx| tx.from == wallet.address);
    let given = network.authorizations.iter().filter(|given| given.wallet == wallet.address);
    let known: BTreeSet<u64> = own.map(|tx| tx.nonce).chain(given.map(|g| g.nonce)).collect();
    let range = bounds.first..bounds.next.min(bounds.first.saturating_add(NONCES_MAX));
    range.filter(|nonce| !known.contains(nonce)).collect()
}

fn explain(residue: I256, nonces: &[u64]) -> Option<String> {
    if residue.is_zero() {
        return None;
    }
    let amount = residue.unsigned_abs();
    let missing = list(nonces);
    Some(if !nonces.is_empty() {
        format!("{residue} wei; no known transaction has nonce {missing}")
    } else if residue.is_positive() {
        format!("{amount} wei came in by no known transaction")
    } else {
        format!("{amount} wei went out by no known transaction or fee")
    })
}

fn list(nonces: &[u64]) -> String {
    let shown: Vec<_> = nonces.iter().take(NONCES_SHOWN_MAX).map(u64::to_string).collect();
    let more = nonces.len().saturating_sub(shown.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

impl Row {
    /// Whether the residue came from somebody else: the wallet holds more than is explained, and
    /// everything that it paid is known, so that nothing hides behind what came in.
    pub(crate) fn is_income(&self, wallet: &WalletFacts) -> bool {
        let complete = self.nonces.is_empty() && wallet.outflows == Outflows::Known;
        self.residue.is_positive() && complete
    }

    /// The sentence for nonces that nothing explains: the history is incomplete, even where
    /// amounts happen to agree.
    pub(crate) fn nonces_missing(&self) -> Option<String> {
        if self.nonces.is_empty() {
            return None;
        }
        let (wallet, chain, missing) = (self.wallet, self.chain, list(&self.nonces));
        Some(format!("wallet {wallet} on chain {chain}: no known transaction has nonce {missing}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::build_ledger;
    use crate::facts::NonceBounds;
    use crate::fixture::{WALLET, whole_story};

    /// The wallet's row of a story after a change to its facts.
    fn changed(change: impl Fn(&mut NetworkFacts, usize)) -> Row {
        let mut facts = whole_story().facts();
        let network = &mut facts.networks[0];
        let wallet = network.wallets.iter().position(|known| known.address == WALLET).unwrap();
        change(network, wallet);
        let network = &facts.networks[0];
        let ledger = build_ledger(&whole_story().facts()).unwrap();
        row(&ledger.entries, network, &network.wallets[wallet]).unwrap()
    }

    #[test]
    fn nonces_are_counted_from_the_opening_to_the_end() {
        let nonces = |first, next| {
            changed(|network, at| {
                network.wallets[at].nonces = Some(NonceBounds { first, next });
            })
            .nonces
        };
        // Five transactions of the wallet's are known, from 0 to 4.
        assert_eq!(nonces(0, 5), Vec::<u64>::new());
        assert_eq!(nonces(2, 7), [5, 6]);
        assert_eq!(nonces(9, 9), Vec::<u64>::new());
        assert_eq!(nonces(10, u64::MAX).len() as u64, NONCES_MAX);
        assert_eq!(changed(|network, at| network.wallets[at].nonces = None).nonces, [0; 0]);
    }

    #[test]
    fn few_nonces_are_listed_and_the_rest_counted() {
        let all = |count: u64| list(&(0..count).collect::<Vec<_>>());
        assert_eq!(all(1), "0");
        assert_eq!(all(10), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
        assert_eq!(all(12), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }

    #[test]
    fn a_residue_is_explained_by_what_is_missing() {
        let wei = |amount: i64| I256::try_from(amount).unwrap();
        assert_eq!(explain(I256::ZERO, &[7]), None);
        let says = |residue, nonces: &[u64]| explain(wei(residue), nonces).unwrap();
        assert_eq!(says(-3, &[7]), "-3 wei; no known transaction has nonce 7");
        assert_eq!(says(3, &[]), "3 wei came in by no known transaction");
        assert_eq!(says(-3, &[]), "3 wei went out by no known transaction or fee");
    }

    #[test]
    fn fees_count_from_the_block_after_the_opening() {
        let fees = |block| {
            changed(|network, at| network.wallets[at].opening.head.block.number = block).fees
        };
        let first = whole_story().transactions[0].clone();
        let fee = I256::try_from(first.fee().unwrap()).unwrap();
        let number = first.block.number;
        assert_eq!(fees(number - 1), fees(number) + fee);
        assert_eq!(fees(number), fee * I256::try_from(4).unwrap());
    }
}
