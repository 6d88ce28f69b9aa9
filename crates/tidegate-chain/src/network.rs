//! A network: endpoints that are known to serve the same chain.

use std::sync::Arc;

use alloy_primitives::B256;
use tidegate_model::ids::{ChainId, NetworkId};

use crate::connect::connect;
use crate::endpoint::Endpoint;
use crate::{ConnectError, EndpointError, Limits, RedactedUrl};

/// Endpoints that must agree on public chains where policy says nothing else.
const QUORUM_PUBLIC: usize = 2;
const QUORUM_SIMULATED: usize = 1;

/// How many endpoints have to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As many as the quorum, on different hosts: for whatever a gate, a record or a signer
    /// rests on.
    Quorum,
    /// One, the first that answers: enough to deploy to a testnet and to show a status.
    Single,
}

/// How a network is configured.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Its name, for messages.
    pub name: String,
    /// Its chain id.
    pub chain: ChainId,
    /// The hash of its block 0; `None` at first sight, for chains that are not built in.
    pub genesis: Option<B256>,
    /// Its endpoints, in order of preference.
    pub endpoints: Vec<RedactedUrl>,
    /// Endpoints on different hosts that must agree under [`Reading::Quorum`]; at least 1.
    pub quorum: usize,
    /// How many have to agree, unless [`Network::reading`] says otherwise.
    pub reading: Reading,
    /// Limits of each call.
    pub limits: Limits,
}

impl NetworkConfig {
    /// A network read by a quorum of 2, or of 1 on a simulated chain, within
    /// [`Limits::STANDARD`].
    pub fn new(name: impl Into<String>, chain: ChainId, endpoints: Vec<RedactedUrl>) -> Self {
        let quorum = if chain.is_simulated() { QUORUM_SIMULATED } else { QUORUM_PUBLIC };
        Self {
            name: name.into(),
            chain,
            genesis: None,
            endpoints,
            quorum,
            reading: Reading::Quorum,
            limits: Limits::STANDARD,
        }
    }
}

/// Endpoints that were all seen to serve one chain. Clones share connections.
#[derive(Debug, Clone)]
pub struct Network {
    shared: Arc<Shared>,
    reading: Reading,
}

#[derive(Debug)]
struct Shared {
    name: String,
    id: NetworkId,
    endpoints: Vec<Endpoint>,
    absent: Vec<EndpointError>,
    quorum: usize,
}

impl Network {
    /// Checks each endpoint: chain id, genesis, and that no development node stands behind a
    /// public chain id. An endpoint that does not answer is left out, see [`Network::absent`];
    /// one that answers wrongly is an error, as somebody configured it.
    ///
    /// # Errors
    /// If an endpoint serves something else, or none answers.
    pub async fn connect(config: NetworkConfig) -> Result<Self, ConnectError> {
        let checked = connect(&config).await?;
        let shared = Shared {
            name: config.name,
            id: NetworkId { chain: config.chain, genesis: checked.genesis },
            endpoints: checked.endpoints,
            absent: checked.absent,
            quorum: config.quorum.max(1),
        };
        Ok(Self { shared: Arc::new(shared), reading: config.reading })
    }

    /// The same network, read in another way.
    #[must_use]
    pub fn reading(&self, reading: Reading) -> Self {
        Self { shared: Arc::clone(&self.shared), reading }
    }

    /// Chain id and genesis hash, as all endpoints gave them.
    pub fn id(&self) -> NetworkId {
        self.shared.id
    }

    /// Its configured name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The endpoints that are asked, in order of preference.
    pub fn endpoints(&self) -> impl Iterator<Item = &RedactedUrl> {
        self.shared.endpoints.iter().map(|endpoint| &endpoint.url)
    }

    /// What the endpoints did that are left out because they did not answer.
    pub fn absent(&self) -> &[EndpointError] {
        &self.shared.absent
    }

    /// The hosts that must agree now.
    pub fn hosts_wanted(&self) -> usize {
        match self.reading {
            Reading::Quorum => self.shared.quorum,
            Reading::Single => 1,
        }
    }

    pub(crate) fn mode(&self) -> Reading {
        self.reading
    }

    pub(crate) fn raw_endpoints(&self) -> &[Endpoint] {
        &self.shared.endpoints
    }
}
