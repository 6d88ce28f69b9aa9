//! Watches calls: finds the path to a failure and who reaches what, and makes room for what is
//! being created.

use alloy_primitives::{Address, Bytes, Selector, U256, keccak256};
use revm::bytecode::opcode::OpCode;
use revm::context_interface::{ContextTr, JournalTr};
use revm::inspector::Inspector;
use revm::interpreter::interpreter_types::{Jumps, MemoryTr};
use revm::interpreter::{
    CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, Interpreter,
    InterpreterResult,
};

use crate::call::{CallKind, FailedCall, Reached};
use crate::code::is_newer;
use crate::db::SimContext;
use crate::failure::failure;
use crate::gas_use::GasUse;
use crate::outcome::{Asked, Look, Made, Part, Seen};
use crate::relied::Relied;

/// The calls that are open, and the path to the last failure.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Whether an address that is about to be created counts as empty, so that the expected
    /// code of a contract which is there already can be computed.
    pub(crate) vacate: bool,
    watched: Vec<Address>,
    reached: Vec<Reached>,
    open: Vec<Open>,
    trail: Vec<FailedCall>,
    /// What was looked at.
    pub(crate) seen: Seen,
    /// How much input of the chain's own addresses is kept.
    input_bytes: usize,
    /// Every creation that was begun, in order.
    pub(crate) made: Vec<Made>,
}

/// The most of each kind that is kept of one run.
const SEEN_MAX: usize = 1 << 14;
/// The longest preimage of a hash that is kept: the key of a mapping is a word or a short text.
const PREIMAGE_BYTES_MAX: usize = 256;

/// The most bytes of input that calls of the chain's own addresses are kept with.
const INPUT_BYTES_MAX: usize = 1 << 18;

const SUB: u8 = 0x03;
const LT: u8 = 0x10;
const EQ: u8 = 0x14;
const XOR: u8 = 0x18;
const KECCAK256: u8 = 0x20;
const BALANCE: u8 = 0x31;
const ORIGIN: u8 = 0x32;
const GASPRICE: u8 = 0x3a;
const EXTCODESIZE: u8 = 0x3b;
const EXTCODECOPY: u8 = 0x3c;
const EXTCODEHASH: u8 = 0x3f;
const SELFBALANCE: u8 = 0x47;
const BLOBHASH: u8 = 0x49;
/// `BLOCKHASH`, `COINBASE`, `PREVRANDAO`, `GASLIMIT`, `BASEFEE` and `BLOBBASEFEE`.
const OF_THE_BLOCK: [u8; 6] = [0x40, 0x41, 0x44, 0x45, 0x48, 0x4a];
const SLOAD: u8 = 0x54;
const SSTORE: u8 = 0x55;

#[derive(Debug)]
struct Open {
    kind: CallKind,
    from: Address,
    to: Address,
    /// The account whose storage it works on.
    context: Address,
    value: U256,
    selector: Option<Selector>,
    /// What a call of the chain's own address is given.
    input: Option<Bytes>,
    /// Where it has what gas is left.
    gas: GasUse,
    /// The path to the failure of the last call made from here, innermost first; empty where
    /// that call succeeded.
    last: Vec<FailedCall>,
}

impl Trace {
    pub(crate) fn new(vacate: bool, watched: Vec<Address>) -> Self {
        Self { vacate, watched, ..Self::default() }
    }

    /// The path to the failure, outermost first, the calls that reached what is watched, and what
    /// was created.
    pub(crate) fn finish(mut self) -> (Vec<FailedCall>, Vec<Reached>, Vec<Made>) {
        self.trail.reverse();
        (self.trail, self.reached, self.made)
    }

    /// Notes that the code that runs now looks at an account.
    fn look(&mut self, at: Address, part: Part) {
        let Some(Open { to, context, .. }) = self.open.last() else { return };
        for from in [*to, *context] {
            if self.seen.looks.len() < SEEN_MAX {
                self.seen.looks.insert(Look { from, at, part });
            } else {
                self.seen.is_cut = true;
            }
        }
    }

    /// Notes what needs no operand.
    fn ask(&mut self, opcode: u8) {
        let Some(Open { to, context, .. }) = self.open.last() else { return };
        let (to, context) = (*to, *context);
        let asked = match opcode {
            ORIGIN => Asked::Origin,
            GASPRICE => Asked::GasPrice,
            BLOBHASH => Asked::Blobs,
            _ if OF_THE_BLOCK.contains(&opcode) => Asked::Block,
            SELFBALANCE => return self.look(context, Part::Balance),
            _ => return,
        };
        self.seen.asked.extend([(to, asked), (context, asked)]);
    }

    /// Follows what becomes of the gas that is left.
    fn follow_gas(&mut self, opcode: u8, height: usize) {
        let Some(open) = self.open.last_mut() else { return };
        let inputs = OpCode::new(opcode).map_or(0, |known| usize::from(known.inputs()));
        if open.gas.step(opcode, inputs, height) {
            self.seen.asked.extend([(open.to, Asked::Gas), (open.context, Asked::Gas)]);
        }
    }

    /// Keeps what a call of the chain's own address was given, and the gas to try it with.
    fn rely(&mut self, to: Address, input: Bytes, result: &InterpreterResult) {
        self.input_bytes += input.len();
        if self.input_bytes > INPUT_BYTES_MAX {
            self.seen.is_cut = true;
            return;
        }
        let gas = Relied::trial_gas(result.gas.limit(), result.gas.total_gas_spent());
        let kept = self.seen.relied.calls.entry((to, input)).or_insert(gas);
        *kept = gas.min(*kept);
    }

