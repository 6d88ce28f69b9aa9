//! What people sign.

use alloy_primitives::{B256, U256, address, b256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};
use serde_json::{Value, json};
use tidegate_model::digest::jcs_keccak;
use tidegate_model::statement::{
    AuditAttestation, AuditRevocation, Body, Bug, ContractSigner, EMERGENCY_GATES, EmergencyTerms,
    EmergencyWaiver, Freeze, FundDecision, FundRequest, FundTransfer, General, Go, KeyClaim,
    Lowered, NEVER, NoGo, Postmortem, Resolution, RiskAcceptance, RiskDecision, Severity,
    SignedStatement, SoakSample, Standing, Statement, Triage, Waiver, domain, eip712, gate_set,
};
use tidegate_model::{
    BlockRef, ChainId, DeploymentDigest, GateId, NetworkId, ProjectId, ReleaseRoot, ScopeRoot,
    StatementDigest,
};

use super::{message, sign, typed, types, vector};

const NETWORK: NetworkId =
    NetworkId { chain: ChainId(11_155_111), genesis: B256::repeat_byte(0x21) };

pub(super) fn vectors() -> Vec<Value> {
    let mut vectors = vec![
        type_vector::<eip712::AuditAttestation>("AuditAttestation"),
        type_vector::<eip712::AuditRevocation>("AuditRevocation"),
        type_vector::<eip712::Statement>("Statement"),
        type_vector::<eip712::EmergencyWaiver>("EmergencyWaiver"),
        vector("domain", "domain", domain_document(), json!({"digest": domain().separator()})),
        under_another_domain(&attestation()),
        audit("AuditAttestation", Statement::AuditAttestation(attestation())),
        audit("AuditAttestation at its limits", Statement::AuditAttestation(limits(attestation()))),
        audit("AuditRevocation", Statement::AuditRevocation(revocation())),
        audit("EmergencyWaiver", Statement::EmergencyWaiver(Box::new(emergency()))),
    ];
    for (name, body) in bodies().into_iter().chain(decisions()) {
        vectors.push(general(name, said(body)));
    }
    let [(_, request), ..] = bodies();
    vectors.extend([
        file("file of AuditAttestation", Statement::AuditAttestation(limits(attestation()))),
        file("file of AuditRevocation", Statement::AuditRevocation(revocation())),
        file("file of EmergencyWaiver", Statement::EmergencyWaiver(Box::new(emergency()))),
        file("file of Statement", Statement::Statement(said(request))),
        contract_file(Statement::AuditAttestation(attestation())),
    ]);
    vectors
}

fn domain_document() -> Value {
    json!({"name": "Tidegate", "version": "1"})
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
        repository: "git+https://example.org/vault".to_owned(),
        git_commit: "d20ace7968ba43c0219f62d71334c1095bab1602".to_owned(),
        report_sha256: B256::repeat_byte(7),
        report_uri: "ipfs://report".to_owned(),
        verdict: 1,
        open_critical: 0,
        open_high: 0,
        open_medium: 0,
        findings_digest: B256::repeat_byte(8),
        issued_at: 1_767_225_600,
        valid_until: 1_798_761_600,
        supersedes: StatementDigest(B256::ZERO),
        salt: B256::repeat_byte(9),
    }
}

/// Every number at its greatest, and text that is not ASCII.
fn limits(attestation: AuditAttestation) -> AuditAttestation {
    AuditAttestation {
        scope_count: u16::MAX,
        repository: String::new(),
        report_uri: "https://example.org/prüfbericht-😀\n".to_owned(),
        verdict: u8::MAX,
        open_critical: u16::MAX,
        open_high: u16::MAX - 1,
        open_medium: u16::MAX - 2,
        issued_at: u64::MAX - 1,
        valid_until: u64::MAX,
        supersedes: StatementDigest(B256::repeat_byte(0xff)),
        ..attestation
    }
}

fn revocation() -> AuditRevocation {
    AuditRevocation {
        auditor: address!("19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"),
        attestation: StatementDigest(B256::repeat_byte(0x0a)),
        reason: 2,
        detail: "a rounding fault in withdraw".to_owned(),
        revoked_at: 1_767_312_000,
    }
}

/// The research note's digest was computed under the domain that it proposed.
fn under_another_domain(a: &AuditAttestation) -> Value {
    let domain: Eip712Domain = eip712_domain! { name: "Release Audit Attestation", version: "1", };
    let signed = eip712::AuditAttestation::from(a);
    let preimage = json!({
        "domain": {"name": "Release Audit Attestation", "version": "1"},
        "types": types(&eip712::AuditAttestation::eip712_encode_type()),
        "primaryType": "AuditAttestation",
        "message": message(serde_json::to_value(a).unwrap()),
    });
    typed(
        "research: AuditAttestation under another domain",
        preimage,
        signed.eip712_signing_hash(&domain),
        json!({
            "domainHash": domain.separator(), "structHash": signed.eip712_hash_struct(),
            "links": {"message.scopeRoot": "research: scopeRoot"},
        }),
    )
}

