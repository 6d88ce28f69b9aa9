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
use tidegate_model::statement::{SeenRecord, no_go_said_at};
use tidegate_model::units::{counted, format_utc};
use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, StatementDigest, Verdict};

use crate::bugs::dismissals;
use crate::people::{has_role, holder};
use crate::records::{RecordsHere, changed, missing_records, unlisted};
use crate::{BugFacts, Observed, PolicyRules};

/// How many people say go without a statement that an earlier go lists, and that nobody has.
const WITHOUT_MIN: usize = 2;

/// How many statements of a stale go are named.
const NAMED_MAX: usize = 5;

/// Decisions on the release, and the statements and records that bear on it.
#[derive(Debug, Clone)]
pub struct GoFacts {
    /// People with their keys and roles, by name.
    pub people: BTreeMap<String, Person>,
    /// Keys that deployed this release.
    pub deployers: Vec<Address>,
    /// Every go and no-go about this release. A go is confirmed.
    pub decisions: Vec<Decision>,
    /// Every statement that is there, and how each is dated.
    pub known: BTreeMap<StatementDigest, u64>,
    /// Statements whose files are there and that count for nothing, and why.
    pub unconfirmed: BTreeMap<StatementDigest, Reason>,
    /// Of them each go about this release by somebody of the policy: by whom, and why it does not
    /// count now.
    pub unheard: Vec<Reason>,
    /// Those of them that the chains contradict: they never counted, so nobody misses them.
    pub void: BTreeSet<StatementDigest>,
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
    pub digest: StatementDigest,
    /// The signer's address.
    pub signer: Address,
    /// Seconds since 1970.
    pub issued_at: u64,
    pub discipline: Option<String>,
    /// When a go ends. A no-go stays.
    pub expires_at: u64,
    /// The statements and records that a go lists; `None` for a no-go.
    pub saw: Option<Vec<StatementDigest>>,
    /// The records that a go has seen.
    pub records: Vec<SeenRecord>,
    pub reason: String,
    /// Whether it is confirmed: by the contract that signed it, and by the block that it names.
    /// Otherwise why not.
    pub confirmed: Observed<()>,
}

/// A freeze by file.
#[derive(Debug, Clone)]
pub struct FreezeFact {
    pub digest: StatementDigest,
    /// The signer's address.
    pub signer: Address,
    /// The end, in seconds since 1970 of the target's chain time.
    pub until: u64,
    pub reason: String,
    /// As for a decision.
    pub confirmed: Observed<()>,
}

/// A stop that was posted at the helper. Who deletes the file does not undo it.
#[derive(Debug, Clone)]
pub struct PostedStop {
    /// The poster's address.
    pub by: Address,
    /// Whether it freezes the project, rather than stopping this release.
    pub freeze: bool,
    /// The end, in seconds since 1970 of the target's chain time.
    pub until: u64,
}

