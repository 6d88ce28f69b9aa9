//! What this crate reads, in its own words.

use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use alloy_rlp::{Encodable, encode_list};
use tidegate_model::ids::BlockRef;

/// A transaction that a node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub hash: B256,
    /// Its sender.
    pub from: Address,
    pub nonce: u64,
    /// Its target; `None` creates a contract.
    pub to: Option<Address>,
    /// Its value, in wei.
    pub value: U256,
    /// Its calldata or initcode.
    pub input: Bytes,
    pub gas_limit: u64,
    /// The authorizations that it carries (EIP-7702), in its order.
    pub authorizations: Vec<Authorization>,
    /// The block it is in; `None` while it is pending.
    pub block: Option<BlockRef>,
}

/// A key's word that its account runs the code of another one (EIP-7702). It takes one of the key's
/// nonces, whoever sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorization {
    /// On which chain; 0 is any.
    pub chain: U256,
    /// Whose code; zero takes it away.
    pub address: Address,
    /// The nonce that it takes.
    pub nonce: u64,
    pub(crate) signature: (B256, B256, bool),
}

impl Authorization {
    /// An authorization with its signature: `r`, `s`, and whether `y` is odd.
    pub(crate) const fn new(
        chain: U256,
        address: Address,
        nonce: u64,
        signature: (B256, B256, bool),
    ) -> Self {
        Self { chain, address, nonce, signature }
    }

    /// The account that signed it; `None` if nobody did, so that it has no effect.
    pub fn authority(&self) -> Option<Address> {
        /// The first byte of what an authorization's signature is over (EIP-7702).
        const MAGIC: u8 = 0x05;
        let mut preimage = vec![MAGIC];
        let fields: [&dyn Encodable; 3] = [&self.chain, &self.address, &self.nonce];
        encode_list::<_, dyn Encodable>(&fields, &mut preimage);
        let (r, s, odd) = self.signature;
        let signature = Signature::from_scalars_and_parity(r, s, odd);
        if signature.normalize_s().is_some() {
            return None;
        }
        signature.recover_address_from_prehash(&keccak256(preimage)).ok()
    }
}

/// The transactions and authorizations that took a range of nonces of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Its transactions, by nonce.
    pub transactions: Vec<Transaction>,
    /// Its authorizations in transactions, by nonce.
    pub authorized: Vec<Authorized>,
    /// Nonces that neither explains, by number.
    pub unexplained: Vec<u64>,
}

/// An authorization that took a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorized {
    pub nonce: u64,
    /// Whose code the account runs since; zero for none.
    pub code: Address,
    /// The transaction that carried it, whoever sent that.
    pub transaction: B256,
    pub block: BlockRef,
}

/// The receipt of an included transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's hash.
    pub transaction: B256,
    /// The block it is in. Before that is final the block may go, and the receipt with it.
    pub block: BlockRef,
    /// Its place in the block.
    pub index: u64,
    /// Its sender.
    pub from: Address,
    /// Its target; `None` created a contract.
    pub to: Option<Address>,
    /// Whether it succeeded.
    pub status: bool,
    /// The gas it used.
    pub gas_used: u64,
    /// The price it paid a gas, in wei.
    pub effective_gas_price: u128,
    /// The address that a creation was for; present even where the creation reverted.
    pub contract_address: Option<Address>,
    /// Its logs, in order.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// The execution fee that the sender paid, in wei: gas used times the effective gas price.
    pub fn fee(&self) -> U256 {
        U256::from(self.gas_used).saturating_mul(U256::from(self.effective_gas_price))
    }
}

/// An event that a contract logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The contract.
    pub address: Address,
    /// Its topics, at most four.
    pub topics: Vec<B256>,
    pub data: Bytes,
    /// The block it is in.
    pub block: BlockRef,
    /// The transaction it is of.
    pub transaction: B256,
    /// Its place among the logs of the block.
    pub index: u64,
}

/// The outcome of a view call: return data, or revert data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// It returned this. An address without code returns nothing.
    Returned(Bytes),
    /// It reverted with this.
    Reverted(Bytes),
}

/// Present fees, by the word of endpoints. A caller bounds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeData {
    /// The next block's base fee a gas, in wei.
    pub base_fee: u128,
    /// The priority fee a gas, in wei, that the median transaction of recent blocks paid.
    pub priority_fee: u128,
}

/// A transaction whose gas is to be estimated on the latest state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GasQuery {
    /// Its sender.
    pub from: Address,
    /// Its target; `None` creates a contract.
    pub to: Option<Address>,
    /// Its calldata or initcode.
    pub data: Bytes,
    /// Its value, in wei.
    pub value: U256,
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256};

    use super::*;

    /// As Foundry's `cast wallet sign-auth` signs them with the first key of test nodes.
    #[test]
    fn whose_an_authorization_is() {
        let key = Some(address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        let code = Address::repeat_byte(0x11);
        let r = b256!("08ea1161ee0e41f25847b003c5a089c1b3d85d2e20785d5167377f290ee58d0c");
        let s = b256!("7fbc7bf88e6aa866745851a49d0473261140dba43eb1ac1262e15517047b92eb");
        let of = |chain: u64, code, nonce, signature| {
            Authorization::new(U256::from(chain), code, nonce, signature).authority()
        };
        assert_eq!(of(31_337, code, 7, (r, s, true)), key);
        for other in [
            of(31_338, code, 7, (r, s, true)),
            of(31_337, Address::ZERO, 7, (r, s, true)),
            of(31_337, code, 8, (r, s, true)),
            of(31_337, code, 7, (r, s, false)),
            of(31_337, code, 7, (s, r, true)),
        ] {
            assert_ne!(other, key);
        }
        // Zero is any chain, or nobody's code.
        let r = b256!("aa64791de483fa82224c2beeba9ee4c89323db0d1a39c24bcfa555b8d3c31aa9");
        let s = b256!("3cdeba27b1c512236967597d1352b6d71239bebde01237ca72b26d6fd218cb97");
        assert_eq!(of(0, Address::ZERO, 0, (r, s, true)), key);
        // The other half of the curve has no effect.
        let order = U256::from_be_bytes(order_of_the_curve());
        let high = B256::from(order - U256::from_be_bytes(s.0));
        assert_eq!(of(0, Address::ZERO, 0, (r, high, false)), None);
        assert_eq!(of(0, Address::ZERO, 0, (B256::ZERO, s, true)), None);
    }

    /// The order of secp256k1, big-endian.
    fn order_of_the_curve() -> [u8; 32] {
        b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0
    }
}
