//! Reads a canonical layout and its notes.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::release::{Artifact, Formerly, LayoutNotes};

use super::types::{Field, Hidden, Layout, Namespace, Place, Shape, Type, TypeId};

/// The most variables, or members of one structure. Comparing grows with the square of it.
const FIELDS_MAX: usize = 1_000;

/// Why a canonical layout cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LayoutReadError {
    /// It has another form.
    #[error("cannot read the storage layout")]
    Malformed {
        #[source]
        source: serde_json::Error,
    },
    /// A type or a number in it means nothing.
    #[error("cannot read the storage layout: {what} is not usable")]
    Unusable { what: String },
    /// There is too much of it.
    #[error("cannot read the storage layout: {owner} has more than {limit} members")]
    TooLarge { owner: String, limit: usize },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLayout {
    items: Vec<RawItem>,
    namespaces: Vec<RawNamespace>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNamespace {
    id: String,
    members: Vec<(String, RawType)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    label: String,
    slot: String,
    offset: u64,
    #[serde(rename = "type")]
    kind: RawType,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawType {
    label: String,
    encoding: Option<String>,
    number_of_bytes: Option<String>,
    key: Option<Box<RawType>>,
    value: Option<Box<RawType>>,
    base: Option<Box<RawType>>,
    members: Option<Vec<RawItem>>,
    recursive: Option<bool>,
}

impl Layout {
    /// Reads the canonical layout of an artifact.
    ///
    /// # Errors
    /// If it has another form, or is too large to be compared.
    pub fn of(artifact: &Artifact) -> Result<Self, LayoutReadError> {
        Self::read(&artifact.layout, &artifact.layout_notes)
    }

    /// Reads a canonical layout and the notes beside it.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn read(layout: &Value, notes: &LayoutNotes) -> Result<Self, LayoutReadError> {
        let raw = RawLayout::deserialize(layout)
            .map_err(|source| LayoutReadError::Malformed { source })?;
        let mut reader = Reader { notes, types: Vec::new(), ids: BTreeMap::new() };
        let formerly = |position: usize, _: &str| notes.items.get(&position).cloned();
        let items = reader.fields("the contract", &raw.items, formerly)?;
        let namespaces = raw.namespaces.iter().map(|namespace| reader.namespace(namespace));
        let namespaces = namespaces.collect::<Result<_, _>>()?;
        let hidden = Hidden {
            names: notes.hidden.clone(),
            slots: notes.slots.clone(),
            files: notes.files.clone(),
            keys: notes.keys.clone(),
        };
        Ok(Self { types: reader.types, items, namespaces, hidden })
    }
}

struct Reader<'a> {
    notes: &'a LayoutNotes,
    types: Vec<Type>,
    ids: BTreeMap<Type, TypeId>,
}

