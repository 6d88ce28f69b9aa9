//! One call to one endpoint, within limits.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use alloy_primitives::{Bytes, hex};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::busy::{Pace, Waiting, backoff, retry_after};
use crate::watch::Kind;
use crate::{EndpointError, Limits, NetworkConfig, RedactedUrl, Watch};

/// There is one call to a connection at a time, so that one id is enough.
const CALL_ID: u64 = 1;

/// A call that takes longer is shown to whoever waits.
const SLOW: Duration = Duration::from_millis(700);
/// A shorter pause is not worth a word.
const SHOWN_WAIT: Duration = Duration::from_millis(300);

/// An endpoint and the connections to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: RedactedUrl,
    /// Who operates it; set once all endpoints are known.
    pub(crate) operator: String,
    client: reqwest::Client,
    limits: Limits,
    watch: Watch,
    pace: Pace,
    /// It cannot be asked by block hash.
    pub(crate) by_number: AtomicBool,
    /// The most blocks whose logs it serves at once, as far as it said.
    pub(crate) log_blocks: AtomicU64,
    /// It takes one call in a request.
    pub(crate) one_by_one: AtomicBool,
}

/// One answer of JSON-RPC.
#[derive(Deserialize)]
pub(crate) struct WireAnswer {
    pub(crate) id: Value,
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    pub(crate) error: Option<WireError>,
}

/// An error in it.
#[derive(Deserialize)]
pub(crate) struct WireError {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

/// What came over HTTP.
pub(crate) struct Posted {
    status: StatusCode,
    retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
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
    pub(crate) fn new(url: RedactedUrl, client: reqwest::Client, config: &NetworkConfig) -> Self {
        Self {
            url,
            operator: String::new(),
            client,
            limits: config.limits,
            watch: config.watch.clone(),
            pace: Pace::default(),
            by_number: AtomicBool::new(false),
            log_blocks: AtomicU64::new(u64::MAX),
            one_by_one: AtomicBool::new(false),
        }
    }

    /// Reads: a passing failure is tried again, and an endpoint that was asked too often is waited
    /// for, both within the limits.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, EndpointError> {
        let mut turn = self.pace.turn().await;
        let mut waiting = Waiting::new(&self.pace, &self.limits);
        let (mut attempts, mut pause) = (1, self.limits.read_pause);
        loop {
            let error = match self.call(method, &params).await {
                Err(error) => error,
                answer => {
                    self.pace.answered();
                    return answer;
                }
            };
            if let Some(asked) = error.asks_to_wait() {
                let Some(wait) = waiting.next(asked) else {
                    return Err(self.given_up(method, error));
                };
                self.wait(wait).await;
                if turn.is_none() {
                    turn = self.pace.turn().await;
                }
            } else if error.is_passing() && attempts < self.limits.read_attempts {
                tracing::debug!(endpoint = %self.url, method, "read again after a pause");
                tokio::time::sleep(pause).await;
                attempts += 1;
                pause *= 2;
            } else {
                return Err(error);
            }
        }
    }

    /// Waits for an endpoint that was asked too often, and says so.
    async fn wait(&self, wait: Duration) {
        let url = &self.url;
        if self.pace.narrow() {
            self.remark(&format!("{url} allows no more calls for now; reading it takes longer"));
        }
        let what = format!("waiting {} s, as {url} allows no more calls", wait.as_secs_f64());
        let _shown = (wait >= SHOWN_WAIT).then(|| self.watch.begin(Kind::Wait, &what));
        tokio::time::sleep(wait).await;
    }

    fn given_up(&self, method: &'static str, source: EndpointError) -> EndpointError {
        self.pace.give_up();
        EndpointError::Busy {
            endpoint: self.url.clone(),
            method,
            secs: self.limits.busy.as_secs_f64(),
            source: Box::new(source),
        }
    }

    /// What a person should know of this endpoint.
    pub(crate) fn remark(&self, text: &str) {
        self.watch.remark(text);
    }