    fn close(&mut self, result: &InterpreterResult) {
        let Some(open) = self.open.pop() else { return };
        let Open { kind, from, to, value, selector, input, last, .. } = open;
        if let Some(input) = input {
            self.rely(to, input, result);
        }
        let trail = match failure(result.result, &result.output) {
            None => Vec::new(),
            Some(failure) => {
                let mut trail = last;
                trail.push(FailedCall { kind, from, to, value, selector, failure });
                trail
            }
        };
        match self.open.last_mut() {
            Some(parent) => parent.last = trail,
            None => self.trail = trail,
        }
    }
}

impl<'s> Inspector<SimContext<'s>> for Trace {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut SimContext<'s>) {
        let opcode = interpreter.bytecode.opcode();
        self.ask(opcode);
        if is_newer(opcode) {
            self.seen.relied.opcodes.insert(opcode);
        }
        let stack = interpreter.stack.data();
        self.follow_gas(opcode, stack.len());
        let top = |index: usize| stack.len().checked_sub(index + 1).map(|at| stack[at]);
        let Some(first) = top(0) else { return };
        match opcode {
            SLOAD if self.seen.slots.len() < SEEN_MAX => {
                self.seen.slots.insert((interpreter.input.target_address, first));
            }
            SSTORE if self.seen.written.len() < SEEN_MAX => {
                self.seen.written.insert((interpreter.input.target_address, first));
            }
            SLOAD | SSTORE => self.seen.is_cut = true,
            BALANCE => self.look(Address::from_word(first.into()), Part::Balance),
            EXTCODESIZE | EXTCODECOPY | EXTCODEHASH => {
                self.look(Address::from_word(first.into()), Part::Code);
            }
            SUB | LT..=EQ | XOR if self.seen.compared.len() < SEEN_MAX => {
                let second = top(1).filter(|second| *second != first);
                self.seen.compared.extend(second.map(|second| (first, second)));
            }
            KECCAK256 if self.seen.hashes.len() < SEEN_MAX => {
                let length = top(1).and_then(|length| usize::try_from(length).ok());
                let length = length.filter(|length| *length <= PREIMAGE_BYTES_MAX);
                let (Some(length), Ok(start)) = (length, usize::try_from(first)) else { return };
                // What the memory does not reach yet is zero.
                let (from, to) = (start, start.saturating_add(length));
                let size = interpreter.memory.size();
                let mut bytes = interpreter.memory.slice(from.min(size)..to.min(size)).to_vec();
                bytes.resize(length, 0);
                self.seen.hashes.insert(U256::from_be_bytes(keccak256(&bytes).0), bytes.into());
            }
            KECCAK256 => self.seen.is_cut = true,
            _ => {}
        }
    }

    fn call(
        &mut self,
        context: &mut SimContext<'s>,
        inputs: &mut CallInputs,
    ) -> Option<CallOutcome> {
        let kind = match inputs.scheme {
            CallScheme::Call => CallKind::Call,
            CallScheme::CallCode | CallScheme::DelegateCall => CallKind::Delegate,
            CallScheme::StaticCall => CallKind::Static,
        };
        let from = match kind {
            CallKind::Delegate => inputs.target_address,
            _ => inputs.caller,
        };
        let (selector, input) = {
            let input = inputs.input.as_bytes(context);
            let is_chains_own = Relied::is_chains_own(inputs.bytecode_address);
            let given = is_chains_own.then(|| Bytes::copy_from_slice(&input));
            (input.first_chunk::<4>().map(Selector::from), given)
        };
        let (to, value) = (inputs.bytecode_address, inputs.call_value());
        self.look(to, Part::Runs);
        let context = inputs.target_address;
        if kind == CallKind::Delegate && self.seen.borrowed.len() < SEEN_MAX {
            self.seen.borrowed.insert((context, to));
        }
        if self.watched.contains(&to) {
            let (depth, is_static) = (self.open.len(), inputs.is_static);
            self.reached.push(Reached { depth, kind, from, to, selector, is_static });
        }
        self.open.push(Open {
            kind,
            from,
            to,
            context,
            value,
            selector,
            input,
            gas: GasUse::default(),
            last: Vec::new(),
        });
        None
    }

    fn call_end(&mut self, _: &mut SimContext<'s>, _: &CallInputs, outcome: &mut CallOutcome) {
        self.close(&outcome.result);
    }

    fn create(
        &mut self,
        context: &mut SimContext<'s>,
        inputs: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        let from = inputs.caller();
        // A read that fails here fails again when the frame is made, and is reported there.
        let nonce = context.journal_mut().load_account(from).map(|a| a.info.nonce);
        let to = nonce.map_or(Address::ZERO, |nonce| inputs.created_address(nonce));
        // What the transaction has looked at already stays as it was seen.
        let is_new = !context.journal().evm_state().contains_key(&to);
        if self.vacate && is_new && !context.db_mut().overlay.is_vacant(to) {
            context.db_mut().vacated.insert(to);
        }
        self.made.push(Made { at: to, by: from });
        let (kind, value) = (CallKind::Create, inputs.value());
        let (gas, last) = (GasUse::default(), Vec::new());
        self.open.push(Open {
            kind,
            from,
            to,
            context: to,
            value,
            selector: None,
            input: None,
            gas,
            last,
        });
        None
    }

    fn create_end(
        &mut self,
        _: &mut SimContext<'s>,
        _: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.close(&outcome.result);
    }
}
