//! Nothing turns on gas that is short: who sends the transaction chooses how much it has.
//!
//! A call keeps back a 64th of the gas, so what runs out inside a `try` fails while the rest goes
//! on. Each operation runs once more with the least gas at which it succeeds, and a little more.

use tidegate_evm::{EvmError, Part, StateDiff, TX_GAS_MAX};

use crate::expected::Expected;
use crate::resolve::Op;
use crate::run::Run;

/// The precision of the least gas: a 128th of it.
const NEAR: u64 = 128;
/// Percent of the least gas that are tried too; the least itself was.
const MORE_PERCENT: [u64; 3] = [102, 110, 125];

/// Refuses a plan of which an operation changes something else with little gas, while it succeeds
/// and no `expect` fails. Operations that neither call nor have others create can only fail then.
pub(crate) fn refuse_tight(first: &Run<'_>, expected: &mut Expected) -> Result<(), EvmError> {
    let mut run = Run { check: false, contexts: false, ..first.clone() };
    for op in &first.resolved.ops {
        let before = run.clone();
        let mut found = Expected::default();
        if run.one(op, &mut found)?.is_some() {
            return Ok(());
        }
        let calls = found.seen.looks.iter().any(|look| look.part == Part::Runs);
        let Some((_, gas)) = found.gas.last().filter(|_| calls || found.created.len() > 1) else {
            continue;
        };
        let effect = run.effects.last().map(|(_, effect)| effect.clone()).unwrap_or_default();
        let Some(gas) = turns(&before, op, *gas, &effect)? else { continue };
        let gas_of_it = [(op.id.clone(), gas)].into();
        let again = Run { gas: gas_of_it, contexts: false, ..first.clone() }.ops()?;
        if again.faults.is_empty() && again.skipped == expected.skipped {
            expected.faults.push(format!(
                "{} does something else with {gas} gas, and who sends the transaction chooses how \
                 much it has: do not go on where a call runs out of gas (`try`, or a call whose \
                 success is not required), or add an `expect` that shows what it leaves",
                op.id
            ));
            return Ok(());
        }
    }
    Ok(())
}

/// The gas with which an operation succeeds and changes something else, if there is one.
fn turns(before: &Run<'_>, op: &Op, gas: u64, effect: &StateDiff) -> Result<Option<u64>, EvmError> {
    // The effect with this gas; none if it fails.
    let with = |gas: u64| -> Result<Option<StateDiff>, EvmError> {
        let mut run = Run { gas: [(op.id.clone(), gas)].into(), ..before.clone() };
        let mut found = Expected::default();
        match run.one(op, &mut found) {
            Ok(None) if found.skipped.is_empty() => Ok(run.effects.pop().map(|(_, diff)| diff)),
            Err(error @ EvmError::Missing(_)) => Err(error),
            Ok(_) | Err(_) => Ok(None),
        }
    };
    let (mut low, mut high) = (0, gas.saturating_add(gas / 2).min(TX_GAS_MAX));
    match with(high)? {
        Some(other) if other != *effect => return Ok(Some(high)),
        Some(_) => {}
        None => high = TX_GAS_MAX,
    }
    while high - low > high / NEAR + 1 {
        let middle = low.midpoint(high);
        match with(middle)? {
            Some(other) if other != *effect => return Ok(Some(middle)),
            Some(_) => high = middle,
            None => low = middle,
        }
    }
    for percent in MORE_PERCENT {
        let more = high.saturating_mul(percent) / 100;
        if with(more)?.is_some_and(|other| other != *effect) {
            return Ok(Some(more));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, hex};
    use serde_json::Value;

    use crate::expected::When;
    use crate::resolve::{Check, Resolved};
    use crate::trial::{at, call, creation, faults, leaving, plan_of, reader};

    /// A contract that calls itself with one byte, which takes 2.6 million gas, and does this where
    /// that call fails; four bytes.
    fn caller(where_it_fails: [u8; 4]) -> Vec<u8> {
        let calls = hex!("36601657" "5f5f60015f5f305af1601457");
        let burns = hex!("5b00" "5b620186a0" "5b6001900380601b5700");
        [&calls[..], &where_it_fails, &burns].concat()
    }

    #[test]
    fn a_call_that_runs_out_of_gas_is_not_caught() {
        let found = |where_it_fails: [u8; 4]| {
            let made = creation("club", leaving(&caller(where_it_fails)), true);
            let to = at(&made);
            faults(&plan_of(vec![made, call("go", to)]), &[], When::Before)
        };
        // It keeps 1 in slot 0, it fails too, and it goes on.
        let caught = found(hex!("60015f55"));
        assert!(caught.len() == 1 && caught[0].starts_with("go does something else"), "{caught:?}");
        assert_eq!(found(hex!("5f5ffd5b")), Vec::<String>::new());
        assert_eq!(found(hex!("5b5b5b5b")), Vec::<String>::new());
    }

    #[test]
    fn neither_is_a_creation_that_does() {
        // A child that takes 2.6 million gas, and is kept in slot 0 or failed with.
        let child = hex!("620186a0 5b 6001900380 6004 57 605b5f53 60015ff3");
        let creates = [&hex!("74")[..], &child, &hex!("5f52 6015 600b 5f f0")].concat();
        let plan = |read: &[u8]| plan_of(vec![creation("club", reader(read, true), true)]);
        let found = |plan: &Resolved| faults(plan, &[], When::Before);
        let mut caught = plan(&creates);
        let fault = found(&caught);
        assert!(fault.len() == 1 && fault[0].starts_with("club does something else"), "{fault:?}");
        // A check shows it.
        let to = at(&caught.ops[0]);
        caught.checks.push(Check {
            step: "club".to_owned(),
            signature: "child()".to_owned(),
            to,
            data: Bytes::new(),
            returns: to.create(1).into_word().into(),
            value: Value::Null,
            kind: "address".to_owned(),
        });
        assert_eq!(found(&caught), Vec::<String>::new());
        // PC, and a jump over what fails.
        let requires = [&creates[..], &hex!("80 58 6008 01 57 5f5ffd 5b")].concat();
        assert_eq!(found(&plan(&requires)), Vec::<String>::new());
    }
}
