use alloy_primitives::{address, b256};
use alloy_sol_types::SolStruct;
use tidegate_model::ports::{DigestSigner, SignError};
use tidegate_model::statement::{At, AuditAttestation, AuditVerdict};
use tidegate_model::{ChainId, PlanDigest, ScopeRoot, StatementDigest};

use super::*;

pub(crate) fn attestation(auditor: Address) -> AuditAttestation {
    AuditAttestation {
        auditor,
        scope_root: ScopeRoot(B256::repeat_byte(1)),
        scope_count: 1,
        project: "vault".to_owned(),
        release: "vault-1.4.0".to_owned(),
        plan_digest: PlanDigest(B256::repeat_byte(2)),
        source: "https://example.org/vault@d20ace".to_owned(),
        report_version: "1.0".to_owned(),
        period: String::new(),
        found: 0,
        fixed: 0,
        accepted: 0,
        report_sha256: b256!("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        report_uri: "ipfs://report".to_owned(),
        verdict: AuditVerdict::Clean,
        open_critical: 0,
        open_high: 0,
        open_medium: 0,
        findings_digest: B256::ZERO,
        issued_at: 1_767_225_600,
        valid_until: 1_798_761_600,
        supersedes: StatementDigest(B256::ZERO),
        at: At::no_block(ChainId(1)),
    }
}

/// The schema of the research note, and the id that an attestation of another has there.
#[test]
fn eas_ids_are_those_of_the_research_note() {
    // The example of the note has another schema.
    let example = "bytes32 releaseRoot,bytes32 scopeRoot,bytes32 reportSha256,string gitCommit,\
                   string reportUri,uint8 verdict,uint16 openCritical,uint16 openHigh";
    assert_eq!(
        eas_schema_uid(example, Address::ZERO, true),
        b256!("7ab03f30ce9d0ba01a4c2c8a7e87797b4ca2675f83082ddc58f4ec645ff09dff")
    );
    // What stands in the service's own fields, or only dates an attestation, is left out.
    let schema = eas_schema();
    assert!(schema.starts_with("string project,string release,bytes32 scopeRoot,"), "{schema}");
    assert!(schema.ends_with(",bytes32 findingsDigest,bytes32 supersedes"), "{schema}");
    assert_eq!(schema.split(',').count(), 19);
    let message = json!({
        "version": 2, "schema": B256::repeat_byte(0xaa), "recipient": Address::repeat_byte(0x11),
        "time": "1767225600", "expirationTime": "0", "revocable": true, "refUID": B256::ZERO,
        "data": "0x1234", "salt": B256::repeat_byte(0x22),
    });
    assert_eq!(
        eas_uid(&message).unwrap(),
        b256!("33b7946626459269b5bd13c27e6a5b5350a709dbeb809c6f4794a71878392395")
    );
    assert_eq!(
        eas::Attest::eip712_encode_type().as_ref(),
        "Attest(uint16 version,bytes32 schema,address recipient,uint64 time,uint64 expirationTime,\
         bool revocable,bytes32 refUID,bytes data,bytes32 salt)"
    );
    assert!(eas_on(ChainId(560_048)).is_none(), "there is none on Hoodi");
}

#[test]
fn erc7512_is_signed_under_its_first_number() {
    let auditor = Auditor {
        name: "Example Audits".to_owned(),
        uri: "https://audits.example".to_owned(),
        authors: vec!["Ada".to_owned(), "Grace".to_owned()],
    };
    let address = address!("1111111111111111111111111111111111111111");
    let contract = AuditedContract { chain: ChainId(1), address };
    let mut document = audit_summary(&auditor, contract, &attestation(Address::ZERO));
    // The note's example lists standards and has a keccak256, which ours never do.
    document["message"]["ercs"] = json!(["20", "4626"]);
    document["message"]["auditHash"] = json!(alloy_primitives::keccak256("report"));
    let digest = |document: &Value| {
        let data: TypedData = serde_json::from_value(document.clone()).unwrap();
        data.eip712_signing_hash().unwrap()
    };
    assert_eq!(
        digest(&document),
        b256!("fb4356121f78f3c09f08d4379fcbbf0a7abeb837e0d94bcc7f6284cc342a0bbd")
    );
    document["domain"]["name"] = json!(erc7512::DOMAINS[1]);
    assert!(is_export(&document));
}

/// A signature that recovers to somebody, whatever it is over.
fn somebody(digest: B256) -> (Address, Signature) {
    let signature = Signature::test_signature().normalized_s();
    (signature.recover_address_from_prehash(&digest).unwrap(), signature)
}

#[test]
fn a_signature_is_taken_only_from_who_is_named_and_over_what_is_shown() {
    let eas = eas_on(ChainId(1)).unwrap();
    let contract = AuditedContract { chain: ChainId(1), address: Address::repeat_byte(1) };
    let auditor = Auditor { name: "A".to_owned(), uri: String::new(), authors: vec![] };
    let a = attestation(Address::ZERO);
    let digest = StatementDigest(B256::repeat_byte(3));
    for mut document in
        [eas_attestation(eas, digest, &a).unwrap(), audit_summary(&auditor, contract, &a)]
    {
        let data: TypedData = serde_json::from_value(document.clone()).unwrap();
        let (signer, signature) = somebody(data.eip712_signing_hash().unwrap());
        assert!(with_signature(&document, &signature).is_err(), "somebody else signed");
        document[ASIDE]["signer"] = json!(signer);
        with_signature(&document, &signature).unwrap();
        let mut other = document.clone();
        other["domain"]["version"] = json!("9");
        assert!(with_signature(&other, &signature).is_err(), "something else was signed");
    }
}

struct Nobody;

impl DigestSigner for Nobody {
    fn address(&self) -> Address {
        Address::repeat_byte(7)
    }

    fn sign_digest(&self, _: &B256) -> Result<Signature, SignError> {
        Ok(Signature::test_signature())
    }
}

#[test]
fn envelopes_hold_what_is_signed() {
    assert_eq!(
        pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    let subject = Subject::new("a", b"hello world");
    let said = statement(&[subject], SVR_PREDICATE, json!({"properties": []}));
    let digest = &said["subject"][0]["digest"];
    assert_eq!(
        digest["sha256"],
        "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
    );
    let fields = every_field(&said);
    let values = [("_type", "https://in-toto.io/Statement/v1"), ("predicate.properties", "[]")];
    for (place, value) in values {
        assert!(fields.contains(&(place.to_owned(), value.to_owned())), "{place}: {fields:?}");
    }
    assert!(fields.iter().any(|(place, _)| place == "subject.0.digest.keccak256"), "{fields:?}");
    assert_eq!(fields.len(), 6, "each value once: {fields:?}");
    assert_eq!(envelope(&said, None).unwrap()["signatures"], json!([]));
    let signed = envelope(&said, Some(&Nobody)).unwrap();
    assert_eq!(signed["signatures"][0]["keyid"], json!(Address::repeat_byte(7)));
}
