//! What Vyper answers, as far as it is read here.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, hex};
use serde::Deserialize;
use serde_json::Value;

use super::functions::SourceMap;
use super::tree::Node;
use crate::output::{Diagnostic, OutputError};

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) errors: Vec<Diagnostic>,
    #[serde(default)]
    contracts: BTreeMap<String, BTreeMap<String, ContractOutput>>,
    #[serde(default)]
    pub(super) sources: BTreeMap<String, SourceOutput>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SourceOutput {
    /// The number that source maps have for it.
    pub(super) id: i64,
    pub(super) ast: Option<Node>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ContractOutput {
    pub(super) abi: Option<Value>,
    #[serde(default)]
    pub(super) layout: Value,
    /// Not there where only the syntax tree was asked for.
    evm: Option<Evm>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evm {
    bytecode: Bytecode,
    deployed_bytecode: Bytecode,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bytecode {
    object: String,
    source_map: Option<SourceMap>,
}

/// Reads the compiler's standard-JSON answer.
pub(super) fn parse(json: &[u8]) -> Result<Answer, OutputError> {
    serde_json::from_slice(json).map_err(|source| OutputError::Malformed { source })
}

impl Answer {
    /// The output of the one contract in this source.
    pub(super) fn contract(&self, source: &str) -> Result<&ContractOutput, OutputError> {
        let found = self.contracts.get(source).and_then(|contracts| contracts.values().next());
        found.ok_or_else(|| OutputError::Missing { contract: source.to_owned(), what: "the code" })
    }
}

impl ContractOutput {
    pub(super) fn creation(&self, contract: &str) -> Result<Bytes, OutputError> {
        self.evm(contract)?.bytecode.bytes(contract)
    }

    pub(super) fn runtime(&self, contract: &str) -> Result<Bytes, OutputError> {
        self.evm(contract)?.deployed_bytecode.bytes(contract)
    }

    pub(super) fn source_map(&self) -> Option<&SourceMap> {
        self.evm.as_ref()?.deployed_bytecode.source_map.as_ref()
    }

    fn evm(&self, contract: &str) -> Result<&Evm, OutputError> {
        let missing = || OutputError::Missing { contract: contract.to_owned(), what: "the code" };
        self.evm.as_ref().ok_or_else(missing)
    }
}

impl Bytecode {
    fn bytes(&self, contract: &str) -> Result<Bytes, OutputError> {
        let not_code = |_| OutputError::NotCode { contract: contract.to_owned() };
        hex::decode(&self.object).map(Bytes::from).map_err(not_code)
    }
}
