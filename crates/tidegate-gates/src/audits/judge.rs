//! The judgement on each attestation, and the contracts that it covers.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use tidegate_model::policy::Person;
use tidegate_model::statement::{AuditVerdict, Severity};
use tidegate_model::units::format_utc;
use tidegate_model::{GateInput, Reason, ReasonCode, StatementDigest, Verdict};

use super::risks::accepted;
use super::{
    AttestationFact, AuditFacts, Coverage, FindingFact, Item, RevocationFact, ScopeHashes,
};

/// A delta review rests on at most this many others, one on the next.
const DELTAS_MAX: usize = 16;

/// The judgement on all attestations.
#[derive(Debug)]
pub(super) struct Judged {
    /// Contradictions and what is waited for; a shortage of firms is not in it.
    pub(super) verdict: Verdict,
    /// The firms that cover each item.
    pub(super) coverage: Coverage,
    /// How many findings are accepted by the auditors of those that count.
    pub(super) accepted: usize,
    /// The attestations that count.
    pub(super) counting: BTreeSet<StatementDigest>,
    /// Why attestations do not count.
    pub(super) missing: Vec<Reason>,
    /// The judgement on each attestation, in words.
    pub(super) standings: BTreeMap<StatementDigest, String>,
    /// Where contracts confirmed what they signed.
    pub(super) inputs: Vec<GateInput>,
}

impl Default for Judged {
    /// Nothing is known, and nothing stands against it.
    fn default() -> Self {
        Self {
            verdict: Verdict::Pass,
            coverage: Coverage::new(),
            accepted: 0,
            counting: BTreeSet::new(),
            missing: Vec::new(),
            standings: BTreeMap::new(),
            inputs: Vec::new(),
        }
    }
}

impl Judged {
    fn stands(&mut self, digest: StatementDigest, words: &str) {
        self.standings.insert(digest, words.to_owned());
    }
}

/// What is summed up while attestations are looked at.
struct Tally<'a> {
    /// When each firm last covered each item.
    newest: BTreeMap<Item, BTreeMap<&'a str, u64>>,
    contradictions: Vec<Contradiction<'a>>,
    replaced: BTreeSet<StatementDigest>,
    judged: Judged,
}

/// The judgement on one attestation.
enum Standing {
    Counts,
    NotYet,
    Lacks(Reason),
    Contradicts(Verdict),
}

/// A contradiction, and what it is about.
struct Contradiction<'a> {
    of: StatementDigest,
    firm: &'a str,
    issued_at: u64,
    items: BTreeSet<Item>,
    verdict: Verdict,
}

