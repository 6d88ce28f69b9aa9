//! One run of a plan: every operation in order, on a sandbox of its own.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256};
use tidegate_evm::{
    ContextCheck, Contract, Creation, EvmError, Made, Outcome, Sandbox, StateDiff, TX_GAS_MAX, Tx,
    asks_who_creates, check_constructor,
};
use tidegate_model::ports::AccountState;

use crate::asking::note_asking;
use crate::expected::{Created, Expected, When};
use crate::outside::outside;
use crate::resolve::{Check, Guarded, HELPER, Op, OpKind, Resolved};

/// The fault of a constructor whose outcome depends on `msg.sender`: the helper creates.
const ASKS_WHO_CREATES: &str = "asks for msg.sender while it is created, which is the helper and \
                                nobody's key; pass what it needs as an argument, such as the owner";

/// The balance of an executor whose plan ran already, in wei.
pub(crate) const PLENTY: U256 = U256::from_limbs([0, 1 << 32, 0, 0]);

/// The operations that were executed of a plan that has not begun.
pub(crate) static NOTHING: BTreeSet<String> = BTreeSet::new();

/// A plan on a sandbox.
#[derive(Clone)]
pub(crate) struct Run<'a> {
    pub(crate) resolved: &'a Resolved,
    pub(crate) when: When,
    /// Operations that were executed already, as the chain shows: their calls may fail now.
    pub(crate) done: &'a BTreeSet<String>,
    /// Whether checks are made.
    pub(crate) check: bool,
    /// Whether constructors are run under other contexts too.
    pub(crate) contexts: bool,
    /// Who sends the transactions: whoever pays the gas, where a Safe acts.
    pub(crate) origin: Address,
    pub(crate) sandbox: Sandbox<'a>,
    /// The gas of operations that have less than a transaction may have.
    pub(crate) gas: BTreeMap<String, u64>,
    /// What others have a slot hold before one of the operations, by its index.
    pub(crate) before: Option<(usize, Poked)>,
    /// What strangers created before it began, where they came first: it is not created again.
    pub(crate) stands: Option<BTreeMap<Address, Created>>,
    /// What each operation changed, in order; nothing of one that failed.
    pub(crate) effects: Vec<(String, StateDiff)>,
    /// The slots that each operation read, in order.
    pub(crate) reads: Vec<BTreeSet<(Address, U256)>>,
}

/// A slot that others have hold something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Poked {
    pub(crate) at: Address,
    pub(crate) slot: U256,
    pub(crate) word: U256,
}

