//! Findings of an audit as SARIF 2.1.0: what is open, and how grave it is.
//!
//! Only what bears on the gate is read. What cannot be read is an error, never "no finding".

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use serde_json::{Map, Value, json};
use tidegate_model::digest::{JcsError, jcs_keccak};
use tidegate_model::statement::Severity;

/// The most results of one document.
const RESULTS_MAX: usize = 10_000;
/// The largest document, in bytes.
pub const FINDINGS_BYTES_MAX: u64 = 16 << 20;

/// One result that is a finding, open or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The finding's key (`docs/formats.md`, section 11), which no line enters.
    pub key: B256,
    /// The rule it breaks.
    pub rule: String,
    /// The message, on one line.
    pub message: String,
    pub severity: Severity,
    /// Open, fixed or accepted.
    pub state: FindingState,
    /// Its suppressions, whether they close it or not.
    pub suppressions: Vec<Suppression>,
    /// The indices of its run and result in the document.
    pub(crate) place: (usize, usize),
}

/// The state of a finding in a SARIF document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingState {
    /// It is still there.
    Open,
    /// It is no longer there.
    Fixed,
    /// It is there, and a suppression of the kind `external` accepts it.
    Accepted,
}

/// A suppression as the document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Its kind: `inSource` is a comment in the audited code, which closes nothing.
    pub kind: String,
    /// The reason for it, on one line.
    pub justification: String,
}

impl Finding {
    /// Whether it is still there, and nobody but a comment in the code suppresses it.
    pub fn is_open(&self) -> bool {
        self.state == FindingState::Open
    }

    /// Whether it is a finding at all: some tools also list what they looked at.
    fn is_finding(&self) -> bool {
        self.severity != Severity::None
    }
}

/// The numbers of findings of a document, by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingCounts {
    /// All of them.
    pub found: usize,
    /// Those that are no longer there.
    pub fixed: usize,
    /// Those that an `external` suppression accepts.
    pub accepted: usize,
    /// Open ones of critical, high and medium severity.
    pub open: [usize; 3],
    /// Suppressions of any kind.
    pub suppressions: usize,
    /// Those of them that close nothing.
    pub ignored: usize,
}

/// The findings of a SARIF document.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// keccak256 of its bytes.
    pub digest: B256,
    /// The findings, in the document's order.
    pub findings: Vec<Finding>,
    pub document: Value,
}

/// A document that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SarifError {
    #[error("cannot read findings as JSON")]
    Json(#[source] serde_json::Error),
    /// Another format, or another version.
    #[error("cannot read findings: they are not SARIF 2.1.0")]
    Version,
    #[error("cannot read findings: more than {RESULTS_MAX} results")]
    TooMany,
    /// A part has another form.
    #[error("cannot read findings: run {run}, result {result}: {what}")]
    Form {
        /// The index of the run, from 0.
        run: usize,
        /// The index of the result, from 0.
        result: usize,
        what: &'static str,
    },
    /// A value has no canonical form.
    #[error(transparent)]
    Encode(#[from] JcsError),
}

impl Findings {
    /// Reads a document.
    ///
    /// # Errors
    /// If it is not SARIF 2.1.0, or a result does not say how grave it is.
    pub fn read(bytes: &[u8]) -> Result<Self, SarifError> {
        let document: Value = serde_json::from_slice(bytes).map_err(SarifError::Json)?;
        let runs = document["runs"].as_array().ok_or(SarifError::Version)?;
        if document["version"] != "2.1.0" {
            return Err(SarifError::Version);
        }
        let mut findings = Vec::new();
        let mut equal: BTreeMap<B256, u32> = BTreeMap::new();
        for (run, content) in runs.iter().enumerate() {
            // A run without results found nothing out; one with `null` says so.
            let Some(results) = content["results"].as_array() else {
                return Err(SarifError::Form { run, result: 0, what: "there are no results" });
            };
            for (result, content_of_result) in results.iter().enumerate() {
                if findings.len() >= RESULTS_MAX {
                    return Err(SarifError::TooMany);
                }
                let form = |what| SarifError::Form { run, result, what };
                let mut found =
                    finding(content, content_of_result).map_err(|fault| match fault {
                        Fault::Form(what) => form(what),
                        Fault::Encode(error) => error.into(),
                    })?;
                // Two that nothing tells apart are the first and the second.
                let before = equal.entry(found.key).or_insert(0);
                if *before > 0 {
                    let parts = [found.key.as_slice(), &before.to_be_bytes()[..]];
                    found.key = keccak256(parts.concat());
                }
                *before += 1;
                found.place = (run, result);
                findings.push(found);
            }
        }
        Ok(Self { digest: keccak256(bytes), findings, document })
    }

    /// The number of open findings of a severity.
    pub fn open(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.is_open() && f.severity == severity).count()
    }

    /// The numbers of findings by state.
    pub fn counts(&self) -> FindingCounts {
        let of = |state| {
            let findings = self.findings.iter().filter(|f| f.is_finding());
            findings.filter(|f| f.state == state).count()
        };
        let suppressions = |closes: fn(&Finding) -> bool| -> usize {
            self.findings.iter().filter(|f| closes(f)).map(|f| f.suppressions.len()).sum()
        };
        FindingCounts {
            found: self.findings.iter().filter(|f| f.is_finding()).count(),
            fixed: of(FindingState::Fixed),
            accepted: of(FindingState::Accepted),
            open: [Severity::Critical, Severity::High, Severity::Medium].map(|s| self.open(s)),
            suppressions: suppressions(|_| true),
            ignored: suppressions(Finding::is_open),
        }
    }

    /// The document with these suppressions added, for other tools.
    pub fn suppressed(&self, suppressions: &BTreeMap<B256, Vec<Value>>) -> Value {
        let mut document = self.document.clone();
        for finding in &self.findings {
            let Some(added) = suppressions.get(&finding.key) else { continue };
            let (run, result) = finding.place;
            let result = &mut document["runs"][run]["results"][result];
            let mut all = result["suppressions"].as_array().cloned().unwrap_or_default();
            all.extend(added.iter().cloned());
            result["suppressions"] = Value::Array(all);
        }
        document
    }
}

