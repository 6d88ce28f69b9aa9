//! Whether a constructor's outcome depends on who calls it, or when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{Address, B256, U256, address};
use tidegate_model::ports::AccountState;

use crate::create::{CREATE2_PROXY, Creation, Expected};
use crate::diff::AccountDiff;
use crate::env::{BlockFields, Env};
use crate::error::EvmError;
use crate::job::{First, Job};
use crate::outcome::Outcome;
use crate::sandbox::Sandbox;
use crate::tx::Tx;

/// Accounts that no chain has: the second context's caller, origin and coinbase.
const STRANGE_CALLER: Address = address!("7469646567617465000000000000000000ca11e4");
const STRANGE_ORIGIN: Address = address!("7469646567617465000000000000000000009191");
/// The balance of the second caller beside the value that it sends, in wei.
const STRANGE_BALANCE: U256 = U256::from_limbs([1_000_003, 0, 0, 0]);
const STRANGE_COINBASE: Address = address!("7469646567617465000000000000000000c01bba");

/// The distance of the second context's block. It is small, because a constructor may rightly
/// refuse a deadline that is long past.
const BLOCKS_LATER: u64 = 307;
const SECS_LATER: u64 = 3607;

/// The result of running a constructor in two contexts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextCheck {
    /// Both left the same code, storage and balances.
    Same,
    /// They did not.
    Differs {
        /// The contracts in which they differ, sorted by address.
        differences: Vec<Difference>,
        /// What makes the difference when it alone is varied; may be empty.
        varies_with: Vec<Varied>,
    },
    /// The constructor fails in the second context.
    Fails {
        outcome: Box<Outcome>,
        /// What makes it fail when it alone is varied; may be empty.
        varies_with: Vec<Varied>,
    },
}

/// One contract in which two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The contract: the created one, one that it created, or one that it called.
    pub address: Address,
    /// The parts that differ; never empty.
    pub what: Vec<Differs>,
}

/// A part of one contract that differs between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// The code, first at this byte. Also where only one run creates the contract.
    Code {
        /// The offset of the first byte that differs.
        offset: usize,
    },
    /// Storage slots, sorted.
    Slots(Vec<SlotPair>),
    Balance,
    /// The nonce: how many contracts it created.
    Nonce,
}

/// A storage slot that two runs leave different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotPair {
    pub slot: U256,
    /// Its value after the first run; `None` where that run does not change it.
    pub first: Option<U256>,
    /// Its value after the second run; `None` where that run does not change it.
    pub second: Option<U256>,
}

/// A part of the context that the second run changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Varied {
    /// `CALLER`: the deterministic deployment proxy, or anybody.
    Caller,
    Origin,
    /// `NUMBER`, `TIMESTAMP`, `COINBASE`, `PREVRANDAO`, `GASLIMIT` and `BLOCKHASH`.
    Block,
    /// `GASPRICE`, `BASEFEE` and `BLOBBASEFEE`.
    GasPrice,
    /// `GAS`: how much is left.
    Gas,
}

impl fmt::Display for Varied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "the caller (msg.sender)",
            Self::Origin => "the origin (tx.origin)",
            Self::Block => "the block (number, time, coinbase, randomness)",
            Self::GasPrice => "the gas price or base fee",
            Self::Gas => "the gas that is left",
        })
    }
}

