//! The ends of testnets: a soak that its network does not outlive proves nothing that others can
//! check again.

use tidegate_model::ChainId;
use tidegate_model::units::format_date;

/// How long before its end a network may already be hard to read, in seconds: operators leave
/// first.
pub(super) const END_MARGIN_SECS: u64 = 3 * 86_400;

/// When a network ends, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfLife {
    /// The first second at which it is not counted on.
    pub at: u64,
    /// The source of that date.
    pub source: String,
}

impl EndOfLife {
    /// What to say of a network where a soak would be complete at `done`, at a time: nothing while
    /// it outlives that, else when it ends or ended and what to do about it.
    pub fn too_soon(&self, network: &str, now: u64, done: u64) -> Option<String> {
        if now >= self.at {
            return Some(self.over(network, now));
        }
        let late = done.saturating_add(END_MARGIN_SECS) > self.at;
        late.then(|| {
            format!(
                "{network} ends on {}, says {}; a soak there would be complete on {} at the \
                 earliest. Deploy to {}",
                format_date(self.at),
                self.source,
                format_date(done),
                another(now)
            )
        })
    }

    /// What to say of a network that has ended.
    pub fn over(&self, network: &str, now: u64) -> String {
        format!(
            "{network} ended on {}, says {}: days after that do not count. Deploy to {}, name it \
             in `soaks_on`, and have the owners adopt the changed policy",
            format_date(self.at),
            self.source,
            another(now)
        )
    }
}

/// Where to go instead: the built-in testnet that lives longest, while it does.
fn another(now: u64) -> String {
    let last = KNOWN.iter().max_by_key(|known| known.at);
    let lives = last.filter(|known| known.at > now.saturating_add(END_MARGIN_SECS));
    match lives {
        Some(known) => {
            format!("a testnet that lives, such as {} (chain {})", known.name, known.chain)
        }
        None => "a testnet that lives".to_owned(),
    }
}

/// One row of what is built in.
struct Known {
    chain: u64,
    name: &'static str,
    at: u64,
    source: &'static str,
}

const ANNOUNCED_2025: &str = "the Ethereum Foundation, 2025-03-18";

/// Dates as their operators announced them, at the beginning of the day in UTC. An announced date
/// can move to an earlier day: `end_of_life` under `[networks.NAME]` says so.
const KNOWN: [Known; 4] = [
    // Goerli, 2024-04-17: three months after Dencun on it.
    Known {
        chain: 5,
        name: "goerli",
        at: 1_713_312_000,
        source: "the Ethereum Foundation, 2023-11-30",
    },
    // Holesky, 2025-09-30.
    Known { chain: 17_000, name: "holesky", at: 1_759_190_400, source: ANNOUNCED_2025 },
    // Sepolia, 2026-09-30.
    Known { chain: 11_155_111, name: "sepolia", at: 1_790_726_400, source: ANNOUNCED_2025 },
    // Hoodi, 2028-09-30.
    Known { chain: 560_048, name: "hoodi", at: 1_853_884_800, source: ANNOUNCED_2025 },
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

    /// Each says what to do, and names a testnet only while that one lives.
    #[test]
    fn what_is_said_of_a_network_that_ends() {
        let day = 86_400;
        let sepolia = known_end(ChainId(11_155_111)).unwrap();
        let hoodi = known_end(ChainId(560_048)).unwrap();
        let done = sepolia.at - END_MARGIN_SECS;
        let said = |end: &EndOfLife, now, done| end.too_soon("soak", now, done);
        assert_eq!(said(&sepolia, done - day, done), None);
        let late = said(&sepolia, done - day, done + 1).unwrap();
        assert!(late.starts_with("soak ends on 2026-09-30, says the Ethereum"), "{late}");
        assert!(late.ends_with("Deploy to a testnet that lives, such as hoodi (chain 560048)"));
        let over = said(&sepolia, sepolia.at, sepolia.at).unwrap();
        assert!(over.starts_with("soak ended on 2026-09-30, says the Ethereum"), "{over}");
        assert!(over.contains("such as hoodi (chain 560048), name it in `soaks_on`"), "{over}");
        assert_eq!(another(hoodi.at - END_MARGIN_SECS), "a testnet that lives");
        assert!(another(hoodi.at - END_MARGIN_SECS - 1).ends_with("hoodi (chain 560048)"));
        let last = said(&hoodi, hoodi.at + day, hoodi.at + day).unwrap();
        assert!(last.contains("Deploy to a testnet that lives, name it in"), "{last}");
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
