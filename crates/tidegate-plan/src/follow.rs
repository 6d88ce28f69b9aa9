//! The releases that a release follows: what stands of them, and which calls were made.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use tidegate_model::plan::{Action, Arg, Call, Create, Plan, Source, Step, Upgrade};
use tidegate_model::release::{Artifact, Release};
use tidegate_model::{Fqn, ReleaseRoot};

/// What a release that follows others finds.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The newest of them.
    pub root: ReleaseRoot,
    /// Its human name.
    pub name: String,
    /// Its contracts and those of the releases before it, by the names of their steps.
    pub standing: BTreeMap<String, Standing>,
    /// Every call step of them all; of equal names the newest.
    calls: BTreeMap<String, Call>,
}

/// A contract that stands since a release that is followed.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its creation, with the contract and arguments that the last upgrade left.
    pub create: Create,
    /// That contract, under a name that tells it from the present one.
    pub artifact: Artifact,
    /// The release that left it, by its human name.
    pub release: String,
    /// What its libraries create, in order.
    libraries: Vec<B256>,
}

impl Followed {
    /// What these releases left, the oldest first; `None` without any.
    pub fn of(chain: &[(ReleaseRoot, &Release)]) -> Option<Self> {
        let (root, newest) = chain.last()?;
        let mut followed = Self {
            root: *root,
            name: newest.name.clone(),
            standing: BTreeMap::new(),
            calls: BTreeMap::new(),
        };
        for (root, release) in chain {
            // A call that a release had no step for may have been undone by that one.
            followed.calls.retain(|name, _| release.plan.made.contains(name));
            followed.root = *root;
            for step in &release.plan.steps {
                followed.step((*root, release), step);
            }
        }
        Some(followed)
    }

    fn step(&mut self, release: (ReleaseRoot, &Release), step: &Step) {
        match &step.action {
            Action::Create(create) => {
                if let Some(standing) = Standing::of(release, create.clone()) {
                    self.standing.insert(step.name.clone(), standing);
                }
            }
            Action::Upgrade(upgrade) => {
                let Some(before) = self.standing.get(&upgrade.target) else { return };
                let create = upgraded(before.create.clone(), upgrade);
                if let Some(standing) = Standing::of(release, create) {
                    self.standing.insert(upgrade.target.clone(), standing);
                }
            }
            Action::Call(call) => {
                self.calls.insert(step.name.clone(), call.clone());
            }
        }
    }

    /// The contracts that had a parameter or an external when they were made or called, and that no
    /// operation of a plan gives it to: what a constructor got comes with another implementation,
    /// all else by a call or a migration.
    pub fn not_given<'a>(&'a self, plan: &Plan, given: &Source) -> BTreeSet<&'a str> {
        let found = self.standing.iter().filter(|(name, _)| plan.existing.contains(*name));
        let found = found.filter(|(name, Standing { create, .. })| {
            let is_built = has(&create.args, given) && !is_built(plan, given, name);
            let init = create.proxy.iter().filter_map(|proxy| proxy.init.as_ref());
            let admin = create.proxy.iter().filter_map(|proxy| proxy.admin.as_ref());
            let told = init.flat_map(|init| &init.args).chain(admin);
            is_built || (has(told, given) && !is_told(plan, given, name))
        });
        let made = self.calls.iter().filter(|(name, _)| plan.made.contains(*name));
        let made = made.filter_map(|(_, call)| {
            let untold = has(&call.invocation.args, given) && !is_told(plan, given, &call.target);
            untold.then_some(call.target.as_str())
        });
        found.map(|(name, _)| name.as_str()).chain(made).collect()
    }

    /// Whether the newest call of this name is exactly this one.
    pub(crate) fn has_called(&self, name: &str, call: &Call) -> bool {
        self.calls.get(name) == Some(call)
    }
}