enum Fault {
    Form(&'static str),
    Encode(JcsError),
}

fn finding(run: &Value, result: &Value) -> Result<Finding, Fault> {
    if !result.is_object() {
        return Err(Fault::Form("it is not an object"));
    }
    let rule = rule_of(run, result);
    let rule_id = result["ruleId"]
        .as_str()
        .or_else(|| result["rule"]["id"].as_str())
        .or_else(|| rule.and_then(|rule| rule["id"].as_str()))
        .ok_or(Fault::Form("it names no rule"))?;
    let message = result["message"]["text"]
        .as_str()
        .or_else(|| result["message"]["markdown"].as_str())
        .or_else(|| result["message"]["id"].as_str())
        .ok_or(Fault::Form("it has no message"))?;
    let severity = severity(result, rule)?;
    Ok(Finding {
        key: key(run, result, rule_id, message).map_err(Fault::Encode)?,
        rule: rule_id.to_owned(),
        message: message.split_whitespace().collect::<Vec<_>>().join(" "),
        severity,
        state: state(result),
        suppressions: suppressions(result),
        place: (0, 0),
    })
}

fn rule_of<'a>(run: &'a Value, result: &Value) -> Option<&'a Value> {
    let rules = run["tool"]["driver"]["rules"].as_array()?;
    let index = result["ruleIndex"].as_u64().or_else(|| result["rule"]["index"].as_u64());
    if let Some(index) = index {
        return rules.get(usize::try_from(index).ok()?);
    }
    let id = result["ruleId"].as_str().or_else(|| result["rule"]["id"].as_str())?;
    rules.iter().find(|rule| rule["id"] == id)
}

/// `security-severity` decides, of the result or else of its rule; without it the level does.
fn severity(result: &Value, rule: Option<&Value>) -> Result<Severity, Fault> {
    if ["pass", "informational", "notApplicable"].iter().any(|kind| result["kind"] == *kind) {
        return Ok(Severity::None);
    }
    let of_rule = |path: &str| rule.and_then(|rule| rule.pointer(path));
    let score = result
        .pointer("/properties/security-severity")
        .or_else(|| of_rule("/properties/security-severity"));
    if let Some(score) = score {
        let number = match score {
            Value::String(text) => text.trim().parse::<f64>().ok(),
            other => other.as_f64(),
        };
        let number = number.filter(|number| (0.0..=10.0).contains(number));
        let number =
            number.ok_or(Fault::Form("its security-severity is not a number from 0 to 10"))?;
        return Ok(match number {
            n if n >= 9.0 => Severity::Critical,
            n if n >= 7.0 => Severity::High,
            n if n >= 4.0 => Severity::Medium,
            n if n > 0.0 => Severity::Low,
            _ => Severity::None,
        });
    }
    let level = result.get("level").or_else(|| of_rule("/defaultConfiguration/level"));
    match level.map_or(Some("warning"), Value::as_str) {
        Some("error") => Ok(Severity::High),
        Some("warning") => Ok(Severity::Medium),
        Some("note") => Ok(Severity::Low),
        Some("none") => Ok(Severity::None),
        _ => Err(Fault::Form("its level is not error, warning, note or none")),
    }
}

