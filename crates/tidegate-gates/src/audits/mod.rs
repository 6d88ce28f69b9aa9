//! Gate `audits`: enough independent firms have read exactly this code, contract by contract, and
//! what they found is fixed or accepted.
//! The plan is one more item beside the contracts, since what is done with code may undo it.

mod builds;
mod judge;
#[cfg(test)]
mod plan_tests;
mod resets;
mod risks;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{Address, B256};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use tidegate_model::policy::Person;
use tidegate_model::statement::{AuditAttestation, RiskAcceptance, Severity};
use tidegate_model::units::counted;
use tidegate_model::{
    Fqn, GateId, GateInput, GateReport, PlanDigest, Reason, ReasonCode, ScopeRoot, StatementDigest,
    Verdict,
};

use self::judge::Judge;
pub use self::resets::SetBack;
use crate::{Observed, PolicyRules};

/// Each contract with the hash of its scope.
pub type ScopeHashes = BTreeMap<Fqn, B256>;

/// What has to be audited: each contract, and the plan that says what is done with them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    Contract(Fqn),
    /// The plan: its steps with what they create, call and pay, and the rules of its parameters.
    Plan,
}

impl Item {
    /// Its name, for people.
    pub fn name(&self) -> &str {
        match self {
            Self::Contract(contract) => contract.name(),
            Self::Plan => "the plan",
        }
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Item {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(contract) => contract.fmt(f),
            Self::Plan => f.write_str("plan"),
        }
    }
}

/// The firms that cover each item.
pub type Coverage = BTreeMap<Item, BTreeSet<String>>;

/// The facts of gate `audits`.
#[derive(Debug, Clone)]
pub struct AuditFacts {
    /// The scope that has to be covered.
    pub scope_root: ScopeRoot,
    pub contracts: ScopeHashes,
    /// Its plan, which has to be covered too.
    pub plan: PlanDigest,
    /// People with their keys and roles, by name.
    pub people: BTreeMap<String, Person>,
    /// Attestations, of any scope.
    pub attestations: Vec<AttestationFact>,
    /// Revocations, from files and from the helper.
    pub revocations: Vec<RevocationFact>,
    /// Accepted risks of this project, of any scope.
    pub acceptances: Vec<AcceptanceFact>,
    /// Whether revocations could be read at the helper; otherwise what is missing.
    pub helper: Observed<Vec<GateInput>>,
    /// Remarks on files, such as one that was seen and is missing now.
    pub remarks: Vec<String>,
}

/// An attestation whose signature holds, or could not be confirmed.
#[derive(Debug, Clone)]
pub struct AttestationFact {
    pub digest: StatementDigest,
    pub attestation: AuditAttestation,
    /// Where the contract that signed it confirmed that; nothing for a key. Otherwise why it is not
    /// confirmed, by its contract or by the block that it names.
    pub confirmed: Observed<Option<GateInput>>,
    /// The contracts that its scope is made of; what is missing where that is not known.
    pub covers: Observed<ScopeHashes>,
    /// What its document lists; nothing without one.
    pub findings: Observed<DocumentFact>,
}

/// What a document of findings lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentFact {
    /// Number of findings.
    pub found: usize,
    /// Number of findings that are fixed.
    pub fixed: usize,
    /// How many a suppression of the kind `external` accepts.
    pub accepted: usize,
    /// Those that are open.
    pub open: Vec<FindingFact>,
}

/// A finding that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingFact {
    pub key: B256,
    pub severity: Severity,
    /// Its subject, for people.
    pub title: String,
}

/// A revocation by an attestation's own signer.
#[derive(Debug, Clone)]
pub struct RevocationFact {
    pub attestation: StatementDigest,
    /// The signer of the revocation.
    pub by: Address,
    /// Seconds since 1970.
    pub at: u64,
    /// Where it was found, for people.
    pub found: String,
    /// Whether it is confirmed, as an attestation; `Ok` for what was posted. Otherwise why not.
    pub confirmed: Observed<()>,
}

/// Somebody's word that a finding may stay open.
#[derive(Debug, Clone)]
pub struct AcceptanceFact {
    pub digest: StatementDigest,
    /// The signer's address.
    pub by: Address,
    /// What they signed.
    pub acceptance: RiskAcceptance,
    /// The target's chain time at signing.
    pub issued_at: u64,
    /// The end, in seconds since 1970.
    pub expires_at: u64,
}

impl AuditFacts {
    /// The digests of the attestations over a contract of this release, or over its plan.
    pub fn covering(&self) -> BTreeSet<StatementDigest> {
        Judge::new(self, 0).covering()
    }

    /// The digests of all attestations that bear on the verdict: the same, what they rest on, what
    /// replaces them, those of auditors of which nobody knows what they are over, and `also`.
    pub fn relevant_with(&self, also: Option<StatementDigest>) -> BTreeSet<StatementDigest> {
        Judge::new(self, 0).relevant(also)
    }

    /// Whether a delta review by this key may rest on an attestation, and if not, why.
    ///
    /// # Errors
    /// Why not.
    pub fn holds_for_delta(
        &self,
        base: StatementDigest,
        auditor: Address,
        time: u64,
    ) -> Result<(), Reason> {
        let judge = Judge::new(self, time);
        let nobody = "the policy names no firm for its signer";
        let firm = judge.firm(auditor).ok_or_else(|| Reason::new(ReasonCode::NoAuditor, nobody))?;
        judge.holds(base, firm)
    }

