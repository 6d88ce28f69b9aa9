use std::collections::BTreeMap;

use alloy_primitives::{B256, Signature, address};
use tidegate_model::{BuildDigest, ChainId, GateInput, StatementDigest};

use super::*;
use crate::signature::tests::OWNERS;

const SAFE: Address = address!("E1f5498A6D5D4aE82e420C256dA066743CA4b7d9");
const NETWORK: NetworkId = NetworkId { chain: ChainId(31337), genesis: B256::repeat_byte(1) };

fn adoption() -> Proposal {
    let adoption = Adoption {
        project: ProjectId(B256::repeat_byte(2)),
        policy_version: 3,
        policy_digest: PolicyDigest(B256::repeat_byte(3)),
        valid_until: 1_767_657_600,
    };
    Proposal::adoption(NETWORK, SAFE, 7, helper::address(), adoption)
}

fn promotion() -> Proposal {
    promotion_of(InnerCall {
        to: Address::repeat_byte(0xaa),
        value: U256::from(5),
        data: [&[0x2f, 0x2f, 0xf1, 0x5d][..], &[0; 64]].concat().into(),
        note: "harmless\n".to_owned(),
    })
}

/// A promotion whose fifth call is this one.
fn promotion_of(call: InnerCall) -> Proposal {
    let deployment = Deployment {
        v: Deployment::VERSION,
        chain: NETWORK.chain,
        genesis: NETWORK.genesis,
        build_digest: BuildDigest(B256::repeat_byte(4)),
        executor: SAFE,
        steps: BTreeMap::new(),
        libraries: BTreeMap::new(),
        externals: BTreeMap::new(),
        params: BTreeMap::new(),
        slots: vec![],
        found: BTreeMap::new(),
    };
    let block = BlockRef { number: 900, hash: B256::repeat_byte(5) };
    let digest = B256::repeat_byte(6);
    let input = GateInput { kind: "soak".to_owned(), chain: ChainId(31338), block, digest };
    let statements = vec![StatementDigest(B256::repeat_byte(7))];
    let evidence = EvidenceItems { statements, inputs: vec![input] };
    let promotion = Promotion {
        project: ProjectId(B256::repeat_byte(2)),
        release_root: ReleaseRoot(B256::repeat_byte(8)),
        policy_digest: PolicyDigest(B256::repeat_byte(3)),
        evidence_digest: evidence.digest().unwrap(),
        evidence,
        judged: Judged {
            policy_version: 3,
            records: 1,
            posts: vec![helper::Post {
                by: OWNERS[0].0,
                subject: StatementDigest(B256::repeat_byte(11)),
                until: 0,
            }],
            confirmations: vec![],
        },
        soak: SoakReference {
            network: NetworkId { chain: ChainId(31338), genesis: B256::repeat_byte(9) },
            deployment_digest: DeploymentDigest(B256::repeat_byte(10)),
            terminal: block,
        },
        deployment_digest: deployment.digest().unwrap(),
        deployment,
        valid_until: 1_767_657_600,
        emergency: None,
    };
    let helper = helper::address();
    let mut calls = vec![promotion.require_before_call(helper)];
    calls.extend(promotion.judged_calls(helper));
    calls.extend([call, promotion.record_call(helper)]);
    Proposal::promotion(NETWORK, SAFE, 7, promotion, calls).unwrap()
}

pub(crate) fn checked_adoption() -> Checked {
    adoption().check(helper::address()).unwrap()
}

pub(crate) fn checked_promotion_of(call: InnerCall) -> Checked {
    promotion_of(call).check(helper::address()).unwrap()
}

pub(crate) fn checked_promotion() -> Checked {
    promotion().check(helper::address()).unwrap()
}

#[test]
fn files_round_trip_under_the_recomputed_hash() {
    for checked in [checked_adoption(), checked_promotion()] {
        let text = checked.to_text().unwrap();
        let name = format!("{}.json", checked.proposal().safe_tx.hash(NETWORK.chain, SAFE));
        let read = read_proposal(&name, &text, helper::address()).unwrap();
        assert_eq!(read, checked);
        assert_eq!(read.to_text().unwrap(), text);
        let other = read_proposal("0x00.json", &text, helper::address());
        assert!(matches!(other, Err(ProposalError::FileName { expected }) if expected == name));
    }
    assert_eq!(checked_adoption().proposal().safe_tx.operation, Operation::Call);
}

/// Applies a change to the file, keeps its name true to the changed hash, and expects refusal.
fn check_refused(proposal: Proposal, change: fn(&mut Proposal), reason: &str) {
    let mut changed = proposal;
    change(&mut changed);
    let name = format!("{}.json", changed.safe_tx.hash(changed.network.chain, changed.safe));
    let text = serde_json::to_string(&changed).unwrap();
    let error = read_proposal(&name, &text, helper::address()).unwrap_err().to_string();
    assert!(error.contains(reason), "{error} does not say {reason}");
}

