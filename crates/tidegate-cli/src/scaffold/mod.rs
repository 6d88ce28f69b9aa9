//! What `init` proposes for a project that exists: its compiler settings, and steps from its
//! latest broadcast or else from its sources.
//!
//! Whatever a broadcast file says is text from outside. Names count only where they are
//! identifiers; addresses are computed again; arguments are decoded by the project's own ABIs and
//! counted only where encoding them gives the same bytes.

pub(crate) mod broadcast;
pub(crate) mod check;
mod decode;
pub(crate) mod hardhat;
pub(crate) mod steps;
pub(crate) mod text;

use std::collections::BTreeMap;

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256};
use tidegate_model::release::Code;

/// A contract of the project, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its name as `tidegate.toml` has it.
    pub(crate) written: String,
    /// Its ABI and creation code, where the project compiles.
    pub(crate) compiled: Option<(JsonAbi, Code)>,
}

/// The project's contracts by the names under which a broadcast speaks of them.
pub(crate) type Contracts = BTreeMap<String, Known>;

/// One proposed step. Values are TOML already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) comments: Vec<String>,
    pub(crate) name: Option<String>,
    pub(crate) create: Option<String>,
    pub(crate) args: Vec<String>,
    pub(crate) proxy: Option<&'static str>,
    pub(crate) admin: Option<String>,
    pub(crate) init: Vec<String>,
    pub(crate) call: Vec<String>,
    pub(crate) value: Option<String>,
}

/// A contract that is called and that no step creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct External {
    pub(crate) address: Address,
    /// The hash of its code, where the chain was asked.
    pub(crate) code_hash: Option<B256>,
}

/// What is proposed, and what people should know about it.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) steps: Vec<Step>,
    pub(crate) externals: BTreeMap<String, External>,
    pub(crate) notes: Vec<String>,
}

/// Whether text from outside is a Solidity identifier.
pub(crate) fn is_identifier(text: &str) -> bool {
    const IDENTIFIER_CHARS_MAX: usize = 128;
    let start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    text.len() <= IDENTIFIER_CHARS_MAX
        && text.starts_with(start)
        && text.chars().all(|c| start(c) || c.is_ascii_digit())
}
