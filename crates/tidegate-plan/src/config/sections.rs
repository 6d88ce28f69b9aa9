//! The sections of `tidegate.toml`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256};
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::ChainId;
use tidegate_model::address::{written, written_if_any};
use tidegate_model::endpoint::Endpoint;
use tidegate_model::units::{parse_date, parse_span_secs};

use super::people::check_people;
use super::{ConfigError, ExistingConfig, ExternalConfig, ParamConfig, PersonConfig, StepConfig};

/// The whole of `tidegate.toml`, as written.
#[derive(Debug, Clone)]
pub struct Config {
    /// The project's name; it enters salts and the project id.
    pub name: String,
    /// The release's human name; in no digest.
    pub version: String,
    /// The recorded release whose contracts this one finds, by its version or root.
    pub follows: Option<String>,
    /// Contracts of the release that is followed which no step names any more.
    pub leaves: Vec<String>,
    /// The compiler to use instead of looking for one.
    pub solc: Option<String>,
    /// What else `[compiler]` says.
    pub compiler: CompilerConfig,
    /// The networks, by name.
    pub networks: BTreeMap<String, NetworkConfig>,
    /// Contracts that are there already: name, then network.
    pub externals: BTreeMap<String, BTreeMap<String, ExternalConfig>>,
    /// Live contracts that are upgraded, by name.
    pub existing: BTreeMap<String, ExistingConfig>,
    /// Parameters, by name.
    pub params: BTreeMap<String, ParamConfig>,
    /// The steps, in execution order.
    pub steps: Vec<StepConfig>,
    /// Treasuries, by network.
    pub funds: BTreeMap<String, FundsConfig>,
    /// `[policy]`: the keys as written; this is what the policy's digest covers.
    pub policy: BTreeMap<String, Value>,
    /// The names of firms that audit, by id.
    pub firms: BTreeMap<String, String>,
    /// People with their keys and roles, by name.
    pub people: BTreeMap<String, PersonConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    project: RawProject,
    #[serde(default)]
    compiler: CompilerConfig,
    #[serde(default)]
    networks: BTreeMap<String, NetworkConfig>,
    #[serde(default)]
    externals: BTreeMap<String, BTreeMap<String, ExternalConfig>>,
    #[serde(default)]
    existing: BTreeMap<String, ExistingConfig>,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    #[serde(default, rename = "step")]
    steps: Vec<StepConfig>,
    #[serde(default)]
    funds: BTreeMap<String, FundsConfig>,
    #[serde(default)]
    policy: BTreeMap<String, Value>,
    #[serde(default)]
    firms: BTreeMap<String, String>,
    #[serde(default)]
    people: BTreeMap<String, PersonConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProject {
    name: String,
    version: String,
    follows: Option<String>,
    #[serde(default)]
    leaves: Vec<String>,
}

/// `[compiler]`: a profile of `foundry.toml`, or everything that would stand in one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompilerConfig {
    /// The compiler to use instead of looking for one.
    solc: Option<String>,
    /// The profile of `foundry.toml`.
    pub profile: Option<String>,
    /// The folder of the project's own contracts.
    pub src: Option<String>,
    /// The folders of its dependencies.
    pub libs: Option<Vec<String>>,
    /// Its remappings, `prefix=target`; beside a `foundry.toml`, all those that forge uses.
    pub remappings: Option<Vec<String>>,
    /// The compiler's version.
    pub version: Option<String>,
    /// Whether the optimizer runs.
    pub optimizer: Option<bool>,
    /// The number of runs that it optimizes for.
    pub optimizer_runs: Option<u32>,
    /// Whether code is generated through the intermediate representation.
    pub via_ir: Option<bool>,
    pub evm_version: Option<String>,
    /// The hash of the metadata that goes into the code.
    pub bytecode_hash: Option<String>,
    /// Whether the metadata holds the sources themselves, as that of Hardhat does.
    pub use_literal_content: Option<bool>,
}

