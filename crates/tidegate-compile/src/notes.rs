//! What a canonical layout leaves out and a comparison of layouts needs: what variables were
//! before, the members of enums, and the types behind user-defined value types.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use tidegate_model::release::{Formerly, LayoutNotes};

use crate::ast::{Declarations, Node};
use crate::hidden::Hidden;
use crate::sources::Closure;

const RENAMED_FROM: &str = "@custom:oz-renamed-from";
const RETYPED_FROM: &str = "@custom:oz-retyped-from";
const GROWS: &str = "@custom:tidegate-grows-at-end";

/// Collects the notes of one contract's layout.
#[derive(Debug)]
pub(crate) struct Notes<'a> {
    declarations: &'a Declarations<'a>,
    closure: &'a Closure,
    notes: LayoutNotes,
    /// What the members of each structure say that they were, by its label. Unlike the notes it
    /// has those, too, that say nothing.
    structures: BTreeMap<String, BTreeMap<String, Formerly>>,
    /// Labels under which two different declarations were seen: such a label tells nothing.
    ambiguous: BTreeSet<String>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(declarations: &'a Declarations<'a>, closure: &'a Closure) -> Self {
        let (notes, structures) = (LayoutNotes::default(), BTreeMap::new());
        Self { declarations, closure, notes, structures, ambiguous: BTreeSet::new() }
    }

    /// Notes the state variable that is at this position of the layout.
    pub(crate) fn variable(&mut self, position: usize, id: u64) {
        let documentation = self.declarations.get(id).and_then(|node| node.documentation.as_ref());
        let formerly = documentation.map(|text| formerly(&text.0)).unwrap_or_default();
        if formerly != Formerly::default() {
            self.notes.items.insert(position, formerly);
        }
    }

    /// Notes the type that the compiler's layout calls by this id, such as `t_enum(Mode)12` or
    /// `t_struct(S)5_storage`.
    pub(crate) fn type_id(&mut self, label: &str, id: &str) {
        let Some((_, end)) = id.rsplit_once(')') else { return };
        let digits = end.strip_suffix("_storage").unwrap_or(end);
        let node = digits.parse().ok().and_then(|id| self.declarations.get(id));
        const DECLARED: [&str; 3] = ["t_enum(", "t_struct(", "t_userDefinedValueType("];
        if let Some(node) = node.filter(|_| DECLARED.iter().any(|start| id.starts_with(start))) {
            self.declaration(label, node);
        }
    }

    /// Notes a type's declaration.
    pub(crate) fn declaration(&mut self, label: &str, node: &Node) {
        let notes = &mut self.notes;
        let ambiguous = match node.node_type.as_str() {
            "EnumDefinition" => {
                let members: Vec<String> = node.members.iter().map(|m| m.name.clone()).collect();
                let known = notes.enums.entry(label.to_owned()).or_insert_with(|| members.clone());
                *known != members
            }
            "UserDefinedValueTypeDefinition" => {
                let Some(inner) = &node.underlying_type else { return };
                let inner = inner.label().to_owned();
                let known = notes.values.entry(label.to_owned()).or_insert_with(|| inner.clone());
                *known != inner
            }
            "StructDefinition" => return self.members(label, node),
            _ => return,
        };
        if ambiguous {
            self.ambiguous.insert(label.to_owned());
        }
    }

    /// Notes what the members of a structure say that they were. The compiler does not report
    /// their documentation, so it is read from the source.
    pub(crate) fn members(&mut self, owner: &str, structure: &Node) {
        let content = self.declarations.place(structure.id).and_then(|(s, _)| self.closure.get(s));
        let (Some(content), Some((start, _))) = (content, range(structure)) else { return };
        let content = content.content.as_bytes();
        let mut end_of_last = start;
        let mut members: BTreeMap<String, Formerly> = BTreeMap::new();
        for member in &structure.members {
            let Some((start, end)) = range(member) else { return };
            let before = content.get(end_of_last..start).unwrap_or_default();
            end_of_last = end;
            let formerly = formerly(&documentation(&String::from_utf8_lossy(before)));
            if formerly != Formerly::default() {
                members.insert(member.name.clone(), formerly);
            }
        }
        let known = self.structures.entry(owner.to_owned()).or_insert_with(|| members.clone());
        if *known != members {
            self.ambiguous.insert(owner.to_owned());
        } else if !members.is_empty() {
            self.notes.members.insert(owner.to_owned(), members);
        }
    }

    /// Notes what the layout does not have.
    pub(crate) fn hidden(&mut self, hidden: Hidden<'_>) {
        let Hidden { names, slots, sources, keys } = hidden;
        let digest = |sources: BTreeSet<&str>| {
            let texts = sources.into_iter().filter_map(|source| self.closure.get(source));
            let digests: BTreeSet<_> = texts.map(|text| keccak256(&text.content)).collect();
            keccak256(digests.into_iter().collect::<Vec<_>>().concat())
        };
        self.notes.files = sources.into_iter().map(|(owner, all)| (owner, digest(all))).collect();
        (self.notes.hidden, self.notes.slots, self.notes.keys) = (names, slots, keys);
    }

    pub(crate) fn finish(mut self) -> LayoutNotes {
        self.notes.members.retain(|label, _| !self.ambiguous.contains(label));
        self.notes.enums.retain(|label, _| !self.ambiguous.contains(label));
        self.notes.values.retain(|label, _| !self.ambiguous.contains(label));
        self.notes
    }
}

