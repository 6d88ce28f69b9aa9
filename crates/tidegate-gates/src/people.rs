//! The people of a policy: who holds which key, and how people are counted.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use tidegate_model::policy::Person;

/// The role of people who may lower a requirement.
pub(crate) const GUARDIAN: &str = "guardian";

/// The person who holds a key.
pub(crate) fn holder(people: &BTreeMap<String, Person>, key: Address) -> Option<(&str, &Person)> {
    let found = people.iter().find(|(_, person)| person.holds(key));
    found.map(|(name, person)| (name.as_str(), person))
}

/// Whether a person has a role.
pub(crate) fn has_role(person: &Person, role: &str) -> bool {
    person.roles.iter().any(|has| has == role)
}
