//! Facts of the gate `soak`.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Selector};
use tidegate_chain::Network;
use tidegate_evidence::{
    CountedContract, End, NamedUse, Probe, SeenSample, SoakRequest, StatementSet, Watched,
    counted_functions, ends as find_ends, observe_soak,
};
use tidegate_gates::{
    AuditFacts, Functions, Observed, Reset, SoakFacts, StartPost, WINDOW_SECS, Who, WithdrawalFact,
    anchor_required, resetting_bugs,
};
use tidegate_ledger::RequestState;
use tidegate_model::record::DeploymentRecord;
use tidegate_model::release::{Artifact, Code};
use tidegate_model::statement::{Body, TestResult, soak_start_subject};
use tidegate_model::{Head, ProjectId, Reason, ReasonCode, StatementDigest};
use tidegate_plan::{Executor, OpKind};

use super::candidate::{Candidate, Gathered};
use super::code::deployed_build;
use super::decisions;
use super::namesake::namesake;
use super::posts::{Posts, first_posted};
use crate::deployment::{Prepared, prepare};
use crate::error::{AppError, AppResult, Kind};
use crate::policy_doc::people;
use crate::project::Project;
use crate::records;
use crate::release::Built;

pub(super) async fn observe(
    gathered: &Gathered<'_>,
    audits: &Observed<AuditFacts>,
) -> AppResult<Observed<SoakFacts>> {
    let Some(record) = gathered.record else {
        return Ok(Err(not_deployed(gathered.project, gathered.soak, gathered.built)?));
    };
    let network = gathered.soak_network.clone()?;
    let names = names(gathered.project);
    let at = gathered.past(network).await?;
    // What came after it was over does not set it back.
    let until = at.map_or((u64::MAX, u64::MAX), |head| (head.block.number, head.timestamp));
    let mut resets = external_resets(gathered, audits, &names);
    resets.retain(|reset| reset.time <= until.1);
    let mut samples = samples(gathered, record, &names)?;
    samples.retain(|sample| sample.says.block.number <= until.0);
    let posted = start_post(gathered, record, network).await.map_err(|error| error.reason());
    let said = Said {
        at,
        counted_to: gathered.counted_to("soak/activity", network),
        posted,
        resets,
        known: known(gathered.project, gathered.statements, &names)?,
        samples,
        named: named_uses(gathered, record, &names)?,
        withdrawals: withdrawals(gathered, &names),
    };
    let place = (gathered.soak, network);
    on_chain(gathered.project, gathered.built, place, record, gathered.is_past, &said).await
}

/// A soak that backs no target yet: what the network shows alone.
pub(super) async fn alone(
    project: &Project,
    built: &Built,
    (name, network): (&str, &Network),
    record: Option<&DeploymentRecord>,
) -> AppResult<Observed<SoakFacts>> {
    let Some(record) = record else { return Ok(Err(not_deployed(project, name, built)?)) };
    let statements = crate::statements::load_at(project, None).await?;
    let said = Said {
        at: None,
        counted_to: None,
        posted: Ok(None),
        resets: Vec::new(),
        known: known(project, &statements, &names(project))?,
        samples: Vec::new(),
        named: Vec::new(),
        withdrawals: Vec::new(),
    };
    on_chain(project, built, (name, network), record, false, &said).await
}

fn not_deployed(project: &Project, soak: &str, built: &Built) -> AppResult<Reason> {
    let way = namesake(project, soak, built)?;
    let way = way.unwrap_or_else(|| format!("run `tidegate deploy {soak}`"));
    let text = format!("it is not deployed on {soak}; {way}");
    Ok(Reason::new(ReasonCode::NotDeployed, text))
}

/// What is known of a soak beside what its network shows.
struct Said {
    /// The past block at which the network is read, instead of its finalized head.
    at: Option<Head>,
    counted_to: Option<u64>,
    posted: Observed<Option<StartPost>>,
    resets: Vec<Reset>,
    known: BTreeMap<Address, Who>,
    samples: Vec<SeenSample>,
    named: Vec<NamedUse>,
    withdrawals: Vec<WithdrawalFact>,
}

