//! The root of trust: what has to be read of a Safe, what the answers mean, and what changed.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256, address, b256};
use alloy_sol_types::{SolCall, sol};
use tidegate_model::policy::SafeTrust;
use tidegate_model::units::counted;

use crate::canonical::{SafeVersion, canonical_by_code_hash, proxy_version};

mod abi {
    use super::sol;
    sol! {
        function getOwners() external view returns (address[] owners);
        function getThreshold() external view returns (uint256 threshold);
        function nonce() external view returns (uint256 nonce);
        function getModulesPaginated(address start, uint256 pageSize)
            external view returns (address[] modules, address next);
    }
}

/// The slot of the singleton's address in a Safe's proxy.
pub const SLOT_SINGLETON: B256 = B256::ZERO;
/// The slot of the transaction guard: keccak256 of `guard_manager.guard.address`.
pub const SLOT_GUARD: B256 =
    b256!("4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8");
/// The slot of the module guard: keccak256 of `module_manager.module_guard.address`.
pub const SLOT_MODULE_GUARD: B256 =
    b256!("b104e0b93118902c651344349b610029d694cfdec91c589c91ebafbcd0289947");
/// The slot of the fallback handler: keccak256 of `fallback_manager.handler.address`.
pub const SLOT_HANDLER: B256 =
    b256!("6c9a6c4a39284e37ed1cf53d337577d14212a4870fb976a4366c693b939918d5");
/// The most modules that are read; a Safe with more is refused.
const MODULES_MAX: usize = 100;

/// Both ends of a Safe's linked lists.
pub(crate) const SENTINEL: Address = address!("0000000000000000000000000000000000000001");

/// The reads that show who may move a Safe, all at one block. The singleton's code is read after
/// slot [`SLOT_SINGLETON`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustReads {
    /// Calldata whose answer goes to [`TrustAnswers::owners`].
    pub owners: Bytes,
    /// Calldata whose answer goes to [`TrustAnswers::threshold`].
    pub threshold: Bytes,
    /// Calldata whose answer goes to [`TrustAnswers::nonce`].
    pub nonce: Bytes,
    /// Calldata whose answer goes to [`TrustAnswers::modules`].
    pub modules: Bytes,
}

/// The chain's answers to [`TrustReads`]. All must come from one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnswers {
    /// The answer to `getOwners()`.
    pub owners: Bytes,
    /// The answer to `getThreshold()`.
    pub threshold: Bytes,
    /// The answer to `nonce()`.
    pub nonce: Bytes,
    /// The answer to `getModulesPaginated(0x1, MODULES_MAX)`.
    pub modules: Bytes,
    /// The word in [`SLOT_SINGLETON`].
    pub singleton: B256,
    /// The word in [`SLOT_GUARD`].
    pub guard: B256,
    /// The word in [`SLOT_MODULE_GUARD`].
    pub module_guard: B256,
    /// The word in [`SLOT_HANDLER`].
    pub handler: B256,
    /// keccak256 of the code at the Safe's own address.
    pub proxy_code_hash: B256,
    /// keccak256 of the code at [`slot_address`] of `singleton`.
    pub singleton_code_hash: B256,
}

/// A Safe at one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeState {
    /// The part of the state that a policy adopts.
    pub trust: SafeTrust,
    /// The nonce of its next transaction.
    pub nonce: u64,
    /// The singleton's address.
    pub singleton: Address,
    /// The version, where the singleton's code is a known one.
    pub version: Option<SafeVersion>,
    /// Doubts about the answers, one sentence each. Only a known proxy runs the singleton that slot
    /// 0 names, and only a known singleton answers truthfully.
    pub doubts: Vec<String>,
}

/// Answers that do not describe a Safe.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// An answer of another shape.
    #[error("cannot read the answer to `{call}`")]
    Answer {
        call: &'static str,
        #[source]
        source: alloy_sol_types::Error,
    },
    /// A word that is no address.
    #[error("cannot read an address from {what}: the slot holds {word}")]
    Word {
        /// What should be there.
        what: &'static str,
        word: B256,
    },
    /// Not all modules were listed.
    #[error("cannot list the Safe's modules: it has more than {MODULES_MAX}")]
    TooManyModules,
    /// Owners or threshold that no Safe can have.
    #[error(
        "a Safe cannot have threshold {threshold} with {}",
        counted(*owners, "distinct owner")
    )]
    Threshold {
        threshold: U256,
        /// Number of distinct owners.
        owners: usize,
    },
    /// A nonce beyond what this program handles.
    #[error("cannot accept nonce {0}: it does not fit 64 bits")]
    Nonce(U256),
}

