//! Where an account rose by more than the transactions that are known explain.

use std::collections::BTreeMap;
use std::ops::Bound;

use alloy_primitives::{Address, I256, U64, U256};
use serde_json::json;
use tidegate_model::ids::Head;

use crate::{Network, ReadError, Subject, Transaction};

/// A block after which an account held more than is explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rise {
    /// The block.
    pub head: Head,
    /// By how much, in wei.
    pub amount: U256,
    /// The block's transactions that name the account and carry value, whether or not they
    /// succeeded.
    pub payments: Vec<Transaction>,
}

/// Blocks between which the unexplained part of a balance changed, each with that part.
#[derive(Clone, Copy)]
struct Span {
    low: (u64, I256),
    high: (u64, I256),
}

impl Network {
    /// The first `limit` blocks after `since` and up to `upper` in which the balance of `account`
    /// rose beyond `known`, by which known transactions changed it in each block. Needs nodes that
    /// keep the state of old blocks, back to `since`.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn rises(
        &self,
        account: Address,
        since: u64,
        upper: Head,
        known: &BTreeMap<u64, I256>,
        limit: usize,
    ) -> Result<Vec<Rise>, ReadError> {
        let mut found = Vec::new();
        let low = (since, self.unexplained(account, since, since, known).await?);
        let top = upper.block.number;
        let high = (top, self.unexplained(account, since, top, known).await?);
        // A stack, the earliest span on top, so that blocks come in order.
        let mut spans = vec![Span { low, high }];
        while let Some(Span { low, high }) = spans.pop() {
            if found.len() == limit {
                break;
            }
            if high.0 <= low.0 || high.1 == low.1 {
                continue;
            }
            if high.0 - low.0 == 1 {
                let rise = high.1.saturating_sub(low.1);
                if rise.is_positive() {
                    found.push(self.rise(account, high.0, rise.unsigned_abs()).await?);
                }
                continue;
            }
            let height = low.0 + (high.0 - low.0) / 2;
            let middle = (height, self.unexplained(account, since, height, known).await?);
            spans.push(Span { low: middle, high });
            spans.push(Span { low, high: middle });
        }
        Ok(found)
    }

    /// A balance less what known transactions after `since` made of it.
    async fn unexplained(
        &self,
        account: Address,
        since: u64,
        height: u64,
        known: &BTreeMap<u64, I256>,
    ) -> Result<I256, ReadError> {
        let params = json!([account, U64::from(height)]);
        let balance = self
            .agree(Subject::Balance(account), |endpoint| {
                endpoint.read::<U256>("eth_getBalance", params.clone())
            })
            .await?;
        let explained = known
            .range((Bound::Excluded(since), Bound::Included(height)))
            .fold(I256::ZERO, |sum, (_, change)| sum.saturating_add(*change));
        Ok(I256::from_raw(balance).saturating_sub(explained))
    }

    async fn rise(&self, account: Address, height: u64, amount: U256) -> Result<Rise, ReadError> {
        let head = self.head_at(height).await?;
        let mut payments = self.block_transactions(head.block).await?;
        payments.retain(|tx| tx.to == Some(account) && !tx.value.is_zero());
        Ok(Rise { head, amount, payments })
    }
}