async fn on_chain(
    project: &Project,
    built: &Built,
    (name, network): (&str, &Network),
    record: &DeploymentRecord,
    is_past: bool,
    said: &Said,
) -> AppResult<Observed<SoakFacts>> {
    let deployed = deployed_build(project, built, record, network, is_past).await?;
    let built = deployed.as_ref().unwrap_or(built);
    let contracts = counted(project, built, record);
    let identity = crate::network::identity(project, name)?;
    let executor = Executor::Key(record.deployment.executor);
    let prepared = prepare(project, built, name, executor, record.id)?;
    let calls: Vec<_> = prepared
        .resolved
        .ops
        .iter()
        .filter_map(|op| match &op.kind {
            OpKind::Call { to, data, .. } => Some((op.id.clone(), *to, data.clone())),
            OpKind::Create { .. } => None,
        })
        .collect();
    let request = SoakRequest {
        name,
        at: said.at,
        counted_to: said.counted_to,
        posted: &said.posted,
        record,
        block_time_secs: identity.block_time_secs,
        end_of_life: crate::network::end_of_life(project, name)?,
        named: &said.named,
        rules: &project.rules,
        contracts: &contracts,
        calls: &calls,
        probes: &probes(&prepared),
        watched: &watched(&prepared),
        external_resets: &said.resets,
        known: &said.known,
        samples: &said.samples,
        withdrawals: &said.withdrawals,
    };
    Ok(observe_soak(network, &request).await?)
}

/// Where later deployments on a network changed what is judged of a record's release.
pub(super) async fn ends(
    candidate: &Candidate<'_>,
    name: &str,
    record: &DeploymentRecord,
) -> AppResult<Vec<End>> {
    let project = candidate.project;
    let network = project.connect(name).await?;
    let deployed = deployed_build(project, candidate.built, record, &network, true).await?;
    let built = deployed.as_ref().unwrap_or(candidate.built);
    let executor = Executor::Key(record.deployment.executor);
    let prepared = prepare(project, built, name, executor, record.id)?;
    let later = records::of_others(project, name, record.release_root)?;
    Ok(find_ends(&network, record, &probes(&prepared), &later).await?)
}

/// When the start was posted on the target by somebody of the policy or the deployer.
async fn start_post(
    gathered: &Gathered<'_>,
    record: &DeploymentRecord,
    network: &Network,
) -> AppResult<Option<StartPost>> {
    let (project, name) = (gathered.project, gathered.target);
    let (target, soak) = (project.network(name)?, project.network(gathered.soak)?.chain);
    let rules = &project.rules;
    if !anchor_required(rules, target.chain, crate::network::has_operator(soak)) {
        return Ok(None);
    }
    let subject = start_subject(project.id(target)?, record, network).await?;
    let by = names(project).into_keys().chain([record.deployment.executor]);
    let by: Vec<Address> = by.collect();
    let network = gathered.target_network.clone()?;
    let head = network.finalized_head().await?;
    let since = head.timestamp.saturating_sub(rules.soak_secs + WINDOW_SECS);
    let words = by.iter().map(|key| key.into_word()).collect();
    let mut posted_at = first_posted(network, head, words, subject, since).await?;
    let mut posts = Posts::at(network, head).await?;
    for key in by {
        // What was posted before that is as old as is asked for.
        if posted_at.is_none() && posts.until(key, subject).await? > 0 {
            posted_at = Some(since);
        }
    }
    let (target, chain) = (name.to_owned(), network.id().chain);
    Ok(Some(StartPost { target, chain, head, posted_at, subject: subject.0 }))
}

