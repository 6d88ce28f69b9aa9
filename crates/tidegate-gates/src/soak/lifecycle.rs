//! When testnets end: a soak that its network does not outlive proves nothing that others can
//! check again.

use tidegate_model::ChainId;

/// How long before its end a network may already be hard to read, in seconds: operators leave
/// first.
pub const END_MARGIN_SECS: u64 = 3 * 86_400;

/// When a network ends, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfLife {
    /// The first second at which it is not counted on.
    pub at: u64,
    /// Who says so.
    pub source: String,
}

/// One row of what is built in.
struct Known {
    chain: u64,
    at: u64,
    source: &'static str,
}

const ANNOUNCED_2025: &str = "the Ethereum Foundation, 2025-03-18";

/// Dates as their operators announced them, at the beginning of the day in UTC. An announced date
/// can move to an earlier day: `end_of_life` under `[networks.NAME]` says so.
const KNOWN: [Known; 4] = [
    // Goerli, 2024-04-17: three months after Dencun on it.
    Known { chain: 5, at: 1_713_312_000, source: "the Ethereum Foundation, 2023-11-30" },
    // Holesky, 2025-09-30.
    Known { chain: 17_000, at: 1_759_190_400, source: ANNOUNCED_2025 },
    // Sepolia, 2026-09-30.
    Known { chain: 11_155_111, at: 1_790_726_400, source: ANNOUNCED_2025 },
    // Hoodi, 2028-09-30.
    Known { chain: 560_048, at: 1_853_884_800, source: ANNOUNCED_2025 },
];

/// When a network ends: what is built in, or an earlier day that the file says. Nobody who may
/// write the file makes a network last longer.
pub fn end_of_life(chain: ChainId, written: Option<u64>) -> Option<EndOfLife> {
    let known = known_end(chain);
    match (written, known) {
        (Some(at), known) if known.as_ref().is_none_or(|known| at < known.at) => {
            Some(EndOfLife { at, source: "tidegate.toml".to_owned() })
        }
        (_, known) => known,
    }
}

fn known_end(chain: ChainId) -> Option<EndOfLife> {
    let known = KNOWN.iter().find(|known| known.chain == chain.0)?;
    Some(EndOfLife { at: known.at, source: known.source.to_owned() })
}

#[cfg(test)]
mod tests {
    use tidegate_model::units::format_date;

    use super::*;

    #[test]
    fn the_file_ends_a_network_earlier_and_never_later() {
        let sepolia = ChainId(11_155_111);
        let built_in = known_end(sepolia).unwrap();
        let at = |written| end_of_life(sepolia, written).unwrap();
        assert_eq!(at(None), built_in);
        for later in [built_in.at, built_in.at + 1, u64::MAX] {
            assert_eq!(at(Some(later)), built_in);
        }
        let earlier = at(Some(built_in.at - 1));
        assert_eq!((earlier.at, earlier.source.as_str()), (built_in.at - 1, "tidegate.toml"));
        assert_eq!(end_of_life(ChainId(4242), None), None);
        assert_eq!(end_of_life(ChainId(4242), Some(7)).map(|end| end.at), Some(7));
    }

    #[test]
    fn ends_are_the_announced_days() {
        let day = |chain| known_end(ChainId(chain)).map(|end| format_date(end.at));
        let days = [5, 17_000, 11_155_111, 560_048].map(day);
        let expected = ["2024-04-17", "2025-09-30", "2026-09-30", "2028-09-30"];
        assert_eq!(days, expected.map(|day| Some(day.to_owned())));
        assert!(ChainId::SIMULATED.iter().chain(&[1]).all(|id| known_end(ChainId(*id)).is_none()));
        assert!(KNOWN.iter().all(|known| known.at % 86_400 == 0));
    }
}
