//! From steps as written to the symbolic plan, with the contracts' ABIs at hand.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::{Function, JsonAbi, Param};
use serde_json::Value;
use tidegate_model::Fqn;
use tidegate_model::plan::{
    Action, Arg, Call, Create, Expect, Invocation, ParamDecl, Plan, Proxy, ProxyKind, Source, Step,
};

use crate::config::{Config, StepConfig};
use crate::value::{ValueError, normalise};

/// The proxy contract behind `proxy = "uups"`, compiled from the project's own OpenZeppelin.
const UUPS_PROXY: &str = "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy";

/// Names that stand for addresses in every project.
const RESERVED: [&str; 5] = ["deployer", "safe", "executor", "anchor", "foreign"];

/// A step that cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum ElaborateError {
    /// Something is wrong with one step.
    #[error("read step `{step}`: {reason}")]
    Step {
        /// The step's name, or its place in the file.
        step: String,
        /// Why.
        reason: String,
    },
    /// An argument does not fit its type.
    #[error("read step `{step}`, argument `{argument}`")]
    Argument {
        /// The step.
        step: String,
        /// The argument as written.
        argument: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// A parameter is not what its uses need.
    #[error("read parameter `{param}`: {reason}")]
    Param {
        /// The parameter.
        param: String,
        /// Why.
        reason: String,
    },
}

/// The contracts that have to be compiled, as the file names them.
pub fn requested_contracts(config: &Config) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for step in &config.steps {
        names.extend(step.create.clone());
        if step.proxy.as_deref() == Some("uups") {
            names.insert(UUPS_PROXY.to_owned());
        }
    }
    let externals = config.externals.values().flat_map(BTreeMap::values);
    names.extend(externals.filter_map(|external| external.create.clone()));
    names
}

/// What the compiler made of one requested name.
#[derive(Debug, Clone)]
pub struct Compiled<'a> {
    /// The contract.
    pub fqn: &'a Fqn,
    /// Its ABI.
    pub abi: &'a JsonAbi,
    /// The libraries it links, each before those that link it.
    pub libraries: &'a [Fqn],
}

/// Builds the plan. `compiled` holds every name of [`requested_contracts`].
///
/// # Errors
/// If a step names something that is not there, or an argument does not fit the ABI.
pub fn elaborate(
    config: &Config,
    compiled: &BTreeMap<String, Compiled<'_>>,
) -> Result<Plan, ElaborateError> {
    let mut builder = Builder {
        config,
        compiled,
        steps: Vec::new(),
        targets: BTreeMap::new(),
        params: BTreeMap::new(),
    };
    for (name, networks) in &config.externals {
        let created = networks.values().find_map(|external| external.create.as_ref());
        builder.targets.insert(name.clone(), created.and_then(|c| compiled.get(c)).map(|c| c.abi));
    }
    for (index, step) in config.steps.iter().enumerate() {
        builder.step(index, step)?;
    }
    let params = builder.params()?;
    Ok(Plan {
        steps: builder.steps,
        params,
        externals: config.externals.keys().cloned().collect(),
        existing: BTreeSet::new(),
    })
}

struct Builder<'a> {
    config: &'a Config,
    compiled: &'a BTreeMap<String, Compiled<'a>>,
    steps: Vec<Step>,
    /// What a call or an argument may name so far, with the ABI where it is known.
    targets: BTreeMap<String, Option<&'a JsonAbi>>,
    /// Each used parameter's type.
    params: BTreeMap<String, String>,
}

