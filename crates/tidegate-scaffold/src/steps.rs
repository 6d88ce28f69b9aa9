//! From what a run sent, or from the sources alone, to steps.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use alloy_dyn_abi::DynSolValue;
use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Address, hex};
use tidegate_compile::{Behind, Deployable, Initializer};
use toml_edit::Value;

use crate::broadcast::{Broadcast, Sent, short};
use crate::decode::{Names, call_args, constructor_args, number, proxy_args, quoted, written};
use crate::{Contracts, Draft, External, Known, Step};

/// Names that a step may not have.
const RESERVED: [&str; 5] = ["anchor", "deployer", "executor", "foreign", "safe"];
/// The longest name of a step.
const NAME_CHARS_MAX: usize = 48;

/// OpenZeppelin's proxies: contract, kind, and the types of the constructor.
const PROXIES: [(&str, &str, &[&str]); 2] = [
    ("ERC1967Proxy", "uups", &["address", "bytes"]),
    ("TransparentUpgradeableProxy", "transparent", &["address", "address", "bytes"]),
];

/// Where the sources of proxies are.
pub const PROXY_SOURCES: [(&str, &str); 2] = [
    ("ERC1967Proxy", "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy"),
    (
        "TransparentUpgradeableProxy",
        "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol:\
         TransparentUpgradeableProxy",
    ),
];

/// What stands where only people know what is meant. Nothing accepts it: neither as the kind of a
/// proxy nor as a function.
const FILL_IN: &str = "fill in";

/// Steps for contracts that can be created; people fill in the arguments.
pub fn from_sources(contracts: &[Deployable]) -> Draft {
    let mut builder = Builder::default();
    for contract in contracts {
        let parameters = contract.constructor.join(", ");
        let mut comments = Vec::new();
        if !parameters.is_empty() {
            comments.push(format!("fill in: constructor({parameters})"));
        }
        let (proxy, init) = contract.behind.as_ref().map(|b| proxied(b, &mut comments)).unzip();
        let name = Some(builder.free_name(&contract.name));
        let (create, init) = (Some(contract.written.clone()), init.unwrap_or_default());
        let step = Step { comments, name, create, proxy, init, ..Step::default() };
        builder.draft.steps.push(step);
    }
    builder.draft
}

/// The proxy before a contract that is made for one, and its initialiser, as far as sources say.
fn proxied(behind: &Behind, comments: &mut Vec<String>) -> (&'static str, Vec<Value>) {
    let proxy = if behind.uups {
        comments.push("It upgrades itself, so a UUPS proxy is proposed.".to_owned());
        "uups"
    } else {
        let known = "\"transparent\" or \"beacon\" (each with `admin`), or \"minimal\"";
        comments.push(format!(
            "It has an initialiser, so it is made for a proxy; for which, sources do not say. \
             Write `proxy` as {known}, or take out `proxy` and `init` to create it alone."
        ));
        FILL_IN
    };
    let shown = |one: &Initializer| format!("{}({})", one.name, one.parameters.join(", "));
    let init = match behind.initializers.as_slice() {
        [] => {
            let none = "No initialiser was found: write `init`, or take it out if it needs none.";
            comments.push(none.to_owned());
            FILL_IN
        }
        [one] => {
            if !one.parameters.is_empty() {
                comments.push(format!("fill in `init`: {}", shown(one)));
            }
            &one.name
        }
        several => {
            let all: Vec<_> = several.iter().map(shown).collect();
            comments.push(format!("fill in `init`, one of: {}", all.join("; ")));
            FILL_IN
        }
    };
    (proxy, vec![quoted(init)])
}

/// Steps that do what a run did.
pub fn from_broadcast(broadcast: &Broadcast, contracts: &Contracts) -> Draft {
    let mut builder = Builder::default();
    builder.draft.notes.extend(broadcast.left_out.iter().cloned());
    let Some(deployer) = broadcast.sent.first().map(|sent| sent.from) else {
        return builder.draft;
    };
    builder.names.insert(deployer, "deployer".to_owned());
    for sent in &broadcast.sent {
        let outcome = if sent.from == deployer {
            builder.step(sent, broadcast, contracts)
        } else {
            Err("another account sent it".to_owned())
        };
        if let Err(why) = outcome {
            let note = format!("transaction {} is left out: {why}", short(sent.hash));
            builder.draft.notes.push(note);
        }
    }
    builder.draft
}

#[derive(Default)]
struct Builder<'a> {
    draft: Draft,
    names: Names,
    /// Implementations, and the step behind whose proxy each is.
    implementations: BTreeMap<Address, String>,
    /// The ABI of what stands at an address.
    abis: BTreeMap<Address, &'a JsonAbi>,
    taken: BTreeSet<String>,
}

