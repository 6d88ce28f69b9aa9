//! `[params]`: a rule, and one value a network.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_model::plan::Rule;

use super::{ConfigError, nearest};
use crate::value::date;

/// One parameter as written.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamConfig {
    /// The rule, with bounds as written.
    pub rule: RuleConfig,
    /// The rule as the file has it; the policy's digest covers this.
    pub rule_written: Value,
    /// The value for each network, as written.
    pub values: BTreeMap<String, Value>,
    /// A value for every network that has none of its own.
    pub everywhere: Option<Value>,
}

/// A rule whose bounds have not been normalised by the parameter's type yet.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleConfig {
    /// The value that soaked.
    SameAsTestnet,
    /// Each network has its own value.
    PerNetwork,
    /// A number within bounds.
    Range { min: Option<Value>, max: Option<Value> },
    /// One of these.
    OneOf(Vec<Value>),
}

impl ParamConfig {
    /// The value as written for one network. A parameter that must be the same as on the testnet
    /// may be written once.
    pub fn value(&self, network: &str) -> Option<&Value> {
        self.values.get(network).or(self.everywhere.as_ref())
    }

    /// A table has `rule`, `value` and networks; one that has none of them is a structure.
    pub(super) fn parse<'n>(
        name: &str,
        value: Value,
        networks: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<Self, ConfigError> {
        let keys = || networks.clone().chain(["rule", "value"]);
        let everywhere = match value {
            Value::Object(table) if date(&Value::Object(table.clone())).is_none() => {
                if table.keys().any(|key| keys().any(|known| known == key)) {
                    return Self::by_network(name, table);
                }
                let slip = |key: &&String| is_slip(key, keys());
                if let Some(key) = table.keys().find(slip) {
                    let near = nearest(key, keys()).unwrap_or_default();
                    let why = format!(
                        "`{key}` is not under [networks] (did you mean `{near}`?); \
                         write a structure as `value = {{ … }}`"
                    );
                    return Err(ConfigError::value(format!("params.{name}"), why));
                }
                Value::Object(table)
            }
            value => value,
        };
        Ok(Self {
            rule: RuleConfig::SameAsTestnet,
            rule_written: Value::String("same-as-testnet".to_owned()),
            values: BTreeMap::new(),
            everywhere: Some(everywhere),
        })
    }

    fn by_network(name: &str, table: serde_json::Map<String, Value>) -> Result<Self, ConfigError> {
        let mut rule = RuleConfig::SameAsTestnet;
        let mut rule_written = Value::String("same-as-testnet".to_owned());
        let mut values = BTreeMap::new();
        let mut everywhere = None;
        for (key, value) in table {
            match key.as_str() {
                "rule" => {
                    rule_written = value.clone();
                    rule = RuleConfig::parse(name, value)?;
                }
                "value" => everywhere = Some(value),
                _ => {
                    values.insert(key, value);
                }
            }
        }
        Ok(Self { rule, rule_written, values, everywhere })
    }
}

/// Whether one character makes a known key of it.
fn is_slip<'k>(key: &str, mut known: impl Iterator<Item = &'k str>) -> bool {
    known.any(|known| strsim::damerau_levenshtein(key, known) == 1)
}

impl RuleConfig {
    fn parse(param: &str, value: Value) -> Result<Self, ConfigError> {
        let bad = |reason: &str| ConfigError::value(format!("params.{param}.rule"), reason);
        match value {
            Value::String(word) => match word.as_str() {
                "same-as-testnet" => Ok(Self::SameAsTestnet),
                "per-network" => Ok(Self::PerNetwork),
                _ => Err(bad("write \"same-as-testnet\", \"per-network\", { min, max } or \
                              { one-of = [...] }")),
            },
            Value::Object(mut table) => {
                let (min, max) = (table.remove("min"), table.remove("max"));
                let one_of = table.remove("one-of");
                if let Some(key) = table.keys().next() {
                    return Err(bad(&format!("`{key}` is not `min`, `max` or `one-of`")));
                }
                match (min, max, one_of) {
                    (None, None, Some(Value::Array(values))) => Ok(Self::OneOf(values)),
                    (None, None, _) => Err(bad("an empty rule has no effect")),
                    (min, max, None) => Ok(Self::Range { min, max }),
                    _ => Err(bad("`one-of` and bounds exclude each other")),
                }
            }
            _ => Err(bad("a rule is a word or a table")),
        }
    }

    /// The rule with its bounds normalised by `normalise`.
    pub(crate) fn typed<E>(
        &self,
        normalise: impl Fn(&Value) -> Result<Value, E>,
    ) -> Result<Rule, E> {
        let number = |value: &Option<Value>| -> Result<Option<String>, E> {
            let Some(value) = value else { return Ok(None) };
            let value = normalise(value)?;
            Ok(Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        };
        Ok(match self {
            Self::SameAsTestnet => Rule::SameAsTestnet,
            Self::PerNetwork => Rule::PerNetwork,
            Self::Range { min, max } => Rule::Range { min: number(min)?, max: number(max)? },
            Self::OneOf(values) => {
                Rule::OneOf(values.iter().map(&normalise).collect::<Result<_, E>>()?)
            }
        })
    }
}
