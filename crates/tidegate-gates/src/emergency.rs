//! The emergency: an urgent fix of what is promoted may soak less, at a price.
//!
//! It lowers requirements and never rewrites evidence, is good for one Safe transaction, needs
//! more people than the Safe does, is announced on the target an hour before, and what it left
//! out is owed: until that is made up for, no other release of the project is promoted.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use tidegate_model::policy::Person;
use tidegate_model::statement::{
    EMERGENCY_GATES, EmergencyTerms, EmergencyWaiver, Lowered, gate_set,
};
use tidegate_model::units::{counted, format_span_secs, format_utc};
use tidegate_model::{
    Fqn, GateId, GateInput, GateReport, Reason, ReasonCode, ReleaseRoot, Verdict,
};

use crate::people::{GUARDIAN, has_role, holder};
use crate::waivers::{AUDITS_MIN, Lowering, SOAK_SECS_MIN};
use crate::{AuditFacts, CodeFacts, Layout, Observed, PolicyRules, SoakFacts, compare_layouts};

/// The longest duration of an emergency, in seconds.
pub const EMERGENCY_SECS_MAX: u64 = 72 * 3_600;
/// How long before its execution it must have been announced, in seconds.
const ANNOUNCED_SECS_MIN: u64 = 3_600;
/// How late its obligations may be due after its end, in seconds.
const RETRO_SECS_MAX: u64 = 90 * 86_400;

/// An emergency, and what speaks for it.
#[derive(Debug, Clone)]
pub struct EmergencyFacts {
    /// People with their keys and roles, by name.
    pub people: BTreeMap<String, Person>,
    /// Keys that deployed the release; who holds one signs no emergency of it.
    pub deployers: Vec<Address>,
    /// The Safe's threshold.
    pub safe_threshold: u32,
    pub release: ReleaseRoot,
    /// The Safe transaction.
    pub safe_tx_hash: B256,
    /// The Safe's chain.
    pub chain_id: u64,
    /// The required soak, in seconds.
    pub terms: EmergencyTerms,
    /// The release that is promoted now, and how this one differs from it.
    pub baseline: Observed<Baseline>,
    /// Guardians' words whose signatures hold.
    pub waivers: Vec<EmergencyWaiver>,
    /// When a guardian first announced it on the target; `None` if nobody did.
    pub announced_at: Observed<Option<u64>>,
    /// Whether an earlier emergency still owes something.
    pub in_debt: bool,
}

/// What an emergency starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The release that the chain says was promoted last.
    pub release: ReleaseRoot,
    /// Digest of how it differs from the new one.
    pub diff_digest: B256,
    /// Where the new one's storage does not only append to it, one sentence each.
    pub layout: Vec<String>,
}

/// Where the storage of a release does not only append to that of another: contracts that are in
/// both are compared by name, and one that has storage may not be gone, or a new name would be a
/// way around the comparison. What replaces what behind a proxy is the gate `layout`'s.
pub fn appends_only(old: &BTreeMap<Fqn, Layout>, new: &BTreeMap<Fqn, Layout>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, before) in old {
        match new.get(name) {
            Some(after) => problems.extend(
                compare_layouts(before, after)
                    .into_iter()
                    .map(|problem| format!("{}: {problem}", name.name())),
            ),
            None if before.is_empty() && before.hidden().next().is_none() => {}
            None => problems.push(format!(
                "{} is gone or has another name: an emergency keeps every contract with storage",
                name.name()
            )),
        }
    }
    problems
}

