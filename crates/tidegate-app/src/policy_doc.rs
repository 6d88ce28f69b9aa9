//! The policy as `tidegate.toml` and the Safe have it now, and as the Safe adopted it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde_json::Value;
use tidegate_chain::{LogQuery, Network};
use tidegate_evidence::{prove_safe, read_safe};
use tidegate_gates::{
    LOOSENING_SECS, Loosening, Observed, OtherProject, PolicyRules, TrustFacts, differences,
    loosened, looser_than_defaults, new_name, soak_network_fault,
};
use tidegate_model::policy::{
    Existing, External, Person, PolicyDoc, PolicyParam, SoakNetwork, Treasury,
};
use tidegate_model::{Head, NetworkId, PolicyDigest, ProjectId, Reason, ReasonCode};
use tidegate_safe::{SafeState, helper, keys_fault};
use tidegate_store::read_json;

use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::project::Project;
use crate::proposal_files::Known;

/// The largest policy file, in bytes.
const POLICY_BYTES_MAX: u64 = 1 << 20;

/// How many versions within 72 hours are compared.
const VERSIONS_MAX: u64 = 50;

/// What a Safe shows at a block.
pub(crate) async fn safe_state(
    network: &Network,
    safe: Address,
    head: Head,
) -> AppResult<SafeState> {
    Ok(read_safe(network, safe, head.block).await?)
}

/// Refuses a Safe that anything else may move than what it shows.
pub(crate) async fn require_proof(
    project: &Project,
    network: &Network,
    safe: Address,
    head: Head,
) -> AppResult {
    let proof = prove_safe(network, safe, head, &Known(project)).await?;
    let (hidden, missing) = proof.faults(&project.rules);
    match hidden.into_iter().chain(missing).next() {
        Some(fault) => {
            Err(AppError::new(Kind::Fail, fault.text).hint(proof.next_step(&project.rules)))
        }
        None => Ok(()),
    }
}

/// The policy as it is now: the file and the Safe.
pub(crate) fn current(
    project: &Project,
    target: &str,
    id: NetworkId,
    safe: &SafeState,
) -> AppResult<PolicyDoc> {
    let settings = project.network(target)?;
    require_soaks(project, target)?;
    require_keys(project, target)?;
    let mut soaks = Vec::new();
    for name in &settings.soaks_on {
        let soak = crate::network::identity(project, name)?;
        soaks.push(SoakNetwork {
            chain: soak.id.chain,
            genesis: soak.id.genesis,
            block_time: soak.block_time_secs,
        });
    }
    let mut funds = treasuries(project).collect::<AppResult<Vec<_>>>()?;
    funds.sort();
    let mut policy: BTreeMap<String, Value> = project.config.policy.clone();
    policy.insert("defaults".to_owned(), Value::String(PolicyRules::DEFAULTS.to_owned()));
    Ok(PolicyDoc {
        v: PolicyDoc::VERSION,
        name: project.config.name.clone(),
        target: id,
        soaks,
        quorum: crate::network::quorum(id.chain),
        safe: safe.trust.clone(),
        policy,
        firms: project.config.firms.clone(),
        people: people(project),
        externals: externals(project, target)?,
        existing: existing(project, target),
        params: params(project, target),
        funds,
    })
}

/// Each treasury of `[funds]` with its network.
pub(crate) fn treasuries(project: &Project) -> impl Iterator<Item = AppResult<Treasury>> {
    project.config.funds.iter().map(|(name, funds)| {
        let NetworkId { chain, genesis } = crate::network::identity(project, name)?.id;
        Ok(Treasury { chain, genesis, treasury: funds.treasury })
    })
}

/// Refuses networks that may not back a target.
pub(crate) fn require_soaks(project: &Project, target: &str) -> AppResult {
    let settings = project.network(target)?;
    if settings.soaks_on.is_empty() {
        return Err(AppError::config(format!("[networks.{target}] has no `soaks_on`"))
            .hint("name the testnets whose soak backs it"));
    }
    for name in &settings.soaks_on {
        let soak = project.network(name)?.chain;
        let is_listed = tidegate_chain::known_chain(soak).is_some();
        let soak = (name.as_str(), soak);
        if let Some(why) = soak_network_fault(&project.rules, settings.chain, soak, is_listed) {
            return Err(AppError::config(why).coded(ReasonCode::SoakNetwork).hint(
                "to let its operator set the soak's time, write `unlisted = true` under \
                       [policy]",
            ));
        }
    }
    Ok(())
}

/// Refuses more keys than a promotion's batch can ask whether they stopped it.
pub(crate) fn require_keys(project: &Project, target: &str) -> AppResult {
    let targets = project.ids_on(project.network(target)?.chain)?.len();
    let people = people(project);
    let keys: BTreeSet<_> = people.values().flat_map(Person::addresses).collect();
    match keys_fault(keys.len(), targets) {
        Some(why) => {
            Err(AppError::config(why)
                .hint("remove unused keys from [people], or name fewer targets"))
        }
        None => Ok(()),
    }
}

