//! What stands on a chain, beside what should: where they differ, in which function, and how.
//!
//! Only places that the compiler named are taken for parameters, libraries or metadata. Nothing
//! is searched for in code that a chain gives, so code that looks like metadata stays code. Every
//! outcome but [`CodeMatch::Same`] is a difference; this module explains and excuses nothing.

mod compare;
mod regions;
mod text;
mod transformations;

#[cfg(test)]
mod tests;

use alloy_primitives::{Address, Bytes};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_model::Fqn;
use tidegate_model::cbor::Metadata;

pub use compare::{match_code, match_other};
pub use transformations::{Step, Steps, Transformations, Values};

/// The most mismatches that are kept of one contract; all are counted.
pub const MISMATCHES_MAX: usize = 16;

/// The most bytes that a mismatch shows of each side.
pub(crate) const SHOWN_BYTES_MAX: usize = 64;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum CodeMatch {
    /// Every byte is as expected.
    Same,
    /// The audited code, made from other source text or by another build: each difference lies in
    /// metadata, and what stands there is metadata.
    MetadataOnly {
        /// Each region that differs.
        regions: Vec<MetadataDifference>,
    },
    /// There is no code.
    NotDeployed,
    /// An account of a key that runs another's code (EIP-7702), and can change it at any time.
    Delegation {
        /// Whose code it runs.
        to: Address,
    },
    /// A minimal proxy (EIP-1167) where something else is expected.
    MinimalProxy { target: Address },
    /// Other code.
    Different(Differences),
}

/// One metadata region that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MetadataDifference {
    /// Which one, from 1.
    pub region: usize,
    /// Its first byte.
    pub offset: usize,
    /// What the build has there.
    pub expected: Metadata,
    /// What stands on the chain; nothing where metadata was left away.
    pub found: Option<Metadata>,
}

/// How code differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Differences {
    /// Bytes expected. Where only a hash is expected, nothing is known of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_length: Option<usize>,
    /// Bytes found.
    pub found_length: usize,
    /// How many mismatches there are.
    pub count: usize,
    /// The first [`MISMATCHES_MAX`]; those that are only metadata come last.
    pub mismatches: Vec<Mismatch>,
    /// Immutables and libraries that have several values on the chain, where they should have one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub occurrences_disagree: Vec<Place>,
}

/// One place where code differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mismatch {
    /// Its first byte.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
    /// The kind of place.
    #[serde(rename = "where")]
    pub place: Place,
    /// How many places of the same thing differ; more than one only of immutables and libraries.
    pub occurrences: usize,
    /// The expected bytes, at most [`SHOWN_BYTES_MAX`].
    #[schemars(with = "String")]
    pub expected: Bytes,
    /// The bytes found, at most [`SHOWN_BYTES_MAX`].
    #[schemars(with = "String")]
    pub found: Bytes,
}

/// What some bytes of code are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A value that the constructor sets, as `Contract.variable`.
    Immutable(String),
    /// A library's address.
    Library(Fqn),
    /// A library's own address, by which it refuses direct calls.
    CallProtection,
    /// A metadata region, counted from 1.
    Metadata(usize),
    /// Code, and the function that it was made from if that is known.
    Code(Option<String>),
}
