//! What the owners of the Safe do without Tidegate.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use libtest_mimic::Failed;
use tidegate_testkit::actor;

use super::Scene;

sol! {
    function nonce() returns (uint256);
    function getTransactionHash(
        address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas,
        uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver,
        uint256 nonce
    ) returns (bytes32);
    function approveHash(bytes32 hash);
    function execTransaction(
        address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas,
        uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver,
        bytes signatures
    ) returns (bool);
}

const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;

/// The Safe calls a contract.
pub(crate) fn safe_call(scene: &Scene<'_>, to: Address, data: Vec<u8>) -> Result<(), Failed> {
    safe_runs(scene, to, data, 0)
}

/// The Safe calls a contract (operation 0) or runs its code (1): two owners approve the hash that
/// the Safe itself computes, and one of them executes.
pub(crate) fn safe_runs(
    scene: &Scene<'_>,
    to: Address,
    data: Vec<u8>,
    operation: u8,
) -> Result<(), Failed> {
    let (mainnet, safe) = (&scene.world.mainnet, scene.world.safe);
    let data = Bytes::from(data);
    let nonce = mainnet.call(safe, &nonceCall {}.abi_encode().into())?;
    let hash = getTransactionHashCall {
        to,
        value: U256::ZERO,
        data: data.clone(),
        operation,
        safeTxGas: U256::ZERO,
        baseGas: U256::ZERO,
        gasPrice: U256::ZERO,
        gasToken: Address::ZERO,
        refundReceiver: Address::ZERO,
        nonce: U256::from_be_slice(&nonce),
    };
    let hash = B256::from_slice(&mainnet.call(safe, &hash.abi_encode().into())?);
    let mut owners = ["o1", "o2"].map(actor);
    owners.sort_by_key(|owner| owner.address());
    let mut signatures = Vec::new();
    for owner in &owners {
        mainnet.set_balance(owner.address(), U256::from(WEI_PER_ETHER))?;
        mainnet.send(owner, Some(safe), approveHashCall { hash }.abi_encode(), U256::ZERO)?;
        // An approved hash: the owner, nothing, and 1.
        signatures.extend_from_slice(owner.address().into_word().as_slice());
        signatures.extend_from_slice(&[0; 32]);
        signatures.push(1);
    }
    let call = execTransactionCall {
        to,
        value: U256::ZERO,
        data,
        operation,
        safeTxGas: U256::ZERO,
        baseGas: U256::ZERO,
        gasPrice: U256::ZERO,
        gasToken: Address::ZERO,
        refundReceiver: Address::ZERO,
        signatures: signatures.into(),
    };
    mainnet.send(&owners[0], Some(safe), call.abi_encode(), U256::ZERO)?;
    Ok(())
}
