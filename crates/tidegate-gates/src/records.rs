//! Deployment records that somebody saw when they said go, beside those that are there.
//!
//! A record says who deployed and where else a release soaks. One that was seen and is gone may
//! have been what stood in the way, so whatever rests on records is unknown without it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use tidegate_model::policy::Person;
use tidegate_model::statement::SeenRecord;
use tidegate_model::{DeploymentDigest, NetworkId, RecordDigest, StatementDigest};

use crate::Decision;
use crate::people::holder;

/// The record files of this checkout.
#[derive(Debug, Clone, Default)]
pub struct RecordsHere {
    /// Each file of the release that is judged.
    pub files: Vec<RecordFile>,
    /// The paths of the others.
    pub others: BTreeSet<String>,
    /// The folder of each network's records, as the configuration names the network.
    pub folders: BTreeMap<NetworkId, String>,
    /// What goes list and never was: by go, deployment and anchor.
    pub never: BTreeSet<(StatementDigest, DeploymentDigest, B256)>,
}

/// One record file.
#[derive(Debug, Clone)]
pub struct RecordFile {
    /// Its path, from the project's folder.
    pub path: String,
    /// The digest of all that it says.
    pub digest: RecordDigest,
    /// The deployment that it is of.
    pub deployment: DeploymentDigest,
    /// The transaction that anchors it, if it names one.
    pub anchor: Option<B256>,
    /// Whether it is a person's of the policy, on a network that backs the target.
    pub counts: bool,
}

impl RecordFile {
    fn is_of(&self, seen: &SeenRecord) -> bool {
        self.deployment == seen.deployment && self.anchor == Some(seen.anchor)
    }
}

/// A record that a go lists and that is gone: none here is of its deployment and anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRecord {
    /// What the go says of it.
    pub seen: SeenRecord,
    pub go: StatementDigest,
    /// The name of the person who signed the go.
    pub by: String,
    /// Where it belongs, from the project's folder; none where no network here is its network.
    pub path: Option<String>,
    /// Whether another record lies in its place.
    pub is_changed: bool,
}

impl MissingRecord {
    /// That it is gone, and what to do.
    pub fn text(&self) -> String {
        let SeenRecord { digest, network, file, .. } = &self.seen;
        let digest = digest.short();
        let became = if self.is_changed { "was replaced" } else { "is gone" };
        match &self.path {
            Some(path) => format!(
                "record {path} ({digest}) {became}; restore it from git, or `tidegate import` a \
                 bundle that has it"
            ),
            None => format!(
                "record {file} ({digest}) {became}; name the network with chain {} and genesis {} \
                 in tidegate.toml, and restore the record there",
                network.chain, network.genesis
            ),
        }
    }

    /// The same, with the go that lists it.
    pub fn sentence(&self) -> String {
        let (go, by) = (self.go.short(), &self.by);
        format!("{}; the go {go} by {by} lists it", self.text())
    }
}

/// Every record that somebody of the policy saw when they said go, also in a go that they replaced
/// since, and that is gone: each deployment once.
pub fn missing_records(
    people: &BTreeMap<String, Person>,
    decisions: &[Decision],
    here: &RecordsHere,
) -> Vec<MissingRecord> {
    let is_here = |seen: &SeenRecord| here.files.iter().any(|file| file.is_of(seen));
    let taken =
        |path: &str| here.others.contains(path) || here.files.iter().any(|file| file.path == path);
    let mut missing = BTreeMap::new();
    for decision in decisions {
        let Some((by, _)) = holder(people, decision.signer) else { continue };
        let is_gone = |seen: &&SeenRecord| {
            let listed = (decision.digest, seen.deployment, seen.anchor);
            !is_here(seen) && !here.never.contains(&listed)
        };
        for seen in decision.records.iter().filter(is_gone) {
            let folder = here.folders.get(&seen.network);
            let path = folder.map(|folder| format!("{folder}/{}", seen.file));
            let is_changed = path.as_deref().is_some_and(taken);
            let (go, by) = (decision.digest, by.to_owned());
            let found = MissingRecord { seen: seen.clone(), go, by, path, is_changed };
            missing.entry((seen.deployment, seen.anchor)).or_insert(found);
        }
    }
    missing.into_values().collect()
}

/// The first record of these that says something else now of the same deployment, by its path.
pub(crate) fn changed<'a>(here: &'a RecordsHere, records: &[SeenRecord]) -> Option<&'a str> {
    let changed = |seen: &SeenRecord| {
        let of_it = || here.files.iter().filter(|file| file.is_of(seen));
        let same = of_it().any(|file| file.digest == seen.digest);
        of_it().next().filter(|_| !same).map(|file| file.path.as_str())
    };
    records.iter().find_map(changed)
}