/// Everybody, with roles and keys in order.
pub(crate) fn people(project: &Project) -> BTreeMap<String, Person> {
    let people = project.config.people.iter().map(|(name, person)| {
        let mut roles = person.roles.clone();
        roles.sort();
        let mut keys = person.keys.clone();
        keys.sort();
        (name.clone(), Person { roles, firm: person.firm.clone(), keys })
    });
    people.collect()
}

/// The keys of everybody in the policies' files here, adopted or not.
pub(crate) fn keys_of_policies(project: &Project) -> AppResult<BTreeSet<Address>> {
    let mut keys = BTreeSet::new();
    for (target, _) in project.targets() {
        for (_, path) in project.layout.policies(target)? {
            let read = read_json(&path, POLICY_BYTES_MAX).map(serde_json::from_value::<PolicyDoc>);
            let people = read.ok().and_then(Result::ok).map(|doc| doc.people);
            keys.extend(people.iter().flatten().flat_map(|(_, person)| person.addresses()));
        }
    }
    Ok(keys)
}

fn externals(project: &Project, target: &str) -> AppResult<BTreeMap<String, External>> {
    let mut externals = BTreeMap::new();
    for (name, networks) in &project.config.externals {
        let Some(external) = networks.get(target) else { continue };
        let (Some(address), Some(code_hash)) = (external.address, external.code_hash) else {
            return Err(AppError::config(format!(
                "[externals.{name}] {target} needs `address` and `code_hash`"
            )));
        };
        externals.insert(name.clone(), External { address, code_hash });
    }
    Ok(externals)
}

fn existing(project: &Project, target: &str) -> BTreeMap<String, Existing> {
    let existing = project.config.existing.iter().filter_map(|(name, existing)| {
        let place = existing.networks.get(target)?;
        Some((name.clone(), Existing { address: place.address, admin: place.admin }))
    });
    existing.collect()
}

fn params(project: &Project, target: &str) -> BTreeMap<String, PolicyParam> {
    let params = project.config.params.iter().map(|(name, param)| {
        let value = param.value(target).cloned();
        (name.clone(), PolicyParam { rule: param.rule_written.clone(), value })
    });
    params.collect()
}

/// What the helper says that the Safe adopted, compared with the present policy.
pub(crate) async fn adopted(
    project: &Project,
    target: &str,
    network: &Network,
    head: Head,
    current: &PolicyDoc,
) -> AppResult<TrustFacts> {
    let (safe, id) = (current.safe.address, current.project());
    let Some((version, digest)) = adopted_version(network, head, safe, id).await? else {
        return Ok(TrustFacts::Never);
    };
    let preimage = preimage(project, target, version, digest);
    let differences = preimage.map(|adopted| differences(&adopted, current));
    let others = others(network, head, safe, id).await.map_err(|error| error.reason());
    let loosenings = loosenings(project, target, network, head, current, version).await?;
    let mut loosenings = loosenings;
    // A name is new for as long after its first version, whatever version follows it.
    if let Ok(found) = &mut loosenings {
        let first = policy_at(network, head, current, 1).await?.adopted_at;
        match &others {
            Ok(others) => found.extend(new_name(others, first)),
            Err(why) if head.timestamp < first.saturating_add(LOOSENING_SECS) => {
                loosenings = Err(why.clone());
            }
            Err(_) => {}
        }
    }
    Ok(TrustFacts::Adopted { version, digest, differences, loosenings, others })
}

/// The other projects of a Safe, by the helper's events.
pub(crate) async fn others(
    network: &Network,
    head: Head,
    safe: Address,
    own: ProjectId,
) -> AppResult<Vec<OtherProject>> {
    let simulated = network.id().chain.is_simulated();
    let since = if simulated { 0 } else { helper::SINCE_SECS };
    let Some(first) = network.first_block_at_or_after(since, head).await? else {
        return Ok(Vec::new());
    };
    let query = LogQuery {
        addresses: vec![helper::address()],
        topics: vec![helper::PROJECT_TOPICS.to_vec(), vec![safe.into_word()]],
        from: first.block.number,
        to: head.block.number,
    };
    let logs = network.logs(&query).await?;
    let found = helper::projects(safe, logs.iter().map(|log| log.topics.as_slice()));
    let others = found.into_iter().filter(|(id, _)| *id != own);
    let other = |(id, events): (_, helper::ProjectEvents)| OtherProject {
        id,
        policies: events.policies,
        records: events.records,
    };
    Ok(others.map(other).collect())
}

