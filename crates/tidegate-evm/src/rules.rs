//! Whether a chain has the rules of local execution, as far as code rests on them.
//!
//! Local execution has mainnet's newest rules, and nothing on a chain says which ones it has. So it
//! is asked: one creation that is never sent tries each precompile that was called, with the same
//! input, and each newer opcode. It runs here and, by `eth_call`, there. All of it but what is
//! tried is as old as the rules allow, and answers a word for each trial.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::bytecode::opcode::{MCOPY, OpCode, SELFDESTRUCT};
use tidegate_model::ports::{AccountState, StateView};
use tidegate_model::units::counted;
use tidegate_model::{BlockRef, ChainId, Head};

use crate::env::Env;
use crate::error::EvmError;
use crate::relied::{Relied, TRIAL_GAS_MIN};
use crate::sandbox::Sandbox;
use crate::tx::Tx;

/// The gas that a trial creation is run with, here and on the chain.
pub const PROBE_GAS: u64 = 15_000_000;
/// The gas that a trial takes beside what is tried, and for each byte of its data.
const TRIAL_GAS: u64 = 60_000;
const BYTE_GAS: u64 = 60;
/// The most trials of one creation, and the most bytes of their data; initcode may have 49,152.
const TRIALS_MAX: usize = 64;
const DATA_BYTES_MAX: usize = 36_000;
/// The most words that an opcode takes from the stack.
const OPERANDS_MAX: usize = 17;

/// One thing that a chain is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// Whether it has an opcode.
    Opcode(u8),
    /// What an address of the chain's own answers.
    Call {
        to: Address,
        input: Bytes,
        /// The gas that it may take.
        gas: u64,
    },
}

/// A creation that asks a chain for its rules, and what it answers under those of here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The initcode, for an `eth_call` without recipient and with [`PROBE_GAS`].
    pub initcode: Bytes,
    trials: Vec<Trial>,
    answer: Bytes,
}

impl Relied {
    /// The creations that ask a chain for all of it.
    ///
    /// # Errors
    /// [`EvmError::Incomparable`] where an input is too long.
    pub fn probes(&self) -> Result<Vec<Probe>, EvmError> {
        let opcodes = self.opcodes.iter().map(|opcode| Trial::Opcode(*opcode));
        let calls = self.calls.iter().map(|((to, input), gas)| {
            let (to, input, gas) = (*to, input.clone(), *gas);
            Trial::Call { to, input, gas }
        });
        let (mut probes, mut open, mut bytes, mut gas) = (Vec::new(), Vec::new(), 0, 0);
        for trial in opcodes.chain(calls) {
            let (more_bytes, more_gas) = trial.weight();
            if more_bytes > DATA_BYTES_MAX {
                return Err(EvmError::Incomparable { trial: trial.to_string() });
            }
            let is_full = open.len() == TRIALS_MAX
                || bytes + more_bytes > DATA_BYTES_MAX
                || gas + more_gas > PROBE_GAS - 2_000_000;
            if is_full && !open.is_empty() {
                probes.push(Probe::new(std::mem::take(&mut open))?);
                (bytes, gas) = (0, 0);
            }
            (bytes, gas) = (bytes + more_bytes, gas + more_gas);
            open.push(trial);
        }
        if !open.is_empty() {
            probes.push(Probe::new(open)?);
        }
        Ok(probes)
    }
}

impl Trial {
    fn data(&self) -> Vec<u8> {
        match self {
            Self::Call { input, .. } => input.to_vec(),
            Self::Opcode(opcode) => creating(&trying(*opcode)),
        }
    }

    fn weight(&self) -> (usize, u64) {
        let bytes = self.data().len();
        let gas = match self {
            Self::Call { gas, .. } => *gas,
            Self::Opcode(_) => TRIAL_GAS_MIN,
        };
        (bytes, gas + TRIAL_GAS + BYTE_GAS * bytes as u64)
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opcode(SELFDESTRUCT) => {
                f.write_str("SELFDESTRUCT as it is since Cancun (probed by MCOPY)")
            }
            Self::Opcode(opcode) => match OpCode::new(*opcode) {
                Some(known) => write!(f, "the opcode {known} ({opcode:#04x})"),
                None => write!(f, "the opcode {opcode:#04x}"),
            },
            Self::Call { to, input, .. } => {
                let given = counted(input.len(), "byte");
                write!(f, "the precompile {to} with the {given} that it is given")
            }
        }
    }
}

impl Probe {
    fn new(trials: Vec<Trial>) -> Result<Self, EvmError> {
        let initcode: Bytes = initcode(&trials).into();
        let answer = run(&initcode, Env::at(ChainId(1), Nowhere::HEAD))?;
        Ok(Self { initcode, trials, answer })
    }

