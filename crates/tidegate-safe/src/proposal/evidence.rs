//! What the gates were given, and the digest over it.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use tidegate_model::digest::{JcsError, jcs_keccak};
use tidegate_model::{ChainId, EvidenceDigest, GateInput, StatementDigest};

/// The statements and chain observations that a promotion rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceItems {
    /// Digests of the statements, without those that name a Safe transaction hash.
    pub statements: Vec<StatementDigest>,
    /// What was read from chains.
    pub inputs: Vec<GateInput>,
}

#[derive(Serialize)]
struct Preimage<'a> {
    statements: Vec<StatementDigest>,
    inputs: Vec<Input<'a>>,
}

/// A block enters by its hash alone.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    kind: &'a str,
    chain: ChainId,
    block_hash: B256,
    digest: B256,
}

impl EvidenceItems {
    /// The `evidenceDigest`: independent of order and repetition.
    ///
    /// # Errors
    /// Never for what this type can hold.
    pub fn digest(&self) -> Result<EvidenceDigest, JcsError> {
        let mut statements = self.statements.clone();
        statements.sort_unstable();
        statements.dedup();
        let input = self.inputs.iter().map(|input| Input {
            kind: &input.kind,
            chain: input.chain,
            block_hash: input.block.hash,
            digest: input.digest,
        });
        let mut inputs: Vec<_> = input.collect();
        inputs.sort_unstable();
        inputs.dedup();
        jcs_keccak("evidence", &Preimage { statements, inputs }).map(EvidenceDigest)
    }
}
