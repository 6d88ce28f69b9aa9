//! Releases that follow each other, and what they left.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tidegate_model::ReleaseRoot;
use tidegate_model::release::{Artifact, Release, Roots};
use tidegate_plan::Followed;

/// The chains that a command has read, by their newest release.
pub(crate) type Chains = Mutex<BTreeMap<ReleaseRoot, Arc<Chain>>>;

/// A release as its file has it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub release: Release,
    /// What its externals are created from on test stages.
    pub mocks: BTreeMap<String, Artifact>,
    /// Its digests, computed.
    pub roots: Roots,
}

/// The releases that one follows, the oldest first, and what they left.
#[derive(Debug)]
pub(crate) struct Chain {
    pub releases: Vec<Kept>,
    pub followed: Followed,
}
