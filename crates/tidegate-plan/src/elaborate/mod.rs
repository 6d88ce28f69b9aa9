//! From steps as written to the symbolic plan, with what the compiler made of their contracts.

mod args;
mod create;
mod follow;
#[cfg(test)]
mod tests;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Address, U256};
use serde_json::Value;
use tidegate_model::Fqn;
use tidegate_model::masks::links;
use tidegate_model::plan::{Action, Call, Expect, Member, ParamDecl, Plan, ProxyKind, Rule, Step};
use tidegate_model::release::Artifact;
use tidegate_model::units::parse_span_secs;

use crate::config::{Config, ConfigError, ParamConfig, StepConfig};
use crate::follow::Followed;
use crate::minimal::MINIMAL_PROXY;
use crate::value::{Known, Names, ValueError, date, normalise, read, shown};

/// The proxies and beacons, compiled from the project's copy of OpenZeppelin, which has to be what
/// was published.
const UUPS_PROXY: &str = "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy";
const TRANSPARENT_PROXY: &str = "@openzeppelin/contracts/proxy/transparent/\
    TransparentUpgradeableProxy.sol:TransparentUpgradeableProxy";
const BEACON_PROXY: &str = "@openzeppelin/contracts/proxy/beacon/BeaconProxy.sol:BeaconProxy";
const BEACON: &str = "@openzeppelin/contracts/proxy/beacon/UpgradeableBeacon.sol:UpgradeableBeacon";

/// The functions that put other code behind a proxy.
const UPGRADES: [&str; 4] = [
    "upgradeTo(address)",
    "upgradeToAndCall(address,bytes)",
    "upgrade(address,address)",
    "upgradeAndCall(address,address,bytes)",
];
/// Names that stand for addresses in every project.
pub(crate) const EXECUTORS: [&str; 3] = ["deployer", "safe", "executor"];

/// Names that no step has: those, and those of operations that are no step.
const RESERVED: [&str; 5] = ["deployer", "safe", "executor", "anchor", "foreign"];

/// A step that cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum ElaborateError {
    /// Something is wrong with one step.
    #[error("cannot plan step `{step}`: {reason}")]
    Step {
        /// The step's name, or its place in the file.
        step: String,
        reason: String,
    },
    /// An argument does not fit its type.
    #[error("cannot plan step `{step}`, argument `{argument}`")]
    Argument {
        step: String,
        /// The argument as written.
        argument: String,
        #[source]
        source: ValueError,
    },
    /// A parameter is not what its uses need.
    #[error("cannot read parameter `{param}`: {reason}")]
    Param { param: String, reason: String },
    /// A parameter's value, or a bound of its rule, is not one of its type.
    #[error("cannot read parameter `{param}`")]
    Value {
        param: String,
        #[source]
        source: ValueError,
    },
    /// An existing contract cannot be used.
    #[error(transparent)]
    Existing(#[from] ConfigError),
}

/// The contracts that have to be compiled, as the file names them.
pub fn requested_contracts(config: &Config) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for step in &config.steps {
        names.extend(step.create.clone());
        let own = step.proxy_contract.as_deref();
        match step.proxy.as_deref() {
            Some("uups") => names.extend([own.unwrap_or(UUPS_PROXY).to_owned()]),
            Some("transparent") => names.extend([own.unwrap_or(TRANSPARENT_PROXY).to_owned()]),
            Some("beacon") => {
                names.extend([own.unwrap_or(BEACON_PROXY), BEACON].map(str::to_owned));
            }
            _ => {}
        }
    }
    for existing in config.existing.values() {
        names.insert(existing.contract.clone());
        if existing.proxy == ProxyKind::Beacon {
            names.insert(BEACON.to_owned());
        }
    }
    let externals = config.externals.values().flat_map(BTreeMap::values);
    names.extend(externals.filter_map(|external| external.create.clone()));
    names
}

/// The artifact of one requested contract name, with the libraries that it links.
#[derive(Debug, Clone, Copy)]
pub struct Compiled<'a> {
    pub artifact: &'a Artifact,
    /// The libraries it links, each before those that link it.
    pub libraries: &'a [Fqn],
}

