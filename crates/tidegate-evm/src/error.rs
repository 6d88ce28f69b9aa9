//! Why a local execution has no outcome.

use alloy_primitives::{Address, B256};
use revm::context::result::{EVMError, InvalidTransaction};
use tidegate_model::ports::StateKey;
use tidegate_model::units::counted;

use crate::db::StateError;
use crate::outcome::Outcome;

/// An execution that has no outcome. A transaction that reverts is not among these: it has an
/// [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum EvmError {
    /// The snapshot lacks state. The first place is certainly needed; the others were met by
    /// going on as if what is missing were empty, and that run was thrown away. Never empty.
    #[error(
        "cannot execute without {} of chain state that the snapshot lacks, first {}",
        counted(.0.len(), "place"), Place(.0.first())
    )]
    Missing(Vec<StateKey>),
    /// A place was asked for, and the next run still lacked it.
    #[error("{} is still missing from the snapshot after it was fetched", Place(Some(.0)))]
    NotFetched(StateKey),
    /// Every round needed yet more state.
    #[error("cannot execute: state is still missing after {rounds} rounds of fetching")]
    TooManyRounds {
        /// How many rounds there were.
        rounds: u32,
    },
    /// No block would include the transaction (EIP-7825).
    #[error("cannot execute a transaction with {limit} gas: the limit is {max}")]
    GasLimitTooHigh {
        limit: u64,
        /// The most it may have.
        max: u64,
    },
    /// The gas does not even pay for the transaction's data.
    #[error("cannot execute a transaction with {limit} gas: its data alone costs {needed}")]
    GasLimitTooLow {
        limit: u64,
        /// What the data costs.
        needed: u64,
    },
    /// The initcode of a creating transaction is larger than any chain accepts.
    #[error("cannot create from {bytes} bytes of initcode: the limit is 49152")]
    InitCodeTooLarge { bytes: usize },
    /// No block would include the transaction, for another reason.
    #[error("cannot execute a transaction that no block would include")]
    Rejected(#[source] Box<InvalidTransaction>),
    /// The chain has something else, or nothing, where the deterministic deployment proxy
    /// should be.
    #[error("the deterministic deployment proxy is not on the chain (code hash there: {found})")]
    Create2Proxy {
        /// The keccak256 of the code that is there.
        found: B256,
    },
    /// A creation reverted or halted; the outcome says why.
    #[error("cannot create {address}: {}", .outcome.why())]
    CreationFailed {
        /// Where the contract should be.
        address: Address,
        outcome: Box<Outcome>,
    },
    /// A creation succeeded, but left no code at the address.
    #[error("cannot create {address}: the transaction leaves no code there")]
    NotCreated {
        /// Where the contract should be.
        address: Address,
    },
    /// What a chain cannot be asked, so that nothing shows whether it has the rules of here.
    #[error("cannot ask the chain for {trial}: it is too large for one call")]
    Incomparable {
        /// What it should be asked.
        trial: String,
    },
    /// The interpreter failed; a bug, or a precompile that cannot run here.
    #[error("cannot run the interpreter")]
    Interpreter(#[source] Box<EVMError<StateError>>),
}

impl EvmError {
    pub(crate) fn from_revm(error: EVMError<StateError>, init_code_bytes: usize) -> Self {
        use InvalidTransaction as Tx;
        match error {
            EVMError::Transaction(Tx::TxGasLimitGreaterThanCap { gas_limit, cap }) => {
                Self::GasLimitTooHigh { limit: gas_limit, max: cap }
            }
            EVMError::Transaction(Tx::CallGasCostMoreThanGasLimit { initial_gas, gas_limit }) => {
                Self::GasLimitTooLow { limit: gas_limit, needed: initial_gas }
            }
            EVMError::Transaction(Tx::GasFloorMoreThanGasLimit { gas_floor, gas_limit }) => {
                Self::GasLimitTooLow { limit: gas_limit, needed: gas_floor }
            }
            EVMError::Transaction(Tx::CreateInitCodeSizeLimit) => {
                Self::InitCodeTooLarge { bytes: init_code_bytes }
            }
            EVMError::Transaction(other) => Self::Rejected(Box::new(other)),
            other => Self::Interpreter(Box::new(other)),
        }
    }
}

/// Writes a place of state for people.
struct Place<'a>(Option<&'a StateKey>);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(StateKey::Account(address)) => write!(f, "account {address}"),
            Some(StateKey::Slot(address, slot)) => write!(f, "slot {slot:#x} of {address}"),
            Some(StateKey::BlockHash(number)) => write!(f, "the hash of block {number}"),
            None => f.write_str("none"),
        }
    }
}
