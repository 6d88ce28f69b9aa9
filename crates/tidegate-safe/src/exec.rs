//! `execTransaction`, and what a receipt says about it.

use alloy_primitives::{Address, B256, Bytes, Log, U256, b256};
use alloy_sol_types::{SolCall, sol};

use crate::tx::{SafeTx, SafeTxHash};

pub(crate) mod abi {
    use super::sol;
    sol! {
        function execTransaction(
            address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas,
            uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver,
            bytes signatures
        ) external payable returns (bool success);
    }
}

/// Topic 0 of `ExecutionSuccess(bytes32,uint256)`.
pub const EXECUTION_SUCCESS: B256 =
    b256!("442e715f626346e8c54381002da614f62bee8d27386535b2521ec8540898556e");
/// Topic 0 of `ExecutionFailure(bytes32,uint256)`.
pub(crate) const EXECUTION_FAILURE: B256 =
    b256!("23428b18acfb3ea64b08dc0c1d296ea9c09702c09083ca5272e64d115b687d23");

/// The outcome of a Safe's transaction, by the Safe's own events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// It ran.
    Success,
    /// It failed inside and spent the nonce.
    Failure,
    /// The Safe paid a refund, which a transaction of ours cannot ask for.
    Refunded {
        /// The amount, in wei or units of the gas token.
        payment: U256,
    },
}

/// The calldata that executes a transaction; anybody may send it.
pub fn encode_exec_transaction(tx: &SafeTx, signatures: Bytes) -> Bytes {
    let call = abi::execTransactionCall {
        to: tx.to,
        value: tx.value,
        data: tx.data.clone(),
        operation: tx.operation.code(),
        safeTxGas: U256::ZERO,
        baseGas: U256::ZERO,
        gasPrice: U256::ZERO,
        gasToken: Address::ZERO,
        refundReceiver: Address::ZERO,
        signatures,
    };
    call.abi_encode().into()
}

/// The outcome of a Safe's transaction by the logs of a receipt; `None` if they do not mention it.
/// The receipt's own status proves nothing: only the Safe's event for exactly this hash does.
pub fn execution_in_logs<'a>(
    safe: Address,
    hash: SafeTxHash,
    logs: impl IntoIterator<Item = &'a Log>,
) -> Option<Execution> {
    let of_safe = logs.into_iter().filter(|log| log.address == safe);
    of_safe.filter_map(parse).find(|(found, _)| *found == hash).map(|(_, execution)| execution)
}

/// From 1.4.0 on the hash is indexed; before, it is the first word of the data.
fn parse(log: &Log) -> Option<(SafeTxHash, Execution)> {
    let topics = log.topics();
    let outcome = match *topics.first()? {
        EXECUTION_SUCCESS => Execution::Success,
        EXECUTION_FAILURE => Execution::Failure,
        _ => return None,
    };
    let data = &log.data.data;
    let (hash, payment) = match topics.get(1) {
        Some(hash) if data.len() == 32 => (*hash, &data[..]),
        None if data.len() == 64 => (B256::from_slice(&data[..32]), &data[32..]),
        _ => return None,
    };
    let payment = U256::from_be_slice(payment);
    let execution = if payment.is_zero() { outcome } else { Execution::Refunded { payment } };
    Some((SafeTxHash(hash), execution))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{LogData, keccak256};

    use super::*;
    use crate::tx::Operation;

    fn tx() -> SafeTx {
        SafeTx {
            to: Address::with_last_byte(1),
            value: U256::from(3),
            data: Bytes::from_static(b"abc"),
            operation: Operation::DelegateCall,
            nonce: 9,
        }
    }

    #[test]
    fn calldata_is_the_transaction_without_refunds() {
        let signatures = Bytes::from(vec![7; 130]);
        let calldata = encode_exec_transaction(&tx(), signatures.clone());
        assert_eq!(calldata[..4], alloy_primitives::hex!("6a761202"));
        let call = abi::execTransactionCall::abi_decode(&calldata).unwrap();
        let expected = tx();
        assert_eq!((call.to, call.value, call.data), (expected.to, expected.value, expected.data));
        assert_eq!((call.operation, call.signatures), (1, signatures));
        assert_eq!([call.safeTxGas, call.baseGas, call.gasPrice], [U256::ZERO; 3]);
        assert_eq!([call.gasToken, call.refundReceiver], [Address::ZERO; 2]);
    }

    fn log(address: Address, topics: Vec<B256>, words: &[B256]) -> Log {
        Log { address, data: LogData::new_unchecked(topics, words.concat().into()) }
    }

    #[test]
    fn only_the_safes_own_event_for_the_hash_counts() {
        assert_eq!(EXECUTION_SUCCESS, keccak256("ExecutionSuccess(bytes32,uint256)"));
        assert_eq!(EXECUTION_FAILURE, keccak256("ExecutionFailure(bytes32,uint256)"));
        let (safe, hash) = (Address::with_last_byte(5), B256::repeat_byte(6));
        let (zero, other) = (B256::ZERO, Address::with_last_byte(4));
        let one = B256::with_last_byte(1);
        let cases = [
            (log(safe, vec![EXECUTION_SUCCESS, hash], &[zero]), Some(Execution::Success)),
            (log(safe, vec![EXECUTION_FAILURE, hash], &[zero]), Some(Execution::Failure)),
            (log(safe, vec![EXECUTION_SUCCESS], &[hash, zero]), Some(Execution::Success)),
            (
                log(safe, vec![EXECUTION_SUCCESS, hash], &[one]),
                Some(Execution::Refunded { payment: U256::from(1) }),
            ),
            (log(other, vec![EXECUTION_SUCCESS, hash], &[zero]), None),
            (log(safe, vec![EXECUTION_SUCCESS, one], &[zero]), None),
            (log(safe, vec![EXECUTION_SUCCESS, hash], &[]), None),
            (log(safe, vec![EXECUTION_SUCCESS], &[hash]), None),
            (log(safe, vec![EXECUTION_SUCCESS], &[hash, zero, zero]), None),
            (log(safe, vec![one, hash], &[zero]), None),
            (log(safe, vec![], &[zero]), None),
        ];
        for (log, expected) in cases {
            assert_eq!(execution_in_logs(safe, SafeTxHash(hash), [&log]), expected, "{log:?}");
        }
    }
}
