//! Who reaches an account that only a batch itself may move.

use std::fmt;

use alloy_primitives::{Address, U256};

use crate::call::Reached;
use crate::diff::AccountDiff;
use crate::outcome::Outcome;

/// The depth of a batch's own calls: the batch runs in the frame above them.
const OWN_DEPTH: usize = 1;

/// A call that a batch must not lead to, or a change of an account that it must not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trespass {
    /// Somebody that the batch calls, calls it.
    Call(Reached),
    /// The batch calls the account that it is the batch of.
    Itself(Reached),
    /// Its code changes.
    Code(Address),
    /// Its nonce changes: it creates a contract.
    Nonce(Address),
    /// Its storage changes.
    Slot(Address, U256),
}

impl Outcome {
    /// Calls and changes by which a batch of `account` touches `account` itself, or `helper` other
    /// than by its own calls. Both must have been watched. Static calls are allowed.
    pub fn trespasses(&self, account: Address, helper: Address) -> Vec<Trespass> {
        let calls = self.reached.iter().filter(|reached| !reached.is_static);
        let calls = calls.filter_map(|reached| match reached {
            Reached { depth, .. } if *depth > OWN_DEPTH => Some(Trespass::Call(*reached)),
            Reached { to, .. } if *to == account => Some(Trespass::Itself(*reached)),
            _ => None,
        });
        let mut found: Vec<_> = calls.collect();
        for of in [account, helper] {
            let Some(AccountDiff { nonce, code, slots, .. }) = self.diff.accounts.get(&of) else {
                continue;
            };
            found.extend(code.is_some().then_some(Trespass::Code(of)));
            if of == account {
                found.extend(nonce.is_some().then_some(Trespass::Nonce(of)));
                found.extend(slots.keys().map(|slot| Trespass::Slot(of, *slot)));
            }
        }
        found
    }
}

impl fmt::Display for Trespass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(Reached { kind, from, to, selector, .. }) => {
                write!(f, "{from}, which is called, makes a {kind}")?;
                if let Some(selector) = selector {
                    write!(f, " {selector}")?;
                }
                write!(f, " of {to}")
            }
            Self::Itself(Reached { to, .. }) => write!(f, "it calls {to}, whose batch it is"),
            Self::Code(of) => write!(f, "the code of {of} changes"),
            Self::Nonce(of) => write!(f, "{of} creates a contract by itself"),
            Self::Slot(of, slot) => write!(f, "storage slot {slot:#x} of {of} changes"),
        }
    }
}
