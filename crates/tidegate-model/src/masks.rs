//! What templates leave open: the places in code that are filled in later, or that follow the
//! source's text, each with its identity.
//!
//! A template without names is the same for two contracts that differ only in which library, or
//! which value, goes to which place. So position, kind and name of every place are in it.

use std::collections::BTreeSet;

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::artifact::{Artifact, Code, Span};
use crate::cbor::read_region;
use crate::digest::Preimage;
use crate::ids::Fqn;
use crate::trailer;
use crate::units::counted;

/// The kind of a place that templates leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskKind {
    /// A library's address.
    Link,
    /// A value that the constructor sets.
    Immutable,
    /// What follows the source's text.
    Metadata,
    /// A library's own address, by which it refuses direct calls.
    OwnAddress,
}

impl MaskKind {
    /// Its name, as it enters templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Immutable => "immutable",
            Self::Metadata => "metadata",
            Self::OwnAddress => "own-address",
        }
    }
}

/// A place that templates leave open, with its identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// The first byte.
    pub start: usize,
    /// Length in bytes.
    pub length: usize,
    /// The kind of place.
    pub kind: MaskKind,
    /// The library's fqn, or the immutable as `Contract.variable`; empty for the other kinds.
    pub name: String,
}

impl Mask {
    const fn new(span: Span, kind: MaskKind, name: String) -> Self {
        Self { start: span.start, length: span.length, kind, name }
    }

    /// Its bytes in some code; none if it leads outside.
    fn of<'a>(&self, code: &'a [u8]) -> Option<&'a [u8]> {
        code.get(self.start..self.start.checked_add(self.length)?)
    }
}

/// A place that is not what the artifact says of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot mask {length} at {start} of the {part} code of {contract} as {kind}: {why}",
    kind = .mask.kind.name(), start = .mask.start, length = counted(.mask.length, "byte"))]
pub struct MaskError {
    pub contract: Fqn,
    /// Its creation or runtime code.
    pub part: &'static str,
    /// The place.
    pub mask: Mask,
    /// The rule that it breaks.
    pub why: &'static str,
}

/// The most bytes of one immutable.
const IMMUTABLE_BYTES_MAX: usize = 1 << 20;
const ADDRESS_BYTES: usize = 20;

/// `PUSH20 0`, `ADDRESS`, `EQ`: how a library's code begins until it is created.
const CALL_PROTECTION: [u8; 23] = {
    let mut start = [0; 23];
    (start[0], start[21], start[22]) = (0x73, 0x30, 0x14);
    start
};
const OWN_ADDRESS: Span = Span { start: 1, length: ADDRESS_BYTES };

impl Code {
    /// The places of libraries and metadata, in order.
    fn masks(&self) -> Vec<Mask> {
        let links = self.links.iter().flat_map(|(library, spans)| {
            spans.iter().map(|span| Mask::new(*span, MaskKind::Link, library.0.clone()))
        });
        let metadata = self.metadata.iter();
        let metadata = metadata.map(|span| Mask::new(*span, MaskKind::Metadata, String::new()));
        let mut masks: Vec<_> = links.chain(metadata).collect();
        masks.sort_unstable();
        masks
    }
}

impl Artifact {
    /// The places of its creation code, in order.
    pub fn creation_masks(&self) -> Vec<Mask> {
        self.creation.masks()
    }

    /// The places of its runtime code, in order.
    pub fn runtime_masks(&self) -> Vec<Mask> {
        let mut masks = self.runtime.masks();
        for (name, spans) in &self.immutables {
            let mask = |span: &Span| Mask::new(*span, MaskKind::Immutable, name.clone());
            masks.extend(spans.iter().map(mask));
        }
        let own = Mask::new(OWN_ADDRESS, MaskKind::OwnAddress, String::new());
        let end = own.start + own.length;
        let taken = |mask: &Mask| mask.start < end && own.start < mask.start + mask.length;
        if self.runtime.object.starts_with(&CALL_PROTECTION) && !masks.iter().any(taken) {
            masks.push(own);
        }
        masks.sort_unstable();
        masks
    }

    /// The preimage of the creation template: code with zeros, then its open places.
    pub fn creation_preimage(&self) -> Vec<u8> {
        preimage(&self.creation.object, &self.creation_masks())
    }

    /// The preimage of the runtime template: code with zeros, then its open places.
    pub fn runtime_preimage(&self) -> Vec<u8> {
        preimage(&self.runtime.object, &self.runtime_masks())
    }

