//! The helper contract: calldata for its functions and the meaning of its answers.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, b256, hex, keccak256};
use alloy_sol_types::{SolCall, SolEvent, sol};
use serde::{Deserialize, Serialize};
pub use tidegate_model::digest::CREATE2_PROXY;
use tidegate_model::digest::HELPER;
use tidegate_model::{
    DeploymentDigest, EvidenceDigest, PolicyDigest, ProjectId, ReleaseRoot, StatementDigest,
};

pub(crate) mod abi {
    use super::sol;
    sol! {
        #[derive(Debug, PartialEq, Eq)]
        struct Record {
            bytes32 releaseRoot; bytes32 policyDigest; bytes32 evidenceDigest;
            bytes32 deploymentDigest; bytes32 soakTerminalHash; uint64 recordedAt;
        }

        /// The statement that [`post_signed`] posts, as its signer signed it.
        #[derive(Debug, PartialEq, Eq)]
        struct Statement {
            address signer; string kind; string text; bytes32 project; bytes32 subject;
            bytes32 bodyDigest; uint64 blockNumber; bytes32 blockHash; uint64 issuedAt;
            uint64 expiresAt;
        }

        event PolicyAdopted(
            address indexed safe, bytes32 indexed project, uint64 indexed version, bytes32 digest
        );
        event Recorded(
            address indexed safe, bytes32 indexed project, bytes32 indexed releaseRoot,
            uint256 index, bytes32 policyDigest, bytes32 evidenceDigest, bytes32 deploymentDigest,
            bytes32 soakTerminalHash
        );

        function createOnce(bytes32 salt, bytes initCode, bytes32 codeHash) external;
        function createGuarded(bytes32 salt, bytes initCode, bytes32 codeHash) external payable;
        function requireCode(address[] accounts, bytes32[] codeHash) external view;
        function requireCall(address target, bytes data, bytes32 keccakOfReturn) external view;
        function requireBefore(uint256 timestamp) external view;
        function requireAfter(uint256 timestamp) external view;
        function requirePolicy(bytes32 project, uint64 version) external view;
        function requireRecords(bytes32 project, uint256 count) external view;
        function requirePosted(address[] by, bytes32[] subject, uint64[] until) external view;
        function adoptPolicy(bytes32 project, bytes32 digest, uint64 version, uint256 before)
            external;
        function record(
            bytes32 project, bytes32 releaseRoot, bytes32 policyDigest, bytes32 evidenceDigest,
            bytes32 deploymentDigest, bytes32 soakTerminalHash
        ) external;
        function post(bytes32 subject, uint64 until) external;
        function postSigned(Statement statement, bytes signature) external;
        function policyVersion(address safe, bytes32 project)
            external view returns (uint64 version);
        function policyAt(address safe, bytes32 project, uint64 version)
            external view returns (bytes32 digest, uint64 adoptedAt);
        function recordCount(address safe, bytes32 project) external view returns (uint256 count);
        function recordAt(address safe, bytes32 project, uint256 i)
            external view returns (Record answer);
        function posted(address by, bytes32 subject) external view returns (uint64 until);
    }
}

pub use abi::Statement as PostedStatement;

/// The most posts that one batch checks: 25 kB of calldata and 0.75 M gas.
pub(crate) const POSTS_MAX: usize = 256;

/// No chain has this helper before 2026-11-29: its code was made then. Simulated chains keep a
/// time of their own.
pub const SINCE_SECS: u64 = 1_795_910_400;

/// The topics of the events by which a Safe's projects are found: a policy, a promotion.
pub const PROJECT_TOPICS: [B256; 2] =
    [abi::PolicyAdopted::SIGNATURE_HASH, abi::Recorded::SIGNATURE_HASH];

/// The topics of the event by which the helper says that a Safe recorded a release.
pub fn recorded_topics(safe: Address, project: ProjectId, release: ReleaseRoot) -> [B256; 4] {
    [abi::Recorded::SIGNATURE_HASH, safe.into_word(), project.0, release.0]
}

/// Whether the data of that event is of this record.
pub fn is_event_of(data: &[u8], record: &PromotionRecord) -> bool {
    let words = [
        record.policy_digest.0,
        record.evidence_digest.0,
        record.deployment_digest.0,
        record.soak_terminal,
    ];
    // In front of them stands its place among the Safe's records.
    data.get(32..) == Some(words.concat().as_slice())
}