/// Accepted is what somebody outside the code suppressed, unless a suppression is under review or
/// rejected. A comment in the code is the word of the audited, and closes nothing.
fn state(result: &Value) -> FindingState {
    if result["baselineState"] == "absent" {
        return FindingState::Fixed;
    }
    let suppressions = result["suppressions"].as_array().map_or(&[][..], Vec::as_slice);
    let accepted = |suppression: &Value| {
        suppression.get("status").map_or(Some("accepted"), Value::as_str) == Some("accepted")
    };
    let external = suppressions.iter().any(|suppression| suppression["kind"] == "external");
    if external && suppressions.iter().all(accepted) {
        return FindingState::Accepted;
    }
    FindingState::Open
}

fn suppressions(result: &Value) -> Vec<Suppression> {
    let all = result["suppressions"].as_array().into_iter().flatten();
    let text = |value: &Value| {
        let words = value.as_str().unwrap_or_default().split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    };
    all.map(|suppression| Suppression {
        kind: text(&suppression["kind"]),
        justification: text(&suppression["justification"]),
    })
    .collect()
}

/// The identity of a finding whatever line it is in: its fingerprints, or else its message, files
/// and functions.
fn key(run: &Value, result: &Value, rule: &str, message: &str) -> Result<B256, JcsError> {
    let tool = run["tool"]["driver"]["name"].as_str().unwrap_or_default();
    let mut prints = Map::new();
    for field in ["partialFingerprints", "fingerprints"] {
        let given = result[field].as_object();
        prints.extend(given.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
    }
    if !prints.is_empty() {
        let named = json!({"tool": tool, "rule": rule, "fingerprints": prints});
        return jcs_keccak("finding", &named);
    }
    let locations = result["locations"].as_array();
    let places = locations.into_iter().flatten().map(|location| {
        let logical = location["logicalLocations"].as_array();
        let names = logical.into_iter().flatten().filter_map(|place| {
            place["fullyQualifiedName"].as_str().or_else(|| place["name"].as_str())
        });
        json!({
            "file": location["physicalLocation"]["artifactLocation"]["uri"],
            "in": names.collect::<Vec<_>>(),
        })
    });
    let places: Vec<_> = places.collect();
    jcs_keccak(
        "finding",
        &json!({"tool": tool, "rule": rule, "message": message, "places": places}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(results: Value) -> Value {
        let rules = json!([
            {"id": "scored", "properties": {"security-severity": "8.0"}},
            {"id": "noted", "defaultConfiguration": {"level": "note"}},
        ]);
        json!({"version": "2.1.0", "runs": [{
            "tool": {"driver": {"name": "hand", "rules": rules}}, "results": results,
        }]})
    }

    fn read(results: Value) -> Result<Vec<(Severity, bool)>, String> {
        let found = Findings::read(document(results).to_string().as_bytes());
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.findings.iter().map(|f| (f.severity, f.is_open())).collect())
    }

    fn result(edit: Value) -> Value {
        let mut result = json!({"ruleId": "r", "message": {"text": "m"}});
        let Value::Object(edit) = edit else { panic!("fields") };
        result.as_object_mut().unwrap().extend(edit);
        result
    }

    #[test]
    fn severity_and_openness_follow_the_document() {
        use Severity::{Critical, High, Low, Medium, None};
        let score = |score: Value| json!({"properties": {"security-severity": score}});
        let suppressed =
            |status: Value| json!({"suppressions": [{"kind": "external", "status": status}]});
        let in_source = json!({"kind": "inSource", "status": "accepted"});
        for (edit, expected) in [
            (json!({}), (Medium, true)),
            (json!({"level": "error"}), (High, true)),
            (json!({"level": "note"}), (Low, true)),
            (json!({"level": "none"}), (None, true)),
            (json!({"ruleId": "scored", "level": "note"}), (High, true)),
            (json!({"ruleId": "noted"}), (Low, true)),
            (json!({"ruleIndex": 1}), (Low, true)),
            (score(json!("9.0")), (Critical, true)),
            (score(json!("8.9")), (High, true)),
            (score(json!(6.9)), (Medium, true)),
            (score(json!("3.9")), (Low, true)),
            (score(json!("0.0")), (None, true)),
            (json!({"kind": "pass", "level": "error"}), (None, true)),
            (json!({"kind": "review", "level": "error"}), (High, true)),
            (json!({"baselineState": "absent"}), (Medium, false)),
            (json!({"suppressions": []}), (Medium, true)),
            (json!({"suppressions": [{"kind": "external"}]}), (Medium, false)),
            // A comment in the code closes nothing, whatever else it says of itself.
            (json!({"suppressions": [{"kind": "inSource"}]}), (Medium, true)),
            (json!({"suppressions": [in_source, {"kind": "external"}]}), (Medium, false)),
            (json!({"suppressions": [{"status": "accepted"}]}), (Medium, true)),
            (json!({"suppressions": [{"kind": "External"}]}), (Medium, true)),
            (json!({"suppressions": {"kind": "external"}}), (Medium, true)),
            (suppressed(json!("accepted")), (Medium, false)),
            (suppressed(json!("underReview")), (Medium, true)),
            (suppressed(json!("rejected")), (Medium, true)),
            (suppressed(json!(7)), (Medium, true)),
            (
                json!({"suppressions": [
                    {"kind": "external"}, {"kind": "inSource", "status": "rejected"}
                ]}),
                (Medium, true),
            ),
        ] {
            assert_eq!(read(json!([result(edit.clone())])), Ok(vec![expected]), "{edit}");
        }
    }

    #[test]
    fn everything_is_counted_also_what_closes_nothing() {
        let external = json!({"kind": "external", "justification": "a  cap"});
        let results = json!([
            result(json!({"level": "error", "suppressions": [{"kind": "inSource"}]})),
            result(json!({"ruleId": "scored", "suppressions": [external, {"kind": "inSource"}]})),
            result(json!({"ruleId": "noted"})),
            result(json!({"baselineState": "absent", "message": {"text": "gone"}})),
            result(json!({"kind": "pass", "message": {"text": "looked at"}})),
        ]);
        let found = Findings::read(document(results).to_string().as_bytes()).unwrap();
        let expected = FindingCounts {
            found: 4,
            fixed: 1,
            accepted: 1,
            open: [0, 1, 0],
            suppressions: 3,
            ignored: 1,
        };
        assert_eq!(found.counts(), expected);
        assert_eq!(found.findings[1].suppressions[0].justification, "a cap");
    }

    #[test]
    fn what_cannot_be_read_is_no_clean_document() {
        for bad in [
            json!([{"message": {"text": "m"}}]),
            json!([{"ruleId": "r"}]),
            json!(["text"]),
            json!([result(json!({"level": "grave"}))]),
            json!([result(json!({"properties": {"security-severity": "high"}}))]),
            json!([result(json!({"properties": {"security-severity": "NaN"}}))]),
            json!([result(json!({"properties": {"security-severity": -1}}))]),
            Value::Null,
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
        for other in [json!({"version": "2.0.0", "runs": []}), json!({"version": "2.1.0"})] {
            assert!(Findings::read(other.to_string().as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_key_outlives_reformatting_and_tells_findings_apart() {
        let at = |file: &str, line: u64, message: &str| {
            json!({"ruleId": "r", "message": {"text": message}, "locations": [{
                "physicalLocation": {"artifactLocation": {"uri": file},
                                     "region": {"startLine": line}}}]})
        };
        let keys = |results: Value| -> Vec<B256> {
            let found = Findings::read(document(results).to_string().as_bytes()).unwrap();
            found.findings.iter().map(|finding| finding.key).collect()
        };
        let [one, two] = keys(json!([at("a.sol", 1, "m"), at("a.sol", 9, "m")]))[..] else {
            panic!("two findings")
        };
        assert_ne!(one, two, "equal ones are told apart by their order");
        assert_eq!(keys(json!([at("a.sol", 77, "m")])), [one]);
        assert_ne!(keys(json!([at("b.sol", 1, "m")])), [one]);
        assert_ne!(keys(json!([at("a.sol", 1, "n")])), [one]);
        let print = |message: &str| {
            result(json!({"message": {"text": message}, "partialFingerprints": {"id": "x"}}))
        };
        assert_eq!(keys(json!([print("m")])), keys(json!([print("other words")])));
    }

    #[test]
    fn suppressions_go_out_and_come_back() {
        let results = json!([result(json!({})), result(json!({"ruleId": "scored"}))]);
        let found = Findings::read(document(results).to_string().as_bytes()).unwrap();
        let key = found.findings[0].key;
        let added = json!({"kind": "external", "status": "accepted"});
        let document = found.suppressed(&[(key, vec![added])].into());
        let again = Findings::read(document.to_string().as_bytes()).unwrap();
        assert_eq!((again.open(Severity::Medium), again.open(Severity::High)), (0, 1));
        assert_eq!(again.findings[0].key, key);
        assert_ne!(again.digest, found.digest);
    }
}
