//! The recorded releases that a release follows: their content, and where they stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::Address;
use tidegate_model::ReleaseRoot;
use tidegate_model::lookup::Prefix;
use tidegate_model::policy::External;
use tidegate_model::record::{DeploymentRecord, Found, Place};
use tidegate_model::shared::RELEASES;
use tidegate_plan::config::Stage;
use tidegate_plan::{ADMIN_SLOT, Followed};
use tidegate_store::{read_limited, to_text, write_atomic};

use crate::chain::{Chain, Kept};
use crate::deployment::Prepared;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::Project;
use crate::recalled;
use crate::records::{self, last_block};
use crate::release::{Built, read_release, stored_build, stored_of};

/// The largest file of a release that is followed, in bytes.
const RELEASE_BYTES_MAX: u64 = 64 << 20;
/// How many releases follow each other.
const CHAIN_RELEASES_MAX: usize = 256;
/// Written where a release of a recorded project begins anew.
const NONE: &str = "none";

/// What the configuration says that it follows, if it does.
pub(crate) fn written(project: &Project) -> AppResult<Option<Arc<Chain>>> {
    let Some(wanted) = project.config.follows.as_deref().filter(|wanted| *wanted != NONE) else {
        return Ok(None);
    };
    let (name, version) = (&project.config.name, &project.config.version);
    if wanted == version || *wanted == format!("{name}-{version}") {
        return Err(AppError::config(format!("`follows` names {wanted}, which is this release"))
            .hint("raise `version` under [project]; `follows` keeps the one that is deployed"));
    }
    load(project, root_of(project, wanted)?).map(Some)
}

/// The root of a recorded release, by its version, its name or the beginning of its root. What a
/// Safe promoted goes before what was only tried.
fn root_of(project: &Project, wanted: &str) -> AppResult<ReleaseRoot> {
    let name = format!("{}-{wanted}", project.config.name);
    let prefix = Prefix::parse(wanted).ok();
    let answers = |record: &DeploymentRecord| {
        record.name == wanted
            || record.name == name
            || prefix.as_ref().is_some_and(|prefix| prefix.begins(record.release_root.0))
    };
    let (mut promoted, mut tried) = (Places::new(), Places::new());
    for (network, settings) in &project.config.networks {
        for (_, record) in records::all(project, network)? {
            let is_promoted = settings.stage == Stage::Mainnet;
            let counts = match is_promoted {
                true => Some(record.deployment.executor) == settings.safe,
                false => records::is_own(project, &record),
            };
            if counts && answers(&record) {
                let found = if is_promoted { &mut promoted } else { &mut tried };
                let at = (last_block(&record), network.clone());
                let newest = found.entry(record.release_root).or_insert_with(|| at.clone());
                *newest = at.max(newest.clone());
            }
        }
    }
    let found = if promoted.is_empty() { tried } else { promoted };
    let mut all = found.keys();
    match (all.next(), all.next()) {
        (Some(root), None) => Ok(*root),
        (None, _) => Err(AppError::config(format!(
            "no record under deployments/ is of `{wanted}`, which `follows` names"
        ))
        .hint("write the version of a deployed release, or pull the commit that has its record")),
        _ => Err(several(wanted, &found)),
    }
}

/// Releases, each with the last block of its newest deployment and that one's network.
type Places = BTreeMap<ReleaseRoot, (u64, String)>;

/// Several releases answer to a name: they are named with when and where, the newest first.
fn several(wanted: &str, found: &Places) -> AppError {
    let mut all: Vec<_> = found.iter().map(|(root, at)| (at, root.short().to_string())).collect();
    all.sort_by(|a, b| b.cmp(a));
    let named: Vec<_> = all
        .iter()
        .map(|((block, network), root)| format!("{root} (block {block} of {network})"))
        .collect();
    let error = AppError::config(format!("`{wanted}` was deployed as {} releases", all.len()));
    let error = error.hint(format!("the newest first: {}", named.join(", ")));
    match all.first() {
        Some((_, newest)) => error.hint(format!("to follow the newest: follows = \"{newest}\"")),
        None => error,
    }
}

