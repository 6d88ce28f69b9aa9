//! From the working tree to a release: compile, read the plan, keep the result by its content.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::B256;
use tidegate_compile::{CompileOutput, Difference};
use tidegate_model::lookup::Prefix;
use tidegate_model::release::{Artifact, Release, Roots};
use tidegate_model::units::counted;
use tidegate_model::{BuildDigest, DeploymentDigest, Fqn, ReleaseRoot, ScopeRoot};
use tidegate_plan::{Compiled, elaborate, minimal_proxy, needs_minimal_proxy, requested_contracts};
use tidegate_safe::ProposalKind;

use crate::chain::Kept;
use crate::error::{AppError, AppResult, Kind};
use crate::follow;
use crate::project::Project;

type Mocks = BTreeMap<String, Artifact>;

/// A release with its digests.
#[derive(Debug, Clone)]
pub struct Built {
    pub release: Release,
    pub roots: Roots,
    /// Contracts that externals are created from on test stages; outside the plan.
    pub mocks: Mocks,
    /// The errors of all contracts of its sources, where these were compiled: a contract that a
    /// factory creates has no artifact.
    pub errors: JsonAbi,
    pub warnings: Vec<String>,
}

/// Refuses a release whose code depends on more than its contracts' own sources: auditors read
/// those, and whoever rebuilds a contract from its metadata has only those.
pub(crate) fn require_minimal(project: &Project, built: &Built) -> AppResult {
    let contracts: Vec<_> = requested_contracts(&project.config).into_iter().collect();
    let differences = crate::compiler::differences(project, &contracts)?;
    let in_release = |d: &&Difference| built.release.artifacts.contains_key(&d.fqn);
    let differences: Vec<_> =
        differences.iter().filter(in_release).map(|d| d.to_string()).collect();
    if differences.is_empty() {
        return Ok(());
    }
    let text = "the compiler gives different code for a contract compiled alone and compiled with \
                the plan's other sources";
    Err(AppError::new(Kind::Fail, format!("{text}: {}", differences.join(", "))).hint(
        "this is a known bug of solc (argotorg/solidity#13791, #14250, #14494): pin another \
         version with `solc` in foundry.toml, or import less",
    ))
}

/// The kind under which the store keeps releases.
const BLOB_KIND: &str = "release/3";

/// Builds what the working tree holds, and keeps it.
///
/// # Errors
/// If it cannot be built, or is nothing new beside the release that it follows.
pub fn build_tree(project: &Project) -> AppResult<Built> {
    tree(project)?.ok_or_else(|| {
        AppError::config("nothing changed since the release that this one follows").hint(
            "edit a contract or a step; a parameter's new value reaches what stands by a `call` \
             or `migrate` that gives it. `tidegate status` and `tidegate verify` show the release \
             that is followed",
        )
    })
}

/// The same; nothing where nothing changed since the release that is followed.
fn tree(project: &Project) -> AppResult<Option<Built>> {
    let config = &project.config;
    if config.steps.is_empty() {
        return Err(AppError::config("tidegate.toml has no [[step]]")
            .hint("write one: [[step]] create = \"YourContract\""));
    }
    let contracts = requested_contracts(config);
    let contracts: Vec<_> = contracts.into_iter().collect();
    if contracts.is_empty() {
        return Err(only_calls());
    }
    let output = crate::compiler::run(project, &contracts)?;
    let CompileOutput { artifacts, roots: names, libraries, compilers, warnings, errors } = &output;
    let no_libraries = Vec::new();
    let mut compiled = BTreeMap::new();
    for (written, fqn) in names {
        let artifact = artifacts.get(fqn).ok_or_else(|| {
            AppError::new(Kind::Internal, format!("the compiler gave no output for {fqn}"))
        })?;
        let libraries = libraries.get(fqn).unwrap_or(&no_libraries);
        compiled.insert(written.clone(), Compiled { artifact, libraries });
    }
    let chain = follow::written(project)?;
    let followed = chain.as_ref().map(|chain| &chain.followed);
    let plan = elaborate(config, &compiled, artifacts, followed)?;
    if plan.steps.is_empty() {
        return Ok(None);
    }
    if plan.contracts().is_empty() {
        return Err(only_calls());
    }
    let recorded = followed.iter().flat_map(|followed| followed.standing.values());
    let recorded = recorded.map(|standing| (&standing.artifact.fqn, &standing.artifact));
    let all: BTreeMap<_, _> = artifacts.iter().chain(recorded).collect();
    let named = |names: &BTreeSet<Fqn>| {
        let named = all.iter().filter(|(fqn, _)| names.contains(**fqn));
        let named = named.map(|(fqn, artifact)| ((*fqn).clone(), (*artifact).clone()));
        named.collect::<BTreeMap<_, _>>()
    };
    let mut in_plan = named(&plan.contracts());
    if needs_minimal_proxy(&plan) {
        let minimal = minimal_proxy();
        in_plan.insert(minimal.fqn.clone(), minimal);
    }
    let release = Release {
        v: Release::VERSION,
        name: config.release_name(),
        project: config.name.clone(),
        artifacts: in_plan,
        references: named(&plan.references()),
        plan,
        compilers: compilers.clone(),
    };
    let mocks = config.externals.iter().filter_map(|(name, networks)| {
        let written = networks.values().find_map(|external| external.create.as_ref())?;
        Some((name.clone(), artifacts.get(names.get(written)?)?.clone()))
    });
    let mocks: Mocks = mocks.collect();
    let roots = release.roots()?;
    store(project, &release, &mocks, &roots)?;
    Ok(Some(Built { release, roots, mocks, errors: errors.clone(), warnings: warnings.clone() }))
}