/// The paths of records that count and that none of these goes lists.
pub(crate) fn unlisted<'a>(
    here: &'a RecordsHere,
    goes: &[&Decision],
) -> impl Iterator<Item = &'a str> {
    let listed = goes.iter().flat_map(|go| go.records.iter().map(|seen| seen.digest));
    let listed: BTreeSet<_> = listed.collect();
    let files = here.files.iter().filter(|file| file.counts);
    files.filter(move |file| !listed.contains(&file.digest)).map(|file| file.path.as_str())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use tidegate_model::ChainId;

    use super::*;

    const NETWORK: NetworkId = NetworkId { chain: ChainId(5), genesis: B256::ZERO };

    fn seen(byte: u8, chain: u64) -> SeenRecord {
        let network = NetworkId { chain: ChainId(chain), ..NETWORK };
        let (digest, deployment) = (RecordDigest(word(byte)), DeploymentDigest(word(byte)));
        let (anchor, file) = (word(byte), format!("v-{byte}.json"));
        SeenRecord { digest, deployment, anchor, network, file }
    }

    fn word(byte: u8) -> B256 {
        B256::repeat_byte(byte)
    }

    fn go(key: u8, records: &[SeenRecord]) -> Decision {
        Decision {
            digest: StatementDigest(word(key)),
            signer: Address::with_last_byte(key),
            issued_at: 1,
            discipline: None,
            expires_at: 9,
            saw: Some(Vec::new()),
            records: records.to_vec(),
            reason: String::new(),
            confirmed: Ok(()),
        }
    }

    /// Files by name, each with its digest and that of its deployment.
    fn here(files: &[(u8, u8, &str)]) -> RecordsHere {
        let file = |(digest, deployment, name): &(u8, u8, &str)| RecordFile {
            path: format!("deployments/goerli/{name}"),
            digest: RecordDigest(word(*digest)),
            deployment: DeploymentDigest(word(*deployment)),
            anchor: Some(word(*deployment)),
            counts: true,
        };
        let folders = [(NETWORK, "deployments/goerli".to_owned())].into();
        RecordsHere { files: files.iter().map(file).collect(), folders, ..RecordsHere::default() }
    }

    #[test]
    fn what_was_seen_is_missed_whoever_took_it() {
        let keys = vec![Address::with_last_byte(1).into()];
        let people = [("kim".to_owned(), Person { roles: vec![], firm: None, keys })].into();
        let missing =
            |decisions: &[Decision], here: &RecordsHere| missing_records(&people, decisions, here);
        let (one, other) = (go(1, &[seen(1, 5)]), go(1, &[seen(2, 6)]));
        assert!(missing(std::slice::from_ref(&one), &here(&[(1, 1, "renamed.json")])).is_empty());
        let stranger = go(2, &[seen(1, 5)]);
        assert!(missing(&[stranger], &here(&[])).is_empty(), "strangers list anything");
        let gone = missing(&[one.clone(), one.clone(), other], &here(&[]));
        assert_eq!(gone.len(), 2, "{gone:?}");
        let text = gone[0].text();
        assert!(text.starts_with("record deployments/goerli/v-1.json (0101010101010101) is gone"));
        assert!(gone[1].text().contains("chain 6 and genesis"), "{gone:?}");
        // Another anchor is another deployment, and so is another release under the same name.
        let mut other = here(&[(1, 1, "v-1.json")]);
        other.files[0].anchor = None;
        let moved = RecordsHere { others: [other.files[0].path.clone()].into(), ..here(&[]) };
        for here in [other, moved] {
            let text = missing(std::slice::from_ref(&one), &here)[0].text();
            assert!(text.contains("v-1.json (0101010101010101) was replaced; restore"), "{text}");
        }
        assert!(gone[0].sentence().ends_with("the go 0101010101010101 by kim lists it"));
        // What its network does not show is missed by nobody, and another go may list a true one.
        let never = [(one.digest, DeploymentDigest(word(1)), word(1))].into();
        let here = RecordsHere { never, ..here(&[]) };
        assert!(missing(std::slice::from_ref(&one), &here).is_empty());
        let two = Decision { digest: StatementDigest(word(9)), ..one.clone() };
        assert_eq!(missing(&[one, two], &here).len(), 1);
    }

    #[test]
    fn what_says_something_else_now_is_named() {
        let listed = [seen(1, 5), seen(2, 5)];
        assert_eq!(changed(&here(&[(1, 1, "a"), (2, 2, "b")]), &listed), None);
        assert_eq!(changed(&here(&[(1, 1, "a"), (7, 1, "c")]), &listed), None, "one is gone");
        let edited = here(&[(1, 1, "a"), (7, 2, "b")]);
        assert_eq!(changed(&edited, &listed), Some("deployments/goerli/b"));
    }

    #[test]
    fn what_nobody_listed_is_named() {
        let here = here(&[(1, 1, "v-1.json"), (2, 2, "v-2.json")]);
        let one = go(1, &[seen(1, 5)]);
        let found: Vec<_> = unlisted(&here, &[&one]).collect();
        assert_eq!(found, ["deployments/goerli/v-2.json"]);
    }
}
