//! From the symbolic plan and one network's facts to addresses, initcode and calldata.

use std::collections::BTreeMap;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, Bytes, b256, hex, keccak256};
use serde_json::Value;
use tidegate_model::Fqn;
pub use tidegate_model::digest::CREATE2_PROXY;
use tidegate_model::digest::create2_salt;
use tidegate_model::plan::{Arg, Call, Create, Invocation, Proxy, Source, Step};
use tidegate_model::record::{Place, SlotValue};
use tidegate_model::release::Release;

use crate::value::{ValueError, encode_value, normalise};

/// The ERC-1967 implementation slot: `keccak256("eip1967.proxy.implementation") - 1`.
pub const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

/// Who acts on a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executor {
    /// A deployer key, on test stages.
    Key(Address),
    /// A Safe, on mainnet.
    Safe(Address),
}

impl Executor {
    /// Its address.
    pub const fn address(self) -> Address {
        match self {
            Self::Key(address) | Self::Safe(address) => address,
        }
    }
}

/// What one network adds to a plan.
#[derive(Debug, Clone)]
pub struct ResolveContext {
    /// Who acts.
    pub executor: Executor,
    /// What `@deployer` is, where there is one.
    pub deployer: Option<Address>,
    /// What `@safe` is, where there is one.
    pub safe: Option<Address>,
    /// The deployment id, which enters the salts.
    pub deployment_id: u64,
    /// Where each external stands.
    pub externals: BTreeMap<String, Address>,
    /// Every parameter's value as written: a literal or an `@name`.
    pub params: BTreeMap<String, Value>,
}

/// A plan that one network's facts cannot complete.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// A name that has no address on this network.
    #[error("resolve `@{name}`: it has no address on this network")]
    Ref {
        /// The name.
        name: String,
    },
    /// A parameter without a value on this network.
    #[error("resolve `${name}`: it has no value for this network under [params]")]
    Param {
        /// The parameter.
        name: String,
    },
    /// A value that does not fit.
    #[error("resolve {what}")]
    Value {
        /// The argument or parameter.
        what: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// A contract that the release does not hold.
    #[error("resolve contract `{0}`: the release does not hold it")]
    Contract(Fqn),
}

/// One transaction of a key, or one inner call of a Safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Unique in the plan: the step's name, with `/implementation` or `/proxy`, or `lib:<fqn>`.
    pub id: String,
    /// The step.
    pub step: String,
    /// What it does.
    pub kind: OpKind,
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpKind {
    /// Creates one contract by CREATE2.
    Create {
        /// The contract.
        contract: Fqn,
        /// Where it will stand.
        address: Address,
        /// The CREATE2 salt.
        salt: B256,
        /// Linked creation code with its arguments.
        initcode: Bytes,
    },
    /// Calls a contract.
    Call {
        /// The target.
        to: Address,
        /// The calldata.
        data: Bytes,
        /// The function, for people.
        signature: String,
    },
}

impl Op {
    /// The transaction that a key sends: through the CREATE2 proxy for creations.
    pub fn key_transaction(&self) -> (Address, Bytes) {
        match &self.kind {
            OpKind::Create { salt, initcode, .. } => {
                (CREATE2_PROXY, [salt.as_slice(), initcode].concat().into())
            }
            OpKind::Call { to, data, .. } => (*to, data.clone()),
        }
    }
}

/// A view call and what it must return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The step it belongs to.
    pub step: String,
    /// The function, for people.
    pub signature: String,
    /// The contract.
    pub to: Address,
    /// The calldata.
    pub data: Bytes,
    /// The ABI-encoded value it must return.
    pub returns: Bytes,
    /// That value in normal form, for people.
    pub value: Value,
}

/// A plan on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Who acts.
    pub executor: Executor,
    /// The operations, in execution order.
    pub ops: Vec<Op>,
    /// The view calls that must hold after their step.
    pub checks: Vec<Check>,
    /// Where each step's contract stands.
    pub places: BTreeMap<String, Place>,
    /// Where each library stands.
    pub libraries: BTreeMap<Fqn, Address>,
    /// Every parameter's value in normal form.
    pub params: BTreeMap<String, Value>,
    /// The slots to watch and what they must hold.
    pub slots: Vec<SlotValue>,
}

