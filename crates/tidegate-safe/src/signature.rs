//! One owner's signature over a Safe transaction, in the forms that Safe's contracts accept.

use alloy_primitives::{Address, Signature, U256, eip191_hash_message};
use tidegate_model::units::counted;

use crate::tx::SafeTxHash;

/// Length of one signature, in bytes: `r ‖ s ‖ v`.
const SIGNATURE_BYTES: usize = 65;

/// Safe adds this to `v` where the wallet signed the hash as a personal message.
const ETH_SIGN_OFFSET: u8 = 4;

/// A signature by a key, or an owner's approval on chain. Signatures by keys are kept with low s,
/// so that one signature has one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerSignature {
    /// Over the hash itself (v is 27 or 28).
    Ecdsa(Signature),
    /// Over the hash as a personal message (v is 31 or 32).
    EthSign(Signature),
    /// The owner called `approveHash` or sends the transaction (v is 1). Proves nothing by itself.
    PreValidated(Address),
}

/// A signature that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("cannot read a signature of {0} bytes: it must be {SIGNATURE_BYTES}")]
    Length(usize),
    #[error("cannot use a contract signature (v = 0): let the contract call `approveHash` instead")]
    Contract,
    /// The parity alone, where a Safe reads 0 and 1 as something else.
    #[error(
        "cannot use a signature with v = {0}: a Safe reads that as {what}; this wallet wrote the \
         parity alone, for which {1} is written",
        what = match .0 { 0 => "a contract's signature", _ => "an approval" }
    )]
    Parity(u8, u8),
    /// No kind that a Safe knows.
    #[error("cannot read a signature with v = {0}: a Safe knows 1, 27, 28, 31 and 32")]
    Kind(u8),
    /// An approval whose first word is no address.
    #[error("cannot read a pre-validated signature: its first word is not an address")]
    Owner,
    /// No key can have made it.
    #[error("cannot recover the signer: no key can have made this signature")]
    Unrecoverable,
    /// The signer is no owner.
    #[error(
        "cannot count the signature of {signer}: not an owner, or a signature over another hash"
    )]
    NotAnOwner {
        /// The address that it recovers to.
        signer: Address,
    },
    /// The chain does not show the approval.
    #[error(
        "cannot count the approval of {owner}: the chain does not show that it approved this hash"
    )]
    NotApproved { owner: Address },
    /// Not enough owners have signed.
    #[error("{} are too few: it takes {}", counted(*have, "signature"), counted(*need, "owner"))]
    TooFew { have: usize, need: u32 },
    /// No Safe has such a threshold.
    #[error("a threshold of zero is not allowed")]
    NoThreshold,
}

impl OwnerSignature {
    /// Reads a signature as Safe packs it.
    ///
    /// # Errors
    /// If the length or `v` is not one that this program accepts. `v` of 0 and 1 mean contract
    /// and approval here, never the parity that some wallets return.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let (scalars, v) = split(bytes)?;
        match v {
            0 => Err(SignatureError::Contract),
            1 => {
                let (padding, owner) = scalars[..32].split_at(12);
                if padding.iter().any(|byte| *byte != 0) {
                    return Err(SignatureError::Owner);
                }
                Ok(Self::PreValidated(Address::from_slice(owner)))
            }
            27 | 28 => Ok(Self::Ecdsa(low_s(scalars, v == 28))),
            31 | 32 => Ok(Self::EthSign(low_s(scalars, v == 32))),
            other => Err(SignatureError::Kind(other)),
        }
    }

    /// The signature that a wallet meant which writes the parity alone; a Safe knows none such.
    pub(crate) fn of_parity(bytes: &[u8]) -> Option<(Self, SignatureError)> {
        let (scalars, v) = split(bytes).ok().filter(|(_, v)| *v < 2)?;
        Some((Self::Ecdsa(low_s(scalars, v == 1)), SignatureError::Parity(v, v + 27)))
    }

    /// Takes a signature over the hash itself.
    pub(crate) fn ecdsa(signature: Signature) -> Self {
        Self::Ecdsa(signature.normalized_s())
    }

    /// The address that signed. Of an approved-hash signature it is only the address that it names.
    ///
    /// # Errors
    /// If no key can have made the signature.
    pub fn signer(&self, hash: SafeTxHash) -> Result<Address, SignatureError> {
        let (signature, digest) = match self {
            Self::Ecdsa(signature) => (signature, hash.0),
            Self::EthSign(signature) => (signature, eip191_hash_message(hash.0)),
            Self::PreValidated(owner) => return Ok(*owner),
        };
        let recovered = signature.recover_address_from_prehash(&digest);
        recovered.map_err(|_| SignatureError::Unrecoverable)
    }

    /// The 65 bytes that a Safe takes.
    pub(crate) fn to_bytes(self) -> [u8; SIGNATURE_BYTES] {
        match self {
            Self::Ecdsa(signature) => signature.as_bytes(),
            Self::EthSign(signature) => {
                let mut bytes = signature.as_bytes();
                bytes[64] += ETH_SIGN_OFFSET;
                bytes
            }
            Self::PreValidated(owner) => {
                let mut bytes = [0; SIGNATURE_BYTES];
                bytes[12..32].copy_from_slice(owner.as_slice());
                bytes[64] = 1;
                bytes
            }
        }
    }
}

fn split(bytes: &[u8]) -> Result<(&[u8; 64], u8), SignatureError> {
    match bytes.split_first_chunk::<64>() {
        Some((scalars, &[v])) => Ok((scalars, v)),
        _ => Err(SignatureError::Length(bytes.len())),
    }
}

