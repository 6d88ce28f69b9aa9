//! The storage layout that enters the digests: what the compiler lists, and the namespaces of
//! ERC-7201, which it does not list.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ast::{Declarations, Node, STORAGE_LOCATION};
use crate::hidden::{Scope, hidden};
use crate::notes::Notes;
use crate::output::StorageLayout;
use crate::reach::reached;
use crate::types::{Budget, LayoutTypes, TreeTypes};

/// Compiler output from which no canonical storage layout can be made.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A type is described nowhere, or is of a kind that is not known here.
    #[error("cannot expand the storage type {id:?}: it is not known")]
    UnknownType {
        /// The type, as the compiler names it.
        id: String,
    },
    /// A declaration is missing from the syntax tree, or has no type there.
    #[error("cannot find the declaration of {name} in the syntax tree")]
    UnknownDeclaration { name: String },
    /// The expanded types are too many.
    #[error("cannot expand the storage types: they come to more than {limit}")]
    TooLarge { limit: usize },
    /// A type is larger than storage.
    #[error("cannot expand the storage type {label:?}: it is larger than storage")]
    TooManySlots { label: String },
    /// The compiler does not tell which structures are namespaces.
    #[error(
        "cannot read the storage namespaces of {source_name}: compilers before 0.8.20 do not \
         report `@custom:storage-location`"
    )]
    NamespacesUnreported {
        /// A source that has one.
        source_name: String,
    },
}

/// The canonical layout of one contract: `{items, namespaces}`, free of ids and paths, so that
/// it is equal wherever storage is laid out equally. What it leaves out and a comparison needs goes
/// into the notes.
pub(crate) fn canonical(
    layout: &StorageLayout,
    contract: &Node,
    declarations: &Declarations<'_>,
    notes: &mut Notes<'_>,
) -> Result<Value, LayoutError> {
    let empty = BTreeMap::new();
    let types = layout.types.as_ref().unwrap_or(&empty);
    for (position, item) in layout.storage.iter().enumerate() {
        notes.variable(position, item.ast_id);
    }
    let mut types = LayoutTypes { types, notes, budget: Budget::default() };
    let items = layout.storage.iter().map(|item| types.item(item, &mut Vec::new()));
    let items: Vec<Value> = items.collect::<Result<_, _>>()?;
    let namespaces = namespaces(contract, declarations, layout, notes)?;
    Ok(json!({"items": items, "namespaces": namespaces}))
}

/// The namespaces of a contract and its bases, from the most base to the most derived one; behind
/// them those of libraries and files whose structure its code names.
fn namespaces(
    contract: &Node,
    declarations: &Declarations<'_>,
    layout: &StorageLayout,
    notes: &mut Notes<'_>,
) -> Result<Vec<Value>, LayoutError> {
    let mut structures = Vec::new();
    for base in contract.linearized_base_contracts.iter().rev() {
        let unknown = || LayoutError::UnknownDeclaration { name: contract.name.clone() };
        let base = declarations.get(*base).ok_or_else(unknown)?;
        structures.extend(base.nodes.iter().filter_map(|node| Some((namespace_id(node)?, node))));
    }
    let own = structures.len();
    let reached = reached(declarations, contract);
    let outside = reached.structures.into_iter();
    structures.extend(outside.filter_map(|node| Some((namespace_id(node)?, node))));
    let ids: BTreeMap<u64, &str> = structures.iter().map(|(id, node)| (node.id, *id)).collect();
    let scope = Scope { declarations, contract, layout, namespaces: &ids };
    notes.hidden(hidden(scope, &reached.code));
    structures[own..].sort_by_key(|(id, _)| *id);
    let mut types = TreeTypes { declarations, notes, budget: Budget::default() };
    let mut namespaces = Vec::new();
    for (position, (id, node)) in structures.into_iter().enumerate() {
        let members = types.members(node, &mut Vec::new())?;
        types.notes.members(id, node);
        let members: Vec<_> = members.iter().map(|(label, kind)| json!([label, kind])).collect();
        let namespace = json!({"id": id, "members": members});
        // Libraries that are copies of each other are one.
        if position < own || !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    Ok(namespaces)
}

/// The id after the annotation, formula included, as in `erc7201:example.main`.
fn namespace_id(node: &Node) -> Option<&str> {
    if node.node_type != "StructDefinition" {
        return None;
    }
    let text = &node.documentation.as_ref()?.0;
    let (_, rest) = text.split_once(STORAGE_LOCATION)?;
    rest.split_whitespace().next()
}