impl Run<'_> {
    pub(crate) fn ops(&mut self) -> Result<Expected, EvmError> {
        let mut expected = Expected::default();
        (self.effects, self.reads) = (Vec::new(), Vec::new());
        let before = self.sandbox.clone();
        for (index, op) in self.resolved.ops.iter().enumerate() {
            match self.before {
                Some((before, Poked { at, slot, word })) if before == index => {
                    self.sandbox = self.sandbox.clone().with_slot(at, slot, word);
                }
                _ => {}
            }
            if let Some(fault) = self.one(op, &mut expected)? {
                expected.faults.push(format!("{} {fault}", op.id));
                break;
            }
            // A key and a Safe check a step when its last operation is done, not at the end.
            let next = self.resolved.ops.get(index + 1);
            let is_last = next.is_none_or(|next| next.step != op.step);
            if self.check && is_last && self.is_due(&op.step) && expected.faults.is_empty() {
                self.checks(&op.step, &mut expected)?;
            }
        }
        for (address, created) in &mut expected.created {
            let mut last = self.sandbox.slots(*address);
            for (slot, values) in &mut created.slots {
                values.push(last.remove(slot).unwrap_or_default());
            }
            created.slots.extend(last.into_iter().map(|(slot, v)| (slot, vec![U256::ZERO, v])));
        }
        let sandboxes = (&before, &self.sandbox);
        expected.outside = outside(&expected.seen, &expected.created, sandboxes);
        Ok(expected)
    }

    /// Whether something of a step is still to be executed.
    fn is_due(&self, step: &str) -> bool {
        let mut ops = self.resolved.ops.iter().filter(|op| op.step == step);
        self.when == When::Before && ops.any(|op| !self.done.contains(&op.id))
    }

    /// Runs one operation, and says how it fails.
    pub(crate) fn one(
        &mut self,
        op: &Op,
        expected: &mut Expected,
    ) -> Result<Option<String>, EvmError> {
        match &op.kind {
            OpKind::Create { .. } => self.create(op, expected),
            OpKind::Call { to, value, data, .. } => {
                let tx = Tx::call(self.resolved.executor.address(), *to, data.clone());
                self.call(op, Tx { value: *value, ..tx }, expected)
            }
        }
    }

    fn call(
        &mut self,
        op: &Op,
        tx: Tx,
        expected: &mut Expected,
    ) -> Result<Option<String>, EvmError> {
        let tx = Tx { origin: self.origin, gas_limit: self.gas_of(op), ..tx };
        let outcome = match self.stands {
            None => self.sandbox.transact_vacating(&tx)?,
            Some(_) => self.sandbox.transact(&tx)?,
        };
        if !outcome.is_success() {
            let why = outcome.why().to_string();
            self.reads.push(outcome.seen.slots.clone());
            expected.seen.extend(outcome.seen);
            self.effects.push((op.id.clone(), StateDiff::default()));
            if self.when == When::Before && !self.done.contains(&op.id) {
                return Ok(Some(format!("fails: {why}")));
            }
            expected.skipped.insert(op.id.clone(), why);
            return Ok(None);
        }
        for (index, made) in outcome.created.iter().enumerate() {
            let contract = self.sandbox.contract(made.at)?;
            let name = format!("{}+{}", op.id, index + 1);
            self.keep(name, made.at, contract, &outcome, expected)?;
        }
        self.done(op, outcome, expected);
        Ok(None)
    }

    fn create(&mut self, op: &Op, expected: &mut Expected) -> Result<Option<String>, EvmError> {
        let OpKind::Create { address, salt, initcode, guarded, .. } = &op.kind else {
            return Ok(None);
        };
        if let Some(stands) = self.stands.as_ref().filter(|stands| stands.contains_key(address)) {
            let made = stands.iter().filter(|(_, made)| made.is_of(&op.id));
            expected.created.extend(made.map(|(at, made)| (*at, made.clone())));
            self.reads.push(BTreeSet::new());
            self.effects.push((op.id.clone(), StateDiff::default()));
            return Ok(None);
        }
        let executor = self.resolved.executor.address();
        let made = match guarded {
            Some(guarded) => self.create_guarded(op, *guarded, *address, initcode, expected),
            None => {
                let creation = Creation {
                    executor,
                    salt: *salt,
                    init_code: initcode.clone(),
                    gas_limit: self.gas_of(op),
                };
                if self.contexts {
                    match check_constructor(&self.sandbox, &creation).map(|c| context_fault(&c)) {
                        Ok(None) | Err(EvmError::CreationFailed { .. }) => {}
                        Ok(Some(fault)) => expected.faults.push(format!("{} {fault}", op.id)),
                        Err(error) => return Err(error),
                    }
                }
                self.sandbox.create_by(&Tx { origin: self.origin, ..creation.tx() }, *address)
            }
        };
        let made = match made {
            Ok(made) => made,
            Err(EvmError::CreationFailed { outcome, .. }) => {
                return Ok(Some(format!("fails: {}", outcome.why())));
            }
            Err(error) => return Err(error),
        };
        let outcome = made.outcome;
        self.keep(op.id.clone(), *address, made.contract, &outcome, expected)?;
        let mut nested = made.nested;
        let others = outcome.created.iter().filter(|made| made.at != *address);
        for (index, Made { at, .. }) in others.enumerate() {
            let Some(contract) = nested.remove(at) else { continue };
            let name = format!("{}+{}", op.id, index + 1);
            self.keep(name, *at, contract, &outcome, expected)?;
        }
        self.done(op, outcome, expected);
        Ok(None)
    }

    fn gas_of(&self, op: &Op) -> u64 {
        self.gas.get(&op.id).copied().unwrap_or(TX_GAS_MAX)
    }

    /// Keeps a contract as its transaction leaves it.
    fn keep(
        &self,
        op: String,
        at: Address,
        contract: Contract,
        outcome: &Outcome,
        expected: &mut Expected,
    ) -> Result<(), EvmError> {
        let account = self.sandbox.account(at)?;
        let slots = contract.slots.into_iter().map(|(slot, value)| (slot, vec![value]));
        let is_own = |op: &Op| matches!(&op.kind, OpKind::Create { address, .. } if *address == at);
        let created = Created {
            op,
            code: contract.code,
            code_hash: contract.code_hash,
            nested: !self.resolved.ops.iter().any(is_own),
            varying: BTreeSet::new(),
            slots: slots.collect(),
            nonce: account.nonce,
            balance: account.balance,
            logs: outcome.logs.iter().filter(|log| log.address == at).count(),
        };
        expected.created.insert(at, created);
        Ok(())
    }

    fn done(&mut self, op: &Op, outcome: Outcome, expected: &mut Expected) {
        expected.gas.push((op.id.clone(), outcome.gas_used));
        note_asking(op, &outcome, expected);
        expected.made.extend(outcome.created.into_iter().map(|made| (op.id.clone(), made)));
        self.reads.push(outcome.seen.slots.clone());
        expected.seen.extend(outcome.seen);
        self.effects.push((op.id.clone(), outcome.diff));
    }

    /// As the helper creates it. The helper's own code needs the hash of the code that is made
    /// here, so the creation is run in its place.
    fn create_guarded(
        &mut self,
        op: &Op,
        guarded: Guarded,
        address: Address,
        initcode: &Bytes,
        expected: &mut Expected,
    ) -> Result<tidegate_evm::Expected, EvmError> {
        let (origin, gas_limit) = (self.origin, self.gas_of(op));
        // Anybody can force ether upon the helper, where it stays: it is what others decide.
        let held = self.sandbox.balance(HELPER)?.saturating_add(guarded.value);
        let mut trial = self.sandbox.clone().with_balance(HELPER, held);
        let tx = Tx::create(HELPER, initcode.clone());
        let tx = Tx { origin, value: guarded.value, gas_limit, ..tx };
        if self.contexts && asks_who_creates(&trial, &tx, address)? {
            expected.faults.push(format!("{} {ASKS_WHO_CREATES}", op.id));
        }
        let made = trial.create_at(&tx, address)?;
        self.sandbox = trial;
        Ok(made)
    }

    fn checks(&self, step: &str, expected: &mut Expected) -> Result<(), EvmError> {
        let executor = self.resolved.executor.address();
        for check in self.resolved.checks.iter().filter(|check| check.step == step) {
            let outcome = self.sandbox.call(executor, check.to, check.data.clone())?;
            if !outcome.is_success() || outcome.output != check.returns {
                let found = match outcome.is_success() {
                    true => format!("returns {}", check.shown(&outcome.output)),
                    false => outcome.why().to_string(),
                };
                let Check { step, signature, .. } = check;
                let wanted = check.expected();
                expected.faults.push(format!("{step}.{signature} {found}, expected {wanted}"));
            }
        }
        Ok(())
    }
}

/// A sandbox in which nothing stands at these addresses yet.
pub(crate) fn cleared<'a>(
    sandbox: Sandbox<'a>,
    addresses: impl Iterator<Item = Address>,
) -> Sandbox<'a> {
    addresses.fold(sandbox, |sandbox, at| sandbox.with_account(at, AccountState::default()))
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