/// As [`select`], for commands that only look: where nothing changed yet since the release that is
/// followed, that one, which is what stands.
///
/// # Errors
/// As [`select`].
pub fn select_standing(project: &Project, wanted: Option<&str>) -> AppResult<Built> {
    let is_asked = wanted.is_none() && crate::compiler::has_sources(project);
    let chain = is_asked.then(|| follow::written(project)).transpose()?.flatten();
    let Some(newest) = chain.as_ref().and_then(|chain| chain.releases.last()) else {
        return select(project, wanted);
    };
    let Some(built) = tree(project)? else {
        let (name, next) = (&newest.release.name, project.config.release_name());
        project.front.note(format!(
            "{next} is nothing new yet: nothing changed since {name}, which this is about. Edit a \
             contract or a step, then `tidegate deploy`"
        ));
        return Ok(kept(newest));
    };
    Ok(counting(project, built))
}

/// Says how many warnings there are: dependencies alone can have dozens; who builds sees them all.
fn counting(project: &Project, built: Built) -> Built {
    if !built.warnings.is_empty() {
        let warnings = counted(built.warnings.len(), "warning");
        project.front.note(format!("{warnings} of the compiler; `tidegate build` shows all"));
    }
    built
}

pub(crate) fn kept(Kept { release, mocks, roots }: &Kept) -> Built {
    let (release, mocks, roots) = (release.clone(), mocks.clone(), roots.clone());
    Built { release, roots, mocks, errors: JsonAbi::new(), warnings: Vec::new() }
}

fn only_calls() -> AppError {
    AppError::config("the plan only calls: no contract could be audited or soak")
        .hint("make these calls by the Safe itself, or with the release of a contract")
}

/// Keeps a release by its digests.
pub(crate) fn store(
    project: &Project,
    release: &Release,
    mocks: &Mocks,
    roots: &Roots,
) -> AppResult {
    let key = format!("{}/{}", roots.release_root, roots.build_digest);
    let store = project.store()?;
    if store.get_blob(BLOB_KIND, &key)?.is_none() {
        store.put_blob(BLOB_KIND, &key, &serde_json::to_vec(&(release, mocks))?)?;
    }
    Ok(())
}

/// A kept build of a release: what a deployment was made from may differ from the working tree in
/// a comment, and so in its exact bytes. Its digests are computed again, never read.
pub(crate) fn stored_build(
    project: &Project,
    release: ReleaseRoot,
    build: BuildDigest,
) -> AppResult<Option<Built>> {
    let key = format!("{release}/{build}");
    let Some(bytes) = project.store()?.get_blob(BLOB_KIND, &key)? else { return Ok(None) };
    let same = |roots: &Roots| format!("{}/{}", roots.release_root, roots.build_digest) == key;
    Ok(read_release(&bytes)?.filter(|built| same(&built.roots)))
}

/// A release as it is kept, if it is one. Its digests are computed, never read.
pub(crate) fn read_release(bytes: &[u8]) -> AppResult<Option<Built>> {
    let Ok((release, mocks)) = serde_json::from_slice::<(Release, Mocks)>(bytes) else {
        return Ok(None);
    };
    if !release.is_consistent() {
        return Ok(None);
    }
    let roots = release.roots()?;
    Ok(Some(Built { release, roots, mocks, errors: JsonAbi::new(), warnings: Vec::new() }))
}

