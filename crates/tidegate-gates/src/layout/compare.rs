//! What an upgrade changes in storage that must not change.

use std::collections::BTreeMap;

use super::align::{Cost, Step, align};
use super::types::{Field, Layout, Place, Shape, Type, TypeId};

/// The most pairs of types that one comparison looks at. What is beyond counts as changed.
const PAIRS_MAX: usize = 1_000_000;

/// One thing that an upgrade must not do to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// New, over what another field holds.
    Inserted { new: Field, over: Option<Field> },
    /// New at the end, where nothing may be added.
    Appended { new: Field },
    /// Gone.
    Deleted { old: Field },
    /// Another name and another type.
    Replaced { old: Field, new: Field },
    /// Another name.
    Renamed { old: Field, new: Field },
    /// Another type.
    Retyped { old: Field, new: Field, change: TypeChange },
    /// Another place or size.
    Moved { old: Field, new: Field },
}

/// How a type differs from what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeChange {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) what: Change,
}

impl TypeChange {
    /// Whether a structure has more members at its end, and nothing else changes. What stands
    /// behind it moves then, which is said where it is compared.
    fn only_grows(&self) -> bool {
        let added = |difference: &Difference| matches!(difference, Difference::Appended { .. });
        matches!(&self.what, Change::Struct(differences) if differences.iter().all(added))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Types that have nothing to do with each other.
    Mismatch,
    /// Another number of bytes.
    Resized,
    /// From internal to external, or back.
    Visibility,
    /// A place in the code of the version before.
    InternalFunction,
    Key(Box<TypeChange>),
    Value(Box<TypeChange>),
    Element(Box<TypeChange>),
    Shorter,
    Longer,
    Dynamic,
    Struct(Vec<Difference>),
    Enum(Vec<String>),
    /// What is inside is not known.
    Unknown,
    /// There is more to compare than is allowed.
    TooMuch,
}

/// Compares the state variables of two layouts, and then the members of each namespace.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    old: &'a Layout,
    new: &'a Layout,
    /// What is being compared, as a type may be inside itself.
    open: Vec<Pair>,
    known: BTreeMap<Pair, Option<TypeChange>>,
    pairs: usize,
}

/// Two types, and whether the new one may have more members at its end.
type Pair = (TypeId, TypeId, bool);

/// What becomes of a pair of fields.
enum Outcome {
    /// A gap that gives room to others and ends where it did.
    Gap,
    Unsafe(Box<Difference>),
}

impl<'a> Comparison<'a> {
    pub(super) fn new(old: &'a Layout, new: &'a Layout) -> Self {
        Self { old, new, open: Vec::new(), known: BTreeMap::new(), pairs: 0 }
    }

    /// The differences that matter between two lists of fields.
    pub(super) fn fields(&mut self, old: &[Field], new: &[Field], append: bool) -> Vec<Difference> {
        let steps = align(old.len(), new.len(), |i, j| self.field(&old[i], &new[j]));
        let mut differences = Vec::new();
        for step in steps {
            match step {
                Step::Change(Outcome::Gap) => {}
                Step::Change(Outcome::Unsafe(difference)) => differences.push(*difference),
                Step::Delete(i) => differences.push(Difference::Deleted { old: old[i].clone() }),
                Step::Append(j) if !append => {
                    differences.push(Difference::Appended { new: new[j].clone() });
                }
                Step::Insert(j) | Step::Append(j) => {
                    if let Some(over) = self.covered(old, &new[j]) {
                        let over = Some(over.clone());
                        differences.push(Difference::Inserted { new: new[j].clone(), over });
                    }
                }
            }
        }
        differences
    }