impl TrustReads {
    /// The calls to make to the Safe.
    pub fn new() -> Self {
        let page =
            abi::getModulesPaginatedCall { start: SENTINEL, pageSize: U256::from(MODULES_MAX) };
        Self {
            owners: abi::getOwnersCall {}.abi_encode().into(),
            threshold: abi::getThresholdCall {}.abi_encode().into(),
            nonce: abi::nonceCall {}.abi_encode().into(),
            modules: page.abi_encode().into(),
        }
    }
}

impl Default for TrustReads {
    fn default() -> Self {
        Self::new()
    }
}

/// The fields of a Safe's own view, in its order.
pub(crate) struct Shown {
    pub(crate) owners: Vec<Address>,
    pub(crate) modules: Vec<Address>,
    pub(crate) threshold: U256,
    pub(crate) nonce: U256,
}

impl Shown {
    pub(crate) fn read(answers: &TrustAnswers) -> Result<Self, TrustError> {
        let page =
            returned::<abi::getModulesPaginatedCall>("getModulesPaginated(…)", &answers.modules)?;
        if page.next != SENTINEL {
            return Err(TrustError::TooManyModules);
        }
        Ok(Self {
            owners: returned::<abi::getOwnersCall>("getOwners()", &answers.owners)?,
            modules: page.modules,
            threshold: returned::<abi::getThresholdCall>("getThreshold()", &answers.threshold)?,
            nonce: returned::<abi::nonceCall>("nonce()", &answers.nonce)?,
        })
    }
}

/// Decodes the state of `safe` from the chain's answers.
///
/// # Errors
/// If an answer has another shape, or no Safe can be like this.
pub fn read_trust(safe: Address, answers: &TrustAnswers) -> Result<SafeState, TrustError> {
    let Shown { owners, modules, threshold, nonce } = Shown::read(answers)?;
    let owners: BTreeSet<Address> = owners.into_iter().collect();
    let modules: BTreeSet<Address> = modules.into_iter().collect();
    let wrong = TrustError::Threshold { threshold, owners: owners.len() };
    let threshold = match u32::try_from(threshold) {
        Ok(number) if number > 0 && owners.len() >= number as usize => number,
        _ => return Err(wrong),
    };
    let trust = SafeTrust {
        address: safe,
        singleton_code_hash: answers.singleton_code_hash,
        owners: owners.into_iter().collect(),
        threshold,
        modules: modules.into_iter().collect(),
        guard: slot_address("the guard's slot", answers.guard)?,
        module_guard: slot_address("the module guard's slot", answers.module_guard)?,
        handler: slot_address("the fallback handler's slot", answers.handler)?,
    };
    let known =
        canonical_by_code_hash(answers.singleton_code_hash).filter(|known| known.is_singleton());
    Ok(SafeState {
        trust,
        nonce: u64::try_from(nonce).map_err(|_| TrustError::Nonce(nonce))?,
        singleton: slot_address("slot 0", answers.singleton)?,
        version: known.map(|known| known.version),
        doubts: doubts(answers, known.is_some()),
    })
}

fn doubts(answers: &TrustAnswers, singleton_known: bool) -> Vec<String> {
    let mut doubts = Vec::new();
    if proxy_version(answers.proxy_code_hash).is_none() {
        doubts.push(format!("the Safe's proxy code {} is unknown", answers.proxy_code_hash));
    }
    if !singleton_known {
        let hash = answers.singleton_code_hash;
        doubts.push(format!(
            "the singleton's code {hash} is not that of a known Safe 1.4.1 or 1.5.0"
        ));
    }
    doubts
}

fn returned<C: SolCall>(call: &'static str, answer: &[u8]) -> Result<C::Return, TrustError> {
    C::abi_decode_returns_validate(answer).map_err(|source| TrustError::Answer { call, source })
}

/// The address in a storage word.
///
/// # Errors
/// If the word is no address.
pub fn slot_address(what: &'static str, word: B256) -> Result<Address, TrustError> {
    let (padding, address) = word.split_at(12);
    if padding.iter().any(|byte| *byte != 0) {
        return Err(TrustError::Word { what, word });
    }
    Ok(Address::from_slice(address))
}

