//! From the settings of a network to a connection.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use tidegate_chain::{
    ConnectError, EndpointError, Endpoints, Happening, Network, NetworkConfig, OwnEndpoints,
    ReadError, RedactedUrl, Time, Watch, block_time_secs, known_chain, named_operators,
};
use tidegate_evidence::SafeReadError;
use tidegate_evm::Errors;
use tidegate_gates::EndOfLife;
use tidegate_model::{BlockRef, ChainId, NetworkId, Reason, ReasonCode};
use tidegate_plan::config::Stage;
use tidegate_store::{read_limited, write_private};

use crate::error::{AppError, AppResult, Kind, OrKind};
use crate::front::{Event, Question};
use crate::project::Project;
use crate::settings::Environment;

/// The largest `operators.toml`, in bytes.
const OPERATORS_BYTES_MAX: u64 = 1 << 16;

/// A network's identity, from its settings alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub id: NetworkId,
    pub block_time_secs: u64,
}

/// Chain id, genesis hash and block time, without asking anybody.
pub(crate) fn identity(project: &Project, name: &str) -> AppResult<Identity> {
    let settings = project.network(name)?;
    let known = known_chain(settings.chain);
    let genesis = settings.genesis.or(known.map(|known| known.genesis)).ok_or_else(|| {
        AppError::config(format!(
            "[networks.{name}] has no `genesis`, and chain {} is not built in",
            settings.chain
        ))
        .hint(format!(
            "`tidegate doctor` prints it; write genesis = \"0x…\" under [networks.{name}]"
        ))
    })?;
    let block_time = block_time_secs(settings.chain, settings.block_time_secs());
    let block_time_secs = block_time.ok_or_else(|| {
        AppError::config(format!("[networks.{name}] has no `block_time`"))
            .hint("write the expected time between blocks, such as block_time = \"12s\"")
    })?;
    let id = NetworkId { chain: settings.chain, genesis };
    Ok(Identity { id, block_time_secs })
}

/// Whether one operator sets the time of a chain: all that is not built in, and rollups.
pub(crate) fn has_operator(chain: ChainId) -> bool {
    !chain.is_simulated() && known_chain(chain).is_none_or(|known| known.time == Time::Operator)
}

/// A chain for people, with what to know of who runs it.
pub fn described(id: NetworkId) -> String {
    let NetworkId { chain, genesis } = id;
    match has_operator(chain) {
        true => format!("chain {chain}, genesis {genesis}: its operator sets time and blocks"),
        false => format!("chain {chain}"),
    }
}

/// When a network ends.
pub(crate) fn end_of_life(project: &Project, name: &str) -> AppResult<Option<EndOfLife>> {
    let settings = project.network(name)?;
    Ok(tidegate_gates::end_of_life(settings.chain, settings.end_of_life_at()))
}

/// What to say of a network that a soak begun now would outlive.
pub(crate) fn ends_too_soon(project: &Project, name: &str, now: u64) -> AppResult<Option<String>> {
    let Some(end) = end_of_life(project, name)? else { return Ok(None) };
    let done = now.saturating_add(project.rules.soak_secs);
    Ok(end.too_soon(name, now, done))
}

/// Why a network does not answer, and that it has ended, where it has by this machine's clock.
pub(crate) fn unreachable(project: &Project, name: &str, why: Reason) -> Reason {
    let now = (project.clock)();
    match end_of_life(project, name) {
        Ok(Some(end)) if now >= end.at => {
            let text = format!("{}; {why}", end.over(name, now));
            Reason::new(ReasonCode::NetworkEnds, text).within(&why)
        }
        _ => why,
    }
}

/// Warns where a soak begun now would outlive its network.
pub(crate) fn warn_of_end(project: &Project, name: &str, now: u64) -> AppResult {
    if let Some(text) = ends_too_soon(project, name, now)? {
        project.front.warn(text);
    }
    Ok(())
}

/// Number of endpoints of different operators that must agree.
pub(crate) const fn quorum(chain: ChainId) -> u32 {
    let [a, b, c] = ChainId::SIMULATED;
    if chain.0 == a || chain.0 == b || chain.0 == c { 1 } else { 2 }
}

/// The largest file of a person's endpoints, in bytes.
const OWN_BYTES_MAX: u64 = 1 << 20;

