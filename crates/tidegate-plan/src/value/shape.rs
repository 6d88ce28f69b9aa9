//! A parameter's value, in which names of addresses may stand, and structures by their members.

use alloy_dyn_abi::DynSolType;
use alloy_primitives::{Address, hex};
use serde_json::{Map, Value};
use tidegate_model::plan::Member;

use super::error::{date, mismatch};
use super::text::{Beginning, Known, beginning};
use super::{ValueError, normalise, parse_type};

/// What names mean where a value is read.
pub(crate) struct Names<'n> {
    pub(crate) known: &'n Known,
    /// The address of a name, where it has one.
    pub(crate) address: &'n dyn Fn(&str) -> Option<Address>,
}

/// The normal form of a parameter's value: addresses stand in place of names, and structures that
/// are written by their members are in the order of the ABI.
///
/// # Errors
/// If the value is not one of this type, or a name has no address.
pub(crate) fn read(
    ty: &str,
    members: &[Member],
    value: &Value,
    names: &Names<'_>,
) -> Result<Value, ValueError> {
    normalise(ty, &named(&parse_type(ty)?, members, value, names)?)
}

fn named(
    ty: &DynSolType,
    members: &[Member],
    value: &Value,
    names: &Names<'_>,
) -> Result<Value, ValueError> {
    match beginning(value, &ty.to_string(), names.known)? {
        Beginning::Text(text) => return Ok(text.into()),
        Beginning::Param(name) => return Err(ValueError::ParamInParam(name.to_owned())),
        Beginning::Ref(name) if *ty == DynSolType::Address => {
            let address = (names.address)(name);
            let none = || ValueError::NoAddress(name.to_owned());
            return Ok(hex::encode_prefixed(address.ok_or_else(none)?).into());
        }
        // An address is no number, though its digits could be read as one.
        Beginning::Ref(name) => {
            let (name, ty) = (name.to_owned(), ty.to_string());
            return Err(ValueError::NotAnAddress { name, ty });
        }
        Beginning::Plain => {}
    }
    let ordered;
    let items = match (ty, value) {
        (DynSolType::Tuple(_), Value::Object(table)) if date(value).is_none() => {
            ordered = in_order(members.iter().map(|member| &*member.name), table)?;
            &ordered
        }
        (_, Value::Array(items)) => items,
        _ => return Ok(value.clone()),
    };
    let items: Result<_, _> = match ty {
        DynSolType::Array(item) | DynSolType::FixedArray(item, _) => {
            items.iter().map(|value| named(item, members, value, names)).collect()
        }
        DynSolType::Tuple(types) if types.len() == items.len() => {
            let below = |index: usize| members.get(index).map_or(&[][..], |m| &m.members);
            let items = types.iter().zip(items).enumerate();
            items.map(|(index, (ty, value))| named(ty, below(index), value, names)).collect()
        }
        _ => return Err(mismatch(value, ty)),
    };
    items.map(Value::Array)
}

/// A structure written with its members' names, in the order of the ABI.
pub(crate) fn in_order<'m>(
    members: impl Iterator<Item = &'m str> + Clone,
    table: &Map<String, Value>,
) -> Result<Vec<Value>, ValueError> {
    if members.clone().next().is_none_or(str::is_empty) {
        let why = "the members of this structure have no names of their own here; write a list";
        return Err(ValueError::Member(why.to_owned()));
    }
    if let Some(unknown) = table.keys().find(|key| !members.clone().any(|name| name == *key)) {
        let known: Vec<_> = members.collect();
        let why = format!("`{unknown}` is not a member; it has {}", known.join(", "));
        return Err(ValueError::Member(why));
    }
    let missing = |name: &str| ValueError::Member(format!("`{name}` is missing"));
    members.map(|name| table.get(name).cloned().ok_or_else(|| missing(name))).collect()
}
