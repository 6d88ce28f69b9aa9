//! A Safe transaction and the hashes that its owners sign.

use alloy_primitives::{Address, Bytes, Keccak256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct, sol};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_model::ChainId;

pub(crate) mod eip712 {
    use super::sol;
    sol! {
        struct SafeTx {
            address to; uint256 value; bytes data; uint8 operation; uint256 safeTxGas;
            uint256 baseGas; uint256 gasPrice; address gasToken; address refundReceiver;
            uint256 nonce;
        }
    }
}

/// A transaction as a Safe's owners sign it. Gas and refund fields do not exist here because they
/// are always zero: a refund can drain the Safe, and with all of them zero a failing call reverts
/// and leaves the nonce unspent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct SafeTx {
    /// The called address.
    pub to: Address,
    /// Value sent along, in wei.
    pub value: U256,
    /// The calldata.
    pub data: Bytes,
    /// Whether the Safe calls it or runs its code.
    pub operation: Operation,
    /// The Safe's nonce at which it can be executed.
    pub nonce: u64,
}

/// The way in which a Safe runs a transaction: call or delegate call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// An ordinary call.
    Call,
    /// The target's code runs as the Safe itself.
    DelegateCall,
}

/// A transaction that this program refuses to read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SafeTxError {
    /// A gas or refund field that is not zero.
    #[error(
        "cannot accept a Safe transaction whose `{field}` is not zero: it could drain the \
         Safe"
    )]
    GasField {
        /// The field, as Safe names it.
        field: &'static str,
    },
    /// Neither a call nor a delegate call.
    #[error("unknown operation {0}: only 0 (call) and 1 (delegate call) exist")]
    Operation(u8),
}

tidegate_model::digest_id! {
    /// The hash that owners sign; wallets call it *EIP-712 Digest*.
    SafeTxHash;
    /// Chain and Safe; some devices show it beside the message hash.
    DomainHash;
    /// The transaction's fields, without chain and Safe.
    MessageHash;
    /// ERC-8213: `keccak256(uint256(length) ‖ calldata)`. Covers neither target, value nor chain.
    CalldataDigest;
}

impl SafeTx {
    /// The EIP-712 hash of the fields.
    pub fn message_hash(&self) -> MessageHash {
        MessageHash(self.struct_value().eip712_hash_struct())
    }

    /// The EIP-712 hash that the owners of `safe` on `chain` sign.
    pub fn hash(&self, chain: ChainId, safe: Address) -> SafeTxHash {
        SafeTxHash(self.struct_value().eip712_signing_hash(&domain(chain, safe)))
    }

    /// The ERC-8213 digest of the calldata.
    pub(crate) fn calldata_digest(&self) -> CalldataDigest {
        calldata_digest(&self.data)
    }

    /// The typed data that a wallet takes (`eth_signTypedData_v4`).
    pub fn typed_data(&self, chain: ChainId, safe: Address) -> Value {
        let zero = Address::ZERO.to_checksum(None);
        let field = |name: &str, ty: &str| json!({ "name": name, "type": ty });
        json!({
            "types": {
                "EIP712Domain": [
                    field("chainId", "uint256"), field("verifyingContract", "address"),
                ],
                "SafeTx": [
                    field("to", "address"), field("value", "uint256"), field("data", "bytes"),
                    field("operation", "uint8"), field("safeTxGas", "uint256"),
                    field("baseGas", "uint256"), field("gasPrice", "uint256"),
                    field("gasToken", "address"), field("refundReceiver", "address"),
                    field("nonce", "uint256"),
                ],
            },
            "primaryType": "SafeTx",
            "domain": { "chainId": chain.0, "verifyingContract": safe.to_checksum(None) },
            "message": {
                "to": self.to.to_checksum(None), "value": self.value.to_string(),
                "data": self.data, "operation": self.operation.code(), "safeTxGas": "0",
                "baseGas": "0", "gasPrice": "0", "gasToken": zero, "refundReceiver": zero,
                "nonce": self.nonce,
            },
        })
    }