impl<'a> Builder<'a> {
    fn step(&mut self, index: usize, written: &StepConfig) -> Result<(), ElaborateError> {
        let place = written.name.clone().unwrap_or_else(|| format!("#{}", index + 1));
        let error = |reason: String| ElaborateError::Step { step: place.clone(), reason };
        if written.guarded {
            return Err(error("guarded creation is not built yet; remove `guarded`".to_owned()));
        }
        let (name, action, abi) = match (&written.create, written.call.is_empty()) {
            (Some(contract), true) => {
                let name = written.name.clone().unwrap_or_else(|| contract.to_lowercase());
                let (create, abi) = self.create(&name, contract, written)?;
                (name, Action::Create(create), Some(abi))
            }
            (None, false) => {
                let call = self.call(&place, written)?;
                let function = call.invocation.signature.split('(').next().unwrap_or_default();
                let default = || format!("{}.{function}", call.target);
                let name = written.name.clone().unwrap_or_else(default);
                (name, Action::Call(call), None)
            }
            _ => return Err(error("a step has either `create` or `call`".to_owned())),
        };
        let taken = RESERVED.contains(&name.as_str())
            || self.targets.contains_key(&name)
            || self.steps.iter().any(|step| step.name == name);
        if taken {
            return Err(error(format!("the name `{name}` is taken; give it another `name`")));
        }
        let mut expect = Vec::new();
        if let Some(abi) = abi {
            self.targets.insert(name.clone(), Some(abi));
            for written in &written.expect {
                expect.push(self.expect(&name, abi, written)?);
            }
        } else if !written.expect.is_empty() {
            return Err(error("`expect` belongs to a step that creates".to_owned()));
        }
        let salt_label = written.salt.clone().unwrap_or_default();
        self.steps.push(Step { name, action, expect, salt_label });
        Ok(())
    }

    fn create(
        &mut self,
        step: &str,
        contract: &str,
        written: &StepConfig,
    ) -> Result<(Create, &'a JsonAbi), ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        let missing = |name: &str| error(format!("`{name}` was not compiled"));
        let compiled = self.compiled.get(contract).ok_or_else(|| missing(contract))?;
        let (abi, fqn, libraries) = (compiled.abi, compiled.fqn, compiled.libraries);
        if abi
            .constructor
            .as_ref()
            .is_some_and(|c| c.state_mutability == alloy_json_abi::StateMutability::Payable)
            && written.guarded
        {
            return Err(error("payable constructors are not built yet".to_owned()));
        }
        let inputs = abi.constructor.as_ref().map_or(&[][..], |c| &c.inputs);
        let args = self.args(step, "constructor", inputs, &written.args)?;
        let proxy = match written.proxy.as_deref() {
            None if written.init.is_empty() => None,
            None => return Err(error("`init` needs a `proxy`".to_owned())),
            Some("uups") => {
                let proxy = self.compiled.get(UUPS_PROXY).ok_or_else(|| missing(UUPS_PROXY))?;
                let contract = proxy.fqn.clone();
                let init = match written.init.split_first() {
                    Some((function, args)) => Some(self.invocation(step, abi, function, args)?),
                    None => None,
                };
                Some(Proxy { kind: ProxyKind::Uups, contract, init })
            }
            Some(other) => {
                return Err(error(format!("proxy kind `{other}` is not built yet; use \"uups\"")));
            }
        };
        let libraries = libraries.to_vec();
        Ok((Create { contract: fqn.clone(), libraries, args, proxy }, abi))
    }

