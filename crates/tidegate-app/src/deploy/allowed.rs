//! What keeps a deployment from being frozen: a chain whose coin may have value, a deployer that
//! cannot pay.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use tidegate_chain::{Network, is_known_testnet};
use tidegate_engine::{ANCHOR_GAS, DeployRun, Lane};
use tidegate_model::units::format_amount;
use tidegate_plan::Expected;
use tidegate_plan::config::{NetworkConfig, Stage};

use crate::error::{AppError, AppResult, Kind};
use crate::sending::FUND_OR_WAIT;

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
    let base_fee = fees.base_fee;
    let fees = U256::from(gas).saturating_mul(U256::from(per_gas));
    let due = run.ops.iter().filter(|op| !done.contains(op.id()));
    let needed = due.map(|op| op.tx().value).fold(fees, U256::saturating_add);
    if balance >= needed {
        return Ok(());
    }
    Err(short(sender, balance, needed, base_fee))
}

/// A sender that cannot pay for a plan. What a base fee says of that, people see.
fn short(sender: Address, balance: U256, needed: U256, base_fee: u128) -> AppError {
    let (balance, needed) = (format_amount(balance, 18), format_amount(needed, 18));
    let base_fee = format_amount(U256::from(base_fee), 9);
    let what = format!(
        "deployer {sender} holds {balance} ETH; this plan needs about {needed} ETH at a base fee \
         of {base_fee} gwei"
    );
    AppError::new(Kind::Chain, what).hint(FUND_OR_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Below the cap of 500 gwei, 300 are still a hundred times what is usual.
    #[test]
    fn who_cannot_pay_at_a_high_base_fee_is_told_to_wait_as_well() {
        let ether = |thousandths: u64| U256::from(thousandths) * U256::from(10).pow(U256::from(15));
        let error = short(Address::ZERO, ether(50), ether(1_350), 300_000_000_000);
        let text = error.to_string();
        for part in ["holds 0.05 ETH", "needs about 1.35 ETH", "a base fee of 300 gwei"] {
            assert!(text.contains(part), "{text}: {part}");
        }
        let hints = format!("{:?}", error.hints);
        assert!(hints.contains("send it ether"), "{hints}");
        assert!(hints.contains("base fee is high, wait until it has fallen"), "{hints}");
    }
}
