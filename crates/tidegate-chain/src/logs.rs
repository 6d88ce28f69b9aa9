//! Logs, in chunks that endpoints are willing to serve.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use alloy_primitives::{Address, B256, U64};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::log_range::{is_of_range, refusal};
use crate::log_steps::Steps;
use crate::watch::{Kind, Shown};
use crate::wire::WireLog;
use crate::{EndpointError, Log, Network, ReadError, Subject};

/// Blocks asked for at first; doubled while they hold little, and halved where an endpoint refuses
/// to give even one of them alone.
const CHUNK_BLOCKS_FIRST: u64 = 2_000;
/// A chunk that holds more is followed by a smaller one.
const CHUNK_LOGS: usize = 10_000;
/// A fortnight of blocks of two seconds each, in steps of ten.
const CALLS_MAX: usize = 65_536;
/// Calls at a time to an endpoint that serves few blocks at once.
const CALLS_AT_ONCE: usize = 8;
const LOGS_MAX: usize = 200_000;
const ADDRESSES_MAX: usize = 200;
/// Single blocks that are asked for in vain.
const REFUSED_BLOCKS_MAX: u64 = 64;
const METHOD: &str = "eth_getLogs";

/// A query for logs, by address, topics and block range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Of these contracts; at least one.
    pub addresses: Vec<Address>,
    /// By position, one of these topics; a position without any matches everything.
    pub topics: Vec<Vec<B256>>,
    /// The first block.
    pub from: u64,
    /// The last block. Numbers pin nothing: it must be final, or the caller must check it again.
    pub to: u64,
}

impl Network {
    /// The logs that match, in chain order.
    ///
    /// # Errors
    /// If there are too many, too few endpoints answer, or they disagree.
    pub async fn logs(&self, query: &LogQuery) -> Result<Vec<Log>, ReadError> {
        let mut logs = Vec::new();
        self.each_chunk(query, |chunk| match chunk {
            Chunk::Read(found) => {
                logs.extend(found);
                if logs.len() > LOGS_MAX {
                    Err(too_many(query, "logs", LOGS_MAX))
                } else {
                    Ok(true)
                }
            }
            Chunk::Refused(error) => Err(error),
        })
        .await?;
        Ok(logs)
    }

    /// The same, without blocks that alone hold more than endpoints serve: how many they are, and
    /// how many come after as many logs, or such blocks, as are read at once.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn readable_logs(&self, query: &LogQuery) -> Result<(Vec<Log>, u64), ReadError> {
        let (mut logs, mut refused) = (Vec::new(), 0);
        let read = self.each_chunk(query, |chunk| match chunk {
            Chunk::Read(found) => {
                logs.extend(found);
                Ok(logs.len() <= LOGS_MAX)
            }
            Chunk::Refused(_) => {
                refused += 1;
                Ok(refused < REFUSED_BLOCKS_MAX)
            }
        });
        let left = read.await?;
        Ok((logs, refused + left))
    }

    /// Reads chunk by chunk, until `take` has enough. Contracts that log little are read in few
    /// calls, however old they are: chunks grow while they hold little. Of a chunk each endpoint is
    /// asked in steps of its own. Answers how many blocks were left.
    async fn each_chunk(
        &self,
        query: &LogQuery,
        mut take: impl FnMut(Chunk) -> Result<bool, ReadError>,
    ) -> Result<u64, ReadError> {
        if query.addresses.is_empty() || query.to < query.from {
            return Ok(0);
        }
        if query.addresses.len() > ADDRESSES_MAX {
            return Err(too_many(query, "addresses", ADDRESSES_MAX));
        }
        let reading = Reading::new(self, query);
        let (mut from, mut size) = (query.from, CHUNK_BLOCKS_FIRST);
        // The last block before one that an endpoint refuses, or that one.
        let mut stop = None;
        while from <= query.to {
            let to = query.to.min(from.saturating_add(size - 1)).min(stop.unwrap_or(u64::MAX));
            let chunk = match self.chunk(&reading, from, to).await {
                Ok(found) => {
                    let holds_much = found.len() > CHUNK_LOGS;
                    size = if holds_much { (size / 2).max(1) } else { size.saturating_mul(2) };
                    Chunk::Read(found)
                }
                Err(error) if asks_for_less(&error) && from < to => {
                    match refused_block(&error) {
                        Some(number) => stop = Some(from.max(number.saturating_sub(1))),
                        None => size = (to - from).div_ceil(2),
                    }
                    continue;
                }
                // It was this block: the next ones are asked for as before it.
                Err(error) if asks_for_less(&error) => Chunk::Refused(error),
                Err(error) => return Err(error),
            };
            stop = None;
            if !take(chunk)? || to == query.to {
                return Ok(query.to - to);
            }
            from = to + 1;
        }
        Ok(0)
    }

    async fn chunk(
        &self,
        reading: &Reading<'_>,
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ReadError> {
        let what = Subject::Logs(from, to);
        self.agree(what, |endpoint| reading.range(endpoint, from, to)).await
    }
}