    /// The trials in which the chain that gave this answer differs from local execution; all of
    /// them if the answer has another length.
    pub fn differences(&self, answer: &[u8]) -> Vec<&Trial> {
        let words = |bytes: &[u8]| bytes.chunks(32).skip(1).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (own, other) = (words(&self.answer), words(answer));
        let has = self.answer.len() == answer.len();
        let trials = self.trials.iter().enumerate();
        let differs = |(at, _): &(usize, &Trial)| !has || own.get(*at) != other.get(*at);
        trials.filter(differs).map(|(_, trial)| trial).collect()
    }
}

/// Code that goes on if there is this opcode.
fn trying(opcode: u8) -> Vec<u8> {
    let opcode = if opcode == SELFDESTRUCT { MCOPY } else { opcode };
    let mut code = [0x60, 0x00].repeat(OPERANDS_MAX);
    code.extend([opcode, 0x00]);
    code
}

/// Initcode that leaves this code.
fn creating(runtime: &[u8]) -> Vec<u8> {
    let length = u8::try_from(runtime.len()).expect("a trial is short");
    // PUSH1 length, DUP1, PUSH1 11, PUSH1 0, CODECOPY, PUSH1 0, RETURN
    let copy = [0x60, length, 0x80, 0x60, 0x0b, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3];
    [&copy[..], runtime].concat()
}

/// Initcode of all trials: the word of each behind a word of zeros, since no code may begin with
/// `0xef`.
fn initcode(trials: &[Trial]) -> Vec<u8> {
    let data: Vec<_> = trials.iter().map(Trial::data).collect();
    let words = trials.len() + 1;
    let assemble = |mut at: usize| {
        let mut code = Vec::new();
        for (index, (trial, data)) in trials.iter().zip(&data).enumerate() {
            emit(&mut code, trial, (at, data.len()), (index + 1, words));
            at += data.len();
        }
        push(&mut code, 32 * words as u64);
        code.extend([0x60, 0x00, 0xf3]);
        code
    };
    let length = assemble(0).len();
    [assemble(length), data.concat()].concat()
}

/// One trial: its data from here in the code, its answer to this word of so many; behind those is
/// room. Every number takes four bytes, so that the length is known before.
fn emit(code: &mut Vec<u8>, trial: &Trial, (at, length): (usize, usize), places: (usize, usize)) {
    let (word, room) = (32 * places.0 as u64, 32 * places.1 as u64);
    let (at, length) = (at as u64, length as u64);
    // CODECOPY(room, at, length)
    [length, at, room].into_iter().for_each(|number| push(code, number));
    code.push(0x39);
    match trial {
        Trial::Opcode(_) => {
            // CALL(gas, CREATE(0, room, length), 0, 0, 0, 0, 0)
            code.extend([0x60, 0x00].repeat(5));
            [length, room, 0].into_iter().for_each(|number| push(code, number));
            code.push(0xf0);
            push(code, TRIAL_GAS_MIN);
            code.push(0xf1);
        }
        Trial::Call { to, gas, .. } => {
            // STATICCALL(gas, to, room, length, 0, 0), then the hash of its success and answer.
            [0, 0, length, room].into_iter().for_each(|number| push(code, number));
            code.push(0x73);
            code.extend(to.as_slice());
            push(code, *gas);
            code.push(0xfa);
            push(code, room);
            code.push(0x52);
            // RETURNDATACOPY(room + 32, 0, RETURNDATASIZE)
            code.extend([0x3d, 0x60, 0x00]);
            push(code, room + 32);
            code.push(0x3e);
            // KECCAK256(room, RETURNDATASIZE + 32)
            code.extend([0x3d, 0x60, 0x20, 0x01]);
            push(code, room);
            code.push(0x20);
        }
    }
    push(code, word);
    code.push(0x52);
}

fn push(code: &mut Vec<u8>, number: u64) {
    code.push(0x63);
    code.extend(u32::try_from(number).expect("offsets and gas are small").to_be_bytes());
}

/// The answer of a trial creation under these rules.
fn run(initcode: &Bytes, env: Env) -> Result<Bytes, EvmError> {
    let mut sandbox = Sandbox::new(&Nowhere, env);
    let tx = Tx { gas_limit: PROBE_GAS, ..Tx::create(Address::ZERO, initcode.clone()) };
    Ok(sandbox.transact(&tx)?.output)
}

/// A chain on which nothing is.
struct Nowhere;

impl Nowhere {
    const HEAD: Head = Head { block: BlockRef { number: 1, hash: B256::ZERO }, timestamp: 1 };
}

impl StateView for Nowhere {
    fn account(&self, _: Address) -> Option<AccountState> {
        Some(AccountState::default())
    }

    fn slot(&self, _: Address, _: U256) -> Option<U256> {
        Some(U256::ZERO)
    }

