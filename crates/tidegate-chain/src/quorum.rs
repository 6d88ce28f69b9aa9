//! Agreement of endpoints.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::endpoint::Endpoint;
use crate::{EndpointError, Network, ReadError, Reading, Subject};

/// Answers by endpoint, and why the last endpoint that gave none gave none.
pub(crate) struct Answers<'a, T> {
    reading: Reading,
    given: Vec<(&'a Endpoint, T)>,
    failed: Option<Box<EndpointError>>,
}

impl<'a, T> Answers<'a, T> {
    pub(crate) fn given(&self) -> &[(&'a Endpoint, T)] {
        &self.given
    }
}

// What is read is a function of one lifetime to one future, and not an `AsyncFn`: only so does the
// compiler see that these futures are `Send`.
impl Network {
    /// The answer that the reading asks for: of a quorum, all of whose answers must be equal, or
    /// of the first endpoint that answers.
    pub(crate) async fn agree<'a, T: PartialEq, F>(
        &'a self,
        what: Subject,
        read: impl Fn(&'a Endpoint) -> F,
    ) -> Result<T, ReadError>
    where
        F: Future<Output = Result<T, EndpointError>>,
    {
        let answers = self.answers(what, read).await?;
        self.unanimous(what, answers)
    }

    /// The answer of the first endpoint that gives one, whatever the reading.
    pub(crate) async fn first<'a, T: PartialEq, F>(
        &'a self,
        what: Subject,
        read: impl Fn(&'a Endpoint) -> F,
    ) -> Result<T, ReadError>
    where
        F: Future<Output = Result<T, EndpointError>>,
    {
        let answers = self.asked(Reading::Single, what, read).await?;
        self.unanimous(what, answers)
    }

    /// As [`Network::agree`], for what an endpoint may not have seen yet: an endpoint that knows
    /// nothing is no answer where others know something.
    pub(crate) async fn agree_if_any<'a, T: PartialEq, F>(
        &'a self,
        what: Subject,
        read: impl Fn(&'a Endpoint) -> F,
    ) -> Result<Option<T>, ReadError>
    where
        F: Future<Output = Result<Option<T>, EndpointError>>,
    {
        let mut answers = self.answers(what, read).await?;
        if answers.given.iter().any(|(_, answer)| answer.is_some()) {
            answers.given.retain(|(_, answer)| answer.is_some());
        }
        self.unanimous(what, answers)
    }

    /// The answers of all endpoints, at least a quorum; or the first answer.
    pub(crate) async fn answers<'a, T, F>(
        &'a self,
        what: Subject,
        read: impl Fn(&'a Endpoint) -> F,
    ) -> Result<Answers<'a, T>, ReadError>
    where
        F: Future<Output = Result<T, EndpointError>>,
    {
        self.asked(self.mode(), what, read).await
    }

    async fn asked<'a, T, F>(
        &'a self,
        reading: Reading,
        what: Subject,
        read: impl Fn(&'a Endpoint) -> F,
    ) -> Result<Answers<'a, T>, ReadError>
    where
        F: Future<Output = Result<T, EndpointError>>,
    {
        let mut answers = Answers { reading, given: Vec::new(), failed: None };
        let endpoints = self.raw_endpoints();
        let read = |endpoint| self.in_time(endpoint, read(endpoint));
        if reading == Reading::Single {
            for endpoint in endpoints {
                match read(endpoint).await {
                    Ok(answer) => {
                        answers.given.push((endpoint, answer));
                        return Ok(answers);
                    }
                    Err(error) => answers.failed = Some(Box::new(error)),
                }
            }
        } else {
            let asked = join_all(endpoints.iter().map(read)).await;
            for (endpoint, answer) in endpoints.iter().zip(asked) {
                match answer {
                    Ok(answer) => answers.given.push((endpoint, answer)),
                    Err(error) => answers.failed = Some(Box::new(error)),
                }
            }
        }
        self.enough(what, answers)
    }

    /// An endpoint's answer, if there is time left for it.
    async fn in_time<T>(
        &self,
        endpoint: &Endpoint,
        answer: impl Future<Output = Result<T, EndpointError>>,
    ) -> Result<T, EndpointError> {
        let Some(budget) = self.budget() else { return answer.await };
        tokio::time::timeout_at(budget.until, answer).await.unwrap_or_else(|_| {
            Err(EndpointError::Budget { endpoint: endpoint.url.clone(), secs: budget.secs })
        })
    }

    /// The one answer that all endpoints gave.
    pub(crate) fn unanimous<T: PartialEq>(
        &self,
        what: Subject,
        answers: Answers<'_, T>,
    ) -> Result<T, ReadError> {
        let mut answers = self.enough(what, answers)?;
        let differ = answers.given.windows(2).any(|pair| pair[0].1 != pair[1].1);
        if differ {
            let endpoints = answers.given.iter().map(|(at, _)| at.url.clone()).collect();
            return Err(ReadError::Disagreement { what, endpoints });
        }
        let (_, answer) = answers.given.pop().expect("enough answers are at least one");
        Ok(answer)
    }

    fn enough<'a, T>(
        &self,
        what: Subject,
        answers: Answers<'a, T>,
    ) -> Result<Answers<'a, T>, ReadError> {
        let operators: BTreeSet<&str> =
            answers.given.iter().map(|(at, _)| at.operator.as_str()).collect();
        let (have, want) = (operators.len(), self.wanted(answers.reading));
        match (have >= want, answers.reading, answers.failed) {
            (true, _, failed) => Ok(Answers { failed, ..answers }),
            (false, Reading::Single, Some(source)) => Err(ReadError::Endpoint { what, source }),
            (false, _, source) => Err(ReadError::TooFewEndpoints { what, have, want, source }),
        }
    }
}