/// Names what was added to and removed from a list of addresses.
pub(crate) fn list_changes(what: &str, before: &[Address], after: &[Address]) -> Vec<String> {
    let [old, new]: [BTreeSet<_>; 2] = [before, after].map(|list| list.iter().collect());
    let added = new.difference(&old).map(|address| format!("{what} {address} was added"));
    let removed = old.difference(&new).map(|address| format!("{what} {address} was removed"));
    added.chain(removed).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{hex, keccak256};
    use alloy_sol_types::SolValue;

    use super::*;
    use crate::canonical::{Canonical, CanonicalKind};

    const SAFE: Address = address!("00000000000000000000000000000000000005af");

    fn at(byte: u8) -> Address {
        Address::with_last_byte(byte)
    }

    fn answers() -> TrustAnswers {
        let safe = Canonical::get(SafeVersion::V1_4_1, CanonicalKind::SafeL2).unwrap();
        TrustAnswers {
            owners: vec![at(9), at(3)].abi_encode().into(),
            threshold: U256::from(2).abi_encode().into(),
            nonce: U256::from(7).abi_encode().into(),
            modules: (vec![at(8)], SENTINEL).abi_encode_params().into(),
            singleton: safe.address.into_word(),
            guard: B256::ZERO,
            module_guard: B256::ZERO,
            handler: at(0x44).into_word(),
            proxy_code_hash: b256!(
                "d7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c"
            ),
            singleton_code_hash: safe.code_hash,
        }
    }

    #[test]
    fn reads_and_slots() {
        let reads = TrustReads::new();
        let selectors = [&reads.owners, &reads.threshold, &reads.nonce].map(|data| data.to_vec());
        assert_eq!(selectors, [hex!("a0e67e2b"), hex!("e75235b8"), hex!("affed0e0")]);
        assert_eq!(reads.modules[..4], keccak256("getModulesPaginated(address,uint256)")[..4]);
        let slots = [
            ("guard_manager.guard.address", SLOT_GUARD),
            ("module_manager.module_guard.address", SLOT_MODULE_GUARD),
            ("fallback_manager.handler.address", SLOT_HANDLER),
        ];
        for (name, slot) in slots {
            assert_eq!(keccak256(name), slot, "{name}");
        }
    }

    #[test]
    fn a_safe_as_the_chain_answers() {
        let state = read_trust(SAFE, &answers()).unwrap();
        assert_eq!(state.trust.owners, [at(3), at(9)]);
        assert_eq!((state.trust.threshold, state.nonce), (2, 7));
        assert_eq!(state.trust.modules, [at(8)]);
        assert_eq!(state.trust.handler, at(0x44));
        assert_eq!(state.version, Some(SafeVersion::V1_4_1));
        assert!(state.doubts.is_empty(), "{:?}", state.doubts);

        let mut unknown = answers();
        unknown.proxy_code_hash = B256::ZERO;
        // A known contract that is no singleton does not pass for one.
        let batch = Canonical::get(SafeVersion::V1_4_1, CanonicalKind::MultiSendCallOnly).unwrap();
        unknown.singleton_code_hash = batch.code_hash;
        let state = read_trust(SAFE, &unknown).unwrap();
        assert_eq!((state.version, state.doubts.len()), (None, 2));
    }

    #[test]
    fn answers_that_no_safe_gives() {
        type Change = fn(&mut TrustAnswers);
        let cases: [(Change, &str); 8] = [
            (|a| a.owners = Bytes::new(), "read the answer to `getOwners()`"),
            (|a| a.threshold = U256::from(3).abi_encode().into(), "threshold 3 with 2"),
            (|a| a.threshold = U256::ZERO.abi_encode().into(), "threshold 0 with 2"),
            (|a| a.threshold = U256::MAX.abi_encode().into(), "threshold 1157"),
            (|a| a.owners = vec![at(3), at(3)].abi_encode().into(), "threshold 2 with 1"),
            (
                |a| a.modules = (vec![at(8)], at(8)).abi_encode_params().into(),
                "it has more than 100",
            ),
            (|a| a.nonce = U256::MAX.abi_encode().into(), "does not fit 64 bits"),
            (|a| a.guard = B256::repeat_byte(1), "read an address from the guard's slot"),
        ];
        for (change, expected) in cases {
            let mut changed = answers();
            change(&mut changed);
            let error = read_trust(SAFE, &changed).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} does not say {expected}");
        }
    }
}
