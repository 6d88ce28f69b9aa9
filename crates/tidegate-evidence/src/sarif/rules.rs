//! Which rule a result breaks. A document says it in up to five ways, which must not differ.

use serde_json::Value;

/// The rule of a result: the id that the result gives it, and its description if the run has one.
pub(super) struct Rule<'a> {
    pub(super) id: &'a str,
    pub(super) rule: Option<&'a Value>,
}

/// Finds a result's rule, in the tool's driver or in an extension.
pub(super) fn rule_of<'a>(run: &'a Value, result: &'a Value) -> Result<Rule<'a>, &'static str> {
    let named = &result["rule"];
    let id = one(text(&result["ruleId"])?, text(&named["id"])?, "it names two rules")?;
    let index = one(
        index(&result["ruleIndex"])?,
        index(&named["index"])?,
        "its rule is at two places (ruleIndex, rule.index)",
    )?;
    let guid = text(&named["guid"])?;
    let component = component(&run["tool"], &named["toolComponent"])?;
    let rule = match (index, component) {
        (Some(index), component) => {
            let component = component.unwrap_or(&run["tool"]["driver"]);
            let rule = rules(component).get(index).ok_or("there is no rule at its ruleIndex")?;
            Some(rule)
        }
        (None, Some(component)) => {
            let found = among(rules(component), id, guid)?;
            Some(found.ok_or("the part of the tool that it names has no such rule")?)
        }
        (None, None) => anywhere(&run["tool"], id, guid)?,
    };
    let own = rule.and_then(|rule| rule["id"].as_str());
    let id = id.or(own).filter(|id| !id.is_empty()).ok_or("it names no rule")?;
    if own.is_some_and(|own| !is_of(id, own)) {
        return Err("the rule at its ruleIndex has another id than its ruleId");
    }
    let other = rule.and_then(|rule| rule["guid"].as_str());
    if guid.zip(other).is_some_and(|(guid, other)| !guid.eq_ignore_ascii_case(other)) {
        return Err("its rule has another guid");
    }
    Ok(Rule { id, rule })
}

/// Whether an id is that of a rule, or one below it, as `CA1000/1` is below `CA1000`.
fn is_of(id: &str, rule: &str) -> bool {
    id.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The part of the tool that a reference names, which all that it says must fit.
fn component<'a>(tool: &'a Value, named: &Value) -> Result<Option<&'a Value>, &'static str> {
    if named.is_null() {
        return Ok(None);
    }
    let (name, guid) = (text(&named["name"])?, text(&named["guid"])?);
    let fits = |part: &&Value| {
        let has = |field: &str, wanted: Option<&str>| {
            wanted.is_none_or(|wanted| part[field].as_str() == Some(wanted))
        };
        has("name", name) && has("guid", guid)
    };
    let extensions = tool["extensions"].as_array().map_or(&[][..], Vec::as_slice);
    let found = match index(&named["index"])? {
        Some(index) => extensions.get(index).filter(fits),
        None if name.is_none() && guid.is_none() => Some(&tool["driver"]),
        None => {
            let mut all = std::iter::once(&tool["driver"]).chain(extensions).filter(fits);
            let first = all.next();
            first.filter(|_| all.next().is_none())
        }
    };
    found.map(Some).ok_or("the part of the tool that has its rule is not there, or there twice")
}

/// A rule that is named without the part of the tool that has it: the driver's, or else that of the
/// only extension that has one.
fn anywhere<'a>(
    tool: &'a Value,
    id: Option<&str>,
    guid: Option<&str>,
) -> Result<Option<&'a Value>, &'static str> {
    if let Some(rule) = among(rules(&tool["driver"]), id, guid)? {
        return Ok(Some(rule));
    }
    let extensions = tool["extensions"].as_array().map_or(&[][..], Vec::as_slice);
    let mut found = None;
    for extension in extensions {
        let rule = among(rules(extension), id, guid)?;
        if found.is_some() && rule.is_some() && found != rule {
            return Err("several parts of the tool have its rule, and it names none of them");
        }
        found = found.or(rule);
    }
    match found {
        None if guid.is_some() => Err("there is no rule with its guid"),
        found => Ok(found),
    }
}

/// The rule with this id, or the nearest above it; by its guid where the reference has one.
fn among<'a>(
    rules: &'a [Value],
    id: Option<&str>,
    guid: Option<&str>,
) -> Result<Option<&'a Value>, &'static str> {
    let only = |fits: &dyn Fn(&Value) -> bool| {
        let mut all = rules.iter().filter(|rule| fits(rule));
        let first = all.next();
        match all.all(|other| Some(other) == first) {
            true => Ok(first),
            false => Err("several rules have its id"),
        }
    };
    if let Some(guid) = guid {
        let has =
            |rule: &Value| rule["guid"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(guid));
        return only(&has);
    }
    let mut wanted = id;
    while let Some(id) = wanted {
        let found = only(&|rule: &Value| rule["id"] == id)?;
        if found.is_some() {
            return Ok(found);
        }
        wanted = id.rsplit_once('/').map(|(above, _)| above);
    }
    Ok(None)
}

fn rules(component: &Value) -> &[Value] {
    component["rules"].as_array().map_or(&[][..], Vec::as_slice)
}

fn text(value: &Value) -> Result<Option<&str>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err("what names its rule is not text"),
    }
}

/// A place in a list; -1 is none.
fn index(value: &Value) -> Result<Option<usize>, &'static str> {
    match (value, value.as_i64()) {
        (Value::Null, _) | (_, Some(-1)) => Ok(None),
        (_, Some(index)) => {
            usize::try_from(index).map(Some).map_err(|_| "the place of its rule is not a number")
        }
        _ => Err("the place of its rule is not a number"),
    }
}

fn one<T: PartialEq>(
    one: Option<T>,
    other: Option<T>,
    fault: &'static str,
) -> Result<Option<T>, &'static str> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(fault),
        (one, other) => Ok(one.or(other)),
    }
}
