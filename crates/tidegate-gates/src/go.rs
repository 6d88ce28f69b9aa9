//! Gate `go`: enough people have seen every statement there is and say go, and nobody stops it.
//!
//! A `go` lists what it saw. A statement that bears on the release and that it has not seen, or
//! one that it has seen and that is missing now, makes it stale; so nothing passes because a
//! statement was deleted. It is said once the soak is over: what somebody found on the last day was
//! there to be seen.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tidegate_model::policy::Person;
use tidegate_model::statement::SeenRecord;
use tidegate_model::units::{counted, format_utc};
use tidegate_model::{GateId, GateInput, GateReport, StatementDigest, Verdict};

use crate::people::{has_role, holder};
use crate::records::{RecordsHere, changed, missing_records, unlisted};
use crate::{Observed, PolicyRules};

/// How many statements of a stale go are named.
const NAMED_MAX: usize = 5;

/// Who decided what, and what there is to see.
#[derive(Debug, Clone)]
pub struct GoFacts {
    /// Who is who.
    pub people: BTreeMap<String, Person>,
    /// Keys that deployed this release.
    pub deployers: Vec<Address>,
    /// Every go and no-go about this release. A go is confirmed.
    pub decisions: Vec<Decision>,
    /// Every statement that is there, and how each is dated.
    pub known: BTreeMap<StatementDigest, u64>,
    /// Statements whose files are there and that count for nothing, and why.
    pub unconfirmed: BTreeMap<StatementDigest, String>,
    /// Those which a go must have seen, each in words.
    pub bearing: BTreeMap<StatementDigest, String>,
    /// The records that are there.
    pub records: Observed<RecordsHere>,
    /// Freezes of the project, by file.
    pub freezes: Vec<FreezeFact>,
    /// What was posted at the helper; what is missing where that cannot be read.
    pub posted: Observed<Vec<PostedStop>>,
    /// The blocks it rests on.
    pub inputs: Vec<GateInput>,
}

/// A go or a no-go.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The statement.
    pub digest: StatementDigest,
    /// Who signed.
    pub signer: Address,
    /// When.
    pub issued_at: u64,
    /// For which discipline.
    pub discipline: Option<String>,
    /// When a go ends. A no-go stays.
    pub expires_at: u64,
    /// What a go has seen; `None` for a no-go.
    pub saw: Option<Vec<StatementDigest>>,
    /// The records that a go has seen.
    pub records: Vec<SeenRecord>,
    /// Why.
    pub reason: String,
    /// Whether it is confirmed: by the contract that signed it, and by the block that it names.
    /// Otherwise why not.
    pub confirmed: Observed<()>,
}

/// A freeze by file.
#[derive(Debug, Clone)]
pub struct FreezeFact {
    /// The statement.
    pub digest: StatementDigest,
    /// Who signed.
    pub signer: Address,
    /// Until when.
    pub until: u64,
    /// Why.
    pub reason: String,
    /// As for a decision.
    pub confirmed: Observed<()>,
}

/// A stop that was posted at the helper. Who deletes the file does not undo it.
#[derive(Debug, Clone)]
pub struct PostedStop {
    /// Who posted.
    pub by: Address,
    /// Whether it freezes the project, rather than stopping this release.
    pub freeze: bool,
    /// Until when.
    pub until: u64,
}

pub(crate) fn gate(
    rules: &PolicyRules,
    facts: &Observed<GoFacts>,
    gate_time: &Observed<u64>,
    soaked_at: Option<u64>,
) -> GateReport {
    let (verdict, summary, inputs) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (Verdict::unknown(missing), "could not be checked".to_owned(), Vec::new())
        }
        (Ok(facts), Ok(time)) => {
            let facts = current(facts, *time);
            let (verdict, people) = judge(rules, &facts, *time, soaked_at.unwrap_or(0));
            let names: Vec<_> = people.into_iter().collect();
            let by =
                if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            let of = rules.go.people;
            let mut summary = format!(
                "{} of {of} said go{by}, {} to see",
                names.len(),
                counted(facts.bearing.len(), "statement")
            );
            summary += &unlisted_records(&facts, &names, *time);
            (verdict, summary, facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Go, verdict, summary, inputs }
}

