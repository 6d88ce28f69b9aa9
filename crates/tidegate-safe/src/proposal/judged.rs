//! The conditions of a promotion's batch: what must still be as the gates judged it.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, sol};
use serde::{Deserialize, Serialize};
use tidegate_model::statement::{freeze_subject, no_go_subject, revocation_subject};
use tidegate_model::units::counted;
use tidegate_model::{ChainId, ProjectId, ReleaseRoot, StatementDigest};

use crate::batch::InnerCall;
use crate::helper::{self, POSTS_MAX, Post};

sol! {
    function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4);
}

/// Of the posts that a batch checks, so many are kept free for revocations.
const REVOCATIONS_MAX: usize = 32;

/// The most contracts that a batch asks again whether they signed.
pub const CONFIRMATIONS_MAX: usize = 32;

/// The facts on the target that the gates relied on, and that may have changed when owners sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Judged {
    /// The policy's version that the Safe adopted last.
    pub policy_version: u64,
    /// The number of promotions that the Safe has recorded.
    pub records: u64,
    /// Each post that the gates asked for, sorted, each once.
    pub posts: Vec<Post>,
    /// The contracts that signed what the gates rest on, sorted.
    pub confirmations: Vec<Confirmation>,
}

/// A statement by which a gate may pass and that a contract signed: it may withdraw at any time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    pub statement: StatementDigest,
    /// The contract's chain.
    pub chain: ChainId,
    pub contract: Address,
    /// The signature that the contract is asked about.
    pub signature: Bytes,
}

/// The error if a batch cannot check the stops of this many keys: it asks for a freeze and a no-go
/// of each key, for each target of the project on the chain.
pub fn keys_fault(keys: usize, targets: usize) -> Option<String> {
    let most = (POSTS_MAX - REVOCATIONS_MAX) / (2 * targets.max(1));
    (keys > most).then(|| {
        format!(
            "[people] has {}; a batch can check the stops of {} (targets on the chain: {targets})",
            counted(keys, "key"),
            counted(most, "key")
        )
    })
}

/// The posts that a batch requires, sorted, each once: of each auditor whether they revoked their
/// attestation; of each key of people the freeze of each of these projects and the no-go of the
/// release there. A stop for one target of a project stops its other targets too.
pub fn asked_posts(
    projects: impl IntoIterator<Item = ProjectId>,
    release: ReleaseRoot,
    keys: impl IntoIterator<Item = Address>,
    attestations: impl IntoIterator<Item = (StatementDigest, Address)>,
) -> BTreeSet<(Address, StatementDigest)> {
    let stops = |project| [freeze_subject(project), no_go_subject(project, release)];
    let stops: Vec<_> = projects.into_iter().flat_map(stops).collect();
    let by_key = keys.into_iter().flat_map(|key| stops.iter().map(move |subject| (key, *subject)));
    let revocations = attestations.into_iter();
    by_key.chain(revocations.map(|(digest, by)| (by, revocation_subject(digest)))).collect()
}

impl Judged {
    /// The first reason why no batch can be made of it, if there is one.
    pub fn fault(&self) -> Option<String> {
        let posts = self.posts.len();
        if posts > POSTS_MAX {
            return Some(format!(
                "the batch would check {posts} posts at the helper, and at most {POSTS_MAX} fit: \
                 two for each key under [people] and each target on the chain, one for each \
                 attestation"
            ));
        }
        if self.confirmations.len() > CONFIRMATIONS_MAX {
            return Some(format!(
                "contracts signed {} that the gates need, and a batch can ask about at most \
                 {CONFIRMATIONS_MAX}",
                counted(self.confirmations.len(), "statement")
            ));
        }
        let place = |post: &Post| (post.by, post.subject);
        let sorted = self.posts.windows(2).all(|pair| place(&pair[0]) < place(&pair[1]))
            && self.confirmations.windows(2).all(|pair| pair[0] < pair[1]);
        (!sorted).then(|| "its posts or confirmations are not sorted, each once".to_owned())
    }

