//! `[firms]` and `[people]`: who is who, and that no two of them can be taken for one another.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use serde::Deserialize;
use tidegate_model::policy::PersonKey;
use unicode_security::skeleton;

use super::ConfigError;
use super::sections::check_name;

/// The longest name of a firm, in characters.
const FIRM_NAME_CHARS_MAX: usize = 80;

/// An entry of `[people]`: roles, firm and keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonConfig {
    /// What they may do.
    pub roles: Vec<String>,
    /// The id of the firm, for auditors.
    pub firm: Option<String>,
    /// Their keys: `0x…` without code, `eip155:CHAIN:0x…` for a contract.
    pub keys: Vec<PersonKey>,
}

impl PersonConfig {
    /// Whether one of their keys has this address.
    pub fn holds(&self, address: Address) -> bool {
        self.keys.iter().any(|key| key.address == address)
    }
}

/// Firms are counted, so each is declared once; two that look alike would be counted twice and
/// read as one.
pub(super) fn check_people(
    firms: &BTreeMap<String, String>,
    people: &BTreeMap<String, PersonConfig>,
) -> Result<(), ConfigError> {
    for (id, name) in firms {
        check_name(&format!("firms.{id}"), id)?;
        check_firm_name(id, name)?;
    }
    distinct("firms", firms.iter().map(|(id, name)| (id.as_str(), vec![id.as_str(), name])))?;
    distinct("people", people.keys().map(|name| (name.as_str(), vec![name.as_str()])))?;
    for (name, person) in people {
        check_name(&format!("people.{name}"), name)?;
        check_firm(name, person, firms)?;
        check_keys(name, person)?;
    }
    Ok(())
}

fn check_firm_name(id: &str, name: &str) -> Result<(), ConfigError> {
    let shown = |c: char| c == ' ' || !(c.is_control() || c.is_whitespace() || hidden(c));
    let good = (1..=FIRM_NAME_CHARS_MAX).contains(&name.chars().count())
        && name.trim() == name
        && name.chars().all(shown)
        && !folded(name).contains("");
    if good {
        return Ok(());
    }
    let reason = format!(
        "a firm's name has 1 to {FIRM_NAME_CHARS_MAX} characters that can be seen, and no space \
         at its ends"
    );
    Err(ConfigError::value(format!("firms.{id}"), reason))
}

/// Characters without a width, and those that change the direction of writing.
const fn hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

fn check_firm(
    name: &str,
    person: &PersonConfig,
    firms: &BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    let Some(firm) = person.firm.as_ref().filter(|firm| !firms.contains_key(*firm)) else {
        return Ok(());
    };
    let near = super::nearest(firm, firms.keys().map(String::as_str));
    let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    let reason = format!("`{firm}` is not under [firms]{near}");
    Err(ConfigError::value(format!("people.{name}.firm"), reason))
}

fn check_keys(name: &str, person: &PersonConfig) -> Result<(), ConfigError> {
    let key = || format!("people.{name}.keys");
    for (index, one) in person.keys.iter().enumerate() {
        for other in &person.keys[..index] {
            if one == other {
                return Err(ConfigError::value(key(), format!("{one} is listed twice")));
            }
            let (plain, contract) = (one.chain.is_none(), other.chain.is_none());
            if one.address == other.address && plain != contract {
                let reason = format!(
                    "{} is listed as a key and as a contract on a chain; keep one",
                    one.address
                );
                return Err(ConfigError::value(key(), reason));
            }
        }
    }
    Ok(())
}