/// The file of the person's own endpoints.
fn own_file(env: &Environment) -> AppResult<PathBuf> {
    Ok(env.home()?.join("endpoints.toml"))
}

fn own_endpoints(env: &Environment) -> AppResult<OwnEndpoints> {
    let path = own_file(env)?;
    if !path.exists() {
        return Ok(OwnEndpoints::default());
    }
    let bytes = read_limited(&path, OWN_BYTES_MAX)?;
    OwnEndpoints::parse(&String::from_utf8_lossy(&bytes)).or_kind(Kind::Config)
}

/// The endpoints of a network here. A variable that is not set leaves its endpoint out with a
/// warning: somebody else's need not be here.
fn endpoints(project: &Project, name: &str, need: Need) -> AppResult<Vec<RedactedUrl>> {
    let settings = project.network(name)?;
    let chain = settings.chain;
    let own = own_endpoints(&project.env)?;
    let found = own.resolve(chain, &settings.rpc, |name| project.env.get(name));
    let Endpoints { own: mut urls, unpinned, unset } = found.map_err(|error| {
        AppError::new(Kind::Config, error).hint(format!("see [networks.{name}] rpc"))
    })?;
    let variables = match unset.as_slice() {
        [] => OwnEndpoints::variable(chain),
        names => names.join(" or "),
    };
    let mut left_out = None;
    for url in unpinned {
        if urls.contains(&url) {
            continue;
        }
        // A simulated chain beside the program stands in the way of nobody's first five minutes.
        let is_local = need == Need::Any && chain.is_simulated() && url.is_bare_loopback();
        if is_local || pinned(project, name, chain, &url)? {
            urls.push(url);
        } else {
            left_out = Some(url);
        }
    }
    let hint = format!("set the environment variable {variables} to an endpoint of your own");
    let why = match project.front.can_ask() {
        true => "you did not",
        false => "nobody can be asked here",
    };
    match (&left_out, urls.is_empty()) {
        (Some(url), true) => Err(AppError::new(
            Kind::Unknown,
            format!(
                "you have no endpoint for network {name}; the project names {url}, which counts \
                 only once you trust it, and {why}"
            ),
        )
        .hint(hint)),
        (None, true) => {
            let error = AppError::new(Kind::Chain, format!("network {name} has no endpoint here"));
            Err(error.hint(hint))
        }
        (left_out, false) => {
            if let Some(url) = left_out {
                let theirs = format!("{url} is the project's, not yours");
                project.front.warn(format!("{theirs}; it is not used for {name}"));
            }
            for variable in unset {
                project.front.warn(format!("{variable} is not set; {name} has one endpoint fewer"));
            }
            Ok(urls)
        }
    }
}

/// Asks whether an endpoint that the project names may count for decisions, and remembers it.
/// Where nobody can be asked nothing is pinned.
fn pinned(project: &Project, name: &str, chain: ChainId, url: &RedactedUrl) -> AppResult<bool> {
    if !project.front.can_ask() || project.has_declined(url) {
        return Ok(false);
    }
    let front = &project.front;
    front.note(format!(
        "The project names {url} for {name}. Whoever runs it can show you any chain they like; \
         gates and signatures would rest on what it says."
    ));
    if !front.ask(&Question::TrustEndpoint { host: &url.host_and_port() })? {
        project.decline(url);
        return Ok(false);
    }
    let text = own_endpoints(&project.env)?.with(chain, url).to_text().or_kind(Kind::Internal)?;
    write_private(&own_file(&project.env)?, text.as_bytes())?;
    Ok(true)
}

/// Whose word is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Endpoints of the person's own: gates, statements and signatures rest on them.
    Own,
    /// One is enough, and a simulated chain on this machine needs no pin: to plan, and to deploy to
    /// a testnet.
    Any,
}

