//! What the gates were given, and the digest over it.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use tidegate_model::digest::{JcsError, jcs_keccak};
use tidegate_model::{BlockRef, ChainId, EvidenceDigest, GateInput, StatementDigest};

/// The statements and chain observations that a promotion rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceItems {
    /// Digests of the statements, without those that name a Safe transaction hash.
    pub statements: Vec<StatementDigest>,
    /// The observations of chains.
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

/// Inputs that only the state of an old block gives again. They enter no evidence; whoever checks
/// looks anew.
const OLD_STATE: [&str; 1] = ["funds/finalized"];
/// Inputs whose digest is the hash of their block.
const BLOCKS: [&str; 2] = ["soak/start", "soak/terminal"];
/// The input that changes with each block, so only its block is compared.
const MOVES_ON: &str = "soak/terminal";

fn is_lasting(input: &GateInput) -> bool {
    !OLD_STATE.contains(&input.kind.as_str())
}

impl EvidenceItems {
    /// Statements and inputs, sorted; without inputs that nobody could compute again a week later.
    pub fn new(mut statements: Vec<StatementDigest>, inputs: Vec<GateInput>) -> Self {
        statements.sort_unstable();
        let mut inputs: Vec<_> = inputs.into_iter().filter(is_lasting).collect();
        inputs.sort_by(|a, b| (&a.kind, a.chain).cmp(&(&b.kind, b.chain)));
        Self { statements, inputs }
    }

    /// The block of an input, if it is listed: what is counted up to it is counted up to there by
    /// everybody.
    pub fn block_of(&self, kind: &str, chain: ChainId) -> Option<BlockRef> {
        let found = self.inputs.iter().find(|input| input.kind == kind && input.chain == chain);
        found.map(|input| input.block)
    }

    /// Compares with what somebody else computed anew of the same: each listed digest must be
    /// among theirs, and each kind of theirs listed. There may be more of a kind by now, as where
    /// somebody has attested since. Whether listed blocks are canonical is for the caller.
    ///
    /// # Errors
    /// What differs.
    pub fn compare(&self, computed: &[GateInput]) -> Result<(), String> {
        for input in &self.inputs {
            let GateInput { kind, chain, block, digest } = input;
            if BLOCKS.contains(&kind.as_str()) && *digest != block.hash {
                return Err(format!(
                    "input {kind} has digest {digest}, its block is {}",
                    block.hash
                ));
            }
            let same = |other: &&GateInput| other.kind == *kind && other.chain == *chain;
            let mut ours = computed.iter().filter(same).peekable();
            let Some(first) = ours.peek().map(|input| input.digest) else {
                return Err(format!(
                    "input {kind} on chain {chain} is nothing that a gate looks at"
                ));
            };
            if kind != MOVES_ON && !ours.any(|other| other.digest == *digest) {
                return Err(format!(
                    "input {kind} has digest {digest}, computed anew it is {first}"
                ));
            }
        }
        let listed = |input: &&GateInput| self.inputs.iter().any(|own| own.kind == input.kind);
        match computed.iter().filter(|input| is_lasting(input)).find(|input| !listed(input)) {
            Some(missing) => Err(format!("it does not list input {}", missing.kind)),
            None => Ok(()),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: &str, byte: u8) -> GateInput {
        let block = BlockRef { number: 7, hash: B256::repeat_byte(byte) };
        let digest = B256::repeat_byte(byte);
        GateInput { kind: kind.to_owned(), chain: ChainId(1), block, digest }
    }

    #[test]
    fn what_only_old_state_gives_is_no_evidence() {
        let inputs =
            vec![input("soak/start", 2), input("funds/finalized", 3), input("go/posted", 4)];
        let items = EvidenceItems::new(vec![StatementDigest(B256::ZERO)], inputs);
        let kinds: Vec<_> = items.inputs.iter().map(|input| input.kind.as_str()).collect();
        assert_eq!(kinds, ["go/posted", "soak/start"]);
        assert_eq!(items.block_of("soak/start", ChainId(1)).map(|block| block.number), Some(7));
        assert_eq!(items.block_of("soak/start", ChainId(2)), None);
        assert_eq!(items.block_of("go/posted", ChainId(1)).unwrap().hash, B256::repeat_byte(4));
        assert_eq!(items.block_of("funds/finalized", ChainId(1)), None);
    }

    #[test]
    fn garbage_is_told_from_what_is_computed_anew() {
        let kinds = ["audits/revocations", "policy/adopted", "soak/start", "soak/terminal"];
        let all = || kinds.map(|kind| input(kind, 1)).to_vec();
        let items = EvidenceItems::new(Vec::new(), all());
        // One has attested since, the chain has gone on, and books are looked at by everybody.
        let mut now = all();
        now.extend([input("audits/revocations", 9), input("funds/finalized", 9)]);
        now[3] = input("soak/terminal", 8);
        assert_eq!(items.compare(&now), Ok(()));
        for index in 0..all().len() {
            let mut garbage = all();
            garbage[index].digest = B256::repeat_byte(7);
            let told = EvidenceItems::new(Vec::new(), garbage).compare(&now).unwrap_err();
            assert!(told.contains(kinds[index]), "{told}");
            let mut fewer = all();
            fewer.remove(index);
            let told = EvidenceItems::new(Vec::new(), fewer).compare(&now).unwrap_err();
            assert!(told.contains("does not list"), "{told}");
        }
        let mut elsewhere = all();
        elsewhere[0].chain = ChainId(2);
        assert!(EvidenceItems::new(Vec::new(), elsewhere).compare(&now).is_err());
        let mut more = all();
        more.push(input("something/else", 1));
        assert!(EvidenceItems::new(Vec::new(), more).compare(&now).is_err());
        // Its digest and its block both lie elsewhere: it is not where the soak starts.
        let mut moved = all();
        moved[2] = input("soak/start", 5);
        assert!(EvidenceItems::new(Vec::new(), moved).compare(&now).is_err());
    }
}
