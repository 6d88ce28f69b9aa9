//! A recorded release of the same name that is another one: this checkout builds something else.

use std::collections::BTreeSet;

use crate::error::AppResult;
use crate::project::Project;
use crate::records;
use crate::release::{Built, stored_build};

/// What a network has under the name of this release where it is another one, and what to look at.
pub(crate) fn namesake(
    project: &Project,
    network: &str,
    built: &Built,
) -> AppResult<Option<String>> {
    let (name, root) = (&built.release.name, built.roots.release_root);
    let own = records::own(project, network)?.into_iter().map(|(_, record)| record);
    let others: Vec<_> = own.filter(|record| record.name == *name).collect();
    // Who is deployed already has no other one in mind.
    if others.iter().any(|record| record.release_root == root) {
        return Ok(None);
    }
    let Some(other) = others.into_iter().max_by_key(|record| record.id) else { return Ok(None) };
    let stored = stored_build(project, other.release_root, other.deployment.build_digest)?;
    let differs = stored.map(|stored| other_bytes(&stored, built)).filter(|what| !what.is_empty());
    let differs = differs.map_or_else(String::new, |what| format!(", which differs in {what}"));
    Ok(Some(format!(
        "{name} is recorded on {network} as release {}{differs}. A change of yours gets another \
         `version`; if you changed nothing, look at `git pull` and `npm ci`",
        other.release_root.short()
    )))
}

/// The sources in which two builds of a release differ, or the contracts, where those are equal.
pub(super) fn other_bytes(a: &Built, b: &Built) -> String {
    let (old, new) = (a.release.contracts(), b.release.contracts());
    let pairs: Vec<_> =
        old.iter().filter_map(|(fqn, one)| Some((fqn, one, new.get(fqn)?))).collect();
    let sources = pairs.iter().flat_map(|(_, one, other)| {
        one.sources.iter().filter(|(name, digest)| other.sources.get(*name) != Some(digest))
    });
    let sources: BTreeSet<_> = sources.map(|(name, _)| name.clone()).collect();
    if !sources.is_empty() {
        return sources.into_iter().collect::<Vec<_>>().join(", ");
    }
    let changed = pairs.iter().filter(|(_, one, other)| one != other);
    let names: Vec<_> = changed.map(|(fqn, ..)| fqn.to_string()).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("the settings or remappings of {}", names.join(", "))
}
