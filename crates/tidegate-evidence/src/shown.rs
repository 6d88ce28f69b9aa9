//! What a signature is over, field by field, as a device shows it.

use alloy_dyn_abi::TypedData;
use alloy_primitives::B256;
use serde_json::Value;
use tidegate_model::statement::NEVER;
use tidegate_model::units::format_utc;

use crate::exports::ExportError;

/// Everything that a signature over typed data is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The fields of the domain and of the message in their order, with their values whole.
    pub fields: Vec<(String, String)>,
    /// The hash of the domain, which devices show.
    pub domain_hash: B256,
    /// The hash of the message, which devices show.
    pub message_hash: B256,
    /// The digest that is signed.
    pub digest: B256,
}

/// Fields that are times.
const TIMES: [&str; 6] =
    ["issuedAt", "validUntil", "expiresAt", "notBefore", "retroDueBy", "revokedAt"];

impl Shown {
    /// Reads typed data.
    ///
    /// # Errors
    /// If it is none, or has no digest.
    pub fn of(typed: &Value) -> Result<Self, ExportError> {
        let data: TypedData = serde_json::from_value(typed.clone()).map_err(ExportError::Form)?;
        let digest = data.eip712_signing_hash().map_err(ExportError::Digest)?;
        let message_hash = data.hash_struct().map_err(ExportError::Digest)?;
        let mut fields = named(&typed["types"]["EIP712Domain"], &typed["domain"]);
        fields.iter_mut().for_each(|(name, _)| name.insert_str(0, "domain "));
        let primary = typed["primaryType"].as_str().unwrap_or_default();
        fields.extend(named(&typed["types"][primary], &typed["message"]));
        Ok(Self { fields, domain_hash: data.domain.hash_struct(), message_hash, digest })
    }

    /// All of it as rows: fields, then hashes.
    pub fn rows(&self) -> Vec<(String, String)> {
        let mut rows = self.fields.clone();
        let hashes = [("domain hash", self.domain_hash), ("message hash", self.message_hash)];
        rows.extend(hashes.map(|(name, hash)| (name.to_owned(), hash.to_string())));
        rows
    }
}

fn named(types: &Value, values: &Value) -> Vec<(String, String)> {
    let fields = types.as_array().into_iter().flatten();
    fields
        .map(|field| {
            let name = field["name"].as_str().unwrap_or_default();
            (name.to_owned(), words(name, &values[name]))
        })
        .collect()
}

/// A value whole, and what it means where digits alone do not say it.
fn words(name: &str, value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    match text.parse::<u64>() {
        Ok(NEVER) if TIMES.contains(&name) => format!("{text} (never)"),
        Ok(time) if TIMES.contains(&name) => format!("{text} ({})", format_utc(time)),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_shown_whole_in_its_order() {
        let typed = json!({
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"}, {"name": "version", "type": "string"},
                ],
                "Said": [
                    {"name": "text", "type": "string"}, {"name": "of", "type": "bytes32"},
                    {"name": "issuedAt", "type": "uint64"}, {"name": "note", "type": "string"},
                    {"name": "expiresAt", "type": "uint64"},
                ],
            },
            "primaryType": "Said",
            "domain": {"name": "Tidegate", "version": "1"},
            "message": {"text": "t", "of": B256::repeat_byte(7), "issuedAt": "60", "note": "",
                        "expiresAt": NEVER.to_string()},
        });
        let shown = Shown::of(&typed).unwrap();
        let rows: Vec<_> = shown.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let whole = B256::repeat_byte(7).to_string();
        assert_eq!(
            rows,
            [
                ("domain name", "Tidegate"),
                ("domain version", "1"),
                ("text", "t"),
                ("of", &whole),
                ("issuedAt", "60 (1970-01-01 00:01 UTC)"),
                ("note", "(empty)"),
                ("expiresAt", "253402300799 (never)"),
            ]
        );
        let parts = [&[0x19, 1][..], shown.domain_hash.as_slice(), shown.message_hash.as_slice()];
        assert_eq!(shown.digest, alloy_primitives::keccak256(parts.concat()));
        assert_eq!(shown.rows().len(), rows.len() + 2);
        let mut other = typed.clone();
        other["message"]["note"] = json!("x");
        assert_ne!(Shown::of(&other).unwrap().message_hash, shown.message_hash);
        assert!(Shown::of(&json!({"types": {}})).is_err());
    }
}
