//! Each thing that a proposal is held against, wrong by itself.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use tidegate_model::{BlockRef, BuildDigest, ChainId, EvidenceDigest, Reason, ReasonCode};
use tidegate_safe::{SoakReference, helper};

use super::*;
use crate::error::Kind;

const SAFE: Address = Address::repeat_byte(0x5a);
const TARGET: NetworkId = NetworkId { chain: ChainId(1), genesis: B256::repeat_byte(1) };
const SOAK: NetworkId = NetworkId { chain: ChainId(11_155_111), genesis: B256::repeat_byte(2) };
const PROJECT: ProjectId = ProjectId(B256::repeat_byte(3));
const POLICY: PolicyDigest = PolicyDigest(B256::repeat_byte(4));
const RELEASE: ReleaseRoot = ReleaseRoot(B256::repeat_byte(5));
const TERMINAL: BlockRef = BlockRef { number: 900, hash: B256::repeat_byte(6) };
const STATEMENT: StatementDigest = StatementDigest(B256::repeat_byte(7));
const OTHER: B256 = B256::repeat_byte(0xff);
/// Now, and until when the proposals are good: the longest that the policy allows.
const NOW: u64 = 1_800_000_000;
const WEEK: u64 = 7 * 86_400;
const UNTIL: u64 = NOW + WEEK;

fn state() -> SafeState {
    let trust = SafeTrust {
        address: SAFE,
        singleton_code_hash: B256::repeat_byte(8),
        owners: vec![Address::repeat_byte(1)],
        threshold: 1,
        modules: Vec::new(),
        guard: Address::ZERO,
        module_guard: Address::ZERO,
        handler: Address::ZERO,
    };
    SafeState { trust, nonce: 7, singleton: Address::ZERO, version: None, doubts: Vec::new() }
}

fn an_adoption() -> Adoption {
    Adoption { project: PROJECT, policy_version: 3, policy_digest: POLICY, valid_until: UNTIL }
}

fn a_deployment() -> Deployment {
    Deployment {
        v: Deployment::VERSION,
        chain: TARGET.chain,
        genesis: TARGET.genesis,
        build_digest: BuildDigest(B256::ZERO),
        executor: SAFE,
        steps: BTreeMap::new(),
        libraries: BTreeMap::new(),
        externals: BTreeMap::new(),
        params: BTreeMap::new(),
        slots: Vec::new(),
        found: BTreeMap::new(),
    }
}

fn input(kind: &str, digest: B256) -> GateInput {
    GateInput { kind: kind.to_owned(), chain: SOAK.chain, block: TERMINAL, digest }
}

fn a_promotion() -> Promotion {
    let inputs = vec![input("code/deployment", B256::ZERO), input("soak/terminal", TERMINAL.hash)];
    Promotion {
        project: PROJECT,
        release_root: RELEASE,
        policy_digest: POLICY,
        evidence_digest: EvidenceDigest(B256::ZERO),
        evidence: EvidenceItems { statements: vec![STATEMENT], inputs },
        judged: Judged {
            policy_version: 2,
            records: 0,
            posts: Vec::new(),
            confirmations: Vec::new(),
        },
        soak: SoakReference {
            network: SOAK,
            deployment_digest: DeploymentDigest(B256::repeat_byte(9)),
            terminal: TERMINAL,
        },
        deployment: a_deployment(),
        deployment_digest: DeploymentDigest(B256::ZERO),
        valid_until: UNTIL,
        emergency: None,
    }
}

fn a_call(byte: u8) -> InnerCall {
    let note = format!("call {byte}");
    InnerCall { to: Address::repeat_byte(byte), value: U256::ZERO, data: [byte].into(), note }
}

fn a_proposal() -> Proposal {
    Proposal::adoption(TARGET, SAFE, 7, helper::address(), an_adoption())
}

#[test]
fn it_is_for_the_safe_of_the_project_on_this_network_and_next() {
    let proposal = a_proposal();
    assert_eq!(place(&proposal, TARGET, Some(SAFE)), Ok(()));
    for (network, safe) in [(SOAK, Some(SAFE)), (TARGET, Some(Address::ZERO)), (TARGET, None)] {
        assert_eq!(place(&proposal, network, safe), Err(Refusal::OtherSafe));
    }
    assert_eq!(certain(&state()), Ok(()));
    let doubt = "slot 0 names no known singleton".to_owned();
    let doubtful = SafeState { doubts: vec![doubt.clone()], ..state() };
    assert_eq!(certain(&doubtful), Err(Refusal::DoubtfulSafe(doubt)));
    assert_eq!(nonce(&proposal, &state()), Ok(()));
    for safe in [6, 8] {
        let refused = nonce(&proposal, &SafeState { nonce: safe, ..state() });
        assert_eq!(refused, Err(Refusal::Nonce { safe, proposal: 7 }));
        assert_eq!(refused.unwrap_err().kind(), Kind::Conflict);
    }
}

