//! What has to be found by bisection.

use std::ops::Range;

use alloy_primitives::{Address, U256};
use tidegate_model::ids::Head;

use crate::{Authorization, Authorized, Network, ReadError, Sent, Subject, Transaction};

const SENDER_TRANSACTIONS_MAX: usize = 2_000;
/// Fewer blocks are read faster than searched.
const SEARCH_BLOCKS_MIN: u64 = 2_000;

/// Blocks between which an account's nonce moved.
#[derive(Clone, Copy)]
struct Span {
    /// A block, and the nonce after it.
    low: (u64, u64),
    /// A later block, and the nonce after it.
    high: (u64, u64),
}

impl Network {
    /// The first block with a timestamp of at least `timestamp`, not later than `upper`; `None`
    /// where `upper` itself is earlier. Asks for some thirty blocks.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree.
    pub async fn first_block_at_or_after(
        &self,
        timestamp: u64,
        upper: Head,
    ) -> Result<Option<Head>, ReadError> {
        if upper.timestamp < timestamp {
            return Ok(None);
        }
        let mut found = upper;
        // Invariant: each block below `low` is too early, and `found` is not.
        let mut low = 0;
        while low < found.block.number {
            let middle = self.head_at(low + (found.block.number - low) / 2).await?;
            if middle.timestamp < timestamp {
                low = middle.block.number + 1;
            } else {
                found = middle;
            }
        }
        Ok(Some(found))
    }

    /// A block before which a contract had logged nothing: the one that created it, where nodes
    /// keep the state of old blocks; else the first.
    pub async fn first_block_of(&self, contract: Address, upper: Head) -> u64 {
        let (mut low, mut found) = (0, upper.block.number);
        if found <= SEARCH_BLOCKS_MIN {
            return low;
        }
        // Invariant: at `found` it exists, and below `low` it does not.
        while low < found {
            let middle = low + (found - low) / 2;
            match self.nonce_at_height(contract, middle).await {
                Ok(0) => low = middle + 1,
                Ok(_) => found = middle,
                Err(_) => return 0,
            }
        }
        found
    }

    /// The transactions of `sender` with nonces from `from_nonce` up to and without `to_nonce`, as
    /// [`Network::sent`] finds them; nonces that an authorization took have none.
    ///
    /// # Errors
    /// As [`Network::sent`], and if nothing is known to have taken one of the nonces.
    pub async fn sender_transactions(
        &self,
        sender: Address,
        from_nonce: u64,
        to_nonce: u64,
        since: u64,
        upper: Head,
    ) -> Result<Vec<Transaction>, ReadError> {
        let sent = self.sent(sender, from_nonce, to_nonce, since, upper).await?;
        match sent.unexplained.first() {
            Some(nonce) => Err(ReadError::NotFound { what: Subject::SenderNonce(sender, *nonce) }),
            None => Ok(sent.transactions),
        }
    }

    /// The transactions and EIP-7702 authorizations that took the nonces `from_nonce..to_nonce` of
    /// `sender`, as included up to the block `upper`. `since` is a block by which the nonce was not
    /// yet above `from_nonce`; 0 if that is not known. Needs nodes that keep the state of old
    /// blocks, back to `since`.
    ///
    /// # Errors
    /// If `to_nonce` is not reached or `since` too late, there are too many, too few endpoints
    /// answer, or they disagree.
    pub async fn sent(
        &self,
        sender: Address,
        from_nonce: u64,
        to_nonce: u64,
        since: u64,
        upper: Head,
    ) -> Result<Sent, ReadError> {
        let none = |nonce| ReadError::NotFound { what: Subject::SenderNonce(sender, nonce) };
        let wanted = to_nonce.saturating_sub(from_nonce);
        if wanted > SENDER_TRANSACTIONS_MAX as u64 {
            let (of, limit) = ("transactions", SENDER_TRANSACTIONS_MAX);
            return Err(ReadError::TooMany { what: Subject::Nonce(sender), of, limit });
        }
        let mut sent = Sent::default();
        if wanted == 0 {
            return Ok(sent);
        }
        let high = (upper.block.number, self.nonce(sender, upper.block).await?);
        let low = (since, self.nonce_at_height(sender, since).await?);
        if high.1 < to_nonce {
            return Err(none(high.1));
        }
        if low.1 > from_nonce || since > upper.block.number {
            return Err(none(from_nonce));
        }
        // A stack, the earliest span on top, so that transactions come in order.
        let mut spans = vec![Span { low, high }];
        while let Some(span) = spans.pop() {
            let Span { low, high } = span;
            if high.1 <= low.1 || high.1 <= from_nonce || low.1 >= to_nonce {
                continue;
            }
            if high.0 - low.0 == 1 {
                let nonces = low.1.max(from_nonce)..high.1.min(to_nonce);
                self.of_sender(sender, span, nonces, &mut sent).await?;
                continue;
            }
            let height = low.0 + (high.0 - low.0) / 2;
            let middle = (height, self.nonce_at_height(sender, height).await?);
            spans.push(Span { low: middle, high });
            spans.push(Span { low, high: middle });
        }
        Ok(sent)
    }

    /// The transactions and authorizations that took nonces of a sender in one block.
    async fn of_sender(
        &self,
        sender: Address,
        span: Span,
        nonces: Range<u64>,
        sent: &mut Sent,
    ) -> Result<(), ReadError> {
        let head = self.head_at(span.high.0).await?;
        let all = self.block_transactions(head.block).await?;
        let chain = U256::from(self.id().chain.0);
        let on_chain = |given: &&Authorization| given.chain.is_zero() || given.chain == chain;
        for nonce in nonces {
            if let Some(tx) = all.iter().find(|tx| tx.from == sender && tx.nonce == nonce) {
                sent.transactions.push(tx.clone());
                continue;
            }
            let given = all.iter().find_map(|tx| {
                let given = tx.authorizations.iter().filter(on_chain);
                let mut given = given.filter(|given| given.nonce == nonce);
                let found = given.find(|given| given.authority() == Some(sender))?;
                let (code, transaction, block) = (found.address, tx.hash, head.block);
                Some(Authorized { nonce, code, transaction, block })
            });
            match given {
                Some(given) => sent.authorized.push(given),
                None => sent.unexplained.push(nonce),
            }
        }
        Ok(())
    }
}
