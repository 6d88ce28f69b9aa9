use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;

use super::*;
use crate::ids::{
    BlockRef, DeploymentDigest, NetworkId, PlanDigest, RecordDigest, ReleaseRoot, ScopeRoot,
    StatementDigest,
};
use crate::verdict::GateId;

fn at() -> At {
    At::new(ChainId(5), BlockRef { number: 7, hash: B256::repeat_byte(7) })
}

fn project() -> ProjectRef {
    ProjectRef { name: "vault".to_owned(), safe: Address::with_last_byte(3) }
}

fn seen_record() -> SeenRecord {
    SeenRecord {
        digest: RecordDigest(B256::repeat_byte(8)),
        deployment: DeploymentDigest(B256::repeat_byte(9)),
        anchor: B256::repeat_byte(10),
        network: NetworkId { chain: ChainId(1), genesis: B256::ZERO },
        file: "vault-1.0.0-0404040404040404-0.json".to_owned(),
    }
}

fn waiver(release: ReleaseRoot) -> Waiver {
    let (gate, lowers) = (GateId::Soak, Lowered::default());
    let text = || "t".to_owned();
    Waiver { release, gate, lowers, until: 9, reason: text(), link: text() }
}

fn bodies() -> Vec<Body> {
    let release = ReleaseRoot(B256::repeat_byte(4));
    let [a, b] = [1, 2].map(|byte| StatementDigest(B256::repeat_byte(byte)));
    let text = || "t".to_owned();
    let network = NetworkId { chain: ChainId(1), genesis: B256::ZERO };
    let moved = FundTransfer { request: a, network, transaction: B256::ZERO, amount: U256::ONE };
    let (destination, amount) = (Address::ZERO, U256::MAX);
    let approval = FundApproval { request: a, network, destination, amount, reason: text() };
    let block = BlockRef { number: 1, hash: B256::ZERO };
    vec![
        Body::FundRequest(FundRequest {
            network,
            destination: Address::ZERO,
            amount: U256::MAX,
            release: None,
            reason: text(),
        }),
        Body::FundApprove(approval),
        Body::FundDeny(FundDenial { request: a, reason: text() }),
        Body::FundDraw(moved.clone()),
        Body::FundReturn(moved),
        Body::RiskAccept(RiskAcceptance {
            scope_root: ScopeRoot(B256::ZERO),
            finding: B256::ZERO,
            severity: Severity::Medium,
            decision: RiskDecision::Defer,
            justification: text(),
            control: text(),
        }),
        Body::SoakSample(SoakSample {
            network,
            release,
            deployment: DeploymentDigest(B256::ZERO),
            block,
            timestamp: 1,
            state: B256::ZERO,
            activity: B256::ZERO,
            transactions: 1,
            senders: 1,
        }),
        Body::SoakWithdraw(SampleWithdrawal {
            sample: a,
            network,
            block,
            timestamp: 1,
            reason: text(),
        }),
        Body::Go(Go::over(release, [a, b], [seen_record()], None, text())),
        Body::NoGo(NoGo { release, discipline: None, reason: text() }),
        Body::Bug(Bug {
            release,
            severity: Severity::High,
            title: text(),
            link: text(),
            blocking: false,
        }),
        Body::Triage(Triage { bug: a, resolution: Resolution::Invalid, of: None, reason: text() }),
        Body::Freeze(Freeze { until: 9, reason: text() }),
        Body::Waiver(waiver(release)),
        Body::KeyClaim(KeyClaim { name: text(), key: Address::ZERO }),
        Body::Postmortem(Postmortem { release, sha256: B256::ZERO, uri: text() }),
        Body::AuditRevoke(AuditRevocation { attestation: a, reason: 1, detail: text() }),
        Body::Result(TestResult {
            network,
            release,
            transactions: vec![B256::ZERO],
            reason: text(),
        }),
    ]
}

/// A statement of every type and kind by one signer.
pub(super) fn each_kind(signer: Address) -> Vec<Statement> {
    let general = |body: Body| {
        let project = Some(project()).filter(|_| !matches!(body, Body::AuditRevoke(_)));
        let expires_at = body.ends_at(7).unwrap_or(NEVER);
        Statement::Statement(General { signer, project, body, at: at(), issued_at: 7, expires_at })
    };
    let mut all: Vec<_> = bodies().into_iter().map(general).collect();
    all.push(Statement::AuditAttestation(attestation(signer)));
    all.push(Statement::EmergencyWaiver(Box::new(EmergencyWaiver {
        guardian: signer,
        release_root: ReleaseRoot(B256::repeat_byte(4)),
        safe_tx_hash: B256::repeat_byte(5),
        terms: EmergencyTerms {
            baseline_root: ReleaseRoot(B256::repeat_byte(6)),
            gate_set: B256::repeat_byte(7),
            min_soak_seconds: u32::MAX,
            incident: "i".to_owned(),
            diff_digest: B256::repeat_byte(8),
            not_before: 9,
            expires_at: u64::MAX,
            retro_due_by: 10,
        },
        at: at(),
        issued_at: 11,
    })));
    all
}

