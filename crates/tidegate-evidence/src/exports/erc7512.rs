//! Audit summaries of ERC-7512, one for each contract on one chain.

use alloy_primitives::{Address, Bytes, Signature, U256};
use alloy_sol_types::{SolStruct, sol};
use serde_json::{Map, Value, json};
use tidegate_model::ChainId;
use tidegate_model::statement::AuditAttestation;

use super::{fields, typed, word};

/// The structures under the standard's names.
mod eip712 {
    super::sol! {
        struct AuditSummary {
            Auditor auditor; uint256 issuedAt; uint256[] ercs; Contract auditedContract;
            bytes32 auditHash; string auditUri;
        }
        struct Auditor { string name; string uri; string[] authors; }
        struct Contract { bytes32 chainId; address deployment; }
    }
}

/// The name of the domain, with the number that the proposal had at first, and as it should be.
/// The first is what is signed; both are read.
pub(super) const DOMAINS: [&str; 2] =
    ["ERC-7652: Onchain Audit Representation", "ERC-7512: Onchain Audit Representation"];
const VERSION: &str = "1.0";

/// The auditor as ERC-7512 names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auditor {
    /// The firm.
    pub name: String,
    /// The auditor's URI.
    pub uri: String,
    /// The people who audited.
    pub authors: Vec<String>,
}

/// The audited contract on a chain, as ERC-7512 names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditedContract {
    pub chain: ChainId,
    pub address: Address,
}

/// The summary of one contract as typed data that the auditor is to sign. `auditHash` is the
/// report's SHA-256.
pub fn audit_summary(auditor: &Auditor, contract: AuditedContract, a: &AuditAttestation) -> Value {
    let message = json!({
        "auditor": {"name": auditor.name, "uri": auditor.uri, "authors": auditor.authors},
        "issuedAt": a.issued_at.to_string(),
        "ercs": [],
        "auditedContract": {
            "chainId": word(U256::from(contract.chain.0)), "deployment": contract.address,
        },
        "auditHash": a.report_sha256,
        "auditUri": a.report_uri,
    });
    let domain = json!({"name": DOMAINS[0], "version": VERSION});
    typed(types(), "AuditSummary", domain, message, a.auditor)
}

fn types() -> Value {
    let mut types = Map::new();
    types.insert("EIP712Domain".to_owned(), json!(fields("string name,string version")));
    let encoded = eip712::AuditSummary::eip712_encode_type();
    for part in encoded.split(')').filter(|part| !part.is_empty()) {
        let (name, inner) = part.split_once('(').unwrap_or_default();
        types.insert(name.to_owned(), json!(fields(inner)));
    }
    Value::Object(types)
}

/// The summary with its signature, as the standard's `SignedAuditSummary` has it. `signedAt` is
/// the summary's own time.
pub(super) fn signed(document: &Value, signature: &Signature) -> Value {
    const SECP256K1: u8 = 0;
    let mut summary = document["message"].clone();
    let signed_at = summary["issuedAt"].clone();
    if let Some(fields) = summary.as_object_mut() {
        fields.insert("signedAt".to_owned(), signed_at);
        let data = Bytes::copy_from_slice(&signature.as_bytes());
        fields.insert("auditorSignature".to_owned(), json!({"type": SECP256K1, "data": data}));
    }
    summary
}