/// The way to a second deployment of a release, under this id. One that follows another upgrades
/// the same proxies, whatever its id is, so it needs a copy of what it follows.
pub(crate) fn second(project: &Project, built: &Built, name: &str, id: u64) -> AppResult<String> {
    let Some(chain) = of(project, built)? else {
        return Ok(format!("for a second deployment, pass another id: --id {id}"));
    };
    let all = records::all_of_release(project, name, chain.followed.root)?;
    let copy = all.iter().map(|record| record.id + 1).max().unwrap_or_default();
    Ok(format!(
        "for a second deployment, copy what it follows: run `tidegate deploy --release {} --id \
         {copy}`, then `tidegate deploy --id {id}`",
        chain.followed.name
    ))
}

/// The way to a call that a release made which is followed, and that the following one does not
/// make again; `None` where there is no such call.
pub(crate) fn again(
    project: &Project,
    built: &Built,
    network: &str,
    call: &str,
) -> AppResult<Option<String>> {
    let Some(chain) = of(project, built)?.filter(|_| built.release.plan.made.contains(call)) else {
        return Ok(None);
    };
    let mut newest = chain.releases.iter().rev();
    let made = newest.find(|kept| kept.release.plan.step(call).is_some());
    Ok(made.map(|kept| {
        let name = &kept.release.name;
        format!(
            "{name} made it, which is followed: `tidegate deploy {network} --release {name} \
             --again {call}`"
        )
    }))
}

/// How `follows` names the release of a record.
pub(crate) fn version<'a>(project: &Project, record: &'a DeploymentRecord) -> &'a str {
    let version = record.name.strip_prefix(&project.config.name);
    version.and_then(|rest| rest.strip_prefix('-')).unwrap_or(&record.name)
}

/// What a built release follows, if it does.
pub(crate) fn of(project: &Project, built: &Built) -> AppResult<Option<Arc<Chain>>> {
    built.release.plan.follows.map(|root| load(project, root)).transpose()
}

/// A release and those that it follows.
fn load(project: &Project, newest: ReleaseRoot) -> AppResult<Arc<Chain>> {
    if let Some(known) = project.chains.lock().ok().and_then(|all| all.get(&newest).cloned()) {
        return Ok(known);
    }
    let mut releases = Vec::new();
    let mut next = Some(newest);
    while let Some(root) = next {
        if releases.len() == CHAIN_RELEASES_MAX {
            let what = format!("more than {CHAIN_RELEASES_MAX} releases follow each other");
            return Err(AppError::config(what).hint("begin anew: follows = \"none\""));
        }
        let kept = content(project, root)?;
        next = kept.release.plan.follows;
        releases.push(kept);
    }
    releases.reverse();
    let all = releases.iter().map(|kept| (kept.roots.release_root, &kept.release));
    let all: Vec<_> = all.collect();
    let followed = Followed::of(&all);
    let followed =
        followed.ok_or_else(|| AppError::new(Kind::Internal, "a chain has no release"))?;
    let chain = Arc::new(Chain { releases, followed });
    if let Ok(mut all) = project.chains.lock() {
        all.insert(newest, chain.clone());
    }
    Ok(chain)
}

/// A release by its root: as its file has it, else as this machine built it; then it becomes the
/// file.
fn content(project: &Project, root: ReleaseRoot) -> AppResult<Kept> {
    let Built { mut release, mocks, roots, .. } = read(project, root)?;
    // The name is in no digest: the records say it.
    for network in project.config.networks.keys() {
        let mut all = records::all(project, network)?.into_iter();
        if let Some((_, record)) = all.find(|(_, record)| record.release_root == root) {
            release.name = record.name;
            break;
        }
    }
    if release.project != project.config.name {
        let what = format!("`follows` names a release of `{}`", release.project);
        return Err(AppError::config(what).hint("follow a release of this project"));
    }
    Ok(Kept { release, mocks, roots })
}

