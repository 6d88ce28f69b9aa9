//! Gate `layout`: an upgrade leaves everything that is stored where and what it is.
//!
//! The rules are those of OpenZeppelin's upgrade checks, with their annotations and ERC-7201
//! namespaces. `docs/testing.md` tells how the two are compared, and the test where they differ.

mod align;
mod compare;
mod namespaces;
mod problem;
mod read;
mod types;

use alloy_primitives::Address;
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};

use crate::Observed;
use compare::Comparison;

pub use problem::{LayoutProblem, ProblemKind, TypeFault};
pub use read::LayoutReadError;
pub use types::{Layout, Place};

/// What an upgrade from one layout to another would damage; nothing if it is safe.
pub fn compare(reference: &Layout, updated: &Layout) -> Vec<LayoutProblem> {
    let mut comparison = Comparison::new(reference, updated);
    let mut problems = Vec::new();
    let mut add = |namespace: Option<&str>, differences: Vec<_>| {
        let problem = |difference| problem::problem(reference, updated, namespace, &difference);
        problems.extend(differences.into_iter().map(problem));
    };
    add(None, comparison.fields(&reference.items, &updated.items, true));
    let mut gone = Vec::new();
    for old in &reference.namespaces {
        match updated.namespaces.iter().find(|new| new.id == old.id) {
            Some(new) => add(Some(&old.id), comparison.fields(&old.members, &new.members, true)),
            None => gone.push(problem::namespace_deleted(&old.id)),
        }
    }
    problems.extend(gone);
    problems.extend(namespaces::clashes(updated));
    problems
}

/// The layouts of all upgrades that a plan has.
#[derive(Debug, Clone, Default)]
pub struct LayoutFacts {
    /// Each upgrade; none if the plan upgrades nothing.
    pub upgrades: Vec<LayoutFact>,
    /// The blocks it was read at.
    pub inputs: Vec<GateInput>,
}

/// One upgrade.
#[derive(Debug, Clone)]
pub struct LayoutFact {
    /// Its step.
    pub name: String,
    pub proxy: Address,
    /// The layout behind the proxy now; otherwise why it is not known, which is a failure.
    pub reference: Observed<Reference>,
    /// The layout that the upgrade puts behind it.
    pub updated: Layout,
}

/// The layout that is really behind a proxy.
#[derive(Debug, Clone)]
pub struct Reference {
    pub layout: Layout,
    /// How it is known, to follow "known by", such as "the record of release vault-1.4.0".
    pub known_by: String,
}

pub(crate) fn gate(facts: &Observed<LayoutFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => {
            (missing.clone().into_unknown(), "nothing to compare".to_owned(), Vec::new())
        }
        Ok(facts) => {
            let reasons = facts.upgrades.iter().flat_map(reasons).collect();
            let verdict = Verdict::from_findings(reasons, Vec::new());
            (verdict, summary(&facts.upgrades), facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Layout, verdict, summary, inputs }
}

fn reasons(fact: &LayoutFact) -> Vec<Reason> {
    let at = format!("{} at {}", fact.name, fact.proxy);
    match &fact.reference {
        Err(missing) => {
            let text = format!("{at}: the layout behind it is not known: {missing}");
            vec![Reason::new(ReasonCode::LayoutUnknown, text).within(missing)]
        }
        Ok(reference) => compare(&reference.layout, &fact.updated)
            .into_iter()
            .map(|problem| Reason::new(ReasonCode::LayoutDamaged, format!("{at}, {problem}")))
            .collect(),
    }
}

fn summary(upgrades: &[LayoutFact]) -> String {
    if upgrades.is_empty() {
        return "nothing is upgraded".to_owned();
    }
    let known: Vec<_> = upgrades.iter().filter_map(|fact| fact.reference.as_ref().ok()).collect();
    let variables = known.iter().map(|reference| reference.layout.variables()).sum();
    let namespaces = known.iter().map(|reference| reference.layout.namespaces()).sum();
    let mut summary = format!(
        "{}: {} and {} compared",
        counted(upgrades.len(), "upgrade"),
        counted(variables, "variable"),
        counted(namespaces, "namespace"),
    );
    for reference in known {
        let known_by = format!("; known by {}", reference.known_by);
        if !summary.contains(&known_by) {
            summary.push_str(&known_by);
        }
    }
    summary
}

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
