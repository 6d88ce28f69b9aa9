//! What people sign.

use alloy_primitives::{B256, U256, address, b256, keccak256};
use alloy_sol_types::SolStruct;
use serde_json::{Value, json};
use tidegate_model::digest::{HELPER, jcs_keccak};
use tidegate_model::statement::{
    At, AuditAttestation, AuditRevocation, AuditVerdict, Body, Bug, ContractSigner,
    EMERGENCY_GATES, EmergencyTerms, EmergencyWaiver, Freeze, FundApproval, FundDenial,
    FundRequest, FundTransfer, General, Go, KeyClaim, Lowered, NEVER, NoGo, Postmortem, ProjectRef,
    Resolution, RiskAcceptance, RiskDecision, SampleWithdrawal, SeenRecord, Severity,
    SignedStatement, SoakSample, Standing, Statement, TestResult, Triage, Waiver, domain, eip712,
    gate_set, post_subject,
};
use tidegate_model::{
    BlockRef, ChainId, DeploymentDigest, GateId, NetworkId, PlanDigest, RecordDigest, ReleaseRoot,
    ScopeRoot, StatementDigest,
};

use super::{message, sign, typed, types, vector};

const NETWORK: NetworkId =
    NetworkId { chain: ChainId(11_155_111), genesis: B256::repeat_byte(0x21) };

pub(super) fn vectors() -> Vec<Value> {
    let mut vectors = vec![
        type_vector::<eip712::AuditAttestation>("AuditAttestation"),
        type_vector::<eip712::Statement>("Statement"),
        type_vector::<eip712::EmergencyWaiver>("EmergencyWaiver"),
        domain_vector("domain", CHAIN),
        domain_vector("domain of another chain", ChainId(11_155_111)),
        audit("AuditAttestation", Statement::AuditAttestation(attestation())),
        audit("AuditAttestation at its limits", Statement::AuditAttestation(limits(attestation()))),
        audit("AuditAttestation without block", {
            let at = At::no_block(CHAIN);
            Statement::AuditAttestation(AuditAttestation { at, ..attestation() })
        }),
        audit("EmergencyWaiver", Statement::EmergencyWaiver(Box::new(emergency()))),
    ];
    for (name, body) in bodies().into_iter().chain(decisions()) {
        vectors.extend(posted(name, &said(body.clone())));
        vectors.push(general(name, said(body)));
    }
    let [(_, request), ..] = bodies();
    vectors.extend([
        file("file of AuditAttestation", Statement::AuditAttestation(limits(attestation()))),
        file("file of EmergencyWaiver", Statement::EmergencyWaiver(Box::new(emergency()))),
        file("file of Statement", Statement::Statement(said(request))),
        contract_file(Statement::AuditAttestation(attestation())),
    ]);
    vectors
}

/// The target of what is said here, and a finalized block of it.
const CHAIN: ChainId = ChainId(1);
const BLOCK: BlockRef = BlockRef { number: 24_136_000, hash: B256::repeat_byte(0x26) };

fn domain_document(chain: ChainId) -> Value {
    json!({"name": "Tidegate", "version": "1", "chainId": chain, "verifyingContract": HELPER})
}

fn domain_vector(name: &str, chain: ChainId) -> Value {
    let digest = domain(chain).separator();
    vector(name, "domain", domain_document(chain), json!({ "digest": digest }))
}

/// Under which subject a kind is posted at the helper that anybody may post once it is signed.
fn posted(name: &str, general: &General) -> Option<Value> {
    let (Body::NoGo(_) | Body::Freeze(_) | Body::AuditRevoke(_)) = &general.body else {
        return None;
    };
    let (kind, project, subject) = (general.body.kind(), general.project_id(), general.subject());
    let preimage = json!({
        "types": ["bytes32", "bytes32", "bytes32"],
        "values": [keccak256(kind), project, subject],
    });
    let digest = post_subject(kind, project, subject);
    Some(vector(&format!("posted: {name}"), "abi", preimage, json!({ "digest": digest })))
}

fn type_vector<S: SolStruct>(name: &str) -> Value {
    let encoded = S::eip712_encode_type();
    let digest = keccak256(encoded.as_bytes());
    vector(&format!("type {name}"), "type", json!(encoded), json!({"digest": digest}))
}