/// The bytes of a source in which a declaration stands.
fn range(node: &Node) -> Option<(usize, usize)> {
    let mut parts = node.src.split(':').map(str::parse::<usize>);
    let (start, length) = (parts.next()?.ok()?, parts.next()?.ok()?);
    Some((start, start.checked_add(length)?))
}

/// The text of the documentation comments in a piece of source between two declarations.
fn documentation(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some(at) = rest.find("//").into_iter().chain(rest.find("/*")).min() {
        rest = &rest[at..];
        let block = rest.starts_with("/*");
        let end = if block { rest.find("*/") } else { rest.find('\n') };
        let comment = &rest[..end.unwrap_or(rest.len())];
        rest = &rest[comment.len()..];
        let documents =
            if block { comment.strip_prefix("/**") } else { comment.strip_prefix("///") };
        for line in documents.unwrap_or_default().lines() {
            text.push_str(line.trim_start().trim_start_matches('*'));
            text.push('\n');
        }
    }
    text
}

/// Reads the annotations in a documentation text; each reaches to the next one.
fn formerly(text: &str) -> Formerly {
    let mut formerly = Formerly::default();
    let mut open: Option<&mut Option<String>> = None;
    for line in text.lines().map(str::trim) {
        let (tag, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let words = if tag.starts_with('@') {
            open = match tag {
                RENAMED_FROM => Some(&mut formerly.name),
                RETYPED_FROM => Some(&mut formerly.kind),
                GROWS => Some(&mut formerly.grows),
                _ => None,
            };
            if let Some(value) = &mut open {
                **value = None;
            }
            rest.trim()
        } else {
            line
        };
        let Some(value) = open.as_deref_mut().filter(|_| !words.is_empty()) else { continue };
        match value {
            Some(value) => {
                value.push(' ');
                value.push_str(words);
            }
            None => *value = Some(words.to_owned()),
        }
    }
    formerly
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_read_from_any_documentation() {
        let both = Formerly {
            name: Some("old".to_owned()),
            kind: Some("mapping(address => uint256)".to_owned()),
            grows: None,
        };
        for source in [
            "; /// @custom:oz-renamed-from old\n \
             /// @custom:oz-retyped-from  mapping(address => uint256)\n",
            "{ // not this\n /** @dev Words.\n  * @custom:oz-retyped-from mapping(address =>\n  \
             * uint256)\n * @custom:oz-renamed-from old */ ",
        ] {
            assert_eq!(formerly(&documentation(source)), both, "{source}");
        }
        for none in [
            "",
            "// @custom:oz-renamed-from old",
            "/* @custom:oz-renamed-from old */",
            "/// renamed",
        ] {
            assert_eq!(formerly(&documentation(none)), Formerly::default(), "{none}");
        }
    }
}
