//! The time of the batch's block decides nothing but what is kept of it.
//!
//! Whoever has the owners' signatures chooses when to send. What a contract keeps of the time
//! differs from block to block, and is named. What it decides by the time may not show an hour
//! later; so the plan also runs at the moments at which a comparison with the time turns.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use tidegate_evm::EvmError;

use crate::expected::Expected;
use crate::run::Run;

/// The most moments that are tried.
const MOMENTS_MAX: usize = 48;
/// How far ahead: longer than any proposal holds.
const SECS_MAX: u64 = 60 * 86_400;
/// Seconds from block to block, where a number stands for a time.
const BLOCK_SECS: u64 = 12;
/// What may be counted anew: a week, a day, an hour, a minute.
const PERIODS: [u64; 4] = [604_800, 86_400, 3_600, 60];

/// Refuses a plan that leaves other code or slots at a moment at which a comparison with the time
/// turns, and nothing fails then. `later` is the same run in another block.
pub(crate) fn refuse_moments(
    plain: &Run<'_>,
    later: &Expected,
    expected: &mut Expected,
) -> Result<(), EvmError> {
    let head = plain.sandbox.env().head;
    for ahead in moments(expected, later) {
        let ways = [(ahead / BLOCK_SECS, ahead), (ahead, ahead.saturating_mul(BLOCK_SECS))];
        for (blocks, secs) in ways.into_iter().filter(|(_, secs)| *secs <= SECS_MAX) {
            let (number, time) = (head.block.number + blocks, head.timestamp + secs);
            let sandbox = plain.sandbox.clone().in_block(number, time);
            let then = Run { sandbox, ..plain.clone() }.ops()?;
            if !then.faults.is_empty() || then.skipped != expected.skipped {
                continue;
            }
            if let Some(op) = other(expected, &then) {
                expected.faults.push(format!(
                    "{op} is or holds something else in a block {secs} seconds later: whoever \
                     sends the transaction chooses its time; keep a time as it is, and decide \
                     nothing by it while the plan is created and set up"
                ));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// How far ahead comparisons turn that are others in another block: in seconds, or in blocks.
fn moments(expected: &Expected, later: &Expected) -> BTreeSet<u64> {
    let pairs = expected.seen.compared.difference(&later.seen.compared);
    let turns = pairs.flat_map(|(a, b)| [(*a, *b), (*b, *a)]).flat_map(|(now, then)| {
        [then, then.wrapping_add(U256::ONE), then.wrapping_sub(U256::ONE)].map(|then| (now, then))
    });
    turns.flat_map(|(now, then)| ahead(now, then)).take(MOMENTS_MAX).collect()
}

/// How long until what is `now` will be `then`, where it grows with the time, or is counted anew.
fn ahead(now: U256, then: U256) -> Vec<u64> {
    let small = |word: U256| u64::try_from(word).ok();
    match (small(then.wrapping_sub(now)), small(now.wrapping_sub(then))) {
        (Some(ahead), _) if ahead <= SECS_MAX => vec![ahead],
        (_, Some(behind)) if behind < PERIODS[0] => {
            let again = PERIODS.iter().filter(|period| **period > behind);
            again.map(|period| period - behind).collect()
        }
        _ => Vec::new(),
    }
}

/// An operation of which a contract is other code, or holds something else where it is not known
/// to depend on the block.
fn other(expected: &Expected, then: &Expected) -> Option<String> {
    let differs = expected.created.iter().find(|(at, made)| {
        let Some(other) = then.created.get(*at) else { return true };
        let is_known = |slot: &U256| made.varying.contains(slot);
        let slots = made.slots.keys().chain(other.slots.keys()).filter(|slot| !is_known(slot));
        other.code != made.code
            || slots.into_iter().any(|slot| made.slots.get(slot) != other.slots.get(slot))
    });
    differs.map(|(_, made)| made.op.clone())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;
    use crate::expected::When;
    use crate::trial::{creation, faults, found, plan_of, reader};

    #[test]
    fn a_moment_that_turns_a_constructor_is_refused() {
        // TIMESTAMP modulo a day, compared with a minute of it; the tests' block is at 08:00.
        let within = hex!("61a8c0" "62015180" "42" "06" "14");
        // TIMESTAMP, EQ, three days after the block of the tests.
        let once = hex!("636b4dc600" "4214");
        // NUMBER, EQ, 1,000 blocks later.
        let number = hex!("61044c" "4314");
        // GT: later than a month after the block of the tests.
        let late = hex!("636b715f00" "4211");
        for read in [&within[..], &once, &number, &late] {
            let plan = plan_of(vec![creation("till", reader(read, true), true)]);
            let fault = faults(&plan, &[], When::Before).concat();
            assert!(fault.starts_with("till is or holds something else"), "{read:02x?}: {fault}");
        }
    }

    #[test]
    fn what_is_kept_of_the_time_is_named() {
        let plan = plan_of(vec![creation("till", reader(&hex!("42"), true), true)]);
        let expected = found(&plan, &[], When::Before);
        assert_eq!(expected.faults, Vec::<String>::new());
        assert!(expected.created.values().all(|till| till.varying.contains(&U256::ZERO)));
    }

    #[test]
    fn a_moment_is_ahead_or_comes_again() {
        let word = U256::from;
        assert_eq!(ahead(word(5), word(65)), [60]);
        assert_eq!(ahead(word(43_000), word(40_000)), [601_800, 83_400, 600]);
        assert_eq!(ahead(word(0), U256::MAX), [604_799, 86_399, 3_599, 59]);
        assert_eq!(ahead(word(u64::MAX), U256::ZERO), Vec::<u64>::new());
    }
}