impl Standing {
    fn of((root, release): (ReleaseRoot, &Release), create: Create) -> Option<Self> {
        let mut artifact = release.artifact(&create.contract)?.clone();
        artifact.fqn = Fqn(format!("{RECORDED}{}/{}", root.short(), artifact.fqn));
        let libraries = templates(&create.libraries, &release.artifacts)?;
        Some(Self { create, artifact, release: release.name.clone(), libraries })
    }

    /// Whether a creation makes the same contract: its code and its libraries', its arguments and
    /// what it pays. Where its source lies decides nothing.
    pub(crate) fn is_made_by(
        &self,
        create: &Create,
        artifact: &Artifact,
        artifacts: &BTreeMap<Fqn, Artifact>,
    ) -> bool {
        let Some(libraries) = templates(&create.libraries, artifacts) else { return false };
        let Some(known) = self.named_as(create.libraries.iter().zip(libraries)) else {
            return false;
        };
        artifact.creation_template() == known.creation_template()
            && artifact.runtime_template() == known.runtime_template()
            && create.args == self.create.args
            && create.value == self.create.value
    }
}

impl Standing {
    /// Its code with its libraries named as the same ones are in another creation: templates have
    /// their names, in which their sources' paths are. `None` where they are others.
    fn named_as<'a>(&self, libraries: impl Iterator<Item = (&'a Fqn, B256)>) -> Option<Artifact> {
        let mut rest: Vec<_> = libraries.collect();
        let mut names = BTreeMap::new();
        for (known, template) in self.create.libraries.iter().zip(&self.libraries) {
            let same = |(_, other): &(&Fqn, B256)| other == template;
            // Of equal ones each keeps its name where it has one.
            let kept = rest.iter().position(|other| same(other) && other.0 == known);
            let at = kept.or_else(|| rest.iter().position(same))?;
            names.insert(known, rest.remove(at).0);
        }
        if !rest.is_empty() {
            return None;
        }
        let mut artifact = self.artifact.clone();
        for code in [&mut artifact.creation, &mut artifact.runtime] {
            let links = std::mem::take(&mut code.links).into_iter();
            let renamed = |(name, spans)| Some((Fqn::clone(names.get(&name)?), spans));
            code.links = links.map(renamed).collect::<Option<_>>()?;
        }
        Some(artifact)
    }
}

/// What a contract of a release that is followed is called in the one that follows it: the present
/// contract has the plain name.
pub const RECORDED: &str = "recorded:";

/// Whether an upgrade constructs its implementation with this.
fn is_built(plan: &Plan, given: &Source, contract: &str) -> bool {
    let mut upgrades = plan.steps.iter().filter_map(Step::as_upgrade);
    upgrades.any(|upgrade| upgrade.target == contract && has(&upgrade.args, given))
}

/// Whether a call or a migration gives this to a contract.
fn is_told(plan: &Plan, given: &Source, contract: &str) -> bool {
    plan.steps.iter().any(|step| match &step.action {
        Action::Create(_) => false,
        Action::Upgrade(upgrade) => {
            let init = upgrade.init.iter().flat_map(|init| &init.args);
            upgrade.target == contract && has(init, given)
        }
        Action::Call(call) => call.target == contract && has(&call.invocation.args, given),
    })
}

/// Whether a value of these comes from this, or a part of one does.
fn has<'a>(args: impl IntoIterator<Item = &'a Arg>, given: &Source) -> bool {
    args.into_iter().any(|arg| match &arg.from {
        Source::List(items) => has(items, given),
        from => from == given,
    })
}

fn upgraded(before: Create, upgrade: &Upgrade) -> Create {
    Create {
        contract: upgrade.contract.clone(),
        libraries: upgrade.libraries.clone(),
        args: upgrade.args.clone(),
        guarded: upgrade.guarded,
        ..before
    }
}

fn templates(libraries: &[Fqn], artifacts: &BTreeMap<Fqn, Artifact>) -> Option<Vec<B256>> {
    libraries.iter().map(|fqn| Some(artifacts.get(fqn)?.creation_template())).collect()
}
