//! Off-chain attestations of the Ethereum Attestation Service, version 2.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, Bytes, Signature, address, hex, keccak256};
use alloy_sol_types::{SolStruct, SolValue, sol};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_model::statement::{AuditAttestation, eip712};
use tidegate_model::{ChainId, StatementDigest};

use super::{ExportError, fields, typed, word};

sol! {
    #[derive(Debug)]
    struct Attest {
        uint16 version; bytes32 schema; address recipient; uint64 time; uint64 expirationTime;
        bool revocable; bytes32 refUID; bytes data; bytes32 salt;
    }
}

/// The name of the domain.
pub(super) const DOMAIN: &str = "EAS Attestation";
/// The version of the off-chain form.
const VERSION: u16 = 2;
/// Fields of an attestation that EAS has itself, or that only say by which block it is dated.
const APART: [&str; 5] = ["auditor", "issuedAt", "validUntil", "blockNumber", "blockHash"];

/// The EAS schema of an attestation: type and name of every attested field for which EAS has none
/// of its own.
pub fn eas_schema() -> String {
    let fields = attested().into_iter().filter(|(_, name)| !APART.contains(&name.as_str()));
    fields.map(|(ty, name)| format!("{ty} {name}")).collect::<Vec<_>>().join(",")
}

/// The fields of an attestation, type and name, as they are signed.
fn attested() -> Vec<(String, String)> {
    let encoded = eip712::AuditAttestation::eip712_encode_type();
    let (_, inner) = encoded.trim_end_matches(')').split_once('(').unwrap_or_default();
    let field = |field: &str| {
        let (ty, name) = field.split_once(' ').unwrap_or_default();
        (ty.to_owned(), name.to_owned())
    };
    inner.split(',').map(field).collect()
}

/// What is attested, encoded by the schema.
///
/// # Errors
/// [`ExportError::Encode`] if the attestation is none of its own type.
fn data(a: &AuditAttestation) -> Result<Bytes, ExportError> {
    let fields = attested();
    let types: Result<Vec<_>, _> = fields.iter().map(|(ty, _)| DynSolType::parse(ty)).collect();
    let all = eip712::AuditAttestation::from(a).abi_encode_params();
    let read = DynSolType::Tuple(types.map_err(ExportError::Encode)?).abi_decode_params(&all);
    let DynSolValue::Tuple(values) = read.map_err(ExportError::Encode)? else {
        return Ok(Bytes::new());
    };
    let kept = values.into_iter().zip(&fields).filter(|(_, (_, name))| !APART.contains(&&**name));
    Ok(DynSolValue::Tuple(kept.map(|(value, _)| value).collect()).abi_encode_params().into())
}

/// The EAS contract of one chain: chain id, address and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eas {
    pub chain: ChainId,
    /// The EAS contract.
    pub address: Address,
    /// The contract's version, as its domain has it.
    pub version: &'static str,
}

const PREDEPLOY: Address = address!("4200000000000000000000000000000000000021");

/// The deployments whose version is known. There is none on Hoodi.
const DEPLOYMENTS: [(u64, Address, &str); 7] = [
    (1, address!("A1207F3BBa224E2c9c3c6D5aF63D0eb1582Ce587"), "0.26"),
    (11_155_111, address!("C2679fBD37d54388Ce493F1DB75320D236e1815e"), "0.26"),
    (42_161, address!("bD75f629A22Dc1ceD33dDA0b68c546A1c035c458"), "0.26"),
    (10, PREDEPLOY, "1.0.1"),
    (8_453, PREDEPLOY, "1.0.1"),
    (11_155_420, PREDEPLOY, "1.0.2"),
    (84_532, PREDEPLOY, "1.2.0"),
];

/// The service on a chain, if it is known there.
pub fn eas_on(chain: ChainId) -> Option<Eas> {
    let found = DEPLOYMENTS.iter().find(|(id, ..)| *id == chain.0)?;
    Some(Eas { chain, address: found.1, version: found.2 })
}

/// The id of a schema.
pub fn eas_schema_uid(schema: &str, resolver: Address, revocable: bool) -> B256 {
    keccak256([schema.as_bytes(), resolver.as_slice(), &[u8::from(revocable)]].concat())
}

/// An attestation as typed data that its auditor is to sign. The statement's digest is the salt,
/// so that the two belong to each other.
///
/// # Errors
/// If it cannot be encoded; no attestation is such.
pub fn eas_attestation(
    eas: Eas,
    digest: StatementDigest,
    a: &AuditAttestation,
) -> Result<Value, ExportError> {
    let message = Attest {
        version: VERSION,
        schema: eas_schema_uid(&eas_schema(), Address::ZERO, true),
        recipient: Address::ZERO,
        time: a.issued_at,
        expirationTime: a.valid_until,
        revocable: true,
        refUID: B256::ZERO,
        data: data(a)?,
        salt: digest.0,
    };
    let encoded = Attest::eip712_encode_type();
    let (_, inner) = encoded.trim_end_matches(')').split_once('(').unwrap_or_default();
    let types = json!({
        "EIP712Domain":
            fields("string name,string version,uint256 chainId,address verifyingContract"),
        "Attest": fields(inner),
    });
    let domain = json!({
        "name": DOMAIN, "version": eas.version, "chainId": eas.chain.0.to_string(),
        "verifyingContract": eas.address,
    });
    let message = json!({
        "version": message.version, "schema": message.schema, "recipient": message.recipient,
        "time": message.time.to_string(), "expirationTime": message.expirationTime.to_string(),
        "revocable": message.revocable, "refUID": message.refUID, "data": message.data,
        "salt": message.salt,
    });
    Ok(typed(types, "Attest", domain, message, a.auditor))
}

/// A message as typed data has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    version: u16,
    schema: B256,
    recipient: Address,
    time: String,
    expiration_time: String,
    revocable: bool,
    #[serde(rename = "refUID")]
    ref_uid: B256,
    data: Bytes,
    salt: B256,
}

/// The id of an off-chain attestation of version 2. The schema enters as the text of its digits.
pub fn eas_uid(message: &Value) -> Result<B256, ExportError> {
    let m: Message = serde_json::from_value(message.clone()).map_err(ExportError::Form)?;
    let number = |text: &str| text.parse::<u64>().unwrap_or_default().to_be_bytes();
    let schema = hex::encode_prefixed(m.schema);
    let parts: [&[u8]; 11] = [
        &m.version.to_be_bytes(),
        schema.as_bytes(),
        m.recipient.as_slice(),
        Address::ZERO.as_slice(),
        &number(&m.time),
        &number(&m.expiration_time),
        &[u8::from(m.revocable)],
        m.ref_uid.as_slice(),
        &m.data,
        m.salt.as_slice(),
        &[0; 4],
    ];
    Ok(keccak256(parts.concat()))
}

/// The attestation as the service's own libraries keep it.
pub(super) fn signed(
    document: &Value,
    signer: Address,
    signature: &Signature,
) -> Result<Value, ExportError> {
    let mut types = document["types"].clone();
    if let Some(types) = types.as_object_mut() {
        types.remove("EIP712Domain");
    }
    Ok(json!({
        "sig": {
            "version": VERSION,
            "uid": eas_uid(&document["message"])?,
            "domain": document["domain"],
            "primaryType": document["primaryType"],
            "types": types,
            "message": document["message"],
            "signature": {
                "r": word(signature.r()), "s": word(signature.s()),
                "v": 27 + u8::from(signature.v()),
            },
        },
        "signer": signer,
    }))
}
