//! The time of the batch's block decides nothing but what is kept of it.
//!
//! Whoever has the owners' signatures chooses when to send. What a contract keeps of the time
//! differs from block to block, and is named. What it decides by the time may not show an hour
//! later; so the plan also runs at the moments at which a comparison with the time turns.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use tidegate_evm::EvmError;
use tidegate_model::Head;
use tidegate_model::units::counted;

use crate::expected::Expected;
use crate::run::Run;
use crate::senders::other_than;

/// The most moments that are tried.
const MOMENTS_MAX: usize = 192;
/// The furthest moment that is tried, in seconds: longer than any proposal holds.
const SECS_MAX: u64 = 60 * 86_400;
/// Seconds from block to block, where a number stands for a time.
const BLOCK_SECS: u64 = 12;
/// Periods after which a time may be counted anew, in seconds: a week, a day, an hour, a minute.
const PERIODS: [u64; 4] = [604_800, 86_400, 3_600, 60];

/// Refuses a plan of which a contract holds in another block what is neither the same nor the same
/// with so many seconds or blocks more, as what is kept of the time is, packed or not.
pub(crate) fn refuse_decided(
    found: &Expected,
    (later, then): (&Expected, Head),
    head: Head,
    expected: &mut Expected,
) {
    if !later.faults.is_empty() || later.skipped != found.skipped {
        return;
    }
    let secs = then.timestamp - head.timestamp;
    let passed = [secs, then.block.number - head.block.number].map(U256::from);
    let decided = found.created.iter().find_map(|(at, made)| {
        let other = later.created.get(at)?;
        let mut slots = made.slots.keys().chain(other.slots.keys());
        let slot = slots.find(|slot| match (made.slots.get(*slot), other.slots.get(*slot)) {
            (Some(one), Some(other)) if one.len() == other.len() => {
                !one.iter().zip(other).all(|(one, other)| is_kept(*one, *other, passed))
            }
            _ => true,
        })?;
        Some((made, slot))
    });
    if let Some((made, slot)) = decided {
        expected.faults.push(format!(
            "{} holds in slot {slot:#x} what the block decides: {} later it is neither the \
             same nor later by that, and whoever sends the transaction chooses its time; keep a \
             time as it is and decide nothing by it",
            made.op,
            counted(secs, "second")
        ));
    }
}

/// Whether a word is the same, or differs by what has passed in some of its places.
fn is_kept(one: U256, other: U256, passed: [U256; 2]) -> bool {
    let mut rest = other.wrapping_sub(one);
    // From the lowest byte up, which one of both has to take away.
    while !rest.is_zero() {
        let low = rest.trailing_zeros() / 8;
        let without = |passed: &U256| {
            let place = low.checked_sub(passed.trailing_zeros() / 8)?;
            let left = rest.wrapping_sub(*passed << (8 * place));
            (left.is_zero() || left.trailing_zeros() / 8 > low).then_some(left)
        };
        let taken = passed.iter().filter(|passed| !passed.is_zero()).find_map(without);
        let Some(left) = taken else { return false };
        rest = left;
    }
    true
}

