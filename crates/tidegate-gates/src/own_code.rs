//! Which code a release runs as its own that is not its own: by `DELEGATECALL`, over its storage.
//!
//! An external is called, and so another contract may stand in for it where the release soaks. Code
//! that runs over a contract's own storage is part of the release, whoever wrote it: it has to be
//! the same on both networks, and to be named.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use tidegate_model::digest::{CREATE2_PROXY, HELPER, MULTI_SENDS};
use tidegate_model::slots::BEACON_SLOT;
use tidegate_model::{Reason, ReasonCode};

use crate::slot_writes::delegates;

/// What code of an account that only borrows it begins with (EIP-7702).
const BORROWED: [u8; 3] = [0xef, 0x01, 0x00];
/// Numbers below this are precompiles, and none of anybody's contracts.
const PRECOMPILES_END: U256 = U256::from_limbs([0x1_0000, 0, 0, 0]);
/// Slots from here on belong to entries of mappings and arrays, or to a standard.
const ENTRIES_BITS: usize = 64;

/// A contract that a plan creates, as it will stand on the target.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Its operation, for people.
    pub name: &'a str,
    pub address: Address,
    /// Runtime code.
    pub code: &'a [u8],
    /// What its slots hold when the plan is done, where that is all they hold; `None` where it
    /// runs behind a contract that was there before.
    pub slots: Option<&'a BTreeMap<U256, U256>>,
}

/// A contract outside the plan.
#[derive(Debug, Clone)]
pub struct Outsider {
    /// Its name in `tidegate.toml`.
    pub name: String,
    /// Where it stands on the target.
    pub address: Address,
    /// Its runtime code there.
    pub code: Vec<u8>,
    /// The code hash on the target, and where it soaked.
    pub hashes: [B256; 2],
    /// Whether its code means the same on both.
    pub is_same: bool,
    /// Whether another rule compares it: a contract that is there already and is upgraded.
    pub is_live: bool,
}

/// Why code that the release runs as its own did not soak, in the order of the sentences.
pub fn foreign_code(target: &str, accounts: &[Account<'_>], outside: &[Outsider]) -> Vec<Reason> {
    let follow = Follow { target, accounts, outside };
    let found: Found = accounts.iter().flat_map(|account| follow.of(account)).collect();
    found.into_iter().map(|(text, code)| Reason::new(code, text)).collect()
}

/// Sentences, each once, with the codes of their reasons.
type Found = BTreeMap<String, ReasonCode>;

struct Follow<'a> {
    target: &'a str,
    accounts: &'a [Account<'a>],
    outside: &'a [Outsider],
}

impl<'a> Follow<'a> {
    /// What runs in an account's storage: its own code, and whatever that runs, and so on.
    fn of(&self, account: &Account<'a>) -> Found {
        let beacon = account.slots.and_then(|slots| slots.get(&BEACON_SLOT.into()));
        let beacon = beacon.map(|word| Address::from_word(B256::from(*word)));
        let mut codes: Vec<(Address, &[u8])> = vec![(account.address, account.code)];
        let (mut found, mut next) = (Found::new(), 0);
        while let Some((_, code)) = codes.get(next).copied() {
            next += 1;
            let (targets, anybody) = self.targets(account, code, beacon);
            if anybody {
                found.extend(self.outside.iter().filter_map(|out| self.unknown(account, out)));
            }
            for at in targets {
                if codes.iter().any(|(known, _)| *known == at) || !is_place(at) {
                    continue;
                }
                let own = self.accounts.iter().find(|own| own.address == at);
                let out = self.outside.iter().find(|out| out.address == at);
                match (own, out) {
                    (Some(own), _) => codes.push((at, own.code)),
                    (None, Some(out)) if out.is_live => {}
                    (None, Some(out)) => {
                        found.extend(self.other(account, out));
                        codes.push((at, &out.code));
                    }
                    (None, None) => found.extend([self.unnamed(account, at)]),
                }
            }
        }
        found
    }

