//! Sending bytes that the caller has already made durable.

use alloy_primitives::{B256, Bytes, keccak256};
use serde_json::json;

use crate::{EndpointError, Network};

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
        let method = "eth_sendRawTransaction";
        let endpoints = self.raw_endpoints();
        let endpoint = &endpoints[choice % endpoints.len()];
        let bytes = Bytes::copy_from_slice(raw);
        let answer = endpoint.call::<B256>(method, &json!([bytes])).await;
        match answer {
            Ok(hash) if hash == keccak256(raw) => SendOutcome::Accepted(hash),
            Ok(_) => {
                let cause = endpoint.bad_answer(method, "the hash of what was sent");
                SendOutcome::Unknown { cause }
            }
            Err(EndpointError::Rpc { code, message, .. }) => {
                SendOutcome::Rejected { code, message }
            }
            Err(cause) => SendOutcome::Unknown { cause },
        }
    }
}
