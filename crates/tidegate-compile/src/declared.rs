//! What a project's own sources declare, by syntax alone: the contracts that can be created.

use std::path::Path;

use solar::parse::Parser;
use solar::parse::ast::{Arena, FunctionKind, ItemContract, ItemKind};
use solar::parse::interface::{Session, source_map::FileName};

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
}

/// Folders below `src` whose contracts are not for mainnet.
const FOLDERS_SKIPPED: [&str; 6] = ["mock", "mocks", "script", "scripts", "test", "tests"];

/// The contracts under `src` that can be created, by name; no tests, scripts and mocks, and none
/// that others inherit. A file that cannot be parsed declares nothing.
///
/// # Errors
/// If the folder cannot be searched, or a file not read.
pub fn deployable_contracts(
    root: &Path,
    foundry: &FoundryConfig,
) -> Result<Vec<Deployable>, RootError> {
    if !root.join(&foundry.src).is_dir() {
        return Ok(Vec::new());
    }
    let mut sources = own_files(root, foundry)?;
    sources.sort();
    let mut declared = Vec::new();
    for source in &sources {
        let text = files::read_text(&root.join(source), SOURCE_BYTES_MAX)
            .map_err(|source| RootError::Search { folder: root.join(&foundry.src), source })?;
        match vyper::contract_of(source) {
            Some(name) => declared.push((source, in_vyper(name, &text))),
            None => declared.extend(contracts(&text).into_iter().map(|found| (source, found))),
        }
    }
    let namesakes = |name: &str| declared.iter().filter(|(_, other)| other.name == name).count();
    let own = || declared.iter().filter(|(source, _)| !is_skipped(foundry, source));
    let is_base = |name: &str| own().any(|(_, other)| other.bases.iter().any(|base| base == name));
    let deployable = own().filter(|(_, contract)| contract.concrete && !is_base(&contract.name));
    let mut found: Vec<_> = deployable
        .map(|(source, Contract { name, constructor, .. })| {
            let unique = namesakes(name) == 1;
            let written = if unique { name.clone() } else { format!("{source}:{name}") };
            Deployable { written, name: name.clone(), constructor: constructor.clone() }
        })
        .collect();
    found.sort_by(|a, b| (&a.name, &a.written).cmp(&(&b.name, &b.written)));
    Ok(found)
}

/// A file of Vyper, which is a contract of its name unless it has nothing to call: then it is there
/// to be imported.
fn in_vyper(name: &str, text: &str) -> Contract {
    let (constructor, concrete) = vyper::constructor(text);
    Contract { name: name.to_owned(), concrete, bases: Vec::new(), constructor }
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
}

fn contracts(text: &str) -> Vec<Contract> {
    let session = Session::builder().with_buffer_emitter(Default::default()).build();
    session.enter_sequential(|| {
        let arena = Arena::new();
        let file = FileName::Custom("source".to_owned());
        let Ok(mut parser) = Parser::from_source_code(&session, &arena, file, text.to_owned())
        else {
            return Vec::new();
        };
        let unit = match parser.parse_file() {
            Ok(unit) => unit,
            Err(error) => {
                error.cancel();
                return Vec::new();
            }
        };
        let items = unit.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Contract(contract) => Some(self::contract(&session, contract)),
            _ => None,
        });
        items.collect()
    })
}

fn contract(session: &Session, contract: &ItemContract<'_>) -> Contract {
    let constructor = contract.body.iter().find_map(|item| match &item.kind {
        ItemKind::Function(function) if function.kind == FunctionKind::Constructor => {
            Some(&function.header.parameters)
        }
        _ => None,
    });
    let shown = |span| {
        let text = session.source_map().span_to_snippet(span).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    Contract {
        name: contract.name.to_string(),
        concrete: contract.kind.is_contract(),
        bases: contract.bases.iter().map(|base| base.name.last().to_string()).collect(),
        constructor: constructor
            .into_iter()
            .flat_map(|parameters| parameters.iter().map(|parameter| shown(parameter.span)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::project;

    #[test]
    fn only_what_can_be_created_is_named() {
        let root = project(&[
            (
                "src/Vault.sol",
                "interface IVault {} abstract contract Base { constructor(uint x) {} }\n\
                 /* contract Ghost {} */ library L {} contract $x{}\n\
                 contract\nVault is Base { constructor(\n  IVault  a, bytes memory b\n) \
                 Base(1) {} }",
            ),
            ("src/a/Twice.sol", "contract Twice {}"),
            ("src/b/Twice.sol", "interface Twice {}"),
            ("src/mocks/Token.sol", "contract Token {}"),
            ("src/test/In.sol", "contract In is Twice, lib.$x {}"),
            ("src/Part.sol", "contract Shared {} contract Whole is Part.Shared(1) {}"),
            ("src/Vault.t.sol", "contract VaultTest {}"),
            ("src/Go.s.sol", "contract Go {}"),
            ("src/Broken.sol", "contract Broken {"),
            (
                "src/Coin.vy",
                "import Part\n@deploy\ndef __init__(\n    owner: address,  # who\n\
                 cap: HashMap[uint8, String[5]],\n) :\n    pass\n@external\ndef f(): pass\n",
            ),
            ("src/Bare.vy", "x: public(uint256)\n"),
            ("src/Part.vy", "@internal\ndef f(): pass # @external\n"),
            ("src/mocks/Fake.vy", "@external\ndef f(): pass\n"),
            ("test/Only.sol", "contract Only {}"),
        ]);
        let found = deployable_contracts(root.path(), &FoundryConfig::empty()).unwrap();
        let shown: Vec<_> =
            found.iter().map(|c| (c.written.as_str(), c.constructor.join(", "))).collect();
        let expected = [
            ("$x", String::new()),
            ("Bare", String::new()),
            ("Coin", "owner: address, cap: HashMap[uint8, String[5]]".to_owned()),
            ("src/a/Twice.sol:Twice", String::new()),
            ("Vault", "IVault a, bytes memory b".to_owned()),
            ("Whole", String::new()),
        ];
        assert_eq!(shown, expected);
        let foundry = FoundryConfig { src: "gone".to_owned(), ..FoundryConfig::empty() };
        assert_eq!(deployable_contracts(root.path(), &foundry).unwrap(), []);
    }
}
