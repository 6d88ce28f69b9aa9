//! How long and how much this crate waits for.

use std::time::Duration;

/// A call that takes longer is given up.
const CALL_SECS_MAX: u64 = 20;
const CONNECT_SECS_MAX: u64 = 5;
/// A full block or a chunk of logs fits well.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
const READ_ATTEMPTS_MAX: u32 = 3;
const READ_PAUSE_MS: u64 = 250;
/// An endpoint that allows no more calls is waited for so long, for one read.
const BUSY_SECS_MAX: u64 = 60;
const BUSY_PAUSE_SECS: u64 = 1;

/// Limits of each call to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start of a call to the last byte of its answer.
    pub call: Duration,
    /// For a connection to come about.
    pub connect: Duration,
    /// The largest answer, in bytes.
    pub answer_bytes: usize,
    /// The attempts of a *read* if an endpoint does not answer or asks to come back. A send is
    /// never tried again.
    pub read_attempts: u32,
    /// The pause before the second attempt; it doubles with each further one.
    pub read_pause: Duration,
    /// How long one read waits in all for an endpoint that was asked too often.
    pub busy: Duration,
    /// The first pause for such an endpoint where it says none; it doubles with each further one.
    pub busy_pause: Duration,
}

impl Limits {
    /// The limits for endpoints of others.
    pub const STANDARD: Self = Self {
        call: Duration::from_secs(CALL_SECS_MAX),
        connect: Duration::from_secs(CONNECT_SECS_MAX),
        answer_bytes: ANSWER_BYTES_MAX,
        read_attempts: READ_ATTEMPTS_MAX,
        read_pause: Duration::from_millis(READ_PAUSE_MS),
        busy: Duration::from_secs(BUSY_SECS_MAX),
        busy_pause: Duration::from_secs(BUSY_PAUSE_SECS),
    };
}
