//! The compiler's output for one contract.

use std::collections::{BTreeMap, BTreeSet};

use alloy_json_abi::JsonAbi;
use alloy_primitives::{B256, Bytes, U256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{JcsError, jcs_keccak};
use crate::functions::FunctionMap;
use crate::hazard::Hazard;
use crate::ids::Fqn;

/// A run of bytes in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// Length in bytes.
    pub length: usize,
}

impl Span {
    /// Its bytes in some code; none if it leads outside.
    fn of_mut(self, code: &mut [u8]) -> Option<&mut [u8]> {
        code.get_mut(self.start..self.start.checked_add(self.length)?)
    }
}

/// Code with the places that are filled in later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The bytes, with zeros at every link reference.
    pub object: Bytes,
    /// The places of each library's address.
    pub links: BTreeMap<Fqn, Vec<Span>>,
    /// The metadata regions (auxdata), nested ones included.
    pub metadata: Vec<Span>,
}

impl Code {
    /// The code with every library's address filled in; the missing library's name otherwise.
    ///
    /// # Errors
    /// If a library has no address, or its place in the code is none for an address.
    pub fn linked(
        &self,
        libraries: &BTreeMap<Fqn, alloy_primitives::Address>,
    ) -> Result<Bytes, Fqn> {
        let mut code = self.object.to_vec();
        for (library, spans) in &self.links {
            let address = libraries.get(library).ok_or_else(|| library.clone())?;
            for span in spans {
                let place = span.of_mut(&mut code).filter(|place| place.len() == address.len());
                place.ok_or_else(|| library.clone())?.copy_from_slice(address.as_slice());
            }
        }
        Ok(code.into())
    }
}

/// Notes that a comparison of layouts needs beside the canonical layout. They say what a layout may
/// follow, not where anything is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutNotes {
    /// The former names and types of state variables, by their position among the layout's items.
    pub items: BTreeMap<usize, Formerly>,
    /// The former names and types of members, by their structure's label or their namespace's id,
    /// then by name.
    pub members: BTreeMap<String, BTreeMap<String, Formerly>>,
    /// The members of each enum, by its label. Where two enums share a label, neither is here.
    pub enums: BTreeMap<String, Vec<String>>,
    /// The type behind each user-defined value type, by its label; as above.
    pub values: BTreeMap<String, String>,
    /// What the code places in storage by assembly and the layout does not have, by name; with why
    /// an upgrade keeps it as it was, from `@custom:tidegate-keeps-storage`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden: BTreeMap<String, Option<String>>,
    /// The slots of that where they are known, by the same names, and of namespaces whose formula
    /// is not known, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, BTreeSet<U256>>,
    /// What the sources are of the contracts and libraries whose code places it, by their names: a
    /// digest over their files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, B256>,
    /// The constants by which the code finds what it stores, by name: slots that it gives to a
    /// function such as those of OpenZeppelin's `StorageSlot`, and keys of mappings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, BTreeSet<U256>>,
}

/// What a variable says of itself: its former name and type, from `@custom:oz-renamed-from` and
/// `-retyped-from`, and whether it may grow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formerly {
    /// Its name, from `@custom:oz-renamed-from`.
    pub name: Option<String>,
    /// Its type, from `@custom:oz-retyped-from`.
    pub kind: Option<String>,
    /// Why it may grow at its end, from `@custom:tidegate-grows-at-end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grows: Option<String>,
}

/// The compiler's output for one contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The fully qualified name.
    pub fqn: Fqn,
    pub abi: JsonAbi,
    pub creation: Code,
    /// Runtime code, immutables zeroed.
    pub runtime: Code,
    /// The places of each immutable in the runtime code, by `Contract.variable`.
    pub immutables: BTreeMap<String, Vec<Span>>,
    /// keccak256 of each source file of its closure, by normalised name.
    pub sources: BTreeMap<String, B256>,
    /// The canonical storage layout.
    pub layout: Value,
    /// The notes that a comparison of layouts needs.
    pub layout_notes: LayoutNotes,
    /// Compiler and settings, as in `compilerProfile`.
    pub profile: Value,
    /// The functions of the runtime code; empty where the compiler gave no source map.
    #[serde(default, skip_serializing_if = "FunctionMap::is_empty")]
    pub functions: FunctionMap,
    /// The contract that its sources say it replaces, from `@custom:oz-upgrades-from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrades_from: Option<String>,
    /// What in its sources is unsafe behind a proxy; absent where nobody looked, as in Vyper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hazards: Option<Vec<Hazard>>,
}

impl Artifact {
    /// The storage layout as it is bound: with what comparing it needs beside it, if there is any.
    pub fn layout_document(&self) -> Value {
        let mut document = self.layout.clone();
        if self.layout_notes != LayoutNotes::default()
            && let Some(document) = document.as_object_mut()
        {
            document.insert("notes".to_owned(), serde_json::json!(self.layout_notes));
        }
        document
    }

    /// The digest of that document.
    ///
    /// # Errors
    /// If a value has no canonical JSON form.
    pub fn storage_layout(&self) -> Result<B256, JcsError> {
        jcs_keccak("storage layout", &self.layout_document())
    }
}

/// The compiler that made a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compiler {
    /// The long version, such as `0.8.30+commit.73712a01.Emscripten.clang`.
    pub version: String,
    /// SHA-256 of the binary (or of `soljson.js`).
    pub sha256: B256,
}

impl Compiler {
    /// The version without the platform, `solc` or `vyper` in front.
    pub fn plain_version(&self) -> String {
        let version = &self.version;
        let end = version.split_once("+commit.").map(|(before, commit)| {
            let digits = commit.bytes().take_while(u8::is_ascii_hexdigit).count();
            before.len() + "+commit.".len() + digits
        });
        let plain = version.get(..end.unwrap_or(version.len())).unwrap_or(version);
        if plain.starts_with("vyper ") { plain.to_owned() } else { format!("solc {plain}") }
    }
}
