//! A release, as its build gives it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tidegate_compile::{SourcePlace, source_places};
use tidegate_model::Fqn;
use tidegate_model::release::{Artifact, Compiler, Roots};
use tidegate_model::scope::CodeScope;
use tidegate_plan::requested_contracts;

use crate::error::AppResult;
use crate::project::Project;
use crate::release::Built;
use crate::{compiler, layouts, safety};

/// A release and its digests.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildView {
    /// Its name.
    pub release: String,
    /// Its digests.
    pub roots: Roots,
    /// The compilers that made it.
    pub compilers: Vec<Compiler>,
    pub contracts: Vec<ContractBuildView>,
    /// What needs a person's attention, one sentence each.
    pub warnings: Vec<String>,
    /// What `plan` and `deploy` refuse of contracts behind proxies, one sentence each.
    pub refused_upgrades: Vec<String>,
    /// The remappings of imports, where documents are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remappings: Option<Vec<String>>,
}

/// One contract of a release.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractBuildView {
    /// Its source and name.
    pub fqn: Fqn,
    /// The length of its runtime code, in bytes.
    pub runtime_bytes: usize,
    /// What its sources allow although it is unsafe behind a proxy, one sentence each.
    pub exceptions: Vec<String>,
    /// What auditors sign of it.
    pub scope: CodeScope,
    /// What its scope's digests are over, where that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<DocumentsView>,
}

/// What the digests of a scope are over.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentsView {
    /// The file of each source, by the source's name.
    pub sources: BTreeMap<String, SourcePlace>,
    /// The compiler's settings.
    pub profile: Value,
    /// The storage layout.
    pub layout: Value,
    /// The parameters of the plan that reach it, with their rules.
    pub param_policy: Value,
}

impl BuildView {
    /// Describes a build; with the documents that its digests are over, where they are asked for.
    ///
    /// # Errors
    /// If a contract has no digest, or its files cannot be found again.
    pub fn of(project: &Project, built: &Built, with_documents: bool) -> AppResult<Self> {
        let Built { release, roots, .. } = built;
        let mut view = Self {
            release: release.name.clone(),
            roots: roots.clone(),
            compilers: release.compilers.clone(),
            contracts: Vec::new(),
            warnings: built.warnings.clone(),
            refused_upgrades: {
                let mut refused = safety::refused(built);
                refused.extend(layouts::warnings(built)?);
                refused
            },
            remappings: None,
        };
        let mut exceptions = safety::exceptions(built);
        for artifact in release.artifacts.values() {
            view.contracts.push(ContractBuildView {
                fqn: artifact.fqn.clone(),
                runtime_bytes: artifact.runtime.object.len(),
                exceptions: exceptions.remove(&artifact.fqn).unwrap_or_default(),
                scope: release.scope(artifact)?,
                documents: None,
            });
        }
        if with_documents {
            view.add_documents(project, built)?;
        }
        Ok(view)
    }

    /// The warnings about what the project's people write, and the number of those about packages,
    /// which they cannot change.
    ///
    /// # Errors
    /// If the project's settings cannot be read.
    pub fn warnings_by_owner(&self, project: &Project) -> AppResult<(Vec<&str>, usize)> {
        let foundry = compiler::settings(project)?;
        let all = self.warnings.iter().map(String::as_str);
        let own: Vec<_> = all.filter(|text| !is_about_a_package(text, &foundry.libs)).collect();
        let others = self.warnings.len() - own.len();
        Ok((own, others))
    }

    /// Adds what `scripts/scope-root.mjs` recomputes the scope's root from.
    fn add_documents(&mut self, project: &Project, built: &Built) -> AppResult {
        let foundry = compiler::settings(project)?;
        let contracts: Vec<_> = requested_contracts(&project.config).into_iter().collect();
        let places = source_places(&project.root, &foundry, &contracts)?;
        let document = |artifact: &Artifact| {
            let named = |name: &String| Some((name.clone(), places.get(name)?.clone()));
            DocumentsView {
                sources: artifact.sources.keys().filter_map(named).collect(),
                profile: serde_json::json!(artifact.profile),
                layout: artifact.layout_document(),
                param_policy: built.release.plan.param_policy(&artifact.fqn),
            }
        };
        for (view, artifact) in self.contracts.iter_mut().zip(built.release.artifacts.values()) {
            view.documents = Some(document(artifact));
        }
        self.remappings = Some(foundry.remappings.iter().map(ToString::to_string).collect());
        Ok(())
    }
}

/// Whether the place that a warning of the compiler names lies among packages. A warning without a
/// place is nobody's.
fn is_about_a_package(warning: &str, libs: &[String]) -> bool {
    let mut places = warning.lines().filter_map(|line| line.trim_start().strip_prefix("--> "));
    let Some(place) = places.next() else { return false };
    let below = |lib: &String| place.strip_prefix(lib).is_some_and(|rest| rest.starts_with('/'));
    place.starts_with('@')
        || place.split('/').any(|part| part == "node_modules")
        || libs.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_the_projects_own_unless_its_place_is_a_packages() {
        let libs = ["lib".to_owned()];
        for (place, expected) in [
            ("src/A.sol:3:5:", false),
            ("library/A.sol:3:5:", false),
            ("lib/dep/src/A.sol:3:5:", true),
            ("node_modules/solady/src/A.sol:3:5:", true),
            ("tests/node_modules/x/A.sol:3:5:", true),
            ("@openzeppelin/contracts/A.sol:3:5:", true),
        ] {
            let text = format!("Warning: lib/ is no place\n   --> {place}\n    |\n3 | x --> y\n");
            assert_eq!(is_about_a_package(&text, &libs), expected, "{place}");
        }
        assert!(!is_about_a_package("solc 0.5.16 does not know `bytecode_hash`", &libs));
    }
}
