//! What people read of a difference: a sentence and a hint.

use std::fmt;

use alloy_primitives::{U256, U512};
use tidegate_model::units::counted;

use super::compare::{Change, Difference, TypeChange, place};
use super::types::{Field, Layout, Place, Shape};

/// Something that an upgrade must not do to what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutProblem {
    /// The variable, member or namespace.
    pub variable: String,
    /// The namespace that it is in.
    pub namespace: Option<String>,
    /// Where it begins: in the new layout, or in the old one if it is gone.
    pub place: Option<Place>,
    /// What happens to it.
    pub kind: ProblemKind,
    /// Where the type changes: each step leads further inside, and the last one is the change.
    pub inside: Vec<TypeFault>,
    /// The whole, for people.
    pub sentence: String,
    /// The advice that goes with it.
    pub hint: String,
}

/// What happens to a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// It is new and covers another one.
    Inserted,
    /// It is gone.
    Deleted,
    /// Another one, of another type, is at its place.
    Replaced,
    /// It has another name.
    Renamed,
    /// It has another type.
    Retyped,
    /// It begins elsewhere or has another size.
    Moved,
    /// The namespace is gone.
    NamespaceDeleted,
    /// Two structures have the same namespace.
    NamespaceRepeated,
    /// Two parts of the new layout are in each other's way.
    Clash,
}

/// A step into a type that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeFault {
    /// It becomes an unrelated type.
    Mismatch,
    /// It takes another number of bytes.
    Resized,
    /// An internal function becomes an external one, or back.
    Visibility,
    /// An internal function keeps a place in the code of the version before.
    InternalFunction,
    /// The key of a mapping changes.
    MappingKey,
    /// The value of a mapping changes.
    MappingValue,
    /// The element of an array changes.
    ArrayElement,
    /// An array is shorter.
    ArrayShorter,
    /// An array is longer.
    ArrayLonger,
    /// A fixed array becomes a dynamic one, or back.
    ArrayDynamic,
    /// The members of a structure change.
    StructMembers,
    /// The members of an enum change.
    EnumMembers,
    /// What is inside is not known.
    Unknown,
}

impl fmt::Display for LayoutProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.sentence, self.hint)
    }
}

/// Turns a difference into what people read.
pub(super) fn problem(
    old: &Layout,
    new: &Layout,
    namespace: Option<&str>,
    difference: &Difference,
) -> LayoutProblem {
    let (variable, place) = place(difference);
    let within = namespace.map(|id| format!(" of {id}")).unwrap_or_default();
    let labels = Labels { old, new };
    let mut inside = Vec::new();
    if let Difference::Retyped { change, .. } = difference {
        faults(change, &mut inside);
    }
    LayoutProblem {
        variable: variable.to_owned(),
        namespace: namespace.map(str::to_owned),
        place: Some(place),
        kind: kind(difference),
        inside,
        sentence: format!("{place}{within}: {}", labels.sentence(difference)),
        hint: labels.hint(difference),
    }
}

const fn kind(difference: &Difference) -> ProblemKind {
    match difference {
        Difference::Inserted { .. } | Difference::Appended { .. } => ProblemKind::Inserted,
        Difference::Deleted { .. } => ProblemKind::Deleted,
        Difference::Replaced { .. } => ProblemKind::Replaced,
        Difference::Renamed { .. } => ProblemKind::Renamed,
        Difference::Retyped { .. } => ProblemKind::Retyped,
        Difference::Moved { .. } => ProblemKind::Moved,
    }
}

