//! Who a spend is charged to: the requests that funded the wallet, and else its own funds.

use alloy_primitives::{Address, U256};
use tidegate_model::{ChainId, StatementDigest};

use super::{Books, Draft, ParkedBy};
use crate::account::Account;
use crate::error::LedgerError;
use crate::facts::WalletRole;

impl<'a> Books<'a> {
    /// Charges a spend of `wallet`: to requests that funded it and have something left, those for
    /// the transaction's release first, earlier draws first; the rest to its own funds. What goes
    /// into a contract remembers who put it there.
    pub(super) fn spend(
        &mut self,
        draft: &mut Draft<'a>,
        wallet: Address,
        amount: U256,
        contract: Option<Address>,
    ) -> Result<(), LedgerError> {
        let chain = draft.network.network.chain;
        let mut open = amount;
        for request in self.funding(draft, wallet) {
            let Some(tally) = self.tallies.get_mut(&request) else { continue };
            let taken = tally.left().min(open);
            if taken.is_zero() {
                continue;
            }
            tally.spent = tally.spent.saturating_add(taken);
            open = open.saturating_sub(taken);
            draft.request.get_or_insert(request);
            if let Some(contract) = contract {
                self.park(chain, contract, ParkedBy::Request(request), taken);
            }
        }
        if open.is_zero() {
            return Ok(());
        }
        if let Some(contract) = contract {
            self.park(chain, contract, ParkedBy::Own, open);
        }
        self.spend_own(draft, open)
    }

    /// The requests that funded a wallet, in the order in which they are spent.
    fn funding(&self, draft: &Draft<'_>, wallet: Address) -> Vec<StatementDigest> {
        let network = draft.network;
        if network.wallet(wallet).is_some_and(|found| found.role == WalletRole::Treasury) {
            return Vec::new();
        }
        let mut requests: Vec<_> = self
            .drawn_order
            .iter()
            .filter_map(|digest| self.claims.requests.get(digest).map(|claim| (*digest, claim)))
            .filter(|(_, claim)| {
                claim.request.destination == wallet && claim.request.network == network.network
            })
            .collect();
        let release = draft.tx.release;
        requests.sort_by_key(|(_, claim)| release.is_none() || claim.request.release != release);
        requests.into_iter().map(|(digest, _)| digest).collect()
    }

    /// Books a spend as paid from own funds: first from what the wallets held at their opening,
    /// then from what came in unsolicited.
    fn spend_own(&mut self, draft: &mut Draft<'a>, amount: U256) -> Result<(), LedgerError> {
        let chain = draft.network.network.chain;
        let own = self.own.entry(chain).or_default();
        *own = own.saturating_add(amount);
        let held = self.own_open.entry(chain).or_default();
        let opened = amount.min(*held);
        *held = held.saturating_sub(opened);
        let later = amount.saturating_sub(opened);
        if !opened.is_zero() {
            let opening = Account::Opening(draft.network.label.clone());
            draft.post(Account::OwnFunds, opening, opened)?;
        }
        if !later.is_zero() {
            draft.post(Account::OwnFunds, Account::Unsolicited, later)?;
        }
        Ok(())
    }

    /// Remembers who put value into a contract.
    pub(super) fn park(&mut self, chain: ChainId, contract: Address, by: ParkedBy, amount: U256) {
        self.parked.entry((chain, contract)).or_default().push_back((by, amount));
    }

    /// Takes up to `amount` back out of a contract, oldest first, and undoes what it was charged
    /// to. Returns how much of it had been put in.
    pub(super) fn unpark(
        &mut self,
        draft: &mut Draft<'a>,
        contract: Address,
        amount: U256,
    ) -> Result<U256, LedgerError> {
        let chain = draft.network.network.chain;
        let mut open = amount;
        let mut own = U256::ZERO;
        let queue = self.parked.entry((chain, contract)).or_default();
        while let Some((by, held)) = queue.front_mut() {
            let taken = open.min(*held);
            *held = held.saturating_sub(taken);
            open = open.saturating_sub(taken);
            match by {
                ParkedBy::Own => own = own.saturating_add(taken),
                ParkedBy::Treasury => {}
                ParkedBy::Request(request) => {
                    if let Some(tally) = self.tallies.get_mut(request) {
                        tally.spent = tally.spent.saturating_sub(taken);
                    }
                }
            }
            if !held.is_zero() {
                break;
            }
            queue.pop_front();
        }
        self.unspend_own(draft, own)?;
        Ok(amount.saturating_sub(open))
    }

    fn unspend_own(&mut self, draft: &mut Draft<'a>, amount: U256) -> Result<(), LedgerError> {
        let chain = draft.network.network.chain;
        let own = self.own.entry(chain).or_default();
        let undone = amount.min(*own);
        if undone.is_zero() {
            return Ok(());
        }
        *own = own.saturating_sub(undone);
        let held = self.own_open.entry(chain).or_default();
        *held = held.saturating_add(undone);
        draft.post(Account::Opening(draft.network.label.clone()), Account::OwnFunds, undone)
    }
}
