//! The policy's keys and their defaults.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_model::units::parse_span_secs;

/// What a policy asks, defaults filled in. A released set of defaults never changes; it is named
/// in the policy's digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRules {
    /// Seconds of chain time a release must soak.
    pub soak_secs: u64,
    /// How many independent firms must have audited it.
    pub audits: u32,
    /// How many transactions by outsiders it must have seen.
    pub transactions: u32,
    /// How many distinct outside senders.
    pub senders: u32,
    /// Which part of the counted state-changing functions must have been called, in percent.
    pub selectors_percent: u32,
    /// Functions that do not count, as `Contract.function`.
    pub activity_ignore: Vec<String>,
    /// How long a proposal stays executable, in seconds.
    pub valid_for_secs: u64,
}

impl Default for PolicyRules {
    fn default() -> Self {
        Self {
            soak_secs: 14 * 86_400,
            audits: 2,
            transactions: 25,
            senders: 3,
            selectors_percent: 50,
            activity_ignore: Vec::new(),
            valid_for_secs: 7 * 86_400,
        }
    }
}

/// A policy key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read policy key `{key}`: {reason}")]
pub struct PolicyError {
    /// The key.
    pub key: String,
    /// Why.
    pub reason: String,
}

const KEYS: [&str; 7] = [
    "soak",
    "audits",
    "transactions",
    "senders",
    "selectors_percent",
    "activity_ignore",
    "valid_for",
];

impl PolicyRules {
    /// The name of the set of defaults, as it stands in the policy's digest.
    pub const DEFAULTS: &str = "1";

    /// Reads the keys as written over the defaults.
    ///
    /// # Errors
    /// If a key is unknown or its value is unusable.
    pub fn from_written(written: &BTreeMap<String, Value>) -> Result<Self, PolicyError> {
        let mut rules = Self::default();
        for (key, value) in written {
            let error = |reason: String| PolicyError { key: key.clone(), reason };
            match key.as_str() {
                "soak" => rules.soak_secs = span(value).map_err(error)?,
                "valid_for" => rules.valid_for_secs = span(value).map_err(error)?,
                "audits" => rules.audits = count(value).map_err(error)?,
                "transactions" => rules.transactions = count(value).map_err(error)?,
                "senders" => rules.senders = count(value).map_err(error)?,
                "selectors_percent" => {
                    rules.selectors_percent = count(value).map_err(error)?;
                    if rules.selectors_percent > 100 {
                        return Err(error("a percentage is at most 100".to_owned()));
                    }
                }
                "activity_ignore" => {
                    let list = value.as_array().and_then(|list| {
                        list.iter().map(|item| item.as_str().map(str::to_owned)).collect()
                    });
                    rules.activity_ignore =
                        list.ok_or_else(|| error("write a list of \"Contract.function\"".into()))?;
                }
                _ => return Err(error(format!("known keys are {}", KEYS.join(", ")))),
            }
        }
        Ok(rules)
    }
}

fn span(value: &Value) -> Result<u64, String> {
    let text = value.as_str().ok_or("write a span such as \"14d\"")?;
    parse_span_secs(text).map_err(|error| error.to_string())
}

fn count(value: &Value) -> Result<u32, String> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| "write a whole number".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<PolicyRules, PolicyError> {
        PolicyRules::from_written(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn written_keys_replace_defaults_and_slips_are_refused() {
        assert_eq!(read(json!({})), Ok(PolicyRules::default()));
        let rules = read(json!({"soak": "21d", "audits": 3})).unwrap();
        assert_eq!((rules.soak_secs, rules.audits, rules.senders), (21 * 86_400, 3, 3));
        for bad in [
            json!({"soaks": "14d"}),
            json!({"soak": 14}),
            json!({"audits": -1}),
            json!({"selectors_percent": 101}),
            json!({"activity_ignore": "Vault.x"}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
