//! From the symbolic plan and one network's facts to addresses, initcode and calldata.

mod frozen;
mod op;
mod proxy;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use serde_json::Value;
use tidegate_evm::Errors;
use tidegate_model::Fqn;
use tidegate_model::digest::{MULTI_SENDS, create2_salt};
use tidegate_model::plan::{Action, Arg, Call, Create, Source, Step};
use tidegate_model::record::Place;
use tidegate_model::release::Release;

pub use self::frozen::{FrozenOp, Uncomputed};
pub use self::op::{CREATE2_PROXY, Guarded, HELPER, KeyTransaction, Op, OpKind, op_label};
use crate::config::ExistingPlace;
use crate::elaborate::EXECUTORS;
use crate::value::{Known, Names, ValueError, decode_word, encode_value, read};

/// The account that runs a plan's operations on a network: a key, or the Safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executor {
    /// A deployer key, on test stages.
    Key(Address),
    /// A Safe, on mainnet.
    Safe(Address),
}

impl Executor {
    /// The address of the key or the Safe.
    pub const fn address(self) -> Address {
        match self {
            Self::Key(address) | Self::Safe(address) => address,
        }
    }
}

/// The values of one network that a plan is resolved with: executor, externals, parameters,
/// deployment id.
#[derive(Debug, Clone)]
pub struct ResolveContext {
    /// The account that executes the plan: a deployer's key, or a Safe.
    pub executor: Executor,
    /// The value of `@deployer`, if there is one.
    pub deployer: Option<Address>,
    /// The value of `@safe`, if there is one.
    pub safe: Option<Address>,
    /// The deployment id, which enters the salts.
    pub deployment_id: u64,
    /// The addresses of externals, by name.
    pub externals: BTreeMap<String, Address>,
    /// The addresses of live contracts that are upgraded, by name.
    pub existing: BTreeMap<String, ExistingPlace>,
    /// Every parameter's value as written: a literal or an `@name`.
    pub params: BTreeMap<String, Value>,
}

impl ResolveContext {
    /// Everything outside the plan that it names.
    fn outside(&self) -> BTreeMap<String, Address> {
        let live = self.existing.iter().flat_map(|(name, place)| {
            let admin = place.admin.map(|admin| (format!("{name}.admin"), admin));
            [(name.clone(), place.address)].into_iter().chain(admin)
        });
        self.externals.clone().into_iter().chain(live).collect()
    }
}

/// A plan that one network's facts cannot complete.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// A name that has no address on this network.
    #[error("cannot resolve `@{name}`: it has no address on this network")]
    Ref { name: String },
    /// A parameter without a value on this network.
    #[error("cannot resolve `${name}`: it has no value for this network under [params]")]
    Param { name: String },
    /// A value that does not fit.
    #[error("cannot resolve {what}")]
    Value {
        /// The argument or parameter.
        what: String,
        #[source]
        source: ValueError,
    },
    /// A transparent proxy without its admin contract.
    #[error(
        "cannot resolve `@{name}`: write the `admin` of this transparent proxy under \
         [existing]"
    )]
    Admin { name: String },
    /// A beacon whose layout does not say where it keeps its implementation.
    #[error("cannot resolve `@{name}`: the beacon's layout has no `_implementation`")]
    Beacon { name: String },
    /// A call that only a batch itself makes.
    #[error("cannot resolve step `{step}`: it calls {what} at {address}, which no plan may")]
    OffLimits { step: String, what: &'static str, address: Address },
    /// A contract that the release does not hold.
    #[error("cannot resolve contract `{0}`: the release does not contain it")]
    Contract(Fqn),
}

/// A view call and what it must return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The step it belongs to.
    pub step: String,
    /// The function, for people.
    pub signature: String,
    /// The contract that is called.
    pub to: Address,
    /// The calldata.
    pub data: Bytes,
    /// The ABI-encoded value it must return.
    pub returns: Bytes,
    /// That value in normal form, for people.
    pub value: Value,
    /// Its type.
    pub kind: String,
}