    /// A field, other than a gap, that held some of the bytes that a new one takes.
    fn covered<'f>(&self, old: &'f [Field], new: &Field) -> Option<&'f Field> {
        let (start, end) = (new.place.byte(), self.new.end(new));
        old.iter()
            .filter(|field| !self.old.is_gap(field))
            .find(|field| field.place.byte() < end && start < self.old.end(field))
    }

    fn field(&mut self, old: &Field, new: &Field) -> Option<(Cost, Outcome)> {
        let renamed = is_renamed(old, new);
        let from = self.old.kind(old.kind);
        let declared = new.retyped_from.as_deref().map(bare) == Some(bare(&from.label));
        let change = if declared { None } else { self.kind(old.kind, new.kind, false) };
        let grown =
            change.as_ref().is_some_and(|change| new.grows.is_some() && change.only_grows());
        let change = change.filter(|_| !grown);
        let resized = !grown && from.bytes != self.new.kind(new.kind).bytes;
        let moved = old.place != new.place || resized;
        let same_end = self.old.is_gap(old) && self.old.end(old) == self.new.end(new);
        let pair = || (old.clone(), new.clone());
        let moves = || {
            let (old, new) = pair();
            (Cost::Low, Outcome::Unsafe(Box::new(Difference::Moved { old, new })))
        };
        if new.retyped_from.is_some() && moved {
            return Some(moves());
        }
        if renamed && same_end {
            return Some((Cost::Low, Outcome::Gap));
        }
        let (old, new) = pair();
        match change {
            Some(TypeChange { what: Change::Shorter, .. }) if same_end => {
                Some((Cost::None, Outcome::Gap))
            }
            Some(_) if renamed => {
                Some((Cost::Full, Outcome::Unsafe(Box::new(Difference::Replaced { old, new }))))
            }
            None if renamed => {
                Some((Cost::Full, Outcome::Unsafe(Box::new(Difference::Renamed { old, new }))))
            }
            Some(change) => Some((
                Cost::Low,
                Outcome::Unsafe(Box::new(Difference::Retyped { old, new, change })),
            )),
            None if moved => Some(moves()),
            None => None,
        }
    }

    fn kind(&mut self, old: TypeId, new: TypeId, append: bool) -> Option<TypeChange> {
        let labels = |what| TypeChange {
            from: self.old.kind(old).label.clone(),
            to: self.new.kind(new).label.clone(),
            what,
        };
        self.pairs += 1;
        if self.pairs > PAIRS_MAX {
            return Some(labels(Change::TooMuch));
        }
        let (Some(from), Some(to)) = (
            expanded(self.old, old, self.open.iter().map(|(old, _, _)| *old)),
            expanded(self.new, new, self.open.iter().map(|(_, new, _)| *new)),
        ) else {
            return Some(labels(Change::Unknown));
        };
        let pair = (from, to, append);
        if let Some(known) = self.known.get(&pair) {
            return known.clone();
        }
        // What holds itself is unchanged if nothing else in it is changed.
        if self.open.contains(&pair) {
            return None;
        }
        let labels = (self.old.kind(from), self.new.kind(to));
        self.open.push(pair);
        let change = self.change(labels.0, labels.1, append);
        self.open.pop();
        let (from, to) = labels;
        let change =
            change.map(|what| TypeChange { from: from.label.clone(), to: to.label.clone(), what });
        // That assumption holds only here.
        if !from.recursive && !to.recursive {
            self.known.insert(pair, change.clone());
        }
        change
    }

    fn change(&mut self, from: &'a Type, to: &'a Type, append: bool) -> Option<Change> {
        match (&from.shape, &to.shape) {
            (Shape::Function { external: true }, Shape::Function { external: true })
            | (Shape::Contract, Shape::Contract) => None,
            (Shape::Function { external: false }, Shape::Function { external: false }) => {
                Some(Change::InternalFunction)
            }
            (Shape::Function { .. }, Shape::Function { .. }) => Some(Change::Visibility),
            (Shape::Contract, Shape::Plain) if to.label == "address" => None,
            (Shape::Plain, Shape::Contract) if from.label == "address" => None,
            (Shape::Plain, Shape::Plain) => (from.label != to.label).then_some(Change::Mismatch),
            (Shape::UserValue(from_inner), Shape::UserValue(to_inner)) => {
                match (from_inner, to_inner) {
                    _ if from.bytes != to.bytes => Some(Change::Resized),
                    (Some(from), Some(to)) => (from != to).then_some(Change::Mismatch),
                    _ => Some(Change::Unknown),
                }
            }
            (Shape::Enum(from_members), Shape::Enum(to_members)) => {
                match (from_members, to_members) {
                    _ if from.bytes != to.bytes => Some(Change::Resized),
                    (Some(from), Some(to)) => members(from, to),
                    _ => Some(Change::Unknown),
                }
            }
            (Shape::Struct(from), Shape::Struct(to)) => self.structure(from, to, append),
            (Shape::Mapping { key, value }, Shape::Mapping { key: new_key, value: new_value }) => {
                if let Some(change) = self.kind(*key, *new_key, false) {
                    return Some(Change::Key(Box::new(change)));
                }
                // Values lie far from each other: they may grow.
                Some(Change::Value(Box::new(self.kind(*value, *new_value, true)?)))
            }
            (
                Shape::FixedArray { length, base },
                Shape::FixedArray { length: new_length, base: new_base },
            ) => {
                if new_length < length {
                    Some(Change::Shorter)
                } else if new_length > length && !append {
                    Some(Change::Longer)
                } else {
                    self.element(*base, *new_base)
                }
            }
            (Shape::DynamicArray { base }, Shape::DynamicArray { base: new_base }) => {
                self.element(*base, *new_base)
            }
            (Shape::FixedArray { .. }, Shape::DynamicArray { .. })
            | (Shape::DynamicArray { .. }, Shape::FixedArray { .. }) => Some(Change::Dynamic),
            _ => Some(Change::Mismatch),
        }
    }

    fn element(&mut self, old: TypeId, new: TypeId) -> Option<Change> {
        Some(Change::Element(Box::new(self.kind(old, new, false)?)))
    }

    fn structure(&mut self, old: &[Field], new: &[Field], append: bool) -> Option<Change> {
        let differences = self.fields(old, new, append);
        (!differences.is_empty()).then_some(Change::Struct(differences))
    }
}

