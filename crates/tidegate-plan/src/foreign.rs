//! What construction reads outside the plan: refused where the plan does not name it, and shown by
//! an `expect` where it decides what a contract holds.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256, address};
use serde_json::Value;
use tidegate_evm::{EvmError, Sandbox};
use tidegate_model::ports::StateKey;

use crate::expected::{Expected, Run};
use crate::resolve::{CREATE2_PROXY, HELPER, Resolved};

/// The most slots outside the plan that are varied one by one.
const READS_MAX: usize = 64;
/// The last address that may be a precompile's.
const PRECOMPILE_MAX: U256 = U256::from_limbs([0x1ff, 0, 0, 0]);
/// A word that no chain holds, in place of an address or a number.
const STRANGE: Address = address!("7469646567617465000000000000000000057a7e");

/// Refuses a plan whose own code, while it is created and set up, looks at an account that the plan
/// does not name: whoever controls that one decides what is created.
pub(crate) fn refuse_unnamed(
    resolved: &Resolved,
    sandbox: &Sandbox<'_>,
    expected: &mut Expected,
) -> Result<(), EvmError> {
    let params: BTreeSet<Address> = resolved.params.values().flat_map(addresses).collect();
    let mut unnamed = BTreeMap::new();
    for look in &expected.seen.looks {
        let Some(made) = expected.created.get(&look.from) else { continue };
        let precompile = U256::from_be_slice(look.at.as_slice()) <= PRECOMPILE_MAX;
        if precompile || is_named(resolved, expected, look.at) {
            continue;
        }
        // Whether an owner is a key or a contract may be asked; what a contract answers may not.
        if params.contains(&look.at) && (!look.runs || sandbox.code(look.at)?.is_empty()) {
            continue;
        }
        unnamed.entry(look.at).or_insert_with(|| made.op.clone());
    }
    if expected.seen.is_cut {
        expected.faults.push("reads more than can be followed".to_owned());
    }
    for (at, op) in unnamed {
        expected.faults.push(format!(
            "{op} reads {at}, which is neither in the plan nor under [externals]: who controls it \
             would decide what is created"
        ));
    }
    Ok(())
}

fn is_named(resolved: &Resolved, expected: &Expected, at: Address) -> bool {
    expected.created.contains_key(&at)
        || [HELPER, CREATE2_PROXY, resolved.executor.address()].contains(&at)
        || resolved.outside.values().any(|named| *named == at)
}

/// The addresses in a value in normal form.
fn addresses(value: &Value) -> Vec<Address> {
    match value {
        Value::String(text) => text.parse::<Address>().into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(addresses).collect(),
        _ => Vec::new(),
    }
}

/// Refuses a plan of which a created contract would hold something else if a slot outside the plan
/// did, while no operation and no `expect` fails then: the batch would not notice a change between
/// signature and execution.
pub(crate) fn refuse_undecided(run: &Run<'_>, expected: &mut Expected) -> Result<(), EvmError> {
    let outside = |(at, _): &&(Address, U256)| {
        *at != run.resolved.executor.address() && !expected.created.contains_key(at)
    };
    let reads: Vec<_> = expected.seen.slots.iter().filter(outside).copied().collect();
    if reads.is_empty() {
        return Ok(());
    }
    let mut missing = Vec::new();
    let all = varied(run, &reads, |value| value ^ U256::ONE);
    if leaves(all, &mut missing, expected) == Leaves::Same {
        return Ok(());
    }
    if reads.len() > READS_MAX {
        if !missing.is_empty() {
            return Err(EvmError::Missing(missing));
        }
        let count = reads.len();
        expected.faults.push(format!(
            "reads {count} slots outside the plan, of which at most {READS_MAX} can be judged"
        ));
        return Ok(());
    }
    let mut found = Vec::new();
    for read in &reads {
        let strange = U256::from_be_slice(STRANGE.as_slice());
        let once =
            [varied(run, &[*read], |value| value ^ U256::ONE), varied(run, &[*read], |_| strange)];
        for once in once {
            if let Leaves::Other(op) = leaves(once, &mut missing, expected) {
                let named = run.resolved.outside.iter().find(|(_, at)| **at == read.0);
                let who = named.map_or(read.0.to_string(), |(name, _)| format!("@{name}"));
                found.push(format!(
                    "{op} holds what {who} decides by slot {}: add an `expect` that shows it, \
                     since it may change before the batch runs",
                    read.1
                ));
                break;
            }
        }
    }
    if !missing.is_empty() {
        return Err(EvmError::Missing(missing));
    }
    expected.faults.extend(found);
    Ok(())
}

