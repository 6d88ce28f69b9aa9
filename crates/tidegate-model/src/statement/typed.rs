//! Statements as `eth_signTypedData_v4` takes them, for wallets that this program does not know.

use alloy_primitives::Address;
use alloy_sol_types::SolStruct;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AuditAttestation, AuditRevocation, Body, EmergencyWaiver, General, Statement, domain, eip712,
};
use crate::digest::JcsError;

/// The fields of a statement's domain.
const DOMAIN: &str = "EIP712Domain(string name,string version)";

/// Typed data that is no statement.
#[derive(Debug, thiserror::Error)]
pub enum TypedDataError {
    /// A field is missing or has another form.
    #[error("read typed data as a statement")]
    Form(#[source] serde_json::Error),
    /// Its type is none of ours.
    #[error("read typed data: no statement has the type `{0}`")]
    Type(String),
    /// It has no body, from which the message of a general statement follows.
    #[error("read typed data: the member `tidegate` with the statement's body is missing")]
    Body,
    /// What it says is not what this program would have a wallet sign.
    #[error("read typed data: its {0} is not the one that follows from what it says")]
    Differs(&'static str),
    /// No canonical form.
    #[error(transparent)]
    Encode(#[from] JcsError),
}

/// What follows from nothing else in the typed data of a statement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Aside {
    signer: Address,
    #[serde(default)]
    body: Option<Body>,
}

/// The typed data of a statement: what a wallet signs, and in the member `tidegate`, which no
/// wallet reads, who is to sign and the body from which a general statement's message follows.
///
/// # Errors
/// If the body has no canonical JSON form.
pub fn typed_data(statement: &Statement, signer: Address) -> Result<Value, JcsError> {
    let (ty, message) = match statement {
        Statement::AuditAttestation(a) => {
            (eip712::AuditAttestation::eip712_encode_type(), strings(json!(a)))
        }
        Statement::AuditRevocation(r) => {
            (eip712::AuditRevocation::eip712_encode_type(), strings(json!(r)))
        }
        Statement::EmergencyWaiver(w) => {
            let mut fields = json!(w);
            if let Some(Value::Object(terms)) =
                fields.as_object_mut().and_then(|f| f.remove("terms"))
                && let Some(fields) = fields.as_object_mut()
            {
                fields.extend(terms);
            }
            (eip712::EmergencyWaiver::eip712_encode_type(), strings(fields))
        }
        Statement::Statement(g) => (eip712::Statement::eip712_encode_type(), general(g)?),
    };
    let domain = domain();
    let (name, _) = ty.split_once('(').unwrap_or((&ty, ""));
    let mut aside = json!({ "signer": signer });
    if let Statement::Statement(g) = statement {
        aside["body"] = json!(g.body);
    }
    Ok(json!({
        "types": {"EIP712Domain": fields(DOMAIN), name: fields(&ty)},
        "primaryType": name,
        "domain": {"name": domain.name, "version": domain.version},
        "message": message,
        "tidegate": aside,
    }))
}

/// The statement that typed data says, and who is to sign it. All of it must be what
/// [`typed_data`] writes, so that nobody is shown one thing and signs another.
///
/// # Errors
/// If it is not.
pub fn from_typed_data(typed: &Value) -> Result<(Statement, Address), TypedDataError> {
    let primary = typed["primaryType"].as_str().unwrap_or_default();
    let aside: Aside =
        serde_json::from_value(typed["tidegate"].clone()).map_err(TypedDataError::Form)?;
    let message = &typed["message"];
    let statement = match primary {
        "AuditAttestation" => {
            let fields = numbers(message, &ATTESTATION_NUMBERS);
            let read = serde_json::from_value::<AuditAttestation>(fields);
            Statement::AuditAttestation(read.map_err(TypedDataError::Form)?)
        }
        "AuditRevocation" => {
            let fields = numbers(message, &["reason", "revokedAt"]);
            let read = serde_json::from_value::<AuditRevocation>(fields);
            Statement::AuditRevocation(read.map_err(TypedDataError::Form)?)
        }
        "EmergencyWaiver" => {
            let mut fields = numbers(message, &EMERGENCY_NUMBERS);
            if let Some(all) = fields.as_object_mut() {
                let terms = TERMS.iter().filter_map(|name| Some((*name, all.remove(*name)?)));
                let terms: Map<_, _> =
                    terms.map(|(name, value)| (name.to_owned(), value)).collect();
                all.insert("terms".to_owned(), Value::Object(terms));
            }
            let read = serde_json::from_value::<EmergencyWaiver>(fields);
            Statement::EmergencyWaiver(Box::new(read.map_err(TypedDataError::Form)?))
        }
        "Statement" => {
            let body = aside.body.ok_or(TypedDataError::Body)?;
            let fields = numbers(message, &["issuedAt", "expiresAt"]);
            let says = json!({
                "project": fields["project"], "subject": fields["subject"], "body": body,
                "issuedAt": fields["issuedAt"], "expiresAt": fields["expiresAt"],
                "salt": fields["salt"],
            });
            let read = serde_json::from_value::<General>(says);
            Statement::Statement(read.map_err(TypedDataError::Form)?)
        }
        other => return Err(TypedDataError::Type(other.to_owned())),
    };
    let ours = typed_data(&statement, aside.signer)?;
    for part in ["types", "domain", "message"] {
        if ours[part] != typed[part] {
            return Err(TypedDataError::Differs(part));
        }
    }
    Ok((statement, aside.signer))
}

const ATTESTATION_NUMBERS: [&str; 7] =
    ["scopeCount", "verdict", "openCritical", "openHigh", "openMedium", "issuedAt", "validUntil"];

const EMERGENCY_NUMBERS: [&str; 5] =
    ["chainId", "minSoakSeconds", "notBefore", "expiresAt", "retroDueBy"];

/// The fields of a waiver that stand under `terms` in its file.
const TERMS: [&str; 8] = [
    "baselineRoot",
    "gateSet",
    "minSoakSeconds",
    "incident",
    "diffDigest",
    "notBefore",
    "expiresAt",
    "retroDueBy",
];

/// A message with these numbers, which are decimal strings, as numbers. Others stay as they are
/// and do not read as numbers.
fn numbers(message: &Value, names: &[&str]) -> Value {
    let mut fields = message.as_object().cloned().unwrap_or_default();
    for name in names {
        let number = fields
            .get(*name)
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<u64>().ok().filter(|number| number.to_string() == text));
        if let Some(number) = number {
            fields.insert((*name).to_owned(), json!(number));
        }
    }
    Value::Object(fields)
}

fn general(g: &General) -> Result<Value, JcsError> {
    let message = g.message()?;
    Ok(json!({
        "kind": message.kind, "text": message.text, "project": message.project,
        "subject": message.subject, "bodyDigest": message.bodyDigest,
        "issuedAt": message.issuedAt.to_string(), "expiresAt": message.expiresAt.to_string(),
        "salt": message.salt,
    }))
}

/// A message with its numbers as decimal strings, which no wallet rounds.
fn strings(message: Value) -> Value {
    let Value::Object(fields) = message else { return message };
    let exact = |(name, value): (String, Value)| match value {
        Value::Number(number) => (name, Value::String(number.to_string())),
        other => (name, other),
    };
    Value::Object(fields.into_iter().map(exact).collect::<Map<_, _>>())
}

/// The fields of an encoded EIP-712 type that holds no other.
fn fields(encoded: &str) -> Vec<Value> {
    let (_, fields) = encoded.trim_end_matches(')').split_once('(').unwrap_or_default();
    let field = |field: &str| {
        let (ty, name) = field.split_once(' ').unwrap_or_default();
        json!({"name": name, "type": ty})
    };
    fields.split(',').map(field).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::ids::{ProjectId, ReleaseRoot, ScopeRoot, StatementDigest};
    use crate::statement::{EmergencyTerms, FundDecision, NEVER};

    fn statements() -> [Statement; 4] {
        [
            Statement::AuditAttestation(AuditAttestation {
                auditor: Address::with_last_byte(1),
                scope_root: ScopeRoot(B256::repeat_byte(2)),
                scope_count: u16::MAX,
                repository: "r".to_owned(),
                git_commit: String::new(),
                report_sha256: B256::ZERO,
                report_uri: String::new(),
                verdict: 1,
                open_critical: 0,
                open_high: 0,
                open_medium: 3,
                findings_digest: B256::ZERO,
                issued_at: u64::MAX,
                valid_until: u64::MAX,
                supersedes: StatementDigest(B256::ZERO),
                salt: B256::ZERO,
            }),
            Statement::AuditRevocation(AuditRevocation {
                auditor: Address::with_last_byte(1),
                attestation: StatementDigest(B256::ZERO),
                reason: 1,
                detail: "d".to_owned(),
                revoked_at: 5,
            }),
            Statement::Statement(General {
                project: ProjectId(B256::repeat_byte(3)),
                subject: B256::ZERO,
                body: Body::FundDeny(FundDecision {
                    request: StatementDigest(B256::ZERO),
                    reason: "no".to_owned(),
                }),
                issued_at: 7,
                expires_at: NEVER,
                salt: B256::ZERO,
            }),
            Statement::EmergencyWaiver(Box::new(EmergencyWaiver {
                guardian: Address::with_last_byte(1),
                release_root: ReleaseRoot(B256::repeat_byte(4)),
                safe_tx_hash: B256::repeat_byte(5),
                chain_id: 1,
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
                salt: B256::ZERO,
            })),
        ]
    }

    #[test]
    fn typed_data_reads_back_and_every_change_is_noticed() {
        for statement in statements() {
            let signer = Address::with_last_byte(1);
            let typed = typed_data(&statement, signer).unwrap();
            assert_eq!(from_typed_data(&typed).unwrap(), (statement.clone(), signer));
            assert_eq!(typed["domain"].as_object().unwrap().len(), 2, "no chain id");
            let message = typed["message"].as_object().unwrap();
            assert!(message.values().all(Value::is_string), "{message:?}");
            for (name, value) in message {
                let mut changed = typed.clone();
                let longer = format!("{}0", value.as_str().unwrap());
                changed["message"][name] = json!(longer);
                let read = from_typed_data(&changed).ok().map(|(read, _)| read);
                assert!(read.is_none_or(|read| read != statement), "{name}");
            }
            for (part, value) in [
                ("domain", json!({"name": "Tidegate", "version": "2"})),
                ("types", json!({})),
                ("primaryType", json!("Other")),
                ("tidegate", Value::Null),
            ] {
                let mut changed = typed.clone();
                changed[part] = value;
                assert!(from_typed_data(&changed).is_err(), "{part}");
            }
        }
    }
}