impl<'a> Builder<'a> {
    fn step(
        &mut self,
        sent: &Sent,
        broadcast: &Broadcast,
        contracts: &'a Contracts,
    ) -> Result<(), String> {
        let Some((address, initcode)) = sent.creation() else { return self.call(sent) };
        if broadcast.libraries.contains(&address) {
            return Err("libraries are created where a step links them".to_owned());
        }
        self.create(sent, address, initcode, contracts)
    }

    fn create(
        &mut self,
        sent: &Sent,
        address: Address,
        initcode: &[u8],
        contracts: &'a Contracts,
    ) -> Result<(), String> {
        let contract = sent.contract.as_deref();
        let contract = contract.ok_or_else(|| "the file does not name its contract".to_owned())?;
        let known = contracts.get(contract);
        let compiled = known.and_then(|known| known.compiled.as_ref());
        if let Some((_, kind, types)) = PROXIES.iter().find(|(name, ..)| *name == contract) {
            if !sent.value.is_zero() {
                return Err("it sends ether to a proxy as that is created".to_owned());
            }
            let values = proxy_args(compiled, types, initcode, &sent.arguments);
            if values.is_some_and(|values| self.fold(address, kind, &values)) {
                return Ok(());
            }
        }
        let mut comments = Vec::new();
        let args = compiled
            .and_then(|(abi, code)| {
                constructor_args(abi.constructor.as_ref(), code, initcode, &sent.arguments)
            })
            .and_then(|values| written(&values, &self.names));
        if args.is_none() {
            let parameters = compiled.and_then(|(abi, _)| abi.constructor.as_ref());
            let parameters = parameters.map(|constructor| {
                let inputs = constructor.inputs.iter().map(|i| format!("{} {}", i.ty, i.name));
                inputs.collect::<Vec<_>>().join(", ")
            });
            comments.extend(parameters.map(|text| format!("fill in: constructor({text})")));
            comments.extend(shown(&sent.arguments));
        }
        if known.is_none() {
            comments.push("no source found: write \"path/File.sol:Name\"".to_owned());
        }
        let name = self.free_name(contract);
        self.names.insert(address, name.clone());
        if let Some((abi, _)) = compiled {
            self.abis.insert(address, abi);
        }
        let create = known.map_or(contract, |Known { written, .. }| written).to_owned();
        self.draft.steps.push(Step {
            comments,
            name: Some(name),
            create: Some(create),
            args: args.unwrap_or_default(),
            value: sent_along(sent),
            ..Step::default()
        });
        Ok(())
    }

    /// Makes a proxy part of the step that created its implementation. That step moves to where
    /// the proxy was created, so nothing in between may speak of it.
    fn fold(&mut self, proxy: Address, kind: &'static str, values: &[DynSolValue]) -> bool {
        let (Some(DynSolValue::Address(implementation)), Some(DynSolValue::Bytes(data))) =
            (values.first(), values.last())
        else {
            return false;
        };
        let Some(name) = self.names.get(implementation).cloned() else { return false };
        let steps = &self.draft.steps;
        let Some(index) = steps.iter().position(|step| step.name.as_ref() == Some(&name)) else {
            return false;
        };
        let reference = format!("@{name}");
        let mut later = steps[index + 1..]
            .iter()
            .flat_map(|step| step.args.iter().chain(&step.init).chain(&step.call));
        if steps[index].create.is_none()
            || steps[index].proxy.is_some()
            || later.any(|value| names(value, &reference))
        {
            return false;
        }
        let mut step = self.draft.steps.remove(index);
        step.proxy = Some(kind);
        let abi = self.abis.remove(implementation);
        if !data.is_empty() {
            match abi.and_then(|abi| self.invocation(abi, data)) {
                Some(init) => step.init = init,
                None => step.comments.push(format!("fill in `init`: {}", cut(data))),
            }
        }
        if let [_, owner, _] = values {
            step.admin =
                written(std::slice::from_ref(owner), &self.names).and_then(|mut v| v.pop());
        }
        self.names.remove(implementation);
        self.implementations.insert(*implementation, name.clone());
        self.names.insert(proxy, name);
        if let Some(abi) = abi {
            self.abis.insert(proxy, abi);
        }
        self.draft.steps.push(step);
        true
    }