    fn struct_value(&self) -> eip712::SafeTx {
        eip712::SafeTx {
            to: self.to,
            value: self.value,
            data: self.data.clone(),
            operation: self.operation.code(),
            safeTxGas: U256::ZERO,
            baseGas: U256::ZERO,
            gasPrice: U256::ZERO,
            gasToken: Address::ZERO,
            refundReceiver: Address::ZERO,
            nonce: U256::from(self.nonce),
        }
    }
}

/// The EIP-712 domain separator of a Safe from version 1.3.0 on.
pub fn domain_hash(chain: ChainId, safe: Address) -> DomainHash {
    DomainHash(domain(chain, safe).separator())
}

/// The ERC-8213 digest of any calldata.
pub fn calldata_digest(calldata: &[u8]) -> CalldataDigest {
    let mut hasher = Keccak256::new();
    hasher.update(U256::from(calldata.len()).to_be_bytes::<32>());
    hasher.update(calldata);
    CalldataDigest(hasher.finalize())
}

pub(crate) fn domain(chain: ChainId, safe: Address) -> Eip712Domain {
    Eip712Domain::new(None, None, Some(U256::from(chain.0)), Some(safe), None)
}

impl Operation {
    /// The number that Safe uses.
    pub const fn code(self) -> u8 {
        match self {
            Self::Call => 0,
            Self::DelegateCall => 1,
        }
    }

    /// The operation of a number.
    ///
    /// # Errors
    /// If it is neither 0 nor 1.
    const fn from_code(code: u8) -> Result<Self, SafeTxError> {
        match code {
            0 => Ok(Self::Call),
            1 => Ok(Self::DelegateCall),
            other => Err(SafeTxError::Operation(other)),
        }
    }
}