/// keccak256 of the helper's runtime code. An address without exactly this code is not it.
pub const CODE_HASH: B256 =
    b256!("eb78e40673bb5929db462511b25c835c114db19064325c559d466f8b5a05c936");

/// The salt under which it is created.
pub const SALT: B256 = B256::ZERO;

/// The gas that the helper's creation takes, rounded up.
pub const CREATION_GAS: u64 = 1_800_000;

/// A post as it was seen: who posts, about what, and through when it holds, 0 for never posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// The poster's address.
    pub by: Address,
    /// The subject of the post.
    pub subject: StatementDigest,
    /// The last second of the notice, in seconds since 1970.
    pub until: u64,
}

/// Its ABI as committed.
pub(crate) const ABI_JSON: &str = include_str!("../../../contracts/helper/abi.json");

const INITCODE_HEX: &str = include_str!("../../../contracts/helper/initcode.hex");

/// An answer of the helper that cannot be read; empty where the helper is missing.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the helper's answer to `{call}`")]
pub struct HelperError {
    /// The function.
    pub call: &'static str,
    #[source]
    pub source: alloy_sol_types::Error,
}

/// A policy as a Safe adopted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdoptedPolicy {
    /// The digest of the adopted policy.
    pub digest: PolicyDigest,
    /// The timestamp of the block that adopted it.
    pub adopted_at: u64,
}

/// The record of a promotion on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromotionRecord {
    /// The promoted release.
    pub release_root: ReleaseRoot,
    /// The digest of the policy in force.
    pub policy_digest: PolicyDigest,
    pub evidence_digest: EvidenceDigest,
    /// The digest of its addresses and parameters on the target.
    pub deployment_digest: DeploymentDigest,
    /// The hash of the soak's last block.
    pub soak_terminal: B256,
}

/// A promotion record as the chain holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The promotion as the helper recorded it.
    pub record: PromotionRecord,
    /// The timestamp of the block that recorded it.
    pub recorded_at: u64,
}

/// The creation code, as committed.
pub fn initcode() -> Bytes {
    hex::decode(INITCODE_HEX.trim()).expect("the committed creation code is hexadecimal").into()
}

/// The helper's address, equal on every chain.
pub const fn address() -> Address {
    HELPER
}

/// Calldata for [`CREATE2_PROXY`] that creates the helper.
pub fn creation_calldata() -> Bytes {
    create_new(SALT, &initcode())
}

/// Calldata for [`CREATE2_PROXY`] itself, which creates and reverts where something stands already.
/// The helper has no such function: what it creates once may stand there.
pub(crate) fn create_new(salt: B256, init_code: &[u8]) -> Bytes {
    [salt.as_slice(), init_code].concat().into()
}

/// The creation by calldata of [`CREATE2_PROXY`]: salt, creation code and address.
pub(crate) fn created_new(data: &[u8]) -> Option<(B256, &[u8], Address)> {
    let (salt, code) = data.split_first_chunk::<32>().filter(|(_, code)| !code.is_empty())?;
    let salt = B256::from(*salt);
    Some((salt, code, CREATE2_PROXY.create2_from_code(salt, code)))
}

/// Creates through the CREATE2 proxy unless it is there; then requires the code.
pub fn create_once(salt: B256, init_code: Bytes, code_hash: B256) -> Bytes {
    encode(&abi::createOnceCall { salt, initCode: init_code, codeHash: code_hash })
}

/// The address that `createGuarded` called by `safe` creates.
pub fn guarded_address(safe: Address, salt: B256, init_code: &[u8]) -> Address {
    let own = keccak256([safe.into_word(), salt].concat());
    address().create2(own, keccak256(init_code))
}

/// Requires the code at each address to have the hash beside it.
pub fn require_code(expected: &[(Address, B256)]) -> Bytes {
    let (accounts, hashes) = expected.iter().copied().unzip();
    encode(&abi::requireCodeCall { accounts, codeHash: hashes })
}