/// The attestation of the research note, signed by its key.
pub(super) fn attestation() -> AuditAttestation {
    AuditAttestation {
        auditor: address!("19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"),
        scope_root: ScopeRoot(b256!(
            "a490a706c665d1d460481d9e18b10fcf2cbf70449d27819de433e614880a0a92"
        )),
        scope_count: 1,
        project: "vault".to_owned(),
        release: "vault-1.4.0".to_owned(),
        plan_digest: PlanDigest(B256::repeat_byte(6)),
        source: "https://example.org/vault@d20ace7968ba43c0219f62d71334c1095bab1602".to_owned(),
        report_uri: "ipfs://report".to_owned(),
        report_version: "1.1".to_owned(),
        report_sha256: B256::repeat_byte(7),
        period: "2025-11-03/2025-12-19".to_owned(),
        verdict: AuditVerdict::Clean,
        found: 7,
        fixed: 5,
        accepted: 0,
        open_critical: 0,
        open_high: 0,
        open_medium: 0,
        findings_digest: B256::repeat_byte(8),
        issued_at: 1_767_225_600,
        valid_until: 1_798_761_600,
        supersedes: StatementDigest(B256::ZERO),
        at: At::new(CHAIN, BLOCK),
    }
}

/// Every number at its greatest, and text that is not ASCII.
fn limits(attestation: AuditAttestation) -> AuditAttestation {
    AuditAttestation {
        scope_count: u16::MAX,
        plan_digest: PlanDigest(B256::ZERO),
        source: String::new(),
        report_uri: "https://example.org/prüfbericht-😀\n".to_owned(),
        verdict: AuditVerdict::RiskAccepted,
        found: u16::MAX,
        fixed: u16::MAX,
        accepted: u16::MAX,
        open_critical: u16::MAX,
        open_high: u16::MAX - 1,
        open_medium: u16::MAX - 2,
        issued_at: u64::MAX - 1,
        valid_until: u64::MAX,
        supersedes: StatementDigest(B256::repeat_byte(0xff)),
        at: At { number: u64::MAX - 3, ..attestation.at },
        ..attestation
    }
}

/// The fields of a file with an audit statement are those of the EIP-712 message.
fn audit(name: &str, statement: Statement) -> Value {
    let (fields, ty) = match &statement {
        Statement::AuditAttestation(a) => {
            (serde_json::to_value(a), eip712::AuditAttestation::eip712_encode_type())
        }
        Statement::EmergencyWaiver(w) => {
            let mut fields = serde_json::to_value(w);
            if let Ok(Value::Object(fields)) = &mut fields
                && let Some(Value::Object(terms)) = fields.remove("terms")
            {
                fields.extend(terms);
            }
            (fields, eip712::EmergencyWaiver::eip712_encode_type())
        }
        Statement::Statement(_) => panic!("{name} is no audit statement"),
    };
    let preimage = json!({
        "domain": domain_document(statement.at().chain),
        "types": types(&ty),
        "primaryType": ty.split('(').next(),
        "message": message(flat(fields.unwrap())),
    });
    typed(name, preimage, statement.digest().unwrap().0, json!({}))
}

/// The fields of a file as its message has them: the block beside the others, its chain in the
/// domain.
fn flat(mut fields: Value) -> Value {
    let all = fields.as_object_mut().unwrap();
    let at: At = serde_json::from_value(all.remove("at").unwrap()).unwrap();
    all.insert("blockNumber".to_owned(), json!(at.number));
    all.insert("blockHash".to_owned(), json!(at.hash));
    fields
}

fn emergency() -> EmergencyWaiver {
    EmergencyWaiver {
        guardian: address!("19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"),
        release_root: ReleaseRoot(B256::repeat_byte(0x22)),
        safe_tx_hash: B256::repeat_byte(0x30),
        terms: EmergencyTerms {
            baseline_root: ReleaseRoot(B256::repeat_byte(0x31)),
            gate_set: gate_set(&EMERGENCY_GATES).unwrap(),
            min_soak_seconds: 86_400,
            incident: "INC-7: withdraw rounds up".to_owned(),
            diff_digest: B256::repeat_byte(0x32),
            not_before: 1_767_225_600,
            expires_at: 1_767_484_800,
            retro_due_by: 1_770_076_800,
        },
        at: At::new(CHAIN, BLOCK),
        issued_at: 1_767_225_611,
    }
}

