//! The overlay: changes over a view of chain state.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, U256};
use revm::state::{Account, EvmState};
use tidegate_model::ports::{AccountState, StateView};

use crate::diff::{AccountDiff, Change, StateDiff};

/// Changes over a view. What an entry does not say is the view's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overlay {
    entries: BTreeMap<Address, Entry>,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    balance: Option<U256>,
    nonce: Option<u64>,
    code: Option<Bytes>,
    slots: BTreeMap<U256, U256>,
    /// Whether slots that are not listed are zero: true of an account that was made here.
    whole: bool,
}

/// The effect of one transaction on the state.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) diff: StateDiff,
    /// Accounts with code that exist since, sorted.
    pub(crate) created: Vec<Address>,
}

impl Overlay {
    /// The account, or `None` where the view lacks it.
    pub(crate) fn account(&self, view: &dyn StateView, address: Address) -> Option<AccountState> {
        let Some(entry) = self.entries.get(&address) else { return view.account(address) };
        if let Entry { balance: Some(balance), nonce: Some(nonce), code: Some(code), .. } = entry {
            return Some(AccountState { balance: *balance, nonce: *nonce, code: code.clone() });
        }
        let base = view.account(address)?;
        Some(AccountState {
            balance: entry.balance.unwrap_or(base.balance),
            nonce: entry.nonce.unwrap_or(base.nonce),
            code: entry.code.clone().unwrap_or(base.code),
        })
    }

    /// The slot, or `None` where the view lacks it.
    pub(crate) fn slot(&self, view: &dyn StateView, address: Address, slot: U256) -> Option<U256> {
        match self.entries.get(&address) {
            Some(entry) => match entry.slots.get(&slot) {
                Some(value) => Some(*value),
                None if entry.whole => Some(U256::ZERO),
                None => view.slot(address, slot),
            },
            None => view.slot(address, slot),
        }
    }

    /// The slots of an account that was made here, without zeros. Empty for any other.
    pub(crate) fn slots_if_whole(&self, address: Address) -> BTreeMap<U256, U256> {
        match self.entries.get(&address) {
            Some(entry) if entry.whole => {
                entry.slots.iter().filter(|(_, v)| !v.is_zero()).map(|(k, v)| (*k, *v)).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    /// Whether an account was put here without code, so that a contract can be created there.
    pub(crate) fn is_vacant(&self, address: Address) -> bool {
        let vacant = |entry: &Entry| {
            entry.whole
                && entry.nonce == Some(0)
                && entry.code.as_ref().is_some_and(|c| c.is_empty())
        };
        self.entries.get(&address).is_some_and(vacant)
    }

    pub(crate) fn set_code(&mut self, address: Address, code: Bytes) {
        self.entries.entry(address).or_default().code = Some(code);
    }

    pub(crate) fn set_balance(&mut self, address: Address, balance: U256) {
        self.entries.entry(address).or_default().balance = Some(balance);
    }

    pub(crate) fn set_slot(&mut self, address: Address, slot: U256, value: U256) {
        self.entries.entry(address).or_default().slots.insert(slot, value);
    }

    /// Replaces the account, with empty storage.
    pub(crate) fn set_account(&mut self, address: Address, account: AccountState) {
        self.entries.insert(address, Entry::whole(account));
    }

    /// Takes over what a transaction left behind. Accounts in `vacated` count as empty before
    /// it where the transaction created them.
    pub(crate) fn apply(
        &mut self,
        view: &dyn StateView,
        state: EvmState,
        vacated: &BTreeSet<Address>,
    ) -> Applied {
        let mut applied = Applied::default();
        let touched: BTreeMap<_, _> = state.into_iter().filter(|(_, a)| a.is_touched()).collect();
        for (address, account) in touched {
            if account.is_created() && vacated.contains(&address) {
                self.set_account(address, AccountState::default());
            }
            let before = self.account(view, address).unwrap_or_default();
            let diff = self.apply_account(address, &before, &account);
            if account.is_created() && diff.code.is_some() {
                applied.created.push(address);
            }
            if !diff.is_empty() {
                applied.diff.accounts.insert(address, diff);
            }
        }
        applied
    }

    fn apply_account(
        &mut self,
        address: Address,
        before: &AccountState,
        account: &Account,
    ) -> AccountDiff {
        let destroyed = account.is_selfdestructed();
        let after = if destroyed { AccountState::default() } else { state_of(before, account) };
        let diff = AccountDiff {
            balance: Change::between(before.balance, after.balance),
            nonce: Change::between(before.nonce, after.nonce),
            code: Change::between(before.code.clone(), after.code.clone()),
            slots: account
                .storage
                .iter()
                .filter(|_| !destroyed)
                .filter_map(|(slot, s)| {
                    Some((*slot, Change::between(s.original_value, s.present_value)?))
                })
                .collect(),
        };
        let old = self.entries.remove(&address).unwrap_or_default();
        let fresh = destroyed || account.is_created();
        let mut entry = Entry::whole(after);
        entry.whole = fresh || old.whole;
        if !fresh {
            entry.slots = old.slots;
        }
        entry.slots.extend(diff.slots.iter().map(|(slot, change)| (*slot, change.after)));
        self.entries.insert(address, entry);
        diff
    }
}

impl Entry {
    fn whole(account: AccountState) -> Self {
        Self {
            balance: Some(account.balance),
            nonce: Some(account.nonce),
            code: Some(account.code),
            slots: BTreeMap::new(),
            whole: true,
        }
    }
}

fn state_of(before: &AccountState, account: &Account) -> AccountState {
    let info = &account.info;
    let code = match &info.code {
        Some(code) => code.original_bytes(),
        None if info.code_hash == KECCAK256_EMPTY => Bytes::new(),
        None => before.code.clone(),
    };
    AccountState { balance: info.balance, nonce: info.nonce, code }
}