/// Builds the plan. `compiled` holds every name of [`requested_contracts`], and `artifacts` every
/// contract with every library that it links; `follows` is what stands of earlier releases.
///
/// # Errors
/// If a step names something that is not there, or an argument does not fit the ABI.
pub fn elaborate(
    config: &Config,
    compiled: &BTreeMap<String, Compiled<'_>>,
    artifacts: &BTreeMap<Fqn, Artifact>,
    follows: Option<&Followed>,
) -> Result<Plan, ElaborateError> {
    let mut builder = Builder {
        config,
        compiled,
        artifacts,
        follows,
        steps: Vec::new(),
        targets: BTreeMap::new(),
        params: BTreeMap::new(),
        known: known(config),
        found: BTreeSet::new(),
        anew: BTreeSet::new(),
        made: BTreeSet::new(),
    };
    for (name, networks) in &config.externals {
        if Followed::is_in(follows, name) {
            let reason = "a contract that stands has this name; give it another one";
            return Err(ConfigError::value(format!("externals.{name}"), reason).into());
        }
        let created = networks.values().find_map(|external| external.create.as_ref());
        let abi = created.and_then(|c| compiled.get(c)).map(|c| &c.artifact.abi);
        builder.targets.insert(name.clone(), abi);
    }
    for (name, existing) in &config.existing {
        let is_taken = builder.targets.contains_key(name) || Followed::is_in(follows, name);
        if is_taken || RESERVED.contains(&name.as_str()) {
            let reason = "this name is taken; give it another one";
            return Err(ConfigError::value(format!("existing.{name}"), reason).into());
        }
        let abi = compiled.get(&existing.contract).map(|c| &c.artifact.abi);
        builder.targets.insert(name.clone(), abi);
    }
    for (index, step) in config.steps.iter().enumerate() {
        builder.step(index, step)?;
    }
    builder.refuse_unused_existing()?;
    builder.refuse_left()?;
    let params = builder.params()?;
    let mut plan = Plan {
        steps: builder.steps,
        params,
        externals: config.externals.keys().cloned().collect(),
        existing: config.existing.keys().cloned().chain(builder.found).collect(),
        links: BTreeSet::new(),
        follows: follows.map(|followed| followed.root),
        made: builder.made,
    };
    plan.links = links(plan.contracts().iter().filter_map(|fqn| artifacts.get(fqn)));
    Ok(plan)
}

struct Builder<'a> {
    config: &'a Config,
    compiled: &'a BTreeMap<String, Compiled<'a>>,
    artifacts: &'a BTreeMap<Fqn, Artifact>,
    follows: Option<&'a Followed>,
    steps: Vec<Step>,
    /// What a call or an argument may name so far, with the ABI where it is known.
    targets: BTreeMap<String, Option<&'a JsonAbi>>,
    /// Each used parameter's type, and the names of its members where it holds structures.
    params: BTreeMap<String, (String, Vec<Member>)>,
    /// All names of the file, whether they are known already at a step or not.
    known: Known,
    /// What stands of the release that is followed and has a step.
    found: BTreeSet<String>,
    /// What is created anew although it stands.
    anew: BTreeSet<String>,
    /// Calls that were made before.
    made: BTreeSet<String>,
}

impl<'a> Builder<'a> {
    fn step(&mut self, index: usize, written: &StepConfig) -> Result<(), ElaborateError> {
        let place = written.name.clone().unwrap_or_else(|| format!("#{}", index + 1));
        let error = |reason: String| ElaborateError::Step { step: place.clone(), reason };
        let (name, action, abi) = match (&written.create, &written.upgrade, written.call.is_empty())
        {
            (Some(contract), None, true) => {
                let name = written.name.clone().unwrap_or_else(|| lower(contract));
                let (create, abi) = self.create(&name, contract, written)?;
                match self.followed(&name, create, abi, written)? {
                    Some(action) => (name, action, Some(abi)),
                    None => return self.expects(&name, Some(abi), written).map(drop),
                }
            }
            (Some(contract), Some(target), true) => {
                let name = written.name.clone().unwrap_or_else(|| lower(contract));
                self.refuse_written(&name, target)?;
                let (upgrade, abi) = self.upgrade(&name, target, contract, written)?;
                self.targets.insert(upgrade.target.clone(), Some(abi));
                (name, Action::Upgrade(upgrade), Some(abi))
            }
            (None, Some(_), true) => {
                let reason = "name the new implementation with `create = \"Contract\"`";
                return Err(error(reason.to_owned()));
            }
            (None, None, false) => {
                let call = self.call(&place, written)?;
                let function = call.invocation.signature.split('(').next().unwrap_or_default();
                let default = || format!("{}.{function}", call.target);
                let name = written.name.clone().unwrap_or_else(default);
                let abi = self.targets.get(&call.target).copied().flatten();
                if self.was_made(&name, &call) && self.made.insert(name.clone()) {
                    return self.expects(&name, abi, written).map(drop);
                }
                (name, Action::Call(call), abi)
            }
            _ => return Err(error("a step has either `create` or `call`".to_owned())),
        };
        // An upgrade of what is there already may have its name: it is the same contract.
        let is_there = self.config.existing.contains_key(&name) || self.found.contains(&name);
        let renews =
            is_there && matches!(&action, Action::Upgrade(upgrade) if upgrade.target == name);
        let taken = RESERVED.contains(&name.as_str())
            || (self.targets.contains_key(&name) && !renews)
            || self.steps.iter().any(|step| step.name == name);
        if taken {
            return Err(error(format!("the name `{name}` is taken; give it another `name`")));
        }
        if !self.found.contains(&name) {
            refuse_misplaced(written, &action).map_err(error)?;
        }
        if !matches!(action, Action::Call(_)) {
            self.targets.insert(name.clone(), abi);
        }
        let expect = self.expects(&name, abi, written)?;
        let salt_label = written.salt.clone().unwrap_or_default();
        self.steps.push(Step { name, action, expect, salt_label });
        Ok(())
    }

