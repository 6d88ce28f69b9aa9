//! Gate `parameters`: arguments keep their rules, where they soaked and where they go.

use alloy_primitives::{B256, I256, U256};
use serde_json::Value;
use tidegate_model::plan::Rule;
use tidegate_model::policy::External;
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};

use crate::Observed;

/// Parameters as they soaked and as they will be.
#[derive(Debug, Clone, Default)]
pub struct ParameterFacts {
    /// One row a parameter.
    pub rows: Vec<ParameterRow>,
    /// One row an external.
    pub externals: Vec<ExternalRow>,
    /// Places where the record disagrees with the anchored deployment.
    pub record_faults: Vec<Reason>,
    /// What on the target would not be what soaked though no parameter says so.
    pub differences: Vec<Reason>,
    /// Every slot that the plan writes in contracts that are there already.
    pub writes: Vec<WriteRow>,
    /// Why the target could not be compared, if so.
    pub missing: Vec<Reason>,
    /// The blocks it rests on.
    pub inputs: Vec<GateInput>,
}

/// One external.
#[derive(Debug, Clone)]
pub struct ExternalRow {
    /// Its name.
    pub name: String,
    /// What stood for it where the release soaked.
    pub soaked: External,
    /// What it is on the target.
    pub target: External,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct ParameterRow {
    /// Its name.
    pub name: String,
    pub rule: Rule,
    /// The value that soaked, in normal form.
    pub soaked: Value,
    /// The value on the target, in normal form, or why it has none.
    pub target: Result<Value, String>,
}

/// A slot of a contract that is there already, as the plan finds and leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRow {
    /// The contract, by its name in the plan or its address.
    pub contract: String,
    pub slot: B256,
    /// Its name in the storage layout, if known.
    pub label: Option<String>,
    /// What it holds before and after on the target; none where it is left alone there.
    pub target: Option<String>,
    /// The same where the plan soaked; none where that is not known.
    pub soaked: Option<String>,
}

impl ParameterFacts {
    /// The parameters whose value on the target is not the one that soaked.
    pub fn changed(&self) -> impl Iterator<Item = &ParameterRow> {
        self.rows.iter().filter(|row| row.target.as_ref() != Ok(&row.soaked))
    }

    /// The externals that have other code on the target than what stood for them.
    pub fn stand_ins(&self) -> impl Iterator<Item = &ExternalRow> {
        self.externals.iter().filter(|row| row.target.code_hash != row.soaked.code_hash)
    }
}

