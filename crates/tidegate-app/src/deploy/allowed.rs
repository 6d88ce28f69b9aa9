//! What keeps a deployment from being frozen: a chain whose coin may have value, a deployer that
//! cannot pay.

use std::collections::BTreeSet;

use alloy_primitives::U256;
use tidegate_chain::{Network, is_known_testnet};
use tidegate_engine::{ANCHOR_GAS, DeployRun, Lane};
use tidegate_model::units::format_amount;
use tidegate_plan::Expected;
use tidegate_plan::config::{NetworkConfig, Stage};

use crate::error::{AppError, AppResult, Kind};

/// Refuses to spend on a testnet of which nobody knows that its coin is worth nothing.
///
/// # Errors
/// If the chain is not built in, and `said` does not name it.
pub(super) fn require_testnet(
    name: &str,
    settings: &NetworkConfig,
    said: Option<u64>,
) -> AppResult {
    let NetworkConfig { stage, chain, .. } = *settings;
    if stage != Stage::Testnet || is_known_testnet(chain) || said == Some(chain.0) {
        return Ok(());
    }
    let text =
        format!("{name} is chain {chain}, which Tidegate does not know: its coin may have value");
    Err(AppError::config(text).hint(format!("if it is a testnet, pass --testnet {chain}")))
}

/// Refuses before anything is approved or sent what the deployer cannot pay for.
pub(super) async fn require_balance(
    network: &Network,
    lane: &Lane<'_>,
    expected: &Expected,
    (run, done): (&DeployRun, &BTreeSet<String>),
) -> AppResult {
    let sender = lane.id().sender;
    let head = network.latest_head().await?;
    let balance = network.balance(sender, head.block).await?;
    let fees = network.fee_data().await?;
    let due = expected.gas.iter().filter(|(op, _)| !done.contains(op));
    let gas = due.map(|(_, gas)| gas).sum::<u64>() + ANCHOR_GAS;
    let per_gas = fees.base_fee.saturating_add(fees.priority_fee);
    let base_fee = format_amount(U256::from(fees.base_fee), 9);
    let fees = U256::from(gas).saturating_mul(U256::from(per_gas));
    let due = run.ops.iter().filter(|op| !done.contains(op.id()));
    let needed = due.map(|op| op.tx().value).fold(fees, U256::saturating_add);
    if balance >= needed {
        return Ok(());
    }
    let (balance, needed) = (format_amount(balance, 18), format_amount(needed, 18));
    Err(AppError::new(
        Kind::Chain,
        format!(
            "deployer {sender} holds {balance} ETH; this plan needs about {needed} ETH at a base \
             fee of {base_fee} gwei"
        ),
    )
    .hint(
        "send it ether; where the project has a treasury, `tidegate fund request` asks it; where \
         the base fee is high, wait until it has fallen",
    ))
}
