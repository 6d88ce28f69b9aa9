//! Whether a run says all that its tool found: it ended well, and nothing of it is elsewhere.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Refuses a run that failed, or of which a part is in another file.
pub(super) fn require_whole(run: &Value) -> Result<(), String> {
    if !is_nothing(&run["externalPropertyFileReferences"]) {
        return Err("parts of it are in external property files, which are not read".to_owned());
    }
    let Value::Array(invocations) = list(&run["invocations"], "its invocations")? else {
        return Ok(());
    };
    let converted = run["conversion"].get("invocation");
    invocations.iter().chain(converted).try_for_each(|invocation| ended_well(run, invocation))
}

/// Refuses a tool's run that did not succeed, by its own word.
fn ended_well(run: &Value, invocation: &Value) -> Result<(), String> {
    match &invocation["executionSuccessful"] {
        Value::Bool(true) => {}
        Value::Bool(false) => return Err("the tool did not succeed".to_owned()),
        _ => return Err("it does not say whether the tool succeeded".to_owned()),
    }
    for field in ["exitSignalName", "exitSignalNumber", "processStartFailureMessage"] {
        if !is_nothing(&invocation[field]) {
            return Err(format!("the tool was ended or did not start ({field})"));
        }
    }
    for field in ["toolExecutionNotifications", "toolConfigurationNotifications"] {
        let Value::Array(all) = list(&invocation[field], field)? else { continue };
        if let Some(grave) = all.iter().find(|notification| is_grave(run, invocation, notification))
        {
            let said = grave["message"]["text"].as_str().unwrap_or("no text");
            return Err(format!("the tool reports an error: {}", said.escape_debug()));
        }
    }
    Ok(())
}

/// Whether a notification is an error, or may be one: by its level, or by that of its descriptor.
fn is_grave(run: &Value, invocation: &Value, notification: &Value) -> bool {
    if let Some(level) = notification.get("level") {
        return !["none", "note", "warning"].iter().any(|known| level == known);
    }
    if !is_nothing(&invocation["notificationConfigurationOverrides"]) {
        return true;
    }
    let named = &notification["descriptor"];
    if named.is_null() {
        return false;
    }
    let extensions = run["tool"]["extensions"].as_array().into_iter().flatten();
    let parts = std::iter::once(&run["tool"]["driver"]).chain(extensions);
    let known = parts.flat_map(|part| part["notifications"].as_array().into_iter().flatten());
    let mut of_it = known.enumerate().filter(|(place, descriptor)| {
        let is = |field: &str| !named[field].is_null() && named[field] == descriptor[field];
        is("id") || is("guid") || named["index"].as_u64() == Some(*place as u64)
    });
    of_it.any(|(_, descriptor)| descriptor["defaultConfiguration"]["level"] == "error")
}

/// Whether levels of rules are set by something else than their own default.
pub(super) fn sets_levels_elsewhere(run: &Value) -> bool {
    let invocations = run["invocations"].as_array().into_iter().flatten();
    let mut overrides = invocations.map(|invocation| &invocation["ruleConfigurationOverrides"]);
    !is_nothing(&run["policies"]) || overrides.any(|overrides| !is_nothing(overrides))
}

/// Whether a field is absent or empty.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
        _ => false,
    }
}

/// A list, also where there is none.
fn list<'a>(value: &'a Value, what: &str) -> Result<&'a Value, String> {
    static NONE: Value = Value::Array(Vec::new());
    match value {
        Value::Null => Ok(&NONE),
        Value::Array(_) => Ok(value),
        _ => Err(format!("{what} are not a list")),
    }
}

/// Reads JSON in which no object has a field twice: another program might take the other one.
pub(super) fn unique(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Unique>(bytes)?;
    serde_json::from_slice(bytes)
}

/// Any JSON without a field that is there twice. What it holds is read by others.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some((name, _)) = fields.next_entry::<String, Self>()? {
            if let Some(twice) = seen.replace(name) {
                return Err(A::Error::custom(format!("the field `{twice}` is there twice")));
            }
        }
        Ok(self)
    }
}
