//! One call to one endpoint, within limits.

use alloy_primitives::{Bytes, hex};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{EndpointError, Limits, RedactedUrl};

/// There is one call to a connection at a time, so that one id is enough.
const CALL_ID: u64 = 1;

/// An endpoint and the connections to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: RedactedUrl,
    /// Who operates it; set once all endpoints are known.
    pub(crate) operator: String,
    client: reqwest::Client,
    limits: Limits,
}

#[derive(Deserialize)]
struct WireAnswer {
    id: Value,
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    error: Option<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

/// Prepares connections. No proxy of the environment is used, no redirect followed, nothing tried
/// again below this crate.
pub(crate) fn client(limits: &Limits) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(limits.connect)
        .build()
}

impl Endpoint {
    pub(crate) fn new(url: RedactedUrl, client: reqwest::Client, limits: Limits) -> Self {
        Self { url, operator: String::new(), client, limits }
    }

    /// Reads: a passing failure is tried again, within the limits.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, EndpointError> {
        let mut pause = self.limits.read_pause;
        for _ in 1..self.limits.read_attempts {
            match self.call(method, &params).await {
                Err(error) if error.is_passing() => {
                    tracing::debug!(endpoint = %self.url, method, "read again after a pause");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        self.call(method, &params).await
    }

    /// Calls once. `null` is an answer where `T` can be absent.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<T, EndpointError> {
        let body = json!({"jsonrpc": "2.0", "id": CALL_ID, "method": method, "params": params});
        let posted = self.post(method, body.to_string());
        let Ok(answer) = tokio::time::timeout(self.limits.call, posted).await else {
            return Err(EndpointError::TimedOut {
                endpoint: self.url.clone(),
                method,
                secs: self.limits.call.as_secs_f64(),
            });
        };
        let answer: WireAnswer =
            serde_json::from_slice(&answer?).map_err(|_| self.bad_answer(method, "JSON-RPC"))?;
        if let Some(error) = answer.error {
            return Err(self.rpc_error(method, error));
        }
        if answer.id != CALL_ID {
            return Err(self.bad_answer(method, "for this call"));
        }
        serde_json::from_value(answer.result.unwrap_or_default())
            .map_err(|_| self.bad_answer(method, "of the method's form"))
    }

    /// The error that an answer is not what was asked for.
    pub(crate) fn bad_answer(&self, method: &'static str, expected: &'static str) -> EndpointError {
        EndpointError::BadAnswer { endpoint: self.url.clone(), method, expected }
    }

    async fn post(&self, method: &'static str, body: String) -> Result<Vec<u8>, EndpointError> {
        let transport = |source: reqwest::Error| EndpointError::Transport {
            endpoint: self.url.clone(),
            method,
            source: source.without_url(),
        };
        let request = self.client.post(self.url.expose().clone());
        let mut response = request
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(transport)?;
        if !response.status().is_success() {
            return Err(EndpointError::Status {
                endpoint: self.url.clone(),
                method,
                status: response.status().as_u16(),
            });
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if answer.len() + chunk.len() > self.limits.answer_bytes {
                return Err(EndpointError::TooLarge {
                    endpoint: self.url.clone(),
                    method,
                    limit_bytes: self.limits.answer_bytes,
                });
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    fn rpc_error(&self, method: &'static str, error: WireError) -> EndpointError {
        EndpointError::Rpc {
            endpoint: self.url.clone(),
            method,
            code: error.code,
            message: self.url.clean(&error.message),
            data: error.data.as_str().and_then(|data| hex::decode(data).ok()).map(Bytes::from),
        }
    }
}
