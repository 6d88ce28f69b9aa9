//! Statements as `eth_signTypedData_v4` takes them, for wallets that this program does not know.

use alloy_sol_types::SolStruct;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{AuditAttestation, Body, EmergencyWaiver, General, ProjectRef, Statement, eip712};
use crate::digest::{HELPER, JcsError};
use crate::ids::ChainId;

/// The fields of a statement's domain.
const DOMAIN: &str =
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

/// Typed data that is no statement.
#[derive(Debug, thiserror::Error)]
pub enum TypedDataError {
    /// A field is missing or has another form.
    #[error("cannot read typed data as a statement")]
    Form(#[source] serde_json::Error),
    /// Its type is none of ours.
    #[error("cannot read typed data: no statement has the type `{0}`")]
    Type(String),
    /// It has no body, from which the message of a general statement follows.
    #[error("cannot read typed data: the member `tidegate` with the statement's body is missing")]
    Body,
    /// What it says is not what this program would have a wallet sign.
    #[error("cannot read typed data: its {0} does not match its content")]
    Differs(&'static str),
    #[error(transparent)]
    Encode(#[from] JcsError),
}

/// The member of a statement's typed data from which its message follows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Aside {
    project: Option<ProjectRef>,
    body: Body,
}

/// The typed data of a statement: what a wallet signs, and of a general statement in the member
/// `tidegate`, which no wallet reads, the project and the body from which its message follows.
///
/// # Errors
/// If the body has no canonical JSON form.
pub fn typed_data(statement: &Statement) -> Result<Value, JcsError> {
    let (ty, fields) = match statement {
        Statement::AuditAttestation(a) => {
            (eip712::AuditAttestation::eip712_encode_type(), json!(a))
        }
        Statement::EmergencyWaiver(w) => (eip712::EmergencyWaiver::eip712_encode_type(), json!(w)),
        Statement::Statement(g) => (eip712::Statement::eip712_encode_type(), general(g)?),
    };
    let (name, _) = ty.split_once('(').unwrap_or((&ty, ""));
    let mut typed = json!({
        "types": {"EIP712Domain": type_fields(DOMAIN), name: type_fields(&ty)},
        "primaryType": name,
        "domain": domain_document(statement.at().chain),
        "message": strings(flat(fields)),
    });
    if let Statement::Statement(g) = statement {
        typed["tidegate"] = json!({ "project": g.project, "body": g.body });
    }
    Ok(typed)
}

/// The domain as typed data has it.
fn domain_document(chain: ChainId) -> Value {
    json!({"name": "Tidegate", "version": "1", "chainId": chain, "verifyingContract": HELPER})
}

/// The statement that typed data says. All of it must be what [`typed_data`] writes, so that nobody
/// is shown one thing and signs another.
///
/// # Errors
/// If it is not.
pub fn from_typed_data(typed: &Value) -> Result<Statement, TypedDataError> {
    let primary = typed["primaryType"].as_str().unwrap_or_default();
    let (message, chain) = (&typed["message"], &typed["domain"]["chainId"]);
    let statement = match primary {
        "AuditAttestation" => {
            let fields =
                at_block(numbers(message, &eip712::AuditAttestation::eip712_encode_type()), chain);
            let read = serde_json::from_value::<AuditAttestation>(fields);
            Statement::AuditAttestation(read.map_err(TypedDataError::Form)?)
        }
        "EmergencyWaiver" => {
            let mut fields =
                at_block(numbers(message, &eip712::EmergencyWaiver::eip712_encode_type()), chain);
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
            if typed["tidegate"].is_null() {
                return Err(TypedDataError::Body);
            }
            let aside = serde_json::from_value::<Aside>(typed["tidegate"].clone());
            let Aside { project, body } = aside.map_err(TypedDataError::Form)?;
            let fields = numbers(message, &eip712::Statement::eip712_encode_type());
            let fields = at_block(fields, chain);
            let says = json!({
                "signer": fields["signer"], "project": project, "body": body,
                "at": fields["at"], "issuedAt": fields["issuedAt"],
                "expiresAt": fields["expiresAt"],
            });
            let read = serde_json::from_value::<General>(says);
            Statement::Statement(read.map_err(TypedDataError::Form)?)
        }
        other => return Err(TypedDataError::Type(other.to_owned())),
    };
    let ours = typed_data(&statement)?;
    for part in ["types", "domain", "message"] {
        if ours[part] != typed[part] {
            return Err(TypedDataError::Differs(part));
        }
    }
    Ok(statement)
}

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

/// A message with the numbers of its type, which are decimal strings, as numbers. Others stay as
/// they are and do not read as numbers.
fn numbers(message: &Value, encoded: &str) -> Value {
    let mut fields = message.as_object().cloned().unwrap_or_default();
    for field in type_fields(encoded) {
        let (name, ty) = (field["name"].as_str(), field["type"].as_str());
        let Some(name) = name.filter(|_| ty.is_some_and(|ty| ty.starts_with("uint"))) else {
            continue;
        };
        let number = fields
            .get(name)
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<u64>().ok().filter(|number| number.to_string() == text));
        if let Some(number) = number {
            fields.insert(name.to_owned(), json!(number));
        }
    }
    Value::Object(fields)
}

fn general(g: &General) -> Result<Value, JcsError> {
    let message = g.message()?;
    Ok(json!({
        "signer": message.signer, "kind": message.kind, "text": message.text,
        "project": message.project, "subject": message.subject,
        "bodyDigest": message.bodyDigest, "at": g.at,
        "issuedAt": message.issuedAt, "expiresAt": message.expiresAt,
    }))
}

/// The fields of a file as its message has them: what stands under `terms` beside the others, and
/// the block without its chain, which is the domain's.
fn flat(mut fields: Value) -> Value {
    if let Some(all) = fields.as_object_mut() {
        if let Some(Value::Object(terms)) = all.remove("terms") {
            all.extend(terms);
        }
        let at = all.remove("at").unwrap_or_default();
        all.insert("blockNumber".to_owned(), at["number"].clone());
        all.insert("blockHash".to_owned(), at["hash"].clone());
    }
    fields
}

/// The other way: the block of a message, with its chain.
fn at_block(mut fields: Value, chain: &Value) -> Value {
    if let Some(all) = fields.as_object_mut() {
        let [number, hash] =
            ["blockNumber", "blockHash"].map(|name| all.remove(name).unwrap_or_default());
        all.insert("at".to_owned(), json!({"chain": chain, "number": number, "hash": hash}));
    }
    fields
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
fn type_fields(encoded: &str) -> Vec<Value> {
    let (_, fields) = encoded.trim_end_matches(')').split_once('(').unwrap_or_default();
    let field = |field: &str| {
        let (ty, name) = field.split_once(' ').unwrap_or_default();
        json!({"name": name, "type": ty})
    };
    fields.split(',').map(field).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;

    use super::*;
    use crate::statement::tests::each_kind;

    #[test]
    fn typed_data_reads_back_and_every_change_is_noticed() {
        for statement in each_kind(Address::with_last_byte(1)) {
            let typed = typed_data(&statement).unwrap();
            assert_eq!(from_typed_data(&typed).unwrap(), statement);
            let domain = json!({
                "name": "Tidegate", "version": "1", "chainId": 5, "verifyingContract": HELPER,
            });
            assert_eq!(typed["domain"], domain);
            let message = typed["message"].as_object().unwrap();
            assert!(message.values().all(Value::is_string), "{message:?}");
            for (name, value) in message {
                let mut changed = typed.clone();
                let longer = format!("{}0", value.as_str().unwrap());
                changed["message"][name] = json!(longer);
                let read = from_typed_data(&changed).ok();
                assert!(read.is_none_or(|read| read != statement), "{name}");
            }
            for (part, value) in [
                ("domain", json!({"name": "Tidegate", "version": "1"})),
                ("types", json!({})),
                ("primaryType", json!("Other")),
            ] {
                let mut changed = typed.clone();
                changed[part] = value;
                assert!(from_typed_data(&changed).is_err(), "{part}");
            }
            for (name, value) in [
                ("chainId", json!(6)),
                ("chainId", json!("5")),
                ("verifyingContract", json!(Address::ZERO)),
            ] {
                let mut changed = typed.clone();
                changed["domain"][name] = value;
                let read = from_typed_data(&changed).ok();
                assert!(read.is_none_or(|read| read != statement), "{name}");
            }
            if let Statement::Statement(_) = statement {
                let mut changed = typed.clone();
                changed["tidegate"] = Value::Null;
                assert!(from_typed_data(&changed).is_err(), "no body");
            }
        }
    }
}