/// Under which subject the start of a recorded deployment is posted.
pub(crate) async fn start_subject(
    project: ProjectId,
    record: &DeploymentRecord,
    network: &Network,
) -> AppResult<StatementDigest> {
    let anchor = record.anchor().ok_or_else(|| AppError::config("the record has no anchor"))?;
    let receipt = network.receipt(anchor.hash).await?;
    let last = network.finalized_head().await?.block.number;
    let block = receipt.map(|receipt| receipt.block).filter(|block| block.number <= last);
    let block = block.ok_or_else(|| {
        AppError::new(Kind::Chain, format!("the anchor is not final on {} yet", network.name()))
    })?;
    Ok(soak_start_subject(project, record.deployment.digest()?, block.hash))
}

/// Everybody under `[people]`, by key.
fn names(project: &Project) -> BTreeMap<Address, String> {
    let people = people(project).into_iter();
    people
        .flat_map(|(name, p)| p.keys.into_iter().map(move |key| (key.address, name.clone())))
        .collect()
}

/// Who the senders are: people, and wallets that somebody else of the policy granted test funds.
fn known(
    project: &Project,
    statements: &StatementSet,
    names: &BTreeMap<Address, String>,
) -> AppResult<BTreeMap<Address, Who>> {
    let rules = crate::fund_rules::from_config(project);
    let requests = crate::ledger_facts::requests(project, statements, &rules)?;
    let granted =
        requests.iter().filter(|view| matches!(view.state, RequestState::Approved { .. }));
    let mut known: BTreeMap<_, _> =
        granted.map(|view| (view.destination, Who::Request(view.request.short()))).collect();
    known.extend(names.iter().map(|(key, name)| (*key, Who::Person(name.clone()))));
    Ok(known)
}

/// What happens elsewhere and sets the clock back: auditors who take back what they attested or
/// find something grave, and bugs of high severity.
fn external_resets(
    gathered: &Gathered<'_>,
    audits: &Observed<AuditFacts>,
    names: &BTreeMap<Address, String>,
) -> Vec<Reset> {
    // Where audits are unknown, their gate says so.
    let audits = audits.iter().flat_map(AuditFacts::resets);
    let bugs = decisions::bugs(gathered).unwrap_or_default();
    let found = resetting_bugs(&bugs).into_iter().filter_map(|fact| {
        let statement = &gathered.statements.signed(fact.digest)?.statement;
        let name = names.get(&fact.signer)?;
        let (severity, title) = (fact.bug.severity.word(), &fact.bug.title);
        let reason = format!("{name} found a {severity} bug: {title}");
        Some(Reset { time: statement.issued_at(), block: None, reason })
    });
    audits.chain(found).collect()
}

/// Samples of exactly this deployment, by people of the policy. What strangers sign says nothing.
fn samples(
    gathered: &Gathered<'_>,
    record: &DeploymentRecord,
    names: &BTreeMap<Address, String>,
) -> AppResult<Vec<SeenSample>> {
    let project = gathered.project.id(gathered.project.network(gathered.target)?)?;
    let deployment = record.deployment.digest()?;
    let seen = gathered.statements.general().filter_map(|(digest, general, signer)| {
        let Body::SoakSample(says) = &general.body else { return None };
        let by = names.get(&signer)?.clone();
        let same = general.project_id() == project
            && says.network == record.deployment.network()
            && says.release == record.release_root
            && says.deployment == deployment;
        same.then(|| SeenSample { digest, by, signer, says: says.clone() })
    });
    Ok(seen.collect())
}