#[test]
fn an_adoption_is_of_this_policy_the_next_one_and_not_good_for_too_long() {
    let of = |edit: fn(&mut AdoptionNow)| {
        let mut now = AdoptionNow {
            project: PROJECT,
            policy: POLICY,
            adopted: Some(2),
            time: NOW,
            valid_for_secs: WEEK,
        };
        edit(&mut now);
        adoption(&an_adoption(), &now)
    };
    assert_eq!(of(|_| {}), Ok(()));
    assert_eq!(of(|now| now.time = UNTIL), Ok(()), "its last second");
    assert_eq!(of(|now| now.project = ProjectId(OTHER)), Err(Refusal::AdoptsElsewhere));
    let here = PolicyDigest(OTHER);
    let other = Refusal::AdoptsOther { proposed: POLICY, here };
    assert_eq!(of(|now| now.policy = PolicyDigest(OTHER)), Err(other));
    let version = |next| Err(Refusal::AdoptsVersion { proposed: 3, next });
    assert_eq!(of(|now| now.adopted = None), version(1));
    assert_eq!(of(|now| now.adopted = Some(1)), version(2));
    assert_eq!(of(|now| now.adopted = Some(3)), version(4));
    assert_eq!(of(|now| now.time = UNTIL + 1), Err(Refusal::AdoptionEnded(UNTIL)));
    assert_eq!(of(|now| now.valid_for_secs = WEEK - 1), Err(Refusal::AdoptionTooLong));
    let first = Adoption { policy_version: 1, ..an_adoption() };
    let now = AdoptionNow {
        project: PROJECT,
        policy: POLICY,
        adopted: None,
        time: NOW,
        valid_for_secs: WEEK,
    };
    assert_eq!(adoption(&first, &now), Ok(()));
}

#[test]
fn a_promotion_is_of_what_the_working_tree_builds() {
    let called = |root: ReleaseRoot| format!("vault-1.4.0 (release {})", root.short());
    assert_eq!(release(&a_promotion(), (RELEASE, "vault-1.4.0"), called), Ok(()));
    let other = release(&a_promotion(), (ReleaseRoot(OTHER), "vault-1.5.0"), called);
    let says = format!(
        "the proposal promotes vault-1.4.0 (release {}), the working tree builds vault-1.5.0 \
         (release {})",
        RELEASE.short(),
        ReleaseRoot(OTHER).short()
    );
    assert_eq!(other.unwrap_err().to_string(), says);
}

#[test]
fn a_promotion_holds_as_long_as_gates_policy_and_safe_do() {
    let safe = state();
    let of = |edit: &dyn Fn(&mut PromotionNow<'_>)| {
        let mut now = PromotionNow {
            policy: (PROJECT, POLICY),
            judged_safe: &safe.trust,
            time: NOW,
            valid_for_secs: WEEK,
            waived_until: None,
            good_through: UNTIL,
        };
        edit(&mut now);
        promotion(&a_promotion(), &state(), &now)
    };
    assert_eq!(of(&|_| {}), Ok(()));
    assert_eq!(of(&|now| now.time = UNTIL), Ok(()), "its last second");
    assert_eq!(of(&|now| now.waived_until = Some(UNTIL)), Ok(()));
    assert_eq!(of(&|now| now.policy.0 = ProjectId(OTHER)), Err(Refusal::OtherPolicy));
    assert_eq!(of(&|now| now.policy.1 = PolicyDigest(OTHER)), Err(Refusal::OtherPolicy));
    assert_eq!(of(&|now| now.time = UNTIL + 1), Err(Refusal::Expired));
    let too_long = |limit| Err(Refusal::TooLong(limit));
    assert_eq!(of(&|now| now.valid_for_secs = WEEK - 1), too_long(Limit::Policy));
    assert_eq!(of(&|now| now.time = NOW - 1), too_long(Limit::Policy));
    assert_eq!(of(&|now| now.waived_until = Some(UNTIL - 1)), too_long(Limit::Waived));
    assert_eq!(of(&|now| now.good_through = UNTIL - 1), too_long(Limit::Evidence));
}

#[test]
fn a_promotion_holds_on_the_safe_that_the_gates_saw() {
    let edits: [fn(&mut SafeTrust); 4] = [
        |safe| safe.threshold = 2,
        |safe| safe.owners.push(SAFE),
        |safe| safe.modules.push(SAFE),
        |safe| safe.guard = SAFE,
    ];
    for edit in edits {
        let mut judged = state().trust;
        edit(&mut judged);
        let now = PromotionNow {
            policy: (PROJECT, POLICY),
            judged_safe: &judged,
            time: NOW,
            valid_for_secs: WEEK,
            waived_until: None,
            good_through: UNTIL,
        };
        assert_eq!(promotion(&a_promotion(), &state(), &now), Err(Refusal::SafeChanged));
    }
}