/// Records that are there and that nobody listed whose go counts, in words.
fn unlisted_records(facts: &GoFacts, names: &[&str], time: u64) -> String {
    let goes = last_words(facts, time).into_iter();
    let goes = goes.filter(|(name, _, said)| names.contains(name) && said.saw.is_some());
    let goes: Vec<_> = goes.map(|(.., said)| said).collect();
    let Ok(here) = &facts.records else { return String::new() };
    let unlisted: Vec<_> = unlisted(here, &goes).collect();
    if goes.is_empty() || unlisted.is_empty() {
        return String::new();
    }
    format!("; nobody who said go lists {}", unlisted.join(", "))
}

/// Without each go that has ended, which is none.
fn current(facts: &GoFacts, time: u64) -> Cow<'_, GoFacts> {
    let stands = |decision: &Decision| decision.saw.is_none() || decision.expires_at > time;
    if facts.decisions.iter().all(stands) {
        return Cow::Borrowed(facts);
    }
    let mut current = facts.clone();
    current.decisions.retain(stands);
    Cow::Owned(current)
}

fn judge<'a>(
    rules: &PolicyRules,
    facts: &'a GoFacts,
    time: u64,
    soaked_at: u64,
) -> (Verdict, BTreeSet<&'a str>) {
    let stops = stops(facts, time);
    let mut verdict = stops.clone();
    let mut said = BTreeMap::new();
    let gone = gone(facts);
    let is_gone = !gone.is_empty();
    let mut missing = gone;
    for (name, person, decision) in last_words(facts, time) {
        let short = decision.digest.short();
        let Some(saw) = &decision.saw else {
            let reason = format!("{name} says no-go ({short}): {}", decision.reason);
            verdict = verdict.and(match &decision.confirmed {
                Ok(()) => Verdict::fail(reason),
                Err(why) => Verdict::unknown(format!(
                    "{reason}; {why}: have it signed anew, or let {name} decide anew"
                )),
            });
            continue;
        };
        match flaw(facts, (name, person), decision, saw, (soaked_at, time)) {
            Some(Verdict::Unknown { missing: flaw }) => missing.extend(flaw),
            Some(other) => verdict = verdict.and(other),
            None => {
                // Who speaks for a discipline must have it as a role.
                let discipline = decision.discipline.as_deref().filter(|d| has_role(person, d));
                said.insert(name, discipline);
            }
        }
    }
    let strangers = facts.decisions.iter().filter(|decision| decision.saw.is_some());
    let strangers = strangers.filter(|decision| holder(&facts.people, decision.signer).is_none());
    let wanted = &rules.go;
    if said.len() < wanted.people as usize {
        missing.insert(0, format!("{} of {} people said go", said.len(), wanted.people));
        missing.extend(strangers.map(|decision| {
            format!(
                "the go {} is by {}, nobody of this policy",
                decision.digest.short(),
                decision.signer
            )
        }));
    }
    for discipline in &wanted.disciplines {
        if !said.values().any(|has| *has == Some(discipline)) {
            missing.push(format!("nobody said go as {discipline}"));
        }
    }
    let short = said.len() < wanted.people as usize
        || wanted.disciplines.iter().any(|d| !said.values().any(|has| *has == Some(d)));
    if short || is_gone {
        // What stops it is said beside what is missing, though it weighs less.
        if matches!(stops, Verdict::Waiting { .. }) {
            missing.extend(stops.reasons());
        }
        verdict = verdict.and(Verdict::Unknown { missing });
    }
    if let Err(why) = &facts.records {
        verdict = verdict.and(Verdict::unknown(format!("deployment records: {why}")));
    }
    if let Err(why) = &facts.posted {
        let missing = format!("freezes and stops at the helper: {why}");
        verdict = verdict.and(Verdict::unknown(missing));
    }
    (verdict, said.into_keys().collect())
}