/// One query while it is read: how far, and how each endpoint is asked.
struct Reading<'a> {
    query: &'a LogQuery,
    state: Mutex<State>,
    network: &'a Network,
    shown: Mutex<Option<Shown<'a>>>,
}

struct State {
    /// By the endpoint's place in memory, which is its own while the network is borrowed.
    steps: BTreeMap<usize, Steps>,
    calls: usize,
}

impl<'a> Reading<'a> {
    fn new(network: &'a Network, query: &'a LogQuery) -> Self {
        let state = Mutex::new(State { steps: BTreeMap::new(), calls: 0 });
        Self { query, state, network, shown: Mutex::new(None) }
    }

    /// The logs of a range as one endpoint gives them, in as many calls as it takes.
    async fn range(
        &self,
        endpoint: &Endpoint,
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, EndpointError> {
        let mut logs = Vec::new();
        let mut at = from;
        while at <= to {
            let steps = self.steps(endpoint, |_| ());
            // Several at once where the endpoint is known to serve so much, and no more.
            let many = if steps.is_tried() { CALLS_AT_ONCE } else { 1 };
            let spans = spans(at, to, steps.size()).take(many);
            let asked: Vec<(u64, u64)> = spans.collect();
            self.count(endpoint, asked.len())?;
            let answers = asked.iter().map(|(from, to)| self.ask(endpoint, *from, *to));
            for (answer, (from, to)) in join_all(answers).await.into_iter().zip(&asked) {
                let blocks = to - from + 1;
                match answer {
                    Ok(found) => logs.extend(found),
                    Err(error) => {
                        let (limits, message) = asks_less(&error);
                        if !limits {
                            return Err(error);
                        }
                        let refused = refusal(message, blocks);
                        let learned = self.steps(endpoint, |steps| steps.refused(blocks, refused));
                        if is_of_range(refused) && blocks > 1 {
                            endpoint.log_blocks.fetch_min(learned.size(), Ordering::AcqRel);
                        }
                        if blocks == 1 {
                            return Err(alone(endpoint, *from, error));
                        }
                        break;
                    }
                }
                self.steps(endpoint, |steps| steps.served(blocks));
                at = to + 1;
                if logs.len() > LOGS_MAX {
                    let (endpoint, limit) = (endpoint.url.clone(), LOGS_MAX);
                    return Err(EndpointError::TooManyLogs { endpoint, method: METHOD, limit });
                }
            }
            self.show(at);
        }
        logs.sort_by_key(|log: &Log| (log.block.number, log.index));
        Ok(logs)
    }

    /// What an endpoint is asked next, after it has learned something.
    fn steps(&self, endpoint: &Endpoint, learn: impl FnOnce(&mut Steps)) -> Steps {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = endpoint.log_blocks.load(Ordering::Acquire);
        let place = std::ptr::from_ref(endpoint).addr();
        let steps = state.steps.entry(place).or_insert_with(|| Steps::new(known));
        learn(steps);
        *steps
    }

    fn count(&self, endpoint: &Endpoint, calls: usize) -> Result<(), EndpointError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls += calls;
        if state.calls <= CALLS_MAX {
            return Ok(());
        }
        let (endpoint, limit) = (endpoint.url.clone(), CALLS_MAX);
        Err(EndpointError::TooManyCalls { endpoint, method: METHOD, limit })
    }

    /// Tells how far it is, once it takes several calls.
    fn show(&self, next: u64) {
        let LogQuery { from, to, .. } = *self.query;
        if next > to {
            return;
        }
        let what = || format!("reading the logs of {}, blocks {from} to {to}", self.network.name());
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown
            .get_or_insert_with(|| self.network.watch().begin(Kind::Work, &what()))
            .at(next - from, to - from + 1);
    }