fn faults(change: &TypeChange, path: &mut Vec<TypeFault>) {
    let (fault, inner) = match &change.what {
        Change::Mismatch => (TypeFault::Mismatch, None),
        Change::Resized => (TypeFault::Resized, None),
        Change::Visibility => (TypeFault::Visibility, None),
        Change::InternalFunction => (TypeFault::InternalFunction, None),
        Change::Key(inner) => (TypeFault::MappingKey, Some(inner)),
        Change::Value(inner) => (TypeFault::MappingValue, Some(inner)),
        Change::Element(inner) => (TypeFault::ArrayElement, Some(inner)),
        Change::Shorter => (TypeFault::ArrayShorter, None),
        Change::Longer => (TypeFault::ArrayLonger, None),
        Change::Dynamic => (TypeFault::ArrayDynamic, None),
        Change::Struct(_) => (TypeFault::StructMembers, None),
        Change::Enum(_) => (TypeFault::EnumMembers, None),
        Change::Unknown | Change::TooMuch => (TypeFault::Unknown, None),
    };
    path.push(fault);
    if let Some(inner) = inner {
        faults(inner, path);
    }
}

struct Labels<'a> {
    old: &'a Layout,
    new: &'a Layout,
}

impl Labels<'_> {
    fn before<'f>(&'f self, field: &'f Field) -> (&'f str, &'f str) {
        (&field.label, &self.old.kind(field.kind).label)
    }

    fn after<'f>(&'f self, field: &'f Field) -> (&'f str, &'f str) {
        (&field.label, &self.new.kind(field.kind).label)
    }

    fn sentence(&self, difference: &Difference) -> String {
        match difference {
            Difference::Inserted { new, over } => {
                let (label, kind) = self.after(new);
                let over = over.as_ref().map_or("another", |field| field.label.as_str());
                format!("`{label}` ({kind}) is new and overlaps `{over}`")
            }
            Difference::Appended { new } => {
                let (label, kind) = self.after(new);
                format!("`{label}` ({kind}) is new where nothing may be added")
            }
            Difference::Deleted { old } => {
                let (label, kind) = self.before(old);
                format!("`{label}` ({kind}) is gone, but its value stays in storage")
            }
            Difference::Replaced { old, new } => {
                let ((was, from), (is, to)) = (self.before(old), self.after(new));
                format!("`{was}` ({from}) becomes `{is}` ({to}), which would read its bytes")
            }
            Difference::Renamed { old, new } => {
                let (was, is) = (&old.label, &new.label);
                match &new.renamed_from {
                    Some(from) => format!("`{is}` says that it was `{from}`, but it was `{was}`"),
                    None => format!("`{was}` becomes `{is}`, which would read its value"),
                }
            }
            Difference::Retyped { old, new, change } => {
                let gap = self.old.is_gap(old) && change.what == Change::Shorter;
                let ends = if gap { ", and ends elsewhere" } else { "" };
                format!("`{}`: {}{ends}", new.label, self.change(change))
            }
            Difference::Moved { old, new } => {
                let mut parts = Vec::new();
                if old.place != new.place {
                    parts.push(format!("was at {} and is at {}", old.place, new.place));
                }
                let (was, is) = (self.old.kind(old.kind).bytes, self.new.kind(new.kind).bytes);
                if was != is {
                    parts.push(format!("took {} and takes {is}", counted(was, "byte")));
                }
                format!("`{}` {}", new.label, parts.join(", "))
            }
        }
    }

    fn change(&self, change: &TypeChange) -> String {
        let TypeChange { from, to, what } = change;
        let becomes = format!("{from} becomes {to}");
        match what {
            Change::Mismatch if from == to => format!("{to} is now another type"),
            Change::Mismatch | Change::Shorter | Change::Longer => becomes,
            Change::Resized => format!("{becomes}, of another size"),
            Change::Visibility => "a function changes between internal and external".to_owned(),
            Change::InternalFunction => {
                "an internal function is an offset in the code that the upgrade replaces".to_owned()
            }
            Change::Key(inner) => format!("in the keys of {to}, {}", self.change(inner)),
            Change::Value(inner) => format!("in the values of {to}, {}", self.change(inner)),
            Change::Element(inner) => format!("in the elements of {to}, {}", self.change(inner)),
            Change::Dynamic => format!("{becomes}: fixed and dynamic arrays lie apart"),
            Change::Struct(differences) => {
                let all: Vec<_> = differences.iter().map(|d| self.sentence(d)).collect();
                format!("in {to}, {}", all.join(" and "))
            }
            Change::Enum(changes) => format!("in {to}, {}", changes.join(", ")),
            Change::Unknown => format!("what {to} consists of is not known"),
            Change::TooMuch => format!("there is too much in {to} to compare"),
        }
    }

    fn hint(&self, difference: &Difference) -> String {
        match difference {
            Difference::Inserted { .. } => "add new variables after all others".to_owned(),
            Difference::Appended { .. } => {
                "keep the structure and declare a new one beside it".to_owned()
            }
            Difference::Deleted { .. } => "keep it, even if nothing uses it".to_owned(),
            Difference::Replaced { .. } => {
                "keep the old variable and add the new one after all others".to_owned()
            }
            Difference::Renamed { old, .. } => format!(
                "if it means the same, write `@custom:oz-renamed-from {}` above it",
                old.label
            ),
            Difference::Retyped { old, new, change } => {
                self.gap_hint(old, new).unwrap_or_else(|| self.type_hint(old, change))
            }
            Difference::Moved { old, new } => self.gap_hint(old, new).unwrap_or_else(|| {
                "keep order, types and base slot of everything before it".to_owned()
            }),
        }
    }

    /// What to write for a gap that does not end where it did.
    fn gap_hint(&self, old: &Field, new: &Field) -> Option<String> {
        let kind = self.old.kind(old.kind);
        let Shape::FixedArray { length, .. } = kind.shape else { return None };
        if !self.old.is_gap(old) || !self.new.is_gap(new) || length == U256::ZERO {
            return None;
        }
        let room = self.old.end(old).checked_sub(new.place.byte())?;
        let count = room.checked_div(U512::from(kind.bytes / length))?;
        let count = counted(count, "element");
        Some(format!("give `{}` {count}, so that it ends where it did", new.label))
    }

    fn type_hint(&self, old: &Field, change: &TypeChange) -> String {
        let mut path = Vec::new();
        faults(change, &mut path);
        let from = &self.old.kind(old.kind).label;
        match path.last() {
            Some(TypeFault::EnumMembers) => "add members of an enum after all others".to_owned(),
            Some(TypeFault::StructMembers) => {
                "keep the structure as it is; only values of mappings may grow, at their end"
                    .to_owned()
            }
            Some(TypeFault::InternalFunction) => {
                "store a number or an enum, and choose the function by it".to_owned()
            }
            _ => format!(
                "keep the type; if the bytes mean the same, write `@custom:oz-retyped-from {from}` \
                 above it"
            ),
        }
    }
}

