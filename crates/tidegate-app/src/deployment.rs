//! A release on one network: names resolved, code computed, the deployment's preimage.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, U256};
use serde_json::Value;
use tidegate_chain::{CallOutcome, Network};
use tidegate_evm::{PROBE_GAS, Progress, Rounds};
use tidegate_model::digest::create2_salt;
use tidegate_model::plan::{Rule, Source};
use tidegate_model::policy::External;
use tidegate_model::ports::StateSnapshot;
use tidegate_model::record::Deployment;
use tidegate_model::release::Artifact;
use tidegate_model::{Head, NetworkId};
use tidegate_plan::config::{ExistingConfig, ExistingPlace, NetworkConfig, Stage};
use tidegate_plan::{
    Executor, Expected, Guarded, Op, OpKind, ResolveContext, Resolved, When, expected_code,
    expected_in, expected_rest, resolve,
};

use crate::chain::Chain;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::follow::{self, Left};
use crate::policy_doc::require_keys;
use crate::project::Project;
use crate::release::Built;

/// A plan on one network, with its set-up in front.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The plan, its operations preceded by those that create mocks.
    pub resolved: Resolved,
    /// Contracts that are created as set-up, outside the plan.
    pub mocks: BTreeMap<String, Address>,
    /// Where every external stands.
    externals: BTreeMap<String, Address>,
    /// What the releases that are followed left on the network.
    pub(crate) left: Left,
    /// The ABIs of what of that is taken as it is.
    pub(crate) found: Vec<JsonAbi>,
}

/// The operation and step name of a mock.
pub(crate) fn mock_op(name: &str) -> String {
    format!("mock:{name}")
}

/// The Safe that acts on a target.
///
/// # Errors
/// If the target names none, or a key of the policy is missing.
pub fn safe_executor(project: &Project, target: &str) -> AppResult<Executor> {
    require_keys(project, target)?;
    let what = || AppError::config(format!("[networks.{target}] has no `safe`"));
    project.network(target)?.safe.map(Executor::Safe).ok_or_else(what)
}

/// Resolves a release on a network for this executor and deployment id.
pub(crate) fn prepare(
    project: &Project,
    built: &Built,
    network: &str,
    executor: Executor,
    deployment_id: u64,
) -> AppResult<Prepared> {
    prepare_with(project, built, network, executor, deployment_id, BTreeMap::new())
}

/// The same, with other values of these parameters than are written for the network.
pub(crate) fn prepare_with(
    project: &Project,
    built: &Built,
    network: &str,
    executor: Executor,
    deployment_id: u64,
    mut values: BTreeMap<String, Value>,
) -> AppResult<Prepared> {
    let settings = project.network(network)?;
    let chain = follow::of(project, built)?;
    let own = (built.roots.release_root, deployment_id);
    let left = match &chain {
        Some(chain) => follow::left(project, chain, network, Some(own))?,
        None => Left::default(),
    };
    let is_written = values.is_empty();
    let of = (executor, deployment_id);
    let SetUp { externals, mocks, mut ops } = set_up(project, built, network, of, &left)?;
    let context = ResolveContext {
        executor,
        deployer: match executor {
            Executor::Key(address) => Some(address),
            Executor::Safe(_) => None,
        },
        safe: settings.safe,
        deployment_id,
        externals: externals.clone(),
        existing: existing(project, built, network, &left)?,
        params: {
            let mut written = params(project, built, network, settings);
            written.append(&mut values);
            written
        },
    };
    let mut resolved = resolve(&built.release, &context)?;
    let existing = &built.release.plan.existing;
    let standing = chain.iter().flat_map(|chain| &chain.followed.standing);
    let found = standing.filter(|(name, _)| existing.contains(*name));
    let found = found.map(|(_, standing)| standing.artifact.abi.clone()).collect();
    if let Some(chain) = chain.filter(|_| is_written) {
        require_kept(&chain, built, (&resolved, &externals), &left)?;
    }
    ops.append(&mut resolved.ops);
    resolved.ops = ops;
    let mocked = built.mocks.values().map(|mock| &mock.abi);
    resolved.errors =
        resolved.errors.with(mocked.chain([tidegate_safe::helper_abi(), &built.errors]));
    Ok(Prepared { resolved, mocks, externals, left, found })
}