/// A version's file, if it has the digest that the chain holds.
pub(crate) fn preimage(
    project: &Project,
    target: &str,
    version: u64,
    digest: PolicyDigest,
) -> Observed<PolicyDoc> {
    let fault = |text: String| Err(Reason::new(ReasonCode::PolicyFile, text));
    let unreadable = |error: String| Reason::unreadable(error);
    let path =
        project.layout.policy(target, version).map_err(|error| unreadable(error.to_string()))?;
    let found: PolicyDoc = match read_json(&path, POLICY_BYTES_MAX).map(serde_json::from_value) {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return fault(format!("the adopted policy's file is damaged: {error}")),
        Err(error) => return fault(format!("the adopted policy's file cannot be read: {error}")),
    };
    match found.digest() {
        Ok(has) if has == digest => Ok(found),
        Ok(has) => {
            fault(format!("the adopted policy's file policy-{version}.json has digest {has}"))
        }
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// Every version that was in force within the last 72 hours, and in what the present policy asks
/// for less. What came before the first version are the built-in defaults.
async fn loosenings(
    project: &Project,
    target: &str,
    network: &Network,
    head: Head,
    current: &PolicyDoc,
    newest: u64,
) -> AppResult<Observed<Vec<Loosening>>> {
    let mut found = Vec::new();
    for version in (1..=newest).rev() {
        let adopted = policy_at(network, head, current, version).await?;
        let from = adopted.adopted_at.saturating_add(LOOSENING_SECS);
        if from <= head.timestamp {
            break;
        }
        if newest - version >= VERSIONS_MAX {
            let text = format!("more than {VERSIONS_MAX} versions within 72 hours");
            return Ok(Err(Reason::new(ReasonCode::TooManyVersions, text)));
        }
        let (than, lines) = match version - 1 {
            0 => ("the built-in defaults".to_owned(), looser_than_defaults(&current.policy)),
            before => {
                let digest = policy_at(network, head, current, before).await?.digest;
                match preimage(project, target, before, digest) {
                    Ok(old) => (format!("version {before}"), loosened(&old, current)),
                    Err(missing) => return Ok(Err(missing)),
                }
            }
        };
        if !lines.is_empty() {
            found.push(Loosening { than, lines, from });
        }
    }
    Ok(Ok(found))
}

/// A version as the Safe adopted it.
async fn policy_at(
    network: &Network,
    head: Head,
    policy: &PolicyDoc,
    version: u64,
) -> AppResult<helper::AdoptedPolicy> {
    let call = helper::policy_at(policy.safe.address, policy.project(), version);
    let answer = network.call(helper::address(), &call, head.block).await?;
    let adopted = helper::read_policy_at(&answer).or_kind(Kind::Chain)?;
    let missing = || AppError::new(Kind::Chain, format!("the helper has no version {version}"));
    adopted.ok_or_else(missing)
}

/// When the newest version was adopted, by the target's chain time.
pub(crate) async fn adopted_at(
    network: &Network,
    head: Head,
    policy: &PolicyDoc,
) -> AppResult<Option<u64>> {
    let (safe, id) = (policy.safe.address, policy.project());
    let Some((version, _)) = adopted_version(network, head, safe, id).await? else {
        return Ok(None);
    };
    Ok(Some(policy_at(network, head, policy, version).await?.adopted_at))
}

/// In what a policy asks for less than the newest adopted version, if that can be read, and than
/// the built-in defaults.
pub(crate) async fn looser_lines(
    project: &Project,
    target: &str,
    network: &Network,
    head: Head,
    policy: &PolicyDoc,
) -> AppResult<Vec<(String, Vec<String>)>> {
    let mut lines = vec![("the defaults".to_owned(), looser_than_defaults(&policy.policy))];
    let (safe, id) = (policy.safe.address, policy.project());
    if let Some((version, digest)) = adopted_version(network, head, safe, id).await? {
        let than = format!("version {version}");
        lines.push(match preimage(project, target, version, digest) {
            Ok(old) => (than, loosened(&old, policy)),
            Err(missing) => (than, vec![format!("cannot be compared: {missing}")]),
        });
    } else if let Some(waits) = new_name(&others(network, head, safe, id).await?, head.timestamp) {
        lines.push((waits.than, waits.lines));
    }
    lines.retain(|(_, lines)| !lines.is_empty());
    Ok(lines)
}

/// The newest version that a Safe adopted, and its digest; `None` if there is none.
pub(crate) async fn adopted_version(
    network: &Network,
    head: Head,
    safe: Address,
    project: ProjectId,
) -> AppResult<Option<(u64, PolicyDigest)>> {
    require_helper(network, head).await?;
    let at = head.block;
    let answer =
        network.call(helper::address(), &helper::policy_version(safe, project), at).await?;
    let version = helper::read_policy_version(&answer).or_kind(Kind::Chain)?;
    if version == 0 {
        return Ok(None);
    }
    let call = helper::policy_at(safe, project, version);
    let answer = network.call(helper::address(), &call, at).await?;
    let adopted = helper::read_policy_at(&answer).or_kind(Kind::Chain)?;
    let missing = || AppError::new(Kind::Chain, format!("the helper has no version {version}"));
    Ok(Some((version, adopted.ok_or_else(missing)?.digest)))
}

/// Checks that our helper stands on a network, with our code.
pub(crate) async fn require_helper(network: &Network, head: Head) -> AppResult {
    let found = network.code_hash(helper::address(), head.block).await?;
    if found == helper::CODE_HASH {
        return Ok(());
    }
    let name = network.name();
    Err(AppError::new(Kind::Chain, format!("the helper contract is not on {name} yet"))
        .hint(format!("run `tidegate deploy --helper {name}`")))
}