/// Whether the terms can be signed at all: what they may never be.
pub fn refusals(terms: &EmergencyTerms, baseline: &Observed<Baseline>) -> Vec<Reason> {
    let mut refused = Vec::new();
    let mut require = |holds: bool, code, what: String| {
        if !holds {
            refused.push(Reason::new(code, what));
        }
    };
    let EmergencyTerms { not_before, expires_at, retro_due_by, .. } = *terms;
    require(
        not_before < expires_at && expires_at - not_before <= EMERGENCY_SECS_MAX,
        ReasonCode::EmergencyTooLong,
        format!("an emergency lasts at most {} hours", EMERGENCY_SECS_MAX / 3_600),
    );
    require(
        u64::from(terms.min_soak_seconds) >= SOAK_SECS_MIN,
        ReasonCode::EmergencySoakTooShort,
        format!("its soak is never below {} hours", SOAK_SECS_MIN / 3_600),
    );
    require(
        retro_due_by > expires_at && retro_due_by - expires_at <= RETRO_SECS_MAX,
        ReasonCode::EmergencyDueTooLate,
        format!("what it owes is due within {} days of its end", RETRO_SECS_MAX / 86_400),
    );
    require(
        gate_set(&EMERGENCY_GATES).is_ok_and(|set| set == terms.gate_set),
        ReasonCode::EmergencyOtherGates,
        "it names other gates than soak and audits".to_owned(),
    );
    match baseline {
        Err(why) => refused.push(why.clone()),
        Ok(baseline) => {
            let mut require = |holds: bool, code, what: &str| {
                if !holds {
                    refused.push(Reason::new(code, what));
                }
            };
            let promoted = baseline.release == terms.baseline_root;
            let what = "its baseline is not the release that is promoted now";
            require(promoted, ReasonCode::EmergencyOtherBaseline, what);
            let same = baseline.diff_digest == terms.diff_digest;
            let what = "its releases differ in something else than what guardians signed";
            require(same, ReasonCode::EmergencyOtherDiff, what);
            let layout = baseline.layout.iter();
            refused.extend(layout.map(|what| Reason::new(ReasonCode::EmergencyLayout, what)));
        }
    }
    refused
}

/// The verdict on an emergency, PASS if it may lower the gates, with the names of those who signed.
pub fn emergency(
    rules: &PolicyRules,
    facts: &EmergencyFacts,
    time: u64,
) -> (Verdict, BTreeSet<String>) {
    let terms = &facts.terms;
    let mut verdict = Verdict::from_findings(refusals(terms, &facts.baseline), Vec::new());
    if time >= terms.expires_at {
        let reason = format!("the emergency ended {}", format_utc(terms.expires_at));
        verdict = verdict.and(Verdict::fail(ReasonCode::EmergencyOver, reason));
    } else if time < terms.not_before {
        let reason = format!("the emergency begins {}", format_utc(terms.not_before));
        let from = Some(terms.not_before);
        verdict = verdict.and(Verdict::waiting(ReasonCode::EmergencyAhead, reason, from));
    }
    let (names, mut missing) = signers(rules, facts, time);
    match &facts.announced_at {
        Err(why) => {
            let words = |why: &str| format!("its announcement on the target: {why}");
            missing.push(why.clone().reworded(words));
        }
        Ok(None) => missing.push(Reason::new(
            ReasonCode::EmergencyUnannounced,
            "no guardian has announced it on the target",
        )),
        Ok(Some(at)) if at.saturating_add(ANNOUNCED_SECS_MIN) > time => {
            let from = at.saturating_add(ANNOUNCED_SECS_MIN);
            let reason = format!("announced {}; one hour is for objections", format_utc(*at));
            let code = ReasonCode::EmergencyAnnouncedLately;
            verdict = verdict.and(Verdict::waiting(code, reason, Some(from)));
        }
        Ok(Some(_)) => {}
    }
    (verdict.and(Verdict::from_findings(Vec::new(), missing)), names)
}