/// The facts with what is looked up often.
pub(super) struct Judge<'a> {
    facts: &'a AuditFacts,
    time: u64,
    auditors: BTreeMap<Address, &'a Person>,
    by_digest: BTreeMap<StatementDigest, &'a AttestationFact>,
    revoked: BTreeMap<(StatementDigest, Address), &'a RevocationFact>,
    successors: BTreeMap<StatementDigest, Vec<&'a AttestationFact>>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(facts: &'a AuditFacts, time: u64) -> Self {
        let auditors = facts.people.values().filter(|person| is_auditor(person));
        let auditors = auditors.flat_map(|person| person.addresses().map(move |key| (key, person)));
        let mut successors: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for fact in &facts.attestations {
            if !fact.attestation.supersedes.0.is_zero() {
                successors.entry(fact.attestation.supersedes).or_default().push(fact);
            }
        }
        let mut revoked = BTreeMap::new();
        for revocation in &facts.revocations {
            let found = revoked.entry((revocation.attestation, revocation.by));
            // One that is confirmed comes before one that is not.
            let found = found.or_insert(revocation);
            if found.confirmed.is_err() {
                *found = revocation;
            }
        }
        Self {
            facts,
            time,
            auditors: auditors.collect(),
            by_digest: facts.attestations.iter().map(|fact| (fact.digest, fact)).collect(),
            revoked,
            successors,
        }
    }

    /// Attestations over an item of the release.
    pub(super) fn covering(&self) -> BTreeSet<StatementDigest> {
        let of_release = self.facts.attestations.iter();
        let of_release = of_release.filter(|fact| !self.in_release(&self.reach(fact)).is_empty());
        of_release.map(|fact| fact.digest).collect()
    }

    /// The same, what they rest on and what replaces them, and those of which nobody knows what
    /// they are over.
    pub(super) fn relevant(&self, also: Option<StatementDigest>) -> BTreeSet<StatementDigest> {
        let mut found = self.covering();
        found.extend(also);
        for fact in &self.facts.attestations {
            if self.own(fact).is_none() && self.firm(fact.attestation.auditor).is_some() {
                found.insert(fact.digest);
            }
        }
        let mut open: Vec<_> = found.iter().copied().collect();
        while let Some(digest) = open.pop() {
            let base = self.by_digest.get(&digest).map(|fact| fact.attestation.supersedes);
            let base = base.and_then(|base| self.by_digest.get(&base).copied());
            let after = self.successors.get(&digest).into_iter().flatten().copied();
            for next in base.into_iter().chain(after) {
                if found.insert(next.digest) {
                    open.push(next.digest);
                }
            }
        }
        found
    }

    pub(super) fn judge(&self) -> Judged {
        let mut tally = Tally {
            newest: self.wanted().map(|(item, _)| (item, BTreeMap::new())).collect(),
            contradictions: Vec::new(),
            replaced: BTreeSet::new(),
            judged: Judged::default(),
        };
        for fact in &self.facts.attestations {
            self.weigh(fact, &mut tally);
        }
        let Tally { newest, contradictions, replaced, mut judged } = tally;
        for found in contradictions {
            // A firm that has attested anew since has had its last word.
            let later = |item: &Item| {
                let of = newest.get(item).and_then(|firms| firms.get(found.firm));
                of.is_some_and(|newest| *newest > found.issued_at)
            };
            if !replaced.contains(&found.of) && !found.items.iter().all(later) {
                judged.verdict = judged.verdict.and(found.verdict);
            }
        }
        judged.inputs.sort_by(|a: &GateInput, b| (&a.kind, a.chain).cmp(&(&b.kind, b.chain)));
        judged.inputs.dedup();
        let owned = |firms: BTreeMap<&str, u64>| firms.into_keys().map(str::to_owned).collect();
        judged.coverage = newest.into_iter().map(|(item, firms)| (item, owned(firms))).collect();
        judged
    }

    /// What one attestation adds.
    fn weigh(&self, fact: &'a AttestationFact, tally: &mut Tally<'a>) {
        let (a, digest, short) = (&fact.attestation, fact.digest, fact.digest.short());
        let about = self.in_release(&self.reach(fact));
        let judged = &mut tally.judged;
        let Some(firm) = self.firm(a.auditor) else {
            judged.stands(digest, "is not by an auditor of this policy");
            if !about.is_empty() {
                let auditor = a.auditor;
                let text = format!("{short} is by {auditor}, who is not an auditor of this policy");
                judged.missing.push(Reason::new(ReasonCode::NoAuditor, text));
            }
            return;
        };
        if let (Err(why), None) = (&fact.covers, self.own(fact)) {
            let text = format!("{short} by {firm} is over another scope, and {why}");
            judged.missing.push(Reason::new(ReasonCode::ScopeUnknown, text));
        }
        if about.is_empty() {
            return judged.stands(digest, "covers nothing here");
        }
        match self.standing(fact, firm) {
            Standing::Counts => {
                judged.stands(digest, "counts");
                judged.counting.insert(digest);
                judged.inputs.extend(fact.confirmed.clone().ok().flatten());
                judged.accepted += usize::from(a.accepted);
                if a.verdict == AuditVerdict::Delta {
                    tally.replaced.insert(a.supersedes);
                }
                for item in self.counted(fact, &about) {
                    let of = tally.newest.entry(item).or_default().entry(firm).or_insert(0);
                    *of = a.issued_at.max(*of);
                }
            }
            Standing::NotYet => {
                let reason = format!(
                    "attestation {short} is dated {}, after the target's finalized time",
                    format_utc(a.issued_at)
                );
                judged.stands(digest, "waits for its date");
                let eta = Some(a.issued_at);
                let waiting = Verdict::waiting(ReasonCode::AttestationAhead, reason, eta);
                judged.verdict = std::mem::replace(&mut judged.verdict, Verdict::Pass).and(waiting);
            }
            Standing::Lacks(reason) => {
                judged.stands(digest, &reason.text);
                judged.missing.push(reason);
            }
            Standing::Contradicts(verdict) => {
                judged.stands(digest, &verdict.sentences().join("; "));
                let (of, issued_at, items) = (digest, a.issued_at, about);
                tally.contradictions.push(Contradiction { of, firm, issued_at, items, verdict });
            }
        }
    }

    pub(super) fn firm(&self, auditor: Address) -> Option<&'a str> {
        self.auditors.get(&auditor)?.firm.as_deref()
    }

    fn revoked(&self, fact: &AttestationFact) -> Option<&'a RevocationFact> {
        self.revoked.get(&(fact.digest, fact.attestation.auditor)).copied()
    }

    /// The contracts that an attestation names by itself. Without its preimage that is known only
    /// of the present scope.
    fn own(&self, fact: &'a AttestationFact) -> Option<&'a ScopeHashes> {
        match &fact.covers {
            _ if fact.attestation.scope_root == self.facts.scope_root => {
                Some(&self.facts.contracts)
            }
            Ok(covers) => Some(covers),
            Err(_) => None,
        }
    }

    /// Whether an attestation is by itself over nothing but items of the release.
    pub(super) fn is_within(&self, fact: &'a AttestationFact) -> bool {
        let Some(own) = self.own(fact) else { return false };
        let here = |(fqn, hash): (_, _)| self.facts.contracts.get(fqn) == Some(hash);
        let plan = fact.attestation.plan_digest == self.facts.plan;
        own.iter().all(here) && (plan || !own.is_empty())
    }

    /// Every item of the release with its digest.
    fn wanted(&self) -> impl Iterator<Item = (Item, B256)> + '_ {
        let contracts = self.facts.contracts.iter();
        let contracts = contracts.map(|(fqn, hash)| (Item::Contract(fqn.clone()), *hash));
        contracts.chain([(Item::Plan, self.facts.plan.0)])
    }

    /// What it speaks of, with what it rests on if it is a delta review.
    fn reach(&self, fact: &'a AttestationFact) -> BTreeMap<Item, B256> {
        let mut all = BTreeMap::new();
        let (mut next, mut known) = (Some(fact), true);
        for _ in 0..DELTAS_MAX {
            let Some(fact) = next else { break };
            // Below contracts that are not known, none are; a plan is named by the statement.
            let own = self.own(fact).filter(|_| known);
            known = own.is_some();
            for (contract, hash) in own.into_iter().flatten() {
                all.entry(Item::Contract(contract.clone())).or_insert(*hash);
            }
            if fact.attestation.names_plan() {
                all.entry(Item::Plan).or_insert(fact.attestation.plan_digest.0);
            }
            let delta = fact.attestation.verdict == AuditVerdict::Delta;
            next = self.by_digest.get(&fact.attestation.supersedes).copied().filter(|_| delta);
        }
        all
    }

    /// The items of the release among these: those that are exactly the same.
    fn in_release(&self, reach: &BTreeMap<Item, B256>) -> BTreeSet<Item> {
        let same = self.wanted().filter(|(item, hash)| reach.get(item) == Some(hash));
        same.map(|(item, _)| item).collect()
    }

    /// Those that no later attestation of the same firm replaces. A delta review carries on what
    /// it rests on, so that its own base does not count beside it for what it changed. A plan is
    /// ended only by another word on the same plan, so that a return to an older release stays
    /// covered.
    fn counted(&self, fact: &'a AttestationFact, about: &BTreeSet<Item>) -> Vec<Item> {
        let firm = self.firm(fact.attestation.auditor);
        let successors = self.successors.get(&fact.digest).into_iter().flatten().copied();
        let successors: Vec<_> = successors
            .filter(|next| {
                self.firm(next.attestation.auditor) == firm
                    && next.confirmed.is_ok()
                    && next.attestation.issued_at <= self.time
            })
            .collect();
        let replaces = |next: &'a AttestationFact, item: &Item| match item {
            // What a successor of unknown scope replaces is not known.
            Item::Contract(fqn) => self.own(next).is_none_or(|own| own.contains_key(fqn)),
            Item::Plan => next.attestation.plan_digest == self.facts.plan,
        };
        let replaced = |item: &Item| successors.iter().any(|next| replaces(next, item));
        about.iter().filter(|item| !replaced(item)).cloned().collect()
    }

    fn standing(&self, fact: &'a AttestationFact, firm: &str) -> Standing {
        let (a, short) = (&fact.attestation, fact.digest.short());
        let (critical, high) = (a.open_critical, a.open_high);
        let grave = format!("{firm} reports open findings: {critical} critical, {high} high");
        let lacks = |code, why: String| {
            Standing::Lacks(Reason::new(code, format!("{short} by {firm} {why}")))
        };
        if let Err(why) = &fact.confirmed {
            let text = format!("{short} by {firm}: {why}");
            let lacks = Reason::new(ReasonCode::AttestationUnconfirmed, text).within(why);
            // Who stops confirming what was found has not taken it back.
            if critical == 0 && high == 0 {
                return Standing::Lacks(lacks);
            }
            let open = Reason::new(ReasonCode::OpenFindings, format!("{grave}; {lacks}"));
            return Standing::Contradicts(open.within(&lacks).into_unknown());
        }
        if let Some(RevocationFact { found, confirmed, .. }) = self.revoked(fact) {
            let text = format!("{firm} revoked attestation {short} ({found})");
            let reason = Reason::new(ReasonCode::Revoked, text);
            return Standing::Contradicts(match confirmed {
                Ok(()) => reason.into_fail(),
                Err(why) => {
                    let words =
                        |reason: &str| format!("{reason}; {why}: have it signed or attested again");
                    reason.reworded(words).within(why).into_unknown()
                }
            });
        }
        if critical > 0 || high > 0 {
            return Standing::Contradicts(Verdict::fail(ReasonCode::OpenFindings, grave));
        }
        if let Some(standing) = self.findings(fact, firm) {
            return standing;
        }
        if let Some(fault) = a.fault() {
            return lacks(ReasonCode::AttestationFaulty, fault.to_string());
        }
        if a.verdict == AuditVerdict::Deployment {
            let why = "has the verdict `deployment`".to_owned();
            return lacks(ReasonCode::AttestationOfDeployment, why);
        }
        if a.issued_at > self.time {
            return Standing::NotYet;
        }
        if a.valid_until <= self.time {
            let why = format!("expired {}", format_utc(a.valid_until));
            return lacks(ReasonCode::AttestationExpired, why);
        }
        match self.base_holds(fact, firm) {
            Ok(()) => Standing::Counts,
            Err(why) => {
                let text = format!("{short} by {firm} is a delta review, and {why}");
                Standing::Lacks(Reason::new(ReasonCode::DeltaBase, text).within(&why))
            }
        }
    }

    /// What its findings make of it; nothing where they are no obstacle.
    fn findings(&self, fact: &AttestationFact, firm: &str) -> Option<Standing> {
        let (a, short) = (&fact.attestation, fact.digest.short());
        let lacks = |code, why: &str| {
            Some(Standing::Lacks(Reason::new(code, format!("{short} by {firm} {why}"))))
        };
        let documented = !a.findings_digest.is_zero();
        if !documented {
            return None;
        }
        let (document, open) = match &fact.findings {
            Ok(document) => (document, &document.open),
            // Who deletes the document hides no finding.
            Err(why) if a.open_medium > 0 => {
                let reason = format!("findings of {firm} ({short}): {why}");
                let verdict = Verdict::unknown(ReasonCode::FindingsUnread, reason);
                return Some(Standing::Contradicts(verdict));
            }
            Err(why) => {
                return lacks(ReasonCode::FindingsUnread, &format!("names findings, and {why}"));
            }
        };
        let count = |severity| open.iter().filter(|f| f.severity == severity).count();
        let [critical, high] = [Severity::Critical, Severity::High].map(count);
        if critical + high > 0 {
            let reason =
                format!("the findings of {firm} list open ones: {critical} critical, {high} high");
            let verdict = Verdict::fail(ReasonCode::OpenFindingsListed, reason);
            return Some(Standing::Contradicts(verdict));
        }
        let listed = (document.found, document.fixed, document.accepted, count(Severity::Medium));
        let told = [a.found, a.fixed, a.accepted, a.open_medium].map(usize::from);
        let told = (told[0], told[1], told[2], told[3]);
        if listed != told {
            let why = format!(
                "counts {told:?} findings (found, fixed, accepted, open of medium severity), its \
                 document {listed:?}"
            );
            return lacks(ReasonCode::FindingsMiscounted, &why);
        }
        let of_medium = open.iter().filter(|finding| finding.severity == Severity::Medium);
        let unaccepted = of_medium.filter_map(|finding| {
            let why = accepted(self.facts, firm, finding, self.time).err()?;
            Some(why.reworded(|why| unaccepted(firm, finding, why)))
        });
        let missing: Vec<_> = unaccepted.collect();
        if missing.is_empty() {
            return None;
        }
        Some(Standing::Contradicts(Verdict::Unknown { missing }))
    }

    /// Whether what a delta review rests on holds: an attestation of the same firm that is neither
    /// revoked nor expired. What it found is as the delta says.
    fn base_holds(&self, fact: &AttestationFact, firm: &str) -> Result<(), Reason> {
        if fact.attestation.verdict == AuditVerdict::Delta {
            self.holds(fact.attestation.supersedes, firm)?;
        }
        Ok(())
    }

    /// The same of an attestation that one may rest on, and of all on which that one rests.
    pub(super) fn holds(&self, mut wanted: StatementDigest, firm: &str) -> Result<(), Reason> {
        for _ in 0..DELTAS_MAX {
            let Some(base) = self.by_digest.get(&wanted).copied() else {
                let text =
                    format!("the attestation {} that it rests on is missing", wanted.short());
                return Err(Reason::new(ReasonCode::BaseMissing, text));
            };
            let (a, short) = (&base.attestation, wanted.short());
            let fault = |code, why: String| {
                Err(Reason::new(code, format!("{short}, on which it rests, {why}")))
            };
            if self.firm(a.auditor) != Some(firm) {
                return fault(ReasonCode::BaseOfOtherFirm, format!("is not by {firm}"));
            }
            if let Err(why) = &base.confirmed {
                return fault(ReasonCode::BaseUnconfirmed, format!("is not confirmed: {why}"));
            }
            if let Some(RevocationFact { found, .. }) = self.revoked(base) {
                return fault(ReasonCode::BaseRevoked, format!("was revoked ({found})"));
            }
            if a.valid_until <= self.time || a.issued_at > self.time {
                let (from, until) = (format_utc(a.issued_at), format_utc(a.valid_until));
                return fault(
                    ReasonCode::BaseExpired,
                    format!("is valid from {from} until {until}"),
                );
            }
            if let Some(why) = a.fault() {
                return fault(ReasonCode::BaseFaulty, why.to_string());
            }
            match a.verdict {
                AuditVerdict::Delta => wanted = a.supersedes,
                AuditVerdict::Clean | AuditVerdict::RiskAccepted => return Ok(()),
                AuditVerdict::Deployment => {
                    let why = "does not cover the code".to_owned();
                    return fault(ReasonCode::BaseOfDeployment, why);
                }
            }
        }
        let text = format!("more than {DELTAS_MAX} delta reviews rest on one another");
        Err(Reason::new(ReasonCode::BaseTooDeep, text))
    }
}

fn is_auditor(person: &Person) -> bool {
    person.roles.iter().any(|role| role == "auditor")
}

fn unaccepted(firm: &str, finding: &FindingFact, why: &str) -> String {
    let key = alloy_primitives::hex::encode(&finding.key[..8]);
    format!("medium finding {key} of {firm} ({}): {why}", finding.title)
}
