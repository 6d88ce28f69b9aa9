//! What the compiler answers, as far as it is read here. The rest is skipped unparsed, so that
//! neither size nor nesting of function bodies matters.

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::hex;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tidegate_model::release::Span;

use crate::ast;

/// A standard-JSON answer of the compiler that is malformed, incomplete, or reports errors.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It is not the JSON that was expected.
    #[error("cannot read the compiler's answer")]
    Malformed {
        #[source]
        source: serde_json::Error,
    },
    /// Something asked for is missing.
    #[error("cannot read the compiler's answer: {what} of {contract} is missing")]
    Missing { contract: String, what: &'static str },
    /// An object is not code with placeholders at its link references.
    #[error("cannot read the compiler's answer: the code of {contract} is not hexadecimal")]
    NotCode { contract: String },
    /// A reference leads outside the code.
    #[error("cannot read the compiler's answer: a reference in {contract} leads outside its code")]
    OutOfBounds { contract: String },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Output {
    #[serde(default)]
    pub(crate) errors: Vec<Diagnostic>,
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, SourceOutput>,
    #[serde(default)]
    pub(crate) contracts: BTreeMap<String, BTreeMap<String, ContractOutput>>,
}

/// What a compiler says, of an answer whose contracts may lack anything.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    #[serde(default)]
    pub(crate) errors: Vec<Diagnostic>,
}

