//! A storage layout as it is compared: fields with places and types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{B256, U256, U512};

/// The storage layout of one contract: its state variables and its ERC-7201 namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    pub(super) types: Vec<Type>,
    pub(super) items: Vec<Field>,
    pub(super) namespaces: Vec<Namespace>,
    /// What is stored and not here.
    pub(super) hidden: Hidden,
}

/// What the code of one version places in storage by itself, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    /// Each with why an upgrade keeps it, where the source says; a name may be `OWNER.*`.
    pub(super) names: BTreeMap<String, Option<String>>,
    /// The slots that are known, and those of namespaces without a known formula, by their ids.
    pub(super) slots: BTreeMap<String, BTreeSet<U256>>,
    /// A digest of the file of each contract or library that begins a name.
    pub(super) files: BTreeMap<String, B256>,
    /// The constants by which the code finds what it stores.
    pub(super) keys: BTreeMap<String, BTreeSet<U256>>,
}

/// Behind the name of a contract or library: all that it places.
pub(super) const ALL: &str = ".*";

impl Hidden {
    /// What there is, without what stands for all of a contract or library.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str).filter(|name| !name.ends_with(ALL))
    }
}

impl Layout {
    /// How many state variables it has, outside namespaces.
    pub fn variables(&self) -> usize {
        self.items.len()
    }

    /// How many namespaces it has.
    pub(crate) fn namespaces(&self) -> usize {
        self.namespaces.len()
    }

    /// The variables that may grow at their end, each with why.
    pub fn growing(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = self.namespaces.iter().flat_map(|namespace| &namespace.members);
        let all = self.items.iter().chain(members);
        all.filter_map(|field| Some((&*field.label, field.grows.as_deref()?)))
    }

    /// What the source says that it keeps although it is not here, each with why.
    pub fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        self.hidden.names.iter().filter_map(|(name, why)| Some((&**name, why.as_deref()?)))
    }

    /// What the code stores that is not here.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &str> {
        self.hidden.names()
    }

    /// Whether it has nothing that is stored at a place of its own.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.namespaces.is_empty()
    }

    pub(super) fn kind(&self, id: TypeId) -> &Type {
        &self.types[id.0]
    }

    /// The byte behind a field, counted like its first one.
    pub(super) fn end(&self, field: &Field) -> U512 {
        field.place.byte() + U512::from(self.kind(field.kind).bytes)
    }

    /// Whether a field only keeps room for later ones.
    pub(super) fn is_gap(&self, field: &Field) -> bool {
        let named = field.label == "__gap" || field.label.starts_with("__gap_");
        let shape = &self.kind(field.kind).shape;
        named && matches!(shape, Shape::FixedArray { .. } | Shape::DynamicArray { .. })
    }
}

/// A structure at a place of its own in storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namespace {
    pub(super) id: String,
    pub(super) members: Vec<Field>,
}

/// Where something begins: in the contract's storage, or within a structure or namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub slot: U256,
    /// The byte within the slot, counted from the right.
    pub offset: u64,
}

impl Place {
    /// The first byte, counted from the first of slot 0.
    pub(super) fn byte(self) -> U512 {
        U512::from(self.slot) * U512::from(32) + U512::from(self.offset)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Slots at `layout at` are large numbers that people know in hexadecimal.
        if self.slot < U256::from(1_000_000) {
            write!(f, "slot {}", self.slot)?;
        } else {
            write!(f, "slot {:#x}", self.slot)?;
        }
        if self.offset == 0 { Ok(()) } else { write!(f, ", byte {}", self.offset) }
    }
}

/// A state variable, or a member of a structure or namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Field {
    pub(super) label: String,
    pub(super) place: Place,
    pub(super) kind: TypeId,
    pub(super) renamed_from: Option<String>,
    pub(super) retyped_from: Option<String>,
    /// Why it may grow at its end.
    pub(super) grows: Option<String>,
}

/// A type of one layout. Equal types of a layout have equal ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TypeId(pub(super) usize);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Type {
    /// The type in words.
    pub(super) label: String,
    /// What it takes at its place.
    pub(super) bytes: U256,
    pub(super) shape: Shape,
    /// Whether a type inside it is one that it is inside of.
    pub(super) recursive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A type of the language that is what its label says.
    Plain,
    Contract,
    /// With its members, where they are known.
    Enum(Option<Vec<String>>),
    /// With the type behind it, where that is known.
    UserValue(Option<String>),
    Function {
        external: bool,
    },
    Struct(Vec<Field>),
    Mapping {
        key: TypeId,
        value: TypeId,
    },
    FixedArray {
        length: U256,
        base: TypeId,
    },
    DynamicArray {
        base: TypeId,
    },
    /// One of the types that this is inside of, by its label.
    Inside,
}