    /// The keccak256 of [`Self::creation_preimage`].
    pub fn creation_template(&self) -> B256 {
        keccak256(self.creation_preimage())
    }

    /// The keccak256 of [`Self::runtime_preimage`].
    pub fn runtime_template(&self) -> B256 {
        keccak256(self.runtime_preimage())
    }

    /// The template of runtime code that may be this contract's, with the same places left open.
    /// `None` for code of another length.
    pub fn template_of(&self, code: &[u8]) -> Option<B256> {
        let same = code.len() == self.runtime.object.len();
        same.then(|| keccak256(preimage(code, &self.runtime_masks())))
    }

    /// Refuses places that could hide code: each lies in the code and apart from the others, is
    /// zero where something is filled in, and metadata is what a compiler appends.
    ///
    /// # Errors
    /// If one is something else.
    pub fn check_masks(&self) -> Result<(), MaskError> {
        for (part, code, masks) in [
            ("creation", &self.creation.object, self.creation_masks()),
            ("runtime", &self.runtime.object, self.runtime_masks()),
        ] {
            let mut end = 0;
            for mask in masks {
                let why = match mask.of(code) {
                    Some(_) if mask.start < end => Some("another one is there"),
                    Some(bytes) => self.fault(part, &mask, bytes),
                    None => Some("the code ends before it"),
                };
                end = mask.start.saturating_add(mask.length);
                if let Some(why) = why {
                    return Err(MaskError { contract: self.fqn.clone(), part, mask, why });
                }
            }
        }
        Ok(())
    }

    fn fault(&self, part: &str, mask: &Mask, bytes: &[u8]) -> Option<&'static str> {
        let zero = bytes.iter().all(|byte| *byte == 0);
        let length = bytes.len();
        match mask.kind {
            MaskKind::Metadata if self.profile["compiler"] == "vyper" => {
                let creation = part == "creation";
                let trailer = trailer::read(&self.creation.object).filter(|_| creation);
                let hash = trailer.and_then(|trailer| trailer.integrity);
                let own = Span { start: mask.start, length: mask.length };
                (hash != Some(own)).then_some("it is not the hash in the trailer")
            }
            MaskKind::Metadata => {
                read_region(bytes).is_none().then_some("it is no metadata of a compiler")
            }
            MaskKind::Link | MaskKind::OwnAddress if length != ADDRESS_BYTES => {
                Some("an address has 20 bytes")
            }
            MaskKind::Immutable if length == 0 || length > IMMUTABLE_BYTES_MAX => {
                Some("no value has that length")
            }
            _ if !zero => Some("something stands there already"),
            _ => None,
        }
    }
}

fn preimage(code: &[u8], masks: &[Mask]) -> Vec<u8> {
    let mut masked = code.to_vec();
    for mask in masks {
        let end = mask.start.checked_add(mask.length);
        if let Some(open) = end.and_then(|end| masked.get_mut(mask.start..end)) {
            open.fill(0);
        }
    }
    let start = Preimage::new().string("template/1").digest(keccak256(masked));
    let add = |preimage: Preimage, mask: &Mask| {
        let preimage = preimage.number(mask.start as u64).number(mask.length as u64);
        preimage.string(mask.kind.name()).string(&mask.name)
    };
    masks.iter().fold(start, add).into_bytes()
}

/// One library's place in the creation code of one contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The contract whose creation code has the place.
    pub contract: Fqn,
    /// The first byte of the place.
    pub position: usize,
    /// The library whose address goes there.
    pub library: Fqn,
}

