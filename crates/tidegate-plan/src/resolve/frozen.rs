//! Operations as they are executed: each with its transaction, and the code that it leaves.
//!
//! One list of them is what an approval covers, what is sent, what is recorded and what gates
//! compare with the chain.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, sol};

use super::Resolved;
use super::op::{CREATE2_PROXY, Guarded, HELPER, KeyTransaction, Op, OpKind};
use crate::expected::Expected;

sol! {
    function createGuarded(bytes32 salt, bytes initCode, bytes32 codeHash) external payable;
}

/// An operation with its transaction and the code that it leaves: nothing is left to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenOp {
    op: Op,
    tx: KeyTransaction,
    creates: Option<(Address, B256)>,
}

/// A creation of which local execution gives no code, so that it cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the code of {op} is unknown: local execution does not create it")]
pub struct Uncomputed {
    /// The operation.
    pub op: String,
}

impl FrozenOp {
    /// Freezes an operation. `code_hash` is keccak256 of the code at an address that is created.
    ///
    /// # Errors
    /// If a creation's code hash is not known.
    pub fn new(
        op: Op,
        code_hash: impl FnOnce(Address) -> Option<B256>,
    ) -> Result<Self, Uncomputed> {
        let (tx, creates) = match &op.kind {
            OpKind::Call { to, value, data, .. } => {
                (KeyTransaction { to: *to, value: *value, data: data.clone() }, None)
            }
            OpKind::Create { address, salt, initcode, guarded, .. } => {
                let hash = code_hash(*address).ok_or_else(|| Uncomputed { op: op.id.clone() })?;
                let tx = match guarded {
                    None => created(*salt, initcode),
                    Some(Guarded { value }) => guarded_by(*salt, initcode, hash, *value),
                };
                (tx, Some((*address, hash)))
            }
        };
        Ok(Self { op, tx, creates })
    }

    /// The operation of the plan that is frozen.
    pub const fn op(&self) -> &Op {
        &self.op
    }

    /// Its id, unique in the plan.
    pub fn id(&self) -> &str {
        &self.op.id
    }

    /// The transaction of a key that does it.
    pub const fn tx(&self) -> &KeyTransaction {
        &self.tx
    }

    /// Of a creation, the address and keccak256 of the code that must stand there after it.
    pub const fn creates(&self) -> Option<(Address, B256)> {
        self.creates
    }
}

impl Resolved {
    /// Its operations, with the code that local execution gives.
    ///
    /// # Errors
    /// If local execution did not create what one of them creates.
    pub fn freeze(&self, expected: &Expected) -> Result<Vec<FrozenOp>, Uncomputed> {
        let hash = |address| expected.created.get(&address).map(|created| created.code_hash);
        self.ops.iter().map(|op| FrozenOp::new(op.clone(), hash)).collect()
    }
}

/// A creation through the CREATE2 proxy.
fn created(salt: B256, initcode: &Bytes) -> KeyTransaction {
    let data = [salt.as_slice(), initcode].concat().into();
    KeyTransaction { to: CREATE2_PROXY, value: U256::ZERO, data }
}

/// A creation by the helper, which reverts unless exactly this code comes out.
fn guarded_by(salt: B256, initcode: &Bytes, code_hash: B256, value: U256) -> KeyTransaction {
    let call = createGuardedCall { salt, initCode: initcode.clone(), codeHash: code_hash };
    KeyTransaction { to: HELPER, value, data: call.abi_encode().into() }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;
    use crate::expected::When;
    use crate::trial::{ANSWER, OTHER, at, call, creation, found, leaving, plan_of};

    /// A contract of everybody, one of the executor alone, and a call.
    fn ops() -> Vec<Op> {
        let initcode = leaving(&ANSWER);
        let open = creation("open", initcode.clone(), false);
        vec![open, creation("own", initcode, true), call("go", OTHER)]
    }

    #[test]
    fn each_operation_has_its_transaction_and_the_code_that_it_leaves() {
        let ops = ops();
        let plan = plan_of(ops.clone());
        let frozen = plan.freeze(&found(&plan, &[], When::Before)).unwrap();
        let hash = keccak256(ANSWER);
        let creates: Vec<_> = frozen.iter().map(FrozenOp::creates).collect();
        assert_eq!(creates, [Some((at(&ops[0]), hash)), Some((at(&ops[1]), hash)), None]);
        assert_eq!(frozen.iter().map(FrozenOp::id).collect::<Vec<_>>(), ["open", "own", "go"]);
        let to: Vec<_> = frozen.iter().map(|op| op.tx().to).collect();
        assert_eq!(to, [CREATE2_PROXY, HELPER, OTHER]);
        // The helper is told which code must come out.
        let told = createGuardedCall::abi_decode(&frozen[1].tx().data).unwrap();
        assert_eq!((told.codeHash, told.initCode), (hash, leaving(&ANSWER)));
        assert_eq!(frozen[0].tx().data[32..], leaving(&ANSWER)[..]);
    }

    #[test]
    fn a_creation_whose_code_nobody_computed_is_not_frozen() {
        let frozen = |op: &Op| plan_of(vec![op.clone()]).freeze(&Expected::default());
        let [open, own, go] = &ops()[..] else { panic!("three operations") };
        for op in [open, own] {
            assert_eq!(frozen(op), Err(Uncomputed { op: op.id.clone() }));
        }
        assert!(frozen(go).is_ok());
    }
}
