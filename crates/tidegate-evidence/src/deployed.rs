//! Whether a chain bears out what a deployment record claims: who deployed.
//!
//! Anybody can write a file, and anybody can send themselves the bytes of an anchor. So a record
//! makes its executor a deployer only by what that key did: it sent the anchor of exactly this
//! deployment, and it created a contract of it that stands there.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use tidegate_chain::{Network, ReadError, Receipt, Transaction};
use tidegate_model::record::{
    ANCHOR_OP, DeploymentRecord, FOREIGN_OP, MinedTransaction, anchor_calldata,
};

use crate::soak::created;

/// The most transactions of a record that are looked at for one that creates.
const TRANSACTIONS_MAX: usize = 256;
/// The most contracts that a record may name.
const CONTRACTS_MAX: usize = 1_024;

/// The part of a deployment record that its chain confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borne {
    /// Nothing: its executor sent no anchor that names this deployment.
    Nothing,
    /// The anchor alone.
    Anchor,
    /// The anchor; and all its contracts stand, of which its executor created one or more.
    Contracts,
}

/// Compares a record with its chain at the finalized head: the anchor by its executor, and the
/// contracts that it created.
///
/// # Errors
/// If too few endpoints answer, or they disagree.
pub async fn borne_out(network: &Network, record: &DeploymentRecord) -> Result<Borne, ReadError> {
    let Some(anchor) = mined(network, record.anchor()).await? else { return Ok(Borne::Nothing) };
    if !anchors(record, &anchor.0, &anchor.1) {
        return Ok(Borne::Nothing);
    }
    let contracts: BTreeSet<_> = record.deployment.addresses().into_iter().collect();
    if contracts.len() > CONTRACTS_MAX
        || !has_created(network, record, &anchor.1, &contracts).await?
    {
        return Ok(Borne::Anchor);
    }
    let head = network.finalized_head().await?;
    for contract in contracts {
        if network.code(contract, head.block).await?.is_empty() {
            return Ok(Borne::Anchor);
        }
    }
    Ok(Borne::Contracts)
}