impl Resolved {
    /// keccak256 of each created contract's initcode.
    pub fn initcodes(&self) -> BTreeMap<Address, B256> {
        self.creations().map(|(_, address, initcode)| (address, keccak256(initcode))).collect()
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
        done: Resolved {
            executor: context.executor,
            ops: Vec::new(),
            checks: Vec::new(),
            places: BTreeMap::new(),
            libraries: BTreeMap::new(),
            params: BTreeMap::new(),
            slots: Vec::new(),
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
    Ok(resolver.done)
}

struct Resolver<'a> {
    release: &'a Release,
    context: &'a ResolveContext,
    done: Resolved,
}

impl Resolver<'_> {
    fn step(&mut self, step: &Step) -> Result<(), ResolveError> {
        match (step.as_create(), step.as_call()) {
            (Some(create), _) => self.create(step, create)?,
            (_, Some(call)) => self.call(step, call)?,
            (None, None) => {}
        }
        for expect in &step.expect {
            let place = self.done.places.get(&step.name);
            let to = place
                .map(|place| place.address)
                .ok_or_else(|| ResolveError::Ref { name: step.name.clone() })?;
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
            });
        }
        Ok(())
    }

    fn create(&mut self, step: &Step, create: &Create) -> Result<(), ResolveError> {
        for library in &create.libraries {
            if !self.done.libraries.contains_key(library) {
                let name = format!("lib:{library}");
                let salt = self.salt(&name, "");
                let address = self.creation(&name, &name, library, salt, &[])?;
                self.done.libraries.insert(library.clone(), address);
            }
        }
        let args = self.encode_args(&step.name, &create.args)?;
        let salt = self.salt(&step.name, &step.salt_label);
        let Some(proxy) = &create.proxy else {
            let address = self.creation(&step.name, &step.name, &create.contract, salt, &args)?;
            let place = Place { address, implementation: None };
            self.done.places.insert(step.name.clone(), place);
            return Ok(());
        };
        let id = format!("{}/implementation", step.name);
        let implementation = self.creation(&id, &step.name, &create.contract, salt, &args)?;
        let address = self.proxy(step, proxy, salt, implementation)?;
        let place = Place { address, implementation: Some(implementation) };
        self.done.places.insert(step.name.clone(), place);
        Ok(())
    }

    fn proxy(
        &mut self,
        step: &Step,
        proxy: &Proxy,
        salt: B256,
        implementation: Address,
    ) -> Result<Address, ResolveError> {
        let init = match &proxy.init {
            Some(Invocation { signature, args }) => self.calldata(&step.name, signature, args)?,
            None => Bytes::new(),
        };
        let args = DynSolValue::Tuple(vec![
            DynSolValue::Address(implementation),
            DynSolValue::Bytes(init.to_vec()),
        ])
        .abi_encode_params();
        let id = format!("{}/proxy", step.name);
        let address = self.creation(&id, &step.name, &proxy.contract, salt, &args)?;
        self.done.slots.push(SlotValue {
            address,
            slot: IMPLEMENTATION_SLOT,
            value: implementation.into_word(),
        });
        Ok(address)
    }

    fn call(&mut self, step: &Step, call: &Call) -> Result<(), ResolveError> {
        let signature = &call.invocation.signature;
        let to = self.address(&call.target)?;
        let data = self.calldata(&step.name, signature, &call.invocation.args)?;
        self.done.ops.push(Op {
            id: step.name.clone(),
            step: step.name.clone(),
            kind: OpKind::Call { to, data, signature: signature.clone() },
        });
        Ok(())
    }

    fn creation(
        &mut self,
        id: &str,
        step: &str,
        contract: &Fqn,
        salt: B256,
        args: &[u8],
    ) -> Result<Address, ResolveError> {
        let missing = || ResolveError::Contract(contract.clone());
        let artifact = self.release.artifact(contract).ok_or_else(missing)?;
        let linked = artifact.creation.linked(&self.done.libraries);
        let code = linked.map_err(ResolveError::Contract)?;
        let initcode: Bytes = [&code, args].concat().into();
        let address = CREATE2_PROXY.create2_from_code(salt, &initcode);
        self.done.ops.push(Op {
            id: id.to_owned(),
            step: step.to_owned(),
            kind: OpKind::Create { contract: contract.clone(), address, salt, initcode },
        });
        Ok(address)
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
        }
    }

    fn param(&self, name: &str) -> Result<Value, ResolveError> {
        let missing = || ResolveError::Param { name: name.to_owned() };
        let decl = self.release.plan.params.get(name).ok_or_else(missing)?;
        let written = self.context.params.get(name).ok_or_else(missing)?;
        if let Some(reference) = written.as_str().and_then(|text| text.strip_prefix('@')) {
            return Ok(address_value(self.address(reference)?));
        }
        normalise(&decl.ty, written)
            .map_err(|source| ResolveError::Value { what: format!("`${name}`"), source })
    }

    fn address(&self, name: &str) -> Result<Address, ResolveError> {
        let found = match name {
            "executor" => Some(self.context.executor.address()),
            "deployer" => self.context.deployer,
            "safe" => self.context.safe,
            _ => {
                let step = self.done.places.get(name).map(|place| place.address);
                step.or_else(|| self.context.externals.get(name).copied())
            }
        };
        found.ok_or_else(|| ResolveError::Ref { name: name.to_owned() })
    }
}

fn address_value(address: Address) -> Value {
    Value::String(hex::encode_prefixed(address))
}
