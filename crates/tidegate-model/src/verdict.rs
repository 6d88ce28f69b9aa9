//! One verdict type everywhere, and how verdicts combine.

mod codes;
mod reason;

use std::borrow::Cow;
use std::fmt;

use alloy_primitives::B256;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

pub use self::codes::ReasonCode;
pub use self::reason::Reason;
use crate::ids::{BlockRef, ChainId};

/// The verdict of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The evidence is there and agrees.
    Pass,
    /// Somebody with the power to do so lowered a requirement.
    Waived {
        by: String,
        /// Until when, in seconds since the Unix epoch.
        until: u64,
        /// The reasons that the waiver overrides.
        reasons: Vec<Reason>,
    },
    /// Only chain time is missing.
    Waiting {
        /// The reasons to wait.
        reasons: Vec<Reason>,
        /// The chain timestamp at which it should pass, where that is known.
        eta: Option<u64>,
    },
    /// Evidence is missing or unreadable.
    Unknown { missing: Vec<Reason> },
    /// The evidence contradicts.
    Fail { reasons: Vec<Reason> },
}

impl Verdict {
    /// An `UNKNOWN` for one missing thing.
    pub fn unknown(code: ReasonCode, missing: impl Into<String>) -> Self {
        Reason::new(code, missing).into_unknown()
    }

    /// A `FAIL` for one reason.
    pub fn fail(code: ReasonCode, reason: impl Into<String>) -> Self {
        Reason::new(code, reason).into_fail()
    }

    /// A `WAITING` for one thing, until a chain timestamp.
    pub fn waiting(code: ReasonCode, reason: impl Into<String>, eta: Option<u64>) -> Self {
        Self::Waiting { reasons: vec![Reason::new(code, reason)], eta }
    }

    /// The verdict of a check that collected contradictions and gaps: contradictions win.
    pub fn from_findings(reasons: Vec<Reason>, missing: Vec<Reason>) -> Self {
        if !reasons.is_empty() {
            Self::Fail { reasons }
        } else if !missing.is_empty() {
            Self::Unknown { missing }
        } else {
            Self::Pass
        }
    }

    /// The word that people read.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Waived { .. } => "WAIVED",
            Self::Waiting { .. } => "WAITING",
            Self::Unknown { .. } => "UNKNOWN",
            Self::Fail { .. } => "FAIL",
        }
    }

    /// Whether a release may go on: PASS or WAIVED.
    pub const fn allows(&self) -> bool {
        matches!(self, Self::Pass | Self::Waived { .. })
    }

    /// The reasons. A waiver itself comes first.
    pub fn reasons(&self) -> Vec<Reason> {
        let waived = match self {
            Self::Waived { by, until, .. } => {
                let until = crate::units::format_utc(*until);
                let text = format!("waived by {by} until {until}");
                Some(Reason::new(ReasonCode::Waived, text))
            }
            _ => None,
        };
        waived.into_iter().chain(self.found().iter().cloned()).collect()
    }

    /// The same in words.
    pub fn sentences(&self) -> Vec<String> {
        self.reasons().into_iter().map(|reason| reason.text).collect()
    }

    /// The codes of what was found, also of what stands within a sentence, in their order.
    pub fn codes(&self) -> Vec<ReasonCode> {
        self.found().iter().flat_map(Reason::codes).collect()
    }

    /// The verdict without its waiver.
    fn found(&self) -> &[Reason] {
        match self {
            Self::Pass => &[],
            Self::Waived { reasons, .. }
            | Self::Waiting { reasons, .. }
            | Self::Unknown { missing: reasons }
            | Self::Fail { reasons } => reasons,
        }
    }

    /// Adds to what explains it, where anything does.
    pub fn append(&mut self, more: Vec<Reason>) {
        match self {
            Self::Pass | Self::Waived { .. } => {}
            Self::Waiting { reasons, .. }
            | Self::Unknown { missing: reasons }
            | Self::Fail { reasons } => reasons.extend(more),
        }
    }

    /// Severity in the order FAIL, UNKNOWN, WAITING, WAIVED, PASS; greater is worse.
    pub const fn severity(&self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Waived { .. } => 1,
            Self::Waiting { .. } => 2,
            Self::Unknown { .. } => 3,
            Self::Fail { .. } => 4,
        }
    }

    /// The worse of two verdicts, with the reasons of both where they are equally bad.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fail { reasons: mut a }, Self::Fail { reasons: b }) => {
                a.extend(b);
                Self::Fail { reasons: a }
            }
            (Self::Unknown { missing: mut a }, Self::Unknown { missing: b }) => {
                a.extend(b);
                Self::Unknown { missing: a }
            }
            (
                Self::Waiting { reasons: mut a, eta: first },
                Self::Waiting { reasons: b, eta: second },
            ) => {
                a.extend(b);
                Self::Waiting { reasons: a, eta: first.max(second) }
            }
            (a, b) => {
                if b.severity() > a.severity() {
                    b
                } else {
                    a
                }
            }
        }
    }

    /// The worst of several; of none it is UNKNOWN, because nothing was checked.
    pub fn worst<'a>(verdicts: impl IntoIterator<Item = &'a Self>) -> Self {
        verdicts
            .into_iter()
            .max_by_key(|verdict| verdict.severity())
            .cloned()
            .unwrap_or_else(|| Self::unknown(ReasonCode::NothingEvaluated, "no gate was evaluated"))
    }
}

