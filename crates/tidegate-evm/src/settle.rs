//! Fetching what a run lacks and running again, within limits.

use std::collections::BTreeSet;

use tidegate_model::ports::{StateKey, StateSnapshot};

use crate::error::EvmError;

/// The most rounds of fetching for one computation. A round asks for up to 64 places; deep
/// chains of proxies take about one round a hop.
pub const ROUNDS_MAX: u32 = 64;

/// Counts the rounds of one computation. An asynchronous caller loops with it:
///
/// ```text
/// let mut rounds = Rounds::new();
/// loop {
///     match rounds.step(run(&snapshot))? {
///         Progress::Done(value) => return Ok(value),
///         Progress::Fetch(keys) => fetch(&mut snapshot, &keys).await?,
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct Rounds {
    asked: BTreeSet<StateKey>,
    rounds: u32,
}

/// The state of a computation that fetches missing state in rounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<T> {
    /// It has its result.
    Done(T),
    /// These places must be put into the snapshot; then it runs again from the start. Never
    /// empty.
    Fetch(Vec<StateKey>),
}

impl Rounds {
    /// A computation before its first round.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the result of a run.
    ///
    /// # Errors
    /// The run's error, unless it is [`EvmError::Missing`]; [`EvmError::NotFetched`] if a place
    /// that was asked for is still missing; [`EvmError::TooManyRounds`] at the limit.
    pub fn step<T>(&mut self, result: Result<T, EvmError>) -> Result<Progress<T>, EvmError> {
        let keys = match result {
            Ok(value) => return Ok(Progress::Done(value)),
            Err(EvmError::Missing(keys)) => keys,
            Err(other) => return Err(other),
        };
        if let Some(again) = keys.iter().find(|key| self.asked.contains(key)) {
            return Err(EvmError::NotFetched(*again));
        }
        if self.rounds == ROUNDS_MAX {
            return Err(EvmError::TooManyRounds { rounds: self.rounds });
        }
        self.rounds += 1;
        self.asked.extend(&keys);
        Ok(Progress::Fetch(keys))
    }
}

/// Runs until nothing is missing, with a fetch that does not wait.
///
/// # Errors
/// As [`Rounds::step`], or the fetch's own error.
pub fn settle<T, E>(
    snapshot: &mut StateSnapshot,
    mut run: impl FnMut(&StateSnapshot) -> Result<T, EvmError>,
    mut fetch: impl FnMut(&mut StateSnapshot, &[StateKey]) -> Result<(), E>,
) -> Result<T, SettleError<E>> {
    let mut rounds = Rounds::new();
    loop {
        match rounds.step(run(snapshot)).map_err(SettleError::Run)? {
            Progress::Done(value) => return Ok(value),
            Progress::Fetch(keys) => fetch(snapshot, &keys).map_err(SettleError::Fetch)?,
        }
    }
}

/// A computation whose run failed, or for which state could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum SettleError<E> {
    /// The run failed, or its needs have no end.
    #[error("cannot execute locally")]
    Run(#[source] EvmError),
    /// State could not be fetched.
    #[error("cannot fetch chain state")]
    Fetch(#[source] E),
}