/// A kept release by its root; of several builds, any one, since they differ in metadata alone.
pub(crate) fn stored_of(project: &Project, wanted: ReleaseRoot) -> AppResult<Option<Built>> {
    for (root, build) in stored_keys(project)? {
        if root == wanted
            && let Some(found) = stored_build(project, root, build)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A kept release by its name, or the beginning of its root or of its build's digest. Where several
/// builds answer to it, none is chosen.
pub(crate) fn find_stored(project: &Project, wanted: &str) -> AppResult<Option<Built>> {
    let mut all = answering(project, wanted)?;
    require_one(wanted, &all, None)?;
    Ok(all.pop())
}

/// Every kept build that answers to a name.
fn answering(project: &Project, wanted: &str) -> AppResult<Vec<Built>> {
    let mut all = Vec::new();
    let prefix = Prefix::parse(wanted).ok();
    let is_named = |root: B256| prefix.as_ref().is_none_or(|prefix| prefix.begins(root));
    for (root, build) in stored_keys(project)? {
        if is_named(root.0) || is_named(build.0) {
            all.extend(stored_build(project, root, build)?.filter(|b| names_release(b, wanted)));
        }
    }
    Ok(all)
}

/// Refuses a name to which several builds answer; `here` is what the working tree builds.
fn require_one(wanted: &str, found: &[Built], here: Option<&Built>) -> AppResult {
    if found.len() < 2 {
        return Ok(());
    }
    let all: Vec<_> = found.iter().map(|built| built.roots.clone()).collect();
    let named = all.iter().map(|roots| {
        let is_here = here.is_some_and(|here| here.roots == *roots);
        let note = if is_here { " (the working tree)" } else { "" };
        format!("{}{note}", roots.alone_in(&all))
    });
    let named: Vec<_> = named.collect();
    Err(AppError::usage(format!("this machine has {} builds of `{wanted}`", found.len()))
        .hint(format!("name one by at least sixteen digits of its digest: {}", named.join(", "))))
}

/// The kept build of what was promoted: the one that its proposal names, or the only one of its
/// release.
pub(crate) fn of_deployment(
    project: &Project,
    release: ReleaseRoot,
    deployment: DeploymentDigest,
) -> AppResult<Option<Built>> {
    for found in crate::proposal_files::all(project)? {
        let ProposalKind::Promotion(promotion) = &found.checked.proposal().kind else { continue };
        if promotion.deployment_digest == deployment {
            return stored_build(project, release, promotion.deployment.build_digest);
        }
    }
    find_stored(project, &release.to_string())
}

/// A kept release of this scope; of several, any one, since their contracts are the same.
pub(crate) fn with_scope(project: &Project, scope: ScopeRoot) -> AppResult<Option<Built>> {
    for (root, build) in stored_keys(project)? {
        if let Some(found) =
            stored_build(project, root, build)?.filter(|b| b.roots.scope_root == scope)
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn stored_keys(project: &Project) -> AppResult<Vec<(ReleaseRoot, BuildDigest)>> {
    let keys = project.store()?.blob_keys(BLOB_KIND)?;
    let digests = keys.iter().filter_map(|key| {
        let (root, build) = key.split_once('/')?;
        Some((ReleaseRoot(root.parse().ok()?), BuildDigest(build.parse().ok()?)))
    });
    Ok(digests.collect())
}

/// Builds, and checks that it is the release that was asked for, by a name that no other kept build
/// answers to.
pub fn select(project: &Project, wanted: Option<&str>) -> AppResult<Built> {
    if let Some(built) = without_sources(project, wanted)? {
        return Ok(built);
    }
    let built = counting(project, build_tree(project)?);
    let Some(wanted) = wanted else { return Ok(built) };
    if names_release(&built, wanted) {
        require_one(wanted, &answering(project, wanted)?, Some(&built))?;
        return Ok(built);
    }
    let have = format!("{} ({})", built.release.name, built.roots.release_root.short());
    Err(AppError::usage(format!("the working tree builds {have}, not `{wanted}`"))
        .hint("check out the commit of that release, or omit the name"))
}

/// The same for a testnet, where a copy of the release that the working tree follows can be made as
/// well: upgrades are tried on it.
pub fn select_for_testnet(project: &Project, wanted: Option<&str>) -> AppResult<Built> {
    if let Some(wanted) = wanted
        && let Some(chain) = follow::written(project)?
    {
        for built in chain.releases.iter().map(kept) {
            if names_release(&built, wanted) {
                return Ok(built);
            }
        }
    }
    select(project, wanted)
}

/// The release of a folder that has no sources, because a bundle was taken in it.
fn without_sources(project: &Project, wanted: Option<&str>) -> AppResult<Option<Built>> {
    if crate::compiler::has_sources(project) {
        return Ok(None);
    }
    let keys = project.store()?.blob_keys(BLOB_KIND)?;
    let name = match (wanted, keys.as_slice()) {
        (_, []) => return Ok(None),
        (Some(wanted), _) => wanted.to_owned(),
        (None, [key]) => key.split('/').next().unwrap_or_default().to_owned(),
        (None, _) => {
            return Err(AppError::usage(
                "there are no sources here, and several releases are stored",
            )
            .hint("give a name or a prefix of its root"));
        }
    };
    let built = find_stored(project, &name)?
        .ok_or_else(|| AppError::usage(format!("no release `{name}` is stored here")))?;
    project.front.note(format!(
        "{} comes from a bundle; its ABI and names are unverified claims of whoever exported it",
        built.release.name
    ));
    Ok(Some(built))
}

fn names_release(built: &Built, wanted: &str) -> bool {
    let roots = [built.roots.release_root.0, built.roots.build_digest.0];
    let begins = |prefix: Prefix| roots.into_iter().any(|root| prefix.begins(root));
    built.release.name == wanted || Prefix::parse(wanted).is_ok_and(begins)
}
