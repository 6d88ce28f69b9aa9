//! What a project's own sources declare, by syntax alone: the contracts that can be created.

mod behind;
#[cfg(test)]
mod tests;

use std::path::Path;

use solar::parse::Parser;
use solar::parse::ast::{Arena, ContractKind, FunctionKind, ItemContract, ItemFunction, ItemKind};
use solar::parse::interface::{Session, source_map::FileName};

pub use self::behind::{Behind, Initializer};
use self::behind::{Function, Sources, function};
use crate::files;
use crate::foundry::FoundryConfig;
use crate::roots::{RootError, own_files};
use crate::sources::SOURCE_BYTES_MAX;
use crate::vyper;

/// A contract that can be created: neither abstract nor an interface or a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployable {
    /// The name that says which one is meant: `Vault`, or `path/Vault.sol:Vault`.
    pub written: String,
    /// The contract's own name.
    pub name: String,
    /// The constructor's parameters as in the source: `uint256 cap`.
    pub constructor: Vec<String>,
    /// What says that it is made to stand behind a proxy.
    pub behind: Option<Behind>,
}

/// What the sources of a project declare.
#[derive(Debug, Default)]
pub struct Declared {
    /// The contracts that can be created, by name.
    pub contracts: Vec<Deployable>,
    /// The files that cannot be parsed: nothing is known of what they declare.
    pub unread: Vec<String>,
}

/// Folders below `src` whose contracts are not for mainnet.
const FOLDERS_SKIPPED: [&str; 6] = ["mock", "mocks", "script", "scripts", "test", "tests"];

/// The contracts under `src` that can be created, by name; no tests, scripts and mocks, and none
/// that others inherit.
///
/// # Errors
/// If the folder cannot be searched, or a file not read.
pub fn deployable_contracts(root: &Path, foundry: &FoundryConfig) -> Result<Declared, RootError> {
    if !root.join(&foundry.src).is_dir() {
        return Ok(Declared::default());
    }
    let mut sources = own_files(root, foundry)?;
    sources.sort();
    let mut declared = Vec::new();
    let mut unread = Vec::new();
    for source in &sources {
        let text = files::read_text(&root.join(source), SOURCE_BYTES_MAX)
            .map_err(|source| RootError::Search { folder: root.join(&foundry.src), source })?;
        match (vyper::contract_of(source), contracts(&text)) {
            (Some(name), _) => declared.push((source, in_vyper(name, &text))),
            (None, Some(found)) => declared.extend(found.into_iter().map(|found| (source, found))),
            (None, None) if is_skipped(foundry, source) => {}
            (None, None) => unread.push(source.clone()),
        }
    }
    let namesakes = |name: &str| declared.iter().filter(|(_, other)| other.name == name).count();
    let own = || declared.iter().filter(|(source, _)| !is_skipped(foundry, source));
    let is_base = |name: &str| own().any(|(_, other)| other.bases.iter().any(|base| base == name));
    let deployable = || own().filter(|(_, contract)| contract.concrete && !is_base(&contract.name));
    let all = Sources::around(root, foundry, deployable().map(|(source, _)| *source));
    let mut found: Vec<_> = deployable()
        .map(|(source, contract)| {
            let Contract { name, constructor, .. } = contract;
            let unique = namesakes(name) == 1;
            let written = if unique { name.clone() } else { format!("{source}:{name}") };
            let (name, constructor) = (name.clone(), constructor.clone());
            Deployable { written, name, constructor, behind: all.behind(contract) }
        })
        .collect();
    found.sort_by(|a, b| (&a.name, &a.written).cmp(&(&b.name, &b.written)));
    Ok(Declared { contracts: found, unread })
}

/// A file of Vyper, which is a contract of its name unless it has nothing to call: then it is there
/// to be imported.
fn in_vyper(name: &str, text: &str) -> Contract {
    let (constructor, concrete) = vyper::constructor(text);
    let (bases, functions) = (Vec::new(), Vec::new());
    Contract { name: name.to_owned(), concrete, bases, constructor, functions }
}

fn is_skipped(foundry: &FoundryConfig, source: &str) -> bool {
    let below = source.strip_prefix(foundry.src.as_str()).unwrap_or(source);
    let tests = source.strip_prefix(&foundry.test).is_some_and(|rest| rest.starts_with('/'));
    let folders = below.split('/').any(|part| FOLDERS_SKIPPED.contains(&part));
    tests || folders || source.ends_with(".t.sol") || source.ends_with(".s.sol")
}

struct Contract {
    name: String,
    concrete: bool,
    /// The names of those that it inherits.
    bases: Vec<String>,
    constructor: Vec<String>,
    functions: Vec<Function>,
}

/// The contracts of a file; `None` where it cannot be parsed.
fn contracts(text: &str) -> Option<Vec<Contract>> {
    let session = Session::builder().with_buffer_emitter(Default::default()).build();
    session.enter_sequential(|| {
        let arena = Arena::new();
        let file = FileName::Custom("source".to_owned());
        let Ok(mut parser) = Parser::from_source_code(&session, &arena, file, text.to_owned())
        else {
            return None;
        };
        let unit = match parser.parse_file() {
            Ok(unit) => unit,
            Err(error) => {
                error.cancel();
                return None;
            }
        };
        let items = unit.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Contract(contract) => Some(self::contract(&session, contract)),
            _ => None,
        });
        Some(items.collect())
    })
}

fn contract(session: &Session, contract: &ItemContract<'_>) -> Contract {
    let functions = || {
        contract.body.iter().filter_map(|item| match &item.kind {
            ItemKind::Function(function) => Some(function),
            _ => None,
        })
    };
    let constructor = functions().find(|function| function.kind == FunctionKind::Constructor);
    Contract {
        name: contract.name.to_string(),
        concrete: contract.kind.is_contract(),
        bases: contract.bases.iter().map(|base| base.name.last().to_string()).collect(),
        constructor: constructor.map(|found| parameters(session, found)).unwrap_or_default(),
        functions: match contract.kind {
            ContractKind::Interface => Vec::new(),
            _ => functions().filter_map(|found| function(session, found)).collect(),
        },
    }
}

/// Parameters as in the source, in one line.
fn parameters(session: &Session, function: &ItemFunction<'_>) -> Vec<String> {
    let shown = |span| {
        let text = session.source_map().span_to_snippet(span).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    function.header.parameters.iter().map(|parameter| shown(parameter.span)).collect()
}