/// The malleable twin has the other parity and recovers to the same key.
fn low_s(scalars: &[u8; 64], odd: bool) -> Signature {
    let (r, s) = scalars.split_at(32);
    let raw = Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), odd);
    // Subtracting from the order would wrap for an s above it; such an s recovers to nobody.
    if raw.s() < ORDER { raw.normalized_s() } else { raw }
}

/// The order of secp256k1.
const ORDER: U256 = U256::from_limbs([
    0xBFD2_5E8C_D036_4141,
    0xBAAE_DCE6_AF48_A03B,
    0xFFFF_FFFF_FFFF_FFFE,
    0xFFFF_FFFF_FFFF_FFFF,
]);

#[cfg(test)]
pub(crate) mod tests {
    use alloy_primitives::{address, b256, hex};

    use super::*;

    pub(crate) const HASH: SafeTxHash =
        SafeTxHash(b256!("f87942c7b3433e5a0473c99c7d6f89e3aca45dc7515cacf557218964adfd7443"));

    /// Owner, signature over the hash, signature over the hash as a personal message.
    pub(crate) type Row = (Address, [u8; 65], [u8; 65]);

    /// The local-chain test keys over the hash of "promotion-7", by owner.
    pub(crate) const OWNERS: [Row; 3] = [
        (
            address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
            hex!(
                "981fdff654a57fd15dd58c99b59c953595668c76c2c5af6a3a97d1ffc9a44c49"
                "22687058ec2fa8aacfa4979d0237babafdf433ee8582d81f2e4b62e3f1cf513c1c"
            ),
            hex!(
                "8ec86c967a961357b6737d4c13109eb662c119f3f6f97997dba04c196ccf6038"
                "3548224420cedbfe5d1fbf19d332897de6d21ff164b4b6c4652fd5d8e0b9d36520"
            ),
        ),
        (
            address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
            hex!(
                "71ace9c967519e7cd2cdef65434cb28508ed3081972764086c0a60ff1a6bc66c"
                "65b56fa3717de25ae0812f54b019a9b5f5f2a74f45dc3c7638c495d6771e2bad1b"
            ),
            hex!(
                "fed7016c7b3bdada221d344f5f27495b29da284d24f9ecb9fe726859b92f7aed"
                "085ea112a4cce50de7f6c0ae941eb32986c6f95996bb20d628138cde6b87d7511f"
            ),
        ),
        (
            address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
            hex!(
                "e46b4d79397ff586c9c2f7d359f64cae15378bfefa7c5428ed6971efa12d4417"
                "478598151b4e16f0f76715d26f97a4aaa1493c1aa9052d6788d5de471d4b80081c"
            ),
            hex!(
                "66aea43b226a8054b61ff02b370c23bdeead35e6ce9e04eab1a95cc08a8c8061"
                "45186ec4bdb7f9a0916083431c04ccb8903077595558b9766f5561940cb4a3b41f"
            ),
        ),
    ];

    #[test]
    fn signatures_recover_and_round_trip() {
        for (owner, ecdsa, eth_sign) in OWNERS {
            for bytes in [ecdsa, eth_sign] {
                let parsed = OwnerSignature::parse(&bytes).unwrap();
                assert_eq!(parsed.signer(HASH), Ok(owner));
                assert_eq!(parsed.to_bytes(), bytes);
            }
            let approval = OwnerSignature::PreValidated(owner);
            assert_eq!(OwnerSignature::parse(&approval.to_bytes()), Ok(approval));
        }
    }

    #[test]
    fn the_malleable_twin_becomes_the_same_signature() {
        let (_, bytes, _) = OWNERS[0];
        let s = U256::from_be_slice(&bytes[32..64]);
        let mut twin = bytes;
        twin[32..64].copy_from_slice(&(ORDER - s).to_be_bytes::<32>());
        twin[64] = 27;
        assert_eq!(OwnerSignature::parse(&twin), OwnerSignature::parse(&bytes));
    }

    #[test]
    fn what_is_not_a_signature() {
        let with_v = |v: u8| {
            let mut bytes = OWNERS[0].1;
            bytes[64] = v;
            OwnerSignature::parse(&bytes)
        };
        assert_eq!(with_v(0), Err(SignatureError::Contract));
        assert_eq!(with_v(1), Err(SignatureError::Owner));
        assert_eq!(with_v(2), Err(SignatureError::Kind(2)));
        assert_eq!(OwnerSignature::parse(&[0; 64]), Err(SignatureError::Length(64)));
        assert_eq!(OwnerSignature::parse(&[0; 66]), Err(SignatureError::Length(66)));
        let mut huge = [0xff; 65];
        huge[64] = 27;
        let parsed = OwnerSignature::parse(&huge).unwrap();
        assert_eq!(parsed.signer(HASH), Err(SignatureError::Unrecoverable));
    }

    /// Whatever recovers to nobody is left as it is, the order itself too.
    #[test]
    fn an_s_outside_the_curve_is_not_turned() {
        let mut bytes = OWNERS[0].1;
        bytes[32..64].copy_from_slice(&ORDER.to_be_bytes::<32>());
        let parsed = OwnerSignature::parse(&bytes).unwrap();
        assert_eq!(parsed.to_bytes(), bytes);
        assert_eq!(parsed.signer(HASH), Err(SignatureError::Unrecoverable));
    }
}
