//! Logs, in chunks that endpoints are willing to serve.

use alloy_primitives::{Address, B256, U64};
use serde_json::{Value, json};

use crate::wire::WireLog;
use crate::{EndpointError, Log, Network, ReadError, Subject};

/// Blocks asked for at first; doubled until an endpoint refuses, and halved where one does.
const CHUNK_BLOCKS_FIRST: u64 = 2_000;
const CALLS_MAX: usize = 5_000;
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
    /// calls, however old they are: chunks grow until an endpoint refuses one, and shrink where
    /// one does. Answers how many blocks were left.
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
        let (mut from, mut size) = (query.from, CHUNK_BLOCKS_FIRST);
        // The largest chunk that was served, and whether one was refused.
        let (mut served, mut refused) = (1, false);
        for _ in 0..CALLS_MAX {
            let to = query.to.min(from.saturating_add(size - 1));
            let chunk = match self.chunk(query, from, to).await {
                Ok(found) => {
                    served = served.max(size);
                    size = if refused { size } else { size.saturating_mul(2) };
                    Chunk::Read(found)
                }
                Err(error) if asks_for_less(&error) && size > 1 => {
                    refused = true;
                    size /= 2;
                    continue;
                }
                Err(error) if asks_for_less(&error) => {
                    // It was this block: the next ones are asked for as before it.
                    (size, refused) = (served, false);
                    Chunk::Refused(error)
                }
                Err(error) => return Err(error),
            };
            if !take(chunk)? || to == query.to {
                return Ok(query.to - to);
            }
            from = to + 1;
        }
        Err(too_many(query, "calls", CALLS_MAX))
    }

    async fn chunk(&self, query: &LogQuery, from: u64, to: u64) -> Result<Vec<Log>, ReadError> {
        self.agree(Subject::Logs(from, to), |endpoint| async move {
            let topics: Vec<Value> = query
                .topics
                .iter()
                .map(|topics| if topics.is_empty() { Value::Null } else { json!(topics) })
                .collect();
            let filter = json!({"address": query.addresses, "topics": topics,
                "fromBlock": U64::from(from), "toBlock": U64::from(to)});
            let wire: Vec<WireLog> = endpoint.read(METHOD, json!([filter])).await?;
            let mut logs = wire
                .into_iter()
                .map(WireLog::log)
                .collect::<Option<Vec<Log>>>()
                .ok_or_else(|| endpoint.bad_answer(METHOD, "of sealed blocks"))?;
            if !logs.iter().all(|log| matches(query, from, to, log)) {
                return Err(endpoint.bad_answer(METHOD, "what the filter asks for"));
            }
            logs.sort_by_key(|log| (log.block.number, log.index));
            Ok(logs)
        })
        .await
    }
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

/// Endpoints refuse a range in many words; all are JSON-RPC errors or an answer over our limit.
fn asks_for_less(error: &ReadError) -> bool {
    let source = match error {
        ReadError::TooFewEndpoints { source: Some(source), .. }
        | ReadError::Endpoint { source, .. } => source,
        _ => return false,
    };
    matches!(**source, EndpointError::Rpc { .. } | EndpointError::TooLarge { .. })
}
