//! Endpoints that allow no more calls now: how they say so, and how long is waited for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::log_range::names_a_range;
use crate::{EndpointError, Limits};

pub(crate) const TOO_MANY_REQUESTS: u16 = 429;
const UNAVAILABLE: u16 = 503;
/// "Limit exceeded" (EIP-1474): of calls, or of what one call may ask for.
const LIMIT_EXCEEDED: i64 = -32005;
/// Words by which endpoints say that they were asked too often, in lower case.
const TOO_OFTEN: [&str; 10] = [
    "rate limit",
    "rate-limit",
    "ratelimit",
    "too many requests",
    "request count exceeded",
    "requests per second",
    "request limit",
    "compute units per second",
    "throughput",
    "capacity exceeded",
];
/// Calls at a time to an endpoint that was asked too often once.
const CALLS_AT_ONCE: usize = 4;

/// How fast one endpoint is asked.
#[derive(Debug)]
pub(crate) struct Pace {
    turns: Semaphore,
    /// It was asked too often.
    narrow: AtomicBool,
    /// It was waited for in vain, and has not answered since.
    given_up: AtomicBool,
}

impl Default for Pace {
    fn default() -> Self {
        let turns = Semaphore::new(CALLS_AT_ONCE);
        Self { turns, narrow: AtomicBool::default(), given_up: AtomicBool::default() }
    }
}

impl Pace {
    /// The right to call, for which others may have to be over.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        match self.narrow.load(Ordering::Acquire) {
            true => self.turns.acquire().await.ok(),
            false => None,
        }
    }

    pub(crate) fn answered(&self) {
        self.given_up.store(false, Ordering::Release);
    }

    /// Whether it is the first time that this endpoint asks for fewer calls.
    pub(crate) fn narrow(&self) -> bool {
        !self.narrow.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    fn has_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }
}

/// What one read has waited so far.
pub(crate) struct Waiting<'a> {
    pace: &'a Pace,
    limit: Duration,
    pause: Duration,
    waited: Duration,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(pace: &'a Pace, limits: &Limits) -> Self {
        let Limits { busy, busy_pause, .. } = *limits;
        Self { pace, limit: busy, pause: busy_pause, waited: Duration::ZERO }
    }

    /// How long to wait now; `None` where that would be too long in all.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let wait = asked.unwrap_or(self.pause);
        self.pause = self.pause.saturating_mul(2);
        let waited = self.waited.saturating_add(wait.max(Duration::from_millis(1)));
        if self.pace.has_given_up() || waited > self.limit {
            return None;
        }
        self.waited = waited;
        Some(wait)
    }
}

impl EndpointError {
    /// Whether the endpoint was asked too often and wants to be asked later, and when, if it said.
    pub(crate) fn asks_to_wait(&self) -> Option<Option<Duration>> {
        match self {
            Self::Status { status: TOO_MANY_REQUESTS, retry_after, .. } => Some(*retry_after),
            Self::Status { status: UNAVAILABLE, retry_after: Some(after), .. } => {
                Some(Some(*after))
            }
            Self::Rpc { status, code, message, retry_after, .. } => {
                let text = message.to_lowercase();
                let too_often = TOO_OFTEN.iter().any(|words| text.contains(words));
                let by_number = *status == TOO_MANY_REQUESTS
                    || [i64::from(TOO_MANY_REQUESTS), LIMIT_EXCEEDED].contains(code);
                let asks = too_often || by_number && !names_a_range(&text);
                asks.then_some(*retry_after)
            }
            _ => None,
        }
    }
}

/// When to come back, by an answer's headers: in so many seconds, or at a time that is measured by
/// the answer's own date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(secs) = asked.parse() {
        return Some(Duration::from_secs(secs));
    }
    let time = |text| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second());
    let secs = time(asked)?.saturating_sub(time(text(DATE)?)?);
    Some(Duration::from_secs(secs.try_into().unwrap_or_default()))
}