/// Requires a view's whole answer to have the hash.
pub fn require_call(target: Address, data: Bytes, keccak_of_return: B256) -> Bytes {
    encode(&abi::requireCallCall { target, data, keccakOfReturn: keccak_of_return })
}

/// Requires the block not to be later than a timestamp, in seconds.
pub fn require_before(timestamp: u64) -> Bytes {
    encode(&abi::requireBeforeCall { timestamp: U256::from(timestamp) })
}

/// Requires the block to be later than a timestamp, in seconds.
pub fn require_after(timestamp: u64) -> Bytes {
    encode(&abi::requireAfterCall { timestamp: U256::from(timestamp) })
}

/// Requires the caller's policy still to be at a version.
pub fn require_policy(project: ProjectId, version: u64) -> Bytes {
    encode(&abi::requirePolicyCall { project: project.0, version })
}

/// Requires the caller to have recorded this many promotions and none since.
pub fn require_records(project: ProjectId, count: u64) -> Bytes {
    encode(&abi::requireRecordsCall { project: project.0, count: U256::from(count) })
}

/// Requires each post to be as it was seen. A batch checks at most 256.
pub fn require_posted(posts: &[Post]) -> Bytes {
    encode(&abi::requirePostedCall {
        by: posts.iter().map(|post| post.by).collect(),
        subject: posts.iter().map(|post| post.subject.0).collect(),
        until: posts.iter().map(|post| post.until).collect(),
    })
}

/// Adopts a policy; the version must be the last one plus one, and the block not later than
/// `before`.
pub fn adopt_policy(project: ProjectId, digest: PolicyDigest, version: u64, before: u64) -> Bytes {
    let (project, digest, before) = (project.0, digest.0, U256::from(before));
    encode(&abi::adoptPolicyCall { project, digest, version, before })
}

/// The calldata of the helper's `record`.
pub fn record(project: ProjectId, record: &PromotionRecord) -> Bytes {
    encode(&abi::recordCall {
        project: project.0,
        releaseRoot: record.release_root.0,
        policyDigest: record.policy_digest.0,
        evidenceDigest: record.evidence_digest.0,
        deploymentDigest: record.deployment_digest.0,
        soakTerminalHash: record.soak_terminal,
    })
}

/// Announces a revocation or freeze; it can be raised, never lowered.
pub fn post(subject: StatementDigest, until: u64) -> Bytes {
    encode(&abi::postCall { subject: subject.0, until })
}

/// Posts what somebody signed, under their name; anybody may send it. The subject is
/// [`tidegate_model::statement::post_subject`], and it holds through `expiresAt`.
pub fn post_signed(statement: PostedStatement, signature: Bytes) -> Bytes {
    encode(&abi::postSignedCall { statement, signature })
}

/// Asks for the version that a Safe adopted last.
pub fn policy_version(safe: Address, project: ProjectId) -> Bytes {
    encode(&abi::policyVersionCall { safe, project: project.0 })
}

/// Asks for a policy by version.
pub fn policy_at(safe: Address, project: ProjectId, version: u64) -> Bytes {
    encode(&abi::policyAtCall { safe, project: project.0, version })
}

/// Asks how many promotions a Safe has recorded.
pub fn record_count(safe: Address, project: ProjectId) -> Bytes {
    encode(&abi::recordCountCall { safe, project: project.0 })
}

/// Asks for a promotion by its index, from 0.
pub fn record_at(safe: Address, project: ProjectId, index: u64) -> Bytes {
    encode(&abi::recordAtCall { safe, project: project.0, i: U256::from(index) })
}

/// Asks until when somebody has posted about a subject.
pub fn posted(by: Address, subject: StatementDigest) -> Bytes {
    encode(&abi::postedCall { by, subject: subject.0 })
}

/// The version adopted last; 0 for none.
///
/// # Errors
/// If the answer has another shape.
pub fn read_policy_version(answer: &[u8]) -> Result<u64, HelperError> {
    decode::<abi::policyVersionCall>("policyVersion", answer)
}

/// The policy, or `None` where there is no such version.
///
/// # Errors
/// If the answer has another shape.
pub fn read_policy_at(answer: &[u8]) -> Result<Option<AdoptedPolicy>, HelperError> {
    let found = decode::<abi::policyAtCall>("policyAt", answer)?;
    let policy = AdoptedPolicy { digest: PolicyDigest(found.digest), adopted_at: found.adoptedAt };
    Ok((policy.adopted_at != 0).then_some(policy))
}