/// Sentences and codes side by side, as programs read them (`docs/formats.md`).
impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<_> = self.found().iter().map(|reason| &reason.text).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("verdict", self.word())?;
        match self {
            Self::Pass => {}
            Self::Waived { by, until, .. } => {
                map.serialize_entry("by", by)?;
                map.serialize_entry("until", until)?;
                if !texts.is_empty() {
                    map.serialize_entry("reasons", &texts)?;
                }
            }
            Self::Waiting { eta, .. } => {
                map.serialize_entry("reasons", &texts)?;
                map.serialize_entry("eta", eta)?;
            }
            Self::Unknown { .. } => map.serialize_entry("missing", &texts)?,
            Self::Fail { .. } => map.serialize_entry("reasons", &texts)?,
        }
        let codes = self.codes();
        if !codes.is_empty() {
            map.serialize_entry("codes", &codes)?;
        }
        map.end()
    }
}

impl JsonSchema for Verdict {
    fn schema_name() -> Cow<'static, str> {
        "Verdict".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let sentences = generator.subschema_for::<Vec<String>>();
        let codes = generator.subschema_for::<Vec<ReasonCode>>();
        json_schema!({
            "description": "PASS, or what is wrong. `reasons` and `missing` are sentences for \
                            people; `codes` are the codes of the same reasons, see \
                            docs/reasons.md.",
            "type": "object",
            "required": ["verdict"],
            "properties": {
                "verdict": {"enum": ["PASS", "WAIVED", "WAITING", "UNKNOWN", "FAIL"]},
                "by": {"type": "string", "description": "Who waived."},
                "until": {
                    "type": "integer",
                    "description": "When the waiver ends, in seconds since 1970.",
                },
                "reasons": sentences.clone(),
                "missing": sentences,
                "eta": {
                    "type": ["integer", "null"],
                    "description": "When it passes, in seconds since 1970, if time alone decides.",
                },
                "codes": codes,
            },
            "additionalProperties": false,
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The gates, in the order in which they are shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum GateId {
    /// What is on the chain is what the sources compile to.
    Code,
    /// An upgrade leaves everything that is stored where and what it is.
    Layout,
    /// Arguments keep their rules, on the testnet and on the target.
    Parameters,
    /// The release has lived and been used long enough.
    Soak,
    /// Enough independent firms have audited exactly this code.
    Audits,
    /// No open bug stops it.
    Bugs,
    /// The Safe has adopted exactly this policy, and a looser one long enough ago.
    Policy,
    /// The Safe is one that can be trusted, and nothing changed it since.
    Safe,
    /// Test funds were approved and agree with the chain.
    Funds,
    /// Nobody approved their own work.
    Separation,
    /// People have seen all of this and say go; nobody stops it.
    Go,
    /// The obligations of earlier emergencies are met.
    Obligations,
}

impl GateId {
    /// The report of each gate, in their fixed order.
    pub const ALL: [Self; 12] = [
        Self::Code,
        Self::Layout,
        Self::Parameters,
        Self::Soak,
        Self::Audits,
        Self::Bugs,
        Self::Policy,
        Self::Safe,
        Self::Funds,
        Self::Separation,
        Self::Go,
        Self::Obligations,
    ];

    /// The gate of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.name() == name)
    }

    /// The gate's name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Layout => "layout",
            Self::Parameters => "parameters",
            Self::Soak => "soak",
            Self::Audits => "audits",
            Self::Bugs => "bugs",
            Self::Policy => "policy",
            Self::Safe => "safe",
            Self::Funds => "funds",
            Self::Separation => "separation",
            Self::Go => "go",
            Self::Obligations => "obligations",
        }
    }
}