/// Why a go does not count: who says it, when, or over what.
fn flaw(
    facts: &GoFacts,
    (name, person): (&str, &Person),
    decision: &Decision,
    saw: &[StatementDigest],
    (soaked_at, time): (u64, u64),
) -> Option<Verdict> {
    let (short, at) = (decision.digest.short(), decision.issued_at);
    let unknown = |reason: String| Some(Verdict::unknown(reason));
    if person.addresses().any(|key| facts.deployers.contains(&key)) {
        return unknown(format!("{name} deployed this release; somebody else says go"));
    }
    if at > time {
        let dated = format_utc(at);
        let reason = format!("the go {short} is dated {dated}, after the target's finalized time");
        return Some(Verdict::Waiting { reasons: vec![reason], eta: Some(at) });
    }
    if at < soaked_at {
        let from = format_utc(soaked_at);
        return unknown(format!(
            "{name} said go ({short}) before the soak was over; they look again from {from}"
        ));
    }
    // Whoever lists a statement had it before them; a list that is older than what stands in it
    // was dated back.
    let dated = |digest: &&StatementDigest| facts.known.get(*digest).is_some_and(|of| *of > at);
    if let Some(later) = saw.iter().find(dated) {
        return unknown(format!(
            "the go {short} by {name} is dated before statement {later} that it lists; they say \
             it anew"
        ));
    }
    let edited = facts.records.as_ref().ok().and_then(|here| changed(here, &decision.records));
    if let Some(path) = edited {
        return unknown(format!(
            "the go {short} by {name} is stale: {path} was changed since; restore it from git, or \
             let {name} say go anew"
        ));
    }
    let why = unseen(facts, saw)?;
    unknown(format!("the go {short} by {name} is stale: {why}"))
}

/// The newest decision of each person; of two at one time the no-go. A go of a later day replaces
/// nothing that was said before; it stands for who has said nothing else.
fn last_words(facts: &GoFacts, time: u64) -> Vec<(&str, &Person, &Decision)> {
    let mut newest: BTreeMap<&str, (&Person, &Decision)> = BTreeMap::new();
    // Of two goes at one time, the one that saw more came later.
    let rank = |decision: &Decision| {
        let saw = decision.saw.as_ref().map_or(0, Vec::len);
        let early = decision.saw.is_some() && decision.issued_at > time;
        (!early, decision.issued_at, decision.saw.is_none(), saw)
    };
    for decision in &facts.decisions {
        let Some((name, person)) = holder(&facts.people, decision.signer) else { continue };
        match newest.get(name) {
            Some((_, other)) if rank(other) >= rank(decision) => {}
            _ => drop(newest.insert(name, (person, decision))),
        }
    }
    newest.into_iter().map(|(name, (person, decision))| (name, person, decision)).collect()
}

/// What a go has not seen of what there is.
fn unseen(facts: &GoFacts, saw: &[StatementDigest]) -> Option<String> {
    let saw: BTreeSet<_> = saw.iter().collect();
    let unseen: Vec<_> = facts.bearing.iter().filter(|(digest, _)| !saw.contains(digest)).collect();
    let named = unseen.iter().take(NAMED_MAX);
    let mut whys: Vec<_> = named
        .map(|(digest, text)| format!("it has not seen {} ({text})", digest.short()))
        .collect();
    if unseen.len() > NAMED_MAX {
        whys.push(format!("and {} more", unseen.len() - NAMED_MAX));
    }
    (!whys.is_empty()).then(|| whys.join("; "))
}

/// What anybody of the policy saw when they said go, also in a go that they replaced since, and
/// that is missing now, because somebody deleted it, or of which nobody knows whether it counts.
fn gone(facts: &GoFacts) -> Vec<String> {
    let mut gone = BTreeMap::new();
    for decision in &facts.decisions {
        let Some((name, _)) = holder(&facts.people, decision.signer) else { continue };
        let saw = decision.saw.iter().flatten();
        for digest in saw {
            let why = match facts.unconfirmed.get(digest) {
                _ if facts.known.contains_key(digest) => continue,
                Some(why) => format!("counts for nothing: {why}"),
                None => "is missing; restore its file".to_owned(),
            };
            gone.insert(digest, (decision.digest.short(), name, why));
        }
    }
    let more = gone.len().saturating_sub(NAMED_MAX);
    let named = gone.into_iter().take(NAMED_MAX).map(|(digest, (go, name, why))| {
        format!("the go {go} by {name} is stale: statement {digest} that it saw {why}")
    });
    let more = (more > 0).then(|| format!("and {more} more are missing"));
    named.chain(more).chain(gone_records(facts)).collect()
}

