//! Everything that ever ran as a Safe, where no proof of its storage can be had.
//!
//! A Safe that a known factory made over a known singleton runs Safe's own code from its first
//! block on. That code writes slots of others' choosing in one way only, the delegate call: of its
//! setup, of a transaction, of a module. For each it emits an event from its own frame, which what
//! it runs can neither prevent nor take back. So the first thing that could have hidden something
//! is always seen.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent, sol};
use tidegate_model::units::counted;

use super::preimage::{Preimage, Preimages};
use super::storage::{SIGN_MSG, SafeLog};
use crate::canonical::{Canonical, CanonicalKind, SafeVersion, canonical_by_address};
use crate::changes::{APPROVE_HASH, TrustChange, trust_change, trust_topics};
use crate::exec::{EXECUTION_FAILURE, EXECUTION_SUCCESS};

pub(super) mod abi {
    use super::sol;
    sol! {
        function multiSend(bytes transactions) external payable;
        event SafeMultiSigTransaction(
            address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas,
            uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver,
            bytes signatures, bytes additionalInfo
        );
        event SafeModuleTransaction(
            address module, address to, uint256 value, bytes data, uint8 operation
        );
        event SafeSetup(
            address indexed initiator, address[] owners, uint256 threshold, address initializer,
            address fallbackHandler
        );
    }
}

/// The deepest batch within a batch that is followed.
const DEPTH_MAX: usize = 4;
/// The bytes of an inner call before its data: operation, target, value, length.
const HEADER_BYTES: usize = 1 + 20 + 32 + 32;

static SETUP: B256 = abi::SafeSetup::SIGNATURE_HASH;
static SINGLETON_CHANGED: LazyLock<B256> =
    LazyLock::new(|| keccak256("ChangedMasterCopy(address)"));
static MODULE_RAN: LazyLock<B256> =
    LazyLock::new(|| keccak256("ExecutionFromModuleSuccess(address)"));

/// The topics of all logs of a Safe that tell its past. What strangers can make it log is none.
pub fn past_topics() -> Vec<B256> {
    let mut topics = trust_topics();
    topics.extend([
        *APPROVE_HASH,
        *SIGN_MSG,
        EXECUTION_SUCCESS,
        EXECUTION_FAILURE,
        abi::SafeMultiSigTransaction::SIGNATURE_HASH,
        abi::SafeModuleTransaction::SIGNATURE_HASH,
    ]);
    topics
}

/// The addresses and topics of logs that say who made a Safe: those of Safe's factories from 1.4.1
/// on, which name it in a topic.
pub fn creations_of(safe: Address) -> (Vec<Address>, Vec<Vec<B256>>) {
    let versions = [SafeVersion::V1_4_1, SafeVersion::V1_5_0].into_iter();
    let factories =
        versions.filter_map(|version| Canonical::get(version, CanonicalKind::ProxyFactory));
    let topic = keccak256("ProxyCreation(address,address)");
    (factories.map(|known| known.address).collect(), vec![vec![topic], vec![safe.into_word()]])
}

/// A Safe's past, as far as it is logged.
#[derive(Debug)]
pub struct SafePast<'a> {
    /// Its present nonce.
    pub nonce: u64,
    /// The logs by which a factory of Safe says that it made it.
    pub creations: &'a [SafeLog],
    /// Its own logs with [`past_topics`], in order, from its creation on.
    pub logs: &'a [SafeLog],
    /// The calldata of the transactions that logged, as far as it is needed.
    pub inputs: &'a BTreeMap<B256, Bytes>,
    /// What it executed, as far as that is known beside its transactions' calldata: whoever sends
    /// one may hide what the Safe executes in it.
    pub known: Preimages,
}

/// The result of following a Safe's past: what is explained, what is not, and the contracts that
/// this rests on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// Events that may have written anything; empty if there are none.
    pub unexplained: Vec<TrustChange>,
    /// Executions that are known from nowhere; they may have written anything, too.
    pub unknown: Vec<Executed>,
    /// Executions that are known, by their hash.
    pub executed: Vec<(B256, Preimage)>,
    /// The contracts that this rests on: each must have its code.
    pub relies_on: BTreeMap<Address, Canonical>,
}

/// An execution that a Safe logged: its transaction, and the hash that owners signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Executed {
    pub transaction: B256,
    /// The hash that its owners signed.
    pub hash: B256,
}

impl SafePast<'_> {
    /// The executions that a Safe logged as successful.
    pub fn executed(logs: &[SafeLog]) -> impl Iterator<Item = Executed> {
        logs.iter().filter_map(|log| match log.executed() {
            Some((hash, true)) => Some(Executed { transaction: log.transaction, hash }),
            _ => None,
        })
    }

    /// Follows all that ran.
    pub fn explain(mut self) -> Explained {
        let mut explained = Explained::default();
        explained.creation(&self);
        for log in self.logs {
            explained.log(log);
        }
        explained.executions(&mut self);
        explained
    }
}

impl Explained {
    fn doubt(&mut self, what: String) {
        self.unexplained.push(TrustChange { what, moved_by: None });
    }

    /// Whether a contract of Safe stands there, by address; its code is relied on.
    fn known(&mut self, at: Address, is: impl Fn(&Canonical) -> bool) -> Option<CanonicalKind> {
        let known = canonical_by_address(at).filter(|known| is(known))?;
        self.relies_on.insert(at, *known);
        Some(known.kind)
    }