/// Decodes the answer to `recordCount`, at most `u64::MAX`.
///
/// # Errors
/// If the answer has another shape.
pub fn read_record_count(answer: &[u8]) -> Result<u64, HelperError> {
    let count = decode::<abi::recordCountCall>("recordCount", answer)?;
    Ok(count.saturating_to())
}

/// The promotion, or `None` where there is no such record.
///
/// # Errors
/// If the answer has another shape.
pub fn read_record_at(answer: &[u8]) -> Result<Option<Recorded>, HelperError> {
    let found = decode::<abi::recordAtCall>("recordAt", answer)?;
    let record = PromotionRecord {
        release_root: ReleaseRoot(found.releaseRoot),
        policy_digest: PolicyDigest(found.policyDigest),
        evidence_digest: EvidenceDigest(found.evidenceDigest),
        deployment_digest: DeploymentDigest(found.deploymentDigest),
        soak_terminal: found.soakTerminalHash,
    };
    let recorded_at = found.recordedAt;
    Ok((recorded_at != 0).then_some(Recorded { record, recorded_at }))
}

/// Until when the notice holds, in seconds; 0 for never posted.
///
/// # Errors
/// If the answer has another shape.
pub fn read_posted(answer: &[u8]) -> Result<u64, HelperError> {
    decode::<abi::postedCall>("posted", answer)
}

fn encode(call: &impl SolCall) -> Bytes {
    call.abi_encode().into()
}

fn decode<C: SolCall>(call: &'static str, answer: &[u8]) -> Result<C::Return, HelperError> {
    C::abi_decode_returns_validate(answer).map_err(|source| HelperError { call, source })
}

/// The numbers of policies and promotions that a Safe recorded under one project id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProjectEvents {
    /// Versions of its policy.
    pub policies: u64,
    /// Promotions.
    pub records: u64,
}