/// Refuses gas and refund fields that are not zero.
fn refuse_gas_fields(
    numbers: [(&'static str, U256); 3],
    addresses: [(&'static str, Address); 2],
) -> Result<(), SafeTxError> {
    let number = numbers.iter().find(|(_, value)| !value.is_zero()).map(|(field, _)| *field);
    let address = addresses.iter().find(|(_, value)| !value.is_zero()).map(|(field, _)| *field);
    number.or(address).map_or(Ok(()), |field| Err(SafeTxError::GasField { field }))
}

/// All ten fields, under Safe's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Wire {
    pub(crate) to: Address,
    #[serde(with = "tidegate_model::decimal")]
    pub(crate) value: U256,
    pub(crate) data: Bytes,
    pub(crate) operation: u8,
    #[serde(with = "tidegate_model::decimal")]
    pub(crate) safe_tx_gas: U256,
    #[serde(with = "tidegate_model::decimal")]
    pub(crate) base_gas: U256,
    #[serde(with = "tidegate_model::decimal")]
    pub(crate) gas_price: U256,
    pub(crate) gas_token: Address,
    pub(crate) refund_receiver: Address,
    pub(crate) nonce: u64,
}

impl TryFrom<Wire> for SafeTx {
    type Error = SafeTxError;

    fn try_from(wire: Wire) -> Result<Self, SafeTxError> {
        refuse_gas_fields(
            [
                ("safeTxGas", wire.safe_tx_gas),
                ("baseGas", wire.base_gas),
                ("gasPrice", wire.gas_price),
            ],
            [("gasToken", wire.gas_token), ("refundReceiver", wire.refund_receiver)],
        )?;
        let operation = Operation::from_code(wire.operation)?;
        Ok(Self { to: wire.to, value: wire.value, data: wire.data, operation, nonce: wire.nonce })
    }
}

impl From<SafeTx> for Wire {
    fn from(tx: SafeTx) -> Self {
        Self {
            to: tx.to,
            value: tx.value,
            data: tx.data,
            operation: tx.operation.code(),
            safe_tx_gas: U256::ZERO,
            base_gas: U256::ZERO,
            gas_price: U256::ZERO,
            gas_token: Address::ZERO,
            refund_receiver: Address::ZERO,
            nonce: tx.nonce,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, address, b256, bytes};

    use super::*;

    struct Vector {
        chain: u64,
        safe: Address,
        to: Address,
        value: u64,
        data: Bytes,
        nonce: u64,
        hashes: [B256; 3],
    }

    /// Published vectors A1 to A3 and our own C, as the contracts compute them.
    fn vectors() -> [Vector; 4] {
        let a1 = address!("111CEEee040739fD91D29C34C33E6B3E112F2177");
        let a2 = address!("657ff0D4eC65D82b2bC1247b0a558bcd2f80A0f1");
        [
            Vector {
                chain: 42161,
                safe: a1,
                to: a1,
                value: 0,
                data: bytes!(
                    "0d582f130000000000000000000000000c75fa5a5f1c0997e3eea425cfa13184ed0ec9e5"
                    "0000000000000000000000000000000000000000000000000000000000000003"
                ),
                nonce: 234,
                hashes: [
                    b256!("1cf7f9b1efe3bc47fe02fd27c649fea19e79d66040683a1c86c7490c80bf7291"),
                    b256!("d9109ea63c50ecd3b80b6b27ed5c5a9fd3d546c2169dfb69bfa7ba24cd14c7a5"),
                    b256!("0cb7250b8becd7069223c54e2839feaed4cee156363fbfe5dd0a48e75c4e25b3"),
                ],
            },
            Vector {
                chain: 11_155_111,
                safe: a2,
                to: address!("255C3912f91eF11bFDadd405F13144a823Da8cc5"),
                value: 100_000_000_000_000_000,
                data: Bytes::new(),
                nonce: 4,
                hashes: [
                    b256!("611379c19940caee095cdb12bebe6a9fa9abb74cdb1fbd7377c49a1f198dc24f"),
                    b256!("565bba8b51924ffa64953596d0a2dd5c2cad39649f7de0bf2c8dbc903bd03258"),
                    b256!("cb8bbe7bf8f8a1f3f57658e450d07d4422356ac042d96a87ba425b19e67a78a1"),
                ],
            },
            Vector {
                chain: 11_155_111,
                safe: address!("6bc56d6CE87C86CB0756c616bECFD3Cd32b09251"),
                to: a2,
                value: 0,
                data: bytes!(
                    "d4d9bdcdcb8bbe7bf8f8a1f3f57658e450d07d4422356ac042d96a87ba425b19e67a78a1"
                ),
                nonce: 4,
                hashes: [
                    b256!("55f6c329a7834e2a4e789f5526f328fa75d14fe75b97b0001be40caf46ca92a1"),
                    b256!("cd411ee5d49344391ef8d37b76e19dfacf505bbb20e856ac907acb5958ecbdf0"),
                    b256!("86eb3f93f2670d119a4ecb8eeaa4dafe31a28abcafe06688d47e195a3dd7abb0"),
                ],
            },
            Vector {
                chain: 31337,
                safe: address!("E1f5498A6D5D4aE82e420C256dA066743CA4b7d9"),
                to: address!("00000000000000000000000000000000000000bb"),
                value: 0,
                data: promotion_7_data(),
                nonce: 7,
                hashes: [
                    b256!("45933b7d39ae53880f98b9c00111f004b089d4c830e3c82128b2dd43fd4f6f09"),
                    b256!("7d65e01519457c64777a77792f038528c8f9cafa0fd2777e4e97b63468e911f1"),
                    b256!("f87942c7b3433e5a0473c99c7d6f89e3aca45dc7515cacf557218964adfd7443"),
                ],
            },
        ]
    }

    fn promotion_7_data() -> Bytes {
        bytes!(
            "4f1ef28600000000000000000000000000000000000000000000000000000000000000aa"
            "0000000000000000000000000000000000000000000000000000000000000040"
            "0000000000000000000000000000000000000000000000000000000000000000"
        )
    }

    #[test]
    fn published_hashes() {
        for (index, v) in vectors().into_iter().enumerate() {
            let tx = SafeTx {
                to: v.to,
                value: U256::from(v.value),
                data: v.data,
                operation: Operation::Call,
                nonce: v.nonce,
            };
            let chain = ChainId(v.chain);
            let found =
                [domain_hash(chain, v.safe).0, tx.message_hash().0, tx.hash(chain, v.safe).0];
            assert_eq!(found, v.hashes, "vector {index}");
        }
    }

    #[test]
    fn domain_hashes_of_a_live_task() {
        let cases = [
            (
                address!("847B5c174615B1B7fDF770882256e2D3E95b9D92"),
                b256!("a4a9c312badf3fcaa05eafe5dc9bee8bd9316c78ee8b0bebe3115bb21b732672"),
            ),
            (
                address!("c2819DC788505Aac350142A7A707BF9D03E3Bd03"),
                b256!("df53d510b56e539b90b369ef08fce3631020fbf921e3136ea5f8747c20bce967"),
            ),
        ];
        for (safe, expected) in cases {
            assert_eq!(domain_hash(ChainId(1), safe).0, expected, "{safe}");
        }
    }

    #[test]
    fn calldata_digests() {
        let transfer = bytes!(
            "a9059cbb0000000000000000000000004675c7e5baafbffbca748158becba61ef3b0a263"
            "0000000000000000000000000000000000000000000000000de0b6b3a7640000"
        );
        let cases = [
            (transfer, b256!("812cee5d9cc7461c04bbcd7b70af9c28b243ac5d74d3453b008b93b7dac69985")),
            (
                promotion_7_data(),
                b256!("b3af55275c9c0f81dd635b2b34bdbd6ff1b4d01b9192ec1f4692c79bb920f033"),
            ),
        ];
        for (data, expected) in cases {
            assert_eq!(calldata_digest(&data).0, expected);
        }
    }

    fn wire() -> Value {
        json!({
            "to": "0x255c3912f91ef11bfdadd405f13144a823da8cc5", "value": "100000000000000000",
            "data": "0x", "operation": 0, "safeTxGas": "0", "baseGas": "0", "gasPrice": "0",
            "gasToken": "0x0000000000000000000000000000000000000000",
            "refundReceiver": "0x0000000000000000000000000000000000000000", "nonce": 4,
        })
    }

    #[test]
    fn typed_data_is_what_a_wallet_takes() {
        let tx: SafeTx = serde_json::from_value(wire()).unwrap();
        let safe = address!("657ff0D4eC65D82b2bC1247b0a558bcd2f80A0f1");
        let typed = tx.typed_data(ChainId(11_155_111), safe);
        assert_eq!(typed["domain"]["chainId"], 11_155_111);
        assert_eq!(
            typed["domain"]["verifyingContract"],
            "0x657ff0D4eC65D82b2bC1247b0a558bcd2f80A0f1"
        );
        assert_eq!(typed["message"]["value"], "100000000000000000");
        assert_eq!(typed["types"]["SafeTx"].as_array().map(Vec::len), Some(10));
        // A second implementation of EIP-712 reads the same hash out of it.
        let data: alloy_dyn_abi::TypedData = serde_json::from_value(typed).unwrap();
        assert_eq!(data.eip712_signing_hash().unwrap(), tx.hash(ChainId(11_155_111), safe).0);
    }

    #[test]
    fn gas_and_refund_fields_are_refused() {
        let one = "0x0000000000000000000000000000000000000001";
        let cases = [
            ("safeTxGas", json!("1")),
            ("baseGas", json!("1")),
            ("gasPrice", json!("1")),
            ("gasToken", json!(one)),
            ("refundReceiver", json!(one)),
        ];
        for (field, value) in cases {
            let mut changed = wire();
            changed[field] = value;
            let error = serde_json::from_value::<SafeTx>(changed).unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}` is not zero")), "{error}");
        }
        for (field, value) in [
            ("operation", json!(2)),
            ("value", json!("+1")),
            ("value", json!("0x1")),
            ("x", json!(1)),
        ] {
            let mut changed = wire();
            changed[field] = value;
            assert!(serde_json::from_value::<SafeTx>(changed).is_err(), "{field}");
        }
        let tx: SafeTx = serde_json::from_value(wire()).unwrap();
        assert_eq!(serde_json::to_value(&tx).unwrap(), wire());
    }
}