/// A namespace that is gone.
pub(super) fn namespace_deleted(id: &str) -> LayoutProblem {
    whole(
        id,
        ProblemKind::NamespaceDeleted,
        format!("the namespace {id} is gone, but its values stay in storage"),
        "keep its structure with the annotation, even if nothing uses it",
    )
}

/// A namespace that two structures claim.
pub(super) fn namespace_repeated(id: &str) -> LayoutProblem {
    whole(
        id,
        ProblemKind::NamespaceRepeated,
        format!("two structures claim the namespace {id}"),
        "give each structure a namespace of its own",
    )
}

/// Two parts of storage that overlap.
pub(super) fn clash(one: &str, other: &str, place: Place) -> LayoutProblem {
    let sentence = format!("{place}: {one} and {other} are at the same place");
    let hint = "choose another namespace, or another base slot";
    LayoutProblem { place: Some(place), ..whole(one, ProblemKind::Clash, sentence, hint) }
}

/// Something that assembly places where something else is stored.
pub(super) fn placed_over(name: &str, over: &str, place: Place) -> LayoutProblem {
    let sentence = format!("{place}: assembly places {name} where `{over}` is");
    let hint = "set a variable by its name, or choose a slot that nothing has";
    LayoutProblem { place: Some(place), ..whole(name, ProblemKind::Clash, sentence, hint) }
}

fn whole(variable: &str, kind: ProblemKind, sentence: String, hint: &str) -> LayoutProblem {
    LayoutProblem {
        variable: variable.to_owned(),
        namespace: None,
        place: None,
        kind,
        inside: Vec::new(),
        sentence,
        hint: hint.to_owned(),
    }
}
