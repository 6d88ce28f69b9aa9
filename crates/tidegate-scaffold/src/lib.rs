//! What `init` proposes for a project that exists: its compiler settings, and steps from its
//! latest broadcast or else from its sources.
//!
//! Whatever a broadcast file says is text from outside. Names count only where they are
//! identifiers; addresses are computed again; arguments are decoded by the project's own ABIs and
//! counted only where encoding them gives the same bytes.

pub mod broadcast;
pub mod check;
mod decode;
pub mod hardhat;
pub mod steps;
pub mod text;

use std::collections::BTreeMap;

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256};
use tidegate_model::release::Code;
use toml_edit::Value;

pub use self::decode::is_initcode_of;

/// A contract of the project, compiled.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its name as `tidegate.toml` has it.
    pub written: String,
    /// Its ABI and creation code, where the project compiles.
    pub compiled: Option<(JsonAbi, Code)>,
}

/// The project's contracts by the names under which a broadcast speaks of them.
pub type Contracts = BTreeMap<String, Known>;

/// One proposed step.
#[derive(Debug, Clone, Default)]
pub struct Step {
    pub comments: Vec<String>,
    pub name: Option<String>,
    pub create: Option<String>,
    pub args: Vec<Value>,
    pub proxy: Option<&'static str>,
    pub admin: Option<Value>,
    pub init: Vec<Value>,
    pub call: Vec<Value>,
    pub value: Option<Value>,
}

/// A contract that is called and that no step creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    pub address: Address,
    /// The hash of its code, where the chain was asked.
    pub code_hash: Option<B256>,
}

/// What is proposed, and what people should know about it.
#[derive(Debug, Default)]
pub struct Draft {
    pub steps: Vec<Step>,
    pub externals: BTreeMap<String, External>,
    pub notes: Vec<String>,
}

/// Whether text from outside is a Solidity identifier.
pub(crate) fn is_identifier(text: &str) -> bool {
    const IDENTIFIER_CHARS_MAX: usize = 128;
    let start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    text.len() <= IDENTIFIER_CHARS_MAX
        && text.starts_with(start)
        && text.chars().all(|c| start(c) || c.is_ascii_digit())
}
