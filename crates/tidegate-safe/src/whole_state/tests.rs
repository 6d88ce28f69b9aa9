use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, b256, keccak256};
use alloy_sol_types::SolValue;
use serde::Deserialize;
use tidegate_model::ChainId;

use super::*;
use crate::trust::{TrustAnswers, read_trust};

mod hidden;

/// Safes on a chain with exact storage roots, made by `tests/safes/make.mjs`.
const SAFES: &str = include_str!("../../../../tests/safes/safes.json");

#[derive(Deserialize)]
struct File {
    chain: u64,
    safes: Vec<Made>,
}

#[derive(Clone, Deserialize)]
struct Made {
    name: String,
    safe: Address,
    account: Account,
    owners: Bytes,
    threshold: Bytes,
    nonce: Bytes,
    modules: Bytes,
    storage: Slots,
    creations: Vec<WireLog>,
    logs: Vec<WireLog>,
    inputs: BTreeMap<B256, Bytes>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    code_hash: B256,
    storage_root: B256,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Slots {
    singleton: B256,
    guard: B256,
    module_guard: B256,
    handler: B256,
}

#[derive(Clone, Deserialize)]
struct WireLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    transaction: B256,
}

fn logs(wire: &[WireLog]) -> Vec<SafeLog> {
    let log = |WireLog { address, topics, data, transaction }: WireLog| SafeLog {
        address,
        topics,
        data,
        transaction,
    };
    wire.iter().cloned().map(log).collect()
}

impl Made {
    fn all() -> (ChainId, Vec<Self>) {
        let file: File = serde_json::from_str(SAFES).unwrap();
        (ChainId(file.chain), file.safes)
    }

    fn named(name: &str) -> (ChainId, Self) {
        let (chain, safes) = Self::all();
        (chain, safes.into_iter().find(|safe| safe.name == name).unwrap())
    }

    fn answers(&self) -> TrustAnswers {
        TrustAnswers {
            owners: self.owners.clone(),
            threshold: self.threshold.clone(),
            nonce: self.nonce.clone(),
            modules: self.modules.clone(),
            singleton: self.storage.singleton,
            guard: self.storage.guard,
            module_guard: self.storage.module_guard,
            handler: self.storage.handler,
            proxy_code_hash: self.account.code_hash,
            singleton_code_hash: B256::ZERO,
        }
    }

    fn is_proven(&self) -> bool {
        let storage = SafeStorage::new(self.safe, &self.answers(), &logs(&self.logs)).unwrap();
        storage.has_root(self.account.storage_root)
    }

    fn explain(&self, chain: ChainId) -> Explained {
        self.explain_with(Preimages::new(chain, self.safe))
    }

    fn explain_with(&self, known: Preimages) -> Explained {
        let nonce = U256::from_be_slice(&self.nonce).to();
        let (creations, logs) = (logs(&self.creations), logs(&self.logs));
        let (creations, logs, inputs) = (&creations, &logs, &self.inputs);
        SafePast { nonce, creations, logs, inputs, known }.explain()
    }

    /// What its past leaves unexplained, as one text.
    fn doubts(&self, chain: ChainId) -> String {
        doubts(self.explain(chain))
    }
}

fn doubts(explained: Explained) -> String {
    let what = explained.unexplained.into_iter().map(|change| change.what);
    let unknown = explained.unknown.iter().map(|ran| format!("unknown: {}", ran.hash));
    what.chain(unknown).collect::<Vec<_>>().join("; ")
}

#[test]
fn what_a_safe_shows_is_all_it_holds_or_is_not() {
    let (chain, safes) = Made::all();
    // What no past explains, by name; the others hold what they show, and nothing else ran.
    let hidden = BTreeMap::from([
        ("hidden by setup", "setup ran code of 0x00000000000000000000000000000000000000AA"),
        (
            "hidden by a later delegatecall",
            "ran code of 0x00000000000000000000000000000000000000AA",
        ),
        ("hidden by a batch", "ran code of 0x00000000000000000000000000000000000000AA"),
        (
            "hidden by a module",
            "was moved by the module 0xd03ea8624C8C5987235048901fB614fDcA89b117",
        ),
        (
            "hidden by a fake singleton",
            "was created with the singleton 0x00000000000000000000000000000000000000AA",
        ),
    ]);
    for safe in &safes {
        let doubts = safe.doubts(chain);
        let Some(says) = hidden.get(safe.name.as_str()) else {
            assert!(safe.is_proven(), "{}", safe.name);
            assert!(doubts.is_empty(), "{}: {doubts}", safe.name);
            continue;
        };
        assert!(!safe.is_proven(), "{}", safe.name);
        assert!(doubts.contains(says), "{}: {doubts}", safe.name);
        // By what it shows alone, nothing is wrong with it.
        assert!(read_trust(safe.safe, &safe.answers()).is_ok());
    }
    assert_eq!(safes.len(), 10 + hidden.len());
}