/// Connects to a network: chain id and genesis hash are checked at every endpoint.
pub(crate) async fn connect(project: &Project, name: &str, need: Need) -> AppResult<Network> {
    let settings = project.network(name)?;
    let (chain, urls) = (settings.chain, endpoints(project, name, need)?);
    let mut config = NetworkConfig::new(name, chain, urls, project.clock);
    config.genesis = settings.genesis;
    config.quorum = quorum(chain) as usize;
    config.operators = operators(project, chain)?;
    let asked = project.rules.heads_within_secs.unwrap_or(u64::MAX);
    config.heads_within_secs = config.heads_within_secs.min(asked);
    config.watch = watch(project);
    let busy = project.front.busy(format!("asking the endpoints of {name}"));
    let network = Network::connect(config).await.map_err(|error| unopened(project, name, error))?;
    drop(busy);
    for remark in network.remarks() {
        project.front.warn(remark);
    }
    Ok(if project.dry_run { network.silent() } else { network })
}

/// A network that cannot be opened. A chain that is not built in has the beginning that is written
/// down, and a local one that is started again has another.
fn unopened(project: &Project, name: &str, error: ConnectError) -> AppError {
    let (found, expected) = match &error {
        ConnectError::WrongGenesis { found, expected, .. } => (*found, Some(*expected)),
        _ => return error.into(),
    };
    let written = project.network(name).ok().filter(|settings| {
        known_chain(settings.chain).is_none()
            && settings.stage == Stage::Testnet
            && settings.genesis == expected
    });
    match written {
        None => error.into(),
        Some(_) => AppError::new(Kind::Chain, error)
            .hint(format!(
                "if the chain was started anew, write genesis = \"{found}\" under \
                 [networks.{name}] in tidegate.toml; what was deployed before is gone then"
            ))
            .hint("else the URL leads to another chain than tidegate.toml names"),
    }
}

/// How a chain on this machine gets blocks that are final, where it mines for transactions alone.
pub(crate) fn brings_finality(chain: ChainId) -> Option<&'static str> {
    chain.is_simulated().then_some(
        "an anvil that mines for transactions alone makes nothing final: `cast rpc anvil_mine \
         0x42` mines what that takes, and `anvil --block-time 1` goes on mining",
    )
}

/// Tells the front end what goes on while a chain is read.
fn watch(project: &Project) -> Watch {
    let front = Arc::clone(&project.front);
    Watch::new(move |happening| match happening {
        Happening::Begins(what) => front.tell(Event::Begin(what)),
        Happening::At(done, all) => {
            front.tell(Event::At(done.try_into().unwrap_or(0), all.try_into().unwrap_or(0)));
        }
        Happening::Ends => front.tell(Event::End),
        Happening::Remark(text) => front.note(text),
    })
}

