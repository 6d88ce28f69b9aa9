//! The declarations of the compiler's syntax tree: contracts, their state variables and types.
//! Of code, only what [`Code`] keeps.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::safety::Code;

/// The annotation of a structure that is the layout of a namespace.
pub(crate) const STORAGE_LOCATION: &str = "@custom:storage-location";

/// A declaration, of any kind.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    pub(crate) id: u64,
    /// Where it stands in its source, as `start:length:source`, in bytes.
    #[serde(default)]
    pub(crate) src: String,
    pub(crate) node_type: String,
    #[serde(default)]
    pub(crate) name: String,
    /// Of a function: `constructor`, `fallback`, `receive` or other.
    pub(crate) kind: Option<String>,
    pub(crate) parameters: Option<ParameterList>,
    pub(crate) return_parameters: Option<ParameterList>,
    #[serde(default)]
    pub(crate) nodes: Vec<Node>,
    #[serde(default)]
    pub(crate) members: Vec<Node>,
    #[serde(default)]
    pub(crate) linearized_base_contracts: Vec<u64>,
    pub(crate) documentation: Option<Documentation>,
    pub(crate) type_name: Option<TypeName>,
    pub(crate) type_descriptions: Option<TypeDescriptions>,
    pub(crate) underlying_type: Option<TypeName>,
    /// Of a contract: `contract`, `interface` or `library`.
    pub(crate) contract_kind: Option<String>,
    /// The contract or source that it stands in.
    pub(crate) scope: Option<u64>,
    pub(crate) visibility: Option<String>,
    /// Of a variable: `mutable`, `immutable` or `constant`.
    pub(crate) mutability: Option<String>,
    #[serde(default)]
    pub(crate) constant: bool,
    #[serde(default)]
    pub(crate) r#virtual: bool,
    #[serde(default)]
    pub(crate) r#abstract: bool,
    /// The initial value of a variable.
    pub(crate) value: Option<Code>,
    /// The body of a function or modifier.
    pub(crate) body: Option<Code>,
    #[serde(default)]
    pub(crate) modifiers: Vec<Modifier>,
    #[serde(default)]
    pub(crate) base_contracts: Vec<Base>,
}

/// A modifier, or the constructor of a base, as a function names it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Modifier {
    pub(crate) modifier_name: Named,
    pub(crate) arguments: Option<Code>,
}

/// A name, as a path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) referenced_declaration: Option<i64>,
}

impl Node {
    /// The compiler's id of its type, such as `t_mapping$_t_address_$_t_uint256_$`.
    pub(crate) fn type_id(&self) -> Option<&str> {
        self.type_descriptions.as_ref()?.type_identifier.as_deref()
    }
}

impl Named {
    /// What it names, where a source declares that.
    pub(crate) fn declaration(&self) -> Option<u64> {
        self.referenced_declaration.and_then(|id| u64::try_from(id).ok())
    }
}

/// A contract that another one is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Base {
    pub(crate) base_name: Named,
    pub(crate) arguments: Option<Code>,
}

/// The parameters of a function or modifier.
#[derive(Debug, Deserialize)]
pub(crate) struct ParameterList {
    pub(crate) parameters: Vec<Node>,
}

/// A type as it is written in a declaration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeName {
    pub(crate) node_type: String,
    #[serde(default)]
    pub(crate) type_descriptions: TypeDescriptions,
    pub(crate) referenced_declaration: Option<i64>,
    pub(crate) key_type: Option<Box<TypeName>>,
    pub(crate) value_type: Option<Box<TypeName>>,
    pub(crate) base_type: Option<Box<TypeName>>,
    pub(crate) visibility: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeDescriptions {
    pub(crate) type_string: Option<String>,
    pub(crate) type_identifier: Option<String>,
}

impl TypeName {
    /// What it names, where a source declares that.
    pub(crate) fn declaration(&self) -> Option<u64> {
        self.referenced_declaration.and_then(|id| u64::try_from(id).ok())
    }

    /// The type in words, such as `mapping(address => uint256)`.
    pub(crate) fn label(&self) -> &str {
        self.type_descriptions.type_string.as_deref().unwrap_or_default()
    }
}

/// A documentation comment, which old compilers give as a string and new ones as a node.
#[derive(Debug)]
pub(crate) struct Documentation(pub(crate) String);

impl<'de> Deserialize<'de> for Documentation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Structured {
            text: String,
        }
        struct DocumentationVisitor;
        impl<'de> Visitor<'de> for DocumentationVisitor {
            type Value = Documentation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("documentation")
            }

            fn visit_str<E>(self, text: &str) -> Result<Documentation, E> {
                Ok(Documentation(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Documentation, A::Error> {
                let node = Structured::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Documentation(node.text))
            }
        }
        deserializer.deserialize_any(DocumentationVisitor)
    }
}

/// All declarations by id. Ids mean something only within one answer.
#[derive(Debug, Default)]
pub(crate) struct Declarations<'a> {
    nodes: BTreeMap<u64, &'a Node>,
    /// The contract that a declaration stands in, and that contract's source.
    places: BTreeMap<u64, (&'a str, Option<&'a str>)>,
    /// The sources by the number that places have for them.
    sources: BTreeMap<&'a str, &'a str>,
}

impl<'a> Declarations<'a> {
    /// Indexes the trees of all sources.
    pub(crate) fn new(trees: impl IntoIterator<Item = (&'a str, &'a Node)>) -> Self {
        let mut declarations = Self::default();
        for (source, tree) in trees {
            if let Some(number) = tree.src.rsplit(':').next() {
                declarations.sources.insert(number, source);
            }
            for node in &tree.nodes {
                declarations.insert(node, source, None);
                for inner in &node.nodes {
                    declarations.insert(inner, source, Some(&node.name));
                }
            }
        }
        declarations
    }

    fn insert(&mut self, node: &'a Node, source: &'a str, contract: Option<&'a str>) {
        self.nodes.insert(node.id, node);
        self.places.insert(node.id, (source, contract));
    }

    /// The declaration with this id.
    pub(crate) fn get(&self, id: u64) -> Option<&'a Node> {
        self.nodes.get(&id).copied()
    }

    /// The source of this number.
    pub(crate) fn source(&self, number: &str) -> Option<&'a str> {
        self.sources.get(number).copied()
    }

    /// The source a declaration stands in, and the contract, if it stands in one.
    pub(crate) fn place(&self, id: u64) -> Option<(&'a str, Option<&'a str>)> {
        self.places.get(&id).copied()
    }

    /// The contract of this name in this source.
    pub(crate) fn contract(&self, source: &str, name: &str) -> Option<&'a Node> {
        self.nodes.values().copied().find(|node| {
            node.node_type == "ContractDefinition"
                && node.name == name
                && self.places.get(&node.id).is_some_and(|(place, _)| *place == source)
        })
    }
}