/// The same of records.
fn gone_records(facts: &GoFacts) -> Vec<String> {
    let Ok(here) = &facts.records else { return Vec::new() };
    let gone = missing_records(&facts.people, &facts.decisions, here);
    let named = gone.iter().take(NAMED_MAX).map(|record| {
        format!("the go {} by {} is stale: {}", record.go.short(), record.by, record.text())
    });
    let more = gone.len().saturating_sub(NAMED_MAX);
    let more = (more > 0).then(|| format!("and {more} more records are missing"));
    named.chain(more).collect()
}

/// What stops it, by file or at the helper. What strangers say binds nobody.
fn stops(facts: &GoFacts, time: u64) -> Verdict {
    let mut verdict = Verdict::Pass;
    for freeze in facts.freezes.iter().filter(|freeze| freeze.until > time) {
        let Some((name, _)) = holder(&facts.people, freeze.signer) else { continue };
        let reason = format!(
            "{name} froze promotions until {} ({}): {}",
            format_utc(freeze.until),
            freeze.digest.short(),
            freeze.reason
        );
        verdict = verdict.and(match &freeze.confirmed {
            Ok(()) => Verdict::Waiting { reasons: vec![reason], eta: Some(freeze.until) },
            Err(_) if is_said_anew(facts, name, freeze.until) => Verdict::Pass,
            Err(why) => Verdict::unknown(format!(
                "{reason}; {why}: have it signed anew, or let {name} freeze anew"
            )),
        });
    }
    for stop in facts.posted.iter().flatten().filter(|stop| stop.until > time) {
        let Some((name, _)) = holder(&facts.people, stop.by) else { continue };
        verdict = verdict.and(if stop.freeze {
            let until = format_utc(stop.until);
            let reason = format!("{name} froze promotions until {until}, posted at the helper");
            Verdict::Waiting { reasons: vec![reason], eta: Some(stop.until) }
        } else {
            Verdict::fail(format!("{name} says no-go, posted at the helper"))
        });
    }
    verdict
}

