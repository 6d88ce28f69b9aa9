//! Gate `layout`: an upgrade leaves everything that is stored where and what it is.
//!
//! The rules are those of OpenZeppelin's upgrade checks, with their annotations and ERC-7201
//! namespaces. `docs/testing.md` tells how the two are compared, and the test where they differ.

mod align;
mod compare;
mod hidden;
mod namespaces;
mod problem;
mod read;
mod stores;
mod types;

use alloy_primitives::Address;
use tidegate_model::release::Artifact;
use tidegate_model::units::counted;
use tidegate_model::{GateId, GateInput, GateReport, Reason, ReasonCode, Verdict};

use crate::Observed;
use compare::Comparison;
use stores::stores;

pub use hidden::hidden_sentence;
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
    problems.extend(hidden::placed(reference, updated));
    problems
}

/// The layouts of all upgrades that a plan has.
#[derive(Debug, Clone, Default)]
pub struct LayoutFacts {
    /// Each upgrade; none if the plan upgrades nothing.
    pub upgrades: Vec<LayoutFact>,
    /// What is wrong with what stands of a release that is followed.
    pub followed: Vec<Reason>,
    /// What the plan puts behind proxies that no upgrade of it says.
    pub otherwise: Vec<Reason>,
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
    /// Where the same code was behind the proxy before, how that is known: this is a return.
    pub earlier: Option<String>,
}

/// The layout that is really behind a proxy.
#[derive(Debug, Clone)]
pub struct Reference {
    pub layout: Layout,
    /// How it is known, to follow "known by", such as "the record of release vault-1.4.0".
    pub known_by: String,
    /// Whether its code stores something although its layout has nothing.
    pub stores: bool,
}

impl Reference {
    /// The layout of a contract, and how it is known that this is the one.
    ///
    /// # Errors
    /// If the layout cannot be read.
    pub fn of(artifact: &Artifact, known_by: impl Into<String>) -> Result<Self, LayoutReadError> {
        let layout = Layout::of(artifact)?;
        let stores = layout.is_empty() && stores(&artifact.runtime);
        Ok(Self { layout, known_by: known_by.into(), stores })
    }
}

pub(crate) fn gate(facts: &Observed<LayoutFacts>) -> GateReport {
    let (verdict, summary, inputs) = match facts {
        Err(missing) => {
            (missing.clone().into_unknown(), "nothing to compare".to_owned(), Vec::new())
        }
        Ok(facts) => {
            let damage = facts.upgrades.iter().flat_map(LayoutFact::damage);
            let found = facts.otherwise.iter().chain(&facts.followed).cloned();
            let reasons = found.chain(damage).collect();
            let hidden = facts.upgrades.iter().filter_map(LayoutFact::hidden).collect();
            let verdict = Verdict::from_findings(reasons, hidden);
            (verdict, summary(facts), facts.inputs.clone())
        }
    };
    GateReport { gate: GateId::Layout, verdict, summary, inputs }
}

impl LayoutFact {
    /// Why nothing can be said, or not of everything: the code that is live, or the new one, stores
    /// what its layout does not have.
    pub fn hidden(&self) -> Option<Reason> {
        let reference = self.reference.as_ref().ok()?;
        let sentence = hidden_sentence(&reference.layout, &self.updated);
        let is_kept = reference.layout.hidden().next().is_some();
        let what = match sentence {
            Some(sentence) => sentence,
            None if reference.layout.is_empty() && reference.stores && !is_kept => {
                "the layout of what is live has no variable and no namespace, so nothing is \
                 compared, and its code writes storage or has libraries or other code write it; \
                 declare what it stores in a structure with `@custom:storage-location`, in the \
                 source of what is live as in the new one: its code stays the same, so name that \
                 source under [existing] and run `tidegate adopt`"
                    .to_owned()
            }
            None => return None,
        };
        let text = format!("{} at {}: {what}", self.name, self.proxy);
        Some(Reason::new(ReasonCode::LayoutHidden, text))
    }

    /// What the upgrade would damage; nothing if all that is stored stays where and what it is.
    ///
    /// A return to earlier code is safe if the code that it replaces was a safe step from there:
    /// then all that the earlier code reads is where that left it.
    pub fn damage(&self) -> Vec<Reason> {
        let at = format!("{} at {}", self.name, self.proxy);
        let reference = match &self.reference {
            Err(missing) => {
                let text = format!("{at}: the layout behind it is not known: {missing}");
                return vec![Reason::new(ReasonCode::LayoutUnknown, text).within(missing)];
            }
            Ok(reference) => &reference.layout,
        };
        if self.earlier.is_some() && compare(&self.updated, reference).is_empty() {
            return Vec::new();
        }
        let problems = compare(reference, &self.updated).into_iter();
        problems
            .map(|problem| Reason::new(ReasonCode::LayoutDamaged, format!("{at}, {problem}")))
            .collect()
    }
}

fn summary(LayoutFacts { upgrades, otherwise, .. }: &LayoutFacts) -> String {
    if upgrades.is_empty() {
        return match otherwise.is_empty() {
            true => "nothing is upgraded".to_owned(),
            false => "something is upgraded, and no step says so".to_owned(),
        };
    }
    let known: Vec<_> = upgrades.iter().filter_map(|fact| fact.reference.as_ref().ok()).collect();
    let variables: usize = known.iter().map(|reference| reference.layout.variables()).sum();
    let namespaces: usize = known.iter().map(|reference| reference.layout.namespaces()).sum();
    let mut summary = format!(
        "{}: {} and {} compared",
        counted(upgrades.len(), "upgrade"),
        counted(variables, "variable"),
        counted(namespaces, "namespace"),
    );
    let known_by = known.iter().map(|reference| format!("; known by {}", reference.known_by));
    let returns = upgrades.iter().filter_map(|fact| {
        let earlier = fact.earlier.as_ref()?;
        Some(format!("; {} returns to the code of {earlier}", fact.name))
    });
    let growing = upgrades.iter().flat_map(|fact| {
        let grows = fact.updated.growing();
        grows.map(|(label, why)| format!("; `{label}` may grow at its end: {why}"))
    });
    let kept = upgrades.iter().flat_map(|fact| {
        fact.updated.kept().map(|(name, why)| format!("; `{name}` is kept, not compared: {why}"))
    });
    for part in known_by.chain(returns).chain(growing).chain(kept) {
        if !summary.contains(&part) {
            summary.push_str(&part);
        }
    }
    summary
}

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
