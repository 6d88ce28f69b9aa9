//! The owners' signatures over one Safe transaction, as `execTransaction` takes them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::signature::{OwnerSignature, SignatureError};
use crate::tx::SafeTxHash;

/// The storage slot of `approvedHashes` in every Safe.
const APPROVED_HASHES_SLOT: u64 = 8;

/// Signatures by distinct owners over one hash. An owner counts once, however many signatures
/// there are: a Safe itself does not refuse a signature's malleable twin.
#[derive(Debug, Clone)]
pub struct SignatureSet {
    hash: SafeTxHash,
    owners: BTreeSet<Address>,
    signatures: BTreeMap<Address, OwnerSignature>,
}

impl SignatureSet {
    /// An empty set for a hash and the Safe's present owners.
    pub fn new(hash: SafeTxHash, owners: impl IntoIterator<Item = Address>) -> Self {
        Self { hash, owners: owners.into_iter().collect(), signatures: BTreeMap::new() }
    }

    /// Adds a signature by a key and returns its owner. A second one by the same owner changes
    /// nothing.
    ///
    /// # Errors
    /// If it is not by an owner over this hash, or an approval, of which only the chain knows.
    pub fn add(&mut self, signature: OwnerSignature) -> Result<Address, SignatureError> {
        if let OwnerSignature::PreValidated(owner) = signature {
            return Err(SignatureError::NotApproved { owner });
        }
        let signer = signature.signer(self.hash)?;
        if !self.owners.contains(&signer) {
            return Err(SignatureError::NotAnOwner { signer });
        }
        self.signatures.entry(signer).or_insert(signature);
        Ok(signer)
    }

    /// The owners who have signed, ascending.
    pub fn signed(&self) -> Vec<Address> {
        self.signatures.keys().copied().collect()
    }

    /// The owners who have not, ascending.
    pub fn unsigned(&self) -> Vec<Address> {
        let open = self.owners.iter().filter(|owner| !self.signatures.contains_key(*owner));
        open.copied().collect()
    }

    /// Number of owners who still have to sign.
    pub fn missing(&self, threshold: u32) -> u32 {
        threshold.saturating_sub(u32::try_from(self.signatures.len()).unwrap_or(u32::MAX))
    }

    /// The `signatures` bytes: exactly `threshold` signatures, strictly ascending by owner.
    ///
    /// # Errors
    /// If the threshold is zero or not reached.
    pub fn encode(&self, threshold: u32) -> Result<Bytes, SignatureError> {
        if threshold == 0 {
            return Err(SignatureError::NoThreshold);
        }
        if self.missing(threshold) > 0 {
            let have = self.signatures.len();
            return Err(SignatureError::TooFew { have, need: threshold });
        }
        let used = self.signatures.values().zip(0..threshold);
        Ok(used.flat_map(|(signature, _)| signature.to_bytes()).collect())
    }
}

/// The storage slot of the Safe that is not zero once `owner` has approved `hash` on chain.
pub(crate) fn approved_hash_slot(owner: Address, hash: SafeTxHash) -> B256 {
    let inner = keccak256((owner, U256::from(APPROVED_HASHES_SLOT)).abi_encode());
    keccak256((hash.0, inner).abi_encode())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;

    use super::*;
    use crate::signature::tests::{HASH, OWNERS};

    fn set() -> SignatureSet {
        SignatureSet::new(HASH, OWNERS.map(|(owner, ..)| owner))
    }

    #[test]
    fn signatures_are_sorted_by_owner_and_cut_at_the_threshold() {
        let mut set = set();
        for (_, ecdsa, _) in OWNERS.iter().rev() {
            set.add(OwnerSignature::parse(ecdsa).unwrap()).unwrap();
        }
        assert_eq!(set.encode(2).unwrap().to_vec(), [OWNERS[0].1, OWNERS[1].1].concat());
        assert_eq!(set.encode(3).unwrap().len(), 195);
        assert_eq!(set.encode(0), Err(SignatureError::NoThreshold));
        assert_eq!(set.encode(4), Err(SignatureError::TooFew { have: 3, need: 4 }));
    }

    #[test]
    fn an_owner_counts_once() {
        let mut set = set();
        let (owner, ecdsa, eth_sign) = OWNERS[1];
        for bytes in [ecdsa, eth_sign, ecdsa] {
            assert_eq!(set.add(OwnerSignature::parse(&bytes).unwrap()), Ok(owner));
        }
        assert_eq!((set.signed(), set.missing(2)), (vec![owner], 1));
        assert_eq!(set.encode(2), Err(SignatureError::TooFew { have: 1, need: 2 }));
        assert_eq!(set.unsigned(), [OWNERS[0].0, OWNERS[2].0]);
    }

    #[test]
    fn strangers_and_bare_approvals_do_not_count() {
        let (owner, ecdsa, _) = OWNERS[0];
        let mut others = SignatureSet::new(HASH, [OWNERS[1].0]);
        let signature = OwnerSignature::parse(&ecdsa).unwrap();
        assert_eq!(others.add(signature), Err(SignatureError::NotAnOwner { signer: owner }));

        let approval = OwnerSignature::PreValidated(owner);
        assert_eq!(set().add(approval), Err(SignatureError::NotApproved { owner }));

        let mut other_hash = SignatureSet::new(SafeTxHash(B256::ZERO), [owner]);
        assert!(matches!(other_hash.add(signature), Err(SignatureError::NotAnOwner { .. })));
    }

    #[test]
    fn approvals_have_a_slot() {
        assert_eq!(
            approved_hash_slot(OWNERS[2].0, HASH),
            b256!("5319eb8c74ebedcf9f30ef312288d059016e40a20b619caae2e67454f9b44201")
        );
    }
}
