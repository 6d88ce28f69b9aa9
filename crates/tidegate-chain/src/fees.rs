//! Present fees, by whatever an endpoint says of them.

use alloy_primitives::{U64, U128};
use serde_json::json;

use crate::endpoint::Endpoint;
use crate::wire::{WireBaseFee, WireFees};
use crate::{EndpointError, FeeData, Network, ReadError, Subject};

const FEE_BLOCKS: u64 = 10;
const FEE_PERCENTILE: f64 = 50.0;
const HISTORY: &str = "eth_feeHistory";
const BLOCK: &str = "eth_getBlockByNumber";
/// From block to block a base fee rises by at most one part of so many (EIP-1559).
const RISE_PART: u128 = 8;

impl Network {
    /// Present fees, of all endpoints that answer: the highest base fee, which the next block
    /// decides in any case, and the lowest tip, which nobody decides but who pays it.
    ///
    /// # Errors
    /// If no endpoint answers.
    pub async fn fee_data(&self) -> Result<FeeData, ReadError> {
        let asked = self.raw_endpoints().iter().map(fees_of);
        let (mut given, mut failed) = (Vec::new(), None);
        for answer in futures_util::future::join_all(asked).await {
            match answer {
                Ok(fees) => given.push(fees),
                Err(error) => failed = Some(Box::new(error)),
            }
        }
        let what = Subject::Fees;
        match (lowest_tip(&given), failed) {
            (Some(fees), _) => Ok(fees),
            (None, Some(source)) => Err(ReadError::Endpoint { what, source }),
            (None, None) => Err(ReadError::NotFound { what }),
        }
    }
}

/// The fee data of one endpoint.
async fn fees_of(endpoint: &Endpoint) -> Result<FeeData, EndpointError> {
    let params = json!([U64::from(FEE_BLOCKS), "latest", [FEE_PERCENTILE]]);
    let history: WireFees = match endpoint.read(HISTORY, params).await {
        Err(EndpointError::Rpc { .. } | EndpointError::BadAnswer { .. }) => WireFees::default(),
        history => history?,
    };
    let base_fee = match history.base_fee_per_gas.last() {
        // Before London, nodes write zeros.
        Some(fee) if !fee.is_zero() => fee.to(),
        _ => of_latest(endpoint).await?,
    };
    let paid = history.reward.unwrap_or_default();
    let mut paid: Vec<U128> = paid.into_iter().filter_map(|block| block.first().copied()).collect();
    paid.sort_unstable();
    let priority_fee = match paid.get(paid.len() / 2) {
        Some(median) if !median.is_zero() => median.to(),
        _ => tip(endpoint, base_fee).await?,
    };
    Ok(FeeData { base_fee, priority_fee })
}

/// The most that the next block's base fee can be, by the latest block.
async fn of_latest(endpoint: &Endpoint) -> Result<u128, EndpointError> {
    let latest: Option<WireBaseFee> = endpoint.read(BLOCK, json!(["latest", false])).await?;
    let latest = latest.ok_or_else(|| endpoint.bad_answer(BLOCK, "a block"))?;
    let Some(fee) = latest.base_fee_per_gas else {
        return Err(EndpointError::NoBaseFee { endpoint: endpoint.url.clone(), method: BLOCK });
    };
    let fee: u128 = fee.to();
    Ok(fee.saturating_add(fee.div_ceil(RISE_PART)))
}

/// What an endpoint proposes to pay above the base fee.
async fn tip(endpoint: &Endpoint, base_fee: u128) -> Result<u128, EndpointError> {
    match endpoint.read::<U128>("eth_maxPriorityFeePerGas", json!([])).await {
        Err(EndpointError::Rpc { .. } | EndpointError::BadAnswer { .. }) => {
            let price: U128 = endpoint.read("eth_gasPrice", json!([])).await?;
            Ok(price.to::<u128>().saturating_sub(base_fee))
        }
        fee => Ok(fee?.to()),
    }
}

/// An endpoint that says nothing of tips does not lower them to nothing.
fn lowest_tip(given: &[FeeData]) -> Option<FeeData> {
    let base_fee = given.iter().map(|fees| fees.base_fee).max()?;
    let tips = given.iter().map(|fees| fees.priority_fee);
    let priority_fee = tips.filter(|tip| *tip > 0).min().unwrap_or_default();
    Some(FeeData { base_fee, priority_fee })
}