/// The fields of a file with an audit statement are those of the EIP-712 message.
fn audit(name: &str, statement: Statement) -> Value {
    let (fields, ty) = match &statement {
        Statement::AuditAttestation(a) => {
            (serde_json::to_value(a), eip712::AuditAttestation::eip712_encode_type())
        }
        Statement::AuditRevocation(r) => {
            (serde_json::to_value(r), eip712::AuditRevocation::eip712_encode_type())
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
        "domain": domain_document(),
        "types": types(&ty),
        "primaryType": ty.split('(').next(),
        "message": message(fields.unwrap()),
    });
    typed(name, preimage, statement.digest().unwrap().0, json!({}))
}

fn emergency() -> EmergencyWaiver {
    EmergencyWaiver {
        guardian: address!("19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"),
        release_root: ReleaseRoot(B256::repeat_byte(0x22)),
        safe_tx_hash: B256::repeat_byte(0x30),
        chain_id: 1,
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
        salt: B256::repeat_byte(0x33),
    }
}

/// What people decide about a release.
fn decisions() -> [(&'static str, Body); 9] {
    let release = ReleaseRoot(B256::repeat_byte(0x22));
    let [a, b] = [0x41, 0x40].map(|byte| StatementDigest(B256::repeat_byte(byte)));
    let text = |text: &str| text.to_owned();
    let lowers = Lowered { soak_secs: Some(604_800), senders: Some(1), ..Lowered::default() };
    let go = |discipline| Go::over(release, [a, b], discipline, text("all seen"));
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
    ]
}

fn bodies() -> [(&'static str, Body); 9] {
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
    let decision =
        |reason: &str| FundDecision { request: request_digest, reason: reason.to_owned() };
    let transfer = |amount: u64| FundTransfer {
        request: request_digest,
        network: NETWORK,
        transaction: B256::repeat_byte(0x24),
        amount: U256::from(amount),
    };
    [
        ("Statement fund/request", Body::FundRequest(request)),
        ("Statement fund/request without release", Body::FundRequest(largest)),
        ("Statement fund/approve", Body::FundApprove(decision("within the budget"))),
        ("Statement fund/deny", Body::FundDeny(decision(""))),
        ("Statement fund/draw", Body::FundDraw(transfer(1_500_000_000_000_000_000))),
        ("Statement fund/return", Body::FundReturn(transfer(0))),
        ("Statement risk/accept", Body::RiskAccept(risk(RiskDecision::Accept, "a cap"))),
        ("Statement risk/accept of a false positive", {
            Body::RiskAccept(risk(RiskDecision::FalsePositive, ""))
        }),
        ("Statement soak/sample", Body::SoakSample(sample())),
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

/// The subject of each kind. A new kind does not compile here: give it a vector in [`bodies`] and
/// its sentence in `check.mjs`.
fn subject(body: &Body) -> B256 {
    match body {
        Body::FundRequest(request) => request.release.map_or(B256::ZERO, |release| release.0),
        Body::FundApprove(decision) | Body::FundDeny(decision) => decision.request.0,
        Body::FundDraw(transfer) | Body::FundReturn(transfer) => transfer.request.0,
        Body::RiskAccept(risk) => risk.scope_root.0,
        Body::SoakSample(sample) => sample.release.0,
        Body::Go(go) => go.release.0,
        Body::NoGo(no_go) => no_go.release.0,
        Body::Bug(bug) => bug.release.0,
        Body::Triage(triage) => triage.bug.0,
        // Of the whole project.
        Body::Freeze(_) => B256::repeat_byte(0x25),
        Body::Waiver(waiver) => waiver.release.0,
        Body::KeyClaim(_) => B256::ZERO,
        Body::Postmortem(found) => found.release.0,
    }
}

fn said(body: Body) -> General {
    General {
        project: ProjectId(B256::repeat_byte(0x25)),
        subject: subject(&body),
        body,
        issued_at: 1_767_225_600,
        expires_at: NEVER,
        salt: B256::repeat_byte(0x26),
    }
}

fn general(name: &str, general: General) -> Value {
    let ty = eip712::Statement::eip712_encode_type();
    let preimage = json!({
        "domain": domain_document(),
        "types": types(&ty),
        "primaryType": "Statement",
        "message": message(json!({
            "kind": general.body.kind(), "text": general.body.text(),
            "project": general.project, "subject": general.subject,
            "bodyDigest": jcs_keccak("body", &general.body).unwrap(),
            "issuedAt": general.issued_at, "expiresAt": general.expires_at,
            "salt": general.salt,
        })),
        "body": general.body,
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
    let signed = SignedStatement::by_key(statement, signer, signature);
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
    let signed = SignedStatement { v, statement, signer, signature, contract };
    assert!(matches!(signed.check(), Ok(Standing::Pending(found, _)) if found == digest));
    let text = serde_json::to_string(&signed).unwrap();
    let name = "file of AuditAttestation by a contract";
    vector(name, "file", json!(text), json!({"digest": digest, "signer": signer}))
}
