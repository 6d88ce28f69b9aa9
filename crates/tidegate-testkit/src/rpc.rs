//! A small blocking JSON-RPC client for loopback.

use std::time::Duration;

use alloy_primitives::hex;
use serde_json::{Value, json};

use crate::TestkitError;

/// Mining hundreds of blocks in one call takes seconds on a busy machine.
const CALL_SECS_MAX: u64 = 120;
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Calls one endpoint; connections are kept. Clones share them.
#[derive(Debug, Clone)]
pub struct RpcClient {
    agent: ureq::Agent,
    url: String,
}

impl RpcClient {
    /// A client of `url`; nothing is sent yet.
    pub fn new(url: impl Into<String>) -> Self {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(CALL_SECS_MAX)))
            .build()
            .into();
        Self { agent, url: url.into() }
    }

    /// The endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls `method` with an array of parameters and returns its result.
    ///
    /// # Errors
    /// If there is no answer, or it is an error.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, TestkitError> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let body = self.post(request.to_string().as_bytes()).map_err(|source| {
            TestkitError::Transport { method: method.to_owned(), source: Box::new(source) }
        })?;
        let shape = || TestkitError::Shape { method: method.to_owned(), expected: "JSON-RPC" };
        let mut answer: Value = serde_json::from_slice(&body).map_err(|_| shape())?;
        if let Some(error) = answer.get("error") {
            return Err(TestkitError::Rpc {
                method: method.to_owned(),
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
                data: error["data"]
                    .as_str()
                    .and_then(|data| hex::decode(data).ok())
                    .map(Into::into),
            });
        }
        answer.get_mut("result").map(Value::take).ok_or_else(shape)
    }

    /// Posts a body as it is and returns the answer's body, whatever its status.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) fn post(&self, body: &[u8]) -> Result<Vec<u8>, ureq::Error> {
        self.agent
            .post(&self.url)
            .header("content-type", "application/json")
            .send(body)?
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec()
    }
}
