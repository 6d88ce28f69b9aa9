//! What the tests share.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_chain::{
    ConnectError, Limits, Network, NetworkConfig, ReadError, Reading, RedactedUrl,
};
use tidegate_model::ids::ChainId;
use tidegate_testkit::{
    Anvil, AnvilOptions, GENESIS_TIMESTAMP, Reply, ScriptedNode, TestkitError, Tools,
};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

pub(crate) const SIMULATED: u64 = 31337;
/// A public id that nothing is built in for.
pub(crate) const PUBLIC: u64 = 4_242;
/// A key, as providers put them into paths.
pub(crate) const API_KEY: &str = "s3cr3t0123456789";

/// Wide enough for a busy machine.
pub(crate) const LIMITS: Limits = Limits {
    call: Duration::from_secs(20),
    connect: Duration::from_secs(5),
    answer_bytes: 1024 * 1024,
    read_attempts: 2,
    read_pause: Duration::from_millis(1),
    busy: Duration::from_millis(40),
    busy_pause: Duration::from_millis(10),
};

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime").block_on(future)
}

pub(crate) fn anvil(chain: u64) -> Result<Anvil, TestkitError> {
    Anvil::start(&Tools::here()?, AnvilOptions::new(chain))
}

/// Limits for a node that answers with `reply`: short where we wait for them to be reached.
pub(crate) fn limits_for(reply: &Reply) -> Limits {
    let call = match reply {
        Reply::Stall | Reply::Drip { .. } => Duration::from_secs(1),
        _ => LIMITS.call,
    };
    Limits { call, ..LIMITS }
}

/// A network read from these endpoints, by a quorum of as many as they are.
pub(crate) fn config(chain: u64, urls: &[&str]) -> NetworkConfig {
    let endpoints: Vec<_> =
        urls.iter().map(|url| RedactedUrl::parse(url).expect("a URL")).collect();
    // Each host is an operator; two ports of one host are not.
    let named = |url: &RedactedUrl| (url.authority(), url.host().to_owned());
    let operators = endpoints.iter().map(named).collect();
    NetworkConfig {
        limits: LIMITS,
        quorum: urls.len(),
        operators,
        ..NetworkConfig::new("test", ChainId(chain), endpoints, || GENESIS_TIMESTAMP)
    }
}

pub(crate) fn connect(config: NetworkConfig) -> Result<Network, ConnectError> {
    run(Network::connect(config))
}

/// The same endpoint under another host's name.
pub(crate) fn second_host(url: &str) -> String {
    url.replace("127.0.0.1", "localhost")
}

/// A node in front of an anvil, which hides what a public node would not answer and otherwise
/// does what `script` says.
pub(crate) fn public_node(
    anvil: &Anvil,
    script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
) -> Result<ScriptedNode, TestkitError> {
    ScriptedNode::start(Some(anvil.url()), move |method, params| match script(method, params) {
        Reply::Forward => hide_development(method),
        reply => reply,
    })
}

fn hide_development(method: &str) -> Reply {
    match method {
        "anvil_nodeInfo" | "hardhat_metadata" => Reply::Error {
            code: -32601,
            message: "the method does not exist".to_owned(),
            data: None,
        },
        "web3_clientVersion" => Reply::Result(json!("Geth/v1.16.0")),
        _ => Reply::Forward,
    }
}

/// An anvil with a public id, seen through two hosts, the second of which follows `script`.
pub(crate) struct Pair {
    pub(crate) anvil: Anvil,
    pub(crate) honest: ScriptedNode,
    pub(crate) other: ScriptedNode,
    pub(crate) network: Network,
}

pub(crate) fn pair(
    script: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
) -> Result<Pair, Box<dyn Error>> {
    let anvil = anvil(PUBLIC)?;
    let honest = public_node(&anvil, |_, _| Reply::Forward)?;
    let other = public_node(&anvil, script)?;
    let urls = [honest.url(), second_host(&other.url())];
    let network = connect(config(PUBLIC, &[&urls[0], &urls[1]]))?;
    assert_eq!(network.operators_wanted(), 2);
    Ok(Pair { anvil, honest, other, network })
}

/// The whole chain of causes, as a person or a log would see it.
pub(crate) fn whole(error: &dyn Error) -> String {
    let mut text = format!("{error} / {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(" / {error} / {error:?}"));
        cause = error.source();
    }
    text
}

pub(crate) fn is_disagreement<T>(result: &Result<T, ReadError>) -> bool {
    matches!(result, Err(ReadError::Disagreement { endpoints, .. }) if endpoints.len() == 2)
}

pub(crate) fn is_too_few<T>(result: &Result<T, ReadError>) -> bool {
    matches!(result, Err(ReadError::TooFewEndpoints { have: 1, want: 2, .. }))
}

pub(crate) fn single(network: &Network) -> Network {
    network.reading(Reading::Single)
}