    /// Where code of an account stands that this code runs, and whether anything outside may.
    fn targets(
        &self,
        account: &Account<'a>,
        code: &[u8],
        beacon: Option<Address>,
    ) -> (BTreeSet<Address>, bool) {
        let ways = delegates(code, beacon);
        let (mut targets, mut anybody) = (ways.named, ways.elsewhere);
        let Some(slots) = account.slots else {
            // What is in the storage of a contract that was there before is in no plan.
            return (targets, anybody || !ways.slots.is_empty() || ways.entries || ways.asks);
        };
        for slot in ways.slots {
            let Some(word) = slots.get(&slot.into()).filter(|word| !word.is_zero()) else {
                continue;
            };
            let known = self.within(&word.to_be_bytes::<32>());
            let address = Address::from_word(B256::from(*word));
            targets.extend(if known.is_empty() { [address].into() } else { known });
        }
        if ways.entries {
            let entries = slots.iter().filter(|(slot, _)| slot.bit_len() > ENTRIES_BITS);
            let words = entries.map(|(_, word)| word.to_be_bytes::<32>());
            targets.extend(words.flat_map(|word| self.within(&word)));
        }
        if ways.asks {
            match self.accounts.iter().find(|own| Some(own.address) == beacon) {
                Some(Account { code, slots: Some(slots), .. }) => {
                    let words = slots.values().map(|word| word.to_be_bytes::<32>());
                    targets.extend(self.within(code));
                    targets.extend(words.flat_map(|word| self.within(&word)));
                }
                _ => anybody = true,
            }
        }
        (targets, anybody)
    }

    /// The contracts that are known whose address stands in some bytes.
    fn within(&self, bytes: &[u8]) -> BTreeSet<Address> {
        let own = self.accounts.iter().map(|own| own.address);
        let known: BTreeSet<_> = own.chain(self.outside.iter().map(|out| out.address)).collect();
        let windows = bytes.windows(Address::len_bytes()).map(Address::from_slice);
        windows.filter(|address| known.contains(address)).collect()
    }

    /// An external that is known to be run.
    fn other(&self, account: &Account<'_>, out: &Outsider) -> Option<(String, ReasonCode)> {
        let (name, by, target) = (&out.name, account.name, self.target);
        if out.code.starts_with(&BORROWED) {
            let text = format!(
                "{by} runs the code of @{name} as its own (delegatecall), and that is an account \
                 whose key may change its code (EIP-7702); let it run a contract"
            );
            return Some((text, ReasonCode::OwnCodeOfKey));
        }
        (!out.is_same).then(|| {
            let [there, soaked] = out.hashes;
            let text = format!(
                "{by} runs the code of @{name} as its own (delegatecall), and on {target} that is \
                 other code (hash {there}) than where it soaked ({soaked}): let a step of the plan \
                 create that contract, or have the same code on both networks"
            );
            (text, ReasonCode::OwnCodeDiffers)
        })
    }

    /// An external that may be run, as nothing says what is.
    fn unknown(&self, account: &Account<'_>, out: &Outsider) -> Option<(String, ReasonCode)> {
        let (name, by, target) = (&out.name, account.name, self.target);
        (!out.is_same && !out.is_live).then(|| {
            let [there, soaked] = out.hashes;
            let text = format!(
                "{by} runs code as its own (delegatecall) from an address that cannot be \
                 determined, so it may be @{name}, which has other code on {target} (hash \
                 {there}) than where it soaked ({soaked}): have the same code on both networks"
            );
            (text, ReasonCode::OwnCodeUnknown)
        })
    }

    /// Code that the plan does not name.
    fn unnamed(&self, account: &Account<'_>, at: Address) -> (String, ReasonCode) {
        let text = format!(
            "{} runs the code at {at} as its own (delegatecall), which is neither in the plan nor \
             under [externals], so that nothing compares it with what soaked: name it there",
            account.name
        );
        (text, ReasonCode::OwnCodeUnnamed)
    }
}

/// Whether a contract can stand there that nobody fixed beforehand.
fn is_place(at: Address) -> bool {
    let known = [HELPER, CREATE2_PROXY];
    U256::from_be_slice(at.as_slice()) >= PRECOMPILES_END
        && !known.contains(&at)
        && !MULTI_SENDS.contains(&at)
}

#[cfg(test)]
mod tests;