/// Why the people of a policy can never declare an emergency; `None` where they can.
pub fn undeclarable(
    rules: &PolicyRules,
    people: &BTreeMap<String, Person>,
    safe_threshold: u32,
) -> Option<String> {
    let wanted = wanted(rules, safe_threshold);
    let guardians = || people.iter().filter(|(_, person)| has_role(person, GUARDIAN));
    if guardians().count() < wanted as usize {
        let count = guardians().count();
        let wanted = counted(wanted, "guardian");
        return Some(format!("it needs signatures of {wanted}; under [people]: {count}"));
    }
    let of = |holds: fn(&Person) -> bool| -> Vec<&String> {
        guardians().filter(|(_, person)| holds(person)).map(|(name, _)| name).collect()
    };
    let (auditors, treasurers) = (of(is_auditor), of(is_treasurer));
    for (what, names) in [("auditor with a firm", &auditors), ("treasurer", &treasurers)] {
        if names.is_empty() {
            return Some(format!("no {what} is among the guardians under [people]"));
        }
    }
    (auditors.len() == 1 && auditors == treasurers)
        .then(|| "the only auditor of the guardians is their only treasurer".to_owned())
}

fn wanted(rules: &PolicyRules, safe_threshold: u32) -> u32 {
    rules.emergency_signers.max(safe_threshold.saturating_add(1))
}

fn is_auditor(person: &Person) -> bool {
    has_role(person, "auditor") && person.firm.is_some()
}

fn is_treasurer(person: &Person) -> bool {
    has_role(person, "treasurer")
}

/// The guardians who signed exactly this, and who is missing.
fn signers(
    rules: &PolicyRules,
    facts: &EmergencyFacts,
    time: u64,
) -> (BTreeSet<String>, Vec<Reason>) {
    let same = facts.waivers.iter().filter(|waiver| {
        waiver.release_root == facts.release
            && waiver.safe_tx_hash == facts.safe_tx_hash
            && waiver.at.chain.0 == facts.chain_id
            && waiver.issued_at <= time
            && waiver.terms == facts.terms
    });
    let signed = same.filter_map(|waiver| holder(&facts.people, waiver.guardian));
    let deployed = |person: &Person| person.addresses().any(|key| facts.deployers.contains(&key));
    let signed = signed.filter(|(_, person)| has_role(person, GUARDIAN) && !deployed(person));
    let signed: BTreeMap<_, _> = signed.collect();
    let wanted = wanted(rules, facts.safe_threshold).saturating_add(u32::from(facts.in_debt));
    let mut missing = Vec::new();
    if signed.len() < wanted as usize {
        let text =
            format!("{} of {} signed the emergency", signed.len(), counted(wanted, "guardian"));
        missing.push(Reason::new(ReasonCode::EmergencyTooFewGuardians, text));
    }
    let of = |holds: fn(&Person) -> bool| -> Vec<&str> {
        signed.iter().filter(|(_, person)| holds(person)).map(|(name, _)| *name).collect()
    };
    let (auditors, treasurers) = (of(is_auditor), of(is_treasurer));
    for (what, names) in [("auditor", &auditors), ("treasurer", &treasurers)] {
        if names.is_empty() {
            let text = format!("no {what} is among its guardians");
            missing.push(Reason::new(ReasonCode::EmergencyRoleMissing, text));
        }
    }
    if auditors.len() == 1 && auditors == treasurers {
        let text = "its only auditor is its only treasurer; they must be two people";
        missing.push(Reason::new(ReasonCode::EmergencyOnePerson, text));
    }
    (signed.into_keys().map(str::to_owned).collect(), missing)
}

/// The requirements that an emergency lowers.
pub fn lowerings(terms: &EmergencyTerms, by: &str) -> Vec<Lowering> {
    let lowering = |gate, lowers| {
        let (by, until) = (format!("emergency ({by})"), terms.expires_at);
        Lowering { gate, lowers, by, until }
    };
    let soak = Lowered {
        soak_secs: Some(terms.min_soak_seconds.into()),
        transactions: Some(0),
        senders: Some(0),
        selectors_percent: Some(0),
        audits: None,
    };
    let audits = Lowered { audits: Some(AUDITS_MIN), ..Lowered::default() };
    vec![lowering(GateId::Soak, soak), lowering(GateId::Audits, audits)]
}

