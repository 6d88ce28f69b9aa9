//! What audits go out as.

use alloy_dyn_abi::TypedData;
use alloy_primitives::{Address, B256, address, hex, keccak256};
use serde_json::{Value, json};
use tidegate_evidence::exports::{
    AuditedContract, Auditor, audit_summary, eas_attestation, eas_on, eas_schema, eas_schema_uid,
    eas_uid, pae,
};
use tidegate_model::statement::AuditAttestation;
use tidegate_model::{ChainId, StatementDigest};

use super::statements::attestation;
use super::{typed, vector};

/// Types of others, as they are encoded.
const TYPES: [(&str, &str); 4] = [
    (
        "type EAS Attest, delegated",
        "Attest(address attester,bytes32 schema,address recipient,uint64 expirationTime,\
         bool revocable,bytes32 refUID,bytes data,uint256 value,uint256 nonce,uint64 deadline)",
    ),
    (
        "type EAS Revoke, delegated",
        "Revoke(address revoker,bytes32 schema,bytes32 uid,uint256 value,uint256 nonce,\
         uint64 deadline)",
    ),
    (
        "type EAS Attest, off-chain",
        "Attest(uint16 version,bytes32 schema,address recipient,uint64 time,\
         uint64 expirationTime,bool revocable,bytes32 refUID,bytes data,bytes32 salt)",
    ),
    (
        "type AuditSummary",
        "AuditSummary(Auditor auditor,uint256 issuedAt,uint256[] ercs,Contract auditedContract,\
         bytes32 auditHash,string auditUri)Auditor(string name,string uri,string[] authors)\
         Contract(bytes32 chainId,address deployment)",
    ),
];

pub(super) fn vectors() -> Vec<Value> {
    let mut vectors: Vec<_> = TYPES
        .iter()
        .map(|(name, text)| vector(name, "type", json!(text), json!({"digest": keccak256(text)})))
        .collect();
    vectors.extend([
        schema("EAS schema of ours", &eas_schema()),
        schema("research: EAS schema", RESEARCHED),
        uid(),
        eas(),
        wallet("ERC-7512 AuditSummary", summary()),
        wallet("research: AuditSummary", researched(summary())),
        wallet("research: AuditSummary, corrected", corrected(researched(summary()))),
        envelope(),
    ]);
    vectors
}

/// The schema of the research note, whose id was computed elsewhere.
const RESEARCHED: &str = "bytes32 releaseRoot,bytes32 scopeRoot,bytes32 reportSha256,\
    string gitCommit,string reportUri,uint8 verdict,uint16 openCritical,uint16 openHigh";

fn schema(name: &str, schema: &str) -> Value {
    let types = ["string", "address", "bool"];
    let preimage = json!({"types": types, "values": [schema, Address::ZERO, true]});
    let digest = eas_schema_uid(schema, Address::ZERO, true);
    vector(name, "packed", preimage, json!({"digest": digest}))
}

/// The schema enters as the text of its digits.
fn uid() -> Value {
    let message = json!({
        "version": 2, "schema": B256::repeat_byte(0xaa), "recipient": Address::repeat_byte(0x11),
        "time": "1767225600", "expirationTime": "0", "revocable": true, "refUID": B256::ZERO,
        "data": "0x1234", "salt": B256::repeat_byte(0x22),
    });
    let types = [
        "uint16", "string", "address", "address", "uint64", "uint64", "bool", "bytes32", "bytes",
        "bytes32", "uint32",
    ];
    let values = [
        &message["version"],
        &message["schema"],
        &message["recipient"],
        &json!(Address::ZERO),
        &message["time"],
        &message["expirationTime"],
        &message["revocable"],
        &message["refUID"],
        &message["data"],
        &message["salt"],
        &json!(0),
    ];
    let preimage = json!({"types": types, "values": values});
    vector("research: EAS UID", "packed", preimage, json!({"digest": eas_uid(&message).unwrap()}))
}

fn eas() -> Value {
    let eas = eas_on(ChainId(1)).unwrap();
    let digest = B256::repeat_byte(0x23);
    wallet(
        "EAS attestation",
        eas_attestation(eas, StatementDigest(digest), &attestation()).unwrap_or_default(),
    )
}

fn summary() -> Value {
    let auditor = Auditor {
        name: "Example Audits".to_owned(),
        uri: "https://audits.example".to_owned(),
        authors: vec!["Ada".to_owned(), "Grace".to_owned()],
    };
    let address = address!("1111111111111111111111111111111111111111");
    let contract = AuditedContract { chain: ChainId(1), address };
    let attestation = AuditAttestation { issued_at: 1_767_225_600, ..attestation() };
    audit_summary(&auditor, contract, &attestation)
}

/// The research note's example names standards, and has another hash of its report.
fn researched(mut document: Value) -> Value {
    document["message"]["ercs"] = json!(["20", "4626"]);
    document["message"]["auditHash"] = json!(keccak256("report"));
    document
}

/// Under the number that the proposal has now.
fn corrected(mut document: Value) -> Value {
    document["domain"]["name"] = json!("ERC-7512: Onchain Audit Representation");
    document
}

/// Typed data as an export writes it, whose digest a second library of ours computes.
fn wallet(name: &str, document: Value) -> Value {
    let data: TypedData = serde_json::from_value(document.clone()).unwrap();
    let mut types = document["types"].clone();
    types.as_object_mut().unwrap().remove("EIP712Domain");
    let preimage = json!({
        "domain": document["domain"], "types": types, "primaryType": document["primaryType"],
        "message": document["message"],
    });
    let outputs = json!({
        "domainHash": data.domain.separator(), "structHash": data.hash_struct().unwrap(),
    });
    typed(name, preimage, data.eip712_signing_hash().unwrap(), outputs)
}

fn envelope() -> Value {
    let (payload_type, body) = ("http://example.com/HelloWorld", "hello world");
    let encoded = pae(payload_type, body.as_bytes());
    let text = String::from_utf8(encoded.clone()).unwrap();
    let outputs =
        json!({"digest": keccak256(&encoded), "pae": text, "bytes": hex::encode(encoded)});
    vector("DSSE: hello world", "pae", json!({"type": payload_type, "body": body}), outputs)
}