impl Output {
    /// The code of `source:Name`.
    pub(crate) fn evm(&self, contract: &str) -> Result<&Evm, OutputError> {
        let found = contract
            .rsplit_once(':')
            .and_then(|(source, name)| self.contracts.get(source)?.get(name)?.evm.as_ref());
        found
            .ok_or_else(|| OutputError::Missing { contract: contract.to_owned(), what: "the code" })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diagnostic {
    pub(crate) severity: String,
    pub(crate) message: String,
    pub(crate) formatted_message: Option<String>,
}

impl Diagnostic {
    pub(crate) fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// The message as the compiler formats it, with place and excerpt.
    pub(crate) fn into_text(self) -> String {
        self.formatted_message.unwrap_or(self.message)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct SourceOutput {
    /// The number that source maps have for it.
    pub(crate) id: Option<i64>,
    pub(crate) ast: Option<ast::Node>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContractOutput {
    pub(crate) abi: Option<Value>,
    pub(crate) metadata: Option<String>,
    pub(crate) storage_layout: Option<StorageLayout>,
    /// Absent where no code was asked for.
    pub(crate) evm: Option<Evm>,
}

impl ContractOutput {
    /// The errors of its ABI.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Value> {
        let entries = self.abi.as_ref().and_then(Value::as_array).into_iter().flatten();
        entries.filter(|entry| entry["type"] == "error")
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evm {
    pub(crate) bytecode: Bytecode,
    pub(crate) deployed_bytecode: Bytecode,
    pub(crate) legacy_assembly: Option<Assembly>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bytecode {
    pub(crate) object: String,
    #[serde(default)]
    pub(crate) link_references: BTreeMap<String, BTreeMap<String, Vec<Span>>>,
    #[serde(default)]
    pub(crate) immutable_references: BTreeMap<String, Vec<Span>>,
    #[serde(default)]
    pub(crate) source_map: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StorageLayout {
    pub(crate) storage: Vec<StorageItem>,
    pub(crate) types: Option<BTreeMap<String, StorageType>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StorageItem {
    pub(crate) ast_id: u64,
    pub(crate) label: String,
    pub(crate) offset: u64,
    pub(crate) slot: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StorageType {
    pub(crate) encoding: String,
    pub(crate) label: String,
    pub(crate) number_of_bytes: String,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) base: Option<String>,
    pub(crate) members: Option<Vec<StorageItem>>,
}

/// Reads the compiler's standard-JSON answer.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, OutputError> {
    serde_json::from_slice(json).map_err(|source| OutputError::Malformed { source })
}

/// An assembly: its own metadata, and the assemblies and data inside it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Assembly {
    #[serde(rename = ".auxdata")]
    auxdata: Option<String>,
    #[serde(rename = ".data", default)]
    data: BTreeMap<String, Data>,
}

#[derive(Debug)]
enum Data {
    Assembly(Assembly),
    Other,
}

impl Assembly {
    /// The metadata of this assembly and all inside it, in one order for all builds.
    pub(crate) fn auxdata(&self) -> Vec<Vec<u8>> {
        let own = self.auxdata.as_ref().and_then(|text| hex::decode(text).ok());
        let inner = self.data.values().flat_map(|data| match data {
            Data::Assembly(assembly) => assembly.auxdata(),
            Data::Other => Vec::new(),
        });
        own.into_iter().filter(|auxdata| !auxdata.is_empty()).chain(inner).collect()
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DataVisitor;
        impl<'de> Visitor<'de> for DataVisitor {
            type Value = Data;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an assembly or data")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Data, A::Error> {
                Assembly::deserialize(MapAccessDeserializer::new(map)).map(Data::Assembly)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Data, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Data::Other)
            }

            fn visit_str<E>(self, _: &str) -> Result<Data, E> {
                Ok(Data::Other)
            }

            fn visit_unit<E>(self) -> Result<Data, E> {
                Ok(Data::Other)
            }
        }
        deserializer.deserialize_any(DataVisitor)
    }
}

impl Bytecode {
    /// The bytes with zeros at every link reference, and those references by `source:Library`.
    pub(crate) fn unlinked(&self, contract: &str) -> Result<Unlinked, OutputError> {
        let not_code = || OutputError::NotCode { contract: contract.to_owned() };
        let mut text = self.object.trim_start_matches("0x").as_bytes().to_vec();
        let mut links: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        for (source, libraries) in &self.link_references {
            for (library, spans) in libraries {
                for span in spans {
                    check_bounds(*span, text.len() / 2, contract)?;
                    text[2 * span.start..2 * (span.start + span.length)].fill(b'0');
                }
                let mut spans = spans.clone();
                spans.sort_unstable();
                links.insert(format!("{source}:{library}"), spans);
            }
        }
        Ok(Unlinked { bytes: hex::decode(&text).map_err(|_| not_code())?, links })
    }
}

/// Code as the compiler gives it, with places for libraries that are not linked yet.
#[derive(Debug)]
pub(crate) struct Unlinked {
    pub(crate) bytes: Vec<u8>,
    pub(crate) links: BTreeMap<String, Vec<Span>>,
}

/// Refuses a span that leads outside `length` bytes.
pub(crate) fn check_bounds(span: Span, length: usize, contract: &str) -> Result<(), OutputError> {
    match span.start.checked_add(span.length) {
        Some(end) if end <= length => Ok(()),
        _ => Err(OutputError::OutOfBounds { contract: contract.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_assembly_is_searched_for_metadata() {
        let json = r#"{".code": [{"name": "PUSH", "value": ".auxdata"}], "sourceList": ["a"],
            ".data": {"0": {".auxdata": "aa01", ".code": [],
                ".data": {"9": "beef", "A": {".data": {"0": {".auxdata": "bb02"}}}}},
                "1": {".auxdata": ""}}}"#;
        let assembly: Assembly = serde_json::from_str(json).unwrap();
        assert_eq!(assembly.auxdata(), [vec![0xaa, 1], vec![0xbb, 2]]);
    }

    #[test]
    fn link_references_become_zeros() {
        let json = r#"{"object": "73__$6fd6d2e5ba93e33ce5d2d35d1f0f8a6e2d$__60",
            "linkReferences": {"src/L.sol": {"L": [{"start": 1, "length": 20}]}}}"#;
        let bytecode: Bytecode = serde_json::from_str(json).unwrap();
        let unlinked = bytecode.unlinked("C").unwrap();
        let mut expected = vec![0; 22];
        expected[0] = 0x73;
        expected[21] = 0x60;
        assert_eq!(unlinked.bytes, expected);
        assert_eq!(unlinked.links["src/L.sol:L"], [Span { start: 1, length: 20 }]);

        let without = Bytecode { link_references: BTreeMap::new(), ..bytecode };
        assert!(matches!(without.unlinked("C").unwrap_err(), OutputError::NotCode { .. }));
        let json =
            r#"{"object": "73", "linkReferences": {"a": {"L": [{"start": 0, "length": 20}]}}}"#;
        let outside: Bytecode = serde_json::from_str(json).unwrap();
        assert!(matches!(outside.unlinked("C").unwrap_err(), OutputError::OutOfBounds { .. }));
    }
}
