//! Storage types expanded to their structure, from the compiler's layout or from its syntax
//! tree. Both give the same JSON for the same type:
//! `{encoding, label, numberOfBytes}` with `key` and `value`, `base`, or `members` of
//! `{label, slot, offset, type}`. A type inside itself is `{label, recursive: true}`.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde_json::{Value, json};

use crate::ast::{Declarations, Node, TypeName};
use crate::layout::LayoutError;
use crate::notes::Notes;
use crate::output::{StorageItem, StorageType};

/// The most types that one contract's layout may expand to.
const EXPANDED_TYPES_MAX: usize = 100_000;

const SLOT_BYTES: U256 = U256::from_limbs([32, 0, 0, 0]);

/// Counts expanded types, as structures that hold each other can grow without measure.
#[derive(Debug, Default)]
pub(crate) struct Budget(usize);

impl Budget {
    fn spend(&mut self) -> Result<(), LayoutError> {
        self.0 += 1;
        if self.0 > EXPANDED_TYPES_MAX {
            return Err(LayoutError::TooLarge { limit: EXPANDED_TYPES_MAX });
        }
        Ok(())
    }
}

/// Expands a type of the compiler's layout.
#[derive(Debug)]
pub(crate) struct LayoutTypes<'a, 'n, 'd> {
    pub(crate) types: &'a BTreeMap<String, StorageType>,
    pub(crate) notes: &'n mut Notes<'d>,
    pub(crate) budget: Budget,
}

impl<'a> LayoutTypes<'a, '_, '_> {
    /// One item or member, with its expanded type.
    pub(crate) fn item(
        &mut self,
        item: &'a StorageItem,
        open: &mut Vec<&'a str>,
    ) -> Result<Value, LayoutError> {
        let kind = self.expand(&item.kind, open)?;
        Ok(json!({"label": item.label, "slot": item.slot, "offset": item.offset, "type": kind}))
    }

    fn expand(&mut self, id: &'a str, open: &mut Vec<&'a str>) -> Result<Value, LayoutError> {
        self.budget.spend()?;
        let unknown = || LayoutError::UnknownType { id: id.to_owned() };
        let types = self.types;
        let kind = types.get(id).ok_or_else(unknown)?;
        if open.contains(&id) {
            return Ok(recursive(&kind.label));
        }
        self.notes.type_id(&kind.label, id);
        open.push(id);
        let mut value = plain(&kind.encoding, &kind.label, &kind.number_of_bytes);
        for (name, inner) in [("key", &kind.key), ("value", &kind.value), ("base", &kind.base)] {
            if let Some(inner) = inner {
                value[name] = self.expand(inner, open)?;
            }
        }
        if let Some(members) = &kind.members {
            let members = members.iter().map(|member| self.item(member, open));
            value["members"] = members.collect::<Result<_, _>>()?;
        }
        open.pop();
        Ok(value)
    }
}

/// Expands a type of the syntax tree, placing members as the compiler does.
#[derive(Debug)]
pub(crate) struct TreeTypes<'a, 'n, 'd> {
    pub(crate) declarations: &'a Declarations<'a>,
    pub(crate) notes: &'n mut Notes<'d>,
    pub(crate) budget: Budget,
}

/// An expanded type and what it takes: bytes within a slot if it is at most one, and slots.
#[derive(Debug)]
struct Sized {
    value: Value,
    bytes: U256,
    slots: U256,
}

impl Sized {
    fn new(encoding: &str, label: &str, bytes: U256) -> Self {
        let value = plain(encoding, label, &bytes.to_string());
        Self { value, bytes, slots: U256::from(1) }
    }

    /// A type that is never packed with others: an array or structure.
    fn whole(encoding: &str, label: &str, slots: U256) -> Result<Self, LayoutError> {
        let too_large = || LayoutError::TooManySlots { label: label.to_owned() };
        let bytes = slots.checked_mul(SLOT_BYTES).ok_or_else(too_large)?;
        let value = plain(encoding, label, &bytes.to_string());
        Ok(Self { value, bytes: SLOT_BYTES, slots })
    }

    fn with(mut self, name: &str, inner: Value) -> Self {
        self.value[name] = inner;
        self
    }
}

impl<'a> TreeTypes<'a, '_, '_> {
    /// The members of a structure, each with its expanded type.
    pub(crate) fn members(
        &mut self,
        structure: &'a Node,
        open: &mut Vec<u64>,
    ) -> Result<Vec<(&'a str, Value)>, LayoutError> {
        open.push(structure.id);
        let members = self.sized_members(structure, open)?;
        open.pop();
        Ok(members.into_iter().map(|(label, member)| (label, member.value)).collect())
    }

    fn sized_members(
        &mut self,
        structure: &'a Node,
        open: &mut Vec<u64>,
    ) -> Result<Vec<(&'a str, Sized)>, LayoutError> {
        let untyped = || LayoutError::UnknownDeclaration { name: structure.name.clone() };
        let mut members = Vec::new();
        for member in &structure.members {
            let kind = member.type_name.as_ref().ok_or_else(untyped)?;
            members.push((member.name.as_str(), self.expand(kind, open)?));
        }
        Ok(members)
    }

