//! What an endpoint must show before anything is read from it.

use alloy_primitives::{B256, U64};
use serde_json::{Value, json};
use tidegate_model::ids::ChainId;

use crate::endpoint::{Endpoint, client};
use crate::operators::{Place, operators};
use crate::wire::WireHead;
use crate::{ConnectError, EndpointError, NetworkConfig, known_chain};

const ENDPOINTS_MAX: usize = 8;
/// The most addresses of a host that are looked at.
const ADDRESSES_MAX: usize = 64;
/// Prefixes of the client versions of development nodes, in lower case.
const DEVELOPMENT_CLIENTS: [&str; 5] =
    ["anvil/", "hardhatnetwork/", "ganache", "ethereumjs testrpc", "edr/"];

/// Endpoints that passed, and what the others did.
pub(crate) struct Checked {
    pub(crate) genesis: B256,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) absent: Vec<EndpointError>,
    pub(crate) remarks: Vec<String>,
}

/// The identity that one endpoint reports: chain id, genesis, and signs of a development node.
struct Identity {
    chain: ChainId,
    genesis: B256,
    /// The method that gave a development node away.
    development: Option<&'static str>,
}

/// Checks all endpoints of a network.
pub(crate) async fn connect(config: &NetworkConfig) -> Result<Checked, ConnectError> {
    let network = || config.name.clone();
    if config.endpoints.len() > ENDPOINTS_MAX {
        return Err(ConnectError::TooManyEndpoints { network: network(), limit: ENDPOINTS_MAX });
    }
    if let Some(endpoint) = config.endpoints.iter().find(|url| url.is_clear_text()) {
        return Err(ConnectError::ClearText { network: network(), endpoint: endpoint.clone() });
    }
    let mut expected = expected_genesis(config)?;
    let client = client(&config.limits)
        .map_err(|source| ConnectError::Client { network: network(), source })?;
    let mut endpoints = Vec::new();
    let mut absent = Vec::new();
    let looks = config.endpoints.iter().map(|url| async {
        let endpoint = Endpoint::new(url.clone(), client.clone(), config);
        let identity = identity(&endpoint, config.chain).await?;
        Ok::<_, EndpointError>((endpoint, identity))
    });
    for look in futures_util::future::join_all(looks).await {
        match look {
            Ok((endpoint, identity)) => {
                let genesis = check(config, &endpoint, &identity, expected)?;
                expected = Some(genesis);
                endpoints.push(endpoint);
            }
            Err(error) => {
                tracing::warn!(network = config.name, "leave out an endpoint: {error}");
                absent.push(error);
            }
        }
    }
    match (expected, absent.pop()) {
        (Some(genesis), last) if !endpoints.is_empty() => {
            absent.extend(last);
            let remarks = name_operators(config, &mut endpoints).await;
            Ok(Checked { genesis, endpoints, absent, remarks })
        }
        (_, Some(source)) => {
            Err(ConnectError::Unreachable { network: network(), source: Box::new(source) })
        }
        (_, None) => Err(ConnectError::NoEndpoint { network: network() }),
    }
}

/// Tells whose the endpoints are. A host that does not resolve now has answered all the same, and
/// counts by its name.
async fn name_operators(config: &NetworkConfig, endpoints: &mut [Endpoint]) -> Vec<String> {
    let look = |endpoint: &Endpoint| {
        let (url, limit) = (endpoint.url.clone(), config.limits.connect);
        async move {
            let found = tokio::time::timeout(limit, tokio::net::lookup_host(url.authority())).await;
            let found = found.into_iter().flatten().flatten();
            let addresses = found.take(ADDRESSES_MAX).map(|address| address.ip()).collect();
            Place { url, addresses }
        }
    };
    let places = futures_util::future::join_all(endpoints.iter().map(look)).await;
    let found = operators(&places, &config.operators);
    for (endpoint, operator) in endpoints.iter_mut().zip(found.of) {
        endpoint.operator = operator;
    }
    found.remarks
}

fn expected_genesis(config: &NetworkConfig) -> Result<Option<B256>, ConnectError> {
    let known = known_chain(config.chain).map(|known| known.genesis);
    match (known, config.genesis) {
        (Some(known), Some(configured)) if known != configured => {
            Err(ConnectError::GenesisConflict {
                network: config.name.clone(),
                chain: config.chain,
                known,
                configured,
            })
        }
        (known, configured) => Ok(configured.or(known)),
    }
}

fn check(
    config: &NetworkConfig,
    endpoint: &Endpoint,
    identity: &Identity,
    genesis: Option<B256>,
) -> Result<B256, ConnectError> {
    let network = config.name.clone();
    let at = endpoint.url.clone();
    if identity.chain != config.chain {
        let (found, expected) = (identity.chain, config.chain);
        return Err(ConnectError::WrongChain { network, endpoint: at, found, expected });
    }
    // Before the genesis: "a development node" says more than "another genesis".
    if let Some(method) = identity.development {
        let chain = config.chain;
        return Err(ConnectError::DevelopmentNode { network, endpoint: at, chain, method });
    }
    match genesis {
        Some(expected) if expected != identity.genesis => {
            let found = identity.genesis;
            Err(ConnectError::WrongGenesis { network, endpoint: at, found, expected })
        }
        _ => Ok(identity.genesis),
    }
}

async fn identity(endpoint: &Endpoint, expected: ChainId) -> Result<Identity, EndpointError> {
    let method = "eth_getBlockByNumber";
    let chain: U64 = endpoint.read("eth_chainId", json!([])).await?;
    let first: Option<WireHead> = endpoint.read(method, json!(["0x0", false])).await?;
    let first = first
        .and_then(WireHead::head)
        .filter(|head| head.block.number == 0)
        .ok_or_else(|| endpoint.bad_answer(method, "block 0"))?;
    let development =
        if expected.is_simulated() { None } else { development_method(endpoint).await };
    Ok(Identity { chain: ChainId(chain.to()), genesis: first.block.hash, development })
}

/// The method that gives the endpoint away as a development node, if there is one. Public nodes
/// answer with an error, which proves nothing.
async fn development_method(endpoint: &Endpoint) -> Option<&'static str> {
    for method in ["anvil_nodeInfo", "hardhat_metadata"] {
        let answer: Result<Value, _> = endpoint.call(method, &json!([])).await;
        if answer.is_ok_and(|answer| !answer.is_null()) {
            return Some(method);
        }
    }
    let method = "web3_clientVersion";
    let version: String = endpoint.call(method, &json!([])).await.ok()?;
    let version = version.to_lowercase();
    DEVELOPMENT_CLIENTS.iter().any(|client| version.starts_with(client)).then_some(method)
}