/// A chain observation that a gate rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateInput {
    /// The kind of input.
    pub kind: String,
    pub chain: ChainId,
    pub block: BlockRef,
    /// keccak256 of what was read.
    pub digest: B256,
}

/// The report of one gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateReport {
    pub gate: GateId,
    /// Its verdict, with the reasons.
    pub verdict: Verdict,
    /// One line for people.
    pub summary: String,
    /// The chain observations it rests on.
    pub inputs: Vec<GateInput>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_worst_verdict_wins() {
        let code = ReasonCode::Unreadable;
        let waiting = Verdict::Waiting { reasons: vec![], eta: Some(5) };
        let waived = Verdict::Waived { by: "kim".to_owned(), until: 9, reasons: vec![] };
        let order =
            [Verdict::Pass, waived, waiting, Verdict::unknown(code, "x"), Verdict::fail(code, "y")];
        for pair in order.windows(2) {
            assert_eq!(Verdict::worst(pair), pair[1]);
            assert_eq!(pair[1].clone().and(pair[0].clone()), pair[1]);
        }
        assert_eq!(Verdict::worst([]).word(), "UNKNOWN");
        assert_eq!(Verdict::worst([]).codes(), [ReasonCode::NothingEvaluated]);
    }

    #[test]
    fn programs_read_sentences_beside_their_codes() {
        let why = Reason::new(ReasonCode::AttestationExpired, "it ended");
        let text = format!("1 of 2 firms ({why})");
        let few = Reason::new(ReasonCode::TooFewFirms, text).within(&why);
        let texts = json!(["1 of 2 firms (it ended)"]);
        let codes = json!(["too-few-firms", "attestation-expired"]);
        let (by, eta) = ("kim".to_owned(), Some(5));
        let waived = |reasons| Verdict::Waived { by: by.clone(), until: 9, reasons };
        let cases = [
            (Verdict::Pass, json!({"verdict": "PASS"})),
            (waived(vec![]), json!({"verdict": "WAIVED", "by": "kim", "until": 9})),
            (
                waived(vec![few.clone()]),
                json!({"verdict": "WAIVED", "by": "kim", "until": 9, "reasons": texts,
                       "codes": codes}),
            ),
            (
                Verdict::Waiting { reasons: vec![few.clone()], eta },
                json!({"verdict": "WAITING", "reasons": texts, "eta": 5, "codes": codes}),
            ),
            (
                few.clone().into_unknown(),
                json!({"verdict": "UNKNOWN", "missing": texts, "codes": codes}),
            ),
            (few.clone().into_fail(), json!({"verdict": "FAIL", "reasons": texts, "codes": codes})),
        ];
        for (verdict, expected) in cases {
            // As text, so that the order of the fields counts.
            let found = serde_json::to_string(&verdict).unwrap();
            assert_eq!(found, expected.to_string());
        }
        let told = waived(vec![few]).sentences();
        assert_eq!(told[0], "waived by kim until 1970-01-01 00:00 UTC");
    }
}
