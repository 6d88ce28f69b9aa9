//! Waivers: guardians lower one gate's requirement, for one release and for a while. The evidence
//! stays what it is; the gate is asked again with less, and says who lowered it until when.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::statement::{Lowered, Waiver};
use tidegate_model::units::{counted, format_utc};
use tidegate_model::{
    GateId, GateReport, Reason, ReasonCode, ReleaseRoot, StatementDigest, Verdict,
};

use crate::PolicyRules;
use crate::people::{GUARDIAN, has_role, holder};

/// The shortest soak that a waiver may ask for, in seconds.
pub(crate) const SOAK_SECS_MIN: u64 = 24 * 3_600;
/// The fewest firms that a waiver may ask for.
pub(crate) const AUDITS_MIN: u32 = 1;
/// The longest duration of a waiver, in seconds.
pub const WAIVER_SECS_MAX: u64 = 90 * 86_400;

/// Gates whose requirement can be lowered. All others say what is so, not how much of it.
const WAIVABLE: [GateId; 2] = [GateId::Soak, GateId::Audits];

/// Every waiver of the project.
#[derive(Debug, Clone)]
pub struct WaiverFacts {
    /// People with their keys and roles, by name.
    pub people: BTreeMap<String, Person>,
    /// Keys that deployed the release; who holds one lowers nothing for it.
    pub deployers: Vec<Address>,
    /// The release that is judged.
    pub release: ReleaseRoot,
    /// Waivers whose signatures hold.
    pub waivers: Vec<WaiverFact>,
    /// What an emergency lowers, already judged.
    pub emergency: Vec<Lowering>,
    /// Why an emergency lowers nothing yet.
    pub remarks: Vec<Reason>,
}

/// One guardian's signature under a waiver.
#[derive(Debug, Clone)]
pub struct WaiverFact {
    pub digest: StatementDigest,
    /// The signer's address.
    pub signer: Address,
    /// Seconds since 1970.
    pub issued_at: u64,
    pub waiver: Waiver,
}

/// A requirement that is lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowering {
    pub gate: GateId,
    /// The lowered requirement.
    pub lowers: Lowered,
    /// The names of the guardians who signed.
    pub by: String,
    /// The end, in seconds since 1970 of the target's chain time.
    pub until: u64,
}

/// The waivers that count, and the reasons that others do not.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    lowerings: Vec<Lowering>,
    remarks: Vec<(GateId, Reason)>,
}

/// Why a waiver can never count: a gate that is not waivable, a foreign requirement or one below
/// the floor. A waiver asks for at least half of what the policy asks; less takes an emergency, at
/// its price.
///
/// # Errors
/// If so, with the reason.
pub fn admissible(rules: &PolicyRules, gate: GateId, lowers: &Lowered) -> Result<(), Reason> {
    let fault = |code, text: String| Err(Reason::new(code, text));
    if !WAIVABLE.contains(&gate) {
        let text = format!("gate `{}` can never be waived", gate.name());
        return fault(ReasonCode::NotWaivable, text);
    }
    let of_soak = Lowered { audits: None, ..lowers.clone() };
    let of_audits = Lowered { audits: lowers.audits, ..Lowered::default() };
    let own = if gate == GateId::Soak { of_soak } else { of_audits };
    if own != *lowers || own == Lowered::default() {
        let text =
            format!("it lowers nothing of gate `{}`, or something of another gate", gate.name());
        return fault(ReasonCode::WaiverOfNothing, text);
    }
    if lowers.soak_secs.is_some_and(|secs| secs < SOAK_SECS_MIN) {
        let text = format!("a soak is never below {} hours", SOAK_SECS_MIN / 3_600);
        return fault(ReasonCode::WaiverBelowFloor, text);
    }
    if lowers.audits.is_some_and(|audits| audits < AUDITS_MIN) {
        let text = format!("audits are never fewer than {AUDITS_MIN}");
        return fault(ReasonCode::WaiverBelowFloor, text);
    }
    let count = |number: Option<u32>| number.map(u64::from);
    let halves = [
        ("soak", "seconds", lowers.soak_secs, rules.soak_secs),
        ("audits", "firms", count(lowers.audits), rules.audits.into()),
        ("transactions", "transactions", count(lowers.transactions), rules.transactions.into()),
        ("senders", "senders", count(lowers.senders), rules.senders.into()),
        ("functions", "percent", count(lowers.selectors_percent), rules.selectors_percent.into()),
    ];
    for (what, unit, asked, policy) in halves {
        let half = policy.div_ceil(2);
        if asked.is_some_and(|asked| asked < half) {
            let text = format!("{what}: a waiver must keep at least half, {half} {unit}");
            return fault(ReasonCode::WaiverBelowHalf, text);
        }
    }
    Ok(())
}

