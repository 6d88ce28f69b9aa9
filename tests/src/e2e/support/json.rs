//! Editing JSON documents.

use libtest_mimic::Failed;
use serde_json::Value;

/// What is put in place of a member that is not there yet has this name.
const ADDED: &str = "added";

/// Replaces a value; `null` removes one from an array. A value that is not there is an error, so
/// that no case tests a field of another name.
pub(crate) fn put(document: &mut Value, pointer: &str, value: Value) -> Result<(), Failed> {
    let (parent, last) = pointer.rsplit_once('/').ok_or("a pointer begins with a slash")?;
    let parent = document.pointer_mut(parent).ok_or_else(|| format!("no {pointer}"))?;
    match (parent, last.parse::<usize>()) {
        (Value::Object(fields), _) if fields.contains_key(last) || last == ADDED => {
            fields.insert(last.to_owned(), value);
        }
        (Value::Array(items), Ok(index)) if value.is_null() => drop(items.remove(index)),
        (Value::Array(items), Ok(index)) => items[index] = value,
        (other, _) => return Err(format!("no {pointer} in {other}").into()),
    }
    Ok(())
}
