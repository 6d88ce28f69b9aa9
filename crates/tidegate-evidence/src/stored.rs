//! The storage of created contracts, beside what the plan leaves there.
//!
//! Equal code at an address does not say that its storage is the plan's: a stranger may have
//! created the contract first and used it, or what the plan read on the chain was not what soaked.
//! What others do with a contract later is its use. So a slot that holds something else now is
//! asked for at the block in which it was made.

use alloy_primitives::{Address, B256, U256};
use tidegate_chain::{LogQuery, Network, ReadError};
use tidegate_gates::Findings;
use tidegate_model::stored::{Stored, StoredSlot};
use tidegate_model::{BlockRef, Reason, ReasonCode};

/// The block in which a contract was created, and the Safe's execution if a Safe created it.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// The block after which it is as the plan leaves it.
    pub at: BlockRef,
    /// Where a Safe made it, together with all others.
    pub by_safe: Option<BySafe>,
}

/// The place of a Safe's execution in its chain.
#[derive(Debug, Clone, Copy)]
pub struct BySafe {
    /// The block before it.
    pub before: BlockRef,
    /// The place of its last event among the block's.
    pub last_log: u64,
}

/// The result of comparing a slot.
#[derive(Debug, PartialEq, Eq)]
enum Judged {
    Same,
    /// It held this, and only its execution can have written it.
    Differs(U256),
    /// It held this; what else happened in that block may have written it.
    Used(U256),
}

/// Compares what contracts hold, or held when they were made, with what the plan leaves.
///
/// # Errors
/// If the present state cannot be read.
pub async fn compare_stored(
    network: &Network,
    now: BlockRef,
    contract: &Stored,
    made: Made,
) -> Result<Findings, ReadError> {
    let mut findings = Findings::default();
    for slot in &contract.slots {
        let present = network.storage(contract.address, slot.slot, now).await?;
        if slot.values.contains(&present) {
            continue;
        }
        let (label, name, number) = (&contract.label, &slot.name, made.at.number);
        match judged(network, contract.address, slot, made).await {
            Ok(Judged::Same) => {}
            Ok(Judged::Differs(found)) => {
                let text = format!(
                    "storage of {label}: {name} held {} in block {number}, the plan leaves {}",
                    B256::from(found),
                    shown(&slot.values)
                );
                findings.faults.push(Reason::new(ReasonCode::StorageDiffers, text));
            }
            Ok(Judged::Used(found)) => {
                let text = format!(
                    "storage of {label}: {name} held {} after block {number}, the plan leaves {}; \
                     it was used in that block after it was made, which may be why",
                    B256::from(found),
                    shown(&slot.values)
                );
                findings.missing.push(Reason::new(ReasonCode::StorageUsed, text));
            }
            Err(_) => {
                let text = format!(
                    "slot {name} of {label} has changed since its creation, and {} does not keep \
                     the state of block {number}; ask an endpoint that does",
                    network.name()
                );
                findings.missing.push(Reason::new(ReasonCode::StorageUnkept, text));
            }
        }
    }
    Ok(findings)
}

async fn judged(
    network: &Network,
    address: Address,
    slot: &StoredSlot,
    made: Made,
) -> Result<Judged, ReadError> {
    let found = network.storage(address, slot.slot, made.at).await?;
    let before = match &made.by_safe {
        Some(safe) if !slot.is_written => {
            Some(network.storage(address, slot.slot, safe.before).await?)
        }
        _ => None,
    };
    if is_left(slot, found, before) {
        return Ok(Judged::Same);
    }
    let Some(BySafe { last_log, .. }) = made.by_safe else { return Ok(Judged::Differs(found)) };
    let (from, to) = (made.at.number, made.at.number);
    let query = LogQuery { addresses: vec![address], topics: Vec::new(), from, to };
    let later = network.logs(&query).await?.iter().any(|log| log.index > last_log);
    Ok(if later { Judged::Used(found) } else { Judged::Differs(found) })
}

/// Whether a slot was what the plan leaves. Where others had used the contract before, what the
/// plan does not write is left as they had left it.
fn is_left(slot: &StoredSlot, found: U256, before: Option<U256>) -> bool {
    slot.values.contains(&found) || before == Some(found)
}

fn shown(values: &[U256]) -> String {
    let values: Vec<_> = values.iter().map(|value| B256::from(*value).to_string()).collect();
    values.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_left_before_is_theirs_but_not_where_the_plan_writes() {
        let slot = |values: &[u64], is_written| StoredSlot {
            slot: U256::ZERO,
            name: "boss".to_owned(),
            values: values.iter().map(|value| U256::from(*value)).collect(),
            is_written,
        };
        let left = |slot: &StoredSlot, found: u64, before: Option<u64>| {
            is_left(slot, U256::from(found), before.map(U256::from))
        };
        let (written, zero) = (slot(&[7, 9], true), slot(&[0], false));
        assert!(left(&written, 7, None) && left(&written, 9, None));
        assert!(!left(&written, 8, None));
        assert!(left(&zero, 0, Some(3)) && left(&zero, 3, Some(3)));
        assert!(!left(&zero, 3, Some(0)), "the execution wrote it");
        assert!(!left(&zero, 3, None), "made by a key: nobody came before");
    }
}