/// The projects of a Safe, from the topics of the helper's events; other events are left out.
pub fn projects<'a>(
    safe: Address,
    topics: impl Iterator<Item = &'a [B256]>,
) -> BTreeMap<ProjectId, ProjectEvents> {
    let mut found: BTreeMap<_, ProjectEvents> = BTreeMap::new();
    for topics in topics {
        let [event, by, project, ..] = topics else { continue };
        if *by != safe.into_word() {
            continue;
        }
        let [policy, promotion] = PROJECT_TOPICS;
        if *event == policy {
            found.entry(ProjectId(*project)).or_default().policies += 1;
        } else if *event == promotion {
            found.entry(ProjectId(*project)).or_default().records += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy_dyn_abi::{DynSolValue, JsonAbiExt as _};
    use alloy_json_abi::JsonAbi;
    use alloy_sol_types::SolValue;

    use super::*;

    const README: &str = include_str!("../../../contracts/helper/README.md");

    #[test]
    fn address_and_code_are_those_of_the_committed_build() {
        assert_eq!(address(), CREATE2_PROXY.create2(SALT, keccak256(initcode())));
        assert!(README.contains(&format!("`{}`", address())), "{}", address());
        assert!(README.contains(&format!("`{CODE_HASH}`")));
        assert_eq!(creation_calldata().len(), initcode().len() + 32);
    }

    /// Every function here is the committed contract's, and the other way round.
    #[test]
    fn the_interface_is_the_committed_one() {
        let committed: JsonAbi = serde_json::from_str(ABI_JSON).unwrap();
        let committed: BTreeSet<_> = committed
            .functions()
            .map(|f| {
                let outputs = f.outputs.iter().map(|o| o.selector_type().into_owned());
                (f.signature(), outputs.collect::<Vec<_>>().join(","))
            })
            .collect();
        let record = "(bytes32,bytes32,bytes32,bytes32,bytes32,uint64)";
        let ours = [
            (abi::createOnceCall::SIGNATURE, ""),
            (abi::createGuardedCall::SIGNATURE, ""),
            (abi::requireCodeCall::SIGNATURE, ""),
            (abi::requireCallCall::SIGNATURE, ""),
            (abi::requireBeforeCall::SIGNATURE, ""),
            (abi::requireAfterCall::SIGNATURE, ""),
            (abi::requirePolicyCall::SIGNATURE, ""),
            (abi::requireRecordsCall::SIGNATURE, ""),
            (abi::requirePostedCall::SIGNATURE, ""),
            (abi::adoptPolicyCall::SIGNATURE, ""),
            (abi::recordCall::SIGNATURE, ""),
            (abi::postCall::SIGNATURE, ""),
            (abi::postSignedCall::SIGNATURE, ""),
            (abi::policyVersionCall::SIGNATURE, "uint64"),
            (abi::policyAtCall::SIGNATURE, "bytes32,uint64"),
            (abi::recordCountCall::SIGNATURE, "uint256"),
            (abi::recordAtCall::SIGNATURE, record),
            (abi::postedCall::SIGNATURE, "uint64"),
        ];
        let ours = ours.map(|(signature, outputs)| (signature.to_owned(), outputs.to_owned()));
        assert_eq!(committed, BTreeSet::from(ours));
    }

    #[test]
    fn answers() {
        let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(B256::repeat_byte);
        let record = PromotionRecord {
            release_root: ReleaseRoot(a),
            policy_digest: PolicyDigest(b),
            evidence_digest: EvidenceDigest(c),
            deployment_digest: DeploymentDigest(d),
            soak_terminal: e,
        };
        let recorded = read_record_at(&(a, b, c, d, e, 9_u64).abi_encode()).unwrap();
        assert_eq!(recorded, Some(Recorded { record, recorded_at: 9 }));
        assert_eq!(read_record_at(&[0; 192]).unwrap(), None);
        let event = (U256::from(7), b, c, d, e).abi_encode();
        assert!(is_event_of(&event, &record));
        assert!(!is_event_of(
            &event,
            &PromotionRecord { deployment_digest: DeploymentDigest(a), ..record }
        ));
        assert!(!is_event_of(&event[..128], &record) && !is_event_of(&[], &record));
        let adopted = read_policy_at(&(b, 7_u64).abi_encode()).unwrap();
        assert_eq!(adopted, Some(AdoptedPolicy { digest: PolicyDigest(b), adopted_at: 7 }));
        assert_eq!(read_policy_at(&[0; 64]).unwrap(), None);
        assert_eq!(read_policy_version(&U256::from(3).abi_encode()).unwrap(), 3);
        assert_eq!(read_record_count(&U256::MAX.abi_encode()).unwrap(), u64::MAX);
        assert_eq!(read_posted(&U256::from(4).abi_encode()).unwrap(), 4);
        // An account without code answers with nothing, which must not read as zero.
        assert!(read_policy_version(&[]).is_err() && read_posted(&[]).is_err());
        assert!(read_policy_version(&U256::MAX.abi_encode()).is_err());
    }

    #[test]
    fn guarded_addresses_are_bound_to_the_caller() {
        let salt = B256::repeat_byte(1);
        let [one, two] =
            [1, 2].map(|caller| guarded_address(Address::with_last_byte(caller), salt, b"code"));
        assert_ne!(one, two);
        let own = keccak256((Address::with_last_byte(1), salt).abi_encode());
        assert_eq!(one, address().create2_from_code(own, b"code"));
    }

    #[test]
    fn a_safe_shows_all_its_projects() {
        let (safe, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let [policy, promotion] = PROJECT_TOPICS;
        let [one, two, last] = [1, 2, 3].map(B256::repeat_byte);
        let logs = [
            vec![policy, safe.into_word(), one, last],
            vec![policy, safe.into_word(), one, last],
            vec![promotion, safe.into_word(), one, last],
            vec![promotion, safe.into_word(), two, last],
            vec![policy, other.into_word(), last, last],
            vec![last, safe.into_word(), last, last],
            vec![policy],
            vec![],
        ];
        let found = projects(safe, logs.iter().map(Vec::as_slice));
        let events = |policies, records| ProjectEvents { policies, records };
        let expected = [(ProjectId(one), events(2, 1)), (ProjectId(two), events(0, 1))];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }

    /// A call as the committed ABI reads it: the function, and the words of its values.
    fn read(call: &Bytes) -> (String, Vec<DynSolValue>) {
        let committed: JsonAbi = serde_json::from_str(ABI_JSON).unwrap();
        let mut functions = committed.functions();
        let function = functions.find(|f| f.selector().as_slice() == &call[..4]).unwrap();
        (function.name.clone(), function.abi_decode_input(&call[4..]).unwrap())
    }

    /// What is asked for is what the committed ABI reads, each value in its place.
    #[test]
    fn calls_say_what_they_were_given() {
        let [a, b] = [1, 2].map(B256::repeat_byte);
        let (safe, project) = (Address::repeat_byte(3), ProjectId(b));
        let word = |word: B256| DynSolValue::FixedBytes(word, 32);
        let uint = |number: u64, bits| DynSolValue::Uint(U256::from(number), bits);
        let code = Bytes::from_static(b"code");
        let bytes = DynSolValue::Bytes(code.to_vec());
        let of = || vec![DynSolValue::Address(safe), word(b)];
        let with = |last: DynSolValue| [of(), vec![last]].concat();
        let accounts = DynSolValue::Array(vec![DynSolValue::Address(safe)]);
        let hashes = DynSolValue::Array(vec![word(a)]);
        let subject = StatementDigest(a);
        let cases = [
            (create_once(a, code.clone(), b), "createOnce", vec![word(a), bytes.clone(), word(b)]),
            (
                encode(&abi::createGuardedCall { salt: a, initCode: code, codeHash: b }),
                "createGuarded",
                vec![word(a), bytes, word(b)],
            ),
            (require_code(&[(safe, a)]), "requireCode", vec![accounts, hashes]),
            (require_before(7), "requireBefore", vec![uint(7, 256)]),
            (require_after(7), "requireAfter", vec![uint(7, 256)]),
            (require_policy(project, 7), "requirePolicy", vec![word(b), uint(7, 64)]),
            (require_records(project, 7), "requireRecords", vec![word(b), uint(7, 256)]),
            (post(subject, 7), "post", vec![word(a), uint(7, 64)]),
            (policy_version(safe, project), "policyVersion", of()),
            (policy_at(safe, project, 7), "policyAt", with(uint(7, 64))),
            (record_count(safe, project), "recordCount", of()),
            (record_at(safe, project, 7), "recordAt", with(uint(7, 256))),
            (posted(safe, subject), "posted", vec![DynSolValue::Address(safe), word(a)]),
        ];
        for (call, name, values) in cases {
            assert_eq!(read(&call), (name.to_owned(), values));
        }
    }

    #[test]
    fn a_signed_post_carries_its_statement_and_signature() {
        let statement = PostedStatement {
            signer: Address::repeat_byte(3),
            kind: "freeze".to_owned(),
            text: "stop".to_owned(),
            project: B256::repeat_byte(1),
            subject: B256::repeat_byte(2),
            bodyDigest: B256::repeat_byte(4),
            blockNumber: 5,
            blockHash: B256::repeat_byte(6),
            issuedAt: 7,
            expiresAt: 8,
        };
        let (name, values) = read(&post_signed(statement, Bytes::from_static(b"signed")));
        let [statement, signature] = &values[..] else { panic!("{values:?}") };
        let fields = match statement {
            DynSolValue::Tuple(fields) | DynSolValue::CustomStruct { tuple: fields, .. } => fields,
            other => panic!("{other:?}"),
        };
        assert_eq!((name.as_str(), fields.len()), ("postSigned", 10));
        assert_eq!(fields[0], DynSolValue::Address(Address::repeat_byte(3)));
        assert_eq!(fields[9], DynSolValue::Uint(U256::from(8), 64));
        assert_eq!(*signature, DynSolValue::Bytes(b"signed".to_vec()));
    }

    #[test]
    fn a_promotion_is_found_by_safe_project_and_release() {
        let safe = Address::repeat_byte(3);
        let [project, release] = [1, 2].map(B256::repeat_byte);
        let topics = recorded_topics(safe, ProjectId(project), ReleaseRoot(release));
        assert_eq!(topics, [PROJECT_TOPICS[1], safe.into_word(), project, release]);
    }
}