impl Check {
    /// What a call returned, for people: as the value is written, or the bytes where they are no
    /// value of the type.
    pub fn shown(&self, returned: &Bytes) -> String {
        decode_word(&self.kind, returned).map_or_else(|_| returned.to_string(), |v| written(&v))
    }

    /// What it must return, for people.
    pub fn expected(&self) -> String {
        written(&self.value)
    }
}

/// A value in normal form, for people.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.escape_debug().to_string(),
        other => other.to_string(),
    }
}

/// A plan on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The account that executes the plan: a deployer's key, or a Safe.
    pub executor: Executor,
    /// The operations, in execution order.
    pub ops: Vec<Op>,
    /// The view calls that must hold after their step.
    pub checks: Vec<Check>,
    /// Address of each step's contract.
    pub places: BTreeMap<String, Place>,
    /// Address of each library.
    pub libraries: BTreeMap<Fqn, Address>,
    /// Every parameter's value in normal form.
    pub params: BTreeMap<String, Value>,
    /// The slots to watch, sorted by address and slot.
    pub slots: Vec<Watch>,
    /// What must be behind the proxies that are upgraded, before that.
    pub starts: Vec<Start>,
    /// The addresses of externals and of contracts that are there already; an admin contract has
    /// its proxy's name with `.admin` behind it.
    pub outside: BTreeMap<String, Address>,
    /// The errors of contracts that are known by name.
    pub errors: Errors,
}

/// A slot to watch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watch {
    /// The contract.
    pub address: Address,
    pub slot: B256,
    /// The slot's name for people.
    pub name: &'static str,
    /// The value that it must hold; `None` if only local execution tells.
    pub value: Option<B256>,
}

/// A proxy that an upgrade finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The upgrade's step.
    pub step: String,
    /// Its name under `[existing]`, or the step that made it.
    pub target: String,
    /// The contract whose slot it is: the proxy, or the beacon.
    pub address: Address,
    /// The admin contract that a transparent proxy must have.
    pub admin: Option<Address>,
    /// The slot that holds its implementation.
    pub slot: B256,
    /// The contract that has to be behind it.
    pub reference: Fqn,
    /// Whether an earlier step of the same plan puts it there.
    pub in_plan: bool,
}

impl Resolved {
    /// keccak256 of each created contract's initcode.
    pub fn initcodes(&self) -> BTreeMap<Address, B256> {
        self.creations().map(|(_, address, initcode)| (address, keccak256(initcode))).collect()
    }

    /// Whether the helper creates something for the executor alone.
    pub fn is_guarded(&self) -> bool {
        let guarded = |op: &Op| matches!(op.kind, OpKind::Create { guarded: Some(_), .. });
        self.ops.iter().any(guarded)
    }

    /// Every creation, in order.
    pub fn creations(&self) -> impl Iterator<Item = (&Op, Address, &Bytes)> {
        self.ops.iter().filter_map(|op| match &op.kind {
            OpKind::Create { address, initcode, .. } => Some((op, *address, initcode)),
            OpKind::Call { .. } => None,
        })
    }
}

/// Completes a release's plan with one network's facts.
///
/// # Errors
/// If a name or a parameter has no value here, or a value does not fit its type.
pub fn resolve(release: &Release, context: &ResolveContext) -> Result<Resolved, ResolveError> {
    let mut resolver = Resolver {
        release,
        context,
        known: known(release),
        done: Resolved {
            executor: context.executor,
            ops: Vec::new(),
            checks: Vec::new(),
            places: BTreeMap::new(),
            libraries: BTreeMap::new(),
            params: BTreeMap::new(),
            slots: Vec::new(),
            starts: Vec::new(),
            outside: context.outside(),
            errors: errors_of(release),
        },
    };
    for step in &release.plan.steps {
        resolver.step(step)?;
    }
    for name in release.plan.params.keys() {
        let value = resolver.param(name)?;
        resolver.done.params.insert(name.clone(), value);
    }
    resolver.done.slots.sort();
    resolver.keep_off()?;
    Ok(resolver.done)
}

fn errors_of(release: &Release) -> Errors {
    let built = release.artifacts.values().chain(release.references.values());
    Errors::default().with(built.map(|artifact| &artifact.abi))
}