fn in_promotion(proposal: &mut Proposal) -> &mut Promotion {
    match &mut proposal.kind {
        ProposalKind::Promotion(promotion) => promotion,
        ProposalKind::Adoption(_) => panic!("not a promotion"),
    }
}

fn rebatch(proposal: &mut Proposal) {
    proposal.safe_tx = batch_to_safe_tx(&proposal.calls, proposal.safe_tx.nonce).unwrap();
}

#[test]
fn a_promotion_that_disagrees_with_itself_is_refused() {
    type Case = (fn(&mut Proposal), &'static str);
    let cases: [Case; 16] = [
        (|p| p.v = 2, "format version 2"),
        (|p| p.calls[4].value = U256::ZERO, "does not make exactly its calls"),
        (|p| drop(p.calls.remove(4)), "does not make exactly its calls"),
        (|p| p.safe_tx.operation = Operation::Call, "does not make exactly its calls"),
        (|p| p.safe_tx.to = Address::repeat_byte(9), "does not make exactly its calls"),
        (|p| p.safe = Address::repeat_byte(9), "another executor"),
        (|p| p.network.chain = ChainId(1), "on another network"),
        (|p| in_promotion(p).deployment.v = 9, "its deployment has another digest"),
        (|p| in_promotion(p).evidence.statements.clear(), "its evidence has another digest"),
        (|p| in_promotion(p).valid_until += 1, "end at `valid_until`"),
        (|p| in_promotion(p).judged.posts[0].until = 1, "require what was judged"),
        (|p| in_promotion(p).judged.policy_version = 4, "require what was judged"),
        (|p| in_promotion(p).judged.records = 0, "require what was judged"),
        (
            |p| {
                let judged = &mut in_promotion(p).judged;
                judged.posts.push(judged.posts[0]);
            },
            "not sorted",
        ),
        (|p| in_promotion(p).release_root = ReleaseRoot(B256::ZERO), "record this promotion"),
        (
            |p| {
                let mut second = p.calls[5].clone();
                second.data = helper::record(
                    ProjectId(B256::ZERO),
                    &PromotionRecord {
                        release_root: ReleaseRoot(B256::ZERO),
                        policy_digest: PolicyDigest(B256::ZERO),
                        evidence_digest: EvidenceDigest(B256::ZERO),
                        deployment_digest: DeploymentDigest(B256::ZERO),
                        soak_terminal: B256::ZERO,
                    },
                );
                p.calls.push(second);
                rebatch(p);
            },
            "record this promotion exactly once",
        ),
    ];
    for (change, reason) in cases {
        check_refused(promotion(), change, reason);
    }
}

#[test]
fn an_adoption_that_disagrees_with_itself_is_refused() {
    type Case = (fn(&mut Proposal), &'static str);
    let cases: [Case; 6] = [
        (
            |p| {
                if let ProposalKind::Adoption(adoption) = &mut p.kind {
                    adoption.valid_until += 1;
                }
            },
            "does not adopt the policy",
        ),
        (|p| p.calls[0].to = Address::repeat_byte(9), "does not adopt the policy"),
        (|p| p.calls[0].value = U256::from(1), "does not adopt the policy"),
        (|p| p.calls.push(p.calls[0].clone()), "one direct call"),
        (rebatch, "does not make exactly its calls"),
        (
            |p| {
                if let ProposalKind::Adoption(adoption) = &mut p.kind {
                    adoption.policy_version = 4;
                }
            },
            "does not adopt the policy",
        ),
    ];
    for (change, reason) in cases {
        check_refused(adoption(), change, reason);
    }
}

#[test]
fn evidence_is_a_set() {
    let base = match promotion().kind {
        ProposalKind::Promotion(promotion) => promotion.evidence,
        ProposalKind::Adoption(_) => panic!("not a promotion"),
    };
    let mut repeated = base.clone();
    repeated.statements.insert(0, StatementDigest(B256::repeat_byte(0xff)));
    let mut reordered = repeated.clone();
    reordered.statements.reverse();
    reordered.statements.push(StatementDigest(B256::repeat_byte(7)));
    reordered.inputs.push(base.inputs[0].clone());
    assert_eq!(repeated.digest().unwrap(), reordered.digest().unwrap());
    assert_ne!(base.digest().unwrap(), repeated.digest().unwrap());
}

#[test]
fn signature_files_hold_what_their_owner_signed() {
    let hash = crate::signature::tests::HASH;
    for (owner, ecdsa, eth_sign) in OWNERS {
        for bytes in [ecdsa, eth_sign] {
            let parsed = OwnerSignature::parse(&bytes).unwrap();
            let signed = ProposalSignature::new(hash, owner, parsed).unwrap();
            let name = format!("{hash}.{owner}.json");
            let text = signed.to_text().unwrap();
            assert_eq!(read_signature(&name, &text).unwrap(), signed);
            assert!(matches!(read_signature("x.json", &text), Err(ProposalError::FileName { .. })));
        }
        let other = OWNERS.iter().find(|row| row.0 != owner).unwrap().0;
        let parsed = OwnerSignature::parse(&ecdsa).unwrap();
        let error = ProposalSignature::new(hash, other, parsed).unwrap_err();
        assert!(matches!(error, ProposalError::Signer { named, .. } if named == other));
    }
}

/// A Safe reads a `v` of 0 and 1 as something else than the wallets that write the parity alone.
#[test]
fn a_parity_alone_is_called_by_its_name() {
    let hash = crate::signature::tests::HASH;
    for (owner, ecdsa, _) in OWNERS {
        let mut bytes = ecdsa;
        bytes[64] -= 27;
        let signature = bytes.to_vec().into();
        let v = ProposalSignature::VERSION;
        let signed = ProposalSignature { v, safe_tx_hash: hash, owner, signature };
        let parity = SignatureError::Parity(bytes[64], ecdsa[64]);
        let found = signed.verify();
        assert!(matches!(&found, Err(ProposalError::Signature(error)) if *error == parity));
        // Of somebody else it is what it says.
        let other = OWNERS.iter().find(|row| row.0 != owner).unwrap().0;
        let found = ProposalSignature { owner: other, ..signed }.verify();
        let says = [SignatureError::Contract, SignatureError::Owner];
        let is_read = |error: &SignatureError| says.contains(error);
        assert!(matches!(&found, Err(ProposalError::Signature(error)) if is_read(error)));
    }
}

struct FixedKey;

impl DigestSigner for FixedKey {
    fn address(&self) -> Address {
        OWNERS[0].0
    }

    fn sign_digest(&self, digest: &B256) -> Result<Signature, SignError> {
        assert_eq!(*digest, checked_adoption().hash().0);
        Ok(Signature::from_raw(&OWNERS[0].1).unwrap())
    }
}

#[test]
fn signing_signs_the_recomputed_hash() {
    let signed = sign_proposal(&checked_adoption(), &FixedKey).unwrap();
    assert_eq!(signed.safe_tx_hash, checked_adoption().hash());
    assert_eq!((signed.owner, signed.signature.to_vec()), (OWNERS[0].0, OWNERS[0].1.to_vec()));
    // The fixed signature is over another hash, and the file says so.
    assert!(matches!(signed.verify(), Err(ProposalError::Signer { .. })));
}

fn terms() -> EmergencyTerms {
    EmergencyTerms {
        baseline_root: ReleaseRoot(B256::ZERO),
        gate_set: B256::ZERO,
        min_soak_seconds: 86_400,
        incident: "INC-1".to_owned(),
        diff_digest: B256::ZERO,
        not_before: 1,
        expires_at: 2,
        retro_due_by: 3,
    }
}

/// What an emergency owes is posted by its own batch, once, and by no other one.
#[test]
fn a_batch_posts_what_its_emergency_owes_and_nothing_else() {
    let reason = "post what an emergency owes";
    let posts =
        |data: Bytes, to: Address| InnerCall { to, value: U256::ZERO, data, note: String::new() };
    let owing = |edit: fn(&mut Promotion, &mut InnerCall)| {
        let mut proposal = promotion();
        let promotion = in_promotion(&mut proposal);
        promotion.emergency = Some(terms());
        let mut debt = promotion.debt_call(helper::address()).unwrap();
        edit(promotion, &mut debt);
        proposal.calls.push(debt);
        rebatch(&mut proposal);
        proposal.check(helper::address()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(owing(|_, _| {}), Ok(()));
    let late = owing(|promotion, _| promotion.emergency.as_mut().unwrap().retro_due_by = 4);
    assert!(late.unwrap_err().contains(reason));
    let without = owing(|promotion, _| promotion.emergency = None);
    assert!(without.unwrap_err().contains(reason));
    check_refused(promotion(), |p| in_promotion(p).emergency = Some(terms()), reason);
    let other = helper::post(StatementDigest(B256::repeat_byte(1)), 9);
    let beside = posts(other.clone(), Address::repeat_byte(0xaa));
    promotion_of(beside).check(helper::address()).unwrap();
    let mut twice = promotion();
    twice.calls.push(posts(other, helper::address()));
    rebatch(&mut twice);
    check_refused(twice, |_| {}, reason);
}

#[test]
fn a_file_is_as_long_as_it_may_be() {
    let checked = checked_adoption();
    let name = format!("{}.json", checked.hash());
    let of = |bytes: usize| {
        let mut text = checked.to_text().unwrap();
        text.push_str(&" ".repeat(bytes - text.len()));
        read_proposal(&name, &text, helper::address())
    };
    assert_eq!(of(PROPOSAL_BYTES_MAX).unwrap(), checked);
    let long = PROPOSAL_BYTES_MAX + 1;
    assert!(matches!(of(long), Err(ProposalError::TooLong(bytes)) if bytes == long));
}