    fn call(&mut self, step: &str, written: &StepConfig) -> Result<Call, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        let [target, function, args @ ..] = written.call.as_slice() else {
            return Err(error("write `call = [\"@target\", \"function\", arguments…]`".to_owned()));
        };
        let name = target.as_str().and_then(|t| t.strip_prefix('@'));
        let name = name.ok_or_else(|| error(format!("`{}` is not an `@name`", shown(target))))?;
        let abi = self.targets.get(name).copied();
        let abi = abi.ok_or_else(|| error(self.unknown_target(name)))?;
        let parsed;
        let abi = match abi {
            Some(abi) => abi,
            // An external whose sources are not in the project: its function is written in full.
            None => {
                parsed = function
                    .as_str()
                    .and_then(|text| Function::parse(text).ok())
                    .map(|function| {
                        let mut abi = JsonAbi::new();
                        abi.functions.entry(function.name.clone()).or_default().push(function);
                        abi
                    })
                    .ok_or_else(|| {
                        error(format!(
                            "`@{name}` has no ABI here; write {function} as a full \
                                       signature such as \"approve(address,uint256)\""
                        ))
                    })?;
                &parsed
            }
        };
        let invocation = self.invocation(step, abi, function, args)?;
        // Whatever the target is called: one address may have several names.
        if UPGRADES.contains(&invocation.signature.as_str()) {
            return Err(error(format!(
                "`{}` is an upgrade, of which nothing is compared as a call; write `upgrade` and \
                 `create` in a step, and the proxy under [existing]",
                invocation.signature
            )));
        }
        let value = value(step, written)?;
        Ok(Call { target: name.to_owned(), invocation, value })
    }

    /// What a step's view calls return; of one that comes to nothing too, whose parameters stay.
    fn expects(
        &mut self,
        step: &str,
        abi: Option<&JsonAbi>,
        written: &StepConfig,
    ) -> Result<Vec<Expect>, ElaborateError> {
        let mut expects = Vec::new();
        for written in &written.expect {
            let abi = abi.ok_or_else(|| ElaborateError::Step {
                step: step.to_owned(),
                reason: "what it calls has no ABI for `expect`".to_owned(),
            })?;
            expects.push(self.expect(step, abi, written)?);
        }
        Ok(expects)
    }

    fn expect(
        &mut self,
        step: &str,
        abi: &JsonAbi,
        written: &[Value],
    ) -> Result<Expect, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        let [function, args @ .., equals] = written else {
            return Err(error("write `expect = [[\"view\", arguments…, value]]`".to_owned()));
        };
        let function = args::find_function(step, abi, function)?;
        let [output] = function.outputs.as_slice() else {
            let signature = function.signature();
            return Err(error(format!("`{signature}` must return exactly one value")));
        };
        let signature = function.signature();
        let args = self.args(step, &signature, &function.inputs, args)?;
        let equals = self.arg(step, &output.into(), equals)?;
        Ok(Expect { signature, args, equals })
    }

    fn params(&self) -> Result<BTreeMap<String, ParamDecl>, ElaborateError> {
        let mut params = BTreeMap::new();
        for (name, (ty, members)) in &self.params {
            let Some(written) = self.config.params.get(name) else { continue };
            let rule = self.param_rule(ty, members, written);
            let rule =
                rule.map_err(|source| ElaborateError::Value { param: name.clone(), source })?;
            params
                .insert(name.clone(), ParamDecl { ty: ty.clone(), members: members.clone(), rule });
        }
        if let Some(unused) = self.config.params.keys().find(|name| !params.contains_key(*name)) {
            let reason = "no step uses it; remove it".to_owned();
            return Err(ElaborateError::Param { param: unused.clone(), reason });
        }
        Ok(params)
    }

    /// A parameter's rule, once all of its values can be read.
    fn param_rule(
        &self,
        ty: &str,
        members: &[Member],
        written: &ParamConfig,
    ) -> Result<Rule, ValueError> {
        // Which address it is, only a network says.
        let somewhere = |name: &str| self.known.addresses.contains(name).then_some(Address::ZERO);
        let names = Names { known: &self.known, address: &somewhere };
        if let Some(table) = structure(written).filter(|_| !ty.contains('(')) {
            let keys: Vec<_> = table.keys().map(|key| format!("`{key}`")).collect();
            return Err(ValueError::Member(format!(
                "a `{ty}` is no structure, and {} neither a network nor `rule` or `value`",
                keys.join(", ")
            )));
        }
        for value in written.values.values().chain(&written.everywhere) {
            read(ty, members, value, &names)?;
        }
        // The bounds of a rule are the same on all networks, so no name stands in them.
        let names = Names { known: &self.known, address: &|_| None };
        written.rule.typed(|value| read(ty, members, value, &names))
    }

    /// A live contract without an upgrade is an external: nothing would compare its code.
    fn refuse_unused_existing(&self) -> Result<(), ElaborateError> {
        let upgraded = |name: &String| {
            self.steps.iter().filter_map(Step::as_upgrade).any(|upgrade| upgrade.target == *name)
        };
        match self.config.existing.keys().find(|name| !upgraded(name)) {
            Some(name) => Err(ConfigError::value(
                format!("existing.{name}"),
                "no step upgrades it; what is only used belongs under [externals]",
            )
            .into()),
            None => Ok(()),
        }
    }

    fn compiled(&self, step: &str, name: &str) -> Result<Compiled<'a>, ElaborateError> {
        self.compiled.get(name).copied().ok_or_else(|| ElaborateError::Step {
            step: step.to_owned(),
            reason: format!("`{name}` was not compiled"),
        })
    }

    fn unknown_target(&self, name: &str) -> String {
        let near = crate::config::nearest(name, self.targets.keys().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("; did you mean `@{near}`?"));
        format!("`@{name}` is neither an earlier step nor an external{near}")
    }
}

