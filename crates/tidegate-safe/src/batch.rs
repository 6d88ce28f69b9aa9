//! Batches: MultiSend packing and its strict inverse.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, sol};
use serde::{Deserialize, Serialize};

use crate::canonical::MULTI_SEND_CALL_ONLY;
use crate::tx::{Operation, SafeTx};

mod abi {
    use super::sol;
    sol! {
        function multiSend(bytes transactions) external payable;
    }
}

/// The most calls of a batch.
const BATCH_CALLS_MAX: usize = 512;
/// The most bytes of calldata of one Safe transaction.
const SAFE_TX_DATA_BYTES_MAX: usize = 128 * 1024;

/// Operation, target, value and length: what stands before each call's data.
const HEADER_BYTES: usize = 1 + 20 + 32 + 32;

/// One call of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerCall {
    /// The recipient; never the zero address, which newer batch contracts take for the Safe.
    pub to: Address,
    /// Value sent along from the Safe's balance, in wei.
    #[serde(with = "tidegate_model::decimal")]
    pub value: U256,
    /// The calldata.
    pub data: Bytes,
    /// The author's description. Nothing checks it, and it is not in the calldata.
    pub note: String,
}

/// A batch that cannot be packed or read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A batch without calls.
    #[error("the batch has no calls")]
    Empty,
    /// A batch of too many calls.
    #[error("the batch has more than {BATCH_CALLS_MAX} calls")]
    TooManyCalls,
    /// A batch that is too long.
    #[error("the batch has {bytes} bytes: at most {SAFE_TX_DATA_BYTES_MAX} fit")]
    TooLong { bytes: usize },
    /// A call to nowhere.
    #[error("cannot use call {index} of the batch: its target is the zero address")]
    ZeroTarget {
        /// Its place, from 0.
        index: usize,
    },
    /// A call that would run foreign code as the Safe.
    #[error(
        "cannot use call {index} of the batch: its operation is {operation}, only 0 (call) is \
         allowed"
    )]
    Operation {
        /// Its place, from 0.
        index: usize,
        operation: u8,
    },
    /// Lengths that do not consume the batch exactly.
    #[error("cannot read call {index} of the batch: it runs past the end")]
    CutOff {
        /// Its place, from 0.
        index: usize,
    },
}

impl InnerCall {
    /// Whether recipient, value and calldata are equal; notes are ignored.
    pub fn same_call(&self, other: &Self) -> bool {
        self.to == other.to && self.value == other.value && self.data == other.data
    }
}

/// The Safe transaction that runs `calls` in order, all or nothing, through MultiSendCallOnly.
///
/// # Errors
/// If the batch is empty or too large, or a call goes to the zero address.
pub fn batch_to_safe_tx(calls: &[InnerCall], nonce: u64) -> Result<SafeTx, BatchError> {
    Ok(SafeTx {
        to: MULTI_SEND_CALL_ONLY,
        value: U256::ZERO,
        data: encode_multi_send(calls)?,
        operation: Operation::DelegateCall,
        nonce,
    })
}

/// `multiSend(bytes)` calldata.
///
/// # Errors
/// See [`batch_to_safe_tx`].
pub fn encode_multi_send(calls: &[InnerCall]) -> Result<Bytes, BatchError> {
    check_calls(calls)?;
    let mut packed = Vec::new();
    for call in calls {
        packed.push(Operation::Call.code());
        packed.extend_from_slice(call.to.as_slice());
        packed.extend_from_slice(&call.value.to_be_bytes::<32>());
        packed.extend_from_slice(&U256::from(call.data.len()).to_be_bytes::<32>());
        packed.extend_from_slice(&call.data);
    }
    let data = abi::multiSendCall { transactions: packed.into() }.abi_encode();
    check_length(&data)?;
    Ok(data.into())
}

/// The calls that are packed in the argument of `multiSend`, with empty notes. Strict: what this
/// returns packs to exactly these bytes again.
///
/// # Errors
/// If the bytes are anything but plain calls.
pub(crate) fn unpack_multi_send(packed: &[u8]) -> Result<Vec<InnerCall>, BatchError> {
    let mut rest = packed;
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (inner, after) = decode_one(rest, calls.len())?;
        calls.push(inner);
        rest = after;
        if calls.len() > BATCH_CALLS_MAX {
            return Err(BatchError::TooManyCalls);
        }
    }
    check_calls(&calls)?;
    Ok(calls)
}

fn decode_one(bytes: &[u8], index: usize) -> Result<(InnerCall, &[u8]), BatchError> {
    let cut_off = BatchError::CutOff { index };
    let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(cut_off);
    };
    if header[0] != Operation::Call.code() {
        return Err(BatchError::Operation { index, operation: header[0] });
    }
    let length = usize::try_from(U256::from_be_slice(&header[53..85])).unwrap_or(usize::MAX);
    let Some((data, rest)) = rest.split_at_checked(length) else {
        return Err(cut_off);
    };
    let call = InnerCall {
        to: Address::from_slice(&header[1..21]),
        value: U256::from_be_slice(&header[21..53]),
        data: Bytes::copy_from_slice(data),
        note: String::new(),
    };
    Ok((call, rest))
}

