//! The symbolic plan: steps with names in place of addresses and values, equal on all networks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::digest::{JcsError, jcs_keccak};
use crate::ids::{Fqn, PlanDigest};

/// The plan of a release, in execution order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The steps, in file order.
    pub steps: Vec<Step>,
    /// Every parameter that a step uses.
    pub params: BTreeMap<String, ParamDecl>,
    /// The names under `[externals]`.
    pub externals: BTreeSet<String>,
    /// The names under `[existing]`.
    pub existing: BTreeSet<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, unique in the plan; `@name` is its address.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// View calls that must hold right after it.
    pub expect: Vec<Expect>,
    /// Part of the CREATE2 salt, so that one contract can be created twice.
    pub salt_label: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Action {
    /// Creates a contract, behind a proxy or not.
    Create(Create),
    /// Calls one function on one target.
    Call(Call),
}

/// A creation, with its libraries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// The contract.
    pub contract: Fqn,
    /// The libraries its code links, each before those that link it.
    pub libraries: Vec<Fqn>,
    /// Constructor arguments.
    pub args: Vec<Arg>,
    /// The proxy it stands behind.
    pub proxy: Option<Proxy>,
}

/// A proxy and the initialisation that runs in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Its kind.
    pub kind: ProxyKind,
    /// The proxy contract, compiled from the project's own dependencies.
    pub contract: Fqn,
    /// The initialiser call, if any.
    pub init: Option<Invocation>,
}

/// The kinds of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyKind {
    /// ERC-1822 / ERC-1967 with the upgrade logic in the implementation.
    Uups,
}

impl ProxyKind {
    /// The name as it stands in `tidegate.toml` and in the plan's digest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uups => "uups",
        }
    }
}

/// One function call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The target: a step, an external or an existing contract.
    pub target: String,
    /// Function and arguments.
    pub invocation: Invocation,
}

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// The canonical signature, such as `initialize(address,uint256)`.
    pub signature: String,
    /// The arguments, one a parameter.
    pub args: Vec<Arg>,
}

/// A view call on the step's contract and the single value it must return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The canonical signature of the view function.
    pub signature: String,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// The value that it must return.
    pub equals: Arg,
}

/// An argument: its ABI type and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arg {
    /// The canonical ABI type.
    #[serde(rename = "type")]
    pub ty: String,
    /// The source of the value.
    pub from: Source,
}

/// Where an argument's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A literal, normalised by its ABI type: decimal digits for numbers, lower-case `0x` text
    /// for addresses and bytes.
    Literal(Value),
    /// `$name`: a parameter.
    Param(String),
    /// `@name`: an address.
    Ref(String),
}

/// A parameter's type and the rule that binds its values on different networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamDecl {
    /// The ABI type of every argument that uses it.
    #[serde(rename = "type")]
    pub ty: String,
    /// The rule.
    pub rule: Rule,
}

/// How a parameter's value on the target relates to the one that soaked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// The value that soaked. The default.
    #[default]
    SameAsTestnet,
    /// Each network has its own value.
    PerNetwork,
    /// A number within bounds, both inclusive and normalised to decimal digits.
    Range {
        /// The least value.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        min: Option<String>,
        /// The greatest value.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        max: Option<String>,
    },
    /// One of these normalised values.
    OneOf(Vec<Value>),
}

impl Plan {
    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Every contract the plan creates, libraries and proxies included, sorted by name.
    pub fn contracts(&self) -> BTreeSet<Fqn> {
        let mut contracts = BTreeSet::new();
        for create in self.steps.iter().filter_map(Step::as_create) {
            contracts.insert(create.contract.clone());
            contracts.extend(create.libraries.iter().cloned());
            contracts.extend(create.proxy.iter().map(|proxy| proxy.contract.clone()));
        }
        contracts
    }