    async fn ask(
        &self,
        endpoint: &Endpoint,
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, EndpointError> {
        let LogQuery { addresses, topics, .. } = self.query;
        let topics: Vec<Value> = topics
            .iter()
            .map(|topics| if topics.is_empty() { Value::Null } else { json!(topics) })
            .collect();
        let filter = json!({"address": addresses, "topics": topics,
            "fromBlock": U64::from(from), "toBlock": U64::from(to)});
        let wire: Vec<WireLog> = endpoint.read(METHOD, json!([filter])).await?;
        let logs = wire
            .into_iter()
            .map(WireLog::log)
            .collect::<Option<Vec<Log>>>()
            .ok_or_else(|| endpoint.bad_answer(METHOD, "of sealed blocks"))?;
        match logs.iter().all(|log| matches(self.query, from, to, log)) {
            true => Ok(logs),
            false => Err(endpoint.bad_answer(METHOD, "what the filter asks for")),
        }
    }
}

/// Tells which block was refused.
fn alone(endpoint: &Endpoint, number: u64, error: EndpointError) -> EndpointError {
    let (endpoint, source) = (endpoint.url.clone(), Box::new(error));
    EndpointError::RefusedBlock { endpoint, method: METHOD, number, source }
}

/// A range in pieces of one size.
fn spans(from: u64, to: u64, size: u64) -> impl Iterator<Item = (u64, u64)> {
    let next = move |(_, last): &(u64, u64)| (*last < to).then(|| piece(last + 1, to, size));
    std::iter::successors(Some(piece(from, to, size)), next)
}

fn piece(from: u64, to: u64, size: u64) -> (u64, u64) {
    (from, to.min(from.saturating_add(size.max(1) - 1)))
}

/// The result of reading the logs of one range.
enum Chunk {
    Read(Vec<Log>),
    /// A single block, of which even that was too much.
    Refused(ReadError),
}

fn too_many(query: &LogQuery, of: &'static str, limit: usize) -> ReadError {
    ReadError::TooMany { what: Subject::Logs(query.from, query.to), of, limit }
}

fn matches(query: &LogQuery, from: u64, to: u64, log: &Log) -> bool {
    let topics = query.topics.iter().enumerate().all(|(position, wanted)| {
        wanted.is_empty() || log.topics.get(position).is_some_and(|topic| wanted.contains(topic))
    });
    topics && (from..=to).contains(&log.block.number) && query.addresses.contains(&log.address)
}

impl ReadError {
    /// Whether a smaller range might be answered: the query asks for more than an endpoint serves,
    /// or than is read, at once.
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::TooMany { .. }) || asks_for_less(self)
    }
}

/// Whether a smaller chunk might be answered.
fn asks_for_less(error: &ReadError) -> bool {
    endpoints_error(error).is_some_and(|error| {
        let is_cut = matches!(error, EndpointError::TooManyLogs { .. });
        asks_less(error).0 || is_cut || refused(error).is_some()
    })
}

fn refused_block(error: &ReadError) -> Option<u64> {
    endpoints_error(error).and_then(refused)
}

fn refused(error: &EndpointError) -> Option<u64> {
    match error {
        EndpointError::RefusedBlock { number, .. } => Some(*number),
        _ => None,
    }
}

fn endpoints_error(error: &ReadError) -> Option<&EndpointError> {
    match error {
        ReadError::TooFewEndpoints { source: Some(source), .. }
        | ReadError::Endpoint { source, .. } => Some(source),
        _ => None,
    }
}

/// Whether an endpoint might serve a smaller range, and what it said. They refuse one in many
/// words; all are JSON-RPC errors or an answer over our limit.
fn asks_less(error: &EndpointError) -> (bool, &str) {
    /// Not understood, no such method.
    const OTHERWISE: [i64; 3] = [-32_700, -32_600, -32_601];
    const FORBIDDEN: [u16; 2] = [401, 403];
    match error {
        EndpointError::TooLarge { .. } => (true, ""),
        EndpointError::Rpc { status, code, message, .. } => {
            (!OTHERWISE.contains(code) && !FORBIDDEN.contains(status), message)
        }
        _ => (false, ""),
    }
}