/// Where externals stand, and what creates those of a testnet.
#[derive(Default)]
struct SetUp {
    externals: BTreeMap<String, Address>,
    mocks: BTreeMap<String, Address>,
    ops: Vec<Op>,
}

fn set_up(
    project: &Project,
    built: &Built,
    network: &str,
    (executor, id): (Executor, u64),
    left: &Left,
) -> AppResult<SetUp> {
    let is_testnet = project.network(network)?.stage == Stage::Testnet;
    let mut set_up = SetUp::default();
    for (name, networks) in &project.config.externals {
        let Some(external) = networks.get(network) else { continue };
        // What a stand-in was created for uses it.
        if let Some(there) = left.externals.get(name).filter(|_| external.create.is_some()) {
            set_up.externals.insert(name.clone(), there.address);
            continue;
        }
        match (&external.create, external.address) {
            (None, Some(address)) => {
                set_up.externals.insert(name.clone(), address);
            }
            (Some(_), None) if is_testnet => {
                let op = mock_creation(project, built, executor, name, id)?;
                if let OpKind::Create { address, .. } = op.kind {
                    set_up.mocks.insert(name.clone(), address);
                    set_up.externals.insert(name.clone(), address);
                }
                set_up.ops.push(op);
            }
            _ => {
                return Err(AppError::config(format!(
                    "[externals.{name}] {network}: write `address` and `code_hash`, or on a \
                     testnet `create`"
                )));
            }
        }
    }
    Ok(set_up)
}

/// Refuses another value of a parameter, or another external, than what stands was given, where
/// nothing gives it the new one. A deployer who is another one than before is no other value.
fn require_kept(
    chain: &Chain,
    built: &Built,
    (resolved, externals): (&Resolved, &BTreeMap<String, Address>),
    left: &Left,
) -> AppResult {
    let plan = &built.release.plan;
    let deployer = serde_json::to_value(resolved.executor.address())?;
    for (name, was) in &left.params {
        let Some(now) = resolved.params.get(name).filter(|now| *now != was) else { continue };
        let by_deployer = same_address(now, &deployer)
            && left.executor.is_some_and(|before| same_address(was, &serde_json::json!(before)));
        let given = Source::Param(name.clone());
        let Some(kept) = chain.followed.not_given(plan, &given).pop_first() else { continue };
        if !by_deployer {
            return Err(AppError::config(format!(
                "params.{name} was {was} when @{kept} was made or called, is {now}, and nothing of \
                 this release gives @{kept} the new value"
            ))
            .hint(format!(
                "restore it, or set it by a `call` or `migrate` of @{kept}; what its constructor \
                 got changes only with another implementation"
            )));
        }
    }
    for (name, was) in &left.externals {
        let Some(now) = externals.get(name).filter(|now| **now != was.address) else { continue };
        let given = Source::Ref(name.clone());
        if let Some(kept) = chain.followed.not_given(plan, &given).pop_first() {
            let was = was.address;
            return Err(AppError::config(format!(
                "externals.{name} was {was} when @{kept} was made or called, is {now}, and nothing \
                 of this release gives @{kept} the new address"
            ))
            .hint(format!("restore it, or set it by a `call` or `migrate` of @{kept}")));
        }
    }
    Ok(())
}

/// Addresses are written with a checksum or without.
fn same_address(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| value.as_str().map(str::to_lowercase);
    text(a).is_some_and(|a| text(b) == Some(a))
}

/// Where the contracts under `[existing]` stand on a network, and what was left by the releases
/// that are followed.
fn existing(
    project: &Project,
    built: &Built,
    network: &str,
    left: &Left,
) -> AppResult<BTreeMap<String, ExistingPlace>> {
    let place = |(name, existing): (&String, &ExistingConfig)| {
        let place = existing.networks.get(network).copied();
        let missing = || {
            AppError::config(format!("[existing.{name}] has no address on {network}"))
                .hint(format!("{network} = {{ address = \"0x...\" }}"))
        };
        Ok((name.clone(), place.ok_or_else(missing)?))
    };
    let names = &built.release.plan.existing;
    let mut all =
        project.config.existing.iter().map(place).collect::<AppResult<BTreeMap<_, _>>>()?;
    for (name, place) in left.places.iter().filter(|(name, _)| names.contains(*name)) {
        if let Some((other, _)) = all.iter().find(|(_, other)| other.address == place.address) {
            return Err(AppError::config(format!(
                "[existing.{other}] on {network} is @{name}, which stands of what is followed"
            ))
            .hint("remove it under [existing]; the step of its name upgrades it"));
        }
        all.insert(name.clone(), ExistingPlace { address: place.address, admin: place.admin });
    }
    Ok(all)
}

