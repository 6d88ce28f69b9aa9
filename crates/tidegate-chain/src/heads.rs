//! Blocks: which there are, which is final, which belongs to the chain.

use alloy_primitives::{B256, U64};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tidegate_model::ids::{BlockRef, Head};

use crate::endpoint::Endpoint;
use crate::wire::WireHead;
use crate::{EndpointError, Network, ReadError, Subject};

const BY_NUMBER: &str = "eth_getBlockByNumber";
const BY_HASH: &str = "eth_getBlockByHash";
const FINALIZED: &str = "finalized";
/// Of many blocks, this many are asked for at a time.
const HEADS_AT_ONCE: usize = 32;

impl Network {
    /// The highest block that all endpoints hold for final: the lowest of theirs, which the
    /// others must have at its height.
    ///
    /// # Errors
    /// If too few endpoints answer, they disagree, or one is far behind another or the clock,
    /// which matters not [for a stop](Network::for_stop).
    pub async fn finalized_head(&self) -> Result<Head, ReadError> {
        self.common_head(Subject::FinalizedHead, FINALIZED).await
    }

    /// The highest block that all endpoints have. It may still go.
    ///
    /// # Errors
    /// If too few endpoints answer, they disagree, or one is far behind another or the clock.
    pub async fn latest_head(&self) -> Result<Head, ReadError> {
        self.common_head(Subject::LatestHead, "latest").await
    }

    /// The block at a height, which may still go unless it is final.
    ///
    /// # Errors
    /// If there is none yet, too few endpoints answer, or they disagree.
    pub async fn head_at(&self, number: u64) -> Result<Head, ReadError> {
        let what = Subject::BlockNumber(number);
        self.head_if_at(number).await?.ok_or(ReadError::NotFound { what })
    }

    /// The block with a hash, or `None` where no endpoint knows it. That it is known does not
    /// mean that it belongs to the chain, see [`Network::is_canonical`].
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn head_by_hash(&self, hash: B256) -> Result<Option<Head>, ReadError> {
        self.agree_if_any(Subject::BlockHash(hash), |endpoint| async move {
            let head = block(endpoint, BY_HASH, json!([hash, false])).await?;
            match head {
                Some(head) if head.block.hash != hash => {
                    Err(endpoint.bad_answer(BY_HASH, "about this hash"))
                }
                head => Ok(head),
            }
        })
        .await
    }

    /// Whether the block is the one at its height. That can change until it is final.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn is_canonical(&self, block: BlockRef) -> Result<bool, ReadError> {
        Ok(self.head_if_at(block.number).await?.is_some_and(|head| head.block == block))
    }

    /// The blocks at these heights, in their order; `None` for one that no endpoint has.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn heads_at(&self, numbers: &[u64]) -> Result<Vec<Option<Head>>, ReadError> {
        let mut heads = Vec::with_capacity(numbers.len());
        for some in numbers.chunks(HEADS_AT_ONCE) {
            for head in join_all(some.iter().map(|number| self.head_if_at(*number))).await {
                heads.push(head?);
            }
        }
        Ok(heads)
    }

    async fn head_if_at(&self, number: u64) -> Result<Option<Head>, ReadError> {
        self.agree_if_any(Subject::BlockNumber(number), |at| at_height(at, number)).await
    }

    async fn common_head(&self, what: Subject, tag: &'static str) -> Result<Head, ReadError> {
        let asked = self.answers(what, |endpoint| async move {
            match block(endpoint, BY_NUMBER, json!([tag, false])).await {
                Ok(Some(head)) => Ok(head),
                Ok(None) if tag == FINALIZED => Err(no_finality(endpoint, None)),
                Ok(None) => Err(endpoint.bad_answer(BY_NUMBER, "a block")),
                Err(error @ EndpointError::Rpc { .. }) if tag == FINALIZED => {
                    Err(no_finality(endpoint, Some(Box::new(error))))
                }
                Err(error) => Err(error),
            }
        });
        let answers = asked.await?;
        let named = |(at, head): &(&Endpoint, Head)| (at.url.to_string(), head.timestamp);
        let mut times: Vec<_> = answers.given().iter().map(named).collect();
        self.require_fresh(what, &times)?;
        let mut heads = answers.given().iter().map(|(_, head)| *head);
        let first = heads.next().ok_or(ReadError::NotFound { what })?;
        let lowest = heads
            .fold(first, |low, head| if head.block.number < low.block.number { head } else { low });
        if answers.given().iter().all(|(_, head)| *head == lowest) {
            return Ok(lowest);
        }
        // The ones that are ahead must have the same block at that height.
        let asked = self.agree(what, |endpoint| async move {
            let head = at_height(endpoint, lowest.block.number).await?;
            head.ok_or_else(|| endpoint.bad_answer(BY_NUMBER, "a block it just had"))
        });
        let agreed = asked.await?;
        // A low height under a new time is as old as the block that stands there.
        times.push(("the block that all have".to_owned(), agreed.timestamp));
        self.require_fresh(what, &times)?;
        Ok(agreed)
    }

    fn require_fresh(&self, what: Subject, times: &[(String, u64)]) -> Result<(), ReadError> {
        if self.is_for_stop() {
            return Ok(());
        }
        self.freshness().check(times).map_err(|figures| ReadError::Stale { what, figures })
    }
}

fn no_finality(endpoint: &Endpoint, source: Option<Box<EndpointError>>) -> EndpointError {
    EndpointError::NoFinality { endpoint: endpoint.url.clone(), method: BY_NUMBER, source }
}

async fn at_height(endpoint: &Endpoint, number: u64) -> Result<Option<Head>, EndpointError> {
    let head = block(endpoint, BY_NUMBER, json!([U64::from(number), false])).await?;
    match head {
        Some(head) if head.block.number != number => {
            Err(endpoint.bad_answer(BY_NUMBER, "about this height"))
        }
        head => Ok(head),
    }
}

async fn block(
    endpoint: &Endpoint,
    method: &'static str,
    params: Value,
) -> Result<Option<Head>, EndpointError> {
    let block: Option<WireHead> = endpoint.read(method, params).await?;
    match block {
        None => Ok(None),
        Some(block) => match block.head() {
            Some(head) => Ok(Some(head)),
            None => Err(endpoint.bad_answer(method, "a sealed block")),
        },
    }
}
