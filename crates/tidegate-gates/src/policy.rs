//! Gate `policy`: the Safe has adopted exactly this policy, and still is what it was then.

use std::fmt;

use tidegate_model::policy::PolicyDoc;
use tidegate_model::units::{counted, format_utc};
use tidegate_model::{
    GateId, GateInput, GateReport, PolicyDigest, ProjectId, Reason, ReasonCode, Verdict,
};

use crate::Observed;

/// The policy as it is, and as it was adopted.
#[derive(Debug, Clone)]
pub struct PolicyFacts {
    /// The digest of `tidegate.toml` and the Safe as they are now.
    pub current: PolicyDigest,
    /// What the helper says the Safe adopted.
    pub trust: TrustFacts,
    /// The blocks it was read at.
    pub inputs: Vec<GateInput>,
}

/// What the helper says.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one of them in an evaluation")]
pub enum TrustFacts {
    /// Nothing has been adopted.
    Never,
    /// This version was adopted.
    Adopted {
        version: u64,
        digest: PolicyDigest,
        /// Where the present policy differs from the adopted preimage, one sentence each; what is
        /// missing where there is no preimage with the adopted digest.
        differences: Observed<Vec<String>>,
        /// Versions in force within the last 72 hours that asked for more than this one does;
        /// what is missing where one of them cannot be read.
        loosenings: Observed<Vec<Loosening>>,
        /// The other projects of the Safe.
        others: Observed<Vec<OtherProject>>,
    },
}

/// Another project of the same Safe, as the helper shows it. Its name is in its id, and nobody
/// reads that back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherProject {
    pub id: ProjectId,
    /// How many versions of its policy were adopted.
    pub policies: u64,
    /// How many promotions were recorded.
    pub records: u64,
}

impl fmt::Display for OtherProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies =
            counted(usize::try_from(self.policies).unwrap_or(usize::MAX), "policy version");
        let records = counted(usize::try_from(self.records).unwrap_or(usize::MAX), "promotion");
        write!(f, "project {} ({policies}, {records})", self.id)
    }
}

/// What a first version under a new name waits for, on a Safe that has other projects: what was
/// frozen, owed or adopted under their names is not so under the new one.
pub fn new_name(others: &[OtherProject], adopted_at: u64) -> Option<Loosening> {
    if others.is_empty() {
        return None;
    }
    let lines = others.iter().map(|other| format!("its name is new beside {other}")).collect();
    let than = "the Safe's other projects may be".to_owned();
    Some(Loosening { than, lines, from: adopted_at.saturating_add(LOOSENING_SECS) })
}

/// The adopted policy asks for less than one that was in force lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loosening {
    /// What was in force: a version, or the built-in defaults.
    pub than: String,
    /// Each line that is looser, one sentence each.
    pub lines: Vec<String>,
    /// When it takes effect, by the target's chain time.
    pub from: u64,
}

/// How long a looser policy waits after its adoption, in seconds of the target's chain time.
pub const LOOSENING_SECS: u64 = 72 * 3_600;

/// How many other projects of the Safe are named in one line.
const OTHERS_SHOWN_MAX: usize = 5;

pub(crate) fn gate(facts: &Observed<PolicyFacts>, gate_time: &Observed<u64>) -> GateReport {
    let (verdict, summary, inputs) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (missing.clone().into_unknown(), "could not be read".to_owned(), Vec::new())
        }
        (Ok(facts), Ok(time)) => {
            let (verdict, summary) = judge(facts, *time);
            (verdict, summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Policy, verdict, summary, inputs }
}

fn judge(facts: &PolicyFacts, time: u64) -> (Verdict, String) {
    let TrustFacts::Adopted { version, digest, differences, loosenings, others } = &facts.trust
    else {
        let missing = "the Safe has not adopted a policy; run `tidegate policy adopt`";
        let verdict = Verdict::unknown(ReasonCode::NotAdopted, missing);
        return (verdict, "not adopted".to_owned());
    };
    let summary = format!("version {version} adopted, digest {}{}", digest.short(), beside(others));
    if *digest == facts.current {
        return (in_effect(loosenings, time), summary);
    }
    let (now, adopted) = (facts.current.short(), digest.short());
    let text = format!("the current policy is {now}, the Safe adopted {adopted}");
    let mut reasons = vec![Reason::new(ReasonCode::PolicyDiffers, text)];
    match differences {
        Ok(lines) => {
            reasons.extend(lines.iter().map(|line| Reason::new(ReasonCode::PolicyLine, line)));
        }
        Err(why) => reasons.push(why.clone()),
    }
    (Verdict::Fail { reasons }, summary)
}

/// The other projects of the Safe, for everybody who decides on this one.
fn beside(others: &Observed<Vec<OtherProject>>) -> String {
    match others {
        Err(why) => format!("; the Safe's other projects were not read: {why}"),
        Ok(others) => {
            let shown =
                others.iter().take(OTHERS_SHOWN_MAX).map(|other| format!("; beside {other}"));
            let more = others.len().saturating_sub(OTHERS_SHOWN_MAX);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            shown.collect::<String>() + &more
        }
    }
}