struct Resolver<'a> {
    release: &'a Release,
    context: &'a ResolveContext,
    known: Known,
    done: Resolved,
}

/// The names of a release, on whatever network.
fn known(release: &Release) -> Known {
    let plan = &release.plan;
    let makes = |step: &&Step| !matches!(step.action, Action::Call(_));
    let steps = plan.steps.iter().filter(makes).map(|step| step.name.clone());
    let outside = plan.externals.iter().chain(&plan.existing).cloned();
    let addresses = EXECUTORS.map(str::to_owned).into_iter().chain(outside).chain(steps).collect();
    Known { addresses, params: plan.params.keys().cloned().collect() }
}

impl Resolver<'_> {
    /// A plan moves its own contracts. What moves the Safe, speaks for it or creates in its name
    /// is called by the batch alone, under whatever name the address is reached.
    fn keep_off(&self) -> Result<(), ResolveError> {
        let ResolveContext { executor, safe, .. } = self.context;
        let what = |address: Address| match address {
            HELPER => Some("the helper contract"),
            CREATE2_PROXY => Some("the CREATE2 proxy"),
            _ if MULTI_SENDS.contains(&address) => Some("a batch contract of Safe"),
            _ if *safe == Some(address) => Some("the Safe"),
            _ if executor.address() == address => Some("the executor"),
            _ => None,
        };
        let called = self.done.ops.iter().filter_map(|op| match op.kind {
            OpKind::Call { to, .. } => Some((&op.step, to)),
            OpKind::Create { .. } => None,
        });
        let asked = self.done.checks.iter().map(|check| (&check.step, check.to));
        let starts = self.done.starts.iter().map(|start| (&start.step, start.address));
        for (step, address) in called.chain(asked).chain(starts) {
            if let Some(what) = what(address) {
                return Err(ResolveError::OffLimits { step: step.clone(), what, address });
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), ResolveError> {
        match &step.action {
            Action::Create(create) => self.create(step, create)?,
            Action::Upgrade(upgrade) => self.upgrade(step, upgrade)?,
            Action::Call(call) => self.call(step, call)?,
        }
        for expect in &step.expect {
            let to = self.address(match &step.action {
                Action::Call(call) => &call.target,
                Action::Create(_) | Action::Upgrade(_) => &step.name,
            })?;
            let data = self.calldata(&step.name, &expect.signature, &expect.args)?;
            let value = self.value(&expect.equals)?;
            let returns = DynSolValue::Tuple(vec![self.word(&step.name, &expect.equals)?]);
            self.done.checks.push(Check {
                step: step.name.clone(),
                signature: expect.signature.clone(),
                to,
                data,
                returns: returns.abi_encode_params().into(),
                value,
                kind: expect.equals.ty.clone(),
            });
        }
        Ok(())
    }

    fn create(&mut self, step: &Step, create: &Create) -> Result<(), ResolveError> {
        self.libraries(&create.libraries, &step.salt_label, create.guarded)?;
        let args = self.encode_args(&step.name, &create.args)?;
        let salt = self.salt(&step.name, &step.salt_label);
        if let Some(proxy) = &create.proxy {
            return self.proxied(step, create, proxy, salt, &args);
        }
        let guarded = create.guarded.then_some(Guarded { value: create.value });
        let address =
            self.creation((&step.name, &step.name), &create.contract, salt, &args, guarded)?;
        let place = Place { address, implementation: None };
        self.done.places.insert(step.name.clone(), place);
        Ok(())
    }

    /// Each once, before the first contract that links it, under the label of that one's step, and
    /// guarded where that one is.
    fn libraries(
        &mut self,
        libraries: &[Fqn],
        label: &str,
        guarded: bool,
    ) -> Result<(), ResolveError> {
        let guarded = guarded.then_some(Guarded { value: U256::ZERO });
        for library in libraries {
            if !self.done.libraries.contains_key(library) {
                let name = format!("lib:{library}");
                let salt = self.salt(&name, label);
                let address = self.creation((&name, &name), library, salt, &[], guarded)?;
                self.done.libraries.insert(library.clone(), address);
            }
        }
        Ok(())
    }

    fn call(&mut self, step: &Step, call: &Call) -> Result<(), ResolveError> {
        let signature = call.invocation.signature.clone();
        let to = self.address(&call.target)?;
        let data = self.calldata(&step.name, &signature, &call.invocation.args)?;
        self.done.ops.push(Op {
            id: step.name.clone(),
            step: step.name.clone(),
            kind: OpKind::Call { to, value: call.value, data, signature },
        });
        Ok(())
    }

    fn creation(
        &mut self,
        (id, step): (&str, &str),
        contract: &Fqn,
        salt: B256,
        args: &[u8],
        guarded: Option<Guarded>,
    ) -> Result<Address, ResolveError> {
        let initcode = self.initcode(contract, args)?;
        let address = match guarded {
            Some(_) => Guarded::address(self.context.executor.address(), salt, &initcode),
            None => CREATE2_PROXY.create2_from_code(salt, &initcode),
        };
        let contract = contract.clone();
        self.done.ops.push(Op {
            id: id.to_owned(),
            step: step.to_owned(),
            kind: OpKind::Create { contract, address, salt, initcode, guarded },
        });
        Ok(address)
    }

    fn initcode(&self, contract: &Fqn, args: &[u8]) -> Result<Bytes, ResolveError> {
        let missing = || ResolveError::Contract(contract.clone());
        let artifact = self.release.artifact(contract).ok_or_else(missing)?;
        let linked = artifact.creation.linked(&self.done.libraries);
        let code = linked.map_err(ResolveError::Contract)?;
        Ok([&code, args].concat().into())
    }

    fn salt(&self, step: &str, label: &str) -> B256 {
        create2_salt(&self.release.project, step, label, self.context.deployment_id)
    }

    fn calldata(&self, step: &str, signature: &str, args: &[Arg]) -> Result<Bytes, ResolveError> {
        let selector = &keccak256(signature.as_bytes())[..4];
        Ok([selector, &self.encode_args(step, args)?].concat().into())
    }

    fn encode_args(&self, step: &str, args: &[Arg]) -> Result<Vec<u8>, ResolveError> {
        let words: Result<_, _> = args.iter().map(|arg| self.word(step, arg)).collect();
        Ok(DynSolValue::Tuple(words?).abi_encode_params())
    }

    fn word(&self, step: &str, arg: &Arg) -> Result<DynSolValue, ResolveError> {
        let value = self.value(arg)?;
        encode_value(&arg.ty, &value)
            .map_err(|source| ResolveError::Value { what: format!("step `{step}`"), source })
    }

    fn value(&self, arg: &Arg) -> Result<Value, ResolveError> {
        match &arg.from {
            Source::Literal(value) => Ok(value.clone()),
            Source::Ref(name) => Ok(address_value(self.address(name)?)),
            Source::Param(name) => self.param(name),
            Source::List(items) => items
                .iter()
                .map(|item| self.value(item))
                .collect::<Result<_, _>>()
                .map(Value::Array),
        }
    }

    fn param(&self, name: &str) -> Result<Value, ResolveError> {
        let missing = || ResolveError::Param { name: name.to_owned() };
        let decl = self.release.plan.params.get(name).ok_or_else(missing)?;
        let written = self.context.params.get(name).ok_or_else(missing)?;
        let wrong = |source| ResolveError::Value { what: format!("`${name}`"), source };
        let address = |name: &str| self.address(name).ok();
        let names = Names { known: &self.known, address: &address };
        read(&decl.ty, &decl.members, written, &names).map_err(wrong)
    }

    fn address(&self, name: &str) -> Result<Address, ResolveError> {
        let found = match name {
            "executor" => Some(self.context.executor.address()),
            "deployer" => self.context.deployer,
            "safe" => self.context.safe,
            _ => {
                let step = self.done.places.get(name).map(|place| place.address);
                let existing = || self.context.existing.get(name).map(|place| place.address);
                let external = || self.context.externals.get(name).copied();
                step.or_else(external).or_else(existing)
            }
        };
        found.ok_or_else(|| ResolveError::Ref { name: name.to_owned() })
    }
}

fn address_value(address: Address) -> Value {
    Value::String(hex::encode_prefixed(address))
}