impl CompilerConfig {
    /// Whether the project has its compiler settings here, and so no `foundry.toml`.
    pub fn is_own(&self) -> bool {
        let Self { solc, profile, remappings, .. } = self.clone();
        *self != Self { solc, profile, remappings, ..Self::default() }
    }
}

/// The role of a network: where a release is tried, or what it is promoted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// A key deploys; releases soak here.
    Testnet,
    /// Only a Safe acts.
    Mainnet,
}

/// An entry of `[networks]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    pub stage: Stage,
    pub chain: ChainId,
    /// The hash of block 0, for ids that are not built in.
    pub genesis: Option<B256>,
    /// Endpoints: `${NAME}` is a whole URL in the environment.
    #[serde(default)]
    pub rpc: Vec<String>,
    /// The name of the key that deploys (test stages).
    pub deployer: Option<String>,
    /// The Safe that acts (mainnet).
    #[serde(default, deserialize_with = "written_if_any")]
    pub safe: Option<Address>,
    /// The name of the key that pays gas (mainnet).
    pub relayer: Option<String>,
    /// The networks whose soak backs promotions to this one.
    #[serde(default)]
    pub soaks_on: Vec<String>,
    /// The expected time between blocks, such as `12s`.
    pub block_time: Option<String>,
    /// The day from which the network is not counted on, such as `2027-12-31`.
    pub end_of_life: Option<String>,
}

/// The treasury of one network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundsConfig {
    #[serde(deserialize_with = "written")]
    pub treasury: Address,
    /// The name of its key.
    pub key: String,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// If the text has an unknown key, a wrong type, or a value that cannot be meant.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let raw: RawConfig =
            toml::from_str(text).map_err(|error| ConfigError::shape(error, text))?;
        let mut params = BTreeMap::new();
        for (name, value) in raw.params {
            let networks = raw.networks.keys().map(String::as_str);
            let param = ParamConfig::parse(&name, value, networks)?;
            params.insert(name, param);
        }
        let config = Self {
            name: raw.project.name,
            version: raw.project.version,
            follows: raw.project.follows,
            leaves: raw.project.leaves,
            solc: raw.compiler.solc.clone(),
            compiler: raw.compiler,
            networks: raw.networks,
            externals: raw.externals,
            existing: raw.existing,
            params,
            steps: raw.steps,
            funds: raw.funds,
            policy: raw.policy,
            firms: raw.firms,
            people: raw.people,
        };
        config.check()?;
        Ok(config)
    }

    /// The release's human name, such as `vault-1.4.0`.
    pub fn release_name(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_name("project.name", &self.name)?;
        check_name("project.version", &self.version)?;
        if let Some(follows) = &self.follows {
            check_name("project.follows", follows)?;
        }
        for (name, network) in &self.networks {
            check_name(&format!("networks.{name}"), name)?;
            network.check(name)?;
            for soak in &network.soaks_on {
                self.known_network(&format!("networks.{name}.soaks_on"), soak)?;
            }
        }
        for step in self.steps.iter().filter_map(|step| step.name.as_ref()) {
            check_name("step.name", step)?;
        }
        for param in self.params.keys() {
            check_name(&format!("params.{param}"), param)?;
        }
        for (external, networks) in &self.externals {
            check_name(&format!("externals.{external}"), external)?;
            for network in networks.keys() {
                self.known_network(&format!("externals.{external}"), network)?;
            }
        }
        self.check_existing()?;
        for (name, param) in &self.params {
            for network in param.values.keys() {
                self.known_network(&format!("params.{name}"), network)?;
            }
        }
        for network in self.funds.keys() {
            self.known_network("funds", network)?;
        }
        super::chains::check(&self.networks, &self.funds)?;
        check_people(&self.firms, &self.people)?;
        self.check_keys()
    }

    /// Live contracts: under two names, an upgrade of one would be compared as if the other were
    /// there.
    fn check_existing(&self) -> Result<(), ConfigError> {
        for (name, existing) in &self.existing {
            let key = format!("existing.{name}");
            check_name(&key, name)?;
            for (network, place) in &existing.networks {
                self.known_network(&key, network)?;
                let before = self.existing.iter().take_while(|(other, _)| *other != name);
                let is_same = |other: &ExistingConfig| {
                    other.networks.get(network).is_some_and(|at| at.address == place.address)
                };
                if let Some((other, _)) = before.into_iter().find(|(_, other)| is_same(other)) {
                    let reason = format!("it is what `existing.{other}` is on {network}");
                    return Err(ConfigError::value(key, reason));
                }
            }
        }
        Ok(())
    }

    /// A key of a test network signs for whoever answers with another chain's id; so no key is
    /// used on both kinds of networks.
    fn check_keys(&self) -> Result<(), ConfigError> {
        for (name, network) in &self.networks {
            let Some(relayer) = &network.relayer else { continue };
            let deployers = self.networks.values().filter_map(|other| other.deployer.as_ref());
            let treasuries = self.funds.iter().filter(|(network, _)| {
                self.networks.get(*network).is_some_and(|other| other.stage == Stage::Testnet)
            });
            let mut test_keys = deployers.chain(treasuries.map(|(_, funds)| &funds.key));
            if test_keys.any(|key| key == relayer) {
                let key = format!("networks.{name}.relayer");
                return Err(ConfigError::value(key, "a testnet uses this key; take another"));
            }
        }
        Ok(())
    }

    fn known_network(&self, key: &str, name: &str) -> Result<(), ConfigError> {
        if self.networks.contains_key(name) {
            return Ok(());
        }
        let names = self.networks.keys().map(String::as_str);
        let near = super::error::nearest(name, names);
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        Err(ConfigError::value(key, format!("`{name}` is not under [networks]{near}")))
    }
}

