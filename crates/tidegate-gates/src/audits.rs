//! Gate `audits`: enough independent firms have read exactly this code.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::statement::AuditAttestation;
use tidegate_model::units::format_utc;
use tidegate_model::{GateId, GateInput, GateReport, ScopeRoot, StatementDigest, Verdict};

use crate::{Observed, PolicyRules};

/// What is known of audits.
#[derive(Debug, Clone)]
pub struct AuditFacts {
    /// The scope that has to be covered.
    pub scope_root: ScopeRoot,
    /// Who is who.
    pub people: BTreeMap<String, Person>,
    /// Attestations whose signatures hold, of any scope.
    pub attestations: Vec<AttestationFact>,
    /// Revocations, from files and from the helper.
    pub revocations: Vec<RevocationFact>,
    /// Whether revocations could be read at the helper; otherwise what is missing.
    pub helper: Observed<Vec<GateInput>>,
    /// Remarks on files, such as one that was seen and is missing now.
    pub remarks: Vec<String>,
}

/// An attestation whose signature holds.
#[derive(Debug, Clone)]
pub struct AttestationFact {
    /// Its digest.
    pub digest: StatementDigest,
    /// What it says.
    pub attestation: AuditAttestation,
}

/// A revocation by an attestation's own signer.
#[derive(Debug, Clone)]
pub struct RevocationFact {
    /// The attestation.
    pub attestation: StatementDigest,
    /// Who revoked.
    pub by: Address,
    /// Where it was found, for people.
    pub found: String,
}

pub(crate) fn gate(
    rules: &PolicyRules,
    facts: &Observed<AuditFacts>,
    gate_time: &Observed<u64>,
) -> GateReport {
    let (verdict, summary, inputs) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (Verdict::unknown(missing), "could not be checked".to_owned(), Vec::new())
        }
        (Ok(facts), Ok(time)) => {
            let (verdict, firms) = judge(rules, facts, *time);
            let names: Vec<_> = firms.into_iter().collect();
            let by =
                if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            let summary = format!("{} of {} firms{by}", names.len(), rules.audits);
            (verdict, summary, facts.helper.clone().unwrap_or_default())
        }
    };
    GateReport { gate: GateId::Audits, verdict, summary, inputs }
}

/// What one attestation comes to.
enum Standing {
    Counts(String),
    NotYet(u64),
    Lacks(String),
    Contradicts { firm: String, reason: String },
}

fn judge(rules: &PolicyRules, facts: &AuditFacts, time: u64) -> (Verdict, BTreeSet<String>) {
    let mut firms = BTreeMap::new();
    let mut contradictions = Vec::new();
    let mut verdict = Verdict::Pass;
    let mut missing = Vec::new();
    let in_scope =
        facts.attestations.iter().filter(|fact| fact.attestation.scope_root == facts.scope_root);
    for fact in in_scope {
        match standing(facts, fact, time) {
            Standing::Counts(firm) => {
                let newest = firms.entry(firm).or_insert(0);
                *newest = fact.attestation.issued_at.max(*newest);
            }
            Standing::NotYet(from) => {
                let reason = format!(
                    "attestation {} is dated {}, after the target's finalized time",
                    fact.digest.short(),
                    format_utc(from)
                );
                verdict = verdict.and(Verdict::Waiting { reasons: vec![reason], eta: Some(from) });
            }
            Standing::Lacks(reason) => missing.push(reason),
            Standing::Contradicts { firm, reason } => {
                contradictions.push((firm, fact.attestation.issued_at, reason));
            }
        }
    }
    // A firm that has attested anew since has had its last word.
    for (firm, issued_at, reason) in contradictions {
        if firms.get(&firm).is_none_or(|newest| *newest <= issued_at) {
            verdict = verdict.and(Verdict::fail(reason));
        }
    }
    let firms: BTreeSet<String> = firms.into_keys().collect();
    if firms.len() < rules.audits as usize {
        let mut reason = format!("{} of {} audits of this scope", firms.len(), rules.audits);
        if !missing.is_empty() {
            reason += &format!(" ({})", missing.join("; "));
        }
        verdict = verdict.and(Verdict::unknown(reason));
        if !facts.remarks.is_empty() {
            verdict = verdict.and(Verdict::Unknown { missing: facts.remarks.clone() });
        }
    }
    if let Err(why) = &facts.helper {
        verdict = verdict.and(Verdict::unknown(format!("revocations at the helper: {why}")));
    }
    (verdict, firms)
}