#[test]
fn gates_that_do_not_pass_refuse_by_their_verdict() {
    assert_eq!(gates(&Verdict::Pass), Ok(()));
    let reasons = vec![Reason::new(ReasonCode::NotFinal, "two blocks")];
    let verdicts = [
        (Verdict::fail(ReasonCode::CodeDiffers, "vault"), Kind::Fail),
        (Verdict::unknown(ReasonCode::Unreadable, "no answer"), Kind::Unknown),
        (Verdict::Waiting { reasons, eta: None }, Kind::Waiting),
    ];
    for (overall, kind) in verdicts {
        let refused = gates(&overall).unwrap_err();
        assert_eq!(refused, Refusal::Gates(overall.clone()));
        assert_eq!(refused.kind(), kind);
    }
}

#[test]
fn evidence_is_here_and_given_again() {
    let listed = a_promotion().evidence;
    let here = |_| Listed::Here;
    let now = listed.inputs.clone();
    assert_eq!(evidence(&listed, here, &now, &Verdict::Pass), Ok(()));
    let missing = evidence(&listed, |_| Listed::Missing, &now, &Verdict::Pass);
    assert_eq!(missing, Err(Refusal::MissingStatement(STATEMENT)));
    let why = "the contract refuses it".to_owned();
    let doubt = |_| Listed::Doubtful(why.clone());
    let doubtful = evidence(&listed, doubt, &now, &Verdict::Pass);
    let expected = Refusal::DoubtfulStatement { digest: STATEMENT, why: why.clone() };
    assert_eq!(doubtful, Err(expected));
    let few = evidence(&listed, here, &now, &Verdict::fail(ReasonCode::TooFewFirms, "0 of 1"));
    assert_eq!(few, Err(Refusal::TooFewAudits));
    let differs = [input("code/deployment", OTHER), now[1].clone()];
    for now in [&differs[..], &now[1..], &[]] {
        let other = evidence(&listed, here, now, &Verdict::Pass);
        assert!(matches!(other, Err(Refusal::OtherEvidence(_))), "{other:?}");
    }
}

#[test]
fn the_soak_is_over_at_its_last_block_and_of_this_deployment() {
    const SECS: u64 = 14 * 86_400;
    let of = |edit: fn(&mut SoakNow)| {
        let mut now = SoakNow {
            network: SOAK,
            deployment: DeploymentDigest(B256::repeat_byte(9)),
            start: NOW,
            soak_secs: SECS,
            last: NOW + SECS,
        };
        edit(&mut now);
        soak(&a_promotion(), &now)
    };
    assert_eq!(of(|_| {}), Ok(()));
    assert_eq!(of(|now| now.last -= 1), Err(Refusal::SoakTooShort));
    assert_eq!(of(|now| now.start += 1), Err(Refusal::SoakTooShort));
    assert_eq!(of(|now| now.network = TARGET), Err(Refusal::OtherSoak));
    assert_eq!(of(|now| now.deployment = DeploymentDigest(OTHER)), Err(Refusal::OtherSoak));
    let mut promotion = a_promotion();
    promotion.soak.terminal.number += 1;
    let now = SoakNow {
        network: SOAK,
        deployment: promotion.soak.deployment_digest,
        start: 0,
        soak_secs: 0,
        last: 0,
    };
    assert_eq!(soak(&promotion, &now), Err(Refusal::OtherTerminal));
}

#[test]
fn what_was_judged_is_still_so() {
    let promotion = a_promotion();
    assert_eq!(judged(&promotion, &promotion.judged), Ok(()));
    let now = Judged { records: 1, ..promotion.judged.clone() };
    assert!(matches!(judged(&promotion, &now), Err(Refusal::Void(_))));
}

#[test]
fn the_batch_is_the_one_that_this_machine_builds() {
    let proposal = Proposal { calls: vec![a_call(1), a_call(2)], ..a_proposal() };
    let of = |calls: &[InnerCall], deployment: &Deployment| {
        batch(&proposal, &a_promotion(), calls, deployment)
    };
    let deployment = a_deployment();
    let renamed = InnerCall { note: "another note".to_owned(), ..a_call(1) };
    assert_eq!(of(&[renamed, a_call(2)], &deployment), Ok(()));
    let batches = [vec![a_call(1)], vec![a_call(1), a_call(3)], vec![a_call(2), a_call(1)]];
    for calls in batches {
        assert_eq!(of(&calls, &deployment), Err(Refusal::OtherBatch));
    }
    let more = [a_call(1), a_call(2), a_call(3)];
    assert_eq!(of(&more, &deployment), Err(Refusal::OtherBatch));
    let other = Deployment { executor: Address::ZERO, ..a_deployment() };
    assert_eq!(of(&proposal.calls, &other), Err(Refusal::OtherBatch));
}