    /// The plan's digest. Its preimage is the `plan/1` document of [`Plan::document`].
    ///
    /// # Errors
    /// Never for plans that were read from configuration; the encoder's error is passed on.
    pub fn digest(&self) -> Result<PlanDigest, JcsError> {
        jcs_keccak("plan/1", &self.document()).map(PlanDigest)
    }

    /// The canonical document: free of names of networks and of their values.
    pub fn document(&self) -> Value {
        let params: BTreeMap<_, _> = self.params.iter().collect();
        json!({
            "v": "plan/1",
            "steps": self.steps.iter().map(Step::document).collect::<Vec<_>>(),
            "params": params,
            "externals": self.externals,
            "existing": self.existing,
        })
    }

    /// The parameter policy of one contract: over the steps that create it, each argument's place,
    /// type and source, with the rule of a parameter and without any network's value.
    pub fn param_policy(&self, contract: &Fqn) -> Value {
        let mut entries = Vec::new();
        for step in &self.steps {
            let Some(create) = step.as_create() else { continue };
            if create.contract == *contract {
                self.policy_entries(&step.name, "constructor", &create.args, &mut entries);
                if let Some(init) = create.proxy.as_ref().and_then(|proxy| proxy.init.as_ref()) {
                    self.policy_entries(&step.name, "init", &init.args, &mut entries);
                }
            }
            if create.proxy.as_ref().is_some_and(|proxy| proxy.contract == *contract) {
                let implementation = format!("{}.implementation", step.name);
                let init = format!("{}.init", step.name);
                for (index, (ty, name)) in
                    [("address", implementation), ("bytes", init)].into_iter().enumerate()
                {
                    entries.push(json!({"step": step.name, "role": "constructor",
                        "index": index, "type": ty, "from": {"ref": name}}));
                }
            }
        }
        Value::Array(entries)
    }

    fn policy_entries(&self, step: &str, role: &str, args: &[Arg], entries: &mut Vec<Value>) {
        for (index, arg) in args.iter().enumerate() {
            let from = match &arg.from {
                Source::Literal(value) => json!({ "literal": value }),
                Source::Ref(name) => json!({ "ref": name }),
                Source::Param(name) => {
                    let rule = self.params.get(name).map(|decl| &decl.rule);
                    json!({ "param": name, "rule": rule })
                }
            };
            entries.push(json!({"step": step, "role": role, "index": index,
                "type": arg.ty, "from": from}));
        }
    }
}

impl Step {
    /// The creation, if the step is one.
    pub fn as_create(&self) -> Option<&Create> {
        match &self.action {
            Action::Create(create) => Some(create),
            Action::Call(_) => None,
        }
    }

    /// The call, if the step is one.
    pub fn as_call(&self) -> Option<&Call> {
        match &self.action {
            Action::Call(call) => Some(call),
            Action::Create(_) => None,
        }
    }

    fn document(&self) -> Value {
        let expect: Vec<_> = self
            .expect
            .iter()
            .map(|e| json!({"function": e.signature, "args": e.args, "equals": e.equals}))
            .collect();
        match &self.action {
            Action::Create(create) => {
                let proxy = create.proxy.as_ref();
                let init = proxy.and_then(|proxy| proxy.init.as_ref());
                json!({
                    "name": self.name, "kind": "create", "fqn": create.contract,
                    "proxy": proxy.map(|p| json!({"kind": p.kind.name(), "fqn": p.contract})),
                    "function": init.map(|init| &init.signature),
                    "args": {"constructor": create.args,
                             "init": init.map(|init| &init.args)},
                    "value": "0", "libraries": create.libraries, "salt": self.salt_label,
                    "guarded": false, "expect": expect,
                    "slots": proxy.map_or(json!([]), |_| json!(["eip1967.implementation"])),
                })
            }
            Action::Call(call) => json!({
                "name": self.name, "kind": "call", "target": call.target,
                "function": call.invocation.signature, "args": call.invocation.args,
                "value": "0", "expect": expect,
            }),
        }
    }
}
