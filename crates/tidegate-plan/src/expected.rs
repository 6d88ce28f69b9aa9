//! Expected code and storage: every operation of a plan, executed locally in order.
//!
//! Nothing here is copied from a chain or an explorer. The addresses that the plan creates are
//! taken as empty, so that the same run serves before the deployment, after it, and where a
//! stranger came first; other contracts are read from the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, address};
use tidegate_evm::{
    CREATE2_PROXY_CODE, ContextCheck, Creation, EvmError, Sandbox, Seen, Tx, check_constructor,
};
use tidegate_model::ports::{AccountState, StateSnapshot};
use tidegate_model::record::SlotValue;

use crate::foreign::{refuse_undecided, refuse_unnamed};
use crate::resolve::{CREATE2_PROXY, Guarded, HELPER, Op, OpKind, Resolved};

/// One contract as local execution creates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The operation; of a contract that another one creates, with a number behind it.
    pub op: String,
    /// Its runtime code.
    pub code: Bytes,
    /// keccak256 of that code.
    pub code_hash: B256,
    /// Whether another contract creates it, such as the admin of a transparent proxy.
    pub nested: bool,
    /// What its slots may hold in the block of its creation: what the constructor leaves there,
    /// and what the rest of the plan makes of it. Slots that depend on when it runs are left out.
    pub slots: BTreeMap<U256, Vec<U256>>,
    /// The slots that are left out.
    pub varying: BTreeSet<U256>,
    /// Its nonce right after its creation.
    pub nonce: u64,
    /// Its balance then, in wei.
    pub balance: U256,
    /// How many events it has logged then.
    pub logs: usize,
}

impl Created {
    /// What its slots hold right after its creation.
    pub fn slots_at_first(&self) -> BTreeMap<U256, U256> {
        let first = |(slot, values): (&U256, &Vec<U256>)| Some((*slot, *values.first()?));
        self.slots.iter().filter_map(first).collect()
    }
}

/// What a plan leaves on a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Every created contract, by address.
    pub created: BTreeMap<Address, Created>,
    /// The watched slots with what they must hold, sorted.
    pub slots: Vec<SlotValue>,
    /// What the operations looked at.
    pub seen: Seen,
    /// Gas of each operation, in order, as local execution measured it.
    pub gas: Vec<(String, u64)>,
    /// Operations that failed, checks that do not hold and constructors that depend on who runs
    /// them, one sentence each.
    pub faults: Vec<String>,
}

/// Who sends the transactions of the second run.
const SOMEBODY: Address = address!("7469646567617465000000000000000000009192");

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
    let (plain, later) = (sandbox.clone(), sandbox.later());
    let (check, contexts) = (true, true);
    let mut later =
        Run { resolved, when, check: false, contexts: false, origin: SOMEBODY, sandbox: later };
    let first = Run { resolved, when, check, contexts, origin: executor, sandbox: plain };
    let mut run = Run { sandbox: first.sandbox.clone(), ..first };
    let mut expected = run.ops()?;
    run.slots(&mut expected)?;
    compare(&mut expected, &later.ops()?);
    if expected.faults.is_empty() {
        refuse_unnamed(resolved, &run.sandbox, &mut expected)?;
    }
    if when == When::Before && expected.faults.is_empty() {
        refuse_undecided(&first, &mut expected)?;
    }
    Ok(expected)
}

pub(crate) struct Run<'a> {
    pub(crate) resolved: &'a Resolved,
    pub(crate) when: When,
    /// Whether checks are made.
    pub(crate) check: bool,
    /// Whether constructors are run under other contexts too.
    pub(crate) contexts: bool,
    /// Who sends the transactions: whoever pays the gas, where a Safe acts.
    pub(crate) origin: Address,
    pub(crate) sandbox: Sandbox<'a>,
}