pub(crate) fn gate(facts: &Observed<ParameterFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => {
            (missing.clone().into_unknown(), "nothing to compare".to_owned(), Vec::new())
        }
        Ok(facts) => {
            let mut reasons = facts.record_faults.clone();
            reasons.extend(facts.rows.iter().filter_map(fault));
            reasons.extend(facts.differences.iter().cloned());
            let verdict = Verdict::from_findings(reasons, facts.missing.clone());
            let written = match facts.writes.len() {
                0 => String::new(),
                many => format!("; writes {} of what is there already", counted(many, "slot")),
            };
            let differ = match facts.changed().count() {
                1 => "1 differs".to_owned(),
                many => format!("{many} differ"),
            };
            let parameters = counted(facts.rows.len(), "parameter");
            let mut summary = format!("{parameters}, {differ} from the testnet{written}");
            let other: Vec<_> = facts.stand_ins().map(|row| format!("@{}", row.name)).collect();
            if !other.is_empty() {
                summary += &format!("; other code than there: {}", other.join(", "));
            }
            (verdict, summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Parameters, verdict, summary, inputs }
}

fn fault(row: &ParameterRow) -> Option<Reason> {
    let name = &row.name;
    let fault = |code, text: String| Some(Reason::new(code, text));
    let target = match &row.target {
        Ok(target) => target,
        Err(why) => {
            let text = format!("${name} has no usable value on the target: {why}");
            return fault(ReasonCode::NoValueOnTarget, text);
        }
    };
    match &row.rule {
        Rule::PerNetwork => None,
        Rule::SameAsTestnet if *target == row.soaked => None,
        Rule::SameAsTestnet => {
            let soaked = &row.soaked;
            let text = format!("${name} is {target} on the target, but {soaked} soaked");
            fault(ReasonCode::ValueNotSoaked, text)
        }
        Rule::OneOf(values) if values.contains(target) => None,
        Rule::OneOf(_) => {
            let text = format!("${name} is {target}, which its rule does not list");
            fault(ReasonCode::ValueNotListed, text)
        }
        Rule::Range { min, max } => {
            let low = min.as_deref().is_some_and(|min| !at_most(min, target));
            let high = max.as_deref().is_some_and(|max| !at_least(max, target));
            if !low && !high {
                return None;
            }
            let bound = |bound: &Option<String>| bound.clone().unwrap_or_else(|| "…".into());
            let (min, max) = (bound(min), bound(max));
            let text = format!("${name} is {target}, outside its rule {min}..={max}");
            fault(ReasonCode::ValueOutOfRange, text)
        }
    }
}

/// Numbers are compared as signed where they fit, else as unsigned; what cannot be compared is
/// outside every bound.
fn compare(bound: &str, value: &Value) -> Option<std::cmp::Ordering> {
    let value = value.as_str()?;
    match (bound.parse::<I256>(), value.parse::<I256>()) {
        (Ok(bound), Ok(value)) => Some(bound.cmp(&value)),
        _ => Some(bound.parse::<U256>().ok()?.cmp(&value.parse::<U256>().ok()?)),
    }
}

fn at_most(min: &str, value: &Value) -> bool {
    compare(min, value).is_some_and(std::cmp::Ordering::is_le)
}

fn at_least(max: &str, value: &Value) -> bool {
    compare(max, value).is_some_and(std::cmp::Ordering::is_ge)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use serde_json::json;

    use super::*;

    #[test]
    fn externals_with_other_code_are_named() {
        let external = |code: &str| External {
            address: Address::repeat_byte(1),
            code_hash: alloy_primitives::keccak256(code),
        };
        let row = |name: &str, soaked, target| ExternalRow {
            name: name.to_owned(),
            soaked: external(soaked),
            target: external(target),
        };
        let externals = vec![row("usdc", "mock", "real"), row("hub", "hub", "hub")];
        let report = gate(&Ok(ParameterFacts { externals, ..ParameterFacts::default() }));
        assert_eq!(report.verdict, Verdict::Pass);
        assert!(report.summary.ends_with("; other code than there: @usdc"), "{}", report.summary);
    }

    #[test]
    fn rules_bind_values() {
        let range = |min: Option<&str>, max: Option<&str>| Rule::Range {
            min: min.map(str::to_owned),
            max: max.map(str::to_owned),
        };
        let out = Some(ReasonCode::ValueOutOfRange);
        let cases = [
            (Rule::SameAsTestnet, json!("5"), json!("5"), None),
            (Rule::SameAsTestnet, json!("5"), json!("6"), Some(ReasonCode::ValueNotSoaked)),
            (Rule::PerNetwork, json!("5"), json!("6"), None),
            (range(None, Some("10")), json!("5"), json!("10"), None),
            (range(None, Some("10")), json!("5"), json!("11"), out),
            (range(Some("-3"), None), json!("5"), json!("-4"), out),
            (range(Some("-3"), None), json!("5"), json!("-3"), None),
            (range(Some("3"), None), json!("5"), json!("text"), out),
            (range(None, Some("10")), json!("5"), json!(U256::MAX.to_string()), out),
            (range(Some("1"), None), json!("5"), json!(U256::MAX.to_string()), None),
            (Rule::OneOf(vec![json!("a"), json!("b")]), json!("a"), json!("b"), None),
            (
                Rule::OneOf(vec![json!("a")]),
                json!("a"),
                json!("b"),
                Some(ReasonCode::ValueNotListed),
            ),
        ];
        for (rule, soaked, target, code) in cases {
            let row = ParameterRow { name: "x".into(), rule, soaked, target: Ok(target.clone()) };
            assert_eq!(fault(&row).map(|fault| fault.code), code, "{row:?}");
        }
        let (rule, target) = (Rule::PerNetwork, Err("it is not set".to_owned()));
        let unset = ParameterRow { name: "x".into(), rule, soaked: json!("5"), target };
        assert_eq!(fault(&unset).map(|fault| fault.code), Some(ReasonCode::NoValueOnTarget));
    }

    #[test]
    fn what_differs_is_counted() {
        let row = |target: Result<Value, String>| {
            let (name, rule, soaked) = ("x".to_owned(), Rule::PerNetwork, json!("5"));
            ParameterRow { name, rule, soaked, target }
        };
        let rows = vec![row(Ok(json!("5"))), row(Ok(json!("6"))), row(Ok(json!("5")))];
        let report = gate(&Ok(ParameterFacts { rows, ..ParameterFacts::default() }));
        assert_eq!(report.summary, "3 parameters, 1 differs from the testnet");
    }
}
