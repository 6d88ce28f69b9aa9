//! Sending bytes that the caller has already made durable.

use std::sync::atomic::Ordering;

use alloy_primitives::{B256, Bytes, keccak256};
use serde_json::json;

use crate::endpoint::Endpoint;
use crate::{EndpointError, Network};

const METHOD: &str = "eth_sendRawTransaction";
/// The most transactions in one request.
const BATCH_MAX: usize = 16;
/// The most bytes of them, which are twice as many in the request.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// An endpoint's answer to a sent transaction. It decides nothing: an accepted transaction may
/// never be included, a rejected one may already be. The caller reconciles by hash and nonce.
#[derive(Debug)]
pub enum SendOutcome {
    /// It took the bytes and gave their hash.
    Accepted(B256),
    /// It answered with an error.
    Rejected {
        /// The JSON-RPC code; each client has its own.
        code: i64,
        /// Its text, escaped.
        message: String,
    },
    /// It did not answer, or with something else.
    Unknown { cause: EndpointError },
}

impl Network {
    /// Sends signed bytes to the preferred endpoint, once.
    ///
    /// # Effects
    /// The transaction may become public and be included, whatever the outcome says.
    pub async fn send_raw(&self, raw: &[u8]) -> SendOutcome {
        self.send_raw_via(raw, 0).await
    }

    /// Sends signed bytes to one endpoint, once: to number `choice` of [`Network::endpoints`],
    /// counted around. The same bytes may be sent again, by the caller's decision.
    ///
    /// # Effects
    /// As [`Network::send_raw`].
    pub async fn send_raw_via(&self, raw: &[u8], choice: usize) -> SendOutcome {
        if self.is_silent() {
            let message = "nothing is sent in a dry run".to_owned();
            return SendOutcome::Rejected { code: 0, message };
        }
        let endpoints = self.raw_endpoints();
        let endpoint = &endpoints[choice % endpoints.len()];
        let bytes = Bytes::copy_from_slice(raw);
        let answer = endpoint.call::<B256>(METHOD, &json!([bytes])).await;
        endpoint.outcome(raw, answer)
    }

    /// Sends signed bytes to the preferred endpoint, each once and in their order, several in one
    /// request where it takes them. The outcomes are in that order. Where the endpoint does not
    /// answer, the last outcome says so, and what is behind it has none.
    ///
    /// # Effects
    /// As [`Network::send_raw`], for whatever has an outcome or was in one request with it.
    pub async fn send_all(&self, raws: &[Bytes]) -> Vec<SendOutcome> {
        let mut outcomes = Vec::new();
        let mut rest = raws;
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(batch_len(rest));
            outcomes.extend(self.send_batch(batch).await);
            if matches!(outcomes.last(), Some(SendOutcome::Unknown { .. })) {
                break;
            }
            rest = after;
        }
        outcomes
    }

    async fn send_batch(&self, raws: &[Bytes]) -> Vec<SendOutcome> {
        let endpoint = &self.raw_endpoints()[0];
        if raws.len() > 1 && !self.is_silent() && !endpoint.one_by_one.load(Ordering::Acquire) {
            let params: Vec<_> = raws.iter().map(|raw| json!([raw])).collect();
            match endpoint.batch(METHOD, &params).await {
                Ok(answers) => {
                    let answers = raws.iter().zip(answers);
                    return answers.map(|(raw, answer)| endpoint.outcome(raw, answer)).collect();
                }
                Err(error) if error.refuses_batches() => {
                    endpoint.one_by_one.store(true, Ordering::Release);
                }
                Err(cause) => return vec![SendOutcome::Unknown { cause }],
            }
        }
        let mut outcomes = Vec::new();
        for raw in raws {
            outcomes.push(self.send_raw(raw).await);
            if matches!(outcomes.last(), Some(SendOutcome::Unknown { .. })) {
                break;
            }
        }
        outcomes
    }
}

/// How many of these, which are not none, go into one request.
fn batch_len(raws: &[Bytes]) -> usize {
    let mut bytes = 0;
    let fits = |raw: &&Bytes| {
        bytes += raw.len();
        bytes <= BATCH_BYTES_MAX
    };
    raws.iter().take(BATCH_MAX).take_while(fits).count().max(1)
}

impl Endpoint {
    /// What its answer to sent bytes is.
    fn outcome(&self, raw: &[u8], answer: Result<B256, EndpointError>) -> SendOutcome {
        match answer {
            Ok(hash) if hash == keccak256(raw) => SendOutcome::Accepted(hash),
            Ok(_) => {
                let cause = self.bad_answer(METHOD, "the hash of what was sent");
                SendOutcome::Unknown { cause }
            }
            Err(EndpointError::Rpc { code, message, .. }) => {
                SendOutcome::Rejected { code, message }
            }
            Err(cause) => SendOutcome::Unknown { cause },
        }
    }
}

impl EndpointError {
    /// Whether an endpoint may mean by it that it takes one call in a request.
    fn refuses_batches(&self) -> bool {
        const SERVER_ERROR: u16 = 500;
        let may = match self {
            Self::Rpc { .. } | Self::BadAnswer { .. } => true,
            Self::Status { status, .. } => *status < SERVER_ERROR,
            _ => false,
        };
        may && self.asks_to_wait().is_none()
    }
}
