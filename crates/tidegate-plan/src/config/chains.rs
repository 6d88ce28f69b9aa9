//! Which chains networks may have: money of tests never meets money.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::sections::{FundsConfig, NetworkConfig, Stage};

/// Refuses a testnet on a chain whose coin is worth something or that a target has too, and test
/// funds elsewhere than on a testnet. Whoever sends names a network, and the chain is what
/// counts.
pub(super) fn check(
    networks: &BTreeMap<String, NetworkConfig>,
    funds: &BTreeMap<String, FundsConfig>,
) -> Result<(), ConfigError> {
    for (name, network) in networks.iter().filter(|(_, network)| network.stage == Stage::Testnet) {
        let key = || format!("networks.{name}.chain");
        let chain = network.chain;
        if chain.is_valued() {
            let what = format!("the coin of chain {chain} has value; it is not a testnet");
            return Err(ConfigError::value(key(), what));
        }
        let is_same = |other: &NetworkConfig| {
            let genesis = network.genesis.is_some() && network.genesis == other.genesis;
            other.chain == chain || genesis
        };
        let mut others = networks.iter().filter(|(_, other)| other.stage != Stage::Testnet);
        if let Some((other, _)) = others.find(|(_, other)| is_same(other)) {
            let what =
                format!("`{name}` and `{other}` are one chain; a testnet cannot be a target");
            return Err(ConfigError::value(key(), what));
        }
    }
    for name in funds.keys() {
        let network = networks.get(name);
        if network.is_some_and(|network| network.stage != Stage::Testnet) {
            let what = format!("test funds are lent on testnets, and `{name}` is not one");
            return Err(ConfigError::value(format!("funds.{name}"), what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    /// A testnet, a target, and what stands behind them.
    fn read(testnet: &str, target: &str, rest: &str) -> Result<(), String> {
        let text = format!(
            "[project]\nname = \"v\"\nversion = \"1\"\n\n[networks.t]\nstage = \"testnet\"\n\
             {testnet}\n\n[networks.m]\nstage = \"mainnet\"\n{target}\n\n{rest}"
        );
        Config::parse(&text).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn a_testnet_is_no_chain_of_value_and_no_target_s() {
        let hash = |digit: &str| format!("genesis = \"0x{}\"", digit.repeat(64));
        let funds = |name: &str| {
            format!("[funds]\n{name} = {{ treasury = \"0x{}\", key = \"k\" }}\n", "01".repeat(20))
        };
        let second = |stage: &str, chain: u64| {
            format!("[networks.s]\nstage = \"{stage}\"\nchain = {chain}\n")
        };
        let (test, real) = ("chain = 560048", "chain = 1");
        read(test, real, "").unwrap();
        read(test, real, &funds("t")).unwrap();
        read(test, real, &second("mainnet", 1)).unwrap();
        read(test, real, &second("testnet", 560_048)).unwrap();
        read(&format!("{test}\n{}", hash("1")), &format!("{real}\n{}", hash("2")), "").unwrap();
        let refused = [
            (read("chain = 1", "chain = 10", ""), "the coin of chain 1 has value"),
            (read("chain = 8453", real, ""), "the coin of chain 8453 has value"),
            (read("chain = 42161", real, ""), "the coin of chain 42161"),
            (read("chain = 7", "chain = 7", ""), "`t` and `m` are one chain"),
            (read(test, real, &second("mainnet", 560_048)), "`t` and `s` are one chain"),
            (
                read(&format!("{test}\n{}", hash("1")), &format!("{real}\n{}", hash("1")), ""),
                "`t` and `m` are one chain",
            ),
            (read(test, real, &funds("m")), "test funds are lent on testnets, and `m` is not one"),
        ];
        for (found, says) in refused {
            let error = found.unwrap_err();
            assert!(error.contains(says), "{error} does not say {says}");
        }
    }
}
