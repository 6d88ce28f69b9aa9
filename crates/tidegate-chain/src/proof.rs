//! Accounts, proven to a block's state root.

use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::root::storage_root_unhashed;
use alloy_trie::{Nibbles, TrieAccount};
use serde::Deserialize;
use serde_json::json;
use tidegate_model::ids::BlockRef;

use crate::wire::WireRoot;
use crate::{Network, ReadError, Subject};

const PROOF: &str = "eth_getProof";
const BY_HASH: &str = "eth_getBlockByHash";

/// An account as the state root of a block holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvenAccount {
    pub nonce: u64,
    /// Its balance, in wei.
    pub balance: U256,
    /// keccak256 of its code.
    pub code_hash: B256,
    /// The root of everything in its storage.
    pub storage_root: B256,
}

impl ProvenAccount {
    /// Whether its storage is exactly these slots, each with what it holds.
    pub fn holds_exactly(&self, slots: impl IntoIterator<Item = (B256, U256)>) -> bool {
        let slots = slots.into_iter().filter(|(_, value)| !value.is_zero());
        storage_root_unhashed(slots) == self.storage_root
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProof {
    nonce: U64,
    balance: U256,
    code_hash: B256,
    storage_hash: B256,
    account_proof: Vec<Bytes>,
}

impl Network {
    /// An account with the root of its storage, as the first endpoint gives it whose proof leads
    /// to the state root of the block. That root is read like anything else; of a proof it is
    /// enough that it holds, so that one endpoint with proofs serves the whole quorum.
    ///
    /// # Errors
    /// If too few endpoints answer or they disagree on the root, or none gives a proof that holds:
    /// many keep the state of the latest blocks only, some keep no proofs.
    pub async fn proven_account(
        &self,
        address: Address,
        at: BlockRef,
    ) -> Result<ProvenAccount, ReadError> {
        let what = Subject::Proof(address);
        let root = self
            .agree(what, |endpoint| async move {
                let block: Option<WireRoot> =
                    endpoint.read(BY_HASH, json!([at.hash, false])).await?;
                block
                    .filter(|block| block.hash == Some(at.hash))
                    .map(|block| block.state_root)
                    .ok_or_else(|| endpoint.bad_answer(BY_HASH, "this block"))
            })
            .await?;
        self.first(what, |endpoint| async move {
            let params = json!([address, [], U64::from(at.number)]);
            let proof: WireProof = endpoint.read(PROOF, params).await?;
            proven(address, root, &proof)
                .ok_or_else(|| endpoint.bad_answer(PROOF, "a proof to the block's state root"))
        })
        .await
    }
}

/// The account, if the proof leads from the root to exactly it.
fn proven(address: Address, state_root: B256, proof: &WireProof) -> Option<ProvenAccount> {
    let WireProof { nonce, balance, code_hash, storage_hash, account_proof } = proof;
    let account = TrieAccount {
        nonce: nonce.to(),
        balance: *balance,
        storage_root: *storage_hash,
        code_hash: *code_hash,
    };
    let key = Nibbles::unpack(keccak256(address));
    verify_proof(state_root, key, Some(alloy_rlp::encode(account)), account_proof).ok()?;
    Some(ProvenAccount {
        nonce: account.nonce,
        balance: account.balance,
        code_hash: account.code_hash,
        storage_root: account.storage_root,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accounts on a chain with exact roots, made by `tests/safes/make.mjs`.
    const SAFES: &str = include_str!("../../../tests/safes/safes.json");

    #[derive(Deserialize)]
    struct File {
        safes: Vec<Made>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Made {
        safe: Address,
        state_root: B256,
        account_proof: Vec<Bytes>,
        account: Account,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Account {
        nonce: U64,
        balance: U256,
        code_hash: B256,
        storage_root: B256,
    }

    fn proof(made: &Made) -> WireProof {
        WireProof {
            nonce: made.account.nonce,
            balance: made.account.balance,
            code_hash: made.account.code_hash,
            storage_hash: made.account.storage_root,
            account_proof: made.account_proof.clone(),
        }
    }

    #[test]
    fn storage_is_all_or_not() {
        let slots = [(1, 7), (2, 0), (3, 9)]
            .map(|(slot, value)| (B256::with_last_byte(slot), U256::from(value)));
        let storage_root = storage_root_unhashed([slots[0], slots[2]]);
        let account =
            ProvenAccount { nonce: 1, balance: U256::ZERO, code_hash: B256::ZERO, storage_root };
        assert!(account.holds_exactly(slots));
        assert!(!account.holds_exactly(slots[..2].to_vec()));
        let more = [slots.to_vec(), vec![(B256::with_last_byte(4), U256::ONE)]].concat();
        assert!(!account.holds_exactly(more));
    }

    #[test]
    fn an_account_is_proven_as_it_is_and_no_other() {
        let File { safes } = serde_json::from_str(SAFES).unwrap();
        assert!(safes.len() > 10);
        for made in &safes {
            let found = proven(made.safe, made.state_root, &proof(made)).unwrap();
            assert_eq!(found.storage_root, made.account.storage_root);
            type Change = fn(&mut WireProof);
            let changes: [Change; 6] = [
                |p| p.nonce += U64::from(1),
                |p| p.balance += U256::ONE,
                |p| p.code_hash = B256::ZERO,
                |p| p.storage_hash = B256::ZERO,
                |p| drop(p.account_proof.pop()),
                |p| p.account_proof.clear(),
            ];
            for (at, change) in changes.into_iter().enumerate() {
                let mut changed = proof(made);
                change(&mut changed);
                assert_eq!(proven(made.safe, made.state_root, &changed), None, "change {at}");
            }
            assert_eq!(proven(Address::ZERO, made.state_root, &proof(made)), None);
            assert_eq!(proven(made.safe, B256::ZERO, &proof(made)), None);
        }
    }
}
