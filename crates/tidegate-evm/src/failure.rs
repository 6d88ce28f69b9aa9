//! Why a call failed, decoded.

use std::fmt;

use alloy_primitives::{Bytes, Selector, U256};
use alloy_sol_types::{Panic, Revert, SolError};
use revm::interpreter::InstructionResult;
use tidegate_model::units::counted;

/// The most bytes of a contract's revert data that are kept. The data is a stranger's text.
const REVERT_DATA_BYTES_MAX: usize = 4096;

/// The way in which a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It executed `REVERT`.
    Revert(RevertReason),
    /// It could not go on.
    Halt(Halt),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revert(reason) => write!(f, "{reason}"),
            Self::Halt(halt) => write!(f, "{halt}"),
        }
    }
}

/// The data of a `REVERT`. The text is the contract's, not ours: [`fmt::Display`] escapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertReason {
    /// No data.
    Empty,
    /// `Error(string)`.
    Text(String),
    /// `Panic(uint256)`.
    Panic(U256),
    /// An error that the contract defines; whoever has its ABI can name it.
    Custom {
        /// The first four bytes.
        selector: Selector,
        /// Everything, selector included, cut at 4096 bytes.
        data: Bytes,
        /// Its name with its values, where an ABI is known that has it.
        name: Option<String>,
    },
    /// Anything else, cut at 4096 bytes.
    Raw(Bytes),
}

impl RevertReason {
    /// Decodes the data of a `REVERT`.
    pub(crate) fn decode(data: &[u8]) -> Self {
        let kept = &data[..data.len().min(REVERT_DATA_BYTES_MAX)];
        if data.is_empty() {
            return Self::Empty;
        }
        if let Ok(revert) = Revert::abi_decode(kept) {
            return Self::Text(revert.reason);
        }
        if let Ok(panic) = Panic::abi_decode(kept) {
            return Self::Panic(panic.code);
        }
        let raw = Bytes::copy_from_slice(kept);
        match kept.first_chunk::<4>() {
            Some(_) if matches!(kept.first_chunk(), Some(&Revert::SELECTOR | &Panic::SELECTOR)) => {
                Self::Raw(raw)
            }
            Some(selector) => {
                Self::Custom { selector: Selector::from(*selector), data: raw, name: None }
            }
            None => Self::Raw(raw),
        }
    }
}

impl fmt::Display for RevertReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("reverted without a reason"),
            Self::Text(text) => write!(f, "reverted: \"{}\"", text.escape_debug()),
            Self::Panic(code) => write!(f, "panicked with {code:#04x} ({})", panic_name(*code)),
            Self::Custom { name: Some(name), .. } => write!(f, "reverted with {name}"),
            Self::Custom { selector, .. } => write!(f, "reverted with custom error {selector}"),
            Self::Raw(data) => write!(f, "reverted with {} of data", counted(data.len(), "byte")),
        }
    }
}

/// The meaning of a Solidity panic code.
fn panic_name(code: U256) -> &'static str {
    match u8::try_from(code).unwrap_or(u8::MAX) {
        0x00 => "generic",
        0x01 => "assertion failed",
        0x11 => "arithmetic overflow",
        0x12 => "division by zero",
        0x21 => "value is no member of the enum",
        0x22 => "storage byte array is badly encoded",
        0x31 => "pop of an empty array",
        0x32 => "index out of bounds",
        0x41 => "too much memory",
        0x51 => "call of an uninitialised function",
        _ => "unknown code",
    }
}