/// Runs a constructor as the deterministic deployment proxy would run it, and once more at the
/// same address for another caller and origin in another block at another gas price, and
/// compares everything both leave behind: code, storage and balances of every account, also of
/// contracts that the constructor creates or calls. Events are not compared. The sandbox is
/// left as it is.
///
/// # Errors
/// [`EvmError::CreationFailed`] if the constructor fails as the proxy would run it; others where
/// there is no outcome.
pub fn check_constructor(
    sandbox: &Sandbox<'_>,
    creation: &Creation,
) -> Result<ContextCheck, EvmError> {
    let proxied = sandbox.clone().create(creation);
    let strange = direct(sandbox, creation, &Varied::CHOSEN);
    // Both runs name what they lack, so that one round of fetching serves both.
    let (proxied, strange) = both(proxied, strange)?;
    let proxied = traces(creation, &proxied.outcome);
    if strange.is_success() && traces(creation, &strange) == proxied {
        return Ok(ContextCheck::Same);
    }
    let varies_with = blame(sandbox, creation, &proxied)?;
    if !strange.is_success() {
        return Ok(ContextCheck::Fails { outcome: Box::new(strange), varies_with });
    }
    let differences = differences(&proxied, &traces(creation, &strange));
    Ok(ContextCheck::Differs { differences, varies_with })
}