/// The transactions that people of the policy name in results of this release on this network, in
/// the order of the results. Where evidence is checked, of the results that it lists.
fn named_uses(
    gathered: &Gathered<'_>,
    record: &DeploymentRecord,
    names: &BTreeMap<Address, String>,
) -> AppResult<Vec<NamedUse>> {
    let project = gathered.project.id(gathered.project.network(gathered.target)?)?;
    let is_listed = |digest: &StatementDigest| {
        gathered.evidence.is_none_or(|evidence| evidence.statements.contains(digest))
    };
    let results = gathered.statements.general().filter_map(|(digest, general, signer)| {
        let Body::Result(says) = &general.body else { return None };
        let by = names.get(&signer)?;
        let same = general.project_id() == project
            && says.network == record.deployment.network()
            && says.release == record.release_root;
        (same && is_listed(&digest)).then_some(((general.issued_at, digest), by, says))
    });
    let mut results: Vec<_> = results.collect();
    results.sort_by_key(|(order, ..)| *order);
    let of_result = |(_, by, says): (_, &String, &TestResult)| {
        let named = says.transactions.iter().take(TestResult::TRANSACTIONS_MAX).copied();
        let by = by.clone();
        named.map(move |transaction| NamedUse { transaction, by: by.clone() }).collect::<Vec<_>>()
    };
    Ok(results.into_iter().flat_map(of_result).collect())
}

/// Samples that somebody takes back; whether they are their own is asked where they are compared.
/// Whoever deployed the release speaks of nobody else's.
fn withdrawals(gathered: &Gathered<'_>, names: &BTreeMap<Address, String>) -> Vec<WithdrawalFact> {
    let deployers = gathered.deployed.keys.as_ref().map_err(|_| ());
    let deployed: Option<BTreeSet<_>> =
        deployers.ok().map(|keys| keys.iter().filter_map(|key| names.get(key)).collect());
    let other = |signer: &Address| {
        let name = names.get(signer)?;
        // Where nobody knows who deployed, nobody speaks for others.
        (!deployed.as_ref()?.contains(name)).then(|| name.clone())
    };
    let said = gathered.statements.general().filter_map(|(digest, general, signer)| {
        let Body::SoakWithdraw(says) = &general.body else { return None };
        let (sample, block, timestamp) = (says.sample, says.block, says.timestamp);
        Some(WithdrawalFact { digest, signer, by: other(&signer), sample, block, timestamp })
    });
    said.collect()
}

fn probes(prepared: &Prepared) -> Vec<Probe> {
    let checks = prepared.resolved.checks.iter().map(|check| Probe {
        step: check.step.clone(),
        signature: check.signature.clone(),
        to: check.to,
        data: check.data.clone(),
        returns: check.returns.clone(),
        expected: crate::text::plain(&check.value),
        kind: check.kind.clone(),
    });
    checks.collect()
}

fn watched(prepared: &Prepared) -> Vec<Watched> {
    let slots = prepared.resolved.slots.iter().map(|watch| Watched {
        name: watch.name.to_owned(),
        address: watch.address,
        slot: watch.slot,
    });
    slots.collect()
}

/// The plan's contracts with the functions whose calls count.
pub(crate) fn counted(
    project: &Project,
    built: &Built,
    record: &DeploymentRecord,
) -> Vec<CountedContract> {
    let plan = &built.release.plan;
    let calls: Vec<_> = plan.steps.iter().filter_map(|step| step.as_call()).collect();
    let contracts = plan.steps.iter().filter_map(|step| {
        let (contract, init) = step.contract()?;
        let place = record.deployment.steps.get(&step.name)?;
        let artifact = built.release.artifact(contract)?;
        let ignored = &project.rules.activity_ignore;
        let name = contract.name();
        let of_plan = calls.iter().filter(|call| call.target == step.name);
        let mut called: BTreeSet<_> =
            of_plan.map(|call| call.invocation.signature.clone()).collect();
        called.extend(init.map(|init| init.signature.clone()));
        let functions = counted_functions(name, &artifact.abi, &called, ignored);
        let eventless = eventless(artifact, functions.keys());
        Some(CountedContract { address: place.address, functions, eventless })
    });
    contracts.collect()
}

/// Those of a contract's functions that emit no event.
fn eventless<'a>(
    artifact: &Artifact,
    functions: impl Iterator<Item = &'a Selector>,
) -> BTreeSet<Selector> {
    let Code { object, links, .. } = &artifact.runtime;
    let open = artifact.immutables.values().chain(links.values()).flatten().copied();
    let code = Functions::new(object, open);
    functions.copied().filter(|selector| code.emits_none(*selector)).collect()
}
