//! What is attested: all contracts of the release, or those that changed since an attestation.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_evidence::StatementSet;
use tidegate_model::changes::ReleaseChanges;
use tidegate_model::policy::Person;
use tidegate_model::scope::{CodeScope, scope_root};
use tidegate_model::statement::{AuditAttestation, AuditVerdict};
use tidegate_model::{Fqn, PlanDigest, ScopeRoot, StatementDigest, lookup};

use crate::assess::audits;
use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::release::{Built, with_scope};
use crate::scopes;
use crate::statements;

/// A delta review rests on at most this many others, one on the next.
const DELTAS_MAX: usize = 16;

/// The contracts and the plan that an attestation covers.
#[derive(Debug)]
pub struct Scope {
    /// The contracts, sorted by name.
    pub contracts: Vec<CodeScope>,
    /// The attestation that a delta review rests on.
    pub base: Option<StatementDigest>,
    /// The plan that was read then.
    pub base_plan: Option<PlanDigest>,
    /// What each contract of the release is to that one, and what differs.
    pub changes: BTreeMap<Fqn, Vec<String>>,
}

impl Scope {
    /// Its root.
    pub fn root(&self) -> ScopeRoot {
        scope_root(&self.contracts)
    }
}

/// Every contract of the release, or these.
pub(super) fn whole(built: &Built, only: &[String]) -> AppResult<Scope> {
    let mut contracts = built.release.scopes()?;
    for name in only {
        let named = |scope: &&CodeScope| scope.fqn.0 == *name || scope.fqn.name() == name;
        if contracts.iter().filter(named).count() != 1 {
            return Err(AppError::usage(format!(
                "`{name}` names no contract of the release, or more than one"
            ))
            .hint("write one as `Vault` or as `path/Vault.sol:Vault`"));
        }
    }
    let is_asked = |fqn: &Fqn| only.iter().any(|name| fqn.0 == *name || fqn.name() == name);
    contracts.retain(|scope| only.is_empty() || is_asked(&scope.fqn));
    Ok(Scope { contracts, base: None, base_plan: None, changes: BTreeMap::new() })
}

/// The contracts that changed since an attestation of the same firm.
pub(super) async fn since(
    project: &Project,
    built: &Built,
    wanted: &str,
    auditor: Address,
    target: &str,
) -> AppResult<Scope> {
    let set = statements::load_confirmed(project).await?;
    let (base, attestation) = find(project, &set, wanted, auditor)?;
    let (facts, time) = audits::of(project, built, target, &set, base).await?;
    facts.holds_for_delta(base, auditor, time).map_err(|why| {
        AppError::new(Kind::Fail, format!("a delta review cannot rest on {}: {why}", base.short()))
            .hint("omit --delta, and attest everything that you reviewed")
    })?;
    let (old, base_plan) = attested(project, &set, attestation)?;
    let contracts = built.release.scopes()?;
    let differs = |scope: &&CodeScope| {
        old.get(&scope.fqn).is_none_or(|old| old.hash_struct() != scope.hash_struct())
    };
    let changed: Vec<_> = contracts.iter().filter(differs).cloned().collect();
    let mut changes: BTreeMap<_, _> = contracts
        .iter()
        .map(|scope| (scope.fqn.clone(), parts(old.get(&scope.fqn), scope)))
        .collect();
    if let Some(before) = with_scope(project, attestation.scope_root)? {
        let found = ReleaseChanges::between(&before.release, &built.release)?;
        for contract in found.contracts.into_iter().filter(|c| c.only_in.is_none()) {
            let Some(words) = changes.get_mut(&contract.contract) else { continue };
            *words = contract.changes.iter().map(|change| change.words().to_owned()).collect();
            words.extend(contract.functions);
            words.extend(contract.sources.iter().map(|file| format!("other text in {file}")));
        }
    }
    Ok(Scope { contracts: changed, base: Some(base), base_plan, changes })
}

/// An attestation by its digest's beginning, of the auditor's firm.
fn find<'a>(
    project: &Project,
    set: &'a StatementSet,
    wanted: &str,
    auditor: Address,
) -> AppResult<(StatementDigest, &'a AuditAttestation)> {
    let people = people(project);
    let firm = |key: Address| {
        let person = people.values().find(|person: &&Person| person.holds(key));
        person.and_then(|person| person.firm.clone())
    };
    let own = |key: Address| key == auditor || (firm(key).is_some() && firm(key) == firm(auditor));
    let of_firm = set.attestations().filter(|(_, a, _)| own(a.auditor));
    let of_firm = of_firm.map(|(digest, a, _)| (digest.0, (digest, a)));
    lookup::find(wanted, of_firm).map_err(|error| {
        AppError::from(error)
            .hint("an attestation's digest is the name of its file under deployments/statements/")
    })
}

/// The contracts and the plan of an attestation, with those that it rests on itself.
fn attested(
    project: &Project,
    set: &StatementSet,
    attestation: &AuditAttestation,
) -> AppResult<(BTreeMap<Fqn, CodeScope>, Option<PlanDigest>)> {
    let (mut all, mut plan) = (BTreeMap::new(), None);
    let mut next = Some(attestation);
    for _ in 0..DELTAS_MAX {
        let Some(attestation) = next else { break };
        plan = plan.or(attestation.names_plan().then_some(attestation.plan_digest));
        let scopes = scopes::preimage(project, attestation.scope_root);
        let scopes = scopes.map_err(|why| AppError::new(Kind::Config, why))?;
        for scope in scopes {
            all.entry(scope.fqn.clone()).or_insert(scope);
        }
        let mut known = set.attestations();
        let base = attestation.supersedes;
        next = known.find(|(digest, ..)| *digest == base).map(|(_, a, _)| a);
        next = next.filter(|_| attestation.verdict == AuditVerdict::Delta);
    }
    Ok((all, plan))
}

/// Which parts of a contract differ, where the older release itself is not here.
fn parts(old: Option<&CodeScope>, new: &CodeScope) -> Vec<String> {
    let Some(old) = old else { return vec!["new".to_owned()] };
    let parts = [
        ("sources", old.source_closure != new.source_closure),
        ("compiler", old.compiler_profile != new.compiler_profile),
        ("creation code", old.creation_template != new.creation_template),
        ("runtime code", old.runtime_template != new.runtime_template),
        ("storage layout", old.storage_layout != new.storage_layout),
        ("parameters", old.param_policy != new.param_policy),
    ];
    let differing = parts.into_iter().filter(|(_, differs)| *differs);
    let differing: Vec<_> = differing.map(|(part, _)| part.to_owned()).collect();
    if differing.is_empty() { vec!["identical".to_owned()] } else { differing }
}