/// Whether a creation by the contract `tx.from` at `at` (see [`Sandbox::create_at`]) leaves
/// something else, or fails, if another contract creates: its constructor, or what it calls, asks
/// for `CALLER`. One that fails anyhow asks nothing. The sandbox is left as it is.
///
/// # Errors
/// Where there is no outcome.
pub fn asks_who_creates(sandbox: &Sandbox<'_>, tx: &Tx, at: Address) -> Result<bool, EvmError> {
    let tried = |result| match result {
        Ok(expected) => Ok(Some(expected)),
        Err(EvmError::CreationFailed { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let balance = tx.value.saturating_add(STRANGE_BALANCE);
    let stranger = AccountState { nonce: 1, balance, ..AccountState::default() };
    let mut other = sandbox.clone().with_account(STRANGE_CALLER, stranger);
    let strange = Tx { from: STRANGE_CALLER, ..tx.clone() };
    let own = tried(sandbox.clone().create_at(tx, at));
    let (own, strange) = both(own, tried(other.create_at(&strange, at)))?;
    let left = |made: &Expected| without(&[tx.from, tx.origin, STRANGE_CALLER], &made.outcome);
    Ok(own.is_some_and(|own| strange.is_none_or(|strange| left(&own) != left(&strange))))
}

impl Sandbox<'_> {
    /// The same state some blocks later, at another gas price: what differs between a run here
    /// and one there depends on when it runs.
    #[must_use]
    pub fn later(mut self) -> Self {
        vary_block(self.env_mut());
        vary_price(&mut self.env_mut().block);
        self
    }
}

impl Varied {
    /// The fields that a context varies; the gas that is left always differs without the proxy.
    const CHOSEN: [Self; 4] = [Self::Caller, Self::Origin, Self::Block, Self::GasPrice];
}

/// Accounts by what a run changed in them.
type Traces = BTreeMap<Address, AccountDiff>;

/// The changes that a run left, without accounts that differ by how it was run.
fn traces(creation: &Creation, outcome: &Outcome) -> Traces {
    without(&[CREATE2_PROXY, creation.executor, STRANGE_CALLER, STRANGE_ORIGIN], outcome)
}

fn without(scaffold: &[Address], outcome: &Outcome) -> Traces {
    let kept = outcome.diff.accounts.iter().filter(|(address, _)| !scaffold.contains(address));
    kept.map(|(address, diff)| (*address, diff.clone())).collect()
}

/// Runs the constructor at its address without the proxy, with some of the context varied.
fn direct(
    sandbox: &Sandbox<'_>,
    creation: &Creation,
    varied: &[Varied],
) -> Result<Outcome, EvmError> {
    let stranger = AccountState { nonce: 1, ..AccountState::default() };
    let mut trial = sandbox
        .clone()
        .with_account(STRANGE_CALLER, stranger.clone())
        .with_account(STRANGE_ORIGIN, stranger);
    let (mut caller, mut origin) = (CREATE2_PROXY, creation.executor);
    for field in varied {
        match field {
            Varied::Caller => caller = STRANGE_CALLER,
            Varied::Origin => origin = STRANGE_ORIGIN,
            Varied::Block => vary_block(trial.env_mut()),
            Varied::GasPrice => vary_price(&mut trial.env_mut().block),
            Varied::Gas => {}
        }
    }
    trial.commit(&Job {
        origin,
        data: creation.init_code.clone(),
        gas_limit: creation.gas_limit,
        first: First::Create { from: caller, value: U256::ZERO, at: Some(creation.address()) },
        vacate: true,
        watched: Vec::new(),
    })
}

fn vary_block(env: &mut Env) {
    env.head.block.number = env.head.block.number.saturating_add(BLOCKS_LATER);
    env.head.timestamp = env.head.timestamp.saturating_add(SECS_LATER);
    env.block.coinbase = STRANGE_COINBASE;
    env.block.prevrandao = B256::repeat_byte(0x5e);
    env.block.gas_limit = env.block.gas_limit.saturating_sub(1);
    env.block.invented_hashes = true;
}

fn vary_price(block: &mut BlockFields) {
    block.base_fee = block.base_fee.saturating_add(3_000_000_007);
    block.gas_price = block.gas_price.saturating_add(5_000_000_029).max(block.base_fee.into());
    block.excess_blob_gas = block.excess_blob_gas.saturating_add(40_000_000);
}

/// The parts of the context that each make a difference or a failure by themselves.
fn blame(
    sandbox: &Sandbox<'_>,
    creation: &Creation,
    proxied: &Traces,
) -> Result<Vec<Varied>, EvmError> {
    let mut blamed = Vec::new();
    let plain = direct(sandbox, creation, &[])?;
    for field in Varied::CHOSEN {
        let alone = direct(sandbox, creation, &[field])?;
        let same = alone.is_success() == plain.is_success()
            && traces(creation, &alone) == traces(creation, &plain);
        if !same {
            blamed.push(field);
        }
    }
    if !plain.is_success() || traces(creation, &plain) != *proxied {
        blamed.push(Varied::Gas);
    }
    Ok(blamed)
}

fn differences(first: &Traces, second: &Traces) -> Vec<Difference> {
    let addresses: BTreeSet<_> = first.keys().chain(second.keys()).collect();
    let untouched = AccountDiff::default();
    let mut found = Vec::new();
    for address in addresses {
        let a = first.get(address).unwrap_or(&untouched);
        let b = second.get(address).unwrap_or(&untouched);
        let what = differing(a, b);
        if !what.is_empty() {
            found.push(Difference { address: *address, what });
        }
    }
    found
}

fn differing(a: &AccountDiff, b: &AccountDiff) -> Vec<Differs> {
    let mut what = Vec::new();
    if a.code != b.code {
        let code = |diff: &AccountDiff| {
            diff.code.as_ref().map(|change| change.after.clone()).unwrap_or_default()
        };
        let (a, b) = (code(a), code(b));
        let offset = a.iter().zip(b.iter()).take_while(|(x, y)| x == y).count();
        what.push(Differs::Code { offset });
    }
    let slots: BTreeSet<_> = a.slots.keys().chain(b.slots.keys()).collect();
    let after = |diff: &AccountDiff, slot| diff.slots.get(slot).map(|change| change.after);
    let pairs: Vec<_> = slots
        .into_iter()
        .map(|slot| SlotPair { slot: *slot, first: after(a, slot), second: after(b, slot) })
        .filter(|pair| pair.first != pair.second)
        .collect();
    if !pairs.is_empty() {
        what.push(Differs::Slots(pairs));
    }
    if a.balance != b.balance {
        what.push(Differs::Balance);
    }
    if a.nonce != b.nonce {
        what.push(Differs::Nonce);
    }
    what
}

/// Both results, or everything that both lack.
fn both<A, B>(a: Result<A, EvmError>, b: Result<B, EvmError>) -> Result<(A, B), EvmError> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(EvmError::Missing(mut keys)), Err(EvmError::Missing(more))) => {
            let new: Vec<_> = more.into_iter().filter(|key| !keys.contains(key)).collect();
            keys.extend(new);
            Err(EvmError::Missing(keys))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}
