//! What is stored and in no layout: code places it by itself.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{U256, U512};

use super::namespaces;
use super::problem::{LayoutProblem, placed_over};
use super::types::{ALL, Hidden, Layout, Place};

impl Hidden {
    fn says(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(Option::is_some)
    }

    /// Whether the source says why this stays as it was, and nothing shows that it does not. Of all
    /// that a contract or library places it may say so at once if the file is the same as before.
    fn keeps(&self, name: &str, before: &Self) -> bool {
        let owner = owner(name);
        let is_same = || match (before.files.get(owner), self.files.get(owner)) {
            (None, Some(_)) => true,
            (before, now) => before.is_some() && before == now,
        };
        let all = || self.says(&[owner, ALL].concat()) && is_same();
        !self.moves(name, before) && (self.says(name) || all())
    }

    /// The constants before this by which nothing is found any more, by name; each with whether it
    /// is another one now. One that is not used any more may be kept with a reason.
    fn lost<'h>(&self, before: &'h Self) -> BTreeMap<&'h str, bool> {
        let now: BTreeSet<&U256> = self.keys.values().flatten().collect();
        let lost = before.keys.iter().filter(|(_, keys)| keys.iter().any(|key| !now.contains(key)));
        let named = lost.map(|(name, _)| (name.as_str(), self.keys.contains_key(name)));
        named.filter(|(name, is_other)| *is_other || !self.says(name)).collect()
    }

    /// Whether it is known to be at other slots than before.
    fn moves(&self, name: &str, before: &Self) -> bool {
        let slots = before.slots.get(name).zip(self.slots.get(name));
        slots.is_some_and(|(before, now)| before != now)
    }
}

/// The contract or library that places something, or the function that stands in none.
fn owner(name: &str) -> &str {
    name.split_once('.').map_or(name, |(owner, _)| owner)
}

/// What an upgrade starts from or leads to and nobody compares, although it is stored: its own
/// source says of nothing in it why it is kept.
fn hidden<'l>(reference: &'l Layout, updated: &'l Layout) -> Vec<&'l str> {
    let (before, now) = (&reference.hidden, &updated.hidden);
    let names: BTreeSet<&str> = before.names().chain(now.names()).collect();
    let moved = now.slots.keys().map(String::as_str).filter(|name| now.moves(name, before));
    let open = names.into_iter().filter(|name| !now.keeps(name, before));
    open.chain(moved).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is stored and not compared, as a sentence says it; `None` if there is nothing.
pub fn hidden_sentence(reference: &Layout, updated: &Layout) -> Option<String> {
    let sentences = [placed_sentence(reference, updated), lost_sentence(reference, updated)];
    let sentences: Vec<_> = sentences.into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// What the live code finds by constants that the new code does not have.
fn lost_sentence(reference: &Layout, updated: &Layout) -> Option<String> {
    let lost = updated.hidden.lost(&reference.hidden);
    let (first, _) = lost.first_key_value()?;
    let named = |is_other: bool| {
        let names = lost.iter().filter(|(_, other)| **other == is_other).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    };
    let (other, gone) = (named(true), named(false));
    let mut parts = Vec::new();
    if !other.is_empty() {
        parts.push(format!("{other} has another value than before: put it back"));
    }
    if !gone.is_empty() {
        let first = lost.iter().find(|(_, is_other)| !**is_other).map_or(*first, |(name, _)| *name);
        parts.push(format!(
            "nothing is found by {gone} any more: put it back, or write above the new contract \
             why that is right, `@custom:tidegate-keeps-storage {first} WHY`"
        ));
    }
    Some(format!(
        "constants say where the live code finds what it stores, and {}",
        parts.join("; ")
    ))
}

fn placed_sentence(reference: &Layout, updated: &Layout) -> Option<String> {
    let names = hidden(reference, updated);
    let first = *names.first()?;
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in &names {
        owners.entry(owner(name)).or_default().push(name);
    }
    let shown = owners.iter().map(|(owner, names)| match names.as_slice() {
        [one] => (*one).to_owned(),
        all => format!("{owner}{ALL} ({} places)", all.len()),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let moves = |name: &&&str| updated.hidden.moves(name, &reference.hidden);
    let moved: Vec<_> = names.iter().filter(moves).copied().collect();
    let moved = match moved.is_empty() {
        true => String::new(),
        false => format!("; at other slots than before: {}, put it back", moved.join(", ")),
    };
    let example = match owners.get(owner(first)).map_or(0, Vec::len) {
        0 | 1 => first.to_owned(),
        _ => [owner(first), ALL].concat(),
    };
    Some(format!(
        "assembly places {shown} in storage, where neither a variable nor a namespace is seen to \
         be, so it is not compared{moved}; what is live stays as it is: write above the new \
         contract why that is so, `@custom:tidegate-keeps-storage {example} WHY`, once for each, \
         or once, as `NAME{ALL}`, for a contract or library whose file is the same in both \
         versions; what is new is better a variable, or a structure with \
         `@custom:storage-location` at the slot of its id"
    ))
}

/// Slots at which the new code places something where the old one has a variable or a namespace,
/// and placed nothing.
pub(super) fn placed(reference: &Layout, updated: &Layout) -> Vec<LayoutProblem> {
    let before: BTreeSet<U256> = reference.hidden.slots.values().flatten().copied().collect();
    let ids: BTreeSet<&str> = updated.namespaces.iter().map(|one| one.id.as_str()).collect();
    let mut problems = Vec::new();
    for (name, slots) in &updated.hidden.slots {
        for slot in slots.iter().filter(|slot| !before.contains(*slot)) {
            if let Some(label) = at(reference, *slot).filter(|_| !ids.contains(name.as_str())) {
                problems.push(placed_over(name, label, Place { slot: *slot, offset: 0 }));
            }
        }
    }
    problems
}

/// The variable or namespace that has something in a slot.
fn at(layout: &Layout, slot: U256) -> Option<&str> {
    let start = Place { slot, offset: 0 }.byte();
    let overlaps = |from: U512, end: U512| from < start + U512::from(32) && start < end;
    let item = layout.items.iter().find(|item| overlaps(item.place.byte(), layout.end(item)));
    item.map(|item| item.label.as_str()).or_else(|| {
        let namespace = layout.namespaces.iter().find(|namespace| {
            let Some(root) = namespaces::root(&namespace.id) else { return false };
            let size = namespaces::end(layout, &namespace.members).unwrap_or_default();
            let from = Place { slot: root, offset: 0 }.byte();
            overlaps(from, from + size.max(U512::from(1)))
        });
        namespace.map(|namespace| namespace.id.as_str())
    })
}

#[cfg(test)]
mod tests;
