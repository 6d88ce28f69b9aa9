//! The deployers of a release, and its records.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use tidegate_chain::Network;
use tidegate_evidence::{Borne, StatementSet, borne_out};
use tidegate_gates::{Decision, MissingRecord, Observed, RecordFile, RecordsHere, missing_records};
use tidegate_model::ReleaseRoot;
use tidegate_model::record::{DeploymentRecord, anchor_calldata};
use tidegate_model::statement::SeenRecord;

use super::decisions::decided;
use crate::error::AppResult;
use crate::policy_doc::people;
use crate::project::Project;
use crate::{network, records};

/// Of records that goes list and that are missing, so many anchors are asked for.
const ANCHORS_MAX: usize = 4_096;

/// Of records that were deleted before this machine saw them, so many are asked for.
const RECALLED_MAX: usize = 256;

/// Of those that never were, this many are named.
const NEVER_NAMED_MAX: usize = 3;

/// The deployers of a release, with what shows it.
#[derive(Clone)]
pub(crate) struct Deployed {
    pub(super) keys: Observed<Vec<Address>>,
    /// The record files of the checkout.
    pub(super) records: Observed<RecordsHere>,
    /// Records that somebody saw when they said go, and that are gone.
    pub(super) gone: Vec<MissingRecord>,
}

impl Deployed {
    /// By these keys, where nobody asks for records.
    pub(super) fn by(keys: Observed<Vec<Address>>) -> Self {
        Self { keys, records: Ok(RecordsHere::default()), gone: Vec::new() }
    }

    /// Read for a release and a target. What cannot be read is UNKNOWN where it is asked for.
    pub(super) async fn read(
        project: &Project,
        target: &str,
        statements: &StatementSet,
        release: ReleaseRoot,
    ) -> Self {
        let keys = read(project, target, release).await.map_err(|error| error.reason());
        let mut records = here(project, target, release).map_err(|error| error.reason());
        let decided = decided(project, target, statements, release);
        if let (Ok(here), Ok(decided)) = (&mut records, &decided) {
            never_were(project, target, release, decided, here).await;
        }
        let gone = match (&records, decided) {
            (Ok(here), Ok(decided)) => missing_records(&people(project), &decided, here),
            _ => Vec::new(),
        };
        Self { keys, records, gone }
    }
}

/// Sets aside what goes list and never was a deployment of this release: the network of a record
/// that was shows its anchor, by a key of the policy and not only its own holder's word. What is on
/// no network that backs the target, no go lists.
async fn never_were(
    project: &Project,
    target: &str,
    release: ReleaseRoot,
    decided: &[Decision],
    here: &mut RecordsHere,
) {
    let people = people(project);
    let missing = decided.iter().flat_map(|go| {
        missing_records(&people, std::slice::from_ref(go), here).into_iter().map(move |of| (go, of))
    });
    let missing: Vec<_> = missing.take(ANCHORS_MAX).collect();
    let mut networks = BTreeMap::new();
    let mut named = 0;
    for (go, record) in missing {
        let asked = was(project, target, (release, go.signer), &record.seen, &mut networks);
        let Ok(false) = asked.await else {
            continue;
        };
        let SeenRecord { anchor, deployment, .. } = record.seen;
        here.never.insert((go.digest, deployment, anchor));
        named += 1;
        if named <= NEVER_NAMED_MAX {
            project.front.warn(format!(
                "{}: no soak network of {target} has its anchor {anchor} from another key of the \
                 policy; it does not count",
                record.sentence()
            ));
        }
    }
}

/// Whether a network that backs the target shows the anchor of a record that a go by this key
/// lists, sent by somebody else under `[people]`. Whoever deployed says no go that counts.
async fn was(
    project: &Project,
    target: &str,
    (release, said_by): (ReleaseRoot, Address),
    seen: &SeenRecord,
    networks: &mut BTreeMap<String, Network>,
) -> AppResult<bool> {
    let mut name = None;
    for soak in &project.network(target)?.soaks_on {
        if network::identity(project, soak)?.id == seen.network {
            name = Some(soak);
        }
    }
    let Some(name) = name else { return Ok(false) };
    let network = match networks.entry(name.clone()) {
        Entry::Occupied(network) => network.into_mut(),
        Entry::Vacant(none) => none.insert(project.connect(name).await?),
    };
    let Some(anchor) = network.transaction(seen.anchor).await? else { return Ok(false) };
    let holder = |key| people(project).into_values().find(|person| person.holds(key));
    let by_another = holder(anchor.from).is_some_and(|sender| !sender.holds(said_by));
    let of_release = anchor.input == anchor_calldata(release, seen.deployment);
    Ok(by_another && of_release && anchor.to == Some(anchor.from))
}

