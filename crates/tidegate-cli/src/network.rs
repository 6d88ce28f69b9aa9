//! From the settings of a network to a connection.

use alloy_primitives::{Address, B256};
use tidegate_chain::{ConnectError, Network, NetworkConfig, ReadError, RedactedUrl, known_chain};
use tidegate_gates::{END_MARGIN_SECS, EndOfLife, known_end};
use tidegate_model::units::format_date;
use tidegate_model::{BlockRef, ChainId, NetworkId};

use crate::error::{CliError, CliResult, Kind};
use crate::project::Project;

/// What the settings alone say of a network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) id: NetworkId,
    pub(crate) block_time_secs: u64,
}

/// Chain id, genesis hash and block time, without asking anybody.
pub(crate) fn identity(project: &Project, name: &str) -> CliResult<Identity> {
    let settings = project.network(name)?;
    let known = known_chain(settings.chain);
    let genesis = settings.genesis.or(known.map(|known| known.genesis)).ok_or_else(|| {
        CliError::config(format!(
            "[networks.{name}] has no `genesis`, and chain {} is not built in",
            settings.chain
        ))
        .hint(format!(
            "`tidegate doctor` prints it; write genesis = \"0x…\" under [networks.{name}]"
        ))
    })?;
    let block_time = settings.block_time_secs().or(known.map(|known| known.block_time_secs));
    let block_time_secs = block_time.ok_or_else(|| {
        CliError::config(format!("[networks.{name}] has no `block_time`"))
            .hint("write the expected time between blocks, such as block_time = \"12s\"")
    })?;
    let id = NetworkId { chain: settings.chain, genesis };
    Ok(Identity { id, block_time_secs })
}

/// When a network ends: as the file says, else as is built in.
pub(crate) fn end_of_life(project: &Project, name: &str) -> CliResult<Option<EndOfLife>> {
    let settings = project.network(name)?;
    let written = settings.end_of_life_at();
    let written = written.map(|at| EndOfLife { at, source: "tidegate.toml".to_owned() });
    Ok(written.or_else(|| known_end(settings.chain)))
}

/// What to say of a network that a soak begun now would outlive.
pub(crate) fn ends_too_soon(project: &Project, name: &str, now: u64) -> CliResult<Option<String>> {
    let Some(end) = end_of_life(project, name)? else { return Ok(None) };
    let done = now.saturating_add(project.rules.soak_secs);
    let late = done.saturating_add(END_MARGIN_SECS) > end.at;
    Ok(late.then(|| {
        format!(
            "{name} ends on {}, says {}; a soak begun now would be complete on {} at the earliest",
            format_date(end.at),
            end.source,
            format_date(done)
        )
    }))
}

/// Warns where a soak begun now would outlive its network.
pub(crate) fn warn_of_end(project: &Project, name: &str, now: u64) -> CliResult {
    if let Some(text) = ends_too_soon(project, name, now)? {
        project.ui.warn(text);
    }
    Ok(())
}

/// How many endpoints of different hosts must agree.
pub(crate) const fn quorum(chain: ChainId) -> u32 {
    let [a, b, c] = ChainId::SIMULATED;
    if chain.0 == a || chain.0 == b || chain.0 == c { 1 } else { 2 }
}

/// The endpoints of a network, with the environment's values filled in. One whose variable is not
/// set is left out with a warning: somebody else's endpoint need not be here.
pub(crate) fn endpoints(project: &Project, name: &str) -> CliResult<Vec<RedactedUrl>> {
    let settings = project.network(name)?;
    let mut endpoints = Vec::new();
    let mut unset = Vec::new();
    for written in &settings.rpc {
        match project.env.expand(written) {
            Ok(url) => endpoints.push(RedactedUrl::parse(&url).map_err(|error| {
                CliError::new(Kind::Config, error).hint(format!("see [networks.{name}] rpc"))
            })?),
            Err(variable) => unset.push(variable),
        }
    }
    if endpoints.is_empty() {
        let error = CliError::new(Kind::Chain, format!("network {name} has no endpoint here"));
        return Err(match unset.first() {
            Some(variable) => error.hint(format!("set the environment variable {variable}")),
            None => error.hint(format!("write rpc = [\"…\"] under [networks.{name}]")),
        });
    }
    for variable in unset {
        project.ui.warn(format!("{variable} is not set; {name} has one endpoint less"));
    }
    Ok(endpoints)
}

/// Connects to a network: chain id and genesis hash are checked at every endpoint.
pub(crate) async fn connect(project: &Project, name: &str) -> CliResult<Network> {
    let settings = project.network(name)?;
    let mut config = NetworkConfig::new(name, settings.chain, endpoints(project, name)?);
    config.genesis = settings.genesis;
    config.quorum = quorum(settings.chain) as usize;
    Ok(Network::connect(config).await?)
}

/// One storage slot, as the word it holds.
pub(crate) async fn slot(
    network: &Network,
    address: Address,
    slot: B256,
    at: BlockRef,
) -> Result<B256, ReadError> {
    Ok(network.storage(address, slot.into(), at).await?.into())
}

impl From<ConnectError> for CliError {
    fn from(error: ConnectError) -> Self {
        let hint = match &error {
            ConnectError::Unreachable { .. } => "is the endpoint up, and its URL right?",
            ConnectError::WrongChain { .. } | ConnectError::WrongGenesis { .. } => {
                "the URL leads to another chain than tidegate.toml names"
            }
            ConnectError::DevelopmentNode { .. } => {
                "simulated chains have the ids 31337, 31338 and 1337"
            }
            _ => "",
        };
        let error = Self::new(Kind::Chain, error);
        if hint.is_empty() { error } else { error.hint(hint) }
    }
}

impl From<ReadError> for CliError {
    fn from(error: ReadError) -> Self {
        match &error {
            // Nobody erred; there is too little evidence.
            ReadError::TooFewEndpoints { .. } => Self::new(Kind::Verdict(30), error)
                .hint("gates ask endpoints on different hosts; add one under rpc"),
            _ => Self::new(Kind::Chain, error),
        }
    }
}

impl From<tidegate_store::StoreError> for CliError {
    fn from(error: tidegate_store::StoreError) -> Self {
        use tidegate_store::StoreError;
        match &error {
            StoreError::Corrupt { path, .. } => {
                let dir = path.parent().unwrap_or(path).display();
                let hint = format!("move it away; no truth is lost: mv {dir} {dir}.broken");
                Self::new(Kind::Config, error).hint(hint)
            }
            StoreError::Held { .. } => {
                Self::new(Kind::Conflict, error).hint("wait for the other process, or end it")
            }
            _ => Self::new(Kind::Config, error),
        }
    }
}

impl From<tidegate_store::FileError> for CliError {
    fn from(error: tidegate_store::FileError) -> Self {
        Self::new(Kind::Config, error)
    }
}