/// The same, as Infura writes it into an error's data.
pub(crate) fn backoff(data: &Value) -> Option<Duration> {
    let secs = data.get("rate")?.get("backoff_seconds")?.as_f64()?;
    Duration::try_from_secs_f64(secs).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;
    use crate::RedactedUrl;

    fn rpc(status: u16, code: i64, message: &str) -> EndpointError {
        EndpointError::Rpc {
            endpoint: RedactedUrl::parse("https://node.example").unwrap(),
            method: "eth_getLogs",
            status,
            code,
            message: message.to_owned(),
            data: None,
            retry_after: None,
        }
    }

    #[test]
    fn asked_too_often_or_for_too_much() {
        let cases = [
            (429, -32005, "daily request count exceeded, request rate limited", true),
            (200, -32005, "limit exceeded", true),
            (200, -32005, "query returned more than 10000 results", false),
            (200, -32005, "query exceeds max block range 3", false),
            (200, 429, "Your app has exceeded its compute units per second capacity", true),
            (429, 429, "", true),
            (200, -32029, "Too Many Requests", true),
            (200, -32007, "50/second request limit reached", true),
            (400, -32602, "eth_getLogs is limited to a 10,000 range", false),
            (200, 3, "execution reverted", false),
            (200, -32000, "header not found", false),
            (400, -32005, "Block range limit exceeded.", false),
        ];
        for (status, code, message, expected) in cases {
            assert_eq!(rpc(status, code, message).asks_to_wait().is_some(), expected, "{message}");
        }
    }

    #[test]
    fn when_to_come_back() {
        let at = |after: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(after));
            date.map(|date| headers.insert(DATE, HeaderValue::from_static(date)));
            retry_after(&headers).map(|after| after.as_secs())
        };
        let noon = Some("Sun, 06 Nov 1994 12:00:00 GMT");
        assert_eq!(at("7", None), Some(7));
        assert_eq!(at("Sun, 06 Nov 1994 12:00:09 GMT", noon), Some(9));
        assert_eq!(at("Sun, 06 Nov 1994 11:00:00 GMT", noon), Some(0));
        assert_eq!(at("Sun, 06 Nov 1994 12:00:09 GMT", None), None);
        assert_eq!(at("-1", noon), None);
        assert_eq!(at("soon", noon), None);
        let data = serde_json::json!({"rate": {"allowed_rps": 1, "backoff_seconds": 2.5}});
        assert_eq!(backoff(&data), Some(Duration::from_millis(2_500)));
        assert_eq!(backoff(&serde_json::json!({"rate": {"backoff_seconds": -1}})), None);
        assert_eq!(backoff(&Value::Null), None);
    }

    #[test]
    fn waits_are_bounded_in_all_and_once() {
        let secs = Duration::from_secs;
        let limits = Limits { busy: secs(10), busy_pause: secs(1), ..Limits::STANDARD };
        let pace = Pace::default();
        let mut waiting = Waiting::new(&pace, &limits);
        let waits: Vec<_> = std::iter::from_fn(|| waiting.next(None)).collect();
        assert_eq!(waits, [secs(1), secs(2), secs(4)]);
        let mut waiting = Waiting::new(&pace, &limits);
        assert_eq!(waiting.next(Some(secs(11))), None);
        assert_eq!(waiting.next(Some(secs(9))), Some(secs(9)));
        assert_eq!(waiting.next(Some(secs(9))), None);
        // It never says how long, and asks again at once without end.
        let mut waiting = Waiting::new(&pace, &limits);
        assert_eq!(std::iter::from_fn(|| waiting.next(Some(secs(0)))).count(), 10_000);
        pace.give_up();
        assert_eq!(Waiting::new(&pace, &limits).next(None), None);
        pace.answered();
        assert!(Waiting::new(&pace, &limits).next(None).is_some());
    }
}