/// The places of libraries in creation code, by contract and position.
pub fn links<'a>(artifacts: impl IntoIterator<Item = &'a Artifact>) -> BTreeSet<Link> {
    let of = |artifact: &'a Artifact| {
        artifact.creation.links.iter().flat_map(|(library, spans)| {
            spans.iter().map(|span| Link {
                contract: artifact.fqn.clone(),
                position: span.start,
                library: library.clone(),
            })
        })
    };
    artifacts.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_json_abi::JsonAbi;
    use alloy_primitives::{U256, hex};
    use serde_json::{Value, json};

    use super::*;
    use crate::artifact::LayoutNotes;
    use crate::functions::FunctionMap;
    use crate::scope::build_digest;

    const ONE: &str = "src/one/Rate.sol:Rate";
    const TWO: &str = "src/two/Rate.sol:Rate";
    const REGION: [u8; 12] = hex!("a164736f6c634300081e000a");

    /// Two libraries, an immutable and metadata, in both codes where they can be.
    fn artifact() -> Artifact {
        let object = [&[0x60][..], &[0; 20], &[0x61], &[0; 20], &[0x62], &[0; 32], &REGION];
        let links = [(ONE, 1), (TWO, 22)].map(|(library, start)| {
            (Fqn(library.to_owned()), vec![Span { start, length: ADDRESS_BYTES }])
        });
        let metadata = vec![Span { start: 75, length: REGION.len() }];
        let code = Code { object: object.concat().into(), links: links.into(), metadata };
        Artifact {
            fqn: Fqn("src/V.sol:V".to_owned()),
            abi: JsonAbi::new(),
            creation: code.clone(),
            runtime: code,
            immutables: BTreeMap::from([(
                "V.owner".to_owned(),
                vec![Span { start: 43, length: 32 }],
            )]),
            sources: BTreeMap::new(),
            layout: json!({}),
            layout_notes: LayoutNotes::default(),
            profile: json!({"compiler": "solc"}),
            functions: FunctionMap::default(),
            upgrades_from: None,
            hazards: None,
        }
    }

    fn templates(artifact: &Artifact) -> [B256; 2] {
        [artifact.creation_template(), artifact.runtime_template()]
    }

    #[test]
    fn swapped_libraries_are_other_templates() {
        let artifact = artifact();
        let swapped = |code: &Code| {
            let mut names: Vec<_> = code.links.keys().cloned().collect();
            names.reverse();
            let links = names.into_iter().zip(code.links.values().cloned()).collect();
            Code { links, ..code.clone() }
        };
        let other = Artifact {
            creation: swapped(&artifact.creation),
            runtime: swapped(&artifact.runtime),
            ..artifact.clone()
        };
        let (a, b) = (templates(&artifact), templates(&other));
        assert!(a[0] != b[0] && a[1] != b[1]);
        assert_ne!(links([&artifact]), links([&other]));
    }

    /// Each value that says where and what a place is changes a template or is refused, and so does
    /// each byte of both codes outside metadata.
    #[test]
    fn every_part_of_a_mask_is_in_a_template() {
        let artifact = artifact();
        artifact.check_masks().unwrap();
        let document = serde_json::to_value(&artifact).unwrap();
        let mut changed = 0;
        for (part, code) in [("creation", &artifact.creation), ("runtime", &artifact.runtime)] {
            for at in 0..code.object.len() {
                let mut object = code.object.to_vec();
                object[at] ^= 1;
                let mut other = document.clone();
                other[part]["object"] = json!(hex::encode_prefixed(object));
                check(&artifact, &other, at >= 75, &format!("{part} {at}"));
                changed += 1;
            }
            for path in [format!("/{part}/links"), format!("/{part}/metadata")] {
                changed += check_each(&artifact, &document, &path);
            }
        }
        changed += check_each(&artifact, &document, "/immutables");
        assert!(changed > 190, "{changed}");
    }

    /// Changes each number and each name below a path.
    fn check_each(artifact: &Artifact, document: &Value, path: &str) -> usize {
        let mut changed = 0;
        match document.pointer(path).unwrap() {
            Value::Object(members) => {
                for (name, member) in members {
                    let escaped = name.replace('~', "~0").replace('/', "~1");
                    changed += check_each(artifact, document, &format!("{path}/{escaped}"));
                    if !["start", "length"].contains(&name.as_str()) {
                        let mut other = document.clone();
                        let object = other.pointer_mut(path).unwrap().as_object_mut().unwrap();
                        object.remove(name);
                        object.insert(format!("{name}2"), member.clone());
                        check(artifact, &other, false, &format!("{path} {name}"));
                        changed += 1;
                    }
                }
            }
            Value::Array(items) => {
                for index in 0..items.len() {
                    changed += check_each(artifact, document, &format!("{path}/{index}"));
                    let mut other = document.clone();
                    other.pointer_mut(path).unwrap().as_array_mut().unwrap().remove(index);
                    check(artifact, &other, false, &format!("{path} without {index}"));
                }
            }
            Value::Number(number) => {
                let number = number.as_u64().unwrap();
                for value in [number + 1, number.saturating_sub(1), 0, u64::from(u32::MAX)] {
                    let mut other = document.clone();
                    *other.pointer_mut(path).unwrap() = json!(value);
                    if value != number {
                        check(artifact, &other, false, &format!("{path} {value}"));
                        changed += 1;
                    }
                }
            }
            _ => {}
        }
        changed
    }

    #[track_caller]
    fn check(artifact: &Artifact, other: &Value, is_metadata: bool, what: &str) {
        let other: Artifact = serde_json::from_value(other.clone()).unwrap();
        let refused = other.check_masks().is_err();
        let build = |artifact| build_digest([artifact]).unwrap();
        assert!(refused || build(&other) != build(artifact), "{what}: one build");
        let same = templates(&other) == templates(artifact) && links([&other]) == links([artifact]);
        assert!(!same || refused || is_metadata, "{what}: one template");
    }

    #[test]
    fn notes_are_in_the_layout_and_functions_in_the_build() {
        use crate::artifact::Formerly;
        let plain = artifact();
        assert!(plain.layout_document().get("notes").is_none(), "empty notes are absent");
        let was = |name: &str| Formerly { name: Some(name.to_owned()), ..Formerly::default() };
        let edits: [fn(&mut LayoutNotes, Formerly); 7] = [
            |notes, was| drop(notes.items.insert(0, was)),
            |notes, was| {
                let members = BTreeMap::from([("a".to_owned(), was)]);
                notes.members.insert("struct S".to_owned(), members);
            },
            |notes, was| {
                let members = was.name.into_iter().collect();
                notes.enums.insert("enum E".to_owned(), members);
            },
            |notes, was| drop(notes.hidden.insert(was.name.unwrap_or_default(), None)),
            |notes, was| {
                let slot = was.name.iter().map(|name| U256::from(name.as_bytes()[0])).collect();
                notes.slots.insert("C.f".to_owned(), slot);
            },
            |notes, was| {
                let digest = alloy_primitives::keccak256(was.name.unwrap_or_default());
                notes.files.insert("C".to_owned(), digest);
            },
            |notes, was| drop(notes.values.insert("V".to_owned(), was.name.unwrap_or_default())),
        ];
        for (index, edit) in edits.into_iter().enumerate() {
            let noted = |name: &str| {
                let mut other = artifact();
                edit(&mut other.layout_notes, was(name));
                other.storage_layout().unwrap()
            };
            assert_ne!(noted("a"), plain.storage_layout().unwrap(), "{index}");
            assert_ne!(noted("a"), noted("b"), "{index}");
        }
        let functions = ["function a() view", "function a()"];
        let builds = functions.map(|function| {
            let abi = JsonAbi::parse([function]).unwrap();
            build_digest([&Artifact { abi, ..artifact() }]).unwrap()
        });
        assert!(builds[0] != builds[1] && builds[0] != build_digest([&plain]).unwrap());
    }

    #[test]
    fn metadata_hides_no_code() {
        let place = |start, length| {
            let mut artifact = artifact();
            artifact.runtime.metadata = vec![Span { start, length }];
            artifact.check_masks().map_err(|error| error.why)
        };
        assert_eq!(place(75, 12), Ok(()));
        let none = Err("it is no metadata of a compiler");
        for (start, length) in [(75, 11), (76, 11), (75, 0), (42, 1), (21, 1)] {
            assert_eq!(place(start, length), none, "{start} {length}");
        }
        assert_eq!(place(74, 13), Err("another one is there"));
        assert_eq!(place(2, 1), Err("another one is there"));
        assert_eq!(place(75, 13), Err("the code ends before it"));
        assert_eq!(place(usize::MAX, 2), Err("the code ends before it"));
        let mut artifact = artifact();
        artifact.runtime.metadata.push(Span { start: 75, length: 12 });
        assert_eq!(artifact.check_masks().unwrap_err().why, "another one is there");
        artifact.runtime.metadata.pop();
        artifact.profile = json!({"compiler": "vyper"});
        assert_eq!(artifact.check_masks().unwrap_err().why, "it is not the hash in the trailer");
    }

    #[test]
    fn code_with_its_places_filled_in_has_the_template() {
        let mut artifact = artifact();
        artifact.runtime.object =
            [&CALL_PROTECTION[..], &artifact.runtime.object[23..]].concat().into();
        artifact.runtime.links.clear();
        assert_eq!(artifact.runtime_masks()[0].kind, MaskKind::OwnAddress);
        let mut code = artifact.runtime.object.to_vec();
        code[1..21].fill(7);
        code[43..75].fill(8);
        assert_eq!(artifact.template_of(&code), Some(artifact.runtime_template()));
        code[41] ^= 1;
        assert_ne!(artifact.template_of(&code), Some(artifact.runtime_template()));
        assert_eq!(artifact.template_of(&code[1..]), None);
    }
}