#[test]
fn a_root_needs_every_log_and_no_other() {
    for name in ["hash approved", "message signed", "batch with a message", "owners changed"] {
        let (_, made) = Made::named(name);
        let speaks: Vec<_> = (0..made.logs.len())
            .filter(|at| {
                let topic = made.logs[*at].topics[0];
                [keccak256("ApproveHash(bytes32,address)"), keccak256("SignMsg(bytes32)")]
                    .contains(&topic)
            })
            .collect();
        assert!(!speaks.is_empty(), "{name}");
        for at in speaks {
            let mut without = made.clone();
            without.logs.remove(at);
            assert!(!without.is_proven(), "{name} without log {at}");
        }
        let mut more = made.clone();
        let mut log = more.logs[0].clone();
        log.topics = vec![keccak256("SignMsg(bytes32)"), B256::repeat_byte(7)];
        more.logs.push(log);
        assert!(!more.is_proven(), "{name} with a message that was never signed");
        let mut stranger = more.clone();
        stranger.logs.last_mut().unwrap().address = Address::repeat_byte(7);
        assert!(stranger.is_proven(), "{name}: another's log is not the Safe's");
    }
}

#[test]
fn every_part_of_what_is_shown_is_in_the_root() {
    let (_, made) = Made::named("module enabled");
    type Change = fn(&mut Made);
    let changes: [Change; 9] = [
        |m| m.storage.singleton = B256::with_last_byte(1),
        |m| m.storage.guard = B256::with_last_byte(1),
        |m| m.storage.module_guard = B256::with_last_byte(1),
        |m| m.storage.handler = B256::ZERO,
        |m| m.threshold = U256::from(1).abi_encode().into(),
        |m| m.nonce = U256::from(9).abi_encode().into(),
        |m| {
            let none: Vec<Address> = Vec::new();
            m.modules = (none, Address::with_last_byte(1)).abi_encode_params().into();
        },
        |m| {
            let mut owners = Vec::<Address>::abi_decode(&m.owners).unwrap();
            owners.pop();
            m.owners = owners.abi_encode().into();
        },
        |m| {
            let mut owners = Vec::<Address>::abi_decode(&m.owners).unwrap();
            owners.reverse();
            m.owners = owners.abi_encode().into();
        },
    ];
    assert!(made.is_proven());
    for (at, change) in changes.into_iter().enumerate() {
        let mut changed = made.clone();
        change(&mut changed);
        assert!(!changed.is_proven(), "change {at}");
    }
}

/// Slot 6 of a Safe that was moved from before 1.3.0, and nothing else there.
#[test]
fn a_domain_separator_from_before() {
    let (_, made) = Made::named("fresh");
    let storage = SafeStorage::new(made.safe, &made.answers(), &[]).unwrap();
    let old = b256!("035aff83d86937d35b32e04f0ddc6ff469290eef2f1b692d8a815c89404d4749");
    let with = |value: U256| {
        let mut slots = storage.slots().clone();
        slots.insert(B256::with_last_byte(6), value);
        alloy_trie::root::storage_root_unhashed(slots)
    };
    assert!(storage.has_root(with(keccak256((old, made.safe).abi_encode()).into())));
    assert!(!storage.has_root(with(U256::ONE)));
}

#[test]
fn a_past_that_is_told_in_part() {
    let (chain, made) = Made::named("message signed");
    let relies: Vec<_> = made.explain(chain).relies_on.values().map(ToString::to_string).collect();
    let lacks = |name: &str| !relies.iter().any(|known| known == name);
    assert!(!lacks("SignMessageLib 1.4.1") && !lacks("SafeL2 1.4.1"), "{relies:?}");
    assert!(!lacks("SafeProxyFactory 1.4.1") && lacks("MultiSend 1.4.1"), "{relies:?}");
    type Change = fn(&mut Made);
    let cases: [(Change, &str); 7] = [
        (|m| m.creations.clear(), "not created by a known factory"),
        (|m| m.creations.push(m.creations[0].clone()), "not created by a known factory"),
        (|m| m.creations[0].address = Address::ZERO, "by the unknown factory 0x0000"),
        (
            |m| m.logs.retain(|log| log.topics[0] != crate::EXECUTION_SUCCESS),
            "is at nonce 1, and it logged 0 executions",
        ),
        (
            // Neither the calldata nor the singleton's own log tells what was executed.
            |m| {
                m.inputs.clear();
                m.logs.retain(|log| log.topics.len() > 1);
            },
            "unknown: 0x",
        ),
        (|m| m.logs.retain(|log| log.data.len() < 200), "did not log exactly one setup"),
        (
            |m| {
                let mut log = m.logs[0].clone();
                log.topics = vec![keccak256("ChangedMasterCopy(address)")];
                log.data = Address::repeat_byte(9).abi_encode().into();
                m.logs.push(log);
            },
            "changed to the singleton 0x0909",
        ),
    ];
    for (change, says) in cases {
        let mut changed = made.clone();
        change(&mut changed);
        let doubts = changed.doubts(chain);
        assert!(doubts.contains(says), "{doubts} does not say {says}");
    }
}