    /// A known factory made it, once, over a known singleton; and it was set up once.
    fn creation(&mut self, past: &SafePast<'_>) {
        let [made] = past.creations else {
            return self.doubt("the Safe was not created by a known factory of Safe's".to_owned());
        };
        if self.known(made.address, |known| known.kind == CanonicalKind::ProxyFactory).is_none() {
            self.doubt(format!("the Safe was created by the unknown factory {}", made.address));
        }
        self.singleton(made.data.get(..32), "was created with");
        if past.logs.iter().filter(|log| log.topics.first() == Some(&SETUP)).count() != 1 {
            self.doubt("the Safe's singleton did not log exactly one setup".to_owned());
        }
    }

    fn singleton(&mut self, word: Option<&[u8]>, says: &str) {
        let address = word.map(|word| Address::from_slice(&word[12..])).unwrap_or_default();
        if self.known(address, Canonical::is_singleton).is_none() {
            self.doubt(format!(
                "the Safe {says} the singleton {address}, which is not one of Safe's"
            ));
        }
    }

    fn log(&mut self, log: &SafeLog) {
        let Some(topic) = log.topics.first() else { return };
        if *topic == SETUP {
            let ran = abi::SafeSetup::decode_log_data(&log.log_data()).map(|is| is.initializer);
            let ran = ran.unwrap_or(Address::repeat_byte(0xff));
            let setup = |known: &Canonical| known.kind == CanonicalKind::SafeToL2Setup;
            if !ran.is_zero() && self.known(ran, setup).is_none() {
                self.doubt(format!("the Safe's setup ran code of {ran} as the Safe"));
            }
        } else if *topic == *SINGLETON_CHANGED {
            let indexed = log.topics.get(1).map(|topic| topic.as_slice());
            self.singleton(indexed.or_else(|| log.data.get(..32)), "changed to");
        } else if *topic == *MODULE_RAN {
            self.unexplained.extend(trust_change(&log.topics, &log.data));
        } else if *topic == abi::SafeModuleTransaction::SIGNATURE_HASH {
            match abi::SafeModuleTransaction::decode_log_data(&log.log_data()) {
                Ok(ran) => self.ran(log.transaction, ran.operation, ran.to, &ran.data, 0),
                Err(_) => self.doubt("a module's transaction cannot be read".to_owned()),
            }
        }
    }

    /// Each execution is known already, or found in what its transaction carries, by its hash,
    /// however deep: the nonces that one transaction used are known, their order within it is not.
    fn executions(&mut self, past: &mut SafePast<'_>) {
        let mut nonce = 0;
        for logs in past.logs.chunk_by(|a, b| a.transaction == b.transaction) {
            let ended = logs.iter().filter_map(SafeLog::executed).count();
            let nonces = nonce..nonce + ended as u64;
            nonce = nonces.end;
            let executed: Vec<_> = SafePast::executed(logs).collect();
            let unknown = executed.iter().map(|ran| ran.hash);
            let unknown: Vec<_> = unknown.filter(|hash| past.known.get(*hash).is_none()).collect();
            if !unknown.is_empty() {
                let input = past.inputs.get(&logs[0].transaction);
                let input = input.map_or(&[][..], |input| input);
                past.known.add_carried(&unknown, nonces, (input, logs));
            }
            for ran in executed {
                let Some(tx) = past.known.get(ran.hash) else {
                    self.unknown.push(ran);
                    continue;
                };
                self.ran(ran.transaction, tx.operation(), tx.to(), tx.data(), 0);
                self.executed.push((ran.hash, tx.clone()));
            }
        }
        if nonce != past.nonce {
            let now = past.nonce;
            let logged = counted(nonce, "execution");
            self.doubt(format!("the Safe is at nonce {now}, and it logged {logged}"));
        }
    }

    /// Follows code that ran as the Safe. A call needs no look: it changes slots only by the Safe's
    /// own code.
    fn ran(&mut self, tx: B256, operation: u8, to: Address, data: &[u8], depth: usize) {
        if operation == 0 {
            return;
        }
        let kind = self.known(to, |known| !known.is_singleton());
        match kind {
            Some(
                CanonicalKind::MultiSendCallOnly
                | CanonicalKind::CreateCall
                | CanonicalKind::SignMessageLib
                | CanonicalKind::SafeMigration
                | CanonicalKind::SafeToL2Migration
                | CanonicalKind::SafeToL2Setup,
            ) => {}
            Some(CanonicalKind::MultiSend) if depth < DEPTH_MAX => match inner_calls(data) {
                Some(calls) => {
                    for (operation, to, data) in calls {
                        self.ran(tx, operation, to, &data, depth + 1);
                    }
                }
                None => self.doubt(format!("the batch in {tx} cannot be read")),
            },
            _ => self.doubt(format!("the transaction {tx} ran code of {to} as the Safe")),
        }
    }
}

impl SafeLog {
    pub(super) fn log_data(&self) -> alloy_primitives::LogData {
        alloy_primitives::LogData::new_unchecked(self.topics.clone(), self.data.clone())
    }
}

/// The calls of a batch; `None` where it is none.
fn inner_calls(calldata: &[u8]) -> Option<Vec<(u8, Address, Vec<u8>)>> {
    let batch = abi::multiSendCall::abi_decode(calldata).ok()?.transactions;
    let mut rest = &batch[..];
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (header, after) = rest.split_at_checked(HEADER_BYTES)?;
        let length = usize::try_from(U256::from_be_slice(&header[53..])).ok()?;
        let (data, after) = after.split_at_checked(length)?;
        calls.push((header[0], Address::from_slice(&header[1..21]), data.to_vec()));
        rest = after;
    }
    Some(calls)
}