    /// Calls once. `null` is an answer where `T` can be absent.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<T, EndpointError> {
        let body = json!({"jsonrpc": "2.0", "id": CALL_ID, "method": method, "params": params});
        let posted = self.posted(method, body.to_string()).await?;
        let Ok(answer) = serde_json::from_slice::<WireAnswer>(&posted.body) else {
            return Err(self.no_answer(method, &posted));
        };
        if answer.error.is_none() && posted.status.is_success() && answer.id != CALL_ID {
            return Err(self.bad_answer(method, "for this call"));
        }
        self.result(method, &posted, answer)
    }

    /// What came back, within the time of a call. Whoever waits for long is told for what.
    pub(crate) async fn posted(
        &self,
        method: &'static str,
        body: String,
    ) -> Result<Posted, EndpointError> {
        let posted = tokio::time::timeout(self.limits.call, self.post(method, body));
        let mut posted = std::pin::pin!(posted);
        let answer = match tokio::time::timeout(SLOW, &mut posted).await {
            Ok(answer) => answer,
            Err(_) => {
                let what = format!("waiting for {} ({method})", self.url);
                let _shown = self.watch.begin(Kind::Wait, &what);
                posted.await
            }
        };
        answer.unwrap_or_else(|_| {
            Err(EndpointError::TimedOut {
                endpoint: self.url.clone(),
                method,
                secs: self.limits.call.as_secs_f64(),
            })
        })
    }

    /// What one answer says. An error is one under whatever status; a result needs the status of a
    /// success.
    pub(crate) fn result<T: DeserializeOwned>(
        &self,
        method: &'static str,
        posted: &Posted,
        answer: WireAnswer,
    ) -> Result<T, EndpointError> {
        if let Some(error) = answer.error {
            return Err(self.rpc_error(method, posted, error));
        }
        if !posted.status.is_success() {
            return Err(self.no_answer(method, posted));
        }
        serde_json::from_value(answer.result.unwrap_or_default())
            .map_err(|_| self.bad_answer(method, "of the method's form"))
    }

    /// The error of what is no JSON-RPC: its status, or that it is none.
    pub(crate) fn no_answer(&self, method: &'static str, posted: &Posted) -> EndpointError {
        let Posted { status, retry_after, .. } = *posted;
        if status.is_success() {
            return self.bad_answer(method, "JSON-RPC");
        }
        EndpointError::Status {
            endpoint: self.url.clone(),
            method,
            status: status.as_u16(),
            retry_after,
        }
    }

    /// The error that an answer is not what was asked for.
    pub(crate) fn bad_answer(&self, method: &'static str, expected: &'static str) -> EndpointError {
        EndpointError::BadAnswer { endpoint: self.url.clone(), method, expected }
    }

    async fn post(&self, method: &'static str, body: String) -> Result<Posted, EndpointError> {
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
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
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
        Ok(Posted { status, retry_after, body: answer })
    }

    /// The error that an answer says.
    pub(crate) fn rpc_error(
        &self,
        method: &'static str,
        posted: &Posted,
        error: WireError,
    ) -> EndpointError {
        let Posted { status, retry_after, .. } = *posted;
        EndpointError::Rpc {
            endpoint: self.url.clone(),
            method,
            status: status.as_u16(),
            code: error.code,
            message: self.url.clean(&error.message),
            data: bytes_of(&error.data),
            retry_after: retry_after.or_else(|| backoff(&error.data)),
        }
    }
}

/// The bytes of an error's data: hexadecimal, after a word, or in a field of its own.
fn bytes_of(data: &Value) -> Option<Bytes> {
    let text = data.as_str().or_else(|| data.get("data")?.as_str())?;
    let text = text.strip_prefix("Reverted ").unwrap_or(text);
    hex::decode(text).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revert_data_as_nodes_write_it() {
        let some = Some(Bytes::from_static(&[0x08, 0xc3]));
        for (data, expected) in [
            (json!("0x08c3"), some.clone()),
            (json!("Reverted 0x08c3"), some.clone()),
            (json!({"data": "0x08c3", "message": "x"}), some),
            (json!("0x"), Some(Bytes::new())),
            (json!("revert: no"), None),
            (json!({"rate": {}}), None),
            (Value::Null, None),
        ] {
            assert_eq!(bytes_of(&data), expected, "{data}");
        }
    }
}