/// The table that is a parameter's value on every network.
fn structure(written: &ParamConfig) -> Option<&serde_json::Map<String, Value>> {
    let value = written.everywhere.as_ref().filter(|value| date(value).is_none())?;
    value.as_object()
}

/// The name that a creation has where none is written.
fn lower(contract: &str) -> String {
    contract.rsplit(':').next().unwrap_or("").to_lowercase()
}

/// The names of a configuration, whatever comes first.
fn known(config: &Config) -> Known {
    let steps = config.steps.iter().filter_map(|step| {
        let contract = step.create.as_ref()?;
        Some(step.name.clone().unwrap_or_else(|| lower(contract)))
    });
    let outside = config.externals.keys().chain(config.existing.keys()).cloned();
    let addresses = EXECUTORS.map(str::to_owned).into_iter().chain(outside).chain(steps).collect();
    Known { addresses, params: config.params.keys().cloned().collect() }
}

/// Keys that mean nothing on this kind of step.
fn refuse_misplaced(written: &StepConfig, action: &Action) -> Result<(), String> {
    let creates = matches!(action, Action::Create(_));
    let given = [
        ("proxy", written.proxy.is_some() && !creates),
        ("admin", written.admin.is_some() && !creates),
        ("proxy_contract", written.proxy_contract.is_some() && !creates),
        ("beacon", written.beacon.is_some() && !creates),
        ("guarded", written.guarded.is_some() && matches!(action, Action::Call(_))),
        ("value", written.value.is_some() && matches!(action, Action::Upgrade(_))),
        ("anew", written.anew && !creates),
        ("migrate", !written.migrate.is_empty() && !creates),
        ("uninitialized", written.uninitialized.is_some() && !creates),
        ("args", !written.args.is_empty() && matches!(action, Action::Call(_))),
        ("init", !written.init.is_empty() && matches!(action, Action::Call(_))),
    ];
    match given.iter().find(|(_, misplaced)| *misplaced) {
        Some((key, _)) => Err(format!("`{key}` has no meaning on this kind of step")),
        None => Ok(()),
    }
}

/// The wei that a step sends.
fn value(step: &str, written: &StepConfig) -> Result<U256, ElaborateError> {
    let Some(value) = &written.value else { return Ok(U256::ZERO) };
    let argument =
        |source| ElaborateError::Argument { step: step.to_owned(), argument: shown(value), source };
    // Elsewhere a number may be a span; nobody sends so many seconds of ether.
    if value.as_str().is_some_and(|text| parse_span_secs(text).is_ok()) {
        let reason = "it is a span of time; write an amount, such as \"0.5 ether\"".to_owned();
        let (value, ty) = (shown(value), "uint256".to_owned());
        return Err(argument(ValueError::Mismatch { value, ty, reason }));
    }
    let text = normalise("uint256", value).map_err(argument)?;
    Ok(text.as_str().and_then(|digits| digits.parse().ok()).unwrap_or_default())
}

/// The synthetic artifact of a minimal proxy belongs to a release that has one.
pub fn needs_minimal_proxy(plan: &Plan) -> bool {
    plan.contracts().iter().any(|contract| contract.0 == MINIMAL_PROXY)
}
