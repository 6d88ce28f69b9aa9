//! Findings of an audit as SARIF 2.1.0: what is open, and how grave it is.
//!
//! Only what bears on the gate is read. What cannot be read is an error, never "no finding".

mod rules;
mod whole;

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};
use serde_json::{Map, Value, json};
use tidegate_model::digest::{JcsError, jcs_keccak};
use tidegate_model::statement::Severity;

use self::rules::{Rule, rule_of};
use self::whole::{require_whole, unique};

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
    /// A run that failed, that is elsewhere in part, or that contradicts itself.
    #[error("cannot read findings: run {run}: {what}")]
    Run {
        /// The index of the run, from 0.
        run: usize,
        what: String,
    },
    /// The document as a whole does not say what was found.
    #[error("cannot read findings: {0}")]
    Document(&'static str),
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
        let document = unique(bytes).map_err(SarifError::Json)?;
        let runs = document["runs"].as_array().ok_or(SarifError::Version)?;
        if document["version"] != "2.1.0" {
            return Err(SarifError::Version);
        }
        if runs.is_empty() {
            return Err(SarifError::Document("there is no run, so nobody looked"));
        }
        if !whole::is_nothing(&document["inlineExternalProperties"]) {
            let what = "parts of its runs are external properties, which are not read";
            return Err(SarifError::Document(what));
        }
        let mut findings = Vec::new();
        let mut equal: BTreeMap<B256, u32> = BTreeMap::new();
        for (run, content) in runs.iter().enumerate() {
            require_whole(content).map_err(|what| SarifError::Run { run, what })?;
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
    let Rule { id: rule_id, rule } = rule_of(run, result).map_err(Fault::Form)?;
    let message = result["message"]["text"]
        .as_str()
        .or_else(|| result["message"]["markdown"].as_str())
        .or_else(|| result["message"]["id"].as_str())
        .ok_or(Fault::Form("it has no message"))?;
    let severity = severity(run, result, rule)?;
    require_state(result)?;
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

/// `security-severity` decides, of the result or else of its rule; without it the level does.
fn severity(run: &Value, result: &Value, rule: Option<&Value>) -> Result<Severity, Fault> {
    if ["pass", "informational", "notApplicable"].iter().any(|kind| result["kind"] == *kind) {
        return match result.get("level").is_none_or(|level| level == "none") {
            true => Ok(Severity::None),
            false => Err(Fault::Form("its kind is that of no finding, and its level is of one")),
        };
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
    if result.get("level").is_none() && whole::sets_levels_elsewhere(run) {
        return Err(Fault::Form("its level is set by the run's configuration, which is not read"));
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

/// Refuses a state against a baseline that is none.
fn require_state(result: &Value) -> Result<(), Fault> {
    let known = ["new", "unchanged", "updated", "absent"];
    match result.get("baselineState") {
        Some(state) if !state.is_null() && !known.iter().any(|known| state == known) => {
            Err(Fault::Form("its baselineState is not new, unchanged, updated or absent"))
        }
        _ => Ok(()),
    }
}

/// Accepted is what somebody outside the code suppressed, unless a suppression is under review or
/// rejected. A comment in the code is the word of the audited, and closes nothing.
fn state(result: &Value) -> FindingState {
    if result["baselineState"] == "absent" {
        return FindingState::Fixed;
    }
    let suppressions = result["suppressions"].as_array().map_or(&[][..], Vec::as_slice);
    // `state` is what drafts of the standard called the status.
    let accepted = |suppression: &Value| {
        let said = ["status", "state"].map(|field| suppression.get(field));
        said.into_iter().flatten().all(|said| said == "accepted")
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
mod tests;
