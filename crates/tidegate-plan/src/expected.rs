//! Expected code: every operation of a plan, executed locally in order.
//!
//! Nothing here is copied from a chain or an explorer. The addresses that the plan creates are
//! taken as empty, so that the same run serves before the deployment, after it, and where a
//! stranger came first; other contracts are read from the snapshot.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use tidegate_evm::{
    CREATE2_PROXY_CODE, ContextCheck, Creation, EvmError, Sandbox, Tx, check_constructor,
};
use tidegate_model::ports::{AccountState, StateSnapshot};

use crate::resolve::{CREATE2_PROXY, OpKind, Resolved};

/// One contract as local execution creates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The operation.
    pub op: String,
    /// Its runtime code.
    pub code: Bytes,
    /// keccak256 of that code.
    pub code_hash: B256,
}

/// What a plan leaves on a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Every created contract, by address.
    pub created: BTreeMap<Address, Created>,
    /// Gas of each operation, in order, as local execution measured it.
    pub gas: Vec<(String, u64)>,
    /// Operations that failed, checks that do not hold and constructors that depend on who runs
    /// them, one sentence each.
    pub faults: Vec<String>,
}

/// When a plan is executed locally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before it ran: every operation and check must hold.
    Before,
    /// After it ran: externals may have moved on, so calls may fail and checks are not repeated.
    After,
}

/// Executes every operation and check of a plan on a snapshot.
///
/// # Errors
/// [`EvmError::Missing`] where the snapshot lacks state: fetch it and run again.
pub fn expected_code(
    resolved: &Resolved,
    snapshot: &StateSnapshot,
    when: When,
) -> Result<Expected, EvmError> {
    let mut sandbox = Sandbox::at(snapshot).with_code(CREATE2_PROXY, CREATE2_PROXY_CODE.to_vec());
    for (_, address, _) in resolved.creations() {
        sandbox = sandbox.with_account(address, AccountState::default());
    }
    let executor = resolved.executor.address();
    let mut expected = Expected::default();
    for op in &resolved.ops {
        let (to, data) = op.key_transaction();
        if let OpKind::Create { salt, initcode, .. } = &op.kind {
            let tx = Tx::call(executor, to, data.clone());
            let creation = Creation {
                executor,
                salt: *salt,
                init_code: initcode.clone(),
                gas_limit: tx.gas_limit,
            };
            if let Some(fault) = context_fault(&check_constructor(&sandbox, &creation)?) {
                expected.faults.push(format!("{} {fault}", op.id));
            }
        }
        let outcome = sandbox.transact(&Tx::call(executor, to, data))?;
        let is_call = matches!(op.kind, OpKind::Call { .. });
        if !outcome.is_success() && is_call && when == When::After {
            continue;
        }
        if !outcome.is_success() {
            expected.faults.push(format!("{} fails: {}", op.id, outcome.why()));
            return Ok(expected);
        }
        expected.gas.push((op.id.clone(), outcome.gas_used));
        if let OpKind::Create { address, .. } = &op.kind {
            let code = sandbox.code(*address)?;
            let code_hash = keccak256(&code);
            expected.created.insert(*address, Created { op: op.id.clone(), code, code_hash });
        }
    }
    if when == When::After {
        return Ok(expected);
    }
    for check in &resolved.checks {
        let outcome = sandbox.call(executor, check.to, check.data.clone())?;
        if !outcome.is_success() || outcome.output != check.returns {
            expected.faults.push(format!(
                "{}.{} returns {}, expected {} ({})",
                check.step, check.signature, outcome.output, check.returns, check.value
            ));
        }
    }
    for slot in &resolved.slots {
        let found = sandbox.storage(slot.address, U256::from_be_bytes(slot.slot.0))?;
        if B256::from(found) != slot.value {
            expected.faults.push(format!("slot {} of {} differs", slot.slot, slot.address));
        }
    }
    Ok(expected)
}

/// Says what a constructor's outcome depends on that no plan fixes.
fn context_fault(check: &ContextCheck) -> Option<String> {
    let varies_with = match check {
        ContextCheck::Same => return None,
        ContextCheck::Differs { varies_with, .. } | ContextCheck::Fails { varies_with, .. } => {
            varies_with
        }
    };
    let with: Vec<_> = varies_with.iter().map(ToString::to_string).collect();
    Some(format!(
        "has a constructor whose outcome depends on {}; pass what it needs as an argument, such \
         as the owner",
        with.join(" and ")
    ))
}