/// What an emergency's release still owes: the whole soak, every audit, and the post-mortem.
pub fn owed(
    rules: &PolicyRules,
    soak: &Observed<SoakFacts>,
    audits: &Observed<AuditFacts>,
    has_postmortem: bool,
    gate_time: &Observed<u64>,
) -> Vec<Reason> {
    let reports = [crate::soak::gate(rules, soak), crate::audits_gate(rules, audits, gate_time)];
    let mut owed: Vec<_> = reports.iter().flat_map(|report| report.verdict.reasons()).collect();
    // Time weighs less than what is missing, and so is not among the reasons beside it.
    if let (Ok(facts), Verdict::Unknown { .. }) = (soak, &reports[0].verdict) {
        let progress = crate::soak::progress(rules, facts);
        let left = progress.required_secs.saturating_sub(progress.credited_secs);
        if left > 0 {
            let text = format!("{} of chain time left", format_span_secs(left));
            owed.push(Reason::new(ReasonCode::TooYoung, text));
        }
    }
    if !has_postmortem {
        let text = "a post-mortem, `tidegate record postmortem FILE`";
        owed.push(Reason::new(ReasonCode::PostmortemMissing, text));
    }
    owed
}

/// Whether a release that was promoted before has soaked whole, with its own code.
pub fn has_soaked(
    rules: &PolicyRules,
    soak: &Observed<SoakFacts>,
    code: &Observed<CodeFacts>,
) -> bool {
    let stands = code.as_ref().is_ok_and(|code| crate::code_verdict(code) == Verdict::Pass);
    stands && crate::soak::gate(rules, soak).verdict == Verdict::Pass
}

/// The obligations that emergencies left, as the target shows them.
#[derive(Debug, Clone, Default)]
pub struct ObligationFacts {
    /// One for each emergency promotion of another release.
    pub debts: Vec<Debt>,
    /// The emergency that is being judged, which one more guardian signed, and its end.
    pub excused: Option<(String, u64)>,
    /// The blocks it was read at.
    pub inputs: Vec<GateInput>,
}

/// The obligations that one emergency left.
#[derive(Debug, Clone)]
pub struct Debt {
    /// The release that was promoted.
    pub release: ReleaseRoot,
    /// By when everything is due.
    pub due_by: u64,
    /// The obligations that are still open.
    pub unmet: Vec<Reason>,
}

pub(crate) fn gate(facts: &Observed<ObligationFacts>, gate_time: &Observed<u64>) -> GateReport {
    let (verdict, summary, inputs) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (missing.clone().into_unknown(), "could not be read".to_owned(), Vec::new())
        }
        (Ok(facts), Ok(time)) => {
            let open: Vec<_> = facts.debts.iter().filter(|debt| !debt.unmet.is_empty()).collect();
            let summary = match facts.debts.len() {
                0 => "no emergency owes anything".to_owned(),
                debts => format!("{}, {} owing", counted(debts, "emergency promotion"), open.len()),
            };
            (judge(facts, &open, *time), summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Obligations, verdict, summary, inputs }
}

fn judge(facts: &ObligationFacts, open: &[&Debt], time: u64) -> Verdict {
    let verdict = open.iter().fold(Verdict::Pass, |verdict, debt| {
        let owed: Vec<_> = debt.unmet.iter().map(|reason| reason.text.as_str()).collect();
        let owed = owed.join("; ");
        let (release, due) = (debt.release.short(), format_utc(debt.due_by));
        let text = format!("the emergency promotion of {release} owes until {due}: {owed}");
        let owes = Reason::new(ReasonCode::EmergencyOwes, text);
        let owes = debt.unmet.iter().fold(owes, |owes, why| owes.within(why));
        verdict.and(if time > debt.due_by { owes.into_fail() } else { owes.into_unknown() })
    });
    match &facts.excused {
        Some((by, until)) if verdict != Verdict::Pass => {
            let (by, until) = (format!("emergency ({by})"), *until);
            Verdict::Waived { by, until, reasons: verdict.reasons() }
        }
        _ => verdict,
    }
}

#[cfg(test)]
mod tests;