pub(crate) fn in_force(rules: &PolicyRules, facts: &WaiverFacts, time: u64) -> InForce {
    let mut groups: Vec<(&Waiver, Vec<&WaiverFact>)> = Vec::new();
    for fact in &facts.waivers {
        match groups.iter_mut().find(|(waiver, _)| **waiver == fact.waiver) {
            Some((_, signed)) => signed.push(fact),
            None => groups.push((&fact.waiver, vec![fact])),
        }
    }
    let remarks = facts.remarks.iter().map(|remark| (GateId::Soak, remark.clone())).collect();
    let mut found = InForce { lowerings: facts.emergency.clone(), remarks };
    for (waiver, signed) in groups {
        match counts(rules, facts, waiver, &signed, time) {
            Ok(by) => found.lowerings.push(Lowering {
                gate: waiver.gate,
                lowers: waiver.lowers.clone(),
                by,
                until: waiver.until,
            }),
            Err(why) => {
                let short = signed.first().map(|fact| fact.digest.short()).unwrap_or_default();
                let text = format!("waiver {short} does not count: {why}");
                let remark = Reason::new(ReasonCode::WaiverVoid, text).within(&why);
                found.remarks.push((waiver.gate, remark));
            }
        }
    }
    found
}

/// The guardians by whom a waiver counts, or why it does not.
fn counts(
    rules: &PolicyRules,
    facts: &WaiverFacts,
    waiver: &Waiver,
    signed: &[&WaiverFact],
    time: u64,
) -> Result<String, Reason> {
    let fault = |code, text: String| Err(Reason::new(code, text));
    if waiver.release != facts.release {
        let text = format!("it is for release {}", waiver.release.short());
        return fault(ReasonCode::WaiverOfOtherRelease, text);
    }
    admissible(rules, waiver.gate, &waiver.lowers)?;
    if waiver.until <= time {
        let text = format!("it expired {}", format_utc(waiver.until));
        return fault(ReasonCode::WaiverExpired, text);
    }
    let guardians = signed.iter().filter_map(|fact| {
        let (name, person) = holder(&facts.people, fact.signer)?;
        let deployed = person.addresses().any(|key| facts.deployers.contains(&key));
        let in_time = fact.issued_at <= time
            && waiver.until <= fact.issued_at.saturating_add(WAIVER_SECS_MAX);
        (in_time && !deployed && has_role(person, GUARDIAN)).then_some(name)
    });
    let guardians: BTreeSet<&str> = guardians.collect();
    let (have, wanted) = (guardians.len(), rules.waiver_signers);
    if have < wanted as usize {
        let text = format!("signed by {have} of {}", counted(wanted, "guardian"));
        return fault(ReasonCode::WaiverTooFewGuardians, text);
    }
    Ok(guardians.into_iter().collect::<Vec<_>>().join(", "))
}

impl InForce {
    /// The rules with everything lowered that is.
    pub(crate) fn rules(&self, rules: &PolicyRules) -> PolicyRules {
        let mut rules = rules.clone();
        for lowering in &self.lowerings {
            lower(&mut rules, &lowering.lowers);
        }
        rules
    }

    /// Asks a gate with the policy's rules, and again with what is lowered for it.
    pub(crate) fn ask(
        &self,
        gate: GateId,
        rules: &PolicyRules,
        judge: impl Fn(&PolicyRules) -> GateReport,
    ) -> GateReport {
        let mut full = judge(rules);
        let lowerings = || self.lowerings.iter().filter(|lowering| lowering.gate == gate);
        if full.verdict == Verdict::Pass {
            return full;
        }
        let remarks = self.remarks.iter().filter(|(of, _)| *of == gate);
        let remarks: Vec<_> = remarks.map(|(_, remark)| remark.clone()).collect();
        let Some(until) = lowerings().map(|lowering| lowering.until).min() else {
            full.verdict.append(remarks);
            return full;
        };
        let mut less = rules.clone();
        for lowering in lowerings() {
            lower(&mut less, &lowering.lowers);
        }
        let mut lowered = judge(&less);
        let by: BTreeSet<_> = lowerings().map(|lowering| lowering.by.as_str()).collect();
        let by = by.into_iter().collect::<Vec<_>>().join("; ");
        if lowered.verdict == Verdict::Pass {
            let reasons = full.verdict.reasons();
            return GateReport { verdict: Verdict::Waived { by, until, reasons }, ..full };
        }
        lowered.verdict.append(remarks);
        lowered.summary += &format!("; lowered by {by} until {}", format_utc(until));
        lowered
    }