/// Every parameter as written for a network. On a target, one that must be the same as on the
/// testnet takes the value of the first network that backs it.
fn params(
    project: &Project,
    built: &Built,
    network: &str,
    settings: &NetworkConfig,
) -> BTreeMap<String, Value> {
    let value = |name: &String, decl: &tidegate_model::plan::ParamDecl| {
        let written = project.config.params.get(name)?;
        let inherited = || match decl.rule {
            Rule::SameAsTestnet => settings.soaks_on.iter().find_map(|soak| written.value(soak)),
            _ => None,
        };
        written.value(network).or_else(inherited).cloned()
    };
    let params = built.release.plan.params.iter();
    params.filter_map(|(name, decl)| Some((name.clone(), value(name, decl)?))).collect()
}

fn mock_creation(
    project: &Project,
    built: &Built,
    executor: Executor,
    name: &str,
    id: u64,
) -> AppResult<Op> {
    let error = |why: &str| AppError::config(format!("[externals.{name}] create: {why}"));
    let artifact: &Artifact = built.mocks.get(name).ok_or_else(|| error("was not compiled"))?;
    if artifact.abi.constructor.as_ref().is_some_and(|c| !c.inputs.is_empty()) {
        return Err(error("a mock's constructor takes no arguments"));
    }
    let linked = artifact.creation.linked(&BTreeMap::new());
    let initcode = linked.map_err(|library| error(&format!("it links the library {library}")))?;
    let op = mock_op(name);
    let salt = create2_salt(&project.config.name, &op, "", id);
    let address = Guarded::address(executor.address(), salt, &initcode);
    let guarded = Some(Guarded { value: U256::ZERO });
    let contract = artifact.fqn.clone();
    let kind = OpKind::Create { contract, address, salt, initcode, guarded };
    Ok(Op { id: op.clone(), step: op, kind })
}

/// Executes the plan locally on the network's state at a block, fetching what that needs.
pub(crate) async fn expect(
    network: &Network,
    prepared: &Prepared,
    head: Head,
    when: When,
) -> AppResult<Expected> {
    let run = |snapshot: &_| expected_code(&prepared.resolved, snapshot, when);
    probed(network, head, simulate(network, head, run).await?).await
}

/// The same of a plan of which these operations were executed already, by id.
pub(crate) async fn expect_rest(
    network: &Network,
    prepared: &Prepared,
    head: Head,
    done: &BTreeSet<String>,
) -> AppResult<Expected> {
    let run = |snapshot: &_| expected_rest(&prepared.resolved, snapshot, done);
    probed(network, head, simulate(network, head, run).await?).await
}

async fn probed(network: &Network, head: Head, mut expected: Expected) -> AppResult<Expected> {
    // Nothing but the chain knows which rules it has.
    for probe in expected.probes().or_kind(Kind::Config)? {
        let said = network.try_creation(&probe.initcode, PROBE_GAS, head.block).await?;
        let (CallOutcome::Returned(answer) | CallOutcome::Reverted(answer)) = said;
        expected.refuse_rules(network.name(), &probe, &answer);
    }
    Ok(expected)
}

/// What a plan creates on the network's state at a block if it ran in `block`, so that two networks
/// can be compared in one moment.
pub(crate) async fn expect_in(
    network: &Network,
    prepared: &Prepared,
    head: Head,
    when: When,
    block: Head,
) -> AppResult<Expected> {
    let run = |snapshot: &_| expected_in(&prepared.resolved, snapshot, when, block);
    simulate(network, head, run).await
}

