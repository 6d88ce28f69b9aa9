//! Mainnet's handling of a transaction, with a free choice of the outermost frame.

use std::marker::PhantomData;

use alloy_primitives::{Address, B256, U256};
use revm::context::result::{EVMError, HaltReason};
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::{Cfg, ContextTr, JournalTr, LocalContextTr};
use revm::handler::{EvmTr, FrameResult, Handler, MainnetEvm};
use revm::inspector::InspectorHandler;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_action::FrameInit;
use revm::interpreter::{
    CallInput, CallInputs, CallScheme, CallValue, CreateInputs, CreateScheme, FrameInput,
    GasTracker, InitialAndFloorGas, SharedMemory,
};
use revm::state::Bytecode;

use crate::db::{SimContext, StateError};
use crate::job::{First, Job};
use crate::trace::Trace;

type SimEvm<'s> = MainnetEvm<SimContext<'s>, Trace>;

/// Handles a job as mainnet handles a transaction, except that nobody pays for gas, that a
/// sender with code keeps its nonce (contracts do not send), and that the outermost frame is the
/// job's. The last lets a run start inside a Safe without touching the Safe's state: no injected
/// code, no overridden owners.
pub(crate) struct SimHandler<'j, 's> {
    job: &'j Job,
    lifetime: PhantomData<&'s ()>,
}

impl<'j> SimHandler<'j, '_> {
    pub(crate) fn new(job: &'j Job) -> Self {
        Self { job, lifetime: PhantomData }
    }
}

impl<'s> Handler for SimHandler<'_, 's> {
    type Evm = SimEvm<'s>;
    type Error = EVMError<StateError>;
    type HaltReason = HaltReason;

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Self::Evm,
        _: &mut InitialAndFloorGas,
    ) -> Result<(), Self::Error> {
        let mut origin = evm.ctx().journal_mut().load_account_with_code_mut(self.job.origin)?;
        let sends = origin.code().is_none_or(|code| code.is_empty() || code.is_eip7702());
        // A creating frame raises its caller's nonce itself.
        let frame_does =
            matches!(self.job.first, First::Create { from, .. } if from == self.job.origin);
        if sends && !frame_does {
            origin.bump_nonce();
        }
        Ok(())
    }

    fn first_frame_input(
        &mut self,
        evm: &mut Self::Evm,
        gas: &mut GasTracker,
    ) -> Result<Option<FrameInit>, Self::Error> {
        let context = evm.ctx_mut();
        let mut memory =
            SharedMemory::new_with_buffer(context.local().shared_memory_buffer().clone());
        memory.set_memory_limit(context.cfg().memory_limit());
        let frame_input = frame_input(context, self.job, gas)?;
        Ok(Some(FrameInit { depth: 0, memory, frame_input }))
    }

    fn reimburse_caller(&self, _: &mut Self::Evm, _: &mut FrameResult) -> Result<(), Self::Error> {
        Ok(())
    }

    fn reward_beneficiary(
        &self,
        _: &mut Self::Evm,
        _: &mut FrameResult,
    ) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl<'s> InspectorHandler for SimHandler<'_, 's> {
    type IT = EthInterpreter;
}

/// Every account that the frame needs is loaded here, as the interpreter's own instructions do.
fn frame_input(
    context: &mut SimContext<'_>,
    job: &Job,
    gas: &GasTracker,
) -> Result<FrameInput, StateError> {
    let data = job.data.clone();
    let call = |from: Address, target: Address, known_bytecode| CallInputs {
        input: CallInput::Bytes(data.clone()),
        gas_limit: gas.remaining(),
        reservoir: gas.reservoir(),
        target_address: target,
        bytecode_address: target,
        known_bytecode,
        caller: from,
        value: CallValue::Transfer(U256::ZERO),
        scheme: CallScheme::Call,
        is_static: false,
        return_memory_offset: 0..0,
        charged_new_account_state_gas: false,
    };
    Ok(match job.first {
        First::Call { from, to, value, fixed } => {
            context.journal_mut().load_account(from)?;
            let code = code_of(context, to)?;
            let scheme = if fixed { CallScheme::StaticCall } else { CallScheme::Call };
            let value = CallValue::Transfer(value);
            let inputs = CallInputs { value, scheme, is_static: fixed, ..call(from, to, code) };
            FrameInput::Call(Box::new(inputs))
        }
        First::Delegate { caller, account, code_at } => {
            context.journal_mut().load_account(caller)?;
            context.journal_mut().load_account(account)?;
            let code = code_of(context, code_at)?;
            FrameInput::Call(Box::new(CallInputs {
                bytecode_address: code_at,
                value: CallValue::Apparent(U256::ZERO),
                scheme: CallScheme::DelegateCall,
                ..call(caller, account, code)
            }))
        }
        First::Create { from, value, at } => {
            let scheme =
                at.map_or(CreateScheme::Create, |address| CreateScheme::Custom { address });
            FrameInput::Create(Box::new(CreateInputs::new(
                from,
                scheme,
                value,
                data.clone(),
                gas.remaining(),
                gas.reservoir(),
            )))
        }
    })
}

/// The code that runs at an address, with its hash: a delegated account runs its delegate's.
fn code_of(context: &mut SimContext<'_>, address: Address) -> Result<(B256, Bytecode), StateError> {
    let journal = context.journal_mut();
    let info = &journal.load_account_with_code(address)?.info;
    let delegate = info.code.as_ref().and_then(Bytecode::eip7702_address);
    let info = match delegate {
        Some(delegate) => &journal.load_account_with_code(delegate)?.info,
        None => info,
    };
    Ok((info.code_hash(), info.code.clone().unwrap_or_default()))
}