/// A relayer, another Safe, a batch of many Safes: what was executed is somewhere in the calldata.
#[test]
fn an_execution_within_other_calldata() {
    let (chain, mut made) = Made::named("hidden by a later delegatecall");
    let mut wrapped = 0;
    for input in made.inputs.values_mut() {
        *input = [&[0x11, 0x22, 0x33], &input[..], &[0x44]].concat().into();
        wrapped += 1;
    }
    assert!(wrapped > 0);
    let doubts = made.doubts(chain);
    assert!(doubts.contains("ran code of 0x00000000000000000000000000000000000000AA"), "{doubts}");
    assert!(!doubts.contains("unknown: 0x"), "{doubts}");
    // The same Safe on another chain: no hash fits.
    assert!(made.doubts(ChainId(1)).contains("unknown: 0x"));
}

#[test]
fn approvals_that_wait() {
    let (_, made) = Made::named("hash approved");
    let pending = pending_approvals(made.safe, &logs(&made.logs));
    assert_eq!(pending.iter().map(|(_, owners)| *owners).collect::<Vec<_>>(), [1]);
    // Approved by two comes first, then what was approved last.
    let mut approved = logs(&made.logs);
    let template = approved
        .iter()
        .find(|log| log.topics.first() == Some(&keccak256("ApproveHash(bytes32,address)")))
        .cloned()
        .unwrap();
    for (hash, owner) in [(1, 1), (2, 1), (1, 2), (3, 1)] {
        let [hash, owner] = [hash, owner].map(B256::with_last_byte);
        approved
            .push(SafeLog { topics: vec![template.topics[0], hash, owner], ..template.clone() });
    }
    let found = pending_approvals(made.safe, &approved);
    let order: Vec<_> = found.iter().map(|(hash, owners)| (hash[31], *owners)).collect();
    assert_eq!(order[..3], [(1, 2), (3, 1), (2, 1)], "{order:?}");
    let (_, made) = Made::named("owners changed");
    assert!(pending_approvals(made.safe, &logs(&made.logs)).is_empty());
}

/// What is asked of a chain to know a Safe's past: all that the Safe logs of itself, and who made
/// it.
#[test]
fn a_past_is_asked_for_by_its_topics() {
    let topics = super::past_topics();
    for told in crate::trust_topics() {
        assert!(topics.contains(&told), "{told}");
    }
    for (what, topic) in [
        ("an execution", crate::EXECUTION_SUCCESS),
        ("one that failed", crate::exec::EXECUTION_FAILURE),
        ("an approval", keccak256("ApproveHash(bytes32,address)")),
        ("a signed message", keccak256("SignMsg(bytes32)")),
    ] {
        assert!(topics.contains(&topic), "{what}");
    }
    let safe = Address::repeat_byte(7);
    let (factories, of) = super::creations_of(safe);
    assert_eq!(factories.len(), 2);
    assert_eq!(of, [[keccak256("ProxyCreation(address,address)")], [safe.into_word()]]);
}

/// Whether it succeeded or failed, an execution has spent a nonce.
#[test]
fn executions_are_read_from_logs_of_each_version() {
    let hash = B256::repeat_byte(6);
    let log = |topics: &[B256], data: &[u8]| SafeLog {
        address: Address::ZERO,
        topics: topics.to_vec(),
        data: Bytes::copy_from_slice(data),
        transaction: B256::ZERO,
    };
    for (topic, success) in
        [(crate::EXECUTION_SUCCESS, true), (crate::exec::EXECUTION_FAILURE, false)]
    {
        assert_eq!(log(&[topic, hash], &[0; 32]).executed(), Some((hash, success)));
        let before = [hash.0, [0; 32]].concat();
        assert_eq!(log(&[topic], &before).executed(), Some((hash, success)));
        assert_eq!(log(&[topic], &[6; 31]).executed(), None);
    }
    assert_eq!(log(&[hash, hash], &[0; 32]).executed(), None);
    assert_eq!(log(&[], &[0; 32]).executed(), None);
}