/// Whom this machine's person named as operators of endpoints on it; on simulated chains alone.
fn operators(project: &Project, chain: ChainId) -> AppResult<BTreeMap<String, String>> {
    let home = project.env.tidegate_home().filter(|_| chain.is_simulated());
    let Some(file) = home.map(|home| home.join("operators.toml")) else {
        return Ok(BTreeMap::new());
    };
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    let bytes = read_limited(&file, OPERATORS_BYTES_MAX)?;
    let named = named_operators(&String::from_utf8_lossy(&bytes)).or_kind(Kind::Config);
    named.map_err(|error| error.hint(format!("see {}", file.display())))
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

impl From<ConnectError> for AppError {
    fn from(error: ConnectError) -> Self {
        let hint = match &error {
            ConnectError::Unreachable { .. } => {
                "check that the endpoint is up and its URL is right"
            }
            ConnectError::WrongChain { .. } | ConnectError::WrongGenesis { .. } => {
                "the URL leads to another chain than tidegate.toml names"
            }
            ConnectError::DevelopmentNode { .. } => {
                "simulated chains have the ids 31337, 31338 and 1337"
            }
            ConnectError::ClearText { .. } => {
                "write https://; http:// is for 127.0.0.1, [::1] and localhost"
            }
            _ => "",
        };
        let error = Self::new(Kind::Chain, error);
        if hint.is_empty() { error } else { error.hint(hint) }
    }
}

const NO_FINALITY: &str = "name an endpoint that knows `finalized`; a chain of which none does \
                           has no finality that could be checked";

impl From<ReadError> for AppError {
    fn from(error: ReadError) -> Self {
        match &error {
            // Nobody erred; there is too little evidence.
            ReadError::TooFewEndpoints { source, .. } => {
                let hint = match source.as_deref() {
                    Some(EndpointError::NoFinality { .. }) => NO_FINALITY,
                    _ => "gates need endpoints of different operators; add one under `rpc`",
                };
                let error = Self::new(Kind::Unknown, error);
                error.coded(ReasonCode::TooFewEndpoints).hint(hint)
            }
            ReadError::Stale { .. } => Self::new(Kind::Unknown, error)
                .coded(ReasonCode::HeadsApart)
                .hint("compare another endpoint and this machine's clock to see which is right"),
            ReadError::Reverted { what, data } => {
                let why = Errors::default().reverted(data);
                Self::new(Kind::Chain, format!("cannot read {what}: it {why}"))
            }
            ReadError::Endpoint { source, .. } => {
                let hint = match **source {
                    EndpointError::NoBaseFee { .. } => "deploy to a chain with the rules of London",
                    EndpointError::NoFinality { .. } => NO_FINALITY,
                    EndpointError::Busy { .. } => {
                        "wait, or name an endpoint that allows more calls"
                    }
                    EndpointError::TooManyCalls { .. } => {
                        "name an endpoint that serves the logs of more blocks at once"
                    }
                    _ => return Self::new(Kind::Chain, error),
                };
                Self::new(Kind::Chain, error).hint(hint)
            }
            _ => Self::new(Kind::Chain, error),
        }
    }
}

impl From<SafeReadError> for AppError {
    fn from(error: SafeReadError) -> Self {
        match error {
            SafeReadError::Read(error) => error.into(),
            SafeReadError::Trust(error) => Self::new(Kind::Fail, error),
            SafeReadError::Absent(safe) => {
                Self::config(format!("there is no Safe at {safe} on this network"))
            }
        }
    }
}

impl From<tidegate_store::StoreError> for AppError {
    fn from(error: tidegate_store::StoreError) -> Self {
        use tidegate_store::StoreError;
        match &error {
            StoreError::Corrupt { path, .. } => {
                let dir = path.parent().unwrap_or(path).display();
                let hint = format!(
                    "move it away; what decides is in files and on chains: `mv {dir} {dir}.broken`"
                );
                Self::new(Kind::Config, error).hint(hint)
            }
            StoreError::Held { .. } => {
                Self::new(Kind::Conflict, error).hint("wait for the other process, or end it")
            }
            StoreError::Disk { .. } => {
                Self::new(Kind::Config, error).hint("make room there, then run the command again")
            }
            _ => Self::new(Kind::Config, error),
        }
    }
}

impl From<tidegate_store::FileError> for AppError {
    fn from(error: tidegate_store::FileError) -> Self {
        Self::new(Kind::Config, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{folder, opened};

    const CONFIG: &str = "[project]\nname = \"v\"\nversion = \"1\"\n\n[networks.hoodi]\n\
                          stage = \"testnet\"\nchain = 560048\nrpc = [\"${ONE}\", \"${TWO}\"]\n";

    #[test]
    fn every_variable_that_is_not_set_is_named() {
        let root = folder(&[("tidegate.toml", CONFIG)]);
        let hint = |variables: &[(&str, &str)]| {
            let (project, front) = opened(root.path(), variables);
            let hints = match endpoints(&project, "hoodi", Need::Own) {
                Ok(urls) => format!("{} endpoint", urls.len()),
                Err(error) => format!("{:?}", error.hints),
            };
            let warned = front.warned.lock().unwrap().clone();
            (hints, warned)
        };
        let (hints, warned) = hint(&[]);
        assert!(hints.contains("set the environment variable ONE or TWO to"), "{hints}");
        assert!(warned.is_empty(), "{warned:?}");
        let (found, warned) = hint(&[("TWO", "https://a.example")]);
        assert_eq!(found, "1 endpoint");
        assert_eq!(warned, ["ONE is not set; hoodi has one endpoint fewer"]);
    }

    /// An endpoint may be slow: what goes on is told before it is asked.
    #[test]
    fn what_is_asked_is_told_before_it_answers() {
        let root = folder(&[("tidegate.toml", CONFIG)]);
        // Nothing listens on this port of this machine.
        let variables = [("ONE", "http://127.0.0.1:9"), ("TWO", "http://127.0.0.1:9")];
        let (project, front) = opened(root.path(), &variables);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(connect(&project, "hoodi", Need::Own)).is_err());
        assert_eq!(*front.begun.lock().unwrap(), ["asking the endpoints of hoodi"]);
    }
}