/// Keys that deployed a release, on any network that backs the target: by the records, as far as
/// the chains bear them out, and by those that this machine has seen so and that are gone.
pub(super) async fn read(
    project: &Project,
    target: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<Address>> {
    let mut keys = BTreeSet::new();
    for soak in &project.network(target)?.soaks_on {
        for void in records::void(project, soak, release)? {
            project.front.warn(void);
        }
        let mut found = counted(project, soak, release).await?;
        // Whoever deletes a record is no less a deployer.
        found.extend(records::gone(project, soak, release)?);
        keys.extend(found.iter().map(|record| record.deployment.executor));
    }
    Ok(keys.into_iter().collect())
}

/// The records of a release on a network that count: their executors, people of the policy,
/// deployed. Of the newest one, on which the soak rests, the anchor is enough, as others may have
/// created all its contracts.
async fn counted(
    project: &Project,
    soak: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<DeploymentRecord>> {
    let all = records::all_of_release(project, soak, release)?;
    let newest = records::of_release(project, soak, release)?;
    let mut network = None;
    // Deleted before this machine saw them: no less gone here than where they were seen.
    for record in records::recalled(project, soak)?.iter().take(RECALLED_MAX) {
        let network = match &mut network {
            Some(network) => network,
            none => none.insert(project.connect(soak).await?),
        };
        if borne_out(network, record).await? == Borne::Contracts {
            records::remember(project, soak, record)?;
        }
    }
    let mut counted = Vec::new();
    for record in all {
        let executor = record.deployment.executor;
        if record.release_root != release || !records::is_ours(project, executor) {
            continue;
        }
        if !records::is_remembered(project, soak, &record)? {
            if network.is_none() {
                network = Some(project.connect(soak).await?);
            }
            let Some(network) = &network else { continue };
            match borne_out(network, &record).await? {
                Borne::Contracts => records::remember(project, soak, &record)?,
                Borne::Anchor if newest.as_ref() == Some(&record) => {}
                Borne::Anchor | Borne::Nothing => continue,
            }
        }
        counted.push(record);
    }
    Ok(counted)
}

/// Every record that somebody sees who says go, with its network's name: those that count, and
/// those that this machine has seen and that are gone.
pub(crate) async fn to_see(
    project: &Project,
    target: &str,
    release: ReleaseRoot,
) -> AppResult<Vec<(String, SeenRecord)>> {
    let mut seen = Vec::new();
    for soak in &project.network(target)?.soaks_on {
        let mut found = counted(project, soak, release).await?;
        found.extend(records::gone(project, soak, release)?);
        for record in found {
            let Some(anchor) = record.anchor().map(|tx| tx.hash) else { continue };
            let record = SeenRecord {
                digest: record.digest()?,
                anchor,
                deployment: record.deployment.digest()?,
                network: record.deployment.network(),
                file: record.file_name(),
            };
            seen.push((soak.clone(), record));
        }
    }
    Ok(seen)
}

/// The record files of this checkout; those of the release count that people of the policy made, on
/// a network that backs the target.
fn here(project: &Project, target: &str, release: ReleaseRoot) -> AppResult<RecordsHere> {
    let backs = &project.network(target)?.soaks_on;
    let mut here = RecordsHere::default();
    for name in project.config.networks.keys() {
        // Without a genesis hash there is no policy either, so the gate `policy` is UNKNOWN.
        if let Ok(identity) = network::identity(project, name) {
            here.folders.insert(identity.id, format!("deployments/{name}"));
        }
        for (path, record) in records::all(project, name)? {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let path = format!("deployments/{name}/{file}");
            if record.release_root != release {
                here.others.insert(path);
                continue;
            }
            here.files.push(RecordFile {
                path,
                digest: record.digest()?,
                deployment: record.deployment.digest()?,
                anchor: record.anchor().map(|tx| tx.hash),
                counts: backs.contains(name) && records::is_own(project, &record),
            });
        }
    }
    Ok(here)
}