/// An exceptional halt: all gas is consumed and no data is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The gas ran out.
    OutOfGas,
    /// The balance does not cover the value.
    OutOfFunds,
    /// The code is larger than EIP-170 allows.
    CodeTooLarge,
    /// The initcode is larger than EIP-3860 allows.
    InitCodeTooLarge,
    /// The code starts with `0xef`.
    CodeStartsWithEf,
    /// There is a contract at the address already.
    Collision,
    /// A static call tried to change state.
    WriteInStaticCall,
    /// The instruction does not exist, or not yet on this chain.
    BadOpcode,
    /// The jump goes nowhere.
    BadJump,
    /// The stack is too full or too empty.
    Stack,
    /// More than 1024 calls deep.
    TooDeep,
    /// A precompile refused its input.
    Precompile,
    /// Something rarer.
    Other,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfGas => "ran out of gas",
            Self::OutOfFunds => "has too little balance for the value",
            Self::CodeTooLarge => "leaves more than 24576 bytes of code",
            Self::InitCodeTooLarge => "has more than 49152 bytes of initcode",
            Self::CodeStartsWithEf => "leaves code that starts with 0xef",
            Self::Collision => "finds a contract at the address already",
            Self::WriteInStaticCall => "changes state in a static call",
            Self::BadOpcode => "has an instruction that does not exist on this chain",
            Self::BadJump => "jumps nowhere",
            Self::Stack => "overflows or underflows the stack",
            Self::TooDeep => "is more than 1024 calls deep",
            Self::Precompile => "is a precompile call with bad input",
            Self::Other => "stopped abnormally",
        })
    }
}

/// The failure behind an interpreter's result; `None` for a success.
pub(crate) fn failure(result: InstructionResult, output: &[u8]) -> Option<Failure> {
    use InstructionResult as R;
    if result.is_ok() {
        return None;
    }
    if result == R::Revert {
        return Some(Failure::Revert(RevertReason::decode(output)));
    }
    Some(Failure::Halt(match result {
        R::OutOfGas
        | R::MemoryOOG
        | R::MemoryLimitOOG
        | R::PrecompileOOG
        | R::InvalidOperandOOG
        | R::ReentrancySentryOOG => Halt::OutOfGas,
        R::OutOfFunds => Halt::OutOfFunds,
        R::CreateContractSizeLimit => Halt::CodeTooLarge,
        R::CreateInitCodeSizeLimit => Halt::InitCodeTooLarge,
        R::CreateContractStartingWithEF | R::CreateInitCodeStartingEF00 => Halt::CodeStartsWithEf,
        R::CreateCollision => Halt::Collision,
        R::StateChangeDuringStaticCall | R::CallNotAllowedInsideStatic => Halt::WriteInStaticCall,
        R::OpcodeNotFound | R::InvalidFEOpcode | R::NotActivated => Halt::BadOpcode,
        R::InvalidJump => Halt::BadJump,
        R::StackUnderflow | R::StackOverflow => Halt::Stack,
        R::CallTooDeep => Halt::TooDeep,
        R::PrecompileError => Halt::Precompile,
        _ => Halt::Other,
    }))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn revert_data_is_decoded() {
        let text = RevertReason::Text("not \"owner\"".to_owned());
        let encoded = Revert::from("not \"owner\"").abi_encode();
        let custom = hex!("82b42900").to_vec();
        let cases = [
            (Vec::new(), RevertReason::Empty, "reverted without a reason"),
            (encoded.clone(), text, r#"reverted: "not \"owner\"""#),
            (
                Panic::from(0x11).abi_encode(),
                RevertReason::Panic(U256::from(0x11)),
                "panicked with 0x11 (arithmetic overflow)",
            ),
            (
                custom.clone(),
                RevertReason::Custom {
                    selector: Selector::from(hex!("82b42900")),
                    data: custom.into(),
                    name: None,
                },
                "reverted with custom error 0x82b42900",
            ),
            // A text whose length lies, and data too short for a selector.
            (
                encoded[..36].to_vec(),
                RevertReason::Raw(Bytes::copy_from_slice(&encoded[..36])),
                "reverted with 36 bytes of data",
            ),
            (
                vec![1, 2, 3],
                RevertReason::Raw(Bytes::from(vec![1, 2, 3])),
                "reverted with 3 bytes of data",
            ),
        ];
        for (data, reason, written) in cases {
            assert_eq!(RevertReason::decode(&data), reason, "{written}");
            assert_eq!(reason.to_string(), written);
        }
    }

    #[test]
    fn long_revert_data_is_cut() {
        let RevertReason::Custom { data, .. } = RevertReason::decode(&[7; 10_000]) else {
            panic!("four bytes of 7 are a custom error");
        };
        assert_eq!(data.len(), REVERT_DATA_BYTES_MAX);
    }
}