/// The plan once more, with these slots holding something else.
fn varied(
    run: &Run<'_>,
    reads: &[(Address, U256)],
    change: impl Fn(U256) -> U256,
) -> Result<Expected, EvmError> {
    let mut sandbox = run.sandbox.clone();
    for (at, slot) in reads {
        let value = sandbox.storage(*at, *slot)?;
        sandbox = sandbox.with_slot(*at, *slot, change(value));
    }
    Run { sandbox, contexts: false, ..*run }.ops()
}

/// What another value outside the plan does.
#[derive(Debug, PartialEq, Eq)]
enum Leaves {
    /// Every created contract is as it was.
    Same,
    /// The plan fails, and so would the batch; or it is not known yet.
    Nothing,
    /// This operation's contract is another one, and nothing fails.
    Other(String),
}

fn leaves(
    found: Result<Expected, EvmError>,
    missing: &mut Vec<StateKey>,
    expected: &Expected,
) -> Leaves {
    let found = match found {
        Ok(found) if found.faults.is_empty() => found,
        Err(EvmError::Missing(keys)) => {
            missing.extend(keys);
            return Leaves::Nothing;
        }
        Ok(_) | Err(_) => return Leaves::Nothing,
    };
    let other = expected.created.iter().find(|(at, made)| {
        let Some(other) = found.created.get(*at) else { return true };
        // Slots that depend on when the plan runs are in neither.
        let same = |slot: &U256| {
            made.varying.contains(slot) || other.slots.get(slot) == made.slots.get(slot)
        };
        other.code != made.code || !made.slots.keys().chain(other.slots.keys()).all(same)
    });
    other.map_or(Leaves::Same, |(_, made)| Leaves::Other(made.op.clone()))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, Bytes, hex};
    use tidegate_evm::{Progress, Rounds};
    use tidegate_model::ports::{AccountState, StateSnapshot};
    use tidegate_model::{BlockRef, ChainId, Fqn, Head};

    use super::*;
    use crate::expected::{When, expected_code};
    use crate::resolve::{Check, Executor, Op, OpKind};

    const OTHER: Address = address!("00000000000000000000000000000000c0ffee11");
    /// Answers with its slot 0.
    const ANSWER: [u8; 11] = hex!("60005460005260206000f3");

    fn balance_of_other() -> Vec<u8> {
        [&hex!("73")[..], OTHER.as_slice(), &hex!("31")].concat()
    }

    /// A static call without arguments; its answer stays on the stack.
    fn answer_of_other() -> Vec<u8> {
        let call = [&hex!("602060006000600073")[..], OTHER.as_slice(), &hex!("5afa50")];
        [&call.concat()[..], &hex!("600051")].concat()
    }

    /// A plan with one contract, which keeps what this code leaves on the stack in its slot 0 and
    /// answers with it.
    fn plan(read: &[u8], keeps: bool) -> Resolved {
        let keep = if keeps { hex!("600055") } else { hex!("505b5b") };
        let runtime = [&hex!("6a")[..], &ANSWER, &hex!("600052600b6015f3")].concat();
        let initcode: Bytes = [read, &keep, &runtime].concat().into();
        let salt = B256::ZERO;
        let address = CREATE2_PROXY.create2_from_code(salt, &initcode);
        let contract = Fqn("src/R.sol:R".to_owned());
        let kind = OpKind::Create { contract, address, salt, initcode, guarded: None };
        Resolved {
            executor: Executor::Key(Address::repeat_byte(1)),
            ops: vec![Op { id: "reader".to_owned(), step: "reader".to_owned(), kind }],
            checks: Vec::new(),
            places: BTreeMap::new(),
            libraries: BTreeMap::new(),
            params: BTreeMap::new(),
            slots: Vec::new(),
            starts: Vec::new(),
            outside: BTreeMap::new(),
        }
    }

    /// What is wrong with a plan where `OTHER` has this code and the word 5 in its slot 0.
    fn faults(plan: &Resolved, code: &[u8], when: When) -> Vec<String> {
        let block = BlockRef { number: 100, hash: B256::repeat_byte(2) };
        let mut snapshot =
            StateSnapshot::empty(ChainId(1), Head { block, timestamp: 1_800_000_000 });
        let mut rounds = Rounds::new();
        loop {
            match rounds.step(expected_code(plan, &snapshot, when)).unwrap() {
                Progress::Done(expected) => return expected.faults,
                Progress::Fetch(keys) => keys.into_iter().for_each(|key| match key {
                    StateKey::Account(at) => {
                        let code = if at == OTHER { code.to_vec().into() } else { Bytes::new() };
                        snapshot.accounts.insert(at, AccountState { code, ..Default::default() });
                    }
                    StateKey::Slot(at, slot) => {
                        snapshot.slots.insert((at, slot), U256::from(5));
                    }
                    StateKey::BlockHash(number) => {
                        snapshot.block_hashes.insert(number, B256::ZERO);
                    }
                }),
            }
        }
    }

    #[test]
    fn what_the_plan_does_not_name_is_not_read() {
        let unnamed = |plan: &Resolved, code: &[u8]| {
            let found = faults(plan, code, When::After);
            assert!(found.len() <= 1, "{found:?}");
            found.first().is_some_and(|fault| {
                fault.starts_with("reader reads 0x") && fault.contains("neither in the plan")
            })
        };
        for read in [balance_of_other(), answer_of_other()] {
            for code in [&ANSWER[..], &[]] {
                assert!(unnamed(&plan(&read, true), code));
                assert!(unnamed(&plan(&read, false), code), "whatever becomes of it");
                let mut named = plan(&read, true);
                named.outside.insert("usdc".to_owned(), OTHER);
                assert!(!unnamed(&named, code));
            }
        }
        // Whether an owner has code may be asked; a contract among the parameters is not run.
        let mut owned = plan(&balance_of_other(), true);
        owned.params.insert("owner".to_owned(), Value::String(OTHER.to_string().to_lowercase()));
        assert!(!unnamed(&owned, &ANSWER));
        let mut owned = Resolved { params: owned.params, ..plan(&answer_of_other(), true) };
        assert!(unnamed(&owned, &ANSWER) && !unnamed(&owned, &[]));
        owned.params.insert("owner".to_owned(), Value::Array(vec![Value::Null]));
        assert!(unnamed(&owned, &[]));
    }

    #[test]
    fn what_an_external_decides_is_shown() {
        let mut kept = plan(&answer_of_other(), true);
        kept.outside.insert("usdc".to_owned(), OTHER);
        let found = faults(&kept, &ANSWER, When::Before);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("reader holds what @usdc decides by slot 0"), "{found:?}");
        assert!(faults(&kept, &ANSWER, When::After).is_empty(), "it stands there");

        let (op, ..) = kept.creations().next().unwrap();
        let OpKind::Create { address: to, .. } = op.kind else { panic!("a creation") };
        let returns = U256::from(5).to_be_bytes::<32>().into();
        kept.checks.push(Check {
            step: "reader".to_owned(),
            signature: "kept()".to_owned(),
            to,
            data: Bytes::new(),
            returns,
            value: Value::Null,
        });
        assert!(faults(&kept, &ANSWER, When::Before).is_empty(), "the batch requires it");

        let mut dropped = plan(&answer_of_other(), false);
        dropped.outside.insert("usdc".to_owned(), OTHER);
        assert!(faults(&dropped, &ANSWER, When::Before).is_empty(), "nothing is kept of it");
    }
}
