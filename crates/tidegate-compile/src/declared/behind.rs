//! Contracts that are made to stand behind a proxy, told by what they and their bases declare.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use solar::parse::ast::{FunctionKind, ItemFunction, StateMutability, Visibility};
use solar::parse::interface::Session;

use super::{Contract, contracts, parameters};
use crate::foundry::FoundryConfig;
use crate::sources::closure;
use crate::vyper;

/// The base of OpenZeppelin and others that upgrades itself.
const UUPS: &str = "UUPSUpgradeable";
/// What a proxy of this kind asks its implementation for (ERC-1822).
const PROXIABLE: &str = "proxiableUUID";

/// What says that a contract is made to stand behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Whether it upgrades itself, behind a UUPS proxy; else it does not say which proxy.
    pub uups: bool,
    /// The functions that may be called once in place of a constructor.
    pub initializers: Vec<Initializer>,
}

/// A function that initialises what stands behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initializer {
    pub name: String,
    /// Its parameters as in the source: `uint256 cap`.
    pub parameters: Vec<String>,
}

/// A function that others can call and that may write.
pub(super) struct Function {
    name: String,
    parameters: Vec<String>,
    /// Whether it runs once: OpenZeppelin's modifier `initializer`.
    once: bool,
}

/// A function as far as it tells of proxies; `None` where nobody can call it.
pub(super) fn function(session: &Session, function: &ItemFunction<'_>) -> Option<Function> {
    let header = &function.header;
    let open = matches!(header.visibility(), Some(Visibility::Public | Visibility::External));
    let name = header.name.filter(|_| open && function.kind == FunctionKind::Function)?;
    let writes =
        !matches!(header.state_mutability(), StateMutability::View | StateMutability::Pure);
    let modifiers = || header.modifiers.iter().map(|modifier| modifier.name.last().to_string());
    Some(Function {
        name: name.to_string(),
        parameters: parameters(session, function),
        once: writes && modifiers().any(|name| name == "initializer"),
    })
}

/// All contracts of the sources around some, by name.
pub(super) struct Sources(BTreeMap<String, Vec<Contract>>);

impl Sources {
    /// Reads these sources and what they import, as far as that is there: a dependency that is
    /// missing is named by `build`.
    pub(super) fn around<'s>(
        root: &Path,
        foundry: &FoundryConfig,
        named: impl Iterator<Item = &'s String> + Clone,
    ) -> Self {
        let named = named.filter(|source| vyper::contract_of(source).is_none());
        let whole = closure(root, foundry, named.clone().cloned());
        let closures = match whole {
            Ok(whole) => vec![whole],
            Err(_) => named.filter_map(|one| closure(root, foundry, [one.clone()]).ok()).collect(),
        };
        let mut seen = BTreeSet::new();
        let mut by_name: BTreeMap<String, Vec<Contract>> = BTreeMap::new();
        for (name, source) in closures.into_iter().flatten() {
            if vyper::contract_of(&name).is_some() || !seen.insert(name) {
                continue;
            }
            for contract in contracts(&source.content).unwrap_or_default() {
                by_name.entry(contract.name.clone()).or_default().push(contract);
            }
        }
        Self(by_name)
    }

    /// What says that a contract is made for a proxy. Bases are told by their names: a namesake
    /// adds to what is asked, and takes nothing away.
    pub(super) fn behind(&self, contract: &Contract) -> Option<Behind> {
        let mut line = vec![contract];
        let mut seen = BTreeSet::new();
        let mut at = 0;
        while let Some(one) = line.get(at) {
            at += 1;
            for base in &one.bases {
                if seen.insert(base) {
                    line.extend(self.0.get(base).into_iter().flatten());
                }
            }
        }
        let functions = || line.iter().flat_map(|contract| &contract.functions);
        let uups = seen.iter().any(|base| *base == UUPS)
            || functions().any(|function| function.name == PROXIABLE);
        let mut initializers = once(functions().filter(|function| function.once));
        if initializers.is_empty() && uups {
            let named = |f: &&Function| matches!(&*f.name, "initialize" | "initializer" | "init");
            initializers = once(functions().filter(named));
        }
        (uups || !initializers.is_empty()).then_some(Behind { uups, initializers })
    }
}

/// Functions, each once where a contract overrides that of a base.
fn once<'f>(functions: impl Iterator<Item = &'f Function>) -> Vec<Initializer> {
    let mut seen = BTreeSet::new();
    let types = |function: &Function| -> Vec<String> {
        let first = |text: &String| text.split(' ').next().unwrap_or_default().to_owned();
        function.parameters.iter().map(first).collect()
    };
    functions
        .filter(|function| seen.insert((function.name.clone(), types(function))))
        .map(|function| Initializer {
            name: function.name.clone(),
            parameters: function.parameters.clone(),
        })
        .collect()
}