    /// The calls that require it, for a Safe on this chain.
    pub fn calls(&self, helper: Address, project: ProjectId, chain: ChainId) -> Vec<InnerCall> {
        let call = |data, note: String| InnerCall { to: helper, value: U256::ZERO, data, note };
        let mut calls = vec![
            call(
                helper::require_policy(project, self.policy_version),
                format!("the policy version is still {}", self.policy_version),
            ),
            call(
                helper::require_records(project, self.records),
                format!("still no more than {} recorded", counted(self.records, "promotion")),
            ),
            call(
                helper::require_posted(&self.posts),
                format!("{} unchanged since the gates passed", counted(self.posts.len(), "post")),
            ),
        ];
        let here = self.confirmations.iter().filter(|confirmed| confirmed.chain == chain);
        calls.extend(here.map(|confirmed| {
            let Confirmation { statement, contract, signature, .. } = confirmed;
            let asked = isValidSignatureCall { hash: statement.0, signature: signature.clone() };
            let data = helper::require_call(*contract, asked.abi_encode().into(), signed());
            call(data, format!("{contract} still confirms statement {}", statement.short()))
        }));
        calls
    }

    /// Contracts that this chain's batch cannot ask, because they stand elsewhere.
    pub(crate) fn elsewhere(&self, chain: ChainId) -> impl Iterator<Item = &Confirmation> {
        self.confirmations.iter().filter(move |confirmed| confirmed.chain != chain)
    }

    /// The first difference from `now`, as a sentence; `None` if there is none.
    pub fn differs(&self, now: &Self) -> Option<String> {
        if self.policy_version != now.policy_version {
            let (was, is) = (self.policy_version, now.policy_version);
            return Some(format!("the Safe has adopted policy version {is} since; it was {was}"));
        }
        if self.records != now.records {
            let (was, is) = (self.records, now.records);
            return Some(format!(
                "the Safe has recorded {}; it had {was}",
                counted(is, "promotion")
            ));
        }
        for (was, is) in self.posts.iter().zip(&now.posts) {
            if (was.by, was.subject) != (is.by, is.subject) {
                break;
            }
            if was.until != is.until {
                let (by, subject) = (is.by, is.subject);
                return Some(format!("{by} has posted about {subject} since"));
            }
        }
        if self.posts != now.posts {
            return Some("it asks for other posts than the evidence and the policy".to_owned());
        }
        (self.confirmations != now.confirmations).then(|| {
            "it asks other contracts than those that signed what the gates rest on".to_owned()
        })
    }
}