    /// The judgement on each attestation, in words: `counts`, or why it does not.
    pub fn standings(&self, time: u64) -> BTreeMap<StatementDigest, String> {
        Judge::new(self, time).judge().standings
    }

    /// The digests of the attestations that count at this time.
    pub fn counting(&self, time: u64) -> BTreeSet<StatementDigest> {
        Judge::new(self, time).judge().counting
    }

    /// The findings of an attestation that two people have accepted, with what they signed.
    pub fn accepted(&self, fact: &AttestationFact, time: u64) -> Vec<(B256, Vec<&AcceptanceFact>)> {
        let auditor = fact.attestation.auditor;
        let mut people = self.people.values();
        let person = people.find(|person| person.holds(auditor));
        let firm = person.and_then(|person| person.firm.as_deref()).unwrap_or_default();
        let open = fact.findings.iter().flat_map(|document| &document.open);
        let accepted = open.filter_map(|finding| {
            Some((finding.key, risks::accepted(self, firm, finding, time).ok()?))
        });
        accepted.collect()
    }

    /// Which firms cover each contract of the release, and its plan, at this time.
    pub fn coverage(&self, time: u64) -> Coverage {
        Judge::new(self, time).judge().coverage
    }
}

/// The gate by itself, for who has to evaluate it over less than all that is known.
pub fn audits_gate(
    rules: &PolicyRules,
    facts: &Observed<AuditFacts>,
    gate_time: &Observed<u64>,
) -> GateReport {
    let (verdict, summary, inputs) = match (facts, gate_time) {
        (Err(missing), _) | (_, Err(missing)) => {
            (missing.clone().into_unknown(), "could not be checked".to_owned(), Vec::new())
        }
        (Ok(facts), Ok(time)) => assessed(rules, facts, *time),
    };
    GateReport { gate: GateId::Audits, verdict, summary, inputs }
}

fn assessed(
    rules: &PolicyRules,
    facts: &AuditFacts,
    time: u64,
) -> (Verdict, String, Vec<GateInput>) {
    let wanted = rules.audits as usize;
    let judged = Judge::new(facts, time).judge();
    let short: Vec<_> = judged.coverage.iter().filter(|(_, firms)| firms.len() < wanted).collect();
    // Nothing waits for what is dated ahead where enough firms count without it.
    let mut verdict = match judged.verdict {
        Verdict::Waiting { .. } if short.is_empty() => Verdict::Pass,
        verdict => verdict,
    };
    let awaited = match &verdict {
        Verdict::Waiting { reasons, .. } => reasons.clone(),
        _ => Vec::new(),
    };
    if facts.contracts.is_empty() {
        let text = "the release has no contract that could be audited";
        verdict = verdict.and(Verdict::unknown(ReasonCode::NothingToAudit, text));
    }
    if !short.is_empty() {
        let text = shortage(&judged.coverage, &short, wanted);
        let mut reason = Reason::new(ReasonCode::TooFewFirms, text);
        if !judged.missing.is_empty() {
            let whys: Vec<_> = judged.missing.iter().map(|why| why.text.as_str()).collect();
            reason = reason.reworded(|text| format!("{text} ({})", whys.join("; ")));
            reason = judged.missing.iter().fold(reason, Reason::within);
        }
        verdict = verdict.and(reason.into_unknown());
        if !facts.remarks.is_empty() {
            let remarks = facts.remarks.iter();
            let missing = remarks.map(|remark| Reason::new(ReasonCode::StatementMissing, remark));
            verdict = verdict.and(Verdict::Unknown { missing: missing.collect() });
        }
    }
    if let Err(why) = &facts.helper {
        let words = |why: &str| format!("revocations at the helper: {why}");
        verdict = verdict.and(why.clone().reworded(words).into_unknown());
    }
    // What waits is said beside what is missing.
    if let Verdict::Unknown { missing } = &mut verdict {
        missing.extend(awaited);
    }
    let mut inputs = facts.helper.clone().unwrap_or_default();
    inputs.extend(judged.inputs);
    let mut said = summary(&judged.coverage, wanted);
    if judged.accepted > 0 {
        let of = counted(judged.accepted, "finding");
        said += &format!("; their auditors accept {of} as suppressed");
    }
    (verdict, said, inputs)
}

/// The firms that cover all items, if those are all that cover any.
fn uniform(coverage: &Coverage) -> Option<&BTreeSet<String>> {
    let mut all = coverage.values();
    let first = all.next()?;
    all.all(|firms| firms == first).then_some(first)
}

fn named(firms: &BTreeSet<String>) -> String {
    let names: Vec<_> = firms.iter().map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

fn summary(coverage: &Coverage, wanted: usize) -> String {
    match uniform(coverage) {
        Some(firms) => format!("{} of {}{}", firms.len(), counted(wanted, "firm"), named(firms)),
        None => {
            let covered = coverage.values().filter(|firms| firms.len() >= wanted).count();
            let of = counted(coverage.len(), "item");
            format!("{covered} of {of} by {}", counted(wanted, "firm"))
        }
    }
}

fn shortage(coverage: &Coverage, short: &[(&Item, &BTreeSet<String>)], wanted: usize) -> String {
    if let Some(firms) = uniform(coverage) {
        return format!("{} of {} of this scope", firms.len(), counted(wanted, "audit"));
    }
    let items = short.iter().map(|(item, firms)| {
        let audits = counted(wanted, "audit");
        format!("{} has {} of {audits}{}", item.name(), firms.len(), named(firms))
    });
    items.collect::<Vec<_>>().join(", ")
}
