//! Gate `policy`: the Safe has adopted exactly this policy, and still is what it was then.

use tidegate_model::policy::PolicyDoc;
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
    },
}

pub(crate) fn gate(facts: &Observed<PolicyFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => (Verdict::unknown(missing), "could not be read".to_owned(), Vec::new()),
        Ok(facts) => {
            let (verdict, summary) = judge(facts);
            (verdict, summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Policy, verdict, summary, inputs }
}

fn judge(facts: &PolicyFacts) -> (Verdict, String) {
    let TrustFacts::Adopted { version, digest, differences } = &facts.trust else {
        let missing = "the Safe has not adopted a policy; run `tidegate policy adopt`";
        return (Verdict::unknown(missing), "not adopted".to_owned());
    };
    let summary = format!("version {version} adopted, digest {}", digest.short());
    if *digest == facts.current {
        return (Verdict::Pass, summary);
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
