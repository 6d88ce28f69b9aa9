//! Gate `policy`: the Safe has adopted exactly this policy, and still is what it was then.

use tidegate_model::policy::PolicyDoc;
use tidegate_model::units::format_utc;
use tidegate_model::{GateId, GateInput, GateReport, PolicyDigest, Verdict};

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
pub enum TrustFacts {
    /// Nothing has been adopted.
    Never,
    /// This version was adopted.
    Adopted {
        /// The version.
        version: u64,
        /// Its digest.
        digest: PolicyDigest,
        /// Where the present policy differs from the adopted preimage, one sentence each; what is
        /// missing where there is no preimage with the adopted digest.
        differences: Observed<Vec<String>>,
        /// Versions in force within the last 72 hours that asked for more than this one does;
        /// what is missing where one of them cannot be read.
        loosenings: Observed<Vec<Loosening>>,
    },
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

pub(crate) fn gate(facts: &Observed<PolicyFacts>, gate_time: &Observed<u64>) -> GateReport {
    let (verdict, summary, inputs) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (Verdict::unknown(missing), "could not be read".to_owned(), Vec::new())
        }
        (Ok(facts), Ok(time)) => {
            let (verdict, summary) = judge(facts, *time);
            (verdict, summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Policy, verdict, summary, inputs }
}

fn judge(facts: &PolicyFacts, time: u64) -> (Verdict, String) {
    let TrustFacts::Adopted { version, digest, differences, loosenings } = &facts.trust else {
        let missing = "the Safe has not adopted a policy; run `tidegate policy adopt`";
        return (Verdict::unknown(missing), "not adopted".to_owned());
    };
    let summary = format!("version {version} adopted, digest {}", digest.short());
    if *digest == facts.current {
        return (in_effect(loosenings, time), summary);
    }
    let mut reasons = match differences {
        Ok(differences) => differences.clone(),
        Err(why) => vec![why.clone()],
    };
    reasons.insert(
        0,
        format!("the policy is {} now, the Safe adopted {}", facts.current.short(), digest.short()),
    );
    (Verdict::Fail { reasons }, summary)
}

/// Tightening acts at once; loosening only after everybody had time to see it.
fn in_effect(loosenings: &Observed<Vec<Loosening>>, time: u64) -> Verdict {
    let loosenings = match loosenings {
        Ok(loosenings) => loosenings,
        Err(missing) => return Verdict::unknown(missing),
    };
    let waiting = loosenings.iter().filter(|loosening| loosening.from > time);
    waiting.fold(Verdict::Pass, |verdict, loosening| {
        let first = format!(
            "it is looser than {}, and so in effect from {}",
            loosening.than,
            format_utc(loosening.from)
        );
        let reasons = [first].into_iter().chain(loosening.lines.iter().cloned()).collect();
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

    #[test]
    fn loosening_waits_and_what_cannot_be_compared_is_unknown() {
        let digest = PolicyDigest(B256::ZERO);
        let word = |loosenings, time| {
            let differences = Ok(Vec::new());
            let trust = TrustFacts::Adopted { version: 2, digest, differences, loosenings };
            let facts = PolicyFacts { current: digest, trust, inputs: Vec::new() };
            gate(&Ok(facts), &Ok(time)).verdict.word()
        };
        let than = "version 1".to_owned();
        let looser = Loosening { than, lines: vec!["audits: 1".into()], from: 100 };
        assert_eq!(word(Ok(vec![looser.clone()]), 99), "WAITING");
        assert_eq!(word(Ok(vec![looser]), 100), "PASS");
        assert_eq!(word(Ok(Vec::new()), 0), "PASS");
        assert_eq!(word(Err("policy-1.json is missing".to_owned()), 100), "UNKNOWN");
    }
}