fn read(project: &Project, root: ReleaseRoot) -> AppResult<Built> {
    let path = project.layout.release(root);
    let file = format!("deployments/releases/{root}.json");
    if path.is_file() {
        let bytes = read_limited(&path, RELEASE_BYTES_MAX).or_kind(Kind::Config)?;
        let found = read_release(&bytes)?.filter(|built| built.roots.release_root == root);
        return found.ok_or_else(|| {
            AppError::config(format!("{file} is not the release of its name"))
                .hint("restore it from git")
        });
    }
    let deleted = || {
        let gone = recalled::gone_file(project, &format!("{RELEASES}/{root}.json")).iter();
        let mut gone = gone.filter_map(|bytes| read_release(bytes).ok()?);
        gone.find(|built| built.roots.release_root == root)
    };
    let known = recorded_build(project, root)?.or_else(deleted);
    let Some(built) = known else {
        return Err(AppError::config(format!(
            "{file} is missing, and this machine never built it"
        ))
        .hint("pull it; or run `tidegate build` in a checkout of that release, then here"));
    };
    let text = to_text(&serde_json::to_value((&built.release, &built.mocks))?);
    write_atomic(&path, text.as_bytes()).or_kind(Kind::Config)?;
    let here = project.config.release_name();
    project.front.note(format!("wrote {file}, which {here} follows; commit it"));
    Ok(built)
}

/// The build of a release that is kept: the one that was promoted, else one that was deployed.
/// Where no record is here, any, since they differ in metadata alone.
fn recorded_build(project: &Project, root: ReleaseRoot) -> AppResult<Option<Built>> {
    let mut builds = Vec::new();
    for (network, settings) in &project.config.networks {
        let of_release = records::all(project, network)?.into_iter().map(|(_, record)| record);
        let of_release = of_release.filter(|record| record.release_root == root);
        let is_tried = settings.stage != Stage::Mainnet;
        builds.extend(of_release.map(|record| (is_tried, record.deployment.build_digest)));
    }
    builds.sort();
    if builds.is_empty() {
        return stored_of(project, root);
    }
    for (_, build) in builds {
        if let Some(built) = stored_build(project, root, build)? {
            return Ok(Some(built));
        }
    }
    Ok(None)
}

/// What the releases that are followed left on one network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Left {
    /// Their contracts, by the names of their steps.
    pub places: BTreeMap<String, Found>,
    /// Their externals, stand-ins on testnets included.
    pub externals: BTreeMap<String, External>,
    /// The values of their parameters.
    pub params: BTreeMap<String, serde_json::Value>,
    /// Who deployed the newest of them.
    pub executor: Option<Address>,
}

/// The same by the record of the newest, which has what it found itself. For a deployment of `own`
/// that has a record, what that one found.
pub(crate) fn left(
    project: &Project,
    chain: &Chain,
    network: &str,
    own: Option<(ReleaseRoot, u64)>,
) -> AppResult<Left> {
    let deployment = recorded(project, chain, network, own)?.deployment;
    let mut places = deployment.found;
    for (name, place) in deployment.steps {
        if !chain.followed.standing.contains_key(&name) {
            continue;
        }
        let mut slots = deployment.slots.iter();
        let admin = slots.find(|slot| slot.address == place.address && slot.slot == ADMIN_SLOT);
        let admin = admin.map(|slot| Address::from_word(slot.value));
        let before = places.get(&name).filter(|before| before.address == place.address);
        let admin = admin.or_else(|| before.and_then(|before| before.admin));
        let Place { address, implementation } = place;
        places.insert(name, Found { address, implementation, admin });
    }
    Ok(Left {
        places,
        externals: deployment.externals,
        params: deployment.params,
        executor: Some(deployment.executor),
    })
}

/// The deployment of the newest on a network: one that counts, the Safe's on a target. Of several
/// on a testnet, the one that a deployment of `own` found, else the one with the highest id.
pub(crate) fn recorded(
    project: &Project,
    chain: &Chain,
    network: &str,
    own: Option<(ReleaseRoot, u64)>,
) -> AppResult<DeploymentRecord> {
    let root = chain.followed.root;
    let found = match project.network(network)?.stage {
        Stage::Testnet => recorded_of(project, network, root, own)?,
        Stage::Mainnet => records::executed(project, network, root)?,
    };
    found.ok_or_else(|| {
        let name = &chain.followed.name;
        AppError::config(format!("{name}, which is followed, has no record on {network}"))
            .hint(format!("pull it; or on a testnet deploy it: `tidegate deploy --release {name}`"))
    })
}

