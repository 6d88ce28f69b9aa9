//! The chain and block that execution sees.

use std::str::FromStr;

use alloy_primitives::{Address, B256};
use revm::context::{BlockEnv, CfgEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::hardfork::SpecId;
use tidegate_model::{ChainId, Head};

/// The most gas one transaction may have, by EIP-7825.
pub const TX_GAS_MAX: u64 = 16_777_216;

/// The gas limit of the simulated block; far above any transaction's.
const BLOCK_GAS_LIMIT: u64 = 1 << 40;

/// The chain, block and rules that execution sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env {
    /// What `CHAINID` answers.
    pub chain: ChainId,
    /// The pinned block: what `NUMBER` and `TIMESTAMP` answer, as in an `eth_call` at it.
    pub head: Head,
    /// The rules of the chain (not the target of a compiler).
    pub evm: EvmVersion,
    /// The most gas one transaction may have; [`TX_GAS_MAX`] unless the chain differs.
    pub tx_gas_max: u64,
    /// The fields of the block that a transaction cannot choose and nobody knows beforehand.
    pub block: BlockFields,
}

impl Env {
    /// The newest mainnet rules at `head`, without fees.
    pub(crate) fn at(chain: ChainId, head: Head) -> Self {
        Self {
            chain,
            head,
            evm: EvmVersion::Osaka,
            tx_gas_max: TX_GAS_MAX,
            block: BlockFields::QUIET,
        }
    }

    pub(crate) fn spec(&self) -> SpecId {
        match self.evm {
            EvmVersion::Paris => SpecId::MERGE,
            EvmVersion::Shanghai => SpecId::SHANGHAI,
            EvmVersion::Cancun => SpecId::CANCUN,
            EvmVersion::Prague => SpecId::PRAGUE,
            EvmVersion::Osaka => SpecId::OSAKA,
        }
    }

    /// The rules. Code and initcode keep the sizes of EIP-170 and EIP-3860.
    pub(crate) fn cfg(&self) -> CfgEnv {
        let mut cfg = CfgEnv::new_with_spec(self.spec());
        cfg.chain_id = self.chain.0;
        cfg.disable_nonce_check = true;
        cfg.tx_gas_limit_cap = Some(self.tx_gas_max);
        cfg
    }

    pub(crate) fn block(&self) -> BlockEnv {
        let BlockFields { coinbase, prevrandao, gas_limit, base_fee, excess_blob_gas, .. } =
            self.block;
        BlockEnv {
            number: self.head.block.number.try_into().expect("every u64 fits a U256"),
            timestamp: self.head.timestamp.try_into().expect("every u64 fits a U256"),
            beneficiary: coinbase,
            gas_limit,
            basefee: base_fee,
            prevrandao: Some(prevrandao),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new_with_spec(
                excess_blob_gas,
                self.spec(),
            )),
            ..BlockEnv::default()
        }
    }
}

/// Block and transaction fields that the block's producer or the sender chooses.
/// [`crate::check_constructor`] looks for code whose outcome depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockFields {
    /// What `COINBASE` answers.
    pub coinbase: Address,
    /// What `PREVRANDAO` answers.
    pub prevrandao: B256,
    /// What `GASLIMIT` answers, in gas.
    pub gas_limit: u64,
    /// What `BASEFEE` answers, in wei. At most `gas_price`.
    pub base_fee: u64,
    /// What `GASPRICE` answers, in wei. Nobody is charged.
    pub gas_price: u128,
    /// What `BLOBBASEFEE` is computed from, in gas.
    pub excess_blob_gas: u64,
    /// Whether hashes of older blocks are invented instead of read from the snapshot.
    pub invented_hashes: bool,
}

impl BlockFields {
    /// No fees, no coinbase, a high gas limit, and real block hashes.
    pub const QUIET: Self = Self {
        coinbase: Address::ZERO,
        prevrandao: B256::ZERO,
        gas_limit: BLOCK_GAS_LIMIT,
        base_fee: 0,
        gas_price: 0,
        excess_blob_gas: 0,
        invented_hashes: false,
    };
}

/// The rules of a chain, by the name compilers give them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum EvmVersion {
    /// Proof of stake, before `PUSH0`.
    Paris,
    /// With `PUSH0` and the initcode limit.
    Shanghai,
    /// With transient storage and `MCOPY`.
    Cancun,
    /// With delegated accounts and the calldata floor.
    Prague,
    /// The newest on mainnet: with `CLZ`.
    #[default]
    Osaka,
}

/// A name that is no [`EvmVersion`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown EVM version `{0}`; write paris, shanghai, cancun, prague or osaka")]
pub struct UnknownEvmVersion(pub String);

impl FromStr for EvmVersion {
    type Err = UnknownEvmVersion;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "paris" => Ok(Self::Paris),
            "shanghai" => Ok(Self::Shanghai),
            "cancun" => Ok(Self::Cancun),
            "prague" => Ok(Self::Prague),
            "osaka" => Ok(Self::Osaka),
            _ => Err(UnknownEvmVersion(name.to_owned())),
        }
    }
}
