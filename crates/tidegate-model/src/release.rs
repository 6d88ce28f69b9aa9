//! A built release: artifacts, plan and roots, kept content-addressed.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{JcsError, jcs_keccak};
use crate::functions::FunctionMap;
use crate::ids::{BuildDigest, CodeRoot, Fqn, PlanDigest, ReleaseRoot, ScopeRoot};
use crate::masks::links;
use crate::plan::{Plan, Reference};
use crate::scope::{CodeScope, build_digest, code_root, release_root, scope_root};

/// A run of bytes in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// How many bytes.
    pub length: usize,
}

impl Span {
    /// Its bytes in some code; none if it leads outside.
    fn of_mut(self, code: &mut [u8]) -> Option<&mut [u8]> {
        code.get_mut(self.start..self.start.checked_add(self.length)?)
    }
}

/// Code with the places that are filled in later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The bytes, with zeros at every link reference.
    pub object: Bytes,
    /// Where each library's address goes.
    pub links: BTreeMap<Fqn, Vec<Span>>,
    /// The metadata regions (auxdata), nested ones included.
    pub metadata: Vec<Span>,
}

impl Code {
    /// The code with every library's address filled in; the missing library's name otherwise.
    ///
    /// # Errors
    /// If a library has no address, or its place in the code is none for an address.
    pub fn linked(
        &self,
        libraries: &BTreeMap<Fqn, alloy_primitives::Address>,
    ) -> Result<Bytes, Fqn> {
        let mut code = self.object.to_vec();
        for (library, spans) in &self.links {
            let address = libraries.get(library).ok_or_else(|| library.clone())?;
            for span in spans {
                let place = span.of_mut(&mut code).filter(|place| place.len() == address.len());
                place.ok_or_else(|| library.clone())?.copy_from_slice(address.as_slice());
            }
        }
        Ok(code.into())
    }
}

/// What a comparison of layouts needs beside the canonical one. It is in no digest: it changes
/// what a layout may follow, not where anything is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutNotes {
    /// What state variables were before, by their position among the layout's items.
    pub items: BTreeMap<usize, Formerly>,
    /// What members were before, by their structure's label or their namespace's id, then by name.
    pub members: BTreeMap<String, BTreeMap<String, Formerly>>,
    /// The members of each enum, by its label. Where two enums share a label, neither is here.
    pub enums: BTreeMap<String, Vec<String>>,
    /// The type behind each user-defined value type, by its label; as above.
    pub values: BTreeMap<String, String>,
}

/// What the author says that a variable was in the version before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formerly {
    /// Its name, from `@custom:oz-renamed-from`.
    pub name: Option<String>,
    /// Its type, from `@custom:oz-retyped-from`.
    pub kind: Option<String>,
}

/// What the compiler made of one contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The fully qualified name.
    pub fqn: Fqn,
    /// Its ABI.
    pub abi: JsonAbi,
    /// Creation code.
    pub creation: Code,
    /// Runtime code, immutables zeroed.
    pub runtime: Code,
    /// Where each immutable stands in the runtime code, by `Contract.variable`.
    pub immutables: BTreeMap<String, Vec<Span>>,
    /// keccak256 of each source file of its closure, by normalised name.
    pub sources: BTreeMap<String, B256>,
    /// The canonical storage layout.
    pub layout: Value,
    /// What comparing it with another one needs beside it.
    pub layout_notes: LayoutNotes,
    /// Compiler and settings, as in `compilerProfile`.
    pub profile: Value,
    /// The functions of the runtime code; empty where the compiler gave no source map.
    #[serde(default, skip_serializing_if = "FunctionMap::is_empty")]
    pub functions: FunctionMap,
}

impl Artifact {
    /// The storage layout as it is bound: with what comparing it needs beside it, if there is any.
    pub fn layout_document(&self) -> Value {
        let mut document = self.layout.clone();
        if self.layout_notes != LayoutNotes::default()
            && let Some(document) = document.as_object_mut()
        {
            document.insert("notes".to_owned(), serde_json::json!(self.layout_notes));
        }
        document
    }

    /// The digest of that document.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn storage_layout(&self) -> Result<B256, JcsError> {
        jcs_keccak("storage layout", &self.layout_document())
    }
}

/// The compiler that made a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiler {
    /// The long version, such as `0.8.30+commit.73712a01.Emscripten.clang`.
    pub version: String,
    /// SHA-256 of the binary (or of `soljson.js`).
    pub sha256: B256,
}

impl Compiler {
    /// The version without the platform, `solc` or `vyper` in front.
    pub fn plain_version(&self) -> String {
        let version = &self.version;
        let end = version.split_once("+commit.").map(|(before, commit)| {
            let digits = commit.bytes().take_while(u8::is_ascii_hexdigit).count();
            before.len() + "+commit.".len() + digits
        });
        let plain = version.get(..end.unwrap_or(version.len())).unwrap_or(version);
        if plain.starts_with("vyper ") { plain.to_owned() } else { format!("solc {plain}") }
    }
}

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
    /// The plan.
    pub plan: Plan,
    /// Every contract of the plan, by name.
    pub artifacts: BTreeMap<Fqn, Artifact>,
    /// Every contract that an upgrade starts from, by name. The plan binds them by digest.
    pub references: BTreeMap<Fqn, Artifact>,
    /// The compilers used, by the version they report.
    pub compilers: Vec<Compiler>,
}

/// The digests of a release. They are derived; where a file names them, they are computed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roots {
    /// What an auditor reads.
    pub scope_root: ScopeRoot,
    /// What runs.
    pub code_root: CodeRoot,
    /// How it is put together.
    pub plan_digest: PlanDigest,
    /// The release.
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
