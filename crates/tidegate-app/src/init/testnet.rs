//! The testnet that a first `tidegate.toml` names.

use std::path::Path;

use tidegate_chain::{Network, NetworkConfig, Reading, RedactedUrl, is_known_testnet, known_chain};
use tidegate_gates::{PolicyRules, end_of_life};
use tidegate_model::ChainId;
use tidegate_model::endpoint::Endpoint;
use tidegate_scaffold::broadcast;

use super::InitRequest;
use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::front::Front;
use crate::settings::Environment;

/// A warning where a testnet ends before a soak from now could be done.
pub(super) fn ends_too_soon(chain: ChainId, name: &str, now: u64) -> Option<String> {
    let done = now.saturating_add(PolicyRules::default().soak_secs);
    end_of_life(chain, None)?.too_soon(name, now, done)
}

/// Seconds from a block to the next on a chain that makes them by itself.
pub(super) async fn block_time(network: &Network) -> Option<u64> {
    const BLOCKS: u64 = 100;
    let head = network.latest_head().await.ok()?;
    let before = head.block.number.checked_sub(BLOCKS)?;
    let before = network.head_at(before).await.ok()?;
    let secs = head.timestamp.saturating_sub(before.timestamp);
    let is_own = !network.id().chain.is_simulated();
    is_own.then(|| ((secs + BLOCKS / 2) / BLOCKS).max(1))
}

/// The testnet that is proposed.
pub(super) struct Testnet {
    pub(super) name: String,
    pub(super) chain: ChainId,
    pub(super) rpc: String,
}

impl Testnet {
    pub(super) fn of(root: &Path, request: &InitRequest, now: u64) -> Self {
        /// Hoodi, Sepolia and the test chains of rollups.
        const DEFAULTS: [u64; 5] = [560_048, 11_155_111, 84_532, 421_614, 11_155_420];
        let sent = broadcast::find(root, 0).other_chains.into_iter().map(ChainId);
        let mut testnets = sent.filter(|chain| is_known_testnet(*chain));
        let only = match (testnets.next(), testnets.next()) {
            (Some(only), None) if request.network.is_none() => Some(only),
            _ => None,
        };
        let lasts = |chain: &ChainId| ends_too_soon(*chain, "", now).is_none();
        let lasting = || DEFAULTS.map(ChainId).into_iter().find(lasts);
        let chain = request.chain.map(ChainId).or(only).or_else(lasting);
        let chain = chain.unwrap_or(ChainId(DEFAULTS[0]));
        let known = known_chain(chain).map(|known| known.name);
        let own = known.unwrap_or(if chain.is_simulated() { "local" } else { "testnet" });
        let name = request.network.clone().unwrap_or_else(|| own.to_owned());
        let rpc = request.rpc.clone().unwrap_or_else(|| match chain.is_simulated() {
            true => "http://127.0.0.1:8545".to_owned(),
            false => format!("${{{}_RPC}}", name.to_uppercase().replace('-', "_")),
        });
        Self { name, chain, rpc }
    }

    /// The network, if its endpoint is known here and answers.
    pub(super) async fn connect(
        &self,
        env: &Environment,
        clock: fn() -> u64,
        front: &dyn Front,
    ) -> AppResult<Network> {
        let url = match Endpoint::parse(&self.rpc).or_kind(Kind::Usage)? {
            Endpoint::Literal(url) => url,
            Endpoint::Variable(name) => env.get(name).ok_or_else(|| {
                AppError::new(Kind::Chain, format!("the environment variable {name} is not set"))
            })?,
        };
        let url = RedactedUrl::parse(url).or_kind(Kind::Usage)?;
        let _busy = front.busy(format!("asking the endpoint of {}", self.name));
        let config = NetworkConfig::new(&self.name, self.chain, vec![url], clock);
        Ok(Network::connect(config).await?.reading(Reading::Single))
    }

    /// Why a broadcast says nothing of this chain: its folder names another one.
    pub(super) fn is_of_another(&self, file: &Path) -> Option<AppError> {
        let folder = file.parent()?.file_name()?.to_str()?;
        let chain: u64 = folder.parse().ok()?;
        let text = format!("they were sent on chain {chain}, so addresses are of that chain");
        (chain != self.chain.0).then(|| AppError::config(text))
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::units::parse_date;

    use super::*;
    use crate::testing::folder;

    const HOODI: u64 = 560_048;
    const SEPOLIA: u64 = 11_155_111;

    fn request(chain: Option<u64>, network: Option<&str>) -> InitRequest {
        InitRequest {
            name: None,
            network: network.map(str::to_owned),
            chain,
            rpc: None,
            profile: None,
            broadcast: None,
        }
    }

    #[test]
    fn a_testnet_is_proposed_that_lasts() {
        let none = folder(&[("foundry.toml", "")]);
        let sent = folder(&[("broadcast/D.s.sol/11155111/run-latest.json", "{}")]);
        let date = |text: &str| parse_date(text).unwrap();
        let cases = [
            // Sepolia has ended, Hoodi has not.
            (&none, "2026-11-30", None, HOODI, false),
            // Two weeks before its end, a soak could not be done there any more.
            (&none, "2028-09-20", None, 84_532, false),
            (&none, "2031-01-01", None, 84_532, false),
            // What is named, and what was sent to, is taken and warned of.
            (&none, "2031-01-01", Some(HOODI), HOODI, true),
            (&sent, "2026-11-30", None, SEPOLIA, true),
        ];
        for (root, now, named, chain, warned) in cases {
            let testnet = Testnet::of(root.path(), &request(named, None), date(now));
            assert_eq!(testnet.chain.0, chain, "{now} {named:?}");
            let warning = ends_too_soon(testnet.chain, &testnet.name, date(now));
            assert_eq!(warning.is_some(), warned, "{now} {named:?}: {warning:?}");
        }
        let named = Testnet::of(sent.path(), &request(None, Some("a-b")), date("2026-11-30"));
        assert_eq!((named.chain.0, &*named.rpc), (HOODI, "${A_B_RPC}"));
    }
}
