//! Whether heads are of now: no endpoint may be far behind another one, or, on a public chain,
//! behind the clock of the machine that asks.

use tidegate_model::ids::ChainId;
use tidegate_model::units::{format_span_secs, format_utc};

use crate::known::{Time, known_chain};

/// The largest distance between heads on Ethereum, its testnets and simulated chains, in seconds:
/// finality takes thirteen to nineteen minutes.
const ETHEREUM_SECS_MAX: u64 = 30 * 60;
/// The same on rollups and chains that are not built in, where batches wait for another chain.
const OTHER_SECS_MAX: u64 = 3 * 3_600;

/// The edge's clock: seconds since 1970. This crate has none of its own.
pub type Clock = fn() -> u64;

/// The largest distance between the heads of a chain's endpoints, in seconds. A policy may ask for
/// less, never for more.
pub(crate) fn heads_within_secs(chain: ChainId) -> u64 {
    match known_chain(chain).map(|known| known.time) {
        Some(Time::Consensus) => ETHEREUM_SECS_MAX,
        None if chain.is_simulated() => ETHEREUM_SECS_MAX,
        Some(Time::Operator) | None => OTHER_SECS_MAX,
    }
}

/// The bounds that heads are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// The largest distance between heads, in seconds.
    pub(crate) within_secs: u64,
    /// The clock's time; `None` on simulated chains, whose time is their own.
    pub(crate) now: Option<u64>,
}

impl Freshness {
    /// Judges the times of heads, each with the endpoint that gave it: the figures of the first
    /// that is too far off.
    pub(crate) fn check(self, heads: &[(String, u64)]) -> Result<(), String> {
        let limit = format_span_secs(self.within_secs);
        let oldest = heads.iter().min_by_key(|(_, time)| *time);
        let newest = heads.iter().max_by_key(|(_, time)| *time);
        let (Some((old, from)), Some((new, to))) = (oldest, newest) else { return Ok(()) };
        let shown = |time: u64| format_utc(time);
        if to - from > self.within_secs {
            let apart = format_span_secs(to - from);
            return Err(format!(
                "{old} gives one of {}, {new} one of {}: {apart} apart, at most {limit} count as \
                 one view",
                shown(*from),
                shown(*to)
            ));
        }
        let Some(now) = self.now else { return Ok(()) };
        for (at, time) in [(old, *from), (new, *to)] {
            if now.abs_diff(time) > self.within_secs {
                let apart = format_span_secs(now.abs_diff(time));
                let side = if time < now { "behind" } else { "ahead of" };
                return Err(format!(
                    "{at} gives one of {}, {apart} {side} this machine's clock ({}), at most \
                     {limit} are taken",
                    shown(time),
                    shown(now)
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;
    const HOUR: u64 = 3_600;

    fn heads(times: &[u64]) -> Vec<(String, u64)> {
        times.iter().zip('a'..).map(|(time, name)| (name.to_string(), *time)).collect()
    }

    #[test]
    fn an_hour_a_day_and_a_week_are_too_far() {
        let public = Freshness { within_secs: 1_800, now: Some(NOW) };
        let simulated = Freshness { now: None, ..public };
        for late in [HOUR, 24 * HOUR, 7 * 24 * HOUR] {
            let told = public.check(&heads(&[NOW, NOW - late])).unwrap_err();
            assert!(told.starts_with("b gives one of") && told.contains("apart"), "{told}");
            assert!(simulated.check(&heads(&[NOW - late, NOW])).is_err());
            // All of them alike: only the clock tells, and on simulated chains there is none.
            let told = public.check(&heads(&[NOW - late; 2])).unwrap_err();
            assert!(told.contains("behind this machine's clock"), "{told}");
            let told = public.check(&heads(&[NOW + late])).unwrap_err();
            assert!(told.contains("ahead of this machine's clock"), "{told}");
            assert_eq!(simulated.check(&heads(&[NOW - late; 2])), Ok(()));
        }
        assert_eq!(public.check(&heads(&[NOW - 1_800, NOW - 900, NOW])), Ok(()));
        assert!(public.check(&heads(&[NOW - 1_801])).is_err());
        assert!(public.check(&heads(&[NOW + 900, NOW - 901])).is_err());
    }

    #[test]
    fn bounds_are_by_whose_time_it_is() {
        let bounds = [1, 11_155_111, 560_048, 31_337, 10, 8_453, 421_614, 4_242]
            .map(|chain| heads_within_secs(ChainId(chain)));
        let (short, long) = (30 * 60, 3 * HOUR);
        assert_eq!(bounds, [short, short, short, short, long, long, long, long]);
    }
}