/// The deployment of a release on a testnet that one of `own` found, else the one with the highest
/// id; of those that count and are whole.
pub(crate) fn recorded_of(
    project: &Project,
    network: &str,
    release: ReleaseRoot,
    own: Option<(ReleaseRoot, u64)>,
) -> AppResult<Option<DeploymentRecord>> {
    let own = match own {
        Some((root, id)) => {
            let mut all = records::all_of_release(project, network, root)?.into_iter();
            all.find(|record| record.id == id)
        }
        None => None,
    };
    let is_found = |record: &DeploymentRecord| {
        let Some(own) = &own else { return false };
        let steps = record.deployment.steps.iter();
        let steps = steps.map(|(name, place)| (name, place.address));
        let older = record.deployment.found.iter().map(|(name, found)| (name, found.address));
        steps.chain(older).any(|(name, address)| {
            own.deployment.found.get(name).is_some_and(|found| found.address == address)
        })
    };
    let all = records::all_of_release(project, network, release)?.into_iter();
    let whole = all.filter(|record| record.anchor().is_some());
    Ok(whole.max_by_key(|record| (is_found(record), record.id)))
}

/// What a plan takes as it is, and which calls it does not make again.
pub(crate) fn found(built: &Built) -> Vec<String> {
    let plan = &built.release.plan;
    let mut said = Vec::new();
    if plan.follows.is_none() {
        return said;
    }
    let names = plan.existing.iter().filter(|name| {
        plan.steps.iter().all(|step| step.as_upgrade().is_none_or(|up| up.target != **name))
    });
    let names: Vec<_> = names.map(|name| format!("@{name}")).collect();
    if !names.is_empty() {
        said.push(format!("taken as they stand: {}", names.join(", ")));
    }
    if !plan.made.is_empty() {
        let made: Vec<_> = plan.made.iter().map(String::as_str).collect();
        said.push(format!("called before, and not again: {}", made.join(", ")));
    }
    said
}

/// What whoever builds a release of a recorded project without following anything may overlook: on
/// its targets, or without any where it is planned, where `earlier` is another release's newest.
pub(crate) fn unsaid(
    project: &Project,
    built: &Built,
    (name, prepared): (&str, &Prepared),
    earlier: Option<&DeploymentRecord>,
) -> AppResult<Option<String>> {
    if project.config.follows.is_some() {
        return Ok(None);
    }
    let mine = format!("{}-", project.config.name);
    if project.targets().next().is_none() {
        return Ok(earlier.and_then(|earlier| anew(project, name, earlier, prepared)));
    }
    for (network, _) in project.targets() {
        let earlier = records::earlier(project, network, built.roots.release_root)?;
        let Some(earlier) = earlier.filter(|record| record.name.starts_with(&mine)) else {
            continue;
        };
        let names: Vec<_> =
            earlier.deployment.steps.keys().map(|name| format!("@{name}")).collect();
        let version = &earlier.name[mine.len()..];
        return Ok(Some(format!(
            "{} stands on {network} ({}), and this release does not follow it: what it creates is \
             new there, at other addresses. To upgrade what stands, write `follows = \
             \"{version}\"` under [project]; `follows = \"none\"` says that it begins anew",
            earlier.name,
            names.join(", ")
        )));
    }
    Ok(None)
}

/// Which contracts of an earlier release have another address in a plan, on the testnet where both
/// are.
fn anew(
    project: &Project,
    name: &str,
    earlier: &DeploymentRecord,
    prepared: &Prepared,
) -> Option<String> {
    let places = &prepared.resolved.places;
    let is_elsewhere = |(step, place): &(&String, &Place)| {
        places.get(*step).is_some_and(|now| now.address != place.address)
    };
    let steps = earlier.deployment.steps.iter().filter(is_elsewhere);
    let names: Vec<_> = steps.map(|(step, _)| format!("@{step}")).collect();
    let (all, version) = (names.join(", "), version(project, earlier));
    (!names.is_empty()).then(|| {
        format!(
            "{} stands on {name}, and this release does not follow it: it creates {all} anew, at \
             other addresses. To upgrade what stands, write `follows = \"{version}\"` under \
             [project]; `follows = \"none\"` says that it begins anew",
            earlier.name
        )
    })
}
