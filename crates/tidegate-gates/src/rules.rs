//! The policy's keys and their defaults.

use std::collections::BTreeMap;

use alloy_primitives::Selector;
use serde_json::Value;
use tidegate_model::address::parse_address;
use tidegate_model::units::parse_span_secs;

/// What a policy asks, defaults filled in. A released set of defaults never changes; it is named
/// in the policy's digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRules {
    /// Seconds of chain time a release must soak.
    pub soak_secs: u64,
    /// Number of independent firms that must have audited it.
    pub audits: u32,
    /// Required number of transactions by outsiders.
    pub transactions: u32,
    /// Required number of distinct outside senders.
    pub senders: u32,
    /// Which part of the counted state-changing functions must have been called, in percent.
    pub selectors_percent: u32,
    /// Functions that do not count, as `Contract.function`.
    pub activity_ignore: Vec<String>,
    /// Validity of a proposal, in seconds.
    pub valid_for_secs: u64,
    /// The people who must say go: a number, or one of each discipline.
    pub go: GoRule,
    /// Number of guardians who must sign a waiver.
    pub waiver_signers: u32,
    /// Number of guardians who must sign an emergency.
    pub emergency_signers: u32,
    /// How far apart heads of endpoints may be, in seconds, where that is less than what is built
    /// in for the chain.
    pub heads_within_secs: Option<u64>,
    /// Whether the start of a soak must be posted on the target; `None` where nothing is written.
    pub soak_anchor: Option<bool>,
    /// Whether a chain that is not built in may back a real target.
    pub unlisted: bool,
    /// Modules, guards and handlers that the Safe may have, as `module:0x…`, `guard:0x…`,
    /// `module_guard:0x…` or `handler:0x…`.
    pub safe_allow: Vec<String>,
    /// Whether nothing that the Safe creates may have been created and used by others before.
    pub fresh: bool,
    /// Selectors of calls that nobody can read and that are made all the same.
    pub allow_selectors: Vec<Selector>,
}

/// The people who must say go: a number, or one of each discipline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoRule {
    /// Number of people.
    pub people: u32,
    /// The disciplines of which each must have said so.
    pub disciplines: Vec<String>,
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
            go: GoRule { people: 1, disciplines: Vec::new() },
            waiver_signers: 2,
            emergency_signers: 4,
            heads_within_secs: None,
            soak_anchor: None,
            unlisted: false,
            safe_allow: Vec::new(),
            fresh: false,
            allow_selectors: Vec::new(),
        }
    }
}

/// A policy key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read policy key `{key}`: {reason}")]
pub struct PolicyError {
    pub key: String,
    pub reason: String,
}

const KEYS: [&str; 16] = [
    "soak",
    "audits",
    "transactions",
    "senders",
    "selectors_percent",
    "activity_ignore",
    "valid_for",
    "go",
    "waiver_signers",
    "emergency_signers",
    "heads_within",
    "safe_allow",
    "fresh",
    "allow_selectors",
    "soak_anchor",
    "unlisted",
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
                    let wanted = "write a list of \"Contract.function\"";
                    rules.activity_ignore = texts(value).ok_or_else(|| error(wanted.into()))?;
                }
                "go" => rules.go = go(value).map_err(error)?,
                "waiver_signers" => rules.waiver_signers = signers(value).map_err(error)?,
                "emergency_signers" => rules.emergency_signers = signers(value).map_err(error)?,
                "allow_selectors" => rules.allow_selectors = selectors(value).map_err(error)?,
                "heads_within" => {
                    rules.heads_within_secs = Some(span(value).map_err(error)?);
                }
                "soak_anchor" => rules.soak_anchor = Some(yes_or_no(value).map_err(error)?),
                "unlisted" => rules.unlisted = yes_or_no(value).map_err(error)?,
                "safe_allow" => rules.safe_allow = allowed(value).map_err(error)?,
                "fresh" => {
                    let wanted = || error("write true or false".to_owned());
                    rules.fresh = value.as_bool().ok_or_else(wanted)?;
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

fn yes_or_no(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "write true or false".to_owned())
}

fn count(value: &Value) -> Result<u32, String> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| "write a whole number".to_owned())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A number of people, or the disciplines that must be there.
fn go(value: &Value) -> Result<GoRule, String> {
    if let Ok(people) = count(value) {
        return Ok(GoRule { people, disciplines: Vec::new() });
    }
    let disciplines = texts(value).ok_or("write a number, or a list of disciplines")?;
    let people = u32::try_from(disciplines.len()).map_err(|error| error.to_string())?;
    Ok(GoRule { people, disciplines })
}