/// Whether a person has frozen promotions for as long by a statement that counts.
fn is_said_anew(facts: &GoFacts, by: &str, until: u64) -> bool {
    facts.freezes.iter().any(|freeze| {
        let holder = holder(&facts.people, freeze.signer);
        let same = holder.is_some_and(|(name, _)| name == by);
        same && freeze.confirmed.is_ok() && freeze.until >= until
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::rules::GoRule;

    const NOW: u64 = 1_000;

    fn digest(byte: u8) -> StatementDigest {
        StatementDigest(B256::repeat_byte(byte))
    }

    fn decision(key: u8, issued_at: u64, saw: Option<&[u8]>) -> Decision {
        Decision {
            digest: digest(100 + key),
            signer: Address::with_last_byte(key),
            issued_at,
            expires_at: u64::MAX,
            discipline: (key == 3).then(|| "security".to_owned()),
            saw: saw.map(|saw| saw.iter().copied().map(digest).collect()),
            records: Vec::new(),
            reason: String::new(),
            confirmed: Ok(()),
        }
    }

    fn facts(decisions: Vec<Decision>) -> GoFacts {
        let person = |roles: &[&str], keys: &[u8]| Person {
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            firm: None,
            keys: keys.iter().map(|key| Address::with_last_byte(*key).into()).collect(),
        };
        GoFacts {
            people: [
                ("kim".to_owned(), person(&["treasurer"], &[1, 2])),
                ("ada".to_owned(), person(&["security"], &[3])),
                ("eva".to_owned(), person(&["security"], &[4])),
            ]
            .into(),
            deployers: vec![Address::with_last_byte(4)],
            decisions,
            known: [(digest(1), 9), (digest(2), 20)].into(),
            unconfirmed: [(digest(3), "refuses it".to_owned())].into(),
            bearing: [(digest(1), "a bug".to_owned())].into(),
            records: Ok(RecordsHere::default()),
            freezes: Vec::new(),
            posted: Ok(Vec::new()),
            inputs: Vec::new(),
        }
    }

    fn word(people: u32, disciplines: &[&str], facts: GoFacts) -> &'static str {
        let disciplines = disciplines.iter().map(|d| (*d).to_owned()).collect();
        let rules = PolicyRules { go: GoRule { people, disciplines }, ..PolicyRules::default() };
        gate(&rules, &Ok(facts), &Ok(NOW), Some(9)).verdict.word()
    }

    #[test]
    fn a_go_counts_once_and_only_over_everything() {
        let all: Option<&[u8]> = Some(&[1]);
        let cases: [(Vec<Decision>, u32, &[&str], &str); 25] = [
            (vec![], 0, &[], "PASS"),
            (vec![], 1, &[], "UNKNOWN"),
            (vec![decision(1, 9, all)], 1, &[], "PASS"),
            (vec![decision(1, 8, all)], 1, &[], "UNKNOWN"),
            (vec![decision(1, 20, Some(&[1, 2]))], 1, &[], "PASS"),
            (vec![decision(1, 19, Some(&[1, 2]))], 1, &[], "UNKNOWN"),
            (vec![decision(1, 9, Some(&[]))], 1, &[], "UNKNOWN"),
            (vec![decision(1, 9, Some(&[1, 7]))], 1, &[], "UNKNOWN"),
            (vec![decision(1, 9, Some(&[1, 3]))], 1, &[], "UNKNOWN"),
            (vec![decision(1, NOW + 1, all)], 1, &[], "UNKNOWN"),
            (vec![decision(9, 9, all)], 1, &[], "UNKNOWN"),
            (vec![decision(4, 9, all)], 1, &[], "UNKNOWN"),
            (vec![decision(1, 9, all), decision(2, 9, all)], 2, &[], "UNKNOWN"),
            (vec![decision(1, 9, all), decision(3, 9, all)], 2, &[], "PASS"),
            (vec![decision(1, 9, all)], 1, &["security"], "UNKNOWN"),
            (vec![decision(3, 9, all)], 1, &["security"], "PASS"),
            (vec![decision(1, 9, all), decision(3, 10, None)], 1, &[], "FAIL"),
            (vec![decision(1, 9, None), decision(2, 10, all)], 1, &[], "PASS"),
            (vec![decision(1, 9, Some(&[1, 7])), decision(2, 10, all)], 1, &[], "UNKNOWN"),
            (vec![decision(1, 9, Some(&[])), decision(2, 9, all)], 1, &[], "PASS"),
            (vec![decision(1, 9, all), decision(9, 10, None)], 1, &[], "PASS"),
            // One dated in the future replaces nothing.
            (vec![decision(1, 9, None), decision(2, NOW + 1, all)], 0, &[], "FAIL"),
            (vec![decision(1, NOW + 1, all), decision(2, 9, None)], 0, &[], "FAIL"),
            (vec![decision(1, 9, all), decision(2, NOW + 1, all)], 1, &[], "PASS"),
            (vec![decision(1, NOW + 1, all)], 0, &[], "WAITING"),
        ];
        for (index, (decisions, people, disciplines, expected)) in cases.into_iter().enumerate() {
            assert_eq!(word(people, disciplines, facts(decisions)), expected, "case {index}");
        }
    }

    #[test]
    fn a_record_that_was_seen_is_missed() {
        let network =
            tidegate_model::NetworkId { chain: tidegate_model::ChainId(1), genesis: B256::ZERO };
        let seen = |byte: u8| SeenRecord {
            digest: tidegate_model::RecordDigest(B256::repeat_byte(byte)),
            deployment: tidegate_model::DeploymentDigest(B256::repeat_byte(byte)),
            anchor: B256::ZERO,
            network,
            file: format!("v-{byte}.json"),
        };
        let here = |digests: &[u8]| {
            let file = |byte: &u8| {
                let SeenRecord { digest, deployment, anchor, file, .. } = seen(*byte);
                let (path, anchor) = (format!("here/{file}"), Some(anchor));
                crate::RecordFile { path, digest, deployment, anchor, counts: true }
            };
            let files = digests.iter().map(file).collect();
            let folders = [(network, "here".to_owned())].into();
            Ok(RecordsHere { files, folders, ..RecordsHere::default() })
        };
        let go = |key, at, records: &[u8]| Decision {
            records: records.iter().copied().map(seen).collect(),
            ..decision(key, at, Some(&[1]))
        };
        let report = |decisions: Vec<Decision>, records| {
            let facts = GoFacts { records, ..facts(decisions) };
            let report = gate(&PolicyRules::default(), &Ok(facts), &Ok(NOW), Some(9));
            (report.verdict.word(), format!("{:?} {}", report.verdict, report.summary))
        };
        assert_eq!(report(vec![go(1, 9, &[1])], here(&[1])).0, "PASS");
        let (word, text) = report(vec![go(1, 9, &[1])], here(&[]));
        assert_eq!(word, "UNKNOWN");
        assert!(text.contains("record here/v-1.json (0101010101010101) is gone"), "{text}");
        // Nor does a later go hide what an earlier one saw; a stranger's says nothing.
        assert_eq!(report(vec![go(1, 9, &[1]), go(2, 10, &[])], here(&[])).0, "UNKNOWN");
        assert_eq!(report(vec![go(1, 9, &[]), go(9, 9, &[1])], here(&[])).0, "PASS");
        let (word, text) = report(vec![go(1, 9, &[1])], here(&[1, 2]));
        assert_eq!(word, "PASS");
        assert!(text.contains("nobody who said go lists here/v-2.json"), "{text}");
        assert_eq!(report(vec![go(1, 9, &[1])], Err("a file".to_owned())).0, "UNKNOWN");
    }

    #[test]
    fn who_stops_it() {
        let check = |edit: &dyn Fn(&mut GoFacts), expected: &str| {
            let mut facts = facts(vec![decision(1, 9, Some(&[1]))]);
            edit(&mut facts);
            assert_eq!(word(1, &[], facts), expected);
        };
        let stop =
            |by, freeze, until| PostedStop { by: Address::with_last_byte(by), freeze, until };
        let frozen = |by, until| FreezeFact {
            digest: digest(1),
            signer: Address::with_last_byte(by),
            until,
            reason: String::new(),
            confirmed: Ok(()),
        };
        let doubtful = || Err("refuses it".to_owned());
        let no_go = |by, at| Decision { confirmed: doubtful(), ..decision(by, at, None) };
        let thawed = |by, until| FreezeFact { confirmed: doubtful(), ..frozen(by, until) };
        check(&|f| f.decisions.push(no_go(3, 9)), "UNKNOWN");
        check(&|f| f.decisions.push(no_go(9, 9)), "PASS");
        check(&|f| f.decisions.push(no_go(2, 10)), "UNKNOWN");
        check(&|f| f.decisions.push(no_go(2, 8)), "PASS");
        check(&|f| f.decisions.extend([no_go(3, 9), decision(3, 10, None)]), "FAIL");
        check(&|f| f.freezes.push(thawed(3, NOW + 1)), "UNKNOWN");
        check(&|f| f.freezes.push(thawed(3, NOW)), "PASS");
        check(&|f| f.freezes.push(thawed(9, NOW + 1)), "PASS");
        check(&|f| f.freezes.extend([thawed(3, NOW + 2), frozen(3, NOW + 1)]), "UNKNOWN");
        check(&|f| f.freezes.extend([thawed(3, NOW + 1), frozen(3, NOW + 1)]), "WAITING");
        check(&|f| f.freezes.push(frozen(3, NOW + 1)), "WAITING");
        check(&|f| f.freezes.push(frozen(3, NOW)), "PASS");
        check(&|f| f.freezes.push(frozen(9, NOW + 1)), "PASS");
        check(&|f| f.posted = Ok(vec![stop(3, true, NOW + 1)]), "WAITING");
        check(&|f| f.posted = Ok(vec![stop(3, false, NOW + 1)]), "FAIL");
        check(&|f| f.posted = Ok(vec![stop(9, false, NOW + 1)]), "PASS");
        check(&|f| f.posted = Err("no answer".to_owned()), "UNKNOWN");
    }
}
