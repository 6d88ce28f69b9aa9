//! A built release: artifacts, plan and roots, kept content-addressed.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::artifact::{Artifact, Code, Compiler, Formerly, LayoutNotes, Span};
use crate::digest::{JcsError, jcs_keccak};
use crate::ids::{BuildDigest, CodeRoot, Fqn, PlanDigest, ReleaseRoot, ScopeRoot};
use crate::masks::links;
use crate::plan::{Plan, Reference};
use crate::scope::{CodeScope, build_digest, code_root, release_root, scope_root};

/// A release once built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The format version.
    pub v: u32,
    /// The human name; in no digest.
    pub name: String,
    /// The project's name, which enters the CREATE2 salts.
    pub project: String,
    pub plan: Plan,
    /// Every contract of the plan, by name.
    pub artifacts: BTreeMap<Fqn, Artifact>,
    /// Every contract that an upgrade starts from, by name. The plan binds them by digest.
    pub references: BTreeMap<Fqn, Artifact>,
    /// The compilers used, by the version they report.
    pub compilers: Vec<Compiler>,
}

/// The digests of a release. They are derived; where a file names them, they are computed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roots {
    /// The root of what an auditor reads.
    pub scope_root: ScopeRoot,
    /// The root of what runs, free of metadata.
    pub code_root: CodeRoot,
    /// The digest of the plan.
    pub plan_digest: PlanDigest,
    pub release_root: ReleaseRoot,
    /// The exact bytes.
    pub build_digest: BuildDigest,
}

impl Roots {
    /// The digest that names this one among several: the release's root, or the build's digest
    /// where another build has the same root.
    pub fn alone_in(&self, all: &[Self]) -> B256 {
        let others = all.iter().filter(|other| other.build_digest != self.build_digest);
        let is_shared = others.into_iter().any(|other| other.release_root == self.release_root);
        if is_shared { self.build_digest.0 } else { self.release_root.0 }
    }
}

impl Release {
    /// The current format version.
    pub const VERSION: u32 = 3;

    /// Whether it holds exactly the contracts that its plan names, each under its own name and
    /// linked as the plan says, and of those that upgrades start from the code and layout that the
    /// plan says. No contract leaves code open that its compiler does not.
    pub fn is_consistent(&self) -> bool {
        let all = self.artifacts.iter().chain(&self.references);
        let one = |(fqn, reference): (&Fqn, &Artifact)| {
            self.artifacts.get(fqn).is_none_or(|artifact| artifact == reference)
        };
        let upgrades = self.plan.steps.iter().filter_map(|step| step.as_upgrade());
        self.v == Self::VERSION
            && self.artifacts.keys().eq(&self.plan.contracts())
            && self.references.keys().eq(&self.plan.references())
            && self.plan.links == links(self.artifacts.values())
            && all.into_iter().all(|(fqn, a)| *fqn == a.fqn && a.check_masks().is_ok())
            && self.references.iter().all(one)
            && upgrades.into_iter().all(|upgrade| self.holds(&upgrade.reference))
    }

    fn holds(&self, reference: &Reference) -> bool {
        self.references.get(&reference.contract).is_some_and(|artifact| {
            let layout = artifact.storage_layout();
            artifact.runtime_template() == reference.runtime_template
                && layout.is_ok_and(|layout| layout == reference.storage_layout)
        })
    }

    /// The scope of one contract.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn scope(&self, artifact: &Artifact) -> Result<CodeScope, JcsError> {
        let sources = artifact.sources.iter().map(|(name, digest)| (name.as_str(), *digest));
        Ok(CodeScope {
            fqn: artifact.fqn.clone(),
            source_closure: crate::scope::source_closure(sources),
            compiler_profile: jcs_keccak("compiler profile", &artifact.profile)?,
            creation_template: artifact.creation_template(),
            runtime_template: artifact.runtime_template(),
            storage_layout: artifact.storage_layout()?,
            param_policy: jcs_keccak("parameter policy", &self.plan.param_policy(&artifact.fqn))?,
        })
    }

    /// The scopes of every contract of the plan.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn scopes(&self) -> Result<Vec<CodeScope>, JcsError> {
        self.artifacts.values().map(|artifact| self.scope(artifact)).collect()
    }

    /// All digests.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn roots(&self) -> Result<Roots, JcsError> {
        let scopes = self.scopes()?;
        let code_root = code_root(&scopes);
        let plan_digest = self.plan.digest()?;
        Ok(Roots {
            scope_root: scope_root(&scopes),
            code_root,
            plan_digest,
            release_root: release_root(code_root, plan_digest),
            build_digest: build_digest(self.contracts().into_values())?,
        })
    }

    /// Every contract, those that upgrades start from included.
    pub fn contracts(&self) -> BTreeMap<&Fqn, &Artifact> {
        self.references.iter().chain(&self.artifacts).collect()
    }

    /// Sources that lie where packages do, while nothing proves that a package published them.
    pub fn unproven(&self) -> BTreeSet<&str> {
        let sources = self.artifacts.values().flat_map(|artifact| artifact.sources.keys());
        sources.map(String::as_str).filter(|name| name.starts_with("vendored:")).collect()
    }

    /// The artifact of one contract.
    pub fn artifact(&self, fqn: &Fqn) -> Option<&Artifact> {
        self.artifacts.get(fqn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_named_alone_by_its_release_or_by_itself() {
        let roots = |release: u8, build: u8| Roots {
            scope_root: ScopeRoot(B256::ZERO),
            code_root: CodeRoot(B256::ZERO),
            plan_digest: PlanDigest(B256::ZERO),
            release_root: ReleaseRoot(B256::repeat_byte(release)),
            build_digest: BuildDigest(B256::repeat_byte(build)),
        };
        let all = [roots(1, 11), roots(1, 12), roots(2, 13)];
        let named = all.each_ref().map(|roots| roots.alone_in(&all));
        assert_eq!(named, [11, 12, 2].map(B256::repeat_byte));
        assert_eq!(all[0].alone_in(&all[..1]), B256::repeat_byte(1));
    }
}