    fn call(&mut self, sent: &Sent) -> Result<(), String> {
        let target = sent.to.unwrap_or_default();
        if sent.input.len() < 4 {
            return Err("it calls no function".to_owned());
        }
        if let Some(name) = self.implementations.get(&target) {
            return Err(format!("it calls the implementation of @{name}, not its proxy"));
        }
        let step = match self.abis.get(&target) {
            Some(abi) => self.invocation(abi, &sent.input),
            // Its ABI is unknown: the file names the function, if that has this selector.
            None => self.full(sent),
        };
        let name = match self.names.get(&target) {
            Some(name) => name.clone(),
            None if step.is_none() => return Err(format!("its function on {target} is not known")),
            None => self.external(sent, target),
        };
        let (invocation, comments) = match step {
            Some(invocation) => (invocation, Vec::new()),
            None => {
                let function = match sent.function.as_deref() {
                    Some(function) => tidegate_chain::escape(function),
                    None => format!("{}, whose name is not known", selector(&sent.input)),
                };
                let what = format!("fill in: it called {function}");
                let comments: Vec<_> =
                    std::iter::once(what).chain(shown(&sent.arguments)).collect();
                (Vec::new(), comments)
            }
        };
        let function = invocation.first().and_then(Value::as_str).unwrap_or("call");
        let default = format!("{name}.{}", function.split('(').next().unwrap_or_default());
        let unique = self.unique(&default);
        let call = std::iter::once(format!("@{name}").into()).chain(invocation).collect();
        let name = (unique != default).then_some(unique);
        let value = sent_along(sent);
        self.draft.steps.push(Step { comments, name, call, value, ..Step::default() });
        Ok(())
    }

    /// Function and arguments of calldata, as a step has them.
    fn invocation(&self, abi: &JsonAbi, calldata: &[u8]) -> Option<Vec<Value>> {
        let selector = calldata.get(..4)?;
        let function = abi.functions().find(|function| function.selector() == selector)?;
        let args = written(&call_args(function, calldata)?, &self.names)?;
        let overloaded = abi.function(&function.name).is_some_and(|all| all.len() > 1);
        let name = if overloaded { function.signature() } else { function.name.clone() };
        Some(std::iter::once(quoted(&name)).chain(args).collect())
    }

    fn full(&self, sent: &Sent) -> Option<Vec<Value>> {
        let function = Function::parse(sent.function.as_deref()?).ok()?;
        if !crate::is_identifier(&function.name) || function.selector() != sent.input.get(..4)? {
            return None;
        }
        let args = written(&call_args(&function, &sent.input)?, &self.names)?;
        Some(std::iter::once(quoted(&function.signature())).chain(args).collect())
    }

    fn external(&mut self, sent: &Sent, address: Address) -> String {
        let name = self.free_name(sent.contract.as_deref().unwrap_or("external"));
        self.names.insert(address, name.clone());
        self.draft.externals.insert(name.clone(), External { address, code_hash: None });
        name
    }

    /// A name that is not taken, from a contract's.
    fn free_name(&mut self, contract: &str) -> String {
        let simple = contract.to_lowercase().replace('$', "");
        let simple = simple.trim_start_matches('_');
        self.unique(if simple.is_empty() { "step" } else { simple })
    }

    fn unique(&mut self, name: &str) -> String {
        const SUFFIX_CHARS_MAX: usize = 4;
        let base: String = name.chars().take(NAME_CHARS_MAX - SUFFIX_CHARS_MAX).collect();
        let mut unique = base.clone();
        let mut count = 1;
        while RESERVED.contains(&unique.as_str()) || !self.taken.insert(unique.clone()) {
            count += 1;
            unique = format!("{base}-{count}");
        }
        unique
    }
}

/// The ether that a transaction sends along.
fn sent_along(sent: &Sent) -> Option<Value> {
    (!sent.value.is_zero()).then(|| number("", sent.value))
}

/// The first four bytes of calldata, which say the function.
fn selector(calldata: &[u8]) -> String {
    hex::encode_prefixed(calldata.get(..4).unwrap_or_default())
}

/// Whether a value is this reference, or a list or structure with it.
fn names(value: &Value, reference: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| names(item, reference)),
        Value::InlineTable(members) => members.iter().any(|(_, item)| names(item, reference)),
        _ => value.as_str() == Some(reference),
    }
}

/// What the file shows of arguments that could not be decoded.
fn shown(arguments: &[String]) -> Option<String> {
    let arguments: Vec<_> = arguments.iter().map(|text| tidegate_chain::escape(text)).collect();
    (!arguments.is_empty()).then(|| format!("the broadcast shows: {}", arguments.join(", ")))
}

fn cut(data: &[u8]) -> String {
    const BYTES_SHOWN: usize = 100;
    let more = if data.len() > BYTES_SHOWN { "…" } else { "" };
    hex::encode_prefixed(&data[..data.len().min(BYTES_SHOWN)]) + more
}
