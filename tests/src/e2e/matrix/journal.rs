//! What the outside checker needs of a scene: a lane's journal, and the sender's transactions.

use alloy_primitives::{B256, U64};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tidegate_model::event::{LaneEvent, LaneId};
use tidegate_model::{BlockRef, ChainId, NetworkId};
use tidegate_store::{Home, Store, StreamName};
use tidegate_testkit::Anvil;
use tidegate_testkit::checker::{Checker, Findings, Mined};

use super::subject::Subject;
use crate::support::Scene;

/// The most that a transaction may pay a gas, in wei.
const FEE_MAX: u128 = 500_000_000_000;

/// Has the checker compare journal and chain, which must be right, and complete.
pub(super) fn checked(scene: &Scene<'_>, subject: &Subject) -> Result<Findings, Failed> {
    let anvil = (subject.chain)(scene.world);
    let genesis = block(anvil, "0x0")?;
    let chain: U64 = serde_json::from_value(anvil.rpc("eth_chainId", json!([]))?)?;
    let network = NetworkId { chain: ChainId(chain.to()), genesis: hash_of(&genesis["hash"])? };
    let lane = LaneId { network, sender: subject.sender };
    let home = Home::new(scene.person(subject.person).home());
    let store = Store::open(&home.journal())?;
    let mut journal = Vec::new();
    for event in store.read(&StreamName::new(&lane.stream())?)? {
        journal.push(serde_json::from_value::<LaneEvent>(event.body)?);
    }
    let mined = mined(anvil, subject)?;
    let checker = Checker {
        chain: chain.to(),
        sender: subject.sender,
        fee_max: FEE_MAX,
        journal: &journal,
        mined: &mined,
        sent: &[],
    };
    let found = checker.check();
    if found.broken.is_empty() && found.foreign.is_empty() && found.reverted.is_empty() {
        return Ok(found);
    }
    Err(format!("{found:?}").into())
}

/// The sender's transactions in all blocks.
fn mined(anvil: &Anvil, subject: &Subject) -> Result<Vec<Mined>, Failed> {
    let number =
        |value: &Value| Ok::<u64, Failed>(serde_json::from_value::<U64>(value.clone())?.to());
    let last = number(&block(anvil, "latest")?["number"])?;
    let last_final = number(&block(anvil, "finalized")?["number"])?;
    let mut mined = Vec::new();
    for at in 0..=last {
        let block = block(anvil, &format!("{at:#x}"))?;
        for tx in block["transactions"].as_array().into_iter().flatten() {
            if tx["from"].as_str().map(str::parse) != Some(Ok(subject.sender)) {
                continue;
            }
            let receipt = anvil.rpc("eth_getTransactionReceipt", json!([tx["hash"]]))?;
            mined.push(Mined {
                hash: hash_of(&tx["hash"])?,
                nonce: number(&tx["nonce"])?,
                block: BlockRef { number: at, hash: hash_of(&block["hash"])? },
                success: receipt["status"] == "0x1",
                is_final: at <= last_final,
            });
        }
    }
    Ok(mined)
}

fn block(anvil: &Anvil, number: &str) -> Result<Value, Failed> {
    Ok(anvil.rpc("eth_getBlockByNumber", json!([number, true]))?)
}

fn hash_of(value: &Value) -> Result<B256, Failed> {
    Ok(serde_json::from_value(value.clone())?)
}
