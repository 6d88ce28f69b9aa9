//! in-toto statements, version 1, in DSSE envelopes.

use alloy_primitives::{B256, hex, keccak256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tidegate_model::digest::{JcsError, jcs};
use tidegate_model::ports::{DigestSigner, SignError};

/// The type of an envelope's payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The predicate of an audit: the signed statement, and the code scopes that it is over.
pub const AUDIT_PREDICATE: &str = "urn:tidegate:predicate:audit:1";
/// The predicate of a verdict: a simple verification result.
pub const SVR_PREDICATE: &str = "https://in-toto.io/attestation/svr/v0.2";
/// The type of a statement.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// A subject of an in-toto statement: bytes with both digests, SHA-256 and keccak256, since not
/// every verifier knows keccak256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    name: String,
    sha256: B256,
    keccak256: B256,
}

impl Subject {
    /// The subject that these bytes are.
    pub fn new(name: impl Into<String>, bytes: &[u8]) -> Self {
        let sha256 = B256::from_slice(&Sha256::digest(bytes));
        Self { name: name.into(), sha256, keccak256: keccak256(bytes) }
    }

    /// The keccak256 of the subject's bytes.
    pub const fn keccak256(&self) -> B256 {
        self.keccak256
    }

    fn document(&self) -> Value {
        let (sha256, keccak256) = (hex::encode(self.sha256), hex::encode(self.keccak256));
        json!({"name": self.name, "digest": {"sha256": sha256, "keccak256": keccak256}})
    }
}

/// The in-toto statement, version 1, of a predicate about these subjects.
pub fn statement(subjects: &[Subject], predicate_type: &str, predicate: Value) -> Value {
    let subject: Vec<_> = subjects.iter().map(Subject::document).collect();
    json!({
        "_type": STATEMENT_TYPE, "subject": subject, "predicateType": predicate_type,
        "predicate": predicate,
    })
}

/// DSSE's pre-authentication encoding of a payload: the bytes that are signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// A statement that could not be put into an envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error(transparent)]
    Encode(#[from] JcsError),
    /// The key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// SHA-256 of the pre-authentication encoding of a statement, over which an envelope's signature is
/// made.
///
/// # Errors
/// If the statement has no canonical form.
pub fn envelope_digest(statement: &Value) -> Result<B256, JcsError> {
    let payload = jcs("in-toto statement", statement)?;
    Ok(B256::from_slice(&Sha256::digest(pae(PAYLOAD_TYPE, &payload))))
}

/// Every value of a statement with its place, in the order of the canonical form: nothing of what
/// is signed is left out.
pub fn every_field(statement: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    flatten(String::new(), statement, &mut fields);
    fields
}

/// Recursion is bounded by the depth of what this program writes.
fn flatten(place: String, value: &Value, fields: &mut Vec<(String, String)>) {
    let below =
        |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut names: Vec<_> = map.keys().collect();
            names.sort();
            names.into_iter().for_each(|name| flatten(below(name), &map[name], fields));
        }
        Value::Array(items) if !items.is_empty() => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(index, item)| flatten(below(&index.to_string()), item, fields));
        }
        Value::String(text) => fields.push((place, text.clone())),
        other => fields.push((place, other.to_string())),
    }
}

/// The envelope of a statement, whose payload is canonical JSON. With a key it is signed: ECDSA on
/// secp256k1 over SHA-256 of the pre-authentication encoding, as `r ‖ s ‖ v`; the key's id is its
/// address, which the signature recovers to.
///
/// # Errors
/// If the statement has no canonical form, or the key cannot sign.
pub fn envelope(
    statement: &Value,
    signer: Option<&dyn DigestSigner>,
) -> Result<Value, EnvelopeError> {
    let payload = jcs("in-toto statement", statement)?;
    let mut signatures = Vec::new();
    if let Some(signer) = signer {
        let digest = envelope_digest(statement)?;
        let signature = signer.sign_digest(&digest)?;
        let sig = STANDARD.encode(signature.as_bytes());
        signatures.push(json!({"keyid": signer.address(), "sig": sig}));
    }
    Ok(json!({
        "payload": STANDARD.encode(&payload), "payloadType": PAYLOAD_TYPE,
        "signatures": signatures,
    }))
}