/// How many people's signatures can be asked for.
const SIGNERS_MAX: u32 = 100;

/// One person alone lowers nothing.
fn signers(value: &Value) -> Result<u32, String> {
    let number = count(value)?;
    match number {
        0 | 1 => Err("at least 2 people must sign".to_owned()),
        2..=SIGNERS_MAX => Ok(number),
        _ => Err(format!("at most {SIGNERS_MAX} people sign")),
    }
}

/// How many selectors can be let through.
const SELECTORS_MAX: usize = 32;

fn selectors(value: &Value) -> Result<Vec<Selector>, String> {
    let wanted = "write a list of at most 32 selectors such as \"0x12345678\"";
    let list = texts(value).filter(|list| list.len() <= SELECTORS_MAX).ok_or(wanted)?;
    let selector = |text: &String| {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 8);
        digits.and_then(|digits| digits.parse::<Selector>().ok()).ok_or(wanted.to_owned())
    };
    list.iter().map(selector).collect()
}

fn allowed(value: &Value) -> Result<Vec<String>, String> {
    let wanted = "write a list of \"module:0x…\", \"guard:0x…\", \"module_guard:0x…\" and \
                  \"handler:0x…\"";
    let list = texts(value).ok_or(wanted)?;
    for item in &list {
        let (what, address) = item.split_once(':').ok_or(wanted)?;
        if !["module", "guard", "module_guard", "handler"].contains(&what) {
            return Err(wanted.to_owned());
        }
        parse_address(address).map_err(|error| error.to_string())?;
    }
    Ok(list)
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
        let one = read(json!({"allow_selectors": ["0x12345678"]})).unwrap();
        assert_eq!(one.allow_selectors, [Selector::from([0x12, 0x34, 0x56, 0x78])]);
        assert_eq!((rules.soak_secs, rules.audits, rules.senders), (21 * 86_400, 3, 3));
        for bad in [
            json!({"soaks": "14d"}),
            json!({"soak": 14}),
            json!({"audits": -1}),
            json!({"selectors_percent": 101}),
            json!({"activity_ignore": "Vault.x"}),
            json!({"go": "security"}),
            json!({"waiver_signers": 1}),
            json!({"emergency_signers": 101}),
            json!({"allow_selectors": "0x12345678"}),
            json!({"allow_selectors": ["0x1234567"]}),
            json!({"allow_selectors": ["transfer(address,uint256)"]}),
            json!({"heads_within": 600}),
            json!({"soak_anchor": "yes"}),
            json!({"unlisted": 1}),
            json!({"safe_allow": ["0x00"]}),
            json!({"safe_allow": ["guard:0xfb74D76CF7C5bdE07953f79D584c6d9c3D8A6A8D"]}),
            json!({"fresh": "yes"}),
            json!({"safe_allow": ["owner:0x0000000000000000000000000000000000000001"]}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_key_is_read() {
        let module = "module:0x0000000000000000000000000000000000000001";
        let written = json!({
            "soak": "1d", "audits": 1, "transactions": 2, "senders": 4, "selectors_percent": 100,
            "activity_ignore": ["A.b"], "valid_for": "2d", "go": ["security", "legal"],
            "waiver_signers": 3, "emergency_signers": 100, "heads_within": "90s",
            "soak_anchor": false, "unlisted": true, "safe_allow": [module], "fresh": true,
            "allow_selectors": ["0x12345678"],
        });
        assert_eq!(written.as_object().map(|keys| keys.len()), Some(KEYS.len()));
        let expected = PolicyRules {
            soak_secs: 86_400,
            audits: 1,
            transactions: 2,
            senders: 4,
            selectors_percent: 100,
            activity_ignore: vec!["A.b".to_owned()],
            valid_for_secs: 2 * 86_400,
            go: GoRule { people: 2, disciplines: vec!["security".to_owned(), "legal".to_owned()] },
            waiver_signers: 3,
            emergency_signers: 100,
            heads_within_secs: Some(90),
            soak_anchor: Some(false),
            unlisted: true,
            safe_allow: vec![module.to_owned()],
            fresh: true,
            allow_selectors: vec![Selector::from([0x12, 0x34, 0x56, 0x78])],
        };
        assert_eq!(read(written), Ok(expected));
    }

    #[test]
    fn how_many_sign_is_bounded_on_both_sides() {
        let says = |number: u32| read(json!({"waiver_signers": number})).unwrap_err().reason;
        assert_eq!((says(0), says(1)), (says(1), "at least 2 people must sign".to_owned()));
        assert_eq!(says(101), "at most 100 people sign");
    }
}