    fn block_hash(&self, number: u64) -> Option<B256> {
        Some(keccak256(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, hex};

    use super::*;
    use crate::env::EvmVersion;

    const P256: Address = address!("0000000000000000000000000000000000000100");
    const SHA256: Address = address!("0000000000000000000000000000000000000002");
    const PAIRING_G1: Address = address!("000000000000000000000000000000000000000b");
    const MODEXP: Address = address!("0000000000000000000000000000000000000005");

    fn named(relied: &Relied, evm: EvmVersion) -> Vec<String> {
        let env = Env { evm, ..Env::at(ChainId(1), Nowhere::HEAD) };
        let mut named = Vec::new();
        for probe in relied.probes().unwrap() {
            assert_eq!(probe.differences(&probe.answer), Vec::<&Trial>::new());
            let answer = run(&probe.initcode, env.clone()).unwrap();
            assert_eq!(answer.len(), probe.answer.len());
            named.extend(probe.differences(&answer).into_iter().map(Trial::to_string));
        }
        named
    }

    fn calls<const N: usize>(calls: [(Address, &[u8]); N]) -> Relied {
        let calls = calls.map(|(to, input)| ((to, Bytes::copy_from_slice(input)), 1_000_000));
        Relied { calls: calls.into(), ..Relied::default() }
    }

    #[test]
    fn an_older_chain_is_told_by_what_it_lacks() {
        let opcodes = [0x5f, 0x5c, 0x5d, MCOPY, 0x1e, 0x0c, SELFDESTRUCT, 0x49, 0x4a];
        let opcodes = Relied { opcodes: opcodes.into(), ..Relied::default() };
        let lacking = |evm| named(&opcodes, evm).len();
        assert_eq!(named(&opcodes, EvmVersion::Prague), ["the opcode CLZ (0x1e)"]);
        assert_eq!(lacking(EvmVersion::Cancun), 1);
        assert_eq!(lacking(EvmVersion::Shanghai), 7, "{:?}", named(&opcodes, EvmVersion::Shanghai));
        assert_eq!(lacking(EvmVersion::Paris), 8);
        assert_eq!(lacking(EvmVersion::Osaka), 0);
    }

    #[test]
    fn a_precompile_is_asked_with_the_same_input() {
        // A signature that is none answers nothing, as an address without code does.
        let valid = hex!(
            "bb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023"
            "2ba3a8be6b94d5ec80a6d9d1190a436effe50d85a1eee859b8cc6af9bd5c2e18"
            "4cd60b855d442f5b3c7b11eb6c4e0ae7525fe710fab9aa7c77a67f79e6fadd76"
            "2927b10512bae3eddcfe467828128bad2903269919f7086069c8c4df6c732838"
            "c7787964eaac00e5921fb1498a60f4606766b3d9685001558d1a974e7341513e"
        );
        let all = calls([(P256, &valid), (P256, &[7; 160]), (SHA256, b"abc")]);
        let said = named(&all, EvmVersion::Prague);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with(&format!("the precompile {P256} with the 160 bytes")));
        assert_eq!(named(&all, EvmVersion::Osaka), Vec::<String>::new());
        // A sum on the curve, which fails where it is given too little, and has to be there.
        let sum = calls([(PAIRING_G1, &[0; 256])]);
        assert_eq!(named(&sum, EvmVersion::Cancun).len(), 1);
        assert_eq!(named(&sum, EvmVersion::Prague).len(), 0);
    }

    #[test]
    fn a_price_that_the_call_cannot_pay_shows() {
        // 3 ** 5 mod 7: since Osaka it takes 500 gas instead of 200.
        let one = |number: u8| [&[0; 31][..], &[number]].concat();
        let input = [one(1), one(1), one(1), vec![3, 5, 7]].concat();
        let mut relied = calls([(MODEXP, &input)]);
        assert_eq!(named(&relied, EvmVersion::Prague).len(), 0);
        relied.calls.values_mut().for_each(|gas| *gas = 300);
        assert_eq!(named(&relied, EvmVersion::Prague).len(), 1);
        assert_eq!(Relied::trial_gas(300, 200), 300);
        assert_eq!(Relied::trial_gas(9_000_000, 200), TRIAL_GAS_MIN);
    }

    #[test]
    fn many_trials_take_several_creations() {
        let inputs = (0..200u64).map(|n| ((SHA256, Bytes::from(vec![7; 300 + n as usize])), 1_000));
        let relied = Relied { calls: inputs.collect(), ..Relied::default() };
        let probes = relied.probes().unwrap();
        assert!(probes.len() > 1);
        assert!(probes.iter().all(|probe| probe.initcode.len() < 49_152));
        assert_eq!(probes.iter().map(|probe| probe.trials.len()).sum::<usize>(), 200);
        assert!(probes.iter().all(|probe| probe.differences(&[]).len() == probe.trials.len()));
        assert!(calls([(SHA256, &[1; 40_000])]).probes().is_err());
        assert_eq!(Relied::default().probes().unwrap(), Vec::new());
    }
}