/// Refuses two entries of which one can be taken for the other.
fn distinct<'a>(
    section: &str,
    entries: impl Iterator<Item = (&'a str, Vec<&'a str>)>,
) -> Result<(), ConfigError> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (id, labels) in entries {
        for form in labels.iter().flat_map(|label| folded(label)) {
            match seen.insert(form, id) {
                Some(other) if other != id => {
                    let reason = format!(
                        "it looks like `{other}`; names must differ in more than case, spaces and \
                         marks"
                    );
                    return Err(ConfigError::value(format!("{section}.{id}"), reason));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// What a text looks like, without case, spaces and marks. Two texts look alike if they share a
/// form: letters are compared as they are written and in lower case, since a capital I looks like
/// an l and an i does not.
fn folded(text: &str) -> BTreeSet<String> {
    let look = |text: &str| skeleton(text).collect::<String>().to_lowercase();
    let letters = |text: String| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let forms = [look(&look(text)), look(&look(&text.to_lowercase()))];
    forms.map(letters).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0x00000000000000000000000000000000000000aa";

    fn check(firms: &[(&str, &str)], people: &str) -> Result<(), String> {
        let firms = firms.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned()));
        let people: BTreeMap<String, PersonConfig> =
            toml::from_str(people).map_err(|error| error.to_string())?;
        check_people(&firms.collect(), &people).map_err(|error| error.to_string())
    }

    #[test]
    fn firms_that_can_be_told_apart_are_taken() {
        let firms = [
            ("acme", "Acme"),
            ("bolt", "Bolt & Sons GmbH"),
            ("trail-2", "Prüfer und Söhne"),
            ("kanji", "監査法人"),
        ];
        let people = format!("ada = {{ roles = [], firm = \"acme\", keys = [\"{KEY}\"] }}");
        assert_eq!(check(&firms, &people), Ok(()));
    }

    #[test]
    fn firms_that_look_alike_are_refused() {
        let pairs = [
            [("acme", "Acme"), ("acme2", "Acme ")],
            [("acme", "Acme"), ("second", "ACME")],
            [("acme", "Acme"), ("second", "Ac me")],
            [("acme", "Acme"), ("second", "A.c.m.e")],
            [("acme", "Acme"), ("second", "\u{410}cme")],
            [("acme", "Acme"), ("second", "Ac\u{200b}me")],
            [("acme", "Acme"), ("second", "\u{202e}emcA")],
            [("acme", "One"), ("ACME", "Two")],
            [("acme", "One"), ("a-c-m-e", "Two")],
            [("bolt", "One"), ("bo1t", "Two")],
            [("iris", "One"), ("Iris", "Two")],
            [("iris", "One"), ("lris", "Iris")],
            [("acme", "Bolt"), ("bolt", "Acme")],
            [("acme", "Acme"), ("modern", "Acrne")],
            [("acme", "Acme"), ("\u{430}cme", "Other")],
            [("acme", "Acme"), ("other", "")],
            [("acme", "Acme"), ("other", "--")],
            [("acme", "Acme"), ("other", "Two\nlines")],
        ];
        for pair in pairs {
            assert!(check(&pair, "").is_err(), "{pair:?}");
        }
    }

    #[test]
    fn a_firm_s_name_can_be_seen() {
        let long = "a".repeat(FIRM_NAME_CHARS_MAX + 1);
        for name in ["", "--", " Acme", "A\u{200b}cme", "A\u{a0}cme", "A\tcme", "A\u{7}cme", &long]
        {
            assert!(check_firm_name("acme", name).is_err(), "{name:?}");
        }
        for name in ["A", "Acme & Co", &long[1..]] {
            assert!(check_firm_name("acme", name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn people_have_declared_firms_and_one_kind_of_key() {
        let person =
            |rest: &str| check(&[("acme", "Acme")], &format!("ada = {{ roles = [], {rest} }}"));
        let refused = |rest: &str, says: &str| {
            let error = person(rest).unwrap_err();
            assert!(error.contains(says), "{error} does not say {says}");
        };
        refused(&format!("firm = \"Acme\", keys = [\"{KEY}\"]"), "did you mean `acme`?");
        refused(&format!("firm = \"bolt\", keys = [\"{KEY}\"]"), "is not under [firms]");
        refused(&format!("keys = [\"{KEY}\", \"{KEY}\"]"), "twice");
        refused(&format!("keys = [\"{KEY}\", \"eip155:1:{KEY}\"]"), "keep one");
        refused("keys = [\"eip155:one:0xaa\"]", "eip155:CHAIN:0x");
        let chains = format!("keys = [\"eip155:1:{KEY}\", \"eip155:10:{KEY}\"]");
        assert_eq!(person(&chains), Ok(()));
        let twins = "kim = { roles = [], keys = [] }\nKim = { roles = [], keys = [] }";
        assert!(check(&[], twins).unwrap_err().contains("it looks like"));
    }
}