/// Tightening acts at once; loosening only after everybody had time to see it.
fn in_effect(loosenings: &Observed<Vec<Loosening>>, time: u64) -> Verdict {
    let loosenings = match loosenings {
        Ok(loosenings) => loosenings,
        Err(missing) => return missing.clone().into_unknown(),
    };
    let waiting = loosenings.iter().filter(|loosening| loosening.from > time);
    waiting.fold(Verdict::Pass, |verdict, loosening| {
        let first = format!(
            "it is looser than {}, and so in effect from {}",
            loosening.than,
            format_utc(loosening.from)
        );
        let first = Reason::new(ReasonCode::LooserPolicy, first);
        let lines = loosening.lines.iter().map(|line| Reason::new(ReasonCode::LooserLine, line));
        let reasons = [first].into_iter().chain(lines).collect();
        verdict.and(Verdict::Waiting { reasons, eta: Some(loosening.from) })
    })
}

/// Names every field in which two policies differ, as dotted paths with both values.
pub fn differences(adopted: &PolicyDoc, current: &PolicyDoc) -> Vec<String> {
    let value = |doc: &PolicyDoc| serde_json::to_value(doc).unwrap_or_default();
    let mut found = Vec::new();
    crate::policy::compare("", &value(adopted), &value(current), &mut found);
    found
}

/// Compares two JSON values and names what differs, as `path: adopted -> now`.
pub fn compare(
    path: &str,
    before: &serde_json::Value,
    now: &serde_json::Value,
    found: &mut Vec<String>,
) {
    use serde_json::Value;
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<_> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let (a, b) = (a.get(key), b.get(key));
                compare(&path, a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null), found);
            }
        }
        _ if before != now => found.push(format!("{path}: was {before}, is {now}")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::told;

    #[test]
    fn loosening_waits_and_what_cannot_be_compared_is_unknown() {
        let digest = PolicyDigest(B256::ZERO);
        let word = |loosenings, time| {
            let differences = Ok(Vec::new());
            let others = Ok(Vec::new());
            let trust = TrustFacts::Adopted { version: 2, digest, differences, loosenings, others };
            let facts = PolicyFacts { current: digest, trust, inputs: Vec::new() };
            told(&gate(&Ok(facts), &Ok(time)).verdict)
        };
        let than = "version 1".to_owned();
        let looser = Loosening { than, lines: vec!["audits: 1".into()], from: 100 };
        assert_eq!(word(Ok(vec![looser.clone()]), 99), "WAITING looser-policy looser-line");
        assert_eq!(word(Ok(vec![looser]), 100), "PASS");
        assert_eq!(word(Ok(Vec::new()), 0), "PASS");
        let lost = Err(Reason::new(ReasonCode::PolicyFile, "policy-1.json is missing"));
        assert_eq!(word(lost, 100), "UNKNOWN policy-file");
    }

    #[test]
    fn a_new_name_waits_while_the_safe_has_another() {
        let digest = PolicyDigest(B256::ZERO);
        let other = |byte, policies, records| OtherProject {
            id: ProjectId(B256::repeat_byte(byte)),
            policies,
            records,
        };
        assert_eq!(new_name(&[], 1_000), None);
        for others in [vec![other(1, 1, 0)], vec![other(1, 0, 1)], vec![other(1, 2, 3); 7]] {
            let waits = new_name(&others, 1_000).unwrap();
            let judged = |time| {
                let trust = TrustFacts::Adopted {
                    version: 1,
                    digest,
                    differences: Ok(Vec::new()),
                    loosenings: Ok(vec![waits.clone()]),
                    others: Ok(others.clone()),
                };
                let facts = PolicyFacts { current: digest, trust, inputs: Vec::new() };
                gate(&Ok(facts), &Ok(time))
            };
            assert_eq!(judged(1_000 + LOOSENING_SECS - 1).verdict.word(), "WAITING");
            let later = judged(1_000 + LOOSENING_SECS);
            assert_eq!(later.verdict.word(), "PASS");
            assert!(later.summary.contains(&others[0].id.to_string()), "{}", later.summary);
        }
    }

    #[test]
    fn five_other_projects_are_named_and_the_rest_counted() {
        let beside = |count: u8| {
            let id = |byte| ProjectId(B256::repeat_byte(byte));
            let other = |byte| OtherProject { id: id(byte), policies: 1, records: 0 };
            super::beside(&Ok((1..=count).map(other).collect()))
        };
        assert_eq!(beside(0), "");
        assert!(beside(5).ends_with(" (1 policy version, 0 promotions)"), "{}", beside(5));
        assert_eq!(beside(5).matches("; beside project").count(), 5);
        assert_eq!(beside(7), beside(5) + "; and 2 more");
    }

    #[test]
    fn each_field_that_differs_is_named_with_both_values() {
        let adopted = crate::loosening::tests::doc();
        assert_eq!(differences(&adopted, &adopted), Vec::<String>::new());
        let mut now = adopted.clone();
        now.quorum = 3;
        now.policy.insert("audits".to_owned(), 3.into());
        let found = differences(&adopted, &now);
        assert_eq!(found, ["policy.audits: was null, is 3", "quorum: was 2, is 3"]);
    }
}
