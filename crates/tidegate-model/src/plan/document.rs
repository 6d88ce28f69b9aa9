//! The plan's canonical documents: what its digest and the parameter policies are made from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Action, Arg, Beacon, Create, Expect, Invocation, Plan, Proxy, ProxyKind, Source, Step, Upgrade,
};
use crate::digest::{JcsError, jcs_keccak};
use crate::ids::{Fqn, PlanDigest};

impl Plan {
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
        let mut document = json!({
            "v": "plan/1",
            "steps": self.steps.iter().map(Step::document).collect::<Vec<_>>(),
            "params": params,
            "externals": self.externals,
            "existing": self.existing,
            "links": self.links,
        });
        // A plan that follows none is the document that it always was.
        if let Some(follows) = self.follows {
            document["follows"] = json!(follows);
            document["made"] = json!(self.made);
        }
        document
    }

    /// The parameter policy of one contract: over the steps that create it, each argument's place,
    /// type and source, with the rule of a parameter and without any network's value.
    pub fn param_policy(&self, contract: &Fqn) -> Value {
        let mut entries = Vec::new();
        for step in &self.steps {
            let mut add = |role: &str, args: &[Arg]| {
                for (index, arg) in args.iter().enumerate() {
                    entries.push(json!({"step": step.name, "role": role, "index": index,
                        "type": arg.ty, "from": self.source(&arg.from)}));
                }
            };
            let init = |init: Option<&Invocation>| init.map_or_else(Vec::new, |i| i.args.clone());
            match &step.action {
                Action::Create(create) => {
                    let proxy = create.proxy.as_ref();
                    if create.contract == *contract {
                        add("constructor", &create.args);
                        add("init", &init(proxy.and_then(|proxy| proxy.init.as_ref())));
                    }
                    let Some(proxy) = proxy else { continue };
                    if proxy.contract == *contract {
                        add("constructor", &proxy.constructor(&step.name));
                    }
                    if proxy.beacon == Some(Beacon::Own(contract.clone())) {
                        add("constructor", &proxy.beacon_constructor(&step.name));
                    }
                }
                Action::Upgrade(upgrade) if upgrade.contract == *contract => {
                    add("constructor", &upgrade.args);
                    if upgrade.initialised.is_some() {
                        add("init", &init(upgrade.initialised.as_ref()));
                        add("migrate", &init(upgrade.init.as_ref()));
                    } else {
                        add("init", &init(upgrade.init.as_ref()));
                    }
                }
                Action::Upgrade(_) | Action::Call(_) => {}
            }
        }
        Value::Array(entries)
    }

    fn source(&self, source: &Source) -> Value {
        match source {
            Source::Literal(value) => json!({ "literal": value }),
            Source::Ref(name) => json!({ "ref": name }),
            Source::Param(name) => {
                let rule = self.params.get(name).map(|decl| &decl.rule);
                json!({ "param": name, "rule": rule })
            }
            Source::List(items) => {
                let item = |arg: &Arg| json!({"type": arg.ty, "from": self.source(&arg.from)});
                json!({ "list": items.iter().map(item).collect::<Vec<_>>() })
            }
        }
    }
}

impl Proxy {
    /// The proxy's constructor arguments, those that the step itself gives by name.
    fn constructor(&self, step: &str) -> Vec<Arg> {
        let made = |ty: &str, part: &str| Arg {
            ty: ty.to_owned(),
            from: Source::Ref(format!("{step}.{part}")),
        };
        let first = match &self.beacon {
            Some(Beacon::Of(other)) => {
                Arg { ty: "address".to_owned(), from: Source::Ref(format!("{other}.beacon")) }
            }
            Some(Beacon::Own(_)) => made("address", "beacon"),
            None => made("address", "implementation"),
        };
        let admin = self.admin.iter().filter(|_| self.kind == ProxyKind::Transparent).cloned();
        [first].into_iter().chain(admin).chain([made("bytes", "init")]).collect()
    }

    fn beacon_constructor(&self, step: &str) -> Vec<Arg> {
        let implementation = Source::Ref(format!("{step}.implementation"));
        let first = Arg { ty: "address".to_owned(), from: implementation };
        [first].into_iter().chain(self.admin.clone()).collect()
    }

    /// The names of the slots that are watched.
    fn slots(&self) -> &'static [&'static str] {
        match (self.kind, &self.beacon) {
            (ProxyKind::Uups, _) => &["eip1967.implementation"],
            (ProxyKind::Transparent, _) => &["eip1967.admin", "eip1967.implementation"],
            (ProxyKind::Beacon, Some(Beacon::Own(_))) => {
                &["beacon.implementation", "eip1967.beacon"]
            }
            (ProxyKind::Beacon, _) => &["eip1967.beacon"],
            (ProxyKind::Minimal, _) => &[],
        }
    }

    fn document(&self) -> Value {
        let mut document = json!({"kind": self.kind.name(), "fqn": self.contract});
        if let Some(admin) = &self.admin {
            document["admin"] = json!(admin);
        }
        if let Some(beacon) = &self.beacon {
            document["beacon"] = json!(beacon);
        }
        document
    }
}

impl Step {
    fn document(&self) -> Value {
        let expect: Vec<_> = self.expect.iter().map(Expect::document).collect();
        match &self.action {
            Action::Create(create) => create.document(self, &expect),
            Action::Upgrade(upgrade) => upgrade.document(self, &expect),
            Action::Call(call) => json!({
                "name": self.name, "kind": "call", "target": call.target,
                "function": call.invocation.signature, "args": call.invocation.args,
                "value": call.value.to_string(), "expect": expect,
            }),
        }
    }
}

impl Expect {
    fn document(&self) -> Value {
        json!({"function": self.signature, "args": self.args, "equals": self.equals})
    }
}

impl Create {
    fn document(&self, step: &Step, expect: &[Value]) -> Value {
        let proxy = self.proxy.as_ref();
        let init = proxy.and_then(|proxy| proxy.init.as_ref());
        json!({
            "name": step.name, "kind": "create", "fqn": self.contract,
            "proxy": proxy.map(Proxy::document),
            "function": init.map(|init| &init.signature),
            "args": {"constructor": self.args, "init": init.map(|init| &init.args)},
            "value": self.value.to_string(), "libraries": self.libraries,
            "salt": step.salt_label, "guarded": self.guarded, "expect": expect,
            "slots": proxy.map_or(&[][..], Proxy::slots),
        })
    }
}

impl Upgrade {
    fn document(&self, step: &Step, expect: &[Value]) -> Value {
        let mut document = json!({
            "name": step.name, "kind": "upgrade", "fqn": self.contract,
            "proxy": {"kind": self.kind.name(), "target": self.target},
            "reference": self.reference,
            "function": {"upgrade": self.function,
                         "init": self.init.as_ref().map(|init| &init.signature)},
            "args": {"constructor": self.args,
                     "init": self.init.as_ref().map(|init| &init.args)},
            "value": "0", "libraries": self.libraries, "salt": step.salt_label,
            "guarded": self.guarded, "expect": expect, "slots": [self.slot],
        });
        if let Some(initialised) = &self.initialised {
            document["initialised"] = json!(initialised);
        }
        document
    }
}