impl Run<'_> {
    pub(crate) fn ops(&mut self) -> Result<Expected, EvmError> {
        let mut expected = Expected::default();
        for (index, op) in self.resolved.ops.iter().enumerate() {
            let fault = match &op.kind {
                OpKind::Create { .. } => self.create(op, &mut expected)?,
                OpKind::Call { .. } => self.call(op, &mut expected)?,
            };
            if let Some(fault) = fault {
                expected.faults.push(format!("{} {fault}", op.id));
                break;
            }
            // A key and a Safe check a step when its last operation is done, not at the end.
            let next = self.resolved.ops.get(index + 1);
            let is_last = next.is_none_or(|next| next.step != op.step);
            if self.check && is_last && self.when == When::Before && expected.faults.is_empty() {
                self.checks(&op.step, &mut expected)?;
            }
        }
        for (address, created) in &mut expected.created {
            for (slot, value) in self.sandbox.slots(*address) {
                created.slots.entry(slot).or_insert_with(|| vec![U256::ZERO]).push(value);
            }
        }
        Ok(expected)
    }

    fn call(&mut self, op: &Op, expected: &mut Expected) -> Result<Option<String>, EvmError> {
        let sent = op.key_transaction(&BTreeMap::new());
        let tx = Tx::call(self.resolved.executor.address(), sent.to, sent.data);
        let outcome =
            self.sandbox.transact(&Tx { origin: self.origin, value: sent.value, ..tx })?;
        expected.seen.extend(outcome.seen.clone());
        if outcome.is_success() {
            expected.gas.push((op.id.clone(), outcome.gas_used));
            return Ok(None);
        }
        let fails = || format!("fails: {}", outcome.why());
        Ok((self.when == When::Before).then(fails))
    }

    fn create(&mut self, op: &Op, expected: &mut Expected) -> Result<Option<String>, EvmError> {
        let OpKind::Create { address, salt, initcode, guarded, .. } = &op.kind else {
            return Ok(None);
        };
        let executor = self.resolved.executor.address();
        let made = match guarded {
            Some(guarded) => self.create_guarded(*guarded, *address, initcode),
            None => {
                let creation = Creation {
                    executor,
                    salt: *salt,
                    init_code: initcode.clone(),
                    gas_limit: Tx::call(executor, *address, Bytes::new()).gas_limit,
                };
                if self.contexts {
                    match check_constructor(&self.sandbox, &creation).map(|c| context_fault(&c)) {
                        Ok(None) | Err(EvmError::CreationFailed { .. }) => {}
                        Ok(Some(fault)) => expected.faults.push(format!("{} {fault}", op.id)),
                        Err(error) => return Err(error),
                    }
                }
                self.sandbox.create_by(&creation.tx(), *address)
            }
        };
        let made = match made {
            Ok(made) => made,
            Err(EvmError::CreationFailed { outcome, .. }) => {
                return Ok(Some(format!("fails: {}", outcome.why())));
            }
            Err(error) => return Err(error),
        };
        expected.gas.push((op.id.clone(), made.outcome.gas_used));
        expected.seen.extend(made.outcome.seen);
        let logs = made.outcome.logs;
        let mut created = |op: String, at: Address, contract: tidegate_evm::Contract, nested| {
            let account = self.sandbox.account(at)?;
            let slots = contract.slots.into_iter().map(|(slot, value)| (slot, vec![value]));
            let created = Created {
                op,
                code: contract.code,
                code_hash: contract.code_hash,
                nested,
                varying: BTreeSet::new(),
                slots: slots.collect(),
                nonce: account.nonce,
                balance: account.balance,
                logs: logs.iter().filter(|log| log.address == at).count(),
            };
            expected.created.insert(at, created);
            Ok::<_, EvmError>(())
        };
        created(op.id.clone(), *address, made.contract, false)?;
        for (index, (address, contract)) in made.nested.into_iter().enumerate() {
            created(format!("{}+{}", op.id, index + 1), address, contract, true)?;
        }
        Ok(None)
    }

    /// As the helper creates it. The helper's own code needs the hash of the code that is made
    /// here, so the creation is run in its place.
    fn create_guarded(
        &mut self,
        guarded: Guarded,
        address: Address,
        initcode: &Bytes,
    ) -> Result<tidegate_evm::Expected, EvmError> {
        let origin = self.origin;
        let mut trial = self.sandbox.clone().with_balance(HELPER, guarded.value);
        let tx = Tx { origin, value: guarded.value, ..Tx::create(HELPER, initcode.clone()) };
        let made = trial.create_at(&tx, address)?;
        self.sandbox = trial;
        Ok(made)
    }

    fn slots(&self, expected: &mut Expected) -> Result<(), EvmError> {
        for watch in &self.resolved.slots {
            let slot = U256::from_be_bytes(watch.slot.0);
            let found = B256::from(self.sandbox.storage(watch.address, slot)?);
            let value = watch.value.unwrap_or(found);
            if self.when == When::Before && value != found && expected.faults.is_empty() {
                let (name, at) = (watch.name, watch.address);
                expected.faults.push(format!("leaves {found} in {name} of {at}, not {value}"));
            }
            expected.slots.push(SlotValue { address: watch.address, slot: watch.slot, value });
        }
        Ok(())
    }

    fn checks(&self, step: &str, expected: &mut Expected) -> Result<(), EvmError> {
        let executor = self.resolved.executor.address();
        for check in self.resolved.checks.iter().filter(|check| check.step == step) {
            let outcome = self.sandbox.call(executor, check.to, check.data.clone())?;
            if !outcome.is_success() || outcome.output != check.returns {
                expected.faults.push(format!(
                    "{}.{} returns {}, expected {} ({})",
                    check.step, check.signature, outcome.output, check.returns, check.value
                ));
            }
        }
        Ok(())
    }
}

/// Drops what depends on when the plan runs; code must not.
fn compare(expected: &mut Expected, later: &Expected) {
    for (address, created) in &mut expected.created {
        let other = later.created.get(address);
        if other.is_some_and(|other| other.code != created.code) && expected.faults.is_empty() {
            let fault = "makes code that depends on the block or on who sends the transaction";
            expected.faults.push(format!("{} {fault}", created.op));
        }
        let other = other.map(|other| &other.slots);
        let same =
            |slot: &U256, values: &Vec<U256>| other.and_then(|o| o.get(slot)) == Some(values);
        let varying = created.slots.iter().filter(|(slot, values)| !same(slot, values));
        created.varying = varying.map(|(slot, _)| *slot).collect();
        created.slots.retain(|slot, values| same(slot, values));
    }
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
         as the owner, or create it with `guarded = true`",
        with.join(" and ")
    ))
}