fn check_calls(calls: &[InnerCall]) -> Result<(), BatchError> {
    if calls.is_empty() {
        return Err(BatchError::Empty);
    }
    if calls.len() > BATCH_CALLS_MAX {
        return Err(BatchError::TooManyCalls);
    }
    match calls.iter().position(|call| call.to.is_zero()) {
        Some(index) => Err(BatchError::ZeroTarget { index }),
        None => Ok(()),
    }
}

const fn check_length(data: &[u8]) -> Result<(), BatchError> {
    if data.len() > SAFE_TX_DATA_BYTES_MAX {
        return Err(BatchError::TooLong { bytes: data.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256, bytes, hex};
    use tidegate_model::ChainId;

    use super::*;

    fn call(to: u8, value: u64, data: &[u8]) -> InnerCall {
        let to = Address::with_last_byte(to);
        let data = Bytes::copy_from_slice(data);
        InnerCall { to, value: U256::from(value), data, note: String::new() }
    }

    fn vector() -> (Vec<InnerCall>, Bytes) {
        let calls = vec![call(0xbb, 0, &hex!("deadbeef")), call(0xcc, 1, &[])];
        let data = bytes!(
            "8d80ff0a"
            "0000000000000000000000000000000000000000000000000000000000000020"
            "00000000000000000000000000000000000000000000000000000000000000ae"
            "0000000000000000000000000000000000000000bb"
            "0000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000004deadbeef"
            "0000000000000000000000000000000000000000cc"
            "0000000000000000000000000000000000000000000000000000000000000001"
            "0000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000000000000000000000000"
        );
        (calls, data)
    }

    fn unpacked(calldata: &[u8]) -> Result<Vec<InnerCall>, BatchError> {
        unpack_multi_send(&abi::multiSendCall::abi_decode(calldata).unwrap().transactions)
    }

    #[test]
    fn the_vector_packs_unpacks_and_hashes() {
        let (calls, data) = vector();
        let tx = batch_to_safe_tx(&calls, 7).unwrap();
        assert_eq!(tx.data, data);
        assert_eq!(unpacked(&data).unwrap(), calls);
        let safe = address!("E1f5498A6D5D4aE82e420C256dA066743CA4b7d9");
        assert_eq!(
            tx.message_hash().0,
            b256!("3a43109f2d98f985a67520b1e045fcaa7f6462008d0e2ef3733069c860b18d1d")
        );
        assert_eq!(
            tx.hash(ChainId(31337), safe).0,
            b256!("14ab55c8f1d30b69d14361f4d40697de36bf44ab41dfc0cf2570aab2dc3d8d9b")
        );
    }

    /// The offset of the first inner call: selector, offset, length.
    const FIRST: usize = 4 + 32 + 32;

    #[test]
    fn only_the_one_encoding_is_read() {
        type Case = (&'static str, fn(&mut Vec<u8>), BatchError);
        let cases: [Case; 6] = [
            (
                "delegate call inside",
                |d| d[FIRST] = 1,
                BatchError::Operation { index: 0, operation: 1 },
            ),
            (
                "unknown operation",
                |d| d[FIRST] = 9,
                BatchError::Operation { index: 0, operation: 9 },
            ),
            ("zero target", |d| d[FIRST + 20] = 0, BatchError::ZeroTarget { index: 0 }),
            (
                "longer data than there is",
                |d| d[FIRST + 84] = 0xff,
                BatchError::CutOff { index: 0 },
            ),
            ("length of 2^255", |d| d[FIRST + 53] = 0x80, BatchError::CutOff { index: 0 }),
            ("shorter batch", |d| d[67] -= 1, BatchError::CutOff { index: 1 }),
        ];
        for (name, change, expected) in cases {
            let mut data = vector().1.to_vec();
            change(&mut data);
            assert_eq!(unpacked(&data), Err(expected), "{name}");
        }
    }

    #[test]
    fn what_is_not_packed() {
        let large = vec![0; SAFE_TX_DATA_BYTES_MAX];
        let cases = [
            (vec![], BatchError::Empty),
            (vec![call(1, 0, &[]), call(0, 0, &[])], BatchError::ZeroTarget { index: 1 }),
            (vec![call(1, 0, &[]); BATCH_CALLS_MAX + 1], BatchError::TooManyCalls),
            (vec![call(1, 0, &large)], BatchError::TooLong { bytes: large.len() + 68 + 96 }),
        ];
        for (calls, expected) in cases {
            assert_eq!(encode_multi_send(&calls), Err(expected));
        }
    }

    #[test]
    fn as_much_fits_as_is_allowed() {
        let calls = vec![call(1, 0, &[]); BATCH_CALLS_MAX];
        let packed = encode_multi_send(&calls).unwrap();
        assert!(packed.len() <= SAFE_TX_DATA_BYTES_MAX);
    }

    #[test]
    fn calls_are_the_same_whatever_their_notes_say() {
        let one = call(1, 2, b"abc");
        let noted = InnerCall { note: "pays".to_owned(), ..one.clone() };
        assert!(one.same_call(&noted) && noted.same_call(&one));
        for other in [call(9, 2, b"abc"), call(1, 9, b"abc"), call(1, 2, b"abd")] {
            assert!(!one.same_call(&other), "{other:?}");
        }
    }
}