/// Whether a chain has nothing of a deployment where its record says that it was made: neither the
/// anchor nor its block, nor in its block any other transaction of its own run. Then the chain was
/// begun anew, or it is read where it is behind; what stands there by now was made by others.
///
/// # Errors
/// As [`borne_out`].
pub async fn is_wiped(network: &Network, record: &DeploymentRecord) -> Result<bool, ReadError> {
    let (run, Some(anchor)) = (record.own_run(), record.anchor()) else { return Ok(false) };
    if mined(network, Some(anchor)).await?.is_some() || network.is_canonical(anchor.block).await? {
        return Ok(false);
    }
    for recorded in run {
        let receipt = network.receipt(recorded.hash).await?;
        if receipt.is_some_and(|receipt| receipt.block == recorded.block) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A recorded transaction as the chain has it, if it is there.
pub(crate) async fn mined(
    network: &Network,
    recorded: Option<&MinedTransaction>,
) -> Result<Option<(Transaction, Receipt)>, ReadError> {
    let Some(recorded) = recorded else { return Ok(None) };
    let Some(tx) = network.transaction(recorded.hash).await? else { return Ok(None) };
    Ok(network.receipt(recorded.hash).await?.map(|receipt| (tx, receipt)))
}

async fn has_created(
    network: &Network,
    record: &DeploymentRecord,
    anchor: &Receipt,
    contracts: &BTreeSet<Address>,
) -> Result<bool, ReadError> {
    let of_plan =
        |sent: &&MinedTransaction| sent.success && sent.op != ANCHOR_OP && sent.op != FOREIGN_OP;
    for recorded in record.transactions.iter().filter(of_plan).take(TRANSACTIONS_MAX) {
        if let Some((tx, receipt)) = mined(network, Some(recorded)).await?
            && creates(record, &tx, &receipt, anchor).is_some_and(|made| contracts.contains(&made))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a transaction is the anchor that a record's executor sent of just this deployment.
fn anchors(record: &DeploymentRecord, tx: &Transaction, receipt: &Receipt) -> bool {
    let executor = record.deployment.executor;
    let Ok(deployment) = record.deployment.digest() else { return false };
    let named = tx.input == anchor_calldata(record.release_root, deployment);
    named && tx.from == executor && tx.to == Some(executor) && receipt.status
}

/// The contract that the executor created by a transaction before its anchor.
fn creates(
    record: &DeploymentRecord,
    tx: &Transaction,
    receipt: &Receipt,
    anchor: &Receipt,
) -> Option<Address> {
    let before = (receipt.block.number, receipt.index) < (anchor.block.number, anchor.index);
    let own = tx.from == record.deployment.executor && receipt.status && before;
    own.then(|| created(tx)).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy_primitives::{B256, Bytes, U256};
    use tidegate_model::digest::CREATE2_PROXY;
    use tidegate_model::record::Deployment;
    use tidegate_model::{BlockRef, BuildDigest, ChainId, ReleaseRoot, ScopeRoot};

    use super::*;

    const EVA: Address = Address::with_last_byte(7);

    fn record() -> DeploymentRecord {
        DeploymentRecord {
            v: DeploymentRecord::VERSION,
            name: "vault-1.0.0".to_owned(),
            id: 0,
            release_root: ReleaseRoot(B256::repeat_byte(1)),
            scope_root: ScopeRoot(B256::ZERO),
            deployment: Deployment {
                v: Deployment::VERSION,
                chain: ChainId(5),
                genesis: B256::ZERO,
                build_digest: BuildDigest(B256::ZERO),
                executor: EVA,
                steps: BTreeMap::new(),
                libraries: BTreeMap::new(),
                externals: BTreeMap::new(),
                params: BTreeMap::new(),
                slots: Vec::new(),
                found: BTreeMap::new(),
            },
            initcodes: BTreeMap::new(),
            mocks: BTreeMap::new(),
            transactions: Vec::new(),
        }
    }

    fn sent(from: Address, to: Address, input: Vec<u8>) -> Transaction {
        Transaction {
            hash: B256::ZERO,
            from,
            nonce: 0,
            to: Some(to),
            value: U256::ZERO,
            input: input.into(),
            gas_limit: 0,
            authorizations: Vec::new(),
            block: None,
        }
    }

    fn at(number: u64, index: u64, status: bool) -> Receipt {
        Receipt {
            transaction: B256::ZERO,
            block: BlockRef { number, hash: B256::ZERO },
            index,
            from: EVA,
            to: None,
            status,
            gas_used: 0,
            effective_gas_price: 0,
            contract_address: None,
            logs: Vec::new(),
        }
    }

    #[test]
    fn an_anchor_names_its_own_deployment_and_is_its_executor_s() {
        let record = record();
        let own = record.deployment.digest().unwrap();
        let data = |release| anchor_calldata(release, own);
        let good = data(record.release_root);
        assert!(anchors(&record, &sent(EVA, EVA, good.clone()), &at(1, 0, true)));
        let mallory = Address::with_last_byte(8);
        for (from, to, input, status) in [
            (mallory, mallory, good.clone(), true),
            (mallory, EVA, good.clone(), true),
            (EVA, mallory, good.clone(), true),
            (EVA, EVA, good.clone(), false),
            (EVA, EVA, data(ReleaseRoot(B256::ZERO)), true),
            (EVA, EVA, [&good[..], &[0]].concat(), true),
        ] {
            assert!(!anchors(&record, &sent(from, to, input), &at(1, 0, status)));
        }
        // The same bytes under a record that says something else name another deployment.
        let mut other = record.clone();
        other.deployment.executor = mallory;
        assert!(!anchors(&other, &sent(mallory, mallory, good), &at(1, 0, true)));
    }

    #[test]
    fn only_what_the_executor_created_before_the_anchor_is_theirs() {
        let (record, anchor) = (record(), at(9, 3, true));
        let input = || [B256::ZERO.as_slice(), &[0x60, 0x00]].concat();
        let made = Some(CREATE2_PROXY.create2_from_code(B256::ZERO, Bytes::from(vec![0x60, 0x00])));
        let creation = sent(EVA, CREATE2_PROXY, input());
        for (number, index) in [(8, 7), (9, 2)] {
            assert_eq!(creates(&record, &creation, &at(number, index, true), &anchor), made);
        }
        for (tx, receipt) in [
            (creation.clone(), at(9, 4, true)),
            (creation.clone(), at(10, 0, true)),
            (creation, at(8, 0, false)),
            (sent(Address::ZERO, CREATE2_PROXY, input()), at(8, 0, true)),
            (sent(EVA, EVA, input()), at(8, 0, true)),
        ] {
            assert_eq!(creates(&record, &tx, &receipt, &anchor), None);
        }
    }
}