pub(crate) fn gate(
    rules: &PolicyRules,
    facts: &Observed<GoFacts>,
    bugs: &Observed<BugFacts>,
    gate_time: &Observed<u64>,
    soaked_at: Option<u64>,
) -> GateReport {
    let (verdict, summary, inputs) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (missing.clone().into_unknown(), "could not be checked".to_owned(), Vec::new())
        }
        (Ok(facts), Ok(time)) => {
            let facts = current(facts, *time);
            // Where nobody knows the bugs, their gate says so.
            let called_away =
                bugs.as_ref().map_or_else(|_| BTreeMap::new(), |bugs| dismissals(bugs, *time));
            let moment = Moment { soaked_at: soaked_at.unwrap_or(0), time: *time, called_away };
            let (verdict, people) = judge(rules, &facts, &moment);
            let names: Vec<_> = people.into_iter().collect();
            let by =
                if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            let of = rules.go.people;
            let mut summary = format!(
                "{} of {of} said go{by}, {} to review",
                names.len(),
                counted(facts.bearing.len(), "statement")
            );
            summary += &unlisted_records(&facts, &names, *time);
            summary += &named_without(&facts, *time);
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

/// When it is judged, and who has called a bug away by then.
struct Moment<'a> {
    /// When the soak was over.
    soaked_at: u64,
    time: u64,
    /// Who called which bug that stops the release none.
    called_away: BTreeMap<&'a str, StatementDigest>,
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
    moment: &Moment<'_>,
) -> (Verdict, BTreeSet<&'a str>) {
    let time = moment.time;
    let stops = stops(facts, time);
    let mut verdict = stops.clone();
    let mut said = BTreeMap::new();
    let gone = gone(facts, time);
    let is_gone = !gone.is_empty();
    let mut missing = gone;
    for (name, person, decision) in last_words(facts, time) {
        let Some(saw) = &decision.saw else {
            verdict = verdict.and(no_go(name, decision));
            continue;
        };
        match flaw(facts, (name, person), decision, saw, moment) {
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
        let text = format!("{} of {} said go", said.len(), counted(wanted.people, "person"));
        missing.insert(0, Reason::new(ReasonCode::TooFewGoes, text));
        missing.extend(strangers.map(|decision| {
            let (short, signer) = (decision.digest.short(), decision.signer);
            let text = format!("the go {short} is by {signer}, who is nobody in this policy");
            Reason::new(ReasonCode::GoByStranger, text)
        }));
    }
    for discipline in &wanted.disciplines {
        if !said.values().any(|has| *has == Some(discipline)) {
            let text = format!("nobody said go as {discipline}");
            missing.push(Reason::new(ReasonCode::DisciplineMissing, text));
        }
    }
    let short = said.len() < wanted.people as usize
        || wanted.disciplines.iter().any(|d| !said.values().any(|has| *has == Some(d)));
    if short {
        missing.extend(facts.unheard.iter().take(NAMED_MAX).cloned());
    }
    if short || is_gone {
        // What stops it is said beside what is missing, though it weighs less.
        if matches!(stops, Verdict::Waiting { .. }) {
            missing.extend(stops.reasons());
        }
        verdict = verdict.and(Verdict::Unknown { missing });
    }
    if let Err(why) = &facts.records {
        let words = |why: &str| format!("deployment records: {why}");
        verdict = verdict.and(why.clone().reworded(words).into_unknown());
    }
    if let Err(why) = &facts.posted {
        let words = |why: &str| format!("freezes and stops at the helper: {why}");
        verdict = verdict.and(why.clone().reworded(words).into_unknown());
    }
    (verdict, said.into_keys().collect())
}

/// Somebody's no-go, which stops it; one that its contract no longer confirms is doubtful.
fn no_go(name: &str, decision: &Decision) -> Verdict {
    let text = format!("{name} says no-go ({}): {}", decision.digest.short(), decision.reason);
    let reason = Reason::new(ReasonCode::NoGo, text);
    match &decision.confirmed {
        Ok(()) => reason.into_fail(),
        Err(why) => {
            let words = |reason: &str| {
                format!("{reason}; {why}: have it signed again, or let {name} decide again")
            };
            reason.reworded(words).within(why).into_unknown()
        }
    }
}

/// The reason that a go does not count: its signer, its date, or what it lists.
fn flaw(
    facts: &GoFacts,
    (name, person): (&str, &Person),
    decision: &Decision,
    saw: &[StatementDigest],
    moment: &Moment<'_>,
) -> Option<Verdict> {
    let Moment { soaked_at, time, called_away } = moment;
    let (soaked_at, time) = (*soaked_at, *time);
    let (short, at) = (decision.digest.short(), decision.issued_at);
    let unknown = |code, reason: String| Some(Verdict::unknown(code, reason));
    if person.addresses().any(|key| facts.deployers.contains(&key)) {
        let text = format!("{name} deployed this release; somebody else must say go");
        return unknown(ReasonCode::GoByDeployer, text);
    }
    if let Some(bug) = called_away.get(name) {
        let bug = bug.short();
        let text = format!("{name} dismissed bug {bug} of this release; somebody else must say go");
        return unknown(ReasonCode::GoByDismisser, text);
    }
    if at > time {
        let dated = format_utc(at);
        let reason = format!("the go {short} is dated {dated}, after the target's finalized time");
        return Some(Verdict::waiting(ReasonCode::GoAhead, reason, Some(at)));
    }
    if at < soaked_at {
        let from = format_utc(soaked_at);
        let text = format!(
            "{name} said go ({short}) before the soak was over; it must be said again from {from}"
        );
        return unknown(ReasonCode::GoTooEarly, text);
    }
    // Whoever lists a statement had it before them; a list that is older than what stands in it
    // was dated back.
    let dated = |digest: &&StatementDigest| facts.known.get(*digest).is_some_and(|of| *of > at);
    if let Some(later) = saw.iter().find(dated) {
        let text = format!(
            "the go {short} by {name} is dated before statement {later} that it lists; it must be \
             said again"
        );
        return unknown(ReasonCode::GoBackdated, text);
    }
    let edited = facts.records.as_ref().ok().and_then(|here| changed(here, &decision.records));
    if let Some(path) = edited {
        let text = format!(
            "the go {short} by {name} is stale: {path} was changed since; restore it from git, or \
             let {name} say go again"
        );
        return unknown(ReasonCode::RecordChanged, text);
    }
    let why = unseen(facts, saw)?;
    unknown(ReasonCode::GoStale, format!("the go {short} by {name} is stale: {why}"))
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
fn gone(facts: &GoFacts, time: u64) -> Vec<Reason> {
    let mut gone = missing_statements(facts);
    let without = left_out(facts, time);
    gone.retain(|digest, _| !without.contains(digest));
    let more = gone.len().saturating_sub(NAMED_MAX);
    let named = gone.into_iter().take(NAMED_MAX).map(|(digest, missing)| {
        let (go, name) = (missing.go.short(), missing.by);
        let why = match facts.unconfirmed.get(&digest) {
            Some(why) => {
                let text = format!("does not count: {why}");
                Reason::new(ReasonCode::SeenVoid, text).within(why)
            }
            None => Reason::new(
                ReasonCode::SeenGone,
                "is missing; restore its file. If nobody has it, two people review everything \
                 else and say go with `--without`",
            ),
        };
        why.reworded(|why| {
            format!("the go {go} by {name} is stale: statement {digest} that it saw {why}")
        })
    });
    let text = || format!("and {more} more are missing");
    let more = (more > 0).then(|| Reason::new(ReasonCode::More, text()));
    named.chain(more).chain(gone_records(facts)).collect()
}

/// A statement that a go lists and that does not count here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingStatement {
    pub go: StatementDigest,
    /// The name of the person who signed the go.
    pub by: String,
    /// When the latest go that lists it was said.
    pub listed_at: u64,
}

/// What goes of these people list and is not here.
pub fn listed_and_missing(
    people: &BTreeMap<String, Person>,
    decisions: &[Decision],
    is_here: impl Fn(&StatementDigest) -> bool,
) -> BTreeMap<StatementDigest, MissingStatement> {
    let mut missing: BTreeMap<StatementDigest, MissingStatement> = BTreeMap::new();
    for decision in decisions {
        let Some((by, _)) = holder(people, decision.signer) else { continue };
        for digest in decision.saw.iter().flatten().filter(|digest| !is_here(digest)) {
            let listed_at = missing.get(digest).map_or(0, |known| known.listed_at);
            let (go, by) = (decision.digest, by.to_owned());
            let listed_at = listed_at.max(decision.issued_at);
            missing.insert(*digest, MissingStatement { go, by, listed_at });
        }
    }
    missing
}

fn missing_statements(facts: &GoFacts) -> BTreeMap<StatementDigest, MissingStatement> {
    let is_here = |digest: &_| facts.known.contains_key(digest) || facts.void.contains(digest);
    listed_and_missing(&facts.people, &facts.decisions, is_here)
}

/// Statements that goes list, that nobody has here, and without which two people who did not deploy
/// have said go since, at a later block: what never was, nobody restores. One person's word hides
/// nothing.
fn left_out(facts: &GoFacts, time: u64) -> BTreeSet<StatementDigest> {
    let deployed = |person: &Person| person.addresses().any(|key| facts.deployers.contains(&key));
    let words = last_words(facts, time).into_iter();
    let goes = words.filter(|(_, person, said)| !deployed(person) && said.issued_at <= time);
    let goes: Vec<_> = goes.filter_map(|(.., said)| Some((said, said.saw.as_ref()?))).collect();
    let mut left = BTreeSet::new();
    for (digest, missing) in missing_statements(facts) {
        let without = goes.iter().filter(|(said, saw)| {
            said.confirmed.is_ok() && said.issued_at > missing.listed_at && !saw.contains(&digest)
        });
        if without.count() >= WITHOUT_MIN {
            left.insert(digest);
        }
    }
    left
}

/// Statements that an earlier go lists and that nobody misses any more, in words.
fn named_without(facts: &GoFacts, time: u64) -> String {
    let left = left_out(facts, time);
    let named: Vec<_> = left.iter().take(NAMED_MAX).map(|digest| digest.short()).collect();
    if named.is_empty() {
        return String::new();
    }
    format!("; two people say go without {}, which an earlier go lists", named.join(", "))
}

/// The same of records.
fn gone_records(facts: &GoFacts) -> Vec<Reason> {
    let Ok(here) = &facts.records else { return Vec::new() };
    let gone = missing_records(&facts.people, &facts.decisions, here);
    let named = gone.iter().take(NAMED_MAX).map(|record| {
        let (go, by, text) = (record.go.short(), &record.by, record.text());
        let text = format!("the go {go} by {by} is stale: {text}");
        Reason::new(ReasonCode::RecordGone, text)
    });
    let more = gone.len().saturating_sub(NAMED_MAX);
    let text = || format!("missing as well: {}", counted(more, "more record"));
    let more = (more > 0).then(|| Reason::new(ReasonCode::More, text()));
    named.chain(more).collect()
}

/// The stops, by file or at the helper. Only keys under `[people]` count.
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
            Ok(()) => Verdict::waiting(ReasonCode::Frozen, reason, Some(freeze.until)),
            Err(_) if is_said_anew(facts, name, freeze.until) => Verdict::Pass,
            Err(why) => {
                let text =
                    format!("{reason}; {why}: have it signed again, or let {name} freeze again");
                Reason::new(ReasonCode::Frozen, text).within(why).into_unknown()
            }
        });
    }
    for stop in facts.posted.iter().flatten().filter(|stop| stop.until > time) {
        let Some((name, _)) = holder(&facts.people, stop.by) else { continue };
        verdict = verdict.and(if stop.freeze {
            let until = format_utc(stop.until);
            let reason = format!("{name} froze promotions until {until}, posted at the helper");
            Verdict::waiting(ReasonCode::FrozenPosted, reason, Some(stop.until))
        } else if is_lifted(facts, name, stop.until, time) {
            Verdict::Pass
        } else {
            let text =
                format!("{name} says no-go, posted at the helper; a newer go by {name} lifts it");
            Verdict::fail(ReasonCode::NoGoPosted, text)
        });
    }
    verdict
}

/// Whether a person has said go since they said the no-go that is posted. Its end says when that
/// was. Whoever finds an old no-go in a file and posts it stops nothing that its author has lifted.
fn is_lifted(facts: &GoFacts, by: &str, until: u64, time: u64) -> bool {
    let Some(said_at) = no_go_said_at(until) else { return false };
    let mut words = last_words(facts, time).into_iter().filter(|(name, ..)| *name == by);
    words.any(|(_, _, word)| {
        word.saw.is_some() && word.issued_at > said_at && word.issued_at <= time
    })
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
mod tests;
