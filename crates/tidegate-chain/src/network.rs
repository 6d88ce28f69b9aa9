//! A network: endpoints that are known to serve the same chain.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;
use tidegate_model::ids::{ChainId, NetworkId};

use crate::connect::connect;
use crate::endpoint::Endpoint;
use crate::freshness::{Freshness, heads_within_secs};
use crate::{Clock, ConnectError, EndpointError, Limits, RedactedUrl, Watch};

/// Endpoints that must agree on public chains where policy says nothing else.
const QUORUM_PUBLIC: usize = 2;
const QUORUM_SIMULATED: usize = 1;

/// The number of endpoints that must agree, by what is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As many as the quorum, of different operators: for whatever a gate, a record or a signer
    /// rests on.
    Quorum,
    /// One, the first that answers: enough to deploy to a testnet and to show a status.
    Single,
}

/// The settings of one network: chain, endpoints, quorum and limits.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Its name, for messages.
    pub name: String,
    pub chain: ChainId,
    /// The hash of its block 0; `None` at first sight, for chains that are not built in.
    pub genesis: Option<B256>,
    /// Its endpoints, in order of preference.
    pub endpoints: Vec<RedactedUrl>,
    /// Endpoints of different operators that must agree under [`Reading::Quorum`]; at least 1.
    pub quorum: usize,
    /// The operators of endpoints on this machine, by `host:port`; all others on it are one
    /// operator.
    pub operators: BTreeMap<String, String>,
    /// The largest distance between heads, in seconds.
    pub heads_within_secs: u64,
    /// The clock that the heads of public chains are held against.
    pub clock: Clock,
    /// The number of endpoints that must agree, unless [`Network::reading`] says otherwise.
    pub reading: Reading,
    /// Limits of each call.
    pub limits: Limits,
    /// Whoever is told what goes on.
    pub watch: Watch,
}

impl NetworkConfig {
    /// A network read by a quorum of 2, or of 1 on a simulated chain, within
    /// [`Limits::STANDARD`] and [`heads_within_secs`].
    pub fn new(
        name: impl Into<String>,
        chain: ChainId,
        endpoints: Vec<RedactedUrl>,
        clock: Clock,
    ) -> Self {
        let quorum = if chain.is_simulated() { QUORUM_SIMULATED } else { QUORUM_PUBLIC };
        Self {
            name: name.into(),
            chain,
            genesis: None,
            endpoints,
            quorum,
            operators: BTreeMap::new(),
            heads_within_secs: heads_within_secs(chain),
            clock,
            reading: Reading::Quorum,
            limits: Limits::STANDARD,
            watch: Watch::default(),
        }
    }
}

/// Endpoints that were all seen to serve one chain. Clones share connections.
#[derive(Debug, Clone)]
pub struct Network {
    shared: Arc<Shared>,
    reading: Reading,
    silent: bool,
    for_stop: bool,
    budget: Option<Budget>,
}

/// Until when reads may take, all together.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub(crate) until: tokio::time::Instant,
    pub(crate) secs: f64,
}

impl Budget {
    /// So much time, from now.
    #[expect(clippy::disallowed_methods, reason = "how long an endpoint takes; no chain time")]
    pub fn of(time: std::time::Duration) -> Self {
        Self { until: tokio::time::Instant::now() + time, secs: time.as_secs_f64() }
    }
}

#[derive(Debug)]
struct Shared {
    name: String,
    id: NetworkId,
    endpoints: Vec<Endpoint>,
    absent: Vec<EndpointError>,
    remarks: Vec<String>,
    quorum: usize,
    heads_within_secs: u64,
    clock: Clock,
    watch: Watch,
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
            remarks: checked.remarks,
            quorum: config.quorum.max(1),
            heads_within_secs: config.heads_within_secs,
            clock: config.clock,
            watch: config.watch,
        };
        let (shared, reading) = (Arc::new(shared), config.reading);
        Ok(Self { shared, reading, silent: false, for_stop: false, budget: None })
    }

    /// The same network, read in another way.
    #[must_use]
    pub fn reading(&self, reading: Reading) -> Self {
        Self { reading, ..self.clone() }
    }

    /// The same network, whose reads are over with this budget: an endpoint that is slow with each
    /// answer, or has more than others, does not take for ever.
    #[must_use]
    pub fn within(&self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self.clone() }
    }

    /// The same network, to which nothing can be sent: for a dry run.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// The same network, for what stops something: its heads may be as old as they like, or as far
    /// behind another endpoint's. Nobody waits for finality to stop a release.
    #[must_use]
    pub fn for_stop(&self) -> Self {
        Self { for_stop: true, ..self.clone() }
    }

    /// Whether it is read for what stops something.
    pub const fn is_for_stop(&self) -> bool {
        self.for_stop
    }

    pub(crate) const fn is_silent(&self) -> bool {
        self.silent
    }

    pub(crate) fn budget(&self) -> Option<Budget> {
        self.budget
    }

    /// Chain id and genesis hash, as all endpoints gave them.
    pub fn id(&self) -> NetworkId {
        self.shared.id
    }

    /// The network's name in `tidegate.toml`.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The endpoints that are asked, in order of preference.
    pub fn endpoints(&self) -> impl Iterator<Item = &RedactedUrl> {
        self.shared.endpoints.iter().map(|endpoint| &endpoint.url)
    }

    /// The errors of endpoints that are left out because they did not answer.
    pub fn absent(&self) -> &[EndpointError] {
        &self.shared.absent
    }

    /// Notes for a person on who operates the endpoints, one sentence each.
    pub fn remarks(&self) -> &[String] {
        &self.shared.remarks
    }

    /// The number of different operators among the endpoints that answered.
    pub fn operators(&self) -> usize {
        let names = self.shared.endpoints.iter().map(|endpoint| endpoint.operator.as_str());
        names.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The bounds that heads are held against now.
    pub(crate) fn freshness(&self) -> Freshness {
        let public = !self.shared.id.chain.is_simulated();
        let now = public.then(|| (self.shared.clock)());
        Freshness { within_secs: self.shared.heads_within_secs, now }
    }

    /// The operators that must agree now.
    pub fn operators_wanted(&self) -> usize {
        self.wanted(self.reading)
    }

    pub(crate) fn wanted(&self, reading: Reading) -> usize {
        match reading {
            Reading::Quorum => self.shared.quorum,
            Reading::Single => 1,
        }
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.shared.watch
    }

    pub(crate) fn mode(&self) -> Reading {
        self.reading
    }

    pub(crate) fn raw_endpoints(&self) -> &[Endpoint] {
        &self.shared.endpoints
    }
}