/// Refuses a plan that leaves something else, also in what is there already, at a moment at which a
/// comparison with the time turns, while no operation and no `expect` fails then. `later` is the
/// same run in another block.
pub(crate) fn refuse_moments(
    plain: &Run<'_>,
    later: &Expected,
    expected: &mut Expected,
) -> Result<(), EvmError> {
    let moments = moments(expected, later);
    if moments.len() > MOMENTS_MAX {
        expected.faults.push(format!(
            "compares the time of its block with so much that it turns at {} moments, of which at \
             most {MOMENTS_MAX} can be tried",
            moments.len()
        ));
        return Ok(());
    }
    let head = plain.sandbox.env().head;
    for ahead in moments {
        let ways = [(ahead / BLOCK_SECS, ahead), (ahead, ahead.saturating_mul(BLOCK_SECS))];
        for (blocks, secs) in ways.into_iter().filter(|(_, secs)| *secs <= SECS_MAX) {
            let (number, time) = (head.block.number + blocks, head.timestamp + secs);
            let sandbox = plain.sandbox.clone().in_block(number, time);
            let then = Run { check: true, sandbox, ..plain.clone() }.ops()?;
            if let Some(other) = other_than(plain, expected, &then) {
                expected.faults.push(format!(
                    "{other} is or holds something else in a block {} later, and whoever sends \
                     the transaction chooses its time: keep a time as it is and decide nothing by \
                     it, or add an `expect` that shows it",
                    counted(secs, "second")
                ));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The distances, in seconds or blocks, at which comparisons turn that differ in another block.
fn moments(expected: &Expected, later: &Expected) -> BTreeSet<u64> {
    let pairs = expected.seen.compared.difference(&later.seen.compared);
    let turns = pairs.flat_map(|(a, b)| [(*a, *b), (*b, *a)]).flat_map(|(now, then)| {
        [then, then.wrapping_add(U256::ONE), then.wrapping_sub(U256::ONE)].map(|then| (now, then))
    });
    turns.flat_map(|(now, then)| ahead(now, then)).collect()
}

/// The distances after which `now` becomes `then`, if it grows with the time, in any unit, or is
/// counted anew each period.
fn ahead(now: U256, then: U256) -> Vec<u64> {
    let small = |word: U256| u64::try_from(word).ok().filter(|count| *count <= SECS_MAX);
    let forward = small(then.wrapping_sub(now));
    let behind = small(now.wrapping_sub(then)).filter(|behind| *behind > 0);
    let units = || PERIODS.into_iter().chain([1]);
    let later = forward.into_iter().flat_map(|count| units().map(move |unit| count * unit));
    let again = behind.into_iter().flat_map(|count| units().map(move |unit| count * unit));
    let again = again
        .flat_map(|secs| PERIODS.into_iter().filter_map(move |period| period.checked_sub(secs)));
    later.chain(again).filter(|secs| *secs <= SECS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;
    use crate::expected::When;
    use crate::trial::{OTHER, call, creation, faults, found, plan_of, reader};

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
    fn so_is_one_that_turns_what_is_there_already() {
        // Stores in slot 0 whether it is noon in minutes; or the time.
        let turns = hex!("6102d0 603c6201518042060414 5f5500");
        let keeps = hex!("425f5500");
        let mut plan = plan_of(vec![call("set", OTHER)]);
        plan.outside.insert("pool".to_owned(), OTHER);
        let fault = faults(&plan, &turns, When::Before).concat();
        assert!(fault.starts_with("slot 0x0 of @pool is or holds something else"), "{fault}");
        assert_eq!(faults(&plan, &keeps, When::Before), Vec::<String>::new());
    }

    #[test]
    fn more_moments_than_can_be_tried_are_refused() {
        // 100 comparisons with dates that are an hour apart, before one that matters.
        let decoys = (1..=100u32).flat_map(|hour| {
            let date = 1_800_000_000 + 3_600 * hour;
            [&[0x63][..], &date.to_be_bytes(), &[0x42, 0x14, 0x50]].concat()
        });
        let read: Vec<_> = decoys.chain(hex!("636b4dc600" "4214")).collect();
        let plan = plan_of(vec![creation("till", reader(&read, true), true)]);
        let fault = faults(&plan, &[], When::Before).concat();
        assert!(fault.contains("moments, of which at most"), "{fault}");
    }

    #[test]
    fn what_the_hour_decides_is_not_kept_of_it() {
        // The number of the hour by its last bit, and the hour itself: DIV, AND.
        let odd = hex!("6001 610e10 42 04 16");
        let hour = hex!("610e10 42 04");
        for read in [&odd[..], &hour] {
            let plan = plan_of(vec![creation("till", reader(read, true), true)]);
            let fault = faults(&plan, &[], When::Before).concat();
            assert!(fault.starts_with("till holds in slot 0x0 what the block decides"), "{fault}");
        }
    }

    #[test]
    fn a_time_is_kept_in_any_place() {
        let passed = [U256::from(3_607), U256::from(307)];
        let (start, block) = (U256::from(1_800_000_000_u64), U256::from(20_000_000));
        let packed = |secs: u64, blocks: u64, rest: u64| {
            let time = start + U256::from(secs);
            (time << 200) | (U256::from(rest) << 96) | (block + U256::from(blocks)) | (time << 40)
        };
        let one = packed(0, 0, 7);
        assert!(is_kept(start, start + passed[0], passed));
        assert!(is_kept(one, one, passed) && is_kept(one, packed(3_607, 307, 7), passed));
        for other in [packed(3_607, 307, 8), packed(3_606, 307, 7), packed(3_607, 1, 7)] {
            assert!(!is_kept(one, other, passed), "{other:#x}");
        }
        let hour = [U256::from(3_600), U256::from(300)];
        assert!(is_kept(U256::from(7), U256::from(3_607), hour));
        for (one, other) in [(0, 1), (1, 0), (1, 0x77)] {
            assert!(!is_kept(U256::from(one), U256::from(other), passed));
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
        // In seconds, minutes, hours and days; sixty weeks are too far.
        assert_eq!(ahead(word(5), word(65)), [5_184_000, 216_000, 3_600, 60]);
        let again = ahead(word(43_000), word(40_000));
        assert_eq!(again, [424_800, 601_800, 83_400, 600]);
        assert_eq!(ahead(word(u64::MAX), U256::ZERO), Vec::<u64>::new());
        // One less than nothing is one behind, in each unit of each period.
        let wrapped = ahead(word(0), U256::MAX);
        for secs in [604_799, 86_399, 3_599, 59] {
            assert!(wrapped.contains(&secs), "{secs}: {wrapped:?}");
        }
    }
}
