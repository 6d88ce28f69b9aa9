//! The transaction by which a Safe executed a promotion, whoever sent it.
//!
//! The helper keeps when it recorded the promotion, and so its block is found by that time: no file
//! has to say it.

use alloy_primitives::{Address, B256};
use tidegate_chain::{Log, LogQuery, Network, ReadError, Receipt, Transaction};
use tidegate_model::record::MinedTransaction;
use tidegate_model::{Head, ProjectId};
use tidegate_safe::EXECUTION_SUCCESS;
use tidegate_safe::helper::{self, Recorded};

/// The most blocks of one second that are looked at.
const BLOCKS_MAX: u64 = 64;

/// The execution of a Safe's transaction: its hash, the transaction that carried it, and the
/// receipt.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The hash of the Safe's transaction.
    pub safe_tx_hash: B256,
    /// The transaction that it is in.
    pub transaction: Transaction,
    /// The receipt of the transaction.
    pub receipt: Receipt,
}

impl Executed {
    /// The operation under which a deployment record lists it.
    pub fn mined(&self) -> MinedTransaction {
        let Self { safe_tx_hash, transaction, receipt } = self;
        MinedTransaction {
            op: format!("execute/{safe_tx_hash}"),
            hash: receipt.transaction,
            from: receipt.from,
            nonce: transaction.nonce,
            block: receipt.block,
            success: receipt.status,
            gas_used: receipt.gas_used,
            fee: receipt.fee(),
        }
    }
}

/// The execution by which a promotion was recorded, up to `head`; `None` where no log speaks of it.
///
/// # Errors
/// If the chain cannot be read.
pub async fn execution_of(
    network: &Network,
    head: Head,
    (safe, project): (Address, ProjectId),
    recorded: &Recorded,
) -> Result<Option<Executed>, ReadError> {
    let time = recorded.recorded_at;
    let Some(first) = network.first_block_at_or_after(time, head).await? else { return Ok(None) };
    let from = first.block.number;
    let to = head.block.number.min(from.saturating_add(BLOCKS_MAX));
    let topics = helper::recorded_topics(safe, project, recorded.record.release_root);
    let said = LogQuery {
        addresses: vec![helper::address()],
        topics: topics.map(|topic| vec![topic]).to_vec(),
        from,
        to,
    };
    let said = network.logs(&said).await?;
    let Some(said) = said.iter().find(|log| helper::is_event_of(&log.data, &recorded.record))
    else {
        return Ok(None);
    };
    let at = said.block.number;
    let topics = vec![vec![EXECUTION_SUCCESS]];
    let ran = LogQuery { addresses: vec![safe], topics, from: at, to: at };
    let Some(safe_tx_hash) = executed_hash(said, &network.logs(&ran).await?) else {
        return Ok(None);
    };
    let (transaction, receipt) =
        (network.transaction(said.transaction).await?, network.receipt(said.transaction).await?);
    Ok(match (transaction, receipt) {
        (Some(transaction), Some(receipt)) => Some(Executed { safe_tx_hash, transaction, receipt }),
        _ => None,
    })
}

/// The Safe says that it is done after all that its calls logged: the next one of the same
/// transaction is it.
fn executed_hash(said: &Log, ran: &[Log]) -> Option<B256> {
    let same = ran.iter().filter(|log| log.transaction == said.transaction);
    let later = same.filter(|log| log.index > said.index);
    later.min_by_key(|log| log.index)?.topics.get(1).copied()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Bytes;
    use tidegate_model::BlockRef;

    use super::*;

    fn log(transaction: u8, index: u64, hash: u8) -> Log {
        Log {
            address: Address::ZERO,
            topics: vec![EXECUTION_SUCCESS, B256::repeat_byte(hash)],
            data: Bytes::new(),
            block: BlockRef { number: 1, hash: B256::ZERO },
            transaction: B256::repeat_byte(transaction),
            index,
        }
    }

    #[test]
    fn of_several_executions_in_one_transaction_the_next_one_is_it() {
        let said = log(2, 5, 0);
        let ran = [log(1, 1, 1), log(2, 3, 2), log(2, 9, 4), log(2, 6, 3), log(3, 12, 5)];
        assert_eq!(executed_hash(&said, &ran), Some(B256::repeat_byte(3)));
        assert_eq!(executed_hash(&said, &ran[..2]), None);
    }
}