/// Two deployment records that a go lists.
fn records() -> [SeenRecord; 2] {
    [0x52, 0x51].map(|byte| SeenRecord {
        digest: RecordDigest(B256::repeat_byte(byte)),
        deployment: DeploymentDigest(B256::repeat_byte(0x53)),
        anchor: B256::repeat_byte(0x55),
        network: NETWORK,
        file: "vault-1.4.0-2222222222222222-0.json".to_owned(),
    })
}

/// What people decide about a release.
fn decisions() -> [(&'static str, Body); 11] {
    let release = ReleaseRoot(B256::repeat_byte(0x22));
    let [a, b] = [0x41, 0x40].map(|byte| StatementDigest(B256::repeat_byte(byte)));
    let text = |text: &str| text.to_owned();
    let lowers = Lowered { soak_secs: Some(604_800), senders: Some(1), ..Lowered::default() };
    let go = |discipline| Go::over(release, [a, b], records(), discipline, text("all seen"));
    [
        ("Statement go", Body::Go(go(None))),
        ("Statement go as security", Body::Go(go(Some(text("security"))))),
        (
            "Statement no-go",
            Body::NoGo(NoGo { release, discipline: None, reason: text("a doubt") }),
        ),
        (
            "Statement bug",
            Body::Bug(Bug {
                release,
                severity: Severity::Critical,
                title: text("funds are stuck"),
                link: text("https://example.org/7"),
                blocking: true,
            }),
        ),
        (
            "Statement triage",
            Body::Triage(Triage {
                bug: a,
                resolution: Resolution::Duplicate,
                of: Some(b),
                reason: text("none"),
            }),
        ),
        (
            "Statement freeze",
            Body::Freeze(Freeze { until: 1_767_484_800, reason: text("holidays") }),
        ),
        (
            "Statement waiver",
            Body::Waiver(Waiver {
                release,
                gate: GateId::Soak,
                lowers,
                until: 1_767_484_800,
                reason: text("a fix"),
                link: text("https://example.org/8"),
            }),
        ),
        (
            "Statement people/key",
            Body::KeyClaim(KeyClaim {
                name: text("kim"),
                key: address!("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
            }),
        ),
        (
            "Statement postmortem",
            Body::Postmortem(Postmortem {
                release,
                sha256: B256::repeat_byte(0x42),
                uri: text("https://example.org/9"),
            }),
        ),
        ("Statement result", Body::Result(tried(release))),
        ("Statement audit/revoke", Body::AuditRevoke(revocation())),
    ]
}

fn tried(release: ReleaseRoot) -> TestResult {
    TestResult {
        network: NETWORK,
        release,
        transactions: [0x44, 0x43].map(B256::repeat_byte).into(),
        reason: "deposits, then pauses".to_owned(),
    }
}

fn revocation() -> AuditRevocation {
    AuditRevocation {
        attestation: StatementDigest(B256::repeat_byte(0x0a)),
        reason: 2,
        detail: "a rounding fault in withdraw".to_owned(),
    }
}

fn bodies() -> [(&'static str, Body); 10] {
    let request = FundRequest {
        network: NETWORK,
        destination: address!("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        amount: U256::from(1_500_000_000_000_000_000_u64),
        release: Some(ReleaseRoot(B256::repeat_byte(0x22))),
        reason: "soak of vault-1.4.0".to_owned(),
    };
    let largest = FundRequest {
        amount: U256::MAX,
        release: None,
        reason: "Größe \"unbekannt\"\n\u{1f600}".to_owned(),
        ..request.clone()
    };
    let request_digest = StatementDigest(B256::repeat_byte(0x23));
    let approval = FundApproval {
        request: request_digest,
        network: request.network,
        destination: request.destination,
        amount: request.amount,
        reason: "within the budget".to_owned(),
    };
    let denial = FundDenial { request: request_digest, reason: String::new() };
    let transfer = |amount: u64| FundTransfer {
        request: request_digest,
        network: NETWORK,
        transaction: B256::repeat_byte(0x24),
        amount: U256::from(amount),
    };
    [
        ("Statement fund/request", Body::FundRequest(request)),
        ("Statement fund/request without release", Body::FundRequest(largest)),
        ("Statement fund/approve", Body::FundApprove(approval)),
        ("Statement fund/deny", Body::FundDeny(denial)),
        ("Statement fund/draw", Body::FundDraw(transfer(1_500_000_000_000_000_000))),
        ("Statement fund/return", Body::FundReturn(transfer(0))),
        ("Statement risk/accept", Body::RiskAccept(risk(RiskDecision::Accept, "a cap"))),
        ("Statement risk/accept of a false positive", {
            Body::RiskAccept(risk(RiskDecision::FalsePositive, ""))
        }),
        ("Statement soak/sample", Body::SoakSample(sample())),
        ("Statement soak/withdraw", {
            let SoakSample { network, block, timestamp, .. } = sample();
            let (sample, reason) = (StatementDigest(B256::repeat_byte(0x2b)), "a fork".to_owned());
            Body::SoakWithdraw(SampleWithdrawal { sample, network, block, timestamp, reason })
        }),
    ]
}

fn risk(decision: RiskDecision, control: &str) -> RiskAcceptance {
    RiskAcceptance {
        scope_root: ScopeRoot(B256::repeat_byte(0x27)),
        finding: B256::repeat_byte(0x28),
        severity: Severity::Medium,
        decision,
        justification: "bounded, und geprüft".to_owned(),
        control: control.to_owned(),
    }
}

fn sample() -> SoakSample {
    SoakSample {
        network: NETWORK,
        release: ReleaseRoot(B256::repeat_byte(0x22)),
        deployment: DeploymentDigest(B256::repeat_byte(0x27)),
        block: BlockRef { number: 7_654_321, hash: B256::repeat_byte(0x28) },
        timestamp: 1_767_225_588,
        state: B256::repeat_byte(0x29),
        activity: B256::repeat_byte(0x2a),
        transactions: 25,
        senders: 3,
    }
}

/// A new kind needs a vector in [`bodies`] and its sentence in `check.mjs`.
fn said(body: Body) -> General {
    let safe = address!("5aFE3855358E112B5647B952709E6165e1c1eEEe");
    let own = ProjectRef { name: "vault".to_owned(), safe };
    let project = Some(own).filter(|_| !matches!(body, Body::AuditRevoke(_)));
    let issued_at = 1_767_225_611;
    General {
        signer: attestation().auditor,
        project,
        expires_at: body.ends_at(issued_at).unwrap_or(NEVER),
        body,
        at: At::new(CHAIN, BLOCK),
        issued_at,
    }
}

fn general(name: &str, general: General) -> Value {
    let ty = eip712::Statement::eip712_encode_type();
    let preimage = json!({
        "domain": domain_document(general.at.chain),
        "types": types(&ty),
        "primaryType": "Statement",
        "message": message(json!({
            "signer": general.signer,
            "kind": general.body.kind(), "text": general.text(),
            "project": general.project_id(), "subject": general.subject(),
            "bodyDigest": jcs_keccak("body", &general.body).unwrap(),
            "blockNumber": general.at.number, "blockHash": general.at.hash,
            "issuedAt": general.issued_at, "expiresAt": general.expires_at,
        })),
        "body": general.body,
        "project": general.project,
    });
    let digest = Statement::Statement(general).digest().unwrap();
    typed(name, preimage, digest.0, json!({}))
}

/// A signed statement as its file holds it. The preimage is the file's text, because its numbers
/// may be beyond what JSON readers hold exactly.
fn file(name: &str, statement: Statement) -> Value {
    let digest = statement.digest().unwrap();
    let (signer, signature) = sign(digest.0);
    let signature = signature.parse().unwrap();
    assert_eq!(statement.signer(), signer, "the key of all vectors");
    let signed = SignedStatement::by_key(statement, signature);
    assert_eq!(signed.verify().unwrap(), digest);
    let text = serde_json::to_string(&signed).unwrap();
    let read: SignedStatement = serde_json::from_str(&text).unwrap();
    assert_eq!(read, signed);
    vector(name, "file", json!(text), json!({"digest": digest, "signer": signer}))
}

/// The same by a contract, of which only the digest can be recomputed here.
fn contract_file(statement: Statement) -> Value {
    let digest = statement.digest().unwrap();
    let block = BlockRef { number: 21_000_000, hash: B256::repeat_byte(0x29) };
    let contract = Some(ContractSigner { chain: ChainId(1), block });
    let (v, signer) = (SignedStatement::VERSION, attestation().auditor);
    let signature = vec![0x2a; 130].into();
    let signed = SignedStatement { v, statement, signature, contract };
    assert!(matches!(signed.check(), Ok(Standing::Pending(found, _)) if found == digest));
    let text = serde_json::to_string(&signed).unwrap();
    let name = "file of AuditAttestation by a contract";
    vector(name, "file", json!(text), json!({"digest": digest, "signer": signer}))
}