fn standing(facts: &AuditFacts, fact: &AttestationFact, time: u64) -> Standing {
    let attestation = &fact.attestation;
    let short = fact.digest.short();
    let person = facts.people.values().find(|person| {
        person.keys.contains(&attestation.auditor) && person.roles.iter().any(|r| r == "auditor")
    });
    let Some(firm) = person.and_then(|person| person.firm.clone()) else {
        let auditor = attestation.auditor;
        return Standing::Lacks(format!("{short} is by {auditor}, no auditor of this policy"));
    };
    let revoked = facts
        .revocations
        .iter()
        .find(|r| r.attestation == fact.digest && r.by == attestation.auditor);
    if let Some(revocation) = revoked {
        let found = &revocation.found;
        let reason = format!("{firm} revoked attestation {short} ({found})");
        return Standing::Contradicts { firm, reason };
    }
    if attestation.open_critical > 0 || attestation.open_high > 0 {
        let (critical, high) = (attestation.open_critical, attestation.open_high);
        let reason = format!("{firm} reports open findings: {critical} critical, {high} high");
        return Standing::Contradicts { firm, reason };
    }
    if !matches!(attestation.verdict, 1 | 2) {
        let verdict = attestation.verdict;
        return Standing::Lacks(format!("{short} by {firm} has verdict {verdict}, 1 or 2 counts"));
    }
    if attestation.issued_at > time {
        return Standing::NotYet(attestation.issued_at);
    }
    if attestation.valid_until <= time {
        let until = format_utc(attestation.valid_until);
        return Standing::Lacks(format!("{short} by {firm} expired {until}"));
    }
    Standing::Counts(firm)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    const NOW: u64 = 1_000;

    fn person(firm: &str, keys: &[u8]) -> Person {
        Person {
            roles: vec!["auditor".to_owned()],
            firm: Some(firm.to_owned()),
            keys: keys.iter().copied().map(Address::with_last_byte).collect(),
        }
    }

    fn fact(auditor: u8, edit: impl Fn(&mut AuditAttestation)) -> AttestationFact {
        let mut attestation = AuditAttestation {
            auditor: Address::with_last_byte(auditor),
            scope_root: ScopeRoot(B256::ZERO),
            scope_count: 1,
            repository: String::new(),
            git_commit: String::new(),
            report_sha256: B256::ZERO,
            report_uri: String::new(),
            verdict: 1,
            open_critical: 0,
            open_high: 0,
            open_medium: 0,
            findings_digest: B256::ZERO,
            issued_at: NOW,
            valid_until: NOW + 1,
            supersedes: StatementDigest(B256::ZERO),
            salt: B256::ZERO,
        };
        edit(&mut attestation);
        AttestationFact { digest: StatementDigest(B256::repeat_byte(auditor)), attestation }
    }

    fn check(attestations: Vec<AttestationFact>, revoked: &[u8], expected: &str) {
        let people =
            [("a".into(), person("Acme", &[1, 2])), ("b".into(), person("Bolt", &[3]))].into();
        let revocations = revoked.iter().map(|&key| RevocationFact {
            attestation: StatementDigest(B256::repeat_byte(key)),
            by: Address::with_last_byte(key),
            found: "posted at the helper".to_owned(),
        });
        let facts = AuditFacts {
            scope_root: ScopeRoot(B256::ZERO),
            people,
            attestations,
            revocations: revocations.collect(),
            helper: Ok(Vec::new()),
            remarks: Vec::new(),
        };
        let report = gate(&PolicyRules::default(), &Ok(facts), &Ok(NOW));
        assert_eq!(report.verdict.word(), expected, "{:?}", report.verdict);
    }

    #[test]
    fn firms_count_not_keys() {
        let plain = |key| fact(key, |_| {});
        check(vec![plain(1), plain(3)], &[], "PASS");
        check(vec![plain(1), plain(2)], &[], "UNKNOWN");
        check(vec![plain(1)], &[], "UNKNOWN");
        check(vec![plain(1), plain(9)], &[], "UNKNOWN");
        check(vec![plain(1), plain(3)], &[3], "FAIL");
        check(vec![plain(1), fact(3, |a| a.open_high = 1)], &[], "FAIL");
        check(vec![plain(1), fact(3, |a| a.valid_until = NOW)], &[], "UNKNOWN");
        check(vec![plain(1), fact(3, |a| a.verdict = 4)], &[], "UNKNOWN");
        check(
            vec![plain(1), fact(3, |a| a.scope_root = ScopeRoot(B256::repeat_byte(7)))],
            &[],
            "UNKNOWN",
        );
        // One dated after gate time is WAITING, and so is not counted yet.
        let later = fact(2, |a| a.issued_at = NOW + 1);
        check(vec![plain(1), plain(3), later], &[], "WAITING");
    }
}