/// Runs a local execution until nothing is missing from its snapshot.
pub(crate) async fn simulate<T>(
    network: &Network,
    head: Head,
    run: impl Fn(&StateSnapshot) -> Result<T, tidegate_evm::EvmError>,
) -> AppResult<T> {
    let mut snapshot = StateSnapshot::empty(network.id().chain, head);
    let mut rounds = Rounds::new();
    loop {
        match rounds.step(run(&snapshot)).or_kind(Kind::Config)? {
            Progress::Done(value) => return Ok(value),
            Progress::Fetch(keys) => {
                for key in keys {
                    network.fill(&mut snapshot, key).await?;
                }
            }
        }
    }
}

/// The creations of a plan whose contracts stand already, by operation: what is there counts as
/// made by it.
pub(crate) async fn standing_creations(
    network: &Network,
    prepared: &Prepared,
    head: Head,
) -> AppResult<BTreeSet<String>> {
    let mut standing = BTreeSet::new();
    for (op, address, _) in prepared.resolved.creations() {
        let stands = !network.code(address, head.block).await?.is_empty();
        standing.extend(stands.then(|| op.id.clone()));
    }
    Ok(standing)
}

/// Whether a plan has begun: any of its contracts stands already.
pub(crate) async fn begun(network: &Network, prepared: &Prepared, head: Head) -> AppResult<When> {
    let standing = standing_creations(network, prepared, head).await?;
    Ok(if standing.is_empty() { When::Before } else { When::After })
}

impl Prepared {
    /// The preimage of the deployment's digest.
    pub(crate) fn deployment(
        &self,
        project: &Project,
        built: &Built,
        expected: &Expected,
        network: NetworkId,
        name: &str,
    ) -> AppResult<Deployment> {
        let mut externals = BTreeMap::new();
        for (external, address) in &self.externals {
            let code_hash = match self.mocks.get(external) {
                Some(mock) => expected.created.get(mock).map(|created| created.code_hash),
                None => {
                    let written = project.config.externals[external][name].code_hash;
                    written.or_else(|| self.left.externals.get(external).map(|left| left.code_hash))
                }
            };
            let code_hash = code_hash.ok_or_else(|| {
                AppError::config(format!("[externals.{external}] {name}: `code_hash` is missing"))
                    .hint(format!("`tidegate doctor` prints the code hash at {address}"))
            })?;
            externals.insert(external.clone(), External { address: *address, code_hash });
        }
        Ok(Deployment {
            v: Deployment::VERSION,
            chain: network.chain,
            genesis: network.genesis,
            build_digest: built.roots.build_digest,
            executor: self.resolved.executor.address(),
            steps: self.resolved.places.clone(),
            libraries: self.resolved.libraries.clone(),
            externals,
            params: self.resolved.params.clone(),
            slots: expected.slots.clone(),
            found: {
                let names = &built.release.plan.existing;
                let found = self.left.places.iter().filter(|(name, _)| names.contains(*name));
                found.map(|(name, found)| (name.clone(), found.clone())).collect()
            },
        })
    }

    /// The contracts under `[existing]`, with the admins of those that have one.
    pub(crate) fn live(&self) -> impl Iterator<Item = (&str, Address)> {
        let outside = self.resolved.outside.iter();
        let live = outside.filter(|(name, _)| !self.externals.contains_key(*name));
        live.map(|(name, address)| (name.as_str(), *address))
    }

    /// The initcode hash of every creation.
    pub(crate) fn initcodes(&self) -> BTreeMap<Address, B256> {
        self.resolved.initcodes()
    }
}

/// The code hashes of everything a plan creates.
pub(crate) fn code_hashes(expected: &Expected) -> BTreeMap<Address, B256> {
    expected.created.iter().map(|(address, created)| (*address, created.code_hash)).collect()
}

/// Refuses a plan that local execution shows to fail.
pub fn refuse_faults(expected: &Expected) -> AppResult {
    let Some(first) = expected.faults.first() else { return Ok(()) };
    let mut error =
        AppError::new(Kind::Fail, format!("the plan fails in local execution: {first}"));
    for fault in &expected.faults[1..] {
        error = error.hint(format!("also: {fault}"));
    }
    Err(error)
}
