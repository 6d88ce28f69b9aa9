//! Whether two people have accepted a finding.

use std::collections::BTreeSet;

use tidegate_model::statement::{RISK_SECS_MAX, RiskAcceptance};
use tidegate_model::units::format_utc;
use tidegate_model::{Reason, ReasonCode};

use super::{AcceptanceFact, AuditFacts, FindingFact};

/// How many people must sign the same.
const PEOPLE_MIN: usize = 2;

/// Whether two different people, none of the firm that reported it, have signed the same
/// acceptance of this finding in this scope, and both signatures are of now: what they signed.
/// Otherwise why not.
pub(super) fn accepted<'a>(
    facts: &'a AuditFacts,
    firm: &str,
    finding: &FindingFact,
    time: u64,
) -> Result<Vec<&'a AcceptanceFact>, Reason> {
    let of_finding = facts.acceptances.iter().filter(|a| {
        a.acceptance.finding == finding.key && a.acceptance.severity == finding.severity
    });
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        of_finding.partition(|a| a.acceptance.scope_root == facts.scope_root);
    let known = |key| facts.people.values().any(|person| person.holds(key));
    let now = |a: &&&AcceptanceFact| {
        a.issued_at <= time && time < a.expires_at && is_bounded(a) && known(a.by)
    };
    let present: Vec<_> = here.iter().filter(now).copied().collect();
    let mut most = BTreeSet::new();
    let mut looked_at: Vec<&RiskAcceptance> = Vec::new();
    for one in &present {
        if looked_at.contains(&&one.acceptance) {
            continue;
        }
        looked_at.push(&one.acceptance);
        let people = signers(facts, firm, one, &present);
        if people.len() >= PEOPLE_MIN {
            let same = present.iter().filter(|other| other.acceptance == one.acceptance);
            return Ok(same.copied().collect());
        }
        if people.len() > most.len() {
            most = people;
        }
    }
    let ended = here.iter().filter(|a| a.expires_at <= time).map(|a| a.expires_at).max();
    let (code, why) = match (most.first(), ended, elsewhere.first()) {
        (Some(person), ..) => (
            ReasonCode::FindingAcceptedByOne,
            format!(
                "only {person} accepts it; one more person outside the firm must sign the same"
            ),
        ),
        (None, Some(ended), _) => (
            ReasonCode::FindingAcceptanceExpired,
            format!("its acceptance expired {}", format_utc(ended)),
        ),
        (None, None, Some(other)) => (
            ReasonCode::FindingAcceptedElsewhere,
            format!(
                "it was accepted for scope {}, not for this one",
                other.acceptance.scope_root.short()
            ),
        ),
        (None, None, None) => {
            (ReasonCode::FindingOpen, "two people must accept it, or it must be fixed".to_owned())
        }
    };
    Err(Reason::new(code, why))
}

/// An acceptance without an end, or with one far away, is none.
const fn is_bounded(a: &AcceptanceFact) -> bool {
    a.expires_at.saturating_sub(a.issued_at) <= RISK_SECS_MAX
}

/// The people who signed the same as this one. Two keys of one person are one person, keys of
/// nobody are nobody, and who reported a finding does not accept it.
fn signers<'a>(
    facts: &'a AuditFacts,
    firm: &str,
    one: &AcceptanceFact,
    present: &[&AcceptanceFact],
) -> BTreeSet<&'a str> {
    let same = present.iter().filter(|other| other.acceptance == one.acceptance);
    let people = same.filter_map(|acceptance| {
        let mut people = facts.people.iter();
        people.find(|(_, person)| person.holds(acceptance.by))
    });
    let outside = people.filter(|(_, person)| person.firm.as_deref() != Some(firm));
    outside.map(|(name, _)| name.as_str()).collect()
}