/// keccak256 of the one word by which a contract confirms a signature.
fn signed() -> B256 {
    let mut word = B256::ZERO;
    word[..4].copy_from_slice(&isValidSignatureCall::SELECTOR);
    keccak256(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: ChainId = ChainId(1);

    fn post(by: u8, until: u64) -> Post {
        let subject = StatementDigest(B256::repeat_byte(9));
        Post { by: Address::with_last_byte(by), subject, until }
    }

    fn judged() -> Judged {
        let confirmation = |chain| Confirmation {
            statement: StatementDigest(B256::repeat_byte(1)),
            chain,
            contract: Address::repeat_byte(2),
            signature: Bytes::from_static(&[3]),
        };
        Judged {
            policy_version: 2,
            records: 1,
            posts: vec![post(1, 0), post(2, 7)],
            confirmations: vec![confirmation(HERE), confirmation(ChainId(5))],
        }
    }

    #[test]
    fn whatever_changes_is_named() {
        type Change = (fn(&mut Judged), &'static str);
        let cases: [Change; 7] = [
            (|j| j.policy_version = 3, "adopted policy version 3 since"),
            (|j| j.records = 2, "recorded 2 promotions"),
            (|j| j.posts[0].until = 1, "0x0000000000000000000000000000000000000001 has posted"),
            (|j| j.posts[1].until = 8, "0x0000000000000000000000000000000000000002 has posted"),
            (|j| j.posts.truncate(1), "other posts"),
            (|j| j.posts[1].by = Address::with_last_byte(3), "other posts"),
            (|j| j.confirmations.truncate(1), "other contracts"),
        ];
        assert_eq!(judged().differs(&judged()), None);
        for (change, says) in cases {
            let mut now = judged();
            change(&mut now);
            let why = judged().differs(&now).unwrap();
            assert!(why.contains(says), "{why} does not say {says}");
        }
    }

    #[test]
    fn a_batch_has_bounds_and_an_order() {
        assert_eq!(judged().fault(), None);
        let mut unsorted = judged();
        unsorted.posts.reverse();
        let mut twice = judged();
        twice.posts[1] = twice.posts[0];
        assert!(unsorted.fault().is_some() && twice.fault().is_some());
        let mut many = judged();
        let by = |index: usize| Address::from_word(B256::from(U256::from(index)));
        many.posts = (0..POSTS_MAX).map(|index| Post { by: by(index), ..post(0, 0) }).collect();
        assert_eq!(many.fault(), None);
        many.posts.push(Post { by: by(POSTS_MAX), ..post(0, 0) });
        assert!(many.fault().unwrap().contains("257 posts"));
    }

    #[test]
    fn as_many_keys_fit_as_a_batch_can_ask() {
        let keys = |count: usize| (0..count).map(|n| Address::from_word(B256::from(U256::from(n))));
        let by = Address::ZERO;
        let attested = (0..REVOCATIONS_MAX).map(|n| (StatementDigest(keccak256([n as u8])), by));
        for (targets, most) in [(1, 112), (2, 56), (3, 37)] {
            assert_eq!(keys_fault(most, targets), None);
            let why = keys_fault(most + 1, targets).unwrap();
            assert!(why.contains(&format!("stops of {most} ")), "{why}");
            let projects = (0..targets).map(|n| ProjectId(keccak256([n as u8])));
            let release = ReleaseRoot(B256::ZERO);
            let asked = asked_posts(projects, release, keys(most), attested.clone());
            assert!(asked.len() <= POSTS_MAX && asked.len() + 2 * targets > POSTS_MAX);
        }
        assert!(keys_fault(113, 0).is_some() && keys_fault(112, 0).is_none());
    }

    #[test]
    fn only_contracts_of_this_chain_are_asked_again() {
        let helper = helper::address();
        let calls = judged().calls(helper, ProjectId(B256::ZERO), HERE);
        assert_eq!(calls.len(), 4);
        assert!(calls.iter().all(|call| call.to == helper && call.value.is_zero()));
        assert_eq!(judged().elsewhere(HERE).map(|found| found.chain.0).collect::<Vec<_>>(), [5]);
        let elsewhere = judged().calls(helper, ProjectId(B256::ZERO), ChainId(9));
        assert_eq!(elsewhere, calls[..3]);
    }

    #[test]
    fn each_key_and_attestation_is_asked_once() {
        let [one, two] = [1, 2].map(Address::with_last_byte);
        let digest = StatementDigest(B256::repeat_byte(4));
        let (project, release) = (ProjectId(B256::ZERO), ReleaseRoot(B256::ZERO));
        let twice = [(digest, two), (digest, two)];
        let asked = asked_posts([project, project], release, [one, two, one], twice);
        assert_eq!(asked.len(), 5);
        let sibling = ProjectId(B256::repeat_byte(1));
        let both = asked_posts([project, sibling], release, [one, two], twice);
        assert_eq!(both.len(), 9);
        assert!(both.is_superset(&asked) && both.contains(&(one, freeze_subject(sibling))));
        assert!(both.contains(&(two, no_go_subject(sibling, release))));
        assert!(asked.contains(&(two, revocation_subject(digest))));
        assert!(!asked.contains(&(one, revocation_subject(digest))));
    }

    #[test]
    fn contracts_are_asked_each_once_and_no_more_than_a_batch_can() {
        let with = |count: usize| {
            let statement = |index: usize| StatementDigest(B256::from(U256::from(index)));
            let one = judged().confirmations.remove(0);
            let asked = (0..count).map(|n| Confirmation { statement: statement(n), ..one.clone() });
            Judged { confirmations: asked.collect(), ..judged() }
        };
        assert_eq!(with(CONFIRMATIONS_MAX).fault(), None);
        let many = with(CONFIRMATIONS_MAX + 1).fault().unwrap();
        assert!(many.contains("contracts signed 33 statements"), "{many}");
        let mut twice = with(2);
        twice.confirmations[1] = twice.confirmations[0].clone();
        assert!(twice.fault().unwrap().contains("each once"));
    }

    /// A contract confirms by the word of ERC-1271, and the batch asks for exactly that.
    #[test]
    fn what_a_contract_must_answer() {
        let mut word = [0; 32];
        word[..4].copy_from_slice(&[0x16, 0x26, 0xba, 0x7e]);
        assert_eq!(signed(), keccak256(word));
        let calls = judged().calls(helper::address(), ProjectId(B256::ZERO), HERE);
        let asked = helper::require_call(
            Address::repeat_byte(2),
            isValidSignatureCall {
                hash: B256::repeat_byte(1),
                signature: Bytes::from_static(&[3]),
            }
            .abi_encode()
            .into(),
            keccak256(word),
        );
        assert_eq!(calls[3].data, asked);
    }
}