    fn call(&mut self, step: &str, written: &StepConfig) -> Result<Call, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        let [target, function, args @ ..] = written.call.as_slice() else {
            return Err(error("write `call = [\"@target\", \"function\", arguments…]`".to_owned()));
        };
        let name = target.as_str().and_then(|t| t.strip_prefix('@'));
        let name = name.ok_or_else(|| error(format!("`{target}` is not an `@name`")))?;
        let abi = self.targets.get(name).copied();
        let abi = abi.ok_or_else(|| error(format!("`@{name}` is no earlier step or external")))?;
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
        Ok(Call { target: name.to_owned(), invocation })
    }

    fn invocation(
        &mut self,
        step: &str,
        abi: &JsonAbi,
        function: &Value,
        args: &[Value],
    ) -> Result<Invocation, ElaborateError> {
        let function = find_function(step, abi, function)?;
        let signature = function.signature();
        let args = self.args(step, &signature, &function.inputs, args)?;
        Ok(Invocation { signature, args })
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
        let function = find_function(step, abi, function)?;
        let [output] = function.outputs.as_slice() else {
            let signature = function.signature();
            return Err(error(format!("`{signature}` must return exactly one value")));
        };
        let signature = function.signature();
        let args = self.args(step, &signature, &function.inputs, args)?;
        let equals = self.arg(step, &output.selector_type(), equals)?;
        Ok(Expect { signature, args, equals })
    }

    fn args(
        &mut self,
        step: &str,
        function: &str,
        inputs: &[Param],
        written: &[Value],
    ) -> Result<Vec<Arg>, ElaborateError> {
        if inputs.len() != written.len() {
            let names: Vec<_> = inputs.iter().map(|i| format!("{} {}", i.ty, i.name)).collect();
            let (given, names) = (written.len(), names.join(", "));
            let reason = format!("{function} takes ({names}), but {given} arguments are written");
            return Err(ElaborateError::Step { step: step.to_owned(), reason });
        }
        inputs
            .iter()
            .zip(written)
            .map(|(input, value)| self.arg(step, &input.selector_type(), value))
            .collect()
    }

    fn arg(&mut self, step: &str, ty: &str, written: &Value) -> Result<Arg, ElaborateError> {
        let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
        let text = written.as_str().unwrap_or_default();
        let from = if let Some(name) = text.strip_prefix('$') {
            if !self.config.params.contains_key(name) {
                return Err(error(format!("`${name}` is not under [params]")));
            }
            let earlier = self.params.entry(name.to_owned()).or_insert_with(|| ty.to_owned());
            if earlier != ty {
                let reason = format!("it is used both as `{earlier}` and as `{ty}`");
                return Err(ElaborateError::Param { param: name.to_owned(), reason });
            }
            Source::Param(name.to_owned())
        } else if let Some(name) = text.strip_prefix('@') {
            if ty != "address" {
                return Err(error(format!("`@{name}` is an address, but a `{ty}` is needed")));
            }
            if !RESERVED.contains(&name) && !self.targets.contains_key(name) {
                return Err(error(format!("`@{name}` is no earlier step or external")));
            }
            Source::Ref(name.to_owned())
        } else {
            Source::Literal(normalise(ty, written).map_err(|source| ElaborateError::Argument {
                step: step.to_owned(),
                argument: written.to_string(),
                source,
            })?)
        };
        Ok(Arg { ty: ty.to_owned(), from })
    }

    fn params(&self) -> Result<BTreeMap<String, ParamDecl>, ElaborateError> {
        let mut params = BTreeMap::new();
        for (name, ty) in &self.params {
            let Some(written) = self.config.params.get(name) else { continue };
            let rule = written.rule.typed(|value| normalise(ty, value)).map_err(|source| {
                ElaborateError::Param { param: name.clone(), reason: source.to_string() }
            })?;
            params.insert(name.clone(), ParamDecl { ty: ty.clone(), rule });
        }
        if let Some(unused) = self.config.params.keys().find(|name| !params.contains_key(*name)) {
            let reason = "no step uses it; remove it".to_owned();
            return Err(ElaborateError::Param { param: unused.clone(), reason });
        }
        Ok(params)
    }
}

/// The function of this name, or of this full signature where names overload.
fn find_function<'f>(
    step: &str,
    abi: &'f JsonAbi,
    written: &Value,
) -> Result<&'f Function, ElaborateError> {
    let error = |reason: String| ElaborateError::Step { step: step.to_owned(), reason };
    let name = written.as_str().ok_or_else(|| error(format!("`{written}` is no function")))?;
    let base = name.split('(').next().unwrap_or(name).trim();
    let Some(overloads) = abi.functions.get(base) else {
        let near = crate::config::nearest(base, abi.functions.keys().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(error(format!("the contract has no function `{base}`{near}")));
    };
    match overloads.as_slice() {
        [function] if !name.contains('(') => Ok(function),
        overloads => {
            let wanted = name.replace(' ', "");
            overloads.iter().find(|function| function.signature() == wanted).ok_or_else(|| {
                let known: Vec<_> = overloads.iter().map(Function::signature).collect();
                error(format!("write one of these in full: {}", known.join(", ")))
            })
        }
    }
}