fn attestation(auditor: Address) -> AuditAttestation {
    AuditAttestation {
        auditor,
        scope_root: ScopeRoot(B256::repeat_byte(2)),
        scope_count: u16::MAX,
        project: "p".to_owned(),
        release: "r".to_owned(),
        plan_digest: PlanDigest(B256::repeat_byte(3)),
        source: String::new(),
        report_uri: String::new(),
        report_version: String::new(),
        report_sha256: B256::ZERO,
        period: String::new(),
        verdict: AuditVerdict::RiskAccepted,
        found: 4,
        fixed: 1,
        accepted: 0,
        open_critical: 0,
        open_high: 0,
        open_medium: 3,
        findings_digest: B256::ZERO,
        issued_at: u64::MAX,
        valid_until: u64::MAX,
        supersedes: StatementDigest(B256::ZERO),
        at: at(),
    }
}

/// The signer, the chain, the block and the date are in what is signed, whatever is said.
#[test]
fn another_author_chain_block_or_date_is_another_statement() {
    let (one, two) = (Address::with_last_byte(1), Address::with_last_byte(2));
    for (statement, other) in each_kind(one).into_iter().zip(each_kind(two)) {
        let digest = statement.digest().unwrap();
        assert_eq!((statement.signer(), other.signer()), (one, two));
        assert_ne!(digest, other.digest().unwrap(), "{}", statement.text());
        type Edit = fn(&mut At, &mut u64);
        let edits: [Edit; 4] = [
            |at, _| at.chain = ChainId(6),
            |at, _| at.number += 1,
            |at, _| at.hash = B256::repeat_byte(9),
            |_, issued_at| *issued_at -= 1,
        ];
        for edit in edits {
            let mut changed = statement.clone();
            match &mut changed {
                Statement::AuditAttestation(a) => edit(&mut a.at, &mut a.issued_at),
                Statement::EmergencyWaiver(w) => edit(&mut w.at, &mut w.issued_at),
                Statement::Statement(g) => edit(&mut g.at, &mut g.issued_at),
            }
            assert_ne!(digest, changed.digest().unwrap(), "{}", statement.text());
        }
    }
}

#[test]
fn kinds_are_named_once() {
    let mut kinds: Vec<_> = bodies().iter().map(Body::kind).collect();
    let count = kinds.len();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), count);
    for body in bodies() {
        let value = serde_json::to_value(&body).unwrap();
        assert_eq!(value["kind"], body.kind());
    }
}

#[test]
fn what_is_posted_follows_from_what_is_said() {
    let project = ProjectId(B256::repeat_byte(3));
    let abi = |kind: &str, project: B256, subject: B256| {
        StatementDigest(keccak256((keccak256(kind), project, subject).abi_encode()))
    };
    let release = B256::repeat_byte(4);
    assert_eq!(freeze_subject(project), abi("freeze", project.0, project.0));
    assert_eq!(no_go_subject(project, ReleaseRoot(release)), abi("no-go", project.0, release));
    let attestation = StatementDigest(B256::repeat_byte(5));
    assert_eq!(revocation_subject(attestation), abi("audit/revoke", B256::ZERO, attestation.0));
    for statement in each_kind(Address::ZERO) {
        let Statement::Statement(general) = statement else { continue };
        let posted = match general.body {
            Body::Freeze(_) => freeze_subject(general.project_id()),
            Body::NoGo(ref no_go) => no_go_subject(general.project_id(), no_go.release),
            Body::AuditRevoke(ref revocation) => revocation_subject(revocation.attestation),
            _ => continue,
        };
        let said = post_subject(general.body.kind(), general.project_id(), general.subject());
        assert_eq!(posted, said, "what is signed and what is asked for are one");
    }
}

/// A stop under one target counts for its siblings, and what lets something through for one alone.
#[test]
fn what_is_said_for_one_target_reaches_its_siblings_where_it_stops_something() {
    let own = project().id(ChainId(5));
    let sibling = ProjectRef { safe: Address::with_last_byte(4), ..project() };
    let other = ProjectRef { name: "other".to_owned(), ..project() };
    for body in bodies() {
        let counts = |project: Option<ProjectRef>, chain| {
            let at = At { chain, ..at() };
            let (signer, body) = (Address::ZERO, body.clone());
            let general = General { signer, project, body, at, issued_at: 7, expires_at: 9 };
            general.counts_for("vault", own)
        };
        let found = [
            counts(Some(project()), ChainId(5)),
            counts(Some(project()), ChainId(6)),
            counts(Some(sibling.clone()), ChainId(5)),
            counts(Some(other.clone()), ChainId(5)),
        ];
        let expected = match body.reach() {
            Reach::Target => [true, false, false, false],
            Reach::Family => [true, true, true, false],
            Reach::Content => [true; 4],
        };
        assert_eq!(found, expected, "{}", body.kind());
        assert!(!(body.stops() && body.opens()), "{}", body.kind());
        assert!(!body.stops() || body.reach() != Reach::Target, "{}", body.kind());
    }
}

#[test]
fn the_sentence_names_project_safe_and_chain() {
    for body in bodies() {
        let own = body.text();
        let project = (!matches!(body, Body::AuditRevoke(_))).then(project);
        let expected = project
            .as_ref()
            .map_or("", |_| "vault, Safe 0x0000000000000000000000000000000000000003 on chain 5: ");
        let signer = Address::ZERO;
        let text = General { signer, project, body, at: at(), issued_at: 7, expires_at: 9 }.text();
        assert_eq!(text, format!("{expected}{own}"));
    }
}
