//! Attestations in the forms of other programs: EAS off-chain attestations, in-toto statements in
//! DSSE envelopes, and ERC-7512 audit summaries. Nothing here is read back by a gate.

mod eas;
mod erc7512;
mod intoto;

pub use eas::{Eas, eas_attestation, eas_on, eas_schema, eas_schema_uid, eas_uid};
pub use erc7512::{AuditedContract, Auditor, audit_summary};
pub use intoto::{
    AUDIT_PREDICATE, EnvelopeError, PAYLOAD_TYPE, SVR_PREDICATE, Subject, envelope,
    envelope_digest, every_field, pae, statement,
};

use alloy_dyn_abi::TypedData;
use alloy_primitives::{Address, B256, Signature, U256, hex};
use serde_json::{Value, json};

/// An export that cannot be made, or a signature that is not of it.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("cannot read typed data")]
    Form(#[source] serde_json::Error),
    /// Typed data whose digest cannot be computed.
    #[error("cannot compute the digest of typed data")]
    Digest(#[source] alloy_dyn_abi::Error),
    /// An attestation that is not as its own type says.
    #[error("cannot encode an attestation by its schema")]
    Encode(#[source] alloy_dyn_abi::Error),
    /// Its format is none of ours.
    #[error("cannot read typed data: no export has the domain `{0}`")]
    Domain(String),
    /// Nobody is named who is to sign it.
    #[error("cannot read typed data: it does not name who signs it")]
    Nobody,
    /// The signature is by somebody else, or of something else.
    #[error("cannot take a signature over {digest}: it does not recover to {signer}")]
    Signer {
        /// What was to be signed.
        digest: B256,
        signer: Address,
    },
}

/// The member in which an export keeps who is to sign it; no wallet reads it.
const ASIDE: &str = "tidegate";

/// Typed data with who is to sign it.
fn typed(types: Value, primary: &str, domain: Value, message: Value, signer: Address) -> Value {
    json!({
        "types": types, "primaryType": primary, "domain": domain, "message": message,
        ASIDE: {"signer": signer},
    })
}

/// The fields of one EIP-712 type, from `name type` pairs as they stand in the encoded type.
fn fields(encoded: &str) -> Vec<Value> {
    let field = |field: &str| {
        let (ty, name) = field.split_once(' ').unwrap_or_default();
        json!({"name": name, "type": ty})
    };
    encoded.split(',').map(field).collect()
}

/// An export with the signature that a wallet gave over its typed data, in the form of its format:
/// an EAS off-chain attestation, or a signed audit summary of ERC-7512 in either spelling of the
/// domain.
///
/// # Errors
/// If it is none of these, or somebody else signed, or something else was signed.
pub fn with_signature(document: &Value, signature: &Signature) -> Result<Value, ExportError> {
    let data: TypedData = serde_json::from_value(document.clone()).map_err(ExportError::Form)?;
    let digest = data.eip712_signing_hash().map_err(ExportError::Digest)?;
    let signer = &document[ASIDE]["signer"];
    let signer = signer.as_str().and_then(|text| text.parse::<Address>().ok());
    let signer = signer.ok_or(ExportError::Nobody)?;
    let recovered = signature.recover_address_from_prehash(&digest).ok();
    if recovered != Some(signer) || signature.normalize_s().is_some() {
        return Err(ExportError::Signer { digest, signer });
    }
    let domain = data.domain.name.as_deref().unwrap_or_default();
    match domain {
        eas::DOMAIN => eas::signed(document, signer, signature),
        _ if erc7512::DOMAINS.contains(&domain) => Ok(erc7512::signed(document, signature)),
        other => Err(ExportError::Domain(other.to_owned())),
    }
}

/// Whether a document is typed data of an export rather than of a statement.
pub fn is_export(document: &Value) -> bool {
    let domain = document["domain"]["name"].as_str().unwrap_or_default();
    domain == eas::DOMAIN || erc7512::DOMAINS.contains(&domain)
}

fn word(value: U256) -> String {
    hex::encode_prefixed(value.to_be_bytes::<32>())
}

#[cfg(test)]
pub(crate) mod tests;