impl NetworkConfig {
    /// Seconds between blocks, where the file says so.
    pub fn block_time_secs(&self) -> Option<u64> {
        self.block_time.as_deref().and_then(|text| parse_span_secs(text).ok())
    }

    /// The first second of the network's last day, where the file says so.
    pub fn end_of_life_at(&self) -> Option<u64> {
        self.end_of_life.as_deref().and_then(|text| parse_date(text).ok())
    }

    fn check(&self, name: &str) -> Result<(), ConfigError> {
        let key = |field: &str| format!("networks.{name}.{field}");
        for text in &self.rpc {
            Endpoint::parse(text)
                .map_err(|error| ConfigError::value(key("rpc"), error.to_string()))?;
        }
        if let Some(text) = &self.end_of_life {
            parse_date(text)
                .map_err(|error| ConfigError::value(key("end_of_life"), error.to_string()))?;
        }
        if let Some(text) = &self.block_time {
            let secs = parse_span_secs(text)
                .map_err(|error| ConfigError::value(key("block_time"), error.to_string()))?;
            if secs == 0 {
                return Err(ConfigError::value(key("block_time"), "it must be at least `1s`"));
            }
        }
        match self.stage {
            Stage::Testnet if self.safe.is_some() || self.relayer.is_some() => {
                Err(ConfigError::value(
                    key("safe"),
                    "a testnet has a `deployer`, and no `safe` or \
                                                 `relayer`",
                ))
            }
            Stage::Mainnet if self.deployer.is_some() => Err(ConfigError::value(
                key("deployer"),
                "on mainnet write `safe`, which acts, and `relayer`, which pays gas; there is no \
                 `deployer`",
            )),
            _ => Ok(()),
        }
    }
}

/// Names become file names and salts; they stay simple.
pub(super) fn check_name(key: &str, name: &str) -> Result<(), ConfigError> {
    const NAME_CHARS_MAX: usize = 48;
    /// Operations that are no step of the plan.
    const RESERVED: [&str; 2] = ["anchor", "foreign"];
    let simple = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let good = name.len() <= NAME_CHARS_MAX
        && name.chars().all(simple)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good && !RESERVED.contains(&name) {
        return Ok(());
    }
    if good {
        return Err(ConfigError::value(key, "this name is reserved"));
    }
    Err(ConfigError::value(
        key,
        "use 1 to 48 letters, digits, `-`, `_` or `.`, beginning with a letter or digit",
    ))
}
