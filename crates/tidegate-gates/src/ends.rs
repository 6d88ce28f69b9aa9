//! Through when what passes now goes on passing by itself.

use std::collections::BTreeSet;

use crate::people::holder;
use crate::{Facts, PolicyRules, evaluate, overall};

/// How many ends are looked at. Where there are more, the last of them is the answer.
const ENDS_MAX: usize = 256;

/// The last time, at most `until`, through which every gate would pass if nobody said anything
/// more: an attestation ends, an accepted risk, a go or a waiver. What owners sign is good no
/// longer than that.
pub fn good_through(rules: &PolicyRules, facts: &Facts, until: u64) -> u64 {
    let Ok(now) = facts.gate_time else { return 0 };
    let passes_at = |time: u64| {
        let later = Facts { gate_time: Ok(time), ..facts.clone() };
        overall(&evaluate(rules, &later)).allows()
    };
    let ends = ends(facts);
    // Of a proposal that is over nothing is coming.
    let coming = ends.range(now..until.max(now));
    for (index, end) in coming.enumerate() {
        if index == ENDS_MAX {
            return *end;
        }
        // Of what ends some counts at its last second still, and some no more.
        for time in [*end, end.saturating_add(1)] {
            if time > now && !passes_at(time) {
                return time - 1;
            }
        }
    }
    until
}

/// When something ends that somebody of the policy said.
fn ends(facts: &Facts) -> BTreeSet<u64> {
    let mut ends = BTreeSet::new();
    if let Ok(audits) = &facts.audits {
        let is_known = |key| holder(&audits.people, key).is_some();
        let attested = audits.attestations.iter().map(|fact| &fact.attestation);
        let attested = attested.filter(|attestation| is_known(attestation.auditor));
        ends.extend(attested.map(|attestation| attestation.valid_until));
        let accepted = audits.acceptances.iter().filter(|fact| is_known(fact.by));
        ends.extend(accepted.map(|fact| fact.expires_at));
    }
    if let Ok(go) = &facts.go {
        let decided = go.decisions.iter();
        let decided = decided.filter(|decision| holder(&go.people, decision.signer).is_some());
        ends.extend(decided.map(|decision| decision.expires_at));
    }
    let waivers = facts.waivers.waivers.iter();
    let waivers = waivers.filter(|fact| holder(&facts.waivers.people, fact.signer).is_some());
    ends.extend(waivers.map(|fact| fact.waiver.until));
    ends.extend(facts.waivers.emergency.iter().map(|lowering| lowering.until));
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::exemplar;

    /// The facts of the exemplar with everything that ends far away.
    fn lasting() -> (PolicyRules, Facts, u64) {
        let rules = PolicyRules::default();
        let mut facts = exemplar(&rules);
        let now = facts.gate_time.clone().unwrap();
        for fact in &mut facts.audits.as_mut().unwrap().attestations {
            fact.attestation.valid_until = now + 10_000;
        }
        for decision in &mut facts.go.as_mut().unwrap().decisions {
            decision.expires_at = now + 10_000;
        }
        (rules, facts, now)
    }

    #[test]
    fn nothing_ends_before_until() {
        let (rules, facts, now) = lasting();
        assert_eq!(good_through(&rules, &facts, now + 1_000), now + 1_000);
    }

    #[test]
    fn the_first_end_that_opens_a_gate_is_the_last_good_second() {
        let (rules, facts, now) = lasting();
        let audits = |f: &mut Facts, end| {
            f.audits.as_mut().unwrap().attestations[0].attestation.valid_until = end;
        };
        let go = |f: &mut Facts, end| f.go.as_mut().unwrap().decisions[0].expires_at = end;
        for end in [now + 100, now + 999] {
            let mut short = facts.clone();
            audits(&mut short, end);
            let good = good_through(&rules, &short, now + 1_000);
            assert!(good == end || good == end - 1, "{good} for {end}");
            let mut short = facts.clone();
            go(&mut short, end);
            assert_eq!(good_through(&rules, &short, now + 1_000), end - 1);
            audits(&mut short, end + 5_000);
            assert_eq!(good_through(&rules, &short, now + 1_000), end - 1);
        }
    }

    /// What another one stands in for may end.
    #[test]
    fn an_end_that_opens_no_gate_ends_nothing() {
        let (rules, mut facts, now) = lasting();
        let go = facts.go.as_mut().unwrap();
        let mut again = go.decisions[0].clone();
        again.expires_at = now + 100;
        again.issued_at -= 1;
        go.decisions.push(again);
        assert_eq!(good_through(&rules, &facts, now + 1_000), now + 1_000);
    }

    #[test]
    fn without_a_time_nothing_is_good() {
        let (rules, mut facts, _) = lasting();
        facts.gate_time = Err(tidegate_model::Reason::unreadable("no answer"));
        assert_eq!(good_through(&rules, &facts, 5), 0);
    }

    /// What has ended by now is no end that is still to come.
    #[test]
    fn of_what_is_over_nothing_ends() {
        let (rules, facts, now) = lasting();
        assert_eq!(good_through(&rules, &facts, now - 1), now - 1);
        assert_eq!(good_through(&rules, &facts, 1), 1);
    }

    #[test]
    fn nothing_is_good_for_less_than_now() {
        let (rules, mut facts, now) = lasting();
        facts.audits.as_mut().unwrap().attestations[0].attestation.valid_until = now;
        assert_eq!(good_through(&rules, &facts, now + 1_000), now);
    }
}