/// A type, or what it stands for if it is one of those around it. Of two with one name, which is
/// meant is not known.
fn expanded(layout: &Layout, id: TypeId, around: impl Iterator<Item = TypeId>) -> Option<TypeId> {
    let kind = layout.kind(id);
    if kind.shape != Shape::Inside {
        return Some(id);
    }
    let mut named = around.filter(|id| layout.kind(*id).label == kind.label);
    let first = named.next()?;
    named.all(|id| id == first).then_some(first)
}

/// Whether a field has another name, and does not say that it had this one.
fn is_renamed(old: &Field, new: &Field) -> bool {
    let says = new.renamed_from.as_deref();
    // An annotation may stay for the next upgrade.
    let stale = says.is_none() || new.renamed_from == old.renamed_from;
    says != Some(old.label.as_str()) && !(new.label == old.label && stale)
}

/// How the members of an enum differ, other than by new ones at its end.
fn members(old: &[String], new: &[String]) -> Option<Change> {
    let steps = align(old.len(), new.len(), |i, j| {
        (old[i] != new[j]).then(|| (Cost::Full, format!("`{}` becomes `{}`", old[i], new[j])))
    });
    let changes = steps.into_iter().filter_map(|step| match step {
        Step::Insert(j) => Some(format!("`{}` is inserted", new[j])),
        Step::Delete(i) => Some(format!("`{}` is gone", old[i])),
        Step::Change(change) => Some(change),
        Step::Append(_) => None,
    });
    let changes: Vec<_> = changes.collect();
    (!changes.is_empty()).then_some(Change::Enum(changes))
}

/// A type in words, without the words that people leave away.
fn bare(label: &str) -> String {
    let mut bare = String::with_capacity(label.len());
    let mut rest = label.trim();
    while let Some(first) = rest.chars().next() {
        let in_word = bare.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let word = ["contract ", "struct ", "enum "].iter().find_map(|w| rest.strip_prefix(w));
        match word.filter(|_| !in_word) {
            Some(behind) => rest = behind,
            None => {
                bare.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    bare
}

/// Where a difference is to be found: in the new layout, or in the old one if it is gone there.
pub(super) fn place(difference: &Difference) -> (&str, Place) {
    let field = match difference {
        Difference::Deleted { old } => old,
        Difference::Inserted { new, .. }
        | Difference::Appended { new }
        | Difference::Replaced { new, .. }
        | Difference::Renamed { new, .. }
        | Difference::Retyped { new, .. }
        | Difference::Moved { new, .. } => new,
    };
    (&field.label, field.place)
}