    fn expand(&mut self, kind: &'a TypeName, open: &mut Vec<u64>) -> Result<Sized, LayoutError> {
        self.budget.spend()?;
        let label = kind.label();
        let unknown = || LayoutError::UnknownType { id: label.to_owned() };
        match kind.node_type.as_str() {
            "ElementaryTypeName" => elementary(label).ok_or_else(unknown),
            "FunctionTypeName" => {
                let bytes = if kind.visibility.as_deref() == Some("external") { 24 } else { 8 };
                Ok(Sized::new("inplace", label, U256::from(bytes)))
            }
            "Mapping" => {
                let key = kind.key_type.as_deref().ok_or_else(unknown)?;
                let value = kind.value_type.as_deref().ok_or_else(unknown)?;
                let (key, value) = (self.expand(key, open)?, self.expand(value, open)?);
                let mapping = Sized::new("mapping", label, SLOT_BYTES);
                Ok(mapping.with("key", key.value).with("value", value.value))
            }
            "ArrayTypeName" => {
                let base = kind.base_type.as_deref().ok_or_else(unknown)?;
                let base = self.expand(base, open)?;
                array(label, base)
            }
            "UserDefinedTypeName" => {
                let node = kind
                    .declaration()
                    .and_then(|id| self.declarations.get(id))
                    .ok_or_else(unknown)?;
                self.declared(label, node, open)
            }
            _ => Err(unknown()),
        }
    }

    fn declared(
        &mut self,
        label: &str,
        node: &'a Node,
        open: &mut Vec<u64>,
    ) -> Result<Sized, LayoutError> {
        let unknown = || LayoutError::UnknownType { id: label.to_owned() };
        let inplace = |bytes: usize| Sized::new("inplace", label, U256::from(bytes));
        self.notes.declaration(label, node);
        match node.node_type.as_str() {
            "ContractDefinition" => Ok(inplace(20)),
            "EnumDefinition" => Ok(inplace(if node.members.len() <= 256 { 1 } else { 2 })),
            "UserDefinedValueTypeDefinition" => {
                let inner = node.underlying_type.as_ref().ok_or_else(unknown)?;
                let inner = elementary(inner.label()).ok_or_else(unknown)?;
                Ok(Sized::new("inplace", label, inner.bytes))
            }
            "StructDefinition" if open.contains(&node.id) => {
                Ok(Sized { value: recursive(label), bytes: SLOT_BYTES, slots: U256::from(1) })
            }
            "StructDefinition" => {
                open.push(node.id);
                let members = self.sized_members(node, open)?;
                open.pop();
                structure(label, members)
            }
            _ => Err(unknown()),
        }
    }
}

fn structure(label: &str, members: Vec<(&str, Sized)>) -> Result<Sized, LayoutError> {
    let too_large = || LayoutError::TooManySlots { label: label.to_owned() };
    let (mut slot, mut offset) = (U256::ZERO, U256::ZERO);
    let mut placed = Vec::new();
    for (name, member) in members {
        if offset + member.bytes > SLOT_BYTES {
            slot = slot.checked_add(U256::from(1)).ok_or_else(too_large)?;
            offset = U256::ZERO;
        }
        placed.push(json!({
            "label": name,
            "slot": slot.to_string(),
            "offset": offset.to::<u64>(),
            "type": member.value,
        }));
        offset += member.bytes;
        // Only what fits into one slot leaves room behind it.
        if offset == SLOT_BYTES {
            slot = slot.checked_add(member.slots).ok_or_else(too_large)?;
            offset = U256::ZERO;
        }
    }
    let rest = U256::from(u8::from(offset > U256::ZERO));
    let slots = slot.checked_add(rest).ok_or_else(too_large)?;
    Ok(Sized::whole("inplace", label, slots)?.with("members", Value::Array(placed)))
}

fn array(label: &str, base: Sized) -> Result<Sized, LayoutError> {
    let unknown = || LayoutError::UnknownType { id: label.to_owned() };
    let (_, length) =
        label.strip_suffix(']').and_then(|l| l.rsplit_once('[')).ok_or_else(unknown)?;
    if length.is_empty() {
        return Ok(Sized::new("dynamic_array", label, SLOT_BYTES).with("base", base.value));
    }
    let length: U256 = length.parse().map_err(|_| unknown())?;
    let slots = if base.bytes < SLOT_BYTES {
        length.div_ceil(SLOT_BYTES / base.bytes)
    } else {
        let too_large = || LayoutError::TooManySlots { label: label.to_owned() };
        length.checked_mul(base.slots).ok_or_else(too_large)?
    };
    Ok(Sized::whole("inplace", label, slots)?.with("base", base.value))
}

fn elementary(label: &str) -> Option<Sized> {
    let bits = |digits: &str| Some(digits.parse::<usize>().ok()? / 8);
    let bytes = match label {
        "bytes" | "string" => return Some(Sized::new("bytes", label, SLOT_BYTES)),
        "bool" => 1,
        "address" | "address payable" => 20,
        _ => {
            if let Some(digits) = label.strip_prefix("bytes") {
                digits.parse().ok()?
            } else if let Some(digits) = label.strip_prefix("uint") {
                bits(digits)?
            } else {
                bits(label.strip_prefix("int")?)?
            }
        }
    };
    let valid = (1..=32).contains(&bytes);
    valid.then(|| Sized::new("inplace", label, U256::from(bytes)))
}

fn plain(encoding: &str, label: &str, number_of_bytes: &str) -> Value {
    json!({"encoding": encoding, "label": label, "numberOfBytes": number_of_bytes})
}

fn recursive(label: &str) -> Value {
    json!({"label": label, "recursive": true})
}