impl Reader<'_> {
    fn fields(
        &mut self,
        owner: &str,
        items: &[RawItem],
        formerly: impl Fn(usize, &str) -> Option<Formerly>,
    ) -> Result<Vec<Field>, LayoutReadError> {
        check_count(owner, items.len())?;
        let mut fields = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let place = Place { slot: number(&item.slot)?, offset: item.offset };
            let formerly = formerly(position, &item.label);
            fields.push(field(&item.label, place, self.kind(&item.kind)?, formerly));
        }
        Ok(fields)
    }

    fn members(&mut self, owner: &str, items: &[RawItem]) -> Result<Vec<Field>, LayoutReadError> {
        let known = self.notes.members.get(owner);
        // Whatever holds the structure would not see that a member of it takes more room.
        let not_growing = |said: &Formerly| Formerly { grows: None, ..said.clone() };
        self.fields(owner, items, |_, label| known?.get(label).map(not_growing))
    }

    /// A namespace's members stand without places: they are placed as the compiler places them.
    fn namespace(&mut self, raw: &RawNamespace) -> Result<Namespace, LayoutReadError> {
        check_count(&raw.id, raw.members.len())?;
        let known = self.notes.members.get(&raw.id);
        let too_large = || unusable(&raw.id);
        let (mut slot, mut offset) = (U256::ZERO, U256::ZERO);
        let slot_bytes = U256::from(32);
        let mut members = Vec::new();
        for (label, kind) in &raw.members {
            let id = self.kind(kind)?;
            let kind = &self.types[id.0];
            let whole = matches!(kind.shape, Shape::Struct(_) | Shape::FixedArray { .. });
            let bytes = kind.bytes;
            if offset > U256::ZERO && (whole || offset + bytes > slot_bytes) {
                slot = slot.checked_add(U256::from(1)).ok_or_else(too_large)?;
                offset = U256::ZERO;
            }
            let place = Place { slot, offset: offset.to::<u64>() };
            members.push(field(label, place, id, known.and_then(|k| k.get(label)).cloned()));
            if whole || offset + bytes == slot_bytes {
                slot = slot.checked_add(bytes.div_ceil(slot_bytes)).ok_or_else(too_large)?;
                offset = U256::ZERO;
            } else {
                offset += bytes;
            }
        }
        Ok(Namespace { id: raw.id.clone(), members })
    }

    fn kind(&mut self, raw: &RawType) -> Result<TypeId, LayoutReadError> {
        let bytes = match (&raw.number_of_bytes, raw.recursive) {
            (Some(bytes), None) => number(bytes)?,
            (None, Some(true)) => U256::ZERO,
            _ => return Err(unusable(&raw.label)),
        };
        let shape = self.shape(raw, bytes)?;
        let of = |id: &TypeId| self.types[id.0].recursive;
        let recursive = match &shape {
            Shape::Inside => true,
            Shape::Struct(members) => members.iter().any(|member| of(&member.kind)),
            Shape::Mapping { key, value } => of(key) || of(value),
            Shape::FixedArray { base, .. } | Shape::DynamicArray { base } => of(base),
            _ => false,
        };
        let kind = Type { label: raw.label.clone(), bytes, shape, recursive };
        Ok(*self.ids.entry(kind).or_insert_with_key(|kind| {
            self.types.push(kind.clone());
            TypeId(self.types.len() - 1)
        }))
    }

    fn shape(&mut self, raw: &RawType, bytes: U256) -> Result<Shape, LayoutReadError> {
        let label = raw.label.as_str();
        let unusable = || unusable(label);
        if let Some(members) = &raw.members {
            return Ok(Shape::Struct(self.members(label, members)?));
        }
        Ok(match (raw.encoding.as_deref(), &raw.key, &raw.value, &raw.base) {
            (None, None, None, None) => Shape::Inside,
            (Some("mapping"), Some(key), Some(value), None) => {
                Shape::Mapping { key: self.kind(key)?, value: self.kind(value)? }
            }
            (Some("dynamic_array"), None, None, Some(base)) => {
                Shape::DynamicArray { base: self.kind(base)? }
            }
            (Some("inplace"), None, None, Some(base)) => {
                let length = label.strip_suffix(']').and_then(|label| label.rsplit_once('['));
                let (_, length) = length.ok_or_else(unusable)?;
                Shape::FixedArray { length: number(length)?, base: self.kind(base)? }
            }
            (Some("bytes"), None, None, None) => Shape::Plain,
            (Some("inplace"), None, None, None) => self.value(label, bytes),
            _ => return Err(unusable()),
        })
    }

    fn value(&self, label: &str, bytes: U256) -> Shape {
        if label.starts_with("contract ") {
            Shape::Contract
        } else if label.starts_with("enum ") {
            Shape::Enum(self.notes.enums.get(label).cloned())
        } else if label.starts_with("function ") {
            // An external one is an address and a selector.
            Shape::Function { external: bytes == U256::from(24) }
        } else if is_elementary(label) {
            Shape::Plain
        } else {
            Shape::UserValue(self.notes.values.get(label).cloned())
        }
    }
}

fn field(label: &str, place: Place, kind: TypeId, formerly: Option<Formerly>) -> Field {
    let Formerly { name: renamed_from, kind: retyped_from, grows } = formerly.unwrap_or_default();
    Field { label: label.to_owned(), place, kind, renamed_from, retyped_from, grows }
}

fn check_count(owner: &str, count: usize) -> Result<(), LayoutReadError> {
    if count > FIELDS_MAX {
        return Err(LayoutReadError::TooLarge { owner: owner.to_owned(), limit: FIELDS_MAX });
    }
    Ok(())
}

/// The types of the language itself; every other name of a value is one that a source declares.
fn is_elementary(label: &str) -> bool {
    let sized = ["uint", "int", "bytes"].iter().find_map(|start| label.strip_prefix(start));
    let digits = |size: &str| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
    matches!(label, "bool" | "address" | "address payable") || sized.is_some_and(digits)
}

fn number(text: &str) -> Result<U256, LayoutReadError> {
    U256::from_str_radix(text, 10).map_err(|_| unusable(text))
}

fn unusable(what: &str) -> LayoutReadError {
    LayoutReadError::Unusable { what: format!("{what:?}") }
}