    /// What could not count and belongs to gates that cannot be waived at all.
    pub(crate) fn unwaivable(&self) -> impl Iterator<Item = &(GateId, Reason)> {
        self.remarks.iter().filter(|(gate, _)| !WAIVABLE.contains(gate))
    }
}

fn lower(rules: &mut PolicyRules, lowers: &Lowered) {
    let lowest = |mine: &mut u32, theirs: Option<u32>| *mine = (*mine).min(theirs.unwrap_or(*mine));
    rules.soak_secs = rules.soak_secs.min(lowers.soak_secs.unwrap_or(rules.soak_secs));
    lowest(&mut rules.audits, lowers.audits);
    lowest(&mut rules.transactions, lowers.transactions);
    lowest(&mut rules.senders, lowers.senders);
    lowest(&mut rules.selectors_percent, lowers.selectors_percent);
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    const NOW: u64 = 1_000_000;
    const RELEASE: ReleaseRoot = ReleaseRoot(B256::repeat_byte(1));

    fn waiver(edit: impl Fn(&mut Waiver)) -> Waiver {
        let mut waiver = Waiver {
            release: RELEASE,
            gate: GateId::Audits,
            lowers: Lowered { audits: Some(1), ..Lowered::default() },
            until: NOW + 1,
            reason: String::new(),
            link: String::new(),
        };
        edit(&mut waiver);
        waiver
    }

    #[track_caller]
    fn check(waiver: &Waiver, signers: &[u8], expected: Result<&str, ReasonCode>) {
        let person = |role: &str, keys: &[u8]| Person {
            roles: vec![role.to_owned()],
            firm: None,
            keys: keys.iter().map(|key| Address::with_last_byte(*key).into()).collect(),
        };
        let facts = WaiverFacts {
            people: [
                ("ann".to_owned(), person("guardian", &[1, 2])),
                ("bob".to_owned(), person("guardian", &[3])),
                ("eva".to_owned(), person("engineer", &[4])),
                ("dan".to_owned(), person("guardian", &[5, 6])),
            ]
            .into(),
            deployers: vec![Address::with_last_byte(6)],
            release: RELEASE,
            waivers: signers
                .iter()
                .map(|&key| WaiverFact {
                    digest: StatementDigest(B256::repeat_byte(key)),
                    signer: Address::with_last_byte(key),
                    issued_at: NOW,
                    waiver: waiver.clone(),
                })
                .collect(),
            emergency: Vec::new(),
            remarks: Vec::new(),
        };
        let found = in_force(&PolicyRules::default(), &facts, NOW);
        match expected {
            Ok(by) => assert_eq!(found.lowerings[0].by, by),
            Err(code) => {
                assert!(found.lowerings.is_empty());
                let codes: Vec<_> = found.remarks[0].1.codes().collect();
                assert_eq!(codes, [ReasonCode::WaiverVoid, code]);
            }
        }
    }

    #[test]
    fn which_waivers_count() {
        use ReasonCode::{
            NotWaivable, WaiverBelowFloor, WaiverBelowHalf, WaiverExpired, WaiverOfNothing,
            WaiverOfOtherRelease, WaiverTooFewGuardians,
        };
        let plain = waiver(|_| {});
        check(&plain, &[1, 3], Ok("ann, bob"));
        check(&plain, &[1], Err(WaiverTooFewGuardians));
        check(&plain, &[1, 2], Err(WaiverTooFewGuardians));
        check(&plain, &[1, 4], Err(WaiverTooFewGuardians));
        check(&plain, &[1, 5], Err(WaiverTooFewGuardians));
        check(&plain, &[1, 9], Err(WaiverTooFewGuardians));
        check(&waiver(|w| w.until = NOW), &[1, 3], Err(WaiverExpired));
        check(
            &waiver(|w| w.until = NOW + WAIVER_SECS_MAX + 1),
            &[1, 3],
            Err(WaiverTooFewGuardians),
        );
        let other = ReleaseRoot(B256::ZERO);
        check(&waiver(|w| w.release = other), &[1, 3], Err(WaiverOfOtherRelease));
        check(&waiver(|w| w.gate = GateId::Code), &[1, 3], Err(NotWaivable));
        check(&waiver(|w| w.gate = GateId::Soak), &[1, 3], Err(WaiverOfNothing));
        check(&waiver(|w| w.lowers.audits = Some(0)), &[1, 3], Err(WaiverBelowFloor));
        let short = Lowered { soak_secs: Some(SOAK_SECS_MIN - 1), ..Lowered::default() };
        let short = waiver(|w| (w.gate, w.lowers) = (GateId::Soak, short.clone()));
        check(&short, &[1, 3], Err(WaiverBelowFloor));
        let of_soak =
            |lowers: Lowered| waiver(|w| (w.gate, w.lowers) = (GateId::Soak, lowers.clone()));
        let week = Lowered { soak_secs: Some(7 * 86_400), ..Lowered::default() };
        check(&of_soak(week.clone()), &[1, 3], Ok("ann, bob"));
        check(&of_soak(Lowered::default()), &[1, 3], Err(WaiverOfNothing));
        let both = Lowered { audits: Some(1), ..week.clone() };
        check(&of_soak(both), &[1, 3], Err(WaiverOfNothing));
        let less = Lowered { soak_secs: Some(7 * 86_400 - 1), ..week };
        check(&of_soak(less), &[1, 3], Err(WaiverBelowHalf));
        let senders = Lowered { senders: Some(1), ..Lowered::default() };
        check(&of_soak(senders), &[1, 3], Err(WaiverBelowHalf));
    }

    #[test]
    fn a_lowered_gate_says_who_lowered_it_and_what_stood_against_it() {
        let lowers = Lowered { audits: Some(1), ..Lowered::default() };
        let lowering = Lowering { gate: GateId::Audits, lowers, by: "ann, bob".into(), until: 9 };
        let found = InForce { lowerings: vec![lowering], remarks: Vec::new() };
        let few = |text: String| Reason::new(ReasonCode::TooFewFirms, text);
        let judge = |have: u32| {
            move |rules: &PolicyRules| GateReport {
                gate: GateId::Audits,
                verdict: if have < rules.audits {
                    few(format!("{have} of {}", rules.audits)).into_unknown()
                } else {
                    Verdict::Pass
                },
                summary: String::new(),
                inputs: Vec::new(),
            }
        };
        let ask = |have| found.ask(GateId::Audits, &PolicyRules::default(), judge(have)).verdict;
        assert_eq!(ask(2), Verdict::Pass);
        let reasons = vec![few("1 of 2".to_owned())];
        assert_eq!(ask(1), Verdict::Waived { by: "ann, bob".into(), until: 9, reasons });
        assert_eq!(ask(0), few("0 of 1".to_owned()).into_unknown());
    }

    #[test]
    fn the_least_that_may_be_asked_is_admissible() {
        let rules = PolicyRules { soak_secs: 2 * SOAK_SECS_MIN, ..PolicyRules::default() };
        let soak = |secs| Lowered { soak_secs: Some(secs), ..Lowered::default() };
        assert_eq!(admissible(&rules, GateId::Soak, &soak(SOAK_SECS_MIN)), Ok(()));
        let below = admissible(&rules, GateId::Soak, &soak(SOAK_SECS_MIN - 1)).unwrap_err();
        assert_eq!(below.code, ReasonCode::WaiverBelowFloor);
        assert_eq!((SOAK_SECS_MIN, WAIVER_SECS_MAX), (86_400, 7_776_000));
    }

    /// The reason that a waiver does not count is given at its own gate, beside what is missing
    /// there.
    #[test]
    fn what_counts_for_nothing_is_said_at_its_gate() {
        let remark = Reason::new(ReasonCode::WaiverVoid, "expired");
        let found = InForce { lowerings: Vec::new(), remarks: vec![(GateId::Soak, remark)] };
        let ask = |gate| {
            let judge = |_: &PolicyRules| GateReport {
                gate,
                verdict: Reason::unreadable("x").into_unknown(),
                summary: String::new(),
                inputs: Vec::new(),
            };
            crate::told(&found.ask(gate, &PolicyRules::default(), judge).verdict)
        };
        assert_eq!(ask(GateId::Soak), "UNKNOWN unreadable waiver-void");
        assert_eq!(ask(GateId::Audits), "UNKNOWN unreadable");
        assert_eq!(found.unwaivable().count(), 0);
    }
}
