//! The storage layout and the immutables of a Vyper contract, from what the compiler reports.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use serde_json::{Map, Value, json};
use tidegate_model::release::{LayoutNotes, Span};

use super::types::{DECIMAL, Scope, opaque};
use crate::layout::LayoutError;

/// The compiler's name for the variable of `@nonreentrant`.
const LOCK: &str = "nonreentrant lock";

/// The canonical layout, in the form that Solidity's has: `{items, namespaces}`. Variables of
/// imported modules are labelled by the name under which they are imported.
pub(super) fn canonical<'a>(
    reported: &Value,
    contract: &'a str,
    scope: &mut Scope<'a>,
) -> Result<(Value, LayoutNotes), LayoutError> {
    let mut items = Vec::new();
    if let Some(variables) = reported.as_object() {
        collect(variables, "", Some(contract), scope, &mut items)?;
    }
    items.sort_by_key(|(slot, _)| *slot);
    let items: Vec<Value> = items.into_iter().map(|(_, item)| item).collect();
    let mut notes = LayoutNotes::default();
    for (label, declared) in &scope.flags {
        // Two flags of one name tell nothing.
        if declared.windows(2).all(|pair| pair[0] == pair[1]) {
            notes.enums.extend(declared.first().map(|names| (label.clone(), names.clone())));
        }
    }
    for (label, behind) in [(DECIMAL, "int168"), (LOCK, "uint256")] {
        notes.values.insert(label.to_owned(), behind.to_owned());
    }
    Ok((json!({"items": items, "namespaces": []}), notes))
}

fn collect<'a>(
    variables: &Map<String, Value>,
    prefix: &str,
    module: Option<&'a str>,
    scope: &mut Scope<'a>,
    items: &mut Vec<(u64, Value)>,
) -> Result<(), LayoutError> {
    for (name, reported) in variables {
        let label = format!("{prefix}{name}");
        let (Some(kind), false) = (reported["type"].as_str(), reported["slot"].is_object()) else {
            // A module: its variables are below the name that it is imported under.
            let inner = module.and_then(|module| scope.imported(module, name));
            if let Some(variables) = reported.as_object() {
                collect(variables, &format!("{label}."), inner, scope, items)?;
            }
            continue;
        };
        let number = |key: &str| reported[key].as_u64();
        let (Some(slot), Some(slots)) = (number("slot"), number("n_slots")) else {
            return Err(LayoutError::TooManySlots { label });
        };
        let slots = U256::from(slots);
        let expanded = module.and_then(|module| scope.variable(module, name));
        // What is understood otherwise than by the compiler is not understood.
        let kind = match expanded.filter(|expanded| expanded.slots == slots) {
            Some(expanded) => expanded.value,
            None => opaque(kind, slots),
        };
        let item = json!({"label": label, "slot": slot.to_string(), "offset": 0, "type": kind});
        items.push((slot, item));
    }
    Ok(())
}

/// The places of immutables, by `Contract.variable`, or `Module.variable` for those of imported
/// modules. The compiler counts from the end of the runtime code. `None` if one leads outside.
pub(super) fn immutables(
    reported: &Value,
    contract: &str,
    runtime: usize,
    length: usize,
) -> Option<BTreeMap<String, Vec<Span>>> {
    let mut found = Vec::new();
    if let Some(reported) = reported.as_object() {
        named(reported, &mut Vec::new(), &mut found);
    }
    let mut immutables = BTreeMap::new();
    for (path, reported) in found {
        let number = |key: &str| usize::try_from(reported[key].as_u64()?).ok();
        let (offset, bytes) = (number("offset")?, number("length")?);
        offset.checked_add(bytes).filter(|end| *end <= length)?;
        let span = Span { start: runtime + offset, length: bytes };
        let short = match path.as_slice() {
            [own] => format!("{contract}.{own}"),
            path => path.join("."),
        };
        // A module may be imported under the contract's own name.
        let taken = immutables.contains_key(&short);
        let name = if taken { format!("{contract}.{}", path.join(".")) } else { short };
        immutables.insert(name, vec![span]);
    }
    Some(immutables)
}

fn named<'v>(
    reported: &'v Map<String, Value>,
    path: &mut Vec<&'v str>,
    found: &mut Vec<(Vec<&'v str>, &'v Value)>,
) {
    for (name, value) in reported {
        path.push(name);
        match value.as_object() {
            Some(inner) if !value["type"].is_string() => named(inner, path, found),
            _ => found.push((path.clone(), value)),
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immutables_stand_behind_the_runtime_code() {
        let at =
            |offset: u64, length: u64| json!({"offset": offset, "length": length, "type": "T"});
        let reported = json!({
            "owner": at(32, 32), "limits": at(64, 96), "Lib": {"who": at(0, 32)},
            "Token": {"owner": at(160, 32)}, "Outer": {"Inner": {"type": at(192, 32)}},
        });
        let found = immutables(&reported, "Token", 100, 224).unwrap();
        let shown: Vec<_> =
            found.iter().map(|(n, s)| format!("{n} {} {}", s[0].start, s[0].length)).collect();
        let expected = [
            "Lib.who 100 32",
            "Outer.Inner.type 292 32",
            "Token.Token.owner 260 32",
            "Token.limits 164 96",
            "Token.owner 132 32",
        ];
        assert_eq!(shown, expected);
        assert_eq!(immutables(&reported, "Token", 100, 223), None, "outside");
        assert_eq!(immutables(&json!({"a": at(u64::MAX, 32)}), "Token", 0, 64), None);
        assert_eq!(immutables(&Value::Null, "Token", 9, 0), Some(BTreeMap::new()));
    }
}
